/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests in flight are counted, and a suspend waits until there are none.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_GATE_H
#define _XENSTORE_GATE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct task_struct;

/* Transactions that may begin while a suspend waits for others to end. */
#define XS_GATE_STARTS_MAX	64

/**
 * enum xs_gate_kind - what wants to pass
 * @XS_GATE_REQUEST: an ordinary request
 * @XS_GATE_START: the start of a kernel transaction, which keeps the gate
 *	from draining until it ends
 * @XS_GATE_NESTED: a request of a caller that has one in flight or a pin
 *	already, or of the resume itself; always passes
 */
enum xs_gate_kind {
	XS_GATE_REQUEST,
	XS_GATE_START,
	XS_GATE_NESTED,
};

/**
 * struct xs_gate_pin - keeps a gate from draining
 */
struct xs_gate_pin {
	/** @node: on &xs_gate.pins, under &xs_gate.lock */
	struct list_head node;
	/** @task: took it; only compared, never followed; const while pinned */
	const struct task_struct *task;
};

/**
 * struct xs_gate - counts requests in flight, can be closed and drained
 */
struct xs_gate {
	/** @lock: protects @inside, @pins, @closed and @starts; a leaf */
	spinlock_t lock;
	/** @inside: requests in flight */
	unsigned int inside;
	/** @pins: one for each open kernel transaction */
	struct list_head pins;
	/** @closed: a suspend is under way */
	bool closed;
	/** @starts: transactions that have passed since it was closed */
	unsigned int starts;
	/** @wq: waiters to enter, and for the drain */
	wait_queue_head_t wq;
};

void xs_gate_init(struct xs_gate *gate);
bool xs_gate_try_enter(struct xs_gate *gate, enum xs_gate_kind kind);
bool xs_gate_admits(struct xs_gate *gate, enum xs_gate_kind kind);
void xs_gate_enter(struct xs_gate *gate, enum xs_gate_kind kind);
void xs_gate_enter_all(struct xs_gate *gate, enum xs_gate_kind kind,
		       unsigned int n);
int xs_gate_enter_interruptible(struct xs_gate *gate, enum xs_gate_kind kind);
void xs_gate_leave(struct xs_gate *gate);
void xs_gate_leave_all(struct xs_gate *gate, unsigned int n);
void xs_gate_pin(struct xs_gate *gate, struct xs_gate_pin *pin);
void xs_gate_unpin(struct xs_gate *gate, struct xs_gate_pin *pin);
bool xs_gate_is_pinned_by_current(struct xs_gate *gate);
void xs_gate_close(struct xs_gate *gate);
void xs_gate_open(struct xs_gate *gate);
bool xs_gate_is_drained(struct xs_gate *gate);
void xs_gate_drain(struct xs_gate *gate);

#endif /* _XENSTORE_GATE_H */
