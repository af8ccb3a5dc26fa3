// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how many allocations an operation makes.
 *
 * A request, its reply and what it is formatted from are one block of memory. A
 * reply that is longer than what a small request has room for is another, and so
 * is the value that a caller gets to keep.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/stdarg.h>

#include "fake_user.h"
#include "fake_memory.h"
#include "fake_store.h"
#include "ops.h"

struct alloc_fixture {
	/* Steps of the kthread are the test's own. */
	struct test_env *site;
	struct xs_session *session;
	/* There is a kthread; what it allocates is not counted. */
	struct fake_store *store;
	struct xs_conn *conn;
	char body[500];
};

static int alloc_init(struct kunit *test)
{
	struct alloc_fixture *f;

	if (!fake_memory_can_fail())
		kunit_skip(test, "allocations cannot be counted here");
	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = test_env_create(test);
	f->session = fake_user_open(f->site);
	f->store = fake_store_create(test);
	f->conn = fake_conn_create(test, &f->store->peer.t, NULL, NULL,
				   FAKE_CONN_RUNNING);
	f->conn->write_behind = true;
	fake_store_write(f->store, "/number", "17", 2);
	test->priv = f;
	return 0;
}

static void read_allocates_once_and_its_result(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;
	unsigned int n;
	char *value;

	fake_memory_count();
	value = xs_op_read(f->conn, 0, "/number", "", NULL);
	n = fake_memory_counted();

	KUNIT_ASSERT_FALSE(test, IS_ERR(value));
	KUNIT_EXPECT_STREQ(test, value, "17");
	KUNIT_EXPECT_EQ(test, n, 1 + 1);
	kfree(value);
}

static int __printf(3, 4) alloc_printf(struct xs_conn *conn, u32 tx_id,
				       const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = xs_op_printf(conn, tx_id, "/value", "", fmt, args);
	va_end(args);
	return err;
}

static int __scanf(2, 3) alloc_scanf(struct xs_conn *conn, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = xs_op_scanf(conn, 0, "/number", "", fmt, args);
	va_end(args);
	return n;
}

static void scanf_allocates_once(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;
	unsigned int number = 0;

	fake_memory_count();
	alloc_scanf(f->conn, "%u", &number);
	KUNIT_EXPECT_EQ(test, fake_memory_counted(), 1);
	KUNIT_EXPECT_EQ(test, number, 17);
}

static void printf_allocates_once(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fake_memory_count();
	alloc_printf(f->conn, 0, "%u", 18);
	KUNIT_EXPECT_EQ(test, fake_memory_counted(), 1);
	KUNIT_EXPECT_STREQ(test, fake_store_value(f->store, "/value", NULL),
			   "18");
}

static void printf_of_a_long_value_allocates_once(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fake_memory_count();
	KUNIT_EXPECT_EQ(test, alloc_printf(f->conn, 0, "%1000u", 18), 0);
	KUNIT_EXPECT_EQ(test, fake_memory_counted(), 1);
}

static void write_and_removal_allocate_once(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fake_memory_count();
	xs_op_write(f->conn, 0, "/dir", "node", "value", 5);
	KUNIT_EXPECT_EQ(test, fake_memory_counted(), 1);
	fake_memory_count();
	xs_op_rm(f->conn, 0, "/dir", "node");
	KUNIT_EXPECT_EQ(test, fake_memory_counted(), 1);
}

static void change_in_a_transaction_allocates_once(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;
	u32 tx_id;

	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	fake_memory_count();
	alloc_printf(f->conn, tx_id, "%u", 18);
	KUNIT_EXPECT_EQ(test, fake_memory_counted(), 1);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, false), 0);
}

/* === Replies === */

struct alloc_reply {
	const char *name;
	size_t len;
	unsigned int allocations;
};

static const struct alloc_reply alloc_replies[] = {
	{ "nothing", 0, 0 },
	{ "8 bytes", 8, 0 },
	{ "as much as there is room for", XS_REPLY_ROOM - 1, 0 },
	{ "more", XS_REPLY_ROOM, 1 },
};

KUNIT_ARRAY_PARAM_DESC(alloc_reply, alloc_replies, name);

/* All that is done from the write to the device to the read from it. */
static void client_read_allocates_once_if_the_reply_is_small(struct kunit *test)
{
	const struct alloc_reply *param = test->param_value;
	struct alloc_fixture *f = test->priv;
	unsigned int n;

	fake_memory_count();
	fake_user_send(f->site, f->session, XS_READ, 1, 0, "k", 2);
	n = fake_memory_counted();

	fake_peer_reply_to(f->site->peer, test_env_next(f->site), f->body,
			   param->len);
	fake_peer_step(f->site->peer);
	fake_memory_count();
	xs_io_pass(f->site->conn);
	KUNIT_EXPECT_TRUE(test, fake_user_receive(f->site, f->session));
	n += fake_memory_counted();

	KUNIT_EXPECT_EQ(test, f->site->received.hdr.len, param->len);
	KUNIT_EXPECT_EQ(test, n, 1 + param->allocations);
}

static void event_of_a_client_allocates_once(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;
	const struct fake_message *watch;

	watch = fake_user_watch(f->site, f->session, "w\0t", 4);
	fake_peer_event(f->site->peer, "w/child", test_env_token(watch));
	fake_peer_step(f->site->peer);
	fake_memory_count();
	xs_io_pass(f->site->conn);
	KUNIT_EXPECT_EQ(test, fake_memory_counted(), 1);
	fake_user_expect_event(f->site, f->session, "w/child\0t", 10);
}

static struct kunit_case alloc_cases[] = {
	KUNIT_CASE(read_allocates_once_and_its_result),
	KUNIT_CASE(scanf_allocates_once),
	KUNIT_CASE(printf_allocates_once),
	KUNIT_CASE(printf_of_a_long_value_allocates_once),
	KUNIT_CASE(write_and_removal_allocate_once),
	KUNIT_CASE(change_in_a_transaction_allocates_once),
	KUNIT_CASE_PARAM(client_read_allocates_once_if_the_reply_is_small,
			 alloc_reply_gen_params),
	KUNIT_CASE(event_of_a_client_allocates_once),
	{}
};

static struct kunit_suite alloc_suite = {
	.name = "xenstore_alloc",
	.init = alloc_init,
	.test_cases = alloc_cases,
};

kunit_test_suite(alloc_suite);
