// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what happens when there is no memory: it is tried again, and
 * nothing is lost, doubled or left over.
 *
 * Every allocation of an operation is made to fail in turn.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"
#include "fake_memory.h"
#include "fake_store.h"
#include "ops.h"

/* More allocations than any operation makes. */
#define FAULT_MAX	50

struct fault_fixture {
	struct test_env *env;
	struct xs_session *session;
	const struct fake_message *watch;
	struct xenbus_watch driver;
	char big[4000];
};

static int fault_init(struct kunit *test)
{
	struct fault_fixture *f;

	if (!fake_memory_can_fail())
		kunit_skip(test, "allocations cannot be made to fail here");
	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	test->priv = f;
	return 0;
}

/* There is a transaction, whose id is 5, and a watch. */
static void fault_prepare(struct kunit *test)
{
	struct fault_fixture *f = test->priv;

	if (hash_empty(f->session->txns))
		fake_user_start(f->env, f->session, "5");
	if (list_empty(&f->session->watch_list))
		f->watch = fake_user_watch(f->env, f->session, "w\0t", 4);
}

/* All is as fault_prepare() has left it. */
static void fault_expect_unchanged(struct kunit *test)
{
	struct fault_fixture *f = test->priv;

	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	fake_user_expect_nothing(f->env, f->session);
	KUNIT_EXPECT_TRUE(test, !hash_empty(f->session->txns));
	KUNIT_EXPECT_TRUE(test, list_is_singular(&f->session->watch_list));
	test_env_event(f->env, f->watch, "w");
	fake_user_expect_event(f->env, f->session, "w\0t", 4);
}

struct fault_case {
	const char *name;
	u32 type;
	u32 tx_id;
	const char *body;
	size_t len;
};

static const struct fault_case fault_cases[] = {
	{ "READ", XS_READ, 0, "k", 2 },
	{ "READ in the transaction", XS_READ, 5, "k", 2 },
	{ "READ in another transaction", XS_READ, 6, "k", 2 },
	{ "START", XS_TRANSACTION_START, 0, "", 1 },
	{ "commit", XS_TRANSACTION_END, 5, "T", 2 },
	{ "malformed END", XS_TRANSACTION_END, 5, "X", 2 },
	{ "WATCH", XS_WATCH, 0, "v\0t", 4 },
	{ "malformed WATCH", XS_WATCH, 0, "v", 2 },
	{ "UNWATCH", XS_UNWATCH, 0, "w\0t", 4 },
	{ "UNWATCH of nothing", XS_UNWATCH, 0, "x\0t", 4 },
};

KUNIT_ARRAY_PARAM_DESC(fault, fault_cases, name);

static ssize_t fault_send(struct fault_fixture *f, const struct fault_case *c,
			  u32 id, bool *failed)
{
	ssize_t n;

	fake_memory_fail_nth(id);
	n = fake_user_try_send(f->env, f->session, c->type, id, c->tx_id,
			       c->body, c->len);
	*failed = fake_memory_has_failed();
	return n;
}

static void write_without_memory_changes_nothing(struct kunit *test)
{
	const struct fault_case *param = test->param_value;
	struct fault_fixture *f = test->priv;
	bool failed = true;
	ssize_t n;
	u32 i;

	for (i = 1; failed && i < FAULT_MAX; i++) {
		fault_prepare(test);
		n = fault_send(f, param, i, &failed);
		if (n == -ENOMEM) {
			fault_expect_unchanged(test);
			continue;
		}
		KUNIT_EXPECT_EQ(test, n, sizeof(struct xsd_sockmsg) +
				param->len);
		KUNIT_EXPECT_LE(test, test_env_answer_all(f->env), 1);
		KUNIT_ASSERT_TRUE(test, fake_user_receive(f->env,
							  f->session));
		KUNIT_EXPECT_EQ(test, f->env->received.hdr.req_id, i);
		fake_user_expect_nothing(f->env, f->session);
		/* What it has set is not to be there in the next round. */
		fake_user_send(f->env, f->session, XS_RESET_WATCHES, 0, 0,
			       "", 1);
		fake_user_expect(f->env, f->session, XS_RESET_WATCHES, 0, 0,
				 "OK", 3);
		test_env_answer_all(f->env);
	}
	KUNIT_EXPECT_GT(test, i, 2);
	KUNIT_EXPECT_FALSE(test, failed);
}

