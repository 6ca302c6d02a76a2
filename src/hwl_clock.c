// SPDX-License-Identifier: GPL-2.0
/*
 * The clock that time stamps are taken from.
 *
 * SYSTIM is a counter of 64 bits, 18 of them of fraction, which TIMINCA moves on
 * by a fixed value each 40 ns. Above it there are two layers of software:
 *
 * The count is SYSTIM and an offset. A reset of the MAC clears SYSTIM, so before it
 * (hwl_clock_hold()) count and system clock are noted, and behind it
 * (hwl_clock_resume()) the offset is set to what the count has become meanwhile by
 * the system clock, at the ratio of the two that was measured before. Between, the
 * count is that estimate. So nothing above sees a reset.
 *
 * The time is the count at a rate (adjfine), from a reference on (adjtime, settime).
 * TIMINCA could be scaled instead, in steps of 95 ppb; here it never changes, so
 * that steps are 0.5 ppb, and SYSTIM can be checked by its increment.
 *
 * Reads of SYSTIM can be wrong (erratum, known from Linux): a value counts when the
 * next read confirms it, and when it agrees with the system clock: within a factor
 * until their ratio was measured, and then at that. The latter also tells a counter
 * that stands still, or that somebody else has reset.
 *
 * Under clock->lock, with interrupts disabled: a read in two parts is as exact as
 * it is not interrupted.
 */
#include <linux/bitfield.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/ptp_clock_kernel.h>

#include "hwl_io.h"
#include "hwl_ratio.h"

/* 25 MHz: 40 ns in units of 2^-18 ns, each period (Linux). */
#define HWL_CLOCK_SHIFT		18
#define HWL_CLOCK_STEP		(40U << HWL_CLOCK_SHIFT)
#define HWL_CLOCK_TIMINCA	(FIELD_PREP_CONST(HWL_TIMINCA_PERIOD, 1) | \
				 FIELD_PREP_CONST(HWL_TIMINCA_VALUE, HWL_CLOCK_STEP))

#define HWL_CLOCK_MULT_SHIFT	31
#define HWL_CLOCK_RATE		(1U << (HWL_CLOCK_SHIFT + HWL_RATIO_SHIFT))
#define HWL_CLOCK_FRAC_SHIFT	16
#define HWL_CLOCK_FRAC_MASK	GENMASK(HWL_CLOCK_FRAC_SHIFT - 1, 0)

/* The low part is about to wrap: in 64 ns at the latest. */
#define HWL_CLOCK_WRAPS		0xFF000000

/* Reads until one confirms the one before; e1000e gives up after 50. */
#define HWL_CLOCK_TRIES		20
/* Reads of which the quickest counts, where an offset depends on it. */
#define HWL_CLOCK_BEST		8
/* At power-on: pairs of reads that tell whether SYSTIM moves in steps. */
#define HWL_CLOCK_PROBES	8

/* SYSTIM and the system clock differ by no more than this factor: 100 ppm in
 * silicon, 2.5 in QEMU. Below a millisecond only the upper limit holds.
 */
#define HWL_CLOCK_FACTOR	4
#define HWL_CLOCK_SURE_NS	NSEC_PER_MSEC

/* Parts of a ratio: how much it moves from one measurement to the next, or a counter
 * has stopped meanwhile; by how much silicon is off at first.
 */
#define HWL_CLOCK_DRIFT		1000
#define HWL_CLOCK_NOMINAL	128
/* What a read may be off by beyond the time that it takes. */
#define HWL_CLOCK_SLACK_NS	(2 * NSEC_PER_USEC)

/* From this on a measurement replaces one that was more exact. */
#define HWL_CLOCK_FINE_NS	(10ULL * NSEC_PER_SEC)
/* A measurement that tells roughly at which ratio SYSTIM runs just now. */
#define HWL_CLOCK_BRIEF_NS	NSEC_PER_MSEC

/* Much shorter than the 19 hours in which the count wraps. */
#define HWL_CLOCK_WATCH		(30 * HZ)
/* The same for a base: nobody has read the clock meanwhile, so the machine slept. */
#define HWL_CLOCK_LONG_NS	(3600ULL * NSEC_PER_SEC)

/* A moment: the count, and the system's clock with the time that the read took. */
struct hwl_moment {
	u64 count;
	u64 raw;
	u64 took;
};

/* The raw clock, but with the time that the machine slept. */
static u64 hwl_clock_raw(void)
{
	return ktime_get_raw_ns() +
	       ktime_to_ns(ktime_mono_to_any(0, TK_OFFS_BOOT));
}

