/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Run cases in processes of their own, report them in KTAP. A case that does
 * not end in its time is reported and left behind: a process that sleeps in
 * the kernel for ever cannot be killed, but it must not stop the others.
 */
#ifndef KTAP_H
#define KTAP_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit status of a case that cannot be run here, and of such a program. */
#define KTAP_SKIPPED 4

/* Ends the case, as failed, with a message unless COND holds. */
#define REQUIRE(cond, ...) do {						\
	if (!(cond)) {							\
		printf("# %s:%d: ", __FILE__, __LINE__);		\
		printf(__VA_ARGS__);					\
		putchar('\n');						\
		fflush(stdout);						\
		_exit(1);						\
	}								\
} while (0)

/* Ends the case, as one that cannot be run here. */
#define SKIP(...) do {							\
	printf("# ");							\
	printf(__VA_ARGS__);						\
	putchar('\n');							\
	fflush(stdout);							\
	_exit(KTAP_SKIPPED);						\
} while (0)

struct ktap_case {
	const char *name;
	void (*run)(const char *device);
	int seconds;
};

#define SLOW_CASE(name, seconds) { #name, name, seconds }
#define CASE(name) SLOW_CASE(name, 60)

/* Taken if none is named, in which case it need not be there. */
static const char *ktap_device;

/* Called before each case, and after it if it passed. */
static void (*ktap_tidy)(const char *device);

static inline double ktap_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static inline void ktap_sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* Waits for PID at most SECONDS; returns its wait status or -1. */
static inline int ktap_wait(pid_t pid, int seconds)
{
	double end = ktap_now() + seconds;
	int status;

	while (ktap_now() < end) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		ktap_sleep_ms(10);
	}
	return -1;
}

static inline void ktap_run_tidily(const struct ktap_case *c,
				   const char *device)
{
	if (ktap_tidy)
		ktap_tidy(device);
	c->run(device);
	if (ktap_tidy)
		ktap_tidy(device);
}

/* Returns 0, KTAP_SKIPPED, or anything else if the case failed. */
static inline int ktap_run_case(const struct ktap_case *c, const char *device)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		ktap_run_tidily(c, device);
		fflush(stdout);
		_exit(0);
	}
	status = ktap_wait(pid, c->seconds);
	kill(-pid, SIGKILL);
	if (status == -1) {
		printf("# %s: no end after %d s\n", c->name, c->seconds);
		ktap_wait(pid, 2);
		return 1;
	}
	if (WIFSIGNALED(status)) {
		printf("# %s: killed by signal %d\n", c->name,
		       WTERMSIG(status));
		return 1;
	}
	return WEXITSTATUS(status);
}

static inline int ktap_wanted(const char *name, int argc, char **argv)
{
	int arg;

	for (arg = 2; arg < argc; arg++)
		if (!strcmp(argv[arg], name))
			return 1;
	return argc <= 2;
}

static inline const char *ktap_word(int result)
{
	return result && result != KTAP_SKIPPED ? "not ok" : "ok";
}

/*
 * PROGRAM --list | [DEVICE [CASE]...]
 *
 * Fails if a case failed or none ran; KTAP_SKIPPED if one was skipped: that is
 * not a pass.
 */
static inline int ktap_main(int argc, char **argv,
			    const struct ktap_case *cases, size_t count)
{
	const char *device = argc < 2 ? ktap_device : argv[1];
	size_t i, ran = 0, failed = 0, skipped = 0;
	int result;

	if (!device) {
		fprintf(stderr, "usage: %s --list | DEVICE [CASE]...\n",
			argv[0]);
		return 2;
	}
	if (!strcmp(device, "--list")) {
		for (i = 0; i < count; i++)
			puts(cases[i].name);
		return 0;
	}

	puts("KTAP version 1");
	if (argc < 2 && access(device, F_OK)) {
		printf("1..0 # SKIP no %s\n", device);
		return KTAP_SKIPPED;
	}
	printf("1..%zu\n", argc > 2 ? (size_t)argc - 2 : count);
	for (i = 0; i < count; i++) {
		if (!ktap_wanted(cases[i].name, argc, argv))
			continue;
		result = ktap_run_case(&cases[i], device);
		if (result == KTAP_SKIPPED)
			skipped++;
		else if (result)
			failed++;
		printf("%s %zu %s%s\n", ktap_word(result), ++ran,
		       cases[i].name, result == KTAP_SKIPPED ? " # SKIP" : "");
	}
	if (failed || !ran)
		return 1;
	return skipped ? KTAP_SKIPPED : 0;
}

#endif
