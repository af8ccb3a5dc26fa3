// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "client.h"
#include "shim.h"

void client_init(struct client *c, struct xs_session *session,
		 const struct server *server)
{
	memset(c, 0, offsetof(struct client, out));
	c->unseen = 0;
	c->writing = false;
	c->session = session;
	c->server = server;
	INIT_LIST_HEAD(&c->asked);
	INIT_LIST_HEAD(&c->watches);
}

static void forget(struct list_head *list)
{
	while (!list_empty(list)) {
		struct list_head *node = list->next;

		list_del(node);
		free(node);
	}
}

void client_exit(struct client *c)
{
	forget(&c->asked);
	forget(&c->watches);
	c->session = NULL;
}

/* === Requests === */

static const char *partial_body(const struct partial *p)
{
	return p->raw + sizeof(p->hdr);
}

static struct asked *copy(const struct partial *p)
{
	struct asked *asked = malloc(sizeof(*asked) + p->hdr.len);

	asked->hdr = p->hdr;
	memcpy(asked->body, partial_body(p), p->hdr.len);
	return asked;
}

static void client_asked(struct client *c)
{
	const char *pos = partial_body(&c->tx), *end = pos + c->tx.hdr.len;
	struct asked *asked;

	list_for_each_entry(asked, &c->asked, node) {
		c->ambiguous |= asked->hdr.req_id == c->tx.hdr.req_id;
	}
	list_add_tail(&copy(&c->tx)->node, &c->asked);
	c->nr_asked++;
	if (c->tx.hdr.type == XS_WATCH && xs_wire_next_string(&pos, end) &&
	    xs_wire_next_string(&pos, end)) {
		list_add_tail(&copy(&c->tx)->node, &c->watches);
		c->nr_watches++;
	}
	c->tx.have = 0;
}

/* Add one byte; true if the message is complete. */
static bool partial_add(struct partial *p, char byte)
{
	p->raw[p->have++] = byte;
	return p->have >= sizeof(p->hdr) &&
	       p->have == sizeof(p->hdr) + p->hdr.len;
}

/* === Replies and events === */

static bool is_ok(const struct partial *reply)
{
	return reply->hdr.len == 3 && !memcmp(partial_body(reply), "OK", 3);
}

static bool client_is_reply(const struct client *c, const struct asked *asked,
			     const struct partial *reply)
{
	if (asked->hdr.req_id != reply->hdr.req_id ||
	    asked->hdr.tx_id != reply->hdr.tx_id)
		return false;
	if (reply->hdr.type == XS_ERROR || c->server->lied || c->ambiguous)
		return true;
	if (asked->hdr.type != reply->hdr.type)
		return false;
	switch (asked->hdr.type) {
	case XS_TRANSACTION_START:
		return reply->hdr.len;
	case XS_TRANSACTION_END:
	case XS_WATCH:
	case XS_UNWATCH:
	case XS_RESET_WATCHES:
		return is_ok(reply);
	case XS_DIRECTORY_PART:
		return reply->hdr.len - asked->hdr.len <= 1 &&
		       !memcmp(asked->body, partial_body(reply), asked->hdr.len);
	}
	return asked->hdr.len == reply->hdr.len &&
	       !memcmp(asked->body, partial_body(reply), reply->hdr.len);
}

static void client_replied(struct client *c)
{
	struct asked *asked;

	list_for_each_entry(asked, &c->asked, node) {
		if (client_is_reply(c, asked, &c->rx))
			goto found;
	}
	SHIM_BUG_ON(true);
found:
	if (c->rx.hdr.type == XS_TRANSACTION_START) {
		memmove(c->txns + 1, c->txns, sizeof(c->txns) - sizeof(u32));
		xs_wire_parse_u32(partial_body(&c->rx), c->rx.hdr.len, c->txns);
	}
	list_del(&asked->node);
	free(asked);
	c->nr_asked--;
}

static bool client_is_watch(const struct asked *watch, const char *path,
			    const char *token)
{
	const char *pos = watch->body, *end = pos + watch->hdr.len;

	return xs_wire_path_covers(xs_wire_next_string(&pos, end), path) &&
	       !strcmp(xs_wire_next_string(&pos, end), token);
}

