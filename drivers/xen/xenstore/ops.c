// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations of the XenStore protocol as function calls.
 *
 * Each builds a request, waits for the reply and turns it into the result that a
 * C caller expects. All functions run in process context, sleep uninterruptibly
 * until the server has replied, and must not be called by the kthread.
 *
 * The errors are those of call.c.
 *
 * A change in a transaction of the kernel may only be posted, see
 * transaction.c; it then returns 0, and the end of the transaction tells.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/stdarg.h>

#include "call.h"
#include "ops.h"
#include "transaction.h"

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

	req = xs_call_request(XS_READ, tx_id, dir, node, NULL, 0);
	err = xs_call(conn, req, XS_GATE_REQUEST);
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

	req = xs_call_request(XS_READ, tx_id, dir, node, NULL, 0);
	result = xs_call(conn, req, XS_GATE_REQUEST);
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
 * Asks for the permissions: anything that may read the node may read them, and
 * their length does not depend on the number of children. A server that does not
 * know this request is asked for the children.
 *
 * Context: Process, sleeps.
 * Return: 0 if there is; -ENOENT if there is not, or another negative errno,
 * see above.
 */
int xs_op_exists(struct xs_conn *conn, u32 tx_id, const char *dir,
		 const char *node)
{
	unsigned int num;
	char **names;
	int err;

	err = xs_call_put(conn,
			  xs_call_request(XS_GET_PERMS, tx_id, dir, node, NULL,
					  0),
			  XS_GATE_REQUEST);
	if (err != -ENOSYS && err != -EINVAL)
		return err;
	names = xs_op_directory(conn, tx_id, dir, node, &num);
	if (IS_ERR(names))
		return PTR_ERR(names);
	kfree(names);
	return 0;
}

/* In a transaction, its end reports whether this has worked. */
static int xs_op_change(struct xs_conn *conn, u32 tx_id, struct xs_request *req)
{
	if (tx_id && conn->write_behind)
		return xs_op_transaction_post(conn, tx_id, req);
	return xs_call_put(conn, req, XS_GATE_REQUEST);
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
			    xs_call_request(XS_WRITE, tx_id, dir, node, value,
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
			    xs_call_request_printf(tx_id, dir, node, fmt,
						   args));
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
			    xs_call_request(XS_MKDIR, tx_id, dir, node, NULL,
					    0));
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
			    xs_call_request(XS_RM, tx_id, dir, node, NULL, 0));
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_rm);

/**
 * xs_op_reset_watches() - drop every watch and transaction of this domain
 * @conn: the connection; before anything else uses it
 *
 * Clears what an earlier kernel of this domain left behind at the server.
 *
 * Context: Process, sleeps.
 * Return: 0 or a negative errno, see above; -ENOSYS from old servers.
 */
int xs_op_reset_watches(struct xs_conn *conn)
{
	return xs_call_put(conn,
			   xs_call_request(XS_RESET_WATCHES, 0, "", "", NULL,
					   0),
			   XS_GATE_REQUEST);
}
EXPORT_SYMBOL_IF_KUNIT(xs_op_reset_watches);
