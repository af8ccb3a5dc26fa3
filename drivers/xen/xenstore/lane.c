// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lanes: what runs in process context, one after the other in each of them.
 *
 * There is a common lane with a thread of its own, and any number of others,
 * one per device, which a workqueue works on. Lanes do not wait for each other:
 * what is stuck in one delays only what was added to the same one.
 *
 * The system is suspended by an item of the common lane, and no device may be
 * at work on an event meanwhile. Where the server is not one of our processes
 * the workqueue is therefore frozen together with the kernel's threads: that
 * waits for the items which run, and none begins from then on to the thaw.
 * Where it is, an item may wait for a server that has been frozen already, and
 * would keep the system from going to sleep; such a domain is not saved by Xen.
 *
 * The workqueue promises no progress without memory: items flush the work of
 * drivers, which has no such promise either.
 *
 * This file knows nothing about watches.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "lane.h"

/* === Lockdep === */

#ifdef CONFIG_LOCKDEP
static void xs_lane_map_init(struct xs_lanes *lanes)
{
	static struct lock_class_key lane_key;

	lockdep_init_map(&lanes->map, "xs_lane_item", &lane_key, 0);
}

static void xs_lane_map_acquire(struct xs_lanes *lanes)
{
	lock_map_acquire(&lanes->map);
}

static void xs_lane_map_release(struct xs_lanes *lanes)
{
	lock_map_release(&lanes->map);
}

/*
 * Who waits for an item must hold nothing that an item takes. Items may wait
 * for each other, which is not a matter of locks: see locking.rst.
 */
static void xs_lane_might_wait(struct xs_lanes *lanes)
{
	if (lock_is_held(&lanes->map))
		return;
	lock_map_acquire(&lanes->map);
	lock_map_release(&lanes->map);
}
#else
static void xs_lane_map_init(struct xs_lanes *lanes) { }
static void xs_lane_map_acquire(struct xs_lanes *lanes) { }
static void xs_lane_map_release(struct xs_lanes *lanes) { }
static void xs_lane_might_wait(struct xs_lanes *lanes) { }
#endif

/* === References === */

/**
 * xs_lane_get() - take a reference
 * @lane: the lane
 *
 * Context: Any.
 * Return: @lane.
 */
struct xs_lane *xs_lane_get(struct xs_lane *lane)
{
	kref_get(&lane->ref);
	return lane;
}
EXPORT_SYMBOL_GPL(xs_lane_get);

/* Never of the common lane, which keeps its first reference. */
static void xs_lane_release(struct kref *ref)
{
	kfree(container_of(ref, struct xs_lane, ref));
}

/**
 * xs_lane_put() - drop a reference
 * @lane: the lane
 *
 * Context: Any but hard interrupt.
 */
void xs_lane_put(struct xs_lane *lane)
{
	kref_put(&lane->ref, xs_lane_release);
}
EXPORT_SYMBOL_GPL(xs_lane_put);

/* === Running === */

static bool xs_lane_is_common(const struct xs_lane *lane)
{
	return lane == &lane->lanes->common;
}

/**
 * xs_lane_kick() - see to it that somebody works on a lane
 * @lane: the lane
 *
 * Context: Any but hard interrupt.
 */
void xs_lane_kick(struct xs_lane *lane)
{
	struct xs_lanes *lanes = lane->lanes;

	if (xs_lane_is_common(lane)) {
		wake_up(&lanes->added);
		return;
	}
	if (!lanes->wq)
		return;
	xs_lane_get(lane);
	if (!queue_work(lanes->wq, &lane->work))
		xs_lane_put(lane);
}
EXPORT_SYMBOL_GPL(xs_lane_kick);

static struct xs_lane_item *xs_lane_take(struct xs_lane *lane)
{
	struct xs_lanes *lanes = lane->lanes;
	struct xs_lane_item *item;

	spin_lock(&lanes->lock);
	item = list_first_entry_or_null(&lane->items, struct xs_lane_item,
					node);
	if (item) {
		list_del_init(&item->node);
		lane->running = item->owner;
		WRITE_ONCE(lane->runner, current);
		if (item->take)
			item->take(item);
	}
	spin_unlock(&lanes->lock);
	return item;
}

static void xs_lane_finish(struct xs_lane *lane)
{
	struct xs_lanes *lanes = lane->lanes;

	spin_lock(&lanes->lock);
	lane->running = NULL;
	WRITE_ONCE(lane->runner, NULL);
	if (!xs_lane_is_common(lane))
		lanes->busy--;
	spin_unlock(&lanes->lock);
	wake_up_all(&lanes->finished);
}

