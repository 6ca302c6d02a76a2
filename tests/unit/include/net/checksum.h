/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_NET_CHECKSUM_H
#define UNIT_NET_CHECKSUM_H
#include <arpa/inet.h>
#include <linux/types.h>

#define __force
typedef u16 __sum16;
typedef u32 __wsum;

/* RFC 1624: HC' = ~(~HC + m), for a change of the data by m. */
static inline void csum_replace_by_diff(__sum16 *sum, __wsum diff)
{
	u64 total = (u64)diff + (u16)~*sum;

	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	*sum = ~total;
}
#endif
