/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Descriptor formats: bits to and from little-endian words.
 *
 * Pure: no device, no buffer, no skb. Layouts: 82574L datasheet, sections 7.1
 * (receive) and 7.2 (transmit).
 */
#ifndef HWL_DESC_H
#define HWL_DESC_H

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>
#include <asm/byteorder.h>

/* ---- Transmit ---- */

/**
 * struct hwl_tx_desc - data or context descriptor
 * @qw0: buffer address, or the offsets of a context
 * @lower: length, descriptor type and command
 * @upper: write-back status, packet options and VLAN tag, or HDRLEN and MSS
 */
struct hwl_tx_desc {
	__le64 qw0;
	__le32 lower;
	__le32 upper;
};

static_assert(sizeof(struct hwl_tx_desc) == 16);

#define HWL_TXD_LEN		GENMASK(19, 0)
#define HWL_TXD_DTYP_DATA	BIT(20)
#define HWL_TXD_EOP		BIT(24)
#define HWL_TXD_IFCS		BIT(25)
#define HWL_TXD_TSE		BIT(26)
#define HWL_TXD_RS		BIT(27)
#define HWL_TXD_DEXT		BIT(29)
#define HWL_TXD_VLE		BIT(30)
#define HWL_TXD_IDE		BIT(31)

#define HWL_TXD_UP_DD		BIT(0)
#define HWL_TXD_UP_TSTAMP	BIT(4)
#define HWL_TXD_UP_IXSM		BIT(8)
#define HWL_TXD_UP_TXSM		BIT(9)
#define HWL_TXD_UP_VLAN		GENMASK(31, 16)

#define HWL_CTX_IPCSS		GENMASK_ULL(7, 0)
#define HWL_CTX_IPCSO		GENMASK_ULL(15, 8)
#define HWL_CTX_IPCSE		GENMASK_ULL(31, 16)
#define HWL_CTX_TUCSS		GENMASK_ULL(39, 32)
#define HWL_CTX_TUCSO		GENMASK_ULL(47, 40)
#define HWL_CTX_TUCSE		GENMASK_ULL(63, 48)
#define HWL_CTX_PAYLEN		GENMASK(19, 0)
#define HWL_CTX_TCP		BIT(24)
#define HWL_CTX_IPV4		BIT(25)
#define HWL_CTX_TSE		BIT(26)
#define HWL_CTX_HDRLEN		GENMASK(15, 8)
#define HWL_CTX_MSS		GENMASK(31, 16)

#define HWL_IPV4_CHECK		10	/* offset of the header checksum */

/* What the fields of a context can hold. */
#define HWL_CTX_OFFSET_MAX	255
#define HWL_CTX_MSS_MIN		17
#define HWL_CTX_MSS_MAX		0xFFFF

/* Commands that every data descriptor carries. */
#define HWL_TXD_DATA_CMD	(HWL_TXD_DEXT | HWL_TXD_DTYP_DATA | HWL_TXD_IFCS)

/**
 * struct hwl_tx_ctx - an offload, as a context descriptor states it
 * @l3: offset of the network header
 * @l4: offset of the transport header, where the checksum starts
 * @csum: offset of the checksum field
 * @hdrlen: length of all headers; segmentation only
 * @paylen: bytes behind the headers; segmentation only
 * @mss: payload bytes of a segment; 0: checksum only
 * @tcp: the transport protocol is TCP
 * @ipv4: the network protocol is IPv4
 *
 * All offsets count from the first byte of the frame, without a VLAN tag that
 * the device inserts.
 */
struct hwl_tx_ctx {
	u8 l3;
	u8 l4;
	u8 csum;
	u8 hdrlen;
	u32 paylen;
	u16 mss;
	bool tcp;
	bool ipv4;
};

/**
 * hwl_tx_desc_data() - write a data descriptor
 * @desc: the slot
 * @addr: DMA address of the buffer
 * @len: its length in bytes
 * @cmd: HWL_TXD_* command bits
 * @upper: packet options and VLAN tag; DD must be clear
 */
static inline void hwl_tx_desc_data(struct hwl_tx_desc *desc, u64 addr, u32 len,
				    u32 cmd, u32 upper)
{
	desc->qw0 = cpu_to_le64(addr);
	desc->lower = cpu_to_le32(cmd | len);
	desc->upper = cpu_to_le32(upper);
}

/**
 * hwl_tx_desc_ctx() - write a context descriptor
 * @desc: the slot
 * @ctx: the offload
 *
 * The IP fields are filled for a plain checksum too: FreeBSD found that the
 * hardware wants them valid although IXSM is not asked for. IPCSO is for IPv6
 * what it is for IPv4, where no other driver leaves it 0, and IPCSE is 0.
 * TUCSE 0 means "to the end of the packet".
 */