static struct hwl_hw *hwl_clock_hw(struct hwl_clock *clock)
{
	return container_of(clock, struct hwl_hw, clock);
}

/* ---- The count ---- */

/* By the system clock, from the base on. */
static u64 hwl_clock_guess(const struct hwl_clock *clock, u64 raw)
{
	return clock->base_count + mul_u64_u32_shr(raw - clock->base_raw, clock->rate,
						   HWL_RATIO_SHIFT);
}

/* A reference from which the count does not wrap for long. */
static void hwl_clock_advance(struct hwl_clock *clock, u64 count)
{
	s64 delta = count - clock->ref_count;
	u64 fine;

	/* An estimate may be behind what was read before. */
	if (delta <= 0)
		return;
	fine = mul_u64_u32_shr(delta, clock->mult,
			       HWL_CLOCK_SHIFT + HWL_CLOCK_MULT_SHIFT -
			       HWL_CLOCK_FRAC_SHIFT) + clock->ref_frac;
	clock->ref_ns += fine >> HWL_CLOCK_FRAC_SHIFT;
	clock->ref_frac = fine & HWL_CLOCK_FRAC_MASK;
	clock->ref_count = count;
}

/* The same for a base that is older than the count takes to wrap, as after a sleep. */
static void hwl_clock_catch_up(struct hwl_clock *clock, u64 raw)
{
	while (raw - clock->base_raw > HWL_CLOCK_LONG_NS) {
		clock->base_raw += HWL_CLOCK_LONG_NS;
		clock->base_count += mul_u64_u32_shr(HWL_CLOCK_LONG_NS, clock->rate,
						     HWL_RATIO_SHIFT);
		hwl_clock_advance(clock, clock->base_count);
	}
}

/* The low part, which latches the other, with the system times around the read. */
static u32 hwl_clock_read_low(struct hwl_hw *hw, struct hwl_moment *now,
			      struct ptp_system_timestamp *sts)
{
	u32 low;

	ptp_read_system_prets(sts);
	now->raw = hwl_clock_raw();
	low = hwl_rd32(hw, HWL_SYSTIML);
	now->took = hwl_clock_raw() - now->raw;
	ptp_read_system_postts(sts);
	return low;
}

/* SYSTIM once. */
static void hwl_clock_read_once(struct hwl_clock *clock, struct hwl_moment *now,
				struct ptp_system_timestamp *sts)
{
	struct hwl_hw *hw = hwl_clock_hw(clock);
	u32 low, high, again;

	low = hwl_clock_read_low(hw, now, sts);
	high = hwl_rd32(hw, HWL_SYSTIMH);

	/* The latch is not reliable where the low part wraps (Linux). */
	if (unlikely(low >= HWL_CLOCK_WRAPS)) {
		again = hwl_clock_read_low(hw, now, sts);
		if (again < low)
			high = hwl_rd32(hw, HWL_SYSTIMH);
		low = again;
	}
	now->count = clock->offset + ((u64)high << 32 | low);
}

/* Can the count have become the second from the first? */
static bool hwl_clock_follows(const struct hwl_moment *first,
			      const struct hwl_moment *second)
{
	u64 ns = second->raw + second->took - first->raw;
	u64 count = second->count - first->count;

	return count >> HWL_CLOCK_SHIFT <= ns * HWL_CLOCK_FACTOR + 40;
}

static bool hwl_clock_in_steps(const struct hwl_moment *first,
			       const struct hwl_moment *second)
{
	u64 count = second->count - first->count;

	return !do_div(count, HWL_CLOCK_STEP);
}

/* Does it agree with the system clock, at the ratio that was measured? */
static bool hwl_clock_expected(const struct hwl_clock *clock,
			       const struct hwl_moment *now)
{
	u64 slack = (now->raw - clock->base_raw) *
		    (2 * HWL_CLOCK_DRIFT + clock->doubt) >> HWL_RATIO_PART_SHIFT;
	u64 first, last;

	slack = mul_u64_u32_shr(slack + clock->base_took + HWL_CLOCK_SLACK_NS, clock->rate,
				HWL_RATIO_SHIFT);
	first = hwl_clock_guess(clock, now->raw) - slack;
	last = hwl_clock_guess(clock, now->raw + now->took) + slack;
	return now->count - first <= last - first;
}

