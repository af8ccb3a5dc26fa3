// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how devices meet drivers.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fake_bus.h"

#define DEVICE_NODE	FAKE_BUS_ROOT "/vif/0"

static int device_init(struct kunit *test)
{
	struct fake_bus *fake = fake_bus_create(test);

	fake_bus_add_node(fake, "vif", "0");
	test->priv = fake;
	return 0;
}

/* A device that is bound, unless the test has prepared something else. */
static struct xenbus_device *device_bind(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	KUNIT_ASSERT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	fake_bus_add_driver(fake);
	return fake_bus_device(fake, "vif-0");
}

/* === Probe and remove === */

static void probe_finds_the_peer(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev = device_bind(test);

	KUNIT_EXPECT_EQ(test, fake->probes, 1);
	KUNIT_EXPECT_EQ(test, xendev->otherend_id, FAKE_BUS_PEER);
	KUNIT_EXPECT_STREQ(test, xendev->otherend, "/peer/vif/0");
	KUNIT_EXPECT_EQ(test, xendev->spurious_threshold, 1);
	KUNIT_EXPECT_EQ(test, fake_store_watches(fake->store,
						 "/peer/vif/0/state"), 1);
}

/* Who it is and where, and whether it is there. */
static void peer_is_found_with_two_waits(struct kunit *test)
{
	struct xenbus_device *xendev = device_bind(test);
	unsigned long waits = current->nvcsw;

	kfree(xendev->otherend);
	xendev->otherend = NULL;
	KUNIT_EXPECT_EQ(test, xenbus_read_otherend_details(xendev, "backend-id",
							   "backend"), 0);
	KUNIT_EXPECT_LE(test, current->nvcsw - waits, 2);
	KUNIT_EXPECT_STREQ(test, xendev->otherend, "/peer/vif/0");
}

static void probe_without_a_peer_closes_the_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev;

	fake_store_rm(fake->store, "/peer/vif/0");

	xendev = device_bind(test);

	KUNIT_EXPECT_EQ(test, fake->probes, 0);
	KUNIT_EXPECT_PTR_EQ(test, xendev->dev.driver, NULL);
	KUNIT_EXPECT_PTR_EQ(test, xendev->otherend, NULL);
	KUNIT_EXPECT_STREQ(test,
			   fake_bus_get(fake->store, DEVICE_NODE "/state"),
			   "5");
}

static int device_probe_fails(struct fake_bus *fake,
			      struct xenbus_device *xendev)
{
	return -ENODEV;
}

static void probe_that_fails_leaves_nothing(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev;

	fake->probe_hook = device_probe_fails;

	xendev = device_bind(test);

	KUNIT_EXPECT_EQ(test, fake->removes, 0);
	KUNIT_EXPECT_PTR_EQ(test, xendev->dev.driver, NULL);
	KUNIT_EXPECT_PTR_EQ(test, xendev->otherend, NULL);
	KUNIT_EXPECT_EQ(test, fake_store_watches(fake->store, NULL), 0);
}

static void probe_without_a_watch_is_undone_by_the_driver(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev;

	fake->store->refuse[XS_WATCH] = "ENOSPC";

	xendev = device_bind(test);

	KUNIT_EXPECT_EQ(test, fake->probes, 1);
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
	KUNIT_EXPECT_PTR_EQ(test, xendev->dev.driver, NULL);
	KUNIT_EXPECT_PTR_EQ(test, xendev->otherend, NULL);
}

static void remove_closes_the_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev = device_bind(test);

	device_release_driver(&xendev->dev);

	KUNIT_EXPECT_EQ(test, fake->removes, 1);
	KUNIT_EXPECT_EQ(test, fake_store_watches(fake->store, NULL), 0);
	KUNIT_EXPECT_STREQ(test,
			   fake_bus_get(fake->store, DEVICE_NODE "/state"),
			   "6");
}

static void remove_with_allow_rebind_keeps_the_state(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev;

	fake->driver.allow_rebind = true;
	xendev = device_bind(test);

	device_release_driver(&xendev->dev);

	KUNIT_EXPECT_STREQ(test,
			   fake_bus_get(fake->store, DEVICE_NODE "/state"),
			   "1");
}

static void remove_with_allow_rebind_closes_if_told_to(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev;

	fake->driver.allow_rebind = true;
	xendev = device_bind(test);
	fake_bus_set(fake->store, "5", DEVICE_NODE "/state");

	device_release_driver(&xendev->dev);

	KUNIT_EXPECT_STREQ(test,
			   fake_bus_get(fake->store, DEVICE_NODE "/state"),
			   "6");
}

/* === The peer === */

static void peer_state_reaches_the_driver(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	device_bind(test);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	fake_bus_set(fake->store, "4", "/peer/vif/0/state");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	KUNIT_ASSERT_EQ(test, fake->num_states, 2);
	KUNIT_EXPECT_EQ(test, fake->states[0], XenbusStateInitialising);
	KUNIT_EXPECT_EQ(test, fake->states[1], XenbusStateConnected);
}

