// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of values that are kept.
 *
 * A kthread works against the fake store, and messages that the store
 * receives are counted. Where an event and a reply have to meet in one order,
 * the test is the server.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/slab.h>

#include "cache.h"
#include "fake_user.h"
#include "fake_store.h"
#include "ops.h"

#define CACHE_ENTRIES	2
#define CACHE_UNREAD	3

struct cache_fixture {
	struct fake_store *store;
	struct test_env *site;
	struct xs_cache cache;
};

static void cache_cleanup(void *data)
{
	struct cache_fixture *f = data;

	xs_cache_destroy(&f->cache);
}

static void cache_setup(struct kunit *test, struct cache_fixture *f)
{
	xs_cache_init(&f->cache, &f->site->store.watches, CACHE_ENTRIES,
		      CACHE_UNREAD);
	test_env_start(f->site);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, cache_cleanup, f),
			0);
}

static int cache_init(struct kunit *test)
{
	struct cache_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->site = test_env_create_at(test, &f->store->peer);
	test->priv = f;
	cache_setup(test, f);
	return 0;
}

/* Everything that the store has sent so far has been received. */
static void cache_sync(struct cache_fixture *f)
{
	unsigned int n;

	kfree(xs_op_directory(f->site->conn, 0, "/", "", &n));
}

static void cache_write(struct cache_fixture *f, const char *path,
			const char *value)
{
	fake_store_write(f->store, path, value, strlen(value));
	cache_sync(f);
}

/* What a read returns, or the name of its error. */
static void cache_expect(struct kunit *test, const char *path, const char *want)
{
	struct cache_fixture *f = test->priv;
	unsigned int len = 99;
	char *value;

	value = xs_cache_read(&f->cache, path, &len);
	KUNIT_ASSERT_FALSE(test, IS_ERR(value));
	KUNIT_EXPECT_EQ(test, len, strlen(want));
	KUNIT_EXPECT_STREQ(test, value, want);
	kfree(value);
}

static void cache_expect_error(struct kunit *test, const char *path, int err)
{
	struct cache_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test,
			PTR_ERR(xs_cache_read(&f->cache, path, NULL)), err);
}

static unsigned int cache_requests(struct cache_fixture *f)
{
	return fake_peer_count(&f->store->peer);
}

/*
 * The value is kept from now on. The event that setting the watch causes may
 * come between the first request and its reply.
 */
static void cache_warm(struct kunit *test, const char *path)
{
	struct cache_fixture *f = test->priv;
	unsigned int i;
	void *value;

	for (i = 0; i < 2; i++) {
		value = xs_cache_read(&f->cache, path, NULL);
		if (!IS_ERR(value))
			kfree(value);
		cache_sync(f);
	}
}

/* === Memory === */

static void first_read_sets_one_watch(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_write(f, "/a", "1");
	cache_expect(test, "/a", "1");
	cache_expect(test, "/a", "1");
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
}

static void value_that_is_known_is_not_asked_for(struct kunit *test)
{
	struct cache_fixture *f = test->priv;
	unsigned int before, i;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	before = cache_requests(f);
	for (i = 0; i < 100; i++)
		cache_expect(test, "/a", "1");
	KUNIT_EXPECT_EQ(test, cache_requests(f), before);
	KUNIT_EXPECT_GE(test, f->cache.hits, 100);
	KUNIT_EXPECT_LE(test, f->cache.misses, 2);
}

static void change_is_seen_by_the_next_read(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	cache_write(f, "/a", "22");
	cache_expect(test, "/a", "22");
	cache_write(f, "/a", "333");
	cache_expect(test, "/a", "333");
}

static void own_write_is_seen_by_the_next_read(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	KUNIT_ASSERT_EQ(test, xs_op_write(f->site->conn, 0, "/a", "", "2", 1),
			0);
	cache_sync(f);
	cache_expect(test, "/a", "2");
}

static void change_below_the_node_costs_no_request(struct kunit *test)
{
	struct cache_fixture *f = test->priv;
	unsigned int before;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	cache_write(f, "/a/b", "2");
	before = cache_requests(f);
	cache_expect(test, "/a", "1");
	KUNIT_EXPECT_EQ(test, cache_requests(f), before);
}

/* === Errors === */

static void node_that_is_missing_is_not_asked_for(struct kunit *test)
{
	struct cache_fixture *f = test->priv;
	unsigned int before;

	cache_warm(test, "/a");
	before = cache_requests(f);
	cache_expect_error(test, "/a", -ENOENT);
	KUNIT_EXPECT_EQ(test, cache_requests(f), before);

	cache_write(f, "/a", "1");
	cache_expect(test, "/a", "1");
}

static void node_that_is_removed_is_missing(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_write(f, "/a/b", "1");
	cache_warm(test, "/a/b");
	fake_store_rm(f->store, "/a");
	cache_sync(f);
	cache_expect_error(test, "/a/b", -ENOENT);
}

