// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the wire format.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/errno.h>

#include "wire.h"

struct wire_length_case {
	const char *name;
	u32 len;
	int expected;
};

static const struct wire_length_case wire_length_cases[] = {
	{ "0", 0, 0 },
	{ "1", 1, 0 },
	{ "4095", 4095, 0 },
	{ "4096", 4096, 0 },
	{ "4097", 4097, -E2BIG },
	{ "2^31-1", 0x7fffffff, -E2BIG },
	{ "2^31", 0x80000000, -E2BIG },
	{ "2^32-16", (u32)-16, -E2BIG },
	{ "2^32-1", (u32)-1, -E2BIG },
};

KUNIT_ARRAY_PARAM_DESC(wire_length, wire_length_cases, name);

static void header_of_length_is_judged_by_payload_max(struct kunit *test)
{
	const struct wire_length_case *param = test->param_value;
	struct xsd_sockmsg hdr = { .type = XS_READ, .len = param->len };

	KUNIT_EXPECT_EQ(test, xs_wire_check_header(&hdr), param->expected);
}

static const u32 wire_types[] = {
	XS_CONTROL, XS_DIRECTORY_PART, 26, 27, XS_INVALID, (u32)-1,
};

static void wire_type_desc(const u32 *type, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *type);
}

KUNIT_ARRAY_PARAM(wire_type, wire_types, wire_type_desc);

static void header_of_any_type_is_passed_on(struct kunit *test)
{
	const u32 *type = test->param_value;
	struct xsd_sockmsg hdr = { .type = *type };

	KUNIT_EXPECT_EQ(test, xs_wire_check_header(&hdr), 0);
}

struct wire_error_case {
	int err;
	const char *name;
};

/* The table of the protocol, written down a second time. */
static const struct wire_error_case wire_error_cases[] = {
	{ EINVAL, "EINVAL" },
	{ EACCES, "EACCES" },
	{ EEXIST, "EEXIST" },
	{ EISDIR, "EISDIR" },
	{ ENOENT, "ENOENT" },
	{ ENOMEM, "ENOMEM" },
	{ ENOSPC, "ENOSPC" },
	{ EIO, "EIO" },
	{ ENOTEMPTY, "ENOTEMPTY" },
	{ ENOSYS, "ENOSYS" },
	{ EROFS, "EROFS" },
	{ EBUSY, "EBUSY" },
	{ EAGAIN, "EAGAIN" },
	{ EISCONN, "EISCONN" },
	{ E2BIG, "E2BIG" },
	{ EPERM, "EPERM" },
};

KUNIT_ARRAY_PARAM_DESC(wire_error, wire_error_cases, name);

static void errno_of_terminated_name_is_known(struct kunit *test)
{
	const struct wire_error_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test,
			xs_wire_errno(param->name, strlen(param->name) + 1),
			-param->err);
}

static void errno_of_unterminated_name_is_known(struct kunit *test)
{
	const struct wire_error_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test, xs_wire_errno(param->name, strlen(param->name)),
			-param->err);
}

static void errno_of_truncated_name_is_einval(struct kunit *test)
{
	const struct wire_error_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test,
			xs_wire_errno(param->name, strlen(param->name) - 1),
			-EINVAL);
}

static void error_name_of_errno_is_the_protocols(struct kunit *test)
{
	const struct wire_error_case *param = test->param_value;

	KUNIT_EXPECT_STREQ(test, xs_wire_error_name(-param->err), param->name);
}

struct wire_body_case {
	const char *name;
	const char *body;
	size_t len;
};

static const struct wire_body_case wire_unknown_error_cases[] = {
	{ "no body", "", 0 },
	{ "only a NUL", "", 1 },
	{ "a newer name", "EFUTURE", 8 },
	{ "lower case", "enoent", 7 },
	{ "longer than a name", "ENOENTX", 8 },
	{ "a number", "2", 2 },
	{ "blank before", " ENOENT", 8 },
};

KUNIT_ARRAY_PARAM_DESC(wire_unknown_error, wire_unknown_error_cases, name);

static void errno_of_unknown_name_is_einval(struct kunit *test)
{
	const struct wire_body_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test, xs_wire_errno(param->body, param->len), -EINVAL);
}

