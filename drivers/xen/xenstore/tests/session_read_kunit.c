// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the byte stream to a client, and of clients that wait.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "fake_memory.h"
#include "session_fixture.h"

/* A reply with @len bytes of body that the client has not read. */
static void session_make_reply(struct kunit *test, size_t len)
{
	struct session_fixture *f = test->priv;
	size_t i;

	for (i = 0; i < len; i++)
		f->big[i] = i * 3 + 1;
	fake_user_send(f->env, f->session, XS_READ, 5, 0, "key", 4);
	test_env_reply(f->env, test_env_next(f->env), f->big, len);
}

/* === To the client === */

static void read_of_nothing_without_waiting_is_refused(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	KUNIT_EXPECT_FALSE(test, xs_session_readable(f->session));
	KUNIT_EXPECT_EQ(test, fake_user_read(f->session, f->big, 1), -EAGAIN);
}

/* Defect F: this span for ever. */
static void read_of_no_bytes_with_data_returns_zero(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	session_make_reply(test, 3);
	KUNIT_EXPECT_EQ(test, fake_user_read(f->session, f->b, 0), 0);
	fake_user_expect(f->env, f->session, XS_READ, 5, 0, f->big, 3);
}

static void read_of_no_bytes_without_data_returns_zero(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, NULL, 0, 0);
	KUNIT_EXPECT_EQ(test, xs_session_read(f->session, &iter, false), 0);
}

static void read_in_pieces_gives_every_byte_once(struct kunit *test)
{
	const u8 *piece = test->param_value;
	struct session_fixture *f = test->priv;
	const size_t total = HDR_SIZE + 24;
	struct fake_received *in = &f->env->received;
	size_t have = 0;
	ssize_t n;

	session_make_reply(test, 24);
	while ((n = fake_user_read(f->session, (u8 *)in + have, *piece)) > 0) {
		KUNIT_EXPECT_EQ(test, n, min_t(size_t, *piece, total - have));
		have += n;
	}
	KUNIT_EXPECT_EQ(test, n, -EAGAIN);
	KUNIT_EXPECT_EQ(test, have, total);
	KUNIT_EXPECT_EQ(test, in->hdr.req_id, 5);
	KUNIT_EXPECT_EQ(test, memcmp(in->body, f->big, 24), 0);
}

static void messages_are_read_at_once_as_far_as_there_is_room(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	const size_t one = HDR_SIZE + 8;

	session_make_reply(test, 8);
	session_make_reply(test, 8);
	session_make_reply(test, 8);
	KUNIT_EXPECT_EQ(test, fake_user_read(f->session, f->env->out,
					     2 * one + 4), 2 * one + 4);
	KUNIT_EXPECT_EQ(test, memcmp(f->env->out, f->env->out + one, one), 0);
	KUNIT_EXPECT_EQ(test, fake_user_read(f->session,
					     f->env->out + 2 * one + 4,
					     XENSTORE_PAYLOAD_MAX), one - 4);
	KUNIT_EXPECT_EQ(test, memcmp(f->env->out, f->env->out + 2 * one, one),
			0);
}

static void session_is_readable_until_the_last_byte(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	session_make_reply(test, 4);
	KUNIT_EXPECT_TRUE(test, xs_session_readable(f->session));
	fake_user_read(f->session, f->b, HDR_SIZE + 3);
	KUNIT_EXPECT_TRUE(test, xs_session_readable(f->session));
	fake_user_read(f->session, f->b, 1);
	KUNIT_EXPECT_FALSE(test, xs_session_readable(f->session));
}

static void read_to_bad_memory_loses_nothing(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct iov_iter iter;

	session_make_reply(test, 4);
	fake_memory_bad_iter(&iter, ITER_DEST, HDR_SIZE);
	KUNIT_EXPECT_EQ(test, xs_session_read(f->session, &iter, false),
			-EFAULT);
	fake_user_expect(f->env, f->session, XS_READ, 5, 0, f->big, 4);
}

static void read_to_partly_bad_memory_loses_nothing(struct kunit *test)
{
	const u8 *split = test->param_value;
	struct session_fixture *f = test->priv;
	struct fake_received *in = &f->env->received;
	struct iov_iter iter;
	void *good;

	session_make_reply(test, 9);
	good = fake_memory_iter(test, &iter, ITER_DEST, *split, ONE_SIZE);
	KUNIT_EXPECT_EQ(test, xs_session_read(f->session, &iter, false),
			*split);
	memcpy(in, good, *split);
	KUNIT_EXPECT_EQ(test, fake_user_read(f->session, (u8 *)in + *split,
					     ONE_SIZE), ONE_SIZE - *split);
	KUNIT_EXPECT_EQ(test, in->hdr.req_id, 5);
	KUNIT_EXPECT_EQ(test, memcmp(in->body, f->big, 9), 0);
}

