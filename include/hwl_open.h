/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Open and close, detach and attach.
 */
#ifndef HWL_OPEN_H
#define HWL_OPEN_H

#include <linux/types.h>

struct hwl_adapter;
struct net_device;

s32 hwl_open_latency(const struct hwl_adapter *ad);
int hwl_open_awaken(struct hwl_adapter *ad);
int hwl_open_doze(struct hwl_adapter *ad);
int hwl_open_get(struct hwl_adapter *ad);
void hwl_open_put(struct hwl_adapter *ad);
void hwl_open_rest(struct hwl_adapter *ad);
int hwl_open(struct net_device *netdev);
int hwl_close(struct net_device *netdev);
int hwl_netdev_attach(struct hwl_adapter *ad);
void hwl_netdev_unregister(struct hwl_adapter *ad);
void hwl_netdev_detach(struct hwl_adapter *ad);

#endif /* HWL_OPEN_H */
