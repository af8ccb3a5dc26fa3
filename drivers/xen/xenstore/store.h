/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One XenStore as this kernel sees it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_STORE_H
#define _XENSTORE_STORE_H

#include <linux/mutex.h>
#include <linux/workqueue.h>

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
	/**
	 * @stall: looks for requests that wait for long, from start to stop,
	 * while @stall_seconds or @timeout_seconds is not 0
	 */
	struct delayed_work stall;
	/** @stall_seconds: when they are reported; 0 for never; set any time */
	unsigned int stall_seconds;
	/** @timeout_seconds: when the connection is given up; likewise */
	unsigned int timeout_seconds;
	/** @reconnect: finds the connection again when it is lost */
	struct delayed_work reconnect;
	/** @reconnected: when that ran last, in jiffies; that work only */
	unsigned long reconnected;
	/** @parking: held while a suspend or @reconnect parks the kthread */
	struct mutex parking;
	/** @stopped: @reconnect is not to run; under &xs_conn.lock */
	bool stopped;
};

void xs_store_init(struct xs_store *store, struct xs_transport *t);
int xs_store_start(struct xs_store *store);
void xs_store_stop(struct xs_store *store);
void xs_store_destroy(struct xs_store *store);
void xs_store_suspend(struct xs_store *store);
int xs_store_resume(struct xs_store *store);
int xs_store_reconnect(struct xs_store *store);
void xs_store_suspend_cancel(struct xs_store *store);

#endif /* _XENSTORE_STORE_H */
