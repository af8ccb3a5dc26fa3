// SPDX-License-Identifier: GPL-2.0
/*
 * What /dev/xen/xenbus promises to the process that has it open: the stream,
 * pipelining, transactions and watches, on a real store.
 */
#include <poll.h>

#include "xs.h"

#define DIR "data/xs-test"	/* relative: writable in dom0 and in a guest */

static void message_split_into_bytes_is_answered(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	char buf[64];
	size_t i, len;

	len = xs_build(buf, XS_DIRECTORY, 7, 0, "/", 2);
	for (i = 0; i < len; i++)
		xs_put(fd, buf + i, 1);
	xs_expect(fd, &msg, XS_DIRECTORY, 7);
}

static void two_messages_in_one_write_are_both_answered(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	char buf[128];
	size_t len;

	len = xs_build(buf, XS_DIRECTORY, 1, 0, "/", 2);
	len += xs_build(buf + len, XS_DIRECTORY, 2, 0, "/local", 7);
	xs_put(fd, buf, len);
	xs_expect(fd, &msg, XS_DIRECTORY, 1);
	xs_expect(fd, &msg, XS_DIRECTORY, 2);
}

/* One and a half messages, then the other half. */
static void message_that_spans_writes_is_answered(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	char buf[128];
	size_t first, len;

	first = xs_build(buf, XS_DIRECTORY, 1, 0, "/", 2);
	len = first + xs_build(buf + first, XS_DIRECTORY, 2, 0, "/local", 7);
	xs_put(fd, buf, first + 9);
	xs_expect(fd, &msg, XS_DIRECTORY, 1);
	xs_put(fd, buf + first + 9, len - first - 9);
	xs_expect(fd, &msg, XS_DIRECTORY, 2);
}

#define PIPELINED 64
#define VALUE_SIZE 1500

static void fill(char *value, unsigned int seed)
{
	size_t i;

	for (i = 0; i < VALUE_SIZE; i++)
		value[i] = 'a' + (seed * 7 + i) % 26;
}

static void pipelined_values_arrive_whole(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	char path[64], value[VALUE_SIZE];
	int seen[PIPELINED] = { 0 };
	struct xs_msg msg;
	uint32_t i, id;

	for (i = 0; i < PIPELINED; i++) {
		snprintf(path, sizeof(path), DIR "/pipe/%u", i);
		fill(value, i);
		xs_send_write(fd, 1000 + i, 0, path, value, sizeof(value));
	}
	for (i = 0; i < PIPELINED; i++) {
		xs_recv(fd, &msg);
		id = msg.hdr.req_id - 1000;
		REQUIRE(msg.hdr.type == XS_WRITE && id < PIPELINED &&
			!seen[id]++, "reply %u: type %u, request %u (%.40s)",
			i, msg.hdr.type, msg.hdr.req_id, msg.body);
	}
	for (i = 0; i < PIPELINED; i++) {
		snprintf(path, sizeof(path), DIR "/pipe/%u", i);
		xs_send_str(other, XS_READ, i, 0, path);
		xs_expect(other, &msg, XS_READ, i);
		fill(value, i);
		REQUIRE(msg.hdr.len == sizeof(value) &&
			!memcmp(msg.body, value, sizeof(value)),
			"value %u came back with %u bytes, different",
			i, msg.hdr.len);
	}
	xs_send_str(other, XS_RM, 1, 0, DIR "/pipe");
	xs_expect(other, &msg, XS_RM, 1);
}

static void pipelined_reads_arrive_whole(const char *device)
{
	int fd = xs_open(device, 0);
	char value[VALUE_SIZE];
	struct xs_msg msg;
	uint32_t round, i;

	fill(value, 3);
	xs_send_write(fd, 1, 0, DIR "/reads", value, sizeof(value));
	xs_expect(fd, &msg, XS_WRITE, 1);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 8; i++)
			xs_send_str(fd, XS_READ, i, 0, DIR "/reads");
		for (i = 0; i < 8; i++) {
			xs_recv(fd, &msg);
			REQUIRE(msg.hdr.type == XS_READ &&
				msg.hdr.len == sizeof(value) &&
				!memcmp(msg.body, value, sizeof(value)),
				"round %u: type %u, request %u, %u bytes",
				round, msg.hdr.type, msg.hdr.req_id,
				msg.hdr.len);
		}
	}
	xs_send_str(fd, XS_RM, 1, 0, DIR "/reads");
	xs_expect(fd, &msg, XS_RM, 1);
}

