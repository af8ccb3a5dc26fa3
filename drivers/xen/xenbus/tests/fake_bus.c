// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bus with a driver, on a store made of memory.
 *
 * The store is the kernel's own singleton on top of a fake server; it lives as
 * long as a test. Callbacks of the driver have no argument that leads to the
 * test, so the test that runs is a variable of this file.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/string.h>

#include "fake_bus.h"
#include "xen_transport.h"
#include "xenbus_store.h"

static struct fake_bus *fake_bus_current;

/* The transport's, which is a fake one here. */
enum xenstore_init xen_store_domain_type;

/* === The store === */

static void fake_bus_store_stop(void *unused)
{
	xenbus_store_stop();
}

/**
 * fake_bus_store_create() - make the kernel's store a fake one
 * @test: until its end
 *
 * Context: The test's thread.
 * Return: The server.
 */
struct fake_store *fake_bus_store_create(struct kunit *test)
{
	struct fake_store *store = fake_store_create(test);

	xenbus_store_init(&store->peer.t);
	KUNIT_ASSERT_EQ(test, xenbus_store_start(), 0);
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test, fake_bus_store_stop,
						  NULL), 0);
	return store;
}

/**
 * fake_bus_set() - another client writes a node
 * @store: the store
 * @value: a string
 * @fmt: the path; absolute, or below FAKE_STORE_HOME
 *
 * Context: Process.
 */
void fake_bus_set(struct fake_store *store, const char *value,
		  const char *fmt, ...)
{
	char path[256] = FAKE_STORE_HOME "/";
	size_t home = *fmt == '/' ? 0 : strlen(path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path + home, sizeof(path) - home, fmt, ap);
	va_end(ap);
	fake_store_write(store, path, value, strlen(value));
}

/**
 * fake_bus_get() - look at a node behind the kernel's back
 * @store: the store
 * @fmt: the path; absolute, or below FAKE_STORE_HOME
 *
 * Context: The test's thread.
 * Return: The string, or "(none)".
 */
const char *fake_bus_get(struct fake_store *store, const char *fmt, ...)
{
	char path[256] = FAKE_STORE_HOME "/";
	size_t home = *fmt == '/' ? 0 : strlen(path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path + home, sizeof(path) - home, fmt, ap);
	va_end(ap);
	return fake_store_value(store, path, NULL) ?: "(none)";
}

struct fake_flush {
	struct xenbus_watch watch;
	struct completion done;
};

static void fake_bus_flushed(struct xenbus_watch *watch, const char *path,
			     const char *token)
{
	complete(&container_of(watch, struct fake_flush, watch)->done);
}

/**
 * fake_bus_flush_default() - wait until the default queue has handled all events
 *
 * Events are handled in order, and a watch fires when it is set.
 *
 * Context: Process; not a callback of a watch.
 * Return: false if the queue is stuck.
 */
bool fake_bus_flush_default(void)
{
	struct fake_flush flush = {
		.watch.node = "/flush",
		.watch.callback = fake_bus_flushed,
	};
	bool done;

	init_completion(&flush.done);
	if (register_xenbus_watch(&flush.watch))
		return false;
	done = wait_for_completion_timeout(&flush.done, FAKE_CALL_TIMEOUT);
	unregister_xenbus_watch(&flush.watch);
	return done;
}

/**
 * fake_bus_flush() - wait until all events so far have been handled
 *
 * An event for the bus may lead to a check in the queue of a peer, this to a
 * probe there, and that to an event.
 *
 * Context: Process; not a callback of a watch.
 * Return: false if a queue is stuck.
 */
bool fake_bus_flush(void)
{
	struct xs_queues *queues = &xenbus_watches()->queues;
	bool done = true;
	int i;

	for (i = 0; i < 3 && done; i++)
		done = fake_bus_flush_default() &&
		       fake_wait_until(xs_queues_are_idle(queues));
	return done;
}

/* === The bus === */

/* ktest/vif/0 is vif-0. */
static int fake_bus_id(char bus_id[XEN_BUS_ID_SIZE], const char *nodename)
{
	const char *name = nodename + strlen(FAKE_BUS_ROOT "/");

	if (strscpy(bus_id, name, XEN_BUS_ID_SIZE) < 0)
		return -EINVAL;
	strreplace(bus_id, '/', '-');
	return 0;
}

/* Where the store has it, it is no device. */
static bool fake_bus_skip(const char *nodename)
{
	return str_has_prefix(nodename, FAKE_BUS_ROOT "/skip");
}

