// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what drivers in the tree do with transactions.
 *
 * Each driver here goes through the calls of one in the tree, with its way of
 * handling errors: which it reports, which it tolerates, when it begins again. A
 * server that refuses what a driver tolerates must not make it fail, and a driver
 * must not act on what was refused.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <xen/xenbus.h>

#include "fake_bus.h"
#include "fake_conn.h"

#define DRIVER_NODE	"ktest/vbd/0"
#define DRIVER_STATE	DRIVER_NODE "/state"

/* A driver that repeats for ever has to be stopped. */
#define DRIVER_TRIES	8

struct driver {
	struct fake_store *store;
	struct xenbus_device xendev;
	unsigned int tries;	/* transactions that were started */
	unsigned int tolerated;	/* errors that the driver only warns of */
	unsigned int acted;	/* sysrqs that were handled */
	char key;		/* of the last of them */
};

static int driver_case_init(struct kunit *test)
{
	struct driver *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, d);
	d->store = fake_bus_store_create(test);
	d->xendev.nodename = DRIVER_NODE;
	d->xendev.dev.init_name = "vbd-0";
	d->xendev.state = XenbusStateInitialising;
	init_completion(&d->xendev.down);
	fake_bus_set(d->store, "1", DRIVER_STATE);
	/* What a report of an error needs, which is no part of a quota here. */
	fake_bus_set(d->store, "", "error/" DRIVER_NODE "/error");
	test->priv = d;
	return 0;
}

/* The server lets this domain have so many nodes more than there are. */
static void driver_limit_nodes(struct driver *d, unsigned int more)
{
	d->store->max_nodes = fake_store_nodes(d->store) + more;
}

static const char *driver_get(struct driver *d, const char *name)
{
	return fake_bus_get(d->store, DRIVER_NODE "/%s", name);
}

static int driver_start(struct driver *d, struct xenbus_transaction *xbt)
{
	if (d->tries++ == DRIVER_TRIES)
		return -ELOOP;
	return xenbus_transaction_start(xbt);
}

/* A node that the driver cannot do without. */
static int driver_write(struct driver *d, struct xenbus_transaction xbt,
			const char *name, unsigned int value)
{
	int err = xenbus_printf(xbt, DRIVER_NODE, name, "%u", value);

	if (!err)
		return 0;
	xenbus_transaction_end(xbt, 1);
	xenbus_dev_fatal(&d->xendev, err, "writing %s", name);
	return err;
}

/* A node that its peer can do without. */
static void driver_offer(struct driver *d, struct xenbus_transaction xbt,
			 const char *name, unsigned int value)
{
	if (xenbus_printf(xbt, DRIVER_NODE, name, "%u", value))
		d->tolerated++;
}

/* === A frontend of disks, as xen-blkfront === */

static int driver_disk_write(struct driver *d)
{
	struct xenbus_transaction xbt;
	int err;

	err = driver_start(d, &xbt);
	if (err) {
		xenbus_dev_fatal(&d->xendev, err, "starting transaction");
		return err;
	}
	err = driver_write(d, xbt, "ring-ref", 8);
	err = err ?: driver_write(d, xbt, "event-channel", 9);
	err = err ?: driver_write(d, xbt, "protocol", 64);
	if (err)
		return err;
	driver_offer(d, xbt, "feature-persistent", 1);
	err = xenbus_transaction_end(xbt, 0);
	if (err && err != -EAGAIN)
		xenbus_dev_fatal(&d->xendev, err, "completing transaction");
	return err;
}

static int driver_disk_connect(struct driver *d)
{
	int err;

	do {
		err = driver_disk_write(d);
	} while (err == -EAGAIN);
	if (!err)
		xenbus_switch_state(&d->xendev, XenbusStateInitialised);
	return err;
}

static void disk_connects_at_the_first_try(struct kunit *test)
{
	struct driver *d = test->priv;

	KUNIT_EXPECT_EQ(test, driver_disk_connect(d), 0);
	KUNIT_EXPECT_EQ(test, d->tries, 1);
	KUNIT_EXPECT_EQ(test, d->tolerated, 0);
	KUNIT_EXPECT_STREQ(test, driver_get(d, "ring-ref"), "8");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "feature-persistent"), "1");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "state"), "3");
}

