/* SPDX-License-Identifier: GPL-2.0 */
/* Signals come from the harness, where a caller sleeps. */
#include <linux/sched.h>
