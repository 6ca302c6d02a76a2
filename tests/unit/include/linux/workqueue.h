/* SPDX-License-Identifier: GPL-2.0 */
/* Work that the test does when it is due. */
#ifndef UNIT_LINUX_WORKQUEUE_H
#define UNIT_LINUX_WORKQUEUE_H
#include <linux/types.h>

struct work_struct {
	void (*func)(struct work_struct *work);
};

struct delayed_work {
	struct work_struct work;
	u64 due;
	bool pending;
};

#define HZ				250
#define to_delayed_work(w)		container_of(w, struct delayed_work, work)
#define INIT_DELAYED_WORK(w, f)		((w)->work.func = (f))
#define cancel_delayed_work_sync(w)	((w)->pending = false)

/* The test's: it knows the time. */
void schedule_delayed_work(struct delayed_work *work, unsigned long delay);
#endif
