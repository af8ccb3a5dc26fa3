/* SPDX-License-Identifier: GPL-2.0 */
/* Tasks, kernel threads among them; time; messages. */
#ifndef SHIM_SCHED_H
#define SHIM_SCHED_H

#include <linux/types.h>

struct task_struct {
	const char *comm;
	int pid;			/* all are one process */
	int (*fn)(void *data);
	void *data;
	pthread_t thread;
	struct task_struct *next;
	bool running;

	/* Its own */
	u32 random;
	unsigned int spinlocks;		/* held now */
	unsigned int io;		/* see lockdep.h */
	size_t fault_after;		/* see uio.h */
	bool irq;			/* it is the interrupt handler */
	bool irqs_off;

	pthread_mutex_t lock;		/* protects what follows */
	pthread_cond_t cond;
	bool woken;
	bool should_stop, should_park, parked;

	/* Read and written by any */
	const char *where;		/* it sleeps or is delayed, or NULL */
	int hold;			/* points until it is held, or SHIM_HELD */
};

#define SHIM_HELD	(-1)

extern __thread struct task_struct *shim_current;
#define current		shim_current

/* Without a function it is the thread that calls. */
struct task_struct *shim_task_create(const char *name, int (*fn)(void *),
				     void *data);
void shim_task_join(struct task_struct *task);
void shim_print_tasks(void);
void shim_release(struct task_struct *task);
u32 shim_random(void);
u64 shim_now(void);
void shim_sleep(unsigned long us, const char *where);
void shim_schedule(const char *where);
void shim_might_sleep(void);
bool shim_flag(bool *flag);

#include <linux/jiffies.h>

#define might_sleep()		shim_might_sleep()
#define cond_resched()		shim_point(SHIM_SLEEP, SHIM_HERE)
#define schedule_timeout_idle(ticks)					\
	shim_sleep((ticks) * (1000000 / HZ), SHIM_HERE)
#define cpu_relax()		__builtin_ia32_pause()
#define need_resched()		(shim_random() % 32 == 0)
#define single_task_running()	(shim_random() % 8 != 0)
#define local_clock()		shim_now()

extern unsigned int shim_cpus;
#define num_online_cpus()	shim_cpus

/* A thread has no policy. */
struct sched_attr {
	unsigned int size;
	unsigned int sched_policy;
};
#define SCHED_NORMAL		0
#define SCHED_BATCH		3
#define sched_setattr_nocheck(thread, attr)	((void)(thread), (void)(attr))

#define kthread_run(fn, data, name)	shim_task_create(name, fn, data)
#define kthread_should_stop()		shim_flag(&current->should_stop)
#define kthread_should_park()		shim_flag(&current->should_park)
void kthread_stop(struct task_struct *task);
void kthread_park(struct task_struct *task);
void kthread_unpark(struct task_struct *task);
void kthread_parkme(void);

/* A warning fails the run: the server keeps to the rules. */
void shim_printk(bool warning, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
#define pr_debug(...)			((void)0)
#define pr_info(...)			((void)0)
#define pr_err(...)			shim_printk(false, __VA_ARGS__)
#define pr_err_ratelimited(...)		shim_printk(false, __VA_ARGS__)
#define pr_warn(...)			shim_printk(true, __VA_ARGS__)
#define pr_warn_ratelimited(...)	shim_printk(true, __VA_ARGS__)

#endif