static void client_event(struct client *c)
{
	const char *pos = partial_body(&c->rx), *end = pos + c->rx.hdr.len;
	const char *path = xs_wire_next_string(&pos, end);
	const char *token = xs_wire_next_string(&pos, end);
	struct asked *watch;

	SHIM_BUG_ON(!path || !token || pos != end);
	SHIM_BUG_ON(c->rx.hdr.req_id || c->rx.hdr.tx_id);
	list_for_each_entry(watch, &c->watches, node) {
		if (client_is_watch(watch, path, token))
			return;
	}
	SHIM_BUG_ON(true);
}

static void client_told(struct client *c)
{
	if (c->rx.hdr.type == XS_WATCH_EVENT)
		client_event(c);
	else
		client_replied(c);
	c->rx.have = 0;
}

/* Look at what has been read. */
static void client_look(struct client *c)
{
	size_t i;

	for (i = 0; i < c->unseen; i++) {
		if (partial_add(&c->rx, c->in[i]))
			client_told(c);
		SHIM_BUG_ON(c->rx.have >= sizeof(c->rx.hdr) &&
			    c->rx.hdr.len > XENSTORE_PAYLOAD_MAX);
	}
	c->unseen = 0;
}

ssize_t client_read(struct client *c, size_t len, bool nonblock)
{
	struct iov_iter to = { c->in + c->unseen };
	ssize_t n;

	/* No write sleeps so often that this is too short. */
	SHIM_BUG_ON(len > sizeof(c->in) - c->unseen);
	to.count = len;
	n = xs_session_read(c->session, &to, nonblock);
	SHIM_BUG_ON(!n != !len || n > (ssize_t)len);
	if (n == -EAGAIN)
		SHIM_BUG_ON(!nonblock || xs_session_readable(c->session));
	else if (n == -ERESTARTSYS)
		SHIM_BUG_ON(nonblock);
	else if (n < 0)
		SHIM_BUG_ON(n != -EFAULT || shim.fault_after);
	if (n > 0)
		c->unseen += n;
	if (!c->writing)
		client_look(c);
	return n;
}

/* === What is written === */

/* Will the session find a header that is too long? */
static bool client_too_big(const struct client *c, const char *bytes, size_t len)
{
	struct partial p = { .have = c->tx.have, .hdr = c->tx.hdr };

	while (len-- && p.have < sizeof(p.hdr))
		p.raw[p.have++] = *bytes++;
	return p.have == sizeof(p.hdr) && p.hdr.len > XENSTORE_PAYLOAD_MAX;
}

static void client_check_error(struct client *c, ssize_t err, size_t len,
			       bool nonblock, unsigned int failed)
{
	const struct xs_conn *conn = &c->session->store->conn;

	switch (err) {
	case -EAGAIN:
		SHIM_BUG_ON(!nonblock);
		SHIM_BUG_ON(xs_session_writable(c->session) &&
			    !conn->gate.closed);
		break;
	case -ERESTARTSYS:
		SHIM_BUG_ON(nonblock);
		break;
	case -E2BIG:
		SHIM_BUG_ON(!client_too_big(c, c->out, len));
		c->tx.have = 0;
		break;
	case -EFAULT:
		SHIM_BUG_ON(shim.fault_after >= len);
		break;
	case -ENOMEM:
		SHIM_BUG_ON(shim.failed == failed);
		break;
	default:
		SHIM_BUG_ON(conn->state != XS_CONN_BROKEN);
		SHIM_BUG_ON(err != conn->break_err);
	}
}

