// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of passes, and of how a connection is made, lost and made again.
 *
 * The test takes the place of the kthread, and of a server that is scripted.
 * The kthread itself is the subject of io_thread_kunit.c, the interrupt handler
 * that of io_notified_kunit.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/sched/mm.h>

#include "conn_fixture.h"

/* Connect */

static void request_before_connect_is_sent_after_it(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_submit(test, "path", 5);

	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	conn_connect(test);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
}

static void connect_that_fails_can_be_tried_again(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->connect_err = -ENXIO;
	conn_submit(test, "path", 5);
	KUNIT_EXPECT_EQ(test, xs_io_connect(f->conn), -ENXIO);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	f->peer->connect_err = 0;
	conn_connect(test);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
}

static const size_t io_leftovers[] = { 1, 15, 500, 1024 };

static void io_size_desc(const size_t *len, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", *len);
}

KUNIT_ARRAY_PARAM(io_leftover, io_leftovers, io_size_desc);

static void responses_left_at_connect_are_dropped(struct kunit *test)
{
	size_t len = *(const size_t *)test->param_value;
	struct conn_fixture *f = test->priv;
	struct xs_request *req;

	f->peer->page->rsp_prod += len;
	conn_connect(test);
	KUNIT_EXPECT_EQ(test, f->peer->page->rsp_cons, f->peer->page->rsp_prod);
	req = conn_send(test);
	fake_peer_reply(f->peer, XS_READ, req->id, "good", 4);
	fake_peer_run(f->peer, f->conn);

	conn_expect_reply(test, req, "good", 4);
	KUNIT_EXPECT_EQ(test, f->conn->stats.strays, 0);
}

static void responses_left_that_fill_the_ring_are_notified_as_gone(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->page->rsp_prod += XENSTORE_RING_SIZE;
	conn_connect(test);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static void responses_left_with_an_index_out_of_range_are_dropped(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->page->rsp_prod += XENSTORE_RING_SIZE + 1;
	conn_connect(test);

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
}

static void responses_left_that_are_to_be_kept_are_received(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	f->peer->t.keep_responses = true;
	conn_connect(test);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void disconnect_keeps_requests_for_the_next_connect(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req = conn_submit(test, "path", 5);

	xs_io_disconnect(f->conn);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	conn_connect(test);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
	KUNIT_EXPECT_EQ(test, f->peer->disconnects, 1);
}

/* A server that violates the protocol */

struct io_violation_case {
	const char *name;
	void (*inject)(struct fake_peer *peer);
};

static void io_oversize_by_one(struct fake_peer *peer)
{
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = 4097 };

	fake_peer_put(peer, &hdr, sizeof(hdr));
	fake_peer_step(peer);
}

static void io_oversize_event(struct fake_peer *peer)
{
	struct xsd_sockmsg hdr = { .type = XS_WATCH_EVENT, .len = U32_MAX };

	fake_peer_put(peer, &hdr, sizeof(hdr));
	fake_peer_step(peer);
}

static void io_garbage(struct fake_peer *peer)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	fake_peer_put(peer, text, sizeof(text));
	fake_peer_step(peer);
}

static void io_producer_too_far(struct fake_peer *peer)
{
	peer->page->rsp_prod = peer->page->rsp_cons + XENSTORE_RING_SIZE + 1;
}

static void io_producer_behind(struct fake_peer *peer)
{
	peer->page->rsp_prod = peer->page->rsp_cons - 1;
}

static void io_consumer_ahead(struct fake_peer *peer)
{
	peer->page->req_cons = peer->page->req_prod + 1;
}

static void io_consumer_behind(struct fake_peer *peer)
{
	peer->page->req_cons = peer->page->req_prod - XENSTORE_RING_SIZE - 1;
}

static void io_error_comm(struct fake_peer *peer)
{
	peer->page->error = XENSTORE_ERROR_COMM;
}

static void io_error_unknown(struct fake_peer *peer)
{
	peer->page->error = 4711;
}

