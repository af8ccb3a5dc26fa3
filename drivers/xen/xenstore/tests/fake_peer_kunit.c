// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the scripted peer, without a connection: the test does by hand what
 * ring.c does.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/string.h>

#include "fake_peer.h"

struct peer_fixture {
	struct fake_peer *peer;
	unsigned int events;
};

static void peer_count_event(struct xs_transport *t)
{
	struct peer_fixture *f = t->conn;

	f->events++;
}

static int peer_init(struct kunit *test)
{
	struct peer_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->peer = fake_peer_create(test);
	f->peer->t.notified = peer_count_event;
	f->peer->t.conn = f;
	test->priv = f;
	return 0;
}

/* Put bytes on the request ring as a client does. */
static void peer_produce(struct fake_peer *peer, const void *bytes, size_t len)
{
	struct xenstore_domain_interface *page = peer->page;
	const char *from = bytes;

	while (len--)
		page->req[MASK_XENSTORE_IDX(page->req_prod++)] = *from++;
}

/* Take bytes from the response ring as a client does. */
static void peer_consume(struct fake_peer *peer, void *bytes, size_t len)
{
	struct xenstore_domain_interface *page = peer->page;
	char *to = bytes;

	while (len--)
		*to++ = page->rsp[MASK_XENSTORE_IDX(page->rsp_cons++)];
}

static void peer_send(struct fake_peer *peer, u32 type, const char *body)
{
	struct xsd_sockmsg hdr = {
		.type = type,
		.req_id = 3,
		.len = strlen(body) + 1,
	};

	peer_produce(peer, &hdr, sizeof(hdr));
	peer_produce(peer, body, hdr.len);
}

static u32 peer_unread(const struct fake_peer *peer)
{
	return peer->page->rsp_prod - peer->page->rsp_cons;
}

static const size_t peer_chunks[] = { 1, 2, 15, 16, 17, 1023, SIZE_MAX };

static void peer_chunk_desc(const size_t *chunk, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "by %zu", *chunk);
}

KUNIT_ARRAY_PARAM(peer_chunk, peer_chunks, peer_chunk_desc);

static void message_taken_in_chunks_is_seen_whole(struct kunit *test)
{
	struct peer_fixture *f = test->priv;
	const struct fake_message *seen;

	f->peer->take = *(const size_t *)test->param_value;
	peer_send(f->peer, XS_READ, "first");
	peer_send(f->peer, XS_WRITE, "second");
	fake_peer_settle(f->peer);

	KUNIT_ASSERT_EQ(test, fake_peer_count(f->peer), 2);
	seen = fake_peer_seen(f->peer, 0);
	KUNIT_EXPECT_EQ(test, seen->hdr.type, XS_READ);
	KUNIT_EXPECT_STREQ(test, seen->body, "first");
	seen = fake_peer_seen(f->peer, 1);
	KUNIT_EXPECT_EQ(test, seen->hdr.type, XS_WRITE);
	KUNIT_EXPECT_STREQ(test, seen->body, "second");
	KUNIT_EXPECT_NULL(test, fake_peer_seen(f->peer, 2));
}

static void reply_given_in_chunks_is_received_whole(struct kunit *test)
{
	struct peer_fixture *f = test->priv;
	struct xsd_sockmsg hdr;
	char body[6];

	f->peer->give = *(const size_t *)test->param_value;
	fake_peer_reply(f->peer, XS_READ, 3, "value", 6);
	fake_peer_settle(f->peer);
	KUNIT_ASSERT_EQ(test, peer_unread(f->peer), sizeof(hdr) + 6);
	peer_consume(f->peer, &hdr, sizeof(hdr));
	peer_consume(f->peer, body, sizeof(body));

	KUNIT_EXPECT_EQ(test, hdr.type, XS_READ);
	KUNIT_EXPECT_EQ(test, hdr.req_id, 3);
	KUNIT_EXPECT_STREQ(test, body, "value");
}

static void step_moves_no_more_than_it_may(struct kunit *test)
{
	struct peer_fixture *f = test->priv;

	f->peer->take = 3;
	f->peer->give = 2;
	peer_send(f->peer, XS_READ, "path");
	fake_peer_put(f->peer, "reply", 5);

	KUNIT_EXPECT_EQ(test, fake_peer_step(f->peer), 5);
	KUNIT_EXPECT_EQ(test, f->peer->page->req_cons, FAKE_PEER_START + 3);
	KUNIT_EXPECT_EQ(test, peer_unread(f->peer), 2);
}

static void step_that_may_move_nothing_leaves_the_rings(struct kunit *test)
{
	struct peer_fixture *f = test->priv;

	f->peer->take = 0;
	f->peer->give = 0;
	peer_send(f->peer, XS_READ, "path");
	fake_peer_put(f->peer, "reply", 5);

	KUNIT_EXPECT_EQ(test, fake_peer_step(f->peer), 0);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 0);
	KUNIT_EXPECT_EQ(test, peer_unread(f->peer), 0);
	KUNIT_EXPECT_EQ(test, f->events, 0);
}

static void step_that_moved_something_signals_once(struct kunit *test)
{
	struct peer_fixture *f = test->priv;

	peer_send(f->peer, XS_READ, "path");
	fake_peer_put(f->peer, "reply", 5);
	fake_peer_step(f->peer);

	KUNIT_EXPECT_EQ(test, f->events, 1);
}

static void replies_that_do_not_fit_wait_for_room(struct kunit *test)
{
	struct peer_fixture *f = test->priv;
	char bytes[XENSTORE_RING_SIZE];
	unsigned int i;

	for (i = 0; i < 3; i++)
		fake_peer_put(f->peer, bytes, 500);
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, peer_unread(f->peer), XENSTORE_RING_SIZE);

	peer_consume(f->peer, bytes, sizeof(bytes));
	fake_peer_settle(f->peer);
	KUNIT_EXPECT_EQ(test, peer_unread(f->peer), 1500 - XENSTORE_RING_SIZE);
}

