/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Register map of the Intel 82574L: offsets, each followed by its fields.
 *
 * Pure: this header depends on bit macros alone, so that the unit tests build
 * it on the host. Names are those of the datasheet. Registers are 32 bits
 * wide and little-endian; 'n' is a queue number (0 or 1), 'v' a vector.
 */
#ifndef HWL_REGS_H
#define HWL_REGS_H

#include <linux/bits.h>

#define HWL_BAR_CSR			0	/* memory BAR with the registers */
#define HWL_BAR_CSR_LEN			0x20000	/* 128 KiB */
#define HWL_BAR_MSIX			3	/* MSI-X table, owned by the PCI core */

/* ---- Device control ---- */

#define HWL_CTRL			0x0000
#define  HWL_CTRL_FD			BIT(0)
#define  HWL_CTRL_GIO_MASTER_DISABLE	BIT(2)
#define  HWL_CTRL_ASDE			BIT(5)
#define  HWL_CTRL_SLU			BIT(6)
#define  HWL_CTRL_SPD			GENMASK(9, 8)
#define  HWL_CTRL_FRCSPD		BIT(11)
#define  HWL_CTRL_FRCDPX		BIT(12)
#define  HWL_CTRL_ADVD3WUC		BIT(20)
#define  HWL_CTRL_EN_PHY_PWR_MGMT	BIT(21)
#define  HWL_CTRL_RST			BIT(26)
#define  HWL_CTRL_RFCE			BIT(27)
#define  HWL_CTRL_TFCE			BIT(28)
#define  HWL_CTRL_RSVD29		BIT(29)	/* must be written as 0 */
#define  HWL_CTRL_VME			BIT(30)	/* VLAN strip *and* insert */
#define  HWL_CTRL_PHY_RST		BIT(31)

#define HWL_STATUS			0x0008
#define  HWL_STATUS_FD			BIT(0)
#define  HWL_STATUS_LU			BIT(1)
#define  HWL_STATUS_TXOFF		BIT(4)	/* paused by the link partner */
#define  HWL_STATUS_SPEED		GENMASK(7, 6)
#define  HWL_STATUS_GIO_MASTER_ENABLE	BIT(19)

/* Encoding of CTRL.SPD and STATUS.SPEED; 3 means 1000 as well. */
enum hwl_speed {
	HWL_SPEED_10	= 0,
	HWL_SPEED_100	= 1,
	HWL_SPEED_1000	= 2,
};

#define HWL_EECD			0x0010
#define  HWL_EECD_AUTO_RD		BIT(9)
#define  HWL_EECD_SIZE_EX		GENMASK(14, 11)
#define  HWL_EECD_NVADDS		GENMASK(16, 15)
#define  HWL_EECD_NVADDS_FLASH		3
#define  HWL_EECD_FLUPD			BIT(19)
#define  HWL_EECD_AUPDEN		BIT(20)

#define HWL_EERD			0x0014
#define HWL_EEWR			0x102C	/* same layout */
#define  HWL_EERD_START			BIT(0)
#define  HWL_EERD_DONE			BIT(1)
#define  HWL_EERD_ADDR			GENMASK(15, 2)
#define  HWL_EERD_DATA			GENMASK(31, 16)

#define HWL_CTRL_EXT			0x0018
#define  HWL_CTRL_EXT_EE_RST		BIT(13)
#define  HWL_CTRL_EXT_RO_DIS		BIT(17)
#define  HWL_CTRL_EXT_RSVD22		BIT(22)	/* must be written as 1 */
#define  HWL_CTRL_EXT_RSVD23		BIT(23)	/* must be written as 0 */
#define  HWL_CTRL_EXT_EIAME		BIT(24)
#define  HWL_CTRL_EXT_IAME		BIT(27)
#define  HWL_CTRL_EXT_DRV_LOAD		BIT(28)
#define  HWL_CTRL_EXT_PBA_CLR		BIT(31)

