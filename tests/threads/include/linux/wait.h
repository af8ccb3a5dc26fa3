/* SPDX-License-Identifier: GPL-2.0 */
/* Wait queues and completions. */
#ifndef SHIM_WAIT_H
#define SHIM_WAIT_H

#include <linux/errno.h>
#include <linux/list.h>
#include <linux/spinlock.h>

typedef struct {
	spinlock_t lock;
	struct list_head entries;
} wait_queue_head_t;

struct wait_queue_entry {
	struct list_head node;
	struct task_struct *task;
};

void init_waitqueue_head(wait_queue_head_t *wq);
void prepare_to_wait(wait_queue_head_t *wq, struct wait_queue_entry *entry);
void finish_wait(wait_queue_head_t *wq, struct wait_queue_entry *entry);
void wake_up(wait_queue_head_t *wq);

#define waitqueue_active(wq)	(!list_empty(&(wq)->entries))
#define wq_has_sleeper(wq)	({ smp_mb(); waitqueue_active(wq); })
#define wake_up_all(wq)		wake_up(wq)

#define wait_event(wq, cond)						\
	do {								\
		struct wait_queue_entry __entry = {			\
			LIST_HEAD_INIT(__entry.node), current		\
		};							\
									\
		might_sleep();						\
		if (cond)						\
			break;						\
		for (;;) {						\
			prepare_to_wait(&(wq), &__entry);		\
			if (cond)					\
				break;					\
			shim_schedule(SHIM_HERE);			\
		}							\
		finish_wait(&(wq), &__entry);				\
	} while (0)
#define wait_event_idle(wq, cond)	wait_event(wq, cond)
/* No signals are sent. */
#define wait_event_interruptible(wq, cond)	({ wait_event(wq, cond); 0; })

struct completion {
	wait_queue_head_t wq;
	unsigned int done;
};

void init_completion(struct completion *c);
void complete(struct completion *c);
bool try_wait_for_completion(struct completion *c);
#define wait_for_completion(c)						\
	wait_event((c)->wq, try_wait_for_completion(c))
#define reinit_completion(c)	((void)((c)->done = 0))
/* No time passes. */
#define wait_for_completion_timeout(c, ticks)				\
	({ (void)(ticks); wait_for_completion(c); 1UL; })

#endif
