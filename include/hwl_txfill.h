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
#include <linux/if_ether.h>
#include <linux/io.h>

#include "hwl_queue.h"
#include "hwl_trace.h"

/* FreeBSD: a tail of this size gets a descriptor of its own, because DD of a
 * segmented packet may be written before the last bytes were fetched.
 */
#define HWL_TX_SENTINEL		4

/* Within a burst RS is set at least every this many descriptors: a burst may be
 * as long as the ring, and byte queue limits, the watchdog and a stopped queue
 * wait for write-backs.
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

/**
 * hwl_txq_set_rs() - have all packets since the last RS written back
 * @txq: the queue, with such packets
 *
 * The consumer sees them from now on, when DD is set.
 *
 * Context: transmit lock held.
 */
static inline void hwl_txq_set_rs(struct hwl_txq *txq)
{
	struct hwl_tx_ring *ring = &txq->ring;
	u32 eop = hwl_ring_prev(txq->slot, ring->count);

	/* RS alone has DD written back, at once (WTHRESH 0). Not IDE, with which
	 * that waits for TIDV; EITR moderates.
	 */
	ring->desc[eop].lower |= cpu_to_le32(HWL_TXD_RS);
	ring->buf[txq->rs_first].rs_slot = eop;
	txq->rs_first = txq->slot;
	/* The packets before the index; pairs with the acquire in hwl_txq_reclaim(). */
	smp_store_release(&txq->rs_prod, txq->prod);
}

/**
 * hwl_txq_kick() - ring the doorbell, with RS on the last packet
 * @txq: the queue
 *
 * Does nothing if RS is there already: then nothing is new, since hwl_txq_publish()
 * sets RS only on packets before the one that it adds.
 *
 * Context: transmit lock held.
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

/**
 * hwl_tx_begin() - start a packet
 * @cur: the packet
 * @txq: the queue, with enough free descriptors
 *
 * Context: transmit lock held.
 */
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

/**
 * hwl_tx_next() - take the next descriptor
 * @cur: the packet
 *
 * Context: transmit lock held.
 * Return: its buffer.
 */
static inline struct hwl_tx_buf *hwl_tx_next(struct hwl_tx_cursor *cur)
{
	struct hwl_tx_ring *ring = &cur->txq->ring;
	struct hwl_tx_buf *buf = &ring->buf[cur->slot];

	cur->desc = &ring->desc[cur->slot];
	cur->slot = hwl_ring_next(cur->slot, ring->count);
	cur->prod++;
	return buf;
}

/**
 * hwl_tx_put_piece() - write a data descriptor to the slot taken last
 * @cur: the packet
 * @dma: address
 * @len: bytes, up to HWL_TX_DATA_MAX
 *
 * Context: transmit lock held.
 */
static inline void hwl_tx_put_piece(struct hwl_tx_cursor *cur, dma_addr_t dma,
				    u32 len)
{
	hwl_tx_desc_data(cur->desc, dma, len, cur->cmd, cur->upper);
	cur->dma = dma;
	cur->len = len;
	cur->ndata++;
}

/**
 * hwl_tx_put() - put a mapped buffer into the ring
 * @cur: the packet
 * @dma: address
 * @len: bytes
 * @map: how it was mapped
 *
 * In as many chunks as the device needs.
 *
 * Context: transmit lock held.
 */
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

/**
 * hwl_tx_put_ctx() - have a packet's checksum computed, or the packet segmented
 * @cur: the packet; before its data
 * @ctx: the offload
 *
 * The chip keeps one context for both queues (datasheet 7.2.6): each offloaded
 * packet brings its own.
 *
 * Context: transmit lock held.
 */
static inline void hwl_tx_put_ctx(struct hwl_tx_cursor *cur,
				  const struct hwl_tx_ctx *ctx)
{
	struct hwl_tx_buf *buf = hwl_tx_next(cur);

	hwl_tx_desc_ctx(cur->desc, ctx);
	cur->upper |= hwl_tx_ctx_popts(ctx);
	buf->map = HWL_TX_MAP_NONE;
	buf->type = HWL_TX_EMPTY;
}

/**
 * hwl_tx_split_tail() - give the last bytes of a packet a descriptor of their own
 * @cur: the packet
 *
 * Context: transmit lock held.
 */
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

/**
 * hwl_tx_end() - end a packet that is in the ring but for its publication
 * @cur: the packet
 * @tso: the device segments it
 *
 * DD of a segmented packet may come before its last bytes were fetched, and so may
 * that of a packet of one descriptor behind it.
 *
 * Context: transmit lock held.
 */
