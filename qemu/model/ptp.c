// SPDX-License-Identifier: GPL-2.0
/*
 * The clock: SYSTIM counts TIMINCA's value each period of 40 ns (25 MHz).
 *
 * Source: Linux' netdev.c (clock of 25 MHz, 46 bits of nanoseconds above 18 of
 * fraction). Time stamps of frames are not modelled: VALID is never set.
 */
#include "model.h"

#define CLOCK_NS	40

static u64 systim_now(const struct dev *dev)
{
	u32 timinca = rd(dev, TIMINCA), period = timinca >> 24;
	u64 ticks;

	if (!period)
		return dev->systim_base;
	ticks = (now_ns() - dev->systim_at) / CLOCK_NS / period;
	return dev->systim_base + ticks * (timinca & 0xFFFFFF);
}

static void systim_set(struct dev *dev, u64 value)
{
	dev->systim_base = value;
	dev->systim_at = now_ns();
}

u32 systim_read(struct dev *dev, u32 off)
{
	u64 now = systim_now(dev);

	/* The low half latches the high one. */
	if (off == SYSTIML) {
		wr(dev, SYSTIMH, (u32)(now >> 32));
		return (u32)now;
	}
	return rd(dev, SYSTIMH);
}

void systim_write(struct dev *dev, u32 off, u32 value)
{
	u64 now = systim_now(dev);

	if (off == SYSTIML)
		systim_set(dev, (now & ~0xFFFFFFFFULL) | value);
	else
		systim_set(dev, (now & 0xFFFFFFFFULL) | (u64)value << 32);
}

void timinca_write(struct dev *dev, u32 off, u32 value)
{
	systim_set(dev, systim_now(dev));
	wr(dev, off, value);
}

void ptp_reset(struct dev *dev)
{
	systim_set(dev, 0);
}
