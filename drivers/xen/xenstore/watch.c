// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches: registry and events.
 *
 * Every watch has an entry here with an id of its own; the token that the
 * server sends back is that id behind a number drawn at boot, so that neither
 * an address of the kernel leaks nor an event meant for an earlier kernel of
 * this domain matches an entry. The kthread looks up the entry of an event and
 * either hands it over at once (files) or queues it (drivers). A driver's
 * callback runs in an ordered queue, in process context, and may use the store.
 *
 * An event says that something changed, not what, so an equal one is merged
 * into one that is still pending. Beyond XS_WATCH_PENDING_MAX different paths,
 * one event with the watch's own path stands for all further ones, as the
 * protocol does itself when a whole tree is removed.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include <trace/events/xenstore.h>

#include "watch.h"

/* A driver's event, from the kthread to the queue that runs the callback. */
struct xs_watch_event {
	struct xs_queue_item item;	/* owned by @entry */
	struct list_head entry_node;	/* on &xs_watch_entry.events */
	struct hlist_node pending_node;	/* on &xs_watches.pending */
	struct xs_watch_entry *entry;	/* holds a reference */
	u32 hash;			/* of @path */
	char path[];
};

/* === Entries === */

/**
 * xs_watch_entry_alloc() - make an entry that is not registered
 * @path: what to watch; copied
 * @extra: what follows the token in the request, such as a depth; copied
 * @extra_len: bytes in @extra
 * @gfp: how to allocate
 *
 * The caller sets either &xs_watch_entry.watch, or &xs_watch_entry.ops and
 * &xs_watch_entry.owner.
 *
 * Context: As @gfp.
 * Return: An entry with one reference, or ERR_PTR(-ENOMEM).
 */
struct xs_watch_entry *xs_watch_entry_alloc(const char *path, const char *extra,
					    size_t extra_len, gfp_t gfp)
{
	size_t path_size = strlen(path) + 1;
	struct xs_watch_entry *entry;

	entry = kzalloc(struct_size(entry, path, path_size + extra_len), gfp);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	kref_init(&entry->ref);
	INIT_LIST_HEAD(&entry->events);
	memcpy(entry->path, path, path_size);
	memcpy(entry->path + path_size, extra, extra_len);
	entry->extra = entry->path + path_size;
	entry->extra_len = extra_len;
	return entry;
}
EXPORT_SYMBOL_IF_KUNIT(xs_watch_entry_alloc);

static void xs_watch_entry_release(struct kref *ref)
{
	struct xs_watch_entry *entry;

	entry = container_of(ref, struct xs_watch_entry, ref);
	if (entry->ops)
		entry->ops->release(entry);
	if (entry->queue)
		xs_queue_put(entry->queue);
	kfree_rcu(entry, rcu);
}

/**
 * xs_watch_entry_put() - drop a reference
 * @entry: the entry
 *
 * Context: Any.
 */
void xs_watch_entry_put(struct xs_watch_entry *entry)
{
	kref_put(&entry->ref, xs_watch_entry_release);
}
EXPORT_SYMBOL_IF_KUNIT(xs_watch_entry_put);

/**
 * xs_watch_entry_add() - put an entry into the registry
 * @watches: the registry
 * @entry: the entry, which gets its id and token here
 *
 * Events may arrive as soon as this returns: it is called before XS_WATCH is
 * sent, because the first event can overtake the reply. The caller has entered
 * the gate, so that a resume finds the registry stable.
 *
 * Context: Process, allocates with %XS_GFP.
 * Return: 0 or -ENOMEM.
 */
int xs_watch_entry_add(struct xs_watches *watches, struct xs_watch_entry *entry)
{
	int err;

	/* Reserve the id first: a lookup must not find an entry without token. */
	err = xa_alloc_cyclic(&watches->entries, &entry->id, NULL,
			      xa_limit_32b, &watches->next_id, XS_GFP);
	if (err < 0)
		return err;
	snprintf(entry->token, sizeof(entry->token), "%08x-%x", watches->nonce,
		 entry->id);
	kref_get(&entry->ref);
	xa_store(&watches->entries, entry->id, entry, XS_GFP);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xs_watch_entry_add);

/* Take all pending events of an entry that takes no more. */
static void xs_watch_entry_kill(struct xs_watches *watches,
				struct xs_watch_entry *entry)
{
	struct xs_watch_event *event, *next;
	LIST_HEAD(events);

