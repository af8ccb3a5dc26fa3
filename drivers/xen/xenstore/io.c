// SPDX-License-Identifier: GPL-2.0-only
/*
 * The xenbus kthread.
 *
 * It alone reads and writes ring data and indices. It sleeps until a caller has
 * queued a request or the server's notification means work for it, passes over
 * both rings until nothing is left to do, and polls for a while if that pays.
 * Suspend, resume and the first connection happen while it is parked or not
 * running. The interrupt handler is here, too: it decides whether to wake the
 * kthread, and touches nothing else.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>
#include <linux/time64.h>
#include <uapi/linux/sched/types.h>

#include "conn_internal.h"

/* Longest poll beside a local server unless told otherwise, and of all, in us. */
#define XS_IO_POLL_US		500
#define XS_IO_POLL_US_MAX	1000

/* Where a window begins to grow, in ns: about what a wake-up costs. */
#define XS_IO_POLL_START	(10 * NSEC_PER_USEC)

/* A pass after one that lacked memory. */
#define XS_IO_RETRY	(HZ / 50)

/* Has the server declared the connection dead, or moved past our index? */
static bool xs_io_server_failed(const struct xs_conn *conn)
{
	u32 error = READ_ONCE(conn->t->page->error);

	return (error && error != conn->rx.known_error) ||
	       !xs_ring_is_sane(&conn->tx.ring);
}

/**
 * xs_io_has_work() - would a pass achieve anything?
 * @conn: the connection
 *
 * C xenstored notifies after it has read a header, read a body, written a
 * header and written a body; only the last gives the kthread something to do. A
 * message that is incomplete now is followed by another notification.
 *
 * Context: Any, hard interrupt included; a lockless hint that errs towards
 * true.
 * Return: false if the kthread may sleep.
 */
bool xs_io_has_work(const struct xs_conn *conn)
{
	/* Pairs with xs_conn_set_up(): the rings are attached. */
	enum xs_conn_state state = smp_load_acquire(&conn->state);

	if (state == XS_CONN_BROKEN)
		return false;
	if (READ_ONCE(conn->break_err))
		return true;
	return state == XS_CONN_UP &&
	       (xs_rx_has_work(conn) || xs_tx_has_work(conn) ||
		xs_io_server_failed(conn));
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_has_work);

/*
 * Does the kthread run only once the server sleeps? It does where both share the
 * one CPU, because it is a SCHED_BATCH task: then it need not be found out
 * whether a notification was for anything.
 */
static bool xs_io_runs_after_server(const struct xs_conn *conn)
{
	return conn->t->peer_is_local && num_online_cpus() == 1;
}

/**
 * xs_io_notified() - the server has moved an index of the page
 * @t: the transport of a connection
 *
 * Further notifications say nothing new while the kthread is awake or about to
 * run: it looks at both rings before it sleeps. If the server runs in this
 * domain, where each interrupt may be at its expense, they are masked until
 * then.
 *
 * Context: Any, hard interrupt included; not on two CPUs at a time. This is
 * &xs_transport.notified.
 */
static void xs_io_notified(struct xs_transport *t)
{
	struct xs_conn *conn = t->conn;
	bool mask = t->peer_is_local && t->ops->mask;
	/* A hint: wherever there is work, wake_up() follows in any case. */
	bool asleep = waitqueue_active(&conn->wq);

	xs_stats_count(&conn->stats.interrupts);
	if (!(mask && (!asleep || xs_io_runs_after_server(conn))) &&
	    !xs_io_has_work(conn))
		return;
	if (mask && !READ_ONCE(t->masked)) {
		t->ops->mask(t);
		WRITE_ONCE(t->masked, true);
	}
	if (asleep) {
		xs_stats_count(&conn->stats.wakes);
		trace_xenstore_wake(conn);
	}
	wake_up(&conn->wq);
}

