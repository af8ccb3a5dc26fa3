// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the fake store, through a connection that the test steps.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "fake_store.h"

struct store_fixture {
	struct fake_store *store;
	struct xs_conn *conn;
	/* Events in the order of arrival, each as "path token ". */
	char events[256];
};

static int store_record_event(struct xs_conn *conn, const char *body, size_t len)
{
	struct store_fixture *f = conn->owner;

	strlcat(f->events, body, sizeof(f->events));
	strlcat(f->events, " ", sizeof(f->events));
	strlcat(f->events, body + strlen(body) + 1, sizeof(f->events));
	strlcat(f->events, " ", sizeof(f->events));
	return 0;
}

static const struct xs_conn_ops store_record_ops = {
	.event = store_record_event,
};

static int store_init(struct kunit *test)
{
	struct store_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->conn = fake_conn_create(test, &f->store->peer.t, &store_record_ops,
				   f, FAKE_CONN_UP);
	test->priv = f;
	return 0;
}

static void store_pump(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, fake_peer_run(&f->store->peer, f->conn), 0);
}

/* Send a request and fetch the reply. */
static const struct xs_msg *store_ask(struct kunit *test, u32 type,
				      const void *payload, size_t len)
{
	struct store_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, type, payload, len);
	store_pump(test);
	KUNIT_ASSERT_TRUE(test, xs_request_is_done(req));
	return &req->reply;
}

/* The same in a transaction. */
static const struct xs_msg *store_ask_in(struct kunit *test, u32 tx_id,
					 u32 type, const void *payload,
					 size_t len)
{
	struct store_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, type, payload, len);
	/* It is not on the ring before the pump runs. */
	xs_request_header(req)->tx_id = tx_id;
	store_pump(test);
	KUNIT_ASSERT_TRUE(test, xs_request_is_done(req));
	return &req->reply;
}

static void store_expect(struct kunit *test, const struct xs_msg *reply,
			 u32 type, const void *body, size_t len)
{
	KUNIT_EXPECT_EQ(test, reply->hdr.type, type);
	KUNIT_EXPECT_EQ(test, reply->hdr.len, len);
	if (reply->hdr.len == len)
		KUNIT_EXPECT_EQ(test, memcmp(reply->body, body, len), 0);
}

static void store_expect_error(struct kunit *test, const struct xs_msg *reply,
			       const char *name)
{
	KUNIT_EXPECT_EQ(test, reply->hdr.type, XS_ERROR);
	KUNIT_EXPECT_STREQ(test, reply->body, name);
}

static u32 store_start(struct kunit *test)
{
	const struct xs_msg *reply = store_ask(test, XS_TRANSACTION_START, "", 1);
	u32 tx_id = 0;

	KUNIT_ASSERT_EQ(test, reply->hdr.type, XS_TRANSACTION_START);
	KUNIT_ASSERT_EQ(test, xs_wire_parse_u32(reply->body, reply->hdr.len,
						&tx_id), 0);
	return tx_id;
}

/* What is asked of a small store, and what it says. */
struct store_case {
	const char *name;
	u32 type;
	const char *payload;
	size_t len;
	u32 reply_type;
	const char *reply;
	size_t reply_len;
};

