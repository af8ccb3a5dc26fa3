/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may be in flight, and how a suspend gets everybody out.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_GATE_H
#define _XENSTORE_GATE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct task_struct;

/**
 * enum xs_gate_kind - what wants to pass
 * @XS_GATE_REQUEST: an ordinary request
 * @XS_GATE_START: the start of a kernel transaction, which keeps the gate
 *	from draining until it ends
 * @XS_GATE_NESTED: a request of a caller that is inside already, or of the
 *	resume itself; always passes
 */
enum xs_gate_kind {
	XS_GATE_REQUEST,
	XS_GATE_START,
	XS_GATE_NESTED,
};

/**
 * struct xs_gate_hold - an open kernel transaction
 *
 * A suspend waits until it ends.
 */
struct xs_gate_hold {
	/** @node: on &xs_gate.holds, under &xs_gate.lock */
	struct list_head node;
	/** @tx_id: the server's id of the transaction */
	u32 tx_id;
	/** @task: who started it; only compared, never followed */
	const struct task_struct *task;
};

/**
 * struct xs_gate - counts those inside and can be closed and drained
 */
struct xs_gate {
	/** @lock: protects @inside, @holds and @closed; a leaf */
	spinlock_t lock;
	/** @inside: requests in flight */
	unsigned int inside;
	/** @holds: open kernel transactions */
	struct list_head holds;
	/** @closed: a suspend is under way */
	bool closed;
	/** @wq: those who wait to enter and those who wait for the drain */
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
void xs_gate_hold(struct xs_gate *gate, struct xs_gate_hold *hold, u32 tx_id);
struct xs_gate_hold *xs_gate_find_hold(struct xs_gate *gate, u32 tx_id);
struct xs_gate_hold *xs_gate_unhold(struct xs_gate *gate, u32 tx_id);
void xs_gate_close(struct xs_gate *gate);
void xs_gate_open(struct xs_gate *gate);
void xs_gate_drain(struct xs_gate *gate);

#endif /* _XENSTORE_GATE_H */
