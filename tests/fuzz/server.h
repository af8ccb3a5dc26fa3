/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The server at the other side of the page.
 *
 * It keeps the watches and transactions that are requested, and replies to every
 * other request with the request's own payload. Requests are handled in the
 * order in which they come, and replied to in any. The id of a transaction is
 * given out again as soon as it is free. It sleeps when it finds nothing to do, until
 * it is notified, like a real one.
 */
#ifndef SERVER_H
#define SERVER_H

#include <linux/list.h>

#include "script.h"
#include "transport.h"
#include "wire.h"

#define SERVER_BACKLOG	(1 << 18)

/* A request that has been handled, with its reply. */
struct asked {
	struct list_head node;
	struct xsd_sockmsg hdr;
	char body[];
};

struct server_watch {
	struct list_head node;
	const char *token;
	char path[];
};

struct server_txn {
	struct list_head node;
	u32 id;
	/* The flow that has started it, if that is known. */
	const struct xs_flow *flow;
};

struct server {
	struct xs_transport t;
	struct list_head asked, watches, txns;
	unsigned int nr_asked;
	/* This many of the next requests are refused. */
	unsigned int refuse;
	/* The most watches, and the most transactions, that there may be. */
	unsigned int quota;
	/* It has not kept to the protocol, at all or since it was found. */
	bool lied, lies;
	/* Notified, or not done yet. */
	bool awake;
	bool unreachable;
	/* It runs in this domain, and its notifications can be masked. */
	bool local, masked;
	struct {
		struct xsd_sockmsg hdr;
		char body[XENSTORE_PAYLOAD_MAX];
		size_t have;
	} in;
	/* From @from to @to: what is to be sent. */
	size_t from, to;
	char out[SERVER_BACKLOG];
};

void server_init(struct server *s);
void server_exit(struct server *s);
bool server_take(struct server *s, size_t len);
bool server_give(struct server *s, size_t len);
bool server_reply(struct server *s, unsigned int n);
bool server_turn(struct server *s);
void server_event(struct server *s, unsigned int n, const char *below);
void server_die(struct server *s);
void server_lie(struct server *s, struct script *script);

#endif
