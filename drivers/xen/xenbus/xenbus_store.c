// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one store that a kernel has.
 *
 * The only file that names the singleton: its start, the notifier chain for
 * drivers that wait for the store, suspend and reboot. Where the ring is, the
 * transport knows; it calls xenbus_store_init() first, xenbus_store_start() when
 * the ring can be used, and xenbus_store_announce() when there is a server at
 * the other end.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenbus: " fmt

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xenbus.h>

#include "../xenstore/debugfs.h"
#include "../xenstore/stall.h"
#include "xenbus_store.h"

static struct xs_store xenbus_singleton = {
	.limits = XS_LIMITS_DEFAULT,
	.stall_seconds = XS_STALL_SECONDS,
};

/* Protects the step to ready, not held around callbacks. */
static DEFINE_MUTEX(xenbus_ready_mutex);

/* To be called when the server is there; own lock. */
static BLOCKING_NOTIFIER_HEAD(xenbus_ready_chain);

/* The directory, from xenbus_store_init() to xenbus_store_stop(). */
static struct dentry *xenbus_debugfs;

static bool xenbus_write_behind = true;
module_param_named(write_behind, xenbus_write_behind, bool, 0444);
MODULE_PARM_DESC(write_behind,
		 "Let the end of a transaction wait for what was written in it");

static int xenbus_poll_us = -1;
module_param_named(poll_us, xenbus_poll_us, int, 0444);
MODULE_PARM_DESC(poll_us,
		 "Longest poll before sleep in microseconds; -1: 500 beside a local server, else 0");

module_param_named(max_requests, xenbus_singleton.limits.requests, uint, 0644);
MODULE_PARM_DESC(max_requests,
		 "Requests in flight and unread replies that a file may have");
module_param_named(max_bytes, xenbus_singleton.limits.bytes, uint, 0644);
MODULE_PARM_DESC(max_bytes,
		 "Bytes of unread replies of a file beyond which it must read first");
module_param_named(max_events, xenbus_singleton.limits.events, uint, 0644);
MODULE_PARM_DESC(max_events,
		 "Unread events of a file beyond which they are merged by watch");

module_param_named(stall_seconds, xenbus_singleton.stall_seconds, uint, 0644);
MODULE_PARM_DESC(stall_seconds,
		 "Age at which a request without a reply is reported; 0: never");
module_param_named(request_timeout, xenbus_singleton.timeout_seconds, uint, 0644);
MODULE_PARM_DESC(request_timeout,
		 "Age at which a request without a reply ends the connection, in seconds; 0: never");

/* Positive once there is a server that replies. */
int xenstored_ready;

/**
 * xenbus_store() - the store of this kernel
 *
 * Context: Any.
 * Return: The store. Requests fail with -EIO as long as there is none.
 */
struct xs_store *xenbus_store(void)
{
	return &xenbus_singleton;
}

/* A server that is a process of ours has been killed by now. */
static int xenbus_store_reboot(struct notifier_block *nb, unsigned long code,
			       void *unused)
{
	if (xenbus_singleton.conn.t->peer_is_local)
		xs_conn_break(&xenbus_singleton.conn, -ESHUTDOWN);
	return NOTIFY_DONE;
}

static struct notifier_block xenbus_store_reboot_nb = {
	.notifier_call = xenbus_store_reboot,
};

/* A kernel that finds no store, such as one that is not on Xen, stays like this. */
static void xenbus_store_clear(void)
{
	xs_store_init(&xenbus_singleton, NULL);
	xs_conn_refuse(&xenbus_singleton.conn, -EIO);
}

/* Before any driver. */
static int __init xenbus_store_clear_at_boot(void)
{
	xenbus_store_clear();
	return 0;
}
pure_initcall(xenbus_store_clear_at_boot);

/*
 * The callback on control/shutdown may suspend the domain, and no device may
 * handle an event meanwhile. It reads the node itself, later; so only what is no
 * suspend for certain runs beside other callbacks, as powering off should.
 */
static enum xs_watch_exclusion xenbus_store_exclusion(const char *path)
{
	enum xs_watch_exclusion exclusion = XS_WATCH_ALONE_OR_NOT;
	char *how;

