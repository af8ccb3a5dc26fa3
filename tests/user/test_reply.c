// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Replies": one for each message, with its ids, in any order. */
#include "xs.h"

#define PIPELINED 64
#define VALUE_SIZE 1500

static void fill(char *value, unsigned int seed)
{
	size_t i;

	for (i = 0; i < VALUE_SIZE; i++)
		value[i] = 'a' + (seed * 7 + i) % 26;
}

static void pipelined_values_arrive_whole(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	char path[64], value[VALUE_SIZE];
	int seen[PIPELINED] = { 0 };
	struct xs_msg msg;
	uint32_t i, id;

	for (i = 0; i < PIPELINED; i++) {
		snprintf(path, sizeof(path), XS_DIR "/pipe/%u", i);
		fill(value, i);
		xs_send_write(fd, 1000 + i, 0, path, value, sizeof(value));
	}
	for (i = 0; i < PIPELINED; i++) {
		xs_recv(fd, &msg);
		id = msg.hdr.req_id - 1000;
		REQUIRE(msg.hdr.type == XS_WRITE && id < PIPELINED &&
			!seen[id]++, "reply %u: type %u, request %u (%.40s)",
			i, msg.hdr.type, msg.hdr.req_id, msg.body);
	}
	for (i = 0; i < PIPELINED; i++) {
		snprintf(path, sizeof(path), XS_DIR "/pipe/%u", i);
		xs_send_str(other, XS_READ, i, 0, path);
		xs_expect(other, &msg, XS_READ, i);
		fill(value, i);
		REQUIRE(msg.hdr.len == sizeof(value) &&
			!memcmp(msg.body, value, sizeof(value)),
			"value %u came back with %u bytes, different",
			i, msg.hdr.len);
	}
}

static void pipelined_reads_arrive_whole(const char *device)
{
	int fd = xs_open(device, 0);
	char value[VALUE_SIZE];
	struct xs_msg msg;
	uint32_t round, i;

	fill(value, 3);
	xs_send_write(fd, 1, 0, XS_DIR "/reads", value, sizeof(value));
	xs_expect(fd, &msg, XS_WRITE, 1);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 8; i++)
			xs_send_str(fd, XS_READ, i, 0, XS_DIR "/reads");
		for (i = 0; i < 8; i++) {
			xs_recv(fd, &msg);
			REQUIRE(msg.hdr.type == XS_READ &&
				msg.hdr.len == sizeof(value) &&
				!memcmp(msg.body, value, sizeof(value)),
				"round %u: type %u, request %u, %u bytes",
				round, msg.hdr.type, msg.hdr.req_id,
				msg.hdr.len);
		}
	}
}

static const uint32_t ids[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };

static void reply_has_the_request_id(const char *device)
{
	int fd = xs_open(device, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		xs_ping(fd, ids[i]);
}

static void refusal_has_the_request_id(const char *device)
{
	int fd = xs_open(device, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		xs_send_str(fd, XS_READ, ids[i], 0, XS_DIR "/none");
		xs_expect_error(fd, ids[i], "ENOENT");
	}
}

/* Replies that the kernel makes up itself. */
static void own_answer_has_both_ids(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	size_t i;

	for (i = 1; i < ARRAY_SIZE(ids); i++) {
		xs_send_str(fd, XS_TRANSACTION_END, ids[i], ids[i], "X");
		xs_expect(fd, &msg, XS_ERROR, ids[i]);
		REQUIRE(msg.hdr.tx_id == ids[i], "transaction %u",
			msg.hdr.tx_id);
	}
}

static void reply_has_the_transaction_id(const char *device)
{
	int fd = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1);
	struct xs_msg msg;

	xs_send_write(fd, 2, tx, XS_DIR "/tx", "v", 1);
	xs_expect(fd, &msg, XS_WRITE, 2);
	REQUIRE(msg.hdr.tx_id == tx, "%u, not %u", msg.hdr.tx_id, tx);
	xs_send_str(fd, XS_READ, 3, tx, XS_DIR "/none");
	xs_expect(fd, &msg, XS_ERROR, 3);
	REQUIRE(msg.hdr.tx_id == tx, "%u, not %u", msg.hdr.tx_id, tx);
	xs_send_str(fd, XS_TRANSACTION_END, 4, tx, "F");
	xs_expect(fd, &msg, XS_TRANSACTION_END, 4);
	REQUIRE(msg.hdr.tx_id == tx, "%u, not %u", msg.hdr.tx_id, tx);
}

