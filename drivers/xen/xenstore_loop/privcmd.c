// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/xen/privcmd and /dev/xen/gntdev of a host with one domain.
 *
 * A daemon opens both and will not start without. It uses the first to list the
 * domains, and the second for the rings of other domains only; so nearly every
 * operation fails as unknown. Process context.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <xen/privcmd.h>

#include "loop.h"

/* Hypercalls and operations, by their numbers in Xen's public headers. */
#define XS_LOOP_HYPERCALL_SYSCTL	35
#define XS_LOOP_HYPERCALL_DOMCTL	36
#define XS_LOOP_DOMCTL_GETDOMAININFO	5
#define XS_LOOP_SYSCTL_GETDOMAININFOLIST	6

/* The domain is running. */
#define XS_LOOP_DOMINF_RUNNING		BIT(5)

/*
 * The first fields of what Xen says about a domain. They have not moved for
 * many versions of the interface; what follows differs and is left alone.
 */
struct xs_loop_domaininfo {
	u16 domid;
	u16 pad;
	u32 flags;
};

struct xs_loop_domctl {
	u32 cmd;
	u32 interface_version;
	u16 domid;
	u16 pad[3];
	struct xs_loop_domaininfo info;
};

struct xs_loop_sysctl {
	u32 cmd;
	u32 interface_version;
	u16 first_domid;
	u16 pad;
	u32 max_domains;
	u64 buffer;
	u32 num_domains;
	u32 pad2;
};

static const struct xs_loop_domaininfo xs_loop_domain0 = {
	.domid = 0,
	.flags = XS_LOOP_DOMINF_RUNNING,
};

static long xs_loop_domctl(void __user *arg)
{
	struct xs_loop_domctl op;

	if (copy_from_user(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.cmd != XS_LOOP_DOMCTL_GETDOMAININFO)
		return -EOPNOTSUPP;
	/* Xen returns this domain or the next one. */
	if (op.domid)
		return -ESRCH;
	op.info = xs_loop_domain0;
	return copy_to_user(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static long xs_loop_sysctl(void __user *arg)
{
	struct xs_loop_sysctl op;

	if (copy_from_user(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.cmd != XS_LOOP_SYSCTL_GETDOMAININFOLIST)
		return -EOPNOTSUPP;
	op.num_domains = !op.first_domid && op.max_domains;
	if (op.num_domains && copy_to_user(u64_to_user_ptr(op.buffer),
					   &xs_loop_domain0,
					   sizeof(xs_loop_domain0)))
		return -EFAULT;
	return copy_to_user(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static long xs_loop_hypercall(const void __user *arg)
{
	struct privcmd_hypercall call;

	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	switch (call.op) {
	case XS_LOOP_HYPERCALL_DOMCTL:
		return xs_loop_domctl(u64_to_user_ptr(call.arg[0]));
	case XS_LOOP_HYPERCALL_SYSCTL:
		return xs_loop_sysctl(u64_to_user_ptr(call.arg[0]));
	default:
		return -ENOSYS;
	}
}

static long xs_loop_privcmd_ioctl(struct file *file, unsigned int cmd,
				  unsigned long arg)
{
	if (cmd != IOCTL_PRIVCMD_HYPERCALL)
		return -ENOTTY;
	return xs_loop_hypercall((void __user *)arg);
}

static const struct file_operations xs_loop_privcmd_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = xs_loop_privcmd_ioctl,
};

static struct miscdevice xs_loop_privcmd = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xen/privcmd",
	.fops = &xs_loop_privcmd_fops,
};

/* Without an ioctl every request fails with ENOTTY: there are no grants. */
static const struct file_operations xs_loop_gntdev_fops = {
	.owner = THIS_MODULE,
};

static struct miscdevice xs_loop_gntdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xen/gntdev",
	.fops = &xs_loop_gntdev_fops,
};

/**
 * xs_loop_privcmd_init() - make the two nodes
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of misc_register().
 */
int xs_loop_privcmd_init(void)
{
	int err = misc_register(&xs_loop_privcmd);

	if (err)
		return err;
	err = misc_register(&xs_loop_gntdev);
	if (err)
		misc_deregister(&xs_loop_privcmd);
	return err;
}

/**
 * xs_loop_privcmd_exit() - reverse xs_loop_privcmd_init()
 *
 * Context: Process, may sleep.
 */
void xs_loop_privcmd_exit(void)
{
	misc_deregister(&xs_loop_gntdev);
	misc_deregister(&xs_loop_privcmd);
}
