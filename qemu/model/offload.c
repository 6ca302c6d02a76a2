// SPDX-License-Identifier: GPL-2.0
/*
 * Checksums and segmentation of transmit, by the context descriptor alone: the
 * hardware parses no headers, it trusts the offsets. A wrong context makes a
 * wrong frame. Source: 82583V datasheet, 8254x manual.
 */
#include <string.h>

#include "model.h"

#define MIN_FRAME	60	/* without FCS */
#define TCP_FLAGS	13
#define TCP_FIN		0x01
#define TCP_PSH		0x08

u32 sum_bytes(const u8 *data, u32 len, u32 sum)
{
	u32 i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (u32)data[i] << 8 | data[i + 1];
	if (len & 1)
		sum += (u32)data[len - 1] << 8;
	return sum;
}

u16 sum_fold(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return (u16)sum;
}

static void put_be16(u8 *to, u32 value)
{
	to[0] = (u8)(value >> 8);
	to[1] = (u8)value;
}

static u32 get_be16(const u8 *from)
{
	return (u32)from[0] << 8 | from[1];
}

static void put_be32(u8 *to, u32 value)
{
	put_be16(to, value >> 16);
	put_be16(to + 2, value);
}

static u32 get_be32(const u8 *from)
{
	return get_be16(from) << 16 | get_be16(from + 2);
}

/* Sum from start to end (inclusive; 0: the frame's end), result at 'at'. */
static void insert_sum(u8 *data, u32 len, u32 start, u32 end, u32 at)
{
	u32 stop = end && end + 1 < len ? end + 1 : len;

	if (start >= stop || at + 2 > len)
		return;
	put_be16(data + at, (u16)~sum_fold(sum_bytes(data + start, stop - start, 0)));
}

void tx_checksums(struct txq *q, u8 *data, u32 len)
{
	const struct tx_ctx *c = &q->ctx;

	if (q->ixsm)
		insert_sum(data, len, c->ipcss, c->ipcse, c->ipcso);
	if (q->txsm)
		insert_sum(data, len, c->tucss, c->tucse, c->tucso);
	if (q->legacy_csum && q->cso)
		insert_sum(data, len, q->css, 0, q->cso);
}

/* Tag and padding, into a new frame. */
static struct frame *tx_finish(struct dev *dev, struct txq *q, const u8 *data, u32 len)
{
	bool tag = q->vle && rd(dev, CTRL) & CTRL_VME && len >= 12;
	u32 size = len + (tag ? 4 : 0), at = 0;
	struct frame *frame;

	if (size < MIN_FRAME && !(rd(dev, TCTL) & TCTL_PSP))
		offend(dev, OFF_SHORT, TCTL, size);
	else if (size < MIN_FRAME)
		size = MIN_FRAME;
	frame = frame_new(size);
	if (tag) {
		memcpy(frame->data, data, 12);
		put_be16(frame->data + 12, rd(dev, VET));
		put_be16(frame->data + 14, q->vlan);
		at = 12;
	}
	memcpy(frame->data + at + (tag ? 4 : 0), data + at, len - at);
	return frame;
}

struct frame *tx_plain(struct dev *dev, struct txq *q)
{
	tx_checksums(q, q->pkt, q->len);
	return tx_finish(dev, q, q->pkt, q->len);
}

/* What the hardware takes; else it sends nothing and counts TSCTFC. */
static bool tso_valid(struct dev *dev, const struct txq *q)
{
	const struct tx_ctx *c = &q->ctx;

	if (c->mss > 16 && c->hdrlen >= 14 && q->len > c->hdrlen &&
	    c->tucss + (c->tcp ? 20U : 8U) <= c->hdrlen &&
	    c->ipcss + (c->ipv4 ? 20U : 40U) <= c->tucss)
		return true;
	offend(dev, OFF_TSO, TDT(c->queue > 0), (u32)c->mss << 16 | c->hdrlen);
	return false;
}

/* Network header of a segment: length, identification. */
static void tso_network(const struct tx_ctx *c, u8 *seg, u32 len, u32 number)
{
	u8 *ip = seg + c->ipcss;

	if (c->ipv4) {
		put_be16(ip + 2, len - c->ipcss);
		put_be16(ip + 4, get_be16(ip + 4) + number);
	} else {
		put_be16(ip + 4, len - c->ipcss - 40);
	}
}

/*
 * Transport header: sequence number, flags, and the length that the seeded
 * pseudo-header sum lacks.
 */
static void tso_transport(const struct tx_ctx *c, u8 *seg, u32 len, u32 done, bool last)
{
	u8 *l4 = seg + c->tucss, *sum = seg + c->tucso;

	if (c->tcp) {
		put_be32(l4 + 4, get_be32(l4 + 4) + done);
		if (!last)
			l4[TCP_FLAGS] &= (u8)~(TCP_FIN | TCP_PSH);
	} else {
		put_be16(l4 + 4, len - c->tucss);
	}
	put_be16(sum, sum_fold(get_be16(sum) + len - c->tucss));
}

/* The next segment of a packet; NULL: nothing that could be sent. */
struct frame *tx_segment(struct dev *dev, struct txq *q)
{
	const struct tx_ctx *c = &q->ctx;
	u32 payload, done = q->seg;
	u8 seg[FRAME_MAX];
	bool last;

	if (!done && !tso_valid(dev, q))
		return NULL;
	payload = q->len - c->hdrlen - done;
	last = payload <= c->mss;
	if (!last)
		payload = c->mss;
	memcpy(seg, q->pkt, c->hdrlen);
	memcpy(seg + c->hdrlen, q->pkt + c->hdrlen + done, payload);
	tso_network(c, seg, c->hdrlen + payload, done / c->mss);
	tso_transport(c, seg, c->hdrlen + payload, done, last);
	tx_checksums(q, seg, c->hdrlen + payload);
	q->seg += payload;
	return tx_finish(dev, q, seg, c->hdrlen + payload);
}
