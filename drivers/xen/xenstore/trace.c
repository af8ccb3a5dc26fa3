// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the tracepoints.
 *
 * Their header is for all users of tracepoints; the structures of a connection
 * and a request, which it reads, are defined here.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "conn.h"

#define CREATE_TRACE_POINTS
#include <trace/events/xenstore.h>
