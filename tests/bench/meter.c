// SPDX-License-Identifier: GPL-2.0
/*
 * What the system did between two moments, as far as /proc and /sys tell: the
 * same for any driver, since nothing of the driver itself is asked.
 */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "meter.h"

static pid_t thread, daemon_pid;

static void read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "r");

	line[0] = '\0';
	if (!file)
		return;
	if (!fgets(line, size, file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

static pid_t pid_of(const char *name)
{
	char path[64], comm[64];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t pid = 0;

	if (!proc)
		err(1, "/proc");
	while (!pid && (entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
		read_line(path, comm, sizeof(comm));
		if (!strcmp(comm, name))
			pid = atoi(entry->d_name);
	}
	closedir(proc);
	if (!pid)
		errx(1, "no process is called %s", name);
	return pid;
}

/* The CPU clock of another process, in ns where /proc has ticks. */
static double cpu_ns(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		errx(1, "no CPU clock of process %d", pid);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* The sum of the figures of all lines of @path that begin with @key. */
static double proc_value(const char *path, const char *key)
{
	char line[4096];
	double value = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, strlen(key)))
			value += atof(line + strlen(key));
	}
	fclose(file);
	return value;
}

static double sleeps_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return proc_value(path, "voluntary_ctxt_switches:");
}

/* Of every CPU, over all lines whose last word contains @name. */
static double interrupts_of(const char *name)
{
	char line[4096], *pos, *end;
	double value = 0;
	FILE *file = fopen("/proc/interrupts", "r");

	if (!file)
		err(1, "/proc/interrupts");
	while (fgets(line, sizeof(line), file)) {
		pos = strchr(line, ':');
		end = strrchr(line, ' ');
		if (!pos || !end || !strstr(end, name))
			continue;
		for (pos++; ; pos = end) {
			double count = strtod(pos, &end);

			if (end == pos)
				break;
			value += count;
		}
	}
	fclose(file);
	return value;
}

/* With CONFIG_SLUB_STATS only, which nothing should be timed with. */
static double allocations(void)
{
	static const char * const files[] = {
		"/sys/kernel/slab/*/alloc_fastpath",
		"/sys/kernel/slab/*/alloc_slowpath",
	};
	char line[4096];
	double value = 0;
	size_t i, j;

	for (i = 0; i < 2; i++) {
		glob_t found;

		if (glob(files[i], 0, NULL, &found))
			continue;
		for (j = 0; j < found.gl_pathc; j++) {
			read_line(found.gl_pathv[j], line, sizeof(line));
			value += atof(line);
		}
		globfree(&found);
	}
	return value;
}

void meter_init(const char *daemon)
{
	thread = pid_of("xenbus");
	daemon_pid = pid_of(daemon);
}

void meter_read(struct meter *meter)
{
	struct timespec ts;

	meter->allocations = allocations();
	meter->switches = proc_value("/proc/stat", "ctxt ");
	meter->interrupts = interrupts_of("xenbus");
	meter->notifications = interrupts_of("evtchn:");
	meter->sleeps = sleeps_of(thread);
	meter->thread_ns = cpu_ns(thread);
	meter->daemon_ns = cpu_ns(daemon_pid);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	meter->ns = ts.tv_sec * 1e9 + ts.tv_nsec;
}

void meter_subtract(struct meter *now, const struct meter *before)
{
	now->ns -= before->ns;
	now->switches -= before->switches;
	now->interrupts -= before->interrupts;
	now->notifications -= before->notifications;
	now->sleeps -= before->sleeps;
	now->thread_ns -= before->thread_ns;
	now->daemon_ns -= before->daemon_ns;
	now->allocations -= before->allocations;
}
