/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queue pairs: a NAPI instance, a transmit and a receive queue.
 *
 * A pair lives as long as its network device, with its counters. What a change
 * of ring size replaces is the memory behind the queues, struct hwl_tx_ring
 * and struct hwl_rx_ring, gathered in struct hwl_rings.
 */
#ifndef HWL_QUEUE_H
#define HWL_QUEUE_H

#include <linux/bpf.h>
#include <linux/cache.h>
#include <linux/dim.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/timer.h>
#include <linux/u64_stats_sync.h>
#include <net/page_pool/types.h>
#include <net/xdp.h>
#include <net/xdp_sock.h>

#include "hwl_desc.h"
#include "hwl_hw.h"
#include "hwl_ring.h"

struct hwl_adapter;
struct xsk_buff_pool;

#define HWL_MAX_PAIRS		2

/* RDLEN and TDLEN count 128 bytes: eight descriptors. */
#define HWL_RING_STEP		8
#define HWL_RING_MIN		64
#define HWL_RING_MAX		4096
#define HWL_TX_RING_DEFAULT	1024
#define HWL_RX_RING_DEFAULT	256

/* ---- Transmit ---- */

/* Bytes that one descriptor may point to: well below the FIFO of 20 KiB. */
#define HWL_TX_DATA_MAX		8192

/* Descriptors are 20 bits wide in length, but a packet is bounded by this. */
#define HWL_TX_TSO_MAX		GSO_LEGACY_MAX_SIZE

/*
 * The largest packet: context, headers, linear part, every fragment, the
 * descriptors more where HWL_TX_DATA_MAX splits them, and the last bytes on their
 * own. The slot that is kept back is not counted as free in the first place.
 */
#define HWL_TX_DESC_NEEDED	(1 + 1 + 1 + MAX_SKB_FRAGS + \
				 HWL_TX_TSO_MAX / HWL_TX_DATA_MAX + 1)

/* Queue flow control: asleep below the first, awake again above the second. */
#define HWL_TX_STOP		HWL_TX_DESC_NEEDED
#define HWL_TX_START		(2 * HWL_TX_DESC_NEEDED)

/* Buffers of AF_XDP that a frame may take; five for the longest, if they are 2 KiB. */
#define HWL_XSK_MAX_SEGS	8

/* The longest XDP frame, and what it takes at most: linear part, fragments, the
 * descriptors more where HWL_TX_DATA_MAX splits them, and the last bytes on their own.
 */
#define HWL_TX_XDP_MAX		(HWL_MAX_FRAME - ETH_FCS_LEN)
#define HWL_TX_XDP_NEEDED	(1 + MAX_SKB_FRAGS + \
				 HWL_TX_XDP_MAX / HWL_TX_DATA_MAX + 1)

/* XDP frames leave HWL_TX_START free, and there must be room for them beside it. */
#define HWL_TX_RING_MIN		max(HWL_RING_MIN, \
				    ALIGN(HWL_TX_START + HWL_TX_XDP_NEEDED + \
					  HWL_RING_RESERVED, HWL_RING_STEP))

/*
 * Each descriptor has a slot for bytes of the driver's own. It takes a whole
 * small frame, since to map one costs more than to copy it. Or it takes the
 * headers of a segmented packet, which may run on into the slot behind it:
 * that of the next descriptor, which is the same packet's, and needs none.
 */
#define HWL_TX_SLOT		128
#define HWL_TX_HDR_PAD		2	/* aligns the IP header */
#define HWL_TX_HDR_PAYLOAD	4	/* payload that must follow the headers */
/* Erratum 17 (wrong data where the first buffer of a segmented packet ends close
 * before a page) cannot arise: that buffer holds headers and these few bytes of
 * payload, at most 254 in all. Whoever enlarges it must check that again.
 */
#define HWL_TX_HDR_MAX		(2 * HWL_TX_SLOT - HWL_TX_HDR_PAD - \
				 HWL_TX_HDR_PAYLOAD)

/* What the owner of a packet is; first descriptor only. */
enum hwl_tx_type {
	HWL_TX_EMPTY,		/* not the first descriptor of a packet */
	HWL_TX_SKB,
	HWL_TX_COPIED,		/* an XDP frame in its slot: nothing to free */
	HWL_TX_PAGES,		/* an XDP frame in pages of the pair's own pool */
	HWL_TX_FRAME,		/* an XDP frame of another device */
	HWL_TX_XSK,		/* frames of the pair's AF_XDP pool */
	HWL_TX_XSK_STAMP,	/* the same; the last one waits for a stamp */
};

