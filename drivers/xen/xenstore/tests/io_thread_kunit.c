// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the kthread: start, stop, park, sleep.
 *
 * The kthread is a real one, the server is scripted or replies by itself.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "conn_fixture.h"

/* Attempts until one fails. */
#define THREAD_STARTS 1000

static struct conn_fixture *thread_start(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	KUNIT_ASSERT_EQ(test, xs_io_start(f->conn), 0);
	return f;
}

static void kthread_sends_and_receives(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req;

	f->peer->automatic = true;
	thread_start(test);
	req = conn_submit(test, "path", 5);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_peer_count(f->peer)));
	fake_peer_reply(f->peer, XS_READ, req->id, "good", 4);
	xs_request_wait(req);

	conn_expect_reply(test, req, "good", 4);
}

static void kthread_when_told_breaks_the_connection(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);
	struct xs_request *req = conn_submit(test, "path", 5);

	xs_conn_break(f->conn, -ESHUTDOWN);
	xs_request_wait(req);

	conn_expect_failed(test, req, -ESHUTDOWN);
}

static void stop_keeps_what_is_pending(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);
	struct xs_request *req = conn_submit(test, "path", 5);

	xs_io_stop(f->conn);

	KUNIT_EXPECT_NULL(test, f->conn->thread);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
}

static int thread_park(void *arg)
{
	xs_io_park(arg);
	return 0;
}

static void park_waits_for_the_end_of_a_message(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);
	struct fake_call *park;

	f->peer->give = 700;
	fake_peer_reply(f->peer, XS_WATCH_EVENT, 0, f->bytes, 1000);
	fake_peer_step(f->peer);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(f->conn->rx.missing)));
	park = fake_call_start(test, thread_park, f->conn, NULL);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(park));
	fake_peer_step(f->peer);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, park), 0);
	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->events), 1);
}

static void park_leaves_the_ring_alone(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);
	u32 rsp_cons;

	xs_io_park(f->conn);
	rsp_cons = READ_ONCE(f->peer->page->rsp_cons);
	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	KUNIT_EXPECT_TRUE(test, xs_io_has_work(f->conn));
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->events), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->peer->page->rsp_cons), rsp_cons);
	xs_io_unpark(f->conn);

	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->events)));
}

static void stop_ends_a_parked_kthread(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);

	xs_io_park(f->conn);
	xs_io_stop(f->conn);

	KUNIT_EXPECT_NULL(test, f->conn->thread);
}

/*
 * A signal is the one way to make kthread_create() fail, and it does not if kthreadd
 * was quicker: never on one processor at this priority, seldom on two.
 */
static int thread_start_while_killed(void *arg)
{
	int err = 0, i;

	sched_set_fifo(current);
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	for (i = 0; i < THREAD_STARTS; i++) {
		err = xs_io_start(arg);
		if (err)
			break;
		xs_io_stop(arg);
	}
	flush_signals(current);
	return err;
}

/* Defect M: no error pointer is left behind for others to follow. */
static void start_that_fails_can_be_repeated(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct fake_call *call;

	call = fake_call_start(test, thread_start_while_killed, f->conn, NULL);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), -EINTR);
	KUNIT_EXPECT_NULL(test, f->conn->thread);
	KUNIT_EXPECT_EQ(test, xs_io_start(f->conn), 0);
}

static bool thread_sleeps(struct conn_fixture *f)
{
	return conn_kthread_is_queued(f) &&
	       READ_ONCE(f->conn->thread->__state) == TASK_IDLE;
}

/* Not for the watchdog of hung tasks, nor for the load. */
static void kthread_without_a_server_sleeps_idle(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_io_start(f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(thread_sleeps(f)));
	conn_submit(test, "path", 5);

	KUNIT_EXPECT_TRUE(test, fake_wait_until(thread_sleeps(f)));
}

static void kthread_at_a_silent_server_sleeps_idle(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);

	conn_submit(test, "path", 5);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_peer_notifications(f->peer)));

	KUNIT_EXPECT_TRUE(test, fake_wait_until(thread_sleeps(f)));
}

static void event_without_memory_is_tried_until_there_is(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);

	WRITE_ONCE(f->event_err, -ENOMEM);
	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->calls) >= 3));
	conn_submit(test, "path", 5);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(fake_peer_notifications(f->peer)));
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->events), 0);
	WRITE_ONCE(f->event_err, 0);

	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->events) == 1));
}

/* Breaks */

/* A kthread in the middle of an event. */
static struct conn_fixture *thread_start_amid_an_event(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);

	f->peer->give = 700;
	fake_peer_reply(f->peer, XS_WATCH_EVENT, 0, f->bytes, 1000);
	fake_peer_step(f->peer);
	KUNIT_ASSERT_TRUE(test,
			  fake_wait_until(READ_ONCE(f->conn->rx.missing)));
	return f;
}

