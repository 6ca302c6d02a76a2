// SPDX-License-Identifier: GPL-2.0
/*
 * Register accesses: look up the line of the map, check what must be checked
 * for every register, and call who answers for it.
 */
#include "model.h"

#define NO_REG	0xFFFF

static u16 index_of[REG_SPACE / 4];

static u32 reg_count(const struct reg *r)
{
	return r->count ? r->count : 1;
}

void regs_init(void)
{
	const struct reg *r;
	size_t i;
	u32 k;

	for (i = 0; i < ARRAY_SIZE(index_of); i++)
		index_of[i] = NO_REG;
	for (i = 0; i < regmap_len; i++) {
		r = &regmap[i];
		for (k = 0; k < reg_count(r); k++)
			index_of[(r->off + k * r->stride) / 4] = (u16)i;
	}
}

static const struct reg *reg_find(u32 off)
{
	u16 i = index_of[off / 4];

	return i == NO_REG ? NULL : &regmap[i];
}

const char *reg_name(u32 off)
{
	const struct reg *r = off < REG_SPACE ? reg_find(off) : NULL;

	return r ? r->name : "?";
}

void regs_reset(struct dev *dev, bool power_on)
{
	const struct reg *r;
	size_t i;
	u32 k;

	for (i = 0; i < regmap_len; i++) {
		r = &regmap[i];
		if (((r->flags & REG_KEEP) && !power_on) || r->flags & REG_AUX)
			continue;
		for (k = 0; k < reg_count(r); k++)
			wr(dev, r->off + k * r->stride, r->reset);
	}
}

/* While the device resets, what the reset itself is polled by is read. */
static bool reg_in_reset_read(u32 off)
{
	return off == CTRL || off == CTRL_ALIAS || off == STATUS ||
	       off == EECD || off == EXTCNF_CTRL || off == CTRL_EXT;
}

/* Of writes, the lock is let go, and the NVM of flash is asked for once more. */
static bool reg_in_reset_write(const struct dev *dev, u32 off, u32 value)
{
	return off == EXTCNF_CTRL ||
	       (off == CTRL_EXT && (value ^ rd(dev, off)) == CTRL_EXT_EE_RST);
}

static u32 read_one(struct dev *dev, u32 off)
{
	const struct reg *r;

	if (fault(dev, FAULT_REMOVED) || !pcie_memory(dev) || dev->d3)
		return 0xFFFFFFFF;
	dev->unflushed = 0;
	timers_run(dev);
	if (now_ns() < dev->answers_at)
		return 0xFFFFFFFF;
	r = reg_find(off);
	if (!r) {
		offend(dev, OFF_UNKNOWN, off, 0);
		return 0;
	}
	if (dev->in_reset && !reg_in_reset_read(off))
		offend(dev, OFF_IN_RESET, off, 0);
	if (fault(dev, FAULT_WILD_HEAD) && (off & ~0x100U) == (off & 0x1000 ? TDH(0) : RDH(0)))
		return dev->fault_arg[FAULT_WILD_HEAD];
	return r->rd ? r->rd(dev, off) : rd(dev, off);
}

u32 reg_read(struct dev *dev, u32 off)
{
	u32 value = read_one(dev, off);

	trace(dev, "read", off, value);
	return value;
}

void reg_write(struct dev *dev, u32 off, u32 value)
{
	const struct reg *r;

	trace(dev, "write", off, value);
	if (fault(dev, FAULT_REMOVED) || !pcie_memory(dev) || dev->d3)
		return;
	r = reg_find(off);
	if (!r) {
		offend(dev, OFF_UNKNOWN, off, value);
		return;
	}
	if (dev->in_reset && !reg_in_reset_write(dev, off, value)) {
		/* It would be lost, or not, as the reset proceeds. */
		offend(dev, OFF_IN_RESET, off, value);
		return;
	}
	if (value & r->zero & ~rd(dev, off))
		offend(dev, OFF_RESERVED, off, value);
	if (fault_at(dev, FAULT_STICKY, off))
		return;
	if (r->flags & (REG_RO | REG_STAT))
		return;
	strict_written(dev, off);
	if (r->wr)
		r->wr(dev, off, r->write ? value & r->write : value);
	else if (r->flags & REG_W1C)
		wr(dev, off, rd(dev, off) & ~value);
	else
		wr(dev, off, (rd(dev, off) & ~r->write) | (value & r->write));
}
