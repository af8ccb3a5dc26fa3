/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one store that a kernel has.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENBUS_STORE_H
#define _XENBUS_STORE_H

#include "../xenstore/store.h"

/* Exported, but no header for others has ever declared it. */
int xenbus_dev_request_and_reply(struct xsd_sockmsg *msg, void *par);

struct xs_store *xenbus_store(void);
void xenbus_store_init(struct xs_transport *t);
int xenbus_store_start(void);
void xenbus_store_refuse(void);
void xenbus_store_stop(void);
void xenbus_store_announce(void);

/**
 * xenbus_conn() - the connection of this kernel
 *
 * Context: Any.
 * Return: The connection of xenbus_store().
 */
static inline struct xs_conn *xenbus_conn(void)
{
	return &xenbus_store()->conn;
}

/**
 * xenbus_watches() - the watches of this kernel
 *
 * Context: Any.
 * Return: The registry of xenbus_store().
 */
static inline struct xs_watches *xenbus_watches(void)
{
	return &xenbus_store()->watches;
}

#endif /* _XENBUS_STORE_H */
