// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what is done about requests that wait for long.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/time64.h>

#include "fake_user.h"
#include "stall.h"

#define LIMIT	(20ULL * NSEC_PER_SEC)

struct stall_fixture {
	struct test_env *env;
	struct xs_conn *conn;
};

static int stall_init(struct kunit *test)
{
	struct stall_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->conn = f->env->conn;
	test->priv = f;
	return 0;
}

/* It has waited for so long, and so has the server been there. */
static void stall_age(struct kunit *test, struct xs_request *req,
		      unsigned int seconds)
{
	struct stall_fixture *f = test->priv;

	/* Both may wrap: the system need not be as old. */
	req->submitted -= seconds * NSEC_PER_SEC;
	f->conn->up_since = req->submitted;
}

/* A request that the server has, for so many seconds. */
static struct xs_request *stall_request(struct kunit *test, const char *path,
					unsigned int seconds)
{
	struct stall_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, XS_READ, path, strlen(path) + 1);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), 0);
	stall_age(test, req, seconds);
	return req;
}

static void nothing_waits(struct kunit *test)
{
	struct stall_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, xs_stall_check(f->conn, LIMIT), 0);
}

static void young_request_is_left_alone(struct kunit *test)
{
	struct xs_request *req = stall_request(test, "a", 10);
	struct stall_fixture *f = test->priv;
	unsigned int before = fake_peer_notifications(f->env->peer);

	KUNIT_EXPECT_GE(test, xs_stall_check(f->conn, LIMIT), LIMIT / 2);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->env->peer), before);
	KUNIT_EXPECT_EQ(test, req->stalled, 0);
}

static void server_is_notified_before_anything_is_said(struct kunit *test)
{
	struct xs_request *req = stall_request(test, "a", 30);
	struct stall_fixture *f = test->priv;
	unsigned int before = fake_peer_notifications(f->env->peer);

	xs_stall_check(f->conn, LIMIT);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->env->peer), before + 1);
	/* To be reported by the next check. */
	KUNIT_EXPECT_EQ(test, req->stalled, LIMIT);
}

static void report_comes_once_until_the_age_has_doubled(struct kunit *test)
{
	struct xs_request *req = stall_request(test, "a\n\x1b[31m", 30);
	struct stall_fixture *f = test->priv;
	u64 next;

	xs_stall_check(f->conn, LIMIT);
	xs_stall_check(f->conn, LIMIT);
	next = req->stalled;
	KUNIT_EXPECT_GE(test, next, 3 * LIMIT);
	xs_stall_check(f->conn, LIMIT);
	KUNIT_EXPECT_EQ(test, req->stalled, next);
	stall_age(test, req, 30);
	xs_stall_check(f->conn, LIMIT);
	KUNIT_EXPECT_GE(test, req->stalled, 2 * next);
}

static void request_that_was_sent_is_named_first(struct kunit *test)
{
	struct xs_request *sent = stall_request(test, "a", 30);
	struct stall_fixture *f = test->priv;
	struct xs_request *queued;

	queued = fake_conn_submit(test, f->conn, XS_READ, "b", 2);
	queued->submitted -= 40 * NSEC_PER_SEC;
	xs_stall_check(f->conn, LIMIT);
	KUNIT_EXPECT_EQ(test, sent->stalled, LIMIT);
	KUNIT_EXPECT_EQ(test, queued->stalled, 0);
}

static void request_that_cannot_be_sent_is_seen(struct kunit *test)
{
	struct stall_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, XS_READ, "b", 2);
	stall_age(test, req, 40);
	KUNIT_EXPECT_GE(test, xs_stall_check(f->conn, LIMIT), 2 * LIMIT);
	KUNIT_EXPECT_EQ(test, req->stalled, LIMIT);
}

static void time_without_a_server_does_not_count(struct kunit *test)
{
	struct xs_request *req = stall_request(test, "a", 30);
	struct stall_fixture *f = test->priv;

	f->conn->up_since += 25 * NSEC_PER_SEC;
	KUNIT_EXPECT_LT(test, xs_stall_check(f->conn, LIMIT), LIMIT);
	KUNIT_EXPECT_EQ(test, req->stalled, 0);
}

static void nothing_is_said_without_a_limit(struct kunit *test)
{
	struct xs_request *req = stall_request(test, "a", 1000);
	struct stall_fixture *f = test->priv;

	KUNIT_EXPECT_GE(test, xs_stall_check(f->conn, 0), 50 * LIMIT);
	KUNIT_EXPECT_EQ(test, req->stalled, 0);
}

static struct kunit_case stall_cases[] = {
	KUNIT_CASE(nothing_waits),
	KUNIT_CASE(young_request_is_left_alone),
	KUNIT_CASE(server_is_notified_before_anything_is_said),
	KUNIT_CASE(report_comes_once_until_the_age_has_doubled),
	KUNIT_CASE(request_that_was_sent_is_named_first),
	KUNIT_CASE(request_that_cannot_be_sent_is_seen),
	KUNIT_CASE(time_without_a_server_does_not_count),
	KUNIT_CASE(nothing_is_said_without_a_limit),
	{}
};

static struct kunit_suite stall_suite = {
	.name = "xenstore_stall",
	.init = stall_init,
	.test_cases = stall_cases,
};

kunit_test_suite(stall_suite);
