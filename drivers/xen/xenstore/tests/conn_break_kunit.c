// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how a connection breaks: because the peer breaks the rules, or
 * because it is told to.
 *
 * There is no kthread: the test steps the pump and a scripted peer.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "fake_peer.h"

struct break_fixture {
	struct fake_peer *peer;
	struct xs_conn *conn;
	u8 bytes[XENSTORE_PAYLOAD_MAX];
};

static int break_init(struct kunit *test)
{
	struct break_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->peer = fake_peer_create(test);
	f->conn = fake_conn_create(test, &f->peer->t, NULL, NULL,
				   FAKE_CONN_DOWN);
	test->priv = f;
	return 0;
}

static struct break_fixture *break_connect(struct kunit *test)
{
	struct break_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_io_connect(f->conn), 0);
	return f;
}

static struct xs_request *break_submit(struct kunit *test, size_t len)
{
	struct break_fixture *f = test->priv;

	return fake_conn_submit(test, f->conn, XS_READ, f->bytes, len);
}

static void break_expect_failed(struct kunit *test, struct xs_request *req,
				int err)
{
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, err);
}

struct break_fault_case {
	const char *name;
	void (*inject)(struct fake_peer *peer);
};

static void break_oversize_by_one(struct fake_peer *peer)
{
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = 4097 };

	fake_peer_put(peer, &hdr, sizeof(hdr));
	fake_peer_step(peer);
}

static void break_oversize_event(struct fake_peer *peer)
{
	struct xsd_sockmsg hdr = { .type = XS_WATCH_EVENT, .len = U32_MAX };

	fake_peer_put(peer, &hdr, sizeof(hdr));
	fake_peer_step(peer);
}

static void break_garbage(struct fake_peer *peer)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	fake_peer_put(peer, text, sizeof(text));
	fake_peer_step(peer);
}

static void break_too_much_produced(struct fake_peer *peer)
{
	peer->page->rsp_prod = peer->page->rsp_cons + XENSTORE_RING_SIZE + 1;
}

static void break_producer_behind(struct fake_peer *peer)
{
	peer->page->rsp_prod = peer->page->rsp_cons - 1;
}

static void break_consumer_ahead(struct fake_peer *peer)
{
	peer->page->req_cons = peer->page->req_prod + 1;
}

static void break_consumer_behind(struct fake_peer *peer)
{
	peer->page->req_cons = peer->page->req_prod - XENSTORE_RING_SIZE - 1;
}

static void break_error_comm(struct fake_peer *peer)
{
	peer->page->error = XENSTORE_ERROR_COMM;
}

static void break_error_unknown(struct fake_peer *peer)
{
	peer->page->error = 4711;
}

static const struct break_fault_case break_fault_cases[] = {
	{ "reply one byte too long", break_oversize_by_one },
	{ "event of 4 GiB", break_oversize_event },
	{ "garbage", break_garbage },
	{ "more produced than there is room", break_too_much_produced },
	{ "less produced than consumed", break_producer_behind },
	{ "more consumed than produced", break_consumer_ahead },
	{ "less consumed than there is room", break_consumer_behind },
	{ "error field says COMM", break_error_comm },
	{ "error field says something new", break_error_unknown },
};

KUNIT_ARRAY_PARAM_DESC(break_fault, break_fault_cases, name);

/* Defects K and Q: whoever waits must learn that nothing will come. */
static void fault_of_the_peer_fails_requests_in_every_state(struct kunit *test)
{
	const struct break_fault_case *param = test->param_value;
	struct break_fixture *f = break_connect(test);
	struct xs_request *sent, *partly, *queued;

	sent = break_submit(test, 10);
	fake_peer_run(f->peer, f->conn);
	f->peer->take = 0;
	partly = break_submit(test, 2000);
	xs_io_pass(f->conn);
	queued = break_submit(test, 10);

	param->inject(f->peer);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EIO);

	break_expect_failed(test, sent, -EIO);
	break_expect_failed(test, partly, -EIO);
	break_expect_failed(test, queued, -EIO);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));
}

