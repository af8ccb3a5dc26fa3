// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel that the driver's files see: tasks, locks, sleep, memory.
 */
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "threads.h"

__thread struct task_struct *shim_current;
unsigned int shim_cpus = 2;
static struct task_struct *tasks;	/* those that ended are used again */
static pthread_mutex_t tasks_lock = PTHREAD_MUTEX_INITIALIZER;

void shim_bug(const char *what)
{
	threads_fail("BUG: %s", what);
}

void shim_printk(bool warning, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s says: ", current->comm);
	vfprintf(stderr, fmt, args);
	va_end(args);
	if (warning)
		threads_fail("a warning");
}

/* === Losing the CPU === */

u32 shim_random(void)
{
	u32 x = current->random;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return current->random = x;
}

u64 shim_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

void shim_sleep(unsigned long us, const char *where)
{
	shim_set(current->where, where);
	usleep(us);
	shim_set(current->where, NULL);
}

/* Mostly until another task has run, at times as if its quota were used up. */
static void shim_delay(const char *where)
{
	u32 kind = shim_random() % 256;

	if (kind < 160)
		sched_yield();
	else if (kind < 250)
		shim_sleep(kind, where);
	else if (kind < 254)
		shim_sleep(1000, where);
	else
		shim_sleep(2000 + shim_random() % 48000, where);
}

/* Called with the lock of the task. */
static void shim_wait_locked(struct task_struct *task, const char *where)
{
	shim_set(current->where, where);
	pthread_cond_wait(&task->cond, &task->lock);
	shim_set(current->where, NULL);
}

/* Only a task that could be preempted here is held. */
static void shim_hold(const char *where)
{
	struct task_struct *task = current;
	int left = shim_get(task->hold);

	if (left <= 0 || task->spinlocks || task->irqs_off)
		return;
	pthread_mutex_lock(&task->lock);
	if (shim_get(task->hold) > 0)
		shim_set(task->hold, left > 1 ? left - 1 : SHIM_HELD);
	while (shim_get(task->hold) == SHIM_HELD)
		shim_wait_locked(task, where);
	pthread_mutex_unlock(&task->lock);
}

void shim_release(struct task_struct *task)
{
	pthread_mutex_lock(&task->lock);
	shim_set(task->hold, 0);
	pthread_cond_broadcast(&task->cond);
	pthread_mutex_unlock(&task->lock);
}

void shim_point(enum shim_point point, const char *where)
{
	static const u16 odds[] = {
		[SHIM_LOAD] = 2048,
		[SHIM_INDEX] = 256,
		[SHIM_UNLOCK] = 64,
		[SHIM_NOTIFY] = 32,
		[SHIM_SLEEP] = 64,
	};

	/* Most loads are where it makes no difference. */
	if (point != SHIM_LOAD || shim_random() % 4 == 0)
		shim_hold(where);
	if (shim_random() % odds[point] == 0)
		shim_delay(where);
}

/* === The order of loads and stores, for ThreadSanitizer === */

#if __has_feature(thread_sanitizer)
void __tsan_acquire(void *p);
void __tsan_release(void *p);
#else
#define __tsan_acquire(p)	((void)(p))
#define __tsan_release(p)	((void)(p))
#endif

/*
 * A fence for stores is a point in the life of its thread. The next store of an
 * index publishes the last one; a load of that index, once a fence for loads
 * follows, acquires what came before it.
 */
#define INDICES		4
static u64 fences[1024];		/* used in turn */
static u32 n_fences;
static u64 *published[INDICES];
static __thread u64 *last_fence, *loaded[INDICES];

/* INDICES if it is none. */
static size_t index_at(const volatile void *p)
{
	size_t i = (XENSTORE_RING_IDX *)p - &threads_page.req_cons;

	return min_t(size_t, i, INDICES);
}

void shim_load(const volatile void *from, const char *where)
{
	shim_point(index_at(from) < INDICES ? SHIM_INDEX : SHIM_LOAD, where);
}

void shim_loaded(const volatile void *from)
{
	size_t i = index_at(from);

	if (i < INDICES)
		loaded[i] = shim_get(published[i]);
}

void shim_store(const volatile void *to)
{
	size_t i = index_at(to);

	if (i < INDICES)
		shim_set(published[i], last_fence);
}

