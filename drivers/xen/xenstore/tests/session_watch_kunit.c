// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the watches of a client.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"

#define EVENT_BODY	"path\0token"
#define EVENT_LEN	sizeof(EVENT_BODY)

struct swatch_fixture {
	struct test_env *env;
	struct xs_session *session;
	struct xs_session *other;
};

static int swatch_init(struct kunit *test)
{
	struct swatch_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	f->other = fake_user_open(f->env);
	test->priv = f;
	return 0;
}

static const struct fake_message *swatch_set(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	return fake_user_watch(f->env, f->session, EVENT_BODY, EVENT_LEN);
}

static unsigned int swatch_dropped(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	return f->env->store.watches.dropped;
}

/* === Setting === */

static void watch_is_sent_with_a_token_of_our_own(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *msg;
	const char *token;

	fake_user_send(f->env, f->session, XS_WATCH, 0xcafe, 0, EVENT_BODY,
		       EVENT_LEN);
	msg = test_env_next(f->env);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_WATCH);
	KUNIT_EXPECT_STREQ(test, msg->body, "path");
	token = test_env_token(msg);
	KUNIT_EXPECT_STRNEQ(test, token, "token");
	KUNIT_EXPECT_EQ(test, msg->hdr.len, 5 + strlen(token) + 1);

	test_env_reply(f->env, msg, "OK", 3);
	fake_user_expect(f->env, f->session, XS_WATCH, 0xcafe, 0, "OK", 3);
}

/* A watch is not part of a transaction, but its message may name one. */
static void replies_name_the_transaction_of_the_message(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_WATCH, 1, 9, EVENT_BODY,
		       EVENT_LEN);
	test_env_answer_all(f->env);
	fake_user_expect(f->env, f->session, XS_WATCH, 1, 9, "OK", 3);
	fake_user_send(f->env, f->session, XS_UNWATCH, 2, 8, EVENT_BODY,
		       EVENT_LEN);
	test_env_answer_all(f->env);
	fake_user_expect(f->env, f->session, XS_UNWATCH, 2, 8, "OK", 3);
}

static void event_beside_a_long_token_fits_into_a_message(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch;
	char *body;

	body = kunit_kzalloc(test, XENSTORE_PAYLOAD_MAX, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, body);
	memset(body, 't', XENSTORE_PAYLOAD_MAX - 1);
	memcpy(body, "path", 5);
	watch = fake_user_watch(f->env, f->session, body,
				XENSTORE_PAYLOAD_MAX);
	test_env_event(f->env, watch, "path/below");
	fake_user_expect_event(f->env, f->session, body,
			       XENSTORE_PAYLOAD_MAX);
}

static void watch_extra_string_is_passed_on(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *msg;
	size_t used;

	msg = fake_user_watch(f->env, f->session, "path\0token\0002", 13);
	used = 5 + strlen(test_env_token(msg)) + 1;
	KUNIT_ASSERT_EQ(test, msg->hdr.len, used + 2);
	KUNIT_EXPECT_STREQ(test, msg->body + used, "2");
}

static void watch_is_not_waited_for(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	f->env->peer->take = 0;
	fake_user_send(f->env, f->session, XS_WATCH, 1, 0, "a\0t", 4);
	fake_user_send(f->env, f->session, XS_WATCH, 2, 0, "b\0t", 4);
	f->env->peer->take = SIZE_MAX;
	KUNIT_EXPECT_EQ(test, test_env_answer_all(f->env), 2);
	fake_user_expect(f->env, f->session, XS_WATCH, 1, 0, "OK", 3);
	fake_user_expect(f->env, f->session, XS_WATCH, 2, 0, "OK", 3);
}

static void watch_that_is_refused_is_gone(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *msg;

	fake_user_send(f->env, f->session, XS_WATCH, 7, 0, EVENT_BODY,
		       EVENT_LEN);
	msg = test_env_next(f->env);
	test_env_refuse(f->env, msg, "EQUOTA");
	fake_user_expect(f->env, f->session, XS_ERROR, 7, 0, "EQUOTA", 7);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
	test_env_event(f->env, msg, "path");
	fake_user_expect_nothing(f->env, f->session);
}

