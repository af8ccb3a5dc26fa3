/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of a connection that is lost and found again begin with.
 *
 * The test is the server, and the kthread as well, unless it starts one. The
 * reconnect itself is done by the store's own work item.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_RECONNECT_FIXTURE_H
#define _XENSTORE_RECONNECT_FIXTURE_H

#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"
#include "ops.h"

struct reconnect_fixture {
	struct test_env *site;
	struct xs_conn *conn;
	struct fake_peer *peer;
	u32 tx_id;
	/* What a transaction of the kernel in a thread of its own came to. */
	struct completion go;
	int read, write, end;
	bool abort;
};

static inline int reconnect_init(struct kunit *test)
{
	struct reconnect_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = test_env_create(test);
	f->conn = f->site->conn;
	f->peer = f->site->peer;
	f->peer->page->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION;
	init_completion(&f->go);
	test->priv = f;
	return 0;
}

static inline bool reconnect_is_over(struct reconnect_fixture *f)
{
	return !delayed_work_pending(&f->site->store.reconnect) &&
	       !work_busy(&f->site->store.reconnect.work);
}

/* The server gives up, and the kthread sees it. */
static inline void reconnect_lose(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;

	WRITE_ONCE(f->peer->page->error, XENSTORE_ERROR_PROTO);
	KUNIT_ASSERT_EQ(test, xs_io_pass(f->conn), -EIO);
	KUNIT_ASSERT_NE(test, READ_ONCE(f->conn->state), XS_CONN_UP);
}

/* Both have begun anew; nobody has sent anything yet. */
static inline bool reconnect_renewed(struct reconnect_fixture *f)
{
	fake_peer_step(f->peer);
	/* Pairs with xs_conn_set_up(). */
	return smp_load_acquire(&f->conn->state) == XS_CONN_UP;
}

static inline void reconnect_renew(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;

	KUNIT_ASSERT_TRUE(test, fake_wait_until(reconnect_renewed(f)));
}

static inline void reconnect_finish(struct kunit *test)
{
	struct reconnect_fixture *f = test->priv;

	reconnect_renew(test);
	KUNIT_ASSERT_TRUE(test, fake_wait_until((test_env_answer_all(f->site),
						 reconnect_is_over(f))));
}

/* The reconnect is over, and has not waited for a reply. */
static inline void reconnect_settle(struct kunit *test)
{
	KUNIT_ASSERT_TRUE(test, fake_wait_until(reconnect_is_over(test->priv)));
}

/* The connection is lost and found again. */
static inline void reconnect_all(struct kunit *test)
{
	reconnect_lose(test);
	reconnect_renew(test);
	reconnect_settle(test);
}

static inline struct xs_request *reconnect_submit(struct kunit *test,
						  u32 type, const char *path)
{
	struct reconnect_fixture *f = test->priv;

	return fake_conn_submit(test, f->conn, type, path, strlen(path) + 1);
}

/* The next message the server gets has this type and path. */
static inline const struct fake_message *
reconnect_expect(struct kunit *test, u32 type, const char *path)
{
	struct reconnect_fixture *f = test->priv;
	const struct fake_message *msg = test_env_next(f->site);

	KUNIT_ASSERT_NOT_NULL_MSG(test, msg, "%s has not come", path);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, type);
	KUNIT_EXPECT_STREQ(test, msg->body, path);
	return msg;
}

#endif /* _XENSTORE_RECONNECT_FIXTURE_H */
