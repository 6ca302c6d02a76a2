// SPDX-License-Identifier: GPL-2.0
/*
 * Wake-up: what shall wake the system, arming of the device, who woke it.
 *
 * The MAC wakes: WUFC selects the causes, WUC.PME_EN has them raise PME. It
 * receives and filters while it sleeps, so its tables and RCTL are set; the
 * transmitter is off, there are no rings, and DMA is disabled twice over.
 */
#include <linux/ethtool.h>
#include <linux/iopoll.h>
#include <linux/pm_wakeup.h>

#include "hwl.h"
#include "hwl_filter.h"
#include "hwl_nvm.h"
#include "hwl_wake.h"

#define HWL_WAKE_CAUSES	(HWL_WAKE_LNKC | HWL_WAKE_MAG | HWL_WAKE_EX | \
			 HWL_WAKE_MC | HWL_WAKE_BC)

/* Negotiation takes two seconds, and longer with a slow partner. */
#define HWL_WAKE_POLL_US	(20 * USEC_PER_MSEC)
#define HWL_WAKE_LINK_US	(5 * USEC_PER_SEC)

static const struct {
	u32 wol;
	u32 cause;
	const char *name;
} hwl_wake_kinds[] = {
	{ WAKE_PHY,	HWL_WAKE_LNKC,	"link change" },
	{ WAKE_MAGIC,	HWL_WAKE_MAG,	"magic packet" },
	{ WAKE_UCAST,	HWL_WAKE_EX,	"unicast frame" },
	{ WAKE_MCAST,	HWL_WAKE_MC,	"multicast frame" },
	{ WAKE_BCAST,	HWL_WAKE_BC,	"broadcast frame" },
};

/**
 * hwl_wake_init() - take the default from the NVM
 * @ad: the device
 *
 * With APM on in the NVM, a magic packet wakes the system, as it would before
 * the first driver. The platform's wake-up is enabled for that, and for
 * management firmware, which must not lose its power (Linux, e1000_probe()). It
 * outlives a driver, so it is disabled otherwise.
 *
 * Context: process; probe only.
 */
void hwl_wake_init(struct hwl_adapter *ad)
{
	struct device *dev = &ad->pdev->dev;
	u16 ctrl3;

	if (hwl_nvm_read(&ad->hw, HWL_NVM_INIT_CTRL3, 1, &ctrl3))
		dev_dbg(dev, "wake-up default cannot be read\n");
	else
		ad->wake.apm = ctrl3 & HWL_NVM_INIT_CTRL3_APM;
	if (ad->wake.apm)
		ad->wake.wol = WAKE_MAGIC;
	device_set_wakeup_enable(dev, ad->wake.wol || ad->hw.managed);
}

/**
 * hwl_wake_supported() - what can wake the system
 * @ad: the device
 *
 * Context: any.
 * Return: WAKE_* bits; none if the platform does not wake by this device.
 */
u32 hwl_wake_supported(const struct hwl_adapter *ad)
{
	u32 wol = 0;
	int i;

	if (!device_can_wakeup(&ad->pdev->dev))
		return 0;
	for (i = 0; i < ARRAY_SIZE(hwl_wake_kinds); i++)
		wol |= hwl_wake_kinds[i].wol;
	return wol;
}

/**
 * hwl_wake_set() - set what shall wake the system
 * @ad: the device
 * @wol: WAKE_* bits, all supported
 *
 * The device is not touched until it sleeps.
 *
 * Context: process, rtnl held.
 */
void hwl_wake_set(struct hwl_adapter *ad, u32 wol)
{
	ad->wake.wol = wol;
	/* Firmware's, too: it is not taken away, and not given back either. */
	if (wol || !ad->hw.managed)
		device_set_wakeup_enable(&ad->pdev->dev, wol);
}

/**
 * hwl_wake_causes() - what would wake the system if it slept now
 * @ad: the device
 *
 * A link that is up does not wake by a change: with ADVD3WUC and power
 * management of the PHY it may come back slower in sleep (Linux,
 * __e1000_shutdown()).
 *
 * Context: process, rtnl held.
 * Return: bits of WUFC.
 */
u32 hwl_wake_causes(struct hwl_adapter *ad)
{
	u32 causes = 0;
	int i;

	if (!device_may_wakeup(&ad->pdev->dev))
		return 0;
	for (i = 0; i < ARRAY_SIZE(hwl_wake_kinds); i++)
		if (ad->wake.wol & hwl_wake_kinds[i].wol)
			causes |= hwl_wake_kinds[i].cause;
	if (hwl_rd32(&ad->hw, HWL_STATUS) & HWL_STATUS_LU)
		causes &= ~HWL_WAKE_LNKC;
	return causes;
}

/* Cleared by ones. QEMU would store them, so none is written for nothing. */
static u32 hwl_wake_take_status(struct hwl_hw *hw)
{
	u32 wus = hwl_rd32(hw, HWL_WUS);

	if (hwl_removed(hw))
		return 0;
	if (wus)
		hwl_wr32(hw, HWL_WUS, wus);
	return wus & HWL_WAKE_CAUSES;
}

