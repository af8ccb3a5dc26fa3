/* SPDX-License-Identifier: GPL-2.0 */
/* Without threads there is nothing that has a policy. */
#ifndef SHIM_SCHED_TYPES_H
#define SHIM_SCHED_TYPES_H

struct sched_attr {
	unsigned int size;
	unsigned int sched_policy;
};

#define SCHED_NORMAL				0
#define SCHED_BATCH				3
#define sched_setattr_nocheck(thread, attr)	SHIM_BUG_ON((thread) && (attr))

#endif
