// SPDX-License-Identifier: GPL-2.0
/* The clock, with a device and a system whose time the test makes. */
#include <linux/math64.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#define NSEC_PER_SEC		1000000000L
#define NSEC_PER_MSEC		1000000L
#define NSEC_PER_USEC		1000L
#define U32_MAX			UINT32_MAX
#define TK_OFFS_BOOT		0
#define BIT(n)			(1UL << (n))
#define unlikely(x)		(x)
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define abs(x)			((x) < 0 ? -(x) : (x))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#include "hwl_clock.h"
#include "hwl_regs.h"
#include "unit.h"

/* In place of hwl_io.h. */
#define HWL_IO_H
struct hwl_hw {
	struct hwl_clock clock;
	bool removed;
};

struct ptp_system_timestamp;
typedef s64 ktime_t;

/* Nanoseconds: now, of it asleep; and the device: its counter, how fast it is. */
static struct {
	u64 now, slept, read_ns;
	u64 systim, since;		/* it was, at this time */
	u64 last;			/* and at the last read */
	u64 num, den;			/* of nominal speed */
	u32 timinca, high;
	u32 reads, wrong_each, writes;
	u64 wrong;			/* is added to one read in so many */
	bool still;
} sim;

static u64 ktime_get_raw_ns(void)
{
	sim.now += 20;
	return sim.now - sim.slept;
}

void schedule_delayed_work(struct delayed_work *work, unsigned long delay)
{
	work->due = sim.now + delay * (NSEC_PER_SEC / HZ);
	work->pending = true;
}

#define ktime_get_real_ns()		1700000000000000000ULL
#define ktime_mono_to_any(t, offs)	((t) + (s64)sim.slept)
#define ktime_to_ns(t)			(t)
#define ptp_read_system_prets(sts)	((void)(sts))
#define ptp_read_system_postts(sts)	((void)(sts))
#define hwl_removed(hw)			((hw)->removed)

#define STEP	(40ULL << 18)

static u64 systim(void)
{
	u64 ticks = (unsigned __int128)(sim.now - sim.since) * sim.num / sim.den / 40;

	return sim.systim + (sim.timinca && !sim.still ? ticks * STEP : 0);
}

/* Make the counter a value, and stop it or not. */
static void systim_set(u64 value, u32 timinca)
{
	sim.systim = value;
	sim.since = sim.now;
	sim.timinca = timinca;
}

static u32 hwl_rd32(struct hwl_hw *hw, u32 reg)
{
	u64 value;

	sim.now += sim.read_ns / 2;
	value = systim();
	sim.now += sim.read_ns - sim.read_ns / 2;
	if (reg == HWL_SYSTIMH)
		return sim.high;
	sim.last = value;
	sim.reads++;
	if (sim.wrong_each && sim.reads % sim.wrong_each == 0)
		value += sim.wrong;
	sim.high = value >> 32;
	/* The latch may fail there. */
	if ((u32)value >= 0xFF000000 && sim.reads % 3)
		sim.high++;
	return value;
}

static void hwl_wr32(struct hwl_hw *hw, u32 reg, u32 value)
{
	sim.writes++;
	systim_set(systim(), value);
}

#include "../../src/hwl_clock.c"

static struct hwl_hw hw;

/* The device is loaded at SYSTIM's value @at. */
static void begin(u64 num, u64 den, u64 at)
{
	memset(&sim, 0, sizeof(sim));
	memset(&hw, 0, sizeof(hw));
	sim.now = 1000 * NSEC_PER_SEC;
	sim.read_ns = 700;
	sim.num = num;
	sim.den = den;
	hwl_clock_init(&hw);
	systim_set(at, 0);
	hwl_clock_resume(&hw);
	hwl_clock_start(&hw);
}

