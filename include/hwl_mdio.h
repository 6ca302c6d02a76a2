/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MDIO access to the internal PHY, and ownership of PHY and NVM.
 */
#ifndef HWL_MDIO_H
#define HWL_MDIO_H

#include "hwl_io.h"

int hwl_swfw_own(struct hwl_hw *hw);
void hwl_swfw_disown(struct hwl_hw *hw);
int hwl_swfw_acquire(struct hwl_hw *hw);
void hwl_swfw_release(struct hwl_hw *hw);

int hwl_mdio_read(struct hwl_hw *hw, u16 page, u8 reg, u16 *val);
int hwl_mdio_write(struct hwl_hw *hw, u16 page, u8 reg, u16 val);
int hwl_mdio_modify(struct hwl_hw *hw, u16 page, u8 reg, u16 mask, u16 set);

#endif /* HWL_MDIO_H */
