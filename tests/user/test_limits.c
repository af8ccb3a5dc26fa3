// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Limits": what a file may leave unread, and what happens then. */
#include "xs.h"

static void expect_eagain(int fd, const void *buf, size_t len)
{
	ssize_t done = write(fd, buf, len);

	REQUIRE(done == -1 && errno == EAGAIN, "write returned %zd (%m)", done);
}

static size_t build_ping(char *buf, uint32_t req_id)
{
	return xs_build_str(buf, XS_GET_DOMAIN_PATH, req_id, 0, "0");
}

static void file_takes_max_requests_and_no_more(const char *device)
{
	unsigned int limit = xs_limit("requests"), count;
	int fd = xs_open(device, O_NONBLOCK);

	count = xs_fill(fd);
	REQUIRE(count == limit, "%u requests taken of %u", count, limit);
}

/* A child counts, so that the limit is the old one again in any case. */
static void limit_can_be_changed_while_a_file_is_open(const char *device)
{
	unsigned int limit = xs_limit("requests"), count, i;
	int fd = xs_open(device, O_NONBLOCK), status;
	struct xs_msg msg;
	pid_t pid;

	xs_set_limit("requests", 10);
	pid = fork();
	if (!pid)
		_exit(xs_fill(fd) != 10);
	status = ktap_wait(pid, SOON_MS / 1000);
	xs_set_limit("requests", limit);
	REQUIRE(!status, "not 10 requests taken, status %#x", status);
	count = xs_fill(fd);
	REQUIRE(count == limit - 10, "%u more requests taken", count);
	xs_set_nonblock(fd, false);
	for (i = 0; i < limit; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 1);
}

/* None of them is in flight. */
static void replies_count_until_they_are_read(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	unsigned int limit, i;
	char buf[64];

	limit = xs_fill_unread(fd);
	expect_eagain(fd, buf, build_ping(buf, 2));
	xs_set_nonblock(fd, false);
	for (i = 0; i < limit; i++)
		xs_expect_error(fd, 1, "ENOENT");
	xs_expect_nothing(fd);
}

static void each_reply_read_makes_room_for_one(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK), i;
	struct xs_msg msg;
	char buf[64];
	size_t len;

	xs_fill(fd);
	for (i = 0; i < 20; i++) {
		REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
		xs_recv(fd, &msg);
		len = build_ping(buf, i);
		xs_put(fd, buf, len);
		expect_eagain(fd, buf, len);
	}
}

/* The header alone makes no message, the payload does. */
static void message_refused_half_way_may_be_finished_later(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	unsigned int i, limit = xs_limit("requests");
	struct xs_msg msg;
	char buf[64];
	size_t len;

	xs_fill(fd);
	len = build_ping(buf, 77);
	xs_put(fd, buf, 16);
	expect_eagain(fd, buf + 16, len - 16);
	expect_eagain(fd, buf + 16, len - 16);
	xs_set_nonblock(fd, false);
	xs_recv(fd, &msg);
	xs_put(fd, buf + 16, len - 16);
	for (i = 1; i < limit; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 1);
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 77);
	xs_expect_nothing(fd);
}

/* The count that is returned is that of whole messages. */
static void write_of_many_messages_is_taken_in_part(const char *device)
{
	unsigned int limit = xs_limit("requests"), i;
	int fd = xs_open(device, O_NONBLOCK);
	size_t len = 0, size = limit + 10;
	struct xs_msg msg;
	ssize_t done;
	char *buf;

	buf = malloc(size * 32);
	for (i = 0; i < size; i++)
		len += build_ping(buf + len, i);
	done = write(fd, buf, len);
	REQUIRE(done == 18 * (ssize_t)limit, "write returned %zd (%m)", done);
	expect_eagain(fd, buf + done, len - done);
	xs_set_nonblock(fd, false);
	for (i = 0; i < limit; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, i);
	xs_put(fd, buf + done, len - done);
	for (; i < size; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, i);
}

/* Writes that need no server count as well. */
static void own_answers_count_too(const char *device)
{
	unsigned int limit = xs_limit("requests"), i;
	int fd = xs_open(device, O_NONBLOCK);
	char buf[64];
	size_t len;

	len = xs_build_str(buf, XS_TRANSACTION_END, 1, 0, "F");
	for (i = 0; i < limit; i++)
		xs_put(fd, buf, len);
	expect_eagain(fd, buf, len);
}

#define LARGE 1900	/* a value that every server keeps */

/* As many as it takes, one after the other; returns how many. */
static unsigned int read_until_eagain(int fd, int other, unsigned int most)
{
	unsigned int count = 0;
	char buf[64];
	ssize_t done;
	size_t len;

	len = xs_build_str(buf, XS_READ, 1, 0, XS_DIR "/large");
	while ((done = write(fd, buf, len)) == (ssize_t)len) {
		xs_ping(other, 1);	/* its reply has arrived, too */
		REQUIRE(++count <= most, "%u replies unread", count);
	}
	REQUIRE(done == -1 && errno == EAGAIN, "write returned %zd (%m)", done);
	return count;
}

static void bytes_of_replies_stop_a_writer(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK), other = xs_open(device, 0);
	unsigned int most = xs_limit("bytes") / LARGE + 1, count;
	struct xs_msg msg;
	char value[LARGE];

	if (most >= xs_limit("requests"))
		SKIP("max_requests comes before max_bytes");
	memset(value, 'x', sizeof(value));
	xs_send_write(other, 1, 0, XS_DIR "/large", value, sizeof(value));
	xs_expect(other, &msg, XS_WRITE, 1);
	count = read_until_eagain(fd, other, most);
	REQUIRE(count == most, "%u of %u replies of %u bytes", count, most,
		LARGE);
	REQUIRE(!xs_poll(fd, POLLOUT, 0), "writable at the limit");
	xs_expect(fd, &msg, XS_READ, 1);
	REQUIRE(xs_poll(fd, POLLOUT, 0), "not writable after a read");
	count = read_until_eagain(fd, other, most);
	REQUIRE(count == 1, "%u more", count);
}

