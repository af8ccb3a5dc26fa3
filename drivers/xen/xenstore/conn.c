// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection to one XenStore server: the side of its callers.
 *
 * A caller enqueues a request and sleeps on the wait queue of that request, or
 * has a function called when it completes. The kthread alone moves bytes: tx.c
 * from the queues to the ring, rx.c from the ring to completions, under the
 * direction of io.c. This file owns what the two sides share, the table of
 * pending requests, and knows nothing of what a request means.
 *
 * The waterline: a caller that waits for the server may hold locks, which the
 * kthread must then never take. xs_conn_might_wait() and xs_io_pass() tell
 * lockdep, which reports the first call chain that breaks the rule, without
 * the deadlock having to happen.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "conn_internal.h"

/**
 * xs_conn_init() - set up a connection that is not connected yet
 * @conn: the connection
 * @t: how to reach the server; stays the caller's
 * @ops: receives watch events
 * @owner: for @ops
 *
 * Requests may be submitted from here on; they are kept until xs_io_connect().
 *
 * Context: Process.
 */
void xs_conn_init(struct xs_conn *conn, struct xs_transport *t,
		  const struct xs_conn_ops *ops, void *owner)
{
	static struct lock_class_key io_key;

	memset(conn, 0, sizeof(*conn));
	conn->t = t;
	conn->ops = ops;
	conn->owner = owner;
	xs_gate_init(&conn->gate);
	xs_transactions_init(&conn->transactions);
	xs_quota_init(&conn->quota);
	spin_lock_init(&conn->lock);
	INIT_LIST_HEAD(&conn->sent);
	xs_fq_init(&conn->fq);
	xs_flow_init(&conn->kernel);
	xs_flow_init(&conn->first);
	conn->state = XS_CONN_DOWN;
	conn->poll_us = -1;
	conn->reconnect_timeout = XS_RECONNECT_TIMEOUT;
	/* A late reply to a kernel before a kexec does not find its id. */
	conn->next_id = get_random_u32();
	init_waitqueue_head(&conn->wq);
	lockdep_init_map(&conn->io_map, "xs_conn_io", &io_key, 0);
}
EXPORT_SYMBOL_IF_KUNIT(xs_conn_init);

/**
 * xs_conn_destroy() - fail what is pending, with -ESHUTDOWN
 * @conn: nothing is submitted any more and the kthread does not run
 *
 * Context: Process.
 */
void xs_conn_destroy(struct xs_conn *conn)
{
	xs_conn_fail_all(conn, -ESHUTDOWN);
}
EXPORT_SYMBOL_IF_KUNIT(xs_conn_destroy);

/**
 * xs_conn_refuse() - there is no server, for now
 * @conn: a connection whose kthread does not run
 * @err: what every request that is pending or comes later fails with
 *
 * xs_io_connect() may follow, and lets requests flow.
 *
 * Context: Process.
 */
void xs_conn_refuse(struct xs_conn *conn, int err)
{
	xs_conn_fail_all(conn, err);
}
EXPORT_SYMBOL_GPL(xs_conn_refuse);

/**
 * xs_conn_set_up() - let requests flow
 * @conn: the rings are attached
 *
 * Context: Process; the kthread does not run or is parked.
 */
void xs_conn_set_up(struct xs_conn *conn)
{
	spin_lock(&conn->lock);
	trace_xenstore_state(conn->state, XS_CONN_UP, 0);
	conn->up_since = xs_stats_now();
	/* Pairs with the acquires of @state: the rings are attached before that. */
	smp_store_release(&conn->state, XS_CONN_UP);
	spin_unlock(&conn->lock);
	wake_up(&conn->wq);
}

/**
 * xs_conn_break() - give the connection up
 * @conn: the connection
 * @err: what every request that is pending or comes later fails with
 *
 * The kthread does the work; the first error stays, but that it was lost.
 *
 * Context: Any but hard interrupt.
 */
void xs_conn_break(struct xs_conn *conn, int err)
{
	spin_lock(&conn->lock);
	if (!conn->break_err || (xs_lost_is_given_up(err) &&
				 !xs_lost_is_given_up(conn->break_err)))
		WRITE_ONCE(conn->break_err, err);
	spin_unlock(&conn->lock);
	wake_up(&conn->wq);
}
EXPORT_SYMBOL_GPL(xs_conn_break);