static void payload_of_4096_bytes_goes_through(const char *device)
{
	const char *path = DIR "/large";
	char value[XS_PAYLOAD_MAX];
	size_t len = sizeof(value) - strlen(path) - 1;
	int fd = xs_open(device, 0);
	struct xs_msg msg;

	memset(value, 'x', sizeof(value));
	value[len - 1] = 'y';
	xs_send_write(fd, 1, 0, path, value, len);
	xs_expect(fd, &msg, XS_WRITE, 1);
	xs_send_str(fd, XS_READ, 2, 0, path);
	xs_expect(fd, &msg, XS_READ, 2);
	REQUIRE(msg.hdr.len == len && !memcmp(msg.body, value, len),
		"%u bytes came back of %zu, or different", msg.hdr.len, len);
	xs_send_str(fd, XS_RM, 3, 0, path);
	xs_expect(fd, &msg, XS_RM, 3);
}

static void payload_above_4096_bytes_is_refused(const char *device)
{
	struct xs_hdr hdr = { XS_READ, 1, 0, XS_PAYLOAD_MAX + 1 };
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	ssize_t done;

	done = write(fd, &hdr, sizeof(hdr));
	REQUIRE(done == -1 && errno == E2BIG, "write returned %zd (%m)", done);
	xs_ping(other, 1);
}

static void unknown_type_is_answered_by_the_store(const char *device)
{
	int fd = xs_open(device, 0);

	xs_send_str(fd, 77, 5, 0, "/");
	xs_expect_error(fd, 5, "ENOSYS");
	xs_ping(fd, 6);
}

static void read_without_block_says_eagain(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	struct pollfd poller = { .fd = fd, .events = POLLIN | POLLOUT };
	struct xs_msg msg;
	ssize_t got;

	got = read(fd, &msg, sizeof(msg.hdr));
	REQUIRE(got == -1 && errno == EAGAIN, "read returned %zd (%m)", got);
	REQUIRE(poll(&poller, 1, 0) == 1 && poller.revents == POLLOUT,
		"poll says %#x, not writable only", poller.revents);
	xs_send_str(fd, XS_DIRECTORY, 1, 0, "/");
	poller.events = POLLIN;
	REQUIRE(poll(&poller, 1, 10000) == 1 && poller.revents == POLLIN,
		"poll says %#x, not readable", poller.revents);
	xs_expect(fd, &msg, XS_DIRECTORY, 1);
}

static void read_of_nothing_returns_at_once(const char *device)
{
	int fd = xs_open(device, 0);
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	struct xs_msg msg;
	ssize_t got;

	xs_send_str(fd, XS_DIRECTORY, 1, 0, "/");
	REQUIRE(poll(&poller, 1, 10000) == 1, "no reply in 10 s");
	got = read(fd, &msg, 0);
	REQUIRE(got == 0, "read of 0 bytes returned %zd (%m)", got);
	xs_expect(fd, &msg, XS_DIRECTORY, 1);
}

static void read_takes_any_number_of_bytes(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_hdr hdr;
	char *at = (char *)&hdr, body[XS_PAYLOAD_MAX];
	size_t i;

	xs_send_str(fd, XS_DIRECTORY, 9, 0, "/");
	for (i = 0; i < sizeof(hdr); i++)
		xs_get(fd, at + i, 1);
	REQUIRE(hdr.type == XS_DIRECTORY && hdr.req_id == 9 &&
		hdr.len <= sizeof(body), "type %u, request %u, %u bytes",
		hdr.type, hdr.req_id, hdr.len);
	for (i = 0; i < hdr.len; i++)
		xs_get(fd, body + i, 1);
	xs_ping(fd, 10);
}

static void transaction_commits(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;
	uint32_t tx = xs_begin(fd, 1);

	xs_send_write(fd, 2, tx, DIR "/tx", "in", 2);
	xs_expect(fd, &msg, XS_WRITE, 2);
	xs_send_str(other, XS_READ, 1, 0, DIR "/tx");
	xs_expect_error(other, 1, "ENOENT");
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "T");
	xs_expect(fd, &msg, XS_TRANSACTION_END, 3);
	xs_send_str(other, XS_READ, 2, 0, DIR "/tx");
	xs_expect(other, &msg, XS_READ, 2);
	REQUIRE(!strcmp(msg.body, "in"), "value is %s", msg.body);
	xs_send_str(fd, XS_RM, 4, 0, DIR "/tx");
	xs_expect(fd, &msg, XS_RM, 4);
}

