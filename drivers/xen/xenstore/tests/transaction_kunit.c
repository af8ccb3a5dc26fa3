// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of changes in a transaction that nobody waits for.
 *
 * A driver has a thread of its own; the test plays the kthread and the server.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"
#include "ops.h"

#define TX_ID	7

struct transaction_fixture {
	struct test_env *site;
	struct fake_call *driver;
	bool abort;
	/* How often it may be repeated. */
	unsigned int repetitions;
	/* Read after the first change; this many bytes in the second. */
	bool read;
	size_t second_len;
	char value[5000];
	/* Of the start, the two writes and the removal, and the end. */
	int start;
	int changes[3];
	int end;
};

static int transaction_init(struct kunit *test)
{
	struct transaction_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = test_env_create(test);
	f->site->conn->write_behind = true;
	f->second_len = 1;
	test->priv = f;
	return 0;
}

static void transaction_try(struct transaction_fixture *f)
{
	struct xs_conn *conn = f->site->conn;
	void *value;
	u32 tx_id;

	f->start = xs_op_transaction_start(conn, &tx_id);
	if (f->start)
		return;
	f->changes[0] = xs_op_write(conn, tx_id, "/a", "", "1", 1);
	if (f->read) {
		value = xs_op_read(conn, tx_id, "/a", "", NULL);
		if (!IS_ERR(value))
			kfree(value);
	}
	f->changes[1] = xs_op_write(conn, tx_id, "/b", "", f->value,
				    f->second_len);
	f->changes[2] = xs_op_rm(conn, tx_id, "/c", "");
	f->end = xs_op_transaction_end(conn, tx_id, f->abort);
}

static int transaction_driver(void *data)
{
	struct transaction_fixture *f = data;

	do {
		transaction_try(f);
	} while (!f->start && f->end == -EAGAIN && f->repetitions--);
	return 0;
}

static void transaction_unblock(void *data)
{
	struct transaction_fixture *f = data;

	xs_conn_break(f->site->conn, -EIO);
	xs_io_pass(f->site->conn);
}

/* The driver waits for its transaction to be started. */
static const struct fake_message *transaction_ask(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *start;

	f->driver = fake_call_start(test, transaction_driver, f,
				    transaction_unblock);
	start = test_env_await(f->site);
	KUNIT_ASSERT_EQ(test, start->hdr.type, XS_TRANSACTION_START);
	return start;
}

/* The driver has started its transaction. */
static struct transaction_fixture *transaction_begin(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;

	test_env_reply(f->site, transaction_ask(test), "7", 2);
	return f;
}

static const struct fake_message *transaction_next(struct kunit *test, u32 type)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *msg = test_env_await(f->site);

	KUNIT_ASSERT_EQ(test, msg->hdr.type, type);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, TX_ID);
	return msg;
}

/* The end comes back, and nothing is left of the transaction. */
static void transaction_expect_over(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->driver), 0);
	KUNIT_EXPECT_EQ(test, f->site->conn->gate.inside, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->site->conn->gate.pins));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->site->conn->transactions.list));
}

static void transaction_expect_end(struct kunit *test, const char *how)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *end;

	end = transaction_next(test, XS_TRANSACTION_END);
	KUNIT_EXPECT_STREQ(test, end->body, how);
	test_env_reply(f->site, end, "OK", 3);
	transaction_expect_over(test);
}

static void changes_are_all_sent_before_an_answer(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);
	const struct fake_message *a = transaction_next(test, XS_WRITE);
	const struct fake_message *b = transaction_next(test, XS_WRITE);
	const struct fake_message *c = transaction_next(test, XS_RM);

	KUNIT_EXPECT_STREQ(test, a->body, "/a");
	KUNIT_EXPECT_STREQ(test, b->body, "/b");
	test_env_answer(f->site, a);
	test_env_answer(f->site, b);
	test_env_answer(f->site, c);
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

/* Otherwise half of it might be committed. */
static void commit_is_not_sent_before_all_is_answered(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);
	const struct fake_message *a = transaction_next(test, XS_WRITE);

	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_call_sleeps(f->driver)));
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
	test_env_answer(f->site, a);
	transaction_expect_end(test, "T");
}

