/* SPDX-License-Identifier: GPL-2.0 */
/* A map from ids to pointers: a table, and ids that are given out in turn. */
#ifndef SHIM_XARRAY_H
#define SHIM_XARRAY_H

#include <linux/slab.h>
#include <linux/types.h>

#define SHIM_XA_SLOTS	4096

struct xarray { void **slots; };

struct xa_limit { u32 max; };

#define XA_FLAGS_ALLOC1	1
#define xa_limit_32b	((struct xa_limit){ 0xffffffff })

static inline void xa_init_flags(struct xarray *xa, int flags)
{
	xa->slots = NULL;
}

void xa_destroy(struct xarray *xa);
int xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry,
		    struct xa_limit limit, u32 *next, gfp_t gfp);
void *xa_load(struct xarray *xa, unsigned long id);
void *xa_store(struct xarray *xa, unsigned long id, void *entry, gfp_t gfp);
void *xa_cmpxchg(struct xarray *xa, unsigned long id, void *old, void *entry,
		 gfp_t gfp);
/* The first entry with @id or a higher one, whose id goes to @id. */
void *shim_xa_find(struct xarray *xa, unsigned long *id);

#define XA_PRESENT	0
#define xa_find(xa, id, max, what)	shim_xa_find(xa, id)

#define xa_for_each(xa, id, entry)					\
	for ((id) = 0; ((entry) = shim_xa_find(xa, &(id))); (id)++)

#endif
