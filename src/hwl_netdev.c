// SPDX-License-Identifier: GPL-2.0
/*
 * The network interface: its operations and features.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/iopoll.h>
#include <linux/mii.h>

#include "hwl.h"
#include "hwl_filter.h"
#include "hwl_irq.h"
#include "hwl_mdio.h"
#include "hwl_netdev.h"
#include "hwl_open.h"
#include "hwl_ptp.h"
#include "hwl_reset.h"
#include "hwl_rx.h"
#include "hwl_tx.h"
#include "hwl_watchdog.h"
#include "hwl_xdp.h"
#include "hwl_xsk.h"

/* Long enough not to interfere with the driver's own check (hwl_watchdog.c). */
#define HWL_WATCHDOG_TIMEO	(5 * HZ)

/* Registers of a PHY that an ioctl can name. */
#define HWL_MII_REG_MASK	0x1F

/* How long a change of features waits for frames under way. What cannot be sent is
 * dropped in the end.
 */
#define HWL_SENT_US		(40 * USEC_PER_MSEC)

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

/* After it accepts less. Larger buffers than needed do as well, and those for XDP
 * stay until the close: who attached a program once may do so again.
 */
static void hwl_rx_shrink(struct hwl_adapter *ad, enum hwl_rx_geometry geo)
{
	if (ad->cfg.rx_geometry == HWL_RX_XDP && netif_running(ad->netdev))
		return;
	if (geo < ad->cfg.rx_geometry && hwl_set_rx_geometry(ad, geo))
		netdev_warn(ad->netdev, "large receive buffers stay\n");
}

static int hwl_set_mtu(struct hwl_adapter *ad, int mtu)
{
	struct net_device *netdev = ad->netdev;
	enum hwl_rx_geometry geo;
	int err;

	if (ad->xdp_prog && !hwl_xdp_prog_fits(ad->xdp_prog, mtu)) {
		netdev_info(netdev, "MTU %d refused: the XDP program takes frames in one buffer, MTUs up to %d\n",
			    mtu, HWL_RX_BUF_LEN - HWL_FRAME_OVERHEAD);
		return -EINVAL;
	}
	if (mtu > hwl_xsk_max_mtu(ad)) {
		netdev_info(netdev, "MTU %d refused: the AF_XDP sockets in use take MTUs up to %u\n",
			    mtu, hwl_xsk_max_mtu(ad));
		return -EINVAL;
	}
	geo = hwl_rx_geometry(mtu, netdev->features, ad->xdp_prog);
	err = hwl_rx_grow(ad, geo);
	if (err)
		return err;
	/* Within a geometry only limits change, and no frame is lost. */
	WRITE_ONCE(netdev->mtu, mtu);
	hwl_filter_set_mtu(ad, mtu);
	hwl_rx_shrink(ad, geo);
	hwl_link_schedule(ad);
	if (netif_running(netdev) && netif_device_present(netdev))
		cpu_latency_qos_update_request(&ad->latency, hwl_open_latency(ad));
	return 0;
}

static int hwl_change_mtu(struct net_device *netdev, int mtu)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	int err;

	err = hwl_open_get(ad);
	if (err)
		return err;
	err = hwl_set_mtu(ad, mtu);
	hwl_open_put(ad);
	return err;
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

/* Has all that was given to the device by then been sent? */
static bool hwl_sent(struct hwl_adapter *ad, const u32 *prod)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		/* Not to wait for the interrupt, which may be moderated. */
		hwl_pair_schedule(ad->pair[q]);
		if ((s32)(READ_ONCE(ad->pair[q]->txq.cons) - prod[q]) < 0)
			return false;
	}
	return true;
}

/*
 * Wait until the frames that transmit was asked for so far are on the wire;
 * later ones go on coming. Return: 0, or -ETIMEDOUT: they are still with the
 * device.
 */
static int hwl_wait_sent(struct hwl_adapter *ad)
{
	u32 prod[HWL_MAX_PAIRS];
	bool sent;
	int err;
	u32 q;

	/* A transmit that runs has seen what the caller changed after this, or has
	 * put its frame into the ring.
	 */
	synchronize_net();
	for (q = 0; q < ad->cfg.pairs; q++)
		prod[q] = READ_ONCE(ad->pair[q]->txq.prod);
	err = read_poll_timeout(hwl_sent, sent, sent, USEC_PER_MSEC,
				HWL_SENT_US, false, ad, prod);
	if (err)
		return err;
	/* DD says that a frame was fetched. The FIFO behind empties at line rate. */
	fsleep(HWL_TX_FIFO * BITS_PER_BYTE /
	       max(READ_ONCE(ad->link.speed), SPEED_10));
	return 0;
}

/*
 * Tags by the device, or no longer. Without CTRL.VME a transmitter under way
 * ignores VLE: a frame of a VLAN would leave without its tag. So before that is
 * cleared, transmit begins to put tags into the data, and what has VLE is sent. If
 * it cannot be (paused, no link), a restart drops it.
 */
