// SPDX-License-Identifier: GPL-2.0
/*
 * Callers, the kthread, the interrupt handler and a server at the same time.
 *
 * The connection and its kthread are the driver's; the other tasks are from here.
 * Values are compared byte for byte, events are numbered. A watchdog fails the
 * run when nothing moves any more, which is how a lost wake-up shows.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "call.h"
#include "conn.h"
#include "ops.h"
#include "threads.h"
#include "transaction.h"

/* Nothing moves for so long, or calls wait for a task that is held, in ms. */
#define STUCK_MS	8000
#define HELD_MS		5000

#define CLIENTS_MAX	8
#define BATCH_MAX	5
#define FILE_DEPTH	8
#define VALUE_MAX	4060
#define BREAK_ERR	(-EPIPE)

enum kind { READS, WRITES, BATCHES, FILES, KINDS };

/* A caller; for an open file one task that writes and two that read. */
struct client {
	struct site *site;
	enum kind kind;
	struct task_struct *tasks[3];
	unsigned int n_tasks;
	u32 tag;			/* of the next value */
	unsigned long calls;		/* that have completed */
	wait_queue_head_t wq;

	spinlock_t lock;		/* protects what follows */
	bool pause, stop;
	bool busy;			/* in a call */
	unsigned int outstanding;	/* FILES: requests in flight */
	unsigned int checking;		/* replies that readers have taken and not checked */
	struct list_head replies;	/* FILES: unread */
	struct xs_flow flow;
};

struct site {
	struct xs_conn conn;
	struct xs_transport t;
	struct server server;
	struct port to_server, to_driver;
	struct task_struct *interrupt;
	pthread_mutex_t handler;	/* held while the handler runs */
	bool bound;
	bool breaks;			/* calls may fail with BREAK_ERR */
	unsigned int events;		/* received from this server */
	struct client clients[CLIENTS_MAX];
	unsigned int n_clients;
};

struct xenstore_domain_interface threads_page __aligned(4096);
unsigned int threads_seed;
static struct site *site;		/* of this round, for reports */
static const char *scenario;
static unsigned long n_calls, n_events, n_suspends, n_breaks, n_holds, n_steps;
static bool over;

