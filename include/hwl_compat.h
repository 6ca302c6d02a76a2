/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the supported kernels: 6.12 and later.
 *
 * The code is written for the newest kernel, by its names; this header provides
 * those that others lack. The build probes the kernel's features: see
 * src/compat/probes.c for the HWL_HAVE_* used here, and for adding one. No code
 * checks a kernel version; version numbers in comments say when mainline changed.
 *
 * What the newest kernel has no name for, scripts/to-kernel.sh takes out of the
 * code: HWL_COMPAT_OP(op, fn) becomes ".op = fn,", and a line with a call of a
 * hwl_compat_*() goes.
 */
#ifndef HWL_COMPAT_H
#define HWL_COMPAT_H

#include <linux/dim.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/timer.h>
#include <net/devlink.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <net/xdp_sock_drv.h>

#include "hwl_probed.h"

/*
 * 6.14: instances are listed, enabled, disabled and removed under the netdev
 * lock, and the code lists them only while they are enabled. On older kernels
 * the id of an instance would change each time, so it stays listed as long as
 * the device exists.
 * 6.13: settings and ids outlive the instance (netif_napi_add_config()).
 */
#if !HWL_HAVE_NAPI_LOCKED
#ifndef __CHECKER__	/* which does not know this */
#if __has_include(<net/netdev_lock.h>)
#include <net/netdev_lock.h>
#endif
#endif

static inline void hwl_compat_napi_init(struct net_device *dev,
					struct napi_struct *napi,
					int (*poll)(struct napi_struct *, int),
					int index)
{
#if HWL_HAVE_NAPI_ADD_CONFIG
	netif_napi_add_config(dev, napi, poll, index);
#else
	netif_napi_add(dev, napi, poll);
#endif
}

static inline void hwl_compat_napi_exit(struct napi_struct *napi)
{
	netif_napi_del(napi);
}

#define netdev_lock(dev)			do { } while (0)
#define netdev_unlock(dev)			do { } while (0)
#define netif_napi_add_config_locked(dev, napi, poll, index) \
	do { } while (0)
#define netif_napi_set_irq_locked(napi, irq)	netif_napi_set_irq(napi, irq)
#define napi_enable_locked(napi)		napi_enable(napi)
#define napi_disable_locked(napi)		napi_disable(napi)
#define __netif_napi_del_locked(napi)		do { } while (0)
#else
static inline void hwl_compat_napi_init(struct net_device *dev,
					struct napi_struct *napi,
					int (*poll)(struct napi_struct *, int),
					int index)
{
}

static inline void hwl_compat_napi_exit(struct napi_struct *napi)
{
}
#endif

/* 6.13: by reference. */
#if !HWL_HAVE_NET_DIM_BY_REF
#define net_dim(dim, sample)	net_dim(dim, *(sample))
#endif

/* 6.16: renamed from from_timer(). */
#ifndef timer_container_of
#define timer_container_of(var, callback_timer, timer_fieldname) \
	from_timer(var, callback_timer, timer_fieldname)
#endif

/* 6.17: a pool is given its NAPI instance by a function. Before, netlink tells
 * the id of the one that the pool was made for.
 */
#if !HWL_HAVE_POOL_ENABLE_DIRECT
static inline void page_pool_enable_direct_recycling(struct page_pool *pool,
						     struct napi_struct *napi)
{
#if HWL_HAVE_POOL_NAPI_ID
	WRITE_ONCE(pool->user.napi_id, napi->napi_id);
#endif
	WRITE_ONCE(pool->p.napi, napi);
}
#endif

/* 6.13, and 6.12.y: see src/compat/probes.c. */
#if !HWL_HAVE_XDP_ATTACH_MEM
static inline void
xdp_rxq_info_attach_mem_model(struct xdp_rxq_info *rxq, const struct xdp_mem_info *mem)
{
	rxq->mem = *mem;
}

static inline void xdp_rxq_info_detach_mem_model(struct xdp_rxq_info *rxq)
{
	rxq->mem = (struct xdp_mem_info){};
}
#endif

