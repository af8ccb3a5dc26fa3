// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the operations as function calls.
 *
 * A kthread runs and a store answers it. What a store would never send
 * comes from a scripted peer.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "fake_store.h"
#include "ops.h"

struct ops_fixture {
	struct fake_store *store;
	struct xs_conn *conn;
};

static int ops_init(struct kunit *test)
{
	struct ops_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->conn = fake_conn_create(test, &f->store->peer.t, NULL, NULL,
				   FAKE_CONN_RUNNING);
	test->priv = f;
	return 0;
}

/* The last request that the store has received. */
static const struct fake_message *ops_last(struct ops_fixture *f)
{
	return fake_peer_seen(&f->store->peer,
			      fake_peer_count(&f->store->peer) - 1);
}

KUNIT_DEFINE_ACTION_WRAPPER(ops_kfree, kfree, const void *);

/* Free a result when the test ends, if it is one. */
static void *ops_keep(struct kunit *test, void *result)
{
	if (!IS_ERR_OR_NULL(result))
		KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, ops_kfree,
								result), 0);
	return result;
}

static void *ops_read(struct kunit *test, const char *path, unsigned int *len)
{
	struct ops_fixture *f = test->priv;

	return ops_keep(test, xs_op_read(f->conn, 0, path, "", len));
}

/* Reading and writing */

struct ops_value_case {
	const char *name;
	const char *value;
	size_t len;
};

static const struct ops_value_case ops_value_cases[] = {
	{ "empty", "", 0 },
	{ "a NUL", "", 1 },
	{ "short", "value", 5 },
	{ "with NULs", "a\0b\0", 4 },
	{ "longer than a small body", "0123456789abcdef0123", 20 },
};

KUNIT_ARRAY_PARAM_DESC(ops_value, ops_value_cases, name);

static void read_returns_the_bytes_and_a_nul(struct kunit *test)
{
	const struct ops_value_case *param = test->param_value;
	struct ops_fixture *f = test->priv;
	unsigned int len = 99;
	char *value;

	fake_store_write(f->store, "/a", param->value, param->len);
	value = ops_read(test, "/a", &len);

	KUNIT_ASSERT_FALSE(test, IS_ERR(value));
	KUNIT_EXPECT_EQ(test, len, param->len);
	KUNIT_EXPECT_EQ(test, memcmp(value, param->value, len), 0);
	KUNIT_EXPECT_EQ(test, value[len], '\0');
}

static void write_stores_the_bytes(struct kunit *test)
{
	const struct ops_value_case *param = test->param_value;
	struct ops_fixture *f = test->priv;
	const char *value;
	size_t len;

	KUNIT_EXPECT_EQ(test, xs_op_write(f->conn, 0, "/a", "b", param->value,
					  param->len), 0);

	value = fake_store_value(f->store, "/a/b", &len);
	KUNIT_ASSERT_NOT_NULL(test, value);
	KUNIT_EXPECT_EQ(test, len, param->len);
	KUNIT_EXPECT_EQ(test, memcmp(value, param->value, len), 0);
}

static void read_without_wanting_the_length_works(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	char *value;

	fake_store_write(f->store, "/a", "value", 5);
	value = ops_read(test, "/a", NULL);

	KUNIT_EXPECT_STREQ(test, value, "value");
}

static void read_of_the_largest_value_returns_it(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	char *bytes = kunit_kmalloc(test, 4096, GFP_KERNEL);
	unsigned int len;
	char *value;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 'x', 4096);
	fake_store_write(f->store, "/a", bytes, 4096);
	value = ops_read(test, "/a", &len);

	KUNIT_ASSERT_FALSE(test, IS_ERR(value));
	KUNIT_EXPECT_EQ(test, len, 4096);
	KUNIT_EXPECT_EQ(test, memcmp(value, bytes, 4096), 0);
}

struct ops_path_case {
	const char *name;
	const char *dir;
	const char *node;
	const char *expected;
};

static const struct ops_path_case ops_path_cases[] = {
	{ "one part", "/a/b", "", "/a/b" },
	{ "two parts", "/a", "b", "/a/b" },
	{ "node of two parts", "/a", "b/c", "/a/b/c" },
	{ "relative", "device", "vif", "device/vif" },
};

