// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration space: identity, BARs, capabilities, power states.
 *
 * QEMU's vfio keeps addresses in BARs and the MSI-X table to itself; what it
 * passes on is kept here. Capability offsets are those that public drivers'
 * logs show; a driver walks the list anyway.
 */
#include <string.h>

#include "model.h"

#define PCI_COMMAND	0x04
#define  COMMAND_MEMORY	0x0002
#define  COMMAND_MASTER	0x0004
#define  COMMAND_NO_INTX	0x0400
#define CAP_MSIX	0xA0
#define CAP_PM		0xC8
#define  PM_CSR		(CAP_PM + 4)
#define  PM_PME_EN	0x0100
#define  PM_PME_STATUS	0x8000	/* cleared by a one */
#define CAP_MSI		0xD0
#define CAP_PCIE	0xE0
#define  PCIE_DEVCTL	(CAP_PCIE + 0x08)
#define  PCIE_LNKCTL	(CAP_PCIE + 0x10)
#define CAP_AER		0x100
#define CAP_DSN		0x140

static void put16(struct dev *dev, u32 off, u16 value)
{
	memcpy(dev->config + off, &value, 2);
}

static void put32(struct dev *dev, u32 off, u32 value)
{
	memcpy(dev->config + off, &value, 4);
}

static u16 get16(const struct dev *dev, u32 off)
{
	u16 value;

	memcpy(&value, dev->config + off, 2);
	return value;
}

/* Bytes that software can change: offset, length, mask (of each dword). */
static const struct {
	u32 off;
	u32 mask;
} writable[] = {
	{ PCI_COMMAND, 0x00000547 },
	{ 0x0C, 0x000000FF },
	{ 0x10, 0xFFFE0000 },		/* BAR 0: 128 KiB */
	{ 0x14, 0xFFFE0000 },		/* BAR 1: 128 KiB of flash */
	{ 0x18, 0xFFFFFFE0 },		/* BAR 2: 32 bytes of I/O */
	{ 0x1C, 0xFFFFC000 },		/* BAR 3: 16 KiB, MSI-X */
	{ 0x3C, 0x000000FF },
	{ CAP_MSIX, 0xC0000000 },
	{ PM_CSR, 0x00000103 },
	{ CAP_MSI, 0x00710000 },
	{ CAP_MSI + 4, 0xFFFFFFFC },
	{ CAP_MSI + 8, 0xFFFFFFFF },
	{ CAP_MSI + 12, 0x0000FFFF },
	{ PCIE_DEVCTL, 0x00007FFF },
	{ PCIE_LNKCTL, 0x000001FB },
	{ CAP_AER + 8, 0xFFFFFFFF },
	{ CAP_AER + 12, 0xFFFFFFFF },
	{ CAP_AER + 20, 0xFFFFFFFF },
	{ CAP_AER + 24, 0x00000140 },
};

static void pcie_capabilities(struct dev *dev)
{
	put16(dev, CAP_PM, 0xD001);
	put16(dev, CAP_PM + 2, 0xC822);	/* version 2, PME from D0, D3hot, D3cold */
	put16(dev, CAP_MSI, 0xE005);
	put16(dev, CAP_MSI + 2, 0x0080);	/* one message, 64 bits */
	put16(dev, CAP_PCIE, 0xA010);
	put16(dev, CAP_PCIE + 2, 0x0001);	/* version 1, endpoint */
	put32(dev, CAP_PCIE + 4, 0x00008CC1);	/* payload of 256, role-based errors */
	put16(dev, PCIE_DEVCTL, 0x2810);
	put32(dev, CAP_PCIE + 12, 0x00031C11);	/* x1, 2.5 GT/s, ASPM L0s and L1 */
	put16(dev, PCIE_LNKCTL, 0x0003);	/* as a BIOS may have left it */
	put16(dev, PCIE_LNKCTL + 2, 0x1011);
	put16(dev, CAP_MSIX, 0x0011);
	put16(dev, CAP_MSIX + 2, (u16)(dev->opt.vectors - 1));
	put32(dev, CAP_MSIX + 4, 0x00000003);	/* table: BAR 3, offset 0 */
	put32(dev, CAP_MSIX + 8, 0x00002003);	/* pending bits: BAR 3, 0x2000 */
	put32(dev, CAP_AER, 0x14010001);
	put32(dev, CAP_AER + 8, 0x00000000);
	put32(dev, CAP_AER + 12, 0x00062011);
	put32(dev, CAP_AER + 20, 0x00002000);
	put32(dev, CAP_DSN, 0x00010003);
	put32(dev, CAP_DSN + 4, 0xFF000000U | (u32)dev->opt.mac[3] << 16 |
	      (u32)dev->opt.mac[4] << 8 | dev->opt.mac[5]);
	put32(dev, CAP_DSN + 8, (u32)dev->opt.mac[0] << 24 |
	      (u32)dev->opt.mac[1] << 16 | (u32)dev->opt.mac[2] << 8 | 0xFF);
}

