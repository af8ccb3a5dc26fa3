// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ordered queues of work items that run in process context.
 *
 * There is a default queue with a kthread of its own, xenwatch, and any number
 * of others, one per device, which a workqueue runs. Queues do not wait for each
 * other: an item that is stuck delays only its own queue.
 *
 * The system is suspended by an item of the default queue, and no device may
 * handle an event meanwhile. If the server runs in another domain, the workqueue
 * is therefore frozen together with the kernel's threads: the freeze waits for
 * the running items, and none begins until the thaw. If the server is a process
 * of this domain, an item may wait for a server that is frozen already, and
 * would prevent the system from going to sleep; but Xen never saves such a
 * domain.
 *
 * The workqueue has no WQ_MEM_RECLAIM, so it promises no progress without
 * memory: items flush the work of drivers, which has no such promise either.
 *
 * This file knows nothing about watches.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "queue.h"

/* === Lockdep === */

#ifdef CONFIG_LOCKDEP
static void xs_queue_map_init(struct xs_queues *queues)
{
	static struct lock_class_key queue_key;

	lockdep_init_map(&queues->map, "xs_queue_item", &queue_key, 0);
}

static void xs_queue_map_acquire(struct xs_queues *queues)
{
	lock_map_acquire(&queues->map);
}

static void xs_queue_map_release(struct xs_queues *queues)
{
	lock_map_release(&queues->map);
}

/*
 * A task that waits for an item must hold no lock that an item takes. Items may
 * wait for each other, which is not a matter of locks: see locking.rst.
 */
static void xs_queue_might_wait(struct xs_queues *queues)
{
	if (lock_is_held(&queues->map))
		return;
	lock_map_acquire(&queues->map);
	lock_map_release(&queues->map);
}
#else
static void xs_queue_map_init(struct xs_queues *queues) { }
static void xs_queue_map_acquire(struct xs_queues *queues) { }
static void xs_queue_map_release(struct xs_queues *queues) { }
static void xs_queue_might_wait(struct xs_queues *queues) { }
#endif

/* === References === */

/**
 * xs_queue_get() - take a reference
 * @queue: the queue
 *
 * Context: Any.
 * Return: @queue.
 */
struct xs_queue *xs_queue_get(struct xs_queue *queue)
{
	kref_get(&queue->ref);
	return queue;
}

/* Not reached by the default queue, which keeps its first reference. */
static void xs_queue_release(struct kref *ref)
{
	kfree(container_of(ref, struct xs_queue, ref));
}

/**
 * xs_queue_put() - drop a reference
 * @queue: the queue
 *
 * Context: Any but hard interrupt.
 */
void xs_queue_put(struct xs_queue *queue)
{
	kref_put(&queue->ref, xs_queue_release);
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_put);

/* === Running === */

static bool xs_queue_is_default(const struct xs_queue *queue)
{
	return queue == &queue->queues->default_queue;
}

/**
 * xs_queue_kick() - wake xenwatch or queue the work of a queue
 * @queue: the queue
 *
 * Context: Any but hard interrupt.
 */
void xs_queue_kick(struct xs_queue *queue)
{
	struct xs_queues *queues = queue->queues;

	if (xs_queue_is_default(queue)) {
		wake_up(&queues->added);
		return;
	}
	if (!queues->wq)
		return;
	xs_queue_get(queue);
	if (!queue_work(queues->wq, &queue->work))
		xs_queue_put(queue);
}

static struct xs_queue_item *xs_queue_take(struct xs_queue *queue)
{
	struct xs_queues *queues = queue->queues;
	struct xs_queue_item *item;

	spin_lock(&queues->lock);
	item = list_first_entry_or_null(&queue->items, struct xs_queue_item,
					node);
	if (item) {
		list_del_init(&item->node);
		queue->running = item->owner;
		WRITE_ONCE(queue->runner, current);
		if (item->take)
			item->take(item);
	}
	spin_unlock(&queues->lock);
	return item;
}

