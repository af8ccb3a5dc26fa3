// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of requests when the connection is lost, and will be found again.
 *
 * What has not been sent in full is kept, and so is what may be done twice. Any other
 * request that was sent may have been carried out or not, so it fails with -EIO.
 *
 * The server has forgotten all transactions. A program is told by -EAGAIN, whatever it
 * asks for in one of them. A driver expects that from the end of a transaction alone,
 * and repeats all of it then. So until it comes to that, its reads are made outside of
 * any transaction, and its changes are not made, as if they had been and were taken
 * back. Its transactions are told from new ones by their generation.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/errno.h>
#include <linux/list.h>

#include "conn_internal.h"

/* May it be done twice, and after what came later? */
static bool xs_lost_is_repeatable(u32 type)
{
	switch (type) {
	case XS_READ:
	case XS_DIRECTORY:
	case XS_DIRECTORY_PART:
	case XS_GET_PERMS:
	case XS_GET_DOMAIN_PATH:
	case XS_IS_DOMAIN_INTRODUCED:
	/* The server has forgotten what it did for these. */
	case XS_WATCH:
	case XS_UNWATCH:
	case XS_TRANSACTION_START:
		return true;
	default:
		return false;
	}
}

/**
 * xs_lost_is_given_up() - is the connection given up for good?
 * @err: &xs_conn.break_err
 *
 * Context: Any.
 * Return: false for 0, and for what xs_conn_lose() and xs_conn_recall() say.
 */
bool xs_lost_is_given_up(int err)
{
	return err && err != -ECONNRESET && err != -ENOTCONN;
}

static u32 xs_lost_type(const struct xs_request *req)
{
	return ((const struct xsd_sockmsg *)req->out)->type;
}

/* Is it one of a driver's, in a transaction that is gone, but not the end of that? */
static bool xs_lost_is_pretended(const struct xs_conn *conn,
				 const struct xs_request *req)
{
	return (!req->flow || xs_conn_is_kernel_flow(conn, req->flow)) &&
	       xs_lost_type(req) != XS_TRANSACTION_END;
}

static bool xs_lost_is_stale(const struct xs_conn *conn,
			     const struct xs_request *req)
{
	return req->generation != XS_GENERATION_ANY &&
	       req->generation != conn->generation;
}

/**
 * xs_lost_is_refused() - does a request come too late for its transaction?
 * @conn: the connection
 * @req: a new request
 *
 * Context: Any but hard interrupt; &xs_conn.lock is held.
 * Return: true if it is to fail with -EAGAIN.
 */
bool xs_lost_is_refused(const struct xs_conn *conn,
			const struct xs_request *req)
{
	return xs_lost_is_stale(conn, req) && !xs_lost_is_pretended(conn, req);
}

/* Take a request out of queues and table. */
static void xs_lost_drop_locked(struct xs_conn *conn, struct xs_request *req,
				struct list_head *list)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	xs_conn_forget_locked(conn, req);
	if (req->state == XS_REQ_SENT)
		xs_fq_completed(&conn->fq, req);
	list_move_tail(&req->node, list);
	if (list_empty(&req->flow->queue))
		list_del_init(&req->flow->node);
}

static void xs_lost_leave_locked(struct xs_conn *conn, struct xs_request *req,
				 struct list_head *over)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	if (!xs_lost_is_repeatable(xs_lost_type(req))) {
		xs_lost_drop_locked(conn, req, over);
		return;
	}
	xs_request_header(req)->tx_id = 0;
	req->generation = XS_GENERATION_ANY;
}

/**
 * xs_lost_pretend_locked() - a driver has not learned that its transaction is gone
 * @conn: the connection
 * @req: a request that has been accepted
 * @over: where it is put if it is over already, for xs_lost_finish()
 *
 * Context: Any but hard interrupt; &xs_conn.lock is held.
 */
void xs_lost_pretend_locked(struct xs_conn *conn, struct xs_request *req,
			    struct list_head *over)
{
	lockdep_assert_held(&conn->lock);
	if (xs_lost_is_stale(conn, req))
		xs_lost_leave_locked(conn, req, over);
}

/**
 * xs_lost_finish() - complete changes that are taken back with their transaction
 * @over: a list of them
 *
 * Context: Any but hard interrupt; no lock is held.
 */
