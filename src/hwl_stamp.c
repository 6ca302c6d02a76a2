// SPDX-License-Identifier: GPL-2.0
/*
 * Time stamps of frames.
 *
 * The device has a latch for each direction: SYSTIM at the moment when a frame
 * passed, and a bit that says so until the latch is read. Until then no other
 * frame is stamped.
 *
 * Transmit: a frame claims the latch (hwl_stamp_tx_claim()) under the transmit lock
 * of its queue, of which there are two; a bit decides. Nothing tells when the
 * stamp is there, so work polls for it until it comes, or has not come long after
 * the frame has left the ring. Until then nobody else has the latch: the stamp of
 * a late frame must not become that of the next. The stamp of a frame of AF_XDP is
 * left in the frame's queue (struct hwl_xsk_stamp), whose poll gives it to user
 * space: the memory for it may be gone when the queue is.
 *
 * Receive: the frame whose stamp is in the latch is marked in its descriptor, so
 * the poll reads it. Where that frame is lost, the watchdog frees the latch.
 */
#include <linux/bitfield.h>
#include <linux/skbuff.h>

#include "hwl.h"
#include "hwl_stamp.h"

/* Bit of tx_busy. */
#define HWL_STAMP_TX_CLAIMED	0

/* A stamp comes when its frame leaves, as a rule at once: so many polls in short
 * intervals, then one each jiffy, until so long after the frame has left the ring.
 * Its owner is not kept waiting longer than the partner may reasonably pause; then it
 * is polled for at leisure.
 */
#define HWL_STAMP_POLLS		20
#define HWL_STAMP_POLL_US	50
#define HWL_STAMP_GIVE_UP	HZ
#define HWL_STAMP_PATIENCE	(10 * HZ)
#define HWL_STAMP_LEISURE	(HZ / 10)

/* A stamp that so many checks of the watchdog found is of a frame that was lost. */
#define HWL_STAMP_RX_WAITS	3

/* UDP port 319 and the EtherType of PTP; the port in network order. */
#define HWL_STAMP_RXUDP		0x3F01
#define HWL_STAMP_ETYPE		FIELD_PREP_CONST(HWL_RXMTRL_ETYPE, ETH_P_1588)

/* ---- Transmit ---- */

/**
 * hwl_stamp_tx_claim() - may a frame have the transmit latch?
 * @ad: the device
 * @fit: a stamp could be told
 *
 * For a packet that is segmented, too, as e1000e has it: the stamp is that of one of
 * its frames, on the model the first.
 *
 * Context: transmit lock held.
 * Return: true if so: TSTAMP is to be in its data descriptors, and the end is
 * hwl_stamp_tx_begin() or hwl_stamp_tx_unclaim().
 */
bool hwl_stamp_tx_claim(struct hwl_adapter *ad, bool fit)
{
	struct hwl_stamp *stamp = &ad->stamp;

	if (!READ_ONCE(stamp->mode.tx))
		return false;
	if (!fit ||
	    test_and_set_bit_lock(HWL_STAMP_TX_CLAIMED, &stamp->tx_busy)) {
		atomic64_inc(&stamp->errors);
		return false;
	}
	return true;
}

/**
 * hwl_stamp_tx_unclaim() - the frame is not sent
 * @ad: the device
 *
 * Context: transmit lock held.
 */
void hwl_stamp_tx_unclaim(struct hwl_adapter *ad)
{
	atomic64_inc(&ad->stamp.errors);
	clear_bit_unlock(HWL_STAMP_TX_CLAIMED, &ad->stamp.tx_busy);
}

/**
 * hwl_stamp_tx_begin() - wait for the stamp of a frame
 * @txq: its queue
 * @skb: the frame, about to be published; NULL for one of AF_XDP
 * @prod: producer counter behind it
 *
 * Context: transmit lock held.
 */
