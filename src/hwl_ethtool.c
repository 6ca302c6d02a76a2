// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: the operations, identification, reset.
 *
 * All of hwl_ethtool*.c runs under rtnl. An invalid request is refused, with the
 * reason in extack where there is one, before anything is changed.
 */
#include <linux/ethtool.h>

#include "hwl.h"
#include "hwl_ethtool.h"
#include "hwl_led.h"
#include "hwl_nvm.h"
#include "hwl_open.h"
#include "hwl_reset.h"
#include "hwl_selftest.h"

static void hwl_get_drvinfo(struct net_device *netdev,
			    struct ethtool_drvinfo *info)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	strscpy(info->driver, HWL_NAME, sizeof(info->driver));
	strscpy(info->version, HWL_VERSION, sizeof(info->version));
	hwl_nvm_version(&ad->hw, info->fw_version, sizeof(info->fw_version));
	hwl_nvm_rom_version(&ad->hw, info->erom_version,
			    sizeof(info->erom_version));
}

static u32 hwl_get_msglevel(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	return ad->msg_enable;
}

static void hwl_set_msglevel(struct net_device *netdev, u32 level)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	ad->msg_enable = level;
}

/* The core has woken the device, and lets it sleep again behind the operation. */
static int hwl_ethtool_begin(struct net_device *netdev)
{
	return hwl_open_awaken(netdev_priv(netdev));
}

/* ---- Reset ---- */

/* Reset the whole device except the PHY, which keeps the link. */
static int hwl_ethtool_reset(struct net_device *netdev, u32 *flags)
{
	const u32 mac = ETH_RESET_DMA | ETH_RESET_FILTER | ETH_RESET_OFFLOAD |
			ETH_RESET_MAC;
	struct hwl_adapter *ad = netdev_priv(netdev);
	int err;

	if (!(*flags & (mac | ETH_RESET_PHY)))
		return -EOPNOTSUPP;
	if (test_bit(HWL_DOWN, &ad->flags))
		return -ENETDOWN;
	if (*flags & ETH_RESET_PHY)
		set_bit(HWL_PHY_DIRTY, &ad->flags);
	err = hwl_restart(ad);
	if (!err)
		*flags &= ~(mac | ETH_RESET_PHY);
	return err;
}

/* ---- Identification by LED ---- */

static int hwl_set_phys_id(struct net_device *netdev,
			   enum ethtool_phys_id_state state)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_hw *hw = &ad->hw;
	int err;

	switch (state) {
	case ETHTOOL_ID_ACTIVE:
		err = hwl_nvm_read(hw, HWL_NVM_ID_LED, 1, &ad->led_nvm);
		if (err)
			return err;
		ad->led_saved = hwl_rd32(hw, HWL_LEDCTL);
		return 2;
	case ETHTOOL_ID_ON:
	case ETHTOOL_ID_OFF:
		hwl_wr32(hw, HWL_LEDCTL,
			 hwl_led_image(ad->led_nvm, ad->led_saved,
				       state == ETHTOOL_ID_ON ? HWL_LED_ON :
								HWL_LED_OFF,
				       ad->link.up));
		return 0;
	case ETHTOOL_ID_INACTIVE:
		hwl_wr32(hw, HWL_LEDCTL, ad->led_saved);
		return 0;
	}
	return -EINVAL;
}

static const struct ethtool_ops hwl_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS |
				     ETHTOOL_COALESCE_USE_ADAPTIVE,
	.begin			= hwl_ethtool_begin,
	.get_drvinfo		= hwl_get_drvinfo,
	.get_wol		= hwl_et_get_wol,
	.set_wol		= hwl_et_set_wol,
	.get_regs_len		= hwl_et_get_regs_len,
	.get_regs		= hwl_et_get_regs,
	.get_msglevel		= hwl_get_msglevel,
	.set_msglevel		= hwl_set_msglevel,
	.nway_reset		= hwl_et_nway_reset,
	.get_link		= ethtool_op_get_link,
	.get_eeprom_len		= hwl_et_get_eeprom_len,
	.get_eeprom		= hwl_et_get_eeprom,
	.set_eeprom		= hwl_et_set_eeprom,
	.set_phys_id		= hwl_set_phys_id,
	.reset			= hwl_ethtool_reset,
	.self_test		= hwl_selftest,
	.get_coalesce		= hwl_et_get_coalesce,
	.set_coalesce		= hwl_et_set_coalesce,
	.get_per_queue_coalesce	= hwl_et_get_queue_coalesce,
	.set_per_queue_coalesce	= hwl_et_set_queue_coalesce,
	.get_ringparam		= hwl_et_get_ringparam,
	.set_ringparam		= hwl_et_set_ringparam,
	.get_channels		= hwl_et_get_channels,
	.set_channels		= hwl_et_set_channels,
	.get_pauseparam		= hwl_et_get_pauseparam,
	.set_pauseparam		= hwl_et_set_pauseparam,
	.get_link_ksettings	= hwl_et_get_link_ksettings,
	.set_link_ksettings	= hwl_et_set_link_ksettings,
	.get_rxfh_key_size	= hwl_et_get_rxfh_key_size,
	.get_rxfh_indir_size	= hwl_et_get_rxfh_indir_size,
	.get_rxfh		= hwl_et_get_rxfh,
	.set_rxfh		= hwl_et_set_rxfh,
	HWL_COMPAT_OP(get_rxfh_fields, hwl_et_get_rxfh_fields)
	HWL_COMPAT_OP(get_rx_ring_count, hwl_et_get_rx_ring_count)
	.get_ts_info		= hwl_et_get_ts_info,
	.get_ts_stats		= hwl_et_get_ts_stats,
	.get_sset_count		= hwl_et_sset_count,
	.get_strings		= hwl_et_strings,
	.get_ethtool_stats	= hwl_et_stats,
	.get_eth_mac_stats	= hwl_et_mac_stats,
	.get_eth_phy_stats	= hwl_et_phy_stats,
	.get_eth_ctrl_stats	= hwl_et_ctrl_stats,
	.get_rmon_stats		= hwl_et_rmon_stats,
	.get_pause_stats	= hwl_et_pause_stats,
	.get_link_ext_stats	= hwl_et_link_ext_stats,
};

/**
 * hwl_ethtool_init() - install the operations
 * @netdev: interface, not registered yet
 */
void hwl_ethtool_init(struct net_device *netdev)
{
	netdev->ethtool_ops = &hwl_ethtool_ops;
}
