/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_KSTRTOX_H
#define SHIM_KSTRTOX_H

#include <linux/types.h>

int kstrtou32(const char *s, unsigned int base, u32 *value);

#endif
