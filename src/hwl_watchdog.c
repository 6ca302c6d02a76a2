// SPDX-License-Identifier: GPL-2.0
/*
 * What no interrupt reports: hangs, lost interrupts, counters about to wrap.
 *
 * The tick compares ring indexes, which costs no register access; registers are
 * read only where something is suspect, and where nothing else tells (the
 * receiver every second, the link and the PHY every two).
 *
 * A hung transmitter is found here, within a second and a half, whether or not
 * the stack's queue has filled up; ndo_tx_timeout is the second line.
 */
#include "hwl.h"
#include "hwl_irq.h"
#include "hwl_reset.h"
#include "hwl_rx.h"
#include "hwl_watchdog.h"

/* The tick, and what is done at every so many of them. */
#define HWL_TICK		(HZ / 2)
#define HWL_TICKS_RX		2	/* 1 s */
#define HWL_TICKS_PHY		4	/* 2 s */
#define HWL_TICKS_STATS		60	/* 30 s */

/* Looks in a row without progress: the first may be a lost interrupt. What
 * one report stands for (some descriptors more than HWL_TX_RS_THRESH) takes
 * milliseconds even at 10 Mb/s, so a second without any is long.
 */
#define HWL_STUCK_POLL		1
/* All fetched, nothing reported: the device is given this much longer. */
#define HWL_STUCK_REPORT	8

/* Count a hang, log all that helps to tell its cause, and ask for a reset. */
static void hwl_tx_hung(struct hwl_adapter *ad, struct hwl_txq *txq)
{
	struct hwl_hw *hw = &ad->hw;
	int q = txq->index;

	/* One that is under way counts once. */
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

static void hwl_watch_kick(struct hwl_pair *pair, const char *what)
{
	struct hwl_adapter *ad = pair->ad;

	ad->kicks++;
	if (net_ratelimit())
		netdev_info(ad->netdev, "%s queue %d: no interrupt came, polling\n",
			    what, pair->txq.index);
	hwl_irq_kick(pair);
}

static void hwl_watch_tx(struct hwl_adapter *ad, struct hwl_pair *pair)
{
	struct hwl_txq *txq = &pair->txq;
	struct hwl_hw *hw = &ad->hw;
	u32 cons = READ_ONCE(txq->cons);
	bool waits = cons != READ_ONCE(txq->prod);
	bool waited = txq->waited && cons == txq->seen;

	txq->waited = waits;
	txq->seen = cons;
	/* What came since the last look has had no time yet. */
	if (!waits || !waited) {
		/* The poll found what no interrupt had told of. */
		if (txq->stuck == HWL_STUCK_POLL)
			hwl_irq_every_wb(ad);
		txq->stuck = 0;
		return;
	}

	txq->stuck++;
	/* Nothing is sent without a link; what came late is given up. */
	if (!ad->link.up) {
		hwl_reset_request(ad);
		return;
	}
	if (hwl_rd32(hw, HWL_STATUS) & HWL_STATUS_TXOFF || hwl_gone(hw)) {
		/* Paused by the link partner is not hung. */
		txq->stuck = 0;
		return;
	}
	if (txq->stuck == HWL_STUCK_POLL) {
		hwl_hw_write_back(hw);
		hwl_watch_kick(pair, "tx");
		return;
	}
	if (hwl_rd32(hw, HWL_TDH(txq->index)) ==
	    hwl_rd32(hw, HWL_TDT(txq->index)) &&
	    txq->stuck < HWL_STUCK_REPORT)
		return;
	hwl_tx_hung(ad, txq);
}

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

/* A receiver that is off is as silent as an idle wire. */
static void hwl_watch_receiver(struct hwl_adapter *ad)
{
	u32 rctl = hwl_rd32(&ad->hw, HWL_RCTL);

	if (rctl & HWL_RCTL_EN || hwl_gone(&ad->hw))
		return;
	if (hwl_reset_request(ad) && net_ratelimit())
		netdev_err(ad->netdev, "receiver found off, RCTL %08x; resetting\n",
			   rctl);
}

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
	ad->kicks++;
	netdev_info(ad->netdev, "link: no interrupt came, looking\n");
	hwl_irq_enable(ad);
	hwl_link_check(ad);
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

	if (hwl_gone(&ad->hw)) {
		hwl_link_check(ad);
		return;
	}
	ad->ticks++;
	for (q = 0; q < ad->cfg.pairs; q++) {
		hwl_watch_tx(ad, ad->pair[q]);
		hwl_watch_rx(ad->pair[q]);
	}
	if (ad->ticks % HWL_TICKS_RX == 0)
		hwl_watch_receiver(ad);
	if (ad->ticks % HWL_TICKS_PHY == 0 || ad->link_doubt)
		hwl_watch_link(ad);
	if (ad->ticks % HWL_TICKS_PHY == 0 && hwl_link_phy_hung(ad)) {
		netdev_err(ad->netdev, "PHY hung; resetting\n");
		set_bit(HWL_PHY_DIRTY, &ad->flags);
		hwl_reset_request(ad);
	}
	if (ad->ticks % HWL_TICKS_STATS == 0) {
		hwl_stats_update(ad);
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
	schedule_delayed_work(&ad->tick, HWL_TICK);
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

	/* The stack looks at inactive queues, too. */
	if (txqueue >= ad->cfg.pairs)
		return;
	if (test_bit(HWL_DOWN, &ad->flags) || hwl_gone(&ad->hw))
		return;
	hwl_tx_hung(ad, &ad->pair[txqueue]->txq);
}
