// SPDX-License-Identifier: GPL-2.0
/*
 * XDP: run the program, carry its verdict out, and send XDP frames.
 *
 * A program is a pointer in each receive queue, which the poll reads once. The
 * rings of an interface with a program have buffers with headroom, mapped in
 * both directions (HWL_RX_XDP), so to replace or detach one is a store.
 *
 * XDP frames share the transmit rings with the stack, under its transmit lock
 * and by the same fill path. They are not in BQL, and they leave as many
 * descriptors as it takes to wake a queue, plus their own: whatever they do, a
 * queue is stopped by skbs alone, and woken when those are done.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <net/page_pool/helpers.h>
#include <net/xdp_sock_drv.h>

#include "hwl.h"
#include "hwl_copy.h"
#include "hwl_txfill.h"
#include "hwl_xdp.h"

/* ---- Programs ---- */

/**
 * hwl_xdp_prog_fits() - can a program take all frames of an MTU?
 * @prog: the program
 * @mtu: the MTU
 *
 * Context: any.
 * Return: false if there are frames in several buffers, and the program wants one.
 */
bool hwl_xdp_prog_fits(const struct bpf_prog *prog, int mtu)
{
	return prog->aux->xdp_has_frags || mtu + HWL_FRAME_OVERHEAD <= HWL_RX_BUF_LEN;
}

/**
 * hwl_xdp_set_prog() - let the polls run a program
 * @ad: the device; with a program, its rings are HWL_RX_XDP
 * @prog: the program, with a reference that is ours now; NULL for none
 *
 * Polls run under RCU: the old one is freed when none can be using it.
 *
 * Context: process, rtnl held.
 */
void hwl_xdp_set_prog(struct hwl_adapter *ad, struct bpf_prog *prog)
{
	struct bpf_prog *old = ad->xdp_prog;
	u32 q;

	ad->xdp_prog = prog;
	for (q = 0; q < ad->num_pairs; q++)
		WRITE_ONCE(ad->pair[q]->rxq.prog, prog);
	if (old)
		bpf_prog_put(old);
}

/* ---- Send ---- */

/* A buffer of the pair's own pool: it is mapped in both directions. */
static void hwl_xdp_put_own(struct hwl_tx_cursor *cur, struct page *page, u32 off,
			    u32 len)
{
	dma_addr_t dma = page_pool_get_dma_addr(page) + off;

	dma_sync_single_for_device(cur->txq->dev, dma, len, DMA_BIDIRECTIONAL);
	hwl_tx_put(cur, dma, len, HWL_TX_MAP_NONE);
}

static void hwl_xdp_put_own_frame(struct hwl_tx_cursor *cur, struct xdp_frame *frame)
{
	struct skb_shared_info *sinfo;
	int i;

	hwl_xdp_put_own(cur, virt_to_page(frame->data), offset_in_page(frame->data),
			frame->len);
	if (!xdp_frame_has_frags(frame))
		return;
	sinfo = xdp_get_shared_info_from_frame(frame);
	for (i = 0; i < sinfo->nr_frags; i++)
		hwl_xdp_put_own(cur, skb_frag_page(&sinfo->frags[i]),
				skb_frag_off(&sinfo->frags[i]),
				skb_frag_size(&sinfo->frags[i]));
}

/* A frame of another device, whose fragments may be anywhere. */
static int hwl_xdp_map_frame(struct hwl_tx_cursor *cur, struct xdp_frame *frame)
{
	struct device *dev = cur->txq->dev;
	struct skb_shared_info *sinfo;
	dma_addr_t dma;
	int i;

	dma = dma_map_single(dev, frame->data, frame->len, DMA_TO_DEVICE);
	if (unlikely(dma_mapping_error(dev, dma)))
		return -ENOMEM;
	hwl_tx_put(cur, dma, frame->len, HWL_TX_MAP_SINGLE);
	if (!xdp_frame_has_frags(frame))
		return 0;
	sinfo = xdp_get_shared_info_from_frame(frame);
	for (i = 0; i < sinfo->nr_frags; i++) {
		skb_frag_t *frag = &sinfo->frags[i];

		dma = skb_frag_dma_map(dev, frag, 0, skb_frag_size(frag),
				       DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(dev, dma)))
			return -ENOMEM;
		hwl_tx_put(cur, dma, skb_frag_size(frag), HWL_TX_MAP_PAGE);
	}
	return 0;
}

/*
 * Copy a short frame to its slot, from all of its buffers: in several descriptors it
 * would not be padded (hwl_tx_put_slot()).
 */
