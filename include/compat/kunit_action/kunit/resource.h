/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions to be called when a case is over, the last one first. Before, they
 * were those that free a resource.
 *
 * Copyright (C) 2026 The xenbus authors
 */
/* Which includes this one, when it has declared what is needed here. */
#include <kunit/test.h>
#include_next <kunit/resource.h>

#ifndef COMPAT_KUNIT_ACTION_H
#define COMPAT_KUNIT_ACTION_H

#include <linux/slab.h>

typedef void (kunit_action_t)(void *ctx);

#define KUNIT_DEFINE_ACTION_WRAPPER(wrapper, function, type)	\
	static void wrapper(void *ctx)				\
	{							\
		function((type)ctx);				\
	}

struct compat_action {
	kunit_action_t *action;
	void *ctx;
};

static inline int compat_action_init(struct kunit_resource *res, void *wanted)
{
	res->data = kmemdup(wanted, sizeof(struct compat_action), GFP_KERNEL);
	return res->data ? 0 : -ENOMEM;
}

static inline void compat_action_call(struct kunit_resource *res)
{
	struct compat_action *action = res->data;

	action->action(action->ctx);
	kfree(action);
}

static inline int kunit_add_action_or_reset(struct kunit *test,
					    kunit_action_t *action, void *ctx)
{
	struct compat_action wanted = { .action = action, .ctx = ctx };

	if (kunit_alloc_resource(test, compat_action_init, compat_action_call,
				 GFP_KERNEL, &wanted))
		return 0;
	action(ctx);
	return -ENOMEM;
}

#endif /* COMPAT_KUNIT_ACTION_H */
