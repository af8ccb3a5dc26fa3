// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of suspend and resume.
 *
 * The test is the server and, unless it starts one, the kthread; whoever
 * has to wait does so in a thread of its own.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/slab.h>

#include "fake_user.h"
#include "fake_store.h"
#include "ops.h"

struct suspend_fixture {
	struct test_env *site;
	struct xs_session *session;
	/* What a writer in a thread of its own writes. */
	char message[32];
	size_t len;
	/* A driver's watch. */
	struct xenbus_watch watch;
	/* A transaction of the kernel waits here. */
	struct completion started;
	struct completion go;
};

static void suspend_ignore(struct xenbus_watch *watch, const char *path,
			   const char *token)
{
}

static int suspend_init(struct kunit *test)
{
	struct suspend_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = test_env_create(test);
	f->session = fake_user_open(f->site);
	f->watch.node = "w";
	f->watch.callback = suspend_ignore;
	init_completion(&f->started);
	init_completion(&f->go);
	test->priv = f;
	return 0;
}

static int suspend_call(void *data)
{
	struct suspend_fixture *f = data;

	xs_store_suspend(&f->site->store);
	return 0;
}

static void suspend_cancel(struct suspend_fixture *f)
{
	xs_store_suspend_cancel(&f->site->store);
}

/* Opening the gate unblocks whatever a test leaves behind. */
static void suspend_unblock(void *data)
{
	struct suspend_fixture *f = data;

	complete_all(&f->go);
	xs_gate_open(&f->site->conn->gate);
}

/* A suspend that has closed the gate. */
static struct fake_call *suspend_start(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	struct fake_call *call;

	call = fake_call_start(test, suspend_call, f, NULL);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(f->site->conn->gate.closed)));
	return call;
}

static int suspend_write_call(void *data)
{
	struct suspend_fixture *f = data;
	struct kvec kvec = { .iov_base = f->message, .iov_len = f->len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, f->len);
	return xs_session_write(f->session, &iter, false);
}

/* A writer that waits at the gate. */
static struct fake_call *suspend_start_writer(struct kunit *test, u32 type,
					      u32 tx_id)
{
	struct suspend_fixture *f = test->priv;
	struct fake_call *call;

	f->len = fake_user_build(f->message, type, 40, tx_id, "k", 2);
	call = fake_call_start(test, suspend_write_call, f, suspend_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(wq_has_sleeper(&f->site->conn->gate.wq)));
	return call;
}

static int suspend_register_call(void *data)
{
	struct suspend_fixture *f = data;

	return xs_watch_register(&f->site->store.watches, &f->watch);
}

static int suspend_unregister_call(void *data)
{
	struct suspend_fixture *f = data;

	xs_watch_unregister(&f->site->store.watches, &f->watch);
	return 0;
}

static int suspend_finish(struct kunit *test, struct fake_call *call)
{
	struct suspend_fixture *f = test->priv;

	fake_wait_until((test_env_answer_all(f->site),
			 fake_call_is_done(call)));
	return fake_call_result(test, call);
}

/* === The way in === */

static void suspend_waits_for_the_request_in_flight(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	const struct fake_message *read;
	struct fake_call *suspend;

	fake_user_send(f->site, f->session, XS_READ, 1, 0, "k", 2);
	suspend = suspend_start(test);
	read = test_env_next(f->site);
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(suspend));
	test_env_reply(f->site, read, "v", 1);
	fake_call_result(test, suspend);
	fake_user_expect(f->site, f->session, XS_READ, 1, 0, "v", 1);
	suspend_cancel(f);
}

/* Defect J: who came later was let in, and a suspend never had its turn. */
static void suspend_is_not_postponed_by_traffic(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	struct fake_call *suspend, *writer;
	u32 i;

	for (i = 0; i < 3; i++)
		fake_user_send(f->site, f->session, XS_READ, i, 0, "k", 2);
	suspend = suspend_start(test);
	writer = suspend_start_writer(test, XS_READ, 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, fake_call_is_done(suspend));
		KUNIT_EXPECT_EQ(test, fake_user_try_send(f->site, f->session,
							 XS_READ, 9, 0, "k",
							 2), -EAGAIN);
		test_env_answer(f->site, test_env_next(f->site));
	}
	fake_call_result(test, suspend);
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(writer));

	suspend_cancel(f);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, writer), f->len);
	KUNIT_EXPECT_NOT_NULL(test, test_env_next(f->site));
}

