// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may be in flight.
 *
 * Every request enters the gate before it is queued and leaves when it
 * completes; an open kernel transaction holds it from its start to its end.
 * A suspend closes the gate, waits until nobody is inside, and reopens it
 * after the resume. The gate knows nothing of rings or messages.
 *
 * While the gate is closed but a transaction is still open, requests go on
 * passing: whoever runs the transaction may wait, directly or for a lock, for
 * somebody who needs a request to get on. New transactions do not pass, so
 * the drain ends when those that were open have ended, and steady traffic
 * cannot postpone it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/sched.h>

#include "gate.h"

/**
 * xs_gate_init() - make an open gate with nobody inside
 * @gate: the gate
 *
 * Context: Any.
 */
void xs_gate_init(struct xs_gate *gate)
{
	spin_lock_init(&gate->lock);
	gate->inside = 0;
	INIT_LIST_HEAD(&gate->holds);
	gate->closed = false;
	init_waitqueue_head(&gate->wq);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_init);

static bool xs_gate_held_by_current_locked(struct xs_gate *gate)
	__must_hold(&gate->lock)
{
	struct xs_gate_hold *hold;

	lockdep_assert_held(&gate->lock);
	list_for_each_entry(hold, &gate->holds, node) {
		if (hold->task == current)
			return true;
	}
	return false;
}

static bool xs_gate_admits_locked(struct xs_gate *gate, enum xs_gate_kind kind)
	__must_hold(&gate->lock)
{
	lockdep_assert_held(&gate->lock);
	if (!gate->closed || kind == XS_GATE_NESTED)
		return true;
	if (kind == XS_GATE_REQUEST)
		return !list_empty(&gate->holds);
	return xs_gate_held_by_current_locked(gate);
}

static bool xs_gate_try_enter_all(struct xs_gate *gate, enum xs_gate_kind kind,
				  unsigned int n)
{
	bool admitted;

	spin_lock(&gate->lock);
	admitted = xs_gate_admits_locked(gate, kind);
	if (admitted)
		gate->inside += n;
	spin_unlock(&gate->lock);
	return admitted;
}

/**
 * xs_gate_try_enter() - enter if that is possible at once
 * @gate: the gate
 * @kind: who wants to pass
 *
 * Context: Any but hard interrupt.
 * Return: true if the caller is inside and owes an xs_gate_leave().
 */
bool xs_gate_try_enter(struct xs_gate *gate, enum xs_gate_kind kind)
{
	return xs_gate_try_enter_all(gate, kind, 1);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_try_enter);

/**
 * xs_gate_admits() - could somebody enter at once?
 * @gate: the gate
 * @kind: who wants to pass
 *
 * For those who poll; they are woken through &xs_gate.wq when it opens.
 *
 * Context: Any but hard interrupt.
 * Return: true if xs_gate_try_enter() would let the caller in.
 */
bool xs_gate_admits(struct xs_gate *gate, enum xs_gate_kind kind)
{
	bool admits;

	spin_lock(&gate->lock);
	admits = xs_gate_admits_locked(gate, kind);
	spin_unlock(&gate->lock);
	return admits;
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_admits);

/**
 * xs_gate_enter() - wait until the gate lets the caller in
 * @gate: the gate
 * @kind: who wants to pass
 *
 * The caller owes an xs_gate_leave(), which another thread may do for it.
 *
 * Context: Process, may sleep until a suspend is over.
 */
void xs_gate_enter(struct xs_gate *gate, enum xs_gate_kind kind)
{
	xs_gate_enter_all(gate, kind, 1);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_enter);

/**
 * xs_gate_enter_all() - enter several times at once
 * @gate: the gate
 * @kind: what wants to pass
 * @n: how many passes; a suspend comes before or after all of them
 *
 * Each pass is given back with xs_gate_leave(), or all with
 * xs_gate_leave_all().
 *
 * Context: Process, may sleep until a suspend is over; not if %XS_GATE_NESTED.
 */
void xs_gate_enter_all(struct xs_gate *gate, enum xs_gate_kind kind,
		       unsigned int n)
{
	might_sleep();
	wait_event(gate->wq, xs_gate_try_enter_all(gate, kind, n));
}

/**
 * xs_gate_enter_interruptible() - xs_gate_enter() that a signal can end
 * @gate: the gate
 * @kind: who wants to pass
 *
 * Context: Process, may sleep until a suspend is over.
 * Return: 0, or -ERESTARTSYS if a signal came first; the caller is not inside
 * then.
 */
int xs_gate_enter_interruptible(struct xs_gate *gate, enum xs_gate_kind kind)
{
	might_sleep();
	return wait_event_interruptible(gate->wq,
					xs_gate_try_enter(gate, kind));
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_enter_interruptible);

