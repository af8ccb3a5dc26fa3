/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shrinkers are made by the kernel. Before, their users declared them.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include_next <linux/shrinker.h>

#ifndef COMPAT_SHRINKER_H
#define COMPAT_SHRINKER_H

#include <linux/container_of.h>
#include <linux/printk.h>
#include <linux/slab.h>

struct compat_shrinker {
	struct shrinker shrinker;
	const char *name;
};

/* The name is one that stays. */
static inline struct shrinker *shrinker_alloc(unsigned int flags,
					      const char *name)
{
	struct compat_shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (!shrinker)
		return NULL;
	shrinker->shrinker.flags = flags;
	shrinker->shrinker.seeks = DEFAULT_SEEKS;
	shrinker->name = name;
	return &shrinker->shrinker;
}

static inline void shrinker_register(struct shrinker *shrinker)
{
	const char *name;

	name = container_of(shrinker, struct compat_shrinker, shrinker)->name;
	if (register_shrinker(shrinker, "%s", name))
		pr_warn("shrinker %s is not registered\n", name);
}

#endif /* COMPAT_SHRINKER_H */
