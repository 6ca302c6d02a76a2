// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit path: map, fill, publish, kick. Completion is in hwl_txclean.c.
 *
 * hwl_tx_xmit() produces under the stack's transmit lock, hwl_txq_clean()
 * consumes under NAPI; they meet in the counters 'prod', 'rs_prod' and 'cons'
 * alone. 'prod' and 'cons' are published with release semantics before the
 * queue is stopped or woken, which is what netif_txq_maybe_stop() and
 * __netif_txq_completed_wake() ask for; 'rs_prod' hands packets to the consumer.
 *
 * Whatever the source of a packet, it goes through hwl_tx_put() for each
 * buffer and hwl_txq_publish() at the end.
 */
#include <linux/dma-mapping.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/netdev_queues.h>
#include <net/tcp.h>

#include "hwl.h"
#include "hwl_copy.h"
#include "hwl_csum.h"
#include "hwl_stamp.h"
#include "hwl_trace.h"
#include "hwl_tx.h"
#include "hwl_txfill.h"

/* ---- Map and fill ---- */

/* Map an skb from byte @off on. */
static int hwl_tx_map_skb(struct hwl_tx_cursor *cur, struct sk_buff *skb, u32 off)
{
	struct device *dev = cur->txq->dev;
	u32 len = skb_headlen(skb);
	skb_frag_t *frag, *end;
	dma_addr_t dma;

	if (off < len) {
		dma = dma_map_single(dev, skb->data + off, len - off,
				     DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(dev, dma)))
			return -ENOMEM;
		hwl_tx_put(cur, dma, len - off, HWL_TX_MAP_SINGLE);
		off = 0;
	} else {
		off -= len;
	}

	frag = skb_shinfo(skb)->frags;
	for (end = frag + skb_shinfo(skb)->nr_frags; frag < end; frag++) {
		len = skb_frag_size(frag);
		if (unlikely(off >= len)) {
			off -= len;
			continue;
		}
		dma = skb_frag_dma_map(dev, frag, off, len - off, DMA_TO_DEVICE);
		if (unlikely(dma_mapping_error(dev, dma)))
			return -ENOMEM;
		hwl_tx_put(cur, dma, len - off, HWL_TX_MAP_PAGE);
		off = 0;
	}
	return 0;
}

/* Copy a frame of up to HWL_TX_SLOT bytes. */
static int hwl_tx_copy_skb(struct hwl_tx_cursor *cur, const struct sk_buff *skb)
{
	dma_addr_t dma;
	u8 *to = hwl_tx_slot(cur, &dma);

	if (likely(!skb_is_nonlinear(skb)))
		hwl_copy_small(to, skb->data, skb->len);
	else if (unlikely(skb_copy_bits(skb, 0, to, skb->len)))
		return -EINVAL;
	hwl_tx_put_slot(cur, to, dma, skb->len);
	return 0;
}

/* ---- Offloads ---- */

static int hwl_tx_csum(struct hwl_tx_cursor *cur, const struct sk_buff *skb)
{
	u32 start = skb_checksum_start_offset(skb);
	struct hwl_tx_ctx ctx = {};

	if (unlikely(start + skb->csum_offset > HWL_CTX_OFFSET_MAX))
		return -EINVAL;

	ctx.l3 = skb_network_offset(skb);
	ctx.l4 = start;
	ctx.csum = start + skb->csum_offset;
	ctx.tcp = skb->csum_offset == offsetof(struct tcphdr, check);
	ctx.ipv4 = vlan_get_protocol(skb) == htons(ETH_P_IP);
	hwl_tx_put_ctx(cur, &ctx);
	return 0;
}

/* Make the headers what the device wants to start from: no lengths, and the
 * sum of a pseudo-header without length. They are ours, not the skb's. The sum
 * is the stack's own: the addresses in the IP header need not be those of the
 * pseudo-header (a routing header names the last hop).
 */