static void peer_state_that_is_garbage_reaches_the_driver(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	device_bind(test);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	fake_bus_set(fake->store, "-77", "/peer/vif/0/state");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	KUNIT_ASSERT_EQ(test, fake->num_states, 2);
	KUNIT_EXPECT_EQ(test, (int)fake->states[1], -77);
}

static const char *const device_stale_paths[] = {
	"/peer/vif/01/state", "/peer/vif", "/peer/vbd/0/state", "",
};

static void device_stale_path_desc(const char *const *path, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "\"%s\"", *path);
}

KUNIT_ARRAY_PARAM(device_stale_path, device_stale_paths,
		  device_stale_path_desc);

static void event_of_an_earlier_peer_is_ignored(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	const char *const *path = test->param_value;
	struct xenbus_device *xendev = device_bind(test);

	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	fake->num_states = 0;

	xenbus_otherend_changed(&xendev->otherend_watch, *path, "", 0);

	KUNIT_EXPECT_EQ(test, fake->num_states, 0);
}

/* === Suspend and resume === */

static void suspend_goes_on_if_a_driver_refuses(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev = device_bind(test);

	KUNIT_EXPECT_EQ(test, xenbus_dev_freeze(&xendev->dev), 0);

	KUNIT_EXPECT_EQ(test, fake->suspends, 1);
}

static void resume_follows_the_peer_to_its_new_place(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev = device_bind(test);

	xenbus_switch_state(xendev, XenbusStateConnected);
	fake_bus_set(fake->store, "1", "/new/vif/0/state");
	fake_bus_set(fake->store, "/new/vif/0", DEVICE_NODE "/backend");
	fake_bus_set(fake->store, "9", DEVICE_NODE "/backend-id");
	fake_bus_set(fake->store, "1", DEVICE_NODE "/state");

	KUNIT_EXPECT_EQ(test, xenbus_dev_restore(&xendev->dev), 0);

	KUNIT_EXPECT_EQ(test, fake->resumes, 1);
	KUNIT_EXPECT_EQ(test, xendev->otherend_id, 9);
	KUNIT_EXPECT_STREQ(test, xendev->otherend, "/new/vif/0");
	KUNIT_EXPECT_EQ(test, xendev->state, XenbusStateInitialising);
	KUNIT_EXPECT_EQ(test, fake_store_watches(fake->store,
						 "/new/vif/0/state"), 1);
	KUNIT_EXPECT_EQ(test, fake_store_watches(fake->store, NULL), 1);
}

static void resume_without_a_peer_fails(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev = device_bind(test);

	fake_store_rm(fake->store, "/peer/vif/0");

	KUNIT_EXPECT_EQ(test, xenbus_dev_restore(&xendev->dev), -ENOENT);

	KUNIT_EXPECT_EQ(test, fake->resumes, 0);
	KUNIT_EXPECT_EQ(test, fake_store_watches(fake->store, NULL), 0);
}

static void unbound_device_suspends_and_resumes(struct kunit *test)
{
	struct xenbus_device *xendev;

	KUNIT_ASSERT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	xendev = fake_bus_device(test->priv, "vif-0");

	KUNIT_EXPECT_EQ(test, xenbus_dev_freeze(&xendev->dev), 0);
	KUNIT_EXPECT_EQ(test, xenbus_dev_thaw(&xendev->dev), 0);
	KUNIT_EXPECT_EQ(test, xenbus_dev_restore(&xendev->dev), 0);
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(probe_finds_the_peer),
	KUNIT_CASE(peer_is_found_with_two_waits),
	KUNIT_CASE(probe_without_a_peer_closes_the_device),
	KUNIT_CASE(probe_that_fails_leaves_nothing),
	KUNIT_CASE(probe_without_a_watch_is_undone_by_the_driver),
	KUNIT_CASE(remove_closes_the_device),
	KUNIT_CASE(remove_with_allow_rebind_keeps_the_state),
	KUNIT_CASE(remove_with_allow_rebind_closes_if_told_to),
	KUNIT_CASE(peer_state_reaches_the_driver),
	KUNIT_CASE(peer_state_that_is_garbage_reaches_the_driver),
	KUNIT_CASE_PARAM(event_of_an_earlier_peer_is_ignored,
			 device_stale_path_gen_params),
	KUNIT_CASE(suspend_goes_on_if_a_driver_refuses),
	KUNIT_CASE(resume_follows_the_peer_to_its_new_place),
	KUNIT_CASE(resume_without_a_peer_fails),
	KUNIT_CASE(unbound_device_suspends_and_resumes),
	{}
};

static struct kunit_suite device_suite = {
	.name = "xenbus_device",
	.init = device_init,
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
