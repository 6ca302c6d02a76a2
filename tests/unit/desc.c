// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor formats. Expected words are written out from the data sheet
 * (sections 7.1 and 7.2), never made by the macros under test.
 */
#include "hwl_desc.h"
#include "unit.h"

static const struct {
	const char *name;
	u64 addr;
	u32 len, cmd, upper;
	u64 qw0;
	u32 lower, dw3;
} data_cases[] = {
	/* DEXT 29, DTYP 23:20 = 1, IFCS 25; length 19:0 */
	{ "plain", 0x123456789abcdef0, 60, HWL_TXD_DATA_CMD, 0,
	  0x123456789abcdef0, 0x2210003c, 0 },
	{ "longest", 0, 0xfffff, HWL_TXD_DATA_CMD, 0, 0, 0x221fffff, 0 },
	/* EOP 24, RS 27, IDE 31 */
	{ "last", 0x1000, 1514, HWL_TXD_DATA_CMD | HWL_TXD_EOP | HWL_TXD_RS | HWL_TXD_IDE, 0,
	  0x1000, 0xab1005ea, 0 },
	/* TSE 26; POPTS IXSM 8, TXSM 9 */
	{ "segmented", 0x2000, 100, HWL_TXD_DATA_CMD | HWL_TXD_TSE,
	  HWL_TXD_UP_IXSM | HWL_TXD_UP_TXSM, 0x2000, 0x26100064, 0x300 },
	/* VLE 30; tag in 31:16 of the upper word */
	{ "tagged", 0x3000, 64, HWL_TXD_DATA_CMD | HWL_TXD_VLE,
	  FIELD_PREP(HWL_TXD_UP_VLAN, 0xefff), 0x3000, 0x62100040, 0xefff0000 },
	/* TSTAMP 4 of the upper word */
	{ "stamped", 0x3000, 64, HWL_TXD_DATA_CMD, HWL_TXD_UP_TSTAMP, 0x3000, 0x22100040, 0x10 },
};

static const struct {
	const char *name;
	struct hwl_tx_ctx ctx;
	u64 qw0;
	u32 lower, upper, popts;
} ctx_cases[] = {
	/* TUCSE 63:48 = 0, TUCSO 47:40, TUCSS 39:32, IPCSE 31:16, IPCSO 15:8, IPCSS 7:0;
	 * lower: TCP 24, IPv4 25, TSE 26, DEXT 29, PAYLEN 19:0; upper: MSS 31:16, HDRLEN 15:8
	 */
	{ "TCP over IPv4, checksum",
	  { .l3 = 14, .l4 = 34, .csum = 50, .tcp = true, .ipv4 = true },
	  0x000032220021180e, 0x21000000, 0, 0x200 },
	{ "UDP over IPv4, checksum",
	  { .l3 = 14, .l4 = 34, .csum = 40, .ipv4 = true },
	  0x000028220021180e, 0x20000000, 0, 0x200 },
	{ "TCP over IPv6, checksum",
	  { .l3 = 14, .l4 = 54, .csum = 70, .tcp = true },
	  0x000046360000180e, 0x21000000, 0, 0x200 },
	{ "UDP over IPv6, checksum",
	  { .l3 = 14, .l4 = 54, .csum = 60 },
	  0x00003c360000180e, 0x20000000, 0, 0x200 },
	{ "TSO over IPv4",
	  { .l3 = 14, .l4 = 34, .csum = 50, .hdrlen = 66, .paylen = 65160, .mss = 1448,
	    .tcp = true, .ipv4 = true },
	  0x000032220021180e, 0x2700fe88, 0x05a84200, 0x300 },
	{ "TSO over IPv6",
	  { .l3 = 14, .l4 = 54, .csum = 70, .hdrlen = 86, .paylen = 14280, .mss = 1428,
	    .tcp = true },
	  0x000046360000180e, 0x250037c8, 0x05945600, 0x200 },
	{ "TSO over IPv4, tag in the frame, IP options",
	  { .l3 = 18, .l4 = 62, .csum = 78, .hdrlen = 94, .paylen = 0xfffff, .mss = 0xffff,
	    .tcp = true, .ipv4 = true },
	  0x00004e3e003d1c12, 0x270fffff, 0xffff5e00, 0x300 },
	{ "offsets at their ends",
	  { .l3 = 245, .l4 = 255, .csum = 255, .ipv4 = true },
	  0x0000ffff00fefff5, 0x20000000, 0, 0x200 },
};

