/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is counted, timed and traced on a connection.
 *
 * One call where something happens. Counters have one writer each, so that
 * they need no atomic operation, and any readers, who see whole values but not
 * all of one moment.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_STATS_H
#define _XENSTORE_STATS_H

#include <linux/timekeeping.h>
#include <trace/events/xenstore.h>

#include "conn.h"

unsigned int xs_stats_bucket(u64 latency);
void xs_stats_replied(struct xs_conn *conn, struct xs_request *req, int err);

static inline void xs_stats_count(unsigned long *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

/**
 * xs_stats_now() - the clock that requests are timed with
 *
 * Of all processors alike, and may be asked while the system is suspended,
 * during which it stands still.
 *
 * Context: Any.
 * Return: Nanoseconds.
 */
static inline u64 xs_stats_now(void)
{
	return ktime_get_mono_fast_ns();
}

/**
 * xs_stats_submitted() - a request has been accepted
 * @conn: the connection
 * @req: the request
 *
 * Context: Any; &xs_conn.lock is held.
 */
static inline void xs_stats_submitted(struct xs_conn *conn,
				      struct xs_request *req)
{
	req->submitted = xs_stats_now();
	xs_stats_count(&conn->stats.submitted);
	trace_xenstore_submit(conn, req);
}

/**
 * xs_stats_sent() - a request is on the ring in full
 * @conn: the connection
 * @req: the request
 *
 * Context: Any; &xs_conn.lock is held.
 */
static inline void xs_stats_sent(struct xs_conn *conn, struct xs_request *req)
{
	xs_stats_count(&conn->stats.sent);
	trace_xenstore_sent(conn, req);
}

/**
 * xs_stats_stray() - a reply belongs to no request
 * @conn: the connection
 *
 * Context: Whoever receives.
 */
static inline void xs_stats_stray(struct xs_conn *conn)
{
	xs_stats_count(&conn->stats.strays);
}

/**
 * xs_stats_event() - a watch event has been handed upwards
 * @conn: the connection
 *
 * Context: kthread.
 */
static inline void xs_stats_event(struct xs_conn *conn)
{
	xs_stats_count(&conn->stats.events);
}

/**
 * xs_stats_turn() - the kthread looks at the rings
 * @conn: the connection
 *
 * Context: kthread.
 */
static inline void xs_stats_turn(struct xs_conn *conn)
{
	xs_stats_count(&conn->stats.turns);
}

/**
 * xs_stats_notify() - the peer is about to be signalled
 * @conn: the connection
 *
 * Context: Any; &xs_conn.lock is held.
 */
static inline void xs_stats_notify(struct xs_conn *conn)
{
	xs_stats_count(&conn->stats.notifications);
	trace_xenstore_notify(conn);
}

/**
 * xs_stats_signal() - the peer has signalled
 * @conn: the connection
 *
 * One interrupt is not handled by two processors at a time, so this has one
 * writer, too. A transport that signals otherwise may lose a count.
 *
 * Context: Any, hard interrupt included.
 */
static inline void xs_stats_signal(struct xs_conn *conn)
{
	xs_stats_count(&conn->stats.signals);
}

/**
 * xs_stats_poke() - a signal has been left to a caller who waits
 * @conn: the connection
 *
 * Context: As xs_stats_signal().
 */
static inline void xs_stats_poke(struct xs_conn *conn)
{
	xs_stats_count(&conn->stats.pokes);
}

/**
 * xs_stats_wake() - a signal is about to wake the kthread, if that sleeps
 * @conn: the connection
 *
 * Context: As xs_stats_signal().
 */
static inline void xs_stats_wake(struct xs_conn *conn)
{
	/* No more than a look: the wake-up itself does not rely on it. */
	if (!waitqueue_active(&conn->wq))
		return;
	xs_stats_count(&conn->stats.wakes);
	trace_xenstore_wake(conn);
}

#endif /* _XENSTORE_STATS_H */
