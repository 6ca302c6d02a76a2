// SPDX-License-Identifier: GPL-2.0
/*
 * The MAC: reset, set-up and ring registers; its tables are in hwl_hw_tables.c.
 *
 * Accesses registers only: no netdev, no buffer. State that a reset clears is
 * shadowed in struct hwl_hw (receive mode, multicast and VLAN tables) or
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
#include "hwl_nvm.h"

/* Thresholds in descriptors.
 *
 * Transmit: with WTHRESH 0 a descriptor is written back at once if it has RS,
 * and not at all otherwise (82583V datasheet 7.2.4.2; DPDK and NetBSD use 0 on
 * this part). From 1 on the device ignores RS, and descriptors below the
 * threshold wait for TIDV and TADV, which are not documented to serve the
 * second queue.
 *
 * Receive: the corresponding timers are disabled, so WTHRESH is 1 and batches
 * nothing (NetBSD).
 */
#define HWL_TXDCTL_VALUE	(FIELD_PREP(HWL_XDCTL_PTHRESH, 31) | \
				 FIELD_PREP(HWL_XDCTL_HTHRESH, 1) | \
				 FIELD_PREP(HWL_XDCTL_WTHRESH, 0) | \
				 HWL_XDCTL_GRAN | HWL_TXDCTL_RSVD22)
#define HWL_RXDCTL_VALUE	(FIELD_PREP(HWL_XDCTL_PTHRESH, 32) | \
				 FIELD_PREP(HWL_XDCTL_HTHRESH, 4) | \
				 FIELD_PREP(HWL_XDCTL_WTHRESH, 1) | \
				 HWL_XDCTL_GRAN)

/* Write-back timers, 1.024 us. Those of transmit count for descriptors with
 * IDE only, of which there are none; but 0 is not allowed (SDM 13.4.41). Those
 * of receive are off: there is one pair for two queues, and Intel advises
 * against them (SDM 13.4.30). EITR and ITR moderate.
 */
#define HWL_TIDV_VALUE		8
#define HWL_TADV_VALUE		32

/* Time for the transmitter to finish its frame (Linux, e1000e_down()). */
#define HWL_TX_STOP_US		(10 * USEC_PER_MSEC)
/* Extra time for DMA if master disable timed out before the reset. */
#define HWL_DMA_LATE_US		(10 * USEC_PER_MSEC)
/* No register is read within this time after CTRL.RST. */
#define HWL_RST_QUIET_US	USEC_PER_MSEC
/* Timeout for the device to respond, and for it to read the NVM. */
#define HWL_RST_US		(20 * USEC_PER_MSEC)
/* The PHY's part of the NVM is read only after AUTO_RD. */
#define HWL_PHY_CONFIG_US	(25 * USEC_PER_MSEC)

/* Pause frames ask for this time, in units of 512 bit times. */
#define HWL_PAUSE_TIME		0x0680

/* Not fsleep(), which may take a quarter more: no packet passes meanwhile. */
static void hwl_hw_sleep(unsigned long usecs)
{
	usleep_range(usecs, usecs + USEC_PER_MSEC);
}

/**
 * hwl_hw_bus_quiesce() - end DMA, until the next reset
 * @hw: the device
 *
 * Context: process; may sleep.
 * Return: 0, or -ETIMEDOUT when a DMA access is still under way.
 */
int hwl_hw_bus_quiesce(struct hwl_hw *hw)
{
	u32 status;
	int err;

	hwl_hw_ctrl(hw, 0, HWL_CTRL_GIO_MASTER_DISABLE);
	err = read_poll_timeout(hwl_rd32, status,
				!(status & HWL_STATUS_GIO_MASTER_ENABLE),
				100, 80 * USEC_PER_MSEC, false, hw, HWL_STATUS);
	if (err && !hwl_removed(hw))
		dev_dbg(hw->dev, "PCIe master disable timed out\n");
	return err;
}

