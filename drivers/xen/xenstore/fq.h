/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose request is sent next.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FQ_H
#define _XENSTORE_FQ_H

#include <linux/list.h>

/*
 * While several have more to send than the server can take, this many requests
 * may be unanswered: enough to keep it busy, and little for a newcomer to wait
 * for.
 */
#define XS_CROWD_DEPTH	8

/* So many requests later, a busy source does not expect newcomers any more. */
#define XS_CROWD_MEMORY	64

struct mem_cgroup;
struct xs_request;

/**
 * struct xs_flow - somebody who submits requests
 */
struct xs_flow {
	/** @queue: its requests that are not fully sent, oldest first */
	struct list_head queue;
	/** @node: on &xs_fq.fresh or &xs_fq.busy while @queue is not empty */
	struct list_head node;
	/** @memcg: who pays for its replies; NULL for nobody; const */
	struct mem_cgroup *memcg;
};

/**
 * struct xs_fq - the order in which sources send
 *
 * Everything here and in the sources is under the lock of the connection.
 */
struct xs_fq {
	/** @fresh: sources that had nothing to send until now */
	struct list_head fresh;
	/** @busy: sources that had more to send when they had their turn */
	struct list_head busy;
	/** @busy_turn: this turn, or the last, is one of @busy */
	bool busy_turn;
	/** @newcomers: turns of @busy for which newcomers are expected */
	unsigned int newcomers;
	/** @unanswered: requests sent in turns of @busy and not answered */
	unsigned int unanswered;
	/** @held: those who wait, wait for an answer; may be read without lock */
	bool held;
};

void xs_flow_init(struct xs_flow *source);
void xs_fq_init(struct xs_fq *turns);
void xs_fq_add(struct xs_fq *turns, struct xs_request *req);
struct xs_request *xs_fq_next(struct xs_fq *turns);
void xs_fq_sent(struct xs_fq *turns, struct xs_request *req);
void xs_fq_completed(struct xs_fq *turns, struct xs_request *req);
bool xs_fq_has_sendable(const struct xs_fq *turns);

#endif /* _XENSTORE_FQ_H */
