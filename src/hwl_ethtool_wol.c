// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: wake on LAN.
 */
#include <linux/ethtool.h>

#include "hwl.h"
#include "hwl_ethtool.h"
#include "hwl_wake.h"

/**
 * hwl_et_get_wol() - what shall wake the system
 * @netdev: interface
 * @wol: where it goes
 */
void hwl_et_get_wol(struct net_device *netdev, struct ethtool_wolinfo *wol)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	wol->supported = hwl_wake_supported(ad);
	wol->wolopts = ad->wake.wol & wol->supported;
}

/**
 * hwl_et_set_wol() - set what shall wake the system
 * @netdev: interface
 * @wol: the modes
 *
 * Return: 0, or -EINVAL for a mode that is not supported; netlink refuses it
 * before, with a reason.
 */
int hwl_et_set_wol(struct net_device *netdev, struct ethtool_wolinfo *wol)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (wol->wolopts & ~hwl_wake_supported(ad))
		return -EINVAL;
	hwl_wake_set(ad, wol->wolopts);
	return 0;
}
