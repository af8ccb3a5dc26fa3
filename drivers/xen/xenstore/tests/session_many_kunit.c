// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of a client with very many watches or unread events: what is compared
 * with them is compared with few.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "fake_user.h"

/* As many as are kept with a path of their own. */
#define MANY	1023

/* With that many in a table, no chain is as long as this. */
#define MANY_CHAIN	64

struct many_fixture {
	struct test_env *env;
	struct xs_session *session;
};

static int many_init(struct kunit *test)
{
	struct many_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	test->priv = f;
	return 0;
}

static unsigned int many_longest(struct hlist_head *table, unsigned int size)
{
	unsigned int n, longest = 0;
	struct hlist_node *node;

	while (size--) {
		n = 0;
		hlist_for_each(node, &table[size])
			n++;
		longest = max(longest, n);
	}
	return longest;
}

static void many_fire(struct many_fixture *f,
		      const struct fake_message *watch)
{
	unsigned int i;
	char path[16];

	for (i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "path/%u", i);
		test_env_event(f->env, watch, path);
	}
}

static void event_is_merged_with_any_of_a_thousand_unread(struct kunit *test)
{
	struct many_fixture *f = test->priv;
	const struct fake_message *watch;

	watch = fake_user_watch(f->env, f->session, "path\0token", 11);
	many_fire(f, watch);
	KUNIT_ASSERT_EQ(test, f->session->unread_events, MANY);
	many_fire(f, watch);
	KUNIT_EXPECT_EQ(test, f->session->unread_events, MANY);
}

static void event_is_compared_with_few_of_a_thousand_unread(struct kunit *test)
{
	struct many_fixture *f = test->priv;
	const struct fake_message *watch;

	watch = fake_user_watch(f->env, f->session, "path\0token", 11);
	many_fire(f, watch);
	KUNIT_ASSERT_EQ(test, f->session->unread_events, MANY);
	KUNIT_EXPECT_LT(test, many_longest(f->session->events,
					   HASH_SIZE(f->session->events)),
			MANY_CHAIN);
}

static void unwatch_is_compared_with_few_of_a_thousand_watches(struct kunit *test)
{
	struct many_fixture *f = test->priv;
	const struct fake_message *first, *msg;
	unsigned int i;
	char body[16];
	int len;

	first = fake_user_watch(f->env, f->session, "w0\0t", 5);
	for (i = 1; i < MANY; i++) {
		len = snprintf(body, sizeof(body), "w%u%ct", i, 0);
		fake_user_watch(f->env, f->session, body, len + 1);
	}
	KUNIT_EXPECT_LT(test, many_longest(f->session->watches,
					   HASH_SIZE(f->session->watches)),
			MANY_CHAIN);

	fake_user_send(f->env, f->session, XS_UNWATCH, 1, 0, "w0\0t", 5);
	msg = test_env_next(f->env);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_STREQ(test, test_env_token(msg), test_env_token(first));
}

static struct kunit_case many_cases[] = {
	KUNIT_CASE(event_is_merged_with_any_of_a_thousand_unread),
	KUNIT_CASE(event_is_compared_with_few_of_a_thousand_unread),
	KUNIT_CASE(unwatch_is_compared_with_few_of_a_thousand_watches),
	{}
};

static struct kunit_suite many_suite = {
	.name = "xenstore_session_many",
	.init = many_init,
	.test_cases = many_cases,
};

kunit_test_suite(many_suite);
