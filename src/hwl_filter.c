// SPDX-License-Identifier: GPL-2.0
/*
 * Receive filters: MAC addresses, VLANs, promiscuous modes.
 *
 * All are changed in place while the receiver runs. The address lists of the
 * netdev are read under its address lock; while the device is down nothing is
 * written, and hwl_filter_start() programs the filters.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "hwl.h"
#include "hwl_filter.h"

/* Entry 0 holds the station address. */
#define HWL_UC_SLOTS	(HWL_RAR_ENTRIES - 1)

static void hwl_filter_write_unicast(struct hwl_adapter *ad)
{
	struct net_device *netdev = ad->netdev;
	struct netdev_hw_addr *ha;
	int i = 1;

	hwl_hw_set_rar(&ad->hw, 0, netdev->dev_addr);
	if (netdev_uc_count(netdev) <= HWL_UC_SLOTS)
		netdev_for_each_uc_addr(ha, netdev)
			hwl_hw_set_rar(&ad->hw, i++, ha->addr);
	while (i < HWL_RAR_ENTRIES)
		hwl_hw_set_rar(&ad->hw, i++, NULL);
}

static void hwl_filter_write_multicast(struct hwl_adapter *ad)
{
	u32 mta[HWL_MTA_WORDS] = {};
	struct netdev_hw_addr *ha;
	u32 hash;

	netdev_for_each_mc_addr(ha, ad->netdev) {
		hash = hwl_hw_mta_hash(ha->addr);
		mta[hash / 32] |= BIT(hash % 32);
	}
	hwl_hw_write_mta(&ad->hw, mta);
}

/*
 * Safe under traffic: the old or the new filter applies to a frame being
 * received, and a frame accepted by both is never lost (see hwl_hw_write_mta()).
 * Caller holds the address lock.
 */
static void hwl_filter_write(struct hwl_adapter *ad)
{
	struct net_device *netdev = ad->netdev;
	struct hwl_rx_mode mode = ad->hw.rx;

	mode.promisc = netdev->flags & IFF_PROMISC ||
		       netdev_uc_count(netdev) > HWL_UC_SLOTS;
	mode.allmulti = netdev->flags & IFF_ALLMULTI;

	hwl_filter_write_unicast(ad);
	hwl_filter_write_multicast(ad);
	hwl_hw_rx_mode(&ad->hw, &mode);
}

/**
 * hwl_filter_init() - set the initial receive mode
 * @ad: the device
 *
 * Context: process; probe only.
 */
void hwl_filter_init(struct hwl_adapter *ad)
{
	ad->hw.rx.max_frame = ad->netdev->mtu + HWL_FRAME_OVERHEAD;
	ad->vlan_offload = ad->netdev->features & NETIF_F_HW_VLAN_CTAG_RX;
	/* Frames with a priority but no VLAN are ours. */
	hwl_hw_set_vlan(&ad->hw, 0, true, false);
}

/**
 * hwl_filter_start() - mark the device up, and write all filters
 * @ad: the device; its receiver is enabled
 *
 * Both under the address lock, so that no change of the lists is missed.
 *
 * Context: process, rtnl held.
 */
void hwl_filter_start(struct hwl_adapter *ad)
{
	hwl_filter_set_features(ad, ad->netdev->features);
	hwl_filter_write_vlan_offload(ad);
	netif_addr_lock_bh(ad->netdev);
	/* The rings and HWL_TX_WAIT_LINK before it; pairs with the acquire in
	 * hwl_tx_wake_blocked().
	 */
	smp_mb__before_atomic();
	clear_bit(HWL_DOWN, &ad->flags);
	hwl_filter_write(ad);
	netif_addr_unlock_bh(ad->netdev);
}

/**
 * hwl_filter_start_wake() - filter for a device that sleeps
 * @ad: the device; down, and set up by hwl_hw_init()
 * @allmulti: accept every multicast frame
 *
 * The receiver is enabled: frames that do not pass the filters do not wake.
 *
 * Context: process, rtnl held.
 */
void hwl_filter_start_wake(struct hwl_adapter *ad, bool allmulti)
{
	netif_addr_lock_bh(ad->netdev);
	hwl_filter_write(ad);
	spin_lock(&ad->hw.lock);
	ad->hw.rx.allmulti |= allmulti;
	hwl_hw_rctl(&ad->hw);
	spin_unlock(&ad->hw.lock);
	netif_addr_unlock_bh(ad->netdev);
}

