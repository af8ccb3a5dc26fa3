/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One XenStore as this kernel sees it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_STORE_H
#define _XENSTORE_STORE_H

#include "conn.h"
#include "watch.h"

/**
 * struct xs_limits - how much a client may leave unread
 *
 * Reading lifts all of them. They may be changed at any time. What is unread of
 * a file can take up to @bytes, @requests messages and @events events, one event
 * for each of its watches, and no more.
 */
struct xs_limits {
	/** @requests: requests in flight and replies unread, taken together */
	unsigned int requests;
	/** @bytes: payload of unread replies beyond which no request is taken */
	unsigned int bytes;
	/** @events: unread events, beyond which they lose their own path */
	unsigned int events;
};

#define XS_LIMITS_DEFAULT	{ .requests = 1024, .bytes = 1 << 20, .events = 1024 }

/**
 * struct xs_store - a connection with its watches, and what goes with them
 */
struct xs_store {
	/** @conn: the connection */
	struct xs_conn conn;
	/** @watches: watches of the kernel and of clients */
	struct xs_watches watches;
	/** @limits: of each client; set before the first one opens */
	struct xs_limits limits;
};

void xs_store_init(struct xs_store *store, struct xs_transport *t);
int xs_store_start(struct xs_store *store);
void xs_store_stop(struct xs_store *store);
void xs_store_destroy(struct xs_store *store);
void xs_store_suspend(struct xs_store *store);
int xs_store_resume(struct xs_store *store);
void xs_store_suspend_cancel(struct xs_store *store);

#endif /* _XENSTORE_STORE_H */
