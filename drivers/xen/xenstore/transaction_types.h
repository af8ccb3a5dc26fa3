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

#include "request.h"

/**
 * struct xs_transaction_key - how an open transaction is found
 */
struct xs_transaction_key {
	/** @node: on a list of &struct xs_transactions, under its lock */
	struct list_head node;
	/** @tx_id: id on the wire; const while in the table */
	u32 tx_id;
	/** @generation: &xs_conn.generation it was opened in; likewise */
	u64 generation;
};

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

/**
 * xs_transactions_find() - the transaction with an id
 * @open: the table; locked
 * @tx_id: the id
 *
 * Context: Any; &xs_transactions.lock is held.
 * Return: The key of the transaction, or NULL.
 */
static inline struct xs_transaction_key *
xs_transactions_find(struct xs_transactions *open, u32 tx_id)
{
	struct xs_transaction_key *key;

	lockdep_assert_held(&open->lock);
	list_for_each_entry(key, &open->list, node) {
		if (key->tx_id == tx_id)
			return key;
	}
	return NULL;
}

#endif /* _XENSTORE_TRANSACTION_TYPES_H */
