/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive side scaling: hash key and indirection table.
 */
#ifndef HWL_RSS_H
#define HWL_RSS_H

#include <linux/types.h>

#include "hwl_regs.h"

struct hwl_adapter;

/**
 * struct hwl_rss - key and table
 * @key: Toeplitz key
 * @indir: queue of each entry, as the user or the default has it
 */
struct hwl_rss {
	u8 key[HWL_RSSRK_BYTES];
	u8 indir[HWL_RETA_ENTRIES];
};

void hwl_rss_init(struct hwl_adapter *ad);
void hwl_rss_set_pairs(struct hwl_adapter *ad, u32 pairs);
void hwl_rss_limit(struct hwl_adapter *ad, u32 pairs);
void hwl_rss_write(struct hwl_adapter *ad);

#endif /* HWL_RSS_H */
