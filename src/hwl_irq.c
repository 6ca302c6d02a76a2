// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts: vectors, moderation, handlers. The poll is in hwl_napi.c.
 *
 * With MSI-X each queue has a vector of its own where the device has five of
 * them, and each pair one where it has three; the last vector serves link and
 * other causes. The device masks a queue's cause as it sends the message
 * (EIAC), so neither handler nor poll reads a register, and the end of a poll
 * enables the pair's causes again by one write.
 *
 * A frame that arrives between the last check of the ring and that write has
 * already set its bit in ICR, and unmasking a set bit raises the interrupt: no
 * frame has to wait for the next one.
 *
 * With MSI and INTx there is one pair, and reading ICR acknowledges and masks.
 */
#include <linux/bitfield.h>
#include <linux/interrupt.h>

#include "hwl.h"
#include "hwl_dim.h"
#include "hwl_irq.h"

/* Members of OTHER. All must be unmasked: ICR may lose those that are not
 * (erratum 12).
 */
#define HWL_INT_OTHER_CAUSES	(HWL_INT_OTHER | HWL_INT_LSC | HWL_INT_RXO | \
				 HWL_INT_MDAC | HWL_INT_SRPD | HWL_INT_ACK | \
				 HWL_INT_MNG)

/* Receiver overruns flood OTHER: throttle it to this interval. QEMU sends each message
 * twice, and more than a thousand a second are too many.
 */
#define HWL_OTHER_USECS		2000

/* ---- Vectors ---- */

/* Vectors per pair: two unless its queues share one. */
static u32 hwl_vectors_per_pair(enum hwl_irq_mode mode)
{
	return mode == HWL_IRQ_MSIX_SPLIT ? 2 : 1;
}

/**
 * hwl_irq_vector_rx() - vector of a receive queue (MSI-X)
 * @ad: the device
 * @q: number of the queue
 *
 * Return: its number.
 */
u32 hwl_irq_vector_rx(const struct hwl_adapter *ad, u32 q)
{
	return q * hwl_vectors_per_pair(ad->irq_mode);
}

/**
 * hwl_irq_vector_tx() - vector of a transmit queue (MSI-X)
 * @ad: the device
 * @q: number of the queue
 *
 * Return: its number.
 */
u32 hwl_irq_vector_tx(const struct hwl_adapter *ad, u32 q)
{
	return hwl_irq_vector_rx(ad, q) + hwl_vectors_per_pair(ad->irq_mode) - 1;
}

/**
 * hwl_irq_vector_other() - vector of link and other causes (MSI-X)
 * @ad: the device
 *
 * Return: its number.
 */
u32 hwl_irq_vector_other(const struct hwl_adapter *ad)
{
	return ad->max_pairs * hwl_vectors_per_pair(ad->irq_mode);
}

/* Both vectors of a pair on one CPU, pairs spread. */
static const struct cpumask *hwl_irq_cpus(const struct hwl_adapter *ad, u32 q)
{
	return cpumask_of(cpumask_local_spread(q, dev_to_node(&ad->pdev->dev)));
}

/* Initial affinity; the user's choice survives down and up. */
static void hwl_irq_spread(struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < ad->max_pairs; q++) {
		irq_set_affinity(pci_irq_vector(ad->pdev, hwl_irq_vector_rx(ad, q)),
				 hwl_irq_cpus(ad, q));
		irq_set_affinity(pci_irq_vector(ad->pdev, hwl_irq_vector_tx(ad, q)),
				 hwl_irq_cpus(ad, q));
	}
}

static int hwl_irq_try_msix(struct hwl_adapter *ad, enum hwl_irq_mode mode,
			    u32 pairs)
{
	int n = pairs * hwl_vectors_per_pair(mode) + 1;
	int err;

	err = pci_alloc_irq_vectors(ad->pdev, n, n, PCI_IRQ_MSIX);
	if (err < 0)
		return err;
	ad->irq_mode = mode;
	ad->max_pairs = pairs;
	hwl_irq_spread(ad);
	return 0;
}

static int hwl_irq_try_line(struct hwl_adapter *ad, unsigned int types)
{
	int n = pci_alloc_irq_vectors(ad->pdev, 1, 1, types);

	if (n < 0)
		return n;
	ad->irq_mode = ad->pdev->msi_enabled ? HWL_IRQ_MSI : HWL_IRQ_INTX;
	ad->max_pairs = 1;
	return 0;
}