static const struct store_case store_cases_alone[] = {
	{ "write", XS_WRITE, "/x/y\0val", 8, XS_WRITE, "OK", 3 },
	{ "mkdir", XS_MKDIR, "/x/y", 5, XS_MKDIR, "OK", 3 },
	{ "read", XS_READ, "/a", 3, XS_READ, "value", 5 },
	{ "read nothing there", XS_READ, "/b", 3, XS_ERROR, "ENOENT", 7 },
	{ "read without NUL", XS_READ, "/a", 2, XS_ERROR, "EINVAL", 7 },
	{ "read bad character", XS_READ, "/a b", 5, XS_ERROR, "EINVAL", 7 },
	{ "read double slash", XS_READ, "//a", 4, XS_ERROR, "EINVAL", 7 },
	{ "read trailing slash", XS_READ, "/a/", 4, XS_ERROR, "EINVAL", 7 },
	{ "read special", XS_READ, "@x", 3, XS_ERROR, "EINVAL", 7 },
	{ "directory", XS_DIRECTORY, "/", 2, XS_DIRECTORY, "a\0dir", 6 },
	{ "directory empty", XS_DIRECTORY, "/a", 3, XS_DIRECTORY, "", 0 },
	{ "directory part", XS_DIRECTORY_PART, "/dir\0000", 7,
	  XS_DIRECTORY_PART, "2\0c1\0c2\0", 9 },
	{ "directory part from the middle", XS_DIRECTORY_PART, "/dir\0003", 7,
	  XS_DIRECTORY_PART, "2\0c2\0", 6 },
	{ "rm", XS_RM, "/a", 3, XS_RM, "OK", 3 },
	{ "rm only parent there", XS_RM, "/b", 3, XS_RM, "OK", 3 },
	{ "rm no parent", XS_RM, "/b/c", 5, XS_ERROR, "ENOENT", 7 },
	{ "rm root", XS_RM, "/", 2, XS_ERROR, "EINVAL", 7 },
	{ "get perms", XS_GET_PERMS, "/a", 3, XS_GET_PERMS, "n7", 3 },
	{ "set perms", XS_SET_PERMS, "/a\0n7", 6, XS_SET_PERMS, "OK", 3 },
	{ "domain path", XS_GET_DOMAIN_PATH, "3", 2,
	  XS_GET_DOMAIN_PATH, "/local/domain/3", 16 },
	{ "is introduced", XS_IS_DOMAIN_INTRODUCED, "3", 2,
	  XS_IS_DOMAIN_INTRODUCED, "T", 2 },
	{ "reset watches", XS_RESET_WATCHES, "", 1, XS_RESET_WATCHES, "OK", 3 },
	{ "unwatch unknown", XS_UNWATCH, "/a\0t", 5, XS_ERROR, "ENOENT", 7 },
	{ "watch without token", XS_WATCH, "/a", 3, XS_ERROR, "EINVAL", 7 },
	{ "end of nothing", XS_TRANSACTION_END, "T", 2, XS_ERROR, "ENOENT", 7 },
	{ "unknown type", XS_INVALID, "", 0, XS_ERROR, "ENOSYS", 7 },
	{ "type that is not there", XS_INTRODUCE, "", 0, XS_ERROR, "ENOSYS", 7 },
};

KUNIT_ARRAY_PARAM_DESC(store_alone, store_cases_alone, name);

static void request_is_answered_as_the_protocol_says(struct kunit *test)
{
	const struct store_case *param = test->param_value;
	struct store_fixture *f = test->priv;

	f->store->generation = 0;
	fake_store_write(f->store, "/a", "value", 5);
	fake_store_write(f->store, "/dir/c1", "", 0);
	fake_store_write(f->store, "/dir/c2", "", 0);
	f->store->generation = 2;

	store_expect(test, store_ask(test, param->type, param->payload,
				     param->len),
		     param->reply_type, param->reply, param->reply_len);
}

static void reply_carries_the_id_of_the_request(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, XS_READ, "/a", 3);
	store_pump(test);

	KUNIT_EXPECT_EQ(test, req->reply.hdr.req_id, req->id);
}

static void directory_that_is_too_large_is_e2big(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	char path[64];
	unsigned int i;

	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/dir/%050u", i);
		fake_store_write(f->store, path, "", 0);
	}

	store_expect_error(test, store_ask(test, XS_DIRECTORY, "/dir", 5),
			   "E2BIG");
}

static void refused_type_gets_the_error_that_was_set(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	f->store->refuse[XS_READ] = "EACCES";

	store_expect_error(test, store_ask(test, XS_READ, "/", 2), "EACCES");
	store_expect(test, store_ask(test, XS_MKDIR, "/b", 3), XS_MKDIR, "OK", 3);
}

/* Watches */

static void watch_fires_at_once(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	store_expect(test, store_ask(test, XS_WATCH, "/a\0t", 5), XS_WATCH,
		     "OK", 3);

	KUNIT_EXPECT_STREQ(test, f->events, "/a t ");
	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 1);
}

static void watch_given_twice_is_eexist(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	store_ask(test, XS_WATCH, "/a\0t", 5);
	store_expect_error(test, store_ask(test, XS_WATCH, "/a\0t", 5), "EEXIST");
	store_expect(test, store_ask(test, XS_WATCH, "/a\0u", 5), XS_WATCH,
		     "OK", 3);

	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, "/a"), 2);
}

static void watch_beyond_the_quota_is_e2big(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	f->store->max_watches = 1;
	store_ask(test, XS_WATCH, "/a\0t", 5);

	store_expect_error(test, store_ask(test, XS_WATCH, "/b\0t", 5), "E2BIG");
}

struct store_event_case {
	const char *name;
	const char *path;
	bool rm;
	const char *events;
};

