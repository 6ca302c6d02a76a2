// SPDX-License-Identifier: GPL-2.0
/* The program: options, threads, and the end. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"

#define TIME_MAX	1000000	/* of options, in whatever unit */

static struct dev device;

static void usage(FILE *to)
{
	fputs("usage: model82574 --socket PATH --wire PATH [OPTION]...\n"
	      "An Intel 82574L for QEMU's vfio-user-pci. It ends when QEMU does.\n\n"
	      "  --socket PATH    where QEMU finds the device\n"
	      "  --wire PATH      the cable: QEMU's -netdev stream,server=off\n"
	      "  --control PATH   commands (see control.c)\n"
	      "  --log FILE       what happens; standard error otherwise\n"
	      "  --trace FILE     each access to a register\n"
	      "  --faults FILE    a script: lines of \"SECONDS COMMAND\"\n"
	      "  --times FILE     shared by models whose frames reach each other: see ptp.c\n"
	      "  --errata WORD,.. switches: name, no-name, all, none\n"
	      "  --mac ADDRESS    52:54:00:12:00:00\n"
	      "  --speed SPEED    the partner offers 10, 100 or 1000 Mb/s at most\n"
	      "  --scale PERCENT  time of the wire (100; 0: frames take none)\n"
	      "  --autoneg MS     negotiation takes that long (1500)\n"
	      "  --no-pause       the partner knows no pause frames\n"
	      "  --vectors N      MSI-X vectors that the NVM grants: 1 to 5 (see errata)\n"
	      "  --mdio US        a PHY access takes that long (30)\n"
	      "  --read US        a register read takes that much longer (0)\n"
	      "  --flash          the NVM is flash\n\nerrata, and which are on:\n", to);
	errata_list(to);
	fputs("\nfaults:\n", to);
	faults_list(to);
}

static const struct option options[] = {
	{ "socket", 1, NULL, 's' }, { "wire", 1, NULL, 'w' }, { "control", 1, NULL, 'c' },
	{ "log", 1, NULL, 'l' }, { "faults", 1, NULL, 'f' }, { "errata", 1, NULL, 'e' },
	{ "times", 1, NULL, 't' }, { "trace", 1, NULL, 'T' }, { "mac", 1, NULL, 'm' },
	{ "speed", 1, NULL, 'p' }, { "scale", 1, NULL, 'x' },
	{ "autoneg", 1, NULL, 'a' }, { "no-pause", 0, NULL, 'n' },
	{ "vectors", 1, NULL, 'v' }, { "flash", 0, NULL, 'F' }, { "mdio", 1, NULL, 'd' },
	{ "read", 1, NULL, 'r' },
	{ "help", 0, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int parse_mac(const char *text, u8 *mac)
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
		      &mac[3], &mac[4], &mac[5]) == 6 ? 0 : -1;
}

static int parse_speed(struct dev *dev, const char *text)
{
	static const u32 all = PARTNER_10HD | PARTNER_10FD | PARTNER_100HD | PARTNER_100FD;

	if (!strcmp(text, "10"))
		dev->wire.advertise = PARTNER_10HD | PARTNER_10FD;
	else if (!strcmp(text, "100"))
		dev->wire.advertise = all;
	else if (!strcmp(text, "1000"))
		dev->wire.advertise = all | PARTNER_1000FD;
	else
		return -1;
	return 0;
}

