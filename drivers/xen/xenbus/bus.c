// SPDX-License-Identifier: GPL-2.0-only
/*
 * How directories of the store become devices and cease to be.
 *
 * A bus has a root directory, and each directory a number of levels below it
 * is a device. The store is walked once; from then on a watch on the root tells
 * of every change below it, drivers' own writes included. What an event says is
 * only where to look: each decision is made on what the store holds by then.
 *
 * Devices are added where the walk runs and on the dispatcher of watches.
 * They are removed on the dispatcher only, where the drivers' callbacks run
 * and may remove their own device. The dispatcher must not wait for a device
 * whose probe is running elsewhere: the probe may need a callback.
 *
 * This file knows nothing about drivers, which see bus_device.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "bus.h"

/* How long the first event of a watch may take before we do without it. */
#define BUS_RECHECK_TIMEOUT	(60 * HZ)

/* What the store says about the directory of a device that we have. */
enum bus_verdict {
	BUS_STAYS,	/* it is that device's */
	BUS_GONE,	/* it is not there */
	BUS_REPLACED,	/* it was removed and made again for a new device */
};

/* A device on its way out whose directory is not its own any more. */
struct bus_vanished {
	struct list_head node;
	struct xenbus_device *xendev;
};

static LIST_HEAD(bus_vanished_list);
/* Protects bus_vanished_list; a leaf. */
static DEFINE_SPINLOCK(bus_vanished_lock);

/* A device that the dispatcher must look at again. */
struct bus_recheck {
	struct work_struct work;
	struct xenbus_watch watch;	/* on the device's directory */
	struct completion done;		/* the dispatcher has looked */
	struct xen_bus_type *bus;
	struct xenbus_device *xendev;	/* holds a reference */
};

/* === Paths === */

static bool bus_path_is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

/* Length of the part of @path that is a device's directory; 0 if above that. */
static size_t bus_device_path_len(const struct xen_bus_type *bus,
				  const char *path)
{
	const char *pos = path + strlen(bus->root);
	unsigned int level;

	for (level = 0; level < bus->levels; level++) {
		if (pos[0] != '/' || pos[1] == '/' || !pos[1])
			return 0;
		pos += 1 + strcspn(pos + 1, "/");
	}
	return pos - path;
}

/* The directory right below the root names the type. */
static char *bus_path_type(const struct xen_bus_type *bus, const char *path)
{
	const char *type = path + strlen(bus->root) + 1;

	return kstrndup(type, strcspn(type, "/"), GFP_KERNEL);
}

/* Errors other than these two do not say that the node is not there. */
static bool bus_node_is_gone(const char *path)
{
	unsigned int num;
	char **names = xenbus_directory(XBT_NIL, path, "", &num);
	int err = PTR_ERR_OR_ZERO(names);

	if (!err)
		kfree(names);
	return err == -ENOENT || err == -EACCES;
}

/* === Finding devices === */

static int bus_match_nodename(struct device *dev, const void *nodename)
{
	return !strcmp(to_xenbus_device(dev)->nodename, nodename);
}

/* The caller has to put the device. */
static struct xenbus_device *bus_find_node(struct xen_bus_type *bus,
					   const char *nodename)
{
	struct device *dev;

	dev = bus_find_device(&bus->bus, NULL, nodename, bus_match_nodename);
	return dev ? to_xenbus_device(dev) : NULL;
}

static bool bus_has_name(struct xen_bus_type *bus, const char *name)
{
	struct device *dev = bus_find_device_by_name(&bus->bus, NULL, name);

	put_device(dev);
	return dev;
}

/* === Adding devices === */

static void bus_device_release(struct device *dev)
{
	struct xenbus_device *xendev = to_xenbus_device(dev);

	kfree(xendev->otherend);
	kfree(xendev);
}

