// SPDX-License-Identifier: GPL-2.0
/* Frames and the two packet buffers that hold them. */
#include <stdlib.h>

#include "model.h"

#define FCS_ROOM	4	/* behind the data: see append_fcs() */
#define HEADER		14	/* may be looked at, however short the frame */

struct frame *frame_new(u32 len)
{
	struct frame *frame = calloc(1, sizeof(*frame) + (len > HEADER ? len : HEADER) +
			      FCS_ROOM);

	if (!frame)
		abort();
	frame->len = len;
	return frame;
}

void fifo_init(struct fifo *fifo)
{
	*fifo = (struct fifo){ .last = &fifo->first };
}

void fifo_put(struct fifo *fifo, struct frame *frame)
{
	frame->next = NULL;
	*fifo->last = frame;
	fifo->last = &frame->next;
	fifo->bytes += frame->len;
	fifo->frames++;
}

struct frame *fifo_get(struct fifo *fifo)
{
	struct frame *frame = fifo->first;

	if (!frame)
		return NULL;
	fifo->first = frame->next;
	if (!fifo->first)
		fifo->last = &fifo->first;
	fifo->bytes -= frame->len;
	fifo->frames--;
	return frame;
}

void fifo_clear(struct fifo *fifo)
{
	struct frame *frame;

	while ((frame = fifo_get(fifo)))
		free(frame);
}
