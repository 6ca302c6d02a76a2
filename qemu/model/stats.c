// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: cleared by being read, stuck at all ones. Pairs are read low,
 * then high; the second read clears both. Source: 82583V datasheet.
 */
#include "model.h"

#define FCS_LEN	4

static bool is_pair(u32 off)
{
	return off == GORCL || off == GOTCL || off == TORL || off == TOTL;
}

void stat_add(struct dev *dev, u32 off, u64 n)
{
	u64 value = rd(dev, off);

	if (is_pair(off)) {
		value |= (u64)rd(dev, off + 4) << 32;
		value = value + n < value ? UINT64_MAX : value + n;
		wr(dev, off + 4, (u32)(value >> 32));
	} else {
		value = value + n > UINT32_MAX ? UINT32_MAX : value + n;
	}
	wr(dev, off, (u32)value);
}

u32 stat_read(struct dev *dev, u32 off)
{
	u32 value = rd(dev, off);

	wr(dev, off, 0);
	return value;
}

u32 stat_read_low(struct dev *dev, u32 off)
{
	return rd(dev, off);
}

u32 stat_read_high(struct dev *dev, u32 off)
{
	u32 value = rd(dev, off);

	wr(dev, off, 0);
	wr(dev, off - 4, 0);
	return value;
}

/* One of six counters by length, FCS included. */
static u32 stat_size(u32 len)
{
	static const u32 limits[] = { 64, 127, 255, 511, 1023 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (len <= limits[i])
			break;
	return 4 * i;
}

static bool is_broadcast(const struct frame *f)
{
	int i;

	for (i = 0; i < 6; i++)
		if (f->data[i] != 0xFF)
			return false;
	return true;
}

void stats_tx(struct dev *dev, const struct frame *f)
{
	u32 len = f->len + FCS_LEN;

	if (erratum(dev, ERR_RLEC))
		stat_add(dev, TNCRS, 1);
	stat_add(dev, GPTC, 1);
	stat_add(dev, TPT, 1);
	stat_add(dev, GOTCL, len);
	stat_add(dev, TOTL, len);
	stat_add(dev, PTC64 + stat_size(len), 1);
	if (is_broadcast(f))
		stat_add(dev, BPTC, 1);
	else if (f->data[0] & 1)
		stat_add(dev, MPTC, 1);
}

void stats_rx(struct dev *dev, const struct frame *f)
{
	u32 len = f->len + FCS_LEN;

	if (erratum(dev, ERR_RLEC))
		stat_add(dev, RLEC, 1);
	stat_add(dev, GPRC, 1);
	stat_add(dev, GORCL, len);
	stat_add(dev, PRC64 + stat_size(len), 1);
	if (is_broadcast(f))
		stat_add(dev, BPRC, 1);
	else if (f->data[0] & 1)
		stat_add(dev, MPRC, 1);
}
