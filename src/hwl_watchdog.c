// SPDX-License-Identifier: GPL-2.0
/*
 * What no interrupt reports: hangs, lost interrupts, faults that others made.
 *
 * The tick compares ring indexes, which costs no register access, and has all
 * interrupts come every two seconds, which shows that they do. It reads one
 * register a second in turn, to find what a foreign hand has changed; others
 * where something is suspect, and link and PHY every two seconds.
 *
 * A hung transmitter is found here, at 1000 Mb/s within a second and a half,
 * whether or not the stack's queue has filled up; ndo_tx_timeout is the second
 * line and goes by the same rule.
 */
#include "hwl.h"
#include "hwl_irq.h"
#include "hwl_reset.h"
#include "hwl_rx.h"
#include "hwl_tx.h"
#include "hwl_watchdog.h"

/* The tick, and what is done at every so many of them. */
#define HWL_TICK		(HZ / 2)
#define HWL_TICKS_REGISTER	2	/* 1 s */
#define HWL_TICKS_RESCUE	4	/* 2 s */
#define HWL_TICKS_STATS		60	/* 30 s */

/* Between attempts to take a device back: one that did not answer, and one
 * whose reset failed.
 */
#define HWL_TICK_GONE		(2 * HZ)
#define HWL_TICK_FAILED		(30 * HZ)

/* Looks in a row without progress: the first may be a lost interrupt. What
 * one report stands for (some descriptors more than HWL_TX_RS_THRESH) takes
 * milliseconds even at 10 Mb/s, so a second without any is long; but collisions
 * and pauses stretch that, and Linux's e1000e has these factors.
 */
#define HWL_STUCK_POLL		1
#define HWL_STUCK_HUNG		2
#define HWL_STUCK_FACTOR_100	10
#define HWL_STUCK_FACTOR_10	16
/* All fetched, nothing reported: the device is given at least this much. */
#define HWL_STUCK_REPORT	8

/* Each interrupt missed weighs so much, each tick takes one off. One a second
 * for half a minute is too many.
 */
#define HWL_MISSED_WEIGHT	3
#define HWL_MISSED_LIMIT	30

/* Raised interrupts that fail to come so often in a row are broken. Fewer may be
 * the hypervisor's doing, when it does not run the processor that takes them.
 */
#define HWL_IRQ_LOST_MAX	3

/* Resets for broken interrupts in a row; one is forgotten every 30 s. */
#define HWL_IRQ_RESETS_MAX	5

/* ---- Transmit ---- */

/* Why does a transmit queue with packets make no progress? */
enum hwl_tx_state {
	HWL_TX_DONE,		/* the device has finished, the poll has not run */
	HWL_TX_PAUSED,		/* by the link partner; or the device is gone */
	HWL_TX_STALLED,
};

/* The one rule, for the tick and for ndo_tx_timeout. */
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

