// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver says to its peer through the store: states, errors, watches.
 *
 * Every device has a directory of its own with a node "state" in it that the
 * peer watches. The functions here announce states there, leave reports of
 * errors below "error", and read what the peer announced. They use nothing but
 * the store and know nothing about rings, grants and event channels.
 *
 * All of them sleep until the store's daemon answers.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xenbus.h>
#include <xen/xenstore.h>

#include "bus.h"
#include "xenbus_store.h"

/* What fits in a node together with the path of any device. */
#define CLIENT_ERROR_MAX	1000

static const char *const client_state_names[] = {
	[XenbusStateClosed]		= "Closed",
	[XenbusStateClosing]		= "Closing",
	[XenbusStateConnected]		= "Connected",
	[XenbusStateInitWait]		= "InitWait",
	[XenbusStateInitialised]	= "Initialised",
	[XenbusStateInitialising]	= "Initialising",
	[XenbusStateReconfigured]	= "Reconfigured",
	[XenbusStateReconfiguring]	= "Reconfiguring",
	[XenbusStateUnknown]		= "Unknown",
};

/**
 * xenbus_strstate() - name a state
 * @state: any number; peers write what they like
 *
 * Context: Any.
 * Return: The name, or "INVALID".
 */
const char *xenbus_strstate(enum xenbus_state state)
{
	unsigned int index = state;

	if (index >= ARRAY_SIZE(client_state_names))
		return "INVALID";
	return client_state_names[index];
}
EXPORT_SYMBOL_GPL(xenbus_strstate);

/**
 * xenbus_read_state() - read a state from the store
 * @path: directory of the device
 *
 * Context: Process; sleeps.
 * Return: The state as it was written, which may be none of the known ones;
 * %XenbusStateUnknown if there is none.
 */
enum xenbus_state xenbus_read_state(const char *path)
{
	int state;

	if (xenbus_scanf(XBT_NIL, path, "state", "%d", &state) != 1)
		return XenbusStateUnknown;
	return state;
}

/* === Errors === */

/* Write to error/<nodename>/error what the toolstack is to find. */
static void client_store_error(struct xenbus_device *dev, char *text)
{
	char *dir = kasprintf(GFP_KERNEL, "error/%s", dev->nodename);

	if (!dir)
		return;
	if (strlen(text) > CLIENT_ERROR_MAX)
		text[CLIENT_ERROR_MAX] = '\0';
	xenbus_write(XBT_NIL, dir, "error", text);
	kfree(dir);
}

static void __printf(3, 0)
client_report(struct xenbus_device *dev, int err, const char *fmt, va_list ap)
{
	struct va_format message;
	va_list args;
	char *text;

	va_copy(args, ap);
	message.fmt = fmt;
	message.va = &args;
	text = kasprintf(GFP_KERNEL, "%d %pV", -err, &message);
	va_end(args);
	if (!text)
		return;
	dev_err(&dev->dev, "%s\n", text);
	client_store_error(dev, text);
	kfree(text);
}

/**
 * xenbus_dev_error() - report an error to the log and to the store
 * @dev: whose error it is
 * @err: negative errno
 * @fmt: format of the message
 *
 * Context: Process; sleeps.
 */
void xenbus_dev_error(struct xenbus_device *dev, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	client_report(dev, err, fmt, ap);
	va_end(ap);
}
EXPORT_SYMBOL_GPL(xenbus_dev_error);

/**
 * xenbus_dev_fatal() - report an error that the device does not survive
 * @dev: whose error it is
 * @err: negative errno
 * @fmt: format of the message
 *
 * After the report the state becomes %XenbusStateClosing, so that both ends
 * close in order.
 *
 * Context: Process; sleeps.
 */
void xenbus_dev_fatal(struct xenbus_device *dev, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	client_report(dev, err, fmt, ap);
	va_end(ap);
	xenbus_switch_state(dev, XenbusStateClosing);
}
EXPORT_SYMBOL_GPL(xenbus_dev_fatal);

