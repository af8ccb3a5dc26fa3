// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of devices whose peers are in different domains, which do not wait for
 * each other, of devices of one peer, which do, and of the table in which the bus
 * finds them.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/device.h>

#include "fake_bus.h"
#include "fake_conn.h"
#include "xenbus_store.h"

#define BUS_STUCK	"vif-0"
#define BUS_OTHER_PEER	(FAKE_BUS_PEER + 1)

static int bus_queue_init(struct kunit *test)
{
	struct fake_bus *fake = fake_bus_create(test);

	test->priv = fake;
	fake_bus_add_driver(fake);
	fake_bus_watch(fake);
	return 0;
}

static void bus_queue_let_go(void *data)
{
	struct fake_bus *fake = data;

	complete_all(&fake->leave);
}

/* The first state of one device's peer that is not the initial one is stuck. */
static void bus_queue_stick(struct fake_bus *fake, struct xenbus_device *xendev,
			    enum xenbus_state state)
{
	if (strcmp(dev_name(&xendev->dev), BUS_STUCK) ||
	    state == XenbusStateInitialising)
		return;
	fake->otherend_hook = NULL;
	complete(&fake->entered);
	wait_for_completion(&fake->leave);
}

static void bus_queue_await(struct kunit *test, struct completion *done)
{
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(done,
							  FAKE_CALL_TIMEOUT), 0);
}

/* There is a device whose driver's callback does what the hook does. */
static struct xenbus_device *
bus_queue_occupy(struct kunit *test, void (*hook)(struct fake_bus *fake,
						  struct xenbus_device *xendev,
						  enum xenbus_state state))
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev;

	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	xendev = fake_bus_device(fake, BUS_STUCK);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bus_queue_let_go,
							fake), 0);
	fake->otherend_hook = hook;
	fake_bus_set(fake->store, "2", "/peer/vif/0/state");
	bus_queue_await(test, &fake->entered);
	return xendev;
}

/* === Devices beside a device that is stuck === */

static void stuck_driver_does_not_delay_a_new_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	bus_queue_occupy(test, bus_queue_stick);
	fake_bus_add_node_of(fake, "vif", "1", BUS_OTHER_PEER);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(fake->probes) == 2));
	KUNIT_EXPECT_FALSE(test, completion_done(&fake->leave));
}

static void stuck_driver_does_not_delay_the_states_of_others(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	unsigned int before;

	fake_bus_add_node_of(fake, "vif", "1", BUS_OTHER_PEER);
	bus_queue_occupy(test, bus_queue_stick);
	before = READ_ONCE(fake->num_states);
	fake_bus_set(fake->store, "4", "/peer/vif/1/state");
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(fake->num_states) >
						before));
	KUNIT_EXPECT_EQ(test, fake->states[before], XenbusStateConnected);
}

static void stuck_driver_does_not_delay_removals_of_others(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node_of(fake, "vif", "1", BUS_OTHER_PEER);
	bus_queue_occupy(test, bus_queue_stick);
	fake_bus_rm_node(fake, "vif", "1");
	KUNIT_EXPECT_TRUE(test, fake_wait_until(!fake_bus_has_device("vif-1")));
	/* Its own waits for it. */
	fake_bus_rm_node(fake, "vif", "0");
	fake_bus_add_node_of(fake, "vif", "2", BUS_OTHER_PEER);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(fake_bus_has_device("vif-2")));
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device(BUS_STUCK));
	complete_all(&fake->leave);
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device(BUS_STUCK));
}

/* === Order among the devices of one peer === */

static void states_of_one_peer_come_in_order(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "vif", "1");
	bus_queue_occupy(test, bus_queue_stick);
	fake->num_states = 0;
	fake_bus_set(fake->store, "4", "/peer/vif/1/state");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush_default());
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->num_states), 0);
	complete_all(&fake->leave);
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_GE(test, fake->num_states, 1);
}

static void probe_waits_for_a_removal_of_the_same_peer(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	bus_queue_occupy(test, bus_queue_stick);
	fake_bus_rm_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "1");
	fake_bus_add_node_of(fake, "vif", "2", BUS_OTHER_PEER);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(fake_bus_has_device("vif-2")));
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device("vif-1"));
	complete_all(&fake->leave);
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device(BUS_STUCK));
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-1"));
}

