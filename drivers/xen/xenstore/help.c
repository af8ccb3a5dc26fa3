// SPDX-License-Identifier: GPL-2.0-only
/*
 * A caller who waits receives its reply itself.
 *
 * With one request in flight there is nothing that the kthread could do
 * better than the one who waits for the reply, and two wake-ups would be needed
 * in place of one. So who begins to wait alone becomes the helper, to whom the
 * interrupt handler leaves signals: it takes replies off the ring, its own and
 * those of others who came later, until its own is there.
 *
 * Nobody may depend on a caller, which may be of low priority or have used up
 * its share of the processor. What the helper has not looked at when the next
 * signal comes is the kthread's, as are events, and replies for which there
 * is no memory at once.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/sched/signal.h>

#include "conn.h"
#include "stats.h"

static bool xs_conn_try_help(struct xs_conn *conn)
{
	unsigned long flags;
	bool helping;

	spin_lock_irqsave(&conn->lock, flags);
	helping = conn->direct && !conn->helping && conn->in_flight == 1;
	if (helping) {
		WRITE_ONCE(conn->poked, false);
		WRITE_ONCE(conn->helping, true);
	}
	spin_unlock_irqrestore(&conn->lock, flags);
	return helping;
}

static void xs_conn_stop_helping(struct xs_conn *conn)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	WRITE_ONCE(conn->helping, false);
	spin_unlock_irqrestore(&conn->lock, flags);
	/*
	 * Store, then load the server's index: the server moves its index, then
	 * signals, and the signal looks for a helper. Either it finds none, or
	 * we find what it was for. See tests/model/help.pml.
	 */
	smp_mb();
	if (xs_conn_has_work(conn))
		wake_up(&conn->wq);
}

/* Take what the last signal was for; leave to the kthread what is left. */
static void xs_conn_help(struct xs_conn *conn)
{
	bool kick = false;
	int err = 0;

	/* Who does not see this yet wakes the kthread, which does no harm. */
	WRITE_ONCE(conn->poked, false);
	lock_map_acquire(&conn->io_map);
	spin_lock(&conn->rx_lock);
	if (!conn->rx_busy && READ_ONCE(conn->direct) &&
	    READ_ONCE(conn->state) == XS_CONN_UP) {
		while (xs_conn_receive_reply(conn, &err))
			;
		kick = xs_conn_give_room(conn);
	}
	spin_unlock(&conn->rx_lock);
	lock_map_release(&conn->io_map);
	if (kick)
		xs_conn_kick(conn);
	if (err)
		xs_conn_break(conn, err);
	else if (xs_conn_has_work(conn))
		wake_up(&conn->wq);
}

/**
 * xs_conn_poke_helper() - leave a signal to a caller, if that is possible
 * @conn: a connection that is UP
 *
 * Context: Any, hard interrupt included.
 * Return: false if there is no helper, or something else than a reply for it.
 */
bool xs_conn_poke_helper(struct xs_conn *conn)
{
	if (!READ_ONCE(conn->helping) || READ_ONCE(conn->poked) ||
	    !xs_conn_has_reply(conn))
		return false;
	WRITE_ONCE(conn->poked, true);
	rcuwait_wake_up(&conn->helper);
	return true;
}
EXPORT_SYMBOL_GPL(xs_conn_poke_helper);

static int xs_conn_wait_and_help(struct xs_conn *conn, bool (*done)(void *arg),
				 void *arg, unsigned int mode)
{
	int err;

	for (;;) {
		err = rcuwait_wait_event(&conn->helper,
					 done(arg) || READ_ONCE(conn->poked),
					 mode);
		if (err || done(arg))
			return err;
		xs_conn_help(conn);
	}
}

/**
 * xs_conn_wait() - sleep until something has come from the server
 * @conn: the connection
 * @wq: who completes what is waited for wakes this queue
 * @done: has it come? Called with @arg, while the task is about to sleep
 * @arg: for @done
 * @mode: %TASK_UNINTERRUPTIBLE or %TASK_INTERRUPTIBLE
 *
 * Context: Process, sleeps; the caller is above the waterline, see
 * xs_conn_might_wait().
 * Return: 0, or -ERESTARTSYS if a signal came first.
 */
int xs_conn_wait(struct xs_conn *conn, wait_queue_head_t *wq,
		 bool (*done)(void *arg), void *arg, unsigned int mode)
{
	DEFINE_WAIT_FUNC(wait, default_wake_function);
	int err;

	if (done(arg))
		return 0;
	if (!xs_conn_try_help(conn))
		return ___wait_event(*wq, done(arg), mode, 0, 0, schedule());
	add_wait_queue(wq, &wait);
	err = xs_conn_wait_and_help(conn, done, arg, mode);
	remove_wait_queue(wq, &wait);
	xs_conn_stop_helping(conn);
	return err ? -ERESTARTSYS : 0;
}
EXPORT_SYMBOL_GPL(xs_conn_wait);
