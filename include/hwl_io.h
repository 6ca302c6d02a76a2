/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Register access, and detection of a removed device.
 */
#ifndef HWL_IO_H
#define HWL_IO_H

#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "hwl_clock.h"
#include "hwl_regs.h"

/**
 * struct hwl_rx_mode - receive settings that determine RCTL
 * @max_frame: largest frame to accept, with tag and FCS
 * @promisc: accept every unicast frame
 * @allmulti: accept every multicast frame
 * @vlan_filter: drop frames of VLANs that are not in the table
 * @rx_all: keep damaged frames; do not filter VLANs or pause frames
 * @rx_fcs: leave the FCS at the end of the frame
 */
struct hwl_rx_mode {
	u32 max_frame;
	bool promisc;
	bool allmulti;
	bool vlan_filter;
	bool rx_all;
	bool rx_fcs;
};

/**
 * struct hwl_hw - the device as a set of registers
 * @bar: BAR 0
 * @dev: for messages
 * @on_removed: called once when the device is found to be removed; any context
 * @lock: protects read-modify-write of CTRL and CTRL_EXT, RCTL with @rx, and
 *	the address and VLAN tables; taken with BH disabled
 * @sw_mutex: serialises owners of the PHY and NVM within the driver; the
 *	hardware's ownership bit arbitrates with firmware only
 * @rx: receive mode
 * @rar: shadow of the unicast table, as RAH and RAL
 * @mta: shadow of the multicast table
 * @vfta: shadow of the VLAN table
 * @clock: the clock of the time stamps
 * @nvm_words: size of the NVM
 * @nvm_flash: the NVM is flash behind a shadow RAM
 * @managed: firmware may use the PHY for management traffic
 * @mng_pt: firmware passes management packets to the host
 * @removed: the device was removed or does not respond: reads return all ones
 */
struct hwl_hw {
	void __iomem *bar;
	struct device *dev;
	void (*on_removed)(struct hwl_hw *hw);
	spinlock_t lock; /* registers that are read, changed and written */
	struct mutex sw_mutex; /* PHY and NVM, within the driver */
	struct hwl_rx_mode rx;
	u64 rar[HWL_RAR_ENTRIES];
	u32 mta[HWL_MTA_WORDS];
	u32 vfta[HWL_VFTA_WORDS];
	struct hwl_clock clock;
	u32 nvm_words;
	bool nvm_flash;
	bool managed;
	bool mng_pt;
	bool removed;
};

bool hwl_io_recheck(struct hwl_hw *hw);
u32 hwl_io_check_removal(struct hwl_hw *hw, u32 reg, u32 val);

/**
 * hwl_removed() - check whether the device was removed
 * @hw: the device
 *
 * Context: any.
 * Return: true once a read has found STATUS to be all ones.
 */
static inline bool hwl_removed(const struct hwl_hw *hw)
{
	return READ_ONCE(hw->removed);
}

/**
 * hwl_rd32() - read a register
 * @hw: the device
 * @reg: offset
 *
 * A read costs a round trip over PCIe (or an exit to the emulator): none is
 * made in the packet path.
 *
 * Context: any.
 * Return: the value; all ones if the device was removed.
 */
static inline u32 hwl_rd32(struct hwl_hw *hw, u32 reg)
{
	u32 val;

	/* Each read without a completion may take milliseconds to fail. */
	if (unlikely(hwl_removed(hw)))
		return ~0U;
	val = readl(hw->bar + reg);
	if (unlikely(val == ~0U))
		return hwl_io_check_removal(hw, reg, val);
	return val;
}

/**
 * hwl_wr32() - write a register
 * @hw: the device
 * @reg: offset
 * @val: value
 *
 * Orders earlier stores to DMA memory before the write. Ignored if the device
 * was removed.
 *
 * Context: any.
 */
static inline void hwl_wr32(struct hwl_hw *hw, u32 reg, u32 val)
{
	writel(val, hw->bar + reg);
}

/**
 * hwl_flush() - wait until all writes have reached the device
 * @hw: the device
 *
 * Context: any.
 */
static inline void hwl_flush(struct hwl_hw *hw)
{
	hwl_rd32(hw, HWL_STATUS);
}

#endif /* HWL_IO_H */
