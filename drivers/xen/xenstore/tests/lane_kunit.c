// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of lanes, without watches.
 *
 * Where order is the subject the test works on the lanes itself; where waiting
 * is, the thread and the workqueue are real.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/slab.h>

#include "fake_conn.h"
#include "lane.h"

#define LANE_ITEMS	64

struct lane_fixture;

/* An item that says when it runs, and can be made to wait. */
struct lane_probe {
	struct xs_lane_item item;
	struct lane_fixture *f;
	bool holds;
	struct completion entered;
	struct completion left;
	struct xs_lane *lane;		/* where it ran */
};

struct lane_fixture {
	struct xs_lanes lanes;
	struct xs_lane *a;
	struct xs_lane *b;
	struct lane_probe probes[LANE_ITEMS];
	/* In the order in which they ran. */
	struct lane_probe *ran[LANE_ITEMS];
	unsigned int num_ran;
	/* Items of one lane that run at the same time are a mistake. */
	atomic_t inside;
	bool overlap;
	/* Items that hold wait here. */
	struct completion leave;
};

static void lane_run(struct xs_lane_item *item)
{
	struct lane_probe *probe = container_of(item, struct lane_probe, item);
	struct lane_fixture *f = probe->f;

	probe->lane = xs_lane_current(&f->lanes);
	complete(&probe->entered);
	if (probe->holds)
		wait_for_completion(&f->leave);
	complete(&probe->left);
}

static void lane_run_in_order(struct xs_lane_item *item)
{
	struct lane_probe *probe = container_of(item, struct lane_probe, item);
	struct lane_fixture *f = probe->f;

	f->overlap |= atomic_inc_return(&f->inside) != 1;
	f->ran[f->num_ran++ % LANE_ITEMS] = probe;
	cond_resched();
	atomic_dec(&f->inside);
	complete(&probe->left);
}

static void lane_cleanup(void *data)
{
	struct lane_fixture *f = data;

	complete_all(&f->leave);
	xs_lanes_stop(&f->lanes);
	while (xs_lane_run_one(f->a) || xs_lane_run_one(f->b))
		;
	xs_lane_put(f->a);
	xs_lane_put(f->b);
}

static int lane_init(struct kunit *test)
{
	struct lane_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	xs_lanes_init(&f->lanes);
	f->a = xs_lane_alloc(&f->lanes, GFP_KERNEL | __GFP_NOFAIL);
	f->b = xs_lane_alloc(&f->lanes, GFP_KERNEL | __GFP_NOFAIL);
	init_completion(&f->leave);
	for (i = 0; i < LANE_ITEMS; i++) {
		xs_lane_item_init(&f->probes[i].item, lane_run);
		f->probes[i].f = f;
		init_completion(&f->probes[i].entered);
		init_completion(&f->probes[i].left);
	}
	test->priv = f;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lane_cleanup, f),
			0);
	return 0;
}

static void lane_start(struct kunit *test, bool freezable)
{
	struct lane_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, xs_lanes_start(&f->lanes, freezable), 0);
}

static void lane_await(struct kunit *test, struct completion *done)
{
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(done,
							  FAKE_CALL_TIMEOUT), 0);
}

/* Probe @i has begun in a lane and stays there. */
static void lane_occupy(struct kunit *test, struct xs_lane *lane,
			unsigned int i)
{
	struct lane_fixture *f = test->priv;

	f->probes[i].holds = true;
	xs_lane_add(lane, &f->probes[i].item);
	lane_await(test, &f->probes[i].entered);
}

/* === Order === */

static void items_of_a_lane_run_in_order(struct kunit *test)
{
	struct lane_fixture *f = test->priv;
	unsigned int i;

	lane_start(test, true);
	for (i = 0; i < LANE_ITEMS; i++)
		f->probes[i].item.run = lane_run_in_order;
	for (i = 0; i < LANE_ITEMS; i++)
		xs_lane_add(f->a, &f->probes[i].item);
	for (i = 0; i < LANE_ITEMS; i++)
		lane_await(test, &f->probes[i].left);
	KUNIT_EXPECT_FALSE(test, f->overlap);
	KUNIT_EXPECT_EQ(test, f->num_ran, LANE_ITEMS);
	for (i = 0; i < LANE_ITEMS; i++)
		KUNIT_EXPECT_PTR_EQ(test, f->ran[i], &f->probes[i]);
}

static void item_that_is_in_the_lane_is_not_added_again(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	KUNIT_EXPECT_TRUE(test, xs_lane_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_FALSE(test, xs_lane_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_TRUE(test, xs_lane_run_one(f->a));
	KUNIT_EXPECT_FALSE(test, xs_lane_run_one(f->a));
	KUNIT_EXPECT_TRUE(test, xs_lane_add(f->a, &f->probes[0].item));
	KUNIT_EXPECT_TRUE(test, xs_lane_run_one(f->a));
	KUNIT_EXPECT_EQ(test, f->lanes.busy, 0);
}

static void item_that_runs_can_be_added_again(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	lane_start(test, true);
	lane_occupy(test, f->a, 0);
	KUNIT_EXPECT_TRUE(test, xs_lane_add(f->a, &f->probes[0].item));
	complete_all(&f->leave);
	lane_await(test, &f->probes[0].entered);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!READ_ONCE(f->lanes.busy)));
}

/* === Who waits for whom === */

