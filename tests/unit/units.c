// SPDX-License-Identifier: GPL-2.0
/* Small conversions: interrupt intervals, NVM checksum, LEDs. */
#include "../../src/hwl_led.c"
#include "hwl_irq.h"
#include "hwl_regs.h"
/* Register access needs a device; nothing under test does. */
#define HWL_IO_H
struct hwl_hw;
#include "hwl_nvm.h"
#include "unit.h"

/* The unit is 256 ns; 195 units are 20000 interrupts a second, 500 are 7812. */
static const struct {
	u32 usecs, itr;
} itr_cases[] = {
	{ 0, 0 }, { 1, 4 }, { 2, 8 }, { 16, 63 }, { 32, 125 }, { 50, 196 }, { 64, 250 },
	{ 128, 500 }, { 1000, 3907 }, { 10000, 39063 }, { 16776, 65532 },
};

static void test_itr(void)
{
	u32 usecs, below = 0, far = 0;
	size_t i;

	for (i = 0; i < sizeof(itr_cases) / sizeof(*itr_cases); i++)
		CHECK("interval", hwl_usecs_to_itr(itr_cases[i].usecs), itr_cases[i].itr);
	CHECK("longest time", HWL_ITR_MAX_USECS, 16776);
	for (usecs = 0; usecs <= HWL_ITR_MAX_USECS; usecs++) {
		u64 ns = (u64)hwl_usecs_to_itr(usecs) * 256;

		below += ns < usecs * 1000ull;
		far += ns >= usecs * 1000ull + 256;
		if (hwl_usecs_to_itr(usecs) > 0xffff)
			far++;
	}
	CHECK("never below what was asked for", below, 0);
	CHECK("never a unit too much, nor beyond 16 bits", far, 0);
}

static void test_nvm(void)
{
	u16 words[64] = {};
	int i;

	CHECK("covers words 0 to 0x3f", HWL_NVM_CHECKSUM, 0x3f);
	CHECK("a good sum", HWL_NVM_CHECKSUM_SUM, 0xbaba);
	CHECK("nothing", hwl_nvm_sum(words), 0);
	for (i = 0; i < 63; i++)
		words[i] = i * 0x1021 + 0x8000;
	words[63] = 0;
	words[63] = 0xbaba - hwl_nvm_sum(words);
	CHECK("made good, across 16 bits", hwl_nvm_sum(words), 0xbaba);
	for (i = 0; i < 64; i++) {
		words[i] ^= 0x0100;
		CHECK("one bit wrong", hwl_nvm_sum(words) == 0xbaba, 0);
		words[i] ^= 0x0100;
	}
	CHECK("good again", hwl_nvm_sum(words), 0xbaba);
}

static void test_led(void)
{
	const u32 led = 0x04030201;
	u32 on, off;
	int nibble;

	CHECK("default image, on", hwl_led_image(0x1811, led, HWL_LED_ON, true), 0x040e0201);
	CHECK("default image, off", hwl_led_image(0x1811, led, HWL_LED_OFF, true), 0x040f0201);
	CHECK("on without a link", hwl_led_image(0x1811, led, HWL_LED_ON, false), 0x044e0201);
	CHECK("off without a link", hwl_led_image(0x1811, led, HWL_LED_OFF, false), 0x040f0201);
	CHECK("reserved value", hwl_led_image(0xf746, led, HWL_LED_ON, true), 0x040e0201);
	CHECK("nothing said", hwl_led_image(0, led, HWL_LED_ON, true), led);
	CHECK("nonsense", hwl_led_image(0xffff, led, HWL_LED_ON, true), led);
	for (nibble = 1; nibble <= 9; nibble++) {
		const u32 acts[] = { 0x01, 0x0e, 0x0f };

		off = acts[(nibble - 1) / 3];
		on = acts[(nibble - 1) % 3];
		CHECK("off phase", hwl_led_image(nibble, 0x01, HWL_LED_OFF, true), off);
		CHECK("on phase", hwl_led_image(nibble, 0x01, HWL_LED_ON, true), on);
	}
}

int main(void)
{
	test_led();
	test_itr();
	test_nvm();
	return unit_end();
}
