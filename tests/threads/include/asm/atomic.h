/* SPDX-License-Identifier: GPL-2.0 */
/* Without assembler, which ThreadSanitizer does not see. */
#ifndef SHIM_ASM_ATOMIC_H
#define SHIM_ASM_ATOMIC_H

#include <linux/types.h>
#include <asm/barrier.h>

#define ATOMIC_INIT(i)			{ (i) }
#define atomic_read(v)			READ_ONCE((v)->counter)
#define atomic_read_acquire(v)		smp_load_acquire(&(v)->counter)
#define atomic_set(v, i)		WRITE_ONCE((v)->counter, i)
#define atomic_inc(v)			shim_count((v)->counter)
#define atomic_dec_and_test(v)						\
	(!__atomic_sub_fetch(&(v)->counter, 1, __ATOMIC_SEQ_CST))
#define cmpxchg(p, old, new)		__sync_val_compare_and_swap(p, old, new)
#define atomic_cmpxchg(v, old, new)	cmpxchg(&(v)->counter, old, new)

#endif
