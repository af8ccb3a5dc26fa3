// SPDX-License-Identifier: GPL-2.0-only
/*
 * A test environment: everything that a session or a watch needs.
 *
 * The test plays the server, through a scripted peer, unless it brings one that
 * replies by itself. There is no thread unless a test starts one.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"

static void test_env_release(void *data)
{
	struct test_env *env = data;
	struct xs_gate *gate = &env->conn->gate;

	xs_store_stop(&env->store);
	KUNIT_EXPECT_FALSE_MSG(env->test, test_env_has_watches(env),
			       "a watch has not been removed");
	xs_store_destroy(&env->store);
	KUNIT_EXPECT_EQ_MSG(env->test, gate->inside, 0,
			    "a request has not left the gate");
	KUNIT_EXPECT_TRUE_MSG(env->test, list_empty(&gate->pins),
			      "a transaction has not ended");
}

/**
 * test_env_create_at() - make an environment without threads
 * @test: the test it belongs to
 * @peer: what is at the other end
 *
 * Context: The test's own thread.
 * Return: The env; the test has ended if anything failed.
 */
struct test_env *test_env_create_at(struct kunit *test,
				    struct fake_peer *peer)
{
	struct test_env *env;

	env = kunit_kzalloc(test, sizeof(*env), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, env);
	env->test = test;
	env->peer = peer;
	env->store.limits = (struct xs_limits)XS_LIMITS_DEFAULT;
	env->conn = &env->store.conn;
	xs_store_init(&env->store, &peer->t);
	/* Ids that a test can foretell. */
	env->conn->next_id = 1;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_env_release,
							env), 0);
	KUNIT_ASSERT_EQ(test, xs_io_connect(env->conn), 0);
	return env;
}

/**
 * test_env_create() - make an environment without threads at a scripted peer
 * @test: the test it belongs to
 *
 * Context: The test's own thread.
 * Return: The env; the test has ended if anything failed.
 */
struct test_env *test_env_create(struct kunit *test)
{
	return test_env_create_at(test, fake_peer_create(test));
}

/**
 * test_env_start() - start the kthread
 * @env: an environment without one
 *
 * Context: The test's own thread.
 */
void test_env_start(struct test_env *env)
{
	KUNIT_ASSERT_EQ(env->test, xs_io_start(env->conn), 0);
}

/**
 * test_env_run() - let everything move that can
 * @env: the environment; if it has a kthread, that does its part
 *
 * Context: The test's own thread.
 */
void test_env_run(struct test_env *env)
{
	if (!env->conn->thread) {
		fake_peer_run(env->peer, env->conn);
		return;
	}
	do {
		fake_wait_until(!xs_io_has_work(env->conn));
	} while (fake_peer_step(env->peer));
}

/**
 * test_env_next() - the oldest message that the test has not seen yet
 * @env: the environment, which is run first
 *
 * Context: The test's own thread.
 * Return: The message, or NULL if there is none.
 */
const struct fake_message *test_env_next(struct test_env *env)
{
	const struct fake_message *msg;

	test_env_run(env);
	msg = fake_peer_seen(env->peer, env->next);
	if (msg)
		env->next++;
	return msg;
}

static bool test_env_has_next(struct test_env *env)
{
	test_env_run(env);
	return fake_peer_count(env->peer) > env->next;
}

/**
 * test_env_await() - wait for a message that another thread sends
 * @env: the environment
 *
 * Context: The test's own thread.
 * Return: The oldest message that the test has not seen yet; the test has
 * ended if there is none for too long.
 */
const struct fake_message *test_env_await(struct test_env *env)
{
	KUNIT_ASSERT_TRUE_MSG(env->test,
			      fake_wait_until(test_env_has_next(env)),
			      "the peer has not received a message");
	return test_env_next(env);
}

/**
 * test_env_reply() - reply to a message and deliver the reply
 * @env: the environment
 * @msg: the message; must not be NULL
 * @body: body of the reply
 * @len: length of the body
 *
 * Context: The test's own thread.
 */
void test_env_reply(struct test_env *env, const struct fake_message *msg,
		    const void *body, size_t len)
{
	KUNIT_ASSERT_NOT_NULL(env->test, msg);
	fake_peer_reply_to(env->peer, msg, body, len);
	test_env_run(env);
}

/**
 * test_env_refuse() - reply to a message with XS_ERROR
 * @env: the environment
 * @msg: the message; must not be NULL
 * @error: name of the error
 *
 * Context: The test's own thread.
 */
