// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: identification, link, rings, channels, moderation, RSS, dumps.
 *
 * All under rtnl. A request that cannot be met is refused with its reason
 * before anything is changed.
 */
#include <linux/bitfield.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/mii.h>

#include "hwl.h"
#include "hwl_dim.h"
#include "hwl_ethtool.h"
#include "hwl_irq.h"
#include "hwl_led.h"
#include "hwl_netdev.h"
#include "hwl_nvm.h"
#include "hwl_reset.h"
#include "hwl_selftest.h"

#define HWL_REGS_VERSION	1

/* Order of the register dump; Documentation/user-guide.rst lists it, too. None
 * of them changes by being read.
 */
static const u32 hwl_dump_regs[] = {
	HWL_CTRL, HWL_STATUS, HWL_CTRL_EXT, HWL_EECD, HWL_MDIC, HWL_VET,
	HWL_LEDCTL, HWL_EXTCNF_CTRL, HWL_PBA, HWL_GCR, HWL_GCR2, HWL_MANC,
	HWL_WUC, HWL_WUFC, HWL_WUS,
	HWL_IMS, HWL_EIAC, HWL_IAM, HWL_IVAR, HWL_ITR,
	HWL_EITR(0), HWL_EITR(1), HWL_EITR(2), HWL_EITR(3), HWL_EITR(4),
	HWL_RCTL, HWL_RFCTL, HWL_RXCSUM, HWL_MRQC, HWL_RDTR, HWL_RADV,
	HWL_FCRTL, HWL_FCRTH, HWL_FCTTV,
	HWL_RDBAL(0), HWL_RDBAH(0), HWL_RDLEN(0), HWL_RDH(0), HWL_RDT(0),
	HWL_RXDCTL(0),
	HWL_RDBAL(1), HWL_RDBAH(1), HWL_RDLEN(1), HWL_RDH(1), HWL_RDT(1),
	HWL_RXDCTL(1),
	HWL_TCTL, HWL_TIPG, HWL_TIDV, HWL_TADV,
	HWL_TDBAL(0), HWL_TDBAH(0), HWL_TDLEN(0), HWL_TDH(0), HWL_TDT(0),
	HWL_TXDCTL(0), HWL_TARC(0),
	HWL_TDBAL(1), HWL_TDBAH(1), HWL_TDLEN(1), HWL_TDH(1), HWL_TDT(1),
	HWL_TXDCTL(1), HWL_TARC(1),
	HWL_RAL(0), HWL_RAH(0),
};

/* ---- Identification and dumps ---- */

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

static int hwl_get_regs_len(struct net_device *netdev)
{
	return sizeof(hwl_dump_regs);
}

static void hwl_get_regs(struct net_device *netdev, struct ethtool_regs *regs,
			 void *data)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u32 *val = data;
	int i;

	regs->version = HWL_REGS_VERSION;
	for (i = 0; i < ARRAY_SIZE(hwl_dump_regs); i++)
		val[i] = hwl_rd32(&ad->hw, hwl_dump_regs[i]);
}

static int hwl_get_eeprom_len(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	return ad->hw.nvm_words * sizeof(u16);
}

static u32 hwl_eeprom_magic(const struct hwl_adapter *ad)
{
	return ad->pdev->vendor | ad->pdev->device << 16;
}

static int hwl_get_eeprom(struct net_device *netdev,
			  struct ethtool_eeprom *eeprom, u8 *data)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u32 first = eeprom->offset / 2;
	u32 count = (eeprom->offset + eeprom->len + 1) / 2 - first;
	u16 *words;
	int err;
	u32 i;

	eeprom->magic = hwl_eeprom_magic(ad);
	words = kmalloc_array(count, sizeof(*words), GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	err = hwl_nvm_read(&ad->hw, first, count, words);
	if (!err) {
		for (i = 0; i < count; i++)
			words[i] = (__force u16)cpu_to_le16(words[i]);
		memcpy(data, (u8 *)words + eeprom->offset % 2, eeprom->len);
	}
	kfree(words);
	return err;
}