/* 6.15: it also fills the list of fragments. */
#if !HWL_HAVE_XSK_ADD_FRAG_TO
static inline bool hwl_xsk_buff_add_frag(struct xdp_buff *head, struct xdp_buff *xdp)
{
	struct skb_shared_info *sinfo = xdp_get_shared_info_from_buff(head);
	u32 len = xdp->data_end - xdp->data;

	if (!xdp_buff_has_frags(head)) {
		sinfo->nr_frags = 0;
		sinfo->xdp_frags_size = 0;
		xdp_buff_set_frags_flag(head);
	}
	if (sinfo->nr_frags == MAX_SKB_FRAGS)
		return false;
	skb_frag_fill_page_desc(&sinfo->frags[sinfo->nr_frags++],
				virt_to_page(xdp->data), offset_in_page(xdp->data),
				len);
	sinfo->xdp_frags_size += len;
	xsk_buff_add_frag(xdp);
	return true;
}

#define xsk_buff_add_frag(head, xdp)	hwl_xsk_buff_add_frag(head, xdp)
#endif

/* 6.12.y: it looks at XDP_TX_METADATA, for callers that have not. */
#if !HWL_HAVE_XSK_METADATA_BY_OPTIONS
#define xsk_buff_get_metadata(pool, addr, options)	xsk_buff_get_metadata(pool, addr)
#endif

/* 7.2: it also checks the flags. */
#if !HWL_HAVE_XSK_METADATA_REQUEST_POOL
#define xsk_tx_metadata_request(pool, meta, ops, priv) \
	xsk_tx_metadata_request(*(meta), ops, priv)
#endif

/*
 * 6.17 and 6.18: two commands of the multiplexed get_rxnfc() became operations
 * of their own. It serves what has none.
 */
#if !HWL_HAVE_RXFH_FIELDS
struct ethtool_rxfh_fields {
	u32 data;
	u32 flow_type;
};
#endif

int hwl_et_get_rxfh_fields(struct net_device *netdev,
			   struct ethtool_rxfh_fields *fields);
u32 hwl_et_get_rx_ring_count(struct net_device *netdev);

static inline int hwl_et_get_rxnfc(struct net_device *netdev,
				   struct ethtool_rxnfc *nfc, u32 *rules)
{
	struct ethtool_rxfh_fields fields = { .flow_type = nfc->flow_type };
	int err;

	switch (nfc->cmd) {
	case ETHTOOL_GRXRINGS:
		nfc->data = hwl_et_get_rx_ring_count(netdev);
		return 0;
	case ETHTOOL_GRXFH:
		err = hwl_et_get_rxfh_fields(netdev, &fields);
		nfc->data = fields.data;
		return err;
	default:
		return -EOPNOTSUPP;
	}
}

#define HWL_COMPAT_OP(op, fn)			HWL_OP_##op(fn)
#define HWL_OP_GET_RXNFC			.get_rxnfc = hwl_et_get_rxnfc,
#if HWL_HAVE_GET_RXFH_FIELDS && HWL_HAVE_GET_RX_RING_COUNT
#define HWL_OP_get_rxfh_fields(fn)		.get_rxfh_fields = fn,
#define HWL_OP_get_rx_ring_count(fn)		.get_rx_ring_count = fn,
#elif HWL_HAVE_GET_RXFH_FIELDS
#define HWL_OP_get_rxfh_fields(fn)		.get_rxfh_fields = fn,
#define HWL_OP_get_rx_ring_count(fn)		HWL_OP_GET_RXNFC
#elif HWL_HAVE_GET_RX_RING_COUNT
#define HWL_OP_get_rxfh_fields(fn)		HWL_OP_GET_RXNFC
#define HWL_OP_get_rx_ring_count(fn)		.get_rx_ring_count = fn,
#else
#define HWL_OP_get_rxfh_fields(fn)		HWL_OP_GET_RXNFC
#define HWL_OP_get_rx_ring_count(fn)
#endif

/* 6.18: periods are in the operations; none is wanted. */
#if !HWL_HAVE_REPORTER_WITHOUT_PERIOD
#define devlink_health_reporter_create(devlink, ops, priv) \
	devlink_health_reporter_create(devlink, ops, 0, priv)
#endif

#endif /* HWL_COMPAT_H */
