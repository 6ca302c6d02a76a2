/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Power management, and recovery from PCI errors.
 */
#ifndef HWL_PM_H
#define HWL_PM_H

#include <linux/pci.h>

struct hwl_adapter;

extern const struct dev_pm_ops hwl_pm_ops;
extern const struct pci_error_handlers hwl_err_handlers;

void hwl_pm_init(struct hwl_adapter *ad);
void hwl_pm_exit(struct hwl_adapter *ad);
void hwl_pm_disable_aspm(struct pci_dev *pdev, bool locked);
void hwl_pm_shutdown(struct pci_dev *pdev);

#endif /* HWL_PM_H */
