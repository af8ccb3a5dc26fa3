/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spinlocks of one thread. Those of the driver are leaves: none is taken while
 * another is held, but within the one that says who receives.
 */
#ifndef SHIM_SPINLOCK_H
#define SHIM_SPINLOCK_H

#include <linux/string.h>
#include <linux/types.h>

#include "shim.h"

typedef struct { bool held; unsigned int *count; } spinlock_t;

#define spin_lock_init(lock)						\
	((void)(*(lock) = (spinlock_t){					\
		.count = strstr(#lock, "rx_lock") ?			\
			 &shim.outer_spinlocks : &shim.spinlocks }))
#define lockdep_assert_held(lock)	SHIM_BUG_ON(!(lock)->held)

static inline void spin_lock(spinlock_t *lock)
{
	SHIM_BUG_ON(lock->held);
	SHIM_BUG_ON(shim.spinlocks);
	lock->held = true;
	++*lock->count;
}

static inline void spin_unlock(spinlock_t *lock)
{
	SHIM_BUG_ON(!lock->held);
	SHIM_BUG_ON(lock->count != &shim.spinlocks && shim.spinlocks);
	lock->held = false;
	--*lock->count;
}

/* No interrupt ever comes. */
#define spin_lock_irqsave(lock, flags) \
	do { (flags) = 0; spin_lock(lock); } while (0)
#define spin_unlock_irqrestore(lock, flags) \
	do { (void)(flags); spin_unlock(lock); } while (0)

#endif
