/* SPDX-License-Identifier: GPL-2.0 */
/* Whoever sleeps lets the harness work until the condition holds. */
#ifndef SHIM_WAIT_H
#define SHIM_WAIT_H

#include <linux/errno.h>
#include <linux/list.h>
#include <linux/spinlock.h>

typedef struct { unsigned int wakeups; } wait_queue_head_t;

#define init_waitqueue_head(wq)	((void)((wq)->wakeups = 0))

/* Takes the queue's lock in the kernel, which makes it a leaf as well. */
static inline void wake_up(wait_queue_head_t *wq)
{
	SHIM_BUG_ON(shim.spinlocks);
	wq->wakeups++;
}

/* Who sleeps lets others work, and is not in the queue. */
#define waitqueue_active(wq)		((void)(wq), false)
#define wake_up_all(wq)			wake_up(wq)
#define wake_up_interruptible(wq)	wake_up(wq)

#define wait_event(wq, cond)						\
	do {								\
		shim_might_sleep();					\
		while (!(cond))						\
			shim.sleep(false);				\
	} while (0)
#define wait_event_idle(wq, cond)	wait_event(wq, cond)

#define TASK_INTERRUPTIBLE		1
#define TASK_UNINTERRUPTIBLE		2

#define ___wait_event(wq, cond, mode, exclusive, ret, cmd) ({		\
	int __err = 0;							\
									\
	shim_might_sleep();						\
	while (!__err && !(cond)) {					\
		if (!shim.sleep((mode) == TASK_INTERRUPTIBLE))		\
			__err = -ERESTARTSYS;				\
	}								\
	__err;								\
})

#define wait_event_interruptible(wq, cond)				\
	___wait_event(wq, cond, TASK_INTERRUPTIBLE, 0, 0, schedule())

/* Who waits in a queue by hand is woken all the same. */
struct wait_queue_entry { bool unused; };

#define DEFINE_WAIT_FUNC(name, function)	struct wait_queue_entry name
#define add_wait_queue(wq, entry)	((void)(wq), (void)(entry))
#define remove_wait_queue(wq, entry)	((void)(wq), (void)(entry))

#endif