static void other_errors_are_not_kept(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_write(f, "/a", "1");
	f->store->refuse[XS_READ] = "EIO";
	cache_warm(test, "/a");
	cache_expect_error(test, "/a", -EIO);
	f->store->refuse[XS_READ] = NULL;
	cache_expect(test, "/a", "1");
}

static void watch_that_is_refused_makes_a_plain_read(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_write(f, "/a", "1");
	f->store->refuse[XS_WATCH] = "ENOSPC";
	cache_expect(test, "/a", "1");
	KUNIT_EXPECT_EQ(test, f->cache.num_entries, 0);
	f->store->refuse[XS_WATCH] = NULL;
	cache_warm(test, "/a");
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
}

static void broken_ring_is_an_error_whatever_is_kept(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	xs_conn_break(f->site->conn, -EIO);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(f->site->conn->state)
						== XS_CONN_BROKEN));
	cache_expect_error(test, "/a", -EIO);
}

/* === Bounds === */

static void node_that_nobody_reads_loses_its_watch(struct kunit *test)
{
	struct cache_fixture *f = test->priv;
	unsigned int i;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	cache_expect(test, "/a", "1");
	for (i = 0; i < CACHE_UNREAD; i++) {
		KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
		cache_write(f, "/a", "2");
	}
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!fake_store_watches(f->store,
								    "/a")));
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(!READ_ONCE(f->cache.num_entries)));
	cache_expect(test, "/a", "2");
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
}

static void node_that_is_read_in_between_keeps_its_watch(struct kunit *test)
{
	struct cache_fixture *f = test->priv;
	unsigned int i;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	for (i = 0; i < 3 * CACHE_UNREAD; i++) {
		cache_write(f, "/a", "2");
		if (i % (CACHE_UNREAD - 1))
			cache_expect(test, "/a", "2");
	}
	KUNIT_EXPECT_EQ(test, f->cache.num_entries, 1);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
}

static void nodes_beyond_the_limit_are_read_plainly(struct kunit *test)
{
	struct cache_fixture *f = test->priv;
	unsigned int before;

	cache_write(f, "/a", "1");
	cache_write(f, "/b", "2");
	cache_write(f, "/c", "3");
	cache_warm(test, "/a");
	cache_warm(test, "/b");
	cache_warm(test, "/c");
	before = cache_requests(f);
	cache_expect(test, "/a", "1");
	cache_expect(test, "/b", "2");
	KUNIT_EXPECT_EQ(test, cache_requests(f), before);
	cache_expect(test, "/c", "3");
	KUNIT_EXPECT_EQ(test, cache_requests(f), before + 1);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/c"), 0);
}

static void cache_that_ends_leaves_no_watch(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_warm(test, "/a");
	cache_warm(test, "/b");
	kunit_release_action(test, cache_cleanup, f);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, NULL), 0);
	KUNIT_EXPECT_EQ(test, f->cache.num_entries, 0);
}

/* === Suspend === */

static void resume_forgets_values(struct kunit *test)
{
	struct cache_fixture *f = test->priv;
	unsigned int before;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	xs_store_suspend(&f->site->store);
	before = cache_requests(f);
	cache_expect(test, "/a", "1");
	KUNIT_EXPECT_EQ(test, cache_requests(f), before);

	xs_store_resume(&f->site->store);
	before = cache_requests(f);
	/* As a domain that comes from elsewhere finds the store. */
	f->store->refuse[XS_READ] = "EPERM";
	cache_expect_error(test, "/a", -EPERM);
	KUNIT_EXPECT_EQ(test, cache_requests(f), before + 1);
}

static void resume_that_loses_the_watch_keeps_no_value(struct kunit *test)
{
	struct cache_fixture *f = test->priv;

	cache_write(f, "/a", "1");
	cache_warm(test, "/a");
	xs_store_suspend(&f->site->store);
	f->store->refuse[XS_WATCH] = "ENOSPC";
	xs_store_resume(&f->site->store);

	cache_expect(test, "/a", "1");
	cache_write(f, "/a", "2");
	cache_expect(test, "/a", "2");
}

static struct kunit_case cache_cases[] = {
	KUNIT_CASE(first_read_sets_one_watch),
	KUNIT_CASE(value_that_is_known_is_not_asked_for),
	KUNIT_CASE(change_is_seen_by_the_next_read),
	KUNIT_CASE(own_write_is_seen_by_the_next_read),
	KUNIT_CASE(change_below_the_node_costs_no_request),
	KUNIT_CASE(node_that_is_missing_is_not_asked_for),
	KUNIT_CASE(node_that_is_removed_is_missing),
	KUNIT_CASE(other_errors_are_not_kept),
	KUNIT_CASE(watch_that_is_refused_makes_a_plain_read),
	KUNIT_CASE(broken_ring_is_an_error_whatever_is_kept),
	KUNIT_CASE(node_that_nobody_reads_loses_its_watch),
	KUNIT_CASE(node_that_is_read_in_between_keeps_its_watch),
	KUNIT_CASE(nodes_beyond_the_limit_are_read_plainly),
	KUNIT_CASE(cache_that_ends_leaves_no_watch),
	KUNIT_CASE(resume_forgets_values),
	KUNIT_CASE(resume_that_loses_the_watch_keeps_no_value),
	{}
};

