// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: RSS hash key, indirection table, hashed fields.
 */
#include <linux/ethtool.h>

#include "hwl.h"
#include "hwl_ethtool.h"
#include "hwl_rss.h"

/**
 * hwl_et_get_rxfh_key_size() - size of the RSS key
 * @netdev: interface
 *
 * Return: bytes.
 */
u32 hwl_et_get_rxfh_key_size(struct net_device *netdev)
{
	return HWL_RSSRK_BYTES;
}

/**
 * hwl_et_get_rxfh_indir_size() - size of the RSS indirection table
 * @netdev: interface
 *
 * Return: entries.
 */
u32 hwl_et_get_rxfh_indir_size(struct net_device *netdev)
{
	return HWL_RETA_ENTRIES;
}

/**
 * hwl_et_get_rxfh() - get RSS key and indirection table
 * @netdev: interface
 * @rxfh: RSS settings
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	int i;

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	if (rxfh->key)
		memcpy(rxfh->key, ad->rss.key, HWL_RSSRK_BYTES);
	for (i = 0; rxfh->indir && i < HWL_RETA_ENTRIES; i++)
		rxfh->indir[i] = ad->rss.indir[i];
	return 0;
}

/**
 * hwl_et_set_rxfh() - change RSS key and indirection table
 * @netdev: interface
 * @rxfh: RSS settings
 * @extack: reason of a refusal
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *rxfh,
		    struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	struct hwl_rss new = ad->rss;
	int i;

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    rxfh->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack, "only the Toeplitz hash is supported");
		return -EOPNOTSUPP;
	}

	/* The core has checked the queues in the table. */
	if (rxfh->key)
		memcpy(new.key, rxfh->key, HWL_RSSRK_BYTES);
	for (i = 0; rxfh->indir && i < HWL_RETA_ENTRIES; i++)
		new.indir[i] = rxfh->indir[i];
	if (!memcmp(&new, &ad->rss, sizeof(new)))
		return 0;
	ad->rss = new;
	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_rss_write(ad);
	return 0;
}

/**
 * hwl_et_get_rxfh_fields() - get the hashed fields of a flow type
 * @netdev: interface
 * @fields: flow type, and its hashed fields
 *
 * Hash fields are fixed: addresses and ports of TCP, addresses of all else.
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_get_rxfh_fields(struct net_device *netdev,
			   struct ethtool_rxfh_fields *fields)
{
	fields->data = 0;
	switch (fields->flow_type) {
	case TCP_V4_FLOW:
	case TCP_V6_FLOW:
		fields->data = RXH_L4_B_0_1 | RXH_L4_B_2_3;
		fallthrough;
	case UDP_V4_FLOW:
	case UDP_V6_FLOW:
	case SCTP_V4_FLOW:
	case SCTP_V6_FLOW:
	case AH_ESP_V4_FLOW:
	case AH_V4_FLOW:
	case ESP_V4_FLOW:
	case IPV4_FLOW:
	case AH_ESP_V6_FLOW:
	case AH_V6_FLOW:
	case ESP_V6_FLOW:
	case IPV6_FLOW:
		fields->data |= RXH_IP_SRC | RXH_IP_DST;
		return 0;
	default:
		return -EINVAL;
	}
}

/**
 * hwl_et_get_rx_ring_count() - number of receive queues
 * @netdev: interface
 *
 * Return: the number.
 */
u32 hwl_et_get_rx_ring_count(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	return ad->cfg.pairs;
}