static int hwl_set_eeprom(struct net_device *netdev,
			  struct ethtool_eeprom *eeprom, u8 *data)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u32 first = eeprom->offset / 2;
	u32 count = (eeprom->offset + eeprom->len + 1) / 2 - first;
	__le16 *words;
	u16 *cpu;
	int err;
	u32 i;

	if (eeprom->magic != hwl_eeprom_magic(ad))
		return -EFAULT;

	words = kmalloc_array(count, sizeof(*words), GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	cpu = (__force u16 *)words;

	/* The words at either end may be written in part. */
	err = hwl_nvm_read(&ad->hw, first, count, cpu);
	if (err)
		goto out;
	for (i = 0; i < count; i++)
		words[i] = cpu_to_le16(cpu[i]);
	memcpy((u8 *)words + eeprom->offset % 2, data, eeprom->len);
	for (i = 0; i < count; i++)
		cpu[i] = le16_to_cpu(words[i]);
	err = hwl_nvm_write(&ad->hw, first, count, cpu);
out:
	kfree(words);
	return err;
}

/* ---- Reset ---- */

/* The device is reset as a whole but for the PHY, which keeps the link. */
static int hwl_reset_device_op(struct net_device *netdev, u32 *flags)
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

/* ---- Link ---- */

static int hwl_get_link_ksettings(struct net_device *netdev,
				  struct ethtool_link_ksettings *ks)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	const struct hwl_link_cfg *cfg = &ad->link.cfg;
	u8 cap = (cfg->fc_rx ? FLOW_CTRL_RX : 0) | (cfg->fc_tx ? FLOW_CTRL_TX : 0);
	u16 pause = mii_advertise_flowctrl(cap);

	ks->base.port = PORT_TP;
	ks->base.phy_address = HWL_PHY_ADDR;
	ks->base.autoneg = cfg->autoneg ? AUTONEG_ENABLE : AUTONEG_DISABLE;
	ks->base.speed = READ_ONCE(ad->link.speed);
	ks->base.duplex = ad->link.duplex;
	/* What is forced is known without a link, and can be written back. */
	if (!cfg->autoneg && !ad->link.up) {
		ks->base.speed = cfg->speed;
		ks->base.duplex = cfg->duplex;
	}
	ks->base.eth_tp_mdix_ctrl = cfg->mdix;
	ks->base.eth_tp_mdix = hwl_link_get_mdix(ad);

	hwl_link_supported(ks->link_modes.supported);
	linkmode_copy(ks->link_modes.advertising, cfg->advertising);
	linkmode_mod_bit(ETHTOOL_LINK_MODE_Autoneg_BIT,
			 ks->link_modes.advertising, cfg->autoneg);
	linkmode_mod_bit(ETHTOOL_LINK_MODE_Pause_BIT,
			 ks->link_modes.advertising, pause & ADVERTISE_PAUSE_CAP);
	linkmode_mod_bit(ETHTOOL_LINK_MODE_Asym_Pause_BIT,
			 ks->link_modes.advertising, pause & ADVERTISE_PAUSE_ASYM);
	return hwl_link_get_partner(ad, ks->link_modes.lp_advertising);
}

/* Does an offer hold at least one speed? */
static bool hwl_offers_speed(const unsigned long *modes)
{
	return linkmode_adv_to_mii_adv_t((unsigned long *)modes) & ADVERTISE_ALL ||
	       linkmode_adv_to_mii_ctrl1000_t(modes) & ADVERTISE_1000FULL;
}

/* The user's choice of speeds, as link.cfg has it. Whether to negotiate, and pause,
 * have settings of their own, so these bits are as hwl_link_init() has set them.
 */
static void hwl_link_offer(unsigned long *cfg, const unsigned long *modes)
{
	linkmode_copy(cfg, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Autoneg_BIT, cfg);
	linkmode_set_bit(ETHTOOL_LINK_MODE_TP_BIT, cfg);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Pause_BIT, cfg);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Asym_Pause_BIT, cfg);
}

