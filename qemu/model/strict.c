// SPDX-License-Identifier: GPL-2.0
/*
 * What a driver must not do. Each line names its source; each breach is
 * printed with register, value and time, and the totals at the end.
 */
#include <string.h>

#include "model.h"

static const struct {
	const char *name, *text, *source;
} table[OFFENCES] = {
	[OFF_RCTL_EN] = { "rctl-en",
		"RCTL.EN cleared with rings in use and DMA on, or set again without a reset between",
		"Linux 7f99ae633884: 82574 and 82583 must not disable the receiver" },
	[OFF_RESERVED] = { "reserved",
		"a reserved bit was set, or has the value that it must not have",
		"regmap.c; Linux, e1000_initialize_hw_bits_82571: CTRL.29, CTRL_EXT.22/23, TARC.30:27, TXDCTL.22" },
	[OFF_TXDCTL] = { "txdctl-unlike",
		"the transmitter runs with TXDCTL of the queues unlike",
		"Linux and FreeBSD: TXDCTL1 = TXDCTL0 even with one queue" },
	[OFF_RING_LIVE] = { "ring-live",
		"base, length, head or format of a ring written while the ring is in use",
		"datasheet order of initialisation; 8254x manual" },
	[OFF_TAIL_RANGE] = { "tail-range",
		"a tail beyond the ring", "8254x manual" },
	[OFF_TAIL_OWNER] = { "tail-owner",
		"a tail that hands over descriptors which the device still owns",
		"hardware owns from head up to tail" },
	[OFF_MDIO_OWNER] = { "mdio-owner",
		"MDIC, CTRL.RST or CTRL.PHY_RST written without EXTCNF_CTRL.5",
		"Linux, 82571.c: the hardware lock for the PHY; taken before a reset, at which it falls" },
	[OFF_NVM_OWNER] = { "nvm-owner",
		"EEWR written without EXTCNF_CTRL.5",
		"Linux, e1000_write_nvm_82571; it reads by EERD without" },
	[OFF_IN_RESET] = { "in-reset",
		"access between CTRL.RST and EECD.AUTO_RD",
		"Linux, e1000_reset_hw_82571: releases the lock, sets EE_RST, polls AUTO_RD" },
	[OFF_PHY_EARLY] = { "phy-early",
		"PHY or NVM access while the PHY reads its part of the NVM, or is in reset",
		"Linux: 25 ms after AUTO_RD, before either; the PHY 10 ms after CTRL.PHY_RST" },
	[OFF_BUSY] = { "busy",
		"MDIC, EERD, EEWR or EECD.FLUPD written before the last access has ended",
		"Linux, phy.c polls READY, nvm.c DONE; e1000_update_nvm_checksum_82571: FLUPD" },
	[OFF_PHY_RESET] = { "phy-reset",
		"CTRL.PHY_RST set for less than 100 us, or although MANC.18 forbids it",
		"Linux, e1000e_phy_hw_reset_generic, e1000e_check_reset_block_generic" },
	[OFF_CONTEXT] = { "context",
		"an offload by a context that the other queue has loaded, or none",
		"82574 datasheet 7.2.6 by FreeBSD's em_txrx.c: one context for both" },
	[OFF_DMA] = { "dma",
		"DMA outside of what is mapped",
		"PCI Express: an unsupported request" },
	[OFF_DESC_CHANGED] = { "desc-changed",
		"a descriptor was changed after it was handed over",
		"the device may have fetched it already" },
	[OFF_DESC_DD] = { "desc-dd",
		"a receive descriptor was handed over with DD set",
		"extended descriptor, bit 0 of the second quadword must be 0" },
	[OFF_TSO] = { "tso",
		"segmentation by fields that the hardware does not take",
		"82583V datasheet: HDRLEN < 256, headers in one buffer, MSS > 16, segment within the FIFO, PAYLEN is what follows" },
	[OFF_SHORT] = { "short",
		"a frame of less than 17 bytes, or, without TCTL.PSP, 60",
		"Linux, e1000_xmit_frame: pads below 17, hardware does not; IEEE 802.3: 64 with FCS" },
	[OFF_TX_BIG] = { "tx-big",
		"a frame that does not fit the transmit packet buffer",
		"82583V datasheet: FIFO - 80" },
	[OFF_RSS] = { "rss",
		"RSS without RXCSUM.PCSD or RFCTL.EXTEN",
		"FreeBSD, if_em.c" },
	[OFF_RING_SIZE] = { "ring-size",
		"a ring of less than 64 or more than 4096 descriptors, or not aligned",
		"Linux, e1000.h: E1000_MIN_RXD and E1000_MAX_RXD; datasheet: base 16 bytes, length 128" },
	[OFF_RAR] = { "rar",
		"the last receive address, which is manageability's, or an address that selects by source",
		"Linux, e1000_82571.h: 15 entries; RAH.AS 0" },
	[OFF_IVAR] = { "ivar",
		"a cause by a vector that the board's MSI-X table does not have",
		"FreeBSD, if_em.c: NVM word 0x1B" },
	[OFF_PAUSE] = { "pause-half",
		"the transmitter runs with TFCE or RFCE and a link of half duplex",
		"Linux, e1000e_config_fc_after_link_up" },
	[OFF_FORCED] = { "forced",
		"the transmitter runs with a speed or duplex that CTRL forces, and the link has another",
		"Linux, e1000e_phy_force_speed_duplex_setup: MAC and PHY alike" },
	[OFF_HALF_GIGABIT] = { "half-gigabit",
		"1000 Mb/s with half duplex is offered",
		"Linux, e1000_phy_setup_autoneg: not supported" },
	[OFF_SLEEP] = { "sleep",
		"D3 with DRV_LOAD set, or with rings in use by a bus master",
		"Linux, __e1000_shutdown" },
	[OFF_SPLIT] = { "split",
		"split descriptors without RFCTL.EXTEN, without a size in PSRCTL, or half of one",
		"Linux, e1000_setup_rctl; QEMU, e1000e_core.c: BSIZE0 and BSIZE1; tail: datasheet 7.1.8" },
	[OFF_UNKNOWN] = { "unknown",
		"access to a register that the device does not have, or a write of other than a dword",
		"the register map" },
	[OFF_ICR_MASKED] = { "icr-masked",
		"ICR read under MSI-X with causes set but INT_ASSERTED clear",
		"Linux 116f4a640b31: erratum 12, such a read may lose causes" },
	[OFF_EIAC_OTHER] = { "eiac-other",
		"OTHER in EIAC", "Linux 745d0bd3af99" },
	[OFF_IAM] = { "iam",
		"queue causes enabled under MSI-X without EIAME, with IAME, or missing in IAM",
		"Linux 0a8047ac68e5: auto-mask does not work then; with IAME reads of ICR mask" },
	[OFF_TIDV] = { "tidv",
		"TXDCTL.WTHRESH above 0 with TIDV 0",
		"82583V datasheet: write-backs may wait for good" },
	[OFF_WTHRESH] = { "wthresh",
		"TXDCTL.WTHRESH of more than one descriptor: completions wait for more of them",
		"Linux 8edc0e624db3: set to 1, it held them for seconds" },
	[OFF_RAR_FLUSH] = { "rar-flush",
		"words of receive addresses written one behind the other without a read between",
		"Linux, e1000e_rar_set_generic: bridges merge them" },
	[OFF_IFCS] = { "ifcs",
		"a frame without IFCS: nobody made its FCS", "8254x manual" },
	[OFF_TSO_TAIL] = { "tso-tail",
		"with early-dd on: the last descriptor of a TSO packet has more than 4 bytes, or the first the headers alone",
		"FreeBSD, em_txrx.c: DD may come before the data is read; Linux, e1000_tso()" },
	[OFF_TDESC] = { "tx-desc",
		"a transmit descriptor of no known kind, or out of order",
		"8254x manual" },
	[OFF_GCR] = { "gcr",
		"the transmitter runs with GCR.22, GCR.27 or GCR2.0 clear, or no-snoop on",
		"Linux and FreeBSD, e1000_initialize_hw_bits_82571, e1000_init_hw_82571" },
	[OFF_TARC] = { "tarc",
		"TARC0.26 clear, or two queues without TARC 7 and 26:23 in both and TCTL.MULR",
		"Linux d6cb17d5f801; FreeBSD, em_initialize_transmit_unit()" },
	[OFF_NVM_AUPDEN] = { "nvm-aupden",
		"EEWR written with EECD.AUPDEN set: the flash follows by itself",
		"Linux, e1000_init_nvm_params_82571: flash update issue" },
	[OFF_RESET_DMA] = { "reset-dma",
		"CTRL.RST while rings are in use and STATUS.19 has not fallen",
		"Linux, e1000e_disable_pcie_master: no request may be pending then" },
};