static const char * const driver_quota_errors[] = { "ENOSPC", "EQUOTA" };

static void driver_quota_error_desc(const char *const *error, char *desc)
{
	strscpy(desc, *error, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(driver_quota_error, driver_quota_errors,
		  driver_quota_error_desc);

static void disk_connects_without_a_feature_that_is_refused(struct kunit *test)
{
	struct driver *d = test->priv;

	d->store->quota_error = *(const char *const *)test->param_value;
	driver_limit_nodes(d, 3);

	KUNIT_EXPECT_EQ(test, driver_disk_connect(d), 0);
	KUNIT_EXPECT_EQ(test, d->tolerated, 1);
	KUNIT_EXPECT_STREQ(test, driver_get(d, "ring-ref"), "8");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "event-channel"), "9");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "protocol"), "64");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "feature-persistent"), "(none)");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "state"), "3");
}

static void disk_without_a_node_it_needs_closes(struct kunit *test)
{
	struct driver *d = test->priv;

	driver_limit_nodes(d, 1);

	KUNIT_EXPECT_EQ(test, driver_disk_connect(d), -ENOSPC);
	KUNIT_EXPECT_STREQ(test, driver_get(d, "ring-ref"), "(none)");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "state"), "5");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(d->store,
					      "error/" DRIVER_NODE "/error"),
			   "28 writing event-channel");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(d->store), 0);
}

/* === A frontend of a network, as xen-netfront === */

#define DRIVER_QUEUES	4

static int driver_net_write_queue(struct driver *d,
				  struct xenbus_transaction xbt,
				  unsigned int queue)
{
	static const char *const names[] = {
		"tx-ring-ref", "rx-ring-ref", "event-channel-tx",
		"event-channel-rx",
	};
	char name[40];
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "queue-%u/%s", queue, names[i]);
		err = driver_write(d, xbt, name, 10 * queue + i);
	}
	return err;
}

static int driver_net_write(struct driver *d)
{
	struct xenbus_transaction xbt;
	unsigned int i;
	int err;

	err = driver_start(d, &xbt);
	if (err) {
		xenbus_dev_fatal(&d->xendev, err, "starting transaction");
		return err;
	}
	err = driver_write(d, xbt, "multi-queue-num-queues", DRIVER_QUEUES);
	for (i = 0; !err && i < DRIVER_QUEUES; i++)
		err = driver_net_write_queue(d, xbt, i);
	err = err ?: driver_write(d, xbt, "request-rx-copy", 1);
	if (err)
		return err;
	err = xenbus_transaction_end(xbt, 0);
	if (err && err != -EAGAIN)
		xenbus_dev_fatal(&d->xendev, err, "completing transaction");
	return err;
}

static int driver_net_connect(struct driver *d)
{
	int err;

	do {
		err = driver_net_write(d);
	} while (err == -EAGAIN);
	if (!err)
		xenbus_switch_state(&d->xendev, XenbusStateConnected);
	return err;
}

static void net_begins_again_after_a_conflict(struct kunit *test)
{
	struct driver *d = test->priv;

	d->store->conflicts = 2;

	KUNIT_EXPECT_EQ(test, driver_net_connect(d), 0);
	KUNIT_EXPECT_EQ(test, d->tries, 3);
	KUNIT_EXPECT_STREQ(test, driver_get(d, "queue-3/event-channel-rx"),
			   "33");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "request-rx-copy"), "1");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "state"), "4");
}

static void net_without_room_for_a_queue_closes_and_writes_nothing(struct kunit *test)
{
	struct driver *d = test->priv;

	driver_limit_nodes(d, 8);

	KUNIT_EXPECT_EQ(test, driver_net_connect(d), -ENOSPC);
	KUNIT_EXPECT_STREQ(test, driver_get(d, "queue-0/tx-ring-ref"),
			   "(none)");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "state"), "5");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(d->store), 0);
}

/* === A backend of disks, as xen-blkback === */

