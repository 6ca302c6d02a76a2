// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor rings: fetch ahead into the chip, hand out, write back.
 *
 * Indexes run around the ring: done <= next <= head <= tail. The head is the
 * fetch pointer; software reads it for transmit, and next for receive. Sources:
 * 82574 and 82583V datasheets as Linux cites them; prefetch by PTHRESH and HTHRESH.
 */
#include "model.h"

#define RING_MIN	64
#define RING_MAX	4096

static u32 reg_of(const struct dev *dev, const struct ring *ring, u32 which)
{
	return rd(dev, ring->base_reg + which);
}

u32 ring_count(const struct dev *dev, const struct ring *ring)
{
	return reg_of(dev, ring, RING_LEN) / 16;
}

u32 ring_head(const struct dev *dev, const struct ring *ring)
{
	return reg_of(dev, ring, RING_HEAD);
}

static u64 ring_addr(const struct dev *dev, const struct ring *ring, u32 slot)
{
	u64 base = (u64)reg_of(dev, ring, RING_BAH) << 32 | reg_of(dev, ring, 0);

	return base + 16ULL * slot;
}

/* From one index to another, forwards. */
static u32 ring_dist(const struct dev *dev, const struct ring *ring, u32 from, u32 to)
{
	u32 n = ring_count(dev, ring);

	return n ? (to + n - from) % n : 0;
}

static u32 ring_add(const struct dev *dev, const struct ring *ring, u32 slot, u32 k)
{
	u32 n = ring_count(dev, ring);

	return n ? (slot + k) % n : 0;
}

void ring_init(struct ring *ring, u32 base_reg)
{
	ring->base_reg = base_reg;
	ring_reset(ring);
}

void ring_reset(struct ring *ring)
{
	ring->next = 0;
	ring->done = 0;
	ring->tail_seen = 0;
	ring->used = false;
	ring->judged = false;
	ring->fetched = 0;
	ring->taken = 0;
}

/* Descriptors that were fetched and not handed out. */
u32 ring_cached(const struct dev *dev, const struct ring *ring)
{
	return ring_dist(dev, ring, ring->next, ring_head(dev, ring));
}

/* Descriptors that the host has offered: in the chip or still in memory. */
u32 ring_left(const struct dev *dev, const struct ring *ring)
{
	return ring_dist(dev, ring, ring->next, ring->tail_seen);
}

/*
 * Fetch if it is time to: at most PTHRESH left in the chip, and HTHRESH to be
 * had. With none in the chip it is always time. True if some were fetched.
 */
bool ring_fetch(struct dev *dev, struct ring *ring, u32 xdctl)
{
	u32 unit = xdctl & XDCTL_GRAN ? 1 : 16;
	u32 cached = ring_cached(dev, ring), left = ring_left(dev, ring);
	u32 i, n, slot;

	/* More than there are, if a driver changes the ring while it runs. */
	if (cached >= left || cached >= RING_CACHE)
		return false;
	n = left - cached;
	if (cached && (cached > XDCTL_PTHRESH(xdctl) * unit ||
		       n < XDCTL_HTHRESH(xdctl) * unit))
		return false;
	if (n > RING_CACHE - cached)
		n = RING_CACHE - cached;
	for (i = 0; i < n; i++) {
		slot = ring_head(dev, ring);
		if (!dma_read(dev, ring_addr(dev, ring, slot),
			      &ring->cache[ring->fetched % RING_CACHE], 16))
			return false;
		ring->fetched++;
		wr(dev, ring->base_reg + RING_HEAD, ring_add(dev, ring, slot, 1));
	}
	return true;
}

bool ring_next(struct dev *dev, struct ring *ring, u32 *slot, struct desc *desc)
{
	if (!ring_cached(dev, ring))
		return false;
	*slot = ring->next;
	*desc = ring->cache[ring->taken++ % RING_CACHE];
	ring->next = ring_add(dev, ring, *slot, 1);
	return true;
}

static bool ring_is_tx(const struct ring *ring)
{
	return ring->base_reg >= TDBAL(0);
}

/* Each word is right, or it is not. */
static u64 ring_nonsense(struct dev *dev, u64 right)
{
	u32 which = fault_random(&dev->desc_seed);
	u64 wrong = fault_random(&dev->desc_seed);

	wrong = wrong << 32 | fault_random(&dev->desc_seed);
	if (which & 1)
		wrong = (wrong & ~0xFFFFFFFFULL) | (right & 0xFFFFFFFF);
	if (which & 2)
		wrong = (wrong & 0xFFFFFFFF) | (right & ~0xFFFFFFFFULL);
	return wrong;
}

