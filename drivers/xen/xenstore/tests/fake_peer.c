// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scripted peer for tests.
 *
 * Stands on the server's side of the ring page and moves bytes with code of
 * its own, so that a mistake in ring.c cannot hide here. What the messages say
 * is known only to the test, or to the store that is built on this. Nothing
 * here sleeps once it has been created: an automatic peer works within notify(),
 * which the connection calls from its kthread.
 *
 * Everything is released when the test ends, also after a failed assertion.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <asm/barrier.h>

#include "fake_memory.h"
#include "fake_peer.h"

static void fake_peer_record_locked(struct fake_peer *peer,
				    struct fake_message *msg)
	__must_hold(&peer->lock)
{
	lockdep_assert_held(&peer->lock);
	if (peer->record)
		list_add_tail(&msg->node, &peer->seen);
	else
		kfree(msg);
}

/* The message in peer->in is complete. */
static void fake_peer_complete_locked(struct fake_peer *peer)
	__must_hold(&peer->lock)
{
	size_t len = peer->in.hdr.len;
	struct fake_message *msg;

	lockdep_assert_held(&peer->lock);
	peer->in.have = 0;
	peer->count++;
	msg = kmalloc(sizeof(*msg) + len + 1, GFP_ATOMIC);
	if (!msg) {
		peer->failed = true;
		return;
	}
	msg->hdr = peer->in.hdr;
	memcpy(msg->body, peer->in.body, len);
	msg->body[len] = '\0';
	if (peer->ops)
		peer->ops->receive(peer, msg);
	fake_peer_record_locked(peer, msg);
}

static void fake_peer_receive_locked(struct fake_peer *peer, char byte)
	__must_hold(&peer->lock)
{
	size_t have = peer->in.have++;

	lockdep_assert_held(&peer->lock);
	if (have < sizeof(peer->in.hdr)) {
		((char *)&peer->in.hdr)[have] = byte;
		if (++have < sizeof(peer->in.hdr))
			return;
		if (peer->in.hdr.len > XENSTORE_PAYLOAD_MAX) {
			WRITE_ONCE(peer->page->error, XENSTORE_ERROR_PROTO);
			peer->take = 0;
			return;
		}
	} else {
		peer->in.body[have++ - sizeof(peer->in.hdr)] = byte;
	}
	if (have == sizeof(peer->in.hdr) + peer->in.hdr.len)
		fake_peer_complete_locked(peer);
}

/* Read from the request ring; an index out of range is left alone. */
static size_t fake_peer_take_locked(struct fake_peer *peer)
	__must_hold(&peer->lock)
{
	struct xenstore_domain_interface *page = peer->page;
	u32 cons = READ_ONCE(page->req_cons);
	u32 used = READ_ONCE(page->req_prod) - cons;
	size_t n, i;

	lockdep_assert_held(&peer->lock);
	if (used > XENSTORE_RING_SIZE)
		return 0;
	/* Pairs with the barrier before the client moves req_prod. */
	virt_rmb();
	n = min_t(size_t, used, peer->take);
	for (i = 0; i < n; i++)
		fake_peer_receive_locked(peer,
					 page->req[MASK_XENSTORE_IDX(cons + i)]);
	/* The bytes have been read before their space is given back. */
	virt_mb();
	WRITE_ONCE(page->req_cons, cons + n);
	/* Pairs with the barrier after the client has moved req_prod. */
	virt_mb();
	return n;
}

/* Write to the response ring; an index out of range is left alone. */
static size_t fake_peer_give_locked(struct fake_peer *peer)
	__must_hold(&peer->lock)
{
	struct xenstore_domain_interface *page = peer->page;
	u32 prod = READ_ONCE(page->rsp_prod);
	u32 used = prod - READ_ONCE(page->rsp_cons);
	size_t n, i;

	lockdep_assert_held(&peer->lock);
	if (used > XENSTORE_RING_SIZE)
		return 0;
	/* Pairs with the barrier before the client moves rsp_cons. */
	virt_mb();
	n = min3((size_t)(XENSTORE_RING_SIZE - used), peer->give,
		 (size_t)kfifo_len(&peer->out));
	for (i = 0; i < n; i++) {
		u8 byte = 0;

		if (!kfifo_get(&peer->out, &byte))
			peer->failed = true;
		page->rsp[MASK_XENSTORE_IDX(prod + i)] = byte;
	}
	/* The bytes are in the page before the index says so. */
	virt_wmb();
	WRITE_ONCE(page->rsp_prod, prod + n);
	/* Pairs with the barrier after the client has moved rsp_cons. */
	virt_mb();
	return n;
}

