/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copy what is small.
 *
 * Most frames that are copied have 54 to 100 bytes. memcpy() of a length that
 * is known at run time only is a call, or an instruction that takes its time
 * to start.
 */
#ifndef HWL_COPY_H
#define HWL_COPY_H

#include <linux/string.h>
#include <linux/types.h>

/**
 * hwl_copy_small() - copy some bytes, of which there are rarely above 128
 * @to: where to
 * @from: where from
 * @len: bytes
 *
 * By two copies of a constant length, which overlap.
 */
static inline void hwl_copy_small(u8 *to, const u8 *from, u32 len)
{
	if (len - 32 <= 32) {
		memcpy(to, from, 32);
		memcpy(to + len - 32, from + len - 32, 32);
	} else if (len - 64 <= 64) {
		memcpy(to, from, 64);
		memcpy(to + len - 64, from + len - 64, 64);
	} else {
		memcpy(to, from, len);
	}
}

#endif /* HWL_COPY_H */
