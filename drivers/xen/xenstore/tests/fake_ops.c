// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the requests to the fake store do.
 *
 * As xenstore.txt says, and as simply as it can be said: a transaction is a
 * copy of the tree, and any change by others makes its commit fail. Runs under
 * the lock of the store's peer and never sleeps. How messages come and go is
 * not known here.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/errno.h>
#include <linux/slab.h>

#include "fake_ops.h"
#include "fake_tree.h"

struct fake_txn {
	struct list_head node;
	u32 id;
	u64 generation;
	struct list_head nodes;
	struct list_head changes;
};

struct fake_change {
	struct list_head node;
	bool removed;
	char path[];
};

/* A request that is being worked on. */
struct fake_work {
	const struct fake_message *msg;
	/* NULL outside of a transaction. */
	struct fake_txn *txn;
	/* What the request sees: the store's nodes, or the transaction's. */
	struct list_head *tree;
	/* What follows the path. */
	const char *rest;
	size_t rest_len;
	/* Bytes that were put before a relative path. */
	size_t hidden;
};

struct fake_op {
	int (*run)(struct fake_store *store, struct fake_work *work);
	/* The payload begins with a path. */
	bool path;
	/* Success is reported as "OK". */
	bool ok;
};

/* Events */

static void fake_stage_event(struct fake_store *store,
			     const struct fake_watch *watch, const char *path)
{
	const char *shown = path + watch->hidden;
	size_t path_len = strlen(shown) + 1;
	size_t token_len = strlen(watch->token) + 1;
	struct fake_message *msg;

	/* As servers do with what does not fit in a message. */
	if (path_len + token_len > XENSTORE_PAYLOAD_MAX)
		return;
	msg = kzalloc(sizeof(*msg) + path_len + token_len, GFP_ATOMIC);
	if (!msg) {
		store->peer.failed = true;
		return;
	}
	msg->hdr.type = XS_WATCH_EVENT;
	msg->hdr.len = path_len + token_len;
	memcpy(msg->body, shown, path_len);
	memcpy(msg->body + path_len, watch->token, token_len);
	list_add_tail(&msg->node, &store->events);
}

/**
 * fake_ops_send_events() - send the events that have been caused
 * @store: the store
 *
 * Context: Any but hard interrupt; &fake_peer.lock held.
 */
void fake_ops_send_events(struct fake_store *store)
{
	struct fake_message *msg, *next;

	list_for_each_entry_safe(msg, next, &store->events, node) {
		fake_peer_send_locked(&store->peer, &msg->hdr, msg->body);
		list_del(&msg->node);
		kfree(msg);
	}
}

static bool fake_path_covers(const char *upper, const char *lower)
{
	size_t len = strlen(upper);

	if (!strcmp(upper, "/"))
		return lower[0] == '/';
	return !strncmp(upper, lower, len) &&
	       (lower[len] == '\0' || lower[len] == '/');
}

/**
 * fake_ops_fire() - cause the events for a node
 * @store: the store
 * @path: its path
 * @removed: it has gone, and all below it
 *
 * Context: Any but hard interrupt; &fake_peer.lock held.
 */
void fake_ops_fire(struct fake_store *store, const char *path, bool removed)
{
	struct fake_watch *watch;

	list_for_each_entry(watch, &store->watches, node) {
		if (fake_path_covers(watch->path, path))
			fake_stage_event(store, watch, path);
		else if (removed && fake_path_covers(path, watch->path))
			fake_stage_event(store, watch, watch->path);
	}
}

/**
 * fake_ops_changed() - a node has changed
 * @store: the store
 * @txn: the transaction, whose commit will cause the events; NULL if it was
 *	outside of any
 * @path: path of the node
 * @removed: it has gone, and all below it
 *
 * Context: Any but hard interrupt; &fake_peer.lock held.
 * Return: 0 or -ENOMEM.
 */
int fake_ops_changed(struct fake_store *store, struct fake_txn *txn,
		     const char *path, bool removed)
{
	size_t len = strlen(path) + 1;
	struct fake_change *change;

	if (!txn) {
		store->generation++;
		fake_ops_fire(store, path, removed);
		return 0;
	}
	change = kmalloc(sizeof(*change) + len, GFP_ATOMIC);
	if (!change)
		return -ENOMEM;
	change->removed = removed;
	memcpy(change->path, path, len);
	list_add_tail(&change->node, &txn->changes);
	return 0;
}