static void hwl_xdp_gather(u8 *slot, struct xdp_frame *frame)
{
	struct skb_shared_info *sinfo;
	u32 len = frame->len;
	int i;

	if (likely(!xdp_frame_has_frags(frame))) {
		hwl_copy_small(slot, frame->data, len);
		return;
	}
	memcpy(slot, frame->data, len);
	sinfo = xdp_get_shared_info_from_frame(frame);
	for (i = 0; i < sinfo->nr_frags; i++) {
		memcpy(slot + len, skb_frag_address(&sinfo->frags[i]),
		       skb_frag_size(&sinfo->frags[i]));
		len += skb_frag_size(&sinfo->frags[i]);
	}
}

/*
 * Put a frame into the ring, unless it is none that the device can send or would
 * take descriptors that the stack may need. @own: of the pair's own pool.
 *
 * Return: 0 if the frame is the ring's now, 1 if only its bytes are and it is the
 * caller's to free, or a negative error code.
 */
static int hwl_xdp_put(struct hwl_txq *txq, struct xdp_frame *frame, bool own,
		       bool tagged, u32 vlan)
{
	u32 len = xdp_get_frame_len(frame);
	enum hwl_tx_type type;
	struct hwl_tx_cursor cur;
	u32 need = 2;
	dma_addr_t dma;
	u8 *slot;
	int err;

	if (unlikely(len < ETH_HLEN || len > HWL_TX_XDP_MAX))
		return -EINVAL;
	if (unlikely(xdp_frame_has_frags(frame)))
		need += xdp_get_shared_info_from_frame(frame)->nr_frags +
			len / HWL_TX_DATA_MAX;
	if (unlikely(hwl_txq_unused(txq) < HWL_TX_START + need))
		return -ENOSPC;

	hwl_tx_begin(&cur, txq);
	if (tagged) {
		cur.cmd |= HWL_TXD_VLE;
		cur.upper = vlan;
	}
	if (len <= HWL_TX_SLOT) {
		slot = hwl_tx_slot(&cur, &dma);
		hwl_xdp_gather(slot, frame);
		hwl_tx_put_slot(&cur, slot, dma, len);
		type = HWL_TX_COPIED;
	} else if (own) {
		hwl_xdp_put_own_frame(&cur, frame);
		type = HWL_TX_PAGES;
	} else {
		err = hwl_xdp_map_frame(&cur, frame);
		if (unlikely(err)) {
			hwl_tx_undo(&cur);
			return err;
		}
		type = HWL_TX_FRAME;
	}
	hwl_tx_end(&cur, false);
	cur.first->frame = frame;
	hwl_txq_publish(&cur, type, max(len, ETH_ZLEN), 1);
	return type == HWL_TX_COPIED;
}

/**
 * hwl_xdp_may_send() - may XDP send?
 * @ad: the device
 * @txq: the queue, which may have become inactive
 *
 * Context: transmit lock held, which hwl_stop() takes when it has set HWL_DOWN.
 * Return: false if the data path is down, or there is no link.
 */
bool hwl_xdp_may_send(const struct hwl_adapter *ad, const struct hwl_txq *txq)
{
	return !hwl_tx_wake_blocked(ad) && txq->index < ad->cfg.pairs &&
	       !hwl_removed(&ad->hw);
}

/**
 * hwl_xdp_count_drops() - count frames that were not taken
 * @txq: the queue
 * @drops: how many
 *
 * Context: transmit lock held.
 */
void hwl_xdp_count_drops(struct hwl_txq *txq, u32 drops)
{
	u64_stats_update_begin(&txq->pstats.syncp);
	u64_stats_add(&txq->pstats.xdp_drop, drops);
	u64_stats_update_end(&txq->pstats.syncp);
}

static void hwl_xdp_count(struct hwl_rxq *rxq, enum hwl_xdp_count id, u32 n)
{
	u64_stats_update_begin(&rxq->stats.syncp);
	u64_stats_add(&rxq->stats.xdp[id], n);
	u64_stats_update_end(&rxq->stats.syncp);
}

