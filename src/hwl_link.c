// SPDX-License-Identifier: GPL-2.0
/*
 * Link: configuration, state, and its propagation to the stack.
 *
 * The link work, scheduled by the LSC interrupt, follows the link; nothing
 * polls for it. Speed and duplex are read from STATUS, the partner's pause
 * abilities from PHY registers.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/linkmode.h>
#include <linux/mii.h>
#include <linux/pm_runtime.h>

#include "hwl.h"
#include "hwl_irq.h"
#include "hwl_mdio.h"
#include "hwl_phy.h"
#include "hwl_reset.h"

/* Time for STATUS.LU to reappear after a reset of the MAC alone. */
#define HWL_LINK_RESUME_US	(100 * USEC_PER_MSEC)

/* Consecutive checks that must find the PHY hung (erratum 19). */
#define HWL_PHY_HUNG_LOOKS	2

/**
 * hwl_link_supported() - link modes of the device
 * @modes: where they go; pause included
 *
 * Context: any.
 */
void hwl_link_supported(unsigned long *modes)
{
	linkmode_zero(modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_10baseT_Half_BIT, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_10baseT_Full_BIT, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_100baseT_Half_BIT, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_100baseT_Full_BIT, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_1000baseT_Full_BIT, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Autoneg_BIT, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_TP_BIT, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Pause_BIT, modes);
	linkmode_set_bit(ETHTOOL_LINK_MODE_Asym_Pause_BIT, modes);
}

/**
 * hwl_link_init() - set the defaults: advertise all modes and pause
 * @ad: the device; was reset
 *
 * Context: process; probe only.
 */
void hwl_link_init(struct hwl_adapter *ad)
{
	struct hwl_link_cfg *cfg = &ad->link.cfg;

	hwl_link_supported(cfg->advertising);
	cfg->autoneg = true;
	cfg->speed = SPEED_100;
	cfg->duplex = DUPLEX_FULL;
	cfg->mdix = ETH_TP_MDI_AUTO;
	cfg->fc_autoneg = true;
	cfg->fc_rx = true;
	cfg->fc_tx = true;
	ad->link.speed = SPEED_UNKNOWN;
	ad->link.duplex = DUPLEX_UNKNOWN;
	hwl_phy_identify(&ad->hw);
}

static bool hwl_link_status(struct hwl_adapter *ad, u32 *status)
{
	*status = hwl_rd32(&ad->hw, HWL_STATUS);
	return !hwl_removed(&ad->hw) && *status & HWL_STATUS_LU;
}

/**
 * hwl_link_apply() - program the PHY from link.cfg
 * @ad: the device
 * @renegotiate: the configuration has changed; else the link is left as it is
 *	if the PHY is set up already
 *
 * If firmware vetoes it the PHY is not changed, as in Linux
 * (e1000e_setup_link_generic()), and the link stays up.
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code: the watchdog retries it by a reset.
 */
int hwl_link_apply(struct hwl_adapter *ad, bool renegotiate)
{
	int err;

	if (hwl_phy_vetoed(&ad->hw))
		return 0;
	if (!ad->link.up)
		ad->link.since = jiffies;
	renegotiate |= test_and_clear_bit(HWL_PHY_DIRTY, &ad->flags);
	err = hwl_phy_apply(&ad->hw, &ad->link.cfg, renegotiate, ad->link.up);
	if (err)
		set_bit(HWL_PHY_DIRTY, &ad->flags);
	return err;
}

/**
 * hwl_link_resume() - set the PHY and the MAC up for the link after a reset
 * @ad: the device
 *
 * If the link was up, wait a moment for it to reappear, so that a reset of the
 * data path is not seen as link down. If it does not, the transmitter stays
 * disabled and the carrier is turned off before any queue would be woken.
 *
 * Context: process, rtnl held; after hwl_hw_init(), the link work is stopped.
 * Return: 0, or a negative error code if the PHY does not respond.
 */
