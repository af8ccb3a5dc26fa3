// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the interrupt handler: what wakes the kthread, and what masks.
 *
 * Wake-ups of a kthread that seems to sleep are counted. The server moves its
 * indices without a notification until the test wants one.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/cpumask.h>

#include "conn_fixture.h"

static int notified_init(struct kunit *test)
{
	struct conn_fixture *f;

	conn_init_up(test);
	f = test->priv;
	f->peer->mute = true;
	return 0;
}

/* Bytes of a reply of @len bytes are on the ring, header included. */
static void notified_give(struct kunit *test, size_t len, size_t on_ring)
{
	struct conn_fixture *f = test->priv;

	conn_send(test);
	f->peer->give = on_ring;
	conn_give_reply(f, 0, f->bytes, len);
}

static void notified_nothing(struct kunit *test)
{
	conn_send(test);
}

static void notified_half_header(struct kunit *test)
{
	notified_give(test, 100, HDR_SIZE - 1);
}

static void notified_header(struct kunit *test)
{
	notified_give(test, 100, HDR_SIZE);
}

static void notified_all_but_a_byte(struct kunit *test)
{
	notified_give(test, 100, HDR_SIZE + 99);
}

static void notified_whole(struct kunit *test)
{
	notified_give(test, 100, HDR_SIZE + 100);
}

static void notified_whole_without_a_body(struct kunit *test)
{
	notified_give(test, 0, HDR_SIZE);
}

static void notified_nearly_half_a_ring(struct kunit *test)
{
	notified_give(test, 2000, HDR_SIZE + XENSTORE_RING_SIZE / 2 - 1);
}

static void notified_half_a_ring(struct kunit *test)
{
	notified_give(test, 2000, HDR_SIZE + XENSTORE_RING_SIZE / 2);
}

/* @more bytes after the first half of a ring, which has been received. */
static void notified_give_more(struct kunit *test, size_t more)
{
	struct conn_fixture *f = test->priv;

	notified_half_a_ring(test);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), 0);
	KUNIT_ASSERT_NE(test, f->conn->rx.missing, 0);
	f->peer->give = more;
	fake_peer_step(f->peer);
}

static void notified_little_more(struct kunit *test)
{
	notified_give_more(test, XENSTORE_RING_SIZE / 2 - 1);
}

static void notified_another_half(struct kunit *test)
{
	notified_give_more(test, XENSTORE_RING_SIZE / 2);
}

static void notified_all_but_the_end(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	notified_give_more(test, 1000);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), 0);
	/* 488 bytes are missing. */
	f->peer->give = 487;
	fake_peer_step(f->peer);
}

static void notified_the_end(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	notified_all_but_the_end(test);
	fake_peer_step(f->peer);
}

static void notified_length_out_of_range(struct kunit *test)
{
	const struct xsd_sockmsg hdr = { .type = XS_READ, .len = 4097 };
	struct conn_fixture *f = test->priv;

	conn_send(test);
	fake_peer_put(f->peer, &hdr, sizeof(hdr));
	fake_peer_step(f->peer);
}

static void notified_producer_out_of_range(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->page->rsp_prod += XENSTORE_RING_SIZE + 1;
}

static void notified_consumer_out_of_range(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->page->req_cons += 1;
}

static void notified_error(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->page->error = XENSTORE_ERROR_COMM;
}

/* A request of which the ring holds a part, of that the server leaves @unread. */
static void notified_wait_for_space(struct kunit *test, u32 unread)
{
	struct conn_fixture *f = test->priv;

	f->peer->take = 0;
	conn_submit(test, f->bytes, 2000);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), 0);
	f->peer->take = XENSTORE_RING_SIZE - unread;
	fake_peer_step(f->peer);
}

static void notified_little_space(struct kunit *test)
{
	notified_wait_for_space(test, XENSTORE_RING_SIZE / 2 + 1);
}

static void notified_space(struct kunit *test)
{
	notified_wait_for_space(test, XENSTORE_RING_SIZE / 2);
}

