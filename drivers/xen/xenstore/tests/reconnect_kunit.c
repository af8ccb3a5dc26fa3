// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of a connection that is lost and found again: what was under way.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "reconnect_fixture.h"

/* === Requests === */

static void read_in_flight_is_repeated(struct kunit *test)
{
	struct xs_request *req = reconnect_submit(test, XS_READ, "a");
	struct reconnect_fixture *f = test->priv;

	reconnect_expect(test, XS_READ, "a");
	reconnect_all(test);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	test_env_reply(f->site, reconnect_expect(test, XS_READ, "a"), "x", 1);
	KUNIT_ASSERT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, 0);
	KUNIT_EXPECT_STREQ(test, req->reply.body, "x");
}

static void late_reply_does_not_complete_the_repetition(struct kunit *test)
{
	struct xs_request *req = reconnect_submit(test, XS_READ, "a");
	const struct fake_message *first = reconnect_expect(test, XS_READ, "a");
	struct reconnect_fixture *f = test->priv;

	reconnect_all(test);
	reconnect_expect(test, XS_READ, "a");
	test_env_reply(f->site, first, "old", 3);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
}

static void change_in_flight_fails(struct kunit *test)
{
	struct xs_request *req = reconnect_submit(test, XS_WRITE, "a");
	struct reconnect_fixture *f = test->priv;

	reconnect_expect(test, XS_WRITE, "a");
	reconnect_lose(test);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, -EIO);
	reconnect_finish(test);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
}

static void change_that_was_not_sent_is_sent(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_request *req;

	reconnect_lose(test);
	req = reconnect_submit(test, XS_WRITE, "a");
	reconnect_renew(test);
	reconnect_settle(test);
	test_env_reply(f->site, reconnect_expect(test, XS_WRITE, "a"), "OK", 3);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, 0);
}

static void change_that_was_sent_in_part_is_sent_whole(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_request *req;
	char *body;

	body = kunit_kzalloc(test, XENSTORE_PAYLOAD_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, body);
	strscpy(body, "long", 5);
	req = fake_conn_submit(test, f->conn, XS_WRITE, body,
			       XENSTORE_PAYLOAD_MAX);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_ASSERT_EQ(test, f->conn->tx.done, XENSTORE_RING_SIZE);
	fake_peer_step(f->peer);
	reconnect_all(test);
	KUNIT_EXPECT_EQ(test, reconnect_expect(test, XS_WRITE, "long")->hdr.len,
			XENSTORE_PAYLOAD_MAX);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
}

static void order_is_kept(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;

	reconnect_submit(test, XS_READ, "1");
	reconnect_submit(test, XS_WRITE, "2");
	reconnect_submit(test, XS_DIRECTORY, "3");
	reconnect_submit(test, XS_GET_PERMS, "4");
	while (test_env_next(f->site))
		;
	reconnect_lose(test);
	reconnect_submit(test, XS_WRITE, "5");
	reconnect_submit(test, XS_READ, "6");
	reconnect_renew(test);
	reconnect_settle(test);
	reconnect_expect(test, XS_READ, "1");
	reconnect_expect(test, XS_DIRECTORY, "3");
	reconnect_expect(test, XS_GET_PERMS, "4");
	reconnect_expect(test, XS_WRITE, "5");
	reconnect_expect(test, XS_READ, "6");
}

static void half_a_message_is_forgotten(struct kunit *test)
{
	struct xs_request *req = reconnect_submit(test, XS_READ, "a");
	struct reconnect_fixture *f = test->priv;

	reconnect_expect(test, XS_READ, "a");
	fake_peer_put(f->peer, "\2\0\0\0\1", 5);
	test_env_run(f->site);
	reconnect_all(test);
	test_env_reply(f->site, reconnect_expect(test, XS_READ, "a"), "x", 1);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
}

static void client_gets_a_reply_to_each_message(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);

	fake_user_send(f->site, session, XS_WRITE, 1, 0, "a", 2);
	fake_user_send(f->site, session, XS_READ, 2, 0, "a", 2);
	reconnect_expect(test, XS_WRITE, "a");
	reconnect_expect(test, XS_READ, "a");
	reconnect_all(test);
	test_env_reply(f->site, reconnect_expect(test, XS_READ, "a"), "x", 1);
	fake_user_expect(f->site, session, XS_ERROR, 1, 0, "EIO", 4);
	fake_user_expect(f->site, session, XS_READ, 2, 0, "x", 1);
}

/* === Transactions === */

