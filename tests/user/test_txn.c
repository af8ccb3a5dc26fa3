// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Transactions": they belong to the file that started them. */
#include "xs.h"

static void set_in(int fd, uint32_t tx, const char *path, const char *value)
{
	struct xs_msg msg;

	xs_send_write(fd, 0x5e8, tx, path, value, strlen(value));
	xs_expect(fd, &msg, XS_WRITE, 0x5e8);
}

static void transaction_commits(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;
	uint32_t tx = xs_begin(fd, 1);

	set_in(fd, tx, XS_DIR "/tx", "in");
	xs_send_str(other, XS_READ, 1, 0, XS_DIR "/tx");
	xs_expect_error(other, 1, "ENOENT");
	xs_end(fd, tx, "T");
	xs_send_str(other, XS_READ, 2, 0, XS_DIR "/tx");
	xs_expect(other, &msg, XS_READ, 2);
	REQUIRE(!strcmp(msg.body, "in"), "value is %s", msg.body);
}

static void transaction_aborts(const char *device)
{
	int fd = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1);

	set_in(fd, tx, XS_DIR "/tx", "in");
	xs_end(fd, tx, "F");
	xs_send_str(fd, XS_READ, 2, 0, XS_DIR "/tx");
	xs_expect_error(fd, 2, "ENOENT");
}

static void transactions_of_a_file_are_apart(const char *device)
{
	int fd = xs_open(device, 0), i;
	uint32_t tx[4];
	struct xs_msg msg;
	char value[8];

	for (i = 0; i < 4; i++) {
		tx[i] = xs_begin(fd, i);
		snprintf(value, sizeof(value), "%d", i);
		set_in(fd, tx[i], XS_DIR "/tx", value);
	}
	for (i = 0; i < 4; i++) {
		xs_send_str(fd, XS_READ, i, tx[i], XS_DIR "/tx");
		xs_expect(fd, &msg, XS_READ, i);
		REQUIRE(atoi(msg.body) == i, "%.40s in %d", msg.body, i);
	}
	for (i = 0; i < 4; i++)
		xs_end(fd, tx[i], i == 2 ? "T" : "F");
	xs_send_str(fd, XS_READ, 9, 0, XS_DIR "/tx");
	xs_expect(fd, &msg, XS_READ, 9);
	REQUIRE(!strcmp(msg.body, "2"), "%.40s", msg.body);
}

/* Each request of one transaction may wait behind the others. */
static void whole_transaction_may_be_in_flight(const char *device)
{
	int fd = xs_open(device, 0), i;
	uint32_t tx = xs_begin(fd, 1);
	struct xs_msg msg;
	char path[32];

	for (i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), XS_DIR "/tx/%d", i);
		xs_send_write(fd, 10 + i, tx, path, "v", 1);
	}
	xs_send_str(fd, XS_TRANSACTION_END, 99, tx, "T");
	for (i = 0; i < 30; i++)
		xs_expect(fd, &msg, XS_WRITE, 10 + i);
	xs_expect(fd, &msg, XS_TRANSACTION_END, 99);
	xs_send_str(fd, XS_READ, 2, 0, XS_DIR "/tx/29");
	xs_expect(fd, &msg, XS_READ, 2);
}

/* The refusal of a commit is the server's, and it is the end. */
static void conflict_is_eagain_and_the_end(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	struct xs_msg msg;
	uint32_t tx;

	xs_set(fd, XS_DIR "/tx", "0");
	tx = xs_begin(fd, 1);
	xs_send_str(fd, XS_READ, 2, tx, XS_DIR "/tx");
	xs_expect(fd, &msg, XS_READ, 2);
	set_in(fd, tx, XS_DIR "/tx", "1");
	xs_set(other, XS_DIR "/tx", "2");
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "T");
	xs_expect_error(fd, 3, "EAGAIN");
	xs_send_str(fd, XS_TRANSACTION_END, 4, tx, "T");
	xs_expect_error(fd, 4, "ENOENT");
	xs_send_str(fd, XS_READ, 5, tx, XS_DIR "/tx");
	xs_expect_error(fd, 5, "ENOENT");
}

static void transaction_of_another_file_is_enoent(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1);

	set_in(fd, tx, XS_DIR "/tx", "in");
	xs_send_str(other, XS_READ, 1, tx, XS_DIR "/tx");
	xs_expect_error(other, 1, "ENOENT");
	xs_send_write(other, 2, tx, XS_DIR "/tx", "out", 3);
	xs_expect_error(other, 2, "ENOENT");
	xs_send_str(other, XS_RM, 3, tx, XS_DIR "/tx");
	xs_expect_error(other, 3, "ENOENT");
	xs_send_str(other, XS_TRANSACTION_START, 4, tx, "");
	xs_expect_error(other, 4, "ENOENT");
	xs_send_str(other, XS_TRANSACTION_END, 5, tx, "F");
	xs_expect_error(other, 5, "ENOENT");
	xs_send_str(other, XS_TRANSACTION_END, 6, tx, "T");
	xs_expect_error(other, 6, "ENOENT");
	xs_end(fd, tx, "T");
	xs_send_str(other, XS_READ, 7, 0, XS_DIR "/tx");
	xs_expect(other, &(struct xs_msg){ 0 }, XS_READ, 7);
}

