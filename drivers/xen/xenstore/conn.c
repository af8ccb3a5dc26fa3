// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection to one XenStore server.
 *
 * Callers hand over requests from process context and put them on the ring
 * where there is room; one thread, the kthread, runs xs_conn_pump(), which
 * sends the rest and receives. This file is the side of the callers, and the
 * life of the connection. What a request means is not known here.
 *
 * The waterline: whoever waits for the server may hold locks that the I/O
 * thread must then never take. xs_conn_might_wait() and xs_conn_pump() tell
 * lockdep, which reports the first call chain that breaks the rule, without
 * the deadlock having to happen.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "conn.h"
#include "stats.h"

/**
 * xs_conn_init() - set up a connection that is not connected yet
 * @conn: the connection
 * @t: how to reach the server; stays the caller's
 * @ops: where events go
 * @owner: for @ops
 *
 * Requests may be submitted from here on; they are kept until
 * xs_conn_connect().
 *
 * Context: Process.
 * Return: 0.
 */
int xs_conn_init(struct xs_conn *conn, struct xs_transport *t,
		 const struct xs_conn_ops *ops, void *owner)
{
	static struct lock_class_key io_key;

	memset(conn, 0, sizeof(*conn));
	conn->t = t;
	conn->ops = ops;
	conn->owner = owner;
	xs_gate_init(&conn->gate);
	spin_lock_init(&conn->lock);
	spin_lock_init(&conn->rx_lock);
	spin_lock_init(&conn->rx.lock);
	rcuwait_init(&conn->helper);
	xs_fq_init(&conn->fq);
	xs_flow_init(&conn->kernel);
	WRITE_ONCE(conn->state, XS_CONN_DOWN);
	conn->next_id = 1;
	init_waitqueue_head(&conn->wq);
	lockdep_init_map(&conn->io_map, "xs_conn_io", &io_key, 0);
	t->conn = conn;
	t->notified = xs_conn_signalled;
	return 0;
}
EXPORT_SYMBOL_GPL(xs_conn_init);

/**
 * xs_conn_destroy() - fail what is pending
 * @conn: nobody submits any more and no thread runs
 *
 * Context: Process.
 */
void xs_conn_destroy(struct xs_conn *conn)
{
	xs_conn_break(conn, -ESHUTDOWN);
	xs_conn_pump(conn);
}
EXPORT_SYMBOL_GPL(xs_conn_destroy);

/* Start both directions at a message boundary. */
static void xs_conn_attach(struct xs_conn *conn)
{
	struct xenstore_domain_interface *page = conn->t->page;
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	xs_ring_init_requests(&conn->requests, page);
	conn->tx.req = NULL;
	conn->tx.done = 0;
	spin_unlock_irqrestore(&conn->lock, flags);
	spin_lock_irqsave(&conn->rx.lock, flags);
	xs_ring_init_responses(&conn->responses, page);
	WRITE_ONCE(conn->rx.have, 0);
	WRITE_ONCE(conn->rx.missing, 0);
	WRITE_ONCE(conn->rx.large, false);
	WRITE_ONCE(conn->rx.ready, false);
	spin_unlock_irqrestore(&conn->rx.lock, flags);
	conn->initial_error = READ_ONCE(page->error);
}

static void xs_conn_set_up(struct xs_conn *conn)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	/* A break that the kthread has not seen yet is not forgotten. */
	if (conn->state == XS_CONN_BROKEN)
		WRITE_ONCE(conn->break_err, 0);
	trace_xenstore_state(conn->state, XS_CONN_UP, 0);
	WRITE_ONCE(conn->state, XS_CONN_UP);
	spin_unlock_irqrestore(&conn->lock, flags);
	wake_up(&conn->wq);
}

/**
 * xs_conn_connect() - find the server and let requests flow
 * @conn: a connection in state DOWN
 *
 * What an earlier kernel left in the response ring is dropped, unless the
 * transport says otherwise.
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of &xs_transport_ops.connect.
 */
int xs_conn_connect(struct xs_conn *conn)
{
	struct xs_transport *t = conn->t;
	int err;

	err = t->ops->connect(t);
	if (err)
		return err;

	xs_conn_attach(conn);
	if (xs_ring_available(&conn->responses) && !t->keep_responses) {
		pr_info("dropping responses left in the ring\n");
		xs_ring_skip(&conn->responses);
		if (xs_ring_publish_responses(&conn->responses))
			xs_conn_kick(conn);
	}

	xs_conn_set_up(conn);
	return 0;
}
EXPORT_SYMBOL_GPL(xs_conn_connect);

