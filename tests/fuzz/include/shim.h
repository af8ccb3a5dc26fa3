/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the driver's files need of the kernel, in one thread of a process.
 *
 * Most headers are the kernel's own, from tools/include. Those beside this one
 * stand in for the rest. They are strict: a lock that is taken twice, a sleep
 * under a spinlock or in the kthread, a reference count that goes wrong is
 * the end of the process, as it would be a splat in the kernel.
 */
#ifndef SHIM_H
#define SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define __counted_by(member)
#define CONFIG_DEBUG_LIST	1

/* The driver has done what it must not do. Does not return. */
_Noreturn void shim_bug(const char *file, int line, const char *why);
#define SHIM_BUG_ON(cond)						\
	do {								\
		if (__builtin_expect(!!(cond), 0))			\
			shim_bug(__FILE__, __LINE__, #cond);		\
	} while (0)

/**
 * struct shim - the state of the pretended kernel
 *
 * Harnesses set the callbacks and read the counters.
 */
struct shim {
	/** @spinlocks: held now */
	unsigned int spinlocks;
	/** @mutexes: held now */
	unsigned int mutexes;
	/** @cpus: that are online */
	unsigned int cpus;
	/** @io: within a pass of the kthread, which must not sleep */
	unsigned int io;
	/** @rcu: nested read-side sections */
	unsigned int rcu;
	/** @rcu_freed: what kfree_rcu() got within one */
	void *rcu_freed;

	/** @live: blocks allocated and not freed */
	unsigned int live;
	/** @fail_after: this many allocations succeed before one fails */
	unsigned int fail_after;
	/** @fail_count: how many fail then, 0 for none at all */
	unsigned int fail_count;
	/** @failed: how many have failed */
	unsigned int failed;

	/** @fault_after: bytes until the client's memory ends */
	size_t fault_after;

	/**
	 * @sleep: the caller sleeps; run the other side. If @interruptible,
	 * false is a signal. Otherwise it must not give up.
	 */
	bool (*sleep)(bool interruptible);
};

extern struct shim shim;

void shim_reset(void);
/* No function of the driver is running: it may hold no lock. */
void shim_check_idle(void);
/* Sleeping is allowed here, or the process ends. */
void shim_might_sleep(void);
#define might_sleep()	shim_might_sleep()

/* What every file of the kernel gets in some way. */
#include <asm/bug.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <asm/barrier.h>

/* Those of the tools cast only the first operand of an expression. */
#undef min_t
#undef max_t
#define min_t(type, x, y)	min((type)(x), (type)(y))
#define max_t(type, x, y)	max((type)(x), (type)(y))

typedef unsigned int __poll_t;

#endif
