// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: from the wire through filters into the packet buffer, and from
 * there into the rings.
 *
 * The wire waits for nobody. A frame that finds no descriptor stays in the
 * buffer (RNBC); one that finds the buffer full is lost (MPC, RXO). Only pause
 * frames at FCRTH slow the partner down, if it has agreed to them.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define DELAY_NS	1024
#define RXO_AGAIN	(20 * NS_PER_US)
#define FCS_LEN		4
#define STD_FRAME	1522	/* without LPE */
#define MAX_FRAME	9234	/* with it */
#define MIN_FRAME	64

static const u8 pause_address[6] = { 0x01, 0x80, 0xC2, 0x00, 0x00, 0x01 };

void rx_init(struct dev *dev)
{
	int q;

	for (q = 0; q < QUEUES; q++)
		ring_init(&dev->rx.q[q].ring, RDBAL(q));
	fifo_init(&dev->rx.pb);
	rx_reset(dev);
}

void rx_reset(struct dev *dev)
{
	struct rx *rx = &dev->rx;
	int q;

	for (q = 0; q < QUEUES; q++) {
		ring_reset(&rx->q[q].ring);
		rx->q[q].wbs = 0;
		rx->q[q].irq_due = false;
		timer_stop(dev, TIMER_RDTR + q);
		timer_stop(dev, TIMER_RADV + q);
	}
	timer_stop(dev, TIMER_XOFF);
	timer_stop(dev, TIMER_RXO);
	fifo_clear(&rx->pb);
	rx->fpd_at = 0;
	rx->xoff = false;
	rx->was_enabled = false;
	rx->dead = false;
}

/* ---- Write-back and interrupt ---- */

static int rx_number(const struct dev *dev, const struct rxq *q)
{
	return (int)(q - dev->rx.q);
}

static void rx_write_back(struct dev *dev, struct rxq *q)
{
	struct wb *wb;
	u32 i;

	/* Backwards within a split descriptor: its first half has DD. */
	for (i = 0; i < q->wbs; i++) {
		wb = &q->wb[i];
		ring_write_back(dev, &q->ring, wb->slot, &wb->was, wb->lo, wb->hi);
	}
	if (q->wbs)
		q->irq_due = true;
	q->wbs = 0;
}

static void rx_interrupt(struct dev *dev, int n)
{
	struct rxq *q = &dev->rx.q[n];

	timer_stop(dev, TIMER_RDTR + n);
	timer_stop(dev, TIMER_RADV + n);
	rx_write_back(dev, q);
	if (q->irq_due)
		irq_raise(dev, dev->irq.mode == IRQ_MSIX ? INT_RXQ(n) : INT_RXT0);
	q->irq_due = false;
}

/*
 * What is written back is in order; so one that is lost is so until the next
 * one or a forced flush. The interrupt comes as if all were well.
 */
static bool rx_write_back_fault(struct dev *dev, struct rxq *q)
{
	int n = rx_number(dev, q);

	if (!fault_use(dev, FAULT_NO_RX_WB)) {
		if (!fault(dev, FAULT_LATE_RX_WB))
			return false;
		if (!timer_armed(dev, TIMER_RDTR + n))
			timer_set(dev, TIMER_RDTR + n, now_ns() + NS_PER_US *
				  dev->fault_arg[FAULT_LATE_RX_WB], rx_interrupt, n);
	}
	irq_raise(dev, dev->irq.mode == IRQ_MSIX ? INT_RXQ(n) : INT_RXT0);
	return true;
}

