// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how directories become devices and cease to be.
 *
 * Where a test calls xenbus_dev_changed() itself, no watch is set, and it is the
 * test that decides what the bus is told of.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/device.h>

#include "fake_bus.h"
#include "fake_memory.h"
#include "xenbus_store.h"

static int bus_init(struct kunit *test)
{
	test->priv = fake_bus_create(test);
	return 0;
}

/* === Enumeration === */

static void enumerate_adds_a_device_per_node(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_driver(fake);
	fake_bus_add_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "1");
	fake_bus_add_node(fake, "vbd", "51712");

	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);

	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-0"));
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-1"));
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vbd-51712"));
	KUNIT_EXPECT_EQ(test, fake->probes, 3);
}

static void enumerate_twice_adds_nothing(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_driver(fake);
	fake_bus_add_node(fake, "vif", "0");

	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);

	KUNIT_EXPECT_EQ(test, fake->probes, 1);
}

static void enumerate_asks_once_per_node(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	unsigned int before, i;
	char id[4];

	for (i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "%u", i);
		fake_bus_add_node(fake, "vif", id);
	}
	before = fake_peer_count(&fake->store->peer);
	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	/* The types, the nodes of the one type, state and peer of each. */
	KUNIT_EXPECT_EQ(test, fake_peer_count(&fake->store->peer) - before,
			2 + 2 * 20);

	before = fake_peer_count(&fake->store->peer);
	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	KUNIT_EXPECT_EQ(test, fake_peer_count(&fake->store->peer) - before, 2);
}

static void enumerate_waits_once_per_level(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	unsigned long waits;
	char type[8], path[64];
	unsigned int i;

	for (i = 0; i < 20; i++) {
		snprintf(type, sizeof(type), "type%u", i);
		fake_bus_add_node(fake, type, "0");
		/* Connected: all is asked for, and there is no device. */
		snprintf(path, sizeof(path),
			 FAKE_STORE_HOME "/" FAKE_BUS_ROOT "/%s/0/state", type);
		fake_store_write(fake->store, path, "4", 1);
	}
	waits = current->nvcsw;
	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	/* The types, the nodes of all types, all states. */
	KUNIT_EXPECT_LE(test, current->nvcsw - waits, 3);
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device("type0-0"));
}

static void enumerate_leaves_out_what_the_bus_skips(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "skip", "0");
	fake_bus_add_node(fake, "vif", "0");

	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);

	KUNIT_EXPECT_FALSE(test, fake_bus_has_device("skip-0"));
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-0"));
}

static void enumerate_finds_more_than_fit_into_a_message(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	unsigned int i;
	char id[16];

	for (i = 0; i < 350; i++) {
		snprintf(id, sizeof(id), "%012u", i);
		fake_bus_add_node(fake, "vif", id);
	}
	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-000000000000"));
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-000000000349"));
}

static void enumerate_goes_on_after_a_node_without_a_name(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "vif", "a-name-that-is-too-long");
	fake_bus_add_node(fake, "vif", "1");

	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), -EINVAL);

	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-1"));
}

static void enumerate_refuses_a_second_node_of_the_same_name(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "vif", "1-2");
	fake_bus_add_node(fake, "vif-1", "2");

	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), -EEXIST);

	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-1-2"));
}

static const char *const bus_old_states[] = {
	"0", "2", "4", "5", "6", "99", "-1", "", "x"
};

static void bus_old_state_desc(const char *const *state, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "state \"%s\"", *state);
}

KUNIT_ARRAY_PARAM(bus_old_state, bus_old_states, bus_old_state_desc);

static void node_that_is_not_new_is_no_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	const char *const *state = test->param_value;

	fake_bus_add_node(fake, "vif", "0");
	fake_bus_set(fake->store, *state, FAKE_BUS_ROOT "/vif/0/state");

	KUNIT_EXPECT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);

	KUNIT_EXPECT_FALSE(test, fake_bus_has_device("vif-0"));
}

