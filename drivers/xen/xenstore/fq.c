// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fair queueing of requests.
 *
 * The kernel and every open file are flows. The requests of a flow are sent in
 * order; flows take slots of one request each. Slots alternate between new
 * flows, which had nothing queued, and old flows, which are backlogged: a flow
 * with one request does not wait behind the backlog, and that is not starved
 * either. The scheme is that of fq_codel, counted in messages.
 *
 * A full ring would undo it, because a new flow's request could only queue
 * behind what is on it. So while old flows contend, with each other or with new
 * ones, they may have few requests in flight. A flow that is alone may fill the
 * ring.
 *
 * Knows nothing of rings or locks: the caller holds the connection's lock.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/export.h>

#include "fq.h"
#include "request.h"

/**
 * xs_flow_init() - make a flow without requests
 * @flow: the flow
 *
 * Context: Any.
 */
void xs_flow_init(struct xs_flow *flow)
{
	INIT_LIST_HEAD(&flow->queue);
	INIT_LIST_HEAD(&flow->node);
	flow->memcg = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(xs_flow_init);

/**
 * xs_fq_init() - make a scheduler without flows
 * @fq: the scheduler
 *
 * Context: Any.
 */
void xs_fq_init(struct xs_fq *fq)
{
	INIT_LIST_HEAD(&fq->new_flows);
	INIT_LIST_HEAD(&fq->old_flows);
	fq->old_slot = true;
	fq->contended = 0;
	fq->in_flight = 0;
	fq->only = NULL;
	WRITE_ONCE(fq->throttled, false);
}

/**
 * xs_fq_add() - queue a request
 * @fq: the scheduler
 * @req: the request; its flow is set
 *
 * Context: Any; &xs_conn.lock is held.
 */
void xs_fq_add(struct xs_fq *fq, struct xs_request *req)
{
	struct xs_flow *flow = req->flow;

	list_add_tail(&req->node, &flow->queue);
	if (!list_empty(&flow->node))
		return;
	list_add_tail(&flow->node, &fq->new_flows);
	WRITE_ONCE(fq->throttled, false);
}

static bool xs_fq_is_contended(const struct xs_fq *fq)
{
	return fq->contended || (!list_empty(&fq->old_flows) &&
				 !list_is_singular(&fq->old_flows));
}

/* Without a request of the one flow the kthread sleeps until xs_fq_add(). */
static struct xs_request *xs_fq_next_of_only(struct xs_fq *fq)
{
	struct xs_request *req;

	req = list_first_entry_or_null(&fq->only->queue, struct xs_request,
				       node);
	WRITE_ONCE(fq->throttled, !req);
	fq->old_slot = false;
	return req;
}

/**
 * xs_fq_next() - choose the request to be sent now
 * @fq: the scheduler
 *
 * Context: Any; &xs_conn.lock is held.
 * Return: The request, which stays queued until xs_fq_sent(); NULL if none is
 * queued, or all that are have to await a reply or xs_fq_unhold().
 */
struct xs_request *xs_fq_next(struct xs_fq *fq)
{
	bool full = fq->in_flight >= XS_FQ_DEPTH && xs_fq_is_contended(fq);
	struct xs_flow *young, *old, *flow;

	if (fq->only)
		return xs_fq_next_of_only(fq);
	young = list_first_entry_or_null(&fq->new_flows, struct xs_flow, node);
	old = list_first_entry_or_null(&fq->old_flows, struct xs_flow, node);
	WRITE_ONCE(fq->throttled, old && full && !young);
	if (full)
		old = NULL;
	flow = fq->old_slot ? young ?: old : old ?: young;
	if (!flow)
		return NULL;
	fq->old_slot = flow == old;
	return list_first_entry(&flow->queue, struct xs_request, node);
}

/**
 * xs_fq_sent() - a request is on the ring: the slot of its flow is over
 * @fq: the scheduler
 * @req: what xs_fq_next() returned
 *
 * Context: Any; &xs_conn.lock is held.
 */
void xs_fq_sent(struct xs_fq *fq, struct xs_request *req)
{
	struct xs_flow *flow = req->flow;

	req->throttles = fq->old_slot;
	fq->in_flight += req->throttles;
	if (fq->old_slot && fq->contended)
		fq->contended--;
	if (!fq->old_slot && !list_empty(&fq->old_flows))
		fq->contended = XS_FQ_MEMORY;

	list_del_init(&req->node);
	if (list_empty(&flow->queue))
		list_del_init(&flow->node);
	else
		list_move_tail(&flow->node, &fq->old_flows);
}

/**
 * xs_fq_completed() - a request that was sent is no longer in flight
 * @fq: the scheduler
 * @req: the request
 *
 * Context: Any; &xs_conn.lock is held.
 */
void xs_fq_completed(struct xs_fq *fq, struct xs_request *req)
{
	fq->in_flight -= req->throttles;
	WRITE_ONCE(fq->throttled, false);
}

/**
 * xs_fq_requeue() - a request that was sent has to be sent again
 * @fq: the scheduler
 * @req: the request, which xs_fq_completed() was called for; it becomes the next
 *	of its flow
 *
 * Context: Any; &xs_conn.lock is held.
 */
void xs_fq_requeue(struct xs_fq *fq, struct xs_request *req)
{
	struct xs_flow *flow = req->flow;

	list_add(&req->node, &flow->queue);
	if (list_empty(&flow->node))
		list_add_tail(&flow->node, &fq->new_flows);
}

/**
 * xs_fq_hold() - give no slots but to one flow
 * @fq: the scheduler
 * @only: that flow; requests of others are queued and wait
 *
 * Context: Any; &xs_conn.lock is held. Nothing is being sent.
 */
void xs_fq_hold(struct xs_fq *fq, struct xs_flow *only)
{
	fq->only = only;
}

/**
 * xs_fq_unhold() - undo xs_fq_hold()
 * @fq: the scheduler
 *
 * Context: Any; &xs_conn.lock is held.
 */
void xs_fq_unhold(struct xs_fq *fq)
{
	fq->only = NULL;
	WRITE_ONCE(fq->throttled, false);
}

/**
 * xs_fq_has_sendable() - does a request only need space on the ring?
 * @fq: the scheduler
 *
 * Context: Any, hard interrupt included; a lockless hint.
 * Return: true if xs_fq_next() may find a request.
 */
bool xs_fq_has_sendable(const struct xs_fq *fq)
{
	return !READ_ONCE(fq->throttled) && (!list_empty(&fq->new_flows) ||
					     !list_empty(&fq->old_flows));
}
EXPORT_SYMBOL_IF_KUNIT(xs_fq_has_sendable);
