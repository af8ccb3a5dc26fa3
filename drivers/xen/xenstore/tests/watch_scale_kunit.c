// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the registry with many watches: each event finds its own, and how
 * long that takes is reported, not judged.
 *
 * No watch is set at a server; the test hands events over as the kthread
 * does.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "fake_user.h"

#define SCALE_ROUNDS	20
#define SCALE_EVENTS	1000

struct scale_fixture {
	struct test_env *site;
	unsigned int num;
	struct xs_watch_entry **entries;
	/* Which watch the last event was for. */
	struct xs_watch_entry *fired;
};

static int scale_event(struct xs_watch_entry *entry, const char *path)
{
	struct scale_fixture *f = entry->owner;

	f->fired = entry;
	return 0;
}

static void scale_release(struct xs_watch_entry *entry)
{
}

static const struct xs_watch_ops scale_ops = {
	.event = scale_event,
	.release = scale_release,
};

static void scale_cleanup(void *data)
{
	struct scale_fixture *f = data;

	while (f->num) {
		f->num--;
		xs_watch_entry_remove(&f->site->store.watches, f->entries[f->num]);
		xs_watch_entry_put(f->entries[f->num]);
	}
	kvfree(f->entries);
}

static void scale_add(struct kunit *test, struct scale_fixture *f)
{
	struct xs_watch_entry *entry;
	char path[32];

	snprintf(path, sizeof(path), "/backend/vif/%u", f->num);
	entry = xs_watch_entry_alloc(path, "", 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(entry));
	entry->ops = &scale_ops;
	entry->owner = f;
	f->entries[f->num++] = entry;
	KUNIT_ASSERT_EQ(test, xs_watch_entry_add(&f->site->store.watches, entry), 0);
}

static void scale_fill(struct kunit *test, struct scale_fixture *f,
		       unsigned int num)
{
	f->entries = kvcalloc(num, sizeof(*f->entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->entries);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, scale_cleanup, f),
			0);
	while (f->num < num)
		scale_add(test, f);
}

/* An event of the watch: its path, a NUL, its token, a NUL. */
static int scale_fire(struct scale_fixture *f, struct xs_watch_entry *entry)
{
	char body[64];
	int len = snprintf(body, sizeof(body), "%s%c%s", entry->path, '\0',
			   entry->token);

	return xs_watch_conn_ops.event(f->site->conn, body, len + 1);
}

static const unsigned int scale_sizes[] = { 10, 1000, 20000 };

static void scale_size_desc(const unsigned int *num, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u watches", *num);
}

KUNIT_ARRAY_PARAM(scale_size, scale_sizes, scale_size_desc);

/* Events far from each other; returns those that missed their watch. */
static unsigned int scale_fire_many(struct scale_fixture *f, unsigned int round)
{
	unsigned int i, n, missed = 0;
	struct xs_watch_entry *entry;

	for (i = 0; i < SCALE_EVENTS; i++) {
		n = (round * SCALE_EVENTS + i) * 7919U % f->num;
		entry = f->entries[n];
		missed += scale_fire(f, entry) || f->fired != entry;
	}
	return missed;
}

static void event_finds_its_watch_among_many(struct kunit *test)
{
	const unsigned int *num = test->param_value;
	struct scale_fixture *f = test->priv;
	unsigned int round, missed = 0;
	u64 begin, least = U64_MAX;

	scale_fill(test, f, *num);
	for (round = 0; round < SCALE_ROUNDS; round++) {
		begin = ktime_get_ns();
		missed += scale_fire_many(f, round);
		least = min(least, ktime_get_ns() - begin);
	}
	kunit_info(test, "%u watches: %llu ns per event\n", *num,
		   div_u64(least, SCALE_EVENTS));
	KUNIT_EXPECT_EQ(test, missed, 0);
	KUNIT_EXPECT_EQ(test, f->site->store.watches.dropped, 0);
}

static int scale_init(struct kunit *test)
{
	struct scale_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = test_env_create(test);
	test->priv = f;
	return 0;
}

static struct kunit_case scale_cases[] = {
	KUNIT_CASE_PARAM(event_finds_its_watch_among_many,
			 scale_size_gen_params),
	{}
};

static struct kunit_suite scale_suite = {
	.name = "xenstore_watch_scale",
	.init = scale_init,
	.test_cases = scale_cases,
};

kunit_test_suite(scale_suite);
