// SPDX-License-Identifier: GPL-2.0
/*
 * Receive path: refill, clean, and build an skb.
 *
 * One NAPI instance owns the queue, so there is no lock. Buffers are fragments
 * of pages of a page_pool, mapped for as long as they circulate; the ring's
 * geometry (hwl_queue.h) says what is in one. A frame is gathered in an
 * xdp_buff whose fragments live in the first buffer's shared info, which is the
 * form that an XDP program takes and that becomes an skb without a copy.
 *
 * Nothing that the device writes is trusted: a length is checked against the
 * buffer, a chain against what an skb can hold, and no descriptor is looked at
 * that was not posted.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/prefetch.h>
#include <net/page_pool/helpers.h>

#include "hwl.h"
#include "hwl_copy.h"
#include "hwl_rx.h"
#include "hwl_stamp.h"
#include "hwl_trace.h"
#include "hwl_xdp.h"
#include "hwl_xsk.h"

/* What a poll goes by, and its counters, added to the queue's at its end. */
struct hwl_rx_work {
	struct bpf_prog *prog;
	u32 packets;
	u32 bytes;
	u32 csum_good;
	u32 csum_none;
	u32 csum_bad;
};

static void hwl_rxq_count(struct hwl_rxq *rxq, u64_stats_t *counter)
{
	u64_stats_update_begin(&rxq->stats.syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&rxq->stats.syncp);
}

/* ---- Refill ---- */

static void hwl_rxq_kick(struct hwl_rxq *rxq)
{
	trace_hwl_rx_refill(rxq, rxq->prod - rxq->kicked);
	rxq->kicked = rxq->prod;
	/* Orders the descriptors before the doorbell. */
	writel(rxq->slot, rxq->tail);
}

/**
 * hwl_rxq_refill() - post buffers, in batches of HWL_RX_BATCH
 * @rxq: the queue
 *
 * The doorbell is rung once, for a batch or more: of fresh buffers, and those
 * that were posted again.
 *
 * Context: NAPI, or the queue is not up.
 * Return: false if memory ran out and fewer than a batch are with the device:
 * no interrupt may come to try again.
 */
bool hwl_rxq_refill(struct hwl_rxq *rxq)
{
	struct hwl_rx_ring *ring = &rxq->ring;
	bool ok = true;
	u32 n;

	n = hwl_ring_unused(rxq->prod, rxq->cons, ring->count);
	n = round_down(n, HWL_RX_BATCH);
	/* With pages where user space has no buffers: see hwl_xsk.c. */
	if (unlikely(READ_ONCE(rxq->xsk)) && n)
		n -= hwl_xsk_fill(rxq, n);
	for (; n; n--) {
		if (unlikely(!hwl_rx_buf_alloc(ring, rxq->slot,
					       GFP_ATOMIC | __GFP_NOWARN))) {
			hwl_rxq_count(rxq, &rxq->stats.alloc_fail);
			/* The device does not have what was not kicked. */
			ok = hwl_ring_used(rxq->kicked, rxq->cons) >= HWL_RX_BATCH;
			break;
		}
		rxq->slot = hwl_ring_next(rxq->slot, ring->count);
		rxq->prod++;
	}
	if (rxq->prod - rxq->kicked >= HWL_RX_BATCH || unlikely(!ok))
		hwl_rxq_kick(rxq);
	return ok;
}

/* ---- Frames under assembly ---- */

/* In NAPI: straight into the cache of the pool. */
static void hwl_rx_put_buf(struct hwl_rxq *rxq, void *buf)
{
	page_pool_put_full_page(rxq->ring.pool, virt_to_page(buf), true);
}

/* Give the buffers of the frame under assembly back. */
static void hwl_rx_drop_frame(struct hwl_rxq *rxq, bool napi)
{
	struct xdp_buff *xdp = &rxq->xdp;

	if (!xdp->data)
		return;
	if (unlikely(rxq->xsk_head)) {
		xsk_buff_free(rxq->xsk_head);
		rxq->xsk_head = NULL;
	} else {
		hwl_rx_bufs_free(rxq->ring.pool, xdp->data,
				 xdp_buff_has_frags(xdp) ?
				 xdp_get_shared_info_from_buff(xdp) : NULL, napi);
	}
	xdp->data = NULL;
}

