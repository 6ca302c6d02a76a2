// SPDX-License-Identifier: GPL-2.0
/*
 * AF_XDP with zero copy: send from buffers of user space.
 *
 * The transmit ring is shared with the stack, as for XDP (hwl_xdp.c). Frames of user
 * space are sent by the poll of the pair, under the stack's lock.
 *
 * A frame may bring metadata, in front of its first buffer: it wants its checksum
 * computed, by a context descriptor of its own, or a time stamp. The latter by the
 * device's one latch, which the stack's frames use as well (hwl_stamp.c): while that
 * is taken, the stamp is 0. Metadata is user space's memory: it is read once, and
 * what was read is checked.
 *
 * The stamp stands in the metadata when the frame is completed. So while it has not
 * come, completions wait, of that frame and of those sent after it; the ring does
 * not. Stamps come or are given up in finite time, and the poll, or the drain of a
 * queue that is stopped, writes them: nobody else knows whether the memory is there.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/unaligned.h>
#include <net/checksum.h>
#include <net/xdp_sock_drv.h>

#include "hwl.h"
#include "hwl_stamp.h"
#include "hwl_txfill.h"
#include "hwl_xdp.h"
#include "hwl_xsk.h"

/* Sent at a time, under one hold of the lock. */
#define HWL_XSK_BATCH		64

/* What both requests and stamps take. */
#define HWL_XSK_META_MIN	offsetofend(struct xsk_tx_metadata, \
					    completion.tx_timestamp)

/**
 * struct hwl_xsk_frame - a frame to send
 * @desc: its buffers
 * @n: number of them
 * @len: bytes in all
 * @frames: buffers that its completion stands for
 * @meta: its metadata, or NULL
 * @csum: the checksum is to be computed
 * @stamp: a time stamp is wanted
 * @start: where the checksum begins
 * @field: where it is to be put, from there
 */
struct hwl_xsk_frame {
	const struct xdp_desc *desc;
	u32 n;
	u32 len;
	u32 frames;
	struct xsk_tx_metadata *meta;
	bool csum;
	bool stamp;
	u16 start;
	u16 field;
};

/* ---- Completion ---- */

/* Give buffers back to user space, unless a stamp is due before. */
static void hwl_xsk_complete(struct hwl_txq *txq, u32 frames)
{
	if (unlikely(txq->xsk_holds))
		txq->xsk_held += frames;
	else
		xsk_tx_completed(txq->xsk, frames);
}

/**
 * hwl_xsk_completed() - give frames in the ring back to user space
 * @txq: the queue; has a pool
 * @frames: how many were sent, or dropped
 *
 * Context: NAPI, or the queue is stopped.
 */
void hwl_xsk_completed(struct hwl_txq *txq, u32 frames)
{
	txq->xsk_pending -= frames;
	hwl_xsk_complete(txq, frames);
}

/**
 * hwl_xsk_hold() - let completions wait for the stamp of a frame
 * @txq: the queue; that frame is the next to be completed
 * @before: frames to be completed before
 *
 * Context: NAPI, or the queue is stopped.
 */
void hwl_xsk_hold(struct hwl_txq *txq, u32 before)
{
	if (before)
		hwl_xsk_completed(txq, before);
	txq->xsk_holds = true;
}

/**
 * hwl_xsk_release() - if the stamp has come, tell it, and end hwl_xsk_hold()
 * @txq: the queue; holds
 *
 * Context: NAPI, or the queue is stopped.
 */
void hwl_xsk_release(struct hwl_txq *txq)
{
	struct hwl_xsk_stamp *stamp = &txq->xsk_stamp;

	/* Pairs with the release in hwl_stamp_tx_leave(). */
	if (smp_load_acquire(&stamp->state) != HWL_XSK_STAMP_DONE)
		return;
	xsk_tx_metadata_complete(&stamp->compl, &hwl_xsk_metadata_ops, stamp);
	stamp->state = HWL_XSK_STAMP_NONE;
	txq->xsk_holds = false;
	xsk_tx_completed(txq->xsk, txq->xsk_held);
	txq->xsk_held = 0;
}

/* ---- Metadata ---- */

static void hwl_xsk_want_stamp(void *priv)
{
	struct hwl_xsk_frame *frame = priv;

	frame->stamp = true;
}

static void hwl_xsk_want_csum(u16 start, u16 field, void *priv)
{
	struct hwl_xsk_frame *frame = priv;

	frame->csum = true;
	frame->start = start;
	frame->field = field;
}

static u64 hwl_xsk_tell_stamp(void *priv)
{
	const struct hwl_xsk_stamp *stamp = priv;

	return stamp->ns;
}

