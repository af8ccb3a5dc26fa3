/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watches: registry and events.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_WATCH_H
#define _XENSTORE_WATCH_H

#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/xarray.h>
#include <xen/xenbus.h>

#include "conn.h"
#include "queue.h"

/* More pending events of one watch than this are merged into one. */
#define XS_WATCH_PENDING_MAX	1024

/* So long an exclusive callback waits for others, and they then for its retry. */
#define XS_WATCH_PAUSE_TIMEOUT	(5 * HZ)

/* Enough for short chains in a storm of events. */
#define XS_WATCH_PENDING_BUCKETS	256

/* "nonce-id" in hex, and a NUL. */
#define XS_WATCH_TOKEN_SIZE	18

struct xs_watch_entry;
struct xs_watch_event;

/**
 * enum xs_watch_exclusion - may a callback run beside those of other queues?
 * @XS_WATCH_SHARED: yes
 * @XS_WATCH_ALONE: no; it waits for those that run, and is tried again later if
 *	one does not return
 * @XS_WATCH_ALONE_OR_NOT: likewise, but its event is dropped then
 */
enum xs_watch_exclusion {
	XS_WATCH_SHARED,
	XS_WATCH_ALONE,
	XS_WATCH_ALONE_OR_NOT,
};

/**
 * struct xs_watch_ops - a receiver that takes events in the kthread
 */
struct xs_watch_ops {
	/**
	 * @event: the watch has fired for @path. Kthread, or a resume beside
	 * it; takes spinlocks only. 0, or -ENOMEM to be called again later.
	 */
	int (*event)(struct xs_watch_entry *entry, const char *path);
	/** @release: the last reference to the entry is gone. Any context. */
	void (*release)(struct xs_watch_entry *entry);
};

/**
 * struct xs_watch_entry - one watch as the server knows it
 *
 * Either &xs_watch_entry.watch is a driver's watch, whose callback runs in a
 * queue, or &xs_watch_entry.ops takes the events at once.
 */
struct xs_watch_entry {
	/** @ref: 1 for the registry, 1 for the creator, 1 per queued event */
	struct kref ref;
	/** @rcu: lookups by id race with removal */
	struct rcu_head rcu;
	/** @id: index in the registry; const while registered */
	u32 id;
	/** @ops: const after init; NULL for a driver's watch */
	const struct xs_watch_ops *ops;
	/** @owner: for @ops; const after init */
	void *owner;
	/** @watch: const after init; NULL if @ops is set */
	struct xenbus_watch *watch;
	/** @queue: where the callback runs, a reference; NULL if @ops is set */
	struct xs_queue *queue;
	/** @events: pending events, oldest first; under &xs_queues.lock */
	struct list_head events;
	/** @dead: unregistered, takes no more events; under &xs_queues.lock */
	bool dead;
	/**
	 * @leaving: an XS_UNWATCH of a file has been queued, so a reconnect does not
	 * set it again; written under the session's write_mutex, read without a lock
	 */
	bool leaving;
	/** @token: what the server sends back; const while registered */
	char token[XS_WATCH_TOKEN_SIZE];
	/** @extra: what follows the token in XS_WATCH; in @path's memory */
	const char *extra;
	/** @extra_len: bytes in @extra */
	size_t extra_len;
	/** @path: what is watched; const */
	char path[];
};

/**
 * struct xs_watches - all watches of a connection
 */
struct xs_watches {
	/** @conn: const after init */
	struct xs_conn *conn;
	/** @nonce: makes tokens of different boots differ; const after init */
	u32 nonce;
	/** @entries: id to entry; own lock, lookups under RCU */
	struct xarray entries;
	/** @next_id: where the next search for a free id begins; its lock */
	u32 next_id;

	/**
	 * @exclusion: of the callback for @path, which runs in the default queue;
	 * sleeps; NULL if no callback is exclusive; const after init
	 */
	enum xs_watch_exclusion (*exclusion)(const char *path);
	/** @pause_timeout: how long it waits for the others, in jiffies; const */
	unsigned long pause_timeout;
	/** @retry: queues @postponed again */
	struct delayed_work retry;
	/** @queues: where callbacks run; its lock protects what follows */
	struct xs_queues queues;
	/** @postponed: an event that could not be handled alone, or NULL */
	struct xs_watch_event *postponed;
	/** @pending: pending events by watch and path */
	struct hlist_head pending[XS_WATCH_PENDING_BUCKETS];
	/** @merged: events that said nothing new and were not queued */
	u64 merged;
	/** @dropped: events that match no watch; kthread only */
	u64 dropped;
	/** @lost: watches that a server refused after a resume; the resume only */
	u64 lost;
};

extern const struct xs_conn_ops xs_watch_conn_ops;

void xs_watches_init(struct xs_watches *watches, struct xs_conn *conn);
void xs_watches_destroy(struct xs_watches *watches);
int xs_watches_start(struct xs_watches *watches);
void xs_watches_stop(struct xs_watches *watches);
bool xs_watches_dispatch(struct xs_watches *watches);

/* watch_sync.c */
void xs_watches_reregister(struct xs_watches *watches);
int xs_watch_register(struct xs_watches *watches, struct xenbus_watch *watch);
int xs_watch_register_in(struct xs_watches *watches,
			 struct xenbus_watch *watch, struct xs_queue *queue);
void xs_watch_unregister(struct xs_watches *watches,
			 struct xenbus_watch *watch);

struct xs_watch_entry *xs_watch_entry_alloc(const char *path, const char *extra,
					    size_t extra_len, gfp_t gfp);
void xs_watch_entry_put(struct xs_watch_entry *entry);
int xs_watch_entry_add(struct xs_watches *watches,
		       struct xs_watch_entry *entry);
bool xs_watch_entry_remove(struct xs_watches *watches,
			   struct xs_watch_entry *entry);
int xs_watch_entry_fire(struct xs_watches *watches,
			struct xs_watch_entry *entry, const char *path);
struct xs_request *xs_watch_entry_request(const struct xs_watch_entry *entry,
					  u32 type, gfp_t gfp);

#endif /* _XENSTORE_WATCH_H */
