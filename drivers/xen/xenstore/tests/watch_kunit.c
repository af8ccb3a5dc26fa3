// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the watches of drivers: registry and event queue.
 *
 * A kthread works against the fake store, so registering can be waited
 * for; the test itself is the dispatcher. A dispatcher that is a thread is the
 * subject of watch_dispatch_kunit.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"
#include "fake_store.h"
#include "ops.h"

/* A watch that keeps what it was told. */
struct watch_probe {
	struct xenbus_watch watch;
	struct test_env *site;
	unsigned int calls;
	char paths[4][32];
	char token[XS_WATCH_TOKEN_SIZE];
	/* For will_handle. */
	unsigned int asked;
	unsigned int limit;
	/* The state of a device, read by the callback. */
	char state;
};

struct watch_fixture {
	struct fake_store *store;
	struct test_env *site;
	struct watch_probe a;
	struct watch_probe b;
};

static void watch_record(struct xenbus_watch *watch, const char *path,
			 const char *token)
{
	struct watch_probe *probe = container_of(watch, struct watch_probe,
						 watch);

	strscpy(probe->paths[probe->calls++ % ARRAY_SIZE(probe->paths)], path,
		sizeof(probe->paths[0]));
	strscpy(probe->token, token, sizeof(probe->token));
}

static int watch_init(struct kunit *test)
{
	struct watch_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->site = test_env_create_at(test, &f->store->peer);
	f->a.watch.node = "/a";
	f->a.watch.callback = watch_record;
	f->a.site = f->site;
	f->b = f->a;
	f->b.watch.node = "/b";
	test->priv = f;
	test_env_start(f->site);
	return 0;
}

static void watch_exit(struct kunit *test)
{
	struct watch_fixture *f = test->priv;
	struct xs_watch_entry *entry;
	unsigned long id;

	if (!f)
		return;
	xa_for_each(&f->site->store.watches.entries, id, entry)
		xs_watch_unregister(&f->site->store.watches, entry->watch);
}

static int watch_register(struct watch_fixture *f, struct watch_probe *probe)
{
	return xs_watch_register(&f->site->store.watches, &probe->watch);
}

static void watch_unregister(struct watch_fixture *f, struct watch_probe *probe)
{
	xs_watch_unregister(&f->site->store.watches, &probe->watch);
}

/* Everything that the peer has sent so far has been received. */
static void watch_sync(struct watch_fixture *f)
{
	unsigned int n;

	kfree(xs_op_directory(f->site->conn, 0, "/", "", &n));
}

static unsigned int watch_dispatch_all(struct watch_fixture *f)
{
	unsigned int n = 0;

	watch_sync(f);
	while (xs_watches_dispatch(&f->site->store.watches))
		n++;
	return n;
}

/* Registered, and the event that this causes has been dispatched. */
static void watch_set(struct kunit *test, struct watch_probe *probe)
{
	struct watch_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, watch_register(f, probe), 0);
	KUNIT_ASSERT_EQ(test, watch_dispatch_all(f), 1);
	probe->calls = 0;
}

static void watch_fire(struct watch_fixture *f, struct watch_probe *probe,
		       const char *path)
{
	fake_peer_event(&f->store->peer, path, probe->token);
	watch_sync(f);
}

/* === Registering === */

static void watch_fires_once_when_it_is_registered(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, watch_register(f, &f->a), 0);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
	KUNIT_EXPECT_EQ(test, f->a.calls, 1);
	KUNIT_EXPECT_STREQ(test, f->a.paths[0], "/a");
}

static void watch_event_before_the_reply_is_kept(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	f->store->events_first = true;
	KUNIT_EXPECT_EQ(test, watch_register(f, &f->a), 0);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
	KUNIT_EXPECT_EQ(test, f->a.calls, 1);
}

static void watch_that_is_refused_is_not_registered(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	f->store->refuse[XS_WATCH] = "ENOSPC";
	KUNIT_EXPECT_EQ(test, watch_register(f, &f->a), -ENOSPC);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->site));

	f->store->refuse[XS_WATCH] = NULL;
	KUNIT_EXPECT_EQ(test, watch_register(f, &f->a), 0);
}

static void watch_that_is_registered_is_refused(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	KUNIT_EXPECT_EQ(test, watch_register(f, &f->a), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
	watch_fire(f, &f->a, "/a");
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
}

static void watch_on_a_broken_ring_is_refused(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	xs_conn_break(f->site->conn, -EIO);
	KUNIT_EXPECT_EQ(test, watch_register(f, &f->a), -EIO);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->site));
}

static void watch_can_be_registered_again(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	watch_unregister(f, &f->a);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 0);
	watch_set(test, &f->a);
	watch_fire(f, &f->a, "/a");
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
	KUNIT_EXPECT_EQ(test, f->a.calls, 1);
}

/* === Events === */