static void hwl_rx_first(struct hwl_rxq *rxq, void *buf, u32 len)
{
	xdp_init_buff(&rxq->xdp, rxq->ring.frame_sz, &rxq->xdp_rxq);
	xdp_prepare_buff(&rxq->xdp, buf, rxq->ring.headroom, len, true);
}

/* Return: false when the frame has more buffers than an skb can hold. */
static bool hwl_rx_next(struct hwl_rxq *rxq, void *buf, u32 len)
{
	struct skb_shared_info *sinfo = xdp_get_shared_info_from_buff(&rxq->xdp);
	struct page *page = virt_to_page(buf);

	if (!xdp_buff_has_frags(&rxq->xdp)) {
		xdp_buff_set_frags_flag(&rxq->xdp);
		sinfo->nr_frags = 0;
		sinfo->xdp_frags_size = 0;
	}
	if (unlikely(sinfo->nr_frags == MAX_SKB_FRAGS))
		return false;
	skb_frag_fill_page_desc(&sinfo->frags[sinfo->nr_frags++], page,
				offset_in_page(buf) + rxq->ring.headroom, len);
	sinfo->xdp_frags_size += len;
	if (unlikely(page_is_pfmemalloc(page)))
		xdp_buff_set_frag_pfmemalloc(&rxq->xdp);
	return true;
}

/* ---- From a frame to an skb ---- */

/* Post a buffer again whose bytes are not needed any more, without a detour
 * through its pool. A page of the emergency reserve does not stay, nor does one
 * that makes room for a buffer of user space.
 */
static void hwl_rx_repost(struct hwl_rxq *rxq, void *buf)
{
	struct hwl_rx_ring *ring = &rxq->ring;
	struct page *page = virt_to_page(buf);

	if (unlikely(page_is_pfmemalloc(page) || READ_ONCE(rxq->xsk))) {
		hwl_rx_put_buf(rxq, buf);
		return;
	}
	dma_sync_single_range_for_device(ring->pool->p.dev,
					 page_pool_get_dma_addr(page),
					 offset_in_page(buf) + ring->headroom,
					 ring->buf_len, ring->pool->p.dma_dir);
	hwl_rx_buf_post(ring, rxq->slot, page, buf);
	rxq->slot = hwl_ring_next(rxq->slot, ring->count);
	rxq->prod++;
}

/* A small frame is copied into a head of its size: its buffer is posted again
 * at once, and the socket is not charged for all of it.
 * Heads are fragments of pages that circulate, too: unlike those of the slab,
 * they are not cleared each time.
 */
static struct sk_buff *hwl_rx_copy(struct hwl_rxq *rxq, u32 len)
{
	u32 room = NET_SKB_PAD + NET_IP_ALIGN;
	unsigned int size = SKB_HEAD_ALIGN(room + len);
	struct page_pool *heads = rxq->ring.heads;
	struct xdp_buff *xdp = &rxq->xdp;
	struct sk_buff *skb;
	void *head;

	head = page_pool_dev_alloc_va(heads, &size);
	if (unlikely(!head))
		return NULL;
	skb = napi_build_skb(head, size);
	if (unlikely(!skb)) {
		page_pool_free_va(heads, head, true);
		return NULL;
	}
	skb_mark_for_recycle(skb);
	skb_reserve(skb, room);
	hwl_copy_small(__skb_put(skb, len), xdp->data, len);
	hwl_rx_repost(rxq, xdp->data_hard_start);
	return skb;
}

/* @meta: bytes that an XDP program has put before the frame. */
static struct sk_buff *hwl_rx_build(struct hwl_rxq *rxq, u32 meta)
{
	struct xdp_buff *xdp = &rxq->xdp;
	struct skb_shared_info *sinfo;
	u32 nr_frags = 0, frags_size = 0;
	struct sk_buff *skb;

