// SPDX-License-Identifier: GPL-2.0
/*
 * Time and threads: the device's lock, its timers, and the engine that runs
 * them together with the transmit and receive units.
 */
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "model.h"

/* Frames that the engine moves before it lets others have the lock. */
#define ENGINE_BATCH	16

u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

/* A register access stalls a processor of the guest, and with it QEMU: those
 * who hold the lock for long look at 'waiting'.
 */
void dev_lock(struct dev *dev)
{
	__atomic_add_fetch(&dev->waiting, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&dev->lock);
	__atomic_sub_fetch(&dev->waiting, 1, __ATOMIC_RELAXED);
}

void dev_unlock(struct dev *dev)
{
	pthread_mutex_unlock(&dev->lock);
}

static void dev_yield(struct dev *dev)
{
	if (!__atomic_load_n(&dev->waiting, __ATOMIC_RELAXED))
		return;
	pthread_mutex_unlock(&dev->lock);
	sched_yield();
	pthread_mutex_lock(&dev->lock);
}

void engine_wake(struct dev *dev)
{
	dev->kicked = true;
	pthread_cond_signal(&dev->work);
}

/* ---- Timers ---- */

void timer_set(struct dev *dev, enum timer_id id, u64 at,
	       void (*fn)(struct dev *dev, int arg), int arg)
{
	dev->timer[id] = (struct timer){ .at = at, .fn = fn, .arg = arg };
	engine_wake(dev);
}

void timer_stop(struct dev *dev, enum timer_id id)
{
	dev->timer[id].at = NEVER;
}

bool timer_armed(const struct dev *dev, enum timer_id id)
{
	return dev->timer[id].at != NEVER;
}

/* Run what is due; when the next is. A register read does so, too: what has had
 * its time is over for who looks, however late the engine's thread is.
 */
u64 timers_run(struct dev *dev)
{
	u64 next = NEVER, now = now_ns();
	struct timer t;
	int i;

	for (i = 0; i < TIMERS; i++) {
		if (dev->timer[i].at <= now) {
			t = dev->timer[i];
			dev->timer[i].at = NEVER;
			t.fn(dev, t.arg);
		}
	}
	for (i = 0; i < TIMERS; i++)
		if (dev->timer[i].at < next)
			next = dev->timer[i].at;
	return next;
}

/* ---- The engine ---- */

static void engine_sleep(struct dev *dev, u64 until)
{
	struct timespec ts = {
		.tv_sec = (time_t)(until / NS_PER_S),
		.tv_nsec = (long)(until % NS_PER_S),
	};

	if (until == NEVER)
		pthread_cond_wait(&dev->work, &dev->lock);
	else
		pthread_cond_timedwait(&dev->work, &dev->lock, &ts);
}

void *engine_thread(void *arg)
{
	struct dev *dev = arg;
	u64 next;
	int n;

	/* Timers of microseconds: the default slack of 50 is too much. */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	pthread_mutex_lock(&dev->lock);
	while (!dev->quit) {
		dev->kicked = false;
		timers_run(dev);
		rx_run(dev);
		for (n = 0; n < ENGINE_BATCH && tx_run(dev); n++)
			dev_yield(dev);
		dev_yield(dev);
		/* Somebody may have had the lock, or a timer was armed. */
		next = timers_run(dev);
		if (n < ENGINE_BATCH && !dev->kicked)
			engine_sleep(dev, next);
	}
	pthread_mutex_unlock(&dev->lock);
	return NULL;
}
