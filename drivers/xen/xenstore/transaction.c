// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions of the kernel's own.
 *
 * What is written in a transaction takes effect when it is committed, so nobody
 * has to wait for each write before that: a write is posted, and its answer is
 * looked at in the end. The server takes the requests of the kernel in order, so
 * a read in the same transaction sees what was posted before it. If anything
 * that was posted has failed, the transaction is aborted and not committed.
 *
 * The errors are those of call.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "call.h"
#include "transaction.h"

/*
 * From its start to its end and, if that does not wait for them, until all that
 * was posted has been answered.
 */
struct xs_transaction {
	struct xs_gate_hold hold;
	struct kref ref;	/* whoever started it 1, one per posted request */
	atomic_t posted;	/* requests that are not answered */
	int err;		/* of the first that failed, or 0 */
	wait_queue_head_t wq;	/* waits for the last answer */
};

static void xs_transaction_free(struct kref *ref)
{
	kfree(container_of(ref, struct xs_transaction, ref));
}

static void xs_transaction_put(struct xs_transaction *txn)
{
	kref_put(&txn->ref, xs_transaction_free);
}

static struct xs_transaction *xs_transaction_find(struct xs_conn *conn,
						  u32 tx_id)
{
	struct xs_gate_hold *hold = xs_gate_find_hold(&conn->gate, tx_id);

	return hold ? container_of(hold, struct xs_transaction, hold) : NULL;
}

static int xs_op_start(struct xs_conn *conn, u32 *tx_id)
{
	struct xs_request *req;
	int err;

	req = xs_call_request(XS_TRANSACTION_START, 0, "", "", NULL, 0);
	err = xs_call(conn, req, XS_GATE_NESTED);
	if (IS_ERR(req))
		return err;
	if (!err)
		err = xs_wire_parse_u32(req->reply.body, req->reply.hdr.len,
					tx_id);
	xs_request_put(req);
	if (err == -ERANGE || (!err && !*tx_id))
		err = -EINVAL;
	return err;
}

/**
 * xs_op_transaction_start() - open a transaction of the kernel's own
 * @conn: the connection
 * @tx_id: where its id goes
 *
 * The transaction holds the gate: a suspend waits until it is ended.
 *
 * Context: Process, sleeps; during a suspend until the resume, unless the
 * caller has a transaction open already.
 * Return: 0 or a negative errno; -ENOSPC if the server's quota of transactions
 * is used up.
 */
int xs_op_transaction_start(struct xs_conn *conn, u32 *tx_id)
{
	struct xs_transaction *txn;
	int err;

	txn = kzalloc(sizeof(*txn), XS_GFP);
	if (!txn)
		return -ENOMEM;
	kref_init(&txn->ref);
	init_waitqueue_head(&txn->wq);

	/* Inside until the hold is in place, so that nothing drains between. */
	xs_conn_might_wait(conn);
	xs_gate_enter(&conn->gate, XS_GATE_START);
	err = xs_op_start(conn, tx_id);
	if (err)
		xs_transaction_put(txn);
	else
		xs_gate_hold(&conn->gate, &txn->hold, *tx_id);
	xs_gate_leave(&conn->gate);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_transaction_start);

/* Nothing of the transaction is to happen. Only the first error counts. */
static int xs_transaction_doom(struct xs_transaction *txn, int err)
{
	cmpxchg(&txn->err, 0, err);
	return err;
}

/* kthread. That nothing was there to be removed is no failure. */
static void xs_transaction_answered(struct xs_request *req)
{
	struct xs_transaction *txn = req->owner;
	int err = xs_call_result(req);

	if (err == -ENOENT && xs_request_header(req)->type == XS_RM)
		err = 0;
	if (err)
		xs_transaction_doom(txn, err);
	if (atomic_dec_and_test(&txn->posted))
		wake_up(&txn->wq);
	xs_request_put(req);
	xs_transaction_put(txn);
}

/* The request stays the caller's if it could not be submitted. */
static int xs_transaction_submit(struct xs_conn *conn,
				 struct xs_transaction *txn,
				 struct xs_request *req)
{
	int err;

	req->owner = txn;
	req->complete = xs_transaction_answered;
	kref_get(&txn->ref);
	atomic_inc(&txn->posted);
	/* The open transaction keeps the gate from draining. */
	err = xs_conn_submit(conn, req);
	if (!err)
		return 0;
	if (atomic_dec_and_test(&txn->posted))
		wake_up(&txn->wq);
	xs_transaction_put(txn);
	return err;
}

/**
 * xs_op_transaction_post() - change something in a transaction, without waiting
 * @conn: the connection
 * @tx_id: a transaction of the kernel, which the caller keeps from ending
 * @req: a new request in it; consumed; or an ERR_PTR(), for which the
 *	transaction will be aborted as for a request that was refused
 *
 * If the transaction is not known, the request is sent and waited for.
 *
 * Context: Process; does not wait for the server.
 * Return: 0 if it was sent, and xs_op_transaction_end() will tell; the error of
 * what was posted before, if one is known already; or a negative errno.
 */
int xs_op_transaction_post(struct xs_conn *conn, u32 tx_id,
			   struct xs_request *req)
{
	struct xs_transaction *txn = xs_transaction_find(conn, tx_id);
	int err;

	if (!txn)
		return xs_call_put(conn, req, XS_GATE_REQUEST);
	if (IS_ERR(req))
		return xs_transaction_doom(txn, PTR_ERR(req));
	err = READ_ONCE(txn->err) ?: xs_transaction_submit(conn, txn, req);
	if (!err)
		return 0;
	xs_request_put(req);
	return xs_transaction_doom(txn, err);
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_transaction_post);

/* Wait for what was posted; the error of the first that failed. */
static int xs_transaction_settle(struct xs_conn *conn,
				 struct xs_transaction *txn)
{
	xs_conn_might_wait(conn);
	wait_event(txn->wq, !atomic_read(&txn->posted));
	return READ_ONCE(txn->err);
}

/**
 * xs_op_transaction_end() - end a transaction of the kernel's own
 * @conn: the connection
 * @tx_id: from xs_op_transaction_start(); not valid afterwards
 * @abort: give up what was written in it
 *
 * Context: Process, sleeps.
 * Return: 0; -EAGAIN if somebody else changed what was read in it, and the
 * whole transaction has to be repeated; the error of the first request that was
 * posted in it and failed, and nothing of it has happened then; or a negative
 * errno.
 */
int xs_op_transaction_end(struct xs_conn *conn, u32 tx_id, bool abort)
{
	struct xs_transaction *txn = xs_transaction_find(conn, tx_id);
	int failed = txn && !abort ? xs_transaction_settle(conn, txn) : 0;
	struct kvec body = { .iov_base = "T", .iov_len = 2 };
	struct xs_request *req;
	int err;

	if (abort || failed)
		body.iov_base = "F";
	req = xs_request_alloc(XS_TRANSACTION_END, tx_id, &body, 1,
			       XS_GFP_MUST);
	err = xs_call_put(conn, req, XS_GATE_REQUEST);
	if (xs_gate_unhold(&conn->gate, tx_id))
		xs_transaction_put(txn);
	return failed ?: err;
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_transaction_end);
