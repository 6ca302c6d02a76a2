/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PHY: identity, set-up, negotiation, loopback, power.
 */
#ifndef HWL_PHY_H
#define HWL_PHY_H

#include "hwl_io.h"
#include "hwl_link.h"

void hwl_phy_identify(struct hwl_hw *hw);
bool hwl_phy_vetoed(struct hwl_hw *hw);
int hwl_phy_apply(struct hwl_hw *hw, const struct hwl_link_cfg *cfg,
		  bool renegotiate, bool up);
void hwl_phy_power_down(struct hwl_hw *hw);
int hwl_phy_looks_hung(struct hwl_hw *hw, bool *hung);

#endif /* HWL_PHY_H */
