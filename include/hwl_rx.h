/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receive path.
 */
#ifndef HWL_RX_H
#define HWL_RX_H

#include <linux/types.h>

struct hwl_rxq;

int hwl_rxq_clean(struct hwl_rxq *rxq, int budget);
bool hwl_rxq_refill(struct hwl_rxq *rxq);
void hwl_rxq_drain(struct hwl_rxq *rxq);
bool hwl_rxq_pending(const struct hwl_rxq *rxq);

#endif /* HWL_RX_H */
