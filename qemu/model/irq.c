// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts: causes (ICR), masks (IMS), vectors (IVAR), moderation (EITR).
 *
 * A message is due on a rising edge of ICR & IMS: a cause that comes while it
 * is enabled, or is enabled while it is set. It leaves when the vector's EITR
 * allows, clears what EIAC has in ICR, and masks what IAM has in IMS if EIAME
 * is on. Sources: 82583V datasheet, Linux netdev.c (e1000_msix_other,
 * e1000_configure_msix) and the commits that its table names.
 */
#include <unistd.h>

#include "model.h"

#define EITR_NS		256

/* Causes that each have a vector of their own, by the field of IVAR. */
static const struct {
	u32 cause;
	int shift;
} vectors[] = {
	{ INT_RXQ(0), 0 },
	{ INT_RXQ(1), 4 },
	{ INT_TXQ(0), 8 },
	{ INT_TXQ(1), 12 },
	{ INT_OTHER, 16 },
};

static void eventfd_signal(int fd)
{
	u64 one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;		/* full: it is signalled already */
}

static int irq_vector(struct dev *dev, u32 cause)
{
	u32 field, i;

	if (dev->irq.mode != IRQ_MSIX)
		return 0;
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (!(cause & vectors[i].cause))
			continue;
		field = rd(dev, IVAR) >> vectors[i].shift & 15;
		if (!(field & 8))
			return -1;
		if ((field & 7) < (u32)dev->opt.vectors)
			return field & 7;
		offend(dev, OFF_IVAR, IVAR, rd(dev, IVAR));
		return -1;
	}
	return -1;
}

static u32 irq_interval(const struct dev *dev, int v)
{
	return rd(dev, dev->irq.mode == IRQ_MSIX ? EITR(v) : ITR);
}

/* What a message masks. */
static u32 irq_automask(const struct dev *dev)
{
	if (!erratum(dev, ERR_AUTOMASK))
		return rd(dev, EIAC);
	return rd(dev, CTRL_EXT) & CTRL_EXT_EIAME ? rd(dev, IAM) : 0;
}

static void irq_send(struct dev *dev, int v)
{
	struct irq *irq = &dev->irq;
	u32 causes = irq->pending[v];
	bool intx = irq->mode == IRQ_INTX;
	u64 now = now_ns();

	irq->pending[v] = 0;
	/* A level, and QEMU tells when the host has taken note. */
	if (intx && (irq->line_masked || !(rd(dev, ICR) & rd(dev, IMS))))
		return;
	irq->next[v] = now + (u64)irq_interval(dev, v) * EITR_NS;
	if (now - irq->last[v] < irq->gap[v])
		irq->gap[v] = now - irq->last[v];
	irq->last[v] = now;
	irq->sent[v]++;
	stat_add(dev, IAC, 1);
	if (irq->mode == IRQ_MSIX) {
		wr(dev, ICR, rd(dev, ICR) & ~(causes & rd(dev, EIAC)));
		wr(dev, IMS, rd(dev, IMS) & ~(causes & irq_automask(dev)));
		irq->active = rd(dev, ICR) & rd(dev, IMS);
	}
	/* A message is a write to memory. */
	if (!(intx ? pcie_intx(dev) : pcie_master(dev)) || fault_use(dev, FAULT_NO_IRQ))
		return;
	/* A lost one is not waited for: the next edge is the next try. */
	if (intx)
		irq->line_masked = true;
	eventfd_signal(irq->fd[irq->mode][v]);
}

static void irq_vector_due(struct dev *dev, int v)
{
	if (dev->irq.pending[v])
		irq_send(dev, v);
}

static void irq_schedule(struct dev *dev, int v)
{
	u64 now = now_ns(), due = dev->irq.next[v];

	if (fault(dev, FAULT_LATE_IRQ))
		due = now + dev->fault_arg[FAULT_LATE_IRQ] * NS_PER_US;
	if (due <= now)
		irq_send(dev, v);
	else if (!timer_armed(dev, TIMER_VECTOR + v))
		timer_set(dev, TIMER_VECTOR + v, due, irq_vector_due, v);
}

/* After any change of ICR or IMS. */
void irq_update(struct dev *dev)
{
	struct irq *irq = &dev->irq;
	u32 active, rising, bit;
	int v, i;

	active = rd(dev, ICR) & rd(dev, IMS) & ~INT_ASSERTED;
	rising = active & ~irq->active;
	irq->active = active;
	for (v = 0; v < MAX_VECTORS; v++)
		irq->pending[v] &= active;
	for (i = 0; i < 31 && rising; i++) {
		bit = rising & BIT32(i);
		rising &= ~bit;
		v = bit ? irq_vector(dev, bit) : -1;
		if (v >= 0)
			irq->pending[v] |= bit;
	}
	for (v = 0; v < MAX_VECTORS; v++)
		if (irq->pending[v])
			irq_schedule(dev, v);
}

