/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values that are kept as long as their watch does not fire.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_CACHE_H
#define _XENSTORE_CACHE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "watch.h"

#define XS_CACHE_BUCKETS	32

/* What is read less often than every so many changes is not kept. */
#define XS_CACHE_UNREAD		8

/* A domain may have 128 watches in all, which devices need. */
#define XS_CACHE_ENTRIES	16

/**
 * struct xs_cache - the values of a connection
 */
struct xs_cache {
	/** @watches: const after init */
	struct xs_watches *watches;
	/** @max_entries: const after init */
	unsigned int max_entries;
	/** @max_unread: const after init */
	unsigned int max_unread;

	/** @lock: protects what follows and the entries; a leaf */
	spinlock_t lock;
	/** @buckets: entries by path */
	struct hlist_head buckets[XS_CACHE_BUCKETS];
	/** @num_entries: those in @buckets and in @drops */
	unsigned int num_entries;
	/** @drops: entries whose watch is to be removed */
	struct list_head drops;
	/** @hits: reads that were served from memory */
	u64 hits;
	/** @misses: reads that went to the server */
	u64 misses;

	/** @drop_work: removes watches, which the kthread cannot do */
	struct work_struct drop_work;
};

void xs_cache_init(struct xs_cache *cache, struct xs_watches *watches,
		   unsigned int max_entries, unsigned int max_unread);
void xs_cache_destroy(struct xs_cache *cache);
void *xs_cache_read(struct xs_cache *cache, const char *path,
		    unsigned int *len);

#endif /* _XENSTORE_CACHE_H */
