/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a Xen domain reaches its XenStore server.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENBUS_XEN_TRANSPORT_H
#define _XENBUS_XEN_TRANSPORT_H

/**
 * enum xenstore_init - where the ring page comes from
 * @XS_UNKNOWN: there is no store
 * @XS_PV: the domain builder passed it in the start-of-day page
 * @XS_HVM: it is in the parameters of the domain
 * @XS_LOCAL: this domain offers it to a server that it will run itself
 */
enum xenstore_init {
	XS_UNKNOWN,
	XS_PV,
	XS_HVM,
	XS_LOCAL,
};

extern enum xenstore_init xen_store_domain_type;

void xen_transport_replace_evtchn(int port);

#endif /* _XENBUS_XEN_TRANSPORT_H */
