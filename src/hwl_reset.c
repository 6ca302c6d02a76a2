// SPDX-License-Identifier: GPL-2.0
/*
 * The data path as a whole: start, stop, restart and reconfigure.
 *
 * All under rtnl. HWL_DOWN is set from hwl_stop() to hwl_start(): as long as
 * it is, no queue is woken, no filter is written, and the link work and the
 * tick do not run.
 *
 * None of this touches the PHY unless it lost its configuration, so the link
 * and the carrier stay up across a restart.
 */
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>
#include <net/devlink.h>

#include "hwl.h"
#include "hwl_filter.h"
#include "hwl_irq.h"
#include "hwl_mng.h"
#include "hwl_reset.h"
#include "hwl_rx.h"
#include "hwl_stamp.h"
#include "hwl_trace.h"
#include "hwl_tx.h"
#include "hwl_watchdog.h"
#include "hwl_xsk.h"

/* So many resets in a row for lost interrupts, before the next kind is tried. */
#define HWL_IRQ_RESETS		2

/* ---- Stop ---- */

/* Whatever a reset was asked for, a stop and a start are an answer to it. */
static void hwl_reset_answered(struct hwl_adapter *ad)
{
	clear_bit(HWL_RESET_DUE, &ad->flags);
	clear_bit(HWL_IRQ_DUE, &ad->flags);
	clear_bit(HWL_REPORT_DUE, &ad->flags);
	clear_bit(HWL_TX_HUNG, &ad->flags);
}

/* Counters are folded when nothing counts any more, and before they are lost. */
static int hwl_reset_device(struct hwl_adapter *ad)
{
	int err;

	hwl_hw_stop(&ad->hw);
	hwl_stats_fold(ad);
	err = hwl_hw_reset(&ad->hw);
	/* Whatever state it is in, it shall not write to memory that is freed. */
	if (err)
		pci_clear_master(ad->pdev);
	return err;
}

/*
 * Stop everything that touches the rings, the device last. Return: 0, or the
 * error of the reset, after which the device is not touched again.
 */
static int hwl_stop(struct hwl_adapter *ad)
{
	if (test_and_set_bit(HWL_DOWN, &ad->flags)) {
		/* That of a device whose reset has failed. */
		hwl_watchdog_stop(ad);
		return hwl_reset_device(ad);
	}

	netif_tx_disable(ad->netdev);
	hwl_reset_answered(ad);
	hwl_irq_disable(ad);
	hwl_watchdog_stop(ad);
	hwl_irq_napi_disable(ad);
	cancel_work_sync(&ad->link_work);
	/* Again: a poll or the link work may have been about to wake a queue when
	 * HWL_DOWN was set. None runs any more, and no transmit after this.
	 */
	netif_tx_disable(ad->netdev);
	hwl_stamp_stop(ad);
	return hwl_reset_device(ad);
}

/* ---- Start ---- */

static void hwl_start_rings(struct hwl_adapter *ad)
{
	struct hwl_ring_regs regs;
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		const struct hwl_tx_ring *tx = &ad->pair[q]->txq.ring;
		const struct hwl_rx_ring *rx = &ad->pair[q]->rxq.ring;

		regs.dma = tx->dma;
		regs.bytes = tx->count * sizeof(*tx->desc);
		hwl_hw_tx_ring(&ad->hw, q, &regs);
		regs.dma = rx->dma;
		regs.bytes = rx->count * sizeof(*rx->desc);
		hwl_hw_rx_ring(&ad->hw, q, &regs);
	}
	/* A ring left over from a larger number of pairs is not to be used. */
	regs = (struct hwl_ring_regs){};
	for (; q < HWL_MAX_PAIRS; q++) {
		hwl_hw_tx_ring(&ad->hw, q, &regs);
		hwl_hw_rx_ring(&ad->hw, q, &regs);
	}
}

