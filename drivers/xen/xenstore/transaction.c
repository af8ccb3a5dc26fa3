// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions of the kernel's own, and the table of those that are open.
 *
 * A change in a transaction takes effect when that is committed, so there is no
 * need to wait for each one before: it is posted, and its reply is looked at in
 * the end. The server handles the requests of the kernel in order, so a read in
 * the same transaction sees the changes posted before it. If anything that was
 * posted has failed, the transaction is aborted and its end returns -EAGAIN, as if
 * another client had come in between. The next transaction of that task, which is
 * the repetition, waits for each change: so the caller sees each error where it
 * happens, and may decide to go on.
 *
 * An open transaction pins the gate: a suspend waits until it ends. A caller
 * names its transaction by the server's id, and the table finds it by that. The
 * server may give an id out again as soon as it has ended the transaction, which
 * is before its reply is here: so an id leaves the table before the end is sent.
 * A new transaction with an id that is in the table breaks the protocol and is
 * refused.
 *
 * When the connection is lost, so are all open transactions. The caller learns it from
 * -EAGAIN of the end, and not before: see lost.c.
 *
 * The errors are those of call.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/freezer.h>
#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "call.h"
#include "transaction.h"

/* Requests posted in one go: other callers of the kernel queue behind them. */
#define XS_TRANSACTION_PART		64

/* Tasks that may have to repeat a transaction at the same time, and more. */
#define XS_TRANSACTION_FAILED_MAX	64

/* More than there are transactions that a reconnect can leave behind, as a rule. */
#define XS_TRANSACTION_ID_TRIES		16

/*
 * Lives from its start to its end and, as an abort does not wait for them, until
 * all posted requests have completed.
 */
struct xs_transaction {
	struct xs_transaction_key key;	/* in the table, under its lock */
	bool waits;		/* for each change; const */
	struct xs_quota_start start;
	struct completion turn;	/* start is to be sent */
	struct xs_gate_pin pin;
	struct kref ref;	/* 1 from start to end, 1 per posted request */
	atomic_t posted;	/* requests in flight; orders err, see settle */
	int err;		/* of the first that failed, or 0 */
	wait_queue_head_t wq;	/* waits for posted to become 0 */
};

static void xs_transaction_free(struct kref *ref)
{
	kfree(container_of(ref, struct xs_transaction, ref));
}

static void xs_transaction_put(struct xs_transaction *txn)
{
	kref_put(&txn->ref, xs_transaction_free);
}

static struct xs_transaction *
xs_transaction_find_locked(struct xs_transactions *open, u32 tx_id)
	__must_hold(&open->lock)
{
	struct xs_transaction_key *key = xs_transactions_find(open, tx_id);

	return key ? container_of(key, struct xs_transaction, key) : NULL;
}

/* The caller keeps the transaction from ending, and so from being freed. */
static struct xs_transaction *xs_transaction_find(struct xs_transactions *open,
						  u32 tx_id)
{
	struct xs_transaction *txn;

	spin_lock(&open->lock);
	txn = xs_transaction_find_locked(open, tx_id);
	spin_unlock(&open->lock);
	return txn;
}

/* -EEXIST if one that has been lost, and not been ended yet, has the same id. */
static int xs_transaction_add(struct xs_transactions *open,
			      struct xs_transaction *txn)
{
	const struct xs_transaction_key *other;
	int err = 0;

	spin_lock(&open->lock);
	other = xs_transactions_find(open, txn->key.tx_id);
	if (!other)
		list_add(&txn->key.node, &open->list);
	else
		err = other->generation == txn->key.generation ? -EINVAL : -EEXIST;
	spin_unlock(&open->lock);
	return err;
}

/* From here on the id may be another transaction's. */
static struct xs_transaction *xs_transaction_take(struct xs_transactions *open,
						  u32 tx_id)
{
	struct xs_transaction *txn;

	spin_lock(&open->lock);
	txn = xs_transaction_find_locked(open, tx_id);
	if (txn)
		list_del(&txn->key.node);
	spin_unlock(&open->lock);
	return txn;
}

