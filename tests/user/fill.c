// SPDX-License-Identifier: GPL-2.0
/*
 * Makes nodes until the server refuses one more: fill DEVICE. Says how many.
 */
#include "xs.h"

#define MOST 100000

int main(int argc, char **argv)
{
	struct xs_msg msg = {};
	char path[64];
	int fd, i;

	REQUIRE(argc == 2, "usage: fill DEVICE");
	fd = xs_open(argv[1], 0);
	for (i = 0; i < MOST && msg.hdr.type != XS_ERROR; i++) {
		snprintf(path, sizeof(path), "data/fill/%d", i);
		xs_send_write(fd, i, 0, path, "x", 1);
		xs_recv(fd, &msg);
	}
	printf("%d nodes, then %s\n", i - 1, msg.body);
	return strcmp(msg.body, "ENOSPC") && strcmp(msg.body, "EQUOTA");
}