static void suspend_while_another_lasts_waits_for_its_end(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	struct fake_call *second;

	test_env_suspend(f->site);
	second = fake_call_start(test, suspend_call, f, NULL);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(wq_has_sleeper(&f->site->conn->gate.wq)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(second));
	test_env_resume(f->site);
	fake_call_result(test, second);
	KUNIT_EXPECT_TRUE(test, f->site->conn->gate.closed);
	suspend_cancel(f);
}

/* 20 bytes of an event, and then nothing for now. */
static void suspend_send_half_an_event(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	struct fake_peer *peer = f->site->peer;
	const struct fake_message *watch;

	watch = fake_user_watch(f->site, f->session, "w\0t", 4);
	fake_peer_event(peer, "w", test_env_token(watch));
	peer->give = 20;
	fake_peer_step(peer);
	peer->give = 0;
}

static void suspend_send_the_rest(struct suspend_fixture *f)
{
	f->site->peer->give = SIZE_MAX;
	fake_peer_settle(f->site->peer);
}

static void suspend_waits_for_the_rest_of_an_event(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	struct fake_call *suspend;
	int i;

	suspend_send_half_an_event(test);
	xs_io_pass(f->site->conn);
	KUNIT_ASSERT_FALSE(test, xs_io_at_boundary(f->site->conn));
	test_env_start(f->site);
	/* Not before it has begun: kthread_park() stops a new thread at once. */
	KUNIT_ASSERT_TRUE(test, fake_wait_until(wq_has_sleeper(&f->site->conn->wq)));

	suspend = suspend_start(test);
	for (i = 0; i < 1000; i++)
		cond_resched();
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(suspend));
	suspend_send_the_rest(f);
	fake_call_result(test, suspend);
	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->site->conn));
	/* It was complete before the thread was parked. */
	KUNIT_EXPECT_TRUE(test, xs_session_readable(f->session));
	suspend_cancel(f);
}

static void suspend_leaves_what_is_not_complete_in_the_ring(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;

	suspend_send_half_an_event(test);
	test_env_start(f->site);
	test_env_suspend(f->site);
	KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->site->conn));
	suspend_cancel(f);
	suspend_send_the_rest(f);
	fake_user_expect_event(f->site, f->session, "w\0t", 4);
}

static void suspend_parks_the_thread_until_the_resume(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	const struct fake_message *watch;

	watch = fake_user_watch(f->site, f->session, "w\0t", 4);
	test_env_start(f->site);
	test_env_suspend(f->site);
	fake_peer_event(f->site->peer, "w", test_env_token(watch));
	fake_peer_settle(f->site->peer);
	cond_resched();
	KUNIT_EXPECT_FALSE(test, xs_session_readable(f->session));
	suspend_cancel(f);
	fake_user_expect_event(f->site, f->session, "w\0t", 4);
}

/* A transaction of the kernel that is open when a suspend comes. */
static int suspend_transaction_call(void *data)
{
	struct suspend_fixture *f = data;
	struct xs_conn *conn = f->site->conn;
	u32 tx_id;
	int err;

	err = xs_op_transaction_start(conn, &tx_id);
	complete(&f->started);
	wait_for_completion(&f->go);
	err = err ?: xs_op_write(conn, tx_id, "/a", "in", "1", 1);
	err = err ?: xs_op_write(conn, 0, "/a", "beside", "1", 1);
	err = err ?: xs_op_transaction_end(conn, tx_id, false);
	return err;
}

