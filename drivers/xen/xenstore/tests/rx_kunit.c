// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the way from the response ring to completions and watch events.
 *
 * The test takes the place of the kthread, and of a server that is scripted.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "conn_fixture.h"
#include "conn_sizes.h"
#include "fake_memory.h"

/* Replies */

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

static const u32 rx_unknown_ids[] = { 0, 4711, (u32)-1 };

static void rx_id_desc(const u32 *id, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *id);
}

KUNIT_ARRAY_PARAM(rx_unknown, rx_unknown_ids, rx_id_desc);

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

struct rx_unsent_case {
	const char *name;
	/* Bytes submitted before the request, and in it. */
	size_t before;
	size_t len;
};

static const struct rx_unsent_case rx_unsent_cases[] = {
	{ "not begun", 1008, 16 },
	{ "half sent", 16, 1000 },
};

KUNIT_ARRAY_PARAM_DESC(rx_unsent, rx_unsent_cases, name);

static void reply_before_its_request_is_sent_is_dropped(struct kunit *test)
{
	const struct rx_unsent_case *param = test->param_value;
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

static void replies_while_the_request_ring_is_full_arrive(struct kunit *test)
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
	conn_expect_failed(test, first, -ENOMEM);
	conn_expect_reply(test, second, f->bytes, 400);
}

/* Events */

static void event_is_handed_up_with_a_nul_behind_it(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	fake_peer_event(f->peer, "/a/b", "token");
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, f->events, 1);
	KUNIT_EXPECT_EQ(test, f->event_len, 11);
	KUNIT_EXPECT_EQ(test, memcmp(f->event, "/a/b\0token\0", 12), 0);
}

static void event_with_the_id_of_a_request_is_no_reply_to_it(struct kunit *test)
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
	KUNIT_EXPECT_EQ(test, f->calls, 2);
	/* What is behind it waits. */
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));

	f->event_err = 0;
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_EQ(test, f->events, 1);
	KUNIT_EXPECT_STREQ(test, f->event, "/a");
	conn_expect_reply(test, req, "ok", 2);
}

/* One burst of memory pressure must not stop what needs no memory. */
static void event_without_memory_lets_requests_go_out(struct kunit *test)
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

/* The space on the ring */

static void ring_that_was_full_is_notified_when_read(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	fake_peer_reply(f->peer, XS_READ, 0, f->bytes, 1008);
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static void ring_that_was_not_full_is_not_notified_when_read(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	fake_peer_reply(f->peer, XS_READ, 0, f->bytes, 1007);
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 0);
}

static void rx_see_ring(struct conn_fixture *f)
{
	const struct xenstore_domain_interface *page = f->peer->page;

	if (page->rsp_cons == page->rsp_prod)
		f->seen = fake_peer_notifications(f->peer);
}

/* The server waits for space, not for an allocation here. */
static void ring_that_was_full_is_notified_before_the_event(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->on_event = rx_see_ring;
	fake_peer_reply(f->peer, XS_WATCH_EVENT, 0, f->bytes, 1008);
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);

	KUNIT_EXPECT_EQ(test, f->events, 1);
	KUNIT_EXPECT_EQ(test, f->seen, 1);
}

/* No other notification need come. */
static void messages_behind_one_notification_are_received_in_one_pass(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *first = conn_send(test);
	struct xs_request *second = conn_send(test);

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "one", 3);
	fake_peer_event(f->peer, "/a", "token");
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 1), "two", 3);
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);

	conn_expect_reply(test, first, "one", 3);
	conn_expect_reply(test, second, "two", 3);
	KUNIT_EXPECT_EQ(test, f->events, 1);
	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));
}

#define RX_EVENT_BODY	48
#define RX_EVENTS	(XENSTORE_RING_SIZE / (HDR_SIZE + RX_EVENT_BODY))

static void rx_write_on(struct conn_fixture *f)
{
	/* Not for ever, so that a pass without a bound ends as well. */
	if (f->calls < 8 * RX_EVENTS)
		fake_peer_reply(f->peer, XS_WATCH_EVENT, 0, f->bytes,
				RX_EVENT_BODY);
	fake_peer_step(f->peer);
}

static void pass_while_the_server_writes_on_ends_after_a_ring(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->on_event = rx_write_on;
	fake_peer_reply(f->peer, XS_WATCH_EVENT, 0, f->bytes, RX_EVENT_BODY);
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);

	KUNIT_EXPECT_EQ(test, f->events, RX_EVENTS);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_EQ(test, f->events, 2 * RX_EVENTS);
}

/* A message that is longer than the ring is not held up by the bound. */
static void pass_with_a_long_message_under_way_receives_all_of_it(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_send(test);

	conn_give_reply(f, 0, f->bytes, 1500);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, f->conn->rx.missing, HDR_SIZE + 1500 -
			XENSTORE_RING_SIZE);
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);

	conn_expect_reply(test, req, f->bytes, 1500);
	KUNIT_EXPECT_EQ(test, f->conn->rx.missing, 0);
}

static struct kunit_case rx_cases[] = {
	KUNIT_CASE_PARAM(reply_of_any_size_given_in_chunks_arrives_whole,
			 conn_size_gen_params),
	KUNIT_CASE_PARAM(replies_back_to_back_given_in_chunks_arrive_each,
			 conn_size_gen_params),
	KUNIT_CASE(replies_out_of_order_complete_their_own_request),
	KUNIT_CASE(reply_of_type_error_completes_the_request),
	KUNIT_CASE(reply_that_comes_twice_is_dropped_once),
	KUNIT_CASE_PARAM(reply_with_unknown_id_is_dropped,
			 rx_unknown_gen_params),
	KUNIT_CASE_PARAM(reply_before_its_request_is_sent_is_dropped,
			 rx_unsent_gen_params),
	KUNIT_CASE(replies_while_the_request_ring_is_full_arrive),
	KUNIT_CASE(reply_without_memory_fails_its_request_alone),
	KUNIT_CASE(event_is_handed_up_with_a_nul_behind_it),
	KUNIT_CASE(event_with_the_id_of_a_request_is_no_reply_to_it),
	KUNIT_CASE(event_without_memory_is_offered_again),
	KUNIT_CASE(event_without_memory_lets_requests_go_out),
	KUNIT_CASE(ring_that_was_full_is_notified_when_read),
	KUNIT_CASE(ring_that_was_not_full_is_not_notified_when_read),
	KUNIT_CASE(ring_that_was_full_is_notified_before_the_event),
	KUNIT_CASE(messages_behind_one_notification_are_received_in_one_pass),
	KUNIT_CASE(pass_while_the_server_writes_on_ends_after_a_ring),
	KUNIT_CASE(pass_with_a_long_message_under_way_receives_all_of_it),
	{}
};

static struct kunit_suite rx_suite = {
	.name = "xenstore_rx",
	.init = conn_init_up,
	.test_cases = rx_cases,
};

kunit_test_suite(rx_suite);
