// SPDX-License-Identifier: GPL-2.0
/*
 * xswait NODE VALUE NODE VALUE: the time, in ns, from the moment that the
 * first node has its value to the moment that the second has its own.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { XS_READ = 2, XS_WATCH = 4, XS_WATCH_EVENT = 15 };

struct message {
	struct { uint32_t type, req_id, tx_id, len; } hdr;
	char body[4097];
};

static int fd;

static void send_message(uint32_t type, const char *body, size_t len)
{
	struct message msg = { .hdr = { type, 0, 0, len } };

	memcpy(msg.body, body, len);
	if (write(fd, &msg, sizeof(msg.hdr) + len) < 0)
		err(1, "write");
}

static void get(void *buf, size_t len)
{
	char *pos = buf;
	ssize_t n;

	for (; len; pos += n, len -= n) {
		n = read(fd, pos, len);
		if (n <= 0)
			err(1, "read");
	}
}

static void receive(struct message *msg)
{
	get(&msg->hdr, sizeof(msg->hdr));
	if (msg->hdr.len > 4096)
		errx(1, "%u bytes", msg->hdr.len);
	get(msg->body, msg->hdr.len);
	msg->body[msg->hdr.len] = '\0';
}

static void watch(const char *node)
{
	char body[256];
	int len = snprintf(body, sizeof(body), "%s%cx", node, 0) + 1;

	send_message(XS_WATCH, body, len);
}

/* After every event, until the node says what is waited for. */
static void wait_for(const char *node, const char *value)
{
	struct message msg;
	bool is_so = false;

	send_message(XS_READ, node, strlen(node) + 1);
	while (!is_so) {
		receive(&msg);
		is_so = msg.hdr.type == XS_READ && !strcmp(msg.body, value);
		if (msg.hdr.type == XS_WATCH_EVENT)
			send_message(XS_READ, node, strlen(node) + 1);
	}
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	int64_t start;

	if (argc != 5)
		errx(1, "usage: xswait NODE VALUE NODE VALUE");
	fd = open("/dev/xen/xenbus", O_RDWR);
	if (fd < 0)
		err(1, "/dev/xen/xenbus");
	watch(argv[1]);
	wait_for(argv[1], argv[2]);
	start = now();
	watch(argv[3]);
	wait_for(argv[3], argv[4]);
	printf("%lld\n", (long long)(now() - start));
	return 0;
}
