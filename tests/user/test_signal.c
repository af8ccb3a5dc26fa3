// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Waiting": what waits in read or write can be interrupted. */
#include <sys/mman.h>

#include "xs.h"

static volatile sig_atomic_t *caught;	/* shared with the children */

static void catch(int number)
{
	*caught = number;
}

static void handle_sigusr1(int flags)
{
	struct sigaction action = { .sa_handler = catch, .sa_flags = flags };

	caught = mmap(NULL, sizeof(*caught), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(caught != MAP_FAILED, "mmap: %m");
	REQUIRE(!sigaction(SIGUSR1, &action, NULL), "sigaction: %m");
}

/* Returns when its handler has run and it waits again. */
static void interrupt(pid_t pid)
{
	double end = ktap_now() + SOON_MS / 1000.0;

	kill(pid, SIGUSR1);
	while (!*caught) {
		REQUIRE(ktap_now() < end, "no signal handled");
		ktap_sleep_ms(1);
	}
	xs_wait_asleep(pid);
}

/* Children: each waits at one place only, and says by its end what it saw. */

static void read_until_interrupted(int fd)
{
	char byte;
	ssize_t got = read(fd, &byte, 1);

	REQUIRE(got == -1 && errno == EINTR, "read returned %zd (%m)", got);
	_exit(0);
}

static void read_one_byte(int fd)
{
	char byte;

	xs_get(fd, &byte, 1);
	_exit(0);
}

static size_t build_pings(char *buf, int count)
{
	size_t len = 0;

	while (count--)
		len += xs_build_str(buf + len, XS_GET_DOMAIN_PATH, 2, 0, "0");
	return len;
}

static void write_until_interrupted(int fd)
{
	char buf[64];
	ssize_t done = write(fd, buf, build_pings(buf, 1));

	REQUIRE(done == -1 && errno == EINTR, "write returned %zd (%m)", done);
	_exit(0);
}

static void write_three_where_one_fits(int fd)
{
	char buf[64];
	ssize_t done = write(fd, buf, build_pings(buf, 3));

	REQUIRE(done == 18, "write returned %zd (%m)", done);
	_exit(0);
}

static void write_one(int fd)
{
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 2, 0, "0");
	_exit(0);
}

static pid_t child_that_waits(void (*run)(int fd), int fd)
{
	pid_t pid = fork();

	if (!pid)
		run(fd);
	xs_wait_asleep(pid);
	return pid;
}

static int open_full(const char *device)
{
	int fd = xs_open(device, O_NONBLOCK);

	xs_fill(fd);
	xs_set_nonblock(fd, false);
	return fd;
}

static void read_that_waits_is_interrupted(const char *device)
{
	int fd = xs_open(device, 0);
	pid_t pid;

	handle_sigusr1(0);
	pid = child_that_waits(read_until_interrupted, fd);
	kill(pid, SIGUSR1);
	xs_join(pid);
	xs_ping(fd, 1);
}

static void read_that_waits_is_restarted(const char *device)
{
	int fd = xs_open(device, 0);
	pid_t pid;

	handle_sigusr1(SA_RESTART);
	pid = child_that_waits(read_one_byte, fd);
	interrupt(pid);
	xs_send_str(fd, XS_GET_DOMAIN_PATH, 1, 0, "0");
	xs_join(pid);
}

static void write_that_waits_is_interrupted(const char *device)
{
	int fd = open_full(device);
	unsigned int limit = xs_limit("requests"), i;
	struct xs_msg msg;
	pid_t pid;

	handle_sigusr1(0);
	pid = child_that_waits(write_until_interrupted, fd);
	kill(pid, SIGUSR1);
	xs_join(pid);
	for (i = 0; i < limit; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 1);
	xs_expect_nothing(fd);
}

static void write_that_waits_is_restarted(const char *device)
{
	int fd = open_full(device);
	struct xs_msg msg;
	pid_t pid;

	handle_sigusr1(SA_RESTART);
	pid = child_that_waits(write_one, fd);
	interrupt(pid);
	xs_recv(fd, &msg);
	xs_join(pid);
}

static void write_that_is_interrupted_tells_what_was_taken(const char *device)
{
	int fd = open_full(device);
	unsigned int limit = xs_limit("requests"), i;
	struct xs_msg msg;
	pid_t pid;

	xs_recv(fd, &msg);
	handle_sigusr1(0);
	pid = child_that_waits(write_three_where_one_fits, fd);
	kill(pid, SIGUSR1);
	xs_join(pid);
	for (i = 1; i < limit; i++)
		xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 1);
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, 2);
	xs_expect_nothing(fd);
}

static void kill_while_waiting(void (*run)(int fd), int fd)
{
	pid_t pid = child_that_waits(run, fd);
	double start = ktap_now();
	int status;

	kill(pid, SIGKILL);
	status = ktap_wait(pid, 5);
	REQUIRE(status != -1, "not dead after %.0f s", ktap_now() - start);
	REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		"status %#x", status);
}

static void reader_who_waits_can_be_killed(const char *device)
{
	int fd = xs_open(device, 0);

	kill_while_waiting(read_until_interrupted, fd);
	xs_ping(fd, 1);
}

static void writer_who_waits_can_be_killed(const char *device)
{
	int fd = open_full(device), other = xs_open(device, 0);
	struct xs_msg msg;
	char buf[64];

	kill_while_waiting(write_until_interrupted, fd);
	xs_recv(fd, &msg);
	xs_put(fd, buf, build_pings(buf, 1));
	xs_ping(other, 1);
}

/* One of them waits in the device, the other for it. */
static void writer_who_waits_for_a_writer_can_be_killed(const char *device)
{
	int fd = open_full(device);
	struct xs_msg msg;
	pid_t first;

	first = child_that_waits(write_until_interrupted, fd);
	kill_while_waiting(write_until_interrupted, fd);
	kill(first, SIGKILL);
	REQUIRE(ktap_wait(first, 5) != -1, "the first does not die");
	xs_recv(fd, &msg);
}

/* Its file is closed by its end. */
static void killed_writer_closes_its_file(const char *device)
{
	int other = xs_open(device, 0), fd, i;

	for (i = 0; i < 5; i++) {
		fd = open_full(device);
		pid_t pid = child_that_waits(write_until_interrupted, fd);

		close(fd);
		kill(pid, SIGKILL);
		REQUIRE(ktap_wait(pid, 5) != -1, "it does not die");
		xs_ping(other, i);
	}
}

static const struct ktap_case cases[] = {
	CASE(read_that_waits_is_interrupted),
	CASE(read_that_waits_is_restarted),
	CASE(reader_who_waits_can_be_killed),
	CASE(write_that_waits_is_interrupted),
	CASE(write_that_waits_is_restarted),
	CASE(write_that_is_interrupted_tells_what_was_taken),
	CASE(writer_who_waits_can_be_killed),
	CASE(writer_who_waits_for_a_writer_can_be_killed),
	CASE(killed_writer_closes_its_file),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
