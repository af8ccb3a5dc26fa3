// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transactions of a session.
 *
 * A transaction of a client counts for the server's quota of this domain. A
 * START that is refused for that, or comes while others wait, is kept here and
 * sent by a worker when it is its turn; the client sees a reply that takes longer.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "session.h"

/* === Life === */

static void xs_session_start_work(struct work_struct *work);

static void xs_session_start_run(struct xs_txn *txn, unsigned long delay)
{
	mod_delayed_work(xs_session_wq(), &txn->work, delay);
}

/* It is the turn of a START that waits. The lock of the quota is held. */
static void xs_session_start_send(struct xs_quota_start *start)
{
	xs_session_start_run(container_of(start, struct xs_txn, start), 0);
}

static struct xs_txn *xs_session_txn_alloc(struct xs_session *session)
{
	struct xs_txn *txn = kzalloc(sizeof(*txn), GFP_KERNEL_ACCOUNT);

	if (!txn)
		return NULL;
	INIT_LIST_HEAD(&txn->waiting_node);
	xs_quota_start_init(&txn->start, xs_session_start_send);
	INIT_DELAYED_WORK(&txn->work, xs_session_start_work);
	txn->session = session;
	txn->hdr = session->in.hdr;
	txn->deadline = jiffies + session->store->conn.quota.timeout;
	txn->resets = session->resets;
	return txn;
}

/**
 * xs_session_ended() - free a transaction that has ended or was not opened
 * @txn: the transaction; counted for the quota
 *
 * Context: Any but hard interrupt.
 */
void xs_session_ended(struct xs_txn *txn)
{
	xs_quota_leave(&txn->session->store->conn.quota);
	kfree(txn);
}

/* Its START was written before a reset; a worker will abort it. */
static bool xs_session_txn_is_reset_locked(const struct xs_txn *txn)
	__must_hold(&txn->session->lock)
{
	lockdep_assert_held(&txn->session->lock);
	return txn->resets != txn->session->resets;
}

static struct xs_txn *xs_session_txn_find_locked(struct xs_session *session,
						 u32 id)
	__must_hold(&session->lock)
{
	struct xs_txn *txn;

	lockdep_assert_held(&session->lock);
	hash_for_each_possible(session->txns, txn, node, id) {
		if (txn->id == id && !xs_session_txn_is_reset_locked(txn))
			return txn;
	}
	return NULL;
}

static void xs_session_txn_link(struct xs_txn *txn)
{
	struct xs_session *session = txn->session;
	bool too_late;

	spin_lock(&session->lock);
	hash_add(session->txns, &txn->node, txn->id);
	too_late = session->closing || xs_session_txn_is_reset_locked(txn);
	spin_unlock(&session->lock);
	if (too_late)
		xs_session_schedule_cleanup(session);
}

/**
 * xs_session_txn_check() - may a client use the transaction its message names?
 * @session: the session; the message is in &xs_session.in, and is not sent in
 *	another generation than the transaction's
 *
 * After a resume or a reconnect the server does not know it, or uses its id for
 * another one.
 *
 * Context: Process, a handler of session_msg.c.
 * Return: 0, also if it names none; -ENOENT if it is not the client's; -EAGAIN
 * if it is from before a resume.
 */
int xs_session_txn_check(struct xs_session *session)
{
	u32 id = session->in.hdr.tx_id;
	struct xs_txn *txn;
	int err = 0;

	if (!id)
		return 0;
	spin_lock(&session->lock);
	txn = xs_session_txn_find_locked(session, id);
	if (!txn)
		err = -ENOENT;
	else if (txn->generation != READ_ONCE(session->store->conn.generation))
		err = -EAGAIN;
	else
		session->in.req->generation = txn->generation;
	spin_unlock(&session->lock);
	return err;
}

static unsigned int xs_session_txn_count(struct xs_session *session)
{
	unsigned int bucket, n = 0;
	struct xs_txn *txn;

	spin_lock(&session->lock);
	hash_for_each(session->txns, bucket, txn, node)
		n++;
	spin_unlock(&session->lock);
	return n;
}

/* === A START that waits: the worker === */

