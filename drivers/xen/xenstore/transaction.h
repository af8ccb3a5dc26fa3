/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transactions of the kernel's own.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_TRANSACTION_H
#define _XENSTORE_TRANSACTION_H

#include <linux/types.h>

struct xs_conn;
struct xs_request;
struct xs_transactions;

int xs_op_transaction_start(struct xs_conn *conn, u32 *tx_id);
int xs_op_transaction_post(struct xs_conn *conn, u32 tx_id,
			   struct xs_request *req);
int xs_op_transaction_end(struct xs_conn *conn, u32 tx_id, bool abort);
void xs_transactions_destroy(struct xs_transactions *open);

#endif /* _XENSTORE_TRANSACTION_H */
