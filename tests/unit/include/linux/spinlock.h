/* SPDX-License-Identifier: GPL-2.0 */
/* One thread. */
#ifndef UNIT_LINUX_SPINLOCK_H
#define UNIT_LINUX_SPINLOCK_H
typedef struct { int unit_held; } spinlock_t;

#define spin_lock_init(lock)			((lock)->unit_held = 0)
#define spin_lock_irqsave(lock, flags)		((flags) = (lock)->unit_held++)
#define spin_unlock_irqrestore(lock, flags)	((lock)->unit_held = (flags))
#endif
