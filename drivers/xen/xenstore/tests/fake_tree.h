/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The nodes of the fake store, without anything that happens to them.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FAKE_TREE_H
#define _XENSTORE_FAKE_TREE_H

#include <linux/list.h>

/**
 * struct fake_node - one node
 */
struct fake_node {
	/** @node: on the tree's list */
	struct list_head node;
	/** @len: bytes in @value */
	size_t len;
	/** @value: in the same block */
	char *value;
	/** @path: full path */
	char path[];
};

struct fake_node *fake_tree_find(struct list_head *tree, const char *path);
int fake_tree_write(struct list_head *tree, const char *path,
		    const void *value, size_t len);
int fake_tree_mkdir(struct list_head *tree, const char *path);
int fake_tree_rm(struct list_head *tree, const char *path);
int fake_tree_copy(struct list_head *to, struct list_head *from);
void fake_tree_free(struct list_head *tree);
const char *fake_tree_child(const struct fake_node *node, const char *path,
			    size_t *len);
bool fake_tree_path_is_valid(const char *path);

#endif /* _XENSTORE_FAKE_TREE_H */
