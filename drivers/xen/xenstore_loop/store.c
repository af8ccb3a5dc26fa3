// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store of a kernel that does not run on Xen.
 *
 * The page and the channel are memory, the server is a daemon of this system
 * that cannot tell the difference, and clients come through /dev/xen/xenbus.
 * Requests from before the first daemon wait in the ring. When a daemon goes,
 * outstanding requests fail, and clients wait until there is another one, as
 * over a suspend: their watches are set again, their transactions are gone.
 *
 * Can be unloaded when no daemon runs, no file is open, and what closed files
 * left behind has been cleaned up, for which each session has a reference.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore_loop: " fmt

#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/workqueue.h>
#include <xen/xen.h>

#include "../xenstore/debugfs.h"
#include "../xenstore/session.h"
#include "../xenstore/stall.h"
#include "loop.h"

static struct xs_store xs_loop_store = {
	.limits = XS_LIMITS_DEFAULT,
	.stall_seconds = XS_STALL_SECONDS,
};

static struct dentry *xs_loop_debugfs;

/*
 * A daemon has gone and clients wait for another. Under the channel's bind
 * mutex, or in the work, for which the holder of the mutex waits.
 */
static bool xs_loop_out;

/* The work is not under way. */
static DECLARE_COMPLETION(xs_loop_settled);

module_param_named(max_requests, xs_loop_store.limits.requests, uint, 0644);
MODULE_PARM_DESC(max_requests,
		 "Requests in flight and unread replies that a file may have");
module_param_named(max_bytes, xs_loop_store.limits.bytes, uint, 0644);
MODULE_PARM_DESC(max_bytes,
		 "Bytes of unread replies of a file beyond which it must read first");
module_param_named(max_events, xs_loop_store.limits.events, uint, 0644);
MODULE_PARM_DESC(max_events,
		 "Unread events of a file beyond which they are merged by watch");
module_param_named(stall_seconds, xs_loop_store.stall_seconds, uint, 0644);
MODULE_PARM_DESC(stall_seconds,
		 "Age at which a request without a reply is reported; 0: never");
module_param_named(request_timeout, xs_loop_store.timeout_seconds, uint, 0644);
MODULE_PARM_DESC(request_timeout,
		 "Age at which a request without a reply ends the connection, in seconds; 0: never");

/* === Transport === */

static int xs_loop_connect(struct xs_transport *t)
{
	t->peer_is_local = true;
	return 0;
}

static void xs_loop_disconnect(struct xs_transport *t)
{
}

static void xs_loop_notify(struct xs_transport *t)
{
	xs_loop_evtchn_notify();
}

static const struct xs_transport_ops xs_loop_transport_ops = {
	.connect = xs_loop_connect,
	.disconnect = xs_loop_disconnect,
	.reconnect = xs_loop_connect,
	.notify = xs_loop_notify,
};

static struct xs_transport xs_loop_transport = {
	.ops = &xs_loop_transport_ops,
};

/* === Daemons come and go === */

/* Waits for replies of the daemon, so not in the daemon's own context. */
static void xs_loop_found(struct work_struct *work)
{
	xs_store_resume(&xs_loop_store);
	xs_loop_out = false;
	complete_all(&xs_loop_settled);
}

static DECLARE_WORK(xs_loop_found_work, xs_loop_found);

static void xs_loop_event(void)
{
	xs_loop_transport.notified(&xs_loop_transport);
}

/* Not on the queue where closed sessions may wait for just this. */
static void xs_loop_bound(void)
{
	if (!xs_loop_out)
		return;
	reinit_completion(&xs_loop_settled);
	queue_work(system_dfl_wq, &xs_loop_found_work);
}

/* The page is as new for the next one, which cannot bind before this is over. */
static void xs_loop_unbound(void)
{
	if (cancel_work(&xs_loop_found_work))
		complete_all(&xs_loop_settled);
	/*
	 * A resume that is under way waits for replies that will not come. A
	 * break that it overtakes is forgotten, so there may have to be another.
	 */
	do {
		xs_conn_break(&xs_loop_store.conn, -EIO);
	} while (!wait_for_completion_timeout(&xs_loop_settled, HZ / 10));
	if (!xs_loop_out) {
		/* A resume that came through after all has undone the break. */
		xs_conn_break(&xs_loop_store.conn, -EIO);
		xs_store_suspend(&xs_loop_store);
		xs_loop_out = true;
	}
	clear_page(xs_loop_transport.page);
}

static const struct xs_loop_channel_ops xs_loop_channel_ops = {
	.event = xs_loop_event,
	.bound = xs_loop_bound,
	.unbound = xs_loop_unbound,
};

/* === Clients === */

static int xs_loop_open(struct inode *inode, struct file *file)
{
	return xs_session_file_open(inode, file, &xs_loop_store);
}

static const struct file_operations xs_loop_fops = {
	.owner = THIS_MODULE,
	.open = xs_loop_open,
	.release = xs_session_file_release,
	.read_iter = xs_session_file_read,
	.write_iter = xs_session_file_write,
	.poll = xs_session_file_poll,
};

static struct miscdevice xs_loop_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xen/xenbus",
	.fops = &xs_loop_fops,
};

/* === Start === */

static int __init xs_loop_store_start(void)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	int err;

	if (!page)
		return -ENOMEM;
	xs_loop_transport.page = page;
	xs_store_init(&xs_loop_store, &xs_loop_transport);
	err = xs_store_start(&xs_loop_store);
	if (err) {
		xs_store_destroy(&xs_loop_store);
		free_page((unsigned long)page);
	}
	return err;
}

static void xs_loop_store_stop(void)
{
	xs_store_stop(&xs_loop_store);
	xs_store_destroy(&xs_loop_store);
	free_page((unsigned long)xs_loop_transport.page);
}

static int __init xs_loop_init(void)
{
	int err;

	if (xen_domain()) {
		pr_err("this is a domain of Xen, which has a store already\n");
		return -ENODEV;
	}
	err = xs_loop_store_start();
	if (err)
		return err;
	err = xs_loop_proc_init(virt_to_page(xs_loop_transport.page));
	if (err)
		goto err_store;
	err = xs_loop_privcmd_init();
	if (err)
		goto err_proc;
	complete_all(&xs_loop_settled);
	err = xs_loop_evtchn_init(&xs_loop_channel_ops);
	if (err)
		goto err_privcmd;
	err = misc_register(&xs_loop_device);
	if (err)
		goto err_evtchn;
	xs_loop_debugfs = xs_debugfs_create(&xs_loop_store);
	return 0;

err_evtchn:
	xs_loop_evtchn_exit();
err_privcmd:
	xs_loop_privcmd_exit();
err_proc:
	xs_loop_proc_exit();
err_store:
	xs_loop_store_stop();
	return err;
}
module_init(xs_loop_init);

/* No file is open, so nothing is under way but what a daemon left. */
static void __exit xs_loop_exit(void)
{
	debugfs_remove(xs_loop_debugfs);
	misc_deregister(&xs_loop_device);
	xs_loop_evtchn_exit();
	/* It may have been waited for, but not have returned. */
	flush_work(&xs_loop_found_work);
	xs_loop_privcmd_exit();
	xs_loop_proc_exit();
	xs_loop_store_stop();
}
module_exit(xs_loop_exit);

MODULE_DESCRIPTION("XenStore without Xen");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("XENSTORE");
