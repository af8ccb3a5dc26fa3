// SPDX-License-Identifier: GPL-2.0
/*
 * Asking for parts of the store. All that is known to exist and not asked yet
 * is asked at once; the replies say what there is to ask next. So there are as
 * many waits as the tree has levels, however many nodes it has. A list that is
 * too long for one message takes one wait for each of its parts, while other
 * nodes of the same and of the next levels go on beside it.
 *
 * What vanishes while it is looked at is left out. What may not be looked at
 * says so, in the node.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "part.h"
#include "store.h"
#include "walk.h"

/* How often to begin again because of a write in the meantime. */
#define WALK_TRIES 100

/* One of the paths that are shown. */
struct walk_root {
	struct node *node;
	bool told;		/* the first event has come */
};

/* Something below ROOT has changed. */
struct walk_event {
	struct node *root;
	char *path;
};

struct walk {
	const struct walk_options *options;
	struct store *store;
	struct walk_root *roots;
	size_t n_roots, untold;		/* untold: those that are not told */
	uint32_t tx;
	bool conflict;			/* the transaction is worth nothing */
	struct node *todo, **tail;	/* what to ask with the next level */
	struct walk_event *events;
	size_t n_events, room;
};

static void walk_push(struct walk *walk, struct node *node)
{
	node->todo = NULL;
	*walk->tail = node;
	walk->tail = &node->todo;
}

/* === Replies === */

/* LEN bytes of strings. */
static void walk_take_names(struct walk *walk, struct node *node,
			    const char *names, size_t len)
{
	const char *end = names + len;
	size_t size;

	for (; names < end; names += size + 1) {
		const struct plan *plan;

		size = strlen(names);
		plan = tree_plan_below(node->plan, names, size);
		if (size && plan)
			walk_push(walk, tree_add(node, plan, names, size));
	}
}

static void walk_take_value(struct node *node, const char *value, size_t len)
{
	free(node->value);
	node->value = store_alloc(len + 1);
	memcpy(node->value, value, len);
	node->len = len;
}

/* "b0" NUL "r7" NUL becomes "b0,r7". */
static void walk_take_perms(struct node *node, const char *perms, size_t len)
{
	char text[STORE_PAYLOAD_MAX + 1];
	size_t i;

	if (len && !perms[len - 1])
		len--;
	for (i = 0; i < len; i++)
		text[i] = perms[i] ? perms[i] : ',';
	text[len] = 0;
	tree_set(&node->perms, text);
}

static void walk_take_part(struct walk *walk, struct node *node,
			   const char *body, size_t len)
{
	const char *names;

	switch (part_take(node->part, body, len)) {
	case PART_MORE:
		walk_push(walk, node);
		break;
	case PART_COMPLETE:
		names = part_names(node->part, &len);
		walk_take_names(walk, node, names, len);
		break;
	case PART_RESTLESS:
		tree_set(&node->error, "EAGAIN");
		break;
	case PART_WRONG:
		tree_set(&node->error, "EINVAL");
		break;
	}
}

static void walk_refused(struct walk *walk, struct node *node,
			 const struct store_reply *reply)
{
	const char *error = reply->error;

	if (!strcmp(error, "ENOENT")) {
		node->gone = true;
	} else if (walk->tx && !strcmp(error, "EAGAIN")) {
		walk->conflict = true;
	} else if (reply->type == STORE_DIRECTORY && !strcmp(error, "E2BIG")) {
		node->part = part_alloc();
		walk_push(walk, node);
	} else if (reply->type == STORE_DIRECTORY_PART &&
		   !strcmp(error, "ENOSYS")) {
		/* What it said of the whole list tells more. */
		tree_set(&node->error, "E2BIG");
	} else {
		tree_set(&node->error, error);
	}
}

static void walk_reply(void *owner, void *item, const struct store_reply *reply)
{
	struct walk *walk = owner;
	struct node *node = item;

	if (reply->error)
		walk_refused(walk, node, reply);
	else if (reply->type == STORE_DIRECTORY)
		walk_take_names(walk, node, reply->body, reply->len);
	else if (reply->type == STORE_DIRECTORY_PART)
		walk_take_part(walk, node, reply->body, reply->len);
	else if (reply->type == STORE_GET_PERMS)
		walk_take_perms(node, reply->body, reply->len);
	else
		walk_take_value(node, reply->body, reply->len);
}

/* === Asking === */

static void walk_submit(struct walk *walk, struct node *node,
			enum store_type type, const char *body, size_t len)
{
	struct store_call call = {
		.type = type, .tx = walk->tx, .body = body, .len = len,
		.done = walk_reply, .owner = walk, .item = node,
	};

	store_submit(walk->store, &call);
}

static void walk_ask_part(struct walk *walk, struct node *node,
			  const char *path, size_t len)
{
	char body[TREE_PATH_MAX + 32];
	int more;

	memcpy(body, path, len + 1);
	more = snprintf(body + len + 1, sizeof(body) - len - 1, "%zu",
			part_offset(node->part));
	walk_submit(walk, node, STORE_DIRECTORY_PART, body, len + more + 2);
}