/* How a transmit buffer was mapped. */
enum hwl_tx_map {
	HWL_TX_MAP_NONE,
	HWL_TX_MAP_SINGLE,
	HWL_TX_MAP_PAGE,
};

/**
 * struct hwl_tx_buf - what stands behind a transmit descriptor
 * @skb: owner of the packet, HWL_TX_SKB; first descriptor only
 * @frame: the same, HWL_TX_PAGES and HWL_TX_FRAME
 * @frames: frames to complete, HWL_TX_XSK and HWL_TX_XSK_STAMP
 * @dma: address to unmap
 * @len: length to unmap
 * @bytes: bytes of the packet on the wire; first descriptor only
 * @segs: frames on the wire; first descriptor only
 * @ndesc: descriptors of the packet; first descriptor only
 * @rs_slot: slot of the next descriptor with RS, whose write-back completes this
 *	packet and those up to there; first packet behind such a descriptor only
 * @type: enum hwl_tx_type
 * @map: enum hwl_tx_map
 */
struct hwl_tx_buf {
	union {
		struct sk_buff *skb;
		struct xdp_frame *frame;
		u32 frames;
	};
	dma_addr_t dma;
	u32 len;
	u32 bytes;
	u16 segs;
	u16 ndesc;
	u16 rs_slot;
	u8 type;
	u8 map;
};

/**
 * struct hwl_tx_ring - memory of a transmit queue
 * @desc: descriptors, coherent
 * @buf: their buffers
 * @slots: HWL_TX_SLOT bytes for each descriptor, coherent
 * @slots_dma: their address
 * @dma: address of @desc
 * @count: number of descriptors
 */
struct hwl_tx_ring {
	struct hwl_tx_desc *desc;
	struct hwl_tx_buf *buf;
	u8 *slots;
	dma_addr_t slots_dma;
	dma_addr_t dma;
	u32 count;
};

/* Counters of the producer; see struct hwl_txq. */
struct hwl_txq_prod_stats {
	u64_stats_t stop;	/* queue stopped for want of descriptors */
	u64_stats_t busy;	/* called with a full ring: a bug somewhere */
	u64_stats_t map_err;	/* packets dropped: DMA mapping failed */
	u64_stats_t drop;	/* packets dropped: malformed, or no memory */
	u64_stats_t xdp_drop;	/* XDP frames not taken */
	struct u64_stats_sync syncp;
};

/* Counters of the consumer. */
struct hwl_txq_cons_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t tso_packets;	/* skbs segmented by the device */
	u64_stats_t tso_bytes;
	u64_stats_t wake;
	u64_stats_t aborted;		/* packets given up by a reset */
	struct u64_stats_sync syncp;
};

enum hwl_xsk_stamp_state {
	HWL_XSK_STAMP_NONE,
	HWL_XSK_STAMP_WAITS,	/* set by NAPI; the other way round by hwl_stamp.c */
	HWL_XSK_STAMP_DONE,	/* it has come, or was given up */
};

/**
 * struct hwl_xsk_stamp - time stamp of a frame of AF_XDP; one at a time in a queue
 * @state: where it is
 * @ns: the stamp, 0 if there is none
 * @compl: where user space wants it
 */
struct hwl_xsk_stamp {
	enum hwl_xsk_stamp_state state;
	u64 ns;
	struct xsk_tx_metadata_compl compl;
};

/**
 * struct hwl_txq - transmit queue
 * @ring: its memory
 * @tail: doorbell
 * @dev: for DMA mapping
 * @nq: the stack's queue
 * @ad: the device
 * @xsk: AF_XDP pool of the pair, NULL if there is none; written under rtnl
 * @prod: descriptors filled ever; published with release semantics
 * @slot: slot of @prod
 * @rs_first: slot of the first packet behind the last descriptor with RS
 * @rs_prod: value of @prod behind that descriptor; published with release
 *	semantics
 * @after_tso: the last packet was segmented by the device
 * @pstats: counters of the producer
 * @cons: descriptors reclaimed ever; published with release semantics
 * @cslot: slot of @cons
 * @xsk_pending: frames of @xsk in the ring; NAPI
 * @xsk_last: slot of the last of them
 * @xsk_cut: the last batch of them ended within a frame
 * @xsk_holds: the frame of @xsk_stamp was sent: completions wait for the stamp
 * @xsk_held: how many
 * @xsk_stamp: stamp of one of them
 * @cstats: counters of the consumer
 * @index: number of the queue
 * @seen: value of @cons at the last check of the watchdog
 * @waited: packets were pending at that check
 * @stuck: checks in a row without progress
 *
 * One writer a group: the producer runs under the stack's transmit lock, the
 * consumer under NAPI. A third group is constant while the queue is up.
 */