static void notified_throttled(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 2 * XS_FQ_DEPTH; i++) {
		conn_submit_to(test, &f->flow, "a", 2);
		conn_submit_to(test, &f->other, "b", 2);
	}
	KUNIT_ASSERT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	KUNIT_ASSERT_FALSE(test, list_empty(&f->flow.queue));
}

static void notified_no_longer_throttled(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	notified_throttled(test);
	conn_give_reply(f, 0, "OK", 3);
}

static void notified_broken(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	notified_error(test);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), -EIO);
}

struct notified_case {
	const char *name;
	void (*arrange)(struct kunit *test);
	unsigned int wakes;
};

static const struct notified_case notified_cases[] = {
	{ "a request has been read", notified_nothing, 0 },
	{ "half a header", notified_half_header, 0 },
	{ "a header", notified_header, 0 },
	{ "all of a reply but a byte", notified_all_but_a_byte, 0 },
	{ "a reply", notified_whole, 1 },
	{ "a reply without a body", notified_whole_without_a_body, 1 },
	{ "nearly half a ring of a long reply", notified_nearly_half_a_ring, 0 },
	{ "half a ring of a long reply", notified_half_a_ring, 1 },
	{ "a little more of it", notified_little_more, 0 },
	{ "another half of a ring of it", notified_another_half, 1 },
	{ "all of it but the end", notified_all_but_the_end, 0 },
	{ "the end of it", notified_the_end, 1 },
	{ "length out of range", notified_length_out_of_range, 1 },
	{ "rsp_prod out of range", notified_producer_out_of_range, 1 },
	{ "req_cons out of range", notified_consumer_out_of_range, 1 },
	{ "error field", notified_error, 1 },
	{ "little space for what is queued", notified_little_space, 0 },
	{ "space for what is queued", notified_space, 1 },
	{ "space for what is throttled", notified_throttled, 0 },
	{ "a reply that ends the throttling", notified_no_longer_throttled, 1 },
	{ "anything on a broken connection", notified_broken, 0 },
};

KUNIT_ARRAY_PARAM_DESC(notified, notified_cases, name);

static void notification_wakes_only_for_work(struct kunit *test)
{
	const struct notified_case *param = test->param_value;
	struct conn_fixture *f = test->priv;

	param->arrange(test);
	conn_sleep(test);
	fake_peer_interrupt(f->peer);

	KUNIT_EXPECT_EQ(test, f->wakes, param->wakes);
	KUNIT_EXPECT_EQ(test, f->conn->stats.wakes, param->wakes);
}

/* All that belongs to the kthread, and the page. */
struct notified_state {
	struct xenstore_domain_interface page;
	u8 tx[sizeof_field(struct xs_conn, tx)];
	u8 rx[sizeof_field(struct xs_conn, rx)];
};

static void notified_save(struct conn_fixture *f, struct notified_state *state)
{
	memcpy(&state->page, f->peer->page, sizeof(state->page));
	memcpy(state->tx, &f->conn->tx, sizeof(state->tx));
	memcpy(state->rx, &f->conn->rx, sizeof(state->rx));
}

static void notification_leaves_rings_and_messages_alone(struct kunit *test)
{
	const struct notified_case *param = test->param_value;
	struct conn_fixture *f = test->priv;
	struct notified_state *before, *after;

	before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	after = kunit_kzalloc(test, sizeof(*after), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, after);
	param->arrange(test);
	conn_sleep(test);
	notified_save(f, before);
	fake_peer_interrupt(f->peer);
	notified_save(f, after);

	KUNIT_EXPECT_EQ(test, memcmp(before, after, sizeof(*before)), 0);
}

static void notification_before_connect_is_nothing(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	xs_io_disconnect(f->conn);
	conn_submit(test, "path", 5);
	conn_sleep(test);
	fake_peer_interrupt(f->peer);

	KUNIT_EXPECT_EQ(test, f->wakes, 0);
}

/* Masking */

static struct conn_fixture *notified_local(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	f->peer->t.peer_is_local = true;
	return f;
}

static void notification_of_a_local_server_masks_further_ones(struct kunit *test)
{
	struct conn_fixture *f = notified_local(test);

	notified_whole(test);
	conn_sleep(test);
	fake_peer_interrupt(f->peer);
	fake_peer_interrupt(f->peer);

	KUNIT_EXPECT_EQ(test, f->peer->masks, 1);
	KUNIT_EXPECT_TRUE(test, f->peer->t.masked);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_EQ(test, f->conn->stats.interrupts, 1);
}

