// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the response ring to whole messages.
 *
 * Whoever receives assembles a message; see pump.c and help.c. The interrupt
 * takes the parts of a large one off the ring as they come, and stops when it is
 * whole: what to do with it is for those who receive.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/errno.h>
#include <linux/export.h>

#include "conn.h"
#include "wire.h"

static bool xs_conn_has_header(const struct xs_conn *conn)
{
	return READ_ONCE(conn->rx.have) >= sizeof(conn->rx.hdr);
}

static u32 xs_conn_missing(const struct xs_conn *conn)
{
	u32 total = sizeof(conn->rx.hdr);

	if (!conn->rx.have)
		return 0;
	if (xs_conn_has_header(conn))
		total += conn->rx.hdr.len;
	return total - conn->rx.have;
}

/**
 * xs_conn_has_message() - is a whole message there?
 * @conn: the connection
 *
 * Context: Who receives; for others, a look from outside.
 * Return: true if xs_conn_assemble() has nothing more to do.
 */
bool xs_conn_has_message(const struct xs_conn *conn)
{
	return conn->rx.have && !xs_conn_missing(conn);
}
EXPORT_SYMBOL_GPL(xs_conn_has_message);

/* Read what the current header or body still lacks; 0 if nothing is there. */
static int xs_conn_read_some_locked(struct xs_conn *conn)
	__must_hold(&conn->rx.lock)
{
	const size_t hdr_size = sizeof(conn->rx.hdr);
	size_t have = conn->rx.have;
	int n;

	lockdep_assert_held(&conn->rx.lock);
	if (!xs_conn_has_header(conn))
		n = xs_ring_read(&conn->responses, (u8 *)&conn->rx.hdr + have,
				 hdr_size - have);
	else
		n = xs_ring_read(&conn->responses,
				 &conn->rx.body[have - hdr_size],
				 xs_conn_missing(conn));
	if (n > 0)
		WRITE_ONCE(conn->rx.have, have + n);
	return n;
}

/* Read until a message is complete or the ring is empty. */
static int xs_conn_assemble_locked(struct xs_conn *conn)
	__must_hold(&conn->rx.lock)
{
	int n = 1;

	lockdep_assert_held(&conn->rx.lock);
	while (n > 0) {
		/* Nothing is read any more behind a header that cannot be. */
		if (xs_conn_has_header(conn) &&
		    xs_wire_check_header(&conn->rx.hdr))
			return -EIO;
		if (xs_conn_has_message(conn)) {
			conn->rx.body[conn->rx.hdr.len] = '\0';
			break;
		}
		n = xs_conn_read_some_locked(conn);
	}
	WRITE_ONCE(conn->rx.missing, xs_conn_missing(conn));
	if (xs_conn_has_header(conn))
		WRITE_ONCE(conn->rx.large, conn->rx.hdr.len > XS_WAKE_BYTES);
	return min(n, 0);
}

/**
 * xs_conn_assemble() - read until a message is whole or the ring is empty
 * @conn: a connection that is UP
 *
 * Context: Who receives.
 * Return: 0, or -EIO if the server does not keep to the protocol.
 */
int xs_conn_assemble(struct xs_conn *conn)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&conn->rx.lock, flags);
	err = xs_conn_assemble_locked(conn);
	/* Who receives sees now whether it is. */
	WRITE_ONCE(conn->rx.ready, false);
	spin_unlock_irqrestore(&conn->rx.lock, flags);
	return err;
}
EXPORT_SYMBOL_GPL(xs_conn_assemble);

/**
 * xs_conn_give_room() - let the peer have the room of what has been read
 * @conn: a connection with a page
 *
 * Context: Any, hard interrupt included.
 * Return: true if the peer has to be signalled.
 */
bool xs_conn_give_room(struct xs_conn *conn)
{
	unsigned long flags;
	bool kick;

	spin_lock_irqsave(&conn->rx.lock, flags);
	kick = xs_ring_publish_responses(&conn->responses);
	spin_unlock_irqrestore(&conn->rx.lock, flags);
	return kick;
}
EXPORT_SYMBOL_GPL(xs_conn_give_room);

/**
 * xs_conn_can_collect() - is a part of a large message on the ring?
 * @conn: a connection that is UP
 *
 * Context: Any, hard interrupt included; a look from outside.
 * Return: true if xs_conn_collect() would achieve something.
 */