static inline void hwl_tx_desc_ctx(struct hwl_tx_desc *desc,
				   const struct hwl_tx_ctx *ctx)
{
	u32 lower = HWL_TXD_DEXT;
	u32 upper = 0;
	u64 qw0;

	qw0 = FIELD_PREP(HWL_CTX_TUCSS, ctx->l4) |
	      FIELD_PREP(HWL_CTX_TUCSO, ctx->csum) |
	      FIELD_PREP(HWL_CTX_IPCSS, ctx->l3) |
	      FIELD_PREP(HWL_CTX_IPCSO, ctx->l3 + HWL_IPV4_CHECK);
	if (ctx->ipv4)
		qw0 |= FIELD_PREP(HWL_CTX_IPCSE, ctx->l4 - 1);
	if (ctx->tcp)
		lower |= HWL_CTX_TCP;
	if (ctx->mss) {
		if (ctx->ipv4)
			lower |= HWL_CTX_IPV4;
		lower |= HWL_CTX_TSE | FIELD_PREP(HWL_CTX_PAYLEN, ctx->paylen);
		upper = FIELD_PREP(HWL_CTX_HDRLEN, ctx->hdrlen) |
			FIELD_PREP(HWL_CTX_MSS, ctx->mss);
	}

	desc->qw0 = cpu_to_le64(qw0);
	desc->lower = cpu_to_le32(lower);
	desc->upper = cpu_to_le32(upper);
}

/**
 * hwl_tx_ctx_popts() - packet options that go with an offload
 * @ctx: the offload
 *
 * The device computes the IPv4 header checksum only where it edits the header,
 * that is in segmentation; the stack did it otherwise.
 *
 * Return: bits for the upper word of every data descriptor of the packet.
 */
static inline u32 hwl_tx_ctx_popts(const struct hwl_tx_ctx *ctx)
{
	if (ctx->mss && ctx->ipv4)
		return HWL_TXD_UP_TXSM | HWL_TXD_UP_IXSM;
	return HWL_TXD_UP_TXSM;
}

/* ---- Receive: extended descriptors (RFCTL.EXTEN) ---- */

/**
 * union hwl_rx_desc - extended receive descriptor
 * @read: what the driver posts; bit 0 of @rsvd becomes DD
 * @wb: what the device writes back
 */
union hwl_rx_desc {
	struct {
		__le64 addr;
		__le64 rsvd;
	} read;
	struct {
		__le32 mrq;
		__le32 hash;
		__le32 status;
		__le16 len;
		__le16 vlan;
	} wb;
};

static_assert(sizeof(union hwl_rx_desc) == 16);

#define HWL_RXD_MRQ_TYPE	GENMASK(3, 0)

#define HWL_RXD_DD		BIT(0)
#define HWL_RXD_EOP		BIT(1)
#define HWL_RXD_IXSM		BIT(2)
#define HWL_RXD_VP		BIT(3)
#define HWL_RXD_UDPCS		BIT(4)
#define HWL_RXD_TCPCS		BIT(5)
#define HWL_RXD_IPCS		BIT(6)
#define HWL_RXD_TST		BIT(8)
#define HWL_RXD_CE		BIT(24)	/* bad FCS */
#define HWL_RXD_SE		BIT(25)	/* symbol error */
#define HWL_RXD_SEQ		BIT(26)	/* sequence error */
#define HWL_RXD_CXE		BIT(28)	/* carrier extension error */
#define HWL_RXD_TCPE		BIT(29)	/* TCP or UDP checksum is wrong */
#define HWL_RXD_IPE		BIT(30)	/* IPv4 header checksum is wrong */
#define HWL_RXD_RXE		BIT(31)	/* data error */

/* The frame is damaged: the device stores such frames only with RCTL.SBP. */
#define HWL_RXD_FRAME_ERR	(HWL_RXD_CE | HWL_RXD_SE | HWL_RXD_SEQ | \
				 HWL_RXD_CXE | HWL_RXD_RXE)

/* Type of the RSS hash (mrq 3:0). */
enum hwl_rss_type {
	HWL_RSS_NONE		= 0,
	HWL_RSS_TCP_IPV4	= 1,
	HWL_RSS_IPV4		= 2,
	HWL_RSS_TCP_IPV6EX	= 3,
	HWL_RSS_IPV6EX		= 4,
	HWL_RSS_IPV6		= 5,
};

/* Verdict of the receive checksum engine. */
enum hwl_rx_csum {
	HWL_RX_CSUM_NONE,	/* not checked: the stack does it */
	HWL_RX_CSUM_GOOD,
	HWL_RX_CSUM_BAD,
};

/**
 * hwl_rx_desc_post() - hand a buffer to the device
 * @desc: the slot
 * @addr: DMA address of the buffer
 */
static inline void hwl_rx_desc_post(union hwl_rx_desc *desc, u64 addr)
{
	desc->read.addr = cpu_to_le64(addr);
	desc->read.rsvd = 0;
}

/**
 * hwl_rx_csum() - decode the checksum verdict
 * @status: status word of the last descriptor of a frame
 *
 * Return: what to tell the stack. A bad frame is the stack's to judge, too: it
 * goes up without a verdict.
 */
static inline enum hwl_rx_csum hwl_rx_csum(u32 status)
{
	if (status & HWL_RXD_IXSM)
		return HWL_RX_CSUM_NONE;
	if (status & (HWL_RXD_TCPE | HWL_RXD_IPE))
		return HWL_RX_CSUM_BAD;
	if (status & (HWL_RXD_TCPCS | HWL_RXD_UDPCS))
		return HWL_RX_CSUM_GOOD;
	return HWL_RX_CSUM_NONE;
}

#endif /* HWL_DESC_H */
