// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what wakes the kthread, and of what does not.
 *
 * Who sleeps on the queue of the kthread is counted, not slept for: the
 * test steps the pump itself, but where it says that a thread runs.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fake_store.h"
#include "ops.h"

struct wake_fixture {
	struct fake_peer *peer;
	struct xs_conn *conn;
	struct wait_queue_entry entry;
	unsigned int wakes;
};

static int wake_count(struct wait_queue_entry *entry, unsigned int mode,
		      int flags, void *key)
{
	struct wake_fixture *f = container_of(entry, struct wake_fixture, entry);

	f->wakes++;
	return 0;
}

static int wake_init(struct kunit *test)
{
	struct wake_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->peer = fake_peer_create(test);
	f->conn = fake_conn_create(test, &f->peer->t, NULL, NULL, FAKE_CONN_UP);
	/* As if a thread ran. */
	f->conn->direct = true;
	init_waitqueue_func_entry(&f->entry, wake_count);
	add_wait_queue(&f->conn->wq, &f->entry);
	test->priv = f;
	return 0;
}

static void wake_exit(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	if (f)
		remove_wait_queue(&f->conn->wq, &f->entry);
}

static void wake_need_one_processor(struct kunit *test)
{
	if (num_online_cpus() > 1)
		kunit_skip(test, "the kthread runs beside the server");
}

/* Three rings full. */
static const char wake_large[3 * XENSTORE_RING_SIZE] = "/node";

static void wake_submit(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	fake_conn_submit(test, f->conn, XS_READ, "/node", 6);
}

/* Afterwards the peer has all of COUNT requests, and has answered them. */
static void wake_answer(struct kunit *test, unsigned int count)
{
	struct wake_fixture *f = test->priv;
	unsigned int i;

	f->peer->take = SIZE_MAX;
	KUNIT_ASSERT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), count);
	for (i = 0; i < count; i++)
		fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, i), "v", 1);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
}

static void submit_sends_and_wakes_nobody(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit(test);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
	wake_answer(test, 1);
}

static void submit_while_nobody_may_send_wakes_the_thread(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	f->conn->direct = false;
	wake_submit(test);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 0);
	wake_answer(test, 1);
}

static void submit_signals_a_server_that_may_sleep_only(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit(test);
	wake_submit(test);
	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
	wake_answer(test, 2);
}

/* A request larger than the ring, and one that has to wait for it. */
static void wake_submit_more_than_fits(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	fake_conn_submit(test, f->conn, XS_WRITE, wake_large,
			 sizeof(wake_large));
	wake_submit(test);
	KUNIT_ASSERT_EQ(test, f->wakes, 0);
}

static void signal_of_room_sends_what_waits_for_it(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit_more_than_fits(test);
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 2);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
	wake_answer(test, 2);
}

static void signal_of_little_room_sends_nothing(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit_more_than_fits(test);
	f->peer->take = XENSTORE_RING_SIZE / 2 - 1;
	KUNIT_ASSERT_GT(test, fake_peer_step(f->peer), 0);
	KUNIT_EXPECT_EQ(test, f->conn->tx.done, XENSTORE_RING_SIZE);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
	wake_answer(test, 2);
}

static void signal_while_nobody_may_send_wakes_the_thread(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit_more_than_fits(test);
	f->conn->direct = false;
	f->peer->take = XENSTORE_RING_SIZE;
	KUNIT_ASSERT_GT(test, fake_peer_step(f->peer), 0);
	KUNIT_EXPECT_EQ(test, f->conn->tx.done, XENSTORE_RING_SIZE);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	wake_answer(test, 2);
}

static void signal_of_impossible_room_wakes_the_thread(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit_more_than_fits(test);
	f->peer->page->req_cons = f->peer->page->req_prod + 1;
	f->peer->t.notified(&f->peer->t);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), -EIO);
}

static void signal_of_room_is_not_masked(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	f->peer->t.peer_is_local = true;
	wake_submit_more_than_fits(test);
	while (!fake_peer_count(f->peer))
		KUNIT_ASSERT_GT(test, fake_peer_step(f->peer), 0);
	KUNIT_EXPECT_EQ(test, f->conn->stats.sent, 2);
	wake_answer(test, 2);
}

static void signal_with_nothing_to_do_wakes_nobody(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit(test);
	KUNIT_ASSERT_EQ(test, xs_conn_pump(f->conn), 0);
	f->wakes = 0;
	KUNIT_ASSERT_GT(test, fake_peer_step(f->peer), 0);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
	KUNIT_EXPECT_EQ(test, f->peer->masks, 0);
	wake_answer(test, 1);
}

static void first_signal_of_a_local_server_is_the_last(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_need_one_processor(test);
	f->peer->t.peer_is_local = true;
	wake_submit(test);
	KUNIT_ASSERT_EQ(test, xs_conn_pump(f->conn), 0);
	f->wakes = 0;
	f->peer->take = sizeof(struct xsd_sockmsg);
	while (fake_peer_step(f->peer))
		;
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, f->peer->masks, 1);
	wake_answer(test, 1);
}