/**
 * hwl_hw_stop() - stop interrupts, transmitter, DMA and receiver
 * @hw: the device
 *
 * The order is that of Linux: the transmitter first, with time to finish its
 * frame, then DMA, then the receiver, which DMA has left: nothing is waited for.
 * RCTL.EN must not be cleared at run time on the 82574: a reset follows always.
 *
 * Context: process; may sleep, about 10 ms.
 */
void hwl_hw_stop(struct hwl_hw *hw)
{
	hwl_wr32(hw, HWL_IMC, HWL_INT_ALL);
	hwl_wr32(hw, HWL_TCTL, hwl_rd32(hw, HWL_TCTL) & ~HWL_TCTL_EN);
	hwl_flush(hw);
	hwl_hw_sleep(HWL_TX_STOP_US);

	if (hwl_hw_bus_quiesce(hw))
		hwl_hw_sleep(HWL_DMA_LATE_US);
	hwl_wr32(hw, HWL_RCTL, 0);
	hwl_flush(hw);
}

/*
 * Wait until registers can be read again. Until then a read may give all ones,
 * which must not count as a removal: so it is made by readl().
 */
static int hwl_hw_answers(struct hwl_hw *hw)
{
	u32 status;

	hwl_hw_sleep(HWL_RST_QUIET_US);
	if (!read_poll_timeout(readl, status, status != ~0U, 100, HWL_RST_US,
			       false, hw->bar + HWL_STATUS))
		return 0;
	/* Detects a removal, or an answer that was late. */
	hwl_flush(hw);
	return hwl_removed(hw) ? -ENODEV : 0;
}

/* Wait until device and PHY have read the NVM. @owned: both are still ours. */
static int hwl_hw_reset_done(struct hwl_hw *hw, bool owned)
{
	u32 eecd;
	int err;

	err = hwl_hw_answers(hw);
	if (owned)
		hwl_swfw_disown(hw);
	if (err)
		return err;

	if (hw->nvm_flash) {
		hwl_hw_ctrl_ext(hw, 0, HWL_CTRL_EXT_EE_RST);
		hwl_flush(hw);
	}
	err = read_poll_timeout(hwl_rd32, eecd, eecd & HWL_EECD_AUTO_RD,
				USEC_PER_MSEC, HWL_RST_US, false, hw, HWL_EECD);
	if (hwl_removed(hw))
		return -ENODEV;
	if (err)
		return err;
	if (hw->nvm_flash)
		hwl_nvm_no_autoupdate(hw, eecd);
	hwl_hw_sleep(HWL_PHY_CONFIG_US);
	return 0;
}

static int hwl_hw_reset_locked(struct hwl_hw *hw)
{
	int err;

	/* Firmware must not be in the middle of an MDIO access. */
	err = hwl_swfw_own(hw);
	if (err == -ENODEV)
		return err;
	hwl_clock_hold(hw);
	hwl_hw_ctrl(hw, 0, HWL_CTRL_RST);
	err = hwl_hw_reset_done(hw, !err);
	if (err && err != -ENODEV)
		dev_err(hw->dev, "NVM was not read after the reset\n");
	return err;
}

/**
 * hwl_hw_reset() - reset the MAC
 * @hw: the device; hwl_hw_stop() was called
 *
 * The PHY is not reset, so the link stays up if the silicon allows it; and the clock
 * goes on as if it had not been. Who else wants PHY or NVM waits until it is over.
 *
 * Context: process; may sleep, about 30 ms; takes hw->sw_mutex.
 * Return: 0; -ENODEV if the device was removed; -ETIMEDOUT if it does not
 * recover, after which it must not be accessed.
 */
