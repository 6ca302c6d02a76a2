// SPDX-License-Identifier: GPL-2.0
/*
 * Management firmware, as a fault: at random times it has the PHY and the NVM
 * for a while. It waits for a driver that has them, and leaves the PHY as it
 * likes: with another page selected, and its own result in MDIC.
 *
 * Source: Linux 82571.c: ownership is EXTCNF_CTRL.5 for software and 6 for
 * hardware, and a driver asks again each 2 ms, ten times. So it never has to
 * wait longer than that.
 */
#include "model.h"

#define FREE_MIN	(5 * NS_PER_MS)
#define FREE_MAX	(30 * NS_PER_MS)
#define HELD_MIN	(200 * NS_PER_US)
#define HELD_MAX	(8 * NS_PER_MS)
#define ASK_AGAIN	(200 * NS_PER_US)
#define PHY_PAGE	22
#define MDIC_READ	(2U << 26 | 1U << 21)

static u64 firmware_span(struct dev *dev, u64 min, u64 max)
{
	return now_ns() + min + fault_random(&dev->firmware_seed) % (max - min);
}

static void firmware_take(struct dev *dev, int arg);

static void firmware_leave(struct dev *dev, int arg)
{
	u32 page;

	(void)arg;
	/* A reset may have taken it away. */
	if (rd(dev, EXTCNF_CTRL) & EXTCNF_MDIO_HW) {
		page = fault_random(&dev->firmware_seed) % PHY_PAGES;
		dev->phy.reg[0][PHY_PAGE] = (u16)page;
		wr(dev, MDIC, MDIC_READY | MDIC_READ | PHY_PAGE << 16 | page);
		wr(dev, EXTCNF_CTRL, rd(dev, EXTCNF_CTRL) & ~EXTCNF_MDIO_HW);
		wr(dev, SWSM, rd(dev, SWSM) & ~SWSM_SMBI);
	}
	timer_set(dev, TIMER_FIRMWARE, firmware_span(dev, FREE_MIN, FREE_MAX), firmware_take, 0);
}

static void firmware_take(struct dev *dev, int arg)
{
	(void)arg;
	if (!fault(dev, FAULT_FIRMWARE_BUSY))
		return;
	if (rd(dev, EXTCNF_CTRL) & EXTCNF_MDIO_SW || dev->in_reset || phy_configuring(dev) ||
	    timer_armed(dev, TIMER_MDIC)) {
		timer_set(dev, TIMER_FIRMWARE, now_ns() + ASK_AGAIN, firmware_take, 0);
		return;
	}
	wr(dev, EXTCNF_CTRL, rd(dev, EXTCNF_CTRL) | EXTCNF_MDIO_HW);
	wr(dev, SWSM, rd(dev, SWSM) | SWSM_SMBI);
	timer_set(dev, TIMER_FIRMWARE, firmware_span(dev, HELD_MIN, HELD_MAX), firmware_leave, 0);
}

void firmware_begin(struct dev *dev, u32 seed)
{
	dev->firmware_seed = seed ? : 1;
	if (!timer_armed(dev, TIMER_FIRMWARE))
		timer_set(dev, TIMER_FIRMWARE, now_ns(), firmware_take, 0);
}