/* Does it agree with the system clock? */
static bool hwl_clock_plausible(const struct hwl_clock *clock,
				const struct hwl_moment *now)
{
	u64 count = (now->count - clock->base_count) >> HWL_CLOCK_SHIFT;
	u64 ns = now->raw + now->took - clock->base_raw;

	if (now->raw - clock->base_raw > HWL_CLOCK_LONG_NS)
		return false;
	if (clock->sure)
		return hwl_clock_expected(clock, now);
	if (count > ns * HWL_CLOCK_FACTOR + 40)
		return false;
	return ns < HWL_CLOCK_SURE_NS || count > (ns - now->took) / HWL_CLOCK_FACTOR;
}

/* SYSTIM, until a read confirms the one before. */
static bool hwl_clock_read_agreed(struct hwl_clock *clock, struct hwl_moment *now,
				  struct ptp_system_timestamp *sts)
{
	struct hwl_moment last;
	int i;

	hwl_clock_read_once(clock, &last, NULL);
	for (i = 0; i < HWL_CLOCK_TRIES; i++) {
		hwl_clock_read_once(clock, now, sts);
		if (hwl_clock_follows(&last, now) &&
		    (!clock->stepped || hwl_clock_in_steps(&last, now)))
			return true;
		clock->rereads++;
		last = *now;
	}
	return false;
}

/*
 * The count. Return: false, with the estimate, if SYSTIM makes no sense, or is not
 * to be read at all.
 */
static bool hwl_clock_read(struct hwl_clock *clock, struct hwl_moment *now,
			   struct ptp_system_timestamp *sts)
{
	if (!clock->held && !hwl_removed(hwl_clock_hw(clock))) {
		if (hwl_clock_read_agreed(clock, now, sts) &&
		    hwl_clock_plausible(clock, now))
			return true;
		clock->guesses++;
	}
	ptp_read_system_prets(sts);
	now->raw = hwl_clock_raw();
	ptp_read_system_postts(sts);
	now->took = 0;
	hwl_clock_catch_up(clock, now->raw);
	now->count = hwl_clock_guess(clock, now->raw);
	return false;
}

/* The same, as exact in relation to the system clock as it gets. */
static bool hwl_clock_read_best(struct hwl_clock *clock, struct hwl_moment *best)
{
	struct hwl_moment now;
	int i;

	if (!hwl_clock_read(clock, best, NULL))
		return false;
	for (i = 1; i < HWL_CLOCK_BEST; i++) {
		if (!hwl_clock_read(clock, &now, NULL))
			continue;
		if (now.took < best->took)
			*best = now;
	}
	/* The device has answered in the middle, as far as one knows. */
	best->raw += best->took / 2;
	return true;
}

/* Is a ratio that differs from the known one true? It is the second of its kind; or
 * it differs by far, and is that of the moment, too, to an eighth: an emulator's.
 */
static bool hwl_clock_runs_at(struct hwl_clock *clock, u64 rate, u32 doubt)
{
	struct hwl_moment first, last;
	u64 odd = clock->odd, ns;

	clock->odd = rate;
	if (hwl_ratio_near(rate, odd, HWL_CLOCK_DRIFT + doubt))
		return true;
	if (hwl_ratio_near(rate, clock->rate, 1U << (HWL_RATIO_PART_SHIFT - 2)))
		return false;
	if (!hwl_clock_read_best(clock, &first))
		return false;
	do {
		if (!hwl_clock_read_best(clock, &last))
			return false;
		ns = last.raw - first.raw;
	} while (ns < HWL_CLOCK_BRIEF_NS);
	return hwl_ratio_near(hwl_ratio(last.count - first.count, ns), rate,
			      (1U << (HWL_RATIO_PART_SHIFT - 3)) +
			      hwl_ratio_doubt(first.took + last.took, ns));
}

/*
 * The ratio of the clocks since the base, if it is better than what is known.
 * Return: false if SYSTIM has not run all the time, as it seems.
 */
static bool hwl_clock_measure(struct hwl_clock *clock, const struct hwl_moment *now)
{
	u64 ns = now->raw - clock->base_raw;
	u64 rate = hwl_ratio(now->count - clock->base_count, ns);
	u32 doubt = hwl_ratio_doubt(now->took + clock->base_took, ns);

	if (hwl_ratio_near(rate, clock->rate, HWL_CLOCK_DRIFT + doubt + clock->doubt)) {
		if (doubt > clock->doubt && ns < HWL_CLOCK_FINE_NS)
			return true;
	} else if (clock->sure || !hwl_clock_runs_at(clock, rate, doubt)) {
		clock->sure = false;
		return false;
	}
	clock->rate = min_t(u64, rate, U32_MAX);
	clock->doubt = doubt;
	clock->sure = true;
	return true;
}