/* Nodes */

/**
 * fake_ops_put() - add to the reply that is being built
 * @store: the store
 * @bytes: the bytes
 * @len: how many
 *
 * Context: Any but hard interrupt; &fake_peer.lock held.
 * Return: 0, or -E2BIG if they do not fit, in which case nothing is added.
 */
int fake_ops_put(struct fake_store *store, const char *bytes, size_t len)
{
	if (len > sizeof(store->reply) - store->reply_len)
		return -E2BIG;
	memcpy(store->reply + store->reply_len, bytes, len);
	store->reply_len += len;
	return 0;
}

static int fake_read(struct fake_store *store, struct fake_work *work)
{
	struct fake_node *node = fake_tree_find(work->tree, store->path);

	if (!node)
		return -ENOENT;
	return fake_ops_put(store, node->value, node->len);
}

/* The quota counts what the transaction sees, as C xenstored does. */
static bool fake_is_beyond_quota(struct fake_store *store,
				 struct fake_work *work)
{
	return store->max_nodes != UINT_MAX &&
	       list_count_nodes(work->tree) >= store->max_nodes &&
	       !fake_tree_find(work->tree, store->path);
}

static int fake_write(struct fake_store *store, struct fake_work *work)
{
	if (fake_is_beyond_quota(store, work))
		return -ENOSPC;
	return fake_tree_write(work->tree, store->path, work->rest,
			       work->rest_len) ?:
	       fake_ops_changed(store, work->txn, store->path, false);
}

static int fake_mkdir(struct fake_store *store, struct fake_work *work)
{
	int created;

	if (fake_is_beyond_quota(store, work))
		return -ENOSPC;
	created = fake_tree_mkdir(work->tree, store->path);
	if (created <= 0)
		return created;
	return fake_ops_changed(store, work->txn, store->path, false);
}

static int fake_rm(struct fake_store *store, struct fake_work *work)
{
	int removed = fake_tree_rm(work->tree, store->path);

	if (removed <= 0)
		return removed;
	return fake_ops_changed(store, work->txn, store->path, true);
}

