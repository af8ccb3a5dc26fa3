// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long requests take.
 *
 * From submission to reply: waiting in a queue is part of it, waiting at the
 * gate is not.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
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
EXPORT_SYMBOL_IF_KUNIT(xs_stats_bucket);

/**
 * xs_stats_replied() - count a reply that completes a request
 * @stats: the counters
 * @type: type of the request
 * @latency: nanoseconds since its submission
 *
 * Context: Kthread.
 */
void xs_stats_replied(struct xs_stats *stats, u32 type, u64 latency)
{
	u32 row = min_t(u32, type, XS_LATENCY_ROWS - 1);

	xs_stats_count(&stats->replies);
	xs_stats_count(&stats->latency[row][xs_stats_bucket(latency)]);
}