static void suspend_lets_the_kernels_transaction_finish(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	struct fake_call *transaction, *suspend;

	transaction = fake_call_start(test, suspend_transaction_call, f,
				      suspend_unblock);
	test_env_answer(f->site, test_env_await(f->site));
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(&f->started,
							  FAKE_CALL_TIMEOUT), 0);
	suspend = suspend_start(test);
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(suspend));
	complete(&f->go);
	KUNIT_EXPECT_EQ(test, suspend_finish(test, transaction), 0);
	KUNIT_EXPECT_EQ(test, f->site->next, 4);
	fake_call_result(test, suspend);
	suspend_cancel(f);
}

/* === Clients === */

static void write_without_waiting_during_a_suspend_can_be_repeated(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	const struct fake_message *msg;

	test_env_suspend(f->site);
	KUNIT_EXPECT_EQ(test, fake_user_try_send(f->site, f->session, XS_READ,
						 1, 0, "k", 2), -EAGAIN);
	/* What does not complete a message needs not wait. */
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->site->out, 10),
			10);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->site->out + 10,
					      8), -EAGAIN);
	test_env_resume(f->site);
	KUNIT_EXPECT_EQ(test, fake_user_write(f->session, f->site->out + 10,
					      8), 8);
	msg = test_env_next(f->site);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_READ);
	KUNIT_EXPECT_STREQ(test, msg->body, "k");
}

static void reply_can_be_read_during_a_suspend(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;

	fake_user_send(f->site, f->session, XS_READ, 1, 0, "k", 2);
	test_env_reply(f->site, test_env_next(f->site), "v", 1);
	test_env_suspend(f->site);
	fake_user_expect(f->site, f->session, XS_READ, 1, 0, "v", 1);
	suspend_cancel(f);
}

/* Row 8, and what each message in a transaction from before must get. */
static void transaction_from_before_gets_eagain(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	u32 commit = fake_user_start(f->site, f->session, "5");
	u32 abort = fake_user_start(f->site, f->session, "6");

	test_env_suspend(f->site);
	test_env_resume(f->site);
	fake_user_send(f->site, f->session, XS_READ, 1, commit, "k", 2);
	fake_user_expect(f->site, f->session, XS_ERROR, 1, commit, "EAGAIN",
			 7);
	fake_user_send(f->site, f->session, XS_TRANSACTION_END, 2, commit,
		       "T", 2);
	fake_user_expect(f->site, f->session, XS_ERROR, 2, commit, "EAGAIN",
			 7);
	fake_user_send(f->site, f->session, XS_TRANSACTION_END, 3, abort, "F",
		       2);
	fake_user_expect(f->site, f->session, XS_TRANSACTION_END, 3, abort,
			 "OK", 3);
	fake_user_send(f->site, f->session, XS_TRANSACTION_END, 4, commit,
		       "F", 2);
	fake_user_expect(f->site, f->session, XS_ERROR, 4, commit, "ENOENT",
			 7);
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
}

static void transaction_with_the_id_of_one_from_before_works(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	const struct fake_message *msg;
	u32 tx_id;

	fake_user_start(f->site, f->session, "5");
	test_env_suspend(f->site);
	test_env_resume(f->site);
	tx_id = fake_user_start(f->site, f->session, "5");
	fake_user_send(f->site, f->session, XS_TRANSACTION_END, 2, tx_id, "T",
		       2);
	msg = test_env_next(f->site);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, tx_id);
	test_env_reply(f->site, msg, "OK", 3);
	fake_user_expect(f->site, f->session, XS_TRANSACTION_END, 2, tx_id,
			 "OK", 3);
}

static void transaction_outlives_a_suspend_that_is_cancelled(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->site, f->session, "5");
	u64 generation = f->site->conn->generation;
	const struct fake_message *msg;

	test_env_suspend(f->site);
	suspend_cancel(f);
	KUNIT_EXPECT_EQ(test, f->site->conn->generation, generation);
	fake_user_send(f->site, f->session, XS_TRANSACTION_END, 2, tx_id, "T",
		       2);
	msg = test_env_next(f->site);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, tx_id);
}

/* === The way out === */

static void resume_changes_the_generation(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	u64 generation = f->site->conn->generation;

	test_env_suspend(f->site);
	test_env_resume(f->site);
	KUNIT_EXPECT_EQ(test, f->site->conn->generation, generation + 1);
	KUNIT_EXPECT_EQ(test, f->site->peer->reconnects, 1);
}

