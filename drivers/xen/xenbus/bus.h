/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two buses share, private to the binding.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENBUS_BUS_H
#define _XENBUS_BUS_H

#include <linux/device.h>
#include <linux/device/bus.h>
#include <xen/xenbus.h>

struct attribute_group;
struct module;

/* The name of a device with its NUL; a node whose name is longer is refused. */
#define XEN_BUS_ID_SIZE	20

/**
 * struct xen_bus_type - a bus whose devices are directories of the store
 *
 * All members are const after init.
 */
struct xen_bus_type {
	/** @bus: the bus of the driver core */
	const struct bus_type bus;
	/** @root: directory of all devices; "device" or "backend" */
	const char *root;
	/** @levels: how many directories a device's one is below @root */
	unsigned int levels;
	/** @otherend_id_node: node of a device that holds the peer's domain */
	const char *otherend_id_node;
	/** @otherend_will_handle: for the watches of the peers; may be NULL */
	bool (*otherend_will_handle)(struct xenbus_watch *watch,
				     const char *path, const char *token);
	/** @otherend_changed: the callback of the watches of the peers */
	void (*otherend_changed)(struct xenbus_watch *watch,
				 const char *path, const char *token);
	/** @get_bus_id: makes the name of a device from its path */
	int (*get_bus_id)(char bus_id[XEN_BUS_ID_SIZE], const char *nodename);
	/** @probe: adds what is in the directory @dir of the type @type */
	int (*probe)(struct xen_bus_type *bus, const char *type,
		     const char *dir);
};

#define to_xen_bus_type(__bus)	container_of(__bus, struct xen_bus_type, bus)

/* bus.c: directories become devices */
int xenbus_probe_node(struct xen_bus_type *bus, const char *type,
		      const char *nodename);
int xenbus_probe_devices(struct xen_bus_type *bus);
void xenbus_dev_changed(const char *node, struct xen_bus_type *bus);
bool xenbus_path_vanished(const char *path);

/* bus_device.c: devices meet drivers */
extern const struct attribute_group *xenbus_dev_groups[];
int xenbus_match(struct device *_dev, const struct device_driver *_drv);
int xenbus_dev_probe(struct device *_dev);
void xenbus_dev_remove(struct device *_dev);
int xenbus_dev_suspend(struct device *dev);
int xenbus_dev_resume(struct device *dev);
int xenbus_dev_cancel(struct device *dev);
int xenbus_register_driver_common(struct xenbus_driver *drv,
				  struct xen_bus_type *bus,
				  struct module *owner, const char *mod_name);
int xenbus_read_otherend_details(struct xenbus_device *xendev,
				 char *id_node, char *path_node);
void xenbus_otherend_changed(struct xenbus_watch *watch, const char *path,
			     const char *token, int ignore_on_shutdown);

#endif /* _XENBUS_BUS_H */