	if (xdp_buff_has_frags(xdp)) {
		/* Read first: building the skb clears the head of this area. */
		sinfo = xdp_get_shared_info_from_buff(xdp);
		nr_frags = sinfo->nr_frags;
		frags_size = sinfo->xdp_frags_size;
	}

	skb = napi_build_skb(xdp->data_hard_start, xdp->frame_sz);
	if (unlikely(!skb))
		return NULL;
	skb_mark_for_recycle(skb);
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (unlikely(meta))
		skb_metadata_set(skb, meta);
	if (nr_frags) {
		skb_shinfo(skb)->nr_frags = nr_frags;
		/* Some kernels keep xdp_frags_size in the same place. */
		skb_shinfo(skb)->destructor_arg = NULL;
		skb->data_len = frags_size;
		skb->len += frags_size;
		skb->truesize += nr_frags * xdp->frame_sz;
		skb->pfmemalloc |= !!(xdp->flags & XDP_FLAGS_FRAGS_PF_MEMALLOC);
	}
	return skb;
}

static void hwl_rx_fill_csum(struct sk_buff *skb, u32 status,
			     struct hwl_rx_work *work)
{
	switch (hwl_rx_csum(status)) {
	case HWL_RX_CSUM_GOOD:
		skb->ip_summed = CHECKSUM_UNNECESSARY;
		work->csum_good++;
		return;
	case HWL_RX_CSUM_BAD:
		/* The stack checks again, and counts for the protocol. */
		work->csum_bad++;
		return;
	case HWL_RX_CSUM_NONE:
		work->csum_none++;
		return;
	}
}

static void hwl_rx_fill_hash(struct sk_buff *skb, u32 mrq, u32 hash)
{
	switch (FIELD_GET(HWL_RXD_MRQ_TYPE, mrq)) {
	case HWL_RSS_TCP_IPV4:
	case HWL_RSS_TCP_IPV6EX:
		skb_set_hash(skb, hash, PKT_HASH_TYPE_L4);
		break;
	case HWL_RSS_IPV4:
	case HWL_RSS_IPV6EX:
	case HWL_RSS_IPV6:
		skb_set_hash(skb, hash, PKT_HASH_TYPE_L3);
		break;
	}
}

/*
 * Have the XDP program decide on the frame under assembly, or one in a buffer of user
 * space. Return: true if it goes up; @moved, if it is not what the device has seen any
 * more.
 */
static noinline bool hwl_rx_xdp(struct hwl_rxq *rxq, struct xdp_buff *xdp,
				const union hwl_rx_desc *desc,
				struct hwl_rx_work *work, bool *moved)
{
	u32 len = xdp_get_buff_len(xdp);
	void *data = xdp->data;

	switch (hwl_xdp_run(rxq, work->prog, xdp, desc)) {
	case HWL_XDP_TO_STACK:
		*moved = xdp->data != data || xdp_get_buff_len(xdp) != len;
		return true;
	case HWL_XDP_DISCARD:
		if (xdp == &rxq->xdp)
			hwl_rx_drop_frame(rxq, true);
		else
			xsk_buff_free(xdp);
		break;
	case HWL_XDP_CONSUMED:
		rxq->xdp.data = NULL;
		break;
	}
	work->packets++;
	work->bytes += len;
	return false;
}

/* Hand an skb to the stack. @moved: checksums by the device do not hold for it. */
static void hwl_rx_hand_up(struct hwl_rxq *rxq, struct sk_buff *skb,
			   const union hwl_rx_desc *desc, u32 status, bool moved,
			   struct hwl_rx_work *work)
{
	struct net_device *netdev = rxq->ad->netdev;
	netdev_features_t features = netdev->features;

