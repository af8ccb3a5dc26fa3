/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_COMPLETION_H
#define SHIM_COMPLETION_H

#include <linux/wait.h>

struct completion { unsigned int done; };

#define init_completion(c)	((void)((c)->done = 0))
#define complete(c)		((void)(c)->done++)
#define reinit_completion(c)	((void)((c)->done = 0))
#define wait_for_completion(c)	wait_event((c)->wq, (c)->done)

/* Its time is over when the patience of the harness is. */
#define wait_for_completion_timeout(c, ticks) ({			\
	shim_might_sleep();						\
	while (!(c)->done && shim.sleep(true))				\
		;							\
	(void)(ticks), (c)->done ? 1UL : 0UL;					\
})

#endif
