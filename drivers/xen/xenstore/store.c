// SPDX-License-Identifier: GPL-2.0-only
/*
 * One XenStore as this kernel sees it: how it starts, stops, suspends, resumes.
 *
 * A suspend closes the gate, waits until nothing is in flight and parks the
 * kthread between two messages, so that the page may be exchanged. There may be
 * another server at the other end of it afterwards, which knows none of the
 * watches: the resume sets them again before the gate opens.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "store.h"
#include "transaction.h"

/**
 * xs_store_init() - make a store that accepts requests
 * @store: the store; &xs_store.limits stays as it is
 * @t: how the server will be reached; stays the caller's
 *
 * Requests wait until xs_store_start().
 *
 * Context: Process.
 */
void xs_store_init(struct xs_store *store, struct xs_transport *t)
{
	xs_conn_init(&store->conn, t, &xs_watch_conn_ops, &store->watches);
	xs_watches_init(&store->watches, &store->conn);
}
EXPORT_SYMBOL_GPL(xs_store_init);

/**
 * xs_store_start() - connect and start the threads
 * @store: the store
 *
 * Context: Process, may sleep.
 * Return: 0, or the error of the step that failed; all others are undone then
 * and it may be called again.
 */
int xs_store_start(struct xs_store *store)
{
	int err;

	err = xs_io_connect(&store->conn);
	if (err)
		return err;
	err = xs_io_start(&store->conn);
	if (err)
		goto err_disconnect;
	err = xs_watches_start(&store->watches);
	if (err)
		goto err_stop;
	return 0;

err_stop:
	xs_io_stop(&store->conn);
err_disconnect:
	xs_io_disconnect(&store->conn);
	return err;
}
EXPORT_SYMBOL_GPL(xs_store_start);

/**
 * xs_store_stop() - undo xs_store_start()
 * @store: a store that nothing uses any more
 *
 * Context: Process, may sleep.
 */
void xs_store_stop(struct xs_store *store)
{
	xs_watches_stop(&store->watches);
	xs_io_stop(&store->conn);
	xs_io_disconnect(&store->conn);
}
EXPORT_SYMBOL_GPL(xs_store_stop);

/**
 * xs_store_destroy() - undo xs_store_init()
 * @store: a store that is not started
 *
 * Context: Process, may sleep.
 */
void xs_store_destroy(struct xs_store *store)
{
	xs_conn_destroy(&store->conn);
	xs_transactions_destroy(&store->conn.transactions);
	xs_watches_destroy(&store->watches);
}
EXPORT_SYMBOL_GPL(xs_store_destroy);

/**
 * xs_store_suspend() - quiesce the store
 * @store: the store
 *
 * Returns when every request has been replied to, every transaction of the
 * kernel has ended and the kthread is parked. What comes later waits until
 * xs_store_resume() or xs_store_suspend_cancel(), one of which must follow; a
 * second suspend waits for that too.
 *
 * Context: Process, sleeps; may be called by a callback of a watch.
 */
void xs_store_suspend(struct xs_store *store)
{
	struct xs_conn *conn = &store->conn;

	xs_conn_might_wait(conn);
	xs_gate_close(&conn->gate);
	xs_gate_drain(&conn->gate);
	xs_io_park(conn);
}
EXPORT_SYMBOL_GPL(xs_store_suspend);

/**
 * xs_store_resume() - go on, perhaps with another server
 * @store: the store; all watches are set again
 *
 * Transactions of clients from before end with EAGAIN. If the transport cannot
 * find the server, the connection is broken.
 *
 * Context: Process, sleeps; after xs_store_suspend().
 * Return: 0 or the error of &xs_transport_ops.reconnect.
 */
int xs_store_resume(struct xs_store *store)
{
	struct xs_conn *conn = &store->conn;
	int err;

	xs_conn_might_wait(conn);
	err = xs_io_reconnect(conn);
	if (err) {
		pr_err("cannot reach the server after resume: %d\n", err);
		xs_conn_break(conn, -EIO);
	}
	xs_quota_retry(&conn->quota);
	xs_io_unpark(conn);
	xs_watches_reregister(&store->watches);
	xs_gate_open(&conn->gate);
	return err;
}
EXPORT_SYMBOL_GPL(xs_store_resume);

/**
 * xs_store_suspend_cancel() - the domain was not suspended after all
 * @store: the store
 *
 * Everything is as it was, open transactions included.
 *
 * Context: Process; after xs_store_suspend().
 */
void xs_store_suspend_cancel(struct xs_store *store)
{
	xs_io_unpark(&store->conn);
	xs_gate_open(&store->conn.gate);
}
EXPORT_SYMBOL_IF_KUNIT(xs_store_suspend_cancel);

MODULE_DESCRIPTION("XenStore protocol core");
MODULE_LICENSE("GPL");