/**
 * hwl_irq_init() - select the interrupt mode and allocate vectors
 * @ad: the device
 *
 * The NVM of a board grants five vectors, three, or none.
 *
 * Context: process; probe only. Undone by hwl_irq_exit().
 * Return: 0, with irq_mode and max_pairs set, or a negative error code.
 */
int hwl_irq_init(struct hwl_adapter *ad)
{
	if (!hwl_irq_try_msix(ad, HWL_IRQ_MSIX_SPLIT, HWL_MAX_PAIRS) ||
	    !hwl_irq_try_msix(ad, HWL_IRQ_MSIX_SHARED, HWL_MAX_PAIRS) ||
	    !hwl_irq_try_msix(ad, HWL_IRQ_MSIX_SHARED, 1))
		return 0;

	return hwl_irq_try_line(ad, PCI_IRQ_MSI | PCI_IRQ_INTX);
}

/**
 * hwl_irq_exit() - free the vectors
 * @ad: the device
 *
 * Context: process.
 */
void hwl_irq_exit(struct hwl_adapter *ad)
{
	pci_free_irq_vectors(ad->pdev);
}

/**
 * hwl_irq_mode_name() - get the interrupt mode as text
 * @ad: the device
 *
 * Return: a short human-readable string.
 */
const char *hwl_irq_mode_name(const struct hwl_adapter *ad)
{
	switch (ad->irq_mode) {
	case HWL_IRQ_MSIX_SPLIT:
		return "MSI-X, a vector per queue";
	case HWL_IRQ_MSIX_SHARED:
		return "MSI-X, a vector per pair";
	case HWL_IRQ_MSI:
		return "MSI";
	default:
		return "INTx";
	}
}

/**
 * hwl_irq_pair_causes() - set the causes that the poll of a pair re-arms
 * @pair: the pair
 * @q: its number
 *
 * Context: process; the interrupt mode is known.
 */
void hwl_irq_pair_causes(struct hwl_pair *pair, int q)
{
	if (hwl_is_msix(pair->ad))
		pair->rearm = HWL_INT_RXQ(q) | HWL_INT_TXQ(q);
	else
		pair->rearm = HWL_INT_LINE_CAUSES;
}

/* ---- Handlers ---- */

static irqreturn_t hwl_irq_queue(int irq, void *data)
{
	struct hwl_vector *vector = data;
	struct hwl_pair *pair = vector->pair;

	WRITE_ONCE(vector->seen, true);
	napi_schedule_irqoff(&pair->napi);
	return IRQ_HANDLED;
}

static irqreturn_t hwl_irq_other(int irq, void *data)
{
	struct hwl_adapter *ad = data;
	struct hwl_hw *hw = &ad->hw;
	u32 icr;

	/* A vector may be late, and find the device in its reset, when nothing is to
	 * be read: what answers with ones then would count as removed.
	 */
	if (unlikely(test_bit(HWL_DOWN, &ad->flags)))
		return IRQ_HANDLED;
	icr = hwl_rd32(hw, HWL_ICR);
	if (unlikely(hwl_removed(hw)))
		return IRQ_HANDLED;

	/* The read cleared the queues' causes, too: raise them again. */
	if (icr & HWL_INT_QUEUES) {
		ad->reraised++;
		hwl_wr32(hw, HWL_ICS, icr & HWL_INT_QUEUES);
	}
	if (icr & HWL_INT_LSC)
		hwl_link_schedule(ad);

	if (!test_bit(HWL_DOWN, &ad->flags))
		hwl_wr32(hw, HWL_IMS, HWL_INT_OTHER_CAUSES);
	return IRQ_HANDLED;
}

