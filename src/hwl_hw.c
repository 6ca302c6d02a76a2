// SPDX-License-Identifier: GPL-2.0
/*
 * The MAC: reset, set-up, tables and ring registers.
 *
 * Knows registers only: no netdev, no buffer. What a reset forgets is kept as
 * a shadow in struct hwl_hw (receive mode, multicast and VLAN tables) or is
 * written again by the caller (rings, addresses, RSS, interrupts).
 *
 * hw->lock makes read-modify-write of the shared registers atomic: the address
 * filter is changed with BH disabled, features under rtnl, pause by the link
 * work.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/iopoll.h>
#include <linux/unaligned.h>

#include "hwl_hw.h"
#include "hwl_mdio.h"

/* Thresholds in descriptors. A write-back threshold above 1 for transmit keeps
 * completions in the device for seconds.
 */
#define HWL_TXDCTL_VALUE	(FIELD_PREP(HWL_XDCTL_PTHRESH, 31) | \
				 FIELD_PREP(HWL_XDCTL_HTHRESH, 1) | \
				 FIELD_PREP(HWL_XDCTL_WTHRESH, 1) | \
				 HWL_XDCTL_GRAN | HWL_TXDCTL_RSVD22)
#define HWL_RXDCTL_VALUE	(FIELD_PREP(HWL_XDCTL_PTHRESH, 32) | \
				 FIELD_PREP(HWL_XDCTL_HTHRESH, 4) | \
				 FIELD_PREP(HWL_XDCTL_WTHRESH, 4) | \
				 HWL_XDCTL_GRAN)

/* Write-back timers, 1.024 us. They must not be 0 with thresholds in use. */
#define HWL_TIDV_VALUE		8
#define HWL_TADV_VALUE		32
#define HWL_RDTR_VALUE		8
#define HWL_RADV_VALUE		32

/* Pause frames ask for this time, in units of 512 bit times. */
#define HWL_PAUSE_TIME		0x0680

static void hwl_hw_bus_quiesce(struct hwl_hw *hw)
{
	u32 status;

	hwl_hw_ctrl(hw, 0, HWL_CTRL_GIO_MASTER_DISABLE);
	if (read_poll_timeout(hwl_rd32, status,
			      !(status & HWL_STATUS_GIO_MASTER_ENABLE),
			      100, 80 * USEC_PER_MSEC, false, hw, HWL_STATUS) &&
	    !hwl_gone(hw))
		dev_warn(hw->dev, "DMA did not come to rest before the reset\n");
}

/**
 * hwl_hw_stop() - end all receiving, transmitting and interrupting
 * @hw: the device
 *
 * RCTL.EN must not be cleared at run time on the 82574: a reset follows always.
 *
 * Context: process; may sleep.
 */
void hwl_hw_stop(struct hwl_hw *hw)
{
	hwl_wr32(hw, HWL_IMC, HWL_INT_ALL);
	hwl_hw_bus_quiesce(hw);
	hwl_wr32(hw, HWL_RCTL, 0);
	hwl_wr32(hw, HWL_TCTL, hwl_rd32(hw, HWL_TCTL) & ~HWL_TCTL_EN);
	hwl_flush(hw);
	/* Not fsleep(): no packet passes meanwhile. */
	usleep_range(10 * USEC_PER_MSEC, 11 * USEC_PER_MSEC);
}

/**
 * hwl_hw_reset() - reset the MAC
 * @hw: the device; hwl_hw_stop() was called
 *
 * The PHY is left alone, so the link stays up where the silicon lets it.
 *
 * Context: process; may sleep, about 30 ms.
 * Return: 0; -ENODEV when the device is gone; -ETIMEDOUT when it does not come
 * back, after which it must not be touched.
 */