void hwl_stamp_tx_begin(struct hwl_txq *txq, struct sk_buff *skb, u32 prod)
{
	struct hwl_stamp *stamp = &txq->ad->stamp;

	stamp->segmented = skb && skb_is_gso(skb);
	if (likely(skb)) {
		skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
		stamp->skb = skb_get(skb);
	} else {
		txq->xsk_stamp.state = HWL_XSK_STAMP_WAITS;
	}
	stamp->txq = txq;
	stamp->prod = prod;
	stamp->since = jiffies;
	stamp->begun = jiffies;
	queue_delayed_work(system_highpri_wq, &stamp->tx_work, 0);
}

/* Leave the stamp of a frame of AF_XDP to the poll of its queue. */
static void hwl_stamp_tx_leave(struct hwl_txq *txq, u64 ns)
{
	txq->xsk_stamp.ns = ns;
	/* The stamp before the state; pairs with the acquire in hwl_xsk_release(). */
	smp_store_release(&txq->xsk_stamp.state, HWL_XSK_STAMP_DONE);
	hwl_pair_schedule(container_of(txq, struct hwl_pair, txq));
}

/*
 * Let the next frame have the latch. @ns: the stamp, 0 for none. Return: the skb
 * that had it, or NULL.
 */
static struct sk_buff *hwl_stamp_tx_end(struct hwl_stamp *stamp, u64 ns)
{
	struct sk_buff *skb = stamp->skb;
	struct hwl_txq *txq = stamp->txq;
	bool orphan = stamp->orphan;

	stamp->skb = NULL;
	stamp->txq = NULL;
	stamp->orphan = false;
	clear_bit_unlock(HWL_STAMP_TX_CLAIMED, &stamp->tx_busy);
	if (!skb && !orphan)
		hwl_stamp_tx_leave(txq, ns);
	return skb;
}

/* The request has ended without a stamp. The frame may yet have the latch. */
static void hwl_stamp_tx_lose(struct hwl_stamp *stamp)
{
	struct sk_buff *skb = stamp->skb;

	if (stamp->orphan)
		return;
	stamp->orphan = true;
	stamp->skb = NULL;
	atomic64_inc(&stamp->lost);
	if (skb)
		dev_kfree_skb_any(skb);
	else
		hwl_stamp_tx_leave(stamp->txq, 0);
}

static void hwl_stamp_tx_give_up(struct hwl_adapter *ad)
{
	struct hwl_stamp *stamp = &ad->stamp;

	/* Should it have come just now. */
	hwl_rd32(&ad->hw, HWL_TXSTMPH);
	hwl_stamp_tx_lose(stamp);
	hwl_stamp_tx_end(stamp, 0);
}

/* Has the packet left the device for so long? Not while it is in the ring, or behind it
 * in a device that the link partner has paused.
 */
static bool hwl_stamp_tx_left(struct hwl_adapter *ad, unsigned long jiffies_ago)
{
	struct hwl_stamp *stamp = &ad->stamp;

	if ((s32)(READ_ONCE(stamp->txq->cons) - stamp->prod) < 0 ||
	    (!hwl_removed(&ad->hw) && hwl_hw_tx_paused(&ad->hw)))
		stamp->since = jiffies;
	return time_after(jiffies, stamp->since + jiffies_ago);
}

