/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sharing the server's quota of transactions.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_QUOTA_H
#define _XENSTORE_QUOTA_H

#include <linux/list.h>
#include <linux/spinlock.h>

/* How long a START may wait for other transactions to end. */
#define XS_QUOTA_TIMEOUT	(30 * HZ)

/**
 * struct xs_quota_start - a START that may have to wait
 */
struct xs_quota_start {
	/** @node: on &xs_quota.waiting, or empty; under &xs_quota.lock */
	struct list_head node;
	/** @ended: &xs_quota.ended when it was sent; under &xs_quota.lock */
	unsigned int ended;
	/** @number: its place in the order; under &xs_quota.lock */
	unsigned int number;
	/**
	 * @send: it is to be sent now. Any context but hard interrupt, with
	 * &xs_quota.lock held; does not sleep. Const after init.
	 */
	void (*send)(struct xs_quota_start *start);
};

/**
 * struct xs_quota - the transactions of this domain at the server
 */
struct xs_quota {
	/** @lock: protects all; spinlocks of @send are taken inside */
	spinlock_t lock;
	/** @open: transactions that are open, or whose START was sent */
	unsigned int open;
	/** @ended: how many have ended so far; wraps */
	unsigned int ended;
	/** @room: how many have ended while a START waits */
	unsigned int room;
	/** @next: &xs_quota_start.number of the next START; wraps */
	unsigned int next;
	/** @waiting: STARTs that wait, in the order in which they are sent */
	struct list_head waiting;
	/** @timeout: how long one may wait, in jiffies; const after init */
	unsigned long timeout;
};

void xs_quota_init(struct xs_quota *quota);
void xs_quota_start_init(struct xs_quota_start *start,
			 void (*send)(struct xs_quota_start *start));
bool xs_quota_try_enter(struct xs_quota *quota, struct xs_quota_start *start);
bool xs_quota_enter(struct xs_quota *quota, struct xs_quota_start *start);
void xs_quota_enter_nested(struct xs_quota *quota);
bool xs_quota_refused(struct xs_quota *quota, struct xs_quota_start *start,
		      unsigned int own);
void xs_quota_retry(struct xs_quota *quota);
void xs_quota_leave(struct xs_quota *quota);
bool xs_quota_give_up(struct xs_quota *quota, struct xs_quota_start *start);

#endif /* _XENSTORE_QUOTA_H */