static u32 counts[OFFENCES], shown[OFFENCES];

/* So many of a kind are printed, until somebody begins anew; all are counted. */
#define SHOWN	20

void strict_begin(void)
{
	memset(shown, 0, sizeof(shown));
}

void offend(struct dev *dev, enum offence what, u32 off, u32 value)
{
	dev->offences++;
	counts[what]++;
	if (shown[what]++ >= SHOWN)
		return;
	note(dev, "OFFENCE %s: %s: %s (0x%05x) value 0x%08x", table[what].name,
	     table[what].text, what == OFF_DMA ? "address" : reg_name(off), off, value);
}

/* The transmitter is enabled, or goes on with what has changed. */
void strict_tx_on(struct dev *dev)
{
	u32 xdctl = rd(dev, TXDCTL(0)), status;

	dev->strict_due = false;
	if (xdctl != rd(dev, TXDCTL(1)))
		offend(dev, OFF_TXDCTL, TXDCTL(1), rd(dev, TXDCTL(1)));
	if (!(xdctl & TXDCTL_RSVD22))
		offend(dev, OFF_RESERVED, TXDCTL(0), xdctl);
	if (XDCTL_WTHRESH(xdctl) && !rd(dev, TIDV))
		offend(dev, OFF_TIDV, TIDV, xdctl);
	if (xdctl_wthresh(xdctl) > 1)
		offend(dev, OFF_WTHRESH, TXDCTL(0), xdctl);
	status = status_read(dev, STATUS);
	if (status & STATUS_LU && !(status & STATUS_FD) && rd(dev, CTRL) & (CTRL_TFCE | CTRL_RFCE))
		offend(dev, OFF_PAUSE, CTRL, rd(dev, CTRL));
	if (mac_mismatch(dev) || (dev->phy.link && !(status & STATUS_FD) == dev->phy.duplex))
		offend(dev, OFF_FORCED, CTRL, rd(dev, CTRL));
	if (rd(dev, CTRL) & CTRL_RSVD29)
		offend(dev, OFF_RESERVED, CTRL, rd(dev, CTRL));
	if (errata_ctrl_ext_wrong(dev))
		offend(dev, OFF_RESERVED, CTRL_EXT, rd(dev, CTRL_EXT));
	/* Linux mends those of queue 0 alone. */
	if (rd(dev, TARC(0)) & TARC_RSVD)
		offend(dev, OFF_RESERVED, TARC(0), rd(dev, TARC(0)));
	if (!(rd(dev, TARC(0)) & TARC_TXHANG))
		offend(dev, OFF_TARC, TARC(0), rd(dev, TARC(0)));
	if ((rd(dev, GCR) & (GCR_MUST | GCR_NO_SNOOP)) != GCR_MUST)
		offend(dev, OFF_GCR, GCR, rd(dev, GCR));
	if (!(rd(dev, GCR2) & GCR2_RSVD0))
		offend(dev, OFF_GCR, GCR2, rd(dev, GCR2));
}

