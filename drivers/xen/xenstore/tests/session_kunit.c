// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the byte stream from a client.
 *
 * What the messages mean does not matter here: they are reads and writes of
 * the store, which are passed on. The client's memory is the kernel's, but
 * where it has to fail.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_memory.h"
#include "session_fixture.h"

/* === From the client === */

static void write_split_anywhere_arrives_whole(struct kunit *test)
{
	const u8 *split = test->param_value;
	struct session_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a, *split),
			*split);
	session_expect_nothing_sent(test);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a + *split,
					      ONE_SIZE - *split),
			ONE_SIZE - *split);
	session_expect_sent(test, f->a);
}

static void write_byte_by_byte_arrives_whole(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	size_t i;

	for (i = 0; i < ONE_SIZE; i++)
		KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a + i, 1),
				1);
	session_expect_sent(test, f->a);
	session_expect_nothing_sent(test);
}

static void write_split_in_the_second_message_arrives_whole(struct kunit *test)
{
	const u8 *split = test->param_value;
	struct session_fixture *f = test->priv;

	memcpy(f->big, f->a, ONE_SIZE);
	memcpy(f->big + ONE_SIZE, f->b, ONE_SIZE);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->big,
					      ONE_SIZE + *split),
			ONE_SIZE + *split);
	session_expect_sent(test, f->a);
	session_expect_nothing_sent(test);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->b + *split,
					      ONE_SIZE - *split),
			ONE_SIZE - *split);
	session_expect_sent(test, f->b);
}

static void write_of_no_bytes_returns_zero(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a, 0), 0);
	session_expect_nothing_sent(test);
}

static void message_without_body_is_sent_at_once(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	fake_user_build(f->a, XS_READ, 1, 0, "", 0);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a, HDR_SIZE),
			HDR_SIZE);
	session_expect_sent(test, f->a);
}

/* Defect I: what came after the first message was lost. */
static void messages_in_one_write_are_all_sent(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	memcpy(f->big, f->a, ONE_SIZE);
	memcpy(f->big + ONE_SIZE, f->b, ONE_SIZE);
	memcpy(f->big + 2 * ONE_SIZE, f->a, ONE_SIZE);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->big,
					      3 * ONE_SIZE), 3 * ONE_SIZE);
	session_expect_sent(test, f->a);
	session_expect_sent(test, f->b);
	session_expect_sent(test, f->a);
	session_expect_nothing_sent(test);
}

/* Defect B: the second write went into the buffer of the first. */
static void write_before_the_first_has_left_harms_neither(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a, ONE_SIZE),
			ONE_SIZE);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->b, ONE_SIZE),
			ONE_SIZE);
	session_expect_sent(test, f->a);
	session_expect_sent(test, f->b);
}

static void writes_beyond_the_ring_do_not_wait_for_the_server(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	unsigned int i;

	f->env->peer->take = 0;
	memset(f->big, 'x', 1500);
	for (i = 0; i < 64; i++) {
		f->big[0] = i;
		fake_user_send(f->env, f->session, XS_WRITE, i, 0, f->big,
			       1500);
	}
	f->env->peer->take = SIZE_MAX;

	for (i = 0; i < 64; i++) {
		f->big[0] = i;
		fake_user_build(f->env->out, XS_WRITE, i, 0, f->big, 1500);
		session_expect_sent(test, f->env->out);
	}
}

static void full_payload_is_accepted(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	char *body = f->big + HDR_SIZE;

	memset(body, 'x', XENSTORE_PAYLOAD_MAX);
	fake_user_build(f->big, XS_WRITE, 1, 0, body, XENSTORE_PAYLOAD_MAX);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->big,
					      XS_MESSAGE_MAX),
			XS_MESSAGE_MAX);
	session_expect_sent(test, f->big);
}

static void header_of_too_much_is_refused_and_forgotten(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct xsd_sockmsg hdr = {
		.type = XS_WRITE, .len = XENSTORE_PAYLOAD_MAX + 1,
	};

	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, &hdr, HDR_SIZE),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a, ONE_SIZE),
			ONE_SIZE);
	session_expect_sent(test, f->a);
}

static void header_of_too_much_in_two_writes_is_forgotten(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct xsd_sockmsg hdr = { .type = XS_WRITE, .len = U32_MAX };

	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, &hdr, 15), 15);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, (u8 *)&hdr + 15, 1),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a, ONE_SIZE),
			ONE_SIZE);
	session_expect_sent(test, f->a);
}

static void messages_before_a_bad_header_give_a_short_count(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct xsd_sockmsg hdr = {
		.type = XS_WRITE, .len = XENSTORE_PAYLOAD_MAX + 1,
	};

	memcpy(f->big, f->a, ONE_SIZE);
	memcpy(f->big + ONE_SIZE, &hdr, HDR_SIZE);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->big,
					      ONE_SIZE + HDR_SIZE), ONE_SIZE);
	session_expect_sent(test, f->a);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, &hdr, HDR_SIZE),
			-E2BIG);
}

static void write_from_bad_memory_changes_nothing(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct iov_iter iter;

	KUNIT_ASSERT_EQ(test, fake_user_write(f->session, f->a, 10), 10);
	fake_memory_bad_iter(&iter, ITER_SOURCE, ONE_SIZE - 10);
	KUNIT_EXPECT_EQ(test, xs_session_write(f->session, &iter, false),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a + 10,
					      ONE_SIZE - 10), ONE_SIZE - 10);
	session_expect_sent(test, f->a);
}