#define wait_until(cond)						\
	do {								\
		while (!(cond))						\
			shim_sleep(200, SHIM_HERE ": " #cond);	\
	} while (0)

/* === Reports === */

/* Takes no locks: the run has failed. */
__attribute__((no_sanitize("thread"))) static void report(void)
{
	struct xenstore_domain_interface *page = &threads_page;
	struct xs_conn *conn = &site->conn;
	unsigned int i;

	fprintf(stderr, "  req %u/%u rsp %u/%u state %d break %d in flight %u events %u of %u\n",
		page->req_prod, page->req_cons, page->rsp_prod, page->rsp_cons,
		conn->state, conn->break_err, conn->in_flight, site->events,
		site->server.wanted);
	for (i = 0; i < site->n_clients; i++)
		fprintf(stderr, "  client %u: %lu calls%s\n", i,
			site->clients[i].calls,
			site->clients[i].busy ? " and one" : "");
	shim_print_tasks();
}

void threads_fail(const char *fmt, ...)
{
	static bool failed;
	va_list args;

	if (__atomic_exchange_n(&failed, true, __ATOMIC_SEQ_CST))
		pause();
	va_start(args, fmt);
	fprintf(stderr, "FAIL: ");
	vfprintf(stderr, fmt, args);
	fprintf(stderr, " (%s, seed %u)\n", current->comm, threads_seed);
	if (site)
		report();
	_exit(1);
}

/* A call has completed; false if it failed, which it may only after a break. */
static bool completed(struct client *client, int err)
{
	if (err && !(shim_get(client->site->breaks) && err == BREAK_ERR))
		threads_fail("a call has failed: %d", err);
	shim_count(client->calls);
	shim_count(n_calls);
	return !err;
}

/* === Calls === */

static size_t value_length(size_t max)
{
	switch (shim_random() % 8) {
	case 0:
		return 2000 + shim_random() % (max - 2000);
	case 1:
		return shim_random() % 600;
	default:
		return shim_random() % 64;
	}
}

/* The value of a node follows from its path, for the server as well. */
static void value_path(char path[32], u32 tag, size_t len)
{
	snprintf(path, 32, "%u/%u", tag, (unsigned int)len);
}

static void call_read(struct client *client)
{
	size_t len = value_length(XENSTORE_PAYLOAD_MAX);
	u32 tag = client->tag++;
	unsigned int got;
	char path[32];
	char *value;

	value_path(path, tag, len);
	value = xs_op_read(&client->site->conn, 0, "/v", path, &got);
	if (!completed(client, IS_ERR(value) ? PTR_ERR(value) : 0))
		return;
	CHECK(got == len && matches(value, tag, len) && !value[len]);
	kfree(value);
}

static int write_value(struct client *client, u32 tx_id)
{
	size_t len = value_length(VALUE_MAX);
	u32 tag = client->tag++;
	char bytes[VALUE_MAX], path[32];

	value_path(path, tag, len);
	fill(bytes, tag, len);
	return xs_op_write(&client->site->conn, tx_id, "/v", path, bytes, len);
}

static void call_write(struct client *client)
{
	struct xs_conn *conn = &client->site->conn;
	unsigned int n = shim_random() % 4;
	u32 tx_id;
	int err;

	if (shim_random() % 2) {
		completed(client, write_value(client, 0));
		return;
	}
	if (!completed(client, xs_op_transaction_start(conn, &tx_id)))
		return;
	while (n--)
		write_value(client, tx_id);
	err = xs_op_transaction_end(conn, tx_id, shim_random() % 4 == 0);
	/* A write that it did not wait for has failed with the connection. */
	if (err == -EAGAIN && shim_get(client->site->breaks))
		err = BREAK_ERR;
	completed(client, err);
}

/* The request carries what its reply has to be. */
static struct xs_request *read_request(struct client *client)
{
	size_t len = value_length(XENSTORE_PAYLOAD_MAX);
	struct xs_request *req;
	char path[32];

	value_path(path, client->tag, len);
	req = xs_call_request(XS_READ, 0, "/v", path, NULL, 0);
	CHECK(!IS_ERR(req));
	req->caller_id = client->tag++;
	req->caller_tx = len;
	return req;
}

static void check_reply(struct client *client, struct xs_request *req)
{
	if (completed(client, xs_call_result(req)))
		CHECK(req->reply.hdr.len == req->caller_tx &&
		      matches(req->reply.body, req->caller_id, req->caller_tx));
	xs_request_put(req);
}

static void call_batch(struct client *client)
{
	unsigned int n = 2 + shim_random() % (BATCH_MAX - 1), i;
	struct xs_request *reqs[BATCH_MAX];
	int err;

	for (i = 0; i < n; i++)
		reqs[i] = read_request(client);
	err = xs_conn_call_all(&client->site->conn, reqs, n, XS_GATE_REQUEST);
	for (i = 0; i < n; i++) {
		if (err)
			reqs[i]->err = err;
		check_reply(client, reqs[i]);
	}
}

/* === An open file === */

static void file_complete(struct xs_request *req)
{
	struct client *file = req->owner;

	spin_lock(&file->lock);
	WRITE_ONCE(file->outstanding, file->outstanding - 1);
	list_add_tail(&req->reply.node, &file->replies);
	spin_unlock(&file->lock);
	wake_up(&file->wq);
}

static void file_submit(struct client *file)
{
	struct xs_conn *conn = &file->site->conn;
	struct xs_request *req = read_request(file);
	int err;

	wait_event(file->wq, READ_ONCE(file->outstanding) < FILE_DEPTH);
	req->flow = &file->flow;
	req->complete = file_complete;
	req->owner = file;
	spin_lock(&file->lock);
	WRITE_ONCE(file->outstanding, file->outstanding + 1);
	spin_unlock(&file->lock);
	xs_gate_enter(&conn->gate, XS_GATE_REQUEST);
	err = xs_conn_submit(conn, req);
	xs_gate_leave(&conn->gate);
	if (err) {
		req->err = err;
		file_complete(req);
	}
}

static bool client_is_idle_locked(const struct client *client)
{
	return !client->busy && !client->outstanding && !client->checking &&
	       list_empty(&client->replies);
}

/* The next reply goes to either reader. False if there is none, for good. */
static bool file_try_read(struct client *file, struct xs_request **req)
{
	bool over;

	spin_lock(&file->lock);
	*req = list_first_entry_or_null(&file->replies, struct xs_request,
					reply.node);
	if (*req) {
		list_del_init(&(*req)->reply.node);
		file->checking++;
	}
	over = file->stop && client_is_idle_locked(file);
	spin_unlock(&file->lock);
	return *req || over;
}

static int file_read(void *data)
{
	struct client *file = data;
	struct xs_request *req;

	for (;;) {
		wait_event(file->wq, file_try_read(file, &req));
		if (!req)
			return 0;
		check_reply(file, req);
		spin_lock(&file->lock);
		file->checking--;
		spin_unlock(&file->lock);
		wake_up(&file->wq);
	}
}

/* === Clients === */

static void client_set(struct client *client, bool *flag, bool value)
{
	spin_lock(&client->lock);
	*flag = value;
	spin_unlock(&client->lock);
	wake_up(&client->wq);
}

static bool client_try_begin(struct client *client)
{
	bool done;

	spin_lock(&client->lock);
	client->busy = !client->stop && !client->pause;
	done = client->stop || client->busy;
	spin_unlock(&client->lock);
	return done;
}

static bool client_is_idle(struct client *client)
{
	bool idle;

	spin_lock(&client->lock);
	idle = client_is_idle_locked(client);
	spin_unlock(&client->lock);
	return idle;
}

static int client_run(void *data)
{
	static void (*const calls[KINDS])(struct client *client) = {
		call_read, call_write, call_batch, file_submit,
	};
	struct client *client = data;
	struct server *server = &client->site->server;

	for (;;) {
		wait_event(client->wq, client_try_begin(client));
		if (!client->busy)
			return 0;
		if (shim_random() % 8 == 0) {
			shim_count(server->wanted);
			port_raise(server->in);
		}
		calls[client->kind](client);
		client_set(client, &client->busy, false);
		if (shim_random() % 4 == 0)
			shim_sleep(shim_random() % 300, SHIM_HERE);
	}
}

static void client_start(struct client *client, struct site *s)
{
	static const char *const names[KINDS] = {
		"reads", "writes", "batches", "file",
	};

	client->site = s;
	client->kind = shim_random() % KINDS;
	client->tag = shim_random();
	init_waitqueue_head(&client->wq);
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->replies);
	xs_flow_init(&client->flow);
	client->tasks[0] = shim_task_create(names[client->kind], client_run, client);
	client->n_tasks = 1;
	while (client->kind == FILES && client->n_tasks < 3)
		client->tasks[client->n_tasks++] =
			shim_task_create("file reader", file_read, client);
}

