/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network interface.
 */
#ifndef HWL_NETDEV_H
#define HWL_NETDEV_H

struct hwl_adapter;

void hwl_netdev_init(struct hwl_adapter *ad);

#endif /* HWL_NETDEV_H */
