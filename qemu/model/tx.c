// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: descriptors are fetched, their data read, frames put into the
 * packet buffer, descriptors written back; the wire empties the buffer at its
 * own pace. Sources: 82583V datasheet; Linux, FreeBSD and DPDK with their reasons.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define DELAY_NS	1024		/* a unit of TIDV and TADV */
#define FRAME_OVERHEAD	16		/* per frame in the packet buffer */
#define FIFO_RESERVE	80		/* 82583V: a frame must leave that much */
#define EARLY_DD_NS	(5 * NS_PER_MS)
#define SOCKET_RETRY	(100 * NS_PER_US)
#define WIRE_SLACK	(500 * NS_PER_US)	/* made up for after a late wake-up */
#define SHORTEST	17
#define TSO_TAIL	4		/* bytes whose DD is never early */
#define HANG_FRAMES	1000

bool tx_used(const struct dev *dev)
{
	return dev->tx.q[0].ring.used || dev->tx.q[1].ring.used;
}

void tx_init(struct dev *dev)
{
	int q;

	for (q = 0; q < QUEUES; q++) {
		dev->tx.q[q].pkt = malloc(PKT_MAX);
		if (!dev->tx.q[q].pkt)
			abort();
		ring_init(&dev->tx.q[q].ring, TDBAL(q));
	}
	fifo_init(&dev->tx.fifo);
	tx_reset(dev);
}

static void tx_packet_reset(struct txq *q)
{
	q->len = 0;
	q->seg = 0;
	q->open = false;
	q->ready = false;
	q->listed = 0;
	q->late_len = 0;
}

void tx_reset(struct dev *dev)
{
	struct tx *tx = &dev->tx;
	int q;

	for (q = 0; q < QUEUES; q++) {
		ring_reset(&tx->q[q].ring);
		tx_packet_reset(&tx->q[q]);
		tx->q[q].wbs = 0;
		tx->q[q].irq_due = false;
		tx->q[q].hung = false;
		tx->q[q].after_tse = false;
		tx->q[q].credit = 0;
		timer_stop(dev, TIMER_TIDV + q);
		timer_stop(dev, TIMER_TADV + q);
	}
	timer_stop(dev, TIMER_PAUSED);
	tx->paused_until = 0;
	tx->good_until = dev->wire.sent;
	fifo_clear(&tx->fifo);
	tx->ctx[0].queue = -1;
	tx->ctx[1].queue = -1;
	tx->current = -1;
	tx->turn = 0;
	tx->fpd_at = 0;
}

u32 tx_fifo_size(const struct dev *dev)
{
	return (dev->pba >> 16) * 1024;
}

static void tx_hang(struct dev *dev, const char *why)
{
	if (!dev->tx.q[0].hung)
		note(dev, "the transmitter hangs: %s", why);
	dev->tx.q[0].hung = true;
	dev->tx.q[1].hung = true;
}

/* ---- Write-back ---- */

static int tx_number(const struct dev *dev, const struct txq *q)
{
	return (int)(q - dev->tx.q);
}

static u32 tx_wthresh(const struct dev *dev, const struct txq *q)
{
	return xdctl_wthresh(rd(dev, TXDCTL(tx_number(dev, q))));
}

static void tx_interrupt(struct dev *dev, struct txq *q)
{
	q->irq_due = false;
	irq_raise(dev, dev->irq.mode == IRQ_MSIX ? INT_TXQ(tx_number(dev, q)) : INT_TXDW);
}

static void tx_delay_expired(struct dev *dev, int n);

static void tx_delay(struct dev *dev, struct txq *q)
{
	int n = tx_number(dev, q);
	u64 now = now_ns();

	timer_set(dev, TIMER_TIDV + n, now + (u64)rd(dev, TIDV) * DELAY_NS,
		  tx_delay_expired, n);
	if (rd(dev, TADV) && !timer_armed(dev, TIMER_TADV + n))
		timer_set(dev, TIMER_TADV + n, now + (u64)rd(dev, TADV) * DELAY_NS,
			  tx_delay_expired, n);
}

/*
 * With WTHRESH 0 only descriptors with RS are written, else all; one without is
 * the host's with the next that has it. The interrupt comes at once if one had no IDE.
 */
