/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hartwell: driver for the Intel 82574L Gigabit Ethernet controller.
 */
#ifndef HWL_H
#define HWL_H

#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/pm_qos.h>
#include <linux/workqueue.h>

#include "hwl_compat.h"
#include "hwl_hw.h"
#include "hwl_link.h"
#include "hwl_queue.h"
#include "hwl_rss.h"
#include "hwl_stats.h"

#define HWL_NAME	"hartwell"
#define HWL_VERSION	"0.1.0"

/* Bits of hwl_adapter.flags. */
enum hwl_flag {
	HWL_DOWN,		/* queues must stay asleep, work must not start */
	HWL_HELD,		/* queues sleep until there is a link */
	HWL_FAILED,		/* down because a reset failed: it is tried again */
	HWL_RESET_DUE,		/* reset_work will restart the data path */
	HWL_IRQ_DUE,		/* ... because interrupts do not come */
	HWL_REPORT_DUE,		/* reset_work will report a hang */
	HWL_HUNG,		/* the transmitter hangs; health reporter or user act */
	HWL_PHY_DIRTY,		/* link.cfg is not in force in the PHY */
};

/* How interrupts reach us. */
enum hwl_irq_mode {
	HWL_IRQ_INTX,		/* one line, one pair */
	HWL_IRQ_MSI,		/* one message, one pair */
	HWL_IRQ_MSIX_SHARED,	/* a vector a pair, one for the rest */
	HWL_IRQ_MSIX_SPLIT,	/* a vector a queue, one for the rest */
};

/**
 * struct hwl_coalesce - interrupt moderation
 * @rx_usecs: shortest time between receive interrupts, microseconds
 * @tx_usecs: the same for transmit
 * @rx_adaptive: it follows the traffic; @rx_usecs does not count then
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
 * @num_pairs: pairs that there were vectors for at probe: they have counters
 * @max_pairs: pairs that there are vectors for
 * @irq_mode: kind of interrupt
 * @other_irq: Linux interrupt number of link and other causes (MSI-X)
 * @other_name: its name
 * @every_wb: transmit interrupts for each write-back, not only for RS
 * @cfg: rings in force, or to be made at the next open
 * @coal: moderation of each pair; rtnl
 * @xdp_prog: XDP program, NULL if there is none; rtnl
 * @vlan_offload: the device strips and inserts tags (CTRL.VME); written under
 *	rtnl, read by transmit
 * @latency: how long a CPU may take out of its sleep; while up
 * @msg_enable: message level
 * @led_nvm: what the LEDs do during an identification; rtnl
 * @led_saved: LEDCTL before it
 * @flags: enum hwl_flag
 * @link: PHY and link
 * @rss: key and table; rtnl
 * @stats: hardware counters
 * @reset_work: resets the data path; takes rtnl
 * @link_work: follows the link; takes no rtnl
 * @tick: periodic look; takes no rtnl
 * @ticks: number of the tick
 * @phy_hung: looks in a row at which the PHY seemed hung
 * @link_doubt: the device and the driver differed on the link at the last look
 * @irq_raised: interrupts were raised at the last tick
 * @irq_lost: times in a row that some of them did not come
 * @irq_resets: resets made of late because interrupts did not come; rtnl
 * @missed: weight of the interrupts missed of late
 * @kicks: polls without an interrupt that the tick has started
 * @link_polls: changes of link that the tick has noticed
 * @write_backs: how often the device was told to write back what it holds
 * @reraised: how often the handler of other causes raised queues' causes again
 * @faults: faults other than hangs that the tick has found
 * @resets: resets made; written under rtnl
 * @tx_timeouts: hung transmitters found
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
	struct pm_qos_request latency;
	u32 msg_enable;
	u16 led_nvm;
	u32 led_saved;
	unsigned long flags;
	struct hwl_link link;
	struct hwl_rss rss;
	struct hwl_stats stats;
	struct work_struct reset_work;
	struct work_struct link_work;
	struct delayed_work tick;
	u32 ticks;
	u32 phy_hung;
	bool link_doubt;
	bool irq_raised;
	u8 irq_lost;
	u32 irq_resets;
	u32 missed;
	u32 kicks;
	u32 link_polls;
	u32 write_backs;
	u32 reraised;
	u32 faults;
	u32 resets;
	atomic_t tx_timeouts;
};

/* Must queues not be woken: on the way down, or without a link? */
static inline bool hwl_asleep(const struct hwl_adapter *ad)
{
	return READ_ONCE(ad->flags) & (BIT(HWL_DOWN) | BIT(HWL_HELD));
}

static inline bool hwl_is_msix(const struct hwl_adapter *ad)
{
	return ad->irq_mode >= HWL_IRQ_MSIX_SHARED;
}

/* Is there a data path to restart? One whose reset has failed, too. */
static inline bool hwl_reset_possible(const struct hwl_adapter *ad)
{
	return !test_bit(HWL_DOWN, &ad->flags) ||
	       test_bit(HWL_FAILED, &ad->flags);
}

/**
 * hwl_reset_request() - have the data path reset soon
 * @ad: the device
 *
 * Context: any.
 * Return: true, unless one was asked for already or the device is down.
 */
static inline bool hwl_reset_request(struct hwl_adapter *ad)
{
	if (!hwl_reset_possible(ad) ||
	    test_and_set_bit(HWL_RESET_DUE, &ad->flags))
		return false;
	/* It may be queued already, to report a hang. */
	schedule_work(&ad->reset_work);
	return true;
}

/**
 * hwl_reset_request_irq() - the same because interrupts do not come
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
 * hwl_reset_request_hung() - have a hang reported
 * @ad: the device
 *
 * The health reporter has the data path reset, or leaves that to the user. A
 * hang that waits for the user is in nobody's way: a reset for another reason is
 * made all the same, and ends it.
 *
 * Context: any.
 * Return: true, unless the hang is known already or the device is down.
 */
static inline bool hwl_reset_request_hung(struct hwl_adapter *ad)
{
	if (test_bit(HWL_DOWN, &ad->flags) ||
	    test_and_set_bit(HWL_HUNG, &ad->flags))
		return false;
	set_bit(HWL_REPORT_DUE, &ad->flags);
	schedule_work(&ad->reset_work);
	return true;
}

/**
 * hwl_link_check() - have the link looked at soon
 * @ad: the device
 *
 * After an interrupt, and after a change of what depends on the link: flow
 * control, whose watermarks follow the largest frame.
 *
 * Context: any.
 */
static inline void hwl_link_check(struct hwl_adapter *ad)
{
	if (!test_bit(HWL_DOWN, &ad->flags))
		schedule_work(&ad->link_work);
}

#endif /* HWL_H */
