/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_COMPLETION_H
#define SHIM_COMPLETION_H

#include <linux/wait.h>

struct completion { unsigned int done; };

#define init_completion(c)	((void)((c)->done = 0))
#define complete(c)		((void)(c)->done++)
#define wait_for_completion(c)	wait_event((c)->wq, (c)->done)

#endif
