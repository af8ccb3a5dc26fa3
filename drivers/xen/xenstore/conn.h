/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection to one XenStore server.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_CONN_H
#define _XENSTORE_CONN_H

#include <linux/completion.h>
#include <linux/lockdep.h>
#include <linux/rcuwait.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "gate.h"
#include "request.h"
#include "ring.h"
#include "fq.h"
#include "transport.h"

/*
 * Allocations on the store path must not start I/O: the disk that reclaim
 * would write to may be waiting for the store.
 */
#define XS_GFP		(GFP_NOIO | __GFP_HIGH)

/*
 * Allocations of the kthread at the expense of a client's memory cgroup: it
 * must not reclaim for one client while others wait. What exceeds the group's
 * limit is charged nevertheless, and the client's own next allocation pays.
 */
#define XS_GFP_CLIENT	(GFP_NOWAIT | __GFP_HIGH | __GFP_ACCOUNT | __GFP_NOWARN)

/* Giving up would lose a watch, or leave one or a transaction for ever. */
#define XS_GFP_MUST	(GFP_NOIO | __GFP_NOFAIL)

/*
 * The kthread is woken for a message that is complete, or for this much of
 * a longer one, in bytes: half a ring, so that the peer need not stop. A message
 * with more in its body is large.
 */
#define XS_WAKE_BYTES	(XENSTORE_RING_SIZE / 2)

/* The longest poll, in µs: whatever takes longer is worth a sleep. */
#define XS_POLL_US_MAX	1000U

/* Powers of two of microseconds, and the last for 4 seconds and more. */
#define XS_LATENCY_BUCKETS	24

/* Types of messages, and one row for those without a name. */
#define XS_LATENCY_ROWS		(XS_TYPE_COUNT + 1)

/* Enough for short chains with thousands of requests in flight. */
#define XS_PENDING_BUCKETS	1024

struct task_struct;
struct xs_conn;

/**
 * struct xs_conn_ops - what a connection hands upwards
 */
struct xs_conn_ops {
	/**
	 * @event: a watch event has arrived; @body holds @len bytes and a NUL
	 * and is the connection's. kthread, must not sleep on anything but
	 * an allocation with %XS_GFP. 0, or -ENOMEM to be called again later.
	 */
	int (*event)(struct xs_conn *conn, const char *body, size_t len);
};

/**
 * enum xs_conn_state - can a connection carry requests?
 * @XS_CONN_DOWN: not connected yet; requests are accepted and kept
 * @XS_CONN_UP: connected
 * @XS_CONN_BROKEN: given up; requests fail with &xs_conn.break_err
 */
enum xs_conn_state {
	XS_CONN_DOWN,
	XS_CONN_UP,
	XS_CONN_BROKEN,
};

/**
 * struct xs_conn_stats - what has been seen on a connection
 *
 * Written by whoever receives unless it says otherwise, see stats.h.
 */
struct xs_conn_stats {
	/** @submitted: requests accepted; under &xs_conn.lock */
	unsigned long submitted;
	/** @sent: requests put on the ring in full; likewise */
	unsigned long sent;
	/** @replies: replies that completed a request */
	unsigned long replies;
	/** @strays: replies that nobody waits for, dropped */
	unsigned long strays;
	/** @events: watch events handed upwards */
	unsigned long events;
	/** @turns: turns of the kthread; by that */
	unsigned long turns;
	/** @notifications: signals to the peer; under &xs_conn.lock */
	unsigned long notifications;
	/** @signals: signals of the peer; whoever is signalled */
	unsigned long signals;
	/** @wakes: those of them that woke the kthread; likewise */
	unsigned long wakes;
	/** @pokes: those of them that were left to a caller; likewise */
	unsigned long pokes;
	/**
	 * @latency: replies by the type of the request, and by the time they
	 * took; see xs_stats_bucket()
	 */
	unsigned long latency[XS_LATENCY_ROWS][XS_LATENCY_BUCKETS];
};

/**
 * struct xs_conn - queue, table of pending requests, and the kthread
 */
struct xs_conn {
	/** @t: const after init */
	struct xs_transport *t;
	/** @ops: const after init */
	const struct xs_conn_ops *ops;
	/** @owner: for @ops; const after init */
	void *owner;
	/** @write_behind: see transaction.c; set after init, const then */
	bool write_behind;
	/** @gate: who may be in flight; own lock */
	struct xs_gate gate;
	/**
	 * @generation: number of resumes; changes only while the gate is
	 * closed and drained, so whoever is inside sees one value
	 */
	u64 generation;

	/**
	 * @lock: protects what follows up to @tx, and &xs_request.state;
	 * a leaf
	 */
	spinlock_t lock;
	/** @fq: who sends next */
	struct xs_fq fq;
	/** @state: changed to BROKEN by the kthread only */
	enum xs_conn_state state;
	/** @break_err: why the connection is, or is to be, BROKEN */
	int break_err;

	/**
	 * @pending: accepted requests by their id on the wire. Ids are given
	 * out in turn, so the chains stay even and an id is not used again
	 * soon after its reply.
	 */
	struct hlist_head pending[XS_PENDING_BUCKETS];
	/** @kernel: the source of requests that name no other */
	struct xs_flow kernel;
	/** @in_flight: how many are in @pending */
	unsigned int in_flight;
	/** @next_id: the id to try next; 0 is never used */
	u32 next_id;

	/**
	 * @direct: others than the kthread may move bytes; changed under
	 * @lock, and false while that does not run
	 */
	bool direct;
	/** @requests: ring towards the server; under @lock */
	struct xs_ring requests;
	/** @tx: what is being sent; under @lock */
	struct {
		/** @tx.req: head of its source, partly on the ring, or NULL */
		struct xs_request *req;
		/** @tx.done: bytes of it that are on the ring */
		size_t done;
	} tx;

