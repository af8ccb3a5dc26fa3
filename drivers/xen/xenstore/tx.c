// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the request queues to the request ring.
 *
 * Runs in the kthread. Which request is next, fq.c decides; a request leaves
 * its flow when its last byte is on the ring. Knows nothing of replies.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/minmax.h>

#include "conn_internal.h"

/* Be done with the request that is on the ring in full, and take the next. */
static void xs_tx_next(struct xs_conn *conn)
{
	struct xs_request *sent = conn->tx.req;
	LIST_HEAD(lost);

	spin_lock(&conn->lock);
	if (sent) {
		xs_fq_sent(&conn->fq, sent);
		list_add_tail(&sent->node, &conn->sent);
		WRITE_ONCE(sent->state, XS_REQ_SENT);
		xs_stats_count(&conn->stats.sent);
		trace_xenstore_sent(conn, sent);
	}
	conn->tx.req = xs_lost_next_locked(conn, &lost);
	conn->tx.done = 0;
	spin_unlock(&conn->lock);
	xs_lost_finish(&lost);
}

/**
 * xs_tx_fill() - copy queued requests to the ring, publish and notify
 * @conn: a connection that is UP
 *
 * Ends when the ring is full or nothing may be sent. The server is notified
 * here, before the kthread can do anything that sleeps.
 *
 * Context: Kthread; does not sleep.
 * Return: 0, or -EIO if the server's index is out of range.
 */
int xs_tx_fill(struct xs_conn *conn)
{
	int n = 0;

	if (!conn->tx.req && xs_fq_has_sendable(&conn->fq))
		xs_tx_next(conn);
	while (conn->tx.req) {
		n = xs_ring_write(&conn->tx.ring,
				  conn->tx.req->out + conn->tx.done,
				  conn->tx.req->len - conn->tx.done);
		if (n < 0)
			break;
		conn->tx.done += n;
		if (conn->tx.done < conn->tx.req->len)
			break;
		xs_tx_next(conn);
	}
	if (xs_ring_publish_requests(&conn->tx.ring))
		xs_conn_notify(conn);
	return min(n, 0);
}

/**
 * xs_tx_has_work() - would xs_tx_fill() achieve anything?
 * @conn: a connection that is UP
 *
 * Context: Any, hard interrupt included; a lockless hint.
 * Return: true if a request may be sent and half of the ring is free.
 */
bool xs_tx_has_work(const struct xs_conn *conn)
{
	return xs_fq_has_sendable(&conn->fq) &&
	       xs_ring_has_room(&conn->tx.ring);
}
