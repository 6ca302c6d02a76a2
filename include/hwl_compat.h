/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the supported kernels: 6.12 and later.
 *
 * The code is written for the newest kernel; this header provides what others
 * lack. The build probes the kernel's features: see src/compat/probes.c for the
 * HWL_HAVE_* used here, and for adding one. No code checks a kernel version;
 * version numbers in comments say when mainline changed.
 */
#ifndef HWL_COMPAT_H
#define HWL_COMPAT_H

#include <linux/netdevice.h>
#include <linux/timer.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <net/xdp_sock_drv.h>

#include "hwl_probed.h"

/*
 * 6.13: NAPI settings and ids outlive the instance (netif_napi_add_config()).
 * 6.17: disabling threaded NAPI waits, under the netdev lock, for every listed
 * instance; a disabled one never finishes. So if the netdev lock covers all of
 * it (6.14), an instance is added on enable and deleted on disable, under that
 * lock. On older kernels its id would change each time, so it stays listed as
 * long as the device exists.
 */
#if !HWL_HAVE_NAPI_LOCKED
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

static inline void hwl_compat_napi_start(struct net_device *dev,
					 struct napi_struct *napi,
					 int (*poll)(struct napi_struct *, int),
					 int index, int irq)
{
	netif_napi_set_irq(napi, irq);
	napi_enable(napi);
}

static inline void hwl_compat_napi_stop(struct net_device *dev,
					struct napi_struct *napi)
{
	napi_disable(napi);
}
#else
static inline void hwl_compat_napi_init(struct net_device *dev,
					struct napi_struct *napi,
					int (*poll)(struct napi_struct *, int),
					int index)
{
	/* A stray interrupt must not schedule it before it is enabled. */
	set_bit(NAPI_STATE_SCHED, &napi->state);
}

static inline void hwl_compat_napi_exit(struct napi_struct *napi)
{
}

static inline void hwl_compat_napi_start(struct net_device *dev,
					 struct napi_struct *napi,
					 int (*poll)(struct napi_struct *, int),
					 int index, int irq)
{
	netdev_lock(dev);
	netif_napi_add_config_locked(dev, napi, poll, index);
	netif_napi_set_irq_locked(napi, irq);
	napi_enable_locked(napi);
	netdev_unlock(dev);
}

static inline void hwl_compat_napi_stop(struct net_device *dev,
					struct napi_struct *napi)
{
	netdev_lock(dev);
	napi_disable_locked(napi);
	__netif_napi_del_locked(napi);
	netdev_unlock(dev);
	/* Readers of the list have let go of it when it is listed again. */
	synchronize_net();
}
#endif

/* 6.13: by reference. */
#if HWL_HAVE_NET_DIM_BY_REF
#define hwl_compat_net_dim(dim, sample)	net_dim(dim, sample)
#else
#define hwl_compat_net_dim(dim, sample)	net_dim(dim, *(sample))
#endif

/* 6.16: renamed from from_timer(). */
#ifndef timer_container_of
#define timer_container_of(var, callback_timer, timer_fieldname) \
	from_timer(var, callback_timer, timer_fieldname)
#endif

/* 6.17: a pool is given its NAPI instance, by a function, when it has one. Before,
 * netlink tells the one that it was made for.
 */
static inline struct page_pool *
hwl_compat_pool_create(struct page_pool_params *params, struct napi_struct *napi)
{
	struct page_pool *pool;

#if HWL_HAVE_POOL_ENABLE_DIRECT
	pool = page_pool_create(params);
#else
	params->napi = napi;
	pool = page_pool_create(params);
	if (!IS_ERR(pool))
		WRITE_ONCE(pool->p.napi, NULL);
#endif
	return pool;
}

static inline void hwl_compat_pool_set_napi(struct page_pool *pool,
					    struct napi_struct *napi)
{
#if HWL_HAVE_POOL_ENABLE_DIRECT
	page_pool_enable_direct_recycling(pool, napi);
#else
	WRITE_ONCE(pool->p.napi, napi);
#endif
}

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
static inline bool hwl_compat_xsk_add_frag(struct xdp_buff *head, struct xdp_buff *xdp)
{
#if HWL_HAVE_XSK_ADD_FRAG_TO
	return xsk_buff_add_frag(head, xdp);
#else
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
#endif
}

/* 6.12.y: it looks at XDP_TX_METADATA, for callers that have not. */
static inline struct xsk_tx_metadata *
hwl_compat_xsk_metadata(struct xsk_buff_pool *pool, const struct xdp_desc *desc)
{
#if HWL_HAVE_XSK_METADATA_BY_OPTIONS
	return xsk_buff_get_metadata(pool, desc->addr, desc->options);
#else
	return xsk_buff_get_metadata(pool, desc->addr);
#endif
}

/* 7.2: it also checks the flags. */
static inline void hwl_compat_xsk_request(struct xsk_buff_pool *pool,
					  struct xsk_tx_metadata *meta,
					  const struct xsk_tx_metadata_ops *ops, void *priv)
{
#if HWL_HAVE_XSK_METADATA_REQUEST_POOL
	xsk_tx_metadata_request(pool, &meta, ops, priv);
#else
	xsk_tx_metadata_request(meta, ops, priv);
#endif
}

/*
 * 6.17 and 6.18: two commands of the multiplexed get_rxnfc() became operations
 * of their own, which is what the new names in this list install.
 */
#if !HWL_HAVE_RXFH_FIELDS
struct ethtool_rxfh_fields {
	u32 data;
	u32 flow_type;
};
#endif
#if HWL_HAVE_GET_RXFH_FIELDS
#define HWL_RXFH_FIELDS_OP(fn)		.get_rxfh_fields = fn,
#else
#define HWL_RXFH_FIELDS_OP(fn)
#endif
#if HWL_HAVE_GET_RX_RING_COUNT
#define HWL_RX_RING_COUNT_OP(fn)	.get_rx_ring_count = fn,
#else
#define HWL_RX_RING_COUNT_OP(fn)
#endif

/* 6.18: periods are in the operations; none is wanted. */
#if HWL_HAVE_REPORTER_WITHOUT_PERIOD
#define hwl_compat_health_reporter_create(devlink, ops, priv) \
	devlink_health_reporter_create(devlink, ops, priv)
#else
#define hwl_compat_health_reporter_create(devlink, ops, priv) \
	devlink_health_reporter_create(devlink, ops, 0, priv)
#endif

#endif /* HWL_COMPAT_H */
