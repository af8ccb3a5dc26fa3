// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nodes of the fake store.
 *
 * A list by full path: slow, and hard to get wrong. Nothing here sleeps; the
 * owner of a tree has a lock for it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fake_tree.h"

/**
 * fake_tree_path_is_valid() - would a server accept an absolute path?
 * @path: the path
 *
 * Context: Any.
 * Return: true if it would.
 */
bool fake_tree_path_is_valid(const char *path)
{
	size_t len = strlen(path);
	size_t i;

	if (path[0] != '/' || (len > 1 && path[len - 1] == '/') ||
	    strstr(path, "//"))
		return false;
	for (i = 0; i < len; i++) {
		if (!isalnum(path[i]) && !strchr("-/_@", path[i]))
			return false;
	}
	return true;
}

/* Is @path below @parent? */
static bool fake_tree_is_below(const char *parent, const char *path)
{
	size_t len = strlen(parent);

	if (!strcmp(parent, "/"))
		return path[1];
	return !strncmp(parent, path, len) && path[len] == '/';
}

/**
 * fake_tree_find() - look a node up
 * @tree: the tree
 * @path: its path
 *
 * Context: Any.
 * Return: The node or NULL.
 */
struct fake_node *fake_tree_find(struct list_head *tree, const char *path)
{
	struct fake_node *node;

	list_for_each_entry(node, tree, node) {
		if (!strcmp(node->path, path))
			return node;
	}
	return NULL;
}

static struct fake_node *fake_node_alloc(const char *path, size_t path_len,
					 const void *value, size_t len)
{
	struct fake_node *node;

	node = kmalloc(sizeof(*node) + path_len + 1 + len + 1, GFP_ATOMIC);
	if (!node)
		return NULL;
	memcpy(node->path, path, path_len);
	node->path[path_len] = '\0';
	node->value = node->path + path_len + 1;
	memcpy(node->value, value, len);
	node->value[len] = '\0';
	node->len = len;
	return node;
}

/* Make every node on the way to @path exist. */
static int fake_tree_make_parents(struct list_head *tree, const char *path)
{
	const char *slash = path;
	struct fake_node *node;

	while ((slash = strchr(slash + 1, '/'))) {
		node = fake_node_alloc(path, slash - path, "", 0);
		if (!node)
			return -ENOMEM;
		if (fake_tree_find(tree, node->path))
			kfree(node);
		else
			list_add_tail(&node->node, tree);
	}
	return 0;
}

/**
 * fake_tree_write() - set the value of a node, creating it if needed
 * @tree: the tree
 * @path: its path
 * @value: the bytes
 * @len: how many
 *
 * Context: Any.
 * Return: 0 or -ENOMEM.
 */
int fake_tree_write(struct list_head *tree, const char *path,
		    const void *value, size_t len)
{
	struct fake_node *node, *old;
	int err;

	err = fake_tree_make_parents(tree, path);
	if (err)
		return err;
	node = fake_node_alloc(path, strlen(path), value, len);
	if (!node)
		return -ENOMEM;
	old = fake_tree_find(tree, path);
	if (old) {
		list_replace(&old->node, &node->node);
		kfree(old);
	} else {
		list_add_tail(&node->node, tree);
	}
	return 0;
}

/**
 * fake_tree_mkdir() - make a node exist
 * @tree: the tree
 * @path: its path
 *
 * Context: Any.
 * Return: 1 if it was created, 0 if it was there, or -ENOMEM.
 */
int fake_tree_mkdir(struct list_head *tree, const char *path)
{
	if (fake_tree_find(tree, path))
		return 0;
	return fake_tree_write(tree, path, "", 0) ?: 1;
}

static bool fake_tree_has_parent(struct list_head *tree, const char *path)
{
	struct fake_node *node;

	list_for_each_entry(node, tree, node) {
		if (fake_tree_is_below(node->path, path) &&
		    !strchr(path + strlen(node->path) + 1, '/'))
			return true;
	}
	return false;
}

/**
 * fake_tree_rm() - remove a node and all below it
 * @tree: the tree
 * @path: its path
 *
 * Context: Any.
 * Return: 1 if it was removed, 0 if only its parent is there, -ENOENT if not
 * even that, -EINVAL for the root.
 */
int fake_tree_rm(struct list_head *tree, const char *path)
{
	struct fake_node *node, *next;

	if (!strcmp(path, "/"))
		return -EINVAL;
	if (!fake_tree_find(tree, path))
		return fake_tree_has_parent(tree, path) ? 0 : -ENOENT;
	list_for_each_entry_safe(node, next, tree, node) {
		if (!strcmp(node->path, path) ||
		    fake_tree_is_below(path, node->path)) {
			list_del(&node->node);
			kfree(node);
		}
	}
	return 1;
}

/**
 * fake_tree_copy() - copy all nodes
 * @to: an empty tree
 * @from: the tree
 *
 * Context: Any.
 * Return: 0 or -ENOMEM; @to is empty then.
 */
int fake_tree_copy(struct list_head *to, struct list_head *from)
{
	struct fake_node *node, *copy;

	list_for_each_entry(node, from, node) {
		copy = fake_node_alloc(node->path, strlen(node->path),
				       node->value, node->len);
		if (!copy) {
			fake_tree_free(to);
			return -ENOMEM;
		}
		list_add_tail(&copy->node, to);
	}
	return 0;
}

/**
 * fake_tree_free() - remove every node, the root included
 * @tree: the tree
 *
 * Context: Any.
 */
void fake_tree_free(struct list_head *tree)
{
	struct fake_node *node, *next;

	list_for_each_entry_safe(node, next, tree, node) {
		list_del(&node->node);
		kfree(node);
	}
}

/**
 * fake_tree_child() - name of a node, if it is a child of another
 * @node: the node
 * @path: path of the other
 * @len: where the length of the name goes
 *
 * Context: Any.
 * Return: The name and a NUL, or NULL if it is no child.
 */
const char *fake_tree_child(const struct fake_node *node, const char *path,
			    size_t *len)
{
	const char *name;

	if (!fake_tree_is_below(path, node->path))
		return NULL;
	name = node->path + (strcmp(path, "/") ? strlen(path) + 1 : 1);
	*len = strlen(name);
	return strchr(name, '/') ? NULL : name;
}
