/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scripted peer for tests: the server's side of the ring page.
 *
 * Typical use, everything in the test's own thread and nothing asleep:
 *
 *	peer = fake_peer_create(test);
 *	conn = fake_conn_create(test, &peer->t, NULL, NULL, FAKE_CONN_UP);
 *	xs_conn_submit(conn, req);
 *	fake_peer_run(peer, conn);
 *	seen = fake_peer_seen(peer, 0);
 *	fake_peer_reply_to(peer, seen, "value", 5);
 *	fake_peer_run(peer, conn);
 *
 * For a server that replies by itself see fake_store.h.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FAKE_PEER_H
#define _XENSTORE_FAKE_PEER_H

#include <linux/kfifo.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "fake_conn.h"

struct fake_peer;
struct kunit;

/* Where a fresh page begins: both directions wrap at 2^32 early in a test. */
#define FAKE_PEER_START		(U32_MAX - 39)

/* Bytes that wait for room in the response ring; more is a test's mistake. */
#define FAKE_PEER_BACKLOG	(256 * 1024)

/**
 * struct fake_message - one complete message that the peer has received
 */
struct fake_message {
	/** @node: on &fake_peer.seen */
	struct list_head node;
	/** @hdr: as it came */
	struct xsd_sockmsg hdr;
	/** @body: &hdr.len bytes and a NUL */
	char body[];
};

/**
 * struct fake_peer_ops - what acts on the messages of a peer
 */
struct fake_peer_ops {
	/** @receive: a message is complete; &fake_peer.lock is held */
	void (*receive)(struct fake_peer *peer, const struct fake_message *msg);
	/** @reset: the client has reconnected; &fake_peer.lock is held */
	void (*reset)(struct fake_peer *peer);
};

/**
 * struct fake_peer - the server's end of a page, and a transport for ours
 *
 * Members without a comment on locking are set by the test while nothing runs.
 */
struct fake_peer {
	/** @t: give this to xs_conn_init() or fake_conn_create() */
	struct xs_transport t;
	/** @page: the ring page; a test may write whatever it likes to it */
	struct xenstore_domain_interface *page;
	/** @spare: what @page is exchanged for at a reconnect */
	struct xenstore_domain_interface *spare;
	/** @test: the test it belongs to; const */
	struct kunit *test;
	/** @ops: const; NULL for a peer that follows the test alone */
	const struct fake_peer_ops *ops;

	/**
	 * @automatic: work within notify() until nothing can be moved; otherwise
	 * the test calls fake_peer_step()
	 */
	bool automatic;
	/** @take: most bytes to read in one step; 0 leaves the ring full */
	size_t take;
	/** @give: most bytes to write in one step; 0 holds every reply back */
	size_t give;
	/** @record: keep complete messages for fake_peer_seen() */
	bool record;
	/** @connect_err: what connect() returns */
	int connect_err;
	/** @reconnect_err: what reconnect() returns */
	int reconnect_err;
	/** @reconnect_error: error field of the page after the next reconnect() */
	u32 reconnect_error;
	/** @deaf: do not react when the client asks to begin anew */
	bool deaf;
	/** @mute: move bytes without a notification */
	bool mute;
	/** @masks: calls of mask(); written by the handler */
	unsigned int masks;
	/** @unmasks: calls of unmask(); written by the kthread */
	unsigned int unmasks;
	/** @masked: notifications do not get through, and are forgotten */
	bool masked;
	/** @irq_lock: the handler does not run on two CPUs at a time */
	spinlock_t irq_lock;
	/** @wq: fake_peer_serve() sleeps here */
	wait_queue_head_t wq;
	/** @dismissed: fake_peer_serve() is to return */
	bool dismissed;

	/** @lock: protects all that follows and our two indices; a leaf */
	spinlock_t lock;
	/** @notifications: calls of notify() */
	unsigned int notifications;
	/** @connects: calls of connect() that succeeded */
	unsigned int connects;
	/** @reconnects: calls of reconnect() that succeeded */
	unsigned int reconnects;
	/** @renewals: how often peer and client have begun anew on the same page */
	unsigned int renewals;
	/** @disconnects: calls of disconnect() */
	unsigned int disconnects;
	/** @count: complete messages received */
	unsigned int count;
	/** @seen: those of them that have been recorded, oldest first */
	struct list_head seen;
	/** @failed: something got lost; makes the test fail when it ends */
	bool failed;
	/** @in: the message being received */
	struct {
		/** @in.hdr: header */
		struct xsd_sockmsg hdr;
		/** @in.have: bytes of header and body received */
		size_t have;
		/** @in.body: body and a NUL */
		char body[XENSTORE_PAYLOAD_MAX + 1];
	} in;
	/** @out: bytes for the client that are not on the ring yet */
	DECLARE_KFIFO_PTR(out, u8);
};

struct fake_peer *fake_peer_create(struct kunit *test);
void fake_peer_init(struct kunit *test, struct fake_peer *peer,
		    const struct fake_peer_ops *ops);
void fake_peer_set_indices(struct fake_peer *peer, u32 requests,
			   u32 responses);

void fake_peer_interrupt(struct fake_peer *peer);
size_t fake_peer_step(struct fake_peer *peer);
void fake_peer_settle(struct fake_peer *peer);
void fake_peer_serve(struct fake_peer *peer);
void fake_peer_dismiss(struct fake_peer *peer);
int fake_peer_run(struct fake_peer *peer, struct xs_conn *conn);

const struct fake_message *fake_peer_seen(struct fake_peer *peer,
					  unsigned int n);
unsigned int fake_peer_count(struct fake_peer *peer);
unsigned int fake_peer_notifications(struct fake_peer *peer);

void fake_peer_put(struct fake_peer *peer, const void *bytes, size_t len);
void fake_peer_reply(struct fake_peer *peer, u32 type, u32 id,
		     const void *body, size_t len);
void fake_peer_reply_to(struct fake_peer *peer, const struct fake_message *msg,
			const void *body, size_t len);
void fake_peer_event(struct fake_peer *peer, const char *path,
		     const char *token);

void fake_peer_send_locked(struct fake_peer *peer,
			   const struct xsd_sockmsg *hdr, const void *body)
	__must_hold(&peer->lock);

#endif /* _XENSTORE_FAKE_PEER_H */
