// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/xen/evtchn, and event channels made of memory.
 *
 * A channel is two ports that are each other's peer. One port is the kernel's
 * and always there; a daemon binds the other end of it to an open file of the
 * node. Any other channel is between files. A port that was raised is masked
 * until its number has been written back to the file, and remembers if it is
 * raised again in the meantime, so a file never has more unread numbers than
 * ports. Does not know what a notification means. Process context, except for
 * xs_loop_evtchn_notify().
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <xen/interface/xen.h>
#include <xen/evtchn.h>

#include "loop.h"

#define XS_LOOP_PORTS		64

/* What is copied from or to a client in one go. */
#define XS_LOOP_BATCH		16

struct xs_loop_file {
	/** @events: raised ports with a number not yet read */
	struct list_head events;
	/** @wq: readers and pollers */
	wait_queue_head_t wq;
};

struct xs_loop_port {
	/** @number: const after init */
	u32 number;
	/** @file: gets the events; const after init; NULL for the kernel's */
	struct xs_loop_file *file;
	/** @peer: other end of the channel, NULL while there is none */
	struct xs_loop_port *peer;
	/** @node: on &xs_loop_file.events, or empty */
	struct list_head node;
	/** @masked: raised, and not unmasked since */
	bool masked;
	/** @again: raised while it was masked */
	bool again;
};

/*
 * Protects all ports and the lists of the files. A leaf but for wait queues;
 * taken with interrupts off, because any context may notify.
 */
static DEFINE_SPINLOCK(xs_loop_lock);

/*
 * Serializes bind and unbind, so that the kernel's end is told of both in
 * order. Above the waterline.
 */
static DEFINE_MUTEX(xs_loop_bind_mutex);

static struct xs_loop_port xs_loop_kernel_port = {
	.number = XS_LOOP_KERNEL_PORT,
};

/* By number. Number 0 is no port. */
static struct xs_loop_port *xs_loop_ports[XS_LOOP_PORTS];

/* Const after init. */
static const struct xs_loop_channel_ops *xs_loop_ops;

/* === Notifications === */

static void xs_loop_raise_locked(struct xs_loop_port *port)
	__must_hold(&xs_loop_lock)
{
	lockdep_assert_held(&xs_loop_lock);
	if (port->masked) {
		port->again = true;
		return;
	}
	port->masked = true;
	list_add_tail(&port->node, &port->file->events);
	wake_up_interruptible(&port->file->wq);
}

/* An event that has not been read yet stays. */
static void xs_loop_unmask_locked(struct xs_loop_port *port)
	__must_hold(&xs_loop_lock)
{
	lockdep_assert_held(&xs_loop_lock);
	if (!port->masked || !list_empty(&port->node))
		return;
	port->masked = false;
	if (port->again) {
		port->again = false;
		xs_loop_raise_locked(port);
	}
}

static struct xs_loop_port *xs_loop_find_locked(struct xs_loop_file *owner,
						u32 number)
	__must_hold(&xs_loop_lock)
{
	struct xs_loop_port *port;

	lockdep_assert_held(&xs_loop_lock);
	port = number < XS_LOOP_PORTS ? xs_loop_ports[number] : NULL;
	return port && port->file == owner ? port : NULL;
}

/**
 * xs_loop_evtchn_notify() - notify the daemon, if there is one
 *
 * One that comes later finds its port raised.
 *
 * Context: Any.
 */
void xs_loop_evtchn_notify(void)
{
	unsigned long flags;

	spin_lock_irqsave(&xs_loop_lock, flags);
	if (xs_loop_kernel_port.peer)
		xs_loop_raise_locked(xs_loop_kernel_port.peer);
	spin_unlock_irqrestore(&xs_loop_lock, flags);
}

static int xs_loop_notify(struct xs_loop_file *owner, u32 number)
{
	struct xs_loop_port *port, *peer;
	bool to_kernel;

	spin_lock_irq(&xs_loop_lock);
	port = xs_loop_find_locked(owner, number);
	peer = port ? port->peer : NULL;
	to_kernel = peer == &xs_loop_kernel_port;
	if (peer && !to_kernel)
		xs_loop_raise_locked(peer);
	spin_unlock_irq(&xs_loop_lock);

	if (to_kernel)
		xs_loop_ops->event();
	return port ? 0 : -ENOTCONN;
}

/* === Binding === */