KUNIT_ARRAY_PARAM_DESC(ops_path, ops_path_cases, name);

static void path_in_parts_is_joined_by_a_slash(struct kunit *test)
{
	const struct ops_path_case *param = test->param_value;
	struct ops_fixture *f = test->priv;

	ops_keep(test, xs_op_read(f->conn, 0, param->dir, param->node, NULL));

	KUNIT_EXPECT_STREQ(test, ops_last(f)->body, param->expected);
	KUNIT_EXPECT_EQ(test, ops_last(f)->hdr.len, strlen(param->expected) + 1);
}

struct ops_length_case {
	const char *name;
	size_t len;
	int expected;
};

/* With "/a" and its NUL before the value. */
static const struct ops_length_case ops_length_cases[] = {
	{ "fits", 4093, 0 },
	{ "one too long", 4094, -E2BIG },
};

KUNIT_ARRAY_PARAM_DESC(ops_length, ops_length_cases, name);

static void write_of_length_is_sent_or_refused_here(struct kunit *test)
{
	const struct ops_length_case *param = test->param_value;
	struct ops_fixture *f = test->priv;
	char *bytes = kunit_kzalloc(test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	KUNIT_EXPECT_EQ(test, xs_op_write(f->conn, 0, "/a", "", bytes,
					  param->len), param->expected);

	KUNIT_EXPECT_EQ(test, fake_peer_count(&f->store->peer),
			!param->expected);
}

/* Making, removing, listing */

static void mkdir_makes_a_node_and_leaves_an_old_one_alone(struct kunit *test)
{
	struct ops_fixture *f = test->priv;

	fake_store_write(f->store, "/old", "value", 5);

	KUNIT_EXPECT_EQ(test, xs_op_mkdir(f->conn, 0, "/new", ""), 0);
	KUNIT_EXPECT_EQ(test, xs_op_mkdir(f->conn, 0, "/old", ""), 0);
	KUNIT_EXPECT_STREQ(test, fake_store_value(f->store, "/new", NULL), "");
	KUNIT_EXPECT_STREQ(test, fake_store_value(f->store, "/old", NULL),
			   "value");
}

static void rm_removes_a_node_and_all_below(struct kunit *test)
{
	struct ops_fixture *f = test->priv;

	fake_store_write(f->store, "/a/b/c", "", 0);

	KUNIT_EXPECT_EQ(test, xs_op_rm(f->conn, 0, "/a", "b"), 0);
	KUNIT_EXPECT_NULL(test, fake_store_value(f->store, "/a/b/c", NULL));
	KUNIT_EXPECT_NULL(test, fake_store_value(f->store, "/a/b", NULL));
	KUNIT_EXPECT_NOT_NULL(test, fake_store_value(f->store, "/a", NULL));
}

static void rm_without_parent_is_enoent(struct kunit *test)
{
	struct ops_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, xs_op_rm(f->conn, 0, "/a/b", "c"), -ENOENT);
}

static void directory_lists_the_children_by_name(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	unsigned int num = 99;
	char **names;

	fake_store_write(f->store, "/dir/one", "", 0);
	fake_store_write(f->store, "/dir/two/below", "", 0);
	fake_store_write(f->store, "/dirt", "", 0);
	names = ops_keep(test, xs_op_directory(f->conn, 0, "/", "", &num));
	KUNIT_ASSERT_FALSE(test, IS_ERR(names));
	KUNIT_EXPECT_EQ(test, num, 2);

	names = ops_keep(test, xs_op_directory(f->conn, 0, "/dir", "", &num));
	KUNIT_ASSERT_FALSE(test, IS_ERR(names));
	KUNIT_ASSERT_EQ(test, num, 2);
	KUNIT_EXPECT_STREQ(test, names[0], "one");
	KUNIT_EXPECT_STREQ(test, names[1], "two");
}

static void directory_without_children_is_an_empty_array(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	unsigned int num = 99;
	char **names;

	fake_store_write(f->store, "/dir", "", 0);
	names = ops_keep(test, xs_op_directory(f->conn, 0, "/dir", "", &num));

	KUNIT_ASSERT_FALSE(test, IS_ERR(names));
	KUNIT_EXPECT_NOT_NULL(test, names);
	KUNIT_EXPECT_EQ(test, num, 0);
}