static void tx_write_back(struct dev *dev, struct txq *q)
{
	bool all = tx_wthresh(dev, q), every = rd(dev, IVAR) & BIT32(31);
	bool now = false, later = false;
	u32 i, n = q->wbs;
	struct wb *wb;

	if (tx_number(dev, q) == 1 && rd(dev, TXDCTL(0)) != rd(dev, TXDCTL(1)) &&
	    erratum(dev, ERR_TXDCTL))
		return;
	while (n && n < ARRAY_SIZE(q->wb) && !all && !q->wb[n - 1].rs)
		n--;
	for (i = 0; i < n; i++) {
		wb = &q->wb[i];
		if (!wb->rs && !all) {
			ring_check(dev, &q->ring, wb->slot, &wb->was);
			continue;
		}
		ring_write_back(dev, &q->ring, wb->slot, &wb->was, wb->lo, wb->hi);
		if (wb->rs || every) {
			now |= !wb->ide;
			later |= wb->ide;
		}
	}
	q->wbs -= n;
	memmove(q->wb, q->wb + n, q->wbs * sizeof(*q->wb));
	if (now || (later && !rd(dev, TIDV)))
		tx_interrupt(dev, q);
	else if (later)
		q->irq_due = true;
	if (q->irq_due)
		tx_delay(dev, q);
}

static void tx_delay_expired(struct dev *dev, int n)
{
	struct txq *q = &dev->tx.q[n];

	timer_stop(dev, TIMER_TIDV + n);
	timer_stop(dev, TIMER_TADV + n);
	if (q->wbs)
		tx_write_back(dev, q);
	if (q->irq_due)
		tx_interrupt(dev, q);
}

/*
 * What was completed goes back now, or when threshold or timer say so. Without
 * IDE there is no timer: what the threshold gathers waits for more, or a flush.
 */
static void tx_write_back_policy(struct dev *dev, struct txq *q)
{
	u32 threshold = tx_wthresh(dev, q), i;
	bool rs = false, ide = true, timer = false;

	if (fault(dev, FAULT_LATE_WB)) {
		if (!timer_armed(dev, TIMER_TIDV + tx_number(dev, q)))
			timer_set(dev, TIMER_TIDV + tx_number(dev, q),
				  now_ns() + dev->fault_arg[FAULT_LATE_WB] * NS_PER_US,
				  tx_delay_expired, tx_number(dev, q));
		return;
	}
	for (i = 0; i < q->wbs; i++) {
		rs |= q->wb[i].rs;
		ide &= q->wb[i].ide || !q->wb[i].rs;
		timer |= q->wb[i].ide;
	}
	if (threshold ? q->wbs >= threshold : rs && (!ide || !rd(dev, TIDV)))
		tx_write_back(dev, q);
	else if (rd(dev, TIDV) && timer && (threshold || rs))
		tx_delay(dev, q);
}

static void tx_complete(struct dev *dev, struct txq *q)
{
	u32 i;

	for (i = 0; i < q->listed; i++) {
		if (q->wbs == ARRAY_SIZE(q->wb))
			tx_write_back(dev, q);
		if (q->wbs == ARRAY_SIZE(q->wb) || fault_use(dev, FAULT_NO_WB))
			continue;
		q->wb[q->wbs++] = q->list[i];
	}
	q->listed = 0;
	tx_write_back_policy(dev, q);
}

/* Forced by TIDV.FPD. */
void tx_flush(struct dev *dev)
{
	int n;

	for (n = 0; n < QUEUES; n++)
		tx_delay_expired(dev, n);
}

/* ---- Descriptors ---- */

/* One for both queues: erratum 10. */
struct tx_ctx *tx_ctx_of(struct dev *dev, const struct txq *q)
{
	return &dev->tx.ctx[erratum(dev, ERR_ONE_CONTEXT) ? 0 : tx_number(dev, q)];
}

static void tx_context(struct dev *dev, struct txq *q, const struct desc *d)
{
	struct tx_ctx *c = tx_ctx_of(dev, q);

	c->ipcss = (u8)d->lo;
	c->ipcso = (u8)(d->lo >> 8);
	c->ipcse = (u16)(d->lo >> 16);
	c->tucss = (u8)(d->lo >> 32);
	c->tucso = (u8)(d->lo >> 40);
	c->tucse = (u16)(d->lo >> 48);
	c->paylen = TXD_LEN(d->hi);
	c->tcp = d->hi & BIT32(24);
	c->ipv4 = d->hi & BIT32(25);
	c->hdrlen = (u8)(d->hi >> 40);
	c->mss = (u16)(d->hi >> 48);
	c->queue = tx_number(dev, q);
}

