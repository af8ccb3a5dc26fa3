// SPDX-License-Identifier: GPL-2.0
/*
 * A client in a guest that is saved and restored, or nearly so. Whoever drives
 * the test waits until each case has said that it is ready, suspends the guest,
 * and creates the file /run/resumed when it is back.
 *
 * The cases whose name ends in "cancelled" want a suspend that is cancelled.
 */
#include "xs.h"

#define DATA "data/across"

static void say_and_wait_for_resume(void)
{
	puts("# ready to be suspended");
	fflush(stdout);
	while (access("/run/resumed", F_OK))
		ktap_sleep_ms(200);
}

static uint32_t begin_and_write(int fd, const char *path)
{
	struct xs_msg msg;
	uint32_t tx = xs_begin(fd, 1);

	xs_send_write(fd, 2, tx, path, "v", 1);
	xs_expect(fd, &msg, XS_WRITE, 2);
	return tx;
}

static void commit_of_an_old_transaction_is_eagain(const char *device)
{
	int fd = xs_open(device, 0);
	uint32_t tx = begin_and_write(fd, DATA "/commit");

	say_and_wait_for_resume();
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "T");
	xs_expect_error(fd, 3, "EAGAIN");
	xs_send_str(fd, XS_TRANSACTION_END, 4, tx, "T");
	xs_expect_error(fd, 4, "ENOENT");
	xs_send_str(fd, XS_READ, 5, 0, DATA "/commit");
	xs_expect_error(fd, 5, "ENOENT");
}

static void abort_of_an_old_transaction_is_ok(const char *device)
{
	int fd = xs_open(device, 0);
	uint32_t tx = begin_and_write(fd, DATA "/abort");

	say_and_wait_for_resume();
	xs_end(fd, tx, "F");
	xs_ping(fd, 4);
}

static void request_in_an_old_transaction_is_eagain(const char *device)
{
	int fd = xs_open(device, 0);
	uint32_t tx = begin_and_write(fd, DATA "/request");

	say_and_wait_for_resume();
	xs_send_str(fd, XS_READ, 3, tx, DATA "/request");
	xs_expect_error(fd, 3, "EAGAIN");
	xs_send_str(fd, XS_TRANSACTION_START, 4, tx, "");
	xs_expect_error(fd, 4, "EAGAIN");
	xs_end(fd, tx, "F");
}

static void watch_fires_after_a_resume(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;

	xs_watch(fd, DATA "/watch", "tok");
	say_and_wait_for_resume();
	xs_set(other, DATA "/watch/below", "v");
	do
		xs_recv(fd, &msg);
	while (strcmp(msg.body, DATA "/watch/below"));
	REQUIRE(msg.hdr.type == XS_WATCH_EVENT, "type %u", msg.hdr.type);
}

static void unwatch_stops_events_after_a_resume(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;

	xs_watch(fd, DATA "/unwatch", "tok");
	say_and_wait_for_resume();
	xs_send_watch(fd, XS_UNWATCH, 3, DATA "/unwatch", "tok");
	do
		xs_recv(fd, &msg);
	while (msg.hdr.type == XS_WATCH_EVENT);
	REQUIRE(msg.hdr.type == XS_UNWATCH, "type %u", msg.hdr.type);
	xs_set(other, DATA "/unwatch/below", "v");
	xs_expect_nothing(fd);
}

static void unread_replies_survive(const char *device)
{
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;

	for (i = 0; i < 100; i++)
		xs_send_str(fd, XS_GET_DOMAIN_PATH, i, 0, "0");
	say_and_wait_for_resume();
	for (i = 0; i < 100; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, i);
	xs_expect_nothing(fd);
}

static void message_half_written_survives(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	char buf[64];
	size_t len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 5, 0, "0");
	xs_put(fd, buf, 7);
	say_and_wait_for_resume();
	xs_put(fd, buf + 7, len - 7);
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 5);
}

static void reader_who_waits_waits_on(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	pid_t pid;

	pid = fork();
	if (!pid) {
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 5);
		_exit(0);
	}
	xs_wait_asleep(pid);
	say_and_wait_for_resume();
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 5, 0, "0");
	xs_join(pid);
}

/* Of a node that is there, since to make one conflicts with other cases. */
static void transaction_goes_on_when_cancelled(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;
	uint32_t tx;

	xs_set(fd, DATA "/cancelled", "before");
	tx = begin_and_write(fd, DATA "/cancelled");
	say_and_wait_for_resume();
	xs_end(fd, tx, "T");
	xs_send_str(other, XS_READ, 5, 0, DATA "/cancelled");
	xs_expect(other, &msg, XS_READ, 5);
	REQUIRE(!strcmp(msg.body, "v"), "value %.40s", msg.body);
}

static void watch_fires_once_when_cancelled(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);

	xs_watch(fd, DATA "/once", "tok");
	say_and_wait_for_resume();
	xs_set(other, DATA "/once", "v");
	xs_expect_event(fd, DATA "/once", "tok");
	xs_expect_nothing(fd);
}

static const struct ktap_case cases[] = {
	SLOW_CASE(commit_of_an_old_transaction_is_eagain, 1200),
	SLOW_CASE(abort_of_an_old_transaction_is_ok, 1200),
	SLOW_CASE(request_in_an_old_transaction_is_eagain, 1200),
	SLOW_CASE(watch_fires_after_a_resume, 1200),
	SLOW_CASE(unwatch_stops_events_after_a_resume, 1200),
	SLOW_CASE(unread_replies_survive, 1200),
	SLOW_CASE(message_half_written_survives, 1200),
	SLOW_CASE(reader_who_waits_waits_on, 1200),
	SLOW_CASE(transaction_goes_on_when_cancelled, 1200),
	SLOW_CASE(watch_fires_once_when_cancelled, 1200),
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, cases, ARRAY_SIZE(cases));
}
