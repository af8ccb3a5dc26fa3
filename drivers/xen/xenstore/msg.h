/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages from the server, and synthesized ones for a client.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_MSG_H
#define _XENSTORE_MSG_H

#include <linux/list.h>

#include "wire.h"

/* Room that every message has: for "OK" and for the name of every error. */
#define XS_MSG_SMALL	16

/**
 * struct xs_msg - one complete message for a client or a caller
 */
struct xs_msg {
	/** @node: on at most one queue, under that queue's lock */
	struct list_head node;
	/** @hdr: as the receiver shall see it */
	struct xsd_sockmsg hdr;
	/** @off: bytes of header and body that a reader has consumed */
	size_t off;
	/** @body: &hdr.len bytes and a NUL; @room or from kmalloc() */
	char *body;
	/** @room: for a body that needs no memory of its own; const */
	char *room;
	/** @room_size: bytes in @room; const */
	size_t room_size;
	/** @release: frees the message and what it is embedded in */
	void (*release)(struct xs_msg *msg);
};

void xs_msg_init(struct xs_msg *msg, void *room, size_t size,
		 void (*release)(struct xs_msg *msg));
int xs_msg_set_body(struct xs_msg *msg, const void *body, size_t len, gfp_t gfp);
void xs_msg_set_error(struct xs_msg *msg, int err);
void *xs_msg_take_body(struct xs_msg *msg, gfp_t gfp);
void xs_msg_clear(struct xs_msg *msg);

#endif /* _XENSTORE_MSG_H */
