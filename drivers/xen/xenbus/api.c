// SPDX-License-Identifier: GPL-2.0-only
/*
 * What device drivers call: the store as a set of functions.
 *
 * Thin: each turns what <xen/xenbus.h> promises into an operation of the core
 * on the one connection of this kernel. Unless stated otherwise every function
 * here runs in process context and sleeps, uninterruptibly, until the server
 * has replied; a batch waits once for several requests, see batch.c. None may be
 * called by the kthread. Allocations do not start I/O, so a driver may call
 * them on the way to its disk. The errors are those of
 * drivers/xen/xenstore/call.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/stdarg.h>
#include <xen/xenbus.h>
#include <xen/xenstore.h>

#include "../xenstore/ops.h"
#include "xenbus_store.h"

/**
 * xenbus_directory() - names of the children of a node
 * @t: transaction or %XBT_NIL
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @num: where their number goes
 *
 * Return: An array of @num strings, freed with one kfree(), or an ERR_PTR().
 */
char **xenbus_directory(struct xenbus_transaction t, const char *dir,
			const char *node, unsigned int *num)
{
	return xs_op_directory(xenbus_conn(), t.id, dir, node, num);
}
EXPORT_SYMBOL_GPL(xenbus_directory);

/**
 * xenbus_exists() - is there such a node?
 * @t: transaction or %XBT_NIL
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * Return: 1 if there is, 0 if there is not or if that could not be found out.
 */
int xenbus_exists(struct xenbus_transaction t, const char *dir,
		  const char *node)
{
	return !xs_op_exists(xenbus_conn(), t.id, dir, node);
}
EXPORT_SYMBOL_GPL(xenbus_exists);

/**
 * xenbus_read() - value of a node
 * @t: transaction or %XBT_NIL
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @len: where its length in bytes goes, or NULL
 *
 * Return: The value and a NUL, for kfree(), or an ERR_PTR(). The value itself
 * may contain NULs.
 */
void *xenbus_read(struct xenbus_transaction t, const char *dir,
		  const char *node, unsigned int *len)
{
	return xs_op_read(xenbus_conn(), t.id, dir, node, len);
}
EXPORT_SYMBOL_GPL(xenbus_read);

/**
 * xenbus_write() - set the value of a node
 * @t: transaction or %XBT_NIL
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @string: the value, without the NUL
 *
 * In a transaction this does not wait for the server, nor do xenbus_printf() and
 * xenbus_rm(). If the server refuses one of them,
 * xenbus_transaction_end() returns -EAGAIN, and in the repetition each waits and
 * returns its own error. xenbus.write_behind=0 makes each wait at once.
 *
 * Return: 0 or a negative errno.
 */
int xenbus_write(struct xenbus_transaction t, const char *dir,
		 const char *node, const char *string)
{
	return xs_op_write(xenbus_conn(), t.id, dir, node, string,
			   strlen(string));
}
EXPORT_SYMBOL_GPL(xenbus_write);

/**
 * xenbus_rm() - remove a node and all below it
 * @t: transaction or %XBT_NIL
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * Return: 0 or a negative errno.
 */
int xenbus_rm(struct xenbus_transaction t, const char *dir, const char *node)
{
	return xs_op_rm(xenbus_conn(), t.id, dir, node);
}
EXPORT_SYMBOL_GPL(xenbus_rm);

/**
 * xenbus_transaction_start() - open a transaction
 * @t: where it goes; ends with xenbus_transaction_end(), which must follow
 *
 * Return: 0 or a negative errno.
 */
int xenbus_transaction_start(struct xenbus_transaction *t)
{
	return xs_op_transaction_start(xenbus_conn(), &t->id);
}
EXPORT_SYMBOL_GPL(xenbus_transaction_start);

/**
 * xenbus_transaction_end() - commit or give up a transaction
 * @t: the transaction, over in any case
 * @abort: whether to give it up
 *
 * Return: 0; -EAGAIN if it has to be repeated from its start, because it
 * conflicted or because something that was written in it was refused; or a
 * negative errno.
 */
int xenbus_transaction_end(struct xenbus_transaction t, bool abort)
{
	return xs_op_transaction_end(xenbus_conn(), t.id, abort);
}
EXPORT_SYMBOL_GPL(xenbus_transaction_end);

/**
 * xenbus_scanf() - read a node and take it apart
 * @t: transaction or %XBT_NIL
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @fmt: as for sscanf()
 *
 * Return: Number of conversions, at least 1; -ERANGE if there was none; or a
 * negative errno.
 */
