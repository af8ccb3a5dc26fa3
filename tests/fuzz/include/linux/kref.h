/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_KREF_H
#define SHIM_KREF_H

#include <linux/refcount.h>
#include <linux/spinlock.h>

struct kref { refcount_t refcount; };

#define kref_init(kref)		refcount_set(&(kref)->refcount, 1)
#define kref_read(kref)		refcount_read(&(kref)->refcount)
#define kref_get(kref)		refcount_inc(&(kref)->refcount)
#define kref_get_unless_zero(kref)	refcount_inc_not_zero(&(kref)->refcount)

static inline int kref_put(struct kref *kref,
			   void (*release)(struct kref *kref))
{
	if (!refcount_dec_and_test(&kref->refcount))
		return 0;
	release(kref);
	return 1;
}

static inline int kref_put_lock(struct kref *kref,
				void (*release)(struct kref *kref),
				spinlock_t *lock)
{
	spin_lock(lock);
	if (kref_put(kref, release))
		return 1;
	spin_unlock(lock);
	return 0;
}

#endif
