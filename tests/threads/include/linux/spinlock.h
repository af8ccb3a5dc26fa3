/* SPDX-License-Identifier: GPL-2.0 */
/* A lock that the interrupt handler takes must be taken with interrupts off. */
#ifndef SHIM_SPINLOCK_H
#define SHIM_SPINLOCK_H

#include <linux/sched.h>

typedef struct {
	pthread_mutex_t mutex;
	struct task_struct *owner;
	bool in_irq;			/* the handler has taken it */
	bool with_irqs;			/* was taken with interrupts on */
} spinlock_t;

void spin_lock_init(spinlock_t *lock);
void shim_lock(spinlock_t *lock, const char *where);
void shim_unlock(spinlock_t *lock);

#define lockdep_assert_held(lock)					\
	SHIM_BUG_ON(shim_get((lock)->owner) != current)

#define spin_lock(lock)		shim_lock(lock, SHIM_HERE)
#define spin_unlock(lock)						\
	do {								\
		shim_unlock(lock);					\
		shim_point(SHIM_UNLOCK, SHIM_HERE);			\
	} while (0)
#define spin_lock_irqsave(lock, flags)					\
	do {								\
		(flags) = current->irqs_off;				\
		current->irqs_off = true;				\
		spin_lock(lock);					\
	} while (0)
#define spin_unlock_irqrestore(lock, flags)				\
	do {								\
		shim_unlock(lock);					\
		current->irqs_off = (flags);				\
		shim_point(SHIM_UNLOCK, SHIM_HERE);			\
	} while (0)

#endif