static int parse_errata(struct dev *dev, char *words)
{
	char *word, *save = NULL;

	for (word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (errata_parse(dev, word))
			return -1;
	return 0;
}

static int parse_one(struct dev *dev, int c, char *arg)
{
	struct options *o = &dev->opt;
	u32 n;

	switch (c) {
	case 's':
		o->socket = arg;
		return 0;
	case 'w':
		o->wire = arg;
		return 0;
	case 'c':
		o->control = arg;
		return 0;
	case 'l':
		o->log = arg;
		return 0;
	case 'T':
		o->trace = arg;
		return 0;
	case 'f':
		o->faults = arg;
		return 0;
	case 't':
		o->times = arg;
		return 0;
	case 'e':
		return parse_errata(dev, arg);
	case 'm':
		return parse_mac(arg, o->mac);
	case 'p':
		return parse_speed(dev, arg);
	case 'x':
		return !number(arg, SCALE_MAX, &dev->wire.scale);
	case 'a':
		if (!number(arg, TIME_MAX, &n))
			return -1;
		dev->wire.autoneg_ns = n * NS_PER_MS;
		return 0;
	case 'n':
		dev->wire.pause = false;
		dev->wire.asym = false;
		return 0;
	case 'v':
		if (!number(arg, MAX_VECTORS, &n) || !n)
			return -1;
		o->vectors = (int)n;
		return 0;
	case 'd':
		return !number(arg, TIME_MAX, &o->mdio_us);
	case 'r':
		return !number(arg, TIME_MAX, &o->read_us);
	case 'F':
		o->flash = true;
		return 0;
	}
	return -1;
}

static void dev_defaults(struct dev *dev)
{
	static const u8 mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x00, 0x00 };
	int i, v;

	memcpy(dev->opt.mac, mac, 6);
	dev->opt.master_delay_us = 200;
	dev->opt.mdio_us = 30;	/* 64 bits at 2.5 MHz */
	dev->wire.plugged = true;
	dev->wire.pause = true;
	dev->wire.asym = true;
	dev->wire.scale = 100;
	dev->wire.autoneg_ns = 1500 * NS_PER_MS;
	parse_speed(dev, "1000");
	for (i = 0; i < 3; i++)
		for (v = 0; v < MAX_VECTORS; v++)
			dev->irq.fd[i][v] = -1;
	for (i = 0; i < TIMERS; i++)
		dev->timer[i].at = NEVER;
	errata_init(dev);
}

static void dev_init(struct dev *dev)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dev->work, &attr);
	pthread_cond_init(&dev->arrive, &attr);
	pthread_mutex_init(&dev->lock, NULL);
	if (!dev->opt.vectors)
		dev->opt.vectors = erratum(dev, ERR_VECTORS) ? 3 : MAX_VECTORS;
	regs_init();
	nvm_init(dev);
	pcie_init(dev);
	tx_init(dev);
	rx_init(dev);
	mac_power_on(dev);
	/* Long before anybody looks, the NVM was read. */
	dev->in_reset = false;
	dev->phy.config_until = 0;
	timer_stop(dev, TIMER_RESET);
	nvm_load_mac(dev);
	wr(dev, EECD, rd(dev, EECD) | EECD_AUTO_RD);
}

static void dev_end(struct dev *dev, pthread_t engine, pthread_t cable)
{
	dev_lock(dev);
	__atomic_store_n(&dev->quit, true, __ATOMIC_RELAXED);
	engine_wake(dev);
	pthread_cond_signal(&dev->arrive);
	strict_summary(dev);
	dev_unlock(dev);
	pthread_join(engine, NULL);
	if (dev->opt.control)
		control_end(dev);
	(void)cable;	/* it may wait for a partner: the process ends it */
	/* As exit() does from glibc 2.41 on: nobody may sit in a stream. */
	fflush(NULL);
}

static int run(struct dev *dev)
{
	pthread_t engine, cable;
	int error;

	if (wire_open(dev)) {
		perror(dev->opt.wire);
		return 1;
	}
	if (dev->opt.faults && faults_load(dev, dev->opt.faults))
		return 1;
	if (dev->opt.times && ptp_open(dev)) {
		perror(dev->opt.times);
		return 1;
	}
	pthread_create(&engine, NULL, engine_thread, dev);
	pthread_create(&cable, NULL, wire_thread, dev);
	if (dev->opt.control && control_begin(dev)) {
		perror(dev->opt.control);
		return 1;
	}
	error = vfio_user_serve(dev);
	if (error)
		perror(dev->opt.socket);
	dev_end(dev, engine, cable);
	return error ? 1 : 0;
}

/* Written line by line, as others read it meanwhile. NULL: it cannot be. */
static FILE *open_log(const char *path)
{
	FILE *log = fopen(path, "w");

	if (log)
		setvbuf(log, NULL, _IOLBF, 0);
	else
		perror(path);
	return log;
}

int main(int argc, char **argv)
{
	struct dev *dev = &device;
	int c;

	signal(SIGPIPE, SIG_IGN);
	dev_defaults(dev);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			return 0;
		}
		if (parse_one(dev, c, optarg)) {
			usage(stderr);
			return 2;
		}
	}
	if (!dev->opt.socket || !dev->opt.wire || optind != argc) {
		usage(stderr);
		return 2;
	}
	dev->start = now_ns();
	dev->log = dev->opt.log ? open_log(dev->opt.log) : stderr;
	dev->trace = dev->opt.trace ? open_log(dev->opt.trace) : NULL;
	if (!dev->log || (dev->opt.trace && !dev->trace))
		return 1;
	dev_init(dev);
	return run(dev);
}
