/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's memory model in terms of the compiler's.
 *
 * ThreadSanitizer does not know what a fence orders, and is told for the indices
 * of the page: see shim.c. Where a barrier is missing it reports a race for the
 * bytes of a ring.
 */
#ifndef SHIM_ASM_BARRIER_H
#define SHIM_ASM_BARRIER_H

#include <linux/compiler.h>

/* Where a task may lose the CPU. */
enum shim_point {
	SHIM_LOAD,		/* before a load */
	SHIM_INDEX,		/* before a load of an index of the page */
	SHIM_UNLOCK,		/* after the release of a lock */
	SHIM_NOTIFY,		/* between the decision to notify and that */
	SHIM_SLEEP,		/* before and after a sleep */
};

void shim_point(enum shim_point point, const char *where);
void shim_load(const volatile void *from, const char *where);
void shim_loaded(const volatile void *from);
void shim_store(const volatile void *to);
void shim_fence(int order);

/* Of the harness itself: atomic, without order or delays. */
#define shim_get(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define shim_set(x, value)	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define shim_count(x)							\
	((void)__atomic_add_fetch(&(x), 1, __ATOMIC_RELAXED))

#define shim_read(x, order) ({						\
	shim_load(&(x), SHIM_HERE);					\
	__auto_type __value = __atomic_load_n(				\
		(const volatile typeof(x) *)&(x), order);		\
	shim_loaded(&(x));						\
	__value;							\
})
#define shim_write(x, value, order)					\
	do {								\
		typeof(x) __value = (value);				\
		shim_store(&(x));					\
		__atomic_store_n((volatile typeof(x) *)&(x), __value,	\
				 order);				\
	} while (0)

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)			shim_read(x, __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)		shim_write(x, value, __ATOMIC_RELAXED)
#define smp_load_acquire(p)		shim_read(*(p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, value)	shim_write(*(p), value, __ATOMIC_RELEASE)

#define smp_mb()	shim_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	shim_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	shim_fence(__ATOMIC_RELEASE)
#define virt_mb()	smp_mb()
#define virt_rmb()	smp_rmb()
#define virt_wmb()	smp_wmb()
#define virt_load_acquire(p)	smp_load_acquire(p)

#endif
