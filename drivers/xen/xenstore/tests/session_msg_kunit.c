// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what the messages of a client mean: ids, transactions, refusals.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "fake_user.h"

struct msg_fixture {
	struct test_env *env;
	struct xs_session *session;
	struct xs_session *other;
};

static int msg_init(struct kunit *test)
{
	struct msg_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	f->other = fake_user_open(f->env);
	test->priv = f;
	return 0;
}

/* The reply to what was just written is a synthesized XS_ERROR. */
static void msg_expect_refused(struct kunit *test, u32 id, u32 tx_id,
			       const char *error)
{
	struct msg_fixture *f = test->priv;

	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	fake_user_expect(f->env, f->session, XS_ERROR, id, tx_id, error,
			 strlen(error) + 1);
	fake_user_expect_nothing(f->env, f->session);
}

/* === Ids === */

/* Row 3: the client's id was replaced and never came back. */
static void reply_has_the_id_of_the_caller(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	const struct fake_message *msg;
	u32 ids[8];
	int i;

	get_random_bytes(ids, sizeof(ids));
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		fake_user_send(f->env, f->session, XS_READ, ids[i], 0, "k",
			       2);
	while ((msg = test_env_next(f->env)))
		test_env_reply(f->env, msg, "value", 5);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		fake_user_expect(f->env, f->session, XS_READ, ids[i], 0,
				 "value", 5);
}

static void requests_with_one_id_are_told_apart(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	const struct fake_message *first, *second;

	fake_user_send(f->env, f->session, XS_READ, 9, 0, "a", 2);
	fake_user_send(f->env, f->other, XS_READ, 9, 0, "b", 2);
	first = test_env_next(f->env);
	second = test_env_next(f->env);
	test_env_reply(f->env, second, "B", 1);
	test_env_reply(f->env, first, "A", 1);
	KUNIT_EXPECT_NE(test, first->hdr.req_id, second->hdr.req_id);
	fake_user_expect(f->env, f->session, XS_READ, 9, 0, "A", 1);
	fake_user_expect(f->env, f->other, XS_READ, 9, 0, "B", 1);
	fake_user_expect_nothing(f->env, f->session);
	fake_user_expect_nothing(f->env, f->other);
}

static void refusal_by_the_server_is_passed_on(struct kunit *test)
{
	struct msg_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_MKDIR, 3, 0, "k", 2);
	test_env_refuse(f->env, test_env_next(f->env), "EQUOTA");
	fake_user_expect(f->env, f->session, XS_ERROR, 3, 0, "EQUOTA", 7);
}

static const u32 msg_types[] = {
	XS_CONTROL, XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_INTRODUCE,
	XS_RELEASE, XS_GET_DOMAIN_PATH, XS_WRITE, XS_MKDIR, XS_RM,
	XS_SET_PERMS, XS_WATCH_EVENT, XS_ERROR, XS_IS_DOMAIN_INTRODUCED,
	XS_RESUME, XS_SET_TARGET, 20, XS_DIRECTORY_PART, 24, 999, U32_MAX,
};

static void msg_type_desc(const u32 *type, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "type %u", *type);
}

KUNIT_ARRAY_PARAM(msg_type, msg_types, msg_type_desc);

static void message_of_any_other_type_is_passed_on(struct kunit *test)
{
	const u32 *type = test->param_value;
	struct msg_fixture *f = test->priv;
	const struct fake_message *msg;

	fake_user_send(f->env, f->session, *type, 4, 0, "x\0y", 3);
	msg = test_env_next(f->env);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, *type);
	KUNIT_EXPECT_EQ(test, msg->hdr.len, 3);
	KUNIT_EXPECT_EQ(test, memcmp(msg->body, "x\0y", 3), 0);
	test_env_refuse(f->env, msg, "ENOSYS");
	fake_user_expect(f->env, f->session, XS_ERROR, 4, 0, "ENOSYS", 7);
}

/* === Transactions === */

static void transaction_is_carried_through(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	const struct fake_message *msg;
	u32 tx_id;

	tx_id = fake_user_start(f->env, f->session, "4000000000");
	fake_user_send(f->env, f->session, XS_WRITE, 2, tx_id, "k\0v", 3);
	msg = test_env_next(f->env);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, tx_id);
	test_env_reply(f->env, msg, "OK", 3);
	fake_user_expect(f->env, f->session, XS_WRITE, 2, tx_id, "OK", 3);

	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 3, tx_id, "T",
		       2);
	msg = test_env_next(f->env);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, tx_id);
	KUNIT_EXPECT_STREQ(test, msg->body, "T");
	test_env_reply(f->env, msg, "OK", 3);
	fake_user_expect(f->env, f->session, XS_TRANSACTION_END, 3, tx_id,
			 "OK", 3);
}