static const struct io_violation_case io_violation_cases[] = {
	{ "reply one byte too long", io_oversize_by_one },
	{ "event of 4 GiB", io_oversize_event },
	{ "garbage", io_garbage },
	{ "more produced than there is space", io_producer_too_far },
	{ "less produced than consumed", io_producer_behind },
	{ "more consumed than produced", io_consumer_ahead },
	{ "less consumed than there is space", io_consumer_behind },
	{ "error field says COMM", io_error_comm },
	{ "error field says something new", io_error_unknown },
};

KUNIT_ARRAY_PARAM_DESC(io_violation, io_violation_cases, name);

/* Defects K and Q: every caller that waits must learn that nothing will come. */
static void violation_fails_requests_in_every_state(struct kunit *test)
{
	const struct io_violation_case *param = test->param_value;
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *sent, *partly, *queued;

	sent = conn_send(test);
	f->peer->take = 0;
	partly = conn_submit(test, f->bytes, 2000);
	xs_io_pass(f->conn);
	queued = conn_submit(test, "path", 5);

	param->inject(f->peer);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EIO);

	conn_expect_failed(test, sent, -EIO);
	conn_expect_failed(test, partly, -EIO);
	conn_expect_failed(test, queued, -EIO);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));
}

static void io_count_completion(struct xs_request *req)
{
	unsigned int *completed = req->owner;

	(*completed)++;
	xs_request_put(req);
}

/* Defect K: a request of a client must complete as well. */
static void violation_calls_complete_once(struct kunit *test)
{
	const struct io_violation_case *param = test->param_value;
	struct conn_fixture *f = conn_connect(test);
	unsigned int completed = 0;
	struct xs_request *req;

	req = xs_request_alloc(XS_READ, 0, NULL, 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	req->complete = io_count_completion;
	req->owner = &completed;
	KUNIT_ASSERT_EQ(test, fake_conn_accept(f->conn, req), 0);
	fake_peer_run(f->peer, f->conn);

	param->inject(f->peer);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	xs_io_pass(f->conn);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, completed, 1);
}

/* A ring that breaks does not overrule the error of an earlier break. */
static void violation_after_break_keeps_the_first_error(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req = conn_submit(test, "path", 5);

	io_producer_behind(f->peer);
	xs_conn_break(f->conn, -ESHUTDOWN);

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);
	conn_expect_failed(test, req, -ESHUTDOWN);
}

static void error_left_in_the_page_at_connect_fails_requests(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_submit(test, "path", 5);

	f->peer->page->error = XENSTORE_ERROR_PROTO;
	conn_connect(test);

	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EIO);
	conn_expect_failed(test, req, -EIO);
}

/* Boundaries, and reconnect */

static void boundary_is_not_where_a_message_is_half_received(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	unsigned int i;

	f->peer->give = 1;
	fake_peer_event(f->peer, "/a", "t");
	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
	for (i = 0; i < HDR_SIZE + 4; i++) {
		fake_peer_step(f->peer);
		xs_io_pass(f->conn);
		KUNIT_EXPECT_FALSE(test, xs_io_at_boundary(f->conn));
	}
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void boundary_is_not_where_a_message_is_half_sent(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	f->peer->take = 0;
	conn_submit(test, f->bytes, 2000);
	xs_io_pass(f->conn);
	KUNIT_EXPECT_FALSE(test, xs_io_at_boundary(f->conn));
	f->peer->take = SIZE_MAX;
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
}

static void reconnect_starts_over_on_the_new_page(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req;

	/* Half a message of the old server is forgotten. */
	fake_peer_put(f->peer, "half", 4);
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);
	KUNIT_EXPECT_EQ(test, xs_io_reconnect(f->conn), 0);
	req = conn_send(test);
	fake_peer_reply(f->peer, XS_READ, req->id, "good", 4);
	fake_peer_run(f->peer, f->conn);

	conn_expect_reply(test, req, "good", 4);
	KUNIT_EXPECT_EQ(test, f->conn->generation, 1);
}

static void reconnect_that_fails_keeps_the_generation(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	f->peer->reconnect_err = -EIO;

	KUNIT_EXPECT_EQ(test, xs_io_reconnect(f->conn), -EIO);
	KUNIT_EXPECT_EQ(test, f->conn->generation, 0);
}

