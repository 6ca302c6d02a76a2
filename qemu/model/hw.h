/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The 82574L's registers as the model names them: its own list, not the
 * driver's, so that a mistake in one shows against the other.
 *
 * Sources: Linux and FreeBSD headers for the device (offsets and names agree).
 */
#ifndef MODEL_HW_H
#define MODEL_HW_H

#define REG_SPACE	0x20000
#define NVM_WORDS	2048
#define NVM_EEPROM	256	/* words that the EEPROM has */

#define BIT32(n)	(1U << (n))

#define CTRL		0x0000
#define CTRL_ALIAS	0x0004
#define  CTRL_FD	BIT32(0)
#define  CTRL_MASTER_DISABLE	BIT32(2)
#define  CTRL_SLU	BIT32(6)
#define  CTRL_SPD(v)	(((v) >> 8) & 3)
#define  CTRL_FRCSPD	BIT32(11)
#define  CTRL_FRCDPX	BIT32(12)
#define  CTRL_RST	BIT32(26)
#define  CTRL_RFCE	BIT32(27)
#define  CTRL_TFCE	BIT32(28)
#define  CTRL_RSVD29	BIT32(29)
#define  CTRL_VME	BIT32(30)
#define  CTRL_PHY_RST	BIT32(31)
#define STATUS		0x0008
#define  STATUS_FD	BIT32(0)
#define  STATUS_LU	BIT32(1)
#define  STATUS_TXOFF	BIT32(4)
#define  STATUS_SPEED_SHIFT	6
#define  STATUS_PHYRA	BIT32(10)
#define  STATUS_MASTER	BIT32(19)
#define EECD		0x0010
#define  EECD_PRES	BIT32(8)
#define  EECD_AUTO_RD	BIT32(9)
#define  EECD_REQ	BIT32(6)
#define  EECD_GNT	BIT32(7)
#define  EECD_FLUPD	BIT32(19)
#define  EECD_AUPDEN	BIT32(20)
#define EERD		0x0014
#define  EERD_START	BIT32(0)
#define  EERD_DONE	BIT32(1)
#define CTRL_EXT	0x0018
#define  CTRL_EXT_EE_RST	BIT32(13)
#define  CTRL_EXT_RSVD22	BIT32(22)
#define  CTRL_EXT_RSVD23	BIT32(23)
#define  CTRL_EXT_EIAME	BIT32(24)
#define  CTRL_EXT_IAME	BIT32(27)
#define  CTRL_EXT_DRV_LOAD	BIT32(28)
#define FLA		0x001C
#define MDIC		0x0020
#define  MDIC_REG(v)	(((v) >> 16) & 31)
#define  MDIC_PHY(v)	(((v) >> 21) & 31)
#define  MDIC_OP(v)	(((v) >> 26) & 3)
#define  MDIC_READY	BIT32(28)
#define  MDIC_INT_EN	BIT32(29)
#define  MDIC_ERROR	BIT32(30)
#define FCAL		0x0028
#define FCAH		0x002C
#define FCT		0x0030
#define VET		0x0038
#define ICR		0x00C0
#define ITR		0x00C4
#define ICS		0x00C8
#define IMS		0x00D0
#define IMC		0x00D8
#define EIAC		0x00DC
#define IAM		0x00E0
#define IVAR		0x00E4
#define EITR(v)		(0x00E8 + 4 * (v))
#define  INT_TXDW	BIT32(0)
#define  INT_TXQE	BIT32(1)
#define  INT_LSC	BIT32(2)
#define  INT_RXDMT0	BIT32(4)
#define  INT_RXO	BIT32(6)
#define  INT_RXT0	BIT32(7)
#define  INT_MDAC	BIT32(9)
#define  INT_TXD_LOW	BIT32(15)
#define  INT_SRPD	BIT32(16)
#define  INT_ACK	BIT32(17)
#define  INT_MNG	BIT32(18)
#define  INT_RXQ(n)	BIT32(20 + (n))
#define  INT_TXQ(n)	BIT32(22 + (n))
#define  INT_QUEUES	0x00F00000U
#define  INT_OTHER	BIT32(24)
#define  INT_ASSERTED	BIT32(31)
#define  INT_MEMBERS	(INT_LSC | INT_RXO | INT_MDAC | INT_SRPD | INT_ACK | INT_MNG)
#define RCTL		0x0100
#define  RCTL_EN	BIT32(1)
#define  RCTL_SBP	BIT32(2)
#define  RCTL_UPE	BIT32(3)
#define  RCTL_MPE	BIT32(4)
#define  RCTL_LPE	BIT32(5)
#define  RCTL_LBM	0x000000C0U
#define  RCTL_DTYP(v)	((v) >> 10 & 3)
#define  RCTL_FORMAT	0x02030C00U	/* BSEX, BSIZE, DTYP */
#define  RCTL_BAM	BIT32(15)
#define  RCTL_VFE	BIT32(18)
#define  RCTL_CFIEN	BIT32(19)
#define  RCTL_CFI	BIT32(20)
#define  RCTL_DPF	BIT32(22)
#define  RCTL_PMCF	BIT32(23)
#define  RCTL_BSEX	BIT32(25)
#define  RCTL_SECRC	BIT32(26)
#define FCTTV		0x0170
#define TCTL		0x0400
#define  TCTL_EN	BIT32(1)
#define  TCTL_PSP	BIT32(3)
#define  TCTL_MULR	BIT32(28)
#define TIPG		0x0410
#define AIT		0x0458
#define LEDCTL		0x0E00
#define EXTCNF_CTRL	0x0F00
#define  EXTCNF_MDIO_SW	BIT32(5)
#define  EXTCNF_MDIO_HW	BIT32(6)
#define POEMB		0x0F10
#define PBA		0x1000
#define PBS		0x1008
#define EEMNGCTL	0x1010
#define EEWR		0x102C
#define FLOP		0x103C
#define  FLOP_ERASE_STM		0xDB00	/* of 15:8 */
#define ERT		0x2008
#define FCRTL		0x2160
#define  FCRTL_XONE	BIT32(31)
#define FCRTH		0x2168
#define PSRCTL		0x2170
#define  PSRCTL_BSIZE0(v)	(((v) & 0x7F) * 128)
#define  PSRCTL_BSIZE(v, i)	(((v) >> (8 * (i)) & 0x3F) * 1024)
#define RDBAL(n)	(0x2800 + 0x100 * (n))
#define RDH(n)		(0x2810 + 0x100 * (n))
#define RDT(n)		(0x2818 + 0x100 * (n))
#define RDTR		0x2820
#define  DELAY_FPD	BIT32(31)
#define RXDCTL(n)	(0x2828 + 0x100 * (n))
#define RADV		0x282C
#define TDBAL(n)	(0x3800 + 0x100 * (n))
#define TDH(n)		(0x3810 + 0x100 * (n))
#define TDT(n)		(0x3818 + 0x100 * (n))
#define TIDV		0x3820
#define TXDCTL(n)	(0x3828 + 0x100 * (n))
#define TADV		0x382C
#define TARC(n)		(0x3840 + 0x100 * (n))
#define  TARC_COUNT(v)	((v) & 0x7F)	/* bit 7: compensation mode */
#define  TARC_ENABLE	BIT32(10)
#define  TARC_TXHANG	BIT32(26)
#define  TARC_RSVD	0x78000000U
#define  TARC_MULTI	(BIT32(7) | BIT32(23) | BIT32(24) | BIT32(25))
/* From a ring's base register. */
#define RING_BAH	0x04
#define RING_LEN	0x08
#define RING_HEAD	0x10
#define RING_TAIL	0x18
#define RING_XDCTL	0x28
#define XDCTL_PTHRESH(v)	((v) & 63)
#define XDCTL_HTHRESH(v)	(((v) >> 8) & 63)
#define XDCTL_WTHRESH(v)	(((v) >> 16) & 63)
#define XDCTL_GRAN	BIT32(24)
#define TXDCTL_RSVD22	BIT32(22)
#define RXCSUM		0x5000
#define  RXCSUM_IPOFL	BIT32(8)
#define  RXCSUM_TUOFL	BIT32(9)
#define  RXCSUM_PCSD	BIT32(13)
#define RFCTL		0x5008
#define  RFCTL_ACK_DIS	BIT32(12)
#define  RFCTL_EXTEN	BIT32(15)
#define MTA		0x5200
#define RAL(n)		(0x5400 + 8 * (n))
#define RAH(n)		(0x5404 + 8 * (n))
#define  RAH_AS		0x00030000U
#define  RAH_AV		BIT32(31)
#define  RAR_ENTRIES	16
#define VFTA		0x5600
#define WUC		0x5800
#define  WUC_APME	BIT32(0)
#define  WUC_PME_EN	BIT32(1)
#define  WUC_APMPME	BIT32(3)
#define WUFC		0x5808
#define WUS		0x5810
#define  WAKE_LNKC	BIT32(0)
#define  WAKE_MAG	BIT32(1)
#define  WAKE_EX	BIT32(2)
#define  WAKE_MC	BIT32(3)
#define  WAKE_BC	BIT32(4)
#define  WAKE_FLX(i)	BIT32(16 + (i))
#define FFLT(n)		(0x5F00 + 8 * (n))
#define FFMT(i)		(0x9000 + 8 * (i))
#define FFVT(i)		(0x9800 + 8 * (i))
#define MRQC		0x5818
#define MANC		0x5820
#define  MANC_BLK_PHY_RST	BIT32(18)
#define GCR		0x5B00
#define  GCR_NO_SNOOP	0x0000003FU
#define  GCR_MUST	(BIT32(22) | BIT32(27))
#define FACTPS		0x5B30
#define SWSM		0x5B50
#define  SWSM_SMBI	BIT32(0)
#define  SWSM_SWESMBI	BIT32(1)
#define FWSM		0x5B54
#define GCR2		0x5B64
#define  GCR2_RSVD0	BIT32(0)
#define PBACLR		0x5B68
#define RETA		0x5C00
#define RSSRK		0x5C80
#define HICR		0x8F00
#define  HICR_FW_RESET_EN	BIT32(6)
#define  HICR_FW_RESET		BIT32(7)