/* Time goes by, and the work is done. */
static void pass(u64 ns)
{
	struct delayed_work *work = &hw.clock.watch;
	u64 end = sim.now + ns;

	while (work->pending && work->due <= end) {
		if (sim.now < work->due)
			sim.now = work->due;
		work->pending = false;
		work->work.func(&work->work);
	}
	if (sim.now < end)
		sim.now = end;
}

static void reset(u64 ns)
{
	hwl_clock_hold(&hw);
	systim_set(0, 0);
	sim.now += ns;
	hwl_clock_resume(&hw);
}

/* The time, and what it should be, from a moment on. */
static u64 origin, origin_time;

static void mark(void)
{
	origin = sim.now;
	origin_time = hwl_clock_gettime(&hw, NULL);
}

/* Nanoseconds by which the clock is off, at a rate of @num / @den. */
static u64 off(u64 num, u64 den)
{
	u64 took = sim.now, time = hwl_clock_gettime(&hw, NULL), want;

	took = sim.now - took;
	want = origin_time + (u64)((unsigned __int128)(sim.now - took / 2 - origin) * num / den);
	return time > want ? time - want : want - time;
}

static const u64 sleeps[] = { 1, 9 * 3600, 10 * 3600, 20 * 3600, 3 * 86400, 400 * 86400 };

/* Silicon that is 50 ppm fast; adjusted by a tenth. */
static void test_sleep(void)
{
	size_t i;
	int adjusted, again;

	for (i = 0; i < 2 * sizeof(sleeps) / sizeof(*sleeps); i++) {
		u64 ns = sleeps[i / 2] * NSEC_PER_SEC, num = 1000050, den = 1000000;

		adjusted = i % 2;
		begin(num, den, 0);
		if (adjusted) {
			hwl_clock_adjust(&hw, HWL_CLOCK_MULT / 10 * 11);
			num *= 11;
			den *= 10;
		}
		pass(100 * NSEC_PER_SEC);
		mark();
		pass(7 * NSEC_PER_SEC);
		for (again = 0; again < 2; again++) {
			hwl_clock_hold(&hw);
			hwl_clock_hold(&hw);
			systim_set(0, 0);
			sim.now += ns;
			sim.slept += ns;
			if (again)
				CHECK("asked before it is back",
				      off(num, den) < 20000 + 2 * ns / 1000000, 1);
			hwl_clock_resume(&hw);
			CHECK("after a sleep", off(num, den) < 20000 + 2 * ns / 1000000, 1);
			ns += NSEC_PER_SEC;
			pass(50 * NSEC_PER_SEC);
		}
		CHECK("and on", off(num, den) < 30000 + 4 * ns / 1000000, 1);
		CHECK("no guess", hw.clock.guesses, 0);

		/* Nobody has told the clock. */
		mark();
		sim.now += ns;
		CHECK("unannounced", off(num, den) < 20000 + 2 * ns / 1000000, 1);
	}
}

/* SYSTIM wraps after 19 hours, and the difference of two counts changes its sign. */
static void test_wraps(void)
{
	u64 worst = 0, i;

	begin(1, 1, -(u64)(STEP * 1000));
	mark();
	for (i = 0; i < 3 * 86400 / 10; i++) {
		pass(10 * NSEC_PER_SEC + 77);
		if (off(1, 1) > worst)
			worst = off(1, 1);
	}
	CHECK("three days at work", worst < 10000, 1);
	CHECK("no guess", hw.clock.guesses, 0);
	CHECK("no start", sim.writes, 1);
}

/* The low half wraps each 16 us, and the high one may be wrong then. */
static void test_wrong_latch(void)
{
	struct hwl_moment now;
	u64 wrong = 0, i;

	begin(1, 1, 0);
	pass(40 * NSEC_PER_SEC);
	sim.read_ns = 6000;
	/* Where it counts in steps such a read is not one of them. */
	hw.clock.stepped = false;
	for (i = 0; i < 20000; i++) {
		sim.now += 1011;
		hwl_clock_read(&hw.clock, &now, NULL);
		wrong += now.count - hw.clock.offset != sim.last;
	}
	CHECK("never 16 us off", wrong, 0);
	CHECK("no guess", hw.clock.guesses, 0);
}