/* The base and the reference are now, if SYSTIM is good. */
static bool hwl_clock_rebase(struct hwl_clock *clock)
{
	struct hwl_moment now;
	bool good;

	good = hwl_clock_read_best(clock, &now) &&
	       (now.raw - clock->base_raw < HWL_CLOCK_SURE_NS ||
		hwl_clock_measure(clock, &now));
	if (good) {
		clock->base_count = now.count;
		clock->base_raw = now.raw;
		clock->base_took = now.took;
	}
	hwl_clock_advance(clock, hwl_clock_guess(clock, now.raw));
	return good;
}

/* ---- The time ---- */

/* A count that is older than the reference is of a stamp. */
static u64 hwl_clock_ns(const struct hwl_clock *clock, u64 count)
{
	s64 delta = count - clock->ref_count;
	u64 ns = mul_u64_u32_shr(abs(delta), clock->mult,
				 HWL_CLOCK_SHIFT + HWL_CLOCK_MULT_SHIFT);

	return delta < 0 ? clock->ref_ns - ns : clock->ref_ns + ns;
}

/* ---- Life ---- */

/* Set SYSTIM going, and make it what it would have become. */
static void hwl_clock_anchor(struct hwl_clock *clock)
{
	struct hwl_moment now, best = { .took = ~0ULL };
	int i;

	hwl_wr32(hwl_clock_hw(clock), HWL_TIMINCA, HWL_CLOCK_TIMINCA);
	for (i = 0; i < HWL_CLOCK_BEST; i++) {
		if (!hwl_clock_read_agreed(clock, &now, NULL) && i)
			continue;
		if (now.took < best.took)
			best = now;
	}
	best.raw += best.took / 2;
	hwl_clock_catch_up(clock, best.raw);
	clock->base_count = hwl_clock_guess(clock, best.raw);
	clock->base_raw = best.raw;
	clock->base_took = best.took;
	clock->offset += clock->base_count - best.count;
}

/* The count must not wrap unnoticed, nor the ratio age. A counter that somebody
 * else has reset, or stopped, is started again.
 */
static void hwl_clock_watch(struct work_struct *work)
{
	struct hwl_clock *clock = container_of(to_delayed_work(work),
					       struct hwl_clock, watch);
	unsigned long flags;

	spin_lock_irqsave(&clock->lock, flags);
	if (!hwl_clock_rebase(clock) && !clock->held &&
	    !hwl_removed(hwl_clock_hw(clock))) {
		clock->sure = false;
		hwl_clock_anchor(clock);
	}
	spin_unlock_irqrestore(&clock->lock, flags);
	schedule_delayed_work(&clock->watch, HWL_CLOCK_WATCH);
}

/**
 * hwl_clock_init() - begin with the system's time of day
 * @hw: the device; its first reset is still to come
 *
 * Context: process; probe only.
 */
void hwl_clock_init(struct hwl_hw *hw)
{
	struct hwl_clock *clock = &hw->clock;

	spin_lock_init(&clock->lock);
	clock->held = true;
	clock->rate = HWL_CLOCK_RATE;
	clock->doubt = HWL_CLOCK_NOMINAL;
	clock->base_raw = hwl_clock_raw();
	clock->mult = HWL_CLOCK_MULT;
	clock->ref_ns = ktime_get_real_ns();
	INIT_DELAYED_WORK(&clock->watch, hwl_clock_watch);
}

/**
 * hwl_clock_hold() - the device is about to lose SYSTIM
 * @hw: the device
 *
 * Until hwl_clock_resume() the clock goes on by that of the system. No effect where
 * it is held already.
 *
 * Context: any.
 */
void hwl_clock_hold(struct hwl_hw *hw)
{
	struct hwl_clock *clock = &hw->clock;
	unsigned long flags;

	spin_lock_irqsave(&clock->lock, flags);
	hwl_clock_rebase(clock);
	clock->held = true;
	spin_unlock_irqrestore(&clock->lock, flags);
}

/* Is an increment of TIMINCA the step of SYSTIM? In emulators often not. */
static bool hwl_clock_probe_steps(struct hwl_clock *clock)
{
	struct hwl_moment last, now;
	int i, steps = 0;

	hwl_clock_read_once(clock, &last, NULL);
	for (i = 0; i < HWL_CLOCK_PROBES; i++) {
		hwl_clock_read_once(clock, &now, NULL);
		steps += hwl_clock_in_steps(&last, &now);
		last = now;
	}
	return steps > HWL_CLOCK_PROBES / 2;
}

