// SPDX-License-Identifier: GPL-2.0
/*
 * Errata as switches. On: the device shows the fault where a driver lacks the
 * work-around. What depends on chance alone in silicon is made certain here,
 * or is off.
 */
#include <string.h>

#include "model.h"

static const struct {
	const char *name;
	bool on;
	const char *text;
} table[ERRATA] = {
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
	[ERR_TX_FULL] = { "tx-full", true,
		"the transmitter hangs when its packet buffer is full, without TARC0.26" },
	[ERR_FPD] = { "fpd", true,
		"every other flush by TIDV.FPD is missed" },
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
	[ERR_NVM_FIRST] = { "nvm-first", true,
		"the first read of the checksum word after power-up is wrong" },
	[ERR_RAR_MERGE] = { "rar-merge", true,
		"a RAH that follows its RAL without a read between is lost" },
	[ERR_ASPM] = { "aspm", true,
		"the transmitter hangs after 1000 frames with ASPM L0s or L1 on" },
	[ERR_SYSTIM] = { "systim", true,
		"one read of SYSTIM in five has a wrong bit 63" },
	[ERR_RLEC] = { "rlec", true,
		"RLEC and TNCRS count each good frame" },
};

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
		fprintf(to, "  %-11s %-3s %s\n", table[i].name,
			table[i].on ? "on" : "off", table[i].text);
}
