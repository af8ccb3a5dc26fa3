// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "conn.h"
#include "server.h"
#include "shim.h"

static void server_notify(struct server *s)
{
	if (!s->masked)
		s->t.notified(&s->t);
}

static void server_send(struct server *s, const struct xsd_sockmsg *hdr,
			const void *body)
{
	/* A script is too short to fill it with what is true. */
	if (s->to + sizeof(*hdr) + hdr->len > sizeof(s->out)) {
		SHIM_BUG_ON(!s->lied);
		return;
	}
	memcpy(s->out + s->to, hdr, sizeof(*hdr));
	memcpy(s->out + s->to + sizeof(*hdr), body, hdr->len);
	s->to += sizeof(*hdr) + hdr->len;
	s->awake = true;
}

static void server_fire(struct server *s, const char *path, const char *below,
			const char *token)
{
	struct xsd_sockmsg hdr = { .type = XS_WATCH_EVENT };
	char body[2 * XENSTORE_PAYLOAD_MAX];

	hdr.len = snprintf(body, sizeof(body), "%s%s%c%s", path, below, 0,
			   token) + 1;
	if (hdr.len <= XENSTORE_PAYLOAD_MAX)
		server_send(s, &hdr, body);
}

/* === Handling of requests === */

/* Entry @n of a list, or NULL. Entries begin with their node. */
static void *find(struct list_head *list, unsigned int n)
{
	struct list_head *node;

	list_for_each(node, list) {
		if (!n--)
			return node;
	}
	return NULL;
}

static struct server_watch *find_watch(struct server *s, const char *path,
				       const char *token)
{
	struct server_watch *watch;

	list_for_each_entry(watch, &s->watches, node) {
		if (!strcmp(watch->path, path) && !strcmp(watch->token, token))
			return watch;
	}
	return NULL;
}

static struct server_txn *find_txn(struct server *s, u32 id)
{
	struct server_txn *txn;

	list_for_each_entry(txn, &s->txns, node) {
		if (txn->id == id)
			return txn;
	}
	return NULL;
}

/*
 * The flow of the request with an id, by the driver's own table; NULL after a
 * break, when the driver has forgotten what is still in the ring.
 */
static const struct xs_flow *find_flow(struct server *s, u32 req_id)
{
	const struct xs_conn *conn = s->t.conn;
	struct xs_request *req;

	hlist_for_each_entry(req, &conn->pending[req_id % XS_PENDING_BUCKETS],
			     pending_node) {
		if (req->id == req_id)
			return req->flow;
	}
	return NULL;
}

/* No client gets at a transaction that is not its own. */
static void check_txn(struct server *s, const struct xsd_sockmsg *hdr)
{
	const struct xs_flow *flow = find_flow(s, hdr->req_id);
	const struct server_txn *txn = find_txn(s, hdr->tx_id);

	SHIM_BUG_ON(!txn);
	SHIM_BUG_ON(flow && txn->flow && flow != txn->flow);
}

static bool exceeds(const struct server *s, const struct list_head *list)
{
	const struct list_head *node;
	unsigned int n = 0;

	list_for_each(node, list)
		n++;
	return n >= s->quota;
}

static bool refuses(struct server *s)
{
	bool refuse = s->refuse;

	s->refuse -= refuse;
	return refuse;
}

static const char *work_watch(struct server *s, const char *path,
			      const char *token)
{
	size_t path_size = strlen(path) + 1;
	struct server_watch *watch;

	/* The driver's tokens are unique, whatever its clients say. */
	SHIM_BUG_ON(!s->lied && find_watch(s, path, token));
	if (exceeds(s, &s->watches))
		return "E2BIG";
	if (refuses(s))
		return "ENOSPC";
	watch = malloc(sizeof(*watch) + path_size + strlen(token) + 1);
	strcpy(watch->path, path);
	watch->token = strcpy(watch->path + path_size, token);
	list_add_tail(&watch->node, &s->watches);
	server_fire(s, path, "", token);
	return NULL;
}

static void forget(struct list_head *node)
{
	list_del(node);
	free(node);
}

static const char *work_unwatch(struct server *s, const char *path,
				const char *token)
{
	struct server_watch *watch = find_watch(s, path, token);

	if (!watch)
		return "ENOENT";
	forget(&watch->node);
	return NULL;
}

static const char *work_start(struct server *s, struct asked *asked)
{
	struct server_txn *txn;
	u32 id = 1;

	if (refuses(s) || exceeds(s, &s->txns))
		return "ENOSPC";
	while (find_txn(s, id))
		id++;
	txn = malloc(sizeof(*txn));
	txn->id = id;
	txn->flow = find_flow(s, asked->hdr.req_id);
	list_add_tail(&txn->node, &s->txns);
	asked->hdr.len = sprintf(asked->body, "%u", txn->id) + 1;
	return NULL;
}

