// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what is left when a client goes away: nothing.
 *
 * That a session itself is freed is checked by fake_user.c for every test.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "fake_user.h"
#include "fake_store.h"

struct close_fixture {
	struct test_env *env;
	struct xs_session *session;
};

static int close_init(struct kunit *test)
{
	struct close_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	test->priv = f;
	return 0;
}

/* The next message at the peer, which is of this type. */
static const struct fake_message *close_next(struct kunit *test, u32 type)
{
	struct close_fixture *f = test->priv;
	const struct fake_message *msg = test_env_next(f->env);

	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, type);
	return msg;
}

/* Which transaction is aborted. */
static u32 close_expect_any_abort(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	const struct fake_message *msg = close_next(test, XS_TRANSACTION_END);
	u32 tx_id = msg->hdr.tx_id;

	KUNIT_EXPECT_EQ(test, msg->hdr.len, 2);
	KUNIT_EXPECT_STREQ(test, msg->body, "F");
	test_env_reply(f->env, msg, "OK", 3);
	return tx_id;
}

static void close_expect_abort(struct kunit *test, u32 tx_id)
{
	KUNIT_EXPECT_EQ(test, close_expect_any_abort(test), tx_id);
}

static void close_expect_suspend_completes(struct kunit *test)
{
	struct close_fixture *f = test->priv;

	test_env_suspend(f->env);
	xs_store_suspend_cancel(&f->env->store);
}

/* === Transactions === */

/* Defect C: no suspend completed after this. */
static void close_with_transactions_does_not_stop_a_suspend(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	u32 left = fake_user_start(f->env, f->session, "5") +
		   fake_user_start(f->env, f->session, "6");

	fake_user_close(f->env, f->session);
	left -= close_expect_any_abort(test);
	left -= close_expect_any_abort(test);
	KUNIT_EXPECT_EQ(test, left, 0);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	close_expect_suspend_completes(test);
}

/* Defect D: no suspend completed after this. */
static void start_that_is_refused_does_not_stop_a_suspend(struct kunit *test)
{
	struct close_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 1, 0, "",
		       1);
	test_env_refuse(f->env, close_next(test, XS_TRANSACTION_START),
			"ENOSPC");
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	close_expect_suspend_completes(test);
}

/* Defect E, its second half. */
static void ends_of_nothing_do_not_stop_a_suspend(struct kunit *test)
{
	struct close_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 1, 0, "T", 2);
	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 2, 7, "F", 2);
	close_expect_suspend_completes(test);
}

static void close_after_the_end_aborts_nothing(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->env, f->session, "5");
	const struct fake_message *end;

	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 2, tx_id, "T",
		       2);
	end = close_next(test, XS_TRANSACTION_END);
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_STREQ(test, end->body, "T");
	test_env_reply(f->env, end, "OK", 3);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
}

static void close_before_the_reply_to_a_start_aborts_it(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	const struct fake_message *start;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 1, 0, "",
		       1);
	start = close_next(test, XS_TRANSACTION_START);
	fake_user_close(f->env, f->session);
	test_env_reply(f->env, start, "77", 3);
	flush_work(&f->session->cleanup_work);
	close_expect_abort(test, 77);
	close_expect_suspend_completes(test);
}

/* A message whose release lets the connection work, in the middle of close. */
struct close_msg {
	struct xs_msg msg;
	struct test_env *env;
};

static void close_msg_release(struct xs_msg *msg)
{
	test_env_run(container_of(msg, struct close_msg, msg)->env);
}

static void close_beside_the_reply_to_a_start_aborts_it(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	struct close_msg unread = { .env = f->env };
	const struct fake_message *start;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 1, 0, "",
		       1);
	start = close_next(test, XS_TRANSACTION_START);
	fake_peer_reply_to(f->env->peer, start, "77", 3);
	xs_msg_init(&unread.msg, NULL, 0, close_msg_release);
	xs_session_queue(f->session, &unread.msg);

	fake_user_close(f->env, f->session);
	close_expect_abort(test, 77);
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

/* === Requests in flight === */

/* Row 9: the kthread waited for itself. */
static void close_with_all_in_flight_is_cleaned_up_in_the_background(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->env, f->session, "5");
	const struct fake_message *rm;

	fake_user_send(f->env, f->session, XS_RM, 2, tx_id, "k", 2);
	rm = close_next(test, XS_RM);
	xs_session_close(f->session);
	/* The reply comes before and the abort after the worker has run. */
	test_env_reply(f->env, rm, "OK", 3);
	flush_work(&f->session->cleanup_work);
	close_expect_abort(test, tx_id);
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
	close_expect_suspend_completes(test);
}

static void reply_after_the_close_is_dropped(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	const struct fake_message *read;

	fake_user_send(f->env, f->session, XS_READ, 2, 0, "k", 2);
	read = close_next(test, XS_READ);
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 2);
	test_env_reply(f->env, read, "v", 1);
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
	KUNIT_EXPECT_FALSE(test, xs_session_readable(f->session));
}