static void xs_io_report_break(struct xs_conn *conn, int err)
{
	const struct xenstore_domain_interface *page = conn->t->page;

	if (err == -ESHUTDOWN || err == -ECONNRESET || err == -ENOTCONN)
		return;
	pr_err_ratelimited("connection lost: %d (req %u/%u rsp %u/%u error %u)\n",
			   err, READ_ONCE(page->req_prod),
			   READ_ONCE(page->req_cons), READ_ONCE(page->rsp_prod),
			   READ_ONCE(page->rsp_cons), READ_ONCE(page->error));
}

/**
 * xs_io_pass() - one pass over both rings
 * @conn: the connection
 *
 * Sends what fits, receives what is there. Where no kthread runs, a test calls
 * this to step the connection.
 *
 * Context: Kthread; may sleep in an allocation with %XS_GFP.
 * Return: 0; -ENOMEM if an event waits for memory and another pass has to
 * follow; the reason if the connection is broken, or lost.
 */
int xs_io_pass(struct xs_conn *conn)
{
	enum xs_conn_state state = READ_ONCE(conn->state);
	int err = READ_ONCE(conn->break_err);

	if (state == XS_CONN_BROKEN)
		return err;
	lock_map_acquire(&conn->io_map);
	xs_stats_count(&conn->stats.passes);
	if (state == XS_CONN_UP) {
		err = err ?: xs_tx_fill(conn);
		err = err ?: xs_rx_drain(conn);
		if (!err && xs_io_server_failed(conn))
			err = -EIO;
	}
	if (err && err != -ENOMEM) {
		if (state == XS_CONN_UP)
			xs_io_report_break(conn, err);
		if (!xs_reconnect_is_possible(conn) || !xs_reconnect_begin(conn))
			err = xs_conn_fail_all(conn, err);
	}
	lock_map_release(&conn->io_map);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_pass);

/**
 * xs_io_at_boundary() - is neither direction in the middle of a message?
 * @conn: the connection
 *
 * Context: Kthread, or it is parked.
 * Return: true if the page may be exchanged without losing half a message. It
 * may when the connection is BROKEN: nothing is read or sent any more.
 */
bool xs_io_at_boundary(const struct xs_conn *conn)
{
	if (READ_ONCE(conn->state) == XS_CONN_BROKEN)
		return true;
	return !READ_ONCE(conn->break_err) && !conn->tx.done && !conn->rx.have;
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_at_boundary);

static bool xs_io_should_park(const struct xs_conn *conn)
{
	return kthread_should_park() && xs_io_at_boundary(conn);
}

static bool xs_io_should_run(const struct xs_conn *conn)
{
	return READ_ONCE(conn->t->masked) || xs_io_has_work(conn) ||
	       kthread_should_stop() || xs_io_should_park(conn);
}

/**
 * xs_io_poll() - stay awake for work that comes within the window
 * @conn: the connection
 *
 * The CPU is given up to any other task, and there has to be another one for
 * the server to run on.
 *
 * Context: Kthread.
 * Return: true if there is something to do.
 */
bool xs_io_poll(struct xs_conn *conn)
{
	bool found = false;
	u64 end;

	if (!conn->poll_window)
		return false;
	end = local_clock() + conn->poll_window;
	while (!found && single_task_running() && !need_resched() &&
	       local_clock() < end) {
		cpu_relax();
		found = xs_io_has_work(conn) || xs_io_should_park(conn) ||
			kthread_should_stop();
	}
	if (found)
		xs_stats_count(&conn->stats.polls);
	return found;
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_poll);

/*
 * Sleep until there is work. The window of the next poll grows while wake-ups
 * come so soon that a poll would have found the work, and a long sleep closes
 * it.
 */
static void xs_io_sleep(struct xs_conn *conn)
{
	int us = conn->poll_us;
	u32 longest;
	u64 start;

	if (us < 0)
		us = conn->t->peer_is_local ? XS_IO_POLL_US : 0;
	longest = min(us, XS_IO_POLL_US_MAX) * NSEC_PER_USEC;
	/* Reading the clock costs as much as a short pass. */
	if (num_online_cpus() == 1)
		longest = 0;
	start = longest ? local_clock() : 0;
	wait_event_idle(conn->wq, xs_io_should_run(conn));
	if (!longest || local_clock() - start > longest)
		conn->poll_window = 0;
	else
		conn->poll_window = min_t(u32, longest,
					  2 * conn->poll_window + XS_IO_POLL_START);
}

