// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the way from the request queues to the request ring.
 *
 * The test takes the place of the kthread, and of a server that is scripted.
 * Which of several flows is next is the subject of fq_kunit.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "conn_fixture.h"
#include "conn_sizes.h"

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

static void ring_when_full_is_no_work_until_half_of_it_is_free(struct kunit *test)
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

static void requests_of_one_pass_cost_one_notification(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	conn_submit(test, "a", 2);
	conn_submit(test, "b", 2);
	conn_submit(test, "c", 2);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static void request_behind_unread_ones_needs_no_notification(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	conn_submit(test, "a", 2);
	xs_io_pass(f->conn);
	conn_submit(test, "b", 2);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static void pass_without_requests_does_not_notify(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 0);
}

static void submit_moves_no_bytes_and_does_not_notify(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xenstore_domain_interface *before;

	before = kunit_kmalloc(test, sizeof(*before), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	memcpy(before, f->peer->page, sizeof(*before));
	conn_submit(test, "path", 5);
	KUNIT_EXPECT_EQ(test, memcmp(before, f->peer->page, sizeof(*before)), 0);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 0);

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_EQ(test, f->peer->page->req_prod,
			before->req_prod + HDR_SIZE + 5);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

struct tx_wake_case {
	const char *name;
	/* Bytes in the ring that the server has not read. */
	u32 unread;
	unsigned int wakes;
};

static const struct tx_wake_case tx_wake_cases[] = {
	{ "nothing", 0, 1 },
	{ "a small request", 100, 0 },
	{ "half of the ring", XENSTORE_RING_SIZE / 2, 0 },
	/* Its notification of that wakes the kthread. */
	{ "more than half of the ring", XENSTORE_RING_SIZE / 2 + 1, 0 },
	{ "the whole ring", XENSTORE_RING_SIZE, 0 },
};

KUNIT_ARRAY_PARAM_DESC(tx_wake, tx_wake_cases, name);

static void submit_wakes_unless_something_is_unread(struct kunit *test)
{
	const struct tx_wake_case *param = test->param_value;
	struct conn_fixture *f = test->priv;

	f->peer->take = 0;
	if (param->unread)
		conn_submit(test, f->bytes, param->unread - HDR_SIZE);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), 0);
	conn_sleep(test);
	conn_submit(test, "path", 5);

	KUNIT_EXPECT_EQ(test, f->wakes, param->wakes);
}

static void ring_when_half_free_again_takes_the_rest(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req;

	f->peer->take = 0;
	req = conn_submit(test, f->bytes, 1500);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_EQ(test, req->state, XS_REQ_QUEUED);
	f->peer->take = XENSTORE_RING_SIZE / 2;
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);

	KUNIT_EXPECT_EQ(test, req->state, XS_REQ_SENT);
	KUNIT_EXPECT_EQ(test, f->conn->stats.sent, 1);
}

/* A notification for each byte that is read would be one for nothing. */
static void server_that_is_behind_is_not_notified_of_the_rest(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->take = 0;
	conn_submit(test, f->bytes, 2000);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	f->peer->take = XENSTORE_RING_SIZE / 2;
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static struct kunit_case tx_cases[] = {
	KUNIT_CASE_PARAM(request_of_any_size_taken_in_chunks_arrives_whole,
			 conn_size_gen_params),
	KUNIT_CASE(requests_queued_in_order_arrive_in_order),
	KUNIT_CASE(request_whose_buffer_is_reused_arrives_as_submitted),
	KUNIT_CASE(ring_when_full_is_no_work_until_half_of_it_is_free),
	KUNIT_CASE(requests_of_one_pass_cost_one_notification),
	KUNIT_CASE(request_behind_unread_ones_needs_no_notification),
	KUNIT_CASE(pass_without_requests_does_not_notify),
	KUNIT_CASE(submit_moves_no_bytes_and_does_not_notify),
	KUNIT_CASE_PARAM(submit_wakes_unless_something_is_unread,
			 tx_wake_gen_params),
	KUNIT_CASE(ring_when_half_free_again_takes_the_rest),
	KUNIT_CASE(server_that_is_behind_is_not_notified_of_the_rest),
	{}
};

static struct kunit_suite tx_suite = {
	.name = "xenstore_tx",
	.init = conn_init_up,
	.test_cases = tx_cases,
};

kunit_test_suite(tx_suite);
