// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Writing": what bytes the device takes, and as what. */
#include <sys/uio.h>

#include "xs.h"

/* The reply to GET_DOMAIN_PATH, which shows that the payload arrived whole. */
static void expect_path(int fd, uint32_t req_id, int domid)
{
	struct xs_msg msg;
	char path[32];

	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, req_id);
	snprintf(path, sizeof(path), "/local/domain/%d", domid);
	REQUIRE(!strcmp(msg.body, path), "%.40s, not %s", msg.body, path);
}

static void message_split_into_bytes_is_answered(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[64];
	size_t i, len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 7, 0, "0");
	for (i = 0; i < len; i++)
		xs_put(fd, buf + i, 1);
	expect_path(fd, 7, 0);
}

static void message_split_at_any_byte_is_answered(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[64];
	size_t at, len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 7, 0, "12345");
	for (at = 1; at < len; at++) {
		xs_put(fd, buf, at);
		xs_put(fd, buf + at, len - at);
		expect_path(fd, 7, 12345);
	}
}

static void messages_split_at_any_byte_are_all_answered(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[128];
	size_t at, len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 1, 0, "0");
	len += xs_build_str(buf + len, XS_GET_DOMAIN_PATH, 2, 0, "12345");
	len += xs_build_str(buf + len, XS_GET_DOMAIN_PATH, 3, 0, "7");
	for (at = 1; at < len; at++) {
		xs_put(fd, buf, at);
		xs_put(fd, buf + at, len - at);
		expect_path(fd, 1, 0);
		expect_path(fd, 2, 12345);
		expect_path(fd, 3, 7);
	}
}

static void two_messages_in_one_write_are_both_answered(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[128];
	size_t len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 1, 0, "0");
	len += xs_build_str(buf + len, XS_GET_DOMAIN_PATH, 2, 0, "12345");
	xs_put(fd, buf, len);
	expect_path(fd, 1, 0);
	expect_path(fd, 2, 12345);
}

/* One and a half messages, then the other half. */
static void message_that_spans_writes_is_answered(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[128];
	size_t first, len;

	first = xs_build_str(buf, XS_GET_DOMAIN_PATH, 1, 0, "0");
	len = first + xs_build_str(buf + first, XS_GET_DOMAIN_PATH, 2, 0, "12345");
	xs_put(fd, buf, first + 9);
	expect_path(fd, 1, 0);
	xs_put(fd, buf + first + 9, len - first - 9);
	expect_path(fd, 2, 12345);
}

#define GATHERED 200

/* A header and a payload in segments of their own, as libxenstore does. */
static void writev_takes_hundreds_of_messages(const char *device)
{
	static struct xs_hdr hdr[GATHERED];
	static struct iovec iov[2 * GATHERED];
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	ssize_t done;
	int i;

	for (i = 0; i < GATHERED; i++) {
		hdr[i] = (struct xs_hdr){ XS_GET_DOMAIN_PATH, i, 0, 2 };
		iov[2 * i] = (struct iovec){ &hdr[i], sizeof(hdr[i]) };
		iov[2 * i + 1] = (struct iovec){ "0", 2 };
	}
	done = writev(fd, iov, ARRAY_SIZE(iov));
	REQUIRE(done == GATHERED * 18, "writev returned %zd (%m)", done);
	for (i = 0; i < GATHERED; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, i);
}

static void write_with_hundreds_of_messages_takes_all(const char *device)
{
	static char buf[GATHERED * 32];
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;
	size_t len = 0;

	for (i = 0; i < GATHERED; i++)
		len += xs_build_str(buf + len, XS_GET_DOMAIN_PATH, i, 0, "0");
	xs_put(fd, buf, len);
	for (i = 0; i < GATHERED; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, i);
}

static void write_of_nothing_changes_nothing(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[64];
	size_t len;

	xs_put(fd, "", 0);
	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 1, 0, "0");
	xs_put(fd, buf, 5);
	xs_put(fd, "", 0);
	xs_put(fd, buf + 5, len - 5);
	expect_path(fd, 1, 0);
}

