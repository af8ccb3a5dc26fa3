// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kthread does: replies to requests, events upwards.
 *
 * Everything here runs in the kthread (or in a test that has none), but for
 * what says that a caller who helps may run it, too; see help.c. It never waits
 * for the server: it moves what can be moved and returns. Requests are sent by
 * send.c; messages are put together by receive.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <linux/errno.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/sched/mm.h>

#include "conn.h"
#include "stats.h"

/* Move every pending request, queued or sent, to a list. */
static void xs_conn_take_all_locked(struct xs_conn *conn,
				    struct list_head *list)
	__must_hold(&conn->lock)
{
	struct xs_request *req;
	struct hlist_node *next;
	unsigned int i;

	lockdep_assert_held(&conn->lock);
	for (i = 0; i < XS_PENDING_BUCKETS; i++) {
		hlist_for_each_entry_safe(req, next, &conn->pending[i],
					  pending_node) {
			hlist_del_init(&req->pending_node);
			list_move_tail(&req->node, list);
			list_del_init(&req->flow->node);
		}
	}
	conn->in_flight = 0;
}

/*
 * Nothing is queued or pending afterwards, and nothing new is accepted. Returns
 * the error that all fail with: the first one that there was.
 */
static int xs_conn_fail_all(struct xs_conn *conn, int err)
{
	struct xs_request *req, *next;
	LIST_HEAD(failed);
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	WRITE_ONCE(conn->break_err, conn->break_err ?: err);
	err = conn->break_err;
	trace_xenstore_state(conn->state, XS_CONN_BROKEN, err);
	WRITE_ONCE(conn->state, XS_CONN_BROKEN);
	xs_conn_take_all_locked(conn, &failed);
	xs_fq_init(&conn->fq);
	conn->tx.req = NULL;
	conn->tx.done = 0;
	spin_unlock_irqrestore(&conn->lock, flags);

	xs_conn_message_done(conn);
	list_for_each_entry_safe(req, next, &failed, node) {
		list_del_init(&req->node);
		xs_request_finish(req, err);
	}
	return err;
}

static void xs_conn_report_break(struct xs_conn *conn, int err)
{
	const struct xenstore_domain_interface *page = conn->t->page;

	if (err == -ESHUTDOWN)
		return;
	pr_err_ratelimited("connection lost: %d (req %u/%u rsp %u/%u error %u)\n",
			   err, READ_ONCE(page->req_prod),
			   READ_ONCE(page->req_cons), READ_ONCE(page->rsp_prod),
			   READ_ONCE(page->rsp_cons), READ_ONCE(page->error));
}

/* The sent request that the reply at hand answers, or NULL. */
static struct xs_request *xs_conn_find_sent_locked(struct xs_conn *conn)
	__must_hold(&conn->lock)
{
	struct xs_request *req;

	lockdep_assert_held(&conn->lock);
	req = xs_conn_find_locked(conn, conn->rx.hdr.req_id);
	return req && req->state == XS_REQ_SENT ? req : NULL;
}

/* It is whoever receives who completes it. */
static void xs_conn_claim_locked(struct xs_conn *conn, struct xs_request *req)
	__must_hold(&conn->lock)
{
	lockdep_assert_held(&conn->lock);
	hlist_del_init(&req->pending_node);
	conn->in_flight--;
	xs_fq_completed(&conn->fq, req);
}

/*
 * At the expense of whoever asked, if that can be had without waiting, and
 * otherwise as GFP says.
 */
static int xs_conn_copy_reply(struct xs_conn *conn, struct xs_request *req,
			      gfp_t gfp)
{
	const struct xsd_sockmsg *hdr = &conn->rx.hdr;
	struct mem_cgroup *old;
	int err = -ENOMEM;

	req->reply.hdr = *hdr;
	if (req->flow->memcg) {
		old = set_active_memcg(req->flow->memcg);
		err = xs_msg_set_body(&req->reply, conn->rx.body, hdr->len,
				      XS_GFP_CLIENT);
		set_active_memcg(old);
	}
	if (err)
		err = xs_msg_set_body(&req->reply, conn->rx.body, hdr->len,
				      gfp | __GFP_NOWARN);
	return err;
}

