// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of one direction of the shared page.
 *
 * The page is plain memory and the test plays the server by storing to its
 * indices. Loops over all offsets stay in one case each.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ring.h"

#define RING	XENSTORE_RING_SIZE

struct ring_fixture {
	struct xenstore_domain_interface *page;
	struct xs_ring requests;
	struct xs_ring responses;
	u8 from[RING];
	u8 to[RING];
};

static int ring_init(struct kunit *test)
{
	struct ring_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	/* Of this size exactly, so that KASAN sees a copy that goes too far. */
	f->page = kunit_kzalloc(test, sizeof(*f->page), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->page);
	for (i = 0; i < RING; i++)
		f->from[i] = i * 7 + i / 256 + 1;
	test->priv = f;
	return 0;
}

static void ring_set_requests(struct ring_fixture *f, u32 cons, u32 prod)
{
	f->page->req_cons = cons;
	f->page->req_prod = prod;
	xs_ring_init_requests(&f->requests, f->page);
}

static void ring_set_responses(struct ring_fixture *f, u32 cons, u32 prod)
{
	f->page->rsp_cons = cons;
	f->page->rsp_prod = prod;
	xs_ring_init_responses(&f->responses, f->page);
}

static const u32 ring_lengths[] = {
	0, 1, 2, 15, 16, 17, 511, 512, 513, 1007, 1008, 1022, 1023, 1024,
};

static void ring_number_desc(const u32 *number, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u", *number);
}

KUNIT_ARRAY_PARAM(ring_length, ring_lengths, ring_number_desc);

static bool ring_byte_is(const char *data, u32 index, u8 byte)
{
	return (u8)data[index % RING] == byte;
}

static void write_at_every_offset_puts_each_byte_in_its_place(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 len = *(const u32 *)test->param_value;
	u32 start, i;

	for (start = 0; start < RING; start++) {
		memset(f->page->req, 0, RING);
		ring_set_requests(f, start, start);

		KUNIT_ASSERT_EQ(test, xs_ring_write(&f->requests, f->from, len),
				(int)len);

		for (i = 0; i < len; i++) {
			if (!ring_byte_is(f->page->req, start + i, f->from[i]))
				break;
		}
		KUNIT_ASSERT_EQ_MSG(test, i, len, "offset %u", start);
		for (; i < RING; i++) {
			if (!ring_byte_is(f->page->req, start + i, 0))
				break;
		}
		KUNIT_ASSERT_EQ_MSG(test, i, RING, "offset %u", start);
	}
}

static void read_at_every_offset_finds_each_byte_in_its_place(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 len = *(const u32 *)test->param_value;
	u32 start, i;

	for (start = 0; start < RING; start++) {
		for (i = 0; i < RING; i++)
			f->page->rsp[(start + i) % RING] = f->from[i];
		memset(f->to, 0, RING);
		ring_set_responses(f, start, start + len);

		KUNIT_ASSERT_EQ(test, xs_ring_read(&f->responses, f->to, RING),
				(int)len);

		KUNIT_ASSERT_EQ_MSG(test, memcmp(f->to, f->from, len), 0,
				    "offset %u", start);
		KUNIT_ASSERT_NULL_MSG(test,
				      memchr_inv(f->to + len, 0, RING - len),
				      "offset %u", start);
	}
}

static const struct ring_index_case {
	const char *name;
	u32 start;
} ring_index_cases[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "1023", RING - 1 },
	{ "2^31-1", 0x7fffffff },
	{ "2^32-1024", (u32)-RING },
	{ "2^32-512", (u32)-512 },
	{ "2^32-1", (u32)-1 },
};

KUNIT_ARRAY_PARAM_DESC(ring_index, ring_index_cases, name);

static void free_space_at_any_index_is_what_is_not_used(struct kunit *test)
{
	const struct ring_index_case *param = test->param_value;
	struct ring_fixture *f = test->priv;
	u32 used;

	for (used = 0; used <= RING; used++) {
		ring_set_requests(f, param->start, param->start + used);
		KUNIT_ASSERT_EQ(test, xs_ring_free(&f->requests),
				(int)(RING - used));
	}
}