void pcie_init(struct dev *dev)
{
	memset(dev->config, 0, sizeof(dev->config));
	put16(dev, 0x00, 0x8086);
	put16(dev, 0x02, 0x10D3);
	put16(dev, 0x06, 0x0010);		/* status: capabilities */
	put32(dev, 0x08, 0x02000000);		/* Ethernet controller, revision 0 */
	put32(dev, 0x18, 0x00000001);
	put32(dev, 0x2C, 0xA01F8086);		/* as Intel's own adapters have it */
	dev->config[0x34] = CAP_PM;
	dev->config[0x3D] = 1;			/* INTA */
	pcie_capabilities(dev);
	dev->d3 = false;
}

/* Auxiliary power is there: what PME needs stays. */
void pcie_reset(struct dev *dev)
{
	u16 pme = get16(dev, PM_CSR) & (PM_PME_EN | PM_PME_STATUS);

	pcie_init(dev);
	put16(dev, PM_CSR, pme);
}

/* The function wants to wake the system; true if it may. */
bool pcie_pme(struct dev *dev)
{
	u16 csr = get16(dev, PM_CSR);

	put16(dev, PM_CSR, csr | PM_PME_STATUS);
	return csr & PM_PME_EN;
}

void pcie_read(struct dev *dev, u32 off, void *to, u32 len)
{
	if (fault(dev, FAULT_REMOVED))
		memset(to, 0xFF, len);
	else
		memcpy(to, dev->config + off, len);
}

/* Firmware has the device again, and nothing asks for the bus. */
static void pcie_sleep_check(struct dev *dev)
{
	if (rd(dev, CTRL_EXT) & CTRL_EXT_DRV_LOAD)
		offend(dev, OFF_SLEEP, CTRL_EXT, rd(dev, CTRL_EXT));
	else if ((tx_used(dev) || rx_used(dev)) && pcie_master(dev))
		offend(dev, OFF_SLEEP, CTRL, rd(dev, CTRL));
}

static void pcie_power(struct dev *dev)
{
	bool d3 = (get16(dev, PM_CSR) & 3) == 3;

	if (d3 == dev->d3)
		return;
	if (d3)
		pcie_sleep_check(dev);
	dev->d3 = d3;
	note(dev, "power state D%d, PME %s", d3 ? 3 : 0,
	     get16(dev, PM_CSR) & PM_PME_EN ? "enabled" : "off");
	/* No_Soft_Reset is clear: back in D0 the function is as after a reset. */
	if (!d3)
		mac_power_on(dev);
}

static u32 pcie_mask(u32 off)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(writable); i++)
		if (writable[i].off == (off & ~3U))
			return writable[i].mask;
	return 0;
}

void pcie_write(struct dev *dev, u32 off, const void *from, u32 len)
{
	bool could = pcie_intx(dev);
	const u8 *data = from;
	u8 mask;
	u32 i;

	if (fault(dev, FAULT_REMOVED))
		return;
	for (i = 0; i < len; i++) {
		mask = (u8)(pcie_mask(off + i) >> (8 * ((off + i) & 3)));
		dev->config[off + i] = (u8)((dev->config[off + i] & ~mask) |
					    (data[i] & mask));
		if (off + i == PM_CSR + 1)
			dev->config[off + i] &= (u8)~(data[i] & PM_PME_STATUS >> 8);
	}
	pcie_power(dev);
	/* A level: one that could not be told is told now. */
	if (!could && pcie_intx(dev))
		irq_unmask_line(dev);
	engine_wake(dev);
}

/* Whether the function may read and write memory, messages among that. */
bool pcie_master(const struct dev *dev)
{
	return get16(dev, PCI_COMMAND) & COMMAND_MASTER && !dev->d3 &&
	       !fault(dev, FAULT_REMOVED);
}

/* A line is asserted by a message of its own, for which the unit need not be master. */
bool pcie_intx(const struct dev *dev)
{
	return !(get16(dev, PCI_COMMAND) & COMMAND_NO_INTX) && !dev->d3 &&
	       !fault(dev, FAULT_REMOVED);
}

bool pcie_memory(const struct dev *dev)
{
	return get16(dev, PCI_COMMAND) & COMMAND_MEMORY;
}

bool pcie_aspm(const struct dev *dev)
{
	return get16(dev, PCIE_LNKCTL) & 3;
}
