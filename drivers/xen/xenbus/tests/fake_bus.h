/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bus with a driver, on a store made of memory.
 *
 * Typical use:
 *
 *	fake = fake_bus_create(test);
 *	fake_bus_add_node(fake, "vif", "0");
 *	xenbus_probe_devices(&fake_bus_type);
 *	KUNIT_EXPECT_EQ(test, fake->probes, 1);
 *
 * Devices are ktest/<type>/<id>, relative to FAKE_STORE_HOME; their names are
 * <type>-<id>. The peer of each is /peer/<type>/<id>, as a rule in domain
 * FAKE_BUS_PEER.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENBUS_FAKE_BUS_H
#define _XENBUS_FAKE_BUS_H

#include <linux/completion.h>
#include <xen/xenbus.h>

#include "bus.h"
#include "fake_store.h"

struct kunit;

#define FAKE_BUS_ROOT	"ktest"
#define FAKE_BUS_PEER	3
#define FAKE_BUS_STATES	8

/**
 * struct fake_bus - what the driver of the test does and has seen
 *
 * The test sets and reads members while no callback runs.
 */
struct fake_bus {
	/** @test: the test; const */
	struct kunit *test;
	/** @store: the store; const */
	struct fake_store *store;
	/** @driver: registered by fake_bus_add_driver() */
	struct xenbus_driver driver;
	/** @watch: registered by fake_bus_watch() */
	struct xenbus_watch watch;

	/** @probe_hook: called by probe; its result is that of probe */
	int (*probe_hook)(struct fake_bus *fake, struct xenbus_device *xendev);
	/** @remove_hook: called by remove */
	void (*remove_hook)(struct fake_bus *fake,
			    struct xenbus_device *xendev);
	/** @otherend_hook: called when the state of a peer has changed */
	void (*otherend_hook)(struct fake_bus *fake,
			      struct xenbus_device *xendev,
			      enum xenbus_state state);
	/** @probes: calls of probe */
	unsigned int probes;
	/** @removes: calls of remove */
	unsigned int removes;
	/** @suspends: calls of suspend */
	unsigned int suspends;
	/** @resumes: calls of resume */
	unsigned int resumes;
	/** @num_states: how many of @states are used */
	unsigned int num_states;
	/** @states: of the peer, as the driver was told of them */
	enum xenbus_state states[FAKE_BUS_STATES];
	/** @result: for the hooks */
	int result;
	/** @entered: for the hooks */
	struct completion entered;
	/** @leave: for the hooks */
	struct completion leave;
};

extern struct xen_bus_type fake_bus_type;

struct fake_store *fake_bus_store_create(struct kunit *test);
struct fake_bus *fake_bus_create(struct kunit *test);
void fake_bus_add_driver(struct fake_bus *fake);
void fake_bus_watch(struct fake_bus *fake);
bool fake_bus_flush(void);
bool fake_bus_flush_default(void);

void fake_bus_set(struct fake_store *store, const char *value,
		  const char *fmt, ...) __printf(3, 4);
const char *fake_bus_get(struct fake_store *store, const char *fmt, ...)
	__printf(2, 3);
void fake_bus_add_node(struct fake_bus *fake, const char *type,
		       const char *id);
void fake_bus_add_node_of(struct fake_bus *fake, const char *type,
			  const char *id, unsigned int domid);
void fake_bus_rm_node(struct fake_bus *fake, const char *type, const char *id);
struct xenbus_device *fake_bus_device(struct fake_bus *fake, const char *name);
bool fake_bus_has_device(const char *name);

#endif /* _XENBUS_FAKE_BUS_H */
