// SPDX-License-Identifier: GPL-2.0
/*
 * The network interface: its operations and features.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include "hwl.h"
#include "hwl_ethtool.h"
#include "hwl_filter.h"
#include "hwl_irq.h"
#include "hwl_netdev.h"
#include "hwl_reset.h"
#include "hwl_tx.h"
#include "hwl_watchdog.h"

/* Long enough not to interfere with the driver's own look (hwl_watchdog.c). */
#define HWL_WATCHDOG_TIMEO	(5 * HZ)

/**
 * hwl_netdev_set_xps() - spread transmit over the pairs by CPU
 * @ad: the device
 *
 * Context: process, rtnl held.
 */
void hwl_netdev_set_xps(struct hwl_adapter *ad)
{
	cpumask_var_t mask;
	unsigned int cpu;
	u32 q;

	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return;
	for (q = 0; q < ad->cfg.pairs; q++) {
		cpumask_clear(mask);
		for_each_online_cpu(cpu)
			if (cpu % ad->cfg.pairs == q)
				cpumask_set_cpu(cpu, mask);
		netif_set_xps_queue(ad->netdev, mask, q);
	}
	free_cpumask_var(mask);
}

/*
 * How long a CPU may take out of its sleep: with large frames the packet buffer
 * is full before one in a deep sleep has fetched descriptors.
 */
static s32 hwl_latency(const struct hwl_adapter *ad)
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
	cpu_latency_qos_add_request(&ad->latency, hwl_latency(ad));
	return 0;
}

static void hwl_take_down(struct hwl_adapter *ad)
{
	cpu_latency_qos_remove_request(&ad->latency);
	hwl_down(ad);
	hwl_irq_free(ad);
}

static int hwl_open(struct net_device *netdev)
{
	return hwl_bring_up(netdev_priv(netdev));
}

static int hwl_stop_netdev(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	/* Suspended, or cut off by a PCI error: all is torn down already. */
	if (!ad->other_irq)
		return 0;
	hwl_take_down(ad);
	return 0;
}

/**
 * hwl_netdev_detach() - take the interface away from the stack for a while
 * @ad: the device
 *
 * For suspend, shutdown and PCI errors. The interface keeps its configuration
 * and counts as up, if it was.
 *
 * Context: process, rtnl held.
 */
void hwl_netdev_detach(struct hwl_adapter *ad)
{
	if (!netif_device_present(ad->netdev))
		return;
	if (netif_running(ad->netdev))
		hwl_take_down(ad);
	netif_device_detach(ad->netdev);
}

/*
 * Present again without netif_device_attach(), which would wake queues that
 * have no rings. The stack warns of VLANs that it cannot take from a device that
 * is not there.
 */
static void hwl_netdev_present(struct hwl_adapter *ad)
{
	set_bit(__LINK_STATE_PRESENT, &ad->netdev->state);
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
	hwl_netdev_present(ad);
	unregister_netdevice(ad->netdev);
	rtnl_unlock();
}

/**
 * hwl_netdev_attach() - give the interface back to the stack
 * @ad: the device; was detached, and answers
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code: the interface is down, and the user may
 * try again.
 */
int hwl_netdev_attach(struct hwl_adapter *ad)
{
	int err = 0;

	if (netif_running(ad->netdev))
		err = hwl_bring_up(ad);
	if (err) {
		netdev_err(ad->netdev, "cannot come back up: %pe\n", ERR_PTR(err));
		hwl_netdev_present(ad);
		dev_close(ad->netdev);
		return err;
	}
	netif_device_attach(ad->netdev);

	/* That has woken the queues. Without a link they go on sleeping, unless
	 * it came up just now.
	 */
	if (test_bit(HWL_HELD, &ad->flags)) {
		netif_tx_disable(ad->netdev);
		if (!test_bit(HWL_HELD, &ad->flags))
			netif_tx_wake_all_queues(ad->netdev);
	}
	return 0;
}

static int hwl_set_rx_geometry(struct hwl_adapter *ad, enum hwl_rx_geometry geo)
{
	struct hwl_config cfg = ad->cfg;

	cfg.rx_geometry = geo;
	return hwl_reconfigure(ad, &cfg);
}

/* Before the receiver accepts more. */
static int hwl_rx_grow(struct hwl_adapter *ad, enum hwl_rx_geometry geo)
{
	return geo > ad->cfg.rx_geometry ? hwl_set_rx_geometry(ad, geo) : 0;
}

