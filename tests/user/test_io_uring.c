// SPDX-License-Identifier: GPL-2.0
/*
 * dev-xenbus, "Waiting": io_uring reads and writes like everybody, and what
 * has to wait waits without a thread of the kernel that does it.
 */
#include <dirent.h>

#include "xs.h"

#include "uring.h"

/* Threads beside this one: io_uring has made them. */
static int workers(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	REQUIRE(dir, "/proc/self/task: %m");
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count - 1;
}

/* Waits for one completion, which must be that of DATA; returns its result. */
static int complete(struct uring *ring, uint64_t expected)
{
	uint64_t data;
	int res;

	uring_enter(ring, 1);
	REQUIRE(uring_reap(ring, &data, &res), "no completion");
	REQUIRE(data == expected, "%llu is complete, not %llu",
		(unsigned long long)data, (unsigned long long)expected);
	return res;
}

static void check_ping(const struct xs_msg *msg, uint32_t req_id, int res)
{
	REQUIRE(res == 32 && msg->hdr.type == XS_GET_DOMAIN_PATH &&
		msg->hdr.req_id == req_id, "%d bytes, type %u, request %u",
		res, msg->hdr.type, msg->hdr.req_id);
}

/* That the others would see one. */
static void worker_is_seen_where_there_is_one(const char *device)
{
	int fd = xs_open(device, 0);
	struct uring ring;
	struct xs_msg msg;

	uring_open(&ring);
	uring_io(&ring, IORING_OP_READ, fd, &msg, 32, 1)->flags = IOSQE_ASYNC;
	uring_enter(&ring, 0);
	REQUIRE(workers() > 0, "no worker although one was asked for");
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 5, 0, "0");
	check_ping(&msg, 5, complete(&ring, 1));
}

static void read_of_an_empty_file_needs_no_worker(const char *device)
{
	int fd = xs_open(device, 0), res;
	struct uring ring;
	struct xs_msg msg;
	uint64_t data;

	uring_open(&ring);
	uring_io(&ring, IORING_OP_READ, fd, &msg, 32, 1);
	uring_enter(&ring, 0);
	REQUIRE(!uring_reap(&ring, &data, &res), "complete with %d", res);
	REQUIRE(!workers(), "a thread reads");
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 5, 0, "0");
	check_ping(&msg, 5, complete(&ring, 1));
	REQUIRE(!workers(), "a thread has read");
}

static void write_needs_no_worker(const char *device)
{
	int fd = xs_open(device, 0), res;
	struct uring ring;
	struct xs_msg msg;
	char buf[64];
	size_t len;

	uring_open(&ring);
	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 5, 0, "0");
	uring_io(&ring, IORING_OP_WRITE, fd, buf, len, 1);
	res = complete(&ring, 1);
	REQUIRE(res == (int)len, "write completed with %d", res);
	REQUIRE(!workers(), "a thread has written");
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 5);
}

static void write_at_the_limit_needs_no_worker(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK), res;
	struct uring ring;
	struct xs_msg msg;
	uint64_t data;
	char buf[64];
	size_t len;

	uring_open(&ring);
	xs_fill_unread(fd);
	xs_set_nonblock(fd, false);
	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 5, 0, "0");
	uring_io(&ring, IORING_OP_WRITE, fd, buf, len, 1);
	uring_enter(&ring, 0);
	REQUIRE(!uring_reap(&ring, &data, &res), "complete with %d", res);
	REQUIRE(!workers(), "a thread writes");
	xs_recv(fd, &msg);
	res = complete(&ring, 1);
	REQUIRE(res == (int)len, "write completed with %d", res);
	REQUIRE(!workers(), "a thread has written");
}

#define PAIRS 50

static void hundred_operations_at_once_need_no_worker(const char *device)
{
	static struct xs_msg msg[PAIRS];
	static char buf[PAIRS][32];
	int fd = xs_open(device, 0), i, res;
	bool seen[PAIRS] = { 0 };
	struct uring ring;
	uint64_t data;
	size_t len;

	uring_open(&ring);
	for (i = 0; i < PAIRS; i++)
		uring_io(&ring, IORING_OP_READ, fd, &msg[i], 32, i);
	for (i = 0; i < PAIRS; i++) {
		len = xs_build_str(buf[i], XS_GET_DOMAIN_PATH, i, 0, "0");
		uring_io(&ring, IORING_OP_WRITE, fd, buf[i], len, PAIRS + i);
	}
	uring_enter(&ring, 2 * PAIRS);
	for (i = 0; i < 2 * PAIRS; i++) {
		REQUIRE(uring_reap(&ring, &data, &res), "%d are complete", i);
		REQUIRE(res == (data < PAIRS ? 32 : 18),
			"operation %llu completed with %d",
			(unsigned long long)data, res);
	}
	REQUIRE(!workers(), "a thread was made");
	for (i = 0; i < PAIRS; i++) {
		REQUIRE(msg[i].hdr.req_id < PAIRS && !seen[msg[i].hdr.req_id],
			"request %u", msg[i].hdr.req_id);
		seen[msg[i].hdr.req_id] = true;
	}
}

static void read_that_is_cancelled_takes_nothing(const char *device)
{
	int fd = xs_open(device, 0), res, i;
	struct uring ring;
	struct xs_msg msg;
	uint64_t data;

	uring_open(&ring);
	uring_io(&ring, IORING_OP_READ, fd, &msg, 32, 1);
	uring_enter(&ring, 0);
	uring_next(&ring, IORING_OP_ASYNC_CANCEL, -1, 2)->addr = 1;
	uring_enter(&ring, 2);
	for (i = 0; i < 2; i++) {
		REQUIRE(uring_reap(&ring, &data, &res), "%d are complete", i);
		REQUIRE(res == (data == 1 ? -ECANCELED : 0), "%llu with %d",
			(unsigned long long)data, res);
	}
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 5, 0, "0");
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 5);
}

static void poll_completes_when_a_reply_comes(const char *device)
{
	int fd = xs_open(device, 0), res;
	struct uring ring;
	uint64_t data;

	uring_open(&ring);
	uring_next(&ring, IORING_OP_POLL_ADD, fd, 1)->poll32_events = POLLIN;
	uring_enter(&ring, 0);
	REQUIRE(!uring_reap(&ring, &data, &res), "complete with %d", res);
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 5, 0, "0");
	res = complete(&ring, 1);
	REQUIRE(res == POLLIN, "poll completed with %#x", res);
}

static const struct ktap_case cases[] = {
	CASE(worker_is_seen_where_there_is_one),
	CASE(read_of_an_empty_file_needs_no_worker),
	CASE(write_needs_no_worker),
	CASE(write_at_the_limit_needs_no_worker),
	CASE(hundred_operations_at_once_need_no_worker),
	CASE(read_that_is_cancelled_takes_nothing),
	CASE(poll_completes_when_a_reply_comes),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
