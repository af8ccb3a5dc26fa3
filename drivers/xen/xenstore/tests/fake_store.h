/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small XenStore server for tests.
 *
 * Typical use, with functions that sleep until the server has replied:
 *
 *	store = fake_store_create(test);
 *	conn = fake_conn_create(test, &store->peer.t, NULL, NULL,
 *				FAKE_CONN_RUNNING);
 *	fake_store_write(store, "/a/b", "value", 5);
 *	value = xs_op_read(conn, 0, "/a", "b", &len);
 *
 * The store replies from within notify(), in the kthread, so there is no
 * thread of its own. To decide when it replies, clear &fake_peer.automatic and
 * call fake_peer_step(); to make it refuse something, set &fake_store.refuse, or
 * a quota.
 * For watches, give &xs_watch_conn_ops and a struct xs_watches to
 * fake_conn_create().
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FAKE_STORE_H
#define _XENSTORE_FAKE_STORE_H

#include "fake_peer.h"

/* What relative paths are relative to. */
#define FAKE_STORE_HOME		"/local/domain/7"

/**
 * struct fake_store - a tree, watches and transactions behind a peer
 *
 * Members without a comment on locking are set by the test while nothing runs.
 */
struct fake_store {
	/** @peer: the wire; &fake_peer.t is the transport */
	struct fake_peer peer;
	/** @refuse: by type, the error to reply with; NULL to do as asked */
	const char *refuse[XS_TYPE_COUNT];
	/** @quota_error: what a domain beyond a quota gets */
	const char *quota_error;
	/** @max_transactions: more than these get @quota_error */
	unsigned int max_transactions;
	/** @max_nodes: a new node beyond these gets @quota_error */
	unsigned int max_nodes;
	/** @max_watches: more than these get E2BIG */
	unsigned int max_watches;
	/** @conflicts: that many commits get EAGAIN whatever was written */
	unsigned int conflicts;
	/** @reuse_tx_ids: START gets the lowest id that is free, not a new one */
	bool reuse_tx_ids;
	/** @events_first: send events before the reply to what caused them */
	bool events_first;

	/* The rest is private and under &fake_peer.lock. */

	/** @nodes: the tree, by full path */
	struct list_head nodes;
	/** @generation: counts changes outside of transactions */
	u64 generation;
	/** @watches: in order of registration */
	struct list_head watches;
	/** @txns: open transactions */
	struct list_head txns;
	/** @last_tx_id: of the newest transaction */
	u32 last_tx_id;
	/** @events: caused by what is being worked on, not sent yet */
	struct list_head events;
	/** @reply_len: bytes in @reply */
	size_t reply_len;
	/** @reply: body of the reply that is being built */
	char reply[XENSTORE_PAYLOAD_MAX];
	/** @path: canonical path that is being worked on */
	char path[XENSTORE_PAYLOAD_MAX + sizeof(FAKE_STORE_HOME) + 1];
};

struct fake_store *fake_store_create(struct kunit *test);

void fake_store_write(struct fake_store *store, const char *path,
		      const void *value, size_t len);
void fake_store_rm(struct fake_store *store, const char *path);
void fake_store_fire(struct fake_store *store, const char *path);
const char *fake_store_value(struct fake_store *store, const char *path,
			     size_t *len);
unsigned int fake_store_watches(struct fake_store *store, const char *path);
unsigned int fake_store_transactions(struct fake_store *store);
unsigned int fake_store_nodes(struct fake_store *store);

#endif /* _XENSTORE_FAKE_STORE_H */
