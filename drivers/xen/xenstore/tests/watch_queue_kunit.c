// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of watches whose callbacks run in queues of their own.
 *
 * The kthread, the queues, and where needed a thread that calls, are real;
 * the fake store answers.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/completion.h>

#include "fake_user.h"
#include "fake_store.h"
#include "ops.h"

struct wqueue_fixture;

/* A watch whose callback does what the test says. */
struct wqueue_probe {
	struct xenbus_watch watch;
	struct wqueue_fixture *f;
	/* Called by the first callback only; may be NULL. */
	void (*act)(struct wqueue_fixture *f);
	unsigned int calls;
	char paths[4][16];
	struct completion called;
};

struct wqueue_fixture {
	struct fake_store *store;
	struct test_env *site;
	struct xs_queue *one;
	struct xs_queue *two;
	struct wqueue_probe a;
	struct wqueue_probe b;
	struct wqueue_probe c;
	/* A callback that has begun waits here. */
	struct completion entered;
	struct completion leave;
	/* What a callback has seen. */
	unsigned int result;
};

static void wqueue_callback(struct xenbus_watch *watch, const char *path,
			    const char *token)
{
	struct wqueue_probe *probe;

	probe = container_of(watch, struct wqueue_probe, watch);
	if (!probe->calls && probe->act)
		probe->act(probe->f);
	strscpy(probe->paths[probe->calls % ARRAY_SIZE(probe->paths)], path,
		sizeof(probe->paths[0]));
	probe->calls++;
	complete(&probe->called);
}

static void wqueue_init_probe(struct wqueue_fixture *f, struct wqueue_probe *probe,
			      const char *node)
{
	probe->watch.node = node;
	probe->watch.callback = wqueue_callback;
	probe->f = f;
	init_completion(&probe->called);
}

static void wqueue_put(void *queue)
{
	xs_queue_put(queue);
}

static struct xs_queue *wqueue_get(struct kunit *test, struct test_env *site,
				   u32 id)
{
	struct xs_queue *queue = xs_queue_of(&site->store.watches.queues, id);

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, wqueue_put, queue),
			0);
	return queue;
}

static int wqueue_init(struct kunit *test)
{
	struct wqueue_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->site = test_env_create_at(test, &f->store->peer);
	wqueue_init_probe(f, &f->a, "/a");
	wqueue_init_probe(f, &f->b, "/b");
	wqueue_init_probe(f, &f->c, "/c");
	init_completion(&f->entered);
	init_completion(&f->leave);
	test->priv = f;
	test_env_start(f->site);
	KUNIT_ASSERT_EQ(test, xs_watches_start(&f->site->store.watches), 0);
	f->one = wqueue_get(test, f->site, 1);
	f->two = wqueue_get(test, f->site, 2);
	return 0;
}

static void wqueue_exit(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;
	struct xs_watch_entry *entry;
	unsigned long id;

	if (!f)
		return;
	complete_all(&f->leave);
	xa_for_each(&f->site->store.watches.entries, id, entry)
		xs_watch_unregister(&f->site->store.watches, entry->watch);
}

static void wqueue_await(struct kunit *test, struct completion *done)
{
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(done,
							  FAKE_CALL_TIMEOUT), 0);
}

/* NULL is the default queue. */
static void wqueue_register(struct kunit *test, struct wqueue_probe *probe,
			    struct xs_queue *queue)
{
	struct wqueue_fixture *f = test->priv;
	struct xs_watches *watches = &f->site->store.watches;

	KUNIT_ASSERT_EQ(test,
			xs_watch_register_in(watches, &probe->watch,
					     queue ?: &watches->queues.default_queue),
			0);
}

static void wqueue_hold(struct wqueue_fixture *f)
{
	complete(&f->entered);
	wait_for_completion(&f->leave);
}

static void wqueue_unregister_a(struct wqueue_fixture *f)
{
	xs_watch_unregister(&f->site->store.watches, &f->a.watch);
}

static int wqueue_unregister_call(void *data)
{
	wqueue_unregister_a(data);
	return 0;
}

static void wqueue_let_go(void *data)
{
	struct wqueue_fixture *f = data;

	complete_all(&f->leave);
}

/* Watch a is in queue one, and its callback is stuck. */
static void wqueue_stick(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	f->a.act = wqueue_hold;
	wqueue_register(test, &f->a, f->one);
	wqueue_await(test, &f->entered);
}

/* === Who delays whom === */

