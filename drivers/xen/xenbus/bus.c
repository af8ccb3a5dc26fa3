// SPDX-License-Identifier: GPL-2.0-only
/*
 * How directories of the store become devices.
 *
 * A bus has a root directory, and each directory a number of levels below it
 * is a device. The store is walked once; from then on a watch on the root fires
 * for every change below it, drivers' own writes included. An event only names a
 * path: each decision is made on the state of the store at that time.
 *
 * Devices of one peer domain have an ordered queue in common, for everything
 * that happens to them: callbacks of their drivers, which may remove them, the
 * bus's own check whether a directory is still there, and probes of directories
 * that appear. So no two of them remove a device at the same time, all is done in
 * the order of the events, and what is stuck delays the devices of one peer. An
 * event in the default queue of callbacks only requests a probe or a check there.
 * The devices that are there from the beginning are added by the task that walks.
 *
 * No queue may wait for a device whose probe is running elsewhere: the probe may
 * need a callback.
 *
 * This file adds devices; bus_walk.c finds them and bus_remove.c removes them.
 * bus_device.c is what drivers see.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/semaphore.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xenbus.h>

#include "bus.h"
#include "xenbus_store.h"

static bool xenbus_parallel = true;
module_param_named(parallel, xenbus_parallel, bool, 0444);
MODULE_PARM_DESC(parallel,
		 "Run callbacks of devices with different peers at the same time");

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

/* === Adding devices === */

/* A device that is removed makes room for another. */
static void bus_recheck(struct xs_queue_item *item);

static int bus_queue_probe(struct xen_bus_type *bus, const char *nodename,
			   struct xs_queue *queue);

static void bus_device_release(struct device *dev)
{
	struct xenbus_device *xendev = to_xenbus_device(dev);

	xs_queue_put(xendev->queue);
	kfree(xendev->otherend);
	kfree(to_bus_device(xendev));
}

/**
 * bus_queues() - the queues in which things happen to devices
 *
 * Context: Any.
 * Return: The queues of the store's watches.
 */
struct xs_queues *bus_queues(void)
{
	return &xenbus_watches()->queues;
}

static bool bus_type_is_serial(const struct xen_bus_type *bus, const char *type)
{
	const char *const *serial;

	for (serial = bus->serial_types; *serial; serial++) {
		if (!strcmp(type, *serial))
			return true;
	}
	return false;
}

/* The queue of devices of a type whose peer is in a domain. */
static struct xs_queue *bus_find_queue(const struct xen_bus_type *bus,
				       const char *type, u32 peer)
{
	struct xs_queues *queues = bus_queues();

	if (!xenbus_parallel)
		return xs_queue_get(&queues->default_queue);
	if (bus_type_is_serial(bus, type))
		peer = BUS_SERIAL_QUEUE;
	return xs_queue_of(queues, peer);
}

static u32 bus_read_peer(const struct xen_bus_type *bus, const char *nodename)
{
	if (!bus->peer_node)
		return bus_path_peer(nodename);
	return xenbus_read_unsigned(nodename, bus->peer_node, 0);
}

/* From here on the device is only ever put, never freed. */
static void bus_device_init(struct bus_device *bdev, struct xen_bus_type *bus)
{
	struct xenbus_device *xendev = &bdev->xendev;

	xendev->state = XenbusStateInitialising;
	init_completion(&xendev->down);
	sema_init(&xendev->reclaim_sem, 1);
	bus_remove_init(bdev);
	xs_queue_item_init(&bdev->recheck, bus_recheck);
	xendev->dev.bus = &bus->bus;
	xendev->dev.release = bus_device_release;
	device_initialize(&xendev->dev);
}

static struct bus_device *bus_device_alloc(struct xen_bus_type *bus,
					   const char *type,
					   const char *nodename,
					   struct xs_queue *queue)
{
	size_t path_size = strlen(nodename) + 1;
	size_t type_size = strlen(type) + 1;
	struct bus_device *bdev;

	bdev = kzalloc(struct_size(bdev, strings, path_size + type_size),
		       GFP_KERNEL);
	if (!bdev)
		return NULL;
	bdev->xendev.queue = xs_queue_get(queue);
	bdev->xendev.nodename = memcpy(bdev->strings, nodename, path_size);
	bdev->xendev.devicetype = memcpy(bdev->strings + path_size, type,
					 type_size);
	bus_device_init(bdev, bus);
	return bdev;
}