int hwl_hw_reset(struct hwl_hw *hw)
{
	u32 eecd;
	int err;

	/* Survives the reset and must be set before it. */
	hwl_wr32(hw, HWL_PBA, FIELD_PREP(HWL_PBA_RXA, HWL_RX_FIFO / 1024));

	/* Firmware must not be in the middle of an MDIO access. */
	err = hwl_own(hw);
	if (err == -ENODEV)
		return err;
	hwl_hw_ctrl(hw, 0, HWL_CTRL_RST);
	if (!err)
		hwl_disown(hw);

	if (hw->nvm_flash) {
		fsleep(10);
		hwl_hw_ctrl_ext(hw, 0, HWL_CTRL_EXT_EE_RST);
		hwl_flush(hw);
	}
	err = read_poll_timeout(hwl_rd32, eecd, eecd & HWL_EECD_AUTO_RD,
				1000, 20 * USEC_PER_MSEC, false, hw, HWL_EECD);
	if (hwl_gone(hw))
		return -ENODEV;
	if (err) {
		dev_err(hw->dev, "NVM was not read after the reset\n");
		return err;
	}

	/* The PHY's part of the NVM is read only after AUTO_RD. */
	usleep_range(25 * USEC_PER_MSEC, 26 * USEC_PER_MSEC);

	hwl_wr32(hw, HWL_IMC, HWL_INT_ALL);
	hwl_rd32(hw, HWL_ICR);
	return hwl_gone(hw) ? -ENODEV : 0;
}

/* Each half is flushed: some bridges merge the pair into one write that the
 * device does not take.
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
 * hwl_hw_init() - bring the MAC from its reset state to the working one
 * @hw: the device
 *
 * All that depends on neither queues nor link. Tables come from their shadows.
 *
 * Context: process, after hwl_hw_reset().
 */
void hwl_hw_init(struct hwl_hw *hw)
{
	int i;

	/* ASPM and completion errata; no-snoop stays off. */
	hwl_wr32(hw, HWL_GCR, (hwl_rd32(hw, HWL_GCR) & ~HWL_GCR_NO_SNOOP) |
			      HWL_GCR_ASPM22 | HWL_GCR_L1_NO_L0S_RX);
	hwl_wr32(hw, HWL_GCR2, hwl_rd32(hw, HWL_GCR2) | HWL_GCR2_FIX);

	hwl_hw_ctrl_ext(hw, HWL_CTRL_EXT_RSVD23,
			HWL_CTRL_EXT_RSVD22 | HWL_CTRL_EXT_DRV_LOAD);
	hwl_hw_ctrl(hw, HWL_CTRL_RSVD29 | HWL_CTRL_ASDE, HWL_CTRL_SLU);

	hwl_wr32(hw, HWL_WUC, 0);
	hwl_wr32(hw, HWL_AIT, 0);
	/* QEMU leaves 0 here after a reset; the VLAN EtherType is ours to set. */
	hwl_wr32(hw, HWL_VET, ETH_P_8021Q);

	for (i = 0; i < HWL_RAR_ENTRIES; i++)
		hwl_hw_write_rar(hw, i, 0);
	for (i = 0; i < HWL_MTA_WORDS; i++)
		hwl_wr32(hw, HWL_MTA(i), hw->mta[i]);
	for (i = 0; i < HWL_VFTA_WORDS; i++)
		hwl_wr32(hw, HWL_VFTA(i), hw->vfta[i]);

	/* Pause frames: address, EtherType and the time that they ask for. */
	hwl_wr32(hw, HWL_FCAL, 0x00C28001);
	hwl_wr32(hw, HWL_FCAH, 0x0100);
	hwl_wr32(hw, HWL_FCT, ETH_P_PAUSE);
	hwl_wr32(hw, HWL_FCTTV, HWL_PAUSE_TIME);
	hwl_flush(hw);
}

/**
 * hwl_hw_ctrl() - change bits of CTRL
 * @hw: the device
 * @mask: bits to clear
 * @set: bits to set
 *
 * Context: any but hard interrupt.
 */
void hwl_hw_ctrl(struct hwl_hw *hw, u32 mask, u32 set)
{
	spin_lock_bh(&hw->lock);
	hwl_wr32(hw, HWL_CTRL, (hwl_rd32(hw, HWL_CTRL) & ~mask) | set);
	spin_unlock_bh(&hw->lock);
}

/**
 * hwl_hw_ctrl_ext() - change bits of CTRL_EXT
 * @hw: the device
 * @mask: bits to clear
 * @set: bits to set
 *
 * Context: any but hard interrupt.
 */
void hwl_hw_ctrl_ext(struct hwl_hw *hw, u32 mask, u32 set)
{
	spin_lock_bh(&hw->lock);
	hwl_wr32(hw, HWL_CTRL_EXT, (hwl_rd32(hw, HWL_CTRL_EXT) & ~mask) | set);
	spin_unlock_bh(&hw->lock);
}

