// SPDX-License-Identifier: GPL-2.0
/*
 * Power management at run time and of the system, shutdown, recovery from PCI errors.
 *
 * All but the first use hwl_netdev_detach() and hwl_netdev_attach().
 */
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/rtnetlink.h>

#include "hwl.h"
#include "hwl_open.h"
#include "hwl_pm.h"
#include "hwl_wake.h"

/* Longer than a link takes to come, with a slow partner. */
#define HWL_PM_LINK_MS		(5 * MSEC_PER_SEC)

/* Until whoever holds rtnl is done. */
#define HWL_PM_RETRY_MS		100

/**
 * hwl_pm_disable_aspm() - keep the PCIe link out of L0s and L1
 * @pdev: the function
 * @locked: pci_bus_sem is held, as it is in the error handlers
 *
 * Silicon otherwise hangs and drops completions. If the PCI core does not
 * control ASPM, the bits are cleared directly: device first.
 *
 * Context: process.
 */
void hwl_pm_disable_aspm(struct pci_dev *pdev, bool locked)
{
	struct pci_dev *parent = pdev->bus->self;
	u16 lnkctl = 0;

	if (locked)
		pci_disable_link_state_locked(pdev, PCIE_LINK_STATE_L0S |
						    PCIE_LINK_STATE_L1);
	else
		pci_disable_link_state(pdev, PCIE_LINK_STATE_L0S |
					     PCIE_LINK_STATE_L1);
	pcie_capability_read_word(pdev, PCI_EXP_LNKCTL, &lnkctl);
	if (!(lnkctl & PCI_EXP_LNKCTL_ASPMC))
		return;

	pcie_capability_clear_word(pdev, PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_ASPMC);
	if (parent)
		pcie_capability_clear_word(parent, PCI_EXP_LNKCTL,
					   PCI_EXP_LNKCTL_ASPMC);
}

/*
 * Put the device to sleep, or leave it so for the loss of power: armed for
 * wake-up, with the link kept, or with its PHY off. Firmware controls it then.
 * Return: true if it is armed.
 */
static bool hwl_pm_sleep(struct hwl_adapter *ad)
{
	u32 causes = hwl_wake_causes(ad);

	assign_bit(HWL_KEEP_LINK, &ad->flags, causes);
	hwl_netdev_detach(ad);
	clear_bit(HWL_KEEP_LINK, &ad->flags);

	if (causes && hwl_wake_arm(ad, causes))
		causes = 0;
	if (!causes)
		hwl_wake_disarm(ad);
	/* Again, after the reset for wake-up: SYSTIM cannot be read in D3. */
	hwl_clock_hold(&ad->hw);
	hwl_hw_release(&ad->hw);
	return causes;
}

static int hwl_suspend(struct device *dev)
{
	struct hwl_adapter *ad = dev_get_drvdata(dev);

	rtnl_lock();
	hwl_pm_sleep(ad);
	rtnl_unlock();
	return 0;
}

static int hwl_resume(struct device *dev)
{
	struct hwl_adapter *ad = dev_get_drvdata(dev);
	int err;

	hwl_pm_disable_aspm(ad->pdev, false);
	rtnl_lock();
	WRITE_ONCE(ad->hw.removed, false);
	hwl_wake_report(ad);
	err = hwl_netdev_attach(ad);
	rtnl_unlock();
	/* Time for the link to come. */
	pm_runtime_mark_last_busy(dev);
	return err;
}

/* While the image of a hibernation is made, or one is loaded: no DMA, and no change
 * to the link, since the device does not sleep.
 */
static int hwl_freeze(struct device *dev)
{
	struct hwl_adapter *ad = dev_get_drvdata(dev);

	rtnl_lock();
	set_bit(HWL_KEEP_LINK, &ad->flags);
	hwl_netdev_detach(ad);
	clear_bit(HWL_KEEP_LINK, &ad->flags);
	rtnl_unlock();
	return 0;
}

static int hwl_thaw(struct device *dev)
{
	struct hwl_adapter *ad = dev_get_drvdata(dev);
	int err;

	rtnl_lock();
	err = hwl_netdev_attach(ad);
	rtnl_unlock();
	return err;
}

