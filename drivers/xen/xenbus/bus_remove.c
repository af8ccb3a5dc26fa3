// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device removal.
 *
 * A driver may remove its device, in a callback for it. The bus removes a
 * device whose directory is gone or belongs to a new one. It checks that in the
 * queue where the callbacks of the device run, so no two tasks remove a device
 * at the same time, and it is gone before its replacement is probed.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include <compat/vanished.h>

#include "bus.h"

/* State of the directory of a device that the bus has. */
enum bus_dir_state {
	BUS_DIR_OWN,		/* it belongs to the device */
	BUS_DIR_GONE,		/* it does not exist */
	BUS_DIR_REPLACED,	/* removed and made again for a new device */
};

/**
 * bus_node_is_gone() - whether a node does not exist any more
 * @path: the node
 *
 * Context: Process; sleeps.
 * Return: true if so; false if it exists or if that could not be found out.
 */
bool bus_node_is_gone(const char *path)
{
	unsigned int num;
	char **names = xenbus_directory(XBT_NIL, path, "", &num);
	int err = PTR_ERR_OR_ZERO(names);

	if (!err)
		kfree(names);
	/* Any other error may be temporary. */
	return err == -ENOENT || err == -EACCES;
}

/* === Requesting a check === */

static void bus_queue_check(struct bus_device *bdev)
{
	get_device(&bdev->xendev.dev);
	if (!xs_queue_add(bdev->xendev.queue, &bdev->check))
		put_device(&bdev->xendev.dev);
}

/**
 * bus_request_check() - check in a device's queue that its directory exists
 * @bdev: the device
 *
 * A check that is queued and has not begun serves this request, too.
 *
 * Context: Process.
 */
void bus_request_check(struct bus_device *bdev)
{
	/* Set before it is queued: see bus_check(). */
	WRITE_ONCE(bdev->check_requested, 1);
	bus_queue_check(bdev);
}

/* Waits for the lock of the device, outside of its queue. */
static void bus_retry_check(struct work_struct *work)
{
	struct bus_device *bdev = container_of(work, struct bus_device, retry);
	struct device *dev = &bdev->xendev.dev;

	device_lock(dev);
	device_unlock(dev);
	bus_request_check(bdev);
	put_device(dev);
}

static void bus_check_later(struct bus_device *bdev)
{
	get_device(&bdev->xendev.dev);
	if (!queue_work(system_dfl_wq, &bdev->retry))
		put_device(&bdev->xendev.dev);
}

/* === Removing === */

/**
 * xenbus_read_driver_state() - read a state from the store, for a driver
 * @dev: the driver's device, or NULL
 * @path: its directory, or that of its peer
 *
 * Once the directory of a device belongs to a new one, so does its peer's: the
 * states there are not those that the driver asks for, and read as unknown.
 *
 * Context: Process; sleeps.
 * Return: As xenbus_read_state().
 */
enum xenbus_state xenbus_read_driver_state(const struct xenbus_device *dev,
					   const char *path)
{
	if (dev ? dev->vanished : compat_is_peer_of_vanished(path))
		return XenbusStateUnknown;
	return xenbus_read_state(path);
}
EXPORT_SYMBOL_GPL(xenbus_read_driver_state);

/*
 * The state in the directory is that of a new device. If the device is not new,
 * it is not the one in the directory. If it is new as well, the peer's domain
 * tells the two apart; with the same peer the difference does not matter.
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

static enum bus_dir_state
bus_read_dir_state(const struct xen_bus_type *bus,
		   const struct xenbus_device *xendev)
{
	int state;

	if (xenbus_scanf(XBT_NIL, xendev->nodename, "state", "%d",
			 &state) != 1)
		return bus_node_is_gone(xendev->nodename) ? BUS_DIR_GONE :
							    BUS_DIR_OWN;
	if (state == XenbusStateInitialising && bus_is_replaced(bus, xendev))
		return BUS_DIR_REPLACED;
	return BUS_DIR_OWN;
}

/* What the state and the peer were, and whose device is there now. */
static void bus_report_replaced(const struct xen_bus_type *bus,
				const struct xenbus_device *xendev)
{
	unsigned int id;

	id = xenbus_read_unsigned(xendev->nodename, bus->otherend_id_node,
				  xendev->otherend_id);
	dev_warn(&xendev->dev,
		 "%s with %s in domain %d was replaced by a new device with a peer in domain %u\n",
		 xenbus_strstate(xendev->state), xendev->otherend ?: "no peer",
		 xendev->otherend_id, id);
}

/*
 * The directory is gone, and may exist again for a new device at any time. So
 * the driver must neither write to it nor follow the states of the peer, and no
 * peer will close the device together with it: the peer reads as unknown.
 */