	if (features & NETIF_F_RXCSUM && !moved)
		hwl_rx_fill_csum(skb, status, work);
	else
		work->csum_none++;
	if (features & NETIF_F_RXHASH)
		hwl_rx_fill_hash(skb, le32_to_cpu(desc->wb.mrq),
				 le32_to_cpu(desc->wb.hash));
	if (status & HWL_RXD_VP)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q),
				       le16_to_cpu(desc->wb.vlan));
	if (unlikely(status & HWL_RXD_TST))
		skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(rxq->stamp);

	work->packets++;
	work->bytes += skb->len;
	skb_record_rx_queue(skb, rxq->index);
	skb->protocol = eth_type_trans(skb, netdev);
	napi_gro_receive(rxq->napi, skb);
}

/* The frame is whole: hand it to the stack. @desc is its last descriptor. */
static void hwl_rx_deliver(struct hwl_rxq *rxq, const union hwl_rx_desc *desc,
			   u32 status, struct hwl_rx_work *work)
{
	bool moved = false;
	struct sk_buff *skb;
	u32 meta = 0;
	u32 len;

	if (unlikely(status & HWL_RXD_TST))
		rxq->stamp = hwl_stamp_rx(rxq->ad);
	if (unlikely(work->prog)) {
		if (!hwl_rx_xdp(rxq, &rxq->xdp, desc, work, &moved))
			return;
		meta = rxq->xdp.data - rxq->xdp.data_meta;
	}
	len = xdp_get_buff_len(&rxq->xdp);
	if (len <= HWL_RX_COPYBREAK && !xdp_buff_has_frags(&rxq->xdp) && !meta)
		skb = hwl_rx_copy(rxq, len);
	else
		skb = hwl_rx_build(rxq, meta);
	if (unlikely(!skb)) {
		hwl_rxq_count(rxq, &rxq->stats.no_skb);
		hwl_rx_drop_frame(rxq, true);
		return;
	}
	rxq->xdp.data = NULL;
	hwl_rx_hand_up(rxq, skb, desc, status, moved, work);
}

/* The same for a frame in a buffer of user space: what goes up is a copy. */
static void hwl_rx_deliver_xsk(struct hwl_rxq *rxq, const union hwl_rx_desc *desc,
			       struct xdp_buff *xdp, u32 status,
			       struct hwl_rx_work *work)
{
	bool moved = false;
	struct sk_buff *skb;

	if (unlikely(status & HWL_RXD_TST))
		rxq->stamp = hwl_stamp_rx(rxq->ad);
	if (likely(work->prog) && !hwl_rx_xdp(rxq, xdp, desc, work, &moved))
		return;
	skb = hwl_xsk_copy(rxq, xdp);
	xsk_buff_free(xdp);
	if (likely(skb))
		hwl_rx_hand_up(rxq, skb, desc, status, moved, work);
	else
		hwl_rxq_count(rxq, &rxq->stats.no_skb);
}

/* ---- Frames that do not reach the stack ---- */

static void hwl_rx_count_error(struct hwl_rxq *rxq, u32 status)
{
	struct hwl_rxq_stats *stats = &rxq->stats;

	if (status & HWL_RXD_CE)
		hwl_rxq_count(rxq, &stats->err_crc);
	else if (status & HWL_RXD_SE)
		hwl_rxq_count(rxq, &stats->err_symbol);
	else if (status & HWL_RXD_SEQ)
		hwl_rxq_count(rxq, &stats->err_sequence);
	else if (status & HWL_RXD_CXE)
		hwl_rxq_count(rxq, &stats->err_carrier);
	else
		hwl_rxq_count(rxq, &stats->err_data);
}

/* Throw the frame away, with what is still to come of it. */
static void hwl_rx_reject(struct hwl_rxq *rxq, u32 status, u64_stats_t *why)
{
	if (why)
		hwl_rxq_count(rxq, why);
	else
		hwl_rx_count_error(rxq, status);
	hwl_rx_drop_frame(rxq, true);
	hwl_stamp_rx_drop(rxq->ad, status);
	rxq->discard = !(status & HWL_RXD_EOP);
}