static void stuck_lane_delays_no_other(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	lane_start(test, true);
	lane_occupy(test, f->a, 0);
	xs_lane_add(f->a, &f->probes[1].item);
	xs_lane_add(f->b, &f->probes[2].item);
	xs_lane_add(&f->lanes.common, &f->probes[3].item);
	lane_await(test, &f->probes[2].left);
	lane_await(test, &f->probes[3].left);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[1].entered));
	complete_all(&f->leave);
	lane_await(test, &f->probes[1].left);
}

static void stuck_common_lane_delays_no_other(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	lane_start(test, true);
	lane_occupy(test, &f->lanes.common, 0);
	xs_lane_add(f->a, &f->probes[1].item);
	lane_await(test, &f->probes[1].left);
}

static void item_knows_its_lane(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	lane_start(test, true);
	KUNIT_EXPECT_PTR_EQ(test, xs_lane_current(&f->lanes), NULL);
	xs_lane_add(f->a, &f->probes[0].item);
	xs_lane_add(f->b, &f->probes[1].item);
	xs_lane_add(&f->lanes.common, &f->probes[2].item);
	lane_await(test, &f->probes[0].left);
	lane_await(test, &f->probes[1].left);
	lane_await(test, &f->probes[2].left);
	KUNIT_EXPECT_PTR_EQ(test, f->probes[0].lane, f->a);
	KUNIT_EXPECT_PTR_EQ(test, f->probes[1].lane, f->b);
	KUNIT_EXPECT_PTR_EQ(test, f->probes[2].lane, &f->lanes.common);
}

static int lane_synchronize_a(void *data)
{
	struct lane_fixture *f = data;

	xs_lane_synchronize(f->a, &f->probes[0]);
	return 0;
}

static void lane_let_go(void *data)
{
	struct lane_fixture *f = data;

	complete_all(&f->leave);
}

static void synchronize_waits_for_items_of_the_owner(struct kunit *test)
{
	struct lane_fixture *f = test->priv;
	struct fake_call *call;

	lane_start(test, true);
	f->probes[0].item.owner = &f->probes[0];
	lane_occupy(test, f->a, 0);
	call = fake_call_start(test, lane_synchronize_a, f, lane_let_go);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_call_sleeps(call)));
	KUNIT_EXPECT_FALSE(test, fake_call_is_done(call));
	complete_all(&f->leave);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, call), 0);
	KUNIT_EXPECT_TRUE(test, completion_done(&f->probes[0].left));
}

static void synchronize_does_not_wait_for_items_of_others(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	lane_start(test, true);
	f->probes[1].item.owner = &f->probes[1];
	lane_occupy(test, f->a, 1);
	xs_lane_synchronize(f->a, &f->probes[0]);
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[1].left));
}

/* === Suspend === */

/* A module cannot freeze workqueues. */
#if defined(CONFIG_FREEZER) && !defined(MODULE)
#include <linux/freezer.h>

static void lane_thaw(void *unused)
{
	thaw_workqueues();
}

/* What a suspend does before the first device is suspended. */
static void lane_freeze(struct kunit *test)
{
	freeze_workqueues_begin();
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, lane_thaw, NULL),
			0);
}

static void freeze_waits_for_what_runs_and_holds_the_rest(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	lane_start(test, true);
	lane_occupy(test, f->a, 0);
	/* The work that is queued for this one may still run. */
	xs_lane_add(f->a, &f->probes[1].item);
	xs_lane_add(f->a, &f->probes[2].item);
	lane_freeze(test);
	xs_lane_add(f->b, &f->probes[3].item);
	KUNIT_EXPECT_TRUE(test, freeze_workqueues_busy());

	complete_all(&f->leave);
	lane_await(test, &f->probes[0].left);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!freeze_workqueues_busy()));
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[2].entered));
	KUNIT_EXPECT_FALSE(test, completion_done(&f->probes[3].entered));

	kunit_release_action(test, lane_thaw, NULL);
	lane_await(test, &f->probes[2].left);
	lane_await(test, &f->probes[3].left);
}

static void freeze_does_not_stop_the_common_lane(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	lane_start(test, true);
	lane_freeze(test);
	xs_lane_add(&f->lanes.common, &f->probes[0].item);
	lane_await(test, &f->probes[0].left);
}

static void lanes_of_a_local_server_are_not_frozen(struct kunit *test)
{
	struct lane_fixture *f = test->priv;

	lane_start(test, false);
	lane_freeze(test);
	KUNIT_EXPECT_FALSE(test, freeze_workqueues_busy());
	xs_lane_add(f->a, &f->probes[0].item);
	lane_await(test, &f->probes[0].left);
}
#endif

static struct kunit_case lane_cases[] = {
	KUNIT_CASE(items_of_a_lane_run_in_order),
	KUNIT_CASE(item_that_is_in_the_lane_is_not_added_again),
	KUNIT_CASE(item_that_runs_can_be_added_again),
	KUNIT_CASE(stuck_lane_delays_no_other),
	KUNIT_CASE(stuck_common_lane_delays_no_other),
	KUNIT_CASE(item_knows_its_lane),
	KUNIT_CASE(synchronize_waits_for_items_of_the_owner),
	KUNIT_CASE(synchronize_does_not_wait_for_items_of_others),
#if defined(CONFIG_FREEZER) && !defined(MODULE)
	KUNIT_CASE(freeze_waits_for_what_runs_and_holds_the_rest),
	KUNIT_CASE(freeze_does_not_stop_the_common_lane),
	KUNIT_CASE(lanes_of_a_local_server_are_not_frozen),
#endif
	{}
};

static struct kunit_suite lane_suite = {
	.name = "xenstore_lane",
	.init = lane_init,
	.test_cases = lane_cases,
};

kunit_test_suite(lane_suite);