static void events_of_one_watch_keep_their_order(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	watch_set(test, &f->b);
	watch_fire(f, &f->a, "/a/1");
	watch_fire(f, &f->b, "/b/1");
	watch_fire(f, &f->a, "/a/2");
	watch_fire(f, &f->b, "/b/2");
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 4);
	KUNIT_EXPECT_STREQ(test, f->a.paths[0], "/a/1");
	KUNIT_EXPECT_STREQ(test, f->a.paths[1], "/a/2");
	KUNIT_EXPECT_STREQ(test, f->b.paths[0], "/b/1");
	KUNIT_EXPECT_STREQ(test, f->b.paths[1], "/b/2");
}

static void event_comes_to_each_of_two_watches_on_one_path(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	f->b.watch.node = "/a";
	watch_set(test, &f->a);
	watch_set(test, &f->b);
	fake_store_write(f->store, "/a/x", "1", 1);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 2);
	KUNIT_EXPECT_STREQ(test, f->a.paths[0], "/a/x");
	KUNIT_EXPECT_STREQ(test, f->b.paths[0], "/a/x");
}

static void event_equal_to_a_pending_one_is_merged(struct kunit *test)
{
	struct watch_fixture *f = test->priv;
	u64 merged;

	watch_set(test, &f->a);
	merged = f->site->store.watches.merged;
	watch_fire(f, &f->a, "/a/x");
	watch_fire(f, &f->a, "/a/y");
	watch_fire(f, &f->a, "/a/x");
	KUNIT_EXPECT_EQ(test, f->a.watch.nr_pending, 2);
	KUNIT_EXPECT_EQ(test, f->site->store.watches.merged, merged + 1);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 2);
	watch_fire(f, &f->a, "/a/x");
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
}

/* Defect O: whoever can write below a watched path could fill the memory. */
static void storm_of_events_is_bounded_by_one_for_the_watch(struct kunit *test)
{
	struct watch_fixture *f = test->priv;
	char path[16];
	unsigned int i;

	watch_set(test, &f->a);
	for (i = 0; i < XS_WATCH_PENDING_MAX + 50; i++) {
		snprintf(path, sizeof(path), "/a/%u", i);
		fake_peer_event(&f->store->peer, path, f->a.token);
		/* The peer's own memory is limited, too. */
		if (i % 64 == 0)
			watch_sync(f);
	}
	watch_sync(f);
	KUNIT_EXPECT_EQ(test, f->a.watch.nr_pending, XS_WATCH_PENDING_MAX + 1);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), XS_WATCH_PENDING_MAX + 1);
	i = (f->a.calls - 1) % ARRAY_SIZE(f->a.paths);
	KUNIT_EXPECT_STREQ(test, f->a.paths[i], "/a");
	KUNIT_EXPECT_EQ(test, f->a.watch.nr_pending, 0);
}

static bool watch_ask(struct xenbus_watch *watch, const char *path,
		      const char *token)
{
	struct watch_probe *probe = container_of(watch, struct watch_probe,
						 watch);

	probe->asked++;
	return watch->nr_pending < probe->limit;
}

static void watch_read_state(struct xenbus_watch *watch, const char *path,
			     const char *token)
{
	struct watch_probe *probe = container_of(watch, struct watch_probe,
						 watch);
	char *value;

	watch_record(watch, path, token);
	value = xs_op_read(probe->site->conn, 0, "/a", "state", NULL);
	if (!IS_ERR(value)) {
		probe->state = *value;
		kfree(value);
	}
}

/* Row 13, XSA-349: a guest that wrote its state in a loop. */
static void flood_with_will_handle_leaves_one_event_and_the_last_state(struct kunit *test)
{
	struct watch_fixture *f = test->priv;
	unsigned int i;
	char state;

	f->a.limit = 1;
	f->a.watch.will_handle = watch_ask;
	f->a.watch.callback = watch_read_state;
	watch_set(test, &f->a);
	for (i = 0; i < 500; i++) {
		state = 'a' + i % 7;
		fake_store_write(f->store, "/a/state", &state, 1);
		fake_store_write(f->store, "/a/other", &state, 1);
		KUNIT_EXPECT_LE(test, f->a.watch.nr_pending, 1);
	}
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
	KUNIT_EXPECT_EQ(test, f->a.state, state);
	KUNIT_EXPECT_EQ(test, f->a.watch.nr_pending, 0);
}

static void event_that_will_handle_declines_is_dropped(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	f->a.watch.will_handle = watch_ask;
	KUNIT_EXPECT_EQ(test, watch_register(f, &f->a), 0);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 0);
	KUNIT_EXPECT_EQ(test, f->a.asked, 1);
	KUNIT_EXPECT_EQ(test, f->a.watch.nr_pending, 0);
}

/* === Events that are nobody's === */

struct watch_event_case {
	const char *name;
	/* %s is the right token. */
	const char *format;
	size_t cut;
};

