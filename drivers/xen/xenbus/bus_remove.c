// SPDX-License-Identifier: GPL-2.0-only
/*
 * How devices cease to be.
 *
 * A driver may remove its device, in a callback for it. The bus removes one
 * whose directory is gone or has become another device's, and looks at it in
 * the queue where the callbacks run: so there is one who removes a device, and
 * nobody waits for another device.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/list.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "bus.h"

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

/**
 * bus_node_is_gone() - whether a node is not there any more
 * @path: the node
 *
 * Context: Process; sleeps.
 * Return: true if so; false if it is there or if that could not be found out.
 */
bool bus_node_is_gone(const char *path)
{
	unsigned int num;
	char **names = xenbus_directory(XBT_NIL, path, "", &num);
	int err = PTR_ERR_OR_ZERO(names);

	if (!err)
		kfree(names);
	/* No other error says so. */
	return err == -ENOENT || err == -EACCES;
}

/* === Asking for a look === */

static void bus_add_look(struct bus_device *bdev)
{
	get_device(&bdev->xendev.dev);
	if (!xs_queue_add(bdev->xendev.queue, &bdev->look))
		put_device(&bdev->xendev.dev);
}

/**
 * bus_ask_for_look() - see in the queue of a device whether it is still there
 * @bdev: the device
 *
 * A look that has been asked for and has not begun stands for this one, too.
 *
 * Context: Process.
 */
void bus_ask_for_look(struct bus_device *bdev)
{
	/* Before it is added: see bus_look(). */
	WRITE_ONCE(bdev->asked, 1);
	bus_add_look(bdev);
}

/* Once the lock of the device is free. */
static void bus_retry(struct work_struct *work)
{
	struct bus_device *bdev = container_of(work, struct bus_device, retry);
	struct device *dev = &bdev->xendev.dev;

	device_lock(dev);
	device_unlock(dev);
	bus_ask_for_look(bdev);
	put_device(dev);
}

static void bus_look_later(struct bus_device *bdev)
{
	get_device(&bdev->xendev.dev);
	if (!queue_work(system_unbound_wq, &bdev->retry))
		put_device(&bdev->xendev.dev);
}

/* === Removing === */

/* Whether the device of that peer has lost its directory and is being removed. */
static bool bus_is_peer_of_vanished(const char *path)
{
	struct bus_vanished *vanished;
	bool found = false;

	spin_lock(&bus_vanished_lock);
	list_for_each_entry(vanished, &bus_vanished_list, node)
		found |= READ_ONCE(vanished->xendev->otherend) == path;
	spin_unlock(&bus_vanished_lock);
	return found && path;
}

/**
 * xenbus_read_driver_state() - read a state from the store, for a driver
 * @path: directory of the device
 *
 * Drivers pass &xenbus_device.otherend to read the state of their peer. Once the
 * directory of a device belongs to a new one, so does its peer's: the state there
 * is not what the driver asks for, and the peer reads as unknown. As drivers pass
 * no device, it is found by the pointer.
 *
 * Context: Process; sleeps.
 * Return: As xenbus_read_state().
 */
enum xenbus_state xenbus_read_driver_state(const char *path)
{
	if (bus_is_peer_of_vanished(path))
		return XenbusStateUnknown;
	return xenbus_read_state(path);
}
EXPORT_SYMBOL_GPL(xenbus_read_driver_state);

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
static bool bus_retire(struct xen_bus_type *bus, struct bus_device *bdev)
{
	struct xenbus_device *xendev = &bdev->xendev;
	enum bus_verdict verdict = bus_judge(bus, xendev);

	if (verdict == BUS_STAYS)
		return false;
	if (!device_trylock(&xendev->dev)) {
		bus_look_later(bdev);
		return false;
	}
	verdict = bus_judge(bus, xendev);
	if (verdict != BUS_STAYS) {
		xendev->vanished = true;
		/* Somebody else may be on the way to remove it. */
		if (!kill_device(&xendev->dev))
			verdict = BUS_STAYS;
	}
	device_unlock(&xendev->dev);
	if (verdict == BUS_STAYS)
		return false;

	if (verdict == BUS_REPLACED)
		dev_warn(&xendev->dev, "replaced by a new device\n");
	bus_unregister_vanished(xendev);
	return true;
}

/**
 * bus_removal() - the driver core has let go of a device
 * @nb: of the bus
 * @action: only BUS_NOTIFY_REMOVED_DEVICE counts
 * @dev: the device
 *
 * Often it is a driver that has had enough of its device. Where this is in the
 * queue of the device, as it should be, the look comes when all traces of its
 * name are gone.
 *
 * Context: Process.
 * Return: NOTIFY_DONE.
 */
int bus_removal(struct notifier_block *nb, unsigned long action, void *dev)
{
	struct bus_device *bdev = to_bus_device(to_xenbus_device(dev));

	if (action == BUS_NOTIFY_REMOVED_DEVICE) {
		WRITE_ONCE(bdev->removed, true);
		bus_add_look(bdev);
	}
	return NOTIFY_DONE;
}

/* It may be there already, and its event may have been taken for ours. */
static void bus_look_for_successor(struct bus_device *bdev)
{
	struct device *dev = &bdev->xendev.dev;

	get_device(dev);
	if (!xs_queue_add(&bdev->xendev.queue->queues->common, &bdev->again))
		put_device(dev);
}

/*
 * Who asks after this look has taken the question adds another look, because
 * this one has left the queue before.
 */
static void bus_look(struct xs_queue_item *item)
{
	struct bus_device *bdev = container_of(item, struct bus_device, look);
	struct device *dev = &bdev->xendev.dev;
	struct xen_bus_type *bus = to_xen_bus_type(dev->bus);
	bool asked = xchg(&bdev->asked, 0);

	if (READ_ONCE(bdev->removed) || (asked && bus_retire(bus, bdev))) {
		/* What is in the directory from now on is another device. */
		bus_table_remove(&bus->table, bdev);
		if (asked)
			bus_look_for_successor(bdev);
	}
	put_device(dev);
}

/**
 * bus_retire_init() - prepare a new device for its end
 * @bdev: the device
 *
 * Context: Process.
 */
void bus_retire_init(struct bus_device *bdev)
{
	xs_queue_item_init(&bdev->look, bus_look);
	INIT_WORK(&bdev->retry, bus_retry);
}