/*
 * A PHY that was off, or has begun to negotiate, makes a link by itself where the cable
 * is plugged in. Is there one? It would wake the system that has just gone to sleep.
 */
static bool hwl_wake_has_link(struct hwl_adapter *ad, bool wait)
{
	struct hwl_hw *hw = &ad->hw;
	u32 status;

	if (!wait)
		return hwl_rd32(hw, HWL_STATUS) & HWL_STATUS_LU;
	return !read_poll_timeout(hwl_rd32, status,
				  status & HWL_STATUS_LU || hwl_removed(hw),
				  HWL_WAKE_POLL_US, HWL_WAKE_LINK_US, false, hw, HWL_STATUS);
}

/**
 * hwl_wake_arm() - have the device wake the system
 * @ad: the device; down, its PHY on if HWL_KEEP_LINK was set
 * @causes: bits of WUFC, at least one
 *
 * A PHY that is off, since the interface is down, is powered up; for a change of the
 * link to wake the system, the link that there may be is waited for, unless it has not
 * come for long. At which speed it links without power is the NVM's.
 *
 * APM is left on with wake-up by magic packet if the NVM has it on: it serves
 * where PME_EN does not survive the loss of power.
 *
 * Context: process, rtnl held; sleeps for about 40 ms, or some seconds in that case.
 * Return: 0, or a negative error code with nothing armed: -EALREADY if there is a
 * link where nothing but its change was to wake.
 */
int hwl_wake_arm(struct hwl_adapter *ad, u32 causes)
{
	struct hwl_hw *hw = &ad->hw;
	u32 wuc = HWL_WUC_PME_EN;
	bool wait;
	int err;

	wait = !test_bit(HWL_DOZING, &ad->flags) &&
	       (!netif_running(ad->netdev) ||
		time_before(jiffies, ad->link.since + usecs_to_jiffies(HWL_WAKE_LINK_US)));
	hwl_hw_stop(hw);
	err = hwl_hw_reset(hw);
	if (err)
		return err;
	hwl_hw_init(hw);
	hwl_filter_start_wake(ad, causes & HWL_WAKE_MC);
	hwl_hw_ctrl(hw, 0, HWL_CTRL_ADVD3WUC | HWL_CTRL_EN_PHY_PWR_MGMT);
	err = hwl_link_apply(ad, false);
	if (err)
		netdev_warn(ad->netdev, "wake-up: PHY does not answer\n");

	/* The receiver is on, and has no rings. */
	hwl_hw_bus_quiesce(hw);
	pci_clear_master(ad->pdev);

	if (causes & HWL_WAKE_LNKC && hwl_wake_has_link(ad, wait))
		causes &= ~HWL_WAKE_LNKC;
	hwl_wake_take_status(hw);
	if (!causes)
		return -EALREADY;
	if (ad->wake.apm && causes & HWL_WAKE_MAG)
		wuc |= HWL_WUC_APME | HWL_WUC_APMPME;
	hwl_wr32(hw, HWL_WUFC, causes);
	hwl_wr32(hw, HWL_WUC, wuc);
	hwl_flush(hw);
	return 0;
}

/**
 * hwl_wake_disarm() - have the device wake nobody
 * @ad: the device; down
 *
 * What woke it long ago, or firmware has left, is not told when it sleeps no more.
 *
 * Context: process, rtnl held.
 */
void hwl_wake_disarm(struct hwl_adapter *ad)
{
	hwl_wake_take_status(&ad->hw);
	hwl_wr32(&ad->hw, HWL_WUC, 0);
	hwl_wr32(&ad->hw, HWL_WUFC, 0);
	hwl_link_power_down(ad);
}

/**
 * hwl_wake_end() - disarm, and tell who woke the device
 * @ad: the device; it has just woken
 *
 * Context: process.
 * Return: true if it was a cause in WUFC.
 */
bool hwl_wake_end(struct hwl_adapter *ad)
{
	struct hwl_hw *hw = &ad->hw;
	u32 wus = hwl_wake_take_status(hw);
	int i;

	hwl_wr32(hw, HWL_WUC, 0);
	hwl_wr32(hw, HWL_WUFC, 0);
	for (i = 0; i < ARRAY_SIZE(hwl_wake_kinds); i++)
		if (wus & hwl_wake_kinds[i].cause)
			netdev_dbg(ad->netdev, "woken by %s\n",
				   hwl_wake_kinds[i].name);
	return wus;
}

/**
 * hwl_wake_report() - disarm, and count if it was the device that woke the system
 * @ad: the device; it has just woken
 *
 * Context: process, rtnl held.
 */
void hwl_wake_report(struct hwl_adapter *ad)
{
	if (!hwl_wake_end(ad))
		return;
	ad->wake.count++;
	pm_wakeup_event(&ad->pdev->dev, 0);
}
