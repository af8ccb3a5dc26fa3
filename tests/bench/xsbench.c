// SPDX-License-Identifier: GPL-2.0
/*
 * Measure XenStore through /dev/xen/xenbus and through the kernel's API.
 *
 * xsbench [-s] DAEMON DIVISOR [CASE...] prints one line of JSON for each case:
 * what one operation took, and what the system did for it. The cases of the
 * kernel are run by the module of this directory; the clock is ours for both.
 * With -s it runs those cases that are not the kernel's over the daemon's UNIX
 * socket instead of the device: what a program in dom0 would use otherwise.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "meter.h"

#define DEVICE	"/dev/xen/xenbus"
#define SOCKET	"/run/xenstored/socket"	/* of either daemon */
#define MODULE	"/sys/module/xenbus_bench/parameters/run"
#define NODES	64
#define CALLERS	64
#define DEPTH	256

enum { XS_READ = 2, XS_WRITE = 11, XS_ERROR = 16 };

struct header {
	uint32_t type, req_id, tx_id, len;
};

struct message {
	struct header hdr;
	char body[4096];
};

struct bench {
	const char *name;
	void (*run)(const struct bench *bench, unsigned int count);
	uint32_t type;		/* XS_READ or XS_WRITE */
	unsigned int size;	/* bytes of a value */
	unsigned int callers;	/* threads, each with a channel */
	unsigned int depth;	/* requests in flight on a channel */
	const char *kernel;	/* what the module is told */
	unsigned int count;	/* operations */
};

static unsigned int wrong;	/* replies that do not say what they should */

/* What is sent and what is expected, made before the clock runs. */
static struct message requests[NODES];
static char values[NODES][4096];

static void prepare(const struct bench *bench)
{
	struct message *msg;
	unsigned int node, i;
	int len;

	for (node = 0; node < NODES; node++) {
		for (i = 0; i < bench->size; i++)
			values[node][i] = 'A' + (node * 7 + i) % 58;
		msg = &requests[node];
		len = sprintf(msg->body, "/bench/%u/%u", bench->size, node) + 1;
		if (bench->type == XS_WRITE) {
			memcpy(msg->body + len, values[node], bench->size);
			len += bench->size;
		}
		msg->hdr = (struct header){ bench->type, node, 0, len };
	}
}

static size_t message_size(const struct message *msg)
{
	return sizeof(msg->hdr) + msg->hdr.len;
}

/*
 * The open device or a connection to the daemon, which take and give the same
 * bytes, and what has been read from it but not looked at.
 */
struct channel {
	int fd;
	size_t have;
	char buf[2 * sizeof(struct message)];
};

static bool over_socket;

static int connect_daemon(void)
{
	const struct sockaddr_un addr = { AF_UNIX, SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const void *)&addr, sizeof(addr)))
		err(1, SOCKET);
	return fd;
}

static int open_device(void)
{
	int fd = open(DEVICE, O_RDWR);

	if (fd < 0)
		err(1, DEVICE);
	return fd;
}

static void open_channel(struct channel *channel)
{
	channel->fd = over_socket ? connect_daemon() : open_device();
	channel->have = 0;
}

static void put(struct channel *channel, const struct message *msg)
{
	size_t len = message_size(msg);
	ssize_t n = write(channel->fd, msg, len);

	if (n < 0 || (size_t)n != len)
		err(1, "write of %zu bytes: %zd", len, n);
}

static void get(struct channel *channel, size_t len)
{
	while (channel->have < len) {
		ssize_t n = read(channel->fd, channel->buf + channel->have,
				 sizeof(channel->buf) - channel->have);

		if (n <= 0)
			err(1, "read: %zd", n);
		channel->have += n;
	}
}

/* One reply, and whether it is the one to its own request. */
static void receive(struct channel *channel, const struct bench *bench)
{
	const struct message *msg = (void *)channel->buf;
	size_t size;

	get(channel, sizeof(msg->hdr));
	size = message_size(msg);
	if (size > sizeof(*msg))
		errx(1, "a reply of %u bytes", msg->hdr.len);
	get(channel, size);
	if (msg->hdr.type != bench->type || msg->hdr.req_id >= NODES ||
	    (bench->type == XS_READ &&
	     (msg->hdr.len != bench->size ||
	      memcmp(values[msg->hdr.req_id], msg->body, bench->size))))
		__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
	channel->have -= size;
	memmove(channel->buf, channel->buf + size, channel->have);
}

