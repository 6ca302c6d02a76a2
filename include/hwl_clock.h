/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The clock that time stamps are taken from.
 */
#ifndef HWL_CLOCK_H
#define HWL_CLOCK_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct hwl_hw;
struct ptp_system_timestamp;

/* What 1.0 is as the rate of the clock to SYSTIM. */
#define HWL_CLOCK_MULT		BIT(31)

/**
 * struct hwl_clock - SYSTIM, and the time that is made of it
 * @lock: protects all of it; taken from any context
 * @watch: reads it periodically
 * @held: SYSTIM is not to be read: the device is in reset, or asleep
 * @stepped: SYSTIM goes up by whole values of TIMINCA: one that does not is wrong
 * @sure: @rate was measured, and nothing has been wrong with it since
 * @doubt: by how much it may be off: HWL_RATIO_PART_SHIFT bits of it
 * @odd: the last ratio that differed from it by too much to be true
 * @rate: counts of SYSTIM in a nanosecond of the system, HWL_RATIO_SHIFT bits
 *	of fraction
 * @offset: added to SYSTIM, so that a reset does not show
 * @base_count: count, @offset included, at @base_raw
 * @base_raw: a moment of the system's raw clock: see hwl_clock_raw()
 * @base_took: nanoseconds that the read then took
 * @ref_count: the count at which the time is @ref_ns
 * @ref_ns: nanoseconds since 1970, as a rule
 * @ref_frac: … and fractions, HWL_CLOCK_FRAC_SHIFT bits
 * @mult: rate of the time to the count, HWL_CLOCK_MULT being 1.0
 * @rereads: reads of SYSTIM that another read did not confirm
 * @guesses: times that were made from the system's clock, since SYSTIM made no sense
 */
struct hwl_clock {
	spinlock_t lock; /* all of it */
	struct delayed_work watch;
	bool held;
	bool stepped;
	bool sure;
	u32 doubt;
	u64 odd;
	u32 rate;
	u64 offset;
	u64 base_count;
	u64 base_raw;
	u64 base_took;
	u64 ref_count;
	u64 ref_ns;
	u32 ref_frac;
	u32 mult;
	u64 rereads;
	u64 guesses;
};

void hwl_clock_init(struct hwl_hw *hw);
void hwl_clock_start(struct hwl_hw *hw);
void hwl_clock_stop(struct hwl_hw *hw);
void hwl_clock_hold(struct hwl_hw *hw);
void hwl_clock_resume(struct hwl_hw *hw);

u64 hwl_clock_gettime(struct hwl_hw *hw, struct ptp_system_timestamp *sts);
void hwl_clock_settime(struct hwl_hw *hw, u64 ns);
void hwl_clock_adjtime(struct hwl_hw *hw, s64 ns);
void hwl_clock_adjust(struct hwl_hw *hw, u32 mult);
u64 hwl_clock_stamp(struct hwl_hw *hw, u32 low, u32 high);

#endif /* HWL_CLOCK_H */
