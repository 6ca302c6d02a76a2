// SPDX-License-Identifier: GPL-2.0
/*
 * Port identification LEDs (ethtool -p).
 *
 * An NVM word defines the mode of each LED in both phases of identification,
 * since only the board vendor knows which of them are visible.
 */
#include <linux/bitfield.h>
#include <linux/bits.h>

#include "hwl_led.h"
#include "hwl_regs.h"

#define HWL_LEDS		4

/* What an LED does in a phase: (nibble - 1) is off phase * 3 + on phase. */
enum hwl_led_act {
	HWL_LED_ACT_DEFAULT,
	HWL_LED_ACT_ON,
	HWL_LED_ACT_OFF,
	HWL_LED_ACTS,
};

/**
 * hwl_led_image() - LEDCTL for a phase of the identification
 * @nvm: word HWL_NVM_ID_LED
 * @ledctl: LEDCTL in normal running
 * @phase: on or off
 * @link: there is a link
 *
 * Context: any.
 * Return: value for LEDCTL.
 */
u32 hwl_led_image(u16 nvm, u32 ledctl, enum hwl_led_phase phase, bool link)
{
	u32 nibble, act, led;
	int i;

	/* A reserved value that some boards have. */
	if (nvm == HWL_NVM_ID_LED_RESERVED)
		nvm = HWL_NVM_ID_LED_DEFAULT;

	for (i = 0; i < HWL_LEDS; i++) {
		nibble = nvm >> 4 * i & 0xF;
		if (!nibble || nibble > HWL_LED_ACTS * HWL_LED_ACTS)
			continue;
		act = phase == HWL_LED_ON ? (nibble - 1) % HWL_LED_ACTS :
					    (nibble - 1) / HWL_LED_ACTS;
		if (act == HWL_LED_ACT_DEFAULT)
			continue;
		led = act == HWL_LED_ACT_ON ? HWL_LED_MODE_ON : HWL_LED_MODE_OFF;
		/* Without a link, "on" means the opposite. */
		if (phase == HWL_LED_ON && act == HWL_LED_ACT_ON && !link)
			led |= HWL_LED_IVRT;
		ledctl &= ~(HWL_LED_MASK << 8 * i);
		ledctl |= led << 8 * i;
	}
	return ledctl;
}
