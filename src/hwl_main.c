// SPDX-License-Identifier: GPL-2.0
/*
 * hartwell: driver for the Intel 82574L Gigabit Ethernet controller.
 *
 * Module, PCI probe and remove.
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/rtnetlink.h>

#include "hwl.h"
#include "hwl_devlink.h"
#include "hwl_ethtool.h"
#include "hwl_filter.h"
#include "hwl_irq.h"
#include "hwl_mng.h"
#include "hwl_netdev.h"
#include "hwl_nvm.h"
#include "hwl_open.h"
#include "hwl_pm.h"
#include "hwl_ptp.h"
#include "hwl_reset.h"
#include "hwl_watchdog.h"

#define HWL_MSG_DEFAULT	(NETIF_MSG_DRV | NETIF_MSG_PROBE | NETIF_MSG_LINK)

static void hwl_link_work(struct work_struct *work)
{
	struct hwl_adapter *ad = container_of(work, struct hwl_adapter,
					      link_work);

	/* Asked for by someone who saw the device up just before it went down. */
	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_link_update(ad);
}

/* The reset, or the report of a hang, that was asked for. */
static void hwl_reset_work(struct work_struct *work)
{
	struct hwl_adapter *ad = container_of(work, struct hwl_adapter,
					      reset_work);

	if (test_and_clear_bit(HWL_REPORT_DUE, &ad->flags))
		hwl_devlink_report(ad);
	hwl_reset_if_due(ad, false);
}

/* The device was removed or does not respond: turn the carrier off. The PCI core
 * removes the device, or an error handler recovers it.
 */
static void hwl_handle_removal(struct hwl_hw *hw)
{
	struct hwl_adapter *ad = container_of(hw, struct hwl_adapter, hw);

	hwl_link_schedule(ad);
}

/* Warn of a bad address or checksum, but do not fail the probe: the device may be
 * needed to repair its NVM.
 */
static void hwl_probe_nvm(struct hwl_adapter *ad)
{
	struct net_device *netdev = ad->netdev;
	u8 addr[ETH_ALEN];
	u16 ctrl2;
	int err;

	err = hwl_nvm_check(&ad->hw);
	if (err)
		dev_warn(&ad->pdev->dev, "NVM checksum is not valid: %pe\n",
			 ERR_PTR(err));

	ad->hw.managed = hwl_nvm_read(&ad->hw, HWL_NVM_INIT_CTRL2, 1, &ctrl2) ||
			 ctrl2 & HWL_NVM_INIT_CTRL2_MNG;

	hwl_hw_get_mac(&ad->hw, addr);
	if (is_valid_ether_addr(addr)) {
		eth_hw_addr_set(netdev, addr);
		return;
	}
	eth_hw_addr_random(netdev);
	dev_warn(&ad->pdev->dev, "invalid MAC address %pM in the NVM, using random %pM\n",
		 addr, netdev->dev_addr);
}

static void hwl_probe_defaults(struct hwl_adapter *ad)
{
	int q;

	ad->cfg.pairs = min(ad->max_pairs, num_online_cpus());
	ad->cfg.tx_count = HWL_TX_RING_DEFAULT;
	ad->cfg.rx_count = HWL_RX_RING_DEFAULT;
	for (q = 0; q < HWL_MAX_PAIRS; q++) {
		ad->coal[q].rx_usecs = HWL_RX_USECS_DEFAULT;
		/* Where queues share an interrupt, so do they their moderation. */
		ad->coal[q].tx_usecs = ad->irq_mode == HWL_IRQ_MSIX_SPLIT ?
				       HWL_TX_USECS_DEFAULT : HWL_RX_USECS_DEFAULT;
	}
	ad->msg_enable = HWL_MSG_DEFAULT;
	hwl_link_init(ad);
	hwl_rss_init(ad);
	hwl_stats_init(ad);
	hwl_filter_init(ad);
	hwl_stamp_init(ad);
	hwl_wake_init(ad);
}

static void hwl_pci_disable(void *pdev)
{
	pci_disable_device(pdev);
}

static int hwl_probe_pci(struct pci_dev *pdev)
{
	int err;

	/* Memory only: the I/O ports are of no use, and may not be there. */
	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	err = devm_add_action_or_reset(&pdev->dev, hwl_pci_disable, pdev);
	if (err)
		return err;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
	if (err)
		return err;
	hwl_pm_disable_aspm(pdev, false);
	return 0;
}