static void read_without_waiting_beside_another_is_refused(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	ssize_t n;

	session_make_reply(test, 4);
	mutex_lock(&f->session->read_mutex);
	n = fake_user_read(f->session, f->b, 1);
	mutex_unlock(&f->session->read_mutex);
	KUNIT_EXPECT_EQ(test, n, -EAGAIN);
}

/* === Clients that wait === */

static int session_read_call(void *data)
{
	struct session_fixture *f = data;
	struct kvec kvec = { .iov_base = f->big, .iov_len = sizeof(f->big) };
	struct iov_iter iter;

	allow_signal(SIGUSR1);
	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, kvec.iov_len);
	return xs_session_read(f->session, &iter, false);
}

static int session_write_call(void *data)
{
	struct session_fixture *f = data;
	struct kvec kvec = { .iov_base = f->a, .iov_len = ONE_SIZE };
	struct iov_iter iter;

	allow_signal(SIGUSR1);
	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, kvec.iov_len);
	return xs_session_write(f->session, &iter, false);
}

static void session_release_msg(struct xs_msg *msg)
{
	kfree(msg);
}

static void session_unblock(void *data)
{
	struct session_fixture *f = data;
	struct xs_msg *msg = kzalloc(sizeof(*msg), GFP_KERNEL);

	xs_gate_open(&f->env->conn->gate);
	if (!msg)
		return;
	xs_msg_init(msg, NULL, 0, session_release_msg);
	xs_session_queue(f->session, msg);
}

static bool session_reader_sleeps(struct session_fixture *f)
{
	return wq_has_sleeper(&f->session->wq);
}

/* Row 1: a reader that waits held a lock that the writer needed. */
static void reader_who_waits_does_not_keep_a_writer_out(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct fake_call *reader;

	reader = fake_call_start(test, session_read_call, f, session_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(session_reader_sleeps(f)));
	fake_user_send(f->env, f->session, XS_READ, 5, 0, "key", 4);
	test_env_reply(f->env, test_env_next(f->env), "value", 5);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, reader), HDR_SIZE + 5);
	KUNIT_EXPECT_EQ(test, memcmp(f->big + HDR_SIZE, "value", 5), 0);
}

static void reader_who_waits_is_ended_by_a_signal(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct fake_call *reader;

	reader = fake_call_start(test, session_read_call, f, session_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(session_reader_sleeps(f)));
	send_sig(SIGUSR1, reader->thread, 1);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, reader), -ERESTARTSYS);
}

static void writer_who_waits_is_ended_by_a_signal(struct kunit *test)
{
	struct session_fixture *f = test->priv;
	struct xs_gate *gate = &f->env->conn->gate;
	struct fake_call *writer;

	xs_gate_close(gate);
	writer = fake_call_start(test, session_write_call, f, session_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(wq_has_sleeper(&gate->wq)));
	send_sig(SIGUSR1, writer->thread, 1);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, writer), -ERESTARTSYS);
	xs_gate_open(gate);
	session_expect_nothing_sent(test);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->a, ONE_SIZE),
			ONE_SIZE);
	session_expect_sent(test, f->a);
}

static struct kunit_case session_cases[] = {
	KUNIT_CASE(read_of_nothing_without_waiting_is_refused),
	KUNIT_CASE(read_of_no_bytes_with_data_returns_zero),
	KUNIT_CASE(read_of_no_bytes_without_data_returns_zero),
	KUNIT_CASE_PARAM(read_in_pieces_gives_every_byte_once,
			 session_split_gen_params),
	KUNIT_CASE(messages_are_read_at_once_as_far_as_there_is_room),
	KUNIT_CASE(session_is_readable_until_the_last_byte),
	KUNIT_CASE(read_to_bad_memory_loses_nothing),
	KUNIT_CASE_PARAM(read_to_partly_bad_memory_loses_nothing,
			 session_split_gen_params),
	KUNIT_CASE(read_without_waiting_beside_another_is_refused),
	KUNIT_CASE(reader_who_waits_does_not_keep_a_writer_out),
	KUNIT_CASE(reader_who_waits_is_ended_by_a_signal),
	KUNIT_CASE(writer_who_waits_is_ended_by_a_signal),
	{}
};

static struct kunit_suite session_suite = {
	.name = "xenstore_session_read",
	.init = session_init,
	.test_cases = session_cases,
};

kunit_test_suite(session_suite);
