// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of requests that a driver sends together.
 *
 * The store answers whatever has arrived at once, so a wait is a time that the
 * test's own thread goes to sleep, which the scheduler counts.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <xen/xenstore.h>

#include "fake_bus.h"
#include "fake_memory.h"
#include "xenbus_store.h"

#define DIR	"/dev"

/* More than are waited for at once. */
#define BATCH_MANY	150

/* More allocations than a batch here makes. */
#define BATCH_FAULTS	50

struct batch_fixture {
	struct fake_store *store;
	struct xenbus_batch batch;
};

static void batch_release(void *batch)
{
	xenbus_batch_free(batch);
}

static int batch_init(struct kunit *test)
{
	struct batch_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_bus_store_create(test);
	fake_store_write(f->store, DIR "/number", "17", 2);
	fake_store_write(f->store, DIR "/text", "some text", 9);
	xenbus_batch_init(&f->batch, XBT_NIL);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, batch_release,
							&f->batch), 0);
	test->priv = f;
	return 0;
}

static void run_waits_once_for_all(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	unsigned long waits;
	unsigned int i;

	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, xenbus_batch_read(&f->batch, DIR, "number"),
				i);
	waits = current->nvcsw;
	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), 0);
	KUNIT_EXPECT_LE(test, current->nvcsw - waits, 1);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_STREQ(test, xenbus_batch_value(&f->batch, i, NULL),
				   "17");
}

static void nothing_is_sent_before_the_run(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	unsigned int before = fake_peer_count(&f->store->peer);

	xenbus_batch_write(&f->batch, DIR, "number", "18");

	KUNIT_EXPECT_EQ(test, fake_peer_count(&f->store->peer), before);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(&f->batch, 0), -EINVAL);
}

static void each_request_has_a_result_of_its_own(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	struct xenbus_batch *b = &f->batch;

	xenbus_batch_read(b, DIR, "missing");
	xenbus_batch_read(b, DIR, "text");
	xenbus_batch_exists(b, DIR "/number", "");
	xenbus_batch_exists(b, DIR, "missing");
	xenbus_batch_mkdir(b, DIR, "new");
	xenbus_batch_rm(b, DIR, "number");
	xenbus_batch_printf(b, DIR, "sum", "%d + %d", 2, 3);

	KUNIT_EXPECT_EQ(test, xenbus_batch_run(b), -ENOENT);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(b, 0), -ENOENT);
	KUNIT_EXPECT_PTR_EQ(test, xenbus_batch_value(b, 0, NULL),
			    ERR_PTR(-ENOENT));
	KUNIT_EXPECT_STREQ(test, xenbus_batch_value(b, 1, NULL), "some text");
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(b, 2), 0);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(b, 3), -ENOENT);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(b, 6), 0);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(f->store, DIR "/new"), "");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(f->store, DIR "/number"),
			   "(none)");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(f->store, DIR "/sum"), "2 + 3");
}

static void run_returns_the_first_error(struct kunit *test)
{
	struct batch_fixture *f = test->priv;

	f->store->refuse[XS_MKDIR] = "EACCES";
	xenbus_batch_read(&f->batch, DIR, "number");
	xenbus_batch_mkdir(&f->batch, DIR, "new");
	xenbus_batch_read(&f->batch, DIR, "missing");

	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), -EACCES);
}

static void requests_are_done_in_order(struct kunit *test)
{
	struct batch_fixture *f = test->priv;

	xenbus_batch_read(&f->batch, DIR, "number");
	xenbus_batch_write(&f->batch, DIR, "number", "18");
	xenbus_batch_read(&f->batch, DIR, "number");
	xenbus_batch_rm(&f->batch, DIR, "number");
	xenbus_batch_read(&f->batch, DIR, "number");

	xenbus_batch_run(&f->batch);

	KUNIT_EXPECT_STREQ(test, xenbus_batch_value(&f->batch, 0, NULL), "17");
	KUNIT_EXPECT_STREQ(test, xenbus_batch_value(&f->batch, 2, NULL), "18");
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(&f->batch, 4), -ENOENT);
}

static void batch_of_many_waits_once_for_64(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	unsigned long waits;
	unsigned int i;

	for (i = 0; i < BATCH_MANY; i++)
		KUNIT_EXPECT_EQ(test, xenbus_batch_printf(&f->batch, DIR, "last",
							  "%u", i), i);
	waits = current->nvcsw;
	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), 0);
	KUNIT_EXPECT_LE(test, current->nvcsw - waits,
			DIV_ROUND_UP(BATCH_MANY, 64));
	KUNIT_EXPECT_STREQ(test, fake_bus_get(f->store, DIR "/last"), "149");
	KUNIT_EXPECT_EQ(test, fake_peer_count(&f->store->peer), BATCH_MANY);
}

static void batch_of_nothing_succeeds(struct kunit *test)
{
	struct batch_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), 0);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(&f->batch, 0), -EINVAL);
}