static void directory_that_does_not_exist_is_enoent(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	unsigned int num;
	char **names;

	names = ops_keep(test, xs_op_directory(f->conn, 0, "/dir", "", &num));

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(names), -ENOENT);
}

/* Errors */

struct ops_error_case {
	const char *name;
	int expected;
};

static const struct ops_error_case ops_error_cases[] = {
	{ "ENOENT", -ENOENT },
	{ "EACCES", -EACCES },
	{ "EPERM", -EPERM },
	{ "EROFS", -EROFS },
	{ "EQUOTA", -ENOSPC },
	{ "", -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(ops_error, ops_error_cases, name);

static void error_of_the_server_is_returned_by_every_operation(struct kunit *test)
{
	const struct ops_error_case *param = test->param_value;
	struct ops_fixture *f = test->priv;
	int err = param->expected;
	unsigned int type, num;
	char **names;
	u32 tx_id;

	for (type = 0; type < XS_TYPE_COUNT; type++)
		f->store->refuse[type] = param->name;

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(ops_read(test, "/a", &num)), err);
	KUNIT_EXPECT_EQ(test, xs_op_write(f->conn, 0, "/a", "", "", 0), err);
	KUNIT_EXPECT_EQ(test, xs_op_mkdir(f->conn, 0, "/a", ""), err);
	KUNIT_EXPECT_EQ(test, xs_op_rm(f->conn, 0, "/a", ""), err);
	names = ops_keep(test, xs_op_directory(f->conn, 0, "/a", "", &num));
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(names), err);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), err);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, 1, false), err);
	KUNIT_EXPECT_EQ(test, xs_op_reset_watches(f->conn), err);
}

static void operation_on_a_broken_connection_is_eio(struct kunit *test)
{
	struct ops_fixture *f = test->priv;

	xs_conn_break(f->conn, -EIO);

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(ops_read(test, "/a", NULL)),
			-EIO);
	KUNIT_EXPECT_EQ(test, xs_op_write(f->conn, 0, "/a", "", "", 0), -EIO);
}

static void reset_of_watches_drops_watches_and_transactions(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	struct xs_request *req;
	u32 tx_id;

	req = fake_conn_submit(test, f->conn, XS_WATCH, "/a\0token", 9);
	xs_request_wait(req);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);

	KUNIT_EXPECT_EQ(test, xs_op_reset_watches(f->conn), 0);

	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, NULL), 0);
	KUNIT_EXPECT_EQ(test, fake_store_transactions(f->store), 0);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, true),
			-ENOENT);
}

/* Transactions */

static void transaction_committed_shows_its_writes_to_all(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	u32 tx_id = 0;

	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	KUNIT_EXPECT_NE(test, tx_id, 0);
	KUNIT_EXPECT_EQ(test, xs_op_write(f->conn, tx_id, "/a", "", "x", 1), 0);
	KUNIT_EXPECT_NULL(test, fake_store_value(f->store, "/a", NULL));
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, false), 0);

	KUNIT_EXPECT_STREQ(test, fake_store_value(f->store, "/a", NULL), "x");
}

static void transaction_aborted_leaves_nothing(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	u32 tx_id;

	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	KUNIT_EXPECT_EQ(test, xs_op_write(f->conn, tx_id, "/a", "", "x", 1), 0);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, true), 0);

	KUNIT_EXPECT_NULL(test, fake_store_value(f->store, "/a", NULL));
	KUNIT_EXPECT_EQ(test, fake_store_transactions(f->store), 0);
}

static void transaction_that_conflicts_is_eagain(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	u32 tx_id;

	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	fake_store_write(f->store, "/a", "y", 1);
	KUNIT_EXPECT_EQ(test, xs_op_write(f->conn, tx_id, "/a", "", "x", 1), 0);

	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, false),
			-EAGAIN);
	KUNIT_EXPECT_STREQ(test, fake_store_value(f->store, "/a", NULL), "y");
}

