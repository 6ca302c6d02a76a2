/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is received: addresses, VLANs, and frames for others.
 */
#ifndef HWL_FILTER_H
#define HWL_FILTER_H

#include <linux/netdevice.h>

struct hwl_adapter;

void hwl_filter_init(struct hwl_adapter *ad);
void hwl_filter_start(struct hwl_adapter *ad);
void hwl_filter_start_wake(struct hwl_adapter *ad, bool allmulti);
void hwl_filter_set_rx_mode(struct net_device *netdev);
int hwl_filter_set_mac(struct net_device *netdev, void *addr);
int hwl_filter_add_vid(struct net_device *netdev, __be16 proto, u16 vid);
int hwl_filter_kill_vid(struct net_device *netdev, __be16 proto, u16 vid);
void hwl_filter_set_features(struct hwl_adapter *ad, netdev_features_t features);
void hwl_filter_write_vlan_offload(struct hwl_adapter *ad);
void hwl_filter_set_mtu(struct hwl_adapter *ad, int mtu);

#endif /* HWL_FILTER_H */