static void close_frees_what_has_not_been_read(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	const struct fake_message *watch;

	watch = fake_user_watch(f->env, f->session, "k\0t", 4);
	test_env_event(f->env, watch, "k");
	test_env_event(f->env, watch, "k/below");
	fake_user_send(f->env, f->session, XS_READ, 2, 0, "k", 2);
	test_env_reply(f->env, close_next(test, XS_READ),
		       "a body that needs memory of its own", 36);
	fake_user_send(f->env, f->session, XS_READ, 3, 9, "k", 2);
	KUNIT_EXPECT_TRUE(test, xs_session_readable(f->session));

	fake_user_close(f->env, f->session);
	test_env_reply(f->env, close_next(test, XS_UNWATCH), "OK", 3);
	KUNIT_EXPECT_FALSE(test, xs_session_readable(f->session));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

static void close_in_the_middle_of_a_message_frees_it(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	size_t n = fake_user_build(f->env->out, XS_RM, 1, 0, "k", 2);
	struct xs_request *req;

	KUNIT_ASSERT_EQ(test, fake_user_write(f->session, f->env->out, n - 1),
			n - 1);
	req = f->session->in.req;
	KUNIT_ASSERT_NOT_NULL(test, req);
	xs_request_get(req);
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_EQ(test, kref_read(&req->ref), 1);
	xs_request_put(req);
}

static void close_in_the_middle_of_a_message_sends_nothing(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	size_t n = fake_user_build(f->env->out, XS_RM, 1, 0, "k", 2);

	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->env->out,
					      n - 1), n - 1);
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
}

/* === Watches === */

static void close_removes_watches_behind_what_was_sent_before(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	const struct fake_message *set, *msg;

	fake_user_send(f->env, f->session, XS_WATCH, 1, 0, "k\0t", 4);
	set = close_next(test, XS_WATCH);
	fake_user_close(f->env, f->session);
	msg = close_next(test, XS_UNWATCH);
	KUNIT_EXPECT_STREQ(test, test_env_token(msg), test_env_token(set));
	test_env_event(f->env, set, "k");
	test_env_reply(f->env, set, "OK", 3);
	test_env_reply(f->env, msg, "OK", 3);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

static void close_with_a_watch_that_is_refused_later_leaves_nothing(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	const struct fake_message *set, *unset;

	fake_user_send(f->env, f->session, XS_WATCH, 1, 0, "k\0t", 4);
	set = close_next(test, XS_WATCH);
	fake_user_close(f->env, f->session);
	unset = close_next(test, XS_UNWATCH);
	test_env_refuse(f->env, set, "EQUOTA");
	test_env_refuse(f->env, unset, "ENOENT");
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

/* === Requests that are not on the ring yet === */

static void request_that_has_not_left_is_cancelled(struct kunit *test)
{
	struct close_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_RM, 1, 0, "k", 2);
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
	close_expect_suspend_completes(test);
}

static void request_that_has_left_in_part_is_completed(struct kunit *test)
{
	static const char value[2000];
	struct close_fixture *f = test->priv;
	const struct fake_message *msg;

	fake_user_send(f->env, f->session, XS_WRITE, 1, 0, value,
		       sizeof(value));
	fake_user_send(f->env, f->session, XS_RM, 2, 0, "k", 2);
	xs_io_pass(f->env->conn);
	fake_user_close(f->env, f->session);
	msg = close_next(test, XS_WRITE);
	KUNIT_EXPECT_EQ(test, msg->hdr.len, sizeof(value));
	test_env_reply(f->env, msg, "OK", 3);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

static void start_that_has_not_left_is_cancelled(struct kunit *test)
{
	struct close_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 1, 0, "",
		       1);
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

/* Otherwise a part of the transaction would be committed without the rest. */
static void commit_that_has_not_left_becomes_an_abort(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->env, f->session, "5");

	fake_user_send(f->env, f->session, XS_RM, 2, tx_id, "k", 2);
	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 3, tx_id, "T",
		       2);
	fake_user_close(f->env, f->session);
	close_expect_abort(test, tx_id);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
}

static void watch_that_has_not_left_is_cancelled(struct kunit *test)
{
	struct close_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_WATCH, 1, 0, "k\0t", 4);
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