static void fake_bus_otherend_changed(struct xenbus_watch *watch,
				      const char *path, const char *token)
{
	xenbus_otherend_changed(watch, path, token, 1);
}

static const char *const fake_bus_serial_types[] = { "pci", NULL };

struct xen_bus_type fake_bus_type = {
	.bus = {
		.name		= "xen-ktest",
		.dev_groups	= xenbus_dev_groups,
		.match		= xenbus_match,
		.probe		= xenbus_dev_probe,
		.remove		= xenbus_dev_remove,
	},
	.root			= FAKE_BUS_ROOT,
	.levels			= 2,
	.otherend_id_node	= "backend-id",
	.peer_node		= "backend-id",
	.serial_types		= fake_bus_serial_types,
	.otherend_changed	= fake_bus_otherend_changed,
	.get_bus_id		= fake_bus_id,
	.skip			= fake_bus_skip,
};

/* === The driver === */

static int fake_bus_read_otherend(struct xenbus_device *xendev)
{
	return xenbus_read_otherend_details(xendev, "backend-id", "backend");
}

static int fake_bus_driver_probe(struct xenbus_device *xendev,
				 const struct xenbus_device_id *id)
{
	struct fake_bus *fake = fake_bus_current;

	fake->probes++;
	return fake->probe_hook ? fake->probe_hook(fake, xendev) : 0;
}

static void fake_bus_driver_remove(struct xenbus_device *xendev)
{
	struct fake_bus *fake = fake_bus_current;

	fake->removes++;
	if (fake->remove_hook)
		fake->remove_hook(fake, xendev);
}

static int fake_bus_driver_suspend(struct xenbus_device *xendev)
{
	fake_bus_current->suspends++;
	return -EBUSY;
}

static int fake_bus_driver_resume(struct xenbus_device *xendev)
{
	fake_bus_current->resumes++;
	return 0;
}

static void fake_bus_driver_otherend(struct xenbus_device *xendev,
				     enum xenbus_state state)
{
	struct fake_bus *fake = fake_bus_current;

	if (fake->num_states < FAKE_BUS_STATES)
		fake->states[fake->num_states++] = state;
	if (fake->otherend_hook)
		fake->otherend_hook(fake, xendev, state);
}

static const struct xenbus_device_id fake_bus_ids[] = {
	{ "vif" }, { "vbd" }, { "pci" }, { "" }
};

static void fake_bus_unregister_driver(void *driver)
{
	xenbus_unregister_driver(driver);
}

/**
 * fake_bus_add_driver() - register the driver until the end of the test
 * @fake: the bus
 *
 * Context: The test's thread.
 */
void fake_bus_add_driver(struct fake_bus *fake)
{
	struct kunit *test = fake->test;

	KUNIT_ASSERT_EQ(test,
			xenbus_register_driver_common(&fake->driver,
						      &fake_bus_type, NULL,
						      NULL), 0);
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test,
						  fake_bus_unregister_driver,
						  &fake->driver), 0);
}

/* === Fixture === */

static void fake_bus_changed(struct xenbus_watch *watch, const char *path,
			     const char *token)
{
	xenbus_dev_changed(path, &fake_bus_type);
}

static void fake_bus_unwatch(void *watch)
{
	unregister_xenbus_watch(watch);
}

/**
 * fake_bus_watch() - follow changes of the store until the end of the test
 * @fake: the bus
 *
 * Context: The test's thread.
 */
void fake_bus_watch(struct fake_bus *fake)
{
	struct kunit *test = fake->test;

	fake->watch.node = FAKE_BUS_ROOT;
	fake->watch.callback = fake_bus_changed;
	KUNIT_ASSERT_EQ(test, register_xenbus_watch(&fake->watch), 0);
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test, fake_bus_unwatch,
						  &fake->watch), 0);
	KUNIT_ASSERT_TRUE(test, fake_bus_flush());
}

static int fake_bus_remove_one(struct device *dev, void *unused)
{
	device_unregister(dev);
	return 0;
}

/*
 * A case may end in the middle of what its last change leads to. A check that is
 * still to come would find the directory of a removed device, and probe it.
 */
static void fake_bus_destroy(void *unused)
{
	struct fake_bus *fake = fake_bus_current;

	memset(fake->store->refuse, 0, sizeof(fake->store->refuse));
	KUNIT_EXPECT_TRUE(fake->test, fake_bus_flush());
	bus_for_each_dev(&fake_bus_type.bus, NULL, NULL, fake_bus_remove_one);
	/* The table lets go of them in their queues. */
	KUNIT_EXPECT_TRUE(fake->test, fake_bus_flush());
	xenbus_unregister_bus(&fake_bus_type);
	fake_bus_current = NULL;
}