static int xs_loop_add_locked(struct xs_loop_port *port)
	__must_hold(&xs_loop_lock)
{
	u32 number;

	lockdep_assert_held(&xs_loop_lock);
	for (number = XS_LOOP_KERNEL_PORT; number < XS_LOOP_PORTS; number++) {
		if (!xs_loop_ports[number]) {
			port->number = number;
			xs_loop_ports[number] = port;
			return number;
		}
	}
	return -ENOSPC;
}

static int xs_loop_connect_locked(struct xs_loop_port *port, u32 remote)
	__must_hold(&xs_loop_lock)
{
	struct xs_loop_port *peer;
	int number;

	lockdep_assert_held(&xs_loop_lock);
	peer = remote < XS_LOOP_PORTS ? xs_loop_ports[remote] : NULL;
	if (!peer || peer->peer)
		return -EINVAL;
	number = xs_loop_add_locked(port);
	if (number < 0)
		return number;
	port->peer = peer;
	peer->peer = port;
	/* A notification from before is not lost. */
	xs_loop_raise_locked(port);
	return number;
}

/* A port without a peer if @remote is 0. The port's number or an errno. */
static int xs_loop_bind(struct xs_loop_file *owner, u32 remote)
{
	struct xs_loop_port *port;
	int number;

	port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	if (!port)
		return -ENOMEM;
	port->file = owner;
	INIT_LIST_HEAD(&port->node);

	mutex_lock(&xs_loop_bind_mutex);
	spin_lock_irq(&xs_loop_lock);
	number = remote ? xs_loop_connect_locked(port, remote) :
			  xs_loop_add_locked(port);
	spin_unlock_irq(&xs_loop_lock);
	if (number < 0)
		kfree(port);
	else if (remote == XS_LOOP_KERNEL_PORT)
		xs_loop_ops->bound();
	mutex_unlock(&xs_loop_bind_mutex);
	return number;
}

/* Returns whether the other end was the kernel's. */
static bool xs_loop_remove_locked(struct xs_loop_port *port)
	__must_hold(&xs_loop_lock)
{
	struct xs_loop_port *peer = port->peer;

	lockdep_assert_held(&xs_loop_lock);
	xs_loop_ports[port->number] = NULL;
	list_del_init(&port->node);
	if (peer)
		peer->peer = NULL;
	return peer == &xs_loop_kernel_port;
}

static int xs_loop_unbind(struct xs_loop_file *owner, u32 number)
{
	struct xs_loop_port *port;
	bool from_kernel = false;

	mutex_lock(&xs_loop_bind_mutex);
	spin_lock_irq(&xs_loop_lock);
	port = xs_loop_find_locked(owner, number);
	if (port)
		from_kernel = xs_loop_remove_locked(port);
	spin_unlock_irq(&xs_loop_lock);
	if (from_kernel)
		xs_loop_ops->unbound();
	mutex_unlock(&xs_loop_bind_mutex);
	if (!port)
		return -EINVAL;
	kfree(port);
	return 0;
}

/* === The node === */

static int xs_loop_evtchn_open(struct inode *inode, struct file *file)
{
	struct xs_loop_file *owner;

	owner = kzalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);
	if (!owner)
		return -ENOMEM;
	INIT_LIST_HEAD(&owner->events);
	init_waitqueue_head(&owner->wq);
	file->private_data = owner;
	return stream_open(inode, file);
}

static int xs_loop_evtchn_release(struct inode *inode, struct file *file)
{
	u32 number;

	/* Ports of others are not found. */
	for (number = 0; number < XS_LOOP_PORTS; number++)
		xs_loop_unbind(file->private_data, number);
	kfree(file->private_data);
	return 0;
}

static size_t xs_loop_take_events(struct xs_loop_file *owner, u32 *numbers,
				  size_t max)
{
	struct xs_loop_port *port, *next;
	size_t n = 0;

	spin_lock_irq(&xs_loop_lock);
	list_for_each_entry_safe(port, next, &owner->events, node) {
		if (n == max)
			break;
		list_del_init(&port->node);
		numbers[n++] = port->number;
	}
	spin_unlock_irq(&xs_loop_lock);
	return n;
}