struct swatch_body_case {
	const char *name;
	const char *body;
	size_t len;
};

static const struct swatch_body_case swatch_bad_bodies[] = {
	{ "nothing", "", 0 },
	{ "no NUL", "path", 4 },
	{ "no token", "path", 5 },
	{ "token without NUL", "path\0token", 10 },
};

KUNIT_ARRAY_PARAM_DESC(swatch_bad_body, swatch_bad_bodies, name);

/* Row 5 for the body of the reply. */
static void malformed_watch_gets_einval(struct kunit *test)
{
	const struct swatch_body_case *param = test->param_value;
	struct swatch_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_WATCH, 3, 0, param->body,
		       param->len);
	fake_user_expect(f->env, f->session, XS_ERROR, 3, 0, "EINVAL", 7);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
}

static void malformed_unwatch_gets_einval(struct kunit *test)
{
	const struct swatch_body_case *param = test->param_value;
	struct swatch_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_UNWATCH, 3, 0, param->body,
		       param->len);
	fake_user_expect(f->env, f->session, XS_ERROR, 3, 0, "EINVAL", 7);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
}

static void watch_that_our_token_makes_too_long_gets_e2big(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	char *body = kunit_kzalloc(test, XENSTORE_PAYLOAD_MAX, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, body);
	memset(body, 'x', XENSTORE_PAYLOAD_MAX - 3);
	body[XENSTORE_PAYLOAD_MAX - 2] = 't';
	fake_user_send(f->env, f->session, XS_WATCH, 3, 0, body,
		       XENSTORE_PAYLOAD_MAX);
	fake_user_expect(f->env, f->session, XS_ERROR, 3, 0, "E2BIG", 6);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
}

/* === Events === */

/* Defect G: the header was what lay on the stack. */
static void event_has_the_token_of_the_client_and_no_ids(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch = swatch_set(test);

	test_env_event(f->env, watch, "path");
	fake_user_expect(f->env, f->session, XS_WATCH_EVENT, 0, 0,
			 EVENT_BODY, EVENT_LEN);
	fake_user_expect_nothing(f->env, f->session);
}

static void event_names_the_path_that_changed(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch = swatch_set(test);

	test_env_event(f->env, watch, "path/below");
	fake_user_expect_event(f->env, f->session, "path/below\0token", 17);
}

static void event_before_the_reply_is_delivered(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *msg;

	fake_user_send(f->env, f->session, XS_WATCH, 1, 0, EVENT_BODY,
		       EVENT_LEN);
	msg = test_env_next(f->env);
	test_env_event(f->env, msg, "path");
	test_env_reply(f->env, msg, "OK", 3);
	fake_user_expect_event(f->env, f->session, EVENT_BODY, EVENT_LEN);
	fake_user_expect(f->env, f->session, XS_WATCH, 1, 0, "OK", 3);
}

static void event_reaches_only_the_client_that_watches(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *ours = swatch_set(test), *theirs;

	theirs = fake_user_watch(f->env, f->other, EVENT_BODY, EVENT_LEN);
	KUNIT_EXPECT_STRNEQ(test, test_env_token(ours),
			    test_env_token(theirs));
	test_env_event(f->env, theirs, "path");
	fake_user_expect_event(f->env, f->other, EVENT_BODY, EVENT_LEN);
	fake_user_expect_nothing(f->env, f->session);
}

static void event_comes_to_each_of_two_equal_watches(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *first = swatch_set(test);
	const struct fake_message *second = swatch_set(test);

	test_env_event(f->env, first, "path");
	test_env_event(f->env, second, "path");
	fake_user_expect_event(f->env, f->session, EVENT_BODY, EVENT_LEN);
	fake_user_expect_event(f->env, f->session, EVENT_BODY, EVENT_LEN);
	fake_user_expect_nothing(f->env, f->session);
}