/* ---- At run time ---- */

/* Down, or up without a link. Who holds rtnl may be waiting for the end of this. */
static int hwl_runtime_suspend(struct device *dev)
{
	struct hwl_adapter *ad = dev_get_drvdata(dev);
	int err = 0;

	if (!rtnl_trylock()) {
		pm_schedule_suspend(dev, HWL_PM_RETRY_MS);
		return -EBUSY;
	}
	if (hwl_removed(&ad->hw) || !netif_device_present(ad->netdev))
		err = -EBUSY;
	else if (!netif_running(ad->netdev))
		/* A reset has armed it as the NVM says. */
		hwl_wake_disarm(ad);
	else if (pci_dev_run_wake(ad->pdev))
		err = hwl_open_doze(ad);
	else
		err = -EBUSY;
	if (!err) {
		hwl_clock_hold(&ad->hw);
		hwl_hw_release(&ad->hw);
	}
	rtnl_unlock();
	if (!err)
		return 0;

	/* For another try, after the delay; or where that is 0, or this try was not made
	 * by it.
	 */
	pm_runtime_mark_last_busy(dev);
	pm_schedule_suspend(dev, HWL_PM_LINK_MS);
	if (test_bit(HWL_DOZING, &ad->flags))
		schedule_work(&ad->wake_work);
	return -EBUSY;
}

/* Without rtnl, which the caller may hold. */
static int hwl_runtime_resume(struct device *dev)
{
	struct hwl_adapter *ad = dev_get_drvdata(dev);

	/* The way to D0 may reset the PHY, and the link is to come once more. If the
	 * user's delay is shorter than that takes, the device would be woken forever.
	 */
	if (hwl_wake_end(ad)) {
		pm_runtime_get_noresume(dev);
		schedule_delayed_work(&ad->linger, msecs_to_jiffies(HWL_PM_LINK_MS));
	}
	hwl_open_rest(ad);
	if (test_bit(HWL_DOZING, &ad->flags))
		schedule_work(&ad->wake_work);
	return 0;
}

static void hwl_pm_linger(struct work_struct *work)
{
	struct hwl_adapter *ad = container_of(to_delayed_work(work),
					      struct hwl_adapter, linger);

	hwl_open_put(ad);
}

static void hwl_pm_wake_work(struct work_struct *work)
{
	struct hwl_adapter *ad = container_of(work, struct hwl_adapter, wake_work);

	rtnl_lock();
	if (!hwl_open_get(ad))
		hwl_open_put(ad);
	rtnl_unlock();
}

/**
 * hwl_pm_init() - allow the device to sleep, as far as the user does
 * @ad: the device; registered
 *
 * Undone by hwl_pm_exit().
 *
 * Context: process; end of probe.
 */
void hwl_pm_init(struct hwl_adapter *ad)
{
	struct device *dev = &ad->pdev->dev;

	INIT_WORK(&ad->wake_work, hwl_pm_wake_work);
	INIT_DELAYED_WORK(&ad->linger, hwl_pm_linger);
	/* Left asleep through a suspend, a device that is not to wake the system would
	 * have its PHY on, for the link that wakes it at run time.
	 */
	dev_pm_set_driver_flags(dev, DPM_FLAG_NO_DIRECT_COMPLETE);
	pm_runtime_set_autosuspend_delay(dev, HWL_PM_LINK_MS);
	pm_runtime_use_autosuspend(dev);
	/* The reference that the PCI core took for probe. */
	hwl_open_put(ad);
}

/**
 * hwl_pm_exit() - keep the device awake
 * @ad: the device; its interface is gone
 *
 * Context: process; removal, for which the PCI core has woken it.
 */
void hwl_pm_exit(struct hwl_adapter *ad)
{
	struct device *dev = &ad->pdev->dev;

	pm_runtime_get_noresume(dev);
	pm_runtime_dont_use_autosuspend(dev);
	disable_work_sync(&ad->wake_work);
	if (cancel_delayed_work_sync(&ad->linger))
		pm_runtime_put_noidle(dev);
}

