// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of the waterline: does lockdep report who crosses it?
 *
 * Lockdep switches itself off after its first report, so this suite is a
 * module of its own and is run alone; the report in the log is intended.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/debug_locks.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>

#include "conn_internal.h"

struct waterline_fixture {
	struct xs_transport t;
	struct xs_conn conn;
	/* Held by callers who wait for the server, so above the waterline. */
	struct mutex upper;
	/* Only ever held for a moment, so below it. */
	spinlock_t lower;
};

static int waterline_ignore_event(struct xs_conn *conn, const char *body,
				  size_t len)
{
	return 0;
}

static const struct xs_conn_ops waterline_conn_ops = {
	.event = waterline_ignore_event,
};

static void waterline_exit(void *data)
{
	xs_conn_destroy(data);
}

static int waterline_init(struct kunit *test)
{
	struct waterline_fixture *f;

	if (!IS_ENABLED(CONFIG_PROVE_LOCKING))
		kunit_skip(test, "needs CONFIG_PROVE_LOCKING");
	if (!debug_locks)
		kunit_skip(test, "lockdep has already reported something");

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	mutex_init(&f->upper);
	spin_lock_init(&f->lower);
	xs_conn_init(&f->conn, &f->t, &waterline_conn_ops, f);
	test->priv = f;
	return kunit_add_action_or_reset(test, waterline_exit, &f->conn);
}

/* A request that is completed by the next turn of the pump. */
static void waterline_submit(struct kunit *test,
			     void (*complete)(struct xs_request *req))
{
	struct waterline_fixture *f = test->priv;
	struct xs_request *req;

	req = xs_request_alloc(XS_READ, 0, NULL, 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	req->complete = complete;
	req->owner = f;
	KUNIT_ASSERT_EQ(test, xs_conn_submit(&f->conn, req), 0);
	xs_conn_break(&f->conn, -ESHUTDOWN);
}

static void waterline_take_lower(struct xs_request *req)
{
	struct waterline_fixture *f = req->owner;

	spin_lock(&f->lower);
	spin_unlock(&f->lower);
	xs_request_put(req);
}

static void waterline_take_upper(struct xs_request *req)
{
	struct waterline_fixture *f = req->owner;

	mutex_lock(&f->upper);
	mutex_unlock(&f->upper);
	xs_request_put(req);
}

static void lock_below_the_waterline_is_not_reported(struct kunit *test)
{
	struct waterline_fixture *f = test->priv;

	mutex_lock(&f->upper);
	xs_conn_might_wait(&f->conn);
	mutex_unlock(&f->upper);
	waterline_submit(test, waterline_take_lower);
	xs_io_pass(&f->conn);

	KUNIT_EXPECT_TRUE(test, debug_locks);
}

/* Defect A, in one thread and without the deadlock. Must be the last case. */
static void lock_on_both_sides_of_the_waterline_is_reported(struct kunit *test)
{
	struct waterline_fixture *f = test->priv;

	mutex_lock(&f->upper);
	xs_conn_might_wait(&f->conn);
	mutex_unlock(&f->upper);
	waterline_submit(test, waterline_take_upper);
	xs_io_pass(&f->conn);

	KUNIT_EXPECT_FALSE(test, debug_locks);
}

static struct kunit_case waterline_cases[] = {
	KUNIT_CASE(lock_below_the_waterline_is_not_reported),
	KUNIT_CASE(lock_on_both_sides_of_the_waterline_is_reported),
	{}
};

static struct kunit_suite waterline_suite = {
	.name = "xenstore_waterline",
	.init = waterline_init,
	.test_cases = waterline_cases,
};

kunit_test_suite(waterline_suite);

MODULE_DESCRIPTION("KUnit suite of the XenStore core's waterline");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("XENSTORE");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
