// SPDX-License-Identifier: GPL-2.0
/*
 * Errata as switches. On: the device shows the fault where a driver lacks the
 * work-around. What depends on chance alone in silicon is made certain here,
 * or is off.
 */
#include <string.h>

#include "model.h"

#define FPD_AGAIN	(100 * NS_PER_MS)

/* Row n of the sheet's table of errata is entry n - 1. */
static const struct {
	const char *name;
	bool on;
	const char *text;
} table[] = {
	[ERR_ASPM] = { "aspm", true,
		"the transmitter hangs after 1000 frames with ASPM on, GCR.22, GCR.27 or GCR2.0 clear" },
	[ERR_ICR_LOST] = { "icr-lost", true,
		"a read of ICR with INT_ASSERTED clear loses the causes that are not enabled" },
	[ERR_AUTOMASK] = { "automask", true,
		"MSI-X masks only causes that IAM has" },
	[ERR_ACK] = { "ack", true,
		"TCP acknowledgements raise ACK unless RFCTL.ACK_DIS" },
	[ERR_RXO_STORM] = { "rxo-storm", true,
		"an overrun raises RXO again each 20 us until there are descriptors" },
	[ERR_RX_DISABLE] = { "rx-disable", true,
		"the receiver is dead once RCTL.EN was cleared, until a reset" },
	[ERR_PHY_HANG] = { "phy-hang", false,
		"the PHY hangs 100 frames after a reset, until the next one" },
	[ERR_SYSTIM] = { "systim", true,
		"one read of SYSTIM in five has a wrong bit 63" },
	[ERR_TX_FULL] = { "tx-full", true,
		"the transmitter hangs when its packet buffer is full, without TARC0.26" },
	[ERR_ONE_CONTEXT] = { "one-context", true,
		"both transmit queues have one offload context; off: one each" },
	[ERR_FPD] = { "fpd", true,
		"a forced flush (FPD) is missed if it is the first in a tenth of a second" },
	[ERR_TXDCTL] = { "txdctl", true,
		"queue 1 writes nothing back when TXDCTL of the queues are unlike" },
	[ERR_ARBITER] = { "arbiter", true,
		"without TARC.7, 25:23 the queue that is not served last hangs" },
	[ERR_EARLY_DD] = { "early-dd", false,
		"DD of the last descriptor of a TSO packet comes before its data is read" },
	[ERR_TSO_SLOW] = { "tso-slow", true,
		"segmentation hangs the transmitter below 1000 Mb/s" },
	[ERR_SHORT] = { "short", true,
		"a frame of less than 17 bytes hangs the transmitter" },
	[ERR_RESERVED] = { "reserved", true,
		"CTRL.29, CTRL_EXT.22 and .23 come up wrong; left so, 1000 frames hang the transmitter" },
	[ERR_NVM_FIRST] = { "nvm-first", true,
		"the first read of the checksum word after power-up is wrong" },
	[ERR_VECTORS] = { "vectors", false,
		"the MSI-X table has 3 vectors (from the start; --vectors N decides)" },
	[ERR_RAR_MERGE] = { "rar-merge", true,
		"a RAH or RAL that follows the word before it without a read between is lost" },
	[ERR_MDIO_OWNER] = { "mdio-owner", true,
		"a reset takes MDIO away, and the PHY ignores it for 25 ms after AUTO_RD" },
	[ERR_RLEC] = { "rlec", true,
		"RLEC and TNCRS count each good frame" },
};

_Static_assert(ARRAY_SIZE(table) == ERRATA && ERRATA == 22, "a switch for each row");

void errata_init(struct dev *dev)
{
	int i;

	for (i = 0; i < ERRATA; i++)
		if (table[i].on)
			dev->errata |= 1U << i;
}

/* "name", "no-name", "all" or "none"; 0, or -1 for a word that is none. */
int errata_parse(struct dev *dev, const char *word)
{
	bool off = !strncmp(word, "no-", 3);
	int i;

	if (!strcmp(word, "all") || !strcmp(word, "none")) {
		dev->errata = word[0] == 'a' ? (1U << ERRATA) - 1 : 0;
		return 0;
	}
	for (i = 0; i < ERRATA; i++) {
		if (strcmp(word + (off ? 3 : 0), table[i].name))
			continue;
		if (off)
			dev->errata &= ~(1U << i);
		else
			dev->errata |= 1U << i;
		return 0;
	}
	return -1;
}

void errata_list(FILE *to)
{
	int i;

	for (i = 0; i < ERRATA; i++)
		fprintf(to, "  %2d %-11s %-3s %s\n", i + 1, table[i].name,
			table[i].on ? "on" : "off", table[i].text);
}

/* ---- What several chapters ask ---- */

bool errata_gcr_wrong(const struct dev *dev)
{
	return (rd(dev, GCR) & GCR_MUST) != GCR_MUST || !(rd(dev, GCR2) & GCR2_RSVD0);
}

bool errata_ctrl_ext_wrong(const struct dev *dev)
{
	return (rd(dev, CTRL_EXT) & (CTRL_EXT_RSVD22 | CTRL_EXT_RSVD23)) != CTRL_EXT_RSVD22;
}

/* What makes silicon hang some day; here it does so after 1000 frames. */
const char *errata_unmended(const struct dev *dev)
{
	if (erratum(dev, ERR_ASPM) && pcie_aspm(dev))
		return "ASPM is on";
	if (erratum(dev, ERR_ASPM) && errata_gcr_wrong(dev))
		return "GCR or GCR2";
	if (erratum(dev, ERR_RESERVED) &&
	    (rd(dev, CTRL) & CTRL_RSVD29 || errata_ctrl_ext_wrong(dev)))
		return "reserved bits of CTRL or CTRL_EXT";
	return NULL;
}

/* The first forced flush of either direction may be missed: erratum 11. */
bool errata_flush_missed(struct dev *dev, u64 *last)
{
	u64 now = now_ns(), before = *last;

	*last = now;
	return erratum(dev, ERR_FPD) && (!before || now - before > FPD_AGAIN);
}
