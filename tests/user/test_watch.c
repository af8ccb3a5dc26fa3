// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Watches": whose they are, which events come, and when not. */
#include "xs.h"

static void watch_fires(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);

	xs_watch(fd, XS_DIR "/watched", "tok");
	xs_set(other, XS_DIR "/watched/below", "v");
	xs_expect_event(fd, XS_DIR "/watched/below", "tok");
}

/* Before or after the reply. */
static void first_event_has_the_path_itself(const char *device)
{
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;

	xs_send_watch(fd, XS_WATCH, 1, XS_DIR "/watched", "tok");
	for (i = 0; i < 2; i++) {
		xs_recv(fd, &msg);
		if (msg.hdr.type == XS_WATCH) {
			REQUIRE(msg.hdr.req_id == 1 &&
				!strcmp(msg.body, "OK"), "reply %.40s",
				msg.body);
			continue;
		}
		REQUIRE(msg.hdr.type == XS_WATCH_EVENT &&
			!msg.hdr.req_id && !msg.hdr.tx_id &&
			!strcmp(msg.body, XS_DIR "/watched"),
			"type %u, request %u, transaction %u, %.40s",
			msg.hdr.type, msg.hdr.req_id, msg.hdr.tx_id, msg.body);
	}
	xs_expect_nothing(fd);
}

static void events_have_no_ids(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;
	char path[32];

	xs_watch(fd, XS_DIR, "tok");
	for (i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), XS_DIR "/%d", i);
		xs_set(other, path, "v");
		xs_expect_event(fd, path, "tok");
	}
}

static void events_come_in_order(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;
	char path[32];

	xs_watch(fd, XS_DIR, "tok");
	for (i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), XS_DIR "/%d", i);
		xs_set(other, path, "v");
	}
	for (i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), XS_DIR "/%d", i);
		xs_expect_event(fd, path, "tok");
	}
	xs_expect_nothing(fd);
}

static void change_in_a_transaction_fires_on_commit(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;
	uint32_t tx;

	xs_watch(fd, XS_DIR, "tok");
	tx = xs_begin(other, 1);
	xs_send_write(other, 2, tx, XS_DIR "/tx", "v", 1);
	xs_expect(other, &msg, XS_WRITE, 2);
	xs_expect_nothing(fd);
	xs_end(other, tx, "T");
	xs_expect_event(fd, XS_DIR "/tx", "tok");
}

/* A watch of WHAT is refused, which the write does not tell. */
static void expect_refusal(int fd, const char *what, const char *error)
{
	xs_send_watch(fd, XS_WATCH, 1, what, "tok");
	xs_expect_error(fd, 1, error);
	xs_expect_nothing(fd);
}

static void refused_watch_is_an_error_reply(const char *device)
{
	int fd = xs_open(device, 0);

	expect_refusal(fd, "//not/a/path//", "EINVAL");
}

/* With the token of the driver it does not fit into a message any more. */
static void watch_without_room_for_a_token_is_refused(const char *device)
{
	int fd = xs_open(device, 0);
	char path[XS_PAYLOAD_MAX];

	memset(path, 'p', sizeof(path));
	path[XS_PAYLOAD_MAX - 5] = 0;
	expect_refusal(fd, path, "E2BIG");
}

static void refused_watch_leaves_nothing(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;

	expect_refusal(fd, "//not/a/path//", "EINVAL");
	xs_send_watch(fd, XS_UNWATCH, 2, "//not/a/path//", "tok");
	xs_expect(fd, &msg, XS_UNWATCH, 2);
}

static void check_token(int fd, int other, const char *token)
{
	struct xs_msg msg;

	xs_watch(fd, XS_DIR "/watched", token);
	xs_set(other, XS_DIR "/watched", "v");
	xs_expect_event(fd, XS_DIR "/watched", token);
	xs_send_watch(fd, XS_UNWATCH, 2, XS_DIR "/watched", token);
	xs_expect(fd, &msg, XS_UNWATCH, 2);
}

static void any_string_is_a_token(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	char token[3001];

	check_token(fd, other, "");
	check_token(fd, other, " a token/with\nall \xff\x01 sorts ");
	memset(token, 't', sizeof(token) - 1);
	token[sizeof(token) - 1] = 0;
	check_token(fd, other, token);
}

/* The rule for all messages; xs_recv() checks it. */
static void event_with_a_long_token_fits_into_a_message(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	char token[4060], path[128] = XS_DIR "/";

	memset(token, 't', sizeof(token) - 1);
	token[sizeof(token) - 1] = 0;
	xs_watch(fd, XS_DIR, token);
	memset(path + strlen(path), 'p', 64);
	xs_set(other, path, "v");
	xs_expect_event(fd, XS_DIR, token);
	xs_expect_nothing(fd);
}

