// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of watches whose callbacks run in lanes of their own.
 *
 * The I/O thread, the lanes, and where needed a thread that calls, are real;
 * the fake store answers.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/completion.h>

#include "fake_client.h"
#include "fake_store.h"
#include "ops.h"

struct wlane_fixture;

/* A watch whose callback does what the test says. */
struct wlane_probe {
	struct xenbus_watch watch;
	struct wlane_fixture *f;
	/* Called by the first callback only; may be NULL. */
	void (*act)(struct wlane_fixture *f);
	unsigned int calls;
	char paths[4][16];
	struct completion called;
};

struct wlane_fixture {
	struct fake_store *store;
	struct fake_site *site;
	struct xs_lane *one;
	struct xs_lane *two;
	struct wlane_probe a;
	struct wlane_probe b;
	struct wlane_probe c;
	/* A callback that has begun waits here. */
	struct completion entered;
	struct completion leave;
	/* What a callback has seen. */
	unsigned int result;
};

static void wlane_callback(struct xenbus_watch *watch, const char *path,
			   const char *token)
{
	struct wlane_probe *probe;

	probe = container_of(watch, struct wlane_probe, watch);
	if (!probe->calls && probe->act)
		probe->act(probe->f);
	strscpy(probe->paths[probe->calls % ARRAY_SIZE(probe->paths)], path,
		sizeof(probe->paths[0]));
	probe->calls++;
	complete(&probe->called);
}

static void wlane_init_probe(struct wlane_fixture *f, struct wlane_probe *probe,
			     const char *node)
{
	probe->watch.node = node;
	probe->watch.callback = wlane_callback;
	probe->f = f;
	init_completion(&probe->called);
}

static void wlane_put(void *lane)
{
	xs_lane_put(lane);
}

static struct xs_lane *wlane_alloc(struct kunit *test, struct fake_site *site)
{
	struct xs_lane *lane = xs_lane_alloc(&site->watches.lanes, GFP_KERNEL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(lane));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, wlane_put, lane),
			0);
	return lane;
}

static int wlane_init(struct kunit *test)
{
	struct wlane_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->site = fake_site_create_at(test, &f->store->peer);
	f->one = wlane_alloc(test, f->site);
	f->two = wlane_alloc(test, f->site);
	wlane_init_probe(f, &f->a, "/a");
	wlane_init_probe(f, &f->b, "/b");
	wlane_init_probe(f, &f->c, "/c");
	init_completion(&f->entered);
	init_completion(&f->leave);
	test->priv = f;
	fake_site_start(f->site);
	KUNIT_ASSERT_EQ(test, xs_watches_start(&f->site->watches), 0);
	return 0;
}

static void wlane_exit(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;
	struct xs_watch_entry *entry;
	unsigned long id;

	if (!f)
		return;
	complete_all(&f->leave);
	xa_for_each(&f->site->watches.entries, id, entry)
		xs_watch_unregister(&f->site->watches, entry->watch);
}

static void wlane_await(struct kunit *test, struct completion *done)
{
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(done,
							  FAKE_CALL_TIMEOUT), 0);
}

/* NULL is the common lane. */
static void wlane_register(struct kunit *test, struct wlane_probe *probe,
			   struct xs_lane *lane)
{
	struct wlane_fixture *f = test->priv;
	struct xs_watches *watches = &f->site->watches;

	KUNIT_ASSERT_EQ(test,
			xs_watch_register_in(watches, &probe->watch,
					     lane ?: &watches->lanes.common),
			0);
}

static void wlane_hold(struct wlane_fixture *f)
{
	complete(&f->entered);
	wait_for_completion(&f->leave);
}

static void wlane_unregister_a(struct wlane_fixture *f)
{
	xs_watch_unregister(&f->site->watches, &f->a.watch);
}

static int wlane_unregister_call(void *data)
{
	wlane_unregister_a(data);
	return 0;
}

static void wlane_let_go(void *data)
{
	struct wlane_fixture *f = data;

	complete_all(&f->leave);
}

/* Watch a is in lane one, and its callback is stuck. */
static void wlane_stick(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	f->a.act = wlane_hold;
	wlane_register(test, &f->a, f->one);
	wlane_await(test, &f->entered);
}

/* === Who delays whom === */

static void callback_that_is_stuck_delays_its_lane_only(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	wlane_stick(test);
	wlane_register(test, &f->b, f->two);
	wlane_register(test, &f->c, NULL);
	wlane_await(test, &f->b.called);
	wlane_await(test, &f->c.called);
	fake_store_write(f->store, "/b", "1", 1);
	wlane_await(test, &f->b.called);
	KUNIT_EXPECT_EQ(test, f->a.calls, 0);
}

static void callback_behind_a_stuck_one_waits(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	wlane_stick(test);
	wlane_register(test, &f->b, f->one);
	wlane_register(test, &f->c, f->two);
	wlane_await(test, &f->c.called);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(f->b.watch.nr_pending == 1));
	KUNIT_EXPECT_EQ(test, f->b.calls, 0);
	complete_all(&f->leave);
	wlane_await(test, &f->b.called);
	KUNIT_EXPECT_EQ(test, f->a.calls, 1);
}

