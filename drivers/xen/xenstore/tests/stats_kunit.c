// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what is counted and timed on a connection.
 *
 * The peer is scripted and the test takes the place of the kthread; only the test
 * about waking has a kthread to wake.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/time64.h>

#include "fake_peer.h"
#include "stats.h"

struct stats_fixture {
	struct fake_peer *peer;
	struct xs_conn *conn;
	const struct xs_stats *stats;
};

static int stats_init(struct kunit *test)
{
	struct stats_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->peer = fake_peer_create(test);
	f->conn = fake_conn_create(test, &f->peer->t, NULL, NULL, FAKE_CONN_UP);
	f->stats = &f->conn->stats;
	test->priv = f;
	return 0;
}

/* A request that is replied to after this long. */
static void stats_call(struct kunit *test, u32 type, u64 latency)
{
	struct stats_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, type, "path", 5);
	fake_peer_run(f->peer, f->conn);
	req->submitted -= latency;
	fake_peer_reply(f->peer, type, req->id, "value", 5);
	fake_peer_run(f->peer, f->conn);
	KUNIT_ASSERT_TRUE(test, xs_request_is_done(req));
}

static unsigned long stats_row(const struct xs_stats *stats, u32 row,
			       unsigned int from)
{
	unsigned long sum = 0;

	for (; from < XS_LATENCY_BUCKETS; from++)
		sum += stats->latency[row][from];
	return sum;
}

/* Latencies */

struct stats_bucket_case {
	const char *name;
	u64 latency;
	unsigned int bucket;
};

static const struct stats_bucket_case stats_bucket_cases[] = {
	{ "nothing", 0, 0 },
	{ "less than 1 us", 999, 0 },
	{ "1 us", 1000, 1 },
	{ "less than 2 us", 1999, 1 },
	{ "2 us", 2000, 2 },
	{ "less than 4 us", 3999, 2 },
	{ "4 us", 4000, 3 },
	{ "less than the longest", ((u64)NSEC_PER_USEC << 22) - 1, 22 },
	{ "the longest", (u64)NSEC_PER_USEC << 22, 23 },
	{ "for ever", U64_MAX, 23 },
};

KUNIT_ARRAY_PARAM_DESC(stats_bucket, stats_bucket_cases, name);

static void latency_is_counted_by_powers_of_two(struct kunit *test)
{
	const struct stats_bucket_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test, xs_stats_bucket(param->latency), param->bucket);
}

struct stats_type_case {
	const char *name;
	u32 type;
	u32 row;
};

static const struct stats_type_case stats_type_cases[] = {
	{ "the first", XS_CONTROL, XS_CONTROL },
	{ "some", XS_READ, XS_READ },
	{ "the last", XS_DIRECTORY_PART, XS_DIRECTORY_PART },
	{ "one too many", XS_TYPE_COUNT, XS_TYPE_COUNT },
	{ "the highest", U32_MAX, XS_TYPE_COUNT },
};

KUNIT_ARRAY_PARAM_DESC(stats_type, stats_type_cases, name);

static void reply_is_counted_by_the_type_of_its_request(struct kunit *test)
{
	const struct stats_type_case *param = test->param_value;
	struct stats_fixture *f = test->priv;
	unsigned int row;

	stats_call(test, param->type, 0);

	for (row = 0; row < XS_LATENCY_ROWS; row++)
		KUNIT_EXPECT_EQ(test, stats_row(f->stats, row, 0),
				row == param->row);
}

static void latency_runs_from_submission_to_reply(struct kunit *test)
{
	struct stats_fixture *f = test->priv;

	stats_call(test, XS_READ, 1000 * (u64)NSEC_PER_SEC);
	stats_call(test, XS_WRITE, 5 * NSEC_PER_MSEC);

	/* How much later it really was, depends on the machine. */
	KUNIT_EXPECT_EQ(test, f->stats->latency[XS_READ][23], 1);
	KUNIT_EXPECT_EQ(test, stats_row(f->stats, XS_WRITE, 13), 1);
	KUNIT_EXPECT_EQ(test, stats_row(f->stats, XS_WRITE, 0), 1);
}

