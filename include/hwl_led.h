/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The LEDs: which port is this?
 */
#ifndef HWL_LED_H
#define HWL_LED_H

#include <linux/types.h>

/* Phases of the identification. */
enum hwl_led_phase {
	HWL_LED_OFF,
	HWL_LED_ON,
};

u32 hwl_led_image(u16 nvm, u32 ledctl, enum hwl_led_phase phase, bool link);

#endif /* HWL_LED_H */
