// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of a connection while it works: messages in both directions.
 *
 * There is no kthread: the test steps the pump and a scripted peer. How a
 * connection begins and ends is the subject of conn_life_kunit.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "fake_memory.h"
#include "fake_peer.h"

struct conn_fixture {
	struct fake_peer *peer;
	struct xs_conn *conn;
	/* What the connection has handed up, and what it is told. */
	unsigned int events;
	unsigned int calls;
	int event_err;
	size_t event_len;
	char event[64];
	/* A payload to send or to receive. */
	u8 bytes[XENSTORE_PAYLOAD_MAX];
};

static int conn_record_event(struct xs_conn *conn, const char *body, size_t len)
{
	struct conn_fixture *f = conn->owner;

	f->calls++;
	if (f->event_err)
		return f->event_err;
	f->events++;
	f->event_len = len;
	memcpy(f->event, body, min(len + 1, sizeof(f->event)));
	return 0;
}

static const struct xs_conn_ops conn_record_ops = {
	.event = conn_record_event,
};

static int conn_init(struct kunit *test)
{
	struct conn_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < sizeof(f->bytes); i++)
		f->bytes[i] = i * 7 + i / 256 + 1;
	f->peer = fake_peer_create(test);
	f->conn = fake_conn_create(test, &f->peer->t, &conn_record_ops, f,
				   FAKE_CONN_UP);
	test->priv = f;
	return 0;
}

static struct xs_request *conn_submit(struct kunit *test, const void *payload,
				      size_t len)
{
	struct conn_fixture *f = test->priv;

	return fake_conn_submit(test, f->conn, XS_READ, payload, len);
}

/* A request that the peer has received. */
static struct xs_request *conn_send(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_submit(test, "path", 5);

	KUNIT_ASSERT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	return req;
}

static void conn_expect_reply(struct kunit *test, struct xs_request *req,
			      const void *body, size_t len)
{
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, 0);
	KUNIT_EXPECT_EQ(test, req->reply.hdr.len, len);
	KUNIT_EXPECT_EQ(test, memcmp(req->reply.body, body, len), 0);
	KUNIT_EXPECT_EQ(test, req->reply.body[len], '\0');
}

struct conn_size_case {
	const char *name;
	size_t len;
	size_t chunk;
};

static const struct conn_size_case conn_size_cases[] = {
	{ "nothing at once", 0, SIZE_MAX },
	{ "one byte at once", 1, SIZE_MAX },
	{ "15 at once", 15, SIZE_MAX },
	{ "16 at once", 16, SIZE_MAX },
	{ "one ring at once", 1008, SIZE_MAX },
	{ "one ring and a byte at once", 1009, SIZE_MAX },
	{ "two rings at once", 2032, SIZE_MAX },
	{ "the most at once", 4096, SIZE_MAX },
	{ "nothing by bytes", 0, 1 },
	{ "one byte by bytes", 1, 1 },
	{ "16 by bytes", 16, 1 },
	{ "one ring by bytes", 1008, 1 },
	{ "one ring and a byte by bytes", 1009, 1 },
	{ "the most by bytes", 4096, 1 },
	{ "the most by 15", 4096, 15 },
	{ "the most by 17", 4096, 17 },
	{ "the most by 1023", 4096, 1023 },
};

KUNIT_ARRAY_PARAM_DESC(conn_size, conn_size_cases, name);

static void request_of_any_size_taken_in_chunks_arrives_whole(struct kunit *test)
{
	const struct conn_size_case *param = test->param_value;
	struct conn_fixture *f = test->priv;
	const struct fake_message *seen;
	struct xs_request *req;

	f->peer->take = param->chunk;
	req = conn_submit(test, f->bytes, param->len);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);

	seen = fake_peer_seen(f->peer, 0);
	KUNIT_ASSERT_NOT_NULL(test, seen);
	KUNIT_EXPECT_EQ(test, seen->hdr.type, XS_READ);
	KUNIT_EXPECT_EQ(test, seen->hdr.req_id, req->id);
	KUNIT_EXPECT_EQ(test, seen->hdr.len, param->len);
	KUNIT_EXPECT_EQ(test, memcmp(seen->body, f->bytes, param->len), 0);
	KUNIT_EXPECT_EQ(test, req->state, XS_REQ_SENT);
}

