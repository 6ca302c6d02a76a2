// SPDX-License-Identifier: GPL-2.0
/*
 * What a received frame is: does it pass the filters, has it a tag, are its
 * checksums right, which queue is it for.
 *
 * Sources: Linux mac.c (multicast hash), FreeBSD if_em.c (RSS with two
 * queues), Microsoft's RSS specification (Toeplitz).
 */
#include <string.h>

#include "model.h"

static u32 be16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

static bool tagged(const struct dev *dev, const struct frame *f)
{
	return f->len >= 18 && be16(f->data + 12) == rd(dev, VET);
}

/* ---- Filters ---- */

bool rx_own_address(const struct dev *dev, const u8 *mac)
{
	u32 low = mac[0] | (u32)mac[1] << 8 | (u32)mac[2] << 16 | (u32)mac[3] << 24;
	u32 high = mac[4] | (u32)mac[5] << 8;
	int i;

	for (i = 0; i < RAR_ENTRIES; i++)
		if (rd(dev, RAH(i)) & RAH_AV && rd(dev, RAL(i)) == low &&
		    (rd(dev, RAH(i)) & 0xFFFF) == high)
			return true;
	return false;
}

static bool match_multicast(const struct dev *dev, const u8 *mac)
{
	static const u8 shifts[] = { 4, 5, 6, 8 };
	u32 s = shifts[rd(dev, RCTL) >> 12 & 3];
	u32 hash = ((u32)mac[4] >> (8 - s) | (u32)mac[5] << s) & 0xFFF;

	return rd(dev, MTA + 4 * (hash >> 5)) >> (hash & 31) & 1;
}

static bool match_vlan(const struct dev *dev, const struct frame *f)
{
	u32 rctl = rd(dev, RCTL), tci, vid;

	if (!(rctl & RCTL_VFE) || !tagged(dev, f))
		return true;
	tci = be16(f->data + 14);
	vid = tci & 0xFFF;
	if (rctl & RCTL_CFIEN && (tci >> 12 & 1) != (rctl & RCTL_CFI ? 1U : 0U))
		return false;
	return rd(dev, VFTA + 4 * (vid >> 5)) >> (vid & 31) & 1;
}

bool rx_accept(struct dev *dev, const struct frame *f)
{
	static const u8 broadcast[6] = { 255, 255, 255, 255, 255, 255 };
	u32 rctl = rd(dev, RCTL);
	const u8 *mac = f->data;
	bool good;

	if (!memcmp(mac, broadcast, 6))
		good = rctl & (RCTL_BAM | RCTL_MPE);
	else if (mac[0] & 1)
		good = rctl & RCTL_MPE || match_multicast(dev, mac) || rx_own_address(dev, mac);
	else
		good = rctl & RCTL_UPE || rx_own_address(dev, mac);
	return good && match_vlan(dev, f);
}

/* ---- Headers ---- */

struct headers {
	u32 l3, l4, end;	/* offsets; 0: there is none */
	bool v4, v6, tcp, udp, fragment;
};

static void parse_v4(const struct frame *f, struct headers *h)
{
	const u8 *ip = f->data + h->l3;
	u32 ihl, len;

	if (f->len < h->l3 + 20 || ip[0] >> 4 != 4)
		return;
	ihl = (ip[0] & 15U) * 4;
	len = be16(ip + 2);
	if (ihl < 20 || len < ihl || h->l3 + len > f->len)
		return;
	h->v4 = true;
	h->end = h->l3 + len;
	h->fragment = be16(ip + 6) & 0x3FFF;
	h->l4 = h->l3 + ihl;
	h->tcp = ip[9] == 6;
	h->udp = ip[9] == 17;
}

static void parse_v6(const struct frame *f, struct headers *h)
{
	const u8 *ip = f->data + h->l3;
	u32 len;

	if (f->len < h->l3 + 40 || ip[0] >> 4 != 6)
		return;
	len = be16(ip + 4);
	if (h->l3 + 40 + len > f->len)
		return;
	h->v6 = true;
	h->end = h->l3 + 40 + len;
	h->l4 = h->l3 + 40;
	h->tcp = ip[6] == 6;
	h->udp = ip[6] == 17;
}

static void parse(const struct dev *dev, const struct frame *f, struct headers *h)
{
	u32 at = tagged(dev, f) ? 16 : 12, type;

	memset(h, 0, sizeof(*h));
	if (f->len < at + 2)
		return;
	type = be16(f->data + at);
	h->l3 = at + 2;
	if (type == 0x0800)
		parse_v4(f, h);
	else if (type == 0x86DD)
		parse_v6(f, h);
	if (h->tcp && h->end < h->l4 + 20)
		h->tcp = false;
	if (h->udp && h->end < h->l4 + 8)
		h->udp = false;
}

/* ---- Checksums ---- */

