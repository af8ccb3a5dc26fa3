// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of requests that are submitted together and waited for once.
 *
 * The caller has a thread of its own; the test plays the kthread and the
 * server.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"

#define CALLS	3

struct call_all_fixture {
	struct test_env *site;
	struct xs_request *reqs[CALLS];
};

static void call_all_release(void *data)
{
	struct call_all_fixture *f = data;
	unsigned int i;

	for (i = 0; i < CALLS; i++)
		xs_request_put(f->reqs[i]);
}

static int call_all_init(struct kunit *test)
{
	struct kvec body = { .iov_base = "key", .iov_len = 4 };
	struct call_all_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < CALLS; i++) {
		f->reqs[i] = xs_request_alloc(XS_READ, i, &body, 1, GFP_KERNEL);
		KUNIT_ASSERT_FALSE(test, IS_ERR(f->reqs[i]));
	}
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, call_all_release,
							f), 0);
	f->site = test_env_create(test);
	test->priv = f;
	return 0;
}

static int call_all(void *data)
{
	struct call_all_fixture *f = data;

	return xs_conn_call_all(f->site->conn, f->reqs, CALLS,
				XS_GATE_REQUEST);
}

static void call_all_unblock(void *data)
{
	struct call_all_fixture *f = data;

	xs_conn_break(f->site->conn, -EIO);
	xs_io_pass(f->site->conn);
}

static struct fake_call *call_all_start(struct kunit *test)
{
	return fake_call_start(test, call_all, test->priv, call_all_unblock);
}

static void all_are_sent_in_order_before_an_answer(struct kunit *test)
{
	struct call_all_fixture *f = test->priv;
	struct fake_call *call = call_all_start(test);
	const struct fake_message *msgs[CALLS];
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		msgs[i] = test_env_await(f->site);
		KUNIT_EXPECT_EQ(test, msgs[i]->hdr.tx_id, i);
	}
	for (i = 0; i < CALLS; i++)
		test_env_answer(f->site, msgs[i]);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

static void each_has_an_answer_of_its_own(struct kunit *test)
{
	struct call_all_fixture *f = test->priv;
	struct fake_call *call = call_all_start(test);

	test_env_reply(f->site, test_env_await(f->site), "one", 3);
	test_env_refuse(f->site, test_env_await(f->site), "ENOENT");
	test_env_reply(f->site, test_env_await(f->site), "three", 5);

	KUNIT_ASSERT_EQ(test, fake_call_result(test, call), 0);
	KUNIT_EXPECT_STREQ(test, f->reqs[0]->reply.body, "one");
	KUNIT_EXPECT_EQ(test, f->reqs[1]->reply.hdr.type, XS_ERROR);
	KUNIT_EXPECT_STREQ(test, f->reqs[2]->reply.body, "three");
}

/* A server may answer in any order. */
static void call_returns_after_the_last_answer(struct kunit *test)
{
	struct call_all_fixture *f = test->priv;
	struct fake_call *call = call_all_start(test);
	const struct fake_message *first = test_env_await(f->site);
	const struct fake_message *second = test_env_await(f->site);

	test_env_answer(f->site, test_env_await(f->site));
	test_env_answer(f->site, first);
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));
	test_env_answer(f->site, second);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

static void broken_connection_takes_none(struct kunit *test)
{
	struct call_all_fixture *f = test->priv;

	call_all_unblock(f);
	KUNIT_EXPECT_EQ(test, call_all(f), -EIO);
	KUNIT_EXPECT_EQ(test, f->site->conn->gate.inside, 0);
}

static void break_ends_the_wait_with_an_error_for_each(struct kunit *test)
{
	struct call_all_fixture *f = test->priv;
	struct fake_call *call = call_all_start(test);
	unsigned int i;

	test_env_await(f->site);
	call_all_unblock(f);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	for (i = 0; i < CALLS; i++)
		KUNIT_EXPECT_EQ(test, f->reqs[i]->err, -EIO);
	KUNIT_EXPECT_EQ(test, f->site->conn->gate.inside, 0);
}

/* Half of them before and half of them after a suspend would be no batch. */
static void suspend_comes_before_all_or_after_all(struct kunit *test)
{
	struct call_all_fixture *f = test->priv;
	struct fake_call *call;
	unsigned int i;

	xs_gate_close(&f->site->conn->gate);
	call = call_all_start(test);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(wq_has_sleeper(&f->site->conn->gate.wq)));
	KUNIT_EXPECT_EQ(test, f->site->conn->gate.inside, 0);
	xs_gate_open(&f->site->conn->gate);
	for (i = 0; i < CALLS; i++)
		test_env_answer(f->site, test_env_await(f->site));
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

static struct kunit_case call_all_cases[] = {
	KUNIT_CASE(all_are_sent_in_order_before_an_answer),
	KUNIT_CASE(each_has_an_answer_of_its_own),
	KUNIT_CASE(call_returns_after_the_last_answer),
	KUNIT_CASE(broken_connection_takes_none),
	KUNIT_CASE(break_ends_the_wait_with_an_error_for_each),
	KUNIT_CASE(suspend_comes_before_all_or_after_all),
	{}
};

static struct kunit_suite call_all_suite = {
	.name = "xenstore_call_all",
	.init = call_all_init,
	.test_cases = call_all_cases,
};

kunit_test_suite(call_all_suite);