/**
 * fake_peer_interrupt() - notify the client, unless that is masked
 * @peer: the peer
 *
 * The handler runs with interrupts disabled, and as an interrupt for lockdep:
 * it reports a lock that is also taken with interrupts enabled.
 *
 * Context: Any but hard interrupt.
 */
void fake_peer_interrupt(struct fake_peer *peer)
{
	unsigned long flags;

	if (!peer->t.notified)
		return;
	spin_lock_irqsave(&peer->irq_lock, flags);
	if (!READ_ONCE(peer->masked)) {
		lockdep_hardirq_enter();
		peer->t.notified(&peer->t);
		lockdep_hardirq_exit();
	}
	spin_unlock_irqrestore(&peer->irq_lock, flags);
}

/**
 * fake_peer_serve() - be a server with a thread of its own
 * @peer: a peer that is not automatic and not stepped by the test
 *
 * Sleeps when nothing can be moved, until it is notified.
 *
 * Context: Process, sleeps; returns after fake_peer_dismiss().
 */
void fake_peer_serve(struct fake_peer *peer)
{
	unsigned int before;

	while (!READ_ONCE(peer->dismissed)) {
		before = fake_peer_notifications(peer);
		while (fake_peer_step(peer))
			cond_resched();
		wait_event_idle(peer->wq, READ_ONCE(peer->dismissed) ||
				fake_peer_notifications(peer) != before);
	}
}

/**
 * fake_peer_dismiss() - let fake_peer_serve() return
 * @peer: the peer
 *
 * Context: Any but hard interrupt.
 */
void fake_peer_dismiss(struct fake_peer *peer)
{
	WRITE_ONCE(peer->dismissed, true);
	wake_up(&peer->wq);
}

static void fake_peer_forget_locked(struct fake_peer *peer)
	__must_hold(&peer->lock)
{
	lockdep_assert_held(&peer->lock);
	peer->in.have = 0;
	kfifo_reset(&peer->out);
	if (peer->ops && peer->ops->reset)
		peer->ops->reset(peer);
}

/* The client has asked to begin anew. What it has in the rings does not count. */
static size_t fake_peer_renew_locked(struct fake_peer *peer)
	__must_hold(&peer->lock)
{
	lockdep_assert_held(&peer->lock);
	if (peer->deaf)
		return 0;
	fake_peer_forget_locked(peer);
	fake_peer_set_indices(peer, 0, 0);
	WRITE_ONCE(peer->page->error, XENSTORE_ERROR_NONE);
	peer->renewals++;
	/* Pairs with the acquire of the client: the indices come first. */
	virt_store_release(&peer->page->connection, XENSTORE_CONNECTED);
	return 1;
}

static size_t fake_peer_move_locked(struct fake_peer *peer)
	__must_hold(&peer->lock)
{
	size_t moved;

	lockdep_assert_held(&peer->lock);
	if (READ_ONCE(peer->page->connection) == XENSTORE_RECONNECT)
		return fake_peer_renew_locked(peer);
	moved = fake_peer_take_locked(peer);
	return moved + fake_peer_give_locked(peer);
}

/**
 * fake_peer_step() - do one step of the server's work
 * @peer: the peer
 *
 * Reads at most &fake_peer.take bytes, then writes at most &fake_peer.give,
 * and notifies the client if anything moved; or begins anew if the client asks
 * for it.
 *
 * Context: Any but hard interrupt.
 * Return: Number of bytes moved.
 */
size_t fake_peer_step(struct fake_peer *peer)
{
	size_t moved;

	spin_lock(&peer->lock);
	moved = fake_peer_move_locked(peer);
	spin_unlock(&peer->lock);
	if (moved && !peer->mute)
		fake_peer_interrupt(peer);
	return moved;
}

/**
 * fake_peer_settle() - step until nothing moves any more
 * @peer: the peer
 *
 * Context: Any but hard interrupt.
 */
void fake_peer_settle(struct fake_peer *peer)
{
	/* Perhaps in a task whose own allocations are to fail, or counted. */
	unsigned int nth = fake_memory_pause();

	while (fake_peer_step(peer))
		;
	fake_memory_go_on(nth);
}

static void fake_peer_flush(struct fake_peer *peer)
{
	if (peer->automatic)
		fake_peer_settle(peer);
}

/**
 * fake_peer_run() - step the peer and the connection until both are idle
 * @peer: the peer
 * @conn: a connection without a kthread
 *
 * Context: Process.
 * Return: 0 or the error of xs_io_pass(), which ends the run.
 */
