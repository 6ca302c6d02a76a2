// SPDX-License-Identifier: GPL-2.0
/*
 * The register map as data: what each register is after a reset, which bits
 * software can change, which it must leave 0, and who answers for it.
 *
 * Sources: offsets and names as Linux (regs.h, hw.h) and FreeBSD have them;
 * masks from the register test of Linux' ethtool.c; what survives CTRL.RST as
 * the drivers rely on it (PBA is written before the reset). A register that
 * has no line here is an offence to touch.
 */
#include "model.h"

#define ALL		0xFFFFFFFFU

#define REG(o, ...)	{ .name = #o, .off = (o), __VA_ARGS__ }
#define REGS(n, o, c, s, ...) \
	{ .name = #n, .off = (o), .count = (c), .stride = (s), __VA_ARGS__ }
#define RW(mask)	.write = (mask)
/* Has reserved bits: a driver leaves them as they are. */
#define RW_ONLY(mask)	.write = (mask), .zero = ~(u32)(mask)
#define CTRL_KNOWN	0xDCFC1BEDU
#define STAT(n, o)	{ .name = #n, .off = (o), .flags = REG_STAT, .rd = stat_read }
#define STAT64(n, o) \
	{ .name = #n "L", .off = (o), .flags = REG_STAT, .rd = stat_read_low }, \
	{ .name = #n "H", .off = (o) + 4, .flags = REG_STAT, .rd = stat_read_high }

/*
 * A ring n of either direction; the registers of queue 1 are 0x100 further. Of BAL
 * and LEN ring_base_write() has the masks: it looks at the other bits, too.
 */
#define RING(x, base) \
	REGS(x ## BAL, base, 2, 0x100, RW(ALL), .wr = ring_base_write), \
	REGS(x ## BAH, (base) + RING_BAH, 2, 0x100, RW(ALL), .wr = ring_base_write), \
	REGS(x ## LEN, (base) + RING_LEN, 2, 0x100, RW(ALL), .wr = ring_base_write), \
	REGS(x ## H, (base) + RING_HEAD, 2, 0x100, RW(0xFFFF), .rd = ring_head_read, \
	     .wr = ring_base_write), \
	REGS(x ## T, (base) + RING_TAIL, 2, 0x100, RW(0xFFFF), .wr = ring_tail_write)

const struct reg regmap[] = {
	/* Device control */
	REG(CTRL, .reset = 0x00000201, RW(CTRL_KNOWN | CTRL_RSVD29), .zero = ~CTRL_KNOWN,
	    .rd = ctrl_read, .wr = ctrl_write),
	REG(CTRL_ALIAS, RW(CTRL_KNOWN | CTRL_RSVD29), .zero = ~CTRL_KNOWN,
	    .rd = ctrl_read, .wr = ctrl_write),
	REG(STATUS, .flags = REG_RO, .rd = status_read),
	REG(EECD, .reset = EECD_PRES | (2 << 11), RW(0x00180047), .wr = eecd_write),
	REG(EERD, RW(ALL), .wr = eerd_write),
	/* What comes up wrong, and is the driver's to mend, is in mac_reset(). */
	REG(CTRL_EXT, .reset = CTRL_EXT_RSVD22, RW(ALL), .wr = ctrl_ext_write),
	REG(FLA, RW(ALL), .flags = REG_KEEP),
	REG(MDIC, .reset = MDIC_READY, RW(ALL), .wr = mdic_write),
	REG(FCAL, .reset = 0x00C28001, RW(ALL)),
	REG(FCAH, .reset = 0x0100, RW(0xFFFF)),
	REG(FCT, .reset = 0x8808, RW(0xFFFF)),
	REG(VET, .reset = 0x8100, RW(0xFFFF)),
	REG(FCTTV, RW(0xFFFF)),
	REG(LEDCTL, .reset = 0x07068302, RW(ALL)),
	REG(EXTCNF_CTRL, RW(ALL), .wr = extcnf_write),
	REG(POEMB, RW(ALL)),
	REG(PBA, .reset = 0x00140014, RW(0xFFFF), .flags = REG_KEEP, .wr = pba_write),
	REG(PBS, .reset = 40, RW(ALL), .flags = REG_KEEP),
	REG(EEMNGCTL, .reset = 1U << 18, RW(ALL)),
	REG(EEWR, RW(ALL), .wr = eewr_write),
	REG(FLOP, RW(ALL)),

	/* Interrupts */
	REG(ICR, .rd = icr_read, .wr = icr_write),
	REG(ITR, RW_ONLY(0xFFFF), .wr = irq_config_write),
	REG(ICS, .rd = ics_read, .wr = ics_write),
	REG(IMS, RW(ALL), .wr = ims_write),
	REG(IMC, .wr = imc_write),
	REG(EIAC, RW_ONLY(0x01F00000), .wr = irq_config_write),
	REG(IAM, RW(ALL), .wr = irq_config_write),
	REG(IVAR, RW_ONLY(0x800FFFFF), .wr = irq_config_write),
	REGS(EITR, EITR(0), 5, 4, RW_ONLY(0xFFFF), .wr = irq_config_write),
	REG(PBACLR, RW(0x1F)),

	/* Receive */
	REG(RCTL, RW_ONLY(0x7EDFBFFE), .wr = rctl_write),
	REG(ERT, RW(0x3FFF)),
	REG(FCRTL, RW(0x8000FFF8)),	/* of any value: DPDK */
	REG(FCRTH, RW(0xFFF8)),
	REG(PSRCTL, .reset = 0x00040402, RW_ONLY(0x3F3F3F7F), .wr = psrctl_write),
	RING(RD, RDBAL(0)),
	REG(RDTR, RW_ONLY(DELAY_FPD | 0xFFFF), .wr = rdtr_write),
	REGS(RXDCTL, RXDCTL(0), 2, 0x100, .reset = 0x00010000, RW_ONLY(0x013F3F3F),
	     .wr = rxdctl_write),
	REG(RADV, RW_ONLY(0xFFFF)),
	REGS(RSRPD, 0x2C00, 1, 4, RW_ONLY(0xFFF)),
	REGS(RAID, 0x2C08, 1, 4, RW_ONLY(0xFFFF)),
	REG(RXCSUM, .reset = 0x300, RW_ONLY(0x33FF)),
	REG(RFCTL, RW_ONLY(0x3FFFF), .wr = rfctl_write),
	REGS(MTA, MTA, 128, 4, RW(ALL)),
	REGS(RAL, RAL(0), RAR_ENTRIES, 8, RW(ALL), .wr = rar_write),
	REGS(RAH, RAH(0), RAR_ENTRIES, 8, RW(0x8003FFFF), .wr = rar_write),
	REGS(VFTA, VFTA, 128, 4, RW(ALL)),
	REG(MRQC, RW_ONLY(0x003F0003)),
	REGS(RETA, RETA, 32, 4, RW(ALL)),
	REGS(RSSRK, RSSRK, 10, 4, RW(ALL)),
	REGS(RDF, 0x2410, 9, 4, RW(0x1FFF)),

	/* Transmit; reserved TARC bit 27 comes up set */
	REG(TCTL, RW_ONLY(0x1FFFFFFA), .wr = tctl_write),
	REG(TIPG, .reset = 0x00602008, RW(0x3FFFFFFF)),
	REG(AIT, RW_ONLY(0xFFFF)),
	RING(TD, TDBAL(0)),
	REG(TIDV, RW_ONLY(DELAY_FPD | 0xFFFF), .wr = tidv_write),
	REGS(TXDCTL, TXDCTL(0), 2, 0x100, RW_ONLY(0xFF7F3F3F), .wr = txdctl_write),
	REG(TADV, RW_ONLY(0xFFFF)),
	REGS(TARC, TARC(0), 2, 0x100, .reset = 0x403 | BIT32(27), RW(ALL)),
	REGS(TDF, 0x3410, 9, 4, RW(0x1FFF)),

	/* Wake-up; management: stored */
	REG(WUC, RW_ONLY(0xF)),
	REG(WUFC, RW_ONLY(0x000F80FF)),
	REG(WUS, RW(ALL), .flags = REG_W1C | REG_AUX),
	REG(MANC, RW(ALL)),
	REGS(IPAV, 0x5838, 1, 4, RW(ALL)),
	REGS(IP4AT, 0x5840, 4, 8, RW(ALL)),
	REGS(MANC2H, 0x5860, 1, 4, RW(ALL)),
	REGS(IP6AT, 0x5880, 4, 4, RW(ALL)),
	REGS(MDEF, 0x5890, 8, 4, RW(ALL)),
	REGS(WUPL, 0x5900, 1, 4, .flags = REG_RO),
	REGS(WUPM, 0x5A00, 32, 4, .flags = REG_RO),
	REGS(FFLT, 0x5F00, 4, 8, RW(ALL)),
	REGS(FFMT, 0x9000, 128, 8, RW_ONLY(0xF)),
	REGS(FFVT, 0x9800, 128, 8, RW(ALL)),

	/* PCIe and locks */
	REG(GCR, RW(ALL)),
	REG(FACTPS, .flags = REG_RO),
	REG(SWSM, RW(0xF), .rd = swsm_read, .wr = swsm_write),
	REG(FWSM, .flags = REG_RO),
	REGS(SW_FW_SYNC, 0x5B5C, 1, 4, RW(ALL)),
	REG(GCR2, RW(ALL)),
	REG(HICR, RW(ALL), .wr = hicr_write),

	/* Time stamps */
	REG(SYSTIML, .rd = systim_read, .wr = systim_write),
	REG(SYSTIMH, .rd = systim_read, .wr = systim_write),
	REG(TIMINCA, RW(ALL), .wr = timinca_write),
	REG(TIMADJL, RW(ALL)),
	REG(TIMADJH, RW(ALL)),
	REG(TSYNCTXCTL, RW(0x10), .zero = ~0x11U),
	REG(TXSTMPL, .flags = REG_RO),
	REG(TXSTMPH, .flags = REG_RO, .rd = stamp_read),
	REG(TSYNCRXCTL, RW(0x1E), .zero = ~0x1FU),
	REG(RXSTMPL, .flags = REG_RO),
	REG(RXSTMPH, .flags = REG_RO, .rd = stamp_read),
	REG(RXSATRL, .flags = REG_RO),
	REG(RXSATRH, .flags = REG_RO),
	REG(RXMTRL, .reset = 0x88F7, RW(ALL)),
	REG(RXUDP, .reset = 0x3F01, RW(0xFFFF)),

	/* Statistics */
	STAT(CRCERRS, 0x4000), STAT(ALGNERRC, 0x4004), STAT(SYMERRS, 0x4008),
	STAT(RXERRC, 0x400C), STAT(MPC, 0x4010), STAT(SCC, 0x4014),
	STAT(ECOL, 0x4018), STAT(MCC, 0x401C), STAT(LATECOL, 0x4020),
	STAT(COLC, 0x4028), STAT(DC, 0x4030), STAT(TNCRS, 0x4034),
	STAT(SEC, 0x4038), STAT(CEXTERR, 0x403C), STAT(RLEC, 0x4040),
	STAT(XONRXC, 0x4048), STAT(XONTXC, 0x404C), STAT(XOFFRXC, 0x4050),
	STAT(XOFFTXC, 0x4054), STAT(FCRUC, 0x4058),
	REGS(PRC, 0x405C, 6, 4, .flags = REG_STAT, .rd = stat_read),
	STAT(GPRC, 0x4074), STAT(BPRC, 0x4078), STAT(MPRC, 0x407C),
	STAT(GPTC, 0x4080), STAT64(GORC, 0x4088), STAT64(GOTC, 0x4090),
	STAT(RNBC, 0x40A0), STAT(RUC, 0x40A4), STAT(RFC, 0x40A8),
	STAT(ROC, 0x40AC), STAT(RJC, 0x40B0), STAT(MGTPRC, 0x40B4),
	STAT(MGTPDC, 0x40B8), STAT(MGTPTC, 0x40BC),
	STAT64(TOR, 0x40C0), STAT64(TOT, 0x40C8),
	STAT(TPR, 0x40D0), STAT(TPT, 0x40D4),
	REGS(PTC, 0x40D8, 6, 4, .flags = REG_STAT, .rd = stat_read),
	STAT(MPTC, 0x40F0), STAT(BPTC, 0x40F4), STAT(TSCTC, 0x40F8),
	STAT(TSCTFC, 0x40FC), STAT(IAC, 0x4100), STAT(ICRXPTC, 0x4104),
	STAT(ICRXATC, 0x4108), STAT(ICTXPTC, 0x410C), STAT(ICTXATC, 0x4110),
	STAT(ICTXQEC, 0x4118), STAT(ICTXQMTC, 0x411C), STAT(ICRXDMTC, 0x4120),
	STAT(ICRXOC, 0x4124),
};

const size_t regmap_len = ARRAY_SIZE(regmap);
