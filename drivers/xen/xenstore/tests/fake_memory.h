/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that fails: that of a client, and that of the kernel.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_FAKE_MEMORY_H
#define _XENSTORE_FAKE_MEMORY_H

#include <linux/types.h>

struct iov_iter;
struct kunit;

void *fake_memory_iter(struct kunit *test, struct iov_iter *iter,
		       unsigned int direction, size_t good, size_t len);
void fake_memory_bad_iter(struct iov_iter *iter, unsigned int direction,
			  size_t len);

bool fake_memory_can_fail(void);
void fake_memory_fail_nth(unsigned int n);
bool fake_memory_has_failed(void);
unsigned int fake_memory_pause(void);
void fake_memory_go_on(unsigned int n);
void fake_memory_count(void);
unsigned int fake_memory_counted(void);

#endif /* _XENSTORE_FAKE_MEMORY_H */