static int hwl_set_vlan_offload(struct hwl_adapter *ad, bool on)
{
	bool down = test_bit(HWL_DOWN, &ad->flags);

	if (ad->vlan_offload == on)
		return 0;
	if (on && !down) {
		/* First the bit, then descriptors that rely on it. */
		hwl_hw_ctrl(&ad->hw, 0, HWL_CTRL_VME);
		hwl_flush(&ad->hw);
	}
	WRITE_ONCE(ad->vlan_offload, on);
	if (on || down)
		return 0;
	if (hwl_wait_sent(ad))
		return hwl_restart(ad);
	hwl_filter_write_vlan_offload(ad);
	return 0;
}

static int hwl_apply_features(struct hwl_adapter *ad, netdev_features_t features)
{
	struct net_device *netdev = ad->netdev;
	enum hwl_rx_geometry geo = hwl_rx_geometry(netdev->mtu, features, ad->xdp_prog);
	netdev_features_t old = netdev->features;
	struct hwl_link_cfg cfg = ad->link.cfg;
	int err;

	if (features & NETIF_F_RXALL && hwl_xsk_max_mtu(ad) == ETH_DATA_LEN) {
		netdev_info(netdev, "rx-all refused: it takes more than the AF_XDP sockets in use have room for\n");
		return -EINVAL;
	}
	err = hwl_rx_grow(ad, geo);
	if (err)
		return err;
	cfg.loopback = features & NETIF_F_LOOPBACK;
	err = hwl_link_set_cfg(ad, &cfg);
	if (!err)
		err = hwl_set_vlan_offload(ad, features & NETIF_F_HW_VLAN_CTAG_RX);
	if (err)
		return err;

	/* What is software's is read per packet. While frames with an FCS and
	 * without are mixed, RXFCS is set, which has the poll allow for it in the
	 * length of each (hwl_rx_fits()).
	 */
	old |= features & NETIF_F_RXFCS;
	netdev->features = old;
	if (test_bit(HWL_DOWN, &ad->flags)) {
		ad->hw.rx.rx_all = features & NETIF_F_RXALL;
	} else {
		hwl_filter_set_features(ad, features);
		if (old & ~features & NETIF_F_RXFCS)
			hwl_napi_wait_received(ad);
	}

	/* A restart puts the interface's features into force. It is the core that
	 * changes them for good, and compares them.
	 */
	netdev->features = features;
	hwl_rx_shrink(ad, geo);
	netdev->features = old;
	return 0;
}

static int hwl_set_features(struct net_device *netdev, netdev_features_t features)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	int err;

	err = hwl_open_get(ad);
	if (err)
		return err;
	err = hwl_apply_features(ad, features);
	hwl_open_put(ad);
	return err;
}

/*
 * Attach, replace or detach an XDP program. The first takes other receive buffers,
 * by an exchange of the rings with the link up. They stay after a detach, until the
 * interface is closed: see hwl_rx_shrink().
 */
static int hwl_setup_prog(struct hwl_adapter *ad, struct netdev_bpf *bpf)
{
	struct net_device *netdev = ad->netdev;
	int err;

	if (bpf->prog) {
		if (!hwl_xdp_prog_fits(bpf->prog, netdev->mtu)) {
			NL_SET_ERR_MSG_FMT_MOD(bpf->extack,
					       "a program without frags takes MTUs up to %d",
					       HWL_RX_BUF_LEN - HWL_FRAME_OVERHEAD);
			return -EOPNOTSUPP;
		}
		err = hwl_rx_grow(ad, HWL_RX_XDP);
		if (err) {
			NL_SET_ERR_MSG_MOD(bpf->extack,
					   "failed to allocate receive rings for XDP");
			return err;
		}
	}
	hwl_xdp_set_prog(ad, bpf->prog);
	if (!netif_running(netdev))
		ad->cfg.rx_geometry = hwl_rx_geometry(netdev->mtu, netdev->features,
						      ad->xdp_prog);
	return 0;
}

/*
 * Let a pair use an AF_XDP pool. That takes no exchange of rings: the poll begins to
 * fill the ring from it. The core passes no extack.
 *
 * Buffers without room for a long frame, after long frames were let in: one may be in
 * the FIFO still, and only a reset takes it out.
 */