static void xs_queue_finish(struct xs_queue *queue)
{
	struct xs_queues *queues = queue->queues;

	spin_lock(&queues->lock);
	queue->running = NULL;
	WRITE_ONCE(queue->runner, NULL);
	if (!xs_queue_is_default(queue))
		queues->busy--;
	spin_unlock(&queues->lock);
	wake_up_all(&queues->finished);
}

/**
 * xs_queue_run_one() - run the oldest item of a queue
 * @queue: a queue that no other task runs
 *
 * Context: Process; sleeps for as long as the item does.
 * Return: true if there was one.
 */
bool xs_queue_run_one(struct xs_queue *queue)
{
	struct xs_queue_item *item = xs_queue_take(queue);

	if (!item)
		return false;
	xs_queue_map_acquire(queue->queues);
	item->run(item);
	xs_queue_map_release(queue->queues);
	xs_queue_finish(queue);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_run_one);

static bool xs_queue_has_items(struct xs_queue *queue)
{
	return !list_empty_careful(&queue->items);
}

/* One item each time, so that a freeze or a stop does not wait for all. */
static void xs_queue_work(struct work_struct *work)
{
	struct xs_queue *queue = container_of(work, struct xs_queue, work);

	xs_queue_run_one(queue);
	if (xs_queue_has_items(queue))
		xs_queue_kick(queue);
	xs_queue_put(queue);
}

static int xs_queues_thread(void *data)
{
	struct xs_queues *queues = data;

	while (!kthread_should_stop()) {
		wait_event_idle(queues->added,
				xs_queue_has_items(&queues->default_queue) ||
				kthread_should_stop());
		xs_queue_run_one(&queues->default_queue);
		cond_resched();
	}
	return 0;
}

/* === Queues === */

static void xs_queue_init(struct xs_queues *queues, struct xs_queue *queue)
{
	kref_init(&queue->ref);
	queue->queues = queues;
	INIT_LIST_HEAD(&queue->items);
	queue->running = NULL;
	queue->runner = NULL;
	INIT_WORK(&queue->work, xs_queue_work);
}

/**
 * xs_queue_alloc() - make a queue
 * @queues: where it belongs, which stay as long as it does
 * @gfp: how to allocate
 *
 * Context: As @gfp.
 * Return: A queue with one reference, or ERR_PTR(-ENOMEM).
 */
struct xs_queue *xs_queue_alloc(struct xs_queues *queues, gfp_t gfp)
{
	struct xs_queue *queue = kzalloc(sizeof(*queue), gfp);

	if (!queue)
		return ERR_PTR(-ENOMEM);
	xs_queue_init(queues, queue);
	return queue;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_alloc);

/**
 * xs_queue_current() - the queue in which the caller runs
 * @queues: the queues in question
 *
 * Context: Process.
 * Return: The queue, or NULL if the caller is not an item of one.
 */
struct xs_queue *xs_queue_current(struct xs_queues *queues)
{
	struct work_struct *work = current_work();
	struct xs_queue *queue = &queues->default_queue;

	if (READ_ONCE(queue->runner) == current)
		return queue;
	if (!work || work->func != xs_queue_work)
		return NULL;
	queue = container_of(work, struct xs_queue, work);
	return queue->queues == queues ? queue : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_current);

/* === Items === */

/**
 * xs_queue_item_init() - make an item that is in no queue
 * @item: the item
 * @run: see &xs_queue_item.run
 *
 * Context: Any.
 */
void xs_queue_item_init(struct xs_queue_item *item,
			void (*run)(struct xs_queue_item *item))
{
	INIT_LIST_HEAD(&item->node);
	item->owner = NULL;
	item->take = NULL;
	item->run = run;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_item_init);

/**
 * xs_queue_add_locked() - append an item
 * @queue: the queue
 * @item: an item that is in no queue
 *
 * xs_queue_kick() must follow once the lock has been released.
 *
 * Context: Any but hard interrupt; &xs_queues.lock is held.
 */
void xs_queue_add_locked(struct xs_queue *queue, struct xs_queue_item *item)
{
	lockdep_assert_held(&queue->queues->lock);
	list_add_tail(&item->node, &queue->items);
	if (!xs_queue_is_default(queue))
		queue->queues->busy++;
}

