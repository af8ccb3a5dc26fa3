// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several requests of a driver, and one wait for all of them.
 *
 * A batch is a list of requests of the core that are not sent until it is run.
 * The replies stay in the requests until the batch is freed, so that a driver
 * can parse them in place. A batch has one owner and no lock.
 *
 * Requests are added without checking for an error each: a batch that lacks one,
 * because there was no memory or because it would be too long, remembers why and
 * sends nothing.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/stdarg.h>
#include <linux/string.h>
#include <xen/xenstore.h>

#include "../xenstore/call.h"
#include "xenbus_store.h"

/*
 * The kernel's requests are sent in order, so a batch delays all that are queued
 * behind it. A longer one is sent in parts, and others may come in between.
 */
#define XENBUS_BATCH_PART	64U

/**
 * xenbus_batch_init() - begin a batch
 * @batch: the caller's
 * @t: what all requests are to be part of, or %XBT_NIL
 *
 * Context: Any.
 */
void xenbus_batch_init(struct xenbus_batch *batch, struct xenbus_transaction t)
{
	batch->t = t;
	batch->err = 0;
	batch->num = 0;
	batch->done = 0;
	batch->size = ARRAY_SIZE(batch->small);
	batch->reqs = batch->small;
}
EXPORT_SYMBOL_GPL(xenbus_batch_init);

/**
 * xenbus_batch_free() - be done with a batch
 * @batch: the batch, which may be used again after xenbus_batch_init()
 *
 * What xenbus_batch_value() and xenbus_batch_next_name() returned is not valid any more.
 * Requests that have not been sent are forgotten.
 *
 * Context: Any.
 */
void xenbus_batch_free(struct xenbus_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->num; i++)
		xs_request_put(batch->reqs[i]);
	if (batch->reqs != batch->small)
		kfree(batch->reqs);
	batch->num = 0;
	batch->done = 0;
	batch->reqs = batch->small;
}
EXPORT_SYMBOL_GPL(xenbus_batch_free);

/* === What to ask and to say === */

static int xenbus_batch_grow(struct xenbus_batch *batch)
{
	unsigned int size = 2 * batch->size;
	struct xs_request **reqs;

	reqs = kmalloc_array(size, sizeof(*reqs), XS_GFP);
	if (!reqs)
		return -ENOMEM;
	memcpy(reqs, batch->reqs, array_size(batch->num, sizeof(*reqs)));
	if (batch->reqs != batch->small)
		kfree(batch->reqs);
	batch->reqs = reqs;
	batch->size = size;
	return 0;
}

/* Consumes the request. A batch that lacks one takes no more. */
static unsigned int xenbus_batch_add(struct xenbus_batch *batch, struct xs_request *req)
{
	int err = PTR_ERR_OR_ZERO(req);

	if (!err && batch->num == batch->size)
		err = xenbus_batch_grow(batch);
	batch->err = batch->err ?: err;
	if (!batch->err) {
		batch->reqs[batch->num] = req;
		return batch->num++;
	}
	if (!IS_ERR(req))
		xs_request_put(req);
	return UINT_MAX;
}

static unsigned int xenbus_batch_add_op(struct xenbus_batch *batch, u32 type,
					const char *dir, const char *node)
{
	return xenbus_batch_add(batch, xs_call_request(type, batch->t.id, dir,
						       node, NULL, 0));
}

/**
 * xenbus_batch_read() - add: the value of a node
 * @batch: the batch
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * The strings are the caller's again when this returns, here and below.
 *
 * Context: Process, allocates with %GFP_NOIO.
 * Return: The number of the request in the batch: the first that is added is 0,
 * the next is 1, and so on. If there was no memory, another number, and
 * xenbus_batch_run() returns -ENOMEM.
 */
unsigned int xenbus_batch_read(struct xenbus_batch *batch, const char *dir,
			       const char *node)
{
	return xenbus_batch_add_op(batch, XS_READ, dir, node);
}
EXPORT_SYMBOL_GPL(xenbus_batch_read);

/**
 * xenbus_batch_exists() - add: whether there is such a node
 * @batch: the batch
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * The result is 0 if there is and -ENOENT if there is not. A server that does not
 * know XS_GET_PERMS refuses this, and xenbus_exists() finds out then.
 *
 * Context: Process, allocates with %GFP_NOIO.
 * Return: As xenbus_batch_read().
 */