/* After it accepts less. Larger buffers than needed do as well. */
static void hwl_rx_shrink(struct hwl_adapter *ad, enum hwl_rx_geometry geo)
{
	if (geo < ad->cfg.rx_geometry && hwl_set_rx_geometry(ad, geo))
		netdev_warn(ad->netdev, "large receive buffers stay\n");
}

static int hwl_change_mtu(struct net_device *netdev, int mtu)
{
	enum hwl_rx_geometry geo = hwl_rx_geometry(mtu, netdev->features);
	struct hwl_adapter *ad = netdev_priv(netdev);
	int err;

	err = hwl_rx_grow(ad, geo);
	if (err)
		return err;
	/* Within a geometry only limits change, and no frame is lost. */
	WRITE_ONCE(netdev->mtu, mtu);
	hwl_filter_set_mtu(ad, mtu);
	hwl_rx_shrink(ad, geo);
	hwl_link_check(ad);
	if (netif_running(netdev) && netif_device_present(netdev))
		cpu_latency_qos_update_request(&ad->latency, hwl_latency(ad));
	return 0;
}

static netdev_features_t hwl_fix_features(struct net_device *netdev,
					  netdev_features_t features)
{
	/* CTRL.VME strips and inserts: one cannot be had without the other. */
	if (features & NETIF_F_HW_VLAN_CTAG_RX)
		features |= NETIF_F_HW_VLAN_CTAG_TX;
	else
		features &= ~NETIF_F_HW_VLAN_CTAG_TX;
	return features;
}

static int hwl_set_features(struct net_device *netdev, netdev_features_t features)
{
	enum hwl_rx_geometry geo = hwl_rx_geometry(netdev->mtu, features);
	netdev_features_t old = netdev->features;
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_link_cfg cfg = ad->link.cfg;
	int err;

	err = hwl_rx_grow(ad, geo);
	if (err)
		return err;
	cfg.loopback = features & NETIF_F_LOOPBACK;
	err = hwl_link_set_cfg(ad, &cfg);
	if (err)
		return err;
	/* The rest is changed in place; what is software's is read per packet. */
	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_filter_set_features(ad, features);
	else
		ad->hw.rx.rx_all = features & NETIF_F_RXALL;
	/* A restart puts the interface's features into force. It is the core that
	 * changes them for good, and looks at the difference.
	 */
	netdev->features = features;
	hwl_rx_shrink(ad, geo);
	netdev->features = old;
	return 0;
}

static const struct net_device_ops hwl_netdev_ops = {
	.ndo_open		= hwl_open,
	.ndo_stop		= hwl_stop_netdev,
	.ndo_start_xmit		= hwl_tx_xmit,
	.ndo_features_check	= hwl_tx_features_check,
	.ndo_tx_timeout		= hwl_watchdog_tx_timeout,
	.ndo_get_stats64	= hwl_stats_get64,
	.ndo_set_rx_mode	= hwl_filter_set_rx_mode,
	.ndo_set_mac_address	= hwl_filter_set_mac,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_change_mtu		= hwl_change_mtu,
	.ndo_fix_features	= hwl_fix_features,
	.ndo_set_features	= hwl_set_features,
	.ndo_vlan_rx_add_vid	= hwl_filter_add_vid,
	.ndo_vlan_rx_kill_vid	= hwl_filter_kill_vid,
};

/**
 * hwl_netdev_init() - operations, features and limits
 * @ad: the device; not registered yet
 *
 * Context: process; probe only.
 */
void hwl_netdev_init(struct hwl_adapter *ad)
{
	struct net_device *netdev = ad->netdev;

	netdev->netdev_ops = &hwl_netdev_ops;
	netdev->stat_ops = &hwl_stat_ops;
	hwl_ethtool_init(netdev);
	netdev->watchdog_timeo = HWL_WATCHDOG_TIMEO;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = HWL_MAX_MTU;
	netif_set_tso_max_size(netdev, HWL_TX_TSO_MAX);

	netdev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO |
			      NETIF_F_TSO6 | NETIF_F_RXCSUM | NETIF_F_RXHASH |
			      NETIF_F_HW_VLAN_CTAG_TX |
			      NETIF_F_HW_VLAN_CTAG_RX |
			      NETIF_F_HW_VLAN_CTAG_FILTER;
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA;
	/* Off by default. */
	netdev->hw_features |= NETIF_F_RXALL | NETIF_F_RXFCS | NETIF_F_LOOPBACK;
	netdev->vlan_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_TSO |
				NETIF_F_TSO6 | NETIF_F_HIGHDMA;
	netdev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
}