static int driver_back_write(struct driver *d)
{
	struct xenbus_transaction xbt;
	int err;

	err = driver_start(d, &xbt);
	if (err) {
		xenbus_dev_fatal(&d->xendev, err, "starting transaction");
		return err;
	}
	driver_offer(d, xbt, "feature-flush-cache", 1);
	driver_offer(d, xbt, "feature-discard", 1);
	driver_offer(d, xbt, "feature-barrier", 1);
	err = driver_write(d, xbt, "feature-persistent", 1);
	err = err ?: driver_write(d, xbt, "sectors", 4096);
	err = err ?: driver_write(d, xbt, "info", 0);
	err = err ?: driver_write(d, xbt, "sector-size", 512);
	if (err)
		return err;
	driver_offer(d, xbt, "physical-sector-size", 4096);
	err = xenbus_transaction_end(xbt, 0);
	if (err == -EAGAIN)
		return err;
	if (err)
		xenbus_dev_fatal(&d->xendev, err, "ending transaction");
	/* The driver goes on, whatever became of the transaction. */
	xenbus_switch_state(&d->xendev, XenbusStateConnected);
	return 0;
}

static int driver_back_connect(struct driver *d)
{
	int err;

	do {
		err = driver_back_write(d);
	} while (err == -EAGAIN);
	return err;
}

static void backend_connects_at_the_first_try(struct kunit *test)
{
	struct driver *d = test->priv;

	KUNIT_EXPECT_EQ(test, driver_back_connect(d), 0);
	KUNIT_EXPECT_EQ(test, d->tries, 1);
	KUNIT_EXPECT_STREQ(test, driver_get(d, "feature-flush-cache"), "1");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "physical-sector-size"), "4096");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "state"), "4");
}

/* The nodes that it needs are left of an earlier connection. */
static void backend_connects_without_features_that_are_refused(struct kunit *test)
{
	struct driver *d = test->priv;

	fake_bus_set(d->store, "0", DRIVER_NODE "/feature-persistent");
	fake_bus_set(d->store, "1", DRIVER_NODE "/sectors");
	fake_bus_set(d->store, "1", DRIVER_NODE "/info");
	fake_bus_set(d->store, "1", DRIVER_NODE "/sector-size");
	d->store->quota_error = *(const char *const *)test->param_value;
	driver_limit_nodes(d, 0);

	KUNIT_EXPECT_EQ(test, driver_back_connect(d), 0);
	KUNIT_EXPECT_EQ(test, d->tolerated, 4);
	KUNIT_EXPECT_STREQ(test, driver_get(d, "sectors"), "4096");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "info"), "0");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "sector-size"), "512");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "feature-barrier"), "(none)");
	KUNIT_EXPECT_STREQ(test, driver_get(d, "state"), "4");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(d->store,
					      "error/" DRIVER_NODE "/error"),
			   "");
}

/* === The toolstack's sysrq, as drivers/xen/manage.c === */

static int driver_sysrq_take(struct driver *d, char *key)
{
	struct xenbus_transaction xbt;
	int err;

	*key = '\0';
	err = driver_start(d, &xbt);
	if (err)
		return err;
	err = xenbus_scanf(xbt, "control", "sysrq", "%c", key);
	if (err >= 0 && *key)
		err = xenbus_printf(xbt, "control", "sysrq", "%c", '\0');
	if (err < 0) {
		xenbus_transaction_end(xbt, 1);
		return err == -EAGAIN ? -EIO : err;
	}
	/* Only a conflict is looked at. */
	err = xenbus_transaction_end(xbt, 0);
	return err == -EAGAIN ? err : 0;
}

static void driver_sysrq(struct driver *d)
{
	char key;
	int err;

	do {
		err = driver_sysrq_take(d, &key);
	} while (err == -EAGAIN);
	if (err || !key)
		return;
	d->acted++;
	d->key = key;
}

static void sysrq_is_acknowledged_and_handled_once(struct kunit *test)
{
	struct driver *d = test->priv;

	fake_bus_set(d->store, "s", "control/sysrq");

	driver_sysrq(d);
	driver_sysrq(d);

	KUNIT_EXPECT_EQ(test, d->acted, 1);
	KUNIT_EXPECT_EQ(test, d->key, 's');
	KUNIT_EXPECT_STREQ(test, fake_bus_get(d->store, "control/sysrq"), "");
}

