// SPDX-License-Identifier: GPL-2.0
/*
 * IOCTL_XENBUS_BACKEND_SETUP: a server that comes late, and has the page granted. No
 * daemon runs, and none has run.
 */
#include "server.h"

/* More than the ring has space for, the last one in part. */
#define REQUESTS 60

static bool is_last(const struct xs_msg *msg)
{
	return !strcmp(msg->body, "last");
}

static void requests_from_before_are_answered(const char *device)
{
	char path[64], value[300];
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;

	memset(value, 'v', sizeof(value));
	xs_send_write(fd, 1000, 0, XS_DIR, value, sizeof(value));
	xs_send_watch(fd, XS_WATCH, 1001, XS_DIR, "tok");
	for (i = 0; i < REQUESTS; i++) {
		snprintf(path, sizeof(path), XS_DIR "/%020d", i);
		xs_send_str(fd, XS_READ, i, 0, path);
	}
	xs_send_str(fd, XS_READ, 1002, 0, "last");
	server_start();
	server_until(is_last);
	xs_expect(fd, &msg, XS_WRITE, 1000);
	xs_expect(fd, &msg, XS_WATCH, 1001);
	for (i = 0; i < REQUESTS; i++)
		xs_expect_error(fd, i, "ENOENT");
	REQUIRE(xs_poll(fd, POLLIN, 0) == 0, "the last one is answered, too");
}

static const struct ktap_case cases[] = {
	CASE(requests_from_before_are_answered),
};

/* There is nothing to tidy: nobody answers. */
int main(int argc, char **argv)
{
	return ktap_main(argc, argv, cases, ARRAY_SIZE(cases));
}