/*
 * Defect L: what was given up while half of it was on the ring left the stream
 * out of step, and its late reply was lost together with its memory.
 */
static void reply_from_before_a_break_is_dropped_after_reconnect(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *old, *half, *new;

	old = conn_send(test);
	f->peer->take = 0;
	half = conn_submit(test, f->bytes, 2000);
	xs_io_pass(f->conn);
	xs_conn_break(f->conn, -EIO);
	xs_io_pass(f->conn);
	conn_expect_failed(test, half, -EIO);

	f->peer->take = XENSTORE_RING_SIZE;
	KUNIT_ASSERT_EQ(test, xs_io_reconnect(f->conn), 0);
	new = conn_send(test);
	fake_peer_reply(f->peer, XS_READ, old->id, "late", 4);
	fake_peer_reply(f->peer, XS_READ, new->id, "good", 4);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, f->conn->stats.strays, 1);
	conn_expect_reply(test, new, "good", 4);
}

/* Passes */

/*
 * Defect N: reclaim that starts I/O may wait for a disk that waits for the
 * kthread. lockdep reports an allocation that could start it.
 */
static void pass_within_reclaim_starts_no_io(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req = conn_send(test);

	fake_peer_reply(f->peer, XS_READ, req->id, f->bytes, 500);
	fake_peer_event(f->peer, "/a/path", "token");
	fake_peer_step(f->peer);

	fs_reclaim_acquire(GFP_KERNEL);
	xs_io_pass(f->conn);
	fs_reclaim_release(GFP_KERNEL);

	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void io_see_notifications(struct conn_fixture *f)
{
	f->seen = fake_peer_notifications(f->peer);
}

/* What the event leads to may sleep, and the server would with it. */
static void pass_notifies_of_requests_before_an_event_is_handed_up(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	f->on_event = io_see_notifications;
	conn_submit(test, "path", 5);
	fake_peer_event(f->peer, "/a", "token");
	f->peer->take = 0;
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);

	KUNIT_EXPECT_EQ(test, f->events, 1);
	KUNIT_EXPECT_EQ(test, f->seen, 1);
}

static const size_t io_chunks[] = { 1, 7, 511, 512, 1024 };

KUNIT_ARRAY_PARAM(io_chunk, io_chunks, io_size_desc);

static void io_step(struct conn_fixture *f)
{
	fake_peer_step(f->peer);
}

/* Its index moves within notify() and while an event is handed up. */
static void pass_beside_a_server_that_reads_on_is_no_error(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	unsigned int i;

	f->peer->take = *(const size_t *)test->param_value;
	f->peer->automatic = true;
	f->on_event = io_step;
	for (i = 0; i < 20; i++) {
		conn_submit(test, f->bytes, 100 * i);
		fake_peer_event(f->peer, "/a", "token");
		KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), 0);
	}
	KUNIT_ASSERT_EQ(test, fake_peer_run(f->peer, f->conn), 0);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 20);
	KUNIT_EXPECT_EQ(test, f->events, 20);
}

static void io_set_error(struct conn_fixture *f)
{
	io_error_comm(f->peer);
}

static void pass_sees_a_violation_that_comes_during_it(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req = conn_submit(test, "path", 5);

	f->on_event = io_set_error;
	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EIO);
	conn_expect_failed(test, req, -EIO);
}

/* The server has yet to read it, and it cannot be taken back. */
static void requests_left_at_connect_go_before_ours(struct kunit *test)
{
	const struct xsd_sockmsg hdr = { .type = XS_RM, .req_id = 4711 };
	struct conn_fixture *f = test->priv;
	struct xenstore_domain_interface *page = f->peer->page;
	unsigned int i;

	for (i = 0; i < sizeof(hdr); i++)
		page->req[MASK_XENSTORE_IDX(page->req_prod++)] =
			((const char *)&hdr)[i];
	conn_connect(test);
	conn_send(test);

	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 2);
	KUNIT_EXPECT_EQ(test, fake_peer_seen(f->peer, 0)->hdr.req_id, 4711);
	KUNIT_EXPECT_EQ(test, fake_peer_seen(f->peer, 1)->hdr.type, XS_READ);
}

