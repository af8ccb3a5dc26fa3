// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how the store of a kernel starts, and who is told.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/notifier.h>
#include <xen/xenbus.h>

#include "fake_bus.h"
#include "fake_conn.h"
#include "ops.h"
#include "xenbus_store.h"

struct store_listener {
	struct notifier_block nb;
	struct store_listener *other;	/* to be registered when this is told */
	unsigned int told;
};

static int store_listener_told(struct notifier_block *nb, unsigned long code,
			       void *unused)
{
	struct store_listener *listener;

	listener = container_of(nb, struct store_listener, nb);
	listener->told++;
	if (listener->other)
		register_xenstore_notifier(&listener->other->nb);
	return NOTIFY_DONE;
}

/*
 * Row 25: what a start that failed had registered was still there, and went
 * off at reboot. A second registration of it would be a splat here.
 */
static void start_that_fails_leaves_nothing_and_can_be_repeated(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);

	xenbus_store_init(&store->peer.t);
	store->peer.connect_err = -EIO;
	KUNIT_EXPECT_EQ(test, xenbus_store_start(), -EIO);
	KUNIT_EXPECT_EQ(test, xenbus_store_start(), -EIO);

	store->peer.connect_err = 0;
	KUNIT_ASSERT_EQ(test, xenbus_store_start(), 0);
	KUNIT_EXPECT_EQ(test, xenbus_write(XBT_NIL, "/a", "", "value"), 0);
	xenbus_store_stop();
}

static void store_ignore(struct xenbus_watch *watch, const char *path,
			 const char *token)
{
}

static void store_expect_eio(struct kunit *test)
{
	struct xenbus_watch watch = {
		.node = "/a",
		.callback = store_ignore,
	};
	struct xenbus_transaction xbt;
	unsigned int num;

	KUNIT_EXPECT_EQ(test, PTR_ERR(xenbus_read(XBT_NIL, "/a", "", NULL)),
			-EIO);
	KUNIT_EXPECT_EQ(test, PTR_ERR(xenbus_directory(XBT_NIL, "/a", "", &num)),
			-EIO);
	KUNIT_EXPECT_EQ(test, xenbus_write(XBT_NIL, "/a", "", "value"), -EIO);
	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, "/a", ""), 0);
	KUNIT_EXPECT_EQ(test, xenbus_read_unsigned("/a", "", 7), 7);
	KUNIT_EXPECT_EQ(test, xenbus_transaction_start(&xbt), -EIO);
	KUNIT_EXPECT_EQ(test, register_xenbus_watch(&watch), -EIO);
}

/* Also what calls on bare metal come to. */
static void call_without_a_store_fails(struct kunit *test)
{
	store_expect_eio(test);
	/* Nothing to be done for it, and no harm. */
	xs_suspend();
	xs_resume();
	store_expect_eio(test);
}

static int store_read_call(void *unused)
{
	return PTR_ERR(xenbus_read(XBT_NIL, "/a", "", NULL));
}

static void store_unblock(void *unused)
{
	xenbus_store_refuse();
}

static void call_fails_if_no_server_is_found(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct fake_call *waits;

	xenbus_store_init(&store->peer.t);
	waits = fake_call_start(test, store_read_call, NULL, store_unblock);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(waits));
	store->peer.connect_err = -ENXIO;
	KUNIT_EXPECT_EQ(test, xenbus_store_start(), -ENXIO);
	xenbus_store_refuse();
	KUNIT_EXPECT_EQ(test, fake_call_result(test, waits), -EIO);
	store_expect_eio(test);

	/* It is found after all. */
	store->peer.connect_err = 0;
	KUNIT_ASSERT_EQ(test, xenbus_store_start(), 0);
	KUNIT_EXPECT_EQ(test, xenbus_write(XBT_NIL, "/a", "", "value"), 0);
	xenbus_store_stop();
}

static void notifier_before_the_store_is_told_once_it_is_there(struct kunit *test)
{
	struct store_listener listener = {
		.nb.notifier_call = store_listener_told,
	};

	fake_bus_store_create(test);
	KUNIT_EXPECT_EQ(test, register_xenstore_notifier(&listener.nb), 0);
	KUNIT_EXPECT_EQ(test, listener.told, 0);
	xenbus_store_announce();
	unregister_xenstore_notifier(&listener.nb);

	KUNIT_EXPECT_EQ(test, listener.told, 1);
}

static void notifier_with_the_store_there_is_told_at_once(struct kunit *test)
{
	struct store_listener listener = {
		.nb.notifier_call = store_listener_told,
	};

	fake_bus_store_create(test);
	xenbus_store_announce();
	KUNIT_EXPECT_EQ(test, register_xenstore_notifier(&listener.nb), 0);

	KUNIT_EXPECT_EQ(test, listener.told, 1);
}

/* A driver that is probed because the store is there may load another one. */
static void notifier_may_register_another_one(struct kunit *test)
{
	struct store_listener second = {
		.nb.notifier_call = store_listener_told,
	};
	struct store_listener first = {
		.nb.notifier_call = store_listener_told,
		.other = &second,
	};

	fake_bus_store_create(test);
	register_xenstore_notifier(&first.nb);
	xenbus_store_announce();
	unregister_xenstore_notifier(&first.nb);

	KUNIT_EXPECT_EQ(test, first.told, 1);
	KUNIT_EXPECT_EQ(test, second.told, 1);
}