/* By threshold at once, else by RDTR after the last and RADV after the first. */
static void rx_write_back_policy(struct dev *dev, struct rxq *q)
{
	int n = rx_number(dev, q);
	u32 threshold = xdctl_wthresh(rd(dev, RXDCTL(n)));
	u64 now = now_ns();

	if (rx_write_back_fault(dev, q))
		return;
	if (!rd(dev, RDTR)) {
		rx_interrupt(dev, n);
		return;
	}
	if (q->wbs >= threshold || q->wbs + 8 > ARRAY_SIZE(q->wb))
		rx_write_back(dev, q);
	timer_set(dev, TIMER_RDTR + n, now + (u64)rd(dev, RDTR) * DELAY_NS,
		  rx_interrupt, n);
	if (rd(dev, RADV) && !timer_armed(dev, TIMER_RADV + n))
		timer_set(dev, TIMER_RADV + n, now + (u64)rd(dev, RADV) * DELAY_NS,
			  rx_interrupt, n);
}

/* ---- Into the ring ---- */

static u32 rx_buffer_size(const struct dev *dev)
{
	u32 rctl = rd(dev, RCTL), bsize = rctl >> 16 & 3;

	if (rctl & RCTL_BSEX && bsize)
		return 32768U >> bsize;
	return 2048U >> bsize;
}

bool rx_split(const struct dev *dev)
{
	return RCTL_DTYP(rd(dev, RCTL)) == 1 && rd(dev, RFCTL) & RFCTL_EXTEN;
}

static void rx_put_wb(struct dev *dev, struct rxq *q, u32 slot, const struct desc *was,
		      u64 lo, u64 hi)
{
	if (q->wbs == ARRAY_SIZE(q->wb))
		rx_write_back(dev, q);
	q->wb[q->wbs++] = (struct wb){ .slot = slot, .was = *was, .lo = lo, .hi = hi };
}

static u64 rx_extended(const struct dev *dev, const struct frame *f, u32 len, u32 status,
		       u64 *lo)
{
	*lo = f->rss_type | (u64)f->queue << 8;
	if (rd(dev, RXCSUM) & RXCSUM_PCSD)
		*lo |= (u64)f->hash << 32;
	if (fault(dev, FAULT_BAD_LEN))
		len = dev->fault_arg[FAULT_BAD_LEN];
	if (fault(dev, FAULT_BAD_STATUS))
		status = dev->fault_arg[FAULT_BAD_STATUS];
	return status | (u64)(len & 0xFFFF) << 32 | (u64)f->vlan << 48;
}

/* Bits 7:0 of the status and the errors are those of the extended format. */
static u64 rx_legacy(const struct frame *f, u32 len, u32 status)
{
	u64 errors = status >> 24 & 0xFF;

	return len | (u64)(status & 0xFF) << 32 | errors << 40 | (u64)f->vlan << 48;
}

static void rx_one_buffer(struct dev *dev, struct rxq *q, const struct frame *f,
			  u32 at, u32 len, bool last)
{
	u32 status = RXD_DD | (last ? f->status | RXD_EOP : f->status & RXD_VP);
	bool extended = rd(dev, RFCTL) & RFCTL_EXTEN;
	struct desc d;
	u64 lo, hi;
	u32 slot;

	if (!ring_next(dev, &q->ring, &slot, &d))
		return;
	if (extended && d.hi & RXD_DD)
		offend(dev, OFF_DESC_DD, RDT(rx_number(dev, q)), slot);
	dma_write(dev, d.lo, f->data + at, len);
	if (extended) {
		hi = rx_extended(dev, f, len, status, &lo);
	} else {
		lo = d.lo;
		hi = rx_legacy(f, len, status);
	}
	rx_put_wb(dev, q, slot, &d, lo, hi);
}

/*
 * A split descriptor: 32 bytes, a header buffer and three pages. Headers are
 * not told from data here: all begins in the pages, HDRSP stays 0, and the
 * header buffer takes the frame's first bytes only when they fit in whole.
 */
