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
 * The server can write to the whole page at any time. Our index is therefore
 * kept here and only ever stored to the page; the server's is loaded once per
 * step and checked against what was published before it is used.
 *
 * Invariant: @pvt - @published bytes have been copied and not published.
 */
struct xs_ring {
	/** @data: the 1024 bytes in the page; changes with the page */
	char *data;
	/** @shared: our index in the page; const after init */
	XENSTORE_RING_IDX *shared;
	/** @peer: the server's index in the page; changes with the page */
	const XENSTORE_RING_IDX *peer;
	/** @pvt: our index, published or not; kthread only */
	u32 pvt;
	/** @published: last value stored to @shared; read by any */
	u32 published;
};

void xs_ring_init_requests(struct xs_ring *ring,
			   struct xenstore_domain_interface *page);
void xs_ring_init_responses(struct xs_ring *ring,
			    struct xenstore_domain_interface *page);
int xs_ring_free(const struct xs_ring *ring);
int xs_ring_available(const struct xs_ring *ring);
int xs_ring_write(struct xs_ring *ring, const void *from, size_t len);
int xs_ring_read(struct xs_ring *ring, void *to, size_t len);
bool xs_ring_publish_requests(struct xs_ring *ring);
bool xs_ring_publish_responses(struct xs_ring *ring);
void xs_ring_skip(struct xs_ring *ring);
void xs_ring_rewind(struct xs_ring *ring);

/* Lockless hints, for the interrupt handler as well */
bool xs_ring_is_sane(const struct xs_ring *ring);
bool xs_ring_is_read(const struct xs_ring *ring);
bool xs_ring_has_room(const struct xs_ring *ring);
u32 xs_ring_unread(const struct xs_ring *ring);
u32 xs_ring_peek_u32(const struct xs_ring *ring, u32 offset);

#endif /* _XENSTORE_RING_H */