/* The store's opinion of it is its own, but it must be asked. */
static void message_without_payload_is_answered(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;

	xs_send(fd, XS_UNKNOWN, 3, 0, "", 0);
	xs_expect(fd, &msg, XS_ERROR, 3);
	xs_expect_nothing(fd);
}

/* The write returns before the message has left; the buffer is free. */
static void buffer_may_be_used_again_at_once(const char *device)
{
	char buf[128], path[32];
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	size_t len;
	int i;

	for (i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), XS_DIR "/%02d", i);
		len = xs_build_str(buf, XS_MKDIR, i, 0, path);
		xs_put(fd, buf, len);
		memset(buf, 0xff, sizeof(buf));
	}
	for (i = 0; i < 50; i++)
		xs_expect(fd, &msg, XS_MKDIR, i);
	xs_send_str(fd, XS_DIRECTORY, 99, 0, XS_DIR);
	xs_expect(fd, &msg, XS_DIRECTORY, 99);
	REQUIRE(msg.hdr.len == 50 * 3, "%u bytes of names", msg.hdr.len);
}

/* A server may refuse the value as too large, but not the message. */
static void payload_of_4096_bytes_goes_through(const char *device)
{
	const char *path = XS_DIR "/large";
	char value[XS_PAYLOAD_MAX];
	size_t len = sizeof(value) - strlen(path) - 1;
	int fd = xs_open(device, 0);
	struct xs_msg msg;

	memset(value, 'x', sizeof(value));
	value[len - 1] = 'y';
	xs_send_write(fd, 1, 0, path, value, len);
	xs_recv(fd, &msg);
	REQUIRE(msg.hdr.req_id == 1, "reply to %u", msg.hdr.req_id);
	if (msg.hdr.type == XS_ERROR) {
		REQUIRE(!strcmp(msg.body, "ENOSPC") ||
			!strcmp(msg.body, "E2BIG") ||
			!strcmp(msg.body, "EQUOTA"), "error %s", msg.body);
		printf("# the store keeps no value of %zu bytes\n", len);
		xs_ping(fd, 2);
		return;
	}
	xs_send_str(fd, XS_READ, 2, 0, path);
	xs_expect(fd, &msg, XS_READ, 2);
	REQUIRE(msg.hdr.len == len && !memcmp(msg.body, value, len),
		"%u bytes came back of %zu, or different", msg.hdr.len, len);
}

/* A payload of any size is passed on whole: the store finds its end. */
static void payload_of_each_length_keeps_the_stream_in_step(const char *device)
{
	char body[XS_PAYLOAD_MAX] = { 0 };
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	size_t len;

	for (len = 0; len <= sizeof(body); len += len < 64 ? 1 : 63) {
		xs_send(fd, XS_UNKNOWN, len, 0, body, len);
		xs_expect(fd, &msg, XS_ERROR, len);
	}
	xs_send(fd, XS_UNKNOWN, 1, 0, body, sizeof(body));
	xs_expect_error(fd, 1, "ENOSYS");
	xs_expect_nothing(fd);
}

static void write_header(int fd, uint32_t len, int expected)
{
	struct xs_hdr hdr = { XS_READ, 1, 0, len };
	ssize_t done;

	errno = 0;
	done = write(fd, &hdr, sizeof(hdr));
	REQUIRE(done == -1 && errno == expected,
		"header with length %u: write returned %zd (%m)", len, done);
}

static void header_of_more_than_4096_bytes_is_refused(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);

	write_header(fd, XS_PAYLOAD_MAX + 1, E2BIG);
	write_header(fd, 0x7fffffff, E2BIG);
	write_header(fd, 0xffffffff, E2BIG);
	xs_ping(other, 1);
}

static void byte_after_a_refused_header_begins_another(const char *device)
{
	struct xs_hdr hdr = { XS_READ, 1, 0, XS_PAYLOAD_MAX + 1 };
	int fd = xs_open(device, 0);
	ssize_t done;

	write_header(fd, XS_PAYLOAD_MAX + 1, E2BIG);
	xs_ping(fd, 1);
	xs_put(fd, (char *)&hdr, 7);
	done = write(fd, (char *)&hdr + 7, sizeof(hdr) - 7);
	REQUIRE(done == -1 && errno == E2BIG, "write returned %zd (%m)", done);
	xs_ping(fd, 2);
}