#define HWL_MDIC			0x0020
#define  HWL_MDIC_DATA			GENMASK(15, 0)
#define  HWL_MDIC_REG			GENMASK(20, 16)
#define  HWL_MDIC_PHY			GENMASK(25, 21)
#define  HWL_MDIC_OP			GENMASK(27, 26)
#define  HWL_MDIC_OP_WRITE		1
#define  HWL_MDIC_OP_READ		2
#define  HWL_MDIC_READY			BIT(28)
#define  HWL_MDIC_ERROR			BIT(30)

#define HWL_FCAL			0x0028
#define HWL_FCAH			0x002C
#define HWL_FCT				0x0030
#define HWL_VET				0x0038
#define HWL_LEDCTL			0x0E00	/* a byte for each of four LEDs */
#define  HWL_LED_MODE_ON		0x0E
#define  HWL_LED_MODE_OFF		0x0F
#define  HWL_LED_IVRT			0x40
#define  HWL_LED_MASK			0xFFU

#define HWL_EXTCNF_CTRL			0x0F00
#define  HWL_EXTCNF_CTRL_MDIO_SW	BIT(5)	/* software owns PHY and NVM */

#define HWL_PBA				0x1000
#define  HWL_PBA_RXA			GENMASK(15, 0)	/* KiB for receive */

#define HWL_FLOP			0x103C
#define  HWL_FLOP_ERASE			GENMASK(15, 8)
#define  HWL_FLOP_ERASE_STM		0xDB
#define HWL_HICR			0x8F00
#define  HWL_HICR_FW_RESET_EN		BIT(6)
#define  HWL_HICR_FW_RESET		BIT(7)

/* ---- Interrupts ---- */

#define HWL_ICR				0x00C0
#define HWL_ITR				0x00C4
#define HWL_ICS				0x00C8
#define HWL_IMS				0x00D0
#define HWL_IMC				0x00D8
#define  HWL_INT_TXDW			BIT(0)
#define  HWL_INT_TXQE			BIT(1)
#define  HWL_INT_LSC			BIT(2)
#define  HWL_INT_RXSEQ			BIT(3)
#define  HWL_INT_RXDMT0			BIT(4)
#define  HWL_INT_RXO			BIT(6)
#define  HWL_INT_RXT0			BIT(7)
#define  HWL_INT_MDAC			BIT(9)
#define  HWL_INT_SRPD			BIT(16)
#define  HWL_INT_ACK			BIT(17)
#define  HWL_INT_MNG			BIT(18)
#define  HWL_INT_RXQ(n)			BIT(20 + (n))
#define  HWL_INT_TXQ(n)			BIT(22 + (n))
#define  HWL_INT_OTHER			BIT(24)
#define  HWL_INT_ASSERTED		BIT(31)
#define  HWL_INT_QUEUES			GENMASK(23, 20)
#define  HWL_INT_ALL			GENMASK(31, 0)

#define HWL_EIAC			0x00DC
#define HWL_IAM				0x00E0

#define HWL_IVAR			0x00E4
#define  HWL_IVAR_VALID			BIT(3)
#define  HWL_IVAR_RXQ_SHIFT(n)		(4 * (n))
#define  HWL_IVAR_TXQ_SHIFT(n)		(8 + 4 * (n))
#define  HWL_IVAR_OTHER_SHIFT		16
#define  HWL_IVAR_TX_INT_EVERY_WB	BIT(31)	/* else: with RS only */

#define HWL_EITR(v)			(0x00E8 + 4 * (v))
#define  HWL_EITR_INTERVAL		GENMASK(15, 0)	/* units of 256 ns */

/* ---- Receive ---- */