/**
 * xs_conn_lose() - begin anew with the server, which may be another one
 * @conn: the connection
 *
 * The kthread starts it, as if the server had given the connection up. Where
 * nobody would end it, the connection is broken.
 *
 * Context: Any but hard interrupt.
 */
void xs_conn_lose(struct xs_conn *conn)
{
	xs_conn_break(conn, conn->lost ? -ECONNRESET : -EIO);
}
EXPORT_SYMBOL_GPL(xs_conn_lose);

/**
 * xs_conn_recall() - begin anew with a server, where there has been none
 * @conn: the connection, to which nobody has ever listened
 *
 * As xs_conn_lose(), but what is in the ring is taken back, and sent to the server
 * that &xs_transport_ops.renew finds.
 *
 * Context: Any but hard interrupt.
 */
void xs_conn_recall(struct xs_conn *conn)
{
	xs_conn_break(conn, conn->lost ? -ENOTCONN : -EIO);
}
EXPORT_SYMBOL_GPL(xs_conn_recall);

/**
 * xs_conn_hold() - let only requests of the caller be sent
 * @conn: a connection of which nothing has been sent yet
 *
 * For what has to reach the server before anything that was submitted while
 * there was none. Requests of others are accepted and wait, and so does a suspend.
 *
 * Context: Process; nothing is suspended. xs_conn_unhold() by the same task must
 * follow.
 */
void xs_conn_hold(struct xs_conn *conn)
{
	xs_gate_pin(&conn->gate, &conn->holder);
	spin_lock(&conn->lock);
	xs_fq_hold(&conn->fq, &conn->first);
	conn->held = true;
	spin_unlock(&conn->lock);
}
EXPORT_SYMBOL_GPL(xs_conn_hold);

/**
 * xs_conn_unhold() - undo xs_conn_hold()
 * @conn: the connection; it need not have come up
 *
 * Context: Process; what the caller has submitted is complete.
 */
void xs_conn_unhold(struct xs_conn *conn)
{
	spin_lock(&conn->lock);
	xs_fq_unhold(&conn->fq);
	conn->held = false;
	spin_unlock(&conn->lock);
	wake_up(&conn->wq);
	xs_gate_unpin(&conn->gate, &conn->holder);
}
EXPORT_SYMBOL_GPL(xs_conn_unhold);

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
EXPORT_SYMBOL_IF_KUNIT(xs_conn_might_wait);

static struct hlist_head *xs_conn_bucket(struct xs_conn *conn, u32 id)
{
	return &conn->pending[id % XS_PENDING_BUCKETS];
}

static struct xs_request *xs_conn_find_locked(struct xs_conn *conn, u32 id)
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

/**
 * xs_conn_number_locked() - enter a request into the table
 * @conn: the connection
 * @req: the request, which gets an id that no other has
 *
 * Context: Any but hard interrupt; &xs_conn.lock is held.
 */
void xs_conn_number_locked(struct xs_conn *conn, struct xs_request *req)
{
	lockdep_assert_held(&conn->lock);
	do {
		req->id = conn->next_id++;
	} while (!req->id || xs_conn_find_locked(conn, req->id));
	xs_request_header(req)->req_id = req->id;
	hlist_add_head(&req->pending_node, xs_conn_bucket(conn, req->id));
}

static void xs_conn_accept_locked(struct xs_conn *conn, struct xs_request *req)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	/* The connection's reference, for as long as the request is pending. */
	xs_request_get(req);
	req->gate = &conn->gate;
	req->state = XS_REQ_QUEUED;
	xs_conn_number_locked(conn, req);
	WRITE_ONCE(conn->in_flight, conn->in_flight + 1);
	if (!req->flow)
		req->flow = conn->held && conn->holder.task == current ?
				    &conn->first : &conn->kernel;
	xs_fq_add(&conn->fq, req);
	req->submitted = xs_stats_now();
	req->pid = current->pid;
	xs_stats_count(&conn->stats.submitted);
	trace_xenstore_submit(conn, req);
}

/**
 * xs_conn_forget_locked() - take a request out of the table
 * @conn: the connection
 * @req: a pending request; still in its queue
 *
 * Context: Any but hard interrupt; &xs_conn.lock is held.
 */
