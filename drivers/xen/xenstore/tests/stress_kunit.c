// SPDX-License-Identifier: GPL-2.0-only
/*
 * Short stress of a connection with several callers at once.
 *
 * Every worker has a node of its own, so each knows what it must read. The
 * store answers from within notify(). On one processor the workers meet only
 * where they sleep; with several, and KCSAN, this suite looks for races.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>

#include "fake_store.h"
#include "ops.h"

#define THREADS_WORKERS	6
#define THREADS_ROUNDS	60
#define THREADS_SIZE	3000

struct threads_worker {
	struct threads_fixture *f;
	unsigned int number;
	unsigned int rounds;
	char path[32];
	u8 bytes[THREADS_SIZE];
	struct fake_call *call;
};

struct threads_fixture {
	struct fake_store *store;
	struct xs_conn *conn;
	atomic_t events;
	struct threads_worker workers[THREADS_WORKERS];
};

static int threads_count_event(struct xs_conn *conn, const char *body,
			       size_t len)
{
	struct threads_fixture *f = conn->owner;

	atomic_inc(&f->events);
	return 0;
}

static const struct xs_conn_ops threads_count_ops = {
	.event = threads_count_event,
};

static int threads_init(struct kunit *test)
{
	struct threads_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->store->peer.record = false;
	f->store->reuse_tx_ids = true;
	f->conn = fake_conn_create(test, &f->store->peer.t, &threads_count_ops,
				   f, FAKE_CONN_RUNNING);
	for (i = 0; i < THREADS_WORKERS; i++) {
		struct threads_worker *worker = &f->workers[i];

		worker->f = f;
		worker->number = i;
		snprintf(worker->path, sizeof(worker->path), "/worker/%u", i);
	}
	test->priv = f;
	return 0;
}

static void threads_unblock(void *arg)
{
	struct threads_worker *worker = arg;

	xs_conn_break(worker->f->conn, -ESHUTDOWN);
}

static void threads_start(struct kunit *test, int (*fn)(void *arg))
{
	struct threads_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < THREADS_WORKERS; i++)
		f->workers[i].call = fake_call_start(test, fn, &f->workers[i],
						     threads_unblock);
}

static void threads_expect(struct kunit *test, int expected)
{
	struct threads_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < THREADS_WORKERS; i++)
		KUNIT_EXPECT_EQ(test,
				fake_call_result(test, f->workers[i].call),
				expected);
}

/* Differs by worker and round; sizes run from nothing to several rings. */
static size_t threads_fill(struct threads_worker *worker)
{
	unsigned int seed = worker->number * 131 + worker->rounds * 17;
	size_t len = (seed * 97) % THREADS_SIZE;

	memset(worker->bytes, seed, len);
	if (len)
		worker->bytes[len / 2] = ~seed;
	return len;
}

static int threads_check(struct threads_worker *worker, size_t len)
{
	unsigned int read_len;
	void *value;
	int err;

	value = xs_op_read(worker->f->conn, 0, worker->path, "", &read_len);
	if (IS_ERR(value))
		return PTR_ERR(value);
	err = read_len == len && !memcmp(value, worker->bytes, len) ? 0 : -EBADMSG;
	kfree(value);
	return err;
}

static int threads_write_and_read(void *arg)
{
	struct threads_worker *worker = arg;
	size_t len;
	int err = 0;

	for (; !err && worker->rounds < THREADS_ROUNDS; worker->rounds++) {
		len = threads_fill(worker);
		err = xs_op_write(worker->f->conn, 0, worker->path, "",
				  worker->bytes, len);
		if (!err)
			err = threads_check(worker, len);
	}
	return err;
}

static int threads_count_up(struct threads_worker *worker)
{
	struct xs_conn *conn = worker->f->conn;
	unsigned int count;
	char text[16];
	char *value;
	u32 tx_id;
	int err;

	err = xs_op_transaction_start(conn, &tx_id);
	if (err)
		return err;
	value = xs_op_read(conn, tx_id, "/count", "", NULL);
	if (IS_ERR(value)) {
		xs_op_transaction_end(conn, tx_id, true);
		return PTR_ERR(value);
	}
	err = kstrtouint(value, 10, &count);
	kfree(value);
	snprintf(text, sizeof(text), "%u", count + 1);
	if (!err)
		err = xs_op_write(conn, tx_id, "/count", "", text,
				  strlen(text));
	return xs_op_transaction_end(conn, tx_id, err) ?: err;
}

