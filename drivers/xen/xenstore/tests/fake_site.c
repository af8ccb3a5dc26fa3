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

#include "fake_client.h"

static void fake_site_release(void *data)
{
	struct fake_site *site = data;

	xs_watches_stop(&site->watches);
	xs_conn_stop(site->conn);
	KUNIT_EXPECT_FALSE_MSG(site->test, fake_site_has_watches(site),
			       "a watch has not been removed");
	xs_watches_destroy(&site->watches);
}

/**
 * fake_site_create_at() - make a site without threads
 * @test: the test it belongs to
 * @peer: what is at the other end
 *
 * Context: The test's own thread.
 * Return: The site; the test has ended if anything failed.
 */
struct fake_site *fake_site_create_at(struct kunit *test,
				      struct fake_peer *peer)
{
	struct fake_site *site;

	site = kunit_kzalloc(test, sizeof(*site), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, site);
	site->test = test;
	site->peer = peer;
	site->limits = (struct xs_session_limits){
		.requests = 1024,
		.bytes = 1 << 20,
		.events = 1024,
	};
	site->conn = fake_conn_create(test, &site->peer->t, &xs_watch_conn_ops,
				      &site->watches, FAKE_CONN_UP);
	xs_watches_init(&site->watches, site->conn);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_site_release,
							site), 0);
	return site;
}

/**
 * fake_site_create() - make a site without threads at a scripted peer
 * @test: the test it belongs to
 *
 * Context: The test's own thread.
 * Return: The site; the test has ended if anything failed.
 */
struct fake_site *fake_site_create(struct kunit *test)
{
	return fake_site_create_at(test, fake_peer_create(test));
}

/**
 * fake_site_start() - start the I/O thread
 * @site: a site without one
 *
 * Context: The test's own thread.
 */
void fake_site_start(struct fake_site *site)
{
	KUNIT_ASSERT_EQ(site->test, xs_conn_start(site->conn), 0);
}

/**
 * fake_site_run() - let everything move that can
 * @site: the site; if it has an I/O thread, that one does its part
 *
 * Context: The test's own thread.
 */
void fake_site_run(struct fake_site *site)
{
	if (!site->conn->thread) {
		fake_peer_run(site->peer, site->conn);
		return;
	}
	do {
		fake_wait_until(!xs_conn_has_work(site->conn));
	} while (fake_peer_step(site->peer));
}

/**
 * fake_site_next() - the oldest message that the test has not seen yet
 * @site: the site, which is run first
 *
 * Context: The test's own thread.
 * Return: The message, or NULL if there is none.
 */
const struct fake_message *fake_site_next(struct fake_site *site)
{
	const struct fake_message *msg;

	fake_site_run(site);
	msg = fake_peer_seen(site->peer, site->next);
	if (msg)
		site->next++;
	return msg;
}

static bool fake_site_has_next(struct fake_site *site)
{
	fake_site_run(site);
	return fake_peer_count(site->peer) > site->next;
}

/**
 * fake_site_await() - wait for a message that another thread sends
 * @site: the site
 *
 * Context: The test's own thread.
 * Return: The oldest message that the test has not seen yet; the test has
 * ended if there is none for too long.
 */
const struct fake_message *fake_site_await(struct fake_site *site)
{
	KUNIT_ASSERT_TRUE_MSG(site->test,
			      fake_wait_until(fake_site_has_next(site)),
			      "the peer has not received a message");
	return fake_site_next(site);
}

/**
 * fake_site_reply() - answer a message, and let the answer through
 * @site: the site
 * @msg: the message; must not be NULL
 * @body: body of the answer
 * @len: length of the body
 *
 * Context: The test's own thread.
 */
void fake_site_reply(struct fake_site *site, const struct fake_message *msg,
		     const void *body, size_t len)
{
	KUNIT_ASSERT_NOT_NULL(site->test, msg);
	fake_peer_reply_to(site->peer, msg, body, len);
	fake_site_run(site);
}

/**
 * fake_site_refuse() - answer a message with XS_ERROR
 * @site: the site
 * @msg: the message; must not be NULL
 * @error: name of the error
 *
 * Context: The test's own thread.
 */