/* The ids are the client's: it may use one as often as it likes. */
static void requests_with_one_id_are_all_answered(const char *device)
{
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;

	for (i = 0; i < 50; i++)
		xs_send_str(fd, XS_GET_DOMAIN_PATH, 7, 0, "0");
	for (i = 0; i < 50; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 7);
	xs_expect_nothing(fd);
}

/* A server answers, or the kernel does, or both could: once. */
static void each_message_has_one_reply(const char *device)
{
	int fd = xs_open(device, 0), i, replies[60] = { 0 };
	struct xs_msg msg;

	for (i = 0; i < 60; i += 6) {
		xs_send_str(fd, XS_GET_DOMAIN_PATH, i, 0, "0");
		xs_send_str(fd, XS_READ, i + 1, 0, XS_DIR "/none");
		xs_send_str(fd, XS_READ, i + 2, 12345, XS_DIR "/none");
		xs_send_str(fd, XS_TRANSACTION_END, i + 3, 0, "F");
		xs_send_watch(fd, XS_UNWATCH, i + 4, XS_DIR "/none", "tok");
		xs_send_str(fd, XS_UNKNOWN, i + 5, 0, "");
	}
	for (i = 0; i < 60; i++) {
		xs_recv(fd, &msg);
		REQUIRE(msg.hdr.req_id < 60 && !replies[msg.hdr.req_id]++,
			"type %u, request %u, again or never sent",
			msg.hdr.type, msg.hdr.req_id);
	}
	xs_expect_nothing(fd);
}

static void replies_go_to_the_file_that_asked(const char *device)
{
	int fd[8], i, j;
	char path[32], value[8];
	struct xs_msg msg;

	for (i = 0; i < 8; i++) {
		fd[i] = xs_open(device, 0);
		snprintf(path, sizeof(path), XS_DIR "/%d", i);
		snprintf(value, sizeof(value), "own %d", i);
		xs_set(fd[i], path, value);
	}
	for (j = 0; j < 50; j++) {
		for (i = 0; i < 8; i++) {
			snprintf(path, sizeof(path), XS_DIR "/%d", i);
			xs_send_str(fd[i], XS_READ, j, 0, path);
		}
	}
	for (i = 0; i < 8; i++) {
		snprintf(value, sizeof(value), "own %d", i);
		for (j = 0; j < 50; j++) {
			xs_expect(fd[i], &msg, XS_READ, j);
			REQUIRE(!strcmp(msg.body, value),
				"file %d read %.40s", i, msg.body);
		}
	}
}

/* The server takes them in the order in which they were written. */
static void request_sees_what_was_written_before_it(const char *device)
{
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;
	char value[8];

	for (i = 0; i < 50; i++) {
		snprintf(value, sizeof(value), "%d", i);
		xs_send_write(fd, 2 * i, 0, XS_DIR "/n", value, strlen(value));
		xs_send_str(fd, XS_READ, 2 * i + 1, 0, XS_DIR "/n");
	}
	for (i = 0; i < 100; i++) {
		xs_recv(fd, &msg);
		if (msg.hdr.type == XS_WRITE)
			continue;
		REQUIRE(msg.hdr.type == XS_READ &&
			(uint32_t)atoi(msg.body) == msg.hdr.req_id / 2,
			"type %u, request %u, %.40s", msg.hdr.type,
			msg.hdr.req_id, msg.body);
	}
}

static void request_sees_what_was_answered_to_another_file(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0), i;
	struct xs_msg msg;
	char value[8];

	for (i = 0; i < 50; i++) {
		snprintf(value, sizeof(value), "%d", i);
		xs_set(fd, XS_DIR "/n", value);
		xs_send_str(other, XS_READ, i, 0, XS_DIR "/n");
		xs_expect(other, &msg, XS_READ, i);
		REQUIRE(!strcmp(msg.body, value), "%.40s, not %s", msg.body,
			value);
	}
}