static void tx_options(struct dev *dev, struct txq *q, const struct desc *d)
{
	u32 cmd = (u32)d->hi;
	bool legacy = !(cmd & TXD_DEXT);

	if (!q->open) {
		q->tse = !legacy && cmd & TXD_TSE;
		q->ixsm = !legacy && d->hi & TXD_IXSM;
		q->txsm = !legacy && d->hi & TXD_TXSM;
		/* What comes later is for the next. */
		q->ctx = *tx_ctx_of(dev, q);
		if ((q->tse || q->ixsm || q->txsm) && q->ctx.queue != tx_number(dev, q))
			offend(dev, OFF_CONTEXT, TDT(tx_number(dev, q)),
			       (u32)q->ctx.queue);
	}
	/* Of a segmented packet the first counts, of others the last. */
	if (!q->open || !q->tse) {
		q->ifcs = cmd & TXD_IFCS;
		q->stamp = !legacy && d->hi & TXD_TSTAMP;
		q->vle = cmd & TXD_VLE;
		q->vlan = (u16)(d->hi >> 48);
	}
	q->legacy_csum = legacy && cmd & TXD_IC;
	if (legacy) {
		q->cso = (u8)(cmd >> 16);
		q->css = (u8)(d->hi >> 40);
	}
	q->open = true;
}

static void tx_read_data(struct dev *dev, struct txq *q, u64 addr, u32 len)
{
	if (len > PKT_MAX - q->len) {
		offend(dev, OFF_TX_BIG, TDT(tx_number(dev, q)), q->len + len);
		len = PKT_MAX - q->len;
	}
	dma_read(dev, addr, q->pkt + q->len, len);
	q->len += len;
}

static void tx_data(struct dev *dev, struct txq *q, const struct desc *d)
{
	u32 cmd = (u32)d->hi;
	u32 len = cmd & TXD_DEXT ? TXD_LEN(cmd) : TXD_LEGACY_LEN(cmd);
	bool only = !q->open && cmd & TXD_EOP;

	tx_options(dev, q, d);
	if (q->tse && !q->len && len < q->ctx.hdrlen)
		offend(dev, OFF_TSO, TDT(tx_number(dev, q)), len);
	/* Headers alone, at the beginning: the same erratum, by Linux. */
	if (q->tse && !q->len && len == q->ctx.hdrlen && erratum(dev, ERR_EARLY_DD))
		offend(dev, OFF_TSO_TAIL, TDT(tx_number(dev, q)), len);
	/* And of a packet of one descriptor behind a segmented one (FreeBSD, em_txrx.c). */
	if (cmd & TXD_EOP && (q->tse || (only && q->after_tse)) && len > TSO_TAIL &&
	    erratum(dev, ERR_EARLY_DD)) {
		offend(dev, OFF_TSO_TAIL, TDT(tx_number(dev, q)), len);
		q->late_addr = d->lo;
		q->late_len = len;
		q->late_at = now_ns() + EARLY_DD_NS;
		tx_complete(dev, q);
		timer_set(dev, TIMER_TX, q->late_at, tx_wire, 0);
	} else {
		tx_read_data(dev, q, d->lo, len);
	}
	q->ready = cmd & TXD_EOP;
}

/* One descriptor; false if there is none. */
static bool tx_descriptor(struct dev *dev, struct txq *q)
{
	struct wb *wb;
	struct desc d;
	u32 slot, cmd;

	if (!ring_next(dev, &q->ring, &slot, &d))
		return false;
	cmd = (u32)d.hi;
	if (q->listed == ARRAY_SIZE(q->list))
		tx_complete(dev, q);
	wb = &q->list[q->listed++];
	*wb = (struct wb){ .slot = slot, .rs = cmd & TXD_RS, .ide = cmd & TXD_IDE,
			   .was = d, .lo = d.lo, .hi = d.hi | TXD_DD };
	dev->tx.current = tx_number(dev, q);
	if (!(cmd & TXD_DEXT) || TXD_DTYP(cmd) == 1)
		tx_data(dev, q, &d);
	else if (TXD_DTYP(cmd) == 0 && !q->open)
		tx_context(dev, q, &d);
	else
		offend(dev, OFF_TDESC, TDT(tx_number(dev, q)), cmd);
	return true;
}

/* ---- Packets ---- */

static void tx_packet_end(struct dev *dev, struct txq *q, bool good)
{
	u32 payload = q->len - q->ctx.hdrlen;

	if (q->tse) {
		if (good && payload != q->ctx.paylen) {
			offend(dev, OFF_TSO, TDT(tx_number(dev, q)), payload);
			good = false;
		}
		stat_add(dev, good ? TSCTC : TSCTFC, 1);
	}
	q->after_tse = q->tse;
	tx_complete(dev, q);
	tx_packet_reset(q);
	dev->tx.current = -1;
	if (q->credit)
		q->credit--;
}

