// SPDX-License-Identifier: GPL-2.0
/* dev-xenbus, "Example": example.c does what the document says it does. */
#include <libgen.h>
#include <limits.h>

#include "xs.h"

#define NODES 100
#define PATH_SIZE 64

/* The example stands beside this program. */
static const char *example(void)
{
	static char path[PATH_MAX + 16];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);

	REQUIRE(len > 0, "/proc/self/exe: %m");
	path[len] = 0;
	return strcat(dirname(path), "/example");
}

/* Runs the example; returns its output. */
static FILE *run(char **argv)
{
	int ends[2];
	pid_t pid;

	REQUIRE(!pipe(ends), "pipe: %m");
	pid = fork();
	if (!pid) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execv(argv[0], argv);
		_exit(127);
	}
	close(ends[1]);
	return fdopen(ends[0], "r");
}

static bool read_line(FILE *out, char *line, size_t size)
{
	if (!fgets(line, size, out))
		return false;
	line[strcspn(line, "\n")] = 0;
	return true;
}

static void example_reads_hundred_nodes_at_once(const char *device)
{
	static char paths[NODES][PATH_SIZE];
	char *argv[NODES + 3] = { (char *)example(), (char *)device };
	char value[16], line[160], expected[160];
	int fd = xs_open(device, 0), i, status;
	bool seen[NODES] = { 0 };
	FILE *out;

	for (i = 0; i < NODES; i++) {
		snprintf(paths[i], PATH_SIZE, XS_DIR "/%d", i);
		snprintf(value, sizeof(value), "value %d", i);
		xs_set(fd, paths[i], value);
		argv[2 + i] = paths[i];
	}
	out = run(argv);
	while (read_line(out, line, sizeof(line))) {
		i = atoi(line + strlen(XS_DIR "/"));
		REQUIRE(i >= 0 && i < NODES && !seen[i], "line %s", line);
		snprintf(expected, sizeof(expected), "%s = value %d", paths[i],
			 i);
		REQUIRE(!strcmp(line, expected), "%s, not %s", line, expected);
		seen[i] = true;
	}
	for (i = 0; i < NODES; i++)
		REQUIRE(seen[i], "no line for %s", paths[i]);
	REQUIRE(wait(&status) > 0 && !status, "status %#x", status);
}

static void example_tells_of_errors(const char *device)
{
	char *argv[] = { (char *)example(), (char *)device, XS_DIR "/none",
			 NULL };
	char line[160];
	int status;
	FILE *out;

	out = run(argv);
	REQUIRE(read_line(out, line, sizeof(line)) &&
		!strcmp(line, XS_DIR "/none ! ENOENT"), "%s", line);
	REQUIRE(wait(&status) > 0 && !status, "status %#x", status);
}

static const struct ktap_case cases[] = {
	CASE(example_reads_hundred_nodes_at_once),
	CASE(example_tells_of_errors),
};

int main(int argc, char **argv)
{
	return xs_main(argc, argv, cases, ARRAY_SIZE(cases));
}
