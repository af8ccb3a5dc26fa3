/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lanes: what runs in process context, one after the other in each of them.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_LANE_H
#define _XENSTORE_LANE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct task_struct;
struct xs_lanes;

/**
 * struct xs_lane_item - something to be run in a lane
 *
 * Belongs to whoever adds it, and from then on to the lane until @run is
 * called, which may free it or have it added again.
 */
struct xs_lane_item {
	/** @node: on &xs_lane.items, or empty; under &xs_lanes.lock */
	struct list_head node;
	/** @owner: see xs_lane_synchronize(); may be NULL; const */
	const void *owner;
	/** @take: it has left the queue; &xs_lanes.lock is held; may be NULL */
	void (*take)(struct xs_lane_item *item);
	/** @run: does it; may sleep */
	void (*run)(struct xs_lane_item *item);
};

/**
 * struct xs_lane - a queue of its own and whoever works on it
 */
struct xs_lane {
	/** @ref: whoever made it 1, who adds to it, @work while queued */
	struct kref ref;
	/** @lanes: const */
	struct xs_lanes *lanes;
	/** @items: oldest first; under &xs_lanes.lock */
	struct list_head items;
	/** @running: owner of the item that runs; under &xs_lanes.lock */
	const void *running;
	/** @runner: who runs it; written under the lock, read by any */
	const struct task_struct *runner;
	/** @work: runs one item; not used by the common lane */
	struct work_struct work;
};

/**
 * struct xs_lanes - the lanes of a connection
 */
struct xs_lanes {
	/** @lock: protects the queues and what their users say; a leaf */
	spinlock_t lock;
	/** @common: the lane of all that has none of its own */
	struct xs_lane common;
	/** @busy: items added and not finished in other lanes; under @lock */
	unsigned int busy;
	/** @thread: works on @common; NULL where a test does it itself */
	struct task_struct *thread;
	/** @wq: works on the other lanes; NULL until they are started */
	struct workqueue_struct *wq;
	/** @added: @thread sleeps here */
	wait_queue_head_t added;
	/** @finished: who waits for an item sleeps here */
	wait_queue_head_t finished;
	/** @map: held while an item runs, for lockdep */
	struct lockdep_map map;
};

void xs_lanes_init(struct xs_lanes *lanes);
int xs_lanes_start(struct xs_lanes *lanes, bool freezable);
void xs_lanes_stop(struct xs_lanes *lanes);

struct xs_lane *xs_lane_alloc(struct xs_lanes *lanes, gfp_t gfp);
struct xs_lane *xs_lane_get(struct xs_lane *lane);
void xs_lane_put(struct xs_lane *lane);
struct xs_lane *xs_lane_current(struct xs_lanes *lanes);

void xs_lane_item_init(struct xs_lane_item *item,
		       void (*run)(struct xs_lane_item *item));
bool xs_lane_add(struct xs_lane *lane, struct xs_lane_item *item);
void xs_lane_add_locked(struct xs_lane *lane, struct xs_lane_item *item)
	__must_hold(&lane->lanes->lock);
void xs_lane_cancel_locked(struct xs_lane *lane, struct xs_lane_item *item)
	__must_hold(&lane->lanes->lock);
void xs_lane_kick(struct xs_lane *lane);
bool xs_lane_run_one(struct xs_lane *lane);
void xs_lane_synchronize(struct xs_lane *lane, const void *owner);

#endif /* _XENSTORE_LANE_H */
