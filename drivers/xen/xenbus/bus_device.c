// SPDX-License-Identifier: GPL-2.0-only
/*
 * How devices of the two buses meet drivers: match, probe, remove, what the
 * peer does in between, suspend and resume, attributes.
 *
 * While a driver is bound, a watch on the state of the peer passes each change
 * on to it. Where devices come from is the matter of bus.c.
 *
 * Probe and remove run with the device locked, in whatever process binds the
 * driver; changes of the peer's state in the queue of its domain, which runs
 * callbacks one after the other.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/semaphore.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <xen/xenbus.h>

#include "bus.h"

/* === Attributes === */

static ssize_t nodename_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%s\n", to_xenbus_device(dev)->nodename);
}

static ssize_t devtype_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%s\n", to_xenbus_device(dev)->devicetype);
}

static ssize_t modalias_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	const struct xenbus_device *xendev = to_xenbus_device(dev);

	return sysfs_emit(buf, "%s:%s\n", dev->bus->name, xendev->devicetype);
}

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	enum xenbus_state state = to_xenbus_device(dev)->state;

	return sysfs_emit(buf, "%s\n", xenbus_strstate(state));
}

static DEVICE_ATTR_RO(state);
static DEVICE_ATTR_RO(modalias);
static DEVICE_ATTR_RO(devtype);
static DEVICE_ATTR_RO(nodename);

static struct attribute *bus_identity_attrs[] = {
	&dev_attr_devtype.attr,
	&dev_attr_modalias.attr,
	&dev_attr_nodename.attr,
	&dev_attr_state.attr,
	NULL
};

static const struct attribute_group bus_identity_group = {
	.attrs = bus_identity_attrs,
};

/* Of every device. */
const struct attribute_group *xenbus_dev_groups[] = {
	&bus_identity_group,
	NULL
};
EXPORT_SYMBOL_GPL(xenbus_dev_groups);

/* The event channels of a device keep these counters. */
static ssize_t bus_emit_counter(char *buf, const atomic_t *counter)
{
	return sysfs_emit(buf, "%d\n", atomic_read(counter));
}

static ssize_t event_channels_show(struct device *dev,
				   struct device_attribute *attr, char *buf)
{
	return bus_emit_counter(buf, &to_xenbus_device(dev)->event_channels);
}

static ssize_t events_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	return bus_emit_counter(buf, &to_xenbus_device(dev)->events);
}

static ssize_t jiffies_eoi_delayed_show(struct device *dev,
					struct device_attribute *attr,
					char *buf)
{
	return bus_emit_counter(buf, &to_xenbus_device(dev)->jiffies_eoi_delayed);
}

static ssize_t spurious_events_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	return bus_emit_counter(buf, &to_xenbus_device(dev)->spurious_events);
}

static ssize_t spurious_threshold_show(struct device *dev,
				       struct device_attribute *attr, char *buf)
{
	unsigned int threshold = to_xenbus_device(dev)->spurious_threshold;

	return sysfs_emit(buf, "%u\n", threshold);
}

static ssize_t spurious_threshold_store(struct device *dev,
					struct device_attribute *attr,
					const char *buf, size_t count)
{
	unsigned int *threshold = &to_xenbus_device(dev)->spurious_threshold;

	return kstrtouint(buf, 0, threshold) ?: count;
}

static DEVICE_ATTR_RO(events);
static DEVICE_ATTR_RO(event_channels);
static DEVICE_ATTR_RO(jiffies_eoi_delayed);
static DEVICE_ATTR_RO(spurious_events);
static DEVICE_ATTR_RW(spurious_threshold);

static struct attribute *bus_statistics_attrs[] = {
	&dev_attr_events.attr,
	&dev_attr_event_channels.attr,
	&dev_attr_jiffies_eoi_delayed.attr,
	&dev_attr_spurious_events.attr,
	&dev_attr_spurious_threshold.attr,
	NULL
};

/* Of devices with a driver. */
static const struct attribute_group bus_statistics_group = {
	.name	= "xenbus",
	.attrs	= bus_statistics_attrs,
};