static void test_wrong_reads(void)
{
	u64 worst = 0, i;

	begin(1, 1, 12 * STEP);
	pass(40 * NSEC_PER_SEC);
	mark();
	sim.wrong_each = 5;
	sim.wrong = 1ULL << 63;
	for (i = 0; i < 1000; i++) {
		sim.now += 1000003;
		if (off(1, 1) > worst)
			worst = off(1, 1);
	}
	pass(40 * NSEC_PER_SEC);
	CHECK("one in five", worst < 2000 && off(1, 1) < 2000, 1);
	CHECK("another read was made", hw.clock.rereads >= 200, 1);
	CHECK("and agreed", hw.clock.guesses, 0);

	hw.clock.rereads = 0;
	sim.wrong = 1;
	for (i = 0; i < 10; i++)
		off(1, 1);
	CHECK("wrong by less than a step", hw.clock.rereads >= 2, 1);
	CHECK("no more than that", hw.clock.rereads < 10, 1);
}

/* From a first interval on, or from one whose ratio is known. */
static void begin_rated(bool known)
{
	begin(1, 1, 0);
	if (known)
		pass(31 * NSEC_PER_SEC);
	mark();
}

/* Somebody stops SYSTIM amid an interval, in the first one and later. */
static void test_stops(void)
{
	u64 first, at, i;

	for (first = 0; first < 2; first++) {
		for (at = 3; at < 30; at += 3) {
			begin_rated(!first);
			pass(at * NSEC_PER_SEC);
			systim_set(systim(), 0);
			if (!first) {
				sim.now += 2 * NSEC_PER_SEC;
				CHECK("noticed at once", off(1, 1) < 100000, 1);
			}
			pass(65 * NSEC_PER_SEC);
			CHECK("ratio", hwl_ratio_near(hw.clock.rate, 1U << 30, 200), 1);
			CHECK("goes on", off(1, 1) < 100000, 1);
			CHECK("started again", sim.timinca != 0, 1);
			for (i = 0; i < 5; i++)
				pass(20 * NSEC_PER_SEC);
			CHECK("ratio later", hwl_ratio_near(hw.clock.rate, 1U << 30, 20), 1);
			CHECK("at ease", hw.clock.sure, 1);
			CHECK("time later", off(1, 1) < 150000, 1);
		}
	}
}

/* The same, but it goes on after a while: what it has missed is not believed. */
static void test_pauses(void)
{
	u64 first, s;

	for (first = 0; first < 2; first++) {
		for (s = 1; s < 29; s += 3) {
			begin_rated(!first);
			systim_set(systim(), 0);
			sim.now += s * NSEC_PER_SEC;
			systim_set(systim(), 1);
			sim.now += (30 - s) * NSEC_PER_SEC - 1000000;
			reset(NSEC_PER_SEC);
			CHECK("ratio", hwl_ratio_near(hw.clock.rate, 1U << 30, 200), 1);
			CHECK("time", off(1, 1) < 200000, 1);
			pass(65 * NSEC_PER_SEC);
			CHECK("ratio later", hwl_ratio_near(hw.clock.rate, 1U << 30, 200), 1);
			CHECK("time later", off(1, 1) < 300000, 1);
		}
	}
}

/* Somebody resets SYSTIM. */
static void test_foreign_reset(void)
{
	begin(1, 1, 0);
	pass(100 * NSEC_PER_SEC);
	mark();
	systim_set(0, 1);
	CHECK("goes on", off(1, 1) < 1000, 1);
	pass(100 * NSEC_PER_SEC);
	CHECK("and on", off(1, 1) < 2000, 1);
	CHECK("was noticed", hw.clock.guesses > 0, 1);
}