void xs_lost_finish(struct list_head *over)
{
	struct xs_request *req;

	list_for_each_entry(req, over, node) {
		req->reply.hdr = *xs_request_header(req);
		/* Fits in any room, so this cannot fail. */
		xs_msg_set_body(&req->reply, "OK", sizeof("OK"), GFP_NOWAIT);
	}
	xs_conn_finish_list(over, 0);
}

/* Requests that are not kept, by what they complete with. */
struct xs_lost {
	struct list_head over;		/* nothing */
	struct list_head unknown;	/* -EIO */
	struct list_head again;		/* -EAGAIN */
};

static void xs_lost_sort_locked(struct xs_conn *conn, struct xs_request *req,
				struct xs_lost *lost)
	__must_hold(&conn->lock)
{
	bool sent = req->state == XS_REQ_SENT;
	bool in_transaction = xs_request_header(req)->tx_id;
	u32 type = xs_lost_type(req);

	lockdep_assert_held(&conn->lock);
	if (req->flow == &conn->first)
		/* The holder begins again. */
		xs_lost_drop_locked(conn, req, &lost->unknown);
	else if (type == XS_TRANSACTION_END && sent &&
		 *xs_request_payload(req) == 'T')
		xs_lost_drop_locked(conn, req, &lost->unknown);
	else if (in_transaction && xs_lost_is_pretended(conn, req))
		xs_lost_leave_locked(conn, req, &lost->over);
	else if (in_transaction)
		xs_lost_drop_locked(conn, req, &lost->again);
	else if (sent && !xs_lost_is_repeatable(type))
		xs_lost_drop_locked(conn, req, &lost->unknown);
}

/* The newest first: each comes before what it had preceded. */
static void xs_lost_requeue_sent_locked(struct xs_conn *conn)
	__must_hold(&conn->lock)
{
	struct xs_request *req, *next;

	lockdep_assert_held(&conn->lock);
	list_for_each_entry_safe_reverse(req, next, &conn->sent, node) {
		list_del_init(&req->node);
		xs_fq_completed(&conn->fq, req);
		WRITE_ONCE(req->state, XS_REQ_QUEUED);
		/* A late reply to the first does not find the second. */
		hlist_del(&req->pending_node);
		xs_conn_number_locked(conn, req);
		xs_fq_requeue(&conn->fq, req);
	}
}

/**
 * xs_lost_requeue() - the connection is lost, and will be found again
 * @conn: the connection, which becomes DOWN
 *
 * What is kept is sent in the same order once the connection is UP again. What is
 * submitted from here on finds transactions gone.
 *
 * Context: Kthread.
 * Return: false if it has been given up by xs_conn_break(); nothing is done then.
 */
bool xs_lost_requeue(struct xs_conn *conn)
{
	struct hlist_node *next;
	struct xs_request *req;
	struct xs_lost lost;
	unsigned int i;
	bool recall;

	INIT_LIST_HEAD(&lost.over);
	INIT_LIST_HEAD(&lost.unknown);
	INIT_LIST_HEAD(&lost.again);
	spin_lock(&conn->lock);
	if (xs_lost_is_given_up(conn->break_err)) {
		spin_unlock(&conn->lock);
		return false;
	}
	recall = conn->break_err == -ENOTCONN;
	trace_xenstore_state(conn->state, XS_CONN_DOWN, -EIO);
	WRITE_ONCE(conn->state, XS_CONN_DOWN);
	WRITE_ONCE(conn->break_err, 0);
	WRITE_ONCE(conn->generation, conn->generation + 1);
	xs_stats_count(&conn->stats.losses);
	conn->tx.req = NULL;
	for (i = 0; !recall && i < XS_PENDING_BUCKETS; i++) {
		hlist_for_each_entry_safe(req, next, &conn->pending[i],
					  pending_node)
			xs_lost_sort_locked(conn, req, &lost);
	}
	xs_lost_requeue_sent_locked(conn);
	if (recall)
		xs_ring_rewind(&conn->tx.ring);
	spin_unlock(&conn->lock);
	xs_lost_finish(&lost.over);
	xs_conn_finish_list(&lost.unknown, -EIO);
	xs_conn_finish_list(&lost.again, -EAGAIN);
	return true;
}