static void reply_of_any_size_given_in_chunks_arrives_whole(struct kunit *test)
{
	const struct conn_size_case *param = test->param_value;
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_send(test);

	f->peer->give = param->chunk;
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), f->bytes,
			   param->len);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);

	conn_expect_reply(test, req, f->bytes, param->len);
	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
}

static void replies_back_to_back_given_in_chunks_arrive_each(struct kunit *test)
{
	const struct conn_size_case *param = test->param_value;
	struct conn_fixture *f = test->priv;
	struct xs_request *first = conn_send(test);
	struct xs_request *second = conn_send(test);

	f->peer->give = param->chunk;
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), f->bytes,
			   param->len);
	fake_peer_event(f->peer, "/a", "token");
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 1), "last", 4);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);

	conn_expect_reply(test, first, f->bytes, param->len);
	conn_expect_reply(test, second, "last", 4);
	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void requests_queued_in_order_arrive_in_order(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	conn_submit(test, "first", 6);
	conn_submit(test, f->bytes, 3000);
	conn_submit(test, "third", 6);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);

	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 3);
	KUNIT_EXPECT_STREQ(test, fake_peer_seen(f->peer, 0)->body, "first");
	KUNIT_EXPECT_EQ(test, fake_peer_seen(f->peer, 1)->hdr.len, 3000);
	KUNIT_EXPECT_STREQ(test, fake_peer_seen(f->peer, 2)->body, "third");
}

/* Defect B: what was accepted is sent, whatever becomes of the buffer. */
static void request_whose_buffer_is_reused_arrives_as_submitted(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	char buffer[] = "path-AAAA";

	f->peer->take = 0;
	conn_submit(test, f->bytes, 2000);
	conn_submit(test, buffer, sizeof(buffer));
	xs_io_pass(f->conn);
	memcpy(buffer, "path-BBBB", sizeof(buffer));
	conn_submit(test, buffer, sizeof(buffer));
	f->peer->take = SIZE_MAX;
	fake_peer_run(f->peer, f->conn);

	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 3);
	KUNIT_EXPECT_STREQ(test, fake_peer_seen(f->peer, 1)->body, "path-AAAA");
	KUNIT_EXPECT_STREQ(test, fake_peer_seen(f->peer, 2)->body, "path-BBBB");
}

static void replies_out_of_order_complete_their_own_request(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *first = conn_send(test);
	struct xs_request *second = conn_send(test);
	struct xs_request *third = conn_send(test);

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 2), "3", 1);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "1", 1);
	fake_peer_run(f->peer, f->conn);

	conn_expect_reply(test, third, "3", 1);
	conn_expect_reply(test, first, "1", 1);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(second));
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 1), "2", 1);
	fake_peer_run(f->peer, f->conn);
	conn_expect_reply(test, second, "2", 1);
}

static void reply_of_type_error_completes_the_request(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_send(test);

	fake_peer_reply(f->peer, XS_ERROR, req->id, "ENOENT", 7);
	fake_peer_run(f->peer, f->conn);

	conn_expect_reply(test, req, "ENOENT", 7);
	KUNIT_EXPECT_EQ(test, req->reply.hdr.type, XS_ERROR);
}

static void reply_that_comes_twice_is_dropped_once(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *first = conn_send(test);
	struct xs_request *second = conn_send(test);

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "one", 3);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), f->bytes, 3000);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 1), "two", 3);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);

	conn_expect_reply(test, first, "one", 3);
	conn_expect_reply(test, second, "two", 3);
	KUNIT_EXPECT_EQ(test, f->conn->stats.strays, 1);
}

static const u32 conn_unknown_ids[] = { 0, 4711, (u32)-1 };

static void conn_id_desc(const u32 *id, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *id);
}

KUNIT_ARRAY_PARAM(conn_unknown, conn_unknown_ids, conn_id_desc);