/* MSI and INTx: the read has masked all causes (IAM); the poll unmasks. */
static irqreturn_t hwl_irq_line(int irq, void *data)
{
	struct hwl_adapter *ad = data;
	u32 icr;

	/* Raised by a device that shares the line, or by a cause that a poll has
	 * just unmasked. The write is harmless even during a reset.
	 */
	if (test_bit(HWL_DOWN, &ad->flags)) {
		hwl_wr32(&ad->hw, HWL_IMC, HWL_INT_ALL);
		return IRQ_NONE;
	}
	icr = hwl_rd32(&ad->hw, HWL_ICR);
	if (unlikely(hwl_removed(&ad->hw)))
		return IRQ_NONE;

	/* The read may clear causes set while a poll had them masked. */
	if (icr & HWL_INT_LSC)
		hwl_link_schedule(ad);
	if (icr & (HWL_INT_LINE_CAUSES | HWL_INT_ASSERTED)) {
		WRITE_ONCE(ad->pair[0]->vector[HWL_VECTOR_RX].seen, true);
		napi_schedule_irqoff(&ad->pair[0]->napi);
	}

	/* The line may be shared: this bit says whether it was us. */
	if (ad->irq_mode == HWL_IRQ_INTX && !(icr & HWL_INT_ASSERTED))
		return IRQ_NONE;
	return IRQ_HANDLED;
}

/* ---- Request and free ---- */

static int hwl_irq_request_queue(struct hwl_adapter *ad,
				 struct hwl_vector *vector, u32 n,
				 const char *what)
{
	int irq = pci_irq_vector(ad->pdev, n);
	int q = vector->pair->txq.index;
	int err;

	snprintf(vector->name, sizeof(vector->name), "%s-%s-%s-%d", HWL_NAME,
		 ad->netdev->name, what, q);
	err = request_irq(irq, hwl_irq_queue, 0, vector->name, vector);
	if (err)
		return err;
	vector->irq = irq;
	irq_update_affinity_hint(irq, hwl_irq_cpus(ad, q));
	return 0;
}

static int hwl_irq_request_pair(struct hwl_adapter *ad, u32 q)
{
	struct hwl_vector *vector = ad->pair[q]->vector;
	bool shared = ad->irq_mode == HWL_IRQ_MSIX_SHARED;
	int err;

	err = hwl_irq_request_queue(ad, &vector[HWL_VECTOR_RX],
				    hwl_irq_vector_rx(ad, q),
				    shared ? "TxRx" : "rx");
	if (err || shared)
		return err;
	return hwl_irq_request_queue(ad, &vector[HWL_VECTOR_TX],
				     hwl_irq_vector_tx(ad, q), "tx");
}

static int hwl_irq_request_msix(struct hwl_adapter *ad)
{
	int irq = pci_irq_vector(ad->pdev, hwl_irq_vector_other(ad));
	int err;
	u32 q;

	for (q = 0; q < ad->max_pairs; q++) {
		err = hwl_irq_request_pair(ad, q);
		if (err)
			return err;
	}

	snprintf(ad->other_name, sizeof(ad->other_name), "%s-%s", HWL_NAME,
		 ad->netdev->name);
	err = request_irq(irq, hwl_irq_other, 0, ad->other_name, ad);
	if (err)
		return err;
	ad->other_irq = irq;
	return 0;
}

static int hwl_irq_request_line(struct hwl_adapter *ad)
{
	unsigned long flags = ad->irq_mode == HWL_IRQ_INTX ? IRQF_SHARED : 0;
	int irq = pci_irq_vector(ad->pdev, 0);
	int err;

	snprintf(ad->other_name, sizeof(ad->other_name), "%s-%s", HWL_NAME,
		 ad->netdev->name);
	err = request_irq(irq, hwl_irq_line, flags, ad->other_name, ad);
	if (err)
		return err;
	ad->other_irq = irq;
	return 0;
}

/**
 * hwl_irq_request() - install the handlers
 * @ad: the device; all causes are masked
 *
 * For max_pairs pairs, so that a later change of channels allocates none.
 *
 * Context: process, rtnl held.
 * Return: 0, or a negative error code with no handler left installed.
 */
int hwl_irq_request(struct hwl_adapter *ad)
{
	int err;

	if (hwl_is_msix(ad))
		err = hwl_irq_request_msix(ad);
	else
		err = hwl_irq_request_line(ad);
	if (err)
		hwl_irq_free(ad);
	return err;
}

static void hwl_irq_free_one(int *irq, void *data, bool hint)
{
	if (!*irq)
		return;
	if (hint)
		irq_update_affinity_hint(*irq, NULL);
	free_irq(*irq, data);
	*irq = 0;
}

/**
 * hwl_irq_free() - remove those handlers that are installed
 * @ad: the device; all causes are masked
 *
 * Context: process, rtnl held.
 */