static void available_at_any_index_is_what_is_used(struct kunit *test)
{
	const struct ring_index_case *param = test->param_value;
	struct ring_fixture *f = test->priv;
	u32 used;

	for (used = 0; used <= RING; used++) {
		ring_set_responses(f, param->start, param->start + used);
		KUNIT_ASSERT_EQ(test, xs_ring_available(&f->responses),
				(int)used);
	}
}

static void write_at_any_index_fills_the_ring_and_no_more(struct kunit *test)
{
	const struct ring_index_case *param = test->param_value;
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, param->start, param->start);
	KUNIT_EXPECT_EQ(test, xs_ring_write(&f->requests, f->from, 1000), 1000);
	KUNIT_EXPECT_EQ(test, xs_ring_write(&f->requests, f->from, 1000), 24);
	KUNIT_EXPECT_EQ(test, xs_ring_write(&f->requests, f->from, 1000), 0);
	xs_ring_publish_requests(&f->requests);
	KUNIT_EXPECT_EQ(test, f->page->req_prod, param->start + RING);
}

static void read_at_any_index_empties_the_ring_and_no_more(struct kunit *test)
{
	const struct ring_index_case *param = test->param_value;
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, param->start, param->start + RING);
	KUNIT_EXPECT_EQ(test, xs_ring_read(&f->responses, f->to, 1000), 1000);
	KUNIT_EXPECT_EQ(test, xs_ring_read(&f->responses, f->to, 1000), 24);
	KUNIT_EXPECT_EQ(test, xs_ring_read(&f->responses, f->to, 1000), 0);
	xs_ring_publish_responses(&f->responses);
	KUNIT_EXPECT_EQ(test, f->page->rsp_cons, param->start + RING);
}

struct ring_distance_case {
	const char *name;
	u32 ours;
	u32 theirs;
};

/* Ours is the producer of requests, or the consumer of responses. */
static const struct ring_distance_case ring_bad_req_cases[] = {
	{ "one too many", 1025, 0 },
	{ "ahead by one", 0, 1 },
	{ "half way round", 0x80000000, 0 },
	{ "one too many across 2^32", 1, (u32)-1024 },
	{ "ahead across 2^32", (u32)-1, 0 },
};

KUNIT_ARRAY_PARAM_DESC(ring_bad_req, ring_bad_req_cases, name);

static const struct ring_distance_case ring_bad_rsp_cases[] = {
	{ "one too many", 0, 1025 },
	{ "behind by one", 1, 0 },
	{ "half way round", 0, 0x80000000 },
	{ "one too many across 2^32", (u32)-1024, 1 },
	{ "behind across 2^32", 0, (u32)-1 },
};

KUNIT_ARRAY_PARAM_DESC(ring_bad_rsp, ring_bad_rsp_cases, name);

static void write_with_an_index_out_of_range_is_eio(struct kunit *test)
{
	const struct ring_distance_case *param = test->param_value;
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, param->theirs, param->ours);

	KUNIT_EXPECT_EQ(test, xs_ring_free(&f->requests), -EIO);
	KUNIT_EXPECT_EQ(test, xs_ring_write(&f->requests, f->from, 16), -EIO);
	KUNIT_EXPECT_FALSE(test, xs_ring_publish_requests(&f->requests));
	KUNIT_EXPECT_EQ(test, f->page->req_prod, param->ours);
}

static void read_with_an_index_out_of_range_is_eio(struct kunit *test)
{
	const struct ring_distance_case *param = test->param_value;
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, param->ours, param->theirs);

	KUNIT_EXPECT_EQ(test, xs_ring_available(&f->responses), -EIO);
	KUNIT_EXPECT_EQ(test, xs_ring_read(&f->responses, f->to, 16), -EIO);
	KUNIT_EXPECT_FALSE(test, xs_ring_publish_responses(&f->responses));
	KUNIT_EXPECT_EQ(test, f->page->rsp_cons, param->ours);
}

static void write_after_server_changed_our_index_goes_on_where_it_was(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, 0, 0);
	xs_ring_write(&f->requests, f->from, 10);
	xs_ring_publish_requests(&f->requests);
	f->page->req_prod = 777;

	KUNIT_EXPECT_EQ(test, xs_ring_write(&f->requests, f->from, 10), 10);
	xs_ring_publish_requests(&f->requests);

	KUNIT_EXPECT_EQ(test, memcmp(f->page->req + 10, f->from, 10), 0);
	KUNIT_EXPECT_EQ(test, f->page->req_prod, 20);
}

