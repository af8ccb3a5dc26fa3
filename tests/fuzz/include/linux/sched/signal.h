/* SPDX-License-Identifier: GPL-2.0 */
/* Signals come from the harness, where somebody sleeps. */
#include <linux/sched.h>
