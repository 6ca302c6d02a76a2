// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of the MAC: unicast addresses, multicast hash, VLANs, RSS.
 */
#include <linux/unaligned.h>

#include "hwl_hw.h"

/* Flush each half: some bridges merge both into one write, which the device
 * does not accept.
 */
static void hwl_hw_write_rar(struct hwl_hw *hw, int i, u64 rar)
{
	hw->rar[i] = rar;
	hwl_wr32(hw, HWL_RAL(i), lower_32_bits(rar));
	hwl_flush(hw);
	hwl_wr32(hw, HWL_RAH(i), upper_32_bits(rar));
	hwl_flush(hw);
}

/**
 * hwl_hw_init_tables() - clear the unicast addresses, restore multicast and VLANs
 * @hw: the device
 *
 * Addresses are written by the caller of hwl_hw_init(), the others come from
 * their shadows.
 *
 * Context: process, after hwl_hw_reset().
 */
void hwl_hw_init_tables(struct hwl_hw *hw)
{
	int i;

	for (i = 0; i < HWL_RAR_ENTRIES; i++)
		hwl_hw_write_rar(hw, i, 0);
	for (i = 0; i < HWL_MTA_WORDS; i++)
		hwl_wr32(hw, HWL_MTA(i), hw->mta[i]);
	for (i = 0; i < HWL_VFTA_WORDS; i++)
		hwl_wr32(hw, HWL_VFTA(i), hw->vfta[i]);
}

/**
 * hwl_hw_get_mac() - read the station address that the NVM put into entry 0
 * @hw: the device
 * @addr: where it goes
 *
 * Context: after hwl_hw_reset(), before hwl_hw_init().
 */
void hwl_hw_get_mac(struct hwl_hw *hw, u8 *addr)
{
	put_unaligned_le32(hwl_rd32(hw, HWL_RAL(0)), addr);
	put_unaligned_le16(hwl_rd32(hw, HWL_RAH(0)), addr + 4);
}

/**
 * hwl_hw_set_rar() - write an entry of the unicast address table
 * @hw: the device
 * @i: entry; 0 is the station address
 * @addr: the address, or NULL to clear the entry
 *
 * Context: BH disabled, under the address lock of the interface.
 */
void hwl_hw_set_rar(struct hwl_hw *hw, int i, const u8 *addr)
{
	u64 rar = 0;

	if (addr)
		rar = get_unaligned_le32(addr) |
		      (u64)(get_unaligned_le16(addr + 4) | HWL_RAH_AV) << 32;
	if (hw->rar[i] != rar)
		hwl_hw_write_rar(hw, i, rar);
}

/**
 * hwl_hw_mta_hash() - hash of a multicast address
 * @addr: the address
 *
 * Return: bit of the multicast table, 0 to 4095 (RCTL.MO 0: bits 47:36).
 */
u32 hwl_hw_mta_hash(const u8 *addr)
{
	return ((addr[4] >> 4) | (addr[5] << 4)) & 0xFFF;
}

/**
 * hwl_hw_write_mta() - replace the multicast table
 * @hw: the device
 * @mta: HWL_MTA_WORDS words
 *
 * Only words that change are written; a frame that both tables accept is never
 * rejected in between.
 *
 * Context: any but hard interrupt.
 */
void hwl_hw_write_mta(struct hwl_hw *hw, const u32 *mta)
{
	int i;

	spin_lock_bh(&hw->lock);
	for (i = 0; i < HWL_MTA_WORDS; i++) {
		if (hw->mta[i] == mta[i])
			continue;
		hw->mta[i] = mta[i];
		hwl_wr32(hw, HWL_MTA(i), mta[i]);
	}
	spin_unlock_bh(&hw->lock);
}

/**
 * hwl_hw_set_vlan() - add a VLAN to the filter, or remove it
 * @hw: the device
 * @vid: VLAN id
 * @on: let it through
 * @live: the device is up; else only the shadow is changed
 *
 * Context: any but hard interrupt.
 */
void hwl_hw_set_vlan(struct hwl_hw *hw, u16 vid, bool on, bool live)
{
	u32 *word = &hw->vfta[vid / 32];

	spin_lock_bh(&hw->lock);
	if (on)
		*word |= BIT(vid % 32);
	else
		*word &= ~BIT(vid % 32);
	if (live)
		hwl_wr32(hw, HWL_VFTA(vid / 32), *word);
	spin_unlock_bh(&hw->lock);
}

/**
 * hwl_hw_set_rss() - write the hash key and the indirection table
 * @hw: the device
 * @key: HWL_RSSRK_BYTES bytes
 * @indir: HWL_RETA_ENTRIES queue numbers
 *
 * The old or the new entry applies to a frame in flight; none is lost.
 *
 * Context: process.
 */
void hwl_hw_set_rss(struct hwl_hw *hw, const u8 *key, const u8 *indir)
{
	u32 reta;
	int i;

	for (i = 0; i < HWL_RSSRK_BYTES / 4; i++)
		hwl_wr32(hw, HWL_RSSRK(i), get_unaligned_le32(key + 4 * i));

	for (i = 0; i < HWL_RETA_ENTRIES; i += 4) {
		reta = (indir[i] ? HWL_RETA_QUEUE1 : 0) |
		       (indir[i + 1] ? HWL_RETA_QUEUE1 << 8 : 0) |
		       (indir[i + 2] ? HWL_RETA_QUEUE1 << 16 : 0) |
		       (indir[i + 3] ? (u32)HWL_RETA_QUEUE1 << 24 : 0);
		hwl_wr32(hw, HWL_RETA(i / 4), reta);
	}
}