/**
 * xs_conn_reconnect() - go on after the domain has been suspended
 * @conn: the kthread is parked, the gate is closed and drained
 *
 * Another server may be at the other end now, so what was left half read is
 * forgotten and transactions opened before are of an older generation. A
 * connection that was broken works again.
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of &xs_transport_ops.reconnect.
 */
int xs_conn_reconnect(struct xs_conn *conn)
{
	struct xs_transport *t = conn->t;
	int err;

	err = t->ops->reconnect(t);
	if (err)
		return err;
	xs_conn_attach(conn);
	xs_ring_skip(&conn->responses);
	if (xs_ring_publish_responses(&conn->responses))
		xs_conn_kick(conn);
	conn->generation++;
	xs_conn_set_up(conn);
	return 0;
}
EXPORT_SYMBOL_GPL(xs_conn_reconnect);

/**
 * xs_conn_break() - give the connection up
 * @conn: the connection
 * @err: what every request that is pending or comes later fails with
 *
 * The kthread does the work; the first error stays.
 *
 * Context: Any but hard interrupt.
 */
void xs_conn_break(struct xs_conn *conn, int err)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	if (!conn->break_err)
		WRITE_ONCE(conn->break_err, err);
	spin_unlock_irqrestore(&conn->lock, flags);
	wake_up(&conn->wq);
}
EXPORT_SYMBOL_GPL(xs_conn_break);

/**
 * xs_conn_disconnect() - undo xs_conn_connect() while no thread runs
 * @conn: the connection; requests are kept
 *
 * Context: Process, may sleep.
 */
void xs_conn_disconnect(struct xs_conn *conn)
{
	unsigned long flags;
	bool up;

	spin_lock_irqsave(&conn->lock, flags);
	up = conn->state != XS_CONN_DOWN;
	if (conn->state == XS_CONN_UP) {
		trace_xenstore_state(XS_CONN_UP, XS_CONN_DOWN, 0);
		WRITE_ONCE(conn->state, XS_CONN_DOWN);
	}
	spin_unlock_irqrestore(&conn->lock, flags);
	if (up)
		conn->t->ops->disconnect(conn->t);
}
EXPORT_SYMBOL_GPL(xs_conn_disconnect);

/**
 * xs_conn_might_wait() - the caller may wait for the server
 * @conn: the connection
 *
 * Tells lockdep that every lock held here is above the waterline. A lock that
 * the kthread takes as well is reported as a circular dependency.
 *
 * Context: Process, may sleep; never the kthread.
 */
void xs_conn_might_wait(struct xs_conn *conn)
{
	might_sleep();
	lock_map_acquire(&conn->io_map);
	lock_map_release(&conn->io_map);
}
EXPORT_SYMBOL_GPL(xs_conn_might_wait);

/**
 * xs_conn_find_locked() - the pending request with an id
 * @conn: the connection
 * @id: the id on the wire
 *
 * Context: Any; &xs_conn.lock is held.
 * Return: The request, in state QUEUED or SENT, or NULL.
 */
struct xs_request *xs_conn_find_locked(struct xs_conn *conn, u32 id)
	__must_hold(&conn->lock)
{
	struct xs_request *req;

	lockdep_assert_held(&conn->lock);
	hlist_for_each_entry(req, xs_conn_bucket(conn, id), pending_node) {
		if (req->id == id)
			return req;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(xs_conn_find_locked);

static u32 xs_conn_new_id_locked(struct xs_conn *conn)
	__must_hold(&conn->lock)
{
	u32 id;

	lockdep_assert_held(&conn->lock);
	do {
		id = conn->next_id++;
	} while (!id || xs_conn_find_locked(conn, id));
	return id;
}

static void xs_conn_accept_locked(struct xs_conn *conn, struct xs_request *req)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	/* The connection's reference, for as long as the request is pending. */
	xs_request_get(req);
	req->gate = &conn->gate;
	req->id = xs_conn_new_id_locked(conn);
	xs_request_header(req)->req_id = req->id;
	req->state = XS_REQ_QUEUED;
	hlist_add_head(&req->pending_node, xs_conn_bucket(conn, req->id));
	conn->in_flight++;
	if (!req->flow)
		req->flow = &conn->kernel;
	xs_fq_add(&conn->fq, req);
	xs_stats_submitted(conn, req);
}

/*
 * Send what has just been queued, if that is possible. False if the kthread
 * has to be woken for it.
 */
static bool xs_conn_send_directly_locked(struct xs_conn *conn, bool *kick)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	if (!conn->direct || conn->state != XS_CONN_UP)
		return false;
	if (xs_conn_send_locked(conn, kick))
		return false;
	if (!conn->tx.req)
		return true;
	/*
	 * The ring is full. Queue, then look at the server's index: the server
	 * moves its index, then signals, and the signal looks at the queue.
	 * Either we see the room, or its signal sees what we have queued.
	 */
	smp_mb();
	return !xs_ring_has_room(&conn->requests);
}