#define HWL_RCTL			0x0100
#define  HWL_RCTL_EN			BIT(1)
#define  HWL_RCTL_SBP			BIT(2)	/* store bad packets */
#define  HWL_RCTL_UPE			BIT(3)
#define  HWL_RCTL_MPE			BIT(4)
#define  HWL_RCTL_LPE			BIT(5)	/* frames above 1522 bytes */
#define  HWL_RCTL_LBM			GENMASK(7, 6)
#define  HWL_RCTL_RDMTS			GENMASK(9, 8)
#define  HWL_RCTL_DTYP			GENMASK(11, 10)
#define  HWL_RCTL_MO			GENMASK(13, 12)
#define  HWL_RCTL_BAM			BIT(15)
#define  HWL_RCTL_BSIZE			GENMASK(17, 16)	/* 0: 2048 bytes */
#define  HWL_RCTL_VFE			BIT(18)
#define  HWL_RCTL_CFIEN			BIT(19)
#define  HWL_RCTL_DPF			BIT(22)
#define  HWL_RCTL_PMCF			BIT(23)
#define  HWL_RCTL_BSEX			BIT(25)
#define  HWL_RCTL_SECRC			BIT(26)	/* strip the FCS */

#define HWL_FCTTV			0x0170
#define HWL_FCRTL			0x2160
#define  HWL_FCRTL_XONE			BIT(31)
#define HWL_FCRTH			0x2168
#define HWL_PSRCTL			0x2170

#define HWL_RDBAL(n)			(0x2800 + 0x100 * (n))
#define HWL_RDBAH(n)			(0x2804 + 0x100 * (n))
#define HWL_RDLEN(n)			(0x2808 + 0x100 * (n))
#define HWL_RDH(n)			(0x2810 + 0x100 * (n))
#define HWL_RDT(n)			(0x2818 + 0x100 * (n))
#define HWL_RXDCTL(n)			(0x2828 + 0x100 * (n))
#define HWL_RDTR			0x2820	/* units of 1.024 us */
#define  HWL_RDTR_FPD			BIT(31)
#define HWL_RADV			0x282C
#define HWL_RSRPD			0x2C00
#define HWL_RAID			0x2C08

#define HWL_RXCSUM			0x5000
#define  HWL_RXCSUM_IPOFL		BIT(8)
#define  HWL_RXCSUM_TUOFL		BIT(9)
#define  HWL_RXCSUM_PCSD		BIT(13)

#define HWL_RFCTL			0x5008
#define  HWL_RFCTL_NFSW_DIS		BIT(6)
#define  HWL_RFCTL_NFSR_DIS		BIT(7)
#define  HWL_RFCTL_ACK_DIS		BIT(12)
#define  HWL_RFCTL_EXTEN		BIT(15)

#define HWL_MTA(i)			(0x5200 + 4 * (i))
#define  HWL_MTA_WORDS			128
#define HWL_RAL(i)			(0x5400 + 8 * (i))
#define HWL_RAH(i)			(0x5404 + 8 * (i))
#define  HWL_RAH_ADDR			GENMASK(15, 0)
#define  HWL_RAH_AV			BIT(31)
#define  HWL_RAR_ENTRIES		15	/* the 16th is the firmware's */
#define HWL_VFTA(i)			(0x5600 + 4 * (i))
#define  HWL_VFTA_WORDS			128

#define HWL_MRQC			0x5818
#define  HWL_MRQC_RSS_2Q		1
#define  HWL_MRQC_TCP_IPV4		BIT(16)
#define  HWL_MRQC_IPV4			BIT(17)
#define  HWL_MRQC_TCP_IPV6EX		BIT(18)
#define  HWL_MRQC_IPV6EX		BIT(19)
#define  HWL_MRQC_IPV6			BIT(20)
#define HWL_RETA(i)			(0x5C00 + 4 * (i))
#define  HWL_RETA_ENTRIES		128
#define  HWL_RETA_QUEUE1		0x80	/* in the byte of an entry */
#define HWL_RSSRK(i)			(0x5C80 + 4 * (i))
#define  HWL_RSSRK_BYTES		40

/* ---- Transmit ---- */

#define HWL_TCTL			0x0400
#define  HWL_TCTL_EN			BIT(1)
#define  HWL_TCTL_PSP			BIT(3)
#define  HWL_TCTL_CT			GENMASK(11, 4)
#define  HWL_TCTL_COLD			GENMASK(21, 12)
#define  HWL_TCTL_RTLC			BIT(24)
#define  HWL_TCTL_MULR			BIT(28)

