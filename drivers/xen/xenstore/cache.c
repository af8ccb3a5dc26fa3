// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values that are kept as long as their watch does not fire.
 *
 * For nodes that are polled. The first read of a node sets a watch on it; later
 * reads are served from memory until the watch fires. A value is kept only if
 * the watch did not fire between sending the request and its reply, so a kept
 * value was current after the last event. Events and replies come over one ring
 * in one order: a task that has had any reply from the server reads no value
 * that is older than that reply. But a value can be older than a change that was
 * announced by other means, such as an event channel: code that reacts to those
 * must not read from here.
 *
 * That a node does not exist is kept like a value; other errors are not. A node
 * that changes often and is read seldom loses its watch again. A resume
 * invalidates all values; if it cannot set the watch again, none is kept.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>

#include "cache.h"
#include "ops.h"

/* A reply of the server; const once it is shared. */
struct xs_cache_value {
	struct kref ref;	/* entry 1 while it is kept, each reader 1 */
	int err;		/* 0 or -ENOENT */
	unsigned int len;
	char *body;		/* and a NUL; NULL if @err */
};

struct xs_cache_entry {
	struct kref ref;		/* table 1, watch 1, each reader 1 */
	struct hlist_node node;		/* in a bucket while @listed */
	struct list_head drop_node;	/* on &xs_cache.drops after that */
	struct xs_cache *cache;		/* const */
	struct xs_watch_entry *watch;	/* a reference; const once @watched */
	u32 hash;			/* of @path; const */

	/* The rest is under &xs_cache.lock. */
	bool listed;
	bool watched;			/* the server has set the watch */
	u64 changes;			/* events that may change the value */
	unsigned int unread;		/* events since the last read */
	u64 generation;			/* of the connection, for @value */
	struct xs_cache_value *value;	/* NULL if not known */
	char path[];
};

/* === Values === */

static void xs_cache_value_release(struct kref *ref)
{
	struct xs_cache_value *value;

	value = container_of(ref, struct xs_cache_value, ref);
	kfree(value->body);
	kfree(value);
}

static void xs_cache_value_put(struct xs_cache_value *value)
{
	if (value)
		kref_put(&value->ref, xs_cache_value_release);
}

/* Errors that are not worth keeping come as ERR_PTR(). */
static struct xs_cache_value *xs_cache_fetch(struct xs_conn *conn,
					     const char *path)
{
	struct xs_cache_value *value = kzalloc(sizeof(*value), XS_GFP);
	char *body;

	if (!value)
		return ERR_PTR(-ENOMEM);
	kref_init(&value->ref);
	body = xs_op_read(conn, 0, path, "", &value->len);
	if (!IS_ERR(body)) {
		value->body = body;
		return value;
	}
	value->err = PTR_ERR(body);
	if (value->err == -ENOENT)
		return value;
	kfree(value);
	return ERR_CAST(body);
}

static void *xs_cache_value_copy(const struct xs_cache_value *value,
				 unsigned int *len)
{
	char *body;

	if (value->err)
		return ERR_PTR(value->err);
	body = kmemdup(value->body, value->len + 1, XS_GFP);
	if (!body)
		return ERR_PTR(-ENOMEM);
	if (len)
		*len = value->len;
	return body;
}

/* === Entries === */

static void xs_cache_entry_release(struct kref *ref)
{
	struct xs_cache_entry *entry;

	entry = container_of(ref, struct xs_cache_entry, ref);
	xs_cache_value_put(entry->value);
	kfree(entry);
}

static void xs_cache_entry_put(struct xs_cache_entry *entry)
{
	kref_put(&entry->ref, xs_cache_entry_release);
}

static struct hlist_head *xs_cache_bucket(struct xs_cache *cache, u32 hash)
{
	return &cache->buckets[hash % XS_CACHE_BUCKETS];
}