static void wake_reply(struct kunit *test, unsigned int i)
{
	struct wake_fixture *f = test->priv;

	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, i), "v", 1);
	fake_peer_settle(f->peer);
}

static void signal_for_the_thread_is_the_last_of_a_local_server(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	f->peer->t.peer_is_local = true;
	wake_submit(test);
	wake_submit(test);
	fake_peer_settle(f->peer);
	wake_reply(test, 0);
	wake_reply(test, 1);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, f->peer->masks, 1);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
}

static void signal_of_a_remote_server_is_not_masked(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit(test);
	fake_peer_settle(f->peer);
	wake_reply(test, 0);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, f->peer->masks, 0);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
}

/* One request, which the peer has. */
static void wake_ask(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_submit(test);
	fake_peer_settle(f->peer);
	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 1);
	KUNIT_ASSERT_EQ(test, f->wakes, 0);
}

static u32 wake_unread(struct wake_fixture *f)
{
	return f->peer->page->rsp_prod - f->peer->page->rsp_cons;
}

static void signal_of_a_part_takes_it_off_the_ring(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_ask(test);
	f->peer->give = 700;
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), wake_large,
			   2000);
	fake_peer_step(f->peer);
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, wake_unread(f), 0);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, wake_unread(f), 0);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
}

static void signal_of_a_small_message_leaves_it_there(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_ask(test);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), "value", 5);
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, wake_unread(f), sizeof(struct xsd_sockmsg) + 5);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
}

static void signal_while_parked_takes_nothing_off_the_ring(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	wake_ask(test);
	f->conn->direct = false;
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), wake_large,
			   2000);
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, wake_unread(f), XENSTORE_RING_SIZE);
	KUNIT_EXPECT_TRUE(test, xs_conn_at_boundary(f->conn));
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
}

static void signal_behind_a_whole_message_leaves_the_rest(struct kunit *test)
{
	struct wake_fixture *f = test->priv;
	unsigned int i;

	wake_submit(test);
	wake_submit(test);
	fake_peer_settle(f->peer);
	for (i = 0; i < 2; i++)
		fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, i),
				   wake_large, 2000);
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, wake_unread(f), XENSTORE_RING_SIZE);
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
	KUNIT_EXPECT_EQ(test, f->conn->stats.replies, 2);
}

static void signal_of_an_impossible_header_wakes_the_thread(struct kunit *test)
{
	const struct xsd_sockmsg hdr = {
		.type = XS_READ,
		.len = XENSTORE_PAYLOAD_MAX + 1,
	};
	struct wake_fixture *f = test->priv;

	wake_ask(test);
	fake_peer_put(f->peer, &hdr, sizeof(hdr));
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	/* What else is signalled changes nothing. */
	fake_peer_put(f->peer, wake_large, sizeof(wake_large));
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), -EIO);
}

static void wake_notify_nobody(struct xs_transport *t)
{
}

static const struct xs_transport_ops wake_deaf_ops = {
	.notify = wake_notify_nobody,
};

/*
 * A signal as an interrupt, for lockdep: it reports a lock that is also taken
 * with interrupts enabled. The peer's own is such a lock, so it hears nothing.
 */
static void wake_interrupt(struct wake_fixture *f)
{
	const struct xs_transport_ops *ops = f->peer->t.ops;
	unsigned long flags;

	f->peer->t.ops = &wake_deaf_ops;
	local_irq_save(flags);
	lockdep_hardirq_enter();
	xs_conn_signalled(&f->peer->t);
	lockdep_hardirq_exit();
	local_irq_restore(flags);
	f->peer->t.ops = ops;
}

static void signal_may_be_an_interrupt(struct kunit *test)
{
	struct wake_fixture *f = test->priv;

	f->peer->t.notified = NULL;
	fake_conn_submit(test, f->conn, XS_WRITE, wake_large, 2000);
	KUNIT_ASSERT_GT(test, fake_peer_step(f->peer), 0);
	wake_interrupt(f);
	KUNIT_EXPECT_EQ(test, f->conn->stats.sent, 1);

	fake_peer_settle(f->peer);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), wake_large,
			   1500);
	fake_peer_settle(f->peer);
	wake_interrupt(f);
	KUNIT_EXPECT_EQ(test, wake_unread(f), 0);
	fake_peer_settle(f->peer);
	wake_interrupt(f);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
}

static void signal_of_a_large_message_is_not_masked(struct kunit *test)
{
	struct wake_fixture *f = test->priv;
	unsigned int masks;

	f->peer->t.peer_is_local = true;
	wake_submit(test);
	fake_peer_settle(f->peer);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 0), wake_large,
			   2000);
	/* Masked by what came before, so it is the thread that sees the first. */
	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	f->conn->masked = false;
	f->peer->t.ops->unmask(&f->peer->t);
	masks = f->peer->masks;

	wake_submit(test);
	fake_peer_settle(f->peer);
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, 1), wake_large,
			   2000);
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, f->peer->masks, masks);
	KUNIT_EXPECT_EQ(test, wake_unread(f), 0);
	KUNIT_EXPECT_GT(test, f->wakes, 0);
	KUNIT_EXPECT_EQ(test, xs_conn_pump(f->conn), 0);
	KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
}