static void hwl_tx_tso_headers(u8 *hdr, const struct hwl_tx_ctx *ctx, u32 l4len)
{
	struct tcphdr *th = (struct tcphdr *)(hdr + ctx->l4);

	if (ctx->ipv4) {
		struct iphdr *ip = (struct iphdr *)(hdr + ctx->l3);

		ip->tot_len = 0;
		ip->check = 0;
	} else {
		struct ipv6hdr *ip6 = (struct ipv6hdr *)(hdr + ctx->l3);

		ip6->payload_len = 0;
	}
	hwl_csum_remove_len(&th->check, l4len);
}

/*
 * Can the device segment this packet? TCP with headers within their slot,
 * segments that are frames the device can send, and a link at 1000 Mb/s: below,
 * segmentation hangs some chips (FreeBSD and Linux leave it off).
 */
static bool hwl_tx_tso_fits(const struct hwl_adapter *ad,
			    const struct sk_buff *skb)
{
	u32 mss = skb_shinfo(skb)->gso_size;
	u32 hdrlen;

	/* There is no TCP header to read otherwise. */
	if (unlikely(!skb_is_gso_tcp(skb) || !skb_transport_header_was_set(skb)))
		return false;
	hdrlen = skb_tcp_all_headers(skb);
	return hdrlen <= HWL_TX_HDR_MAX && mss >= HWL_CTX_MSS_MIN &&
	       hdrlen + mss <= HWL_MAX_FRAME - VLAN_HLEN - ETH_FCS_LEN &&
	       READ_ONCE(ad->link.speed) >= SPEED_1000;
}

/* Frames on the wire; a packet from an untrusted source may not tell. */
static u32 hwl_tx_tso_segs(const struct sk_buff *skb)
{
	const struct skb_shared_info *sinfo = skb_shinfo(skb);

	if (likely(sinfo->gso_segs))
		return sinfo->gso_segs;
	return DIV_ROUND_UP(skb->len - skb_tcp_all_headers(skb), sinfo->gso_size);
}

/*
 * Segmentation. The headers are copied into the slot's own header buffer,
 * because they must be edited and the skb may be shared; the first payload
 * bytes go with them, as the silicon wants some behind the headers.
 *
 * Return: bytes of the skb that are in the ring, or -EINVAL.
 */
static int hwl_tx_tso(struct hwl_tx_cursor *cur, const struct sk_buff *skb)
{
	struct hwl_tx_ctx ctx = {};
	u32 hdrlen, copied;
	dma_addr_t dma;
	u8 *hdr;

	/* Checked again: the stack may have decided before the link came back at
	 * a lower speed. Such a packet is dropped: to segment it here takes more
	 * descriptors than are reserved, and TCP sends it again.
	 */
	if (unlikely(!hwl_tx_tso_fits(cur->txq->ad, skb)))
		return -EINVAL;
	/* A descriptor of payload follows the headers: see HWL_TX_SLOT. */
	hdrlen = skb_tcp_all_headers(skb);
	if (unlikely(skb->len < hdrlen + HWL_CTX_MSS_MIN))
		return -EINVAL;

	ctx.l3 = skb_network_offset(skb);
	ctx.l4 = skb_transport_offset(skb);
	ctx.csum = ctx.l4 + offsetof(struct tcphdr, check);
	ctx.hdrlen = hdrlen;
	ctx.paylen = skb->len - hdrlen;
	ctx.mss = skb_shinfo(skb)->gso_size;
	ctx.tcp = true;
	ctx.ipv4 = !skb_is_gso_v6(skb);
	hwl_tx_put_ctx(cur, &ctx);

	hdr = hwl_tx_slot(cur, &dma) + HWL_TX_HDR_PAD;
	copied = min(hdrlen + HWL_TX_HDR_PAYLOAD, skb->len);
	if (unlikely(skb_copy_bits(skb, 0, hdr, copied)))
		return -EINVAL;
	hwl_tx_tso_headers(hdr, &ctx, skb->len - ctx.l4);

	cur->cmd |= HWL_TXD_TSE;
	hwl_tx_put(cur, dma + HWL_TX_HDR_PAD, copied, HWL_TX_MAP_NONE);
	return copied;
}