static void client_stop(struct client *client)
{
	client_set(client, &client->stop, true);
	while (client->n_tasks)
		shim_task_join(client->tasks[--client->n_tasks]);
}

/* === The transport === */

static int interrupt_run(void *data)
{
	struct site *s = data;

	current->irq = current->irqs_off = true;
	while (port_wait(&s->to_driver)) {
		shim_point(SHIM_SLEEP, SHIM_HERE);
		pthread_mutex_lock(&s->handler);
		if (s->bound)
			s->t.notified(&s->t);
		pthread_mutex_unlock(&s->handler);
	}
	return 0;
}

static struct site *site_of(struct xs_transport *t)
{
	return container_of(t, struct site, t);
}

/* A new page, with indices that may be about to wrap, and a new server. */
static int transport_reconnect(struct xs_transport *t)
{
	struct xenstore_domain_interface *page = &threads_page;
	u32 req = shim_random() % 4 ? shim_random() : -shim_random() % 4096;
	u32 rsp = shim_random() % 4 ? shim_random() : -shim_random() % 4096;
	struct site *s = site_of(t);

	/* Nothing else of a system runs while it is restored. */
	pthread_mutex_lock(&s->handler);
	s->bound = true;
	t->page = page;
	t->peer_is_local = shim_random() % 2;
	WRITE_ONCE(page->req_cons, req);
	WRITE_ONCE(page->req_prod, req);
	WRITE_ONCE(page->rsp_cons, rsp);
	WRITE_ONCE(page->rsp_prod, rsp);
	pthread_mutex_unlock(&s->handler);
	shim_set(s->events, 0);
	server_start(&s->server);
	/* As a channel does that has just been bound. */
	port_raise(&s->to_driver);
	return 0;
}

static void transport_disconnect(struct xs_transport *t)
{
	struct site *s = site_of(t);

	server_stop(&s->server);
	pthread_mutex_lock(&s->handler);
	s->bound = false;
	pthread_mutex_unlock(&s->handler);
}

