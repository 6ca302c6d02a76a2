// SPDX-License-Identifier: GPL-2.0
/*
 * Watchdog: detect Tx hangs, missed interrupts and registers changed by others.
 *
 * The tick compares ring indexes, which needs no register access, and raises
 * all interrupts every two seconds to verify their delivery. Once a second it
 * reads one of a few registers in turn, to detect changes the driver did not
 * make; every two seconds it checks link and PHY. Other registers are read only
 * if something is suspect.
 *
 * A Tx hang is detected here, within 1.5 s at 1000 Mb/s, whether or not the
 * netdev Tx queue is stopped. ndo_tx_timeout is the fallback and applies the
 * same rule.
 */
#include "hwl.h"
#include "hwl_irq.h"
#include "hwl_phy.h"
#include "hwl_reset.h"
#include "hwl_rx.h"
#include "hwl_stamp.h"
#include "hwl_tx.h"
#include "hwl_watchdog.h"

/* Period of the tick, and of its checks in ticks. */
#define HWL_TICK		(HZ / 2)
#define HWL_TICKS_REGISTER	2	/* 1 s */
#define HWL_TICKS_RESCUE	4	/* 2 s */
#define HWL_TICKS_STATS		60	/* 30 s */

/* Interval of recovery attempts: device not responding, or reset failed. */
#define HWL_TICK_REMOVED	(2 * HZ)
#define HWL_TICK_FAILED		(5 * HZ)

/* Consecutive checks without progress: the first may be a missed interrupt. The
 * descriptors completed by one write-back (a few more than HWL_TX_RS_THRESH)
 * take milliseconds even at 10 Mb/s, so a second without one is long; but
 * collisions and pause frames add to that. The factors are those of e1000e.
 */
#define HWL_STUCK_POLL		1
#define HWL_STUCK_HUNG		2
#define HWL_STUCK_FACTOR_100	10
#define HWL_STUCK_FACTOR_10	16
/* All fetched, none written back (TDH == TDT): one more, for the write-back that
 * HWL_STUCK_POLL has asked for.
 */
#define HWL_STUCK_REPORT	3

/* Leaky bucket: each missed interrupt adds the weight, each tick removes one.
 * One a second for half a minute reaches the limit.
 */
#define HWL_MISSED_WEIGHT	3
#define HWL_MISSED_LIMIT	30

/* Raised interrupts that fail to arrive so often in a row are broken. Fewer may be
 * the hypervisor's doing, if it does not run the CPU that takes them.
 */
#define HWL_IRQ_LOST_MAX	3

/* Limit of resets for broken interrupts; the count drops by one every 30 s. */
#define HWL_IRQ_RESETS_MAX	5

/* ---- Transmit ---- */

/* State of a Tx queue that has packets pending but makes no progress. */
enum hwl_tx_state {
	HWL_TX_DONE,		/* DD is set, but the poll has not run */
	HWL_TX_PAUSED,		/* by the link partner; or device removed */
	HWL_TX_STALLED,
};

/* Used by both the tick and ndo_tx_timeout. */
static enum hwl_tx_state hwl_watch_tx_state(struct hwl_txq *txq)
{
	if (hwl_txq_done(txq))
		return HWL_TX_DONE;
	return hwl_hw_tx_paused(&txq->ad->hw) ? HWL_TX_PAUSED : HWL_TX_STALLED;
}

/* Ticks without progress after which a stalled queue is hung. */
static u32 hwl_watch_tx_limit(const struct hwl_adapter *ad)
{
	if (ad->link.speed == SPEED_1000)
		return HWL_STUCK_HUNG;
	if (ad->link.speed == SPEED_100 && ad->link.duplex == DUPLEX_FULL)
		return HWL_STUCK_HUNG * HWL_STUCK_FACTOR_100;
	return HWL_STUCK_HUNG * HWL_STUCK_FACTOR_10;
}