static int hwl_set_link_ksettings(struct net_device *netdev,
				  const struct ethtool_link_ksettings *ks)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_link_cfg cfg = ad->link.cfg;
	__ETHTOOL_DECLARE_LINK_MODE_MASK(supported);

	if (ks->base.port != PORT_TP ||
	    ks->base.eth_tp_mdix_ctrl > ETH_TP_MDI_AUTO)
		return -EINVAL;
	if (ks->base.eth_tp_mdix_ctrl != ETH_TP_MDI_INVALID)
		cfg.mdix = ks->base.eth_tp_mdix_ctrl;

	cfg.autoneg = ks->base.autoneg == AUTONEG_ENABLE;
	if (cfg.autoneg) {
		hwl_link_supported(supported);
		if (!linkmode_subset(ks->link_modes.advertising, supported) ||
		    !hwl_offers_speed(ks->link_modes.advertising))
			return -EINVAL;
		hwl_link_offer(cfg.advertising, ks->link_modes.advertising);
	} else {
		/* 1000BASE-T cannot do without negotiation, nor can crossover
		 * be chosen for a forced link.
		 */
		if ((ks->base.speed != SPEED_10 && ks->base.speed != SPEED_100) ||
		    ks->base.duplex > DUPLEX_FULL ||
		    (ks->base.eth_tp_mdix_ctrl != ETH_TP_MDI_INVALID &&
		     ks->base.eth_tp_mdix_ctrl != ETH_TP_MDI_AUTO))
			return -EINVAL;
		cfg.speed = ks->base.speed;
		cfg.duplex = ks->base.duplex;
	}
	return hwl_link_set_cfg(ad, &cfg);
}

static int hwl_nway_reset(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (test_bit(HWL_DOWN, &ad->flags))
		return -EAGAIN;
	if (!ad->link.cfg.autoneg)
		return -EINVAL;
	return hwl_link_apply(ad, true);
}

static void hwl_get_pauseparam(struct net_device *netdev,
			       struct ethtool_pauseparam *pause)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	pause->autoneg = ad->link.cfg.fc_autoneg;
	pause->rx_pause = ad->link.cfg.fc_rx;
	pause->tx_pause = ad->link.cfg.fc_tx;
}

static int hwl_set_pauseparam(struct net_device *netdev,
			      struct ethtool_pauseparam *pause)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_link_cfg cfg = ad->link.cfg;

	cfg.fc_autoneg = pause->autoneg;
	cfg.fc_rx = pause->rx_pause;
	cfg.fc_tx = pause->tx_pause;
	if (cfg.fc_autoneg == ad->link.cfg.fc_autoneg &&
	    cfg.fc_rx == ad->link.cfg.fc_rx && cfg.fc_tx == ad->link.cfg.fc_tx)
		return 0;
	/* Only a new offer needs a negotiation. */
	if (cfg.fc_autoneg && cfg.autoneg)
		return hwl_link_set_cfg(ad, &cfg);
	ad->link.cfg = cfg;
	hwl_link_check(ad);
	return 0;
}

/* ---- Rings and channels ---- */

static void hwl_get_ringparam(struct net_device *netdev,
			      struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kring,
			      struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	ring->rx_max_pending = HWL_RING_MAX;
	ring->tx_max_pending = HWL_RING_MAX;
	ring->rx_pending = ad->cfg.rx_count;
	ring->tx_pending = ad->cfg.tx_count;
	kring->rx_buf_len = HWL_RX_BUF_LEN;
}

static int hwl_check_ring(u32 count, u32 min, const char *what,
			  struct netlink_ext_ack *extack)
{
	if (count >= min && count <= HWL_RING_MAX && !(count % HWL_RING_STEP))
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack, "%s ring must be %u to %u in steps of %u",
			       what, min, HWL_RING_MAX, HWL_RING_STEP);
	return -EINVAL;
}