void fake_site_refuse(struct fake_site *site, const struct fake_message *msg,
		      const char *error)
{
	KUNIT_ASSERT_NOT_NULL(site->test, msg);
	fake_peer_reply(site->peer, XS_ERROR, msg->hdr.req_id, error,
			strlen(error) + 1);
	fake_site_run(site);
}

/**
 * fake_site_token() - what the driver wants to get back in events
 * @watch: an XS_WATCH or XS_UNWATCH as the peer has received it
 *
 * Context: Any.
 * Return: The second string of its body.
 */
const char *fake_site_token(const struct fake_message *watch)
{
	return watch->body + strlen(watch->body) + 1;
}

/**
 * fake_site_event() - let a watch fire
 * @site: the site
 * @watch: its XS_WATCH
 * @path: the path that has changed
 *
 * Context: The test's own thread.
 */
void fake_site_event(struct fake_site *site, const struct fake_message *watch,
		     const char *path)
{
	fake_peer_event(site->peer, path, fake_site_token(watch));
	fake_site_run(site);
}

/**
 * fake_site_answer() - answer a message as a server in a good mood does
 * @site: the site
 * @msg: the message; must not be NULL
 *
 * Context: The test's own thread.
 */
void fake_site_answer(struct fake_site *site, const struct fake_message *msg)
{
	char tx_id[12];
	int len;

	KUNIT_ASSERT_NOT_NULL(site->test, msg);
	if (msg->hdr.type != XS_TRANSACTION_START) {
		fake_site_reply(site, msg, "OK", 3);
		return;
	}
	len = snprintf(tx_id, sizeof(tx_id), "%u", ++site->tx_id);
	fake_site_reply(site, msg, tx_id, len + 1);
}

/**
 * fake_site_answer_all() - answer whatever the test has not seen yet
 * @site: the site
 *
 * Context: The test's own thread.
 * Return: Number of messages answered.
 */
unsigned int fake_site_answer_all(struct fake_site *site)
{
	const struct fake_message *msg;
	unsigned int n = 0;

	while ((msg = fake_site_next(site))) {
		fake_site_answer(site, msg);
		n++;
	}
	return n;
}

/**
 * fake_site_has_watches() - is there any watch left?
 * @site: the site
 *
 * Context: Process.
 * Return: true if the registry has an entry.
 */
bool fake_site_has_watches(struct fake_site *site)
{
	unsigned long id = 0;

	return xa_find(&site->watches.entries, &id, ULONG_MAX, XA_PRESENT);
}

/**
 * fake_site_suspend() - suspend, which must be possible without waiting
 * @site: the site
 *
 * Context: The test's own thread; the test has ended if somebody is in the way.
 */
void fake_site_suspend(struct fake_site *site)
{
	struct xs_gate *gate = &site->conn->gate;

	KUNIT_ASSERT_FALSE(site->test, gate->closed);
	KUNIT_ASSERT_EQ_MSG(site->test, gate->inside, 0,
			    "a request keeps the suspend from completing");
	KUNIT_ASSERT_TRUE_MSG(site->test, list_empty(&gate->holds),
			      "a transaction keeps the suspend from completing");
	xs_watches_suspend(&site->watches);
}

static int fake_site_resume_call(void *data)
{
	struct fake_site *site = data;

	xs_watches_resume(&site->watches);
	return 0;
}

/**
 * fake_site_start_resume() - begin to resume
 * @site: a site that is suspended
 *
 * Context: The test's own thread.
 * Return: The resume, which waits until all watches have been set again.
 */
struct fake_call *fake_site_start_resume(struct fake_site *site)
{
	return fake_call_start(site->test, fake_site_resume_call, site, NULL);
}

static bool fake_site_answers_until(struct fake_site *site,
				    struct fake_call *call)
{
	fake_site_answer_all(site);
	return fake_call_is_done(call);
}

/**
 * fake_site_resume() - resume with a server that sets every watch again
 * @site: a site that is suspended
 *
 * Context: The test's own thread, sleeps.
 */
void fake_site_resume(struct fake_site *site)
{
	struct fake_call *resume = fake_site_start_resume(site);

	KUNIT_ASSERT_TRUE_MSG(site->test,
			      fake_wait_until(fake_site_answers_until(site,
								      resume)),
			      "the resume does not complete");
}