/* === The other end === */

static void bus_forget_otherend(struct xenbus_device *xendev)
{
	const char *otherend = xendev->otherend;

	WRITE_ONCE(xendev->otherend, NULL);
	kfree(otherend);
}

static void bus_unwatch_otherend(struct xenbus_device *xendev)
{
	struct xenbus_watch *watch = &xendev->otherend_watch;

	if (!watch->node)
		return;
	unregister_xenbus_watch(watch);
	kfree(watch->node);
	watch->node = NULL;
}

static int bus_watch_otherend(struct xenbus_device *xendev)
{
	const struct xen_bus_type *bus = to_xen_bus_type(xendev->dev.bus);

	return xenbus_watch_pathfmt(xendev, &xendev->otherend_watch,
				    bus->otherend_will_handle,
				    bus->otherend_changed,
				    "%s/state", xendev->otherend);
}

/* After each resume the peer may be another one. */
static int bus_find_otherend(struct xenbus_device *xendev)
{
	bus_unwatch_otherend(xendev);
	bus_forget_otherend(xendev);
	return to_xenbus_driver(xendev->dev.driver)
		->read_otherend_details(xendev);
}

/**
 * xenbus_read_otherend_details() - find the peer of a device
 * @xendev: the device; &xenbus_device.otherend is NULL
 * @id_node: node in its directory that holds the peer's domain
 * @path_node: node in its directory that holds the path of the peer's one
 *
 * A failure is reported and closes the device.
 *
 * Context: Process; sleeps.
 * Return: 0, -ENOENT if the peer's directory is not there, or the error of the
 * read.
 */
int xenbus_read_otherend_details(struct xenbus_device *xendev, char *id_node,
				 char *path_node)
{
	int err;

	err = xenbus_gather(XBT_NIL, xendev->nodename, id_node, "%i",
			    &xendev->otherend_id, path_node, NULL,
			    &xendev->otherend, NULL);
	if (err) {
		xendev->otherend = NULL;
		xenbus_dev_fatal(xendev, err, "reading %s and %s of %s",
				 id_node, path_node, xendev->nodename);
		return err;
	}
	if (*xendev->otherend && xenbus_exists(XBT_NIL, xendev->otherend, ""))
		return 0;
	bus_forget_otherend(xendev);
	xenbus_dev_fatal(xendev, -ENOENT, "%s of %s is not accessible",
			 path_node, xendev->nodename);
	return -ENOENT;
}
EXPORT_SYMBOL_GPL(xenbus_read_otherend_details);

static bool bus_is_at_otherend(const struct xenbus_device *xendev,
			       const char *path)
{
	size_t len;

	if (!xendev->otherend || xendev->vanished)
		return false;
	len = strlen(xendev->otherend);
	return !strncmp(path, xendev->otherend, len) &&
	       (!path[len] || path[len] == '/');
}

/**
 * xenbus_otherend_changed() - pass a state of the peer on to the driver
 * @watch: the watch in the device
 * @path: where it fired; old events may tell of an earlier peer
 * @token: not used
 * @ignore_on_shutdown: whether to close a device without its driver if the
 *	peer closes while the system goes down: the driver could need what is
 *	not there any more, such as the root file system
 *
 * Context: Callback of a watch; sleeps.
 */
void xenbus_otherend_changed(struct xenbus_watch *watch, const char *path,
			     const char *token, int ignore_on_shutdown)
{
	struct xenbus_device *xendev;
	struct xenbus_driver *drv;
	enum xenbus_state state;

	xendev = container_of(watch, struct xenbus_device, otherend_watch);
	if (!bus_is_at_otherend(xendev, path)) {
		dev_dbg(&xendev->dev, "stale event of %s\n", path);
		return;
	}
	state = xenbus_read_state(xendev->otherend);
	dev_dbg(&xendev->dev, "%s is %s\n", path, xenbus_strstate(state));

	if (system_state > SYSTEM_RUNNING) {
		if (state == XenbusStateClosing && ignore_on_shutdown)
			xenbus_frontend_closed(xendev);
		return;
	}
	drv = to_xenbus_driver(xendev->dev.driver);
	if (drv->otherend_changed)
		drv->otherend_changed(xendev, state);
}
EXPORT_SYMBOL_GPL(xenbus_otherend_changed);

