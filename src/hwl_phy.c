// SPDX-License-Identifier: GPL-2.0
/*
 * The PHY: identity, set-up, negotiation, loopback, power.
 *
 * When the interface comes up, the PHY is set up from the beginning, since
 * firmware, a boot loader or another driver may have changed it. A reset of the
 * MAC does not reset it: the settings are compared, and only differences are
 * written, so the link survives a reset of the data path.
 *
 * Firmware may veto resets of the PHY (MANC.BLK_PHY_RST_ON_IDE), while a remote
 * console runs over this very link, say. Then the PHY is left as firmware has
 * it, and changes of the link settings are refused.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/mii.h>

#include "hwl_hw.h"
#include "hwl_mdio.h"
#include "hwl_phy.h"

/* What autonegotiation may offer, as register bits. */
#define HWL_ADV_MASK	(ADVERTISE_ALL | ADVERTISE_PAUSE_CAP | \
			 ADVERTISE_PAUSE_ASYM)
#define HWL_CTL1000_MASK (ADVERTISE_1000FULL | ADVERTISE_1000HALF)

/* The PHY takes its time to lock on itself (Linux). */
#define HWL_LOOPBACK_MS		250

/**
 * hwl_phy_identify() - warn if the PHY is not the known one
 * @hw: the device; was reset
 *
 * It may need a different set-up. e1000e fails the probe then; this driver only
 * warns.
 *
 * Context: process.
 */
void hwl_phy_identify(struct hwl_hw *hw)
{
	u16 high, low;
	int err;

	err = hwl_swfw_acquire(hw);
	if (!err) {
		err = hwl_mdio_read(hw, 0, MII_PHYSID1, &high);
		if (!err)
			err = hwl_mdio_read(hw, 0, MII_PHYSID2, &low);
		hwl_swfw_release(hw);
	}
	if (err)
		dev_warn(hw->dev, "PHY does not answer: %pe\n", ERR_PTR(err));
	else if (((u32)high << 16 | low) != HWL_PHY_ID)
		dev_warn(hw->dev, "PHY has identity %04x%04x, not %08x: its set-up may not fit\n",
			 high, low, HWL_PHY_ID);
}

/**
 * hwl_phy_vetoed() - check whether firmware blocks PHY resets
 * @hw: the device
 *
 * Context: process.
 * Return: true if it does.
 */
bool hwl_phy_vetoed(struct hwl_hw *hw)
{
	return !hwl_removed(hw) &&
	       hwl_rd32(hw, HWL_MANC) & HWL_MANC_BLK_PHY_RST_ON_IDE;
}

/* Several settings of the PHY wait for a software reset of it. */
static int hwl_phy_commit(struct hwl_hw *hw)
{
	int err = hwl_mdio_modify(hw, 0, MII_BMCR, BMCR_RESET, BMCR_RESET);

	fsleep(1);
	return err < 0 ? err : 0;
}

static u16 hwl_phy_scr_mdix(const struct hwl_link_cfg *cfg)
{
	/* Detection needs negotiation. */
	if (cfg->mdix == ETH_TP_MDI_X)
		return FIELD_PREP(HWL_PHY_SCR_MDIX, HWL_PHY_SCR_MDIX_MDIX);
	if (cfg->mdix == ETH_TP_MDI || !cfg->autoneg)
		return FIELD_PREP(HWL_PHY_SCR_MDIX, HWL_PHY_SCR_MDIX_MDI);
	return FIELD_PREP(HWL_PHY_SCR_MDIX, HWL_PHY_SCR_MDIX_AUTO);
}

#define HWL_PHY_SCR_MASK	(HWL_PHY_SCR_MDIX | HWL_PHY_SCR_POLARITY_OFF | \
				 HWL_PHY_SCR_DOWNSHIFT)

/* Is what the set-up sets as it should be? Return: 1, 0, or an error. */
static int hwl_phy_is_set_up(struct hwl_hw *hw, const struct hwl_link_cfg *cfg)
{
	u16 scr, power;
	int err;

	err = hwl_mdio_read(hw, 0, HWL_PHY_SCR, &scr);
	if (!err)
		err = hwl_mdio_read(hw, 0, HWL_PHY_POWER, &power);
	if (err)
		return err;
	return (scr & HWL_PHY_SCR_MASK) ==
	       (hwl_phy_scr_mdix(cfg) | HWL_PHY_SCR_DOWNSHIFT) &&
	       !(power & HWL_PHY_POWER_SMART);
}