/* The client is told; consumes the transaction. */
static void xs_session_start_fail(struct xs_txn *txn, int err)
{
	struct xs_session *session = txn->session;
	struct xs_msg *reply = &txn->req->reply;

	/* The server's own words, unless it has never been asked. */
	if (!xs_request_is_done(txn->req) || err != -ENOSPC) {
		reply->hdr = txn->hdr;
		xs_session_set_error(reply, err);
	}
	xs_session_queue(session, reply);
	cancel_delayed_work(&txn->work);
	kfree(txn);
	xs_session_put(session);
}

/* False if the client has closed. From here on xs_session_start_run() may come. */
static bool xs_session_start_wait(struct xs_txn *txn)
{
	struct xs_session *session = txn->session;
	bool closing;

	txn->step = XS_TXN_WAITS;
	spin_lock(&session->lock);
	closing = session->closing;
	if (!closing)
		list_add(&txn->waiting_node, &session->starting);
	spin_unlock(&session->lock);
	/* Unless its turn has come already. */
	if (!closing)
		queue_delayed_work(xs_session_wq(), &txn->work,
				   max_t(long, txn->deadline - jiffies, 0));
	return !closing;
}

/* It is counted for the quota. The last use of the work comes before the reply. */
static void xs_session_start_again(struct xs_txn *txn)
{
	struct xs_session *session = txn->session;
	struct xs_conn *conn = &session->store->conn;
	struct kvec body = { .iov_base = "", .iov_len = 1 };
	struct xs_request *kept = txn->req;
	struct xs_request *req;
	int err;

	cancel_delayed_work(&txn->work);
	xs_conn_might_wait(conn);
	xs_gate_enter(&conn->gate, XS_GATE_REQUEST);
	req = xs_request_alloc(XS_TRANSACTION_START, 0, &body, 1, XS_GFP_MUST);
	err = xs_session_submit_as(session, req, txn, &txn->hdr);
	xs_gate_leave(&conn->gate);
	xs_request_put(err ? req : kept);
	if (!err) {
		xs_session_put(session);
		return;
	}
	xs_quota_leave(&conn->quota);
	xs_session_start_fail(txn, err);
}

/*
 * One step of a START that waits. It is new, or has been refused; its turn has
 * come, its time is over, or its client has closed.
 */
static void xs_session_start_work(struct work_struct *work)
{
	struct xs_txn *txn = container_of(to_delayed_work(work), struct xs_txn,
					  work);
	struct xs_session *session = txn->session;
	struct xs_quota *quota = &session->store->conn.quota;
	bool waits = false;

	spin_lock(&session->lock);
	list_del_init(&txn->waiting_node);
	spin_unlock(&session->lock);

	if (txn->step == XS_TXN_NEW) {
		waits = !xs_quota_enter(quota, &txn->start);
	} else if (txn->step == XS_TXN_REFUSED) {
		waits = xs_quota_refused(quota, &txn->start,
					 xs_session_txn_count(session));
		if (!waits) {
			xs_session_start_fail(txn, -ENOSPC);
			return;
		}
	}
	if (waits && xs_session_start_wait(txn))
		return;
	if (xs_quota_give_up(quota, &txn->start)) {
		xs_session_start_fail(txn, -ENOSPC);
	} else if (READ_ONCE(session->closing)) {
		xs_quota_leave(quota);
		xs_session_start_fail(txn, -ENOSPC);
	} else {
		xs_session_start_again(txn);
	}
}

/* Keep the client's request until its reply is known. */
static void xs_session_start_later(struct xs_txn *txn, struct xs_request *req,
				   enum xs_txn_step step)
{
	xs_session_get(txn->session);
	txn->req = req;
	txn->step = step;
	xs_session_start_run(txn, 0);
}

/**
 * xs_session_stop_waiting() - let no START of a client wait any longer
 * @session: a session that is closing
 *
 * Context: Process.
 */
void xs_session_stop_waiting(struct xs_session *session)
{
	struct xs_txn *txn;

	spin_lock(&session->lock);
	list_for_each_entry(txn, &session->starting, waiting_node)
		xs_session_start_run(txn, 0);
	spin_unlock(&session->lock);
}

/* === Messages === */

/**
 * xs_session_start() - a client's XS_TRANSACTION_START
 * @session: the session
 * @req: the message
 *
 * Context: Process, a handler of session_msg.c.
 * Return: 0 or a negative errno, see xs_session_message().
 */
