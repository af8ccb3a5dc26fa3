// SPDX-License-Identifier: GPL-2.0
/*
 * A client in a guest that is saved and restored. Whoever drives the test
 * creates the file /run/restored after the restore.
 */
#include "xs.h"

static void say_and_wait_for_restore(void)
{
	puts("# ready to be saved");
	fflush(stdout);
	while (access("/run/restored", F_OK))
		ktap_sleep_ms(200);
}

static void transaction_open_across_restore_ends_with_eagain(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	uint32_t tx = xs_begin(fd, 1);

	xs_send_write(fd, 2, tx, "data/across", "v", 1);
	xs_expect(fd, &msg, XS_WRITE, 2);
	say_and_wait_for_restore();
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "T");
	xs_expect_error(fd, 3, "EAGAIN");
	xs_ping(fd, 4);
}

static void watch_fires_after_restore(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;

	xs_send_watch(fd, XS_WATCH, 1, "data/again", "tok");
	say_and_wait_for_restore();
	xs_send_write(other, 1, 0, "data/again/below", "v", 1);
	xs_expect(other, &msg, XS_WRITE, 1);
	do
		xs_recv(fd, &msg);
	while (strcmp(msg.body, "data/again/below"));
	REQUIRE(msg.hdr.type == XS_WATCH_EVENT, "type %u", msg.hdr.type);
}

static const struct ktap_case cases[] = {
	{ "watch_fires_after_restore", watch_fires_after_restore, 1200 },
	{ "transaction_open_across_restore_ends_with_eagain",
	  transaction_open_across_restore_ends_with_eagain, 1200 },
};

int main(int argc, char **argv)
{
	return ktap_main(argc, argv, cases, ARRAY_SIZE(cases));
}