/* Put the frames that XDP_TX has gathered into the ring of the same pair. */
static void hwl_xdp_send(struct hwl_rxq *rxq, bool kick)
{
	struct hwl_pair *pair = container_of(rxq, struct hwl_pair, rxq);
	struct hwl_xdp_work *work = &rxq->xdp_work;
	struct hwl_txq *txq = &pair->txq;
	u32 i, sent = 0, drops;
	bool may;
	int ret;

	__netif_tx_lock(txq->nq, smp_processor_id());
	may = hwl_xdp_may_send(rxq->ad, txq);
	for (i = 0; i < work->ntx; i++) {
		struct hwl_xdp_tx *tx = &work->tx[i];

		ret = may ? hwl_xdp_put(txq, tx->frame, tx->own, tx->tagged, tx->vlan) :
			    -ENETDOWN;
		if (likely(ret >= 0))
			sent++;
		/* Not in the ring, or only its bytes. */
		if (ret && likely(tx->own))
			hwl_xdp_free(rxq, tx->frame, true);
		else if (ret)
			xdp_return_frame(tx->frame);
	}
	if (sent) {
		txq_trans_cond_update(txq->nq);
		work->kick = true;
	}
	drops = work->ntx - sent;
	if (unlikely(drops))
		hwl_xdp_count_drops(txq, drops);
	if (kick && work->kick) {
		if (may)
			hwl_txq_kick(txq);
		work->kick = false;
	}
	__netif_tx_unlock(txq->nq);

	trace_xdp_bulk_tx(rxq->ad->netdev, sent, drops, may ? 0 : -ENETDOWN);
	hwl_xdp_count(rxq, HWL_XDP_SENT, sent);
	if (unlikely(drops))
		hwl_xdp_count(rxq, HWL_XDP_ERRORS, drops);
	work->ntx = 0;
}

/**
 * hwl_xdp_xmit() - ndo_xdp_xmit
 * @netdev: interface
 * @n: number of frames
 * @frames: XDP frames, of any device
 * @flags: XDP_XMIT_*
 *
 * Context: BH disabled.
 * Return: how many of the first frames were taken, or a negative error code. The
 * caller frees the others.
 */
int hwl_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames,
		 u32 flags)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_txq *txq;
	int ret, sent;
	u32 cpu;

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	cpu = smp_processor_id();
	txq = &ad->pair[cpu % READ_ONCE(ad->cfg.pairs)]->txq;

	__netif_tx_lock(txq->nq, cpu);
	if (unlikely(!hwl_xdp_may_send(ad, txq))) {
		__netif_tx_unlock(txq->nq);
		return -ENETDOWN;
	}
	for (sent = 0; sent < n; sent++) {
		ret = hwl_xdp_put(txq, frames[sent], false, false, 0);
		if (unlikely(ret < 0))
			break;
		/* Its bytes are in the ring. */
		if (ret)
			xdp_return_frame(frames[sent]);
	}
	if (sent)
		txq_trans_cond_update(txq->nq);
	if (unlikely(sent != n))
		hwl_xdp_count_drops(txq, n - sent);
	if (flags & XDP_XMIT_FLUSH)
		hwl_txq_kick(txq);
	__netif_tx_unlock(txq->nq);
	return sent;
}

/* ---- Verdicts ---- */

/* A buffer of user space, of which the core would take no more than the first to make
 * a frame of it.
 */
static bool hwl_xdp_is_chain(const struct hwl_rxq *rxq, struct xdp_buff *xdp)
{
	return unlikely(xdp_buff_has_frags(xdp)) && xdp->rxq != &rxq->xdp_rxq;
}

static void hwl_xdp_free_copy(struct hwl_rxq *rxq, struct xdp_buff *copy)
{
	hwl_rx_bufs_free(rxq->ring.pool, copy->data_hard_start,
			 xdp_get_shared_info_from_buff(copy), true);
}

/*
 * Copy a frame in several buffers of user space to pages of the pair's own pool, one
 * for each. Return: 0, -ENOMEM, or -E2BIG if a page is too small for the first.
 */
static noinline int hwl_xdp_copy(struct hwl_rxq *rxq, struct xdp_buff *xdp,
				 struct xdp_buff *copy)
{
	const struct skb_shared_info *from = xdp_get_shared_info_from_buff(xdp);
	u32 meta = xdp->data - xdp->data_meta;
	u32 len = xdp->data_end - xdp->data;
	struct skb_shared_info *to;
	struct page *page;
	u32 i, size;

	if (unlikely(XDP_PACKET_HEADROOM + len > SKB_WITH_OVERHEAD(PAGE_SIZE)))
		return -E2BIG;
	page = page_pool_dev_alloc_pages(rxq->ring.pool);
	if (unlikely(!page))
		return -ENOMEM;
	xdp_init_buff(copy, PAGE_SIZE, &rxq->xdp_rxq);
	xdp_prepare_buff(copy, page_address(page), XDP_PACKET_HEADROOM, len, true);
	copy->data_meta -= meta;
	memcpy(copy->data_meta, xdp->data_meta, meta + len);