	if (!str_has_prefix(path, "control/shutdown"))
		return XS_WATCH_SHARED;
	how = xenbus_read(XBT_NIL, "control", "shutdown", NULL);
	if (IS_ERR(how))
		return PTR_ERR(how) == -ENOMEM ? XS_WATCH_ALONE : exclusion;
	if (!strcmp(how, "suspend"))
		exclusion = XS_WATCH_ALONE;
	else if (!strcmp(how, "poweroff") || !strcmp(how, "halt") ||
		 !strcmp(how, "reboot"))
		exclusion = XS_WATCH_SHARED;
	kfree(how);
	return exclusion;
}

/**
 * xenbus_store_init() - make the store accept requests
 * @t: how the server will be reached
 *
 * Requests wait until xenbus_store_start() or xenbus_store_refuse().
 *
 * Context: Process, once, before any other use of the store.
 */
void xenbus_store_init(struct xs_transport *t)
{
	struct xs_store *store = &xenbus_singleton;

	xs_store_init(store, t);
	store->conn.write_behind = xenbus_write_behind;
	store->conn.poll_us = xenbus_poll_us;
	store->watches.exclusion = xenbus_store_exclusion;
	xenbus_debugfs = xs_debugfs_create(store);
}

/**
 * xenbus_store_start() - connect and start the threads
 *
 * Context: Process, may sleep.
 * Return: 0, or the error of the step that failed; nothing is left of the others
 * then, and it may be called again.
 */
int xenbus_store_start(void)
{
	struct xs_store *store = &xenbus_singleton;
	int err;

	err = register_reboot_notifier(&xenbus_store_reboot_nb);
	if (err)
		return err;
	err = xs_store_start(store);
	if (err)
		unregister_reboot_notifier(&xenbus_store_reboot_nb);
	return err;
}

/**
 * xenbus_store_refuse() - the server cannot be reached
 *
 * Requests fail with -EIO, those that wait and those to come. If the server can
 * be reached later, xenbus_store_start() may be called.
 *
 * Context: Process; the store is not started, or its start has failed.
 */
void xenbus_store_refuse(void)
{
	xs_conn_refuse(&xenbus_singleton.conn, -EIO);
}

/**
 * xenbus_store_stop() - reverse xenbus_store_start() and xenbus_store_init()
 *
 * A running kernel keeps its store; this is for test suites.
 *
 * Context: Process, may sleep; nothing else uses the store.
 */
void xenbus_store_stop(void)
{
	debugfs_remove(xenbus_debugfs);
	xs_store_stop(&xenbus_singleton);
	xs_store_destroy(&xenbus_singleton);
	unregister_reboot_notifier(&xenbus_store_reboot_nb);
	xenstored_ready = 0;
	xenbus_store_clear();
}

/**
 * xenbus_store_announce() - call the notifiers: the server is there
 *
 * Context: Process, may sleep; a notifier may use the store.
 */
void xenbus_store_announce(void)
{
	mutex_lock(&xenbus_ready_mutex);
	WRITE_ONCE(xenstored_ready, 1);
	mutex_unlock(&xenbus_ready_mutex);
	/* A notifier from here on is called at once and is not in the chain. */
	blocking_notifier_call_chain(&xenbus_ready_chain, 0, NULL);
}

static bool xenbus_store_is_ready(void)
{
	return READ_ONCE(xenstored_ready) > 0;
}

/* For later, unless the store has come in the meantime. */
static bool xenbus_store_keep_notifier(struct notifier_block *nb, int *err)
{
	bool keep;

	mutex_lock(&xenbus_ready_mutex);
	keep = !xenbus_store_is_ready();
	if (keep)
		*err = blocking_notifier_chain_register(&xenbus_ready_chain,
							nb);
	mutex_unlock(&xenbus_ready_mutex);
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
	if (!xenbus_store_is_ready())
		kept = xenbus_store_keep_notifier(nb, &err);
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
	blocking_notifier_chain_unregister(&xenbus_ready_chain, nb);
}
EXPORT_SYMBOL_GPL(unregister_xenstore_notifier);

/**
 * xs_suspend() - quiesce the store before the domain is suspended
 *
 * Waits until every request has completed and every transaction of the kernel
 * has ended; later requests wait for xs_resume() or xs_suspend_cancel(), one of
 * which must follow.
 *
 * Context: Process, may sleep; may be called by a watch's callback.
 */
void xs_suspend(void)
{
	if (xenbus_singleton.conn.t)
		xs_store_suspend(&xenbus_singleton);
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
	if (xenbus_singleton.conn.t)
		xs_store_resume(&xenbus_singleton);
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
	if (xenbus_singleton.conn.t)
		xs_store_suspend_cancel(&xenbus_singleton);
}
