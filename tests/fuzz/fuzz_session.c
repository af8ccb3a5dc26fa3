// SPDX-License-Identifier: GPL-2.0
/*
 * Clients, a store and a server, driven by a script; see the seeds in
 * corpus/session, and step() for what the letters mean.
 *
 * At the end every request has completed and nothing may be left: no memory,
 * nothing in flight, and nothing at the server unless it has lied.
 */
#include <stdlib.h>

#include "call.h"
#include "client.h"
#include "conn_internal.h"
#include "ops.h"
#include "shim.h"

/* session_cleanup.c */
int shim_call_xs_session_init(void);
void shim_call_xs_session_exit(void);

#define CLIENTS		4
#define WATCHES		2
#define BATCH		3
/* A longer run of turns makes no progress. */
#define TURNS		100000

static struct site {
	struct xs_store store;
	struct server server;
	struct client clients[CLIENTS];
	struct xenbus_watch kernel[WATCHES];
	/* The kthread is parked. */
	bool suspended;
	/* Its last pass lacked memory, and another one follows. */
	bool retry;
	/* So many interruptible waits are not ended by a signal. */
	unsigned int patience;
} site;

/* === Turns === */

/* A pass of the kthread; false if it sleeps or is parked. */
static bool io_turn(void)
{
	struct xs_conn *conn = &site.store.conn;

	if (site.suspended || conn->wq.sleeper)
		return false;
	if (site.retry || xs_io_has_work(conn)) {
		site.retry = xs_io_pass(conn) == -ENOMEM;
		return true;
	}
	if (conn->t->masked) {
		conn->t->masked = false;
		conn->t->ops->unmask(conn->t);
	}
	/* What came while it was masked has to be seen without a notification. */
	conn->wq.sleeper = !xs_io_has_work(conn);
	return !conn->wq.sleeper;
}

static bool turn(void)
{
	bool moved = io_turn();

	return (site.server.t.page && server_turn(&site.server)) || moved;
}

static void settle(void)
{
	unsigned int n = 0;

	while (turn())
		SHIM_BUG_ON(++n > TURNS);
}

/* A deadlock, which must be the server's fault. */
static void give_up(void)
{
	SHIM_BUG_ON(!site.server.lied);
	SHIM_BUG_ON(site.store.conn.state == XS_CONN_BROKEN);
	SHIM_BUG_ON(site.server.t.page->error);
	server_die(&site.server);
}

static bool site_sleep(bool interruptible)
{
	unsigned int i;

	if (interruptible && !site.patience--) {
		site.patience = 0;
		return false;
	}
	if (!turn() && !interruptible)
		give_up();
	for (i = 0; interruptible && i < CLIENTS; i++) {
		if (site.clients[i].session)
			client_read(&site.clients[i], 100, true);
	}
	return true;
}

/* === The kernel's own watches and requests === */

static void kernel_callback(struct xenbus_watch *watch, const char *path,
			    const char *token)
{
	SHIM_BUG_ON(!xs_wire_path_covers(watch->node, path));
}

static void kernel_watch(struct xenbus_watch *watch)
{
	if (watch->node) {
		xs_watch_unregister(&site.store.watches, watch);
		watch->node = NULL;
		return;
	}
	*watch = (struct xenbus_watch){ .node = "/a",
					.callback = kernel_callback };
	if (xs_watch_register(&site.store.watches, watch))
		watch->node = NULL;
}

static void kernel_check(char *value, unsigned int len)
{
	if (IS_ERR(value))
		return;
	SHIM_BUG_ON(!site.server.lied && (len != 5 || strcmp(value, "/a/b")));
	kfree(value);
}

static void kernel_read(u32 tx_id)
{
	unsigned int len;
	char *value = xs_op_read(&site.store.conn, tx_id, "/a", "b", &len);

	kernel_check(value, len);
}

/* Requests that are submitted together. */
static void kernel_batch(void)
{
	struct xs_request *reqs[BATCH];
	unsigned int i, n;

	for (n = 0; n < BATCH; n++) {
		reqs[n] = xs_call_request(XS_READ, 0, "/a", "b", NULL, 0);
		if (IS_ERR(reqs[n]))
			break;
	}
	if (n && xs_conn_call_all(&site.store.conn, reqs, n, XS_GATE_REQUEST))
		SHIM_BUG_ON(site.store.conn.state != XS_CONN_BROKEN);
	for (i = 0; i < n; i++)
		xs_request_put(reqs[i]);
}