bool xs_conn_can_collect(const struct xs_conn *conn)
{
	u32 unread = xs_ring_unread(&conn->responses);

	if (READ_ONCE(conn->rx.missing))
		return unread;
	return unread >= sizeof(conn->rx.hdr) &&
	       xs_ring_peek_u32(&conn->responses,
				offsetof(struct xsd_sockmsg, len)) >
	       XS_WAKE_BYTES;
}
EXPORT_SYMBOL_GPL(xs_conn_can_collect);

/**
 * xs_conn_collect() - take what the peer has just signalled off the ring
 * @conn: the connection
 *
 * So a message that is longer than the ring arrives without anybody having to be
 * woken for each part, and without its sender having to wait for room. What is
 * to be done with it, or with a header that cannot be, is left to who receives.
 *
 * Context: Any, hard interrupt included.
 */
void xs_conn_collect(struct xs_conn *conn)
{
	unsigned long flags;
	bool kick = false;

	spin_lock_irqsave(&conn->rx.lock, flags);
	if (READ_ONCE(conn->direct) && !xs_conn_has_message(conn)) {
		if (xs_conn_assemble_locked(conn) ||
		    xs_conn_has_message(conn))
			WRITE_ONCE(conn->rx.ready, true);
		kick = xs_ring_publish_responses(&conn->responses);
	}
	spin_unlock_irqrestore(&conn->rx.lock, flags);
	if (kick)
		xs_conn_kick(conn);
}
EXPORT_SYMBOL_GPL(xs_conn_collect);

/**
 * xs_conn_message_done() - have the next message assembled in place of this one
 * @conn: the connection
 *
 * Context: Who receives.
 */
void xs_conn_message_done(struct xs_conn *conn)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->rx.lock, flags);
	WRITE_ONCE(conn->rx.have, 0);
	WRITE_ONCE(conn->rx.missing, 0);
	spin_unlock_irqrestore(&conn->rx.lock, flags);
}
EXPORT_SYMBOL_GPL(xs_conn_message_done);

/**
 * xs_conn_can_receive() - is there enough for a turn that gets somewhere?
 * @conn: a connection that is UP
 *
 * Context: Any, hard interrupt included; a look from outside.
 * Return: true for a whole message, for a good part of a large one, and for an
 * index or a length that cannot be.
 */
bool xs_conn_can_receive(const struct xs_conn *conn)
{
	u32 unread = xs_ring_unread(&conn->responses);
	u32 want = READ_ONCE(conn->rx.missing);

	if (READ_ONCE(conn->rx.ready))
		return true;
	if (!want && unread >= sizeof(conn->rx.hdr))
		want = xs_ring_peek_u32(&conn->responses,
					offsetof(struct xsd_sockmsg, len));
	/* Nothing need follow a length that cannot be. */
	if (want > XENSTORE_PAYLOAD_MAX)
		return true;
	want = min_t(u32, want, XS_WAKE_BYTES);
	if (!READ_ONCE(conn->rx.missing))
		want += sizeof(conn->rx.hdr);
	return unread >= want;
}
EXPORT_SYMBOL_GPL(xs_conn_can_receive);

/**
 * xs_conn_has_reply() - is a reply there that nobody has seen?
 * @conn: a connection that is UP
 *
 * Context: Any, hard interrupt included; a look from outside.
 * Return: true if all of one is next on the ring, or if xs_conn_collect() has
 * all of a message, which may also be an event.
 */
bool xs_conn_has_reply(const struct xs_conn *conn)
{
	u32 unread = xs_ring_unread(&conn->responses);
	struct xsd_sockmsg hdr;

	if (READ_ONCE(conn->rx.ready))
		return true;
	if (READ_ONCE(conn->rx.missing) || unread < sizeof(hdr) ||
	    unread > XENSTORE_RING_SIZE)
		return false;
	hdr.type = xs_ring_peek_u32(&conn->responses,
				    offsetof(struct xsd_sockmsg, type));
	hdr.len = xs_ring_peek_u32(&conn->responses,
				   offsetof(struct xsd_sockmsg, len));
	return hdr.type != XS_WATCH_EVENT && unread - sizeof(hdr) >= hdr.len;
}
EXPORT_SYMBOL_GPL(xs_conn_has_reply);
