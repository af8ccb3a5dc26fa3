// SPDX-License-Identifier: GPL-2.0
/*
 * A client that asks one thing at a time, beside 64 that keep as much in
 * flight as they can.
 */
#include <signal.h>
#include <sys/mman.h>

#include "xs.h"

#define FLOODS 64
#define DEPTH 50
#define ROUNDS 201

/* How many replies all who flood have got. */
static _Atomic unsigned long *replies;

static void flood(const char *device)
{
	int fd = xs_open(device, 0), i;
	struct xs_msg msg;

	for (i = 0; i < DEPTH; i++)
		xs_send_str(fd, XS_GET_DOMAIN_PATH, i, 0, "0");
	for (;;) {
		xs_recv(fd, &msg);
		(*replies)++;
		xs_send_str(fd, XS_GET_DOMAIN_PATH, msg.hdr.req_id, 0, "0");
	}
}

struct sample {
	double us;
	unsigned long replies;
};

static int by_us(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

static int by_replies(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->replies > y->replies) - (x->replies < y->replies);
}

/* The medians of time, and of replies to others, of single requests. */
static struct sample measure(int fd)
{
	struct sample samples[ROUNDS], median;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		double start = ktap_now();
		unsigned long before = *replies;

		xs_ping(fd, i);
		samples[i].us = (ktap_now() - start) * 1e6;
		samples[i].replies = *replies - before;
		ktap_sleep_ms(1);
	}
	qsort(samples, ROUNDS, sizeof(samples[0]), by_us);
	median.us = samples[ROUNDS / 2].us;
	qsort(samples, ROUNDS, sizeof(samples[0]), by_replies);
	median.replies = samples[ROUNDS / 2].replies;
	return median;
}

/*
 * Not timed, since that says as much about the scheduler of processes: while a
 * request waits, others must not get more than a fraction of what they have in
 * flight, 3200 replies.
 */
static void single_request_does_not_queue_behind_floods(const char *device)
{
	int fd = xs_open(device, 0), i;
	struct sample quiet, flooded;
	pid_t pids[FLOODS];

	replies = mmap(NULL, sizeof(*replies), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(replies != MAP_FAILED, "mmap: %m");
	quiet = measure(fd);
	for (i = 0; i < FLOODS; i++) {
		pids[i] = fork();
		if (!pids[i])
			flood(device);
	}
	while (*replies < FLOODS * DEPTH)
		ktap_sleep_ms(10);
	flooded = measure(fd);
	for (i = 0; i < FLOODS; i++)
		kill(pids[i], SIGKILL);
	printf("# quiet %.0f us; flooded %.0f us, %.1f times that, with %lu replies to others\n",
	       quiet.us, flooded.us, flooded.us / quiet.us, flooded.replies);
	REQUIRE(flooded.replies < FLOODS * DEPTH / 10,
		"%lu replies to others while one request waited",
		flooded.replies);
}

static const struct ktap_case cases[] = {
	SLOW_CASE(single_request_does_not_queue_behind_floods, 300),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
