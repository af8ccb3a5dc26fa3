// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what a client may leave unread.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "fake_user.h"

#define HDR_SIZE	sizeof(struct xsd_sockmsg)
#define KEY_SIZE	(HDR_SIZE + 4)

struct limit_fixture {
	struct test_env *env;
	struct xs_session *session;
	char bytes[XENSTORE_PAYLOAD_MAX];
	char out[3 * KEY_SIZE];
};

static int limit_init(struct kunit *test)
{
	struct limit_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	for (i = 0; i < 3; i++)
		fake_user_build(f->out + i * KEY_SIZE, XS_READ, i, 0, "key",
				4);
	test->priv = f;
	return 0;
}

static ssize_t limit_try(struct limit_fixture *f)
{
	return fake_user_try_send(f->env, f->session, XS_READ, 9, 0, "key",
				  4);
}

/* Requests up to the limit, all of them in flight. */
static struct limit_fixture *limit_fill(struct kunit *test, unsigned int n)
{
	struct limit_fixture *f = test->priv;
	unsigned int i;

	f->env->store.limits.requests = n;
	for (i = 0; i < n; i++)
		fake_user_send(f->env, f->session, XS_READ, i, 0, "key", 4);
	return f;
}

/* Defect O. */
static void request_beyond_the_limit_is_refused_while_all_are_in_flight(struct kunit *test)
{
	struct limit_fixture *f = limit_fill(test, 3);

	KUNIT_EXPECT_EQ(test, limit_try(f), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, xs_session_writable(f->session));
}

static void request_beyond_the_limit_is_refused_while_replies_are_unread(struct kunit *test)
{
	struct limit_fixture *f = limit_fill(test, 3);

	test_env_answer_all(f->env);

	KUNIT_EXPECT_EQ(test, limit_try(f), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, xs_session_writable(f->session));
}

static void request_is_taken_again_once_a_reply_has_been_read(struct kunit *test)
{
	struct limit_fixture *f = limit_fill(test, 3);

	test_env_answer_all(f->env);
	KUNIT_ASSERT_TRUE(test, fake_user_receive(f->env, f->session));

	KUNIT_EXPECT_TRUE(test, xs_session_writable(f->session));
	KUNIT_EXPECT_EQ(test, limit_try(f), KEY_SIZE);
	KUNIT_EXPECT_EQ(test, limit_try(f), -EAGAIN);
}

static void synthesized_reply_counts_as_well(struct kunit *test)
{
	struct limit_fixture *f = test->priv;

	f->env->store.limits.requests = 1;
	fake_user_send(f->env, f->session, XS_READ, 1, 77, "key", 4);

	KUNIT_EXPECT_EQ(test, limit_try(f), -EAGAIN);
	KUNIT_ASSERT_TRUE(test, fake_user_receive(f->env, f->session));
	KUNIT_EXPECT_EQ(test, limit_try(f), KEY_SIZE);
}

static void write_of_several_messages_is_cut_short_at_the_limit(struct kunit *test)
{
	struct limit_fixture *f = test->priv;

	f->env->store.limits.requests = 2;

	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->out,
					      3 * KEY_SIZE), 2 * KEY_SIZE);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->out, KEY_SIZE),
			-EAGAIN);
}

static void bytes_beyond_the_limit_stop_requests_until_they_are_read(struct kunit *test)
{
	struct limit_fixture *f = test->priv;

	f->env->store.limits.bytes = 4000;
	fake_user_send(f->env, f->session, XS_READ, 1, 0, "key", 4);
	test_env_reply(f->env, test_env_next(f->env), f->bytes, 4001);

	KUNIT_EXPECT_EQ(test, limit_try(f), -EAGAIN);
	KUNIT_ASSERT_TRUE(test, fake_user_receive(f->env, f->session));
	KUNIT_EXPECT_EQ(test, limit_try(f), KEY_SIZE);
}

static void limit_of_zero_still_lets_one_request_through(struct kunit *test)
{
	struct limit_fixture *f = test->priv;

	f->env->store.limits.requests = 0;
	f->env->store.limits.bytes = 0;

	KUNIT_EXPECT_EQ(test, limit_try(f), KEY_SIZE);
	KUNIT_EXPECT_EQ(test, limit_try(f), -EAGAIN);
}

static void client_at_its_limit_holds_up_no_other(struct kunit *test)
{
	struct limit_fixture *f = limit_fill(test, 1);
	struct xs_session *other = fake_user_open(f->env);

	KUNIT_EXPECT_EQ(test, limit_try(f), -EAGAIN);
	KUNIT_EXPECT_EQ(test, fake_user_try_send(f->env, other, XS_READ, 1,
						 0, "key", 4), KEY_SIZE);
}

static void request_that_is_not_accepted_takes_no_room(struct kunit *test)
{
	struct limit_fixture *f = test->priv;

	xs_gate_close(&f->env->conn->gate);
	KUNIT_EXPECT_EQ(test, limit_try(f), -EAGAIN);
	xs_gate_open(&f->env->conn->gate);

	KUNIT_EXPECT_EQ(test, f->session->outstanding, 0);
}

