// SPDX-License-Identifier: GPL-2.0
/*
 * The cable and the partner at its other end.
 *
 * Frames travel over a stream socket, each after its length in four octets in
 * network order, which is what QEMU's "-netdev stream" speaks. They take the
 * time that the link's speed gives them. The partner negotiates, obeys and
 * sends pause frames, and damages frames when told to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "model.h"

#define PREAMBLE_GAP	20	/* octet times: preamble, delimiter, gap */
#define FCS_LEN		4
#define MIN_FRAME	60	/* without FCS: partners pad, and throw away what is shorter */
#define SHORT_FRAME	40	/* what damage makes of frames */
#define LONG_FRAME	9300
#define WIRE_SLACK	(500 * NS_PER_US)

/* How long a frame occupies the wire. */
u64 wire_time(const struct dev *dev, u32 len)
{
	u32 octets = (len < MIN_FRAME ? MIN_FRAME : len) + FCS_LEN + PREAMBLE_GAP;

	return (u64)octets * 8 * 1000 / (u32)mac_speed(dev) * dev->wire.scale / 100;
}

/* What is sent at one end is understood at the other. */
static bool wire_passes(struct dev *dev)
{
	return phy_passes(dev) && !mac_mismatch(dev);
}

/* ---- Out ---- */

/* Give the socket what it has not taken; true once all is gone. */
bool wire_flush(struct dev *dev)
{
	struct wire *w = &dev->wire;
	ssize_t n;

	while (w->out_at < w->out_len) {
		if (w->fd < 0)
			break;
		n = send(w->fd, w->out + w->out_at, w->out_len - w->out_at,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n < 0)
			break;
		w->out_at += (size_t)n;
	}
	w->out_len = 0;
	w->out_at = 0;
	return true;
}

/* Takes the frame. The buffer is empty: wire_flush() said so. */
bool wire_send(struct dev *dev, struct frame *frame)
{
	struct wire *w = &dev->wire;
	u32 be = htonl(frame->len);

	w->sent++;
	if (!wire_passes(dev)) {
		w->no_link++;
	} else if (frame->flags & FRAME_BAD_FCS) {
		w->bad_fcs++;
	} else if (frame->len < MIN_FRAME) {
		w->runts++;
	} else if (frame->len <= FRAME_MAX) {
		memcpy(w->out, &be, 4);
		memcpy(w->out + 4, frame->data, frame->len);
		w->out_len = 4 + frame->len;
		wire_flush(dev);
	}
	free(frame);
	return true;
}

/* A pause frame of ours reaches the partner. */
void wire_pause(struct dev *dev, u32 quanta)
{
	struct wire *w = &dev->wire;

	w->pauses++;
	if (!w->obeys)
		return;
	w->partner_paused = now_ns() + mac_pause_ns(dev, quanta) * w->scale / 100;
	pthread_cond_signal(&dev->arrive);
}

void wire_plug(struct dev *dev, bool plugged)
{
	if (plugged == dev->wire.plugged)
		return;
	dev->wire.plugged = plugged;
	phy_renegotiate(dev);
}

/* ---- In ---- */

static bool read_all(int fd, void *to, size_t len)
{
	u8 *at = to;
	ssize_t n;

	while (len) {
		n = recv(fd, at, len, 0);
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static struct frame *wire_read(int fd)
{
	struct frame *f;
	u32 len;

	if (!read_all(fd, &len, 4))
		return NULL;
	len = ntohl(len);
	if (len > FRAME_MAX)
		return NULL;
	f = frame_new(len < MIN_FRAME ? MIN_FRAME : len);
	if (!read_all(fd, f->data, len)) {
		free(f);
		return NULL;
	}
	return f;
}

/*
 * When the partner may send. While the device is about to repeat its XOFF, not
 * before: on a busy machine the repetition may be late, on silicon it is not.
 */
static u64 wire_may(const struct dev *dev)
{
	const struct wire *w = &dev->wire;

	if (w->obeys && rd(dev, STATUS) & STATUS_LU && timer_armed(dev, TIMER_XOFF))
		return now_ns() + NS_PER_MS;
	return w->rx_free > w->partner_paused ? w->rx_free : w->partner_paused;
}

static void wire_wait(struct dev *dev)
{
	struct timespec ts;
	u64 until;

	for (;;) {
		until = wire_may(dev);
		if (until <= now_ns() || dev->quit)
			return;
		ts.tv_sec = (time_t)(until / NS_PER_S);
		ts.tv_nsec = (long)(until % NS_PER_S);
		pthread_cond_timedwait(&dev->arrive, &dev->lock, &ts);
	}
}

static struct frame *wire_damage(struct wire *w, struct frame *f)
{
	struct frame *longer;

	if (!w->damage_every || ++w->seen % w->damage_every)
		return f;
	if (w->damage & FRAME_LONG) {
		longer = frame_new(LONG_FRAME);
		memcpy(longer->data, f->data, f->len < LONG_FRAME ? f->len : LONG_FRAME);
		free(f);
		f = longer;
	} else if (w->damage & FRAME_SHORT) {
		f->len = SHORT_FRAME;
	}
	f->flags |= w->damage;
	f->data[f->len - 1] ^= 0xFF;
	return f;
}

/* A frame of the partner's gets to the MAC. */
static bool wire_reaches(struct dev *dev)
{
	return dev->phy.link && rd(dev, STATUS) & STATUS_LU && !phy_loopback(dev) &&
	       !(rd(dev, RCTL) & RCTL_LBM) && wire_passes(dev);
}

/* At once, whatever else is on the way. */
void wire_partner_sends(struct dev *dev, struct frame *f)
{
	if (!wire_reaches(dev)) {
		dev->wire.no_link++;
		free(f);
		return;
	}
	dev->wire.received++;
	rx_arrive(dev, f);
}

static void wire_arrive(struct dev *dev, struct frame *f)
{
	struct wire *w = &dev->wire;
	u64 now;

	wire_wait(dev);
	now = now_ns();
	if (!wire_reaches(dev)) {
		w->no_link++;
		free(f);
		return;
	}
	if (w->rx_free + WIRE_SLACK < now)
		w->rx_free = now - WIRE_SLACK;
	w->rx_free += wire_time(dev, f->len);
	w->received++;
	rx_arrive(dev, wire_damage(w, f));
}

static int wire_accept(struct dev *dev)
{
	struct pollfd p = { .fd = dev->wire.listen_fd, .events = POLLIN };

	if (poll(&p, 1, 200) <= 0)
		return -1;
	return accept4(dev->wire.listen_fd, NULL, NULL, SOCK_CLOEXEC);
}

void *wire_thread(void *arg)
{
	struct dev *dev = arg;
	struct frame *f;
	int fd, size = 1 << 20;

	while (!__atomic_load_n(&dev->quit, __ATOMIC_RELAXED)) {
		fd = wire_accept(dev);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		dev_lock(dev);
		dev->wire.fd = fd;
		dev_unlock(dev);
		while ((f = wire_read(fd))) {
			dev_lock(dev);
			wire_arrive(dev, f);
			dev_unlock(dev);
		}
		dev_lock(dev);
		dev->wire.fd = -1;
		dev_unlock(dev);
		close(fd);
	}
	return NULL;
}

/* ---- Start ---- */

int unix_listen(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(addr.sun_path, path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 4)) {
		close(fd);
		return -1;
	}
	return fd;
}

int wire_open(struct dev *dev)
{
	dev->wire.fd = -1;
	dev->wire.listen_fd = unix_listen(dev->opt.wire);
	return dev->wire.listen_fd < 0 ? -1 : 0;
}
