/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of the XenStore protocol as function calls.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_OPS_H
#define _XENSTORE_OPS_H

#include <linux/stdarg.h>

#include "conn.h"
#include "transaction.h"

void *xs_op_read(struct xs_conn *conn, u32 tx_id, const char *dir,
		 const char *node, unsigned int *len);
int xs_op_scanf(struct xs_conn *conn, u32 tx_id, const char *dir,
		const char *node, const char *fmt, va_list args) __scanf(5, 0);
int xs_op_exists(struct xs_conn *conn, u32 tx_id, const char *dir,
		 const char *node);
int xs_op_write(struct xs_conn *conn, u32 tx_id, const char *dir,
		const char *node, const void *value, size_t len);
int xs_op_printf(struct xs_conn *conn, u32 tx_id, const char *dir,
		 const char *node, const char *fmt, va_list args)
	__printf(5, 0);
int xs_op_mkdir(struct xs_conn *conn, u32 tx_id, const char *dir,
		const char *node);
int xs_op_rm(struct xs_conn *conn, u32 tx_id, const char *dir,
	     const char *node);
int xs_op_reset_watches(struct xs_conn *conn);

/* directory.c */
char **xs_op_directory(struct xs_conn *conn, u32 tx_id, const char *dir,
		       const char *node, unsigned int *num);

#endif /* _XENSTORE_OPS_H */
