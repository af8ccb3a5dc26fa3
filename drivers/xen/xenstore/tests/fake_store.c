// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small XenStore server for tests.
 *
 * Puts a tree with watches and transactions behind a scripted peer, and lets a
 * test be a second client and look inside. Runs under the lock of the peer, in
 * whatever context that is stepped, and never sleeps.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/slab.h>

#include "fake_ops.h"
#include "fake_tree.h"

static void fake_store_receive(struct fake_peer *peer,
			       const struct fake_message *msg)
{
	struct fake_store *store = container_of(peer, struct fake_store, peer);
	struct xsd_sockmsg hdr = msg->hdr;
	const char *error = NULL;
	int err;

	store->reply_len = 0;
	if (hdr.type < XS_TYPE_COUNT)
		error = store->refuse[hdr.type];
	if (!error) {
		err = fake_ops_work(store, msg);
		if (err == -ENOSPC)
			error = store->quota_error;
		else
			error = err ? xs_wire_error_name(err) : NULL;
	}
	if (error) {
		hdr.type = XS_ERROR;
		store->reply_len = 0;
		fake_ops_put(store, error, strlen(error) + 1);
	}
	hdr.len = store->reply_len;
	if (store->events_first)
		fake_ops_send_events(store);
	fake_peer_send_locked(peer, &hdr, store->reply);
	fake_ops_send_events(store);
}

static void fake_store_reset(struct fake_peer *peer)
{
	fake_ops_forget(container_of(peer, struct fake_store, peer));
}

static const struct fake_peer_ops fake_store_ops = {
	.receive = fake_store_receive,
	.reset = fake_store_reset,
};

static void fake_store_release(void *data)
{
	struct fake_store *store = data;

	fake_ops_forget(store);
	fake_tree_free(&store->nodes);
}

/**
 * fake_store_create() - make a store with an empty tree
 * @test: the test it belongs to
 *
 * It replies at once and refuses nothing that the protocol allows.
 *
 * Context: The test's own thread.
 * Return: The store; the test has ended if there is no memory.
 */
struct fake_store *fake_store_create(struct kunit *test)
{
	struct fake_store *store;

	store = kunit_kzalloc(test, sizeof(*store), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, store);
	INIT_LIST_HEAD(&store->nodes);
	INIT_LIST_HEAD(&store->watches);
	INIT_LIST_HEAD(&store->txns);
	INIT_LIST_HEAD(&store->events);
	store->max_watches = UINT_MAX;
	store->max_transactions = UINT_MAX;
	store->max_nodes = UINT_MAX;
	store->quota_error = "ENOSPC";
	fake_peer_init(test, &store->peer, &fake_store_ops);
	store->peer.automatic = true;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_store_release,
							store), 0);
	KUNIT_ASSERT_EQ(test, fake_tree_write(&store->nodes, "/", "", 0), 0);
	return store;
}

static void fake_store_change(struct fake_store *store, int err,
			      const char *path, bool removed)
	__must_hold(&store->peer.lock)
{
	lockdep_assert_held(&store->peer.lock);
	if (err < 0)
		store->peer.failed = true;
	else
		fake_ops_changed(store, NULL, path, removed);
	fake_ops_send_events(store);
}

static void fake_store_flush(struct fake_store *store)
{
	if (store->peer.automatic)
		fake_peer_settle(&store->peer);
}

/**
 * fake_store_write() - another client writes a node
 * @store: the store
 * @path: absolute path
 * @value: the bytes
 * @len: how many
 *
 * Context: Any but hard interrupt.
 */
void fake_store_write(struct fake_store *store, const char *path,
		      const void *value, size_t len)
{
	spin_lock(&store->peer.lock);
	fake_store_change(store, fake_tree_write(&store->nodes, path, value, len),
			  path, false);
	spin_unlock(&store->peer.lock);
	fake_store_flush(store);
}

/**
 * fake_store_rm() - another client removes a node and all below it
 * @store: the store
 * @path: absolute path of a node that exists
 *
 * Context: Any but hard interrupt.
 */
void fake_store_rm(struct fake_store *store, const char *path)
{
	spin_lock(&store->peer.lock);
	fake_store_change(store, fake_tree_rm(&store->nodes, path), path, true);
	spin_unlock(&store->peer.lock);
	fake_store_flush(store);
}

/**
 * fake_store_fire() - let watches fire although nothing has changed
 * @store: the store
 * @path: absolute path, or @releaseDomain and the like
 *
 * Context: Any but hard interrupt.
 */
void fake_store_fire(struct fake_store *store, const char *path)
{
	spin_lock(&store->peer.lock);
	fake_ops_fire(store, path, false);
	fake_ops_send_events(store);
	spin_unlock(&store->peer.lock);
	fake_store_flush(store);
}

KUNIT_DEFINE_ACTION_WRAPPER(fake_store_kfree, kfree, const void *);

/**
 * fake_store_value() - look at a node behind the client's back
 * @store: the store
 * @path: absolute path
 * @len: where the length goes; may be NULL
 *
 * Context: Process.
 * Return: A copy of the value with a NUL behind it, valid until the test ends,
 * or NULL if there is no such node.
 */
const char *fake_store_value(struct fake_store *store, const char *path,
			     size_t *len)
{
	struct fake_node *node;
	char *value = NULL;
	size_t size = 0;

	spin_lock(&store->peer.lock);
	node = fake_tree_find(&store->nodes, path);
	if (node) {
		size = node->len;
		value = kmemdup(node->value, size + 1, GFP_ATOMIC);
	}
	spin_unlock(&store->peer.lock);
	if (len)
		*len = size;
	if (value && kunit_add_action_or_reset(store->peer.test,
					       fake_store_kfree, value))
		return NULL;
	return value;
}

/**
 * fake_store_watches() - how many watches does the client have?
 * @store: the store
 * @path: count those on this absolute path only; NULL counts all
 *
 * Context: Any but hard interrupt.
 * Return: The number.
 */
unsigned int fake_store_watches(struct fake_store *store, const char *path)
{
	struct fake_watch *watch;
	unsigned int count = 0;

	spin_lock(&store->peer.lock);
	list_for_each_entry(watch, &store->watches, node)
		count += !path || !strcmp(watch->path, path);
	spin_unlock(&store->peer.lock);
	return count;
}

/**
 * fake_store_transactions() - how many transactions are open?
 * @store: the store
 *
 * Context: Any but hard interrupt.
 * Return: The number.
 */
unsigned int fake_store_transactions(struct fake_store *store)
{
	unsigned int count;

	spin_lock(&store->peer.lock);
	count = list_count_nodes(&store->txns);
	spin_unlock(&store->peer.lock);
	return count;
}

/**
 * fake_store_nodes() - how many nodes are there?
 * @store: the store
 *
 * Context: Any but hard interrupt.
 * Return: The number, outside of transactions.
 */
unsigned int fake_store_nodes(struct fake_store *store)
{
	unsigned int count;

	spin_lock(&store->peer.lock);
	count = list_count_nodes(&store->nodes);
	spin_unlock(&store->peer.lock);
	return count;
}