static void reply_with_unknown_id_is_dropped(struct kunit *test)
{
	const u32 *id = test->param_value;
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_send(test);

	fake_peer_reply(f->peer, XS_READ, *id, "stray", 5);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "mine", 4);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);

	conn_expect_reply(test, req, "mine", 4);
	KUNIT_EXPECT_EQ(test, f->conn->stats.strays, 1);
}

struct conn_unsent_case {
	const char *name;
	/* Bytes submitted before the request, and in it. */
	size_t before;
	size_t len;
};

static const struct conn_unsent_case conn_unsent_cases[] = {
	{ "not begun", 1008, 16 },
	{ "half sent", 16, 1000 },
};

KUNIT_ARRAY_PARAM_DESC(conn_unsent, conn_unsent_cases, name);

static void reply_before_its_request_is_sent_is_dropped(struct kunit *test)
{
	const struct conn_unsent_case *param = test->param_value;
	struct conn_fixture *f = test->priv;
	struct xs_request *req;

	f->peer->take = 0;
	conn_submit(test, f->bytes, param->before);
	req = conn_submit(test, f->bytes, param->len);
	xs_io_pass(f->conn);
	fake_peer_reply(f->peer, XS_READ, req->id, "early", 5);
	fake_peer_run(f->peer, f->conn);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, f->conn->stats.strays, 1);

	f->peer->take = SIZE_MAX;
	fake_peer_run(f->peer, f->conn);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 1), "good", 4);
	fake_peer_run(f->peer, f->conn);
	conn_expect_reply(test, req, "good", 4);
}

static void event_is_handed_up_with_a_nul_behind_it(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	fake_peer_event(f->peer, "/a/b", "token");
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, f->events, 1);
	KUNIT_EXPECT_EQ(test, f->event_len, 11);
	KUNIT_EXPECT_EQ(test, memcmp(f->event, "/a/b\0token\0", 12), 0);
}

static void event_is_no_answer_to_a_request_with_its_id(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_send(test);

	fake_peer_reply(f->peer, XS_WATCH_EVENT, req->id, "/a\0t", 5);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, f->events, 1);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
}

static void event_without_memory_is_offered_again(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_send(test);

	f->event_err = -ENOMEM;
	fake_peer_event(f->peer, "/a", "token");
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "ok", 2);
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ENOMEM);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ENOMEM);
	KUNIT_EXPECT_EQ(test, f->events, 0);

	f->event_err = 0;
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_EQ(test, f->events, 1);
	KUNIT_EXPECT_STREQ(test, f->event, "/a");
	conn_expect_reply(test, req, "ok", 2);
}

/* One burst of memory pressure must not stop what needs no memory. */
static void requests_go_out_while_an_event_waits_for_memory(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->event_err = -ENOMEM;
	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);
	conn_submit(test, "path", 5);
	xs_io_pass(f->conn);
	fake_peer_step(f->peer);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
}

static void full_ring_is_no_work_until_half_of_it_is_free(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->take = 0;
	conn_submit(test, f->bytes, 4096);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));

	f->peer->take = XENSTORE_RING_SIZE / 2 - 1;
	fake_peer_step(f->peer);
	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));
	f->peer->take = 1;
	fake_peer_step(f->peer);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
}

static void replies_arrive_while_the_request_ring_is_full(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_send(test);

	f->peer->take = 0;
	conn_submit(test, f->bytes, 4096);
	xs_io_pass(f->conn);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), f->bytes, 4096);
	fake_peer_run(f->peer, f->conn);

	conn_expect_reply(test, req, f->bytes, 4096);
}

