// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus of frontends: what other domains serve to this one.
 *
 * A frontend is the directory device/<type>/<id> of the store. Booting waits
 * for frontends to connect, since the root file system may be on one, and
 * suspending the domain takes them all down and up again.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/pm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "bus.h"
#include "xen_transport.h"

/* How long a backend may take to close when the system goes down. */
#define FRONTEND_CLOSE_TIMEOUT	(5 * HZ)

/* How long a backend may take for each step back to its beginning. */
#define FRONTEND_RESET_TIMEOUT	(5 * HZ)

/* Booting waits so many seconds for all devices, and for essential ones. */
#define FRONTEND_WAIT_ALL	30
#define FRONTEND_WAIT_ESSENTIAL	270
#define FRONTEND_WAIT_REPORT	5

/* === Nodes and names === */

/* device/vif/0 is vif-0. */
static int frontend_bus_id(char bus_id[XEN_BUS_ID_SIZE], const char *nodename)
{
	const char *name = strchr(nodename, '/');
	char *slash;

	if (!name || strscpy(bus_id, name + 1, XEN_BUS_ID_SIZE) < 0)
		goto err_name;
	slash = strchr(bus_id, '/');
	if (!slash)
		goto err_name;
	*slash = '-';
	return 0;

err_name:
	pr_warn_ratelimited("no name for frontend %s\n", nodename);
	return -EINVAL;
}

/* The first console is not a device: it is set up before there is a store. */
static bool frontend_is_boot_console(const char *nodename)
{
	const char *id = strrchr(nodename, '/') + 1;

	return str_has_prefix(nodename, "device/console") &&
	       str_has_prefix(id, "0");
}

static int frontend_uevent(const struct device *dev,
			   struct kobj_uevent_env *env)
{
	const char *type = to_xenbus_device(dev)->devicetype;

	return add_uevent_var(env, "MODALIAS=xen:%s", type) ? -ENOMEM : 0;
}

/* While the system goes down, a device is closed as soon as its backend asks */
static void frontend_backend_changed(struct xenbus_watch *watch,
				     const char *path, const char *token)
{
	xenbus_otherend_changed(watch, path, token, 1);
}

/* === Binding, shutdown, resume === */

/* The daemon of a local store is a process, which does not run yet. */
static void frontend_late_resume(struct work_struct *work)
{
	struct xenbus_device *xendev;

	xendev = container_of(work, struct xenbus_device, work);
	device_lock(&xendev->dev);
	xenbus_dev_restore(&xendev->dev);
	device_unlock(&xendev->dev);
	put_device(&xendev->dev);
}

static int frontend_resume(struct device *dev)
{
	if (xen_store_domain_type != XS_LOCAL)
		return xenbus_dev_restore(dev);
	get_device(dev);
	/* Not before the daemon is thawed: until then the device is locked. */
	if (!queue_work(system_freezable_wq, &to_xenbus_device(dev)->work))
		put_device(dev);
	return 0;
}

static int frontend_probe(struct device *dev)
{
	/* A resume that an earlier driver has left behind may be pending. */
	if (!to_xenbus_device(dev)->work.func)
		INIT_WORK(&to_xenbus_device(dev)->work, frontend_late_resume);
	return xenbus_dev_probe(dev);
}

static void frontend_shutdown(struct device *dev)
{
	struct xenbus_device *xendev = to_xenbus_device(dev);

	if (xendev->state != XenbusStateConnected) {
		pr_info("%s is %s and is not closed\n", xendev->nodename,
			xenbus_strstate(xendev->state));
		return;
	}
	xenbus_switch_state(xendev, XenbusStateClosing);
	if (!wait_for_completion_timeout(&xendev->down, FRONTEND_CLOSE_TIMEOUT))
		pr_info("%s was not closed in time\n", xendev->nodename);
}

static const struct dev_pm_ops frontend_pm_ops = {
	.freeze		= xenbus_dev_freeze,
	.restore	= frontend_resume,
	.thaw		= xenbus_dev_thaw,
};

/* Of these, the driver has a global without a lock, or allows one device. */
static const char *const frontend_serial_types[] = {
	"pci", "9pfs", "pvcalls", NULL
};

static struct xen_bus_type xenbus_frontend = {
	.bus = {
		.name		= "xen",
		.dev_groups	= xenbus_dev_groups,
		.match		= xenbus_match,
		.pm		= &frontend_pm_ops,
		.probe		= frontend_probe,
		.remove		= xenbus_dev_remove,
		.shutdown	= frontend_shutdown,
		.uevent		= frontend_uevent,
	},
	.root			= "device",
	.levels			= 2,
	.otherend_id_node	= "backend-id",
	.peer_node		= "backend-id",
	.serial_types		= frontend_serial_types,
	.otherend_changed	= frontend_backend_changed,
	.get_bus_id		= frontend_bus_id,
	.skip			= frontend_is_boot_console,
};

/* === Waiting for devices === */

