// SPDX-License-Identifier: GPL-2.0-only
/*
 * The next server that this domain runs.
 *
 * When a server of our own has died, Xen keeps its channel for another one, and
 * nothing tells the two apart: but the other one knows nothing of this kernel's
 * watches. So there is a second channel from the time on when the first server is
 * there. A server that is started again finds that one, and so makes itself known.
 * The connection begins anew with it, and a further channel waits for its successor.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenbus: " fmt

#include <linux/interrupt.h>
#include <linux/printk.h>
#include <linux/workqueue.h>

#include <asm/xen/hypervisor.h>
#include <xen/events.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "xenbus_store.h"
#include "xen_transport.h"

/* So often is looked whether the server before has gone. */
#define XEN_TRANSPORT_NEXT_STEP	HZ

/* Interrupt of the next channel, and whether there is a server at its other end. */
static int xen_transport_next_irq = XEN_TRANSPORT_NO_IRQ;
static bool xen_transport_next_heard;

/**
 * xen_transport_next_port() - make a channel for a server of this domain
 *
 * Context: Process.
 * Return: The port, or a negative errno.
 */
int xen_transport_next_port(void)
{
	struct evtchn_alloc_unbound alloc = {
		.dom = DOMID_SELF,
		.remote_dom = DOMID_SELF,
	};
	int err;

	err = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
	return err ?: alloc.port;
}

/**
 * xen_transport_next_offer() - make a channel for the next server
 *
 * Without one, a server that is started again gets the channel of the one before, and
 * no watches: no more than that.
 *
 * Context: Process, may sleep; there is none.
 */
void xen_transport_next_offer(void)
{
	int irq, port = xen_transport_next_port();
	struct evtchn_close close = { .port = port };

	if (port < 0) {
		pr_warn("no event channel for another server: %d\n", port);
		return;
	}
	irq = xen_transport_bind_port(port);
	if (irq < 0) {
		HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
		return;
	}
	WRITE_ONCE(xen_transport_next_irq, irq);
	xen_store_evtchn = port;
}

/* There is a server at the next channel. */
static void xen_transport_next_begin(struct work_struct *work)
{
	struct xs_store *store = xenbus_store();
	enum xs_conn_state state = READ_ONCE(store->conn.state);

	if (!READ_ONCE(xen_transport_next_heard))
		return;
	if (xen_transport_is_bound()) {
		pr_warn_ratelimited("there is a server already: another one waits\n");
	} else {
		pr_info("there is another server\n");
		if (state == XS_CONN_BROKEN)
			xs_store_reconnect(store);
		else if (state == XS_CONN_UP)
			xs_conn_lose(&store->conn);
	}
	/* Until it has been taken. */
	schedule_delayed_work(to_delayed_work(work), XEN_TRANSPORT_NEXT_STEP);
}

static DECLARE_DELAYED_WORK(xen_transport_next_work, xen_transport_next_begin);

/**
 * xen_transport_next_interrupt() - is a notification from the next server?
 * @irq: the interrupt
 *
 * Context: Hard interrupt.
 * Return: true if so; it has been dealt with.
 */
bool xen_transport_next_interrupt(int irq)
{
	/* Acquire: pairs with the release of xen_transport_next_taken(). */
	if (irq != smp_load_acquire(&xen_transport_next_irq))
		return false;
	WRITE_ONCE(xen_transport_next_heard, true);
	schedule_delayed_work(&xen_transport_next_work, 0);
	return true;
}

/**
 * xen_transport_next_server() - is there another server, and not the one before?
 *
 * Context: Process.
 * Return: The interrupt of its channel, which is %xen_store_evtchn and has been bound
 * with xen_transport_bind_port(); XEN_TRANSPORT_NO_IRQ if there is none.
 */
int xen_transport_next_server(void)
{
	if (!READ_ONCE(xen_transport_next_heard) || xen_transport_is_bound())
		return XEN_TRANSPORT_NO_IRQ;
	return xen_transport_next_irq;
}

/**
 * xen_transport_next_taken() - the next server has become the server
 *
 * The notifications on its channel are the connection's from here on.
 *
 * Context: Process, may sleep; xen_transport_next_server() has returned one.
 */
void xen_transport_next_taken(void)
{
	int irq = xen_transport_next_irq;

	/* Release: whoever sees this sees which interrupt is the connection's. */
	smp_store_release(&xen_transport_next_irq, XEN_TRANSPORT_NO_IRQ);
	synchronize_irq(irq);
	WRITE_ONCE(xen_transport_next_heard, false);
}