static void errno_of_name_followed_by_junk_is_known(struct kunit *test)
{
	static const char body[] = "ENOENT\0junk";

	KUNIT_EXPECT_EQ(test, xs_wire_errno(body, sizeof(body)), -ENOENT);
}

static const int wire_nameless_errors[] = {
	0, -ESHUTDOWN, -ERANGE, -ETIMEDOUT, -4096, INT_MIN + 1, EINVAL,
};

static void wire_nameless_desc(const int *err, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%d", *err);
}

KUNIT_ARRAY_PARAM(wire_nameless, wire_nameless_errors, wire_nameless_desc);

static void error_name_of_other_errno_is_eio(struct kunit *test)
{
	const int *err = test->param_value;

	KUNIT_EXPECT_STREQ(test, xs_wire_error_name(*err), "EIO");
}

struct wire_count_case {
	const char *name;
	const char *body;
	size_t len;
	unsigned int expected;
};

static const struct wire_count_case wire_count_cases[] = {
	{ "nothing", "", 0, 0 },
	{ "one empty string", "", 1, 1 },
	{ "one string", "ab", 3, 1 },
	{ "one without NUL", "ab", 2, 0 },
	{ "two strings", "a\0bc", 5, 2 },
	{ "second without NUL", "a\0bc", 4, 1 },
	{ "two empty strings", "\0", 2, 2 },
	{ "empty in the middle", "a\0\0b", 5, 3 },
};

KUNIT_ARRAY_PARAM_DESC(wire_count, wire_count_cases, name);

static void strings_in_body_are_counted_up_to_the_last_nul(struct kunit *test)
{
	const struct wire_count_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test, xs_wire_count_strings(param->body, param->len),
			param->expected);
}

static void next_string_steps_behind_the_nul(struct kunit *test)
{
	static const char body[] = "one\0two";
	const char *pos = body;

	KUNIT_EXPECT_STREQ(test, xs_wire_next_string(&pos, body + 8), "one");
	KUNIT_EXPECT_PTR_EQ(test, pos, body + 4);
	KUNIT_EXPECT_STREQ(test, xs_wire_next_string(&pos, body + 8), "two");
	KUNIT_EXPECT_PTR_EQ(test, pos, body + 8);
}

static void next_string_at_the_end_is_null(struct kunit *test)
{
	static const char body[] = "one";
	const char *pos = body + 4;

	KUNIT_EXPECT_NULL(test, xs_wire_next_string(&pos, body + 4));
	KUNIT_EXPECT_PTR_EQ(test, pos, body + 4);
}

static void next_string_without_nul_is_null_and_stays(struct kunit *test)
{
	static const char body[] = { 'o', 'n', 'e' };
	const char *pos = body;

	KUNIT_EXPECT_NULL(test, xs_wire_next_string(&pos, body + 3));
	KUNIT_EXPECT_PTR_EQ(test, pos, &body[0]);
}

struct wire_number_case {
	const char *name;
	const char *body;
	size_t len;
	int err;
	u32 value;
};

static const struct wire_number_case wire_number_cases[] = {
	{ "zero", "0", 2, 0, 0 },
	{ "one", "1", 2, 0, 1 },
	{ "without NUL", "17", 2, 0, 17 },
	{ "NUL and more", "17\00099", 6, 0, 17 },
	{ "cut off", "179", 2, 0, 17 },
	{ "2^32-1", "4294967295", 11, 0, 4294967295u },
	{ "2^32", "4294967296", 11, -ERANGE, 0 },
	{ "fifteen digits", "999999999999999", 16, -ERANGE, 0 },
	{ "sixteen digits", "9999999999999999", 17, -EINVAL, 0 },
	{ "nothing", "", 0, -EINVAL, 0 },
	{ "only a NUL", "", 1, -EINVAL, 0 },
	{ "negative", "-1", 3, -EINVAL, 0 },
	{ "hexadecimal", "0x10", 5, -EINVAL, 0 },
	{ "letters", "OK", 3, -EINVAL, 0 },
	{ "blank before", " 1", 3, -EINVAL, 0 },
	{ "letter after", "1a", 3, -EINVAL, 0 },
};

