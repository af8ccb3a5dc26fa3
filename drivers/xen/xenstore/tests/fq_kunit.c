// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how sources share a connection.
 *
 * Requests are submitted before the pump runs; what the peer has seen tells
 * whose turn it was.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"

#define SOURCES		64
#define FLOOD_LENGTH	10

/* Made before the site, so that the sources outlive it. */
struct source_fixture {
	struct test_env *site;
	struct xs_flow a;
	struct xs_flow b;
	struct xs_flow many[SOURCES];
	unsigned int submitted;
};

static int source_init(struct kunit *test)
{
	struct source_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = test_env_create(test);
	xs_flow_init(&f->a);
	xs_flow_init(&f->b);
	for (i = 0; i < SOURCES; i++)
		xs_flow_init(&f->many[i]);
	test->priv = f;
	return 0;
}

/* One request of @len bytes, which completes into nothing; its id. */
static u32 source_submit(struct kunit *test, struct xs_flow *source,
			 size_t len)
{
	static const char zeroes[2000];
	struct kvec body = { .iov_base = (void *)zeroes, .iov_len = len };
	struct source_fixture *f = test->priv;
	struct xs_request *req;
	u32 id;

	req = xs_request_alloc(XS_WRITE, 0, &body, 1, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	req->flow = source;
	req->complete = xs_request_put;
	KUNIT_ASSERT_EQ(test, xs_conn_submit(f->site->conn, req), 0);
	id = req->id;
	f->submitted++;
	return id;
}

static void source_expect_seen(struct kunit *test, unsigned int n, u32 id)
{
	struct source_fixture *f = test->priv;
	const struct fake_message *msg = fake_peer_seen(f->site->peer, n);

	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.req_id, id);
}

/* One that has not sent anything yet, then one that has, and so on. */
static void sources_take_turns_by_one_request(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	u32 a[3], b[3], kernel[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		a[i] = source_submit(test, &f->a, 8);
	for (i = 0; i < 3; i++)
		b[i] = source_submit(test, &f->b, 8);
	for (i = 0; i < 3; i++)
		kernel[i] = source_submit(test, NULL, 8);
	test_env_answer_all(f->site);

	source_expect_seen(test, 0, a[0]);
	source_expect_seen(test, 1, a[1]);
	source_expect_seen(test, 2, b[0]);
	source_expect_seen(test, 3, a[2]);
	source_expect_seen(test, 4, kernel[0]);
	source_expect_seen(test, 5, b[1]);
	source_expect_seen(test, 6, kernel[1]);
	source_expect_seen(test, 7, b[2]);
	source_expect_seen(test, 8, kernel[2]);
}

static void source_alone_keeps_its_order(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	unsigned int i;
	u32 ids[40];

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = source_submit(test, &f->a, 100);
	test_env_run(f->site);

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		source_expect_seen(test, i, ids[i]);
}

/* A client that floods costs the kernel two of its requests. */
static void flood_of_one_delays_another_by_two_requests(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	unsigned int i;
	u32 first, kernel;

	first = source_submit(test, &f->a, 100);
	for (i = 0; i < 200; i++)
		source_submit(test, &f->a, 100);
	kernel = source_submit(test, NULL, 8);
	test_env_run(f->site);

	source_expect_seen(test, 0, first);
	source_expect_seen(test, 2, kernel);
}

static void request_begun_is_finished_before_the_next_turn(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	u32 large, small;

	f->site->peer->take = 0;
	large = source_submit(test, &f->a, 2000);
	xs_io_pass(f->site->conn);
	small = source_submit(test, &f->b, 8);
	xs_io_pass(f->site->conn);
	f->site->peer->take = XENSTORE_RING_SIZE;
	test_env_run(f->site);

	source_expect_seen(test, 0, large);
	source_expect_seen(test, 1, small);
}

static void source_without_requests_has_no_turn(struct kunit *test)
{
	struct source_fixture *f = test->priv;

	source_submit(test, &f->a, 8);
	test_env_run(f->site);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.node));
	KUNIT_EXPECT_FALSE(test, xs_fq_has_sendable(&f->site->conn->fq));
}

static void break_takes_every_source_out(struct kunit *test)
{
	struct source_fixture *f = test->priv;

	f->site->peer->take = 0;
	source_submit(test, &f->a, 2000);
	source_submit(test, &f->a, 8);
	source_submit(test, &f->b, 8);
	xs_io_pass(f->site->conn);
	xs_conn_break(f->site->conn, -EIO);
	xs_io_pass(f->site->conn);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.node));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.queue));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->b.node));
	KUNIT_EXPECT_FALSE(test, xs_fq_has_sendable(&f->site->conn->fq));
}

static void clients_that_flood_delay_the_kernel_by_two_each(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	struct xs_session *session;
	unsigned int i, client;
	u32 kernel;

	for (client = 0; client < 4; client++) {
		session = fake_user_open(f->site);
		for (i = 0; i < 20; i++)
			fake_user_send(f->site, session, XS_READ, i, 0, "key",
					 4);
	}
	kernel = source_submit(test, NULL, 8);
	test_env_run(f->site);

	source_expect_seen(test, 8, kernel);
}

/* === Newcomers === */

