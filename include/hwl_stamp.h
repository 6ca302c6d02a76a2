/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Time stamps of frames.
 */
#ifndef HWL_STAMP_H
#define HWL_STAMP_H

#include <linux/atomic.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "hwl_desc.h"
#include "hwl_regs.h"

struct hwl_adapter;
struct hwl_txq;

/**
 * struct hwl_stamp_mode - which frames are stamped
 * @tx: sent ones that ask for it
 * @rx: received ones
 * @type: … of these kinds
 * @message: … and with this message type, as RXMTRL has it, if @type goes by it
 */
struct hwl_stamp_mode {
	bool tx;
	bool rx;
	enum hwl_tsync_type type;
	u32 message;
};

/**
 * struct hwl_stamp - time stamps of frames
 * @mode: what is stamped, or will be at the next start; written under rtnl
 * @able: the device has the registers for it
 * @tx_busy: bit 0: a frame has the transmit latch
 * @tx_work: waits for its stamp
 * @skb: the frame; NULL if it is one of AF_XDP
 * @txq: its queue; NULL if none waits
 * @orphan: its owner does not wait any more
 * @segmented: it is several frames, each of which may have the latch
 * @prod: value of the queue's counter behind it
 * @since: when it was last seen in the queue, jiffies
 * @begun: when it asked for the stamp
 * @pkts: frames that were stamped
 * @lost: stamps that did not come
 * @errors: requests that could not be met, the latch being taken as a rule
 * @rx_lock: of the receive latch
 * @rx_taken: stamps taken from it
 * @rx_seen: value of @rx_taken when the watchdog last looked
 * @rx_waits: checks in a row that found the same stamp
 * @rx_cleared: stamps that nobody came for
 */
struct hwl_stamp {
	struct hwl_stamp_mode mode;
	bool able;

	unsigned long tx_busy;
	struct delayed_work tx_work;
	struct sk_buff *skb;
	struct hwl_txq *txq;
	bool orphan;
	bool segmented;
	u32 prod;
	unsigned long since;
	unsigned long begun;
	atomic64_t pkts;
	atomic64_t lost;
	atomic64_t errors;

	spinlock_t rx_lock; /* the receive latch, read in parts */
	u32 rx_taken;
	u32 rx_seen;
	u32 rx_waits;
	u32 rx_cleared;
};

void hwl_stamp_init(struct hwl_adapter *ad);
void hwl_stamp_start(struct hwl_adapter *ad);
void hwl_stamp_stop(struct hwl_adapter *ad);
bool hwl_stamp_end_rx(struct hwl_adapter *ad, const struct hwl_stamp_mode *mode);
void hwl_stamp_set_mode(struct hwl_adapter *ad, const struct hwl_stamp_mode *mode);

bool hwl_stamp_tx_claim(struct hwl_adapter *ad, bool fit);
void hwl_stamp_tx_unclaim(struct hwl_adapter *ad);
void hwl_stamp_tx_begin(struct hwl_txq *txq, struct sk_buff *skb, u32 prod);
u64 hwl_stamp_rx(struct hwl_adapter *ad);
void hwl_stamp_watch(struct hwl_adapter *ad);

/**
 * hwl_stamp_rx_drop() - free the latch of a frame that is thrown away
 * @ad: the device
 * @status: of its descriptor
 *
 * Context: NAPI.
 */
static inline void hwl_stamp_rx_drop(struct hwl_adapter *ad, u32 status)
{
	if (unlikely(status & HWL_RXD_TST))
		hwl_stamp_rx(ad);
}

#endif /* HWL_STAMP_H */