/* The server repeats the path, or the path is a generation and "0" a name. */
static void kernel_directory(void)
{
	unsigned int n;
	char **names = xs_op_directory(&site.store.conn, 0, "/a", "b", &n);

	if (IS_ERR(names))
		return;
	SHIM_BUG_ON(!site.server.lied && (!n || (strcmp(names[0], "/a/b") &&
						 strcmp(names[0], "0"))));
	kfree(names);
}

static void kernel_transaction(bool abort)
{
	u32 id;

	if (xs_op_transaction_start(&site.store.conn, &id))
		return;
	xs_op_write(&site.store.conn, id, "/a", "", "x", 1);
	kernel_read(id);
	xs_op_rm(&site.store.conn, id, "/a", "c");
	xs_op_transaction_end(&site.store.conn, id, abort);
}

static void kernel(unsigned int n)
{
	/* They would wait for the resume. */
	if (site.suspended)
		return;
	if (n < WATCHES)
		kernel_watch(&site.kernel[n]);
	else if (n == WATCHES)
		kernel_read(0);
	else if (n == WATCHES + 1)
		kernel_transaction(false);
	else if (n == WATCHES + 2)
		kernel_transaction(true);
	else if (n == WATCHES + 3)
		xs_watches_dispatch(&site.store.watches);
	else if (n == WATCHES + 4)
		kernel_batch();
	else
		kernel_directory();
}

/* === Suspend === */

static void suspend(void)
{
	if (site.suspended)
		return;
	xs_store_suspend(&site.store);
	/* The kthread parks between two messages. */
	while (!xs_io_at_boundary(&site.store.conn)) {
		if (!turn())
			give_up();
	}
	site.suspended = true;
}

/* The server has the watches that the registry has. */
static void check_watches(void)
{
	struct xs_watch_entry *entry;
	struct list_head *node;
	unsigned long id;
	int n = 0;

	xa_for_each(&site.store.watches.entries, id, entry)
		n++;
	list_for_each(node, &site.server.watches)
		n--;
	SHIM_BUG_ON(n);
}

/*
 * How: 1 the server cannot be found, 2 there was no suspend after all, 3 and 4
 * the server is a local one that shares one CPU with the kthread, or has its own.
 */
static void resume(unsigned int how)
{
	unsigned int failed = shim.failed;

	if (!site.suspended)
		return;
	site.suspended = false;
	site.store.conn.wq.sleeper = false;
	shim.cpus = how == 4 ? 2 : 1;
	site.server.local = how == 3 || how == 4;
	site.server.unreachable = how == 1;
	site.server.refuse = 0;
	site.server.quota = UINT_MAX;
	if (how == 2)
		xs_store_suspend_cancel(&site.store);
	else
		xs_store_resume(&site.store);
	if (how != 2 && site.store.conn.state == XS_CONN_UP && !site.server.lied &&
	    shim.failed == failed)
		check_watches();
	site.server.unreachable = false;
}

/* === Clients === */

static void open_or_close(struct client *c)
{
	struct xs_session *session;

	if (c->session) {
		session = c->session;
		client_exit(c);
		xs_session_close(session);
		return;
	}
	session = xs_session_open(&site.store);
	if (!IS_ERR(session))
		client_init(c, session, &site.server);
}

static void add_bytes(struct client *c, struct script *s)
{
	size_t len = script_length(s), left = s->end - s->pos;

	len = min(len, left);
	client_add(c, s->pos, len);
	s->pos += len;
}

static void client_step(struct client *c, struct script *s, u8 op)
{
	size_t len;

	if (op == 'o')
		open_or_close(c);
	if (!c->session)
		return;
	switch (op) {
	case 'm':
		client_message(c, s);
		client_write(c, SIZE_MAX, true);
		break;
	case 'q':
		client_message(c, s);
		break;
	case 'b':
		add_bytes(c, s);
		break;
	case 'w':
	case 'W':
		client_write(c, script_length(s), op == 'w');
		break;
	case 'r':
	case 'R':
		client_read(c, script_length(s), op == 'r');
		break;
	case 'v':
	case 'V':
		/* In memory that ends somewhere. */
		shim.fault_after = script_length(s);
		len = script_length(s);
		if (op == 'V')
			client_write(c, len, true);
		else
			client_read(c, len, true);
		shim.fault_after = SIZE_MAX;
		break;
	}
}

/* === The script === */

static void server_step(struct script *s, u8 op)
{
	struct server *server = &site.server;

	server->awake = true;
	switch (op) {
	case 't':
		server_take(server, script_length(s));
		break;
	case 'g':
		server_give(server, script_length(s));
		break;
	case 'a':
		server_reply(server, script_digit(s));
		break;
	case 'e':
		server_event(server, script_digit(s), "");
		break;
	case 'E':
		server_event(server, script_digit(s), "/b");
		break;
	case 'n':
		server->refuse = script_digit(s);
		break;
	case 'N':
		server->quota = script_digit(s);
		break;
	case 'x':
		server_lie(server, s);
		break;
	}
}

