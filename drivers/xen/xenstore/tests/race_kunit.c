// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of the search for data races: is one found?
 *
 * Two threads count in one place, and nothing orders them. KCSAN samples, so
 * they go on until it has said so. The report in the log is intended. Built
 * only with KCSAN.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/string.h>

#include <trace/events/printk.h>

#include "fake_conn.h"

struct race_fixture {
	/* Written by both threads, and by neither with WRITE_ONCE(). */
	unsigned int count;
	bool reported;
	bool stopped;
};

/* The only function here that races: whatever runs the suites looks for it. */
static noinline void race_provoke(struct race_fixture *f)
{
	f->count++;
}

static int race_until_stopped(void *arg)
{
	struct race_fixture *f = arg;

	while (!READ_ONCE(f->stopped)) {
		race_provoke(f);
		cond_resched();
	}
	return 0;
}

static void race_stop(void *arg)
{
	struct race_fixture *f = arg;

	WRITE_ONCE(f->stopped, true);
}

static bool race_is_reported(struct race_fixture *f)
{
	race_provoke(f);
	return READ_ONCE(f->reported);
}

/* Runs for every line of the log, on its way out. */
static void race_look_at_line(void *arg, const char *text, size_t len)
{
	struct race_fixture *f = arg;

	if (strnstr(text, "BUG: KCSAN: data-race in race_provoke", len))
		WRITE_ONCE(f->reported, true);
}

static void race_exit(struct kunit *test)
{
	unregister_trace_console(race_look_at_line, test->priv);
	tracepoint_synchronize_unregister();
}

static int race_init(struct kunit *test)
{
	struct race_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	return register_trace_console(race_look_at_line, f);
}

static void race_of_two_threads_is_reported(struct kunit *test)
{
	struct race_fixture *f = test->priv;
	struct fake_call *call;

	call = fake_call_start(test, race_until_stopped, f, race_stop);

	KUNIT_EXPECT_TRUE(test, fake_wait_until(race_is_reported(f)));

	race_stop(f);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE(race_of_two_threads_is_reported),
	{}
};

static struct kunit_suite race_suite = {
	.name = "xenstore_race",
	.init = race_init,
	.exit = race_exit,
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
