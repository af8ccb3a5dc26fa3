/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the driver's files need of the kernel, in a process with threads.
 *
 * Takes the place of the header of that name in tests/fuzz/include; what is not
 * here or beside it is shared with that. A task is a thread, a spinlock a mutex.
 */
#ifndef SHIM_H
#define SHIM_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define __counted_by(member)
#define CONFIG_LIST_HARDENED	1
#define CONFIG_DEBUG_LIST	1

#define SHIM_STR_(x)	#x
#define SHIM_STR(x)	SHIM_STR_(x)
#define SHIM_HERE	__FILE_NAME__ ":" SHIM_STR(__LINE__)

/* Ends the run: the driver has done what it must not do. */
_Noreturn void shim_bug(const char *what);
#define SHIM_BUG_ON(cond)						\
	do {								\
		if (__builtin_expect(!!(cond), 0))			\
			shim_bug(SHIM_HERE ": " #cond);			\
	} while (0)

#include <asm/bug.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <asm/barrier.h>

/* Those of tools/include cast the first operand of a sum only. */
#undef min_t
#define min_t(type, x, y)	({ type __x = (x), __y = (y); min(__x, __y); })
#undef max_t
#define max_t(type, x, y)	({ type __x = (x), __y = (y); max(__x, __y); })

/* What is the state of the process in tests/fuzz is that of a task here. */
#define shim	(*current)
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#endif