/* A whole frame must fit the MTU, with a tag that may have been stripped. */
static bool hwl_rx_fits(struct hwl_rxq *rxq, u32 len, u32 status)
{
	if (status & HWL_RXD_VP)
		len += VLAN_HLEN;
	if (!(rxq->ad->netdev->features & NETIF_F_RXFCS))
		len += ETH_FCS_LEN;
	return len <= READ_ONCE(rxq->ad->hw.rx.max_frame);
}

/* ---- Clean ---- */

/*
 * Take one descriptor that the device wrote back. The buffer is the frame's or
 * back in the pool afterwards.
 *
 * Return: what counts against the budget: 1 when a frame ended here. So does
 * each descriptor that is thrown away, lest a chain without an end keep the
 * poll for good.
 */
static int hwl_rx_take(struct hwl_rxq *rxq, const union hwl_rx_desc *desc,
		       void *buf, u32 status, struct hwl_rx_work *work)
{
	const struct hwl_rx_ring *ring = &rxq->ring;
	u32 len = le16_to_cpu(READ_ONCE(desc->wb.len));
	bool eop = status & HWL_RXD_EOP;

	if (unlikely(rxq->discard)) {
		hwl_rx_put_buf(rxq, buf);
		hwl_stamp_rx_drop(rxq->ad, status);
		rxq->discard = !eop;
		return 1;
	}

	/* A last buffer without a byte held the FCS alone, stripped. */
	if (unlikely(len > ring->buf_len || (!len && !(eop && rxq->xdp.data)))) {
		hwl_rx_put_buf(rxq, buf);
		hwl_rx_reject(rxq, status, &rxq->stats.err_desc);
		return 1;
	}

	page_pool_dma_sync_for_cpu(ring->pool, virt_to_page(buf),
				   offset_in_page(buf), len);
	if (likely(!rxq->xdp.data)) {
		prefetch(buf + ring->headroom);
		hwl_rx_first(rxq, buf, len);
	} else if (unlikely(rxq->xsk_head)) {
		hwl_rx_put_buf(rxq, buf);
		hwl_rx_reject(rxq, status, &rxq->stats.no_skb);
		return 1;
	} else if (unlikely(!len)) {
		hwl_rx_put_buf(rxq, buf);
	} else if (unlikely(!hwl_rx_next(rxq, buf, len))) {
		hwl_rx_put_buf(rxq, buf);
		hwl_rx_reject(rxq, status, &rxq->stats.err_desc);
		return 1;
	}
	if (!eop)
		return 0;

	if (unlikely(status & HWL_RXD_FRAME_ERR) &&
	    !(rxq->ad->netdev->features & NETIF_F_RXALL))
		hwl_rx_reject(rxq, status, NULL);
	else if (unlikely(!hwl_rx_fits(rxq, xdp_get_buff_len(&rxq->xdp), status)))
		hwl_rx_reject(rxq, status, &rxq->stats.err_long);
	else if (unlikely(rxq->xdp.data_end - rxq->xdp.data < ETH_HLEN))
		/* The header is in one buffer, however long the frame is. */
		hwl_rx_reject(rxq, status, &rxq->stats.err_desc);
	else
		hwl_rx_deliver(rxq, desc, status, work);
	return 1;
}

/*
 * The same for a buffer of user space. A frame of which a part came to a page is
 * dropped: that is the price of never leaving the ring without buffers.
 */
static noinline int hwl_rx_take_xsk(struct hwl_rxq *rxq, const union hwl_rx_desc *desc,
				    struct xdp_buff *xdp, u32 status,
				    struct hwl_rx_work *work)
{
	u32 len = le16_to_cpu(READ_ONCE(desc->wb.len));
	bool eop = status & HWL_RXD_EOP;
	u64_stats_t *why;

	if (unlikely(rxq->discard)) {
		rxq->discard = !eop;
		hwl_stamp_rx_drop(rxq->ad, status);
		xsk_buff_free(xdp);
		return 1;
	}
	why = hwl_xsk_add(rxq, xdp, len, eop);
	if (unlikely(why)) {
		xsk_buff_free(xdp);
		hwl_rx_reject(rxq, status, why);
		return 1;
	}
	if (!eop)
		return 0;

