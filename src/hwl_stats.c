// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: hardware counters, and totals over the queues.
 *
 * Hardware counters clear on read and stick at all ones; they are accumulated
 * in 64-bit totals on demand (for ndo_get_stats64 every 100 ms at most), before
 * each reset, and every half minute. Queue counters live as long as the netdev,
 * so none goes backwards when rings or channels change.
 */
#include <net/netdev_queues.h>

#include "hwl.h"

/* Maximum age of hardware counters returned by ndo_get_stats64. */
#define HWL_STATS_AGE		msecs_to_jiffies(100)

struct hwl_stat_reg {
	u32 reg;
	bool wide;	/* low word, high word; the high read clears both */
};

#define HWL_STAT(name) \
	[HWL_##name] = { HWL_STAT_##name, false }
#define HWL_STAT_WIDE(name) \
	[HWL_##name] = { HWL_STAT_##name, true }

static const struct hwl_stat_reg hwl_stat_regs[HWL_STAT_NUM] = {
	HWL_STAT(CRCERRS), HWL_STAT(ALGNERRC), HWL_STAT(SYMERRS),
	HWL_STAT(RXERRC), HWL_STAT(MPC), HWL_STAT(SCC), HWL_STAT(ECOL),
	HWL_STAT(MCC), HWL_STAT(LATECOL), HWL_STAT(COLC), HWL_STAT(DC),
	HWL_STAT(SEC), HWL_STAT(CEXTERR), HWL_STAT(XONRXC), HWL_STAT(XONTXC),
	HWL_STAT(XOFFRXC), HWL_STAT(XOFFTXC), HWL_STAT(FCRUC),
	HWL_STAT(PRC64), HWL_STAT(PRC127), HWL_STAT(PRC255), HWL_STAT(PRC511),
	HWL_STAT(PRC1023), HWL_STAT(PRC1522),
	HWL_STAT(GPRC), HWL_STAT(BPRC), HWL_STAT(MPRC), HWL_STAT(GPTC),
	HWL_STAT_WIDE(GORC), HWL_STAT_WIDE(GOTC),
	HWL_STAT(RNBC), HWL_STAT(RUC), HWL_STAT(RFC), HWL_STAT(ROC),
	HWL_STAT(RJC), HWL_STAT(MGTPRC), HWL_STAT(MGTPDC), HWL_STAT(MGTPTC),
	HWL_STAT_WIDE(TOR), HWL_STAT_WIDE(TOT), HWL_STAT(TPR), HWL_STAT(TPT),
	HWL_STAT(PTC64), HWL_STAT(PTC127), HWL_STAT(PTC255), HWL_STAT(PTC511),
	HWL_STAT(PTC1023), HWL_STAT(PTC1522),
	HWL_STAT(MPTC), HWL_STAT(BPTC), HWL_STAT(TSCTC), HWL_STAT(TSCTFC),
	HWL_STAT(IAC), HWL_STAT(ICRXOC),
};

/* Names for counters that have no standard home; see statistics.rst. */
const char * const hwl_stat_names[HWL_STAT_NUM] = {
	[HWL_CRCERRS]	= "hw_rx_crc_errors",
	[HWL_ALGNERRC]	= "hw_rx_alignment_errors",
	[HWL_SYMERRS]	= "hw_rx_symbol_errors",
	[HWL_RXERRC]	= "hw_rx_errors",
	[HWL_MPC]	= "hw_rx_missed",
	[HWL_SCC]	= "hw_tx_single_collisions",
	[HWL_ECOL]	= "hw_tx_excessive_collisions",
	[HWL_MCC]	= "hw_tx_multiple_collisions",
	[HWL_LATECOL]	= "hw_tx_late_collisions",
	[HWL_COLC]	= "hw_tx_collisions",
	[HWL_DC]	= "hw_tx_deferred",
	[HWL_SEC]	= "hw_rx_sequence_errors",
	[HWL_CEXTERR]	= "hw_rx_carrier_extension_errors",
	[HWL_XONRXC]	= "hw_rx_xon",
	[HWL_XONTXC]	= "hw_tx_xon",
	[HWL_XOFFRXC]	= "hw_rx_xoff",
	[HWL_XOFFTXC]	= "hw_tx_xoff",
	[HWL_FCRUC]	= "hw_rx_flow_control_unsupported",
	[HWL_PRC64]	= "hw_rx_64",
	[HWL_PRC127]	= "hw_rx_65_127",
	[HWL_PRC255]	= "hw_rx_128_255",
	[HWL_PRC511]	= "hw_rx_256_511",
	[HWL_PRC1023]	= "hw_rx_512_1023",
	[HWL_PRC1522]	= "hw_rx_1024_max",
	[HWL_GPRC]	= "hw_rx_good_packets",
	[HWL_BPRC]	= "hw_rx_broadcast",
	[HWL_MPRC]	= "hw_rx_multicast",
	[HWL_GPTC]	= "hw_tx_good_packets",
	[HWL_GORC]	= "hw_rx_good_octets",
	[HWL_GOTC]	= "hw_tx_good_octets",
	[HWL_RNBC]	= "hw_rx_no_buffer",
	[HWL_RUC]	= "hw_rx_undersize",
	[HWL_RFC]	= "hw_rx_fragments",
	[HWL_ROC]	= "hw_rx_oversize",
	[HWL_RJC]	= "hw_rx_jabbers",
	[HWL_MGTPRC]	= "hw_mgmt_rx",
	[HWL_MGTPDC]	= "hw_mgmt_dropped",
	[HWL_MGTPTC]	= "hw_mgmt_tx",
	[HWL_TOR]	= "hw_rx_octets",
	[HWL_TOT]	= "hw_tx_octets",
	[HWL_TPR]	= "hw_rx_packets",
	[HWL_TPT]	= "hw_tx_packets",
	[HWL_PTC64]	= "hw_tx_64",
	[HWL_PTC127]	= "hw_tx_65_127",
	[HWL_PTC255]	= "hw_tx_128_255",
	[HWL_PTC511]	= "hw_tx_256_511",
	[HWL_PTC1023]	= "hw_tx_512_1023",
	[HWL_PTC1522]	= "hw_tx_1024_max",
	[HWL_MPTC]	= "hw_tx_multicast",
	[HWL_BPTC]	= "hw_tx_broadcast",
	[HWL_TSCTC]	= "hw_tx_tso",
	[HWL_TSCTFC]	= "hw_tx_tso_failed",
	[HWL_IAC]	= "hw_interrupts",
	[HWL_ICRXOC]	= "hw_rx_overruns",
};

const char * const hwl_txq_stat_names[HWL_TXQ_STAT_NUM] = {
	[HWL_TX_PACKETS]	= "packets",
	[HWL_TX_BYTES]		= "bytes",
	[HWL_TX_TSO_PACKETS]	= "tso_packets",
	[HWL_TX_TSO_BYTES]	= "tso_bytes",
	[HWL_TX_STOPPED]	= "stopped",
	[HWL_TX_WOKEN]		= "woken",
	[HWL_TX_BUSY]		= "busy",
	[HWL_TX_MAP_ERR]	= "dma_map_errors",
	[HWL_TX_DROP]		= "drops",
	[HWL_TX_ABORTED]	= "aborted",
	[HWL_TX_XDP_DROP]	= "xdp_drops",
};

const char * const hwl_rxq_stat_names[HWL_RXQ_STAT_NUM] = {
	[HWL_RX_PACKETS]	= "packets",
	[HWL_RX_BYTES]		= "bytes",
	[HWL_RX_CSUM_GOODS]	= "csum_good",
	[HWL_RX_CSUM_NONES]	= "csum_none",
	[HWL_RX_CSUM_BADS]	= "csum_bad",
	[HWL_RX_ALLOC_FAIL]	= "alloc_fail",
	[HWL_RX_NO_SKB]		= "dropped",
	[HWL_RX_ERR_CRC]	= "err_crc",
	[HWL_RX_ERR_SYMBOL]	= "err_symbol",
	[HWL_RX_ERR_SEQUENCE]	= "err_sequence",
	[HWL_RX_ERR_CARRIER]	= "err_carrier",
	[HWL_RX_ERR_DATA]	= "err_data",
	[HWL_RX_ERR_LONG]	= "err_long",
	[HWL_RX_ERR_DESC]	= "err_descriptor",
	[HWL_RX_XDP_STATS + HWL_XDP_PASSED]		= "xdp_pass",
	[HWL_RX_XDP_STATS + HWL_XDP_DROPPED]		= "xdp_drop",
	[HWL_RX_XDP_STATS + HWL_XDP_SENT]		= "xdp_tx",
	[HWL_RX_XDP_STATS + HWL_XDP_REDIRECTED]	= "xdp_redirect",
	[HWL_RX_XDP_STATS + HWL_XDP_ERRORS]		= "xdp_errors",
};

/* ---- Hardware counters ---- */

/**
 * hwl_stats_init() - initialise the statistics
 * @ad: the device
 *
 * Context: process; probe only.
 */
void hwl_stats_init(struct hwl_adapter *ad)
{
	spin_lock_init(&ad->stats.lock);
}

static void __hwl_stats_fold(struct hwl_adapter *ad)
{
	u64 val[HWL_STAT_NUM];
	int i;

	lockdep_assert_held(&ad->stats.lock);
	for (i = 0; i < HWL_STAT_NUM; i++) {
		val[i] = hwl_rd32(&ad->hw, hwl_stat_regs[i].reg);
		if (hwl_stat_regs[i].wide)
			val[i] |= (u64)hwl_rd32(&ad->hw,
						hwl_stat_regs[i].reg + 4) << 32;
	}
	/* Discard the all ones of a device removed meanwhile. */
	if (hwl_removed(&ad->hw))
		return;
	/* Without link, this one counts noise. */
	if (!ad->link.up)
		val[HWL_SYMERRS] = 0;
	for (i = 0; i < HWL_STAT_NUM; i++)
		ad->stats.hw[i] += val[i];
	WRITE_ONCE(ad->stats.when, jiffies);
}

/**
 * hwl_stats_update() - accumulate the hardware counters
 * @ad: the device; if it is down, nothing is read
 *
 * Context: any but hard interrupt.
 */
void hwl_stats_update(struct hwl_adapter *ad)
{
	spin_lock_bh(&ad->stats.lock);
	/* Under the lock: hwl_stats_fold() waits for us before a reset. */
	if (!test_bit(HWL_DOWN, &ad->flags))
		__hwl_stats_fold(ad);
	spin_unlock_bh(&ad->stats.lock);
}

/* Unprivileged users may poll the statistics, and reading all registers is
 * slow, so the rate is limited. Queue counters are always exact.
 */
static void hwl_stats_refresh(struct hwl_adapter *ad)
{
	if (time_after(jiffies, READ_ONCE(ad->stats.when) + HWL_STATS_AGE))
		hwl_stats_update(ad);
}

/**
 * hwl_stats_fold() - accumulate the hardware counters before a reset
 * @ad: the device; HWL_DOWN is set
 *
 * Context: process.
 */
void hwl_stats_fold(struct hwl_adapter *ad)
{
	spin_lock_bh(&ad->stats.lock);
	__hwl_stats_fold(ad);
	spin_unlock_bh(&ad->stats.lock);
}

/**
 * hwl_stats_get() - get a hardware counter, as of the last update
 * @ad: the device
 * @id: the counter
 *
 * Context: any but hard interrupt.
 * Return: the total since probe.
 */
u64 hwl_stats_get(struct hwl_adapter *ad, enum hwl_stat id)
{
	u64 val;

	spin_lock_bh(&ad->stats.lock);
	val = ad->stats.hw[id];
	spin_unlock_bh(&ad->stats.lock);
	return val;
}

/* ---- Queues ---- */

/**
 * hwl_stats_txq() - get the counters of a transmit queue
 * @ad: the device
 * @q: number of the queue
 * @val: HWL_TXQ_STAT_NUM values
 *
 * Context: any.
 */
void hwl_stats_txq(const struct hwl_adapter *ad, int q, u64 *val)
{
	const struct hwl_txq_prod_stats *prod = &ad->pair[q]->txq.pstats;
	const struct hwl_txq_cons_stats *cons = &ad->pair[q]->txq.cstats;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&prod->syncp);
		val[HWL_TX_STOPPED] = u64_stats_read(&prod->stop);
		val[HWL_TX_BUSY] = u64_stats_read(&prod->busy);
		val[HWL_TX_MAP_ERR] = u64_stats_read(&prod->map_err);
		val[HWL_TX_DROP] = u64_stats_read(&prod->drop);
		val[HWL_TX_XDP_DROP] = u64_stats_read(&prod->xdp_drop);
	} while (u64_stats_fetch_retry(&prod->syncp, start));
	do {
		start = u64_stats_fetch_begin(&cons->syncp);
		val[HWL_TX_PACKETS] = u64_stats_read(&cons->packets);
		val[HWL_TX_BYTES] = u64_stats_read(&cons->bytes);
		val[HWL_TX_TSO_PACKETS] = u64_stats_read(&cons->tso_packets);
		val[HWL_TX_TSO_BYTES] = u64_stats_read(&cons->tso_bytes);
		val[HWL_TX_WOKEN] = u64_stats_read(&cons->wake);
		val[HWL_TX_ABORTED] = u64_stats_read(&cons->aborted);
	} while (u64_stats_fetch_retry(&cons->syncp, start));
}

