// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers of a client's messages.
 *
 * Most messages are passed on with another id, and the reply gets the client's
 * id back. Transactions and watches belong to the session that created them, so
 * that no client can use those of another, and all can be cleaned up when the
 * client has closed. An invalid message gets a synthesized XS_ERROR, as from the
 * server.
 *
 * Every handler runs inside the gate and with write_mutex held. It passes the
 * request with the message on, or replies with it, and returns 0; or it returns
 * an error and has changed neither the session nor the request.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/sched/mm.h>

#include "session.h"

/**
 * xs_session_reply() - synthesize the reply to a message
 * @session: the session
 * @req: the client's message, consumed: its memory holds the reply
 * @result: 0 for "OK", or a negative errno for XS_ERROR
 *
 * Context: Process, write_mutex is held.
 * Return: 0, for the handler to return.
 */
int xs_session_reply(struct xs_session *session, struct xs_request *req,
		     int result)
{
	struct xs_msg *reply = &req->reply;

	reply->hdr = session->in.hdr;
	if (result)
		xs_msg_set_error(reply, result);
	else
		xs_msg_set_body(reply, "OK", 3, GFP_NOWAIT);
	xs_session_queue(session, reply);
	return 0;
}

/* === Completions: kthread === */

static void xs_session_complete(struct xs_request *req)
{
	const struct xsd_sockmsg *hdr = xs_request_header(req);
	struct xs_session *session = req->owner;
	struct xs_msg *reply = &req->reply;

	/* A transaction that was to be given up has been lost: that will do. */
	if (req->err == -EAGAIN && hdr->type == XS_TRANSACTION_END &&
	    *xs_request_payload(req) == 'F')
		xs_session_set_ok(reply, XS_TRANSACTION_END);
	else if (req->err)
		xs_session_set_error(reply, req->err);
	reply->hdr.req_id = req->caller_id;
	reply->hdr.tx_id = req->caller_tx;

	switch (hdr->type) {
	case XS_TRANSACTION_START:
		if (!xs_session_started(req->arg, req))
			goto out_put;
		break;
	case XS_TRANSACTION_END:
		xs_session_ended(req->arg);
		break;
	case XS_WATCH:
		xs_session_watched(req->arg, reply);
		break;
	case XS_UNWATCH:
		xs_session_unwatched(req->arg, reply);
		break;
	}
	xs_session_queue(session, reply);
out_put:
	xs_session_put(session);
}

/* === Messages === */

/**
 * xs_session_submit_as() - send a request for a message received before
 * @session: the session
 * @req: a new request; consumed on success, stays the caller's on failure
 * @arg: for the completion; likewise
 * @hdr: header of the client's message
 *
 * Context: Process; inside the gate.
 * Return: 0 or the error of xs_conn_submit().
 */
int xs_session_submit_as(struct xs_session *session, struct xs_request *req,
			 void *arg, const struct xsd_sockmsg *hdr)
{
	int err;

	req->owner = session;
	req->arg = arg;
	req->caller_id = hdr->req_id;
	req->caller_tx = hdr->tx_id;
	req->flow = &session->flow;
	req->complete = xs_session_complete;
	xs_session_get(session);
	err = xs_conn_submit(&session->store->conn, req);
	if (err)
		xs_session_put(session);
	return err;
}

/**
 * xs_session_submit() - send a request whose reply goes to the client
 * @session: the session
 * @req: a new request; consumed on success, stays the caller's on failure
 * @arg: for the completion; likewise
 *
 * Context: Process, write_mutex is held; inside the gate.
 * Return: 0 or the error of xs_conn_submit().
 */
int xs_session_submit(struct xs_session *session, struct xs_request *req,
		      void *arg)
{
	return xs_session_submit_as(session, req, arg, &session->in.hdr);
}

static int xs_session_any(struct xs_session *session, struct xs_request *req)
{
	int err = xs_session_txn_check(session);

	if (err)
		return xs_session_reply(session, req, err);
	return xs_session_submit(session, req, NULL);
}

/* For the server, all of the kernel is one client: clean up for this one only. */
static int xs_session_reset(struct xs_session *session, struct xs_request *req)
{
	spin_lock(&session->lock);
	session->resets++;
	spin_unlock(&session->lock);
	xs_session_cleanup(session);
	return xs_session_reply(session, req, 0);
}

struct xs_session_handler {
	int (*handle)(struct xs_session *session, struct xs_request *req);
};

/* All other types, known or not, are passed on. */
static const struct xs_session_handler xs_session_handlers[] = {
	[XS_WATCH]		= { xs_session_watch },
	[XS_UNWATCH]		= { xs_session_unwatch },
	[XS_TRANSACTION_START]	= { xs_session_start },
	[XS_TRANSACTION_END]	= { xs_session_end },
	[XS_RESET_WATCHES]	= { xs_session_reset },
};

static int xs_session_enter(struct xs_session *session, bool nonblock)
{
	struct xs_gate *gate = &session->store->conn.gate;

	if (xs_gate_try_enter(gate, XS_GATE_REQUEST))
		return 0;
	if (nonblock)
		return -EAGAIN;
	xs_conn_might_wait(&session->store->conn);
	return xs_gate_enter_interruptible(gate, XS_GATE_REQUEST);
}

/**
 * xs_session_message() - handle a complete message of the client
 * @session: the session; the message is in &xs_session.in
 * @nonblock: do not wait for the end of a suspend
 *
 * Inside the gate while the handler runs: no resume comes in between.
 *
 * Context: Process, write_mutex is held; may sleep until a resume, but never
 * waits for the server.
 * Return: 0 if there is or will be a reply, and &xs_session.in.req is not the
 * session's any more; otherwise nothing has changed: -EAGAIN, -ERESTARTSYS,
 * -ENOMEM, or the error that the connection is broken with.
 */
int xs_session_message(struct xs_session *session, bool nonblock)
{
	int (*handle)(struct xs_session *session, struct xs_request *req) =
		xs_session_any;
	u32 type = session->in.hdr.type;
	struct mem_cgroup *old;
	int err;

	if (type < ARRAY_SIZE(xs_session_handlers) &&
	    xs_session_handlers[type].handle)
		handle = xs_session_handlers[type].handle;
	err = xs_session_enter(session, nonblock);
	if (err)
		return err;
	/* Not the writer's: it may have got the file from another program. */
	old = set_active_memcg(session->flow.memcg);
	err = handle(session, session->in.req);
	set_active_memcg(old);
	xs_gate_leave(&session->store->conn.gate);
	return err;
}
