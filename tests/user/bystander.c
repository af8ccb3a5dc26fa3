// SPDX-License-Identifier: GPL-2.0
/*
 * A client that minds its own business: one request after the other on one
 * file, and a count of the replies in another file, so that one can see
 * whether it still gets on.
 *
 * Usage: bystander DEVICE COUNT-FILE PAUSE-MS
 */
#include "xs.h"

int main(int argc, char **argv)
{
	unsigned long count = 0;
	char text[32];
	int fd, out, len;

	if (argc != 4)
		return 2;
	fd = xs_open(argv[1], 0);
	out = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	REQUIRE(out >= 0, "%s: %m", argv[2]);
	for (;;) {
		xs_ping(fd, count++);
		len = snprintf(text, sizeof(text), "%lu\n", count);
		REQUIRE(pwrite(out, text, len, 0) == len, "%s: %m", argv[2]);
		ktap_sleep_ms(atoi(argv[3]));
	}
}
