// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of a connection that is lost and found again: watches, and how it can end.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "reconnect_fixture.h"

/* === Watches === */

static void watches_are_set_before_anything_else_is_sent(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	const struct fake_message *before, *after;

	before = fake_user_watch(f->site, session, "w\0t", 4);
	reconnect_lose(test);
	reconnect_submit(test, XS_WRITE, "a");
	reconnect_renew(test);
	after = test_env_await(f->site);
	KUNIT_EXPECT_EQ(test, after->hdr.type, XS_WATCH);
	KUNIT_EXPECT_EQ(test, memcmp(after->body, before->body,
				     before->hdr.len), 0);
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
	test_env_reply(f->site, after, "OK", 3);
	test_env_event(f->site, after, "w");
	fake_user_expect_event(f->site, session, "w\0t", 4);
	reconnect_settle(test);
	reconnect_expect(test, XS_WRITE, "a");
}

static void watch_in_flight_is_set(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	const struct fake_message *msg;

	fake_user_send(f->site, session, XS_WATCH, 1, 0, "w\0t", 4);
	reconnect_expect(test, XS_WATCH, "w");
	reconnect_lose(test);
	reconnect_renew(test);
	test_env_reply(f->site, test_env_await(f->site), "OK", 3);
	reconnect_settle(test);
	/* The client's own comes second. */
	msg = reconnect_expect(test, XS_WATCH, "w");
	test_env_refuse(f->site, msg, "EEXIST");
	fake_user_expect(f->site, session, XS_WATCH, 1, 0, "OK", 3);
	test_env_event(f->site, msg, "w/x");
	fake_user_expect_event(f->site, session, "w/x\0t", 6);
}

static void watch_being_removed_is_not_set_again(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	const struct fake_message *msg;

	fake_user_watch(f->site, session, "w\0t", 4);
	fake_user_send(f->site, session, XS_UNWATCH, 1, 0, "w\0t", 4);
	reconnect_expect(test, XS_UNWATCH, "w");
	reconnect_all(test);
	msg = reconnect_expect(test, XS_UNWATCH, "w");
	test_env_refuse(f->site, msg, "ENOENT");
	fake_user_expect(f->site, session, XS_UNWATCH, 1, 0, "OK", 3);
	KUNIT_EXPECT_NULL(test, test_env_next(f->site));
}

static void connection_lost_while_watches_are_set_is_found_again(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	const struct fake_message *msg;

	fake_user_watch(f->site, session, "w\0t", 4);
	reconnect_lose(test);
	reconnect_renew(test);
	KUNIT_EXPECT_EQ(test, test_env_await(f->site)->hdr.type, XS_WATCH);
	reconnect_lose(test);
	reconnect_renew(test);
	msg = test_env_await(f->site);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_WATCH);
	test_env_reply(f->site, msg, "OK", 3);
	reconnect_settle(test);
	KUNIT_EXPECT_EQ(test, f->peer->renewals, 2);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
}

static void connection_lost_when_a_watch_is_refused_is_found_again(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	const struct fake_message *msg;

	fake_user_watch(f->site, session, "w\0t\0001", 6);
	reconnect_lose(test);
	reconnect_renew(test);
	msg = test_env_await(f->site);
	/* The refusal and the loss are seen in one pass. */
	fake_peer_reply(f->peer, XS_ERROR, msg->hdr.req_id, "EINVAL", 7);
	fake_peer_step(f->peer);
	reconnect_lose(test);
	reconnect_finish(test);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
	test_env_event(f->site, msg, "w/x");
	fake_user_expect_event(f->site, session, "w/x\0t", 6);
}

static void connection_lost_twice_before_it_is_found_is_found_once(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;

	reconnect_all(test);
	/* The next reconnect has to wait for a while. */
	reconnect_lose(test);
	xs_conn_lose(f->conn);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ECONNRESET);
	reconnect_finish(test);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
	KUNIT_EXPECT_EQ(test, f->peer->renewals, 2);
}

/* === The end of it === */

static void server_that_does_not_offer_it_is_given_up(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_request *req = reconnect_submit(test, XS_READ, "a");

	WRITE_ONCE(f->peer->page->server_features, 0);
	reconnect_lose(test);
	KUNIT_EXPECT_EQ(test, f->conn->state, XS_CONN_BROKEN);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, -EIO);
	KUNIT_EXPECT_EQ(test, READ_ONCE(f->peer->page->connection),
			XENSTORE_CONNECTED);
}

static void server_that_does_not_react_is_given_up(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_request *req = reconnect_submit(test, XS_READ, "a");

	f->peer->deaf = true;
	f->conn->reconnect_timeout = 1;
	reconnect_lose(test);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	reconnect_settle(test);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -EIO);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, -EIO);
	KUNIT_EXPECT_EQ(test, f->conn->gate.inside, 0);
}

