// SPDX-License-Identifier: GPL-2.0
/*
 * A server that keeps to the rules, and to no more than those.
 *
 * As C xenstored it notifies when it has read a header, read a body, written a
 * header and written a body, and it sleeps only after it has found nothing to
 * read, and nothing to write or no space. It has no store: values follow from
 * paths.
 */
#include <linux/kthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "threads.h"

struct message {
	struct message *next;
	size_t done;
	struct xsd_sockmsg hdr;
	char body[];
};

unsigned long server_moved;

/* === Values === */

static u8 byte_at(u32 tag, size_t i)
{
	return ((tag + i / 4) * 2654435761u) >> (8 * (i % 4));
}

void fill(void *bytes, u32 tag, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		((u8 *)bytes)[i] = byte_at(tag, i);
}

bool matches(const void *bytes, u32 tag, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (((const u8 *)bytes)[i] != byte_at(tag, i))
			return false;
	}
	return true;
}

/* === Event channels === */

void port_init(struct port *port)
{
	pthread_mutex_init(&port->lock, NULL);
	pthread_cond_init(&port->cond, NULL);
	port->pending = port->masked = port->stop = false;
}

static void port_set(struct port *port, bool *flag)
{
	pthread_mutex_lock(&port->lock);
	*flag = true;
	pthread_cond_signal(&port->cond);
	pthread_mutex_unlock(&port->lock);
}

void port_raise(struct port *port)
{
	port_set(port, &port->pending);
}

void port_stop(struct port *port)
{
	port_set(port, &port->stop);
}

/* To unmask forgets what is pending. */
void port_set_masked(struct port *port, bool masked)
{
	pthread_mutex_lock(&port->lock);
	port->masked = masked;
	port->pending &= masked;
	pthread_mutex_unlock(&port->lock);
}

bool port_wait(struct port *port)
{
	bool stop;

	pthread_mutex_lock(&port->lock);
	shim_set(current->where, "port_wait()");
	while ((!port->pending || port->masked) && !port->stop)
		pthread_cond_wait(&port->cond, &port->lock);
	shim_set(current->where, NULL);
	port->pending = false;
	stop = port->stop;
	pthread_mutex_unlock(&port->lock);
	return !stop;
}

/* === The ring, a contiguous piece at a time === */

static void server_publish(struct server *server, XENSTORE_RING_IDX *index,
			   size_t n)
{
	smp_mb();
	WRITE_ONCE(*index, *index + n);
	smp_mb();
	__atomic_add_fetch(&server_moved, n, __ATOMIC_RELAXED);
	shim_point(SHIM_NOTIFY, SHIM_HERE);
	port_raise(server->out);
}

static size_t server_read(struct server *server, void *to, size_t len)
{
	u32 cons = threads_page.req_cons, at = MASK_XENSTORE_IDX(cons);
	u32 used = READ_ONCE(threads_page.req_prod) - cons;

	CHECK(used <= XENSTORE_RING_SIZE);
	len = min_t(size_t, len, min_t(u32, used, XENSTORE_RING_SIZE - at));
	if (!len)
		return 0;
	smp_mb();
	memcpy(to, threads_page.req + at, len);
	server_publish(server, &threads_page.req_cons, len);
	return len;
}

static size_t server_write(struct server *server, const char *from, size_t len)
{
	u32 prod = threads_page.rsp_prod, at = MASK_XENSTORE_IDX(prod);
	u32 used = prod - READ_ONCE(threads_page.rsp_cons);
	size_t i;

	CHECK(used <= XENSTORE_RING_SIZE);
	len = min_t(size_t, len, min_t(u32, XENSTORE_RING_SIZE - used,
				       XENSTORE_RING_SIZE - at));
	if (!len)
		return 0;
	smp_mb();
	/* The driver may peek at them before they are published. */
	for (i = 0; i < len; i++)
		shim_set(threads_page.rsp[at + i], from[i]);
	server_publish(server, &threads_page.rsp_prod, len);
	return len;
}

/* === Messages === */

static char *server_send(struct server *server, struct xsd_sockmsg hdr)
{
	struct message *msg = malloc(sizeof(*msg) + hdr.len);

	msg->next = NULL;
	msg->done = 0;
	msg->hdr = hdr;
	if (server->first)
		server->last->next = msg;
	else
		server->first = msg;
	server->last = msg;
	return msg->body;
}