/* Return: true if there was a stamp. */
static bool hwl_stamp_tx_take(struct hwl_adapter *ad)
{
	struct hwl_stamp *stamp = &ad->stamp;
	struct skb_shared_hwtstamps stamps = {};
	struct hwl_hw *hw = &ad->hw;
	struct sk_buff *skb;
	u32 low;

	if (!(hwl_rd32(hw, HWL_TSYNCTXCTL) & HWL_TSYNC_VALID) || hwl_removed(hw))
		return false;
	/* Until its last frame has left: a later one would have the latch once more, and
	 * that would be the stamp of the next who asks.
	 */
	if (stamp->segmented && !hwl_stamp_tx_left(ad, 1))
		return false;
	low = hwl_rd32(hw, HWL_TXSTMPL);
	stamps.hwtstamp = ns_to_ktime(hwl_clock_stamp(hw, low,
						      hwl_rd32(hw, HWL_TXSTMPH)));
	/* Before its owner hears of it, and sends the next. */
	if (!stamp->orphan)
		atomic64_inc(&stamp->pkts);
	skb = hwl_stamp_tx_end(stamp, ktime_to_ns(stamps.hwtstamp));
	if (skb) {
		skb_tstamp_tx(skb, &stamps);
		dev_consume_skb_any(skb);
	}
	return true;
}

/* Look for a stamp that may be about to come. Return: true if it has. */
static bool hwl_stamp_tx_poll(struct hwl_adapter *ad, int polls)
{
	while (!hwl_stamp_tx_take(ad)) {
		if (!--polls || hwl_removed(&ad->hw))
			return false;
		usleep_range(HWL_STAMP_POLL_US, 2 * HWL_STAMP_POLL_US);
	}
	return true;
}

static void hwl_stamp_tx_work(struct work_struct *work)
{
	struct hwl_stamp *stamp = container_of(to_delayed_work(work),
					       struct hwl_stamp, tx_work);
	struct hwl_adapter *ad = container_of(stamp, struct hwl_adapter, stamp);
	int polls = time_after(jiffies, stamp->begun + 1) ? 1 : HWL_STAMP_POLLS;

	if (hwl_stamp_tx_poll(ad, polls))
		return;
	if (hwl_stamp_tx_left(ad, HWL_STAMP_GIVE_UP)) {
		hwl_stamp_tx_give_up(ad);
		return;
	}
	if (time_after(jiffies, stamp->begun + HWL_STAMP_PATIENCE))
		hwl_stamp_tx_lose(stamp);
	queue_delayed_work(system_highpri_wq, &stamp->tx_work,
			   stamp->orphan ? HWL_STAMP_LEISURE : 1);
}

/* No transmit will begin to wait any more. */
static void hwl_stamp_tx_cancel(struct hwl_adapter *ad)
{
	cancel_delayed_work_sync(&ad->stamp.tx_work);
	if (!ad->stamp.txq)
		return;
	/* Later frames may leave yet; the start empties the latch. */
	ad->stamp.segmented = false;
	/* The frame may be on the wire just now. */
	if (!hwl_stamp_tx_poll(ad, HWL_STAMP_POLLS))
		hwl_stamp_tx_give_up(ad);
}

/* ---- Receive ---- */

/**
 * hwl_stamp_rx() - take the stamp of a frame that is marked to have one
 * @ad: the device
 *
 * Reads registers.
 *
 * Context: NAPI.
 * Return: nanoseconds, or 0 if there is none.
 */
u64 hwl_stamp_rx(struct hwl_adapter *ad)
{
	struct hwl_stamp *stamp = &ad->stamp;
	struct hwl_hw *hw = &ad->hw;
	u32 low, high;
	bool valid;

	if (!READ_ONCE(stamp->mode.rx))
		return 0;
	spin_lock(&stamp->rx_lock);
	valid = hwl_rd32(hw, HWL_TSYNCRXCTL) & HWL_TSYNC_VALID;
	if (valid) {
		low = hwl_rd32(hw, HWL_RXSTMPL);
		high = hwl_rd32(hw, HWL_RXSTMPH);
		stamp->rx_taken++;
	}
	spin_unlock(&stamp->rx_lock);
	if (!valid || hwl_removed(hw))
		return 0;
	return hwl_clock_stamp(hw, low, high);
}

/* RXSTMPH frees the latch according to Linux, RXSATRH according to QEMU. */
static void hwl_stamp_rx_free(struct hwl_hw *hw)
{
	hwl_rd32(hw, HWL_RXSTMPH);
	hwl_rd32(hw, HWL_RXSATRH);
}