/* Time stamps. */
#define SYSTIML		0xB600
#define SYSTIMH		0xB604
#define TIMINCA		0xB608
#define TIMADJL		0xB60C
#define TIMADJH		0xB610
#define TSYNCTXCTL	0xB614
#define TXSTMPL		0xB618
#define TXSTMPH		0xB61C
#define TSYNCRXCTL	0xB620
#define RXSTMPL		0xB624
#define RXSTMPH		0xB628
#define RXSATRL		0xB62C
#define RXSATRH		0xB630
#define RXMTRL		0xB634
#define RXUDP		0xB638

/* Statistics. */
#define CRCERRS		0x4000
#define ALGNERRC	0x4004
#define SYMERRS		0x4008
#define RXERRC		0x400C
#define MPC		0x4010
#define TNCRS		0x4034
#define RLEC		0x4040
#define XONRXC		0x4048
#define XONTXC		0x404C
#define XOFFRXC		0x4050
#define XOFFTXC		0x4054
#define FCRUC		0x4058
#define PRC64		0x405C
#define GPRC		0x4074
#define BPRC		0x4078
#define MPRC		0x407C
#define GPTC		0x4080
#define GORCL		0x4088
#define GOTCL		0x4090
#define RNBC		0x40A0
#define RUC		0x40A4
#define RFC		0x40A8
#define ROC		0x40AC
#define RJC		0x40B0
#define TORL		0x40C0
#define TOTL		0x40C8
#define TPR		0x40D0
#define TPT		0x40D4
#define PTC64		0x40D8
#define MPTC		0x40F0
#define BPTC		0x40F4
#define TSCTC		0x40F8
#define TSCTFC		0x40FC
#define IAC		0x4100
#define ICRXOC		0x4124

