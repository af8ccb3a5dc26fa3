// SPDX-License-Identifier: GPL-2.0-only
/*
 * One request as a function call: build it, wait for the reply, read the result.
 *
 * What ops.c, directory.c, transaction.c and watch_sync.c have in common. A
 * request is built of a path in one or two parts and a value; a reply comes to
 * 0 or a negative errno. Nothing here knows what an operation means.
 *
 * Errors that every call can return:
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
#include <linux/printk.h>
#include <linux/string.h>

#include "call.h"

/**
 * xs_call_request() - build a request that begins with a path
 * @type: XS_READ and the like
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path; "" if @dir is all of it
 * @value: bytes behind the path's NUL; NULL if the caller fills them in
 * @len: bytes in @value
 *
 * Context: Process, allocates with %XS_GFP.
 * Return: The request, ERR_PTR(-E2BIG), ERR_PTR(-ENOMEM).
 */
struct xs_request *xs_call_request(u32 type, u32 tx_id, const char *dir,
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

/* A longer value is formatted twice. */
#define XS_CALL_PRINTF_SMALL	64

/* The value is formatted right into the request. */
static __printf(5, 0) struct xs_request *
xs_call_request_long(u32 tx_id, const char *dir, const char *node, int len,
		     const char *fmt, va_list args)
{
	struct xs_request *req;
	char *value;
	int rest;

	req = xs_call_request(XS_WRITE, tx_id, dir, node, NULL, len);
	if (IS_ERR(req))
		return req;
	value = (char *)req->out + req->len - len;
	vsnprintf(value, len + 1, fmt, args);
	/* An argument may have changed since its length was taken. */
	rest = len - strnlen(value, len);
	req->len -= rest;
	xs_request_header(req)->len -= rest;
	return req;
}

/**
 * xs_call_request_printf() - build an XS_WRITE of a formatted value
 * @tx_id: transaction, 0 for none
 * @dir: path, or its first part
 * @node: rest of the path; "" if @dir is all of it
 * @fmt: as for vprintf()
 * @args: its arguments
 *
 * The value ends before the first NUL, such as that of "%c" with 0.
 *
 * Context: Process, allocates with %XS_GFP.
 * Return: The request, ERR_PTR(-E2BIG), ERR_PTR(-ENOMEM).
 */
struct xs_request *xs_call_request_printf(u32 tx_id, const char *dir,
					  const char *node, const char *fmt,
					  va_list args)
{
	char small[XS_CALL_PRINTF_SMALL];
	va_list copy;
	int len;

	va_copy(copy, args);
	len = vsnprintf(small, sizeof(small), fmt, copy);
	va_end(copy);
	if (len < sizeof(small))
		return xs_call_request(XS_WRITE, tx_id, dir, node, small,
				       strlen(small));
	return xs_call_request_long(tx_id, dir, node, len, fmt, args);
}

/**
 * xs_call_result() - the result of a completed request
 * @req: a request that is done
 *
 * Context: Any.
 * Return: 0 if &xs_request.reply holds the reply; the error that the request
 * failed with or that the server replied with; -EINVAL if the reply is not of
 * the type that xenstore.txt demands for the request.
 */
int xs_call_result(const struct xs_request *req)
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

/**
 * xs_call() - send a request and wait for its result
 * @conn: the connection
 * @req: a new request, which stays the caller's, or an ERR_PTR()
 * @kind: how it passes the gate
 *
 * Context: Process, sleeps uninterruptibly until the server has replied and,
 * during a suspend, until the resume; not the kthread.
 * Return: 0 with the reply in &xs_request.reply, or a negative errno, see
 * above.
 */
int xs_call(struct xs_conn *conn, struct xs_request *req,
	    enum xs_gate_kind kind)
{
	int err;

	if (IS_ERR(req))
		return PTR_ERR(req);
	err = xs_conn_call_all(conn, &req, 1, kind);
	return err ?: xs_call_result(req);
}

/**
 * xs_call_put() - xs_call() where only success matters
 * @conn: the connection
 * @req: a new request, which is consumed, or an ERR_PTR()
 * @kind: how it passes the gate
 *
 * Context: As xs_call().
 * Return: 0 or a negative errno, see above.
 */
int xs_call_put(struct xs_conn *conn, struct xs_request *req,
		enum xs_gate_kind kind)
{
	int err = xs_call(conn, req, kind);

	if (!IS_ERR(req))
		xs_request_put(req);
	return err;
}
