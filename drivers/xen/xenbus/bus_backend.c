// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus of backends: what this domain serves to others.
 *
 * A backend is the directory backend/<type>/<domain>/<id> of the store. Its
 * frontend is a guest, which may write what it likes to its own directory, as
 * often as it likes.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/notifier.h>
#include <linux/semaphore.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xenbus.h>

#include "bus.h"

/* The peer is the domain that the toolstack wrote, whatever the path says. */
static int backend_check_frontend(const char *nodename, int *domid)
{
	char *frontend;
	int err;

	err = xenbus_gather(XBT_NIL, nodename, "frontend-id", "%i", domid,
			    "frontend", NULL, &frontend, NULL);
	if (err)
		return err;
	if (!*frontend)
		err = -ERANGE;
	else if (!xenbus_exists(XBT_NIL, frontend, ""))
		err = -ENOENT;
	kfree(frontend);
	return err;
}

/* backend/vbd/3/51712 is vbd-3-51712. */
static int backend_bus_id(char bus_id[XEN_BUS_ID_SIZE], const char *nodename)
{
	const char *type = strchr(nodename, '/');
	const char *id = strrchr(nodename, '/');
	int err, domid, len;

	if (!type || type == id)
		return -EINVAL;
	len = strcspn(++type, "/");
	if (!len)
		return -EINVAL;
	err = backend_check_frontend(nodename, &domid);
	if (err)
		return err;
	len = snprintf(bus_id, XEN_BUS_ID_SIZE, "%.*s-%d-%s", len, type, domid,
		       id + 1);
	return len < XEN_BUS_ID_SIZE ? 0 : -ENOSPC;
}

static int backend_uevent(const struct device *dev, struct kobj_uevent_env *env)
{
	const struct xenbus_device *xendev = to_xenbus_device(dev);
	const struct xenbus_driver *drv;

	/* Hotplug scripts of the toolstack live on these. */
	if (add_uevent_var(env, "MODALIAS=xen-backend:%s",
			   xendev->devicetype) ||
	    add_uevent_var(env, "XENBUS_TYPE=%s", xendev->devicetype) ||
	    add_uevent_var(env, "XENBUS_PATH=%s", xendev->nodename) ||
	    add_uevent_var(env, "XENBUS_BASE_PATH=%s",
			   to_xen_bus_type(dev->bus)->root))
		return -ENOMEM;
	if (!dev->driver)
		return 0;
	drv = to_xenbus_driver(dev->driver);
	return drv->uevent ? drv->uevent(to_xenbus_device(dev), env) : 0;
}

/* One unread event says all, however often the guest writes its state. */
static bool backend_will_handle(struct xenbus_watch *watch, const char *path,
				const char *token)
{
	return !watch->nr_pending;
}

/* Guests close their devices also while this domain goes down. */
static void backend_frontend_changed(struct xenbus_watch *watch,
				     const char *path, const char *token)
{
	xenbus_otherend_changed(watch, path, token, 0);
}

/* A PCI device of the host goes from one domain to the next. */
static const char *const backend_serial_types[] = { "pci", NULL };

static struct xen_bus_type xenbus_backend = {
	.bus = {
		.name		= "xen-backend",
		.dev_groups	= xenbus_dev_groups,
		.match		= xenbus_match,
		.probe		= xenbus_dev_probe,
		.remove		= xenbus_dev_remove,
		.uevent		= backend_uevent,
	},
	.root			= "backend",
	.levels			= 3,
	.otherend_id_node	= "frontend-id",
	.serial_types		= backend_serial_types,
	.otherend_will_handle	= backend_will_handle,
	.otherend_changed	= backend_frontend_changed,
	.get_bus_id		= backend_bus_id,
};

/* === Drivers === */

static int backend_read_frontend(struct xenbus_device *xendev)
{
	return xenbus_read_otherend_details(xendev, "frontend-id", "frontend");
}

/**
 * __xenbus_register_backend() - see xenbus_register_backend()
 * @drv: the driver
 * @owner: its module
 * @mod_name: name of its module
 *
 * Context: Process; probes devices that are there.
 * Return: 0 or a negative errno.
 */
int __xenbus_register_backend(struct xenbus_driver *drv, struct module *owner,
			      const char *mod_name)
{
	drv->read_otherend_details = backend_read_frontend;
	return xenbus_register_driver_common(drv, &xenbus_backend, owner,
					     mod_name);
}
EXPORT_SYMBOL_GPL(__xenbus_register_backend);

/**
 * xenbus_dev_is_online() - whether the toolstack wants a backend to exist
 * @dev: the backend
 *
 * Context: Process; sleeps.
 * Return: 1 if so; 0 if it is to go away when its frontend has closed.
 */
int xenbus_dev_is_online(struct xenbus_device *dev)
{
	return xenbus_read_unsigned(dev->nodename, "online", 0) != 0;
}
EXPORT_SYMBOL_GPL(xenbus_dev_is_online);

/* === Memory pressure === */

static int backend_reclaim_one(struct device *dev, void *data)
{
	struct xenbus_device *xendev = to_xenbus_device(dev);
	const struct xenbus_driver *drv;

	/* Its holder probes or removes the device, and may allocate. */
	if (down_trylock(&xendev->reclaim_sem))
		return 0;
	drv = dev->driver ? to_xenbus_driver(dev->driver) : NULL;
	if (drv && drv->reclaim_memory)
		drv->reclaim_memory(xendev);
	up(&xendev->reclaim_sem);
	return 0;
}

/* There is nothing to scan: the call itself says that memory is short. */
static unsigned long backend_count_objects(struct shrinker *shrinker,
					   struct shrink_control *sc)
{
	bus_for_each_dev(&xenbus_backend.bus, NULL, NULL, backend_reclaim_one);
	return 0;
}

static void __init backend_add_shrinker(void)
{
	struct shrinker *shrinker = shrinker_alloc(0, "xen-backend");

	if (!shrinker) {
		pr_warn("backends will not be told of memory pressure\n");
		return;
	}
	shrinker->count_objects = backend_count_objects;
	shrinker_register(shrinker);
}

/* === Init === */

static void backend_changed(struct xenbus_watch *watch, const char *path,
			    const char *token)
{
	xenbus_dev_changed(path, &xenbus_backend);
}

static struct xenbus_watch backend_watch = {
	.node		= "backend",
	.callback	= backend_changed,
};

static int backend_store_ready(struct notifier_block *nb, unsigned long event,
			       void *data)
{
	int err;

	xenbus_probe_devices(&xenbus_backend);
	err = register_xenbus_watch(&backend_watch);
	if (err)
		pr_err("new backends will not be seen: %d\n", err);
	return NOTIFY_DONE;
}

static struct notifier_block backend_store_notifier = {
	.notifier_call = backend_store_ready,
};

static int __init backend_init(void)
{
	int err = xenbus_register_bus(&xenbus_backend);

	if (err)
		return err;
	register_xenstore_notifier(&backend_store_notifier);
	backend_add_shrinker();
	return 0;
}
subsys_initcall(backend_init);