/* Defect O: a client that did not read cost memory without bound. */
static void event_equal_to_an_unread_one_is_merged(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch = swatch_set(test);
	unsigned int i;

	for (i = 0; i < 100; i++)
		test_env_event(f->env, watch, "path");
	fake_user_expect_event(f->env, f->session, EVENT_BODY, EVENT_LEN);
	fake_user_expect_nothing(f->env, f->session);
	test_env_event(f->env, watch, "path");
	fake_user_expect_event(f->env, f->session, EVENT_BODY, EVENT_LEN);
}

static void event_that_differs_from_unread_ones_is_kept(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch = swatch_set(test);

	test_env_event(f->env, watch, "path/a");
	test_env_event(f->env, watch, "path/b");
	test_env_event(f->env, watch, "path/a");
	fake_user_expect_event(f->env, f->session, "path/a\0token", 13);
	fake_user_expect_event(f->env, f->session, "path/b\0token", 13);
	fake_user_expect_nothing(f->env, f->session);
}

static void event_equal_to_a_partly_read_one_is_kept(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch = swatch_set(test);
	char rest[sizeof(struct xsd_sockmsg) + EVENT_LEN];

	test_env_event(f->env, watch, "path");
	KUNIT_EXPECT_EQ(test, fake_user_read(f->session, rest, 1), 1);
	test_env_event(f->env, watch, "path");
	KUNIT_EXPECT_EQ(test, fake_user_read(f->session, rest,
					     sizeof(rest) - 1),
			sizeof(rest) - 1);
	fake_user_expect_event(f->env, f->session, EVENT_BODY, EVENT_LEN);
}

/* === Removing === */

static void unwatch_is_sent_with_the_token_of_the_watch(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch = swatch_set(test), *msg;

	fake_user_send(f->env, f->session, XS_UNWATCH, 9, 0, EVENT_BODY,
		       EVENT_LEN);
	msg = test_env_next(f->env);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_UNWATCH);
	KUNIT_EXPECT_STREQ(test, msg->body, "path");
	KUNIT_EXPECT_STREQ(test, test_env_token(msg), test_env_token(watch));
	test_env_reply(f->env, msg, "OK", 3);
	fake_user_expect(f->env, f->session, XS_UNWATCH, 9, 0, "OK", 3);
}

static void unwatch_ends_the_events(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch = swatch_set(test);
	unsigned int before = swatch_dropped(test);

	fake_user_send(f->env, f->session, XS_UNWATCH, 9, 0, EVENT_BODY,
		       EVENT_LEN);
	test_env_event(f->env, watch, "path");
	fake_user_expect_nothing(f->env, f->session);
	KUNIT_EXPECT_EQ(test, swatch_dropped(test), before + 1);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
}

static void unwatch_of_nothing_gets_ok(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_UNWATCH, 9, 0, EVENT_BODY,
		       EVENT_LEN);
	fake_user_expect(f->env, f->session, XS_UNWATCH, 9, 0, "OK", 3);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
}

static void unwatch_with_another_path_or_token_touches_nothing(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch = swatch_set(test);

	fake_user_send(f->env, f->session, XS_UNWATCH, 2, 0, "path\0other",
		       11);
	fake_user_send(f->env, f->session, XS_UNWATCH, 3, 0, "pat\0token",
		       10);
	fake_user_send(f->env, f->other, XS_UNWATCH, 4, 0, EVENT_BODY,
		       EVENT_LEN);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	fake_user_expect(f->env, f->session, XS_UNWATCH, 2, 0, "OK", 3);
	fake_user_expect(f->env, f->session, XS_UNWATCH, 3, 0, "OK", 3);
	test_env_event(f->env, watch, "path");
	fake_user_expect_event(f->env, f->session, EVENT_BODY, EVENT_LEN);
}