static unsigned int bus_queue_count(void)
{
	struct xs_queues *queues = bus_queues();
	unsigned int n;

	spin_lock(&queues->lock);
	n = list_count_nodes(&queues->others);
	spin_unlock(&queues->lock);
	return n;
}

/* Such as a disk that is served by a process: each event would start a kthread. */
static void event_of_a_directory_that_is_no_device_makes_no_queue(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev = bus_queue_occupy(test, bus_queue_stick);
	unsigned int before = bus_queue_count();

	fake_bus_set(fake->store, __stringify(FAKE_BUS_PEER),
		     FAKE_BUS_ROOT "/vif/1/backend-id");
	fake_bus_set(fake->store, "4", FAKE_BUS_ROOT "/vif/1/state");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush_default());
	KUNIT_EXPECT_EQ(test, bus_queue_count(), before);
	KUNIT_EXPECT_TRUE(test, list_empty(&xendev->queue->items));
}

/* A toolstack need not write all of a device at once, but the state comes last. */
static void peer_that_is_written_late_counts(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_set(fake->store, "1", "/peer/vif/1/state");
	fake_bus_set(fake->store, "/peer/vif/1", FAKE_BUS_ROOT "/vif/1/backend");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	fake_bus_add_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "1");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_PTR_EQ(test, fake_bus_device(fake, "vif-0")->queue,
			    fake_bus_device(fake, "vif-1")->queue);
	KUNIT_EXPECT_EQ(test, fake_bus_device(fake, "vif-1")->queue->id,
			FAKE_BUS_PEER);
}

/* Nothing of a device is called before its probe has returned. */
static int bus_queue_probe_slowly(struct fake_bus *fake,
				  struct xenbus_device *xendev)
{
	fake->probe_hook = NULL;
	complete(&fake->entered);
	wait_for_completion(&fake->leave);
	fake->result = READ_ONCE(fake->num_states);
	return 0;
}

static void callback_waits_for_the_probe_of_a_new_device(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "vif", "1");
	KUNIT_ASSERT_TRUE(test, fake_wait_until(READ_ONCE(fake->num_states)));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, bus_queue_let_go,
							fake), 0);
	fake->num_states = 0;
	fake->probe_hook = bus_queue_probe_slowly;
	fake_bus_add_node(fake, "vif", "0");
	bus_queue_await(test, &fake->entered);
	fake_bus_set(fake->store, "4", "/peer/vif/1/state");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush_default());
	complete_all(&fake->leave);
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_EQ(test, fake->result, 0);
	KUNIT_EXPECT_GE(test, fake->num_states, 1);
}

static void events_of_a_new_device_are_one_probe(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *xendev;
	unsigned int items;

	xendev = bus_queue_occupy(test, bus_queue_stick);
	fake_bus_add_node(fake, "vif", "1");
	fake_bus_set(fake->store, "x", FAKE_BUS_ROOT "/vif/1/handle");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush_default());
	items = list_count_nodes(&xendev->queue->items);
	KUNIT_EXPECT_EQ(test, items, 1);
	complete_all(&fake->leave);
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device("vif-1"));
}

static void serial_devices_of_all_peers_share_a_queue(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "pci", "0");
	fake_bus_add_node_of(fake, "pci", "1", BUS_OTHER_PEER);
	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_PTR_EQ(test, fake_bus_device(fake, "pci-0")->queue,
			    fake_bus_device(fake, "pci-1")->queue);
	KUNIT_EXPECT_PTR_NE(test, fake_bus_device(fake, "pci-0")->queue,
			    fake_bus_device(fake, "vif-0")->queue);
}

/* === Who removes a device === */

/* As drivers of backends do when their frontend has gone. */
static void bus_queue_give_up(struct fake_bus *fake,
			      struct xenbus_device *xendev,
			      enum xenbus_state state)
{
	if (state == XenbusStateInitialising)
		return;
	fake->otherend_hook = NULL;
	complete(&fake->entered);
	wait_for_completion(&fake->leave);
	device_unregister(&xendev->dev);
}

static void device_is_removed_once_by_driver_and_toolstack(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	bus_queue_occupy(test, bus_queue_give_up);
	fake_bus_rm_node(fake, "vif", "0");
	complete_all(&fake->leave);
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device(BUS_STUCK));
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
}

