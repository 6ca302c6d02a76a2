// SPDX-License-Identifier: GPL-2.0
/*
 * Register access: the slow half.
 *
 * A PCI read that nobody answers returns all ones. That value alone proves
 * nothing (a statistics register may stick at it), but STATUS has bits that
 * always read as zero. The discovery is made here, once, and announced through
 * hw->lost; everything else just asks hwl_gone().
 */
#include "hwl_io.h"

/**
 * hwl_io_retry() - does a device that was gone answer again?
 * @hw: the device
 *
 * A completion that timed out looks like a removal, and so does a reset of the
 * function by somebody else. The device needs a reset afterwards.
 *
 * Context: process.
 * Return: true if it answers.
 */
bool hwl_io_retry(struct hwl_hw *hw)
{
	if (readl(hw->bar + HWL_STATUS) == ~0U)
		return false;
	WRITE_ONCE(hw->gone, false);
	return true;
}

/**
 * hwl_io_suspect() - look into a read that returned all ones
 * @hw: the device
 * @reg: offset that was read
 * @val: the value
 *
 * Context: any.
 * Return: @val.
 */
u32 hwl_io_suspect(struct hwl_hw *hw, u32 reg, u32 val)
{
	if (hwl_gone(hw))
		return val;
	if (reg != HWL_STATUS && readl(hw->bar + HWL_STATUS) != ~0U)
		return val;

	if (!xchg(&hw->gone, true)) {
		dev_warn(hw->dev, "device is gone (register 0x%05x reads all ones)\n",
			 reg);
		if (hw->lost)
			hw->lost(hw);
	}
	return val;
}