/**
 * xs_conn_submit_all() - accept requests, all of them or none
 * @conn: the connection
 * @reqs: new requests; the caller has entered &xs_conn.gate for each
 * @n: how many; not 0
 *
 * They are sent in this order, as far as there is room on the ring at once, and
 * otherwise when the peer has made some. On success each will complete exactly
 * once and leave the gate then; the caller keeps its references, which
 * &xs_request.complete takes over where it is set. On failure the gate has been
 * left, the requests are the caller's alone, and nothing is called.
 *
 * Context: Process; does not wait for the server.
 * Return: 0, or the error the connection is broken with.
 */
int xs_conn_submit_all(struct xs_conn *conn, struct xs_request **reqs,
		       unsigned int n)
{
	bool sent = false, kick = false;
	unsigned long flags;
	unsigned int i;
	int err = 0;

	spin_lock_irqsave(&conn->lock, flags);
	if (conn->state == XS_CONN_BROKEN)
		err = conn->break_err;
	for (i = 0; !err && i < n; i++)
		xs_conn_accept_locked(conn, reqs[i]);
	if (!err)
		sent = xs_conn_send_directly_locked(conn, &kick);
	spin_unlock_irqrestore(&conn->lock, flags);

	if (kick)
		xs_conn_kick(conn);
	if (!err && !sent)
		wake_up(&conn->wq);
	for (i = 0; err && i < n; i++)
		xs_gate_leave(&conn->gate);
	return err;
}
EXPORT_SYMBOL_GPL(xs_conn_submit_all);

/**
 * xs_conn_submit() - accept a request
 * @conn: the connection
 * @req: a new request; the caller has entered &xs_conn.gate for it
 *
 * Context: Process; does not wait for the server.
 * Return: As xs_conn_submit_all().
 */
int xs_conn_submit(struct xs_conn *conn, struct xs_request *req)
{
	return xs_conn_submit_all(conn, &req, 1);
}
EXPORT_SYMBOL_GPL(xs_conn_submit);

static bool xs_conn_is_answered(void *arg)
{
	return xs_request_is_done(arg);
}

/**
 * xs_conn_call_all() - submit requests together and wait for all replies
 * @conn: the connection
 * @reqs: new requests without &xs_request.complete; stay the caller's
 * @n: how many; not 0
 * @kind: how they pass the gate
 *
 * Context: Process, sleeps uninterruptibly until the server has answered and,
 * during a suspend, until the resume.
 * Return: 0 if all have completed, each with its own &xs_request.err, and
 * &xs_request.reply if that is 0; or, if none was sent, the error that the
 * connection is broken with: -EIO if the ring is, -ESHUTDOWN if the server went
 * down with this system.
 */
int xs_conn_call_all(struct xs_conn *conn, struct xs_request **reqs,
		     unsigned int n, enum xs_gate_kind kind)
{
	unsigned int i;
	int err;

	xs_conn_might_wait(conn);
	xs_gate_enter(&conn->gate, kind);
	/* Who is inside does not wait there again, or a drain would for us. */
	for (i = 1; i < n; i++)
		xs_gate_enter(&conn->gate, XS_GATE_NESTED);
	err = xs_conn_submit_all(conn, reqs, n);
	if (err)
		return err;
	/* The last is answered last, as a rule, so this sleeps once. */
	while (n--)
		xs_conn_wait(conn, &reqs[n]->wq, xs_conn_is_answered, reqs[n],
			     TASK_UNINTERRUPTIBLE);
	return 0;
}
EXPORT_SYMBOL_GPL(xs_conn_call_all);

/**
 * xs_conn_call() - submit a request and wait for its reply
 * @conn: the connection
 * @req: a new request without &xs_request.complete; stays the caller's
 * @kind: how it passes the gate
 *
 * Context: See xs_conn_call_all().
 * Return: 0 with &xs_request.reply valid, which may be an XS_ERROR; -ENOMEM;
 * -EIO if the ring is broken; -ESHUTDOWN if the server went down with this
 * system.
 */
int xs_conn_call(struct xs_conn *conn, struct xs_request *req,
		 enum xs_gate_kind kind)
{
	return xs_conn_call_all(conn, &req, 1, kind) ?: req->err;
}
EXPORT_SYMBOL_GPL(xs_conn_call);

MODULE_DESCRIPTION("XenStore protocol core");
MODULE_LICENSE("GPL");
