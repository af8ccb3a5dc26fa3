// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the response ring to completions and watch events.
 *
 * Runs in the kthread. A message is put together in &xs_conn.rx, which has room
 * for the largest, so that receiving never waits for memory half-way. The space
 * on the ring is given back before the message is acted on: the server never
 * waits for an allocation here.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/sched/mm.h>

#include "conn_internal.h"

/* A wake-up for a part of a long message is worth it for half a ring. */
#define XS_RX_WAKE_BYTES	(XENSTORE_RING_SIZE / 2)

#define XS_RX_HDR_SIZE		sizeof(struct xsd_sockmsg)

/* Bytes that the message lacks: of its header, then of its body. */
static size_t xs_rx_lacks(const struct xs_conn *conn)
{
	size_t total = XS_RX_HDR_SIZE;

	if (conn->rx.have >= XS_RX_HDR_SIZE)
		total += conn->rx.hdr.len;
	return total - conn->rx.have;
}

/* Copy what is there of the header, or of the body. */
static int xs_rx_read(struct xs_conn *conn)
{
	size_t have = conn->rx.have;
	char *to = have < XS_RX_HDR_SIZE ? (char *)&conn->rx.hdr + have :
					   conn->rx.body + (have - XS_RX_HDR_SIZE);
	int n = xs_ring_read(&conn->rx.ring, to, xs_rx_lacks(conn));

	if (n <= 0)
		return n;
	conn->rx.have += n;
	if (conn->rx.have == XS_RX_HDR_SIZE &&
	    xs_wire_check_header(&conn->rx.hdr))
		return -EIO;
	return n;
}

/* 1 if the message is whole, 0 if the ring is empty before that, or -EIO. */
static int xs_rx_assemble(struct xs_conn *conn)
{
	size_t lacks;
	int n = 1;

	while ((lacks = xs_rx_lacks(conn)) && n > 0)
		n = xs_rx_read(conn);
	WRITE_ONCE(conn->rx.missing, conn->rx.have ? lacks : 0);
	if (n < 0 || lacks)
		return min(n, 0);
	conn->rx.body[conn->rx.hdr.len] = '\0';
	return 1;
}

/* Charged to the client, if that is possible without waiting. */
static int xs_rx_copy_reply(struct xs_conn *conn, struct xs_request *req)
{
	const struct xsd_sockmsg *hdr = &conn->rx.hdr;
	struct mem_cgroup *old;
	int err = -ENOMEM;

	req->reply.hdr = *hdr;
	if (req->flow->memcg) {
		old = set_active_memcg(req->flow->memcg);
		err = xs_msg_set_body(&req->reply, conn->rx.body, hdr->len,
				      XS_GFP_CLIENT);
		set_active_memcg(old);
	}
	if (err)
		err = xs_msg_set_body(&req->reply, conn->rx.body, hdr->len,
				      XS_GFP | __GFP_NOWARN);
	return err;
}

static void xs_rx_reply(struct xs_conn *conn)
{
	struct xs_request *req = xs_conn_claim(conn, conn->rx.hdr.req_id);
	u64 latency;
	int err;

	if (!req) {
		xs_stats_count(&conn->stats.strays);
		pr_warn_ratelimited("dropped a reply of type %u to no request\n",
				    conn->rx.hdr.type);
		return;
	}
	err = xs_rx_copy_reply(conn, req);
	req->generation = conn->generation;
	latency = xs_stats_now() - req->submitted;
	xs_stats_replied(&conn->stats, xs_request_header(req)->type, latency);
	trace_xenstore_reply(req, latency, err);
	xs_request_finish(req, err);
}

static int xs_rx_event(struct xs_conn *conn)
{
	int err = conn->ops->event(conn, conn->rx.body, conn->rx.hdr.len);

	if (!err)
		xs_stats_count(&conn->stats.events);
	return err;
}

/**
 * xs_rx_drain() - receive messages and act on each
 * @conn: a connection that is UP
 *
 * Takes about one ring of bytes at most, because the server may go on writing
 * all the while and the other direction is to have its turn.
 *
 * Context: Kthread; may sleep in an allocation with %XS_GFP.
 * Return: 0; -ENOMEM if an event waits for memory, which is kept and tried
 * again by the next call; -EIO if the server violates the protocol.
 */
int xs_rx_drain(struct xs_conn *conn)
{
	u32 start = conn->rx.ring.published;
	int err;

	do {
		err = xs_rx_assemble(conn);
		if (xs_ring_publish_responses(&conn->rx.ring))
			xs_conn_notify(conn);
		if (err <= 0)
			return err;
		if (conn->rx.hdr.type == XS_WATCH_EVENT) {
			err = xs_rx_event(conn);
			if (err)
				return err;
		} else {
			xs_rx_reply(conn);
		}
		conn->rx.have = 0;
	} while (conn->rx.ring.published - start < XENSTORE_RING_SIZE);
	return 0;
}

/**
 * xs_rx_has_work() - is enough there for xs_rx_drain() to get on?
 * @conn: a connection that is UP
 *
 * Context: Any, hard interrupt included; a lockless hint.
 * Return: true for a whole message, for half a ring of a longer one, and for an
 * index or a length that is out of range.
 */
bool xs_rx_has_work(const struct xs_conn *conn)
{
	u32 unread = xs_ring_unread(&conn->rx.ring);
	u32 want = READ_ONCE(conn->rx.missing);

	if (want)
		return unread >= min_t(u32, want, XS_RX_WAKE_BYTES);
	if (unread < XS_RX_HDR_SIZE)
		return false;
	want = xs_ring_peek_u32(&conn->rx.ring,
				offsetof(struct xsd_sockmsg, len));
	/* Nothing need follow a length that is out of range. */
	if (want > XENSTORE_PAYLOAD_MAX)
		return true;
	return unread >= XS_RX_HDR_SIZE + min_t(u32, want, XS_RX_WAKE_BYTES);
}