static int bus_device_name(struct xen_bus_type *bus,
			   struct xenbus_device *xendev)
{
	char name[XEN_BUS_ID_SIZE];
	int err;

	err = bus->get_bus_id(name, xendev->nodename);
	if (err)
		return err;
	return dev_set_name(&xendev->dev, "%s", name);
}

/* Different paths may give one name; the driver core warns of that. */
static int bus_device_list(struct xen_bus_type *bus, struct bus_device *bdev)
{
	int err = bus_table_add(&bus->table, bdev);

	if (err == -EEXIST)
		pr_warn_ratelimited("%s: there is another device %s\n",
				    bdev->xendev.nodename, bdev->name.string);
	return err;
}

static int bus_add_device(struct xen_bus_type *bus, const char *type,
			  const char *nodename, struct xs_queue *queue)
{
	struct bus_device *bdev = bus_device_alloc(bus, type, nodename, queue);
	int err;

	if (!bdev)
		return -ENOMEM;
	err = bus_device_name(bus, &bdev->xendev);
	if (err)
		goto out_put;
	err = bus_device_list(bus, bdev);
	if (err)
		goto out_put;
	err = device_add(&bdev->xendev.dev);
	if (!err)
		return 0;
	/* A check that was requested meanwhile finds nothing to remove. */
	WRITE_ONCE(bdev->removed, true);
	bus_table_remove(&bus->table, bdev);
out_put:
	put_device(&bdev->xendev.dev);
	/* Another task has added it meanwhile. */
	return err == -EALREADY ? 0 : err;
}

/*
 * The state is written last, so the peer is known once it is there, and may be
 * another one than at an event before. @here is the caller's queue, or NULL.
 */
static int bus_probe_node(struct xen_bus_type *bus, const char *type,
			  const char *nodename, struct xs_queue *here)
{
	struct bus_device *bdev = bus_table_find(&bus->table, nodename);
	struct xs_queue *queue;
	int err;

	if (bdev) {
		put_device(&bdev->xendev.dev);
		return 0;
	}
	if (xenbus_read_state(nodename) != XenbusStateInitialising)
		return 0;
	queue = bus_find_queue(bus, type, bus_read_peer(bus, nodename));
	if (!here || here == queue)
		err = bus_add_device(bus, type, nodename, queue);
	else
		err = bus_queue_probe(bus, nodename, queue);
	xs_queue_put(queue);
	return err;
}

/**
 * xenbus_probe_node() - make a device of a directory
 * @bus: the bus
 * @type: its type
 * @nodename: its path
 *
 * Does nothing if there is that device already, or if the state in the store
 * is not that of a new device: such a device is being closed.
 *
 * Context: Process; sleeps; runs the probe of a driver.
 * Return: 0, or a negative errno if there should be a device and there is none.
 */
int xenbus_probe_node(struct xen_bus_type *bus, const char *type,
		      const char *nodename)
{
	return bus_probe_node(bus, type, nodename, NULL);
}
EXPORT_SYMBOL_GPL(xenbus_probe_node);

static bool bus_is_wanted(struct xen_bus_type *bus, const char *nodename)
{
	struct bus_device *bdev = bus_table_find(&bus->table, nodename);

	if (bdev)
		put_device(&bdev->xendev.dev);
	return !bdev && !(bus->skip && bus->skip(nodename));
}

static int bus_add_path(struct xen_bus_type *bus, const char *nodename,
			u32 peer)
{
	char *type = bus_path_type(bus, nodename);
	struct xs_queue *queue;
	int err;

	if (!type)
		return -ENOMEM;
	queue = bus_find_queue(bus, type, peer);
	err = bus_add_device(bus, type, nodename, queue);
	xs_queue_put(queue);
	kfree(type);
	return err;
}

