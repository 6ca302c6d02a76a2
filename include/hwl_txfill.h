/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filling a transmit ring: one way in for every source of frames.
 *
 * hwl_tx_begin(), hwl_tx_put() for each buffer, hwl_txq_publish() for the frame,
 * hwl_txq_kick() for the doorbell. All under the transmit lock of the queue.
 */
#ifndef HWL_TXFILL_H
#define HWL_TXFILL_H

#include <linux/dma-mapping.h>
#include <linux/io.h>

#include "hwl_queue.h"
#include "hwl_trace.h"

/* FreeBSD: a tail of this size gets a descriptor of its own, because DD of a
 * segmented packet may be written before the last bytes were fetched.
 */
#define HWL_TX_SENTINEL		4

/* Within a burst a report is asked for behind this many descriptors at the
 * latest: a burst may be as long as the ring, and byte queue limits, the
 * watchdog and a stopped queue wait for reports.
 */
#define HWL_TX_RS_THRESH	8

/**
 * struct hwl_tx_cursor - a packet on its way into the ring
 * @txq: the queue
 * @first: buffer of its first descriptor
 * @desc: descriptor written last
 * @dma: what that one points to
 * @len: length of that
 * @prod: producer counter behind the packet
 * @slot: slot of @prod
 * @cmd: command bits of each data descriptor
 * @upper: options and VLAN tag of each data descriptor
 * @ndata: data descriptors so far
 */
struct hwl_tx_cursor {
	struct hwl_txq *txq;
	struct hwl_tx_buf *first;
	struct hwl_tx_desc *desc;
	dma_addr_t dma;
	u32 len;
	u32 prod;
	u32 slot;
	u32 cmd;
	u32 upper;
	u32 ndata;
};

/* Ask for one report of all packets since the last one asked for. */
static inline void hwl_txq_set_rs(struct hwl_txq *txq)
{
	struct hwl_tx_ring *ring = &txq->ring;
	u32 eop = hwl_ring_prev(txq->slot, ring->count);

	/* RS alone has DD written back, at once (WTHRESH 0). Not IDE, with which
	 * that waits for TIDV; EITR moderates.
	 */
	ring->desc[eop].lower |= cpu_to_le32(HWL_TXD_RS);
	ring->buf[txq->rs_first].report = eop;
	txq->rs_first = txq->slot;
	/* The packets before the index; pairs with the acquire in hwl_txq_clean(). */
	smp_store_release(&txq->rs_prod, txq->prod);
}

/*
 * Ring the doorbell, with a report behind the last packet. Behind that there
 * is one already only if there is nothing new: hwl_txq_publish() asks for one
 * when another packet follows.
 */
static inline void hwl_txq_kick(struct hwl_txq *txq)
{
	if (txq->rs_prod == txq->prod)
		return;
	hwl_txq_set_rs(txq);
	/* Orders the descriptors before the doorbell. */
	writel(txq->slot, txq->tail);
	trace_hwl_tx_doorbell(txq);
}

static inline void hwl_tx_begin(struct hwl_tx_cursor *cur, struct hwl_txq *txq)
{
	cur->txq = txq;
	cur->first = &txq->ring.buf[txq->slot];
	cur->prod = txq->prod;
	cur->slot = txq->slot;
	cur->cmd = HWL_TXD_DATA_CMD;
	cur->upper = 0;
	cur->ndata = 0;
}

static inline struct hwl_tx_buf *hwl_tx_next(struct hwl_tx_cursor *cur)
{
	struct hwl_tx_ring *ring = &cur->txq->ring;
	struct hwl_tx_buf *buf = &ring->buf[cur->slot];

	cur->desc = &ring->desc[cur->slot];
	cur->slot = hwl_ring_next(cur->slot, ring->count);
	cur->prod++;
	return buf;
}

static inline void hwl_tx_put_piece(struct hwl_tx_cursor *cur, dma_addr_t dma,
				    u32 len)
{
	hwl_tx_desc_data(cur->desc, dma, len, cur->cmd, cur->upper);
	cur->dma = dma;
	cur->len = len;
	cur->ndata++;
}

/* Put a mapped buffer into the ring, in as many pieces as the device needs. */
static inline void hwl_tx_put(struct hwl_tx_cursor *cur, dma_addr_t dma,
			      u32 len, enum hwl_tx_map map)
{
	struct hwl_tx_buf *buf = hwl_tx_next(cur);

	buf->dma = dma;
	buf->len = len;
	buf->map = map;
	buf->type = HWL_TX_EMPTY;

	while (unlikely(len > HWL_TX_DATA_MAX)) {
		hwl_tx_put_piece(cur, dma, HWL_TX_DATA_MAX);
		dma += HWL_TX_DATA_MAX;
		len -= HWL_TX_DATA_MAX;
		buf = hwl_tx_next(cur);
		buf->map = HWL_TX_MAP_NONE;
		buf->type = HWL_TX_EMPTY;
	}
	hwl_tx_put_piece(cur, dma, len);
}

/* Give the last bytes of the packet a descriptor of their own. */
static inline void hwl_tx_split_tail(struct hwl_tx_cursor *cur)
{
	u32 len = cur->len - HWL_TX_SENTINEL;
	dma_addr_t dma = cur->dma;
	struct hwl_tx_buf *buf;

	if (cur->len <= HWL_TX_SENTINEL)
		return;
	hwl_tx_desc_data(cur->desc, dma, len, cur->cmd, cur->upper);
	buf = hwl_tx_next(cur);
	buf->map = HWL_TX_MAP_NONE;
	buf->type = HWL_TX_EMPTY;
	hwl_tx_put_piece(cur, dma + len, HWL_TX_SENTINEL);
}

static inline void hwl_tx_unmap(struct device *dev, struct hwl_tx_buf *buf)
{
	if (buf->map == HWL_TX_MAP_SINGLE)
		dma_unmap_single(dev, buf->dma, buf->len, DMA_TO_DEVICE);
	else if (buf->map == HWL_TX_MAP_PAGE)
		dma_unmap_page(dev, buf->dma, buf->len, DMA_TO_DEVICE);
	buf->map = HWL_TX_MAP_NONE;
}

/* Undo exactly the mappings made: nothing was published yet. */
static inline void hwl_tx_undo(struct hwl_tx_cursor *cur)
{
	struct hwl_txq *txq = cur->txq;
	u32 slot = txq->slot;

	while (slot != cur->slot) {
		hwl_tx_unmap(txq->dev, &txq->ring.buf[slot]);
		slot = hwl_ring_next(slot, txq->ring.count);
	}
}

/*
 * Complete the packet under @cur. The consumer sees it when a report was asked
 * for, the device at the next doorbell.
 */
static inline void hwl_txq_publish(struct hwl_tx_cursor *cur,
				   struct sk_buff *skb, u32 bytes, u32 segs)
{
	struct hwl_txq *txq = cur->txq;
	struct hwl_tx_buf *first = cur->first;

	if (txq->prod - txq->rs_prod >= HWL_TX_RS_THRESH)
		hwl_txq_set_rs(txq);
	cur->desc->lower |= cpu_to_le32(HWL_TXD_EOP);

	first->skb = skb;
	first->bytes = bytes;
	first->segs = segs;
	first->ndesc = cur->prod - txq->prod;
	first->type = HWL_TX_SKB;

	txq->slot = cur->slot;
	/* The slots are taken, whether or not the poll looks at them yet. */
	smp_store_release(&txq->prod, cur->prod);
}

#endif /* HWL_TXFILL_H */