/* The line is still up, or is so again: one more interrupt, when ITR allows. */
void irq_unmask_line(struct dev *dev)
{
	struct irq *irq = &dev->irq;

	irq->line_masked = false;
	irq->pending[0] |= irq->active;
	if (irq->mode == IRQ_INTX && irq->pending[0])
		irq_schedule(dev, 0);
}

void irq_raise(struct dev *dev, u32 causes)
{
	/* The summary rises for its members whatever IMS says (erratum 12). */
	if (dev->irq.mode == IRQ_MSIX && (causes & INT_MEMBERS))
		causes |= INT_OTHER;
	wr(dev, ICR, rd(dev, ICR) | causes);
	irq_update(dev);
}

/* All vectors, without a cause. */
void irq_spurious(struct dev *dev)
{
	int v;

	for (v = 0; v < MAX_VECTORS; v++)
		eventfd_signal(dev->irq.fd[dev->irq.mode][v]);
}

void irq_reset(struct dev *dev)
{
	struct irq *irq = &dev->irq;
	int v;

	irq->active = 0;
	for (v = 0; v < MAX_VECTORS; v++) {
		irq->pending[v] = 0;
		irq->next[v] = 0;
		timer_stop(dev, TIMER_VECTOR + v);
	}
}

/* The host has given eventfds, or taken them. */
void irq_set_mode(struct dev *dev)
{
	struct irq *irq = &dev->irq;
	enum irq_mode mode = IRQ_INTX;
	int v;

	for (v = 0; v < MAX_VECTORS; v++)
		if (irq->fd[IRQ_MSIX][v] >= 0)
			mode = IRQ_MSIX;
	if (mode == IRQ_INTX && irq->fd[IRQ_MSI][0] >= 0)
		mode = IRQ_MSI;
	if (mode == irq->mode)
		return;
	irq->mode = mode;
	irq->line_masked = false;
	irq_reset(dev);
	irq_update(dev);
}

/* ---- Registers ---- */

/*
 * Reading clears where INT_ASSERTED is set, where nothing is enabled, and
 * outside of MSI-X. Otherwise causes stay, and those that nobody has enabled
 * may be lost: with the switch on they are, without having been shown.
 */
u32 icr_read(struct dev *dev, u32 off)
{
	u32 icr = rd(dev, ICR), ims = rd(dev, IMS);
	bool msix = dev->irq.mode == IRQ_MSIX;
	/* OTHER stands for its members, and is none of them. */
	bool asserted = icr & ims & ~(msix ? INT_OTHER : 0);

	(void)off;
	if (asserted)
		icr |= INT_ASSERTED;
	if (asserted || !ims || !msix) {
		wr(dev, ICR, 0);
	} else if (icr) {
		offend(dev, OFF_ICR_MASKED, ICR, icr);
		if (erratum(dev, ERR_ICR_LOST)) {
			icr &= ~INT_MEMBERS;
			wr(dev, ICR, icr & ~INT_OTHER);
		}
	}
	if (asserted && (rd(dev, CTRL_EXT) & CTRL_EXT_IAME))
		wr(dev, IMS, ims & ~rd(dev, IAM));
	irq_update(dev);
	return icr;
}

void icr_write(struct dev *dev, u32 off, u32 value)
{
	wr(dev, off, rd(dev, off) & ~value);
	irq_update(dev);
}

u32 ics_read(struct dev *dev, u32 off)
{
	(void)off;
	return rd(dev, ICR);
}

void ics_write(struct dev *dev, u32 off, u32 value)
{
	(void)off;
	irq_raise(dev, value & ~INT_ASSERTED);
}

void ims_write(struct dev *dev, u32 off, u32 value)
{
	u32 queues = value & INT_QUEUES;

	if (dev->irq.mode == IRQ_MSIX && queues &&
	    ((rd(dev, CTRL_EXT) & (CTRL_EXT_EIAME | CTRL_EXT_IAME)) != CTRL_EXT_EIAME ||
	     queues & ~rd(dev, IAM)))
		offend(dev, OFF_IAM, IMS, value);
	wr(dev, off, rd(dev, off) | (value & ~INT_ASSERTED));
	irq_update(dev);
}

void imc_write(struct dev *dev, u32 off, u32 value)
{
	(void)off;
	wr(dev, IMS, rd(dev, IMS) & ~value);
	irq_update(dev);
}

void irq_config_write(struct dev *dev, u32 off, u32 value)
{
	if (off == EIAC && value & INT_OTHER)
		offend(dev, OFF_EIAC_OTHER, off, value);
	wr(dev, off, off == EIAC ? value & (INT_QUEUES | INT_OTHER) : value);
	irq_update(dev);
}