	xdp_buff_set_frags_flag(copy);
	to = xdp_get_shared_info_from_buff(copy);
	to->nr_frags = 0;
	to->xdp_frags_size = from->xdp_frags_size;
	for (i = 0; i < from->nr_frags; i++) {
		page = page_pool_dev_alloc_pages(rxq->ring.pool);
		if (unlikely(!page)) {
			hwl_xdp_free_copy(rxq, copy);
			return -ENOMEM;
		}
		size = skb_frag_size(&from->frags[i]);
		memcpy(page_address(page), skb_frag_address(&from->frags[i]), size);
		skb_frag_fill_page_desc(&to->frags[to->nr_frags++], page, 0, size);
		if (unlikely(page_is_pfmemalloc(page)))
			xdp_buff_set_frag_pfmemalloc(copy);
	}
	return 0;
}

/* Return: the frame, and @xdp is its or was freed; or NULL. */
static struct xdp_frame *hwl_xdp_to_frame(struct hwl_rxq *rxq, struct xdp_buff *xdp,
					  bool *own)
{
	struct xdp_frame *frame;
	struct xdp_buff copy;

	*own = xdp->rxq == &rxq->xdp_rxq;
	if (likely(!hwl_xdp_is_chain(rxq, xdp)))
		return xdp_convert_buff_to_frame(xdp);
	if (unlikely(hwl_xdp_copy(rxq, xdp, &copy)))
		return NULL;
	frame = xdp_convert_buff_to_frame(&copy);
	if (unlikely(!frame)) {
		hwl_xdp_free_copy(rxq, &copy);
		return NULL;
	}
	*own = true;
	xsk_buff_free(xdp);
	return frame;
}

/* To a socket the buffers themselves, to all others a copy of several. */
static int hwl_xdp_redirect(struct hwl_rxq *rxq, struct xdp_buff *xdp,
			    struct bpf_prog *prog)
{
	struct net_device *netdev = rxq->ad->netdev;
	struct xdp_buff copy;
	int err;

	if (likely(!hwl_xdp_is_chain(rxq, xdp)) ||
	    bpf_net_ctx_get_ri()->map_type == BPF_MAP_TYPE_XSKMAP)
		return xdp_do_redirect(netdev, xdp, prog);
	err = hwl_xdp_copy(rxq, xdp, &copy);
	if (unlikely(err))
		return err;
	err = xdp_do_redirect(netdev, &copy, prog);
	if (unlikely(err))
		hwl_xdp_free_copy(rxq, &copy);
	else
		xsk_buff_free(xdp);
	return err;
}

static enum hwl_xdp_verdict hwl_xdp_tx(struct hwl_rxq *rxq, struct xdp_buff *xdp,
				       const union hwl_rx_desc *desc)
{
	struct hwl_xdp_work *work = &rxq->xdp_work;
	struct hwl_xdp_tx *tx = &work->tx[work->ntx];
	struct xdp_frame *frame;

	/* The tag that the device has stripped goes back in; never without it. */
	tx->tagged = le32_to_cpu(desc->wb.status) & HWL_RXD_VP;
	if (unlikely(tx->tagged && !READ_ONCE(rxq->ad->vlan_offload)))
		return HWL_XDP_DISCARD;
	tx->vlan = FIELD_PREP(HWL_TXD_UP_VLAN, le16_to_cpu(desc->wb.vlan));
	frame = hwl_xdp_to_frame(rxq, xdp, &tx->own);
	if (unlikely(!frame))
		return HWL_XDP_DISCARD;
	tx->frame = frame;
	if (++work->ntx == HWL_XDP_BULK)
		hwl_xdp_send(rxq, false);
	return HWL_XDP_CONSUMED;
}

/**
 * hwl_xdp_run() - run a program on a frame, and carry its verdict out
 * @rxq: the queue
 * @prog: the program
 * @xdp: the frame, in a struct hwl_xdp_ctx
 * @desc: the frame's last descriptor
 *
 * Context: NAPI.
 * Return: what is left to be done.
 */
