// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the XenStore protocol as function calls.
 *
 * Each builds a request, waits for the reply and turns it into what a C caller
 * expects. Nothing here knows how a request travels. All functions run in
 * process context, sleep uninterruptibly until the server has answered, and
 * must not be called by the kthread.
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
 * A change in a transaction of the kernel may only be posted, see
 * transaction.c; it then returns 0, or the error of one before it, and the end of
 * the transaction tells.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/stdarg.h>

#include "ops.h"

/**
 * xs_op_request() - build a request that begins with a path
 * @type: XS_READ and the like
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path; "" if @dir is all of it
 * @value: what follows the path's NUL; NULL if that is to be filled in
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
EXPORT_SYMBOL_IF_KUNIT(xs_op_request);

/* What is longer is formatted twice. */
#define XS_OP_PRINTF_SMALL	64

/* The value ends up in the request without having been anywhere else. */
static __printf(5, 0) struct xs_request *
xs_op_request_long(u32 tx_id, const char *dir, const char *node, int len,
		   const char *fmt, va_list args)
{
	struct xs_request *req;
	char *value;
	int rest;

	req = xs_op_request(XS_WRITE, tx_id, dir, node, NULL, len);
	if (IS_ERR(req))
		return req;
	value = (char *)req->out + req->len - len;
	/* Somebody may have changed an argument meanwhile. */
	rest = len - min(len, vsnprintf(value, len + 1, fmt, args));
	req->len -= rest;
	xs_request_header(req)->len -= rest;
	return req;
}

/**
 * xs_op_request_printf() - build an XS_WRITE of a formatted value
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path; "" if @dir is all of it
 * @fmt: as for vprintf()
 * @args: its arguments
 *
 * Context: Process, allocates with %XS_GFP.
 * Return: The request, ERR_PTR(-E2BIG), ERR_PTR(-ENOMEM).
 */
struct xs_request *xs_op_request_printf(u32 tx_id, const char *dir,
					const char *node, const char *fmt,
					va_list args)
{
	char small[XS_OP_PRINTF_SMALL];
	va_list copy;
	int len;

	va_copy(copy, args);
	len = vsnprintf(small, sizeof(small), fmt, copy);
	va_end(copy);
	if (len < sizeof(small))
		return xs_op_request(XS_WRITE, tx_id, dir, node, small, len);
	return xs_op_request_long(tx_id, dir, node, len, fmt, args);
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_request_printf);

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
EXPORT_SYMBOL_IF_KUNIT(xs_op_result);

/**
 * xs_op_call() - have a request answered
 * @conn: the connection
 * @req: a new request, which stays the caller's, or an ERR_PTR()
 * @kind: how it passes the gate
 *
 * Context: Process, sleeps.
 * Return: 0 with the answer in &xs_request.reply, or a negative errno, see
 * above.
 */
int xs_op_call(struct xs_conn *conn, struct xs_request *req,
	       enum xs_gate_kind kind)
{
	int err;

	if (IS_ERR(req))
		return PTR_ERR(req);
	err = xs_conn_call(conn, req, kind);
	return err ?: xs_op_result(req);
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_call);

/**
 * xs_op_call_put() - have a request answered of which only success matters
 * @conn: the connection
 * @req: a new request, which is consumed, or an ERR_PTR()
 * @kind: how it passes the gate
 *
 * Context: Process, sleeps.
 * Return: 0 or a negative errno, see above.
 */
int xs_op_call_put(struct xs_conn *conn, struct xs_request *req,
		   enum xs_gate_kind kind)
{
	int err = xs_op_call(conn, req, kind);

	if (!IS_ERR(req))
		xs_request_put(req);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_call_put);

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
EXPORT_SYMBOL_IF_KUNIT(xs_op_read);

/**
 * xs_op_scanf() - read a node and take it apart
 * @conn: the connection
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @fmt: as for vsscanf()
 * @args: where the conversions go
 *
 * Context: Process, sleeps.
 * Return: Number of conversions, which may be 0, or a negative errno, see
 * above.
 */
int xs_op_scanf(struct xs_conn *conn, u32 tx_id, const char *dir,
		const char *node, const char *fmt, va_list args)
{
	struct xs_request *req;
	int result;

	req = xs_op_request(XS_READ, tx_id, dir, node, NULL, 0);
	result = xs_op_call(conn, req, XS_GATE_REQUEST);
	if (IS_ERR(req))
		return result;
	if (!result)
		result = vsscanf(req->reply.body, fmt, args);
	xs_request_put(req);
	return result;
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_scanf);

/**
 * xs_op_exists() - is there such a node?
 * @conn: the connection
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * Who may read a node may read its permissions, whose length does not depend on
 * how many children it has.
 *
 * Context: Process, sleeps.
 * Return: 0 if there is; -ENOENT if there is not, or another negative errno,
 * see above.
 */
int xs_op_exists(struct xs_conn *conn, u32 tx_id, const char *dir,
		 const char *node)
{
	return xs_op_call_put(conn,
			      xs_op_request(XS_GET_PERMS, tx_id, dir, node,
					    NULL, 0),
			      XS_GATE_REQUEST);
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_exists);

/* In a transaction, its end can tell whether this has worked. */
static int xs_op_change(struct xs_conn *conn, u32 tx_id, struct xs_request *req)
{
	if (tx_id && conn->write_behind)
		return xs_op_transaction_post(conn, tx_id, req);
	return xs_op_call_put(conn, req, XS_GATE_REQUEST);
}

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
	return xs_op_change(conn, tx_id,
			    xs_op_request(XS_WRITE, tx_id, dir, node, value,
					  len));
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_write);

/**
 * xs_op_printf() - format the value of a node, creating it if needed
 * @conn: the connection
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @fmt: as for vprintf()
 * @args: its arguments
 *
 * Context: Process, sleeps.
 * Return: 0 or a negative errno, see above.
 */
int xs_op_printf(struct xs_conn *conn, u32 tx_id, const char *dir,
		 const char *node, const char *fmt, va_list args)
{
	return xs_op_change(conn, tx_id,
			    xs_op_request_printf(tx_id, dir, node, fmt, args));
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_printf);

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
	return xs_op_change(conn, tx_id,
			    xs_op_request(XS_MKDIR, tx_id, dir, node, NULL, 0));
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_mkdir);

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
	return xs_op_change(conn, tx_id,
			    xs_op_request(XS_RM, tx_id, dir, node, NULL, 0));
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_rm);

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
EXPORT_SYMBOL_IF_KUNIT(xs_op_reset_watches);