static int hwl_set_ringparam(struct net_device *netdev,
			     struct ethtool_ringparam *ring,
			     struct kernel_ethtool_ringparam *kring,
			     struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_config cfg = ad->cfg;
	int err;

	if (ring->rx_mini_pending || ring->rx_jumbo_pending)
		return -EINVAL;
	err = hwl_check_ring(ring->rx_pending, HWL_RING_MIN, "rx", extack);
	if (!err)
		err = hwl_check_ring(ring->tx_pending, HWL_TX_RING_MIN, "tx",
				     extack);
	if (err)
		return err;

	if (cfg.rx_count == ring->rx_pending && cfg.tx_count == ring->tx_pending)
		return 0;
	cfg.rx_count = ring->rx_pending;
	cfg.tx_count = ring->tx_pending;
	err = hwl_reconfigure(ad, &cfg);
	if (err == -ENOMEM)
		NL_SET_ERR_MSG_MOD(extack,
				   "no memory for these rings; the old ones are in use");
	return err;
}

static void hwl_get_channels(struct net_device *netdev,
			     struct ethtool_channels *ch)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	ch->max_combined = ad->max_pairs;
	ch->combined_count = ad->cfg.pairs;
	if (hwl_is_msix(ad)) {
		ch->max_other = 1;
		ch->other_count = 1;
	}
}

static int hwl_set_channels(struct net_device *netdev,
			    struct ethtool_channels *ch)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_config cfg = ad->cfg;
	int err;

	/* Bounds and the RSS table are checked by the core. */
	if (ch->other_count != hwl_is_msix(ad) || !ch->combined_count)
		return -EINVAL;
	if (cfg.pairs == ch->combined_count)
		return 0;
	cfg.pairs = ch->combined_count;
	err = hwl_reconfigure(ad, &cfg);
	if (!err)
		hwl_pairs_set_xps(ad);
	return err;
}

/* ---- Moderation ---- */

static int hwl_get_queue_coalesce(struct net_device *netdev, u32 q,
				  struct ethtool_coalesce *coal)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (q >= ad->max_pairs)
		return -EINVAL;
	coal->rx_coalesce_usecs = ad->coal[q].rx_usecs;
	coal->tx_coalesce_usecs = ad->coal[q].tx_usecs;
	coal->use_adaptive_rx_coalesce = ad->coal[q].rx_adaptive;
	coal->use_adaptive_tx_coalesce = ad->coal[q].tx_adaptive;
	return 0;
}

/* Where queues differ, the first speaks for all. */
static int hwl_get_coalesce(struct net_device *netdev,
			    struct ethtool_coalesce *coal,
			    struct kernel_ethtool_coalesce *kcoal,
			    struct netlink_ext_ack *extack)
{
	return hwl_get_queue_coalesce(netdev, 0, coal);
}

static int hwl_check_usecs(u32 usecs, const char *what,
			   struct netlink_ext_ack *extack)
{
	if (usecs <= HWL_ITR_MAX_USECS)
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack, "%s must be 0 to %u", what,
			       HWL_ITR_MAX_USECS);
	return -EINVAL;
}

static int hwl_check_coalesce(const struct hwl_adapter *ad,
			      const struct ethtool_coalesce *coal,
			      struct netlink_ext_ack *extack)
{
	int err;

	err = hwl_check_usecs(coal->rx_coalesce_usecs, "rx-usecs", extack);
	if (!err)
		err = hwl_check_usecs(coal->tx_coalesce_usecs, "tx-usecs", extack);
	if (err)
		return err;
	if (ad->irq_mode != HWL_IRQ_MSIX_SPLIT &&
	    coal->rx_coalesce_usecs != coal->tx_coalesce_usecs) {
		NL_SET_ERR_MSG_MOD(extack,
				   "rx-usecs and tx-usecs must be equal: one interrupt for both");
		return -EINVAL;
	}
	if (ad->irq_mode != HWL_IRQ_MSIX_SPLIT &&
	    coal->use_adaptive_rx_coalesce != coal->use_adaptive_tx_coalesce) {
		NL_SET_ERR_MSG_MOD(extack,
				   "adaptive-rx and adaptive-tx must be equal: one interrupt for both");
		return -EINVAL;
	}
	return 0;
}

