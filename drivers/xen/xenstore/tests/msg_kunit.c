// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of messages.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "msg.h"
#include "wire.h"

static void body_that_fits_the_room_needs_no_allocation(struct kunit *test)
{
	char room[XS_MSG_SMALL];
	struct xs_msg msg;

	xs_msg_init(&msg, room, sizeof(room), NULL);

	KUNIT_EXPECT_EQ(test, xs_msg_set_body(&msg, "0123456789abcde", 15,
					      GFP_NOWAIT), 0);
	KUNIT_EXPECT_PTR_EQ(test, msg.body, &room[0]);
	KUNIT_EXPECT_STREQ(test, msg.body, "0123456789abcde");
	KUNIT_EXPECT_EQ(test, msg.hdr.len, 15);
	xs_msg_clear(&msg);
}

static void body_longer_than_the_room_is_allocated_and_terminated(struct kunit *test)
{
	char room[XS_MSG_SMALL];
	struct xs_msg msg;

	xs_msg_init(&msg, room, sizeof(room), NULL);

	KUNIT_EXPECT_EQ(test, xs_msg_set_body(&msg, "0123456789abcdef", 16,
					      GFP_KERNEL), 0);
	KUNIT_EXPECT_PTR_NE(test, msg.body, &room[0]);
	KUNIT_EXPECT_STREQ(test, msg.body, "0123456789abcdef");
	xs_msg_clear(&msg);
}

static const int msg_errors[] = {
	-EINVAL, -ENOTEMPTY, -EISCONN, -EPERM, -ESHUTDOWN,
};

static void msg_error_desc(const int *err, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%d", *err);
}

KUNIT_ARRAY_PARAM(msg_error, msg_errors, msg_error_desc);

static void error_message_carries_name_and_nul_without_allocation(struct kunit *test)
{
	const int *err = test->param_value;
	const char *name = xs_wire_error_name(*err);
	char room[XS_MSG_SMALL];
	struct xs_msg msg;

	xs_msg_init(&msg, room, sizeof(room), NULL);
	xs_msg_set_error(&msg, *err);

	KUNIT_EXPECT_EQ(test, msg.hdr.type, XS_ERROR);
	KUNIT_EXPECT_EQ(test, msg.hdr.len, strlen(name) + 1);
	KUNIT_EXPECT_STREQ(test, msg.body, name);
	KUNIT_EXPECT_PTR_EQ(test, msg.body, &room[0]);
}

static const size_t msg_body_lengths[] = { 0, 1, 15, 16, 4096 };

static void msg_body_desc(const size_t *len, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu", *len);
}

KUNIT_ARRAY_PARAM(msg_body, msg_body_lengths, msg_body_desc);

static void body_taken_outlives_the_message(struct kunit *test)
{
	size_t len = *(const size_t *)test->param_value;
	char *bytes = kunit_kmalloc(test, 4096, GFP_KERNEL);
	char room[XS_MSG_SMALL];
	struct xs_msg msg;
	char *body;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	memset(bytes, 'x', 4096);
	xs_msg_init(&msg, room, sizeof(room), NULL);
	KUNIT_ASSERT_EQ(test, xs_msg_set_body(&msg, bytes, len, GFP_KERNEL), 0);

	body = xs_msg_take_body(&msg, GFP_KERNEL);
	xs_msg_clear(&msg);

	KUNIT_ASSERT_NOT_NULL(test, body);
	KUNIT_EXPECT_EQ(test, memcmp(body, bytes, len), 0);
	KUNIT_EXPECT_EQ(test, body[len], '\0');
	kfree(body);
}

static struct kunit_case msg_cases[] = {
	KUNIT_CASE(body_that_fits_the_room_needs_no_allocation),
	KUNIT_CASE(body_longer_than_the_room_is_allocated_and_terminated),
	KUNIT_CASE_PARAM(error_message_carries_name_and_nul_without_allocation,
			 msg_error_gen_params),
	KUNIT_CASE_PARAM(body_taken_outlives_the_message, msg_body_gen_params),
	{}
};

static struct kunit_suite msg_suite = {
	.name = "xenstore_msg",
	.test_cases = msg_cases,
};

kunit_test_suite(msg_suite);