/* From here on the device is only ever put, never freed. */
static struct xenbus_device *bus_device_alloc(struct xen_bus_type *bus,
					      const char *type,
					      const char *nodename)
{
	size_t path_size = strlen(nodename) + 1;
	size_t type_size = strlen(type) + 1;
	struct xenbus_device *xendev;
	char *strings;

	xendev = kzalloc(sizeof(*xendev) + path_size + type_size, GFP_KERNEL);
	if (!xendev)
		return NULL;
	strings = (char *)(xendev + 1);
	xendev->nodename = memcpy(strings, nodename, path_size);
	xendev->devicetype = memcpy(strings + path_size, type, type_size);
	xendev->state = XenbusStateInitialising;
	init_completion(&xendev->down);
	sema_init(&xendev->reclaim_sem, 1);
	xendev->dev.bus = &bus->bus;
	xendev->dev.release = bus_device_release;
	device_initialize(&xendev->dev);
	return xendev;
}

static int bus_device_name(struct xen_bus_type *bus,
			   struct xenbus_device *xendev)
{
	char name[XEN_BUS_ID_SIZE];
	int err;

	err = bus->get_bus_id(name, xendev->nodename);
	if (err)
		return err;
	/* Different paths may give one name; the driver core warns of that. */
	if (bus_has_name(bus, name)) {
		pr_warn_ratelimited("%s: there is another device %s\n",
				    xendev->nodename, name);
		return -EEXIST;
	}
	return dev_set_name(&xendev->dev, "%s", name);
}

static int bus_add_device(struct xen_bus_type *bus, const char *type,
			  const char *nodename)
{
	struct xenbus_device *xendev = bus_device_alloc(bus, type, nodename);
	int err;

	if (!xendev)
		return -ENOMEM;
	err = bus_device_name(bus, xendev);
	if (!err)
		err = device_add(&xendev->dev);
	if (err)
		put_device(&xendev->dev);
	return err;
}

/**
 * xenbus_probe_node() - make a device of a directory
 * @bus: the bus
 * @type: its type
 * @nodename: its path
 *
 * Does nothing if there is that device already, or if the state in the store
 * is not the one that a new device has: such a device is on its way out.
 *
 * Context: Process; sleeps; runs the probe of a driver.
 * Return: 0, or a negative errno if there should be a device and is not.
 */
int xenbus_probe_node(struct xen_bus_type *bus, const char *type,
		      const char *nodename)
{
	struct xenbus_device *xendev = bus_find_node(bus, nodename);

	if (xendev) {
		put_device(&xendev->dev);
		return 0;
	}
	if (xenbus_read_driver_state(nodename) != XenbusStateInitialising)
		return 0;
	return bus_add_device(bus, type, nodename);
}
EXPORT_SYMBOL_GPL(xenbus_probe_node);

static int bus_probe_type(struct xen_bus_type *bus, const char *type)
{
	unsigned int i, num;
	char **names;
	int err, first_err = 0;

	names = xenbus_directory(XBT_NIL, bus->root, type, &num);
	if (IS_ERR(names))
		return PTR_ERR(names);
	for (i = 0; i < num; i++) {
		err = bus->probe(bus, type, names[i]);
		first_err = first_err ?: err;
	}
	kfree(names);
	return first_err;
}

/**
 * xenbus_probe_devices() - add all devices that the store has for a bus
 * @bus: the bus
 *
 * A directory that makes no device does not keep the others from it.
 *
 * Context: Process; sleeps; runs probes of drivers.
 * Return: 0, or the first error.
 */
int xenbus_probe_devices(struct xen_bus_type *bus)
{
	unsigned int i, num;
	char **types;
	int err, first_err = 0;

	types = xenbus_directory(XBT_NIL, bus->root, "", &num);
	if (IS_ERR(types))
		return PTR_ERR(types);
	for (i = 0; i < num; i++) {
		err = bus_probe_type(bus, types[i]);
		first_err = first_err ?: err;
	}
	kfree(types);
	return first_err;
}
EXPORT_SYMBOL_GPL(xenbus_probe_devices);

/* === Removing devices: dispatcher === */

/**
 * xenbus_path_vanished() - whether a path is the peer of a device without node
 * @path: compared as a pointer with &xenbus_device.otherend
 *
 * Context: Process.
 * Return: true if the device of that peer has lost its directory and is being
 * removed.
 */
