/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one store that a kernel has.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENBUS_STORE_H
#define _XENBUS_STORE_H

#include "../xenstore/cache.h"
#include "../xenstore/conn.h"
#include "../xenstore/watch.h"

/* cdev.c */
int xenbus_dev_request_and_reply(struct xsd_sockmsg *msg, void *par);

/* store.c */
struct xs_conn *xs_store_conn(void);
struct xs_watches *xs_store_watches(void);
struct xs_cache *xs_store_cache(void);
void xs_store_init(struct xs_transport *t);
int xs_store_start(void);
void xs_store_stop(void);
void xs_store_announce(void);

#endif /* _XENBUS_STORE_H */
