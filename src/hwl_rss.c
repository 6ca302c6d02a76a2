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
 * hwl_rss_init() - set a random key and an even indirection table
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
 * hwl_rss_set_pairs() - adapt the table to a number of pairs
 * @ad: the device
 * @pairs: number of pairs
 *
 * A user-configured table is kept; the caller has checked that it fits.
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
 * hwl_rss_limit() - remove pairs that no longer exist from the table
 * @ad: the device
 * @pairs: number of pairs
 *
 * A channel change by the user is refused if the configured table does not fit;
 * this one is made by the driver.
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
 * Safe under traffic: the old or the new entry applies to a frame in flight.
 *
 * Context: process, rtnl held.
 */
void hwl_rss_write(struct hwl_adapter *ad)
{
	hwl_hw_set_rss(&ad->hw, ad->rss.key, ad->rss.indir);
}
