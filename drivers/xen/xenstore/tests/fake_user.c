// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients for tests.
 *
 * The test plays the client, whose memory is the kernel's. When a test ends,
 * open sessions are closed, every outstanding request gets a reply, and then no
 * reference may be left.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "fake_user.h"

/* Reply to every request that is outstanding; the number of replies. */
static unsigned int test_env_settle(struct test_env *env)
{
	struct xs_request *req;
	unsigned int i, n = 0;

	test_env_run(env);
	for (i = 0; i < XS_PENDING_BUCKETS; i++) {
		hlist_for_each_entry(req, &env->conn->pending[i],
				     pending_node) {
			fake_peer_reply(env->peer,
					xs_request_header(req)->type, req->id,
					"OK", 3);
			n++;
		}
	}
	test_env_run(env);
	return n;
}

struct fake_user {
	struct test_env *env;
	struct xs_session *session;	/* a reference of the test's own */
};

static void fake_user_release(void *data)
{
	struct fake_user *client = data;
	struct test_env *env = client->env;
	struct xs_session *session = client->session;

	if (!session->closing)
		fake_user_close(env, session);
	do {
		flush_work(&session->cleanup_work);
	} while (test_env_settle(env));
	/* A worker may have that of a watch, or of a START that was refused. */
	KUNIT_EXPECT_TRUE_MSG(env->test,
			      fake_wait_until(kref_read(&session->ref) == 1),
			      "a reference to a session is left");
	xs_session_put(session);
}

/**
 * fake_user_open() - a new client
 * @env: the environment
 *
 * When the test ends, the client is closed if it is open, and the test fails
 * if the session does not go away then.
 *
 * Context: The test's own thread.
 * Return: The session, valid until the test ends.
 */
struct xs_session *fake_user_open(struct test_env *env)
{
	struct kunit *test = env->test;
	struct fake_user *client;

	client = kunit_kzalloc(test, sizeof(*client), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, client);
	client->env = env;
	client->session = xs_session_open(&env->store);
	KUNIT_ASSERT_FALSE(test, IS_ERR(client->session));
	xs_session_get(client->session);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test,
							fake_user_release,
							client), 0);
	return client->session;
}

/**
 * fake_user_close() - the client goes away
 * @env: the environment; not suspended
 * @session: the client's session
 *
 * The cleanup has been submitted on return; its requests are outstanding.
 *
 * Context: The test's own thread, sleeps.
 */
void fake_user_close(struct test_env *env, struct xs_session *session)
{
	xs_session_close(session);
	flush_work(&session->cleanup_work);
	test_env_run(env);
}

/**
 * fake_user_build() - put a message together
 * @buf: room for it
 * @type: its type
 * @id: the client's id for it
 * @tx_id: its transaction
 * @body: its body
 * @len: length of the body
 *
 * Context: Any.
 * Return: Length of the message.
 */
size_t fake_user_build(void *buf, u32 type, u32 id, u32 tx_id,
		       const void *body, size_t len)
{
	struct xsd_sockmsg *hdr = buf;

	hdr->type = type;
	hdr->req_id = id;
	hdr->tx_id = tx_id;
	hdr->len = len;
	memcpy(hdr + 1, body, len);
	return sizeof(*hdr) + len;
}

/**
 * fake_user_write() - write bytes, without waiting
 * @session: the client's session
 * @bytes: the bytes
 * @len: how many
 *
 * Context: Process.
 * Return: See xs_session_write().
 */
ssize_t fake_user_write(struct xs_session *session, const void *bytes,
			size_t len)
{
	struct kvec kvec = { .iov_base = (void *)bytes, .iov_len = len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, len);
	return xs_session_write(session, &iter, true);
}

/**
 * fake_user_read() - read bytes, without waiting
 * @session: the client's session
 * @bytes: where they go
 * @len: how many at most
 *
 * Context: Process.
 * Return: See xs_session_read().
 */
ssize_t fake_user_read(struct xs_session *session, void *bytes, size_t len)
{
	struct kvec kvec = { .iov_base = bytes, .iov_len = len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, len);
	return xs_session_read(session, &iter, true);
}

/**
 * fake_user_try_send() - write one message, without waiting
 * @env: the environment
 * @session: the client's session
 * @type: type of the message
 * @id: the client's id for it
 * @tx_id: its transaction
 * @body: its body
 * @len: length of the body
 *
 * Context: The test's own thread.
 * Return: See xs_session_write().
 */
ssize_t fake_user_try_send(struct test_env *env,
			   struct xs_session *session, u32 type, u32 id,
			   u32 tx_id, const void *body, size_t len)
{
	size_t n = fake_user_build(env->out, type, id, tx_id, body, len);

	return fake_user_write(session, env->out, n);
}

/**
 * fake_user_send() - write one message, which must be accepted
 * @env: the environment
 * @session: the client's session
 * @type: type of the message
 * @id: the client's id for it
 * @tx_id: its transaction
 * @body: its body
 * @len: length of the body
 *
 * Context: The test's own thread; the test has ended if it was not accepted.
 */