/* Of a node that is passed through, its children are asked. */
static void walk_ask(struct walk *walk, struct node *node)
{
	const struct plan *plan = node->plan, *below = plan->below;
	char path[TREE_PATH_MAX + 1];
	size_t len = tree_path(node, path, sizeof(path));

	if (!len) {
		tree_set(&node->error, "ENAMETOOLONG");
		return;
	}
	if (node->part) {
		walk_ask_part(walk, node, path, len);
		return;
	}
	if (plan->want & TREE_LIST)
		walk_submit(walk, node, STORE_DIRECTORY, path, len + 1);
	if (plan->want & TREE_VALUE) {
		walk_submit(walk, node, STORE_READ, path, len + 1);
		if (walk->options->perms)
			walk_submit(walk, node, STORE_GET_PERMS, path, len + 1);
	}
	if (plan->want & TREE_LIST)
		return;
	for (; below && below->name; below++)
		walk_ask(walk, tree_add(node, below, below->name,
					strlen(below->name)));
}

static void walk_levels(struct walk *walk)
{
	struct node *node, *next;

	while ((node = walk->todo)) {
		walk->todo = NULL;
		walk->tail = &walk->todo;
		for (; node; node = next) {
			next = node->todo;
			walk_ask(walk, node);
		}
		store_run(walk->store);
	}
}

/* === Transactions === */

static void walk_began(void *owner, void *item, const struct store_reply *reply)
{
	struct walk *walk = owner;

	(void)item;
	if (reply->error)
		errx(1, "cannot start a transaction: %s", reply->error);
	walk->tx = strtoul(reply->body, NULL, 10);
	if (!walk->tx)
		errx(1, "the store starts transaction %s", reply->body);
}

static void walk_ended(void *owner, void *item, const struct store_reply *reply)
{
	struct walk *walk = owner;

	(void)item;
	walk->tx = 0;
	if (!reply->error)
		return;
	if (strcmp(reply->error, "EAGAIN"))
		errx(1, "cannot end a transaction: %s", reply->error);
	walk->conflict = true;
}

static void walk_begin(struct walk *walk)
{
	struct store_call call = {
		.type = STORE_TRANSACTION_START, .body = "", .len = 1,
		.done = walk_began, .owner = walk,
	};

	store_submit(walk->store, &call);
	store_run(walk->store);
}

/*
 * Nothing was written, but it is committed all the same: that is how the
 * server tells whether everything that was read belongs together.
 */
static void walk_end(struct walk *walk)
{
	struct store_call call = {
		.type = STORE_TRANSACTION_END, .tx = walk->tx, .body = "T",
		.len = 2, .done = walk_ended, .owner = walk,
	};

	if (walk->conflict)
		call.body = "F";
	store_submit(walk->store, &call);
	store_run(walk->store);
}

/* === Pictures === */

static void walk_roots(struct walk *walk)
{
	size_t i;

	for (i = 0; i < walk->n_roots; i++) {
		tree_clear(walk->roots[i].node);
		walk_push(walk, walk->roots[i].node);
	}
	walk_levels(walk);
}

static void walk_tidy(struct walk *walk)
{
	size_t i;

	for (i = 0; i < walk->n_roots; i++)
		tree_tidy(walk->roots[i].node);
}

/**
 * walk_all - ask for everything that is to be shown
 * @walk: the walk
 *
 * In a transaction it is begun again if what was read does not belong together.
 *
 * Context: any.
 */
void walk_all(struct walk *walk)
{
	int tries = 0;

	if (!walk->options->transaction) {
		walk_roots(walk);
	} else {
		do {
			if (tries++ == WALK_TRIES)
				errx(1, "others write too often for a transaction");
			walk->conflict = false;
			walk_begin(walk);
			walk_roots(walk);
			walk_end(walk);
		} while (walk->conflict);
	}
	walk_tidy(walk);
}

/* === Watches === */

/*
 * The token is the number of the root. The first event says nothing; those
 * after it are kept until walk_update() takes them.
 */
static void walk_event(void *owner, const char *path, const char *token)
{
	struct walk *walk = owner;
	unsigned long i = strtoul(token, NULL, 10);
	struct walk_event *event;

	if (i >= walk->n_roots)
		errx(1, "the store tells of what is not watched");
	if (!walk->roots[i].told) {
		walk->roots[i].told = true;
		walk->untold--;
		return;
	}
	if (walk->n_events == walk->room) {
		walk->room = walk->room ? 2 * walk->room : 64;
		walk->events = realloc(walk->events,
				       walk->room * sizeof(*walk->events));
		if (!walk->events)
			err(1, NULL);
	}
	event = &walk->events[walk->n_events++];
	event->root = walk->roots[i].node;
	event->path = NULL;
	tree_set(&event->path, path);
}

