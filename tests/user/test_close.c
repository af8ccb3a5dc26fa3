// SPDX-License-Identifier: GPL-2.0
/*
 * dev-xenbus, "Closing": at any moment, at once, and nothing stays behind.
 *
 * What the server still holds is not visible from a file. Where it keeps a
 * quota, more files than the quota allows come and go; where it tells, it is
 * asked.
 */
#include "xs.h"

#define VALUE_SIZE 1500

/* In the background, hence soon and not at once. */
static void wait_until_gone(int fd, const char *path)
{
	double end = ktap_now() + SOON_MS / 1000.0;
	struct xs_msg msg;

	do {
		xs_send_str(fd, XS_READ, 1, 0, path);
		xs_recv(fd, &msg);
		REQUIRE(ktap_now() < end, "%s is still there", path);
	} while (msg.hdr.type == XS_READ);
}

static void close_aborts_open_transactions(const char *device)
{
	struct xs_msg msg;
	int i, j, fd;

	for (i = 0; i < 5; i++) {
		fd = xs_open(device, 0);
		for (j = 0; j < 3; j++) {
			uint32_t tx = xs_begin(fd, j);

			xs_send_write(fd, 9, tx, XS_DIR "/lost", "v", 1);
			xs_expect(fd, &msg, XS_WRITE, 9);
		}
		/* The last is opened and closed without a look at it. */
		xs_send_str(fd, XS_TRANSACTION_START, 10, 0, "");
		close(fd);
	}
	fd = xs_open(device, 0);
	xs_send_str(fd, XS_READ, 1, 0, XS_DIR "/lost");
	xs_expect_error(fd, 1, "ENOENT");
}

/* What they wrote before is not undone, only what is open. */
static void close_undoes_nothing_that_was_answered(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;
	uint32_t tx;

	xs_set(fd, XS_DIR "/a", "v");
	tx = xs_begin(fd, 1);
	xs_send_write(fd, 2, tx, XS_DIR "/b", "v", 1);
	xs_expect(fd, &msg, XS_WRITE, 2);
	xs_end(fd, tx, "T");
	close(fd);
	xs_send_str(other, XS_READ, 1, 0, XS_DIR "/a");
	xs_expect(other, &msg, XS_READ, 1);
	xs_send_str(other, XS_READ, 2, 0, XS_DIR "/b");
	xs_expect(other, &msg, XS_READ, 2);
}

/* More than a guest may have at a time, in both. */
static void transactions_of_closed_files_are_gone(const char *device)
{
	int i, fd, other = xs_open(device, 0);
	double end = ktap_now() + SOON_MS / 1000.0;
	struct xs_msg msg;

	for (i = 0; i < 60; i++) {
		fd = xs_open(device, 0);
		xs_send_str(fd, XS_TRANSACTION_START, 1, 0, "");
		xs_recv(fd, &msg);
		close(fd);
	}
	do {
		REQUIRE(ktap_now() < end, "still: %.40s", msg.body);
		xs_send_str(other, XS_TRANSACTION_START, 2, 0, "");
		xs_recv(other, &msg);
	} while (msg.hdr.type == XS_ERROR);
}

static void watches_of_closed_files_are_gone(const char *device)
{
	int i, j, fd, other = xs_open(device, 0);
	double end = ktap_now() + SOON_MS / 1000.0;
	struct xs_msg msg;
	char token[8];

	for (i = 0; i < 10; i++) {
		fd = xs_open(device, 0);
		for (j = 0; j < 30; j++) {
			snprintf(token, sizeof(token), "%d", j);
			xs_send_watch(fd, XS_WATCH, 1, XS_DIR, token);
		}
		close(fd);
	}
	do {
		REQUIRE(ktap_now() < end, "still: %.40s", msg.body);
		xs_send_watch(other, XS_WATCH, 1, XS_DIR, "tok");
		do
			xs_recv(other, &msg);
		while (msg.hdr.type == XS_WATCH_EVENT);
	} while (msg.hdr.type == XS_ERROR);
}

/* What the C daemon holds for this domain, if it tells: "watches: 7". */
static int usage(int fd, const char *what)
{
	static const char body[] = "quota\0" "0";
	struct xs_msg msg;
	char *at;

	xs_send(fd, XS_CONTROL, 1, 0, body, sizeof(body));
	xs_recv(fd, &msg);
	if (msg.hdr.type == XS_ERROR)
		return -1;
	at = strstr(msg.body, what);
	at = at ? strchr(at, ':') : NULL;
	return at ? atoi(at + 1) : -1;
}