static void transaction_pins_the_gate_until_it_ends(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	u32 tx_id;

	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	KUNIT_EXPECT_FALSE(test, list_empty(&f->conn->gate.pins));
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, false), 0);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->conn->gate.pins));
}

/* Whatever END came to, the transaction is over (defect C). */
static void transaction_whose_end_fails_pins_the_gate_no_more(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	u32 tx_id;

	f->store->refuse[XS_TRANSACTION_END] = "EIO";
	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, false),
			-EIO);

	KUNIT_EXPECT_TRUE(test, list_empty(&f->conn->gate.pins));
}

/* An END that names no open transaction must not count (defects C, E). */
static void end_of_an_unknown_transaction_leaves_the_others(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	u32 tx_id;

	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id + 1, true),
			-ENOENT);
	KUNIT_EXPECT_FALSE(test, list_empty(&f->conn->gate.pins));
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, false), 0);

	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, false),
			-ENOENT);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->conn->gate.pins));
}

/* Defect D: with mainline the next suspend would wait for ever. */
static void transaction_that_does_not_start_leaves_the_gate_drained(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	u32 tx_id;

	f->store->max_transactions = 0;

	KUNIT_EXPECT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), -ENOSPC);
	xs_gate_close(&f->conn->gate);
	xs_gate_drain(&f->conn->gate);
	xs_gate_open(&f->conn->gate);
}

static void transaction_runs_to_its_end_while_a_suspend_waits(struct kunit *test)
{
	struct ops_fixture *f = test->priv;
	u32 tx_id;

	KUNIT_ASSERT_EQ(test, xs_op_transaction_start(f->conn, &tx_id), 0);
	xs_gate_close(&f->conn->gate);

	KUNIT_EXPECT_EQ(test, xs_op_write(f->conn, tx_id, "/a", "", "x", 1), 0);
	KUNIT_EXPECT_EQ(test, xs_op_transaction_end(f->conn, tx_id, false), 0);
	xs_gate_drain(&f->conn->gate);
	xs_gate_open(&f->conn->gate);
}

/* Replies that no store sends */

struct ops_reply_case {
	const char *name;
	u32 type;
	u32 reply_type;
	const char *body;
	size_t len;
	int expected;
};

static const struct ops_reply_case ops_reply_cases[] = {
	{ "read: of another type", XS_READ, XS_WRITE, "OK", 3, -EINVAL },
	{ "write: of another type", XS_WRITE, XS_READ, "OK", 3, -EINVAL },
	{ "read: of an unknown type", XS_READ, XS_INVALID, "OK", 3, -EINVAL },
	{ "read: error without a body", XS_READ, XS_ERROR, "", 0, -EINVAL },
	{ "read: error without NUL", XS_READ, XS_ERROR, "ENOENT", 6, -ENOENT },
	{ "directory: no NUL", XS_DIRECTORY, XS_DIRECTORY, "one\0two", 7, -EIO },
	{ "directory: only text", XS_DIRECTORY, XS_DIRECTORY, "x", 1, -EIO },
	{ "start: no number",
	  XS_TRANSACTION_START, XS_TRANSACTION_START, "OK", 3, -EINVAL },
	{ "start: nothing",
	  XS_TRANSACTION_START, XS_TRANSACTION_START, "", 0, -EINVAL },
	{ "start: zero",
	  XS_TRANSACTION_START, XS_TRANSACTION_START, "0", 2, -EINVAL },
	{ "start: more than 32 bits",
	  XS_TRANSACTION_START, XS_TRANSACTION_START, "4294967296", 11, -EINVAL },
	{ "start: of another type",
	  XS_TRANSACTION_START, XS_READ, "1", 2, -EINVAL },
	{ "start: number without a NUL",
	  XS_TRANSACTION_START, XS_TRANSACTION_START, "7", 1, 0 },
};

KUNIT_ARRAY_PARAM_DESC(ops_reply, ops_reply_cases, name);

struct ops_odd_call {
	struct xs_conn *conn;
	u32 type;
};

static void ops_unblock(void *arg)
{
	struct ops_odd_call *call = arg;

	xs_conn_break(call->conn, -ESHUTDOWN);
}