/* Count a hang, log what helps to find its cause, and request its report. */
static void hwl_tx_hung(struct hwl_adapter *ad, struct hwl_txq *txq)
{
	struct hwl_hw *hw = &ad->hw;
	int q = txq->index;

	/* Count a hang once, even if its recovery is left to the user. */
	if (!hwl_reset_request_hung(ad))
		return;
	atomic_inc(&ad->tx_timeouts);
	netdev_err(ad->netdev,
		   "tx queue %d hung: head %u tail %u, %u pending, next to clean %u, TCTL %08x STATUS %08x IMS %08x; resetting\n",
		   q, hwl_rd32(hw, HWL_TDH(q)), hwl_rd32(hw, HWL_TDT(q)),
		   hwl_ring_used(READ_ONCE(txq->prod), READ_ONCE(txq->cons)),
		   READ_ONCE(txq->cslot), hwl_rd32(hw, HWL_TCTL),
		   hwl_rd32(hw, HWL_STATUS), hwl_rd32(hw, HWL_IMS));
}

/* Poll after a missed interrupt. Return: false if NAPI is already scheduled. */
static bool hwl_watch_missed_irq(struct hwl_pair *pair, const char *what)
{
	struct hwl_adapter *ad = pair->ad;

	if (!hwl_pair_schedule(pair))
		return false;
	ad->missed_irqs++;
	ad->missed += HWL_MISSED_WEIGHT;
	if (net_ratelimit())
		netdev_info(ad->netdev, "%s queue %d: missed interrupt, polling\n",
			    what, pair->txq.index);
	return true;
}

static void hwl_watch_write_back(struct hwl_adapter *ad)
{
	ad->write_backs++;
	hwl_hw_write_back(&ad->hw);
}

/* No write-back since the previous check. */
static void hwl_watch_tx_stalled(struct hwl_adapter *ad, struct hwl_pair *pair)
{
	struct hwl_txq *txq = &pair->txq;
	u32 limit = hwl_watch_tx_limit(ad);

	if (txq->stuck == HWL_STUCK_POLL) {
		hwl_watch_write_back(ad);
		hwl_pair_schedule(pair);
	}
	if (txq->stuck >= limit &&
	    hwl_rd32(&ad->hw, HWL_TDH(txq->index)) ==
	    hwl_rd32(&ad->hw, HWL_TDT(txq->index)))
		limit = max_t(u32, limit, HWL_STUCK_REPORT);
	if (txq->stuck >= limit)
		hwl_tx_hung(ad, txq);
	else
		/* Below the limit: keep the stack's watchdog from firing. */
		txq_trans_cond_update(txq->nq);
}

static void hwl_watch_tx(struct hwl_adapter *ad, struct hwl_pair *pair)
{
	struct hwl_txq *txq = &pair->txq;
	u32 cons = READ_ONCE(txq->cons);
	bool waits = cons != READ_ONCE(txq->prod);
	bool waited = txq->waited && cons == txq->seen;

	txq->waited = waits;
	txq->seen = cons;
	/* Not stalled: idle, newly queued, or progress since the last tick. */
	if (!waits || !waited) {
		txq->stuck = 0;
		return;
	}

	txq->stuck++;
	/* Nothing is sent without link: the reset drops late packets. */
	if (!ad->link.up) {
		hwl_reset_request(ad);
		return;
	}
	switch (hwl_watch_tx_state(txq)) {
	case HWL_TX_DONE:
		txq->stuck = 0;
		txq_trans_cond_update(txq->nq);
		if (hwl_watch_missed_irq(pair, "tx"))
			hwl_irq_every_wb(ad);
		break;
	case HWL_TX_PAUSED:
		txq->stuck = 0;
		txq_trans_cond_update(txq->nq);
		break;
	case HWL_TX_STALLED:
		hwl_watch_tx_stalled(ad, pair);
		break;
	}
}

/* ---- Receive and interrupts ---- */