static void read_after_server_changed_our_index_goes_on_where_it_was(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	memcpy(f->page->rsp, f->from, 20);
	ring_set_responses(f, 0, 20);
	xs_ring_read(&f->responses, f->to, 10);
	f->page->rsp_cons = 777;

	KUNIT_EXPECT_EQ(test, xs_ring_read(&f->responses, f->to + 10, 10), 10);
	xs_ring_publish_responses(&f->responses);

	KUNIT_EXPECT_EQ(test, memcmp(f->to, f->from, 20), 0);
	KUNIT_EXPECT_EQ(test, f->page->rsp_cons, 20);
}

static void write_before_publish_does_not_move_the_index(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, 5, 5);
	xs_ring_write(&f->requests, f->from, 10);

	KUNIT_EXPECT_EQ(test, f->page->req_prod, 5);
	xs_ring_publish_requests(&f->requests);
	KUNIT_EXPECT_EQ(test, f->page->req_prod, 15);
}

static void read_before_publish_does_not_move_the_index(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, 5, 15);
	xs_ring_read(&f->responses, f->to, 10);

	KUNIT_EXPECT_EQ(test, f->page->rsp_cons, 5);
	xs_ring_publish_responses(&f->responses);
	KUNIT_EXPECT_EQ(test, f->page->rsp_cons, 15);
}

struct ring_request_notify_case {
	const char *name;
	/* Bytes in the ring that the server has not read when we write. */
	u32 waiting;
	/* How many of the old and the new bytes it reads before we look. */
	u32 progress;
	bool notify;
};

static const struct ring_request_notify_case ring_request_notify_cases[] = {
	{ "empty: it may be asleep", 0, 0, true },
	{ "behind: it will come by", 10, 0, false },
	{ "behind, reading on: it will come by", 10, 5, false },
	{ "has just caught up: it may be asleep", 10, 10, true },
	{ "is past it already: it is awake", 10, 20, false },
	{ "has read half of the new: it is awake", 0, 5, false },
};

KUNIT_ARRAY_PARAM_DESC(ring_request_notify, ring_request_notify_cases, name);

static void publish_of_requests_notifies_a_server_that_may_sleep(struct kunit *test)
{
	const struct ring_request_notify_case *param = test->param_value;
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, (u32)-8, (u32)-8 + param->waiting);
	xs_ring_write(&f->requests, f->from, 10);
	f->page->req_cons += param->progress;

	KUNIT_EXPECT_EQ(test, xs_ring_publish_requests(&f->requests),
			param->notify);
}

static void publish_of_requests_without_news_does_not_notify(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, 5, 5);
	xs_ring_write(&f->requests, f->from, 0);

	KUNIT_EXPECT_FALSE(test, xs_ring_publish_requests(&f->requests));
}

static void publish_of_requests_for_second_write_does_not_notify(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, 5, 5);
	xs_ring_write(&f->requests, f->from, 10);
	KUNIT_EXPECT_TRUE(test, xs_ring_publish_requests(&f->requests));
	xs_ring_write(&f->requests, f->from, 10);

	KUNIT_EXPECT_FALSE(test, xs_ring_publish_requests(&f->requests));
}

struct ring_response_notify_case {
	const char *name;
	/* Bytes in the ring when we read, and how many the server adds then. */
	u32 waiting;
	u32 added;
	u32 read;
	bool notify;
};

static const struct ring_response_notify_case ring_response_notify_cases[] = {
	{ "was full: it may wait for space", 1024, 0, 1, true },
	{ "was full and is empty: it may wait", 1024, 0, 1024, true },
	{ "had one byte of space: it did not wait", 1023, 0, 1023, false },
	{ "had plenty of space: it did not wait", 16, 0, 16, false },
	{ "filled up meanwhile: it may wait", 1000, 24, 500, true },
	{ "nearly filled up: it did not wait", 1000, 23, 500, false },
};

KUNIT_ARRAY_PARAM_DESC(ring_response_notify, ring_response_notify_cases, name);

static void publish_of_responses_notifies_a_server_that_may_wait(struct kunit *test)
{
	const struct ring_response_notify_case *param = test->param_value;
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, (u32)-8, (u32)-8 + param->waiting);
	xs_ring_read(&f->responses, f->to, param->read);
	f->page->rsp_prod += param->added;

	KUNIT_EXPECT_EQ(test, xs_ring_publish_responses(&f->responses),
			param->notify);
}

