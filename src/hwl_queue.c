// SPDX-License-Identifier: GPL-2.0
/*
 * Queue pairs and the memory behind their queues.
 *
 * A set of rings (struct hwl_rings) is allocated as a whole, full of receive
 * buffers, while the old set carries traffic. Attaching it to the queues
 * cannot fail.
 */
#include <linux/dma-mapping.h>
#include <linux/vmalloc.h>
#include <net/page_pool/helpers.h>

#include "hwl.h"
#include "hwl_irq.h"
#include "hwl_rx.h"
#include "hwl_tx.h"

#define HWL_TXQ_IN_GROUP(group, member) \
	CACHELINE_ASSERT_GROUP_MEMBER(struct hwl_txq, group, member)

/* Neither side of the ring may dirty a line that the other one works in. */
static void hwl_queue_assert_layout(void)
{
	HWL_TXQ_IN_GROUP(read_mostly, ring);
	HWL_TXQ_IN_GROUP(read_mostly, nq);
	HWL_TXQ_IN_GROUP(producer, prod);
	HWL_TXQ_IN_GROUP(producer, rs_prod);
	HWL_TXQ_IN_GROUP(producer, pstats);
	HWL_TXQ_IN_GROUP(consumer, cons);
	HWL_TXQ_IN_GROUP(consumer, cslot);
	HWL_TXQ_IN_GROUP(consumer, cstats);
	BUILD_BUG_ON(offsetof(struct hwl_txq, prod) / SMP_CACHE_BYTES ==
		     offsetof(struct hwl_txq, cons) / SMP_CACHE_BYTES);
	BUILD_BUG_ON(HWL_TX_RING_MIN > HWL_TX_RING_DEFAULT);
	/* What the device may write, headroom and shared info are in a buffer, and
	 * a buffer in a page.
	 */
	BUILD_BUG_ON(SKB_HEAD_ALIGN(HWL_RX_LARGE_HEADROOM + HWL_RX_BUF_LEN) >
		     HWL_RX_FRAME_SZ(HWL_RX_LARGE_HEADROOM, HWL_RX_BUF_LEN));
	BUILD_BUG_ON(SKB_HEAD_ALIGN(HWL_RX_SMALL_HEADROOM + HWL_STD_FRAME) >
		     HWL_RX_FRAME_SZ(HWL_RX_SMALL_HEADROOM, HWL_STD_FRAME));
	BUILD_BUG_ON(ETH_DATA_LEN + HWL_FRAME_OVERHEAD > HWL_STD_FRAME);
	BUILD_BUG_ON(HWL_STD_FRAME > HWL_RX_BUF_LEN);
	/* Rows of cache lines that nobody else writes to. */
	BUILD_BUG_ON(HWL_RX_FRAME_SZ(HWL_RX_SMALL_HEADROOM, HWL_STD_FRAME) %
		     SMP_CACHE_BYTES);
}

/* ---- Transmit rings ---- */

/* One more, for headers that run on from the last. */
static size_t hwl_tx_slots_bytes(u32 count)
{
	return (count + 1) * HWL_TX_SLOT;
}

static void hwl_tx_ring_free(struct hwl_adapter *ad, struct hwl_tx_ring *ring)
{
	struct device *dev = &ad->pdev->dev;

	if (ring->slots)
		dma_free_coherent(dev, hwl_tx_slots_bytes(ring->count),
				  ring->slots, ring->slots_dma);
	if (ring->desc)
		dma_free_coherent(dev, ring->count * sizeof(*ring->desc),
				  ring->desc, ring->dma);
	kvfree(ring->buf);
	memset(ring, 0, sizeof(*ring));
}

/* On failure the ring keeps what it got: hwl_rings_alloc() frees it. */
static int hwl_tx_ring_alloc(struct hwl_adapter *ad, struct hwl_tx_ring *ring,
			     u32 count)
{
	struct device *dev = &ad->pdev->dev;

	ring->count = count;
	ring->buf = kvcalloc(count, sizeof(*ring->buf), GFP_KERNEL);
	ring->desc = dma_alloc_coherent(dev, count * sizeof(*ring->desc),
					&ring->dma, GFP_KERNEL | __GFP_NOWARN);
	ring->slots = dma_alloc_coherent(dev, hwl_tx_slots_bytes(count),
					 &ring->slots_dma,
					 GFP_KERNEL | __GFP_NOWARN);
	return ring->buf && ring->desc && ring->slots ? 0 : -ENOMEM;
}

