/* SPDX-License-Identifier: GPL-2.0 */
/* There are no threads: the harness makes the passes. */
#ifndef SHIM_KTHREAD_H
#define SHIM_KTHREAD_H

#include <linux/err.h>
#include <linux/sched.h>

#define kthread_run(fn, data, name, ...)				\
	((void)(fn), (struct task_struct *)ERR_PTR(-ENOMEM))
#define kthread_stop(thread)		SHIM_BUG_ON(thread)
#define kthread_park(thread)		SHIM_BUG_ON(thread)
#define kthread_unpark(thread)		SHIM_BUG_ON(thread)
#define kthread_parkme()		SHIM_BUG_ON(true)
#define kthread_should_stop()		true
#define kthread_should_park()		false

#endif
