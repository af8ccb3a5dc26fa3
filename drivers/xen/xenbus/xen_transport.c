// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a Xen domain reaches its XenStore server.
 *
 * Finds the ring page and the event channel, at boot and again after a resume,
 * and passes interrupts on to the connection. There are four ways:
 *
 * - a PV domain is told in its start-of-day page;
 * - an HVM or PVH domain asks for two parameters. Its interrupts may not work
 *   until the platform device is up, and a domain that is started without a
 *   toolstack may get its page only later, announced by an event;
 * - a domain that is to run the server itself, as dom0 usually does, allocates
 *   both, and learns of the server by its first notification;
 * - the latter may be given another server later, see cdev_backend.c, or run another
 *   one, see xen_transport_next.c.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) "xenbus: " fmt

#include <linux/completion.h>
#include <linux/crash_dump.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/printk.h>
#include <linux/proc_fs.h>

#include <asm/xen/hypervisor.h>
#include <xen/events.h>
#include <xen/hvm.h>
#include <xen/page.h>
#include <xen/xen-ops.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "../xenstore/ops.h"
#include "bus.h"
#include "xenbus_store.h"
#include "xen_transport.h"

#define XENBUS_VERSION	"1.0"

/* Longer than it takes to park the kthread. */
#define XEN_TRANSPORT_TIMEOUT	(10 * HZ)

/* So often is looked whether a page is ready. */
#define XEN_TRANSPORT_STEP	(HZ / 20)

/* The event channel to the server, and its interrupt. */
static evtchn_port_t xen_transport_port;
static int xen_transport_irq = XEN_TRANSPORT_NO_IRQ;

/* The channel of a server in another domain, until it is in use. */
static int xen_transport_new_port;
static DECLARE_COMPLETION(xen_transport_handed_over);
static int xen_transport_take_over_err;

/*
 * The event channel that a server binds to, 0 if there is none: the one in use, or
 * the next one.
 */
int xen_store_evtchn;
EXPORT_SYMBOL_GPL(xen_store_evtchn);

/* The ring page, NULL until it is known. */
struct xenstore_domain_interface *xen_store_interface;
EXPORT_SYMBOL_GPL(xen_store_interface);

/* How the server is reached. */
enum xenstore_init xen_store_domain_type;
EXPORT_SYMBOL_GPL(xen_store_domain_type);

/* Interrupt that waits for a page that comes late. */
static int xen_transport_late_irq = XEN_TRANSPORT_NO_IRQ;

/* The other side has notified us; never reset. */
static DECLARE_COMPLETION(xen_transport_heard);

static struct xs_transport xen_transport;

static irqreturn_t xen_transport_interrupt(int irq, void *data)
{
	struct xs_transport *t = data;

	if (xen_transport_next_interrupt(irq))
		return IRQ_HANDLED;
	if (!completion_done(&xen_transport_heard))
		complete_all(&xen_transport_heard);
	t->notified(t);
	return IRQ_HANDLED;
}

static void xen_transport_notify(struct xs_transport *t)
{
	notify_remote_via_evtchn(READ_ONCE(xen_transport_port));
}

static void xen_transport_mask(struct xs_transport *t)
{
	disable_irq_nosync(xen_transport_irq);
}

static void xen_transport_unmask(struct xs_transport *t)
{
	xen_clear_irq_pending(xen_transport_irq);
	enable_irq(xen_transport_irq);
}

/**
 * xen_transport_bind_port() - have a channel's notifications handled
 * @port: the channel
 *
 * Context: Process, may sleep.
 * Return: The interrupt, or a negative errno.
 */
int xen_transport_bind_port(evtchn_port_t port)
{
	int irq;

	irq = bind_evtchn_to_irqhandler(port, xen_transport_interrupt, 0,
					"xenbus", &xen_transport);
	if (irq < 0)
		pr_err("cannot bind event channel %u: %d\n", port, irq);
	return irq;
}

static int xen_transport_bind(void)
{
	int irq = xen_transport_bind_port(xen_store_evtchn);

	if (irq < 0)
		return irq;
	xen_transport_irq = irq;
	WRITE_ONCE(xen_transport_port, xen_store_evtchn);
	return 0;
}

static int xen_transport_connect(struct xs_transport *t)
{
	int err;

	if (!xen_store_interface)
		return -ENXIO;
	t->page = xen_store_interface;
	/* The kernel of a crash dump may be about to read what it needs. */
	t->keep_responses = reset_devices;
	err = xen_transport_bind();
	/* Masking needs the number of the interrupt. */
	t->peer_is_local = !err && xen_store_domain_type == XS_LOCAL;
	return err;
}