void xs_conn_forget_locked(struct xs_conn *conn, struct xs_request *req)
{
	lockdep_assert_held(&conn->lock);
	hlist_del_init(&req->pending_node);
	WRITE_ONCE(conn->in_flight, conn->in_flight - 1);
}

/*
 * Wake the kthread, unless the server has yet to read something: its
 * notification of that wakes the kthread, and what is queued until then goes
 * out in one pass. Queue, then load the server's index, with the barrier of
 * wq_has_sleeper() between; the server stores its index, then notifies, and the
 * interrupt handler looks at the queue. One of the two sees the other.
 */
static void xs_conn_wake_kthread(struct xs_conn *conn)
{
	if (!wq_has_sleeper(&conn->wq))
		return;
	/* Pairs with xs_conn_set_up(): the rings are attached. */
	if (smp_load_acquire(&conn->state) != XS_CONN_UP ||
	    xs_ring_is_read(&conn->tx.ring))
		wake_up(&conn->wq);
}

static int xs_conn_check_locked(struct xs_conn *conn,
				const struct xs_request *req)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	if (conn->state == XS_CONN_BROKEN)
		return conn->break_err ?: -EIO;
	/* Lost again while watches are set: those who wait have to begin again. */
	if (req->flow == &conn->first && conn->state != XS_CONN_UP)
		return -EIO;
	return 0;
}

/* A request that names one of the kernel's transactions goes with it. */
static void xs_conn_bind(struct xs_conn *conn, struct xs_request *req)
{
	u32 tx_id = xs_request_header(req)->tx_id;
	const struct xs_transaction_key *key;

	if (!tx_id || req->flow || req->generation != XS_GENERATION_ANY)
		return;
	spin_lock(&conn->transactions.lock);
	key = xs_transactions_find(&conn->transactions, tx_id);
	if (key)
		req->generation = key->generation;
	spin_unlock(&conn->transactions.lock);
}

/*
 * Accept all requests, to be sent in this order, or none. Each has a pass of
 * the gate from its acceptance to its completion, so a drain waits for it. The
 * passes are taken first: a request may complete before this returns.
 */
static int xs_conn_submit_all(struct xs_conn *conn, struct xs_request **reqs,
			      unsigned int n, enum xs_gate_kind kind)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < n; i++)
		xs_conn_bind(conn, reqs[i]);
	xs_gate_enter_all(&conn->gate, kind, n);
	spin_lock(&conn->lock);
	for (i = 0; !err && i < n; i++)
		err = xs_conn_check_locked(conn, reqs[i]);
	for (i = 0; !err && i < n; i++)
		xs_conn_accept_locked(conn, reqs[i]);
	spin_unlock(&conn->lock);

	if (err)
		xs_gate_leave_all(&conn->gate, n);
	else
		xs_conn_wake_kthread(conn);
	return err;
}

/**
 * xs_conn_submit() - accept a request
 * @conn: the connection
 * @req: a new request
 *
 * On success it completes exactly once; the caller keeps its reference, which
 * &xs_request.complete takes over where it is set. On failure the request is
 * the caller's alone, and nothing is called.
 *
 * Does not wait at the gate. A caller whose request must not be sent during a
 * suspend is inside while it calls, or has a transaction open.
 *
 * Context: Process; does not wait for the server.
 * Return: 0, or the error the connection is broken with; -EIO if a reconnect
 * has failed.
 */
int xs_conn_submit(struct xs_conn *conn, struct xs_request *req)
{
	return xs_conn_submit_all(conn, &req, 1, XS_GATE_NESTED);
}
EXPORT_SYMBOL_IF_KUNIT(xs_conn_submit);

/**
 * xs_conn_call_all() - submit requests together and wait for all replies
 * @conn: the connection
 * @reqs: new requests without &xs_request.complete; stay the caller's
 * @n: how many; not 0
 * @kind: how they pass the gate, all at once; %XS_GATE_NESTED if the caller is
 *	inside, where to wait again would deadlock with a drain
 *
 * Context: Process, sleeps uninterruptibly until the server has replied and,
 * during a suspend, until the resume.
 * Return: 0 if all have completed, each with its own &xs_request.err, and
 * &xs_request.reply, which may be an XS_ERROR, if that is 0; or, if none was sent,
 * the error that the connection is broken with: -EIO if the ring is, -ESHUTDOWN if
 * the server went down with this system.
 */
