// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sites for tests: everything that a session or a watch needs.
 *
 * The test plays the server, through a scripted peer, unless it brings one that
 * answers by itself. There is no thread unless a test starts one.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"

static void test_env_release(void *data)
{
	struct test_env *site = data;
	struct xs_gate *gate = &site->conn->gate;

	xs_store_stop(&site->store);
	KUNIT_EXPECT_FALSE_MSG(site->test, test_env_has_watches(site),
			       "a watch has not been removed");
	xs_store_destroy(&site->store);
	KUNIT_EXPECT_EQ_MSG(site->test, gate->inside, 0,
			    "a request has not left the gate");
	KUNIT_EXPECT_TRUE_MSG(site->test, list_empty(&gate->holds),
			      "a transaction has not ended");
}

/**
 * test_env_create_at() - make a site without threads
 * @test: the test it belongs to
 * @peer: what is at the other end
 *
 * Context: The test's own thread.
 * Return: The site; the test has ended if anything failed.
 */
struct test_env *test_env_create_at(struct kunit *test,
				      struct fake_peer *peer)
{
	struct test_env *site;

	site = kunit_kzalloc(test, sizeof(*site), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, site);
	site->test = test;
	site->peer = peer;
	site->store.limits = (struct xs_limits)XS_LIMITS_DEFAULT;
	site->conn = &site->store.conn;
	xs_store_init(&site->store, &peer->t);
	/* Ids that a test can foretell. */
	site->conn->next_id = 1;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_env_release,
							site), 0);
	KUNIT_ASSERT_EQ(test, xs_io_connect(site->conn), 0);
	return site;
}

/**
 * test_env_create() - make a site without threads at a scripted peer
 * @test: the test it belongs to
 *
 * Context: The test's own thread.
 * Return: The site; the test has ended if anything failed.
 */
struct test_env *test_env_create(struct kunit *test)
{
	return test_env_create_at(test, fake_peer_create(test));
}

/**
 * test_env_start() - start the kthread
 * @site: a site without one
 *
 * Context: The test's own thread.
 */
void test_env_start(struct test_env *site)
{
	KUNIT_ASSERT_EQ(site->test, xs_io_start(site->conn), 0);
}

/**
 * test_env_run() - let everything move that can
 * @site: the site; if it has an kthread, that one does its part
 *
 * Context: The test's own thread.
 */
void test_env_run(struct test_env *site)
{
	if (!site->conn->thread) {
		fake_peer_run(site->peer, site->conn);
		return;
	}
	do {
		fake_wait_until(!xs_io_has_work(site->conn));
	} while (fake_peer_step(site->peer));
}

/**
 * test_env_next() - the oldest message that the test has not seen yet
 * @site: the site, which is run first
 *
 * Context: The test's own thread.
 * Return: The message, or NULL if there is none.
 */
const struct fake_message *test_env_next(struct test_env *site)
{
	const struct fake_message *msg;

	test_env_run(site);
	msg = fake_peer_seen(site->peer, site->next);
	if (msg)
		site->next++;
	return msg;
}

static bool test_env_has_next(struct test_env *site)
{
	test_env_run(site);
	return fake_peer_count(site->peer) > site->next;
}

/**
 * test_env_await() - wait for a message that another thread sends
 * @site: the site
 *
 * Context: The test's own thread.
 * Return: The oldest message that the test has not seen yet; the test has
 * ended if there is none for too long.
 */
const struct fake_message *test_env_await(struct test_env *site)
{
	KUNIT_ASSERT_TRUE_MSG(site->test,
			      fake_wait_until(test_env_has_next(site)),
			      "the peer has not received a message");
	return test_env_next(site);
}

/**
 * test_env_reply() - answer a message, and let the answer through
 * @site: the site
 * @msg: the message; must not be NULL
 * @body: body of the answer
 * @len: length of the body
 *
 * Context: The test's own thread.
 */
void test_env_reply(struct test_env *site, const struct fake_message *msg,
		     const void *body, size_t len)
{
	KUNIT_ASSERT_NOT_NULL(site->test, msg);
	fake_peer_reply_to(site->peer, msg, body, len);
	test_env_run(site);
}