static void node_made_again_while_its_driver_leaves_is_probed(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct xenbus_device *old = bus_queue_occupy(test, bus_queue_give_up);

	/* As drivers of backends have it: unbinding leaves the node alone. */
	fake->driver.allow_rebind = true;
	fake_bus_rm_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "0");
	complete_all(&fake->leave);
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_EQ(test, fake->probes, 2);
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
	KUNIT_EXPECT_PTR_NE(test, fake_bus_device(fake, BUS_STUCK), old);
}

static void node_that_its_driver_left_can_be_used_again(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	bus_queue_occupy(test, bus_queue_give_up);
	fake_bus_set(fake->store, "6", FAKE_BUS_ROOT "/vif/0/state");
	complete_all(&fake->leave);
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_FALSE(test, fake_bus_has_device(BUS_STUCK));
	fake_bus_set(fake->store, "1", FAKE_BUS_ROOT "/vif/0/state");
	KUNIT_EXPECT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_TRUE(test, fake_bus_has_device(BUS_STUCK));
}

/* A task that removes a device outside of its queue, and is held up in it. */
struct bus_queue_removal {
	struct notifier_block nb;
	unsigned long where;	/* it is held up: a BUS_NOTIFY_* */
	struct fake_bus *fake;
	struct xenbus_device *xendev;
};

static int bus_queue_hold_removal(struct notifier_block *nb,
				  unsigned long action, void *dev)
{
	struct bus_queue_removal *removal;
	struct fake_bus *fake;

	removal = container_of(nb, struct bus_queue_removal, nb);
	fake = removal->fake;
	if (action == removal->where && !completion_done(&fake->leave)) {
		complete(&fake->entered);
		wait_for_completion(&fake->leave);
	}
	return NOTIFY_DONE;
}

static int bus_queue_remove(void *data)
{
	struct bus_queue_removal *removal = data;

	device_unregister(&removal->xendev->dev);
	return 0;
}

static void bus_queue_release_removal(void *data)
{
	struct bus_queue_removal *removal = data;

	complete_all(&removal->fake->leave);
}

static void bus_queue_unregister_notifier(void *nb)
{
	bus_unregister_notifier(&fake_bus_type.bus, nb);
}

/* A task removes the device, and is held at WHERE until fake->leave. */
static struct fake_call *bus_queue_hold(struct kunit *test, unsigned long where)
{
	struct bus_queue_removal *removal;
	struct fake_bus *fake = test->priv;
	struct fake_call *call;

	removal = kunit_kzalloc(test, sizeof(*removal), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, removal);
	removal->where = where;
	fake->driver.allow_rebind = true;
	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	removal->fake = fake;
	removal->xendev = fake_bus_device(fake, BUS_STUCK);
	removal->nb.notifier_call = bus_queue_hold_removal;
	KUNIT_ASSERT_EQ(test, bus_register_notifier(&fake_bus_type.bus,
						    &removal->nb), 0);
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test,
						  bus_queue_unregister_notifier,
						  &removal->nb), 0);
	call = fake_call_start(test, bus_queue_remove, removal,
			       bus_queue_release_removal);
	bus_queue_await(test, &fake->entered);
	return call;
}

static const bool bus_queue_seen_gone[] = { false, true };

static void bus_queue_seen_gone_desc(const bool *seen, char *desc)
{
	strscpy(desc, *seen ? "seen gone before" : "replaced at once",
		KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bus_queue_seen_gone, bus_queue_seen_gone,
		  bus_queue_seen_gone_desc);

static void node_made_again_while_another_task_removes_is_probed(struct kunit *test)
{
	const bool *seen = test->param_value;
	struct fake_bus *fake = test->priv;
	struct fake_call *call;

	call = bus_queue_hold(test, BUS_NOTIFY_DEL_DEVICE);
	fake_bus_rm_node(fake, "vif", "0");
	if (*seen)
		KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	fake_bus_add_node_of(fake, "vif", "0", BUS_OTHER_PEER);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	complete_all(&fake->leave);
	fake_call_result(test, call);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(fake->probes) == 2));
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
}

/* The driver core has told that it is removed, and has not forgotten the name. */
static void node_made_again_while_the_name_is_taken_is_probed_later(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct fake_call *call;

	call = bus_queue_hold(test, BUS_NOTIFY_REMOVED_DEVICE);
	fake_bus_rm_node(fake, "vif", "0");
	fake_bus_add_node_of(fake, "vif", "0", BUS_OTHER_PEER);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush_default());
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake->probes), 1);
	complete_all(&fake->leave);
	fake_call_result(test, call);
	KUNIT_EXPECT_TRUE(test, fake_wait_until(READ_ONCE(fake->probes) == 2));
	KUNIT_EXPECT_EQ(test, fake->removes, 1);
}

