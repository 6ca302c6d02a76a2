// SPDX-License-Identifier: GPL-2.0
/* Management packets for the host: which decision filters are used, and which are left alone. */
#include <linux/bits.h>

#include "hwl_regs.h"
#include "unit.h"

#include <string.h>

/* In place of hwl_io.h and hwl_nvm.h: a device that is memory. */
#define HWL_IO_H
#define HWL_NVM_H
struct hwl_hw {
	void *dev;
	bool mng_pt;
	u32 mdef[HWL_MDEF_NUM], manc2h, manc, factps;
	u16 ctrl2;
	bool warned;
};

static u32 *reg(struct hwl_hw *hw, u32 at)
{
	if (at >= HWL_MDEF(0) && at < HWL_MDEF(HWL_MDEF_NUM))
		return &hw->mdef[(at - HWL_MDEF(0)) / 4];
	return at == HWL_MANC2H ? &hw->manc2h : at == HWL_FACTPS ? &hw->factps : &hw->manc;
}

#define hwl_rd32(hw, at)	(*reg(hw, at))
#define hwl_wr32(hw, at, value)	(*reg(hw, at) = (value))
#define hwl_removed(hw)		false
#define hwl_nvm_read(hw, word, count, to) (*(to) = (hw)->ctrl2, 0)
#define dev_warn(device, text)	(hw->warned = true)

#include "../../src/hwl_mng.c"

#define P664	BIT(10)
#define P623	BIT(11)
#define BOTH	(P623 | P664)
#define OTHER	BIT(3)

static const struct {
	const char *name;
	u32 before[HWL_MDEF_NUM], after[HWL_MDEF_NUM];
	u32 enabled, manc2h;
	bool warned;
} cases[] = {
	{ "none", {}, { BOTH }, 0, 1 << 0, false },
	{ "others first", { OTHER, OTHER | P623 }, { OTHER, OTHER | P623, BOTH }, 0, 1 << 2, false },
	{ "a gap", { OTHER, 0, OTHER }, { OTHER, BOTH, OTHER }, 0, 1 << 1, false },
	{ "both in one", { OTHER, BOTH }, { OTHER, BOTH }, 0, 1 << 1, false },
	{ "one each", { 0, P623, 0, P664 }, { 0, P623, 0, P664 }, 0, 1 << 1 | 1 << 3, false },
	{ "one of both", { P623 }, { P623, BOTH }, 0, 1 << 0 | 1 << 1, false },
	{ "enabled already", { OTHER }, { OTHER, BOTH }, 1 << 0 | 1 << 7, 1 << 0 | 1 << 1 | 1 << 7,
	  false },
	{ "no room", { OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, P664 },
	  { OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, P664 }, 1, 1 | 1 << 7, true },
};

static const struct {
	const char *name;
	u32 manc, factps;
	u16 ctrl2;
	bool pass_through;
} modes[] = {
	{ "pass-through", BIT(17), 0, 2 << 13, true },
	{ "nothing received", 0, 0, 2 << 13, false },
	{ "clock gated", BIT(17), BIT(29), 2 << 13, false },
	{ "no firmware", BIT(17), 0, 0, false },
	{ "another mode", BIT(17), 0, 1 << 13, false },
};

int main(void)
{
	unsigned int i, k;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hwl_hw hw = { .mng_pt = true, .manc2h = cases[i].enabled, .manc = BIT(17) };

		memcpy(hw.mdef, cases[i].before, sizeof(hw.mdef));
		hwl_mng_acquire(&hw);
		for (k = 0; k < HWL_MDEF_NUM; k++)
			CHECK(cases[i].name, hw.mdef[k], cases[i].after[k]);
		CHECK(cases[i].name, hw.manc2h, cases[i].manc2h);
		CHECK(cases[i].name, hw.warned, cases[i].warned);
		CHECK("on", hw.manc, BIT(17) | BIT(21));
		hwl_mng_release(&hw);
		CHECK("off", hw.manc, BIT(17));
	}
	for (i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct hwl_hw hw = { .manc = modes[i].manc, .factps = modes[i].factps,
				     .ctrl2 = modes[i].ctrl2 };

		hwl_mng_init(&hw);
		CHECK(modes[i].name, hw.mng_pt, modes[i].pass_through);
		hwl_mng_acquire(&hw);
		hwl_mng_release(&hw);
		CHECK(modes[i].name, hw.manc, modes[i].manc);
		CHECK(modes[i].name, hw.mdef[0], modes[i].pass_through ? BOTH : 0);
	}
	return unit_end();
}