/* False if the buffer has no room for it now. */
static bool tx_room(struct dev *dev, u32 len)
{
	struct fifo *fifo = &dev->tx.fifo;
	u32 used = fifo->bytes + fifo->frames * FRAME_OVERHEAD;

	if (!fifo->frames || used + len + FRAME_OVERHEAD <= tx_fifo_size(dev))
		return true;
	if (erratum(dev, ERR_TX_FULL) && !(rd(dev, TARC(0)) & TARC_TXHANG))
		tx_hang(dev, "packet buffer full, TARC0.26 clear");
	return false;
}

static bool tx_errata(struct dev *dev, struct txq *q)
{
	const char *why;

	if (q->tse && mac_speed(dev) != 1000 && erratum(dev, ERR_TSO_SLOW))
		tx_hang(dev, "segmentation below 1000 Mb/s");
	if (q->len < SHORTEST) {
		offend(dev, OFF_SHORT, TDT(tx_number(dev, q)), q->len);
		if (erratum(dev, ERR_SHORT))
			tx_hang(dev, "a frame of less than 17 bytes");
	}
	why = errata_unmended(dev);
	if (!why)
		dev->tx.good_until = dev->wire.sent;
	else if (dev->wire.sent > dev->tx.good_until + HANG_FRAMES)
		tx_hang(dev, why);
	return q->hung;
}

/* The next frame of a packet that was read in whole. */
static bool tx_emit(struct dev *dev, struct txq *q)
{
	const struct tx_ctx *c = &q->ctx;
	u32 len = q->tse ? c->hdrlen + c->mss : q->len;
	struct frame *frame;

	if (q->late_len) {
		if (now_ns() < q->late_at)
			return false;
		tx_read_data(dev, q, q->late_addr, q->late_len);
		q->late_len = 0;
	}
	if (!q->seg && tx_errata(dev, q))
		return false;
	if (len + FIFO_RESERVE > tx_fifo_size(dev) || len > FRAME_MAX) {
		offend(dev, OFF_TX_BIG, TDT(tx_number(dev, q)), len);
		tx_packet_end(dev, q, false);
		return true;
	}
	if (!tx_room(dev, len))
		return false;
	frame = q->tse ? tx_segment(dev, q) : tx_plain(dev, q);
	if (frame) {
		if (!q->ifcs) {
			offend(dev, OFF_IFCS, TDT(tx_number(dev, q)), frame->len);
			frame->flags |= FRAME_BAD_FCS;
		}
		/* Of a segmented packet the first frame. */
		if (q->stamp)
			frame->flags |= FRAME_STAMP;
		q->stamp &= fault(dev, FAULT_STAMP_EACH);
		fifo_put(&dev->tx.fifo, frame);
		tx_wire(dev, 0);
	}
	if (!frame || !q->tse || q->seg + c->hdrlen >= q->len)
		tx_packet_end(dev, q, frame);
	return true;
}

/* ---- Arbitration ---- */

static bool tx_fault(const struct dev *dev, int n)
{
	return fault_at(dev, FAULT_TXQ_HANG, (u32)n);
}

static bool tx_has_work(const struct dev *dev, const struct txq *q)
{
	return rd(dev, TARC(tx_number(dev, q))) & TARC_ENABLE && !q->hung &&
	       !tx_fault(dev, tx_number(dev, q)) &&
	       (q->ready || ring_cached(dev, &q->ring));
}

static void tx_turn(struct dev *dev, int to)
{
	u32 bits = rd(dev, TARC(0)) & rd(dev, TARC(1));

	if ((bits & (TARC_MULTI | TARC_TXHANG)) != (TARC_MULTI | TARC_TXHANG))
		offend(dev, OFF_TARC, TARC(1), bits);
	if (!(rd(dev, TCTL) & TCTL_MULR))
		offend(dev, OFF_TARC, TCTL, rd(dev, TCTL));
	if ((bits & TARC_MULTI) != TARC_MULTI && erratum(dev, ERR_ARBITER) &&
	    tx_has_work(dev, &dev->tx.q[dev->tx.turn])) {
		note(dev, "queue %d hangs: two in use, TARC without bits 7, 25:23",
		     dev->tx.turn);
		dev->tx.q[dev->tx.turn].hung = true;
	}
	dev->tx.turn = to;
	dev->tx.q[to].credit = TARC_COUNT(rd(dev, TARC(to))) ? : 1;
}