int hwl_link_resume(struct hwl_adapter *ad)
{
	struct hwl_link *link = &ad->link;
	u32 status;
	bool up;
	int err;

	err = hwl_link_apply(ad, false);
	if (!link->up)
		return err;

	read_poll_timeout(hwl_link_status, up, up || hwl_removed(&ad->hw), 1000,
			  HWL_LINK_RESUME_US, false, ad, &status);
	if (up) {
		hwl_hw_set_pause(&ad->hw, link->rx_pause, link->tx_pause);
		hwl_hw_tx_enable(&ad->hw);
	} else {
		hwl_link_down(ad);
	}
	return err;
}

/**
 * hwl_link_loopback() - enable or disable PHY loopback
 * @ad: the device; its data path is the self-test's
 * @on: enable or disable
 *
 * The link is renegotiated afterwards. Firmware does not veto it: see
 * hwl_phy_vetoed().
 *
 * Context: process, rtnl held; sleeps for a quarter of a second.
 * Return: 0 or a negative error code.
 */
int hwl_link_loopback(struct hwl_adapter *ad, bool on)
{
	bool wanted = ad->link.cfg.loopback;
	int err;

	ad->link.cfg.loopback = on;
	err = hwl_link_apply(ad, true);
	ad->link.cfg.loopback = wanted;
	set_bit(HWL_PHY_DIRTY, &ad->flags);
	return err;
}

/**
 * hwl_link_power_down() - power the PHY down, unless firmware or wake-up needs it
 * @ad: the device
 *
 * Context: process, rtnl held; the data path is stopped.
 */
void hwl_link_power_down(struct hwl_adapter *ad)
{
	if (!test_bit(HWL_KEEP_LINK, &ad->flags))
		hwl_phy_power_down(&ad->hw);
}

static bool hwl_link_cfg_equal(const struct hwl_link_cfg *a,
			       const struct hwl_link_cfg *b)
{
	return linkmode_equal(a->advertising, b->advertising) &&
	       a->autoneg == b->autoneg && a->speed == b->speed &&
	       a->duplex == b->duplex && a->mdix == b->mdix &&
	       a->loopback == b->loopback && a->fc_autoneg == b->fc_autoneg &&
	       a->fc_rx == b->fc_rx && a->fc_tx == b->fc_tx;
}

/**
 * hwl_link_set_cfg() - change the link configuration
 * @ad: the device
 * @cfg: the new configuration, valid
 *
 * An unchanged configuration does not restart negotiation.
 *
 * Context: process, rtnl held.
 * Return: 0; -EPERM if firmware vetoes it; another negative error code. On
 * error the old configuration is kept.
 */
int hwl_link_set_cfg(struct hwl_adapter *ad, const struct hwl_link_cfg *cfg)
{
	struct hwl_link_cfg old = ad->link.cfg;
	int err;

	if (hwl_link_cfg_equal(cfg, &old))
		return 0;
	if (!test_bit(HWL_DOWN, &ad->flags) && hwl_phy_vetoed(&ad->hw)) {
		netdev_err(ad->netdev, "firmware blocks link changes\n");
		return -EPERM;
	}
	ad->link.cfg = *cfg;
	set_bit(HWL_PHY_DIRTY, &ad->flags);
	if (test_bit(HWL_DOWN, &ad->flags))
		return 0;

	err = hwl_link_apply(ad, true);
	if (err) {
		ad->link.cfg = old;
		hwl_link_apply(ad, true);
	}
	/* A forced mode may raise no LSC. */
	hwl_link_schedule(ad);
	return err;
}

/**
 * hwl_link_phy_hung() - check whether the PHY has hung
 * @ad: the device; up
 *
 * Called with and without link, since the hang may have caused link down.
 *
 * Context: process (tick).
 * Return: true if two consecutive checks found it hung: only a reset helps.
 */
bool hwl_link_phy_hung(struct hwl_adapter *ad)
{
	bool hung;

	if (hwl_phy_looks_hung(&ad->hw, &hung))
		return false;
	ad->phy_hung = hung ? ad->phy_hung + 1 : 0;
	return ad->phy_hung >= HWL_PHY_HUNG_LOOKS;
}