int fake_peer_run(struct fake_peer *peer, struct xs_conn *conn)
{
	int err;

	do {
		err = xs_io_pass(conn);
	} while (!err && (fake_peer_step(peer) || xs_io_has_work(conn)));
	return err;
}

static void fake_peer_put_locked(struct fake_peer *peer, const void *bytes,
				 size_t len)
	__must_hold(&peer->lock)
{
	lockdep_assert_held(&peer->lock);
	if (kfifo_in(&peer->out, (const u8 *)bytes, len) != len)
		peer->failed = true;
}

/**
 * fake_peer_send_locked() - queue a message for the client
 * @peer: the peer
 * @hdr: its header
 * @body: &hdr.len bytes
 *
 * For &fake_peer_ops.receive; the bytes go to the ring in the same step.
 *
 * Context: Any but hard interrupt; &fake_peer.lock held.
 */
void fake_peer_send_locked(struct fake_peer *peer,
			   const struct xsd_sockmsg *hdr, const void *body)
{
	lockdep_assert_held(&peer->lock);
	fake_peer_put_locked(peer, hdr, sizeof(*hdr));
	fake_peer_put_locked(peer, body, hdr->len);
}

static void fake_peer_send(struct fake_peer *peer,
			   const struct xsd_sockmsg *hdr, const void *body)
{
	spin_lock(&peer->lock);
	fake_peer_send_locked(peer, hdr, body);
	spin_unlock(&peer->lock);
	fake_peer_flush(peer);
}

/**
 * fake_peer_put() - queue raw bytes for the client
 * @peer: the peer
 * @bytes: anything, such as half a header
 * @len: how many
 *
 * Context: Any but hard interrupt.
 */
void fake_peer_put(struct fake_peer *peer, const void *bytes, size_t len)
{
	spin_lock(&peer->lock);
	fake_peer_put_locked(peer, bytes, len);
	spin_unlock(&peer->lock);
	fake_peer_flush(peer);
}

/**
 * fake_peer_reply() - queue a reply, or what looks like one
 * @peer: the peer
 * @type: type in its header
 * @id: request id in its header, which is not checked
 * @body: its body
 * @len: length of the body
 *
 * Context: Any but hard interrupt.
 */
void fake_peer_reply(struct fake_peer *peer, u32 type, u32 id,
		     const void *body, size_t len)
{
	struct xsd_sockmsg hdr = { .type = type, .req_id = id, .len = len };

	fake_peer_send(peer, &hdr, body);
}

/**
 * fake_peer_reply_to() - queue the reply to a request
 * @peer: the peer
 * @msg: the request
 * @body: body of the reply
 * @len: length of the body
 *
 * The reply has the type, the id and the transaction of the request.
 *
 * Context: Any but hard interrupt.
 */
void fake_peer_reply_to(struct fake_peer *peer, const struct fake_message *msg,
			const void *body, size_t len)
{
	struct xsd_sockmsg hdr = msg->hdr;

	hdr.len = len;
	fake_peer_send(peer, &hdr, body);
}

/**
 * fake_peer_event() - queue a watch event
 * @peer: the peer
 * @path: its path
 * @token: its token
 *
 * Context: The test's own thread.
 */