void hwl_irq_free(struct hwl_adapter *ad)
{
	struct hwl_vector *vector;
	u32 q, i;

	hwl_irq_free_one(&ad->other_irq, ad, false);
	for (q = 0; q < ad->max_pairs; q++) {
		for (i = 0; i < HWL_PAIR_VECTORS; i++) {
			vector = &ad->pair[q]->vector[i];
			hwl_irq_free_one(&vector->irq, vector, true);
		}
	}
}

/**
 * hwl_irq_next_mode() - fall back to the next interrupt mode
 * @ad: the device; the data path is stopped, handlers are installed
 *
 * From MSI-X to MSI, from MSI to INTx, for a machine that does not deliver the
 * current ones. One pair remains. On failure, the mode is unchanged.
 *
 * Context: process, rtnl held.
 * Return: 0 with handlers installed, or a negative error code without any.
 */
int hwl_irq_next_mode(struct hwl_adapter *ad)
{
	unsigned int types = PCI_IRQ_INTX;
	u32 q;
	int err;

	if (hwl_is_msix(ad))
		types |= PCI_IRQ_MSI;
	hwl_irq_free(ad);
	pci_free_irq_vectors(ad->pdev);
	err = hwl_irq_try_line(ad, types);
	if (err)
		err = hwl_irq_init(ad);
	if (err)
		return err;
	for (q = 0; q < ad->max_pairs; q++)
		hwl_irq_pair_causes(ad->pair[q], q);
	for (q = 0; q < HWL_MAX_PAIRS && ad->irq_mode != HWL_IRQ_MSIX_SPLIT; q++)
		ad->coal[q].tx_usecs = ad->coal[q].rx_usecs;
	return hwl_irq_request(ad);
}

/* ---- Registers ---- */

static u32 hwl_ivar_field(u32 vector, int shift)
{
	return (HWL_IVAR_VALID | vector) << shift;
}

/*
 * Bit 31 enables interrupts for write-backs without RS. Silicon does none with
 * WTHRESH 0, but this bit makes QEMU write back every descriptor.
 */
static u32 hwl_ivar(const struct hwl_adapter *ad)
{
	u32 ivar = ad->every_wb ? HWL_IVAR_TX_INT_EVERY_WB : 0;
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++) {
		ivar |= hwl_ivar_field(hwl_irq_vector_rx(ad, q), HWL_IVAR_RXQ_SHIFT(q));
		ivar |= hwl_ivar_field(hwl_irq_vector_tx(ad, q), HWL_IVAR_TXQ_SHIFT(q));
	}
	return ivar | hwl_ivar_field(hwl_irq_vector_other(ad), HWL_IVAR_OTHER_SHIFT);
}

/**
 * hwl_irq_set_pair_itr() - program the moderation of a pair
 * @pair: the pair; active
 *
 * If one vector serves both directions, the shorter interval is used. A change
 * takes effect with the next interval.
 *
 * Context: process.
 */
void hwl_irq_set_pair_itr(struct hwl_pair *pair)
{
	u32 rx = hwl_usecs_to_itr(hwl_dim_rx_usecs(pair));
	u32 tx = hwl_usecs_to_itr(hwl_dim_tx_usecs(pair));
	struct hwl_adapter *ad = pair->ad;
	int q = pair->rxq.index;

	if (ad->irq_mode == HWL_IRQ_MSIX_SPLIT) {
		hwl_wr32(&ad->hw, HWL_EITR(hwl_irq_vector_rx(ad, q)), rx);
		hwl_wr32(&ad->hw, HWL_EITR(hwl_irq_vector_tx(ad, q)), tx);
	} else if (hwl_is_msix(ad)) {
		hwl_wr32(&ad->hw, HWL_EITR(hwl_irq_vector_rx(ad, q)),
			 min(rx, tx));
	} else {
		hwl_wr32(&ad->hw, HWL_ITR, min(rx, tx));
	}
}

/**
 * hwl_irq_set_itr() - program the moderation of all vectors
 * @ad: the device
 *
 * Context: process, rtnl held.
 */
void hwl_irq_set_itr(struct hwl_adapter *ad)
{
	u32 q;

	for (q = 0; q < ad->cfg.pairs; q++)
		hwl_irq_set_pair_itr(ad->pair[q]);
	if (hwl_is_msix(ad))
		hwl_wr32(&ad->hw, HWL_EITR(hwl_irq_vector_other(ad)),
			 hwl_usecs_to_itr(HWL_OTHER_USECS));
}

