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

#include "fake_client.h"

struct source_fixture {
	struct fake_site *site;
	struct xs_source a;
	struct xs_source b;
	unsigned int submitted;
};

static int source_init(struct kunit *test)
{
	struct source_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = fake_site_create(test);
	xs_source_init(&f->a);
	xs_source_init(&f->b);
	test->priv = f;
	return 0;
}

/* One request of @len bytes, which completes into nothing; its id. */
static u32 source_submit(struct kunit *test, struct xs_source *source,
			 size_t len)
{
	static const char zeroes[2000];
	struct kvec body = { .iov_base = (void *)zeroes, .iov_len = len };
	struct source_fixture *f = test->priv;
	struct xs_request *req;
	u32 id;

	req = xs_request_alloc(XS_WRITE, 0, &body, 1, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	req->source = source;
	req->complete = xs_request_put;
	xs_gate_enter(&f->site->conn->gate, XS_GATE_REQUEST);
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
	fake_site_run(f->site);

	for (i = 0; i < 3; i++) {
		source_expect_seen(test, 3 * i, a[i]);
		source_expect_seen(test, 3 * i + 1, b[i]);
		source_expect_seen(test, 3 * i + 2, kernel[i]);
	}
}

static void source_alone_keeps_its_order(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	unsigned int i;
	u32 ids[40];

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = source_submit(test, &f->a, 100);
	fake_site_run(f->site);

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		source_expect_seen(test, i, ids[i]);
}

/* A client that floods costs the kernel one of its requests. */
static void flood_of_one_delays_another_by_one_request(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	unsigned int i;
	u32 first, kernel;

	first = source_submit(test, &f->a, 100);
	for (i = 0; i < 200; i++)
		source_submit(test, &f->a, 100);
	kernel = source_submit(test, NULL, 8);
	fake_site_run(f->site);

	source_expect_seen(test, 0, first);
	source_expect_seen(test, 1, kernel);
}

static void request_begun_is_finished_before_the_next_turn(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	u32 large, small;

	f->site->peer->take = 0;
	large = source_submit(test, &f->a, 2000);
	xs_conn_pump(f->site->conn);
	small = source_submit(test, &f->b, 8);
	xs_conn_pump(f->site->conn);
	f->site->peer->take = XENSTORE_RING_SIZE;
	fake_site_run(f->site);

	source_expect_seen(test, 0, large);
	source_expect_seen(test, 1, small);
}

static void source_without_requests_has_no_turn(struct kunit *test)
{
	struct source_fixture *f = test->priv;

	source_submit(test, &f->a, 8);
	fake_site_run(f->site);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.node));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->site->conn->sources));
}

static void break_takes_every_source_out(struct kunit *test)
{
	struct source_fixture *f = test->priv;

	f->site->peer->take = 0;
	source_submit(test, &f->a, 2000);
	source_submit(test, &f->a, 8);
	source_submit(test, &f->b, 8);
	xs_conn_pump(f->site->conn);
	xs_conn_break(f->site->conn, -EIO);
	xs_conn_pump(f->site->conn);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.node));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->a.queue));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->b.node));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->site->conn->sources));
}

static void clients_that_flood_delay_the_kernel_by_one_each(struct kunit *test)
{
	struct source_fixture *f = test->priv;
	struct xs_session *session;
	unsigned int i, client;
	u32 kernel;

	for (client = 0; client < 4; client++) {
		session = fake_client_open(f->site);
		for (i = 0; i < 20; i++)
			fake_client_send(f->site, session, XS_READ, i, 0, "key",
					 4);
	}
	kernel = source_submit(test, NULL, 8);
	fake_site_run(f->site);

	source_expect_seen(test, 4, kernel);
}

static struct kunit_case source_cases[] = {
	KUNIT_CASE(sources_take_turns_by_one_request),
	KUNIT_CASE(source_alone_keeps_its_order),
	KUNIT_CASE(flood_of_one_delays_another_by_one_request),
	KUNIT_CASE(request_begun_is_finished_before_the_next_turn),
	KUNIT_CASE(source_without_requests_has_no_turn),
	KUNIT_CASE(break_takes_every_source_out),
	KUNIT_CASE(clients_that_flood_delay_the_kernel_by_one_each),
	{}
};

static struct kunit_suite source_suite = {
	.name = "xenstore_source",
	.init = source_init,
	.test_cases = source_cases,
};

kunit_test_suite(source_suite);
