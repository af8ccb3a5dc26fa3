/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a Xen domain reaches its XenStore server.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENBUS_XEN_TRANSPORT_H
#define _XENBUS_XEN_TRANSPORT_H

#include <xen/interface/event_channel.h>

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

/* In the place of an interrupt. 0 is one: the first that is bound on arm64. */
#define XEN_TRANSPORT_NO_IRQ	(-1)

int xen_transport_hand_over(int port);
int xen_transport_bind_port(evtchn_port_t port);
bool xen_transport_is_alive(void);

/* xen_transport_next.c */
int xen_transport_next_port(void);
void xen_transport_close_port(evtchn_port_t port);
bool xen_transport_is_bound(evtchn_port_t port);
void xen_transport_next_want(void);
bool xen_transport_next_interrupt(int irq);
int xen_transport_next_server(void);
void xen_transport_next_taken(void);

#endif /* _XENBUS_XEN_TRANSPORT_H */