/*
 * Crossover, polarity and downshift. The order is the silicon's: out of power
 * down, downshift off and committed, then on, then two opaque registers and
 * another commit.
 *
 * Return: 1 when the PHY was set up, 0 when it was so already, or an error.
 */
static int hwl_phy_setup(struct hwl_hw *hw, const struct hwl_link_cfg *cfg,
			 bool force)
{
	int err;

	/* A PHY without power may not take the rest. */
	err = hwl_mdio_modify(hw, 0, MII_BMCR, BMCR_PDOWN, 0);
	if (err < 0)
		return err;
	if (!err && !force) {
		err = hwl_phy_is_set_up(hw, cfg);
		if (err)
			return err < 0 ? err : 0;
	}

	err = hwl_mdio_modify(hw, 0, HWL_PHY_SCR, HWL_PHY_SCR_MASK,
			      hwl_phy_scr_mdix(cfg));
	if (err >= 0)
		err = hwl_phy_commit(hw);
	if (err >= 0)
		err = hwl_mdio_modify(hw, 0, HWL_PHY_SCR, HWL_PHY_SCR_DOWNSHIFT,
				      HWL_PHY_SCR_DOWNSHIFT);
	if (err >= 0)
		err = hwl_mdio_write(hw, 0, HWL_PHY_FIX_ADDR, 3);
	if (err >= 0)
		err = hwl_mdio_write(hw, 0, HWL_PHY_FIX_DATA, 0);
	if (err >= 0)
		err = hwl_mdio_modify(hw, 0, HWL_PHY_POWER, HWL_PHY_POWER_SMART, 0);
	if (err >= 0)
		err = hwl_phy_commit(hw);
	return err < 0 ? err : 1;
}

static u16 hwl_phy_advert(const struct hwl_link_cfg *cfg)
{
	u16 adv = linkmode_adv_to_mii_adv_t(cfg->advertising) | ADVERTISE_CSMA;
	u8 cap = (cfg->fc_rx ? FLOW_CTRL_RX : 0) | (cfg->fc_tx ? FLOW_CTRL_TX : 0);

	adv &= ~(ADVERTISE_PAUSE_CAP | ADVERTISE_PAUSE_ASYM);
	return adv | mii_advertise_flowctrl(cap);
}

static int hwl_phy_negotiate(struct hwl_hw *hw, const struct hwl_link_cfg *cfg,
			     bool renegotiate, bool up)
{
	u16 bmcr, good;
	bool changed;
	int err;

	hwl_hw_ctrl(hw, HWL_CTRL_FRCSPD | HWL_CTRL_FRCDPX, 0);

	/* Renegotiate if the advertisement differs from a boot loader's. If the
	 * driver's own link is up, a difference is only due to QEMU, which resets
	 * the PHY with the MAC. 1000BASE-T half duplex is never advertised: the
	 * MAC does not support it.
	 */
	err = hwl_mdio_modify(hw, 0, MII_ADVERTISE, HWL_ADV_MASK | ADVERTISE_CSMA,
			      hwl_phy_advert(cfg));
	changed = err > 0;
	if (err >= 0)
		err = hwl_mdio_modify(hw, 0, MII_CTRL1000, HWL_CTL1000_MASK,
				      linkmode_adv_to_mii_ctrl1000_t(cfg->advertising));
	changed |= err > 0;
	if (err >= 0)
		err = hwl_mdio_read(hw, 0, MII_BMCR, &bmcr);
	if (err < 0)
		return err;

	/* With a link there is nothing to negotiate unless the user asked for
	 * something else.
	 */
	if (!(bmcr & BMCR_ANENABLE) || (changed && !up) ||
	    !(hwl_rd32(hw, HWL_STATUS) & HWL_STATUS_LU))
		renegotiate = true;
	good = bmcr & ~(BMCR_PDOWN | BMCR_ISOLATE | BMCR_LOOPBACK);
	good |= BMCR_ANENABLE;
	if (good == bmcr && !renegotiate)
		return 0;
	return hwl_mdio_write(hw, 0, MII_BMCR,
			      good | (renegotiate ? BMCR_ANRESTART : 0));
}