/*
 * What the device adds or computes. Return: bytes of the skb that are in the
 * ring already, or -EINVAL.
 */
static int hwl_tx_offload(struct hwl_tx_cursor *cur, const struct sk_buff *skb)
{
	if (skb_is_gso(skb))
		return hwl_tx_tso(cur, skb);
	if (unlikely(skb->len > HWL_MAX_FRAME - ETH_FCS_LEN))
		return -EINVAL;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return hwl_tx_csum(cur, skb);
	return 0;
}

/*
 * Tag in the data. The device does not insert tags (CTRL.VME is clear), but the
 * stack left this one to it before that changed. Never without its tag: where it
 * cannot be put in, the packet is dropped. Return: the packet, or NULL.
 */
static noinline struct sk_buff *hwl_tx_push_vlan(struct sk_buff *skb)
{
	skb = skb_share_check(skb, GFP_ATOMIC);
	return skb ? __vlan_hwaccel_push_inside(skb) : NULL;
}

/* ---- Transmit ---- */

/*
 * No ring: of a pair that is inactive, to which a sender was bound before the
 * number of pairs shrank (pktgen, PACKET_QDISC_BYPASS), or of a data path that is
 * down. It cannot be sent by another queue, whose transmit lock is not held.
 */
static netdev_tx_t hwl_tx_no_ring(struct sk_buff *skb, struct net_device *netdev)
{
	dev_core_stats_tx_dropped_inc(netdev);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

/* The queue was stopped ahead of time, so someone woke it without room. Short
 * of a bug, that takes a waker that is held up between its two checks, of the
 * room and of the queue, for as long as the ring takes to fill. Or there is no
 * ring: netif_device_attach() wakes queues before they have one.
 */
static netdev_tx_t hwl_tx_full(struct hwl_txq *txq, struct sk_buff *skb)
{
	if (!txq->ring.count)
		return hwl_tx_no_ring(skb, txq->ad->netdev);
	hwl_txq_count(txq, &txq->pstats.busy);
	if (net_ratelimit())
		netdev_err(txq->ad->netdev, "tx queue %d: full while awake (%u free)\n",
			   txq->index, hwl_txq_unused(txq));
	hwl_txq_kick(txq);
	return NETDEV_TX_BUSY;
}

/**
 * hwl_tx_xmit() - ndo_start_xmit
 * @skb: packet
 * @netdev: interface
 *
 * Context: BH disabled, transmit lock of the queue held; from netconsole also
 * with interrupts disabled.
 * Return: NETDEV_TX_OK, or NETDEV_TX_BUSY when the ring is full, which does
 * not happen in normal running.
 */
netdev_tx_t hwl_tx_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u32 q = skb_get_queue_mapping(skb);
	struct hwl_tx_cursor cur;
	struct hwl_txq *txq;
	u32 bytes, segs = 1;
	u64_stats_t *why;
	bool stopped;
	int copied;

	/* The stack asks for an active queue; senders of its own making may not. */
	if (unlikely(q >= ad->cfg.pairs))
		return hwl_tx_no_ring(skb, netdev);
	txq = &ad->pair[q]->txq;

	/* A wake-up may be false: room is looked for first. */
	if (unlikely(!netif_txq_maybe_stop(txq->nq, hwl_txq_unused(txq),
					   HWL_TX_STOP, HWL_TX_START)))
		return hwl_tx_full(txq, skb);

	why = &txq->pstats.drop;
	hwl_tx_begin(&cur, txq);

	if (skb_vlan_tag_present(skb)) {
		if (likely(READ_ONCE(ad->vlan_offload))) {
			cur.cmd |= HWL_TXD_VLE;
			cur.upper = FIELD_PREP(HWL_TXD_UP_VLAN,
					       skb_vlan_tag_get(skb));
		} else {
			skb = hwl_tx_push_vlan(skb);
			if (unlikely(!skb))
				goto drop;
		}
	}
	if (unlikely(skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP) &&
	    hwl_stamp_tx_claim(ad, true))
		cur.upper |= HWL_TXD_UP_TSTAMP;
	bytes = max(skb->len, ETH_ZLEN);
	copied = hwl_tx_offload(&cur, skb);
	if (unlikely(copied < 0))
		goto drop;
	if (copied) {
		segs = hwl_tx_tso_segs(skb);
		bytes += (segs - 1) * skb_tcp_all_headers(skb);
	}

	if (!copied && skb->len <= HWL_TX_SLOT) {
		if (unlikely(hwl_tx_copy_skb(&cur, skb)))
			goto drop;
	} else if (unlikely(hwl_tx_map_skb(&cur, skb, copied))) {
		why = &txq->pstats.map_err;
		goto undo;
	}
	hwl_tx_end(&cur, copied);

	if (unlikely(cur.upper & HWL_TXD_UP_TSTAMP))
		hwl_stamp_tx_begin(txq, skb, cur.prod);
	skb_tx_timestamp(skb);
	cur.first->skb = skb;
	hwl_txq_publish(&cur, HWL_TX_SKB, bytes, segs);

	stopped = !netif_txq_maybe_stop(txq->nq, hwl_txq_unused(txq),
					HWL_TX_STOP, HWL_TX_START);
	if (unlikely(stopped)) {
		hwl_txq_count(txq, &txq->pstats.stop);
		trace_hwl_tx_stop(txq);
	}
	if (__netdev_tx_sent_queue(txq->nq, bytes, netdev_xmit_more()) || stopped)
		hwl_txq_kick(txq);
	return NETDEV_TX_OK;

undo:
	hwl_tx_undo(&cur);
drop:
	if (unlikely(cur.upper & HWL_TXD_UP_TSTAMP))
		hwl_stamp_tx_unclaim(ad);
	dev_kfree_skb_any(skb);
	hwl_txq_count(txq, why);
	/* What the burst has queued before must not wait for a later one. */
	if (!netdev_xmit_more())
		hwl_txq_kick(txq);
	return NETDEV_TX_OK;
}

