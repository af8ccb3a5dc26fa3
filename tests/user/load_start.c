// SPDX-License-Identifier: GPL-2.0
/*
 * More processes with transactions than a domain may have at a time. CLIENTS
 * and ROUNDS in the environment say how many, and how often.
 */
#include <sys/wait.h>

#include "xs.h"

static unsigned int number_from(const char *name, unsigned int otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

/* Repeated after a conflict, as every client does. */
static void transact(int fd, const char *path, const char *value)
{
	struct xs_msg msg;
	uint32_t tx;

	do {
		xs_send_str(fd, XS_TRANSACTION_START, 1, 0, "");
		xs_expect(fd, &msg, XS_TRANSACTION_START, 1);
		tx = strtoul(msg.body, NULL, 10);
		xs_send_write(fd, 2, tx, path, value, strlen(value));
		xs_expect(fd, &msg, XS_WRITE, 2);
		xs_send_str(fd, XS_TRANSACTION_END, 3, tx, "T");
		xs_recv(fd, &msg);
		REQUIRE(msg.hdr.type == XS_TRANSACTION_END ||
			!strcmp(msg.body, "EAGAIN"), "the end: %s", msg.body);
	} while (msg.hdr.type == XS_ERROR);
}

static void client(const char *device, unsigned int number, unsigned int rounds)
{
	int fd = xs_open(device, 0);
	char path[64], value[16];
	unsigned int i;

	snprintf(path, sizeof(path), XS_DIR "/start/%u", number % 20);
	for (i = 0; i < rounds; i++) {
		snprintf(value, sizeof(value), "%u", i);
		transact(fd, path, value);
	}
}

static void no_start_fails_for_others(const char *device)
{
	unsigned int clients = number_from("CLIENTS", 200);
	unsigned int rounds = number_from("ROUNDS", 50), i;
	pid_t *pids = calloc(clients, sizeof(*pids));
	int status;

	for (i = 0; i < clients; i++) {
		pids[i] = fork();
		REQUIRE(pids[i] >= 0, "fork: %m");
		if (!pids[i]) {
			client(device, i, rounds);
			_exit(0);
		}
	}
	for (i = 0; i < clients; i++) {
		REQUIRE(waitpid(pids[i], &status, 0) == pids[i], "waitpid: %m");
		REQUIRE(!status, "process %d: status %#x", pids[i], status);
	}
	printf("# %u clients, %u transactions\n", clients, clients * rounds);
	free(pids);
}

static const struct ktap_case cases[] = {
	SLOW_CASE(no_start_fails_for_others, 900),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
