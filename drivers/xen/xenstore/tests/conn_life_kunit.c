// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how a connection begins, rests and ends.
 *
 * The peer is scripted. Only the tests about the thread itself have one. How a
 * connection breaks is the subject of conn_break_kunit.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "fake_peer.h"

struct life_fixture {
	struct fake_peer *peer;
	struct xs_conn *conn;
	unsigned int events;
	u8 bytes[XENSTORE_PAYLOAD_MAX];
};

static int life_count_event(struct xs_conn *conn, const char *body, size_t len)
{
	struct life_fixture *f = conn->owner;

	f->events++;
	return 0;
}

static const struct xs_conn_ops life_count_ops = {
	.event = life_count_event,
};

static int life_init(struct kunit *test)
{
	struct life_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->peer = fake_peer_create(test);
	f->conn = fake_conn_create(test, &f->peer->t, &life_count_ops, f,
				   FAKE_CONN_DOWN);
	test->priv = f;
	return 0;
}

static struct life_fixture *life_connect(struct kunit *test)
{
	struct life_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_io_connect(f->conn), 0);
	return f;
}

static struct life_fixture *life_start(struct kunit *test)
{
	struct life_fixture *f = life_connect(test);

	KUNIT_ASSERT_EQ(test, xs_io_start(f->conn), 0);
	return f;
}

static struct xs_request *life_submit(struct kunit *test, size_t len)
{
	struct life_fixture *f = test->priv;

	return fake_conn_submit(test, f->conn, XS_READ, f->bytes, len);
}

/* Connecting */

static void request_before_connect_is_sent_after_it(struct kunit *test)
{
	struct life_fixture *f = test->priv;
	struct xs_request *req = life_submit(test, 10);

	KUNIT_EXPECT_FALSE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	life_connect(test);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
}

static void connect_that_fails_can_be_tried_again(struct kunit *test)
{
	struct life_fixture *f = test->priv;

	f->peer->connect_err = -ENXIO;
	life_submit(test, 10);
	KUNIT_EXPECT_EQ(test, xs_io_connect(f->conn), -ENXIO);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	f->peer->connect_err = 0;
	life_connect(test);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
}

static const size_t life_leftovers[] = { 1, 15, 500, 1024 };

static void life_size_desc(const size_t *len, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", *len);
}

KUNIT_ARRAY_PARAM(life_leftover, life_leftovers, life_size_desc);

static void leftover_responses_at_connect_are_dropped(struct kunit *test)
{
	size_t len = *(const size_t *)test->param_value;
	struct life_fixture *f = test->priv;
	struct xs_request *req;

	f->peer->page->rsp_prod += len;
	life_connect(test);
	KUNIT_EXPECT_EQ(test, f->peer->page->rsp_cons, f->peer->page->rsp_prod);
	req = life_submit(test, 10);
	fake_peer_run(f->peer, f->conn);
	fake_peer_reply(f->peer, XS_READ, req->id, "good", 4);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, f->conn->stats.strays, 0);
}

static void leftovers_that_filled_the_ring_are_signalled_as_gone(struct kunit *test)
{
	struct life_fixture *f = test->priv;

	f->peer->page->rsp_prod += XENSTORE_RING_SIZE;
	life_connect(test);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
}

static void leftovers_with_impossible_index_are_dropped(struct kunit *test)
{
	struct life_fixture *f = test->priv;

	f->peer->page->rsp_prod += XENSTORE_RING_SIZE + 1;
	life_connect(test);

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
}

static void leftovers_that_are_ours_are_received(struct kunit *test)
{
	struct life_fixture *f = test->priv;

	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	f->peer->t.keep_responses = true;
	life_connect(test);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void error_left_in_the_page_breaks_the_connection(struct kunit *test)
{
	struct life_fixture *f = test->priv;

	f->peer->page->error = XENSTORE_ERROR_PROTO;
	life_connect(test);

	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EIO);
}

/* Ending */

static void destroy_fails_what_is_pending(struct kunit *test)
{
	struct fake_peer *peer = fake_peer_create(test);
	struct xs_request *req;
	struct xs_conn *conn;

	conn = kunit_kzalloc(test, sizeof(*conn), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, conn);
	xs_conn_init(conn, &peer->t, &life_count_ops, test->priv);
	KUNIT_EXPECT_EQ(test, xs_io_connect(conn), 0);
	req = fake_conn_submit(test, conn, XS_READ, "path", 5);
	xs_io_disconnect(conn);
	xs_conn_destroy(conn);

	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, peer->disconnects, 1);
}

