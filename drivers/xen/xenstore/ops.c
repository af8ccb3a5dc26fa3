// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the XenStore protocol as function calls.
 *
 * Each builds a request, waits for the reply and turns it into what a C caller
 * expects. Nothing here knows how a request travels. All functions run in
 * process context, sleep uninterruptibly until the server has answered, and
 * must not be called by the I/O thread.
 *
 * Errors that every operation can return:
 *
 * -ENOMEM
 *	no memory here or at the server
 * -E2BIG
 *	path and value together exceed 4096 bytes
 * -EINVAL
 *	the server refused the arguments, sent an error this driver does not
 *	know, or sent a reply of the wrong type or form
 * -EIO
 *	the ring is broken
 * -ESHUTDOWN
 *	the server went down together with this system
 *
 * and, by name, whatever error the server replies with (xenstore.txt).
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "ops.h"

/**
 * xs_op_request() - build a request that begins with a path
 * @type: XS_READ and the like
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path; "" if @dir is all of it
 * @value: what follows the path's NUL; may be NULL if @len is 0
 * @len: bytes in @value
 *
 * Context: Process, allocates with %XS_GFP.
 * Return: The request, ERR_PTR(-E2BIG), ERR_PTR(-ENOMEM).
 */
struct xs_request *xs_op_request(u32 type, u32 tx_id, const char *dir,
				 const char *node, const void *value,
				 size_t len)
{
	size_t node_len = strlen(node);
	struct kvec parts[] = {
		{ .iov_base = (void *)dir, .iov_len = strlen(dir) },
		{ .iov_base = "/", .iov_len = node_len ? 1 : 0 },
		{ .iov_base = (void *)node, .iov_len = node_len },
		{ .iov_base = "", .iov_len = 1 },
		{ .iov_base = (void *)value, .iov_len = len },
	};

	return xs_request_alloc(type, tx_id, parts, ARRAY_SIZE(parts), XS_GFP);
}
EXPORT_SYMBOL_GPL(xs_op_request);

/**
 * xs_op_result() - what does a completed request come to?
 * @req: a request that is done
 *
 * Context: Any.
 * Return: 0 if &xs_request.reply holds the answer; the error that the request
 * failed with or that the server replied with; -EINVAL if the reply is not of
 * the type that xenstore.txt demands for the request.
 */
