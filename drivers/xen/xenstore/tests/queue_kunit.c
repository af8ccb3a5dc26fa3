// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of queues, without watches.
 *
 * Where order is the subject the test works on the queues itself; where waiting
 * is, the thread and the workqueue are real.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/slab.h>

#include "fake_conn.h"
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

	complete_all(&f->leave);
	xs_queues_stop(&f->queues);
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
	f->a = xs_queue_alloc(&f->queues, GFP_KERNEL | __GFP_NOFAIL);
	f->b = xs_queue_alloc(&f->queues, GFP_KERNEL | __GFP_NOFAIL);
	init_completion(&f->leave);
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

static void queue_start(struct kunit *test, bool freezable)
{
	struct queue_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_queues_start(&f->queues, freezable), 0);
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

	queue_start(test, true);
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

	KUNIT_EXPECT_TRUE(test, xs_queue_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_FALSE(test, xs_queue_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_TRUE(test, xs_queue_run_one(f->a));
	KUNIT_EXPECT_FALSE(test, xs_queue_run_one(f->a));
	KUNIT_EXPECT_TRUE(test, xs_queue_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_TRUE(test, xs_queue_run_one(f->a));
	KUNIT_EXPECT_EQ(test, f->queues.busy, 0);
}

static void item_that_runs_can_be_added_again(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test, true);
	queue_occupy(test, f->a, 0);
	KUNIT_EXPECT_TRUE(test, xs_queue_add(f->a, &f->probes[0].item));
	complete_all(&f->leave);
	queue_await(test, &f->probes[0].entered);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!READ_ONCE(f->queues.busy)));
}

/* === Who waits for whom === */

static void stuck_queue_delays_no_other(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test, true);
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

	queue_start(test, true);
	queue_occupy(test, &f->queues.default_queue, 0);
	xs_queue_add(f->a, &f->probes[1].item);
	queue_await(test, &f->probes[1].left);
}

static void item_knows_its_queue(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test, true);
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

	queue_start(test, true);
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

	queue_start(test, true);
	f->probes[1].item.owner = &f->probes[1];
	queue_occupy(test, f->a, 1);
	xs_queue_synchronize(f->a, &f->probes[0]);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[1].left));
}

/* === Suspend === */

/* A module cannot freeze workqueues. */
#if defined(CONFIG_FREEZER) && !defined(MODULE)
#include <linux/freezer.h>

static void queue_thaw(void *unused)
{
	thaw_workqueues();
}

/* What a suspend does before the first device is suspended. */
static void queue_freeze(struct kunit *test)
{
	freeze_workqueues_begin();
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, queue_thaw, NULL),
			0);
}

static void freeze_waits_for_what_runs_and_holds_the_rest(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test, true);
	queue_occupy(test, f->a, 0);
	/* The work that is queued for this one may still run. */
	xs_queue_add(f->a, &f->probes[1].item);
	xs_queue_add(f->a, &f->probes[2].item);
	queue_freeze(test);
	xs_queue_add(f->b, &f->probes[3].item);
	KUNIT_EXPECT_TRUE(test, freeze_workqueues_busy());

	complete_all(&f->leave);
	queue_await(test, &f->probes[0].left);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!freeze_workqueues_busy()));
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[2].entered));
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[3].entered));

	kunit_release_action(test, queue_thaw, NULL);
	queue_await(test, &f->probes[2].left);
	queue_await(test, &f->probes[3].left);
}

static void freeze_does_not_stop_the_common_queue(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test, true);
	queue_freeze(test);
	xs_queue_add(&f->queues.default_queue, &f->probes[0].item);
	queue_await(test, &f->probes[0].left);
}

static void queues_of_a_local_server_are_not_frozen(struct kunit *test)
{
	struct queue_fixture *f = test->priv;

	queue_start(test, false);
	queue_freeze(test);
	KUNIT_EXPECT_FALSE(test, freeze_workqueues_busy());
	xs_queue_add(f->a, &f->probes[0].item);
	queue_await(test, &f->probes[0].left);
}
#endif

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(items_of_a_queue_run_in_order),
	KUNIT_CASE(item_that_is_in_the_queue_is_not_added_again),
	KUNIT_CASE(item_that_runs_can_be_added_again),
	KUNIT_CASE(stuck_queue_delays_no_other),
	KUNIT_CASE(stuck_common_queue_delays_no_other),
	KUNIT_CASE(item_knows_its_queue),
	KUNIT_CASE(synchronize_waits_for_items_of_the_owner),
	KUNIT_CASE(synchronize_does_not_wait_for_items_of_others),
#if defined(CONFIG_FREEZER) && !defined(MODULE)
	KUNIT_CASE(freeze_waits_for_what_runs_and_holds_the_rest),
	KUNIT_CASE(freeze_does_not_stop_the_common_queue),
	KUNIT_CASE(queues_of_a_local_server_are_not_frozen),
#endif
	{}
};

static struct kunit_suite queue_suite = {
	.name = "xenstore_queue",
	.init = queue_init,
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
