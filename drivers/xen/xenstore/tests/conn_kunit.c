// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the callers' side of a connection: submit, call, cancel, break.
 *
 * The test takes the place of the kthread, and of a server that is scripted.
 * Callers that sleep have threads of their own.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "conn_fixture.h"

#define CALLS	3

/* Ids */

static void id_of_a_completed_request_is_not_reused_at_once(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *first = conn_send(test);
	u32 id = first->id;

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "", 0);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_TRUE(test, xs_request_is_done(first));
	KUNIT_EXPECT_EQ(test, conn_send(test)->id, id + 1);
}

static void id_after_the_last_one_is_one(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	f->conn->next_id = U32_MAX;

	KUNIT_EXPECT_EQ(test, conn_send(test)->id, U32_MAX);
	KUNIT_EXPECT_EQ(test, conn_send(test)->id, 1);
}

static void id_that_is_in_flight_is_skipped(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *first = conn_send(test);

	f->conn->next_id = first->id;

	KUNIT_EXPECT_EQ(test, conn_send(test)->id, first->id + 1);
}

/* Calls */

struct conn_calls {
	struct xs_conn *conn;
	struct xs_request *reqs[CALLS];
};

static void conn_calls_release(void *data)
{
	struct conn_calls *calls = data;
	unsigned int i;

	for (i = 0; i < CALLS; i++)
		xs_request_put(calls->reqs[i]);
}

static struct conn_calls *conn_calls_create(struct kunit *test)
{
	struct kvec body = { .iov_base = "key", .iov_len = 4 };
	struct conn_fixture *f = test->priv;
	struct conn_calls *calls;
	unsigned int i;

	calls = kunit_kzalloc(test, sizeof(*calls), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, calls);
	calls->conn = f->conn;
	for (i = 0; i < CALLS; i++) {
		calls->reqs[i] = xs_request_alloc(XS_READ, i, &body, 1,
						  GFP_KERNEL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(calls->reqs[i]));
	}
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, conn_calls_release,
							calls), 0);
	return calls;
}

static int conn_call_all(void *data)
{
	struct conn_calls *calls = data;

	return xs_conn_call_all(calls->conn, calls->reqs, CALLS,
				XS_GATE_REQUEST);
}

static void conn_calls_unblock(void *data)
{
	struct conn_calls *calls = data;

	xs_conn_break(calls->conn, -EIO);
	xs_io_pass(calls->conn);
}

static bool conn_peer_has(struct conn_fixture *f, unsigned int n)
{
	fake_peer_run(f->peer, f->conn);
	return fake_peer_count(f->peer) >= n;
}

/* A call whose requests the peer has. */
static struct fake_call *conn_calls_start(struct kunit *test,
					  struct conn_calls *calls)
{
	struct conn_fixture *f = test->priv;
	struct fake_call *call;

	call = fake_call_start(test, conn_call_all, calls, conn_calls_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(conn_peer_has(f, CALLS)));
	return call;
}

static void conn_reply(struct conn_fixture *f, unsigned int n)
{
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, n), "OK", 3);
	fake_peer_run(f->peer, f->conn);
}

static void call_of_all_sends_in_order_before_a_reply(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct conn_calls *calls = conn_calls_create(test);
	struct fake_call *call = conn_calls_start(test, calls);
	unsigned int i;

	for (i = 0; i < CALLS; i++)
		KUNIT_EXPECT_EQ(test, fake_peer_seen(f->peer, i)->hdr.tx_id, i);
	for (i = 0; i < CALLS; i++)
		conn_reply(f, i);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

static void call_of_all_has_a_reply_for_each(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct conn_calls *calls = conn_calls_create(test);
	struct fake_call *call = conn_calls_start(test, calls);

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "one", 3);
	fake_peer_reply(f->peer, XS_ERROR,
			fake_peer_seen(f->peer, 1)->hdr.req_id, "ENOENT", 7);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 2), "three", 5);
	fake_peer_run(f->peer, f->conn);

	KUNIT_ASSERT_EQ(test, fake_call_result(test, call), 0);
	conn_expect_reply(test, calls->reqs[0], "one", 3);
	KUNIT_EXPECT_EQ(test, calls->reqs[1]->reply.hdr.type, XS_ERROR);
	conn_expect_reply(test, calls->reqs[2], "three", 5);
}

/* A server may reply in any order. */
static void call_of_all_returns_after_the_last_reply(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct conn_calls *calls = conn_calls_create(test);
	struct fake_call *call = conn_calls_start(test, calls);

	conn_reply(f, 2);
	conn_reply(f, 0);
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));
	conn_reply(f, 1);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

static void call_of_all_on_a_broken_connection_sends_none(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct conn_calls *calls = conn_calls_create(test);

	conn_calls_unblock(calls);

	KUNIT_EXPECT_EQ(test, conn_call_all(calls), -EIO);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
}

