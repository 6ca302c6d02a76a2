// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket: a line in, a line out ("ok", "error", or what was asked
 * for). What is refused changes nothing. Commands:
 *
 *	fault, clear			see faults.c
 *	link up|down|bad|good		the cable; a bad one is not good for 1000 Mb/s
 *	partner MODE...			what it offers: 10hd 10fd 100hd 100fd 1000fd
 *					pause asym, renegotiated
 *	pause QUANTA			it sends a pause frame
 *	frame HEX			it sends this frame
 *	damage KIND EVERY		each EVERYth frame; 0: none. crc, align, symbol,
 *					runt, oversize; fragment, jabber: the same with
 *					a bad CRC
 *	scale PERCENT			time of the wire
 *	errata WORD...			name, no-name, all, none
 *	reg OFFSET [VALUE]		the value as stored, no side effect
 *	phy REG [VALUE]			likewise, of the PHY's first page
 *	nvm WORD VALUE			a word of the NVM, and the checksum with it
 *	flash WORD			the flash behind the NVM's shadow
 *	offences			print the next of each kind again
 *	stats				the books of wire, vectors and offences, as JSON
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model.h"

#define WORDS	16

/* A whole number from 0 to max, decimal or 0x...; false if the word is none. */
bool number(const char *word, u32 max, u32 *value)
{
	unsigned long long n;
	char *end;

	if (word[0] < '0' || word[0] > '9')
		return false;
	errno = 0;
	n = strtoull(word, &end, 0);
	if (*end || errno || n > max)
		return false;
	*value = (u32)n;
	return true;
}

static int cmd_link(struct dev *dev, char **word, int words)
{
	if (words != 2)
		return -1;
	if (!strcmp(word[1], "bad") || !strcmp(word[1], "good")) {
		dev->wire.bad = word[1][0] == 'b';
		phy_renegotiate(dev);
		return 0;
	}
	if (strcmp(word[1], "up") && strcmp(word[1], "down"))
		return -1;
	wire_plug(dev, word[1][0] == 'u');
	return 0;
}

static int cmd_partner(struct dev *dev, char **word, int words)
{
	static const struct { const char *name; u32 bit; } names[] = {
		{ "10hd", PARTNER_10HD }, { "10fd", PARTNER_10FD },
		{ "100hd", PARTNER_100HD }, { "100fd", PARTNER_100FD },
		{ "1000fd", PARTNER_1000FD },
	};
	struct wire *w = &dev->wire;
	u32 advertise = 0;
	bool pause = false, asym = false;
	size_t n;
	int i;

	for (i = 1; i < words; i++) {
		for (n = 0; n < ARRAY_SIZE(names); n++)
			if (!strcmp(word[i], names[n].name))
				break;
		if (n < ARRAY_SIZE(names))
			advertise |= names[n].bit;
		else if (!strcmp(word[i], "pause"))
			pause = true;
		else if (!strcmp(word[i], "asym"))
			asym = true;
		else
			return -1;
	}
	if (words < 2)
		return -1;
	if (w->advertise == advertise && w->pause == pause && w->asym == asym)
		return 0;
	w->advertise = advertise;
	w->pause = pause;
	w->asym = asym;
	phy_renegotiate(dev);
	return 0;
}

static int cmd_pause(struct dev *dev, char **word, int words)
{
	static const u8 head[] = {
		0x01, 0x80, 0xC2, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x88, 0x08, 0, 1,
	};
	struct frame *f;
	u32 quanta;

	if (words != 2 || !number(word[1], 0xFFFF, &quanta))
		return -1;
	f = frame_new(60);
	memcpy(f->data, head, sizeof(head));
	f->data[16] = (u8)(quanta >> 8);
	f->data[17] = (u8)quanta;
	wire_partner_sends(dev, f);
	return 0;
}

static int cmd_frame(struct dev *dev, char **word, int words)
{
	size_t len = words == 2 ? strlen(word[1]) / 2 : 0, i;
	struct frame *f;
	unsigned int byte;

	if (len < 14 || strlen(word[1]) % 2 ||
	    strspn(word[1], "0123456789abcdefABCDEF") != 2 * len)
		return -1;
	f = frame_new(len < 60 ? 60 : (u32)len);
	for (i = 0; i < len && sscanf(word[1] + 2 * i, "%2x", &byte) == 1; i++)
		f->data[i] = (u8)byte;
	wire_partner_sends(dev, f);
	return 0;
}