/* Returns whether the nth allocation was reached, and failed. */
static bool bus_probe_failing_nth(struct fake_bus *fake, unsigned int nth,
				  int *err)
{
	fake_memory_fail_nth(nth);
	*err = xenbus_probe_node(&fake_bus_type, "vif", FAKE_BUS_ROOT "/vif/0");
	return fake_memory_has_failed();
}

/* Some failures leave the device without a driver, and with a state. */
static void bus_start_over(struct fake_bus *fake)
{
	if (fake_bus_has_device("vif-0"))
		device_unregister(&fake_bus_device(fake, "vif-0")->dev);
	KUNIT_EXPECT_TRUE(fake->test, fake_bus_flush());
	fake_bus_set(fake->store, "1", FAKE_BUS_ROOT "/vif/0/state");
}

static void probe_node_without_memory_leaves_nothing(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	unsigned int nth;
	int err;

	if (!fake_memory_can_fail())
		kunit_skip(test, "allocations cannot be made to fail");
	fake_bus_add_driver(fake);
	fake_bus_add_node(fake, "vif", "0");

	for (nth = 1; bus_probe_failing_nth(fake, nth, &err); nth++) {
		KUNIT_EXPECT_FALSE(test, err && fake_bus_has_device("vif-0"));
		bus_start_over(fake);
	}

	KUNIT_EXPECT_GT(test, nth, 1);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-0"));
}

/* === Events === */

static void event_of_a_new_node_adds_the_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_driver(fake);
	fake_bus_watch(fake);

	fake_bus_add_node(fake, "vif", "0");

	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-0"));
	KUNIT_EXPECT_EQ(test, fake->probes, 1);
}

static void event_of_a_removed_node_removes_the_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_driver(fake);
	fake_bus_watch(fake);
	fake_bus_add_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "01");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	fake_bus_rm_node(fake, "vif", "0");

	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device("vif-0"));
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-01"));
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
}

static void event_of_a_removed_type_removes_its_devices(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_watch(fake);
	fake_bus_add_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "1");
	fake_bus_add_node(fake, "vbd", "0");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	fake_store_rm(fake->store, FAKE_STORE_HOME "/" FAKE_BUS_ROOT "/vif");

	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device("vif-0"));
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device("vif-1"));
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vbd-0"));
}

static void event_of_the_root_finds_what_appeared_and_vanished(struct kunit *t)
{
	struct fake_bus *fake = t->priv;

	fake_bus_add_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "1");
	KUNIT_ASSERT_EQ(t, xenbus_probe_devices(&fake_bus_type), 0);
	fake_bus_rm_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vbd", "2");

	xenbus_dev_changed(FAKE_BUS_ROOT, &fake_bus_type);
	KUNIT_ASSERT_TRUE(t, fake_bus_flush());

	KUNIT_EXPECT_FALSE(t, fake_bus_has_device("vif-0"));
	KUNIT_EXPECT_TRUE(t, fake_bus_has_device("vif-1"));
	KUNIT_EXPECT_TRUE(t, fake_bus_has_device("vbd-2"));
}

static const char *const bus_foreign_paths[] = {
	"", "/", "kte", "ktester/vif/0", "ktest/", "ktest//", "ktest//0",
	"ktest/vif/", "ktest/vif//0", "/ktest/vif/0",
};

static void bus_foreign_path_desc(const char *const *path, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "\"%s\"", *path);
}

KUNIT_ARRAY_PARAM(bus_foreign_path, bus_foreign_paths, bus_foreign_path_desc);

static void event_of_a_path_that_is_no_device_is_ignored(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	const char *const *path = test->param_value;

	fake_bus_add_node(fake, "vif", "0");

	xenbus_dev_changed(*path, &fake_bus_type);

	KUNIT_EXPECT_FALSE(test, fake_bus_has_device("vif-0"));
}

static void event_deep_below_a_new_node_adds_the_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "vif", "0");

	xenbus_dev_changed(FAKE_BUS_ROOT "/vif/0/queue-0/tx-ring-ref",
			   &fake_bus_type);

	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-0"));
}

