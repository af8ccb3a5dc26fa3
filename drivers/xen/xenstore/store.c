// SPDX-License-Identifier: GPL-2.0-only
/*
 * One XenStore as this kernel sees it: how it starts, stops, suspends, resumes.
 *
 * A suspend closes the gate, waits until nothing is in flight and parks the
 * kthread between two messages, so that the page may be exchanged. There may be
 * another server at the other end of it afterwards, which knows none of the
 * watches: the resume sets them again before the gate opens.
 *
 * A connection that is lost is found again by a work item, while requests wait; the
 * gate stays open, but a suspend waits for the end of it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/time64.h>

#include "stall.h"
#include "store.h"
#include "transaction.h"

/* After one in vain, a server is not asked again at once. */
#define XS_STORE_RECONNECT_PAUSE	HZ

/* Kthread. A store that is being stopped stays without a connection. */
static void xs_store_lost(struct xs_conn *conn)
{
	struct xs_store *store = container_of(conn, struct xs_store, conn);
	unsigned long next = READ_ONCE(store->reconnected) +
			     XS_STORE_RECONNECT_PAUSE;
	long delay = clamp((long)(next - jiffies), 0L,
			   (long)XS_STORE_RECONNECT_PAUSE);
	bool scheduled;

	spin_lock(&conn->lock);
	scheduled = !store->stopped &&
		    schedule_delayed_work(&store->reconnect, delay);
	spin_unlock(&conn->lock);
	/* It will be found already, or never. */
	if (!scheduled)
		xs_gate_leave(&conn->gate);
}

static void xs_store_reconnect_work(struct work_struct *work)
{
	struct xs_store *store = container_of(to_delayed_work(work),
					      struct xs_store, reconnect);
	struct xs_conn *conn = &store->conn;
	int err;

	xs_conn_might_wait(conn);
	mutex_lock(&store->parking);
	err = xs_reconnect(conn);
	mutex_unlock(&store->parking);
	if (!err) {
		xs_quota_retry(&conn->quota);
		xs_watches_reregister(&store->watches);
	}
	WRITE_ONCE(store->reconnected, jiffies);
	xs_reconnect_end(conn);
}

static void xs_store_stop_reconnect(struct xs_store *store)
{
	spin_lock(&store->conn.lock);
	store->stopped = true;
	spin_unlock(&store->conn.lock);
	/* Nothing is waited for that a server has to do. */
	if (work_busy(&store->reconnect.work))
		xs_conn_break(&store->conn, -ESHUTDOWN);
	if (cancel_delayed_work_sync(&store->reconnect))
		xs_reconnect_end(&store->conn);
}

/* So often is looked for requests that wait for long. */
#define XS_STORE_STALL_STEP	HZ

/* The server has had time enough. */
static void xs_store_time_out(struct xs_store *store)
{
	struct xs_conn *conn = &store->conn;

	pr_err("no reply for %u s: the connection is given up\n",
	       READ_ONCE(store->timeout_seconds));
	if (xs_reconnect_is_offered(conn))
		xs_conn_lose(conn);
	else
		xs_conn_break(conn, -EIO);
}

static void xs_store_stall_work(struct work_struct *work)
{
	struct xs_store *store = container_of(to_delayed_work(work),
					      struct xs_store, stall);
	u64 limit = (u64)READ_ONCE(store->stall_seconds) * NSEC_PER_SEC;
	u64 timeout = (u64)READ_ONCE(store->timeout_seconds) * NSEC_PER_SEC;
	u64 age;

	mutex_lock(&store->parking);
	age = xs_stall_check(&store->conn, limit);
	/* One that has never replied is not there yet. */
	if (timeout && age > timeout && READ_ONCE(store->conn.stats.replies) &&
	    READ_ONCE(store->conn.state) == XS_CONN_UP)
		xs_store_time_out(store);
	mutex_unlock(&store->parking);
	schedule_delayed_work(&store->stall, XS_STORE_STALL_STEP);
}

