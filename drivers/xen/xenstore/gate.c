// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate counts requests in flight and can be closed and drained.
 *
 * Like blk_freeze_queue() for a block queue: every request enters the gate
 * before it is queued and leaves it when it completes. A suspend closes the gate,
 * waits until the count is 0, and reopens it after the resume. The gate knows
 * nothing of rings, messages or transactions.
 *
 * A pin keeps the gate from draining while no request is in flight: an open
 * transaction of the kernel has one. While the gate is closed but pinned,
 * requests go on passing, because the task with the pin may wait, directly or for
 * a lock, for a task that needs a request to get on. For the same reason
 * transactions pass, but only XS_GATE_STARTS_MAX of them before the gate is
 * opened again. So the drain ends when those have ended, and steady traffic
 * cannot postpone it for ever.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/sched.h>

#include "gate.h"

/**
 * xs_gate_init() - make an open gate with nothing in flight
 * @gate: the gate
 *
 * Context: Any.
 */
void xs_gate_init(struct xs_gate *gate)
{
	spin_lock_init(&gate->lock);
	gate->inside = 0;
	INIT_LIST_HEAD(&gate->pins);
	gate->closed = false;
	gate->starts = 0;
	init_waitqueue_head(&gate->wq);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_init);

static bool xs_gate_pinned_by_current_locked(struct xs_gate *gate)
	__must_hold(&gate->lock)
{
	struct xs_gate_pin *pin;

	lockdep_assert_held(&gate->lock);
	list_for_each_entry(pin, &gate->pins, node) {
		if (pin->task == current)
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
	if (kind == XS_GATE_START && gate->starts >= XS_GATE_STARTS_MAX)
		return xs_gate_pinned_by_current_locked(gate);
	return !list_empty(&gate->pins);
}

static bool xs_gate_try_enter_all(struct xs_gate *gate, enum xs_gate_kind kind,
				  unsigned int n)
{
	bool admitted;

	spin_lock(&gate->lock);
	admitted = xs_gate_admits_locked(gate, kind);
	if (admitted) {
		gate->inside += n;
		gate->starts += gate->closed && kind == XS_GATE_START;
	}
	spin_unlock(&gate->lock);
	return admitted;
}

/**
 * xs_gate_try_enter() - enter if that is possible at once
 * @gate: the gate
 * @kind: what wants to pass
 *
 * Context: Any but hard interrupt.
 * Return: true if the caller has entered; an xs_gate_leave() must follow.
 */
bool xs_gate_try_enter(struct xs_gate *gate, enum xs_gate_kind kind)
{
	return xs_gate_try_enter_all(gate, kind, 1);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_try_enter);

/**
 * xs_gate_admits() - would the gate let the caller in at once?
 * @gate: the gate
 * @kind: what wants to pass
 *
 * For poll(); &xs_gate.wq is woken when the gate opens.
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
 * @kind: what wants to pass
 *
 * An xs_gate_leave() must follow, which may run in another task.
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
 * @kind: what wants to pass
 *
 * Context: Process, may sleep until a suspend is over.
 * Return: 0, or -ERESTARTSYS if a signal came first; the caller has not entered
 * then.
 */
int xs_gate_enter_interruptible(struct xs_gate *gate, enum xs_gate_kind kind)
{
	might_sleep();
	return wait_event_interruptible(gate->wq,
					xs_gate_try_enter(gate, kind));
}

static bool xs_gate_drained_locked(struct xs_gate *gate)
	__must_hold(&gate->lock)
{
	lockdep_assert_held(&gate->lock);
	return !gate->inside && list_empty(&gate->pins);
}

/**
 * xs_gate_is_drained() - is nothing in flight?
 * @gate: the gate
 *
 * Context: Any but hard interrupt.
 * Return: true if there is neither a request nor a pin.
 */
bool xs_gate_is_drained(struct xs_gate *gate)
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
 * xs_gate_pin() - keep the gate from draining beyond the caller's request
 * @gate: the gate
 * @pin: on the gate's list until xs_gate_unpin()
 *
 * Context: Process; the caller has entered the gate, so there is no moment in
 * which neither keeps it from draining, or nothing can close it yet.
 */
void xs_gate_pin(struct xs_gate *gate, struct xs_gate_pin *pin)
{
	pin->task = current;
	spin_lock(&gate->lock);
	list_add(&pin->node, &gate->pins);
	spin_unlock(&gate->lock);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_pin);

/**
 * xs_gate_unpin() - undo xs_gate_pin()
 * @gate: the gate
 * @pin: what xs_gate_pin() was given; the caller's again
 *
 * Context: Process; any task.
 */
void xs_gate_unpin(struct xs_gate *gate, struct xs_gate_pin *pin)
{
	bool wake;

	spin_lock(&gate->lock);
	list_del(&pin->node);
	wake = gate->closed;
	spin_unlock(&gate->lock);
	if (wake)
		wake_up_all(&gate->wq);
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_unpin);

/**
 * xs_gate_is_pinned_by_current() - has the caller a pin?
 * @gate: the gate
 *
 * Context: Process.
 * Return: true if one of the pins is the caller's.
 */
bool xs_gate_is_pinned_by_current(struct xs_gate *gate)
{
	bool pinned;

	spin_lock(&gate->lock);
	pinned = xs_gate_pinned_by_current_locked(gate);
	spin_unlock(&gate->lock);
	return pinned;
}

static bool xs_gate_try_close(struct xs_gate *gate)
{
	bool closed;

	spin_lock(&gate->lock);
	closed = gate->closed;
	gate->closed = true;
	if (!closed)
		gate->starts = 0;
	spin_unlock(&gate->lock);
	return !closed;
}

/**
 * xs_gate_close() - let nothing new in
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
 * xs_gate_open() - reopen a closed gate
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
 * xs_gate_drain() - wait until nothing is in flight
 * @gate: the gate, which the caller has closed
 *
 * Context: Process, sleeps until the server has replied to all requests in
 * flight and all pins are gone, of which XS_GATE_STARTS_MAX may be new.
 */
void xs_gate_drain(struct xs_gate *gate)
{
	might_sleep();
	wait_event(gate->wq, xs_gate_is_drained(gate));
}
EXPORT_SYMBOL_IF_KUNIT(xs_gate_drain);