static void step(struct script *s, u8 op)
{
	unsigned int i;

	switch (op) {
	case 'o': case 'm': case 'q': case 'b': case 'w': case 'W': case 'r':
	case 'R': case 'v': case 'V':
		client_step(&site.clients[script_digit(s) % CLIENTS], s, op);
		break;
	case 't': case 'g': case 'a': case 'e': case 'E': case 'n': case 'N':
	case 'x':
		server_step(s, op);
		break;
	case 'i':
		io_turn();
		break;
	case 's':
		settle();
		break;
	case 'u':
		/* The cleanup waits for the resume, as a worker would. */
		if (!site.suspended)
			shim_run_work();
		break;
	case 'y':
		shim_pass_time();
		break;
	case 'S':
		suspend();
		break;
	case 'T':
		resume(script_digit(s));
		break;
	case 'B':
		xs_conn_break(&site.store.conn, -EIO);
		break;
	case 'K':
		kernel(script_digit(s));
		break;
	case 'f':
		shim.fail_after = script_digit(s);
		shim.fail_count = script_digit(s);
		break;
	case 'l':
		site.store.limits.requests = script_digit(s);
		site.store.limits.bytes = script_length(s);
		site.store.limits.events = script_digit(s);
		break;
	case 'p':
		site.patience = script_digit(s);
		break;
	}
	for (i = 0; i < CLIENTS; i++) {
		if (site.clients[i].session)
			client_check(&site.clients[i]);
	}
	shim_check_idle();
}

/* === Beginning and end === */

static void begin(void)
{
	shim_reset();
	shim.sleep = site_sleep;
	site.suspended = site.retry = false;
	site.patience = 0;
	memset(site.kernel, 0, sizeof(site.kernel));
	site.store.limits = (struct xs_limits){ 8, 4096, 8 };
	server_init(&site.server);
	xs_store_init(&site.store, &site.server.t);
	site.store.conn.write_behind = true;
	SHIM_BUG_ON(shim_call_xs_session_init());
	SHIM_BUG_ON(xs_io_connect(&site.store.conn));
}

static bool reads_something(void)
{
	bool some = false;
	unsigned int i;

	for (i = 0; i < CLIENTS; i++) {
		if (site.clients[i].session)
			some |= client_read(&site.clients[i], 4096, true) > 0;
	}
	return some;
}

static bool is_idle(void)
{
	const struct xs_conn *conn = &site.store.conn;

	return !conn->gate.inside && !conn->in_flight &&
	       list_empty(&conn->fq.new_flows) &&
	       list_empty(&conn->fq.old_flows) && !conn->fq.in_flight;
}

/* Every request completes, if need be because the connection is lost. */
static void complete_all_requests(void)
{
	settle();
	if (!is_idle())
		give_up();
	settle();
	SHIM_BUG_ON(!is_idle());
}

/* Time passes, so nothing waits for a turn any more. */
static void run_all_work(void)
{
	while (shim_run_work() || shim_pass_time())
		complete_all_requests();
}

static void close_all(void)
{
	unsigned int i;

	for (i = 0; i < CLIENTS; i++) {
		if (!site.clients[i].session)
			continue;
		SHIM_BUG_ON(site.clients[i].nr_asked);
		open_or_close(&site.clients[i]);
	}
	for (i = 0; i < WATCHES; i++) {
		if (site.kernel[i].node)
			kernel_watch(&site.kernel[i]);
	}
	run_all_work();
	complete_all_requests();
}

static void end(void)
{
	resume(0);
	shim.fail_count = 0;
	complete_all_requests();
	run_all_work();
	while (reads_something())
		;
	if (!site.server.lied && site.store.conn.state == XS_CONN_UP && !shim.failed)
		check_watches();
	close_all();
	if (!site.server.lied && site.store.conn.state == XS_CONN_UP) {
		SHIM_BUG_ON(!list_empty(&site.server.watches));
		SHIM_BUG_ON(!list_empty(&site.server.txns));
	}
	xs_io_disconnect(&site.store.conn);
	xs_store_destroy(&site.store);
	SHIM_BUG_ON(!list_empty(&site.store.conn.gate.pins));
	SHIM_BUG_ON(shim.live);
	shim_call_xs_session_exit();
	server_exit(&site.server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, data + size };
	u8 op;

	begin();
	while ((op = script_next(&s)))
		step(&s, op);
	end();
	return 0;
}
