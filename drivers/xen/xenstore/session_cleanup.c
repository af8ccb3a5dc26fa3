// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cleanup at the server: transactions are aborted, watches removed.
 *
 * Runs in a worker when a client has closed, and in its write of an
 * XS_RESET_WATCHES, and in a worker for what comes too late for these. The
 * requests are submitted without waiting for replies, so that a thousand watches
 * cost one round trip. They go into the client's flow, behind what it has sent,
 * so the server sees them in order. All are submitted inside the gate, so a
 * suspend comes before or after all of them.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "session.h"

/* Const after init; NULL without memory. */
static struct workqueue_struct *xs_session_workers;

/**
 * xs_session_wq() - where the work of sessions runs
 *
 * Such work may wait for a resume. Enough of it would keep that of others waiting
 * as well, if it was on a queue of the system.
 *
 * Context: Any.
 * Return: A queue; NULL if there was no memory for it.
 */
struct workqueue_struct *xs_session_wq(void)
{
	return xs_session_workers;
}

/*
 * An END and an UNWATCH undo what the server has done, so they are sent all the
 * same. But other requests of the transaction may be cancelled, and a part of it
 * must not be committed, so a queued commit becomes an abort.
 */
static bool xs_session_keep(struct xs_request *req)
{
	struct xsd_sockmsg *hdr = xs_request_header(req);
	struct xs_session *session = req->owner;

	if (hdr->type == XS_TRANSACTION_END)
		memcpy(hdr + 1, "F", sizeof("F"));
	if (hdr->type == XS_TRANSACTION_END || hdr->type == XS_UNWATCH)
		return true;
	/* A reconnect that is under way sets the watch: it has to be removed later. */
	return hdr->type == XS_WATCH &&
	       xs_reconnect_is_under_way(&session->store->conn);
}

/**
 * xs_session_cancel() - cancel the requests that are not on the ring yet
 * @session: a session that is closing
 *
 * Context: Process.
 */
void xs_session_cancel(struct xs_session *session)
{
	xs_conn_cancel(&session->store->conn, &session->flow, xs_session_keep);
}

static void xs_session_cleaned_up(struct xs_request *req)
{
	if (req->arg)
		xs_session_ended(req->arg);
	xs_session_put(req->owner);
	xs_request_put(req);
}

/* With the transaction that it ends, or NULL. */
static void xs_session_send_cleanup(struct xs_session *session,
				    struct xs_request *req, struct xs_txn *txn)
{
	int err;

	xs_session_get(session);
	req->owner = session;
	req->arg = txn;
	req->flow = &session->flow;
	req->complete = xs_session_cleaned_up;
	err = xs_conn_submit(&session->store->conn, req);
	if (!err)
		return;
	xs_session_cleaned_up(req);
	pr_warn_ratelimited("could not clean up after a client: %d\n", err);
}

static void xs_session_cleanup_txn(struct xs_session *session,
				   struct xs_txn *txn)
{
	struct kvec body = { .iov_base = "F", .iov_len = 2 };
	struct xs_request *req;

	/* The server does not know one from before a resume or a reconnect. */
	if (txn->generation != READ_ONCE(session->store->conn.generation)) {
		xs_session_ended(txn);
		return;
	}
	req = xs_request_alloc(XS_TRANSACTION_END, txn->id, &body, 1,
			       XS_GFP_MUST);
	req->generation = txn->generation;
	xs_session_send_cleanup(session, req, txn);
}

static void xs_session_cleanup_watch(struct xs_session *session,
				     struct xs_session_watch *watch)
{
	struct xs_watch_entry *entry = watch->entry;
	struct xs_request *req;

	req = xs_watch_entry_request(entry, XS_UNWATCH, XS_GFP_MUST);
	xs_watch_entry_remove(&session->store->watches, entry);
	xs_session_send_cleanup(session, req, NULL);
	xs_watch_entry_put(entry);
}

static void xs_session_cleanup_txns(struct xs_session *session, bool any)
{
	struct xs_txn *txn;

	while ((txn = xs_session_txn_pop(session, any)))
		xs_session_cleanup_txn(session, txn);
}

/**
 * xs_session_cleanup() - abort a client's transactions and remove its watches
 * @session: the session
 *
 * Context: Process, inside the gate; may sleep for memory, does not wait for
 * the server.
 */
void xs_session_cleanup(struct xs_session *session)
{
	struct xs_session_watch *watch;

	xs_session_cleanup_txns(session, true);
	while ((watch = xs_session_watch_pop(session)))
		xs_session_cleanup_watch(session, watch);
}

/**
 * xs_session_cleanup_work() - &xs_session.cleanup_work
 * @work: of a session; its reference is dropped
 *
 * Context: Worker; sleeps until a resume.
 */
void xs_session_cleanup_work(struct work_struct *work)
{
	struct xs_session *session;
	struct xs_gate *gate;

	session = container_of(work, struct xs_session, cleanup_work);
	gate = &session->store->conn.gate;
	xs_conn_might_wait(&session->store->conn);
	xs_gate_enter(gate, XS_GATE_REQUEST);
	if (READ_ONCE(session->closing))
		xs_session_cleanup(session);
	else
		xs_session_cleanup_txns(session, false);
	xs_gate_leave(gate);
	xs_session_put(session);
}

/**
 * xs_session_schedule_cleanup() - clean up what came after a reset or the close
 * @session: a session
 *
 * Context: Any but hard interrupt.
 */
void xs_session_schedule_cleanup(struct xs_session *session)
{
	xs_session_get(session);
	if (!queue_work(xs_session_wq(), &session->cleanup_work))
		xs_session_put(session);
}

/* Before anything can open a session. */
static int __init xs_session_init(void)
{
	xs_session_workers = alloc_workqueue("xenstore", WQ_UNBOUND, 0);
	return xs_session_workers ? 0 : -ENOMEM;
}
core_initcall(xs_session_init);

/*
 * No session is left, but the worker that has dropped the last reference to one,
 * and with it what kept this module, may not have returned.
 */
static void __exit xs_session_exit(void)
{
	destroy_workqueue(xs_session_workers);
}
module_exit(xs_session_exit);
