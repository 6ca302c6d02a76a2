// SPDX-License-Identifier: GPL-2.0
/*
 * The NVM: words, and the registers that read and write them.
 *
 * Source: Linux nvm.c and 82571.c; the meaning of words as its defines.h has
 * them. The sum of words 0 to 0x3F is 0xBABA.
 */
#include <string.h>

#include "model.h"

#define WORD_NS		(10 * NS_PER_US)
#define WRITE_NS	(500 * NS_PER_US)
#define FLASH_NS	(20 * NS_PER_MS)
#define WORD_ADDR(v)	(((v) >> 2) & 0x3FFF)
#define CHECKSUM	0x3F
#define INIT_CONTROL_3	0x24
#define  APM_ENABLE	0x0400

static const struct {
	u8 word;
	u16 value;
} defaults[] = {
	{ 0x03, 0x0420 },	/* compatibility */
	{ 0x04, 0xF746 },	/* LEDs: the pattern that means "as usual" */
	{ 0x05, 0x2010 },	/* image version 2.1 */
	{ 0x08, 0xFFFF },
	{ 0x09, 0xFFFF },
	{ 0x0A, 0x026B },
	{ 0x0B, 0xA01F },	/* subsystem */
	{ 0x0C, 0x8086 },
	{ 0x0D, 0x10D3 },
	{ 0x0E, 0x0000 },
	{ 0x0F, 0x8058 },	/* no manageability */
	{ 0x10, 0x0000 },
	{ 0x1A, 0x5001 },
	{ 0x1B, 0x000B },	/* bits 9:7: MSI-X vectors less one */
	{ 0x23, 0x8000 },
	{ 0x24, 0x0000 },	/* no wake-up by APM */
};

static void nvm_checksum(struct dev *dev)
{
	u16 sum = 0;
	int i;

	for (i = 0; i < CHECKSUM; i++)
		sum = (u16)(sum + dev->nvm[i]);
	dev->nvm[CHECKSUM] = (u16)(0xBABA - sum);
}

void nvm_set(struct dev *dev, u32 word, u16 value)
{
	dev->nvm[word] = value;
	nvm_checksum(dev);
}

void nvm_init(struct dev *dev)
{
	const u8 *mac = dev->opt.mac;
	size_t i;

	memset(dev->nvm, 0xFF, sizeof(dev->nvm));
	for (i = 0; i < 3; i++)
		dev->nvm[i] = (u16)(mac[2 * i] | mac[2 * i + 1] << 8);
	for (i = 0; i < ARRAY_SIZE(defaults); i++)
		dev->nvm[defaults[i].word] = defaults[i].value;
	dev->nvm[0x1B] |= (u16)((dev->opt.vectors - 1) << 7);
	nvm_checksum(dev);
	memcpy(dev->flash, dev->nvm, sizeof(dev->flash));
}

/* At power-on, and when CTRL_EXT.EE_RST asks for it. */
void nvm_reload(struct dev *dev)
{
	if (dev->opt.flash)
		memcpy(dev->nvm, dev->flash, sizeof(dev->nvm));
}

/* What the hardware does itself after a reset. */
void nvm_load_mac(struct dev *dev)
{
	wr(dev, RAL(0), dev->nvm[0] | (u32)dev->nvm[1] << 16);
	wr(dev, RAH(0), dev->nvm[2] | RAH_AV);
	if (dev->nvm[INIT_CONTROL_3] & APM_ENABLE)
		wr(dev, WUC, rd(dev, WUC) | WUC_APME);
	if (dev->opt.flash)
		wr(dev, EECD, rd(dev, EECD) | 3U << 15 | EECD_AUPDEN);
}

static u32 nvm_words(const struct dev *dev)
{
	return dev->opt.flash ? NVM_WORDS : NVM_EEPROM;
}

static void nvm_access(struct dev *dev, int arg)
{
	u32 off = (u32)(dev->eerd >> 32), value = (u32)dev->eerd;
	u32 word = WORD_ADDR(value), data = 0xFFFF;

	(void)arg;
	if (off == EEWR && word < nvm_words(dev)) {
		dev->nvm[word] = (u16)(value >> 16);
		data = value >> 16;
	} else if (word < nvm_words(dev)) {
		data = dev->nvm[word];
	}
	if (off == EERD && word == CHECKSUM && !dev->nvm_read_once &&
	    erratum(dev, ERR_NVM_FIRST)) {
		dev->nvm_read_once = true;
		data ^= 0xFFFF;
	}
	wr(dev, off, data << 16 | (value & 0xFFFC) | EERD_DONE);
}

static void nvm_start(struct dev *dev, u32 off, u32 value, u64 takes)
{
	if (phy_configuring(dev) && !dev->phy.hw_reset)
		offend(dev, OFF_PHY_EARLY, off, value);
	if (timer_armed(dev, TIMER_EERD))
		offend(dev, OFF_BUSY, off, value);
	wr(dev, off, value & ~EERD_DONE);
	if (!(value & EERD_START))
		return;
	dev->eerd = (u64)off << 32 | value;
	timer_set(dev, TIMER_EERD, now_ns() + takes, nvm_access, 0);
}

void eerd_write(struct dev *dev, u32 off, u32 value)
{
	nvm_start(dev, off, value, WORD_NS);
}

void eewr_write(struct dev *dev, u32 off, u32 value)
{
	if (!(rd(dev, EXTCNF_CTRL) & EXTCNF_MDIO_SW))
		offend(dev, OFF_NVM_OWNER, off, value);
	if (rd(dev, EECD) & EECD_AUPDEN)
		offend(dev, OFF_NVM_AUPDEN, EECD, rd(dev, EECD));
	if (rd(dev, EECD) & EECD_FLUPD)
		offend(dev, OFF_BUSY, off, value);
	nvm_start(dev, off, value, WRITE_NS);
}

/*
 * The reset of the firmware, which keeps some makes of flash busy: the write that
 * allows it and the write that does it are two cycles on the bus, so there is a
 * read between them (Linux, e1000_update_nvm_checksum_82571).
 */
void hicr_write(struct dev *dev, u32 off, u32 value)
{
	if (value & HICR_FW_RESET && rd(dev, off) & HICR_FW_RESET_EN && dev->unflushed != off)
		wr(dev, FLOP, 0);
	wr(dev, off, value & ~HICR_FW_RESET);
	dev->unflushed = off;
}

static void flash_updated(struct dev *dev, int arg)
{
	(void)arg;
	/* Firmware has it, and does not let go. */
	if ((rd(dev, FLOP) & 0xFF00) == FLOP_ERASE_STM)
		return;
	memcpy(dev->flash, dev->flash_next, sizeof(dev->flash));
	wr(dev, EECD, rd(dev, EECD) & ~EECD_FLUPD);
}

/* Access is granted to who asks; a flash update takes its time. */
void eecd_write(struct dev *dev, u32 off, u32 value)
{
	u32 keep = rd(dev, off) & ~(0x00100047U | EECD_GNT);
	bool update = value & EECD_FLUPD && dev->opt.flash;

	value = (value & 0x00100047) | keep;
	if (value & EECD_REQ)
		value |= EECD_GNT;
	if (update) {
		if (keep & EECD_FLUPD || timer_armed(dev, TIMER_EERD))
			offend(dev, OFF_BUSY, off, value);
		value |= EECD_FLUPD;
		memcpy(dev->flash_next, dev->nvm, sizeof(dev->flash_next));
		timer_set(dev, TIMER_FLASH, now_ns() + FLASH_NS, flash_updated, 0);
	}
	wr(dev, off, value);
}