/* The tag, if any, is set by the caller; the last word's DD must be clear. */
static void test_tx(void)
{
	struct hwl_tx_desc d;
	size_t i;

	CHECK("a transmit descriptor has 16 bytes", sizeof(d), 16);
	for (i = 0; i < sizeof(data_cases) / sizeof(*data_cases); i++) {
		hwl_tx_desc_data(&d, data_cases[i].addr, data_cases[i].len,
				 data_cases[i].cmd, data_cases[i].upper);
		CHECK(data_cases[i].name, d.qw0, data_cases[i].qw0);
		CHECK(data_cases[i].name, d.lower, data_cases[i].lower);
		CHECK(data_cases[i].name, d.upper, data_cases[i].dw3);
	}
	for (i = 0; i < sizeof(ctx_cases) / sizeof(*ctx_cases); i++) {
		hwl_tx_desc_ctx(&d, &ctx_cases[i].ctx);
		CHECK(ctx_cases[i].name, d.qw0, ctx_cases[i].qw0);
		CHECK(ctx_cases[i].name, d.lower, ctx_cases[i].lower);
		CHECK(ctx_cases[i].name, d.upper, ctx_cases[i].upper);
		CHECK(ctx_cases[i].name, hwl_tx_ctx_popts(&ctx_cases[i].ctx),
		      ctx_cases[i].popts);
	}
	CHECK("DD", HWL_TXD_UP_DD, 1);
	CHECK("smallest MSS is above 16", HWL_CTX_MSS_MIN, 17);
}

static const struct {
	const char *name;
	u32 status;
	enum hwl_rx_csum csum;
	bool error;
} rx_cases[] = {
	{ "no checksum looked at", 0x00000003, HWL_RX_CSUM_NONE, false },
	{ "IPv4 header only", 0x00000043, HWL_RX_CSUM_NONE, false },
	{ "TCP good", 0x00000063, HWL_RX_CSUM_GOOD, false },
	{ "UDP good", 0x00000053, HWL_RX_CSUM_GOOD, false },
	{ "TCP over IPv6 good", 0x00000023, HWL_RX_CSUM_GOOD, false },
	{ "TCP bad", 0x20000063, HWL_RX_CSUM_BAD, false },
	{ "IPv4 header bad", 0x40000043, HWL_RX_CSUM_BAD, false },
	{ "both bad", 0x60000063, HWL_RX_CSUM_BAD, false },
	{ "ignore: good bits mean nothing", 0x00000067, HWL_RX_CSUM_NONE, false },
	{ "ignore: bad bits mean nothing", 0x60000067, HWL_RX_CSUM_NONE, false },
	{ "CE", 0x01000003, HWL_RX_CSUM_NONE, true },
	{ "SE", 0x02000003, HWL_RX_CSUM_NONE, true },
	{ "SEQ", 0x04000003, HWL_RX_CSUM_NONE, true },
	{ "CXE", 0x10000003, HWL_RX_CSUM_NONE, true },
	{ "RXE", 0x80000003, HWL_RX_CSUM_NONE, true },
};

static void test_rx(void)
{
	union hwl_rx_desc d;
	u8 raw[16] = { 0x34, 0x12, 0, 0, 0x78, 0x56, 0x34, 0x12,
		       0x0b, 0, 0, 0x80, 0xea, 0x05, 0xff, 0xef };
	size_t i;

	CHECK("a receive descriptor has 16 bytes", sizeof(d), 16);
	__builtin_memset(&d, 0xff, sizeof(d));
	hwl_rx_desc_post(&d, 0x123456789abcdef0);
	CHECK("posted address", d.read.addr, 0x123456789abcdef0);
	CHECK("posted: DD is clear", d.read.rsvd, 0);

	__builtin_memcpy(&d, raw, sizeof(d));
	CHECK("mrq", d.wb.mrq, 0x1234);
	CHECK("RSS type", FIELD_GET(HWL_RXD_MRQ_TYPE, d.wb.mrq), HWL_RSS_IPV6EX);
	CHECK("hash", d.wb.hash, 0x12345678);
	CHECK("status: DD, EOP, VP, RXE", d.wb.status,
	      HWL_RXD_DD | HWL_RXD_EOP | HWL_RXD_VP | HWL_RXD_RXE);
	CHECK("length", d.wb.len, 1514);
	CHECK("tag", d.wb.vlan, 0xefff);
	CHECK("time stamp is bit 8", HWL_RXD_TST, 0x100);

	for (i = 0; i < sizeof(rx_cases) / sizeof(*rx_cases); i++) {
		CHECK(rx_cases[i].name, hwl_rx_csum(rx_cases[i].status), rx_cases[i].csum);
		CHECK(rx_cases[i].name, !!(rx_cases[i].status & HWL_RXD_FRAME_ERR),
		      rx_cases[i].error);
	}
}

int main(void)
{
	test_tx();
	test_rx();
	return unit_end();
}
