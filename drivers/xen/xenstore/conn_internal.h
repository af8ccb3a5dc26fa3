/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of a connection: conn.c, tx.c, rx.c, io.c, lost.c and reconnect.c only.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_CONN_INTERNAL_H
#define _XENSTORE_CONN_INTERNAL_H

#include <trace/events/xenstore.h>

#include "conn.h"

/* conn.c: pending requests */
void xs_conn_number_locked(struct xs_conn *conn, struct xs_request *req)
	__must_hold(&conn->lock);
void xs_conn_forget_locked(struct xs_conn *conn, struct xs_request *req)
	__must_hold(&conn->lock);

/* conn.c, for the kthread */
struct xs_request *xs_conn_claim(struct xs_conn *conn, u32 id);
void xs_conn_set_up(struct xs_conn *conn);
int xs_conn_fail_all(struct xs_conn *conn, int err);

/* lost.c */
bool xs_lost_is_given_up(int err);
struct xs_request *xs_lost_next_locked(struct xs_conn *conn,
				       struct list_head *lost)
	__must_hold(&conn->lock);
void xs_lost_finish(struct list_head *lost);
bool xs_lost_requeue(struct xs_conn *conn);

/* reconnect.c, for the kthread */
bool xs_reconnect_is_possible(const struct xs_conn *conn);
bool xs_reconnect_begin(struct xs_conn *conn);

/* tx.c */
int xs_tx_fill(struct xs_conn *conn);
bool xs_tx_has_work(const struct xs_conn *conn);

/* rx.c */
int xs_rx_drain(struct xs_conn *conn);
bool xs_rx_has_work(const struct xs_conn *conn);

/* io.c */
void xs_io_renew(struct xs_conn *conn);

/* io.c, called by suites in place of the kthread */
int xs_io_pass(struct xs_conn *conn);
bool xs_io_has_work(const struct xs_conn *conn);
bool xs_io_poll(struct xs_conn *conn);
bool xs_io_at_boundary(const struct xs_conn *conn);

/**
 * xs_conn_notify() - notify the server of an index that was published
 * @conn: a connection with a page
 *
 * Context: Kthread, or it is not running.
 */
static inline void xs_conn_notify(struct xs_conn *conn)
{
	xs_stats_count(&conn->stats.notifications);
	trace_xenstore_notify(conn);
	conn->t->ops->notify(conn->t);
}

#endif /* _XENSTORE_CONN_INTERNAL_H */
