// SPDX-License-Identifier: GPL-2.0
/*
 * MDIO access to the internal PHY, and ownership of PHY and NVM.
 *
 * Driver and management firmware share the PHY and the NVM; EXTCNF_CTRL bit 5
 * says that the driver owns them. The bit does not distinguish threads of the
 * driver, so a mutex serialises them. All functions may sleep.
 *
 * Why not phylib: the PHY's identity is within the range that the kernel's
 * Marvell driver claims as an 88E1121R, a discrete part with registers that
 * this core does not have, and a PHY shared with firmware must be owned around
 * each sequence, not each access.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/iopoll.h>

#include "hwl_mdio.h"

/* Registers below this one are the same on every page. */
#define HWL_PHY_PAGED_FROM	16

/**
 * hwl_swfw_own() - ask firmware for PHY and NVM
 * @hw: the device
 *
 * A MAC reset returns ownership to firmware.
 *
 * Context: process, hw->sw_mutex held.
 * Return: 0; -EBUSY if firmware does not release them within 20 ms; -ENODEV if
 * the device was removed.
 */
int hwl_swfw_own(struct hwl_hw *hw)
{
	int tries = 10;
	u32 val;

	lockdep_assert_held(&hw->sw_mutex);
	do {
		hwl_wr32(hw, HWL_EXTCNF_CTRL,
			 hwl_rd32(hw, HWL_EXTCNF_CTRL) | HWL_EXTCNF_CTRL_MDIO_SW);
		val = hwl_rd32(hw, HWL_EXTCNF_CTRL);
		if (hwl_removed(hw))
			return -ENODEV;
		if (val & HWL_EXTCNF_CTRL_MDIO_SW)
			return 0;
		fsleep(2 * USEC_PER_MSEC);
	} while (--tries);

	hwl_swfw_disown(hw);
	return -EBUSY;
}

/**
 * hwl_swfw_disown() - leave PHY and NVM to firmware
 * @hw: the device
 *
 * Context: process, hw->sw_mutex held.
 */
void hwl_swfw_disown(struct hwl_hw *hw)
{
	hwl_wr32(hw, HWL_EXTCNF_CTRL,
		 hwl_rd32(hw, HWL_EXTCNF_CTRL) & ~HWL_EXTCNF_CTRL_MDIO_SW);
}

/**
 * hwl_swfw_acquire() - acquire ownership of PHY and NVM
 * @hw: the device
 *
 * Context: process; takes hw->sw_mutex.
 * Return: as hwl_swfw_own(); the mutex is held if 0.
 */
int hwl_swfw_acquire(struct hwl_hw *hw)
{
	int err;

	mutex_lock(&hw->sw_mutex);
	err = hwl_swfw_own(hw);
	if (err)
		mutex_unlock(&hw->sw_mutex);
	return err;
}

/**
 * hwl_swfw_release() - release ownership of PHY and NVM to firmware
 * @hw: the device
 *
 * Context: process, after a hwl_swfw_acquire() that returned 0.
 */
void hwl_swfw_release(struct hwl_hw *hw)
{
	hwl_swfw_disown(hw);
	mutex_unlock(&hw->sw_mutex);
}

static int hwl_mdic(struct hwl_hw *hw, u32 op, u8 reg, u16 *val)
{
	u32 mdic;
	int err;

	lockdep_assert_held(&hw->sw_mutex);
	hwl_wr32(hw, HWL_MDIC, FIELD_PREP(HWL_MDIC_OP, op) |
			       FIELD_PREP(HWL_MDIC_PHY, HWL_PHY_ADDR) |
			       FIELD_PREP(HWL_MDIC_REG, reg) |
			       FIELD_PREP(HWL_MDIC_DATA, *val));
	err = read_poll_timeout(hwl_rd32, mdic,
				mdic & (HWL_MDIC_READY | HWL_MDIC_ERROR),
				50, 96 * USEC_PER_MSEC, false, hw, HWL_MDIC);
	if (hwl_removed(hw))
		return -ENODEV;
	if (err)
		return err;
	/* A register number that is not ours belongs to an earlier access. */
	if (mdic & HWL_MDIC_ERROR || FIELD_GET(HWL_MDIC_REG, mdic) != reg)
		return -EIO;
	*val = FIELD_GET(HWL_MDIC_DATA, mdic);
	return 0;
}

static int hwl_mdic_paged(struct hwl_hw *hw, u32 op, u16 page, u8 reg, u16 *val)
{
	int err;

	if (reg >= HWL_PHY_PAGED_FROM && reg != HWL_PHY_PAGE) {
		err = hwl_mdic(hw, HWL_MDIC_OP_WRITE, HWL_PHY_PAGE, &page);
		if (err)
			return err;
	}
	return hwl_mdic(hw, op, reg, val);
}

/**
 * hwl_mdio_read() - read a PHY register
 * @hw: the device
 * @page: page; counts for registers from 16 up
 * @reg: register, 0 to 31
 * @val: where the value goes
 *
 * Context: process, between hwl_swfw_acquire() and hwl_swfw_release().
 * Return: 0 or a negative error code.
 */
int hwl_mdio_read(struct hwl_hw *hw, u16 page, u8 reg, u16 *val)
{
	*val = 0;
	return hwl_mdic_paged(hw, HWL_MDIC_OP_READ, page, reg, val);
}

/**
 * hwl_mdio_write() - write a PHY register
 * @hw: the device
 * @page: page; counts for registers from 16 up
 * @reg: register, 0 to 31
 * @val: value
 *
 * Context: process, between hwl_swfw_acquire() and hwl_swfw_release().
 * Return: 0 or a negative error code.
 */
int hwl_mdio_write(struct hwl_hw *hw, u16 page, u8 reg, u16 val)
{
	return hwl_mdic_paged(hw, HWL_MDIC_OP_WRITE, page, reg, &val);
}

/**
 * hwl_mdio_modify() - change bits of a PHY register
 * @hw: the device
 * @page: page; counts for registers from 16 up
 * @reg: register, 0 to 31
 * @mask: bits to change
 * @set: their new values
 *
 * Context: process, between hwl_swfw_acquire() and hwl_swfw_release().
 * Return: 1 when the register was written, 0 when it had the value already, or
 * a negative error code.
 */
int hwl_mdio_modify(struct hwl_hw *hw, u16 page, u8 reg, u16 mask, u16 set)
{
	u16 old, new;
	int err;

	err = hwl_mdio_read(hw, page, reg, &old);
	if (err)
		return err;
	new = (old & ~mask) | set;
	if (new == old)
		return 0;
	err = hwl_mdio_write(hw, page, reg, new);
	return err ?: 1;
}
