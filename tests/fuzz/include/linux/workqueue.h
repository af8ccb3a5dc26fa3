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

/* All queues are one, and have no workers. */
struct workqueue_struct;

#define WQ_UNBOUND		1
#define WQ_FREEZABLE		2
#define WQ_MAX_ACTIVE		512
#define alloc_workqueue(name, flags, max)				\
	((void)(flags), (struct workqueue_struct *)&shim)
#define destroy_workqueue(wq)	((void)(wq))
#define queue_work(wq, work)	((void)(wq), schedule_work(work))
#define current_work()		((struct work_struct *)NULL)

/* Work that runs later, or never: time passes when the harness says so. */
struct delayed_work {
	struct work_struct work;
	struct list_head timer;
};

#define INIT_DELAYED_WORK(dwork, fn)					\
	do {								\
		INIT_WORK(&(dwork)->work, fn);				\
		INIT_LIST_HEAD(&(dwork)->timer);			\
	} while (0)
#define INIT_DEFERRABLE_WORK(dwork, fn)	INIT_DELAYED_WORK(dwork, fn)
#define to_delayed_work(w)	container_of(w, struct delayed_work, work)

/* false if it is scheduled or delayed already */
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
			unsigned long delay);
/* Likewise, but the delay is the new one then. */
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay);
/* true if it was scheduled or delayed */
bool cancel_delayed_work(struct delayed_work *dwork);
#define schedule_delayed_work(dwork, delay)				\
	queue_delayed_work((struct workqueue_struct *)&shim, dwork, delay)
#define cancel_delayed_work_sync(dwork)	cancel_delayed_work(dwork)
/* It does not run while others do. */
#define work_busy(work)		(!list_empty(&(work)->node))
/* All delays are over; false if there was none. */
bool shim_pass_time(void);

/* Run the work that was scheduled first; false if there is none. */
bool shim_run_work(void);
#define flush_work(work)	((void)(work), shim_run_work())

#endif
