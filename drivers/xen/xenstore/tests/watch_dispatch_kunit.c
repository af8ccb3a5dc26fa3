// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the dispatcher: callbacks that run, and those who wait for them.
 *
 * The kthread, the dispatcher, and where needed a thread that calls, are
 * real; the fake store answers.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/slab.h>

#include "fake_user.h"
#include "fake_store.h"
#include "ops.h"

struct dispatch_fixture;

/* A watch whose callback does what the test says. */
struct dispatch_probe {
	struct xenbus_watch watch;
	struct dispatch_fixture *f;
	/* Called by the first callback only; may be NULL. */
	void (*act)(struct dispatch_fixture *f);
	unsigned int calls;
	struct completion called;
};

struct dispatch_fixture {
	struct fake_store *store;
	struct test_env *site;
	struct dispatch_probe a;
	struct dispatch_probe b;
	/* A callback that has begun waits here. */
	struct completion entered;
	struct completion leave;
	int result;
};

static void dispatch_callback(struct xenbus_watch *watch, const char *path,
			      const char *token)
{
	struct dispatch_probe *probe;

	probe = container_of(watch, struct dispatch_probe, watch);
	if (!probe->calls++ && probe->act)
		probe->act(probe->f);
	complete(&probe->called);
}

static void dispatch_init_probe(struct dispatch_fixture *f,
				struct dispatch_probe *probe, const char *node)
{
	probe->watch.node = node;
	probe->watch.callback = dispatch_callback;
	probe->f = f;
	init_completion(&probe->called);
}

static int dispatch_init(struct kunit *test)
{
	struct dispatch_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->site = test_env_create_at(test, &f->store->peer);
	dispatch_init_probe(f, &f->a, "/a");
	dispatch_init_probe(f, &f->b, "/b");
	init_completion(&f->entered);
	init_completion(&f->leave);
	test->priv = f;
	test_env_start(f->site);
	KUNIT_ASSERT_EQ(test, xs_watches_start(&f->site->store.watches), 0);
	return 0;
}

static void dispatch_exit(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;
	struct xs_watch_entry *entry;
	unsigned long id;

	if (!f)
		return;
	complete_all(&f->leave);
	xa_for_each(&f->site->store.watches.entries, id, entry)
		xs_watch_unregister(&f->site->store.watches, entry->watch);
}

static void dispatch_register(struct kunit *test, struct dispatch_probe *probe)
{
	struct dispatch_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_watch_register(&f->site->store.watches,
						&probe->watch), 0);
}

static void dispatch_await(struct kunit *test, struct completion *done)
{
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(done,
							  FAKE_CALL_TIMEOUT), 0);
}

static void dispatch_hold(struct dispatch_fixture *f)
{
	complete(&f->entered);
	wait_for_completion(&f->leave);
}

static void dispatch_unregister_a(struct dispatch_fixture *f)
{
	xs_watch_unregister(&f->site->store.watches, &f->a.watch);
}

static int dispatch_unregister_call(void *data)
{
	dispatch_unregister_a(data);
	return 0;
}

static void dispatch_let_go(void *data)
{
	struct dispatch_fixture *f = data;

	complete_all(&f->leave);
}

static void callback_runs_in_the_dispatcher(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;

	dispatch_register(test, &f->a);
	dispatch_await(test, &f->a.called);
	fake_store_write(f->store, "/a/x", "1", 1);
	dispatch_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, f->a.calls, 2);
}

static void callback_may_unregister_its_own_watch(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;

	f->a.act = dispatch_unregister_a;
	dispatch_register(test, &f->a);
	dispatch_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, NULL), 0);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->site));
}

static void dispatch_register_b(struct dispatch_fixture *f)
{
	f->result = xs_watch_register(&f->site->store.watches, &f->b.watch);
}

static void callback_may_register_another_watch(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;

	f->a.act = dispatch_register_b;
	dispatch_register(test, &f->a);
	dispatch_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, f->result, 0);
	dispatch_await(test, &f->b.called);
	KUNIT_EXPECT_EQ(test, f->b.calls, 1);
}

static void dispatch_unregister_b(struct dispatch_fixture *f)
{
	dispatch_hold(f);
	xs_watch_unregister(&f->site->store.watches, &f->b.watch);
}

static void callback_may_unregister_a_watch_with_pending_events(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;

	f->a.act = dispatch_unregister_b;
	dispatch_register(test, &f->b);
	dispatch_await(test, &f->b.called);
	dispatch_register(test, &f->a);
	dispatch_await(test, &f->entered);
	fake_store_write(f->store, "/b", "1", 1);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(f->b.watch.nr_pending) == 1));

	complete(&f->leave);
	dispatch_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, f->b.calls, 1);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/b"), 0);
}