static bool l4_good(const struct frame *f, const struct headers *h)
{
	const u8 *ip = f->data + h->l3;
	u32 len = h->end - h->l4, sum;

	sum = h->v4 ? sum_bytes(ip + 12, 8, 0) : sum_bytes(ip + 8, 32, 0);
	sum += (h->tcp ? 6U : 17U) + len;
	return sum_fold(sum_bytes(f->data + h->l4, len, sum)) == 0xFFFF;
}

/* What was looked at, and is wrong; 0: nothing was. */
static u32 checksum_status(const struct dev *dev, const struct frame *f,
			   const struct headers *h)
{
	u32 rxcsum = rd(dev, RXCSUM), status = 0;

	if (h->v4 && rxcsum & RXCSUM_IPOFL) {
		status |= RXD_IPCS;
		if (sum_fold(sum_bytes(f->data + h->l3, h->l4 - h->l3, 0)) != 0xFFFF)
			status |= RXD_IPE;
	}
	if (!(h->tcp || h->udp) || h->fragment || !(rxcsum & RXCSUM_TUOFL))
		return status;
	if (h->udp && h->v4 && !be16(f->data + h->l4 + 6))
		return status;		/* none was sent */
	status |= h->tcp ? RXD_TCPCS : RXD_UDPCS;
	if (!l4_good(f, h))
		status |= RXD_TCPE;
	return status;
}

/* ---- RSS ---- */

static u32 toeplitz(const struct dev *dev, const u8 *data, u32 len)
{
	const u8 *key = (const u8 *)&dev->reg[RSSRK / 4];	/* little-endian */
	u32 window = (u32)key[0] << 24 | (u32)key[1] << 16 | (u32)key[2] << 8 | key[3];
	u32 hash = 0, i, bit;

	for (i = 0; i < len; i++) {
		for (bit = 0; bit < 8; bit++) {
			if (data[i] & (0x80 >> bit))
				hash ^= window;
			window = window << 1 | (key[i + 4] >> (7 - bit) & 1U);
		}
	}
	return hash;
}

static void rss(const struct dev *dev, struct frame *f, const struct headers *h)
{
	static const u32 l4_bit[] = { BIT32(16), BIT32(18) };
	u32 mrqc = rd(dev, MRQC), n;
	bool ports = h->tcp && !h->fragment && mrqc & l4_bit[h->v6];
	u8 input[36];

	if (h->v4 && (ports || mrqc & BIT32(17)))
		f->rss_type = ports ? 1 : 2;
	else if (h->v6 && (ports || mrqc & (BIT32(19) | BIT32(20))))
		f->rss_type = ports ? 3 : mrqc & BIT32(20) ? 5 : 4;
	else
		return;
	n = h->v4 ? 8 : 32;
	memcpy(input, f->data + h->l3 + (h->v4 ? 12 : 8), n);
	if (ports) {
		memcpy(input + n, f->data + h->l4, 4);
		n += 4;
	}
	f->hash = toeplitz(dev, input, n);
	if ((mrqc & 3) == 1)
		f->queue = ((const u8 *)&dev->reg[RETA / 4])[f->hash & 0x7F] >> 7;
}

/* A segment that only acknowledges. */
static bool is_ack(const struct frame *f, const struct headers *h)
{
	return h->tcp && !h->fragment &&
	       h->end == h->l4 + (f->data[h->l4 + 12] >> 4) * 4U &&
	       (f->data[h->l4 + 13] & 0x17) == 0x10;
}

/* ---- The whole ---- */

static u32 crc32(const u8 *data, u32 len)
{
	u32 crc = ~0U, i, bit;

	for (i = 0; i < len; i++) {
		crc ^= data[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320U : 0);
	}
	return ~crc;
}

/* Frames from the wire have room for four octets behind them. */
static void append_fcs(struct frame *f)
{
	u32 crc = crc32(f->data, f->len) ^ (f->flags & FRAME_CRC ? 1 : 0);

	memcpy(f->data + f->len, &crc, 4);
	f->len += 4;
}

void rx_classify(struct dev *dev, struct frame *f)
{
	struct headers h;

	parse(dev, f, &h);
	f->status |= checksum_status(dev, f, &h) ? : RXD_IXSM;
	rss(dev, f, &h);
	if (is_ack(f, &h) && erratum(dev, ERR_ACK) && !(rd(dev, RFCTL) & RFCTL_ACK_DIS))
		irq_raise(dev, INT_ACK);
	if (!(rd(dev, RCTL) & RCTL_SECRC))
		append_fcs(f);
	if (rd(dev, CTRL) & CTRL_VME && tagged(dev, f)) {
		f->vlan = (u16)be16(f->data + 14);
		f->status |= RXD_VP;
		memmove(f->data + 12, f->data + 16, f->len - 16);
		f->len -= 4;
	}
}
