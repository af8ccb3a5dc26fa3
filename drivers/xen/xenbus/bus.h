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
#include <linux/notifier.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

#include "../xenstore/queue.h"

struct attribute_group;
struct module;

/* The queue of &xen_bus_type.serial_types: the id of no domain. */
#define BUS_SERIAL_QUEUE	U32_MAX

/* The name of a device with its NUL; a node with a longer name is refused. */
#define XEN_BUS_ID_SIZE	20

/**
 * struct bus_key - a string by which a device can be found
 */
struct bus_key {
	/** @head: in the table */
	struct rhash_head head;
	/** @string: the device's; const while in the table */
	const char *string;
};

/**
 * struct bus_table - the devices of a bus
 */
struct bus_table {
	/** @lock: makes a lookup and taking a reference one step; a leaf */
	spinlock_t lock;
	/** @paths: keys are nodenames; under @lock */
	struct rhashtable paths;
	/** @names: keys are names of the driver core; under @lock */
	struct rhashtable names;
};

/**
 * struct bus_device - a device as the bus knows it
 */
struct bus_device {
	/** @xendev: what drivers know */
	struct xenbus_device xendev;
	/** @path: key in &bus_table.paths */
	struct bus_key path;
	/** @name: key in &bus_table.names */
	struct bus_key name;
	/** @listed: whether the table has it and a reference; under its lock */
	bool listed;
	/** @check_requested: @check is to read the directory; any context */
	int check_requested;
	/** @removing: a task is removing it; any context */
	bool removing;
	/** @removed: the driver core has removed it; queue of the device */
	bool removed;
	/** @check: in the device's queue: is the directory still its own? */
	struct xs_queue_item check;
	/** @recheck: in the default queue: is a new device in the directory? */
	struct xs_queue_item recheck;
	/** @retry: waits until a check is possible */
	struct work_struct retry;
	/** @strings: nodename and type */
	char strings[];
};

#define to_bus_device(__xendev) \
	container_of(__xendev, struct bus_device, xendev)

/**
 * struct xen_bus_type - a bus with directories of the store as devices
 *
 * Members without a comment on it are const after init.
 */
struct xen_bus_type {
	/** @bus: the bus of the driver core */
	struct bus_type bus;
	/** @root: directory of all devices; "device" or "backend" */
	const char *root;
	/** @levels: how many directories a device's one is below @root */
	unsigned int levels;
	/** @otherend_id_node: node of a device that holds the peer's domain */
	const char *otherend_id_node;
	/**
	 * @peer_node: node of a directory that holds the peer's domain; NULL if
	 * that is the directory above, as in backend/vbd/3/51712
	 */
	const char *peer_node;
	/**
	 * @serial_types: devices of these types share something beyond their
	 * peers, and have one queue in common; ends with NULL
	 */
	const char *const *serial_types;
	/** @otherend_will_handle: for the watches of the peers; may be NULL */
	bool (*otherend_will_handle)(struct xenbus_watch *watch,
				     const char *path, const char *token);
	/** @otherend_changed: the callback of the watches of the peers */
	void (*otherend_changed)(struct xenbus_watch *watch,
				 const char *path, const char *token);
	/** @get_bus_id: makes the name of a device from its path */
	int (*get_bus_id)(char bus_id[XEN_BUS_ID_SIZE], const char *nodename);
	/** @skip: a directory that is no device where it is found; may be NULL */
	bool (*skip)(const char *nodename);
	/** @table: what devices there are; own lock */
	struct bus_table table;
	/** @removals: reports removed devices; set by the bus */
	struct notifier_block removals;
};

#define to_xen_bus_type(__bus)	container_of(__bus, struct xen_bus_type, bus)

/**
 * struct bus_paths - paths, in the order of the store
 */
struct bus_paths {
	/** @paths: the paths */
	char **paths;
	/** @peers: domains of the peers, after bus_paths_keep_new() */
	u32 *peers;
	/** @num: how many there are */
	unsigned int num;
	/** @room: capacity of @paths */
	unsigned int room;
};

/* device_state.c: states in the store */
enum xenbus_state xenbus_read_state(const char *path);
int xenbus_watch_register(struct xenbus_device *dev,
			  struct xenbus_watch *watch);

/* bus_table.c: which devices there are */
int bus_table_init(struct bus_table *table);
void bus_table_destroy(struct bus_table *table);
int bus_table_add(struct bus_table *table, struct bus_device *bdev);
bool bus_table_remove(struct bus_table *table, struct bus_device *bdev);
struct bus_device *bus_table_find(struct bus_table *table,
				  const char *nodename);

/* bus_walk.c: which devices the store has */
int bus_walk(const struct xen_bus_type *bus, struct bus_paths *found);
void bus_paths_keep(struct bus_paths *list,
		    bool (*keep)(struct xen_bus_type *bus, const char *path),
		    struct xen_bus_type *bus);
int bus_paths_keep_new(const struct xen_bus_type *bus, struct bus_paths *list);
u32 bus_path_peer(const char *nodename);
void bus_paths_free(struct bus_paths *list);

/* bus_remove.c: device removal */
bool bus_node_is_gone(const char *path);
void bus_request_check(struct bus_device *bdev);
int bus_removal(struct notifier_block *nb, unsigned long action, void *dev);
void bus_remove_init(struct bus_device *bdev);

/* bus.c: directories become devices */
int xenbus_register_bus(struct xen_bus_type *bus);
void xenbus_unregister_bus(struct xen_bus_type *bus);
int xenbus_probe_node(struct xen_bus_type *bus, const char *type,
		      const char *nodename);
int xenbus_probe_devices(struct xen_bus_type *bus);
void xenbus_dev_changed(const char *node, struct xen_bus_type *bus);
struct xs_queues *bus_queues(void);

/* bus_device.c: devices meet drivers */
extern const struct attribute_group *xenbus_dev_groups[];
int xenbus_match(struct device *_dev, const struct device_driver *_drv);
int xenbus_dev_probe(struct device *_dev);
void xenbus_dev_remove(struct device *_dev);
int xenbus_dev_freeze(struct device *dev);
int xenbus_dev_restore(struct device *dev);
int xenbus_dev_thaw(struct device *dev);
int xenbus_register_driver_common(struct xenbus_driver *drv,
				  struct xen_bus_type *bus,
				  struct module *owner, const char *mod_name);
int xenbus_read_otherend_details(struct xenbus_device *xendev,
				 char *id_node, char *path_node);
void xenbus_otherend_changed(struct xenbus_watch *watch, const char *path,
			     const char *token, int ignore_on_shutdown);

#endif /* _XENBUS_BUS_H */
