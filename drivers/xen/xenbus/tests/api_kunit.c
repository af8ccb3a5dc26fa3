// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what device drivers call.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <xen/xenbus.h>

#include "fake_bus.h"

#define DIR	"/dev"

static int api_init(struct kunit *test)
{
	struct fake_store *store = fake_bus_store_create(test);

	fake_store_write(store, DIR "/number", "17", 2);
	fake_store_write(store, DIR "/text", "some text", 9);
	fake_store_write(store, DIR "/words", "not a number", 12);
	test->priv = store;
	return 0;
}

/* === Gather === */

static void gather_stores_every_value(struct kunit *test)
{
	unsigned int number = 0;
	char *text = NULL;

	KUNIT_ASSERT_EQ(test, xenbus_gather(XBT_NIL, DIR,
					    "number", "%u", &number,
					    "text", NULL, &text, NULL), 0);
	KUNIT_EXPECT_EQ(test, number, 17);
	KUNIT_EXPECT_STREQ(test, text, "some text");
	kfree(text);
}

static void gather_of_nothing_succeeds(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xenbus_gather(XBT_NIL, DIR, NULL), 0);
}

static void gather_with_a_missing_key_stores_what_comes_before(struct kunit *test)
{
	unsigned int before = 0, after = 0;

	KUNIT_EXPECT_EQ(test, xenbus_gather(XBT_NIL, DIR,
					    "number", "%u", &before,
					    "missing", "%u", &after,
					    "number", "%u", &after, NULL),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, before, 17);
	KUNIT_EXPECT_EQ(test, after, 0);
}

static void gather_of_what_does_not_match_fails(struct kunit *test)
{
	unsigned int number = 0;

	KUNIT_EXPECT_EQ(test, xenbus_gather(XBT_NIL, DIR,
					    "words", "%u", &number, NULL),
			-EINVAL);
}

static void gather_with_a_name_too_long_stores_nothing(struct kunit *test)
{
	unsigned int number = 0;
	char *name;

	name = kunit_kzalloc(test, XENSTORE_PAYLOAD_MAX + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, name);
	memset(name, 'n', XENSTORE_PAYLOAD_MAX);
	KUNIT_EXPECT_EQ(test, xenbus_gather(XBT_NIL, DIR,
					    "number", "%u", &number,
					    name, "%u", &number, NULL),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, number, 0);
}

/* More than are asked for at once. */
static void gather_of_many_stores_every_value(struct kunit *test)
{
#define NUMBER(i)	"number", "%u", &v[i]
	unsigned int v[18] = { 0 }, i;

	KUNIT_ASSERT_EQ(test,
			xenbus_gather(XBT_NIL, DIR, NUMBER(0), NUMBER(1),
				      NUMBER(2), NUMBER(3), NUMBER(4),
				      NUMBER(5), NUMBER(6), NUMBER(7),
				      NUMBER(8), NUMBER(9), NUMBER(10),
				      NUMBER(11), NUMBER(12), NUMBER(13),
				      NUMBER(14), NUMBER(15), NUMBER(16),
				      NUMBER(17), NULL), 0);
	for (i = 0; i < ARRAY_SIZE(v); i++)
		KUNIT_EXPECT_EQ(test, v[i], 17);
#undef NUMBER
}

static void gather_in_a_transaction_sees_what_was_written_in_it(struct kunit *test)
{
	struct xenbus_transaction t;
	unsigned int number = 0;

	KUNIT_ASSERT_EQ(test, xenbus_transaction_start(&t), 0);
	KUNIT_EXPECT_EQ(test, xenbus_write(t, DIR, "number", "18"), 0);
	KUNIT_EXPECT_EQ(test, xenbus_gather(t, DIR, "number", "%u", &number,
					    NULL), 0);
	KUNIT_EXPECT_EQ(test, xenbus_transaction_end(t, 1), 0);
	KUNIT_EXPECT_EQ(test, number, 18);
}

static void gather_of_10_keys_waits_once(struct kunit *test)
{
#define NUMBER(i)	"number", "%u", &v[i]
	unsigned long waits = current->nvcsw;
	unsigned int v[10];

	KUNIT_EXPECT_EQ(test,
			xenbus_gather(XBT_NIL, DIR, NUMBER(0), NUMBER(1),
				      NUMBER(2), NUMBER(3), NUMBER(4),
				      NUMBER(5), NUMBER(6), NUMBER(7),
				      NUMBER(8), NUMBER(9), NULL), 0);
	KUNIT_EXPECT_LE(test, current->nvcsw - waits, 1);
#undef NUMBER
}

/* === Values === */

static const unsigned int api_lengths[] = { 0, 1, 62, 63, 64, 65, 500, 4085 };

static void api_length_desc(const unsigned int *len, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *len);
}

KUNIT_ARRAY_PARAM(api_length, api_lengths, api_length_desc);