/* Constant in some kernels. */
static void transaction_error_desc(typeof(xsd_errors[0]) *error, char *desc)
{
	strscpy(desc, error->errstring, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(transaction_error, xsd_errors, transaction_error_desc);

static void change_that_is_refused_aborts_all(struct kunit *test)
{
	const struct xsd_errors *error = test->param_value;
	struct transaction_fixture *f = transaction_begin(test);

	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_refuse(f->site, transaction_next(test, XS_WRITE),
			error->errstring);
	test_env_answer(f->site, transaction_next(test, XS_RM));
	transaction_expect_end(test, "F");
	KUNIT_EXPECT_EQ(test, f->end, -EAGAIN);
}

/* The driver knows, and may go on. */
static void change_that_cannot_be_sent_fails_at_once(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;

	f->second_len = sizeof(f->value);
	transaction_begin(test);
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->changes[0], 0);
	KUNIT_EXPECT_EQ(test, f->changes[1], -E2BIG);
	KUNIT_EXPECT_EQ(test, f->changes[2], 0);
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

/* The driver sees the error where it happens, and goes on, as with blkfront. */
static void repetition_waits_for_every_change(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;

	f->repetitions = 1;
	transaction_begin(test);
	test_env_refuse(f->site, transaction_next(test, XS_WRITE), "ENOSPC");
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	test_env_reply(f->site, transaction_next(test, XS_TRANSACTION_END),
		       "OK", 3);

	test_env_reply(f->site, test_env_await(f->site), "7", 2);
	test_env_refuse(f->site, transaction_next(test, XS_WRITE), "ENOSPC");
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->changes[0], -ENOSPC);
	KUNIT_EXPECT_EQ(test, f->changes[1], 0);
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

/* A conflict has nothing to do with refused changes. */
static void repetition_after_a_conflict_waits_for_none(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *a, *b, *c;

	f->repetitions = 1;
	transaction_begin(test);
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	test_env_refuse(f->site, transaction_next(test, XS_TRANSACTION_END),
			"EAGAIN");

	test_env_reply(f->site, test_env_await(f->site), "7", 2);
	a = transaction_next(test, XS_WRITE);
	b = transaction_next(test, XS_WRITE);
	c = transaction_next(test, XS_RM);
	test_env_answer(f->site, a);
	test_env_answer(f->site, b);
	test_env_answer(f->site, c);
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

static void removal_of_nothing_is_no_failure(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);

	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_refuse(f->site, transaction_next(test, XS_RM), "ENOENT");
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
	test_env_reply(f->site, transaction_next(test, XS_TRANSACTION_END),
		       "OK", 3);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->driver), 0);
	KUNIT_EXPECT_EQ(test, f->end, 0);
	/* These come when the transaction is over for everybody else. */
	test_env_answer(f->site, a);
	test_env_refuse(f->site, b, "EACCES");
	test_env_answer(f->site, c);
	KUNIT_EXPECT_EQ(test, f->site->conn->gate.inside, 0);
}

static void read_is_sent_behind_what_was_posted_and_waited_for(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *write;

	f->read = true;
	transaction_begin(test);
	write = transaction_next(test, XS_WRITE);
	test_env_answer(f->site, write);
	write = transaction_next(test, XS_READ);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_call_sleeps(f->driver)));
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
	test_env_answer(f->site, write);
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

static void start_that_is_refused_leaves_nothing(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;

	test_env_refuse(f->site, transaction_ask(test), "ENOSPC");
	transaction_expect_over(test);
	KUNIT_EXPECT_EQ(test, f->start, -ENOSPC);
}

/* A conflict, for instance; the transaction is over nevertheless. */
static void commit_that_is_refused_returns_why(struct kunit *test)
{
	const struct xsd_errors *error = test->param_value;
	struct transaction_fixture *f = transaction_begin(test);

	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	test_env_refuse(f->site, transaction_next(test, XS_TRANSACTION_END),
			error->errstring);
	transaction_expect_over(test);
	KUNIT_EXPECT_EQ(test, f->end, -error->errnum);
}

static void abort_that_is_refused_too_is_repeated(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);

	test_env_refuse(f->site, transaction_next(test, XS_WRITE), "EACCES");
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	test_env_refuse(f->site, transaction_next(test, XS_TRANSACTION_END),
			"EIO");
	transaction_expect_over(test);
	KUNIT_EXPECT_EQ(test, f->end, -EAGAIN);
}

static void changes_and_end_pass_a_gate_that_is_closed_meanwhile(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	struct xs_gate *gate = &f->site->conn->gate;
	const struct fake_message *read;

	f->read = true;
	transaction_begin(test);
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	read = transaction_next(test, XS_READ);
	xs_gate_close(gate);
	test_env_answer(f->site, read);
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	KUNIT_EXPECT_FALSE(test, list_empty(&gate->pins));
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->end, 0);
	xs_gate_drain(gate);
	xs_gate_open(gate);
}

static void break_at_the_end_is_what_it_returns(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test);

	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	transaction_next(test, XS_TRANSACTION_END);
	transaction_unblock(f);
	transaction_expect_over(test);
	KUNIT_EXPECT_EQ(test, f->end, -EIO);
}

static void break_ends_the_repetition_with_an_error(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;

	f->repetitions = 1;
	transaction_begin(test);
	transaction_next(test, XS_WRITE);
	transaction_next(test, XS_WRITE);
	transaction_next(test, XS_RM);
	transaction_unblock(f);
	transaction_expect_over(test);
	KUNIT_EXPECT_EQ(test, f->start, -EIO);
}