static void transport_notify(struct xs_transport *t)
{
	shim_point(SHIM_NOTIFY, SHIM_HERE);
	port_raise(&site_of(t)->to_server);
}

static void transport_mask(struct xs_transport *t)
{
	port_set_masked(&site_of(t)->to_driver, true);
}

static void transport_unmask(struct xs_transport *t)
{
	port_set_masked(&site_of(t)->to_driver, false);
}

static const struct xs_transport_ops transport_ops = {
	.connect = transport_reconnect,
	.disconnect = transport_disconnect,
	.reconnect = transport_reconnect,
	.notify = transport_notify,
	.mask = transport_mask,
	.unmask = transport_unmask,
};

static int take_event(struct xs_conn *conn, const char *body, size_t len)
{
	struct site *s = conn->owner;

	if (shim_random() % 64 == 0)
		return -ENOMEM;
	CHECK(server_is_event(&s->server, body, len, s->events));
	shim_set(s->events, s->events + 1);
	shim_count(n_events);
	return 0;
}

static const struct xs_conn_ops conn_ops = { .event = take_event };

/* === Scenarios === */

static void pause_all(struct site *s, bool pause)
{
	unsigned int i;

	for (i = 0; i < s->n_clients; i++)
		client_set(&s->clients[i], &s->clients[i].pause, pause);
	for (i = 0; pause && i < s->n_clients; i++)
		wait_until(client_is_idle(&s->clients[i]));
}

/* Without further calls, what is in flight has to complete by itself. */
static void let_settle(struct site *s)
{
	pause_all(s, true);
	if (!s->breaks) {
		shim_count(s->server.wanted);
		port_raise(s->server.in);
		wait_until(shim_get(s->events) == shim_get(s->server.wanted));
	}
	pause_all(s, false);
}

/* As watches are set: a server has no events to send before. */
static void set_watches(struct site *s)
{
	struct xs_request *req;
	int err;

	req = xs_call_request(XS_WRITE, 0, "/v/0/0", "", "", 0);
	err = xs_call_put(&s->conn, req, XS_GATE_NESTED);
	CHECK(!err || (s->breaks && err == BREAK_ERR));
}

static void suspend(struct site *s, bool resume)
{
	struct xs_conn *conn = &s->conn;

	xs_conn_might_wait(conn);
	xs_gate_close(&conn->gate);
	xs_gate_drain(&conn->gate);
	xs_io_park(conn);
	shim_sleep(shim_random() % 500, SHIM_HERE);
	if (resume) {
		server_stop(&s->server);
		CHECK(!xs_io_reconnect(conn));
	}
	xs_io_unpark(conn);
	set_watches(s);
	xs_gate_open(&conn->gate);
	n_suspends++;
}

/* Calls of the other clients complete, wherever a task of this one is. */
static void hold_one(struct site *s)
{
	struct client *victim = &s->clients[shim_random() % s->n_clients];
	struct task_struct *task = victim->tasks[shim_random() % victim->n_tasks];
	/* More than can have been under way, by kind */
	static const unsigned int some[KINDS] = { 2, 2, BATCH_MAX + 1, 2 * FILE_DEPTH };
	unsigned long enough[CLIENTS_MAX];
	unsigned int i, ticks = 0;

	shim_set(task->hold, 1 + shim_random() % 60);
	while (shim_get(task->hold) > 0 && ticks++ < 200)
		shim_sleep(1000, SHIM_HERE);
	for (i = 0; i < s->n_clients; i++)
		enough[i] = shim_get(s->clients[i].calls) +
			    some[s->clients[i].kind];
	for (ticks = i = 0; i < s->n_clients; i++) {
		while (shim_get(task->hold) == SHIM_HELD &&
		       &s->clients[i] != victim &&
		       shim_get(s->clients[i].calls) < enough[i]) {
			shim_sleep(1000, SHIM_HERE);
			if (++ticks == HELD_MS)
				threads_fail("calls of client %u wait for a task of client %u",
					     i, (unsigned int)(victim - s->clients));
		}
	}
	n_holds += shim_get(task->hold) == SHIM_HELD;
	shim_release(task);
}

static void break_it(struct site *s)
{
	xs_conn_break(&s->conn, BREAK_ERR);
	if (shim_random() % 2)
		wait_until(READ_ONCE(s->conn.state) == XS_CONN_BROKEN);
	shim_sleep(shim_random() % 3000, SHIM_HERE);
	suspend(s, true);
	n_breaks++;
}

