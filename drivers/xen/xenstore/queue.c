// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ordered queues of work items that run in process context.
 *
 * There is a default queue, whose kthread is xenwatch, and any number of others
 * by id, each with a kthread of its own. Queues do not wait for each other: an
 * item that is stuck delays only its own queue. A queue needs no memory to run
 * what was added: its kthread was made with it.
 *
 * The system is suspended by an item of the default queue, and no device may
 * handle an event meanwhile: that item pauses the other queues until it returns.
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

/* By a worker: the kthread of a queue can drop the last reference itself. */
static void xs_queue_free(struct work_struct *work)
{
	struct xs_queue *queue = container_of(work, struct xs_queue, free);

	kthread_stop(queue->thread);
	kfree(queue);
}

/* Not reached by the default queue, which keeps its first reference. */
static void xs_queue_release(struct kref *ref)
	__releases(&queue->queues->lock)
{
	struct xs_queue *queue = container_of(ref, struct xs_queue, ref);
	struct xs_queues *queues = queue->queues;

	list_del(&queue->node);
	spin_unlock(&queues->lock);
	if (queue->thread)
		queue_work(queues->wq, &queue->free);
	else
		kfree(queue);
}

/**
 * xs_queue_put() - drop a reference
 * @queue: the queue; its last user has left no items in it
 *
 * Context: Any but hard interrupt; &xs_queues.lock is not held.
 */
void xs_queue_put(struct xs_queue *queue)
{
	kref_put_lock(&queue->ref, xs_queue_release, &queue->queues->lock);
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_put);

/* === Running === */

static bool xs_queue_is_default(const struct xs_queue *queue)
{
	return queue == &queue->queues->default_queue;
}

static bool xs_queue_can_run_locked(const struct xs_queue *queue)
	__must_hold(&queue->queues->lock)
{
	lockdep_assert_held(&queue->queues->lock);
	return !list_empty(&queue->items) &&
	       (!queue->queues->paused || xs_queue_is_default(queue));
}

static bool xs_queue_can_run(const struct xs_queue *queue)
{
	bool can_run;

	spin_lock(&queue->queues->lock);
	can_run = xs_queue_can_run_locked(queue);
	spin_unlock(&queue->queues->lock);
	return can_run;
}

/**
 * xs_queue_kick() - wake the kthread of a queue
 * @queue: the queue
 *
 * Context: Any but hard interrupt.
 */
void xs_queue_kick(struct xs_queue *queue)
{
	wake_up(&queue->added);
}

static struct xs_queue_item *xs_queue_take(struct xs_queue *queue)
{
	struct xs_queues *queues = queue->queues;
	struct xs_queue_item *item = NULL;

	spin_lock(&queues->lock);
	if (xs_queue_can_run_locked(queue)) {
		item = list_first_entry(&queue->items, struct xs_queue_item,
					node);
		list_del_init(&item->node);
		queue->running = item->owner;
		WRITE_ONCE(queue->runner, current);
		if (!xs_queue_is_default(queue))
			queues->running++;
		if (item->take)
			item->take(item);
	}
	spin_unlock(&queues->lock);
	return item;
}

/* The item that has paused the other queues ends here. */
static void xs_queues_unpause_locked(struct xs_queues *queues)
	__must_hold(&queues->lock)
{
	struct xs_queue *queue;

	queues->paused = false;
	list_for_each_entry(queue, &queues->others, node)
		xs_queue_kick(queue);
}

