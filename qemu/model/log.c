// SPDX-License-Identifier: GPL-2.0
/* What the model says: one line each, with the seconds since its start. */
#include <stdarg.h>

#include "model.h"

void note(struct dev *dev, const char *fmt, ...)
{
	u64 t = now_ns() - dev->start;
	va_list args;

	fprintf(dev->log, "%llu.%06llu ", (unsigned long long)(t / NS_PER_S),
		(unsigned long long)(t % NS_PER_S / NS_PER_US));
	va_start(args, fmt);
	vfprintf(dev->log, fmt, args);
	va_end(args);
	fputc('\n', dev->log);
	fflush(dev->log);
}
