/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection to one XenStore server, for its users.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_CONN_H
#define _XENSTORE_CONN_H

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "fq.h"
#include "gate.h"
#include "gfp.h"
#include "quota.h"
#include "request.h"
#include "ring.h"
#include "stats.h"
#include "transaction_types.h"
#include "transport.h"

/* So long a server may take to begin anew. */
#define XS_RECONNECT_TIMEOUT	(10 * HZ)

/* Short chains with thousands of requests in flight. */
#define XS_PENDING_BUCKETS	1024

struct task_struct;
struct xs_conn;

/**
 * struct xs_conn_ops - what a connection hands upwards
 */
struct xs_conn_ops {
	/**
	 * @event: a watch event of @len bytes and a NUL, which @body holds
	 * until it returns. Kthread; sleeps at most in an allocation with
	 * %XS_GFP. Returns 0, or -ENOMEM to be called again later.
	 */
	int (*event)(struct xs_conn *conn, const char *body, size_t len);
};

/**
 * enum xs_conn_state - can a connection carry requests?
 * @XS_CONN_DOWN: not connected, or not again yet; requests are accepted and kept
 * @XS_CONN_UP: connected
 * @XS_CONN_BROKEN: given up; requests fail with &xs_conn.break_err
 */
enum xs_conn_state {
	XS_CONN_DOWN,
	XS_CONN_UP,
	XS_CONN_BROKEN,
};

/**
 * struct xs_conn - request queues, pending requests, and the kthread
 */
struct xs_conn {
	/** @t: const after init */
	struct xs_transport *t;
	/** @ops: const after init */
	const struct xs_conn_ops *ops;
	/** @owner: for @ops; const after init */
	void *owner;
	/** @write_behind: see transaction.c; const after init */
	bool write_behind;
	/** @gate: counts requests in flight; own lock */
	struct xs_gate gate;
	/**
	 * @lost: the connection is lost, and can be found again: called in the
	 * kthread, has xs_reconnect() called in process context. Const after init;
	 * NULL if a lost connection is to be broken.
	 */
	void (*lost)(struct xs_conn *conn);
	/** @reconnect_timeout: how long the server may take, in jiffies; const */
	unsigned long reconnect_timeout;
	/** @transactions: of the kernel, see transaction.c; own lock */
	struct xs_transactions transactions;
	/** @quota: counts transactions, those of files included; own lock */
	struct xs_quota quota;

	/** @lock: protects what follows up to @tx, and &xs_request.state; a leaf */
	spinlock_t lock;
	/** @fq: requests to be sent, in order */
	struct xs_fq fq;
	/** @state: becomes BROKEN in the kthread only; read without the lock */
	enum xs_conn_state state;
	/** @break_err: why it is, or is to become, BROKEN; likewise */
	int break_err;
	/**
	 * @pending: accepted requests by their id on the wire. Ids are given
	 * out in turn, so the chains stay even and an id is not used again
	 * soon after its reply.
	 */
	struct hlist_head pending[XS_PENDING_BUCKETS];
	/** @kernel: the flow of requests that name no other */
	struct xs_flow kernel;
	/**
	 * @first: of the holder, see xs_conn_hold(), and of watches that are set
	 * again; fails, and is not repeated, when the connection is lost
	 */
	struct xs_flow first;
	/** @reconnecting: it has been lost, and is not found again yet */
	bool reconnecting;
	/** @held: from xs_conn_hold() to xs_conn_unhold() */
	bool held;
	/** @attached: the transport is connected, be the server there or not */
	bool attached;
	/** @holder: keeps the gate from draining meanwhile */
	struct xs_gate_pin holder;
	/** @sent: requests in @pending that are on the ring in full, oldest first */
	struct list_head sent;
	/**
	 * @generation: number of resumes and reconnects, each of which ends all
	 * transactions; read without the lock
	 */
	u64 generation;
	/** @up_since: when @state became UP last; see xs_stats_now() */
	u64 up_since;
	/** @in_flight: number of requests in @pending; read without the lock */
	unsigned int in_flight;
	/** @next_id: the id to try next; 0 is never used */
	u32 next_id;