const struct dev_pm_ops hwl_pm_ops = {
	.suspend	= pm_sleep_ptr(hwl_suspend),
	.resume		= pm_sleep_ptr(hwl_resume),
	.freeze		= pm_sleep_ptr(hwl_freeze),
	.thaw		= pm_sleep_ptr(hwl_thaw),
	.poweroff	= pm_sleep_ptr(hwl_suspend),
	.restore	= pm_sleep_ptr(hwl_resume),
	RUNTIME_PM_OPS(hwl_runtime_suspend, hwl_runtime_resume, NULL)
};

/**
 * hwl_pm_shutdown() - quiesce the device for power off, a reboot or kexec
 * @pdev: the function
 *
 * The PCI core puts no device to sleep here, and PME is enabled in D3 only if
 * the driver does so (Linux, igb_shutdown()).
 *
 * Context: process.
 */
void hwl_pm_shutdown(struct pci_dev *pdev)
{
	struct hwl_adapter *ad = pci_get_drvdata(pdev);
	bool armed;

	rtnl_lock();
	armed = hwl_pm_sleep(ad);
	rtnl_unlock();
	pci_clear_master(pdev);
	if (system_state == SYSTEM_POWER_OFF) {
		/* Firmware's wake-up, too, as the PCI core has it in sleep. */
		armed |= ad->hw.managed && device_may_wakeup(&pdev->dev);
		pci_wake_from_d3(pdev, armed);
		pci_set_power_state(pdev, PCI_D3hot);
	}
}

/* ---- PCI errors ---- */

static pci_ers_result_t hwl_error_detected(struct pci_dev *pdev,
					   pci_channel_state_t state)
{
	struct hwl_adapter *ad = pci_get_drvdata(pdev);

	/* The channel may be dead: hwl_io.c detects that by itself. */
	rtnl_lock();
	hwl_netdev_detach(ad);
	rtnl_unlock();

	if (state == pci_channel_io_perm_failure)
		return PCI_ERS_RESULT_DISCONNECT;
	pci_clear_master(pdev);
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t hwl_slot_reset(struct pci_dev *pdev)
{
	struct hwl_adapter *ad = pci_get_drvdata(pdev);

	hwl_pm_disable_aspm(pdev, true);
	/* pci_restore_state() may have cleared this on an earlier resume. */
	pdev->state_saved = true;
	pci_restore_state(pdev);
	pci_save_state(pdev);
	pci_set_master(pdev);
	pci_enable_wake(pdev, PCI_D3hot, 0);
	pci_enable_wake(pdev, PCI_D3cold, 0);

	WRITE_ONCE(ad->hw.removed, false);
	hwl_hw_stop(&ad->hw);
	/* The attach resets it again; if that fails, too, the tick goes on trying. A
	 * disconnect would leave the interface detached for good.
	 */
	if (hwl_hw_reset(&ad->hw))
		dev_warn(&pdev->dev, "not ready after the slot reset\n");
	return PCI_ERS_RESULT_RECOVERED;
}

static void hwl_err_resume(struct pci_dev *pdev)
{
	struct hwl_adapter *ad = pci_get_drvdata(pdev);

	rtnl_lock();
	hwl_netdev_attach(ad);
	rtnl_unlock();
}

/* The PCI core is about to reset the function, at the user's request. */
static void hwl_reset_prepare(struct pci_dev *pdev)
{
	struct hwl_adapter *ad = pci_get_drvdata(pdev);

	rtnl_lock();
	hwl_netdev_detach(ad);
	rtnl_unlock();
	hwl_hw_pci_reset_begin(&ad->hw);
}

/* The saved state is restored, ASPM included. */
static void hwl_reset_done(struct pci_dev *pdev)
{
	struct hwl_adapter *ad = pci_get_drvdata(pdev);

	hwl_hw_pci_reset_end(&ad->hw);
	rtnl_lock();
	hwl_netdev_attach(ad);
	rtnl_unlock();
}

const struct pci_error_handlers hwl_err_handlers = {
	.reset_prepare	= hwl_reset_prepare,
	.reset_done	= hwl_reset_done,
	.error_detected	= hwl_error_detected,
	.slot_reset	= hwl_slot_reset,
	.resume		= hwl_err_resume,
};
