/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the requests to the fake store do; between fake_store.c and fake_ops.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FAKE_OPS_H
#define _XENSTORE_FAKE_OPS_H

#include "fake_store.h"

struct fake_txn;

/**
 * struct fake_watch - a watch of the client
 */
struct fake_watch {
	/** @node: on &fake_store.watches */
	struct list_head node;
	/** @hidden: bytes of @path that events leave out, if it was relative */
	size_t hidden;
	/** @token: in the same block */
	const char *token;
	/** @path: full path */
	char path[];
};

int fake_ops_work(struct fake_store *store, const struct fake_message *msg);
int fake_ops_put(struct fake_store *store, const char *bytes, size_t len);
int fake_ops_changed(struct fake_store *store, struct fake_txn *txn,
		     const char *path, bool removed);
void fake_ops_fire(struct fake_store *store, const char *path, bool removed);
void fake_ops_send_events(struct fake_store *store);
void fake_ops_forget(struct fake_store *store);

#endif /* _XENSTORE_FAKE_OPS_H */
