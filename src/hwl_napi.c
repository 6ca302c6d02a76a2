// SPDX-License-Identifier: GPL-2.0
/*
 * NAPI: the poll of a pair, and what starts it without an interrupt.
 *
 * The poll reads no register; its end enables the pair's causes by one write.
 */
#include <linux/interrupt.h>
#include <linux/iopoll.h>

#include "hwl.h"
#include "hwl_dim.h"
#include "hwl_irq.h"
#include "hwl_rx.h"
#include "hwl_tx.h"
#include "hwl_xdp.h"
#include "hwl_xsk.h"

/* Before the poll tries again when memory has run out. */
#define HWL_RETRY		msecs_to_jiffies(20)

/* Received frames only wait for a CPU. */
#define HWL_RECEIVED_US		(500 * USEC_PER_MSEC)

static int hwl_poll(struct napi_struct *napi, int budget)
{
	struct hwl_pair *pair = container_of(napi, struct hwl_pair, napi);
	int done;

	hwl_txq_clean(&pair->txq, budget);
	/* netpoll wants the transmit queue alone. */
	if (unlikely(!budget))
		return 0;

	done = hwl_rxq_clean(&pair->rxq, budget);
	if (unlikely(hwl_xdp_pending(&pair->rxq)))
		hwl_xdp_flush(&pair->rxq);
	/* Pairs with the release in hwl_xsk_publish(). */
	if (unlikely(smp_load_acquire(&pair->txq.xsk)))
		hwl_xsk_send(&pair->txq);
	if (unlikely(!hwl_rxq_refill(&pair->rxq)))
		mod_timer(&pair->retry, jiffies + HWL_RETRY);

	if (done == budget)
		return done;
	/* Before the end, behind which another poll may begin. */
	hwl_dim_poll(pair);
	if (napi_complete_done(napi, done))
		hwl_wr32(pair->hw, HWL_IMS, pair->rearm);
	return done;
}

static void hwl_refill_retry(struct timer_list *timer)
{
	struct hwl_pair *pair = timer_container_of(pair, timer, retry);

	pair->retries++;
	napi_schedule(&pair->napi);
}

/* Has each queue used the buffers that it had by then, or nothing to do? */
static bool hwl_received(struct hwl_adapter *ad, const u32 *prod)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		const struct hwl_rxq *rxq = &ad->pair[q]->rxq;

		hwl_pair_schedule(ad->pair[q]);
		if (hwl_rxq_pending(rxq) &&
		    (s32)(READ_ONCE(rxq->cons) - prod[q]) < 0)
			return false;
	}
	return true;
}

/**
 * hwl_napi_wait_received() - wait until frames that were received so far have gone up
 * @ad: the device; up
 *
 * What was written to the device before holds for all that are received after.
 *
 * Context: process, rtnl held; sleeps.
 */
void hwl_napi_wait_received(struct hwl_adapter *ad)
{
	u32 prod[HWL_MAX_PAIRS];
	bool received;
	u32 q;

	/* Out of the FIFO, at the speed of the bus. */
	hwl_flush(&ad->hw);
	fsleep(USEC_PER_MSEC);
	for (q = 0; q < ad->cfg.pairs; q++)
		prod[q] = READ_ONCE(ad->pair[q]->rxq.prod);
	read_poll_timeout(hwl_received, received, received, USEC_PER_MSEC,
			  HWL_RECEIVED_US, false, ad, prod);
}

/**
 * hwl_pair_schedule_xsk() - send what AF_XDP sockets provided meanwhile
 * @ad: the device; up
 *
 * Context: process.
 */
void hwl_pair_schedule_xsk(struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++)
		if (READ_ONCE(ad->pair[q]->txq.xsk))
			hwl_pair_schedule(ad->pair[q]);
}

/**
 * hwl_irq_xsk_wakeup() - ndo_xsk_wakeup
 * @netdev: interface
 * @q: queue
 * @flags: XDP_WAKEUP_*; one poll serves both
 *
 * No register is accessed: the poll is scheduled on this CPU.
 *
 * Context: process or softirq, RCU read lock.
 * Return: 0, -ENETDOWN, or -EINVAL if the queue has no pool.
 */
int hwl_irq_xsk_wakeup(struct net_device *netdev, u32 q, u32 flags)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_pair *pair;

	/* Without a link nothing is sent; with one the start polls all pairs. */
	if (test_bit(HWL_DOZING, &ad->flags))
		return 0;
	if (test_bit(HWL_DOWN, &ad->flags))
		return -ENETDOWN;
	if (q >= READ_ONCE(ad->cfg.pairs))
		return -EINVAL;
	pair = ad->pair[q];
	if (!READ_ONCE(pair->rxq.xsk))
		return -EINVAL;
	if (!napi_if_scheduled_mark_missed(&pair->napi))
		hwl_pair_schedule(pair);
	return 0;
}

/**
 * hwl_irq_raise() - have every queue's interrupt come, with or without work
 * @ad: the device; up
 *
 * hwl_irq_lost() tells whether they came.
 *
 * Context: process.
 */
void hwl_irq_raise(struct hwl_adapter *ad)
{
	u32 causes = 0;
	u32 q, i;

	for (q = 0; q < ad->cfg.pairs; q++) {
		struct hwl_pair *pair = ad->pair[q];

		for (i = 0; i < HWL_PAIR_VECTORS; i++)
			WRITE_ONCE(pair->vector[i].seen, false);
		pair->polled = READ_ONCE(pair->events);
		causes |= pair->rearm;
	}
	/* Of a single interrupt one cause is enough. */
	if (!hwl_is_msix(ad))
		causes = HWL_INT_RXT0;
	hwl_wr32(&ad->hw, HWL_ICS, causes);
}

