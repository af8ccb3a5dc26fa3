/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of a client's two byte streams begin with.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_SESSION_FIXTURE_H
#define _XENSTORE_SESSION_FIXTURE_H

#include <kunit/test.h>

#include "fake_user.h"

#define HDR_SIZE	sizeof(struct xsd_sockmsg)

/* A message with a body of 9 bytes: key, NUL, value. */
#define ONE_BODY	"key\0value"
#define ONE_SIZE	(HDR_SIZE + 9)

struct session_fixture {
	struct test_env *env;
	struct xs_session *session;
	/* Two messages that differ, and room for more. */
	char a[ONE_SIZE];
	char b[ONE_SIZE];
	char big[2 * XS_MESSAGE_MAX];
};

static inline int session_init(struct kunit *test)
{
	struct session_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	f->session = fake_user_open(f->env);
	fake_user_build(f->a, XS_WRITE, 1, 0, ONE_BODY, 9);
	fake_user_build(f->b, XS_WRITE, 2, 0, "yek\0eulav", 9);
	test->priv = f;
	return 0;
}

/* The next message at the peer is @wanted, but for the id. */
static inline void session_expect_sent(struct kunit *test,
				       const void *wanted)
{
	struct session_fixture *f = test->priv;
	const struct xsd_sockmsg *hdr = wanted;
	const struct fake_message *msg = test_env_next(f->env);

	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, msg->hdr.type, hdr->type);
	KUNIT_EXPECT_EQ(test, msg->hdr.tx_id, hdr->tx_id);
	KUNIT_ASSERT_EQ(test, msg->hdr.len, hdr->len);
	KUNIT_EXPECT_EQ(test, memcmp(msg->body, hdr + 1, hdr->len), 0);
}

static inline void session_expect_nothing_sent(struct kunit *test)
{
	struct session_fixture *f = test->priv;

	KUNIT_EXPECT_NULL(test, test_env_next(f->env));
}

static const u8 session_splits[] = {
	 1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12,
	13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
};

static inline void session_split_desc(const u8 *split, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "after byte %u", *split);
}

KUNIT_ARRAY_PARAM(session_split, session_splits, session_split_desc);

#endif /* _XENSTORE_SESSION_FIXTURE_H */