static int cmd_damage(struct dev *dev, char **word, int words)
{
	static const struct { const char *name; u32 flags; } kinds[] = {
		{ "crc", FRAME_CRC }, { "align", FRAME_ALIGN }, { "symbol", FRAME_SYMBOL },
		{ "runt", FRAME_SHORT }, { "fragment", FRAME_SHORT | FRAME_CRC },
		{ "oversize", FRAME_LONG }, { "jabber", FRAME_LONG | FRAME_CRC },
	};
	u32 every;
	size_t n;

	if (words != 3 || !number(word[2], UINT32_MAX, &every))
		return -1;
	for (n = 0; n < ARRAY_SIZE(kinds); n++) {
		if (strcmp(word[1], kinds[n].name))
			continue;
		dev->wire.damage = kinds[n].flags;
		dev->wire.damage_every = every;
		return 0;
	}
	return -1;
}

static int cmd_scale(struct dev *dev, char **word, int words)
{
	return words == 2 && number(word[1], SCALE_MAX, &dev->wire.scale) ? 0 : -1;
}

static int cmd_errata(struct dev *dev, char **word, int words)
{
	u32 was = dev->errata;
	int i;

	for (i = 1; i < words; i++) {
		if (errata_parse(dev, word[i])) {
			dev->errata = was;
			return -1;
		}
	}
	return words > 1 ? 0 : -1;
}

static int cmd_reg(struct dev *dev, char **word, int words, char *answer, size_t size)
{
	u32 off, value;

	if (words < 2 || words > 3 || !number(word[1], REG_SPACE - 4, &off) || off % 4)
		return -1;
	if (words > 2) {
		if (!number(word[2], UINT32_MAX, &value))
			return -1;
		wr(dev, off, value);
	}
	snprintf(answer, size, "0x%08x", rd(dev, off));
	return 1;
}

static int cmd_phy(struct dev *dev, char **word, int words, char *answer, size_t size)
{
	u32 reg, value;

	if (words < 2 || words > 3 || !number(word[1], 31, &reg))
		return -1;
	if (words > 2) {
		if (!number(word[2], 0xFFFF, &value))
			return -1;
		dev->phy.reg[0][reg] = (u16)value;
	}
	snprintf(answer, size, "0x%04x", dev->phy.reg[0][reg]);
	return 1;
}

static int cmd_nvm(struct dev *dev, char **word, int words)
{
	u32 n, value;

	if (words != 3 || !number(word[1], NVM_WORDS - 1, &n) || !number(word[2], 0xFFFF, &value))
		return -1;
	nvm_set(dev, n, (u16)value);
	return 0;
}

static int cmd_flash(struct dev *dev, char **word, int words, char *answer, size_t size)
{
	u32 n;

	if (words != 2 || !number(word[1], NVM_WORDS - 1, &n))
		return -1;
	snprintf(answer, size, "0x%04x", dev->flash[n]);
	return 1;
}

/* The shortest time between two interrupts since the last time; 0: there were none. */
static unsigned long long gap_us(struct irq *irq, int v)
{
	u64 gap = irq->gap[v];

	irq->gap[v] = UINT64_MAX;
	return gap == UINT64_MAX ? 0 : gap / NS_PER_US;
}

static int cmd_stats(struct dev *dev, char **word, int words, char *answer, size_t size)
{
	const struct wire *w = &dev->wire;
	struct irq *irq = &dev->irq;

	(void)word;
	if (words != 1)
		return -1;
	snprintf(answer, size,
		 "{\"cable\": %d, \"sent\": %llu, \"received\": %llu, \"lost\": %llu, \"overrun\": %llu, "
		 "\"no_link\": %llu, \"bad_fcs\": %llu, \"runts\": %llu, \"pauses\": %llu, "
		 "\"irqs\": [%llu, %llu, %llu, %llu, %llu], "
		 "\"gaps\": [%llu, %llu, %llu, %llu, %llu], \"mode\": %d, "
		 "\"offences\": %u, \"fault\": %u, \"hung\": %d, \"rx_buffered\": %u, \"pmes\": %llu, \"refused\": %u}",
		 w->fd >= 0, (unsigned long long)w->sent, (unsigned long long)w->received,
		 (unsigned long long)w->lost, (unsigned long long)w->overrun,
		 (unsigned long long)w->no_link, (unsigned long long)w->bad_fcs,
		 (unsigned long long)w->runts, (unsigned long long)w->pauses,
		 (unsigned long long)irq->sent[0], (unsigned long long)irq->sent[1],
		 (unsigned long long)irq->sent[2], (unsigned long long)irq->sent[3],
		 (unsigned long long)irq->sent[4],
		 gap_us(irq, 0), gap_us(irq, 1), gap_us(irq, 2), gap_us(irq, 3), gap_us(irq, 4),
		 irq->mode,
		 dev->offences, dev->fault, dev->tx.q[0].hung || dev->tx.q[1].hung,
		 dev->rx.pb.frames, (unsigned long long)dev->pmes, dev->refused);
	return 1;
}