static bool hwl_irq_came(const struct hwl_pair *pair)
{
	const struct hwl_vector *vector = pair->vector;

	return READ_ONCE(vector[HWL_VECTOR_RX].seen) &&
	       (!vector[HWL_VECTOR_TX].irq ||
		READ_ONCE(vector[HWL_VECTOR_TX].seen));
}

/**
 * hwl_irq_lost() - did an interrupt fail to come?
 * @pair: the pair; hwl_irq_raise() was called some time ago
 *
 * One that is masked because polls go on will come when they end.
 *
 * Context: process. Reads a register where an interrupt did not come.
 * Return: true if one of the pair did not, and should have.
 */
bool hwl_irq_lost(const struct hwl_pair *pair)
{
	u32 ims;

	if (hwl_irq_came(pair) ||
	    test_bit(NAPI_STATE_SCHED, &pair->napi.state))
		return false;
	ims = hwl_rd32(pair->hw, HWL_IMS);
	if (hwl_removed(pair->hw))
		return false;
	/* Masked: by someone else, unless timers or busy polling are at work. */
	return (ims & pair->rearm) == pair->rearm ||
	       pair->polled == READ_ONCE(pair->events);
}

/* ---- Adaptive moderation ---- */

static void hwl_dim_apply(struct hwl_pair *pair, struct dim *dim,
			  const bool *adaptive)
{
	if (READ_ONCE(*adaptive))
		hwl_irq_set_pair_itr(pair);
	WRITE_ONCE(dim->state, DIM_START_MEASURE);
}

static void hwl_dim_rx_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct hwl_pair *pair = container_of(dim, struct hwl_pair, rx_dim);

	hwl_dim_apply(pair, dim, &pair->ad->coal[pair->rxq.index].rx_adaptive);
}

static void hwl_dim_tx_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct hwl_pair *pair = container_of(dim, struct hwl_pair, tx_dim);

	hwl_dim_apply(pair, dim, &pair->ad->coal[pair->rxq.index].tx_adaptive);
}

/* ---- Pairs ---- */

/**
 * hwl_irq_pair_init() - make ready what polls a pair
 * @pair: the pair
 * @q: its number
 *
 * Context: process; probe only.
 */
void hwl_irq_pair_init(struct hwl_pair *pair, int q)
{
	int i;

	for (i = 0; i < HWL_PAIR_VECTORS; i++)
		pair->vector[i].pair = pair;
	hwl_irq_pair_causes(pair, q);
	hwl_dim_init(pair);
	INIT_WORK(&pair->rx_dim.work, hwl_dim_rx_work);
	INIT_WORK(&pair->tx_dim.work, hwl_dim_tx_work);
	timer_setup(&pair->retry, hwl_refill_retry, 0);
	/* A stray interrupt must not schedule it before it is enabled. */
	set_bit(NAPI_STATE_SCHED, &pair->napi.state);
	hwl_compat_napi_init(pair->ad->netdev, &pair->napi, hwl_poll, q);
}

/* Since 6.17, disabling threaded NAPI waits, under the netdev lock, for every
 * listed instance; a disabled one never finishes. So an instance is listed while
 * it is enabled, and both change under that lock. Its id lasts all the same.
 */
static void hwl_irq_napi_list(struct hwl_adapter *ad, u32 q)
{
	struct hwl_pair *pair = ad->pair[q];

	netdev_lock(ad->netdev);
	netif_napi_add_config_locked(ad->netdev, &pair->napi, hwl_poll, q);
	netif_napi_set_irq_locked(&pair->napi, pair->vector[HWL_VECTOR_RX].irq ?:
					       ad->other_irq);
	napi_enable_locked(&pair->napi);
	netdev_unlock(ad->netdev);
}

static void hwl_irq_napi_unlist(struct hwl_adapter *ad, u32 q)
{
	struct napi_struct *napi = &ad->pair[q]->napi;

	netdev_lock(ad->netdev);
	napi_disable_locked(napi);
	__netif_napi_del_locked(napi);
	netdev_unlock(ad->netdev);
}

/**
 * hwl_irq_napi_enable() - let the active pairs poll
 * @ad: the device
 *
 * Context: process, rtnl held.
 */
void hwl_irq_napi_enable(struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		struct hwl_pair *pair = ad->pair[q];

		hwl_irq_napi_list(ad, q);
		netif_queue_set_napi(ad->netdev, q, NETDEV_QUEUE_TYPE_RX,
				     &pair->napi);
		netif_queue_set_napi(ad->netdev, q, NETDEV_QUEUE_TYPE_TX,
				     &pair->napi);
	}
}

/**
 * hwl_irq_napi_disable() - wait for the polls to end, and let none start
 * @ad: the device; its interrupts were disabled
 *
 * A poll that ended meanwhile has unmasked its causes: an INTx line would stay
 * asserted, since the handler ignores a device that is down.
 *
 * Context: process, rtnl held.
 */
void hwl_irq_napi_disable(struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		struct hwl_pair *pair = ad->pair[q];

		netif_queue_set_napi(ad->netdev, q, NETDEV_QUEUE_TYPE_RX, NULL);
		netif_queue_set_napi(ad->netdev, q, NETDEV_QUEUE_TYPE_TX, NULL);
		hwl_irq_napi_unlist(ad, q);
		hwl_dim_stop(pair);
		timer_delete_sync(&pair->retry);
	}
	/* napi_disable() does not wait for what follows napi_complete_done(), nor
	 * for readers of the list, to which the instances will be added again.
	 */
	synchronize_net();
	hwl_wr32(&ad->hw, HWL_IMC, HWL_INT_ALL);
}
