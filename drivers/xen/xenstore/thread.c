// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kthread: when it works, sleeps and stands still.
 *
 * What it does in a turn is xs_conn_pump().
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/stat.h>
#include <linux/time64.h>
#include <uapi/linux/sched/types.h>

#include "conn.h"

/* From now on anybody may move bytes, or only the kthread. */
static void xs_conn_set_direct(struct xs_conn *conn, bool direct)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	WRITE_ONCE(conn->direct, direct);
	spin_unlock_irqrestore(&conn->lock, flags);
	/* A caller who helps and the interrupt have seen it, or are waited for. */
	spin_lock(&conn->rx_lock);
	spin_unlock(&conn->rx_lock);
	spin_lock_irqsave(&conn->rx.lock, flags);
	spin_unlock_irqrestore(&conn->rx.lock, flags);
}

static bool xs_conn_should_park(struct xs_conn *conn)
{
	return kthread_should_park() && xs_conn_at_boundary(conn);
}

/* Whatever happened in the meantime is looked for after this. */
static void xs_conn_unmask(struct xs_conn *conn)
{
	/* Pairs with xs_conn_signalled(): what it did to mask has been done. */
	if (!smp_load_acquire(&conn->masked))
		return;
	WRITE_ONCE(conn->masked, false);
	conn->t->ops->unmask(conn->t);
	/*
	 * Forget the signals, then load the server's index: the server moves its
	 * index, then signals. Either we find what a signal was for, or it has
	 * not been forgotten. See tests/model/ring.pml.
	 */
	smp_mb();
}

/* How many turns go by without a poll after one that was in vain. */
#define XS_POLL_PAUSE	16

/*
 * Is the next answer worth more than to sleep and be woken for it? Perhaps if
 * it comes at once, and this CPU has nothing else to do. Where answers take
 * longer it is tried now and then only.
 */
static bool xs_conn_should_poll(struct xs_conn *conn)
{
	if (!conn->poll_us || xs_conn_thread_runs_last(conn) ||
	    !READ_ONCE(conn->in_flight) || !single_task_running())
		return false;
	if (conn->poll_pause)
		conn->poll_pause--;
	return !conn->poll_pause;
}

/**
 * xs_conn_poll() - stay awake for an answer that comes at once
 * @conn: the connection; &xs_conn.poll_us at most
 *
 * Context: kthread; the CPU is kept unless anybody else needs it.
 */
void xs_conn_poll(struct xs_conn *conn)
{
	u64 end;

	if (!xs_conn_should_poll(conn))
		return;
	end = local_clock() + conn->poll_us * NSEC_PER_USEC;
	while (!xs_conn_has_work(conn)) {
		if (local_clock() >= end)
			conn->poll_pause = XS_POLL_PAUSE;
		if (conn->poll_pause || !single_task_running() ||
		    need_resched())
			break;
		cpu_relax();
	}
}
EXPORT_SYMBOL_GPL(xs_conn_poll);

static bool xs_conn_thread_should_wake(struct xs_conn *conn)
{
	return READ_ONCE(conn->masked) || xs_conn_has_work(conn) ||
	       kthread_should_stop() || xs_conn_should_park(conn);
}

/*
 * Turn by turn, as long as there is something to do. Signals stay masked until
 * then: what they would have said has been found already.
 */
static int xs_conn_take_turns(struct xs_conn *conn)
{
	int err = 0;

	while (!err && xs_conn_has_work(conn) && !kthread_should_stop() &&
	       !xs_conn_should_park(conn)) {
		err = xs_conn_pump(conn);
		cond_resched();
		xs_conn_poll(conn);
	}
	xs_conn_unmask(conn);
	return err;
}

static int xs_conn_thread(void *data)
{
	struct xs_conn *conn = data;

	complete(&conn->started);
	while (!kthread_should_stop()) {
		wait_event_idle(conn->wq, xs_conn_thread_should_wake(conn));
		if (xs_conn_take_turns(conn) == -ENOMEM)
			schedule_timeout_idle(HZ / 50);
		if (xs_conn_should_park(conn))
			kthread_parkme();
	}
	return 0;
}

/*
 * A server that runs here answers one request after the other if the I/O
 * thread lets it, and then there is one switch of tasks for all the answers.
 */
static void xs_conn_let_server_finish(struct task_struct *thread)
{
	const struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_BATCH,
	};

	sched_setattr_nocheck(thread, &attr);
}

/**
 * xs_conn_start() - start the kthread
 * @conn: a connection without one
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of kthread_create(); the connection has no thread
 * then.
 */
int xs_conn_start(struct xs_conn *conn)
{
	struct task_struct *thread;

	init_completion(&conn->started);
	thread = kthread_run(xs_conn_thread, conn, "xenbus");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	/* One that has not begun would be parked in the middle of a message. */
	wait_for_completion(&conn->started);
	conn->thread = thread;
	xs_conn_set_direct(conn, true);
	if (conn->t->peer_is_local)
		xs_conn_let_server_finish(thread);
	return 0;
}
EXPORT_SYMBOL_GPL(xs_conn_start);

/**
 * xs_conn_stop() - end the kthread
 * @conn: the connection; what is pending stays so
 *
 * Context: Process, may sleep.
 */
void xs_conn_stop(struct xs_conn *conn)
{
	xs_conn_set_direct(conn, false);
	if (conn->thread)
		kthread_stop(conn->thread);
	conn->thread = NULL;
}
EXPORT_SYMBOL_GPL(xs_conn_stop);

/**
 * xs_conn_park() - stop the kthread between two messages
 * @conn: the gate is closed and drained
 *
 * No message is half processed then. A part of the next one may wait in the
 * ring; a reconnect drops it, and after an unpark it is read on. Without a
 * thread the caller is the only one to step the pump, and nothing has to be
 * done.
 *
 * Context: Process, sleeps until an event that is half received is complete.
 */
void xs_conn_park(struct xs_conn *conn)
{
	xs_conn_set_direct(conn, false);
	if (conn->thread)
		kthread_park(conn->thread);
}
EXPORT_SYMBOL_GPL(xs_conn_park);

/**
 * xs_conn_unpark() - let the kthread go on
 * @conn: the connection
 *
 * Context: Process.
 */
void xs_conn_unpark(struct xs_conn *conn)
{
	if (!conn->thread)
		return;
	xs_conn_set_direct(conn, true);
	kthread_unpark(conn->thread);
}
EXPORT_SYMBOL_GPL(xs_conn_unpark);

