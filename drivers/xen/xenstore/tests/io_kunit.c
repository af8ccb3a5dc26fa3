// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of when the kthread polls.
 *
 * A test is the thread here: it calls what the thread calls. How long a poll
 * takes is not judged, only whether there was one that was in vain, which the
 * connection remembers.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "fake_conn.h"
#include "fake_peer.h"

struct poll_fixture {
	struct fake_peer *peer;
	struct xs_conn *conn;
};

static int poll_init(struct kunit *test)
{
	struct poll_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->peer = fake_peer_create(test);
	f->conn = fake_conn_create(test, &f->peer->t, NULL, NULL, FAKE_CONN_UP);
	f->conn->poll_us = 1;
	test->priv = f;
	return 0;
}

/* One request, which the peer has and does not answer yet. */
static void poll_ask(struct kunit *test)
{
	struct poll_fixture *f = test->priv;

	fake_conn_submit(test, f->conn, XS_READ, "/node", 6);
	KUNIT_ASSERT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 1);
}

static void poll_answer(struct kunit *test)
{
	struct poll_fixture *f = test->priv;

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "v", 1);
	fake_peer_settle(f->peer);
}

static void poll_finish(struct kunit *test)
{
	struct poll_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
}

static bool poll_was_in_vain(struct xs_conn *conn)
{
	xs_conn_poll(conn);
	return conn->poll_pause;
}

/*
 * Others may be about to run, and nothing is polled for until they have.
 * Afterwards a poll would be in vain again, were it tried.
 */
static void poll_in_vain(struct kunit *test)
{
	struct poll_fixture *f = test->priv;

	KUNIT_ASSERT_TRUE(test, fake_wait_until(poll_was_in_vain(f->conn)));
}

static void poll_expect_none(struct kunit *test)
{
	struct poll_fixture *f = test->priv;
	unsigned int i;

	f->conn->poll_pause = 0;
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_FALSE(test, poll_was_in_vain(f->conn));
}

static void poll_ends_when_its_time_is_up(struct kunit *test)
{
	struct poll_fixture *f = test->priv;

	poll_ask(test);
	poll_in_vain(test);
	KUNIT_EXPECT_FALSE(test, xs_conn_has_work(f->conn));
	poll_answer(test);
	poll_finish(test);
}

static void poll_ends_with_an_answer(struct kunit *test)
{
	struct poll_fixture *f = test->priv;

	poll_ask(test);
	poll_in_vain(test);
	poll_answer(test);
	poll_expect_none(test);
	KUNIT_EXPECT_TRUE(test, xs_conn_has_work(f->conn));
	poll_finish(test);
}

static void poll_is_for_an_answer_only(struct kunit *test)
{
	poll_ask(test);
	poll_in_vain(test);
	poll_answer(test);
	poll_finish(test);
	poll_expect_none(test);
}

static void poll_in_vain_is_not_repeated_at_once(struct kunit *test)
{
	struct poll_fixture *f = test->priv;
	unsigned int pause;

	poll_ask(test);
	poll_in_vain(test);
	pause = f->conn->poll_pause;
	xs_conn_poll(f->conn);
	KUNIT_EXPECT_EQ(test, f->conn->poll_pause, pause - 1);
	poll_answer(test);
	poll_finish(test);
}

static void poll_does_not_keep_the_cpu_from_a_local_server(struct kunit *test)
{
	struct poll_fixture *f = test->priv;

	if (num_online_cpus() > 1)
		kunit_skip(test, "the server has a CPU of its own");
	poll_ask(test);
	poll_in_vain(test);
	f->peer->t.peer_is_local = true;
	poll_expect_none(test);
	f->peer->t.peer_is_local = false;
	poll_answer(test);
	poll_finish(test);
}

static struct kunit_case poll_cases[] = {
	KUNIT_CASE(poll_ends_when_its_time_is_up),
	KUNIT_CASE(poll_ends_with_an_answer),
	KUNIT_CASE(poll_is_for_an_answer_only),
	KUNIT_CASE(poll_in_vain_is_not_repeated_at_once),
	KUNIT_CASE(poll_does_not_keep_the_cpu_from_a_local_server),
	{}
};

static struct kunit_suite poll_suite = {
	.name = "xenstore_conn_poll",
	.init = poll_init,
	.test_cases = poll_cases,
};

kunit_test_suites(&poll_suite);
