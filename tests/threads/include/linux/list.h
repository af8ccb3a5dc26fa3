/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own. As for KCSAN, a plain store of a pointer is atomic. */
#ifndef SHIM_LIST_H
#define SHIM_LIST_H

#include_next <linux/list.h>

__attribute__((no_sanitize("thread"))) noinline
static inline bool shim_list_empty_careful(const struct list_head *head)
{
	struct list_head *next = smp_load_acquire(&head->next);

	return next == head && *(struct list_head *volatile *)&head->prev == next;
}

#define list_empty_careful	shim_list_empty_careful

#endif
