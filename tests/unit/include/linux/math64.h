/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_LINUX_MATH64_H
#define UNIT_LINUX_MATH64_H
#include <linux/types.h>

static inline u64 mul_u64_u32_shr(u64 a, u32 mul, unsigned int shift)
{
	return (unsigned __int128)a * mul >> shift;
}

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	return (unsigned __int128)a * b / c;
}

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

#define do_div(n, base)	({ u32 unit_rem = (n) % (base); (n) /= (base); unit_rem; })
#endif
