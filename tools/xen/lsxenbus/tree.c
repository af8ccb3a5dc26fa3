// SPDX-License-Identifier: GPL-2.0
/*
 * The picture that the program has of a part of the store: nodes with what the
 * replies said about them, and the plans that say what to request. Requests and
 * output are elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "part.h"
#include "store.h"
#include "tree.h"

static const struct plan tree_any[] = {
	{ .want = TREE_LIST | TREE_VALUE, .below = tree_any },
	{ 0 }
};

/**
 * tree_everything - the plan that never ends
 *
 * Context: any.
 * Return: the plan of a node of which all is wanted, as of all below.
 */
const struct plan *tree_everything(void)
{
	return tree_any;
}

/**
 * tree_add - make a node of which nothing is known
 * @parent: it becomes the last child of this, or NULL
 * @plan: what is to be asked of it
 * @name: its name, or the path of a root, of @len bytes
 * @len: of @name
 *
 * Context: any.
 * Return: the node, which belongs to @parent.
 */
struct node *tree_add(struct node *parent, const struct plan *plan,
		      const char *name, size_t len)
{
	struct node *node = store_alloc(sizeof(*node) + len + 1);
	size_t count;

	memcpy(node->name, name, len);
	node->parent = parent;
	node->plan = plan;
	if (!parent)
		return node;

	/* Capacity grows in powers of 2, each when the one before may be full. */
	count = parent->count;
	if (!(count & (count - 1))) {
		struct node **child = store_alloc((count ? 2 * count : 1) *
						  sizeof(*child));

		if (count)
			memcpy(child, parent->child, count * sizeof(*child));
		free(parent->child);
		parent->child = child;
	}
	parent->child[parent->count++] = node;
	return node;
}

/**
 * tree_clear - forget what is known of a node, its children included
 * @node: the node; its name and its place remain
 *
 * Context: neither it nor what is below is being asked.
 */
void tree_clear(struct node *node)
{
	size_t i;

	for (i = 0; i < node->count; i++)
		tree_free(node->child[i]);
	free(node->child);
	node->child = NULL;
	node->count = 0;
	tree_set(&node->value, NULL);
	tree_set(&node->perms, NULL);
	tree_set(&node->error, NULL);
	node->len = 0;
	part_free(node->part);
	node->part = NULL;
	node->gone = false;
	node->fresh = false;
}

/**
 * tree_free - free a node and all that is below
 * @node: the node; its parent must not use it any more
 *
 * Context: nothing of it is being asked.
 */
void tree_free(struct node *node)
{
	tree_clear(node);
	free(node);
}

/* As a person counts: 2 before 10. */
static int tree_compare(const void *a, const void *b)
{
	const struct node *const *left = a, *const *right = b;

	return strverscmp((*left)->name, (*right)->name);
}

/* A node that is only passed through was not requested. */
static bool tree_is_missing(const struct node *node)
{
	return node->gone ||
	       (!node->plan->want && node->plan->name && !node->count);
}

/**
 * tree_tidy - drop the nodes that do not exist, and sort the others
 * @node: where to begin; it stays, even if it does not exist itself
 *
 * The order does not depend on the server, nor on what was learnt when.
 *
 * Context: nothing of it is being asked.
 */
void tree_tidy(struct node *node)
{
	size_t i, kept = 0;

	node->fresh = false;
	part_free(node->part);
	node->part = NULL;
	for (i = 0; i < node->count; i++) {
		struct node *child = node->child[i];

		tree_tidy(child);
		if (tree_is_missing(child))
			tree_free(child);
		else
			node->child[kept++] = child;
	}
	node->count = kept;
	if (kept)
		qsort(node->child, kept, sizeof(*node->child), tree_compare);
}

/**
 * tree_child - find a child
 * @node: its parent
 * @name: its name, of @len bytes
 * @len: of @name
 *
 * Context: any.
 * Return: the child, or NULL.
 */
struct node *tree_child(const struct node *node, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < node->count; i++) {
		struct node *child = node->child[i];

		if (!strncmp(child->name, name, len) && !child->name[len])
			return child;
	}
	return NULL;
}

/**
 * tree_plan_below - what is wanted of a child
 * @plan: the plan of its parent
 * @name: its name, of @len bytes
 * @len: of @name
 *
 * Context: any.
 * Return: the child's plan, or NULL if nothing is wanted.
 */
const struct plan *tree_plan_below(const struct plan *plan, const char *name,
				   size_t len)
{
	const struct plan *below = plan->below;

	for (; below && (below->want || below->below); below++) {
		if (!below->name || (!strncmp(below->name, name, len) &&
				     !below->name[len]))
			return below;
	}
	return NULL;
}

/**
 * tree_path - the path of a node
 * @node: the node
 * @path: where to put it, as a string
 * @size: of @path
 *
 * Context: any.
 * Return: its length, or 0 if it does not fit.
 */
size_t tree_path(const struct node *node, char *path, size_t size)
{
	const struct node *above = node->parent;
	size_t at = 0, len = strlen(node->name);

	if (above) {
		at = tree_path(above, path, size);
		if (!at)
			return 0;
		/* The root of the store ends in a slash, and no other. */
		if (path[at - 1] != '/')
			path[at++] = '/';
	}
	if (at + len >= size)
		return 0;
	memcpy(path + at, node->name, len + 1);
	return at + len;
}

/**
 * tree_set - change a string
 * @field: the string, which is freed
 * @text: what to copy, or NULL for none
 *
 * Context: any.
 */
void tree_set(char **field, const char *text)
{
	free(*field);
	*field = NULL;
	if (text) {
		*field = store_alloc(strlen(text) + 1);
		memcpy(*field, text, strlen(text));
	}
}
