// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests.
 *
 * A request is a heap object that owns a copy of its bytes from the moment it
 * is allocated, so the source may be reused at once. It completes exactly once,
 * through xs_request_finish(), whatever happens to the ring. How it reaches the
 * server is up to conn.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "gate.h"
#include "request.h"

static void xs_request_release_reply(struct xs_msg *msg)
{
	xs_request_put(container_of(msg, struct xs_request, reply));
}

/* With room for a payload, which is not there yet, and a NUL behind it. */
static struct xs_request *xs_request_create(size_t payload, gfp_t gfp)
{
	size_t room = max_t(size_t, payload + 1, XS_REPLY_ROOM);
	size_t size = sizeof(struct xsd_sockmsg) + room;
	struct xs_request *req;

	req = kmalloc(struct_size(req, out, size), gfp);
	if (!req)
		return NULL;
	memset(req, 0, sizeof(*req));
	kref_init(&req->ref);
	req->state = XS_REQ_NEW;
	req->generation = XS_GENERATION_ANY;
	INIT_LIST_HEAD(&req->node);
	INIT_HLIST_NODE(&req->pending_node);
	init_waitqueue_head(&req->wq);
	req->len = sizeof(struct xsd_sockmsg) + payload;
	req->size = size;
	xs_msg_init(&req->reply, xs_request_payload(req), room,
		    xs_request_release_reply);
	return req;
}

/**
 * xs_request_alloc() - build a request
 * @type: XS_READ and the like
 * @tx_id: transaction, 0 for none
 * @parts: pieces of the payload, copied one after the other; one without a
 *	base is left to be filled in
 * @n: number of pieces
 * @gfp: how to allocate
 *
 * The id in the header is filled in when the request is submitted.
 *
 * Context: As @gfp.
 * Return: A request with one reference, ERR_PTR(-E2BIG) if the payload is
 * longer than 4096 bytes, ERR_PTR(-ENOMEM).
 */
struct xs_request *xs_request_alloc(u32 type, u32 tx_id,
				    const struct kvec *parts,
				    unsigned int n, gfp_t gfp)
{
	struct xsd_sockmsg *hdr;
	struct xs_request *req;
	size_t payload = 0;
	unsigned int i;
	u8 *pos;

	for (i = 0; i < n; i++) {
		if (parts[i].iov_len > XENSTORE_PAYLOAD_MAX - payload)
			return ERR_PTR(-E2BIG);
		payload += parts[i].iov_len;
	}
	req = xs_request_create(payload, gfp);
	if (!req)
		return ERR_PTR(-ENOMEM);

	hdr = xs_request_header(req);
	hdr->type = type;
	hdr->req_id = 0;
	hdr->tx_id = tx_id;
	hdr->len = payload;
	pos = xs_request_payload(req);
	for (i = 0; i < n; i++) {
		if (parts[i].iov_base)
			memcpy(pos, parts[i].iov_base, parts[i].iov_len);
		pos += parts[i].iov_len;
	}
	return req;
}
EXPORT_SYMBOL_IF_KUNIT(xs_request_alloc);

/**
 * xs_request_get() - take a reference
 * @req: the request
 *
 * Context: Any.
 */
void xs_request_get(struct xs_request *req)
{
	kref_get(&req->ref);
}
EXPORT_SYMBOL_IF_KUNIT(xs_request_get);

static void xs_request_free(struct kref *ref)
{
	struct xs_request *req = container_of(ref, struct xs_request, ref);

	xs_msg_clear(&req->reply);
	kfree(req);
}

/**
 * xs_request_put() - drop a reference
 * @req: the request; freed with its reply when this was the last reference
 *
 * Context: Any.
 */
void xs_request_put(struct xs_request *req)
{
	kref_put(&req->ref, xs_request_free);
}
EXPORT_SYMBOL_IF_KUNIT(xs_request_put);

/**
 * xs_request_is_done() - has a request completed?
 * @req: the request
 *
 * Context: Any.
 * Return: true if &xs_request.err and &xs_request.reply may be read.
 */
bool xs_request_is_done(const struct xs_request *req)
{
	/* Pairs with the release in xs_request_finish(). */
	return smp_load_acquire(&req->state) == XS_REQ_DONE;
}
EXPORT_SYMBOL_IF_KUNIT(xs_request_is_done);

/**
 * xs_request_finish() - complete a request
 * @req: the request; the caller has taken it out of every queue and table, so
 *	no other task can complete it
 * @err: 0 if &xs_request.reply is the reply, otherwise why there is none
 *
 * Consumes the connection's reference.
 *
 * Context: Kthread, or the task that cancels; no lock held; does not sleep.
 */
void xs_request_finish(struct xs_request *req, int err)
{
	struct xs_gate *gate = req->gate;

	req->err = err;
	/* Pairs with the acquire in xs_request_is_done(). */
	smp_store_release(&req->state, XS_REQ_DONE);
	if (req->complete)
		req->complete(req);
	else
		wake_up(&req->wq);
	xs_request_put(req);
	if (gate)
		xs_gate_leave(gate);
}
EXPORT_SYMBOL_IF_KUNIT(xs_request_finish);

/**
 * xs_request_wait() - sleep until a request has completed
 * @req: an accepted request without &xs_request.complete
 *
 * Every accepted request completes, so this returns; how soon is up to the
 * server. Callers annotate the wait with xs_conn_might_wait().
 *
 * Context: Process, sleeps uninterruptibly.
 */
void xs_request_wait(struct xs_request *req)
{
	wait_event(req->wq, xs_request_is_done(req));
}
EXPORT_SYMBOL_IF_KUNIT(xs_request_wait);