/* 'was' is what the host handed over: it must still be there. */
bool ring_check(struct dev *dev, const struct ring *ring, u32 slot, const struct desc *was)
{
	struct desc now;

	if (!dma_read(dev, ring_addr(dev, ring, slot), &now, 16))
		return false;
	if (now.lo != was->lo || now.hi != was->hi)
		offend(dev, OFF_DESC_CHANGED, ring->base_reg, slot);
	return true;
}

/* And now it is the host's, with those before. */
bool ring_write_back(struct dev *dev, struct ring *ring, u32 slot,
		     const struct desc *was, u64 lo, u64 hi)
{
	u64 addr = ring_addr(dev, ring, slot);

	ring->done = ring_add(dev, ring, slot, 1);
	if (!ring_check(dev, ring, slot, was))
		return false;
	if (fault(dev, FAULT_BAD_DESC)) {
		lo = ring_nonsense(dev, lo);
		hi = ring_nonsense(dev, hi) | (ring_is_tx(ring) ? TXD_DD : RXD_DD);
	}
	return dma_write_desc(dev, addr, lo, hi);
}

/* ---- Registers ---- */

static struct ring *ring_of(struct dev *dev, u32 off)
{
	int q = off >> 8 & 1;

	return off >= TDBAL(0) ? &dev->tx.q[q].ring : &dev->rx.q[q].ring;
}

/* Of what is received where the next frame goes; of what is sent what is fetched next. */
u32 ring_head_read(struct dev *dev, u32 off)
{
	struct ring *ring = ring_of(dev, off);

	return ring_is_tx(ring) ? rd(dev, off) : ring->next;
}

void ring_base_write(struct dev *dev, u32 off, u32 value)
{
	struct ring *ring = ring_of(dev, off);
	u32 which = off - ring->base_reg;

	if (ring->used)
		offend(dev, OFF_RING_LIVE, off, value);
	ring->judged = false;
	if (which == 0) {
		ring->odd_base = value & 0xF;
		value &= 0xFFFFFFF0;
	} else if (which == RING_LEN) {
		ring->odd_len = value & ~0x000FFF80U;
		value &= 0x000FFF80;
	}
	if (which == RING_HEAD)
		value &= 0xFFFF;
	wr(dev, off, value);
	if (which == RING_HEAD) {
		ring->next = value;
		ring->done = value;
		ring->tail_seen = value;
		ring->taken = ring->fetched;
	}
}

/* When it is handed over to a unit that is on: a register test may write anything. */
static void ring_judge(struct dev *dev, struct ring *ring)
{
	u32 n = ring_count(dev, ring);

	if (ring->judged || !(ring_is_tx(ring) ? rd(dev, TCTL) & TCTL_EN : rd(dev, RCTL) & RCTL_EN))
		return;
	ring->judged = true;
	if (n < RING_MIN || n > RING_MAX || ring->odd_len)
		offend(dev, OFF_RING_SIZE, ring->base_reg + RING_LEN, n);
	if (ring->odd_base)
		offend(dev, OFF_RING_SIZE, ring->base_reg, reg_of(dev, ring, 0) | ring->odd_base);
}

void ring_tail_write(struct dev *dev, u32 off, u32 value)
{
	struct ring *ring = ring_of(dev, off);
	u32 n = ring_count(dev, ring), more;

	value &= 0xFFFF;
	wr(dev, off, value);
	if (value >= n) {
		if (value)
			offend(dev, OFF_TAIL_RANGE, off, value);
		return;
	}
	/* The driver's are those from the tail to the oldest not written back. */
	more = ring_dist(dev, ring, ring->tail_seen, value);
	if (more > n - 1 - ring_dist(dev, ring, ring->done, ring->tail_seen))
		offend(dev, OFF_TAIL_OWNER, off, value);
	if (more)
		ring_judge(dev, ring);
	ring->used |= more;
	ring->tail_seen = value;
	if (!ring_is_tx(ring) && rx_split(dev) && value & 1)
		offend(dev, OFF_SPLIT, off, value);
	strict_tail(dev, ring_is_tx(ring));
	engine_wake(dev);
}
