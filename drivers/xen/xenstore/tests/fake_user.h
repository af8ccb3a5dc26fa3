/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients for tests: sessions at a connection to a scripted peer.
 *
 * Typical use, everything in the test's own thread and nothing asleep:
 *
 *	env = test_env_create(test);
 *	session = fake_user_open(env);
 *	fake_user_send(env, session, XS_READ, 7, 0, "path", 5);
 *	test_env_reply(env, test_env_next(env), "value", 5);
 *	fake_user_expect(env, session, XS_READ, 7, 0, "value", 5);
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FAKE_USER_H
#define _XENSTORE_FAKE_USER_H

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
 * struct test_env - a peer, a connection and its watches
 *
 * Belongs to the test's own thread.
 */
struct test_env {
	/** @test: the test it belongs to; const */
	struct kunit *test;
	/** @peer: const */
	struct fake_peer *peer;
	/** @store: connected, but without threads; the test may change its limits */
	struct xs_store store;
	/** @conn: that of @store */
	struct xs_conn *conn;
	/** @next: which of the peer's messages test_env_next() returns */
	unsigned int next;
	/** @tx_id: transaction in the last reply to a START */
	u32 tx_id;
	/** @received: the message that was read last */
	struct fake_received received;
	/** @out: the message being written */
	char out[XS_MESSAGE_MAX];
};

struct test_env *test_env_create_at(struct kunit *test,
				    struct fake_peer *peer);
struct test_env *test_env_create(struct kunit *test);
void test_env_start(struct test_env *env);
void test_env_run(struct test_env *env);
const struct fake_message *test_env_next(struct test_env *env);
const struct fake_message *test_env_await(struct test_env *env);
void test_env_reply(struct test_env *env, const struct fake_message *msg,
		    const void *body, size_t len);
void test_env_refuse(struct test_env *env, const struct fake_message *msg,
		     const char *error);
void test_env_event(struct test_env *env, const struct fake_message *watch,
		    const char *path);
void test_env_answer(struct test_env *env, const struct fake_message *msg);
unsigned int test_env_answer_all(struct test_env *env);
const char *test_env_token(const struct fake_message *watch);
bool test_env_has_watches(struct test_env *env);
void test_env_suspend(struct test_env *env);
struct fake_call *test_env_start_resume(struct test_env *env);
void test_env_resume(struct test_env *env);

struct xs_session *fake_user_open(struct test_env *env);
void fake_user_close(struct test_env *env, struct xs_session *session);
size_t fake_user_build(void *buf, u32 type, u32 id, u32 tx_id,
		       const void *body, size_t len);
ssize_t fake_user_write(struct xs_session *session, const void *bytes,
			size_t len);
ssize_t fake_user_read(struct xs_session *session, void *bytes, size_t len);
ssize_t fake_user_try_send(struct test_env *env,
			   struct xs_session *session, u32 type, u32 id,
			   u32 tx_id, const void *body, size_t len);
void fake_user_send(struct test_env *env, struct xs_session *session,
		    u32 type, u32 id, u32 tx_id, const void *body,
		    size_t len);
u32 fake_user_start(struct test_env *env, struct xs_session *session,
		    const char *tx_id);
const struct fake_message *fake_user_watch(struct test_env *env,
					   struct xs_session *session,
					   const void *body, size_t len);
bool fake_user_receive(struct test_env *env, struct xs_session *session);
void fake_user_expect(struct test_env *env, struct xs_session *session,
		      u32 type, u32 id, u32 tx_id, const void *body,
		      size_t len);
void fake_user_expect_event(struct test_env *env,
			    struct xs_session *session, const void *body,
			    size_t len);
void fake_user_expect_nothing(struct test_env *env,
			      struct xs_session *session);

#endif /* _XENSTORE_FAKE_USER_H */
