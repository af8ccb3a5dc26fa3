/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections and callers for tests.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FAKE_CONN_H
#define _XENSTORE_FAKE_CONN_H

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "conn_internal.h"

struct kunit;
struct task_struct;

/* A wait that ends only when something is broken. */
#define FAKE_CALL_TIMEOUT	(20 * HZ)

/*
 * Let other threads run until a condition holds, for what cannot be waited for
 * otherwise. False if it never does.
 */
#define fake_wait_until(condition) ({					\
	unsigned long end_ = jiffies + FAKE_CALL_TIMEOUT;		\
	bool holds_;							\
									\
	while (!(holds_ = (condition)) && time_before(jiffies, end_))	\
		cond_resched();						\
	holds_;								\
})

/**
 * enum fake_conn_level - how far fake_conn_create() goes
 * @FAKE_CONN_DOWN: initialised only
 * @FAKE_CONN_UP: connected; the test calls xs_io_pass()
 * @FAKE_CONN_RUNNING: connected, and the kthread runs
 */
enum fake_conn_level {
	FAKE_CONN_DOWN,
	FAKE_CONN_UP,
	FAKE_CONN_RUNNING,
};

/**
 * struct fake_call - a function that runs in a thread of its own
 */
struct fake_call {
	/** @fn: const after start */
	int (*fn)(void *arg);
	/** @arg: for @fn; const after start */
	void *arg;
	/** @unblock: gets @fn to return; const after start */
	void (*unblock)(void *arg);
	/** @thread: const after start */
	struct task_struct *thread;
	/** @entered: @fn is about to be called */
	bool entered;
	/** @result: what @fn returned; valid after @done */
	int result;
	/** @done: @fn has returned */
	struct completion done;
};

struct xs_conn *fake_conn_create(struct kunit *test, struct xs_transport *t,
				 const struct xs_conn_ops *ops, void *owner,
				 enum fake_conn_level level);
int fake_conn_accept(struct xs_conn *conn, struct xs_request *req);
struct xs_request *fake_conn_submit(struct kunit *test, struct xs_conn *conn,
				    u32 type, const void *payload, size_t len);

bool fake_conn_is_idle(const struct xs_conn *conn);

struct fake_call *fake_call_start(struct kunit *test, int (*fn)(void *arg),
				  void *arg, void (*unblock)(void *arg));
bool fake_call_is_done(struct fake_call *call);
bool fake_call_sleeps(struct fake_call *call);
int fake_call_result(struct kunit *test, struct fake_call *call);

#endif /* _XENSTORE_FAKE_CONN_H */
