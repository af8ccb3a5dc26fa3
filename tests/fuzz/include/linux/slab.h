/* SPDX-License-Identifier: GPL-2.0 */
/* Allocations that can be made to fail. */
#ifndef SHIM_SLAB_H
#define SHIM_SLAB_H

#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/string.h>

void *kmalloc(size_t size, gfp_t gfp);
void *krealloc(const void *block, size_t size, gfp_t gfp);
void kfree(const void *block);

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	void *block = kmalloc(size, gfp);

	return block ? memset(block, 0, size) : NULL;
}

static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kzalloc(array_size(n, size), gfp);
}

static inline void *kmemdup(const void *from, size_t size, gfp_t gfp)
{
	void *block = kmalloc(size, gfp);

	return block ? memcpy(block, from, size) : NULL;
}

#endif
