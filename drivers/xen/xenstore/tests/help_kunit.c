// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of a caller who receives its reply itself.
 *
 * No thread runs: what is received was received by the caller, or by the test
 * where it steps the pump. Who sleeps on the queue of the kthread is counted.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>

#include "fake_memory.h"
#include "fake_peer.h"
#include "ops.h"

struct help_fixture {
	struct fake_peer *peer;
	struct xs_conn *conn;
	struct wait_queue_entry entry;
	unsigned int wakes;
	unsigned int events;
};

static int help_count_wake(struct wait_queue_entry *entry, unsigned int mode,
			   int flags, void *key)
{
	struct help_fixture *f = container_of(entry, struct help_fixture,
					      entry);

	f->wakes++;
	return 0;
}

static int help_count_event(struct xs_conn *conn, const char *body, size_t len)
{
	struct help_fixture *f = conn->owner;

	f->events++;
	return 0;
}

static const struct xs_conn_ops help_ops = {
	.event = help_count_event,
};

static int help_init(struct kunit *test)
{
	struct help_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->peer = fake_peer_create(test);
	f->conn = fake_conn_create(test, &f->peer->t, &help_ops, f,
				   FAKE_CONN_UP);
	/* As if a thread ran. */
	f->conn->direct = true;
	init_waitqueue_func_entry(&f->entry, help_count_wake);
	add_wait_queue(&f->conn->wq, &f->entry);
	test->priv = f;
	return 0;
}

static void help_exit(struct kunit *test)
{
	struct help_fixture *f = test->priv;

	if (f)
		remove_wait_queue(&f->conn->wq, &f->entry);
}

static int help_read(void *arg)
{
	unsigned int len;
	void *value = xs_op_read(arg, 0, "/node", "", &len);

	if (IS_ERR(value))
		return PTR_ERR(value);
	kfree(value);
	return len;
}

/* Three rings full. */
static const char help_large[3 * XENSTORE_RING_SIZE] = { 1 };

static int help_write(void *arg)
{
	return xs_op_write(arg, 0, "/node", "", help_large,
			   sizeof(help_large));
}

static void help_unblock(void *arg)
{
	struct xs_conn *conn = arg;

	xs_conn_break(conn, -ESHUTDOWN);
	xs_conn_pump(conn);
}

/* A caller sleeps, and the peer has its request, the first or the COUNTth. */
static struct fake_call *help_caller(struct kunit *test, unsigned int count)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call;

	call = fake_call_start(test, help_read, f->conn, help_unblock);
	KUNIT_ASSERT_TRUE(test, fake_call_sleeps(call));
	fake_peer_settle(f->peer);
	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), count);
	return call;
}

/* LEN bytes as the answer to the Nth request, on the ring and signalled. */
static void help_answer(struct kunit *test, unsigned int n, size_t len)
{
	static const char bytes[2000];
	struct help_fixture *f = test->priv;

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, n), bytes, len);
	fake_peer_settle(f->peer);
}

static void caller_receives_its_reply(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call = help_caller(test, 1);

	help_answer(test, 0, 5);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 5);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
	KUNIT_EXPECT_EQ(test, f->conn->stats.replies, 1);
	KUNIT_EXPECT_EQ(test, f->conn->stats.turns, 0);
	KUNIT_EXPECT_FALSE(test, f->conn->helping);
}

static void caller_with_a_large_request_receives_its_reply(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call;

	call = fake_call_start(test, help_write, f->conn, help_unblock);
	KUNIT_ASSERT_TRUE(test, fake_call_sleeps(call));
	fake_peer_settle(f->peer);
	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 1);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "OK", 3);
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
	KUNIT_EXPECT_EQ(test, f->conn->stats.turns, 0);
}

static void caller_receives_replies_of_those_who_came_later(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call = help_caller(test, 1);
	struct xs_request *other;

	other = fake_conn_submit(test, f->conn, XS_READ, "/other", 7);
	fake_peer_settle(f->peer);
	help_answer(test, 1, 1);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(xs_request_is_done(other)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));
	help_answer(test, 0, 5);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 5);
	KUNIT_EXPECT_EQ(test, f->conn->stats.turns, 0);
}

static void caller_who_is_not_alone_does_not_help(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call;

	fake_conn_submit(test, f->conn, XS_READ, "/other", 7);
	call = help_caller(test, 2);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(f->conn->helping));
	help_answer(test, 0, 1);
	help_answer(test, 1, 5);
	KUNIT_EXPECT_GT(test, f->wakes, 0);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 5);
}

static void caller_does_not_help_while_the_thread_may_be_parked(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call;

	f->conn->direct = false;
	call = fake_call_start(test, help_read, f->conn, help_unblock);
	KUNIT_ASSERT_TRUE(test, fake_call_sleeps(call));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(f->conn->helping));
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	help_answer(test, 0, 5);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 5);
}

