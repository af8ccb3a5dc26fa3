/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_ERRNO_H
#define SHIM_ERRNO_H

#include_next <linux/errno.h>

#define ERESTARTSYS	512

#endif