/* With a watch on /a/b. */
static const struct store_event_case store_event_cases[] = {
	{ "node written", "/a/b", false, "/a/b t " },
	{ "child written", "/a/b/c", false, "/a/b/c t " },
	{ "sibling written", "/a/bc", false, "" },
	{ "parent written", "/a", false, "" },
	{ "node removed", "/a/b", true, "/a/b t " },
	{ "child removed", "/a/b/x", true, "/a/b/x t " },
	{ "parent removed", "/a", true, "/a/b t " },
};

KUNIT_ARRAY_PARAM_DESC(store_event, store_event_cases, name);

static void watch_fires_for_its_node_and_what_is_below(struct kunit *test)
{
	const struct store_event_case *param = test->param_value;
	struct store_fixture *f = test->priv;

	fake_store_write(f->store, "/a/b/x", "", 0);
	store_ask(test, XS_WATCH, "/a/b\0t", 7);
	f->events[0] = '\0';
	if (param->rm)
		fake_store_rm(f->store, param->path);
	else
		fake_store_write(f->store, param->path, "", 0);
	store_pump(test);

	KUNIT_EXPECT_STREQ(test, f->events, param->events);
}

static void watch_on_a_relative_path_fires_with_relative_paths(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	store_ask(test, XS_WATCH, "device\0t", 9);
	fake_store_write(f->store, FAKE_STORE_HOME "/device/vif", "", 0);
	store_pump(test);

	KUNIT_EXPECT_STREQ(test, f->events, "device t device/vif t ");
}

static void watch_on_a_special_path_fires_when_told(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	store_ask(test, XS_WATCH, "@releaseDomain\0t", 17);
	fake_store_fire(f->store, "@releaseDomain");
	fake_store_fire(f->store, "@introduceDomain");
	store_pump(test);

	KUNIT_EXPECT_STREQ(test, f->events, "@releaseDomain t @releaseDomain t ");
}

static void watch_removed_fires_no_more(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	store_ask(test, XS_WATCH, "/a\0t", 5);
	store_expect(test, store_ask(test, XS_UNWATCH, "/a\0t", 5), XS_UNWATCH,
		     "OK", 3);
	fake_store_write(f->store, "/a", "", 0);
	store_pump(test);

	KUNIT_EXPECT_STREQ(test, f->events, "/a t ");
}

static void event_comes_after_the_reply_or_before_it_as_told(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	struct xs_request *req;

	/* Enough for the event only. */
	f->store->events_first = true;
	f->store->peer.automatic = false;
	f->store->peer.give = sizeof(struct xsd_sockmsg) + 5;
	req = fake_conn_submit(test, f->conn, XS_WATCH, "/a\0t", 5);
	xs_io_pass(f->conn);
	fake_peer_step(&f->store->peer);
	xs_io_pass(f->conn);

	KUNIT_EXPECT_STREQ(test, f->events, "/a t ");
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	store_pump(test);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
}

/* Transactions */

static void transaction_sees_its_own_writes_alone(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	u32 tx_id = store_start(test);

	store_ask_in(test, tx_id, XS_WRITE, "/a\0in", 5);

	store_expect(test, store_ask_in(test, tx_id, XS_READ, "/a", 3), XS_READ,
		     "in", 2);
	store_expect_error(test, store_ask(test, XS_READ, "/a", 3), "ENOENT");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(f->store), 1);
}

static void transaction_fires_watches_when_committed(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	u32 tx_id;

	store_ask(test, XS_WATCH, "/a\0t", 5);
	tx_id = store_start(test);
	store_ask_in(test, tx_id, XS_WRITE, "/a\0in", 5);
	KUNIT_EXPECT_STREQ(test, f->events, "/a t ");
	store_expect(test, store_ask_in(test, tx_id, XS_TRANSACTION_END, "T", 2),
		     XS_TRANSACTION_END, "OK", 3);

	KUNIT_EXPECT_STREQ(test, f->events, "/a t /a t ");
	KUNIT_EXPECT_STREQ(test, fake_store_value(f->store, "/a", NULL), "in");
}

static void transaction_aborted_fires_nothing(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	u32 tx_id;

	store_ask(test, XS_WATCH, "/a\0t", 5);
	tx_id = store_start(test);
	store_ask_in(test, tx_id, XS_WRITE, "/a\0in", 5);
	store_ask_in(test, tx_id, XS_TRANSACTION_END, "F", 2);

	KUNIT_EXPECT_STREQ(test, f->events, "/a t ");
	KUNIT_EXPECT_NULL(test, fake_store_value(f->store, "/a", NULL));
}

