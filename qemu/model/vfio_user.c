// SPDX-License-Identifier: GPL-2.0
/*
 * The transport: QEMU's vfio-user protocol, version 0.0 (the specification is
 * docs/interop/vfio-user.rst of QEMU's documentation).
 *
 * No region can be mapped, so each access arrives here, in order, writes
 * without an answer where QEMU posts them. Replies are never larger than the
 * request allows.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model.h"

enum {
	CMD_VERSION = 1,
	CMD_DMA_MAP,
	CMD_DMA_UNMAP,
	CMD_GET_INFO,
	CMD_GET_REGION_INFO,
	CMD_GET_REGION_IO_FDS,
	CMD_GET_IRQ_INFO,
	CMD_SET_IRQS,
	CMD_REGION_READ,
	CMD_REGION_WRITE,
	CMD_RESET = 13,
	CMD_WRITE_MULTI = 15,
};

#define FLAG_REPLY	0x01
#define FLAG_NO_REPLY	0x10
#define FLAG_ERROR	0x20

#define MAX_MSG		65536
#define MAX_XFER	32768
#define MAX_FDS		16

static const char capabilities[] =
	"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":32768,"
	"\"write_multiple\":true}}";

struct header {
	u16 id, cmd;
	u32 size, flags, error;
};

struct message {
	struct header h;
	u8 data[MAX_MSG];
	u32 len;		/* of data */
	int fd[MAX_FDS];
	int fds;
};

struct access {
	u64 offset;
	u32 region, count;
};

static u32 region_size(u32 index)
{
	static const u32 sizes[] = { 0x20000, 0x20000, 0x20, 0x4000 };

	if (index < ARRAY_SIZE(sizes))
		return sizes[index];
	return index == VFIO_PCI_CONFIG_REGION_INDEX ? 4096 : 0;
}

/* ---- Messages ---- */

static bool recv_fds(int sock, struct message *m)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = { &m->h, sizeof(m->h) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;
	ssize_t n;

	m->fds = 0;
	n = recvmsg(sock, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	if (n != sizeof(m->h))
		return false;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_type != SCM_RIGHTS)
			continue;
		m->fds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(m->fd, CMSG_DATA(c), (size_t)m->fds * sizeof(int));
	}
	return true;
}

static bool recv_message(int sock, struct message *m)
{
	if (!recv_fds(sock, m) || m->h.size < sizeof(m->h) ||
	    m->h.size - sizeof(m->h) > MAX_MSG)
		return false;
	m->len = m->h.size - (u32)sizeof(m->h);
	return !m->len || recv(sock, m->data, m->len, MSG_WAITALL) == (ssize_t)m->len;
}