static int hwl_bind_pool(struct hwl_adapter *ad, u32 q, struct xsk_buff_pool *pool)
{
	struct net_device *netdev = ad->netdev;
	u32 max;
	int err;

	if (q >= ad->cfg.pairs)
		return -EINVAL;
	if (ad->pair[q]->rxq.xsk)
		return -EBUSY;
	if (xsk_pool_get_rx_frame_size(pool) < HWL_STD_FRAME) {
		netdev_info(netdev, "AF_XDP without a copy refused: chunks need %u bytes behind the headroom\n",
			    HWL_STD_FRAME);
		return -EOPNOTSUPP;
	}
	max = hwl_xsk_pool_max_mtu(pool);
	if (netdev->mtu > max ||
	    (max == ETH_DATA_LEN && netdev->features & NETIF_F_RXALL)) {
		netdev_info(netdev, "AF_XDP without a copy refused: with these chunks it takes MTUs up to %u%s\n",
			    max, max == ETH_DATA_LEN ? ", and not rx-all" : "");
		return -EOPNOTSUPP;
	}
	if (max == ETH_DATA_LEN && ad->cfg.rx_geometry != HWL_RX_SMALL &&
	    !test_bit(HWL_DOWN, &ad->flags)) {
		err = hwl_restart(ad);
		if (err)
			return err;
	}
	err = hwl_xsk_map(ad, q, pool);
	if (err)
		return err;
	hwl_xsk_publish(ad->pair[q], pool);
	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_pair_schedule(ad->pair[q]);
	return 0;
}

static int hwl_unbind_pool(struct hwl_adapter *ad, u32 q)
{
	struct xsk_buff_pool *pool;

	if (q >= ad->num_pairs)
		return -EINVAL;
	pool = ad->pair[q]->rxq.xsk;
	if (!pool)
		return -EINVAL;
	hwl_take_pool(ad, q);
	hwl_xsk_unmap(ad->pair[q], pool);
	return 0;
}

static int hwl_bpf(struct net_device *netdev, struct netdev_bpf *bpf)
{
	bool takes = bpf->command == XDP_SETUP_PROG ? !bpf->prog : !bpf->xsk.pool;
	struct hwl_adapter *ad = netdev_priv(netdev);
	bool awake;
	int err;

	err = hwl_open_get(ad);
	awake = !err;
	/* What is taken away is freed next, whether the device wakes or not. */
	if (!awake && !takes)
		return err;
	switch (bpf->command) {
	case XDP_SETUP_PROG:
		err = hwl_setup_prog(ad, bpf);
		break;
	case XDP_SETUP_XSK_POOL:
		err = bpf->xsk.pool ?
		      hwl_bind_pool(ad, bpf->xsk.queue_id, bpf->xsk.pool) :
		      hwl_unbind_pool(ad, bpf->xsk.queue_id);
		break;
	default:
		err = -EINVAL;
	}
	if (awake)
		hwl_open_put(ad);
	return err;
}

static int hwl_mii_read(struct hwl_adapter *ad, u32 reg, u16 *val)
{
	int err;

	err = hwl_swfw_acquire(&ad->hw);
	if (err)
		return err;
	err = hwl_mdio_read(&ad->hw, 0, reg, val);
	hwl_swfw_release(&ad->hw);
	return err;
}

/* Read-only: what the PHY is set to is the driver's to know. */
static int hwl_eth_ioctl(struct net_device *netdev, struct ifreq *ifr, int cmd)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct mii_ioctl_data *mii = if_mii(ifr);
	int err;

	switch (cmd) {
	case SIOCGMIIPHY:
		mii->phy_id = HWL_PHY_ADDR;
		fallthrough;
	case SIOCGMIIREG:
		break;
	default:
		return -EOPNOTSUPP;
	}

	/* Nobody answers at other addresses. */
	mii->val_out = 0xFFFF;
	if (mii->phy_id != HWL_PHY_ADDR)
		return 0;
	err = hwl_open_get(ad);
	if (err)
		return err;
	err = hwl_mii_read(ad, mii->reg_num & HWL_MII_REG_MASK, &mii->val_out);
	hwl_open_put(ad);
	return err;
}

static const struct net_device_ops hwl_netdev_ops = {
	.ndo_open		= hwl_open,
	.ndo_stop		= hwl_close,
	.ndo_start_xmit		= hwl_tx_xmit,
	.ndo_features_check	= hwl_tx_features_check,
	.ndo_eth_ioctl		= hwl_eth_ioctl,
	.ndo_bpf		= hwl_bpf,
	.ndo_hwtstamp_get	= hwl_ptp_hwtstamp_get,
	.ndo_hwtstamp_set	= hwl_ptp_hwtstamp_set,
	.ndo_xdp_xmit		= hwl_xdp_xmit,
	.ndo_xsk_wakeup		= hwl_irq_xsk_wakeup,
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
	netdev->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
			       NETDEV_XDP_ACT_NDO_XMIT | NETDEV_XDP_ACT_RX_SG |
			       NETDEV_XDP_ACT_NDO_XMIT_SG;
	if (IS_ENABLED(CONFIG_XDP_SOCKETS))
		netdev->xdp_features |= NETDEV_XDP_ACT_XSK_ZEROCOPY;
	netdev->xdp_zc_max_segs = HWL_XSK_MAX_SEGS;
	netdev->xdp_metadata_ops = &hwl_xdp_metadata_ops;
	if (IS_ENABLED(CONFIG_XDP_SOCKETS))
		netdev->xsk_tx_metadata_ops = &hwl_xsk_metadata_ops;
	netdev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
}
