/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fair queueing of requests.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FQ_H
#define _XENSTORE_FQ_H

#include <linux/list.h>

/*
 * Requests of old flows that may await a reply while flows contend: enough to
 * keep the server busy, and little for a new flow to wait for.
 */
#define XS_FQ_DEPTH	8

/* After so many requests an old flow no longer expects new ones to contend. */
#define XS_FQ_MEMORY	64

struct mem_cgroup;
struct xs_request;

/**
 * struct xs_flow - a sender of requests: the kernel, or an open file
 */
struct xs_flow {
	/** @queue: requests that are not fully sent, oldest first */
	struct list_head queue;
	/** @node: on a list of &struct xs_fq while @queue is not empty */
	struct list_head node;
	/** @memcg: charged for replies; NULL for none; const */
	struct mem_cgroup *memcg;
};

/**
 * struct xs_fq - the order in which flows send
 *
 * This and the flows are under &xs_conn.lock.
 */
struct xs_fq {
	/** @new_flows: had nothing queued before; read without the lock */
	struct list_head new_flows;
	/** @old_flows: had more queued after their last slot; likewise */
	struct list_head old_flows;
	/** @old_slot: this slot, or the last, belongs to @old_flows */
	bool old_slot;
	/** @contended: slots of @old_flows in which new flows are expected */
	unsigned int contended;
	/** @in_flight: requests that were sent in slots of @old_flows */
	unsigned int in_flight;
	/** @only: the one flow that has slots; NULL if all have */
	struct xs_flow *only;
	/** @throttled: nothing that is queued may be sent; read without the lock */
	bool throttled;
};

void xs_flow_init(struct xs_flow *flow);
void xs_fq_init(struct xs_fq *fq);
void xs_fq_add(struct xs_fq *fq, struct xs_request *req);
struct xs_request *xs_fq_next(struct xs_fq *fq);
void xs_fq_sent(struct xs_fq *fq, struct xs_request *req);
void xs_fq_requeue(struct xs_fq *fq, struct xs_request *req);
void xs_fq_completed(struct xs_fq *fq, struct xs_request *req);
void xs_fq_hold(struct xs_fq *fq, struct xs_flow *only);
void xs_fq_unhold(struct xs_fq *fq);
bool xs_fq_has_sendable(const struct xs_fq *fq);

#endif /* _XENSTORE_FQ_H */