struct hwl_txq {
	__cacheline_group_begin_aligned(read_mostly);
	struct hwl_tx_ring ring;
	void __iomem *tail;
	struct device *dev;
	struct netdev_queue *nq;
	struct hwl_adapter *ad;
	struct xsk_buff_pool *xsk;
	__cacheline_group_end_aligned(read_mostly);

	__cacheline_group_begin_aligned(producer);
	u32 prod;
	u32 slot;
	u32 rs_first;
	u32 rs_prod;
	bool after_tso;
	struct hwl_txq_prod_stats pstats;
	__cacheline_group_end_aligned(producer);

	__cacheline_group_begin_aligned(consumer);
	u32 cons;
	u32 cslot;
	u32 xsk_pending;
	u32 xsk_last;
	bool xsk_cut;
	bool xsk_holds;
	u32 xsk_held;
	struct hwl_xsk_stamp xsk_stamp;
	struct hwl_txq_cons_stats cstats;
	__cacheline_group_end_aligned(consumer);

	__cacheline_group_begin_aligned(cold);
	int index;
	u32 seen;
	bool waited;
	u32 stuck;
	__cacheline_group_end_aligned(cold);
};

/* ---- Receive ---- */

/**
 * enum hwl_rx_geometry - layout of the receive buffers of a set of rings
 * @HWL_RX_SMALL: for MTUs up to 1500: two buffers in a page of 4 KiB
 * @HWL_RX_LARGE: for all that the device can receive
 * @HWL_RX_XDP: the same for an XDP program, which may send from the buffers: they
 *	are mapped in both directions, and registered as memory of XDP frames
 *
 * A buffer is headroom, bytes for the device, and the shared info of an skb.
 * The device knows one size, the 2048 bytes of RCTL.BSIZE. (There is a finer
 * one, RCTL.FLXBUF, but VMware's device ignores it.) It goes to the next buffer
 * when those are full, so it does not write beyond a large one. It does not
 * write beyond a small one since no frame is longer: without RCTL.LPE and
 * RCTL.SBP the MAC discards what is above HWL_STD_FRAME. e1000e relies on that,
 * too. So neither bit may be set while small buffers are with the device:
 * hwl_rx_geometry() says what is needed, and hwl_netdev.c exchanges the rings
 * before the receiver accepts more and after it accepts less.
 *
 * In order of what they can take.
 */
enum hwl_rx_geometry {
	HWL_RX_SMALL,
	HWL_RX_LARGE,
	HWL_RX_XDP,
};

#define HWL_RX_SMALL_HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN)
#define HWL_RX_LARGE_HEADROOM	(XDP_PACKET_HEADROOM + NET_IP_ALIGN)

/* Of a page that holds one buffer, that one has all. */
#define HWL_RX_FRAME_SZ(headroom, len) \
	(2 * SKB_HEAD_ALIGN((headroom) + (len)) > PAGE_SIZE ? \
	 PAGE_SIZE : SKB_HEAD_ALIGN((headroom) + (len)))

/* Buffers are handed to the device this many at a time. */
#define HWL_RX_BATCH		16

/* Buffers that a pool keeps for later. Sockets hold many, and give them back in
 * one go: what does not fit is freed, and its successor cleared and mapped.
 */
#define HWL_RX_POOL		1024

/* Frames up to this length are copied, and their buffer is used again at once. */
#define HWL_RX_COPYBREAK	256

/**
 * struct hwl_rx_ring - memory of a receive queue
 * @desc: descriptors, coherent
 * @buf: the buffer behind each
 * @pool: where buffers come from and return to
 * @heads: the same for heads of skbs whose frame was copied; not mapped
 * @dma: address of @desc
 * @count: number of descriptors
 * @xdp_mem: @pool as memory of XDP frames; HWL_RX_XDP only
 * @frame_sz: bytes of a buffer, from the headroom to the shared info
 * @headroom: bytes before those for the device
 * @buf_len: bytes that the device may write
 */
struct hwl_rx_ring {
	union hwl_rx_desc *desc;
	void **buf;
	struct page_pool *pool;
	struct page_pool *heads;
	dma_addr_t dma;
	struct xdp_mem_info xdp_mem;
	u32 count;
	u32 frame_sz;
	u16 headroom;
	u16 buf_len;
};

