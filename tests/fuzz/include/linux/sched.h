/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_SCHED_H
#define SHIM_SCHED_H

#include <limits.h>
#include <linux/errno.h>
#include <linux/jiffies.h>

#include "shim.h"

/* There is one task. */
struct task_struct {
	char comm[16];
	int pid;
};

extern struct task_struct shim_task;

#define current			(&shim_task)
#define MAX_SCHEDULE_TIMEOUT	LONG_MAX
#define cond_resched()		shim_might_sleep()
#define need_resched()		true
#define cpu_relax()		shim_might_sleep()
#define schedule_timeout_idle(ticks)	shim_might_sleep()

#endif
