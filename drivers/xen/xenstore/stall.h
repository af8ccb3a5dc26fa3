/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests that wait for long.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_STALL_H
#define _XENSTORE_STALL_H

#include "conn.h"

/* A request that has waited for so long is reported, in seconds. */
#define XS_STALL_SECONDS	20

u64 xs_stall_check(struct xs_conn *conn, u64 limit);

#endif /* _XENSTORE_STALL_H */
