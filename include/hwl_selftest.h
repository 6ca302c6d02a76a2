/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Self-test: does the device do what it should?
 */
#ifndef HWL_SELFTEST_H
#define HWL_SELFTEST_H

#include <linux/ethtool.h>

struct net_device;

/* Results, in the order of hwl_selftest_names. */
enum hwl_selftest_id {
	HWL_TEST_REGS,
	HWL_TEST_IRQ,
	HWL_TEST_LOOPBACK,
	HWL_TEST_NVM,
	HWL_TEST_LINK,
	HWL_TEST_NUM,
};

extern const char * const hwl_selftest_names[HWL_TEST_NUM];

void hwl_selftest(struct net_device *netdev, struct ethtool_test *test, u64 *result);

#endif /* HWL_SELFTEST_H */
