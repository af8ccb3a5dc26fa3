// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding a connection again that was lost.
 *
 * When the server has broken the protocol, or says that it has given the
 * connection up, there is nothing to be read from the ring any more. Where it
 * offers to, both begin anew, as in xenstore-ring.txt: this side asks, the server
 * forgets the client's watches and transactions, empties the rings and says so.
 *
 * The kthread notices, and does not wait: it sorts the requests, see
 * lost.c, and hands the rest to a task that may sleep. Until that
 * has set all watches again, what was kept waits, and so does a suspend: the
 * reconnect counts as one request in flight.
 *
 * A server that goes on like this is asked once in a while only.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "conn_internal.h"

/* So often is looked whether the server has begun anew. */
#define XS_RECONNECT_STEP	(HZ / 100 ?: 1)

/**
 * xs_reconnect_is_offered() - does the server begin anew if it is asked to?
 * @conn: a connection with a page
 *
 * Context: Any.
 * Return: true if it says so, in the page.
 */
bool xs_reconnect_is_offered(const struct xs_conn *conn)
{
	u32 features = READ_ONCE(conn->t->page->server_features);

	return conn->lost && features & XENSTORE_SERVER_FEATURE_RECONNECTION;
}

/**
 * xs_reconnect_is_under_way() - is the connection being found again?
 * @conn: the connection
 *
 * Context: Any; &xs_conn.lock is held.
 * Return: true from the loss until the end of the reconnect.
 */
bool xs_reconnect_is_under_way(const struct xs_conn *conn)
{
	lockdep_assert_held(&conn->lock);
	return conn->reconnecting;
}

/**
 * xs_reconnect_is_possible() - can a connection that is lost be found again?
 * @conn: a connection that cannot go on
 *
 * Context: Kthread.
 * Return: true if the server offers to begin anew; or if there is another one, which
 * does not offer it, and the one before was not in the middle of a message. False if
 * the connection has been given up by xs_conn_break().
 */
bool xs_reconnect_is_possible(const struct xs_conn *conn)
{
	int err = READ_ONCE(conn->break_err);

	if (xs_lost_is_given_up(err))
		return false;
	if (err == -ENOTCONN || xs_reconnect_is_offered(conn))
		return true;
	return err && !conn->tx.done && !conn->rx.have;
}

/**
 * xs_reconnect_begin() - the connection is lost: have it found again
 * @conn: the connection, which becomes DOWN
 *
 * Context: Kthread; does not sleep.
 * Return: false if it has been given up in the meantime; nothing is done then.
 */
bool xs_reconnect_begin(struct xs_conn *conn)
{
	/* Left by xs_reconnect_end(). */
	xs_gate_try_enter(&conn->gate, XS_GATE_NESTED);
	if (!xs_lost_requeue(conn)) {
		xs_gate_leave(&conn->gate);
		return false;
	}
	conn->tx.done = 0;
	conn->rx.have = 0;
	WRITE_ONCE(conn->rx.missing, 0);
	conn->lost(conn);
	return true;
}

/* Ask the server to begin anew, and wait until it has. One that came just now may not. */
static int xs_reconnect_ask(struct xs_conn *conn)
{
	struct xenstore_domain_interface *page = conn->t->page;
	unsigned long end = jiffies + conn->reconnect_timeout;

	if (!xs_reconnect_is_offered(conn))
		return 0;
	WRITE_ONCE(page->connection, XENSTORE_RECONNECT);
	xs_conn_notify(conn);
	/* Acquire: the server resets the indices before it says so. */
	while (virt_load_acquire(&page->connection) != XENSTORE_CONNECTED) {
		if (READ_ONCE(conn->break_err))
			return -ESHUTDOWN;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		schedule_timeout_idle(XS_RECONNECT_STEP);
	}
	return 0;
}

/**
 * xs_reconnect_find() - find the server again, and have it begin anew
 * @t: the transport of a connection that is lost or BROKEN; the kthread is parked
 *
 * Context: Process, sleeps.
 * Return: 0, the error of &xs_transport_ops.renew, or as xs_reconnect().
 */
int xs_reconnect_find(struct xs_transport *t)
{
	int err = t->ops->renew ? t->ops->renew(t) : 0;

	return err ?: xs_reconnect_ask(t->conn);
}

/* Watches come first: an XS_UNWATCH that was kept must not precede its XS_WATCH. */
static void xs_reconnect_hold(struct xs_conn *conn)
{
	spin_lock(&conn->lock);
	xs_fq_hold(&conn->fq, &conn->first);
	spin_unlock(&conn->lock);
}

/**
 * xs_reconnect() - begin anew with the server
 * @conn: a connection that is lost; &xs_conn.lost has been called
 *
 * On success, requests of &xs_conn.first are sent, and others wait. If the server
 * does not do as it has offered, the connection is broken. xs_reconnect_end() must
 * follow in any case.
 *
 * Context: Process, sleeps; one at a time.
 * Return: 0; -ETIMEDOUT if the server does not react; -ESHUTDOWN if the connection
 * has been given up, or lost again, in the meantime; or the error of
 * &xs_transport_ops.renew.
 */
int xs_reconnect(struct xs_conn *conn)
{
	int err;

	xs_io_park(conn);
	err = READ_ONCE(conn->state) == XS_CONN_DOWN ? 0 : -ESHUTDOWN;
	if (!err)
		err = xs_reconnect_find(conn->t);
	if (!err) {
		xs_reconnect_hold(conn);
		xs_io_renew(conn);
		pr_info("connected again\n");
	} else if (err != -ESHUTDOWN) {
		pr_err("cannot connect again: %d\n", err);
		xs_conn_break(conn, -EIO);
	}
	xs_io_unpark(conn);
	return err;
}

/**
 * xs_reconnect_end() - let all requests flow
 * @conn: the connection; xs_reconnect() has returned
 *
 * Context: Process.
 */
void xs_reconnect_end(struct xs_conn *conn)
{
	spin_lock(&conn->lock);
	if (conn->state != XS_CONN_DOWN)
		conn->reconnecting = false;
	if (!conn->held)
		xs_fq_unhold(&conn->fq);
	spin_unlock(&conn->lock);
	wake_up(&conn->wq);
	xs_gate_leave(&conn->gate);
}
