/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_ASM_BARRIER_H
#define SHIM_ASM_BARRIER_H

#include_next <asm/barrier.h>

#define virt_mb()	smp_mb()
#define virt_rmb()	smp_rmb()
#define virt_wmb()	smp_wmb()
#define virt_load_acquire(p)	smp_load_acquire(p)

/* The tools have atomic_read(); in one thread, nothing is to be ordered. */
#define atomic_read_acquire(v)	atomic_read(v)

#endif