	spin_lock(&watches->queues.lock);
	entry->dead = true;
	list_splice_init(&entry->events, &events);
	list_for_each_entry(event, &events, entry_node) {
		xs_queue_cancel_locked(entry->queue, &event->item);
		hlist_del(&event->pending_node);
	}
	spin_unlock(&watches->queues.lock);

	list_for_each_entry_safe(event, next, &events, entry_node) {
		kfree(event);
		xs_watch_entry_put(entry);
	}
}

/**
 * xs_watch_entry_remove() - take an entry out of the registry
 * @watches: the registry
 * @entry: the caller has a reference of its own
 *
 * Pending events are dropped and no new ones are accepted. An
 * &xs_watch_ops.event or callback that has begun may still be running.
 *
 * Context: Any but hard interrupt.
 * Return: true if it was in the registry.
 */
bool xs_watch_entry_remove(struct xs_watches *watches,
			   struct xs_watch_entry *entry)
{
	if (xa_cmpxchg(&watches->entries, entry->id, entry, NULL, 0) != entry)
		return false;
	xs_watch_entry_kill(watches, entry);
	xs_watch_entry_put(entry);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(xs_watch_entry_remove);

/**
 * xs_watch_entry_request() - build the request that sets or removes a watch
 * @entry: a registered entry
 * @type: XS_WATCH or XS_UNWATCH
 * @gfp: how to allocate
 *
 * Context: As @gfp.
 * Return: The request, ERR_PTR(-E2BIG), ERR_PTR(-ENOMEM).
 */
struct xs_request *xs_watch_entry_request(const struct xs_watch_entry *entry,
					  u32 type, gfp_t gfp)
{
	struct kvec parts[] = {
		{ (void *)entry->path, strlen(entry->path) + 1 },
		{ (void *)entry->token, strlen(entry->token) + 1 },
		{ (void *)entry->extra, entry->extra_len },
	};

	return xs_request_alloc(type, 0, parts, type == XS_WATCH ? 3 : 2, gfp);
}

/* === Events: kthread, or a resume === */

static struct xs_watch_entry *xs_watch_find(struct xs_watches *watches,
					    const char *path, const char *token)
{
	struct xs_watch_entry *entry;
	const char *id = strchr(token, '-');
	u32 n;

	if (!id || kstrtou32(id + 1, 16, &n))
		return NULL;
	rcu_read_lock();
	entry = xa_load(&watches->entries, n);
	if (entry && !kref_get_unless_zero(&entry->ref))
		entry = NULL;
	rcu_read_unlock();
	if (!entry)
		return NULL;
	if (!strcmp(entry->token, token) &&
	    xs_wire_path_covers(entry->path, path))
		return entry;
	xs_watch_entry_put(entry);
	return NULL;
}

/* The queue has dequeued it; the lock of the queues is held. */
static void xs_watch_event_take(struct xs_queue_item *item)
{
	struct xs_watch_event *event;
	struct xenbus_watch *watch;

	event = container_of(item, struct xs_watch_event, item);
	list_del(&event->entry_node);
	hlist_del(&event->pending_node);
	watch = event->entry->watch;
	WRITE_ONCE(watch->nr_pending, watch->nr_pending - 1);
}

static void xs_watch_event_run(struct xs_queue_item *item);

static struct xs_watch_event *xs_watch_event_alloc(struct xs_watch_entry *entry,
						   const char *path)
{
	size_t size = strlen(path) + 1;
	struct xs_watch_event *event;

	event = kmalloc(struct_size(event, path, size), XS_GFP | __GFP_NOWARN);
	if (!event)
		return NULL;
	xs_queue_item_init(&event->item, xs_watch_event_run);
	event->item.owner = entry;
	event->item.take = xs_watch_event_take;
	event->entry = entry;
	kref_get(&entry->ref);
	event->hash = full_name_hash(entry, path, size - 1);
	memcpy(event->path, path, size);
	return event;
}

static struct hlist_head *xs_watch_bucket(struct xs_watches *watches,
					  const struct xs_watch_event *event)
{
	return &watches->pending[event->hash % XS_WATCH_PENDING_BUCKETS];
}

static bool xs_watch_is_pending_locked(struct xs_watches *watches,
				       const struct xs_watch_event *new)
	__must_hold(&watches->queues.lock)
{
	struct xs_watch_event *event;

	lockdep_assert_held(&watches->queues.lock);
	hlist_for_each_entry(event, xs_watch_bucket(watches, new),
			     pending_node) {
		if (event->hash == new->hash && event->entry == new->entry &&
		    !strcmp(event->path, new->path))
			return true;
	}
	return false;
}

/* Returns true if the event was queued. */
static bool xs_watch_queue_event(struct xs_watches *watches,
				 struct xs_watch_event *event)
{
	struct xs_watch_entry *entry = event->entry;
	struct xenbus_watch *watch = entry->watch;
	bool queued = false;