/* What was accepted is counted, and the error comes with the next write. */
static void messages_before_a_refused_header_are_taken(const char *device)
{
	struct xs_hdr bad = { XS_READ, 1, 0, XS_PAYLOAD_MAX + 1 };
	int fd = xs_open(device, 0);
	char buf[128];
	ssize_t done;
	size_t len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 5, 0, "0");
	memcpy(buf + len, &bad, sizeof(bad));
	done = write(fd, buf, len + sizeof(bad));
	REQUIRE(done == (ssize_t)len, "write returned %zd, not %zu", done, len);
	expect_path(fd, 5, 0);
	done = write(fd, buf + len, sizeof(bad));
	REQUIRE(done == -1 && errno == E2BIG, "write returned %zd (%m)", done);
	xs_ping(fd, 6);
}

static void memory_that_cannot_be_read_is_efault(const char *device)
{
	int fd = xs_open(device, 0);
	ssize_t done;

	done = write(fd, xs_guarded_page(), 18);
	REQUIRE(done == -1 && errno == EFAULT, "write returned %zd (%m)", done);
	xs_ping(fd, 1);
}

/* At each byte of a message: what can be read is taken, the rest follows. */
static void message_half_in_bad_memory_can_be_finished(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[64], *end = xs_guarded_page();
	ssize_t done, more;
	size_t at, len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 7, 0, "12345");
	for (at = 1; at < len; at++) {
		memcpy(end - at, buf, at);
		done = write(fd, end - at, len);
		REQUIRE(done >= 0 ? done <= (ssize_t)at : errno == EFAULT,
			"write returned %zd of %zu (%m)", done, at);
		if (done < 0)
			done = 0;
		more = write(fd, end, len - done);
		REQUIRE(more == -1 && errno == EFAULT,
			"write of bad memory returned %zd (%m)", more);
		xs_put(fd, buf + done, len - done);
		expect_path(fd, 7, 12345);
	}
}

static void messages_before_bad_memory_are_taken(const char *device)
{
	int fd = xs_open(device, 0);
	char buf[64], *end = xs_guarded_page();
	ssize_t done;
	size_t len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 7, 0, "0");
	memcpy(end - len, buf, len);
	done = write(fd, end - len, 2 * len);
	REQUIRE(done == (ssize_t)len, "write returned %zd (%m)", done);
	expect_path(fd, 7, 0);
	xs_ping(fd, 8);
}

/* Also when it has been begun, and in a file that does not wait. */
static void incomplete_message_needs_no_reply(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);
	char buf[64];
	size_t len;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 1, 0, "0");
	xs_put(fd, buf, len - 1);
	REQUIRE(xs_poll(fd, POLLIN | POLLOUT, 0) == POLLOUT,
		"not writable only");
	xs_put(fd, buf + len - 1, 1);
	REQUIRE(xs_poll(fd, POLLIN, SOON_MS), "no reply");
}

static const struct ktap_case cases[] = {
	CASE(message_split_into_bytes_is_answered),
	CASE(message_split_at_any_byte_is_answered),
	CASE(messages_split_at_any_byte_are_all_answered),
	CASE(two_messages_in_one_write_are_both_answered),
	CASE(message_that_spans_writes_is_answered),
	CASE(writev_takes_hundreds_of_messages),
	CASE(write_with_hundreds_of_messages_takes_all),
	CASE(write_of_nothing_changes_nothing),
	CASE(message_without_payload_is_answered),
	CASE(buffer_may_be_used_again_at_once),
	CASE(payload_of_4096_bytes_goes_through),
	CASE(payload_of_each_length_keeps_the_stream_in_step),
	CASE(header_of_more_than_4096_bytes_is_refused),
	CASE(byte_after_a_refused_header_begins_another),
	CASE(messages_before_a_refused_header_are_taken),
	CASE(memory_that_cannot_be_read_is_efault),
	CASE(message_half_in_bad_memory_can_be_finished),
	CASE(messages_before_bad_memory_are_taken),
	CASE(incomplete_message_needs_no_reply),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
