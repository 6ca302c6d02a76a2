/* SPDX-License-Identifier: GPL-2.0 */
/* A test program in TAP: tables of cases, one line of output each. */
#ifndef UNIT_H
#define UNIT_H
#include <stdio.h>

static int unit_count;
static int unit_failed;

#define CHECK(name, got, want) do {						\
	unsigned long long unit_got = (got), unit_want = (want);		\
	int unit_ok = unit_got == unit_want;					\
										\
	printf("%sok %d - %s\n", unit_ok ? "" : "not ", ++unit_count, name);	\
	if (!unit_ok) {								\
		unit_failed++;							\
		printf("# %s:%d: got %#llx, want %#llx\n", __FILE__, __LINE__,	\
		       unit_got, unit_want);					\
	}									\
} while (0)

static inline int unit_end(void)
{
	printf("1..%d\n", unit_count);
	return unit_failed ? 1 : 0;
}
#endif