/* "|" stands for NUL; a final one is there unless it is cut off. */
static const struct watch_event_case watch_bad_events[] = {
	{ "nothing at all", "", 1 },
	{ "one NUL", "" },
	{ "no token", "/a" },
	{ "path without NUL", "/a", 1 },
	{ "token without NUL", "/a|%s", 1 },
	{ "empty token", "/a|" },
	{ "token with a prefix", "/a|x%s" },
	{ "token with a suffix", "/a|%sx" },
	{ "token of words", "/a|token" },
	{ "token without nonce", "/a|-1" },
	{ "token of another boot", "/a|00000000-1" },
	{ "id that is not used", "/a|%s0" },
	{ "id that is too large", "/a|%s000000000" },
	{ "path outside", "/b|%s" },
	{ "path that begins alike", "/ab|%s" },
	{ "path above", "/|%s" },
	{ "empty path", "|%s" },
};

KUNIT_ARRAY_PARAM_DESC(watch_bad_event, watch_bad_events, name);

/* Send an event whose body is built from a pattern. */
static void watch_send(struct watch_fixture *f, const char *format, size_t cut)
{
	char body[64];
	size_t len, i;

	len = snprintf(body, sizeof(body), format, f->a.token);
	for (i = 0; i < len; i++) {
		if (body[i] == '|')
			body[i] = '\0';
	}
	fake_peer_reply(&f->store->peer, XS_WATCH_EVENT, 0, body,
			len + 1 - cut);
	watch_sync(f);
}

static void event_that_fits_no_watch_is_dropped_and_counted(struct kunit *test)
{
	const struct watch_event_case *param = test->param_value;
	struct watch_fixture *f = test->priv;
	u64 dropped;

	watch_set(test, &f->a);
	dropped = f->site->store.watches.dropped;
	watch_send(f, param->format, param->cut);
	KUNIT_EXPECT_EQ(test, f->site->store.watches.dropped, dropped + 1);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 0);

	watch_fire(f, &f->a, "/a");
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
}

static void event_with_a_third_string_is_delivered(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	watch_send(f, "/a/x|%s|more", 0);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
	KUNIT_EXPECT_STREQ(test, f->a.paths[0], "/a/x");
}

static void event_with_the_token_of_another_watch_is_dropped(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	watch_set(test, &f->b);
	watch_fire(f, &f->b, "/a");
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 0);
}

/* === Unregistering === */

static void unregister_drops_pending_events(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	watch_set(test, &f->b);
	watch_fire(f, &f->a, "/a/1");
	watch_fire(f, &f->b, "/b/1");
	watch_fire(f, &f->a, "/a/2");
	watch_unregister(f, &f->a);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 1);
	KUNIT_EXPECT_EQ(test, f->a.calls, 0);
	KUNIT_EXPECT_EQ(test, f->b.calls, 1);
}

static void event_after_unregister_is_dropped(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	watch_unregister(f, &f->a);
	watch_fire(f, &f->a, "/a");
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 0);
	KUNIT_EXPECT_EQ(test, f->a.calls, 0);
}

static void unregister_that_the_server_refuses_still_ends_the_watch(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	f->store->refuse[XS_UNWATCH] = "EACCES";
	watch_unregister(f, &f->a);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->site));
	fake_store_write(f->store, "/a", "x", 1);
	KUNIT_EXPECT_EQ(test, watch_dispatch_all(f), 0);
}

static void unregister_on_a_broken_ring_still_ends_the_watch(struct kunit *test)
{
	struct watch_fixture *f = test->priv;

	watch_set(test, &f->a);
	xs_conn_break(f->site->conn, -EIO);
	watch_unregister(f, &f->a);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->site));
}

static struct kunit_case watch_cases[] = {
	KUNIT_CASE(watch_fires_once_when_it_is_registered),
	KUNIT_CASE(watch_event_before_the_reply_is_kept),
	KUNIT_CASE(watch_that_is_refused_is_not_registered),
	KUNIT_CASE(watch_that_is_registered_is_refused),
	KUNIT_CASE(watch_on_a_broken_ring_is_refused),
	KUNIT_CASE(watch_can_be_registered_again),
	KUNIT_CASE(events_of_one_watch_keep_their_order),
	KUNIT_CASE(event_comes_to_each_of_two_watches_on_one_path),
	KUNIT_CASE(event_equal_to_a_pending_one_is_merged),
	KUNIT_CASE(storm_of_events_is_bounded_by_one_for_the_watch),
	KUNIT_CASE(flood_with_will_handle_leaves_one_event_and_the_last_state),
	KUNIT_CASE(event_that_will_handle_declines_is_dropped),
	KUNIT_CASE_PARAM(event_that_fits_no_watch_is_dropped_and_counted,
			 watch_bad_event_gen_params),
	KUNIT_CASE(event_with_a_third_string_is_delivered),
	KUNIT_CASE(event_with_the_token_of_another_watch_is_dropped),
	KUNIT_CASE(unregister_drops_pending_events),
	KUNIT_CASE(event_after_unregister_is_dropped),
	KUNIT_CASE(unregister_that_the_server_refuses_still_ends_the_watch),
	KUNIT_CASE(unregister_on_a_broken_ring_still_ends_the_watch),
	{}
};

static struct kunit_suite watch_suite = {
	.name = "xenstore_watch",
	.init = watch_init,
	.exit = watch_exit,
	.test_cases = watch_cases,
};

kunit_test_suite(watch_suite);
