// SPDX-License-Identifier: GPL-2.0
/*
 * The interface opened and closed, taken away from the stack for a while, and asleep
 * without a link.
 *
 * HWL_OPEN tells the data path that is there from the one that is only wanted. All
 * under rtnl.
 */
#include <linux/pm_runtime.h>
#include <linux/rtnetlink.h>

#include "hwl.h"
#include "hwl_irq.h"
#include "hwl_open.h"
#include "hwl_reset.h"
#include "hwl_rx.h"
#include "hwl_wake.h"

/**
 * hwl_open_latency() - how long a CPU may take out of its sleep
 * @ad: the device
 *
 * With large frames the packet buffer is full before one in a deep sleep has fetched
 * descriptors.
 *
 * Context: process, rtnl held.
 * Return: microseconds, or PM_QOS_DEFAULT_VALUE.
 */
s32 hwl_open_latency(const struct hwl_adapter *ad)
{
	if (ad->netdev->mtu <= ETH_DATA_LEN)
		return PM_QOS_DEFAULT_VALUE;
	/* At 1 Gb/s, in microseconds. */
	return (HWL_RX_FIFO - (ad->netdev->mtu + HWL_FRAME_OVERHEAD)) *
	       BITS_PER_BYTE / 1000;
}

static int hwl_bring_up(struct hwl_adapter *ad)
{
	int err;

	err = hwl_irq_request(ad);
	if (err)
		return err;
	err = hwl_up(ad);
	if (err) {
		hwl_irq_free(ad);
		return err;
	}
	cpu_latency_qos_add_request(&ad->latency, hwl_open_latency(ad));
	set_bit(HWL_OPEN, &ad->flags);
	clear_bit(HWL_DOZING, &ad->flags);
	return 0;
}

static void hwl_take_down(struct hwl_adapter *ad)
{
	clear_bit(HWL_OPEN, &ad->flags);
	cpu_latency_qos_remove_request(&ad->latency);
	hwl_down(ad);
	hwl_irq_free(ad);
}

/**
 * hwl_open_awaken() - bring the data path back that hwl_open_doze() took down
 * @ad: the device; awake
 *
 * The PHY is as it was, so a link that woke the device stays.
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code: it is tried again.
 */
int hwl_open_awaken(struct hwl_adapter *ad)
{
	int err;

	if (!test_bit(HWL_DOZING, &ad->flags))
		return 0;
	err = hwl_bring_up(ad);
	if (err)
		netdev_err(ad->netdev, "cannot wake up: %pe\n", ERR_PTR(err));
	return err;
}

static bool hwl_has_link(struct hwl_adapter *ad)
{
	return hwl_rd32(&ad->hw, HWL_STATUS) & HWL_STATUS_LU;
}

/**
 * hwl_open_doze() - take the data path down, and have a link wake the device
 * @ad: the device; the interface is up
 *
 * The interface stays with the stack, without carrier, and keeps its rings.
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code: there is a link, or the device cannot be armed.
 */
int hwl_open_doze(struct hwl_adapter *ad)
{
	int err;

	if (ad->link.up || test_bit(HWL_FAILED, &ad->flags) || hwl_has_link(ad))
		return -EBUSY;
	set_bit(HWL_DOZING, &ad->flags);
	if (test_bit(HWL_OPEN, &ad->flags)) {
		set_bit(HWL_KEEP_LINK, &ad->flags);
		hwl_take_down(ad);
		clear_bit(HWL_KEEP_LINK, &ad->flags);
	}
	err = hwl_wake_arm(ad, HWL_WAKE_LNKC);
	/* One that comes after this read wakes. */
	if (!err && hwl_has_link(ad))
		err = -EBUSY;
	if (err) {
		hwl_wake_end(ad);
		hwl_open_awaken(ad);
	}
	return err;
}

/**
 * hwl_open_get() - have the device awake, and the data path if the interface is up
 * @ad: the device
 *
 * For what touches registers, or counts on the data path; ethtool's core has woken the
 * device already. Undone by hwl_open_put().
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code with nothing to undo.
 */
int hwl_open_get(struct hwl_adapter *ad)
{
	int err;

	err = pm_runtime_resume_and_get(&ad->pdev->dev);
	if (err < 0)
		return err;
	err = hwl_open_awaken(ad);
	if (err)
		hwl_open_put(ad);
	return err;
}

/**
 * hwl_open_put() - let the device sleep again
 * @ad: the device
 *
 * Context: process.
 */
void hwl_open_put(struct hwl_adapter *ad)
{
	pm_runtime_mark_last_busy(&ad->pdev->dev);
	pm_runtime_put_autosuspend(&ad->pdev->dev);
}

