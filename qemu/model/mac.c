// SPDX-License-Identifier: GPL-2.0
/*
 * The MAC: CTRL, STATUS, resets, locks, and the link as it sees it.
 *
 * Source: Linux 82571.c (reset sequence, EXTCNF_CTRL), mac.c. A MAC reset
 * leaves the PHY alone; the NVM is read again after it, first the MAC's part
 * (EECD.AUTO_RD), then the PHY's.
 */
#include "model.h"

#define NVM_READ_NS	(2 * NS_PER_MS)
/* A driver sleeps 25 ms, by its own clock. */
#define PHY_CONFIG_NS	(24500 * NS_PER_US)
/* 100 us likewise. */
#define PHY_RST_NS	(95 * NS_PER_US)

/* ---- Reset ---- */

static void mac_nvm_read(struct dev *dev, int arg)
{
	(void)arg;
	dev->in_reset = false;
	nvm_load_mac(dev);
	if (!fault_use(dev, FAULT_AUTO_RD))
		wr(dev, EECD, rd(dev, EECD) | EECD_AUTO_RD);
	if (erratum(dev, ERR_MDIO_OWNER) && !(rd(dev, CTRL) & CTRL_PHY_RST))
		phy_configure(dev, PHY_CONFIG_NS);
}

void mac_reset(struct dev *dev)
{
	u32 owner = rd(dev, EXTCNF_CTRL) & EXTCNF_MDIO_SW;

	if (rd(dev, CTRL) & CTRL_PHY_RST)
		phy_hw_reset_end(dev);
	regs_reset(dev, false);
	if (!erratum(dev, ERR_MDIO_OWNER))
		wr(dev, EXTCNF_CTRL, owner);
	if (erratum(dev, ERR_RESERVED)) {
		wr(dev, CTRL, rd(dev, CTRL) | CTRL_RSVD29);
		wr(dev, CTRL_EXT, CTRL_EXT_RSVD23);
	}
	dev->phy.hung = false;
	dev->phy.frames = 0;
	dev->pba = rd(dev, PBA);
	tx_reset(dev);
	rx_reset(dev);
	irq_reset(dev);
	ptp_reset(dev);
	timer_stop(dev, TIMER_EERD);
	dev->in_reset = true;
	if (fault(dev, FAULT_LATE_ANSWER))
		dev->answers_at = now_ns() + dev->fault_arg[FAULT_LATE_ANSWER] * NS_PER_US;
	dev->master_off = 0;
	timer_set(dev, TIMER_RESET, now_ns() + NVM_READ_NS, mac_nvm_read, 0);
	mac_link(dev);
}

void mac_power_on(struct dev *dev)
{
	regs_reset(dev, true);
	mac_reset(dev);
	phy_init(dev);
	phy_renegotiate(dev);
}

/* ---- Link ---- */

int mac_speed(const struct dev *dev)
{
	static const int speeds[] = { 10, 100, 1000, 1000 };

	if (rd(dev, CTRL) & CTRL_FRCSPD)
		return speeds[CTRL_SPD(rd(dev, CTRL))];
	return dev->phy.speed ? dev->phy.speed : 1000;
}

/* Forced to another speed than that of the link: nothing gets through. */
bool mac_mismatch(const struct dev *dev)
{
	return dev->phy.link && mac_speed(dev) != dev->phy.speed;
}

/* How long a pause lasts, in quanta of 512 bit times. */
u64 mac_pause_ns(const struct dev *dev, u32 quanta)
{
	return (u64)quanta * 512 * 1000 / (u32)mac_speed(dev);
}

/* The PHY's link, SLU or loopback may have changed. */
void mac_link(struct dev *dev)
{
	u32 was = rd(dev, STATUS) & STATUS_LU, lu = 0;

	if ((dev->phy.link || phy_loopback(dev)) && rd(dev, CTRL) & CTRL_SLU)
		lu = STATUS_LU;
	wr(dev, STATUS, (rd(dev, STATUS) & ~STATUS_LU) | lu);
	if (lu == was)
		return;
	irq_raise(dev, INT_LSC);
	wake_link(dev);
	engine_wake(dev);
}

u32 status_read(struct dev *dev, u32 off)
{
	u32 speed = (u32)(mac_speed(dev) == 1000 ? 2 : mac_speed(dev) / 100);
	u32 status = rd(dev, off) & (STATUS_LU | STATUS_PHYRA);
	bool fd = rd(dev, CTRL) & CTRL_FRCDPX ? rd(dev, CTRL) & CTRL_FD : dev->phy.duplex;

	status |= speed << STATUS_SPEED_SHIFT | speed << 8;
	if (fd)
		status |= STATUS_FD;
	if (dev->tx.paused_until > now_ns())
		status |= STATUS_TXOFF;
	if (!(rd(dev, CTRL) & CTRL_MASTER_DISABLE) || now_ns() < dev->master_off ||
	    fault(dev, FAULT_MASTER_STUCK))
		status |= STATUS_MASTER;
	return status;
}

/* ---- Registers ---- */

bool mac_master(struct dev *dev)
{
	if (!pcie_master(dev))
		return false;
	return !(rd(dev, CTRL) & CTRL_MASTER_DISABLE) || now_ns() < dev->master_off;
}

