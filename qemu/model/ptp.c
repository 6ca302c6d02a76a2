// SPDX-License-Identifier: GPL-2.0
/*
 * The clock, and time stamps of frames.
 *
 * SYSTIM counts TIMINCA's value each period of 40 ns (25 MHz); a read of the low
 * half latches the high one. A frame whose descriptor has TSTAMP, and a received
 * one of the kind that TSYNCRXCTL, RXMTRL and RXUDP say, has SYSTIM latched when it
 * is on the wire; VALID holds the latch until its high half is read, and no other
 * frame is stamped meanwhile.
 *
 * Sources: Linux' netdev.c and defines.h. RXSATR (who sent it) stays 0.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model.h"

/* When a frame that was stamped went out. The models of a lab share them. */
struct departure {
	u64 frame;		/* a hash of it */
	u64 at;
};

#define CLOCK_NS	40
#define CABLE_NS	500	/* a hundred metres */
#define DEPARTURES	256
#define SYSTIM_WRONG	5	/* with the erratum one read of so many is wrong */

#define TSYNC_VALID	BIT32(0)
#define TSYNC_EN	BIT32(4)

enum tsync_type {
	TSYNC_L2_V2 = 0, TSYNC_L4_V1 = 1, TSYNC_L2_L4_V2 = 2, TSYNC_ALL = 4, TSYNC_EVENT_V2 = 5,
};

/* ---- SYSTIM ---- */

static u64 systim_then(const struct dev *dev, u64 when)
{
	u32 timinca = rd(dev, TIMINCA), period = timinca >> 24;
	u64 ticks;

	if (!period || when < dev->systim_at)
		return dev->systim_base;
	ticks = (when - dev->systim_at) / CLOCK_NS / period;
	return dev->systim_base + ticks * (timinca & 0xFFFFFF);
}

static u64 systim_now(const struct dev *dev)
{
	return systim_then(dev, now_ns());
}

static void systim_set(struct dev *dev, u64 value)
{
	dev->systim_base = value;
	dev->systim_at = now_ns();
}

u32 systim_read(struct dev *dev, u32 off)
{
	u64 now = systim_now(dev);

	/* The low half latches the high one. */
	if (off == SYSTIML) {
		if (erratum(dev, ERR_SYSTIM) && ++dev->systim_reads % SYSTIM_WRONG == 0)
			now ^= 1ULL << 63;
		wr(dev, SYSTIMH, (u32)(now >> 32));
		return (u32)now;
	}
	return rd(dev, SYSTIMH);
}

void systim_write(struct dev *dev, u32 off, u32 value)
{
	u64 now = systim_now(dev);

	if (off == SYSTIML)
		systim_set(dev, (now & ~0xFFFFFFFFULL) | value);
	else
		systim_set(dev, (now & 0xFFFFFFFFULL) | (u64)value << 32);
}

void timinca_write(struct dev *dev, u32 off, u32 value)
{
	systim_set(dev, systim_now(dev));
	wr(dev, off, value);
}

/* ---- Departures ---- */

/*
 * What lies between two models takes a frame milliseconds, and never the same. So
 * the sender notes when a stamped frame left, and for the receiver it arrives a
 * short cable later.
 */
int ptp_open(struct dev *dev)
{
	int fd = open(dev->opt.times, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	size_t size = DEPARTURES * sizeof(struct departure);
	void *at = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, (off_t)size))
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED)
		return -1;
	dev->departures = at;
	return 0;
}

static u64 frame_hash(const struct frame *f)
{
	u64 hash = 0xCBF29CE484222325ULL;
	u32 i;

	for (i = 0; i < f->len; i++)
		hash = (hash ^ f->data[i]) * 0x100000001B3ULL;
	return hash;
}

static void departed(struct dev *dev, const struct frame *f, u64 now)
{
	u64 hash;

	if (!dev->departures)
		return;
	hash = frame_hash(f);
	__atomic_store_n(&dev->departures[hash % DEPARTURES].at, now, __ATOMIC_RELAXED);
	__atomic_store_n(&dev->departures[hash % DEPARTURES].frame, hash, __ATOMIC_RELEASE);
}