const struct xsk_tx_metadata_ops hwl_xsk_metadata_ops = {
	.tmo_request_timestamp	= hwl_xsk_want_stamp,
	.tmo_fill_timestamp	= hwl_xsk_tell_stamp,
	.tmo_request_checksum	= hwl_xsk_want_csum,
};

/*
 * Can the device compute this checksum? As for the stack's (hwl_tx_csum_fits()):
 * that of TCP or UDP, within reach of the context's fields of eight bits.
 */
static bool hwl_xsk_csum_fits(const struct hwl_xsk_frame *frame)
{
	u32 at = frame->start + frame->field;

	return frame->start >= ETH_HLEN + sizeof(struct iphdr) &&
	       at <= HWL_CTX_OFFSET_MAX && at + sizeof(__sum16) <= frame->len &&
	       (frame->field == offsetof(struct tcphdr, check) ||
		frame->field == offsetof(struct udphdr, check));
}

/* Read what a frame with XDP_TX_METADATA asks for. Return: false if it cannot be had. */
static noinline bool hwl_xsk_read_meta(struct xsk_buff_pool *pool,
				       struct hwl_xsk_frame *frame)
{
	frame->meta = xsk_buff_get_metadata(pool, frame->desc->addr,
					    frame->desc->options);
	if (!frame->meta)
		return true;
	/* The stamp would be written to the frame, or behind it. */
	if (unlikely(pool->tx_metadata_len < HWL_XSK_META_MIN))
		return false;
	xsk_tx_metadata_request(pool, &frame->meta, &hwl_xsk_metadata_ops, frame);
	return !frame->csum || hwl_xsk_csum_fits(frame);
}

/* The network header: where it is, and which. Of a VLAN's frame the tag is in the data. */
static void hwl_xsk_l3(struct hwl_tx_ctx *ctx, const u8 *data, u32 len)
{
	__be16 proto = 0;

	ctx->l3 = ETH_HLEN;
	if (likely(len >= VLAN_ETH_HLEN))
		proto = get_unaligned((__be16 *)(data + ETH_HLEN - sizeof(proto)));
	if (eth_type_vlan(proto)) {
		proto = get_unaligned((__be16 *)(data + VLAN_ETH_HLEN - sizeof(proto)));
		ctx->l3 = VLAN_ETH_HLEN;
	}
	ctx->ipv4 = proto == htons(ETH_P_IP);
}

static void hwl_xsk_put_ctx(struct hwl_tx_cursor *cur, const struct hwl_xsk_frame *frame)
{
	struct hwl_tx_ctx ctx = {
		.l4	= frame->start,
		.csum	= frame->start + frame->field,
		.tcp	= frame->field == offsetof(struct tcphdr, check),
	};

	hwl_xsk_l3(&ctx, xsk_buff_raw_get_data(cur->txq->xsk, frame->desc->addr),
		   frame->desc->len);
	hwl_tx_put_ctx(cur, &ctx);
}

/* The checksum of a frame that was copied: see hwl_tx_csum_fits() for padded ones. */
static void hwl_xsk_csum(u8 *data, const struct hwl_xsk_frame *frame)
{
	__sum16 sum = csum_fold(csum_partial(data + frame->start,
					     frame->len - frame->start, 0));

	put_unaligned(sum ?: CSUM_MANGLED_0,
		      (__sum16 *)(data + frame->start + frame->field));
}

/* Ask for a stamp; where there is none to be had, say so. */
static void hwl_xsk_claim(struct hwl_tx_cursor *cur, struct hwl_xsk_frame *frame)
{
	struct hwl_txq *txq = cur->txq;
	struct hwl_xsk_stamp *stamp = &txq->xsk_stamp;

	/* A stamp that has come, and that the poll has not told yet, is in the way. */
	frame->stamp = hwl_stamp_tx_claim(txq->ad, READ_ONCE(stamp->state) ==
						   HWL_XSK_STAMP_NONE);
	if (frame->stamp) {
		cur->upper |= HWL_TXD_UP_TSTAMP;
		xsk_tx_metadata_to_compl(frame->meta, &stamp->compl);
	} else {
		WRITE_ONCE(frame->meta->completion.tx_timestamp, 0);
	}
}

/* ---- Fill ---- */

/* Frames that the device must not get. @n: buffers, @len: bytes in all. */
static bool hwl_xsk_sendable(u32 n, u32 len)
{
	return n <= HWL_XSK_MAX_SEGS && len >= ETH_HLEN && len <= HWL_TX_XDP_MAX;
}