/* ---- Receive ---- */

static u32 hwl_rctl_value(const struct hwl_rx_mode *rx)
{
	/* Buffers of 2048 bytes (BSIZE 0, BSEX 0), multicast hash on bits 47:36. */
	u32 rctl = HWL_RCTL_EN | HWL_RCTL_BAM;

	if (rx->max_frame > HWL_STD_FRAME)
		rctl |= HWL_RCTL_LPE;
	if (rx->promisc)
		rctl |= HWL_RCTL_UPE | HWL_RCTL_MPE;
	if (rx->allmulti)
		rctl |= HWL_RCTL_MPE;
	if (!rx->rx_fcs)
		rctl |= HWL_RCTL_SECRC;
	if (rx->rx_all)
		rctl |= HWL_RCTL_SBP | HWL_RCTL_PMCF;
	else if (rx->vlan_filter && !rx->promisc)
		rctl |= HWL_RCTL_VFE;
	return rctl;
}

/**
 * hwl_hw_rctl() - put the receive mode into force
 * @hw: the device
 *
 * Context: BH disabled, hw->lock held.
 */
void hwl_hw_rctl(struct hwl_hw *hw)
{
	lockdep_assert_held(&hw->lock);
	hwl_wr32(hw, HWL_RCTL, hwl_rctl_value(&hw->rx));
}

/**
 * hwl_hw_rx_mode() - set the receive mode of a running receiver
 * @hw: the device
 * @mode: the new mode
 *
 * RCTL is changed in place; the receiver stays enabled.
 *
 * Context: any but hard interrupt.
 */
void hwl_hw_rx_mode(struct hwl_hw *hw, const struct hwl_rx_mode *mode)
{
	spin_lock_bh(&hw->lock);
	hw->rx = *mode;
	hwl_hw_rctl(hw);
	spin_unlock_bh(&hw->lock);
}

/**
 * hwl_hw_rx_ring() - tell the device of a receive ring
 * @hw: the device
 * @q: queue
 * @ring: the ring
 *
 * Context: after reset, before hwl_hw_rx_start().
 */
void hwl_hw_rx_ring(struct hwl_hw *hw, int q, const struct hwl_ring_regs *ring)
{
	hwl_wr32(hw, HWL_RDBAL(q), lower_32_bits(ring->dma));
	hwl_wr32(hw, HWL_RDBAH(q), upper_32_bits(ring->dma));
	hwl_wr32(hw, HWL_RDLEN(q), ring->bytes);
	hwl_wr32(hw, HWL_RDH(q), 0);
	hwl_wr32(hw, HWL_RDT(q), 0);
	hwl_wr32(hw, HWL_RXDCTL(q), HWL_RXDCTL_VALUE);
}

/**
 * hwl_hw_rx_start() - enable the receiver
 * @hw: the device
 * @msix: MSI-X is in use
 *
 * Buffers are posted afterwards. QEMU latches the descriptor format when RCTL
 * is written, so RFCTL comes first.
 *
 * Context: process, after reset; rings and RSS tables are set.
 */
void hwl_hw_rx_start(struct hwl_hw *hw, bool msix)
{
	u32 rfctl = HWL_RFCTL_EXTEN | HWL_RFCTL_NFSW_DIS | HWL_RFCTL_NFSR_DIS;

	/* TCP ACKs raise spurious interrupts with MSI-X otherwise. */
	if (msix)
		rfctl |= HWL_RFCTL_ACK_DIS;

	hwl_wr32(hw, HWL_ERT, 0);
	hwl_wr32(hw, HWL_PSRCTL, 0);
	hwl_wr32(hw, HWL_RDTR, HWL_RDTR_VALUE);
	hwl_wr32(hw, HWL_RADV, HWL_RADV_VALUE);
	hwl_wr32(hw, HWL_RFCTL, rfctl);
	hwl_wr32(hw, HWL_RXCSUM, HWL_RXCSUM_IPOFL | HWL_RXCSUM_TUOFL |
				 HWL_RXCSUM_PCSD);
	hwl_wr32(hw, HWL_MRQC, HWL_MRQC_RSS_2Q |
			       HWL_MRQC_TCP_IPV4 | HWL_MRQC_IPV4 |
			       HWL_MRQC_TCP_IPV6EX | HWL_MRQC_IPV6EX |
			       HWL_MRQC_IPV6);

	spin_lock_bh(&hw->lock);
	hwl_hw_rctl(hw);
	spin_unlock_bh(&hw->lock);
}

