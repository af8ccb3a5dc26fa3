// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one store that a kernel has.
 *
 * The only file that names the singleton: its connection, its watches, the
 * order in which they start, who is told when the store is there, and what
 * happens at suspend and reboot. Where the ring is, the transport knows; it
 * calls xs_store_init() first, xs_store_start() when the ring can be used, and
 * xs_store_announce() when there is a server at the other end.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenbus: " fmt

#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <xen/xenbus.h>

#include "../xenstore/debugfs.h"
#include "xenbus_store.h"
#include "xen_transport.h"

struct xs_store {
	/** @conn: set up by xs_store_init() */
	struct xs_conn conn;
	/** @watches: set up by xs_store_init() */
	struct xs_watches watches;
	/** @cache: set up by xs_store_init() */
	struct xs_cache cache;
	/** @ready_mutex: protects the step to ready, not held around callbacks */
	struct mutex ready_mutex;
	/** @ready_chain: who is to be told when the server is there; own lock */
	struct blocking_notifier_head ready_chain;
	/** @debugfs: the directory, from xs_store_init() to xs_store_stop() */
	struct dentry *debugfs;
};

static struct xs_store xs_store = {
	.ready_mutex = __MUTEX_INITIALIZER(xs_store.ready_mutex),
	.ready_chain = BLOCKING_NOTIFIER_INIT(xs_store.ready_chain),
};

static bool xenbus_write_behind = true;
module_param_named(write_behind, xenbus_write_behind, bool, 0444);
MODULE_PARM_DESC(write_behind,
		 "Let the end of a transaction wait for what was written in it");

static unsigned int xenbus_poll_us;
module_param_named(poll_us, xenbus_poll_us, uint, 0444);
MODULE_PARM_DESC(poll_us,
		 "Microseconds to poll for the next answer before going to sleep");

/* Event channel to the server, 0 if there is none; the transport's. */
int xen_store_evtchn;
EXPORT_SYMBOL_GPL(xen_store_evtchn);

/* The ring page, NULL until it is known; the transport's. */
struct xenstore_domain_interface *xen_store_interface;
EXPORT_SYMBOL_GPL(xen_store_interface);

/* How the server is reached; the transport's. */
enum xenstore_init xen_store_domain_type;
EXPORT_SYMBOL_GPL(xen_store_domain_type);

/* Positive once there is a server that answers. */
int xenstored_ready;

/**
 * xs_store_conn() - the connection of this kernel
 *
 * Context: Any.
 * Return: The connection; usable once xs_store_init() has been called.
 */
struct xs_conn *xs_store_conn(void)
{
	return &xs_store.conn;
}

/**
 * xs_store_watches() - the watches of this kernel
 *
 * Context: Any.
 * Return: The registry; usable once xs_store_init() has been called.
 */
struct xs_watches *xs_store_watches(void)
{
	return &xs_store.watches;
}

/**
 * xs_store_cache() - what is known of nodes that are polled
 *
 * Context: Any.
 * Return: The cache; usable once xs_store_init() has been called.
 */
struct xs_cache *xs_store_cache(void)
{
	return &xs_store.cache;
}

/* A server that is a process of ours has been killed by now. */
static int xs_store_reboot(struct notifier_block *nb, unsigned long code,
			   void *unused)
{
	if (xs_store.conn.t->peer_is_local)
		xs_conn_break(&xs_store.conn, -ESHUTDOWN);
	return NOTIFY_DONE;
}

static struct notifier_block xs_store_reboot_nb = {
	.notifier_call = xs_store_reboot,
};

/**
 * xs_store_init() - make the store accept requests
 * @t: how the server will be reached
 *
 * Requests wait until xs_store_start().
 *
 * Context: Process, once, before anybody else uses the store.
 */
void xs_store_init(struct xs_transport *t)
{
	xs_conn_init(&xs_store.conn, t, &xs_watch_conn_ops, &xs_store.watches);
	xs_store.conn.write_behind = xenbus_write_behind;
	xs_store.conn.poll_us = min(xenbus_poll_us, XS_POLL_US_MAX);
	xs_watches_init(&xs_store.watches, &xs_store.conn);
	xs_store.debugfs = xs_debugfs_create(&xs_store.watches);
	xs_cache_init(&xs_store.cache, &xs_store.watches, XS_CACHE_ENTRIES,
		      XS_CACHE_UNREAD);
}

/**
 * xs_store_start() - connect and start the threads
 *
 * Context: Process, may sleep.
 * Return: 0, or the error of the step that failed; all others are undone then
 * and it may be called again.
 */