/* ---- Receive rings ---- */

static void hwl_rx_ring_free(struct hwl_adapter *ad, struct hwl_rx_ring *ring)
{
	u32 i;

	for (i = 0; ring->buf && i < ring->count; i++)
		if (ring->buf[i])
			page_pool_put_full_page(ring->pool,
						virt_to_page(ring->buf[i]), false);
	/* Holds a reference of its own to the pool. */
	if (ring->xdp_mem.type == MEM_TYPE_PAGE_POOL)
		xdp_unreg_mem_model(&ring->xdp_mem);
	if (ring->pool)
		page_pool_destroy(ring->pool);
	if (ring->heads)
		page_pool_destroy(ring->heads);
	if (ring->desc)
		dma_free_coherent(&ad->pdev->dev,
				  ring->count * sizeof(*ring->desc),
				  ring->desc, ring->dma);
	kvfree(ring->buf);
	memset(ring, 0, sizeof(*ring));
}

static void hwl_rx_ring_layout(struct hwl_rx_ring *ring, enum hwl_rx_geometry geo)
{
	ring->buf_len = geo == HWL_RX_SMALL ? HWL_STD_FRAME : HWL_RX_BUF_LEN;
	ring->headroom = geo == HWL_RX_SMALL ? HWL_RX_SMALL_HEADROOM :
					       HWL_RX_LARGE_HEADROOM;
	ring->frame_sz = HWL_RX_FRAME_SZ(ring->headroom, ring->buf_len);
}

/* Where mapping takes a bounce buffer, pages that wait in a pool would keep it
 * from the transmitter.
 */
static u32 hwl_rx_pool_size(struct device *dev, const struct hwl_rx_ring *ring)
{
	u32 bufs = ring->count;

	if (dma_max_mapping_size(dev) == SIZE_MAX)
		bufs = max(bufs, HWL_RX_POOL);
	return DIV_ROUND_UP(bufs, PAGE_SIZE / ring->frame_sz);
}

/* The pool learns of its NAPI instance when it is put to use: destroying one
 * that has an instance needs that instance to be disabled.
 */
static struct page_pool *hwl_rx_pool_create(struct hwl_adapter *ad, int q,
					    const struct hwl_rx_ring *ring,
					    enum dma_data_direction dir,
					    unsigned int flags)
{
	struct page_pool_params params = {
		.order = 0,
		.pool_size = hwl_rx_pool_size(&ad->pdev->dev, ring),
		.nid = dev_to_node(&ad->pdev->dev),
		.dev = &ad->pdev->dev,
		.netdev = ad->netdev,
		.queue_idx = q,
		.dma_dir = dir,
		/* From the first byte for the device to the last of the page. */
		.offset = ring->headroom,
		.max_len = ring->frame_sz == PAGE_SIZE ? ring->buf_len :
							 PAGE_SIZE - ring->headroom,
		.flags = flags,
	};

	return page_pool_create(&params);
}

/* Buffers that a fresh ring holds: whole batches. */
static u32 hwl_rx_ring_fill_count(u32 count)
{
	return round_down(hwl_ring_unused(0, 0, count), HWL_RX_BATCH);
}

static int hwl_rx_ring_fill(struct hwl_rx_ring *ring)
{
	u32 i;

	for (i = 0; i < hwl_rx_ring_fill_count(ring->count); i++)
		if (!hwl_rx_buf_alloc(ring, i, GFP_KERNEL))
			return -ENOMEM;
	return 0;
}

