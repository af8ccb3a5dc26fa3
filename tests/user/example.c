// SPDX-License-Identifier: GPL-2.0
/*
 * Read any number of nodes at once: example DEVICE PATH...
 *
 * All requests are written before the first reply is waited for, and no call
 * but poll() ever waits. A reply is told from the others by its request id.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XS_READ 2
#define XS_ERROR 16

struct header {
	uint32_t type, req_id, tx_id, len;
};

/* Bytes on their way out or in. */
struct buffer {
	char *data;
	size_t start, end;
};

/* A request to read PATH, behind those that are there. */
static void add_request(struct buffer *out, uint32_t id, const char *path)
{
	struct header hdr = { .type = XS_READ, .req_id = id,
			      .len = strlen(path) + 1 };

	memcpy(out->data + out->end, &hdr, sizeof(hdr));
	memcpy(out->data + out->end + sizeof(hdr), path, hdr.len);
	out->end += sizeof(hdr) + hdr.len;
}

/* Takes the first reply out of IN and prints it; 0 if it is not complete. */
static int take_reply(struct buffer *in, char **paths)
{
	char *at = in->data + in->start;
	struct header hdr;

	if (in->end - in->start < sizeof(hdr))
		return 0;
	memcpy(&hdr, at, sizeof(hdr));
	if (in->end - in->start < sizeof(hdr) + hdr.len)
		return 0;
	in->start += sizeof(hdr) + hdr.len;
	printf("%s %s %.*s\n", paths[hdr.req_id],
	       hdr.type == XS_ERROR ? "!" : "=", (int)hdr.len,
	       at + sizeof(hdr));
	return 1;
}

static void write_some(int fd, struct buffer *out)
{
	ssize_t n = write(fd, out->data + out->start, out->end - out->start);

	if (n < 0 && errno != EAGAIN)
		err(1, "write");
	if (n > 0)
		out->start += n;
}

static void read_some(int fd, struct buffer *in, size_t size)
{
	ssize_t n;

	memmove(in->data, in->data + in->start, in->end - in->start);
	in->end -= in->start;
	in->start = 0;
	n = read(fd, in->data + in->end, size - in->end);
	if (n < 0 && errno != EAGAIN)
		err(1, "read");
	if (n > 0)
		in->end += n;
}

int main(int argc, char **argv)
{
	static char in_data[1 << 16];	/* more than one message */
	struct buffer out = { 0 }, in = { .data = in_data };
	int fd, i, missing = argc - 2;

	if (argc < 3)
		errx(2, "usage: %s DEVICE PATH...", argv[0]);
	fd = open(argv[1], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", argv[1]);

	for (i = 2; i < argc; i++)
		out.end += sizeof(struct header) + strlen(argv[i]) + 1;
	out.data = malloc(out.end);
	if (!out.data)
		err(1, "malloc");
	out.end = 0;
	for (i = 2; i < argc; i++)
		add_request(&out, i, argv[i]);

	while (missing) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };

		if (out.start < out.end)
			pollfd.events |= POLLOUT;
		if (poll(&pollfd, 1, -1) < 0)
			err(1, "poll");
		if (pollfd.revents & POLLOUT)
			write_some(fd, &out);
		if (pollfd.revents & POLLIN)
			read_some(fd, &in, sizeof(in_data));
		while (take_reply(&in, argv))
			missing--;
	}
	return 0;
}