static void call_of_all_ends_at_a_break_with_an_error_for_each(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct conn_calls *calls = conn_calls_create(test);
	struct fake_call *call = conn_calls_start(test, calls);
	unsigned int i;

	conn_calls_unblock(calls);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	for (i = 0; i < CALLS; i++)
		KUNIT_EXPECT_EQ(test, calls->reqs[i]->err, -EIO);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
}

/* Half of them before and half of them after a suspend would be no batch. */
static void call_of_all_during_a_suspend_sends_all_after_it(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct conn_calls *calls = conn_calls_create(test);
	struct fake_call *call;
	unsigned int i;

	xs_gate_close(&f->conn->gate);
	call = fake_call_start(test, conn_call_all, calls, conn_calls_unblock);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(wq_has_sleeper(&f->conn->gate.wq)));
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
	xs_gate_open(&f->conn->gate);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(conn_peer_has(f, CALLS)));
	for (i = 0; i < CALLS; i++)
		conn_reply(f, i);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

/* Break */

static void submit_after_break_fails_and_leaves_the_gate(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req;

	xs_conn_break(f->conn, -ESHUTDOWN);
	xs_io_pass(f->conn);
	req = xs_request_alloc(XS_READ, 0, NULL, 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));

	KUNIT_EXPECT_EQ(test, fake_conn_accept(f->conn, req), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&req->ref), 1);
	xs_request_put(req);
}

static void submit_between_break_and_pass_completes_with_the_error(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req;

	xs_conn_break(f->conn, -ESHUTDOWN);
	req = conn_submit(test, "path", 5);
	xs_io_pass(f->conn);

	conn_expect_failed(test, req, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 0);
}

static void break_before_connect_fails_what_waits(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_submit(test, "path", 5);

	xs_conn_break(f->conn, -ESHUTDOWN);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);

	conn_expect_failed(test, req, -ESHUTDOWN);
}

static void break_before_connect_survives_the_connect(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_submit(test, "path", 5);

	xs_conn_break(f->conn, -ESHUTDOWN);
	conn_connect(test);

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);
	conn_expect_failed(test, req, -ESHUTDOWN);
}

static void break_after_break_keeps_the_first_error(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req = conn_submit(test, "path", 5);

	xs_conn_break(f->conn, -ESHUTDOWN);
	xs_conn_break(f->conn, -EIO);
	xs_io_pass(f->conn);

	conn_expect_failed(test, req, -ESHUTDOWN);
}

/* The end */

static void destroy_fails_what_is_pending(struct kunit *test)
{
	struct fake_peer *peer = fake_peer_create(test);
	struct xs_request *req;
	struct xs_conn *conn;

	conn = kunit_kzalloc(test, sizeof(*conn), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, conn);
	xs_conn_init(conn, &peer->t, &conn_record_ops, test->priv);
	KUNIT_EXPECT_EQ(test, xs_io_connect(conn), 0);
	req = fake_conn_submit(test, conn, XS_READ, "path", 5);
	xs_io_disconnect(conn);
	xs_conn_destroy(conn);

	conn_expect_failed(test, req, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, peer->disconnects, 1);
}

/* Cancel */

static bool conn_keep_none(struct xs_request *req)
{
	return false;
}

static bool conn_keep_marked(struct xs_request *req)
{
	if (xs_request_payload(req)[0] != 'k')
		return false;
	xs_request_payload(req)[0] = 'K';
	return true;
}

static void cancel_of_queued_requests_completes_them(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *first, *second, *other;

	first = conn_submit_to(test, &f->flow, "1", 2);
	other = conn_submit_to(test, &f->other, "other", 6);
	second = conn_submit_to(test, &f->flow, "2", 2);
	xs_conn_cancel(f->conn, &f->flow, conn_keep_none);

	conn_expect_failed(test, first, -ECANCELED);
	conn_expect_failed(test, second, -ECANCELED);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(other));
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 1);
	KUNIT_EXPECT_EQ(test, f->conn->in_flight, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->flow.node));
	fake_peer_run(f->peer, f->conn);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
	KUNIT_EXPECT_STREQ(test, fake_peer_seen(f->peer, 0)->body, "other");
}

static void cancel_of_a_request_half_on_the_ring_leaves_it(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *half, *queued;

	f->peer->take = 0;
	half = conn_submit_to(test, &f->flow, f->bytes, 2000);
	xs_io_pass(f->conn);
	queued = conn_submit_to(test, &f->flow, "2", 2);
	xs_conn_cancel(f->conn, &f->flow, conn_keep_none);
	conn_expect_failed(test, queued, -ECANCELED);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(half));

	f->peer->take = SIZE_MAX;
	fake_peer_run(f->peer, f->conn);
	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 1);
	conn_give_reply(f, 0, "OK", 3);
	xs_io_pass(f->conn);
	conn_expect_reply(test, half, "OK", 3);
}