static void server_answer(struct server *server)
{
	struct xsd_sockmsg hdr = server->hdr;
	const char *value = server->body + strnlen(server->body, hdr.len) + 1;
	unsigned int tag = 0, len = 0;
	char text[16] = "OK";

	server->asked = true;
	if (hdr.type == XS_READ || hdr.type == XS_WRITE)
		CHECK(sscanf(server->body, "/v/%u/%u", &tag, &len) == 2);
	switch (hdr.type) {
	case XS_READ:
		hdr.len = len;
		fill(server_send(server, hdr), tag, len);
		return;
	case XS_WRITE:
		CHECK(value + len == server->body + hdr.len);
		CHECK(matches(value, tag, len));
		break;
	case XS_TRANSACTION_START:
		snprintf(text, sizeof(text), "%u", ++server->next_tx);
		break;
	case XS_TRANSACTION_END:
		CHECK(hdr.tx_id && hdr.tx_id <= server->next_tx);
		break;
	default:
		threads_fail("a request of type %u has arrived", hdr.type);
	}
	hdr.len = strlen(text) + 1;
	memcpy(server_send(server, hdr), text, hdr.len);
}

/* What identifies an event is at its end, where a part of it does not reach. */
static size_t event_text(const struct server *server, char text[32], u32 number)
{
	return snprintf(text, 32, "/%u/%u", server->epoch, number) + 1;
}

static void server_send_event(struct server *server, u32 number)
{
	size_t len = shim_random() % (shim_random() % 8 ? 64 : 4000);
	struct xsd_sockmsg hdr = { .type = XS_WATCH_EVENT };
	char text[32], *body;

	hdr.len = len + event_text(server, text, number);
	body = server_send(server, hdr);
	fill(body, number, len);
	memcpy(body + len, text, hdr.len - len);
}

bool server_is_event(const struct server *server, const char *body, size_t len,
		     u32 number)
{
	char text[32];
	size_t n = event_text(server, text, number);

	return len >= n && !memcmp(body + len - n, text, n) &&
	       matches(body, number, len - n) && !body[len];
}

/* === What it does === */

/* A header, then a body, as far as they are there. */
static bool server_input(struct server *server)
{
	size_t head = sizeof(server->hdr), moved = 0, n;

	if (server->have < head) {
		moved = server_read(server, (char *)&server->hdr + server->have,
				    head - server->have);
		server->have += moved;
		if (server->have < head)
			return moved;
		CHECK(server->hdr.len <= XENSTORE_PAYLOAD_MAX);
	}
	n = server_read(server, server->body + server->have - head,
			head + server->hdr.len - server->have);
	server->have += n;
	if (server->have < head + server->hdr.len)
		return moved + n;
	server->have = 0;
	server_answer(server);
	return true;
}

static bool server_output(struct server *server)
{
	struct message *msg = server->first;
	size_t head = sizeof(msg->hdr), n;

	if (!msg)
		return false;
	if (msg->done < head)
		n = server_write(server, (char *)&msg->hdr + msg->done,
				 head - msg->done);
	else
		n = server_write(server, msg->body + msg->done - head,
				 head + msg->hdr.len - msg->done);
	msg->done += n;
	if (msg->done < head + msg->hdr.len)
		return n;
	server->first = msg->next;
	free(msg);
	return true;
}

static int server_run(void *data)
{
	struct server *server = data;
	bool input, output;
	u32 number = 0;

	do {
		while (server->asked && number < shim_get(server->wanted))
			server_send_event(server, number++);
		input = server_input(server);
		output = server_output(server);
	} while (input || output || port_wait(server->in));
	return 0;
}

void server_start(struct server *server)
{
	server->epoch++;
	shim_set(server->wanted, 0);
	server->asked = false;
	server->have = 0;
	server->in->stop = false;
	server->task = shim_task_create("server", server_run, server);
}

/* In the middle of anything. */
void server_stop(struct server *server)
{
	struct message *msg;

	port_stop(server->in);
	shim_task_join(server->task);
	while ((msg = server->first)) {
		server->first = msg->next;
		free(msg);
	}
}
