/* SPDX-License-Identifier: GPL-2.0 */
/* What no reader can find any more is freed at once, so that a use shows. */
#ifndef SHIM_RCUPDATE_H
#define SHIM_RCUPDATE_H

#include <linux/types.h>

#include "shim.h"

struct rcu_head { void *next; };

void rcu_read_lock(void);
void rcu_read_unlock(void);
void shim_free_rcu(void *block, struct rcu_head *head);

#define kfree_rcu(ptr, member)	shim_free_rcu(ptr, &(ptr)->member)

#endif