/* On failure as hwl_tx_ring_alloc(). */
static int hwl_rx_ring_alloc(struct hwl_adapter *ad, int q,
			     struct hwl_rx_ring *ring,
			     const struct hwl_config *cfg)
{
	bool xdp = cfg->rx_geometry == HWL_RX_XDP;
	struct page_pool *pool;
	int err;

	ring->count = cfg->rx_count;
	hwl_rx_ring_layout(ring, cfg->rx_geometry);
	ring->buf = kvcalloc(ring->count, sizeof(*ring->buf), GFP_KERNEL);
	ring->desc = dma_alloc_coherent(&ad->pdev->dev,
					ring->count * sizeof(*ring->desc),
					&ring->dma, GFP_KERNEL | __GFP_NOWARN);
	if (!ring->buf || !ring->desc)
		return -ENOMEM;

	pool = hwl_rx_pool_create(ad, q, ring,
				  xdp ? DMA_BIDIRECTIONAL : DMA_FROM_DEVICE,
				  PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	ring->pool = pool;
	if (xdp) {
		/* The part of a registration that may fail. */
		err = xdp_reg_mem_model(&ring->xdp_mem, MEM_TYPE_PAGE_POOL, pool);
		if (err)
			return err;
	}
	pool = hwl_rx_pool_create(ad, q, ring, DMA_FROM_DEVICE, 0);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	ring->heads = pool;
	return hwl_rx_ring_fill(ring);
}

/* ---- Sets of rings ---- */

/**
 * hwl_rx_geometry() - receive buffers that frames need
 * @mtu: MTU of the interface
 * @features: its features
 * @xdp: it has an XDP program
 *
 * Return: the smallest layout that takes all that the device will write.
 */
enum hwl_rx_geometry hwl_rx_geometry(int mtu, netdev_features_t features, bool xdp)
{
	if (xdp)
		return HWL_RX_XDP;
	return mtu + HWL_FRAME_OVERHEAD > HWL_STD_FRAME ||
	       features & NETIF_F_RXALL ? HWL_RX_LARGE : HWL_RX_SMALL;
}

/**
 * hwl_rings_free() - free a set of rings that no queue uses
 * @ad: the device
 * @rings: the set; may be incomplete
 *
 * Context: process.
 */
void hwl_rings_free(struct hwl_adapter *ad, struct hwl_rings *rings)
{
	int q;

	for (q = 0; q < HWL_MAX_PAIRS; q++) {
		hwl_tx_ring_free(ad, &rings->tx[q]);
		hwl_rx_ring_free(ad, &rings->rx[q]);
	}
}

/**
 * hwl_rings_alloc() - allocate a set of rings
 * @ad: the device
 * @cfg: how many, and how large
 * @rings: where they go
 *
 * Context: process; may sleep. The device may be up with another set.
 * Return: 0 or a negative error code, with nothing left allocated.
 */
int hwl_rings_alloc(struct hwl_adapter *ad, const struct hwl_config *cfg,
		    struct hwl_rings *rings)
{
	int err = 0;
	u32 q;

	memset(rings, 0, sizeof(*rings));
	rings->cfg = *cfg;
	for (q = 0; q < cfg->pairs && !err; q++) {
		err = hwl_tx_ring_alloc(ad, &rings->tx[q], cfg->tx_count);
		if (!err)
			err = hwl_rx_ring_alloc(ad, q, &rings->rx[q], cfg);
	}
	if (err)
		hwl_rings_free(ad, rings);
	return err;
}

/* The tail of a fragment may grow by what is left of a page that it has for itself. */
static void hwl_rx_ring_attach_xdp(struct hwl_rxq *rxq)
{
	const struct hwl_rx_ring *ring = &rxq->ring;
	u32 frag_size = ring->frame_sz == PAGE_SIZE ? PAGE_SIZE : 0;

	if (ring->xdp_mem.type != MEM_TYPE_PAGE_POOL)
		return;
	/* Refuses only what is a bug: no device, or registered already. */
	if (WARN_ON_ONCE(__xdp_rxq_info_reg(&rxq->xdp_rxq, rxq->ad->netdev, rxq->index,
					    rxq->napi->napi_id, frag_size)))
		return;
	xdp_rxq_info_attach_mem_model(&rxq->xdp_rxq, &ring->xdp_mem);
}

static void hwl_rx_ring_detach_xdp(struct hwl_rxq *rxq)
{
	if (!xdp_rxq_info_is_reg(&rxq->xdp_rxq))
		return;
	/* The memory's registration is the ring's. */
	xdp_rxq_info_detach_mem_model(&rxq->xdp_rxq);
	xdp_rxq_info_unreg(&rxq->xdp_rxq);
}

/**
 * hwl_rings_attach() - put a set of rings behind the queues
 * @ad: the device
 * @rings: a set fresh from hwl_rings_alloc()
 *
 * Context: process, rtnl held; the data path is stopped.
 */
void hwl_rings_attach(struct hwl_adapter *ad, const struct hwl_rings *rings)
{
	u32 q, filled = hwl_rx_ring_fill_count(rings->cfg.rx_count);

	ad->cfg = rings->cfg;
	for (q = 0; q < rings->cfg.pairs; q++) {
		struct hwl_txq *txq = &ad->pair[q]->txq;
		struct hwl_rxq *rxq = &ad->pair[q]->rxq;

		txq->ring = rings->tx[q];
		rxq->ring = rings->rx[q];
		rxq->prod = filled;
		rxq->slot = filled;
		page_pool_enable_direct_recycling(rxq->ring.pool, rxq->napi);
		page_pool_enable_direct_recycling(rxq->ring.heads, rxq->napi);
		hwl_rx_ring_attach_xdp(rxq);
	}
}

/**
 * hwl_rings_detach() - take the rings from behind the queues
 * @ad: the device
 * @rings: where they go, to be freed
 *
 * Whatever was in the rings is given up.
 *
 * Context: process, rtnl held; the data path is stopped.
 */
void hwl_rings_detach(struct hwl_adapter *ad, struct hwl_rings *rings)
{
	u32 q;

	memset(rings, 0, sizeof(*rings));
	rings->cfg = ad->cfg;
	for (q = 0; q < ad->cfg.pairs; q++) {
		struct hwl_txq *txq = &ad->pair[q]->txq;
		struct hwl_rxq *rxq = &ad->pair[q]->rxq;

		hwl_txq_drain(txq);
		hwl_rxq_drain(rxq);
		page_pool_disable_direct_recycling(rxq->ring.pool);
		page_pool_disable_direct_recycling(rxq->ring.heads);
		hwl_rx_ring_detach_xdp(rxq);
		rings->tx[q] = txq->ring;
		rings->rx[q] = rxq->ring;
		memset(&txq->ring, 0, sizeof(txq->ring));
		memset(&rxq->ring, 0, sizeof(rxq->ring));
	}
}

/* ---- Pairs ---- */

static void hwl_pair_init(struct hwl_adapter *ad, struct hwl_pair *pair, int q)
{
	pair->ad = ad;
	pair->hw = &ad->hw;

	pair->txq.ad = ad;
	pair->txq.index = q;
	pair->txq.dev = &ad->pdev->dev;
	pair->txq.nq = netdev_get_tx_queue(ad->netdev, q);
	pair->txq.tail = ad->hw.bar + HWL_TDT(q);
	u64_stats_init(&pair->txq.pstats.syncp);
	u64_stats_init(&pair->txq.cstats.syncp);

	pair->rxq.ad = ad;
	pair->rxq.index = q;
	pair->rxq.napi = &pair->napi;
	pair->rxq.tail = ad->hw.bar + HWL_RDT(q);
	u64_stats_init(&pair->rxq.stats.syncp);
}

/**
 * hwl_pairs_alloc() - make the pairs and their NAPI instances
 * @ad: the device; its interrupt mode is known
 *
 * Context: process; probe only.
 * Return: 0 or -ENOMEM.
 */
int hwl_pairs_alloc(struct hwl_adapter *ad)
{
	u32 q;

	hwl_queue_assert_layout();
	ad->num_pairs = ad->max_pairs;
	for (q = 0; q < ad->num_pairs; q++) {
		struct hwl_pair *pair;

		pair = kzalloc_node(sizeof(*pair), GFP_KERNEL,
				    dev_to_node(&ad->pdev->dev));
		if (!pair) {
			hwl_pairs_free(ad);
			return -ENOMEM;
		}
		ad->pair[q] = pair;
		hwl_pair_init(ad, pair, q);
		hwl_irq_pair_init(pair, q);
	}
	return 0;
}

/**
 * hwl_pairs_free() - free the pairs
 * @ad: the device; not registered
 *
 * Context: process.
 */
void hwl_pairs_free(struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < HWL_MAX_PAIRS; q++) {
		if (!ad->pair[q])
			continue;
		hwl_compat_napi_exit(&ad->pair[q]->napi);
		kfree(ad->pair[q]);
		ad->pair[q] = NULL;
	}
}

/**
 * hwl_pairs_set_xps() - spread transmit over the pairs by CPU
 * @ad: the device
 *
 * Context: process, rtnl held.
 */
void hwl_pairs_set_xps(struct hwl_adapter *ad)
{
	cpumask_var_t mask;
	unsigned int cpu;
	u32 q;

	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return;
	for (q = 0; q < ad->cfg.pairs; q++) {
		cpumask_clear(mask);
		for_each_online_cpu(cpu)
			if (cpu % ad->cfg.pairs == q)
				cpumask_set_cpu(cpu, mask);
		netif_set_xps_queue(ad->netdev, mask, q);
	}
	free_cpumask_var(mask);
}