static void transaction_with_a_write_between_is_eagain_and_gone(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	u32 tx_id = store_start(test);

	fake_store_write(f->store, "/b", "", 0);

	store_expect_error(test, store_ask_in(test, tx_id, XS_TRANSACTION_END,
					      "T", 2), "EAGAIN");
	store_expect_error(test, store_ask_in(test, tx_id, XS_READ, "/b", 3),
			   "ENOENT");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(f->store), 0);
}

static void transaction_told_to_conflict_is_eagain_once(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	f->store->conflicts = 1;

	store_expect_error(test, store_ask_in(test, store_start(test),
					      XS_TRANSACTION_END, "T", 2),
			   "EAGAIN");
	store_expect(test, store_ask_in(test, store_start(test),
					XS_TRANSACTION_END, "T", 2),
		     XS_TRANSACTION_END, "OK", 3);
}

static void transaction_beyond_the_quota_is_enospc(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	f->store->max_transactions = 1;
	store_start(test);

	store_expect_error(test, store_ask(test, XS_TRANSACTION_START, "", 1),
			   "ENOSPC");
}

static void transaction_within_another_is_ebusy(struct kunit *test)
{
	u32 tx_id = store_start(test);

	store_expect_error(test, store_ask_in(test, tx_id, XS_TRANSACTION_START,
					      "", 1), "EBUSY");
}

static void transaction_ended_by_another_letter_stays_open(struct kunit *test)
{
	struct store_fixture *f = test->priv;
	u32 tx_id = store_start(test);

	store_expect_error(test, store_ask_in(test, tx_id, XS_TRANSACTION_END,
					      "X", 2), "EINVAL");
	store_expect_error(test, store_ask_in(test, tx_id, XS_TRANSACTION_END,
					      "T", 1), "EINVAL");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(f->store), 1);
}

static void reconnect_forgets_the_client_but_not_the_nodes(struct kunit *test)
{
	struct store_fixture *f = test->priv;

	fake_store_write(f->store, "/a", "value", 5);
	store_ask(test, XS_WATCH, "/a\0t", 5);
	store_start(test);
	KUNIT_EXPECT_EQ(test, xs_io_reconnect(f->conn), 0);

	KUNIT_EXPECT_EQ(test, fake_store_watches(f->store, NULL), 0);
	KUNIT_EXPECT_EQ(test, fake_store_transactions(f->store), 0);
	store_expect(test, store_ask(test, XS_READ, "/a", 3), XS_READ, "value",
		     5);
}

static struct kunit_case store_cases[] = {
	KUNIT_CASE_PARAM(request_is_answered_as_the_protocol_says,
			 store_alone_gen_params),
	KUNIT_CASE(reply_carries_the_id_of_the_request),
	KUNIT_CASE(directory_that_is_too_large_is_e2big),
	KUNIT_CASE(refused_type_gets_the_error_that_was_set),
	KUNIT_CASE(watch_fires_at_once),
	KUNIT_CASE(watch_given_twice_is_eexist),
	KUNIT_CASE(watch_beyond_the_quota_is_e2big),
	KUNIT_CASE_PARAM(watch_fires_for_its_node_and_what_is_below,
			 store_event_gen_params),
	KUNIT_CASE(watch_on_a_relative_path_fires_with_relative_paths),
	KUNIT_CASE(watch_on_a_special_path_fires_when_told),
	KUNIT_CASE(watch_removed_fires_no_more),
	KUNIT_CASE(event_comes_after_the_reply_or_before_it_as_told),
	KUNIT_CASE(transaction_sees_its_own_writes_alone),
	KUNIT_CASE(transaction_fires_watches_when_committed),
	KUNIT_CASE(transaction_aborted_fires_nothing),
	KUNIT_CASE(transaction_with_a_write_between_is_eagain_and_gone),
	KUNIT_CASE(transaction_told_to_conflict_is_eagain_once),
	KUNIT_CASE(transaction_beyond_the_quota_is_enospc),
	KUNIT_CASE(transaction_within_another_is_ebusy),
	KUNIT_CASE(transaction_ended_by_another_letter_stays_open),
	KUNIT_CASE(reconnect_forgets_the_client_but_not_the_nodes),
	{}
};

static struct kunit_suite store_suite = {
	.name = "xenstore_fake_store",
	.init = store_init,
	.test_cases = store_cases,
};

kunit_test_suite(store_suite);