static const char *work_end(struct server *s, const struct asked *asked)
{
	struct server_txn *txn = find_txn(s, asked->hdr.tx_id);
	bool commit = asked->body[0] == 'T';

	if (!txn)
		return "ENOENT";
	forget(&txn->node);
	return commit && refuses(s) ? "EAGAIN" : NULL;
}

/* The error to reply with, or NULL. The reply's body is what was sent. */
static const char *work(struct server *s, struct asked *asked)
{
	const char *pos = asked->body, *end = pos + asked->hdr.len;
	const char *path, *token;

	switch (asked->hdr.type) {
	case XS_TRANSACTION_START:
		return work_start(s, asked);
	case XS_TRANSACTION_END:
		return work_end(s, asked);
	case XS_WATCH:
	case XS_UNWATCH:
		path = xs_wire_next_string(&pos, end);
		token = xs_wire_next_string(&pos, end);
		/* The driver has built it itself. */
		SHIM_BUG_ON(!path || !token);
		return asked->hdr.type == XS_WATCH ?
		       work_watch(s, path, token) : work_unwatch(s, path, token);
	case XS_DIRECTORY:
		return refuses(s) ? "E2BIG" : NULL;
	case XS_DIRECTORY_PART:
		/* A second NUL ends the last part. */
		if (!refuses(s) && asked->hdr.len < XENSTORE_PAYLOAD_MAX)
			asked->body[asked->hdr.len++] = 0;
		return NULL;
	case XS_WATCH_EVENT:
		/* As every server does: a reply of this type would be an event. */
		return "ENOSYS";
	case XS_RESET_WATCHES:
		/* It would remove the watches of other clients, too. */
		SHIM_BUG_ON(true);
	}
	return refuses(s) ? "EACCES" : NULL;
}

static void server_complete(struct server *s)
{
	/* Room for a number or the name of an error as well. */
	struct asked *asked = malloc(sizeof(*asked) + s->in.hdr.len + 16);
	const char *error;

	asked->hdr = s->in.hdr;
	memcpy(asked->body, s->in.body, asked->hdr.len);
	s->in.have = 0;
	if (!s->lied && asked->hdr.tx_id)
		check_txn(s, &asked->hdr);
	error = work(s, asked);
	if (error) {
		asked->hdr.type = XS_ERROR;
		asked->hdr.len = strlen(strcpy(asked->body, error)) + 1;
	} else if (asked->hdr.type == XS_WATCH ||
		   asked->hdr.type == XS_UNWATCH ||
		   asked->hdr.type == XS_TRANSACTION_END) {
		asked->hdr.len = strlen(strcpy(asked->body, "OK")) + 1;
	}
	list_add_tail(&asked->node, &s->asked);
	s->nr_asked++;
}

/* Reply to one of the requests that have been handled; false if there is none. */
bool server_reply(struct server *s, unsigned int n)
{
	struct asked *asked;

	if (!s->nr_asked)
		return false;
	asked = find(&s->asked, n % s->nr_asked);
	server_send(s, &asked->hdr, asked->body);
	forget(&asked->node);
	s->nr_asked--;
	return true;
}

/* A watch fires, for something below it. */
void server_event(struct server *s, unsigned int n, const char *below)
{
	struct server_watch *watch = find(&s->watches, n);

	if (watch)
		server_fire(s, watch->path, below, watch->token);
}

/* === The page === */

static void server_take_byte(struct server *s, char byte)
{
	size_t have = s->in.have++;

	if (have < sizeof(s->in.hdr))
		((char *)&s->in.hdr)[have] = byte;
	else
		s->in.body[have - sizeof(s->in.hdr)] = byte;
	if (s->in.have < sizeof(s->in.hdr))
		return;
	SHIM_BUG_ON(s->in.hdr.len > XENSTORE_PAYLOAD_MAX);
	if (s->in.have == sizeof(s->in.hdr) + s->in.hdr.len)
		server_complete(s);
}

/* Read from the page; false if there is nothing. */
bool server_take(struct server *s, size_t len)
{
	struct xenstore_domain_interface *page = s->t.page;
	u32 used = page->req_prod - page->req_cons;
	bool some = used && len;

	if (s->lies)
		return false;
	SHIM_BUG_ON(used > XENSTORE_RING_SIZE);
	for (; used && len; used--, len--)
		server_take_byte(s, page->req[MASK_XENSTORE_IDX(page->req_cons++)]);
	if (some)
		server_notify(s);
	return some;
}

/* Write to the page; false if there is nothing to write, or no space. */
bool server_give(struct server *s, size_t len)
{
	struct xenstore_domain_interface *page = s->t.page;
	u32 room = XENSTORE_RING_SIZE - (page->rsp_prod - page->rsp_cons);
	bool some = room && len && s->from < s->to;

	if (room > XENSTORE_RING_SIZE)
		return false;
	for (; room && len && s->from < s->to; room--, len--)
		page->rsp[MASK_XENSTORE_IDX(page->rsp_prod++)] =
			s->out[s->from++];
	if (s->from == s->to)
		s->from = s->to = 0;
	if (some)
		server_notify(s);
	return some;
}