static void rx_split_buffers(struct dev *dev, struct rxq *q, const struct frame *f)
{
	u32 psrctl = rd(dev, PSRCTL), slot[2], at = 0, len[4] = { 0 }, size, i;
	u64 addr[4], lo, hi;
	struct desc d[2];

	for (i = 0; i < 2; i++) {
		if (!ring_next(dev, &q->ring, &slot[i], &d[i]))
			return;
		addr[2 * i] = d[i].lo;
		addr[2 * i + 1] = d[i].hi;
	}
	size = PSRCTL_BSIZE0(psrctl);
	if (f->len <= size) {
		len[0] = f->len;
		dma_write(dev, addr[0], f->data, f->len);
		at = f->len;
	}
	for (i = 1; i < 4 && at < f->len; i++) {
		size = PSRCTL_BSIZE(psrctl, i);
		len[i] = f->len - at < size ? f->len - at : size;
		dma_write(dev, addr[i], f->data + at, len[i]);
		at += len[i];
	}
	hi = rx_extended(dev, f, len[0], f->status | RXD_DD | RXD_EOP, &lo);
	ring_write_back(dev, &q->ring, slot[1], &d[1],
			(u64)len[1] << 16 | (u64)len[2] << 32 | (u64)len[3] << 48, 0);
	rx_put_wb(dev, q, slot[0], &d[0], lo, hi);
}

static u32 rx_needs(const struct dev *dev, const struct frame *f)
{
	u32 size = rx_buffer_size(dev);

	return rx_split(dev) ? 2 : (f->len + size - 1) / size;
}

static void rx_deliver(struct dev *dev, struct rxq *q, struct frame *f)
{
	u32 size = rx_buffer_size(dev), at, len;

	fault_data(dev, f->data, f->len);
	if (rx_split(dev)) {
		rx_split_buffers(dev, q, f);
	} else {
		for (at = 0; at < f->len; at += len) {
			len = f->len - at < size ? f->len - at : size;
			rx_one_buffer(dev, q, f, at, len, at + len == f->len);
		}
	}
	rx_write_back_policy(dev, q);
}

/* The threshold of RCTL.RDMTS: a half, a quarter, an eighth of the ring. */
static void rx_check_low(struct dev *dev, struct rxq *q, u32 before)
{
	u32 low = ring_count(dev, &q->ring) >> ((rd(dev, RCTL) >> 8 & 3) + 1);

	if (before >= low && ring_left(dev, &q->ring) < low)
		irq_raise(dev, INT_RXDMT0);
}

static bool rx_deaf(const struct dev *dev)
{
	return !(rd(dev, RCTL) & RCTL_EN) || dev->rx.dead || dev->in_reset ||
	       fault(dev, FAULT_RX_HANG);
}

static bool rx_off(const struct dev *dev)
{
	return rx_deaf(dev) || dev->d3;
}

/* Enough descriptors in the chip for a frame, fetching as needed. */
static bool rx_ready(struct dev *dev, struct rxq *q, u32 needs)
{
	int n = rx_number(dev, q);
	u32 xdctl = rd(dev, RXDCTL(n));

	if (fault_at(dev, FAULT_RXQ_HANG, (u32)n))
		return false;
	ring_fetch(dev, &q->ring, xdctl);
	while (ring_cached(dev, &q->ring) < needs)
		if (!ring_fetch(dev, &q->ring, 0x3F | XDCTL_GRAN))
			return false;
	return true;
}

void rx_run(struct dev *dev)
{
	struct frame *f;
	struct rxq *q;
	u32 before;

	while ((f = dev->rx.pb.first) && !rx_off(dev) && mac_master(dev)) {
		q = &dev->rx.q[f->queue];
		before = ring_left(dev, &q->ring);
		if (!rx_ready(dev, q, rx_needs(dev, f))) {
			if (!f->no_desc)
				stat_add(dev, RNBC, 1);
			f->no_desc = true;
			break;
		}
		f = fifo_get(&dev->rx.pb);
		rx_deliver(dev, q, f);
		rx_check_low(dev, q, before);
		free(f);
	}
	rx_pause_update(dev);
}

/* ---- Pause ---- */

static void rx_send_pause(struct dev *dev, u32 quanta, u32 counter)
{
	if (!(rd(dev, STATUS) & STATUS_LU))
		return;
	wire_pause(dev, quanta);
	stat_add(dev, counter, 1);
}