/* The caller has to put the entry. */
static struct xs_cache_entry *xs_cache_find_locked(struct xs_cache *cache,
						   const char *path, u32 hash)
	__must_hold(&cache->lock)
{
	struct xs_cache_entry *entry;

	lockdep_assert_held(&cache->lock);
	hlist_for_each_entry(entry, xs_cache_bucket(cache, hash), node) {
		if (entry->hash == hash && !strcmp(entry->path, path)) {
			kref_get(&entry->ref);
			return entry;
		}
	}
	return NULL;
}

static void xs_cache_unlist_locked(struct xs_cache *cache,
				   struct xs_cache_entry *entry)
	__must_hold(&cache->lock)
{
	lockdep_assert_held(&cache->lock);
	hlist_del(&entry->node);
	entry->listed = false;
}

static struct xs_cache_entry *xs_cache_entry_alloc(struct xs_cache *cache,
						   const char *path, u32 hash)
{
	size_t size = strlen(path) + 1;
	struct xs_cache_entry *entry;

	entry = kzalloc(struct_size(entry, path, size), XS_GFP);
	if (!entry)
		return NULL;
	kref_init(&entry->ref);
	entry->cache = cache;
	entry->hash = hash;
	memcpy(entry->path, path, size);
	return entry;
}

/* true if it is in the table, which has a reference of its own then. */
static bool xs_cache_list(struct xs_cache *cache, struct xs_cache_entry *entry)
{
	struct xs_cache_entry *other;
	bool listed = false;

	spin_lock(&cache->lock);
	other = xs_cache_find_locked(cache, entry->path, entry->hash);
	if (!other && cache->num_entries < cache->max_entries) {
		hlist_add_head(&entry->node,
			       xs_cache_bucket(cache, entry->hash));
		kref_get(&entry->ref);
		entry->listed = true;
		cache->num_entries++;
		listed = true;
	}
	spin_unlock(&cache->lock);
	if (other)
		xs_cache_entry_put(other);
	return listed;
}

/* === Watches === */

/* A change below the node does not change its value. */
static bool xs_cache_is_changed_by(const struct xs_cache_entry *entry,
				   const char *path)
{
	return strlen(path) <= strlen(entry->path);
}

/* Kthread, or a resume. */
static int xs_cache_event(struct xs_watch_entry *watch, const char *path)
{
	struct xs_cache_entry *entry = watch->owner;
	struct xs_cache *cache = entry->cache;
	struct xs_cache_value *old = NULL;
	bool drop;

	spin_lock(&cache->lock);
	if (xs_cache_is_changed_by(entry, path)) {
		entry->changes++;
		old = entry->value;
		entry->value = NULL;
	}
	entry->unread++;
	drop = entry->listed && entry->watched &&
	       entry->unread >= cache->max_unread;
	if (drop) {
		xs_cache_unlist_locked(cache, entry);
		list_add_tail(&entry->drop_node, &cache->drops);
	}
	spin_unlock(&cache->lock);
	xs_cache_value_put(old);
	if (drop)
		schedule_work(&cache->drop_work);
	return 0;
}

static void xs_cache_watch_release(struct xs_watch_entry *watch)
{
	xs_cache_entry_put(watch->owner);
}

static const struct xs_watch_ops xs_cache_watch_ops = {
	.event = xs_cache_event,
	.release = xs_cache_watch_release,
};

static struct xs_watch_entry *xs_cache_watch_alloc(struct xs_cache_entry *entry)
{
	struct xs_watch_entry *watch;

	watch = xs_watch_entry_alloc(entry->path, "", 0, XS_GFP);
	if (IS_ERR(watch))
		return watch;
	kref_get(&entry->ref);
	watch->ops = &xs_cache_watch_ops;
	watch->owner = entry;
	return watch;
}

static int xs_cache_subscribe(struct xs_cache *cache,
			      struct xs_cache_entry *entry)
{
	struct xs_watch_entry *watch = xs_cache_watch_alloc(entry);
	int err;