static void disconnect_keeps_requests_for_the_next_connect(struct kunit *test)
{
	struct life_fixture *f = life_connect(test);
	struct xs_request *req = life_submit(test, 10);

	xs_io_disconnect(f->conn);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	life_connect(test);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
	KUNIT_EXPECT_EQ(test, f->peer->disconnects, 1);
}

/* Resting and coming back */

static void boundary_is_not_where_a_message_is_half_received(struct kunit *test)
{
	struct life_fixture *f = life_connect(test);
	unsigned int i;

	f->peer->give = 1;
	fake_peer_event(f->peer, "/a", "t");
	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
	for (i = 0; i < sizeof(struct xsd_sockmsg) + 4; i++) {
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
	struct life_fixture *f = life_connect(test);

	f->peer->take = 0;
	life_submit(test, 2000);
	xs_io_pass(f->conn);
	KUNIT_EXPECT_FALSE(test, xs_io_at_boundary(f->conn));
	f->peer->take = SIZE_MAX;
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
}

static void reconnect_starts_over_on_the_new_page(struct kunit *test)
{
	struct life_fixture *f = life_connect(test);
	struct xs_request *req;

	/* Half a message of the old server is forgotten. */
	fake_peer_put(f->peer, "half", 4);
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);
	KUNIT_EXPECT_EQ(test, xs_io_reconnect(f->conn), 0);
	req = life_submit(test, 10);
	fake_peer_run(f->peer, f->conn);
	fake_peer_reply(f->peer, XS_READ, req->id, "good", 4);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, 0);
	KUNIT_EXPECT_EQ(test, f->conn->generation, 1);
}

/*
 * Defect L: what was given up while half of it was on the ring left the stream
 * out of step, and its late reply was lost together with its memory.
 */
static void reply_from_before_a_break_is_dropped_after_the_resume(struct kunit *test)
{
	struct life_fixture *f = life_connect(test);
	struct xs_request *old, *half, *new;

	old = life_submit(test, 10);
	fake_peer_run(f->peer, f->conn);
	f->peer->take = 0;
	half = life_submit(test, 2000);
	xs_io_pass(f->conn);
	xs_conn_break(f->conn, -EIO);
	xs_io_pass(f->conn);
	KUNIT_ASSERT_TRUE(test, xs_request_is_done(half));

	f->peer->take = XENSTORE_RING_SIZE;
	KUNIT_ASSERT_EQ(test, xs_io_reconnect(f->conn), 0);
	new = life_submit(test, 10);
	fake_peer_run(f->peer, f->conn);
	fake_peer_reply(f->peer, XS_READ, old->id, "late", 4);
	fake_peer_reply(f->peer, XS_READ, new->id, "good", 4);
	fake_peer_run(f->peer, f->conn);

	KUNIT_EXPECT_EQ(test, f->conn->stats.strays, 1);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(new));
	KUNIT_EXPECT_EQ(test, new->err, 0);
	KUNIT_EXPECT_STREQ(test, new->reply.body, "good");
}

/*
 * Defect N: reclaim that starts I/O may wait for a disk that waits for the
 * kthread. lockdep reports an allocation that could start it.
 */
static void turn_within_reclaim_starts_no_io(struct kunit *test)
{
	struct life_fixture *f = life_connect(test);
	struct xs_request *req = life_submit(test, 10);

	fake_peer_run(f->peer, f->conn);
	fake_peer_reply(f->peer, XS_READ, req->id, f->bytes, 500);
	fake_peer_event(f->peer, "/a/path", "token");
	fake_peer_step(f->peer);

	fs_reclaim_acquire(GFP_KERNEL);
	xs_io_pass(f->conn);
	fs_reclaim_release(GFP_KERNEL);

	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void reconnect_that_fails_keeps_the_generation(struct kunit *test)
{
	struct life_fixture *f = life_connect(test);

	f->peer->reconnect_err = -EIO;

	KUNIT_EXPECT_EQ(test, xs_io_reconnect(f->conn), -EIO);
	KUNIT_EXPECT_EQ(test, f->conn->generation, 0);
}

/* The thread */

static void thread_sends_and_receives(struct kunit *test)
{
	struct life_fixture *f = life_start(test);
	struct xs_request *req = life_submit(test, 10);

	f->peer->automatic = true;
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_peer_count(f->peer)));
	fake_peer_reply(f->peer, XS_READ, req->id, "good", 4);
	xs_request_wait(req);

	KUNIT_EXPECT_EQ(test, req->err, 0);
}

