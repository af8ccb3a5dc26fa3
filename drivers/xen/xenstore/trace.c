// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the tracepoints.
 *
 * Their header belongs to whoever reads a trace; what it takes from a
 * connection or a request, it finds here.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "conn.h"

#define CREATE_TRACE_POINTS
#include <trace/events/xenstore.h>
