// SPDX-License-Identifier: GPL-2.0
/*
 * NVM: configuration words in an EEPROM, or in flash behind a shadow RAM. All
 * functions may sleep.
 */
#include <linux/bitfield.h>
#include <linux/iopoll.h>

#include "hwl_mdio.h"
#include "hwl_nvm.h"

#define HWL_NVM_FLASH_WORDS	2048
#define HWL_NVM_WORDS_MAX	16384U
#define HWL_NVM_CHECK_TRIES	3

/**
 * hwl_nvm_no_autoupdate() - keep writes to the shadow RAM from the flash
 * @hw: the device; its NVM is flash
 * @eecd: EECD as it reads
 *
 * They must not reach it by themselves ("flash update issue", Linux). A reset
 * restores the bit from the NVM.
 *
 * Context: process.
 */
void hwl_nvm_no_autoupdate(struct hwl_hw *hw, u32 eecd)
{
	hwl_wr32(hw, HWL_EECD, eecd & ~HWL_EECD_AUPDEN);
}

/**
 * hwl_nvm_init() - detect the type and size of the NVM
 * @hw: the device
 *
 * Context: process; probe only.
 */
void hwl_nvm_init(struct hwl_hw *hw)
{
	u32 eecd = hwl_rd32(hw, HWL_EECD);

	hw->nvm_flash = FIELD_GET(HWL_EECD_NVADDS, eecd) == HWL_EECD_NVADDS_FLASH;
	if (hw->nvm_flash) {
		hw->nvm_words = HWL_NVM_FLASH_WORDS;
		hwl_nvm_no_autoupdate(hw, eecd);
	} else {
		hw->nvm_words = min(1U << (FIELD_GET(HWL_EECD_SIZE_EX, eecd) + 6),
				    HWL_NVM_WORDS_MAX);
	}
}

static int hwl_nvm_read_word(struct hwl_hw *hw, u32 word, u16 *data)
{
	u32 eerd;
	int err;

	hwl_wr32(hw, HWL_EERD, FIELD_PREP(HWL_EERD_ADDR, word) | HWL_EERD_START);
	err = read_poll_timeout(hwl_rd32, eerd, eerd & HWL_EERD_DONE,
				5, 100 * USEC_PER_MSEC, false, hw, HWL_EERD);
	if (hwl_removed(hw))
		return -ENODEV;
	if (err)
		return err;
	*data = FIELD_GET(HWL_EERD_DATA, eerd);
	return 0;
}

/* Acquire the NVM for some of its words; ended by hwl_swfw_release(). */
static int hwl_nvm_acquire(struct hwl_hw *hw, u32 word, u32 count)
{
	if (word >= hw->nvm_words || count > hw->nvm_words - word)
		return -EINVAL;
	return hwl_swfw_acquire(hw);
}

/**
 * hwl_nvm_read() - read words
 * @hw: the device
 * @word: first word
 * @count: number of words
 * @data: where they go
 *
 * Context: process.
 * Return: 0; -EINVAL beyond the end of the NVM; another negative error code
 * when the device does not answer.
 */
int hwl_nvm_read(struct hwl_hw *hw, u32 word, u32 count, u16 *data)
{
	int err;
	u32 i;

	err = hwl_nvm_acquire(hw, word, count);
	if (err)
		return err;
	for (i = 0; i < count && !err; i++)
		err = hwl_nvm_read_word(hw, word + i, &data[i]);
	hwl_swfw_release(hw);
	return err;
}

/*
 * QEMU does not update EEWR and signals completion in EERD, which on silicon
 * still has the word as it was read before: never the value being written.
 */
static bool hwl_nvm_written(struct hwl_hw *hw, u32 word, u16 data)
{
	u32 eerd = hwl_rd32(hw, HWL_EERD);

	return hwl_rd32(hw, HWL_EEWR) & HWL_EERD_DONE ||
	       (eerd & HWL_EERD_DONE && FIELD_GET(HWL_EERD_ADDR, eerd) == word &&
		FIELD_GET(HWL_EERD_DATA, eerd) == data);
}

/* Words that are right already are left alone. */
static int hwl_nvm_write_word(struct hwl_hw *hw, u32 word, u16 data)
{
	bool done;
	u16 now;
	int err;

	err = hwl_nvm_read_word(hw, word, &now);
	if (err || now == data)
		return err;

	hwl_wr32(hw, HWL_EEWR, FIELD_PREP(HWL_EERD_ADDR, word) |
			       FIELD_PREP(HWL_EERD_DATA, data) | HWL_EERD_START);
	err = read_poll_timeout(hwl_nvm_written, done, done || hwl_removed(hw),
				5, 500 * USEC_PER_MSEC, false, hw, word, data);
	if (hwl_removed(hw))
		return -ENODEV;
	if (err)
		return err;
	err = hwl_nvm_read_word(hw, word, &now);
	if (!err && now != data)
		err = -EIO;
	return err;
}

static int hwl_nvm_flash_idle(struct hwl_hw *hw)
{
	u32 eecd;

	return read_poll_timeout(hwl_rd32, eecd, !(eecd & HWL_EECD_FLUPD),
				 USEC_PER_MSEC, 2 * USEC_PER_SEC, false, hw,
				 HWL_EECD);
}

