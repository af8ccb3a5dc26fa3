// SPDX-License-Identifier: GPL-2.0
/*
 * What defects of the driver of Linux 6.12 look like from outside, where no other
 * program shows it. The names end in the letters of promises.rst. After most of them
 * that driver serves nobody any more, so that each has a boot of its own.
 *
 * c, d and j leave behind what must not hold up the suspend that comes next; k and q
 * want a dom0 without a daemon.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "server.h"

/* === What a suspend has to get over === */

static void close_with_an_open_transaction_c(const char *device)
{
	int fd = xs_open(device, 0);

	xs_begin(fd, 1);
	close(fd);
}

static void transaction_that_is_refused_d(const char *device)
{
	int fd = xs_open(device, 0), i, refused = 0, open = 0;
	struct xs_msg msg;
	uint32_t tx[60];

	for (i = 0; i < 60; i++) {
		xs_send_str(fd, XS_TRANSACTION_START, i, 0, "");
		xs_recv(fd, &msg);
		if (msg.hdr.type == XS_TRANSACTION_START)
			tx[open++] = strtoul(msg.body, NULL, 10);
		else
			refused++;
	}
	REQUIRE(refused, "the server has no quota");
	while (open)
		xs_end(fd, tx[--open], "F");
	close(fd);
}

/* Ends with its time. */
static void steady_traffic_j(const char *device)
{
	int fd, i;

	for (i = 0; i < 7 && fork(); i++)
		;
	fd = xs_open(device, 0);
	for (i = 0; ; i++)
		xs_ping(fd, i);
}

/* === A client that is stuck in its own memory === */

struct stuck_read {
	int fd;
	void *memory;
};

static void *read_there(void *arg)
{
	struct stuck_read *read_ = arg;

	REQUIRE(read(read_->fd, read_->memory, 16) == 16, "read: %m");
	return NULL;
}

/* A page that is there when someone says so; returns who that is. */
static int missing_page(void **memory)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	REQUIRE(fd >= 0 && !ioctl(fd, UFFDIO_API, &api), "userfaultfd: %m");
	*memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)*memory;
	range.range.len = 4096;
	REQUIRE(!ioctl(fd, UFFDIO_REGISTER, &range), "register: %m");
	return fd;
}

static void client_stuck_in_its_memory_stops_no_other_h(const char *device)
{
	struct stuck_read stuck = { .fd = xs_open(device, 0) };
	int other = xs_open(device, 0), pager = missing_page(&stuck.memory);
	struct uffdio_zeropage zero = { .range.len = 4096 };
	struct uffd_msg fault;
	pthread_t thread;

	zero.range.start = (uintptr_t)stuck.memory;
	xs_send_str(stuck.fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
	REQUIRE(!pthread_create(&thread, NULL, read_there, &stuck), "thread");
	xs_get(pager, &fault, sizeof(fault));
	xs_send_str(stuck.fd, XS_GET_DOMAIN_PATH, 2, 0, "0");
	xs_ping(other, 1);
	xs_ping(other, 2);
	REQUIRE(!ioctl(pager, UFFDIO_ZEROPAGE, &zero), "zeropage: %m");
	pthread_join(thread, NULL);
}

/* === A client that never reads === */

static void replies_nobody_reads_are_bounded_o(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK), other = xs_open(device, 0), i;
	char value[3000], buf[64];
	struct xs_msg msg;
	size_t len;

	memset(value, 'v', sizeof(value));
	xs_send_write(other, 1, 0, XS_DIR "/value", value, sizeof(value));
	xs_expect(other, &msg, XS_WRITE, 1);
	for (i = 0; i < 20000; i++) {
		len = xs_build_str(buf, XS_READ, i, 0, XS_DIR "/value");
		if (write(fd, buf, len) < 0) {
			REQUIRE(errno == EAGAIN, "write: %m");
			return;
		}
	}
	REQUIRE(0, "%d replies of %zu bytes are kept", i, sizeof(value));
}

/* === A server that lies === */

static bool is_read_of_a_client(const struct xs_msg *msg)
{
	return !strcmp(msg->body, "of-a-client");
}

/* Its request is with the server, which has not answered. */
static int client_in_flight(const char *device)
{
	int fd = xs_open(device, 0);

	server_start();
	xs_send_str(fd, XS_READ, 7, 0, "of-a-client");
	server_until(is_read_of_a_client);
	REQUIRE(xs_poll(fd, POLLIN, 0) == 0, "it has been answered");
	return fd;
}

static void broken_ring_answers_requests_in_flight_k(const char *device)
{
	int fd = client_in_flight(device);

	server_skip(5000);
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS) & POLLIN, "no answer");
	xs_expect_error(fd, 7, "EIO");
}

/* A later request is refused, at once or in a reply. */
static void message_that_is_too_long_stops_nobody_q(const char *device)
{
	struct xs_hdr lie = { XS_READ, 1, 0, 5000 };
	char buf[64];
	size_t len = xs_build_str(buf, XS_READ, 8, 0, "another");
	int fd = client_in_flight(device), other = xs_open(device, 0);

	server_send_header(&lie);
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS) & POLLIN, "no answer");
	xs_expect_error(fd, 7, "EIO");
	if (write(other, buf, len) < 0) {
		REQUIRE(errno == EIO, "write: %m");
		return;
	}
	REQUIRE(xs_poll(other, POLLIN, SOON_MS) & POLLIN, "no answer later");
	xs_expect_error(other, 8, "EIO");
}

static const struct ktap_case cases[] = {
	CASE(close_with_an_open_transaction_c),
	CASE(transaction_that_is_refused_d),
	CASE(client_stuck_in_its_memory_stops_no_other_h),
	SLOW_CASE(steady_traffic_j, 300),
	CASE(broken_ring_answers_requests_in_flight_k),
	CASE(replies_nobody_reads_are_bounded_o),
	CASE(message_that_is_too_long_stops_nobody_q),
};

/* Nothing is tidied up: there may be no store to do it in. */
int main(int argc, char **argv)
{
	ktap_device = "/dev/xen/xenbus";
	return ktap_main(argc, argv, cases, ARRAY_SIZE(cases));
}