static void thread_breaks_the_connection_when_told(struct kunit *test)
{
	struct life_fixture *f = life_start(test);
	struct xs_request *req = life_submit(test, 10);

	xs_conn_break(f->conn, -ESHUTDOWN);
	xs_request_wait(req);

	KUNIT_EXPECT_EQ(test, req->err, -ESHUTDOWN);
}

static void stop_keeps_what_is_pending(struct kunit *test)
{
	struct life_fixture *f = life_start(test);
	struct xs_request *req = life_submit(test, 10);

	xs_io_stop(f->conn);

	KUNIT_EXPECT_NULL(test, f->conn->thread);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
}

static int life_park(void *arg)
{
	xs_io_park(arg);
	return 0;
}

static void park_waits_for_the_end_of_a_message(struct kunit *test)
{
	struct life_fixture *f = life_start(test);
	struct fake_call *park;

	f->peer->give = 700;
	fake_peer_reply(f->peer, XS_WATCH_EVENT, 0, f->bytes, 1000);
	fake_peer_step(f->peer);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->conn->rx.have)));
	park = fake_call_start(test, life_park, f->conn, NULL);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(park));
	fake_peer_step(f->peer);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, park), 0);
	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void parked_thread_leaves_the_ring_alone(struct kunit *test)
{
	struct life_fixture *f = life_start(test);

	xs_io_park(f->conn);
	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	schedule();
	KUNIT_EXPECT_EQ(test, f->events, 0);
	xs_io_unpark(f->conn);

	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->events)));
}

static void stop_ends_a_parked_thread(struct kunit *test)
{
	struct life_fixture *f = life_start(test);

	xs_io_park(f->conn);
	xs_io_stop(f->conn);

	KUNIT_EXPECT_NULL(test, f->conn->thread);
}

static int life_start_while_killed(void *arg)
{
	int err;

	/* The one way to make kthread_create() fail. */
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	err = xs_io_start(arg);
	flush_signals(current);
	return err;
}

/* Defect M: no error pointer is left behind for others to follow. */
static void start_without_a_thread_fails_and_can_be_repeated(struct kunit *test)
{
	struct life_fixture *f = life_connect(test);
	struct fake_call *call;

	call = fake_call_start(test, life_start_while_killed, f->conn, NULL);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), -EINTR);
	KUNIT_EXPECT_NULL(test, f->conn->thread);
	KUNIT_EXPECT_EQ(test, xs_io_start(f->conn), 0);
}

static struct kunit_case life_cases[] = {
	KUNIT_CASE(request_before_connect_is_sent_after_it),
	KUNIT_CASE(connect_that_fails_can_be_tried_again),
	KUNIT_CASE_PARAM(leftover_responses_at_connect_are_dropped,
			 life_leftover_gen_params),
	KUNIT_CASE(leftovers_that_filled_the_ring_are_signalled_as_gone),
	KUNIT_CASE(leftovers_with_impossible_index_are_dropped),
	KUNIT_CASE(leftovers_that_are_ours_are_received),
	KUNIT_CASE(error_left_in_the_page_breaks_the_connection),
	KUNIT_CASE(destroy_fails_what_is_pending),
	KUNIT_CASE(disconnect_keeps_requests_for_the_next_connect),
	KUNIT_CASE(boundary_is_not_where_a_message_is_half_received),
	KUNIT_CASE(boundary_is_not_where_a_message_is_half_sent),
	KUNIT_CASE(reconnect_starts_over_on_the_new_page),
	KUNIT_CASE(reply_from_before_a_break_is_dropped_after_the_resume),
	KUNIT_CASE(reconnect_that_fails_keeps_the_generation),
	KUNIT_CASE(turn_within_reclaim_starts_no_io),
	KUNIT_CASE(thread_sends_and_receives),
	KUNIT_CASE(thread_breaks_the_connection_when_told),
	KUNIT_CASE(stop_keeps_what_is_pending),
	KUNIT_CASE(park_waits_for_the_end_of_a_message),
	KUNIT_CASE(parked_thread_leaves_the_ring_alone),
	KUNIT_CASE(stop_ends_a_parked_thread),
	KUNIT_CASE(start_without_a_thread_fails_and_can_be_repeated),
	{}
};

static struct kunit_suite life_suite = {
	.name = "xenstore_conn_life",
	.init = life_init,
	.test_cases = life_cases,
};

kunit_test_suite(life_suite);
