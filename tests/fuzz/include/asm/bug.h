/* SPDX-License-Identifier: GPL-2.0 */
/* There is no warning that does not matter. */
#ifndef SHIM_ASM_BUG_H
#define SHIM_ASM_BUG_H

#include "shim.h"

#define WARN_ON(cond)		({ SHIM_BUG_ON(cond); false; })
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define WARN(cond, ...)		WARN_ON(cond)
#define WARN_ONCE(cond, ...)	WARN_ON(cond)
#define BUG_ON(cond)		SHIM_BUG_ON(cond)

#endif