/* One that was on its way to another CPU when the first masked. */
static void notification_when_masked_does_not_mask_again(struct kunit *test)
{
	struct conn_fixture *f = notified_local(test);

	notified_whole(test);
	fake_peer_interrupt(f->peer);
	KUNIT_ASSERT_TRUE(test, f->peer->masked);
	f->peer->masked = false;
	fake_peer_interrupt(f->peer);

	KUNIT_EXPECT_EQ(test, f->peer->masks, 1);
}

static void notification_of_a_remote_server_does_not_mask(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	notified_whole(test);
	conn_sleep(test);
	fake_peer_interrupt(f->peer);

	KUNIT_EXPECT_EQ(test, f->peer->masks, 0);
	KUNIT_EXPECT_FALSE(test, f->peer->t.masked);
}

static void notification_without_mask_in_the_transport_wakes(struct kunit *test)
{
	static const struct xs_transport_ops no_ops;
	struct conn_fixture *f = notified_local(test);
	const struct xs_transport_ops *ops = f->peer->t.ops;

	notified_whole(test);
	conn_sleep(test);
	f->peer->t.ops = &no_ops;
	fake_peer_interrupt(f->peer);
	f->peer->t.ops = ops;

	KUNIT_EXPECT_EQ(test, f->wakes, 1);
	KUNIT_EXPECT_FALSE(test, f->peer->t.masked);
}

/* It will look by itself. */
static void notification_while_the_kthread_is_awake_masks(struct kunit *test)
{
	struct conn_fixture *f = notified_local(test);

	notified_nothing(test);
	fake_peer_interrupt(f->peer);

	KUNIT_EXPECT_EQ(test, f->peer->masks, 1);
	KUNIT_EXPECT_EQ(test, f->conn->stats.wakes, 0);
}

/* The kthread runs only when the server has done all that it can. */
static void notification_on_the_one_cpu_masks_and_wakes_at_once(struct kunit *test)
{
	struct conn_fixture *f = notified_local(test);

	if (num_online_cpus() > 1)
		kunit_skip(test, "the kthread may run beside the server");
	notified_nothing(test);
	conn_sleep(test);
	fake_peer_interrupt(f->peer);

	KUNIT_EXPECT_EQ(test, f->peer->masks, 1);
	KUNIT_EXPECT_EQ(test, f->wakes, 1);
}

static void notification_on_one_of_several_cpus_masks_only_for_work(struct kunit *test)
{
	struct conn_fixture *f = notified_local(test);

	if (num_online_cpus() == 1)
		kunit_skip(test, "the kthread cannot run beside the server");
	notified_header(test);
	conn_sleep(test);
	fake_peer_interrupt(f->peer);

	KUNIT_EXPECT_EQ(test, f->peer->masks, 0);
	KUNIT_EXPECT_EQ(test, f->wakes, 0);
}

static struct kunit_case notified_suite_cases[] = {
	KUNIT_CASE_PARAM(notification_wakes_only_for_work, notified_gen_params),
	KUNIT_CASE_PARAM(notification_leaves_rings_and_messages_alone,
			 notified_gen_params),
	KUNIT_CASE(notification_before_connect_is_nothing),
	KUNIT_CASE(notification_of_a_local_server_masks_further_ones),
	KUNIT_CASE(notification_when_masked_does_not_mask_again),
	KUNIT_CASE(notification_of_a_remote_server_does_not_mask),
	KUNIT_CASE(notification_without_mask_in_the_transport_wakes),
	KUNIT_CASE(notification_while_the_kthread_is_awake_masks),
	KUNIT_CASE(notification_on_the_one_cpu_masks_and_wakes_at_once),
	KUNIT_CASE(notification_on_one_of_several_cpus_masks_only_for_work),
	{}
};

static struct kunit_suite notified_suite = {
	.name = "xenstore_io_notified",
	.init = notified_init,
	.test_cases = notified_suite_cases,
};

kunit_test_suite(notified_suite);