static void end_of_transaction_zero_is_refused(const char *device)
{
	int fd = xs_open(device, 0);

	xs_send_str(fd, XS_TRANSACTION_END, 1, 0, "F");
	xs_expect_error(fd, 1, "ENOENT");
	xs_ping(fd, 2);
}

static void end_of_unknown_transaction_is_refused(const char *device)
{
	int fd = xs_open(device, 0);

	xs_send_str(fd, XS_TRANSACTION_END, 1, 0x7ffffff1, "T");
	xs_expect_error(fd, 1, "ENOENT");
	xs_ping(fd, 2);
}

static void second_end_is_refused(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	uint32_t tx = xs_begin(fd, 1);

	xs_send_str(fd, XS_TRANSACTION_END, 2, tx, "T");
	xs_expect(fd, &msg, XS_TRANSACTION_END, 2);
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "T");
	xs_expect_error(fd, 3, "ENOENT");
	xs_ping(fd, 4);
}

/* The second END is on its way before the first is answered. */
static void two_ends_in_flight_are_answered_once_each(const char *device)
{
	int fd = xs_open(device, 0), i, good = 0, bad = 0;
	struct xs_msg msg;
	uint32_t tx = xs_begin(fd, 1);

	xs_send_str(fd, XS_TRANSACTION_END, 2, tx, "F");
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "F");
	for (i = 0; i < 2; i++) {
		xs_recv(fd, &msg);
		good += msg.hdr.type == XS_TRANSACTION_END;
		bad += msg.hdr.type == XS_ERROR && !strcmp(msg.body, "ENOENT");
	}
	REQUIRE(good == 1 && bad == 1, "%d accepted, %d refused", good, bad);
	xs_ping(fd, 4);
}

static void watch_fires(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;
	int replies = 0, events = 0;

	xs_send_watch(fd, XS_WATCH, 1, DIR "/watched", "tok");
	while (!replies || !events) {
		xs_recv(fd, &msg);
		REQUIRE(msg.hdr.type == XS_WATCH_EVENT ||
			(msg.hdr.type == XS_WATCH && msg.hdr.req_id == 1),
			"type %u, request %u (%.40s)", msg.hdr.type,
			msg.hdr.req_id, msg.body);
		*(msg.hdr.type == XS_WATCH ? &replies : &events) += 1;
	}
	xs_send_write(other, 1, 0, DIR "/watched/below", "v", 1);
	xs_expect(other, &msg, XS_WRITE, 1);
	xs_expect(fd, &msg, XS_WATCH_EVENT, 0);
	REQUIRE(!strcmp(msg.body, DIR "/watched/below") &&
		!strcmp(msg.body + strlen(msg.body) + 1, "tok"),
		"event for %s", msg.body);
	xs_send_str(other, XS_RM, 2, 0, DIR "/watched");
	xs_expect(other, &msg, XS_RM, 2);
}

static void refused_watch_is_an_error_reply(const char *device)
{
	int fd = xs_open(device, 0);

	xs_send_watch(fd, XS_WATCH, 1, "//not/a/path//", "tok");
	xs_expect_error(fd, 1, "EINVAL");
	xs_ping(fd, 2);
}

static void unwatch_of_unknown_watch_is_ok(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;

	xs_send_watch(fd, XS_UNWATCH, 1, DIR "/never", "tok");
	xs_expect(fd, &msg, XS_UNWATCH, 1);
	xs_ping(fd, 2);
}

#define QUEUED 8

