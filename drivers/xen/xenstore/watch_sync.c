// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registering and unregistering watches at the server, waiting for its reply.
 *
 * For the watches of drivers, and for all watches after a resume. watch.c takes
 * events to the callbacks.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "call.h"
#include "watch.h"

static int xs_watch_call(struct xs_watches *watches,
			 struct xs_watch_entry *entry, u32 type)
{
	struct xs_request *req;

	req = xs_watch_entry_request(entry, type, type == XS_UNWATCH ?
				     XS_GFP_MUST : XS_GFP);
	return xs_call_put(watches->conn, req, XS_GATE_NESTED);
}

/* Register an entry and set its watch. After an error it is not registered. */
static int xs_watch_entry_set(struct xs_watches *watches,
			      struct xs_watch_entry *entry)
{
	int err;

	xs_conn_might_wait(watches->conn);
	xs_gate_enter(&watches->conn->gate, XS_GATE_REQUEST);
	err = xs_watch_entry_add(watches, entry);
	if (!err) {
		/* A callback may come, and end the watch, before the reply. */
		if (entry->watch)
			entry->watch->id = entry->id;
		err = xs_watch_call(watches, entry, XS_WATCH);
		/* A reconnect in the meantime has set it. */
		if (err == -EEXIST)
			err = 0;
		if (err)
			xs_watch_entry_remove(watches, entry);
	}
	xs_gate_leave(&watches->conn->gate);
	return err;
}

static void xs_watch_entry_unset(struct xs_watches *watches,
				 struct xs_watch_entry *entry)
{
	int err;

	xs_conn_might_wait(watches->conn);
	xs_gate_enter(&watches->conn->gate, XS_GATE_REQUEST);
	xs_watch_entry_remove(watches, entry);
	err = xs_watch_call(watches, entry, XS_UNWATCH);
	xs_gate_leave(&watches->conn->gate);
	/* A server that begins anew does not know it. */
	if (err && err != -ENOENT)
		pr_warn_ratelimited("could not remove the watch on %s: %d\n",
				    entry->path, err);
}

static struct xs_watch_entry *xs_watch_lookup(struct xs_watches *watches,
					      struct xenbus_watch *watch)
{
	struct xs_watch_entry *entry;

	rcu_read_lock();
	entry = xa_load(&watches->entries, watch->id);
	if (entry && (entry->watch != watch ||
		      !kref_get_unless_zero(&entry->ref)))
		entry = NULL;
	rcu_read_unlock();
	return entry;
}

/**
 * xs_watch_register_in() - have a callback run in a queue when a node changes
 * @watches: the registry
 * @watch: the caller's; path, callback and, if wanted, will_handle are set,
 *	and stay so until it is unregistered
 * @queue: one of @watches
 *
 * The server fires every watch once when it is set (xenstore.txt, WATCH), so
 * the callback runs at least once. It runs in process context with no lock of
 * this driver held that the caller could meet, one callback at a time in each
 * queue.
 *
 * An event may come before the server refuses the watch, or the connection breaks.
 * After an error the callback is not running and will not run again, as after
 * xs_watch_unregister().
 *
 * Context: Process, sleeps for the server and, if that fails, for a running
 * callback of this watch; not in the kthread.
 * Return: 0; -EINVAL if @watch is registered already; -ENOMEM; -EIO if the
 * ring is broken; or what the server replies, for instance -ENOSPC.
 */
int xs_watch_register_in(struct xs_watches *watches,
			 struct xenbus_watch *watch, struct xs_queue *queue)
{
	struct xs_watch_entry *entry;
	int err;