static int cmd_offences(struct dev *dev, char **word, int words)
{
	(void)dev;
	(void)word;
	if (words != 1)
		return -1;
	strict_begin();
	return 0;
}

static const struct {
	const char *name;
	int (*act)(struct dev *dev, char **word, int words);
	int (*answer)(struct dev *dev, char **word, int words, char *answer, size_t size);
} commands[] = {
	{ "fault", .act = fault_command },
	{ "clear", .act = fault_command },
	{ "link", .act = cmd_link },
	{ "partner", .act = cmd_partner },
	{ "pause", .act = cmd_pause },
	{ "frame", .act = cmd_frame },
	{ "damage", .act = cmd_damage },
	{ "scale", .act = cmd_scale },
	{ "errata", .act = cmd_errata },
	{ "reg", .answer = cmd_reg },
	{ "phy", .answer = cmd_phy },
	{ "nvm", .act = cmd_nvm },
	{ "flash", .answer = cmd_flash },
	{ "offences", .act = cmd_offences },
	{ "stats", .answer = cmd_stats },
};

static int control_find(const char *name)
{
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return i;
	return -1;
}

/* Is there such a command, and such a fault? What else it says is seen when it runs. */
bool control_known(const char *command)
{
	char name[16] = "", what[24] = "";

	if (sscanf(command, "%15s %23s", name, what) < 1 || control_find(name) < 0)
		return false;
	return strcmp(name, "fault") || fault_known(what);
}

static int control_dispatch(struct dev *dev, char **word, int words, char *answer,
			    size_t size)
{
	int i = control_find(word[0]);

	if (i < 0)
		return -1;
	if (commands[i].act)
		return commands[i].act(dev, word, words);
	return commands[i].answer(dev, word, words, answer, size);
}

/* With the lock held. */
void control_command(struct dev *dev, char *line, char *answer, size_t size)
{
	char *word[WORDS], *save = NULL;
	int words = 0, rc;

	for (line = strtok_r(line, " \t\r\n", &save); line && words < WORDS;
	     line = strtok_r(NULL, " \t\r\n", &save))
		word[words++] = line;
	rc = words && !line ? control_dispatch(dev, word, words, answer, size) : -1;
	if (rc <= 0)
		snprintf(answer, size, "%s", rc ? "error" : "ok");
}

static void control_serve(struct dev *dev, FILE *in, FILE *out)
{
	char line[2 * FRAME_MAX + 64], answer[1024];
	int c;

	while (fgets(line, sizeof(line), in)) {
		if (strchr(line, '\n')) {
			dev_lock(dev);
			control_command(dev, line, answer, sizeof(answer));
			dev_unlock(dev);
		} else {
			while ((c = fgetc(in)) != EOF && c != '\n')
				;
			strcpy(answer, "error");
		}
		fprintf(out, "%s\n", answer);
		fflush(out);
	}
}

static struct {
	pthread_t thread;
	int listen_fd, fd;
} control = { .fd = -1 };

/* Whom it serves; -1: nobody. Nobody new once the end has begun. */
static void control_client(struct dev *dev, int fd)
{
	dev_lock(dev);
	control.fd = fd;
	if (fd >= 0 && dev->quit)
		shutdown(fd, SHUT_RDWR);
	dev_unlock(dev);
}

static void *control_thread(void *arg)
{
	struct dev *dev = arg;
	FILE *in, *out;
	int fd;

	while ((fd = accept(control.listen_fd, NULL, NULL)) >= 0) {
		in = fdopen(fd, "r");
		out = fdopen(dup(fd), "w");
		control_client(dev, fd);
		if (in && out)
			control_serve(dev, in, out);
		control_client(dev, -1);
		if (in)
			fclose(in);
		if (out)
			fclose(out);
	}
	return NULL;
}

int control_begin(struct dev *dev)
{
	control.listen_fd = unix_listen(dev->opt.control);
	if (control.listen_fd < 0)
		return -1;
	return pthread_create(&control.thread, NULL, control_thread, dev) ? -1 : 0;
}

/* Who waits for a line has its stream locked, and exit() may want all of them. */
void control_end(struct dev *dev)
{
	dev_lock(dev);
	shutdown(control.listen_fd, SHUT_RDWR);
	if (control.fd >= 0)
		shutdown(control.fd, SHUT_RDWR);
	dev_unlock(dev);
	pthread_join(control.thread, NULL);
}
