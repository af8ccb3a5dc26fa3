// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how a quota of transactions is shared, and of a client's START that
 * waits for it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"
#include "ops.h"
#include "quota.h"

/* === The quota by itself === */

struct quota_start {
	struct xs_quota_start start;
	unsigned int sent;
};

struct quota_fixture {
	struct xs_quota quota;
	struct quota_start starts[4];
};

static void quota_send(struct xs_quota_start *start)
{
	container_of(start, struct quota_start, start)->sent++;
}

static int quota_init(struct kunit *test)
{
	struct quota_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	xs_quota_init(&f->quota);
	for (i = 0; i < ARRAY_SIZE(f->starts); i++)
		xs_quota_start_init(&f->starts[i].start, quota_send);
	test->priv = f;
	return 0;
}

static bool quota_enter(struct quota_fixture *f, unsigned int i)
{
	return xs_quota_enter(&f->quota, &f->starts[i].start);
}

static bool quota_refuse(struct quota_fixture *f, unsigned int i)
{
	return xs_quota_refused(&f->quota, &f->starts[i].start, 0);
}

static void start_that_is_refused_alone_has_failed(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	KUNIT_EXPECT_TRUE(test, quota_enter(f, 0));
	KUNIT_EXPECT_FALSE(test, quota_refuse(f, 0));
	KUNIT_EXPECT_EQ(test, f->quota.open, 0);
}

static void start_that_is_refused_is_sent_when_another_has_ended(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	KUNIT_EXPECT_TRUE(test, quota_refuse(f, 1));
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 0);
	xs_quota_leave(&f->quota);
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 1);
}

/* Otherwise nothing would send it again. */
static void start_refused_while_another_ended_is_sent_at_once(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	xs_quota_leave(&f->quota);
	KUNIT_EXPECT_TRUE(test, quota_refuse(f, 1));
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 1);
}

static void later_start_waits_behind_one_that_was_refused(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	quota_refuse(f, 1);
	KUNIT_EXPECT_FALSE(test, quota_enter(f, 2));
	KUNIT_EXPECT_FALSE(test, xs_quota_try_enter(&f->quota,
						    &f->starts[3].start));
	xs_quota_leave(&f->quota);
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 1);
	KUNIT_EXPECT_EQ(test, f->starts[2].sent, 0);
}

/* Refused again, it keeps its place. */
static void starts_are_sent_in_their_order(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	quota_refuse(f, 1);
	quota_enter(f, 2);
	xs_quota_leave(&f->quota);
	/* One of somebody else has taken the room. */
	xs_quota_enter_nested(&f->quota);
	KUNIT_EXPECT_TRUE(test, quota_refuse(f, 1));
	xs_quota_leave(&f->quota);
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 2);
	KUNIT_EXPECT_EQ(test, f->starts[2].sent, 0);
	xs_quota_leave(&f->quota);
	KUNIT_EXPECT_EQ(test, f->starts[2].sent, 1);
}

static void start_that_gives_up_lets_the_next_try(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	quota_refuse(f, 1);
	quota_enter(f, 2);
	KUNIT_EXPECT_TRUE(test, xs_quota_give_up(&f->quota,
						 &f->starts[1].start));
	xs_quota_leave(&f->quota);
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 0);
	KUNIT_EXPECT_EQ(test, f->starts[2].sent, 1);
	KUNIT_EXPECT_FALSE(test, xs_quota_give_up(&f->quota,
						  &f->starts[2].start));
}

/* Its sender cannot wait for itself. */
static void start_fails_if_all_are_its_senders_own(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	KUNIT_EXPECT_FALSE(test, xs_quota_refused(&f->quota,
						  &f->starts[1].start, 1));
}

/* Also if the later one's refusal is seen first. */
static void starts_that_are_refused_together_keep_their_order(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	quota_enter(f, 2);
	quota_refuse(f, 2);
	quota_refuse(f, 1);
	xs_quota_leave(&f->quota);
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 1);
	KUNIT_EXPECT_EQ(test, f->starts[2].sent, 0);
}

/* What was open at the server before does not end for this one. */
static void retry_sends_all_that_wait(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	quota_refuse(f, 1);
	quota_enter(f, 2);
	xs_quota_retry(&f->quota);
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 1);
	KUNIT_EXPECT_EQ(test, f->starts[2].sent, 1);
	KUNIT_EXPECT_TRUE(test, quota_enter(f, 3));
}

/* The refusal may be that of a server that is gone. */
static void start_whose_refusal_is_handled_after_a_retry_is_sent(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	xs_quota_retry(&f->quota);
	KUNIT_EXPECT_TRUE(test, quota_refuse(f, 1));
	KUNIT_EXPECT_EQ(test, f->starts[1].sent, 1);
}