u32 ctrl_read(struct dev *dev, u32 off)
{
	(void)off;
	return rd(dev, CTRL);
}

/* Firmware and DMA must be out of the way. */
static void mac_reset_check(struct dev *dev)
{
	u32 ctrl = rd(dev, CTRL), extcnf = rd(dev, EXTCNF_CTRL);

	if (!(extcnf & (EXTCNF_MDIO_SW | EXTCNF_MDIO_HW)) && !fault(dev, FAULT_FIRMWARE))
		offend(dev, OFF_MDIO_OWNER, CTRL, extcnf);
	if (!pcie_master(dev) || fault(dev, FAULT_MASTER_STUCK))
		return;
	if (ctrl & CTRL_MASTER_DISABLE ? now_ns() < dev->master_off : tx_used(dev) || rx_used(dev))
		offend(dev, OFF_RESET_DMA, CTRL, ctrl);
}

/* Of CTRL.PHY_RST: nobody else is at the PHY, and it is held for long enough. */
static void mac_phy_reset(struct dev *dev, u32 value)
{
	if (!(rd(dev, EXTCNF_CTRL) & EXTCNF_MDIO_SW))
		offend(dev, OFF_MDIO_OWNER, CTRL, value);
	if (!(value & CTRL_PHY_RST)) {
		if (now_ns() - dev->phy.reset_at < PHY_RST_NS)
			offend(dev, OFF_PHY_RESET, CTRL, value);
		phy_hw_reset_end(dev);
		return;
	}
	if (rd(dev, MANC) & MANC_BLK_PHY_RST)
		offend(dev, OFF_PHY_RESET, MANC, rd(dev, MANC));
	wr(dev, STATUS, rd(dev, STATUS) | STATUS_PHYRA);
	phy_hw_reset(dev);
}

void ctrl_write(struct dev *dev, u32 off, u32 value)
{
	u32 was = rd(dev, CTRL);

	(void)off;
	if (value & CTRL_RST) {
		mac_reset_check(dev);
		mac_reset(dev);
		return;
	}
	if (value & CTRL_MASTER_DISABLE && !(was & CTRL_MASTER_DISABLE))
		dev->master_off = now_ns() + dev->opt.master_delay_us * NS_PER_US;
	wr(dev, CTRL, value & ~CTRL_RST);
	if ((value ^ was) & CTRL_PHY_RST)
		mac_phy_reset(dev, value);
	mac_link(dev);
	rx_pause_update(dev);
}

void ctrl_ext_write(struct dev *dev, u32 off, u32 value)
{
	/* EE_RST reads the NVM again; it clears itself. */
	if (value & CTRL_EXT_EE_RST) {
		nvm_reload(dev);
		wr(dev, EECD, rd(dev, EECD) & ~EECD_AUTO_RD);
		timer_set(dev, TIMER_RESET, now_ns() + NVM_READ_NS, mac_nvm_read, 0);
	}
	wr(dev, off, value & ~CTRL_EXT_EE_RST);
	irq_update(dev);
}

/* Who asks has it, unless firmware does. */
void extcnf_write(struct dev *dev, u32 off, u32 value)
{
	u32 owned = rd(dev, off);

	if (value & ~owned & EXTCNF_MDIO_SW && owned & EXTCNF_MDIO_HW) {
		dev->refused++;
		value &= ~EXTCNF_MDIO_SW;
	}
	if (value & ~owned & EXTCNF_MDIO_SW && fault_use(dev, FAULT_FIRMWARE))
		value &= ~EXTCNF_MDIO_SW;
	wr(dev, off, (value & ~EXTCNF_MDIO_HW) | (owned & EXTCNF_MDIO_HW));
}

/* SMBI is set by being read. */
u32 swsm_read(struct dev *dev, u32 off)
{
	u32 value = rd(dev, off);

	wr(dev, off, value | SWSM_SMBI);
	return value;
}

/* While firmware is at it, SMBI stays set and SWESMBI is not granted. */
void swsm_write(struct dev *dev, u32 off, u32 value)
{
	value &= 0xF;
	if (rd(dev, EXTCNF_CTRL) & EXTCNF_MDIO_HW)
		value = (value & ~SWSM_SWESMBI) | SWSM_SMBI;
	wr(dev, off, value);
}

void rar_write(struct dev *dev, u32 off, u32 value)
{
	bool high = off & 4;

	if (off >= RAL(RAR_ENTRIES - 1))
		offend(dev, OFF_RAR, off, value);
	if (dev->unflushed == off - 4) {
		offend(dev, OFF_RAR_FLUSH, off, value);
		if (erratum(dev, ERR_RAR_MERGE))
			return;
	}
	wr(dev, off, high ? value & 0x8003FFFF : value);
	dev->unflushed = off;
}

/* 40 KiB in all: what receive leaves is transmit's. */
void pba_write(struct dev *dev, u32 off, u32 value)
{
	u32 rx = value & 0xFFFF;

	if (rx > 40)
		rx = 40;
	wr(dev, off, rx | (40 - rx) << 16);
}