static int fake_directory(struct fake_store *store, struct fake_work *work)
{
	struct fake_node *node;
	const char *name;
	size_t len;
	int err;

	if (!fake_tree_find(work->tree, store->path))
		return -ENOENT;
	list_for_each_entry(node, work->tree, node) {
		name = fake_tree_child(node, store->path, &len);
		err = name ? fake_ops_put(store, name, len + 1) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* The children from an offset on, as far as they fit. */
static int fake_directory_part(struct fake_store *store, struct fake_work *work)
{
	struct fake_node *node;
	u32 offset, pos = 0;
	const char *name;
	char count[24];
	size_t len;

	if (xs_wire_parse_u32(work->rest, work->rest_len, &offset))
		return -EINVAL;
	if (!fake_tree_find(work->tree, store->path))
		return -ENOENT;
	snprintf(count, sizeof(count), "%llu", store->generation);
	fake_ops_put(store, count, strlen(count) + 1);
	list_for_each_entry(node, work->tree, node) {
		name = fake_tree_child(node, store->path, &len);
		if (!name)
			continue;
		if (pos >= offset && fake_ops_put(store, name, len + 1))
			return 0;
		pos += len + 1;
	}
	/* An empty string is the end; if it does not fit, it comes alone. */
	fake_ops_put(store, "", 1);
	return 0;
}

static int fake_get_perms(struct fake_store *store, struct fake_work *work)
{
	if (!fake_tree_find(work->tree, store->path))
		return -ENOENT;
	return fake_ops_put(store, "n7", 3);
}

static int fake_set_perms(struct fake_store *store, struct fake_work *work)
{
	if (!fake_tree_find(work->tree, store->path))
		return -ENOENT;
	return fake_ops_changed(store, work->txn, store->path, false);
}

/* Watches */

static struct fake_watch *fake_find_watch(struct fake_store *store,
					  const char *token)
{
	struct fake_watch *watch;

	list_for_each_entry(watch, &store->watches, node) {
		if (!strcmp(watch->path, store->path) &&
		    !strcmp(watch->token, token))
			return watch;
	}
	return NULL;
}

static int fake_watch(struct fake_store *store, struct fake_work *work)
{
	size_t path_len = strlen(store->path) + 1;
	size_t token_len = strnlen(work->rest, work->rest_len) + 1;
	struct fake_watch *watch;

	if (token_len > work->rest_len)
		return -EINVAL;
	if (fake_find_watch(store, work->rest))
		return -EEXIST;
	if (list_count_nodes(&store->watches) >= store->max_watches)
		return -E2BIG;
	watch = kmalloc(sizeof(*watch) + path_len + token_len, GFP_ATOMIC);
	if (!watch)
		return -ENOMEM;
	watch->hidden = work->hidden;
	watch->token = watch->path + path_len;
	memcpy(watch->path, store->path, path_len);
	memcpy(watch->path + path_len, work->rest, token_len);
	list_add_tail(&watch->node, &store->watches);
	fake_stage_event(store, watch, watch->path);
	return 0;
}

static int fake_unwatch(struct fake_store *store, struct fake_work *work)
{
	struct fake_watch *watch;

	if (strnlen(work->rest, work->rest_len) == work->rest_len)
		return -EINVAL;
	watch = fake_find_watch(store, work->rest);
	if (!watch)
		return -ENOENT;
	list_del(&watch->node);
	kfree(watch);
	return 0;
}

/* Transactions */

static void fake_txn_free(struct fake_txn *txn)
{
	struct fake_change *change, *next;

	list_for_each_entry_safe(change, next, &txn->changes, node)
		kfree(change);
	fake_tree_free(&txn->nodes);
	list_del(&txn->node);
	kfree(txn);
}

static struct fake_txn *fake_find_txn(struct fake_store *store, u32 id)
{
	struct fake_txn *txn;

	list_for_each_entry(txn, &store->txns, node) {
		if (txn->id == id)
			return txn;
	}
	return NULL;
}

static u32 fake_new_tx_id(struct fake_store *store)
{
	u32 id = 1;

	if (!store->reuse_tx_ids)
		return ++store->last_tx_id;
	while (fake_find_txn(store, id))
		id++;
	return id;
}

static int fake_transaction_start(struct fake_store *store,
				  struct fake_work *work)
{
	struct fake_txn *txn;
	char id[12];

	if (work->txn)
		return -EBUSY;
	if (list_count_nodes(&store->txns) >= store->max_transactions)
		return -ENOSPC;
	txn = kmalloc(sizeof(*txn), GFP_ATOMIC);
	if (!txn)
		return -ENOMEM;
	INIT_LIST_HEAD(&txn->nodes);
	INIT_LIST_HEAD(&txn->changes);
	if (fake_tree_copy(&txn->nodes, &store->nodes)) {
		kfree(txn);
		return -ENOMEM;
	}
	txn->id = fake_new_tx_id(store);
	txn->generation = store->generation;
	list_add_tail(&txn->node, &store->txns);
	snprintf(id, sizeof(id), "%u", txn->id);
	return fake_ops_put(store, id, strlen(id) + 1);
}

static int fake_commit(struct fake_store *store, struct fake_txn *txn)
{
	struct fake_change *change;

	if (store->conflicts) {
		store->conflicts--;
		return -EAGAIN;
	}
	if (store->generation != txn->generation)
		return -EAGAIN;
	fake_tree_free(&store->nodes);
	list_splice_init(&txn->nodes, &store->nodes);
	list_for_each_entry(change, &txn->changes, node)
		fake_ops_changed(store, NULL, change->path, change->removed);
	return 0;
}

static int fake_transaction_end(struct fake_store *store,
				struct fake_work *work)
{
	const char *body = work->msg->body;
	int err = 0;

	if (!work->txn)
		return -ENOENT;
	if (work->msg->hdr.len != 2 || (strcmp(body, "T") && strcmp(body, "F")))
		return -EINVAL;
	if (body[0] == 'T')
		err = fake_commit(store, work->txn);
	fake_txn_free(work->txn);
	return err;
}

/**
 * fake_ops_forget() - forget the client: its watches and transactions
 * @store: the store
 *
 * Context: Any but hard interrupt; &fake_peer.lock held, or the test is over.
 */
void fake_ops_forget(struct fake_store *store)
{
	struct fake_watch *watch, *next_watch;
	struct fake_txn *txn, *next_txn;
	struct fake_message *msg, *next;

	list_for_each_entry_safe(watch, next_watch, &store->watches, node) {
		list_del(&watch->node);
		kfree(watch);
	}
	list_for_each_entry_safe(txn, next_txn, &store->txns, node)
		fake_txn_free(txn);
	list_for_each_entry_safe(msg, next, &store->events, node) {
		list_del(&msg->node);
		kfree(msg);
	}
}

static int fake_reset_watches(struct fake_store *store, struct fake_work *work)
{
	fake_ops_forget(store);
	return 0;
}

/* The rest */

static int fake_domain_path(struct fake_store *store, struct fake_work *work)
{
	static const char prefix[] = "/local/domain/";

	return fake_ops_put(store, prefix, sizeof(prefix) - 1) ?:
	       fake_ops_put(store, work->msg->body, work->msg->hdr.len);
}

static int fake_is_introduced(struct fake_store *store, struct fake_work *work)
{
	return fake_ops_put(store, "T", 2);
}

static const struct fake_op fake_ops[XS_TYPE_COUNT] = {
	[XS_DIRECTORY] = { fake_directory, .path = true },
	[XS_READ] = { fake_read, .path = true },
	[XS_GET_PERMS] = { fake_get_perms, .path = true },
	[XS_WATCH] = { fake_watch, .path = true, .ok = true },
	[XS_UNWATCH] = { fake_unwatch, .path = true, .ok = true },
	[XS_TRANSACTION_START] = { fake_transaction_start },
	[XS_TRANSACTION_END] = { fake_transaction_end, .ok = true },
	[XS_GET_DOMAIN_PATH] = { fake_domain_path },
	[XS_WRITE] = { fake_write, .path = true, .ok = true },
	[XS_MKDIR] = { fake_mkdir, .path = true, .ok = true },
	[XS_RM] = { fake_rm, .path = true, .ok = true },
	[XS_SET_PERMS] = { fake_set_perms, .path = true, .ok = true },
	[XS_IS_DOMAIN_INTRODUCED] = { fake_is_introduced },
	[XS_RESET_WATCHES] = { fake_reset_watches, .ok = true },
	[XS_DIRECTORY_PART] = { fake_directory_part, .path = true },
};

static bool fake_is_about_watches(u32 type)
{
	return type == XS_WATCH || type == XS_UNWATCH;
}

static int fake_parse_path(struct fake_store *store, struct fake_work *work)
{
	const char *body = work->msg->body;
	size_t len = strnlen(body, work->msg->hdr.len);

	if (len == work->msg->hdr.len)
		return -EINVAL;
	work->rest = body + len + 1;
	work->rest_len = work->msg->hdr.len - len - 1;
	if (body[0] == '@') {
		strscpy(store->path, body, sizeof(store->path));
		return fake_is_about_watches(work->msg->hdr.type) ? 0 : -EINVAL;
	}
	work->hidden = body[0] == '/' ? 0 : strlen(FAKE_STORE_HOME "/");
	snprintf(store->path, sizeof(store->path), "%s%s",
		 work->hidden ? FAKE_STORE_HOME "/" : "", body);
	return fake_tree_path_is_valid(store->path) ? 0 : -EINVAL;
}

/**
 * fake_ops_work() - do what a request asks for
 * @store: the store
 * @msg: the request
 *
 * Context: Any but hard interrupt; &fake_peer.lock held.
 * Return: 0 with the body of the reply in &fake_store.reply, or the negative
 * errno to answer with.
 */
int fake_ops_work(struct fake_store *store, const struct fake_message *msg)
{
	struct fake_work work = { .msg = msg, .tree = &store->nodes };
	u32 type = msg->hdr.type;
	int err;

	if (type >= XS_TYPE_COUNT || !fake_ops[type].run)
		return -ENOSYS;
	if (msg->hdr.tx_id && !fake_is_about_watches(type)) {
		work.txn = fake_find_txn(store, msg->hdr.tx_id);
		if (!work.txn)
			return -ENOENT;
		work.tree = &work.txn->nodes;
	}
	err = fake_ops[type].path ? fake_parse_path(store, &work) : 0;
	if (!err)
		err = fake_ops[type].run(store, &work);
	if (!err && fake_ops[type].ok)
		err = fake_ops_put(store, "OK", 3);
	return err;
}