int xenbus_scanf(struct xenbus_transaction t, const char *dir,
		 const char *node, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = xs_op_scanf(xenbus_conn(), t.id, dir, node, fmt, args);
	va_end(args);
	return n ?: -ERANGE;
}
EXPORT_SYMBOL_GPL(xenbus_scanf);

/**
 * xenbus_read_unsigned() - read a number that may be missing
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @default_val: what to return if there is no number
 *
 * Return: The number or @default_val.
 */
unsigned int xenbus_read_unsigned(const char *dir, const char *node,
				  unsigned int default_val)
{
	unsigned int value;

	if (xenbus_scanf(XBT_NIL, dir, node, "%u", &value) <= 0)
		return default_val;
	return value;
}
EXPORT_SYMBOL_GPL(xenbus_read_unsigned);

/**
 * xenbus_printf() - format the value of a node
 * @t: transaction or %XBT_NIL
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 * @fmt: as for printf()
 *
 * Return: 0 or a negative errno.
 */
int xenbus_printf(struct xenbus_transaction t, const char *dir,
		  const char *node, const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = xs_op_printf(xenbus_conn(), t.id, dir, node, fmt, args);
	va_end(args);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_printf);

static void xenbus_gather_add(struct xenbus_batch *batch, const char *dir,
			      va_list args)
{
	const char *name;

	while ((name = va_arg(args, char *))) {
		xenbus_batch_read(batch, dir, name);
		va_arg(args, char *);
		va_arg(args, void *);
	}
}

static int xenbus_gather_one(struct xenbus_batch *batch, unsigned int n,
			     const char *fmt, void *result)
{
	const char *value = fmt ? xenbus_batch_value(batch, n, NULL) :
				  xenbus_batch_take(batch, n, NULL);

	if (IS_ERR(value))
		return PTR_ERR(value);
	if (fmt)
		return sscanf(value, fmt, result) < 1 ? -EINVAL : 0;
	*(const char **)result = value;
	return 0;
}

/* Nothing is stored after an error, as if one were read after the other. */
static int xenbus_gather_store(struct xenbus_batch *batch, va_list args)
{
	unsigned int n;
	const char *fmt;
	int err = 0;

	for (n = 0; !err && va_arg(args, char *); n++) {
		fmt = va_arg(args, char *);
		err = xenbus_gather_one(batch, n, fmt, va_arg(args, void *));
	}
	return err;
}

/**
 * xenbus_gather() - read several children of a node
 * @t: transaction or %XBT_NIL
 * @dir: the node
 *
 * Followed by triples of the child's name, a format for sscanf() with one
 * conversion, and where its result goes; then NULL. A NULL format stands for
 * the whole value as a string for kfree(). Strings stored before an error
 * stay the caller's. All are asked for at once, and waited for once.
 *
 * Return: 0; -EINVAL if a value does not match its format; or the error of the
 * first read that failed.
 */
int xenbus_gather(struct xenbus_transaction t, const char *dir, ...)
{
	struct xenbus_batch batch;
	va_list args;
	int err;

	xenbus_batch_init(&batch, t);
	va_start(args, dir);
	xenbus_gather_add(&batch, dir, args);
	va_end(args);
	/* What this returns is found again where it belongs. */
	xenbus_batch_run(&batch);
	va_start(args, dir);
	err = xenbus_gather_store(&batch, args);
	va_end(args);
	xenbus_batch_free(&batch);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_gather);

/**
 * register_xenbus_watch() - have a callback run when a node changes
 * @watch: the caller's, which keeps it until it is unregistered
 *
 * The callback runs at least once, soon: in the queue of the device whose
 * callback the caller is, or else in the default queue. See xs_watch_register().
 *
 * Return: 0 or a negative errno.
 */
int register_xenbus_watch(struct xenbus_watch *watch)
{
	return xs_watch_register(xenbus_watches(), watch);
}
EXPORT_SYMBOL_GPL(register_xenbus_watch);

/**
 * unregister_xenbus_watch() - end a watch
 * @watch: a registered watch
 *
 * The callback does not run any more when this returns, unless it is the
 * callback that calls. See xs_watch_unregister().
 */
void unregister_xenbus_watch(struct xenbus_watch *watch)
{
	xs_watch_unregister(xenbus_watches(), watch);
}
EXPORT_SYMBOL_GPL(unregister_xenbus_watch);
