/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of a connection begin with.
 *
 * A scripted peer and a connection to it, without a kthread unless a test
 * starts one: xs_io_pass() takes its place, and an entry on its wait queue
 * counts the wake-ups.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_CONN_FIXTURE_H
#define _XENSTORE_CONN_FIXTURE_H

#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fake_peer.h"

#define HDR_SIZE	sizeof(struct xsd_sockmsg)

struct conn_fixture {
	struct fake_peer *peer;
	struct xs_conn *conn;

	/* Calls of the event callback, and those of them that returned 0. */
	unsigned int calls;
	unsigned int events;
	/* What it returns. */
	int event_err;
	/* The last event. */
	size_t event_len;
	char event[64];
	/* What it does first, for a test of the middle of a pass. */
	void (*on_event)(struct conn_fixture *f);
	/* What @on_event has seen. */
	u32 seen;

	/* Wake-ups of a kthread that is asleep; see conn_sleep(). */
	struct wait_queue_entry sleeper;
	unsigned int wakes;

	/* Two flows beside that of the kernel. */
	struct xs_flow flow;
	struct xs_flow other;
	/* A payload to send or to receive. */
	u8 bytes[XENSTORE_PAYLOAD_MAX];
};

/* The counters may be read while a kthread runs, the event may not. */
static inline int conn_record_event(struct xs_conn *conn, const char *body,
				    size_t len)
{
	struct conn_fixture *f = conn->owner;
	int err = READ_ONCE(f->event_err);

	if (f->on_event)
		f->on_event(f);
	if (!err) {
		f->event_len = len;
		memcpy(f->event, body, min(len + 1, sizeof(f->event)));
		WRITE_ONCE(f->events, f->events + 1);
	}
	WRITE_ONCE(f->calls, f->calls + 1);
	return err;
}

static const struct xs_conn_ops conn_record_ops = {
	.event = conn_record_event,
};

static inline int conn_init_down(struct kunit *test)
{
	struct conn_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	for (i = 0; i < sizeof(f->bytes); i++)
		f->bytes[i] = i * 7 + i / 256 + 1;
	xs_flow_init(&f->flow);
	xs_flow_init(&f->other);
	f->peer = fake_peer_create(test);
	f->conn = fake_conn_create(test, &f->peer->t, &conn_record_ops, f,
				   FAKE_CONN_DOWN);
	test->priv = f;
	return 0;
}

static inline struct conn_fixture *conn_connect(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_io_connect(f->conn), 0);
	return f;
}

static inline int conn_init_up(struct kunit *test)
{
	conn_init_down(test);
	conn_connect(test);
	return 0;
}

static inline struct xs_request *conn_submit(struct kunit *test,
					     const void *payload, size_t len)
{
	struct conn_fixture *f = test->priv;

	return fake_conn_submit(test, f->conn, XS_READ, payload, len);
}

static inline void conn_put(void *req)
{
	xs_request_put(req);
}

/* A request in a flow of its own. */
static inline struct xs_request *conn_submit_to(struct kunit *test,
						struct xs_flow *flow,
						const void *payload, size_t len)
{
	struct kvec part = { .iov_base = (void *)payload, .iov_len = len };
	struct conn_fixture *f = test->priv;
	struct xs_request *req;

	req = xs_request_alloc(XS_WRITE, 0, &part, 1, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, conn_put, req), 0);
	req->flow = flow;
	KUNIT_ASSERT_EQ(test, fake_conn_accept(f->conn, req), 0);
	return req;
}

/* A request that the peer has received. */
static inline struct xs_request *conn_send(struct kunit *test)
{
	struct conn_fixture *f = test->priv;
	struct xs_request *req = conn_submit(test, "path", 5);

	KUNIT_EXPECT_EQ(test, fake_peer_run(f->peer, f->conn), 0);
	return req;
}

/* The reply to request @n is on the ring, as far as it fits. */
static inline void conn_give_reply(struct conn_fixture *f, unsigned int n,
				   const void *body, size_t len)
{
	fake_peer_reply_to(f->peer, fake_peer_seen(f->peer, n), body, len);
	fake_peer_step(f->peer);
}

static inline void conn_expect_reply(struct kunit *test,
				     struct xs_request *req, const void *body,
				     size_t len)
{
	KUNIT_ASSERT_TRUE(test, xs_request_is_done(req));
	KUNIT_ASSERT_EQ(test, req->err, 0);
	KUNIT_ASSERT_EQ(test, req->reply.hdr.len, len);
	KUNIT_EXPECT_EQ(test, memcmp(req->reply.body, body, len), 0);
	KUNIT_EXPECT_EQ(test, req->reply.body[len], '\0');
}

static inline void conn_expect_failed(struct kunit *test,
				      struct xs_request *req, int err)
{
	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	KUNIT_EXPECT_EQ(test, req->err, err);
}

static inline int conn_count_wake(struct wait_queue_entry *entry,
				  unsigned int mode, int flags, void *key)
{
	struct conn_fixture *f = container_of(entry, struct conn_fixture,
					      sleeper);

	WRITE_ONCE(f->wakes, f->wakes + 1);
	return 0;
}

static inline void conn_stop_sleep(void *data)
{
	struct conn_fixture *f = data;

	remove_wait_queue(&f->conn->wq, &f->sleeper);
}

static inline bool conn_kthread_is_queued(struct conn_fixture *f)
{
	/* Only waited for: the kthread runs on by itself until it is queued. */
	return waitqueue_active(&f->conn->wq);
}

/* From here on it is as if a kthread slept: wake-ups are counted. */
static inline struct conn_fixture *conn_sleep(struct kunit *test)
{
	struct conn_fixture *f = test->priv;

	init_waitqueue_func_entry(&f->sleeper, conn_count_wake);
	add_wait_queue(&f->conn->wq, &f->sleeper);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, conn_stop_sleep,
							f), 0);
	return f;
}

#endif /* _XENSTORE_CONN_FIXTURE_H */
