/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver core passes const devices and drivers to some callbacks of a bus.
 * Before, they were not const. The macros replace the parameters where the
 * callbacks are declared; where a bus names them, nothing is replaced.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include_next <linux/device/bus.h>

#ifndef COMPAT_BUS_CONST_H
#define COMPAT_BUS_CONST_H

#define xenbus_match(...) \
	xenbus_match(struct device *_dev, struct device_driver *_drv)
#define frontend_uevent(...) \
	frontend_uevent(struct device *dev, struct kobj_uevent_env *env)
#define backend_uevent(...) \
	backend_uevent(struct device *dev, struct kobj_uevent_env *env)

#endif /* COMPAT_BUS_CONST_H */
