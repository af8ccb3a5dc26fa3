// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages from the server, and synthesized ones for a client.
 *
 * A message is embedded in what it belongs to, which may have room for a short
 * body. Process context or kthread.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "msg.h"

/**
 * xs_msg_init() - make an empty message
 * @msg: the message
 * @room: where a body goes that fits there with its NUL
 * @size: bytes in @room; %XS_MSG_SMALL or more if a body is to be set
 * @release: frees the message; may be NULL if it is never called
 *
 * Context: Any.
 */
void xs_msg_init(struct xs_msg *msg, void *room, size_t size,
		 void (*release)(struct xs_msg *msg))
{
	memset(msg, 0, sizeof(*msg));
	INIT_LIST_HEAD(&msg->node);
	msg->body = room;
	msg->room = room;
	msg->room_size = size;
	msg->release = release;
}
EXPORT_SYMBOL_IF_KUNIT(xs_msg_init);

/**
 * xs_msg_set_body() - copy a body into a message
 * @msg: an empty message
 * @body: the bytes
 * @len: how many; a NUL is added behind them
 * @gfp: how to allocate if the message has no room for them
 *
 * Context: As @gfp.
 * Return: 0 or -ENOMEM, which bodies shorter than %XS_MSG_SMALL never get.
 */
int xs_msg_set_body(struct xs_msg *msg, const void *body, size_t len, gfp_t gfp)
{
	char *copy = msg->room;

	if (len >= msg->room_size) {
		copy = kmalloc(len + 1, gfp);
		if (!copy)
			return -ENOMEM;
	}
	memcpy(copy, body, len);
	copy[len] = '\0';
	msg->body = copy;
	msg->hdr.len = len;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xs_msg_set_body);

/**
 * xs_msg_set_error() - turn a message into an XS_ERROR
 * @msg: an empty message
 * @err: negative errno
 *
 * Context: Any.
 */
void xs_msg_set_error(struct xs_msg *msg, int err)
{
	const char *name = xs_wire_error_name(err);

	msg->hdr.type = XS_ERROR;
	/* Every name and its NUL fit in any room, so this cannot fail. */
	xs_msg_set_body(msg, name, strlen(name) + 1, GFP_NOWAIT);
}
EXPORT_SYMBOL_IF_KUNIT(xs_msg_set_error);

/**
 * xs_msg_take_body() - make the body the caller's
 * @msg: a complete message, which is left without a body
 * @gfp: how to allocate if the body is part of the message
 *
 * Context: As @gfp.
 * Return: NUL-terminated body for kfree(), or NULL if there is no memory.
 */
void *xs_msg_take_body(struct xs_msg *msg, gfp_t gfp)
{
	char *body = msg->body;

	if (body == msg->room)
		return kmemdup(body, msg->hdr.len + 1, gfp);
	msg->body = msg->room;
	return body;
}
EXPORT_SYMBOL_IF_KUNIT(xs_msg_take_body);

/**
 * xs_msg_clear() - free the body of a message
 * @msg: the message; not on a queue
 *
 * Context: Any.
 */
void xs_msg_clear(struct xs_msg *msg)
{
	if (msg->body != msg->room)
		kfree(msg->body);
	msg->body = msg->room;
}
EXPORT_SYMBOL_IF_KUNIT(xs_msg_clear);
