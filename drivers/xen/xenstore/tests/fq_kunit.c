// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how flows share a connection.
 *
 * Requests are submitted before a pass runs; what the peer has seen tells which
 * flow had which slot.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "conn_fixture.h"
#include "fake_user.h"

#define FLOWS		64
#define BACKLOG		10

struct fq_fixture {
	struct conn_fixture conn;
	struct xs_flow a;
	struct xs_flow b;
	struct xs_flow many[FLOWS];
	/* Requests that the peer has replied to. */
	unsigned int replied;
};

static int fq_init(struct kunit *test)
{
	struct fq_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	xs_flow_init(&f->a);
	xs_flow_init(&f->b);
	for (i = 0; i < FLOWS; i++)
		xs_flow_init(&f->many[i]);
	f->conn.peer = fake_peer_create(test);
	f->conn.conn = fake_conn_create(test, &f->conn.peer->t, NULL, NULL,
					FAKE_CONN_UP);
	test->priv = f;
	return 0;
}

/* One request of @len bytes, which completes into nothing; its id. */
static u32 fq_submit(struct kunit *test, struct xs_flow *flow, size_t len)
{
	static const char zeroes[2000];
	struct kvec body = { .iov_base = (void *)zeroes, .iov_len = len };
	struct fq_fixture *f = test->priv;
	struct xs_request *req;
	u32 id = f->conn.conn->next_id;

	req = xs_request_alloc(XS_WRITE, 0, &body, 1, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	req->flow = flow;
	req->complete = xs_request_put;
	KUNIT_ASSERT_EQ(test, fake_conn_accept(f->conn.conn, req), 0);
	return id;
}

static void fq_run(struct kunit *test)
{
	struct fq_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, fake_peer_run(f->conn.peer, f->conn.conn), 0);
}

static void fq_expect_seen(struct kunit *test, unsigned int n, u32 id)
{
	struct fq_fixture *f = test->priv;
	const struct fake_message *msg = fake_peer_seen(f->conn.peer, n);

	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.req_id, id);
}

/* Requests that the peer has received and not replied to. */
static unsigned int fq_in_flight(struct kunit *test)
{
	struct fq_fixture *f = test->priv;

	fq_run(test);
	return fake_peer_count(f->conn.peer) - f->replied;
}

/* The oldest of them has its reply. */
static void fq_reply(struct kunit *test)
{
	struct fq_fixture *f = test->priv;

	KUNIT_ASSERT_GT(test, fq_in_flight(test), 0);
	conn_give_reply(&f->conn, f->replied++, "OK", 3);
	fq_run(test);
}

/* One that has not sent anything yet, then one that has, and so on. */
static void flows_with_several_requests_have_slots_of_one(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	u32 a[3], b[3], kernel[3];
	unsigned int i;

	for (i = 0; i < 3; i++)
		a[i] = fq_submit(test, &f->a, 8);
	for (i = 0; i < 3; i++)
		b[i] = fq_submit(test, &f->b, 8);
	for (i = 0; i < 3; i++)
		kernel[i] = fq_submit(test, NULL, 8);
	for (i = 0; i < 9; i++)
		fq_reply(test);

	fq_expect_seen(test, 0, a[0]);
	fq_expect_seen(test, 1, a[1]);
	fq_expect_seen(test, 2, b[0]);
	fq_expect_seen(test, 3, a[2]);
	fq_expect_seen(test, 4, kernel[0]);
	fq_expect_seen(test, 5, b[1]);
	fq_expect_seen(test, 6, kernel[1]);
	fq_expect_seen(test, 7, b[2]);
	fq_expect_seen(test, 8, kernel[2]);
}

static void flow_alone_keeps_its_order(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	unsigned int i;
	u32 ids[40];

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = fq_submit(test, &f->a, 100);
	fq_run(test);

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		fq_expect_seen(test, i, ids[i]);
}

/* A backlogged client costs the kernel two of its requests. */
static void flow_with_a_backlog_delays_another_by_two_requests(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	unsigned int i;
	u32 first, kernel;

	first = fq_submit(test, &f->a, 100);
	for (i = 0; i < 200; i++)
		fq_submit(test, &f->a, 100);
	kernel = fq_submit(test, NULL, 8);
	fq_run(test);

	fq_expect_seen(test, 0, first);
	fq_expect_seen(test, 2, kernel);
}

