// SPDX-License-Identifier: GPL-2.0
/*
 * Faults: what silicon may do at its worst, by command or by script.
 *
 *	fault NAME [ARG] [for MS]	begin (ARG: what the fault needs)
 *	clear NAME | all		end
 *
 * A script has lines "SECONDS COMMAND", in the order of time from the model's
 * start; the commands are those of the control socket.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define MS_MAX	86400000	/* a day */

static const struct {
	const char *name;
	bool counted;		/* ARG is how often; 0: always */
	const char *text;
	u32 max;		/* of ARG; 0: any */
} table[FAULTS] = {
	[FAULT_TX_HANG] = { "tx-hang", false, "nothing is sent any more" },
	[FAULT_RX_HANG] = { "rx-hang", false, "nothing is received any more" },
	[FAULT_TXQ_HANG] = { "txq-hang", false, "queue ARG fetches no descriptors", QUEUES - 1 },
	[FAULT_RXQ_HANG] = { "rxq-hang", false,
		"receive queue ARG takes no frame, and what is for the other waits behind",
		QUEUES - 1 },
	[FAULT_NO_IRQ] = { "no-irq", true, "ARG interrupts are lost" },
	[FAULT_NO_WB] = { "no-wb", true, "ARG transmit write-backs are lost" },
	[FAULT_LATE_WB] = { "late-wb", false, "transmit write-backs ARG us late" },
	[FAULT_NO_RX_WB] = { "no-rx-wb", true,
		"ARG frames wait for the next one's write-back, or a flush; interrupts do not" },
	[FAULT_LATE_RX_WB] = { "late-rx-wb", false,
		"receive write-backs ARG us late, with an interrupt before and after" },
	[FAULT_BAD_LEN] = { "bad-len", false, "received frames have length ARG", 0xFFFF },
	[FAULT_BAD_STATUS] = { "bad-status", false, "received frames have status ARG" },
	[FAULT_BAD_DESC] = { "bad-desc", false,
		"half of what is written back is nonsense, but for DD; ARG is the seed" },
	[FAULT_BAD_DATA] = { "bad-data", false,
		"received frames have wrong bytes behind good checksums; ARG is the seed" },
	[FAULT_SPURIOUS] = { "spurious", false, "interrupts without a cause, each ARG us" },
	[FAULT_REMOVED] = { "removed", false, "all reads return ones, writes are lost" },
	[FAULT_MDIC_STALE] = { "mdic-stale", true, "ARG PHY accesses return the last result" },
	[FAULT_MASTER_STUCK] = { "master-stuck", false, "STATUS.19 does not fall" },
	[FAULT_AUTO_RD] = { "no-auto-rd", true, "EECD.AUTO_RD does not come after a reset" },
	[FAULT_LATE_ANSWER] = { "late-answer", false, "reads return ones for ARG us after a reset" },
	[FAULT_PHY_HANG] = { "phy-hang", false, "PHY registers 21 and 10 read all ones" },
	[FAULT_STICKY] = { "sticky", false, "register ARG keeps its value", REG_SPACE - 1 },
	[FAULT_NO_STAMP] = { "no-stamp", false, "sent frames are not stamped" },
	[FAULT_LOST_STAMP] = { "lost-stamp", true,
		"ARG received frames do not say that they were stamped" },
	[FAULT_STAMP_EACH] = { "stamp-each", false,
		"each frame of a segmented packet is stamped, not the first alone" },
	[FAULT_FIRMWARE] = { "firmware", true,
		"ARG requests for the PHY and the NVM are refused: firmware has them" },
	[FAULT_FIRMWARE_BUSY] = { "firmware-busy", false,
		"firmware has the PHY and the NVM at random times; ARG is the seed" },
	[FAULT_LATE_IRQ] = { "late-irq", false, "interrupts come ARG us late" },
	[FAULT_WILD_HEAD] = { "wild-head", false, "the heads of all rings read as ARG" },
};

/* Is it active? A counted one is used up by asking. */
bool fault_use(struct dev *dev, enum fault_id f)
{
	if (!fault(dev, f))
		return false;
	if (table[f].counted && dev->fault_arg[f] && !--dev->fault_arg[f])
		dev->fault &= ~(1U << f);
	return true;
}

/* Some bytes of a frame, of its headers more often than of the rest. */
void fault_data(struct dev *dev, u8 *data, u32 len)
{
	u32 n, within;

	if (!fault(dev, FAULT_BAD_DATA) || !len)
		return;
	for (n = fault_random(&dev->data_seed) % 8; n; n--) {
		within = n & 1 && len > 64 ? 64 : len;
		data[fault_random(&dev->data_seed) % within] = (u8)fault_random(&dev->data_seed);
	}
}

_Static_assert(FAULTS <= TIMER_FAULT_LAST - TIMER_FAULT_END + 1, "a timer for each");

static void fault_end(struct dev *dev, int f)
{
	timer_stop(dev, TIMER_FAULT_END + f);
	dev->fault &= ~(1U << f);
	note(dev, "fault %s ends", table[f].name);
	engine_wake(dev);
}

