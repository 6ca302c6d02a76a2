/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What no interrupt reports: hangs, lost interrupts, counters about to wrap.
 */
#ifndef HWL_WATCHDOG_H
#define HWL_WATCHDOG_H

#include <linux/netdevice.h>
#include <linux/workqueue.h>

struct hwl_adapter;

void hwl_watchdog_start(struct hwl_adapter *ad);
void hwl_watchdog_retry(struct hwl_adapter *ad);
void hwl_watchdog_stop(struct hwl_adapter *ad);
void hwl_watchdog_tick(struct work_struct *work);
void hwl_watchdog_tx_timeout(struct net_device *netdev, unsigned int txqueue);

#endif /* HWL_WATCHDOG_H */
