/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spinlocks of one thread. Those of the driver are leaves: none is taken while
 * another is held.
 */
#ifndef SHIM_SPINLOCK_H
#define SHIM_SPINLOCK_H

#include <linux/types.h>

#include "shim.h"

typedef struct { bool held; } spinlock_t;

#define spin_lock_init(lock)		((void)((lock)->held = false))
#define lockdep_assert_held(lock)	SHIM_BUG_ON(!(lock)->held)

static inline void spin_lock(spinlock_t *lock)
{
	SHIM_BUG_ON(lock->held);
	SHIM_BUG_ON(shim.spinlocks);
	lock->held = true;
	shim.spinlocks++;
}

static inline void spin_unlock(spinlock_t *lock)
{
	SHIM_BUG_ON(!lock->held);
	lock->held = false;
	shim.spinlocks--;
}

/* No interrupt ever comes. */
#define spin_lock_irqsave(lock, flags) \
	do { (flags) = 0; spin_lock(lock); } while (0)
#define spin_unlock_irqrestore(lock, flags) \
	do { (void)(flags); spin_unlock(lock); } while (0)

#endif
