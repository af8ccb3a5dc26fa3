/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver that reads the state of its peer by the path alone, see
 * <compat/xenbus.h>: the device is found by the pointer to the path, which is in it.
 * For bus_remove.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef COMPAT_VANISHED_H
#define COMPAT_VANISHED_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <xen/xenbus.h>

/* A device that is being removed because its directory is not its own. */
struct compat_vanished {
	struct list_head node;
	const struct xenbus_device *xendev;
};

static LIST_HEAD(compat_vanished_list);
/* Protects compat_vanished_list; a leaf. */
static DEFINE_SPINLOCK(compat_vanished_lock);

static void compat_vanished_add(struct compat_vanished *vanished)
{
	spin_lock(&compat_vanished_lock);
	list_add(&vanished->node, &compat_vanished_list);
	spin_unlock(&compat_vanished_lock);
}

static void compat_vanished_del(struct compat_vanished *vanished)
{
	spin_lock(&compat_vanished_lock);
	list_del(&vanished->node);
	spin_unlock(&compat_vanished_lock);
}

static bool compat_is_peer_of_vanished(const char *path)
{
	struct compat_vanished *vanished;
	bool found = false;

	spin_lock(&compat_vanished_lock);
	list_for_each_entry(vanished, &compat_vanished_list, node)
		found |= READ_ONCE(vanished->xendev->otherend) == path;
	spin_unlock(&compat_vanished_lock);
	return found && path;
}

#endif /* COMPAT_VANISHED_H */
