// SPDX-License-Identifier: GPL-2.0-only
/*
 * An export that went, since no driver of the kernel used it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/export.h>
#include <xen/xenbus.h>

#include "../../../drivers/xen/xenbus/xenbus_store.h"
#include "../../../drivers/xen/xenstore/ops.h"

/**
 * xenbus_mkdir() - make a node exist
 * @t: transaction or %XBT_NIL
 * @dir: path, or its first part
 * @node: rest of the path, or ""
 *
 * In a transaction it does not wait, see xenbus_write().
 *
 * Context: Process; sleeps.
 * Return: 0 or a negative errno.
 */
int xenbus_mkdir(struct xenbus_transaction t, const char *dir,
		 const char *node)
{
	return xs_op_mkdir(xenbus_conn(), t.id, dir, node);
}
EXPORT_SYMBOL_GPL(xenbus_mkdir);
