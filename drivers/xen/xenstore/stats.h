/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is counted on a connection.
 *
 * Each counter has one writer at a time, so it needs no atomic operation. Readers
 * see whole numbers, but not all of one moment.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_STATS_H
#define _XENSTORE_STATS_H

#include <linux/ktime.h>

#include "wire.h"

/* Powers of two of microseconds, and the last for 4 seconds and more. */
#define XS_LATENCY_BUCKETS	24

/* Types of messages, and one row for those without a name. */
#define XS_LATENCY_ROWS		(XS_TYPE_COUNT + 1)

/**
 * struct xs_stats - what has been seen on a connection
 *
 * Written by the kthread, unless a member says otherwise.
 */
struct xs_stats {
	/** @submitted: requests accepted; under &xs_conn.lock */
	unsigned long submitted;
	/** @sent: requests put on the ring in full */
	unsigned long sent;
	/** @replies: replies that completed a request */
	unsigned long replies;
	/** @strays: replies that belong to no request, dropped */
	unsigned long strays;
	/** @events: watch events handed upwards */
	unsigned long events;
	/** @passes: passes over the rings */
	unsigned long passes;
	/** @losses: how often the connection was lost; under &xs_conn.lock */
	unsigned long losses;
	/** @notifications: notifications of the server */
	unsigned long notifications;
	/** @polls: polls that found work, so that a wake-up was saved */
	unsigned long polls;
	/**
	 * @interrupts: notifications by the server; the interrupt handler,
	 * which does not run on two CPUs at a time
	 */
	unsigned long interrupts;
	/** @wakes: those of them that woke the kthread; likewise */
	unsigned long wakes;
	/**
	 * @latency: replies by the type of the request, and by the time they
	 * took; see xs_stats_bucket()
	 */
	unsigned long latency[XS_LATENCY_ROWS][XS_LATENCY_BUCKETS];
};

unsigned int xs_stats_bucket(u64 latency);
void xs_stats_replied(struct xs_stats *stats, u32 type, u64 latency);

/**
 * xs_stats_count() - count one
 * @counter: a counter; the caller is its only writer
 *
 * Context: Any.
 */
static inline void xs_stats_count(unsigned long *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

/**
 * xs_stats_now() - the clock that requests are timed with
 *
 * It is the same on all CPUs, may be read while the system is suspended, and
 * stands still then.
 *
 * Context: Any.
 * Return: Nanoseconds.
 */
static inline u64 xs_stats_now(void)
{
	return ktime_get_mono_fast_ns();
}

#endif /* _XENSTORE_STATS_H */