/* Passes and polls, until there is nothing to do; masked until then. */
static void xs_io_run(struct xs_conn *conn)
{
	bool retry;

	do {
		retry = xs_io_pass(conn) == -ENOMEM;
		if (retry)
			schedule_timeout_idle(XS_IO_RETRY);
		cond_resched();
	} while ((retry || xs_io_has_work(conn) || xs_io_poll(conn)) &&
		 !kthread_should_stop() && !xs_io_should_park(conn));
	/*
	 * What a notification that is forgotten now was for is seen by the
	 * condition of the next wait, behind the barrier of prepare_to_wait().
	 */
	if (READ_ONCE(conn->t->masked)) {
		WRITE_ONCE(conn->t->masked, false);
		conn->t->ops->unmask(conn->t);
	}
}

static int xs_io_thread(void *data)
{
	struct xs_conn *conn = data;

	complete(&conn->started);
	while (!kthread_should_stop()) {
		xs_io_sleep(conn);
		/* A pass could take half of the next message off the ring. */
		if (xs_io_should_park(conn))
			kthread_parkme();
		else
			xs_io_run(conn);
	}
	return 0;
}

/*
 * Beside a local server the kthread is a SCHED_BATCH task, which does not
 * preempt: the server handles one request after the other, and there is one
 * context switch for all the replies.
 */
static void xs_io_set_policy(struct xs_conn *conn)
{
	const struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = conn->t->peer_is_local ? SCHED_BATCH :
							 SCHED_NORMAL,
	};

	sched_setattr_nocheck(conn->thread, &attr);
}

/* Start both directions at a message boundary. */
static void xs_io_attach(struct xs_conn *conn, u32 known_error)
{
	struct xenstore_domain_interface *page = conn->t->page;

	xs_ring_init_requests(&conn->tx.ring, page);
	spin_lock(&conn->lock);
	conn->tx.req = NULL;
	spin_unlock(&conn->lock);
	conn->tx.done = 0;
	xs_ring_init_responses(&conn->rx.ring, page);
	conn->rx.have = 0;
	WRITE_ONCE(conn->rx.missing, 0);
	conn->rx.known_error = known_error;
}

/*
 * The kthread has acted upon the break of a BROKEN connection. One that comes
 * from here on, or that it has not seen yet, is about the new server.
 */
static void xs_io_forget_break(struct xs_conn *conn)
{
	spin_lock(&conn->lock);
	if (conn->state == XS_CONN_BROKEN)
		WRITE_ONCE(conn->break_err, 0);
	spin_unlock(&conn->lock);
}

static void xs_io_drop_responses(struct xs_conn *conn)
{
	xs_ring_skip(&conn->rx.ring);
	if (xs_ring_publish_responses(&conn->rx.ring))
		xs_conn_notify(conn);
}

/**
 * xs_io_connect() - find the server and let requests flow
 * @conn: a connection in state DOWN
 *
 * What an earlier kernel left in the response ring is dropped, unless the
 * transport says otherwise. What it left in the request ring the server has yet
 * to read, and cannot be taken back. An error in the page breaks the connection.
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of &xs_transport_ops.connect.
 */
int xs_io_connect(struct xs_conn *conn)
{
	struct xs_transport *t = conn->t;
	int err, unread;

	t->conn = conn;
	t->notified = xs_io_notified;
	xs_io_forget_break(conn);
	err = t->ops->connect(t);
	if (err)
		return err;

	spin_lock(&conn->lock);
	conn->attached = true;
	spin_unlock(&conn->lock);
	xs_io_attach(conn, 0);
	unread = XENSTORE_RING_SIZE - xs_ring_free(&conn->tx.ring);
	if (unread)
		pr_warn("%d bytes of old requests are in the ring\n", unread);
	if (xs_ring_available(&conn->rx.ring) && !t->keep_responses) {
		pr_info("dropping responses left in the ring\n");
		xs_io_drop_responses(conn);
	}
	xs_conn_set_up(conn);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_connect);

