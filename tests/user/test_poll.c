// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Waiting": O_NONBLOCK, poll and epoll, in both directions. */
#include <sys/epoll.h>

#include "xs.h"

static void read_without_block_says_eagain(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	char byte;
	ssize_t got;

	got = read(fd, &byte, 1);
	REQUIRE(got == -1 && errno == EAGAIN, "read returned %zd (%m)", got);
}

static void nonblock_can_be_turned_on_and_off(const char *device)
{
	int fd = xs_open(device, 0);
	ssize_t got;
	char byte;

	xs_set_nonblock(fd, true);
	got = read(fd, &byte, 1);
	REQUIRE(got == -1 && errno == EAGAIN, "read returned %zd (%m)", got);
	xs_set_nonblock(fd, false);
	xs_ping(fd, 1);
}

static void read_after_the_last_byte_says_eagain(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	struct xs_msg msg;
	ssize_t got;

	xs_send_str(fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
	xs_recv(fd, &msg);
	got = read(fd, &msg, 1);
	REQUIRE(got == -1 && errno == EAGAIN, "read returned %zd (%m)", got);
}

static void idle_file_is_writable_only(const char *device)
{
	int fd = xs_open(device, 0), events;

	events = xs_poll(fd, POLLIN | POLLOUT | POLLPRI, 0);
	REQUIRE(events == POLLOUT, "poll says %#x", events);
}

static void reply_makes_the_file_readable(const char *device)
{
	int fd = xs_open(device, 0), events;
	struct xs_msg msg;

	xs_send_str(fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
	events = xs_poll(fd, POLLIN, SOON_MS);
	REQUIRE(events == POLLIN, "poll says %#x", events);
	events = xs_poll(fd, POLLIN | POLLOUT, 0);
	REQUIRE(events == (POLLIN | POLLOUT), "poll says %#x", events);
	xs_recv(fd, &msg);
	REQUIRE(!xs_poll(fd, POLLIN, 0), "readable when all has been read");
}

static void file_is_readable_until_the_last_byte(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	char byte;

	xs_send_str(fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
	xs_get(fd, &msg.hdr, sizeof(msg.hdr));
	for (; msg.hdr.len; msg.hdr.len--) {
		REQUIRE(xs_poll(fd, POLLIN, 0), "%u bytes left", msg.hdr.len);
		xs_get(fd, &byte, 1);
	}
	REQUIRE(!xs_poll(fd, POLLIN, 0), "readable when all has been read");
}

/* What it waits for happens when it is asleep. */
static void event_wakes_a_poll(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	pid_t pid;

	xs_watch(fd, XS_DIR "/watched", "tok");
	pid = fork();
	if (!pid)
		_exit(xs_poll(fd, POLLIN, SOON_MS) != POLLIN);
	xs_wait_asleep(pid);
	xs_set(other, XS_DIR "/watched", "v");
	xs_join(pid);
	xs_expect_event(fd, XS_DIR "/watched", "tok");
}

static void read_wakes_a_poll_for_writing(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	struct xs_msg msg;
	pid_t pid;

	xs_fill_unread(fd);
	REQUIRE(!xs_poll(fd, POLLOUT, 0), "writable at the limit");
	pid = fork();
	if (!pid)
		_exit(xs_poll(fd, POLLOUT, SOON_MS) != POLLOUT);
	xs_wait_asleep(pid);
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
	xs_recv(fd, &msg);
	xs_join(pid);
}

/* "A message of any size": one of the largest, at the limit but for one. */
static void writable_file_takes_the_largest_message(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	char body[XS_PAYLOAD_MAX] = { 0 };
	struct xs_msg msg;

	xs_fill_unread(fd);
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
	xs_recv(fd, &msg);
	REQUIRE(xs_poll(fd, POLLOUT, 0), "not writable after a read");
	xs_send(fd, XS_UNKNOWN, 2, 0, body, sizeof(body));
	REQUIRE(!xs_poll(fd, POLLOUT, 0), "writable at the limit");
}

static int watch_with_epoll(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	REQUIRE(epfd >= 0, "epoll_create1: %m");
	REQUIRE(!epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl: %m");
	return epfd;
}

static uint32_t wait_with_epoll(int epfd, int ms)
{
	struct epoll_event event = { 0 };
	int n = epoll_wait(epfd, &event, 1, ms);

	REQUIRE(n >= 0, "epoll_wait: %m");
	return n ? event.events : 0;
}

static void level_triggered_epoll_tells_until_all_is_read(const char *device)
{
	int fd = xs_open(device, 0), epfd = watch_with_epoll(fd, EPOLLIN), i;
	struct xs_msg msg;

	REQUIRE(!wait_with_epoll(epfd, 0), "readable at once");
	for (i = 0; i < 2; i++)
		xs_send_str(fd, XS_GET_DOMAIN_PATH, i, 0, "0");
	for (i = 0; i < 2; i++) {
		REQUIRE(wait_with_epoll(epfd, SOON_MS) == EPOLLIN, "reply %d",
			i);
		xs_recv(fd, &msg);
	}
	REQUIRE(!wait_with_epoll(epfd, 0), "readable when all has been read");
}

static void edge_triggered_epoll_tells_of_each_message(const char *device)
{
	int fd = xs_open(device, 0), epfd, i;
	struct xs_msg msg;

	epfd = watch_with_epoll(fd, EPOLLIN | EPOLLET);
	for (i = 0; i < 3; i++) {	/* the one before is unread */
		xs_send_str(fd, XS_GET_DOMAIN_PATH, i, 0, "0");
		REQUIRE(wait_with_epoll(epfd, SOON_MS) == EPOLLIN, "reply %d",
			i);
	}
	for (i = 0; i < 3; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, i);
	REQUIRE(!wait_with_epoll(epfd, 0), "readable when all has been read");
}

static void level_triggered_epoll_tells_of_room(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK), epfd;
	struct xs_msg msg;

	epfd = watch_with_epoll(fd, EPOLLOUT);
	REQUIRE(wait_with_epoll(epfd, 0) == EPOLLOUT, "not writable");
	xs_fill_unread(fd);
	REQUIRE(!wait_with_epoll(epfd, 0), "writable at the limit");
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
	xs_recv(fd, &msg);
	REQUIRE(wait_with_epoll(epfd, SOON_MS) == EPOLLOUT, "not writable");
	REQUIRE(wait_with_epoll(epfd, 0) == EPOLLOUT, "said only once");
}

static void edge_triggered_epoll_tells_of_room(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK), epfd, i;
	struct xs_msg msg;

	epfd = watch_with_epoll(fd, EPOLLOUT | EPOLLET);
	REQUIRE(wait_with_epoll(epfd, 0) == EPOLLOUT, "not writable");
	xs_fill_unread(fd);
	for (i = 0; i < 3; i++) {
		REQUIRE(!wait_with_epoll(epfd, 0), "writable at the limit");
		REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
		xs_recv(fd, &msg);
		REQUIRE(wait_with_epoll(epfd, SOON_MS) == EPOLLOUT,
			"not writable after read %d", i);
		xs_fill_unread(fd);
	}
}

static const struct ktap_case cases[] = {
	CASE(read_without_block_says_eagain),
	CASE(nonblock_can_be_turned_on_and_off),
	CASE(read_after_the_last_byte_says_eagain),
	CASE(idle_file_is_writable_only),
	CASE(reply_makes_the_file_readable),
	CASE(file_is_readable_until_the_last_byte),
	CASE(event_wakes_a_poll),
	CASE(read_wakes_a_poll_for_writing),
	CASE(writable_file_takes_the_largest_message),
	CASE(level_triggered_epoll_tells_until_all_is_read),
	CASE(edge_triggered_epoll_tells_of_each_message),
	CASE(level_triggered_epoll_tells_of_room),
	CASE(edge_triggered_epoll_tells_of_room),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