/**
 * hwl_hw_set_rss() - write the hash key and the indirection table
 * @hw: the device
 * @key: HWL_RSSRK_BYTES bytes
 * @indir: HWL_RETA_ENTRIES queue numbers
 *
 * Frames under way are steered by the old or the new entry, never lost.
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

/* ---- Transmit ---- */

/**
 * hwl_hw_tx_ring() - tell the device of a transmit ring
 * @hw: the device
 * @q: queue
 * @ring: the ring
 *
 * Context: after reset, before hwl_hw_tx_start().
 */
void hwl_hw_tx_ring(struct hwl_hw *hw, int q, const struct hwl_ring_regs *ring)
{
	hwl_wr32(hw, HWL_TDBAL(q), lower_32_bits(ring->dma));
	hwl_wr32(hw, HWL_TDBAH(q), upper_32_bits(ring->dma));
	hwl_wr32(hw, HWL_TDLEN(q), ring->bytes);
	hwl_wr32(hw, HWL_TDH(q), 0);
	hwl_wr32(hw, HWL_TDT(q), 0);
}

/**
 * hwl_hw_tx_start() - set the transmitter up, still disabled
 * @hw: the device
 *
 * Thresholds are the same for both queues even where one is used (erratum),
 * and the arbitration bits are those for two queues: harmless with one.
 *
 * Context: process, after reset; rings are set.
 */
void hwl_hw_tx_start(struct hwl_hw *hw)
{
	u32 tarc = FIELD_PREP(HWL_TARC_COUNT, 3) | HWL_TARC_ENABLE |
		   HWL_TARC_MULTI7 | HWL_TARC_MULTI;

	hwl_wr32(hw, HWL_TIDV, HWL_TIDV_VALUE);
	hwl_wr32(hw, HWL_TADV, HWL_TADV_VALUE);
	hwl_wr32(hw, HWL_TXDCTL(0), HWL_TXDCTL_VALUE);
	hwl_wr32(hw, HWL_TXDCTL(1), HWL_TXDCTL_VALUE);
	hwl_wr32(hw, HWL_TARC(0), tarc | HWL_TARC_TXHANG);
	hwl_wr32(hw, HWL_TARC(1), tarc);
	hwl_wr32(hw, HWL_TIPG, HWL_TIPG_COPPER);
	hwl_wr32(hw, HWL_TCTL, HWL_TCTL_PSP | HWL_TCTL_RTLC | HWL_TCTL_MULR |
			       FIELD_PREP(HWL_TCTL_CT, 15) |
			       FIELD_PREP(HWL_TCTL_COLD, 0x3F));
}

/**
 * hwl_hw_tx_enable() - enable the transmitter
 * @hw: the device
 *
 * Context: process; the link is up.
 */
void hwl_hw_tx_enable(struct hwl_hw *hw)
{
	hwl_wr32(hw, HWL_TCTL, hwl_rd32(hw, HWL_TCTL) | HWL_TCTL_EN);
}

/* ---- Addresses and VLANs ---- */

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
 * refused in between.
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
 * hwl_hw_set_vlan() - let a VLAN through the filter, or no longer
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

/* ---- Flow control ---- */

/**
 * hwl_hw_set_pause() - set flow control
 * @hw: the device
 * @rx: obey the pause frames of the link partner
 * @tx: send pause frames when the receive FIFO fills
 *
 * Above the high watermark there is room for one more of the largest frames.
 *
 * Context: any but hard interrupt.
 */
void hwl_hw_set_pause(struct hwl_hw *hw, bool rx, bool tx)
{
	u32 high, low;

	high = min(HWL_RX_FIFO * 9U / 10, HWL_RX_FIFO - hw->rx.max_frame);
	high = round_down(high, 8);
	low = high - 8;

	hwl_wr32(hw, HWL_FCRTL, tx ? low | HWL_FCRTL_XONE : 0);
	hwl_wr32(hw, HWL_FCRTH, tx ? high : 0);
	hwl_hw_ctrl(hw, HWL_CTRL_RFCE | HWL_CTRL_TFCE,
		    (rx ? HWL_CTRL_RFCE : 0) | (tx ? HWL_CTRL_TFCE : 0));
}