/* A frame pending since the previous check means a missed interrupt. */
static void hwl_watch_rx(struct hwl_pair *pair)
{
	struct hwl_rxq *rxq = &pair->rxq;
	u32 cons = READ_ONCE(rxq->cons);
	bool waits = hwl_rxq_pending(rxq);

	if (waits && rxq->waited && cons == rxq->seen)
		hwl_watch_missed_irq(pair, "rx");
	rxq->waited = waits;
	rxq->seen = cons;
}

static void hwl_watch_irqs_broken(struct hwl_adapter *ad)
{
	struct hwl_hw *hw = &ad->hw;

	/* Resets have not helped: rely on polling, and retry occasionally. */
	if (READ_ONCE(ad->irq_resets) >= HWL_IRQ_RESETS_MAX ||
	    !hwl_reset_request_irq(ad))
		return;
	ad->faults++;
	netdev_err(ad->netdev, "interrupts do not arrive, IMS %08x IVAR %08x EIAC %08x; resetting\n",
		   hwl_rd32(hw, HWL_IMS), hwl_rd32(hw, HWL_IVAR),
		   hwl_rd32(hw, HWL_EIAC));
}

/*
 * Every two seconds raise the interrupts of all queues and flush descriptors
 * that wait for write-back: silicon may hold a frame with no trace in memory,
 * and e1000e does the same. Interrupts are considered broken, not just missed,
 * if they fail to arrive HWL_IRQ_LOST_MAX times in a row after being raised, or if
 * too many were missed lately.
 */
static void hwl_watch_irqs(struct hwl_adapter *ad)
{
	bool lost = false;
	u32 q;

	for (q = 0; ad->irq_raised && q < ad->cfg.pairs; q++) {
		if (!hwl_irq_lost(ad->pair[q]))
			continue;
		lost = true;
		hwl_watch_missed_irq(ad->pair[q], "rx/tx");
	}
	if (ad->irq_raised)
		ad->irq_lost = lost ? ad->irq_lost + 1 : 0;
	if (ad->irq_lost >= HWL_IRQ_LOST_MAX || ad->missed >= HWL_MISSED_LIMIT) {
		hwl_watch_irqs_broken(ad);
		lost = false;
		ad->irq_lost = 0;
		ad->missed = 0;
	}
	if (ad->missed)
		ad->missed--;

	ad->irq_raised = lost || ad->ticks % HWL_TICKS_RESCUE == 0;
	if (ad->irq_raised)
		hwl_irq_raise(ad);
	if (ad->ticks % HWL_TICKS_RESCUE == 0)
		hwl_watch_write_back(ad);
}

/* ---- Registers that others may have changed ---- */

static bool hwl_watch_rctl(struct hwl_adapter *ad, u32 *val)
{
	*val = hwl_rd32(&ad->hw, HWL_RCTL);
	return *val & HWL_RCTL_EN;
}

/* A receiver without its address looks like a disabled one. */
static bool hwl_watch_rah(struct hwl_adapter *ad, u32 *val)
{
	u32 want;

	netif_addr_lock_bh(ad->netdev);
	want = upper_32_bits(ad->hw.rar[0]);
	*val = hwl_rd32(&ad->hw, HWL_RAH(0));
	netif_addr_unlock_bh(ad->netdev);
	return !((*val ^ want) & (HWL_RAH_AV | HWL_RAH_ADDR));
}

/* The expected tail is known only while no poll runs. */
static bool hwl_watch_rdt(struct hwl_adapter *ad, u32 q, u32 *val)
{
	struct hwl_pair *pair = ad->pair[q];
	struct hwl_rxq *rxq = &pair->rxq;
	u32 prod = READ_ONCE(rxq->prod), slot = READ_ONCE(rxq->slot);
	/* Refilled descriptors are not passed to the device until a batch is full. */
	u32 held = prod - READ_ONCE(rxq->kicked);
	bool polls;

	polls = test_bit(NAPI_STATE_SCHED, &pair->napi.state);
	*val = hwl_rd32(&ad->hw, HWL_RDT(q));
	polls |= test_bit(NAPI_STATE_SCHED, &pair->napi.state);
	if (slot < held)
		slot += rxq->ring.count;
	return polls || READ_ONCE(rxq->prod) != prod || *val == slot - held;
}