/* The device was just reset; rings are attached. */
static void hwl_start(struct hwl_adapter *ad)
{
	struct hwl_hw *hw = &ad->hw;
	u32 q;

	hwl_irq_restore(ad);
	hwl_hw_init(hw);
	hwl_mng_acquire(hw);
	hwl_rss_write(ad);
	hwl_start_rings(ad);
	hwl_hw_tx_start(hw, ad->cfg.pairs);
	hwl_hw_rx_start(hw, hwl_is_msix(ad));
	hwl_irq_setup(ad);
	hwl_stamp_start(ad);
	if (hwl_link_resume(ad) && !hwl_removed(hw))
		netdev_err(ad->netdev, "PHY does not answer\n");

	hwl_reset_answered(ad);
	clear_bit(HWL_FAILED, &ad->flags);
	/* Carrier before queues: without a link they sleep until there is one. Decided
	 * before HWL_DOWN is cleared, since hwl_tx_wake_blocked() looks at both, and
	 * before an interrupt can start the link work.
	 */
	assign_bit(HWL_TX_WAIT_LINK, &ad->flags, !ad->link.up);
	hwl_filter_start(ad);
	hwl_irq_napi_enable(ad);
	/* The poll hands the receive buffers to the device. */
	for (q = 0; q < ad->cfg.pairs; q++)
		hwl_pair_schedule(ad->pair[q]);

	if (ad->link.up)
		netif_tx_wake_all_queues(ad->netdev);
	hwl_irq_enable(ad);
	hwl_watchdog_start(ad);
	schedule_work(&ad->link_work);
	/* Any start also ends a hang that waited for the user. */
	devlink_health_reporter_state_update(ad->tx_reporter,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
}

/* The device did not survive the reset: the tick has it tried again, until a
 * close or a removal.
 */
static void hwl_reset_failed(struct hwl_adapter *ad, int err)
{
	if (!test_and_set_bit(HWL_FAILED, &ad->flags) && !hwl_removed(&ad->hw))
		netdev_err(ad->netdev, "reset failed: %pe\n", ERR_PTR(err));
	clear_bit(HWL_RESET_DUE, &ad->flags);
	set_bit(HWL_TX_WAIT_LINK, &ad->flags);
	hwl_link_down(ad);
	hwl_watchdog_retry(ad);
}

/* ---- Exported ---- */

static bool hwl_has_rings(const struct hwl_adapter *ad)
{
	return ad->pair[0]->txq.ring.count;
}

static void hwl_drain(struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		hwl_txq_drain(&ad->pair[q]->txq);
		hwl_rxq_drain(&ad->pair[q]->rxq);
	}
}

/**
 * hwl_up() - bring the data path up
 * @ad: the device; handlers installed, configuration in ad->cfg
 *
 * With the rings that hwl_down() has left, if any. Then the tick tries again
 * where the device does not come back from its reset: nobody who could is at
 * hand when a machine wakes.
 *
 * Context: process, rtnl held.
 * Return: 0, with HWL_FAILED set in that case; or a negative error code with no
 * rings added.
 */
int hwl_up(struct hwl_adapter *ad)
{
	struct hwl_rings rings;
	bool fresh = !hwl_has_rings(ad);
	int err;

	/* Once more: it may only have been late. */
	if (hwl_removed(&ad->hw))
		hwl_io_recheck(&ad->hw);
	if (fresh) {
		err = hwl_rings_alloc(ad, &ad->cfg, &rings);
		if (err)
			return err;
	}
	err = hwl_reset_device(ad);
	if (err && fresh) {
		hwl_rings_free(ad, &rings);
		return err;
	}
	if (err) {
		hwl_reset_failed(ad, err);
		return 0;
	}
	if (fresh)
		hwl_rings_attach(ad, &rings);
	hwl_start(ad);
	return 0;
}

/**
 * hwl_down() - bring the data path down
 * @ad: the device
 *
 * The device neither receives nor transmits afterwards; packets that were in
 * its rings are given up. The rings stay, so that hwl_up() needs no memory,
 * which a machine may not have when it wakes.
 *
 * Context: process, rtnl held.
 */
void hwl_down(struct hwl_adapter *ad)
{
	if (!hwl_stop(ad)) {
		hwl_mng_release(&ad->hw);
		hwl_hw_release(&ad->hw);
		hwl_link_power_down(ad);
	}
	hwl_link_down(ad);
	clear_bit(HWL_TX_WAIT_LINK, &ad->flags);
	clear_bit(HWL_FAILED, &ad->flags);
	hwl_drain(ad);
}

/**
 * hwl_release() - free the rings that hwl_down() has left
 * @ad: the device; down
 *
 * Context: process, rtnl held.
 */
void hwl_release(struct hwl_adapter *ad)
{
	struct hwl_rings rings;

	if (!hwl_has_rings(ad))
		return;
	hwl_rings_detach(ad, &rings);
	hwl_rings_free(ad, &rings);
}

/**
 * hwl_restart() - reset the device and go on with the same rings
 * @ad: the device; up
 *
 * Packets in the transmit rings are given up and counted. The link stays up.
 *
 * Context: process, rtnl held.
 * Return: 0 or a negative error code.
 */
int hwl_restart(struct hwl_adapter *ad)
{
	int err;

	err = hwl_stop(ad);
	/* Another kind of interrupt could not be had. */
	if (!err && !ad->other_irq)
		err = hwl_irq_request(ad);
	trace_hwl_reset(ad, err);
	if (err) {
		hwl_reset_failed(ad, err);
		return err;
	}
	hwl_drain(ad);
	ad->resets++;
	hwl_start(ad);
	return 0;
}

/**
 * hwl_reconfigure() - change number or size of the rings, or their buffers
 * @ad: the device; up or not
 * @cfg: the new configuration, valid
 *
 * The new set is allocated while the old one carries traffic.
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code with the old configuration in force.
 */