/**
 * hwl_stamp_watch() - free a receive latch that nobody reads
 * @ad: the device; up
 *
 * The frame whose stamp it holds was lost on its way, and no other frame would be
 * stamped.
 *
 * Context: process; called once a second.
 */
void hwl_stamp_watch(struct hwl_adapter *ad)
{
	struct hwl_stamp *stamp = &ad->stamp;
	bool valid;

	if (!READ_ONCE(stamp->mode.rx))
		return;
	spin_lock_bh(&stamp->rx_lock);
	valid = hwl_rd32(&ad->hw, HWL_TSYNCRXCTL) & HWL_TSYNC_VALID;
	if (!valid || stamp->rx_taken != stamp->rx_seen)
		stamp->rx_waits = 0;
	stamp->rx_seen = stamp->rx_taken;
	if (valid && !hwl_removed(&ad->hw) && ++stamp->rx_waits == HWL_STAMP_RX_WAITS) {
		hwl_stamp_rx_free(&ad->hw);
		stamp->rx_cleared++;
		stamp->rx_waits = 0;
	}
	spin_unlock_bh(&stamp->rx_lock);
}

/* ---- Mode ---- */

static u32 hwl_stamp_rxctl(const struct hwl_stamp_mode *mode)
{
	return mode->rx ? HWL_TSYNC_EN |
			  FIELD_PREP(HWL_TSYNCRXCTL_TYPE, mode->type) : 0;
}

static void hwl_stamp_write_tx(struct hwl_adapter *ad)
{
	hwl_wr32(&ad->hw, HWL_TSYNCTXCTL, ad->stamp.mode.tx ? HWL_TSYNC_EN : 0);
	hwl_rd32(&ad->hw, HWL_TXSTMPH);
}

static void hwl_stamp_write_rx(struct hwl_adapter *ad)
{
	const struct hwl_stamp_mode *mode = &ad->stamp.mode;
	struct hwl_hw *hw = &ad->hw;

	hwl_wr32(hw, HWL_RXMTRL, mode->message | HWL_STAMP_ETYPE);
	hwl_wr32(hw, HWL_RXUDP, HWL_STAMP_RXUDP);
	/* Before it can have the stamp of a frame that is to be given it. */
	hwl_stamp_rx_free(hw);
	hwl_wr32(hw, HWL_TSYNCRXCTL, hwl_stamp_rxctl(mode));
}

/* Frames that are under way keep the latch, and have their stamps or end in time. */
static void hwl_stamp_set_tx(struct hwl_adapter *ad, bool on)
{
	struct hwl_stamp *stamp = &ad->stamp;

	if (on == stamp->mode.tx)
		return;
	WRITE_ONCE(stamp->mode.tx, false);
	hwl_wr32(&ad->hw, HWL_TSYNCTXCTL, on ? HWL_TSYNC_EN : 0);
	/* A stamp that no frame waits for any more. */
	if (on && !test_and_set_bit_lock(HWL_STAMP_TX_CLAIMED, &stamp->tx_busy)) {
		hwl_rd32(&ad->hw, HWL_TXSTMPH);
		clear_bit_unlock(HWL_STAMP_TX_CLAIMED, &stamp->tx_busy);
	}
	/* First the device, then frames that rely on it. */
	WRITE_ONCE(stamp->mode.tx, on);
}

/* Is this what becomes of received frames already? */
static bool hwl_stamp_same_rx(const struct hwl_stamp *stamp,
			      const struct hwl_stamp_mode *mode)
{
	return mode->rx == stamp->mode.rx && mode->type == stamp->mode.type &&
	       mode->message == stamp->mode.message;
}

