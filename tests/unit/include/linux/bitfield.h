/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UNIT_LINUX_BITFIELD_H
#define UNIT_LINUX_BITFIELD_H
#include <linux/types.h>

#define FIELD_PREP(mask, val)	((__typeof__(mask))((unsigned long long)(val) << \
						    __builtin_ctzll(mask) & (mask)))
#define FIELD_PREP_CONST	FIELD_PREP
#define FIELD_GET(mask, val)	((__typeof__(mask))(((val) & (mask)) >> \
						    __builtin_ctzll(mask)))
#endif