/* === States === */

/* What the node of a state shows of the directory of a device. */
enum client_dir {
	CLIENT_DIR_OWN,		/* it is the device's */
	CLIENT_DIR_GONE,	/* it does not exist, or has no state */
	CLIENT_DIR_NEW,		/* it was made again for a new device */
};

static enum client_dir client_judge_dir(const struct xenbus_device *dev,
					const struct xenbus_batch *batch,
					unsigned int read)
{
	int stored;

	if (xenbus_batch_scanf(batch, read, "%d", &stored) != 1)
		return CLIENT_DIR_GONE;
	if (stored == XenbusStateInitialising &&
	    dev->state != XenbusStateInitialising)
		return CLIENT_DIR_NEW;
	return CLIENT_DIR_OWN;
}

/*
 * Write the state and find out whether it may be written. The write does not
 * wait for that answer: if it may not, the transaction is aborted, and no reader
 * sees the new state.
 */
static int client_write_state(const struct xenbus_device *dev,
			      struct xenbus_transaction xbt,
			      enum xenbus_state state, enum client_dir *dir)
{
	struct xenbus_batch batch;
	unsigned int read, write;
	int err;

	xenbus_batch_init(&batch, xbt);
	read = xenbus_batch_read(&batch, dev->nodename, "state");
	write = xenbus_batch_printf(&batch, dev->nodename, "state", "%d", state);
	xenbus_batch_run(&batch);
	*dir = client_judge_dir(dev, &batch, read);
	err = xenbus_batch_error(&batch, write);
	xenbus_batch_free(&batch);
	return err;
}

/*
 * Write the state in one transaction of its own. A directory that does not exist
 * any more must not come back, and the state of a new device must not be
 * overwritten: the bus is about to remove this one.
 *
 * The bus takes a device for replaced if the store has it Initialising and the
 * device does not. So a device that becomes Initialising is so before the store
 * says it, and one that was replaced does not become Initialising. It becomes all
 * else that its driver wants, as some go on until it has: pvcalls-back does.
 *
 * Returns 0, or what failed at *step; -EAGAIN after a conflict.
 */
static int client_try_state(struct xenbus_device *dev, enum xenbus_state state,
			    const char **step)
{
	const enum xenbus_state before = dev->state;
	struct xenbus_transaction xbt;
	bool published = false;
	enum client_dir dir;
	int err, end_err;

	*step = "starting transaction";
	err = xenbus_transaction_start(&xbt);
	if (err)
		return err;
	err = client_write_state(dev, xbt, state, &dir);
	if (dir != CLIENT_DIR_OWN)
		err = 0;
	else
		published = !err && state == XenbusStateInitialising;
	if (published)
		WRITE_ONCE(dev->state, state);
	*step = err ? "writing new state" : "ending transaction";
	end_err = xenbus_transaction_end(xbt, dir != CLIENT_DIR_OWN || err);
	err = err ?: end_err;
	if (!err && (dir != CLIENT_DIR_NEW || state != XenbusStateInitialising))
		WRITE_ONCE(dev->state, state);
	else if (published)
		WRITE_ONCE(dev->state, before);
	return err;
}

static int client_set_state(struct xenbus_device *dev, enum xenbus_state state,
			    const char **step)
{
	int err;

	if (state == dev->state)
		return 0;
	if (dev->vanished) {
		dev->state = state;
		return 0;
	}
	do {
		err = client_try_state(dev, state, step);
	} while (err == -EAGAIN);
	return err;
}

/**
 * xenbus_switch_state() - announce a state to the peer
 * @dev: whose state it is
 * @state: the new one
 *
 * Nothing is written if the device is in that state already, so that watches
 * do not fire without need, nor if its directory is gone or was made again for a
 * new device. There is no way to do this inside a transaction of the caller: its
 * abort would leave the device with a state that was never announced.
 *
 * If the store refuses, this is reported and the device goes to
 * %XenbusStateClosing.
 *
 * Context: Process; sleeps.
 * Return: 0 always.
 */
