// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Sharing a file": several threads and processes on one file. */
#include <pthread.h>
#include <sys/syscall.h>

#include "xs.h"

#define THREADS 8
#define EACH 100

static pthread_t start(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, run, arg), "pthread_create");
	return thread;
}

struct reader {
	int fd;
	pid_t tid;
	struct xs_msg msg;
};

static void *read_one(void *arg)
{
	struct reader *reader = arg;

	__atomic_store_n(&reader->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	xs_recv(reader->fd, &reader->msg);
	return NULL;
}

static void wait_asleep(struct reader *reader)
{
	pid_t tid;

	while (!(tid = __atomic_load_n(&reader->tid, __ATOMIC_ACQUIRE)))
		ktap_sleep_ms(1);
	xs_wait_asleep(tid);
}

/* As libxenstore does it: a thread that reads, and others that write. */
static void reader_who_waits_does_not_keep_a_writer_out(const char *device)
{
	struct reader reader = { .fd = xs_open(device, 0) };
	pthread_t thread = start(read_one, &reader);

	wait_asleep(&reader);
	xs_send_str(reader.fd, XS_GET_DOMAIN_PATH, 5, 0, "0");
	pthread_join(thread, NULL);
	REQUIRE(reader.msg.hdr.req_id == 5, "request %u",
		reader.msg.hdr.req_id);
}

/* Nor one that does not wait itself. */
static void reader_who_waits_does_not_keep_a_poll_waiting(const char *device)
{
	struct reader reader = { .fd = xs_open(device, 0) };
	pthread_t thread = start(read_one, &reader);

	wait_asleep(&reader);
	REQUIRE(xs_poll(reader.fd, POLLIN | POLLOUT, 0) == POLLOUT,
		"not writable only");
	xs_send_str(reader.fd, XS_GET_DOMAIN_PATH, 5, 0, "0");
	pthread_join(thread, NULL);
}

static void *read_message(void *arg)
{
	struct reader *reader = arg;

	__atomic_store_n(&reader->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	xs_get(reader->fd, &reader->msg, 32);
	return NULL;
}

/* Each reads a whole message at once; no two get the same, none is lost. */
static void readers_share_the_messages(const char *device)
{
	struct reader readers[THREADS] = { 0 };
	bool seen[THREADS] = { 0 };
	pthread_t threads[THREADS];
	int fd = xs_open(device, 0), i;
	uint32_t id;

	for (i = 0; i < THREADS; i++) {
		readers[i].fd = fd;
		threads[i] = start(read_message, &readers[i]);
	}
	for (i = 0; i < THREADS; i++)
		wait_asleep(&readers[i]);
	for (i = 0; i < THREADS; i++)
		xs_send_str(fd, XS_GET_DOMAIN_PATH, i, 0, "0");
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		id = readers[i].msg.hdr.req_id;
		REQUIRE(id < THREADS && !seen[id],
			"thread %d read the reply to %u", i, id);
		seen[id] = true;
	}
}

struct writer {
	int fd;
	int number;
};

/* Messages of any size, so that those of others would stand between. */
static void *write_many(void *arg)
{
	struct writer *writer = arg;
	char body[XS_PAYLOAD_MAX];
	int i;

	memset(body, writer->number, sizeof(body));
	for (i = 0; i < EACH; i++)
		xs_send(writer->fd, XS_UNKNOWN, writer->number * EACH + i, 0,
			body, i * 37 % sizeof(body));
	return NULL;
}

static void messages_of_many_writers_stay_whole(const char *device)
{
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	bool seen[THREADS * EACH] = { 0 };
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;

	for (i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){ fd, i };
		threads[i] = start(write_many, &writers[i]);
	}
	for (i = 0; i < THREADS * EACH; i++) {
		xs_recv(fd, &msg);
		REQUIRE(msg.hdr.type == XS_ERROR &&
			msg.hdr.req_id < ARRAY_SIZE(seen) &&
			!seen[msg.hdr.req_id] && !strcmp(msg.body, "ENOSYS"),
			"type %u, request %u, %.40s", msg.hdr.type,
			msg.hdr.req_id, msg.body);
		seen[msg.hdr.req_id] = true;
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	xs_expect_nothing(fd);
}

/* One write of many messages: those of another do not come between. */
static void *write_batches(void *arg)
{
	struct writer *writer = arg;
	char buf[10 * 32];
	int i, j;

	for (i = 0; i < EACH; i += 10) {
		size_t len = 0;

		for (j = 0; j < 10; j++)
			len += xs_build_str(buf + len, XS_GET_DOMAIN_PATH,
					    writer->number, 0, "0");
		xs_put(writer->fd, buf, len);
	}
	return NULL;
}

static void messages_of_one_write_stay_together(const char *device)
{
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	int fd = xs_open(device, 0), i;
	uint32_t number = 0;
	struct xs_msg msg;

	for (i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){ fd, i };
		threads[i] = start(write_batches, &writers[i]);
	}
	for (i = 0; i < THREADS * EACH; i++) {
		xs_recv(fd, &msg);
		REQUIRE(i % 10 == 0 || msg.hdr.req_id == number,
			"reply %d: of %u, not %u", i, msg.hdr.req_id, number);
		number = msg.hdr.req_id;
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* More than the file takes unread: those who wait go on as it is read. */
static void *write_beyond_the_limit(void *arg)
{
	struct writer *writer = arg;
	unsigned int i, count = xs_limit("requests") / THREADS + 50;

	for (i = 0; i < count; i++)
		xs_send_str(writer->fd, XS_GET_DOMAIN_PATH, writer->number, 0,
			    "0");
	return NULL;
}

static void writers_who_wait_are_all_served(const char *device)
{
	unsigned int total, i;
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	int fd = xs_open(device, 0);
	struct xs_msg msg;

	total = (xs_limit("requests") / THREADS + 50) * THREADS;
	for (i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){ fd, i };
		threads[i] = start(write_beyond_the_limit, &writers[i]);
	}
	while (xs_poll(fd, POLLOUT, 0))		/* until they have to wait */
		ktap_sleep_ms(1);
	for (i = 0; i < total; i++)
		xs_recv(fd, &msg);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	xs_expect_nothing(fd);
}

/* Each with a file of its own. */
static void *ping_many(void *arg)
{
	const char *device = arg;
	int fd = xs_open(device, 0), i;

	for (i = 0; i < EACH; i++)
		xs_ping(fd, i);
	close(fd);
	return NULL;
}

static void threads_with_files_of_their_own_are_served(const char *device)
{
	pthread_t threads[2 * THREADS];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		threads[i] = start(ping_many, (void *)device);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

/* The half of a message that a parent wrote is the file's, as is a reply. */
static void fork_shares_the_file(const char *device)
{
	int fd = xs_open(device, 0);
	struct xs_msg msg;
	char buf[64];
	size_t len;
	pid_t pid;

	len = xs_build_str(buf, XS_GET_DOMAIN_PATH, 0, 0, "0");
	xs_put(fd, buf, 9);
	pid = fork();
	if (!pid) {
		xs_put(fd, buf + 9, len - 9);
		xs_get(fd, &msg.hdr, sizeof(msg.hdr));
		_exit(0);
	}
	xs_join(pid);
	xs_get(fd, buf, sizeof("/local/domain/0"));
	REQUIRE(!strcmp(buf, "/local/domain/0"), "payload %.40s", buf);
	xs_ping(fd, 1);
}

/* Watches and transactions live until the last of them closes it. */
static void end_of_a_child_leaves_the_file_alone(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	uint32_t tx = xs_begin(fd, 1);
	pid_t pid;

	xs_watch(fd, XS_DIR, "tok");
	pid = fork();
	if (!pid)
		_exit(0);
	xs_join(pid);
	xs_set(other, XS_DIR "/a", "v");
	xs_expect_event(fd, XS_DIR "/a", "tok");
	xs_end(fd, tx, "F");
}

static void dup_shares_the_file(const char *device)
{
	int fd = xs_open(device, 0), other = xs_open(device, 0);
	int copy = dup(fd);
	struct xs_msg msg;

	REQUIRE(copy >= 0, "dup: %m");
	xs_watch(fd, XS_DIR, "tok");
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
	xs_expect(copy, &msg, XS_GET_DOMAIN_PATH, 1);
	close(fd);
	xs_set(other, XS_DIR "/a", "v");
	xs_expect_event(copy, XS_DIR "/a", "tok");
}

static const struct ktap_case cases[] = {
	CASE(reader_who_waits_does_not_keep_a_writer_out),
	CASE(reader_who_waits_does_not_keep_a_poll_waiting),
	CASE(readers_share_the_messages),
	CASE(messages_of_one_write_stay_together),
	CASE(messages_of_many_writers_stay_whole),
	CASE(writers_who_wait_are_all_served),
	CASE(threads_with_files_of_their_own_are_served),
	CASE(fork_shares_the_file),
	CASE(end_of_a_child_leaves_the_file_alone),
	CASE(dup_shares_the_file),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
