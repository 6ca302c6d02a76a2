/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Transmit path.
 */
#ifndef HWL_TX_H
#define HWL_TX_H

#include <linux/netdevice.h>

struct hwl_txq;

netdev_tx_t hwl_tx_xmit(struct sk_buff *skb, struct net_device *netdev);
netdev_features_t hwl_tx_features_check(struct sk_buff *skb,
					struct net_device *netdev,
					netdev_features_t features);
void hwl_txq_clean(struct hwl_txq *txq, int budget);
bool hwl_txq_done(const struct hwl_txq *txq);
void hwl_txq_drain(struct hwl_txq *txq);

#endif /* HWL_TX_H */