static void event_of_a_drivers_own_node_asks_nothing(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	unsigned int before;

	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	before = fake_peer_count(&fake->store->peer);

	xenbus_dev_changed(FAKE_BUS_ROOT "/vif/0/tx-ring-ref", &fake_bus_type);

	KUNIT_EXPECT_TRUE(test, xs_queues_are_idle(&xenbus_watches()->queues));
	KUNIT_EXPECT_EQ(test, fake_peer_count(&fake->store->peer), before);
}

static void store_that_fails_does_not_cost_devices(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	fake->store->refuse[XS_READ] = "EIO";
	fake->store->refuse[XS_DIRECTORY] = "EIO";

	xenbus_dev_changed(FAKE_BUS_ROOT "/vif/0", &fake_bus_type);
	xenbus_dev_changed(FAKE_BUS_ROOT "/vif", &fake_bus_type);
	xenbus_dev_changed(FAKE_BUS_ROOT, &fake_bus_type);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-0"));
}

/* === Removed and made again === */

static int bus_connect(struct fake_bus *fake, struct xenbus_device *xendev)
{
	xenbus_switch_state(xendev, XenbusStateConnected);
	return 0;
}

/* What a driver does that waits for its peer to close. */
static void bus_close(struct fake_bus *fake, struct xenbus_device *xendev)
{
	fake->result = xenbus_read_driver_state(xendev, xendev->otherend);
	/* A driver of an earlier kernel does not say which device it has. */
	fake->result += xenbus_read_driver_state(xendev->otherend);
	xenbus_switch_state(xendev, XenbusStateClosing);
}

static void node_made_again_replaces_the_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *old;

	fake->probe_hook = bus_connect;
	fake_bus_add_driver(fake);
	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	old = fake_bus_device(fake, "vif-0");
	fake->probe_hook = NULL;

	fake_bus_rm_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "0");
	xenbus_dev_changed(FAKE_BUS_ROOT "/vif/0/state", &fake_bus_type);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	KUNIT_EXPECT_EQ(test, fake->removes, 1);
	KUNIT_EXPECT_EQ(test, fake->probes, 2);
	KUNIT_EXPECT_PTR_NE(test, fake_bus_device(fake, "vif-0"), old);
}

static void node_with_another_peer_replaces_the_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_driver(fake);
	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);

	fake_bus_set(fake->store, "4", FAKE_BUS_ROOT "/vif/0/backend-id");
	xenbus_dev_changed(FAKE_BUS_ROOT "/vif/0", &fake_bus_type);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	KUNIT_EXPECT_EQ(test, fake->probes, 2);
	KUNIT_EXPECT_EQ(test, fake_bus_device(fake, "vif-0")->otherend_id, 4);
}

static void device_that_is_still_new_is_not_replaced(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_driver(fake);
	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);

	xenbus_dev_changed(FAKE_BUS_ROOT "/vif/0", &fake_bus_type);
	xenbus_dev_changed(FAKE_BUS_ROOT "/vif/0/state", &fake_bus_type);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	KUNIT_EXPECT_EQ(test, fake->probes, 1);
	KUNIT_EXPECT_EQ(test, fake->removes, 0);
}

static void replaced_device_leaves_its_successor_alone(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake->probe_hook = bus_connect;
	fake->remove_hook = bus_close;
	fake_bus_add_driver(fake);
	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_EQ(test, xenbus_probe_devices(&fake_bus_type), 0);
	fake->probe_hook = NULL;

	fake_bus_rm_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "0");
	fake_bus_set(fake->store, "2", "/peer/vif/0/state");
	xenbus_dev_changed(FAKE_BUS_ROOT "/vif/0/state", &fake_bus_type);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());

	/* The state of the new peer was not taken for that of the old one. */
	KUNIT_EXPECT_EQ(test, fake->result, XenbusStateUnknown);
	KUNIT_EXPECT_STREQ(test,
			   fake_bus_get(fake->store,
					FAKE_BUS_ROOT "/vif/0/state"), "1");
	KUNIT_EXPECT_EQ(test, fake->probes, 2);
}

