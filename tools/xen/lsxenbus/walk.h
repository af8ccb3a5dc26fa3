/* SPDX-License-Identifier: GPL-2.0 */
/* Asking for parts of the store, level by level. */
#ifndef LSXENBUS_WALK_H
#define LSXENBUS_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "tree.h"

struct walk;

/** struct walk_options - how to ask */
struct walk_options {
	/** @device: the name of the device file */
	const char *device;
	/** @perms: whether to ask for permissions, too */
	bool perms;
	/** @transaction: whether each picture is one transaction's */
	bool transaction;
};

struct walk *walk_open(const struct walk_options *options,
		       struct node *const *roots, size_t count);
void walk_close(struct walk *walk);
const struct store_stats *walk_stats(const struct walk *walk);
void walk_all(struct walk *walk);
void walk_watch(struct walk *walk);
void walk_await(struct walk *walk);
void walk_update(struct walk *walk);

#endif
