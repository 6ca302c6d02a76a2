// SPDX-License-Identifier: GPL-2.0
/*
 * AF_XDP with zero copy: receive into, and send from, buffers of user space.
 *
 * A pool belongs to a pair. Its receive ring is mixed: a slot is filled from the
 * pool, or with a page while user space has provided nothing. The device can stop
 * no single queue, and both share one FIFO: a ring without descriptors would stop
 * the other, too. Frames in pages meet the same program; the core copies those that
 * it redirects to a socket.
 *
 * The transmit ring is shared with the stack, as for XDP (hwl_xdp.c), and by the
 * same rule: frames of user space leave HWL_TX_START descriptors free. They are sent
 * by the poll of the pair, under the stack's lock.
 *
 * Which frames fit a buffer: the device knows one size, the 2048 bytes of
 * RCTL.BSIZE, and writes no more to a buffer. A pool whose chunks have room for
 * those takes whatever comes. One of 2 KiB chunks has not, behind the headroom. It
 * is taken only while no frame is longer than HWL_STD_FRAME, that is without
 * RCTL.LPE and RCTL.SBP, as for small buffers (see enum hwl_rx_geometry): as long as
 * it is bound, hwl_netdev.c refuses what would set either.
 *
 * Frames in several buffers are for pools whose sockets asked for them
 * (XDP_USE_SG), if the list of fragments has room behind what the device writes.
 */
#include <net/xdp_sock_drv.h>

#include "hwl.h"
#include "hwl_txfill.h"
#include "hwl_xdp.h"
#include "hwl_xsk.h"

/* Sent at a time, under one hold of the lock. */
#define HWL_XSK_BATCH		64

/* ---- Pools ---- */

/* Bytes that the device may write to a buffer of a pool. */
static u32 hwl_xsk_buf_len(struct xsk_buff_pool *pool)
{
	return min_t(u32, xsk_pool_get_rx_frame_size(pool), HWL_RX_BUF_LEN);
}

/* May a frame take several buffers of a pool? */
static bool hwl_xsk_takes_chains(struct xsk_buff_pool *pool)
{
	u32 room = xsk_pool_get_chunk_size(pool) - xsk_pool_get_headroom(pool);

	return pool->umem->flags & XDP_UMEM_SG_FLAG &&
	       room >= HWL_RX_BUF_LEN +
		       SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
}

/**
 * hwl_xsk_pool_max_mtu() - the largest MTU that a pool takes
 * @pool: the pool
 *
 * Context: any.
 * Return: the MTU. If it is ETH_DATA_LEN, buffers are not full ones: no frame may
 * be longer than HWL_STD_FRAME, for whatever reason.
 */
u32 hwl_xsk_pool_max_mtu(struct xsk_buff_pool *pool)
{
	if (hwl_xsk_buf_len(pool) < HWL_RX_BUF_LEN)
		return ETH_DATA_LEN;
	return hwl_xsk_takes_chains(pool) ? HWL_MAX_MTU :
					    HWL_RX_BUF_LEN - HWL_FRAME_OVERHEAD;
}

/**
 * hwl_xsk_max_mtu() - the largest MTU that all pools in use take
 * @ad: the device
 *
 * Context: process, rtnl held.
 * Return: the MTU, as of hwl_xsk_pool_max_mtu(); HWL_MAX_MTU if there is no pool.
 */
u32 hwl_xsk_max_mtu(const struct hwl_adapter *ad)
{
	u32 mtu = HWL_MAX_MTU;
	u32 q;

	for (q = 0; q < ad->num_pairs; q++)
		if (ad->pair[q]->rxq.xsk)
			mtu = min(mtu, hwl_xsk_pool_max_mtu(ad->pair[q]->rxq.xsk));
	return mtu;
}

/**
 * hwl_xsk_map() - make a pool ready for a pair
 * @ad: the device
 * @q: number of the pair
 * @pool: the pool, with room for HWL_STD_FRAME in a buffer
 *
 * Context: process, rtnl held.
 * Return: 0 or a negative error code.
 */
int hwl_xsk_map(struct hwl_adapter *ad, u32 q, struct xsk_buff_pool *pool)
{
	struct hwl_rxq *rxq = &ad->pair[q]->rxq;
	int err;

	XSK_CHECK_PRIV_TYPE(struct hwl_xdp_ctx);
	err = xsk_pool_dma_map(pool, &ad->pdev->dev, 0);
	if (err)
		return err;
	err = xdp_rxq_info_reg(&rxq->xsk_rxq, ad->netdev, q, rxq->napi->napi_id);
	if (err)
		goto err_unmap;
	err = xdp_rxq_info_reg_mem_model(&rxq->xsk_rxq, MEM_TYPE_XSK_BUFF_POOL, NULL);
	if (err)
		goto err_unreg;
	xsk_pool_set_rxq_info(pool, &rxq->xsk_rxq);
	rxq->xsk_len = hwl_xsk_buf_len(pool);
	rxq->xsk_chains = hwl_xsk_takes_chains(pool);
	ad->pair[q]->txq.xsk_cut = false;
	return 0;

err_unreg:
	xdp_rxq_info_unreg(&rxq->xsk_rxq);
err_unmap:
	xsk_pool_dma_unmap(pool, 0);
	return err;
}

