// SPDX-License-Identifier: GPL-2.0
/*
 * DMA: the guest's memory, mapped from the files that QEMU hands over.
 *
 * What is outside of it is an offence of the driver; silicon would see an
 * unsupported request or write over somebody's memory.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model.h"

int dma_map(struct dev *dev, u64 addr, u64 size, u64 offset, int fd, bool writable)
{
	struct dma_region *r;
	void *ptr = NULL;

	if (dev->dmas == DMA_REGIONS)
		return ENOSPC;
	if (fd >= 0) {
		ptr = mmap(NULL, size, PROT_READ | (writable ? PROT_WRITE : 0),
			   MAP_SHARED, fd, (off_t)offset);
		if (ptr == MAP_FAILED)
			return errno;
	}
	r = &dev->dma[dev->dmas++];
	*r = (struct dma_region){ addr, size, ptr, writable };
	return 0;
}

static void dma_forget(struct dev *dev, int i)
{
	if (dev->dma[i].ptr)
		munmap(dev->dma[i].ptr, dev->dma[i].size);
	dev->dma[i] = dev->dma[--dev->dmas];
}

int dma_unmap(struct dev *dev, u64 addr, u64 size)
{
	int i;

	for (i = 0; i < dev->dmas; i++) {
		if (dev->dma[i].addr == addr && dev->dma[i].size == size) {
			dma_forget(dev, i);
			return 0;
		}
	}
	return ENOENT;
}

void dma_unmap_all(struct dev *dev)
{
	while (dev->dmas)
		dma_forget(dev, 0);
}

static u8 *dma_find(struct dev *dev, u64 addr, u32 len, bool write)
{
	const struct dma_region *r;
	int i;

	/* A device that may not be a bus master asks for nothing. */
	if (!mac_master(dev))
		return NULL;
	for (i = 0; i < dev->dmas; i++) {
		r = &dev->dma[i];
		if (addr >= r->addr && addr - r->addr < r->size &&
		    len <= r->size - (addr - r->addr)) {
			if (!r->ptr || (write && !r->writable))
				break;
			return r->ptr + (addr - r->addr);
		}
	}
	offend(dev, OFF_DMA, (u32)(addr >> 32), (u32)addr);
	return NULL;
}

bool dma_read(struct dev *dev, u64 addr, void *to, u32 len)
{
	const u8 *from;

	/* Nothing is no access. */
	if (!len)
		return true;
	from = dma_find(dev, addr, len, false);
	if (!from) {
		memset(to, 0xff, len);
		return false;
	}
	memcpy(to, from, len);
	return true;
}

bool dma_write(struct dev *dev, u64 addr, const void *from, u32 len)
{
	u8 *to;

	if (!len)
		return true;
	to = dma_find(dev, addr, len, true);
	if (!to)
		return false;
	memcpy(to, from, len);
	return true;
}

/* The half with DD last: what it announces must be there before it. */
bool dma_write_desc(struct dev *dev, u64 addr, u64 lo, u64 hi)
{
	u64 *to = (u64 *)(void *)dma_find(dev, addr, 16, true);

	if (!to)
		return false;
	__atomic_store_n(&to[0], lo, __ATOMIC_RELAXED);
	__atomic_store_n(&to[1], hi, __ATOMIC_RELEASE);
	return true;
}