enum hwl_xdp_verdict hwl_xdp_run(struct hwl_rxq *rxq, struct bpf_prog *prog,
				 struct xdp_buff *xdp,
				 const union hwl_rx_desc *desc)
{
	struct hwl_xdp_ctx *ctx = container_of(xdp, struct hwl_xdp_ctx, xdp);
	struct net_device *netdev = rxq->ad->netdev;
	enum hwl_xdp_verdict verdict;
	u32 act;

	/* More than the MTU lets through, by rx-all. */
	if (unlikely(xdp_buff_has_frags(xdp) && !prog->aux->xdp_has_frags)) {
		trace_xdp_exception(netdev, prog, XDP_ABORTED);
		hwl_xdp_count(rxq, HWL_XDP_ERRORS, 1);
		return HWL_XDP_DISCARD;
	}

	ctx->xdp_desc = desc;
	ctx->xdp_owner = rxq;
	act = bpf_prog_run_xdp(prog, xdp);
	switch (act) {
	case XDP_PASS:
		hwl_xdp_count(rxq, HWL_XDP_PASSED, 1);
		return HWL_XDP_TO_STACK;
	case XDP_DROP:
		hwl_xdp_count(rxq, HWL_XDP_DROPPED, 1);
		return HWL_XDP_DISCARD;
	case XDP_TX:
		verdict = hwl_xdp_tx(rxq, xdp, desc);
		if (likely(verdict == HWL_XDP_CONSUMED))
			return verdict;
		break;
	case XDP_REDIRECT:
		if (unlikely(hwl_xdp_redirect(rxq, xdp, prog)))
			break;
		rxq->xdp_work.redirected = true;
		hwl_xdp_count(rxq, HWL_XDP_REDIRECTED, 1);
		return HWL_XDP_CONSUMED;
	default:
		bpf_warn_invalid_xdp_action(netdev, prog, act);
		fallthrough;
	case XDP_ABORTED:
		break;
	}
	trace_xdp_exception(netdev, prog, act);
	hwl_xdp_count(rxq, HWL_XDP_ERRORS, 1);
	return HWL_XDP_DISCARD;
}

/**
 * hwl_xdp_flush() - send and redirect what the poll has gathered
 * @rxq: the queue
 *
 * Context: NAPI, before napi_complete_done().
 */
void hwl_xdp_flush(struct hwl_rxq *rxq)
{
	struct hwl_xdp_work *work = &rxq->xdp_work;

	if (work->ntx || work->kick)
		hwl_xdp_send(rxq, true);
	if (work->redirected) {
		xdp_do_flush();
		work->redirected = false;
	}
}

/* ---- Hints ---- */

static const struct hwl_xdp_ctx *hwl_xdp_ctx(const struct xdp_md *ctx)
{
	return container_of((const struct xdp_buff *)ctx, struct hwl_xdp_ctx, xdp);
}

static int hwl_xdp_rx_hash(const struct xdp_md *ctx, u32 *hash,
			   enum xdp_rss_hash_type *type)
{
	const struct hwl_xdp_ctx *frame = hwl_xdp_ctx(ctx);
	const union hwl_rx_desc *desc = frame->xdp_desc;

	if (!(frame->xdp_owner->ad->netdev->features & NETIF_F_RXHASH))
		return -ENODATA;
	switch (FIELD_GET(HWL_RXD_MRQ_TYPE, le32_to_cpu(desc->wb.mrq))) {
	case HWL_RSS_TCP_IPV4:
		*type = XDP_RSS_TYPE_L4_IPV4_TCP;
		break;
	case HWL_RSS_TCP_IPV6EX:
		*type = XDP_RSS_TYPE_L4_IPV6_TCP_EX;
		break;
	case HWL_RSS_IPV4:
		*type = XDP_RSS_TYPE_L3_IPV4;
		break;
	case HWL_RSS_IPV6EX:
		*type = XDP_RSS_TYPE_L3_IPV6_EX;
		break;
	case HWL_RSS_IPV6:
		*type = XDP_RSS_TYPE_L3_IPV6;
		break;
	default:
		return -ENODATA;
	}
	*hash = le32_to_cpu(desc->wb.hash);
	return 0;
}

static int hwl_xdp_rx_vlan_tag(const struct xdp_md *ctx, __be16 *proto, u16 *tci)
{
	const union hwl_rx_desc *desc = hwl_xdp_ctx(ctx)->xdp_desc;

	if (!(le32_to_cpu(desc->wb.status) & HWL_RXD_VP))
		return -ENODATA;
	*proto = htons(ETH_P_8021Q);
	*tci = le16_to_cpu(desc->wb.vlan);
	return 0;
}

static int hwl_xdp_rx_timestamp(const struct xdp_md *ctx, u64 *timestamp)
{
	const struct hwl_xdp_ctx *frame = hwl_xdp_ctx(ctx);
	u64 stamp = frame->xdp_owner->stamp;

	if (!(le32_to_cpu(frame->xdp_desc->wb.status) & HWL_RXD_TST) || !stamp)
		return -ENODATA;
	*timestamp = stamp;
	return 0;
}

const struct xdp_metadata_ops hwl_xdp_metadata_ops = {
	.xmo_rx_timestamp	= hwl_xdp_rx_timestamp,
	.xmo_rx_hash		= hwl_xdp_rx_hash,
	.xmo_rx_vlan_tag	= hwl_xdp_rx_vlan_tag,
};