/* Which devices a wait is for. */
struct frontend_wait {
	const struct device_driver *driver;	/* NULL: any */
	bool only_essential;
};

/* Set when the drivers that are built in have been initialised. */
static bool frontend_may_wait;

/* A device without a driver never connects, and is not waited for. */
static int frontend_is_connecting(struct device *dev, void *data)
{
	struct xenbus_device *xendev = to_xenbus_device(dev);
	const struct frontend_wait *wait = data;
	const struct xenbus_driver *drv;

	if (!dev->driver || (wait->driver && wait->driver != dev->driver))
		return 0;
	drv = to_xenbus_driver(dev->driver);
	if (wait->only_essential && drv->not_essential)
		return 0;
	if (xendev->state == XenbusStateConnected)
		return drv->is_ready && !drv->is_ready(xendev);
	return xendev->state < XenbusStateConnected;
}

static enum xenbus_state frontend_peer_state(struct xenbus_device *xendev)
{
	enum xenbus_state peer = XenbusStateUnknown;

	/* The holder of the lock may be about to forget the peer. */
	if (!device_trylock(&xendev->dev))
		return peer;
	if (xendev->otherend)
		peer = xenbus_read_state(xendev->otherend);
	device_unlock(&xendev->dev);
	return peer;
}

static void frontend_report_states(struct xenbus_device *xendev)
{
	pr_warn("%s is not connected: %s, and its backend %s\n",
		xendev->nodename, xenbus_strstate(xendev->state),
		xenbus_strstate(frontend_peer_state(xendev)));
}

static int frontend_report_connecting(struct device *dev, void *data)
{
	if (frontend_is_connecting(dev, data))
		frontend_report_states(to_xenbus_device(dev));
	return 0;
}

static int frontend_report(struct device *dev, void *data)
{
	struct xenbus_device *xendev = to_xenbus_device(dev);
	const struct frontend_wait *wait = data;

	if (wait->driver && wait->driver != dev->driver)
		return 0;
	if (!dev->driver)
		pr_info("%s has no driver\n", xendev->nodename);
	else if (xendev->state < XenbusStateConnected)
		frontend_report_states(xendev);
	return 0;
}

/* Poll until all are connected, or @limit seconds after @start. */
static void frontend_wait_until(struct frontend_wait *wait,
				unsigned long start, unsigned int limit)
{
	unsigned int waited, reported = 0;

	while (bus_for_each_dev(&xenbus_frontend.bus, NULL, wait,
				frontend_is_connecting)) {
		waited = (jiffies - start) / HZ;
		if (waited >= limit || fatal_signal_pending(current))
			return;
		if (waited >= reported + FRONTEND_WAIT_REPORT) {
			pr_warn("devices are not connected after %us of %us\n",
				waited, limit);
			bus_for_each_dev(&xenbus_frontend.bus, NULL, wait,
					 frontend_report_connecting);
			reported = waited;
		}
		schedule_timeout_killable(HZ / 10);
	}
}

static void frontend_wait(const struct device_driver *driver)
{
	struct frontend_wait wait = { .driver = driver };
	unsigned long start = jiffies;

	if (!frontend_may_wait || !xen_domain())
		return;
	frontend_wait_until(&wait, start, FRONTEND_WAIT_ALL);
	wait.only_essential = true;
	frontend_wait_until(&wait, start, FRONTEND_WAIT_ESSENTIAL);
	bus_for_each_dev(&xenbus_frontend.bus, NULL, &wait, frontend_report);
}

/* === Drivers === */

static int frontend_read_backend(struct xenbus_device *xendev)
{
	return xenbus_read_otherend_details(xendev, "backend-id", "backend");
}

/**
 * __xenbus_register_frontend() - see xenbus_register_frontend()
 * @drv: the driver
 * @owner: its module
 * @mod_name: name of its module
 *
 * When the system is up, also waits for the devices of the driver to connect.
 *
 * Context: Process; probes devices that are there.
 * Return: 0 or a negative errno.
 */
int __xenbus_register_frontend(struct xenbus_driver *drv, struct module *owner,
			       const char *mod_name)
{
	int err;

	drv->read_otherend_details = frontend_read_backend;
	err = xenbus_register_driver_common(drv, &xenbus_frontend, owner,
					    mod_name);
	if (!err)
		frontend_wait(&drv->driver);
	return err;
}
EXPORT_SYMBOL_GPL(__xenbus_register_frontend);

/* === Devices of a kernel before this one === */

/* A frontend that is being led back to where it began. */
struct frontend_reset {
	struct xenbus_watch watch;	/* on the backend's state */
	wait_queue_head_t wq;
	int peer;			/* the state seen last */
	const char *frontend;
	const char *backend;
};

static void frontend_reset_peer_changed(struct xenbus_watch *watch,
					const char *path, const char *token)
{
	struct frontend_reset *reset;

	reset = container_of(watch, struct frontend_reset, watch);
	WRITE_ONCE(reset->peer, xenbus_read_state(reset->backend));
	pr_debug("reset: %s is %s\n", path, xenbus_strstate(reset->peer));
	wake_up(&reset->wq);
}