static void walk_watched(void *owner, void *item,
			 const struct store_reply *reply)
{
	struct node *node = item;

	(void)owner;
	if (reply->error)
		errx(1, "cannot watch %s: %s", node->name, reply->error);
}

/**
 * walk_watch - have changes told from now on
 * @walk: the walk; walk_all() and walk_update() come after it
 *
 * It returns when the first event of each watch has come, which says nothing.
 * A later one could be taken for it, and a change be missed.
 *
 * Context: any.
 */
void walk_watch(struct walk *walk)
{
	char body[TREE_PATH_MAX + 32];
	struct store_call call = {
		.type = STORE_WATCH, .body = body, .done = walk_watched,
	};
	size_t i;

	walk->untold = walk->n_roots;
	for (i = 0; i < walk->n_roots; i++) {
		call.item = walk->roots[i].node;
		call.len = snprintf(body, sizeof(body), "%s%c%zu",
				    walk->roots[i].node->name, 0, i) + 1;
		store_submit(walk->store, &call);
	}
	store_run(walk->store);
	while (walk->untold)
		store_step(walk->store);
}

/* What is behind the path of ROOT; NULL if PATH is not below. */
static const char *walk_below(const struct node *root, const char *path)
{
	size_t len = strlen(root->name);

	if (len && root->name[len - 1] == '/')
		len--;
	if (strncmp(root->name, path, len))
		return NULL;
	path += len;
	return !*path || *path == '/' ? path : NULL;
}

/*
 * Marks the node at PATH or, if it is not known, the highest one above it that
 * is not; nothing if it is not wanted, or if it is marked with one above.
 */
static bool walk_mark(struct node *node, const char *path)
{
	path = walk_below(node, path);
	while (path && *path && path[1] && !node->fresh && !node->gone) {
		const char *name = path + 1;
		const struct plan *plan;
		struct node *child;

		path = strchrnul(name, '/');
		plan = tree_plan_below(node->plan, name, path - name);
		if (!plan)
			return false;
		child = tree_child(node, name, path - name);
		if (!child) {
			node = tree_add(node, plan, name, path - name);
			break;
		}
		node = child;
	}
	if (!path)
		return false;
	/* Whether a node that is only passed through exists, others know. */
	while (!node->plan->want && !node->fresh)
		node = node->parent;
	node->fresh = true;
	return true;
}

/* Those below a marked one are asked with it. */
static void walk_push_marked(struct walk *walk, struct node *node)
{
	size_t i;

	if (node->fresh) {
		tree_clear(node);
		walk_push(walk, node);
		return;
	}
	for (i = 0; i < node->count; i++)
		walk_push_marked(walk, node->child[i]);
}

/* Whether there is anything to ask. */
static bool walk_apply_events(struct walk *walk)
{
	bool any = false;
	size_t i;

	for (i = 0; i < walk->n_events; i++) {
		struct walk_event *event = &walk->events[i];

		any |= walk_mark(event->root, event->path);
		free(event->path);
	}
	walk->n_events = 0;
	return any;
}

/**
 * walk_await - wait until something has changed that is shown
 * @walk: the walk; walk_watch() and walk_all() have been called
 *
 * Context: any.
 */
void walk_await(struct walk *walk)
{
	do {
		while (!walk->n_events)
			store_step(walk->store);
	} while (!walk_apply_events(walk));
}

/**
 * walk_update - ask again for what has changed
 * @walk: the walk, after walk_await()
 *
 * In a transaction that is everything, or it would not belong together.
 *
 * Context: any.
 */
void walk_update(struct walk *walk)
{
	size_t i;

	if (walk->options->transaction) {
		walk_all(walk);
		return;
	}
	for (i = 0; i < walk->n_roots; i++)
		walk_push_marked(walk, walk->roots[i].node);
	walk_levels(walk);
	walk_tidy(walk);
}

/* === Begin and end === */

/**
 * walk_open - get ready to ask
 * @options: how; they must stay
 * @roots: what to show; the nodes must stay, and are filled
 * @count: of @roots
 *
 * Context: any.
 * Return: the walk; the program ends if there is no device.
 */
struct walk *walk_open(const struct walk_options *options,
		       struct node *const *roots, size_t count)
{
	struct walk *walk = store_alloc(sizeof(*walk));
	size_t i;

	walk->options = options;
	walk->store = store_open(options->device, walk_event, walk);
	walk->roots = store_alloc(count * sizeof(*walk->roots));
	walk->n_roots = count;
	walk->tail = &walk->todo;
	for (i = 0; i < count; i++)
		walk->roots[i].node = roots[i];
	return walk;
}

/**
 * walk_close - close the device
 * @walk: nothing is being asked
 *
 * Context: any.
 */
void walk_close(struct walk *walk)
{
	store_close(walk->store);
	free(walk->roots);
	free(walk->events);
	free(walk);
}

/**
 * walk_stats - what it took so far
 * @walk: the walk
 *
 * Context: any.
 * Return: the figures, which go on counting.
 */
const struct store_stats *walk_stats(const struct walk *walk)
{
	return store_stats(walk->store);
}
