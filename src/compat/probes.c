// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel at hand offers. probe.sh, beside this file, compiles all of
 * it with the flags of the module, notes which probes do not compile, and
 * writes generated/hwl_probed.h. Nothing here becomes part of the module.
 *
 * No kernel version decides: distributions and stable series add interfaces to
 * old kernels, and new kernels drop them. So one probe asks for one thing, with
 * the signature or type that the driver relies on. Version numbers in comments
 * say when mainline changed; they are for the reader only.
 *
 * To add a probe: a line HWL_HAVE(NAME, condition) below, and
 * "#if HWL_HAVE_NAME" in include/hwl_compat.h. To require something: a line
 * HWL_NEED(NAME, "what to tell the user", condition). Either starts its line,
 * and may go on over several. Conditions are constant expressions:
 *
 *	HWL_FN(function, type)		a function (no macro) of just that type
 *	HWL_MEMBER(struct s, m, type)	a member of just that type
 *	sizeof(struct s) > 0		the type is there
 *	sizeof(macro(arguments)) > 0	so is the macro
 *
 * Where it is enough that a macro is defined, hwl_compat.h needs no probe but
 * its own "#ifdef". A behaviour that no declaration shows is probed by one
 * that came with it; its comment says so.
 */
#include <linux/build_bug.h>
#include <linux/dim.h>
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <net/devlink.h>
#include <net/xdp.h>
#include <net/xdp_sock_drv.h>
#if __has_include(<net/netdev_queues.h>)
#include <net/netdev_queues.h>
#endif
#if __has_include(<net/page_pool/helpers.h>)
#include <net/page_pool/helpers.h>
#endif

#define HWL_HAVE(name, condition)					\
	void hwl_probe_##name(void) { static_assert(condition); }
#define HWL_NEED(name, text, condition)	HWL_HAVE(name, condition)
#define HWL_FN(function, ...)						\
	__builtin_types_compatible_p(typeof(&(function)), typeof(__VA_ARGS__) *)
#define HWL_MEMBER(type, member, ...)					\
	__builtin_types_compatible_p(typeof(((type *)0)->member), typeof(__VA_ARGS__))

/* ---- What the driver cannot do without */

HWL_NEED(TXQ_MAYBE_STOP, "netif_txq_maybe_stop() (Linux 6.4)",
	 sizeof(netif_txq_maybe_stop((struct netdev_queue *)0, 0, 0, 0)) > 0)
HWL_NEED(TXQ_COMPLETED_WAKE, "__netif_txq_completed_wake() (Linux 6.4)",
	 sizeof(__netif_txq_completed_wake((struct netdev_queue *)0, 0, 0, 0, 0, 0)) > 0)
HWL_NEED(QUEUE_SET_NAPI, "netif_queue_set_napi() (Linux 6.8)",
	 HWL_FN(netif_queue_set_napi, void (struct net_device *, unsigned int,
					    enum netdev_queue_type, struct napi_struct *)))
HWL_NEED(PAGE_POOL_VA, "page_pool_dev_alloc_va() (Linux 6.7)",
	 HWL_FN(page_pool_dev_alloc_va, void *(struct page_pool *, unsigned int *)))
HWL_NEED(FMSG_VOID, "devlink_fmsg_*() without a result (Linux 6.7)",
	 HWL_FN(devlink_fmsg_pair_nest_end, void (struct devlink_fmsg *)))
HWL_NEED(RXFH_PARAM, "struct ethtool_rxfh_param (Linux 6.8)",
	 sizeof(struct ethtool_rxfh_param) > 0)
HWL_NEED(STAT_OPS, "struct netdev_stat_ops (Linux 6.9)",
	 HWL_MEMBER(struct net_device, stat_ops, const struct netdev_stat_ops *))
HWL_NEED(DISABLE_WORK, "disable_work_sync() (Linux 6.10)",
	 HWL_FN(disable_work_sync, bool (struct work_struct *)))
HWL_NEED(TS_INFO, "struct kernel_ethtool_ts_info (Linux 6.11)",
	 sizeof(struct kernel_ethtool_ts_info) > 0)

#if __has_include(<linux/unaligned.h>)
#define HWL_UNALIGNED_H		1
#else
#define HWL_UNALIGNED_H		0
#endif