int xs_store_start(void)
{
	int err;

	err = register_reboot_notifier(&xs_store_reboot_nb);
	if (err)
		return err;
	err = xs_conn_connect(&xs_store.conn);
	if (err)
		goto err_unregister;
	err = xs_conn_start(&xs_store.conn);
	if (err)
		goto err_disconnect;
	err = xs_watches_start(&xs_store.watches);
	if (err)
		goto err_stop;
	return 0;

err_stop:
	xs_conn_stop(&xs_store.conn);
err_disconnect:
	xs_conn_disconnect(&xs_store.conn);
err_unregister:
	unregister_reboot_notifier(&xs_store_reboot_nb);
	return err;
}

/**
 * xs_store_stop() - undo xs_store_start() and xs_store_init()
 *
 * A running kernel keeps its store; this is for test suites.
 *
 * Context: Process, may sleep; nobody else uses the store.
 */
void xs_store_stop(void)
{
	debugfs_remove(xs_store.debugfs);
	xs_cache_destroy(&xs_store.cache);
	xs_watches_stop(&xs_store.watches);
	xs_conn_stop(&xs_store.conn);
	xs_conn_disconnect(&xs_store.conn);
	xs_conn_destroy(&xs_store.conn);
	xs_watches_destroy(&xs_store.watches);
	unregister_reboot_notifier(&xs_store_reboot_nb);
	xenstored_ready = 0;
}

/**
 * xs_store_announce() - tell those who wait that the server is there
 *
 * Context: Process, may sleep; those who are told may use the store.
 */
void xs_store_announce(void)
{
	mutex_lock(&xs_store.ready_mutex);
	WRITE_ONCE(xenstored_ready, 1);
	mutex_unlock(&xs_store.ready_mutex);
	/* Whoever comes from here on is called at once and is not in the chain. */
	blocking_notifier_call_chain(&xs_store.ready_chain, 0, NULL);
}

static bool xs_store_is_ready(void)
{
	return READ_ONCE(xenstored_ready) > 0;
}

/* For later, unless the store has come in the meantime. */
static bool xs_store_keep_notifier(struct notifier_block *nb, int *err)
{
	bool keep;

	mutex_lock(&xs_store.ready_mutex);
	keep = !xs_store_is_ready();
	if (keep)
		*err = blocking_notifier_chain_register(&xs_store.ready_chain,
							nb);
	mutex_unlock(&xs_store.ready_mutex);
	return keep;
}

/**
 * register_xenstore_notifier() - be called when the store can be used
 * @nb: the callback
 *
 * If the store is there already, the callback is run at once and @nb is not
 * kept. Otherwise it is run once, later; @nb must stay until then.
 *
 * Context: Process, may sleep.
 * Return: 0, or what the callback returned if it was run.
 */
int register_xenstore_notifier(struct notifier_block *nb)
{
	bool kept = false;
	int err = 0;

	/* A callback that registers another one must not take the mutex. */
	if (!xs_store_is_ready())
		kept = xs_store_keep_notifier(nb, &err);
	return kept ? err : nb->notifier_call(nb, 0, NULL);
}
EXPORT_SYMBOL_GPL(register_xenstore_notifier);

/**
 * unregister_xenstore_notifier() - do not be called any more
 * @nb: a callback that was registered and need not have been run
 *
 * Context: Process, may sleep; not from a callback.
 */
void unregister_xenstore_notifier(struct notifier_block *nb)
{
	blocking_notifier_chain_unregister(&xs_store.ready_chain, nb);
}
EXPORT_SYMBOL_GPL(unregister_xenstore_notifier);

/**
 * xs_suspend() - get everybody out before the domain is suspended
 *
 * Waits until every request has been answered and every transaction of the
 * kernel has ended; whoever comes later waits for xs_resume() or
 * xs_suspend_cancel(), one of which must follow.
 *
 * Context: Process, may sleep; may be called by a watch's callback.
 */
void xs_suspend(void)
{
	if (xs_store.conn.t)
		xs_watches_suspend(&xs_store.watches);
}

/**
 * xs_resume() - go on, perhaps with another server at the other end
 *
 * Sets all watches again. Transactions of user processes from before end with
 * EAGAIN.
 *
 * Context: Process, may sleep; after xs_suspend().
 */
void xs_resume(void)
{
	if (xs_store.conn.t)
		xs_watches_resume(&xs_store.watches);
}

/**
 * xs_suspend_cancel() - the domain was not suspended after all
 *
 * Everything is as it was, open transactions included.
 *
 * Context: Process; after xs_suspend().
 */
void xs_suspend_cancel(void)
{
	if (xs_store.conn.t)
		xs_watches_suspend_cancel(&xs_store.watches);
}
