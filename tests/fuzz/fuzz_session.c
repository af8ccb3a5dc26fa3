// SPDX-License-Identifier: GPL-2.0
/*
 * Clients, a connection and a server, driven by a script; see the seeds in
 * corpus/session, and step() for what the letters mean.
 *
 * At the end everybody has been answered and nothing may be left: no memory,
 * nobody in the gate, and nothing at the server unless it has lied.
 */
#include <stdlib.h>

#include "client.h"
#include "ops.h"
#include "shim.h"

#define CLIENTS		4
#define WATCHES		2
/* More turns than that get nowhere. */
#define TURNS		100000

static struct site {
	struct xs_conn conn;
	struct xs_watches watches;
	struct xs_limits limits;
	struct server server;
	struct client clients[CLIENTS];
	struct xenbus_watch kernel[WATCHES];
	bool suspended;
	/* Who submits sends, signals move bytes, and who waits alone helps. */
	bool direct;
	/* The kthread is awake, or has been woken this many times. */
	bool awake;
	unsigned int wakeups;
	/* How often somebody who sleeps is not disturbed by a signal. */
	unsigned int patience;
} site;

/* === Turns === */

static bool io_turn(void)
{
	struct xs_conn *conn = &site.store.conn;

	if (site.suspended || (!site.awake && conn->wq.wakeups == site.wakeups))
		return false;
	site.wakeups = conn->wq.wakeups;
	site.awake = xs_io_has_work(conn);
	if (site.awake)
		xs_io_pass(conn);
	return site.awake;
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

/* Nothing moves, so it must be the server's fault. */
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

static void kernel_read(u32 tx_id)
{
	unsigned int len;
	char *value = xs_op_read(&site.store.conn, tx_id, "/a", "b", &len);

	if (IS_ERR(value))
		return;
	SHIM_BUG_ON(!site.server.lied && (len != 5 || strcmp(value, "/a/b")));
	kfree(value);
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
	else
		xs_watches_dispatch(&site.store.watches);
}

/* === Suspend === */

/* As if there were a thread; a suspend ends it. */
static void set_direct(bool direct)
{
	site.direct = direct;
	if (!site.suspended)
		site.store.conn.direct = direct;
}

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

static void resume(unsigned int how)
{
	unsigned int failed = shim.failed;

	if (!site.suspended)
		return;
	site.suspended = false;
	site.awake = true;
	site.server.unreachable = how == 1;
	site.server.refuse = 0;
	if (how == 2)
		xs_store_suspend_cancel(&site.store);
	else
		xs_store_resume(&site.store);
	set_direct(site.direct);
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
		server_answer(server, script_digit(s));
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
	case 't': case 'g': case 'a': case 'e': case 'E': case 'n': case 'x':
		server_step(s, op);
		break;
	case 'i':
		io_turn();
		break;
	case 's':
		settle();
		break;
	case 'u':
		/* Undoing waits for a resume, as a worker would. */
		if (!site.suspended)
			shim_run_work();
		break;
	case 'D':
		set_direct(script_digit(s));
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
	site.suspended = site.awake = site.direct = false;
	site.wakeups = site.patience = 0;
	memset(site.kernel, 0, sizeof(site.kernel));
	site.store.limits = (struct xs_limits){ 8, 4096, 8 };
	server_init(&site.server);
	xs_conn_init(&site.store.conn, &site.server.t, &xs_watch_conn_ops,
		     &site.store.watches);
	site.store.conn.write_behind = true;
	xs_watches_init(&site.store.watches, &site.store.conn);
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
	return !site.store.conn.gate.inside && list_empty(&site.store.conn.fq.fresh) &&
	       list_empty(&site.store.conn.fq.busy);
}

/* Everybody gets an answer, if need be that the connection is lost. */
static void answer_all(void)
{
	settle();
	if (!is_idle())
		give_up();
	settle();
	SHIM_BUG_ON(!is_idle());
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
	while (shim_run_work())
		answer_all();
	answer_all();
}

static void end(void)
{
	resume(0);
	shim.fail_count = 0;
	answer_all();
	while (reads_something())
		;
	if (!site.server.lied && site.store.conn.state == XS_CONN_UP && !shim.failed)
		check_watches();
	close_all();
	if (!site.server.lied && site.store.conn.state == XS_CONN_UP) {
		SHIM_BUG_ON(!list_empty(&site.server.watches));
		SHIM_BUG_ON(!list_empty(&site.server.txns));
	}
	xs_watches_destroy(&site.store.watches);
	xs_io_disconnect(&site.store.conn);
	xs_conn_destroy(&site.store.conn);
	SHIM_BUG_ON(!list_empty(&site.store.conn.gate.pins));
	SHIM_BUG_ON(shim.live);
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