static void cancel_of_a_request_on_the_ring_leaves_it(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req = conn_submit_to(test, &f->flow, "1", 2);

	fake_peer_run(f->peer, f->conn);
	xs_conn_cancel(f->conn, &f->flow, conn_keep_none);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	conn_give_reply(f, 0, "OK", 3);
	xs_io_pass(f->conn);

	conn_expect_reply(test, req, "OK", 3);
}

static void cancel_of_all_but_one_sends_it_as_changed(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *kept;

	conn_submit_to(test, &f->flow, "1", 2);
	kept = conn_submit_to(test, &f->flow, "keep", 5);
	conn_submit_to(test, &f->flow, "3", 2);
	xs_conn_cancel(f->conn, &f->flow, conn_keep_marked);
	fake_peer_run(f->peer, f->conn);

	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 1);
	KUNIT_EXPECT_STREQ(test, fake_peer_seen(f->peer, 0)->body, "Keep");
	KUNIT_EXPECT_EQ(test, kept->state, XS_REQ_SENT);
}

/* A late reply to the small id of a kernel before a kexec is to find nothing. */
static void id_of_a_fresh_connection_is_random(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	u32 ids[4];
	unsigned int i;

	/* The fixture's own begins with an id that can be foretold. */
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		struct xs_conn *conn = kunit_kzalloc(test, sizeof(*conn),
						     GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, conn);
		xs_conn_init(conn, &f->peer->t, &conn_record_ops, f);
		ids[i] = conn->next_id;
		xs_conn_destroy(conn);
	}
	/* All of them alike once in 2^96. */
	KUNIT_EXPECT_FALSE(test, ids[0] == ids[1] && ids[1] == ids[2] &&
			   ids[2] == ids[3]);
}

static int conn_call_one(void *data)
{
	struct conn_calls *calls = data;

	return xs_conn_call_all(calls->conn, calls->reqs, 1, XS_GATE_REQUEST) ?:
	       calls->reqs[0]->err;
}

static void call_that_is_replied_to_returns_0(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct conn_calls *calls = conn_calls_create(test);
	struct fake_call *call;

	call = fake_call_start(test, conn_call_one, calls, conn_calls_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(conn_peer_has(f, 1)));
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(call));
	conn_reply(f, 0);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	conn_expect_reply(test, calls->reqs[0], "OK", 3);
}

static void call_that_waits_at_a_break_returns_the_error(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct conn_calls *calls = conn_calls_create(test);
	struct fake_call *call;

	call = fake_call_start(test, conn_call_one, calls, conn_calls_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(conn_peer_has(f, 1)));
	conn_calls_unblock(calls);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), -EIO);
}

static struct kunit_case conn_cases[] = {
	KUNIT_CASE(id_of_a_completed_request_is_not_reused_at_once),
	KUNIT_CASE(id_after_the_last_one_is_one),
	KUNIT_CASE(id_that_is_in_flight_is_skipped),
	KUNIT_CASE(call_of_all_sends_in_order_before_a_reply),
	KUNIT_CASE(call_of_all_has_a_reply_for_each),
	KUNIT_CASE(call_of_all_returns_after_the_last_reply),
	KUNIT_CASE(call_of_all_on_a_broken_connection_sends_none),
	KUNIT_CASE(call_of_all_ends_at_a_break_with_an_error_for_each),
	KUNIT_CASE(call_of_all_during_a_suspend_sends_all_after_it),
	KUNIT_CASE(submit_after_break_fails_and_leaves_the_gate),
	KUNIT_CASE(submit_between_break_and_pass_completes_with_the_error),
	KUNIT_CASE(break_before_connect_fails_what_waits),
	KUNIT_CASE(break_before_connect_survives_the_connect),
	KUNIT_CASE(break_after_break_keeps_the_first_error),
	KUNIT_CASE(destroy_fails_what_is_pending),
	KUNIT_CASE(cancel_of_queued_requests_completes_them),
	KUNIT_CASE(cancel_of_a_request_half_on_the_ring_leaves_it),
	KUNIT_CASE(cancel_of_a_request_on_the_ring_leaves_it),
	KUNIT_CASE(cancel_of_all_but_one_sends_it_as_changed),
	KUNIT_CASE(id_of_a_fresh_connection_is_random),
	KUNIT_CASE(call_that_is_replied_to_returns_0),
	KUNIT_CASE(call_that_waits_at_a_break_returns_the_error),
	{}
};

static struct kunit_suite conn_suite = {
	.name = "xenstore_conn",
	.init = conn_init_down,
	.test_cases = conn_cases,
};

kunit_test_suite(conn_suite);