/**
 * hwl_stats_rxq() - get the counters of a receive queue
 * @ad: the device
 * @q: number of the queue
 * @val: HWL_RXQ_STAT_NUM values
 *
 * Context: any.
 */
void hwl_stats_rxq(const struct hwl_adapter *ad, int q, u64 *val)
{
	const struct hwl_rxq_stats *stats = &ad->pair[q]->rxq.stats;
	unsigned int start;
	int i;

	do {
		start = u64_stats_fetch_begin(&stats->syncp);
		val[HWL_RX_PACKETS] = u64_stats_read(&stats->packets);
		val[HWL_RX_BYTES] = u64_stats_read(&stats->bytes);
		val[HWL_RX_CSUM_GOODS] = u64_stats_read(&stats->csum_good);
		val[HWL_RX_CSUM_NONES] = u64_stats_read(&stats->csum_none);
		val[HWL_RX_CSUM_BADS] = u64_stats_read(&stats->csum_bad);
		val[HWL_RX_ALLOC_FAIL] = u64_stats_read(&stats->alloc_fail);
		val[HWL_RX_NO_SKB] = u64_stats_read(&stats->no_skb);
		val[HWL_RX_ERR_CRC] = u64_stats_read(&stats->err_crc);
		val[HWL_RX_ERR_SYMBOL] = u64_stats_read(&stats->err_symbol);
		val[HWL_RX_ERR_SEQUENCE] = u64_stats_read(&stats->err_sequence);
		val[HWL_RX_ERR_CARRIER] = u64_stats_read(&stats->err_carrier);
		val[HWL_RX_ERR_DATA] = u64_stats_read(&stats->err_data);
		val[HWL_RX_ERR_LONG] = u64_stats_read(&stats->err_long);
		val[HWL_RX_ERR_DESC] = u64_stats_read(&stats->err_desc);
		for (i = 0; i < HWL_XDP_COUNTS; i++)
			val[HWL_RX_XDP_STATS + i] = u64_stats_read(&stats->xdp[i]);
	} while (u64_stats_fetch_retry(&stats->syncp, start));
}