/**
 * fake_bus_create() - register the bus until the end of the test
 * @test: the test
 *
 * There is a store with the root of the bus in it, and no driver yet.
 *
 * Context: The test's thread.
 * Return: The bus.
 */
struct fake_bus *fake_bus_create(struct kunit *test)
{
	struct fake_bus *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	fake->test = test;
	fake->store = fake_bus_store_create(test);
	fake->driver.ids = fake_bus_ids;
	fake->driver.name = "ktest";
	fake->driver.probe = fake_bus_driver_probe;
	fake->driver.remove = fake_bus_driver_remove;
	fake->driver.suspend = fake_bus_driver_suspend;
	fake->driver.resume = fake_bus_driver_resume;
	fake->driver.otherend_changed = fake_bus_driver_otherend;
	fake->driver.read_otherend_details = fake_bus_read_otherend;
	init_completion(&fake->entered);
	init_completion(&fake->leave);
	fake_bus_current = fake;
	KUNIT_ASSERT_EQ(test, xenbus_register_bus(&fake_bus_type), 0);
	KUNIT_ASSERT_EQ(test,
			kunit_add_action_or_reset(test, fake_bus_destroy,
						  NULL), 0);
	fake_bus_set(fake->store, "", FAKE_BUS_ROOT);
	return fake;
}

/**
 * fake_bus_add_node() - the toolstack adds a device and its peer
 * @fake: the bus
 * @type: its type
 * @id: its number or name
 *
 * Its peer is in domain FAKE_BUS_PEER.
 *
 * Context: Process.
 */
void fake_bus_add_node(struct fake_bus *fake, const char *type, const char *id)
{
	fake_bus_add_node_of(fake, type, id, FAKE_BUS_PEER);
}

/**
 * fake_bus_add_node_of() - the toolstack adds a device with a peer in a domain
 * @fake: the bus
 * @type: its type
 * @id: its number or name
 * @domid: the domain
 *
 * The state comes last, as from a toolstack.
 *
 * Context: Process.
 */
void fake_bus_add_node_of(struct fake_bus *fake, const char *type,
			  const char *id, unsigned int domid)
{
	char peer[64], domain[12];

	snprintf(peer, sizeof(peer), "/peer/%s/%s", type, id);
	snprintf(domain, sizeof(domain), "%u", domid);
	fake_bus_set(fake->store, "1", "/peer/%s/%s/state", type, id);
	fake_bus_set(fake->store, peer, FAKE_BUS_ROOT "/%s/%s/backend", type,
		     id);
	fake_bus_set(fake->store, domain, FAKE_BUS_ROOT "/%s/%s/backend-id",
		     type, id);
	fake_bus_set(fake->store, "1", FAKE_BUS_ROOT "/%s/%s/state", type, id);
}

/**
 * fake_bus_rm_node() - the toolstack removes a device
 * @fake: the bus
 * @type: its type
 * @id: its number or name
 *
 * Context: Process.
 */
void fake_bus_rm_node(struct fake_bus *fake, const char *type, const char *id)
{
	char path[128];

	snprintf(path, sizeof(path), FAKE_STORE_HOME "/" FAKE_BUS_ROOT "/%s/%s",
		 type, id);
	fake_store_rm(fake->store, path);
}

static void fake_bus_put(void *dev)
{
	put_device(dev);
}

/**
 * fake_bus_device() - find a device
 * @fake: the bus
 * @name: its name
 *
 * Context: The test's thread.
 * Return: The device, which stays valid until the end of the test.
 */
struct xenbus_device *fake_bus_device(struct fake_bus *fake, const char *name)
{
	struct device *dev;

	dev = bus_find_device_by_name(&fake_bus_type.bus, NULL, name);
	KUNIT_ASSERT_NOT_NULL(fake->test, dev);
	KUNIT_ASSERT_EQ(fake->test,
			kunit_add_action_or_reset(fake->test, fake_bus_put,
						  dev), 0);
	return to_xenbus_device(dev);
}

/**
 * fake_bus_has_device() - is there such a device?
 * @name: its name
 *
 * Context: Process.
 * Return: true if there is.
 */
bool fake_bus_has_device(const char *name)
{
	struct device *dev;

	dev = bus_find_device_by_name(&fake_bus_type.bus, NULL, name);
	put_device(dev);
	return dev;
}