/* === Binding === */

static const struct xenbus_device_id *
bus_find_id(const struct xenbus_driver *drv, const struct xenbus_device *xendev)
{
	const struct xenbus_device_id *id = drv->ids;

	while (id && *id->devicetype) {
		if (!strcmp(id->devicetype, xendev->devicetype))
			return id;
		id++;
	}
	return NULL;
}

/**
 * xenbus_match() - whether a driver is for a device
 * @_dev: the device
 * @_drv: the driver
 *
 * Context: Any.
 * Return: 1 if so, else 0.
 */
int xenbus_match(struct device *_dev, const struct device_driver *_drv)
{
	return !!bus_find_id(to_xenbus_driver(_drv), to_xenbus_device(_dev));
}
EXPORT_SYMBOL_GPL(xenbus_match);

/* Memory is reclaimed of devices that are neither being set up nor torn down */
static int bus_call_probe(struct xenbus_driver *drv,
			  struct xenbus_device *xendev,
			  const struct xenbus_device_id *id)
{
	int err;

	down(&xendev->reclaim_sem);
	err = drv->probe(xendev, id);
	up(&xendev->reclaim_sem);
	return err;
}

static void bus_call_remove(struct xenbus_driver *drv,
			    struct xenbus_device *xendev)
{
	if (!drv->remove)
		return;
	down(&xendev->reclaim_sem);
	drv->remove(xendev);
	up(&xendev->reclaim_sem);
}

/* The driver's module stays as long as the device is bound. */
static int bus_bind(struct xenbus_driver *drv, struct xenbus_device *xendev,
		    const struct xenbus_device_id *id)
{
	int err;

	if (!try_module_get(drv->driver.owner)) {
		dev_warn(&xendev->dev, "module of %s is going away\n",
			 drv->driver.name);
		return -ESRCH;
	}
	xendev->spurious_threshold = 1;
	err = bus_call_probe(drv, xendev, id);
	if (err)
		goto err_put_module;
	err = bus_watch_otherend(xendev);
	if (err)
		goto err_remove;
	if (devm_device_add_group(&xendev->dev, &bus_statistics_group))
		dev_warn(&xendev->dev, "no statistics in sysfs\n");
	return 0;

err_remove:
	bus_call_remove(drv, xendev);
err_put_module:
	module_put(drv->driver.owner);
	return err;
}

/**
 * xenbus_dev_probe() - bind a device to its driver
 * @_dev: the device
 *
 * The driver probes when the peer is known and before its state is watched.
 *
 * Context: Process, device locked; sleeps.
 * Return: 0 or a negative errno, with nothing left behind.
 */
int xenbus_dev_probe(struct device *_dev)
{
	struct xenbus_device *xendev = to_xenbus_device(_dev);
	struct xenbus_driver *drv = to_xenbus_driver(_dev->driver);
	const struct xenbus_device_id *id = NULL;
	int err = -ENODEV;

	if (drv->probe)
		id = bus_find_id(drv, xendev);
	if (!id)
		goto err_report;
	err = bus_find_otherend(xendev);
	if (err) {
		dev_warn(_dev, "no peer for %s: %d\n", xendev->nodename, err);
		return err;
	}
	err = bus_bind(drv, xendev, id);
	if (!err)
		return 0;
	bus_forget_otherend(xendev);
err_report:
	xenbus_dev_error(xendev, err, "probing %s", xendev->nodename);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_dev_probe);

/* A toolstack that has set the node to Closing waits for us to close. */
static bool bus_must_close(const struct xenbus_driver *drv,
			   const struct xenbus_device *xendev)
{
	if (!drv->allow_rebind)
		return true;
	return xenbus_read_state(xendev->nodename) ==
	       XenbusStateClosing;
}