/* ---- Interface ---- */

/**
 * hwl_stats_get64() - ndo_get_stats64
 * @netdev: interface
 * @stats: zeroed by the caller
 *
 * Frames, bytes and drops are the queues', as the stack saw them; errors on
 * the wire are the hardware's, up to HWL_STATS_AGE old. Runts (RUC) are among
 * them, as in e1000e and igb, although QEMU counts short frames that it pads and
 * delivers.
 *
 * Context: any but hard interrupt.
 */
void hwl_stats_get64(struct net_device *netdev, struct rtnl_link_stats64 *stats)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u64 tx[HWL_TXQ_STAT_NUM], rx[HWL_RXQ_STAT_NUM];
	const u64 *hw = ad->stats.hw;
	u32 q;

	for (q = 0; q < ad->num_pairs; q++) {
		hwl_stats_txq(ad, q, tx);
		stats->tx_packets += tx[HWL_TX_PACKETS];
		stats->tx_bytes += tx[HWL_TX_BYTES];
		stats->tx_dropped += tx[HWL_TX_MAP_ERR] + tx[HWL_TX_DROP] +
				     tx[HWL_TX_ABORTED];
		hwl_stats_rxq(ad, q, rx);
		stats->rx_packets += rx[HWL_RX_PACKETS];
		stats->rx_bytes += rx[HWL_RX_BYTES];
		stats->rx_dropped += rx[HWL_RX_NO_SKB];
		stats->rx_length_errors += rx[HWL_RX_ERR_LONG];
		stats->rx_errors += rx[HWL_RX_ERR_LONG] + rx[HWL_RX_ERR_DESC];
	}

	hwl_stats_refresh(ad);
	spin_lock_bh(&ad->stats.lock);
	stats->multicast = hw[HWL_MPRC];
	stats->collisions = hw[HWL_COLC];
	stats->rx_crc_errors = hw[HWL_CRCERRS];
	stats->rx_frame_errors = hw[HWL_ALGNERRC];
	stats->rx_length_errors += hw[HWL_RUC] + hw[HWL_ROC];
	stats->rx_missed_errors = hw[HWL_MPC];
	stats->rx_errors += hw[HWL_RXERRC] + hw[HWL_CRCERRS] +
			    hw[HWL_ALGNERRC] + hw[HWL_RUC] + hw[HWL_ROC] +
			    hw[HWL_CEXTERR];
	stats->tx_aborted_errors = hw[HWL_ECOL];
	stats->tx_window_errors = hw[HWL_LATECOL];
	stats->tx_errors = hw[HWL_ECOL] + hw[HWL_LATECOL] +
			   atomic_read(&ad->tx_timeouts);
	spin_unlock_bh(&ad->stats.lock);
}