static bool thread_is_broken(struct conn_fixture *f)
{
	return READ_ONCE(f->conn->state) == XS_CONN_BROKEN;
}

/* Or the domain could neither suspend nor migrate any more. */
static void park_after_a_break_amid_a_message_is_done_at_once(struct kunit *test)
{
	struct conn_fixture *f = thread_start_amid_an_event(test);
	struct fake_call *park;

	xs_conn_break(f->conn, -EIO);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(thread_is_broken(f)));
	/* The server goes on as if nothing had happened. */
	fake_peer_step(f->peer);
	park = fake_call_start(test, thread_park, f->conn, NULL);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, park), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->events), 0);
}

static void break_during_park_is_done_before_it_parks(struct kunit *test)
{
	struct conn_fixture *f = thread_start_amid_an_event(test);
	struct xs_request *req = conn_submit(test, "path", 5);
	struct fake_call *park;

	park = fake_call_start(test, thread_park, f->conn, NULL);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(park));
	xs_conn_break(f->conn, -EIO);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, park), 0);
	KUNIT_EXPECT_TRUE(test, thread_is_broken(f));
	conn_expect_failed(test, req, -EIO);
}

static void reconnect_after_a_break_carries_requests(struct kunit *test)
{
	struct conn_fixture *f = thread_start_amid_an_event(test);
	struct xs_request *req;

	xs_conn_break(f->conn, -EIO);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(thread_is_broken(f)));
	xs_gate_close(&f->conn->gate);
	xs_gate_drain(&f->conn->gate);
	xs_io_park(f->conn);
	KUNIT_ASSERT_EQ(test, xs_io_reconnect(f->conn), 0);
	xs_io_unpark(f->conn);
	xs_gate_open(&f->conn->gate);
	req = conn_submit(test, "path", 5);
	KUNIT_ASSERT_TRUE(test,
			  fake_wait_until(fake_peer_step(f->peer) &&
					  fake_peer_count(f->peer) == 1));
	conn_give_reply(f, 0, "OK", 3);
	xs_request_wait(req);

	conn_expect_reply(test, req, "OK", 3);
}

/* There is a new server, and it is gone again. */
static int thread_reconnect_in_vain(struct xs_transport *t)
{
	xs_conn_break(t->conn, -EPIPE);
	return 0;
}

static void break_during_a_reconnect_is_not_forgotten(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	const struct xs_transport_ops *ops = f->peer->t.ops;
	struct xs_transport_ops vain = *ops;

	xs_conn_break(f->conn, -EIO);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), -EIO);
	vain.reconnect = thread_reconnect_in_vain;
	f->peer->t.ops = &vain;
	KUNIT_EXPECT_EQ(test, xs_io_reconnect(f->conn), 0);
	f->peer->t.ops = ops;

	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EPIPE);
}

static void submit_after_a_reconnect_that_failed_is_refused(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct xs_request *req;

	xs_conn_break(f->conn, -EIO);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), -EIO);
	f->peer->reconnect_err = -ENXIO;
	KUNIT_EXPECT_EQ(test, xs_io_reconnect(f->conn), -ENXIO);
	req = xs_request_alloc(XS_READ, 0, NULL, 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));

	KUNIT_EXPECT_EQ(test, xs_conn_submit(f->conn, req), -EIO);
	xs_request_put(req);
}

/* Scheduling */

static void kthread_of_a_local_server_is_a_batch_task(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->t.peer_is_local = true;
	thread_start(test);

	KUNIT_EXPECT_EQ(test, f->conn->thread->policy, SCHED_BATCH);
}

static void kthread_of_a_remote_server_is_a_normal_task(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);

	KUNIT_EXPECT_EQ(test, f->conn->thread->policy, SCHED_NORMAL);
}

static void thread_suspend(struct kunit *test, bool local)
{
	struct conn_fixture *f = test->priv;

	xs_io_park(f->conn);
	f->peer->t.peer_is_local = local;
	KUNIT_ASSERT_EQ(test, xs_io_reconnect(f->conn), 0);
	xs_io_unpark(f->conn);
}

static void policy_follows_the_server_at_unpark(struct kunit *test)
{
	struct conn_fixture *f = thread_start(test);

	thread_suspend(test, true);
	KUNIT_EXPECT_EQ(test, f->conn->thread->policy, SCHED_BATCH);
	thread_suspend(test, false);

	KUNIT_EXPECT_EQ(test, f->conn->thread->policy, SCHED_NORMAL);
}

/* Masked notifications */

static void thread_serve(struct fake_peer *peer, const struct fake_message *msg)
{
	struct xsd_sockmsg hdr = msg->hdr;

	hdr.len = 3;
	fake_peer_send_locked(peer, &hdr, "OK");
}

static const struct fake_peer_ops thread_serve_ops = {
	.receive = thread_serve,
};