/* One after the other, each caller on a channel of its own. */
struct caller {
	pthread_t thread;
	const struct bench *bench;
	unsigned int count;
};

static void *call(void *arg)
{
	struct caller *caller = arg;
	struct channel channel;
	unsigned int i;

	open_channel(&channel);
	for (i = 0; i < caller->count; i++) {
		put(&channel, &requests[i % NODES]);
		receive(&channel, caller->bench);
	}
	close(channel.fd);
	return NULL;
}

static void run_callers(const struct bench *bench, unsigned int count)
{
	struct caller callers[CALLERS];
	unsigned int i;

	for (i = 0; i < bench->callers; i++) {
		callers[i].bench = bench;
		callers[i].count = count / bench->callers;
		if (pthread_create(&callers[i].thread, NULL, call, &callers[i]))
			errx(1, "no thread");
	}
	for (i = 0; i < bench->callers; i++)
		pthread_join(callers[i].thread, NULL);
}

/* @depth requests in flight on one channel, a new one for each reply. */
static void run_flight(const struct bench *bench, unsigned int count)
{
	unsigned int sent = 0, received = 0;
	struct channel channel;

	open_channel(&channel);
	while (received < count) {
		while (sent < count && sent - received < bench->depth)
			put(&channel, &requests[sent++ % NODES]);
		receive(&channel, bench);
		received++;
	}
	close(channel.fd);
}

/* @depth messages in one writev(), then their replies. */
static void run_vector(const struct bench *bench, unsigned int count)
{
	struct iovec parts[DEPTH];
	ssize_t total = 0, n;
	struct channel channel;
	unsigned int i, j;

	for (j = 0; j < bench->depth; j++) {
		parts[j].iov_base = &requests[j % NODES];
		parts[j].iov_len = message_size(&requests[j % NODES]);
		total += parts[j].iov_len;
	}
	open_channel(&channel);
	for (i = 0; i < count; i += bench->depth) {
		n = writev(channel.fd, parts, bench->depth);
		if (n != total)
			err(1, "writev of %zd bytes: %zd", total, n);
		for (j = 0; j < bench->depth; j++)
			receive(&channel, bench);
	}
	close(channel.fd);
}

/* A case of the module, which ends when the write() returns. */
static void run_kernel(const struct bench *bench, unsigned int count)
{
	char line[64];
	int fd = open(MODULE, O_WRONLY);
	int len = snprintf(line, sizeof(line), "%s %u", bench->kernel, count);

	if (fd < 0)
		err(1, MODULE);
	if (write(fd, line, len) != len)
		err(1, "%s", line);
	close(fd);
}

static void set_nodes(unsigned int size)
{
	const struct bench bench = { .type = XS_WRITE, .size = size };
	struct channel channel;
	unsigned int i;

	prepare(&bench);
	open_channel(&channel);
	for (i = 0; i < NODES; i++) {
		put(&channel, &requests[i]);
		receive(&channel, &bench);
	}
	close(channel.fd);
}

static bool spinning;

static void *spin(void *arg)
{
	while (__atomic_load_n(&spinning, __ATOMIC_RELAXED))
		;
	return arg;
}

/* The figures of a system that has something else to do. */
static void run_busy(const struct bench *bench, unsigned int count)
{
	pthread_t spinner;

	__atomic_store_n(&spinning, true, __ATOMIC_RELAXED);
	if (pthread_create(&spinner, NULL, spin, NULL))
		errx(1, "no thread");
	run_callers(bench, count);
	__atomic_store_n(&spinning, false, __ATOMIC_RELAXED);
	pthread_join(spinner, NULL);
}

#define FILES(_name, _type, _size, _callers, _count) \
	{ .name = _name, .run = run_callers, .type = _type, .size = _size, \
	  .callers = _callers, .count = _count }
#define FLIGHT(_name, _type, _size, _depth, _count) \
	{ .name = _name, .run = run_flight, .type = _type, .size = _size, \
	  .depth = _depth, .count = _count }
#define VECTOR(_name, _type, _size, _depth, _count) \
	{ .name = _name, .run = run_vector, .type = _type, .size = _size, \
	  .depth = _depth, .count = _count }
#define KERNEL(_name, _kernel, _count) \
	{ .name = _name, .run = run_kernel, .kernel = _kernel, .count = _count }