	entry = xs_watch_lookup(watches, watch);
	if (entry) {
		pr_err("the watch on %s is registered already\n", entry->path);
		xs_watch_entry_put(entry);
		return -EINVAL;
	}
	entry = xs_watch_entry_alloc(watch->node, "", 0, XS_GFP);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	entry->watch = watch;
	entry->queue = xs_queue_get(queue);
	watch->nr_pending = 0;
	err = xs_watch_entry_set(watches, entry);
	if (err)
		xs_queue_synchronize(queue, entry);
	xs_watch_entry_put(entry);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(xs_watch_register_in);

/**
 * xs_watch_register() - have a callback run when a node changes
 * @watches: the registry
 * @watch: see xs_watch_register_in()
 *
 * The callback runs in the queue of the caller, if the caller is a callback,
 * and so not before that one has returned; otherwise in the default queue.
 *
 * Context: Process, sleeps; not in the kthread.
 * Return: As xs_watch_register_in().
 */
int xs_watch_register(struct xs_watches *watches, struct xenbus_watch *watch)
{
	struct xs_queue *queue = xs_queue_current(&watches->queues);

	return xs_watch_register_in(watches, watch,
				    queue ?: &watches->queues.default_queue);
}
EXPORT_SYMBOL_IF_KUNIT(xs_watch_register);

/**
 * xs_watch_unregister() - end a watch
 * @watches: the registry
 * @watch: a registered watch
 *
 * When this returns, the callback is not running and will not run again,
 * unless it is the callback itself that calls.
 *
 * Context: Process, sleeps for the server and for a running callback of this
 * watch; the caller holds no lock that the callback takes.
 */
void xs_watch_unregister(struct xs_watches *watches, struct xenbus_watch *watch)
{
	struct xs_watch_entry *entry;

	entry = xs_watch_lookup(watches, watch);
	if (WARN_ON_ONCE(!entry))
		return;
	xs_watch_entry_unset(watches, entry);
	xs_queue_synchronize(entry->queue, entry);
	watch->id = 0;
	xs_watch_entry_put(entry);
}
EXPORT_SYMBOL_IF_KUNIT(xs_watch_unregister);

/* Watches that are being set again. */
struct xs_watch_reregister {
	struct xs_watches *watches;	/* const */
	atomic_t left;	/* 1 until all are sent, and 1 per request in flight */
	struct completion done;
	struct list_head refused;	/* requests; kthread only until @done */
};

static void xs_watch_reregister_begin(struct xs_watch_reregister *all,
				      struct xs_watches *watches)
{
	all->watches = watches;
	atomic_set(&all->left, 1);
	init_completion(&all->done);
	INIT_LIST_HEAD(&all->refused);
}

static void xs_watch_reregister_put(struct xs_watch_reregister *all)
{
	if (atomic_dec_and_test(&all->left))
		complete(&all->done);
}

static void xs_watch_reregister_wait(struct xs_watch_reregister *all)
{
	xs_watch_reregister_put(all);
	wait_for_completion(&all->done);
}

/* If it exists, it will fire, which is all that is needed. */
static bool xs_watch_is_refused(const struct xs_request *req)
{
	int err = xs_call_result(req);

	return !req->err && err && err != -EEXIST;
}

/* Completion, in the kthread, which may not submit: what is refused is kept. */
static void xs_watch_reregistered(struct xs_request *req)
{
	struct xs_watch_reregister *all = req->owner;

	if (req->err)
		pr_warn_ratelimited("could not set a watch again: %d\n",
				    req->err);
	if (xs_watch_is_refused(req)) {
		list_add_tail(&req->node, &all->refused);
	} else {
		xs_watch_entry_put(req->arg);
		xs_request_put(req);
	}
	xs_watch_reregister_put(all);
}

static void xs_watch_reregister_one(struct xs_watch_reregister *all,
				    struct xs_watch_entry *entry,
				    size_t extra_len)
{
	size_t cut = entry->extra_len - extra_len;
	struct xs_request *req;
	int err;

	/* It was sent before, so it is not too long. */
	req = xs_watch_entry_request(entry, XS_WATCH, XS_GFP_MUST);
	req->len -= cut;
	xs_request_header(req)->len -= cut;
	req->complete = xs_watch_reregistered;
	req->owner = all;
	req->arg = entry;
	req->flow = &all->watches->conn->first;
	kref_get(&entry->ref);
	atomic_inc(&all->left);
	err = xs_conn_submit(all->watches->conn, req);
	if (!err)
		return;
	pr_warn_ratelimited("could not set the watch on %s again: %d\n",
			    entry->path, err);
	xs_watch_entry_put(entry);
	xs_request_put(req);
	xs_watch_reregister_put(all);
}

/*
 * The server does not fire this watch any more. A last event makes the receiver
 * read the state as it is now.
 */
static void xs_watch_lose(struct xs_watches *watches,
			  struct xs_watch_entry *entry, int err)
{
	pr_warn_ratelimited("the server refuses the watch on %s: %d\n",
			    entry->path, err);
	WRITE_ONCE(watches->lost, watches->lost + 1);
	while (xs_watch_entry_fire(watches, entry, entry->path))
		schedule_timeout_idle(1);
}

/*
 * A server that is older than the one before may not know depths. Without one the
 * watch fires for more than its owner wants, but it does fire.
 */
static void xs_watch_reregister_refused(struct xs_watch_reregister *again,
					struct xs_request *req)
{
	struct xs_watch_entry *entry = req->arg;
	int err = xs_call_result(req);

	if (err == -EINVAL && entry->extra_len)
		xs_watch_reregister_one(again, entry, 0);
	else
		xs_watch_lose(again->watches, entry, err);
	xs_watch_entry_put(entry);
	xs_request_put(req);
}

/* The first entry with an id of at least *ID, a reference; or NULL. */
static struct xs_watch_entry *xs_watch_entry_from(struct xs_watches *watches,
						  unsigned long *id)
{
	struct xs_watch_entry *entry;

	rcu_read_lock();
	do {
		entry = xa_find(&watches->entries, id, ULONG_MAX, XA_PRESENT);
		/* One that is being freed has just left. */
	} while (entry && !kref_get_unless_zero(&entry->ref) && ++*id);
	rcu_read_unlock();
	return entry;
}

/**
 * xs_watches_reregister() - set every watch again
 * @watches: the registry; a new server knows none of them
 *
 * All are sent before the first reply is waited for. Each fires once, so
 * nothing that changed in between is missed. The server may refuse one, for
 * instance for a quota: then it fires here, for the last time.
 *
 * Context: Process, sleeps; the kthread runs. In a resume the gate is closed and
 * drained, so no entry comes or goes; in a reconnect what has to do with those that
 * do is queued and sent after this, see xs_reconnect_hold().
 */
void xs_watches_reregister(struct xs_watches *watches)
{
	struct xs_watch_reregister all, again;
	struct xs_request *req, *next;
	struct xs_watch_entry *entry;
	unsigned long id = 0;

	xs_watch_reregister_begin(&all, watches);
	while ((entry = xs_watch_entry_from(watches, &id))) {
		if (!READ_ONCE(entry->leaving))
			xs_watch_reregister_one(&all, entry, entry->extra_len);
		xs_watch_entry_put(entry);
		id++;
	}
	xs_watch_reregister_wait(&all);

	xs_watch_reregister_begin(&again, watches);
	list_for_each_entry_safe(req, next, &all.refused, node)
		xs_watch_reregister_refused(&again, req);
	xs_watch_reregister_wait(&again);

	list_for_each_entry_safe(req, next, &again.refused, node) {
		xs_watch_lose(watches, req->arg, xs_call_result(req));
		xs_watch_entry_put(req->arg);
		xs_request_put(req);
	}
}