void fake_user_send(struct test_env *env, struct xs_session *session,
		    u32 type, u32 id, u32 tx_id, const void *body, size_t len)
{
	KUNIT_ASSERT_EQ(env->test,
			fake_user_try_send(env, session, type, id, tx_id,
					   body, len),
			sizeof(struct xsd_sockmsg) + len);
}

/**
 * fake_user_start() - open a transaction
 * @env: the environment; the test has seen all messages
 * @session: the client's session
 * @tx_id: its id, as the server says it
 *
 * Context: The test's own thread.
 * Return: The id.
 */
u32 fake_user_start(struct test_env *env, struct xs_session *session,
		    const char *tx_id)
{
	u32 id = 0;

	fake_user_send(env, session, XS_TRANSACTION_START, 1, 0, "", 1);
	test_env_reply(env, test_env_next(env), tx_id, strlen(tx_id) + 1);
	fake_user_expect(env, session, XS_TRANSACTION_START, 1, 0, tx_id,
			 strlen(tx_id) + 1);
	KUNIT_ASSERT_EQ(env->test, kstrtou32(tx_id, 10, &id), 0);
	return id;
}

/**
 * fake_user_watch() - set a watch
 * @env: the environment; the test has seen all messages
 * @session: the client's session
 * @body: path and token
 * @len: length of both
 *
 * Context: The test's own thread.
 * Return: The XS_WATCH as the peer has received it.
 */
const struct fake_message *fake_user_watch(struct test_env *env,
					   struct xs_session *session,
					   const void *body, size_t len)
{
	const struct fake_message *msg;

	fake_user_send(env, session, XS_WATCH, 1, 0, body, len);
	msg = test_env_next(env);
	test_env_reply(env, msg, "OK", 3);
	fake_user_expect(env, session, XS_WATCH, 1, 0, "OK", 3);
	return msg;
}

/**
 * fake_user_receive() - read one message into &test_env.received
 * @env: the environment
 * @session: the client's session
 *
 * Context: The test's own thread.
 * Return: true if there was one.
 */
bool fake_user_receive(struct test_env *env, struct xs_session *session)
{
	struct fake_received *in = &env->received;
	ssize_t n;

	memset(in, 0, sizeof(*in));
	n = fake_user_read(session, &in->hdr, sizeof(in->hdr));
	if (n == -EAGAIN)
		return false;
	KUNIT_ASSERT_EQ(env->test, n, sizeof(in->hdr));
	KUNIT_ASSERT_LE(env->test, in->hdr.len, XENSTORE_PAYLOAD_MAX);
	KUNIT_ASSERT_EQ(env->test,
			fake_user_read(session, in->body, in->hdr.len),
			in->hdr.len);
	return true;
}

/**
 * fake_user_expect() - the next message for a client must be this one
 * @env: the environment
 * @session: the client's session
 * @type: type of the message
 * @id: its id
 * @tx_id: its transaction
 * @body: its body
 * @len: length of the body
 *
 * Context: The test's own thread.
 */
void fake_user_expect(struct test_env *env, struct xs_session *session,
		      u32 type, u32 id, u32 tx_id, const void *body,
		      size_t len)
{
	struct fake_received *in = &env->received;
	struct kunit *test = env->test;

	test_env_run(env);
	if (env->conn->thread)
		fake_wait_until(xs_session_readable(session));
	KUNIT_ASSERT_TRUE_MSG(test, fake_user_receive(env, session),
			      "there is no message to read");
	KUNIT_EXPECT_EQ(test, in->hdr.type, type);
	KUNIT_EXPECT_EQ(test, in->hdr.req_id, id);
	KUNIT_EXPECT_EQ(test, in->hdr.tx_id, tx_id);
	KUNIT_EXPECT_EQ(test, in->hdr.len, len);
	KUNIT_EXPECT_TRUE_MSG(test, !memcmp(in->body, body, len),
			      "the body is '%s'", in->body);
}

/**
 * fake_user_expect_event() - the next message must be this event
 * @env: the environment
 * @session: the client's session
 * @body: path and token
 * @len: length of both
 *
 * Context: The test's own thread.
 */
void fake_user_expect_event(struct test_env *env,
			    struct xs_session *session, const void *body,
			    size_t len)
{
	fake_user_expect(env, session, XS_WATCH_EVENT, 0, 0, body, len);
}

/**
 * fake_user_expect_nothing() - there must be no message for a client
 * @env: the environment
 * @session: the client's session
 *
 * Context: The test's own thread.
 */
void fake_user_expect_nothing(struct test_env *env,
			      struct xs_session *session)
{
	test_env_run(env);
	KUNIT_EXPECT_FALSE_MSG(env->test, fake_user_receive(env, session),
			       "an unexpected message of type %u",
			       env->received.hdr.type);
}