/* === Repetitions === */

static void xs_transaction_forget_failed_locked(struct xs_transactions *open,
						struct xs_transaction *txn)
	__must_hold(&open->lock)
{
	lockdep_assert_held(&open->lock);
	list_del(&txn->key.node);
	open->num_failed--;
	xs_transaction_put(txn);
}

/*
 * Remember that the task has to repeat a transaction. Beyond a number of them
 * that have not been repeated, the oldest is forgotten: its repetition would be
 * posted again.
 */
static void xs_transaction_keep_failed(struct xs_transactions *open,
				       struct xs_transaction *txn)
{
	spin_lock(&open->lock);
	if (open->num_failed == XS_TRANSACTION_FAILED_MAX)
		xs_transaction_forget_failed_locked(open,
						    list_first_entry(&open->failed,
								     struct xs_transaction,
								     key.node));
	list_add_tail(&txn->key.node, &open->failed);
	open->num_failed++;
	spin_unlock(&open->lock);
}

/* Has the last transaction of this task failed? */
static bool xs_transaction_is_repeated(struct xs_transactions *open)
{
	struct xs_transaction *txn, *next;
	bool repeated = false;

	spin_lock(&open->lock);
	list_for_each_entry_safe(txn, next, &open->failed, key.node) {
		if (txn->pin.task == current) {
			xs_transaction_forget_failed_locked(open, txn);
			repeated = true;
		}
	}
	spin_unlock(&open->lock);
	return repeated;
}

/**
 * xs_transactions_destroy() - free what a table remembers
 * @open: a table without open transactions
 *
 * Context: Process.
 */
void xs_transactions_destroy(struct xs_transactions *open)
{
	struct xs_transaction *txn, *next;

	spin_lock(&open->lock);
	list_for_each_entry_safe(txn, next, &open->failed, key.node)
		xs_transaction_forget_failed_locked(open, txn);
	spin_unlock(&open->lock);
}
EXPORT_SYMBOL_IF_KUNIT(xs_transactions_destroy);

/* === Start === */

static int xs_transaction_request_id(struct xs_conn *conn,
				     struct xs_transaction_key *key)
{
	struct xs_request *req;
	int err;

	req = xs_call_request(XS_TRANSACTION_START, 0, "", "", NULL, 0);
	err = xs_call(conn, req, XS_GATE_NESTED);
	if (IS_ERR(req))
		return err;
	if (!err)
		err = xs_wire_parse_u32(req->reply.body, req->reply.hdr.len,
					&key->tx_id);
	key->generation = req->generation;
	xs_request_put(req);
	if (err == -ERANGE || (!err && !key->tx_id))
		err = -EINVAL;
	return err;
}

static struct xs_request *
xs_transaction_end_request(const struct xs_transaction_key *key, bool abort)
{
	struct kvec body = { .iov_base = abort ? "F" : "T", .iov_len = 2 };
	struct xs_request *req;

	req = xs_request_alloc(XS_TRANSACTION_END, key->tx_id, &body, 1,
			       XS_GFP_MUST);
	req->generation = key->generation;
	return req;
}

/*
 * A server that has begun anew may give out an id that the kernel still uses for a
 * transaction that was lost: then it is asked for another one.
 */
static int xs_transaction_open_id(struct xs_conn *conn,
				  struct xs_transaction *txn)
{
	unsigned int tries = XS_TRANSACTION_ID_TRIES;
	struct xs_transaction_key *key = &txn->key;
	int err;

	do {
		err = xs_transaction_request_id(conn, key);
		if (!err)
			err = xs_transaction_add(&conn->transactions, txn);
		if (err == -EEXIST)
			xs_call_put(conn, xs_transaction_end_request(key, true),
				    XS_GATE_NESTED);
	} while (err == -EEXIST && --tries);
	return err == -EEXIST ? -EINVAL : err;
}

