// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: time stamps, what there is and what became of them.
 */
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>

#include "hwl.h"
#include "hwl_ethtool.h"
#include "hwl_ptp.h"

/**
 * hwl_et_get_ts_info() - kinds of time stamps
 * @netdev: interface
 * @info: where they go
 *
 * Context: rtnl held.
 * Return: 0.
 */
int hwl_et_get_ts_info(struct net_device *netdev, struct kernel_ethtool_ts_info *info)
{
	const struct hwl_adapter *ad = netdev_priv(netdev);

	info->so_timestamping = SOF_TIMESTAMPING_TX_SOFTWARE |
				SOF_TIMESTAMPING_RX_SOFTWARE |
				SOF_TIMESTAMPING_SOFTWARE;
	info->phc_index = hwl_ptp_index(ad);
	if (!ad->stamp.able)
		return 0;
	info->so_timestamping |= SOF_TIMESTAMPING_TX_HARDWARE |
				 SOF_TIMESTAMPING_RX_HARDWARE |
				 SOF_TIMESTAMPING_RAW_HARDWARE;
	info->tx_types = BIT(HWTSTAMP_TX_OFF) | BIT(HWTSTAMP_TX_ON);
	info->rx_filters = HWL_PTP_RX_FILTERS;
	return 0;
}

/**
 * hwl_et_get_ts_stats() - what became of requests for transmit stamps
 * @netdev: interface
 * @stats: where it goes
 *
 * Context: rtnl held.
 */
void hwl_et_get_ts_stats(struct net_device *netdev, struct ethtool_ts_stats *stats)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	stats->pkts = atomic64_read(&ad->stamp.pkts);
	stats->lost = atomic64_read(&ad->stamp.lost);
	stats->err = atomic64_read(&ad->stamp.errors);
}
