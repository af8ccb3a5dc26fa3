/* SPDX-License-Identifier: GPL-2.0 */
/* Requests to XenStore through a device file, any number of them at once. */
#ifndef LSXENBUS_STORE_H
#define LSXENBUS_STORE_H

#include <stddef.h>
#include <stdint.h>

#define STORE_PAYLOAD_MAX 4096

/** enum store_type - the messages that this program uses, as on the wire */
enum store_type {
	STORE_DIRECTORY = 1,
	STORE_READ = 2,
	STORE_GET_PERMS = 3,
	STORE_WATCH = 4,
	STORE_TRANSACTION_START = 6,
	STORE_TRANSACTION_END = 7,
	STORE_WATCH_EVENT = 15,
	STORE_ERROR = 16,
	STORE_DIRECTORY_PART = 22,
};

/** struct store_reply - what the server says; gone when the callback returns */
struct store_reply {
	/** @type: of the request */
	enum store_type type;
	/** @error: its name, as "ENOENT", or NULL if it succeeded */
	const char *error;
	/** @body: @len bytes, followed by a NUL that is not the server's */
	const char *body;
	/** @len: of @body */
	size_t len;
};

/** struct store_call - a request in the making */
struct store_call {
	/** @type: what is asked */
	enum store_type type;
	/** @tx: the transaction in which it is asked, or 0 */
	uint32_t tx;
	/** @body: @len bytes, which are copied */
	const void *body;
	/** @len: of @body */
	size_t len;
	/** @done: called once, with @owner and @item */
	void (*done)(void *owner, void *item, const struct store_reply *reply);
	/** @owner: for @done */
	void *owner;
	/** @item: likewise */
	void *item;
};

/** struct store_stats - what it took */
struct store_stats {
	/** @requests: how many were sent */
	unsigned long requests;
	/** @waits: how often all that was known had been asked */
	unsigned long waits;
};

struct store;

struct store *store_open(const char *device,
			 void (*event)(void *owner, const char *path,
				       const char *token),
			 void *owner);
void store_close(struct store *store);
void store_submit(struct store *store, const struct store_call *call);
void store_run(struct store *store);
void store_step(struct store *store);
const struct store_stats *store_stats(const struct store *store);

void *store_alloc(size_t size);

#endif
