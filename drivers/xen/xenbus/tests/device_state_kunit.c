// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what drivers say to their peers through the store.
 *
 * The device is on no bus: these functions need its paths and its state only.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <xen/xenbus.h>

#include "fake_bus.h"

#define CLIENT_NODE	"ktest/vif/0"
#define CLIENT_STATE	CLIENT_NODE "/state"
#define CLIENT_ERROR	"error/" CLIENT_NODE "/error"

struct client {
	struct fake_store *store;
	struct xenbus_device xendev;
	const struct fake_peer_ops *ops;	/* the store's own */
	const char *end_error;			/* what END gets, or NULL */
	enum xenbus_state state_at_end;		/* of xendev, as END arrived */
};

static int client_init(struct kunit *test)
{
	struct client *client;

	client = kunit_kzalloc(test, sizeof(*client), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, client);
	client->store = fake_bus_store_create(test);
	client->xendev.nodename = CLIENT_NODE;
	client->xendev.dev.init_name = "vif-0";
	client->xendev.state = XenbusStateInitialising;
	init_completion(&client->xendev.down);
	fake_bus_set(client->store, "1", CLIENT_STATE);
	test->priv = client;
	return 0;
}

/* === States === */

struct client_name {
	int state;
	const char *name;
};

static const struct client_name client_names[] = {
	{ 0, "Unknown" },
	{ 1, "Initialising" },
	{ 2, "InitWait" },
	{ 3, "Initialised" },
	{ 4, "Connected" },
	{ 5, "Closing" },
	{ 6, "Closed" },
	{ 7, "Reconfiguring" },
	{ 8, "Reconfigured" },
	{ 9, "INVALID" },
	{ -1, "INVALID" },
	{ INT_MIN, "INVALID" },
};

static void client_name_desc(const struct client_name *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "state %d", c->state);
}

KUNIT_ARRAY_PARAM(client_name, client_names, client_name_desc);

static void state_has_a_name_whatever_it_is(struct kunit *test)
{
	const struct client_name *c = test->param_value;

	KUNIT_EXPECT_STREQ(test, xenbus_strstate(c->state), c->name);
}

static void read_of_a_missing_state_is_unknown(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xenbus_read_driver_state(NULL, "ktest/vif/1"),
			XenbusStateUnknown);
}

static void read_of_a_state_that_is_no_number_is_unknown(struct kunit *test)
{
	struct client *client = test->priv;

	fake_bus_set(client->store, "Connected", CLIENT_STATE);

	KUNIT_EXPECT_EQ(test, xenbus_read_driver_state(NULL, CLIENT_NODE),
			XenbusStateUnknown);
}

static void read_of_an_unheard_of_state_gives_what_was_written(struct kunit *t)
{
	struct client *client = t->priv;

	fake_bus_set(client->store, "4711", CLIENT_STATE);

	KUNIT_EXPECT_EQ(t, (int)xenbus_read_driver_state(NULL, CLIENT_NODE), 4711);
}

static void switch_writes_the_state(struct kunit *test)
{
	struct client *client = test->priv;
	int err;

	err = xenbus_switch_state(&client->xendev, XenbusStateConnected);

	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateConnected);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "4");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(client->store), 0);
}

static void switch_waits_three_times(struct kunit *test)
{
	struct client *client = test->priv;
	unsigned long waits = current->nvcsw;

	xenbus_switch_state(&client->xendev, XenbusStateConnected);

	KUNIT_EXPECT_LE(test, current->nvcsw - waits, 3);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "4");
}

static void switch_to_the_same_state_asks_nothing(struct kunit *test)
{
	struct client *client = test->priv;
	unsigned int before = fake_peer_count(&client->store->peer);

	xenbus_switch_state(&client->xendev, XenbusStateInitialising);

	KUNIT_EXPECT_EQ(test, fake_peer_count(&client->store->peer), before);
}

static void switch_without_a_node_does_not_bring_it_back(struct kunit *test)
{
	struct client *client = test->priv;

	fake_store_rm(client->store, FAKE_STORE_HOME "/" CLIENT_NODE);

	xenbus_switch_state(&client->xendev, XenbusStateClosed);

	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateClosed);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "(none)");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(client->store), 0);
}

static void switch_with_conflicts_is_repeated(struct kunit *test)
{
	struct client *client = test->priv;

	client->store->conflicts = 3;

	xenbus_switch_state(&client->xendev, XenbusStateConnected);

	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "4");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_ERROR),
			   "(none)");
}

static void switch_that_is_refused_is_reported_and_returns_0(struct kunit *test)
{
	struct client *client = test->priv;
	int err;

	client->store->refuse[XS_TRANSACTION_START] = "ENOSPC";

	err = xenbus_switch_state(&client->xendev, XenbusStateConnected);

	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateInitialising);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_ERROR),
			   "28 starting transaction");
}