/* So that what was read in the transaction makes sense until its end. */
static void change_after_a_refusal_is_sent_all_the_same(struct kunit *test)
{
	struct transaction_fixture *f = test->priv;
	const struct fake_message *first;

	/* Nothing is on its way while the driver gets on, so it gets far. */
	transaction_begin(test);
	first = transaction_next(test, XS_WRITE);
	transaction_next(test, XS_WRITE);
	test_env_answer(f->site, transaction_next(test, XS_RM));
	test_env_refuse(f->site, first, "EACCES");
	KUNIT_EXPECT_EQ(test, xs_op_mkdir(f->site->conn, TX_ID, "/d", ""), 0);
	transaction_next(test, XS_MKDIR);
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
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
	test_env_refuse(f->site, first, "EACCES");
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->changes[0], -EACCES);
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

/* A second driver starts a transaction, and reads in it. */
static struct transaction_fixture *transaction_second(struct kunit *test)
{
	struct transaction_fixture *f = test->priv, *second;

	second = kunit_kzalloc(test, sizeof(*second), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, second);
	second->site = f->site;
	second->second_len = 1;
	second->read = true;
	second->driver = fake_call_start(test, transaction_driver, second,
					 transaction_unblock);
	return second;
}

/*
 * The server may give the id out again before the first driver knows that its
 * transaction is over. The end of the first must not touch the second then, which
 * goes on and remembers its own refusal.
 */
static void id_used_again_before_the_end_returns_is_another_transaction(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test), *second;
	const struct fake_message *end, *read;

	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	end = transaction_next(test, XS_TRANSACTION_END);
	second = transaction_second(test);
	test_env_reply(f->site, test_env_await(f->site), "7", 2);
	test_env_refuse(f->site, transaction_next(test, XS_WRITE), "EACCES");
	read = transaction_next(test, XS_READ);

	test_env_reply(f->site, end, "OK", 3);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->driver), 0);
	KUNIT_EXPECT_EQ(test, f->end, 0);
	KUNIT_EXPECT_FALSE(test, list_empty(&f->site->conn->gate.pins));

	test_env_answer(f->site, read);
	test_env_answer(f->site, transaction_next(test, XS_WRITE));
	test_env_answer(f->site, transaction_next(test, XS_RM));
	test->priv = second;
	transaction_expect_end(test, "F");
	KUNIT_EXPECT_EQ(test, second->end, -EAGAIN);
}

static void start_with_an_id_in_use_is_refused(struct kunit *test)
{
	struct transaction_fixture *f = transaction_begin(test), *second;
	const struct fake_message *a, *b, *c;

	a = transaction_next(test, XS_WRITE);
	b = transaction_next(test, XS_WRITE);
	c = transaction_next(test, XS_RM);
	second = transaction_second(test);
	test_env_reply(f->site, test_env_await(f->site), "7", 2);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, second->driver), 0);
	KUNIT_EXPECT_EQ(test, second->start, -EINVAL);

	test_env_answer(f->site, a);
	test_env_answer(f->site, b);
	test_env_answer(f->site, c);
	transaction_expect_end(test, "T");
	KUNIT_EXPECT_EQ(test, f->end, 0);
}

static struct kunit_case transaction_cases[] = {
	KUNIT_CASE(changes_are_all_sent_before_an_answer),
	KUNIT_CASE(commit_is_not_sent_before_all_is_answered),
	KUNIT_CASE_PARAM(change_that_is_refused_aborts_all,
			 transaction_error_gen_params),
	KUNIT_CASE(change_that_cannot_be_sent_fails_at_once),
	KUNIT_CASE(repetition_waits_for_every_change),
	KUNIT_CASE(repetition_after_a_conflict_waits_for_none),
	KUNIT_CASE(removal_of_nothing_is_no_failure),
	KUNIT_CASE(abort_waits_for_nothing_but_itself),
	KUNIT_CASE(read_is_sent_behind_what_was_posted_and_waited_for),
	KUNIT_CASE(start_that_is_refused_leaves_nothing),
	KUNIT_CASE_PARAM(commit_that_is_refused_returns_why,
			 transaction_error_gen_params),
	KUNIT_CASE(abort_that_is_refused_too_is_repeated),
	KUNIT_CASE(changes_and_end_pass_a_gate_that_is_closed_meanwhile),
	KUNIT_CASE(break_ends_the_repetition_with_an_error),
	KUNIT_CASE(break_at_the_end_is_what_it_returns),
	KUNIT_CASE(change_after_a_refusal_is_sent_all_the_same),
	KUNIT_CASE(without_write_behind_each_is_waited_for),
	KUNIT_CASE(id_used_again_before_the_end_returns_is_another_transaction),
	KUNIT_CASE(start_with_an_id_in_use_is_refused),
	{}
};

static struct kunit_suite transaction_suite = {
	.name = "xenstore_transaction",
	.init = transaction_init,
	.test_cases = transaction_cases,
};

kunit_test_suite(transaction_suite);
