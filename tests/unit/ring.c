// SPDX-License-Identifier: GPL-2.0
/* Ring arithmetic, across the wrap of the counters at 2^32 and for every size. */
#include "hwl_ring.h"
#include "unit.h"

static const struct {
	const char *name;
	u32 prod, cons, size, used, unused;
} cases[] = {
	{ "empty", 0, 0, 256, 0, 255 },
	{ "one", 1, 0, 256, 1, 254 },
	{ "full", 255, 0, 256, 255, 0 },
	{ "empty after a while", 1000000, 1000000, 64, 0, 63 },
	{ "across the wrap", 5, 0xfffffffb, 64, 10, 53 },
	{ "full across the wrap", 62, 0xffffffff, 64, 63, 0 },
	{ "at the wrap", 0, 0xffffffff, 4096, 1, 4094 },
	{ "no ring", 0, 0, 0, 0, 0 },
	{ "no ring any more", 1000, 1000, 0, 0, 0 },
	{ "a size that is no power of two", 0xffffffff, 0xffffffff - 87, 88, 87, 0 },
};

/*
 * Walk a ring of each size the driver takes, the counters starting just below
 * the wrap, and compare with a plain count. Return: 0, or what went wrong.
 */
static u32 walk(u32 size)
{
	u32 prod = 0xffffffff - size / 2, cons = prod, slot = 0, held = 0, step, i;

	for (i = 0; i < 4 * size; i++) {
		step = (i * 2654435761u) >> 30;
		for (; step && held < size - HWL_RING_RESERVED; step--) {
			prod++;
			held++;
			slot = hwl_ring_next(slot, size);
			if (slot >= size)
				return 1;
		}
		if (hwl_ring_used(prod, cons) != held)
			return 2;
		if (hwl_ring_unused(prod, cons, size) != size - 1 - held)
			return 3;
		if (held && i % 3) {
			cons++;
			held--;
		}
	}
	return 0;
}

int main(void)
{
	u32 size, bad = 0, slot = 0, n;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK(cases[i].name, hwl_ring_used(cases[i].prod, cases[i].cons),
		      cases[i].used);
		CHECK(cases[i].name, hwl_ring_unused(cases[i].prod, cases[i].cons,
						     cases[i].size), cases[i].unused);
	}
	CHECK("one slot is kept back", HWL_RING_RESERVED, 1);
	CHECK("next", hwl_ring_next(7, 64), 8);
	CHECK("next wraps", hwl_ring_next(63, 64), 0);
	CHECK("next wraps at 88", hwl_ring_next(87, 88), 0);
	CHECK("next at 64 of 88", hwl_ring_next(63, 88), 64);

	for (size = 64; size <= 4096; size += 8)
		bad += !!walk(size);
	CHECK("sizes with a wrong walk", bad, 0);
	for (n = 0; n < 88 * 3; n++)
		slot = hwl_ring_next(slot, 88);
	CHECK("three rounds of 88", slot, 0);
	return unit_end();
}
