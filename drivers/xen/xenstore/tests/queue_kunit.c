// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of queues, without watches.
 *
 * Where order is the subject the test works on the queues itself; where waiting
 * is, the threads are real.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/slab.h>

#include "fake_conn.h"
#include "fake_memory.h"
#include "queue.h"

#define QUEUE_ITEMS	64

struct queue_fixture;

/* An item that says when it runs, and can be made to wait. */
struct queue_probe {
	struct xs_queue_item item;
	struct queue_fixture *f;
	bool holds;
	struct completion entered;
	struct completion left;
	struct xs_queue *queue;		/* where it ran */
	/* Of an item that pauses. */
	unsigned long timeout;
	int err;
};

struct queue_fixture {
	struct xs_queues queues;
	struct xs_queue *a;
	struct xs_queue *b;
	struct queue_probe probes[QUEUE_ITEMS];
	/* In the order in which they ran. */
	struct queue_probe *ran[QUEUE_ITEMS];
	unsigned int num_ran;
	/* Items of one queue that run at the same time are a mistake. */
	atomic_t inside;
	bool overlap;
	/* Items that hold wait here. */
	struct completion leave;
	/* And one that pauses here. */
	struct completion leave_pause;
};

static void queue_run(struct xs_queue_item *item)
{
	struct queue_probe *probe = container_of(item, struct queue_probe, item);
	struct queue_fixture *f = probe->f;

	probe->queue = xs_queue_current(&f->queues);
	complete(&probe->entered);
	if (probe->holds)
		wait_for_completion(&f->leave);
	complete(&probe->left);
}

static void queue_run_in_order(struct xs_queue_item *item)
{
	struct queue_probe *probe = container_of(item, struct queue_probe, item);
	struct queue_fixture *f = probe->f;

	f->overlap |= atomic_inc_return(&f->inside) != 1;
	f->ran[f->num_ran++ % QUEUE_ITEMS] = probe;
	cond_resched();
	atomic_dec(&f->inside);
	complete(&probe->left);
}

static void queue_cleanup(void *data)
{
	struct queue_fixture *f = data;

	complete_all(&f->leave_pause);
	complete_all(&f->leave);
	xs_queues_stop(&f->queues);
	if (!f->a)
		return;
	while (xs_queue_run_one(f->a) || xs_queue_run_one(f->b))
		;
	xs_queue_put(f->a);
	xs_queue_put(f->b);
}

static int queue_init(struct kunit *test)
{
	struct queue_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	xs_queues_init(&f->queues);
	init_completion(&f->leave);
	init_completion(&f->leave_pause);
	for (i = 0; i < QUEUE_ITEMS; i++) {
		xs_queue_item_init(&f->probes[i].item, queue_run);
		f->probes[i].f = f;
		init_completion(&f->probes[i].entered);
		init_completion(&f->probes[i].left);
	}
	test->priv = f;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, queue_cleanup, f),
			0);
	return 0;
}

static void queue_make(struct queue_fixture *f)
{
	f->a = xs_queue_of(&f->queues, 1);
	f->b = xs_queue_of(&f->queues, 2);
}

static void queue_start(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_queues_start(&f->queues), 0);
	queue_make(f);
}

static void queue_await(struct kunit *test, struct completion *done)
{
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(done,
							  FAKE_CALL_TIMEOUT), 0);
}

/* Probe @i has begun in a queue and stays there. */
static void queue_occupy(struct kunit *test, struct xs_queue *queue,
			 unsigned int i)
{
	struct queue_fixture *f = test->priv;

	f->probes[i].holds = true;
	xs_queue_add(queue, &f->probes[i].item);
	queue_await(test, &f->probes[i].entered);
}

/* === Order === */

static void items_of_a_queue_run_in_order(struct kunit *test)
{
	struct queue_fixture *f = test->priv;
	unsigned int i;

	queue_start(test);
	for (i = 0; i < QUEUE_ITEMS; i++)
		f->probes[i].item.run = queue_run_in_order;
	for (i = 0; i < QUEUE_ITEMS; i++)
		xs_queue_add(f->a, &f->probes[i].item);
	for (i = 0; i < QUEUE_ITEMS; i++)
		queue_await(test, &f->probes[i].left);
	KUNIT_EXPECT_FALSE(test, f->overlap);
	KUNIT_EXPECT_EQ(test, f->num_ran, QUEUE_ITEMS);
	for (i = 0; i < QUEUE_ITEMS; i++)
		KUNIT_EXPECT_PTR_EQ(test, f->ran[i], &f->probes[i]);
}