static bool send_reply(int sock, struct message *m, u32 len, int error)
{
	size_t size = sizeof(m->h) + (error ? 0 : len);

	if (m->h.flags & FLAG_NO_REPLY)
		return true;
	m->h.flags = FLAG_REPLY | (error ? FLAG_ERROR : 0);
	m->h.error = (u32)error;
	m->h.size = (u32)size;
	/* Header and data lie side by side. */
	return send(sock, &m->h, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* ---- Regions ---- */

/* BAR 2: a window on BAR 0, address at 0 and data at 4. */
static u32 ioaddr;

static u32 io_read(struct dev *dev, u32 off)
{
	if (off == 0)
		return ioaddr;
	return ioaddr < REG_SPACE ? reg_read(dev, ioaddr & ~3U) : 0;
}

static void io_write(struct dev *dev, u32 off, u32 value)
{
	if (off == 0)
		ioaddr = value;
	else if (ioaddr < REG_SPACE)
		reg_write(dev, ioaddr & ~3U, value);
}

static int region_access(const struct access *a)
{
	u32 size = region_size(a->region);

	return a->offset >= size || a->count > size - a->offset ||
	       a->count > MAX_XFER ? EINVAL : 0;
}

static void region_read(struct dev *dev, const struct access *a, u8 *to)
{
	u32 off = (u32)a->offset, value = 0xFFFFFFFF;

	memset(to, 0xFF, a->count);
	if (a->region == VFIO_PCI_CONFIG_REGION_INDEX) {
		pcie_read(dev, off, to, a->count);
		return;
	}
	if (a->region == 0)
		value = reg_read(dev, off & ~3U);
	else if (a->region == 2)
		value = io_read(dev, off & ~3U);
	else if (a->region == 3)
		value = 0;
	value >>= 8 * (off & 3);
	memcpy(to, &value, a->count < 4 ? a->count : 4);
}

static void region_write(struct dev *dev, const struct access *a, const u8 *from)
{
	u32 value = 0;

	if (a->region == VFIO_PCI_CONFIG_REGION_INDEX) {
		pcie_write(dev, (u32)a->offset, from, a->count);
		return;
	}
	/* Registers take whole dwords only. */
	if (a->count != 4 || a->offset & 3) {
		if (a->region == 0)
			offend(dev, OFF_UNKNOWN, (u32)a->offset & ~3U, a->count);
		return;
	}
	memcpy(&value, from, 4);
	if (a->region == 0)
		reg_write(dev, (u32)a->offset, value);
	else if (a->region == 2)
		io_write(dev, (u32)a->offset, value);
}

/* ---- Commands: error, or 0 with the length of the reply in *len ---- */

static int do_version(struct message *m, u32 *len)
{
	m->data[2] = 0;
	m->data[3] = 0;
	memcpy(m->data + 4, capabilities, sizeof(capabilities));
	*len = 4 + sizeof(capabilities);
	return 0;
}

static int do_dma_map(struct dev *dev, struct message *m)
{
	struct { u32 argsz, flags; u64 offset, addr, size; } r;

	if (m->len < sizeof(r))
		return EINVAL;
	memcpy(&r, m->data, sizeof(r));
	return dma_map(dev, r.addr, r.size, r.offset, m->fds ? m->fd[0] : -1, r.flags & 2);
}

static int do_dma_unmap(struct dev *dev, struct message *m, u32 *len)
{
	struct { u32 argsz, flags; u64 addr, size; } r;

	if (m->len < sizeof(r))
		return EINVAL;
	memcpy(&r, m->data, sizeof(r));
	*len = sizeof(r);
	if (r.flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		dma_unmap_all(dev);
		return 0;
	}
	return dma_unmap(dev, r.addr, r.size);
}

static int do_get_info(struct message *m, u32 *len)
{
	u32 info[4] = { 16, VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
			VFIO_PCI_NUM_REGIONS, VFIO_PCI_NUM_IRQS };

	memcpy(m->data, info, sizeof(info));
	*len = sizeof(info);
	return 0;
}

static int do_region_info(struct message *m, u32 *len)
{
	struct vfio_region_info info;

	if (m->len < sizeof(info))
		return EINVAL;
	memcpy(&info, m->data, sizeof(info));
	if (info.index >= VFIO_PCI_NUM_REGIONS)
		return EINVAL;
	info.argsz = sizeof(info);
	info.size = region_size(info.index);
	info.flags = info.size ? VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE : 0;
	info.cap_offset = 0;
	info.offset = 0;
	memcpy(m->data, &info, sizeof(info));
	*len = sizeof(info);
	return 0;
}

static int do_irq_info(struct dev *dev, struct message *m, u32 *len)
{
	struct vfio_irq_info info;

	if (m->len < sizeof(info))
		return EINVAL;
	memcpy(&info, m->data, sizeof(info));
	info.argsz = sizeof(info);
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	info.count = 1;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	else if (info.index == VFIO_PCI_MSIX_IRQ_INDEX)
		info.count = (u32)dev->opt.vectors;
	else if (info.index != VFIO_PCI_MSI_IRQ_INDEX)
		info.count = 0;
	memcpy(m->data, &info, sizeof(info));
	*len = sizeof(info);
	return 0;
}

static void set_eventfd(struct dev *dev, u32 index, u32 vector, int fd)
{
	int *slot = &dev->irq.fd[index][vector];

	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

static void set_triggers(struct dev *dev, const struct vfio_irq_set *set, struct message *m)
{
	u32 i;

	if (!set->count && set->flags & VFIO_IRQ_SET_DATA_NONE)
		for (i = 0; i < MAX_VECTORS; i++)
			set_eventfd(dev, set->index, i, -1);
	for (i = 0; i < set->count; i++) {
		set_eventfd(dev, set->index, set->start + i, -1);
		if ((int)i < m->fds) {
			set_eventfd(dev, set->index, set->start + i, m->fd[i]);
			m->fd[i] = -1;		/* not ours to close any more */
		}
	}
	irq_set_mode(dev);
}

static int do_set_irqs(struct dev *dev, struct message *m)
{
	struct vfio_irq_set set;

	if (m->len < sizeof(set))
		return EINVAL;
	memcpy(&set, m->data, sizeof(set));
	if (set.index > VFIO_PCI_MSIX_IRQ_INDEX)
		return 0;
	if (set.count > MAX_VECTORS || set.start > MAX_VECTORS - set.count)
		return EINVAL;
	/* To be unmasked by an eventfd: without, QEMU does it by messages, with KVM, too. */
	if (set.flags & VFIO_IRQ_SET_DATA_EVENTFD &&
	    !(set.flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		return EINVAL;
	switch (set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) {
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		set_triggers(dev, &set, m);
		break;
	case VFIO_IRQ_SET_ACTION_UNMASK:
		if (set.index == VFIO_PCI_INTX_IRQ_INDEX)
			irq_unmask_line(dev);
		break;
	case VFIO_IRQ_SET_ACTION_MASK:
		if (set.index == VFIO_PCI_INTX_IRQ_INDEX)
			dev->irq.line_masked = true;
		break;
	}
	return 0;
}

/* What a message wants to read or write, if that is in a region. */
static int take_access(const struct message *m, struct access *a)
{
	if (m->len < sizeof(*a))
		return EINVAL;
	memcpy(a, m->data, sizeof(*a));
	return region_access(a);
}

static int do_read(struct dev *dev, struct message *m, u32 *len)
{
	struct access a;
	int error;

	error = take_access(m, &a);
	if (error)
		return error;
	region_read(dev, &a, m->data + sizeof(a));
	*len = sizeof(a) + a.count;
	return 0;
}

static int do_write(struct dev *dev, struct message *m, u32 *len)
{
	struct access a;
	int error;

	error = take_access(m, &a);
	if (error || a.count > m->len - sizeof(a))
		return error ? error : EINVAL;
	region_write(dev, &a, m->data + sizeof(a));
	*len = sizeof(a);
	return 0;
}

static int do_write_multi(struct dev *dev, struct message *m, u32 *len)
{
	struct { struct access a; u8 data[8]; } one;
	u64 count, i;

	if (m->len < 8)
		return EINVAL;
	memcpy(&count, m->data, 8);
	if (count > (m->len - 8) / sizeof(one))
		return EINVAL;
	for (i = 0; i < count; i++) {
		memcpy(&one, m->data + 8 + i * sizeof(one), sizeof(one));
		if (!region_access(&one.a) && one.a.count <= 8)
			region_write(dev, &one.a, one.data);
	}
	*len = 8;
	return 0;
}

static int do_reset(struct dev *dev)
{
	note(dev, "reset by the bus");
	pcie_reset(dev);
	mac_power_on(dev);
	return 0;
}

static int dispatch(struct dev *dev, struct message *m, u32 *len)
{
	*len = 0;
	switch (m->h.cmd) {
	case CMD_VERSION:
		return do_version(m, len);
	case CMD_DMA_MAP:
		return do_dma_map(dev, m);
	case CMD_DMA_UNMAP:
		return do_dma_unmap(dev, m, len);
	case CMD_GET_INFO:
		return do_get_info(m, len);
	case CMD_GET_REGION_INFO:
		return do_region_info(m, len);
	case CMD_GET_IRQ_INFO:
		return do_irq_info(dev, m, len);
	case CMD_SET_IRQS:
		return do_set_irqs(dev, m);
	case CMD_REGION_READ:
		return do_read(dev, m, len);
	case CMD_REGION_WRITE:
		return do_write(dev, m, len);
	case CMD_WRITE_MULTI:
		return do_write_multi(dev, m, len);
	case CMD_RESET:
		return do_reset(dev);
	default:
		return ENOSYS;
	}
}

/* One client, until it goes. */
int vfio_user_serve(struct dev *dev)
{
	struct message *m = calloc(1, sizeof(*m));
	int sock, listener = unix_listen(dev->opt.socket), i, error;
	u32 len;

	if (!m || listener < 0)
		return -1;
	puts("ready");
	fflush(stdout);
	sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	while (sock >= 0 && recv_message(sock, m)) {
		dev_lock(dev);
		error = dispatch(dev, m, &len);
		dev_unlock(dev);
		/* The processor waits for a read; the device goes on. */
		if (m->h.cmd == CMD_REGION_READ && dev->opt.read_us)
			usleep(dev->opt.read_us);
		for (i = 0; i < m->fds; i++)
			if (m->fd[i] >= 0)
				close(m->fd[i]);
		if (!send_reply(sock, m, len, error))
			break;
	}
	free(m);
	close(listener);
	return 0;
}