static void xen_transport_disconnect(struct xs_transport *t)
{
	if (xen_transport_irq != XEN_TRANSPORT_NO_IRQ)
		unbind_from_irqhandler(xen_transport_irq, t);
	xen_transport_irq = XEN_TRANSPORT_NO_IRQ;
	WRITE_ONCE(t->masked, false);
}

/* The channel has another number in the place the domain was restored in. */
static void xen_transport_find_evtchn(void)
{
	u64 port = 0;
	int err;

	switch (xen_store_domain_type) {
	case XS_PV:
		xen_store_evtchn = xen_start_info->store_evtchn;
		break;
	case XS_HVM:
		err = hvm_get_parameter(HVM_PARAM_STORE_EVTCHN, &port);
		if (err || !port)
			pr_warn("no event channel after resume: %d\n", err);
		else
			xen_store_evtchn = port;
		break;
	default:
		break;
	}
}

static int xen_transport_reconnect(struct xs_transport *t)
{
	xen_transport_find_evtchn();
	t->page = xen_store_interface;
	if (xen_transport_irq == XEN_TRANSPORT_NO_IRQ)
		return xen_transport_bind();
	rebind_evtchn_irq(xen_store_evtchn, xen_transport_irq);
	WRITE_ONCE(xen_transport_port, xen_store_evtchn);
	return 0;
}

/**
 * xen_transport_is_alive() - is there a server at the channel in use?
 *
 * Context: Process.
 * Return: As xen_transport_is_bound().
 */
bool xen_transport_is_alive(void)
{
	return xen_transport_is_bound(READ_ONCE(xen_transport_port));
}

static bool xen_transport_peer_is_alive(struct xs_transport *t)
{
	return xen_transport_is_alive();
}

static int xen_transport_take_over(struct xs_transport *t, int port)
{
	int err;

	xen_transport_disconnect(t);
	t->peer_is_local = false;
	xen_store_evtchn = port;
	err = xen_transport_bind();
	xen_transport_take_over_err = err;
	complete(&xen_transport_handed_over);
	return err;
}

/* The lost connection begins anew, perhaps with another server. */
static int xen_transport_renew(struct xs_transport *t)
{
	int port = xchg(&xen_transport_new_port, 0);
	int irq;

	if (port)
		return xen_transport_take_over(t, port);
	irq = xen_transport_next_server();
	if (irq == XEN_TRANSPORT_NO_IRQ)
		return 0;
	xen_transport_disconnect(t);
	xen_transport_irq = irq;
	WRITE_ONCE(xen_transport_port, xen_store_evtchn);
	xen_transport_next_taken();
	return 0;
}

static const struct xs_transport_ops xen_transport_ops = {
	.connect = xen_transport_connect,
	.disconnect = xen_transport_disconnect,
	.reconnect = xen_transport_reconnect,
	.renew = xen_transport_renew,
	.is_alive = xen_transport_peer_is_alive,
	.notify = xen_transport_notify,
	.mask = xen_transport_mask,
	.unmask = xen_transport_unmask,
};

static struct xs_transport xen_transport = {
	.ops = &xen_transport_ops,
};

/**
 * xen_transport_hand_over() - a server in another domain will be at the other end
 * @port: the channel it will bind to
 *
 * Requests from before go to it. They need not be complete, and nobody has ever
 * listened.
 *
 * Context: Process, sleeps until the channel is in use; one at a time.
 * Return: 0, or -EIO if the store has been given up, or the channel cannot be bound.
 */
int xen_transport_hand_over(int port)
{
	if (READ_ONCE(xenbus_conn()->state) == XS_CONN_BROKEN)
		return -EIO;
	reinit_completion(&xen_transport_handed_over);
	xen_transport_take_over_err = -EIO;
	WRITE_ONCE(xen_transport_new_port, port);
	xs_conn_recall(xenbus_conn());
	/* Only if nobody has taken it, and nobody will. */
	while (!wait_for_completion_timeout(&xen_transport_handed_over,
					    XEN_TRANSPORT_TIMEOUT)) {
		if (xchg(&xen_transport_new_port, 0))
			return -EIO;
	}
	return xen_transport_take_over_err;
}

/* === A server of our own === */