static void resume_sets_every_watch_before_it_waits(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	const struct fake_message *before[3], *after[3];
	struct fake_call *resume;
	int i;

	before[0] = fake_user_watch(f->site, f->session, "a\0t\0003", 6);
	before[1] = fake_user_watch(f->site, f->session, "b\0t", 4);
	before[2] = fake_user_watch(f->site, f->session, "b\0t", 4);
	test_env_suspend(f->site);
	resume = test_env_start_resume(f->site);
	for (i = 0; i < 3; i++) {
		after[i] = test_env_await(f->site);
		KUNIT_EXPECT_EQ(test, after[i]->hdr.type, XS_WATCH);
		KUNIT_ASSERT_EQ(test, after[i]->hdr.len, before[i]->hdr.len);
		KUNIT_EXPECT_EQ(test, memcmp(after[i]->body, before[i]->body,
					     before[i]->hdr.len), 0);
	}
	for (i = 2; i >= 0; i--) {
		KUNIT_EXPECT_FALSE(test, fake_call_is_done(resume));
		test_env_reply(f->site, after[i], "OK", 3);
	}
	fake_call_result(test, resume);
	fake_user_expect_nothing(f->site, f->session);
}

static void resume_sets_the_watches_of_drivers(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	const struct fake_message *before, *after;
	struct fake_call *call;

	call = fake_call_start(test, suspend_register_call, f, NULL);
	before = test_env_await(f->site);
	test_env_answer(f->site, before);
	KUNIT_ASSERT_EQ(test, fake_call_result(test, call), 0);

	test_env_suspend(f->site);
	test_env_resume(f->site);
	after = fake_peer_seen(f->site->peer, f->site->next - 1);
	KUNIT_EXPECT_PTR_NE(test, after, before);
	KUNIT_EXPECT_STREQ(test, after->body, "w");
	KUNIT_EXPECT_STREQ(test, test_env_token(after),
			   test_env_token(before));
	suspend_finish(test, fake_call_start(test, suspend_unregister_call, f,
					     NULL));
}

static void resume_delivers_events_before_its_replies(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	const struct fake_message *watch;
	struct fake_call *resume;

	fake_user_watch(f->site, f->session, "w\0t", 4);
	test_env_suspend(f->site);
	resume = test_env_start_resume(f->site);
	watch = test_env_await(f->site);
	test_env_event(f->site, watch, "w");
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(resume));
	fake_user_expect_event(f->site, f->session, "w\0t", 4);
	test_env_reply(f->site, watch, "OK", 3);
	fake_call_result(test, resume);
}

static void resume_sets_watches_before_others_may_send(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	struct fake_call *resume, *writer, *registration;
	const struct fake_message *watch;

	fake_user_watch(f->site, f->session, "w\0t", 4);
	test_env_suspend(f->site);
	writer = suspend_start_writer(test, XS_READ, 0);
	registration = fake_call_start(test, suspend_register_call, f, NULL);
	resume = test_env_start_resume(f->site);
	watch = test_env_await(f->site);
	KUNIT_EXPECT_EQ(test, watch->hdr.type, XS_WATCH);
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(writer));

	test_env_reply(f->site, watch, "OK", 3);
	fake_call_result(test, resume);
	KUNIT_EXPECT_EQ(test, suspend_finish(test, writer), f->len);
	KUNIT_EXPECT_EQ(test, suspend_finish(test, registration), 0);
	suspend_finish(test, fake_call_start(test, suspend_unregister_call, f,
					     NULL));
}

static void resume_goes_on_if_a_watch_is_refused(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;
	struct fake_call *resume;

	fake_user_watch(f->site, f->session, "a\0t", 4);
	fake_user_watch(f->site, f->session, "b\0t", 4);
	test_env_suspend(f->site);
	resume = test_env_start_resume(f->site);
	test_env_refuse(f->site, test_env_await(f->site), "ENOSPC");
	test_env_refuse(f->site, test_env_await(f->site), "EEXIST");
	fake_call_result(test, resume);
	KUNIT_EXPECT_FALSE(test, f->site->conn->gate.closed);
}