int hwl_reconfigure(struct hwl_adapter *ad, const struct hwl_config *cfg)
{
	struct net_device *netdev = ad->netdev;
	struct hwl_rings old, new;
	int err;

	if (!netif_running(netdev) || !netif_device_present(netdev)) {
		err = netif_set_real_num_queues(netdev, cfg->pairs, cfg->pairs);
		if (err)
			return err;
		hwl_rss_set_pairs(ad, cfg->pairs);
		/* Rings kept for a resume would not match. */
		hwl_release(ad);
		ad->cfg = *cfg;
		return 0;
	}

	err = hwl_rings_alloc(ad, cfg, &new);
	if (err)
		return err;

	err = hwl_stop(ad);
	if (err) {
		hwl_reset_failed(ad, err);
		goto err_free;
	}
	err = netif_set_real_num_queues(netdev, cfg->pairs, cfg->pairs);
	if (err)
		goto err_start;

	/* Nothing can fail from here on. */
	hwl_rings_detach(ad, &old);
	hwl_rings_attach(ad, &new);
	hwl_rss_set_pairs(ad, cfg->pairs);
	hwl_start(ad);
	hwl_rings_free(ad, &old);
	return 0;

err_start:
	hwl_restart(ad);
err_free:
	hwl_rings_free(ad, &new);
	return err;
}

/**
 * hwl_take_pool() - have a pair use its AF_XDP pool no more
 * @ad: the device; up or not
 * @q: number of the pair
 *
 * The device is stopped meanwhile: it could write to a buffer at any time. The link
 * stays up.
 *
 * Context: process, rtnl held.
 */
void hwl_take_pool(struct hwl_adapter *ad, u32 q)
{
	bool up = hwl_reset_possible(ad);
	int err = 0;

	if (up)
		err = hwl_stop(ad);
	if (hwl_has_rings(ad))
		hwl_drain(ad);
	hwl_xsk_publish(ad->pair[q], NULL);
	if (!up)
		return;
	if (err)
		hwl_reset_failed(ad, err);
	else
		hwl_start(ad);
}

/*
 * Interrupts do not come, and resets did not help: go on to the next kind. The
 * memory for its one pair first, while the old rings carry what polls bring.
 */
static int hwl_change_irq_mode(struct hwl_adapter *ad)
{
	struct hwl_config cfg = ad->cfg;
	struct hwl_rings old, new;
	int err;

	cfg.pairs = 1;
	err = hwl_rings_alloc(ad, &cfg, &new);
	if (err)
		return err;
	err = hwl_stop(ad);
	if (err) {
		hwl_reset_failed(ad, err);
		hwl_rings_free(ad, &new);
		return err;
	}
	/* To fewer queues it always succeeds. */
	netif_set_real_num_queues(ad->netdev, cfg.pairs, cfg.pairs);
	hwl_rings_detach(ad, &old);
	hwl_rings_attach(ad, &new);
	hwl_rings_free(ad, &old);
	hwl_rss_limit(ad, cfg.pairs);
	hwl_rss_set_pairs(ad, cfg.pairs);
	hwl_pairs_set_xps(ad);
	err = hwl_irq_next_mode(ad);
	if (err) {
		hwl_reset_failed(ad, err);
		return err;
	}
	ad->resets++;
	ad->irq_resets = 0;
	netdev_warn(ad->netdev, "interrupts were lost again and again; using %s\n",
		    hwl_irq_mode_name(ad));
	hwl_start(ad);
	return 0;
}

/* The reset that was asked for. */
static int hwl_restart_due(struct hwl_adapter *ad)
{
	if (!test_bit(HWL_IRQ_DUE, &ad->flags))
		return hwl_restart(ad);
	if (++ad->irq_resets > HWL_IRQ_RESETS && ad->irq_mode != HWL_IRQ_INTX &&
	    !hwl_change_irq_mode(ad))
		return 0;
	return hwl_restart(ad);
}

/**
 * hwl_reset_if_due() - reset the data path if that was asked for
 * @ad: the device
 * @hung: also if there is a hang
 *
 * Unless another restart has come first.
 *
 * Context: process; takes rtnl.
 * Return: 0, -ENODEV if the device is gone or its last reset failed for good,
 * or a negative error code of the reset.
 */
int hwl_reset_if_due(struct hwl_adapter *ad, bool hung)
{
	int err = 0;
	bool due;

	rtnl_lock();
	due = test_and_clear_bit(HWL_RESET_DUE, &ad->flags);
	due |= hung && test_bit(HWL_TX_HUNG, &ad->flags);
	if (netif_running(ad->netdev)) {
		if (!hwl_reset_possible(ad) || hwl_removed(&ad->hw))
			err = -ENODEV;
		else if (due)
			err = hwl_restart_due(ad);
	}
	rtnl_unlock();
	return err;
}
