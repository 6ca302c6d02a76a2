// SPDX-License-Identifier: GPL-2.0
/* The length is taken out of the sum of a pseudo-header, whatever else is in it. */
#include "hwl_csum.h"
#include "unit.h"

#include <string.h>

static u16 fold(u64 total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* The sum of a pseudo-header as RFC 793 and RFC 8200 have it, byte by byte. */
static u16 pseudo(const u8 *addrs, size_t bytes, u32 len)
{
	u8 head[40] = {};
	u64 total = 0;
	size_t i;

	memcpy(head, addrs, bytes);
	for (i = 0; i < bytes; i += 2)
		total += head[i] << 8 | head[i + 1];
	total += len >> 16;
	total += len & 0xffff;
	total += 6;
	return htons(fold(total));
}

/* 0 and 0xffff are the same sum. */
static bool same(u16 a, u16 b)
{
	return a % 0xffff == b % 0xffff;
}

static const struct {
	const char *name;
	size_t bytes;
	u8 addrs[32];
} headers[] = {
	{ "IPv4", 8, { 192, 0, 2, 1, 198, 51, 100, 7 } },
	{ "all zeros", 8, {} },
	{ "all ones", 8, { 255, 255, 255, 255, 255, 255, 255, 255 } },
	{ "IPv6", 32, { 0x20, 1, 0xd, 0xb8, [15] = 1, 0x20, 1, 0xd, 0xb8, [31] = 2 } },
	{ "IPv6 to the last hop", 32, { 0xfe, 0x80, [15] = 9, 0x20, 1, 0xd, 0xb8, [31] = 0xee } },
};

static const u32 lengths[] = {
	20, 21, 1448 + 20, 0x7fff, 0x8000, 0xff00, 0xfffe, 0xffff, 0x10000, 0x10001, 0x1fffe,
};

int main(void)
{
	u32 bad = 0, sum;
	size_t i, j;

	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		u16 want = pseudo(headers[i].addrs, headers[i].bytes, 0);

		for (j = 0; j < sizeof(lengths) / sizeof(*lengths); j++) {
			__sum16 check = pseudo(headers[i].addrs, headers[i].bytes, lengths[j]);

			hwl_csum_remove_len(&check, lengths[j]);
			CHECK(headers[i].name, same(check, want), true);
		}
	}
	/* Each sum that there can be: put the length back, and it is the same again. */
	for (j = 0; j < sizeof(lengths) / sizeof(*lengths); j++) {
		for (sum = 0; sum <= 0xffff; sum++) {
			__sum16 check = htons(sum);

			hwl_csum_remove_len(&check, lengths[j]);
			bad += !same(fold((u64)ntohs(check) + lengths[j]), sum);
		}
	}
	CHECK("sums that are wrong", bad, 0);
	return unit_end();
}
