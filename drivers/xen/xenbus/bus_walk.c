// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which directories of the store are devices.
 *
 * A bus is walked level by level, and the requests of one level are in flight
 * together: there is one wait for each level, however many devices there are.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <xen/xenbus.h>
#include <xen/xenstore.h>

#include "bus.h"

/* Takes over @path, which is NULL if there was no memory for it. */
static int bus_paths_add(struct bus_paths *list, char *path)
{
	unsigned int room = max(2 * list->room, 16U);
	char **paths;

	if (!path)
		return -ENOMEM;
	if (list->num == list->room) {
		paths = krealloc_array(list->paths, room, sizeof(*paths),
				       GFP_KERNEL);
		if (!paths) {
			kfree(path);
			return -ENOMEM;
		}
		list->paths = paths;
		list->room = room;
	}
	list->paths[list->num++] = path;
	return 0;
}

static int bus_paths_add_child(struct bus_paths *list, const char *dir,
			       const char *name)
{
	return bus_paths_add(list, kasprintf(GFP_KERNEL, "%s/%s", dir, name));
}

/**
 * bus_paths_free() - forget a list
 * @list: the list, which is empty afterwards
 *
 * Context: Process.
 */
void bus_paths_free(struct bus_paths *list)
{
	while (list->num)
		kfree(list->paths[--list->num]);
	kfree(list->paths);
	kfree(list->peers);
	*list = (struct bus_paths){};
}

/* More names than one message holds. */
static int bus_walk_large(const char *dir, struct bus_paths *below)
{
	unsigned int i, num;
	char **names;
	int err = 0;

	names = xenbus_directory(XBT_NIL, dir, "", &num);
	if (IS_ERR(names))
		return PTR_ERR(names);
	for (i = 0; i < num && !err; i++)
		err = bus_paths_add_child(below, dir, names[i]);
	kfree(names);
	return err;
}

static int bus_walk_dir(const struct xenbus_batch *batch, unsigned int n,
			const char *dir, struct bus_paths *below)
{
	int err = xenbus_batch_error(batch, n);
	const char *name = NULL;

	if (err == -E2BIG)
		return bus_walk_large(dir, below);
	while (!err && (name = xenbus_batch_next_name(batch, n, name)))
		err = bus_paths_add_child(below, dir, name);
	return err;
}

/* A directory that cannot be read does not keep the others from being read. */
static int bus_walk_level(const struct bus_paths *above,
			  struct bus_paths *below)
{
	struct xenbus_batch batch;
	int err, first_err = 0;
	unsigned int i;

	xenbus_batch_init(&batch, XBT_NIL);
	for (i = 0; i < above->num; i++)
		xenbus_batch_directory(&batch, above->paths[i], "");
	xenbus_batch_run(&batch);
	for (i = 0; i < above->num; i++) {
		err = bus_walk_dir(&batch, i, above->paths[i], below);
		first_err = first_err ?: err;
	}
	xenbus_batch_free(&batch);
	return first_err;
}

/**
 * bus_walk() - find the directories of all devices that the store has for a bus
 * @bus: the bus
 * @found: an empty list; for bus_paths_free(), also after an error
 *
 * Context: Process; sleeps, as often as the bus has levels.
 * Return: 0, or the first error; what could be read is in @found nevertheless.
 */
int bus_walk(const struct xen_bus_type *bus, struct bus_paths *found)
{
	unsigned int level;
	int err;

	err = bus_paths_add(found, kstrdup(bus->root, GFP_KERNEL));
	for (level = 0; level < bus->levels; level++) {
		struct bus_paths below = {};
		int level_err = bus_walk_level(found, &below);

		err = err ?: level_err;
		bus_paths_free(found);
		*found = below;
	}
	return err;
}

/**
 * bus_paths_keep() - drop some paths from a list
 * @list: the list
 * @keep: called with @bus and a path: whether it stays
 * @bus: for @keep
 *
 * Context: As @keep.
 */
void bus_paths_keep(struct bus_paths *list,
		    bool (*keep)(struct xen_bus_type *bus, const char *path),
		    struct xen_bus_type *bus)
{
	unsigned int i, kept = 0;

	for (i = 0; i < list->num; i++) {
		if (keep(bus, list->paths[i]))
			list->paths[kept++] = list->paths[i];
		else
			kfree(list->paths[i]);
	}
	list->num = kept;
}

/* As xenbus_read_state() in a batch. */
static bool bus_state_is_new(const struct xenbus_batch *batch, unsigned int n)
{
	int state;

	return xenbus_batch_scanf(batch, n, "%d", &state) == 1 &&
	       state == XenbusStateInitialising;
}

/**
 * bus_path_peer() - the peer's domain, by the path of a device
 * @nodename: such as backend/vbd/3/51712
 *
 * Context: Any.
 * Return: The domain, 0 if there is no number.
 */
u32 bus_path_peer(const char *nodename)
{
	const char *type = strchr(nodename, '/') + 1;
	const char *domain = strchr(type, '/');
	u32 domid;

	return domain && sscanf(domain, "/%u/", &domid) == 1 ? domid : 0;
}

static u32 bus_batch_peer(const struct xenbus_batch *batch, unsigned int n)
{
	u32 domid;

	return xenbus_batch_scanf(batch, n, "%u", &domid) == 1 ? domid : 0;
}

/* Keep each path that the batch says is new, with its peer. */
static void bus_paths_keep_by(const struct xen_bus_type *bus,
			      struct bus_paths *list,
			      const struct xenbus_batch *batch)
{
	unsigned int i, kept = 0, reads = bus->peer_node ? 2 : 1;

	for (i = 0; i < list->num; i++) {
		char *path = list->paths[i];

		if (batch->err || !bus_state_is_new(batch, reads * i)) {
			kfree(path);
			continue;
		}
		list->paths[kept] = path;
		list->peers[kept++] = bus->peer_node ?
				      bus_batch_peer(batch, reads * i + 1) :
				      bus_path_peer(path);
	}
	list->num = kept;
}

/**
 * bus_paths_keep_new() - drop what is not the directory of a new device
 * @bus: the bus
 * @list: the list, which gets its @peers
 *
 * Context: Process; sleeps once.
 * Return: 0, or -ENOMEM, and the list is empty then.
 */
int bus_paths_keep_new(const struct xen_bus_type *bus, struct bus_paths *list)
{
	struct xenbus_batch batch;
	unsigned int i;
	int err;

	list->peers = kcalloc(list->num, sizeof(*list->peers), GFP_KERNEL);
	if (list->num && !list->peers) {
		bus_paths_free(list);
		return -ENOMEM;
	}
	xenbus_batch_init(&batch, XBT_NIL);
	for (i = 0; i < list->num; i++) {
		xenbus_batch_read(&batch, list->paths[i], "state");
		if (bus->peer_node)
			xenbus_batch_read(&batch, list->paths[i],
					  bus->peer_node);
	}
	xenbus_batch_run(&batch);
	err = batch.err;
	bus_paths_keep_by(bus, list, &batch);
	xenbus_batch_free(&batch);
	return err;
}