/*
 * A queue that has begun goes on to the end of its packet, unless it has stopped.
 * One with contexts alone, and nothing behind them, lets go of its turn.
 */
static bool tx_goes_on(struct dev *dev, struct txq *q)
{
	if (q->hung || tx_fault(dev, tx_number(dev, q)))
		return false;
	if (q->open || ring_left(dev, &q->ring))
		return true;
	tx_complete(dev, q);
	dev->tx.current = -1;
	return false;
}

/* A queue keeps its turn for TARC.COUNT packets, or until it has none. */
static struct txq *tx_choose(struct dev *dev)
{
	struct tx *tx = &dev->tx;
	int other = !tx->turn;

	if (tx->current >= 0 && tx_goes_on(dev, &tx->q[tx->current]))
		return &tx->q[tx->current];
	if (tx_has_work(dev, &tx->q[other]) &&
	    (!tx_has_work(dev, &tx->q[tx->turn]) || !tx->q[tx->turn].credit))
		tx_turn(dev, other);
	return tx_has_work(dev, &tx->q[tx->turn]) ? &tx->q[tx->turn] : NULL;
}

/* There is somewhere to send to. */
static bool tx_takes(struct dev *dev)
{
	return rd(dev, STATUS) & STATUS_LU || rd(dev, RCTL) & RCTL_LBM;
}

/* One step of the engine; false if there is nothing that could be done. */
bool tx_run(struct dev *dev)
{
	struct txq *q;
	bool busy = false;
	int n;

	if (!(rd(dev, TCTL) & TCTL_EN) || dev->in_reset || dev->d3 ||
	    !mac_master(dev) || fault(dev, FAULT_TX_HANG))
		return false;
	if (!tx_takes(dev))
		return false;
	for (n = 0; n < QUEUES; n++)
		if (!tx_fault(dev, n))
			busy |= ring_fetch(dev, &dev->tx.q[n].ring, rd(dev, TXDCTL(n)));
	q = tx_choose(dev);
	if (!q)
		return busy;
	if (q->ready)
		return tx_emit(dev, q) || busy;
	return tx_descriptor(dev, q) || busy;
}

/* ---- The wire's end ---- */

static bool tx_paused(struct dev *dev)
{
	if (dev->tx.paused_until <= now_ns())
		return false;
	timer_set(dev, TIMER_PAUSED, dev->tx.paused_until, tx_wire, 0);
	return true;
}

static void tx_deliver(struct dev *dev, struct frame *frame)
{
	stats_tx(dev, frame);
	ptp_sent(dev, frame);
	if (phy_loopback(dev) || rd(dev, RCTL) & RCTL_LBM) {
		frame->flags |= FRAME_LOOP;
		rx_arrive(dev, frame);
	} else {
		wire_send(dev, frame);
	}
}

void tx_wire(struct dev *dev, int arg)
{
	struct tx *tx = &dev->tx;
	bool moved = false;
	u64 now = now_ns();

	(void)arg;
	for (;;) {
		if (!wire_flush(dev)) {
			timer_set(dev, TIMER_WIRE, now + SOCKET_RETRY, tx_wire, 0);
			break;
		}
		if (!tx->fifo.first || !tx_takes(dev) || tx_paused(dev))
			break;
		if (tx->wire_free > now) {
			timer_set(dev, TIMER_WIRE, tx->wire_free, tx_wire, 0);
			break;
		}
		if (tx->wire_free + WIRE_SLACK < now)
			tx->wire_free = now - WIRE_SLACK;
		tx->wire_free += wire_time(dev, tx->fifo.first->len);
		tx_deliver(dev, fifo_get(&tx->fifo));
		moved = true;
	}
	if (moved)
		engine_wake(dev);
}

/* ---- Registers ---- */

void tctl_write(struct dev *dev, u32 off, u32 value)
{
	bool was = rd(dev, off) & TCTL_EN;

	wr(dev, off, value);
	if (value & TCTL_EN && !was)
		strict_tx_on(dev);
	engine_wake(dev);
}

void txdctl_write(struct dev *dev, u32 off, u32 value)
{
	wr(dev, off, value);
	engine_wake(dev);
}

void tidv_write(struct dev *dev, u32 off, u32 value)
{
	wr(dev, off, value & 0xFFFF);
	if (!(value & DELAY_FPD))
		return;
	if (!errata_flush_missed(dev, &dev->tx.fpd_at))
		tx_flush(dev);
}