/* What was written to the shadow RAM goes to the flash behind it. */
static int hwl_nvm_commit(struct hwl_hw *hw)
{
	int err;

	if (!hw->nvm_flash)
		return 0;
	err = hwl_nvm_flash_idle(hw);
	if (err)
		return err;
	/* Flash of this make is busy with its firmware until that is reset. */
	if (FIELD_GET(HWL_FLOP_ERASE, hwl_rd32(hw, HWL_FLOP)) == HWL_FLOP_ERASE_STM) {
		/* Two cycles on the bus: that must not become one burst. */
		hwl_wr32(hw, HWL_HICR, HWL_HICR_FW_RESET_EN);
		hwl_flush(hw);
		hwl_wr32(hw, HWL_HICR, HWL_HICR_FW_RESET);
	}
	hwl_wr32(hw, HWL_EECD, hwl_rd32(hw, HWL_EECD) | HWL_EECD_FLUPD);
	return hwl_nvm_flash_idle(hw);
}

static int hwl_nvm_write_sum(struct hwl_hw *hw)
{
	u16 words[HWL_NVM_CHECKSUM + 1];
	int err = 0;
	u32 i;

	for (i = 0; i < HWL_NVM_CHECKSUM && !err; i++)
		err = hwl_nvm_read_word(hw, i, &words[i]);
	if (err)
		return err;
	words[i] = 0;
	return hwl_nvm_write_word(hw, i, HWL_NVM_CHECKSUM_SUM - hwl_nvm_sum(words));
}

/**
 * hwl_nvm_version() - get the NVM image version as text
 * @hw: the device
 * @text: where to put it
 * @size: room there
 *
 * Context: process.
 * Return: 0 or a negative error code.
 */
int hwl_nvm_version(struct hwl_hw *hw, char *text, size_t size)
{
	u16 word;
	int err;

	err = hwl_nvm_read(hw, HWL_NVM_VERSION, 1, &word);
	if (err)
		return err;
	snprintf(text, size, "%lu.%lu-%lu", FIELD_GET(HWL_NVM_VERSION_MAJOR, word),
		 FIELD_GET(HWL_NVM_VERSION_MINOR, word),
		 FIELD_GET(HWL_NVM_VERSION_ID, word));
	return 0;
}

/**
 * hwl_nvm_rom_version() - get the expansion ROM version as text
 * @hw: the device
 * @text: where to put it
 * @size: room there
 *
 * The boot agent in the flash notes its version in the NVM (I210 datasheet,
 * section 6.8.6.3; alike in all of the family).
 *
 * Context: process.
 * Return: 0; -ENOENT when there is none; another negative error code.
 */
int hwl_nvm_rom_version(struct hwl_hw *hw, char *text, size_t size)
{
	u16 word;
	int err;

	err = hwl_nvm_read(hw, HWL_NVM_ROM, 1, &word);
	if (err)
		return err;
	if (!word || word == HWL_NVM_EMPTY)
		return -ENOENT;
	snprintf(text, size, "%lu.%lu.%lu", FIELD_GET(HWL_NVM_ROM_MAJOR, word),
		 FIELD_GET(HWL_NVM_ROM_MINOR, word),
		 FIELD_GET(HWL_NVM_ROM_BUILD, word));
	return 0;
}

/**
 * hwl_nvm_write() - write words, and the checksum if it covers them
 * @hw: the device
 * @word: first word
 * @count: number of words
 * @data: the words
 *
 * The device loads them at its next reset or power-up, as each word has it.
 *
 * Context: process.
 * Return: 0; -EINVAL beyond the end of the NVM; another negative error code,
 * after which some of the words may have been written.
 */
int hwl_nvm_write(struct hwl_hw *hw, u32 word, u32 count, const u16 *data)
{
	int err;
	u32 i;

	err = hwl_nvm_acquire(hw, word, count);
	if (err)
		return err;
	for (i = 0; i < count && !err; i++)
		err = hwl_nvm_write_word(hw, word + i, data[i]);
	if (!err && word <= HWL_NVM_CHECKSUM)
		err = hwl_nvm_write_sum(hw);
	if (!err)
		err = hwl_nvm_commit(hw);
	hwl_swfw_release(hw);
	return err;
}

/**
 * hwl_nvm_check() - verify the checksum
 * @hw: the device
 *
 * With ASPM on, the first read after power-up may return garbage: three tries.
 *
 * Context: process.
 * Return: 0; -EBADMSG if the checksum is wrong; another negative error code if
 * the device does not respond.
 */
int hwl_nvm_check(struct hwl_hw *hw)
{
	u16 words[HWL_NVM_CHECKSUM + 1];
	int tries = HWL_NVM_CHECK_TRIES;
	int err;

	do {
		err = hwl_nvm_read(hw, 0, ARRAY_SIZE(words), words);
		if (!err && hwl_nvm_sum(words) != HWL_NVM_CHECKSUM_SUM)
			err = -EBADMSG;
	} while (err && err != -ENODEV && --tries);

	return err;
}