static void request_begun_is_finished_before_the_next_slot(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	u32 large, small;

	f->conn.peer->take = 0;
	large = fq_submit(test, &f->a, 2000);
	xs_io_pass(f->conn.conn);
	small = fq_submit(test, &f->b, 8);
	xs_io_pass(f->conn.conn);
	f->conn.peer->take = XENSTORE_RING_SIZE;
	fq_run(test);

	fq_expect_seen(test, 0, large);
	fq_expect_seen(test, 1, small);
}

static void flow_without_requests_has_no_slot(struct kunit *test)
{
	struct fq_fixture *f = test->priv;

	fq_submit(test, &f->a, 8);
	fq_run(test);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.node));
	KUNIT_EXPECT_FALSE(test, xs_fq_has_sendable(&f->conn.conn->fq));
}

static void break_takes_every_flow_out(struct kunit *test)
{
	struct fq_fixture *f = test->priv;

	f->conn.peer->take = 0;
	fq_submit(test, &f->a, 2000);
	fq_submit(test, &f->a, 8);
	fq_submit(test, &f->b, 8);
	xs_io_pass(f->conn.conn);
	xs_conn_break(f->conn.conn, -EIO);
	xs_io_pass(f->conn.conn);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.node));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.queue));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->b.node));
	KUNIT_EXPECT_FALSE(test, xs_fq_has_sendable(&f->conn.conn->fq));
}

/* Every open file is a flow. */
static void clients_with_backlogs_delay_the_kernel_by_two_each(struct kunit *test)
{
	struct test_env *env = test_env_create(test);
	struct xs_session *session;
	struct xs_request *kernel;
	unsigned int i, client;

	for (client = 0; client < 4; client++) {
		session = fake_user_open(env);
		for (i = 0; i < 20; i++)
			fake_user_send(env, session, XS_READ, i, 0, "key", 4);
	}
	kernel = fake_conn_submit(test, env->conn, XS_WRITE, "key", 4);
	fake_peer_run(env->peer, env->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_seen(env->peer, 8)->hdr.req_id,
			kernel->id);
}

/* Contended flows */

/* Many that have had their first slot and have a backlog; none in flight. */
static void fq_contend(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	unsigned int i, n;

	for (i = 0; i < FLOWS; i++) {
		for (n = 0; n < BACKLOG; n++)
			fq_submit(test, &f->many[i], 8);
	}
	for (i = 0; i < FLOWS + XS_FQ_DEPTH; i++)
		fq_reply(test);
}

static void flows_that_contend_have_few_requests_in_flight(struct kunit *test)
{
	fq_contend(test);

	KUNIT_EXPECT_EQ(test, fq_in_flight(test), XS_FQ_DEPTH);
}

static void flows_that_contend_all_get_through(struct kunit *test)
{
	struct fq_fixture *f = test->priv;

	fq_contend(test);
	while (fq_in_flight(test))
		fq_reply(test);

	KUNIT_EXPECT_EQ(test, f->replied, FLOWS * BACKLOG);
}

static void flow_that_is_new_goes_before_all_that_contend(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	u32 first;

	fq_contend(test);
	fq_run(test);
	first = fq_submit(test, &f->a, 8);
	fq_run(test);

	fq_expect_seen(test, FLOWS + 2 * XS_FQ_DEPTH, first);
}

/* They get every other slot. */
static void flows_that_are_new_do_not_starve_an_old_one(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	u32 old[4], new[3];
	unsigned int i;

	for (i = 0; i < 4; i++)
		old[i] = fq_submit(test, &f->a, 1000);
	xs_io_pass(f->conn.conn);
	for (i = 0; i < 3; i++)
		new[i] = fq_submit(test, &f->many[i], 8);
	fq_run(test);

	/* The second of the old flow has begun when the first new one comes. */
	fq_expect_seen(test, 0, old[0]);
	for (i = 0; i < 3; i++) {
		fq_expect_seen(test, 2 * i + 1, old[i + 1]);
		fq_expect_seen(test, 2 * i + 2, new[i]);
	}
}

static void flows_that_are_new_do_not_throttle_by_their_requests_in_flight(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	unsigned int i;
	u32 last;

	for (i = 0; i < 3; i++)
		fq_submit(test, &f->a, 8);
	for (i = 0; i < 2 * XS_FQ_DEPTH; i++)
		fq_submit(test, &f->many[i], 8);
	fq_run(test);
	fq_submit(test, &f->a, 8);
	last = fq_submit(test, &f->a, 8);
	fq_run(test);

	fq_expect_seen(test, 4 + 2 * XS_FQ_DEPTH, last);
}