/**
 * hwl_xsk_publish() - let a pair use a pool, or none
 * @pair: the pair
 * @pool: the pool, from hwl_xsk_map(); NULL for none, and then the data path is
 *	stopped and its rings are drained
 *
 * Context: process, rtnl held.
 */
void hwl_xsk_publish(struct hwl_pair *pair, struct xsk_buff_pool *pool)
{
	/* What hwl_xsk_map() has set up, before hwl_poll() sees the pool. */
	smp_store_release(&pair->txq.xsk, pool);
	/* The same for hwl_xsk_fill(). */
	smp_store_release(&pair->rxq.xsk, pool);
}

/**
 * hwl_xsk_unmap() - undo hwl_xsk_map()
 * @pair: the pair, which does not use the pool any more
 * @pool: the pool
 *
 * Context: process, rtnl held.
 */
void hwl_xsk_unmap(struct hwl_pair *pair, struct xsk_buff_pool *pool)
{
	xdp_rxq_info_unreg(&pair->rxq.xsk_rxq);
	xsk_pool_dma_unmap(pool, 0);
}

/* ---- Receive ---- */

/* Tell user space whether the ring waits for its buffers. */
static void hwl_xsk_set_rx_wakeup(struct xsk_buff_pool *pool, bool starved)
{
	if (!xsk_uses_need_wakeup(pool))
		return;
	if (starved)
		xsk_set_rx_need_wakeup(pool);
	else
		xsk_clear_rx_need_wakeup(pool);
}

/**
 * hwl_xsk_fill() - post buffers of the pool
 * @rxq: the queue; has a pool
 * @n: how many descriptors are free
 *
 * Context: NAPI.
 * Return: how many were posted: fewer, if user space has provided no more.
 */
u32 hwl_xsk_fill(struct hwl_rxq *rxq, u32 n)
{
	struct hwl_rx_ring *ring = &rxq->ring;
	struct xdp_buff *bufs[HWL_RX_BATCH];
	struct xsk_buff_pool *pool;
	u32 got, i, posted = 0;

	/* Pairs with the release in hwl_xsk_publish(). */
	pool = smp_load_acquire(&rxq->xsk);
	do {
		got = xsk_buff_alloc_batch(pool, bufs,
					   min_t(u32, n - posted, HWL_RX_BATCH));
		for (i = 0; i < got; i++) {
			ring->buf[rxq->slot] = hwl_xsk_to_buf(bufs[i]);
			hwl_rx_desc_post(&ring->desc[rxq->slot],
					 xsk_buff_xdp_get_dma(bufs[i]));
			rxq->slot = hwl_ring_next(rxq->slot, ring->count);
		}
		rxq->prod += got;
		posted += got;
	} while (got && posted < n);
	hwl_xsk_set_rx_wakeup(pool, posted < n);
	return posted;
}

/**
 * hwl_xsk_add() - add a buffer to the frame under assembly
 * @rxq: the queue
 * @xdp: the buffer
 * @len: bytes that the device has written to it
 * @eop: it is the last of its frame
 *
 * Context: NAPI.
 * Return: NULL, and rxq->xsk_head is the frame; or the counter of why it cannot be:
 * the buffer is the caller's.
 */
u64_stats_t *hwl_xsk_add(struct hwl_rxq *rxq, struct xdp_buff *xdp, u32 len, bool eop)
{
	if (unlikely(rxq->xdp.data && !rxq->xsk_head))
		return &rxq->stats.no_skb;
	if (unlikely(!eop && !rxq->xsk_chains))
		return &rxq->stats.err_long;
	if (unlikely(len > rxq->xsk_len || (!len && !(eop && rxq->xsk_head))))
		return &rxq->stats.err_desc;

	xsk_buff_set_size(xdp, len);
	xsk_buff_dma_sync_for_cpu(xdp);
	if (likely(!rxq->xsk_head)) {
		rxq->xsk_head = xdp;
		rxq->xdp.data = xdp->data;
	} else if (!len) {
		xsk_buff_free(xdp);
	} else if (unlikely(!hwl_compat_xsk_add_frag(rxq->xsk_head, xdp))) {
		return &rxq->stats.err_desc;
	}
	return NULL;
}

/**
 * hwl_xsk_copy() - an skb with the bytes of a frame that goes up
 * @rxq: the queue
 * @xdp: the frame, in a buffer of the pool
 *
 * Context: NAPI.
 * Return: the skb, or NULL if there is no memory.
 */
struct sk_buff *hwl_xsk_copy(struct hwl_rxq *rxq, struct xdp_buff *xdp)
{
	u32 meta = xdp->data - xdp->data_meta;
	u32 len = xdp->data_end - xdp->data_meta;
	const struct skb_shared_info *sinfo;
	struct sk_buff *skb;
	int i;

	skb = napi_alloc_skb(rxq->napi, meta + xdp_get_buff_len(xdp));
	if (unlikely(!skb))
		return NULL;
	memcpy(__skb_put(skb, len), xdp->data_meta, len);
	if (unlikely(xdp_buff_has_frags(xdp))) {
		sinfo = xdp_get_shared_info_from_buff(xdp);
		for (i = 0; i < sinfo->nr_frags; i++)
			__skb_put_data(skb, skb_frag_address(&sinfo->frags[i]),
				       skb_frag_size(&sinfo->frags[i]));
	}
	if (meta) {
		__skb_pull(skb, meta);
		skb_metadata_set(skb, meta);
	}
	return skb;
}

/* ---- Transmit ---- */

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
