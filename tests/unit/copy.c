// SPDX-License-Identifier: GPL-2.0
/* Copies of each length: all of it, and nothing beside it. */
#include "hwl_copy.h"
#include "unit.h"

#define MOST	300

int main(void)
{
	u8 from[MOST], to[MOST + 2];
	char name[40];
	u32 len, i;

	for (i = 0; i < MOST; i++)
		from[i] = i * 7 + 1;
	for (len = 0; len <= MOST; len++) {
		u32 wrong = 0;

		memset(to, 0xee, sizeof(to));
		hwl_copy_small(to + 1, from, len);
		for (i = 0; i < MOST + 2; i++)
			wrong += to[i] != (i > 0 && i <= len ? from[i - 1] : 0xee);
		snprintf(name, sizeof(name), "%u bytes", len);
		CHECK(name, wrong, 0);
	}
	return unit_end();
}