static void reset_without_memory_can_be_repeated(struct kunit *test)
{
	const struct fault_case reset = {
		.type = XS_RESET_WATCHES, .body = "", .len = 1,
	};
	struct fault_fixture *f = test->priv;
	bool failed = true;
	u32 i;

	for (i = 1; failed && i < FAULT_MAX; i++) {
		fault_prepare(test);
		if (fault_send(f, &reset, i, &failed) == -ENOMEM) {
			fake_user_expect_nothing(f->env, f->session);
			fake_user_send(f->env, f->session, XS_RESET_WATCHES,
				       i, 0, "", 1);
		}
		fake_user_expect(f->env, f->session, XS_RESET_WATCHES, i, 0,
				 "OK", 3);
		test_env_answer_all(f->env);
		KUNIT_EXPECT_TRUE(test, hash_empty(f->session->txns));
		KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
	}
	KUNIT_EXPECT_FALSE(test, failed);
}

static void write_of_two_messages_without_memory_is_cut_short(struct kunit *test)
{
	struct fault_fixture *f = test->priv;
	ssize_t total, n;
	bool failed = true;
	u32 i;

	total = fake_user_build(f->big, XS_READ, 1, 0, "a", 2);
	total += fake_user_build(f->big + total, XS_READ, 2, 0, "b", 2);
	for (i = 1; failed && i < FAULT_MAX; i++) {
		fake_memory_fail_nth(i);
		n = fake_user_write(f->session, f->big, total);
		failed = fake_memory_has_failed();
		KUNIT_EXPECT_TRUE(test, n == -ENOMEM || n == total / 2 ||
				  n == total);
		if (n < 0)
			n = 0;
		/* The client goes on where it was stopped. */
		KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->big + n,
						      total - n), total - n);
		KUNIT_EXPECT_EQ(test, test_env_answer_all(f->env), 2);
		fake_user_expect(f->env, f->session, XS_READ, 1, 0, "OK", 3);
		fake_user_expect(f->env, f->session, XS_READ, 2, 0, "OK", 3);
	}
	KUNIT_EXPECT_FALSE(test, failed);
}

static void header_without_memory_can_be_written_again(struct kunit *test)
{
	struct fault_fixture *f = test->priv;
	size_t n = fake_user_build(f->big, XS_READ, 1, 0, "k", 2);

	KUNIT_ASSERT_EQ(test, fake_user_write(f->session, f->big, 10), 10);
	fake_memory_fail_nth(1);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->big + 10, n - 10),
			-ENOMEM);
	KUNIT_EXPECT_TRUE(test, fake_memory_has_failed());
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->big + 10, n - 10),
			n - 10);
	KUNIT_EXPECT_EQ(test, test_env_answer_all(f->env), 1);
	fake_user_expect(f->env, f->session, XS_READ, 1, 0, "OK", 3);
}

static void open_without_memory_fails(struct kunit *test)
{
	struct fault_fixture *f = test->priv;
	struct xs_session *session;

	fake_memory_fail_nth(1);
	session = xs_session_open(&f->env->store);
	KUNIT_EXPECT_TRUE(test, fake_memory_has_failed());
	KUNIT_ASSERT_TRUE(test, IS_ERR(session));
	KUNIT_EXPECT_EQ(test, PTR_ERR(session), -ENOMEM);
}

static void reply_without_memory_becomes_an_error(struct kunit *test)
{
	struct fault_fixture *f = test->priv;
	const struct fake_message *first, *second;

	fake_user_send(f->env, f->session, XS_READ, 1, 0, "k", 2);
	fake_user_send(f->env, f->session, XS_READ, 2, 0, "k", 2);
	first = test_env_next(f->env);
	second = test_env_next(f->env);
	fake_peer_reply_to(f->env->peer, first, f->big, 500);
	fake_peer_reply_to(f->env->peer, second, f->big, 400);
	fake_peer_step(f->env->peer);

	fake_memory_fail_nth(1);
	xs_io_pass(f->env->conn);
	KUNIT_EXPECT_TRUE(test, fake_memory_has_failed());
	fake_user_expect(f->env, f->session, XS_ERROR, 1, 0, "ENOMEM", 7);
	fake_user_expect(f->env, f->session, XS_READ, 2, 0, f->big, 400);
}

