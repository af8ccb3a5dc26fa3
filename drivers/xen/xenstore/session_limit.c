// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backpressure: what a client may leave in flight and unread.
 *
 * The next write of a client at one of its limits waits, or fails with -EAGAIN,
 * until enough has been read. The limits may change at any time, so a session
 * remembers that one of them has been met, and the next reply that is read wakes
 * all waiters if there is room by then.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/minmax.h>

#include "session.h"

static bool xs_session_is_below_limits_locked(struct xs_session *session)
	__must_hold(&session->lock)
{
	unsigned int requests = READ_ONCE(session->store->limits.requests);

	lockdep_assert_held(&session->lock);
	return session->outstanding < max(requests, 1U) &&
	       session->unread_bytes <= READ_ONCE(session->store->limits.bytes);
}

/* For a writer or poller, which is woken later if there is no room now. */
static bool xs_session_has_room_locked(struct xs_session *session)
	__must_hold(&session->lock)
{
	bool room;

	lockdep_assert_held(&session->lock);
	room = xs_session_is_below_limits_locked(session);
	session->at_limit |= !room;
	return room;
}

/*
 * Must writers and pollers be woken? The limits may have been changed since they
 * slept, so it is not enough to compare with what there was before.
 */
static bool xs_session_ends_limit_locked(struct xs_session *session,
					 bool had_room)
	__must_hold(&session->lock)
{
	bool ends;

	lockdep_assert_held(&session->lock);
	ends = (!had_room || session->at_limit) &&
	       xs_session_is_below_limits_locked(session);
	if (ends)
		session->at_limit = false;
	return ends;
}

/**
 * xs_session_writable() - would a message be accepted without waiting?
 * @session: the session
 *
 * Context: Process; does not sleep.
 * Return: false under backpressure, and during a suspend.
 */
bool xs_session_writable(struct xs_session *session)
{
	bool writable;

	spin_lock(&session->lock);
	writable = xs_session_has_room_locked(session);
	spin_unlock(&session->lock);
	return writable && xs_gate_admits(&session->store->conn.gate,
					  XS_GATE_REQUEST);
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_writable);

static bool xs_session_try_reserve(struct xs_session *session)
{
	bool reserved;

	spin_lock(&session->lock);
	reserved = xs_session_has_room_locked(session);
	WRITE_ONCE(session->outstanding, session->outstanding + reserved);
	spin_unlock(&session->lock);
	return reserved;
}

/**
 * xs_session_reserve() - count a request, until the client has read its reply
 * @session: the session
 * @nonblock: do not wait under backpressure
 *
 * Context: Process, write_mutex is held; may sleep, a signal ends the sleep.
 * Return: 0, -EAGAIN or -ERESTARTSYS.
 */
int xs_session_reserve(struct xs_session *session, bool nonblock)
{
	if (xs_session_try_reserve(session))
		return 0;
	if (nonblock)
		return -EAGAIN;
	xs_conn_might_wait(&session->store->conn);
	return wait_event_interruptible(session->wq,
					xs_session_try_reserve(session));
}

/**
 * xs_session_unreserve() - undo xs_session_reserve()
 * @session: the session; it has not accepted the request
 *
 * Wakes only those that met a limit because of it. A client that polls and tries
 * again would otherwise wake itself all the time.
 *
 * Context: Process.
 */
void xs_session_unreserve(struct xs_session *session)
{
	bool made_room;

	spin_lock(&session->lock);
	WRITE_ONCE(session->outstanding, session->outstanding - 1);
	made_room = xs_session_ends_limit_locked(session, true);
	spin_unlock(&session->lock);
	if (made_room)
		wake_up_interruptible(&session->wq);
}

/**
 * xs_session_count_locked() - count a message that becomes unread
 * @session: the session
 * @msg: a reply or an event
 *
 * Context: Process, kthread included; &xs_session.lock is held.
 */
void xs_session_count_locked(struct xs_session *session,
			     const struct xs_msg *msg)
	__must_hold(&session->lock)
{
	lockdep_assert_held(&session->lock);
	if (msg->hdr.type == XS_WATCH_EVENT)
		session->unread_events++;
	else
		session->unread_bytes += msg->hdr.len;
}

/**
 * xs_session_uncount_locked() - count a message that has been read
 * @session: the session
 * @msg: a reply or an event
 *
 * Context: Process; &xs_session.lock is held.
 * Return: true if this ends backpressure, and waiters must be woken.
 */
bool xs_session_uncount_locked(struct xs_session *session,
			       const struct xs_msg *msg)
	__must_hold(&session->lock)
{
	bool had_room;

	lockdep_assert_held(&session->lock);
	had_room = xs_session_is_below_limits_locked(session);
	if (msg->hdr.type == XS_WATCH_EVENT) {
		session->unread_events--;
		return false;
	}
	session->unread_bytes -= msg->hdr.len;
	WRITE_ONCE(session->outstanding, session->outstanding - 1);
	return xs_session_ends_limit_locked(session, had_room);
}