static void callback_that_is_stuck_delays_its_queue_only(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	wqueue_stick(test);
	wqueue_register(test, &f->b, f->two);
	wqueue_register(test, &f->c, NULL);
	wqueue_await(test, &f->b.called);
	wqueue_await(test, &f->c.called);
	fake_store_write(f->store, "/b", "1", 1);
	wqueue_await(test, &f->b.called);
	KUNIT_EXPECT_EQ(test, f->a.calls, 0);
}

static void callback_behind_a_stuck_one_waits(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	wqueue_stick(test);
	wqueue_register(test, &f->b, f->one);
	wqueue_register(test, &f->c, f->two);
	wqueue_await(test, &f->c.called);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(f->b.watch.nr_pending) == 1));
	KUNIT_EXPECT_EQ(test, f->b.calls, 0);
	complete_all(&f->leave);
	wqueue_await(test, &f->b.called);
	KUNIT_EXPECT_EQ(test, f->a.calls, 1);
}

static void callbacks_of_a_queue_keep_the_order_of_events(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	wqueue_stick(test);
	fake_store_write(f->store, "/a/1", "", 0);
	fake_store_write(f->store, "/a/2", "", 0);
	fake_store_write(f->store, "/a/3", "", 0);
	complete_all(&f->leave);
	while (READ_ONCE(f->a.calls) < 4)
		wqueue_await(test, &f->a.called);
	KUNIT_EXPECT_STREQ(test, f->a.paths[0], "/a");
	KUNIT_EXPECT_STREQ(test, f->a.paths[1], "/a/1");
	KUNIT_EXPECT_STREQ(test, f->a.paths[2], "/a/2");
	KUNIT_EXPECT_STREQ(test, f->a.paths[3], "/a/3");
}

static void wqueue_register_b(struct wqueue_fixture *f)
{
	/* Its first event is there before the callback goes on. */
	f->result = !xs_watch_register(&f->site->store.watches, &f->b.watch) &&
		    fake_wait_until(READ_ONCE(f->b.watch.nr_pending) == 1) &&
		    !f->b.calls;
}

/* xen-netback watches a rate while it sets up what the callback changes. */
static void watch_set_by_a_callback_waits_for_it(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	f->a.act = wqueue_register_b;
	wqueue_register(test, &f->a, f->one);
	wqueue_await(test, &f->a.called);
	KUNIT_EXPECT_TRUE(test, f->result);
	wqueue_await(test, &f->b.called);
}

static void watch_set_outside_is_in_the_common_queue(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;
	struct xs_watch_entry *entry;

	KUNIT_ASSERT_EQ(test, xs_watch_register(&f->site->store.watches,
						&f->a.watch), 0);
	entry = xa_load(&f->site->store.watches.entries, f->a.watch.id);
	KUNIT_ASSERT_NOT_NULL(test, entry);
	KUNIT_EXPECT_PTR_EQ(test, entry->queue, &f->site->store.watches.queues.default_queue);
}

/* === Unregistering === */

static void callback_in_a_queue_may_unregister_its_own_watch(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	f->a.act = wqueue_unregister_a;
	wqueue_register(test, &f->a, f->one);
	wqueue_await(test, &f->a.called);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->site));
}

static void wqueue_unregister_b(struct wqueue_fixture *f)
{
	xs_watch_unregister(&f->site->store.watches, &f->b.watch);
}

static void callback_may_unregister_a_watch_of_another_queue(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	wqueue_register(test, &f->b, NULL);
	wqueue_await(test, &f->b.called);
	f->a.act = wqueue_unregister_b;
	wqueue_register(test, &f->a, f->one);
	wqueue_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/b"), 0);
}

static void unregister_does_not_wait_for_another_queue(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	wqueue_stick(test);
	wqueue_register(test, &f->b, f->two);
	wqueue_await(test, &f->b.called);
	wqueue_unregister_b(f);
	KUNIT_EXPECT_EQ(test, f->a.calls, 0);
}

static void unregister_does_not_wait_for_another_watch_of_the_queue(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;

	wqueue_stick(test);
	wqueue_register(test, &f->b, f->one);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(f->b.watch.nr_pending) == 1));
	wqueue_unregister_b(f);
	KUNIT_EXPECT_EQ(test, f->a.calls, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->one->items));
	complete_all(&f->leave);
	wqueue_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, f->b.calls, 0);
}

static void unregister_waits_for_a_callback_in_a_queue(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;
	struct fake_call *call;

	wqueue_stick(test);
	call = fake_call_start(test, wqueue_unregister_call, f, wqueue_let_go);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(!fake_store_watches(f->store,
								    NULL)));
	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_call_sleeps(call)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));

	complete_all(&f->leave);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&f->a.called));
}