static int threads_count(void *arg)
{
	struct threads_worker *worker = arg;
	int err = 0;

	while (!err && worker->rounds < THREADS_ROUNDS / 6) {
		err = threads_count_up(worker);
		if (!err)
			worker->rounds++;
		else if (err == -EAGAIN)
			err = 0;
	}
	return err;
}

static int threads_until_broken(void *arg)
{
	struct threads_worker *worker = arg;
	int err;

	do {
		worker->rounds = 0;
		err = threads_write_and_read(worker);
	} while (!err);
	return err;
}

static void workers_at_once_read_what_they_wrote(struct kunit *test)
{
	threads_start(test, threads_write_and_read);
	threads_expect(test, 0);
}

static void workers_at_once_get_through_a_small_pipe(struct kunit *test)
{
	struct threads_fixture *f = test->priv;

	f->store->peer.take = 7;
	f->store->peer.give = 5;
	threads_start(test, threads_write_and_read);
	threads_expect(test, 0);
}

static void workers_with_transactions_lose_no_update(struct kunit *test)
{
	struct threads_fixture *f = test->priv;
	char expected[16];

	fake_store_write(f->store, "/count", "0", 1);
	threads_start(test, threads_count);
	threads_expect(test, 0);

	snprintf(expected, sizeof(expected), "%u",
		 THREADS_WORKERS * (THREADS_ROUNDS / 6));
	KUNIT_EXPECT_STREQ(test, fake_store_value(f->store, "/count", NULL),
			   expected);
}

static void workers_amid_a_flood_of_events_read_what_they_wrote(struct kunit *test)
{
	struct threads_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, XS_WATCH, "/worker\0token", 14);
	xs_request_wait(req);
	threads_start(test, threads_write_and_read);
	threads_expect(test, 0);

	/* One when the watch was set, one for each write. */
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(atomic_read(&f->events) ==
					  1 + THREADS_WORKERS * THREADS_ROUNDS));
}

static void workers_during_suspends_read_what_they_wrote(struct kunit *test)
{
	struct threads_fixture *f = test->priv;
	unsigned int i;

	threads_start(test, threads_write_and_read);
	for (i = 0; i < 20; i++) {
		xs_gate_close(&f->conn->gate);
		xs_gate_drain(&f->conn->gate);
		xs_io_park(f->conn);
		KUNIT_EXPECT_TRUE(test, fake_conn_is_idle(f->conn));
		KUNIT_EXPECT_TRUE(test, xs_io_at_boundary(f->conn));
		KUNIT_EXPECT_EQ(test, xs_io_reconnect(f->conn), 0);
		xs_io_unpark(f->conn);
		xs_gate_open(&f->conn->gate);
		cond_resched();
	}
	threads_expect(test, 0);
}

static void workers_on_a_connection_that_breaks_all_return(struct kunit *test)
{
	struct threads_fixture *f = test->priv;

	threads_start(test, threads_until_broken);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(fake_peer_count(&f->store->peer) > 50));
	xs_conn_break(f->conn, -EIO);

	threads_expect(test, -EIO);
}

static struct kunit_case threads_cases[] = {
	KUNIT_CASE(workers_at_once_read_what_they_wrote),
	KUNIT_CASE(workers_at_once_get_through_a_small_pipe),
	KUNIT_CASE(workers_with_transactions_lose_no_update),
	KUNIT_CASE(workers_amid_a_flood_of_events_read_what_they_wrote),
	KUNIT_CASE(workers_during_suspends_read_what_they_wrote),
	KUNIT_CASE(workers_on_a_connection_that_breaks_all_return),
	{}
};

static struct kunit_suite threads_suite = {
	.name = "xenstore_threads",
	.init = threads_init,
	.test_cases = threads_cases,
};

kunit_test_suite(threads_suite);