static int __init xen_transport_offer(void)
{
	void *page;
	int port;

	page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	port = xen_transport_next_port();
	if (port < 0) {
		free_page((unsigned long)page);
		return port;
	}
	xen_store_interface = page;
	xen_store_evtchn = port;
	return 0;
}

/* === A page from the parameters of the domain === */

static int xen_transport_map(u64 gfn)
{
	if (gfn > ULONG_MAX >> XEN_PAGE_SHIFT) {
		pr_err("ring page %#llx is out of reach\n", gfn);
		return -EINVAL;
	}
	xen_store_interface = memremap(gfn << XEN_PAGE_SHIFT, XEN_PAGE_SIZE,
				       MEMREMAP_WB);
	if (!xen_store_interface) {
		pr_err("cannot map the ring page %#llx\n", gfn);
		return -EINVAL;
	}
	return 0;
}

/* 0 stands for never set, ~0 for not yet: see xl.cfg and dom0less. */
static int xen_transport_read_gfn(u64 *gfn)
{
	int err;

	*gfn = 0;
	err = hvm_get_parameter(HVM_PARAM_STORE_PFN, gfn);
	if (!err && !*gfn)
		err = -ENOENT;
	return err;
}

/* The domain that sets the page up may have to finish before it can be used. */
static bool xen_transport_page_is_ready(void)
{
	return READ_ONCE(xen_store_interface->connection) == XENSTORE_CONNECTED;
}

static irqreturn_t xen_transport_late_interrupt(int irq, void *data)
{
	u64 gfn;

	if (xen_store_interface ? xen_transport_page_is_ready() :
	    !xen_transport_read_gfn(&gfn) && gfn != ~0ULL)
		complete_all(&xen_transport_heard);
	return IRQ_HANDLED;
}

static int __init xen_transport_wait_for_page(void)
{
	int irq;

	irq = bind_evtchn_to_irqhandler(xen_store_evtchn,
					xen_transport_late_interrupt, 0,
					"xenstore_late_init", &xen_transport);
	if (irq < 0) {
		pr_err("cannot wait for the ring page: %d\n", irq);
		return irq;
	}
	xen_transport_late_irq = irq;
	return 0;
}

static int __init xen_transport_find_page(void)
{
	u64 gfn;
	int err;

	err = xen_transport_read_gfn(&gfn);
	if (err)
		return err;
	if (gfn == ~0ULL)
		return xen_transport_wait_for_page();
	err = xen_transport_map(gfn);
	if (err)
		return err;
	return xen_transport_page_is_ready() ? 0 : xen_transport_wait_for_page();
}

/* === Boot === */

static int __init xen_transport_discover_pv(void)
{
	if (!xen_start_info->store_evtchn) {
		xen_store_domain_type = XS_LOCAL;
		return xen_transport_offer();
	}
	xen_store_domain_type = XS_PV;
	xen_store_evtchn = xen_start_info->store_evtchn;
	xen_store_interface = gfn_to_virt(xen_start_info->store_mfn);
	xenstored_ready = 1;
	return 0;
}

static int __init xen_transport_discover_hvm(void)
{
	u64 port = 0;
	int err;

	err = hvm_get_parameter(HVM_PARAM_STORE_EVTCHN, &port);
	if (err)
		return err;
	if (!port && xen_initial_domain()) {
		xen_store_domain_type = XS_LOCAL;
		return xen_transport_offer();
	}
	xen_store_domain_type = XS_HVM;
	xen_store_evtchn = port;
	return xen_transport_find_page();
}

static int __init xen_transport_discover(void)
{
	if (xen_pv_domain())
		return xen_transport_discover_pv();
	if (xen_hvm_domain())
		return xen_transport_discover_hvm();
	return -ENODEV;
}

static int __init xen_transport_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	xenbus_store_init(&xen_transport);
	err = xen_transport_discover();
	/* In an HVM domain interrupts may not work yet. */
	if (!err && xen_store_domain_type != XS_HVM)
		err = xenbus_store_start();
	if (err) {
		pr_warn("no connection to a store: %d\n", err);
		xen_store_domain_type = XS_UNKNOWN;
		xenbus_store_refuse();
		return err;
	}
	pr_info("version " XENBUS_VERSION ", store ring is %s, event channel %d\n",
		xen_store_domain_type == XS_LOCAL ? "offered to a local server" :
		xen_store_domain_type == XS_PV ? "in the start-of-day page" :
		"in the domain's parameters", xen_store_evtchn);
	if (IS_ENABLED(CONFIG_XEN_COMPAT_XENFS))
		proc_create_mount_point("xen");
	return 0;
}
postcore_initcall(xen_transport_init);

