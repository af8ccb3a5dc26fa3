// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which devices a bus has, by path and by name.
 *
 * The driver core would walk over all devices. Here a lookup takes the same time
 * however many there are, which counts where a host has thousands of backends
 * and every state that one of them writes is an event for the bus.
 *
 * A table has a reference to each device that it lists. It lists a device from
 * before its probe until after its removal, so that its path and its name are
 * not given to another meanwhile.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/jhash.h>
#include <linux/rhashtable.h>
#include <linux/string.h>

#include "bus.h"

static u32 bus_key_hash(const void *string, u32 len, u32 seed)
{
	return jhash(string, strlen(string), seed);
}

static u32 bus_key_obj_hash(const void *obj, u32 len, u32 seed)
{
	const struct bus_key *key = obj;

	return bus_key_hash(key->string, len, seed);
}

static int bus_key_compare(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct bus_key *key = obj;

	return strcmp(arg->key, key->string);
}

static const struct rhashtable_params bus_key_params = {
	.head_offset	= offsetof(struct bus_key, head),
	.hashfn		= bus_key_hash,
	.obj_hashfn	= bus_key_obj_hash,
	.obj_cmpfn	= bus_key_compare,
	.automatic_shrinking = true,
};

/**
 * bus_table_init() - make an empty table
 * @table: the table
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int bus_table_init(struct bus_table *table)
{
	int err;

	spin_lock_init(&table->lock);
	err = rhashtable_init(&table->paths, &bus_key_params);
	if (err)
		return err;
	err = rhashtable_init(&table->names, &bus_key_params);
	if (err)
		rhashtable_destroy(&table->paths);
	return err;
}

/**
 * bus_table_destroy() - free a table
 * @table: a table that is empty
 *
 * Context: Process, may sleep.
 */
void bus_table_destroy(struct bus_table *table)
{
	rhashtable_destroy(&table->paths);
	rhashtable_destroy(&table->names);
}

static int bus_table_insert_locked(struct bus_table *table,
				   struct bus_device *bdev)
	__must_hold(&table->lock)
{
	int err;

	lockdep_assert_held(&table->lock);
	err = rhashtable_lookup_insert_key(&table->paths, bdev->path.string,
					   &bdev->path.head, bus_key_params);
	if (err)
		return err == -EEXIST ? -EALREADY : err;
	err = rhashtable_lookup_insert_key(&table->names, bdev->name.string,
					   &bdev->name.head, bus_key_params);
	if (err)
		rhashtable_remove_fast(&table->paths, &bdev->path.head,
				       bus_key_params);
	return err;
}

/**
 * bus_table_add() - list a device
 * @table: the table
 * @bdev: a device with its path and name set
 *
 * Context: Process.
 * Return: 0; -EALREADY if there is one of this path; -EEXIST if there is one of
 * this name; -ENOMEM, -E2BIG or -EBUSY.
 */
int bus_table_add(struct bus_table *table, struct bus_device *bdev)
{
	int err;

	bdev->path.string = bdev->xendev.nodename;
	bdev->name.string = dev_name(&bdev->xendev.dev);
	spin_lock(&table->lock);
	err = bus_table_insert_locked(table, bdev);
	if (!err) {
		get_device(&bdev->xendev.dev);
		bdev->listed = true;
	}
	spin_unlock(&table->lock);
	return err;
}

/**
 * bus_table_remove() - do not list a device any more
 * @table: the table
 * @bdev: a device
 *
 * Context: Process; the caller has a reference of its own.
 * Return: true if it was listed.
 */
bool bus_table_remove(struct bus_table *table, struct bus_device *bdev)
{
	bool listed;

	spin_lock(&table->lock);
	listed = bdev->listed;
	if (listed) {
		rhashtable_remove_fast(&table->paths, &bdev->path.head,
				       bus_key_params);
		rhashtable_remove_fast(&table->names, &bdev->name.head,
				       bus_key_params);
		bdev->listed = false;
	}
	spin_unlock(&table->lock);
	if (listed)
		put_device(&bdev->xendev.dev);
	return listed;
}

/**
 * bus_table_find() - find a device by its path
 * @table: the table
 * @nodename: the path
 *
 * Context: Process.
 * Return: The device, to be put by the caller, or NULL.
 */
struct bus_device *bus_table_find(struct bus_table *table, const char *nodename)
{
	struct bus_key *key;
	struct bus_device *bdev = NULL;

	spin_lock(&table->lock);
	key = rhashtable_lookup_fast(&table->paths, nodename, bus_key_params);
	if (key) {
		bdev = container_of(key, struct bus_device, path);
		get_device(&bdev->xendev.dev);
	}
	spin_unlock(&table->lock);
	return bdev;
}