static int hwl_phy_force(struct hwl_hw *hw, const struct hwl_link_cfg *cfg)
{
	bool fast = cfg->speed == SPEED_100;
	bool full = cfg->duplex == DUPLEX_FULL;
	int err;

	err = hwl_mdio_modify(hw, 0, MII_BMCR,
			      BMCR_ANENABLE | BMCR_ANRESTART | BMCR_PDOWN | BMCR_ISOLATE |
			      BMCR_LOOPBACK | BMCR_SPEED1000 | BMCR_SPEED100 | BMCR_FULLDPLX,
			      (fast ? BMCR_SPEED100 : 0) |
			      (full ? BMCR_FULLDPLX : 0));
	if (err > 0)
		err = hwl_phy_commit(hw);
	if (err < 0)
		return err;
	hwl_hw_ctrl(hw, HWL_CTRL_SPD | HWL_CTRL_FD | HWL_CTRL_ASDE,
		    HWL_CTRL_FRCSPD | HWL_CTRL_FRCDPX |
		    FIELD_PREP(HWL_CTRL_SPD, fast ? HWL_SPEED_100 : HWL_SPEED_10) |
		    (full ? HWL_CTRL_FD : 0));
	return 0;
}

static int hwl_phy_loopback(struct hwl_hw *hw)
{
	int err;

	err = hwl_mdio_modify(hw, HWL_PHY_PAGE_MAC, HWL_PHY_MAC_CTRL,
			      HWL_PHY_MAC_SPEED, HWL_PHY_MAC_SPEED_1000);
	if (err >= 0)
		err = hwl_phy_commit(hw);
	if (err >= 0)
		err = hwl_mdio_write(hw, 0, MII_BMCR,
				     BMCR_LOOPBACK | BMCR_SPEED1000 | BMCR_FULLDPLX);
	if (err < 0)
		return err;
	hwl_hw_ctrl(hw, HWL_CTRL_SPD | HWL_CTRL_ASDE,
		    HWL_CTRL_FRCSPD | HWL_CTRL_FRCDPX | HWL_CTRL_FD |
		    HWL_CTRL_SLU | FIELD_PREP(HWL_CTRL_SPD, HWL_SPEED_1000));
	return 0;
}

/**
 * hwl_phy_apply() - program the PHY from the configuration
 * @hw: the device
 * @cfg: the configuration
 * @renegotiate: from the beginning; else only what differs
 * @up: there is a link that was made by it, which is to stay
 *
 * Context: process, no veto by firmware; sleeps for a quarter of a second for loopback.
 * Return: 0 or a negative error code.
 */
int hwl_phy_apply(struct hwl_hw *hw, const struct hwl_link_cfg *cfg,
		  bool renegotiate, bool up)
{
	int err;

	err = hwl_swfw_acquire(hw);
	if (err)
		return err;
	err = hwl_phy_setup(hw, cfg, renegotiate);
	/* That has reset the PHY. */
	renegotiate |= err > 0 && !up;
	if (err >= 0 && cfg->loopback)
		err = hwl_phy_loopback(hw);
	else if (err >= 0 && cfg->autoneg)
		err = hwl_phy_negotiate(hw, cfg, renegotiate, up);
	else if (err >= 0)
		err = hwl_phy_force(hw, cfg);
	hwl_swfw_release(hw);
	if (err < 0)
		return err;

	/* Firmware need not wait for that. */
	if (cfg->loopback)
		msleep(HWL_LOOPBACK_MS);
	return 0;
}

/**
 * hwl_phy_power_down() - power the PHY down, unless firmware needs it
 * @hw: the device; its data path is stopped
 *
 * Context: process.
 */
void hwl_phy_power_down(struct hwl_hw *hw)
{
	if (hw->managed || hwl_phy_vetoed(hw))
		return;
	if (hwl_swfw_acquire(hw))
		return;
	hwl_mdio_modify(hw, 0, MII_BMCR, BMCR_PDOWN, BMCR_PDOWN);
	hwl_swfw_release(hw);
}

/**
 * hwl_phy_looks_hung() - check the PHY for the signs of a hang
 * @hw: the device
 * @hung: where the answer goes
 *
 * Erratum 19: both the error counter and the idle error count read as all ones.
 *
 * Context: process.
 * Return: 0, or a negative error code if the PHY cannot be read.
 */
int hwl_phy_looks_hung(struct hwl_hw *hw, bool *hung)
{
	u16 errors, stat = 0;
	int err;

	err = hwl_swfw_acquire(hw);
	if (err)
		return err;
	err = hwl_mdio_read(hw, 0, HWL_PHY_RXERR, &errors);
	if (!err && errors == 0xFFFF)
		err = hwl_mdio_read(hw, 0, MII_STAT1000, &stat);
	hwl_swfw_release(hw);
	*hung = (stat & HWL_PHY_IDLE_ERRORS) == HWL_PHY_IDLE_ERRORS;
	return err;
}