/*
 * Can the device compute the checksum, if there is one to compute? That of TCP
 * or UDP right behind one IP header, within reach of the context's fields of
 * eight bits. Not where padding follows: QEMU takes its length for the payload's,
 * and the sum of some bytes is cheap.
 */
static bool hwl_tx_csum_fits(const struct sk_buff *skb)
{
	u32 start, at;

	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		start = skb_checksum_start_offset(skb);
		at = skb->csum_offset;
	} else if (skb_is_gso(skb)) {
		/* What the stack will ask for when it has segmented the packet. */
		if (!skb_transport_header_was_set(skb))
			return false;
		start = skb_transport_offset(skb);
		at = skb_is_gso_tcp(skb) ? offsetof(struct tcphdr, check) :
					   offsetof(struct udphdr, check);
	} else {
		return true;
	}
	return !skb->encapsulation && skb->len >= ETH_ZLEN &&
	       start + at <= HWL_CTX_OFFSET_MAX &&
	       (at == offsetof(struct tcphdr, check) ||
		at == offsetof(struct udphdr, check));
}

/**
 * hwl_tx_features_check() - ndo_features_check
 * @skb: packet
 * @netdev: interface
 * @features: what the stack would leave to the device
 *
 * Context: BH disabled.
 * Return: what the device can do for this packet.
 */
netdev_features_t hwl_tx_features_check(struct sk_buff *skb,
					struct net_device *netdev,
					netdev_features_t features)
{
	const struct hwl_adapter *ad = netdev_priv(netdev);

	features = vlan_features_check(skb, features);

	/* First, and whether or not there is a checksum to compute: of a GSO
	 * packet without one (a virtio header with no flags) the stack makes one
	 * with, if the device can segment it.
	 */
	if (skb_is_gso(skb) && !hwl_tx_tso_fits(ad, skb))
		features &= ~NETIF_F_GSO_MASK;
	if (unlikely(!hwl_tx_csum_fits(skb)))
		features &= ~(NETIF_F_CSUM_MASK | NETIF_F_GSO_MASK);
	return features;
}
