// SPDX-License-Identifier: GPL-2.0-only
/*
 * One direction of the shared XenStore page.
 *
 * Moves bytes and indices and decides when the peer must be signalled. It
 * knows nothing of messages. Each direction has one caller at a time, which is
 * up to the connection; it compiles in userland for fuzzing. The rules are those
 * of xenstore-ring.txt: free-running 32-bit indices, byte x at x mod 1024, no
 * assumption about where they start. Which signal may be left out, and which
 * barrier that takes, is checked by the model in tests/model/ring.pml.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include "ring.h"

/**
 * xs_ring_init_requests() - attach to the direction from us to xenstored
 * @ring: our end
 * @page: the shared page
 *
 * Context: Any; the kthread is not running or is parked.
 */
void xs_ring_init_requests(struct xs_ring *ring,
			   struct xenstore_domain_interface *page)
{
	ring->data = page->req;
	ring->mine = &page->req_prod;
	ring->theirs = &page->req_cons;
	ring->own = READ_ONCE(page->req_prod);
	ring->published = ring->own;
	ring->was_full = false;
}
EXPORT_SYMBOL_GPL(xs_ring_init_requests);

/**
 * xs_ring_init_responses() - attach to the direction from xenstored to us
 * @ring: our end
 * @page: the shared page
 *
 * Context: Any; the kthread is not running or is parked.
 */
void xs_ring_init_responses(struct xs_ring *ring,
			    struct xenstore_domain_interface *page)
{
	ring->data = page->rsp;
	ring->mine = &page->rsp_cons;
	ring->theirs = &page->rsp_prod;
	ring->own = READ_ONCE(page->rsp_cons);
	ring->published = ring->own;
	ring->was_full = false;
}
EXPORT_SYMBOL_GPL(xs_ring_init_responses);

static int xs_ring_used(u32 prod, u32 cons)
{
	u32 used = prod - cons;

	return used <= XENSTORE_RING_SIZE ? (int)used : -EIO;
}

/**
 * xs_ring_room() - bytes that can be written now
 * @ring: a request ring
 *
 * Context: Any.
 * Return: 0 to 1024, or -EIO if the peer's index is impossible.
 */
int xs_ring_room(const struct xs_ring *ring)
{
	int used = xs_ring_used(ring->own, READ_ONCE(*ring->theirs));

	return used < 0 ? used : XENSTORE_RING_SIZE - used;
}
EXPORT_SYMBOL_GPL(xs_ring_room);

/**
 * xs_ring_available() - bytes that can be read now
 * @ring: a response ring
 *
 * Context: Any.
 * Return: 0 to 1024, or -EIO if the peer's index is impossible.
 */
int xs_ring_available(const struct xs_ring *ring)
{
	return xs_ring_used(READ_ONCE(*ring->theirs), ring->own);
}
EXPORT_SYMBOL_GPL(xs_ring_available);

/* Bytes from index @own to the end of the buffer, where a copy must wrap. */
static size_t xs_ring_run(const struct xs_ring *ring, size_t len)
{
	return min_t(size_t, len,
		     XENSTORE_RING_SIZE - MASK_XENSTORE_IDX(ring->own));
}

/**
 * xs_ring_write() - copy bytes in without announcing them
 * @ring: a request ring
 * @from: the bytes
 * @len: how many there are
 *
 * The bytes become visible with xs_ring_publish_requests().
 *
 * Context: Whoever sends.
 * Return: Number of bytes copied, 0 if the ring is full, or -EIO if the
 * peer's index is impossible.
 */
int xs_ring_write(struct xs_ring *ring, const void *from, size_t len)
{
	int room = xs_ring_room(ring);
	size_t n, run;

	if (room < 0)
		return room;
	/* Pairs with the peer's barrier between reading and moving req_cons. */
	virt_mb();
	n = min_t(size_t, len, room);
	run = xs_ring_run(ring, n);
	memcpy(ring->data + MASK_XENSTORE_IDX(ring->own), from, run);
	memcpy(ring->data, from + run, n - run);
	ring->own += n;
	return n;
}
EXPORT_SYMBOL_GPL(xs_ring_write);

/**
 * xs_ring_read() - copy bytes out without giving their room back
 * @ring: a response ring
 * @to: where they go
 * @len: how many are wanted
 *
 * The room is returned with xs_ring_publish_responses().
 *
 * Context: Whoever receives.
 * Return: Number of bytes copied, 0 if the ring is empty, or -EIO if the
 * peer's index is impossible.
 */