int xenbus_switch_state(struct xenbus_device *dev, enum xenbus_state state)
{
	const char *step;
	int err;

	err = client_set_state(dev, state, &step);
	if (!err)
		return 0;
	xenbus_dev_error(dev, err, "%s", step);
	err = client_set_state(dev, XenbusStateClosing, &step);
	if (err)
		xenbus_dev_error(dev, err, "%s", step);
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_switch_state);

/**
 * xenbus_frontend_closed() - the frontend has let go of everything
 * @dev: the frontend
 *
 * Wakes the tasks that wait for the device to go down.
 *
 * Context: Process; sleeps.
 * Return: 0 always.
 */
int xenbus_frontend_closed(struct xenbus_device *dev)
{
	xenbus_switch_state(dev, XenbusStateClosed);
	complete(&dev->down);
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_frontend_closed);

/* === Watches === */

/**
 * xenbus_watch_register() - have a callback run in the queue of a device
 * @dev: the device; if it has no queue, register_xenbus_watch() is meant
 * @watch: the caller's, which keeps it until it is unregistered
 *
 * The callback never runs at the same time as another one of the device. See
 * xs_watch_register_in().
 *
 * Context: Process; sleeps.
 * Return: 0 or a negative errno.
 */
int xenbus_watch_register(struct xenbus_device *dev, struct xenbus_watch *watch)
{
	if (!dev->queue)
		return register_xenbus_watch(watch);
	return xs_watch_register_in(xenbus_watches(), watch, dev->queue);
}

/**
 * xenbus_watch_path() - watch a node on behalf of a device
 * @dev: the device; reports a failure and closes
 * @path: the node; stays the caller's, and must live as long as the watch
 * @watch: filled in here; the node in it is NULL after a failure
 * @will_handle: see &xenbus_watch.will_handle; may be NULL
 * @callback: see &xenbus_watch.callback; runs in the queue of the device
 *
 * Context: Process; sleeps.
 * Return: 0 or a negative errno.
 */
int xenbus_watch_path(struct xenbus_device *dev, const char *path,
		      struct xenbus_watch *watch,
		      bool (*will_handle)(struct xenbus_watch *watch,
					  const char *path, const char *token),
		      void (*callback)(struct xenbus_watch *watch,
				       const char *path, const char *token))
{
	int err;

	watch->callback = callback;
	watch->will_handle = will_handle;
	watch->node = path;
	err = xenbus_watch_register(dev, watch);
	if (!err)
		return 0;

	watch->callback = NULL;
	watch->will_handle = NULL;
	watch->node = NULL;
	xenbus_dev_fatal(dev, err, "watching %s", path);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_watch_path);

/**
 * xenbus_watch_pathfmt() - watch a node whose path is put together here
 * @dev: the device; reports a failure and closes
 * @watch: filled in here; the node in it is the caller's to kfree() after
 *	success and NULL after a failure
 * @will_handle: see &xenbus_watch.will_handle; may be NULL
 * @callback: see &xenbus_watch.callback
 * @pathfmt: format of the path
 *
 * Context: Process; sleeps.
 * Return: 0 or a negative errno.
 */
int xenbus_watch_pathfmt(struct xenbus_device *dev, struct xenbus_watch *watch,
			 bool (*will_handle)(struct xenbus_watch *watch,
					     const char *path,
					     const char *token),
			 void (*callback)(struct xenbus_watch *watch,
					  const char *path, const char *token),
			 const char *pathfmt, ...)
{
	va_list args;
	char *path;
	int err = -ENOMEM;

	va_start(args, pathfmt);
	path = kvasprintf(GFP_NOIO | __GFP_HIGH, pathfmt, args);
	va_end(args);
	if (!path) {
		xenbus_dev_fatal(dev, err, "no memory for the path of a watch");
		return err;
	}
	err = xenbus_watch_path(dev, path, watch, will_handle, callback);
	if (err)
		kfree(path);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_watch_pathfmt);
