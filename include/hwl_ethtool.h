/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ethtool: configuration and statistics.
 */
#ifndef HWL_ETHTOOL_H
#define HWL_ETHTOOL_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>

void hwl_ethtool_init(struct net_device *netdev);

/* Statistics; in hwl_ethtool_stats.c. */
int hwl_et_sset_count(struct net_device *netdev, int sset);
void hwl_et_strings(struct net_device *netdev, u32 sset, u8 *data);
void hwl_et_stats(struct net_device *netdev, struct ethtool_stats *stats,
		  u64 *data);
void hwl_et_mac_stats(struct net_device *netdev,
		      struct ethtool_eth_mac_stats *stats);
void hwl_et_phy_stats(struct net_device *netdev,
		      struct ethtool_eth_phy_stats *stats);
void hwl_et_ctrl_stats(struct net_device *netdev,
		       struct ethtool_eth_ctrl_stats *stats);
void hwl_et_rmon_stats(struct net_device *netdev,
		       struct ethtool_rmon_stats *stats,
		       const struct ethtool_rmon_hist_range **ranges);
void hwl_et_pause_stats(struct net_device *netdev,
			struct ethtool_pause_stats *stats);
void hwl_et_link_ext_stats(struct net_device *netdev,
			   struct ethtool_link_ext_stats *stats);

#endif /* HWL_ETHTOOL_H */
