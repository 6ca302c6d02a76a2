/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PTP clock, and what the stack asks of time stamps.
 */
#ifndef HWL_PTP_H
#define HWL_PTP_H

#include <linux/net_tstamp.h>
#include <linux/netdevice.h>

struct hwl_adapter;

/* Receive filters that the device has. */
#define HWL_PTP_RX_FILTERS	(BIT(HWTSTAMP_FILTER_NONE) | \
				 BIT(HWTSTAMP_FILTER_PTP_V1_L4_SYNC) | \
				 BIT(HWTSTAMP_FILTER_PTP_V1_L4_DELAY_REQ) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_L4_SYNC) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_L4_DELAY_REQ) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_L2_SYNC) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_L2_DELAY_REQ) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_EVENT) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_SYNC) | \
				 BIT(HWTSTAMP_FILTER_PTP_V2_DELAY_REQ) | \
				 BIT(HWTSTAMP_FILTER_ALL))

void hwl_ptp_init(struct hwl_adapter *ad);
void hwl_ptp_exit(struct hwl_adapter *ad);
int hwl_ptp_index(const struct hwl_adapter *ad);

int hwl_ptp_hwtstamp_get(struct net_device *netdev,
			 struct kernel_hwtstamp_config *config);
int hwl_ptp_hwtstamp_set(struct net_device *netdev,
			 struct kernel_hwtstamp_config *config,
			 struct netlink_ext_ack *extack);

#endif /* HWL_PTP_H */
