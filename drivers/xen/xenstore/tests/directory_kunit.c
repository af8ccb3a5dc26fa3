// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of directories that do not fit into one message.
 *
 * The caller has a thread of its own; the test plays the kthread and the
 * server, but where a store that answers by itself shows it as well.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_user.h"
#include "fake_store.h"
#include "ops.h"

struct directory_fixture {
	struct test_env *site;
	struct fake_call *call;
	char **names;
	unsigned int num;
	char big[XENSTORE_PAYLOAD_MAX];
};

static void directory_release(void *data)
{
	struct directory_fixture *f = data;

	if (!IS_ERR(f->names))
		kfree(f->names);
}

static int directory_init(struct kunit *test)
{
	struct directory_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = test_env_create(test);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, directory_release,
							f), 0);
	test->priv = f;
	return 0;
}

static int directory_call(void *data)
{
	struct directory_fixture *f = data;

	f->names = xs_op_directory(f->site->conn, 0, "/dir", "", &f->num);
	return PTR_ERR_OR_ZERO(f->names);
}

static void directory_unblock(void *data)
{
	struct directory_fixture *f = data;

	xs_conn_break(f->site->conn, -EIO);
	xs_io_pass(f->site->conn);
}

/* The server has said that there is too much for one message. */
static struct directory_fixture *directory_start(struct kunit *test)
{
	struct directory_fixture *f = test->priv;

	f->call = fake_call_start(test, directory_call, f, directory_unblock);
	test_env_refuse(f->site, test_env_await(f->site), "E2BIG");
	return f;
}

/* The next part is asked for from @offset and is @body. */
static void directory_part(struct kunit *test, const char *offset,
			   const void *body, size_t len)
{
	struct directory_fixture *f = test->priv;
	const struct fake_message *msg = test_env_await(f->site);

	KUNIT_EXPECT_EQ(test, msg->hdr.type, XS_DIRECTORY_PART);
	KUNIT_EXPECT_STREQ(test, msg->body, "/dir");
	KUNIT_EXPECT_STREQ(test, msg->body + 5, offset);
	test_env_reply(f->site, msg, body, len);
}

static void directory_expect_abc(struct kunit *test)
{
	struct directory_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, fake_call_result(test, f->call), 0);
	KUNIT_ASSERT_EQ(test, f->num, 3);
	KUNIT_EXPECT_STREQ(test, f->names[0], "a");
	KUNIT_EXPECT_STREQ(test, f->names[1], "b");
	KUNIT_EXPECT_STREQ(test, f->names[2], "c");
}

static void names_of_all_parts_are_returned(struct kunit *test)
{
	directory_start(test);
	directory_part(test, "0", "5\0a\0b\0", 6);
	directory_part(test, "4", "5\0c\0\0", 5);
	directory_expect_abc(test);
}

static void last_part_may_hold_no_name(struct kunit *test)
{
	directory_start(test);
	directory_part(test, "0", "5\0a\0b\0c\0", 8);
	directory_part(test, "6", "5\0\0", 3);
	directory_expect_abc(test);
}

static void node_that_changes_is_read_again(struct kunit *test)
{
	directory_start(test);
	directory_part(test, "0", "5\0x\0y\0", 6);
	directory_part(test, "4", "6\0z\0\0", 5);
	directory_part(test, "0", "6\0a\0b\0", 6);
	directory_part(test, "4", "6\0c\0\0", 5);
	directory_expect_abc(test);
}

static void node_that_changes_all_the_time_is_given_up(struct kunit *test)
{
	struct directory_fixture *f = directory_start(test);
	unsigned int i;

	for (i = 0; i < 10; i++) {
		directory_part(test, "0", "5\0a\0", 4);
		directory_part(test, "2", "6\0b\0\0", 5);
	}
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->call), -EAGAIN);
}

/* Such as oxenstored. */
static void server_without_parts_leaves_it_at_e2big(struct kunit *test)
{
	struct directory_fixture *f = directory_start(test);

	test_env_refuse(f->site, test_env_await(f->site), "ENOSYS");
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->call), -E2BIG);
}

