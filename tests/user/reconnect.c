// SPDX-License-Identifier: GPL-2.0
/*
 * A connection that is lost and found again, with a daemon that offers it
 * (oxenstored), on a system where the daemon runs: the error field of the page
 * makes the driver believe that the daemon has given it up.
 */
#include <sys/mman.h>

#include "xs.h"

#define KVA "/proc/xen/xsd_kva"
#define NODE XS_DIR "/reconnect"

/* Where Xen's xs_wire.h has them. */
#define FEATURES 2064
#define CONNECTION 2068
#define ERROR 2072

static uint32_t *field(size_t offset)
{
	static char *page;

	if (!page) {
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			    xs_open(KVA, 0), 0);
		REQUIRE(page != MAP_FAILED, "mmap of the page: %m");
	}
	return (uint32_t *)(page + offset);
}

static uint32_t get_field(size_t offset)
{
	return __atomic_load_n(field(offset), __ATOMIC_SEQ_CST);
}

/* The driver sees it when it has something to send or to receive. */
static void lose(void)
{
	REQUIRE(get_field(FEATURES) & 1, "the daemon does not offer it");
	__atomic_fetch_add(field(ERROR), 1, __ATOMIC_SEQ_CST);
}

/* The value, or the error. */
static void expect_value(int fd, uint32_t req_id, const char *value)
{
	struct xs_msg msg;

	xs_expect(fd, &msg, XS_READ, req_id);
	REQUIRE(!strcmp(msg.body, value), "%.40s, not %s", msg.body, value);
}

static void read_is_answered(const char *device)
{
	int fd = xs_open(device, 0);

	xs_set(fd, NODE, "value");
	lose();
	xs_send_str(fd, XS_READ, 1, 0, NODE);
	expect_value(fd, 1, "value");
	REQUIRE(!get_field(CONNECTION), "the connection is in state %u",
		get_field(CONNECTION));
}

static void watch_fires_at_once_and_later(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);

	xs_watch(fd, NODE, "tok");
	lose();
	xs_ping(other, 1);
	xs_expect_event(fd, NODE, "tok");
	xs_set(other, NODE "/below", "v");
	xs_expect_event(fd, NODE "/below", "tok");
}

static void reads_are_answered_in_order(const char *device)
{
	int fd = xs_open(device, 0), i;
	char path[64], value[16];

	for (i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), NODE "/%d", i);
		snprintf(value, sizeof(value), "%d", i);
		xs_set(fd, path, value);
	}
	for (i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), NODE "/%d", i);
		xs_send_str(fd, XS_READ, i, 0, path);
		if (i == 25)
			lose();
	}
	for (i = 0; i < 50; i++) {
		snprintf(value, sizeof(value), "%d", i);
		expect_value(fd, i, value);
	}
}

/* One reply each: it has been done, or nobody knows. */
static void changes_are_answered_once(const char *device)
{
	int fd = xs_open(device, 0), i, lost = 0;
	struct xs_msg msg;
	char value[16];

	for (i = 0; i < 100; i++) {
		snprintf(value, sizeof(value), "%d", i);
		xs_send_write(fd, i, 0, NODE, value, strlen(value));
		if (i % 10 == 5)
			lose();
	}
	for (i = 0; i < 100; i++) {
		xs_recv(fd, &msg);
		REQUIRE((int)msg.hdr.req_id == i, "reply to %u, not to %d",
			msg.hdr.req_id, i);
		if (msg.hdr.type == XS_WRITE)
			continue;
		REQUIRE(msg.hdr.type == XS_ERROR && !strcmp(msg.body, "EIO"),
			"type %u, %.40s", msg.hdr.type, msg.body);
		lost++;
	}
	xs_expect_nothing(fd);
	printf("# %d of 100 have failed with EIO\n", lost);
	xs_set(fd, NODE, "last");
	xs_send_str(fd, XS_READ, 1, 0, NODE);
	expect_value(fd, 1, "last");
}

static void transaction_has_to_be_repeated(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1);
	struct xs_msg msg;

	xs_send_write(fd, 2, tx, NODE, "in", 2);
	xs_expect(fd, &msg, XS_WRITE, 2);
	lose();
	xs_ping(other, 1);
	xs_send_str(fd, XS_READ, 3, tx, NODE);
	xs_expect_error(fd, 3, "EAGAIN");
	xs_send(fd, XS_TRANSACTION_END, 4, tx, "T", 2);
	xs_expect_error(fd, 4, "EAGAIN");
	xs_send_str(fd, XS_READ, 5, 0, NODE);
	xs_expect_error(fd, 5, "ENOENT");
	tx = xs_begin(fd, 6);
	xs_send_write(fd, 7, tx, NODE, "in", 2);
	xs_expect(fd, &msg, XS_WRITE, 7);
	xs_end(fd, tx, "T");
	xs_send_str(fd, XS_READ, 8, 0, NODE);
	expect_value(fd, 8, "in");
}

static void root_can_ask_for_it(const char *device)
{
	int file = open("/sys/kernel/debug/xenbus/reconnect", O_WRONLY);
	int fd = xs_open(device, 0);

	REQUIRE(file >= 0, "reconnect: %m");
	xs_watch(fd, NODE, "tok");
	xs_put(file, "1", 1);
	xs_expect_event(fd, NODE, "tok");
	xs_ping(fd, 1);
}

/* What a file leaves behind does not stay with the daemon. */
static void file_can_be_closed_meanwhile(const char *device)
{
	int other = xs_open(device, 0), fd, i;

	for (i = 0; i < 5; i++) {
		fd = xs_open(device, 0);
		xs_watch(fd, NODE, "tok");
		xs_begin(fd, 1);
		lose();
		xs_send_str(fd, XS_READ, 2, 0, NODE);
		close(fd);
		xs_ping(other, i);
	}
}

/* As often as LOSSES in the environment says; once in a second, the driver allows. */
static void again_and_again(const char *device)
{
	const char *losses = getenv("LOSSES");
	int fd = xs_open(device, 0), i;

	xs_set(fd, NODE, "value");
	for (i = 0; i < (losses ? atoi(losses) : 10); i++) {
		lose();
		xs_send_str(fd, XS_READ, i, 0, NODE);
		expect_value(fd, i, "value");
	}
}

static const struct ktap_case cases[] = {
	CASE(read_is_answered),
	CASE(watch_fires_at_once_and_later),
	CASE(reads_are_answered_in_order),
	CASE(changes_are_answered_once),
	CASE(transaction_has_to_be_repeated),
	CASE(root_can_ask_for_it),
	CASE(file_can_be_closed_meanwhile),
	SLOW_CASE(again_and_again, 3600),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
