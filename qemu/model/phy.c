// SPDX-License-Identifier: GPL-2.0
/*
 * The PHY (a Marvell core): registers behind MDIC, negotiation, reset.
 *
 * Sources: IEEE 802.3 clauses 22, 28 and 40 as Linux' mii.h names them; Linux
 * phy.c for the vendor's registers. An MDIO access takes its time; reading
 * BMSR shows a lost link once (latched); a MAC reset changes nothing here.
 */
#include <string.h>

#include "model.h"

#define MDIC_REGDATA	0x0000FFFFU

#define BMCR		0
#define  BMCR_RESET	0x8000
#define  BMCR_LOOPBACK	0x4000
#define  BMCR_100	0x2000
#define  BMCR_ANENABLE	0x1000
#define  BMCR_PDOWN	0x0800
#define  BMCR_ANRESTART	0x0200
#define  BMCR_FD	0x0100
#define  BMCR_1000	0x0040
#define BMSR		1
#define  BMSR_BASE	0x7949
#define  BMSR_ANEG_DONE	0x0020
#define  BMSR_LINK	0x0004
#define ADVERTISE	4
#define  ADV_PAUSE	0x0400
#define  ADV_ASYM	0x0800
#define LPA		5
#define EXPANSION	6
#define CTRL1000	9
#define  CTRL1000_HD	0x0100
#define STAT1000	10
#define ESTATUS		15
#define SCR		16
#define  SCR_MDIX	0x0060	/* all set: automatic */
#define  SCR_DOWNSHIFT	0x0800
#define SSR		17
#define  SSR_DOWNSHIFT	0x0020
#define RXERR		21
#define PAGE		22
#define POWER		25

#define HANG_FRAMES	100
#define HW_RESET_NS	(10 * NS_PER_MS)

/* From a register's abilities (4 and 9) to the partner's bits, best first. */
static const struct {
	u16 reg, bit;
	u32 partner;
	int speed;
	bool duplex;
} modes[] = {
	{ CTRL1000, 0x0200, PARTNER_1000FD, 1000, true },
	{ ADVERTISE, 0x0100, PARTNER_100FD, 100, true },
	{ ADVERTISE, 0x0080, PARTNER_100HD, 100, false },
	{ ADVERTISE, 0x0040, PARTNER_10FD, 10, true },
	{ ADVERTISE, 0x0020, PARTNER_10HD, 10, false },
};

void phy_init(struct dev *dev)
{
	struct phy *p = &dev->phy;

	memset(p->reg, 0, sizeof(p->reg));
	p->reg[0][BMCR] = BMCR_ANENABLE | BMCR_FD | BMCR_1000;
	p->reg[0][BMSR] = BMSR_BASE;
	p->reg[0][2] = 0x0141;
	p->reg[0][3] = 0x0CB1;
	p->reg[0][ADVERTISE] = 0x0DE1;
	p->reg[0][EXPANSION] = 0x0004;
	p->reg[0][CTRL1000] = 0x0200;
	p->reg[0][ESTATUS] = 0x3000;
	p->reg[0][SCR] = 0x0060;
	p->reg[0][POWER] = 0x0001;
	p->reg[2][21] = 0x0006;
	p->scr = p->reg[0][SCR];
	p->hung = false;
	p->frames = 0;
	p->hw_reset = false;
	p->config_until = 0;
}

/* It reads its part of the NVM, or would. */
bool phy_configuring(const struct dev *dev)
{
	return now_ns() < dev->phy.config_until;
}

bool phy_loopback(const struct dev *dev)
{
	return dev->phy.reg[0][BMCR] & BMCR_LOOPBACK;
}

/* A frame in either direction: false if it is lost. Erratum 7; a reset ends it. */
bool phy_passes(struct dev *dev)
{
	struct phy *p = &dev->phy;

	if (!p->hung && erratum(dev, ERR_PHY_HANG) && ++p->frames > HANG_FRAMES) {
		p->hung = true;
		note(dev, "the PHY hangs");
	}
	return !p->hung;
}

/* ---- Link ---- */

static void phy_status(struct dev *dev)
{
	struct phy *p = &dev->phy;
	u16 speed = p->speed == 1000 ? 2 : p->speed == 100 ? 1 : 0;
	u16 ssr = p->scr & 0x20 ? 0x0040 : 0;

	p->reg[0][SSR] = 0;
	if (p->link)
		p->reg[0][SSR] = (u16)(ssr | speed << 14 | p->duplex << 13 | 0x0C00 | 1 << 7 |
				       (p->downshifted ? SSR_DOWNSHIFT : 0));
}

