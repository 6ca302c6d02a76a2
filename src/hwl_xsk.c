// SPDX-License-Identifier: GPL-2.0
/*
 * AF_XDP with zero copy: pools of buffers of user space, and receive into those. What
 * user space sends is in hwl_xsk_tx.c.
 *
 * A pool belongs to a pair. Its receive ring is mixed: a slot is filled from the
 * pool, or with a page while user space has provided nothing. The device can stop
 * no single queue, and both share one FIFO: a ring without descriptors would stop
 * the other, too. Frames in pages meet the same program; the core copies those that
 * it redirects to a socket.
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
#include "hwl_xsk.h"

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
	} else if (unlikely(!xsk_buff_add_frag(rxq->xsk_head, xdp))) {
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