/**
 * hwl_stamp_end_rx() - stamp no received frames any more, if the mode changes that
 * @ad: the device; up or not
 * @mode: the new mode
 *
 * Frames that are marked would take the stamps of others, so before
 * hwl_stamp_set_mode() all that were received have to be taken.
 *
 * Context: process, rtnl held.
 * Return: true if that is to be waited for.
 */
bool hwl_stamp_end_rx(struct hwl_adapter *ad, const struct hwl_stamp_mode *mode)
{
	struct hwl_stamp *stamp = &ad->stamp;

	if (hwl_stamp_same_rx(stamp, mode) || test_bit(HWL_DOWN, &ad->flags))
		return false;
	WRITE_ONCE(stamp->mode.rx, false);
	hwl_wr32(&ad->hw, HWL_TSYNCRXCTL, 0);
	/* No poll that has seen the old mode is left. */
	synchronize_net();
	return true;
}

/**
 * hwl_stamp_set_mode() - choose what is stamped
 * @ad: the device; up or not
 * @mode: the new mode; hwl_stamp_end_rx() was called for it
 *
 * Kept until the next call, over resets and while the interface is down. What does
 * not change is not disturbed.
 *
 * Context: process, rtnl held.
 */
void hwl_stamp_set_mode(struct hwl_adapter *ad, const struct hwl_stamp_mode *mode)
{
	struct hwl_stamp *stamp = &ad->stamp;

	if (test_bit(HWL_DOWN, &ad->flags)) {
		stamp->mode = *mode;
		return;
	}
	if (!hwl_stamp_same_rx(stamp, mode)) {
		stamp->mode.type = mode->type;
		stamp->mode.message = mode->message;
		/* First who reads the latch, then what fills it. */
		WRITE_ONCE(stamp->mode.rx, mode->rx);
		hwl_stamp_write_rx(ad);
	}
	hwl_stamp_set_tx(ad, mode->tx);
}

/* ---- Life ---- */

/* VMware's device, for one, has no such registers. */
static bool hwl_stamp_kept(struct hwl_hw *hw)
{
	u32 rxctl = HWL_TSYNC_EN | FIELD_PREP(HWL_TSYNCRXCTL_TYPE, HWL_TSYNC_EVENT_V2);
	u32 rx, tx;

	hwl_wr32(hw, HWL_TSYNCRXCTL, rxctl);
	hwl_wr32(hw, HWL_TSYNCTXCTL, HWL_TSYNC_EN);
	rx = hwl_rd32(hw, HWL_TSYNCRXCTL) & ~HWL_TSYNC_VALID;
	tx = hwl_rd32(hw, HWL_TSYNCTXCTL) & ~HWL_TSYNC_VALID;
	hwl_wr32(hw, HWL_TSYNCRXCTL, 0);
	hwl_wr32(hw, HWL_TSYNCTXCTL, 0);
	return rx == rxctl && tx == HWL_TSYNC_EN;
}

/**
 * hwl_stamp_init() - no stamps yet; does the device make some?
 * @ad: the device; was reset
 *
 * Context: process; probe only.
 */
void hwl_stamp_init(struct hwl_adapter *ad)
{
	spin_lock_init(&ad->stamp.rx_lock);
	INIT_DELAYED_WORK(&ad->stamp.tx_work, hwl_stamp_tx_work);
	ad->stamp.able = hwl_stamp_kept(&ad->hw);
}

/**
 * hwl_stamp_start() - write the mode to a device that was reset
 * @ad: the device
 *
 * Context: process, rtnl held; not up yet.
 */
void hwl_stamp_start(struct hwl_adapter *ad)
{
	ad->stamp.rx_waits = 0;
	hwl_stamp_write_tx(ad);
	hwl_stamp_write_rx(ad);
}

/**
 * hwl_stamp_stop() - no stamp will come any more
 * @ad: the device; neither transmit nor poll is running
 *
 * Context: process, rtnl held.
 */
void hwl_stamp_stop(struct hwl_adapter *ad)
{
	hwl_stamp_tx_cancel(ad);
}
