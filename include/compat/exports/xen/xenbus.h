/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names that exports of the bus had before they were those of the callbacks.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include_next <xen/xenbus.h>

#ifndef COMPAT_EXPORTS_H
#define COMPAT_EXPORTS_H

#define xenbus_dev_freeze	xenbus_dev_suspend
#define xenbus_dev_thaw		xenbus_dev_cancel
#define xenbus_dev_restore	xenbus_dev_resume

#endif /* COMPAT_EXPORTS_H */