int xs_session_start(struct xs_session *session, struct xs_request *req)
{
	struct xs_quota *quota = &session->store->conn.quota;
	struct xs_txn *txn;
	int err;

	err = xs_session_txn_check(session);
	if (err)
		return xs_session_reply(session, req, err);
	txn = xs_session_txn_alloc(session);
	if (!txn)
		return -ENOMEM;
	if (!xs_quota_try_enter(quota, &txn->start)) {
		/* Those that wait may wait for one that this client has open. */
		if (xs_session_txn_count(session)) {
			kfree(txn);
			return xs_session_reply(session, req, -ENOSPC);
		}
		xs_session_start_later(txn, req, XS_TXN_NEW);
		return 0;
	}
	err = xs_session_submit(session, req, txn);
	if (err)
		xs_session_ended(txn);
	return err;
}

static bool xs_session_is_over_quota(const struct xs_msg *reply)
{
	return reply->hdr.type == XS_ERROR &&
	       xs_wire_errno(reply->body, reply->hdr.len) == -ENOSPC;
}

/**
 * xs_session_started() - complete a client's XS_TRANSACTION_START
 * @txn: the transaction
 * @req: the request, with a reply or an error as from the server
 *
 * Context: Kthread, or a close that cancels the request; does not sleep.
 * Return: true if the reply is for the client; false if @req was taken over
 * because the START will be sent again.
 */
bool xs_session_started(struct xs_txn *txn, struct xs_request *req)
{
	struct xs_msg *reply = &req->reply;

	if (xs_session_is_over_quota(reply)) {
		xs_session_start_later(txn, req, XS_TXN_REFUSED);
		return false;
	}
	if (reply->hdr.type != XS_TRANSACTION_START) {
		xs_session_ended(txn);
	} else if (xs_wire_parse_u32(reply->body, reply->hdr.len, &txn->id) ||
		   !txn->id) {
		xs_session_ended(txn);
		xs_session_set_error(reply, -EINVAL);
	} else {
		txn->generation = req->generation;
		xs_session_txn_link(txn);
	}
	return true;
}

static struct xs_txn *xs_session_txn_take(struct xs_session *session, u32 id)
{
	struct xs_txn *txn;

	spin_lock(&session->lock);
	txn = xs_session_txn_find_locked(session, id);
	if (txn)
		hash_del(&txn->node);
	spin_unlock(&session->lock);
	return txn;
}

/**
 * xs_session_end() - a client's XS_TRANSACTION_END
 * @session: the session
 * @req: the message
 *
 * Context: Process, a handler of session_msg.c.
 * Return: 0 or a negative errno, see xs_session_message().
 */
int xs_session_end(struct xs_session *session, struct xs_request *req)
{
	const char *body = xs_request_payload(req);
	bool commit = !strcmp(body, "T");
	struct xs_txn *txn;
	int err;

	if (session->in.hdr.len != 2 || (!commit && strcmp(body, "F")))
		return xs_session_reply(session, req, -EINVAL);
	txn = xs_session_txn_take(session, session->in.hdr.tx_id);
	if (!txn)
		return xs_session_reply(session, req, -ENOENT);
	if (txn->generation != READ_ONCE(session->store->conn.generation)) {
		xs_session_ended(txn);
		return xs_session_reply(session, req, commit ? -EAGAIN : 0);
	}
	req->generation = txn->generation;
	err = xs_session_submit(session, req, txn);
	if (err)
		xs_session_txn_link(txn);
	return err;
}

/**
 * xs_session_txn_pop() - take a transaction
 * @session: the session
 * @any: any one, not only one whose START was written before a reset
 *
 * Context: Process.
 * Return: An open transaction that is the caller's now, or NULL.
 */
struct xs_txn *xs_session_txn_pop(struct xs_session *session, bool any)
{
	unsigned int bucket;
	struct xs_txn *txn;

	spin_lock(&session->lock);
	hash_for_each(session->txns, bucket, txn, node) {
		if (any || xs_session_txn_is_reset_locked(txn)) {
			hash_del(&txn->node);
			break;
		}
	}
	spin_unlock(&session->lock);
	return txn;
}
