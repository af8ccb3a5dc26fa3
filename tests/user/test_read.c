// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Reading": what bytes the device gives, and when. */
#include <sys/uio.h>

#include "xs.h"

static void send_pings(int fd, int count)
{
	int i;

	for (i = 0; i < count; i++)
		xs_send_str(fd, XS_GET_DOMAIN_PATH, i, 0, "0");
}

/*
 * Returns when COUNT requests of another file have been answered, too: files
 * take turns.
 */
static void let_pass(int other, int count)
{
	while (count--)
		xs_ping(other, count);
}

static void check_ping(const struct xs_msg *msg, uint32_t req_id)
{
	REQUIRE(msg->hdr.type == XS_GET_DOMAIN_PATH &&
		msg->hdr.req_id == req_id && !msg->hdr.tx_id &&
		!strcmp(msg->body, "/local/domain/0"),
		"type %u, request %u, %.40s", msg->hdr.type, msg->hdr.req_id,
		msg->body);
}

#define PING_SIZE (sizeof(struct xs_hdr) + sizeof("/local/domain/0"))

static void read_takes_any_number_of_bytes(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[PING_SIZE];
	struct xs_msg msg;
	size_t step, at, n;

	for (step = 1; step < PING_SIZE; step++) {
		send_pings(fd, 1);
		for (at = 0; at < PING_SIZE; at += n) {
			n = step < PING_SIZE - at ? step : PING_SIZE - at;
			xs_get(fd, buf + at, n);
		}
		memcpy(&msg, buf, sizeof(buf));
		check_ping(&msg, 0);
	}
}

/* A read with room for more does not wait for more. */
static void read_returns_what_there_is(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	char buf[1 << 16];
	ssize_t got;

	send_pings(fd, 1);
	got = read(fd, buf, sizeof(buf));
	REQUIRE(got == PING_SIZE, "read returned %zd (%m)", got);
	memcpy(&msg, buf, got);
	check_ping(&msg, 0);
}

static void one_read_takes_several_messages(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;
	char buf[1 << 12];
	struct xs_msg msg;
	ssize_t got;

	send_pings(fd, 10);
	let_pass(other, 11);
	got = read(fd, buf, sizeof(buf));
	REQUIRE(got == 10 * PING_SIZE, "read returned %zd (%m)", got);
	for (i = 0; i < 10; i++) {
		memcpy(&msg, buf + i * PING_SIZE, PING_SIZE);
		check_ping(&msg, i);
	}
}

static void last_message_may_come_in_part(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	char buf[3 * PING_SIZE];
	struct xs_msg msg;
	ssize_t got;

	send_pings(fd, 3);
	let_pass(other, 4);
	got = read(fd, buf, PING_SIZE + 20);
	REQUIRE(got == PING_SIZE + 20, "read returned %zd (%m)", got);
	xs_get(fd, buf + got, sizeof(buf) - got);
	memcpy(&msg, buf + PING_SIZE, PING_SIZE);
	check_ping(&msg, 1);
	memcpy(&msg, buf + 2 * PING_SIZE, PING_SIZE);
	check_ping(&msg, 2);
}

static void readv_scatters_messages(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg[2] = { 0 };
	struct iovec iov[] = {
		{ &msg[0].hdr, sizeof(msg[0].hdr) },
		{ &msg[0].body, PING_SIZE - sizeof(msg[0].hdr) },
		{ &msg[1].hdr, sizeof(msg[1].hdr) },
		{ &msg[1].body, PING_SIZE - sizeof(msg[1].hdr) },
	};
	ssize_t got;

	send_pings(fd, 2);
	let_pass(other, 3);
	got = readv(fd, iov, ARRAY_SIZE(iov));
	REQUIRE(got == 2 * PING_SIZE, "readv returned %zd (%m)", got);
	check_ping(&msg[0], 0);
	check_ping(&msg[1], 1);
}

static void read_of_nothing_returns_at_once(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	ssize_t got;

	got = read(fd, &msg, 0);
	REQUIRE(got == 0, "read of 0 bytes returned %zd (%m)", got);
}

static void read_of_nothing_takes_nothing(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	ssize_t got;

	send_pings(fd, 1);
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
	got = read(fd, &msg, 0);
	REQUIRE(got == 0, "read of 0 bytes returned %zd (%m)", got);
	xs_recv(fd, &msg);
	check_ping(&msg, 0);
}

static void memory_that_cannot_be_written_is_efault(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	ssize_t got;

	send_pings(fd, 1);
	got = read(fd, xs_guarded_page(), PING_SIZE);
	REQUIRE(got == -1 && errno == EFAULT, "read returned %zd (%m)", got);
	xs_recv(fd, &msg);
	check_ping(&msg, 0);
}

/* At each byte of a message: no byte is lost, none comes twice. */
static void read_half_into_bad_memory_can_be_finished(const char *device)
{
	char *end = xs_guarded_page(), buf[PING_SIZE];
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	ssize_t got;
	size_t at;

	for (at = 1; at < PING_SIZE; at++) {
		send_pings(fd, 1);
		REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
		got = read(fd, end - at, PING_SIZE);
		REQUIRE(got >= 0 ? got <= (ssize_t)at : errno == EFAULT,
			"read returned %zd of %zu (%m)", got, at);
		if (got < 0)
			got = 0;
		memcpy(buf, end - at, got);
		xs_get(fd, buf + got, PING_SIZE - got);
		memcpy(&msg, buf, PING_SIZE);
		check_ping(&msg, 0);
	}
}

static void file_has_no_position(const char *device)
{
	int fd = xs_open(device, 0);
	char byte = 0;

	REQUIRE(lseek(fd, 0, SEEK_CUR) == -1 && errno == ESPIPE, "lseek: %m");
	REQUIRE(pread(fd, &byte, 1, 0) == -1 && errno == ESPIPE, "pread: %m");
	REQUIRE(pwrite(fd, &byte, 1, 0) == -1 && errno == ESPIPE,
		"pwrite: %m");
	xs_ping(fd, 1);
}

#define MANY 200

static void hundreds_of_files_are_all_served(const char *device)
{
	int fd[MANY], i;
	struct xs_msg msg;

	for (i = 0; i < MANY; i++) {
		fd[i] = xs_open(device, 0);
		send_pings(fd[i], 1);
	}
	for (i = MANY - 1; i >= 0; i--) {
		xs_recv(fd[i], &msg);
		check_ping(&msg, 0);
	}
}

static const struct ktap_case cases[] = {
	CASE(read_takes_any_number_of_bytes),
	CASE(read_returns_what_there_is),
	CASE(one_read_takes_several_messages),
	CASE(last_message_may_come_in_part),
	CASE(readv_scatters_messages),
	CASE(read_of_nothing_returns_at_once),
	CASE(read_of_nothing_takes_nothing),
	CASE(memory_that_cannot_be_written_is_efault),
	CASE(read_half_into_bad_memory_can_be_finished),
	CASE(file_has_no_position),
	CASE(hundreds_of_files_are_all_served),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