static u64 arrival(const struct dev *dev, const struct frame *f)
{
	const struct departure *d;
	u64 now = now_ns(), at;

	if (!dev->departures)
		return now;
	d = &dev->departures[frame_hash(f) % DEPARTURES];
	if (__atomic_load_n(&d->frame, __ATOMIC_ACQUIRE) != frame_hash(f))
		return now;
	at = __atomic_load_n(&d->at, __ATOMIC_RELAXED) + CABLE_NS;
	return at <= now && now - at < NS_PER_S ? at : now;
}

/* ---- The latches ---- */

/* @low: TXSTMPL or RXSTMPL. */
static void latch(struct dev *dev, u32 ctl, u32 low, u64 when)
{
	u64 now = systim_then(dev, when);

	wr(dev, low, (u32)now);
	wr(dev, low + 4, (u32)(now >> 32));
	wr(dev, ctl, rd(dev, ctl) | TSYNC_VALID);
}

u32 stamp_read(struct dev *dev, u32 off)
{
	u32 ctl = off == TXSTMPH ? TSYNCTXCTL : TSYNCRXCTL;

	wr(dev, ctl, rd(dev, ctl) & ~TSYNC_VALID);
	return rd(dev, off);
}

static bool latch_free(const struct dev *dev, u32 ctl)
{
	return (rd(dev, ctl) & (TSYNC_EN | TSYNC_VALID)) == TSYNC_EN;
}

void ptp_sent(struct dev *dev, const struct frame *f)
{
	u64 now = now_ns();

	if (!(f->flags & FRAME_STAMP) || !latch_free(dev, TSYNCTXCTL) ||
	    fault(dev, FAULT_NO_STAMP))
		return;
	latch(dev, TSYNCTXCTL, TXSTMPL, now);
	departed(dev, f, now);
}

/* ---- Which frames are of PTP ---- */

static u32 be16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

/* Where the message begins behind UDP, or 0: not to PTP's port. */
static u32 udp_message(const struct dev *dev, const struct frame *f, u32 at, u32 type)
{
	u32 port = be16((const u8 *)&dev->reg[RXUDP / 4]), l4;

	if (type == 0x0800 && f->len >= at + 20 && f->data[at + 9] == 17)
		l4 = at + (f->data[at] & 15U) * 4;
	else if (type == 0x86DD && f->len >= at + 40 && f->data[at + 6] == 17)
		l4 = at + 40;
	else
		return 0;
	return f->len >= l4 + 8 + 34 && be16(f->data + l4 + 2) == port ? l4 + 8 : 0;
}

static bool wanted_v2(const struct dev *dev, const u8 *message)
{
	u32 kind = message[0] & 15, asked = rd(dev, RXMTRL) >> 24 & 15;

	if ((message[1] & 15) != 2)
		return false;
	if ((rd(dev, TSYNCRXCTL) >> 1 & 7) == TSYNC_EVENT_V2)
		return kind < 4;
	/* Peer delay requests and responses, too (Linux). */
	return kind == asked || kind == 2 || kind == 3;
}

static bool wanted(const struct dev *dev, const struct frame *f)
{
	u32 kind = rd(dev, TSYNCRXCTL) >> 1 & 7, at = 14, type = be16(f->data + 12), message;

	if (kind == TSYNC_ALL)
		return true;
	if (type == 0x8100) {
		type = be16(f->data + 16);
		at = 18;
	}
	if (type == (rd(dev, RXMTRL) & 0xFFFF))
		return kind != TSYNC_L4_V1 && f->len >= at + 34 && wanted_v2(dev, f->data + at);
	message = udp_message(dev, f, at, type);
	if (!message)
		return false;
	if (kind == TSYNC_L4_V1)
		return (f->data[message + 1] & 15) == 1 &&
		       f->data[message + 32] == (rd(dev, RXMTRL) >> 16 & 0xFF);
	return kind != TSYNC_L2_V2 && wanted_v2(dev, f->data + message);
}

void ptp_arrived(struct dev *dev, struct frame *f)
{
	if (!latch_free(dev, TSYNCRXCTL) || f->len < 60 || !wanted(dev, f))
		return;
	latch(dev, TSYNCRXCTL, RXSTMPL, arrival(dev, f));
	f->status |= RXD_TST;
	/* It is lost on its way to memory. */
	if (fault_use(dev, FAULT_LOST_STAMP))
		f->status &= ~RXD_TST;
}

void ptp_reset(struct dev *dev)
{
	systim_set(dev, 0);
}