/* What emulators do: too fast by half or more; never at all. */
static void test_emulators(void)
{
	int i;

	begin(5, 2, 0);
	sim.now += 20 * NSEC_PER_MSEC;
	reset(30 * NSEC_PER_MSEC);
	CHECK("ratio by the first reset", hwl_ratio_near(hw.clock.rate, 5U << 29, 200), 1);
	mark();
	for (i = 0; i < 20; i++) {
		pass(1 * NSEC_PER_SEC);
		reset(100 * NSEC_PER_MSEC);
	}
	/* Less than half of a read each. */
	CHECK("20 resets", off(5, 2) < 20 * 350, 1);
	pass(100 * NSEC_PER_SEC);
	CHECK("ratio is exact", hwl_ratio_near(hw.clock.rate, 5U << 29, 1), 1);
	CHECK("no guess", hw.clock.guesses <= 20, 1);

	/* Its rate changes for good, as the system's may. */
	systim_set(systim(), 1);
	sim.num = 1;
	sim.den = 1;
	pass(100 * NSEC_PER_SEC);
	CHECK("ratio anew", hwl_ratio_near(hw.clock.rate, 1U << 30, 2), 1);
	CHECK("at ease", hw.clock.sure, 1);

	begin(1, 1, 0);
	sim.still = true;
	systim_set(0, 0);
	hwl_clock_resume(&hw);
	mark();
	pass(500 * NSEC_PER_SEC);
	CHECK("without SYSTIM", off(1, 1) < 100000, 1);
	CHECK("by the system's clock", hw.clock.guesses > 0, 1);
	CHECK("nominal ratio", hw.clock.rate, 1U << 30);
}

/* A ratio that was measured over too short a time, or by slow reads, is not taken. */
static void test_short_measurements(void)
{
	int i;

	begin(1, 1, 0);
	for (i = 0; i < 500; i++) {
		sim.read_ns = i % 7 ? 700 : 90000;
		sim.now += (i % 3 + 1) * 2 * NSEC_PER_MSEC;
		reset(NSEC_PER_MSEC);
	}
	CHECK("not by chance", hwl_ratio_near(hw.clock.rate, 1U << 30, 40), 1);

	begin(1, 1, 0);
	sim.read_ns = 20000;
	pass(31 * NSEC_PER_SEC);
	i = hw.clock.doubt;
	sim.now += 2 * NSEC_PER_SEC;
	reset(NSEC_PER_MSEC);
	CHECK("the more exact one stays", hw.clock.doubt, i);
}

/* Another rate counts from now on, wherever the reference is. */
static void test_adjust(void)
{
	begin(1, 1, 0);
	pass(55 * NSEC_PER_SEC);
	mark();
	hwl_clock_adjust(&hw, HWL_CLOCK_MULT / 10 * 11);
	CHECK("not for what has passed", off(1, 1) < 2000, 1);
	mark();
	pass(NSEC_PER_SEC);
	CHECK("from now on", off(11, 10) < 2000, 1);
}

/* What SYSTIM was since the last reset, before the reference and behind it. */
static void test_stamp(void)
{
	u64 at, time;

	begin(1, 1, 0);
	pass(55 * NSEC_PER_SEC);
	reset(NSEC_PER_SEC);
	time = hwl_clock_gettime(&hw, NULL);
	at = sim.last;
	CHECK("newer than the reference", hwl_clock_stamp(&hw, at, at >> 32), time);
	pass(NSEC_PER_SEC);
	hwl_clock_adjust(&hw, HWL_CLOCK_MULT);
	CHECK("older", hwl_clock_stamp(&hw, at, at >> 32) - time + 1 <= 2, 1);
}

int main(void)
{
	test_sleep();
	test_wraps();
	test_wrong_latch();
	test_wrong_reads();
	test_stops();
	test_pauses();
	test_foreign_reset();
	test_emulators();
	test_short_measurements();
	test_adjust();
	test_stamp();
	return unit_end();
}