static struct kunit_suite cache_suite = {
	.name = "xenstore_cache",
	.init = cache_init,
	.test_cases = cache_cases,
};

/* === The order of event and reply === */

struct cache_race {
	struct cache_fixture f;
	const struct fake_message *watch;
	struct fake_call *call;
	char *value;
};

static int cache_race_read(void *data)
{
	struct cache_race *race = data;

	race->value = xs_cache_read(&race->f.cache, "/a", NULL);
	return PTR_ERR_OR_ZERO(race->value);
}

static int cache_race_init(struct kunit *test)
{
	struct cache_race *race;

	race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, race);
	race->f.site = test_env_create(test);
	xs_cache_init(&race->f.cache, &race->f.site->store.watches, CACHE_ENTRIES,
		      CACHE_UNREAD);
	test->priv = race;
	test_env_start(race->f.site);
	return 0;
}

/* The peer answers by hand, so the end takes two. */
static int cache_race_destroy(void *data)
{
	struct cache_race *race = data;

	xs_cache_destroy(&race->f.cache);
	return 0;
}

static void cache_race_exit(struct kunit *test)
{
	struct cache_race *race = test->priv;
	struct fake_call *call;

	if (!race)
		return;
	call = fake_call_start(test, cache_race_destroy, race, NULL);
	while (!fake_call_is_done(call)) {
		test_env_answer_all(race->f.site);
		cond_resched();
	}
}

static void cache_race_start(struct kunit *test)
{
	struct cache_race *race = test->priv;

	race->call = fake_call_start(test, cache_race_read, race, NULL);
}

static void cache_race_finish(struct kunit *test, const char *want)
{
	struct cache_race *race = test->priv;

	KUNIT_ASSERT_EQ(test, fake_call_result(test, race->call), 0);
	KUNIT_EXPECT_STREQ(test, race->value, want);
	kfree(race->value);
}

/* The watch is set and has fired, and the read has been sent. */
static const struct fake_message *cache_race_until_read(struct kunit *test)
{
	struct cache_race *race = test->priv;
	struct test_env *site = race->f.site;
	const struct fake_message *msg;

	cache_race_start(test);
	race->watch = test_env_await(site);
	KUNIT_ASSERT_EQ(test, race->watch->hdr.type, XS_WATCH);
	test_env_event(site, race->watch, "/a");
	test_env_answer(site, race->watch);
	msg = test_env_await(site);
	KUNIT_ASSERT_EQ(test, msg->hdr.type, XS_READ);
	return msg;
}

static void cache_race_expect_request(struct kunit *test, const char *value)
{
	struct cache_race *race = test->priv;
	const struct fake_message *msg;

	cache_race_start(test);
	msg = test_env_await(race->f.site);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_READ);
	test_env_reply(race->f.site, msg, value, strlen(value));
	cache_race_finish(test, value);
}

static void value_with_no_event_before_its_reply_is_kept(struct kunit *test)
{
	struct cache_race *race = test->priv;
	const struct fake_message *msg = cache_race_until_read(test);

	test_env_reply(race->f.site, msg, "1", 1);
	cache_race_finish(test, "1");
	cache_race_start(test);
	cache_race_finish(test, "1");
	KUNIT_EXPECT_EQ(test, race->f.cache.hits, 1);
}

static void value_with_an_event_before_its_reply_is_not_kept(struct kunit *test)
{
	struct cache_race *race = test->priv;
	const struct fake_message *msg = cache_race_until_read(test);

	test_env_event(race->f.site, race->watch, "/a");
	test_env_reply(race->f.site, msg, "1", 1);
	cache_race_finish(test, "1");
	cache_race_expect_request(test, "2");
	KUNIT_EXPECT_EQ(test, race->f.cache.hits, 0);
}

static void value_with_an_event_after_its_reply_is_forgotten(struct kunit *test)
{
	struct cache_race *race = test->priv;
	const struct fake_message *msg = cache_race_until_read(test);

	test_env_reply(race->f.site, msg, "1", 1);
	cache_race_finish(test, "1");
	test_env_event(race->f.site, race->watch, "/a");
	cache_race_expect_request(test, "2");
}

static struct kunit_case cache_race_cases[] = {
	KUNIT_CASE(value_with_no_event_before_its_reply_is_kept),
	KUNIT_CASE(value_with_an_event_before_its_reply_is_not_kept),
	KUNIT_CASE(value_with_an_event_after_its_reply_is_forgotten),
	{}
};

static struct kunit_suite cache_race_suite = {
	.name = "xenstore_cache_race",
	.init = cache_race_init,
	.exit = cache_race_exit,
	.test_cases = cache_race_cases,
};

kunit_test_suites(&cache_suite, &cache_race_suite);