/* Is what the user asks for what a queue has? */
static bool hwl_coalesce_equal(const struct hwl_coalesce *have,
			       const struct ethtool_coalesce *coal)
{
	return have->rx_usecs == coal->rx_coalesce_usecs &&
	       have->tx_usecs == coal->tx_coalesce_usecs &&
	       have->rx_adaptive == !!coal->use_adaptive_rx_coalesce &&
	       have->tx_adaptive == !!coal->use_adaptive_tx_coalesce;
}

/* Queues @q to @end - 1. The first is the one that GET has shown: what it says,
 * written back, changes none of them.
 */
static int hwl_set_queues_coalesce(struct hwl_adapter *ad, u32 q, u32 end,
				   const struct ethtool_coalesce *coal,
				   struct netlink_ext_ack *extack)
{
	int err;

	if (hwl_coalesce_equal(&ad->coal[q], coal))
		return 0;
	err = hwl_check_coalesce(ad, coal, extack);
	if (err)
		return err;
	for (; q < end; q++) {
		ad->coal[q].rx_usecs = coal->rx_coalesce_usecs;
		ad->coal[q].tx_usecs = coal->tx_coalesce_usecs;
		WRITE_ONCE(ad->coal[q].rx_adaptive, !!coal->use_adaptive_rx_coalesce);
		WRITE_ONCE(ad->coal[q].tx_adaptive, !!coal->use_adaptive_tx_coalesce);
		/* Work that is under way would write what does not hold any more. */
		if (ad->pair[q])
			hwl_dim_stop(ad->pair[q]);
	}
	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_irq_set_itr(ad);
	return 0;
}

static int hwl_set_queue_coalesce(struct net_device *netdev, u32 q,
				  struct ethtool_coalesce *coal)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (q >= ad->max_pairs)
		return -EINVAL;
	return hwl_set_queues_coalesce(ad, q, q + 1, coal, NULL);
}

static int hwl_set_coalesce(struct net_device *netdev,
			    struct ethtool_coalesce *coal,
			    struct kernel_ethtool_coalesce *kcoal,
			    struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	return hwl_set_queues_coalesce(ad, 0, HWL_MAX_PAIRS, coal, extack);
}

/* ---- RSS ---- */

static u32 hwl_get_rxfh_key_size(struct net_device *netdev)
{
	return HWL_RSSRK_BYTES;
}

static u32 hwl_get_rxfh_indir_size(struct net_device *netdev)
{
	return HWL_RETA_ENTRIES;
}

static int hwl_get_rxfh(struct net_device *netdev,
			struct ethtool_rxfh_param *rxfh)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	int i;

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	if (rxfh->key)
		memcpy(rxfh->key, ad->rss.key, HWL_RSSRK_BYTES);
	for (i = 0; rxfh->indir && i < HWL_RETA_ENTRIES; i++)
		rxfh->indir[i] = ad->rss.indir[i];
	return 0;
}

static int hwl_set_rxfh(struct net_device *netdev,
			struct ethtool_rxfh_param *rxfh,
			struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_rss new = ad->rss;
	int i;

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    rxfh->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack, "the device hashes by Toeplitz only");
		return -EOPNOTSUPP;
	}

	/* The core has checked the queues in the table. */
	if (rxfh->key)
		memcpy(new.key, rxfh->key, HWL_RSSRK_BYTES);
	for (i = 0; rxfh->indir && i < HWL_RETA_ENTRIES; i++)
		new.indir[i] = rxfh->indir[i];
	if (!memcmp(&new, &ad->rss, sizeof(new)))
		return 0;
	ad->rss = new;
	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_rss_write(ad);
	return 0;
}