static void item_that_is_in_the_queue_is_not_added_again(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_make(f);
	KUNIT_EXPECT_TRUE(test, xs_queue_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_FALSE(test, xs_queue_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_TRUE(test, xs_queue_run_one(f->a));
	KUNIT_EXPECT_FALSE(test, xs_queue_run_one(f->a));
	KUNIT_EXPECT_TRUE(test, xs_queue_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_TRUE(test, xs_queue_run_one(f->a));
	KUNIT_EXPECT_TRUE(test, xs_queues_are_idle(&f->queues));
}

static void item_that_runs_can_be_added_again(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test);
	queue_occupy(test, f->a, 0);
	KUNIT_EXPECT_TRUE(test, xs_queue_add(f->a, &f->probes[0].item));
	complete_all(&f->leave);
	queue_await(test, &f->probes[0].entered);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(xs_queues_are_idle(&f->queues)));
}

/* === Who waits for whom === */

static void stuck_queue_delays_no_other(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test);
	queue_occupy(test, f->a, 0);
	xs_queue_add(f->a, &f->probes[1].item);
	xs_queue_add(f->b, &f->probes[2].item);
	xs_queue_add(&f->queues.default_queue, &f->probes[3].item);
	queue_await(test, &f->probes[2].left);
	queue_await(test, &f->probes[3].left);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[1].entered));
	complete_all(&f->leave);
	queue_await(test, &f->probes[1].left);
}

static void stuck_common_queue_delays_no_other(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test);
	queue_occupy(test, &f->queues.default_queue, 0);
	xs_queue_add(f->a, &f->probes[1].item);
	queue_await(test, &f->probes[1].left);
}

static void item_knows_its_queue(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test);
	KUNIT_EXPECT_PTR_EQ(test, xs_queue_current(&f->queues), NULL);
	xs_queue_add(f->a, &f->probes[0].item);
	xs_queue_add(f->b, &f->probes[1].item);
	xs_queue_add(&f->queues.default_queue, &f->probes[2].item);
	queue_await(test, &f->probes[0].left);
	queue_await(test, &f->probes[1].left);
	queue_await(test, &f->probes[2].left);
	KUNIT_EXPECT_PTR_EQ(test, f->probes[0].queue, f->a);
	KUNIT_EXPECT_PTR_EQ(test, f->probes[1].queue, f->b);
	KUNIT_EXPECT_PTR_EQ(test, f->probes[2].queue, &f->queues.default_queue);
}

static int queue_synchronize_a(void *data)
{
	struct queue_fixture *f = data;

	xs_queue_synchronize(f->a, &f->probes[0]);
	return 0;
}

static void queue_let_go(void *data)
{
	struct queue_fixture *f = data;

	complete_all(&f->leave);
}

static void synchronize_waits_for_items_of_the_owner(struct kunit *test)
{
	struct queue_fixture *f = test->priv;
	struct fake_call *call;

	queue_start(test);
	f->probes[0].item.owner = &f->probes[0];
	queue_occupy(test, f->a, 0);
	call = fake_call_start(test, queue_synchronize_a, f, queue_let_go);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_call_sleeps(call)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));
	complete_all(&f->leave);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&f->probes[0].left));
}

static void synchronize_does_not_wait_for_items_of_others(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test);
	f->probes[1].item.owner = &f->probes[1];
	queue_occupy(test, f->a, 1);
	xs_queue_synchronize(f->a, &f->probes[0]);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[1].left));
}

/* === Life === */

static void queue_of_an_id_is_one(struct kunit *test)
{
	struct queue_fixture *f = test->priv;
	struct xs_queue *again;

	queue_start(test);
	KUNIT_EXPECT_PTR_NE(test, f->a, f->b);
	again = xs_queue_of(&f->queues, 1);
	KUNIT_EXPECT_PTR_EQ(test, again, f->a);
	xs_queue_put(again);
}

static void queue_put_last(struct xs_queue_item *item)
{
	struct queue_probe *probe = container_of(item, struct queue_probe, item);

	xs_queue_put(xs_queue_current(&probe->f->queues));
	complete(&probe->left);
}

static void queue_can_be_dropped_by_its_own_item(struct kunit *test)
{
	struct queue_fixture *f = test->priv;
	struct xs_queue *queue;

	queue_start(test);
	queue = xs_queue_of(&f->queues, 3);
	f->probes[0].item.run = queue_put_last;
	xs_queue_add(queue, &f->probes[0].item);
	queue_await(test, &f->probes[0].left);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(xs_queues_are_idle(&f->queues)));
	xs_queues_stop(&f->queues);
}