/* ---- netdev family: per queue, and what no live queue accounts for ---- */

static void hwl_stat_rx_set(struct netdev_queue_stats_rx *stats, const u64 *val)
{
	stats->packets = val[HWL_RX_PACKETS];
	stats->bytes = val[HWL_RX_BYTES];
	stats->alloc_fail = val[HWL_RX_ALLOC_FAIL] + val[HWL_RX_NO_SKB];
	stats->csum_unnecessary = val[HWL_RX_CSUM_GOODS];
	stats->csum_none = val[HWL_RX_CSUM_NONES];
	stats->csum_bad = val[HWL_RX_CSUM_BADS];
}

static void hwl_stat_tx_set(struct netdev_queue_stats_tx *stats, const u64 *val)
{
	stats->packets = val[HWL_TX_PACKETS];
	stats->bytes = val[HWL_TX_BYTES];
	stats->hw_drop_errors = val[HWL_TX_ABORTED];
	stats->hw_gso_packets = val[HWL_TX_TSO_PACKETS];
	stats->hw_gso_bytes = val[HWL_TX_TSO_BYTES];
	stats->stop = val[HWL_TX_STOPPED];
	stats->wake = val[HWL_TX_WOKEN];
}

static void hwl_stat_queue_rx(struct net_device *netdev, int q,
			      struct netdev_queue_stats_rx *stats)
{
	u64 val[HWL_RXQ_STAT_NUM];

