/* SPDX-License-Identifier: GPL-2.0 */
/* Time stands still, so that an input does the same each time. */
#ifndef SHIM_KTIME_H
#define SHIM_KTIME_H

static inline u64 ktime_get_mono_fast_ns(void)
{
	return 0;
}

#endif
