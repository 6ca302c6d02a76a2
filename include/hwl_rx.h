/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive path.
 */
#ifndef HWL_RX_H
#define HWL_RX_H

#include <linux/mm.h>
#include <net/page_pool/helpers.h>

#include "hwl_queue.h"

/**
 * hwl_rx_buf_post() - put a buffer behind a descriptor
 * @ring: the ring
 * @slot: slot of the descriptor
 * @page: page of the buffer
 * @buf: its address
 *
 * Context: the descriptor is not the device's.
 */
static inline void hwl_rx_buf_post(struct hwl_rx_ring *ring, u32 slot,
				   const struct page *page, void *buf)
{
	ring->buf[slot] = buf;
	hwl_rx_desc_post(&ring->desc[slot], page_pool_get_dma_addr(page) +
					    offset_in_page(buf) + ring->headroom);
}

/**
 * hwl_rx_buf_alloc() - put a fresh buffer behind a descriptor
 * @ring: the ring
 * @slot: slot of the descriptor
 * @gfp: how to allocate
 *
 * Context: that of the pool: NAPI, or nobody uses the ring yet.
 * Return: false if memory ran out.
 */
static inline bool hwl_rx_buf_alloc(struct hwl_rx_ring *ring, u32 slot, gfp_t gfp)
{
	unsigned int offset, size = ring->frame_sz;
	struct page *page;

	page = page_pool_alloc(ring->pool, &offset, &size, gfp);
	if (unlikely(!page))
		return false;
	hwl_rx_buf_post(ring, slot, page, page_address(page) + offset);
	return true;
}

/**
 * hwl_rx_bufs_free() - give the buffers of a frame back to their pool
 * @pool: the pool
 * @data: in the frame's first buffer
 * @sinfo: its fragments; NULL if it has none. It is in the first buffer, which goes
 *	last.
 * @napi: in the poll that owns the pool: straight into its cache
 *
 * Context: NAPI, or the queue is stopped.
 */
static inline void hwl_rx_bufs_free(struct page_pool *pool, const void *data,
				    const struct skb_shared_info *sinfo, bool napi)
{
	int i;

	for (i = 0; sinfo && i < sinfo->nr_frags; i++)
		page_pool_put_full_page(pool, skb_frag_page(&sinfo->frags[i]), napi);
	page_pool_put_full_page(pool, virt_to_page(data), napi);
}

/**
 * hwl_rxq_pending() - has the device received something not taken yet?
 * @rxq: the queue
 *
 * For the watchdog: a true answer twice in a row means a lost interrupt.
 *
 * Context: process; the queue is up. Races with NAPI, so it is a hint only.
 * Return: true if the next descriptor is done.
 */
static inline bool hwl_rxq_pending(const struct hwl_rxq *rxq)
{
	const union hwl_rx_desc *desc = &rxq->ring.desc[READ_ONCE(rxq->cslot)];

	return READ_ONCE(rxq->cons) != READ_ONCE(rxq->kicked) &&
	       le32_to_cpu(READ_ONCE(desc->wb.status)) & HWL_RXD_DD;
}

int hwl_rxq_clean(struct hwl_rxq *rxq, int budget);
bool hwl_rxq_refill(struct hwl_rxq *rxq);
void hwl_rxq_drain(struct hwl_rxq *rxq);

#endif /* HWL_RX_H */