static void switch_whose_write_is_refused_is_reported(struct kunit *test)
{
	struct client *client = test->priv;

	client->store->refuse[XS_WRITE] = "EACCES";

	xenbus_switch_state(&client->xendev, XenbusStateConnected);

	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateInitialising);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "1");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(client->store), 0);
}

/* As when the directory of a guest is gone, where it may write nothing. */
static void switch_without_a_node_cares_for_no_refusal(struct kunit *test)
{
	struct client *client = test->priv;

	fake_store_rm(client->store, FAKE_STORE_HOME "/" CLIENT_NODE);
	client->store->refuse[XS_WRITE] = "EACCES";

	xenbus_switch_state(&client->xendev, XenbusStateClosed);

	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateClosed);
	KUNIT_EXPECT_EQ(test, fake_store_transactions(client->store), 0);
}

static void switch_does_not_overwrite_the_state_of_a_new_device(struct kunit *test)
{
	struct client *client = test->priv;

	client->xendev.state = XenbusStateConnected;

	xenbus_switch_state(&client->xendev, XenbusStateClosing);

	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "1");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_ERROR),
			   "(none)");
	KUNIT_EXPECT_EQ(test, fake_store_transactions(client->store), 0);
}

/* As a driver wants that goes on until its device has a state. */
static void switch_of_a_replaced_device_changes_its_own_state(struct kunit *test)
{
	struct client *client = test->priv;

	client->xendev.state = XenbusStateConnected;

	xenbus_switch_state(&client->xendev, XenbusStateClosing);

	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateClosing);
}

/* Or the bus would take the new device's directory for its. */
static void replaced_device_does_not_become_initialising(struct kunit *test)
{
	struct client *client = test->priv;

	client->xendev.state = XenbusStateClosed;

	xenbus_switch_state(&client->xendev, XenbusStateInitialising);

	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateClosed);
}

/* The state of the device at the moment at which the store takes its own. */
static void client_receive(struct fake_peer *peer,
			   const struct fake_message *msg)
{
	struct client *client = peer->test->priv;

	if (msg->hdr.type == XS_TRANSACTION_END) {
		client->state_at_end = READ_ONCE(client->xendev.state);
		client->store->refuse[XS_TRANSACTION_END] = client->end_error;
	}
	client->ops->receive(peer, msg);
}

static const struct fake_peer_ops client_ops = {
	.receive = client_receive,
};

static void client_spy(struct client *client)
{
	client->ops = client->store->peer.ops;
	client->store->peer.ops = &client_ops;
}

/* Or the bus would take the device for replaced by a new one. */
static void switch_back_is_published_before_the_store_has_it(struct kunit *test)
{
	struct client *client = test->priv;

	client->xendev.state = XenbusStateClosed;
	fake_bus_set(client->store, "6", CLIENT_STATE);
	client_spy(client);

	xenbus_switch_state(&client->xendev, XenbusStateInitialising);

	KUNIT_EXPECT_EQ(test, client->state_at_end, XenbusStateInitialising);
	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateInitialising);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "1");
}

static void switch_forth_is_published_after_the_store_has_it(struct kunit *test)
{
	struct client *client = test->priv;

	client_spy(client);

	xenbus_switch_state(&client->xendev, XenbusStateInitWait);

	KUNIT_EXPECT_EQ(test, client->state_at_end, XenbusStateInitialising);
	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateInitWait);
}

static void switch_back_that_is_refused_is_taken_back(struct kunit *test)
{
	struct client *client = test->priv;

	client->xendev.state = XenbusStateClosed;
	fake_bus_set(client->store, "6", CLIENT_STATE);
	client->end_error = "EIO";
	client_spy(client);

	xenbus_switch_state(&client->xendev, XenbusStateInitialising);

	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateClosed);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "6");
}

static void switch_of_a_vanished_device_writes_nothing(struct kunit *test)
{
	struct client *client = test->priv;

	client->xendev.vanished = true;

	xenbus_switch_state(&client->xendev, XenbusStateClosed);

	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateClosed);
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "1");
}

static void frontend_closed_wakes_who_waits(struct kunit *test)
{
	struct client *client = test->priv;

	KUNIT_EXPECT_EQ(test, xenbus_frontend_closed(&client->xendev), 0);

	KUNIT_EXPECT_TRUE(test, completion_done(&client->xendev.down));
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "6");
}

/* === Errors === */

static void error_is_left_in_the_store(struct kunit *test)
{
	struct client *client = test->priv;

	xenbus_dev_error(&client->xendev, -ENOENT, "no %s for %d", "ring", 7);

	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_ERROR),
			   "2 no ring for 7");
	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateInitialising);
}

