// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: link modes, crossover, negotiation, pause.
 */
#include <linux/ethtool.h>
#include <linux/mii.h>

#include "hwl.h"
#include "hwl_ethtool.h"
#include "hwl_link.h"

/**
 * hwl_et_get_link_ksettings() - get link settings
 * @netdev: interface
 * @ks: link settings
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_get_link_ksettings(struct net_device *netdev,
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
	/* Forced settings are known without link, and can be written back. */
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

/* True if an advertisement includes at least one speed. */
static bool hwl_offers_speed(const unsigned long *modes)
{
	return linkmode_adv_to_mii_adv_t((unsigned long *)modes) & ADVERTISE_ALL ||
	       linkmode_adv_to_mii_ctrl1000_t(modes) & ADVERTISE_1000FULL;
}

/* Set the speeds to advertise. Autoneg and pause have settings of their own, so
 * their bits stay as set by hwl_link_init().
 */
static void hwl_link_offer(unsigned long *cfg, const unsigned long *modes)
{
	linkmode_copy(cfg, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Autoneg_BIT, cfg);
	linkmode_set_bit(ETHTOOL_LINK_MODE_TP_BIT, cfg);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Pause_BIT, cfg);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Asym_Pause_BIT, cfg);
}

/**
 * hwl_et_set_link_ksettings() - change link settings
 * @netdev: interface
 * @ks: link settings
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_set_link_ksettings(struct net_device *netdev,
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
		/* 1000BASE-T requires negotiation, and MDI/MDI-X cannot be set
		 * for a forced link.
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

/**
 * hwl_et_nway_reset() - restart negotiation
 * @netdev: interface
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_nway_reset(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (test_bit(HWL_DOWN, &ad->flags))
		return -EAGAIN;
	if (!ad->link.cfg.autoneg)
		return -EINVAL;
	return hwl_link_apply(ad, true);
}

/**
 * hwl_et_get_pauseparam() - get pause settings
 * @netdev: interface
 * @pause: pause settings
 */
void hwl_et_get_pauseparam(struct net_device *netdev,
			   struct ethtool_pauseparam *pause)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	pause->autoneg = ad->link.cfg.fc_autoneg;
	pause->rx_pause = ad->link.cfg.fc_rx;
	pause->tx_pause = ad->link.cfg.fc_tx;
}

/**
 * hwl_et_set_pauseparam() - change pause settings
 * @netdev: interface
 * @pause: pause settings
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_set_pauseparam(struct net_device *netdev,
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
	/* Only a new advertisement requires negotiation. */
	if (cfg.fc_autoneg && cfg.autoneg)
		return hwl_link_set_cfg(ad, &cfg);
	ad->link.cfg = cfg;
	hwl_link_schedule(ad);
	return 0;
}