static int hwl_probe_hw(struct hwl_adapter *ad)
{
	struct pci_dev *pdev = ad->pdev;
	struct hwl_hw *hw = &ad->hw;
	int err;

	hw->bar = pcim_iomap_region(pdev, HWL_BAR_CSR, HWL_NAME);
	if (IS_ERR(hw->bar))
		return PTR_ERR(hw->bar);
	hw->dev = &pdev->dev;
	hw->on_removed = hwl_handle_removal;
	spin_lock_init(&hw->lock);
	mutex_init(&hw->sw_mutex);
	hwl_clock_init(hw);
	if (pci_resource_len(pdev, HWL_BAR_CSR) < HWL_BAR_CSR_LEN)
		return -ENODEV;

	/* A semaphore that a boot loader may have left taken. */
	hwl_wr32(hw, HWL_SWSM, hwl_rd32(hw, HWL_SWSM) & ~HWL_SWSM_SMBI);
	hwl_nvm_init(hw);
	hwl_mng_init(hw);
	hwl_hw_stop(hw);
	err = hwl_hw_reset(hw);
	if (err)
		return err;
	/* Not before: a boot loader may have left rings behind. */
	pci_set_master(pdev);
	/* For the error handlers; suspend saves anew. */
	pci_save_state(pdev);
	return 0;
}

static int hwl_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct net_device *netdev;
	struct hwl_adapter *ad;
	int err;

	err = hwl_probe_pci(pdev);
	if (err)
		return err;

	netdev = alloc_etherdev_mqs(sizeof(*ad), HWL_MAX_PAIRS, HWL_MAX_PAIRS);
	if (!netdev)
		return -ENOMEM;
	SET_NETDEV_DEV(netdev, &pdev->dev);
	pci_set_drvdata(pdev, netdev_priv(netdev));
	ad = netdev_priv(netdev);
	ad->netdev = netdev;
	ad->pdev = pdev;
	set_bit(HWL_DOWN, &ad->flags);
	INIT_WORK(&ad->reset_work, hwl_reset_work);
	INIT_WORK(&ad->link_work, hwl_link_work);
	INIT_DELAYED_WORK(&ad->tick, hwl_watchdog_tick);

	err = hwl_probe_hw(ad);
	if (err)
		goto err_free_netdev;
	hwl_probe_nvm(ad);

	err = hwl_irq_init(ad);
	if (err)
		goto err_free_netdev;
	hwl_netdev_init(ad);
	hwl_ethtool_init(netdev);
	hwl_probe_defaults(ad);
	err = hwl_pairs_alloc(ad);
	if (err)
		goto err_free_vectors;

	netif_carrier_off(netdev);
	/* The stack asks for statistics of a device that was never open, too. */
	err = netif_set_real_num_queues(netdev, ad->cfg.pairs, ad->cfg.pairs);
	if (err)
		goto err_free_pairs;
	err = hwl_devlink_init(ad);
	if (err)
		goto err_free_pairs;
	hwl_ptp_init(ad);
	err = register_netdev(netdev);
	if (err)
		goto err_ptp;
	rtnl_lock();
	hwl_pairs_set_xps(ad);
	rtnl_unlock();
	netdev_info(netdev, "82574L, %pM, %s, %u of %u queue pairs\n",
		    netdev->dev_addr, hwl_irq_mode_name(ad), ad->cfg.pairs,
		    ad->max_pairs);
	hwl_pm_init(ad);
	return 0;

err_ptp:
	hwl_ptp_exit(ad);
	hwl_devlink_exit(ad);
err_free_pairs:
	hwl_pairs_free(ad);
err_free_vectors:
	hwl_irq_exit(ad);
err_free_netdev:
	free_netdev(netdev);
	return err;
}

static void hwl_remove(struct pci_dev *pdev)
{
	struct hwl_adapter *ad = pci_get_drvdata(pdev);

	hwl_netdev_unregister(ad);
	hwl_pm_exit(ad);
	/* The reset takes rtnl, so close cannot wait for it; and devlink could
	 * still request one until here.
	 */
	disable_work_sync(&ad->reset_work);
	disable_work_sync(&ad->link_work);
	hwl_devlink_exit(ad);
	hwl_ptp_exit(ad);
	hwl_hw_release(&ad->hw);
	hwl_pairs_free(ad);
	hwl_irq_exit(ad);
	free_netdev(ad->netdev);
}

static const struct pci_device_id hwl_pci_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_INTEL, 0x10d3) },	/* 82574L */
	{ PCI_DEVICE(PCI_VENDOR_ID_INTEL, 0x10f6) },	/* 82574LA */
	{ }
};
MODULE_DEVICE_TABLE(pci, hwl_pci_ids);

static struct pci_driver hwl_driver = {
	.name		= HWL_NAME,
	.id_table	= hwl_pci_ids,
	.probe		= hwl_probe,
	.remove		= hwl_remove,
	.shutdown	= hwl_pm_shutdown,
	.err_handler	= &hwl_err_handlers,
	.driver.pm	= pm_ptr(&hwl_pm_ops),
};
module_pci_driver(hwl_driver);

MODULE_DESCRIPTION("Intel 82574L Gigabit Ethernet driver");
MODULE_AUTHOR("The hartwell developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(HWL_VERSION);