/* The receiver is enabled, or goes on with what has changed. */
void strict_rx_on(struct dev *dev)
{
	bool extended = rd(dev, RFCTL) & RFCTL_EXTEN;
	u32 psrctl = rd(dev, PSRCTL), i;

	dev->strict_rx_due = false;
	for (i = 0; i < RAR_ENTRIES; i++)
		if (rd(dev, RAH(i)) & RAH_AV && rd(dev, RAH(i)) & RAH_AS)
			offend(dev, OFF_RAR, RAH(i), rd(dev, RAH(i)));
	if ((rd(dev, MRQC) & 3) == 1 && (!extended || !(rd(dev, RXCSUM) & RXCSUM_PCSD)))
		offend(dev, OFF_RSS, MRQC, rd(dev, MRQC));
	if (RCTL_DTYP(rd(dev, RCTL)) != 1)
		return;
	if (!extended)
		offend(dev, OFF_SPLIT, RFCTL, rd(dev, RFCTL));
	if (PSRCTL_BSIZE0(psrctl) == 0 || PSRCTL_BSIZE(psrctl, 1) == 0)
		offend(dev, OFF_SPLIT, PSRCTL, psrctl);
}

/* What was set up has changed while its unit is on: see strict_tail(). */
void strict_written(struct dev *dev, u32 off)
{
	static const u32 tx[] = { TXDCTL(0), TXDCTL(1), TARC(0), CTRL, CTRL_EXT, GCR, GCR2, TIDV };
	static const u32 rx[] = { RCTL, RFCTL, RXCSUM, MRQC, PSRCTL };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tx) && rd(dev, TCTL) & TCTL_EN; i++)
		dev->strict_due |= off == tx[i];
	for (i = 0; i < ARRAY_SIZE(rx) && rd(dev, RCTL) & RCTL_EN; i++)
		dev->strict_rx_due |= off == rx[i] || (off >= RAL(0) && off < RAL(RAR_ENTRIES));
}

/* More is to be sent or received, with what is set up by now. */
void strict_tail(struct dev *dev, bool tx)
{
	if (tx && dev->strict_due && rd(dev, TCTL) & TCTL_EN)
		strict_tx_on(dev);
	if (!tx && dev->strict_rx_due && rd(dev, RCTL) & RCTL_EN)
		strict_rx_on(dev);
}

void strict_summary(struct dev *dev)
{
	int i;

	for (i = 0; i < OFFENCES; i++)
		if (counts[i])
			note(dev, "offences %s: %u (%s)", table[i].name, counts[i],
			     table[i].source);
	note(dev, "offences in all: %u", dev->offences);
}