/* Row 5: the body of the reply was what lay on the stack. */
static void transaction_that_is_not_open_gets_enoent(struct kunit *test)
{
	struct msg_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_READ, 6, 5, "k", 2);
	msg_expect_refused(test, 6, 5, "ENOENT");
}

static void transaction_of_another_client_gets_enoent(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->env, f->other, "5");

	fake_user_send(f->env, f->session, XS_READ, 6, tx_id, "k", 2);
	msg_expect_refused(test, 6, tx_id, "ENOENT");
	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 7, tx_id, "F",
		       2);
	msg_expect_refused(test, 7, tx_id, "ENOENT");
}

static void start_in_a_transaction_that_is_not_open_gets_enoent(struct kunit *test)
{
	struct msg_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 6, 5, "",
		       1);
	msg_expect_refused(test, 6, 5, "ENOENT");
}

/* Defect E. */
static void end_of_no_transaction_gets_one_enoent(struct kunit *test)
{
	struct msg_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 8, 0, "T", 2);
	msg_expect_refused(test, 8, 0, "ENOENT");
}

/* Defect E. */
static void second_end_gets_one_enoent(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->env, f->session, "5");
	const struct fake_message *msg;

	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 1, tx_id, "T",
		       2);
	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 2, tx_id, "T",
		       2);
	fake_user_expect(f->env, f->session, XS_ERROR, 2, tx_id, "ENOENT",
			 7);
	msg = test_env_next(f->env);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	test_env_reply(f->env, msg, "OK", 3);
	fake_user_expect(f->env, f->session, XS_TRANSACTION_END, 1, tx_id,
			 "OK", 3);
	fake_user_expect_nothing(f->env, f->session);
}

struct msg_body_case {
	const char *name;
	const char *body;
	size_t len;
};

static const struct msg_body_case msg_bad_ends[] = {
	{ "nothing", "", 0 },
	{ "only a NUL", "", 1 },
	{ "T without NUL", "T", 1 },
	{ "F without NUL", "F", 1 },
	{ "another letter", "X", 2 },
	{ "a small letter", "t", 2 },
	{ "T and a space", "T ", 2 },
	{ "two letters", "TF", 3 },
	{ "T and two NULs", "T\0", 3 },
	{ "NUL and T", "\0T", 2 },
};

KUNIT_ARRAY_PARAM_DESC(msg_bad_end, msg_bad_ends, name);

/* Row 6. */
static void malformed_end_gets_einval_and_ends_nothing(struct kunit *test)
{
	const struct msg_body_case *param = test->param_value;
	struct msg_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->env, f->session, "5");

	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 2, tx_id,
		       param->body, param->len);
	msg_expect_refused(test, 2, tx_id, "EINVAL");

	fake_user_send(f->env, f->session, XS_READ, 3, tx_id, "k", 2);
	test_env_reply(f->env, test_env_next(f->env), "v", 1);
	fake_user_expect(f->env, f->session, XS_READ, 3, tx_id, "v", 1);
}

/* Row 4: a commit that failed was ended a second time at close. */
static void end_that_is_refused_ends_the_transaction(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->env, f->session, "5");

	fake_user_send(f->env, f->session, XS_TRANSACTION_END, 2, tx_id, "T",
		       2);
	test_env_refuse(f->env, test_env_next(f->env), "EAGAIN");
	fake_user_expect(f->env, f->session, XS_ERROR, 2, tx_id, "EAGAIN",
			 7);

	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
}

static void start_that_is_refused_opens_nothing(struct kunit *test)
{
	struct msg_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 1, 0, "",
		       1);
	test_env_refuse(f->env, test_env_next(f->env), "EACCES");
	fake_user_expect(f->env, f->session, XS_ERROR, 1, 0, "EACCES", 7);
	KUNIT_EXPECT_TRUE(test, hash_empty(f->session->txns));
}