int hwl_hw_reset(struct hwl_hw *hw)
{
	int err;

	/* Survives the reset and must be set before it. */
	hwl_wr32(hw, HWL_PBA, FIELD_PREP(HWL_PBA_RXA, HWL_RX_FIFO / 1024));

	mutex_lock(&hw->sw_mutex);
	err = hwl_hw_reset_locked(hw);
	mutex_unlock(&hw->sw_mutex);
	if (err)
		return err;

	hwl_wr32(hw, HWL_IMC, HWL_INT_ALL);
	hwl_rd32(hw, HWL_ICR);
	if (hwl_removed(hw))
		return -ENODEV;
	hwl_clock_resume(hw);
	return 0;
}

/**
 * hwl_hw_pci_reset_begin() - PCI is about to reset the function
 * @hw: the device; its data path is stopped
 *
 * Context: process; takes hw->sw_mutex until hwl_hw_pci_reset_end().
 */
void hwl_hw_pci_reset_begin(struct hwl_hw *hw)
{
	mutex_lock(&hw->sw_mutex);
}

/**
 * hwl_hw_pci_reset_end() - wait until the function has come out of its reset
 * @hw: the device
 *
 * hwl_hw_reset() is to follow, and tells what is wrong. Until here reads returned ones.
 *
 * Context: process; may sleep, about 30 ms; gives hw->sw_mutex back.
 */
void hwl_hw_pci_reset_end(struct hwl_hw *hw)
{
	WRITE_ONCE(hw->removed, false);
	hwl_hw_reset_done(hw, false);
	mutex_unlock(&hw->sw_mutex);
}

/**
 * hwl_hw_init() - set the MAC up after a reset
 * @hw: the device
 *
 * Covers what depends on neither queues nor link. Tables are restored from
 * their shadows.
 *
 * Context: process, after hwl_hw_reset().
 */
void hwl_hw_init(struct hwl_hw *hw)
{
	/* ASPM and completion errata; no-snoop stays off. */
	hwl_wr32(hw, HWL_GCR, (hwl_rd32(hw, HWL_GCR) & ~HWL_GCR_NO_SNOOP) |
			      HWL_GCR_ASPM22 | HWL_GCR_L1_NO_L0S_RX);
	hwl_wr32(hw, HWL_GCR2, hwl_rd32(hw, HWL_GCR2) | HWL_GCR2_FIX);

	hwl_hw_ctrl_ext(hw, HWL_CTRL_EXT_RSVD23,
			HWL_CTRL_EXT_RSVD22 | HWL_CTRL_EXT_DRV_LOAD);
	hwl_hw_ctrl(hw, HWL_CTRL_ASDE, HWL_CTRL_SLU);

	hwl_wr32(hw, HWL_WUC, 0);
	hwl_wr32(hw, HWL_AIT, 0);
	/* QEMU leaves 0 here after a reset; the VLAN EtherType is ours to set. */
	hwl_wr32(hw, HWL_VET, ETH_P_8021Q);

	hwl_hw_init_tables(hw);

	/* Pause frames: address, EtherType and the time that they ask for. */
	hwl_wr32(hw, HWL_FCAL, 0x00C28001);
	hwl_wr32(hw, HWL_FCAH, 0x0100);
	hwl_wr32(hw, HWL_FCT, ETH_P_PAUSE);
	hwl_wr32(hw, HWL_FCTTV, HWL_PAUSE_TIME);
	hwl_flush(hw);
}

/**
 * hwl_hw_release() - clear DRV_LOAD: firmware controls the device
 * @hw: the device; its data path is stopped
 *
 * hwl_hw_init() sets it.
 *
 * Context: process.
 */
void hwl_hw_release(struct hwl_hw *hw)
{
	hwl_hw_ctrl_ext(hw, HWL_CTRL_EXT_DRV_LOAD, 0);
}

/**
 * hwl_hw_ctrl() - change bits of CTRL
 * @hw: the device
 * @mask: bits to clear
 * @set: bits to set
 *
 * A reserved bit that may come up set is cleared by each write.
 *
 * Context: any but hard interrupt.
 */
