/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Management packets: passed to the host by firmware.
 */
#ifndef HWL_MNG_H
#define HWL_MNG_H

struct hwl_hw;

void hwl_mng_init(struct hwl_hw *hw);
void hwl_mng_acquire(struct hwl_hw *hw);
void hwl_mng_release(struct hwl_hw *hw);

#endif /* HWL_MNG_H */