/* Announce a state and wait until the backend has followed. */
static void frontend_reset_step(struct frontend_reset *reset,
				enum xenbus_state state,
				enum xenbus_state peer)
{
	long left;

	xenbus_printf(XBT_NIL, reset->frontend, "state", "%d", state);
	left = wait_event_interruptible_timeout(reset->wq,
						READ_ONCE(reset->peer) == peer,
						FRONTEND_RESET_TIMEOUT);
	if (left <= 0)
		pr_info("%s does not become %s\n", reset->backend,
			xenbus_strstate(peer));
}

static void frontend_reset_steps(struct frontend_reset *reset, int from)
{
	if (from == XenbusStateConnected)
		frontend_reset_step(reset, XenbusStateClosing,
				    XenbusStateClosing);
	if (from == XenbusStateConnected || from == XenbusStateClosing)
		frontend_reset_step(reset, XenbusStateClosed,
				    XenbusStateClosed);
	if (from >= XenbusStateConnected && from <= XenbusStateClosed)
		frontend_reset_step(reset, XenbusStateInitialising,
				    XenbusStateInitWait);
}

static void frontend_reset_from(struct frontend_reset *reset, int from)
{
	char *node = kasprintf(GFP_NOIO | __GFP_HIGH, "%s/state",
			       reset->backend);

	if (!node)
		return;
	init_waitqueue_head(&reset->wq);
	reset->watch.node = node;
	reset->watch.callback = frontend_reset_peer_changed;
	if (!register_xenbus_watch(&reset->watch)) {
		pr_info("resetting %s\n", reset->frontend);
		frontend_reset_steps(reset, from);
		unregister_xenbus_watch(&reset->watch);
	}
	kfree(node);
}

/* Connected is what a crash leaves behind, Closed what kexec does. */
static void frontend_reset_node(const char *frontend)
{
	struct frontend_reset reset = { .frontend = frontend };
	int state, peer;
	char *backend;

	if (xenbus_scanf(XBT_NIL, frontend, "state", "%i", &state) != 1)
		return;
	if (state != XenbusStateConnected && state != XenbusStateClosed)
		return;
	backend = xenbus_read(XBT_NIL, frontend, "backend", NULL);
	if (IS_ERR(backend))
		return;
	reset.backend = backend;
	if (xenbus_scanf(XBT_NIL, backend, "state", "%i", &peer) == 1)
		frontend_reset_from(&reset, peer);
	kfree(backend);
}

static void frontend_reset_type(const char *type)
{
	unsigned int i, num;
	char **ids, *frontend;

	ids = xenbus_directory(XBT_NIL, "device", type, &num);
	if (IS_ERR(ids))
		return;
	for (i = 0; i < num; i++) {
		frontend = kasprintf(GFP_NOIO | __GFP_HIGH, "device/%s/%s",
				     type, ids[i]);
		if (frontend)
			frontend_reset_node(frontend);
		kfree(frontend);
	}
	kfree(ids);
}

static void frontend_reset_all(void)
{
	unsigned int i, num;
	char **types;

	types = xenbus_directory(XBT_NIL, "device", "", &num);
	if (IS_ERR(types))
		return;
	for (i = 0; i < num; i++)
		frontend_reset_type(types[i]);
	kfree(types);
}

/* === Init === */

static void frontend_changed(struct xenbus_watch *watch, const char *path,
			     const char *token)
{
	xenbus_dev_changed(path, &xenbus_frontend);
}

static struct xenbus_watch frontend_watch = {
	.node		= "device",
	.callback	= frontend_changed,
};

static int frontend_store_ready(struct notifier_block *nb, unsigned long event,
				void *data)
{
	int err;

	/* A kernel before this one may have left connected devices. */
	if (xen_hvm_domain())
		frontend_reset_all();
	xenbus_probe_devices(&xenbus_frontend);
	err = register_xenbus_watch(&frontend_watch);
	if (err)
		pr_err("new frontends will not be seen: %d\n", err);
	return NOTIFY_DONE;
}

static struct notifier_block frontend_store_notifier = {
	.notifier_call = frontend_store_ready,
};

static int __init frontend_init(void)
{
	int err = xenbus_register_bus(&xenbus_frontend);

	if (err)
		return err;
	register_xenstore_notifier(&frontend_store_notifier);
	return 0;
}
subsys_initcall(frontend_init);

#ifndef MODULE
/* After the drivers, and before the root file system is mounted. */
static int __init frontend_wait_at_boot(void)
{
	if (!xen_has_pv_devices())
		return -ENODEV;
	frontend_may_wait = true;
	frontend_wait(NULL);
	return 0;
}
late_initcall(frontend_wait_at_boot);
#endif

MODULE_DESCRIPTION("Bus of Xen frontends");
MODULE_LICENSE("GPL");
