/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The PHY and the link.
 */
#ifndef HWL_LINK_H
#define HWL_LINK_H

#include <linux/ethtool.h>
#include <linux/types.h>

struct hwl_adapter;

/**
 * struct hwl_link_cfg - link configuration requested by the user
 * @advertising: link modes to advertise, except pause
 * @autoneg: negotiate; else @speed and @duplex are forced
 * @speed: SPEED_10 or SPEED_100
 * @duplex: DUPLEX_HALF or DUPLEX_FULL
 * @mdix: ETH_TP_MDI, ETH_TP_MDI_X or ETH_TP_MDI_AUTO
 * @loopback: PHY loopback; all other fields are ignored then
 * @fc_autoneg: negotiate pause; else @fc_rx and @fc_tx are forced
 * @fc_rx: honour pause frames
 * @fc_tx: send pause frames
 */
struct hwl_link_cfg {
	__ETHTOOL_DECLARE_LINK_MODE_MASK(advertising);
	bool autoneg;
	int speed;
	u8 duplex;
	u8 mdix;
	bool loopback;
	bool fc_autoneg;
	bool fc_rx;
	bool fc_tx;
};

/**
 * struct hwl_link - PHY and link
 * @cfg: requested configuration; rtnl
 * @up: the link is up and the carrier on; link work
 * @since: without link, when it was lost or last asked for; jiffies
 * @speed: in Mb/s; SPEED_UNKNOWN without link
 * @duplex: DUPLEX_UNKNOWN without link
 * @rx_pause: pause frames are honoured
 * @tx_pause: pause frames are sent
 * @pause_unknown: the PHY could not be asked; the watchdog has it tried again
 * @downs: number of link down events
 */
struct hwl_link {
	struct hwl_link_cfg cfg;
	bool up;
	unsigned long since;
	int speed;
	u8 duplex;
	bool rx_pause;
	bool tx_pause;
	bool pause_unknown;
	u32 downs;
};

void hwl_link_init(struct hwl_adapter *ad);
int hwl_link_apply(struct hwl_adapter *ad, bool renegotiate);
int hwl_link_resume(struct hwl_adapter *ad);
int hwl_link_loopback(struct hwl_adapter *ad, bool on);
void hwl_link_power_down(struct hwl_adapter *ad);
void hwl_link_update(struct hwl_adapter *ad);
void hwl_link_down(struct hwl_adapter *ad);
int hwl_link_set_cfg(struct hwl_adapter *ad, const struct hwl_link_cfg *cfg);
bool hwl_link_phy_hung(struct hwl_adapter *ad);
void hwl_link_supported(unsigned long *modes);
int hwl_link_get_partner(struct hwl_adapter *ad, unsigned long *modes);
u8 hwl_link_get_mdix(struct hwl_adapter *ad);

#endif /* HWL_LINK_H */