static int ops_call(void *arg)
{
	struct ops_odd_call *call = arg;
	unsigned int num;
	void *result;
	u32 tx_id;
	int err;

	switch (call->type) {
	case XS_WRITE:
		return xs_op_write(call->conn, 0, "/a", "", "", 0);
	case XS_TRANSACTION_START:
		err = xs_op_transaction_start(call->conn, &tx_id);
		/* There is no store that would reply to its end. */
		if (!err) {
			ops_unblock(call);
			xs_op_transaction_end(call->conn, tx_id, true);
		}
		return err;
	case XS_DIRECTORY:
		result = xs_op_directory(call->conn, 0, "/a", "", &num);
		break;
	default:
		result = xs_op_read(call->conn, 0, "/a", "", &num);
		break;
	}
	if (IS_ERR(result))
		return PTR_ERR(result);
	kfree(result);
	return 0;
}

static void reply_that_breaks_the_rules_is_an_error(struct kunit *test)
{
	const struct ops_reply_case *param = test->param_value;
	struct fake_peer *peer = fake_peer_create(test);
	struct ops_odd_call *odd;
	struct fake_call *call;

	odd = kunit_kzalloc(test, sizeof(*odd), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, odd);
	peer->automatic = true;
	odd->conn = fake_conn_create(test, &peer->t, NULL, NULL,
				     FAKE_CONN_RUNNING);
	odd->type = param->type;
	call = fake_call_start(test, ops_call, odd, ops_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_peer_count(peer)));
	fake_peer_reply(peer, param->reply_type,
			fake_peer_seen(peer, 0)->hdr.req_id, param->body,
			param->len);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), param->expected);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!READ_ONCE(odd->conn->gate.inside)));
	KUNIT_EXPECT_TRUE(test, list_empty(&odd->conn->gate.pins));
}

static struct kunit_case ops_cases[] = {
	KUNIT_CASE_PARAM(read_returns_the_bytes_and_a_nul,
			 ops_value_gen_params),
	KUNIT_CASE_PARAM(write_stores_the_bytes, ops_value_gen_params),
	KUNIT_CASE(read_without_wanting_the_length_works),
	KUNIT_CASE(read_of_the_largest_value_returns_it),
	KUNIT_CASE_PARAM(path_in_parts_is_joined_by_a_slash,
			 ops_path_gen_params),
	KUNIT_CASE_PARAM(write_of_length_is_sent_or_refused_here,
			 ops_length_gen_params),
	KUNIT_CASE(mkdir_makes_a_node_and_leaves_an_old_one_alone),
	KUNIT_CASE(rm_removes_a_node_and_all_below),
	KUNIT_CASE(rm_without_parent_is_enoent),
	KUNIT_CASE(directory_lists_the_children_by_name),
	KUNIT_CASE(directory_without_children_is_an_empty_array),
	KUNIT_CASE(directory_that_does_not_exist_is_enoent),
	KUNIT_CASE_PARAM(error_of_the_server_is_returned_by_every_operation,
			 ops_error_gen_params),
	KUNIT_CASE(operation_on_a_broken_connection_is_eio),
	KUNIT_CASE(reset_of_watches_drops_watches_and_transactions),
	KUNIT_CASE(transaction_committed_shows_its_writes_to_all),
	KUNIT_CASE(transaction_aborted_leaves_nothing),
	KUNIT_CASE(transaction_that_conflicts_is_eagain),
	KUNIT_CASE(transaction_pins_the_gate_until_it_ends),
	KUNIT_CASE(transaction_whose_end_fails_pins_the_gate_no_more),
	KUNIT_CASE(end_of_an_unknown_transaction_leaves_the_others),
	KUNIT_CASE(transaction_that_does_not_start_leaves_the_gate_drained),
	KUNIT_CASE(transaction_runs_to_its_end_while_a_suspend_waits),
	KUNIT_CASE_PARAM(reply_that_breaks_the_rules_is_an_error,
			 ops_reply_gen_params),
	{}
};

static struct kunit_suite ops_suite = {
	.name = "xenstore_ops",
	.init = ops_init,
	.test_cases = ops_cases,
};

kunit_test_suite(ops_suite);