bool xenbus_path_vanished(const char *path)
{
	struct bus_vanished *vanished;
	bool found = false;

	spin_lock(&bus_vanished_lock);
	list_for_each_entry(vanished, &bus_vanished_list, node)
		found |= READ_ONCE(vanished->xendev->otherend) == path;
	spin_unlock(&bus_vanished_lock);
	return found && path;
}

/*
 * A device that is not new while its node says so is another one. Two that are
 * both new differ in who their peer is, or the difference does not matter.
 */
static bool bus_is_replaced(const struct xen_bus_type *bus,
			    const struct xenbus_device *xendev)
{
	unsigned int id;

	if (READ_ONCE(xendev->state) != XenbusStateInitialising)
		return true;
	if (!READ_ONCE(xendev->otherend))
		return false;
	id = xenbus_read_unsigned(xendev->nodename, bus->otherend_id_node,
				  xendev->otherend_id);
	return id != xendev->otherend_id;
}

static enum bus_verdict bus_judge(const struct xen_bus_type *bus,
				  const struct xenbus_device *xendev)
{
	int state;

	if (xenbus_scanf(XBT_NIL, xendev->nodename, "state", "%d",
			 &state) != 1)
		return bus_node_is_gone(xendev->nodename) ? BUS_GONE :
							    BUS_STAYS;
	if (state == XenbusStateInitialising && bus_is_replaced(bus, xendev))
		return BUS_REPLACED;
	return BUS_STAYS;
}

/*
 * The directory is gone, and may be there again for a new device at any time.
 * So the driver must neither write to it nor follow the states of the peer, and
 * nobody can close the device together with it: the peer reads as unknown.
 */
static void bus_unregister_vanished(struct xenbus_device *xendev)
{
	struct bus_vanished vanished = { .xendev = xendev };

	spin_lock(&bus_vanished_lock);
	list_add(&vanished.node, &bus_vanished_list);
	spin_unlock(&bus_vanished_lock);

	device_unregister(&xendev->dev);

	spin_lock(&bus_vanished_lock);
	list_del(&vanished.node);
	spin_unlock(&bus_vanished_lock);
}

/* On the dispatcher, because the watch has fired. */
static void bus_recheck_changed(struct xenbus_watch *watch, const char *path,
				const char *token)
{
	struct bus_recheck *recheck;

	recheck = container_of(watch, struct bus_recheck, watch);
	if (completion_done(&recheck->done))
		return;
	recheck->xendev->recheck = false;
	xenbus_dev_changed(recheck->xendev->nodename, recheck->bus);
	complete(&recheck->done);
}

/*
 * Wait until the lock of the device is free, then get the dispatcher to look:
 * a watch fires once when it is registered.
 */
static void bus_recheck_work(struct work_struct *work)
{
	struct bus_recheck *recheck;
	struct xenbus_device *xendev;
	int err;

	recheck = container_of(work, struct bus_recheck, work);
	xendev = recheck->xendev;
	device_lock(&xendev->dev);
	device_unlock(&xendev->dev);

	err = register_xenbus_watch(&recheck->watch);
	if (!err) {
		if (!wait_for_completion_timeout(&recheck->done,
						 BUS_RECHECK_TIMEOUT))
			err = -ETIMEDOUT;
		unregister_xenbus_watch(&recheck->watch);
	}
	if (err) {
		pr_warn("%s: not checked again: %d\n", xendev->nodename, err);
		xendev->recheck = false;
	}
	put_device(&xendev->dev);
	kfree(recheck);
}

static void bus_recheck_later(struct xen_bus_type *bus,
			      struct xenbus_device *xendev)
{
	struct bus_recheck *recheck;

	if (xendev->recheck)
		return;
	recheck = kzalloc(sizeof(*recheck), GFP_KERNEL);
	if (!recheck)
		return;
	xendev->recheck = true;
	get_device(&xendev->dev);
	recheck->xendev = xendev;
	recheck->bus = bus;
	recheck->watch.node = xendev->nodename;
	recheck->watch.callback = bus_recheck_changed;
	init_completion(&recheck->done);
	INIT_WORK(&recheck->work, bus_recheck_work);
	queue_work(system_unbound_wq, &recheck->work);
}

