// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long requests take.
 *
 * From acceptance to reply, so waiting for one's turn is part of it, and
 * waiting at the gate is not. Runs in the kthread, which alone writes what
 * is counted here.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/time64.h>

#include "stats.h"

/**
 * xs_stats_bucket() - where a latency is counted
 * @latency: nanoseconds
 *
 * Context: Any.
 * Return: 0 below one microsecond, n from 2^(n-1) up to 2^n, and the last for
 * all that is longer.
 */
unsigned int xs_stats_bucket(u64 latency)
{
	u64 us = div_u64(latency, NSEC_PER_USEC);
	unsigned int bucket = us ? ilog2(us) + 1 : 0;

	return min_t(unsigned int, bucket, XS_LATENCY_BUCKETS - 1);
}
EXPORT_SYMBOL_GPL(xs_stats_bucket);

/**
 * xs_stats_replied() - a reply is about to complete a request
 * @conn: the connection
 * @req: the request; its reply is there unless @err says otherwise
 * @err: what it completes with
 *
 * Context: Whoever receives.
 */
void xs_stats_replied(struct xs_conn *conn, struct xs_request *req, int err)
{
	u64 latency = xs_stats_now() - req->submitted;
	u32 type = min_t(u32, xs_request_header(req)->type,
			 XS_LATENCY_ROWS - 1);

	xs_stats_count(&conn->stats.replies);
	xs_stats_count(&conn->stats.latency[type][xs_stats_bucket(latency)]);
	trace_xenstore_reply(req, latency, err);
}