/**
 * xs_lane_run_one() - run the oldest item of a lane
 * @lane: a lane that nobody else works on
 *
 * Context: Process; sleeps for as long as the item does.
 * Return: true if there was one.
 */
bool xs_lane_run_one(struct xs_lane *lane)
{
	struct xs_lane_item *item = xs_lane_take(lane);

	if (!item)
		return false;
	xs_lane_map_acquire(lane->lanes);
	item->run(item);
	xs_lane_map_release(lane->lanes);
	xs_lane_finish(lane);
	return true;
}
EXPORT_SYMBOL_GPL(xs_lane_run_one);

static bool xs_lane_has_items(struct xs_lane *lane)
{
	return !list_empty_careful(&lane->items);
}

/* One item each time, so that a freeze or a stop need not wait for all. */
static void xs_lane_work(struct work_struct *work)
{
	struct xs_lane *lane = container_of(work, struct xs_lane, work);

	xs_lane_run_one(lane);
	if (xs_lane_has_items(lane))
		xs_lane_kick(lane);
	xs_lane_put(lane);
}

static int xs_lanes_thread(void *data)
{
	struct xs_lanes *lanes = data;

	while (!kthread_should_stop()) {
		wait_event_idle(lanes->added,
				xs_lane_has_items(&lanes->common) ||
				kthread_should_stop());
		xs_lane_run_one(&lanes->common);
		cond_resched();
	}
	return 0;
}

/* === Lanes === */

static void xs_lane_init(struct xs_lanes *lanes, struct xs_lane *lane)
{
	kref_init(&lane->ref);
	lane->lanes = lanes;
	INIT_LIST_HEAD(&lane->items);
	lane->running = NULL;
	lane->runner = NULL;
	INIT_WORK(&lane->work, xs_lane_work);
}

/**
 * xs_lane_alloc() - make a lane
 * @lanes: where it belongs, which stay as long as it does
 * @gfp: how to allocate
 *
 * Context: As @gfp.
 * Return: A lane with one reference, or ERR_PTR(-ENOMEM).
 */
struct xs_lane *xs_lane_alloc(struct xs_lanes *lanes, gfp_t gfp)
{
	struct xs_lane *lane = kzalloc(sizeof(*lane), gfp);

	if (!lane)
		return ERR_PTR(-ENOMEM);
	xs_lane_init(lanes, lane);
	return lane;
}
EXPORT_SYMBOL_GPL(xs_lane_alloc);

/**
 * xs_lane_current() - whose item are we?
 * @lanes: the lanes in question
 *
 * Context: Process.
 * Return: The lane in which the caller runs, or NULL.
 */
struct xs_lane *xs_lane_current(struct xs_lanes *lanes)
{
	struct work_struct *work = current_work();
	struct xs_lane *lane = &lanes->common;

	if (READ_ONCE(lane->runner) == current)
		return lane;
	if (!work || work->func != xs_lane_work)
		return NULL;
	lane = container_of(work, struct xs_lane, work);
	return lane->lanes == lanes ? lane : NULL;
}
EXPORT_SYMBOL_GPL(xs_lane_current);

/* === Items === */

/**
 * xs_lane_item_init() - make an item that is in no lane
 * @item: the item
 * @run: see &xs_lane_item.run
 *
 * Context: Any.
 */
void xs_lane_item_init(struct xs_lane_item *item,
		       void (*run)(struct xs_lane_item *item))
{
	INIT_LIST_HEAD(&item->node);
	item->owner = NULL;
	item->take = NULL;
	item->run = run;
}
EXPORT_SYMBOL_GPL(xs_lane_item_init);

/**
 * xs_lane_add_locked() - have an item run after all that are in the lane
 * @lane: the lane
 * @item: an item that is in no lane
 *
 * xs_lane_kick() must follow once the lock has been released.
 *
 * Context: Any but hard interrupt; &xs_lanes.lock is held.
 */
void xs_lane_add_locked(struct xs_lane *lane, struct xs_lane_item *item)
{
	lockdep_assert_held(&lane->lanes->lock);
	list_add_tail(&item->node, &lane->items);
	if (!xs_lane_is_common(lane))
		lane->lanes->busy++;
}
EXPORT_SYMBOL_GPL(xs_lane_add_locked);