/* Write some of the buffer, and forget what was accepted or is hopeless. */
ssize_t client_write(struct client *c, size_t len, bool nonblock)
{
	struct iov_iter from = { c->out, min(len, c->len) };
	unsigned int failed = shim.failed;
	bool shut = c->session->store->conn.gate.closed;
	unsigned int asked = c->nr_asked;
	size_t want = from.count, i;
	ssize_t n;

	c->writing = true;
	n = xs_session_write(c->session, &from, nonblock);
	c->writing = false;
	SHIM_BUG_ON(!n != !want || n > (ssize_t)want);
	for (i = 0; n > 0 && i < n; i++) {
		if (partial_add(&c->tx, c->out[i]))
			client_asked(c);
	}
	/* Nothing is accepted while the domain is suspended. */
	SHIM_BUG_ON(shut && c->nr_asked != asked);
	if (n < 0)
		client_check_error(c, n, want, nonblock, failed);
	if (n == -E2BIG)
		n = want;
	if (n > 0) {
		memmove(c->out, c->out + n, c->len - n);
		c->len -= n;
	}
	client_look(c);
	return n;
}

/* The session counts as its client does, and keeps to its limits. */
void client_check(struct client *c)
{
	const struct xs_session *session = c->session;
	const struct xs_limits *limits = &session->store->limits;
	size_t bytes = 0;
	unsigned int events = 0;
	struct xs_msg *msg;

	shim_check_idle();
	list_for_each_entry(msg, &session->unread, node) {
		if (msg->hdr.type == XS_WATCH_EVENT)
			events++;
		else
			bytes += msg->hdr.len;
	}
	c->most_requests = max(c->most_requests, limits->requests);
	c->most_events = max(c->most_events, limits->events);
	SHIM_BUG_ON(session->outstanding > max(c->most_requests, 1U));
	/* Beyond the limit one for each watch, and one that is half read. */
	SHIM_BUG_ON(events > c->most_events + c->nr_watches + 1);
	SHIM_BUG_ON(session->outstanding != c->nr_asked);
	SHIM_BUG_ON(session->unread_bytes != bytes);
	SHIM_BUG_ON(session->unread_events != events);
}

/* === Messages === */

/* To be written later, if there is room. */
void client_add(struct client *c, const void *bytes, size_t len)
{
	if (len > sizeof(c->out) - c->len)
		return;
	memcpy(c->out + c->len, bytes, len);
	c->len += len;
}

static size_t client_body(char *body, struct script *script)
{
	static const struct { size_t len; const char *bytes; } bodies[] = {
		{ 0, "" }, { 2, "T" }, { 2, "F" }, { 1, "T" },
		{ 8, "/a\0tok1" }, { 8, "/a\0tok2" }, { 10, "/a/b\0tok1" },
		{ 7, "/\0tok1" }, { 10, "/a\0tok1\0001" }, { 6, "/a\0tok" },
	};
	unsigned int n = script_digit(script);
	size_t len;

	if (n < ARRAY_SIZE(bodies)) {
		memcpy(body, bodies[n].bytes, bodies[n].len);
		return bodies[n].len;
	}
	len = min_t(size_t, script_length(script), XENSTORE_PAYLOAD_MAX);
	memset(body, 'a' + n % 2, len);
	/* Two strings, the first of which is long. */
	if (n < 14 && len > 8)
		memcpy(body + len - 5, "\0tok", 5);
	return len;
}

/* Digits: type, transaction, body. */
void client_message(struct client *c, struct script *script)
{
	static const u8 types[16] = {
		XS_READ, XS_WRITE, XS_WATCH, XS_UNWATCH, XS_TRANSACTION_START,
		XS_TRANSACTION_END, XS_RESET_WATCHES, XS_DIRECTORY, XS_CONTROL,
		XS_WATCH_EVENT, XS_ERROR, XS_DIRECTORY_PART, 99,
		XS_WATCH, XS_TRANSACTION_START, XS_WRITE
	};
	struct xsd_sockmsg hdr = { .type = types[script_digit(script)] };
	unsigned int txn = script_digit(script);
	char body[XENSTORE_PAYLOAD_MAX];

	hdr.req_id = c->next_id++;
	if (txn)
		hdr.tx_id = txn <= 4 ? c->txns[txn - 1] : txn;
	hdr.len = client_body(body, script);
	client_add(c, &hdr, sizeof(hdr));
	client_add(c, body, hdr.len);
}