static void mask_of_a_busy_kthread_loses_no_reply(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req;
	unsigned int i;

	f->peer->ops = &thread_serve_ops;
	f->peer->automatic = true;
	f->peer->t.peer_is_local = true;
	thread_start(test);
	for (i = 0; i < 50; i++) {
		req = conn_submit(test, "path", 5);
		KUNIT_ASSERT_TRUE(test,
				  fake_wait_until(xs_request_is_done(req)));
	}
	KUNIT_EXPECT_GT(test, READ_ONCE(f->peer->masks), 0);
}

static bool thread_sleeps_unmasked(struct conn_fixture *f)
{
	return thread_sleeps(f) && !READ_ONCE(f->peer->masked) &&
	       !READ_ONCE(f->peer->t.masked);
}

static void mask_ends_before_the_kthread_sleeps(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	unsigned int i;

	f->peer->t.peer_is_local = true;
	thread_start(test);
	for (i = 1; i <= 20; i++) {
		fake_peer_event(f->peer, "/a", "token");
		fake_peer_step(f->peer);
		KUNIT_ASSERT_TRUE(test,
				  fake_wait_until(READ_ONCE(f->events) == i &&
						  thread_sleeps_unmasked(f)));
	}
	KUNIT_EXPECT_GT(test, READ_ONCE(f->peer->masks), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->peer->unmasks),
			READ_ONCE(f->peer->masks));
}

/* A kthread that is parked, and has been notified of nothing. */
static struct conn_fixture *thread_park_masked(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->t.peer_is_local = true;
	thread_start(test);
	xs_io_park(f->conn);
	fake_peer_interrupt(f->peer);
	KUNIT_ASSERT_EQ(test, READ_ONCE(f->peer->masks), 1);
	return f;
}

static void mask_ends_when_a_suspend_is_cancelled(struct kunit *test)
{
	struct conn_fixture *f = thread_park_masked(test);

	xs_io_unpark(f->conn);

	KUNIT_EXPECT_TRUE(test, fake_wait_until(thread_sleeps_unmasked(f)));
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->peer->unmasks), 1);
}

static void mask_during_a_suspend_loses_no_event(struct kunit *test)
{
	struct conn_fixture *f = thread_park_masked(test);

	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	xs_io_unpark(f->conn);

	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->events) == 1));
}

/* The channel was replaced, and the new one has never been masked. */
static void mask_of_a_replaced_channel_is_not_ended_again(struct kunit *test)
{
	struct conn_fixture *f = thread_park_masked(test);

	KUNIT_ASSERT_EQ(test, xs_io_reconnect(f->conn), 0);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(f->peer->t.masked));
	xs_io_unpark(f->conn);
	conn_submit(test, "path", 5);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(fake_peer_notifications(f->peer)));

	KUNIT_EXPECT_TRUE(test, fake_wait_until(thread_sleeps_unmasked(f)));
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->peer->unmasks), 0);
}

static struct kunit_case thread_cases[] = {
	KUNIT_CASE(kthread_sends_and_receives),
	KUNIT_CASE(kthread_when_told_breaks_the_connection),
	KUNIT_CASE(stop_keeps_what_is_pending),
	KUNIT_CASE(park_waits_for_the_end_of_a_message),
	KUNIT_CASE(park_leaves_the_ring_alone),
	KUNIT_CASE(stop_ends_a_parked_kthread),
	KUNIT_CASE(start_that_fails_can_be_repeated),
	KUNIT_CASE(kthread_without_a_server_sleeps_idle),
	KUNIT_CASE(kthread_at_a_silent_server_sleeps_idle),
	KUNIT_CASE(event_without_memory_is_tried_until_there_is),
	KUNIT_CASE(park_after_a_break_amid_a_message_is_done_at_once),
	KUNIT_CASE(break_during_park_is_done_before_it_parks),
	KUNIT_CASE(reconnect_after_a_break_carries_requests),
	KUNIT_CASE(break_during_a_reconnect_is_not_forgotten),
	KUNIT_CASE(submit_after_a_reconnect_that_failed_is_refused),
	KUNIT_CASE(kthread_of_a_local_server_is_a_batch_task),
	KUNIT_CASE(kthread_of_a_remote_server_is_a_normal_task),
	KUNIT_CASE(policy_follows_the_server_at_unpark),
	KUNIT_CASE(mask_of_a_busy_kthread_loses_no_reply),
	KUNIT_CASE(mask_ends_before_the_kthread_sleeps),
	KUNIT_CASE(mask_ends_when_a_suspend_is_cancelled),
	KUNIT_CASE(mask_during_a_suspend_loses_no_event),
	KUNIT_CASE(mask_of_a_replaced_channel_is_not_ended_again),
	{}
};

static struct kunit_suite thread_suite = {
	.name = "xenstore_io_thread",
	.init = conn_init_down,
	.test_cases = thread_cases,
};

kunit_test_suite(thread_suite);
