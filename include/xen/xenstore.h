/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several requests to XenStore, and one wait for all of them.
 *
 * The functions of <xen/xenbus.h> wait for the server once each. For more than
 * one request build a batch, run it, and check the results;
 * Documentation/xen/xenstore/batch.rst has examples.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XEN_XENSTORE_H
#define _XEN_XENSTORE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <xen/xenbus.h>

struct xs_request;

/* Requests of a batch that need no memory for the list of them. */
#define XENBUS_BATCH_SMALL	16

/**
 * struct xenbus_batch - requests that are sent together
 *
 * Lives on a stack, mostly. The members are private; xenbus_batch_init() sets them.
 */
struct xenbus_batch {
	/** @t: the transaction of all requests, or %XBT_NIL */
	struct xenbus_transaction t;
	/** @err: why the batch is not complete: the first one that happened */
	int err;
	/** @num: requests added */
	unsigned int num;
	/** @done: requests completed, the first of them */
	unsigned int done;
	/** @size: capacity of @reqs */
	unsigned int size;
	/** @reqs: the requests; @small or from kmalloc() */
	struct xs_request **reqs;
	/** @small: enough for most */
	struct xs_request *small[XENBUS_BATCH_SMALL];
};

void xenbus_batch_init(struct xenbus_batch *batch, struct xenbus_transaction t);
void xenbus_batch_free(struct xenbus_batch *batch);

/* Add a request; each returns its number, by which its result is found */
unsigned int xenbus_batch_read(struct xenbus_batch *batch, const char *dir,
			       const char *node);
unsigned int xenbus_batch_exists(struct xenbus_batch *batch, const char *dir,
				 const char *node);
unsigned int xenbus_batch_directory(struct xenbus_batch *batch, const char *dir,
				    const char *node);
unsigned int xenbus_batch_write(struct xenbus_batch *batch, const char *dir,
				const char *node, const char *string);
unsigned int __printf(4, 5)
xenbus_batch_printf(struct xenbus_batch *batch, const char *dir, const char *node,
		    const char *fmt, ...);
unsigned int xenbus_batch_mkdir(struct xenbus_batch *batch, const char *dir,
				const char *node);
unsigned int xenbus_batch_rm(struct xenbus_batch *batch, const char *dir,
			     const char *node);

int xenbus_batch_run(struct xenbus_batch *batch);

/* Results */
int xenbus_batch_error(const struct xenbus_batch *batch, unsigned int n);
const char *xenbus_batch_value(const struct xenbus_batch *batch, unsigned int n,
			       unsigned int *len);
void *xenbus_batch_take(struct xenbus_batch *batch, unsigned int n, unsigned int *len);
int __scanf(3, 4)
xenbus_batch_scanf(const struct xenbus_batch *batch, unsigned int n,
		   const char *fmt, ...);
const char *xenbus_batch_next_name(const struct xenbus_batch *batch, unsigned int n,
				   const char *name);

#endif /* _XEN_XENSTORE_H */
