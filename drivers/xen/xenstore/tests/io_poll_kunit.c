// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of when the kthread polls, and for how long.
 *
 * How long a poll takes is not judged. The window of a real kthread is looked at
 * when the kthread has been stopped.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/time64.h>

#include "conn_fixture.h"

static struct conn_fixture *poll_with_work(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	KUNIT_ASSERT_TRUE(test, xs_io_has_work(f->conn));
	return f;
}

static void poll_without_a_window_finds_nothing(struct kunit *test)
{
	struct conn_fixture *f = poll_with_work(test);
	unsigned int i;

	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_FALSE(test, xs_io_poll(f->conn));
	KUNIT_EXPECT_EQ(test, f->conn->stats.polls, 0);
}

static void poll_with_work_in_the_window_finds_it(struct kunit *test)
{
	struct conn_fixture *f = poll_with_work(test);

	if (num_online_cpus() == 1)
		kunit_skip(test, "there is no CPU for the server");
	f->conn->poll_window = NSEC_PER_MSEC;
	/* Not while another task wants this CPU. */
	KUNIT_EXPECT_TRUE(test, fake_wait_until(xs_io_poll(f->conn)));
	KUNIT_EXPECT_EQ(test, f->conn->stats.polls, 1);
}

static void poll_without_work_ends_with_the_window(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	f->conn->poll_window = NSEC_PER_MSEC;
	KUNIT_EXPECT_FALSE(test, xs_io_poll(f->conn));
	KUNIT_EXPECT_EQ(test, f->conn->stats.polls, 0);
}

struct poll_parker {
	struct conn_fixture *f;
	struct completion started;
	bool found;
};

static int poll_until_told_to_park(void *data)
{
	struct poll_parker *parker = data;
	struct xs_conn *conn = parker->f->conn;
	unsigned int i;

	complete(&parker->started);
	while (!kthread_should_park())
		schedule_timeout_idle(1);
	for (i = 0; i < 10 && !parker->found; i++) {
		/* There is no poll while another task wants this CPU. */
		schedule_timeout_idle(1);
		conn->poll_window = NSEC_PER_MSEC;
		parker->found = xs_io_poll(conn);
	}
	kthread_parkme();
	while (!kthread_should_stop())
		schedule_timeout_idle(1);
	return 0;
}

/* There is nothing to do before the rest comes, and then there is work. */
static void poll_in_the_middle_of_a_message_ignores_a_park(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	struct poll_parker parker = { .f = f };
	struct task_struct *thread;

	f->peer->give = 20;
	fake_peer_reply(f->peer, XS_WATCH_EVENT, 0, f->bytes, 100);
	fake_peer_step(f->peer);
	xs_io_pass(f->conn);
	KUNIT_ASSERT_FALSE(test, xs_io_at_boundary(f->conn));
	KUNIT_ASSERT_FALSE(test, xs_io_has_work(f->conn));
	init_completion(&parker.started);
	thread = kthread_run(poll_until_told_to_park, &parker, "poll_parker");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	wait_for_completion(&parker.started);

	kthread_park(thread);
	kthread_stop(thread);
	KUNIT_EXPECT_FALSE(test, parker.found);
}

/* The kthread goes to sleep and is woken at once; its window afterwards. */
static u32 poll_sleep_shortly(struct conn_fixture *f, u32 window)
{
	f->conn->poll_window = window;
	if (xs_io_start(f->conn))
		return U32_MAX;
	fake_wait_until(conn_kthread_is_queued(f));
	xs_io_stop(f->conn);
	return f->conn->poll_window;
}

static void window_beside_a_local_server_opens_after_a_short_sleep(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);

	if (num_online_cpus() == 1)
		kunit_skip(test, "there is no CPU for the server");
	f->peer->t.peer_is_local = true;
	/* A sleep may have been long if the machine is busy. */
	KUNIT_EXPECT_TRUE(test, fake_wait_until(poll_sleep_shortly(f, 0)));
	KUNIT_EXPECT_GT(test, f->conn->poll_window, 0);
	KUNIT_EXPECT_LE(test, f->conn->poll_window, 500 * NSEC_PER_USEC);
}

static void window_after_more_short_sleeps_is_longer(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	const u32 window = 20 * NSEC_PER_USEC;

	if (num_online_cpus() == 1)
		kunit_skip(test, "there is no CPU for the server");
	f->conn->poll_us = 1000;
	KUNIT_EXPECT_TRUE(test, fake_wait_until(poll_sleep_shortly(f, window) >
						window));
	KUNIT_EXPECT_LT(test, f->conn->poll_window, 1000 * NSEC_PER_USEC);
}

static void window_of_the_greatest_length_grows_no_more(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	const u32 most = 1000 * NSEC_PER_USEC;

	if (num_online_cpus() == 1)
		kunit_skip(test, "there is no CPU for the server");
	f->conn->poll_us = 5000;
	KUNIT_EXPECT_TRUE(test, fake_wait_until(poll_sleep_shortly(f, most)));
	KUNIT_EXPECT_EQ(test, f->conn->poll_window, most);
}

static void window_after_a_long_sleep_is_closed(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	unsigned long start;

	f->conn->poll_us = 1;
	f->conn->poll_window = 5 * NSEC_PER_USEC;
	KUNIT_ASSERT_EQ(test, xs_io_start(f->conn), 0);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(conn_kthread_is_queued(f)));
	start = jiffies;
	KUNIT_ASSERT_TRUE(test, fake_wait_until(time_after(jiffies, start + 2)));
	xs_io_stop(f->conn);

	KUNIT_EXPECT_EQ(test, f->conn->poll_window, 0);
}

/* A poll would keep the server from running. */
static void window_on_the_one_cpu_stays_closed(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	unsigned int i;

	if (num_online_cpus() > 1)
		kunit_skip(test, "the server may run on another CPU");
	f->conn->poll_us = 1000;
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, poll_sleep_shortly(f, 0), 0);
}

static void window_beside_a_remote_server_stays_closed(struct kunit *test)
{
	struct conn_fixture *f = conn_connect(test);
	unsigned int i;

	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, poll_sleep_shortly(f, 0), 0);
}

static struct kunit_case poll_cases[] = {
	KUNIT_CASE(poll_without_a_window_finds_nothing),
	KUNIT_CASE(poll_with_work_in_the_window_finds_it),
	KUNIT_CASE(poll_without_work_ends_with_the_window),
	KUNIT_CASE(poll_in_the_middle_of_a_message_ignores_a_park),
	KUNIT_CASE(window_beside_a_local_server_opens_after_a_short_sleep),
	KUNIT_CASE(window_after_more_short_sleeps_is_longer),
	KUNIT_CASE(window_of_the_greatest_length_grows_no_more),
	KUNIT_CASE(window_after_a_long_sleep_is_closed),
	KUNIT_CASE(window_on_the_one_cpu_stays_closed),
	KUNIT_CASE(window_beside_a_remote_server_stays_closed),
	{}
};

static struct kunit_suite poll_suite = {
	.name = "xenstore_io_poll",
	.init = conn_init_down,
	.test_cases = poll_cases,
};

kunit_test_suite(poll_suite);
