/* SPDX-License-Identifier: GPL-2.0 */
/* Mutexes of one thread: to wait for one would be to wait for ever. */
#ifndef SHIM_MUTEX_H
#define SHIM_MUTEX_H

#include <linux/errno.h>
#include <linux/types.h>

#include "shim.h"

struct mutex { bool held; };

#define mutex_init(mutex)	((void)((mutex)->held = false))

static inline int mutex_trylock(struct mutex *mutex)
{
	if (mutex->held)
		return 0;
	mutex->held = true;
	shim.mutexes++;
	return 1;
}

static inline void mutex_lock(struct mutex *mutex)
{
	shim_might_sleep();
	SHIM_BUG_ON(!mutex_trylock(mutex));
}

/* A caller that has it sleeps: a signal ends the wait. */
static inline int mutex_lock_interruptible(struct mutex *mutex)
{
	shim_might_sleep();
	return mutex_trylock(mutex) ? 0 : -EINTR;
}

static inline void mutex_unlock(struct mutex *mutex)
{
	SHIM_BUG_ON(!mutex->held);
	mutex->held = false;
	shim.mutexes--;
}

#endif
