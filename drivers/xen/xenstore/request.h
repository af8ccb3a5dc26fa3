/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A request that owns its bytes and completes exactly once.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_REQUEST_H
#define _XENSTORE_REQUEST_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "msg.h"

/*
 * Room of a request for its reply, in bytes: most values, and a list of a few
 * names. A request whose payload is no longer takes 512 bytes of memory.
 */
#define XS_REPLY_ROOM	192

/* A request that names no transaction may be sent in every generation. */
#define XS_GENERATION_ANY	(~0ULL)

/**
 * enum xs_req_state - life of a request
 * @XS_REQ_NEW: being built, the submitter's own
 * @XS_REQ_QUEUED: accepted; not, or not fully, on the ring
 * @XS_REQ_SENT: fully on the ring
 * @XS_REQ_DONE: completed; the submitter's again
 *
 * NEW to QUEUED to SENT to DONE; a failure takes any state to DONE, and if the
 * connection is lost SENT may become QUEUED again.
 */
enum xs_req_state {
	XS_REQ_NEW,
	XS_REQ_QUEUED,
	XS_REQ_SENT,
	XS_REQ_DONE,
};

struct xs_gate;
struct xs_flow;

/**
 * struct xs_request - one message to the server and its reply
 *
 * Created with one reference, the submitter's. The connection holds another
 * from acceptance to completion, so that neither can free it under the other.
 */
struct xs_request {
	/** @ref: submitter 1, connection 1 while accepted */
	struct kref ref;
	/** @state: under &xs_conn.lock; DONE is published with release */
	enum xs_req_state state;
	/**
	 * @node: on &xs_flow.queue while QUEUED, on &xs_conn.sent while SENT; under
	 * &xs_conn.lock
	 */
	struct list_head node;
	/** @pending_node: on &xs_conn.pending while accepted, under &xs_conn.lock */
	struct hlist_node pending_node;
	/** @id: id on the wire; const from submission to completion */
	u32 id;
	/** @err: 0 or a negative errno; written before DONE is published */
	int err;
	/** @reply: valid if @err is 0; written before DONE is published */
	struct xs_msg reply;
	/**
	 * @complete: called once in place of waking @wq, by the kthread or by
	 * xs_conn_cancel(); must not sleep and must not submit. Takes over the
	 * submitter's reference. Const after submission; may be NULL.
	 */
	void (*complete)(struct xs_request *req);
	/** @owner: for @complete */
	void *owner;
	/** @arg: for @complete */
	void *arg;
	/** @caller_id: for @complete: the id the message came with */
	u32 caller_id;
	/** @caller_tx: for @complete: the transaction the message named */
	u32 caller_tx;
	/**
	 * @generation: &xs_conn.generation in which it may be sent, that of its
	 * transaction, or XS_GENERATION_ANY; after completion, in which the reply
	 * came
	 */
	u64 generation;
	/**
	 * @flow: the flow it is sent in; NULL for the kernel's. Stays valid until
	 * the request completes. Const after submission.
	 */
	struct xs_flow *flow;
	/** @submitted: when it was accepted; const until it completes */
	u64 submitted;
	/** @stalled: age at which it is reported next; under &xs_conn.lock */
	u64 stalled;
	/** @pid: of the task that submitted it; const until it completes */
	pid_t pid;
	/** @throttles: counted in &xs_fq.in_flight; under &xs_conn.lock */
	bool throttles;
	/** @gate: left when the request completes; NULL if it never entered */
	struct xs_gate *gate;
	/** @wq: waiters for the reply */
	wait_queue_head_t wq;
	/** @len: bytes of header and payload */
	size_t len;
	/** @size: bytes in @out */
	size_t size;
	/**
	 * @out: header and payload, a copy of the submitter's bytes, and room
	 * for a NUL. Once there is a reply only the header counts, and the rest
	 * is the room of @reply.
	 */
	u8 out[] __counted_by(size);
};

struct xs_request *xs_request_alloc(u32 type, u32 tx_id,
				    const struct kvec *parts,
				    unsigned int n, gfp_t gfp);
void xs_request_get(struct xs_request *req);
void xs_request_put(struct xs_request *req);
bool xs_request_is_done(const struct xs_request *req);
void xs_request_finish(struct xs_request *req, int err);
void xs_request_wait(struct xs_request *req);

/**
 * xs_request_header() - the header that goes to the server
 * @req: the request
 *
 * Context: Any.
 * Return: Pointer into &xs_request.out.
 */
static inline struct xsd_sockmsg *xs_request_header(struct xs_request *req)
{
	return (struct xsd_sockmsg *)req->out;
}

/**
 * xs_request_payload() - what follows the header of a request
 * @req: a request that has not been submitted
 *
 * Context: Any.
 * Return: Pointer into &xs_request.out.
 */
static inline u8 *xs_request_payload(struct xs_request *req)
{
	return req->out + sizeof(struct xsd_sockmsg);
}

#endif /* _XENSTORE_REQUEST_H */