static void unwatch_that_has_not_left_is_sent(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	const struct fake_message *set, *unset;

	set = fake_user_watch(f->env, f->session, "k\0t", 4);
	fake_user_send(f->env, f->session, XS_UNWATCH, 2, 0, "k\0t", 4);
	fake_user_close(f->env, f->session);
	unset = close_next(test, XS_UNWATCH);
	KUNIT_EXPECT_STREQ(test, test_env_token(unset), test_env_token(set));
	test_env_reply(f->env, unset, "OK", 3);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

static void requests_of_others_are_not_cancelled(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	struct xs_session *other = fake_user_open(f->env);

	fake_user_send(f->env, f->session, XS_RM, 1, 0, "k", 2);
	fake_user_send(f->env, other, XS_READ, 1, 0, "k", 2);
	fake_user_close(f->env, f->session);
	test_env_reply(f->env, close_next(test, XS_READ), "v", 1);
	fake_user_expect(f->env, other, XS_READ, 1, 0, "v", 1);
}

/* === During a suspend === */

static void close_during_a_suspend_is_cleaned_up_after_the_resume(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	struct fake_call *resume;

	fake_user_start(f->env, f->session, "5");
	fake_user_watch(f->env, f->session, "k\0t", 4);
	test_env_suspend(f->env);
	xs_session_close(f->session);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(wq_has_sleeper(&f->env->conn->gate.wq)));

	resume = test_env_start_resume(f->env);
	test_env_answer(f->env, test_env_await(f->env));
	fake_call_result(test, resume);
	flush_work(&f->session->cleanup_work);
	/* The transaction is nothing that this server knows. */
	test_env_reply(f->env, close_next(test, XS_UNWATCH), "OK", 3);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
}

static void close_count(struct work_struct *work)
{
}

/* As many as the workers of a queue: they all wait for the resume. */
static void closes_during_a_suspend_delay_no_work_of_others(struct kunit *test)
{
	struct close_fixture *f = test->priv;
	struct xs_session **sessions;
	struct work_struct other;
	unsigned int i;

	sessions = kunit_kcalloc(test, WQ_DFL_ACTIVE, sizeof(*sessions),
				 GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sessions);
	for (i = 0; i < WQ_DFL_ACTIVE; i++) {
		sessions[i] = fake_user_open(f->env);
		fake_user_watch(f->env, sessions[i], "k\0t", 4);
	}
	test_env_suspend(f->env);
	for (i = 0; i < WQ_DFL_ACTIVE; i++)
		xs_session_close(sessions[i]);

	INIT_WORK_ONSTACK(&other, close_count);
	schedule_work(&other);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!work_busy(&other)));
	xs_store_suspend_cancel(&f->env->store);
	flush_work(&other);
	destroy_work_on_stack(&other);
}

/* === With a server that keeps books === */

static void close_leaves_nothing_at_the_server(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct test_env *env = test_env_create_at(test, &store->peer);
	struct xs_session *session = fake_user_open(env);
	int i;

	test_env_start(env);
	for (i = 0; i < 5; i++) {
		fake_user_send(env, session, XS_TRANSACTION_START, i, 0, "",
			       1);
		fake_user_send(env, session, XS_WATCH, i, 0, "/a\0t", 5);
	}
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_store_transactions(store) == 5));
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_store_watches(store, NULL) == 5));

	fake_user_send(env, session, XS_DIRECTORY, 9, 0, "/", 2);
	fake_user_close(env, session);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!fake_store_transactions(store)));
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!fake_store_watches(store, NULL)));
	KUNIT_EXPECT_TRUE(test, fake_wait_until(kref_read(&session->ref) == 1));
}

static struct kunit_case close_cases[] = {
	KUNIT_CASE(close_with_transactions_does_not_stop_a_suspend),
	KUNIT_CASE(start_that_is_refused_does_not_stop_a_suspend),
	KUNIT_CASE(ends_of_nothing_do_not_stop_a_suspend),
	KUNIT_CASE(close_after_the_end_aborts_nothing),
	KUNIT_CASE(close_before_the_reply_to_a_start_aborts_it),
	KUNIT_CASE(close_beside_the_reply_to_a_start_aborts_it),
	KUNIT_CASE(close_with_all_in_flight_is_cleaned_up_in_the_background),
	KUNIT_CASE(reply_after_the_close_is_dropped),
	KUNIT_CASE(close_frees_what_has_not_been_read),
	KUNIT_CASE(close_in_the_middle_of_a_message_frees_it),
	KUNIT_CASE(close_in_the_middle_of_a_message_sends_nothing),
	KUNIT_CASE(close_removes_watches_behind_what_was_sent_before),
	KUNIT_CASE(close_with_a_watch_that_is_refused_later_leaves_nothing),
	KUNIT_CASE(request_that_has_not_left_is_cancelled),
	KUNIT_CASE(request_that_has_left_in_part_is_completed),
	KUNIT_CASE(start_that_has_not_left_is_cancelled),
	KUNIT_CASE(commit_that_has_not_left_becomes_an_abort),
	KUNIT_CASE(watch_that_has_not_left_is_cancelled),
	KUNIT_CASE(unwatch_that_has_not_left_is_sent),
	KUNIT_CASE(requests_of_others_are_not_cancelled),
	KUNIT_CASE(close_during_a_suspend_is_cleaned_up_after_the_resume),
	KUNIT_CASE(closes_during_a_suspend_delay_no_work_of_others),
	KUNIT_CASE(close_leaves_nothing_at_the_server),
	{}
};

static struct kunit_suite close_suite = {
	.name = "xenstore_session_close",
	.init = close_init,
	.test_cases = close_cases,
};

kunit_test_suite(close_suite);