/* What the device hashes is fixed: ports of TCP, addresses of all else. */
static int hwl_get_rxfh_fields(struct net_device *netdev,
			       struct ethtool_rxfh_fields *fields)
{
	fields->data = 0;
	switch (fields->flow_type) {
	case TCP_V4_FLOW:
	case TCP_V6_FLOW:
		fields->data = RXH_L4_B_0_1 | RXH_L4_B_2_3;
		fallthrough;
	case UDP_V4_FLOW:
	case UDP_V6_FLOW:
	case SCTP_V4_FLOW:
	case SCTP_V6_FLOW:
	case AH_ESP_V4_FLOW:
	case AH_V4_FLOW:
	case ESP_V4_FLOW:
	case IPV4_FLOW:
	case AH_ESP_V6_FLOW:
	case AH_V6_FLOW:
	case ESP_V6_FLOW:
	case IPV6_FLOW:
		fields->data |= RXH_IP_SRC | RXH_IP_DST;
		return 0;
	default:
		return -EINVAL;
	}
}

static u32 hwl_get_rx_ring_count(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	return ad->cfg.pairs;
}

/* How kernels before 6.18 ask for either; there are no rules to ask for. */
static int hwl_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *nfc,
			 u32 *rules)
{
	struct ethtool_rxfh_fields fields = { .flow_type = nfc->flow_type };
	int err;

	switch (nfc->cmd) {
	case ETHTOOL_GRXRINGS:
		nfc->data = hwl_get_rx_ring_count(netdev);
		return 0;
	case ETHTOOL_GRXFH:
		err = hwl_get_rxfh_fields(netdev, &fields);
		nfc->data = fields.data;
		return err;
	default:
		return -EOPNOTSUPP;
	}
}

static const struct ethtool_ops hwl_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS |
				     ETHTOOL_COALESCE_USE_ADAPTIVE,
	.get_drvinfo		= hwl_get_drvinfo,
	.get_regs_len		= hwl_get_regs_len,
	.get_regs		= hwl_get_regs,
	.get_msglevel		= hwl_get_msglevel,
	.set_msglevel		= hwl_set_msglevel,
	.nway_reset		= hwl_nway_reset,
	.get_link		= ethtool_op_get_link,
	.get_eeprom_len		= hwl_get_eeprom_len,
	.get_eeprom		= hwl_get_eeprom,
	.set_eeprom		= hwl_set_eeprom,
	.set_phys_id		= hwl_set_phys_id,
	.reset			= hwl_reset_device_op,
	.self_test		= hwl_selftest,
	.get_coalesce		= hwl_get_coalesce,
	.set_coalesce		= hwl_set_coalesce,
	.get_per_queue_coalesce	= hwl_get_queue_coalesce,
	.set_per_queue_coalesce	= hwl_set_queue_coalesce,
	.get_ringparam		= hwl_get_ringparam,
	.set_ringparam		= hwl_set_ringparam,
	.get_channels		= hwl_get_channels,
	.set_channels		= hwl_set_channels,
	.get_pauseparam		= hwl_get_pauseparam,
	.set_pauseparam		= hwl_set_pauseparam,
	.get_link_ksettings	= hwl_get_link_ksettings,
	.set_link_ksettings	= hwl_set_link_ksettings,
	.get_rxfh_key_size	= hwl_get_rxfh_key_size,
	.get_rxfh_indir_size	= hwl_get_rxfh_indir_size,
	.get_rxfh		= hwl_get_rxfh,
	.set_rxfh		= hwl_set_rxfh,
	.get_rxnfc		= hwl_get_rxnfc,
	HWL_RXFH_FIELDS_OP(hwl_get_rxfh_fields)
	HWL_RX_RING_COUNT_OP(hwl_get_rx_ring_count)
	.get_ts_info		= ethtool_op_get_ts_info,
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