/* ---- Link ---- */

static int hwl_link_pause_cap(struct hwl_adapter *ad, u8 *cap)
{
	u16 adv, lpa;
	int err;

	err = hwl_swfw_acquire(&ad->hw);
	if (err)
		return err;
	err = hwl_mdio_read(&ad->hw, 0, MII_ADVERTISE, &adv);
	if (!err)
		err = hwl_mdio_read(&ad->hw, 0, MII_LPA, &lpa);
	hwl_swfw_release(&ad->hw);
	if (!err)
		*cap = mii_resolve_flowctrl_fdx(adv, lpa);
	return err;
}

/* Decide on flow control for a link that is up, and set it. */
static void hwl_link_resolve_pause(struct hwl_adapter *ad)
{
	const struct hwl_link_cfg *cfg = &ad->link.cfg;
	struct hwl_link *link = &ad->link;
	u8 cap = 0;

	link->pause_unknown = false;
	if (link->duplex != DUPLEX_FULL) {
		cap = 0;
	} else if (!cfg->fc_autoneg || !cfg->autoneg) {
		cap = (cfg->fc_rx ? FLOW_CTRL_RX : 0) |
		      (cfg->fc_tx ? FLOW_CTRL_TX : 0);
		/* A forced link does not negotiate pause. */
		if (!cfg->autoneg && cfg->fc_autoneg)
			cap = 0;
	} else {
		/* The watchdog has it tried again. */
		link->pause_unknown = hwl_link_pause_cap(ad, &cap);
		/* "Rx only" is advertised with the same bits as both. */
		if (!cfg->fc_tx)
			cap &= ~FLOW_CTRL_TX;
		if (!cfg->fc_rx)
			cap &= ~FLOW_CTRL_RX;
	}

	link->rx_pause = cap & FLOW_CTRL_RX;
	link->tx_pause = cap & FLOW_CTRL_TX;
	hwl_hw_set_pause(&ad->hw, link->rx_pause, link->tx_pause);
}

static const char *hwl_link_pause_name(const struct hwl_link *link)
{
	if (link->rx_pause && link->tx_pause)
		return "rx/tx";
	if (link->rx_pause)
		return "rx";
	return link->tx_pause ? "tx" : "off";
}

static void hwl_link_up(struct hwl_adapter *ad, u32 status)
{
	struct hwl_link *link = &ad->link;
	struct hwl_link old = *link;

	switch (FIELD_GET(HWL_STATUS_SPEED, status)) {
	case HWL_SPEED_10:
		link->speed = SPEED_10;
		break;
	case HWL_SPEED_100:
		link->speed = SPEED_100;
		break;
	default:
		link->speed = SPEED_1000;
		break;
	}
	link->duplex = status & HWL_STATUS_FD ? DUPLEX_FULL : DUPLEX_HALF;
	hwl_link_resolve_pause(ad);
	hwl_hw_tx_enable(&ad->hw);

	/* The link may have changed without link down having been seen. */
	if (!old.up || old.speed != link->speed || old.duplex != link->duplex ||
	    old.rx_pause != link->rx_pause || old.tx_pause != link->tx_pause)
		netif_info(ad, link, ad->netdev,
			   "link up, %d Mb/s %s duplex, flow control %s\n",
			   link->speed,
			   link->duplex == DUPLEX_FULL ? "full" : "half",
			   hwl_link_pause_name(link));
	/* Discard symbol errors counted without link: see hwl_stats.c. */
	if (!old.up) {
		hwl_stats_update(ad);
		pm_runtime_get_noresume(&ad->pdev->dev);
	}
	link->up = true;
	netif_carrier_on(ad->netdev);
	/* Queues stay stopped without link. With a reset pending the rings may
	 * be full: hwl_start() wakes them.
	 */
	if (!test_bit(HWL_RESET_DUE, &ad->flags) &&
	    test_and_clear_bit(HWL_TX_WAIT_LINK, &ad->flags)) {
		netif_tx_wake_all_queues(ad->netdev);
		hwl_pair_schedule_xsk(ad);
	}
}

