// SPDX-License-Identifier: GPL-2.0
/*
 * ethtool: registers and NVM, for ethtool -d and -e.
 */
#include <linux/ethtool.h>
#include <linux/slab.h>

#include "hwl.h"
#include "hwl_ethtool.h"
#include "hwl_nvm.h"

#define HWL_REGS_VERSION	1

/* Order of the register dump; the user guide lists it, too. None
 * of them changes by being read.
 */
static const u32 hwl_dump_regs[] = {
	HWL_CTRL, HWL_STATUS, HWL_CTRL_EXT, HWL_EECD, HWL_MDIC, HWL_VET,
	HWL_LEDCTL, HWL_EXTCNF_CTRL, HWL_PBA, HWL_GCR, HWL_GCR2, HWL_MANC,
	HWL_WUC, HWL_WUFC, HWL_WUS,
	HWL_IMS, HWL_EIAC, HWL_IAM, HWL_IVAR, HWL_ITR,
	HWL_EITR(0), HWL_EITR(1), HWL_EITR(2), HWL_EITR(3), HWL_EITR(4),
	HWL_RCTL, HWL_RFCTL, HWL_RXCSUM, HWL_MRQC, HWL_RDTR, HWL_RADV,
	HWL_FCRTL, HWL_FCRTH, HWL_FCTTV,
	HWL_RDBAL(0), HWL_RDBAH(0), HWL_RDLEN(0), HWL_RDH(0), HWL_RDT(0),
	HWL_RXDCTL(0),
	HWL_RDBAL(1), HWL_RDBAH(1), HWL_RDLEN(1), HWL_RDH(1), HWL_RDT(1),
	HWL_RXDCTL(1),
	HWL_TCTL, HWL_TIPG, HWL_TIDV, HWL_TADV,
	HWL_TDBAL(0), HWL_TDBAH(0), HWL_TDLEN(0), HWL_TDH(0), HWL_TDT(0),
	HWL_TXDCTL(0), HWL_TARC(0),
	HWL_TDBAL(1), HWL_TDBAH(1), HWL_TDLEN(1), HWL_TDH(1), HWL_TDT(1),
	HWL_TXDCTL(1), HWL_TARC(1),
	HWL_RAL(0), HWL_RAH(0),
};

/**
 * hwl_et_get_regs_len() - size of the register dump
 * @netdev: interface
 *
 * Return: bytes.
 */
int hwl_et_get_regs_len(struct net_device *netdev)
{
	return sizeof(hwl_dump_regs);
}

/**
 * hwl_et_get_regs() - dump registers
 * @netdev: interface
 * @regs: version of the dump is returned here
 * @data: buffer
 */
void hwl_et_get_regs(struct net_device *netdev, struct ethtool_regs *regs,
		     void *data)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u32 *val = data;
	int i;

	regs->version = HWL_REGS_VERSION;
	for (i = 0; i < ARRAY_SIZE(hwl_dump_regs); i++)
		val[i] = hwl_rd32(&ad->hw, hwl_dump_regs[i]);
}

/**
 * hwl_et_get_eeprom_len() - size of the NVM
 * @netdev: interface
 *
 * Return: bytes.
 */
int hwl_et_get_eeprom_len(struct net_device *netdev)
{
	struct hwl_adapter *ad = netdev_priv(netdev);

	return ad->hw.nvm_words * sizeof(u16);
}

static u32 hwl_eeprom_magic(const struct hwl_adapter *ad)
{
	return ad->pdev->vendor | ad->pdev->device << 16;
}

/**
 * hwl_et_get_eeprom() - read the NVM
 * @netdev: interface
 * @eeprom: range and magic
 * @data: buffer
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_get_eeprom(struct net_device *netdev, struct ethtool_eeprom *eeprom,
		      u8 *data)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u32 first = eeprom->offset / 2;
	u32 count = (eeprom->offset + eeprom->len + 1) / 2 - first;
	u16 *words;
	int err;
	u32 i;

	eeprom->magic = hwl_eeprom_magic(ad);
	words = kmalloc_array(count, sizeof(*words), GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	err = hwl_nvm_read(&ad->hw, first, count, words);
	if (!err) {
		for (i = 0; i < count; i++)
			words[i] = (__force u16)cpu_to_le16(words[i]);
		memcpy(data, (u8 *)words + eeprom->offset % 2, eeprom->len);
	}
	kfree(words);
	return err;
}

/**
 * hwl_et_set_eeprom() - write the NVM
 * @netdev: interface
 * @eeprom: range and magic
 * @data: buffer
 *
 * Return: 0 or a negative error code.
 */
int hwl_et_set_eeprom(struct net_device *netdev, struct ethtool_eeprom *eeprom,
		      u8 *data)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	u32 first = eeprom->offset / 2;
	u32 count = (eeprom->offset + eeprom->len + 1) / 2 - first;
	__le16 *words;
	u16 *cpu;
	int err;
	u32 i;

	if (eeprom->magic != hwl_eeprom_magic(ad))
		return -EFAULT;

	words = kmalloc_array(count, sizeof(*words), GFP_KERNEL);
	if (!words)
		return -ENOMEM;
	cpu = (__force u16 *)words;

	/* The words at either end may be written in part. */
	err = hwl_nvm_read(&ad->hw, first, count, cpu);
	if (err)
		goto out;
	for (i = 0; i < count; i++)
		words[i] = cpu_to_le16(cpu[i]);
	memcpy((u8 *)words + eeprom->offset % 2, data, eeprom->len);
	for (i = 0; i < count; i++)
		cpu[i] = le16_to_cpu(words[i]);
	err = hwl_nvm_write(&ad->hw, first, count, cpu);
out:
	kfree(words);
	return err;
}