/* Fire the watch while the n-th allocation of the turn fails; did it? */
static bool fault_fire(struct fault_fixture *f, const char *token, u32 n)
{
	bool failed;

	fake_peer_event(f->env->peer, "w", token);
	fake_peer_step(f->env->peer);
	fake_memory_fail_nth(n);
	xs_io_pass(f->env->conn);
	failed = fake_memory_has_failed();
	test_env_run(f->env);
	return failed;
}

static void event_for_a_client_without_memory_comes_later(struct kunit *test)
{
	struct fault_fixture *f = test->priv;
	bool failed = true;
	u32 i;

	fault_prepare(test);
	for (i = 1; failed && i < FAULT_MAX; i++) {
		failed = fault_fire(f, test_env_token(f->watch), i);
		fake_user_expect_event(f->env, f->session, "w\0t", 4);
		fake_user_expect_nothing(f->env, f->session);
	}
	KUNIT_EXPECT_GT(test, i, 2);
	KUNIT_EXPECT_FALSE(test, failed);
}

static void fault_ignore(struct xenbus_watch *watch, const char *path,
			 const char *token)
{
}

static int fault_register_call(void *data)
{
	struct fault_fixture *f = data;

	return xs_watch_register(&f->env->store.watches, &f->driver);
}

static int fault_unregister_call(void *data)
{
	struct fault_fixture *f = data;

	xs_watch_unregister(&f->env->store.watches, &f->driver);
	return 0;
}

static void event_for_a_driver_without_memory_comes_later(struct kunit *test)
{
	struct fault_fixture *f = test->priv;
	const struct fake_message *watch;
	struct fake_call *call;
	bool failed = true;
	u32 i;

	f->driver.node = "w";
	f->driver.callback = fault_ignore;
	call = fake_call_start(test, fault_register_call, f, NULL);
	watch = test_env_await(f->env);
	test_env_answer(f->env, watch);
	KUNIT_ASSERT_EQ(test, fake_call_result(test, call), 0);

	for (i = 1; failed && i < FAULT_MAX; i++) {
		failed = fault_fire(f, test_env_token(watch), i);
		KUNIT_EXPECT_TRUE(test, xs_watches_dispatch(&f->env->store.watches));
		KUNIT_EXPECT_FALSE(test, xs_watches_dispatch(&f->env->store.watches));
	}
	KUNIT_EXPECT_GT(test, i, 2);
	KUNIT_EXPECT_FALSE(test, failed);

	call = fake_call_start(test, fault_unregister_call, f, NULL);
	test_env_answer(f->env, test_env_await(f->env));
	fake_call_result(test, call);
}

static void registration_without_memory_leaves_nothing(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct test_env *env = test_env_create_at(test, &store->peer);
	struct fault_fixture *f = test->priv;
	bool failed = true;
	int err;
	u32 i;

	f->driver.node = "/w";
	f->driver.callback = fault_ignore;
	test_env_start(env);
	for (i = 1; failed && i < FAULT_MAX; i++) {
		fake_memory_fail_nth(i);
		err = xs_watch_register(&env->store.watches, &f->driver);
		failed = fake_memory_has_failed();
		if (!err)
			xs_watch_unregister(&env->store.watches, &f->driver);
		else
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
		KUNIT_EXPECT_FALSE(test, test_env_has_watches(env));
		KUNIT_EXPECT_EQ(test, fake_store_watches(store, NULL), 0);
	}
	KUNIT_EXPECT_GT(test, i, 2);
	KUNIT_EXPECT_FALSE(test, failed);
}