static void batch_with_a_path_too_long_sends_nothing(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	unsigned int before = fake_peer_count(&f->store->peer);
	char *path;

	path = kunit_kzalloc(test, XENSTORE_PAYLOAD_MAX + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, path);
	memset(path, 'p', XENSTORE_PAYLOAD_MAX);
	xenbus_batch_write(&f->batch, DIR, "number", "18");
	xenbus_batch_read(&f->batch, path, "");
	xenbus_batch_write(&f->batch, DIR, "number", "19");

	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), -E2BIG);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(&f->batch, 0), -E2BIG);
	KUNIT_EXPECT_EQ(test, fake_peer_count(&f->store->peer), before);
}

static void second_run_sends_what_is_new(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	unsigned int before, more;

	xenbus_batch_read(&f->batch, DIR, "number");
	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), 0);
	before = fake_peer_count(&f->store->peer);
	more = xenbus_batch_read(&f->batch, DIR, "text");

	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), 0);
	KUNIT_EXPECT_EQ(test, fake_peer_count(&f->store->peer), before + 1);
	KUNIT_EXPECT_STREQ(test, xenbus_batch_value(&f->batch, more, NULL),
			   "some text");
	KUNIT_EXPECT_STREQ(test, xenbus_batch_value(&f->batch, 0, NULL), "17");
}

/* === Values === */

static void value_that_is_taken_outlives_the_batch(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	unsigned int len = 0;
	char *long_value, *value;

	long_value = kunit_kzalloc(test, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, long_value);
	memset(long_value, 'v', 999);
	fake_store_write(f->store, DIR "/nul", "a\0b", 3);
	fake_store_write(f->store, DIR "/long", long_value, 999);
	xenbus_batch_read(&f->batch, DIR, "nul");
	xenbus_batch_read(&f->batch, DIR, "long");
	KUNIT_ASSERT_EQ(test, xenbus_batch_run(&f->batch), 0);

	value = xenbus_batch_take(&f->batch, 0, &len);
	KUNIT_ASSERT_FALSE(test, IS_ERR(value));
	KUNIT_EXPECT_EQ(test, len, 3);
	KUNIT_EXPECT_EQ(test, memcmp(value, "a\0b", 4), 0);
	kfree(value);
	value = xenbus_batch_take(&f->batch, 1, NULL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(value));
	xenbus_batch_free(&f->batch);
	KUNIT_EXPECT_STREQ(test, value, long_value);
	kfree(value);
}

static void batch_that_was_freed_has_no_results(struct kunit *test)
{
	struct batch_fixture *f = test->priv;

	xenbus_batch_read(&f->batch, DIR, "number");
	KUNIT_ASSERT_EQ(test, xenbus_batch_run(&f->batch), 0);
	xenbus_batch_free(&f->batch);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(&f->batch, 0), -EINVAL);
}

static void value_is_taken_apart_in_place(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	unsigned int number = 0;

	xenbus_batch_read(&f->batch, DIR, "number");
	xenbus_batch_read(&f->batch, DIR, "text");
	xenbus_batch_read(&f->batch, DIR, "missing");
	xenbus_batch_run(&f->batch);

	KUNIT_EXPECT_EQ(test, xenbus_batch_scanf(&f->batch, 0, "%u", &number), 1);
	KUNIT_EXPECT_EQ(test, number, 17);
	KUNIT_EXPECT_EQ(test, xenbus_batch_scanf(&f->batch, 1, "%u", &number),
			-ERANGE);
	KUNIT_EXPECT_EQ(test, xenbus_batch_scanf(&f->batch, 2, "%u", &number),
			-ENOENT);
}

static void names_of_a_directory_come_one_by_one(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	struct xenbus_batch *b = &f->batch;
	const char *name;

	xenbus_batch_directory(b, DIR, "");
	xenbus_batch_directory(b, DIR, "number");
	xenbus_batch_directory(b, DIR, "missing");
	KUNIT_EXPECT_EQ(test, xenbus_batch_run(b), -ENOENT);

	name = xenbus_batch_next_name(b, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, name);
	KUNIT_EXPECT_STREQ(test, name, "number");
	name = xenbus_batch_next_name(b, 0, name);
	KUNIT_ASSERT_NOT_NULL(test, name);
	KUNIT_EXPECT_STREQ(test, name, "text");
	KUNIT_EXPECT_NULL(test, xenbus_batch_next_name(b, 0, name));
	KUNIT_EXPECT_NULL(test, xenbus_batch_next_name(b, 1, NULL));
	KUNIT_EXPECT_NULL(test, xenbus_batch_next_name(b, 2, NULL));
}

/* === Transactions === */

static void batch_in_a_transaction_comes_behind_what_was_written(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	struct xenbus_transaction t;

	KUNIT_ASSERT_EQ(test, xenbus_transaction_start(&t), 0);
	xenbus_write(t, DIR, "number", "18");
	xenbus_batch_init(&f->batch, t);
	xenbus_batch_read(&f->batch, DIR, "number");
	xenbus_batch_write(&f->batch, DIR, "number", "19");
	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), 0);
	xenbus_write(t, DIR, "text", "other");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(f->store, DIR "/number"), "17");
	KUNIT_EXPECT_EQ(test, xenbus_transaction_end(t, 0), 0);

	KUNIT_EXPECT_STREQ(test, xenbus_batch_value(&f->batch, 0, NULL), "18");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(f->store, DIR "/number"), "19");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(f->store, DIR "/text"), "other");
}