static int bus_add_new(struct xen_bus_type *bus,
		       int (*add)(struct xen_bus_type *bus,
				  const char *nodename, u32 peer))
{
	struct bus_paths paths = {};
	int err, first_err;
	unsigned int i;

	first_err = bus_walk(bus, &paths);
	bus_paths_keep(&paths, bus_is_wanted, bus);
	err = bus_paths_keep_new(bus, &paths);
	first_err = first_err ?: err;
	for (i = 0; i < paths.num; i++) {
		err = add(bus, paths.paths[i], paths.peers[i]);
		first_err = first_err ?: err;
	}
	bus_paths_free(&paths);
	return first_err;
}

/**
 * xenbus_probe_devices() - add all devices that the store has for a bus
 * @bus: the bus
 *
 * A directory that fails does not prevent the others. To find all new devices,
 * this waits for the server once per level, and once for all states.
 *
 * Context: Process; sleeps; runs probes of drivers.
 * Return: 0, or the first error.
 */
int xenbus_probe_devices(struct xen_bus_type *bus)
{
	return bus_add_new(bus, bus_add_path);
}
EXPORT_SYMBOL_GPL(xenbus_probe_devices);

/* === Probing in the queue of the peer === */

/* A directory that may be a new device's, from an event to its probe. */
struct bus_probe {
	struct xs_queue_item item;
	struct list_head node;		/* on bus_probes until it is taken */
	struct xen_bus_type *bus;
	struct xs_queue *queue;		/* a reference */
	char nodename[];
};

/* Waiting probes; under the lock of the queues. */
static LIST_HEAD(bus_probes);

static void bus_probe_free(struct bus_probe *probe)
{
	xs_queue_put(probe->queue);
	kfree(probe);
}

static void bus_probe_take(struct xs_queue_item *item)
{
	list_del(&container_of(item, struct bus_probe, item)->node);
}

/*
 * A removal of the directory in the middle of the probe was taken for that of no
 * device, so the device is checked in the end.
 */
static void bus_probe_run(struct xs_queue_item *item)
{
	struct bus_probe *probe = container_of(item, struct bus_probe, item);
	char *type = bus_path_type(probe->bus, probe->nodename);
	struct bus_device *bdev;

	if (type)
		bus_probe_node(probe->bus, type, probe->nodename, probe->queue);
	bdev = bus_table_find(&probe->bus->table, probe->nodename);
	if (bdev) {
		bus_request_check(bdev);
		put_device(&bdev->xendev.dev);
	}
	kfree(type);
	bus_probe_free(probe);
}

static struct bus_probe *bus_probe_alloc(struct xen_bus_type *bus,
					 const char *nodename,
					 struct xs_queue *queue)
{
	size_t size = strlen(nodename) + 1;
	struct bus_probe *probe;

	probe = kzalloc(struct_size(probe, nodename, size), GFP_KERNEL);
	if (!probe)
		return NULL;
	xs_queue_item_init(&probe->item, bus_probe_run);
	probe->item.take = bus_probe_take;
	probe->bus = bus;
	probe->queue = xs_queue_get(queue);
	memcpy(probe->nodename, nodename, size);
	return probe;
}

static bool bus_probe_is_waiting_locked(const struct bus_probe *new)
{
	struct bus_probe *probe;

	list_for_each_entry(probe, &bus_probes, node) {
		if (probe->bus == new->bus && probe->queue == new->queue &&
		    !strcmp(probe->nodename, new->nodename))
			return true;
	}
	return false;
}

/* A probe that waits and has not begun serves this event, too. */
static int bus_queue_probe(struct xen_bus_type *bus, const char *nodename,
			   struct xs_queue *queue)
{
	struct bus_probe *probe = bus_probe_alloc(bus, nodename, queue);
	bool waiting;

	if (!probe)
		return -ENOMEM;
	spin_lock(&queue->queues->lock);
	waiting = bus_probe_is_waiting_locked(probe);
	if (!waiting) {
		list_add_tail(&probe->node, &bus_probes);
		xs_queue_add_locked(queue, &probe->item);
	}
	spin_unlock(&queue->queues->lock);
	if (waiting)
		bus_probe_free(probe);
	else
		xs_queue_kick(queue);
	return 0;
}

/*
 * Probe a directory after all that was to be done before for its peer: a device
 * is gone before its replacement is probed, and callbacks for it come later.
 */