/**
 * test_env_refuse() - answer a message with XS_ERROR
 * @site: the site
 * @msg: the message; must not be NULL
 * @error: name of the error
 *
 * Context: The test's own thread.
 */
void test_env_refuse(struct test_env *site, const struct fake_message *msg,
		      const char *error)
{
	KUNIT_ASSERT_NOT_NULL(site->test, msg);
	fake_peer_reply(site->peer, XS_ERROR, msg->hdr.req_id, error,
			strlen(error) + 1);
	test_env_run(site);
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
 * @site: the site
 * @watch: its XS_WATCH
 * @path: the path that has changed
 *
 * Context: The test's own thread.
 */
void test_env_event(struct test_env *site, const struct fake_message *watch,
		     const char *path)
{
	fake_peer_event(site->peer, path, test_env_token(watch));
	test_env_run(site);
}

/**
 * test_env_answer() - answer a message as a server in a good mood does
 * @site: the site
 * @msg: the message; must not be NULL
 *
 * Context: The test's own thread.
 */
void test_env_answer(struct test_env *site, const struct fake_message *msg)
{
	char tx_id[12];
	int len;

	KUNIT_ASSERT_NOT_NULL(site->test, msg);
	if (msg->hdr.type != XS_TRANSACTION_START) {
		test_env_reply(site, msg, "OK", 3);
		return;
	}
	len = snprintf(tx_id, sizeof(tx_id), "%u", ++site->tx_id);
	test_env_reply(site, msg, tx_id, len + 1);
}

/**
 * test_env_answer_all() - answer whatever the test has not seen yet
 * @site: the site
 *
 * Context: The test's own thread.
 * Return: Number of messages answered.
 */
unsigned int test_env_answer_all(struct test_env *site)
{
	const struct fake_message *msg;
	unsigned int n = 0;

	while ((msg = test_env_next(site))) {
		test_env_answer(site, msg);
		n++;
	}
	return n;
}

/**
 * test_env_has_watches() - is there any watch left?
 * @site: the site
 *
 * Context: Process.
 * Return: true if the registry has an entry.
 */
bool test_env_has_watches(struct test_env *site)
{
	unsigned long id = 0;

	return xa_find(&site->store.watches.entries, &id, ULONG_MAX, XA_PRESENT);
}

/**
 * test_env_suspend() - suspend, which must be possible without waiting
 * @site: the site
 *
 * Context: The test's own thread; the test has ended if somebody is in the way.
 */
void test_env_suspend(struct test_env *site)
{
	struct xs_gate *gate = &site->conn->gate;

	KUNIT_ASSERT_FALSE(site->test, gate->closed);
	KUNIT_ASSERT_EQ_MSG(site->test, gate->inside, 0,
			    "a request keeps the suspend from completing");
	KUNIT_ASSERT_TRUE_MSG(site->test, list_empty(&gate->holds),
			      "a transaction keeps the suspend from completing");
	xs_store_suspend(&site->store);
}

static int test_env_resume_call(void *data)
{
	struct test_env *site = data;

	xs_store_resume(&site->store);
	return 0;
}

/**
 * test_env_start_resume() - begin to resume
 * @site: a site that is suspended
 *
 * Context: The test's own thread.
 * Return: The resume, which waits until all watches have been set again.
 */
struct fake_call *test_env_start_resume(struct test_env *site)
{
	return fake_call_start(site->test, test_env_resume_call, site, NULL);
}

static bool test_env_answers_until(struct test_env *site,
				    struct fake_call *call)
{
	test_env_answer_all(site);
	return fake_call_is_done(call);
}

/**
 * test_env_resume() - resume with a server that sets every watch again
 * @site: a site that is suspended
 *
 * Context: The test's own thread, sleeps.
 */
void test_env_resume(struct test_env *site)
{
	struct fake_call *resume = test_env_start_resume(site);

	KUNIT_ASSERT_TRUE_MSG(site->test,
			      fake_wait_until(test_env_answers_until(site,
								      resume)),
			      "the resume does not complete");
}