static void request_that_fails_has_no_latency(struct kunit *test)
{
	struct stats_fixture *f = test->priv;

	fake_conn_submit(test, f->conn, XS_READ, "path", 5);
	xs_conn_break(f->conn, -EIO);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, f->stats->submitted, 1);
	KUNIT_EXPECT_EQ(test, f->stats->replies, 0);
	KUNIT_EXPECT_EQ(test, stats_row(f->stats, XS_READ, 0), 0);
}

/* Counters */

static void request_is_counted_at_each_step(struct kunit *test)
{
	struct stats_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, XS_READ, "path", 5);
	KUNIT_EXPECT_EQ(test, f->stats->submitted, 1);
	KUNIT_EXPECT_EQ(test, f->stats->sent, 0);

	fake_peer_run(f->peer, f->conn);
	KUNIT_EXPECT_EQ(test, f->stats->sent, 1);
	KUNIT_EXPECT_EQ(test, f->stats->replies, 0);

	fake_peer_reply(f->peer, XS_READ, req->id, "value", 5);
	fake_peer_run(f->peer, f->conn);
	KUNIT_EXPECT_EQ(test, f->stats->submitted, 1);
	KUNIT_EXPECT_EQ(test, f->stats->sent, 1);
	KUNIT_EXPECT_EQ(test, f->stats->replies, 1);
}

static void event_is_counted_once(struct kunit *test)
{
	struct stats_fixture *f = test->priv;

	fake_peer_event(f->peer, "/path", "token");
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, f->stats->events, 1);
	KUNIT_EXPECT_EQ(test, f->stats->replies, 0);
}

static void notifications_are_those_of_the_peer(struct kunit *test)
{
	struct stats_fixture *f = test->priv;

	stats_call(test, XS_READ, 0);
	stats_call(test, XS_READ, 0);

	KUNIT_EXPECT_GT(test, f->stats->notifications, 0);
	KUNIT_EXPECT_EQ(test, f->stats->notifications,
			fake_peer_notifications(f->peer));
}

static void pass_is_counted_once(struct kunit *test)
{
	struct stats_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);

	KUNIT_EXPECT_EQ(test, f->stats->passes, 2);
}

static void interrupt_while_the_kthread_is_awake_is_no_wake(struct kunit *test)
{
	struct stats_fixture *f = test->priv;

	fake_peer_event(f->peer, "/path", "token");
	fake_peer_step(f->peer);

	KUNIT_EXPECT_EQ(test, f->stats->interrupts, 1);
	KUNIT_EXPECT_EQ(test, f->stats->wakes, 0);
}

/* Asleep, so that an interrupt has something to wake. */
static bool stats_thread_sleeps(struct stats_fixture *f)
{
	/* The kthread runs on by itself until it is in the queue. */
	return fake_wait_until(waitqueue_active(&f->conn->wq));
}

static void interrupt_is_a_wake_only_if_there_is_work(struct kunit *test)
{
	struct stats_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_io_start(f->conn), 0);
	KUNIT_ASSERT_TRUE(test, stats_thread_sleeps(f));
	fake_peer_interrupt(f->peer);
	KUNIT_EXPECT_EQ(test, f->stats->interrupts, 1);
	KUNIT_EXPECT_EQ(test, f->stats->wakes, 0);

	fake_peer_event(f->peer, "/path", "token");
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, f->stats->interrupts, 2);
	KUNIT_EXPECT_EQ(test, f->stats->wakes, 1);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(READ_ONCE(f->stats->events) == 1));
}

static struct kunit_case stats_cases[] = {
	KUNIT_CASE_PARAM(latency_is_counted_by_powers_of_two,
			 stats_bucket_gen_params),
	KUNIT_CASE_PARAM(reply_is_counted_by_the_type_of_its_request,
			 stats_type_gen_params),
	KUNIT_CASE(latency_runs_from_submission_to_reply),
	KUNIT_CASE(request_that_fails_has_no_latency),
	KUNIT_CASE(request_is_counted_at_each_step),
	KUNIT_CASE(event_is_counted_once),
	KUNIT_CASE(notifications_are_those_of_the_peer),
	KUNIT_CASE(pass_is_counted_once),
	KUNIT_CASE(interrupt_while_the_kthread_is_awake_is_no_wake),
	KUNIT_CASE(interrupt_is_a_wake_only_if_there_is_work),
	{}
};

static struct kunit_suite stats_suite = {
	.name = "xenstore_stats",
	.init = stats_init,
	.test_cases = stats_cases,
};

kunit_test_suite(stats_suite);
