/* SPDX-License-Identifier: GPL-2.0 */
/* Time goes on here. */
#ifndef SHIM_KTIME_H
#define SHIM_KTIME_H

#include <linux/sched.h>

#define ktime_get_mono_fast_ns() shim_now()

#endif
