/* SPDX-License-Identifier: GPL-2.0 */
/* What the callers and the server of the harness share. */
#ifndef THREADS_H
#define THREADS_H

#include <linux/types.h>
#include <xen/interface/io/xs_wire.h>

extern struct xenstore_domain_interface threads_page;
extern unsigned int threads_seed;

_Noreturn void threads_fail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
#define CHECK(cond)	SHIM_BUG_ON(!(cond))

/* One end of an event channel. */
struct port {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool pending, masked, stop;
};

void port_init(struct port *port);
void port_raise(struct port *port);
/* Until it is raised and not masked; false if it is to end. */
bool port_wait(struct port *port);
void port_set_masked(struct port *port, bool masked);
void port_stop(struct port *port);

/* Values: bytes that follow from a number. */
void fill(void *bytes, u32 tag, size_t len);
bool matches(const void *bytes, u32 tag, size_t len);

struct message;

struct server {
	struct port *in, *out;		/* notifies it, is notified by it */
	struct task_struct *task;
	u32 epoch;			/* number of starts */
	unsigned int wanted;		/* events to be sent */
	bool asked;			/* it has got a request */
	struct xsd_sockmsg hdr;		/* the request being read */
	size_t have;
	char body[XENSTORE_PAYLOAD_MAX];
	struct message *first, *last;	/* to be written */
	u32 next_tx;
};

extern unsigned long server_moved;	/* bytes, both ways */

void server_start(struct server *server);
void server_stop(struct server *server);
/* Is this its event of that number, and whole? */
bool server_is_event(const struct server *server, const char *body, size_t len,
		     u32 number);

#endif
