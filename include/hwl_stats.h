/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics: hardware counters, and sums over the queues.
 */
#ifndef HWL_STATS_H
#define HWL_STATS_H

#include <linux/netdevice.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct hwl_adapter;

/* Hardware counters; hwl_stats.c has the register of each. */
enum hwl_stat {
	HWL_CRCERRS, HWL_ALGNERRC, HWL_SYMERRS, HWL_RXERRC, HWL_MPC,
	HWL_SCC, HWL_ECOL, HWL_MCC, HWL_LATECOL, HWL_COLC, HWL_DC,
	HWL_SEC, HWL_CEXTERR, HWL_XONRXC, HWL_XONTXC, HWL_XOFFRXC,
	HWL_XOFFTXC, HWL_FCRUC,
	HWL_PRC64, HWL_PRC127, HWL_PRC255, HWL_PRC511, HWL_PRC1023,
	HWL_PRC1522,
	HWL_GPRC, HWL_BPRC, HWL_MPRC, HWL_GPTC, HWL_GORC, HWL_GOTC,
	HWL_RNBC, HWL_RUC, HWL_RFC, HWL_ROC, HWL_RJC,
	HWL_MGTPRC, HWL_MGTPDC, HWL_MGTPTC,
	HWL_TOR, HWL_TOT, HWL_TPR, HWL_TPT,
	HWL_PTC64, HWL_PTC127, HWL_PTC255, HWL_PTC511, HWL_PTC1023,
	HWL_PTC1522,
	HWL_MPTC, HWL_BPTC, HWL_TSCTC, HWL_TSCTFC, HWL_IAC, HWL_ICRXOC,
	HWL_STAT_NUM
};

/**
 * struct hwl_stats - hardware counters, never going back
 * @lock: serialises readers: the registers clear on read; taken with BH
 *	disabled
 * @hw: sums since probe
 * @when: jiffies when they were made last
 */
struct hwl_stats {
	spinlock_t lock; /* registers that clear on read */
	u64 hw[HWL_STAT_NUM];
	unsigned long when;
};

/* Counters of a queue at one moment, in the order of their names. */
enum hwl_txq_stat {
	HWL_TX_PACKETS, HWL_TX_BYTES, HWL_TX_TSO_PACKETS, HWL_TX_TSO_BYTES,
	HWL_TX_STOPPED, HWL_TX_WOKEN, HWL_TX_BUSY, HWL_TX_MAP_ERR, HWL_TX_DROP,
	HWL_TX_ABORTED, HWL_TX_XDP_DROP,
	HWL_TXQ_STAT_NUM
};

enum hwl_rxq_stat {
	HWL_RX_PACKETS, HWL_RX_BYTES,
	HWL_RX_CSUM_GOODS, HWL_RX_CSUM_NONES, HWL_RX_CSUM_BADS,
	HWL_RX_ALLOC_FAIL, HWL_RX_NO_SKB, HWL_RX_ERR_CRC, HWL_RX_ERR_SYMBOL,
	HWL_RX_ERR_SEQUENCE, HWL_RX_ERR_CARRIER, HWL_RX_ERR_DATA,
	HWL_RX_ERR_LONG, HWL_RX_ERR_DESC,
	HWL_RX_XDP_STATS,		/* as enum hwl_xdp_count */
	HWL_RX_XDP_LAST = HWL_RX_XDP_STATS + HWL_XDP_COUNTS - 1,
	HWL_RXQ_STAT_NUM
};

extern const char * const hwl_stat_names[HWL_STAT_NUM];
extern const char * const hwl_txq_stat_names[HWL_TXQ_STAT_NUM];
extern const char * const hwl_rxq_stat_names[HWL_RXQ_STAT_NUM];
extern const struct netdev_stat_ops hwl_stat_ops;

void hwl_stats_init(struct hwl_adapter *ad);
void hwl_stats_update(struct hwl_adapter *ad);
void hwl_stats_fold(struct hwl_adapter *ad);
u64 hwl_stats_get(struct hwl_adapter *ad, enum hwl_stat id);
void hwl_stats_txq(const struct hwl_adapter *ad, int q, u64 *val);
void hwl_stats_rxq(const struct hwl_adapter *ad, int q, u64 *val);
void hwl_stats_get64(struct net_device *netdev, struct rtnl_link_stats64 *stats);

#endif /* HWL_STATS_H */