/* The gate is left when the pin is in place, so that nothing drains between. */
static int xs_transaction_open(struct xs_conn *conn, struct xs_transaction *txn,
			       u32 *tx_id)
{
	int err;

	xs_gate_enter(&conn->gate, XS_GATE_START);
	err = xs_transaction_open_id(conn, txn);
	if (!err) {
		*tx_id = txn->key.tx_id;
		xs_gate_pin(&conn->gate, &txn->pin);
	}
	xs_gate_leave(&conn->gate);
	return err;
}

static void xs_transaction_send(struct xs_quota_start *start)
{
	complete(&container_of(start, struct xs_transaction, start)->turn);
}

/* Outside of the gate: a suspend need not wait, and there is room after it. */
static int xs_transaction_await_turn(struct xs_conn *conn,
				     struct xs_transaction *txn,
				     unsigned long deadline)
{
	long left = deadline - jiffies;

	/* One that is to be frozen must not wait for another that is frozen. */
	for (; left > 0 && !freezing(current); left -= HZ) {
		if (wait_for_completion_timeout(&txn->turn,
						min_t(long, left, HZ)))
			return 0;
	}
	if (!xs_quota_give_up(&conn->quota, &txn->start))
		return 0;
	pr_warn_ratelimited("%s/%d has waited in vain for a transaction\n",
			    current->comm, current->pid);
	return -ENOSPC;
}

/* Whoever has a transaction open cannot wait until others end. */
static int xs_transaction_open_nested(struct xs_conn *conn,
				      struct xs_transaction *txn, u32 *tx_id)
{
	int err;

	xs_quota_enter_nested(&conn->quota);
	err = xs_transaction_open(conn, txn, tx_id);
	if (err)
		xs_quota_leave(&conn->quota);
	return err;
}

/* Open it, after those that the server could not open before. */
static int xs_transaction_open_in_turn(struct xs_conn *conn,
				       struct xs_transaction *txn, u32 *tx_id)
{
	unsigned long deadline = jiffies + conn->quota.timeout;
	bool first = xs_quota_enter(&conn->quota, &txn->start);
	int err = 0;

	for (;;) {
		if (!first)
			err = xs_transaction_await_turn(conn, txn, deadline);
		if (err)
			return err;
		err = xs_transaction_open(conn, txn, tx_id);
		if (!err)
			return 0;
		if (err != -ENOSPC)
			break;
		reinit_completion(&txn->turn);
		first = false;
		if (!xs_quota_refused(&conn->quota, &txn->start, 0))
			return err;
	}
	xs_quota_leave(&conn->quota);
	return err;
}

/**
 * xs_op_transaction_start() - open a transaction of the kernel's own
 * @conn: the connection
 * @tx_id: where its id goes
 *
 * The transaction pins the gate: a suspend waits until it is ended. If the
 * server's quota of transactions is used up, waits until another one of this
 * domain ends, but no longer than 30 seconds in all.
 *
 * Context: Process, sleeps; during a suspend until the resume, unless the
 * caller has a transaction open already.
 * Return: 0 or a negative errno; -ENOSPC if the server's quota of transactions
 * is used up and none ends; -EINVAL also if the server gives out an id that is
 * in use.
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
	init_completion(&txn->turn);
	xs_quota_start_init(&txn->start, xs_transaction_send);
	txn->waits = xs_transaction_is_repeated(&conn->transactions);

	xs_conn_might_wait(conn);
	if (xs_gate_is_pinned_by_current(&conn->gate))
		err = xs_transaction_open_nested(conn, txn, tx_id);
	else
		err = xs_transaction_open_in_turn(conn, txn, tx_id);
	if (err)
		xs_transaction_put(txn);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_transaction_start);

/* === Changes === */

/*
 * Completion of a posted request, in the kthread. Removing a node that does not
 * exist is not an error.
 */