	/**
	 * @rx_lock: who receives: the kthread, which may then sleep and has
	 * set @rx_busy, or a caller who helps and holds the lock meanwhile.
	 * Outside of @lock and @rx.lock.
	 */
	spinlock_t rx_lock;
	/** @rx_busy: the kthread receives; under @rx_lock */
	bool rx_busy;
	/** @responses: ring from the server; under @rx.lock */
	struct xs_ring responses;
	/** @initial_error: the page's error field at connect; kthread only */
	u32 initial_error;
	/** @rx: the message being received; under @rx.lock until it is whole */
	struct {
		/** @rx.lock: who takes bytes off the ring; a leaf */
		spinlock_t lock;
		/** @rx.hdr: header */
		struct xsd_sockmsg hdr;
		/** @rx.have: bytes of header and body received */
		size_t have;
		/** @rx.missing: bytes to come, 0 between messages; read by any */
		u32 missing;
		/** @rx.large: the last header was of a large message; likewise */
		bool large;
		/** @rx.ready: it is whole, nobody has seen that; likewise */
		bool ready;
		/** @rx.body: body and a NUL; of who receives when it is whole */
		char body[XENSTORE_PAYLOAD_MAX + 1];
	} rx;
	/** @stats: what happened; see there for who writes */
	struct xs_conn_stats stats;

	/** @helper: the caller who helps, while it sleeps */
	struct rcuwait helper;
	/** @helping: there is one; changed under @lock, read by any */
	bool helping;
	/** @poked: a signal has been left to it; it has not looked yet */
	bool poked;

	/** @thread: the kthread, NULL where a test steps the pump itself */
	struct task_struct *thread;
	/** @started: it has begun */
	struct completion started;
	/** @poll_us: for how long it polls, in µs; set after init, const then */
	unsigned int poll_us;
	/** @poll_pause: turns until it is tried again; the kthread's */
	unsigned int poll_pause;
	/** @masked: signals are; set in @t's event, cleared by the kthread */
	bool masked;
	/** @wq: the kthread sleeps here */
	wait_queue_head_t wq;
	/** @io_map: the waterline; see xs_conn_might_wait() */
	struct lockdep_map io_map;
};

/* conn.c, for the owner of the connection */
int xs_conn_init(struct xs_conn *conn, struct xs_transport *t,
		 const struct xs_conn_ops *ops, void *owner);
void xs_conn_destroy(struct xs_conn *conn);
int xs_conn_connect(struct xs_conn *conn);
int xs_conn_reconnect(struct xs_conn *conn);
void xs_conn_disconnect(struct xs_conn *conn);
void xs_conn_break(struct xs_conn *conn, int err);

/* thread.c */
int xs_conn_start(struct xs_conn *conn);
void xs_conn_stop(struct xs_conn *conn);
void xs_conn_park(struct xs_conn *conn);
void xs_conn_unpark(struct xs_conn *conn);
void xs_conn_poll(struct xs_conn *conn);

/* send.c */
int xs_conn_send_locked(struct xs_conn *conn, bool *kick);
bool xs_conn_can_send(const struct xs_conn *conn);
void xs_conn_refill(struct xs_conn *conn);
void xs_conn_cancel(struct xs_conn *conn, struct xs_flow *source,
		      bool (*keep)(struct xs_request *req));
void xs_conn_kick(struct xs_conn *conn);

/* receive.c */
int xs_conn_assemble(struct xs_conn *conn);
bool xs_conn_has_message(const struct xs_conn *conn);
void xs_conn_message_done(struct xs_conn *conn);
bool xs_conn_give_room(struct xs_conn *conn);
bool xs_conn_can_collect(const struct xs_conn *conn);
void xs_conn_collect(struct xs_conn *conn);
bool xs_conn_can_receive(const struct xs_conn *conn);
bool xs_conn_has_reply(const struct xs_conn *conn);

/* pump.c */
int xs_conn_pump(struct xs_conn *conn);
bool xs_conn_has_work(struct xs_conn *conn);
bool xs_conn_event_matters(const struct xs_conn *conn);
bool xs_conn_at_boundary(const struct xs_conn *conn);
bool xs_conn_receive_reply(struct xs_conn *conn, int *err);

/* irq.c */
void xs_conn_signalled(struct xs_transport *t);
bool xs_conn_thread_runs_last(const struct xs_conn *conn);

/* help.c */
int xs_conn_wait(struct xs_conn *conn, wait_queue_head_t *wq,
		 bool (*done)(void *arg), void *arg, unsigned int mode);
bool xs_conn_poke_helper(struct xs_conn *conn);

/* conn.c, for those who have requests */
void xs_conn_might_wait(struct xs_conn *conn);
int xs_conn_submit(struct xs_conn *conn, struct xs_request *req);
int xs_conn_submit_all(struct xs_conn *conn, struct xs_request **reqs,
		       unsigned int n);
int xs_conn_call(struct xs_conn *conn, struct xs_request *req,
		 enum xs_gate_kind kind);
int xs_conn_call_all(struct xs_conn *conn, struct xs_request **reqs,
		     unsigned int n, enum xs_gate_kind kind);

/**
 * xs_conn_bucket() - where a pending request is looked for
 * @conn: the connection
 * @id: its id on the wire
 *
 * Context: Any; &xs_conn.lock is held.
 * Return: The chain that holds it, if it is pending.
 */
static inline struct hlist_head *xs_conn_bucket(struct xs_conn *conn, u32 id)
{
	return &conn->pending[id % XS_PENDING_BUCKETS];
}

struct xs_request *xs_conn_find_locked(struct xs_conn *conn, u32 id);

#endif /* _XENSTORE_CONN_H */
