/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One request as a function call: build it, wait for the reply, read the result.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_CALL_H
#define _XENSTORE_CALL_H

#include <linux/stdarg.h>

#include "conn.h"

struct xs_request *xs_call_request(u32 type, u32 tx_id, const char *dir,
				   const char *node, const void *value,
				   size_t len);
struct xs_request *xs_call_request_printf(u32 tx_id, const char *dir,
					  const char *node, const char *fmt,
					  va_list args) __printf(4, 0);
int xs_call_result(const struct xs_request *req);
int xs_call(struct xs_conn *conn, struct xs_request *req,
	    enum xs_gate_kind kind);
int xs_call_put(struct xs_conn *conn, struct xs_request *req,
		enum xs_gate_kind kind);

#endif /* _XENSTORE_CALL_H */