static const struct bench benches[] = {
	FILES("read-8-1", XS_READ, 8, 1, 6000),
	FILES("read-8-4", XS_READ, 8, 4, 6000),
	FILES("read-8-16", XS_READ, 8, 16, 6400),
	FILES("write-8-1", XS_WRITE, 8, 1, 6000),
	FILES("write-8-16", XS_WRITE, 8, 16, 6400),
	FILES("read-512-1", XS_READ, 512, 1, 3000),
	FILES("read-2000-1", XS_READ, 2000, 1, 3000),
	FILES("read-2000-16", XS_READ, 2000, 16, 3200),
	FILES("write-2000-1", XS_WRITE, 2000, 1, 3000),
	FILES("write-2000-16", XS_WRITE, 2000, 16, 3200),
	FILES("read-4000-1", XS_READ, 4000, 1, 2000),
	FILES("write-4000-1", XS_WRITE, 4000, 1, 2000),
	{ .name = "read-8-busy", .run = run_busy, .type = XS_READ, .size = 8,
	  .callers = 1, .count = 600 },
	KERNEL("kernel-read-1", "read 1", 6000),
	KERNEL("kernel-read-16", "read 16", 6400),
	KERNEL("kernel-printf-1", "printf 1", 6000),
	KERNEL("kernel-printf-16", "printf 16", 6400),
	KERNEL("kernel-gather-10", "gather 1", 600),
	KERNEL("kernel-transaction-20", "transaction 1", 300),
	KERNEL("kernel-watch-1", "watch 1", 1000),
	KERNEL("kernel-event-10", "event 10", 1000),
	KERNEL("kernel-event-1000", "event 1000", 1000),
	KERNEL("kernel-event-20000", "event 20000", 100),
	VECTOR("vector-8-32", XS_READ, 8, 32, 6400),
	VECTOR("vector-8-256", XS_READ, 8, 256, 7680),
	FLIGHT("flight-8-8", XS_READ, 8, 8, 6400),
	FLIGHT("flight-8-32", XS_READ, 8, 32, 6400),
	FLIGHT("flight-8-256", XS_READ, 8, 256, 7680),
	FLIGHT("flight-2000-32", XS_READ, 2000, 32, 3200),
};

static void measure(const struct bench *bench, unsigned int divisor)
{
	unsigned int count = bench->count / divisor;
	struct meter before, now;

	prepare(bench);
	bench->run(bench, count / 10);
	wrong = 0;
	meter_read(&before);
	bench->run(bench, count);
	meter_read(&now);
	meter_subtract(&now, &before);
	printf("{\"case\": \"%s\", \"socket\": %s, \"count\": %u, "
	       "\"wrong\": %u, \"us\": %.3f, \"switches\": %.3f, "
	       "\"interrupts\": %.3f, \"notifications\": %.3f, "
	       "\"sleeps\": %.3f, \"thread_us\": %.3f, \"daemon_us\": %.3f, "
	       "\"allocations\": %.3f}\n", bench->name,
	       over_socket ? "true" : "false", count, wrong,
	       now.ns / count / 1e3, now.switches / count,
	       now.interrupts / count, now.notifications / count,
	       now.sleeps / count, now.thread_ns / count / 1e3,
	       now.daemon_ns / count / 1e3, now.allocations / count);
	fflush(stdout);
}

static bool is_wanted(const struct bench *bench, int argc, char **argv)
{
	int i;

	if (over_socket && bench->kernel)
		return false;
	for (i = 2; i < argc; i++) {
		if (!strcmp(bench->name, argv[i]))
			return true;
	}
	return argc <= 2;
}

int main(int argc, char **argv)
{
	static const unsigned int sizes[] = { 8, 512, 2000, 4000 };
	unsigned int i;

	over_socket = argc > 1 && !strcmp(argv[1], "-s");
	argc -= 1 + over_socket;
	argv += 1 + over_socket;
	if (argc < 2)
		errx(1, "usage: xsbench [-s] DAEMON DIVISOR [CASE...]");
	meter_init(argv[0]);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		set_nodes(sizes[i]);
	for (i = 0; i < sizeof(benches) / sizeof(*benches); i++) {
		if (is_wanted(&benches[i], argc, argv))
			measure(&benches[i], atoi(argv[1]));
	}
	return 0;
}
