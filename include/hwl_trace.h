/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events: what the queues do, for perf and trace-cmd. They cost nothing
 * while nobody listens.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hartwell

#if !defined(HWL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define HWL_TRACE_H

#include <linux/netdevice.h>
#include <linux/tracepoint.h>

#include "hwl.h"

/* A transmit queue and its counters. */
DECLARE_EVENT_CLASS(hwl_txq,
	TP_PROTO(const struct hwl_txq *txq),
	TP_ARGS(txq),
	TP_STRUCT__entry(
		__string(dev, txq->ad->netdev->name)
		__field(int, queue)
		__field(u32, prod)
		__field(u32, cons)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->queue = txq->index;
		__entry->prod = READ_ONCE(txq->prod);
		__entry->cons = READ_ONCE(txq->cons);
	),
	TP_printk("%s queue %d: filled %u cleaned %u pending %u", __get_str(dev),
		  __entry->queue, __entry->prod, __entry->cons,
		  __entry->prod - __entry->cons)
);

/* The stack's queue went to sleep for want of descriptors. */
DEFINE_EVENT(hwl_txq, hwl_tx_stop, TP_PROTO(const struct hwl_txq *txq), TP_ARGS(txq));
/* The poll woke it. */
DEFINE_EVENT(hwl_txq, hwl_tx_wake, TP_PROTO(const struct hwl_txq *txq), TP_ARGS(txq));
/* The tail register was written. */
DEFINE_EVENT(hwl_txq, hwl_tx_doorbell, TP_PROTO(const struct hwl_txq *txq), TP_ARGS(txq));

/* Packets were completed. */
TRACE_EVENT(hwl_tx_complete,
	TP_PROTO(const struct hwl_txq *txq, u32 packets, u32 bytes),
	TP_ARGS(txq, packets, bytes),
	TP_STRUCT__entry(
		__string(dev, txq->ad->netdev->name)
		__field(int, queue)
		__field(u32, packets)
		__field(u32, bytes)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->queue = txq->index;
		__entry->packets = packets;
		__entry->bytes = bytes;
	),
	TP_printk("%s queue %d: %u packets, %u bytes", __get_str(dev), __entry->queue,
		  __entry->packets, __entry->bytes)
);

/* Receive buffers were handed to the device. */
TRACE_EVENT(hwl_rx_refill,
	TP_PROTO(const struct hwl_rxq *rxq, u32 buffers),
	TP_ARGS(rxq, buffers),
	TP_STRUCT__entry(
		__string(dev, rxq->ad->netdev->name)
		__field(int, queue)
		__field(u32, buffers)
		__field(u32, posted)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->queue = rxq->index;
		__entry->buffers = buffers;
		__entry->posted = rxq->prod - rxq->cons;
	),
	TP_printk("%s queue %d: %u buffers, %u posted", __get_str(dev), __entry->queue,
		  __entry->buffers, __entry->posted)
);

/* The data path was reset. */
TRACE_EVENT(hwl_reset,
	TP_PROTO(const struct hwl_adapter *ad, int err),
	TP_ARGS(ad, err),
	TP_STRUCT__entry(
		__string(dev, ad->netdev->name)
		__field(u32, count)
		__field(int, err)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->count = ad->resets;
		__entry->err = err;
	),
	TP_printk("%s: reset %u, error %d", __get_str(dev), __entry->count, __entry->err)
);

#endif /* HWL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE hwl_trace
#include <trace/define_trace.h>
