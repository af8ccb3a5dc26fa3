// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measure the kernel's side of XenStore.
 *
 * Uses only what <xen/xenbus.h> has always exported, so that one source serves
 * this driver and the one that it replaces. Writing "CASE CALLERS COUNT" to the
 * parameter "run" runs COUNT operations and returns when they are done; who
 * writes has the clock.
 *
 * The parameter "watches" puts watches on that many nodes and keeps them; what
 * is read from it is the time, in ns, between the first and the last event
 * since it was last read: after a resume each watch fires once, so that is how
 * long the resume took to set them again.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenbus_bench: " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <xen/xenbus.h>

#define BENCH_DIR	"data/bench-kernel"
#define BENCH_KEYS	10
#define BENCH_WRITES	20
#define BENCH_CALLERS	64

struct bench_caller {
	int (*op)(unsigned int i);
	unsigned int count;
	int err;
	struct completion done;
};

static DEFINE_MUTEX(bench_mutex);

/* === Operations === */

static int bench_read(unsigned int i)
{
	void *value = xenbus_read(XBT_NIL, BENCH_DIR, "key0", NULL);

	if (IS_ERR(value))
		return PTR_ERR(value);
	kfree(value);
	return 0;
}

static int bench_printf(unsigned int i)
{
	return xenbus_printf(XBT_NIL, BENCH_DIR, "key0", "%08u", i);
}

static int bench_scanf(unsigned int i)
{
	unsigned int value;
	int n = xenbus_scanf(XBT_NIL, BENCH_DIR, "key0", "%u", &value);

	return n == 1 ? 0 : -EINVAL;
}

static int bench_gather(unsigned int i)
{
	unsigned int v[BENCH_KEYS];

	return xenbus_gather(XBT_NIL, BENCH_DIR,
			     "key0", "%u", &v[0], "key1", "%u", &v[1],
			     "key2", "%u", &v[2], "key3", "%u", &v[3],
			     "key4", "%u", &v[4], "key5", "%u", &v[5],
			     "key6", "%u", &v[6], "key7", "%u", &v[7],
			     "key8", "%u", &v[8], "key9", "%u", &v[9], NULL);
}

static int bench_transaction(unsigned int i)
{
	struct xenbus_transaction xbt;
	unsigned int key;
	char node[16];
	int err;

	err = xenbus_transaction_start(&xbt);
	for (key = 0; !err && key < BENCH_WRITES; key++) {
		snprintf(node, sizeof(node), "key%u", key % BENCH_KEYS);
		err = xenbus_printf(xbt, BENCH_DIR, node, "%08u", i + key);
	}
	return err ?: xenbus_transaction_end(xbt, 0);
}

static const struct {
	const char *name;
	int (*op)(unsigned int i);
} bench_ops[] = {
	{ "read", bench_read },
	{ "printf", bench_printf },
	{ "scanf", bench_scanf },
	{ "gather", bench_gather },
	{ "transaction", bench_transaction },
};

/* === Callers === */

static int bench_caller_run(void *data)
{
	struct bench_caller *caller = data;
	unsigned int i;

	for (i = 0; !caller->err && i < caller->count; i++)
		caller->err = caller->op(i);
	complete(&caller->done);
	return 0;
}

static int bench_callers_run(int (*op)(unsigned int i), unsigned int callers,
			     unsigned int count)
{
	struct bench_caller *all;
	struct task_struct *thread;
	unsigned int i;
	int err = 0;

	all = kcalloc(callers, sizeof(*all), GFP_KERNEL);
	if (!all)
		return -ENOMEM;
	for (i = 0; i < callers; i++) {
		all[i].op = op;
		all[i].count = count / callers;
		init_completion(&all[i].done);
		thread = kthread_run(bench_caller_run, &all[i], "bench%u", i);
		if (IS_ERR(thread)) {
			all[i].err = PTR_ERR(thread);
			complete(&all[i].done);
		}
	}
	for (i = 0; i < callers; i++) {
		wait_for_completion(&all[i].done);
		err = err ?: all[i].err;
	}
	kfree(all);
	return err;
}

/* === Watches === */

struct bench_watch {
	struct xenbus_watch watch;
	char node[40];
};

static struct bench_watch *bench_watches;
static unsigned int bench_watches_count;
static atomic_t bench_fired = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(bench_fired_wq);
static u64 bench_first, bench_last;

/* In the driver's thread, when an event arrives: callbacks come later. */
static bool bench_watch_arrives(struct xenbus_watch *watch, const char *path,
				const char *token)
{
	u64 now = ktime_get_ns();

	if (!READ_ONCE(bench_first))
		WRITE_ONCE(bench_first, now);
	WRITE_ONCE(bench_last, now);
	return true;
}

