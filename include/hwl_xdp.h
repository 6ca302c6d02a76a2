/* SPDX-License-Identifier: GPL-2.0 */
/*
 * XDP: programs, their verdicts, and frames that they send.
 */
#ifndef HWL_XDP_H
#define HWL_XDP_H

#include <net/xdp.h>

#include "hwl_rx.h"

struct hwl_adapter;

/* What is left to do with a frame that a program saw. */
enum hwl_xdp_verdict {
	HWL_XDP_TO_STACK,
	HWL_XDP_DISCARD,	/* its buffers are still the ring's */
	HWL_XDP_CONSUMED,
};

extern const struct xdp_metadata_ops hwl_xdp_metadata_ops;

bool hwl_xdp_prog_fits(const struct bpf_prog *prog, int mtu);
void hwl_xdp_set_prog(struct hwl_adapter *ad, struct bpf_prog *prog);
enum hwl_xdp_verdict hwl_xdp_run(struct hwl_rxq *rxq, struct bpf_prog *prog,
				 struct xdp_buff *xdp,
				 const union hwl_rx_desc *desc);
bool hwl_xdp_may_send(const struct hwl_adapter *ad, const struct hwl_txq *txq);
void hwl_xdp_count_drops(struct hwl_txq *txq, u32 drops);
void hwl_xdp_flush(struct hwl_rxq *rxq);
int hwl_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames,
		 u32 flags);

/**
 * hwl_xdp_free() - give the buffers of a frame back to the queue's pool
 * @rxq: the queue
 * @frame: the frame, of that pool
 * @napi: in the poll of the pair
 *
 * Context: NAPI, or the queue is stopped.
 */
static inline void hwl_xdp_free(struct hwl_rxq *rxq, struct xdp_frame *frame, bool napi)
{
	hwl_rx_bufs_free(rxq->ring.pool, frame->data,
			 xdp_frame_has_frags(frame) ?
			 xdp_get_shared_info_from_frame(frame) : NULL, napi);
}

/**
 * hwl_xdp_pending() - has the poll something left to do for XDP?
 * @rxq: the queue
 *
 * Context: NAPI.
 * Return: true if hwl_xdp_flush() is due.
 */
static inline bool hwl_xdp_pending(const struct hwl_rxq *rxq)
{
	const struct hwl_xdp_work *work = &rxq->xdp_work;

	return work->ntx || work->kick || work->redirected;
}

#endif /* HWL_XDP_H */
