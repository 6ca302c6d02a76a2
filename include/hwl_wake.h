/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wake-up.
 */
#ifndef HWL_WAKE_H
#define HWL_WAKE_H

#include <linux/types.h>

struct hwl_adapter;

/**
 * struct hwl_wake - wake-up
 * @wol: what shall wake the system, as WAKE_* of ethtool; rtnl
 * @apm: the NVM has wake-up by magic packet on
 * @count: wake-ups so far
 */
struct hwl_wake {
	u32 wol;
	bool apm;
	u32 count;
};

void hwl_wake_init(struct hwl_adapter *ad);
u32 hwl_wake_supported(const struct hwl_adapter *ad);
void hwl_wake_set(struct hwl_adapter *ad, u32 wol);
u32 hwl_wake_causes(struct hwl_adapter *ad);
int hwl_wake_arm(struct hwl_adapter *ad, u32 causes);
void hwl_wake_disarm(struct hwl_adapter *ad);
bool hwl_wake_end(struct hwl_adapter *ad);
void hwl_wake_report(struct hwl_adapter *ad);

#endif /* HWL_WAKE_H */