void hwl_hw_ctrl(struct hwl_hw *hw, u32 mask, u32 set)
{
	mask |= HWL_CTRL_RSVD29;
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
 * hwl_hw_rctl() - program RCTL from the receive mode
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
 * RCTL is changed in place, and only if it changes; the receiver stays enabled.
 *
 * Context: any but hard interrupt.
 */
void hwl_hw_rx_mode(struct hwl_hw *hw, const struct hwl_rx_mode *mode)
{
	u32 old;

	spin_lock_bh(&hw->lock);
	old = hwl_rctl_value(&hw->rx);
	hw->rx = *mode;
	if (hwl_rctl_value(mode) != old)
		hwl_hw_rctl(hw);
	spin_unlock_bh(&hw->lock);
}

/**
 * hwl_hw_rx_ring() - program the registers of a receive ring
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

	hwl_wr32(hw, HWL_PSRCTL, 0);
	hwl_wr32(hw, HWL_RDTR, 0);
	hwl_wr32(hw, HWL_RADV, 0);
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

/* ---- Transmit ---- */

/**
 * hwl_hw_tx_ring() - program the registers of a transmit ring
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
 * @pairs: queues in use
 *
 * Thresholds are the same for both queues even if one is used (erratum).
 * The arbiter is set as FreeBSD sets it (em_initialize_transmit_unit()): what
 * makes it fair between two queues in both registers, and only with two; the
 * cure for a full internal buffer always. With one queue TARC1 stays as the
 * reset has left it, as it does in Linux.
 *
 * TCTL.MULR is no matter of queues: it allows several requests for data at a
 * time, and FreeBSD sets it with one queue, too.
 *
 * Context: process, after reset; rings are set.
 */
void hwl_hw_tx_start(struct hwl_hw *hw, u32 pairs)
{
	u32 tarc = FIELD_PREP(HWL_TARC_COUNT, 3) | HWL_TARC_ENABLE |
		   HWL_TARC_TXHANG;

	hwl_wr32(hw, HWL_TIDV, HWL_TIDV_VALUE);
	hwl_wr32(hw, HWL_TADV, HWL_TADV_VALUE);
	hwl_wr32(hw, HWL_TXDCTL(0), HWL_TXDCTL_VALUE);
	hwl_wr32(hw, HWL_TXDCTL(1), HWL_TXDCTL_VALUE);
	if (pairs > 1) {
		tarc |= HWL_TARC_MULTI7 | HWL_TARC_MULTI;
		hwl_wr32(hw, HWL_TARC(1), tarc);
	}
	hwl_wr32(hw, HWL_TARC(0), tarc);
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

/**
 * hwl_hw_tx_paused() - check whether the link partner has paused us
 * @hw: the device
 *
 * Context: any.
 * Return: true if so, or if the device was removed.
 */
bool hwl_hw_tx_paused(struct hwl_hw *hw)
{
	return hwl_rd32(hw, HWL_STATUS) & HWL_STATUS_TXOFF;
}

/**
 * hwl_hw_write_back() - flush pending descriptor write-backs
 * @hw: the device
 *
 * Twice, since the first may be missed (Linux); PCI keeps the order of the
 * writes. Nothing is read: QEMU returns 0 for TIDV, which would be written back.
 *
 * Context: any.
 */
void hwl_hw_write_back(struct hwl_hw *hw)
{
	int i;

	for (i = 0; i < 2; i++) {
		hwl_wr32(hw, HWL_TIDV, HWL_TIDV_VALUE | HWL_TIDV_FPD);
		hwl_wr32(hw, HWL_RDTR, HWL_RDTR_FPD);
	}
}

/* ---- Flow control ---- */

/**
 * hwl_hw_set_pause() - set flow control
 * @hw: the device
 * @rx: honour the pause frames of the link partner
 * @tx: send pause frames when the receive FIFO fills
 *
 * Above the high watermark there is space for one more maximum-size frame.
 * Safe under traffic: the MAC handles pause frames between frames.
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