void fake_peer_event(struct fake_peer *peer, const char *path,
		     const char *token)
{
	size_t path_len = strlen(path) + 1;
	size_t token_len = strlen(token) + 1;
	char *body = kunit_kmalloc(peer->test, path_len + token_len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(peer->test, body);
	memcpy(body, path, path_len);
	memcpy(body + path_len, token, token_len);
	fake_peer_reply(peer, XS_WATCH_EVENT, 0, body, path_len + token_len);
}

#define to_peer(transport)	container_of(transport, struct fake_peer, t)

static int fake_peer_connect(struct xs_transport *t)
{
	struct fake_peer *peer = to_peer(t);

	if (peer->connect_err)
		return peer->connect_err;
	t->page = peer->page;
	spin_lock(&peer->lock);
	peer->connects++;
	spin_unlock(&peer->lock);
	return 0;
}

static void fake_peer_disconnect(struct xs_transport *t)
{
	struct fake_peer *peer = to_peer(t);

	t->page = NULL;
	spin_lock(&peer->lock);
	peer->disconnects++;
	spin_unlock(&peer->lock);
}

/* As after a migration: another page, another channel, and another server. */
static int fake_peer_reconnect(struct xs_transport *t)
{
	struct fake_peer *peer = to_peer(t);

	if (peer->reconnect_err)
		return peer->reconnect_err;
	spin_lock(&peer->lock);
	swap(peer->page, peer->spare);
	memset(peer->page, 0, sizeof(*peer->page));
	peer->page->error = peer->reconnect_error;
	t->page = peer->page;
	WRITE_ONCE(t->masked, false);
	WRITE_ONCE(peer->masked, false);
	fake_peer_forget_locked(peer);
	peer->reconnects++;
	spin_unlock(&peer->lock);
	return 0;
}

static void fake_peer_notify(struct xs_transport *t)
{
	struct fake_peer *peer = to_peer(t);

	spin_lock(&peer->lock);
	peer->notifications++;
	spin_unlock(&peer->lock);
	wake_up(&peer->wq);
	fake_peer_flush(peer);
}

static void fake_peer_mask(struct xs_transport *t)
{
	struct fake_peer *peer = to_peer(t);

	WRITE_ONCE(peer->masks, peer->masks + 1);
	WRITE_ONCE(peer->masked, true);
}

static void fake_peer_unmask(struct xs_transport *t)
{
	struct fake_peer *peer = to_peer(t);

	WRITE_ONCE(peer->unmasks, peer->unmasks + 1);
	WRITE_ONCE(peer->masked, false);
}

static const struct xs_transport_ops fake_peer_transport_ops = {
	.connect = fake_peer_connect,
	.disconnect = fake_peer_disconnect,
	.reconnect = fake_peer_reconnect,
	.notify = fake_peer_notify,
	.mask = fake_peer_mask,
	.unmask = fake_peer_unmask,
};

static void fake_peer_release(void *data)
{
	struct fake_peer *peer = data;
	struct fake_message *msg, *next;

	KUNIT_EXPECT_FALSE_MSG(peer->test, peer->failed,
			       "the fake ran out of room or memory");
	list_for_each_entry_safe(msg, next, &peer->seen, node)
		kfree(msg);
	kfifo_free(&peer->out);
}

/**
 * fake_peer_set_indices() - choose where the rings of a page begin
 * @peer: a peer whose page the client does not use
 * @requests: both indices of the request ring
 * @responses: both indices of the response ring
 *
 * Context: Process.
 */
void fake_peer_set_indices(struct fake_peer *peer, u32 requests, u32 responses)
{
	WRITE_ONCE(peer->page->req_prod, requests);
	WRITE_ONCE(peer->page->req_cons, requests);
	WRITE_ONCE(peer->page->rsp_prod, responses);
	WRITE_ONCE(peer->page->rsp_cons, responses);
}

/**
 * fake_peer_init() - set up a peer that is part of something larger
 * @test: the test it belongs to
 * @peer: zeroed, and freed only after the test's actions have run
 * @ops: acts on messages; may be NULL
 *
 * Context: The test's own thread.
 */
void fake_peer_init(struct kunit *test, struct fake_peer *peer,
		    const struct fake_peer_ops *ops)
{
	peer->test = test;
	peer->ops = ops;
	peer->t.ops = &fake_peer_transport_ops;
	peer->take = SIZE_MAX;
	peer->give = SIZE_MAX;
	peer->record = true;
	spin_lock_init(&peer->irq_lock);
	init_waitqueue_head(&peer->wq);
	spin_lock_init(&peer->lock);
	INIT_LIST_HEAD(&peer->seen);

	/* Both outlive every connection, which is made later. */
	peer->page = kunit_kmalloc(test, sizeof(*peer->page), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, peer->page);
	peer->spare = kunit_kmalloc(test, sizeof(*peer->spare), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, peer->spare);
	/* It is not promised that unused bytes are clean. */
	memset(peer->page, 0xa5, sizeof(*peer->page));
	peer->page->server_features = 0;
	peer->page->connection = XENSTORE_CONNECTED;
	peer->page->error = XENSTORE_ERROR_NONE;
	fake_peer_set_indices(peer, FAKE_PEER_START, FAKE_PEER_START);

	KUNIT_ASSERT_EQ(test, kfifo_alloc(&peer->out, FAKE_PEER_BACKLOG,
					  GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_peer_release,
							peer), 0);
}

/**
 * fake_peer_create() - make a scripted peer
 * @test: the test it belongs to
 *
 * It is stepped by the test and moves whatever can be moved in one step.
 *
 * Context: The test's own thread.
 * Return: The peer; the test has ended if there is no memory.
 */
struct fake_peer *fake_peer_create(struct kunit *test)
{
	struct fake_peer *peer = kunit_kzalloc(test, sizeof(*peer), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, peer);
	fake_peer_init(test, peer, NULL);
	return peer;
}

MODULE_DESCRIPTION("KUnit suites of the XenStore core");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("XENSTORE");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
