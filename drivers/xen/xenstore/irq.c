// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a signal of the server leads to.
 *
 * On Xen a signal is an interrupt. Its handler copies: what waits for room to
 * the ring, and the parts of a large message off it. It completes nothing.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/cpumask.h>
#include <linux/export.h>

#include "conn.h"
#include "stats.h"

/*
 * May further signals wait until the kthread, which is woken, has run? They
 * tell it nothing new, unless they have made room for requests that wait, or for
 * the rest of a large message. It pays where the server runs here, too, and may
 * be what each of its signals interrupts.
 */
static bool xs_conn_can_mask(const struct xs_conn *conn)
{
	return conn->t->peer_is_local && conn->t->ops->mask &&
	       !xs_fq_has_sendable(&conn->fq) && !READ_ONCE(conn->rx.large);
}

/**
 * xs_conn_thread_runs_last() - does the server run first, whatever happens?
 * @conn: the connection
 *
 * If the kthread shares the one CPU with the server, whom it does not
 * preempt, it runs when the server has done all that it can do. Nobody has to
 * look before whether a signal was for anything.
 *
 * Context: Any.
 * Return: true if so.
 */
bool xs_conn_thread_runs_last(const struct xs_conn *conn)
{
	return conn->t->peer_is_local && num_online_cpus() == 1;
}
EXPORT_SYMBOL_GPL(xs_conn_thread_runs_last);

/**
 * xs_conn_signalled() - the server has moved an index of the page
 * @t: the transport of a connection
 *
 * Moves what is under way, then leaves the rest to a caller who helps or to the
 * kthread, if there is any.
 *
 * Context: Any, hard interrupt included. This is &xs_transport.notified.
 */
void xs_conn_signalled(struct xs_transport *t)
{
	struct xs_conn *conn = t->conn;

	xs_stats_signal(conn);
	/* While the rings are being attached, nobody can look at them. */
	if (READ_ONCE(conn->state) == XS_CONN_UP) {
		bool helping = READ_ONCE(conn->helping), mask;

		if (xs_conn_can_send(conn))
			xs_conn_refill(conn);
		if (xs_conn_can_collect(conn))
			xs_conn_collect(conn);
		if (helping && xs_conn_poke_helper(conn)) {
			xs_stats_poke(conn);
			return;
		}
		mask = xs_conn_can_mask(conn);
		if ((!mask || helping || !xs_conn_thread_runs_last(conn)) &&
		    !xs_conn_event_matters(conn))
			return;
		if (mask) {
			t->ops->mask(t);
			/* Pairs with xs_conn_unmask(), which undoes the above. */
			smp_store_release(&conn->masked, true);
		}
	}
	xs_stats_wake(conn);
	wake_up(&conn->wq);
}
EXPORT_SYMBOL_GPL(xs_conn_signalled);