void shim_fence(int order)
{
	size_t i;

	for (i = 0; order != __ATOMIC_RELEASE && i < INDICES; i++) {
		if (loaded[i])
			__tsan_acquire(loaded[i]);
		loaded[i] = NULL;
	}
	if (order != __ATOMIC_ACQUIRE) {
		last_fence = &fences[__atomic_fetch_add(&n_fences, 1,
							__ATOMIC_RELAXED) %
				     ARRAY_SIZE(fences)];
		__tsan_release(last_fence);
	}
	__atomic_thread_fence(order);
}

/* === Tasks === */

static void *shim_thread(void *arg)
{
	shim_current = arg;
	current->fn(current->data);
	return NULL;
}

static struct task_struct *shim_task_get(void)
{
	struct task_struct *task;

	for (task = tasks; task; task = task->next) {
		if (!task->running)
			return task;
	}
	task = calloc(1, sizeof(*task));
	pthread_mutex_init(&task->lock, NULL);
	pthread_cond_init(&task->cond, NULL);
	task->next = tasks;
	return tasks = task;
}

struct task_struct *shim_task_create(const char *name, int (*fn)(void *),
				     void *data)
{
	static u32 number;
	struct task_struct *task;

	pthread_mutex_lock(&tasks_lock);
	task = shim_task_get();
	task->comm = name;
	task->fn = fn;
	task->data = data;
	task->running = true;
	task->random = (threads_seed + ++number) * 2654435761u | 1;
	task->irq = task->irqs_off = false;
	task->should_stop = task->should_park = task->parked = false;
	shim_set(task->hold, 0);
	pthread_mutex_unlock(&tasks_lock);
	if (!fn)
		shim_current = task;
	else
		SHIM_BUG_ON(pthread_create(&task->thread, NULL, shim_thread, task));
	return task;
}

void shim_task_join(struct task_struct *task)
{
	pthread_join(task->thread, NULL);
	pthread_mutex_lock(&tasks_lock);
	task->running = false;
	pthread_mutex_unlock(&tasks_lock);
}

__attribute__((no_sanitize("thread"))) void shim_print_tasks(void)
{
	struct task_struct *task;

	for (task = tasks; task; task = task->next) {
		if (task->running)
			fprintf(stderr, "  %-12s %s %s\n", task->comm,
				task->hold == SHIM_HELD ? "held at" :
				task->where ? "waits at" : "runs",
				task->where ?: "");
	}
}

void shim_might_sleep(void)
{
	SHIM_BUG_ON(current->spinlocks || current->irqs_off);
}

static void shim_tell(struct task_struct *task, bool *flag, bool value)
{
	pthread_mutex_lock(&task->lock);
	*flag = value;
	task->woken = true;
	pthread_cond_broadcast(&task->cond);
	pthread_mutex_unlock(&task->lock);
}

static void shim_set_sleeping(void)
{
	pthread_mutex_lock(&current->lock);
	current->woken = false;
	pthread_mutex_unlock(&current->lock);
	smp_mb();
}

void shim_schedule(const char *where)
{
	shim_might_sleep();
	shim_point(SHIM_SLEEP, where);
	pthread_mutex_lock(&current->lock);
	while (!current->woken)
		shim_wait_locked(current, where);
	pthread_mutex_unlock(&current->lock);
	shim_point(SHIM_SLEEP, where);
}

bool shim_flag(bool *flag)
{
	bool value;

	pthread_mutex_lock(&current->lock);
	value = *flag;
	pthread_mutex_unlock(&current->lock);
	return value;
}

void kthread_stop(struct task_struct *task)
{
	shim_might_sleep();
	shim_tell(task, &task->should_stop, true);
	shim_task_join(task);
}

void kthread_park(struct task_struct *task)
{
	shim_might_sleep();
	shim_tell(task, &task->should_park, true);
	pthread_mutex_lock(&task->lock);
	while (!task->parked)
		shim_wait_locked(task, "kthread_park()");
	pthread_mutex_unlock(&task->lock);
}

void kthread_unpark(struct task_struct *task)
{
	shim_tell(task, &task->should_park, false);
}

void kthread_parkme(void)
{
	struct task_struct *task = current;

	shim_might_sleep();
	pthread_mutex_lock(&task->lock);
	task->parked = task->should_park;
	pthread_cond_broadcast(&task->cond);
	while (task->should_park)
		shim_wait_locked(task, "kthread_parkme()");
	task->parked = false;
	pthread_mutex_unlock(&task->lock);
}

