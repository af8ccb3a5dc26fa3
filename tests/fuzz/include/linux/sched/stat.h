/* SPDX-License-Identifier: GPL-2.0 */
/* The harness and all that it simulates share the CPU. */
#ifndef SHIM_SCHED_STAT_H
#define SHIM_SCHED_STAT_H

#define single_task_running()	false

#endif
