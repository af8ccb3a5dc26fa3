// SPDX-License-Identifier: GPL-2.0-only
/*
 * The children of a node, however many there are.
 *
 * Names that do not fit into one message are fetched in parts, from servers that
 * can do that (XS_DIRECTORY_PART in xenstore.txt). Each part says which state of
 * the node it is from; if that changes on the way, all is fetched again.
 *
 * The errors are those of call.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "call.h"
#include "ops.h"

/* Limit of the names of one node, in bytes. */
#define XS_DIRECTORY_MAX	(1024 * 1024)

/* How often to start again for a node that changes while it is read. */
#define XS_DIRECTORY_TRIES	10

/* Names as they come in, one behind the other, each with its NUL. */
struct xs_names {
	char *buf;
	size_t len;
	/* The server's number of this state of the node; 64 bits. */
	char generation[24];
};

/* One block: the pointers, then a copy of the strings that they point to. */
static char **xs_op_split(const char *body, size_t len, unsigned int *num)
{
	unsigned int n = xs_wire_count_strings(body, len);
	const char *pos;
	char **names;
	char *copy;
	unsigned int i;

	/* As long as the server likes: too much for kmalloc() is no bug here. */
	names = kmalloc(array_size(n, sizeof(*names)) + len,
			XS_GFP | __GFP_NOWARN);
	if (!names)
		return ERR_PTR(-ENOMEM);
	copy = (char *)&names[n];
	memcpy(copy, body, len);
	pos = copy;
	for (i = 0; i < n; i++)
		names[i] = (char *)xs_wire_next_string(&pos, copy + len);
	*num = n;
	return names;
}

static int xs_names_add(struct xs_names *names, const char *bytes, size_t len)
{
	char *buf;

	if (len > XS_DIRECTORY_MAX - names->len)
		return -E2BIG;
	buf = krealloc(names->buf, names->len + len, XS_GFP | __GFP_NOWARN);
	if (!buf)
		return -ENOMEM;
	memcpy(buf + names->len, bytes, len);
	names->buf = buf;
	names->len += len;
	return 0;
}

/*
 * A part is a generation, names, and an empty name if these are the last. 1 if
 * there is more to come, 0 if not, -EAGAIN if the node has changed.
 */
static int xs_names_take(struct xs_names *names, const struct xs_msg *reply)
{
	const char *end = reply->body + reply->hdr.len;
	const char *pos = reply->body, *generation;
	size_t size;
	bool last;
	int err;

	generation = xs_wire_next_string(&pos, end);
	size = pos - reply->body;
	if (!generation || size > sizeof(names->generation))
		return -EIO;
	if (!names->len)
		memcpy(names->generation, generation, size);
	else if (strcmp(names->generation, generation))
		return -EAGAIN;

	/* Not empty, and all of it strings. */
	if (pos == end || end[-1])
		return -EIO;
	last = !end[-2];
	err = xs_names_add(names, pos, end - pos - last);
	return err ?: !last;
}

static int xs_names_fetch_part(struct xs_names *names, struct xs_conn *conn,
			       u32 tx_id, const char *dir, const char *node)
{
	struct xs_request *req;
	char offset[12];
	int len, err;

	len = snprintf(offset, sizeof(offset), "%zu", names->len);
	req = xs_call_request(XS_DIRECTORY_PART, tx_id, dir, node, offset,
			      len + 1);
	err = xs_call(conn, req, XS_GATE_REQUEST);
	if (IS_ERR(req))
		return err;
	if (!err)
		err = xs_names_take(names, &req->reply);
	xs_request_put(req);
	return err;
}

static int xs_names_fetch(struct xs_names *names, struct xs_conn *conn,
			  u32 tx_id, const char *dir, const char *node)
{
	unsigned int tries = XS_DIRECTORY_TRIES;
	int err;

	do {
		names->len = 0;
		do {
			err = xs_names_fetch_part(names, conn, tx_id, dir,
						  node);
		} while (err > 0);
	} while (err == -EAGAIN && --tries);
	/* A server without XS_DIRECTORY_PART: the first error stands. */
	return err == -ENOSYS ? -E2BIG : err;
}

static char **xs_op_directory_parts(struct xs_conn *conn, u32 tx_id,
				    const char *dir, const char *node,
				    unsigned int *num)
{
	struct xs_names names = { 0 };
	char **split;
	int err;

	err = xs_names_fetch(&names, conn, tx_id, dir, node);
	split = err ? ERR_PTR(err) : xs_op_split(names.buf, names.len, num);
	kfree(names.buf);
	return split;
}

/**
 * xs_op_directory() - names of the children of a node
 * @conn: the connection
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @num: where the number of names goes
 *
 * Context: Process, sleeps.
 * Return: An array of @num strings in one block for a single kfree(); not
 * NULL even if there are none. Or an ERR_PTR(), see above; -EIO also if a reply
 * is not made of strings; -E2BIG also if the names exceed 4096 bytes and the
 * server cannot send them in parts, or 1 MiB; -EAGAIN if the node changes all
 * the time.
 */
char **xs_op_directory(struct xs_conn *conn, u32 tx_id, const char *dir,
		       const char *node, unsigned int *num)
{
	const struct xs_msg *reply;
	struct xs_request *req;
	char **names;
	int err;

	req = xs_call_request(XS_DIRECTORY, tx_id, dir, node, NULL, 0);
	err = xs_call(conn, req, XS_GATE_REQUEST);
	if (IS_ERR(req))
		return ERR_CAST(req);

	reply = &req->reply;
	if (err == -E2BIG)
		names = xs_op_directory_parts(conn, tx_id, dir, node, num);
	else if (err)
		names = ERR_PTR(err);
	else if (reply->hdr.len && reply->body[reply->hdr.len - 1])
		names = ERR_PTR(-EIO);
	else
		names = xs_op_split(reply->body, reply->hdr.len, num);
	xs_request_put(req);
	return names;
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_directory);
