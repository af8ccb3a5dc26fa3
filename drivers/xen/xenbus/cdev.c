// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/xen/xenbus, and the file of the same name in xenfs.
 *
 * A byte stream of XenStore messages in each direction. All of the protocol is
 * in the session; this is the file around it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenbus: " fmt

#include <linux/export.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/poll.h>
#include <linux/printk.h>
#include <linux/uio.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "../xenstore/session.h"
#include "store.h"

/*
 * What is unread of a file can take up to max_bytes, max_requests messages and
 * max_events events, one event for each of its watches, and no more.
 */
static struct xs_session_limits xenbus_cdev_limits = {
	.requests = 1024,
	.bytes = 1 << 20,
	.events = 1024,
};

module_param_named(max_requests, xenbus_cdev_limits.requests, uint, 0644);
MODULE_PARM_DESC(max_requests,
		 "Requests in flight and unread replies that a file may have");
module_param_named(max_bytes, xenbus_cdev_limits.bytes, uint, 0644);
MODULE_PARM_DESC(max_bytes,
		 "Bytes of unread replies of a file beyond which it must read first");
module_param_named(max_events, xenbus_cdev_limits.events, uint, 0644);
MODULE_PARM_DESC(max_events,
		 "Unread events of a file beyond which they are merged by watch");

static int xenbus_cdev_open(struct inode *inode, struct file *file)
{
	struct xs_session *session;

	if (!xen_store_evtchn)
		return -ENOENT;
	session = xs_session_open(xs_store_conn(), xs_store_watches(),
				  &xenbus_cdev_limits);
	if (IS_ERR(session))
		return PTR_ERR(session);
	file->private_data = session;
	/* No position, so a reader that waits does not lock out a writer. */
	return stream_open(inode, file);
}

static int xenbus_cdev_release(struct inode *inode, struct file *file)
{
	xs_session_close(file->private_data);
	return 0;
}

static bool xenbus_cdev_nonblock(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) ||
	       (iocb->ki_flags & IOCB_NOWAIT);
}

static ssize_t xenbus_cdev_read(struct kiocb *iocb, struct iov_iter *to)
{
	return xs_session_read(iocb->ki_filp->private_data, to,
			       xenbus_cdev_nonblock(iocb));
}

static ssize_t xenbus_cdev_write(struct kiocb *iocb, struct iov_iter *from)
{
	return xs_session_write(iocb->ki_filp->private_data, from,
				xenbus_cdev_nonblock(iocb));
}

static __poll_t xenbus_cdev_poll(struct file *file, poll_table *wait)
{
	struct xs_session *session = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &session->wq, wait);
	if (xs_session_writable(session))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (xs_session_readable(session))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

const struct file_operations xen_xenbus_fops = {
	.owner = THIS_MODULE,
	.open = xenbus_cdev_open,
	.release = xenbus_cdev_release,
	.read_iter = xenbus_cdev_read,
	.write_iter = xenbus_cdev_write,
	.poll = xenbus_cdev_poll,
};
EXPORT_SYMBOL_GPL(xen_xenbus_fops);

/**
 * xenbus_dev_request_and_reply() - write a message on behalf of an open file
 * @msg: header, followed in memory by its payload
 * @par: private data of a file of &xen_xenbus_fops
 *
 * The reply is read from the file.
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of a write to the file.
 */
int xenbus_dev_request_and_reply(struct xsd_sockmsg *msg, void *par)
{
	struct kvec vec = {
		.iov_base = msg,
		.iov_len = sizeof(*msg) + msg->len,
	};
	struct iov_iter from;
	ssize_t n;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, vec.iov_len);
	n = xs_session_write(par, &from, false);
	return n < 0 ? n : 0;
}
EXPORT_SYMBOL(xenbus_dev_request_and_reply);

static struct miscdevice xenbus_cdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xen/xenbus",
	.fops = &xen_xenbus_fops,
};

static int __init xenbus_cdev_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	err = misc_register(&xenbus_cdev);
	if (err)
		pr_err("cannot register /dev/xen/xenbus: %d\n", err);
	return err;
}
device_initcall(xenbus_cdev_init);