static bool hwl_link_tx_pending(const struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		const struct hwl_txq *txq = &ad->pair[q]->txq;

		if (READ_ONCE(txq->cons) != READ_ONCE(txq->prod))
			return true;
	}
	return false;
}

/**
 * hwl_link_down() - notify the stack of link down
 * @ad: the device
 *
 * Context: process; the link work, or after it was stopped.
 */
void hwl_link_down(struct hwl_adapter *ad)
{
	struct hwl_link *link = &ad->link;

	if (!link->up)
		return;
	link->up = false;
	link->since = jiffies;
	link->downs++;
	link->speed = SPEED_UNKNOWN;
	link->duplex = DUPLEX_UNKNOWN;
	link->rx_pause = false;
	link->tx_pause = false;
	netif_carrier_off(ad->netdev);
	netif_info(ad, link, ad->netdev, "link down\n");
	pm_runtime_mark_last_busy(&ad->pdev->dev);
	pm_runtime_put_autosuspend(&ad->pdev->dev);
}

/**
 * hwl_link_update() - propagate link state to the stack
 * @ad: the device; up
 *
 * Context: process; the link work.
 */
void hwl_link_update(struct hwl_adapter *ad)
{
	u32 status;

	if (hwl_link_status(ad, &status)) {
		hwl_link_up(ad, status);
		return;
	}
	if (!ad->link.up)
		return;

	/* Silicon sends nothing without link: stop the queues, and drop pending
	 * packets by a reset. The watchdog handles late packets. Carrier off
	 * alone does not stop the queues: the stack deactivates the qdiscs from
	 * its own work, up to a second later, and the poll would wake a queue
	 * as it reclaims descriptors.
	 */
	set_bit(HWL_TX_WAIT_LINK, &ad->flags);
	hwl_link_down(ad);
	netif_tx_disable(ad->netdev);
	if (!hwl_removed(&ad->hw) && hwl_link_tx_pending(ad))
		hwl_reset_request(ad);
}

/**
 * hwl_link_get_partner() - get the link modes that the partner advertises
 * @ad: the device
 * @modes: result
 *
 * Context: process, rtnl held.
 * Return: 0 or a negative error code.
 */
int hwl_link_get_partner(struct hwl_adapter *ad, unsigned long *modes)
{
	u16 lpa, stat1000;
	int err;

	linkmode_zero(modes);
	if (!ad->link.up || !ad->link.cfg.autoneg)
		return 0;

	err = hwl_swfw_acquire(&ad->hw);
	if (err)
		return err;
	err = hwl_mdio_read(&ad->hw, 0, MII_LPA, &lpa);
	if (!err)
		err = hwl_mdio_read(&ad->hw, 0, MII_STAT1000, &stat1000);
	hwl_swfw_release(&ad->hw);
	if (err)
		return err;

	mii_lpa_to_linkmode_lpa_t(modes, lpa);
	mii_stat1000_mod_linkmode_lpa_t(modes, stat1000);
	return 0;
}

/**
 * hwl_link_get_mdix() - get the MDI/MDI-X state
 * @ad: the device
 *
 * Context: process, rtnl held.
 * Return: ETH_TP_MDI, ETH_TP_MDI_X, or ETH_TP_MDI_INVALID without a link.
 */
u8 hwl_link_get_mdix(struct hwl_adapter *ad)
{
	u8 mdix = ETH_TP_MDI_INVALID;
	u16 ssr;

	if (!ad->link.up || hwl_swfw_acquire(&ad->hw))
		return mdix;
	if (!hwl_mdio_read(&ad->hw, 0, HWL_PHY_SSR, &ssr))
		mdix = ssr & HWL_PHY_SSR_MDIX ? ETH_TP_MDI_X : ETH_TP_MDI;
	hwl_swfw_release(&ad->hw);
	return mdix;
}
