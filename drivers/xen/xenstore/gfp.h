/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the store path allocates.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_GFP_H
#define _XENSTORE_GFP_H

#include <linux/gfp_types.h>

/* No I/O is started: the disk that reclaim would write to may need the store. */
#define XS_GFP		(GFP_NOIO | __GFP_HIGH)

/*
 * Charged to a client's memory cgroup by the kthread, which must not reclaim for
 * one client while others wait. A charge beyond the group's limit succeeds, and
 * the client's own next allocation pays for it.
 */
#define XS_GFP_CLIENT	(GFP_NOWAIT | __GFP_HIGH | __GFP_ACCOUNT | __GFP_NOWARN)

/* A failure would leak a watch or a transaction at the server. */
#define XS_GFP_MUST	(GFP_NOIO | __GFP_NOFAIL)

#endif /* _XENSTORE_GFP_H */
