/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Partial checksums. Pure.
 */
#ifndef HWL_CSUM_H
#define HWL_CSUM_H

#include <net/checksum.h>

/**
 * hwl_csum_remove_len() - take the length out of the sum of a pseudo-header
 * @check: the sum, as the stack leaves it for a device to complete
 * @len: length that it holds: transport header and payload
 *
 * The device adds the length of each segment.
 */
static inline void hwl_csum_remove_len(__sum16 *check, u32 len)
{
	csum_replace_by_diff(check, (__force __wsum)htonl(len));
}

#endif /* HWL_CSUM_H */