static void phy_link_down(struct dev *dev)
{
	struct phy *p = &dev->phy;

	p->reg[0][BMSR] &= (u16)~BMSR_ANEG_DONE;
	p->link_was_lost |= p->link;
	p->reg[0][LPA] = 0;
	p->reg[0][STAT1000] = 0;
	if (p->link)
		note(dev, "link down");
	p->link = false;
	phy_status(dev);
	mac_link(dev);
}

static void phy_partner_page(struct dev *dev)
{
	const struct wire *w = &dev->wire;
	u16 lpa = 0x4001;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (modes[i].reg == ADVERTISE && w->advertise & modes[i].partner)
			lpa |= modes[i].bit;
	if (w->pause)
		lpa |= ADV_PAUSE;
	if (w->asym)
		lpa |= ADV_ASYM;
	dev->phy.reg[0][LPA] = lpa;
	dev->phy.reg[0][EXPANSION] = 0x0005;
	dev->phy.reg[0][STAT1000] = w->advertise & PARTNER_1000FD ? 0x3800 : 0;
}

static bool phy_resolve(struct dev *dev)
{
	struct phy *p = &dev->phy;
	u16 bmcr = p->reg[0][BMCR];
	u32 i;

	p->downshifted = false;
	if (bmcr & BMCR_ANENABLE) {
		phy_partner_page(dev);
		for (i = 0; i < ARRAY_SIZE(modes); i++) {
			if (!(p->reg[0][modes[i].reg] & modes[i].bit) ||
			    !(dev->wire.advertise & modes[i].partner))
				continue;
			/* A cable that is not good enough: one speed less, or no link. */
			if (modes[i].speed == 1000 && dev->wire.bad) {
				if (!(p->scr & SCR_DOWNSHIFT))
					return false;
				p->downshifted = true;
				continue;
			}
			p->speed = modes[i].speed;
			p->duplex = modes[i].duplex;
			return true;
		}
		return false;
	}
	/* Crossover is found by negotiation, or not. */
	if ((p->scr & SCR_MDIX) == SCR_MDIX)
		return false;
	/* Forced: the partner detects the speed, and the duplex is ours to know. */
	p->speed = bmcr & BMCR_1000 ? 1000 : bmcr & BMCR_100 ? 100 : 10;
	p->duplex = bmcr & BMCR_FD;
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (modes[i].speed == p->speed && dev->wire.advertise & modes[i].partner)
			return p->speed != 1000;
	return false;
}

/* Has the partner agreed to obey pause frames of ours (IEEE 802.3, table 28B-3)? */
static bool phy_pause_agreed(const struct dev *dev)
{
	const struct wire *w = &dev->wire;
	u16 ours = dev->phy.reg[0][ADVERTISE];

	if (!dev->phy.duplex || !(dev->phy.reg[0][BMCR] & BMCR_ANENABLE) || !w->pause)
		return false;
	return ours & ADV_PAUSE || (ours & ADV_ASYM && w->asym);
}

static void phy_negotiated(struct dev *dev, int arg)
{
	struct phy *p = &dev->phy;

	(void)arg;
	p->negotiating = false;
	if (!phy_resolve(dev))
		return;
	p->link = true;
	dev->wire.obeys = phy_pause_agreed(dev);
	dev->strict_due = true;
	if (p->reg[0][BMCR] & BMCR_ANENABLE)
		p->reg[0][BMSR] |= BMSR_ANEG_DONE;
	phy_status(dev);
	note(dev, "link up, %d Mb/s %s duplex", p->speed, p->duplex ? "full" : "half");
	mac_link(dev);
}

/* Start over: whatever link there was is down until it has an end. */
void phy_renegotiate(struct dev *dev)
{
	struct phy *p = &dev->phy;
	u64 takes = dev->wire.autoneg_ns;

	phy_link_down(dev);
	timer_stop(dev, TIMER_AUTONEG);
	p->negotiating = dev->wire.plugged && !p->hw_reset &&
			 !(p->reg[0][BMCR] & (BMCR_PDOWN | BMCR_LOOPBACK));
	if (!p->negotiating)
		return;
	if (!(p->reg[0][BMCR] & BMCR_ANENABLE))
		takes /= 4;
	timer_set(dev, TIMER_AUTONEG, now_ns() + takes, phy_negotiated, 0);
}

static void phy_configured(struct dev *dev, int arg)
{
	struct phy *p = &dev->phy;

	(void)arg;
	p->config_until = 0;
	if (!p->hw_reset)
		return;
	p->hw_reset = false;
	phy_renegotiate(dev);
}