void test_env_refuse(struct test_env *env, const struct fake_message *msg,
		     const char *error)
{
	KUNIT_ASSERT_NOT_NULL(env->test, msg);
	fake_peer_reply(env->peer, XS_ERROR, msg->hdr.req_id, error,
			strlen(error) + 1);
	test_env_run(env);
}

/**
 * test_env_token() - what the driver wants to get back in events
 * @watch: an XS_WATCH or XS_UNWATCH as the peer has received it
 *
 * Context: Any.
 * Return: The second string of its body.
 */
const char *test_env_token(const struct fake_message *watch)
{
	return watch->body + strlen(watch->body) + 1;
}

/**
 * test_env_event() - let a watch fire
 * @env: the environment
 * @watch: its XS_WATCH
 * @path: the path that has changed
 *
 * Context: The test's own thread.
 */
void test_env_event(struct test_env *env, const struct fake_message *watch,
		    const char *path)
{
	fake_peer_event(env->peer, path, test_env_token(watch));
	test_env_run(env);
}

/**
 * test_env_answer() - reply to a message with success
 * @env: the environment
 * @msg: the message; must not be NULL
 *
 * Context: The test's own thread.
 */
void test_env_answer(struct test_env *env, const struct fake_message *msg)
{
	char tx_id[12];
	int len;

	KUNIT_ASSERT_NOT_NULL(env->test, msg);
	if (msg->hdr.type != XS_TRANSACTION_START) {
		test_env_reply(env, msg, "OK", 3);
		return;
	}
	len = snprintf(tx_id, sizeof(tx_id), "%u", ++env->tx_id);
	test_env_reply(env, msg, tx_id, len + 1);
}

/**
 * test_env_answer_all() - reply to all that the test has not seen yet
 * @env: the environment
 *
 * Context: The test's own thread.
 * Return: Number of replies.
 */
unsigned int test_env_answer_all(struct test_env *env)
{
	const struct fake_message *msg;
	unsigned int n = 0;

	while ((msg = test_env_next(env))) {
		test_env_answer(env, msg);
		n++;
	}
	return n;
}

/**
 * test_env_has_watches() - is there any watch left?
 * @env: the environment
 *
 * Context: Process.
 * Return: true if the registry has an entry.
 */
bool test_env_has_watches(struct test_env *env)
{
	unsigned long id = 0;

	return xa_find(&env->store.watches.entries, &id, ULONG_MAX, XA_PRESENT);
}

/**
 * test_env_suspend() - suspend, which must be possible without waiting
 * @env: the environment
 *
 * Context: The test's own thread; the test has ended if a request is in flight.
 */
void test_env_suspend(struct test_env *env)
{
	struct xs_gate *gate = &env->conn->gate;

	KUNIT_ASSERT_FALSE(env->test, gate->closed);
	KUNIT_ASSERT_EQ_MSG(env->test, gate->inside, 0,
			    "a request keeps the suspend from completing");
	KUNIT_ASSERT_TRUE_MSG(env->test, list_empty(&gate->pins),
			      "a transaction keeps the suspend from completing");
	xs_store_suspend(&env->store);
}

static int test_env_resume_call(void *data)
{
	struct test_env *env = data;

	xs_store_resume(&env->store);
	return 0;
}

/**
 * test_env_start_resume() - begin to resume
 * @env: an environment that is suspended
 *
 * Context: The test's own thread.
 * Return: The resume, which has attached the rings, and waits until all watches
 * have been set again.
 */
struct fake_call *test_env_start_resume(struct test_env *env)
{
	struct fake_call *resume;

	resume = fake_call_start(env->test, test_env_resume_call, env, NULL);
	/* Until it waits for replies, the rings belong to the resume. */
	fake_wait_until(fake_call_sleeps(resume) || fake_call_is_done(resume));
	return resume;
}

static bool test_env_answers_until(struct test_env *env,
				   struct fake_call *call)
{
	test_env_answer_all(env);
	return fake_call_is_done(call);
}

/**
 * test_env_resume() - resume with a server that sets every watch again
 * @env: an environment that is suspended
 *
 * Context: The test's own thread, sleeps.
 */
void test_env_resume(struct test_env *env)
{
	struct fake_call *resume = test_env_start_resume(env);

	KUNIT_ASSERT_TRUE_MSG(env->test,
			      fake_wait_until(test_env_answers_until(env,
								     resume)),
			      "the resume does not complete");
}