/* Descriptors. */
#define TXD_LEN(hi)	((u32)(hi) & 0xFFFFF)
#define TXD_LEGACY_LEN(hi)	((u32)(hi) & 0xFFFF)
#define TXD_DTYP(hi)	(((u32)(hi) >> 20) & 15)
#define TXD_EOP		BIT32(24)
#define TXD_IFCS	BIT32(25)
#define TXD_TSE		BIT32(26)
#define TXD_IC		BIT32(26)	/* legacy: insert checksum */
#define TXD_RS		BIT32(27)
#define TXD_DEXT	BIT32(29)
#define TXD_VLE		BIT32(30)
#define TXD_IDE		BIT32(31)
#define TXD_DD		(1ULL << 32)
#define TXD_TSTAMP	(1ULL << 36)
#define TXD_IXSM	(1ULL << 40)
#define TXD_TXSM	(1ULL << 41)

#define RXD_DD		BIT32(0)
#define RXD_EOP		BIT32(1)
#define RXD_IXSM	BIT32(2)
#define RXD_VP		BIT32(3)
#define RXD_UDPCS	BIT32(4)
#define RXD_TCPCS	BIT32(5)
#define RXD_IPCS	BIT32(6)
#define RXD_PIF		BIT32(7)
#define RXD_TST		BIT32(8)
#define RXD_ACK		BIT32(15)
#define RXD_CE		BIT32(24)
#define RXD_SE		BIT32(25)
#define RXD_TCPE	BIT32(29)
#define RXD_IPE		BIT32(30)
#define RXD_RXE		BIT32(31)

#endif /* MODEL_HW_H */
