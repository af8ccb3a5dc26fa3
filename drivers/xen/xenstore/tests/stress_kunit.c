// SPDX-License-Identifier: GPL-2.0-only
/*
 * Short stress of a connection with several callers at once.
 *
 * Every worker has a node of its own, so each knows what it must read. The
 * store replies from within notify(). On one CPU the workers meet only where they
 * sleep; with several, and KCSAN, this suite looks for races.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/slab.h>

#include "fake_store.h"
#include "ops.h"

#define STRESS_WORKERS	6
#define STRESS_ROUNDS	60
#define STRESS_SIZE	3000

struct stress_worker {
	struct stress_fixture *f;
	unsigned int number;
	unsigned int rounds;
	char path[32];
	u8 bytes[STRESS_SIZE];
	struct fake_call *call;
};

struct stress_fixture {
	struct fake_store *store;
	struct xs_conn *conn;
	atomic_t events;
	struct stress_worker workers[STRESS_WORKERS];
};

static int stress_count_event(struct xs_conn *conn, const char *body,
			      size_t len)
{
	struct stress_fixture *f = conn->owner;

	atomic_inc(&f->events);
	return 0;
}

static const struct xs_conn_ops stress_count_ops = {
	.event = stress_count_event,
};

static int stress_init(struct kunit *test)
{
	struct stress_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->store = fake_store_create(test);
	f->store->peer.record = false;
	f->store->reuse_tx_ids = true;
	f->conn = fake_conn_create(test, &f->store->peer.t, &stress_count_ops,
				   f, FAKE_CONN_RUNNING);
	for (i = 0; i < STRESS_WORKERS; i++) {
		struct stress_worker *worker = &f->workers[i];

		worker->f = f;
		worker->number = i;
		snprintf(worker->path, sizeof(worker->path), "/worker/%u", i);
	}
	test->priv = f;
	return 0;
}

static void stress_unblock(void *arg)
{
	struct stress_worker *worker = arg;

	xs_conn_break(worker->f->conn, -ESHUTDOWN);
}

static void stress_start(struct kunit *test, int (*fn)(void *arg))
{
	struct stress_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < STRESS_WORKERS; i++)
		f->workers[i].call = fake_call_start(test, fn, &f->workers[i],
						     stress_unblock);
}

static void stress_expect(struct kunit *test, int expected)
{
	struct stress_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < STRESS_WORKERS; i++)
		KUNIT_EXPECT_EQ(test,
				fake_call_result(test, f->workers[i].call),
				expected);
}

/* Differs by worker and round; sizes run from nothing to several rings. */
static size_t stress_fill(struct stress_worker *worker)
{
	unsigned int seed = worker->number * 131 + worker->rounds * 17;
	size_t len = (seed * 97) % STRESS_SIZE;

	memset(worker->bytes, seed, len);
	if (len)
		worker->bytes[len / 2] = ~seed;
	return len;
}

static int stress_check(struct stress_worker *worker, size_t len)
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

static int stress_write_and_read(void *arg)
{
	struct stress_worker *worker = arg;
	size_t len;
	int err = 0;

	for (; !err && worker->rounds < STRESS_ROUNDS; worker->rounds++) {
		len = stress_fill(worker);
		err = xs_op_write(worker->f->conn, 0, worker->path, "",
				  worker->bytes, len);
		if (!err)
			err = stress_check(worker, len);
	}
	return err;
}

static int stress_count_up(struct stress_worker *worker)
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

static int stress_count(void *arg)
{
	struct stress_worker *worker = arg;
	int err = 0;

	while (!err && worker->rounds < STRESS_ROUNDS / 6) {
		err = stress_count_up(worker);
		if (!err)
			worker->rounds++;
		else if (err == -EAGAIN)
			err = 0;
	}
	return err;
}

static int stress_until_broken(void *arg)
{
	struct stress_worker *worker = arg;
	int err;

	do {
		worker->rounds = 0;
		err = stress_write_and_read(worker);
	} while (!err);
	return err;
}

