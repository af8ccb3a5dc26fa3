/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One direction of the shared XenStore page.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_RING_H
#define _XENSTORE_RING_H

#include <linux/types.h>
#include <xen/interface/io/xs_wire.h>

/**
 * struct xs_ring - our end of one direction of the shared page
 *
 * The peer can write to the whole page at any time. The index that is ours is
 * therefore kept here and only ever stored to the page; the peer's index is
 * loaded once per step and checked before it is used.
 *
 * Invariant: @own - @published is what has been copied but not yet announced.
 */
struct xs_ring {
	/** @data: the 1024 bytes in the page; const after init */
	char *data;
	/** @mine: our index in the page; const after init */
	XENSTORE_RING_IDX *mine;
	/** @theirs: the peer's index in the page; const after init */
	const XENSTORE_RING_IDX *theirs;
	/** @own: how far we have got; of our one user at a time */
	u32 own;
	/** @published: last value stored to @mine; read by any */
	u32 published;
	/** @was_full: the peer may wait for room; as @own */
	bool was_full;
};

void xs_ring_init_requests(struct xs_ring *ring,
			   struct xenstore_domain_interface *page);
void xs_ring_init_responses(struct xs_ring *ring,
			    struct xenstore_domain_interface *page);
int xs_ring_room(const struct xs_ring *ring);
int xs_ring_available(const struct xs_ring *ring);
int xs_ring_write(struct xs_ring *ring, const void *from, size_t len);
int xs_ring_read(struct xs_ring *ring, void *to, size_t len);
bool xs_ring_publish_requests(struct xs_ring *ring);
bool xs_ring_publish_responses(struct xs_ring *ring);
void xs_ring_skip(struct xs_ring *ring);

/* For the interrupt handler */
bool xs_ring_has_room(const struct xs_ring *ring);
u32 xs_ring_unread(const struct xs_ring *ring);
u32 xs_ring_peek_u32(const struct xs_ring *ring, u32 offset);

#endif /* _XENSTORE_RING_H */