/* What became of frames that an XDP program saw. */
enum hwl_xdp_count {
	HWL_XDP_PASSED,
	HWL_XDP_DROPPED,	/* XDP_DROP */
	HWL_XDP_SENT,		/* XDP_TX, put into the transmit ring */
	HWL_XDP_REDIRECTED,
	HWL_XDP_ERRORS,		/* dropped: XDP_ABORTED, or the verdict failed */
	HWL_XDP_COUNTS
};

/* XDP_TX frames are put into the transmit ring this many at a time. */
#define HWL_XDP_BULK		16

/**
 * struct hwl_xdp_tx - a frame that waits to be sent
 * @frame: the frame
 * @vlan: VLAN tag to insert, in its place in the descriptor
 * @tagged: there is one
 * @own: the frame is in pages of the pair's own pool
 */
struct hwl_xdp_tx {
	struct xdp_frame *frame;
	u32 vlan;
	bool tagged;
	bool own;
};

/**
 * struct hwl_xdp_work - what a poll has still to do for XDP
 * @tx: frames to send
 * @ntx: number of them
 * @kick: frames are in the transmit ring that the device does not know of
 * @redirected: frames were redirected since the last flush
 */
struct hwl_xdp_work {
	struct hwl_xdp_tx tx[HWL_XDP_BULK];
	u8 ntx;
	bool kick;
	bool redirected;
};

/* Counters of a receive queue; written by NAPI. */
struct hwl_rxq_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t csum_good;
	u64_stats_t csum_none;
	u64_stats_t csum_bad;
	u64_stats_t alloc_fail;		/* no page for a buffer; tried again */
	u64_stats_t no_skb;		/* frames dropped: no skb */
	u64_stats_t err_crc;		/* frames dropped: bad FCS */
	u64_stats_t err_symbol;
	u64_stats_t err_sequence;
	u64_stats_t err_carrier;
	u64_stats_t err_data;
	u64_stats_t err_long;		/* frames dropped: above the MTU */
	u64_stats_t err_desc;		/* frames dropped: write-back made no sense */
	u64_stats_t xdp[HWL_XDP_COUNTS];
	struct u64_stats_sync syncp;
};

/**
 * struct hwl_rxq - receive queue
 * @ring: its memory
 * @tail: doorbell
 * @napi: the pair's NAPI instance
 * @ad: the device
 * @prod: buffers posted ever
 * @slot: slot of @prod
 * @kicked: value of @prod at the last doorbell: the device has no more
 * @cons: buffers taken ever
 * @cslot: slot of @cons
 * @discard: throw descriptors away up to the end of the frame
 * @xdp: the frame under assembly, if @xdp.data is set
 * @xdp_ctx: @xdp and the next two: what the context of an XDP program is in, as it
 *	is for buffers of AF_XDP pools
 * @xdp_desc: its last descriptor, for the hints of a program
 * @xdp_owner: the queue
 * @stamp: its time stamp, if it is marked to have one; 0 if it could not be had
 * @xdp_work: XDP's part of the poll
 * @stats: counters
 * @index: number of the queue
 * @prog: XDP program, NULL if there is none; written under rtnl, read once a poll
 * @xdp_rxq: the queue as XDP knows it, with the page pool as its memory
 * @xsk: AF_XDP pool, NULL if there is none; written under rtnl
 * @xsk_len: bytes that the device may write to a buffer of that
 * @xsk_chains: frames may take several of them
 * @xsk_head: first buffer of that pool of the frame under assembly, or NULL;
 *	@xdp.data is not NULL then
 * @xsk_rxq: the queue with that pool as its memory
 * @seen: value of @cons at the last check of the watchdog
 * @waited: a frame waited at that check
 *
 * All but the last two belongs to NAPI while the queue is up.
 */
struct hwl_rxq {
	__cacheline_group_begin_aligned(read_mostly);
	struct hwl_rx_ring ring;
	void __iomem *tail;
	struct napi_struct *napi;
	struct hwl_adapter *ad;
	int index;
	struct bpf_prog *prog;
	struct xdp_rxq_info xdp_rxq;
	struct xsk_buff_pool *xsk;
	u32 xsk_len;
	bool xsk_chains;
	struct xdp_buff *xsk_head;
	struct xdp_rxq_info xsk_rxq;
	__cacheline_group_end_aligned(read_mostly);

