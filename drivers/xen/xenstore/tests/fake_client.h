/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients for tests: sessions at a connection to a scripted peer.
 *
 * Typical use, everything in the test's own thread and nothing asleep:
 *
 *	site = fake_site_create(test);
 *	session = fake_client_open(site);
 *	fake_client_send(site, session, XS_READ, 7, 0, "path", 5);
 *	fake_site_reply(site, fake_site_next(site), "value", 5);
 *	fake_client_expect(site, session, XS_READ, 7, 0, "value", 5);
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FAKE_CLIENT_H
#define _XENSTORE_FAKE_CLIENT_H

#include "fake_peer.h"
#include "session.h"

/**
 * struct fake_received - one message as a client has read it
 */
struct fake_received {
	/** @hdr: its header */
	struct xsd_sockmsg hdr;
	/** @body: &hdr.len bytes and a NUL */
	char body[XENSTORE_PAYLOAD_MAX + 1];
};

/**
 * struct fake_site - a peer, a connection and its watches
 *
 * Belongs to the test's own thread.
 */
struct fake_site {
	/** @test: the test it belongs to; const */
	struct kunit *test;
	/** @peer: const */
	struct fake_peer *peer;
	/** @conn: const */
	struct xs_conn *conn;
	/** @watches: what @conn hands its events to */
	struct xs_watches watches;
	/** @limits: of every client; the test may change them */
	struct xs_session_limits limits;
	/** @next: which of the peer's messages fake_site_next() returns */
	unsigned int next;
	/** @tx_id: transaction that the last answered START got */
	u32 tx_id;
	/** @received: the message that was read last */
	struct fake_received received;
	/** @out: the message being written */
	char out[XS_MESSAGE_MAX];
};

struct fake_site *fake_site_create_at(struct kunit *test,
				      struct fake_peer *peer);
struct fake_site *fake_site_create(struct kunit *test);
void fake_site_start(struct fake_site *site);
void fake_site_run(struct fake_site *site);
const struct fake_message *fake_site_next(struct fake_site *site);
const struct fake_message *fake_site_await(struct fake_site *site);
void fake_site_reply(struct fake_site *site, const struct fake_message *msg,
		     const void *body, size_t len);
void fake_site_refuse(struct fake_site *site, const struct fake_message *msg,
		      const char *error);
void fake_site_event(struct fake_site *site, const struct fake_message *watch,
		     const char *path);
void fake_site_answer(struct fake_site *site, const struct fake_message *msg);
unsigned int fake_site_answer_all(struct fake_site *site);
const char *fake_site_token(const struct fake_message *watch);
bool fake_site_has_watches(struct fake_site *site);
void fake_site_suspend(struct fake_site *site);
struct fake_call *fake_site_start_resume(struct fake_site *site);
void fake_site_resume(struct fake_site *site);

struct xs_session *fake_client_open(struct fake_site *site);
void fake_client_close(struct fake_site *site, struct xs_session *session);
size_t fake_client_build(void *buf, u32 type, u32 id, u32 tx_id,
			 const void *body, size_t len);
ssize_t fake_client_write(struct xs_session *session, const void *bytes,
			  size_t len);
ssize_t fake_client_read(struct xs_session *session, void *bytes, size_t len);
ssize_t fake_client_try_send(struct fake_site *site,
			     struct xs_session *session, u32 type, u32 id,
			     u32 tx_id, const void *body, size_t len);
void fake_client_send(struct fake_site *site, struct xs_session *session,
		      u32 type, u32 id, u32 tx_id, const void *body,
		      size_t len);
u32 fake_client_start(struct fake_site *site, struct xs_session *session,
		      const char *tx_id);
const struct fake_message *fake_client_watch(struct fake_site *site,
					     struct xs_session *session,
					     const void *body, size_t len);
bool fake_client_receive(struct fake_site *site, struct xs_session *session);
void fake_client_expect(struct fake_site *site, struct xs_session *session,
			u32 type, u32 id, u32 tx_id, const void *body,
			size_t len);
void fake_client_expect_event(struct fake_site *site,
			      struct xs_session *session, const void *body,
			      size_t len);
void fake_client_expect_nothing(struct fake_site *site,
				struct xs_session *session);

#endif /* _XENSTORE_FAKE_CLIENT_H */