static void tokens_are_the_files_own(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	int writer = xs_open(device, 0);
	struct xs_msg msg;

	xs_watch(fd, XS_DIR "/one", "tok");
	xs_watch(other, XS_DIR "/two", "tok");
	xs_watch(other, XS_DIR "/one", "other tok");
	xs_set(writer, XS_DIR "/one", "v");
	xs_expect_event(fd, XS_DIR "/one", "tok");
	xs_expect_event(other, XS_DIR "/one", "other tok");
	xs_send_watch(other, XS_UNWATCH, 2, XS_DIR "/one", "tok");
	xs_expect(other, &msg, XS_UNWATCH, 2);
	xs_set(writer, XS_DIR "/one", "v");
	xs_expect_event(fd, XS_DIR "/one", "tok");
	xs_expect_event(other, XS_DIR "/one", "other tok");
	xs_set(writer, XS_DIR "/two", "v");
	xs_expect_event(other, XS_DIR "/two", "tok");
}

static void files_may_have_the_same_watch(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	int writer = xs_open(device, 0);
	struct xs_msg msg;

	xs_watch(fd, XS_DIR, "tok");
	xs_watch(other, XS_DIR, "tok");
	xs_set(writer, XS_DIR "/a", "v");
	xs_expect_event(fd, XS_DIR "/a", "tok");
	xs_expect_event(other, XS_DIR "/a", "tok");
	xs_send_watch(fd, XS_UNWATCH, 2, XS_DIR, "tok");
	xs_expect(fd, &msg, XS_UNWATCH, 2);
	xs_set(writer, XS_DIR "/b", "v");
	xs_expect_event(other, XS_DIR "/b", "tok");
	xs_expect_nothing(fd);
}

static void watch_made_twice_fires_twice(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;

	xs_watch(fd, XS_DIR, "tok");
	xs_watch(fd, XS_DIR, "tok");
	xs_set(other, XS_DIR "/a", "v");
	xs_expect_event(fd, XS_DIR "/a", "tok");
	xs_expect_event(fd, XS_DIR "/a", "tok");
	xs_expect_nothing(fd);
	xs_send_watch(fd, XS_UNWATCH, 2, XS_DIR, "tok");
	xs_expect(fd, &msg, XS_UNWATCH, 2);
	xs_set(other, XS_DIR "/b", "v");
	xs_expect_event(fd, XS_DIR "/b", "tok");
	xs_expect_nothing(fd);
	xs_send_watch(fd, XS_UNWATCH, 3, XS_DIR, "tok");
	xs_expect(fd, &msg, XS_UNWATCH, 3);
	xs_set(other, XS_DIR "/c", "v");
	xs_expect_nothing(fd);
}

static void each_of_many_watches_fires_once(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;
	bool seen[50] = { 0 };
	struct xs_msg msg;
	char token[8];

	for (i = 0; i < 50; i++) {
		snprintf(token, sizeof(token), "%d", i);
		xs_watch(fd, XS_DIR, token);
	}
	xs_set(other, XS_DIR "/a", "v");
	for (i = 0; i < 50; i++) {
		xs_expect(fd, &msg, XS_WATCH_EVENT, 0);
		bool *it = &seen[atoi(msg.body + strlen(XS_DIR "/a") + 1)];

		REQUIRE(!*it, "two events for one watch");
		*it = true;
	}
	xs_expect_nothing(fd);
}

static void unwatch_of_unknown_watch_is_ok(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;

	xs_send_watch(fd, XS_UNWATCH, 1, XS_DIR "/never", "tok");
	xs_expect(fd, &msg, XS_UNWATCH, 1);
	REQUIRE(!strcmp(msg.body, "OK"), "reply %.40s", msg.body);
	xs_expect_nothing(fd);
}

/* From when it has been written, not only from its reply. */
static void unwatch_stops_events_at_once(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;
	struct xs_msg msg;

	for (i = 0; i < 50; i++) {
		xs_watch(fd, XS_DIR "/watched", "tok");
		xs_send_watch(fd, XS_UNWATCH, i, XS_DIR "/watched", "tok");
		xs_send_write(other, i, 0, XS_DIR "/watched", "v", 1);
		xs_expect(other, &msg, XS_WRITE, i);
		xs_expect(fd, &msg, XS_UNWATCH, i);
		xs_expect_nothing(fd);
	}
}

/* Those that were there when UNWATCH was written. */
static void unwatch_leaves_unread_events(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;

	xs_watch(fd, XS_DIR "/watched", "tok");
	xs_set(other, XS_DIR "/watched", "v");
	xs_ping(other, 1);
	xs_send_watch(fd, XS_UNWATCH, 2, XS_DIR "/watched", "tok");
	xs_expect_event(fd, XS_DIR "/watched", "tok");
	xs_expect(fd, &msg, XS_UNWATCH, 2);
}

static void equal_unread_events_are_one(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;

	xs_watch(fd, XS_DIR, "tok");
	for (i = 0; i < 10; i++) {
		xs_set(other, XS_DIR "/a", "v");
		xs_set(other, XS_DIR "/b", "v");
	}
	xs_ping(other, 1);	/* the last event has arrived, too */
	xs_expect_event(fd, XS_DIR "/a", "tok");
	xs_expect_event(fd, XS_DIR "/b", "tok");
	xs_expect_nothing(fd);
	xs_set(other, XS_DIR "/a", "v");
	xs_expect_event(fd, XS_DIR "/a", "tok");
}

