// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/xenbus/: counters, outstanding requests, watches, latencies.
 *
 * For root, to find out why a store is slow or does not reply. So nothing that is
 * read here waits for the server or for a task that does; a write of 1 to
 * "reconnect" makes the connection begin again. A list is made piece by piece,
 * under the lock that each piece needs: it is not of one moment. Paths of watches
 * are shown, because they tell the owner; payloads of requests and replies are
 * not.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>
#include <linux/time64.h>
#include <trace/events/xenstore.h>

#include "debugfs.h"
#include "stats.h"

#define xs_debugfs_name(type)						\
	[XS_##type] = #type,

static const char *const xs_debugfs_types[XS_TYPE_COUNT] = {
	xenstore_types(xs_debugfs_name, xs_debugfs_name)
};

/* A number is what a client made up, or one that is not in use. */
static void xs_debugfs_show_type(struct seq_file *m, u32 type)
{
	if (type < XS_TYPE_COUNT && xs_debugfs_types[type])
		seq_puts(m, xs_debugfs_types[type]);
	else
		seq_printf(m, "%u", type);
}

/* === Counters === */

static void xs_debugfs_show_number(struct seq_file *m, const char *name,
				   u64 value)
{
	seq_printf(m, "%s %llu\n", name, value);
}

/**
 * xs_debugfs_show_counters() - a line "NAME VALUE" for each counter
 * @m: where it goes
 * @watches: the watches; and their connection
 *
 * Context: Any.
 */
void xs_debugfs_show_counters(struct seq_file *m, struct xs_watches *watches)
{
	const struct xs_conn *conn = watches->conn;
	const struct xs_stats *stats = &conn->stats;

	xs_debugfs_show_number(m, "connected",
			       READ_ONCE(conn->state) == XS_CONN_UP);
	xs_debugfs_show_number(m, "resumes", READ_ONCE(conn->generation) -
			       READ_ONCE(stats->losses));
	xs_debugfs_show_number(m, "submitted", READ_ONCE(stats->submitted));
	xs_debugfs_show_number(m, "sent", READ_ONCE(stats->sent));
	xs_debugfs_show_number(m, "replies", READ_ONCE(stats->replies));
	xs_debugfs_show_number(m, "strays", READ_ONCE(stats->strays));
	xs_debugfs_show_number(m, "events", READ_ONCE(stats->events));
	xs_debugfs_show_number(m, "events_merged", READ_ONCE(watches->merged));
	xs_debugfs_show_number(m, "events_dropped",
			       READ_ONCE(watches->dropped));
	xs_debugfs_show_number(m, "watches_lost", READ_ONCE(watches->lost));
	xs_debugfs_show_number(m, "passes", READ_ONCE(stats->passes));
	xs_debugfs_show_number(m, "polls", READ_ONCE(stats->polls));
	xs_debugfs_show_number(m, "interrupts", READ_ONCE(stats->interrupts));
	xs_debugfs_show_number(m, "wakes", READ_ONCE(stats->wakes));
	xs_debugfs_show_number(m, "notifications",
			       READ_ONCE(stats->notifications));
	xs_debugfs_show_number(m, "losses", READ_ONCE(stats->losses));
}
EXPORT_SYMBOL_IF_KUNIT(xs_debugfs_show_counters);

static int xs_debugfs_counters_show(struct seq_file *m, void *unused)
{
	xs_debugfs_show_counters(m, m->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(xs_debugfs_counters);

/* === Latencies === */

static void xs_debugfs_show_row(struct seq_file *m, const struct xs_conn *conn,
				u32 type)
{
	const unsigned long *row = conn->stats.latency[type];
	unsigned long count = 0;
	unsigned int i;

	for (i = 0; i < XS_LATENCY_BUCKETS; i++)
		count += READ_ONCE(row[i]);
	if (!count)
		return;
	if (type < XS_TYPE_COUNT)
		xs_debugfs_show_type(m, type);
	else
		seq_puts(m, "other");
	for (i = 0; i < XS_LATENCY_BUCKETS; i++)
		seq_printf(m, " %lu", READ_ONCE(row[i]));
	seq_putc(m, '\n');
}

/**
 * xs_debugfs_show_latency() - how long requests took, by type
 * @m: where it goes
 * @conn: the connection
 *
 * The first line says below how many microseconds each column is.
 *
 * Context: Any.
 */
void xs_debugfs_show_latency(struct seq_file *m, const struct xs_conn *conn)
{
	unsigned int i;

	seq_puts(m, "type");
	for (i = 0; i < XS_LATENCY_BUCKETS - 1; i++)
		seq_printf(m, " %lu", 1UL << i);
	seq_puts(m, " more\n");
	for (i = 0; i < XS_LATENCY_ROWS; i++)
		xs_debugfs_show_row(m, conn, i);
}
EXPORT_SYMBOL_IF_KUNIT(xs_debugfs_show_latency);

static int xs_debugfs_latency_show(struct seq_file *m, void *unused)
{
	const struct xs_watches *watches = m->private;

	xs_debugfs_show_latency(m, watches->conn);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(xs_debugfs_latency);

/* === Requests === */

static void xs_debugfs_show_request_locked(struct seq_file *m,
					   struct xs_conn *conn,
					   struct xs_request *req, u64 now)
	__must_hold(&conn->lock)
{
	const struct xsd_sockmsg *hdr = xs_request_header(req);
	/* It may be younger than @now. */
	s64 age = max_t(s64, now - req->submitted, 0);

	lockdep_assert_held(&conn->lock);
	seq_printf(m, "%u ", req->id);
	xs_debugfs_show_type(m, hdr->type);
	seq_printf(m, " %u %u %s %llu %s\n", hdr->tx_id, hdr->len,
		   req->state == XS_REQ_SENT ? "sent" : "queued",
		   div_u64(age, NSEC_PER_USEC),
		   xs_conn_is_kernel_flow(conn, req->flow) ? "kernel" :
							      "file");
}

/**
 * xs_debugfs_show_bucket() - the pending requests of one chain, a line each
 * @m: where it goes
 * @conn: the connection
 * @bucket: below %XS_PENDING_BUCKETS
 *
 * Context: Any but hard interrupt.
 */
void xs_debugfs_show_bucket(struct seq_file *m, struct xs_conn *conn,
			    unsigned int bucket)
{
	u64 now = xs_stats_now();
	struct xs_request *req;

	spin_lock(&conn->lock);
	hlist_for_each_entry(req, &conn->pending[bucket], pending_node)
		xs_debugfs_show_request_locked(m, conn, req, now);
	spin_unlock(&conn->lock);
}
EXPORT_SYMBOL_IF_KUNIT(xs_debugfs_show_bucket);

/* Position 0 is the first line, n is chain n - 1. */
static void *xs_debugfs_requests_start(struct seq_file *m, loff_t *pos)
{
	return *pos <= XS_PENDING_BUCKETS ? pos : NULL;
}

static void *xs_debugfs_requests_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return xs_debugfs_requests_start(m, pos);
}

static void xs_debugfs_requests_stop(struct seq_file *m, void *v)
{
}

static int xs_debugfs_requests_show(struct seq_file *m, void *v)
{
	const struct xs_watches *watches = m->private;
	loff_t pos = *(loff_t *)v;

	if (!pos)
		seq_puts(m, "id type tx len state age_us source\n");
	else
		xs_debugfs_show_bucket(m, watches->conn, pos - 1);
	return 0;
}

static const struct seq_operations xs_debugfs_requests_sops = {
	.start = xs_debugfs_requests_start,
	.next = xs_debugfs_requests_next,
	.stop = xs_debugfs_requests_stop,
	.show = xs_debugfs_requests_show,
};
DEFINE_SEQ_ATTRIBUTE(xs_debugfs_requests);

/* === Watches === */

/* A driver's watch may be freed as soon as its entry is dead. */
static unsigned int xs_debugfs_pending(struct xs_watches *watches,
				       const struct xs_watch_entry *entry)
{
	unsigned int pending;

	spin_lock(&watches->queues.lock);
	pending = entry->dead ? 0 : entry->watch->nr_pending;
	spin_unlock(&watches->queues.lock);
	return pending;
}

/**
 * xs_debugfs_show_watch() - a line for one watch
 * @m: where it goes
 * @watches: the registry
 * @entry: a watch in it
 *
 * A path may hold any character, since clients choose it.
 *
 * Context: Any but hard interrupt; there is a reference to @entry, or this is
 * an RCU reader.
 */
void xs_debugfs_show_watch(struct seq_file *m, struct xs_watches *watches,
			   const struct xs_watch_entry *entry)
{
	seq_printf(m, "%u ", entry->id);
	if (entry->ops)
		seq_puts(m, "direct - ");
	else
		seq_printf(m, "driver %u ",
			   xs_debugfs_pending(watches, entry));
	seq_escape_mem(m, entry->path, strlen(entry->path),
		       ESCAPE_NAP | ESCAPE_APPEND | ESCAPE_OCTAL, " \\");
	seq_putc(m, '\n');
}
EXPORT_SYMBOL_IF_KUNIT(xs_debugfs_show_watch);

/* Position 0 is the first line, n is the watch with id n or the next one. */
static void *xs_debugfs_watches_start(struct seq_file *m, loff_t *pos)
	__acquires(RCU)
{
	struct xs_watches *watches = m->private;
	unsigned long id = *pos;
	void *entry;

	rcu_read_lock();
	if (!id)
		return SEQ_START_TOKEN;
	entry = xa_find(&watches->entries, &id, ULONG_MAX, XA_PRESENT);
	if (entry)
		*pos = id;
	return entry;
}

static void *xs_debugfs_watches_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct xs_watches *watches = m->private;
	unsigned long id = ++*pos;
	void *entry;

	entry = xa_find(&watches->entries, &id, ULONG_MAX, XA_PRESENT);
	if (entry)
		*pos = id;
	return entry;
}

static void xs_debugfs_watches_stop(struct seq_file *m, void *v)
	__releases(RCU)
{
	rcu_read_unlock();
}

static int xs_debugfs_watches_show(struct seq_file *m, void *v)
{
	if (v == SEQ_START_TOKEN)
		seq_puts(m, "id receiver pending path\n");
	else
		xs_debugfs_show_watch(m, m->private, v);
	return 0;
}

static const struct seq_operations xs_debugfs_watches_sops = {
	.start = xs_debugfs_watches_start,
	.next = xs_debugfs_watches_next,
	.stop = xs_debugfs_watches_stop,
	.show = xs_debugfs_watches_show,
};
DEFINE_SEQ_ATTRIBUTE(xs_debugfs_watches);

/* === Reconnect === */

static int xs_debugfs_reconnect(void *data, u64 value)
{
	return value == 1 ? xs_store_reconnect(data) : -EINVAL;
}
DEFINE_DEBUGFS_ATTRIBUTE(xs_debugfs_reconnect_fops, NULL, xs_debugfs_reconnect,
			 "%llu\n");

/**
 * xs_debugfs_create() - make the directory "xenbus" with its files
 * @store: what they are about
 *
 * Nothing depends on it, so a failure is ignored.
 *
 * Context: Process, may sleep.
 * Return: What debugfs_remove() takes, which is to be called before @store goes
 * away, and waits for readers.
 */
struct dentry *xs_debugfs_create(struct xs_store *store)
{
	struct xs_watches *watches = &store->watches;
	struct dentry *dir = debugfs_create_dir("xenbus", NULL);

	debugfs_create_file("counters", 0400, dir, watches,
			    &xs_debugfs_counters_fops);
	debugfs_create_file("latency", 0400, dir, watches,
			    &xs_debugfs_latency_fops);
	debugfs_create_file("requests", 0400, dir, watches,
			    &xs_debugfs_requests_fops);
	debugfs_create_file("watches", 0400, dir, watches,
			    &xs_debugfs_watches_fops);
	debugfs_create_file("reconnect", 0200, dir, store,
			    &xs_debugfs_reconnect_fops);
	return dir;
}
EXPORT_SYMBOL_GPL(xs_debugfs_create);
