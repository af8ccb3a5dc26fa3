// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that wait for long.
 *
 * Now and then the oldest outstanding request is looked at. If it has waited for longer
 * than a limit, the server is notified once more, in case that a notification was lost;
 * if that does not help, it is reported, and again when it is twice as old. Nothing
 * fails by that. Only if root has set a timeout is the connection given up then, as by a
 * server that breaks the protocol: one request that times out says nothing about what
 * became of it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenstore: " fmt

#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "stall.h"

/* Characters of a path in a report. */
#define XS_STALL_PATH	64

/* What is said of a request: it may complete while that is done. */
struct xs_stall {
	u32 id;
	u32 type;
	u32 len;
	pid_t pid;
	bool sent;
	bool kernel;
	unsigned int in_flight;
	unsigned int seconds;
	char path[XS_STALL_PATH];
};

/* Replies come in order, more or less; and what is not sent waits for these. */
static struct xs_request *xs_stall_oldest_locked(struct xs_conn *conn)
	__must_hold(&conn->lock)
{
	struct xs_request *req, *oldest = NULL;
	struct list_head *lists[] = { &conn->fq.new_flows, &conn->fq.old_flows };
	struct xs_flow *flow;
	unsigned int i;

	lockdep_assert_held(&conn->lock);
	if (!list_empty(&conn->sent))
		return list_first_entry(&conn->sent, struct xs_request, node);
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each_entry(flow, lists[i], node) {
			req = list_first_entry(&flow->queue, struct xs_request,
					       node);
			if (!oldest || req->submitted < oldest->submitted)
				oldest = req;
		}
	}
	return oldest;
}

/* How long the server has had for it. The clock may differ between CPUs, a bit. */
static u64 xs_stall_age_locked(struct xs_conn *conn, struct xs_request *req)
	__must_hold(&conn->lock)
{
	u64 now = xs_stats_now();
	s64 waited = now - req->submitted, up = now - conn->up_since;

	lockdep_assert_held(&conn->lock);
	return max_t(s64, min(waited, up), 0);
}

static void xs_stall_describe_locked(struct xs_conn *conn,
				     struct xs_request *req, u64 age,
				     struct xs_stall *stall)
	__must_hold(&conn->lock)
{
	size_t len = min_t(size_t, req->len - sizeof(struct xsd_sockmsg),
			   XS_STALL_PATH - 1);

	lockdep_assert_held(&conn->lock);
	stall->id = req->id;
	stall->type = xs_request_header(req)->type;
	stall->len = xs_request_header(req)->len;
	stall->pid = req->pid;
	stall->sent = req->state == XS_REQ_SENT;
	stall->kernel = xs_conn_is_kernel_flow(conn, req->flow);
	stall->in_flight = conn->in_flight;
	stall->seconds = div_u64(age, NSEC_PER_SEC);
	memcpy(stall->path, xs_request_payload(req), len);
	stall->path[len] = '\0';
}

/* Paths are what clients make of them. */
static void xs_stall_report(struct xs_conn *conn, const struct xs_stall *stall)
{
	const struct xenstore_domain_interface *page = conn->t->page;
	bool alive = !conn->t->ops->is_alive || conn->t->ops->is_alive(conn->t);

	pr_warn("request %u of %s/%d, type %u, %u bytes, \"%*pE\", waits for %u s, %s; %u in flight; the server is %s\n",
		stall->id, stall->kernel ? "kernel" : "file", stall->pid,
		stall->type, stall->len, (int)strlen(stall->path), stall->path,
		stall->seconds, stall->sent ? "sent" : "not sent",
		stall->in_flight, alive ? "there" : "gone");
	if (page)
		pr_warn("req %u/%u rsp %u/%u error %u\n",
			READ_ONCE(page->req_prod), READ_ONCE(page->req_cons),
			READ_ONCE(page->rsp_prod), READ_ONCE(page->rsp_cons),
			READ_ONCE(page->error));
}

/* Both ends look again. */
static void xs_stall_nudge(struct xs_conn *conn)
{
	/* Pairs with xs_conn_set_up(): there is a channel. */
	if (smp_load_acquire(&conn->state) == XS_CONN_UP)
		conn->t->ops->notify(conn->t);
	wake_up(&conn->wq);
}

/**
 * xs_stall_check() - look for a request that waits for long
 * @conn: the connection
 * @limit: what is long, in ns; 0 for never
 *
 * Context: Process; does not wait for the server. The page does not change.
 * Return: For how long the oldest request has waited, in ns; 0 if there is none.
 */
u64 xs_stall_check(struct xs_conn *conn, u64 limit)
{
	struct xs_request *req;
	struct xs_stall stall;
	bool nudge = false, report = false;
	u64 age = 0;

	spin_lock(&conn->lock);
	req = xs_stall_oldest_locked(conn);
	if (req)
		age = xs_stall_age_locked(conn, req);
	if (req && limit && age >= max(limit, req->stalled)) {
		nudge = !req->stalled;
		report = req->stalled;
		req->stalled = report ? 2 * age : limit;
		xs_stall_describe_locked(conn, req, age, &stall);
	}
	spin_unlock(&conn->lock);

	if (nudge)
		xs_stall_nudge(conn);
	if (report)
		xs_stall_report(conn, &stall);
	return age;
}
EXPORT_SYMBOL_IF_KUNIT(xs_stall_check);