/* === Callbacks of one device === */

struct bus_queue_watch {
	struct xenbus_watch watch;
	struct fake_bus *fake;
	struct completion called;
	bool overlapped;
};

static void bus_queue_watched(struct xenbus_watch *watch, const char *path,
			      const char *token)
{
	struct bus_queue_watch *w;

	w = container_of(watch, struct bus_queue_watch, watch);
	w->overlapped = !completion_done(&w->fake->leave);
	complete(&w->called);
}

static void watch_of_a_device_waits_for_its_other_callbacks(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct bus_queue_watch w = { .fake = fake };
	struct xenbus_device *xendev;

	init_completion(&w.called);
	xendev = bus_queue_occupy(test, bus_queue_stick);
	KUNIT_ASSERT_EQ(test, xenbus_watch_path(xendev, "/w", &w.watch, NULL,
						bus_queue_watched), 0);
	KUNIT_EXPECT_TRUE(test,
			  fake_wait_until(READ_ONCE(w.watch.nr_pending) == 1));
	complete_all(&fake->leave);
	bus_queue_await(test, &w.called);
	KUNIT_EXPECT_FALSE(test, w.overlapped);
	unregister_xenbus_watch(&w.watch);
}

/* === The table === */

static void device_is_found_by_its_path(struct kunit *test)
{
	struct fake_bus *fake = test->priv;
	struct bus_device *found;

	fake_bus_add_node(fake, "vif", "0");
	fake_bus_add_node(fake, "vif", "1");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	found = bus_table_find(&fake_bus_type.table, FAKE_BUS_ROOT "/vif/1");
	KUNIT_ASSERT_NOT_NULL(test, found);
	KUNIT_EXPECT_PTR_EQ(test, &found->xendev,
			    fake_bus_device(fake, "vif-1"));
	put_device(&found->xendev.dev);
	KUNIT_EXPECT_PTR_EQ(test, bus_table_find(&fake_bus_type.table,
						 FAKE_BUS_ROOT "/vif"), NULL);
}

static void device_that_is_gone_is_not_found(struct kunit *test)
{
	struct fake_bus *fake = test->priv;

	fake_bus_add_node(fake, "vif", "0");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	fake_bus_rm_node(fake, "vif", "0");
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
	KUNIT_EXPECT_PTR_EQ(test, bus_table_find(&fake_bus_type.table,
						 FAKE_BUS_ROOT "/vif/0"), NULL);
}

static struct kunit_case bus_queue_cases[] = {
	KUNIT_CASE(stuck_driver_does_not_delay_a_new_device),
	KUNIT_CASE(stuck_driver_does_not_delay_the_states_of_others),
	KUNIT_CASE(stuck_driver_does_not_delay_removals_of_others),
	KUNIT_CASE(states_of_one_peer_come_in_order),
	KUNIT_CASE(probe_waits_for_a_removal_of_the_same_peer),
	KUNIT_CASE(event_of_a_directory_that_is_no_device_makes_no_queue),
	KUNIT_CASE(peer_that_is_written_late_counts),
	KUNIT_CASE(callback_waits_for_the_probe_of_a_new_device),
	KUNIT_CASE(events_of_a_new_device_are_one_probe),
	KUNIT_CASE(serial_devices_of_all_peers_share_a_queue),
	KUNIT_CASE(device_is_removed_once_by_driver_and_toolstack),
	KUNIT_CASE(node_made_again_while_its_driver_leaves_is_probed),
	KUNIT_CASE(node_that_its_driver_left_can_be_used_again),
	KUNIT_CASE_PARAM(node_made_again_while_another_task_removes_is_probed,
			 bus_queue_seen_gone_gen_params),
	KUNIT_CASE(node_made_again_while_the_name_is_taken_is_probed_later),
	KUNIT_CASE(watch_of_a_device_waits_for_its_other_callbacks),
	KUNIT_CASE(device_is_found_by_its_path),
	KUNIT_CASE(device_that_is_gone_is_not_found),
	{}
};

static struct kunit_suite bus_queue_suite = {
	.name = "xenbus_queue",
	.init = bus_queue_init,
	.test_cases = bus_queue_cases,
};

kunit_test_suite(bus_queue_suite);