static void bench_watch_fires(struct xenbus_watch *watch, const char *path,
			      const char *token)
{
	atomic_inc(&bench_fired);
	wake_up(&bench_fired_wq);
}

/* The oldest first, which is where xenstored begins to look for it. */
static void bench_watches_drop(void)
{
	unsigned int i;

	for (i = 0; i < bench_watches_count; i++)
		unregister_xenbus_watch(&bench_watches[i].watch);
	bench_watches_count = 0;
	vfree(bench_watches);
	bench_watches = NULL;
}

static int bench_watches_set(unsigned int count)
{
	struct bench_watch *bench;
	int err = 0;

	bench_watches_drop();
	if (!count)
		return 0;
	bench_watches = vcalloc(count, sizeof(*bench_watches));
	if (!bench_watches)
		return -ENOMEM;
	atomic_set(&bench_fired, 0);
	while (!err && bench_watches_count < count) {
		bench = &bench_watches[bench_watches_count];
		snprintf(bench->node, sizeof(bench->node), BENCH_DIR "/w/%u",
			 bench_watches_count);
		bench->watch.node = bench->node;
		bench->watch.will_handle = bench_watch_arrives;
		bench->watch.callback = bench_watch_fires;
		err = register_xenbus_watch(&bench->watch);
		if (!err)
			bench_watches_count++;
	}
	if (err)
		return err;
	/* Each fires once when it is set. */
	wait_event(bench_fired_wq, atomic_read(&bench_fired) >= count);
	return 0;
}

/* The watch that was set first, which the original's search finds last. */
static int bench_event(unsigned int i)
{
	const char *node = bench_watches[0].node;
	int before = atomic_read(&bench_fired);
	int err = xenbus_write(XBT_NIL, node, "", "x");

	if (!err)
		wait_event(bench_fired_wq, atomic_read(&bench_fired) != before);
	return err;
}

static int bench_events_run(unsigned int watches, unsigned int count)
{
	int err = 0;

	if (watches != bench_watches_count)
		err = bench_watches_set(watches);
	return err ?: bench_callers_run(bench_event, 1, count);
}

/* === Parameters === */

static int bench_run(const char *name, unsigned int n, unsigned int count)
{
	size_t i;

	if (!strcmp(name, "watch"))
		return n == 1 ? bench_watches_set(count) : -EINVAL;
	if (!strcmp(name, "event"))
		return n ? bench_events_run(n, count) : -EINVAL;
	if (!n || n > BENCH_CALLERS)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(bench_ops); i++) {
		if (!strcmp(name, bench_ops[i].name))
			return bench_callers_run(bench_ops[i].op, n, count);
	}
	return -EINVAL;
}

static int bench_run_set(const char *line, const struct kernel_param *kp)
{
	unsigned int n, count;
	char name[16];
	int err;

	if (sscanf(line, "%15s %u %u", name, &n, &count) != 3)
		return -EINVAL;
	mutex_lock(&bench_mutex);
	err = bench_run(name, n, count);
	mutex_unlock(&bench_mutex);
	return err;
}

static const struct kernel_param_ops bench_run_ops = { .set = bench_run_set };
module_param_cb(run, &bench_run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "\"CASE CALLERS COUNT\"");

static int bench_watches_param_set(const char *line,
				   const struct kernel_param *kp)
{
	unsigned int count;
	int err = kstrtouint(line, 0, &count);

	if (err)
		return err;
	mutex_lock(&bench_mutex);
	err = bench_watches_set(count);
	WRITE_ONCE(bench_first, 0);
	mutex_unlock(&bench_mutex);
	return err;
}

static int bench_watches_param_get(char *buffer, const struct kernel_param *kp)
{
	u64 first = READ_ONCE(bench_first), last = READ_ONCE(bench_last);

	WRITE_ONCE(bench_first, 0);
	return sysfs_emit(buffer, "%llu\n", first ? last - first : 0);
}

static const struct kernel_param_ops bench_watches_ops = {
	.set = bench_watches_param_set,
	.get = bench_watches_param_get,
};
module_param_cb(watches, &bench_watches_ops, NULL, 0600);
MODULE_PARM_DESC(watches, "Nodes to watch; reads as ns from first to last event");

static int __init bench_init(void)
{
	unsigned int key;
	char node[16];
	int err = 0;

	for (key = 0; !err && key < BENCH_KEYS; key++) {
		snprintf(node, sizeof(node), "key%u", key);
		err = xenbus_printf(XBT_NIL, BENCH_DIR, node, "%08u", key);
	}
	return err;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	bench_watches_drop();
	xenbus_rm(XBT_NIL, BENCH_DIR, "");
}
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmark of XenStore from within the kernel");
MODULE_LICENSE("GPL");
