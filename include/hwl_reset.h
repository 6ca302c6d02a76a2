/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data path as a whole: start, stop, restart and reconfigure.
 */
#ifndef HWL_RESET_H
#define HWL_RESET_H

#include "hwl_queue.h"

struct hwl_adapter;

int hwl_up(struct hwl_adapter *ad);
void hwl_down(struct hwl_adapter *ad);
void hwl_release(struct hwl_adapter *ad);
int hwl_restart(struct hwl_adapter *ad);
int hwl_reconfigure(struct hwl_adapter *ad, const struct hwl_config *cfg);
void hwl_take_pool(struct hwl_adapter *ad, u32 q);
int hwl_reset_if_due(struct hwl_adapter *ad, bool hung);

#endif /* HWL_RESET_H */
