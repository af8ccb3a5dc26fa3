// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of changes in a transaction that nobody waits for.
 *
 * A driver has a thread of its own; the test plays the I/O thread and the server.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_client.h"
#include "ops.h"

#define TX_ID	7

struct transaction_fixture {
	struct fake_site *site;
	struct fake_call *driver;
	bool abort;
	/* Of the two writes and the removal, and of the end. */
	int changes[3];
	int end;
};

static int transaction_init(struct kunit *test)
{
	struct transaction_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = fake_site_create(test);
	f->site->conn->write_behind = true;
	test->priv = f;
	return 0;
}

static int transaction_driver(void *data)
{
	struct transaction_fixture *f = data;
	struct xs_conn *conn = f->site->conn;
	u32 tx_id;
	int err;

	err = xs_op_transaction_start(conn, &tx_id);
	if (err)
		return err;
	f->changes[0] = xs_op_write(conn, tx_id, "/a", "", "1", 1);
	f->changes[1] = xs_op_write(conn, tx_id, "/b", "", "2", 1);
	f->changes[2] = xs_op_rm(conn, tx_id, "/c", "");
	f->end = xs_op_transaction_end(conn, tx_id, f->abort);
	return 0;
}

static void transaction_unblock(void *data)
{
	struct transaction_fixture *f = data;

	xs_conn_break(f->site->conn, -EIO);
	xs_conn_pump(f->site->conn);
}

/* The driver has started its transaction. */
static struct transaction_fixture *transaction_begin(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *start;

	f->driver = fake_call_start(test, transaction_driver, f,
				    transaction_unblock);
	start = fake_site_await(f->site);
	KUNIT_ASSERT_EQ(test, start->hdr.type, XS_TRANSACTION_START);
	fake_site_reply(f->site, start, "7", 2);
	return f;
}

static const struct fake_message *transaction_next(struct kunit *test, u32 type)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *msg = fake_site_await(f->site);

	KUNIT_ASSERT_EQ(test, msg->hdr.type, type);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, TX_ID);
	return msg;
}

static void transaction_expect_end(struct kunit *test, const char *how)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *end;

	end = transaction_next(test, XS_TRANSACTION_END);
	KUNIT_EXPECT_STREQ(test, end->body, how);
	fake_site_reply(f->site, end, "OK", 3);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->driver), 0);
	KUNIT_EXPECT_EQ(test, f->site->conn->gate.inside, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->site->conn->gate.holds));
}

static void changes_are_all_sent_before_an_answer(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);
	const struct fake_message *a = transaction_next(test, XS_WRITE);
	const struct fake_message *b = transaction_next(test, XS_WRITE);
	const struct fake_message *c = transaction_next(test, XS_RM);

	KUNIT_EXPECT_STREQ(test, a->body, "/a");
	KUNIT_EXPECT_STREQ(test, b->body, "/b");
	fake_site_answer(f->site, a);
	fake_site_answer(f->site, b);
	fake_site_answer(f->site, c);
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

/* Otherwise half of it might be committed. */
static void commit_is_not_sent_before_all_is_answered(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);
	const struct fake_message *a = transaction_next(test, XS_WRITE);

	fake_site_answer(f->site, transaction_next(test, XS_WRITE));
	fake_site_answer(f->site, transaction_next(test, XS_RM));
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_call_sleeps(f->driver)));
	KUNIT_EXPECT_NULL(test, fake_site_next(f->site));
	fake_site_answer(f->site, a);
	transaction_expect_end(test, "T");
}

static void change_that_is_refused_aborts_all(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);

	fake_site_answer(f->site, transaction_next(test, XS_WRITE));
	fake_site_refuse(f->site, transaction_next(test, XS_WRITE), "EACCES");
	fake_site_answer(f->site, transaction_next(test, XS_RM));
	transaction_expect_end(test, "F");
	KUNIT_EXPECT_EQ(test, f->end, -EACCES);
}