static void transaction_without_memory_ends_at_the_server(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct test_env *env = test_env_create_at(test, &store->peer);
	bool failed = true;
	u32 tx_id, i;

	test_env_start(env);
	for (i = 1; failed && i < FAULT_MAX; i++) {
		KUNIT_ASSERT_EQ(test, xs_op_transaction_start(env->conn,
							      &tx_id), 0);
		fake_memory_fail_nth(i);
		KUNIT_EXPECT_EQ(test, xs_op_transaction_end(env->conn, tx_id,
							    false), 0);
		failed = fake_memory_has_failed();
		KUNIT_EXPECT_EQ(test, fake_store_transactions(store), 0);
	}
	KUNIT_EXPECT_FALSE(test, failed);
}

static void change_without_memory_fails_at_once(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct test_env *env = test_env_create_at(test, &store->peer);
	u32 tx_id;

	env->conn->write_behind = true;
	test_env_start(env);
	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(env->conn, &tx_id), 0);
	KUNIT_EXPECT_EQ(test, xs_op_write(env->conn, tx_id, "/a", "", "1", 1),
			0);
	fake_memory_fail_nth(1);
	KUNIT_EXPECT_EQ(test, xs_op_write(env->conn, tx_id, "/b", "", "2", 1),
			-ENOMEM);
	KUNIT_EXPECT_TRUE(test, fake_memory_has_failed());
	KUNIT_EXPECT_EQ(test, xs_op_write(env->conn, tx_id, "/c", "", "3", 1),
			0);
	/* The driver knows which one has failed, and may go on. */
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(env->conn, tx_id, false),
			0);
	KUNIT_EXPECT_NOT_NULL(test, fake_store_value(store, "/a", NULL));
	KUNIT_EXPECT_NULL(test, fake_store_value(store, "/b", NULL));
	KUNIT_EXPECT_NOT_NULL(test, fake_store_value(store, "/c", NULL));
	KUNIT_EXPECT_EQ(test, fake_store_transactions(store), 0);
}

static void start_without_memory_leaves_no_transaction(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct test_env *env = test_env_create_at(test, &store->peer);
	bool failed = true;
	u32 tx_id, i;
	int err;

	test_env_start(env);
	for (i = 1; failed && i < FAULT_MAX; i++) {
		fake_memory_fail_nth(i);
		err = xs_op_transaction_start(env->conn, &tx_id);
		failed = fake_memory_has_failed();
		if (!err)
			xs_op_transaction_end(env->conn, tx_id, true);
		else
			KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	}
	KUNIT_EXPECT_GT(test, i, 3);
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_EQ(test, fake_store_transactions(store), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&env->conn->gate.pins));
}

static int fault_resume_call(void *data)
{
	struct fault_fixture *f = data;

	fake_memory_fail_nth(1);
	xs_store_resume(&f->env->store);
	fake_memory_has_failed();
	return 0;
}

static void resume_without_memory_sets_the_watch_again(struct kunit *test)
{
	struct fault_fixture *f = test->priv;
	struct fake_call *resume;
	const struct fake_message *msg;

	f->watch = fake_user_watch(f->env, f->session, "w\0t", 4);
	test_env_suspend(f->env);
	resume = fake_call_start(test, fault_resume_call, f, NULL);
	msg = test_env_await(f->env);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_WATCH);
	test_env_answer(f->env, msg);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, resume), 0);
}

static struct kunit_case fault_kunit_cases[] = {
	KUNIT_CASE_PARAM(write_without_memory_changes_nothing,
			 fault_gen_params),
	KUNIT_CASE(reset_without_memory_can_be_repeated),
	KUNIT_CASE(write_of_two_messages_without_memory_is_cut_short),
	KUNIT_CASE(header_without_memory_can_be_written_again),
	KUNIT_CASE(open_without_memory_fails),
	KUNIT_CASE(reply_without_memory_becomes_an_error),
	KUNIT_CASE(event_for_a_client_without_memory_comes_later),
	KUNIT_CASE(event_for_a_driver_without_memory_comes_later),
	KUNIT_CASE(registration_without_memory_leaves_nothing),
	KUNIT_CASE(transaction_without_memory_ends_at_the_server),
	KUNIT_CASE(change_without_memory_fails_at_once),
	KUNIT_CASE(start_without_memory_leaves_no_transaction),
	KUNIT_CASE(resume_without_memory_sets_the_watch_again),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "xenstore_fault",
	.init = fault_init,
	.test_cases = fault_kunit_cases,
};

kunit_test_suite(fault_suite);