static void event_is_left_to_the_thread(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call = help_caller(test, 1);

	fake_peer_event(f->peer, "/path", "token");
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_GT(test, f->wakes, 0);
	KUNIT_EXPECT_EQ(test, f->conn->stats.pokes, 0);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_EQ(test, f->events, 1);
	help_answer(test, 0, 5);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 5);
}

static void event_behind_a_reply_is_left_to_the_thread(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call = help_caller(test, 1);

	/* Both are there when the only signal comes. */
	f->peer->t.notified = NULL;
	help_answer(test, 0, 5);
	fake_peer_event(f->peer, "/path", "token");
	fake_peer_settle(f->peer);
	KUNIT_ASSERT_TRUE(test, xs_conn_poke_helper(f->conn));
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 5);
	KUNIT_EXPECT_GT(test, READ_ONCE(f->wakes), 0);
	KUNIT_EXPECT_EQ(test, f->events, 0);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void caller_receives_a_large_reply(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call = help_caller(test, 1);

	help_answer(test, 0, 2000);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 2000);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
	KUNIT_EXPECT_EQ(test, f->conn->stats.turns, 0);
}

static void large_event_is_left_to_the_thread(struct kunit *test)
{
	static const char bytes[2000] = "/path";
	struct help_fixture *f = test->priv;
	struct fake_call *call = help_caller(test, 1);

	fake_peer_reply(f->peer, XS_WATCH_EVENT, 0, bytes, sizeof(bytes));
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->wakes)));
	KUNIT_EXPECT_EQ(test, f->events, 0);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_EQ(test, f->events, 1);
	help_answer(test, 0, 5);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 5);
}

static void reply_without_memory_is_left_to_the_thread(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct xs_request *req;
	int err = 0;
	bool taken;

	if (!fake_memory_can_fail())
		kunit_skip(test, "no fault injection");
	req = fake_conn_submit(test, f->conn, XS_READ, "/node", 6);
	fake_peer_settle(f->peer);
	help_answer(test, 0, 500);

	spin_lock(&f->conn->rx_lock);
	fake_memory_fail_nth(1);
	taken = xs_conn_receive_reply(f->conn, &err);
	fake_memory_fail_nth(0);
	spin_unlock(&f->conn->rx_lock);

	KUNIT_EXPECT_FALSE(test, taken);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	KUNIT_EXPECT_TRUE(test, xs_conn_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_EQ(test, req->reply.hdr.len, 500);
}

static void caller_who_does_not_get_to_run_delays_nobody(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct xs_request *req;

	/* A helper that was poked and has not run since. */
	f->conn->helping = true;
	f->conn->poked = true;
	req = fake_conn_submit(test, f->conn, XS_READ, "/node", 6);
	fake_peer_settle(f->peer);
	help_answer(test, 0, 5);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	f->conn->helping = false;
}

static void caller_leaves_the_ring_to_a_thread_that_receives(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call = help_caller(test, 1);

	f->conn->rx_busy = true;
	help_answer(test, 0, 5);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->wakes)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 5);
}

static void caller_is_woken_when_the_connection_breaks(struct kunit *test)
{
	struct help_fixture *f = test->priv;
	struct fake_call *call = help_caller(test, 1);

	xs_conn_break(f->conn, -EIO);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), -EIO);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), -EIO);
	KUNIT_EXPECT_FALSE(test, f->conn->helping);
}

static struct kunit_case help_cases[] = {
	KUNIT_CASE(caller_receives_its_reply),
	KUNIT_CASE(caller_with_a_large_request_receives_its_reply),
	KUNIT_CASE(caller_receives_replies_of_those_who_came_later),
	KUNIT_CASE(caller_who_is_not_alone_does_not_help),
	KUNIT_CASE(caller_does_not_help_while_the_thread_may_be_parked),
	KUNIT_CASE(event_is_left_to_the_thread),
	KUNIT_CASE(event_behind_a_reply_is_left_to_the_thread),
	KUNIT_CASE(caller_receives_a_large_reply),
	KUNIT_CASE(large_event_is_left_to_the_thread),
	KUNIT_CASE(reply_without_memory_is_left_to_the_thread),
	KUNIT_CASE(caller_who_does_not_get_to_run_delays_nobody),
	KUNIT_CASE(caller_leaves_the_ring_to_a_thread_that_receives),
	KUNIT_CASE(caller_is_woken_when_the_connection_breaks),
	{}
};

static struct kunit_suite help_suite = {
	.name = "xenstore_help",
	.init = help_init,
	.exit = help_exit,
	.test_cases = help_cases,
};

kunit_test_suites(&help_suite);
