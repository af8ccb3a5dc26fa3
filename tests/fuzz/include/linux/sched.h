/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_SCHED_H
#define SHIM_SCHED_H

#include <linux/errno.h>

#include "shim.h"

struct task_struct;

#define HZ			250
#define current			((struct task_struct *)&shim)
#define cond_resched()		shim_might_sleep()
#define need_resched()		true
#define cpu_relax()		shim_might_sleep()
#define schedule_timeout_idle(ticks)	shim_might_sleep()

#endif