/* Count a hang, log all that helps to tell its cause, and have it reported. */
static void hwl_tx_hung(struct hwl_adapter *ad, struct hwl_txq *txq)
{
	struct hwl_hw *hw = &ad->hw;
	int q = txq->index;

	/* One that is under way, or left to the user, counts once. */
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

/* An interrupt did not come. Return: false where the pair polls already. */
static bool hwl_watch_kick(struct hwl_pair *pair, const char *what)
{
	struct hwl_adapter *ad = pair->ad;

	if (!hwl_irq_kick(pair))
		return false;
	ad->kicks++;
	ad->missed += HWL_MISSED_WEIGHT;
	if (net_ratelimit())
		netdev_info(ad->netdev, "%s queue %d: no interrupt came, polling\n",
			    what, pair->txq.index);
	return true;
}

static void hwl_watch_write_back(struct hwl_adapter *ad)
{
	ad->write_backs++;
	hwl_hw_write_back(&ad->hw);
}

/* Packets that no report came for at the last look, either. */
static void hwl_watch_tx_stalled(struct hwl_adapter *ad, struct hwl_pair *pair)
{
	struct hwl_txq *txq = &pair->txq;
	u32 limit = hwl_watch_tx_limit(ad);

	if (txq->stuck == HWL_STUCK_POLL) {
		hwl_watch_write_back(ad);
		hwl_irq_kick(pair);
	}
	if (txq->stuck >= limit &&
	    hwl_rd32(&ad->hw, HWL_TDH(txq->index)) ==
	    hwl_rd32(&ad->hw, HWL_TDT(txq->index)))
		limit = max_t(u32, limit, HWL_STUCK_REPORT);
	if (txq->stuck >= limit)
		hwl_tx_hung(ad, txq);
	else
		/* Not yet, for the stack's watchdog either. */
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
	/* What came since the last look has had no time yet. */
	if (!waits || !waited) {
		txq->stuck = 0;
		return;
	}

	txq->stuck++;
	/* Nothing is sent without a link; what came late is given up. */
	if (!ad->link.up) {
		hwl_reset_request(ad);
		return;
	}
	switch (hwl_watch_tx_state(txq)) {
	case HWL_TX_DONE:
		txq->stuck = 0;
		txq_trans_cond_update(txq->nq);
		if (hwl_watch_kick(pair, "tx"))
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

/* A frame that waited at the last look already: its interrupt was lost. */
static void hwl_watch_rx(struct hwl_pair *pair)
{
	struct hwl_rxq *rxq = &pair->rxq;
	u32 cons = READ_ONCE(rxq->cons);
	bool waits = hwl_rxq_pending(rxq);

	if (waits && rxq->waited && cons == rxq->seen)
		hwl_watch_kick(pair, "rx");
	rxq->waited = waits;
	rxq->seen = cons;
}

static void hwl_watch_irqs_broken(struct hwl_adapter *ad)
{
	struct hwl_hw *hw = &ad->hw;

	/* Nothing has helped: polls carry on, and it is tried now and then. */
	if (READ_ONCE(ad->irq_resets) >= HWL_IRQ_RESETS_MAX ||
	    !hwl_reset_request_irq(ad))
		return;
	ad->faults++;
	netdev_err(ad->netdev, "interrupts do not arrive, IMS %08x IVAR %08x EIAC %08x; resetting\n",
		   hwl_rd32(hw, HWL_IMS), hwl_rd32(hw, HWL_IVAR),
		   hwl_rd32(hw, HWL_EIAC));
}

/*
 * Every two seconds all queues' interrupts are raised, and the device is told
 * to write back what it holds: silicon may sit on a frame without a trace in
 * memory, so Linux's e1000e does the same. Interrupts that do not come although
 * they were raised, HWL_IRQ_LOST_MAX times in a row, are not lost but broken, as
 * they are where polls had to stand in for too many.
 */
static void hwl_watch_irqs(struct hwl_adapter *ad)
{
	bool lost = false;
	u32 q;

	for (q = 0; ad->irq_raised && q < ad->cfg.pairs; q++) {
		if (!hwl_irq_lost(ad->pair[q]))
			continue;
		lost = true;
		hwl_watch_kick(ad->pair[q], "rx/tx");
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

/* A receiver without its address is as silent as one that is off. */
static bool hwl_watch_rah(struct hwl_adapter *ad, u32 *val)
{
	u32 want;

	netif_addr_lock_bh(ad->netdev);
	want = upper_32_bits(ad->hw.rar[0]);
	*val = hwl_rd32(&ad->hw, HWL_RAH(0));
	netif_addr_unlock_bh(ad->netdev);
	return !((*val ^ want) & (HWL_RAH_AV | HWL_RAH_ADDR));
}

/* Only while no poll runs is it certain what the tail should be. */
static bool hwl_watch_rdt(struct hwl_adapter *ad, u32 q, u32 *val)
{
	struct hwl_pair *pair = ad->pair[q];
	struct hwl_rxq *rxq = &pair->rxq;
	u32 prod = READ_ONCE(rxq->prod), slot = READ_ONCE(rxq->slot);
	/* Buffers that were posted again wait for a batch. */
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

/* In turn, each within 4 s: together they show a reset by somebody else, too. */
static const struct {
	bool (*ok)(struct hwl_adapter *ad, u32 *val);
	const char *what;
} hwl_watched[] = {
	{ hwl_watch_rctl, "receiver found off, RCTL" },
	{ hwl_watch_rdt0, "receive ring 0 found without buffers, RDT" },
	{ hwl_watch_rah, "station address found lost, RAH" },
	{ hwl_watch_rdt1, "receive ring 1 found without buffers, RDT" },
};

static void hwl_watch_register(struct hwl_adapter *ad)
{
	u32 i = ad->ticks / HWL_TICKS_REGISTER % ARRAY_SIZE(hwl_watched);
	u32 val = 0;

	if (hwl_watched[i].ok(ad, &val) || hwl_gone(&ad->hw))
		return;
	if (!hwl_reset_request(ad))
		return;
	ad->faults++;
	netdev_err(ad->netdev, "%s %08x; resetting\n", hwl_watched[i].what, val);
}

/* ---- Link and PHY ---- */

/* A change of link that nobody was told of: reads of ICR can lose causes. At the
 * first sight of one the link work may just be about to see it.
 */
static void hwl_watch_link(struct hwl_adapter *ad)
{
	bool up = hwl_rd32(&ad->hw, HWL_STATUS) & HWL_STATUS_LU;
	bool doubt = ad->link_doubt;

	ad->link_doubt = !hwl_gone(&ad->hw) && up != ad->link.up;
	if (!ad->link_doubt || !doubt)
		return;
	ad->link_polls++;
	ad->missed += HWL_MISSED_WEIGHT;
	netdev_info(ad->netdev, "link: no interrupt came, looking\n");
	hwl_irq_enable(ad);
	hwl_link_check(ad);
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

/* The device does not answer, or its reset has failed. As long as the PCI core
 * has not removed it, it may come back.
 */
static void hwl_watch_broken(struct hwl_adapter *ad)
{
	bool gone = hwl_gone(&ad->hw);

	/* The carrier goes. */
	hwl_link_check(ad);
	if (!pci_channel_offline(ad->pdev) && pci_device_is_present(ad->pdev) &&
	    hwl_io_retry(&ad->hw)) {
		if (gone)
			netdev_warn(ad->netdev, "device answers again; resetting\n");
		hwl_reset_request(ad);
	}
	hwl_watchdog_retry(ad);
}

/**
 * hwl_watchdog_tick() - the periodic look
 * @work: tick of the device
 *
 * Context: process; rtnl not held.
 */
void hwl_watchdog_tick(struct work_struct *work)
{
	struct hwl_adapter *ad = container_of(to_delayed_work(work),
					      struct hwl_adapter, tick);
	u32 q;

	if (hwl_gone(&ad->hw) || test_bit(HWL_FAILED, &ad->flags)) {
		hwl_watch_broken(ad);
		return;
	}
	ad->ticks++;
	for (q = 0; q < ad->cfg.pairs; q++) {
		hwl_watch_tx(ad, ad->pair[q]);
		hwl_watch_rx(ad->pair[q]);
	}
	/* What else there is to find would have the same cause. */
	if (READ_ONCE(ad->flags) & (BIT(HWL_RESET_DUE) | BIT(HWL_REPORT_DUE))) {
		schedule_delayed_work(&ad->tick, HWL_TICK);
		return;
	}
	hwl_watch_irqs(ad);
	if (ad->ticks % HWL_TICKS_REGISTER == 1)
		hwl_watch_register(ad);
	if (ad->ticks % HWL_TICKS_RESCUE == 0 || ad->link_doubt)
		hwl_watch_link(ad);
	if (ad->ticks % HWL_TICKS_RESCUE == 0)
		hwl_watch_phy(ad);
	if (ad->ticks % HWL_TICKS_STATS == 0) {
		hwl_stats_update(ad);
		if (ad->irq_resets)
			WRITE_ONCE(ad->irq_resets, ad->irq_resets - 1);
		/* The PHY did not answer when it was set up. */
		if (test_bit(HWL_PHY_DIRTY, &ad->flags))
			hwl_reset_request(ad);
	}
	schedule_delayed_work(&ad->tick, HWL_TICK);
}

/**
 * hwl_watchdog_start() - start to look
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
	ad->link_doubt = false;
	ad->irq_raised = false;
	ad->irq_lost = 0;
	schedule_delayed_work(&ad->tick, HWL_TICK);
}

/**
 * hwl_watchdog_retry() - look later whether a broken device has come back
 * @ad: the device; gone, or its reset has failed
 *
 * Context: process.
 */
void hwl_watchdog_retry(struct hwl_adapter *ad)
{
	schedule_delayed_work(&ad->tick, hwl_gone(&ad->hw) ? HWL_TICK_GONE :
							     HWL_TICK_FAILED);
}

/**
 * hwl_watchdog_stop() - stop to look
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

	/* The stack looks at inactive queues, too. */
	if (txqueue >= ad->cfg.pairs)
		return;
	pair = ad->pair[txqueue];
	if (test_bit(HWL_DOWN, &ad->flags) || hwl_gone(&ad->hw))
		return;
	switch (hwl_watch_tx_state(&pair->txq)) {
	case HWL_TX_DONE:
		hwl_irq_kick(pair);
		break;
	case HWL_TX_PAUSED:
		break;
	case HWL_TX_STALLED:
		hwl_tx_hung(ad, &pair->txq);
		break;
	}
}
