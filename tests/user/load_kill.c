// SPDX-License-Identifier: GPL-2.0
/*
 * Clients that are killed in every state a client can be in. KILLS in the
 * environment says how many, SEED which.
 */
#include <signal.h>

#include "xs.h"

#define AT_ONCE 8

static unsigned int number_from(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

/* === The states === */

/* The last, since more would become a part of the message. */
static void in_the_middle_of_a_message(int fd)
{
	struct xs_hdr hdr = { XS_WRITE, 1, 0, 1500 };

	xs_put(fd, (char *)&hdr, rand() % sizeof(hdr) + 1);
}

static void with_writes_on_their_way(int fd, const char *value)
{
	int i;

	for (i = 0; i < 8; i++)
		xs_send_write(fd, i, 0, XS_DIR "/killed", value, 1500);
}

static void with_watches(int fd, const char *value)
{
	char token[16];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(token, sizeof(token), "%d", i);
		xs_send_watch(fd, XS_WATCH, i, XS_DIR, token);
	}
	xs_send_watch(fd, XS_UNWATCH, 9, XS_DIR, "1");
	xs_send_write(fd, 10, 0, XS_DIR "/killed", value, 5);
}

static void with_a_start_on_its_way(int fd, const char *value)
{
	(void)value;
	xs_send_str(fd, XS_TRANSACTION_START, 1, 0, "");
}

/* Waits for the reply, which may be that there are too many. */
static void in_a_transaction(int fd, const char *value)
{
	struct xs_msg msg;
	uint32_t tx;

	xs_send_str(fd, XS_TRANSACTION_START, 1, 0, "");
	xs_recv(fd, &msg);
	if (msg.hdr.type != XS_TRANSACTION_START)
		return;
	tx = strtoul(msg.body, NULL, 10);
	xs_send_write(fd, 2, tx, XS_DIR "/killed/in", value, 5);
	if (rand() % 2)
		xs_send_str(fd, XS_TRANSACTION_END, 3, tx,
			    rand() % 2 ? "T" : "F");
}

static void behind_the_limit(int fd, const char *value)
{
	int i;

	(void)value;
	for (i = 0; i < 4000; i++)
		xs_send_str(fd, XS_GET_DOMAIN_PATH, i, 0, "0");
}

static void reading(int fd, const char *value)
{
	struct xs_msg msg;

	(void)value;
	xs_recv(fd, &msg);
}

static void (*const states[])(int fd, const char *value) = {
	with_writes_on_their_way,
	with_watches,
	with_a_start_on_its_way,
	in_a_transaction,
	behind_the_limit,
	reading,
};

static void victim(const char *device, unsigned int seed)
{
	char value[1500];
	int fd, i;

	srand(seed);
	memset(value, 'k', sizeof(value));
	fd = xs_open(device, 0);
	for (i = rand() % 3; i >= 0; i--)
		states[rand() % ARRAY_SIZE(states)](fd, value);
	if (rand() % 4 == 0)
		in_the_middle_of_a_message(fd);
	if (rand() % 4)
		pause();
	_exit(0);
}

/* === The killing === */

static pid_t start_victim(const char *device, unsigned int seed)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0, "fork: %m");
	if (!pid)
		victim(device, seed);
	return pid;
}

static void kill_victim(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	status = ktap_wait(pid, 20);
	REQUIRE(status != -1, "process %d cannot be killed", pid);
}

static void killed_clients_leave_nothing_behind(const char *device)
{
	unsigned int kills = number_from("KILLS", 1000), i;
	unsigned int seed = number_from("SEED", time(NULL));
	int fd = xs_open(device, 0);
	pid_t pids[AT_ONCE] = { 0 };

	printf("# %u kills, SEED=%u\n", kills, seed);
	srand(seed);
	for (i = 0; i < kills + AT_ONCE; i++) {
		pid_t *pid = &pids[i % AT_ONCE];

		if (*pid)
			kill_victim(*pid);
		*pid = i < kills ? start_victim(device, seed + i) : 0;
		if (i % 100 == 0)
			xs_ping(fd, i);
		if (rand() % 8 == 0)
			ktap_sleep_ms(rand() % 4);
	}
	xs_ping(fd, 1);
}

static const struct ktap_case cases[] = {
	SLOW_CASE(killed_clients_leave_nothing_behind, 1500),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