static bool xs_gate_drained_locked(struct xs_gate *gate)
	__must_hold(&gate->lock)
{
	lockdep_assert_held(&gate->lock);
	return !gate->inside && list_empty(&gate->holds);
}

static bool xs_gate_is_drained(struct xs_gate *gate)
{
	bool drained;

	spin_lock(&gate->lock);
	drained = xs_gate_drained_locked(gate);
	spin_unlock(&gate->lock);
	return drained;
}

/**
 * xs_gate_leave() - undo one xs_gate_enter()
 * @gate: the gate
 *
 * Context: Any but hard interrupt; the kthread does it for requests.
 */
void xs_gate_leave(struct xs_gate *gate)
{
	xs_gate_leave_all(gate, 1);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_leave);

/**
 * xs_gate_leave_all() - give several passes back at once
 * @gate: the gate
 * @n: how many
 *
 * Context: Any but hard interrupt.
 */
void xs_gate_leave_all(struct xs_gate *gate, unsigned int n)
{
	bool wake;

	spin_lock(&gate->lock);
	gate->inside -= n;
	wake = gate->closed;
	spin_unlock(&gate->lock);
	if (wake)
		wake_up_all(&gate->wq);
}

/**
 * xs_gate_hold() - keep the gate from draining while a transaction is open
 * @gate: the gate
 * @hold: owned by the gate until xs_gate_unhold() hands it back
 * @tx_id: the transaction
 *
 * Context: Process; the caller is inside, so there is no moment in which
 * neither keeps the gate from draining.
 */
void xs_gate_hold(struct xs_gate *gate, struct xs_gate_hold *hold, u32 tx_id)
{
	hold->tx_id = tx_id;
	hold->task = current;
	spin_lock(&gate->lock);
	list_add(&hold->node, &gate->holds);
	spin_unlock(&gate->lock);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_hold);

static struct xs_gate_hold *xs_gate_find_locked(struct xs_gate *gate, u32 tx_id)
	__must_hold(&gate->lock)
{
	struct xs_gate_hold *hold;

	lockdep_assert_held(&gate->lock);
	list_for_each_entry(hold, &gate->holds, node) {
		if (hold->tx_id == tx_id)
			return hold;
	}
	return NULL;
}

/**
 * xs_gate_find_hold() - what xs_gate_hold() was given
 * @gate: the gate
 * @tx_id: a transaction that the caller keeps from ending
 *
 * Context: Process.
 * Return: The hold, or NULL if there is none for @tx_id.
 */
struct xs_gate_hold *xs_gate_find_hold(struct xs_gate *gate, u32 tx_id)
{
	struct xs_gate_hold *hold;

	spin_lock(&gate->lock);
	hold = xs_gate_find_locked(gate, tx_id);
	spin_unlock(&gate->lock);
	return hold;
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_find_hold);

/**
 * xs_gate_unhold() - a transaction has ended
 * @gate: the gate
 * @tx_id: the transaction
 *
 * Context: Process.
 * Return: The hold that was given to xs_gate_hold(), which is the caller's
 * again, or NULL if there is none for @tx_id.
 */
struct xs_gate_hold *xs_gate_unhold(struct xs_gate *gate, u32 tx_id)
{
	struct xs_gate_hold *hold;
	bool wake;

	spin_lock(&gate->lock);
	hold = xs_gate_find_locked(gate, tx_id);
	if (hold)
		list_del(&hold->node);
	wake = gate->closed;
	spin_unlock(&gate->lock);
	if (wake)
		wake_up_all(&gate->wq);
	return hold;
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_unhold);

static bool xs_gate_try_close(struct xs_gate *gate)
{
	bool closed;

	spin_lock(&gate->lock);
	closed = gate->closed;
	gate->closed = true;
	spin_unlock(&gate->lock);
	return !closed;
}

/**
 * xs_gate_close() - let nobody new in
 * @gate: the gate
 *
 * One suspend at a time: a second one waits here until the first has opened
 * the gate again.
 *
 * Context: Process, may sleep until a suspend is over.
 */
void xs_gate_close(struct xs_gate *gate)
{
	might_sleep();
	wait_event(gate->wq, xs_gate_try_close(gate));
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_close);

/**
 * xs_gate_open() - let everybody in again
 * @gate: the gate
 *
 * Context: Any but hard interrupt.
 */
void xs_gate_open(struct xs_gate *gate)
{
	spin_lock(&gate->lock);
	gate->closed = false;
	spin_unlock(&gate->lock);
	wake_up_all(&gate->wq);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_open);

/**
 * xs_gate_drain() - wait until nobody is inside a closed gate
 * @gate: the gate, which the caller has closed
 *
 * Context: Process, may sleep for as long as the server takes to answer what
 * is in flight and the kernel to end its open transactions.
 */
void xs_gate_drain(struct xs_gate *gate)
{
	might_sleep();
	wait_event(gate->wq, xs_gate_is_drained(gate));
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_drain);