static bool hwl_watch_rdt0(struct hwl_adapter *ad, u32 *val)
{
	return hwl_watch_rdt(ad, 0, val);
}

static bool hwl_watch_rdt1(struct hwl_adapter *ad, u32 *val)
{
	return ad->cfg.pairs < 2 || hwl_watch_rdt(ad, 1, val);
}

/* Checked in turn, each every 4 s. Together they also detect a foreign reset. */
static const struct {
	bool (*ok)(struct hwl_adapter *ad, u32 *val);
	const char *what;
} hwl_watched[] = {
	{ hwl_watch_rctl, "receiver found disabled, RCTL" },
	{ hwl_watch_rdt0, "receive ring 0 found without buffers, RDT" },
	{ hwl_watch_rah, "station address found invalid, RAH" },
	{ hwl_watch_rdt1, "receive ring 1 found without buffers, RDT" },
};

static void hwl_watch_register(struct hwl_adapter *ad)
{
	u32 i = ad->ticks / HWL_TICKS_REGISTER % ARRAY_SIZE(hwl_watched);
	u32 val = 0;

	if (hwl_watched[i].ok(ad, &val) || hwl_removed(&ad->hw))
		return;
	if (!hwl_reset_request(ad))
		return;
	ad->faults++;
	netdev_err(ad->netdev, "%s %08x; resetting\n", hwl_watched[i].what, val);
}

/* ---- Link and PHY ---- */

/* Detect a link change without LSC: reads of ICR can lose causes. The first
 * mismatch may be one that the link work is about to process.
 */
static void hwl_watch_link(struct hwl_adapter *ad)
{
	bool up = hwl_rd32(&ad->hw, HWL_STATUS) & HWL_STATUS_LU;
	bool mismatch = ad->link_mismatch;

	ad->link_mismatch = !hwl_removed(&ad->hw) && up != ad->link.up;
	if (ad->link.pause_unknown)
		hwl_link_schedule(ad);
	if (!ad->link_mismatch || !mismatch)
		return;
	ad->link_polls++;
	ad->missed += HWL_MISSED_WEIGHT;
	netdev_info(ad->netdev, "link: missed interrupt, checking\n");
	hwl_irq_enable(ad);
	hwl_link_schedule(ad);
}

static void hwl_watch_phy(struct hwl_adapter *ad)
{
	if (!hwl_link_phy_hung(ad))
		return;
	netdev_err(ad->netdev, "PHY hung; resetting\n");
	set_bit(HWL_PHY_DIRTY, &ad->flags);
	hwl_reset_request(ad);
}

/* ---- Tick ---- */

/* The device is not responding, or its reset has failed. It may recover until
 * the PCI core removes it.
 */
static void hwl_watch_broken(struct hwl_adapter *ad)
{
	bool removed = hwl_removed(&ad->hw);

	/* Turn the carrier off. */
	hwl_link_schedule(ad);
	if (!pci_channel_offline(ad->pdev) && pci_device_is_present(ad->pdev) &&
	    hwl_io_recheck(&ad->hw)) {
		if (removed)
			netdev_warn(ad->netdev, "device answers again; resetting\n");
		hwl_reset_request(ad);
	}
	hwl_watchdog_retry(ad);
}

/**
 * hwl_watchdog_tick() - run the periodic checks
 * @work: tick of the device
 *
 * Context: process; rtnl not held.
 */