static void rx_xoff(struct dev *dev, int arg)
{
	u32 quanta = rd(dev, FCTTV);

	(void)arg;
	rx_send_pause(dev, quanta, XOFFTXC);
	/* Again before that time has run out; without a link for when there is one. */
	if (quanta)
		timer_set(dev, TIMER_XOFF, now_ns() + mac_pause_ns(dev, quanta) / 2, rx_xoff, 0);
}

void rx_pause_update(struct dev *dev)
{
	struct rx *rx = &dev->rx;
	u32 high = rd(dev, FCRTH), low = rd(dev, FCRTL);

	if (!(rd(dev, CTRL) & CTRL_TFCE) || !(high & 0xFFF8)) {
		rx->xoff = false;
		timer_stop(dev, TIMER_XOFF);
		return;
	}
	if (!rx->xoff && rx->pb.bytes >= (high & 0xFFF8)) {
		rx->xoff = true;
		rx_xoff(dev, 0);
	} else if (rx->xoff && rx->pb.bytes <= (low & 0xFFF8)) {
		rx->xoff = false;
		timer_stop(dev, TIMER_XOFF);
		if (low & FCRTL_XONE)
			rx_send_pause(dev, 0, XONTXC);
	}
}

/* A pause frame; true if it ends here. */
static bool rx_paused(struct dev *dev, const struct frame *f)
{
	u32 quanta;

	if (f->len < 18 || memcmp(f->data, pause_address, 6) ||
	    f->data[12] != 0x88 || f->data[13] != 0x08)
		return false;
	if (f->data[14] || f->data[15] != 1) {
		stat_add(dev, FCRUC, 1);
		return !(rd(dev, RCTL) & RCTL_PMCF);
	}
	quanta = (u32)f->data[16] << 8 | f->data[17];
	stat_add(dev, quanta ? XOFFRXC : XONRXC, 1);
	if (rd(dev, CTRL) & CTRL_RFCE) {
		dev->tx.paused_until = now_ns() +
				       mac_pause_ns(dev, quanta) * dev->wire.scale / 100;
		if (!quanta)
			tx_wire(dev, 0);
	}
	return !(rd(dev, RCTL) & RCTL_PMCF) || rd(dev, RCTL) & RCTL_DPF;
}

/* ---- From the wire ---- */

static void rx_overrun(struct dev *dev, int arg)
{
	if (arg && !dev->rx.pb.first)
		return;
	stat_add(dev, ICRXOC, 1);
	irq_raise(dev, INT_RXO);
	if (erratum(dev, ERR_RXO_STORM))
		timer_set(dev, TIMER_RXO, now_ns() + RXO_AGAIN, rx_overrun, 1);
}

/* Damage and size; true if the frame is to be kept. */
static bool rx_good(struct dev *dev, struct frame *f)
{
	u32 total = f->len + FCS_LEN, rctl = rd(dev, RCTL);
	bool crc = f->flags & FRAME_CRC, good = true;

	/* By size first: with a bad CRC they are fragments and jabber, and no CRC errors. */
	if (total < MIN_FRAME) {
		stat_add(dev, crc ? RFC : RUC, 1);
		f->flags |= FRAME_SHORT;
		good = false;
	} else if (total > (rctl & RCTL_LPE ? MAX_FRAME : STD_FRAME)) {
		stat_add(dev, crc ? RJC : ROC, 1);
		f->flags |= FRAME_LONG;
		good = false;
	} else if (crc) {
		stat_add(dev, CRCERRS, 1);
		good = false;
	} else if (f->flags & FRAME_ALIGN) {
		stat_add(dev, ALGNERRC, 1);
		f->status |= RXD_CE;
		good = false;
	} else if (f->flags & FRAME_SYMBOL) {
		stat_add(dev, SYMERRS, 1);
		stat_add(dev, RXERRC, 1);
		f->status |= RXD_RXE;
		good = false;
	}
	if (!good && crc)
		f->status |= RXD_CE;
	return good || rctl & RCTL_SBP;
}