#define HWL_TIPG			0x0410
#define  HWL_TIPG_COPPER		0x00602008
#define HWL_AIT				0x0458

#define HWL_TDBAL(n)			(0x3800 + 0x100 * (n))
#define HWL_TDBAH(n)			(0x3804 + 0x100 * (n))
#define HWL_TDLEN(n)			(0x3808 + 0x100 * (n))
#define HWL_TDH(n)			(0x3810 + 0x100 * (n))
#define HWL_TDT(n)			(0x3818 + 0x100 * (n))

/* Thresholds of RXDCTL and TXDCTL, in descriptors when GRAN is set. */
#define HWL_TXDCTL(n)			(0x3828 + 0x100 * (n))
#define  HWL_XDCTL_PTHRESH		GENMASK(5, 0)
#define  HWL_XDCTL_HTHRESH		GENMASK(13, 8)
#define  HWL_XDCTL_WTHRESH		GENMASK(21, 16)
#define  HWL_TXDCTL_RSVD22		BIT(22)	/* must be written as 1 */
#define  HWL_XDCTL_GRAN			BIT(24)

#define HWL_TARC(n)			(0x3840 + 0x100 * (n))
#define  HWL_TARC_COUNT			GENMASK(6, 0)
#define  HWL_TARC_MULTI7		BIT(7)
#define  HWL_TARC_ENABLE		BIT(10)
#define  HWL_TARC_MULTI			GENMASK(25, 23)
#define  HWL_TARC_TXHANG		BIT(26)
#define  HWL_TARC_RSVD			GENMASK(30, 27)	/* must be written as 0 */

#define HWL_TIDV			0x3820	/* units of 1.024 us */
#define  HWL_TIDV_FPD			BIT(31)
#define HWL_TADV			0x382C

/* ---- Power, management, PCIe ---- */

#define HWL_WUC				0x5800
#define  HWL_WUC_APME			BIT(0)
#define  HWL_WUC_PME_EN			BIT(1)
#define  HWL_WUC_APMPME			BIT(3)	/* PME on APM wake-up, too */
#define HWL_WUFC			0x5808	/* causes that wake */
#define HWL_WUS				0x5810	/* causes that came; cleared by ones */
#define  HWL_WAKE_LNKC			BIT(0)
#define  HWL_WAKE_MAG			BIT(1)
#define  HWL_WAKE_EX			BIT(2)
#define  HWL_WAKE_MC			BIT(3)
#define  HWL_WAKE_BC			BIT(4)

#define HWL_MANC			0x5820
#define  HWL_MANC_RCV_TCO_EN		BIT(17)
#define  HWL_MANC_BLK_PHY_RST_ON_IDE	BIT(18)
#define  HWL_MANC_EN_MNG2HOST		BIT(21)
#define HWL_MANC2H			0x5860	/* a bit for each MDEF */
#define HWL_MDEF(i)			(0x5890 + 4 * (i))
#define  HWL_MDEF_NUM			8
#define  HWL_MDEF_PORT_664		BIT(10)
#define  HWL_MDEF_PORT_623		BIT(11)
#define HWL_FACTPS			0x5B30
#define  HWL_FACTPS_MNGCG		BIT(29)

#define HWL_GCR				0x5B00
#define  HWL_GCR_NO_SNOOP		GENMASK(5, 0)
#define  HWL_GCR_ASPM22			BIT(22)
#define  HWL_GCR_L1_NO_L0S_RX		BIT(27)
#define HWL_SWSM			0x5B50
#define  HWL_SWSM_SMBI			BIT(0)
#define HWL_GCR2			0x5B64
#define  HWL_GCR2_FIX			BIT(0)

/* ---- Time stamps ---- */