static void unregister_waits_for_a_callback_that_runs(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;
	struct fake_call *call;

	f->a.act = dispatch_hold;
	dispatch_register(test, &f->a);
	dispatch_await(test, &f->entered);
	call = fake_call_start(test, dispatch_unregister_call, f,
			       dispatch_let_go);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(!fake_store_watches(f->store, NULL)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));
	KUNIT_EXPECT_EQ(test, f->a.calls, 1);

	complete(&f->leave);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&f->a.called));
}

struct dispatch_registration {
	struct xs_watches *watches;
	struct dispatch_probe *probe;
};

static int dispatch_register_call(void *data)
{
	struct dispatch_registration *registration = data;

	return xs_watch_register(registration->watches,
				 &registration->probe->watch);
}

/* The caller may free the watch then. */
static void registration_that_fails_waits_for_a_callback_that_runs(struct kunit *test)
{
	struct test_env *env = test_env_create(test);
	struct dispatch_fixture *f = test->priv;
	struct dispatch_registration registration = {
		.watches = &env->store.watches,
		.probe = &f->a,
	};
	const struct fake_message *watch;
	struct fake_call *call;
	int i;

	test_env_start(env);
	KUNIT_ASSERT_EQ(test, xs_watches_start(&env->store.watches), 0);
	f->a.act = dispatch_hold;
	call = fake_call_start(test, dispatch_register_call, &registration,
			       NULL);
	watch = test_env_await(env);
	test_env_event(env, watch, "/a");
	dispatch_await(test, &f->entered);
	test_env_refuse(env, watch, "ENOSPC");
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!test_env_has_watches(env)));
	for (i = 0; i < 1000; i++)
		cond_resched();
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));

	complete(&f->leave);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), -ENOSPC);
	KUNIT_EXPECT_TRUE(test, completion_done(&f->a.called));
}

static void callback_does_not_run_after_unregister(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;

	f->b.act = dispatch_hold;
	dispatch_register(test, &f->a);
	dispatch_await(test, &f->a.called);
	dispatch_register(test, &f->b);
	dispatch_await(test, &f->entered);
	/* Pending behind a callback that is stuck. */
	fake_store_write(f->store, "/a", "1", 1);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(f->a.watch.nr_pending) == 1));
	fake_call_start(test, dispatch_unregister_call, f, dispatch_let_go);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(!fake_store_watches(f->store, "/a")));

	complete(&f->leave);
	dispatch_await(test, &f->b.called);
	KUNIT_EXPECT_EQ(test, f->a.calls, 1);
}

static void callback_that_is_stuck_does_not_stop_requests(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;
	char *value;

	f->a.act = dispatch_hold;
	dispatch_register(test, &f->a);
	dispatch_await(test, &f->entered);
	fake_store_write(f->store, "/x", "1", 1);
	value = xs_op_read(f->site->conn, 0, "/x", "", NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(value));
	KUNIT_EXPECT_STREQ(test, value, "1");
	kfree(value);
	complete(&f->leave);
}

/* A control/shutdown callback does this when a domain is saved. */
static void dispatch_suspend(struct dispatch_fixture *f)
{
	xs_store_suspend(&f->site->store);
	xs_store_resume(&f->site->store);
	f->result = 1;
}

static void callback_may_suspend_and_resume(struct kunit *test)
{
	struct dispatch_fixture *f = test->priv;

	dispatch_register(test, &f->b);
	dispatch_await(test, &f->b.called);
	f->a.act = dispatch_suspend;
	dispatch_register(test, &f->a);
	dispatch_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, f->result, 1);
	KUNIT_EXPECT_EQ(test, f->site->conn->generation, 1);
	/* Every watch has been set again and has fired again. */
	dispatch_await(test, &f->b.called);
	dispatch_await(test, &f->a.called);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, NULL), 2);
}

static struct kunit_case dispatch_cases[] = {
	KUNIT_CASE(callback_runs_in_the_dispatcher),
	KUNIT_CASE(callback_may_unregister_its_own_watch),
	KUNIT_CASE(callback_may_register_another_watch),
	KUNIT_CASE(callback_may_unregister_a_watch_with_pending_events),
	KUNIT_CASE(unregister_waits_for_a_callback_that_runs),
	KUNIT_CASE(registration_that_fails_waits_for_a_callback_that_runs),
	KUNIT_CASE(callback_does_not_run_after_unregister),
	KUNIT_CASE(callback_that_is_stuck_does_not_stop_requests),
	KUNIT_CASE(callback_may_suspend_and_resume),
	{}
};

static struct kunit_suite dispatch_suite = {
	.name = "xenstore_watch_dispatch",
	.init = dispatch_init,
	.exit = dispatch_exit,
	.test_cases = dispatch_cases,
};

kunit_test_suite(dispatch_suite);