static void resume_without_a_server_breaks_the_connection(struct kunit *test)
{
	struct suspend_fixture *f = test->priv;

	fake_user_watch(f->site, f->session, "w\0t", 4);
	test_env_start(f->site);
	test_env_suspend(f->site);
	f->site->peer->reconnect_err = -ENXIO;
	xs_store_resume(&f->site->store);
	KUNIT_EXPECT_FALSE(test, f->site->conn->gate.closed);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(!xs_io_has_work(f->site->conn)));
	KUNIT_EXPECT_EQ(test, fake_user_try_send(f->site, f->session, XS_READ,
						 1, 0, "k", 2), -EIO);
}

/* The reply to a write, and an event or more, in any order. */
static void suspend_expect_reply_and_event(struct test_env *site,
					   struct xs_session *session)
{
	const struct xsd_sockmsg *hdr = &site->received.hdr;
	unsigned int replies = 0, events = 0;

	while (!replies || !events) {
		KUNIT_ASSERT_TRUE(site->test,
				  fake_wait_until(xs_session_readable(session)));
		KUNIT_ASSERT_TRUE(site->test, fake_user_receive(site, session));
		events += hdr->type == XS_WATCH_EVENT;
		replies += hdr->type == XS_WRITE;
	}
	KUNIT_EXPECT_EQ(site->test, replies, 1);
}

static void resume_can_be_repeated_under_traffic(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct test_env *site = test_env_create_at(test, &store->peer);
	struct xs_session *session = fake_user_open(site);
	u32 i;

	test_env_start(site);
	fake_user_send(site, session, XS_WATCH, 1, 0, "/a\0t", 5);
	fake_user_expect(site, session, XS_WATCH, 1, 0, "OK", 3);
	for (i = 0; i < 20; i++) {
		fake_user_send(site, session, XS_WRITE, i, 0, "/a\0v", 4);
		xs_store_suspend(&site->store);
		xs_store_resume(&site->store);
		suspend_expect_reply_and_event(site, session);
		KUNIT_EXPECT_EQ(test, fake_store_watches(store, "/a"), 1);
	}
}

static struct kunit_case suspend_cases[] = {
	KUNIT_CASE(suspend_waits_for_the_request_in_flight),
	KUNIT_CASE(suspend_is_not_postponed_by_traffic),
	KUNIT_CASE(suspend_while_another_lasts_waits_for_its_end),
	KUNIT_CASE(suspend_waits_for_the_rest_of_an_event),
	KUNIT_CASE(suspend_leaves_what_is_not_complete_in_the_ring),
	KUNIT_CASE(suspend_parks_the_thread_until_the_resume),
	KUNIT_CASE(suspend_lets_the_kernels_transaction_finish),
	KUNIT_CASE(write_without_waiting_during_a_suspend_can_be_repeated),
	KUNIT_CASE(reply_can_be_read_during_a_suspend),
	KUNIT_CASE(transaction_from_before_gets_eagain),
	KUNIT_CASE(transaction_with_the_id_of_one_from_before_works),
	KUNIT_CASE(transaction_outlives_a_suspend_that_is_cancelled),
	KUNIT_CASE(resume_changes_the_generation),
	KUNIT_CASE(resume_sets_every_watch_before_it_waits),
	KUNIT_CASE(resume_sets_the_watches_of_drivers),
	KUNIT_CASE(resume_delivers_events_before_its_replies),
	KUNIT_CASE(resume_sets_watches_before_others_may_send),
	KUNIT_CASE(resume_goes_on_if_a_watch_is_refused),
	KUNIT_CASE(resume_without_a_server_breaks_the_connection),
	KUNIT_CASE(resume_can_be_repeated_under_traffic),
	{}
};

static struct kunit_suite suspend_suite = {
	.name = "xenstore_suspend",
	.init = suspend_init,
	.test_cases = suspend_cases,
};

kunit_test_suite(suspend_suite);
