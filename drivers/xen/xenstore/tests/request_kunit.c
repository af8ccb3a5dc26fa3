// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of requests.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fake_conn.h"
#include "gate.h"
#include "request.h"

static struct xs_request *request_create(struct kunit *test, const void *bytes,
					 size_t len)
{
	struct kvec part = { .iov_base = (void *)bytes, .iov_len = len };
	struct xs_request *req;

	req = xs_request_alloc(XS_WRITE, 5, &part, 1, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	return req;
}

static void request_of_parts_holds_header_and_bytes(struct kunit *test)
{
	struct kvec parts[] = {
		{ .iov_base = "a/", .iov_len = 2 },
		{ .iov_base = "", .iov_len = 0 },
		{ .iov_base = "b\0cd", .iov_len = 4 },
	};
	struct xsd_sockmsg *hdr;
	struct xs_request *req;

	req = xs_request_alloc(XS_WRITE, 5, parts, 3, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));

	hdr = xs_request_header(req);
	KUNIT_EXPECT_EQ(test, hdr->type, XS_WRITE);
	KUNIT_EXPECT_EQ(test, hdr->tx_id, 5);
	KUNIT_EXPECT_EQ(test, hdr->len, 6);
	KUNIT_EXPECT_EQ(test, req->len, sizeof(*hdr) + 6);
	KUNIT_EXPECT_EQ(test, memcmp(hdr + 1, "a/b\0cd", 6), 0);
	KUNIT_EXPECT_EQ(test, req->state, XS_REQ_NEW);
	KUNIT_EXPECT_FALSE(test, xs_request_is_done(req));
	xs_request_put(req);
}

/* Defect B: mainline sends whatever is in the buffer by then. */
static void request_whose_source_is_reused_keeps_its_bytes(struct kunit *test)
{
	char source[] = "path-AAAA";
	struct xs_request *req;

	req = request_create(test, source, sizeof(source));
	memcpy(source, "path-BBBB", sizeof(source));

	KUNIT_EXPECT_STREQ(test,
			   (char *)req->out + sizeof(struct xsd_sockmsg),
			   "path-AAAA");
	xs_request_put(req);
}

struct request_length_case {
	const char *name;
	size_t first;
	size_t second;
	int expected;
};

static const struct request_length_case request_length_cases[] = {
	{ "nothing", 0, 0, 0 },
	{ "one byte", 1, 0, 0 },
	{ "4096 in one", 4096, 0, 0 },
	{ "4096 in two", 4095, 1, 0 },
	{ "4097 in one", 4097, 0, -E2BIG },
	{ "4097 in two", 4096, 1, -E2BIG },
	{ "huge", SIZE_MAX, 0, -E2BIG },
	{ "sum wraps to 1", 2, SIZE_MAX, -E2BIG },
};

KUNIT_ARRAY_PARAM_DESC(request_length, request_length_cases, name);

static void request_of_length_is_built_up_to_payload_max(struct kunit *test)
{
	const struct request_length_case *param = test->param_value;
	void *bytes = kunit_kzalloc(test, 8192, GFP_KERNEL);
	struct kvec parts[] = {
		{ .iov_base = bytes, .iov_len = param->first },
		{ .iov_base = bytes, .iov_len = param->second },
	};
	struct xs_request *req;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	req = xs_request_alloc(XS_WRITE, 0, parts, 2, GFP_KERNEL);

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(req), param->expected);
	if (!IS_ERR(req)) {
		KUNIT_EXPECT_EQ(test, req->len, sizeof(struct xsd_sockmsg) +
				param->first + param->second);
		xs_request_put(req);
	}
}

/* A reply comes when the payload has been sent, and may lie in its place. */
static void reply_to_a_small_request_has_room_in_it(struct kunit *test)
{
	char *body = kunit_kzalloc(test, XS_REPLY_ROOM, GFP_KERNEL);
	struct xs_request *req = request_create(test, "k", 2);
	struct xs_msg *reply = &req->reply;

	KUNIT_ASSERT_NOT_NULL(test, body);
	KUNIT_EXPECT_EQ(test, xs_msg_set_body(reply, body, XS_REPLY_ROOM - 1,
					      GFP_KERNEL), 0);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)reply->body, xs_request_payload(req));
	xs_msg_clear(reply);
	KUNIT_EXPECT_EQ(test, xs_msg_set_body(reply, body, XS_REPLY_ROOM,
					      GFP_KERNEL), 0);
	KUNIT_EXPECT_PTR_NE(test, (u8 *)reply->body, xs_request_payload(req));
	KUNIT_EXPECT_EQ(test, xs_request_header(req)->type, XS_WRITE);
	xs_request_put(req);
}

static void reply_to_a_long_request_has_room_for_as_much(struct kunit *test)
{
	char *bytes = kunit_kzalloc(test, XENSTORE_PAYLOAD_MAX, GFP_KERNEL);
	struct xs_request *req;

	KUNIT_ASSERT_NOT_NULL(test, bytes);
	req = request_create(test, bytes, XENSTORE_PAYLOAD_MAX);
	KUNIT_EXPECT_EQ(test, xs_msg_set_body(&req->reply, bytes,
					      XENSTORE_PAYLOAD_MAX,
					      GFP_KERNEL), 0);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)req->reply.body,
			    xs_request_payload(req));
	xs_request_put(req);
}