/* A break that the kthread sees after the reconnect counts for the new one. */
static void recover(struct site *s)
{
	pause_all(s, true);
	if (READ_ONCE(s->conn.break_err)) {
		wait_until(READ_ONCE(s->conn.state) == XS_CONN_BROKEN);
		suspend(s, true);
	}
	shim_set(s->breaks, false);
	pause_all(s, false);
	shim_sleep(5000, SHIM_HERE);
}

static void step(struct site *s)
{
	unsigned int holds = 8;

	while (scenario[0] == 'h' && holds--)
		hold_one(s);
	if (scenario[0] == 'b')
		break_it(s);
	else if (shim_random() % 4 == 0)
		suspend(s, shim_random() % 4);
	if (shim_random() % 2)
		let_settle(s);
	shim_sleep(shim_random() % 5000, SHIM_HERE);
	shim_count(n_steps);
}

/* === From init to destroy === */

static void round_start(struct site *s)
{
	static const int polls[] = { -1, 0, 20, 200 };
	unsigned int i;

	shim_cpus = 1 + shim_random() % 2;
	port_init(&s->to_server);
	port_init(&s->to_driver);
	s->server.in = &s->to_server;
	s->server.out = &s->to_driver;
	pthread_mutex_init(&s->handler, NULL);
	s->t.ops = &transport_ops;
	s->breaks = scenario[0] == 'b';
	xs_conn_init(&s->conn, &s->t, &conn_ops, s);
	s->conn.poll_us = polls[shim_random() % ARRAY_SIZE(polls)];
	s->conn.write_behind = shim_random() % 2;
	s->interrupt = shim_task_create("interrupt", interrupt_run, s);
	s->n_clients = 2 + shim_random() % (CLIENTS_MAX - 1);
	for (i = 0; i < s->n_clients; i++)
		client_start(&s->clients[i], s);
	CHECK(!xs_io_connect(&s->conn));
	CHECK(!xs_io_start(&s->conn));
	set_watches(s);
}

static void round_end(struct site *s)
{
	unsigned int i;

	if (s->breaks)
		recover(s);
	let_settle(s);
	for (i = 0; i < s->n_clients; i++)
		client_stop(&s->clients[i]);
	wait_until(shim_get(s->events) == shim_get(s->server.wanted));
	CHECK(READ_ONCE(s->conn.state) == XS_CONN_UP);
	xs_io_stop(&s->conn);
	CHECK(!s->conn.in_flight && !s->conn.gate.inside);
	xs_io_disconnect(&s->conn);
	xs_conn_destroy(&s->conn);
	port_stop(&s->to_driver);
	shim_task_join(s->interrupt);
}

static int control_run(void *data)
{
	u64 end = shim_now() + *(unsigned int *)data * 1000000000ULL;
	u64 until;

	while (shim_now() < end) {
		site = calloc(1, sizeof(*site));
		round_start(site);
		until = shim_now() + 500000000;
		while (shim_now() < until)
			step(site);
		round_end(site);
		free(site);
	}
	shim_set(over, true);
	return 0;
}

/* Counts looks, so that a machine that stands still does not fail the run. */
static void watch(void)
{
	unsigned long now, before = 0;
	unsigned int still = 0;

	while (!shim_get(over)) {
		usleep(50000);
		now = shim_get(n_calls) + shim_get(n_events) +
		      shim_get(n_steps) + shim_get(server_moved);
		still = now == before ? still + 50 : 0;
		before = now;
		if (still >= STUCK_MS)
			threads_fail("nothing moves any more");
	}
}

int main(int argc, char **argv)
{
	struct task_struct *control;
	unsigned int seconds;

	if (argc != 4) {
		fprintf(stderr, "usage: threads calls|held|broken SECONDS SEED\n");
		return 2;
	}
	scenario = argv[1];
	seconds = atoi(argv[2]);
	threads_seed = atoi(argv[3]);
	shim_task_create("watchdog", NULL, NULL);
	control = shim_task_create("control", control_run, &seconds);
	watch();
	shim_task_join(control);
	printf("%lu calls, %lu events, %lu suspends, %lu breaks, %lu held\n",
	       n_calls, n_events, n_suspends, n_breaks, n_holds);
	return 0;
}