static int store_suspend_call(void *unused)
{
	xs_suspend();
	return 0;
}

static int store_transaction_call(void *unused)
{
	struct xenbus_transaction xbt;

	return xenbus_transaction_start(&xbt) ?:
	       xenbus_write(xbt, "/a", "", "value") ?:
	       xenbus_transaction_end(xbt, 0);
}

/* The owner of a transaction may wait for a task that announces a state. */
static void transaction_begins_while_a_suspend_waits_for_another(struct kunit *test)
{
	struct fake_store *store = fake_bus_store_create(test);
	struct fake_call *suspend, *other;
	struct xenbus_transaction xbt;

	KUNIT_ASSERT_EQ(test, xenbus_transaction_start(&xbt), 0);
	suspend = fake_call_start(test, store_suspend_call, NULL, NULL);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(suspend));
	other = fake_call_start(test, store_transaction_call, NULL, NULL);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_call_is_done(other)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(suspend));
	KUNIT_EXPECT_EQ(test, xenbus_transaction_end(xbt, 1), 0);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, suspend), 0);
	xs_suspend_cancel();
	KUNIT_EXPECT_EQ(test, fake_call_result(test, other), 0);
	KUNIT_EXPECT_STREQ(test, fake_store_value(store, "/a", NULL), "value");
}

static int store_watch_call(void *watch)
{
	return register_xenbus_watch(watch);
}

/* An HVM domain clears what an earlier kernel has left, and nothing else. */
static void watch_from_before_the_start_survives_the_reset(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct xenbus_watch watch = {
		.node = "/a",
		.callback = store_ignore,
	};
	struct fake_call *early;

	xenbus_store_init(&store->peer.t);
	early = fake_call_start(test, store_watch_call, &watch, store_unblock);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(early));

	xs_conn_hold(xenbus_conn());
	KUNIT_EXPECT_EQ(test, xenbus_store_start(), 0);
	KUNIT_EXPECT_EQ(test, xs_op_reset_watches(xenbus_conn()), 0);
	xs_conn_unhold(xenbus_conn());

	KUNIT_EXPECT_EQ(test, fake_call_result(test, early), 0);
	KUNIT_EXPECT_EQ(test, fake_store_watches(store, "/a"), 1);
	unregister_xenbus_watch(&watch);
	xenbus_store_stop();
}

/* A task of the kernel that is not the holder waits like a program. */
static void watch_of_another_task_waits_for_the_end_of_a_hold(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct xenbus_watch watch = {
		.node = "/a",
		.callback = store_ignore,
	};
	struct fake_call *other;

	xenbus_store_init(&store->peer.t);
	xs_conn_hold(xenbus_conn());
	KUNIT_EXPECT_EQ(test, xenbus_store_start(), 0);
	other = fake_call_start(test, store_watch_call, &watch, store_unblock);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(other));
	KUNIT_EXPECT_EQ(test, xs_op_reset_watches(xenbus_conn()), 0);
	KUNIT_EXPECT_EQ(test, fake_store_watches(store, "/a"), 0);
	xs_conn_unhold(xenbus_conn());

	KUNIT_EXPECT_EQ(test, fake_call_result(test, other), 0);
	KUNIT_EXPECT_EQ(test, fake_store_watches(store, "/a"), 1);
	unregister_xenbus_watch(&watch);
	xenbus_store_stop();
}

/* Else the holder could not get through the gate. */
static void suspend_waits_for_the_end_of_a_hold(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct fake_call *suspend;

	xenbus_store_init(&store->peer.t);
	xs_conn_hold(xenbus_conn());
	KUNIT_EXPECT_EQ(test, xenbus_store_start(), 0);
	suspend = fake_call_start(test, store_suspend_call, NULL, NULL);
	KUNIT_ASSERT_TRUE(test, fake_call_sleeps(suspend));

	KUNIT_EXPECT_EQ(test, xs_op_reset_watches(xenbus_conn()), 0);
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(suspend));
	xs_conn_unhold(xenbus_conn());
	KUNIT_EXPECT_EQ(test, fake_call_result(test, suspend), 0);
	xs_suspend_cancel();
	xenbus_store_stop();
}

static struct kunit_case store_cases[] = {
	KUNIT_CASE(start_that_fails_leaves_nothing_and_can_be_repeated),
	KUNIT_CASE(call_without_a_store_fails),
	KUNIT_CASE(call_fails_if_no_server_is_found),
	KUNIT_CASE(notifier_before_the_store_is_told_once_it_is_there),
	KUNIT_CASE(notifier_with_the_store_there_is_told_at_once),
	KUNIT_CASE(notifier_may_register_another_one),
	KUNIT_CASE(transaction_begins_while_a_suspend_waits_for_another),
	KUNIT_CASE(watch_from_before_the_start_survives_the_reset),
	KUNIT_CASE(watch_of_another_task_waits_for_the_end_of_a_hold),
	KUNIT_CASE(suspend_waits_for_the_end_of_a_hold),
	{}
};

static struct kunit_suite store_suite = {
	.name = "xenbus_store",
	.test_cases = store_cases,
};

kunit_test_suite(store_suite);