/* Others may come and go at the same time; these five must not stay. */
static void wait_for_usage(int fd, const char *what, int most)
{
	double end = ktap_now() + SOON_MS / 1000.0;

	while (usage(fd, what) > most) {
		REQUIRE(ktap_now() < end, "%d %s, not %d", usage(fd, what),
			what, most);
		ktap_sleep_ms(10);
	}
}

static void server_holds_nothing_for_a_closed_file(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;
	int watches = usage(other, "watches");
	int transactions = usage(other, "transactions");

	if (watches < 0 || transactions < 0)
		printf("# the store does not tell\n");
	for (i = 0; i < 5; i++) {
		xs_watch(fd, XS_DIR, "tok");
		xs_begin(fd, i);
	}
	close(fd);
	if (watches >= 0)
		wait_for_usage(other, "watches", watches);
	if (transactions >= 0)
		wait_for_usage(other, "transactions", transactions);
	xs_ping(other, 1);
}

static void close_with_requests_in_flight_returns_at_once(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK), other = xs_open(device, 0);
	double start;

	xs_fill(fd);
	start = ktap_now();
	close(fd);
	REQUIRE(ktap_now() - start < 2, "close took %.1f s",
		ktap_now() - start);
	xs_ping(other, 1);
}

static void close_with_all_unread_harms_nobody(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK), other = xs_open(device, 0), i;
	char token[8];

	for (i = 0; i < 20; i++) {
		snprintf(token, sizeof(token), "%d", i);
		xs_send_watch(fd, XS_WATCH, i, XS_DIR, token);
	}
	xs_fill(fd);
	xs_set(other, XS_DIR "/a", "v");
	close(fd);
	xs_set(other, XS_DIR "/b", "v");
	xs_ping(other, 1);
}

/* Of each length. */
static void incomplete_message_is_forgotten(const char *device)
{
	int other = xs_open(device, 0), fd;
	char buf[64];
	size_t len, at;

	len = xs_build_str(buf, XS_MKDIR, 1, 0, XS_DIR "/half");
	for (at = 1; at < len; at++) {
		fd = xs_open(device, 0);
		xs_put(fd, buf, at);
		close(fd);
		xs_ping(other, at);
	}
	xs_send_str(other, XS_DIRECTORY, 1, 0, XS_DIR "/half");
	xs_expect_error(other, 1, "ENOENT");
}

static void message_half_read_is_forgotten(const char *device)
{
	int other = xs_open(device, 0), fd, i;
	char buf[64];

	for (i = 1; i < 32; i++) {
		fd = xs_open(device, 0);
		xs_send_str(fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
		xs_get(fd, buf, i);
		close(fd);
		xs_ping(other, i);
	}
}

static void close_of_one_file_leaves_another_alone(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;
	uint32_t tx = xs_begin(other, 1);
	struct xs_msg msg;

	xs_watch(other, XS_DIR, "tok");
	xs_watch(fd, XS_DIR, "tok");
	xs_begin(fd, 1);
	for (i = 0; i < 100; i++)
		xs_send_str(other, XS_READ, i, tx, XS_DIR "/none");
	close(fd);
	for (i = 0; i < 100; i++)
		xs_expect_error(other, i, "ENOENT");
	xs_end(other, tx, "F");
	fd = xs_open(device, 0);
	xs_set(fd, XS_DIR "/a", "v");
	xs_expect(other, &msg, XS_WATCH_EVENT, 0);
}

static void victim(const char *device)
{
	int fd = xs_open(device, 0), i;
	char value[VALUE_SIZE], path[64];
	uint32_t tx = xs_begin(fd, 1);

	memset(value, 'v', sizeof(value));
	xs_send_watch(fd, XS_WATCH, 2, XS_DIR "/victim", "tok");
	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), XS_DIR "/victim/%d", i);
		xs_send_write(fd, 3 + i, tx, path, value, sizeof(value));
		xs_send_str(fd, XS_TRANSACTION_START, 90, 0, "");
	}
	pause();
	_exit(0);
}

static void killed_clients_leave_the_store_usable(const char *device)
{
	int fd = xs_open(device, 0), i;
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
	wait_until_gone(fd, XS_DIR "/victim");
}

static const struct ktap_case cases[] = {
	CASE(close_undoes_nothing_that_was_answered),
	CASE(incomplete_message_is_forgotten),
	CASE(message_half_read_is_forgotten),
	CASE(close_of_one_file_leaves_another_alone),
	CASE(close_with_requests_in_flight_returns_at_once),
	CASE(close_with_all_unread_harms_nobody),
	CASE(watches_of_closed_files_are_gone),
	CASE(server_holds_nothing_for_a_closed_file),
	CASE(transactions_of_closed_files_are_gone),
	CASE(close_aborts_open_transactions),
	SLOW_CASE(killed_clients_leave_the_store_usable, 180),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
