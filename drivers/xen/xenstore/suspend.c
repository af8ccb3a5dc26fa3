// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspend and resume of a connection and its watches.
 *
 * A suspend closes the gate, waits until nobody is inside and parks the I/O
 * thread between two messages, so that the page may be exchanged. The server
 * at the other end of it may be another one afterwards and knows none of the
 * watches: the resume sets them again before anybody else is let in.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/printk.h>

#include "ops.h"
#include "watch.h"

struct xs_watch_rearm {
	atomic_t left;
	struct completion done;
};

static void xs_watch_rearm_put(struct xs_watch_rearm *rearm)
{
	if (atomic_dec_and_test(&rearm->left))
		complete(&rearm->done);
}

static void xs_watch_rearmed(struct xs_request *req)
{
	struct xs_watch_rearm *rearm = req->owner;
	int err = xs_op_result(req);

	/* The watch is there: what it is for is reached. */
	if (err && err != -EEXIST)
		pr_warn_ratelimited("could not set a watch again: %d\n", err);
	xs_request_put(req);
	xs_watch_rearm_put(rearm);
}

static int xs_watch_rearm_one(struct xs_watches *watches,
			      struct xs_watch_entry *entry,
			      struct xs_watch_rearm *rearm)
{
	struct xs_request *req;
	int err;

	req = xs_watch_entry_request(entry, XS_WATCH, XS_GFP_MUST);
	if (IS_ERR(req))
		return PTR_ERR(req);
	req->complete = xs_watch_rearmed;
	req->owner = rearm;
	atomic_inc(&rearm->left);
	xs_gate_enter(&watches->conn->gate, XS_GATE_NESTED);
	err = xs_conn_submit(watches->conn, req);
	if (err) {
		xs_request_put(req);
		xs_watch_rearm_put(rearm);
	}
	return err;
}

/*
 * All are sent before the first reply is waited for. Each fires once, so
 * nothing that changed in between is missed.
 */
static void xs_watches_rearm(struct xs_watches *watches)
{
	struct xs_watch_rearm rearm = { .left = ATOMIC_INIT(1) };
	struct xs_watch_entry *entry;
	unsigned long id;
	int err;

	init_completion(&rearm.done);
	xa_for_each(&watches->entries, id, entry) {
		err = xs_watch_rearm_one(watches, entry, &rearm);
		if (err)
			pr_warn_ratelimited("could not set the watch on %s again: %d\n",
					    entry->path, err);
	}
	xs_watch_rearm_put(&rearm);
	wait_for_completion(&rearm.done);
}

/**
 * xs_watches_suspend() - get everybody out
 * @watches: the watches; their connection is suspended
 *
 * Returns when every request has been answered, every transaction of the
 * kernel has ended and the kthread is parked. Whoever comes later waits
 * until xs_watches_resume() or xs_watches_suspend_cancel(), one of which must
 * follow; a second suspend waits for that too.
 *
 * Context: Process, sleeps; may be called by a callback of a watch.
 */
void xs_watches_suspend(struct xs_watches *watches)
{
	struct xs_conn *conn = watches->conn;

	xs_conn_might_wait(conn);
	xs_gate_close(&conn->gate);
	xs_gate_drain(&conn->gate);
	xs_conn_park(conn);
}
EXPORT_SYMBOL_GPL(xs_watches_suspend);

/**
 * xs_watches_resume() - go on, perhaps with another server
 * @watches: the watches; all are set again
 *
 * Transactions of clients from before end with EAGAIN. If the transport cannot
 * find the server, the connection is broken.
 *
 * Context: Process, sleeps; after xs_watches_suspend().
 */
void xs_watches_resume(struct xs_watches *watches)
{
	struct xs_conn *conn = watches->conn;
	int err;

	xs_conn_might_wait(conn);
	err = xs_conn_reconnect(conn);
	if (err) {
		pr_err("cannot reach the server after resume: %d\n", err);
		xs_conn_break(conn, -EIO);
	}
	xs_conn_unpark(conn);
	xs_watches_rearm(watches);
	xs_gate_open(&conn->gate);
}
EXPORT_SYMBOL_GPL(xs_watches_resume);

/**
 * xs_watches_suspend_cancel() - the domain was not suspended after all
 * @watches: the watches
 *
 * Everything is as it was, open transactions included.
 *
 * Context: Process; after xs_watches_suspend().
 */
void xs_watches_suspend_cancel(struct xs_watches *watches)
{
	xs_conn_unpark(watches->conn);
	xs_gate_open(&watches->conn->gate);
}
EXPORT_SYMBOL_GPL(xs_watches_suspend_cancel);