/* === Suspend === */

static void wqueue_suspend(struct wqueue_fixture *f)
{
	xs_store_suspend(&f->site->store);
	xs_store_resume(&f->site->store);
}

static enum xs_watch_exclusion wqueue_exclusion(const char *path)
{
	if (!strcmp(path, "/c"))
		return XS_WATCH_ALONE;
	return !strcmp(path, "/b") ? XS_WATCH_ALONE_OR_NOT : XS_WATCH_SHARED;
}

/* As when one thread ran all callbacks. */
static void exclusive_callback_waits_for_the_others(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;
	struct xs_queues *queues = &f->site->store.watches.queues;

	f->site->store.watches.exclusion = wqueue_exclusion;
	wqueue_stick(test);
	f->c.act = wqueue_suspend;
	wqueue_register(test, &f->c, NULL);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(queues->paused)));
	KUNIT_EXPECT_EQ(test, f->c.calls, 0);
	complete_all(&f->leave);
	wqueue_await(test, &f->c.called);
	KUNIT_EXPECT_EQ(test, f->site->conn->generation, 1);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
	wqueue_await(test, &f->a.called);
}

/* The request is not acknowledged, and is made when it can be. */
static void exclusive_callback_is_tried_again_beside_one_that_is_stuck(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;
	struct xs_watches *watches = &f->site->store.watches;

	watches->exclusion = wqueue_exclusion;
	watches->pause_timeout = 1;
	wqueue_stick(test);
	wqueue_register(test, &f->c, NULL);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(watches->postponed)));
	KUNIT_EXPECT_EQ(test, f->c.calls, 0);
	complete_all(&f->leave);
	wqueue_await(test, &f->c.called);
}

static void others_run_while_an_exclusive_callback_is_postponed(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;
	struct xs_watches *watches = &f->site->store.watches;

	watches->exclusion = wqueue_exclusion;
	watches->pause_timeout = 1;
	wqueue_stick(test);
	wqueue_register(test, &f->c, NULL);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(watches->postponed)));
	f->b.watch.node = "/d";
	wqueue_register(test, &f->b, f->two);
	wqueue_await(test, &f->b.called);
	KUNIT_EXPECT_EQ(test, f->c.calls, 0);
}

/* Such as the event of an empty node. */
static void exclusive_event_that_does_not_matter_is_dropped(struct kunit *test)
{
	struct wqueue_fixture *f = test->priv;
	struct xs_watches *watches = &f->site->store.watches;

	watches->exclusion = wqueue_exclusion;
	watches->pause_timeout = 1;
	wqueue_stick(test);
	wqueue_register(test, &f->b, NULL);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(watches->queues.paused)));
	KUNIT_ASSERT_TRUE(test, fake_wait_until(!READ_ONCE(watches->queues.paused)));
	KUNIT_EXPECT_EQ(test, f->b.calls, 0);
	KUNIT_EXPECT_NULL(test, READ_ONCE(watches->postponed));
}

static struct kunit_case wqueue_cases[] = {
	KUNIT_CASE(callback_that_is_stuck_delays_its_queue_only),
	KUNIT_CASE(callback_behind_a_stuck_one_waits),
	KUNIT_CASE(callbacks_of_a_queue_keep_the_order_of_events),
	KUNIT_CASE(watch_set_by_a_callback_waits_for_it),
	KUNIT_CASE(watch_set_outside_is_in_the_common_queue),
	KUNIT_CASE(callback_in_a_queue_may_unregister_its_own_watch),
	KUNIT_CASE(callback_may_unregister_a_watch_of_another_queue),
	KUNIT_CASE(unregister_does_not_wait_for_another_queue),
	KUNIT_CASE(unregister_does_not_wait_for_another_watch_of_the_queue),
	KUNIT_CASE(unregister_waits_for_a_callback_in_a_queue),
	KUNIT_CASE(exclusive_callback_waits_for_the_others),
	KUNIT_CASE(exclusive_callback_is_tried_again_beside_one_that_is_stuck),
	KUNIT_CASE(others_run_while_an_exclusive_callback_is_postponed),
	KUNIT_CASE(exclusive_event_that_does_not_matter_is_dropped),
	{}
};

static struct kunit_suite wqueue_suite = {
	.name = "xenstore_watch_queue",
	.init = wqueue_init,
	.exit = wqueue_exit,
	.test_cases = wqueue_cases,
};

kunit_test_suite(wqueue_suite);
