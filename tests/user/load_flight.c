// SPDX-License-Identifier: GPL-2.0
/* Many requests in flight at once: all are answered, and byte for byte. */
#include "xs.h"

#define FILES 200
#define EACH 50

/* A value that only one node of one file has. */
static void make_value(char *value, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		value[i] = 'A' + (seed * 31 + i * (seed % 7 + 1)) % 57;
}

static void node_of(char *path, size_t size, unsigned int file,
		    unsigned int node)
{
	snprintf(path, size, XS_DIR "/%u/%u", file, node);
}

static void send_writes(int fd, unsigned int file, unsigned int count,
			size_t size)
{
	char path[64], value[XS_PAYLOAD_MAX];
	unsigned int i;

	for (i = 0; i < count; i++) {
		node_of(path, sizeof(path), file, i);
		make_value(value, size, file * 1000 + i);
		xs_send_write(fd, i, 0, path, value, size);
	}
}

static void send_reads(int fd, unsigned int file, unsigned int count)
{
	char path[64];
	unsigned int i;

	for (i = 0; i < count; i++) {
		node_of(path, sizeof(path), file, i);
		xs_send_str(fd, XS_READ, i, 0, path);
	}
}

/* One reply to each of COUNT requests, in any order. */
static void receive_all(int fd, uint32_t type, unsigned int file,
			unsigned int count, size_t size)
{
	char value[XS_PAYLOAD_MAX], seen[1024] = { 0 };
	struct xs_msg msg;
	unsigned int i;

	for (i = 0; i < count; i++) {
		xs_recv(fd, &msg);
		REQUIRE(msg.hdr.type == type && msg.hdr.req_id < count &&
			!seen[msg.hdr.req_id]++,
			"file %u, reply %u: type %u, request %u (%.40s)", file,
			i, msg.hdr.type, msg.hdr.req_id, msg.body);
		if (type != XS_READ)
			continue;
		make_value(value, size, file * 1000 + msg.hdr.req_id);
		REQUIRE(msg.hdr.len == size && !memcmp(msg.body, value, size),
			"file %u, value %u: %u bytes, or different", file,
			msg.hdr.req_id, msg.hdr.len);
	}
}

static long unreclaimable_kb(void)
{
	long kb = -1;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	REQUIRE(file, "/proc/meminfo: %m");
	while (kb < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "SUnreclaim: %ld", &kb);
	fclose(file);
	return kb;
}

static void thousand_requests_in_flight_on_one_file(const char *device)
{
	int fd = xs_open(device, 0);
	long before = unreclaimable_kb();

	send_writes(fd, 0, 1000, 1000);
	printf("# 1000 writes of 1000 bytes in flight: %ld KiB\n",
	       unreclaimable_kb() - before);
	receive_all(fd, XS_WRITE, 0, 1000, 1000);
	before = unreclaimable_kb();
	send_reads(fd, 0, 1000);
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
	receive_all(fd, XS_READ, 0, 1000, 1000);
}

static void two_hundred_files_with_fifty_requests_each(const char *device)
{
	long before = unreclaimable_kb();
	int fds[FILES], i;

	for (i = 0; i < FILES; i++)
		fds[i] = xs_open(device, 0);
	for (i = 0; i < FILES; i++)
		send_writes(fds[i], i, EACH, 500);
	printf("# %d writes of 500 bytes in flight: %ld KiB\n", FILES * EACH,
	       unreclaimable_kb() - before);
	for (i = 0; i < FILES; i++)
		receive_all(fds[i], XS_WRITE, i, EACH, 500);
	for (i = 0; i < FILES; i++)
		send_reads(fds[i], i, EACH);
	for (i = 0; i < FILES; i++)
		receive_all(fds[i], XS_READ, i, EACH, 500);
}

static const struct ktap_case cases[] = {
	SLOW_CASE(thousand_requests_in_flight_on_one_file, 300),
	SLOW_CASE(two_hundred_files_with_fifty_requests_each, 300),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