/*
 * Remove the device if its directory is not its own any more.
 *
 * The lock of a device is held while its driver probes or removes it. Waiting
 * for it here could deadlock, since either may wait for a callback. Under the
 * lock no driver is at work, so what the store says is not a driver's half-done
 * change of state; and a device marked dead gets no driver any more.
 *
 * Returns whether it was removed.
 */
static bool bus_retire(struct xen_bus_type *bus, struct xenbus_device *xendev)
{
	enum bus_verdict verdict = bus_judge(bus, xendev);

	if (verdict == BUS_STAYS)
		return false;
	if (!device_trylock(&xendev->dev)) {
		bus_recheck_later(bus, xendev);
		return false;
	}
	verdict = bus_judge(bus, xendev);
	if (verdict != BUS_STAYS) {
		xendev->vanished = true;
		kill_device(&xendev->dev);
	}
	device_unlock(&xendev->dev);
	if (verdict == BUS_STAYS)
		return false;

	if (verdict == BUS_REPLACED)
		dev_warn(&xendev->dev, "replaced by a new device\n");
	bus_unregister_vanished(xendev);
	return true;
}

/* === Changes: dispatcher === */

struct bus_subtree {
	struct xen_bus_type *bus;
	const char *dir;
};

static int bus_retire_below(struct device *dev, void *data)
{
	const struct bus_subtree *subtree = data;
	struct xenbus_device *xendev = to_xenbus_device(dev);

	if (bus_path_is_below(xendev->nodename, subtree->dir))
		bus_retire(subtree->bus, xendev);
	return 0;
}

/*
 * Something happened to a directory above those of devices. Those that appear
 * in it have events of their own, unless it is the root: then events may have
 * been merged into this one, and everything is looked at.
 */
static void bus_dir_changed(struct xen_bus_type *bus, const char *dir)
{
	struct bus_subtree subtree = { .bus = bus, .dir = dir };
	bool is_root = !strcmp(dir, bus->root);

	if (is_root || bus_node_is_gone(dir))
		bus_for_each_dev(&bus->bus, NULL, &subtree, bus_retire_below);
	if (is_root)
		xenbus_probe_devices(bus);
}

/*
 * Of a device that we have, only two nodes tell that it was removed or made
 * again: the directory itself and the state in it. All others are between the
 * drivers.
 */
static bool bus_event_matters(const char *event, size_t device_len)
{
	const char *rest = event + device_len;

	return !*rest || !strcmp(rest, "/state");
}

static void bus_device_changed(struct xen_bus_type *bus, const char *event,
			       const char *nodename)
{
	struct xenbus_device *xendev = bus_find_node(bus, nodename);
	bool is_free = true;
	char *type;

	if (xendev) {
		is_free = bus_event_matters(event, strlen(nodename)) &&
			  bus_retire(bus, xendev);
		put_device(&xendev->dev);
	}
	if (!is_free)
		return;
	type = bus_path_type(bus, nodename);
	if (type)
		xenbus_probe_node(bus, type, nodename);
	kfree(type);
}

/**
 * xenbus_dev_changed() - follow a change in the store
 * @node: the path of the event, as the watch on the root of the bus got it
 * @bus: the bus
 *
 * Adds a device that has appeared, removes one that is gone, and replaces one
 * whose directory was removed and made again in the meantime. An event for the
 * root itself leads to a look at all devices, those that we have and those
 * that the store has.
 *
 * Context: Callback of a watch; sleeps; runs probe and remove of drivers.
 */
void xenbus_dev_changed(const char *node, struct xen_bus_type *bus)
{
	char *nodename;
	size_t len;

	if (!bus_path_is_below(node, bus->root))
		return;
	len = bus_device_path_len(bus, node);
	if (!len) {
		bus_dir_changed(bus, node);
		return;
	}
	nodename = kstrndup(node, len, GFP_KERNEL);
	if (nodename)
		bus_device_changed(bus, node, nodename);
	kfree(nodename);
}
EXPORT_SYMBOL_GPL(xenbus_dev_changed);