static void publish_of_responses_without_news_does_not_notify(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, 0, RING);
	xs_ring_read(&f->responses, f->to, 0);

	KUNIT_EXPECT_FALSE(test, xs_ring_publish_responses(&f->responses));
}

static void publish_of_responses_notifies_only_once(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, 0, RING);
	xs_ring_read(&f->responses, f->to, 100);
	KUNIT_EXPECT_TRUE(test, xs_ring_publish_responses(&f->responses));
	xs_ring_read(&f->responses, f->to, 100);

	KUNIT_EXPECT_FALSE(test, xs_ring_publish_responses(&f->responses));
}

static void skip_drops_what_waits_and_gives_the_space_back(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, (u32)-8, 92);
	xs_ring_skip(&f->responses);

	KUNIT_EXPECT_EQ(test, xs_ring_available(&f->responses), 0);
	xs_ring_publish_responses(&f->responses);
	KUNIT_EXPECT_EQ(test, f->page->rsp_cons, 92);
}

static void skip_of_full_ring_notifies_at_publish(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, 0, RING);
	xs_ring_skip(&f->responses);

	KUNIT_EXPECT_TRUE(test, xs_ring_publish_responses(&f->responses));
}

static void skip_over_an_index_out_of_range_leaves_an_empty_ring(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, 0, 5000);
	KUNIT_EXPECT_EQ(test, xs_ring_available(&f->responses), -EIO);
	xs_ring_skip(&f->responses);
	xs_ring_publish_responses(&f->responses);

	KUNIT_EXPECT_EQ(test, xs_ring_available(&f->responses), 0);
}

/* The server knows only of what was published. */
static void write_with_index_past_published_is_eio_though_bytes_follow(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, 0, 0);
	KUNIT_ASSERT_EQ(test, xs_ring_write(&f->requests, f->from, 100), 100);
	f->page->req_cons = 50;

	KUNIT_EXPECT_EQ(test, xs_ring_free(&f->requests), -EIO);
	KUNIT_EXPECT_EQ(test, xs_ring_write(&f->requests, f->from, 16), -EIO);
	KUNIT_EXPECT_FALSE(test, xs_ring_is_sane(&f->requests));
}

static void read_with_index_past_published_is_eio_though_space_follows(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, 0, 100);
	KUNIT_ASSERT_EQ(test, xs_ring_read(&f->responses, f->to, 100), 100);
	f->page->rsp_prod = RING + 50;

	KUNIT_EXPECT_EQ(test, xs_ring_available(&f->responses), -EIO);
	KUNIT_EXPECT_EQ(test, xs_ring_read(&f->responses, f->to, 16), -EIO);
}

static void read_after_producer_moved_back_is_eio(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, 0, 100);
	KUNIT_ASSERT_EQ(test, xs_ring_read(&f->responses, f->to, 100), 100);
	xs_ring_publish_responses(&f->responses);
	f->page->rsp_prod = 99;

	KUNIT_EXPECT_EQ(test, xs_ring_read(&f->responses, f->to, 16), -EIO);
}

static void write_after_consumer_moved_out_of_reach_is_eio(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, 0, 0);
	KUNIT_ASSERT_EQ(test, xs_ring_write(&f->requests, f->from, 100), 100);
	xs_ring_publish_requests(&f->requests);
	f->page->req_cons = 100 - RING - 1;

	KUNIT_EXPECT_EQ(test, xs_ring_write(&f->requests, f->from, 16), -EIO);
	KUNIT_EXPECT_FALSE(test, xs_ring_is_sane(&f->requests));
}

static const struct ring_hint_case {
	const char *name;
	/* Bytes in the request ring; more than it has if out of range. */
	u32 used;
	bool sane;
	bool has_room;
} ring_hint_cases[] = {
	{ "empty", 0, true, true },
	{ "half", RING / 2, true, true },
	{ "more than half", RING / 2 + 1, true, false },
	{ "full", RING, true, false },
	{ "more than full", RING + 1, false, true },
	{ "less than empty", (u32)-1, false, true },
};

KUNIT_ARRAY_PARAM_DESC(ring_hint, ring_hint_cases, name);

