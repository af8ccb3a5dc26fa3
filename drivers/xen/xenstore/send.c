// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the queue to the request ring.
 *
 * Whoever submits puts requests on the ring at once, as far as there is room,
 * and the interrupt goes on with the rest when the server has made some. Both do
 * it under the lock of the connection, which the copy of at most a ring is short
 * enough for. So nobody has to be woken for a request to get on its way. The I/O
 * thread sends what is left, as when it has been parked. What is not on its way
 * can be withdrawn.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/errno.h>
#include <linux/export.h>

#include "conn.h"
#include "stats.h"

/* Be done with what has been sent, if anything, and take what is next. */
static void xs_conn_next_request_locked(struct xs_conn *conn)
	__must_hold(&conn->lock)
{
	struct xs_request *sent = conn->tx.req;

	lockdep_assert_held(&conn->lock);
	if (sent) {
		xs_fq_sent(&conn->fq, sent);
		sent->state = XS_REQ_SENT;
		xs_stats_sent(conn, sent);
	}
	conn->tx.req = xs_fq_next(&conn->fq);
	conn->tx.done = 0;
}

/* Copy queued requests into the ring until one of the two is exhausted. */
static int xs_conn_fill_ring_locked(struct xs_conn *conn)
	__must_hold(&conn->lock)
{
	int n;

	lockdep_assert_held(&conn->lock);
	if (!conn->tx.req)
		xs_conn_next_request_locked(conn);
	while (conn->tx.req) {
		n = xs_ring_write(&conn->requests,
				  conn->tx.req->out + conn->tx.done,
				  conn->tx.req->len - conn->tx.done);
		if (n < 0)
			return n;
		conn->tx.done += n;
		if (conn->tx.done < conn->tx.req->len)
			return 0;
		xs_conn_next_request_locked(conn);
	}
	return 0;
}

/**
 * xs_conn_send_locked() - put on the ring what fits
 * @conn: a connection that is UP
 * @kick: set to true if the peer has to be signalled
 *
 * Context: Any; &xs_conn.lock is held.
 * Return: 0, or -EIO if the peer's index is impossible.
 */
int xs_conn_send_locked(struct xs_conn *conn, bool *kick)
	__must_hold(&conn->lock)
{
	int err = xs_conn_fill_ring_locked(conn);

	if (xs_ring_publish_requests(&conn->requests))
		*kick = true;
	return err;
}
EXPORT_SYMBOL_GPL(xs_conn_send_locked);

/**
 * xs_conn_can_send() - is there a request that waits for room, and room?
 * @conn: a connection that is UP
 *
 * Context: Any, hard interrupt included; a look from outside.
 * Return: true if xs_conn_send_locked() would achieve something.
 */
bool xs_conn_can_send(const struct xs_conn *conn)
{
	return xs_fq_has_sendable(&conn->fq) &&
	       xs_ring_has_room(&conn->requests);
}
EXPORT_SYMBOL_GPL(xs_conn_can_send);

/**
 * xs_conn_refill() - use the room that the peer has just signalled
 * @conn: the connection
 *
 * So a message that is longer than the ring gets through without anybody having
 * to be woken for each part, and a peer that is fast enough never runs dry. An
 * index that cannot be is left to the kthread to find.
 *
 * Context: Any, hard interrupt included.
 */
void xs_conn_refill(struct xs_conn *conn)
{
	unsigned long flags;
	bool kick = false;

	spin_lock_irqsave(&conn->lock, flags);
	if (conn->direct && conn->state == XS_CONN_UP)
		xs_conn_send_locked(conn, &kick);
	spin_unlock_irqrestore(&conn->lock, flags);
	if (kick)
		xs_conn_kick(conn);
}
EXPORT_SYMBOL_GPL(xs_conn_refill);

static void xs_conn_take_unsent_locked(struct xs_conn *conn,
				       struct xs_flow *source,
				       bool (*keep)(struct xs_request *req),
				       struct list_head *list)
	__must_hold(&conn->lock)
{
	struct xs_request *req, *next;

	lockdep_assert_held(&conn->lock);
	list_for_each_entry_safe(req, next, &source->queue, node) {
		/* The kthread has begun with it. */
		if (req == conn->tx.req || keep(req))
			continue;
		hlist_del_init(&req->pending_node);
		conn->in_flight--;
		list_move_tail(&req->node, list);
	}
	if (list_empty(&source->queue))
		list_del_init(&source->node);
}

/**
 * xs_conn_cancel() - take back what a source has not sent
 * @conn: the connection
 * @source: who submits nothing in the meantime
 * @keep: which requests are to be sent nevertheless; it may change their
 *	payload, since nobody has seen it. Must not sleep.
 *
 * What is withdrawn completes with -ECANCELED, here and now. What is on the
 * ring already, if only in part, is not touched.
 *
 * Context: Process.
 */
void xs_conn_cancel(struct xs_conn *conn, struct xs_flow *source,
		      bool (*keep)(struct xs_request *req))
{
	struct xs_request *req, *next;
	LIST_HEAD(withdrawn);
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	xs_conn_take_unsent_locked(conn, source, keep, &withdrawn);
	spin_unlock_irqrestore(&conn->lock, flags);

	list_for_each_entry_safe(req, next, &withdrawn, node) {
		list_del_init(&req->node);
		xs_request_finish(req, -ECANCELED);
	}
}
EXPORT_SYMBOL_GPL(xs_conn_cancel);

/**
 * xs_conn_kick() - signal the peer
 * @conn: a connection with a page
 *
 * Context: Any, hard interrupt included.
 */
void xs_conn_kick(struct xs_conn *conn)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	xs_stats_notify(conn);
	spin_unlock_irqrestore(&conn->lock, flags);
	conn->t->ops->notify(conn->t);
}
EXPORT_SYMBOL_GPL(xs_conn_kick);