static void unknown_type_is_answered_by_the_store(const char *device)
{
	int fd = xs_open(device, 0);

	xs_send_str(fd, XS_UNKNOWN, 5, 0, "/");
	xs_expect_error(fd, 5, "ENOSYS");
	xs_send_str(fd, 0xffff, 6, 0, "/");
	xs_expect_error(fd, 6, "ENOSYS");
	xs_ping(fd, 7);
}

/* Only servers send these; what they say to it is theirs. */
static void type_of_a_server_is_refused_by_the_store(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;

	xs_send_watch(fd, XS_WATCH_EVENT, 5, XS_DIR, "tok");
	xs_expect(fd, &msg, XS_ERROR, 5);
	xs_send_str(fd, XS_ERROR, 6, 0, "EINVAL");
	xs_expect(fd, &msg, XS_ERROR, 6);
	xs_expect_nothing(fd);
}

struct mistake {
	uint32_t type;
	uint32_t tx_id;
	const char *body;
	uint32_t len;
	const char *error;
};

/* Those that the kernel refuses itself, whatever the server would say. */
static const struct mistake mistakes[] = {
	{ XS_WATCH, 0, "", 0, "EINVAL" },
	{ XS_WATCH, 0, "a", 1, "EINVAL" },
	{ XS_WATCH, 0, "a", 2, "EINVAL" },
	{ XS_WATCH, 0, "a\0b", 3, "EINVAL" },
	{ XS_UNWATCH, 0, "", 0, "EINVAL" },
	{ XS_UNWATCH, 0, "a", 2, "EINVAL" },
	{ XS_UNWATCH, 0, "a\0b", 3, "EINVAL" },
	{ XS_TRANSACTION_END, 0, "", 0, "EINVAL" },
	{ XS_TRANSACTION_END, 0, "T", 1, "EINVAL" },
	{ XS_TRANSACTION_END, 0, "X", 2, "EINVAL" },
	{ XS_TRANSACTION_END, 0, "T\0", 3, "EINVAL" },
	{ XS_TRANSACTION_END, 0, "TF", 3, "EINVAL" },
	{ XS_TRANSACTION_END, 0, "T", 2, "ENOENT" },
	{ XS_TRANSACTION_END, 0, "F", 2, "ENOENT" },
	{ XS_TRANSACTION_END, 0x7ffffff1, "T", 2, "ENOENT" },
	{ XS_TRANSACTION_START, 0x7ffffff1, "", 1, "ENOENT" },
	{ XS_READ, 0x7ffffff1, XS_DIR, sizeof(XS_DIR), "ENOENT" },
	{ XS_UNKNOWN, 0x7ffffff1, "", 1, "ENOENT" },
};

static void each_mistake_has_its_one_answer(const char *device)
{
	int fd = xs_open(device, 0);
	const struct mistake *m;
	struct xs_msg msg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		m = &mistakes[i];
		xs_send(fd, m->type, i, m->tx_id, m->body, m->len);
		xs_recv(fd, &msg);
		REQUIRE(msg.hdr.type == XS_ERROR && msg.hdr.req_id == i &&
			msg.hdr.tx_id == m->tx_id &&
			msg.hdr.len == strlen(m->error) + 1 &&
			!strcmp(msg.body, m->error),
			"mistake %zu: type %u, request %u, %.40s", i,
			msg.hdr.type, msg.hdr.req_id, msg.body);
		xs_expect_nothing(fd);
	}
}

static const struct ktap_case cases[] = {
	CASE(reply_has_the_request_id),
	CASE(refusal_has_the_request_id),
	CASE(reply_has_the_transaction_id),
	CASE(own_answer_has_both_ids),
	CASE(requests_with_one_id_are_all_answered),
	CASE(replies_go_to_the_file_that_asked),
	CASE(request_sees_what_was_written_before_it),
	CASE(request_sees_what_was_answered_to_another_file),
	CASE(unknown_type_is_answered_by_the_store),
	CASE(type_of_a_server_is_refused_by_the_store),
	CASE(pipelined_reads_arrive_whole),
	CASE(pipelined_values_arrive_whole),
	CASE(each_message_has_one_reply),
	CASE(each_mistake_has_its_one_answer),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