static void callbacks_of_a_lane_keep_the_order_of_events(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	wlane_stick(test);
	fake_store_write(f->store, "/a/1", "", 0);
	fake_store_write(f->store, "/a/2", "", 0);
	fake_store_write(f->store, "/a/3", "", 0);
	complete_all(&f->leave);
	while (READ_ONCE(f->a.calls) < 4)
		wlane_await(test, &f->a.called);
	KUNIT_EXPECT_STREQ(test, f->a.paths[0], "/a");
	KUNIT_EXPECT_STREQ(test, f->a.paths[1], "/a/1");
	KUNIT_EXPECT_STREQ(test, f->a.paths[2], "/a/2");
	KUNIT_EXPECT_STREQ(test, f->a.paths[3], "/a/3");
}

static void wlane_register_b(struct wlane_fixture *f)
{
	/* Its first event is there before the callback goes on. */
	f->result = !xs_watch_register(&f->site->watches, &f->b.watch) &&
		    fake_wait_until(READ_ONCE(f->b.watch.nr_pending) == 1) &&
		    !f->b.calls;
}

/* xen-netback watches a rate while it sets up what the callback changes. */
static void watch_set_by_a_callback_waits_for_it(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	f->a.act = wlane_register_b;
	wlane_register(test, &f->a, f->one);
	wlane_await(test, &f->a.called);
	KUNIT_EXPECT_TRUE(test, f->result);
	wlane_await(test, &f->b.called);
}

static void watch_set_outside_is_in_the_common_lane(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;
	struct xs_watch_entry *entry;

	KUNIT_ASSERT_EQ(test, xs_watch_register(&f->site->watches,
						&f->a.watch), 0);
	entry = xa_load(&f->site->watches.entries, f->a.watch.id);
	KUNIT_ASSERT_NOT_NULL(test, entry);
	KUNIT_EXPECT_PTR_EQ(test, entry->lane, &f->site->watches.lanes.common);
}

/* === Unregistering === */

static void callback_in_a_lane_may_unregister_its_own_watch(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	f->a.act = wlane_unregister_a;
	wlane_register(test, &f->a, f->one);
	wlane_await(test, &f->a.called);
	KUNIT_EXPECT_FALSE(test, fake_site_has_watches(f->site));
}

static void wlane_unregister_b(struct wlane_fixture *f)
{
	xs_watch_unregister(&f->site->watches, &f->b.watch);
}

static void callback_may_unregister_a_watch_of_another_lane(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	wlane_register(test, &f->b, NULL);
	wlane_await(test, &f->b.called);
	f->a.act = wlane_unregister_b;
	wlane_register(test, &f->a, f->one);
	wlane_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/b"), 0);
}

static void unregister_does_not_wait_for_another_lane(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	wlane_stick(test);
	wlane_register(test, &f->b, f->two);
	wlane_await(test, &f->b.called);
	wlane_unregister_b(f);
	KUNIT_EXPECT_EQ(test, f->a.calls, 0);
}

static void unregister_does_not_wait_for_another_watch_of_the_lane(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	wlane_stick(test);
	wlane_register(test, &f->b, f->one);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(f->b.watch.nr_pending == 1));
	wlane_unregister_b(f);
	KUNIT_EXPECT_EQ(test, f->a.calls, 0);
	KUNIT_EXPECT_EQ(test, f->site->watches.lanes.busy, 1);
	complete_all(&f->leave);
	wlane_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, f->b.calls, 0);
}

static void unregister_waits_for_a_callback_in_a_lane(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;
	struct fake_call *call;

	wlane_stick(test);
	call = fake_call_start(test, wlane_unregister_call, f, wlane_let_go);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(!fake_store_watches(f->store,
								    NULL)));
	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_call_sleeps(call)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));

	complete_all(&f->leave);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&f->a.called));
}

/* === Suspend === */

static void wlane_suspend(struct wlane_fixture *f)
{
	xs_watches_suspend(&f->site->watches);
	xs_watches_resume(&f->site->watches);
}

static void callback_that_is_stuck_stops_no_suspend(struct kunit *test)
{
	struct wlane_fixture *f = test->priv;

	wlane_stick(test);
	f->c.act = wlane_suspend;
	wlane_register(test, &f->c, NULL);
	wlane_await(test, &f->c.called);
	KUNIT_EXPECT_EQ(test, f->site->conn->generation, 1);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
	complete_all(&f->leave);
	wlane_await(test, &f->a.called);
}

static struct kunit_case wlane_cases[] = {
	KUNIT_CASE(callback_that_is_stuck_delays_its_lane_only),
	KUNIT_CASE(callback_behind_a_stuck_one_waits),
	KUNIT_CASE(callbacks_of_a_lane_keep_the_order_of_events),
	KUNIT_CASE(watch_set_by_a_callback_waits_for_it),
	KUNIT_CASE(watch_set_outside_is_in_the_common_lane),
	KUNIT_CASE(callback_in_a_lane_may_unregister_its_own_watch),
	KUNIT_CASE(callback_may_unregister_a_watch_of_another_lane),
	KUNIT_CASE(unregister_does_not_wait_for_another_lane),
	KUNIT_CASE(unregister_does_not_wait_for_another_watch_of_the_lane),
	KUNIT_CASE(unregister_waits_for_a_callback_in_a_lane),
	KUNIT_CASE(callback_that_is_stuck_stops_no_suspend),
	{}
};

static struct kunit_suite wlane_suite = {
	.name = "xenstore_watch_lane",
	.init = wlane_init,
	.exit = wlane_exit,
	.test_cases = wlane_cases,
};

kunit_test_suite(wlane_suite);