/* Its reader may have looked already. */
static void event_that_is_being_read_does_not_count(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	char buf[sizeof(struct xs_hdr) + sizeof(XS_DIR "/a") + sizeof("tok")];

	xs_watch(fd, XS_DIR, "tok");
	xs_set(other, XS_DIR "/a", "v");
	xs_get(fd, buf, 1);
	xs_set(other, XS_DIR "/a", "v");
	xs_ping(other, 1);
	xs_get(fd, buf + 1, sizeof(buf) - 1);
	xs_expect_event(fd, XS_DIR "/a", "tok");
}

/* A server that knows no depth says so; one that does keeps to it. */
static void depth_reaches_the_server(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	static const char body[] = XS_DIR "\0tok\0" "0";
	struct xs_msg msg;

	xs_send(fd, XS_WATCH, 1, 0, body, sizeof(body));
	do
		xs_recv(fd, &msg);
	while (msg.hdr.type == XS_WATCH_EVENT);
	if (msg.hdr.type == XS_ERROR) {
		REQUIRE(!strcmp(msg.body, "EINVAL"), "error %.40s", msg.body);
		printf("# the store knows no depth\n");
		return;
	}
	xs_ping(other, 1);	/* the first event has arrived, too */
	while (xs_poll(fd, POLLIN, 0))
		xs_recv(fd, &msg);
	xs_set(other, XS_DIR "/below", "v");
	xs_expect_nothing(fd);
}

static void reset_keeps_to_its_file(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1), kept = xs_begin(other, 1);
	struct xs_msg msg;

	xs_watch(fd, XS_DIR, "tok");
	xs_watch(other, XS_DIR, "tok");
	xs_send_str(fd, XS_RESET_WATCHES, 2, 0, "");
	xs_expect(fd, &msg, XS_RESET_WATCHES, 2);
	REQUIRE(!strcmp(msg.body, "OK"), "reply %.40s", msg.body);
	xs_set(fd, XS_DIR "/a", "v");
	xs_expect_event(other, XS_DIR "/a", "tok");
	xs_expect_nothing(fd);
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "T");
	xs_expect_error(fd, 3, "ENOENT");
	xs_end(other, kept, "F");
}

/* If it wiped out the kernel's watches, too, devices would not come or go. */
static void reset_may_be_repeated(const char *device)
{
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;

	for (i = 0; i < 10; i++) {
		xs_watch(fd, XS_DIR, "tok");
		xs_send_str(fd, XS_RESET_WATCHES, i, 0, "");
		xs_expect(fd, &msg, XS_RESET_WATCHES, i);
	}
	xs_expect_nothing(fd);
}

#define QUEUED 8

static void one_watch_behind_requests(int fd)
{
	int replies = 0, watches = 0, events = 0;
	struct xs_msg msg;
	uint32_t i;

	for (i = 0; i < QUEUED; i++)
		xs_send_str(fd, XS_GET_DOMAIN_PATH, 10 + i, 0, "0");
	xs_send_watch(fd, XS_WATCH, 1, XS_DIR "/behind", "tok");
	while (replies < QUEUED || !watches || !events) {
		xs_recv(fd, &msg);
		replies += msg.hdr.type == XS_GET_DOMAIN_PATH;
		watches += msg.hdr.type == XS_WATCH;
		events += msg.hdr.type == XS_WATCH_EVENT;
		REQUIRE(msg.hdr.type != XS_ERROR, "request %u: %s",
			msg.hdr.req_id, msg.body);
	}
	xs_send_watch(fd, XS_UNWATCH, 2, XS_DIR "/behind", "tok");
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

static const struct ktap_case cases[] = {
	CASE(watch_fires),
	CASE(first_event_has_the_path_itself),
	CASE(events_have_no_ids),
	CASE(events_come_in_order),
	CASE(change_in_a_transaction_fires_on_commit),
	CASE(refused_watch_is_an_error_reply),
	CASE(watch_without_room_for_a_token_is_refused),
	CASE(refused_watch_leaves_nothing),
	CASE(any_string_is_a_token),
	CASE(event_with_a_long_token_fits_into_a_message),
	CASE(tokens_are_the_files_own),
	CASE(files_may_have_the_same_watch),
	CASE(watch_made_twice_fires_twice),
	CASE(each_of_many_watches_fires_once),
	CASE(unwatch_of_unknown_watch_is_ok),
	CASE(unwatch_stops_events_at_once),
	CASE(unwatch_leaves_unread_events),
	CASE(equal_unread_events_are_one),
	CASE(event_that_is_being_read_does_not_count),
	CASE(depth_reaches_the_server),
	CASE(reset_keeps_to_its_file),
	CASE(reset_may_be_repeated),
	SLOW_CASE(watch_behind_pending_requests_200_times, 180),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