static ssize_t xs_loop_evtchn_read(struct file *file, char __user *buf,
				   size_t count, loff_t *pos)
{
	struct xs_loop_file *owner = file->private_data;
	size_t max = min_t(size_t, count / sizeof(u32), XS_LOOP_BATCH);
	u32 numbers[XS_LOOP_BATCH];
	size_t n;
	int err;

	if (!max)
		return count ? -EINVAL : 0;
	while (!(n = xs_loop_take_events(owner, numbers, max))) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(owner->wq,
					       !list_empty_careful(&owner->events));
		if (err)
			return err;
	}
	n *= sizeof(u32);
	return copy_to_user(buf, numbers, n) ? -EFAULT : n;
}

static ssize_t xs_loop_evtchn_write(struct file *file, const char __user *buf,
				    size_t count, loff_t *pos)
{
	size_t n = min_t(size_t, count / sizeof(u32), XS_LOOP_BATCH);
	u32 numbers[XS_LOOP_BATCH];
	struct xs_loop_port *port;
	size_t i;

	if (!n)
		return count ? -EINVAL : 0;
	if (copy_from_user(numbers, buf, n * sizeof(u32)))
		return -EFAULT;
	spin_lock_irq(&xs_loop_lock);
	for (i = 0; i < n; i++) {
		port = xs_loop_find_locked(file->private_data, numbers[i]);
		if (port)
			xs_loop_unmask_locked(port);
	}
	spin_unlock_irq(&xs_loop_lock);
	return n * sizeof(u32);
}

static __poll_t xs_loop_evtchn_poll(struct file *file, poll_table *wait)
{
	struct xs_loop_file *owner = file->private_data;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &owner->wq, wait);
	if (!list_empty_careful(&owner->events))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

/* Every argument is one or two numbers. */
static long xs_loop_evtchn_ioctl(struct file *file, unsigned int cmd,
				 unsigned long arg)
{
	struct xs_loop_file *owner = file->private_data;
	struct ioctl_evtchn_bind_interdomain pair = { 0 };
	u32 numbers[XS_LOOP_BATCH];

	BUILD_BUG_ON(sizeof(pair) < sizeof(struct ioctl_evtchn_notify));
	if (_IOC_TYPE(cmd) != 'E' || _IOC_SIZE(cmd) > sizeof(pair))
		return -ENOTTY;
	if (copy_from_user(&pair, (void __user *)arg, _IOC_SIZE(cmd)))
		return -EFAULT;

	switch (cmd) {
	case IOCTL_EVTCHN_BIND_VIRQ:
	case IOCTL_EVTCHN_BIND_UNBOUND_PORT:
		/* No virtual interrupt is ever raised. */
		return xs_loop_bind(owner, 0);
	case IOCTL_EVTCHN_BIND_INTERDOMAIN:
		/* There is no domain but this one. */
		if (pair.remote_domain || !pair.remote_port)
			return -EINVAL;
		return xs_loop_bind(owner, pair.remote_port);
	case IOCTL_EVTCHN_UNBIND:
		return xs_loop_unbind(owner, pair.remote_domain);
	case IOCTL_EVTCHN_NOTIFY:
		return xs_loop_notify(owner, pair.remote_domain);
	case IOCTL_EVTCHN_RESET:
		while (xs_loop_take_events(owner, numbers, XS_LOOP_BATCH))
			;
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct file_operations xs_loop_evtchn_fops = {
	.owner = THIS_MODULE,
	.open = xs_loop_evtchn_open,
	.release = xs_loop_evtchn_release,
	.read = xs_loop_evtchn_read,
	.write = xs_loop_evtchn_write,
	.poll = xs_loop_evtchn_poll,
	.unlocked_ioctl = xs_loop_evtchn_ioctl,
};

static struct miscdevice xs_loop_evtchn = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xen/evtchn",
	.fops = &xs_loop_evtchn_fops,
};

/**
 * xs_loop_evtchn_init() - make the node and the kernel's port
 * @ops: what happens at the kernel's end
 *
 * Context: Process, may sleep; @ops may be called before this returns.
 * Return: 0 or the error of misc_register().
 */
int xs_loop_evtchn_init(const struct xs_loop_channel_ops *ops)
{
	xs_loop_ops = ops;
	xs_loop_ports[XS_LOOP_KERNEL_PORT] = &xs_loop_kernel_port;
	return misc_register(&xs_loop_evtchn);
}

/**
 * xs_loop_evtchn_exit() - reverse xs_loop_evtchn_init()
 *
 * Context: Process, may sleep.
 */
void xs_loop_evtchn_exit(void)
{
	misc_deregister(&xs_loop_evtchn);
}
