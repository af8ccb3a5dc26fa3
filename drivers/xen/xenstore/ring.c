// SPDX-License-Identifier: GPL-2.0-only
/*
 * One direction of the shared XenStore page.
 *
 * Moves bytes and indices and decides when the server must be notified. Knows
 * nothing of messages, and compiles in userland for fuzzing. All but the hints
 * at the end is for the kthread alone. The rules are those of
 * xenstore-ring.txt: free-running 32-bit indices, byte x at x mod 1024, no
 * assumption about where they start. Which notification may be left out, and
 * which barrier that takes, is checked by the models in tests/model.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
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
	WRITE_ONCE(ring->data, page->req);
	ring->shared = &page->req_prod;
	WRITE_ONCE(ring->peer, &page->req_cons);
	ring->pvt = READ_ONCE(page->req_prod);
	WRITE_ONCE(ring->published, ring->pvt);
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_init_requests);

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
	WRITE_ONCE(ring->data, page->rsp);
	ring->shared = &page->rsp_cons;
	WRITE_ONCE(ring->peer, &page->rsp_prod);
	ring->pvt = READ_ONCE(page->rsp_cons);
	WRITE_ONCE(ring->published, ring->pvt);
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_init_responses);

/*
 * Bytes between two indices. -EIO if there are more than the ring has, or more
 * than that since our index was published, which is all the server knows of it.
 */
static int xs_ring_used(u32 prod, u32 cons, u32 since_published)
{
	u32 used = prod - cons;

	if (used > XENSTORE_RING_SIZE || since_published > XENSTORE_RING_SIZE)
		return -EIO;
	return used;
}

/**
 * xs_ring_free() - bytes that can be written now
 * @ring: a request ring
 *
 * Context: Kthread.
 * Return: 0 to 1024, or -EIO if the server's index is out of range.
 */
int xs_ring_free(const struct xs_ring *ring)
{
	u32 cons = READ_ONCE(*ring->peer);
	int used = xs_ring_used(ring->pvt, cons, ring->published - cons);

	return used < 0 ? used : XENSTORE_RING_SIZE - used;
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_free);

/**
 * xs_ring_available() - bytes that can be read now
 * @ring: a response ring
 *
 * Context: Kthread.
 * Return: 0 to 1024, or -EIO if the server's index is out of range.
 */
int xs_ring_available(const struct xs_ring *ring)
{
	u32 prod = READ_ONCE(*ring->peer);

	return xs_ring_used(prod, ring->pvt, prod - ring->published);
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_available);

/* Bytes from @pvt to the end of the buffer, where a copy must wrap. */
static size_t xs_ring_run(const struct xs_ring *ring, size_t len)
{
	return min_t(size_t, len,
		     XENSTORE_RING_SIZE - MASK_XENSTORE_IDX(ring->pvt));
}

/**
 * xs_ring_write() - copy bytes in without publishing them
 * @ring: a request ring
 * @from: the bytes
 * @len: how many there are
 *
 * The bytes become visible with xs_ring_publish_requests().
 *
 * Context: Kthread.
 * Return: Number of bytes copied, 0 if the ring is full, or -EIO if the
 * server's index is out of range.
 */
int xs_ring_write(struct xs_ring *ring, const void *from, size_t len)
{
	int space = xs_ring_free(ring);
	size_t n, run;

	if (space < 0)
		return space;
	/* Pairs with the server's barrier between reading and moving req_cons. */
	virt_mb();
	n = min_t(size_t, len, space);
	run = xs_ring_run(ring, n);
	memcpy(ring->data + MASK_XENSTORE_IDX(ring->pvt), from, run);
	memcpy(ring->data, from + run, n - run);
	ring->pvt += n;
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_write);

/**
 * xs_ring_read() - copy bytes out without giving back their space
 * @ring: a response ring
 * @to: where they go
 * @len: how many are wanted
 *
 * The space is given back with xs_ring_publish_responses().
 *
 * Context: Kthread.
 * Return: Number of bytes copied, 0 if the ring is empty, or -EIO if the
 * server's index is out of range.
 */
int xs_ring_read(struct xs_ring *ring, void *to, size_t len)
{
	u32 prod = READ_ONCE(*ring->peer);
	int used = xs_ring_used(prod, ring->pvt, prod - ring->published);
	size_t n, run;

	if (used < 0)
		return used;
	/* Pairs with the server's barrier between writing and moving rsp_prod. */
	virt_rmb();
	n = min_t(size_t, len, used);
	run = xs_ring_run(ring, n);
	memcpy(to, ring->data + MASK_XENSTORE_IDX(ring->pvt), run);
	memcpy(to + run, ring->data, n - run);
	ring->pvt += n;
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_read);

/**
 * xs_ring_publish_requests() - publish what xs_ring_write() copied
 * @ring: a request ring
 *
 * The server sleeps only after it has seen an empty ring. It saw one if its
 * index equals what had been published before this call; if it has not got
 * that far, or is already past it, it will look again by itself.
 *
 * Context: Kthread.
 * Return: true if the server may be asleep and has to be notified.
 */
