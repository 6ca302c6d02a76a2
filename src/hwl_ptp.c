// SPDX-License-Identifier: GPL-2.0
/*
 * The PTP clock, and what the stack asks of time stamps.
 *
 * A kernel without PTP clocks has the stamps all the same. The clock lives from
 * probe to removal; hwl_clock.c keeps it going whatever the data path does.
 */
#include <linux/bitfield.h>
#include <linux/ptp_clock_kernel.h>

#include "hwl.h"
#include "hwl_irq.h"
#include "hwl_ptp.h"

/* In parts per billion: as far as TIMINCA could be scaled, which e1000e does. */
#define HWL_PTP_MAX_ADJ		599999900

/* ---- The clock ---- */

static struct hwl_hw *hwl_ptp_hw(struct ptp_clock_info *info)
{
	return &container_of(info, struct hwl_adapter, ptp_info)->hw;
}

static int hwl_ptp_adjfine(struct ptp_clock_info *info, long scaled_ppm)
{
	hwl_clock_adjust(hwl_ptp_hw(info),
			 adjust_by_scaled_ppm(HWL_CLOCK_MULT, scaled_ppm));
	return 0;
}

static int hwl_ptp_adjtime(struct ptp_clock_info *info, s64 delta)
{
	hwl_clock_adjtime(hwl_ptp_hw(info), delta);
	return 0;
}

static int hwl_ptp_gettimex64(struct ptp_clock_info *info, struct timespec64 *ts,
			      struct ptp_system_timestamp *sts)
{
	*ts = ns_to_timespec64(hwl_clock_gettime(hwl_ptp_hw(info), sts));
	return 0;
}

static int hwl_ptp_settime64(struct ptp_clock_info *info, const struct timespec64 *ts)
{
	hwl_clock_settime(hwl_ptp_hw(info), timespec64_to_ns(ts));
	return 0;
}

/* No pins, no PPS. Kernels before 6.12.14 call it without looking whether it is there. */
static int hwl_ptp_enable(struct ptp_clock_info *info, struct ptp_clock_request *rq, int on)
{
	return -EOPNOTSUPP;
}

static const struct ptp_clock_info hwl_ptp_info = {
	.owner		= THIS_MODULE,
	.max_adj	= HWL_PTP_MAX_ADJ,
	.adjfine	= hwl_ptp_adjfine,
	.adjtime	= hwl_ptp_adjtime,
	.gettimex64	= hwl_ptp_gettimex64,
	.settime64	= hwl_ptp_settime64,
	.enable		= hwl_ptp_enable,
};

/**
 * hwl_ptp_init() - offer the clock
 * @ad: the device
 *
 * What cannot be had is done without.
 *
 * Context: process; probe only.
 */
void hwl_ptp_init(struct hwl_adapter *ad)
{
	struct ptp_clock *ptp;

	hwl_clock_start(&ad->hw);
	ad->ptp_info = hwl_ptp_info;
	snprintf(ad->ptp_info.name, sizeof(ad->ptp_info.name), "%pM",
		 ad->netdev->dev_addr);
	ptp = ptp_clock_register(&ad->ptp_info, &ad->pdev->dev);
	if (IS_ERR(ptp)) {
		dev_warn(&ad->pdev->dev, "no PTP clock: %pe\n", ptp);
		ptp = NULL;
	}
	ad->ptp = ptp;
}

/**
 * hwl_ptp_exit() - take the clock back
 * @ad: the device; its interface is gone
 *
 * Context: process.
 */
void hwl_ptp_exit(struct hwl_adapter *ad)
{
	if (ad->ptp)
		ptp_clock_unregister(ad->ptp);
	hwl_clock_stop(&ad->hw);
}

/**
 * hwl_ptp_index() - number of the clock
 * @ad: the device
 *
 * Context: process.
 * Return: N of /dev/ptpN, or -1 where there is none.
 */
int hwl_ptp_index(const struct hwl_adapter *ad)
{
	return ad->ptp ? ptp_clock_index(ad->ptp) : -1;
}

/* ---- Time stamps ---- */

/* What a filter becomes. Where the device stamps more than was asked for, that is
 * granted. The message types are those of the PTP header: of version 1 the control
 * field, of version 2 messageType.
 */