int xs_ring_read(struct xs_ring *ring, void *to, size_t len)
{
	u32 prod = READ_ONCE(*ring->theirs);
	int used = xs_ring_used(prod, ring->own);
	size_t n, run;

	if (used < 0)
		return used;
	/* Pairs with the peer's barrier between writing and moving rsp_prod. */
	virt_rmb();
	if (xs_ring_used(prod, ring->published) == XENSTORE_RING_SIZE)
		ring->was_full = true;
	n = min_t(size_t, len, used);
	run = xs_ring_run(ring, n);
	memcpy(to, ring->data + MASK_XENSTORE_IDX(ring->own), run);
	memcpy(to + run, ring->data, n - run);
	ring->own += n;
	return n;
}
EXPORT_SYMBOL_GPL(xs_ring_read);

/**
 * xs_ring_publish_requests() - announce what xs_ring_write() copied
 * @ring: a request ring
 *
 * The peer sleeps only after it has seen an empty ring. It saw one if its
 * index equals what had been published before this call; if it has not got
 * that far, or is already past it, it will look again by itself.
 *
 * Context: Whoever sends.
 * Return: true if the peer may be asleep and has to be signalled.
 */
bool xs_ring_publish_requests(struct xs_ring *ring)
{
	u32 before = ring->published;

	if (before == ring->own)
		return false;
	/* The bytes are in the page before the index says so. */
	virt_wmb();
	WRITE_ONCE(*ring->mine, ring->own);
	WRITE_ONCE(ring->published, ring->own);
	/*
	 * Store our index, then load theirs: the peer stores its index, then
	 * loads ours before it sleeps. One of the two sees the other.
	 */
	virt_mb();
	return READ_ONCE(*ring->theirs) == before;
}
EXPORT_SYMBOL_GPL(xs_ring_publish_requests);

/**
 * xs_ring_publish_responses() - give back the room that xs_ring_read() freed
 * @ring: a response ring
 *
 * The peer waits for room only after it has found none. That was so if the
 * ring was full when it was read, or is seen to have filled up by now.
 *
 * Context: Whoever receives.
 * Return: true if the peer may wait for room and has to be signalled.
 */
bool xs_ring_publish_responses(struct xs_ring *ring)
{
	u32 before = ring->published;
	bool was_full = ring->was_full;

	if (before == ring->own)
		return false;
	/* The bytes have been copied out before their room is given back. */
	virt_mb();
	WRITE_ONCE(*ring->mine, ring->own);
	WRITE_ONCE(ring->published, ring->own);
	ring->was_full = false;
	/* Store our index, then load theirs; see xs_ring_publish_requests(). */
	virt_mb();
	return was_full ||
	       READ_ONCE(*ring->theirs) - before >= XENSTORE_RING_SIZE;
}
EXPORT_SYMBOL_GPL(xs_ring_publish_responses);

/**
 * xs_ring_skip() - drop everything that waits in a response ring
 * @ring: a response ring
 *
 * What an earlier kernel left there is not for us. The room is given back
 * with the next xs_ring_publish_responses().
 *
 * Context: Any; the kthread is not running or is parked.
 */
void xs_ring_skip(struct xs_ring *ring)
{
	ring->own = READ_ONCE(*ring->theirs);
}
EXPORT_SYMBOL_GPL(xs_ring_skip);

/**
 * xs_ring_has_room() - is it worth while to write again?
 * @ring: a request ring
 *
 * Context: Any, hard interrupt included.
 * Return: true if at least half of the ring was free when we last published, or
 * if the peer's index is impossible.
 */
bool xs_ring_has_room(const struct xs_ring *ring)
{
	u32 used = READ_ONCE(ring->published) - READ_ONCE(*ring->theirs);

	return used <= XENSTORE_RING_SIZE / 2 || used > XENSTORE_RING_SIZE;
}
EXPORT_SYMBOL_GPL(xs_ring_has_room);

/**
 * xs_ring_unread() - how much waits to be read, for a look from outside
 * @ring: a response ring
 *
 * Context: Any, hard interrupt included.
 * Return: Bytes since we last published; more than 1024 if the
 * peer's index is impossible.
 */
u32 xs_ring_unread(const struct xs_ring *ring)
{
	return READ_ONCE(*ring->theirs) - READ_ONCE(ring->published);
}
EXPORT_SYMBOL_GPL(xs_ring_unread);

/**
 * xs_ring_peek_u32() - look at a number that has not been read yet
 * @ring: a response ring
 * @offset: bytes from where we last published
 *
 * Only a hint: the peer may change it afterwards.
 *
 * Context: Any, hard interrupt included.
 * Return: The number, in the byte order of this machine as on the wire.
 */
u32 xs_ring_peek_u32(const struct xs_ring *ring, u32 offset)
{
	u32 from = READ_ONCE(ring->published) + offset;
	u8 bytes[sizeof(u32)];
	u32 value, i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = READ_ONCE(ring->data[MASK_XENSTORE_IDX(from + i)]);
	memcpy(&value, bytes, sizeof(value));
	return value;
}
EXPORT_SYMBOL_GPL(xs_ring_peek_u32);
