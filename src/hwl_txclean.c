// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit completion: the one for every source of frames.
 *
 * Reclaims under NAPI what the device has written back, and wakes the queue; the
 * producer is in hwl_tx.c.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>
#include <net/netdev_queues.h>

#include "hwl.h"
#include "hwl_trace.h"
#include "hwl_tx.h"
#include "hwl_txfill.h"
#include "hwl_xdp.h"
#include "hwl_xsk.h"

static bool hwl_tx_desc_done(const struct hwl_txq *txq, u32 slot)
{
	return le32_to_cpu(READ_ONCE(txq->ring.desc[slot].upper)) & HWL_TXD_UP_DD;
}

/**
 * hwl_txq_done() - has the device finished what the poll has not reclaimed?
 * @txq: the queue
 *
 * For the watchdog: a late poll is not a hung device.
 *
 * Context: any; the queue is up. Races with NAPI, so it is a hint only.
 * Return: true if DD is set in the next descriptor with RS.
 */
bool hwl_txq_done(const struct hwl_txq *txq)
{
	u32 slot = READ_ONCE(txq->cslot);
	/* Pairs with the release in hwl_txq_set_rs(). */
	u32 rs_prod = smp_load_acquire(&txq->rs_prod);

	return rs_prod != READ_ONCE(txq->cons) &&
	       hwl_tx_desc_done(txq, READ_ONCE(txq->ring.buf[slot].rs_slot));
}

/* Unmap a packet and step over it. Return: the slot behind it. */
static u32 hwl_tx_release(struct hwl_txq *txq, u32 slot, u32 ndesc)
{
	while (ndesc--) {
		hwl_tx_unmap(txq->dev, &txq->ring.buf[slot]);
		slot = hwl_ring_next(slot, txq->ring.count);
	}
	return slot;
}

/* What a reclaim has come by. */
struct hwl_tx_done {
	u32 packets;
	u32 bytes;
	u32 skbs;
	u32 skb_bytes;		/* for BQL, in which the stack's alone are */
	u32 tso_packets;
	u32 tso_bytes;
	u32 xsk;		/* frames of user space */
};

/*
 * Free the owner of an XDP frame. @bulk: of the poll, which recycles pages into the
 * cache of the pool; NULL elsewhere.
 */
static noinline void hwl_tx_free_frame(struct hwl_txq *txq,
				       const struct hwl_tx_buf *first,
				       struct xdp_frame_bulk *bulk)
{
	struct hwl_pair *pair = container_of(txq, struct hwl_pair, txq);

	switch (first->type) {
	case HWL_TX_PAGES:
		hwl_xdp_free(&pair->rxq, first->frame, bulk);
		break;
	case HWL_TX_FRAME:
		if (bulk)
			xdp_return_frame_bulk(first->frame, bulk);
		else
			xdp_return_frame(first->frame);
		break;
	default:
		break;
	}
}

/* Count frames of user space, to be completed in one go; a stamp holds what follows. */
static void hwl_tx_xsk_done(struct hwl_txq *txq, const struct hwl_tx_buf *first,
			    u32 *frames)
{
	if (unlikely(first->type == HWL_TX_XSK_STAMP)) {
		hwl_xsk_hold(txq, *frames);
		*frames = 0;
	}
	*frames += first->frames;
}

/*
 * Reclaim what the device has written back. Without @frames, of netpoll, whose
 * context no page pool may be used in, it ends at the first XDP frame with memory
 * of its own.
 */
static void hwl_txq_reclaim(struct hwl_txq *txq, int budget, bool frames,
			    struct hwl_tx_done *done)
{
	/* Pairs with the release in hwl_txq_set_rs(). */
	u32 rs_prod = smp_load_acquire(&txq->rs_prod);
	struct xdp_frame_bulk bulk;
	u32 slot = txq->cslot;
	u32 cons = txq->cons;

