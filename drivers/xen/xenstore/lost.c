// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of requests when the connection is lost, and will be found again.
 *
 * What has not been sent in full is kept, and so is what may be done twice. Any other
 * request that was sent may have been carried out or not, so it fails with -EIO.
 *
 * The server has forgotten all transactions, which is noticed when a request in one is
 * about to be sent. Every request of a program in one of them fails with -EAGAIN. A
 * driver expects that from the end of a transaction alone, and repeats all of it then. So
 * until it comes to that, its reads are made outside of any transaction, and its changes
 * are not made, as if they had been and were taken back. Transactions that are gone are
 * told from new ones by their generation.
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

/*
 * What becomes of a request in a transaction that is gone: 0 if the server is to carry
 * it out nevertheless, outside of any; XS_LOST_OVER if it is over; or an error.
 */
#define XS_LOST_OVER	1

static int xs_lost_with_transaction(const struct xs_conn *conn,
				    const struct xs_request *req)
{
	u32 type = xs_lost_type(req);

	if (!xs_conn_is_kernel_flow(conn, req->flow) ||
	    type == XS_TRANSACTION_END)
		return -EAGAIN;
	return xs_lost_is_repeatable(type) ? 0 : XS_LOST_OVER;
}

static bool xs_lost_is_stale(const struct xs_conn *conn,
			     const struct xs_request *req)
{
	return req->generation != XS_GENERATION_ANY &&
	       req->generation != conn->generation;
}

/* Take a request out of queues and table, for xs_lost_finish(). */
static void xs_lost_drop_locked(struct xs_conn *conn, struct xs_request *req,
				int err, struct list_head *lost)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	req->err = err;
	xs_conn_forget_locked(conn, req);
	if (req->state == XS_REQ_SENT)
		xs_fq_completed(&conn->fq, req);
	list_move_tail(&req->node, lost);
	if (list_empty(&req->flow->queue))
		list_del_init(&req->flow->node);
}

/* True if it is not to be sent. */
static bool xs_lost_leave_locked(struct xs_conn *conn, struct xs_request *req,
				 struct list_head *lost)
	__must_hold(&conn->lock)
{
	int err = xs_lost_with_transaction(conn, req);

	lockdep_assert_held(&conn->lock);
	if (err) {
		xs_lost_drop_locked(conn, req, err, lost);
		return true;
	}
	xs_request_header(req)->tx_id = 0;
	req->generation = XS_GENERATION_ANY;
	return false;
}

/**
 * xs_lost_next_locked() - choose the request to be sent now
 * @conn: the connection
 * @lost: where those go that are not sent, because their transaction is gone
 *
 * xs_lost_finish() must follow.
 *
 * Context: Kthread; &xs_conn.lock is held.
 * Return: As xs_fq_next().
 */
struct xs_request *xs_lost_next_locked(struct xs_conn *conn,
				       struct list_head *lost)
{
	struct xs_request *req;

	lockdep_assert_held(&conn->lock);
	do {
		req = xs_fq_next(&conn->fq);
	} while (req && xs_lost_is_stale(conn, req) &&
		 xs_lost_leave_locked(conn, req, lost));
	return req;
}

/**
 * xs_lost_finish() - complete requests that are not sent, or not again
 * @lost: a list of them
 *
 * Context: Kthread; no lock is held.
 */
void xs_lost_finish(struct list_head *lost)
{
	struct xs_request *req, *next;
	int err;

	list_for_each_entry_safe(req, next, lost, node) {
		err = req->err;
		list_del_init(&req->node);
		if (err == XS_LOST_OVER) {
			err = 0;
			req->reply.hdr = *xs_request_header(req);
			/* Fits in any room, so this cannot fail. */
			xs_msg_set_body(&req->reply, "OK", sizeof("OK"),
					GFP_NOWAIT);
		}
		xs_request_finish(req, err);
	}
}

/* What becomes of a request when the connection is lost: 0 if it is kept. */
static int xs_lost_error(const struct xs_conn *conn, struct xs_request *req)
{
	bool sent = req->state == XS_REQ_SENT;
	u32 type = xs_lost_type(req);

	/* The holder begins again. */
	if (req->flow == &conn->first)
		return -EIO;
	/* A commit may have taken place. */
	if (sent && type == XS_TRANSACTION_END &&
	    *xs_request_payload(req) == 'T')
		return -EIO;
	/* Sorted out when it is sent, like those to come. */
	if (!sent || xs_request_header(req)->tx_id)
		return 0;
	return xs_lost_is_repeatable(type) ? 0 : -EIO;
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
	LIST_HEAD(lost);
	unsigned int i;
	bool recall;
	int err;

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
	conn->reconnecting = true;
	conn->tx.req = NULL;
	for (i = 0; !recall && i < XS_PENDING_BUCKETS; i++) {
		hlist_for_each_entry_safe(req, next, &conn->pending[i],
					  pending_node) {
			err = xs_lost_error(conn, req);
			if (err)
				xs_lost_drop_locked(conn, req, err, &lost);
		}
	}
	xs_lost_requeue_sent_locked(conn);
	if (recall)
		xs_ring_rewind(&conn->tx.ring);
	spin_unlock(&conn->lock);
	xs_lost_finish(&lost);
	return true;
}
