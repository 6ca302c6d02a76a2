// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool statistics: the standard groups, and private strings for the rest.
 *
 * All under rtnl. Each request first accumulates the hardware counters, if the
 * device is up.
 */
#include <linux/ethtool.h>

#include "hwl.h"
#include "hwl_ethtool.h"
#include "hwl_selftest.h"

/* Counters of the driver as a whole. */
enum hwl_misc_stat {
	HWL_MISC_RESETS,
	HWL_MISC_TX_TIMEOUTS,
	HWL_MISC_MISSED_IRQS,
	HWL_MISC_LINK_POLLS,
	HWL_MISC_WRITE_BACKS,
	HWL_MISC_FAULTS,
	HWL_MISC_RERAISED,
	HWL_MISC_RETRIES,
	HWL_MISC_RX_STAMPS_CLEARED,
	HWL_MISC_CLOCK_REREADS,
	HWL_MISC_CLOCK_GUESSES,
	HWL_MISC_WAKEUPS,
	HWL_MISC_NUM
};

static const char * const hwl_misc_stat_names[HWL_MISC_NUM] = {
	[HWL_MISC_RESETS]	= "resets",
	[HWL_MISC_TX_TIMEOUTS]	= "tx_timeouts",
	[HWL_MISC_MISSED_IRQS]	= "watchdog_polls",
	[HWL_MISC_LINK_POLLS]	= "watchdog_link_polls",
	[HWL_MISC_WRITE_BACKS]	= "watchdog_write_backs",
	[HWL_MISC_FAULTS]	= "watchdog_faults",
	[HWL_MISC_RERAISED]	= "irq_causes_reraised",
	[HWL_MISC_RETRIES]	= "refill_retries",
	[HWL_MISC_RX_STAMPS_CLEARED] = "rx_stamps_cleared",
	[HWL_MISC_CLOCK_REREADS] = "clock_rereads",
	[HWL_MISC_CLOCK_GUESSES] = "clock_guesses",
	[HWL_MISC_WAKEUPS]	= "wakeups",
};

/* Private: each hardware counter, the driver's, then queue by queue. */
#define HWL_ET_STATS(ad)	(HWL_STAT_NUM + HWL_MISC_NUM + (ad)->num_pairs * \
				 (HWL_TXQ_STAT_NUM + HWL_RXQ_STAT_NUM))

static struct hwl_adapter *hwl_et_fold(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	hwl_stats_update(ad);
	return ad;
}

/**
 * hwl_et_sset_count() - number of strings in a set
 * @netdev: interface
 * @sset: ETH_SS_*
 *
 * Return: the number, or -EOPNOTSUPP.
 */
int hwl_et_sset_count(struct net_device *netdev, int sset)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (sset == ETH_SS_TEST)
		return HWL_TEST_NUM;
	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return HWL_ET_STATS(ad);
}

/**
 * hwl_et_strings() - strings of a set
 * @netdev: interface
 * @sset: ETH_SS_*
 * @data: where they go
 */
void hwl_et_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u32 q;
	int i;

	if (sset == ETH_SS_TEST)
		for (i = 0; i < HWL_TEST_NUM; i++)
			ethtool_puts(&data, hwl_selftest_names[i]);
	if (sset != ETH_SS_STATS)
		return;
	for (i = 0; i < HWL_STAT_NUM; i++)
		ethtool_puts(&data, hwl_stat_names[i]);
	for (i = 0; i < HWL_MISC_NUM; i++)
		ethtool_puts(&data, hwl_misc_stat_names[i]);
	for (q = 0; q < ad->num_pairs; q++) {
		for (i = 0; i < HWL_TXQ_STAT_NUM; i++)
			ethtool_sprintf(&data, "tx%u_%s", q,
					hwl_txq_stat_names[i]);
		for (i = 0; i < HWL_RXQ_STAT_NUM; i++)
			ethtool_sprintf(&data, "rx%u_%s", q,
					hwl_rxq_stat_names[i]);
	}
}

/**
 * hwl_et_stats() - values of the private strings
 * @netdev: interface
 * @stats: unused
 * @data: where they go
 */
void hwl_et_stats(struct net_device *netdev, struct ethtool_stats *stats,
		  u64 *data)
{
	struct hwl_adapter *ad = hwl_et_fold(netdev);
	u32 q;
	int i;

	for (i = 0; i < HWL_STAT_NUM; i++)
		*data++ = hwl_stats_get(ad, i);
	data[HWL_MISC_RESETS] = ad->resets;
	data[HWL_MISC_TX_TIMEOUTS] = atomic_read(&ad->tx_timeouts);
	data[HWL_MISC_MISSED_IRQS] = ad->missed_irqs;
	data[HWL_MISC_LINK_POLLS] = ad->link_polls;
	data[HWL_MISC_WRITE_BACKS] = ad->write_backs;
	data[HWL_MISC_FAULTS] = ad->faults;
	data[HWL_MISC_RERAISED] = ad->reraised;
	data[HWL_MISC_RX_STAMPS_CLEARED] = READ_ONCE(ad->stamp.rx_cleared);
	data[HWL_MISC_CLOCK_REREADS] = READ_ONCE(ad->hw.clock.rereads);
	data[HWL_MISC_CLOCK_GUESSES] = READ_ONCE(ad->hw.clock.guesses);
	data[HWL_MISC_WAKEUPS] = ad->wake.count;
	data[HWL_MISC_RETRIES] = 0;
	for (q = 0; q < ad->num_pairs; q++)
		data[HWL_MISC_RETRIES] += READ_ONCE(ad->pair[q]->retries);
	data += HWL_MISC_NUM;
	for (q = 0; q < ad->num_pairs; q++) {
		hwl_stats_txq(ad, q, data);
		data += HWL_TXQ_STAT_NUM;
		hwl_stats_rxq(ad, q, data);
		data += HWL_RXQ_STAT_NUM;
	}
}