static void xs_queue_finish(struct xs_queue *queue)
{
	struct xs_queues *queues = queue->queues;

	spin_lock(&queues->lock);
	queue->running = NULL;
	WRITE_ONCE(queue->runner, NULL);
	if (!xs_queue_is_default(queue))
		queues->running--;
	else if (queues->paused)
		xs_queues_unpause_locked(queues);
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

static int xs_queue_thread(void *data)
{
	struct xs_queue *queue = data;

	while (!kthread_should_stop()) {
		wait_event_idle(queue->added,
				xs_queue_can_run(queue) || kthread_should_stop());
		xs_queue_run_one(queue);
		cond_resched();
	}
	return 0;
}

/* === Queues === */

static void xs_queue_init(struct xs_queues *queues, struct xs_queue *queue)
{
	kref_init(&queue->ref);
	queue->queues = queues;
	INIT_LIST_HEAD(&queue->node);
	INIT_LIST_HEAD(&queue->items);
	queue->running = NULL;
	queue->runner = NULL;
	queue->thread = NULL;
	init_waitqueue_head(&queue->added);
	INIT_WORK(&queue->free, xs_queue_free);
}

static struct xs_queue *xs_queue_alloc(struct xs_queues *queues, u32 id)
{
	struct xs_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	if (!queue)
		return NULL;
	xs_queue_init(queues, queue);
	queue->id = id;
	if (!queues->wq)
		return queue;
	queue->thread = kthread_run(xs_queue_thread, queue, "xenwatch/%d", id);
	if (!IS_ERR(queue->thread))
		return queue;
	kfree(queue);
	return NULL;
}

static struct xs_queue *xs_queue_find_locked(struct xs_queues *queues, u32 id)
	__must_hold(&queues->lock)
{
	struct xs_queue *queue;

	list_for_each_entry(queue, &queues->others, node) {
		if (queue->id == id)
			return xs_queue_get(queue);
	}
	return NULL;
}

/**
 * xs_queue_of() - find or make the queue for an id
 * @queues: where it belongs, which stay as long as it does
 * @id: what it is for
 *
 * Without memory for it, the default queue has to do.
 *
 * Context: Process, sleeps.
 * Return: The queue, a reference.
 */
struct xs_queue *xs_queue_of(struct xs_queues *queues, u32 id)
{
	struct xs_queue *queue, *new;

	spin_lock(&queues->lock);
	queue = xs_queue_find_locked(queues, id);
	spin_unlock(&queues->lock);
	if (queue)
		return queue;
	new = xs_queue_alloc(queues, id);
	if (!new)
		return xs_queue_get(&queues->default_queue);

	spin_lock(&queues->lock);
	queue = xs_queue_find_locked(queues, id);
	if (!queue) {
		queue = xs_queue_get(new);
		list_add_tail(&new->node, &queues->others);
	}
	spin_unlock(&queues->lock);
	xs_queue_put(new);
	return queue;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queue_of);

/**
 * xs_queue_current() - the queue in which the caller runs
 * @queues: the queues in question
 *
 * Context: Process.
 * Return: The queue, or NULL if the caller is not an item of one.
 */
struct xs_queue *xs_queue_current(struct xs_queues *queues)
{
	struct xs_queue *queue, *found = NULL;

	if (READ_ONCE(queues->default_queue.runner) == current)
		return &queues->default_queue;
	spin_lock(&queues->lock);
	list_for_each_entry(queue, &queues->others, node) {
		if (queue->runner == current)
			found = queue;
	}
	spin_unlock(&queues->lock);
	return found;
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

/* === Start, stop, pause === */

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
	INIT_LIST_HEAD(&queues->others);
	queues->running = 0;
	queues->paused = false;
	queues->wq = NULL;
	init_waitqueue_head(&queues->finished);
	xs_queue_map_init(queues);
}
EXPORT_SYMBOL_IF_KUNIT(xs_queues_init);

/**
 * xs_queues_start() - begin to run items
 * @queues: queues that do not run; there is only the default one
 *
 * Context: Process, may sleep.
 * Return: 0, -ENOMEM or the error of kthread_create().
 */
int xs_queues_start(struct xs_queues *queues)
{
	struct task_struct *thread;

	queues->wq = alloc_workqueue("xenwatch", WQ_UNBOUND, 0);
	if (!queues->wq)
		return -ENOMEM;
	thread = kthread_run(xs_queue_thread, &queues->default_queue,
			     "xenwatch");
	if (IS_ERR(thread)) {
		destroy_workqueue(queues->wq);
		queues->wq = NULL;
		return PTR_ERR(thread);
	}
	queues->default_queue.thread = thread;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queues_start);

/* Another queue with a kthread, a reference; or NULL. */
static struct xs_queue *xs_queues_first_running(struct xs_queues *queues)
{
	struct xs_queue *queue, *found = NULL;

	spin_lock(&queues->lock);
	list_for_each_entry(queue, &queues->others, node) {
		if (queue->thread) {
			found = xs_queue_get(queue);
			break;
		}
	}
	spin_unlock(&queues->lock);
	return found;
}

static void xs_queue_stop(struct xs_queue *queue)
{
	if (queue->thread)
		kthread_stop(queue->thread);
	queue->thread = NULL;
}

/**
 * xs_queues_stop() - run no items any more
 * @queues: the queues; nothing is added any more
 *
 * Context: Process, sleeps until the running items have returned.
 */
void xs_queues_stop(struct xs_queues *queues)
{
	struct xs_queue *queue;

	xs_queue_stop(&queues->default_queue);
	while ((queue = xs_queues_first_running(queues))) {
		xs_queue_stop(queue);
		xs_queue_put(queue);
	}
	/* Those that are being freed are no longer among the others. */
	if (queues->wq)
		destroy_workqueue(queues->wq);
	queues->wq = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queues_stop);

/**
 * xs_queues_pause() - let no other queue run an item until this one has returned
 * @queues: the queues
 * @timeout: how long to wait for those that run, in jiffies
 *
 * What is added meanwhile runs later. Does nothing unless called by an item of
 * the default queue.
 *
 * Context: Process, sleeps.
 * Return: 0, or -EBUSY if an item still runs at the end of @timeout.
 */
int xs_queues_pause(struct xs_queues *queues, unsigned long timeout)
{
	if (READ_ONCE(queues->default_queue.runner) != current)
		return 0;
	spin_lock(&queues->lock);
	queues->paused = true;
	spin_unlock(&queues->lock);
	if (wait_event_timeout(queues->finished, !READ_ONCE(queues->running),
			       timeout))
		return 0;
	return -EBUSY;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queues_pause);

/**
 * xs_queues_are_idle() - is there nothing in any but the default queue?
 * @queues: the queues
 *
 * Context: Any but hard interrupt.
 * Return: true if no item runs there or waits.
 */
bool xs_queues_are_idle(struct xs_queues *queues)
{
	struct xs_queue *queue;
	bool idle;

	spin_lock(&queues->lock);
	idle = !queues->running;
	list_for_each_entry(queue, &queues->others, node)
		idle &= list_empty(&queue->items);
	spin_unlock(&queues->lock);
	return idle;
}
EXPORT_SYMBOL_IF_KUNIT(xs_queues_are_idle);