static void hint_of_requests_tells_room_and_range(struct kunit *test)
{
	const struct ring_hint_case *param = test->param_value;
	struct ring_fixture *f = test->priv;

	ring_set_requests(f, (u32)-100, (u32)-100 + param->used);

	KUNIT_EXPECT_EQ(test, xs_ring_is_sane(&f->requests), param->sane);
	KUNIT_EXPECT_EQ(test, xs_ring_has_room(&f->requests), param->has_room);
}

static void hint_of_responses_counts_from_what_was_published(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_set_responses(f, (u32)-8, 92);
	xs_ring_read(&f->responses, f->to, 60);
	KUNIT_EXPECT_EQ(test, xs_ring_unread(&f->responses), 100);
	xs_ring_publish_responses(&f->responses);

	KUNIT_EXPECT_EQ(test, xs_ring_unread(&f->responses), 40);
}

static void peek_at_every_offset_finds_the_number(struct kunit *test)
{
	const u32 number = 0x12345678;
	struct ring_fixture *f = test->priv;
	u32 start, i;

	for (start = 0; start < RING; start++) {
		memset(f->page->rsp, 0, RING);
		for (i = 0; i < sizeof(number); i++)
			f->page->rsp[(start + 12 + i) % RING] =
				((const char *)&number)[i];
		ring_set_responses(f, start, start + 16);
		KUNIT_ASSERT_EQ(test, xs_ring_peek_u32(&f->responses, 12),
				number);
	}
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE_PARAM(write_at_every_offset_puts_each_byte_in_its_place,
			 ring_length_gen_params),
	KUNIT_CASE_PARAM(read_at_every_offset_finds_each_byte_in_its_place,
			 ring_length_gen_params),
	KUNIT_CASE_PARAM(free_space_at_any_index_is_what_is_not_used,
			 ring_index_gen_params),
	KUNIT_CASE_PARAM(available_at_any_index_is_what_is_used,
			 ring_index_gen_params),
	KUNIT_CASE_PARAM(write_at_any_index_fills_the_ring_and_no_more,
			 ring_index_gen_params),
	KUNIT_CASE_PARAM(read_at_any_index_empties_the_ring_and_no_more,
			 ring_index_gen_params),
	KUNIT_CASE_PARAM(write_with_an_index_out_of_range_is_eio,
			 ring_bad_req_gen_params),
	KUNIT_CASE_PARAM(read_with_an_index_out_of_range_is_eio,
			 ring_bad_rsp_gen_params),
	KUNIT_CASE(write_after_server_changed_our_index_goes_on_where_it_was),
	KUNIT_CASE(read_after_server_changed_our_index_goes_on_where_it_was),
	KUNIT_CASE(write_before_publish_does_not_move_the_index),
	KUNIT_CASE(read_before_publish_does_not_move_the_index),
	KUNIT_CASE_PARAM(publish_of_requests_notifies_a_server_that_may_sleep,
			 ring_request_notify_gen_params),
	KUNIT_CASE(publish_of_requests_without_news_does_not_notify),
	KUNIT_CASE(publish_of_requests_for_second_write_does_not_notify),
	KUNIT_CASE_PARAM(publish_of_responses_notifies_a_server_that_may_wait,
			 ring_response_notify_gen_params),
	KUNIT_CASE(publish_of_responses_without_news_does_not_notify),
	KUNIT_CASE(publish_of_responses_notifies_only_once),
	KUNIT_CASE(skip_drops_what_waits_and_gives_the_space_back),
	KUNIT_CASE(skip_of_full_ring_notifies_at_publish),
	KUNIT_CASE(skip_over_an_index_out_of_range_leaves_an_empty_ring),
	KUNIT_CASE(write_with_index_past_published_is_eio_though_bytes_follow),
	KUNIT_CASE(read_with_index_past_published_is_eio_though_space_follows),
	KUNIT_CASE(read_after_producer_moved_back_is_eio),
	KUNIT_CASE(write_after_consumer_moved_out_of_reach_is_eio),
	KUNIT_CASE_PARAM(hint_of_requests_tells_room_and_range,
			 ring_hint_gen_params),
	KUNIT_CASE(hint_of_responses_counts_from_what_was_published),
	KUNIT_CASE(peek_at_every_offset_finds_the_number),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "xenstore_ring",
	.init = ring_init,
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);