/* === Locks === */

void spin_lock_init(spinlock_t *lock)
{
	memset(lock, 0, sizeof(*lock));
	pthread_mutex_init(&lock->mutex, NULL);
}

void shim_lock(spinlock_t *lock, const char *where)
{
	struct task_struct *task = current;

	SHIM_BUG_ON(shim_get(lock->owner) == task);
	if (task->irq)
		shim_set(lock->in_irq, true);
	else if (!task->irqs_off)
		shim_set(lock->with_irqs, true);
	SHIM_BUG_ON(shim_get(lock->in_irq) && shim_get(lock->with_irqs));
	if (pthread_mutex_trylock(&lock->mutex)) {
		shim_set(task->where, where);
		pthread_mutex_lock(&lock->mutex);
		shim_set(task->where, NULL);
	}
	shim_set(lock->owner, task);
	task->spinlocks++;
}

void shim_unlock(spinlock_t *lock)
{
	lockdep_assert_held(lock);
	shim_set(lock->owner, NULL);
	current->spinlocks--;
	pthread_mutex_unlock(&lock->mutex);
}

bool __list_add_valid_or_report(struct list_head *new, struct list_head *prev,
				struct list_head *next)
{
	SHIM_BUG_ON(next->prev != prev || prev->next != next);
	SHIM_BUG_ON(new == prev || new == next);
	return true;
}

bool __list_del_entry_valid_or_report(struct list_head *entry)
{
	SHIM_BUG_ON(entry->prev->next != entry || entry->next->prev != entry);
	return true;
}

/* === Wait queues === */

void init_waitqueue_head(wait_queue_head_t *wq)
{
	spin_lock_init(&wq->lock);
	INIT_LIST_HEAD(&wq->entries);
}

/* At once, or a wake-up in between would leave it asleep outside the queue. */
void prepare_to_wait(wait_queue_head_t *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	if (list_empty(&entry->node))
		list_add_tail(&entry->node, &wq->entries);
	shim_set_sleeping();
	spin_unlock_irqrestore(&wq->lock, flags);
}

void finish_wait(wait_queue_head_t *wq, struct wait_queue_entry *entry)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	list_del_init(&entry->node);
	spin_unlock_irqrestore(&wq->lock, flags);
}

static void shim_wake_all_locked(wait_queue_head_t *wq)
{
	struct wait_queue_entry *entry, *next;

	list_for_each_entry_safe(entry, next, &wq->entries, node) {
		list_del_init(&entry->node);
		shim_tell(entry->task, &entry->task->woken, true);
	}
}

void wake_up(wait_queue_head_t *wq)
{
	unsigned long flags;

	spin_lock_irqsave(&wq->lock, flags);
	shim_wake_all_locked(wq);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void init_completion(struct completion *c)
{
	init_waitqueue_head(&c->wq);
	c->done = 0;
}

void complete(struct completion *c)
{
	unsigned long flags;

	spin_lock_irqsave(&c->wq.lock, flags);
	c->done++;
	shim_wake_all_locked(&c->wq);
	spin_unlock_irqrestore(&c->wq.lock, flags);
}

bool try_wait_for_completion(struct completion *c)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&c->wq.lock, flags);
	done = c->done;
	c->done -= done;
	spin_unlock_irqrestore(&c->wq.lock, flags);
	return done;
}

/* === Memory === */

/* There is always some for a task that can wait for it. */
void *kmalloc(size_t size, gfp_t gfp)
{
	void *block;

	if (gfp & __GFP_DIRECT_RECLAIM)
		shim_might_sleep();
	else if (shim_random() % 64 == 0)
		return NULL;
	/* Reclaim that starts I/O may wait for the store. */
	SHIM_BUG_ON(current->io && (gfp & __GFP_IO));
	block = malloc(size);
	SHIM_BUG_ON(!block);
	return memset(block, 0xa5, size);
}

/* Only what waits for the server's names asks for more. */
void *krealloc(const void *block, size_t size, gfp_t gfp)
{
	shim_might_sleep();
	block = realloc((void *)block, size);
	SHIM_BUG_ON(!block);
	return (void *)block;
}

void kfree(const void *block)
{
	free((void *)block);
}
