// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: ring sizes, channels, interrupt moderation.
 */
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include "hwl.h"
#include "hwl_dim.h"
#include "hwl_ethtool.h"
#include "hwl_irq.h"
#include "hwl_queue.h"
#include "hwl_reset.h"

/* ---- Rings and channels ---- */

/**
 * hwl_et_get_ringparam() - get ring sizes
 * @netdev: interface
 * @ring: ring sizes
 * @kring: further ring settings
 * @extack: reason of a refusal
 */
void hwl_et_get_ringparam(struct net_device *netdev,
			  struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kring,
			  struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	ring->rx_max_pending = HWL_RING_MAX;
	ring->tx_max_pending = HWL_RING_MAX;
	ring->rx_pending = ad->cfg.rx_count;
	ring->tx_pending = ad->cfg.tx_count;
	kring->rx_buf_len = HWL_RX_BUF_LEN;
}

static int hwl_check_ring(u32 count, u32 min, const char *what,
			  struct netlink_ext_ack *extack)
{
	if (count >= min && count <= HWL_RING_MAX && !(count % HWL_RING_STEP))
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack, "%s ring must be %u to %u in steps of %u",
			       what, min, HWL_RING_MAX, HWL_RING_STEP);
	return -EINVAL;
}

/**
 * hwl_et_set_ringparam() - change ring sizes
 * @netdev: interface
 * @ring: ring sizes
 * @kring: further ring settings
 * @extack: reason of a refusal
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_set_ringparam(struct net_device *netdev,
			 struct ethtool_ringparam *ring,
			 struct kernel_ethtool_ringparam *kring,
			 struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_config cfg = ad->cfg;
	int err;

	if (ring->rx_mini_pending || ring->rx_jumbo_pending)
		return -EINVAL;
	err = hwl_check_ring(ring->rx_pending, HWL_RING_MIN, "rx", extack);
	if (!err)
		err = hwl_check_ring(ring->tx_pending, HWL_TX_RING_MIN, "tx",
				     extack);
	if (err)
		return err;

	if (cfg.rx_count == ring->rx_pending && cfg.tx_count == ring->tx_pending)
		return 0;
	cfg.rx_count = ring->rx_pending;
	cfg.tx_count = ring->tx_pending;
	err = hwl_reconfigure(ad, &cfg);
	if (err == -ENOMEM)
		NL_SET_ERR_MSG_MOD(extack,
				   "failed to allocate new rings; keeping the current ones");
	return err;
}

/**
 * hwl_et_get_channels() - get channels
 * @netdev: interface
 * @ch: channels
 */
void hwl_et_get_channels(struct net_device *netdev, struct ethtool_channels *ch)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	ch->max_combined = ad->max_pairs;
	ch->combined_count = ad->cfg.pairs;
	if (hwl_is_msix(ad)) {
		ch->max_other = 1;
		ch->other_count = 1;
	}
}

/**
 * hwl_et_set_channels() - change the number of channels
 * @netdev: interface
 * @ch: channels
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_set_channels(struct net_device *netdev, struct ethtool_channels *ch)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_config cfg = ad->cfg;
	int err;

	/* Bounds and the RSS table are checked by the core. */
	if (ch->other_count != hwl_is_msix(ad) || !ch->combined_count)
		return -EINVAL;
	if (cfg.pairs == ch->combined_count)
		return 0;
	cfg.pairs = ch->combined_count;
	err = hwl_reconfigure(ad, &cfg);
	if (!err)
		hwl_pairs_set_xps(ad);
	return err;
}

/* ---- Moderation ---- */

