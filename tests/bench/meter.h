/* SPDX-License-Identifier: GPL-2.0 */
/* What the system did between two moments, as far as /proc and /sys tell. */
#ifndef METER_H
#define METER_H

struct meter {
	double ns;		/* time */
	double switches;	/* context switches of all CPUs */
	double interrupts;	/* of the driver's event channel */
	double notifications;	/* of the daemon's event channels, as it sees them */
	double sleeps;		/* times that the driver's thread went to sleep */
	double thread_ns;	/* CPU time of the driver's thread */
	double daemon_ns;	/* CPU time of the daemon */
	double allocations;	/* of all slab caches; 0 without SLUB_STATS */
};

void meter_init(const char *daemon);
void meter_read(struct meter *meter);
void meter_subtract(struct meter *now, const struct meter *before);

#endif
