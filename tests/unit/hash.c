// SPDX-License-Identifier: GPL-2.0
/*
 * The hash of the multicast table. It stands in hwl_hw.c, among register
 * accesses: the build cuts the function out (see test_unit.py).
 */
#include <linux/types.h>
#include "mta_hash.h"
#include "unit.h"

/* Bits 47:36 of the address: byte 5, and the high half of byte 4 below it. */
static const struct {
	const char *name;
	u8 addr[6];
	u32 hash;
} cases[] = {
	{ "all nodes", { 0x33, 0x33, 0, 0, 0, 1 }, 0x010 },
	{ "224.0.0.1", { 0x01, 0x00, 0x5e, 0, 0, 0x01 }, 0x010 },
	{ "224.0.0.251", { 0x01, 0x00, 0x5e, 0, 0, 0xfb }, 0xfb0 },
	{ "high half of byte 4", { 0x01, 0x00, 0x5e, 0, 0xa5, 0x5a }, 0x5aa },
	{ "broadcast", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 0xfff },
	{ "byte 3 counts nothing", { 0x01, 0x00, 0x5e, 0xff, 0, 0 }, 0 },
};

int main(void)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK(cases[i].name, hwl_hw_mta_hash(cases[i].addr), cases[i].hash);
	return unit_end();
}