/**
 * hwl_et_get_queue_coalesce() - get the moderation of a queue
 * @netdev: interface
 * @q: queue
 * @coal: moderation settings
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_get_queue_coalesce(struct net_device *netdev, u32 q,
			      struct ethtool_coalesce *coal)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (q >= ad->max_pairs)
		return -EINVAL;
	coal->rx_coalesce_usecs = ad->coal[q].rx_usecs;
	coal->tx_coalesce_usecs = ad->coal[q].tx_usecs;
	coal->use_adaptive_rx_coalesce = ad->coal[q].rx_adaptive;
	coal->use_adaptive_tx_coalesce = ad->coal[q].tx_adaptive;
	return 0;
}

/**
 * hwl_et_get_coalesce() - get interrupt moderation
 * @netdev: interface
 * @coal: moderation settings
 * @kcoal: unused
 * @extack: reason of a refusal
 *
 * If queues differ, get the settings of the first.
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_get_coalesce(struct net_device *netdev,
			struct ethtool_coalesce *coal,
			struct kernel_ethtool_coalesce *kcoal,
			struct netlink_ext_ack *extack)
{
	return hwl_et_get_queue_coalesce(netdev, 0, coal);
}

static int hwl_check_usecs(u32 usecs, const char *what,
			   struct netlink_ext_ack *extack)
{
	if (usecs <= HWL_ITR_MAX_USECS)
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack, "%s must be 0 to %u", what,
			       HWL_ITR_MAX_USECS);
	return -EINVAL;
}

static int hwl_check_coalesce(const struct hwl_adapter *ad,
			      const struct ethtool_coalesce *coal,
			      struct netlink_ext_ack *extack)
{
	int err;

	err = hwl_check_usecs(coal->rx_coalesce_usecs, "rx-usecs", extack);
	if (!err)
		err = hwl_check_usecs(coal->tx_coalesce_usecs, "tx-usecs", extack);
	if (err)
		return err;
	if (ad->irq_mode != HWL_IRQ_MSIX_SPLIT &&
	    coal->rx_coalesce_usecs != coal->tx_coalesce_usecs) {
		NL_SET_ERR_MSG_MOD(extack,
				   "rx-usecs and tx-usecs must be equal: one interrupt for both");
		return -EINVAL;
	}
	if (ad->irq_mode != HWL_IRQ_MSIX_SPLIT &&
	    coal->use_adaptive_rx_coalesce != coal->use_adaptive_tx_coalesce) {
		NL_SET_ERR_MSG_MOD(extack,
				   "adaptive-rx and adaptive-tx must be equal: one interrupt for both");
		return -EINVAL;
	}
	return 0;
}

/* True if the request equals the settings of a queue. */
static bool hwl_coalesce_equal(const struct hwl_coalesce *have,
			       const struct ethtool_coalesce *coal)
{
	return have->rx_usecs == coal->rx_coalesce_usecs &&
	       have->tx_usecs == coal->tx_coalesce_usecs &&
	       have->rx_adaptive == !!coal->use_adaptive_rx_coalesce &&
	       have->tx_adaptive == !!coal->use_adaptive_tx_coalesce;
}

/* Set queues @q to @end - 1. GET returns the settings of the first: writing them
 * back unchanged changes no queue.
 */
static int hwl_set_queues_coalesce(struct hwl_adapter *ad, u32 q, u32 end,
				   const struct ethtool_coalesce *coal,
				   struct netlink_ext_ack *extack)
{
	int err;

	if (hwl_coalesce_equal(&ad->coal[q], coal))
		return 0;
	err = hwl_check_coalesce(ad, coal, extack);
	if (err)
		return err;
	for (; q < end; q++) {
		ad->coal[q].rx_usecs = coal->rx_coalesce_usecs;
		ad->coal[q].tx_usecs = coal->tx_coalesce_usecs;
		WRITE_ONCE(ad->coal[q].rx_adaptive, !!coal->use_adaptive_rx_coalesce);
		WRITE_ONCE(ad->coal[q].tx_adaptive, !!coal->use_adaptive_tx_coalesce);
		/* Running work would program an outdated interval. */
		if (ad->pair[q])
			hwl_dim_stop(ad->pair[q]);
	}
	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_irq_set_itr(ad);
	return 0;
}

/**
 * hwl_et_set_queue_coalesce() - change the moderation of a queue
 * @netdev: interface
 * @q: queue
 * @coal: moderation settings
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_set_queue_coalesce(struct net_device *netdev, u32 q,
			      struct ethtool_coalesce *coal)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	if (q >= ad->max_pairs)
		return -EINVAL;
	return hwl_set_queues_coalesce(ad, q, q + 1, coal, NULL);
}

/**
 * hwl_et_set_coalesce() - change the moderation of all queues
 * @netdev: interface
 * @coal: moderation settings
 * @kcoal: unused
 * @extack: reason of a refusal
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_set_coalesce(struct net_device *netdev,
			struct ethtool_coalesce *coal,
			struct kernel_ethtool_coalesce *kcoal,
			struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	return hwl_set_queues_coalesce(ad, 0, HWL_MAX_PAIRS, coal, extack);
}
