/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unbound workqueue of the system is the default one.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include_next <linux/workqueue.h>

#ifndef system_dfl_wq
#define system_dfl_wq	system_unbound_wq
#endif