/* REQ has been claimed, or is NULL if there is none. */
static void xs_conn_complete(struct xs_conn *conn, struct xs_request *req,
			     int err)
{
	if (!req) {
		xs_stats_stray(conn);
		pr_warn_ratelimited("dropped a reply of type %u to no request\n",
				    conn->rx.hdr.type);
		return;
	}
	xs_stats_replied(conn, req, err);
	xs_request_finish(req, err);
}

static void xs_conn_take_reply(struct xs_conn *conn)
{
	struct xs_request *req;
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&conn->lock, flags);
	req = xs_conn_find_sent_locked(conn);
	if (req)
		xs_conn_claim_locked(conn, req);
	spin_unlock_irqrestore(&conn->lock, flags);
	if (req)
		err = xs_conn_copy_reply(conn, req, XS_GFP);
	xs_conn_complete(conn, req, err);
}

/* The same without waiting. False, and nothing has changed, without memory. */
static bool xs_conn_try_take_reply(struct xs_conn *conn)
{
	struct xs_request *req;
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&conn->lock, flags);
	req = xs_conn_find_sent_locked(conn);
	/* Nobody else completes it as long as the lock is held. */
	if (req)
		err = xs_conn_copy_reply(conn, req, GFP_NOWAIT);
	if (req && !err)
		xs_conn_claim_locked(conn, req);
	spin_unlock_irqrestore(&conn->lock, flags);
	if (!err)
		xs_conn_complete(conn, req, 0);
	return !err;
}

static int xs_conn_receive_message(struct xs_conn *conn)
{
	int err;

	if (conn->rx.hdr.type != XS_WATCH_EVENT) {
		xs_conn_take_reply(conn);
		return 0;
	}
	err = conn->ops->event(conn, conn->rx.body, conn->rx.hdr.len);
	if (!err)
		xs_stats_event(conn);
	return err;
}

/*
 * Take messages off the ring until it is empty. The room is given back after
 * this, so one turn reads at most what the ring held when it began.
 */
static int xs_conn_receive(struct xs_conn *conn)
{
	int err;

	for (;;) {
		err = xs_conn_assemble(conn);
		if (err || !xs_conn_has_message(conn))
			return err;
		err = xs_conn_receive_message(conn);
		if (err)
			return err;
		xs_conn_message_done(conn);
	}
}

/**
 * xs_conn_receive_reply() - receive one message, if nothing can delay that
 * @conn: a connection that is UP; the kthread does not receive
 * @err: set to -EIO if the server does not keep to the protocol
 *
 * Events, and replies for which there is no memory at once, are left where they
 * are. The room on the ring is not given back yet.
 *
 * Context: Any but hard interrupt; &xs_conn.rx_lock is held.
 * Return: true if a reply has been taken.
 */
bool xs_conn_receive_reply(struct xs_conn *conn, int *err)
	__must_hold(&conn->rx_lock)
{
	lockdep_assert_held(&conn->rx_lock);
	*err = xs_conn_assemble(conn);
	if (*err || !xs_conn_has_message(conn) ||
	    conn->rx.hdr.type == XS_WATCH_EVENT)
		return false;
	if (!xs_conn_try_take_reply(conn))
		return false;
	xs_conn_message_done(conn);
	return true;
}
EXPORT_SYMBOL_GPL(xs_conn_receive_reply);

/* By its own word, or by an index of the request ring that cannot be. */
static bool xs_conn_peer_failed(const struct xs_conn *conn)
{
	u32 error = READ_ONCE(conn->t->page->error);

	return (error && error != conn->initial_error) ||
	       xs_ring_room(&conn->requests) < 0;
}