int xs_conn_call_all(struct xs_conn *conn, struct xs_request **reqs,
		     unsigned int n, enum xs_gate_kind kind)
{
	int err;

	xs_conn_might_wait(conn);
	err = xs_conn_submit_all(conn, reqs, n, kind);
	if (err)
		return err;
	/* The last reply comes last, as a rule, so this sleeps once. */
	while (n--)
		xs_request_wait(reqs[n]);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xs_conn_call_all);

/* Complete requests that are on a list and in no table. */
static void xs_conn_finish_list(struct list_head *list, int err)
{
	struct xs_request *req, *next;

	list_for_each_entry_safe(req, next, list, node) {
		list_del_init(&req->node);
		xs_request_finish(req, err);
	}
}

/**
 * xs_conn_cancel() - take back what a flow has not sent
 * @conn: the connection
 * @flow: nothing is submitted to it in the meantime
 * @keep: which requests are to be sent nevertheless; it may change their
 *	payload, which has not been sent. Must not sleep.
 *
 * What is cancelled completes with -ECANCELED, here and now. A request that is
 * on the ring, if only in part, is left alone.
 *
 * Context: Process.
 */
void xs_conn_cancel(struct xs_conn *conn, struct xs_flow *flow,
		    bool (*keep)(struct xs_request *req))
{
	struct xs_request *req, *next;
	LIST_HEAD(cancelled);

	spin_lock(&conn->lock);
	list_for_each_entry_safe(req, next, &flow->queue, node) {
		if (req == conn->tx.req || keep(req))
			continue;
		xs_conn_forget_locked(conn, req);
		list_move_tail(&req->node, &cancelled);
	}
	if (list_empty(&flow->queue))
		list_del_init(&flow->node);
	spin_unlock(&conn->lock);
	xs_conn_finish_list(&cancelled, -ECANCELED);
}
EXPORT_SYMBOL_IF_KUNIT(xs_conn_cancel);

/**
 * xs_conn_claim() - take the request that a reply belongs to
 * @conn: the connection
 * @id: the id in the reply
 *
 * Context: Kthread.
 * Return: The request, which the caller has to complete; NULL if none with
 * that id is on the ring in full.
 */
struct xs_request *xs_conn_claim(struct xs_conn *conn, u32 id)
{
	struct xs_request *req;

	spin_lock(&conn->lock);
	req = xs_conn_find_locked(conn, id);
	if (req && req->state != XS_REQ_SENT)
		req = NULL;
	if (req) {
		xs_conn_forget_locked(conn, req);
		list_del_init(&req->node);
		xs_fq_completed(&conn->fq, req);
	}
	spin_unlock(&conn->lock);
	return req;
}

/**
 * xs_conn_fail_all() - make the connection BROKEN
 * @conn: the connection
 * @err: the error, if there was none before
 *
 * Nothing is queued or pending afterwards, and nothing new is accepted.
 *
 * Context: Kthread, or it does not run.
 * Return: The error that all requests fail with: the first one there was.
 */
int xs_conn_fail_all(struct xs_conn *conn, int err)
{
	struct hlist_node *next;
	struct xs_request *req;
	LIST_HEAD(failed);
	unsigned int i;

	spin_lock(&conn->lock);
	if (!xs_lost_is_given_up(conn->break_err))
		WRITE_ONCE(conn->break_err, xs_lost_is_given_up(err) ? err : -EIO);
	err = conn->break_err;
	trace_xenstore_state(conn->state, XS_CONN_BROKEN, err);
	WRITE_ONCE(conn->state, XS_CONN_BROKEN);
	for (i = 0; conn->in_flight && i < XS_PENDING_BUCKETS; i++) {
		hlist_for_each_entry_safe(req, next, &conn->pending[i],
					  pending_node) {
			xs_conn_forget_locked(conn, req);
			list_move_tail(&req->node, &failed);
			list_del_init(&req->flow->node);
		}
	}
	xs_fq_init(&conn->fq);
	conn->tx.req = NULL;
	spin_unlock(&conn->lock);
	xs_conn_finish_list(&failed, err);
	/* They fail when they are sent. */
	xs_quota_retry(&conn->quota);
	return err;
}