	spin_lock(&watches->queues.lock);
	if (entry->dead)
		goto out_unlock;
	if (watch->will_handle &&
	    !watch->will_handle(watch, event->path, entry->token))
		goto out_unlock;
	if (xs_watch_is_pending_locked(watches, event)) {
		watches->merged++;
		goto out_unlock;
	}
	list_add_tail(&event->entry_node, &entry->events);
	hlist_add_head(&event->pending_node, xs_watch_bucket(watches, event));
	WRITE_ONCE(watch->nr_pending, watch->nr_pending + 1);
	xs_queue_add_locked(entry->queue, &event->item);
	queued = true;
out_unlock:
	spin_unlock(&watches->queues.lock);
	return queued;
}

static void xs_watch_event_free(struct xs_watch_event *event)
{
	struct xs_watch_entry *entry = event->entry;

	kfree(event);
	xs_watch_entry_put(entry);
}

/* Queue an event that was taken before, unless it says nothing new any more. */
static void xs_watch_queue_event_again(struct xs_watches *watches,
				       struct xs_watch_event *event)
{
	struct xs_queue *queue = xs_queue_get(event->entry->queue);

	if (xs_watch_queue_event(watches, event))
		xs_queue_kick(queue);
	else
		xs_watch_event_free(event);
	xs_queue_put(queue);
}

static struct xs_watch_event *xs_watch_take_postponed(struct xs_watches *watches)
{
	struct xs_watch_event *event;

	spin_lock(&watches->queues.lock);
	event = watches->postponed;
	watches->postponed = NULL;
	spin_unlock(&watches->queues.lock);
	return event;
}

static void xs_watch_retry(struct work_struct *work)
{
	struct xs_watches *watches = container_of(to_delayed_work(work),
						  struct xs_watches, retry);
	struct xs_watch_event *event = xs_watch_take_postponed(watches);

	if (event)
		xs_watch_queue_event_again(watches, event);
}

/* The others run meanwhile. An event that is postponed already serves this one. */
static void xs_watch_postpone(struct xs_watches *watches,
			      struct xs_watch_event *event)
{
	bool first;

	pr_warn("%s has to wait for a callback that does not return\n",
		event->path);
	spin_lock(&watches->queues.lock);
	first = !watches->postponed;
	if (first)
		watches->postponed = event;
	spin_unlock(&watches->queues.lock);
	if (!first)
		xs_watch_event_free(event);
	schedule_delayed_work(&watches->retry, watches->pause_timeout);
}

/*
 * Once an exclusive callback has been called, another domain may wait for it, and
 * other tasks are stopped; so those that run are waited for before.
 */
static void xs_watch_event_run(struct xs_queue_item *item)
{
	enum xs_watch_exclusion exclusion = XS_WATCH_SHARED;
	struct xs_watch_event *event;
	struct xs_watch_entry *entry;
	struct xs_watches *watches;
	int err = 0;

	event = container_of(item, struct xs_watch_event, item);
	entry = event->entry;
	watches = container_of(entry->queue->queues, struct xs_watches, queues);
	if (watches->exclusion)
		exclusion = watches->exclusion(event->path);
	if (exclusion != XS_WATCH_SHARED)
		err = xs_queues_pause(&watches->queues, watches->pause_timeout);
	if (err && exclusion == XS_WATCH_ALONE) {
		xs_watch_postpone(watches, event);
		return;
	}
	/* After the callback the watch may be gone. */
	if (!err)
		entry->watch->callback(entry->watch, event->path, entry->token);
	xs_watch_event_free(event);
}

static bool xs_watch_is_full(struct xs_watches *watches,
			     struct xs_watch_entry *entry)
{
	bool full;

	spin_lock(&watches->queues.lock);
	full = !entry->dead && entry->watch->nr_pending >= XS_WATCH_PENDING_MAX;
	spin_unlock(&watches->queues.lock);
	return full;
}

static int xs_watch_fire_driver(struct xs_watches *watches,
				struct xs_watch_entry *entry, const char *path)
{
	struct xs_watch_event *event;

