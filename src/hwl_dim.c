// SPDX-License-Identifier: GPL-2.0
/*
 * Adaptive interrupt moderation by net_dim, which compares packet and byte
 * rates between measurements and moves among five moderation profiles while
 * that improves them.
 *
 * The poll feeds samples and the work writes the register. Both check whether
 * the queue is adaptive, so that late work does nothing.
 */
#include <linux/dim.h>

#include "hwl.h"
#include "hwl_dim.h"

/**
 * hwl_dim_rx_usecs() - current Rx moderation
 * @pair: the pair
 *
 * Context: process.
 * Return: microseconds.
 */
u32 hwl_dim_rx_usecs(const struct hwl_pair *pair)
{
	const struct hwl_coalesce *coal = &pair->ad->coal[pair->rxq.index];

	if (!READ_ONCE(coal->rx_adaptive))
		return coal->rx_usecs;
	return net_dim_get_rx_moderation(pair->rx_dim.mode,
					 pair->rx_dim.profile_ix).usec;
}

/**
 * hwl_dim_tx_usecs() - current Tx moderation
 * @pair: the pair
 *
 * Context: process.
 * Return: microseconds.
 */
u32 hwl_dim_tx_usecs(const struct hwl_pair *pair)
{
	const struct hwl_coalesce *coal = &pair->ad->coal[pair->rxq.index];

	if (!READ_ONCE(coal->tx_adaptive))
		return coal->tx_usecs;
	return net_dim_get_tx_moderation(pair->tx_dim.mode,
					 pair->tx_dim.profile_ix).usec;
}

/**
 * hwl_dim_init() - set the initial moderation profile of a pair
 * @pair: the pair
 *
 * Context: process; probe only.
 */
void hwl_dim_init(struct hwl_pair *pair)
{
	pair->rx_dim.mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
	pair->tx_dim.mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
	pair->rx_dim.profile_ix = NET_DIM_DEF_PROFILE_EQE;
	pair->tx_dim.profile_ix = NET_DIM_DEF_PROFILE_EQE;
}

/**
 * hwl_dim_stop() - cancel the work and restart measurement
 * @pair: the pair; NAPI disabled, or no longer adaptive
 *
 * Context: process, rtnl held.
 */
void hwl_dim_stop(struct hwl_pair *pair)
{
	cancel_work_sync(&pair->rx_dim.work);
	cancel_work_sync(&pair->tx_dim.work);
	pair->rx_dim.state = DIM_START_MEASURE;
	pair->tx_dim.state = DIM_START_MEASURE;
}

/* net_dim() acts once per DIM_NEVENTS events; read the clock no more often. */
static bool hwl_dim_due(const struct hwl_pair *pair, const struct dim *dim)
{
	u16 events = pair->events - dim->start_sample.event_ctr;

	return events >= DIM_NEVENTS;
}

static void hwl_dim_feed(struct hwl_pair *pair, struct dim *dim,
			 const u64_stats_t *packets, const u64_stats_t *bytes)
{
	struct dim_sample sample = {};

	dim_update_sample(pair->events, u64_stats_read(packets),
			  u64_stats_read(bytes), &sample);
	net_dim(dim, &sample);
}

/**
 * hwl_dim_poll() - count a poll that completes, and feed net_dim
 * @pair: the pair
 *
 * Context: NAPI.
 */
void hwl_dim_poll(struct hwl_pair *pair)
{
	const struct hwl_coalesce *coal = &pair->ad->coal[pair->rxq.index];

	pair->events++;
	if (READ_ONCE(coal->rx_adaptive) && hwl_dim_due(pair, &pair->rx_dim))
		hwl_dim_feed(pair, &pair->rx_dim, &pair->rxq.stats.packets,
			     &pair->rxq.stats.bytes);
	if (READ_ONCE(coal->tx_adaptive) && hwl_dim_due(pair, &pair->tx_dim))
		hwl_dim_feed(pair, &pair->tx_dim, &pair->txq.cstats.packets,
			     &pair->txq.cstats.bytes);
}