/* Such as that a disk is connected again after a resume, with swap on it. */
static void queue_needs_no_memory_to_run(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	if (!fake_memory_can_fail())
		kunit_skip(test, "allocations cannot be made to fail");
	queue_start(test);
	fake_memory_fail_nth(1);
	xs_queue_add(f->a, &f->probes[0].item);
	KUNIT_EXPECT_FALSE(test, fake_memory_has_failed());
	queue_await(test, &f->probes[0].left);
}

static void queue_without_memory_is_the_default_one(struct kunit *test)
{
	struct queue_fixture *f = test->priv;
	struct xs_queue *queue;

	if (!fake_memory_can_fail())
		kunit_skip(test, "allocations cannot be made to fail");
	queue_start(test);
	fake_memory_fail_nth(1);
	queue = xs_queue_of(&f->queues, 3);
	KUNIT_EXPECT_TRUE(test, fake_memory_has_failed());
	KUNIT_EXPECT_PTR_EQ(test, queue, &f->queues.default_queue);
	xs_queue_put(queue);
}

/* === Pause === */

/* A suspend. */
static void queue_pause(struct xs_queue_item *item)
{
	struct queue_probe *probe = container_of(item, struct queue_probe, item);

	probe->err = xs_queues_pause(&probe->f->queues, probe->timeout);
	complete(&probe->entered);
	if (probe->holds)
		wait_for_completion(&probe->f->leave_pause);
	complete(&probe->left);
}

static struct queue_probe *queue_begin_pause(struct kunit *test,
					     unsigned long timeout)
{
	struct queue_fixture *f = test->priv;
	struct queue_probe *probe = &f->probes[QUEUE_ITEMS - 1];

	probe->item.run = queue_pause;
	probe->timeout = timeout;
	probe->holds = true;
	xs_queue_add(&f->queues.default_queue, &probe->item);
	return probe;
}

static void pause_waits_for_what_runs_and_holds_the_rest(struct kunit *test)
{
	struct queue_fixture *f = test->priv;
	struct queue_probe *pause;

	queue_start(test);
	queue_occupy(test, f->a, 0);
	xs_queue_add(f->a, &f->probes[1].item);
	pause = queue_begin_pause(test, MAX_SCHEDULE_TIMEOUT);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(f->queues.paused)));
	xs_queue_add(f->b, &f->probes[2].item);
	KUNIT_EXPECT_FALSE(test, completion_done(&pause->entered));

	complete_all(&f->leave);
	queue_await(test, &pause->entered);
	KUNIT_EXPECT_EQ(test, pause->err, 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&f->probes[0].left));
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[1].entered));
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[2].entered));

	complete_all(&f->leave_pause);
	queue_await(test, &f->probes[1].left);
	queue_await(test, &f->probes[2].left);
}

static void pause_gives_up_on_an_item_that_is_stuck(struct kunit *test)
{
	struct queue_fixture *f = test->priv;
	struct queue_probe *pause;

	queue_start(test);
	queue_occupy(test, f->a, 0);
	pause = queue_begin_pause(test, 1);
	queue_await(test, &pause->entered);
	KUNIT_EXPECT_EQ(test, pause->err, -EBUSY);
	complete_all(&f->leave_pause);
	complete_all(&f->leave);
	xs_queue_add(f->b, &f->probes[1].item);
	queue_await(test, &f->probes[1].left);
}

/* Hibernation is no item: the peers' answers have to be handled. */
static void pause_by_no_item_is_none(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test);
	queue_occupy(test, f->a, 0);
	KUNIT_EXPECT_EQ(test, xs_queues_pause(&f->queues, 1), 0);
	xs_queue_add(f->b, &f->probes[1].item);
	queue_await(test, &f->probes[1].left);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(items_of_a_queue_run_in_order),
	KUNIT_CASE(item_that_is_in_the_queue_is_not_added_again),
	KUNIT_CASE(item_that_runs_can_be_added_again),
	KUNIT_CASE(stuck_queue_delays_no_other),
	KUNIT_CASE(stuck_common_queue_delays_no_other),
	KUNIT_CASE(item_knows_its_queue),
	KUNIT_CASE(synchronize_waits_for_items_of_the_owner),
	KUNIT_CASE(synchronize_does_not_wait_for_items_of_others),
	KUNIT_CASE(queue_of_an_id_is_one),
	KUNIT_CASE(queue_can_be_dropped_by_its_own_item),
	KUNIT_CASE(queue_needs_no_memory_to_run),
	KUNIT_CASE(queue_without_memory_is_the_default_one),
	KUNIT_CASE(pause_waits_for_what_runs_and_holds_the_rest),
	KUNIT_CASE(pause_gives_up_on_an_item_that_is_stuck),
	KUNIT_CASE(pause_by_no_item_is_none),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "xenstore_queue",
	.init = queue_init,
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
