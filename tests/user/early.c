// SPDX-License-Identifier: GPL-2.0
/* A client that comes before the daemon: its request waits, it does not. */
#include <poll.h>

#include "xs.h"

static void request_before_the_daemon_is_answered_later(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	struct xs_msg msg;
	ssize_t got;

	xs_send_str(fd, XS_GET_DOMAIN_PATH, 5, 0, "0");
	got = read(fd, &msg, sizeof(msg.hdr));
	REQUIRE(got == -1 && errno == EAGAIN, "read returned %zd (%m)", got);
	REQUIRE(poll(&poller, 1, 2000) == 0, "there is something to read");
	puts("# request queued, nothing to read");
	fflush(stdout);
	REQUIRE(poll(&poller, 1, -1) == 1, "poll: %m");
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 5);
}

static const struct ktap_case cases[] = {
	{ "request_before_the_daemon_is_answered_later",
	  request_before_the_daemon_is_answered_later, 1200 },
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, cases, ARRAY_SIZE(cases));
}