HWL_NEED(UNALIGNED, "linux/unaligned.h (Linux 6.12)", HWL_UNALIGNED_H)

/* ---- What differs */

/* 6.13: memory is attached to a queue apart from its registration. Taken over by 6.12.y. */
HWL_HAVE(XDP_ATTACH_MEM,
	 HWL_FN(xdp_rxq_info_attach_mem_model, void (struct xdp_rxq_info *,
						     const struct xdp_mem_info *)))

/* 6.15 */
HWL_HAVE(XSK_ADD_FRAG_TO,
	 HWL_FN(xsk_buff_add_frag, bool (struct xdp_buff *, struct xdp_buff *)))

/* A frame has metadata only if its options say so: 6.12.117 and 7.2, not 6.12.95. */
HWL_HAVE(XSK_METADATA_BY_OPTIONS,
	 HWL_FN(xsk_buff_get_metadata,
		struct xsk_tx_metadata *(struct xsk_buff_pool *, u64, u32)))

/* The helper reads once, and checks, what user space has written: 7.2, not 6.12.117. */
HWL_HAVE(XSK_METADATA_REQUEST_POOL,
	 HWL_FN(xsk_tx_metadata_request,
		void (const struct xsk_buff_pool *, struct xsk_tx_metadata **,
		      const struct xsk_tx_metadata_ops *, void *)))

/* 6.13: the sample by reference. */
HWL_HAVE(NET_DIM_BY_REF, HWL_FN(net_dim, void (struct dim *, const struct dim_sample *)))

/* 6.13: NAPI settings and ids outlive the instance. */
HWL_HAVE(NAPI_ADD_CONFIG,
	 HWL_FN(netif_napi_add_config, void (struct net_device *, struct napi_struct *,
					     int (*)(struct napi_struct *, int), int)))

/*
 * 6.14: an instance can be listed, enabled, disabled and removed under the
 * netdev lock. All of these or none: hwl_compat.h has one order of calls for
 * kernels with them and one for those without. The first order is right
 * whether disabling threaded NAPI waits for listed instances (since 6.17) or
 * not, so that behaviour needs no probe.
 */
HWL_HAVE(NAPI_LOCKED,
	 HWL_FN(netif_napi_add_config_locked,
		void (struct net_device *, struct napi_struct *,
		      int (*)(struct napi_struct *, int), int)) &&
	 HWL_FN(netif_napi_set_irq_locked, void (struct napi_struct *, int)) &&
	 HWL_FN(napi_enable_locked, void (struct napi_struct *)) &&
	 HWL_FN(napi_disable_locked, void (struct napi_struct *)) &&
	 HWL_FN(__netif_napi_del_locked, void (struct napi_struct *)) &&
	 HWL_FN(netdev_lock, void (struct net_device *)) &&
	 HWL_FN(netdev_unlock, void (struct net_device *)))

/* 6.17: a pool is given its NAPI instance by a function. */
HWL_HAVE(POOL_ENABLE_DIRECT,
	 HWL_FN(page_pool_enable_direct_recycling,
		void (struct page_pool *, struct napi_struct *)))

/* Gone in some kernel between 6.12 and 7.2: the id of that instance, kept apart. */
HWL_HAVE(POOL_NAPI_ID, HWL_MEMBER(struct page_pool, user.napi_id, u32))

/* 6.17, 6.18: commands of get_rxnfc() become operations; 6.12.117 has the first. */
HWL_HAVE(RXFH_FIELDS, sizeof(struct ethtool_rxfh_fields) > 0)
HWL_HAVE(GET_RXFH_FIELDS,
	 HWL_MEMBER(struct ethtool_ops, get_rxfh_fields,
		    int (*)(struct net_device *, struct ethtool_rxfh_fields *)))
HWL_HAVE(GET_RX_RING_COUNT,
	 HWL_MEMBER(struct ethtool_ops, get_rx_ring_count, u32 (*)(struct net_device *)))

/* 6.18: without the grace period, which is in the operations. */
HWL_HAVE(REPORTER_WITHOUT_PERIOD,
	 HWL_FN(devlink_health_reporter_create,
		struct devlink_health_reporter *
		(struct devlink *, const struct devlink_health_reporter_ops *, void *)))