static void fault_spurious(struct dev *dev, int arg)
{
	u64 us = dev->fault_arg[FAULT_SPURIOUS] ? : 1000;

	(void)arg;
	if (!fault(dev, FAULT_SPURIOUS))
		return;
	irq_spurious(dev);
	timer_set(dev, TIMER_SPURIOUS, now_ns() + us * NS_PER_US, fault_spurious, 0);
}

static int fault_find(const char *name)
{
	int f;

	for (f = 0; f < FAULTS; f++)
		if (!strcmp(name, table[f].name))
			return f;
	return -1;
}

static int fault_begin(struct dev *dev, char **word, int words)
{
	int f = words ? fault_find(word[0]) : -1, at = 1;
	u32 arg = 0, ms = 0;

	if (f < 0)
		return -1;
	if (at < words && number(word[at], table[f].max ? : UINT32_MAX, &arg))
		at++;
	if (at + 1 < words && !strcmp(word[at], "for") && number(word[at + 1], MS_MAX, &ms))
		at += 2;
	if (at != words)
		return -1;
	dev->fault_arg[f] = arg;
	dev->fault |= 1U << f;
	timer_stop(dev, TIMER_FAULT_END + f);
	note(dev, "fault %s %u", table[f].name, dev->fault_arg[f]);
	if (ms)
		timer_set(dev, TIMER_FAULT_END + f, now_ns() + ms * NS_PER_MS, fault_end, f);
	if (f == FAULT_SPURIOUS)
		fault_spurious(dev, 0);
	if (f == FAULT_BAD_DESC)
		dev->desc_seed = arg ? : 1;
	if (f == FAULT_BAD_DATA)
		dev->data_seed = arg ? : 1;
	if (f == FAULT_FIRMWARE_BUSY)
		firmware_begin(dev, dev->fault_arg[f]);
	return 0;
}

/* Is there a fault of that name? */
bool fault_known(const char *name)
{
	return fault_find(name) >= 0;
}

static int fault_clear(struct dev *dev, char **word, int words)
{
	int f;

	if (words != 1)
		return -1;
	if (strcmp(word[0], "all")) {
		f = fault_find(word[0]);
		if (f < 0)
			return -1;
		fault_end(dev, f);
		return 0;
	}
	for (f = 0; f < FAULTS; f++)
		timer_stop(dev, TIMER_FAULT_END + f);
	dev->fault = 0;
	engine_wake(dev);
	return 0;
}

int fault_command(struct dev *dev, char **word, int words)
{
	if (!strcmp(word[0], "fault"))
		return fault_begin(dev, word + 1, words - 1);
	if (!strcmp(word[0], "clear"))
		return fault_clear(dev, word + 1, words - 1);
	return -1;
}

void faults_list(FILE *to)
{
	int f;

	for (f = 0; f < FAULTS; f++)
		fprintf(to, "  %-13s %s\n", table[f].name, table[f].text);
}

/* ---- Scripts ---- */

static struct {
	FILE *file;
	char *line, *command;
	size_t size;
	double at;		/* seconds from the model's start */
} script;

static void script_next(struct dev *dev);

static void script_run(struct dev *dev, int arg)
{
	char answer[512];

	(void)arg;
	note(dev, "script: %s", script.command);
	control_command(dev, script.command, answer, sizeof(answer));
	if (strncmp(answer, "ok", 2))
		note(dev, "script: %s", answer);
	script_next(dev);
}

/* The next line that is a command; 0: there is none, less: what it says is no time. */
static int script_read(void)
{
	char *end;

	while (getline(&script.line, &script.size, script.file) > 0) {
		script.line[strcspn(script.line, "\n")] = 0;
		if (script.line[0] == '#' || !script.line[0])
			continue;
		script.at = strtod(script.line, &end);
		script.command = end + strspn(end, " \t");
		return end > script.line && script.command > end &&
		       script.at >= 0 && script.at <= MS_MAX / 1000 ? 1 : -1;
	}
	return 0;
}

static void script_next(struct dev *dev)
{
	if (script_read() > 0)
		timer_set(dev, TIMER_FAULT, dev->start + (u64)(script.at * 1e9), script_run, 0);
	else
		fclose(script.file);
}

/* Nobody would be told of what is wrong later, when its time has come. */
static const char *script_check(void)
{
	double last = 0;
	int found;

	while ((found = script_read())) {
		if (found < 0)
			return "no time, and a command behind it";
		if (script.at < last)
			return "earlier than the line before";
		if (!control_known(script.command))
			return "no such command";
		last = script.at;
	}
	return NULL;
}

int faults_load(struct dev *dev, const char *path)
{
	const char *wrong;

	script.file = fopen(path, "r");
	if (!script.file) {
		perror(path);
		return -1;
	}
	wrong = script_check();
	if (wrong) {
		fprintf(stderr, "%s: \"%s\": %s\n", path, script.line, wrong);
		return -1;
	}
	rewind(script.file);
	script_next(dev);
	return 0;
}
