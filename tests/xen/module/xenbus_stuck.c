// SPDX-License-Identifier: GPL-2.0-only
/*
 * A backend whose callback is stuck for as long as the parameter "hold" is 1.
 *
 * Its devices have the type "stuck". Nothing is served: the states are all there
 * is. How many callbacks are stuck can be read from the parameter "stuck".
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/wait.h>
#include <xen/xenbus.h>

static DECLARE_WAIT_QUEUE_HEAD(stuck_wq);
static bool stuck_hold;
static unsigned int stuck_now;

static int stuck_set_hold(const char *value, const struct kernel_param *param)
{
	int err = param_set_bool(value, param);

	wake_up_all(&stuck_wq);
	return err;
}

static const struct kernel_param_ops stuck_hold_ops = {
	.set	= stuck_set_hold,
	.get	= param_get_bool,
};

module_param_cb(hold, &stuck_hold_ops, &stuck_hold, 0600);
module_param_named(stuck, stuck_now, uint, 0400);

static int stuck_probe(struct xenbus_device *dev,
		       const struct xenbus_device_id *id)
{
	return xenbus_switch_state(dev, XenbusStateInitWait);
}

static void stuck_frontend_changed(struct xenbus_device *dev,
				   enum xenbus_state state)
{
	if (state != XenbusStateConnected)
		return;
	WRITE_ONCE(stuck_now, stuck_now + 1);
	wait_event_idle(stuck_wq, !READ_ONCE(stuck_hold));
	WRITE_ONCE(stuck_now, stuck_now - 1);
	xenbus_switch_state(dev, XenbusStateConnected);
}

static const struct xenbus_device_id stuck_ids[] = { { "stuck" }, { "" } };

static struct xenbus_driver stuck_driver = {
	.ids			= stuck_ids,
	.probe			= stuck_probe,
	.otherend_changed	= stuck_frontend_changed,
};

static int __init stuck_init(void)
{
	return xenbus_register_backend(&stuck_driver);
}
module_init(stuck_init);

static void __exit stuck_exit(void)
{
	xenbus_unregister_driver(&stuck_driver);
}
module_exit(stuck_exit);

MODULE_DESCRIPTION("A backend whose callback is stuck");
MODULE_LICENSE("GPL");
