/* SPDX-License-Identifier: GPL-2.0 */
/* Work runs when the harness says so. */
#ifndef SHIM_WORKQUEUE_H
#define SHIM_WORKQUEUE_H

#include <linux/list.h>

struct work_struct {
	struct list_head node;
	void (*fn)(struct work_struct *work);
};

#define INIT_WORK(work, func)						\
	do {								\
		INIT_LIST_HEAD(&(work)->node);				\
		(work)->fn = (func);					\
	} while (0)

/* false if it is scheduled already */
bool schedule_work(struct work_struct *work);
/* Run the work that was scheduled first; false if there is none. */
bool shim_run_work(void);

#endif
