// SPDX-License-Identifier: GPL-2.0
/*
 * Clients that ask and never read: what they cost is bounded, they pay for it,
 * and nobody else notices.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "xs.h"

#define FLOOD 200000
#define REPLIES 300
#define WATCHES 100

/* What a small message may take, and what others may take meanwhile. */
#define SMALL_KB 1
#define NOISE_KB 2048

static long number_after(const char *file, const char *format)
{
	char line[128];
	long value = -1;
	FILE *from = fopen(file, "r");

	REQUIRE(from, "%s: %m", file);
	while (value < 0 && fgets(line, sizeof(line), from))
		sscanf(line, format, &value);
	fclose(from);
	return value;
}

/* === What this process has to pay for === */

#define GROUPS "/run/xs-test-cgroups"
#define GROUP GROUPS "/client"

static bool write_text(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/*
 * A memory cgroup for this process, if the kernel has such a thing. It stays,
 * for the next case.
 */
static bool enter_group(void)
{
	char pid[16];

	mkdir(GROUPS, 0755);
	if (mount("none", GROUPS, "cgroup2", 0, NULL) && errno != EBUSY)
		return false;
	snprintf(pid, sizeof(pid), "%d", getpid());
	return write_text(GROUPS "/cgroup.subtree_control", "+memory") &&
	       (!mkdir(GROUP, 0755) || errno == EEXIST) &&
	       write_text(GROUP "/cgroup.procs", pid);
}

static long charged(void)
{
	return number_after(GROUP "/memory.stat", "slab_unreclaimable %ld");
}

/*
 * What the group is charged with, exactly; otherwise what the whole kernel
 * takes, which is of no use with KASAN, since that keeps what has been freed.
 */
static bool grouped;

static void start_counting(void)
{
	grouped = enter_group();
	printf("# memory of %s\n", grouped ? "the cgroup" : "the kernel");
}

static long memory_kb(void)
{
	return grouped ? charged() / 1024 :
	       number_after("/proc/meminfo", "SUnreclaim: %ld");
}

/* === Floods === */

static unsigned int flood(int fd)
{
	unsigned int i, taken = 0;
	char buf[64];
	size_t len;

	for (i = 0; i < FLOOD; i++) {
		len = xs_build_str(buf, XS_GET_DOMAIN_PATH, i, 0, "0");
		if (write(fd, buf, len) == (ssize_t)len)
			taken++;
		else
			REQUIRE(errno == EAGAIN, "write: %m");
	}
	return taken;
}

static void flood_that_is_never_read_takes_bounded_memory(const char *device)
{
	int fd, other = xs_open(device, 0);
	long limit = xs_limit("requests"), before, grown;
	unsigned int taken;

	start_counting();
	fd = xs_open(device, O_NONBLOCK);
	before = memory_kb();
	taken = flood(fd);
	xs_ping(other, 1);
	grown = memory_kb() - before;
	printf("# %u of %d requests taken, %ld KiB\n", taken, FLOOD, grown);
	REQUIRE(taken == limit, "%u requests taken of %ld", taken, limit);
	REQUIRE(grown <= limit * SMALL_KB + NOISE_KB, "%ld KiB", grown);
}

static void events_that_are_never_read_take_bounded_memory(const char *device)
{
	int fd, other = xs_open(device, 0);
	long limit = xs_limit("events"), before, grown, i;
	struct xs_msg msg;
	char path[64];

	start_counting();
	fd = xs_open(device, 0);
	xs_watch(fd, XS_DIR, "token");
	before = memory_kb();
	for (i = 0; i < 5 * limit; i++) {
		snprintf(path, sizeof(path), XS_DIR "/%ld", i);
		xs_send_str(other, XS_MKDIR, i, 0, path);
		xs_expect(other, &msg, XS_MKDIR, i);
		xs_send_str(other, XS_RM, i, 0, path);
		xs_expect(other, &msg, XS_RM, i);
	}
	grown = memory_kb() - before;
	printf("# %ld events, %ld KiB\n", 10 * limit, grown);
	REQUIRE(grown <= limit * SMALL_KB + NOISE_KB, "%ld KiB", grown);
	xs_ping(other, 1);
}

/* Replies much larger than their requests; the I/O thread allocates them. */
static void what_is_unread_is_charged_to_the_client(const char *device)
{
	int fd, other = xs_open(device, 0), i;
	char value[3000];
	struct xs_msg msg;
	long before, grown;

	memset(value, 'v', sizeof(value));
	xs_send_write(other, 1, 0, XS_DIR "/value", value, sizeof(value));
	xs_expect(other, &msg, XS_WRITE, 1);

	if (!enter_group())
		SKIP("no memory cgroups");
	fd = xs_open(device, 0);
	before = charged();
	for (i = 0; i < REPLIES; i++)
		xs_send_str(fd, XS_READ, i, 0, XS_DIR "/value");
	for (i = 0; i < REPLIES; i++)	/* in turn with those of fd */
		xs_ping(other, i);
	grown = charged() - before;
	printf("# %ld KiB charged\n", grown / 1024);
	REQUIRE(grown >= REPLIES * (long)sizeof(value), "%ld bytes", grown);
}

/* A program may get the file from another one, such as by systemd. */
static void watches_are_charged_to_the_opener_of_the_file(const char *device)
{
	char token[3000], pid[16];
	long before, grown;
	int fd, i;

	memset(token, 't', sizeof(token) - 1);
	token[sizeof(token) - 1] = '\0';
	if (!enter_group())
		SKIP("no memory cgroups");
	fd = xs_open(device, 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	REQUIRE(write_text(GROUPS "/cgroup.procs", pid), "leaving: %m");
	before = charged();
	for (i = 0; i < WATCHES; i++) {
		token[0] = 'a' + i / 26;
		token[1] = 'a' + i % 26;
		xs_watch(fd, XS_DIR, token);
	}
	grown = charged() - before;
	printf("# %ld KiB charged\n", grown / 1024);
	REQUIRE(grown >= WATCHES * (long)sizeof(token), "%ld bytes", grown);
}

static const struct ktap_case cases[] = {
	SLOW_CASE(flood_that_is_never_read_takes_bounded_memory, 300),
	SLOW_CASE(events_that_are_never_read_take_bounded_memory, 300),
	SLOW_CASE(what_is_unread_is_charged_to_the_client, 120),
	SLOW_CASE(watches_are_charged_to_the_opener_of_the_file, 120),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