#define HWL_SYSTIML			0xB600	/* latches SYSTIMH, not reliably */
#define HWL_SYSTIMH			0xB604
#define HWL_TIMINCA			0xB608
#define  HWL_TIMINCA_VALUE		GENMASK(23, 0)
#define  HWL_TIMINCA_PERIOD		GENMASK(31, 24)	/* units of 40 ns */
#define HWL_TSYNCTXCTL			0xB614
#define  HWL_TSYNC_VALID		BIT(0)	/* in the latch, until it is read */
#define  HWL_TSYNC_EN			BIT(4)
#define HWL_TXSTMPL			0xB618
#define HWL_TXSTMPH			0xB61C	/* the read frees the latch */
#define HWL_TSYNCRXCTL			0xB620	/* VALID and EN as TSYNCTXCTL has them */
#define  HWL_TSYNCRXCTL_TYPE		GENMASK(3, 1)
#define HWL_RXSTMPL			0xB624
#define HWL_RXSTMPH			0xB628	/* the read frees the latch */
#define HWL_RXSATRL			0xB62C	/* who sent it; of QEMU the next frees the latch */
#define HWL_RXSATRH			0xB630
#define HWL_RXMTRL			0xB634	/* which messages are stamped */
#define  HWL_RXMTRL_ETYPE		GENMASK(15, 0)
#define  HWL_RXMTRL_V1_CONTROL		GENMASK(23, 16)
#define  HWL_RXMTRL_V2_TYPE		GENMASK(31, 24)
#define HWL_RXUDP			0xB638	/* UDP port, in network order */

/* Of TSYNCRXCTL.TYPE: what is stamped. */
enum hwl_tsync_type {
	HWL_TSYNC_L2_V2		= 0,
	HWL_TSYNC_L4_V1		= 1,
	HWL_TSYNC_L2_L4_V2	= 2,
	HWL_TSYNC_ALL		= 4,
	HWL_TSYNC_EVENT_V2	= 5,
};

/* ---- Statistics: clear on read, stick at all ones ---- */

#define HWL_STAT_CRCERRS		0x4000
#define HWL_STAT_ALGNERRC		0x4004
#define HWL_STAT_SYMERRS		0x4008
#define HWL_STAT_RXERRC			0x400C
#define HWL_STAT_MPC			0x4010
#define HWL_STAT_SCC			0x4014
#define HWL_STAT_ECOL			0x4018
#define HWL_STAT_MCC			0x401C
#define HWL_STAT_LATECOL		0x4020
#define HWL_STAT_COLC			0x4028
#define HWL_STAT_DC			0x4030
#define HWL_STAT_SEC			0x4038
#define HWL_STAT_CEXTERR		0x403C
#define HWL_STAT_XONRXC			0x4048
#define HWL_STAT_XONTXC			0x404C
#define HWL_STAT_XOFFRXC		0x4050
#define HWL_STAT_XOFFTXC		0x4054
#define HWL_STAT_FCRUC			0x4058
#define HWL_STAT_PRC64			0x405C
#define HWL_STAT_PRC127			0x4060
#define HWL_STAT_PRC255			0x4064
#define HWL_STAT_PRC511			0x4068
#define HWL_STAT_PRC1023		0x406C
#define HWL_STAT_PRC1522		0x4070
#define HWL_STAT_GPRC			0x4074
#define HWL_STAT_BPRC			0x4078
#define HWL_STAT_MPRC			0x407C
#define HWL_STAT_GPTC			0x4080
#define HWL_STAT_GORC			0x4088	/* 64 bits: low, then high */
#define HWL_STAT_GOTC			0x4090	/* 64 bits */
#define HWL_STAT_RNBC			0x40A0
#define HWL_STAT_RUC			0x40A4
#define HWL_STAT_RFC			0x40A8
#define HWL_STAT_ROC			0x40AC
#define HWL_STAT_RJC			0x40B0
#define HWL_STAT_MGTPRC			0x40B4
#define HWL_STAT_MGTPDC			0x40B8
#define HWL_STAT_MGTPTC			0x40BC
#define HWL_STAT_TOR			0x40C0	/* 64 bits */
#define HWL_STAT_TOT			0x40C8	/* 64 bits */
#define HWL_STAT_TPR			0x40D0
#define HWL_STAT_TPT			0x40D4
#define HWL_STAT_PTC64			0x40D8
#define HWL_STAT_PTC127			0x40DC
#define HWL_STAT_PTC255			0x40E0
#define HWL_STAT_PTC511			0x40E4
#define HWL_STAT_PTC1023		0x40E8
#define HWL_STAT_PTC1522		0x40EC
#define HWL_STAT_MPTC			0x40F0
#define HWL_STAT_BPTC			0x40F4
#define HWL_STAT_TSCTC			0x40F8
#define HWL_STAT_TSCTFC			0x40FC
#define HWL_STAT_IAC			0x4100
#define HWL_STAT_ICRXOC			0x4124

