// SPDX-License-Identifier: GPL-2.0
/* See server.h. */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "server.h"

/* Xen's names, which the headers below take for known. */
typedef uint16_t domid_t;
typedef uint32_t grant_ref_t;
#include <xen/evtchn.h>
#include <xen/gntdev.h>

#define BACKEND "/dev/xen/xenbus_backend"
#define BACKEND_SETUP _IOC(_IOC_NONE, 'B', 1, 0)

#define GRANT_XENSTORE 1	/* reserved by Xen's grant_table.h */
#define RING_SIZE 1024

/* xs_wire.h of Xen */
struct interface {
	char req[RING_SIZE], rsp[RING_SIZE];
	uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
};

static struct interface *page;
static int events;
static struct ioctl_evtchn_notify peer;

static void map_page(void)
{
	struct ioctl_gntdev_map_grant_ref map = {
		.count = 1, .refs = { { 0, GRANT_XENSTORE } },
	};
	int fd = xs_open("/dev/xen/gntdev", 0);

	REQUIRE(!ioctl(fd, IOCTL_GNTDEV_MAP_GRANT_REF, &map), "grant: %m");
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    map.index);
	REQUIRE(page != MAP_FAILED, "mmap of the grant: %m");
}

void server_start(void)
{
	int port = ioctl(xs_open(BACKEND, 0), BACKEND_SETUP, 0);
	struct ioctl_evtchn_bind_interdomain bind = { 0, port };

	REQUIRE(port > 0, "setup: %m");
	map_page();
	events = xs_open("/dev/xen/evtchn", 0);
	port = ioctl(events, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
	REQUIRE(port > 0, "bind: %m");
	peer.port = port;
	REQUIRE(!ioctl(events, IOCTL_EVTCHN_NOTIFY, &peer), "notify: %m");
}

/* Sleeps until the driver has notified, for one event or several. */
static void wait_for_event(void)
{
	struct pollfd poller = { .fd = events, .events = POLLIN };
	uint32_t port;

	REQUIRE(poll(&poller, 1, SOON_MS) == 1, "the driver is silent");
	xs_get(events, &port, sizeof(port));
	xs_put(events, (char *)&port, sizeof(port));
}

static void notify(void)
{
	__sync_synchronize();
	REQUIRE(!ioctl(events, IOCTL_EVTCHN_NOTIFY, &peer), "notify: %m");
}

static void get(void *to, size_t len)
{
	char *out = to;

	while (len) {
		__sync_synchronize();
		if (*(volatile uint32_t *)&page->req_prod == page->req_cons) {
			wait_for_event();
			continue;
		}
		*out++ = page->req[page->req_cons % RING_SIZE];
		len--;
		__sync_synchronize();
		page->req_cons++;
	}
	notify();
}

/* Waits for space when the ring is full: then the driver notifies. */
static void put(const void *from, size_t len)
{
	const char *in = from;

	while (len) {
		__sync_synchronize();
		if (page->rsp_prod - *(volatile uint32_t *)&page->rsp_cons ==
		    RING_SIZE) {
			notify();
			wait_for_event();
			continue;
		}
		page->rsp[page->rsp_prod % RING_SIZE] = *in++;
		len--;
		__sync_synchronize();
		page->rsp_prod++;
	}
}

static void receive(struct xs_msg *msg)
{
	get(&msg->hdr, sizeof(msg->hdr));
	REQUIRE(msg->hdr.len <= XS_PAYLOAD_MAX, "%u bytes", msg->hdr.len);
	if (msg->hdr.len)
		get(msg->body, msg->hdr.len);
	msg->body[msg->hdr.len] = '\0';
}

void server_send_header(const struct xs_hdr *hdr)
{
	put(hdr, sizeof(*hdr));
	notify();
}

void server_skip(uint32_t count)
{
	page->rsp_prod += count;
	notify();
}

static void reply(const struct xs_hdr *to, uint32_t type, const char *body)
{
	struct xs_hdr hdr = { type, to->req_id, to->tx_id, strlen(body) + 1 };

	put(&hdr, sizeof(hdr));
	put(body, hdr.len);
	notify();
}

/* An empty store, in which one may watch. */
static void answer(const struct xs_hdr *hdr)
{
	switch (hdr->type) {
	case XS_WATCH:
	case XS_UNWATCH:
	case XS_TRANSACTION_END:
	case XS_RESET_WATCHES:
	case XS_WRITE:
		reply(hdr, hdr->type, "OK");
		return;
	case XS_TRANSACTION_START:
		reply(hdr, hdr->type, "1");
		return;
	default:
		reply(hdr, XS_ERROR, "ENOENT");
	}
}

void server_until(bool (*received)(const struct xs_msg *msg))
{
	struct xs_msg msg;

	for (;;) {
		receive(&msg);
		if (received(&msg))
			return;
		answer(&msg.hdr);
	}
}