bool xs_ring_publish_requests(struct xs_ring *ring)
{
	u32 before = ring->published;

	if (before == ring->pvt)
		return false;
	/* The bytes are in the page before the index says so. */
	virt_wmb();
	WRITE_ONCE(*ring->shared, ring->pvt);
	WRITE_ONCE(ring->published, ring->pvt);
	/*
	 * Store our index, then load the server's: the server stores its index,
	 * then loads ours before it sleeps. One of the two sees the other.
	 */
	virt_mb();
	return READ_ONCE(*ring->peer) == before;
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_publish_requests);

/**
 * xs_ring_publish_responses() - give back the space that xs_ring_read() freed
 * @ring: a response ring
 *
 * The server waits for space only after it has found none: its index was then a
 * whole ring beyond what had been published before this call, and still is.
 *
 * Context: Kthread.
 * Return: true if the server may wait for space and has to be notified.
 */
bool xs_ring_publish_responses(struct xs_ring *ring)
{
	u32 before = ring->published;

	if (before == ring->pvt)
		return false;
	/* The bytes have been copied out before their space is given back. */
	virt_mb();
	WRITE_ONCE(*ring->shared, ring->pvt);
	WRITE_ONCE(ring->published, ring->pvt);
	/* Store, then load; see xs_ring_publish_requests(). */
	virt_mb();
	return READ_ONCE(*ring->peer) - before >= XENSTORE_RING_SIZE;
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_publish_responses);

/**
 * xs_ring_skip() - drop everything that waits in a response ring
 * @ring: a response ring
 *
 * What an earlier kernel left there is not for us. The space is given back
 * with the next xs_ring_publish_responses().
 *
 * Context: Any; the kthread is not running or is parked.
 */
void xs_ring_skip(struct xs_ring *ring)
{
	ring->pvt = READ_ONCE(*ring->peer);
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_skip);

/**
 * xs_ring_rewind() - take back what is in a request ring
 * @ring: a request ring, and nobody is at the other end
 *
 * Context: Kthread.
 */
void xs_ring_rewind(struct xs_ring *ring)
{
	ring->pvt = READ_ONCE(*ring->peer);
	WRITE_ONCE(*ring->shared, ring->pvt);
	WRITE_ONCE(ring->published, ring->pvt);
}

/*
 * The server's index, for a hint: the page may be exchanged meanwhile, while the
 * kthread is parked, and nothing comes of what is seen then.
 */
static u32 xs_ring_peer(const struct xs_ring *ring)
{
	return READ_ONCE(*READ_ONCE(ring->peer));
}

/**
 * xs_ring_is_sane() - is the server's index of a request ring in range?
 * @ring: a request ring
 *
 * Context: Any, hard interrupt included; exact in the kthread, elsewhere a
 * lockless hint.
 * Return: false if the server claims to have read what was not published.
 */
bool xs_ring_is_sane(const struct xs_ring *ring)
{
	return READ_ONCE(ring->published) - xs_ring_peer(ring) <=
	       XENSTORE_RING_SIZE;
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_is_sane);

/**
 * xs_ring_is_read() - has the server read all that was published?
 * @ring: a request ring
 *
 * Context: Any; a lockless hint.
 * Return: true if so, or if the server's index is out of range.
 */
bool xs_ring_is_read(const struct xs_ring *ring)
{
	return (s32)(READ_ONCE(ring->published) - xs_ring_peer(ring)) <= 0;
}

/**
 * xs_ring_has_room() - is it worth while to write again?
 * @ring: a request ring
 *
 * Context: Any, hard interrupt included; a lockless hint.
 * Return: true if at least half of the ring was free when last published, or
 * if the server's index is out of range.
 */
bool xs_ring_has_room(const struct xs_ring *ring)
{
	u32 used = READ_ONCE(ring->published) - xs_ring_peer(ring);

	return used <= XENSTORE_RING_SIZE / 2 || used > XENSTORE_RING_SIZE;
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_has_room);

/**
 * xs_ring_unread() - bytes that wait to be read
 * @ring: a response ring
 *
 * Context: Any, hard interrupt included; a lockless hint.
 * Return: Bytes since last published; more than 1024 if the server's index is
 * out of range.
 */
u32 xs_ring_unread(const struct xs_ring *ring)
{
	return xs_ring_peer(ring) - READ_ONCE(ring->published);
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_unread);

/**
 * xs_ring_peek_u32() - look at a number that has not been read yet
 * @ring: a response ring
 * @offset: bytes from where last published
 *
 * Context: Any, hard interrupt included; a lockless hint, which the server may
 * change afterwards.
 * Return: The number, in the byte order of this machine as on the wire.
 */
u32 xs_ring_peek_u32(const struct xs_ring *ring, u32 offset)
{
	u32 from = READ_ONCE(ring->published) + offset;
	const char *data = READ_ONCE(ring->data);
	u8 bytes[sizeof(u32)];
	u32 value, i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = READ_ONCE(data[MASK_XENSTORE_IDX(from + i)]);
	memcpy(&value, bytes, sizeof(value));
	return value;
}
EXPORT_SYMBOL_IF_KUNIT(xs_ring_peek_u32);
