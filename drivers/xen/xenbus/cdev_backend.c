// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/xen/xenbus_backend: how a XenStore server meets the kernel of dom0.
 *
 * The server runs either as a process of this domain, which reads the port of
 * our end of the event channel and maps the ring page, or in a domain of its
 * own, for which the toolstack has the page granted and a new channel opened.
 *
 * All of it is for the administrator of the initial domain.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>

#include <asm/xen/hypercall.h>

#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <xen/xenbus.h>
#include <xen/xenbus_dev.h>

#include "xen_transport.h"
#include "xenbus_store.h"

static int cdev_backend_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? nonseekable_open(inode, file) : -EPERM;
}

/* One at a time. */
static DEFINE_MUTEX(cdev_backend_mutex);

/* Returns the new port or a negative errno. */
static long cdev_backend_hand_over(domid_t domid)
{
	struct evtchn_alloc_unbound alloc = {
		.dom		= DOMID_SELF,
		.remote_dom	= domid,
	};
	int err;

	/*
	 * Once the store is in use there are watches, which a new server would
	 * be told of; but it learns of the port from our return value.
	 */
	if (xenstored_ready)
		return -EEXIST;
	if (!xen_store_interface)
		return -ENODEV;
	err = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
	if (err)
		return err;
	gnttab_grant_foreign_access_ref(GNTTAB_RESERVED_XENSTORE, domid,
					virt_to_gfn(xen_store_interface), 0);
	err = xen_transport_hand_over(alloc.port);
	if (!err)
		return alloc.port;
	xen_transport_close_port(alloc.port);
	return err;
}

static long cdev_backend_setup(unsigned long domid)
{
	long port;

	if (domid >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	mutex_lock(&cdev_backend_mutex);
	port = cdev_backend_hand_over(domid);
	mutex_unlock(&cdev_backend_mutex);
	return port;
}

static long cdev_backend_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (cmd == IOCTL_XENBUS_BACKEND_SETUP)
		return cdev_backend_setup(arg);
	if (cmd != IOCTL_XENBUS_BACKEND_EVTCHN)
		return -ENOTTY;
	return xen_store_evtchn > 0 ? xen_store_evtchn : -ENODEV;
}

static int cdev_backend_mmap(struct file *file, struct vm_area_struct *vma)
{
	const unsigned long size = vma->vm_end - vma->vm_start;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (vma->vm_pgoff || size > PAGE_SIZE)
		return -EINVAL;
	if (!xen_store_interface)
		return -ENODEV;
	if (remap_pfn_range(vma, vma->vm_start,
			    virt_to_pfn(xen_store_interface), size,
			    vma->vm_page_prot))
		return -EAGAIN;
	return 0;
}

static const struct file_operations cdev_backend_fops = {
	.open		= cdev_backend_open,
	.mmap		= cdev_backend_mmap,
	.unlocked_ioctl	= cdev_backend_ioctl,
};

static struct miscdevice cdev_backend = {
	.name	= "xen/xenbus_backend",
	.minor	= MISC_DYNAMIC_MINOR,
	.fops	= &cdev_backend_fops,
};

static int __init cdev_backend_init(void)
{
	int err;

	if (!xen_initial_domain())
		return -ENODEV;
	err = misc_register(&cdev_backend);
	if (err)
		pr_err("no device %s: %d\n", cdev_backend.name, err);
	return err;
}
device_initcall(cdev_backend_init);