/**
 * xs_queue_cancel_locked() - take an item out of a queue
 * @queue: the queue
 * @item: an item that has not been taken yet
 *
 * Context: Any but hard interrupt; &xs_queues.lock is held.
 */
void xs_queue_cancel_locked(struct xs_queue *queue, struct xs_queue_item *item)
{
	lockdep_assert_held(&queue->queues->lock);
	list_del_init(&item->node);
	if (!xs_queue_is_default(queue))
		queue->queues->busy--;
}

/**
 * xs_queue_add() - append an item
 * @queue: the queue
 * @item: an item that is in no other queue
 *
 * Context: Any but hard interrupt.
 * Return: false if it is in the queue already.
 */
bool xs_queue_add(struct xs_queue *queue, struct xs_queue_item *item)
{
	bool added;

	spin_lock(&queue->queues->lock);
	added = list_empty(&item->node);
	if (added)
		xs_queue_add_locked(queue, item);
	spin_unlock(&queue->queues->lock);
	if (added)
		xs_queue_kick(queue);
	return added;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_add);

static bool xs_queue_is_running(struct xs_queue *queue, const void *owner)
{
	bool running;

	spin_lock(&queue->queues->lock);
	running = queue->running == owner && queue->runner != current;
	spin_unlock(&queue->queues->lock);
	return running;
}

/**
 * xs_queue_synchronize() - wait for a running item
 * @queue: the queue
 * @owner: &xs_queue_item.owner of the item; none of it is pending
 *
 * Does not wait for other items, nor for the caller itself.
 *
 * Context: Process, sleeps; the caller holds no lock that the item takes.
 */
void xs_queue_synchronize(struct xs_queue *queue, const void *owner)
{
	struct xs_queues *queues = queue->queues;

	if (READ_ONCE(queue->runner) == current)
		return;
	xs_queue_might_wait(queues);
	wait_event(queues->finished, !xs_queue_is_running(queue, owner));
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_synchronize);

/* === Start and stop === */

/**
 * xs_queues_init() - make a default queue that does not run yet
 * @queues: the queues
 *
 * Context: Process.
 */
void xs_queues_init(struct xs_queues *queues)
{
	spin_lock_init(&queues->lock);
	xs_queue_init(queues, &queues->default_queue);
	queues->busy = 0;
	queues->thread = NULL;
	queues->wq = NULL;
	init_waitqueue_head(&queues->added);
	init_waitqueue_head(&queues->finished);
	xs_queue_map_init(queues);
}
EXPORT_SYMBOL_IF_KUNIT(xs_queues_init);

/**
 * xs_queues_start() - begin to run items
 * @queues: queues that do not run
 * @freezable: freeze all but the default one with the kernel's threads
 *
 * Context: Process, may sleep.
 * Return: 0, -ENOMEM or the error of kthread_create().
 */
int xs_queues_start(struct xs_queues *queues, bool freezable)
{
	unsigned int flags = WQ_UNBOUND | (freezable ? WQ_FREEZABLE : 0);
	struct task_struct *thread;

	/* As many as possible: stuck items must not use them all up. */
	queues->wq = alloc_workqueue("xenwatch", flags, WQ_MAX_ACTIVE);
	if (!queues->wq)
		return -ENOMEM;
	thread = kthread_run(xs_queues_thread, queues, "xenwatch");
	if (IS_ERR(thread)) {
		destroy_workqueue(queues->wq);
		queues->wq = NULL;
		return PTR_ERR(thread);
	}
	queues->thread = thread;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queues_start);

/**
 * xs_queues_stop() - run no items any more
 * @queues: the queues; nothing is added any more
 *
 * Context: Process, sleeps until the running items have returned.
 */
void xs_queues_stop(struct xs_queues *queues)
{
	if (queues->thread)
		kthread_stop(queues->thread);
	queues->thread = NULL;
	if (queues->wq)
		destroy_workqueue(queues->wq);
	queues->wq = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queues_stop);
