// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections and callers for tests.
 *
 * A connection to a fake that goes away with the test, and threads that make
 * calls which sleep, so that the test itself can go on meanwhile. Neither
 * knows which fake is at the other end.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "fake_conn.h"
#include "transaction.h"

static int fake_conn_ignore_event(struct xs_conn *conn, const char *body,
				  size_t len)
{
	return 0;
}

static const struct xs_conn_ops fake_conn_ignore_ops = {
	.event = fake_conn_ignore_event,
};

struct fake_conn {
	struct xs_conn conn;
	struct kunit *test;
};

static void fake_conn_release(void *data)
{
	struct fake_conn *fake = data;
	struct xs_conn *conn = &fake->conn;

	xs_io_stop(conn);
	xs_io_disconnect(conn);
	/* Warns about a request that has never completed. */
	xs_conn_destroy(conn);
	xs_transactions_destroy(&conn->transactions);
	KUNIT_EXPECT_EQ_MSG(fake->test, conn->gate.inside, 0,
			    "a request has not left the gate");
	KUNIT_EXPECT_TRUE_MSG(fake->test, list_empty(&conn->gate.pins),
			      "a transaction has not ended");
}

/**
 * fake_conn_is_idle() - is no request queued or waiting for its reply?
 * @conn: a connection that nothing else uses
 *
 * Context: Any.
 * Return: true if none is pending.
 */
bool fake_conn_is_idle(const struct xs_conn *conn)
{
	unsigned int i;

	for (i = 0; i < XS_PENDING_BUCKETS; i++) {
		if (!hlist_empty(&conn->pending[i]))
			return false;
	}
	return !xs_fq_has_sendable(&conn->fq);
}

/**
 * fake_conn_create() - make a connection
 * @test: the test it belongs to
 * @t: transport of a fake
 * @ops: where events go; NULL drops them
 * @owner: for @ops
 * @level: how far to go
 *
 * When the test ends, the connection is stopped, and the test fails if there
 * is a request that never completed, or one that has not left the gate.
 *
 * Context: The test's own thread.
 * Return: The connection; the test has ended if anything failed.
 */
struct xs_conn *fake_conn_create(struct kunit *test, struct xs_transport *t,
				 const struct xs_conn_ops *ops, void *owner,
				 enum fake_conn_level level)
{
	struct fake_conn *fake;
	struct xs_conn *conn;

	fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->test = test;
	conn = &fake->conn;
	xs_conn_init(conn, t, ops ?: &fake_conn_ignore_ops, owner);
	/* Ids that a test can foretell. */
	conn->next_id = 1;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_conn_release,
							fake), 0);
	if (level >= FAKE_CONN_UP)
		KUNIT_ASSERT_EQ(test, xs_io_connect(conn), 0);
	if (level >= FAKE_CONN_RUNNING)
		KUNIT_ASSERT_EQ(test, xs_io_start(conn), 0);
	return conn;
}

/**
 * fake_conn_accept() - submit a request whose gate is open
 * @conn: the connection; its gate is open
 * @req: a new request
 *
 * Context: Process.
 * Return: 0 or the error of xs_conn_submit().
 */
int fake_conn_accept(struct xs_conn *conn, struct xs_request *req)
{
	return xs_conn_submit(conn, req);
}

static void fake_conn_put_request(void *data)
{
	xs_request_put(data);
}

/**
 * fake_conn_submit() - submit a request and do not wait for it
 * @test: the test it belongs to
 * @conn: the connection; its gate is open
 * @type: XS_READ and the like
 * @payload: the payload
 * @len: length of the payload
 *
 * The reply is looked at with xs_request_is_done(), &xs_request.err and
 * &xs_request.reply.
 *
 * Context: The test's own thread.
 * Return: The request, valid until the test ends; the test has ended if the
 * connection did not accept it.
 */
struct xs_request *fake_conn_submit(struct kunit *test, struct xs_conn *conn,
				    u32 type, const void *payload, size_t len)
{
	struct kvec part = { .iov_base = (void *)payload, .iov_len = len };
	struct xs_request *req;

	req = xs_request_alloc(type, 0, &part, 1, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(req));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test,
							fake_conn_put_request,
							req), 0);
	KUNIT_ASSERT_EQ(test, fake_conn_accept(conn, req), 0);
	return req;
}

static int fake_call_thread(void *data)
{
	struct fake_call *call = data;

	WRITE_ONCE(call->entered, true);
	call->result = call->fn(call->arg);
	complete_all(&call->done);
	return 0;
}

static void fake_call_release(void *data)
{
	struct fake_call *call = data;

	/* Mostly after a failed assertion. */
	if (!completion_done(&call->done) && call->unblock)
		call->unblock(call->arg);
	kthread_stop(call->thread);
	put_task_struct(call->thread);
}

/**
 * fake_call_start() - call a function in a thread of its own
 * @test: the test it belongs to
 * @fn: the function; it may sleep and must not use KUNIT_ASSERT
 * @arg: its argument
 * @unblock: called with @arg if the test ends before the call, to get it out;
 *	may be NULL
 *
 * Context: The test's own thread.
 * Return: The call; the test has ended if there is no thread.
 */
struct fake_call *fake_call_start(struct kunit *test, int (*fn)(void *arg),
				  void *arg, void (*unblock)(void *arg))
{
	struct fake_call *call;

	call = kunit_kzalloc(test, sizeof(*call), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, call);
	call->fn = fn;
	call->arg = arg;
	call->unblock = unblock;
	init_completion(&call->done);
	call->thread = kthread_create(fake_call_thread, call, "fake_call");
	KUNIT_ASSERT_FALSE(test, IS_ERR(call->thread));
	get_task_struct(call->thread);
	wake_up_process(call->thread);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_call_release,
							call), 0);
	return call;
}

/**
 * fake_call_is_done() - has a call returned?
 * @call: the call
 *
 * Context: Any.
 * Return: true if fake_call_result() would not sleep.
 */
bool fake_call_is_done(struct fake_call *call)
{
	return completion_done(&call->done);
}

/**
 * fake_call_sleeps() - let a call get as far as it can
 * @call: the call
 *
 * Context: Process.
 * Return: true once the call sleeps inside the function, false if it has
 * returned.
 */
bool fake_call_sleeps(struct fake_call *call)
{
	fake_wait_until(fake_call_is_done(call) ||
			(READ_ONCE(call->entered) &&
			 !task_is_running(call->thread)));
	return !fake_call_is_done(call);
}

/**
 * fake_call_result() - wait for a call and fetch its result
 * @test: the test it belongs to
 * @call: the call
 *
 * Context: The test's own thread, sleeps.
 * Return: What the function returned; the test has ended if it did not return
 * within %FAKE_CALL_TIMEOUT.
 */
int fake_call_result(struct kunit *test, struct fake_call *call)
{
	unsigned long left;

	left = wait_for_completion_timeout(&call->done, FAKE_CALL_TIMEOUT);
	KUNIT_ASSERT_NE_MSG(test, left, 0, "a call does not return");
	return call->result;
}