/**
 * xs_io_renew() - begin with a server that knows nothing of before
 * @conn: the page is the server's; the kthread is parked or does not run
 *
 * A message that is half received is forgotten, and what is in the response ring.
 *
 * Context: Process, may sleep.
 */
void xs_io_renew(struct xs_conn *conn)
{
	xs_io_attach(conn, READ_ONCE(conn->t->page->error));
	xs_io_drop_responses(conn);
	xs_conn_set_up(conn);
}

/**
 * xs_io_find() - go on with a server that may be another one
 * @conn: the kthread is parked, the gate is closed and drained
 * @find: of the transport, finds page and channel; NULL if they are as before
 *
 * See xs_io_renew(). Transactions opened before are of an older generation, and a
 * connection that was BROKEN works again.
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of @find.
 */
int xs_io_find(struct xs_conn *conn, int (*find)(struct xs_transport *t))
{
	int err;

	xs_io_forget_break(conn);
	err = find ? find(conn->t) : 0;
	if (err)
		return err;
	spin_lock(&conn->lock);
	WRITE_ONCE(conn->generation, conn->generation + 1);
	spin_unlock(&conn->lock);
	xs_io_renew(conn);
	return 0;
}

/**
 * xs_io_reconnect() - xs_io_find() after the domain has been suspended
 * @conn: the kthread is parked, the gate is closed and drained
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of &xs_transport_ops.reconnect.
 */
int xs_io_reconnect(struct xs_conn *conn)
{
	return xs_io_find(conn, conn->t->ops->reconnect);
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_reconnect);

/**
 * xs_io_disconnect() - undo xs_io_connect() while the kthread does not run
 * @conn: the connection; requests are kept
 *
 * Context: Process, may sleep.
 */
void xs_io_disconnect(struct xs_conn *conn)
{
	bool attached;

	spin_lock(&conn->lock);
	attached = conn->attached;
	conn->attached = false;
	if (conn->state == XS_CONN_UP) {
		trace_xenstore_state(XS_CONN_UP, XS_CONN_DOWN, 0);
		WRITE_ONCE(conn->state, XS_CONN_DOWN);
	}
	spin_unlock(&conn->lock);
	if (attached)
		conn->t->ops->disconnect(conn->t);
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_disconnect);

/**
 * xs_io_start() - start the kthread
 * @conn: a connection without one
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of kthread_create(); there is no kthread then.
 */
int xs_io_start(struct xs_conn *conn)
{
	struct task_struct *thread;

	init_completion(&conn->started);
	thread = kthread_run(xs_io_thread, conn, "xenbus");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	/* One that does not run yet would be parked in the middle of a message. */
	wait_for_completion(&conn->started);
	conn->thread = thread;
	xs_io_set_policy(conn);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_start);

/**
 * xs_io_stop() - end the kthread
 * @conn: the connection; what is pending stays so
 *
 * Context: Process, may sleep.
 */
void xs_io_stop(struct xs_conn *conn)
{
	if (conn->thread)
		kthread_stop(conn->thread);
	conn->thread = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_stop);

/**
 * xs_io_park() - stop the kthread between two messages
 * @conn: the gate is closed and drained
 *
 * A part of the next message may wait in the ring: a reconnect drops it, and
 * after an unpark it is read on. Does nothing where there is no kthread.
 *
 * Context: Process, sleeps until an event that is half received is complete.
 */
void xs_io_park(struct xs_conn *conn)
{
	if (conn->thread)
		kthread_park(conn->thread);
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_park);

/**
 * xs_io_unpark() - let the kthread go on
 * @conn: the connection; the server may have become a local or a remote one
 *
 * Context: Process.
 */
void xs_io_unpark(struct xs_conn *conn)
{
	if (!conn->thread)
		return;
	xs_io_set_policy(conn);
	kthread_unpark(conn->thread);
}
EXPORT_SYMBOL_IF_KUNIT(xs_io_unpark);