static void one_watch_behind_requests(int fd)
{
	int replies = 0, watches = 0, events = 0;
	struct xs_msg msg;
	uint32_t i;

	for (i = 0; i < QUEUED; i++)
		xs_send_str(fd, XS_DIRECTORY, 10 + i, 0, "/");
	xs_send_watch(fd, XS_WATCH, 1, DIR "/behind", "tok");
	while (replies < QUEUED || !watches || !events) {
		xs_recv(fd, &msg);
		replies += msg.hdr.type == XS_DIRECTORY;
		watches += msg.hdr.type == XS_WATCH;
		events += msg.hdr.type == XS_WATCH_EVENT;
		REQUIRE(msg.hdr.type != XS_ERROR, "request %u: %s",
			msg.hdr.req_id, msg.body);
	}
	xs_send_watch(fd, XS_UNWATCH, 2, DIR "/behind", "tok");
	do
		xs_recv(fd, &msg);
	while (msg.hdr.type == XS_WATCH_EVENT);
	REQUIRE(msg.hdr.type == XS_UNWATCH && msg.hdr.req_id == 2,
		"type %u, request %u", msg.hdr.type, msg.hdr.req_id);
}

static void watch_behind_pending_requests_200_times(const char *device)
{
	int fd = xs_open(device, 0), i;

	for (i = 0; i < 200; i++)
		one_watch_behind_requests(fd);
}

static void close_with_open_transactions(const char *device)
{
	struct xs_msg msg;
	int i, j, fd;

	for (i = 0; i < 5; i++) {
		fd = xs_open(device, 0);
		for (j = 0; j < 3; j++) {
			uint32_t tx = xs_begin(fd, j);

			xs_send_write(fd, 9, tx, DIR "/lost", "v", 1);
			xs_expect(fd, &msg, XS_WRITE, 9);
		}
		/* The last is opened and closed without a look at it. */
		xs_send_str(fd, XS_TRANSACTION_START, 10, 0, "");
		close(fd);
	}
	fd = xs_open(device, 0);
	xs_send_str(fd, XS_READ, 1, 0, DIR "/lost");
	xs_expect_error(fd, 1, "ENOENT");
}

static void victim(const char *device)
{
	int fd = xs_open(device, 0), i;
	char value[VALUE_SIZE], path[64];
	uint32_t tx = xs_begin(fd, 1);

	fill(value, getpid());
	xs_send_watch(fd, XS_WATCH, 2, DIR "/victim", "tok");
	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), DIR "/victim/%d", i);
		xs_send_write(fd, 3 + i, tx, path, value, sizeof(value));
		xs_send_str(fd, XS_TRANSACTION_START, 90, 0, "");
	}
	pause();
	_exit(0);
}

static void killed_clients_leave_the_store_usable(const char *device)
{
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;
	pid_t pid;

	srand(1);
	for (i = 0; i < 100; i++) {
		pid = fork();
		if (!pid)
			victim(device);
		ktap_sleep_ms(rand() % 20);
		kill(pid, SIGKILL);
		REQUIRE(ktap_wait(pid, 20) != -1, "client %d does not die", i);
		xs_ping(fd, i);
	}
	xs_send_str(fd, XS_RM, 1, 0, DIR);
	xs_expect(fd, &msg, XS_RM, 1);
}

#define CASE(name, seconds) { #name, name, seconds }

/* Last what a driver may not survive. */
static const struct ktap_case cases[] = {
	CASE(message_split_into_bytes_is_answered, 30),
	CASE(read_without_block_says_eagain, 30),
	CASE(read_takes_any_number_of_bytes, 30),
	CASE(unknown_type_is_answered_by_the_store, 30),
	CASE(transaction_commits, 30),
	CASE(watch_fires, 30),
	CASE(refused_watch_is_an_error_reply, 30),
	CASE(unwatch_of_unknown_watch_is_ok, 30),
	CASE(payload_above_4096_bytes_is_refused, 30),
	CASE(payload_of_4096_bytes_goes_through, 30),
	CASE(two_messages_in_one_write_are_both_answered, 30),
	CASE(message_that_spans_writes_is_answered, 30),
	CASE(second_end_is_refused, 30),
	CASE(end_of_unknown_transaction_is_refused, 30),
	CASE(end_of_transaction_zero_is_refused, 30),
	CASE(two_ends_in_flight_are_answered_once_each, 30),
	CASE(close_with_open_transactions, 60),
	CASE(read_of_nothing_returns_at_once, 30),
	CASE(pipelined_reads_arrive_whole, 60),
	CASE(pipelined_values_arrive_whole, 60),
	CASE(killed_clients_leave_the_store_usable, 180),
	CASE(watch_behind_pending_requests_200_times, 180),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, cases, ARRAY_SIZE(cases));
}