	hwl_stats_rxq(netdev_priv(netdev), q, val);
	hwl_stat_rx_set(stats, val);
}

static void hwl_stat_queue_tx(struct net_device *netdev, int q,
			      struct netdev_queue_stats_tx *stats)
{
	u64 val[HWL_TXQ_STAT_NUM];

	hwl_stats_txq(netdev_priv(netdev), q, val);
	hwl_stat_tx_set(stats, val);
}

/* Totals of the queues that are inactive after a change of channels. */
static void hwl_stat_base(struct net_device *netdev,
			  struct netdev_queue_stats_rx *rx,
			  struct netdev_queue_stats_tx *tx)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u64 rx_sum[HWL_RXQ_STAT_NUM] = {}, tx_sum[HWL_TXQ_STAT_NUM] = {};
	u64 rx_val[HWL_RXQ_STAT_NUM], tx_val[HWL_TXQ_STAT_NUM];
	u32 q;
	int i;

	for (q = ad->netdev->real_num_rx_queues; q < ad->num_pairs; q++) {
		hwl_stats_rxq(ad, q, rx_val);
		hwl_stats_txq(ad, q, tx_val);
		for (i = 0; i < HWL_RXQ_STAT_NUM; i++)
			rx_sum[i] += rx_val[i];
		for (i = 0; i < HWL_TXQ_STAT_NUM; i++)
			tx_sum[i] += tx_val[i];
	}
	hwl_stat_rx_set(rx, rx_sum);
	hwl_stat_tx_set(tx, tx_sum);
}

const struct netdev_stat_ops hwl_stat_ops = {
	.get_queue_stats_rx	= hwl_stat_queue_rx,
	.get_queue_stats_tx	= hwl_stat_queue_tx,
	.get_base_stats		= hwl_stat_base,
};