static int reconnect_transaction(void *data)
{
	struct reconnect_fixture *f = data;
	void *value;
	int err;

	err = xs_op_transaction_start(f->conn, &f->tx_id);
	if (err)
		return err;
	wait_for_completion(&f->go);
	f->write = xs_op_write(f->conn, f->tx_id, "t", "", "x", 1);
	value = xs_op_read(f->conn, f->tx_id, "t", "", NULL);
	f->read = PTR_ERR_OR_ZERO(value);
	if (!IS_ERR(value))
		kfree(value);
	f->end = xs_op_transaction_end(f->conn, f->tx_id, f->abort);
	return 0;
}

static void reconnect_unblock(void *data)
{
	struct reconnect_fixture *f = data;

	complete_all(&f->go);
	xs_conn_break(f->conn, -EIO);
	xs_io_pass(f->conn);
}

/* A transaction of the kernel is open. */
static struct fake_call *reconnect_begin_transaction(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	const struct fake_message *start;
	struct fake_call *call;

	call = fake_call_start(test, reconnect_transaction, f,
			       reconnect_unblock);
	start = test_env_await(f->site);
	test_env_reply(f->site, start, "7", 2);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(!list_empty(&f->conn->gate.pins)));
	return call;
}

/* The end of a transaction needs the kthread. */
static int reconnect_join(struct kunit *test, struct fake_call *call)
{
	struct reconnect_fixture *f = test->priv;

	fake_wait_until((test_env_run(f->site), fake_call_is_done(call)));
	return fake_call_result(test, call);
}

/* A driver goes on to the end, and is told there. Its changes are not made. */
static const struct fake_message *reconnect_go_on(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	const struct fake_message *msg;

	complete_all(&f->go);
	msg = test_env_await(f->site);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_READ);
	return msg;
}

static void driver_repeats_its_transaction_after_the_end(struct kunit *test)
{
	struct fake_call *call = reconnect_begin_transaction(test);
	struct reconnect_fixture *f = test->priv;
	const struct fake_message *msg;

	reconnect_all(test);
	msg = reconnect_go_on(test);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, 0);
	test_env_reply(f->site, msg, "y", 1);
	KUNIT_EXPECT_EQ(test, reconnect_join(test, call), 0);
	KUNIT_EXPECT_EQ(test, f->write, 0);
	KUNIT_EXPECT_EQ(test, f->read, 0);
	KUNIT_EXPECT_EQ(test, f->end, -EAGAIN);
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
}

static void drivers_read_in_flight_leaves_its_transaction(struct kunit *test)
{
	struct fake_call *call = reconnect_begin_transaction(test);
	struct reconnect_fixture *f = test->priv;
	const struct fake_message *msg;

	f->conn->write_behind = true;
	complete_all(&f->go);
	KUNIT_EXPECT_EQ(test, test_env_await(f->site)->hdr.tx_id, 7);
	KUNIT_EXPECT_EQ(test, test_env_await(f->site)->hdr.tx_id, 7);
	reconnect_all(test);
	msg = test_env_await(f->site);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_READ);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, 0);
	test_env_reply(f->site, msg, "y", 1);
	KUNIT_EXPECT_EQ(test, reconnect_join(test, call), 0);
	KUNIT_EXPECT_EQ(test, f->write, 0);
	KUNIT_EXPECT_EQ(test, f->read, 0);
	KUNIT_EXPECT_EQ(test, f->end, -EAGAIN);
}

static void driver_can_give_up_its_transaction(struct kunit *test)
{
	struct fake_call *call = reconnect_begin_transaction(test);
	struct reconnect_fixture *f = test->priv;

	f->abort = true;
	reconnect_all(test);
	test_env_reply(f->site, reconnect_go_on(test), "y", 1);
	KUNIT_EXPECT_EQ(test, reconnect_join(test, call), 0);
	KUNIT_EXPECT_EQ(test, f->end, 0);
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
}

static int reconnect_start_another(void *data)
{
	struct reconnect_fixture *f = data;
	u32 tx_id;
	int err;

	err = xs_op_transaction_start(f->conn, &tx_id);
	if (err)
		return err;
	err = xs_op_transaction_end(f->conn, tx_id, true);
	return err ?: tx_id;
}

static void id_of_a_lost_transaction_is_not_used_again(struct kunit *test)
{
	struct fake_call *lost = reconnect_begin_transaction(test);
	struct reconnect_fixture *f = test->priv;
	const struct fake_message *msg;
	struct fake_call *call;

	reconnect_all(test);
	call = fake_call_start(test, reconnect_start_another, f,
			       reconnect_unblock);
	test_env_reply(f->site, test_env_await(f->site), "7", 2);
	msg = test_env_await(f->site);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_TRANSACTION_END);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, 7);
	KUNIT_EXPECT_STREQ(test, msg->body, "F");
	test_env_reply(f->site, msg, "OK", 3);
	test_env_reply(f->site, test_env_await(f->site), "8", 2);
	msg = test_env_await(f->site);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, 8);
	test_env_reply(f->site, msg, "OK", 3);
	KUNIT_EXPECT_EQ(test, reconnect_join(test, call), 8);
	test_env_reply(f->site, reconnect_go_on(test), "y", 1);
	reconnect_join(test, lost);
}

