/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hartwell: driver for the Intel 82574L Gigabit Ethernet controller.
 */
#ifndef HWL_H
#define HWL_H

#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/pm_qos.h>
#include <linux/ptp_clock_kernel.h>
#include <linux/workqueue.h>

#include "hwl_compat.h"
#include "hwl_hw.h"
#include "hwl_link.h"
#include "hwl_queue.h"
#include "hwl_rss.h"
#include "hwl_stamp.h"
#include "hwl_stats.h"
#include "hwl_wake.h"

#define HWL_NAME	"hartwell"
#define HWL_VERSION	"0.1.0"

/* Bits of hwl_adapter.flags. */
enum hwl_flag {
	HWL_DOZING,		/* up, but its data path is down: no link, runtime suspend */
	HWL_OPEN,		/* handlers are installed: hwl_open.c, rtnl */
	HWL_DOWN,		/* queues must stay stopped, work must not start */
	HWL_TX_WAIT_LINK,	/* queues are kept stopped until link up */
	HWL_FAILED,		/* down because a reset failed: it is retried */
	HWL_RESET_DUE,		/* reset_work will restart the data path */
	HWL_IRQ_DUE,		/* ... because interrupts do not arrive */
	HWL_REPORT_DUE,		/* reset_work will report a hang */
	HWL_TX_HUNG,		/* Tx hang; health reporter or user recovers */
	HWL_PHY_DIRTY,		/* link.cfg is not programmed into the PHY */
	HWL_KEEP_LINK,		/* the PHY stays on while the data path is down */
};

/* Interrupt modes. */
enum hwl_irq_mode {
	HWL_IRQ_INTX,		/* one interrupt, one pair */
	HWL_IRQ_MSI,		/* one message, one pair */
	HWL_IRQ_MSIX_SHARED,	/* a vector a pair, one for the rest */
	HWL_IRQ_MSIX_SPLIT,	/* a vector a queue, one for the rest */
};

/**
 * struct hwl_coalesce - interrupt moderation
 * @rx_usecs: shortest interval between Rx interrupts, microseconds
 * @tx_usecs: the same for transmit
 * @rx_adaptive: adapt it to the traffic, and ignore @rx_usecs
 * @tx_adaptive: the same for transmit
 *
 * Written under rtnl; polls read the last two.
 */
struct hwl_coalesce {
	u32 rx_usecs;
	u32 tx_usecs;
	bool rx_adaptive;
	bool tx_adaptive;
};

/**
 * struct hwl_adapter - a device and its network interface
 * @netdev: network interface
 * @pdev: PCI function
 * @devlink: devlink instance
 * @tx_reporter: health reporter of the transmitter
 * @hw: registers
 * @pair: queue pairs, num_pairs of them
 * @num_pairs: pairs that had vectors at probe: they have counters
 * @max_pairs: pairs that have vectors
 * @irq_mode: interrupt mode
 * @other_irq: Linux interrupt number of link and other causes (MSI-X)
 * @other_name: its name
 * @every_wb: every Tx write-back raises an interrupt, not only for RS
 * @cfg: ring configuration in effect, or to use at the next open
 * @coal: moderation of each pair; rtnl
 * @xdp_prog: XDP program, NULL if there is none; rtnl
 * @vlan_offload: the device strips and inserts tags (CTRL.VME); written under
 *	rtnl, read by transmit
 * @stamp: time stamps of frames
 * @stamp_filter: HWTSTAMP_FILTER_* that was granted; rtnl
 * @ptp_info: operations of the PTP clock
 * @ptp: the PTP clock, NULL if there is none
 * @latency: limit of the CPUs' wake-up latency; while up
 * @msg_enable: message level
 * @led_nvm: NVM word with the LED modes of identification; rtnl
 * @led_saved: LEDCTL before identification
 * @flags: enum hwl_flag
 * @link: PHY and link
 * @rss: key and table; rtnl
 * @stats: hardware counters
 * @wake: wake-up
 * @reset_work: resets the data path; takes rtnl
 * @link_work: follows the link; takes no rtnl
 * @tick: watchdog; takes no rtnl
 * @linger: lets a device sleep again that a link has woken
 * @wake_work: brings the data path back after runtime suspend; takes rtnl
 * @ticks: number of the tick
 * @phy_hung: consecutive checks that found the PHY hung
 * @link_mismatch: STATUS.LU and @link disagreed at the last check
 * @irq_raised: interrupts were raised at the last tick
 * @irq_lost: consecutive raises of which some did not arrive
 * @irq_resets: recent resets because interrupts did not arrive; rtnl
 * @missed: weight of recently missed interrupts
 * @missed_irqs: polls scheduled by the watchdog after missed interrupts
 * @link_polls: link changes detected by the watchdog
 * @write_backs: flushes of pending write-backs
 * @reraised: queue causes raised again by the handler of other causes
 * @faults: faults other than hangs detected by the watchdog
 * @resets: resets; written under rtnl
 * @tx_timeouts: Tx hangs
 *
 * Configuration is changed under rtnl. @link_work and @tick run without it and
 * are stopped (not only cancelled) before a reset or a close touches the
 * queues, so they always see a device that is up.
 */
