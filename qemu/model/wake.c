// SPDX-License-Identifier: GPL-2.0
/*
 * Wake-up: in D3 the receiver and the link look for what WUFC has enabled.
 *
 * Sources: Linux netdev.c (__e1000_shutdown()), FreeBSD e1000_defines.h; the
 * magic packet as AMD has published it: six octets of ones and the station
 * address sixteen times, anywhere behind the header of a frame that passes the
 * address filter; flexible filters as the 8254x manual has them: up to 128
 * octets from the frame's first, each of them looked at if its mask says so.
 * PME is asserted at the function's configuration space; WAKE# ends at the
 * board, which is the lab.
 */
#include <string.h>

#include "model.h"

#define MAGIC_LEN	(6 + 16 * 6)
#define ETH_HEADER	14
#define FLX_LEN		128

static bool wake_magic(const struct dev *dev, const struct frame *f)
{
	u32 low = rd(dev, RAL(0)), high = rd(dev, RAH(0)), at, i;
	u8 magic[MAGIC_LEN];

	memset(magic, 0xFF, 6);
	for (i = 6; i < MAGIC_LEN; i += 6) {
		memcpy(magic + i, &low, 4);
		memcpy(magic + i + 4, &high, 2);
	}
	for (at = ETH_HEADER; at + MAGIC_LEN <= f->len; at++)
		if (!memcmp(f->data + at, magic, MAGIC_LEN))
			return true;
	return false;
}

/* Octet i of filter n is byte n of FFVT(i), looked at if bit n of FFMT(i) says so. */
static bool wake_pattern(const struct dev *dev, const struct frame *f, int n)
{
	u32 len = rd(dev, FFLT(n)) & 0x7FF, i;

	if (!len || len > FLX_LEN || f->len < len)
		return false;
	for (i = 0; i < len; i++)
		if (rd(dev, FFMT(i)) & BIT32(n) && (rd(dev, FFVT(i)) >> 8 * n & 0xFF) != f->data[i])
			return false;
	return true;
}

static void wake(struct dev *dev, u32 causes)
{
	u32 wuc = rd(dev, WUC), armed = wuc & WUC_PME_EN ? rd(dev, WUFC) : 0;

	if (wuc & WUC_APME && wuc & WUC_APMPME)
		armed |= WAKE_MAG;
	causes &= armed;
	if (!causes)
		return;
	wr(dev, WUS, rd(dev, WUS) | causes);
	if (!pcie_pme(dev))
		return;
	dev->pmes++;
	note(dev, "PME, WUS 0x%x", rd(dev, WUS));
}

/* In D3; it has passed the filters. */
void wake_frame(struct dev *dev, const struct frame *f)
{
	static const u8 broadcast[6] = { 255, 255, 255, 255, 255, 255 };
	u32 causes = 0;
	int n;

	if (!memcmp(f->data, broadcast, 6))
		causes = WAKE_BC;
	else if (f->data[0] & 1)
		causes = WAKE_MC;
	else if (rx_own_address(dev, f->data))
		causes = WAKE_EX;
	if (wake_magic(dev, f))
		causes |= WAKE_MAG;
	for (n = 0; n < 4; n++)
		if (wake_pattern(dev, f, n))
			causes |= WAKE_FLX(n);
	wake(dev, causes);
}

/* The link has come or gone. */
void wake_link(struct dev *dev)
{
	if (dev->d3)
		wake(dev, WAKE_LNKC);
}