/*
 * What an earlier kernel of this domain registered would fire for ever. Drops all
 * watches and transactions there are, so nothing else may have reached the server.
 */
static void xen_transport_reset_watches(void)
{
	int err;

	if (!xen_hvm_domain() || xen_initial_domain())
		return;
	if (!xenbus_read_unsigned("control", "platform-feature-xs_reset_watches",
				  0))
		return;
	err = xs_op_reset_watches(xenbus_conn());
	if (err && err != -EEXIST)
		pr_warn("cannot reset old watches: %d\n", err);
}

static int xen_transport_start_hvm(void)
{
	struct xs_conn *conn = xenbus_conn();
	u64 gfn;
	int err;

	if (!xen_store_interface) {
		err = xen_transport_read_gfn(&gfn);
		if (!err)
			err = xen_transport_map(gfn);
		if (err)
			return err;
	}
	/* Only the thread that waits for the page comes here before it is ready. */
	while (!xen_transport_page_is_ready())
		schedule_timeout_idle(XEN_TRANSPORT_STEP);
	/*
	 * The handler goes, the channel stays: closing it would lose a
	 * notification that has come in the meantime.
	 */
	if (xen_transport_late_irq != XEN_TRANSPORT_NO_IRQ)
		free_irq(xen_transport_late_irq, &xen_transport);
	xen_transport_late_irq = XEN_TRANSPORT_NO_IRQ;
	/* Programs may have queued requests for as long as there was no page. */
	xs_conn_hold(conn);
	err = xenbus_store_start();
	if (!err)
		xen_transport_reset_watches();
	xs_conn_unhold(conn);
	return err;
}

static void xen_transport_probe(void)
{
	int err = 0;

	if (xen_store_domain_type == XS_HVM)
		err = xen_transport_start_hvm();
	if (err) {
		pr_err("cannot reach the store: %d\n", err);
		xenbus_store_refuse();
		return;
	}
	if (xen_store_domain_type == XS_LOCAL && xen_transport.peer_is_local)
		xen_transport_next_want();
	xenbus_store_announce();
}

/* Interrupts come through the platform device, which is not up yet. */
static bool xen_transport_must_defer(void)
{
#ifdef CONFIG_XEN_PVHVM
	return xen_store_domain_type == XS_HVM && !xen_have_vector_callback;
#else
	return false;
#endif
}

static int xen_transport_probe_thread(void *unused)
{
	/* Perhaps for ever, if there is no server: this is no hung task. */
	wait_for_completion_state(&xen_transport_heard, TASK_IDLE);
	xen_transport_probe();
	return 0;
}

static int __init xen_transport_probe_init(void)
{
	struct task_struct *thread;

	if (!xen_domain() || xen_store_domain_type == XS_UNKNOWN)
		return -ENODEV;
	if (xen_store_domain_type == XS_LOCAL ||
	    xen_transport_late_irq != XEN_TRANSPORT_NO_IRQ) {
		thread = kthread_run(xen_transport_probe_thread, NULL,
				     "xenbus_probe");
		/* Beside a local server the store has been started already. */
		if (IS_ERR(thread) && xen_store_domain_type != XS_LOCAL)
			xenbus_store_refuse();
		return PTR_ERR_OR_ZERO(thread);
	}
	if (!xen_transport_must_defer())
		xen_transport_probe();
	return 0;
}
device_initcall(xen_transport_probe_init);

/**
 * xen_set_callback_via() - tell Xen how to raise event channel interrupts
 * @via: value of HVM_PARAM_CALLBACK_IRQ
 *
 * A store that had to wait for interrupts is started now.
 *
 * Context: Process, may sleep.
 * Return: 0 or the error of the hypercall.
 */
int xen_set_callback_via(uint64_t via)
{
	struct xen_hvm_param param = {
		.domid = DOMID_SELF,
		.index = HVM_PARAM_CALLBACK_IRQ,
		.value = via,
	};
	int err;

	err = HYPERVISOR_hvm_op(HVMOP_set_param, &param);
	if (err)
		return err;
	/* If the page comes late, a thread of its own waits for it. */
	if (!xenstored_ready && xen_transport_must_defer() &&
	    xen_transport_late_irq == XEN_TRANSPORT_NO_IRQ)
		xen_transport_probe();
	return 0;
}
EXPORT_SYMBOL_GPL(xen_set_callback_via);
