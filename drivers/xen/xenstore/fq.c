// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose request is sent next.
 *
 * The kernel and every open file are sources of requests. Those of one source
 * are sent in order; sources take turns, one request each. Turns go alternately
 * to sources that had nothing to send before and to those that have more than
 * they get through, so who asks one thing at a time does not queue behind all
 * who flood, and they are not starved either.
 *
 * That would be of little use to a newcomer if the ring were full of requests
 * already. So while there are several who flood, or one and others who come and
 * go, few of their requests are left unanswered. A source that is alone is not held up.
 *
 * Nothing here knows of rings or locks; the caller has the lock of the
 * connection, but where it says otherwise.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/export.h>

#include "request.h"
#include "fq.h"

/**
 * xs_flow_init() - make a source without requests
 * @source: the source
 *
 * Context: Any.
 */
void xs_flow_init(struct xs_flow *source)
{
	INIT_LIST_HEAD(&source->queue);
	INIT_LIST_HEAD(&source->node);
	source->memcg = NULL;
}
EXPORT_SYMBOL_GPL(xs_flow_init);

/**
 * xs_fq_init() - nobody has anything to send
 * @turns: the turns
 *
 * Context: Any.
 */
void xs_fq_init(struct xs_fq *turns)
{
	INIT_LIST_HEAD(&turns->fresh);
	INIT_LIST_HEAD(&turns->busy);
	turns->busy_turn = true;
	turns->newcomers = 0;
	turns->unanswered = 0;
	WRITE_ONCE(turns->held, false);
}
EXPORT_SYMBOL_GPL(xs_fq_init);

/**
 * xs_fq_add() - a request waits to be sent
 * @turns: the turns
 * @req: the request; its source is set
 *
 * Context: Any.
 */
void xs_fq_add(struct xs_fq *turns, struct xs_request *req)
{
	struct xs_flow *source = req->flow;

	list_add_tail(&req->node, &source->queue);
	if (!list_empty(&source->node))
		return;
	list_add_tail(&source->node, &turns->fresh);
	WRITE_ONCE(turns->held, false);
}
EXPORT_SYMBOL_GPL(xs_fq_add);

static bool xs_fq_crowded(const struct xs_fq *turns)
{
	return turns->newcomers ||
	       (!list_empty(&turns->busy) && !list_is_singular(&turns->busy));
}

static struct xs_flow *xs_fq_first(struct list_head *list)
{
	return list_first_entry_or_null(list, struct xs_flow, node);
}

/**
 * xs_fq_next() - the request to be sent now
 * @turns: the turns
 *
 * Context: Any.
 * Return: The request, which stays queued until xs_fq_sent(), or NULL if
 * there is none or those that wait have to wait for an answer.
 */
struct xs_request *xs_fq_next(struct xs_fq *turns)
{
	bool full = turns->unanswered >= XS_CROWD_DEPTH &&
		    xs_fq_crowded(turns);
	struct xs_flow *fresh = xs_fq_first(&turns->fresh);
	struct xs_flow *busy = xs_fq_first(&turns->busy);
	struct xs_flow *source;

	WRITE_ONCE(turns->held, busy && full && !fresh);
	if (full)
		busy = NULL;
	source = turns->busy_turn ? fresh ?: busy : busy ?: fresh;
	if (!source)
		return NULL;
	turns->busy_turn = source == busy;
	return list_first_entry(&source->queue, struct xs_request, node);
}
EXPORT_SYMBOL_GPL(xs_fq_next);

/**
 * xs_fq_sent() - a request is on the ring, and its source's turn is over
 * @turns: the turns
 * @req: what xs_fq_next() returned
 *
 * Context: Any.
 */
void xs_fq_sent(struct xs_fq *turns, struct xs_request *req)
{
	struct xs_flow *source = req->flow;

	req->busy = turns->busy_turn;
	turns->unanswered += req->busy;
	if (turns->busy_turn && turns->newcomers)
		turns->newcomers--;
	if (!turns->busy_turn && !list_empty(&turns->busy))
		turns->newcomers = XS_CROWD_MEMORY;

	list_del_init(&req->node);
	if (list_empty(&source->queue))
		list_del_init(&source->node);
	else
		list_move_tail(&source->node, &turns->busy);
}
EXPORT_SYMBOL_GPL(xs_fq_sent);

/**
 * xs_fq_completed() - a request that was sent needs no answer any more
 * @turns: the turns
 * @req: the request
 *
 * Context: Any.
 */
void xs_fq_completed(struct xs_fq *turns, struct xs_request *req)
{
	turns->unanswered -= req->busy;
	WRITE_ONCE(turns->held, false);
}
EXPORT_SYMBOL_GPL(xs_fq_completed);

/**
 * xs_fq_has_sendable() - is there a request that only needs room on the ring?
 * @turns: the turns
 *
 * Context: Any, hard interrupt included, without the lock: a look at what
 * others may be changing. One of them then wakes the kthread.
 * Return: true if xs_fq_next() may find a request.
 */
bool xs_fq_has_sendable(const struct xs_fq *turns)
{
	return !READ_ONCE(turns->held) &&
	       (!list_empty_careful(&turns->fresh) ||
		!list_empty_careful(&turns->busy));
}
EXPORT_SYMBOL_GPL(xs_fq_has_sendable);