static void kick_of_a_stepped_peer_is_counted_only(struct kunit *test)
{
	struct peer_fixture *f = test->priv;

	peer_send(f->peer, XS_READ, "path");
	f->peer->t.ops->notify(&f->peer->t);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 0);
}

static void kick_of_an_automatic_peer_does_the_work(struct kunit *test)
{
	struct peer_fixture *f = test->priv;

	f->peer->automatic = true;
	peer_send(f->peer, XS_READ, "path");
	f->peer->t.ops->notify(&f->peer->t);

	KUNIT_EXPECT_EQ(test, fake_peer_notifications(f->peer), 1);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
}

static void peer_that_does_not_record_still_counts(struct kunit *test)
{
	struct peer_fixture *f = test->priv;

	f->peer->record = false;
	peer_send(f->peer, XS_READ, "path");
	fake_peer_step(f->peer);

	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
	KUNIT_EXPECT_NULL(test, fake_peer_seen(f->peer, 0));
}

static void request_that_is_too_long_is_a_protocol_error(struct kunit *test)
{
	struct peer_fixture *f = test->priv;
	struct xsd_sockmsg hdr = { .type = XS_WRITE, .len = 4097 };

	peer_produce(f->peer, &hdr, sizeof(hdr));
	fake_peer_settle(f->peer);

	KUNIT_EXPECT_EQ(test, f->peer->page->error, XENSTORE_ERROR_PROTO);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 0);
}

static void impossible_index_is_left_alone(struct kunit *test)
{
	struct peer_fixture *f = test->priv;

	f->peer->page->req_prod += XENSTORE_RING_SIZE + 1;
	f->peer->page->rsp_cons += 1;
	fake_peer_put(f->peer, "reply", 5);

	KUNIT_EXPECT_EQ(test, fake_peer_step(f->peer), 0);
}

static void event_is_path_and_token(struct kunit *test)
{
	struct peer_fixture *f = test->priv;
	struct xsd_sockmsg hdr;
	char body[9];

	fake_peer_event(f->peer, "/a", "token");
	fake_peer_step(f->peer);
	KUNIT_ASSERT_EQ(test, peer_unread(f->peer), sizeof(hdr) + 9);
	peer_consume(f->peer, &hdr, sizeof(hdr));
	peer_consume(f->peer, body, sizeof(body));

	KUNIT_EXPECT_EQ(test, hdr.type, XS_WATCH_EVENT);
	KUNIT_EXPECT_EQ(test, hdr.req_id, 0);
	KUNIT_EXPECT_EQ(test, memcmp(body, "/a\0token", 9), 0);
}

static void connection_comes_and_goes_with_the_page(struct kunit *test)
{
	struct peer_fixture *f = test->priv;
	struct xs_transport *t = &f->peer->t;

	f->peer->connect_err = -ENXIO;
	KUNIT_EXPECT_EQ(test, t->ops->connect(t), -ENXIO);
	KUNIT_EXPECT_NULL(test, t->page);
	f->peer->connect_err = 0;
	KUNIT_EXPECT_EQ(test, t->ops->connect(t), 0);
	KUNIT_EXPECT_PTR_EQ(test, t->page, f->peer->page);
	t->ops->disconnect(t);
	KUNIT_EXPECT_NULL(test, t->page);
}

static void reconnect_gives_another_page_and_forgets(struct kunit *test)
{
	struct peer_fixture *f = test->priv;
	struct xs_transport *t = &f->peer->t;
	struct xenstore_domain_interface *old = f->peer->page;

	t->ops->connect(t);
	peer_produce(f->peer, "half", 4);
	fake_peer_step(f->peer);
	fake_peer_put(f->peer, "reply", 5);

	KUNIT_EXPECT_EQ(test, t->ops->reconnect(t), 0);
	KUNIT_EXPECT_PTR_NE(test, t->page, old);
	peer_send(f->peer, XS_READ, "path");
	fake_peer_step(f->peer);
	KUNIT_EXPECT_EQ(test, fake_peer_count(f->peer), 1);
	KUNIT_EXPECT_EQ(test, peer_unread(f->peer), 0);
}

static struct kunit_case peer_cases[] = {
	KUNIT_CASE_PARAM(message_taken_in_chunks_is_seen_whole,
			 peer_chunk_gen_params),
	KUNIT_CASE_PARAM(reply_given_in_chunks_is_received_whole,
			 peer_chunk_gen_params),
	KUNIT_CASE(step_moves_no_more_than_it_may),
	KUNIT_CASE(step_that_may_move_nothing_leaves_the_rings),
	KUNIT_CASE(step_that_moved_something_signals_once),
	KUNIT_CASE(replies_that_do_not_fit_wait_for_room),
	KUNIT_CASE(kick_of_a_stepped_peer_is_counted_only),
	KUNIT_CASE(kick_of_an_automatic_peer_does_the_work),
	KUNIT_CASE(peer_that_does_not_record_still_counts),
	KUNIT_CASE(request_that_is_too_long_is_a_protocol_error),
	KUNIT_CASE(impossible_index_is_left_alone),
	KUNIT_CASE(event_is_path_and_token),
	KUNIT_CASE(connection_comes_and_goes_with_the_page),
	KUNIT_CASE(reconnect_gives_another_page_and_forgets),
	{}
};

static struct kunit_suite peer_suite = {
	.name = "xenstore_fake_peer",
	.init = peer_init,
	.test_cases = peer_cases,
};

kunit_test_suite(peer_suite);