	/** @tx: towards the server; kthread only */
	struct {
		/** @tx.ring: request ring */
		struct xs_ring ring;
		/**
		 * @tx.req: head of its flow, partly on the ring, or NULL;
		 * written under @lock
		 */
		struct xs_request *req;
		/** @tx.done: bytes of @tx.req that are on the ring */
		size_t done;
	} tx;
	/** @rx: from the server; kthread only */
	struct {
		/** @rx.ring: response ring */
		struct xs_ring ring;
		/** @rx.hdr: header of the message being received */
		struct xsd_sockmsg hdr;
		/** @rx.have: bytes of header and body received */
		size_t have;
		/** @rx.missing: bytes to come, 0 between messages; read by any */
		u32 missing;
		/** @rx.known_error: the page's error that an earlier server left */
		u32 known_error;
		/** @rx.body: body and a NUL */
		char body[XENSTORE_PAYLOAD_MAX + 1];
	} rx;
	/** @stats: what happened; see stats.h for the writers */
	struct xs_stats stats;

	/** @thread: the kthread, NULL where a test steps the passes itself */
	struct task_struct *thread;
	/** @started: it runs */
	struct completion started;
	/**
	 * @poll_us: longest poll, in us; below 0 for a default if the server is
	 * local; const after init
	 */
	int poll_us;
	/** @poll_window: length of the next poll, in ns; kthread only */
	u32 poll_window;
	/** @wq: the kthread sleeps here */
	wait_queue_head_t wq;
	/** @io_map: the waterline; see xs_conn_might_wait() */
	struct lockdep_map io_map;
};

/**
 * xs_conn_is_kernel_flow() - whether requests of a flow are the kernel's
 * @conn: the connection
 * @flow: one of its flows
 *
 * Context: Any.
 * Return: false if a program submits them, through a file.
 */
static inline bool xs_conn_is_kernel_flow(const struct xs_conn *conn,
					  const struct xs_flow *flow)
{
	return flow == &conn->kernel || flow == &conn->first;
}

/* conn.c */
void xs_conn_init(struct xs_conn *conn, struct xs_transport *t,
		  const struct xs_conn_ops *ops, void *owner);
void xs_conn_destroy(struct xs_conn *conn);
void xs_conn_refuse(struct xs_conn *conn, int err);
void xs_conn_break(struct xs_conn *conn, int err);
void xs_conn_lose(struct xs_conn *conn);
void xs_conn_recall(struct xs_conn *conn);
void xs_conn_hold(struct xs_conn *conn);
void xs_conn_unhold(struct xs_conn *conn);
void xs_conn_might_wait(struct xs_conn *conn);
int xs_conn_submit(struct xs_conn *conn, struct xs_request *req);
void xs_conn_cancel(struct xs_conn *conn, struct xs_flow *flow,
		    bool (*keep)(struct xs_request *req));
int xs_conn_call_all(struct xs_conn *conn, struct xs_request **reqs,
		     unsigned int n, enum xs_gate_kind kind);

/* reconnect.c */
bool xs_reconnect_is_offered(const struct xs_conn *conn);
bool xs_reconnect_is_under_way(const struct xs_conn *conn);
int xs_reconnect_find(struct xs_transport *t);
int xs_reconnect(struct xs_conn *conn);
void xs_reconnect_end(struct xs_conn *conn);

/* io.c */
int xs_io_connect(struct xs_conn *conn);
int xs_io_find(struct xs_conn *conn, int (*find)(struct xs_transport *t));
int xs_io_reconnect(struct xs_conn *conn);
void xs_io_disconnect(struct xs_conn *conn);
int xs_io_start(struct xs_conn *conn);
void xs_io_stop(struct xs_conn *conn);
void xs_io_park(struct xs_conn *conn);
void xs_io_unpark(struct xs_conn *conn);

#endif /* _XENSTORE_CONN_H */
