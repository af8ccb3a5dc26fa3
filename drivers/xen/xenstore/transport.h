/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core needs from whoever provides the shared page.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_TRANSPORT_H
#define _XENSTORE_TRANSPORT_H

#include <linux/types.h>

struct xenstore_domain_interface;
struct xs_transport;

/**
 * struct xs_transport_ops - how to reach one XenStore server
 *
 * A transport moves no ring data and never sees a request.
 */
struct xs_transport_ops {
	/**
	 * @connect: make the page and the event channel usable; sets
	 * &xs_transport.page. Process context, may sleep. 0 or a negative errno.
	 */
	int (*connect)(struct xs_transport *t);
	/** @disconnect: undo @connect. Process context, may sleep. */
	void (*disconnect)(struct xs_transport *t);
	/**
	 * @reconnect: page or event channel may have changed while the domain
	 * was suspended; find them again. Called with the kthread parked.
	 * Process context, may sleep. 0 or a negative errno.
	 */
	int (*reconnect)(struct xs_transport *t);
	/**
	 * @renew: the connection is about to begin anew on the same page; use
	 * the channel of the newest server. Called with the kthread parked; NULL
	 * if there is one server only. Process context, may sleep. 0
	 * or a negative errno.
	 */
	int (*renew)(struct xs_transport *t);
	/**
	 * @is_alive: is there a server at the other end of the channel? NULL if
	 * that cannot be told. Process context.
	 */
	bool (*is_alive)(struct xs_transport *t);
	/** @notify: notify the server. Any context, never sleeps. */
	void (*notify)(struct xs_transport *t);
	/**
	 * @mask: no @notified until @unmask; NULL if that is not possible. Called
	 * from within @notified, never sleeps.
	 */
	void (*mask)(struct xs_transport *t);
	/**
	 * @unmask: forget the notifications that came since @mask and let
	 * further ones through. Kthread.
	 */
	void (*unmask)(struct xs_transport *t);
};

/**
 * struct xs_transport - one shared page and the event channel beside it
 */
struct xs_transport {
	/** @ops: const */
	const struct xs_transport_ops *ops;
	/** @page: the ring page; changes only while the kthread is parked */
	struct xenstore_domain_interface *page;
	/**
	 * @notified: the server has notified us. Set by the connection before
	 * @connect; called by the transport from hard interrupt or any other
	 * context, but not on two CPUs at a time.
	 */
	void (*notified)(struct xs_transport *t);
	/** @conn: for @notified; set together with it */
	void *conn;
	/**
	 * @masked: notifications are masked; set in @notified, cleared by the
	 * kthread and by the transport when the channel is replaced
	 */
	bool masked;
	/**
	 * @peer_is_local: the server is a process of this very kernel and dies
	 * with it at reboot; changes only while the kthread is parked
	 */
	bool peer_is_local;
	/**
	 * @keep_responses: what waits in the response ring at connect is ours;
	 * const after connect
	 */
	bool keep_responses;
};

#endif /* _XENSTORE_TRANSPORT_H */