static void client_has_to_repeat_its_transaction(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	u32 tx_id = fake_user_start(f->site, session, "7");

	fake_user_send(f->site, session, XS_READ, 1, tx_id, "a", 2);
	test_env_next(f->site);
	reconnect_all(test);
	fake_user_expect(f->site, session, XS_ERROR, 1, tx_id, "EAGAIN", 7);
	fake_user_send(f->site, session, XS_WRITE, 2, tx_id, "a", 2);
	fake_user_expect(f->site, session, XS_ERROR, 2, tx_id, "EAGAIN", 7);
	fake_user_send(f->site, session, XS_TRANSACTION_END, 3, tx_id, "T", 2);
	fake_user_expect(f->site, session, XS_ERROR, 3, tx_id, "EAGAIN", 7);
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
}

static void client_has_to_repeat_it_before_the_server_is_there(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	u32 tx_id = fake_user_start(f->site, session, "7");

	reconnect_lose(test);
	fake_user_send(f->site, session, XS_READ, 1, tx_id, "a", 2);
	fake_user_expect(f->site, session, XS_ERROR, 1, tx_id, "EAGAIN", 7);
	reconnect_finish(test);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
}

static void abort_in_flight_succeeds(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	u32 tx_id = fake_user_start(f->site, session, "7");

	fake_user_send(f->site, session, XS_TRANSACTION_END, 1, tx_id, "F", 2);
	test_env_next(f->site);
	reconnect_all(test);
	fake_user_expect(f->site, session, XS_TRANSACTION_END, 1, tx_id, "OK",
			 3);
}

static void commit_in_flight_may_have_happened(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	u32 tx_id = fake_user_start(f->site, session, "7");

	fake_user_send(f->site, session, XS_TRANSACTION_END, 1, tx_id, "T", 2);
	test_env_next(f->site);
	reconnect_all(test);
	fake_user_expect(f->site, session, XS_ERROR, 1, tx_id, "EIO", 4);
}

static void start_in_flight_opens_a_valid_transaction(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	const struct fake_message *start;

	fake_user_send(f->site, session, XS_TRANSACTION_START, 1, 0, "", 1);
	test_env_next(f->site);
	reconnect_all(test);
	start = reconnect_expect(test, XS_TRANSACTION_START, "");
	test_env_reply(f->site, start, "9", 2);
	fake_user_expect(f->site, session, XS_TRANSACTION_START, 1, 0, "9", 2);
	fake_user_send(f->site, session, XS_READ, 2, 9, "a", 2);
	KUNIT_EXPECT_EQ(test, reconnect_expect(test, XS_READ, "a")->hdr.tx_id,
			9);
	fake_user_close(f->site, session);
	KUNIT_EXPECT_EQ(test,
			reconnect_expect(test, XS_TRANSACTION_END, "F")->hdr.tx_id,
			9);
}

static struct kunit_case reconnect_cases[] = {
	KUNIT_CASE(read_in_flight_is_repeated),
	KUNIT_CASE(late_reply_does_not_complete_the_repetition),
	KUNIT_CASE(change_in_flight_fails),
	KUNIT_CASE(change_that_was_not_sent_is_sent),
	KUNIT_CASE(change_that_was_sent_in_part_is_sent_whole),
	KUNIT_CASE(order_is_kept),
	KUNIT_CASE(half_a_message_is_forgotten),
	KUNIT_CASE(client_gets_a_reply_to_each_message),
	KUNIT_CASE(driver_repeats_its_transaction_after_the_end),
	KUNIT_CASE(drivers_read_in_flight_leaves_its_transaction),
	KUNIT_CASE(driver_can_give_up_its_transaction),
	KUNIT_CASE(id_of_a_lost_transaction_is_not_used_again),
	KUNIT_CASE(client_has_to_repeat_its_transaction),
	KUNIT_CASE(client_has_to_repeat_it_before_the_server_is_there),
	KUNIT_CASE(abort_in_flight_succeeds),
	KUNIT_CASE(commit_in_flight_may_have_happened),
	KUNIT_CASE(start_in_flight_opens_a_valid_transaction),
	{}
};

static struct kunit_suite reconnect_suite = {
	.name = "xenstore_reconnect",
	.init = reconnect_init,
	.test_cases = reconnect_cases,
};

kunit_test_suite(reconnect_suite);