/**
 * hwl_et_mac_stats() - IEEE 802.3 MAC counters
 * @netdev: interface
 * @stats: where they go
 */
void hwl_et_mac_stats(struct net_device *netdev,
		      struct ethtool_eth_mac_stats *stats)
{
	struct hwl_adapter *ad = hwl_et_fold(netdev);

	stats->FramesTransmittedOK = hwl_stats_get(ad, HWL_GPTC);
	stats->FramesReceivedOK = hwl_stats_get(ad, HWL_GPRC);
	stats->OctetsTransmittedOK = hwl_stats_get(ad, HWL_GOTC);
	stats->OctetsReceivedOK = hwl_stats_get(ad, HWL_GORC);
	stats->FrameCheckSequenceErrors = hwl_stats_get(ad, HWL_CRCERRS);
	stats->AlignmentErrors = hwl_stats_get(ad, HWL_ALGNERRC);
	stats->SingleCollisionFrames = hwl_stats_get(ad, HWL_SCC);
	stats->MultipleCollisionFrames = hwl_stats_get(ad, HWL_MCC);
	stats->FramesWithDeferredXmissions = hwl_stats_get(ad, HWL_DC);
	stats->LateCollisions = hwl_stats_get(ad, HWL_LATECOL);
	stats->FramesAbortedDueToXSColls = hwl_stats_get(ad, HWL_ECOL);
	stats->MulticastFramesXmittedOK = hwl_stats_get(ad, HWL_MPTC);
	stats->BroadcastFramesXmittedOK = hwl_stats_get(ad, HWL_BPTC);
	stats->MulticastFramesReceivedOK = hwl_stats_get(ad, HWL_MPRC);
	stats->BroadcastFramesReceivedOK = hwl_stats_get(ad, HWL_BPRC);
	stats->FrameTooLongErrors = hwl_stats_get(ad, HWL_ROC);
}

/**
 * hwl_et_phy_stats() - IEEE 802.3 PHY counters
 * @netdev: interface
 * @stats: where they go
 */
void hwl_et_phy_stats(struct net_device *netdev,
		      struct ethtool_eth_phy_stats *stats)
{
	struct hwl_adapter *ad = hwl_et_fold(netdev);

	stats->SymbolErrorDuringCarrier = hwl_stats_get(ad, HWL_SYMERRS);
}

/**
 * hwl_et_ctrl_stats() - IEEE 802.3 MAC control counters
 * @netdev: interface
 * @stats: where they go
 */
void hwl_et_ctrl_stats(struct net_device *netdev,
		       struct ethtool_eth_ctrl_stats *stats)
{
	struct hwl_adapter *ad = hwl_et_fold(netdev);

	stats->MACControlFramesTransmitted = hwl_stats_get(ad, HWL_XONTXC) +
					     hwl_stats_get(ad, HWL_XOFFTXC);
	stats->MACControlFramesReceived = hwl_stats_get(ad, HWL_XONRXC) +
					  hwl_stats_get(ad, HWL_XOFFRXC) +
					  hwl_stats_get(ad, HWL_FCRUC);
	stats->UnsupportedOpcodesReceived = hwl_stats_get(ad, HWL_FCRUC);
}

static const struct ethtool_rmon_hist_range hwl_rmon_ranges[] = {
	{    0,   64 },
	{   65,  127 },
	{  128,  255 },
	{  256,  511 },
	{  512, 1023 },
	{ 1024, HWL_MAX_FRAME },
	{}
};

/**
 * hwl_et_rmon_stats() - RFC 2819 counters
 * @netdev: interface
 * @stats: where they go
 * @ranges: what the buckets of the histograms stand for
 */
void hwl_et_rmon_stats(struct net_device *netdev,
		       struct ethtool_rmon_stats *stats,
		       const struct ethtool_rmon_hist_range **ranges)
{
	struct hwl_adapter *ad = hwl_et_fold(netdev);
	int i;

	stats->undersize_pkts = hwl_stats_get(ad, HWL_RUC);
	stats->oversize_pkts = hwl_stats_get(ad, HWL_ROC);
	stats->fragments = hwl_stats_get(ad, HWL_RFC);
	stats->jabbers = hwl_stats_get(ad, HWL_RJC);
	for (i = 0; i < ARRAY_SIZE(hwl_rmon_ranges) - 1; i++) {
		stats->hist[i] = hwl_stats_get(ad, HWL_PRC64 + i);
		stats->hist_tx[i] = hwl_stats_get(ad, HWL_PTC64 + i);
	}
	*ranges = hwl_rmon_ranges;
}

/**
 * hwl_et_pause_stats() - pause frames
 * @netdev: interface
 * @stats: where they go
 */
void hwl_et_pause_stats(struct net_device *netdev,
			struct ethtool_pause_stats *stats)
{
	struct hwl_adapter *ad = hwl_et_fold(netdev);

	stats->tx_pause_frames = hwl_stats_get(ad, HWL_XONTXC) +
				 hwl_stats_get(ad, HWL_XOFFTXC);
	stats->rx_pause_frames = hwl_stats_get(ad, HWL_XONRXC) +
				 hwl_stats_get(ad, HWL_XOFFRXC);
}

/**
 * hwl_et_link_ext_stats() - how often the link was lost
 * @netdev: interface
 * @stats: where it goes
 */
void hwl_et_link_ext_stats(struct net_device *netdev,
			   struct ethtool_link_ext_stats *stats)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	stats->link_down_events = ad->link.downs;
}
