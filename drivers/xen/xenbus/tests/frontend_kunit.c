// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what is particular to the bus of frontends.
 *
 * The bus registers itself, and stays without devices in these kernels.
 *
 * Copyright (C) 2026 The xenbus authors
 */
/* First, because it says how its messages begin. */
#include "../bus_frontend.c"

#include <kunit/test.h>

#include "fake_bus.h"

/* === Names === */

struct frontend_name {
	const char *nodename;
	int err;
	const char *name;
};

static const struct frontend_name frontend_names[] = {
	{ "device/vif/0", 0, "vif-0" },
	{ "device/vbd/51712", 0, "vbd-51712" },
	{ "device/v/345678901234567", 0, "v-345678901234567" },
	{ "device/vif/567890123456789", 0, "vif-567890123456789" },
	{ "device/vif/5678901234567890", -EINVAL },
	{ "device/vif", -EINVAL },
	{ "device", -EINVAL },
	{ "", -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(frontend_name, frontend_names, nodename);

static void name_is_type_and_id_if_it_fits(struct kunit *test)
{
	const struct frontend_name *c = test->param_value;
	char bus_id[XEN_BUS_ID_SIZE];

	KUNIT_EXPECT_EQ(test, frontend_bus_id(bus_id, c->nodename), c->err);
	if (!c->err)
		KUNIT_EXPECT_STREQ(test, bus_id, c->name);
}

static void first_console_is_no_device(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, frontend_is_boot_console("device/console/0"));
	KUNIT_EXPECT_FALSE(test, frontend_is_boot_console("device/console/1"));
	KUNIT_EXPECT_FALSE(test, frontend_is_boot_console("device/vif/0"));
}

/* === Waiting for devices === */

static void frontend_release(struct device *dev)
{
}

/* The server's quota of watches is the drivers'. */
static void report_of_a_device_that_waits_sets_no_watch(struct kunit *test)
{
	struct fake_store *store = fake_bus_store_create(test);
	struct xenbus_device *xendev;

	xendev = kunit_kzalloc(test, sizeof(*xendev), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, xendev);
	device_initialize(&xendev->dev);
	xendev->dev.release = frontend_release;
	xendev->nodename = "device/vif/0";
	xendev->otherend = "/peer/vif/0";
	xendev->state = XenbusStateInitialising;
	fake_bus_set(store, "2", "/peer/vif/0/state");

	KUNIT_EXPECT_EQ(test, frontend_peer_state(xendev), XenbusStateInitWait);
	frontend_report_states(xendev);
	KUNIT_EXPECT_EQ(test, fake_store_watches(store, NULL), 0);
	put_device(&xendev->dev);
}

/* === Devices of a kernel before this one === */

#define FRONTEND_NODE	"device/vif/0"

/* A backend that follows its frontend, and what states it has seen. */
struct frontend_peer {
	struct xenbus_watch watch;
	struct fake_store *store;
	char seen[8];
	unsigned int num;
};

static void frontend_peer_follow(struct xenbus_watch *watch, const char *path,
				 const char *token)
{
	struct frontend_peer *peer;
	enum xenbus_state state;

	peer = container_of(watch, struct frontend_peer, watch);
	state = xenbus_read_driver_state(NULL, FRONTEND_NODE);
	if (peer->num < sizeof(peer->seen) - 1)
		peer->seen[peer->num++] = '0' + state;
	if (state == XenbusStateInitialising)
		fake_bus_set(peer->store, "2", "/peer/state");
	else if (state == XenbusStateClosing)
		fake_bus_set(peer->store, "5", "/peer/state");
	else if (state == XenbusStateClosed)
		fake_bus_set(peer->store, "6", "/peer/state");
}

struct frontend_left {
	const char *frontend;
	const char *backend;
	const char *seen;
	const char *desc;
};

/* The first state that is seen is the one that the kernel before left. */
static const struct frontend_left frontend_lefts[] = {
	{ "4", "4", "4561", "connected" },
	{ "4", "5", "461", "connected, the backend closes" },
	{ "6", "6", "61", "closed" },
	{ "4", "2", "4", "the backend waits" },
	{ "1", "2", "1", "new" },
	{ "5", "4", "5", "closing" },
};

KUNIT_ARRAY_PARAM_DESC(frontend_left, frontend_lefts, desc);

static void device_left_behind_is_led_back(struct kunit *test)
{
	const struct frontend_left *c = test->param_value;
	struct frontend_peer peer = {
		.watch.node = FRONTEND_NODE "/state",
		.watch.callback = frontend_peer_follow,
	};

	peer.store = fake_bus_store_create(test);
	fake_bus_set(peer.store, "/peer", FRONTEND_NODE "/backend");
	fake_bus_set(peer.store, c->frontend, FRONTEND_NODE "/state");
	KUNIT_ASSERT_EQ(test, register_xenbus_watch(&peer.watch), 0);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	fake_bus_set(peer.store, c->backend, "/peer/state");

	frontend_reset_all();

	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_STREQ(test, peer.seen, c->seen);
	unregister_xenbus_watch(&peer.watch);
	KUNIT_EXPECT_EQ(test, fake_store_watches(peer.store, NULL), 0);
}

static struct kunit_case frontend_cases[] = {
	KUNIT_CASE_PARAM(name_is_type_and_id_if_it_fits,
			 frontend_name_gen_params),
	KUNIT_CASE(first_console_is_no_device),
	KUNIT_CASE(report_of_a_device_that_waits_sets_no_watch),
	KUNIT_CASE_PARAM(device_left_behind_is_led_back,
			 frontend_left_gen_params),
	{}
};

static struct kunit_suite frontend_suite = {
	.name = "xenbus_frontend",
	.test_cases = frontend_cases,
};

kunit_test_suite(frontend_suite);