unsigned int xenbus_batch_exists(struct xenbus_batch *batch, const char *dir,
				 const char *node)
{
	return xenbus_batch_add_op(batch, XS_GET_PERMS, dir, node);
}
EXPORT_SYMBOL_GPL(xenbus_batch_exists);

/**
 * xenbus_batch_directory() - add: the names of the children of a node
 * @batch: the batch
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * The result is -E2BIG if they exceed 4096 bytes, and xenbus_directory() fetches
 * them then.
 *
 * Context: Process, allocates with %GFP_NOIO.
 * Return: As xenbus_batch_read().
 */
unsigned int xenbus_batch_directory(struct xenbus_batch *batch, const char *dir,
				    const char *node)
{
	return xenbus_batch_add_op(batch, XS_DIRECTORY, dir, node);
}
EXPORT_SYMBOL_GPL(xenbus_batch_directory);

/**
 * xenbus_batch_write() - add: set the value of a node
 * @batch: the batch
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @string: the value
 *
 * Context: Process, allocates with %GFP_NOIO.
 * Return: As xenbus_batch_read().
 */
unsigned int xenbus_batch_write(struct xenbus_batch *batch, const char *dir,
				const char *node, const char *string)
{
	return xenbus_batch_add(batch, xs_call_request(XS_WRITE, batch->t.id,
						       dir, node, string,
						       strlen(string)));
}
EXPORT_SYMBOL_GPL(xenbus_batch_write);

/**
 * xenbus_batch_printf() - add: format the value of a node
 * @batch: the batch
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @fmt: as for printf()
 *
 * Context: Process, allocates with %GFP_NOIO.
 * Return: As xenbus_batch_read().
 */
unsigned int xenbus_batch_printf(struct xenbus_batch *batch, const char *dir,
				 const char *node, const char *fmt, ...)
{
	struct xs_request *req;
	va_list args;

	va_start(args, fmt);
	req = xs_call_request_printf(batch->t.id, dir, node, fmt, args);
	va_end(args);
	return xenbus_batch_add(batch, req);
}
EXPORT_SYMBOL_GPL(xenbus_batch_printf);

/**
 * xenbus_batch_mkdir() - add: make a node exist
 * @batch: the batch
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * Context: Process, allocates with %GFP_NOIO.
 * Return: As xenbus_batch_read().
 */
unsigned int xenbus_batch_mkdir(struct xenbus_batch *batch, const char *dir,
				const char *node)
{
	return xenbus_batch_add_op(batch, XS_MKDIR, dir, node);
}
EXPORT_SYMBOL_GPL(xenbus_batch_mkdir);

/**
 * xenbus_batch_rm() - add: remove a node and all below it
 * @batch: the batch
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * Context: Process, allocates with %GFP_NOIO.
 * Return: As xenbus_batch_read().
 */
unsigned int xenbus_batch_rm(struct xenbus_batch *batch, const char *dir,
			     const char *node)
{
	return xenbus_batch_add_op(batch, XS_RM, dir, node);
}
EXPORT_SYMBOL_GPL(xenbus_batch_rm);

/* === Running === */

/* What was written in the transaction before is sent before, too. */
static int xenbus_batch_send(struct xenbus_batch *batch)
{
	unsigned int n;
	int err = 0;

	while (!err && batch->done < batch->num) {
		n = min(batch->num - batch->done, XENBUS_BATCH_PART);
		err = xs_conn_call_all(xenbus_conn(),
				       &batch->reqs[batch->done], n,
				       XS_GATE_REQUEST);
		if (!err)
			batch->done += n;
	}
	return err;
}

static int xenbus_batch_first_error(const struct xenbus_batch *batch)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < batch->num; i++)
		err = xs_call_result(batch->reqs[i]);
	return err;
}

/**
 * xenbus_batch_run() - send what has been added, and wait for the replies
 * @batch: the batch
 *
 * The server executes the requests in the order in which they were added, and
 * does not stop at one that fails. Outside of a transaction, others may come in
 * between. More than 64 are waited for in parts of 64, and a suspend may come in
 * between these.
 *
 * More requests may be added afterwards, and the batch run again: what has
 * completed is not sent again.
 *
 * Context: Process, sleeps as xenbus_read() does.
 * Return: 0 if all that was added has succeeded; otherwise the error of the first
 * that has not, and xenbus_batch_error() tells more. If one of them could not be
 * added, why: -ENOMEM or -E2BIG; and then nothing was sent.
 */
