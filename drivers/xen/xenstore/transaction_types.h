/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of the kernel's open transactions, as a connection embeds it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_TRANSACTION_TYPES_H
#define _XENSTORE_TRANSACTION_TYPES_H

#include <linux/list.h>
#include <linux/spinlock.h>

/**
 * struct xs_transactions - open transactions of the kernel
 */
struct xs_transactions {
	/** @lock: protects all; a leaf */
	spinlock_t lock;
	/** @list: those whose id is known to be in use; no two have the same */
	struct list_head list;
	/** @failed: ended, and to be repeated by their tasks; oldest first */
	struct list_head failed;
	/** @num_failed: how many are on @failed */
	unsigned int num_failed;
};

/**
 * xs_transactions_init() - make an empty table
 * @open: the table
 *
 * Context: Any.
 */
static inline void xs_transactions_init(struct xs_transactions *open)
{
	spin_lock_init(&open->lock);
	INIT_LIST_HEAD(&open->list);
	INIT_LIST_HEAD(&open->failed);
	open->num_failed = 0;
}

#endif /* _XENSTORE_TRANSACTION_TYPES_H */
