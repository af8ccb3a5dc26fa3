/* SPDX-License-Identifier: GPL-2.0 */
/* A wait lets the harness run the other side until the condition holds. */
#ifndef SHIM_WAIT_H
#define SHIM_WAIT_H

#include <linux/errno.h>
#include <linux/list.h>
#include <linux/spinlock.h>

/*
 * Only the kthread is a sleeper that has to be woken: it runs again when the
 * harness finds that @sleeper is false. A caller that waits is running the
 * harness, and evaluates its condition again after each turn.
 */
typedef struct { bool sleeper; } wait_queue_head_t;

#define init_waitqueue_head(wq)	((void)((wq)->sleeper = false))

/* Takes the queue's lock in the kernel, which makes it a leaf as well. */
static inline void wake_up(wait_queue_head_t *wq)
{
	SHIM_BUG_ON(shim.spinlocks);
	wq->sleeper = false;
}

#define waitqueue_active(wq)		((wq)->sleeper)
#define wq_has_sleeper(wq)		((wq)->sleeper)
#define wake_up_all(wq)			wake_up(wq)
#define wake_up_interruptible(wq)	wake_up(wq)

#define wait_event(wq, cond)						\
	do {								\
		shim_might_sleep();					\
		while (!(cond))						\
			shim.sleep(false);				\
	} while (0)
#define wait_event_idle(wq, cond)	wait_event(wq, cond)

/* Time stands still while a caller waits. */
#define wait_event_timeout(wq, cond, ticks) ({				\
	wait_event(wq, cond);						\
	(ticks);							\
})

#define wait_event_interruptible(wq, cond) ({				\
	int __err = 0;							\
									\
	shim_might_sleep();						\
	while (!__err && !(cond)) {					\
		if (!shim.sleep(true))					\
			__err = -ERESTARTSYS;				\
	}								\
	__err;								\
})

#endif