/**
 * hwl_open() - ndo_open
 * @netdev: interface
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code with nothing left of it.
 */
int hwl_open(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	int err;

	err = hwl_open_get(ad);
	if (err)
		return err;
	/* Whoever had the PHY while the interface was down may have left it
	 * otherwise: it is set up from the beginning.
	 */
	set_bit(HWL_PHY_DIRTY, &ad->flags);
	err = hwl_bring_up(ad);
	hwl_open_put(ad);
	return err;
}

/**
 * hwl_close() - ndo_stop
 * @netdev: interface
 *
 * Context: process, rtnl held.
 * Return: 0.
 */
int hwl_close(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	/* Without the data path: a close must not fail. */
	pm_runtime_get_sync(&ad->pdev->dev);
	/* Suspended, or cut off by a PCI error: only the rings are left. */
	if (test_bit(HWL_OPEN, &ad->flags))
		hwl_take_down(ad);
	else if (test_and_clear_bit(HWL_DOZING, &ad->flags))
		hwl_link_power_down(ad);
	hwl_release(ad);
	/* Buffers for XDP have stayed when the program was detached. */
	ad->cfg.rx_geometry = hwl_rx_geometry(netdev->mtu, netdev->features,
					      ad->xdp_prog);
	hwl_open_put(ad);
	return 0;
}

/**
 * hwl_netdev_detach() - take the interface away from the stack for a while
 * @ad: the device
 *
 * For suspend, shutdown, PCI errors and resets. The interface keeps its
 * configuration and its rings, and counts as up, if it was.
 *
 * Context: process, rtnl held.
 */
void hwl_netdev_detach(struct hwl_adapter *ad)
{
	if (!netif_device_present(ad->netdev))
		return;
	if (test_bit(HWL_OPEN, &ad->flags))
		hwl_take_down(ad);
	/* hwl_netdev_attach() brings that up, too. */
	clear_bit(HWL_DOZING, &ad->flags);
	/* Whatever happens to the device now, its clock goes on. */
	hwl_clock_hold(&ad->hw);
	netif_device_detach(ad->netdev);
}

/*
 * Present again, although the data path is down: the stack cannot take VLANs from
 * a device that is not there, nor close it. This wakes the queues: without rings
 * transmit drops what comes (hwl_tx_no_ring()) until they are stopped.
 */
static void hwl_netdev_mark_present(struct hwl_adapter *ad)
{
	if (netif_device_present(ad->netdev))
		return;
	hwl_release(ad);
	netif_device_attach(ad->netdev);
	netif_tx_disable(ad->netdev);
}

/**
 * hwl_netdev_unregister() - take the interface away for good
 * @ad: the device; maybe detached
 *
 * Context: process; takes rtnl.
 */
void hwl_netdev_unregister(struct hwl_adapter *ad)
{
	rtnl_lock();
	hwl_netdev_mark_present(ad);
	unregister_netdevice(ad->netdev);
	rtnl_unlock();
}

/**
 * hwl_open_rest() - have a device at rest whose interface has no data path
 * @ad: the device; it has just woken
 *
 * While it was away its PHY may have come back to life, and a boot loader or firmware
 * may have used it.
 *
 * Context: process; rtnl held, or called by the runtime resume.
 */
void hwl_open_rest(struct hwl_adapter *ad)
{
	hwl_hw_stop(&ad->hw);
	if (!hwl_hw_reset(&ad->hw) && !test_bit(HWL_DOZING, &ad->flags))
		hwl_link_power_down(ad);
}

/**
 * hwl_netdev_attach() - give the interface back to the stack
 * @ad: the device; was detached, and answers
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code: the interface is down, and the user may
 * try again; -EIO where the driver itself tries again.
 */
int hwl_netdev_attach(struct hwl_adapter *ad)
{
	int err = 0;

	set_bit(HWL_PHY_DIRTY, &ad->flags);
	if (netif_running(ad->netdev))
		err = hwl_bring_up(ad);
	else
		hwl_open_rest(ad);
	if (err) {
		netdev_err(ad->netdev, "cannot come back up: %pe\n", ERR_PTR(err));
		hwl_netdev_mark_present(ad);
		dev_close(ad->netdev);
		return err;
	}
	netif_device_attach(ad->netdev);

	/* That has woken the queues. Without a link they are stopped again, unless
	 * it came up just now.
	 */
	if (test_bit(HWL_TX_WAIT_LINK, &ad->flags)) {
		netif_tx_disable(ad->netdev);
		if (!test_bit(HWL_TX_WAIT_LINK, &ad->flags))
			netif_tx_wake_all_queues(ad->netdev);
	}
	return test_bit(HWL_FAILED, &ad->flags) ? -EIO : 0;
}