/* Find the buffers of the frame that begins with @desc. */
static void hwl_xsk_begin(struct hwl_xsk_frame *frame, const struct xdp_desc *desc,
			  u32 left)
{
	u32 n = 0, bytes = 0;

	do
		bytes += desc[n].len;
	while ((desc[n++].options & XDP_PKT_CONTD) && n < left);
	*frame = (struct hwl_xsk_frame){ .desc = desc, .n = n, .len = bytes };
}

/* Put a frame of user space into the ring. */
static void hwl_xsk_put(struct hwl_txq *txq, struct hwl_xsk_frame *frame)
{
	const struct xdp_desc *desc = frame->desc;
	struct xsk_buff_pool *pool = txq->xsk;
	struct hwl_tx_cursor cur;
	dma_addr_t dma;
	u32 i, at = 0;
	u8 *slot;

	hwl_tx_begin(&cur, txq);
	if (unlikely(frame->stamp))
		hwl_xsk_claim(&cur, frame);
	if (unlikely(frame->len < ETH_ZLEN)) {
		slot = hwl_tx_slot(&cur, &dma);
		for (i = 0; i < frame->n; at += desc[i++].len)
			memcpy(slot + at,
			       xsk_buff_raw_get_data(pool, desc[i].addr), desc[i].len);
		if (frame->csum)
			hwl_xsk_csum(slot, frame);
		hwl_tx_put_slot(&cur, slot, dma, frame->len);
	} else {
		if (unlikely(frame->csum))
			hwl_xsk_put_ctx(&cur, frame);
		for (i = 0; i < frame->n; i++) {
			dma = xsk_buff_raw_get_dma(pool, desc[i].addr);
			xsk_buff_raw_dma_sync_for_device(pool, dma, desc[i].len);
			hwl_tx_put(&cur, dma, desc[i].len, HWL_TX_MAP_NONE);
		}
	}
	hwl_tx_end(&cur, false);
	if (unlikely(frame->stamp))
		hwl_stamp_tx_begin(txq, NULL, cur.prod);
	cur.first->frames = frame->frames;
	txq->xsk_last = txq->slot;
	txq->xsk_pending += frame->frames;
	hwl_txq_publish(&cur, frame->stamp ? HWL_TX_XSK_STAMP : HWL_TX_XSK,
			max_t(u32, frame->len, ETH_ZLEN), 1);
}

/* ---- Send ---- */

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
	u32 n, i, skipped = 0, drops = 0;
	struct hwl_xsk_frame frame;
	bool cut;

	n = xsk_tx_peek_release_desc_batch(pool, max);
	for (i = 0; i < n; i += frame.n) {
		hwl_xsk_begin(&frame, &pool->tx_descs[i], n - i);
		skipped += frame.n;
		cut = txq->xsk_cut;
		txq->xsk_cut = frame.desc[frame.n - 1].options & XDP_PKT_CONTD;
		if (unlikely(cut || txq->xsk_cut || !hwl_xsk_sendable(frame.n, frame.len) ||
			     (frame.desc->options & XDP_TX_METADATA &&
			      !hwl_xsk_read_meta(pool, &frame)))) {
			drops++;
			continue;
		}
		frame.frames = skipped;
		hwl_xsk_put(txq, &frame);
		skipped = 0;
	}
	if (unlikely(drops))
		hwl_xdp_count_drops(txq, drops);
	if (unlikely(skipped && txq->xsk_pending)) {
		txq->ring.buf[txq->xsk_last].frames += skipped;
		txq->xsk_pending += skipped;
	} else if (unlikely(skipped)) {
		hwl_xsk_complete(txq, skipped);
	}
	return n;
}

/* Descriptors that a frame takes for each buffer: a context, or a second one where
 * HWL_TX_DATA_MAX splits the longest. The last bytes may have one more, once a batch.
 */
#define HWL_XSK_PER_BUFFER	(2 + (PAGE_SIZE > HWL_TX_DATA_MAX))

/* Buffers for which there is room. The longest frame must fit, or it never would. */
static u32 hwl_xsk_room(const struct hwl_txq *txq)
{
	u32 need = HWL_TX_START + HWL_XSK_PER_BUFFER * HWL_XSK_MAX_SEGS + 1;
	u32 unused = hwl_txq_unused(txq);

	if (unused < need)
		return 0;
	return min_t(u32, (unused - HWL_TX_START - 1) / HWL_XSK_PER_BUFFER, HWL_XSK_BATCH);
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

	if (unlikely(txq->xsk_holds))
		hwl_xsk_release(txq);
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