static void unwatch_removes_the_newest_of_equal_watches(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *first = swatch_set(test);
	const struct fake_message *second = swatch_set(test), *msg;

	fake_user_send(f->env, f->session, XS_UNWATCH, 9, 0, EVENT_BODY,
		       EVENT_LEN);
	msg = test_env_next(f->env);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_STREQ(test, test_env_token(msg), test_env_token(second));
	test_env_reply(f->env, msg, "OK", 3);
	fake_user_expect(f->env, f->session, XS_UNWATCH, 9, 0, "OK", 3);
	test_env_event(f->env, first, "path");
	fake_user_expect_event(f->env, f->session, EVENT_BODY, EVENT_LEN);
}

static void unwatch_of_what_the_server_has_forgotten_gets_ok(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	swatch_set(test);
	fake_user_send(f->env, f->session, XS_UNWATCH, 9, 0, EVENT_BODY,
		       EVENT_LEN);
	test_env_refuse(f->env, test_env_next(f->env), "ENOENT");
	fake_user_expect(f->env, f->session, XS_UNWATCH, 9, 0, "OK", 3);
}

static void unwatch_that_is_refused_is_passed_on(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	swatch_set(test);
	fake_user_send(f->env, f->session, XS_UNWATCH, 9, 0, EVENT_BODY,
		       EVENT_LEN);
	test_env_refuse(f->env, test_env_next(f->env), "EACCES");
	fake_user_expect(f->env, f->session, XS_ERROR, 9, 0, "EACCES", 7);
}

static void unwatch_that_is_not_accepted_changes_nothing(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	swatch_set(test);
	xs_conn_break(f->env->conn, -EIO);
	test_env_run(f->env);
	KUNIT_EXPECT_EQ(test, fake_user_try_send(f->env, f->session,
						 XS_UNWATCH, 9, 0, EVENT_BODY,
						 EVENT_LEN), -EIO);
	KUNIT_EXPECT_TRUE(test, test_env_has_watches(f->env));
	KUNIT_EXPECT_TRUE(test, list_is_singular(&f->session->watch_list));
}

static void unwatch_right_behind_the_watch_removes_it(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *watch;

	fake_user_send(f->env, f->session, XS_WATCH, 1, 0, EVENT_BODY,
		       EVENT_LEN);
	fake_user_send(f->env, f->session, XS_UNWATCH, 2, 0, EVENT_BODY,
		       EVENT_LEN);
	watch = test_env_next(f->env);
	test_env_refuse(f->env, watch, "EINVAL");
	test_env_refuse(f->env, test_env_next(f->env), "ENOENT");
	fake_user_expect(f->env, f->session, XS_ERROR, 1, 0, "EINVAL", 7);
	fake_user_expect(f->env, f->session, XS_UNWATCH, 2, 0, "OK", 3);
	KUNIT_EXPECT_FALSE(test, test_env_has_watches(f->env));
}

static void reset_removes_only_what_is_the_clients_own(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *ours = swatch_set(test), *theirs, *msg;
	u32 tx_id = fake_user_start(f->env, f->session, "5");

	theirs = fake_user_watch(f->env, f->other, EVENT_BODY, EVENT_LEN);
	fake_user_send(f->env, f->session, XS_RESET_WATCHES, 3, 0, "", 1);
	fake_user_expect(f->env, f->session, XS_RESET_WATCHES, 3, 0, "OK",
			 3);
	msg = test_env_next(f->env);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_TRANSACTION_END);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, tx_id);
	KUNIT_EXPECT_STREQ(test, msg->body, "F");
	msg = test_env_next(f->env);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_UNWATCH);
	KUNIT_EXPECT_STREQ(test, test_env_token(msg), test_env_token(ours));
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	test_env_event(f->env, theirs, "path");
	fake_user_expect_event(f->env, f->other, EVENT_BODY, EVENT_LEN);
}