int xenbus_batch_run(struct xenbus_batch *batch)
{
	if (!batch->err)
		batch->err = xenbus_batch_send(batch);
	return batch->err ?: xenbus_batch_first_error(batch);
}
EXPORT_SYMBOL_GPL(xenbus_batch_run);

/* === Results === */

/**
 * xenbus_batch_error() - what has become of a request?
 * @batch: the batch, after xenbus_batch_run()
 * @n: its number in the batch
 *
 * Context: Any.
 * Return: 0 if it has succeeded; the error that the server replied with; or what
 * xenbus_batch_run() returned, if it was not sent.
 */
int xenbus_batch_error(const struct xenbus_batch *batch, unsigned int n)
{
	if (n < batch->done)
		return xs_call_result(batch->reqs[n]);
	return batch->err ?: -EINVAL;
}
EXPORT_SYMBOL_GPL(xenbus_batch_error);

/**
 * xenbus_batch_value() - what a read came to
 * @batch: the batch, after xenbus_batch_run()
 * @n: number of an xenbus_batch_read() in it
 * @len: where the length in bytes goes, or NULL
 *
 * Context: Any.
 * Return: The value and a NUL, valid until xenbus_batch_free(); or, as an ERR_PTR(),
 * what xenbus_batch_error() returns. The value itself may contain NULs.
 */
const char *xenbus_batch_value(const struct xenbus_batch *batch, unsigned int n,
			       unsigned int *len)
{
	int err = xenbus_batch_error(batch, n);

	if (err)
		return ERR_PTR(err);
	if (len)
		*len = batch->reqs[n]->reply.hdr.len;
	return batch->reqs[n]->reply.body;
}
EXPORT_SYMBOL_GPL(xenbus_batch_value);

/**
 * xenbus_batch_take() - keep what a read came to
 * @batch: the batch, after xenbus_batch_run()
 * @n: number of an xenbus_batch_read() in it, for the last time
 * @len: where the length in bytes goes, or NULL
 *
 * Context: Process, allocates with %GFP_NOIO.
 * Return: As xenbus_batch_value(), but for kfree(); also ERR_PTR(-ENOMEM).
 */
void *xenbus_batch_take(struct xenbus_batch *batch, unsigned int n, unsigned int *len)
{
	const char *value = xenbus_batch_value(batch, n, len);
	void *taken;

	if (IS_ERR(value))
		return ERR_CAST(value);
	taken = xs_msg_take_body(&batch->reqs[n]->reply, XS_GFP);
	return taken ?: ERR_PTR(-ENOMEM);
}
EXPORT_SYMBOL_GPL(xenbus_batch_take);

/**
 * xenbus_batch_scanf() - take apart what a read came to
 * @batch: the batch, after xenbus_batch_run()
 * @n: number of an xenbus_batch_read() in it
 * @fmt: as for sscanf()
 *
 * Context: Any.
 * Return: Number of conversions, at least 1; -ERANGE if there was none; or what
 * xenbus_batch_error() returns. As xenbus_scanf().
 */
int xenbus_batch_scanf(const struct xenbus_batch *batch, unsigned int n,
		       const char *fmt, ...)
{
	const char *value = xenbus_batch_value(batch, n, NULL);
	va_list args;
	int result;

	if (IS_ERR(value))
		return PTR_ERR(value);
	va_start(args, fmt);
	result = vsscanf(value, fmt, args);
	va_end(args);
	return result ?: -ERANGE;
}
EXPORT_SYMBOL_GPL(xenbus_batch_scanf);

/**
 * xenbus_batch_next_name() - step through the names of a directory
 * @batch: the batch, after xenbus_batch_run()
 * @n: number of an xenbus_batch_directory() in it
 * @name: what this returned last; NULL for the first name
 *
 * Context: Any.
 * Return: The name, valid until xenbus_batch_free(), or NULL if there are no more,
 * which also holds for a request that has failed.
 */
const char *xenbus_batch_next_name(const struct xenbus_batch *batch, unsigned int n,
				   const char *name)
{
	unsigned int len;
	const char *pos = xenbus_batch_value(batch, n, &len);
	const char *end;

	if (IS_ERR(pos))
		return NULL;
	end = pos + len;
	if (name)
		pos = name + strlen(name) + 1;
	return xs_wire_next_string(&pos, end);
}
EXPORT_SYMBOL_GPL(xenbus_batch_next_name);
