// SPDX-License-Identifier: GPL-2.0
/*
 * Register access: the slow path.
 *
 * A PCI read without a completion returns all ones. That value alone proves
 * nothing (a statistics register may stick at it), but STATUS has bits that
 * always read as zero. Removal is detected here, once, and signalled through
 * hw->on_removed; all other code checks hwl_removed().
 */
#include "hwl_io.h"

/**
 * hwl_io_recheck() - check whether a removed device responds again
 * @hw: the device
 *
 * A completion timeout looks like a removal, and so does a function reset that
 * the driver did not ask for. The device needs a reset afterwards.
 *
 * Context: process.
 * Return: true if it responds.
 */
bool hwl_io_recheck(struct hwl_hw *hw)
{
	if (readl(hw->bar + HWL_STATUS) == ~0U)
		return false;
	WRITE_ONCE(hw->removed, false);
	return true;
}

/**
 * hwl_io_check_removal() - check for removal after a read returned all ones
 * @hw: the device
 * @reg: offset that was read
 * @val: the value
 *
 * Context: any.
 * Return: @val.
 */
u32 hwl_io_check_removal(struct hwl_hw *hw, u32 reg, u32 val)
{
	if (hwl_removed(hw))
		return val;
	if (reg != HWL_STATUS && readl(hw->bar + HWL_STATUS) != ~0U)
		return val;

	if (!xchg(&hw->removed, true)) {
		dev_warn(hw->dev, "device removed or PCIe link lost (register 0x%05x reads all ones)\n",
			 reg);
		if (hw->on_removed)
			hw->on_removed(hw);
	}
	return val;
}