static void xs_conn_set_rx_busy(struct xs_conn *conn, bool busy)
{
	spin_lock(&conn->rx_lock);
	conn->rx_busy = busy;
	spin_unlock(&conn->rx_lock);
}

static int xs_conn_turn(struct xs_conn *conn)
{
	unsigned long flags;
	bool kick = false;
	int err;

	xs_stats_turn(conn);
	xs_conn_set_rx_busy(conn, true);
	spin_lock_irqsave(&conn->lock, flags);
	err = xs_conn_send_locked(conn, &kick);
	spin_unlock_irqrestore(&conn->lock, flags);
	if (!err)
		err = xs_conn_receive(conn);
	kick |= xs_conn_give_room(conn);
	xs_conn_set_rx_busy(conn, false);
	if (kick)
		xs_conn_kick(conn);
	if (!err && xs_conn_peer_failed(conn))
		err = -EIO;
	return err;
}

/**
 * xs_conn_pump() - one turn of the kthread
 * @conn: the connection
 *
 * Sends what fits, receives what is there, completes what was answered. Where
 * no thread runs, a test calls this to step the connection.
 *
 * Context: kthread.
 * Return: 0; -ENOMEM if an event waits for memory and the turn should be
 * repeated later; the reason if the connection is broken.
 */
int xs_conn_pump(struct xs_conn *conn)
{
	enum xs_conn_state state = READ_ONCE(conn->state);
	int err = READ_ONCE(conn->break_err);

	if (state == XS_CONN_BROKEN)
		return err;

	lock_map_acquire(&conn->io_map);
	if (!err && state == XS_CONN_UP)
		err = xs_conn_turn(conn);
	if (err && err != -ENOMEM) {
		if (state == XS_CONN_UP)
			xs_conn_report_break(conn, err);
		err = xs_conn_fail_all(conn, err);
	}
	lock_map_release(&conn->io_map);
	return err;
}
EXPORT_SYMBOL_GPL(xs_conn_pump);

/**
 * xs_conn_at_boundary() - is neither direction in the middle of a message?
 * @conn: the connection
 *
 * Context: kthread, or anybody while it is parked.
 * Return: true if the page could be exchanged without losing half a message.
 */
bool xs_conn_at_boundary(const struct xs_conn *conn)
{
	return !READ_ONCE(conn->tx.done) && !READ_ONCE(conn->rx.have);
}
EXPORT_SYMBOL_GPL(xs_conn_at_boundary);

/**
 * xs_conn_event_matters() - does a signal of the peer have to wake anybody?
 * @conn: a connection that is UP
 *
 * A server signals when it has read a header, read a body, written a header
 * and written a body; only the last of these gives us something to do. A
 * message that is still incomplete now is followed by another signal.
 *
 * Context: Any, hard interrupt included; a look at what the kthread and the
 * peer may be changing, which errs towards waking.
 * Return: false if the kthread, if it slept, would find nothing to do.
 */
bool xs_conn_event_matters(const struct xs_conn *conn)
{
	return xs_conn_can_receive(conn) || xs_conn_peer_failed(conn) ||
	       xs_conn_can_send(conn);
}
EXPORT_SYMBOL_GPL(xs_conn_event_matters);

/**
 * xs_conn_has_work() - would a turn of the pump achieve anything?
 * @conn: the connection
 *
 * Context: kthread.
 * Return: true if xs_conn_pump() should be called.
 */
bool xs_conn_has_work(struct xs_conn *conn)
{
	enum xs_conn_state state = READ_ONCE(conn->state);

	if (state == XS_CONN_BROKEN)
		return false;
	if (READ_ONCE(conn->break_err))
		return true;
	if (state == XS_CONN_DOWN)
		return false;
	return xs_conn_event_matters(conn) || xs_conn_has_message(conn);
}
EXPORT_SYMBOL_GPL(xs_conn_has_work);
