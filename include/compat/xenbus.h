/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What drivers of earlier kernels expect of <xen/xenbus.h>, which includes this.
 * They do not know what the Makefile here finds out.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef COMPAT_XENBUS_H
#define COMPAT_XENBUS_H

#include <linux/device/bus.h>
#include <linux/stddef.h>

struct xenbus_device;
struct xenbus_transaction;

/*
 * The device that a driver adds variables to an event for. It is const in
 * xenbus_driver.uevent() if it is in bus_type.uevent().
 */
#define COMPAT_UEVENT_IS_CONST						\
	__builtin_types_compatible_p(typeof(((struct bus_type *)NULL)->uevent), \
				     int (*)(const struct device *,	\
					     struct kobj_uevent_env *))
#define compat_uevent_device						\
	typeof(*__builtin_choose_expr(COMPAT_UEVENT_IS_CONST,		\
				      (const struct xenbus_device *)NULL, \
				      (struct xenbus_device *)NULL))

/* A driver passes its device and a path; earlier ones pass the path alone. */
#define compat_read_state(dev, path)	xenbus_read_driver_state(dev, path)
#define compat_read_state_at(path)	xenbus_read_driver_state(NULL, path)
#define compat_third(first, second, third, ...)	third
#define xenbus_read_driver_state(...)					\
	compat_third(__VA_ARGS__, compat_read_state,			\
		     compat_read_state_at, 0)(__VA_ARGS__)

/* Went, since no driver of the kernel used it. */
int xenbus_mkdir(struct xenbus_transaction t,
		 const char *dir, const char *node);

#endif /* COMPAT_XENBUS_H */