static void sysrq_that_cannot_be_acknowledged_is_not_handled(struct kunit *test)
{
	struct driver *d = test->priv;

	fake_bus_set(d->store, "s", "control/sysrq");
	d->store->refuse[XS_WRITE] = "EACCES";

	driver_sysrq(d);

	KUNIT_EXPECT_EQ(test, d->acted, 0);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(d->store, "control/sysrq"), "s");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(d->store), 0);
}

/* === More drivers than the server allows transactions === */

#define DRIVER_QUOTA	10
#define DRIVER_TASKS	(DRIVER_QUOTA + 5)

struct driver_crowd {
	struct completion go;
	struct driver_task {
		struct driver_crowd *crowd;
		char name[12];
	} tasks[DRIVER_TASKS];
};

static int driver_crowd_call(void *data)
{
	struct driver_task *task = data;
	struct xenbus_transaction xbt;
	int err;

	do {
		err = xenbus_transaction_start(&xbt);
		if (err)
			return err;
		wait_for_completion(&task->crowd->go);
		err = xenbus_write(xbt, DRIVER_NODE, task->name, "1");
		err = xenbus_transaction_end(xbt, err) ?: err;
	} while (err == -EAGAIN);
	return err;
}

static void driver_crowd_unblock(void *data)
{
	complete_all(&((struct driver_task *)data)->crowd->go);
}

static void tasks_beyond_the_quota_of_transactions_all_succeed(struct kunit *test)
{
	struct fake_call *calls[DRIVER_TASKS];
	struct driver *d = test->priv;
	struct driver_crowd *crowd;
	unsigned int i;

	d->store->max_transactions = DRIVER_QUOTA;
	d->store->quota_error = *(const char *const *)test->param_value;
	crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, crowd);
	init_completion(&crowd->go);
	for (i = 0; i < DRIVER_TASKS; i++) {
		crowd->tasks[i].crowd = crowd;
		snprintf(crowd->tasks[i].name, sizeof(crowd->tasks[i].name),
			 "task-%u", i);
		calls[i] = fake_call_start(test, driver_crowd_call,
					   &crowd->tasks[i],
					   driver_crowd_unblock);
	}
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(fake_store_transactions(d->store) ==
					  DRIVER_QUOTA));
	for (i = 0; i < DRIVER_TASKS; i++)
		KUNIT_EXPECT_TRUE(test, fake_call_sleeps(calls[i]));
	complete_all(&crowd->go);

	for (i = 0; i < DRIVER_TASKS; i++) {
		KUNIT_EXPECT_EQ(test, fake_call_result(test, calls[i]), 0);
		KUNIT_EXPECT_STREQ(test, driver_get(d, crowd->tasks[i].name),
				   "1");
	}
	KUNIT_EXPECT_EQ(test, fake_store_transactions(d->store), 0);
}

static struct kunit_case driver_cases[] = {
	KUNIT_CASE(disk_connects_at_the_first_try),
	KUNIT_CASE_PARAM(disk_connects_without_a_feature_that_is_refused,
			 driver_quota_error_gen_params),
	KUNIT_CASE(disk_without_a_node_it_needs_closes),
	KUNIT_CASE(net_begins_again_after_a_conflict),
	KUNIT_CASE(net_without_room_for_a_queue_closes_and_writes_nothing),
	KUNIT_CASE(backend_connects_at_the_first_try),
	KUNIT_CASE_PARAM(backend_connects_without_features_that_are_refused,
			 driver_quota_error_gen_params),
	KUNIT_CASE(sysrq_is_acknowledged_and_handled_once),
	KUNIT_CASE(sysrq_that_cannot_be_acknowledged_is_not_handled),
	KUNIT_CASE_PARAM(tasks_beyond_the_quota_of_transactions_all_succeed,
			 driver_quota_error_gen_params),
	{}
};

static struct kunit_suite driver_suite = {
	.name = "xenbus_drivers",
	.init = driver_case_init,
	.test_cases = driver_cases,
};

kunit_test_suite(driver_suite);