/**
 * hwl_irq_setup() - route causes to vectors; all stay masked
 * @ad: the device
 *
 * IAM lists all causes in every mode: MSI-X auto-mask fails on silicon when
 * the queues' bits are missing from it. OTHER is not in EIAC, and IAME stays
 * off with MSI-X, or the read of ICR in its handler would mask the queues.
 *
 * Context: process, after a reset.
 */
void hwl_irq_setup(struct hwl_adapter *ad)
{
	struct hwl_hw *hw = &ad->hw;

	hwl_wr32(hw, HWL_IAM, HWL_INT_ALL);
	if (hwl_is_msix(ad)) {
		hwl_wr32(hw, HWL_IVAR, hwl_ivar(ad));
		hwl_wr32(hw, HWL_EIAC, HWL_INT_QUEUES);
		hwl_hw_ctrl_ext(hw, HWL_CTRL_EXT_IAME,
				HWL_CTRL_EXT_EIAME | HWL_CTRL_EXT_PBA_CLR);
	} else {
		hwl_wr32(hw, HWL_EIAC, 0);
		hwl_hw_ctrl_ext(hw, HWL_CTRL_EXT_EIAME, HWL_CTRL_EXT_IAME);
	}
	hwl_irq_set_itr(ad);
}

/**
 * hwl_irq_every_wb() - have every Tx write-back raise the interrupt
 * @ad: the device; up
 *
 * Called after a write-back that raised no interrupt. Other drivers always set
 * this bit, so only documents say how silicon behaves without it.
 *
 * Context: process (tick).
 */
void hwl_irq_every_wb(struct hwl_adapter *ad)
{
	if (!hwl_is_msix(ad) || ad->every_wb)
		return;
	/* An IVAR changed by others is a different fault, handled elsewhere. */
	if (hwl_rd32(&ad->hw, HWL_IVAR) != hwl_ivar(ad))
		return;
	ad->every_wb = true;
	hwl_wr32(&ad->hw, HWL_IVAR, hwl_ivar(ad));
}

/**
 * hwl_irq_restore() - restore interrupt delivery in PCI configuration space
 * @ad: the device; all causes are masked
 *
 * Vectors may be masked, or the function barred from interrupting, in PCI
 * configuration space, which a reset of the MAC does not touch.
 *
 * Context: process, rtnl held.
 */
void hwl_irq_restore(struct hwl_adapter *ad)
{
	pci_set_master(ad->pdev);
	if (ad->irq_mode == HWL_IRQ_INTX)
		pci_intx(ad->pdev, 1);
	else
		pci_restore_msi_state(ad->pdev);
}

/**
 * hwl_irq_enable() - unmask the causes in use
 * @ad: the device; handlers installed, NAPI enabled
 *
 * Context: process; rtnl held, or the watchdog's tick.
 */
void hwl_irq_enable(struct hwl_adapter *ad)
{
	u32 ims = HWL_INT_OTHER_CAUSES;
	u32 q;

	if (!hwl_is_msix(ad))
		ims = HWL_INT_LINE_CAUSES;
	else
		for (q = 0; q < ad->cfg.pairs; q++)
			ims |= ad->pair[q]->rearm;
	hwl_wr32(&ad->hw, HWL_IMS, ims);
	hwl_flush(&ad->hw);
}

/**
 * hwl_irq_disable() - mask all causes, and wait for running handlers
 * @ad: the device; HWL_DOWN is set
 *
 * Context: process, rtnl held.
 */
void hwl_irq_disable(struct hwl_adapter *ad)
{
	u32 q, i;

	hwl_wr32(&ad->hw, HWL_IMC, HWL_INT_ALL);
	if (hwl_is_msix(ad))
		hwl_wr32(&ad->hw, HWL_EIAC, 0);
	hwl_flush(&ad->hw);

	if (ad->other_irq)
		synchronize_irq(ad->other_irq);
	for (q = 0; q < ad->max_pairs; q++)
		for (i = 0; i < HWL_PAIR_VECTORS; i++)
			if (ad->pair[q]->vector[i].irq)
				synchronize_irq(ad->pair[q]->vector[i].irq);
}