static void error_that_is_very_long_is_cut(struct kunit *test)
{
	struct client *client = test->priv;
	const char *text;

	xenbus_dev_error(&client->xendev, -EIO, "%05000d", 1);

	text = fake_bus_get(client->store, CLIENT_ERROR);
	KUNIT_EXPECT_EQ(test, strlen(text), 1000);
}

static void fatal_error_closes_the_device(struct kunit *test)
{
	struct client *client = test->priv;

	xenbus_dev_fatal(&client->xendev, -EINVAL, "bad ring");

	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_ERROR),
			   "22 bad ring");
	KUNIT_EXPECT_STREQ(test, fake_bus_get(client->store, CLIENT_STATE),
			   "5");
}

/* === Watches === */

static void client_fired(struct xenbus_watch *watch, const char *path,
			 const char *token)
{
}

static void watch_path_can_be_put_together(struct kunit *test)
{
	struct client *client = test->priv;
	struct xenbus_watch watch = {};
	int err;

	err = xenbus_watch_pathfmt(&client->xendev, &watch, NULL, client_fired,
				   "/peer/%s/%d", "vif", 7);

	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_EXPECT_STREQ(test, watch.node, "/peer/vif/7");
	KUNIT_EXPECT_EQ(test, fake_store_watches(client->store, "/peer/vif/7"),
			1);
	unregister_xenbus_watch(&watch);
	kfree(watch.node);
}

static void watch_that_is_refused_leaves_no_path(struct kunit *test)
{
	struct client *client = test->priv;
	struct xenbus_watch watch = {};
	int err;

	client->store->refuse[XS_WATCH] = "ENOSPC";

	err = xenbus_watch_pathfmt(&client->xendev, &watch, NULL, client_fired,
				   "/peer/%s", "vif");

	KUNIT_EXPECT_EQ(test, err, -ENOSPC);
	KUNIT_EXPECT_PTR_EQ(test, watch.node, NULL);
	KUNIT_EXPECT_EQ(test, client->xendev.state, XenbusStateClosing);
}

/* === Values === */

static void read_result_that_is_empty_is_an_error(struct kunit *test)
{
	char *empty = kstrdup("", GFP_KERNEL);
	char *some = kstrdup("x", GFP_KERNEL);

	KUNIT_EXPECT_TRUE(test, XENBUS_IS_ERR_READ(empty));
	KUNIT_EXPECT_EQ(test, PTR_ERR(empty), -ERANGE);
	KUNIT_EXPECT_FALSE(test, XENBUS_IS_ERR_READ(some));
	kfree(some);
}

static struct kunit_case client_cases[] = {
	KUNIT_CASE_PARAM(state_has_a_name_whatever_it_is,
			 client_name_gen_params),
	KUNIT_CASE(read_of_a_missing_state_is_unknown),
	KUNIT_CASE(read_of_a_state_that_is_no_number_is_unknown),
	KUNIT_CASE(read_of_an_unheard_of_state_gives_what_was_written),
	KUNIT_CASE(switch_writes_the_state),
	KUNIT_CASE(switch_waits_three_times),
	KUNIT_CASE(switch_to_the_same_state_asks_nothing),
	KUNIT_CASE(switch_without_a_node_does_not_bring_it_back),
	KUNIT_CASE(switch_with_conflicts_is_repeated),
	KUNIT_CASE(switch_that_is_refused_is_reported_and_returns_0),
	KUNIT_CASE(switch_whose_write_is_refused_is_reported),
	KUNIT_CASE(switch_without_a_node_cares_for_no_refusal),
	KUNIT_CASE(switch_does_not_overwrite_the_state_of_a_new_device),
	KUNIT_CASE(switch_of_a_replaced_device_changes_its_own_state),
	KUNIT_CASE(replaced_device_does_not_become_initialising),
	KUNIT_CASE(switch_back_is_published_before_the_store_has_it),
	KUNIT_CASE(switch_forth_is_published_after_the_store_has_it),
	KUNIT_CASE(switch_back_that_is_refused_is_taken_back),
	KUNIT_CASE(switch_of_a_vanished_device_writes_nothing),
	KUNIT_CASE(frontend_closed_wakes_who_waits),
	KUNIT_CASE(error_is_left_in_the_store),
	KUNIT_CASE(error_that_is_very_long_is_cut),
	KUNIT_CASE(fatal_error_closes_the_device),
	KUNIT_CASE(watch_path_can_be_put_together),
	KUNIT_CASE(watch_that_is_refused_leaves_no_path),
	KUNIT_CASE(read_result_that_is_empty_is_an_error),
	{}
};

static struct kunit_suite client_suite = {
	.name = "xenbus_client",
	.init = client_init,
	.test_cases = client_cases,
};

kunit_test_suite(client_suite);