static void all_that_wait_learn_that_none_is_open(struct kunit *test)
{
	struct quota_fixture *f = test->priv;

	quota_enter(f, 0);
	quota_enter(f, 1);
	quota_refuse(f, 1);
	quota_enter(f, 2);
	xs_quota_leave(&f->quota);
	KUNIT_EXPECT_FALSE(test, quota_refuse(f, 1));
	KUNIT_EXPECT_EQ(test, f->starts[2].sent, 1);
	KUNIT_EXPECT_FALSE(test, quota_refuse(f, 2));
}

static struct kunit_case quota_cases[] = {
	KUNIT_CASE(start_that_is_refused_alone_has_failed),
	KUNIT_CASE(start_that_is_refused_is_sent_when_another_has_ended),
	KUNIT_CASE(start_refused_while_another_ended_is_sent_at_once),
	KUNIT_CASE(later_start_waits_behind_one_that_was_refused),
	KUNIT_CASE(starts_are_sent_in_their_order),
	KUNIT_CASE(start_that_gives_up_lets_the_next_try),
	KUNIT_CASE(start_fails_if_all_are_its_senders_own),
	KUNIT_CASE(starts_that_are_refused_together_keep_their_order),
	KUNIT_CASE(retry_sends_all_that_wait),
	KUNIT_CASE(start_whose_refusal_is_handled_after_a_retry_is_sent),
	KUNIT_CASE(all_that_wait_learn_that_none_is_open),
	{}
};

static struct kunit_suite quota_suite = {
	.name = "xenstore_quota",
	.init = quota_init,
	.test_cases = quota_cases,
};

/* === A client's START === */

struct start_fixture {
	struct test_env *env;
	struct xs_session *session;
	struct xs_session *first;	/* of another client */
};

static int start_init(struct kunit *test)
{
	struct start_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	f->first = fake_user_open(f->env);
	test->priv = f;
	return 0;
}

/* The client's START, 2, is refused; another client's has become 5. */
static void start_refuse(struct kunit *test, const char *error)
{
	struct start_fixture *f = test->priv;

	fake_user_start(f->env, f->first, "5");
	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 2, 0, "", 1);
	test_env_refuse(f->env, test_env_next(f->env), error);
	test_env_run(f->env);
}

static void start_end_first(struct kunit *test)
{
	struct start_fixture *f = test->priv;

	fake_user_send(f->env, f->first, XS_TRANSACTION_END, 3, 5, "T", 2);
	test_env_reply(f->env, test_env_next(f->env), "OK", 3);
	fake_user_expect(f->env, f->first, XS_TRANSACTION_END, 3, 5, "OK", 3);
}

/* So many STARTs wait. */
static size_t start_count_waiting(struct xs_quota *quota)
{
	size_t n;

	spin_lock(&quota->lock);
	n = list_count_nodes(&quota->waiting);
	spin_unlock(&quota->lock);
	return n;
}

static void start_await_waiting(struct kunit *test, unsigned int n)
{
	struct start_fixture *f = test->priv;
	struct xs_quota *quota = &f->env->conn->quota;

	KUNIT_ASSERT_TRUE(test, fake_wait_until(start_count_waiting(quota) == n));
}

/* A START that has waited is sent again, by a worker. */
static const struct fake_message *start_await(struct kunit *test)
{
	struct start_fixture *f = test->priv;
	const struct fake_message *start = test_env_await(f->env);

	KUNIT_ASSERT_EQ(test, start->hdr.type, XS_TRANSACTION_START);
	KUNIT_EXPECT_EQ(test, start->hdr.tx_id, 0);
	return start;
}

static const char *const start_refusals[] = { "ENOSPC", "EQUOTA" };

static void start_refusal_desc(const char *const *error, char *desc)
{
	strscpy(desc, *error, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(start_refusal, start_refusals, start_refusal_desc);

static void client_is_not_told_of_a_refusal_that_passes(struct kunit *test)
{
	const char *const *error = test->param_value;
	struct start_fixture *f = test->priv;

	start_refuse(test, *error);
	fake_user_expect_nothing(f->env, f->session);
	start_end_first(test);
	test_env_reply(f->env, start_await(test), "6", 2);
	fake_user_expect(f->env, f->session, XS_TRANSACTION_START, 2, 0, "6",
			 2);
	KUNIT_EXPECT_EQ(test, f->env->conn->quota.open, 1);
}

static void client_is_told_when_none_is_open(struct kunit *test)
{
	struct start_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 1, 0, "", 1);
	test_env_refuse(f->env, test_env_next(f->env), "EQUOTA");
	test_env_run(f->env);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(xs_session_readable(f->session)));
	fake_user_expect(f->env, f->session, XS_ERROR, 1, 0, "EQUOTA", 7);
	KUNIT_EXPECT_EQ(test, f->env->conn->quota.open, 0);
}