static void error_left_in_the_page_at_reconnect_is_ignored(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req;

	f->peer->reconnect_error = XENSTORE_ERROR_COMM;
	KUNIT_ASSERT_EQ(test, xs_io_reconnect(f->conn), 0);
	req = conn_send(test);
	fake_peer_reply(f->peer, XS_READ, req->id, "good", 4);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);

	conn_expect_reply(test, req, "good", 4);
}

static void error_that_changes_after_reconnect_breaks(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	f->peer->reconnect_error = XENSTORE_ERROR_COMM;
	KUNIT_ASSERT_EQ(test, xs_io_reconnect(f->conn), 0);
	f->peer->page->error = XENSTORE_ERROR_PROTO;

	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EIO);
}

static void boundary_is_where_a_broken_connection_is(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	fake_peer_put(f->peer, f->bytes, HDR_SIZE - 1);
	fake_peer_step(f->peer);
	f->peer->take = 0;
	conn_submit(test, f->bytes, 2000);
	xs_io_pass(f->conn);
	KUNIT_EXPECT_FALSE(test, xs_io_at_boundary(f->conn));
	io_error_comm(f->peer);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EIO);

	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
}

static void boundary_is_not_where_a_break_is_to_be_done(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	xs_conn_break(f->conn, -EIO);
	KUNIT_EXPECT_FALSE(test, xs_io_at_boundary(f->conn));
	xs_io_pass(f->conn);

	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
}

static struct kunit_case io_cases[] = {
	KUNIT_CASE(request_before_connect_is_sent_after_it),
	KUNIT_CASE(connect_that_fails_can_be_tried_again),
	KUNIT_CASE_PARAM(responses_left_at_connect_are_dropped,
			 io_leftover_gen_params),
	KUNIT_CASE(responses_left_that_fill_the_ring_are_notified_as_gone),
	KUNIT_CASE(responses_left_with_an_index_out_of_range_are_dropped),
	KUNIT_CASE(responses_left_that_are_to_be_kept_are_received),
	KUNIT_CASE(disconnect_keeps_requests_for_the_next_connect),
	KUNIT_CASE_PARAM(violation_fails_requests_in_every_state,
			 io_violation_gen_params),
	KUNIT_CASE_PARAM(violation_calls_complete_once,
			 io_violation_gen_params),
	KUNIT_CASE(violation_after_break_keeps_the_first_error),
	KUNIT_CASE(error_left_in_the_page_at_connect_fails_requests),
	KUNIT_CASE(boundary_is_not_where_a_message_is_half_received),
	KUNIT_CASE(boundary_is_not_where_a_message_is_half_sent),
	KUNIT_CASE(reconnect_starts_over_on_the_new_page),
	KUNIT_CASE(reconnect_that_fails_keeps_the_generation),
	KUNIT_CASE(reply_from_before_a_break_is_dropped_after_reconnect),
	KUNIT_CASE(pass_within_reclaim_starts_no_io),
	KUNIT_CASE(pass_notifies_of_requests_before_an_event_is_handed_up),
	KUNIT_CASE_PARAM(pass_beside_a_server_that_reads_on_is_no_error,
			 io_chunk_gen_params),
	KUNIT_CASE(pass_sees_a_violation_that_comes_during_it),
	KUNIT_CASE(requests_left_at_connect_go_before_ours),
	KUNIT_CASE(error_left_in_the_page_at_reconnect_is_ignored),
	KUNIT_CASE(error_that_changes_after_reconnect_breaks),
	KUNIT_CASE(boundary_is_where_a_broken_connection_is),
	KUNIT_CASE(boundary_is_not_where_a_break_is_to_be_done),
	{}
};

static struct kunit_suite io_suite = {
	.name = "xenstore_io",
	.init = conn_init_down,
	.test_cases = io_cases,
};

kunit_test_suite(io_suite);