/* === Binding elsewhere === */

/* The probe of a driver that needs the dispatcher, while its node vanishes. */
static int bus_vanish_and_flush(struct fake_bus *fake,
				struct xenbus_device *xendev)
{
	fake->probe_hook = NULL;
	fake_bus_rm_node(fake, "vif", "0");
	fake->result = fake_bus_flush();
	return 0;
}

static void node_removed_during_probe_does_not_block_callbacks(struct kunit *t)
{
	struct fake_bus *fake = t->priv;

	fake_bus_watch(fake);
	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_TRUE(t, fake_bus_flush());
	fake->probe_hook = bus_vanish_and_flush;

	fake_bus_add_driver(fake);

	KUNIT_EXPECT_TRUE(t, fake->result);
	KUNIT_EXPECT_TRUE(t, fake_wait_until(!fake_bus_has_device("vif-0")));
	KUNIT_EXPECT_TRUE(t, fake_bus_flush());
	KUNIT_EXPECT_EQ(t, fake->probes, fake->removes);
}

/* As above, and by the end of the probe there is a new device. */
static int bus_reappear_and_flush(struct fake_bus *fake,
				  struct xenbus_device *xendev)
{
	fake->probe_hook = NULL;
	xenbus_switch_state(xendev, XenbusStateInitialised);
	fake_bus_rm_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "0");
	fake->result = fake_bus_flush();
	return 0;
}

static void node_made_again_during_probe_is_probed_again(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_watch(fake);
	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	fake->probe_hook = bus_reappear_and_flush;

	fake_bus_add_driver(fake);

	KUNIT_EXPECT_TRUE(test, fake->result);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(READ_ONCE(fake->probes) == 2));
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-0"));
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
}

static struct kunit_case bus_cases[] = {
	KUNIT_CASE(enumerate_adds_a_device_per_node),
	KUNIT_CASE(enumerate_twice_adds_nothing),
	KUNIT_CASE(enumerate_asks_once_per_node),
	KUNIT_CASE(enumerate_waits_once_per_level),
	KUNIT_CASE(enumerate_leaves_out_what_the_bus_skips),
	KUNIT_CASE(enumerate_finds_more_than_fit_into_a_message),
	KUNIT_CASE(enumerate_goes_on_after_a_node_without_a_name),
	KUNIT_CASE(enumerate_refuses_a_second_node_of_the_same_name),
	KUNIT_CASE_PARAM(node_that_is_not_new_is_no_device,
			 bus_old_state_gen_params),
	KUNIT_CASE(probe_node_without_memory_leaves_nothing),
	KUNIT_CASE(event_of_a_new_node_adds_the_device),
	KUNIT_CASE(event_of_a_removed_node_removes_the_device),
	KUNIT_CASE(event_of_a_removed_type_removes_its_devices),
	KUNIT_CASE(event_of_the_root_finds_what_appeared_and_vanished),
	KUNIT_CASE_PARAM(event_of_a_path_that_is_no_device_is_ignored,
			 bus_foreign_path_gen_params),
	KUNIT_CASE(event_deep_below_a_new_node_adds_the_device),
	KUNIT_CASE(event_of_a_drivers_own_node_asks_nothing),
	KUNIT_CASE(store_that_fails_does_not_cost_devices),
	KUNIT_CASE(node_made_again_replaces_the_device),
	KUNIT_CASE(node_with_another_peer_replaces_the_device),
	KUNIT_CASE(device_that_is_still_new_is_not_replaced),
	KUNIT_CASE(replaced_device_leaves_its_successor_alone),
	KUNIT_CASE(node_removed_during_probe_does_not_block_callbacks),
	KUNIT_CASE(node_made_again_during_probe_is_probed_again),
	{}
};

static struct kunit_suite bus_suite = {
	.name = "xenbus_bus",
	.init = bus_init,
	.test_cases = bus_cases,
};

kunit_test_suite(bus_suite);
