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
#include <linux/printk.h>
#include <linux/uio.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "../xenstore/session.h"
#include "xenbus_store.h"

static int xenbus_cdev_open(struct inode *inode, struct file *file)
{
	if (!xen_store_evtchn)
		return -ENOENT;
	return xs_session_file_open(inode, file, xenbus_store());
}

const struct file_operations xen_xenbus_fops = {
	.owner = THIS_MODULE,
	.open = xenbus_cdev_open,
	.release = xs_session_file_release,
	.read_iter = xs_session_file_read,
	.write_iter = xs_session_file_write,
	.poll = xs_session_file_poll,
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
