/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The MAC: reset, set-up, tables and ring registers.
 */
#ifndef HWL_HW_H
#define HWL_HW_H

#include <linux/if_ether.h>
#include <linux/if_vlan.h>

#include "hwl_io.h"

/* Largest frame with FCS, and what stands around an IP packet on the wire. */
#define HWL_MAX_FRAME		9234
#define HWL_FRAME_OVERHEAD	(ETH_HLEN + VLAN_HLEN + ETH_FCS_LEN)
#define HWL_MAX_MTU		(HWL_MAX_FRAME - HWL_FRAME_OVERHEAD)

/* Largest frame that the MAC accepts without RCTL.LPE, with tag and FCS. */
#define HWL_STD_FRAME		1522

/* Bytes that the device may write to one receive buffer (RCTL.BSIZE 0). */
#define HWL_RX_BUF_LEN		2048

/*
 * The packet buffer of 40 KiB, halved: room for two of the largest frames on
 * either side, so that an MTU change needs no new split, which only a reset
 * could put into force. FreeBSD runs the 82574 the same way.
 */
#define HWL_RX_FIFO		(20 * 1024)
#define HWL_TX_FIFO		(20 * 1024)

/**
 * struct hwl_ring_regs - what the device must know of a ring
 * @dma: address of the first descriptor
 * @bytes: size of the descriptor memory
 */
struct hwl_ring_regs {
	dma_addr_t dma;
	u32 bytes;
};

int hwl_hw_reset(struct hwl_hw *hw);
void hwl_hw_pci_reset_begin(struct hwl_hw *hw);
void hwl_hw_pci_reset_end(struct hwl_hw *hw);
void hwl_hw_init(struct hwl_hw *hw);
int hwl_hw_bus_quiesce(struct hwl_hw *hw);
void hwl_hw_stop(struct hwl_hw *hw);
void hwl_hw_release(struct hwl_hw *hw);
void hwl_hw_set_pause(struct hwl_hw *hw, bool rx, bool tx);

void hwl_hw_ctrl(struct hwl_hw *hw, u32 mask, u32 set);
void hwl_hw_ctrl_ext(struct hwl_hw *hw, u32 mask, u32 set);

void hwl_hw_rctl(struct hwl_hw *hw);
void hwl_hw_rx_mode(struct hwl_hw *hw, const struct hwl_rx_mode *mode);
void hwl_hw_rx_start(struct hwl_hw *hw, bool msix);
void hwl_hw_tx_start(struct hwl_hw *hw, u32 pairs);
void hwl_hw_tx_enable(struct hwl_hw *hw);
bool hwl_hw_tx_paused(struct hwl_hw *hw);
void hwl_hw_write_back(struct hwl_hw *hw);
void hwl_hw_rx_ring(struct hwl_hw *hw, int q, const struct hwl_ring_regs *ring);
void hwl_hw_tx_ring(struct hwl_hw *hw, int q, const struct hwl_ring_regs *ring);

/* hwl_hw_tables.c */
void hwl_hw_init_tables(struct hwl_hw *hw);
void hwl_hw_get_mac(struct hwl_hw *hw, u8 *addr);
void hwl_hw_set_rar(struct hwl_hw *hw, int i, const u8 *addr);
u32 hwl_hw_mta_hash(const u8 *addr);
void hwl_hw_write_mta(struct hwl_hw *hw, const u32 *mta);
void hwl_hw_set_vlan(struct hwl_hw *hw, u16 vid, bool on, bool live);
void hwl_hw_set_rss(struct hwl_hw *hw, const u8 *key, const u8 *indir);

#endif /* HWL_HW_H */