static int limit_write_call(void *data)
{
	struct limit_fixture *f = data;
	struct kvec kvec = { .iov_base = f->out, .iov_len = KEY_SIZE };
	struct iov_iter iter;

	allow_signal(SIGUSR1);
	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, kvec.iov_len);
	return xs_session_write(f->session, &iter, false);
}

static void limit_lift(void *data)
{
	struct limit_fixture *f = data;

	f->env->store.limits.requests = 1024;
	wake_up_interruptible(&f->session->wq);
}

static void writer_at_the_limit_goes_on_when_a_reply_is_read(struct kunit *test)
{
	struct limit_fixture *f = limit_fill(test, 1);
	struct fake_call *writer;

	test_env_answer_all(f->env);
	writer = fake_call_start(test, limit_write_call, f, limit_lift);
	KUNIT_ASSERT_TRUE(test,
			  fake_wait_until(wq_has_sleeper(&f->session->wq)));
	KUNIT_ASSERT_TRUE(test, fake_user_receive(f->env, f->session));

	KUNIT_EXPECT_EQ(test, fake_call_result(test, writer), KEY_SIZE);
}

/* The limit that it met is not the one that the reader finds. */
static void writer_goes_on_after_its_limit_was_raised(struct kunit *test)
{
	struct limit_fixture *f = limit_fill(test, 1);
	struct fake_call *writer;

	test_env_answer_all(f->env);
	writer = fake_call_start(test, limit_write_call, f, limit_lift);
	KUNIT_ASSERT_TRUE(test,
			  fake_wait_until(wq_has_sleeper(&f->session->wq)));
	WRITE_ONCE(f->env->store.limits.requests, 8);
	KUNIT_ASSERT_TRUE(test, fake_user_receive(f->env, f->session));

	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_call_is_done(writer)));
	KUNIT_EXPECT_EQ(test, fake_call_result(test, writer), KEY_SIZE);
}

static void writer_at_the_limit_is_ended_by_a_signal(struct kunit *test)
{
	struct limit_fixture *f = limit_fill(test, 1);
	struct fake_call *writer;

	writer = fake_call_start(test, limit_write_call, f, limit_lift);
	KUNIT_ASSERT_TRUE(test,
			  fake_wait_until(wq_has_sleeper(&f->session->wq)));
	send_sig(SIGUSR1, writer->thread, 1);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, writer), -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, f->session->outstanding, 1);
}

/* Defect O: beyond the limit an event says less, but it is never lost. */
static void events_beyond_the_limit_are_one_for_the_watch(struct kunit *test)
{
	struct limit_fixture *f = test->priv;
	const struct fake_message *watch;
	char path[16];
	unsigned int i;

	f->env->store.limits.events = 3;
	watch = fake_user_watch(f->env, f->session, "/a\0token", 9);
	for (i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "/a/%u", i);
		test_env_event(f->env, watch, path);
	}

	KUNIT_EXPECT_EQ(test, f->session->unread_events, 4);
	fake_user_expect_event(f->env, f->session, "/a/0\0token", 11);
	fake_user_expect_event(f->env, f->session, "/a/1\0token", 11);
	fake_user_expect_event(f->env, f->session, "/a/2\0token", 11);
	fake_user_expect_event(f->env, f->session, "/a\0token", 9);
	fake_user_expect_nothing(f->env, f->session);
}

static void events_do_not_stop_requests(struct kunit *test)
{
	struct limit_fixture *f = test->priv;
	const struct fake_message *watch;

	f->env->store.limits.events = 1;
	watch = fake_user_watch(f->env, f->session, "/a\0token", 9);
	test_env_event(f->env, watch, "/a/b");
	test_env_event(f->env, watch, "/a/c");

	KUNIT_EXPECT_TRUE(test, xs_session_writable(f->session));
	KUNIT_EXPECT_EQ(test, limit_try(f), KEY_SIZE);
}

static struct kunit_case limit_cases[] = {
	KUNIT_CASE(request_beyond_the_limit_is_refused_while_all_are_in_flight),
	KUNIT_CASE(request_beyond_the_limit_is_refused_while_replies_are_unread),
	KUNIT_CASE(request_is_taken_again_once_a_reply_has_been_read),
	KUNIT_CASE(synthesized_reply_counts_as_well),
	KUNIT_CASE(write_of_several_messages_is_cut_short_at_the_limit),
	KUNIT_CASE(bytes_beyond_the_limit_stop_requests_until_they_are_read),
	KUNIT_CASE(limit_of_zero_still_lets_one_request_through),
	KUNIT_CASE(client_at_its_limit_holds_up_no_other),
	KUNIT_CASE(request_that_is_not_accepted_takes_no_room),
	KUNIT_CASE(writer_at_the_limit_goes_on_when_a_reply_is_read),
	KUNIT_CASE(writer_goes_on_after_its_limit_was_raised),
	KUNIT_CASE(writer_at_the_limit_is_ended_by_a_signal),
	KUNIT_CASE(events_beyond_the_limit_are_one_for_the_watch),
	KUNIT_CASE(events_do_not_stop_requests),
	{}
};

static struct kunit_suite limit_suite = {
	.name = "xenstore_session_limit",
	.init = limit_init,
	.test_cases = limit_cases,
};

kunit_test_suite(limit_suite);