static void write_from_partly_bad_memory_takes_what_is_good(struct kunit *test)
{
	const u8 *split = test->param_value;
	struct session_fixture *f = test->priv;
	struct iov_iter iter;
	void *good;

	good = fake_memory_iter(test, &iter, ITER_SOURCE, *split, ONE_SIZE);
	memcpy(good, f->a, *split);
	KUNIT_EXPECT_EQ(test, xs_session_write(f->session, &iter, false),
			*split);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a + *split,
					      ONE_SIZE - *split),
			ONE_SIZE - *split);
	session_expect_sent(test, f->a);
}

static void write_without_waiting_beside_another_is_refused(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	ssize_t n;

	mutex_lock(&f->session->write_mutex);
	n = fake_user_write(f->session, f->a, ONE_SIZE);
	mutex_unlock(&f->session->write_mutex);
	KUNIT_EXPECT_EQ(test, n, -EAGAIN);
	session_expect_nothing_sent(test);
}

/* Write bytes while a suspend keeps every message from being accepted. */
static ssize_t session_write_suspended(struct session_fixture *f,
				       const void *bytes, size_t len)
{
	struct xs_gate *gate = &f->env->conn->gate;
	ssize_t n;

	xs_gate_close(gate);
	n = fake_user_write(f->session, bytes, len);
	xs_gate_open(gate);
	return n;
}

static void message_that_is_not_accepted_keeps_its_first_bytes(struct kunit *test)
{
	const u8 *split = test->param_value;
	struct session_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, fake_user_write(f->session, f->a, *split),
			*split);
	KUNIT_EXPECT_EQ(test, session_write_suspended(f, f->a + *split,
						      ONE_SIZE - *split),
			-EAGAIN);
	session_expect_nothing_sent(test);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a + *split,
					      ONE_SIZE - *split),
			ONE_SIZE - *split);
	session_expect_sent(test, f->a);
}

/* The header of the first must not decide about the memory for the second. */
static void message_that_is_not_accepted_may_be_followed_by_a_longer_one(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	char *body = f->big + HDR_SIZE;

	KUNIT_EXPECT_EQ(test, session_write_suspended(f, f->a, ONE_SIZE),
			-EAGAIN);
	memset(body, 'x', XENSTORE_PAYLOAD_MAX);
	fake_user_build(f->big, XS_WRITE, 1, 0, body, XENSTORE_PAYLOAD_MAX);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->big,
					      XS_MESSAGE_MAX),
			XS_MESSAGE_MAX);
	session_expect_sent(test, f->big);
	session_expect_nothing_sent(test);
}

static void session_without_a_begun_message_holds_no_request(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, session_write_suspended(f, f->a, ONE_SIZE),
			-EAGAIN);
	KUNIT_EXPECT_NULL(test, f->session->in.req);
	KUNIT_ASSERT_EQ(test, fake_user_write(f->session, f->a, ONE_SIZE),
			ONE_SIZE);
	KUNIT_EXPECT_NULL(test, f->session->in.req);
}

static void write_to_a_broken_ring_fails(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	xs_conn_break(f->env->conn, -EIO);
	test_env_run(f->env);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a, ONE_SIZE),
			-EIO);
}

static struct kunit_case session_cases[] = {
	KUNIT_CASE_PARAM(write_split_anywhere_arrives_whole,
			 session_split_gen_params),
	KUNIT_CASE_PARAM(write_split_in_the_second_message_arrives_whole,
			 session_split_gen_params),
	KUNIT_CASE(write_byte_by_byte_arrives_whole),
	KUNIT_CASE(write_of_no_bytes_returns_zero),
	KUNIT_CASE(message_without_body_is_sent_at_once),
	KUNIT_CASE(messages_in_one_write_are_all_sent),
	KUNIT_CASE(write_before_the_first_has_left_harms_neither),
	KUNIT_CASE(writes_beyond_the_ring_do_not_wait_for_the_server),
	KUNIT_CASE(full_payload_is_accepted),
	KUNIT_CASE(header_of_too_much_is_refused_and_forgotten),
	KUNIT_CASE(header_of_too_much_in_two_writes_is_forgotten),
	KUNIT_CASE(messages_before_a_bad_header_give_a_short_count),
	KUNIT_CASE(write_from_bad_memory_changes_nothing),
	KUNIT_CASE_PARAM(write_from_partly_bad_memory_takes_what_is_good,
			 session_split_gen_params),
	KUNIT_CASE(write_without_waiting_beside_another_is_refused),
	KUNIT_CASE_PARAM(message_that_is_not_accepted_keeps_its_first_bytes,
			 session_split_gen_params),
	KUNIT_CASE(message_that_is_not_accepted_may_be_followed_by_a_longer_one),
	KUNIT_CASE(session_without_a_begun_message_holds_no_request),
	KUNIT_CASE(write_to_a_broken_ring_fails),
	{}
};

static struct kunit_suite session_suite = {
	.name = "xenstore_session",
	.init = session_init,
	.test_cases = session_cases,
};

kunit_test_suite(session_suite);