static const struct hwl_ptp_filter {
	u8 asked;
	u8 granted;
	u8 type;
	u32 message;
} hwl_ptp_filters[] = {
#define V1(control)	FIELD_PREP_CONST(HWL_RXMTRL_V1_CONTROL, control)
#define V2(type)	FIELD_PREP_CONST(HWL_RXMTRL_V2_TYPE, type)
#define FILTER(asked, granted, type, message) \
	{ HWTSTAMP_FILTER_##asked, HWTSTAMP_FILTER_##granted, HWL_TSYNC_##type, message }
	FILTER(PTP_V1_L4_SYNC, PTP_V1_L4_SYNC, L4_V1, V1(0)),
	FILTER(PTP_V1_L4_DELAY_REQ, PTP_V1_L4_DELAY_REQ, L4_V1, V1(1)),
	FILTER(PTP_V2_L2_SYNC, PTP_V2_L2_SYNC, L2_V2, V2(0)),
	FILTER(PTP_V2_L2_DELAY_REQ, PTP_V2_L2_DELAY_REQ, L2_V2, V2(1)),
	/* Not over UDP alone. */
	FILTER(PTP_V2_L4_SYNC, PTP_V2_SYNC, L2_L4_V2, V2(0)),
	FILTER(PTP_V2_L4_DELAY_REQ, PTP_V2_DELAY_REQ, L2_L4_V2, V2(1)),
	FILTER(PTP_V2_SYNC, PTP_V2_SYNC, L2_L4_V2, V2(0)),
	FILTER(PTP_V2_DELAY_REQ, PTP_V2_DELAY_REQ, L2_L4_V2, V2(1)),
	FILTER(PTP_V2_L2_EVENT, PTP_V2_EVENT, EVENT_V2, 0),
	FILTER(PTP_V2_L4_EVENT, PTP_V2_EVENT, EVENT_V2, 0),
	FILTER(PTP_V2_EVENT, PTP_V2_EVENT, EVENT_V2, 0),
	/* Not all events of version 1. */
	FILTER(PTP_V1_L4_EVENT, ALL, ALL, 0),
	FILTER(NTP_ALL, ALL, ALL, 0),
	FILTER(ALL, ALL, ALL, 0),
#undef FILTER
#undef V2
#undef V1
};

static const struct hwl_ptp_filter *hwl_ptp_find_filter(int asked)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(hwl_ptp_filters); i++)
		if (hwl_ptp_filters[i].asked == asked)
			return &hwl_ptp_filters[i];
	return NULL;
}

/**
 * hwl_ptp_hwtstamp_get() - ndo_hwtstamp_get
 * @netdev: interface
 * @config: what is in force
 *
 * Context: process, rtnl held.
 * Return: 0.
 */
int hwl_ptp_hwtstamp_get(struct net_device *netdev,
			 struct kernel_hwtstamp_config *config)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	config->flags = 0;
	config->tx_type = ad->stamp.mode.tx ? HWTSTAMP_TX_ON : HWTSTAMP_TX_OFF;
	config->rx_filter = ad->stamp_filter;
	return 0;
}

/**
 * hwl_ptp_hwtstamp_set() - ndo_hwtstamp_set
 * @netdev: interface
 * @config: what is asked for; what is granted
 * @extack: the reason of a refusal
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code with nothing changed: -ERANGE for what the
 * device cannot do.
 */
int hwl_ptp_hwtstamp_set(struct net_device *netdev,
			 struct kernel_hwtstamp_config *config,
			 struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	const struct hwl_ptp_filter *filter = NULL;
	struct hwl_stamp_mode mode = {};

	/* By which a bond's user says that he knows what it means there. */
	if (config->flags & ~HWTSTAMP_FLAG_BONDED_PHC_INDEX) {
		NL_SET_ERR_MSG_MOD(extack, "the only flag is that of a bond's clock");
		return -EINVAL;
	}
	if (config->tx_type != HWTSTAMP_TX_OFF && config->tx_type != HWTSTAMP_TX_ON) {
		NL_SET_ERR_MSG_MOD(extack, "the device does not insert time stamps into frames");
		return -ERANGE;
	}
	if (config->rx_filter != HWTSTAMP_FILTER_NONE) {
		filter = hwl_ptp_find_filter(config->rx_filter);
		if (!filter) {
			NL_SET_ERR_MSG_MOD(extack, "the device has no such receive filter");
			return -ERANGE;
		}
		mode.rx = true;
		mode.type = filter->type;
		mode.message = filter->message;
	}
	mode.tx = config->tx_type == HWTSTAMP_TX_ON;

	if (!ad->stamp.able && (mode.tx || mode.rx)) {
		NL_SET_ERR_MSG_MOD(extack, "the device makes no time stamps");
		return -EOPNOTSUPP;
	}

	if (hwl_stamp_end_rx(ad, &mode))
		hwl_napi_wait_received(ad);
	hwl_stamp_set_mode(ad, &mode);
	ad->stamp_filter = filter ? filter->granted : HWTSTAMP_FILTER_NONE;
	config->rx_filter = ad->stamp_filter;
	return 0;
}
