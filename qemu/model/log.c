// SPDX-License-Identifier: GPL-2.0
/* What the model says: one line each, with the seconds since its start. */
#include <stdarg.h>

#include "model.h"

static void stamp(struct dev *dev, FILE *to)
{
	u64 t = now_ns() - dev->start;

	fprintf(to, "%llu.%06llu ", (unsigned long long)(t / NS_PER_S),
		(unsigned long long)(t % NS_PER_S / NS_PER_US));
}

void note(struct dev *dev, const char *fmt, ...)
{
	va_list args;

	stamp(dev, dev->log);
	va_start(args, fmt);
	vfprintf(dev->log, fmt, args);
	va_end(args);
	fputc('\n', dev->log);
}

/* An access to a register, if anybody wants to know. */
void trace(struct dev *dev, const char *what, u32 off, u32 value)
{
	if (!dev->trace)
		return;
	stamp(dev, dev->trace);
	fprintf(dev->trace, "%s 0x%x, 0x%x\n", what, off, value);
}