/* Many who have had their first turn and have more to send; nothing unanswered. */
static void source_flood(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	unsigned int i, n;

	for (i = 0; i < SOURCES; i++) {
		for (n = 0; n < FLOOD_LENGTH; n++)
			source_submit(test, &f->many[i], 8);
	}
	for (i = 0; i < SOURCES + XS_FQ_DEPTH; i++)
		test_env_answer(f->site, test_env_next(f->site));
}

static unsigned int source_unanswered(struct source_fixture *f)
{
	test_env_run(f->site);
	return fake_peer_count(f->site->peer) - f->site->next;
}

static void those_who_flood_leave_few_requests_unanswered(struct kunit *test)
{
	struct source_fixture *f = test->priv;

	source_flood(test);

	KUNIT_EXPECT_EQ(test, source_unanswered(f), XS_FQ_DEPTH);
}

static void all_who_flood_get_through(struct kunit *test)
{
	struct source_fixture *f = test->priv;

	source_flood(test);

	KUNIT_EXPECT_EQ(test, test_env_answer_all(f->site),
			SOURCES * (FLOOD_LENGTH - 1) - XS_FQ_DEPTH);
}

static void newcomer_goes_before_all_who_flood(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	u32 newcomer;

	source_flood(test);
	test_env_run(f->site);
	newcomer = source_submit(test, &f->a, 8);
	test_env_run(f->site);

	source_expect_seen(test, SOURCES + 2 * XS_FQ_DEPTH, newcomer);
}

/* They get every other turn. */
static void newcomers_do_not_starve_one_who_floods(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	u32 flood[4], ids[3];
	unsigned int i;

	for (i = 0; i < 4; i++)
		flood[i] = source_submit(test, &f->a, 1000);
	xs_io_pass(f->site->conn);
	for (i = 0; i < 3; i++)
		ids[i] = source_submit(test, &f->many[i], 8);
	test_env_run(f->site);

	/* The second of the flood has begun when the first newcomer comes. */
	source_expect_seen(test, 0, flood[0]);
	for (i = 0; i < 3; i++) {
		source_expect_seen(test, 2 * i + 1, flood[i + 1]);
		source_expect_seen(test, 2 * i + 2, ids[i]);
	}
}

/* However many newcomers are unanswered. */
static void newcomers_in_flight_do_not_stop_a_flood(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	unsigned int i;
	u32 last;

	for (i = 0; i < 3; i++)
		source_submit(test, &f->a, 8);
	for (i = 0; i < 2 * XS_FQ_DEPTH; i++)
		source_submit(test, &f->many[i], 8);
	test_env_run(f->site);
	source_submit(test, &f->a, 8);
	last = source_submit(test, &f->a, 8);
	test_env_run(f->site);

	source_expect_seen(test, 4 + 2 * XS_FQ_DEPTH, last);
}

/* A flood of one that a newcomer came into. */
static void source_flood_with_a_newcomer(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 2 * XS_FQ_MEMORY; i++)
		source_submit(test, &f->a, 200);
	xs_io_pass(f->site->conn);
	source_submit(test, &f->b, 8);
	while (source_unanswered(f) > XS_FQ_DEPTH)
		test_env_answer(f->site, test_env_next(f->site));
}

static void one_who_floods_is_held_up_while_newcomers_are_expected(struct kunit *test)
{
	struct source_fixture *f = test->priv;

	source_flood_with_a_newcomer(test);
	test_env_answer(f->site, test_env_next(f->site));
	test_env_answer(f->site, test_env_next(f->site));

	KUNIT_EXPECT_EQ(test, source_unanswered(f), XS_FQ_DEPTH);
}

static void one_who_floods_is_not_held_up_when_no_newcomer_has_come(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	unsigned int i;

	source_flood_with_a_newcomer(test);
	for (i = 0; i < XS_FQ_MEMORY; i++)
		test_env_answer(f->site, test_env_next(f->site));

	KUNIT_EXPECT_GT(test, source_unanswered(f), XS_FQ_DEPTH);
}

static struct kunit_case source_cases[] = {
	KUNIT_CASE(sources_take_turns_by_one_request),
	KUNIT_CASE(source_alone_keeps_its_order),
	KUNIT_CASE(flood_of_one_delays_another_by_two_requests),
	KUNIT_CASE(request_begun_is_finished_before_the_next_turn),
	KUNIT_CASE(source_without_requests_has_no_turn),
	KUNIT_CASE(break_takes_every_source_out),
	KUNIT_CASE(clients_that_flood_delay_the_kernel_by_two_each),
	KUNIT_CASE(those_who_flood_leave_few_requests_unanswered),
	KUNIT_CASE(all_who_flood_get_through),
	KUNIT_CASE(newcomer_goes_before_all_who_flood),
	KUNIT_CASE(newcomers_do_not_starve_one_who_floods),
	KUNIT_CASE(newcomers_in_flight_do_not_stop_a_flood),
	KUNIT_CASE(one_who_floods_is_held_up_while_newcomers_are_expected),
	KUNIT_CASE(one_who_floods_is_not_held_up_when_no_newcomer_has_come),
	{}
};

static struct kunit_suite source_suite = {
	.name = "xenstore_source",
	.init = source_init,
	.test_cases = source_cases,
};

kunit_test_suite(source_suite);