static struct kunit_case wake_cases[] = {
	KUNIT_CASE(submit_sends_and_wakes_nobody),
	KUNIT_CASE(submit_while_nobody_may_send_wakes_the_thread),
	KUNIT_CASE(submit_signals_a_server_that_may_sleep_only),
	KUNIT_CASE(signal_of_room_sends_what_waits_for_it),
	KUNIT_CASE(signal_of_little_room_sends_nothing),
	KUNIT_CASE(signal_while_nobody_may_send_wakes_the_thread),
	KUNIT_CASE(signal_of_impossible_room_wakes_the_thread),
	KUNIT_CASE(signal_of_room_is_not_masked),
	KUNIT_CASE(signal_with_nothing_to_do_wakes_nobody),
	KUNIT_CASE(first_signal_of_a_local_server_is_the_last),
	KUNIT_CASE(signal_for_the_thread_is_the_last_of_a_local_server),
	KUNIT_CASE(signal_of_a_remote_server_is_not_masked),
	KUNIT_CASE(signal_of_a_part_takes_it_off_the_ring),
	KUNIT_CASE(signal_of_a_small_message_leaves_it_there),
	KUNIT_CASE(signal_while_parked_takes_nothing_off_the_ring),
	KUNIT_CASE(signal_behind_a_whole_message_leaves_the_rest),
	KUNIT_CASE(signal_of_an_impossible_header_wakes_the_thread),
	KUNIT_CASE(signal_may_be_an_interrupt),
	KUNIT_CASE(signal_of_a_large_message_is_not_masked),
	{}
};

static struct kunit_suite wake_suite = {
	.name = "xenstore_conn_wake",
	.init = wake_init,
	.exit = wake_exit,
	.test_cases = wake_cases,
};

/* === With a thread, and a server of this system === */

static int mask_init(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);

	store->peer.t.peer_is_local = true;
	test->priv = store;
	return 0;
}

static int mask_read(void *arg)
{
	void *value = xs_op_read(arg, 0, "/node", "", NULL);

	if (IS_ERR(value))
		return PTR_ERR(value);
	kfree(value);
	return 0;
}

static void mask_unblock(void *arg)
{
	xs_conn_break(arg, -ESHUTDOWN);
}

static void masked_signals_lose_no_reply(struct kunit *test)
{
	struct fake_store *store = test->priv;
	struct fake_call *call;
	struct xs_conn *conn;
	unsigned int i;

	wake_need_one_processor(test);
	fake_store_write(store, "/node", "value", 5);
	conn = fake_conn_create(test, &store->peer.t, NULL, NULL,
				FAKE_CONN_RUNNING);
	for (i = 0; i < 20; i++) {
		call = fake_call_start(test, mask_read, conn, mask_unblock);
		KUNIT_ASSERT_EQ(test, fake_call_result(test, call), 0);
	}
	KUNIT_EXPECT_GT(test, store->peer.masks, 0);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!READ_ONCE(store->peer.masked)));
}

static void thread_that_polls_loses_no_reply(struct kunit *test)
{
	struct fake_store *store = test->priv;
	struct fake_call *calls[8];
	struct xs_conn *conn;
	unsigned int i;

	/* On one processor, the thread of a local server does not poll. */
	store->peer.t.peer_is_local = false;
	fake_store_write(store, "/node", "value", 5);
	conn = fake_conn_create(test, &store->peer.t, NULL, NULL,
				FAKE_CONN_RUNNING);
	conn->poll_us = XS_POLL_US_MAX;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = fake_call_start(test, mask_read, conn, mask_unblock);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		KUNIT_EXPECT_EQ(test, fake_call_result(test, calls[i]), 0);
}

static void thread_of_a_local_server_is_a_batch_task(struct kunit *test)
{
	struct fake_store *store = test->priv;
	struct xs_conn *conn;

	conn = fake_conn_create(test, &store->peer.t, NULL, NULL,
				FAKE_CONN_RUNNING);
	KUNIT_EXPECT_EQ(test, conn->thread->policy, SCHED_BATCH);
}

static void thread_of_a_remote_server_is_a_normal_task(struct kunit *test)
{
	struct fake_store *store = test->priv;
	struct xs_conn *conn;

	store->peer.t.peer_is_local = false;
	conn = fake_conn_create(test, &store->peer.t, NULL, NULL,
				FAKE_CONN_RUNNING);
	KUNIT_EXPECT_EQ(test, conn->thread->policy, SCHED_NORMAL);
}

static struct kunit_case mask_cases[] = {
	KUNIT_CASE(masked_signals_lose_no_reply),
	KUNIT_CASE(thread_that_polls_loses_no_reply),
	KUNIT_CASE(thread_of_a_local_server_is_a_batch_task),
	KUNIT_CASE(thread_of_a_remote_server_is_a_normal_task),
	{}
};

static struct kunit_suite mask_suite = {
	.name = "xenstore_conn_mask",
	.init = mask_init,
	.test_cases = mask_cases,
};

kunit_test_suites(&wake_suite, &mask_suite);