#ifndef CONFIG_LOCKDEP
/* What the memory of a client's limits is calculated with. */
static void small_request_takes_512_bytes(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, sizeof(struct xs_request) +
			sizeof(struct xsd_sockmsg) + XS_REPLY_ROOM, 512);
}
#endif

struct request_observer {
	unsigned int completed;
	int err;
	bool done;
};

static void request_observe(struct xs_request *req)
{
	struct request_observer *observer = req->owner;

	observer->completed++;
	observer->err = req->err;
	observer->done = xs_request_is_done(req);
	/* complete() owns the submitter's reference. */
	xs_request_put(req);
}

static void finish_with_complete_calls_it_once_when_done(struct kunit *test)
{
	struct request_observer observer = {};
	struct xs_request *req;

	req = request_create(test, "x", 1);
	req->complete = request_observe;
	req->owner = &observer;
	xs_request_get(req);

	xs_request_finish(req, -EIO);

	KUNIT_EXPECT_EQ(test, observer.completed, 1);
	KUNIT_EXPECT_EQ(test, observer.err, -EIO);
	KUNIT_EXPECT_TRUE(test, observer.done);
}

static void finish_leaves_the_gate_once(struct kunit *test)
{
	struct xs_request *req;
	struct xs_gate gate;

	xs_gate_init(&gate);
	xs_gate_enter(&gate, XS_GATE_REQUEST);
	xs_gate_enter(&gate, XS_GATE_REQUEST);
	req = request_create(test, "x", 1);
	req->gate = &gate;
	xs_request_get(req);

	xs_request_finish(req, 0);
	KUNIT_EXPECT_EQ(test, gate.inside, 1);
	xs_request_put(req);
	KUNIT_EXPECT_EQ(test, gate.inside, 1);
}

static void finish_outside_of_the_gate_leaves_none(struct kunit *test)
{
	struct xs_request *req;

	req = request_create(test, "x", 1);
	xs_request_get(req);
	xs_request_finish(req, 0);

	KUNIT_EXPECT_TRUE(test, xs_request_is_done(req));
	xs_request_put(req);
}

static int request_wait(void *arg)
{
	struct xs_request *req = arg;
	int err;

	xs_request_wait(req);
	err = req->err;
	xs_request_put(req);
	return err;
}

static void request_unblock(void *arg)
{
	xs_request_finish(arg, -ESHUTDOWN);
}

static void wait_ends_when_the_request_is_finished(struct kunit *test)
{
	struct fake_call *call;
	struct xs_request *req;

	req = request_create(test, "x", 1);
	xs_request_get(req);
	call = fake_call_start(test, request_wait, req, request_unblock);

	xs_request_finish(req, -EIO);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), -EIO);
}

static int request_spin_and_put(void *arg)
{
	struct xs_request *req = arg;

	/* Sees DONE before it is woken, as a waiter that was never asleep. */
	while (!xs_request_is_done(req))
		cond_resched();
	xs_request_put(req);
	return 0;
}

static int request_dropped_in_wakeup(struct wait_queue_entry *entry,
				     unsigned int mode, int flags, void *key)
{
	struct xs_request *req = entry->private;

	/* The submitter goes away while the completer is inside wake_up(). */
	list_del_init(&entry->entry);
	xs_request_put(req);
	return 1;
}

/* CVE-2025-37949: the wait queue must outlive the wake-up. */
static void waiter_that_drops_the_request_during_wakeup_is_safe(struct kunit *test)
{
	struct wait_queue_entry entry;
	struct xs_request *req;

	req = request_create(test, "x", 1);
	xs_request_get(req);
	init_waitqueue_func_entry(&entry, request_dropped_in_wakeup);
	entry.private = req;
	add_wait_queue(&req->wq, &entry);

	/* With KASAN any touch after the last put is reported. */
	xs_request_finish(req, 0);

	KUNIT_EXPECT_TRUE(test, list_empty(&entry.entry));
}

static void waiter_that_never_slept_may_drop_the_request(struct kunit *test)
{
	struct fake_call *call;
	struct xs_request *req;

	req = request_create(test, "x", 1);
	xs_request_get(req);
	call = fake_call_start(test, request_spin_and_put, req, request_unblock);

	xs_request_finish(req, 0);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
}

static struct kunit_case request_cases[] = {
	KUNIT_CASE(request_of_parts_holds_header_and_bytes),
	KUNIT_CASE(request_whose_source_is_reused_keeps_its_bytes),
	KUNIT_CASE_PARAM(request_of_length_is_built_up_to_payload_max,
			 request_length_gen_params),
	KUNIT_CASE(reply_to_a_small_request_has_room_in_it),
	KUNIT_CASE(reply_to_a_long_request_has_room_for_as_much),
#ifndef CONFIG_LOCKDEP
	KUNIT_CASE(small_request_takes_512_bytes),
#endif
	KUNIT_CASE(finish_with_complete_calls_it_once_when_done),
	KUNIT_CASE(finish_leaves_the_gate_once),
	KUNIT_CASE(finish_outside_of_the_gate_leaves_none),
	KUNIT_CASE(wait_ends_when_the_request_is_finished),
	KUNIT_CASE(waiter_that_drops_the_request_during_wakeup_is_safe),
	KUNIT_CASE(waiter_that_never_slept_may_drop_the_request),
	{}
};

static struct kunit_suite request_suite = {
	.name = "xenstore_request",
	.test_cases = request_cases,
};

kunit_test_suite(request_suite);