/**
 * xenbus_dev_remove() - unbind a device from its driver
 * @_dev: the device
 *
 * Context: Process, device locked; sleeps. Waits for a callback of the peer's
 * state that is running, unless called from it.
 */
void xenbus_dev_remove(struct device *_dev)
{
	struct xenbus_device *xendev = to_xenbus_device(_dev);
	struct xenbus_driver *drv = to_xenbus_driver(_dev->driver);

	bus_unwatch_otherend(xendev);
	bus_call_remove(drv, xendev);
	module_put(drv->driver.owner);
	bus_forget_otherend(xendev);
	if (bus_must_close(drv, xendev))
		xenbus_switch_state(xendev, XenbusStateClosed);
}
EXPORT_SYMBOL_GPL(xenbus_dev_remove);

/**
 * xenbus_register_driver_common() - make a driver known to a bus
 * @drv: the driver
 * @bus: the bus
 * @owner: its module
 * @mod_name: name of its module
 *
 * Context: Process; probes devices that are there.
 * Return: 0 or a negative errno.
 */
int xenbus_register_driver_common(struct xenbus_driver *drv,
				  struct xen_bus_type *bus,
				  struct module *owner, const char *mod_name)
{
	struct device_driver *driver = &drv->driver;

	driver->bus = &bus->bus;
	driver->mod_name = mod_name;
	driver->owner = owner;
	driver->name = drv->name ?: drv->ids->devicetype;
	return driver_register(driver);
}
EXPORT_SYMBOL_GPL(xenbus_register_driver_common);

/**
 * xenbus_unregister_driver() - end the registration of a driver
 * @drv: the driver
 *
 * Context: Process; unbinds its devices.
 */
void xenbus_unregister_driver(struct xenbus_driver *drv)
{
	driver_unregister(&drv->driver);
}
EXPORT_SYMBOL_GPL(xenbus_unregister_driver);

/* === Suspend and resume === */

/**
 * xenbus_dev_freeze() - before the domain is saved, or the system hibernates
 * @dev: the device
 *
 * A driver that cannot suspend does not keep the domain from being saved.
 *
 * Context: Process, device locked.
 * Return: 0 always.
 */
int xenbus_dev_freeze(struct device *dev)
{
	struct xenbus_driver *drv;
	int err = 0;

	if (!dev->driver)
		return 0;
	drv = to_xenbus_driver(dev->driver);
	if (drv->suspend)
		err = drv->suspend(to_xenbus_device(dev));
	if (err)
		dev_warn(dev, "not suspended: %d\n", err);
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_dev_freeze);

static int bus_resume(struct xenbus_driver *drv, struct xenbus_device *xendev,
		      const char **step)
{
	int err;

	*step = "find its peer";
	err = bus_find_otherend(xendev);
	if (err)
		return err;
	*step = "resume its driver";
	xendev->state = XenbusStateInitialising;
	if (drv->resume)
		err = drv->resume(xendev);
	if (err)
		return err;
	*step = "watch its peer";
	return bus_watch_otherend(xendev);
}

/**
 * xenbus_dev_restore() - after the domain was restored
 * @dev: the device, which has a new peer in a new directory
 *
 * Context: Process, device locked; sleeps.
 * Return: 0 or a negative errno.
 */
int xenbus_dev_restore(struct device *dev)
{
	const char *step;
	int err;

	if (!dev->driver)
		return 0;
	err = bus_resume(to_xenbus_driver(dev->driver), to_xenbus_device(dev),
			 &step);
	if (err)
		dev_warn(dev, "resume cannot %s: %d\n", step, err);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_dev_restore);

/**
 * xenbus_dev_thaw() - after the domain was not saved after all
 * @dev: the device; peers and rings are what they were
 *
 * Context: Process.
 * Return: 0 always.
 */
int xenbus_dev_thaw(struct device *dev)
{
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_dev_thaw);
