// SPDX-License-Identifier: GPL-2.0-only
/*
 * The next server that this domain runs.
 *
 * When a server of our own has died, Xen keeps its channel for another one, and
 * nothing tells the two apart: but the other one knows nothing of this kernel's
 * watches. So there is a second channel from the time on when there is a server that
 * can begin anew. One that is started again finds that channel, and so makes itself
 * known. The connection begins anew with it, and a further channel waits for its
 * successor. A server that cannot begin anew gets the channel of the one before, and
 * goes on in the middle of what that one did.
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

/* There may be a next server at all. */
static bool xen_transport_next_wanted;

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
 * xen_transport_close_port() - close a channel that no interrupt is bound to
 * @port: the channel
 *
 * Context: Process.
 */
void xen_transport_close_port(evtchn_port_t port)
{
	struct evtchn_close close = { .port = port };

	HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
}

/**
 * xen_transport_is_bound() - is there a server at the other end of a channel?
 * @port: the channel
 *
 * Context: Process.
 * Return: false if it has not come yet, or has died.
 */
bool xen_transport_is_bound(evtchn_port_t port)
{
	struct evtchn_status status = {
		.dom = DOMID_SELF,
		.port = port,
	};

	return !HYPERVISOR_event_channel_op(EVTCHNOP_status, &status) &&
	       status.status == EVTCHNSTAT_interdomain;
}

/* Without the channel, no server is recognised as another one: no more than that. */
static void xen_transport_next_offer(struct work_struct *work)
{
	int irq, port;

	if (READ_ONCE(xen_transport_next_irq) != XEN_TRANSPORT_NO_IRQ)
		return;
	port = xen_transport_next_port();
	if (port < 0) {
		pr_warn_ratelimited("no event channel for another server: %d\n",
				    port);
		return;
	}
	irq = xen_transport_bind_port(port);
	if (irq < 0) {
		xen_transport_close_port(port);
		return;
	}
	WRITE_ONCE(xen_transport_next_irq, irq);
	WRITE_ONCE(xen_store_evtchn, port);
}

static DECLARE_WORK(xen_transport_next_offer_work, xen_transport_next_offer);

/**
 * xen_transport_next_want() - the server is a process of this domain
 *
 * Context: Process.
 */
void xen_transport_next_want(void)
{
	WRITE_ONCE(xen_transport_next_wanted, true);
}

/* Is there a server at the next channel, and none at the one in use? */
static bool xen_transport_next_is_due(void)
{
	return READ_ONCE(xen_transport_next_heard) &&
	       xen_transport_is_bound(READ_ONCE(xen_store_evtchn)) &&
	       !xen_transport_is_alive();
}

/* Waits for the server, which may be replaced in the meantime: a work of its own. */
static void xen_transport_next_revive(struct work_struct *work)
{
	xs_store_reconnect(xenbus_store());
}

static DECLARE_WORK(xen_transport_next_revive_work, xen_transport_next_revive);

static void xen_transport_next_begin(void)
{
	enum xs_conn_state state = READ_ONCE(xenbus_conn()->state);

	pr_info("there is another server\n");
	if (state == XS_CONN_BROKEN)
		schedule_work(&xen_transport_next_revive_work);
	else if (state == XS_CONN_UP)
		xs_conn_lose(xenbus_conn());
}

/* Looked at until the server at the next channel has been taken, or has gone. */
static void xen_transport_next_look(struct work_struct *work)
{
	if (!READ_ONCE(xen_transport_next_heard))
		return;
	if (!xen_transport_is_bound(READ_ONCE(xen_store_evtchn))) {
		WRITE_ONCE(xen_transport_next_heard, false);
		return;
	}
	if (xen_transport_next_is_due())
		xen_transport_next_begin();
	queue_delayed_work(system_dfl_wq, to_delayed_work(work),
			   XEN_TRANSPORT_NEXT_STEP);
}

static DECLARE_DELAYED_WORK(xen_transport_next_work, xen_transport_next_look);

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
	int next = smp_load_acquire(&xen_transport_next_irq);

	if (next == XEN_TRANSPORT_NO_IRQ) {
		if (READ_ONCE(xen_transport_next_wanted) &&
		    xs_reconnect_is_offered(xenbus_conn()))
			schedule_work(&xen_transport_next_offer_work);
		return false;
	}
	if (irq != next)
		return false;
	WRITE_ONCE(xen_transport_next_heard, true);
	/* At once: each request that is sent until then may fail. */
	mod_delayed_work(system_dfl_wq, &xen_transport_next_work, 0);
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
	return xen_transport_next_is_due() ? xen_transport_next_irq :
					     XEN_TRANSPORT_NO_IRQ;
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