static void bus_unregister_vanished(struct xenbus_device *xendev)
{
	struct compat_vanished vanished = { .xendev = xendev };

	compat_vanished_add(&vanished);
	device_unregister(&xendev->dev);
	compat_vanished_del(&vanished);
}

/*
 * Remove the device if its directory is not its own any more.
 *
 * The lock of a device is held while its driver probes or removes it. Waiting
 * for it here could deadlock, since either may wait for a callback. Under the
 * lock no driver runs, so the state in the store is not in the middle of a
 * change; and a device marked dead gets no driver any more.
 *
 * Returns whether it was removed.
 */
static bool bus_remove_if_gone(struct xen_bus_type *bus,
			       struct bus_device *bdev)
{
	struct xenbus_device *xendev = &bdev->xendev;
	enum bus_dir_state state = bus_read_dir_state(bus, xendev);

	if (state == BUS_DIR_OWN)
		return false;
	if (!device_trylock(&xendev->dev)) {
		bus_check_later(bdev);
		return false;
	}
	state = bus_read_dir_state(bus, xendev);
	if (state != BUS_DIR_OWN) {
		xendev->vanished = true;
		/* Another task may be about to remove it. */
		if (!kill_device(&xendev->dev)) {
			WRITE_ONCE(bdev->removing, true);
			state = BUS_DIR_OWN;
		}
	}
	if (state == BUS_DIR_REPLACED)
		bus_report_replaced(bus, xendev);
	device_unlock(&xendev->dev);
	if (state == BUS_DIR_OWN)
		return false;

	bus_unregister_vanished(xendev);
	return true;
}

/**
 * bus_removal() - the driver core removes a device, or has removed it
 * @nb: of the bus
 * @action: BUS_NOTIFY_DEL_DEVICE, BUS_NOTIFY_REMOVED_DEVICE, or one that does
 *	not count
 * @dev: the device
 *
 * Often it is the driver that removes its device. If it does so in the device's
 * queue, as it should, the check runs after the driver core has forgotten the
 * name. Otherwise the check waits for that.
 *
 * Context: Process.
 * Return: NOTIFY_DONE.
 */
int bus_removal(struct notifier_block *nb, unsigned long action, void *dev)
{
	struct bus_device *bdev = to_bus_device(to_xenbus_device(dev));

	if (action == BUS_NOTIFY_DEL_DEVICE)
		WRITE_ONCE(bdev->removing, true);
	if (action == BUS_NOTIFY_REMOVED_DEVICE) {
		WRITE_ONCE(bdev->removed, true);
		bus_queue_check(bdev);
	}
	return NOTIFY_DONE;
}

/*
 * The driver core says that it has removed a device while its name is still taken:
 * it tells user space, and removes the directory in sysfs. That waits for nobody
 * here, and nothing tells when it is over.
 */
static void bus_await_name(struct device *dev)
{
	/* A bit that the other task clears, once; it is seen a little later. */
	while (data_race(device_is_registered(dev)))
		schedule_timeout_idle(1);
}

/* A new device may be there already, its event mistaken for the old one's. */
static void bus_queue_recheck(struct bus_device *bdev)
{
	struct xs_queues *queues = bus_queues();
	struct device *dev = &bdev->xendev.dev;

	get_device(dev);
	if (!xs_queue_add(&queues->default_queue, &bdev->recheck))
		put_device(dev);
}

/*
 * A request that arrives after check_requested was cleared queues a new check:
 * this one is no longer queued. One that comes to nothing because another task
 * is removing the device is kept for the check that bus_removal() queues: it may
 * be about a new device.
 */
static void bus_check(struct xs_queue_item *item)
{
	struct bus_device *bdev = container_of(item, struct bus_device, check);
	struct device *dev = &bdev->xendev.dev;
	struct xen_bus_type *bus = to_xen_bus_type(dev->bus);
	bool requested = xchg(&bdev->check_requested, 0);

	if (READ_ONCE(bdev->removed) ||
	    (requested && bus_remove_if_gone(bus, bdev))) {
		bus_await_name(dev);
		/* From now on the directory belongs to another device. */
		bus_table_remove(&bus->table, bdev);
		if (requested)
			bus_queue_recheck(bdev);
	} else if (requested && READ_ONCE(bdev->removing)) {
		WRITE_ONCE(bdev->check_requested, 1);
	}
	put_device(dev);
}

/**
 * bus_remove_init() - prepare a new device for its removal
 * @bdev: the device
 *
 * Context: Process.
 */
void bus_remove_init(struct bus_device *bdev)
{
	xs_queue_item_init(&bdev->check, bus_check);
	INIT_WORK(&bdev->retry, bus_retry_check);
}