static void names_without_end_are_given_up(struct kunit *test)
{
	struct directory_fixture *f = directory_start(test);
	unsigned int i, per_part = sizeof(f->big) - 2;
	char offset[12];

	memset(f->big, 'n', sizeof(f->big));
	memcpy(f->big, "5", 2);
	f->big[sizeof(f->big) - 1] = '\0';
	for (i = 0; i <= (1 << 20) / per_part; i++) {
		snprintf(offset, sizeof(offset), "%u", i * per_part);
		directory_part(test, offset, f->big, sizeof(f->big));
	}
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->call), -E2BIG);
}

/* Names of one byte and less: the pointers to them are longer than they are. */
static void names_that_are_too_many_for_one_block_are_enomem(struct kunit *test)
{
	struct directory_fixture *f = directory_start(test);
	unsigned int i, per_part = sizeof(f->big) - 2;
	char offset[12];

	memset(f->big, 0, sizeof(f->big));
	f->big[0] = '5';
	f->big[sizeof(f->big) - 2] = 'n';
	for (i = 0; i < (1 << 20) / per_part; i++) {
		snprintf(offset, sizeof(offset), "%u", i * per_part);
		directory_part(test, offset, f->big, sizeof(f->big));
	}
	snprintf(offset, sizeof(offset), "%u", i * per_part);
	directory_part(test, offset, "5\0\0", 3);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->call), -ENOMEM);
}

struct directory_bad {
	const char *name;
	const char *body;
	size_t len;
};

static const struct directory_bad directory_bads[] = {
	{ "nothing", "", 0 },
	{ "no names", "5\0", 2 },
	{ "generation without its NUL", "5", 1 },
	{ "name without its NUL", "5\0a", 3 },
	{ "generation that is none",
	  "1234567890123456789012345\0a\0\0", 29 },
};

KUNIT_ARRAY_PARAM_DESC(directory_bad, directory_bads, name);

static void part_that_is_malformed_is_eio(struct kunit *test)
{
	const struct directory_bad *bad = test->param_value;
	struct directory_fixture *f = directory_start(test);

	directory_part(test, "0", bad->body, bad->len);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, f->call), -EIO);
}

static void store_with_many_nodes_tells_all_of_them(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);
	struct test_env *site = test_env_create_at(test, &store->peer);
	struct directory_fixture *f = test->priv;
	char path[64];
	unsigned int i;

	test_env_start(site);
	for (i = 0; i < 400; i++) {
		snprintf(path, sizeof(path), "/dir/a-name-of-some-length-%u", i);
		fake_store_write(store, path, "", 0);
	}
	f->names = xs_op_directory(site->conn, 0, "/dir", "", &f->num);
	KUNIT_ASSERT_EQ(test, PTR_ERR_OR_ZERO(f->names), 0);
	KUNIT_EXPECT_EQ(test, f->num, 400);
	KUNIT_EXPECT_STREQ(test, f->names[0], "a-name-of-some-length-0");
	KUNIT_EXPECT_STREQ(test, f->names[399], "a-name-of-some-length-399");
}

static struct kunit_case directory_cases[] = {
	KUNIT_CASE(names_of_all_parts_are_returned),
	KUNIT_CASE(last_part_may_hold_no_name),
	KUNIT_CASE(node_that_changes_is_read_again),
	KUNIT_CASE(node_that_changes_all_the_time_is_given_up),
	KUNIT_CASE(server_without_parts_leaves_it_at_e2big),
	KUNIT_CASE(names_without_end_are_given_up),
	KUNIT_CASE(names_that_are_too_many_for_one_block_are_enomem),
	KUNIT_CASE_PARAM(part_that_is_malformed_is_eio,
			 directory_bad_gen_params),
	KUNIT_CASE(store_with_many_nodes_tells_all_of_them),
	{}
};

static struct kunit_suite directory_suite = {
	.name = "xenstore_directory",
	.init = directory_init,
	.test_cases = directory_cases,
};

kunit_test_suite(directory_suite);