/**
 * hwl_filter_set_rx_mode() - ndo_set_rx_mode
 * @netdev: interface
 *
 * Context: BH disabled, address lock held.
 */
void hwl_filter_set_rx_mode(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_filter_write(ad);
}

/**
 * hwl_filter_set_mac() - ndo_set_mac_address
 * @netdev: interface
 * @addr: struct sockaddr with the new address
 *
 * Context: process, rtnl held.
 * Return: 0, or -EADDRNOTAVAIL if the address is not valid.
 */
int hwl_filter_set_mac(struct net_device *netdev, void *addr)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	int err;

	err = eth_prepare_mac_addr_change(netdev, addr);
	if (err)
		return err;

	netif_addr_lock_bh(netdev);
	eth_commit_mac_addr_change(netdev, addr);
	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_hw_set_rar(&ad->hw, 0, netdev->dev_addr);
	netif_addr_unlock_bh(netdev);
	return 0;
}

/**
 * hwl_filter_add_vid() - ndo_vlan_rx_add_vid
 * @netdev: interface
 * @proto: ETH_P_8021Q
 * @vid: VLAN id
 *
 * Context: process, rtnl held.
 * Return: 0.
 */
int hwl_filter_add_vid(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	hwl_hw_set_vlan(&ad->hw, vid, true, !test_bit(HWL_DOWN, &ad->flags));
	return 0;
}

/**
 * hwl_filter_kill_vid() - ndo_vlan_rx_kill_vid
 * @netdev: interface
 * @proto: ETH_P_8021Q
 * @vid: VLAN id
 *
 * Context: process, rtnl held.
 * Return: 0.
 */
int hwl_filter_kill_vid(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	/* VID 0 stays, with or without the VLAN module. */
	if (vid)
		hwl_hw_set_vlan(&ad->hw, vid, false,
				!test_bit(HWL_DOWN, &ad->flags));
	return 0;
}

/**
 * hwl_filter_set_features() - features that are bits of RCTL
 * @ad: the device
 * @features: the new features
 *
 * VFE and SBP apply to whole frames, in the MAC: the old or the new bit applies
 * to a frame being received. SECRC decides whether a stored frame includes its
 * FCS, which no descriptor shows: see hwl_set_features().
 *
 * Context: process, rtnl held; the device is up, or about to be.
 */
void hwl_filter_set_features(struct hwl_adapter *ad, netdev_features_t features)
{
	struct hwl_rx_mode mode;

	netif_addr_lock_bh(ad->netdev);
	mode = ad->hw.rx;
	mode.vlan_filter = features & NETIF_F_HW_VLAN_CTAG_FILTER;
	mode.rx_all = features & NETIF_F_RXALL;
	mode.rx_fcs = features & NETIF_F_RXFCS;
	hwl_hw_rx_mode(&ad->hw, &mode);
	netif_addr_unlock_bh(ad->netdev);
}

/**
 * hwl_filter_write_vlan_offload() - have the device strip and insert VLAN tags
 * @ad: the device; up, or about to be
 *
 * One bit for both directions; see hwl_fix_features(). The receiver needs no
 * care: VP in each descriptor shows whether a tag was stripped. The transmitter
 * ignores VLE without VME: the caller ensures that no descriptor has VLE set
 * when this is disabled.
 *
 * Context: process, rtnl held.
 */
void hwl_filter_write_vlan_offload(struct hwl_adapter *ad)
{
	hwl_hw_ctrl(&ad->hw, HWL_CTRL_VME, ad->vlan_offload ? HWL_CTRL_VME : 0);
}

/**
 * hwl_filter_set_mtu() - accept frames for another MTU
 * @ad: the device; up
 * @mtu: the new MTU
 *
 * LPE applies to whole frames, in the MAC: a frame being received is accepted by
 * the old or the new limit, and the poll checks its length against the new one.
 *
 * Context: process, rtnl held.
 */
void hwl_filter_set_mtu(struct hwl_adapter *ad, int mtu)
{
	struct hwl_rx_mode mode;

	netif_addr_lock_bh(ad->netdev);
	mode = ad->hw.rx;
	mode.max_frame = mtu + HWL_FRAME_OVERHEAD;
	if (test_bit(HWL_DOWN, &ad->flags))
		ad->hw.rx = mode;
	else
		hwl_hw_rx_mode(&ad->hw, &mode);
	netif_addr_unlock_bh(ad->netdev);
}