/**
 * xs_store_init() - make a store that accepts requests
 * @store: the store; &xs_store.limits, &xs_store.stall_seconds and
 *	&xs_store.timeout_seconds stay as they are
 * @t: how the server will be reached; stays the caller's
 *
 * Requests wait until xs_store_start().
 *
 * Context: Process.
 */
void xs_store_init(struct xs_store *store, struct xs_transport *t)
{
	xs_conn_init(&store->conn, t, &xs_watch_conn_ops, &store->watches);
	store->conn.lost = xs_store_lost;
	INIT_DELAYED_WORK(&store->reconnect, xs_store_reconnect_work);
	INIT_DEFERRABLE_WORK(&store->stall, xs_store_stall_work);
	store->reconnected = jiffies - XS_STORE_RECONNECT_PAUSE;
	mutex_init(&store->parking);
	store->stopped = false;
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

	spin_lock(&store->conn.lock);
	store->stopped = false;
	spin_unlock(&store->conn.lock);
	err = xs_io_connect(&store->conn);
	if (err)
		return err;
	err = xs_io_start(&store->conn);
	if (err)
		goto err_disconnect;
	err = xs_watches_start(&store->watches);
	if (err)
		goto err_stop;
	schedule_delayed_work(&store->stall, XS_STORE_STALL_STEP);
	return 0;

err_stop:
	xs_store_stop_reconnect(store);
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
	xs_store_stop_reconnect(store);
	cancel_delayed_work_sync(&store->stall);
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

/* False if the last that the kthread did was to lose the connection. */
static bool xs_store_park(struct xs_store *store)
{
	bool drained;

	mutex_lock(&store->parking);
	xs_io_park(&store->conn);
	drained = xs_gate_is_drained(&store->conn.gate);
	if (!drained)
		xs_io_unpark(&store->conn);
	mutex_unlock(&store->parking);
	return drained;
}

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
	do {
		xs_gate_drain(&conn->gate);
	} while (!xs_store_park(store));
}
EXPORT_SYMBOL_GPL(xs_store_suspend);

/* The store is suspended. FIND as for xs_io_find(). */
static int xs_store_go_on(struct xs_store *store,
			  int (*find)(struct xs_transport *t))
{
	struct xs_conn *conn = &store->conn;
	int err;

	xs_conn_might_wait(conn);
	err = xs_io_find(conn, find);
	if (err) {
		pr_err("cannot reach the server again: %d\n", err);
		xs_conn_break(conn, -EIO);
	}
	xs_quota_retry(&conn->quota);
	xs_io_unpark(conn);
	xs_watches_reregister(&store->watches);
	xs_gate_open(&conn->gate);
	return err;
}

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
	return xs_store_go_on(store, store->conn.t->ops->reconnect);
}
EXPORT_SYMBOL_GPL(xs_store_resume);

/**
 * xs_store_reconnect() - give the connection up and begin again
 * @store: the store
 *
 * If the server offers to begin anew, as if it had given the connection up: what can
 * be kept is. Otherwise all outstanding requests fail with -EIO, and it goes on as
 * after a resume; a server that is in the middle of a message does not get over that.
 *
 * Context: Process, sleeps; in the first case it does not wait for the end.
 * Return: 0; -ENOTCONN if the store is not started, or the system goes down; -EBUSY if
 * that is under way; or as xs_reconnect_find().
 */
int xs_store_reconnect(struct xs_store *store)
{
	struct xs_conn *conn = &store->conn;

	if (!conn->thread || READ_ONCE(conn->break_err) == -ESHUTDOWN)
		return -ENOTCONN;
	if (READ_ONCE(conn->state) == XS_CONN_DOWN)
		return -EBUSY;
	if (READ_ONCE(conn->state) == XS_CONN_UP &&
	    xs_reconnect_is_offered(conn)) {
		xs_conn_lose(conn);
		return 0;
	}
	xs_conn_break(conn, -EIO);
	xs_store_suspend(store);
	return xs_store_go_on(store, xs_reconnect_find);
}
EXPORT_SYMBOL_GPL(xs_store_reconnect);

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