static const struct msg_body_case msg_bad_starts[] = {
	{ "nothing", "", 0 },
	{ "a word", "abc", 4 },
	{ "zero", "0", 2 },
	{ "too large a number", "4294967296", 11 },
	{ "a negative number", "-1", 3 },
};

KUNIT_ARRAY_PARAM_DESC(msg_bad_start, msg_bad_starts, name);

static void start_with_a_senseless_reply_opens_nothing(struct kunit *test)
{
	const struct msg_body_case *param = test->param_value;
	struct msg_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 1, 0, "",
		       1);
	test_env_reply(f->env, test_env_next(f->env), param->body,
		       param->len);
	fake_user_expect(f->env, f->session, XS_ERROR, 1, 0, "EINVAL", 7);
	KUNIT_EXPECT_TRUE(test, hash_empty(f->session->txns));
}

/* === The gate === */

struct msg_gate_case {
	const char *name;
	u32 type;
	u32 tx_id;
	const char *body;
	size_t len;
};

static const struct msg_gate_case msg_gates[] = {
	{ "READ", XS_READ, 0, "k", 2 },
	{ "START", XS_TRANSACTION_START, 0, "", 1 },
	{ "END", XS_TRANSACTION_END, 5, "T", 2 },
	{ "WATCH", XS_WATCH, 0, "v\0t", 4 },
	{ "UNWATCH", XS_UNWATCH, 0, "w\0t", 4 },
};

KUNIT_ARRAY_PARAM_DESC(msg_gate, msg_gates, name);

static void accepted_request_is_inside_until_its_reply(struct kunit *test)
{
	const struct msg_gate_case *param = test->param_value;
	struct msg_fixture *f = test->priv;
	struct xs_gate *gate = &f->env->conn->gate;

	fake_user_start(f->env, f->session, "5");
	fake_user_watch(f->env, f->session, "w\0t", 4);
	KUNIT_ASSERT_EQ(test, gate->inside, 0);
	fake_user_send(f->env, f->session, param->type, 7, param->tx_id,
		       param->body, param->len);
	KUNIT_EXPECT_EQ(test, gate->inside, 1);
	KUNIT_EXPECT_EQ(test, test_env_answer_all(f->env), 1);
	KUNIT_EXPECT_EQ(test, gate->inside, 0);
}

static void reset_is_inside_until_the_replies_to_its_requests(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	struct xs_gate *gate = &f->env->conn->gate;

	fake_user_start(f->env, f->session, "5");
	fake_user_watch(f->env, f->session, "w\0t", 4);
	fake_user_send(f->env, f->session, XS_RESET_WATCHES, 7, 0, "", 1);
	KUNIT_EXPECT_EQ(test, gate->inside, 2);
	KUNIT_EXPECT_EQ(test, test_env_answer_all(f->env), 2);
	KUNIT_EXPECT_EQ(test, gate->inside, 0);
}

/* === When things go wrong === */

/*
 * Defect H: a task stuck in the client's memory kept the kthread from
 * delivering. All that a client can hold while it is stuck is held here.
 */
static void client_stuck_in_its_memory_delays_no_reply(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	const struct fake_message *own, *others;

	fake_user_send(f->env, f->session, XS_READ, 1, 0, "a", 2);
	fake_user_send(f->env, f->other, XS_READ, 2, 0, "b", 2);
	own = test_env_next(f->env);
	others = test_env_next(f->env);

	mutex_lock(&f->session->write_mutex);
	mutex_lock(&f->session->read_mutex);
	test_env_reply(f->env, own, "A", 1);
	test_env_reply(f->env, others, "B", 1);
	fake_user_expect(f->env, f->other, XS_READ, 2, 0, "B", 1);
	mutex_unlock(&f->session->read_mutex);
	mutex_unlock(&f->session->write_mutex);
	fake_user_expect(f->env, f->session, XS_READ, 1, 0, "A", 1);
}

/* Defect A: this stopped every client of the store, for ever. */
static void watch_behind_pending_requests_does_not_wait(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	const struct fake_message *read, *watch;

	f->env->peer->take = 0;
	fake_user_send(f->env, f->session, XS_READ, 1, 0, "k", 2);
	fake_user_send(f->env, f->session, XS_WATCH, 2, 0, "k\0t", 4);
	fake_user_send(f->env, f->session, XS_UNWATCH, 3, 0, "k\0t", 4);
	f->env->peer->take = SIZE_MAX;

	read = test_env_next(f->env);
	watch = test_env_next(f->env);
	test_env_reply(f->env, read, "v", 1);
	fake_user_expect(f->env, f->session, XS_READ, 1, 0, "v", 1);
	test_env_reply(f->env, watch, "OK", 3);
	fake_user_expect(f->env, f->session, XS_WATCH, 2, 0, "OK", 3);
	test_env_answer_all(f->env);
	fake_user_expect(f->env, f->session, XS_UNWATCH, 3, 0, "OK", 3);
}