	xdp = rxq->xsk_head;
	if (unlikely(status & HWL_RXD_FRAME_ERR) &&
	    !(rxq->ad->netdev->features & NETIF_F_RXALL)) {
		hwl_rx_reject(rxq, status, NULL);
	} else if (unlikely(!hwl_rx_fits(rxq, xdp_get_buff_len(xdp), status))) {
		hwl_rx_reject(rxq, status, &rxq->stats.err_long);
	} else if (unlikely(xdp->data_end - xdp->data < ETH_HLEN)) {
		hwl_rx_reject(rxq, status, &rxq->stats.err_desc);
	} else {
		rxq->xsk_head = NULL;
		rxq->xdp.data = NULL;
		hwl_rx_deliver_xsk(rxq, desc, xdp, status, work);
	}
	return 1;
}

/**
 * hwl_rxq_clean() - take frames up to the budget, and post new buffers
 * @rxq: the queue
 * @budget: number of frames
 *
 * Context: NAPI.
 * Return: number of frames taken.
 */
int hwl_rxq_clean(struct hwl_rxq *rxq, int budget)
{
	struct hwl_rx_ring *ring = &rxq->ring;
	struct hwl_rx_work work = { .prog = READ_ONCE(rxq->prog) };
	u32 low = ring->count / 2;
	union hwl_rx_desc *desc;
	int done = 0;
	u32 status;
	void *buf;

	while (done < budget && rxq->cons != rxq->kicked) {
		desc = &ring->desc[rxq->cslot];
		status = le32_to_cpu(READ_ONCE(desc->wb.status));
		if (!(status & HWL_RXD_DD))
			break;
		/* DD before the rest of the descriptor and the data. */
		dma_rmb();

		buf = ring->buf[rxq->cslot];
		rxq->cslot = hwl_ring_next(rxq->cslot, ring->count);
		rxq->cons++;
		done += likely(!hwl_xsk_is_buf(buf)) ?
			hwl_rx_take(rxq, desc, buf, status, &work) :
			hwl_rx_take_xsk(rxq, desc, hwl_xsk_from_buf(buf), status,
					&work);

		/* Do not let a small ring run dry under a large budget. */
		if (unlikely(hwl_ring_used(rxq->kicked, rxq->cons) < low))
			hwl_rxq_refill(rxq);
	}

	u64_stats_update_begin(&rxq->stats.syncp);
	u64_stats_add(&rxq->stats.packets, work.packets);
	u64_stats_add(&rxq->stats.bytes, work.bytes);
	u64_stats_add(&rxq->stats.csum_good, work.csum_good);
	u64_stats_add(&rxq->stats.csum_none, work.csum_none);
	u64_stats_add(&rxq->stats.csum_bad, work.csum_bad);
	u64_stats_update_end(&rxq->stats.syncp);
	return done;
}

/**
 * hwl_rxq_drain() - take all buffers back, and start over
 * @rxq: the queue
 *
 * Context: process; no NAPI is running, and the device no longer writes.
 */
void hwl_rxq_drain(struct hwl_rxq *rxq)
{
	u32 slot = rxq->cslot;

	hwl_rx_drop_frame(rxq, false);
	while (rxq->cons != rxq->prod) {
		void *buf = rxq->ring.buf[slot];

		if (hwl_xsk_is_buf(buf))
			xsk_buff_free(hwl_xsk_from_buf(buf));
		else
			page_pool_put_full_page(rxq->ring.pool, virt_to_page(buf),
						false);
		slot = hwl_ring_next(slot, rxq->ring.count);
		rxq->cons++;
	}
	memset(rxq->ring.buf, 0, rxq->ring.count * sizeof(*rxq->ring.buf));
	rxq->prod = 0;
	rxq->cons = 0;
	rxq->slot = 0;
	rxq->cslot = 0;
	rxq->kicked = 0;
	rxq->discard = false;
}