/**
 * xs_lane_cancel_locked() - take an item out of a lane
 * @lane: the lane
 * @item: an item that has not been taken yet
 *
 * Context: Any but hard interrupt; &xs_lanes.lock is held.
 */
void xs_lane_cancel_locked(struct xs_lane *lane, struct xs_lane_item *item)
{
	lockdep_assert_held(&lane->lanes->lock);
	list_del_init(&item->node);
	if (!xs_lane_is_common(lane))
		lane->lanes->busy--;
}
EXPORT_SYMBOL_GPL(xs_lane_cancel_locked);

/**
 * xs_lane_add() - have an item run after all that are in the lane
 * @lane: the lane
 * @item: an item that is in no other lane
 *
 * Context: Any but hard interrupt.
 * Return: false if it is in the lane already.
 */
bool xs_lane_add(struct xs_lane *lane, struct xs_lane_item *item)
{
	bool added;

	spin_lock(&lane->lanes->lock);
	added = list_empty(&item->node);
	if (added)
		xs_lane_add_locked(lane, item);
	spin_unlock(&lane->lanes->lock);
	if (added)
		xs_lane_kick(lane);
	return added;
}
EXPORT_SYMBOL_GPL(xs_lane_add);

static bool xs_lane_is_running(struct xs_lane *lane, const void *owner)
{
	bool running;

	spin_lock(&lane->lanes->lock);
	running = lane->running == owner && lane->runner != current;
	spin_unlock(&lane->lanes->lock);
	return running;
}

/**
 * xs_lane_synchronize() - wait for an item that has begun
 * @lane: the lane
 * @owner: whose; none of it is pending
 *
 * Does not wait for other items, nor for the one that calls.
 *
 * Context: Process, sleeps; the caller holds no lock that the item takes.
 */
void xs_lane_synchronize(struct xs_lane *lane, const void *owner)
{
	struct xs_lanes *lanes = lane->lanes;

	if (READ_ONCE(lane->runner) == current)
		return;
	xs_lane_might_wait(lanes);
	wait_event(lanes->finished, !xs_lane_is_running(lane, owner));
}
EXPORT_SYMBOL_GPL(xs_lane_synchronize);

/* === Start and stop === */

/**
 * xs_lanes_init() - make a common lane and nobody who works
 * @lanes: the lanes
 *
 * Context: Process.
 */
void xs_lanes_init(struct xs_lanes *lanes)
{
	spin_lock_init(&lanes->lock);
	xs_lane_init(lanes, &lanes->common);
	lanes->busy = 0;
	lanes->thread = NULL;
	lanes->wq = NULL;
	init_waitqueue_head(&lanes->added);
	init_waitqueue_head(&lanes->finished);
	xs_lane_map_init(lanes);
}
EXPORT_SYMBOL_GPL(xs_lanes_init);

/**
 * xs_lanes_start() - begin to work on what is added
 * @lanes: lanes that nobody works on
 * @freezable: freeze all but the common one with the kernel's threads
 *
 * Context: Process, may sleep.
 * Return: 0, -ENOMEM or the error of kthread_create().
 */
int xs_lanes_start(struct xs_lanes *lanes, bool freezable)
{
	unsigned int flags = WQ_UNBOUND | (freezable ? WQ_FREEZABLE : 0);
	struct task_struct *thread;

	/* As many as there may be: the stuck ones must not use them all up. */
	lanes->wq = alloc_workqueue("xenwatch", flags, WQ_MAX_ACTIVE);
	if (!lanes->wq)
		return -ENOMEM;
	thread = kthread_run(xs_lanes_thread, lanes, "xenwatch");
	if (IS_ERR(thread)) {
		destroy_workqueue(lanes->wq);
		lanes->wq = NULL;
		return PTR_ERR(thread);
	}
	lanes->thread = thread;
	return 0;
}
EXPORT_SYMBOL_GPL(xs_lanes_start);

/**
 * xs_lanes_stop() - end the work
 * @lanes: the lanes; nothing is added any more
 *
 * Context: Process, sleeps until the items that run have ended.
 */
void xs_lanes_stop(struct xs_lanes *lanes)
{
	if (lanes->thread)
		kthread_stop(lanes->thread);
	lanes->thread = NULL;
	if (lanes->wq)
		destroy_workqueue(lanes->wq);
	lanes->wq = NULL;
}
EXPORT_SYMBOL_GPL(xs_lanes_stop);
