/* SPDX-License-Identifier: GPL-2.0 */
/*
 * AF_XDP: pools of user space's buffers behind the queues of a pair.
 */
#ifndef HWL_XSK_H
#define HWL_XSK_H

#include <net/xdp_sock_drv.h>

#include "hwl_queue.h"

struct hwl_adapter;

/*
 * A slot of a receive ring holds a buffer of the page pool, or one of an AF_XDP
 * pool. The latter has bit 0 of its pointer set.
 */
#define HWL_XSK_TAG		1UL

/**
 * hwl_xsk_is_buf() - is the buffer of a slot one of an AF_XDP pool?
 * @buf: the buffer
 *
 * Return: true if so.
 */
static inline bool hwl_xsk_is_buf(const void *buf)
{
	return (unsigned long)buf & HWL_XSK_TAG;
}

/**
 * hwl_xsk_to_buf() - what stands in a slot for a buffer of an AF_XDP pool
 * @xdp: the buffer
 *
 * Return: the tagged pointer.
 */
static inline void *hwl_xsk_to_buf(struct xdp_buff *xdp)
{
	return (void *)((unsigned long)xdp | HWL_XSK_TAG);
}

/**
 * hwl_xsk_from_buf() - undo hwl_xsk_to_buf()
 * @buf: the tagged pointer
 *
 * Return: the buffer.
 */
static inline struct xdp_buff *hwl_xsk_from_buf(void *buf)
{
	return (struct xdp_buff *)((unsigned long)buf & ~HWL_XSK_TAG);
}

int hwl_xsk_map(struct hwl_adapter *ad, u32 q, struct xsk_buff_pool *pool);
void hwl_xsk_publish(struct hwl_pair *pair, struct xsk_buff_pool *pool);
void hwl_xsk_unmap(struct hwl_pair *pair, struct xsk_buff_pool *pool);
u32 hwl_xsk_pool_max_mtu(struct xsk_buff_pool *pool);
u32 hwl_xsk_max_mtu(const struct hwl_adapter *ad);

u32 hwl_xsk_fill(struct hwl_rxq *rxq, u32 n);
u64_stats_t *hwl_xsk_add(struct hwl_rxq *rxq, struct xdp_buff *xdp, u32 len, bool eop);
struct sk_buff *hwl_xsk_copy(struct hwl_rxq *rxq, struct xdp_buff *xdp);

extern const struct xsk_tx_metadata_ops hwl_xsk_metadata_ops;

void hwl_xsk_send(struct hwl_txq *txq);
void hwl_xsk_completed(struct hwl_txq *txq, u32 frames);
void hwl_xsk_hold(struct hwl_txq *txq, u32 before);
void hwl_xsk_release(struct hwl_txq *txq);

#endif /* HWL_XSK_H */