static inline void hwl_tx_end(struct hwl_tx_cursor *cur, bool tso)
{
	struct hwl_txq *txq = cur->txq;

	if (tso || unlikely(txq->after_tso && cur->ndata == 1))
		hwl_tx_split_tail(cur);
	txq->after_tso = tso;
}

/**
 * hwl_tx_slot() - find the slot of a packet's next descriptor
 * @cur: the packet
 * @dma: where the device finds it
 *
 * Context: transmit lock held.
 * Return: the slot, HWL_TX_SLOT bytes.
 */
static inline u8 *hwl_tx_slot(const struct hwl_tx_cursor *cur, dma_addr_t *dma)
{
	const struct hwl_tx_ring *ring = &cur->txq->ring;
	u32 at = cur->slot * HWL_TX_SLOT;

	*dma = ring->slots_dma + at;
	return ring->slots + at;
}

/**
 * hwl_tx_put_slot() - put a frame that was copied to its slot into the ring
 * @cur: the packet
 * @slot: the slot
 * @dma: its address
 * @len: bytes, up to HWL_TX_SLOT
 *
 * With zeros up to 60 bytes: the device would pad, but not below 17, and the frame
 * may be shared.
 *
 * Context: transmit lock held.
 */
static inline void hwl_tx_put_slot(struct hwl_tx_cursor *cur, u8 *slot,
				   dma_addr_t dma, u32 len)
{
	if (unlikely(len < ETH_ZLEN)) {
		memset(slot + len, 0, ETH_ZLEN - len);
		len = ETH_ZLEN;
	}
	hwl_tx_put(cur, dma, len, HWL_TX_MAP_NONE);
}

/**
 * hwl_txq_count() - count an event of the producer
 * @txq: the queue
 * @counter: one of its counters
 *
 * Context: transmit lock held.
 */
static inline void hwl_txq_count(struct hwl_txq *txq, u64_stats_t *counter)
{
	u64_stats_update_begin(&txq->pstats.syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&txq->pstats.syncp);
}

/**
 * hwl_tx_unmap() - unmap what a descriptor points to
 * @dev: device of the mapping
 * @buf: its buffer
 *
 * Context: the consumer, or the producer for a packet not published.
 */
static inline void hwl_tx_unmap(struct device *dev, struct hwl_tx_buf *buf)
{
	if (buf->map == HWL_TX_MAP_SINGLE)
		dma_unmap_single(dev, buf->dma, buf->len, DMA_TO_DEVICE);
	else if (buf->map == HWL_TX_MAP_PAGE)
		dma_unmap_page(dev, buf->dma, buf->len, DMA_TO_DEVICE);
	buf->map = HWL_TX_MAP_NONE;
}

/**
 * hwl_tx_undo() - undo the mappings of a packet that is not published
 * @cur: the packet
 *
 * Context: transmit lock held.
 */
static inline void hwl_tx_undo(struct hwl_tx_cursor *cur)
{
	struct hwl_txq *txq = cur->txq;
	u32 slot = txq->slot;

	while (slot != cur->slot) {
		hwl_tx_unmap(txq->dev, &txq->ring.buf[slot]);
		slot = hwl_ring_next(slot, txq->ring.count);
	}
}

/**
 * hwl_txq_publish() - complete a packet
 * @cur: the packet; its first buffer has an owner
 * @type: what the owner is
 * @bytes: bytes on the wire
 * @segs: frames on the wire
 *
 * The consumer sees it when RS was set for it, the device at the next doorbell.
 *
 * Context: transmit lock held.
 */
static inline void hwl_txq_publish(struct hwl_tx_cursor *cur,
				   enum hwl_tx_type type, u32 bytes, u32 segs)
{
	struct hwl_txq *txq = cur->txq;
	struct hwl_tx_buf *first = cur->first;

	if (txq->prod - txq->rs_prod >= HWL_TX_RS_THRESH)
		hwl_txq_set_rs(txq);
	cur->desc->lower |= cpu_to_le32(HWL_TXD_EOP);

	first->bytes = bytes;
	first->segs = segs;
	first->ndesc = cur->prod - txq->prod;
	first->type = type;

	txq->slot = cur->slot;
	/* The slots are taken, whether or not the poll knows of them yet. */
	smp_store_release(&txq->prod, cur->prod);
}

#endif /* HWL_TXFILL_H */
