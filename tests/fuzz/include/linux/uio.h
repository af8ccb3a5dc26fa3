/* SPDX-License-Identifier: GPL-2.0 */
/* An iterator over one buffer, which may turn out to be unmapped. */
#ifndef SHIM_UIO_H
#define SHIM_UIO_H

#include <linux/kernel.h>
#include <linux/types.h>
#include <string.h>
#include <sys/types.h>

#include "shim.h"

struct kvec {
	void *iov_base;
	size_t iov_len;
};

struct iov_iter {
	char *pos;
	size_t count;
};

static inline size_t iov_iter_count(const struct iov_iter *iter)
{
	return iter->count;
}

static inline size_t shim_iter_step(struct iov_iter *iter, size_t len)
{
	size_t n = min(min(len, iter->count), shim.fault_after);

	shim_might_sleep();
	iter->pos += n;
	iter->count -= n;
	shim.fault_after -= n;
	return n;
}

static inline void iov_iter_revert(struct iov_iter *iter, size_t len)
{
	iter->pos -= len;
	iter->count += len;
	shim.fault_after += len;
}

static inline size_t copy_from_iter(void *to, size_t len, struct iov_iter *iter)
{
	const char *from = iter->pos;
	size_t n = shim_iter_step(iter, len);

	memcpy(to, from, n);
	return n;
}

static inline size_t copy_to_iter(const void *from, size_t len,
				  struct iov_iter *iter)
{
	char *to = iter->pos;
	size_t n = shim_iter_step(iter, len);

	memcpy(to, from, n);
	return n;
}

#endif