static bool rx_fits(const struct dev *dev, const struct frame *f)
{
	u32 size = (dev->pba & 0xFFFF) * 1024;

	return dev->rx.pb.bytes + dev->rx.pb.frames * 16 + f->len + 16 <= size;
}

void rx_arrive(struct dev *dev, struct frame *f)
{
	const struct ring *q;

	if (rx_deaf(dev)) {
		dev->wire.lost++;
		free(f);
		return;
	}
	stat_add(dev, TPR, 1);
	stat_add(dev, TORL, f->len + FCS_LEN);
	if (!rx_good(dev, f) || rx_paused(dev, f) || !rx_accept(dev, f)) {
		free(f);
		return;
	}
	if (dev->d3) {
		wake_frame(dev, f);
		free(f);
		return;
	}
	if (!rx_fits(dev, f)) {
		stat_add(dev, MPC, 1);
		dev->wire.overrun++;
		rx_overrun(dev, 0);
		free(f);
		return;
	}
	if (!(f->flags & FRAME_BAD))
		stats_rx(dev, f);
	ptp_arrived(dev, f);
	rx_classify(dev, f);
	/* More descriptors than it can hold. */
	if (rx_needs(dev, f) > RING_CACHE) {
		stat_add(dev, ROC, 1);
		free(f);
		return;
	}
	/* Behind one that waits, no less without a buffer. */
	q = &dev->rx.q[f->queue].ring;
	if (dev->rx.pb.first && dev->rx.pb.first->no_desc &&
	    ring_left(dev, q) < rx_needs(dev, f)) {
		stat_add(dev, RNBC, 1);
		f->no_desc = true;
	}
	fifo_put(&dev->rx.pb, f);
	rx_run(dev);
}

/* ---- Registers ---- */

/* Descriptors were handed over since the reset. */
bool rx_used(const struct dev *dev)
{
	return dev->rx.q[0].ring.used || dev->rx.q[1].ring.used;
}

/* The format of descriptors and the size of buffers: a ring in use has them. */
static void rx_format(struct dev *dev, u32 off, u32 value, u32 bits)
{
	if (rx_used(dev) && (rd(dev, off) ^ value) & bits)
		offend(dev, OFF_RING_LIVE, off, value);
	wr(dev, off, value);
}

void rfctl_write(struct dev *dev, u32 off, u32 value)
{
	rx_format(dev, off, value, RFCTL_EXTEN);
}

void psrctl_write(struct dev *dev, u32 off, u32 value)
{
	rx_format(dev, off, value, rx_split(dev) ? ~0U : 0);
}

void rctl_write(struct dev *dev, u32 off, u32 value)
{
	bool was = rd(dev, off) & RCTL_EN, on = value & RCTL_EN;

	rx_format(dev, off, value, on ? RCTL_FORMAT : 0);
	if (was && !on) {
		dev->rx.was_enabled = true;
		/* A reset begins with the end of DMA. */
		if (rx_used(dev) && !(rd(dev, CTRL) & CTRL_MASTER_DISABLE))
			offend(dev, OFF_RCTL_EN, off, value);
	}
	if (!was && on && dev->rx.was_enabled) {
		offend(dev, OFF_RCTL_EN, off, value);
		dev->rx.dead |= erratum(dev, ERR_RX_DISABLE);
	}
	if (!was && on)
		strict_rx_on(dev);
	engine_wake(dev);
}

/* A write to the first sets the second, too (82574 datasheet 10.2.5.11). */
void rxdctl_write(struct dev *dev, u32 off, u32 value)
{
	wr(dev, off, value);
	if (off == RXDCTL(0))
		wr(dev, RXDCTL(1), value);
}

void rdtr_write(struct dev *dev, u32 off, u32 value)
{
	int n;

	wr(dev, off, value & 0xFFFF);
	if (!(value & DELAY_FPD) || errata_flush_missed(dev, &dev->rx.fpd_at))
		return;
	for (n = 0; n < QUEUES; n++)
		rx_interrupt(dev, n);
}