struct hwl_adapter {
	struct net_device *netdev;
	struct pci_dev *pdev;
	struct devlink *devlink;
	struct devlink_health_reporter *tx_reporter;
	struct hwl_pair *pair[HWL_MAX_PAIRS];
	struct hwl_hw hw;
	u32 num_pairs;
	u32 max_pairs;
	enum hwl_irq_mode irq_mode;
	int other_irq;
	char other_name[IFNAMSIZ + 24];
	bool every_wb;
	struct hwl_config cfg;
	struct hwl_coalesce coal[HWL_MAX_PAIRS];
	struct bpf_prog *xdp_prog;
	bool vlan_offload;
	struct hwl_stamp stamp;
	int stamp_filter;
	struct ptp_clock_info ptp_info;
	struct ptp_clock *ptp;
	struct pm_qos_request latency;
	u32 msg_enable;
	u16 led_nvm;
	u32 led_saved;
	unsigned long flags;
	struct hwl_link link;
	struct hwl_rss rss;
	struct hwl_stats stats;
	struct hwl_wake wake;
	struct work_struct reset_work;
	struct work_struct link_work;
	struct delayed_work tick;
	struct delayed_work linger;
	struct work_struct wake_work;
	u32 ticks;
	u32 phy_hung;
	bool link_mismatch;
	bool irq_raised;
	u8 irq_lost;
	u32 irq_resets;
	u32 missed;
	u32 missed_irqs;
	u32 link_polls;
	u32 write_backs;
	u32 reraised;
	u32 faults;
	u32 resets;
	atomic_t tx_timeouts;
};

/* True if queues must not be woken: going down, or without link. */
static inline bool hwl_tx_wake_blocked(const struct hwl_adapter *ad)
{
	/* If false, the rings that hwl_start() has prepared can be seen. */
	return smp_load_acquire(&ad->flags) &
	       (BIT(HWL_DOWN) | BIT(HWL_TX_WAIT_LINK));
}

static inline bool hwl_is_msix(const struct hwl_adapter *ad)
{
	return ad->irq_mode >= HWL_IRQ_MSIX_SHARED;
}

/* True if there is a data path to restart, or one whose reset has failed. */
static inline bool hwl_reset_possible(const struct hwl_adapter *ad)
{
	return !test_bit(HWL_DOWN, &ad->flags) ||
	       test_bit(HWL_FAILED, &ad->flags);
}

/**
 * hwl_reset_request() - schedule a reset of the data path
 * @ad: the device
 *
 * Context: any.
 * Return: true, unless one is already pending or the device is down.
 */
static inline bool hwl_reset_request(struct hwl_adapter *ad)
{
	if (!hwl_reset_possible(ad) ||
	    test_and_set_bit(HWL_RESET_DUE, &ad->flags))
		return false;
	/* The work may already be queued to report a hang. */
	schedule_work(&ad->reset_work);
	return true;
}

/**
 * hwl_reset_request_irq() - schedule a reset because interrupts do not arrive
 * @ad: the device
 *
 * Context: any.
 * Return: as hwl_reset_request().
 */
static inline bool hwl_reset_request_irq(struct hwl_adapter *ad)
{
	set_bit(HWL_IRQ_DUE, &ad->flags);
	return hwl_reset_request(ad);
}

/**
 * hwl_reset_request_hung() - schedule the report of a Tx hang
 * @ad: the device
 *
 * The health reporter resets the data path, or leaves that to the user. A hang
 * left to the user does not block resets for other reasons, which end it.
 *
 * Context: any.
 * Return: true, unless the hang is known already or the device is down.
 */
static inline bool hwl_reset_request_hung(struct hwl_adapter *ad)
{
	if (test_bit(HWL_DOWN, &ad->flags) ||
	    test_and_set_bit(HWL_TX_HUNG, &ad->flags))
		return false;
	set_bit(HWL_REPORT_DUE, &ad->flags);
	schedule_work(&ad->reset_work);
	return true;
}

/**
 * hwl_link_schedule() - schedule the link work
 * @ad: the device
 *
 * Called after an interrupt, and to update flow control, whose watermarks
 * depend on the maximum frame size.
 *
 * Context: any.
 */
static inline void hwl_link_schedule(struct hwl_adapter *ad)
{
	if (!test_bit(HWL_DOWN, &ad->flags))
		schedule_work(&ad->link_work);
}

#endif /* HWL_H */