	if (IS_ERR(watch))
		return PTR_ERR(watch);
	err = xs_watch_entry_set(cache->watches, watch);
	if (err) {
		xs_watch_entry_put(watch);
		return err;
	}
	spin_lock(&cache->lock);
	entry->watch = watch;
	entry->watched = true;
	spin_unlock(&cache->lock);
	return 0;
}

static struct xs_cache_entry *xs_cache_pop_drop(struct xs_cache *cache)
{
	struct xs_cache_entry *entry;

	spin_lock(&cache->lock);
	entry = list_first_entry_or_null(&cache->drops, struct xs_cache_entry,
					 drop_node);
	if (entry)
		list_del(&entry->drop_node);
	spin_unlock(&cache->lock);
	return entry;
}

/* An entry that is not in the table any more leaves its place in it. */
static void xs_cache_forget(struct xs_cache *cache,
			    struct xs_cache_entry *entry)
{
	spin_lock(&cache->lock);
	cache->num_entries--;
	spin_unlock(&cache->lock);
	xs_cache_entry_put(entry);
}

static void xs_cache_drop(struct work_struct *work)
{
	struct xs_cache *cache = container_of(work, struct xs_cache, drop_work);
	struct xs_cache_entry *entry;

	while ((entry = xs_cache_pop_drop(cache))) {
		xs_watch_entry_unset(cache->watches, entry->watch);
		xs_watch_entry_put(entry->watch);
		xs_cache_forget(cache, entry);
	}
}

/* === Reading === */

/* Without a watch the value of a node cannot be kept. */
static struct xs_cache_entry *xs_cache_add(struct xs_cache *cache,
					   const char *path, u32 hash)
{
	struct xs_cache_entry *entry = xs_cache_entry_alloc(cache, path, hash);

	if (!entry)
		return NULL;
	if (!xs_cache_list(cache, entry))
		goto err_put;
	if (!xs_cache_subscribe(cache, entry))
		return entry;

	spin_lock(&cache->lock);
	xs_cache_unlist_locked(cache, entry);
	spin_unlock(&cache->lock);
	xs_cache_forget(cache, entry);
err_put:
	xs_cache_entry_put(entry);
	return NULL;
}

/* The caller has to put the entry; NULL if the node is not to be kept. */
static struct xs_cache_entry *xs_cache_get(struct xs_cache *cache,
					   const char *path)
{
	u32 hash = full_name_hash(NULL, path, strlen(path));
	struct xs_cache_entry *entry;

	spin_lock(&cache->lock);
	entry = xs_cache_find_locked(cache, path, hash);
	spin_unlock(&cache->lock);
	return entry ?: xs_cache_add(cache, path, hash);
}

static bool xs_cache_is_valid_locked(struct xs_cache *cache,
				     const struct xs_cache_entry *entry)
	__must_hold(&cache->lock)
{
	struct xs_conn *conn = cache->watches->conn;

	lockdep_assert_held(&cache->lock);
	return entry->value &&
	       entry->generation == READ_ONCE(conn->generation) &&
	       READ_ONCE(conn->state) != XS_CONN_BROKEN;
}

/* The value, to be put by the caller; or NULL, and @changes for xs_cache_keep(). */
static struct xs_cache_value *xs_cache_hit(struct xs_cache *cache,
					   struct xs_cache_entry *entry,
					   u64 *changes)
{
	struct xs_cache_value *value = NULL;

	spin_lock(&cache->lock);
	entry->unread = 0;
	*changes = entry->changes;
	if (xs_cache_is_valid_locked(cache, entry)) {
		value = entry->value;
		kref_get(&value->ref);
		cache->hits++;
	} else {
		cache->misses++;
	}
	spin_unlock(&cache->lock);
	return value;
}

