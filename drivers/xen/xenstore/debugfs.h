/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection and its watches, in files.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_DEBUGFS_H
#define _XENSTORE_DEBUGFS_H

#include <linux/err.h>

#include "store.h"

struct dentry;
struct seq_file;

#ifdef CONFIG_DEBUG_FS

struct dentry *xs_debugfs_create(struct xs_store *store);

/* What the files say, for the suites. */
void xs_debugfs_show_counters(struct seq_file *m, struct xs_watches *watches);
void xs_debugfs_show_latency(struct seq_file *m, const struct xs_conn *conn);
void xs_debugfs_show_bucket(struct seq_file *m, struct xs_conn *conn,
			    unsigned int bucket);
void xs_debugfs_show_watch(struct seq_file *m, struct xs_watches *watches,
			   const struct xs_watch_entry *entry);

#else

static inline struct dentry *xs_debugfs_create(struct xs_store *store)
{
	return ERR_PTR(-ENODEV);
}

#endif

#endif /* _XENSTORE_DEBUGFS_H */
