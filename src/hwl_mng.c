// SPDX-License-Identifier: GPL-2.0
/*
 * Management packets: passed to the host by firmware.
 *
 * With pass-through, firmware forwards frames for the UDP ports of IPMI (623,
 * 664) to a management controller by SMBus. While the driver is up the host
 * gets them, too.
 */
#include <linux/bitfield.h>

#include "hwl_io.h"
#include "hwl_mng.h"
#include "hwl_nvm.h"

#define HWL_MDEF_IPMI	(HWL_MDEF_PORT_623 | HWL_MDEF_PORT_664)

/**
 * hwl_mng_init() - detect management pass-through
 * @hw: the device; its NVM can be read
 *
 * Receiving of management frames is on, the management clock is not gated, and
 * the NVM selects pass-through (Linux, e1000e_enable_mng_pass_thru()).
 *
 * Context: process; probe only, before the first reset.
 */
void hwl_mng_init(struct hwl_hw *hw)
{
	u16 ctrl2;

	if (!(hwl_rd32(hw, HWL_MANC) & HWL_MANC_RCV_TCO_EN) ||
	    hwl_rd32(hw, HWL_FACTPS) & HWL_FACTPS_MNGCG ||
	    hwl_nvm_read(hw, HWL_NVM_INIT_CTRL2, 1, &ctrl2))
		return;
	hw->mng_pt = !hwl_removed(hw) && FIELD_GET(HWL_NVM_INIT_CTRL2_MNG, ctrl2) ==
				      HWL_NVM_INIT_CTRL2_MNG_PT;
}

/*
 * Decision filters for nothing but the ports, as bits of MANC2H. If they do not
 * cover both ports an empty filter is set to do so. Linux then sets bit 1
 * whichever filter that is (e1000_init_manageability_pt()).
 */
static u32 hwl_mng_filters(struct hwl_hw *hw)
{
	u32 covered = 0, filters = 0, mdef;
	int i, empty = -1;

	for (i = 0; i < HWL_MDEF_NUM; i++) {
		mdef = hwl_rd32(hw, HWL_MDEF(i));
		if (!mdef && empty < 0)
			empty = i;
		if (!mdef || mdef & ~HWL_MDEF_IPMI)
			continue;
		covered |= mdef;
		filters |= BIT(i);
	}
	if (covered == HWL_MDEF_IPMI)
		return filters;
	if (empty < 0) {
		dev_warn(hw->dev, "no management filter is free for IPMI\n");
		return filters;
	}
	hwl_wr32(hw, HWL_MDEF(empty), HWL_MDEF_IPMI);
	return filters | BIT(empty);
}

/**
 * hwl_mng_acquire() - have management packets passed to the host
 * @hw: the device; set up
 *
 * Does nothing without pass-through.
 *
 * Context: process.
 */
void hwl_mng_acquire(struct hwl_hw *hw)
{
	u32 filters;

	if (!hw->mng_pt)
		return;
	filters = hwl_mng_filters(hw);
	hwl_wr32(hw, HWL_MANC2H, hwl_rd32(hw, HWL_MANC2H) | filters);
	hwl_wr32(hw, HWL_MANC, hwl_rd32(hw, HWL_MANC) | HWL_MANC_EN_MNG2HOST);
}

/**
 * hwl_mng_release() - leave management packets to firmware alone
 * @hw: the device
 *
 * Context: process.
 */
void hwl_mng_release(struct hwl_hw *hw)
{
	if (hw->mng_pt)
		hwl_wr32(hw, HWL_MANC,
			 hwl_rd32(hw, HWL_MANC) & ~HWL_MANC_EN_MNG2HOST);
}