	__cacheline_group_begin_aligned(consumer);
	u32 prod;
	u32 slot;
	u32 kicked;
	u32 cons;
	u32 cslot;
	bool discard;
	struct_group_tagged(hwl_xdp_ctx, xdp_ctx,
		struct xdp_buff xdp;
		const union hwl_rx_desc *xdp_desc;
		struct hwl_rxq *xdp_owner;
	);
	u64 stamp;
	struct hwl_rxq_stats stats;
	struct hwl_xdp_work xdp_work;
	__cacheline_group_end_aligned(consumer);

	__cacheline_group_begin_aligned(cold);
	u32 seen;
	bool waited;
	__cacheline_group_end_aligned(cold);
};

/* Vectors of a pair; a shared one is that of receive. */
enum hwl_vector_id {
	HWL_VECTOR_RX,
	HWL_VECTOR_TX,
	HWL_PAIR_VECTORS
};

/**
 * struct hwl_vector - an interrupt of a pair
 * @pair: the pair
 * @irq: Linux interrupt number; 0 where there is none
 * @seen: it has come since the watchdog raised its cause
 * @name: its name
 */
struct hwl_vector {
	struct hwl_pair *pair;
	int irq;
	bool seen;
	char name[IFNAMSIZ + 24];
};

/**
 * struct hwl_pair - queue pair
 * @napi: polls both queues
 * @hw: the device, for the re-arm
 * @rearm: interrupt causes that the end of a poll enables again
 * @events: polls that ended ever, for adaptive moderation; NAPI
 * @ad: the device
 * @retry: wakes the poll after memory ran out
 * @retries: how often it has
 * @vector: its interrupts
 * @polled: value of @events when the watchdog raised the causes
 * @rx_dim: adaptive moderation of receive
 * @tx_dim: … of transmit
 * @txq: transmit queue
 * @rxq: receive queue
 */
struct hwl_pair {
	struct napi_struct napi;
	struct hwl_hw *hw;
	u32 rearm;
	u16 events;
	struct hwl_adapter *ad;
	struct timer_list retry;
	u32 retries;
	struct hwl_vector vector[HWL_PAIR_VECTORS];
	u16 polled;
	struct dim rx_dim;
	struct dim tx_dim;
	struct hwl_txq txq;
	struct hwl_rxq rxq;
};

/**
 * hwl_pair_schedule() - poll a pair although no interrupt came
 * @pair: the pair; up
 *
 * Context: process or softirq.
 * Return: true, unless a poll was scheduled already.
 */
static inline bool hwl_pair_schedule(struct hwl_pair *pair)
{
	bool idle;

	local_bh_disable();
	idle = napi_schedule(&pair->napi);
	local_bh_enable();
	return idle;
}

/**
 * struct hwl_config - what a set of rings is made from
 * @pairs: number of pairs
 * @tx_count: descriptors of each transmit ring
 * @rx_count: descriptors of each receive ring
 * @rx_geometry: layout of receive buffers
 */
struct hwl_config {
	u32 pairs;
	u32 tx_count;
	u32 rx_count;
	enum hwl_rx_geometry rx_geometry;
};

/**
 * struct hwl_rings - memory of all queues, ready for use
 * @cfg: what it was made from
 * @tx: transmit rings
 * @rx: receive rings, full of buffers
 */
struct hwl_rings {
	struct hwl_config cfg;
	struct hwl_tx_ring tx[HWL_MAX_PAIRS];
	struct hwl_rx_ring rx[HWL_MAX_PAIRS];
};

int hwl_pairs_alloc(struct hwl_adapter *ad);
void hwl_pairs_free(struct hwl_adapter *ad);
void hwl_pairs_set_xps(struct hwl_adapter *ad);

enum hwl_rx_geometry hwl_rx_geometry(int mtu, netdev_features_t features, bool xdp);
int hwl_rings_alloc(struct hwl_adapter *ad, const struct hwl_config *cfg,
		    struct hwl_rings *rings);
void hwl_rings_free(struct hwl_adapter *ad, struct hwl_rings *rings);
void hwl_rings_attach(struct hwl_adapter *ad, const struct hwl_rings *rings);
void hwl_rings_detach(struct hwl_adapter *ad, struct hwl_rings *rings);

/**
 * hwl_txq_unused() - free descriptors of a transmit queue
 * @txq: the queue
 *
 * Reads both sides afresh at each call, as the stop and wake helpers need.
 *
 * Context: any.
 * Return: number of descriptors that may be filled.
 */
static inline u32 hwl_txq_unused(const struct hwl_txq *txq)
{
	return hwl_ring_unused(READ_ONCE(txq->prod), READ_ONCE(txq->cons),
			       txq->ring.count);
}

#endif /* HWL_QUEUE_H */
