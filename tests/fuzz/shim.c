// SPDX-License-Identifier: GPL-2.0
/*
 * The pretended kernel: memory, work, RCU, and a map of ids.
 */
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim.h"

struct shim shim;
struct task_struct shim_task = { .comm = "fuzz", .pid = 1 };
static LIST_HEAD(works);
static LIST_HEAD(timers);

void shim_bug(const char *file, int line, const char *why)
{
	fprintf(stderr, "BUG: %s:%d: %s\n", file, line, why);
	abort();
}

void shim_reset(void)
{
	bool (*sleep)(bool interruptible) = shim.sleep;

	memset(&shim, 0, sizeof(shim));
	shim.fault_after = SIZE_MAX;
	shim.sleep = sleep;
	shim.cpus = 1;
	INIT_LIST_HEAD(&works);
	INIT_LIST_HEAD(&timers);
}

void shim_check_idle(void)
{
	SHIM_BUG_ON(shim.spinlocks);
	SHIM_BUG_ON(shim.mutexes);
	SHIM_BUG_ON(shim.io);
	SHIM_BUG_ON(shim.rcu);
}

void shim_might_sleep(void)
{
	SHIM_BUG_ON(shim.spinlocks);
	SHIM_BUG_ON(shim.io);
	SHIM_BUG_ON(shim.rcu);
}

/* === Memory === */

static bool shim_alloc_fails(gfp_t gfp)
{
	if (!shim.fail_count || (gfp & __GFP_NOFAIL))
		return false;
	if (shim.fail_after) {
		shim.fail_after--;
		return false;
	}
	shim.fail_count--;
	shim.failed++;
	return true;
}

void *kmalloc(size_t size, gfp_t gfp)
{
	void *block;

	/* The kthread may wait for memory, but not while it holds a lock. */
	if (gfp & __GFP_DIRECT_RECLAIM)
		SHIM_BUG_ON(shim.spinlocks || shim.rcu);
	/* Reclaim that starts I/O may wait for the store itself. */
	SHIM_BUG_ON(shim.io && (gfp & __GFP_IO));
	if (shim_alloc_fails(gfp))
		return NULL;
	block = malloc(size);
	SHIM_BUG_ON(!block);
	memset(block, 0xa5, size);
	shim.live++;
	return block;
}

void *krealloc(const void *block, size_t size, gfp_t gfp)
{
	if (!block)
		return kmalloc(size, gfp);
	if (shim_alloc_fails(gfp))
		return NULL;
	block = realloc((void *)block, size);
	SHIM_BUG_ON(!block);
	return (void *)block;
}

void kfree(const void *block)
{
	shim.live -= !!block;
	free((void *)block);
}

void rcu_read_lock(void)
{
	shim.rcu++;
}

void rcu_read_unlock(void)
{
	void *block;

	SHIM_BUG_ON(!shim.rcu);
	if (--shim.rcu)
		return;
	block = shim.rcu_freed;
	shim.rcu_freed = NULL;
	kfree(block);
}

/* A section that drops more than one reference would need a list here. */
void shim_free_rcu(void *block, struct rcu_head *head)
{
	if (!shim.rcu) {
		kfree(block);
		return;
	}
	SHIM_BUG_ON(shim.rcu_freed);
	shim.rcu_freed = block;
}

/* === Lists that notice when they are misused === */

void __list_add(struct list_head *new, struct list_head *prev,
		struct list_head *next)
{
	SHIM_BUG_ON(next->prev != prev);
	SHIM_BUG_ON(prev->next != next);
	SHIM_BUG_ON(new == prev || new == next);
	next->prev = new;
	new->next = next;
	new->prev = prev;
	prev->next = new;
}

void __list_del_entry(struct list_head *entry)
{
	SHIM_BUG_ON(entry->prev->next != entry);
	SHIM_BUG_ON(entry->next->prev != entry);
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

void list_del(struct list_head *entry)
{
	__list_del_entry(entry);
	entry->next = LIST_POISON1;
	entry->prev = LIST_POISON2;
}

/* === Work === */

bool schedule_work(struct work_struct *work)
{
	if (!list_empty(&work->node))
		return false;
	list_add_tail(&work->node, &works);
	return true;
}

bool cancel_delayed_work(struct delayed_work *dwork)
{
	bool pending = !list_empty(&dwork->work.node) ||
		       !list_empty(&dwork->timer);

	list_del_init(&dwork->work.node);
	list_del_init(&dwork->timer);
	return pending;
}

bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
			unsigned long delay)
{
	SHIM_BUG_ON(!wq);
	if (!list_empty(&dwork->work.node) || !list_empty(&dwork->timer))
		return false;
	if (!delay)
		return schedule_work(&dwork->work);
	list_add_tail(&dwork->timer, &timers);
	return true;
}

bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *dwork,
		      unsigned long delay)
{
	bool pending = cancel_delayed_work(dwork);

	queue_delayed_work(wq, dwork, delay);
	return pending;
}

bool shim_pass_time(void)
{
	struct delayed_work *dwork, *next;
	bool some = !list_empty(&timers);

	list_for_each_entry_safe(dwork, next, &timers, timer) {
		list_del_init(&dwork->timer);
		schedule_work(&dwork->work);
	}
	return some;
}

bool shim_run_work(void)
{
	struct work_struct *work;

	work = list_first_entry_or_null(&works, struct work_struct, node);
	if (!work)
		return false;
	list_del_init(&work->node);
	work->func(work);
	return true;
}

/* === Ids === */

void xa_destroy(struct xarray *xa)
{
	unsigned long id = 0;

	SHIM_BUG_ON(xa->slots && shim_xa_find(xa, &id));
	free(xa->slots);
	xa->slots = NULL;
}

/* An id that is reserved has an entry that no lookup returns. */
static char reserved;

int xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry,
		    struct xa_limit limit, u32 *next, gfp_t gfp)
{
	u32 n;

	if (shim_alloc_fails(gfp))
		return -ENOMEM;
	if (!xa->slots)
		xa->slots = calloc(SHIM_XA_SLOTS, sizeof(*xa->slots));
	for (n = *next; n < SHIM_XA_SLOTS; n++) {
		if (!xa->slots[n])
			break;
	}
	/* A script is too short to use them all up. */
	SHIM_BUG_ON(n == SHIM_XA_SLOTS);
	xa->slots[n] = entry ?: &reserved;
	*id = n;
	*next = n + 1;
	return 0;
}

void *xa_load(struct xarray *xa, unsigned long id)
{
	void *entry;

	entry = id < SHIM_XA_SLOTS && xa->slots ? xa->slots[id] : NULL;
	return entry == &reserved ? NULL : entry;
}

void *xa_store(struct xarray *xa, unsigned long id, void *entry, gfp_t gfp)
{
	void *old = xa_load(xa, id);

	/* Reserved or used, or it could fail. */
	SHIM_BUG_ON(!xa->slots || !xa->slots[id]);
	xa->slots[id] = entry;
	return old;
}

void *xa_cmpxchg(struct xarray *xa, unsigned long id, void *old, void *entry,
		 gfp_t gfp)
{
	void *now = xa_load(xa, id);

	if (now == old && id < SHIM_XA_SLOTS && xa->slots)
		xa->slots[id] = entry;
	return now;
}

void *shim_xa_find(struct xarray *xa, unsigned long *id)
{
	void *entry = NULL;

	while (*id < SHIM_XA_SLOTS && !(entry = xa_load(xa, *id)))
		++*id;
	return entry;
}
