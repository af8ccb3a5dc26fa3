/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client that remembers its requests, and checks what it reads: every message
 * that was accepted has one reply, with its ids and, for most types, its own
 * payload; every event is of a watch that the client has set.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <linux/list.h>

#include "server.h"
#include "session.h"

#define CLIENT_BUFFER	(1 << 14)

/* A message, while it is moved byte by byte. */
struct partial {
	size_t have;
	union {
		struct xsd_sockmsg hdr;
		char raw[XS_MESSAGE_MAX];
	};
};

struct client {
	struct xs_session *session;
	/* Has it lied? Anything may be read then. */
	const struct server *server;
	struct partial tx, rx;
	/* Accepted and outstanding; every watch that there ever was. */
	struct list_head asked, watches;
	unsigned int nr_asked, nr_watches;
	/* The newest transactions, newest first. */
	u32 txns[4];
	u32 next_id;
	/* An id was used twice, so replies cannot be told apart. */
	bool ambiguous;
	/* The highest that the limits have been. */
	unsigned int most_requests, most_events;
	/* To be written. */
	size_t len;
	char out[CLIENT_BUFFER];
	/* A write is going on; what has been read meanwhile waits for it. */
	bool writing;
	size_t unseen;
	char in[CLIENT_BUFFER];
};

void client_init(struct client *c, struct xs_session *session,
		 const struct server *server);
void client_exit(struct client *c);
void client_add(struct client *c, const void *bytes, size_t len);
void client_message(struct client *c, struct script *script);
ssize_t client_write(struct client *c, size_t len, bool nonblock);
ssize_t client_read(struct client *c, size_t len, bool nonblock);
void client_check(struct client *c);

#endif
