// SPDX-License-Identifier: GPL-2.0
/*
 * AF_XDP with zero copy: send from buffers of user space.
 *
 * The transmit ring is shared with the stack, as for XDP (hwl_xdp.c), and by the
 * same rule: frames of user space leave HWL_TX_START descriptors free. They are sent
 * by the poll of the pair, under the stack's lock.
 */
#include <net/xdp_sock_drv.h>

#include "hwl.h"
#include "hwl_txfill.h"
#include "hwl_xdp.h"
#include "hwl_xsk.h"

/* Sent at a time, under one hold of the lock. */
#define HWL_XSK_BATCH		64

/* Frames that the device must not get. @n: buffers, @len: bytes in all. */
static bool hwl_xsk_sendable(u32 n, u32 len)
{
	return n <= HWL_XSK_MAX_SEGS && len >= ETH_HLEN && len <= HWL_TX_XDP_MAX;
}

/* Return: the buffers of the frame that begins with @desc; @len: its bytes. */
static u32 hwl_xsk_frame(const struct xdp_desc *desc, u32 left, u32 *len)
{
	u32 n = 0, bytes = 0;

	do
		bytes += desc[n].len;
	while ((desc[n++].options & XDP_PKT_CONTD) && n < left);
	*len = bytes;
	return n;
}

/* Put a frame of user space into the ring. @frames: it stands for so many. */
static void hwl_xsk_put(struct hwl_txq *txq, const struct xdp_desc *desc, u32 n,
			u32 len, u32 frames)
{
	struct xsk_buff_pool *pool = txq->xsk;
	struct hwl_tx_cursor cur;
	dma_addr_t dma;
	u32 i, at = 0;
	u8 *slot;

	hwl_tx_begin(&cur, txq);
	if (unlikely(len < ETH_ZLEN)) {
		slot = hwl_tx_slot(&cur, &dma);
		for (i = 0; i < n; at += desc[i++].len)
			memcpy(slot + at,
			       xsk_buff_raw_get_data(pool, desc[i].addr), desc[i].len);
		hwl_tx_put_slot(&cur, slot, dma, len);
	} else {
		for (i = 0; i < n; i++) {
			dma = xsk_buff_raw_get_dma(pool, desc[i].addr);
			xsk_buff_raw_dma_sync_for_device(pool, dma, desc[i].len);
			hwl_tx_put(&cur, dma, desc[i].len, HWL_TX_MAP_NONE);
		}
	}
	hwl_tx_end(&cur, false);
	cur.first->frames = frames;
	txq->xsk_last = txq->slot;
	txq->xsk_pending += frames;
	hwl_txq_publish(&cur, HWL_TX_XSK, max_t(u32, len, ETH_ZLEN), 1);
}

/*
 * Send what user space has provided, as far as there is room. The completion ring
 * goes by position, and has an entry for each buffer: one that is not sent is
 * completed with one that is.
 *
 * Where several sockets share a queue, the core may end a batch within a frame.
 * That frame is dropped, with what comes of it later.
 *
 * Return: buffers taken from user space, of whole frames.
 */
static u32 hwl_xsk_send_batch(struct hwl_txq *txq, u32 max)
{
	struct xsk_buff_pool *pool = txq->xsk;
	u32 n, i, segs, len, skipped = 0, drops = 0;
	bool cut;

	n = xsk_tx_peek_release_desc_batch(pool, max);
	for (i = 0; i < n; i += segs) {
		const struct xdp_desc *desc = &pool->tx_descs[i];

		segs = hwl_xsk_frame(desc, n - i, &len);
		skipped += segs;
		cut = txq->xsk_cut;
		txq->xsk_cut = desc[segs - 1].options & XDP_PKT_CONTD;
		if (unlikely(cut || txq->xsk_cut || !hwl_xsk_sendable(segs, len))) {
			drops++;
			continue;
		}
		hwl_xsk_put(txq, desc, segs, len, skipped);
		skipped = 0;
	}
	if (unlikely(drops))
		hwl_xdp_count_drops(txq, drops);
	if (unlikely(skipped && txq->xsk_pending)) {
		txq->ring.buf[txq->xsk_last].frames += skipped;
		txq->xsk_pending += skipped;
	} else if (unlikely(skipped)) {
		xsk_tx_completed(pool, skipped);
	}
	return n;
}

/* Buffers for which there is room; each may take a second descriptor. The longest
 * frame must fit, or it never would.
 */
static u32 hwl_xsk_room(const struct hwl_txq *txq)
{
	u32 unused = hwl_txq_unused(txq);

	return unused >= HWL_TX_START + 2 * HWL_XSK_MAX_SEGS ?
	       min_t(u32, (unused - HWL_TX_START) / 2, HWL_XSK_BATCH) : 0;
}

/* Return: true if frames may be left, for which there was no room. */
static bool hwl_xsk_send_all(struct hwl_txq *txq)
{
	u32 max;

	/* A frame that would not fit into what is left is not taken. */
	while ((max = hwl_xsk_room(txq)))
		if (hwl_xsk_send_batch(txq, max) + HWL_XSK_MAX_SEGS <= max)
			return false;
	return true;
}

/**
 * hwl_xsk_send() - send what user space has provided
 * @txq: the queue; has a pool
 *
 * If there was no room for all, the next poll goes on: there is one, since the ring
 * is full. Otherwise user space is to say when there is more, and when it has made
 * room in its completion ring.
 *
 * Context: NAPI.
 */
void hwl_xsk_send(struct hwl_txq *txq)
{
	struct xsk_buff_pool *pool = txq->xsk;
	bool left = false;

	__netif_tx_lock(txq->nq, smp_processor_id());
	if (likely(hwl_xdp_may_send(txq->ad, txq))) {
		left = hwl_xsk_send_all(txq);
		if (xsk_uses_need_wakeup(pool)) {
			if (left) {
				xsk_clear_tx_need_wakeup(pool);
			} else {
				xsk_set_tx_need_wakeup(pool);
				/* What came before user space could see that. */
				smp_mb();
				left = hwl_xsk_send_all(txq);
			}
		}
		if (txq->rs_prod != txq->prod) {
			txq_trans_cond_update(txq->nq);
			hwl_txq_kick(txq);
		}
	} else if (xsk_uses_need_wakeup(pool)) {
		xsk_set_tx_need_wakeup(pool);
	}
	__netif_tx_unlock(txq->nq);
}