int xs_op_result(const struct xs_request *req)
{
	u32 type = ((const struct xsd_sockmsg *)req->out)->type;
	const struct xs_msg *reply = &req->reply;

	if (req->err)
		return req->err;
	if (reply->hdr.type == XS_ERROR)
		return xs_wire_errno(reply->body, reply->hdr.len);
	if (reply->hdr.type != type) {
		pr_warn_ratelimited("request of type %u got a reply of type %u\n",
				    type, reply->hdr.type);
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(xs_op_result);

static int xs_op_call(struct xs_conn *conn, struct xs_request *req,
		      enum xs_gate_kind kind)
{
	int err;

	if (IS_ERR(req))
		return PTR_ERR(req);
	err = xs_conn_call(conn, req, kind);
	return err ?: xs_op_result(req);
}

/* A request of which only success or failure matters. */
static int xs_op_call_put(struct xs_conn *conn, struct xs_request *req,
			  enum xs_gate_kind kind)
{
	int err = xs_op_call(conn, req, kind);

	if (!IS_ERR(req))
		xs_request_put(req);
	return err;
}

/**
 * xs_op_read() - value of a node
 * @conn: the connection
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @len: where the length in bytes goes; may be NULL
 *
 * Context: Process, sleeps.
 * Return: The value and a NUL, for kfree(); it may contain further NULs. Or
 * an ERR_PTR(), see above; -ENOENT if there is no such node.
 */
void *xs_op_read(struct xs_conn *conn, u32 tx_id, const char *dir,
		 const char *node, unsigned int *len)
{
	struct xs_request *req;
	void *value;
	int err;

	req = xs_op_request(XS_READ, tx_id, dir, node, NULL, 0);
	err = xs_op_call(conn, req, XS_GATE_REQUEST);
	if (IS_ERR(req))
		return req;
	if (!err) {
		if (len)
			*len = req->reply.hdr.len;
		value = xs_msg_take_body(&req->reply, XS_GFP);
		if (!value)
			err = -ENOMEM;
	}
	xs_request_put(req);
	return err ? ERR_PTR(err) : value;
}
EXPORT_SYMBOL_GPL(xs_op_read);

/**
 * xs_op_write() - set the value of a node, creating it if needed
 * @conn: the connection
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @value: the bytes
 * @len: how many
 *
 * Context: Process, sleeps.
 * Return: 0 or a negative errno, see above.
 */
int xs_op_write(struct xs_conn *conn, u32 tx_id, const char *dir,
		const char *node, const void *value, size_t len)
{
	return xs_op_call_put(conn,
			      xs_op_request(XS_WRITE, tx_id, dir, node, value,
					    len),
			      XS_GATE_REQUEST);
}
EXPORT_SYMBOL_GPL(xs_op_write);

/**
 * xs_op_mkdir() - make a node exist
 * @conn: the connection
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * Context: Process, sleeps.
 * Return: 0, also if the node was there, or a negative errno, see above.
 */
int xs_op_mkdir(struct xs_conn *conn, u32 tx_id, const char *dir,
		const char *node)
{
	return xs_op_call_put(conn,
			      xs_op_request(XS_MKDIR, tx_id, dir, node, NULL, 0),
			      XS_GATE_REQUEST);
}
EXPORT_SYMBOL_GPL(xs_op_mkdir);

/**
 * xs_op_rm() - remove a node and all below it
 * @conn: the connection
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * Context: Process, sleeps.
 * Return: 0, also if only the node's parent exists, or a negative errno.
 */
int xs_op_rm(struct xs_conn *conn, u32 tx_id, const char *dir,
	     const char *node)
{
	return xs_op_call_put(conn,
			      xs_op_request(XS_RM, tx_id, dir, node, NULL, 0),
			      XS_GATE_REQUEST);
}
EXPORT_SYMBOL_GPL(xs_op_rm);

/* One block: the pointers, then a copy of the strings that they point to. */
static char **xs_op_split(const char *body, size_t len, unsigned int *num)
{
	unsigned int n = xs_wire_count_strings(body, len);
	const char *pos;
	char **names;
	char *copy;
	unsigned int i;

	names = kmalloc(array_size(n, sizeof(*names)) + len, XS_GFP);
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
 * NULL even if there are none. Or an ERR_PTR(), see above; -EIO also if the
 * reply does not end with a NUL; -E2BIG also if the names exceed 4096 bytes.
 */
char **xs_op_directory(struct xs_conn *conn, u32 tx_id, const char *dir,
		       const char *node, unsigned int *num)
{
	const struct xs_msg *reply;
	struct xs_request *req;
	char **names;
	int err;

	req = xs_op_request(XS_DIRECTORY, tx_id, dir, node, NULL, 0);
	err = xs_op_call(conn, req, XS_GATE_REQUEST);
	if (IS_ERR(req))
		return ERR_CAST(req);

	reply = &req->reply;
	if (err)
		names = ERR_PTR(err);
	else if (reply->hdr.len && reply->body[reply->hdr.len - 1])
		names = ERR_PTR(-EIO);
	else
		names = xs_op_split(reply->body, reply->hdr.len, num);
	xs_request_put(req);
	return names;
}
EXPORT_SYMBOL_GPL(xs_op_directory);

static int xs_op_start(struct xs_conn *conn, u32 *tx_id)
{
	struct xs_request *req;
	int err;

	req = xs_op_request(XS_TRANSACTION_START, 0, "", "", NULL, 0);
	err = xs_op_call(conn, req, XS_GATE_NESTED);
	if (IS_ERR(req))
		return err;
	if (!err)
		err = xs_wire_parse_u32(req->reply.body, req->reply.hdr.len,
					tx_id);
	xs_request_put(req);
	if (err == -ERANGE || (!err && !*tx_id))
		err = -EINVAL;
	return err;
}

/**
 * xs_op_transaction_start() - open a transaction of the kernel's own
 * @conn: the connection
 * @tx_id: where its id goes
 *
 * The transaction holds the gate: a suspend waits until it is ended.
 *
 * Context: Process, sleeps; during a suspend until the resume, unless the
 * caller has a transaction open already.
 * Return: 0 or a negative errno, see above; -ENOSPC if the server's quota of
 * transactions is used up.
 */
int xs_op_transaction_start(struct xs_conn *conn, u32 *tx_id)
{
	struct xs_gate_hold *hold;
	int err;

	hold = kmalloc(sizeof(*hold), XS_GFP);
	if (!hold)
		return -ENOMEM;

	/* Inside until the hold is in place, so that nothing drains between. */
	xs_conn_might_wait(conn);
	xs_gate_enter(&conn->gate, XS_GATE_START);
	err = xs_op_start(conn, tx_id);
	if (err)
		kfree(hold);
	else
		xs_gate_hold(&conn->gate, hold, *tx_id);
	xs_gate_leave(&conn->gate);
	return err;
}
EXPORT_SYMBOL_GPL(xs_op_transaction_start);

/**
 * xs_op_transaction_end() - end a transaction of the kernel's own
 * @conn: the connection
 * @tx_id: from xs_op_transaction_start(); not valid afterwards
 * @abort: give up what was written in it
 *
 * Context: Process, sleeps.
 * Return: 0; -EAGAIN if somebody else changed what was read in it, and the
 * whole transaction has to be repeated; or a negative errno, see above.
 */
int xs_op_transaction_end(struct xs_conn *conn, u32 tx_id, bool abort)
{
	int err;

	err = xs_op_call_put(conn,
			     xs_op_request(XS_TRANSACTION_END, tx_id,
					   abort ? "F" : "T", "", NULL, 0),
			     XS_GATE_REQUEST);
	kfree(xs_gate_unhold(&conn->gate, tx_id));
	return err;
}
EXPORT_SYMBOL_GPL(xs_op_transaction_end);

/**
 * xs_op_reset_watches() - drop every watch and transaction of this domain
 * @conn: the connection; before anything else uses it
 *
 * For what an earlier kernel of this domain left behind at the server.
 *
 * Context: Process, sleeps.
 * Return: 0 or a negative errno, see above; -ENOSYS from old servers.
 */
int xs_op_reset_watches(struct xs_conn *conn)
{
	return xs_op_call_put(conn,
			      xs_op_request(XS_RESET_WATCHES, 0, "", "", NULL, 0),
			      XS_GATE_REQUEST);
}
EXPORT_SYMBOL_GPL(xs_op_reset_watches);
