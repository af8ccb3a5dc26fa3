/* SPDX-License-Identifier: GPL-2.0 */
/* Who helps sleeps as everybody does: until the harness has poked it. */
#ifndef SHIM_RCUWAIT_H
#define SHIM_RCUWAIT_H

#include <linux/wait.h>

struct rcuwait { bool unused; };

#define rcuwait_init(w)			((void)((w)->unused = false))
#define rcuwait_wake_up(w)		((void)(w))
#define rcuwait_wait_event(w, cond, mode)				\
	((void)(w), ___wait_event(w, cond, mode, 0, 0, schedule()))

#endif