static void requests_of_one_turn_cost_one_signal(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	conn_submit(test, "a", 2);
	conn_submit(test, "b", 2);
	conn_submit(test, "c", 2);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static void request_behind_unread_ones_needs_no_signal(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	conn_submit(test, "a", 2);
	xs_io_pass(f->conn);
	conn_submit(test, "b", 2);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static void idle_turn_does_not_signal(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 0);
}

static void reading_a_full_response_ring_signals(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	fake_peer_reply(f->peer, XS_READ, 0, f->bytes, 1008);
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static void reading_a_small_reply_does_not_signal(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	fake_peer_reply(f->peer, XS_READ, 0, f->bytes, 1007);
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 0);
}

static void id_of_a_completed_request_is_not_reused_at_once(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *first = conn_send(test);
	u32 id = first->id;

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "", 0);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_TRUE(test, xs_request_is_done(first));
	KUNIT_EXPECT_EQ(test, conn_send(test)->id, id + 1);
}

static void id_after_the_last_one_is_one(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->conn->next_id = U32_MAX;

	KUNIT_EXPECT_EQ(test, conn_send(test)->id, U32_MAX);
	KUNIT_EXPECT_EQ(test, conn_send(test)->id, 1);
}

static void id_that_is_in_flight_is_skipped(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *first = conn_send(test);

	f->conn->next_id = first->id;

	KUNIT_EXPECT_EQ(test, conn_send(test)->id, first->id + 1);
}

static void reply_without_memory_fails_its_request_alone(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *first = conn_send(test);
	struct xs_request *second = conn_send(test);

	if (!fake_memory_can_fail())
		kunit_skip(test, "allocations cannot be made to fail here");
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), f->bytes, 500);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 1), f->bytes, 400);
	fake_peer_step(f->peer);
	fake_memory_fail_nth(1);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_TRUE(test, fake_memory_has_failed());
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(first));
	KUNIT_EXPECT_EQ(test, first->err, -ENOMEM);
	conn_expect_reply(test, second, f->bytes, 400);
}

static struct kunit_case conn_cases[] = {
	KUNIT_CASE_PARAM(request_of_any_size_taken_in_chunks_arrives_whole,
			 conn_size_gen_params),
	KUNIT_CASE_PARAM(reply_of_any_size_given_in_chunks_arrives_whole,
			 conn_size_gen_params),
	KUNIT_CASE_PARAM(replies_back_to_back_given_in_chunks_arrive_each,
			 conn_size_gen_params),
	KUNIT_CASE(requests_queued_in_order_arrive_in_order),
	KUNIT_CASE(request_whose_buffer_is_reused_arrives_as_submitted),
	KUNIT_CASE(replies_out_of_order_complete_their_own_request),
	KUNIT_CASE(reply_of_type_error_completes_the_request),
	KUNIT_CASE(reply_that_comes_twice_is_dropped_once),
	KUNIT_CASE_PARAM(reply_with_unknown_id_is_dropped,
			 conn_unknown_gen_params),
	KUNIT_CASE_PARAM(reply_before_its_request_is_sent_is_dropped,
			 conn_unsent_gen_params),
	KUNIT_CASE(event_is_handed_up_with_a_nul_behind_it),
	KUNIT_CASE(event_is_no_answer_to_a_request_with_its_id),
	KUNIT_CASE(event_without_memory_is_offered_again),
	KUNIT_CASE(requests_go_out_while_an_event_waits_for_memory),
	KUNIT_CASE(full_ring_is_no_work_until_half_of_it_is_free),
	KUNIT_CASE(replies_arrive_while_the_request_ring_is_full),
	KUNIT_CASE(requests_of_one_turn_cost_one_signal),
	KUNIT_CASE(request_behind_unread_ones_needs_no_signal),
	KUNIT_CASE(idle_turn_does_not_signal),
	KUNIT_CASE(reading_a_full_response_ring_signals),
	KUNIT_CASE(reading_a_small_reply_does_not_signal),
	KUNIT_CASE(id_of_a_completed_request_is_not_reused_at_once),
	KUNIT_CASE(id_after_the_last_one_is_one),
	KUNIT_CASE(id_that_is_in_flight_is_skipped),
	KUNIT_CASE(reply_without_memory_fails_its_request_alone),
	{}
};

static struct kunit_suite conn_suite = {
	.name = "xenstore_conn",
	.init = conn_init,
	.test_cases = conn_cases,
};

kunit_test_suite(conn_suite);
