/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ring index arithmetic.
 *
 * Pure. A ring is known by two free-running u32 counters, 'prod' (descriptors
 * ever filled) and 'cons' (descriptors ever reclaimed), whose difference is
 * right across the wrap at 2^32; each side keeps the slot that belongs to its
 * counter beside it. Ring sizes are multiples of eight, not powers of two, so
 * a slot wraps by comparison instead of by mask.
 */
#ifndef HWL_RING_H
#define HWL_RING_H

#include <linux/types.h>

/* The device reads head == tail as an empty ring: one slot stays unused. */
#define HWL_RING_RESERVED	1

/**
 * hwl_ring_used() - number of descriptors between consumer and producer
 * @prod: producer counter
 * @cons: consumer counter
 *
 * Return: descriptors filled and not yet reclaimed.
 */
static inline u32 hwl_ring_used(u32 prod, u32 cons)
{
	return prod - cons;
}

/**
 * hwl_ring_unused() - number of descriptors that may be filled
 * @prod: producer counter
 * @cons: consumer counter
 * @size: ring size in descriptors
 *
 * Return: free descriptors, without the one that is reserved; 0 if there is no
 * ring.
 */
static inline u32 hwl_ring_unused(u32 prod, u32 cons, u32 size)
{
	if (!size)
		return 0;
	return size - HWL_RING_RESERVED - hwl_ring_used(prod, cons);
}

/**
 * hwl_ring_next() - the slot after a slot
 * @slot: slot index, below @size
 * @size: ring size in descriptors
 *
 * Return: the following slot.
 */
static inline u32 hwl_ring_next(u32 slot, u32 size)
{
	return ++slot == size ? 0 : slot;
}

/**
 * hwl_ring_prev() - the slot before a slot
 * @slot: slot index, below @size
 * @size: ring size in descriptors
 *
 * Return: the preceding slot.
 */
static inline u32 hwl_ring_prev(u32 slot, u32 size)
{
	return (slot ?: size) - 1;
}

#endif /* HWL_RING_H */