static void client_is_told_when_the_time_is_over(struct kunit *test)
{
	struct start_fixture *f = test->priv;

	f->env->conn->quota.timeout = 1;
	start_refuse(test, "ENOSPC");
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(xs_session_readable(f->session)));
	fake_user_expect(f->env, f->session, XS_ERROR, 2, 0, "ENOSPC", 7);
}

static void start_of_another_client_waits_behind(struct kunit *test)
{
	struct start_fixture *f = test->priv;
	struct xs_session *other = fake_user_open(f->env);

	start_refuse(test, "ENOSPC");
	start_await_waiting(test, 1);
	fake_user_send(f->env, other, XS_TRANSACTION_START, 8, 0, "", 1);
	start_await_waiting(test, 2);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	start_end_first(test);
	test_env_reply(f->env, start_await(test), "6", 2);
	fake_user_expect(f->env, f->session, XS_TRANSACTION_START, 2, 0, "6",
			 2);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));

	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 4, 6, "F", 2);
	test_env_reply(f->env, test_env_next(f->env), "OK", 3);
	test_env_reply(f->env, start_await(test), "7", 2);
	fake_user_expect(f->env, other, XS_TRANSACTION_START, 8, 0, "7", 2);
}

static void client_that_closes_waits_no_longer(struct kunit *test)
{
	struct start_fixture *f = test->priv;
	struct xs_quota *quota = &f->env->conn->quota;

	start_refuse(test, "ENOSPC");
	start_await_waiting(test, 1);
	fake_user_close(f->env, f->session);
	start_await_waiting(test, 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(quota->open), 1);
}

static int start_in_kernel(void *data)
{
	struct start_fixture *f = data;
	u32 tx_id;
	int err = xs_op_transaction_start(f->env->conn, &tx_id);

	return err ?: xs_op_transaction_end(f->env->conn, tx_id, true);
}

static void start_unblock(void *data)
{
	struct start_fixture *f = data;

	xs_conn_break(f->env->conn, -EIO);
	xs_io_pass(f->env->conn);
}

static void start_of_the_kernel_waits_for_a_client(struct kunit *test)
{
	struct start_fixture *f = test->priv;
	struct fake_call *call;

	fake_user_start(f->env, f->first, "5");
	call = fake_call_start(test, start_in_kernel, f, start_unblock);
	test_env_refuse(f->env, test_env_await(f->env), "ENOSPC");
	test_env_run(f->env);
	start_await_waiting(test, 1);
	start_end_first(test);
	test_env_reply(f->env, start_await(test), "6", 2);
	test_env_reply(f->env, test_env_await(f->env), "OK", 3);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

/* A client of one task would wait for itself. */
static void client_with_all_of_them_is_told_at_once(struct kunit *test)
{
	struct start_fixture *f = test->priv;

	fake_user_start(f->env, f->session, "5");
	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 2, 0, "", 1);
	test_env_refuse(f->env, test_env_next(f->env), "ENOSPC");
	test_env_run(f->env);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(xs_session_readable(f->session)));
	fake_user_expect(f->env, f->session, XS_ERROR, 2, 0, "ENOSPC", 7);
}

static void start_that_waits_fails_when_the_connection_breaks(struct kunit *test)
{
	struct start_fixture *f = test->priv;

	start_refuse(test, "ENOSPC");
	start_await_waiting(test, 1);
	start_unblock(f);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(xs_session_readable(f->session)));
	fake_user_expect(f->env, f->session, XS_ERROR, 2, 0, "EIO", 4);
}

static void start_of_the_kernel_fails_when_the_time_is_over(struct kunit *test)
{
	struct start_fixture *f = test->priv;
	struct fake_call *call;

	f->env->conn->quota.timeout = 1;
	fake_user_start(f->env, f->first, "5");
	call = fake_call_start(test, start_in_kernel, f, start_unblock);
	test_env_refuse(f->env, test_env_await(f->env), "ENOSPC");
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), -ENOSPC);
}

static struct kunit_case start_cases[] = {
	KUNIT_CASE_PARAM(client_is_not_told_of_a_refusal_that_passes,
			 start_refusal_gen_params),
	KUNIT_CASE(client_is_told_when_none_is_open),
	KUNIT_CASE(client_is_told_when_the_time_is_over),
	KUNIT_CASE(start_of_another_client_waits_behind),
	KUNIT_CASE(client_that_closes_waits_no_longer),
	KUNIT_CASE(start_of_the_kernel_waits_for_a_client),
	KUNIT_CASE(start_of_the_kernel_fails_when_the_time_is_over),
	KUNIT_CASE(client_with_all_of_them_is_told_at_once),
	KUNIT_CASE(start_that_waits_fails_when_the_connection_breaks),
	{}
};

static struct kunit_suite start_suite = {
	.name = "xenstore_session_start",
	.init = start_init,
	.test_cases = start_cases,
};

kunit_test_suites(&quota_suite, &start_suite);
