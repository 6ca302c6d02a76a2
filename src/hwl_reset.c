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

#include "hwl.h"
#include "hwl_devlink.h"
#include "hwl_filter.h"
#include "hwl_irq.h"
#include "hwl_reset.h"
#include "hwl_rx.h"
#include "hwl_trace.h"
#include "hwl_tx.h"
#include "hwl_watchdog.h"

/* ---- Stop ---- */

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
	if (test_and_set_bit(HWL_DOWN, &ad->flags))
		return hwl_reset_device(ad);

	netif_tx_disable(ad->netdev);
	clear_bit(HWL_RESET_DUE, &ad->flags);
	clear_bit(HWL_HUNG, &ad->flags);
	hwl_irq_disable(ad);
	hwl_watchdog_stop(ad);
	hwl_irq_napi_disable(ad);
	cancel_work_sync(&ad->link_work);
	/* Again: a poll or the link work may have been about to wake a queue when
	 * HWL_DOWN was set. None runs any more, and no transmit after this.
	 */
	netif_tx_disable(ad->netdev);
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

	pci_set_master(ad->pdev);
	hwl_hw_init(hw);
	hwl_rss_write(ad);
	hwl_start_rings(ad);
	hwl_hw_tx_start(hw);
	hwl_hw_rx_start(hw, hwl_is_msix(ad));
	hwl_irq_setup(ad);
	if (hwl_link_resume(ad) && !hwl_gone(hw))
		netdev_err(ad->netdev, "PHY does not answer\n");

	clear_bit(HWL_RESET_DUE, &ad->flags);
	clear_bit(HWL_HUNG, &ad->flags);
	hwl_filter_start(ad);
	hwl_irq_napi_enable(ad);
	/* The poll hands the receive buffers to the device. */
	for (q = 0; q < ad->cfg.pairs; q++)
		hwl_irq_kick(ad->pair[q]);

	/* Carrier before queues: without a link they sleep until there is one.
	 * Decided before an interrupt can start the link work.
	 */
	clear_bit(HWL_HELD, &ad->flags);
	if (ad->link.up)
		netif_tx_wake_all_queues(ad->netdev);
	else
		set_bit(HWL_HELD, &ad->flags);
	hwl_irq_enable(ad);
	hwl_watchdog_start(ad);
	schedule_work(&ad->link_work);
	hwl_devlink_healthy(ad);
}

/* The device did not survive the reset: wait for a close or a removal. */
static void hwl_fail(struct hwl_adapter *ad, int err)
{
	if (!hwl_gone(&ad->hw))
		netdev_err(ad->netdev, "reset failed: %pe\n", ERR_PTR(err));
	hwl_link_lost(ad);
}

/* ---- Exported ---- */

/**
 * hwl_up() - bring the data path up
 * @ad: the device; handlers installed, configuration in ad->cfg
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code with nothing left allocated.
 */
int hwl_up(struct hwl_adapter *ad)
{
	struct hwl_rings rings;
	int err;

	/* Once more: it may only have been late. */
	if (hwl_gone(&ad->hw))
		hwl_io_retry(&ad->hw);
	err = hwl_rings_alloc(ad, &ad->cfg, &rings);
	if (err)
		return err;
	err = hwl_reset_device(ad);
	if (err) {
		hwl_rings_free(ad, &rings);
		return err;
	}
	hwl_rings_attach(ad, &rings);
	hwl_start(ad);
	return 0;
}

/**
 * hwl_down() - bring the data path down
 * @ad: the device
 *
 * The device neither receives nor transmits afterwards; packets that were in
 * its rings are given up.
 *
 * Context: process, rtnl held.
 */
void hwl_down(struct hwl_adapter *ad)
{
	struct hwl_rings rings;

	if (!hwl_stop(ad))
		hwl_link_power_down(ad);
	hwl_link_lost(ad);
	clear_bit(HWL_HELD, &ad->flags);
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
	u32 q;

	err = hwl_stop(ad);
	trace_hwl_reset(ad, err);
	if (err) {
		hwl_fail(ad, err);
		return err;
	}
	for (q = 0; q < ad->cfg.pairs; q++) {
		hwl_txq_drain(&ad->pair[q]->txq);
		hwl_rxq_drain(&ad->pair[q]->rxq);
	}
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
		ad->cfg = *cfg;
		return 0;
	}

	err = hwl_rings_alloc(ad, cfg, &new);
	if (err)
		return err;

	err = hwl_stop(ad);
	if (err) {
		hwl_fail(ad, err);
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
 * hwl_reset_request() - have the data path reset soon
 * @ad: the device
 *
 * Context: any.
 * Return: true, unless one was asked for already or the device is down.
 */
bool hwl_reset_request(struct hwl_adapter *ad)
{
	return !test_bit(HWL_DOWN, &ad->flags) &&
	       !test_and_set_bit(HWL_RESET_DUE, &ad->flags) &&
	       schedule_work(&ad->reset_work);
}

/**
 * hwl_reset_request_hung() - have a hang reported, and the data path reset
 * @ad: the device
 *
 * Context: any.
 * Return: as hwl_reset_request().
 */
bool hwl_reset_request_hung(struct hwl_adapter *ad)
{
	set_bit(HWL_HUNG, &ad->flags);
	return hwl_reset_request(ad);
}

/**
 * hwl_reset_if_due() - reset the data path if that was asked for
 * @ad: the device
 *
 * Unless another restart has come first.
 *
 * Context: process; takes rtnl.
 * Return: 0, -ENODEV if an earlier reset failed or the device is gone, or a
 * negative error code of the reset.
 */
int hwl_reset_if_due(struct hwl_adapter *ad)
{
	int err = 0;
	bool due;

	rtnl_lock();
	due = test_and_clear_bit(HWL_RESET_DUE, &ad->flags);
	if (netif_running(ad->netdev)) {
		if (test_bit(HWL_DOWN, &ad->flags) || hwl_gone(&ad->hw))
			err = -ENODEV;
		else if (due)
			err = hwl_restart(ad);
	}
	rtnl_unlock();
	return err;
}

/**
 * hwl_reset_work() - the reset that was asked for
 * @work: reset_work of the device
 *
 * Of a hang it is the health reporter that decides.
 *
 * Context: process; takes devlink's lock and rtnl.
 */
void hwl_reset_work(struct work_struct *work)
{
	struct hwl_adapter *ad = container_of(work, struct hwl_adapter,
					      reset_work);

	if (test_and_clear_bit(HWL_HUNG, &ad->flags))
		hwl_devlink_report(ad);
	else
		hwl_reset_if_due(ad);
}