/* All there is to do; false if that is nothing, and it sleeps. */
bool server_turn(struct server *s)
{
	bool some;

	if (!s->awake)
		return false;
	some = server_take(s, SIZE_MAX);
	while (server_reply(s, 0))
		some = true;
	some |= server_give(s, SIZE_MAX);
	s->awake = some;
	return some;
}

/* === Lies === */

/* It gives up, and says so. */
void server_die(struct server *s)
{
	s->lied = s->lies = true;
	s->t.page->error = XENSTORE_ERROR_COMM;
	server_notify(s);
}

static void lie_bytes(struct server *s, struct script *script)
{
	struct xsd_sockmsg hdr = {
		.type = script_digit(script) + 4,
		.req_id = script_digit(script),
		.len = script_length(script),
	};
	char body[XS_MESSAGE_MAX + 1] = "1";
	unsigned int i, n = script_digit(script);

	for (i = 0; i < n; i++)
		body[i] = script_byte(script);
	server_send(s, &hdr, body);
}

static void lie_page(struct server *s, struct script *script)
{
	struct xenstore_domain_interface *page = s->t.page;

	switch (script_digit(script)) {
	case 0:
		page->rsp_prod += script_u32(script);
		break;
	case 1:
		page->req_cons += script_u32(script);
		break;
	case 2:
		page->rsp[script_u32(script) % XENSTORE_RING_SIZE] =
			script_byte(script);
		break;
	case 3:
		page->rsp_cons = script_u32(script);
		break;
	case 4:
		page->req_prod = script_u32(script);
		break;
	}
	server_notify(s);
}

/* Reply with another id, another type, or for the second time. */
static void lie_reply(struct server *s, struct script *script)
{
	struct asked *asked = find(&s->asked, script_digit(script));
	struct xsd_sockmsg hdr;

	if (!asked)
		return;
	hdr = asked->hdr;
	hdr.type += script_digit(script);
	hdr.req_id += script_digit(script);
	hdr.len = min_t(u32, hdr.len, script_length(script));
	server_send(s, &hdr, asked->body);
}

void server_lie(struct server *s, struct script *script)
{
	s->lied = true;
	switch (script_digit(script)) {
	case 0:
		lie_bytes(s, script);
		break;
	case 1:
		s->lies = true;
		lie_page(s, script);
		break;
	case 2:
		lie_reply(s, script);
		break;
	case 3:
		server_die(s);
		break;
	case 4:
		server_event(s, script_digit(script), "suffix");
		break;
	case 5:
		server_fire(s, "/path", "", "600df00d-1");
		break;
	}
}

/* === Coming and going === */

static void server_forget(struct server *s)
{
	while (!list_empty(&s->asked))
		forget(s->asked.next);
	while (!list_empty(&s->watches))
		forget(s->watches.next);
	while (!list_empty(&s->txns))
		forget(s->txns.next);
	s->nr_asked = 0;
	s->in.have = s->from = s->to = 0;
	s->lies = false;
}

/* As after a migration: another page, and a server that knows no client. */
static int server_reconnect(struct xs_transport *t)
{
	struct server *s = container_of(t, struct server, t);

	if (s->unreachable)
		return -ENXIO;
	server_forget(s);
	free(t->page);
	t->page = calloc(1, sizeof(*t->page));
	t->page->req_prod = t->page->req_cons = -9;
	t->page->rsp_prod = t->page->rsp_cons = 1015;
	t->peer_is_local = s->local;
	s->masked = t->masked = false;
	return 0;
}

static int server_connect(struct xs_transport *t)
{
	return server_reconnect(t);
}

static void server_disconnect(struct xs_transport *t)
{
	free(t->page);
	t->page = NULL;
}

static void server_notified(struct xs_transport *t)
{
	container_of(t, struct server, t)->awake = true;
}

static void server_mask(struct xs_transport *t)
{
	container_of(t, struct server, t)->masked = true;
}

static void server_unmask(struct xs_transport *t)
{
	container_of(t, struct server, t)->masked = false;
}

static const struct xs_transport_ops server_transport = {
	.connect = server_connect,
	.reconnect = server_reconnect,
	.disconnect = server_disconnect,
	.notify = server_notified,
	.mask = server_mask,
	.unmask = server_unmask,
};

void server_init(struct server *s)
{
	memset(s, 0, offsetof(struct server, out));
	s->quota = UINT_MAX;
	s->t.ops = &server_transport;
	INIT_LIST_HEAD(&s->asked);
	INIT_LIST_HEAD(&s->watches);
	INIT_LIST_HEAD(&s->txns);
}

void server_exit(struct server *s)
{
	server_forget(s);
}