static void xs_cache_keep(struct xs_cache *cache, struct xs_cache_entry *entry,
			  struct xs_cache_value *value, u64 changes,
			  u64 generation)
{
	struct xs_cache_value *old = NULL;

	spin_lock(&cache->lock);
	if (entry->watched && !READ_ONCE(entry->watch->lost) &&
	    entry->listed && entry->changes == changes) {
		old = entry->value;
		kref_get(&value->ref);
		entry->value = value;
		entry->generation = generation;
	}
	spin_unlock(&cache->lock);
	xs_cache_value_put(old);
}

static struct xs_cache_value *xs_cache_read_entry(struct xs_cache *cache,
						  struct xs_cache_entry *entry)
{
	struct xs_conn *conn = cache->watches->conn;
	struct xs_cache_value *value;
	u64 changes, generation;

	generation = READ_ONCE(conn->generation);
	value = xs_cache_hit(cache, entry, &changes);
	if (value)
		return value;
	value = xs_cache_fetch(conn, entry->path);
	if (!IS_ERR(value))
		xs_cache_keep(cache, entry, value, changes, generation);
	return value;
}

/**
 * xs_cache_read() - value of a node, from memory if it is known
 * @cache: the cache
 * @path: the node
 * @len: where its length in bytes goes, or NULL
 *
 * Context: Process, sleeps for the server if the value is not known.
 * Return: The value and a NUL, for kfree(), or an ERR_PTR(); see xs_op_read().
 */
void *xs_cache_read(struct xs_cache *cache, const char *path, unsigned int *len)
{
	struct xs_cache_entry *entry = xs_cache_get(cache, path);
	struct xs_cache_value *value;
	void *body;

	if (!entry)
		return xs_op_read(cache->watches->conn, 0, path, "", len);
	value = xs_cache_read_entry(cache, entry);
	if (IS_ERR(value)) {
		body = value;
	} else {
		body = xs_cache_value_copy(value, len);
		xs_cache_value_put(value);
	}
	xs_cache_entry_put(entry);
	return body;
}
EXPORT_SYMBOL_IF_KUNIT(xs_cache_read);

/* === Init === */

/**
 * xs_cache_init() - make an empty cache
 * @cache: the cache
 * @watches: where it sets its watches, and whose connection it reads from
 * @max_entries: for how many nodes; more are read each time
 * @max_unread: after so many events without a read a node is not kept any more
 *
 * Context: Process.
 */
void xs_cache_init(struct xs_cache *cache, struct xs_watches *watches,
		   unsigned int max_entries, unsigned int max_unread)
{
	unsigned int i;

	cache->watches = watches;
	cache->max_entries = max_entries;
	cache->max_unread = max_unread;
	spin_lock_init(&cache->lock);
	for (i = 0; i < XS_CACHE_BUCKETS; i++)
		INIT_HLIST_HEAD(&cache->buckets[i]);
	cache->num_entries = 0;
	INIT_LIST_HEAD(&cache->drops);
	cache->hits = 0;
	cache->misses = 0;
	INIT_WORK(&cache->drop_work, xs_cache_drop);
}
EXPORT_SYMBOL_IF_KUNIT(xs_cache_init);

/* From now on no event finds an entry to drop. */
static void xs_cache_unlist_all(struct xs_cache *cache)
{
	struct xs_cache_entry *entry;
	struct hlist_node *next;
	unsigned int i;

	spin_lock(&cache->lock);
	for (i = 0; i < XS_CACHE_BUCKETS; i++) {
		hlist_for_each_entry_safe(entry, next, &cache->buckets[i],
					  node) {
			xs_cache_unlist_locked(cache, entry);
			list_add_tail(&entry->drop_node, &cache->drops);
		}
	}
	spin_unlock(&cache->lock);
}

/**
 * xs_cache_destroy() - remove the watches and forget the values
 * @cache: a cache without readers, at a connection that has not stopped
 *
 * Context: Process, sleeps.
 */
void xs_cache_destroy(struct xs_cache *cache)
{
	xs_cache_unlist_all(cache);
	schedule_work(&cache->drop_work);
	flush_work(&cache->drop_work);
}
EXPORT_SYMBOL_IF_KUNIT(xs_cache_destroy);