void hwl_watchdog_tick(struct work_struct *work)
{
	struct hwl_adapter *ad = container_of(to_delayed_work(work),
					      struct hwl_adapter, tick);
	u32 q;

	if (hwl_removed(&ad->hw) || test_bit(HWL_FAILED, &ad->flags)) {
		hwl_watch_broken(ad);
		return;
	}
	ad->ticks++;
	for (q = 0; q < ad->cfg.pairs; q++) {
		hwl_watch_tx(ad, ad->pair[q]);
		hwl_watch_rx(ad->pair[q]);
	}
	/* Further findings would have the same cause. */
	if (READ_ONCE(ad->flags) & (BIT(HWL_RESET_DUE) | BIT(HWL_REPORT_DUE))) {
		schedule_delayed_work(&ad->tick, HWL_TICK);
		return;
	}
	hwl_watch_irqs(ad);
	if (ad->ticks % HWL_TICKS_REGISTER == 1)
		hwl_watch_register(ad);
	if (ad->ticks % HWL_TICKS_REGISTER == 0)
		hwl_stamp_watch(ad);
	if (ad->ticks % HWL_TICKS_RESCUE == 0 || ad->link_mismatch)
		hwl_watch_link(ad);
	if (ad->ticks % HWL_TICKS_RESCUE == 0)
		hwl_watch_phy(ad);
	if (ad->ticks % HWL_TICKS_STATS == 0) {
		hwl_stats_update(ad);
		if (ad->irq_resets)
			WRITE_ONCE(ad->irq_resets, ad->irq_resets - 1);
		/* The PHY did not respond during set-up, or firmware had vetoed it.
		 * With a link, that waits for the next reset.
		 */
		if (test_bit(HWL_PHY_DIRTY, &ad->flags) && !ad->link.up &&
		    !hwl_phy_vetoed(&ad->hw))
			hwl_reset_request(ad);
	}
	schedule_delayed_work(&ad->tick, HWL_TICK);
}

/**
 * hwl_watchdog_start() - start the watchdog
 * @ad: the device; up
 *
 * Context: process, rtnl held.
 */
void hwl_watchdog_start(struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		ad->pair[q]->txq.waited = false;
		ad->pair[q]->rxq.waited = false;
	}
	ad->phy_hung = 0;
	ad->link_mismatch = false;
	ad->irq_raised = false;
	ad->irq_lost = 0;
	schedule_delayed_work(&ad->tick, HWL_TICK);
}

/**
 * hwl_watchdog_retry() - schedule the next recovery attempt
 * @ad: the device; removed, or its reset has failed
 *
 * Context: process.
 */
void hwl_watchdog_retry(struct hwl_adapter *ad)
{
	schedule_delayed_work(&ad->tick, hwl_removed(&ad->hw) ? HWL_TICK_REMOVED :
							     HWL_TICK_FAILED);
}

/**
 * hwl_watchdog_stop() - stop the watchdog
 * @ad: the device
 *
 * Context: process, rtnl held.
 */
void hwl_watchdog_stop(struct hwl_adapter *ad)
{
	cancel_delayed_work_sync(&ad->tick);
}

/**
 * hwl_watchdog_tx_timeout() - ndo_tx_timeout
 * @netdev: interface
 * @txqueue: queue that was stopped for too long
 *
 * Context: timer; all queues frozen. The reset sleeps, so it is deferred.
 */
void hwl_watchdog_tx_timeout(struct net_device *netdev, unsigned int txqueue)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_pair *pair;

	/* The stack checks inactive queues, too. */
	if (txqueue >= ad->cfg.pairs)
		return;
	pair = ad->pair[txqueue];
	if (test_bit(HWL_DOWN, &ad->flags) || hwl_removed(&ad->hw))
		return;
	switch (hwl_watch_tx_state(&pair->txq)) {
	case HWL_TX_DONE:
		hwl_pair_schedule(pair);
		break;
	case HWL_TX_PAUSED:
		break;
	case HWL_TX_STALLED:
		hwl_tx_hung(ad, &pair->txq);
		break;
	}
}
