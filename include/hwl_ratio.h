/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ratio of two clocks: what it is measured to be, and how exactly.
 */
#ifndef HWL_RATIO_H
#define HWL_RATIO_H

#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>

/* Bits of fraction of a ratio; and of a part of one, which is about 1 ppm. */
#define HWL_RATIO_SHIFT		12
#define HWL_RATIO_PART_SHIFT	20

/**
 * hwl_ratio() - counts in a nanosecond
 * @count: counts
 * @ns: in so many nanoseconds
 *
 * Return: the ratio, HWL_RATIO_SHIFT bits of fraction.
 */
static inline u64 hwl_ratio(u64 count, u64 ns)
{
	return mul_u64_u64_div_u64(count, 1U << HWL_RATIO_SHIFT, ns);
}

/**
 * hwl_ratio_doubt() - by how much a ratio may be off
 * @took: nanoseconds that the reads at begin and end took
 * @ns: nanoseconds between them
 *
 * Return: parts of it, at most the whole and one.
 */
static inline u32 hwl_ratio_doubt(u64 took, u64 ns)
{
	u64 parts = div64_u64(took << HWL_RATIO_PART_SHIFT, ns);

	return min_t(u64, parts, 1U << HWL_RATIO_PART_SHIFT) + 1;
}

/**
 * hwl_ratio_near() - are two ratios about the same?
 * @ratio: the one
 * @other: the other, below 2^33
 * @parts: by how much they may differ, of @other
 *
 * Return: true if so.
 */
static inline bool hwl_ratio_near(u64 ratio, u64 other, u32 parts)
{
	u64 apart = ratio > other ? ratio - other : other - ratio;

	return apart <= (other * parts) >> HWL_RATIO_PART_SHIFT;
}

#endif /* HWL_RATIO_H */