/**
 * hwl_clock_resume() - the device was reset, and answers
 * @hw: the device
 *
 * Context: any.
 */
void hwl_clock_resume(struct hwl_hw *hw)
{
	struct hwl_clock *clock = &hw->clock;
	unsigned long flags;

	spin_lock_irqsave(&clock->lock, flags);
	clock->stepped = false;
	hwl_clock_anchor(clock);
	clock->stepped = hwl_clock_probe_steps(clock);
	clock->held = false;
	spin_unlock_irqrestore(&clock->lock, flags);
}

/**
 * hwl_clock_start() - begin to read the clock periodically
 * @hw: the device
 *
 * Context: process.
 */
void hwl_clock_start(struct hwl_hw *hw)
{
	schedule_delayed_work(&hw->clock.watch, HWL_CLOCK_WATCH);
}

/**
 * hwl_clock_stop() - undo hwl_clock_start()
 * @hw: the device
 *
 * Context: process.
 */
void hwl_clock_stop(struct hwl_hw *hw)
{
	cancel_delayed_work_sync(&hw->clock.watch);
}

/* ---- Its use ---- */

/**
 * hwl_clock_gettime() - tell the time
 * @hw: the device
 * @sts: system times around the read of SYSTIM, or NULL
 *
 * Some reads of registers; none while the device is in reset.
 *
 * Context: any.
 * Return: nanoseconds.
 */
u64 hwl_clock_gettime(struct hwl_hw *hw, struct ptp_system_timestamp *sts)
{
	struct hwl_clock *clock = &hw->clock;
	struct hwl_moment now;
	unsigned long flags;
	u64 ns;

	spin_lock_irqsave(&clock->lock, flags);
	hwl_clock_read(clock, &now, sts);
	ns = hwl_clock_ns(clock, now.count);
	spin_unlock_irqrestore(&clock->lock, flags);
	return ns;
}

/**
 * hwl_clock_settime() - set the time
 * @hw: the device
 * @ns: nanoseconds
 *
 * Context: any.
 */
void hwl_clock_settime(struct hwl_hw *hw, u64 ns)
{
	struct hwl_clock *clock = &hw->clock;
	struct hwl_moment now;
	unsigned long flags;

	spin_lock_irqsave(&clock->lock, flags);
	hwl_clock_read(clock, &now, NULL);
	clock->ref_count = now.count;
	clock->ref_ns = ns;
	clock->ref_frac = 0;
	spin_unlock_irqrestore(&clock->lock, flags);
}

/**
 * hwl_clock_adjtime() - shift the time
 * @hw: the device
 * @ns: nanoseconds to add
 *
 * Context: any.
 */
void hwl_clock_adjtime(struct hwl_hw *hw, s64 ns)
{
	struct hwl_clock *clock = &hw->clock;
	unsigned long flags;

	spin_lock_irqsave(&clock->lock, flags);
	clock->ref_ns += ns;
	spin_unlock_irqrestore(&clock->lock, flags);
}

/**
 * hwl_clock_adjust() - set the rate
 * @hw: the device
 * @mult: the rate, of which HWL_CLOCK_MULT is 1.0
 *
 * Context: any.
 */
void hwl_clock_adjust(struct hwl_hw *hw, u32 mult)
{
	struct hwl_clock *clock = &hw->clock;
	struct hwl_moment now;
	unsigned long flags;

	spin_lock_irqsave(&clock->lock, flags);
	hwl_clock_read(clock, &now, NULL);
	hwl_clock_advance(clock, now.count);
	clock->mult = mult;
	spin_unlock_irqrestore(&clock->lock, flags);
}

/**
 * hwl_clock_stamp() - the time of a stamp
 * @hw: the device
 * @low: low part of what SYSTIM was
 * @high: high part
 *
 * Since the last reset.
 *
 * Context: any.
 * Return: nanoseconds.
 */
u64 hwl_clock_stamp(struct hwl_hw *hw, u32 low, u32 high)
{
	struct hwl_clock *clock = &hw->clock;
	unsigned long flags;
	u64 ns;

	spin_lock_irqsave(&clock->lock, flags);
	ns = hwl_clock_ns(clock, clock->offset + ((u64)high << 32 | low));
	spin_unlock_irqrestore(&clock->lock, flags);
	return ns;
}