static void workers_at_once_read_what_they_wrote(struct kunit *test)
{
	stress_start(test, stress_write_and_read);
	stress_expect(test, 0);
}

static void workers_at_once_get_through_a_small_pipe(struct kunit *test)
{
	struct stress_fixture *f = test->priv;

	f->store->peer.take = 7;
	f->store->peer.give = 5;
	stress_start(test, stress_write_and_read);
	stress_expect(test, 0);
}

static void workers_with_transactions_lose_no_update(struct kunit *test)
{
	struct stress_fixture *f = test->priv;
	char expected[16];

	fake_store_write(f->store, "/count", "0", 1);
	stress_start(test, stress_count);
	stress_expect(test, 0);

	snprintf(expected, sizeof(expected), "%u",
		 STRESS_WORKERS * (STRESS_ROUNDS / 6));
	KUNIT_EXPECT_STREQ(test, fake_store_value(f->store, "/count", NULL),
			   expected);
}

static void workers_amid_a_flood_of_events_read_what_they_wrote(struct kunit *test)
{
	struct stress_fixture *f = test->priv;
	struct xs_request *req;

	req = fake_conn_submit(test, f->conn, XS_WATCH, "/worker\0token", 14);
	xs_request_wait(req);
	stress_start(test, stress_write_and_read);
	stress_expect(test, 0);

	/* One when the watch was set, one for each write. */
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(atomic_read(&f->events) ==
					  1 + STRESS_WORKERS * STRESS_ROUNDS));
}

static void workers_during_suspends_read_what_they_wrote(struct kunit *test)
{
	struct stress_fixture *f = test->priv;
	unsigned int i;

	stress_start(test, stress_write_and_read);
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
	stress_expect(test, 0);
}

static void workers_on_a_connection_that_breaks_all_return(struct kunit *test)
{
	struct stress_fixture *f = test->priv;

	stress_start(test, stress_until_broken);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(fake_peer_count(&f->store->peer) > 50));
	xs_conn_break(f->conn, -EIO);

	stress_expect(test, -EIO);
}

static int stress_serve(void *arg)
{
	fake_peer_serve(arg);
	return 0;
}

static void stress_dismiss(void *arg)
{
	fake_peer_dismiss(arg);
}

/* Indices move while they are looked at, and each notification counts. */
static void stress_start_server(struct kunit *test)
{
	struct stress_fixture *f = test->priv;

	f->store->peer.automatic = false;
	fake_call_start(test, stress_serve, &f->store->peer, stress_dismiss);
}

static void workers_beside_a_server_read_what_they_wrote(struct kunit *test)
{
	stress_start_server(test);
	stress_start(test, stress_write_and_read);
	stress_expect(test, 0);
}

static void workers_beside_a_slow_server_read_what_they_wrote(struct kunit *test)
{
	struct stress_fixture *f = test->priv;

	f->store->peer.take = 100;
	f->store->peer.give = 90;
	stress_start_server(test);
	stress_start(test, stress_write_and_read);
	stress_expect(test, 0);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE(workers_at_once_read_what_they_wrote),
	KUNIT_CASE(workers_at_once_get_through_a_small_pipe),
	KUNIT_CASE(workers_with_transactions_lose_no_update),
	KUNIT_CASE(workers_amid_a_flood_of_events_read_what_they_wrote),
	KUNIT_CASE(workers_during_suspends_read_what_they_wrote),
	KUNIT_CASE(workers_on_a_connection_that_breaks_all_return),
	KUNIT_CASE(workers_beside_a_server_read_what_they_wrote),
	KUNIT_CASE(workers_beside_a_slow_server_read_what_they_wrote),
	{}
};

static struct kunit_suite stress_suite = {
	.name = "xenstore_stress",
	.init = stress_init,
	.test_cases = stress_cases,
};

kunit_test_suite(stress_suite);