void phy_configure(struct dev *dev, u64 takes)
{
	dev->phy.config_until = now_ns() + takes;
	timer_set(dev, TIMER_PHY_CFG, dev->phy.config_until, phy_configured, 0);
}

/* CTRL.PHY_RST is set: back to the NVM's settings, and no more. */
void phy_hw_reset(struct dev *dev)
{
	struct phy *p = &dev->phy;

	phy_init(dev);
	p->hw_reset = true;
	p->reset_at = now_ns();
	p->config_until = NEVER;
	timer_stop(dev, TIMER_PHY_CFG);
	phy_renegotiate(dev);
}

/* It has fallen. */
void phy_hw_reset_end(struct dev *dev)
{
	phy_configure(dev, HW_RESET_NS);
}

/* ---- Registers ---- */

static u16 *phy_reg(struct dev *dev, u32 reg)
{
	u32 page = reg > 15 && reg != PAGE && reg < 29 ? dev->phy.reg[0][PAGE] & 0xFF : 0;

	return &dev->phy.reg[page < PHY_PAGES ? page : PHY_PAGES - 1][reg];
}

static u16 phy_read(struct dev *dev, u32 reg)
{
	struct phy *p = &dev->phy;
	u16 value = *phy_reg(dev, reg);

	if ((p->hung || fault(dev, FAULT_PHY_HANG)) && (reg == RXERR || reg == STAT1000))
		return 0xFFFF;
	/* A loss is latched until it was read once. */
	if (reg == BMSR) {
		if (p->link && !p->link_was_lost)
			value |= BMSR_LINK;
		p->link_was_lost = false;
	}
	return value;
}

static void phy_bmcr(struct dev *dev, u16 value)
{
	struct phy *p = &dev->phy;
	u16 was = p->reg[0][BMCR];

	p->reg[0][BMCR] = value & (u16)~(BMCR_RESET | BMCR_ANRESTART);
	/* What was written to SCR takes effect. */
	if (value & BMCR_RESET)
		p->scr = p->reg[0][SCR];
	if (value & (BMCR_RESET | BMCR_ANRESTART) ||
	    (value ^ was) & (BMCR_PDOWN | BMCR_ANENABLE | BMCR_LOOPBACK) ||
	    (!(value & BMCR_ANENABLE) && value != was))
		phy_renegotiate(dev);
	mac_link(dev);
}

static void phy_write(struct dev *dev, u32 reg, u16 value)
{
	if (reg == CTRL1000 && value & CTRL1000_HD)
		offend(dev, OFF_HALF_GIGABIT, MDIC, value);
	if (reg == BMCR)
		phy_bmcr(dev, value);
	else if (reg != BMSR && reg != 2 && reg != 3 && reg != LPA && reg != STAT1000)
		*phy_reg(dev, reg) = value;
}

static void mdic_done(struct dev *dev, int arg)
{
	struct phy *p = &dev->phy;
	u32 mdic = p->mdic & ~(MDIC_READY | MDIC_ERROR);

	(void)arg;
	if (MDIC_PHY(mdic) != 1) {
		mdic |= MDIC_ERROR;
	} else if (phy_configuring(dev)) {
		/* Erratum 21: what is written then is undone. */
		mdic |= MDIC_REGDATA;
	} else if (MDIC_OP(mdic) == 1) {
		phy_write(dev, MDIC_REG(mdic), (u16)mdic);
	} else if (fault_use(dev, FAULT_MDIC_STALE)) {
		/* The result of an earlier access, its register number too. */
		mdic = rd(dev, MDIC) & ~MDIC_READY;
		mdic = (mdic & ~(31U << 16)) | (MDIC_REG(p->mdic) ^ 1) << 16;
	} else {
		mdic = (mdic & ~MDIC_REGDATA) | phy_read(dev, MDIC_REG(mdic));
	}
	wr(dev, MDIC, mdic | MDIC_READY);
	if (mdic & MDIC_INT_EN)
		irq_raise(dev, INT_MDAC);
}

void mdic_write(struct dev *dev, u32 off, u32 value)
{
	if (!(rd(dev, EXTCNF_CTRL) & EXTCNF_MDIO_SW))
		offend(dev, OFF_MDIO_OWNER, off, value);
	if (phy_configuring(dev))
		offend(dev, OFF_PHY_EARLY, off, value);
	if (timer_armed(dev, TIMER_MDIC))
		offend(dev, OFF_BUSY, off, value);
	wr(dev, off, value & ~(MDIC_READY | MDIC_ERROR));
	dev->phy.mdic = value;
	timer_set(dev, TIMER_MDIC, now_ns() + dev->opt.mdio_us * NS_PER_US, mdic_done, 0);
}
