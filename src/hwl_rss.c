// SPDX-License-Identifier: GPL-2.0
/*
 * Receive side scaling: hash key and indirection table.
 *
 * Both are kept here and written to the device after each reset. All under
 * rtnl.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>

#include "hwl.h"

/**
 * hwl_rss_init() - a random key, and a table that spreads evenly
 * @ad: the device
 *
 * Context: process; probe only.
 */
void hwl_rss_init(struct hwl_adapter *ad)
{
	netdev_rss_key_fill(ad->rss.key, sizeof(ad->rss.key));
	hwl_rss_set_pairs(ad, ad->cfg.pairs);
}

/**
 * hwl_rss_set_pairs() - fit the table to a number of pairs
 * @ad: the device
 * @pairs: number of pairs
 *
 * A table of the user's is kept; the caller made sure that it fits.
 *
 * Context: process, rtnl held.
 */
void hwl_rss_set_pairs(struct hwl_adapter *ad, u32 pairs)
{
	int i;

	if (netif_is_rxfh_configured(ad->netdev))
		return;
	for (i = 0; i < HWL_RETA_ENTRIES; i++)
		ad->rss.indir[i] = ethtool_rxfh_indir_default(i, pairs);
}

/**
 * hwl_rss_limit() - have no entry of the table lead to a pair that is no more
 * @ad: the device
 * @pairs: number of pairs
 *
 * A change of channels is refused where the user's table does not fit; this one
 * nobody asked for.
 *
 * Context: process, rtnl held.
 */
void hwl_rss_limit(struct hwl_adapter *ad, u32 pairs)
{
	int i;

	for (i = 0; i < HWL_RETA_ENTRIES; i++)
		if (ad->rss.indir[i] >= pairs)
			ad->rss.indir[i] = 0;
}

/**
 * hwl_rss_write() - write key and table to the device
 * @ad: the device
 *
 * Also under traffic: a frame under way is steered by the old or the new entry.
 *
 * Context: process, rtnl held.
 */
void hwl_rss_write(struct hwl_adapter *ad)
{
	hwl_hw_set_rss(&ad->hw, ad->rss.key, ad->rss.indir);
}