static void reset_covers_a_transaction_that_is_being_started(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;
	const struct fake_message *start, *msg;

	fake_user_send(f->env, f->session, XS_TRANSACTION_START, 1, 0, "", 1);
	start = test_env_next(f->env);
	fake_user_send(f->env, f->session, XS_RESET_WATCHES, 2, 0, "", 1);
	fake_user_expect(f->env, f->session, XS_RESET_WATCHES, 2, 0, "OK", 3);
	test_env_reply(f->env, start, "5", 2);
	fake_user_expect(f->env, f->session, XS_TRANSACTION_START, 1, 0, "5", 2);
	flush_work(&f->session->cleanup_work);

	msg = test_env_next(f->env);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_TRANSACTION_END);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, 5);
	KUNIT_EXPECT_STREQ(test, msg->body, "F");
	fake_user_send(f->env, f->session, XS_READ, 3, 5, "k", 2);
	fake_user_expect(f->env, f->session, XS_ERROR, 3, 5, "ENOENT", 7);
}

static void reset_spares_what_is_begun_after_it(struct kunit *test)
{
	struct swatch_fixture *f = test->priv;

	fake_user_send(f->env, f->session, XS_RESET_WATCHES, 1, 0, "", 1);
	fake_user_expect(f->env, f->session, XS_RESET_WATCHES, 1, 0, "OK", 3);
	fake_user_start(f->env, f->session, "5");
	flush_work(&f->session->cleanup_work);
	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
	KUNIT_EXPECT_FALSE(test, hash_empty(f->session->txns));
}

static struct kunit_case swatch_cases[] = {
	KUNIT_CASE(watch_is_sent_with_a_token_of_our_own),
	KUNIT_CASE(replies_name_the_transaction_of_the_message),
	KUNIT_CASE(event_beside_a_long_token_fits_into_a_message),
	KUNIT_CASE(watch_extra_string_is_passed_on),
	KUNIT_CASE(watch_is_not_waited_for),
	KUNIT_CASE(watch_that_is_refused_is_gone),
	KUNIT_CASE_PARAM(malformed_watch_gets_einval,
			 swatch_bad_body_gen_params),
	KUNIT_CASE_PARAM(malformed_unwatch_gets_einval,
			 swatch_bad_body_gen_params),
	KUNIT_CASE(watch_that_our_token_makes_too_long_gets_e2big),
	KUNIT_CASE(event_has_the_token_of_the_client_and_no_ids),
	KUNIT_CASE(event_names_the_path_that_changed),
	KUNIT_CASE(event_before_the_reply_is_delivered),
	KUNIT_CASE(event_reaches_only_the_client_that_watches),
	KUNIT_CASE(event_comes_to_each_of_two_equal_watches),
	KUNIT_CASE(event_equal_to_an_unread_one_is_merged),
	KUNIT_CASE(event_that_differs_from_unread_ones_is_kept),
	KUNIT_CASE(event_equal_to_a_partly_read_one_is_kept),
	KUNIT_CASE(unwatch_is_sent_with_the_token_of_the_watch),
	KUNIT_CASE(unwatch_ends_the_events),
	KUNIT_CASE(unwatch_of_nothing_gets_ok),
	KUNIT_CASE(unwatch_with_another_path_or_token_touches_nothing),
	KUNIT_CASE(unwatch_removes_the_newest_of_equal_watches),
	KUNIT_CASE(unwatch_of_what_the_server_has_forgotten_gets_ok),
	KUNIT_CASE(unwatch_that_is_refused_is_passed_on),
	KUNIT_CASE(unwatch_that_is_not_accepted_changes_nothing),
	KUNIT_CASE(unwatch_right_behind_the_watch_removes_it),
	KUNIT_CASE(reset_removes_only_what_is_the_clients_own),
	KUNIT_CASE(reset_covers_a_transaction_that_is_being_started),
	KUNIT_CASE(reset_spares_what_is_begun_after_it),
	{}
};

static struct kunit_suite swatch_suite = {
	.name = "xenstore_session_watch",
	.init = swatch_init,
	.test_cases = swatch_cases,
};

kunit_test_suite(swatch_suite);
