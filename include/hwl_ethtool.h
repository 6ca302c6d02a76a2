/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ethtool: configuration and statistics.
 */
#ifndef HWL_ETHTOOL_H
#define HWL_ETHTOOL_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>

void hwl_ethtool_init(struct net_device *netdev);

/* hwl_ethtool_ts.c */
int hwl_et_get_ts_info(struct net_device *netdev, struct kernel_ethtool_ts_info *info);
void hwl_et_get_ts_stats(struct net_device *netdev, struct ethtool_ts_stats *stats);

/* hwl_ethtool_dump.c */
int hwl_et_get_regs_len(struct net_device *netdev);
void hwl_et_get_regs(struct net_device *netdev, struct ethtool_regs *regs,
		     void *data);
int hwl_et_get_eeprom_len(struct net_device *netdev);
int hwl_et_get_eeprom(struct net_device *netdev, struct ethtool_eeprom *eeprom,
		      u8 *data);
int hwl_et_set_eeprom(struct net_device *netdev, struct ethtool_eeprom *eeprom,
		      u8 *data);

/* hwl_ethtool_link.c */
int hwl_et_get_link_ksettings(struct net_device *netdev,
			      struct ethtool_link_ksettings *ks);
int hwl_et_set_link_ksettings(struct net_device *netdev,
			      const struct ethtool_link_ksettings *ks);
int hwl_et_nway_reset(struct net_device *netdev);
void hwl_et_get_pauseparam(struct net_device *netdev,
			   struct ethtool_pauseparam *pause);
int hwl_et_set_pauseparam(struct net_device *netdev,
			  struct ethtool_pauseparam *pause);

/* hwl_ethtool_rings.c */
void hwl_et_get_ringparam(struct net_device *netdev,
			  struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kring,
			  struct netlink_ext_ack *extack);
int hwl_et_set_ringparam(struct net_device *netdev,
			 struct ethtool_ringparam *ring,
			 struct kernel_ethtool_ringparam *kring,
			 struct netlink_ext_ack *extack);
void hwl_et_get_channels(struct net_device *netdev, struct ethtool_channels *ch);
int hwl_et_set_channels(struct net_device *netdev, struct ethtool_channels *ch);
int hwl_et_get_queue_coalesce(struct net_device *netdev, u32 q,
			      struct ethtool_coalesce *coal);
int hwl_et_get_coalesce(struct net_device *netdev,
			struct ethtool_coalesce *coal,
			struct kernel_ethtool_coalesce *kcoal,
			struct netlink_ext_ack *extack);
int hwl_et_set_queue_coalesce(struct net_device *netdev, u32 q,
			      struct ethtool_coalesce *coal);
int hwl_et_set_coalesce(struct net_device *netdev,
			struct ethtool_coalesce *coal,
			struct kernel_ethtool_coalesce *kcoal,
			struct netlink_ext_ack *extack);

/* hwl_ethtool_rss.c */
u32 hwl_et_get_rxfh_key_size(struct net_device *netdev);
u32 hwl_et_get_rxfh_indir_size(struct net_device *netdev);
int hwl_et_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh);
int hwl_et_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
		    struct netlink_ext_ack *extack);
int hwl_et_get_rxfh_fields(struct net_device *netdev,
			   struct ethtool_rxfh_fields *fields);
u32 hwl_et_get_rx_ring_count(struct net_device *netdev);

/* hwl_ethtool_stats.c */
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

/* hwl_ethtool_wol.c */
void hwl_et_get_wol(struct net_device *netdev, struct ethtool_wolinfo *wol);
int hwl_et_set_wol(struct net_device *netdev, struct ethtool_wolinfo *wol);

#endif /* HWL_ETHTOOL_H */