static void transaction_of_20_writes_waits_three_times(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	unsigned long waits = current->nvcsw;
	struct xenbus_transaction t;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, xenbus_transaction_start(&t), 0);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_EQ(test, xenbus_printf(t, DIR, "last", "%u", i),
				0);
	KUNIT_EXPECT_EQ(test, xenbus_transaction_end(t, 0), 0);

	KUNIT_EXPECT_LE(test, current->nvcsw - waits, 3);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(f->store, DIR "/last"), "19");
}

/* === Failures === */

static void broken_connection_fails_each_request(struct kunit *test)
{
	struct batch_fixture *f = test->priv;

	xenbus_batch_read(&f->batch, DIR, "number");
	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), 0);
	xenbus_batch_read(&f->batch, DIR, "text");
	xs_conn_break(xenbus_conn(), -EIO);

	KUNIT_EXPECT_EQ(test, xenbus_batch_run(&f->batch), -EIO);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(&f->batch, 0), 0);
	KUNIT_EXPECT_EQ(test, xenbus_batch_error(&f->batch, 1), -EIO);
}

static int batch_call(void *data)
{
	return xenbus_batch_run(data);
}

static void batch_in_a_suspend_waits_for_the_resume(struct kunit *test)
{
	struct batch_fixture *f = test->priv;
	struct xs_gate *gate = &xenbus_conn()->gate;
	struct fake_call *call;

	xenbus_batch_read(&f->batch, DIR, "number");
	xenbus_batch_read(&f->batch, DIR, "text");
	xs_suspend();
	call = fake_call_start(test, batch_call, &f->batch, NULL);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(wq_has_sleeper(&gate->wq)));
	KUNIT_EXPECT_EQ(test, f->batch.done, 0);
	xs_resume();

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	KUNIT_EXPECT_STREQ(test, xenbus_batch_value(&f->batch, 1, NULL),
			   "some text");
}

/* Whether it lacked memory, of which the n-th allocation fails. */
static bool batch_lacks_memory(struct kunit *test, unsigned int n, bool *failed)
{
	struct batch_fixture *f = test->priv;
	unsigned int i, sent = fake_peer_count(&f->store->peer);
	int err;

	xenbus_batch_init(&f->batch, XBT_NIL);
	fake_memory_fail_nth(n);
	for (i = 0; i <= XENBUS_BATCH_SMALL; i++)
		xenbus_batch_write(&f->batch, DIR, "number", "18");
	*failed = fake_memory_has_failed();
	err = xenbus_batch_run(&f->batch);
	xenbus_batch_free(&f->batch);

	sent = fake_peer_count(&f->store->peer) - sent;
	KUNIT_EXPECT_EQ(test, sent, err ? 0 : XENBUS_BATCH_SMALL + 1);
	if (err)
		KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	return err;
}

static void batch_without_memory_sends_nothing(struct kunit *test)
{
	unsigned int n, lacking = 0;
	bool failed = true;

	if (!fake_memory_can_fail())
		kunit_skip(test, "allocations cannot be made to fail here");
	for (n = 1; failed && n < BATCH_FAULTS; n++)
		lacking += batch_lacks_memory(test, n, &failed);
	KUNIT_EXPECT_FALSE(test, failed);
	/* Each request, and the list of them when it grows. */
	KUNIT_EXPECT_EQ(test, lacking, XENBUS_BATCH_SMALL + 2);
}

static struct kunit_case batch_cases[] = {
	KUNIT_CASE(run_waits_once_for_all),
	KUNIT_CASE(nothing_is_sent_before_the_run),
	KUNIT_CASE(each_request_has_a_result_of_its_own),
	KUNIT_CASE(run_returns_the_first_error),
	KUNIT_CASE(requests_are_done_in_order),
	KUNIT_CASE(batch_of_many_waits_once_for_64),
	KUNIT_CASE(batch_of_nothing_succeeds),
	KUNIT_CASE(batch_with_a_path_too_long_sends_nothing),
	KUNIT_CASE(second_run_sends_what_is_new),
	KUNIT_CASE(value_that_is_taken_outlives_the_batch),
	KUNIT_CASE(batch_that_was_freed_has_no_results),
	KUNIT_CASE(value_is_taken_apart_in_place),
	KUNIT_CASE(names_of_a_directory_come_one_by_one),
	KUNIT_CASE(batch_in_a_transaction_comes_behind_what_was_written),
	KUNIT_CASE(transaction_of_20_writes_waits_three_times),
	KUNIT_CASE(broken_connection_fails_each_request),
	KUNIT_CASE(batch_in_a_suspend_waits_for_the_resume),
	KUNIT_CASE(batch_without_memory_sends_nothing),
	{}
};

static struct kunit_suite batch_suite = {
	.name = "xenbus_batch",
	.init = batch_init,
	.test_cases = batch_cases,
};

kunit_test_suite(batch_suite);