	if (xs_watch_is_full(watches, entry))
		path = entry->path;
	event = xs_watch_event_alloc(entry, path);
	if (!event)
		return -ENOMEM;
	if (xs_watch_queue_event(watches, event)) {
		/* The event and the watch may be gone by now. */
		xs_queue_kick(entry->queue);
	} else {
		kfree(event);
		xs_watch_entry_put(entry);
	}
	return 0;
}

/**
 * xs_watch_entry_fire() - hand an event to the receiver of a watch
 * @watches: the registry
 * @entry: the caller has a reference, or knows that it stays registered
 * @path: what has changed
 *
 * Context: Kthread, or a resume; allocates with %XS_GFP.
 * Return: 0, or -ENOMEM to be called again later.
 */
int xs_watch_entry_fire(struct xs_watches *watches,
			struct xs_watch_entry *entry, const char *path)
{
	if (entry->ops)
		return entry->ops->event(entry, path);
	return xs_watch_fire_driver(watches, entry, path);
}

static int xs_watch_deliver(struct xs_conn *conn, const char *body, size_t len)
{
	struct xs_watches *watches = conn->owner;
	const char *path, *token, *pos = body;
	struct xs_watch_entry *entry = NULL;
	int err;

	path = xs_wire_next_string(&pos, body + len);
	token = xs_wire_next_string(&pos, body + len);
	if (path && token)
		entry = xs_watch_find(watches, path, token);
	trace_xenstore_event(entry ? entry->id : 0, len);
	if (!entry) {
		watches->dropped++;
		return 0;
	}
	err = xs_watch_entry_fire(watches, entry, path);
	xs_watch_entry_put(entry);
	return err;
}

const struct xs_conn_ops xs_watch_conn_ops = {
	.event = xs_watch_deliver,
};
EXPORT_SYMBOL_IF_KUNIT(xs_watch_conn_ops);

/* === Life === */

/**
 * xs_watches_dispatch() - run the oldest callback in the default queue
 * @watches: a registry without threads
 *
 * Context: Process; sleeps for as long as the callback does.
 * Return: true if there was one.
 */
bool xs_watches_dispatch(struct xs_watches *watches)
{
	return xs_queue_run_one(&watches->queues.default_queue);
}
EXPORT_SYMBOL_IF_KUNIT(xs_watches_dispatch);

/**
 * xs_watches_init() - make an empty registry
 * @watches: the registry
 * @conn: a connection that xs_conn_init() was called for with
 *	&xs_watch_conn_ops and @watches
 *
 * Context: Process.
 */
void xs_watches_init(struct xs_watches *watches, struct xs_conn *conn)
{
	unsigned int i;

	watches->conn = conn;
	watches->nonce = get_random_u32();
	xa_init_flags(&watches->entries, XA_FLAGS_ALLOC1);
	watches->next_id = 1;
	watches->exclusion = NULL;
	INIT_DELAYED_WORK(&watches->retry, xs_watch_retry);
	watches->postponed = NULL;
	watches->pause_timeout = XS_WATCH_PAUSE_TIMEOUT;
	xs_queues_init(&watches->queues);
	for (i = 0; i < XS_WATCH_PENDING_BUCKETS; i++)
		INIT_HLIST_HEAD(&watches->pending[i]);
	watches->merged = 0;
	watches->dropped = 0;
	watches->lost = 0;
}

/**
 * xs_watches_destroy() - free the entries of a registry
 * @watches: the connection has been stopped, and so have the queues
 *
 * Context: Process.
 */
void xs_watches_destroy(struct xs_watches *watches)
{
	struct xs_watch_entry *entry;
	unsigned long id;

	xa_for_each(&watches->entries, id, entry)
		xs_watch_entry_remove(watches, entry);
	xa_destroy(&watches->entries);
}

/**
 * xs_watches_start() - begin to run callbacks
 * @watches: a registry at a connection that is up
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of xs_queues_start().
 */
int xs_watches_start(struct xs_watches *watches)
{
	return xs_queues_start(&watches->queues);
}
EXPORT_SYMBOL_IF_KUNIT(xs_watches_start);

/**
 * xs_watches_stop() - run no callbacks any more
 * @watches: the registry
 *
 * Context: Process, sleeps until running callbacks have returned.
 */
void xs_watches_stop(struct xs_watches *watches)
{
	struct xs_watch_event *event;

	xs_queues_stop(&watches->queues);
	cancel_delayed_work_sync(&watches->retry);
	event = xs_watch_take_postponed(watches);
	if (event)
		xs_watch_event_free(event);
}