static void first_refusal_is_what_the_end_returns(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);

	fake_site_refuse(f->site, transaction_next(test, XS_WRITE), "ENOSPC");
	fake_site_refuse(f->site, transaction_next(test, XS_WRITE), "EACCES");
	fake_site_answer(f->site, transaction_next(test, XS_RM));
	transaction_expect_end(test, "F");
	KUNIT_EXPECT_EQ(test, f->end, -ENOSPC);
}

static void removal_of_nothing_is_no_failure(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);

	fake_site_answer(f->site, transaction_next(test, XS_WRITE));
	fake_site_answer(f->site, transaction_next(test, XS_WRITE));
	fake_site_refuse(f->site, transaction_next(test, XS_RM), "ENOENT");
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

static void abort_waits_for_nothing_but_itself(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *a, *b, *c;

	f->abort = true;
	transaction_begin(test);
	a = transaction_next(test, XS_WRITE);
	b = transaction_next(test, XS_WRITE);
	c = transaction_next(test, XS_RM);
	fake_site_reply(f->site, transaction_next(test, XS_TRANSACTION_END),
			"OK", 3);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->driver), 0);
	KUNIT_EXPECT_EQ(test, f->end, 0);
	/* These come when the transaction is over for everybody else. */
	fake_site_answer(f->site, a);
	fake_site_refuse(f->site, b, "EACCES");
	fake_site_answer(f->site, c);
	KUNIT_EXPECT_EQ(test, f->site->conn->gate.inside, 0);
}

static void break_ends_the_transaction_with_an_error(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);

	transaction_next(test, XS_WRITE);
	transaction_next(test, XS_WRITE);
	transaction_next(test, XS_RM);
	transaction_unblock(f);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->driver), 0);
	KUNIT_EXPECT_EQ(test, f->end, -EIO);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->site->conn->gate.holds));
}

static void change_after_a_refusal_fails_at_once(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *first;

	/* Nothing is on its way while the driver gets on, so it gets far. */
	transaction_begin(test);
	first = transaction_next(test, XS_WRITE);
	transaction_next(test, XS_WRITE);
	fake_site_answer(f->site, transaction_next(test, XS_RM));
	fake_site_refuse(f->site, first, "EACCES");
	KUNIT_EXPECT_EQ(test, xs_op_mkdir(f->site->conn, TX_ID, "/d", ""),
			-EACCES);
	transaction_unblock(f);
	fake_call_result(test, f->driver);
}

static void without_write_behind_each_is_waited_for(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *first;

	f->site->conn->write_behind = false;
	transaction_begin(test);
	first = transaction_next(test, XS_WRITE);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_call_sleeps(f->driver)));
	KUNIT_EXPECT_NULL(test, fake_site_next(f->site));
	fake_site_refuse(f->site, first, "EACCES");
	fake_site_answer(f->site, transaction_next(test, XS_WRITE));
	fake_site_answer(f->site, transaction_next(test, XS_RM));
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->changes[0], -EACCES);
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

static struct kunit_case transaction_cases[] = {
	KUNIT_CASE(changes_are_all_sent_before_an_answer),
	KUNIT_CASE(commit_is_not_sent_before_all_is_answered),
	KUNIT_CASE(change_that_is_refused_aborts_all),
	KUNIT_CASE(first_refusal_is_what_the_end_returns),
	KUNIT_CASE(removal_of_nothing_is_no_failure),
	KUNIT_CASE(abort_waits_for_nothing_but_itself),
	KUNIT_CASE(break_ends_the_transaction_with_an_error),
	KUNIT_CASE(change_after_a_refusal_fails_at_once),
	KUNIT_CASE(without_write_behind_each_is_waited_for),
	{}
};

static struct kunit_suite transaction_suite = {
	.name = "xenstore_transaction",
	.init = transaction_init,
	.test_cases = transaction_cases,
};

kunit_test_suite(transaction_suite);