/* ---- NVM words ---- */

#define HWL_NVM_EMPTY			0xFFFF	/* a word that nobody wrote */
#define HWL_NVM_ID_LED			0x04
#define  HWL_NVM_ID_LED_RESERVED	0xF746
#define  HWL_NVM_ID_LED_DEFAULT		0x1811
#define HWL_NVM_VERSION			0x05
#define  HWL_NVM_VERSION_MAJOR		GENMASK(15, 12)
#define  HWL_NVM_VERSION_MINOR		GENMASK(11, 4)
#define  HWL_NVM_VERSION_ID		GENMASK(3, 0)
#define HWL_NVM_PBA			0x08
#define  HWL_NVM_PBA_IS_TEXT		0xFAFA
#define HWL_NVM_INIT_CTRL2		0x0F
#define  HWL_NVM_INIT_CTRL2_MNG		GENMASK(14, 13)
#define  HWL_NVM_INIT_CTRL2_MNG_PT	2
#define HWL_NVM_INIT_CTRL3		0x24
#define  HWL_NVM_INIT_CTRL3_APM		BIT(10)
#define HWL_NVM_ROM			0x32	/* boot agent in the flash */
#define  HWL_NVM_ROM_MAJOR		GENMASK(15, 12)
#define  HWL_NVM_ROM_MINOR		GENMASK(11, 8)
#define  HWL_NVM_ROM_BUILD		GENMASK(7, 0)
#define HWL_NVM_CHECKSUM		0x3F
#define  HWL_NVM_CHECKSUM_SUM		0xBABA

/* ---- PHY (a Marvell core at MDIO address 1); IEEE registers: mii.h ---- */

#define HWL_PHY_ADDR			1
#define HWL_PHY_ID			0x01410CB1

#define HWL_PHY_PAGE			22	/* selects registers 16 and up */

#define HWL_PHY_PAGE_MAC		2
#define HWL_PHY_MAC_CTRL		21	/* page 2: interface to the MAC */
#define  HWL_PHY_MAC_SPEED		GENMASK(2, 0)
#define  HWL_PHY_MAC_SPEED_1000		6

#define HWL_PHY_SCR			16	/* page 0: specific control */
#define  HWL_PHY_SCR_POLARITY_OFF	BIT(1)
#define  HWL_PHY_SCR_MDIX		GENMASK(6, 5)
#define  HWL_PHY_SCR_MDIX_MDI		0
#define  HWL_PHY_SCR_MDIX_MDIX		1
#define  HWL_PHY_SCR_MDIX_AUTO		3
#define  HWL_PHY_SCR_DOWNSHIFT		BIT(11)
#define HWL_PHY_SSR			17	/* page 0: specific status */
#define  HWL_PHY_SSR_DOWNSHIFTED	BIT(5)
#define  HWL_PHY_SSR_MDIX		BIT(6)
#define HWL_PHY_RXERR			21	/* page 0: receive errors */
#define HWL_PHY_IDLE_ERRORS		0xFF	/* in MII_STAT1000 */
#define HWL_PHY_POWER			25	/* page 0 */
#define  HWL_PHY_POWER_SMART		BIT(0)	/* power down without a link */
#define HWL_PHY_FIX_ADDR		29
#define HWL_PHY_FIX_DATA		30

#endif /* HWL_REGS_H */