	xdp_frame_bulk_init(&bulk);
	/* For the frames' memory models. */
	rcu_read_lock();
	while (cons != rs_prod) {
		u32 rs_slot = txq->ring.buf[slot].rs_slot;
		u32 end = hwl_ring_next(rs_slot, txq->ring.count);

		if (!hwl_tx_desc_done(txq, rs_slot))
			break;
		/* DD before all that depends on the device's being done. */
		dma_rmb();
		while (slot != end) {
			struct hwl_tx_buf *first = &txq->ring.buf[slot];

			if (unlikely(!frames && first->type > HWL_TX_COPIED)) {
				/* The next reclaim begins here. */
				first->rs_slot = rs_slot;
				goto out;
			}
			done->packets += first->segs;
			done->bytes += first->bytes;
			if (first->segs > 1) {
				done->tso_packets++;
				done->tso_bytes += first->bytes;
			}
			cons += first->ndesc;
			if (likely(first->type == HWL_TX_SKB)) {
				prefetchw(&first->skb->users);
				done->skbs++;
				done->skb_bytes += first->bytes;
				slot = hwl_tx_release(txq, slot, first->ndesc);
				napi_consume_skb(first->skb, budget);
			} else {
				slot = hwl_tx_release(txq, slot, first->ndesc);
				if (first->type >= HWL_TX_XSK)
					hwl_tx_xsk_done(txq, first, &done->xsk);
				else
					hwl_tx_free_frame(txq, first,
							  budget ? &bulk : NULL);
			}
		}
	}
out:
	xdp_flush_frame_bulk(&bulk);
	rcu_read_unlock();
	if (cons == txq->cons)
		return;
	txq->cslot = slot;
	/* Slots are free before they are seen to be; pairs with the reads in
	 * hwl_txq_unused() behind the barriers of the stop and wake helpers.
	 */
	smp_store_release(&txq->cons, cons);
}

static void __hwl_txq_clean(struct hwl_txq *txq, int budget, bool frames)
{
	struct hwl_tx_done done = {};

	hwl_txq_reclaim(txq, budget, frames, &done);
	if (!done.packets)
		return;
	if (unlikely(done.xsk))
		hwl_xsk_completed(txq, done.xsk);

	u64_stats_update_begin(&txq->cstats.syncp);
	u64_stats_add(&txq->cstats.packets, done.packets);
	u64_stats_add(&txq->cstats.bytes, done.bytes);
	u64_stats_add(&txq->cstats.tso_packets, done.tso_packets);
	u64_stats_add(&txq->cstats.tso_bytes, done.tso_bytes);
	u64_stats_update_end(&txq->cstats.syncp);
	trace_hwl_tx_complete(txq, done.packets, done.bytes);

	/* Without an skb nothing is woken, nor need it be: XDP frames leave room
	 * enough, so that behind a stop there is an skb to complete.
	 */
	if (!__netif_txq_completed_wake(txq->nq, done.skbs, done.skb_bytes,
					hwl_txq_unused(txq), HWL_TX_START,
					hwl_tx_wake_blocked(txq->ad))) {
		u64_stats_update_begin(&txq->cstats.syncp);
		u64_stats_inc(&txq->cstats.wake);
		u64_stats_update_end(&txq->cstats.syncp);
		trace_hwl_tx_wake(txq);
	}
}

/**
 * hwl_txq_clean() - reclaim what the device has sent, and wake the queue
 * @txq: the queue
 * @budget: NAPI budget; 0 from netpoll
 *
 * Reads descriptors only. Not bounded by the budget: there is never more to do
 * than the ring holds.
 *
 * Context: NAPI.
 */
void hwl_txq_clean(struct hwl_txq *txq, int budget)
{
	__hwl_txq_clean(txq, budget, budget);
}

/**
 * hwl_txq_drain() - give up every packet not sent, and start over
 * @txq: the queue
 *
 * Byte queue limits start over, too.
 *
 * Context: process; no transmit and no NAPI is running, and the device no
 * longer reads the ring.
 */
void hwl_txq_drain(struct hwl_txq *txq)
{
	u32 aborted = 0, xsk = 0;
	u32 slot;

	local_bh_disable();
	/* What was reported counts as sent. */
	__hwl_txq_clean(txq, 0, true);

	slot = txq->cslot;
	while (txq->cons != txq->prod) {
		struct hwl_tx_buf *first = &txq->ring.buf[slot];

		txq->cons += first->ndesc;
		slot = hwl_tx_release(txq, slot, first->ndesc);
		if (first->type == HWL_TX_SKB)
			dev_kfree_skb_any(first->skb);
		else if (first->type >= HWL_TX_XSK)
			hwl_tx_xsk_done(txq, first, &xsk);
		else
			hwl_tx_free_frame(txq, first, NULL);
		aborted++;
	}
	/* User space gets its buffers back, sent or not; no stamp is awaited here. */
	if (xsk)
		hwl_xsk_completed(txq, xsk);
	if (txq->xsk_holds)
		hwl_xsk_release(txq);

	u64_stats_update_begin(&txq->cstats.syncp);
	u64_stats_add(&txq->cstats.aborted, aborted);
	u64_stats_update_end(&txq->cstats.syncp);
	local_bh_enable();

	WRITE_ONCE(txq->prod, 0);
	WRITE_ONCE(txq->cons, 0);
	txq->slot = 0;
	txq->cslot = 0;
	txq->rs_prod = 0;
	txq->rs_first = 0;
	txq->after_tso = false;
	txq->seen = 0;
	txq->stuck = 0;
	netdev_tx_reset_queue(txq->nq);
}
