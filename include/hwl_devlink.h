/* SPDX-License-Identifier: GPL-2.0 */
/*
 * devlink: device information and the Tx health reporter.
 */
#ifndef HWL_DEVLINK_H
#define HWL_DEVLINK_H

struct hwl_adapter;

int hwl_devlink_init(struct hwl_adapter *ad);
void hwl_devlink_exit(struct hwl_adapter *ad);
void hwl_devlink_report(struct hwl_adapter *ad);

#endif /* HWL_DEVLINK_H */