static int bus_probe_in_queue(struct xen_bus_type *bus, const char *nodename,
			      u32 peer)
{
	char *type = bus_path_type(bus, nodename);
	struct xs_queue *queue;
	int err;

	if (!type)
		return -ENOMEM;
	queue = bus_find_queue(bus, type, peer);
	if (queue == &queue->queues->default_queue)
		err = bus_probe_node(bus, type, nodename, queue);
	else
		err = bus_queue_probe(bus, nodename, queue);
	xs_queue_put(queue);
	kfree(type);
	return err;
}

/* === Changes: the default queue === */

static int bus_check_below(struct device *dev, void *dir)
{
	struct xenbus_device *xendev = to_xenbus_device(dev);

	if (bus_path_is_below(xendev->nodename, dir))
		bus_request_check(to_bus_device(xendev));
	return 0;
}

/*
 * Something happened to a directory above those of devices. Those that appear
 * in it have events of their own, unless it is the root: then events may have
 * been merged into this one, and everything is checked.
 */
static void bus_dir_changed(struct xen_bus_type *bus, const char *dir)
{
	bool is_root = !strcmp(dir, bus->root);

	if (is_root || bus_node_is_gone(dir))
		bus_for_each_dev(&bus->bus, NULL, (void *)dir, bus_check_below);
	if (is_root)
		bus_add_new(bus, bus_probe_in_queue);
}

/*
 * Only two nodes of a device show that it was removed or made again: the
 * directory itself and the state in it. All others are between the drivers.
 */
static bool bus_event_matters(const char *event, size_t device_len)
{
	const char *rest = event + device_len;

	return !*rest || !strcmp(rest, "/state");
}

/* What is no new device needs no queue, which may have to be made. */
static void bus_device_changed(struct xen_bus_type *bus, const char *event,
			       const char *nodename)
{
	struct bus_device *bdev = bus_table_find(&bus->table, nodename);

	if (!bdev) {
		if (xenbus_read_state(nodename) == XenbusStateInitialising)
			bus_probe_in_queue(bus, nodename,
					   bus_read_peer(bus, nodename));
		return;
	}
	if (bus_event_matters(event, strlen(nodename)))
		bus_request_check(bdev);
	put_device(&bdev->xendev.dev);
}

/* The device was removed. Its directory may already be a new device's. */
static void bus_recheck(struct xs_queue_item *item)
{
	struct bus_device *bdev = container_of(item, struct bus_device, recheck);
	struct xenbus_device *xendev = &bdev->xendev;

	bus_device_changed(to_xen_bus_type(xendev->dev.bus), xendev->nodename,
			   xendev->nodename);
	put_device(&xendev->dev);
}

/**
 * xenbus_dev_changed() - follow a change in the store
 * @node: the path of the event, as the watch on the root of the bus got it
 * @bus: the bus
 *
 * Adds a device that has appeared, removes one that is gone, and replaces one
 * whose directory was removed and made again in the meantime. An event for the
 * root itself checks all devices, those of the bus and those of the store. What
 * concerns a device of the bus happens later, in its queue.
 *
 * Context: Callback of a watch in the default queue; sleeps; runs probes of
 * drivers.
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

/* === Buses === */

/**
 * xenbus_register_bus() - make a bus known to the driver core
 * @bus: the bus
 *
 * Context: Process.
 * Return: 0 or a negative errno.
 */
int xenbus_register_bus(struct xen_bus_type *bus)
{
	int err;

	err = bus_table_init(&bus->table);
	if (err)
		return err;
	err = bus_register(&bus->bus);
	if (err)
		goto err_table;
	bus->removals.notifier_call = bus_removal;
	err = bus_register_notifier(&bus->bus, &bus->removals);
	if (err)
		goto err_bus;
	return 0;

err_bus:
	bus_unregister(&bus->bus);
err_table:
	bus_table_destroy(&bus->table);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_register_bus);

/**
 * xenbus_unregister_bus() - undo xenbus_register_bus()
 * @bus: a bus without devices, in whose queues nothing is left to do
 *
 * A running kernel keeps its buses; this is for test suites.
 *
 * Context: Process.
 */
void xenbus_unregister_bus(struct xen_bus_type *bus)
{
	bus_unregister_notifier(&bus->bus, &bus->removals);
	bus_unregister(&bus->bus);
	bus_table_destroy(&bus->table);
}
EXPORT_SYMBOL_GPL(xenbus_unregister_bus);