/* Defect K: neither replies nor references came back. */
static void broken_ring_completes_each_request_with_one_eio(struct kunit *test)
{
	struct msg_fixture *f = test->priv;
	u32 tx_id = fake_user_start(f->env, f->session, "5");
	const struct {
		u32 type;
		u32 tx_id;
		const char *body;
		size_t len;
	} sent[] = {
		{ XS_READ, 0, "k", 2 },
		{ XS_WRITE, tx_id, "k\0v", 3 },
		{ XS_TRANSACTION_START, 0, "", 1 },
		{ XS_WATCH, 0, "k\0t", 4 },
		{ XS_WATCH, 0, "k\0u", 4 },
		{ XS_UNWATCH, 0, "k\0u", 4 },
		{ XS_TRANSACTION_END, tx_id, "T", 2 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sent); i++) {
		fake_user_send(f->env, f->session, sent[i].type, 10 + i,
			       sent[i].tx_id, sent[i].body, sent[i].len);
		/* Some have been sent, the others are still queued. */
		if (i == 3)
			test_env_run(f->env);
	}
	f->env->peer->page->rsp_prod = f->env->peer->page->rsp_cons + 5000;
	test_env_run(f->env);

	for (i = 0; i < ARRAY_SIZE(sent); i++)
		fake_user_expect(f->env, f->session, XS_ERROR, 10 + i,
				 sent[i].tx_id, "EIO", 4);
	fake_user_expect_nothing(f->env, f->session);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
	KUNIT_EXPECT_EQ(test, f->env->conn->gate.inside, 0);
}

static void client_of_a_broken_ring_can_close(struct kunit *test)
{
	struct msg_fixture *f = test->priv;

	fake_user_start(f->env, f->session, "5");
	fake_user_watch(f->env, f->session, "k\0t", 4);
	xs_conn_break(f->env->conn, -EIO);
	test_env_run(f->env);
	fake_user_close(f->env, f->session);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
}

static struct kunit_case msg_cases[] = {
	KUNIT_CASE(reply_has_the_id_of_the_caller),
	KUNIT_CASE(requests_with_one_id_are_told_apart),
	KUNIT_CASE(refusal_by_the_server_is_passed_on),
	KUNIT_CASE_PARAM(message_of_any_other_type_is_passed_on,
			 msg_type_gen_params),
	KUNIT_CASE(transaction_is_carried_through),
	KUNIT_CASE(transaction_that_is_not_open_gets_enoent),
	KUNIT_CASE(transaction_of_another_client_gets_enoent),
	KUNIT_CASE(start_in_a_transaction_that_is_not_open_gets_enoent),
	KUNIT_CASE(end_of_no_transaction_gets_one_enoent),
	KUNIT_CASE(second_end_gets_one_enoent),
	KUNIT_CASE_PARAM(malformed_end_gets_einval_and_ends_nothing,
			 msg_bad_end_gen_params),
	KUNIT_CASE(end_that_is_refused_ends_the_transaction),
	KUNIT_CASE(start_that_is_refused_opens_nothing),
	KUNIT_CASE_PARAM(start_with_a_senseless_reply_opens_nothing,
			 msg_bad_start_gen_params),
	KUNIT_CASE_PARAM(accepted_request_is_inside_until_its_reply,
			 msg_gate_gen_params),
	KUNIT_CASE(reset_is_inside_until_the_replies_to_its_requests),
	KUNIT_CASE(client_stuck_in_its_memory_delays_no_reply),
	KUNIT_CASE(watch_behind_pending_requests_does_not_wait),
	KUNIT_CASE(broken_ring_completes_each_request_with_one_eio),
	KUNIT_CASE(client_of_a_broken_ring_can_close),
	{}
};

static struct kunit_suite msg_suite = {
	.name = "xenstore_session_msg",
	.init = msg_init,
	.test_cases = msg_cases,
};

kunit_test_suite(msg_suite);
