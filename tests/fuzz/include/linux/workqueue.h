/* SPDX-License-Identifier: GPL-2.0 */
/* Work runs when the harness says so. */
#ifndef SHIM_WORKQUEUE_H
#define SHIM_WORKQUEUE_H

#include <linux/list.h>

#include "shim.h"

struct work_struct {
	struct list_head node;
	void (*func)(struct work_struct *work);
};

#define INIT_WORK(work, fn)						\
	do {								\
		INIT_LIST_HEAD(&(work)->node);				\
		(work)->func = (fn);					\
	} while (0)

/* false if it is scheduled already */
bool schedule_work(struct work_struct *work);

/* There are no queues of one's own, nor workers. */
struct workqueue_struct;

#define WQ_UNBOUND		1
#define WQ_FREEZABLE		2
#define WQ_MAX_ACTIVE		512
#define alloc_workqueue(name, flags, max)				\
	((void)(flags), (struct workqueue_struct *)NULL)
#define destroy_workqueue(wq)	SHIM_BUG_ON(wq)
#define queue_work(wq, work)	schedule_work(work)
#define current_work()		((struct work_struct *)NULL)

/* Run the work that was scheduled first; false if there is none. */
bool shim_run_work(void);
#define flush_work(work)	((void)(work), shim_run_work())

#endif