KUNIT_ARRAY_PARAM_DESC(wire_number, wire_number_cases, name);

static void number_in_body_is_parsed_or_refused(struct kunit *test)
{
	const struct wire_number_case *param = test->param_value;
	u32 value = 0;

	KUNIT_EXPECT_EQ(test,
			xs_wire_parse_u32(param->body, param->len, &value),
			param->err);
	KUNIT_EXPECT_EQ(test, value, param->value);
}

static void number_that_is_refused_leaves_the_value_alone(struct kunit *test)
{
	u32 value = 42;

	KUNIT_EXPECT_NE(test, xs_wire_parse_u32("4294967296", 11, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 42);
}

struct wire_path_case {
	const char *name;
	const char *watched;
	const char *path;
	bool covers;
};

static const struct wire_path_case wire_path_cases[] = {
	{ "itself", "/a/b", "/a/b", true },
	{ "child", "/a/b", "/a/b/c", true },
	{ "grandchild", "/a/b", "/a/b/c/d", true },
	{ "parent", "/a/b", "/a", false },
	{ "sibling with the same start", "/a/b", "/a/bc", false },
	{ "sibling", "/a/b", "/a/c", false },
	{ "root covers all", "/", "/a", true },
	{ "root covers itself", "/", "/", true },
	{ "trailing slash, itself", "/a/", "/a", true },
	{ "trailing slash, child", "/a/", "/a/b", true },
	{ "trailing slash, other", "/a/", "/ab", false },
	{ "relative", "device", "device/vif/0", true },
	{ "relative, other", "device", "devices", false },
	{ "special", "@releaseDomain", "@releaseDomain", true },
	{ "special with depth", "@releaseDomain", "@releaseDomain/3", true },
	{ "other special", "@releaseDomain", "@introduceDomain", false },
	{ "absolute is not relative", "a", "/a", false },
	{ "empty event path", "/a", "", false },
};

KUNIT_ARRAY_PARAM_DESC(wire_path, wire_path_cases, name);

static void watch_covers_its_path_and_what_is_below(struct kunit *test)
{
	const struct wire_path_case *param = test->param_value;

	KUNIT_EXPECT_EQ(test, xs_wire_path_covers(param->watched, param->path),
			param->covers);
}

static struct kunit_case wire_cases[] = {
	KUNIT_CASE_PARAM(header_of_length_is_judged_by_payload_max,
			 wire_length_gen_params),
	KUNIT_CASE_PARAM(header_of_any_type_is_passed_on, wire_type_gen_params),
	KUNIT_CASE_PARAM(errno_of_terminated_name_is_known,
			 wire_error_gen_params),
	KUNIT_CASE_PARAM(errno_of_unterminated_name_is_known,
			 wire_error_gen_params),
	KUNIT_CASE_PARAM(errno_of_truncated_name_is_einval,
			 wire_error_gen_params),
	KUNIT_CASE_PARAM(error_name_of_errno_is_the_protocols,
			 wire_error_gen_params),
	KUNIT_CASE_PARAM(errno_of_unknown_name_is_einval,
			 wire_unknown_error_gen_params),
	KUNIT_CASE(errno_of_name_followed_by_junk_is_known),
	KUNIT_CASE_PARAM(error_name_of_other_errno_is_eio,
			 wire_nameless_gen_params),
	KUNIT_CASE_PARAM(strings_in_body_are_counted_up_to_the_last_nul,
			 wire_count_gen_params),
	KUNIT_CASE(next_string_steps_behind_the_nul),
	KUNIT_CASE(next_string_at_the_end_is_null),
	KUNIT_CASE(next_string_without_nul_is_null_and_stays),
	KUNIT_CASE_PARAM(number_in_body_is_parsed_or_refused,
			 wire_number_gen_params),
	KUNIT_CASE(number_that_is_refused_leaves_the_value_alone),
	KUNIT_CASE_PARAM(watch_covers_its_path_and_what_is_below,
			 wire_path_gen_params),
	{}
};

static struct kunit_suite wire_suite = {
	.name = "xenstore_wire",
	.test_cases = wire_cases,
};

kunit_test_suite(wire_suite);
