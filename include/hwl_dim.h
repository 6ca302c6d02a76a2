/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Adaptive interrupt moderation.
 */
#ifndef HWL_DIM_H
#define HWL_DIM_H

#include <linux/types.h>

struct hwl_adapter;
struct hwl_pair;

void hwl_dim_init(struct hwl_pair *pair);
void hwl_dim_stop(struct hwl_pair *pair);
void hwl_dim_poll(struct hwl_pair *pair);
u32 hwl_dim_rx_usecs(const struct hwl_pair *pair);
u32 hwl_dim_tx_usecs(const struct hwl_pair *pair);

#endif /* HWL_DIM_H */