static void writer_who_blocks_goes_on_after_a_read(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	struct xs_msg msg;
	unsigned int i, limit;
	pid_t pid;

	limit = xs_fill_unread(fd);
	xs_set_nonblock(fd, false);
	pid = fork();
	if (!pid) {
		xs_send_str(fd, XS_GET_DOMAIN_PATH, 2, 0, "0");
		_exit(0);
	}
	xs_wait_asleep(pid);
	xs_expect_error(fd, 1, "ENOENT");
	xs_join(pid);
	for (i = 1; i < limit; i++)
		xs_expect_error(fd, 1, "ENOENT");
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 2);
}

static void file_at_its_limit_stops_no_other(const char *device)
{
	int fd[8], other = xs_open(device, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = xs_open(device, O_NONBLOCK);
		xs_fill(fd[i]);
	}
	for (i = 0; i < 20; i++)
		xs_ping(other, i);
}

/* === Events === */

#define WATCHES 16

/* Change COUNT nodes, one after the other, so that few exist at a time. */
static void change_nodes(int fd, unsigned int count)
{
	char path[32];
	unsigned int i;

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), XS_DIR "/%u", i);
		xs_set(fd, path, "v");
		xs_rm(fd, path);
	}
	xs_ping(fd, 1);		/* the last event has arrived, too */
}

static void watch_dir(int fd, unsigned int count)
{
	char token[8];
	unsigned int i;

	for (i = 0; i < count; i++) {
		snprintf(token, sizeof(token), "%u", i);
		xs_watch(fd, XS_DIR, token);
	}
}

struct seen {
	unsigned int events;
	bool own[WATCHES];	/* there was one with the watch's own path */
};

/* Read all events; a ping's reply is behind those that are there. */
static void read_events(int fd, struct seen *seen)
{
	struct xs_msg msg;
	unsigned int i;

	xs_send_str(fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
	for (xs_recv(fd, &msg); msg.hdr.type == XS_WATCH_EVENT;
	     xs_recv(fd, &msg)) {
		i = atoi(msg.body + strlen(msg.body) + 1);
		REQUIRE(i < WATCHES, "event for %.40s", msg.body);
		seen->own[i] |= !strcmp(msg.body, XS_DIR);
		seen->events++;
	}
	REQUIRE(msg.hdr.type == XS_GET_DOMAIN_PATH, "type %u", msg.hdr.type);
}

static void events_beyond_the_limit_name_the_watch(const char *device)
{
	unsigned int limit = xs_limit("events"), i;
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct seen seen = { 0 };

	watch_dir(fd, WATCHES);
	change_nodes(other, limit / WATCHES + 2);
	read_events(fd, &seen);
	REQUIRE(seen.events >= limit && seen.events <= limit + WATCHES,
		"%u events unread, the limit is %u", seen.events, limit);
	for (i = 0; i < WATCHES; i++)
		REQUIRE(seen.own[i], "watch %u was not told", i);
}

/* However much more happens. */
static void events_beyond_the_limit_are_merged(const char *device)
{
	unsigned int limit = xs_limit("events");
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct seen seen = { 0 };

	watch_dir(fd, WATCHES);
	change_nodes(other, limit / WATCHES + 40);
	read_events(fd, &seen);
	REQUIRE(seen.events >= limit && seen.events <= limit + WATCHES,
		"%u events unread, the limit is %u", seen.events, limit);
}

static void events_are_whole_again_after_a_read(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct seen seen = { 0 };
	struct xs_msg msg;
	int i;

	watch_dir(fd, WATCHES);
	change_nodes(other, xs_limit("events") / WATCHES + 2);
	read_events(fd, &seen);
	xs_set(other, XS_DIR "/fresh", "v");
	xs_ping(other, 1);
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
	for (i = 0; i < WATCHES; i++) {
		xs_recv(fd, &msg);
		REQUIRE(msg.hdr.type == XS_WATCH_EVENT &&
			!strcmp(msg.body, XS_DIR "/fresh"),
			"type %u, %.40s", msg.hdr.type, msg.body);
	}
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 1);
}

/* Events do not stop a writer, however many are unread. */
static void events_take_no_room_from_requests(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	unsigned int count;

	watch_dir(fd, WATCHES);
	change_nodes(other, xs_limit("events") / WATCHES + 2);
	REQUIRE(xs_poll(fd, POLLOUT, 0), "not writable");
	xs_set_nonblock(fd, true);
	count = xs_fill(fd);
	REQUIRE(count == xs_limit("requests"), "%u requests taken", count);
}

static const struct ktap_case cases[] = {
	CASE(file_takes_max_requests_and_no_more),
	CASE(limit_can_be_changed_while_a_file_is_open),
	CASE(replies_count_until_they_are_read),
	CASE(each_reply_read_makes_room_for_one),
	CASE(message_refused_half_way_may_be_finished_later),
	CASE(write_of_many_messages_is_taken_in_part),
	CASE(own_answers_count_too),
	CASE(bytes_of_replies_stop_a_writer),
	CASE(writer_who_blocks_goes_on_after_a_read),
	CASE(file_at_its_limit_stops_no_other),
	SLOW_CASE(events_beyond_the_limit_name_the_watch, 180),
	SLOW_CASE(events_beyond_the_limit_are_merged, 180),
	SLOW_CASE(events_are_whole_again_after_a_read, 180),
	SLOW_CASE(events_take_no_room_from_requests, 180),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