static void reboot_ends_the_wait_for_the_server(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_request *req = reconnect_submit(test, XS_READ, "a");

	f->peer->deaf = true;
	reconnect_lose(test);
	xs_conn_break(f->conn, -ESHUTDOWN);
	reconnect_settle(test);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, -ESHUTDOWN);
}

static void reboot_comes_before_a_reconnect(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;

	xs_conn_lose(f->conn);
	xs_conn_break(f->conn, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, f->conn->state, XS_CONN_BROKEN);
}

static void another_server_goes_on_where_messages_end(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;

	WRITE_ONCE(f->peer->page->server_features, 0);
	xs_conn_lose(f->conn);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ECONNRESET);
	reconnect_finish(test);
	KUNIT_EXPECT_EQ(test, f->conn->state, XS_CONN_UP);
	KUNIT_EXPECT_EQ(test, f->peer->renewals, 0);
}

static void another_server_in_the_middle_of_a_message_is_refused(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_request *req = reconnect_submit(test, XS_READ, "a");

	WRITE_ONCE(f->peer->page->server_features, 0);
	reconnect_expect(test, XS_READ, "a");
	fake_peer_put(f->peer, "\2\0\0\0\1", 5);
	test_env_run(f->site);
	xs_conn_lose(f->conn);
	xs_io_pass(f->conn);
	KUNIT_EXPECT_EQ(test, f->conn->state, XS_CONN_BROKEN);
	KUNIT_EXPECT_EQ(test, req->err, -EIO);
}

static void reboot_is_final(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;

	xs_conn_break(f->conn, -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, xs_io_pass(f->conn), -ESHUTDOWN);
	KUNIT_EXPECT_EQ(test, f->conn->state, XS_CONN_BROKEN);
}

static int reconnect_suspend(void *data)
{
	struct reconnect_fixture *f = data;

	xs_store_suspend(&f->site->store);
	return 0;
}

static void suspend_waits_until_the_server_is_found(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct fake_call *suspend;

	reconnect_lose(test);
	suspend = fake_call_start(test, reconnect_suspend, f, NULL);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(f->conn->gate.closed)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(suspend));
	reconnect_finish(test);
	fake_call_result(test, suspend);
	xs_store_suspend_cancel(&f->site->store);
}

/* === With the kthread === */

static bool reconnect_serves(struct reconnect_fixture *f, unsigned int renewals)
{
	fake_peer_interrupt(f->peer);
	test_env_answer_all(f->site);
	return f->peer->renewals == renewals && reconnect_is_over(f) &&
	       READ_ONCE(f->conn->state) == XS_CONN_UP;
}

static void kthread_goes_on(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;
	struct xs_request *req;

	test_env_start(f->site);
	WRITE_ONCE(f->peer->page->error, XENSTORE_ERROR_COMM);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(reconnect_serves(f, 1)));
	req = reconnect_submit(test, XS_READ, "a");
	KUNIT_ASSERT_TRUE(test, fake_wait_until((test_env_answer_all(f->site),
						 xs_request_is_done(req))));
	KUNIT_EXPECT_EQ(test, req->err, 0);
}

static struct kunit_case reconnect_watch_cases[] = {
	KUNIT_CASE(watches_are_set_before_anything_else_is_sent),
	KUNIT_CASE(watch_in_flight_is_set),
	KUNIT_CASE(watch_being_removed_is_not_set_again),
	KUNIT_CASE(connection_lost_while_watches_are_set_is_found_again),
	KUNIT_CASE(connection_lost_when_a_watch_is_refused_is_found_again),
	KUNIT_CASE(connection_lost_twice_before_it_is_found_is_found_once),
	KUNIT_CASE(server_that_does_not_offer_it_is_given_up),
	KUNIT_CASE(server_that_does_not_react_is_given_up),
	KUNIT_CASE(reboot_ends_the_wait_for_the_server),
	KUNIT_CASE(reboot_comes_before_a_reconnect),
	KUNIT_CASE(another_server_goes_on_where_messages_end),
	KUNIT_CASE(another_server_in_the_middle_of_a_message_is_refused),
	KUNIT_CASE(reboot_is_final),
	KUNIT_CASE(suspend_waits_until_the_server_is_found),
	KUNIT_CASE(kthread_goes_on),
	{}
};

static struct kunit_suite reconnect_watch_suite = {
	.name = "xenstore_reconnect_watch",
	.init = reconnect_init,
	.test_cases = reconnect_watch_cases,
};

kunit_test_suite(reconnect_watch_suite);