/* A backlog that a new flow came into. */
static void fq_contend_with_a_new_flow(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 2 * XS_FQ_MEMORY; i++)
		fq_submit(test, &f->a, 200);
	xs_io_pass(f->conn.conn);
	fq_submit(test, &f->b, 8);
	while (fq_in_flight(test) > XS_FQ_DEPTH)
		fq_reply(test);
}

static void flow_that_is_old_is_throttled_while_new_ones_are_expected(struct kunit *test)
{
	fq_contend_with_a_new_flow(test);
	fq_reply(test);
	fq_reply(test);

	KUNIT_EXPECT_EQ(test, fq_in_flight(test), XS_FQ_DEPTH);
}

static void flow_that_is_old_is_not_throttled_when_no_new_one_has_come(struct kunit *test)
{
	unsigned int i;

	fq_contend_with_a_new_flow(test);
	for (i = 0; i < XS_FQ_MEMORY; i++)
		fq_reply(test);

	KUNIT_EXPECT_GT(test, fq_in_flight(test), XS_FQ_DEPTH);
}

static void request_of_the_holder_goes_before_earlier_ones(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	u32 early = fq_submit(test, &f->a, 10);
	u32 kernel = fq_submit(test, NULL, 10);
	u32 first;

	xs_conn_hold(f->conn.conn);
	first = fq_submit(test, NULL, 10);
	fq_run(test);
	fq_expect_seen(test, 0, first);
	KUNIT_EXPECT_NULL(test, fake_peer_seen(f->conn.peer, 1));

	xs_conn_unhold(f->conn.conn);
	fq_run(test);
	fq_expect_seen(test, 1, early);
	fq_expect_seen(test, 2, kernel);
}

static void request_of_another_waits_for_the_end_of_the_hold(struct kunit *test)
{
	struct fq_fixture *f = test->priv;
	u32 other;

	xs_conn_hold(f->conn.conn);
	other = fq_submit(test, &f->a, 10);
	fq_run(test);
	KUNIT_EXPECT_NULL(test, fake_peer_seen(f->conn.peer, 0));

	xs_conn_unhold(f->conn.conn);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn.conn));
	fq_run(test);
	fq_expect_seen(test, 0, other);
}

/* Else the kthread would not sleep while the holder has yet to submit. */
static void hold_without_a_request_is_no_work(struct kunit *test)
{
	struct fq_fixture *f = test->priv;

	fq_submit(test, &f->a, 10);
	xs_conn_hold(f->conn.conn);
	fq_run(test);
	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn.conn));
	xs_conn_unhold(f->conn.conn);
}

static struct kunit_case fq_cases[] = {
	KUNIT_CASE(flows_with_several_requests_have_slots_of_one),
	KUNIT_CASE(flow_alone_keeps_its_order),
	KUNIT_CASE(flow_with_a_backlog_delays_another_by_two_requests),
	KUNIT_CASE(request_begun_is_finished_before_the_next_slot),
	KUNIT_CASE(flow_without_requests_has_no_slot),
	KUNIT_CASE(break_takes_every_flow_out),
	KUNIT_CASE(clients_with_backlogs_delay_the_kernel_by_two_each),
	KUNIT_CASE(flows_that_contend_have_few_requests_in_flight),
	KUNIT_CASE(flows_that_contend_all_get_through),
	KUNIT_CASE(flow_that_is_new_goes_before_all_that_contend),
	KUNIT_CASE(flows_that_are_new_do_not_starve_an_old_one),
	KUNIT_CASE(flows_that_are_new_do_not_throttle_by_their_requests_in_flight),
	KUNIT_CASE(flow_that_is_old_is_throttled_while_new_ones_are_expected),
	KUNIT_CASE(flow_that_is_old_is_not_throttled_when_no_new_one_has_come),
	KUNIT_CASE(request_of_the_holder_goes_before_earlier_ones),
	KUNIT_CASE(request_of_another_waits_for_the_end_of_the_hold),
	KUNIT_CASE(hold_without_a_request_is_no_work),
	{}
};

static struct kunit_suite fq_suite = {
	.name = "xenstore_fq",
	.init = fq_init,
	.test_cases = fq_cases,
};

kunit_test_suite(fq_suite);