static void break_count_completion(struct xs_request *req)
{
	unsigned int *completed = req->owner;

	(*completed)++;
	xs_request_put(req);
}

/* Defect K: a request of a client must complete as well. */
static void fault_of_the_peer_calls_complete_once(struct kunit *test)
{
	const struct break_fault_case *param = test->param_value;
	struct break_fixture *f = break_connect(test);
	unsigned int completed = 0;
	struct xs_request *req;

	req = xs_request_alloc(XS_READ, 0, NULL, 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	req->complete = break_count_completion;
	req->owner = &completed;
	KUNIT_ASSERT_EQ(test, xs_conn_submit(f->conn, req), 0);
	fake_peer_run(f->peer, f->conn);

	param->inject(f->peer);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	xs_io_pass(f->conn);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, completed, 1);
}

static void submit_after_break_fails_and_leaves_no_pass(struct kunit *test)
{
	struct break_fixture *f = break_connect(test);
	struct xs_request *req;

	xs_conn_break(f->conn, -ESHUTDOWN);
	xs_io_pass(f->conn);
	req = xs_request_alloc(XS_READ, 0, NULL, 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));

	KUNIT_EXPECT_EQ(test, xs_conn_submit(f->conn, req), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
	KUNIT_EXPECT_EQ(test, kref_read(&req->ref), 1);
	xs_request_put(req);
}

static void submit_between_break_and_pump_completes_with_the_error(struct kunit *test)
{
	struct break_fixture *f = break_connect(test);
	struct xs_request *req;

	xs_conn_break(f->conn, -ESHUTDOWN);
	req = break_submit(test, 10);
	xs_io_pass(f->conn);

	break_expect_failed(test, req, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 0);
}

static void break_before_connect_fails_what_waits(struct kunit *test)
{
	struct break_fixture *f = test->priv;
	struct xs_request *req = break_submit(test, 10);

	xs_conn_break(f->conn, -ESHUTDOWN);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);

	break_expect_failed(test, req, -ESHUTDOWN);
}

static void break_after_break_keeps_the_first_error(struct kunit *test)
{
	struct break_fixture *f = break_connect(test);
	struct xs_request *req = break_submit(test, 10);

	xs_conn_break(f->conn, -ESHUTDOWN);
	xs_conn_break(f->conn, -EIO);
	xs_io_pass(f->conn);

	break_expect_failed(test, req, -ESHUTDOWN);
}

/* A ring that breaks does not overrule who asked for the break. */
static void fault_after_break_keeps_the_first_error(struct kunit *test)
{
	struct break_fixture *f = break_connect(test);
	struct xs_request *req = break_submit(test, 10);

	break_producer_behind(f->peer);
	xs_conn_break(f->conn, -ESHUTDOWN);

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);
	break_expect_failed(test, req, -ESHUTDOWN);
}

static void break_before_connect_survives_the_connect(struct kunit *test)
{
	struct break_fixture *f = test->priv;
	struct xs_request *req = break_submit(test, 10);

	xs_conn_break(f->conn, -ESHUTDOWN);
	KUNIT_ASSERT_EQ(test, xs_io_connect(f->conn), 0);

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);
	break_expect_failed(test, req, -ESHUTDOWN);
}

static struct kunit_case break_cases[] = {
	KUNIT_CASE_PARAM(fault_of_the_peer_fails_requests_in_every_state,
			 break_fault_gen_params),
	KUNIT_CASE_PARAM(fault_of_the_peer_calls_complete_once,
			 break_fault_gen_params),
	KUNIT_CASE(submit_after_break_fails_and_leaves_no_pass),
	KUNIT_CASE(submit_between_break_and_pump_completes_with_the_error),
	KUNIT_CASE(break_before_connect_fails_what_waits),
	KUNIT_CASE(break_after_break_keeps_the_first_error),
	KUNIT_CASE(fault_after_break_keeps_the_first_error),
	KUNIT_CASE(break_before_connect_survives_the_connect),
	{}
};

static struct kunit_suite break_suite = {
	.name = "xenstore_conn_break",
	.init = break_init,
	.test_cases = break_cases,
};

kunit_test_suite(break_suite);