static void end_of_transaction_zero_is_refused(const char *device)
{
	int fd = xs_open(device, 0);

	xs_send_str(fd, XS_TRANSACTION_END, 1, 0, "F");
	xs_expect_error(fd, 1, "ENOENT");
	xs_ping(fd, 2);
}

static void end_of_unknown_transaction_is_refused(const char *device)
{
	int fd = xs_open(device, 0);

	xs_send_str(fd, XS_TRANSACTION_END, 1, 0x7ffffff1, "T");
	xs_expect_error(fd, 1, "ENOENT");
	xs_ping(fd, 2);
}

static void second_end_is_refused(const char *device)
{
	int fd = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1);

	xs_end(fd, tx, "T");
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "T");
	xs_expect_error(fd, 3, "ENOENT");
	xs_ping(fd, 4);
}

/* The second END is on its way before the first is answered. */
static void two_ends_in_flight_are_answered_once_each(const char *device)
{
	int fd = xs_open(device, 0), i, good = 0, bad = 0;
	struct xs_msg msg;
	uint32_t tx = xs_begin(fd, 1);

	xs_send_str(fd, XS_TRANSACTION_END, 2, tx, "F");
	xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "F");
	for (i = 0; i < 2; i++) {
		xs_recv(fd, &msg);
		good += msg.hdr.type == XS_TRANSACTION_END;
		bad += msg.hdr.type == XS_ERROR && !strcmp(msg.body, "ENOENT");
	}
	REQUIRE(good == 1 && bad == 1, "%d accepted, %d refused", good, bad);
	xs_expect_nothing(fd);
}

static void malformed_end_ends_nothing(const char *device)
{
	int fd = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1);
	struct xs_msg msg;

	set_in(fd, tx, XS_DIR "/tx", "in");
	xs_send_str(fd, XS_TRANSACTION_END, 2, tx, "X");
	xs_expect_error(fd, 2, "EINVAL");
	xs_send(fd, XS_TRANSACTION_END, 3, tx, "T", 1);
	xs_expect_error(fd, 3, "EINVAL");
	xs_send(fd, XS_TRANSACTION_END, 4, tx, "", 0);
	xs_expect_error(fd, 4, "EINVAL");
	xs_end(fd, tx, "T");
	xs_send_str(fd, XS_READ, 5, 0, XS_DIR "/tx");
	xs_expect(fd, &msg, XS_READ, 5);
}

/* What the server says to it is its own; the outer one must not suffer. */
static void start_in_a_transaction_is_the_servers(const char *device)
{
	int fd = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1);
	struct xs_msg msg;

	set_in(fd, tx, XS_DIR "/tx", "in");
	xs_send_str(fd, XS_TRANSACTION_START, 2, tx, "");
	xs_recv(fd, &msg);
	REQUIRE(msg.hdr.req_id == 2 && msg.hdr.tx_id == tx,
		"request %u, transaction %u", msg.hdr.req_id, msg.hdr.tx_id);
	xs_end(fd, tx, "T");
	xs_expect_nothing(fd);
}

/* A server that refuses a start has its reason: a limit of the domain. */
static void starts_beyond_the_quota_are_each_answered(const char *device)
{
	int fd = xs_open(device, 0), i, open = 0;
	struct xs_msg msg;
	uint32_t tx[60];

	for (i = 0; i < 60; i++)
		xs_send_str(fd, XS_TRANSACTION_START, i, 0, "");
	for (i = 0; i < 60; i++) {
		xs_recv(fd, &msg);
		REQUIRE(msg.hdr.type == XS_TRANSACTION_START ||
			msg.hdr.type == XS_ERROR, "type %u", msg.hdr.type);
		if (msg.hdr.type == XS_TRANSACTION_START)
			tx[open++] = strtoul(msg.body, NULL, 10);
	}
	REQUIRE(open, "no transaction at all: %.40s", msg.body);
	printf("# %d transactions open\n", open);
	while (open)
		xs_end(fd, tx[--open], "F");
	xs_expect_nothing(fd);
}

static const struct ktap_case cases[] = {
	CASE(transaction_commits),
	CASE(transaction_aborts),
	CASE(transactions_of_a_file_are_apart),
	CASE(whole_transaction_may_be_in_flight),
	CASE(conflict_is_eagain_and_the_end),
	CASE(transaction_of_another_file_is_enoent),
	CASE(malformed_end_ends_nothing),
	CASE(start_in_a_transaction_is_the_servers),
	CASE(starts_beyond_the_quota_are_each_answered),
	CASE(end_of_unknown_transaction_is_refused),
	CASE(second_end_is_refused),
	CASE(end_of_transaction_zero_is_refused),
	CASE(two_ends_in_flight_are_answered_once_each),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
