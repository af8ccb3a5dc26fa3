/* SPDX-License-Identifier: GPL-2.0 */
/* What is known of a part of the store, and what is to be known of it. */
#ifndef LSXENBUS_TREE_H
#define LSXENBUS_TREE_H

#include <stdbool.h>
#include <stddef.h>

/* No node of a store has a longer path. */
#define TREE_PATH_MAX 3072

enum tree_want {
	TREE_LIST = 1,		/* its children */
	TREE_VALUE = 2,
};

struct part;

/**
 * struct plan - what is asked of a node, and of those below
 *
 * The children of a node come from the server if the plan wants a list;
 * otherwise those with a name are asked for straight away, and need not exist.
 */
struct plan {
	/** @name: of the node, or NULL for any */
	const char *name;
	/** @want: what to ask; 0 for a node that is only passed through */
	unsigned int want;
	/** @below: plans of its children; the last has no @want and no @below */
	const struct plan *below;
};

/** struct node - a node of the store */
struct node {
	/** @parent: NULL for the root of what is shown */
	struct node *parent;
	/** @plan: what is asked of it */
	const struct plan *plan;
	/** @todo: the next one to be asked, while this one is to be, too */
	struct node *todo;
	/** @child: @count children, sorted by tree_tidy() */
	struct node **child;
	/** @count: of @child */
	size_t count;
	/** @value: @len bytes, or NULL if it is not known */
	char *value;
	/** @len: of @value */
	size_t len;
	/** @perms: "b0,r7", or NULL */
	char *perms;
	/** @error: why something is not known, as "EACCES", or NULL */
	char *error;
	/** @part: a list that arrives in parts */
	struct part *part;
	/** @gone: there is no such node */
	bool gone;
	/** @fresh: to be asked again, with all that is below */
	bool fresh;
	/** @name: the last part of the path; the whole path of a root */
	char name[];
};

const struct plan *tree_everything(void);
struct node *tree_add(struct node *parent, const struct plan *plan,
		      const char *name, size_t len);
void tree_clear(struct node *node);
void tree_free(struct node *node);
void tree_tidy(struct node *node);
struct node *tree_child(const struct node *node, const char *name, size_t len);
const struct plan *tree_plan_below(const struct plan *plan, const char *name,
				   size_t len);
size_t tree_path(const struct node *node, char *path, size_t size);
void tree_set(char **field, const char *text);

#endif
