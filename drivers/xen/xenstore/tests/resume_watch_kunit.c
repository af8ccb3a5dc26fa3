// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of watches that a server refuses to set again.
 *
 * The test is the server and the kthread; what has to wait does so in a thread
 * of its own.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"

struct resume_fixture {
	struct test_env *env;
	struct xs_session *session;
	/* A driver's watch. */
	struct xenbus_watch watch;
};

static void resume_ignore(struct xenbus_watch *watch, const char *path,
			  const char *token)
{
}

static int resume_init(struct kunit *test)
{
	struct resume_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	f->watch.node = "w";
	f->watch.callback = resume_ignore;
	test->priv = f;
	return 0;
}

static int resume_register_call(void *data)
{
	struct resume_fixture *f = data;

	return xs_watch_register(&f->env->store.watches, &f->watch);
}

static int resume_unregister_call(void *data)
{
	struct resume_fixture *f = data;

	xs_watch_unregister(&f->env->store.watches, &f->watch);
	return 0;
}

/* A domain has moved to a host whose server does not know depths. */
static void resume_leaves_a_depth_out_that_is_refused(struct kunit *test)
{
	struct resume_fixture *f = test->priv;
	const struct fake_message *before, *after;
	struct fake_call *resume;

	before = fake_user_watch(f->env, f->session, "a\0t\0003", 6);
	test_env_suspend(f->env);
	resume = test_env_start_resume(f->env);
	test_env_refuse(f->env, test_env_await(f->env), "EINVAL");
	after = test_env_await(f->env);
	KUNIT_EXPECT_EQ(test, after->hdr.type, XS_WATCH);
	KUNIT_ASSERT_EQ(test, after->hdr.len, before->hdr.len - 2);
	KUNIT_EXPECT_EQ(test, memcmp(after->body, before->body,
				     after->hdr.len), 0);
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(resume));
	test_env_reply(f->env, after, "OK", 3);
	fake_call_result(test, resume);
	fake_user_expect_nothing(f->env, f->session);
	KUNIT_EXPECT_EQ(test, f->env->store.watches.lost, 0);
}

static void resume_fires_a_watch_that_is_refused(struct kunit *test)
{
	struct resume_fixture *f = test->priv;
	struct fake_call *resume;

	fake_user_watch(f->env, f->session, "a\0t", 4);
	test_env_suspend(f->env);
	resume = test_env_start_resume(f->env);
	test_env_refuse(f->env, test_env_await(f->env), "EINVAL");
	fake_call_result(test, resume);
	fake_user_expect_event(f->env, f->session, "a\0t", 4);
	fake_user_expect_nothing(f->env, f->session);
	KUNIT_EXPECT_EQ(test, f->env->store.watches.lost, 1);
}

static void resume_fires_a_watch_that_is_refused_without_its_depth(struct kunit *test)
{
	struct resume_fixture *f = test->priv;
	struct fake_call *resume;

	fake_user_watch(f->env, f->session, "a\0t\0003", 6);
	test_env_suspend(f->env);
	resume = test_env_start_resume(f->env);
	test_env_refuse(f->env, test_env_await(f->env), "EINVAL");
	test_env_refuse(f->env, test_env_await(f->env), "ENOSPC");
	fake_call_result(test, resume);
	fake_user_expect_event(f->env, f->session, "a\0t", 4);
	fake_user_expect_nothing(f->env, f->session);
	KUNIT_EXPECT_EQ(test, f->env->store.watches.lost, 1);
}

static void resume_fires_a_drivers_watch_that_is_refused(struct kunit *test)
{
	struct resume_fixture *f = test->priv;
	struct fake_call *call;

	call = fake_call_start(test, resume_register_call, f, NULL);
	test_env_answer(f->env, test_env_await(f->env));
	KUNIT_ASSERT_EQ(test, fake_call_result(test, call), 0);
	test_env_suspend(f->env);
	call = test_env_start_resume(f->env);
	test_env_refuse(f->env, test_env_await(f->env), "ENOSPC");
	fake_call_result(test, call);
	KUNIT_EXPECT_EQ(test, f->watch.nr_pending, 1);
	call = fake_call_start(test, resume_unregister_call, f, NULL);
	test_env_answer(f->env, test_env_await(f->env));
	fake_call_result(test, call);
}

static struct kunit_case resume_cases[] = {
	KUNIT_CASE(resume_leaves_a_depth_out_that_is_refused),
	KUNIT_CASE(resume_fires_a_watch_that_is_refused),
	KUNIT_CASE(resume_fires_a_watch_that_is_refused_without_its_depth),
	KUNIT_CASE(resume_fires_a_drivers_watch_that_is_refused),
	{}
};

static struct kunit_suite resume_suite = {
	.name = "xenstore_resume_watch",
	.init = resume_init,
	.test_cases = resume_cases,
};

kunit_test_suite(resume_suite);