static void xs_transaction_completed(struct xs_request *req)
{
	struct xs_transaction *txn = req->owner;
	int err = xs_call_result(req);

	if (err == -ENOENT && xs_request_header(req)->type == XS_RM)
		err = 0;
	/* Only the first error counts: the transaction will be aborted. */
	if (err)
		cmpxchg(&txn->err, 0, err);
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
	req->complete = xs_transaction_completed;
	kref_get(&txn->ref);
	atomic_inc(&txn->posted);
	/* The transaction pins the gate, so this does not wait. */
	err = xs_conn_submit(conn, req);
	if (!err)
		return 0;
	if (atomic_dec_and_test(&txn->posted))
		wake_up(&txn->wq);
	xs_transaction_put(txn);
	return err;
}

/*
 * Wait for the posted requests; return the error of the first that failed. Acquire:
 * pairs with the full barrier of atomic_dec_and_test(), which follows the write
 * of err. Without it, err may be loaded before the last request has failed, and
 * half of a transaction be committed.
 */
static int xs_transaction_settle(struct xs_conn *conn,
				 struct xs_transaction *txn)
{
	xs_conn_might_wait(conn);
	wait_event(txn->wq, !atomic_read_acquire(&txn->posted));
	return READ_ONCE(txn->err);
}

/**
 * xs_op_transaction_post() - change something in a transaction, without waiting
 * @conn: the connection
 * @tx_id: a transaction of the kernel, which the caller keeps from ending
 * @req: a new request in it, or an ERR_PTR(); consumed
 *
 * If the transaction is not known, or is the repetition of one in which a
 * request was refused, the request is sent and waited for. Once in a while, this
 * waits for all requests posted so far, so that others have a turn.
 *
 * Context: Process, may sleep.
 * Return: 0 if it was sent, and xs_op_transaction_end() will tell. Otherwise the
 * error of this request.
 */
int xs_op_transaction_post(struct xs_conn *conn, u32 tx_id,
			   struct xs_request *req)
{
	struct xs_transaction *txn = xs_transaction_find(&conn->transactions,
							 tx_id);
	int err = 0;

	if (!txn || txn->waits)
		return xs_call_put(conn, req, XS_GATE_REQUEST);
	if (IS_ERR(req))
		return PTR_ERR(req);
	if (atomic_read(&txn->posted) >= XS_TRANSACTION_PART)
		xs_transaction_settle(conn, txn);
	err = xs_transaction_submit(conn, txn, req);
	if (err)
		xs_request_put(req);
	return err;
}

/**
 * xs_op_transaction_end() - end a transaction of the kernel's own
 * @conn: the connection
 * @tx_id: from xs_op_transaction_start(); not valid afterwards
 * @abort: give up the changes in it
 *
 * Context: Process, sleeps.
 * Return: 0; -EAGAIN if nothing of it has happened and the whole transaction has
 * to be repeated, because a node that was read in it has changed since, because
 * a request that was posted in it has failed, or because it was lost with the
 * connection; or a negative errno. -EIO if the connection was lost after the
 * commit was sent: it may have happened, or not.
 */
int xs_op_transaction_end(struct xs_conn *conn, u32 tx_id, bool abort)
{
	struct xs_transactions *open = &conn->transactions;
	struct xs_transaction *txn = xs_transaction_find(open, tx_id);
	int failed = txn && !abort ? xs_transaction_settle(conn, txn) : 0;
	struct xs_transaction_key key = { .tx_id = tx_id };
	struct xs_request *req;
	int err;

	key.generation = txn ? txn->key.generation : XS_GENERATION_ANY;
	req = xs_transaction_end_request(&key, abort || failed);
	txn = xs_transaction_take(open, tx_id);
	err = xs_call_put(conn, req, XS_GATE_REQUEST);
	/* It was lost with the connection: given up, too. */
	if (abort && err == -EAGAIN)
		err = 0;
	if (!txn)
		return err;
	xs_gate_unpin(&conn->gate, &txn->pin);
	xs_quota_leave(&conn->quota);
	if (!failed) {
		xs_transaction_put(txn);
		return err;
	}
	pr_debug("a change in a transaction has failed: %d\n", failed);
	xs_transaction_keep_failed(open, txn);
	return -EAGAIN;
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_transaction_end);
