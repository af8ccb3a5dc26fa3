// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing the server's quota of transactions.
 *
 * A server lets an unprivileged domain have few transactions open at a time, the
 * kernel's and those of all files together. It does not say how many: a START
 * beyond them is refused. While another transaction of this domain is open, such
 * a START waits, and is sent again when one has ended. STARTs are sent in the
 * order in which they came, whoever they are from: while one waits, those that
 * come later wait behind it.
 *
 * A START that is refused while nothing else is open has failed.
 *
 * Knows nothing of requests: the users send, and tell what came of it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/limits.h>

#include "quota.h"

/**
 * xs_quota_init() - no transaction is open
 * @quota: the quota
 *
 * Context: Any.
 */
void xs_quota_init(struct xs_quota *quota)
{
	spin_lock_init(&quota->lock);
	quota->open = 0;
	quota->ended = 0;
	quota->room = 0;
	quota->next = 0;
	INIT_LIST_HEAD(&quota->waiting);
	quota->timeout = XS_QUOTA_TIMEOUT;
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_init);

/**
 * xs_quota_start_init() - make a START that does not wait
 * @start: the START
 * @send: see &xs_quota_start.send
 *
 * Context: Any.
 */
void xs_quota_start_init(struct xs_quota_start *start,
			 void (*send)(struct xs_quota_start *start))
{
	INIT_LIST_HEAD(&start->node);
	start->send = send;
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_start_init);

static void xs_quota_count_locked(struct xs_quota *quota,
				  struct xs_quota_start *start)
	__must_hold(&quota->lock)
{
	quota->open++;
	start->ended = quota->ended;
}

/*
 * Send what waits: one for each transaction that has ended, and one if none is
 * open, because nothing would end then.
 */
static void xs_quota_send_locked(struct xs_quota *quota)
	__must_hold(&quota->lock)
{
	struct xs_quota_start *start, *next;

	lockdep_assert_held(&quota->lock);
	list_for_each_entry_safe(start, next, &quota->waiting, node) {
		if (!quota->room && quota->open)
			break;
		quota->room -= !!quota->room;
		list_del_init(&start->node);
		xs_quota_count_locked(quota, start);
		start->send(start);
	}
	if (list_empty(&quota->waiting))
		quota->room = 0;
}

static bool xs_quota_try_enter_locked(struct xs_quota *quota,
				      struct xs_quota_start *start)
	__must_hold(&quota->lock)
{
	start->number = quota->next++;
	if (!list_empty(&quota->waiting))
		return false;
	xs_quota_count_locked(quota, start);
	return true;
}

/* Before those that came later, which may have been refused first. */
static void xs_quota_wait_locked(struct xs_quota *quota,
				 struct xs_quota_start *start)
	__must_hold(&quota->lock)
{
	struct xs_quota_start *later;

	list_for_each_entry(later, &quota->waiting, node) {
		if ((int)(later->number - start->number) > 0)
			break;
	}
	list_add_tail(&start->node, &later->node);
}

/**
 * xs_quota_try_enter() - may a START be sent at once?
 * @quota: the quota
 * @start: the START
 *
 * Context: Any but hard interrupt.
 * Return: true if so; then xs_quota_refused() or, when the transaction has ended
 * or its START failed in another way, xs_quota_leave() must follow. False if
 * others wait; it does not.
 */
bool xs_quota_try_enter(struct xs_quota *quota, struct xs_quota_start *start)
{
	bool first;

	spin_lock(&quota->lock);
	first = xs_quota_try_enter_locked(quota, start);
	spin_unlock(&quota->lock);
	return first;
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_try_enter);

/**
 * xs_quota_enter() - may a START be sent at once, or has it to wait?
 * @quota: the quota
 * @start: the START
 *
 * Context: Any but hard interrupt.
 * Return: true as xs_quota_try_enter(). False if it waits behind others:
 * &xs_quota_start.send will be called, or has been.
 */
bool xs_quota_enter(struct xs_quota *quota, struct xs_quota_start *start)
{
	bool first;

	spin_lock(&quota->lock);
	first = xs_quota_try_enter_locked(quota, start);
	if (!first)
		list_add_tail(&start->node, &quota->waiting);
	spin_unlock(&quota->lock);
	return first;
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_enter);

/**
 * xs_quota_enter_nested() - a START is sent for one who has a transaction open
 * @quota: the quota
 *
 * It can wait for no other, who may wait for the one that is open. When it has
 * ended or failed, also for the quota, xs_quota_leave() must follow.
 *
 * Context: Any but hard interrupt.
 */
void xs_quota_enter_nested(struct xs_quota *quota)
{
	spin_lock(&quota->lock);
	quota->open++;
	spin_unlock(&quota->lock);
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_enter_nested);

/**
 * xs_quota_refused() - the server has refused a START for its quota
 * @quota: the quota
 * @start: the START, which was sent
 * @own: transactions that its sender has open, and cannot wait for
 *
 * Context: Any but hard interrupt.
 * Return: true if it waits, and &xs_quota_start.send will be called, or has been;
 * false if no transaction of others is open, and it has failed.
 */
bool xs_quota_refused(struct xs_quota *quota, struct xs_quota_start *start,
		      unsigned int own)
{
	bool waits;

	spin_lock(&quota->lock);
	quota->open--;
	/* One that has ended since it was sent may have been the one too many. */
	waits = quota->open > own || quota->ended != start->ended;
	if (waits) {
		quota->room += quota->ended != start->ended;
		xs_quota_wait_locked(quota, start);
	}
	xs_quota_send_locked(quota);
	spin_unlock(&quota->lock);
	return waits;
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_refused);

/**
 * xs_quota_leave() - a transaction has ended, or its START has failed
 * @quota: the quota
 *
 * Not for a START that was refused for the quota.
 *
 * Context: Any but hard interrupt.
 */
void xs_quota_leave(struct xs_quota *quota)
{
	spin_lock(&quota->lock);
	quota->open--;
	quota->ended++;
	quota->room++;
	xs_quota_send_locked(quota);
	spin_unlock(&quota->lock);
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_leave);

/**
 * xs_quota_give_up() - do not wait any longer
 * @quota: the quota
 * @start: a START that waits, or is just being sent
 *
 * Context: Any but hard interrupt.
 * Return: true if it has waited until now, and will not be sent; false if
 * &xs_quota_start.send has been called.
 */
bool xs_quota_give_up(struct xs_quota *quota, struct xs_quota_start *start)
{
	bool waited;

	spin_lock(&quota->lock);
	waited = !list_empty(&start->node);
	list_del_init(&start->node);
	xs_quota_send_locked(quota);
	spin_unlock(&quota->lock);
	return waited;
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_give_up);

/**
 * xs_quota_retry() - send all that wait
 * @quota: the quota; another server counts, or none
 *
 * What has ended with the server before, nobody may tell.
 *
 * Context: Any but hard interrupt.
 */
void xs_quota_retry(struct xs_quota *quota)
{
	spin_lock(&quota->lock);
	quota->room = UINT_MAX;
	/* Whoever is about to wait has been refused by the server before. */
	quota->ended++;
	xs_quota_send_locked(quota);
	spin_unlock(&quota->lock);
}
EXPORT_SYMBOL_IF_KUNIT(xs_quota_retry);
