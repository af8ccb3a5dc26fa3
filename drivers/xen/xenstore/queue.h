/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ordered queues of work items that run in process context.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_QUEUE_H
#define _XENSTORE_QUEUE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct task_struct;
struct xs_queues;

/**
 * struct xs_queue_item - a work item
 *
 * Owned by the caller until it is added, and by the queue until @run is called,
 * which may free it or add it again.
 */
struct xs_queue_item {
	/** @node: on &xs_queue.items, or empty; under &xs_queues.lock */
	struct list_head node;
	/** @owner: see xs_queue_synchronize(); may be NULL; const */
	const void *owner;
	/** @take: called under &xs_queues.lock when it is dequeued; may be NULL */
	void (*take)(struct xs_queue_item *item);
	/** @run: the work; may sleep */
	void (*run)(struct xs_queue_item *item);
};

/**
 * struct xs_queue - an ordered queue; one item at a time runs
 */
struct xs_queue {
	/** @ref: 1 per user; dropped to 0 under &xs_queues.lock */
	struct kref ref;
	/** @queues: const */
	struct xs_queues *queues;
	/** @node: on &xs_queues.others; under &xs_queues.lock */
	struct list_head node;
	/** @id: what the queue is for; const; not used by the default queue */
	u32 id;
	/** @items: oldest first; under &xs_queues.lock */
	struct list_head items;
	/** @running: owner of the item that runs; under &xs_queues.lock */
	const void *running;
	/** @runner: the task that runs it; written under the lock, read by any */
	const struct task_struct *runner;
	/**
	 * @thread: runs the items; const until the stop; NULL where a test does
	 */
	struct task_struct *thread;
	/** @added: @thread sleeps here */
	wait_queue_head_t added;
	/** @free: ends @thread, which may have dropped the last reference */
	struct work_struct free;
};

/**
 * struct xs_queues - the queues of a connection
 */
struct xs_queues {
	/** @lock: protects the queues, and what their users say it does; a leaf */
	spinlock_t lock;
	/** @default_queue: for everything without a queue of its own */
	struct xs_queue default_queue;
	/** @others: the other queues; under @lock */
	struct list_head others;
	/** @running: how many of @others run an item; under @lock */
	unsigned int running;
	/** @paused: none of @others begins an item; under @lock */
	bool paused;
	/** @wq: frees queues; NULL until they are started */
	struct workqueue_struct *wq;
	/** @finished: waiters for an item sleep here */
	wait_queue_head_t finished;
	/** @map: held while an item runs, for lockdep */
	struct lockdep_map map;
};

void xs_queues_init(struct xs_queues *queues);
int xs_queues_start(struct xs_queues *queues);
void xs_queues_stop(struct xs_queues *queues);
int xs_queues_pause(struct xs_queues *queues, unsigned long timeout);
bool xs_queues_are_idle(struct xs_queues *queues);

struct xs_queue *xs_queue_of(struct xs_queues *queues, u32 id);
struct xs_queue *xs_queue_get(struct xs_queue *queue);
void xs_queue_put(struct xs_queue *queue);
struct xs_queue *xs_queue_current(struct xs_queues *queues);

void xs_queue_item_init(struct xs_queue_item *item,
			void (*run)(struct xs_queue_item *item));
bool xs_queue_add(struct xs_queue *queue, struct xs_queue_item *item);
void xs_queue_add_locked(struct xs_queue *queue, struct xs_queue_item *item)
	__must_hold(&queue->queues->lock);
void xs_queue_cancel_locked(struct xs_queue *queue, struct xs_queue_item *item)
	__must_hold(&queue->queues->lock);
void xs_queue_kick(struct xs_queue *queue);
bool xs_queue_run_one(struct xs_queue *queue);
void xs_queue_synchronize(struct xs_queue *queue, const void *owner);

#endif /* _XENSTORE_QUEUE_H */
