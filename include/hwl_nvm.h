/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The NVM: configuration words beside the device.
 */
#ifndef HWL_NVM_H
#define HWL_NVM_H

#include "hwl_io.h"

/**
 * hwl_nvm_sum() - sum of the words that the checksum covers
 * @words: words 0 to HWL_NVM_CHECKSUM, the checksum word included
 *
 * Return: HWL_NVM_CHECKSUM_SUM for a good image.
 */
static inline u16 hwl_nvm_sum(const u16 *words)
{
	u16 sum = 0;
	int i;

	for (i = 0; i <= HWL_NVM_CHECKSUM; i++)
		sum += words[i];
	return sum;
}

void hwl_nvm_init(struct hwl_hw *hw);
void hwl_nvm_no_autoupdate(struct hwl_hw *hw, u32 eecd);
int hwl_nvm_read(struct hwl_hw *hw, u32 word, u32 count, u16 *data);
int hwl_nvm_version(struct hwl_hw *hw, char *text, size_t size);
int hwl_nvm_rom_version(struct hwl_hw *hw, char *text, size_t size);
int hwl_nvm_write(struct hwl_hw *hw, u32 word, u32 count, const u16 *data);
int hwl_nvm_check(struct hwl_hw *hw);

#endif /* HWL_NVM_H */