static void printf_of_any_length_is_written_whole(struct kunit *test)
{
	unsigned int len = *(const unsigned int *)test->param_value;
	char *string = kunit_kzalloc(test, len + 1, GFP_KERNEL);
	char *value;
	unsigned int read;

	KUNIT_ASSERT_NOT_NULL(test, string);
	memset(string, 's', len);
	if (len)
		string[len - 1] = '.';

	KUNIT_ASSERT_EQ(test, xenbus_printf(XBT_NIL, DIR, "value", "%s",
					    string), 0);
	value = xenbus_read(XBT_NIL, DIR, "value", &read);
	KUNIT_ASSERT_FALSE(test, IS_ERR(value));
	KUNIT_EXPECT_EQ(test, read, len);
	KUNIT_EXPECT_STREQ(test, value, string);
	kfree(value);
}

/* The guest acknowledges a sysrq with "%c" and 0, and the toolstack waits for "". */
static void printf_ends_before_the_first_nul(struct kunit *test)
{
	static const char * const formats[] = { "%c", "%c%100d", "ab%c%100d" };
	static const unsigned int lens[] = { 0, 0, 2 };
	unsigned int i, len;
	char *value;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		KUNIT_ASSERT_EQ(test, xenbus_printf(XBT_NIL, DIR, "value",
						    formats[i], 0, 1), 0);
		value = xenbus_read(XBT_NIL, DIR, "value", &len);
		KUNIT_ASSERT_FALSE(test, IS_ERR(value));
		KUNIT_EXPECT_EQ(test, len, lens[i]);
		kfree(value);
	}
}

static void printf_that_is_longer_than_a_message_is_refused(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xenbus_printf(XBT_NIL, DIR, "value", "%4086d", 1),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, xenbus_printf(XBT_NIL, DIR, "value", "%9000d", 1),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, DIR, "value"), 0);
}

static void scanf_tells_what_did_not_match_from_what_is_missing(struct kunit *test)
{
	unsigned int number;

	KUNIT_EXPECT_EQ(test, xenbus_scanf(XBT_NIL, DIR, "number", "%u",
					   &number), 1);
	KUNIT_EXPECT_EQ(test, number, 17);
	KUNIT_EXPECT_EQ(test, xenbus_scanf(XBT_NIL, DIR, "words", "%u",
					   &number), -ERANGE);
	KUNIT_EXPECT_EQ(test, xenbus_scanf(XBT_NIL, DIR, "missing", "%u",
					   &number), -ENOENT);
}

static void exists_is_1_or_0(struct kunit *test)
{
	struct fake_store *store = test->priv;

	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, DIR, ""), 1);
	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, DIR, "missing"), 0);
	store->refuse[XS_GET_PERMS] = "EACCES";
	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, DIR, ""), 0);
}

/* As C xenstored refuses a request that it does not know, and as others may. */
static const char * const api_unknown_requests[] = { "ENOSYS", "EINVAL" };

static void api_unknown_request_desc(const char *const *error, char *desc)
{
	strscpy(desc, *error, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(api_unknown_request, api_unknown_requests,
		  api_unknown_request_desc);

static void exists_is_right_if_the_server_cannot_get_perms(struct kunit *test)
{
	struct fake_store *store = test->priv;

	store->refuse[XS_GET_PERMS] = *(const char *const *)test->param_value;
	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, DIR, ""), 1);
	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, DIR, "number"), 1);
	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, DIR, "missing"), 0);
	KUNIT_EXPECT_EQ(test, xenbus_exists(XBT_NIL, "not//valid", ""), 0);
}

static struct kunit_case api_cases[] = {
	KUNIT_CASE(gather_stores_every_value),
	KUNIT_CASE(gather_of_nothing_succeeds),
	KUNIT_CASE(gather_with_a_missing_key_stores_what_comes_before),
	KUNIT_CASE(gather_of_what_does_not_match_fails),
	KUNIT_CASE(gather_with_a_name_too_long_stores_nothing),
	KUNIT_CASE(gather_of_many_stores_every_value),
	KUNIT_CASE(gather_in_a_transaction_sees_what_was_written_in_it),
	KUNIT_CASE(gather_of_10_keys_waits_once),
	KUNIT_CASE_PARAM(printf_of_any_length_is_written_whole,
			 api_length_gen_params),
	KUNIT_CASE(printf_ends_before_the_first_nul),
	KUNIT_CASE(printf_that_is_longer_than_a_message_is_refused),
	KUNIT_CASE(scanf_tells_what_did_not_match_from_what_is_missing),
	KUNIT_CASE(exists_is_1_or_0),
	KUNIT_CASE_PARAM(exists_is_right_if_the_server_cannot_get_perms,
			 api_unknown_request_gen_params),
	{}
};

static struct kunit_suite api_suite = {
	.name = "xenbus_api",
	.init = api_init,
	.test_cases = api_cases,
};

kunit_test_suite(api_suite);
