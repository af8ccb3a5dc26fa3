/* SPDX-License-Identifier: GPL-2.0 */
/* Of <xen/xenbus.h>, what the core knows: the watch of a driver. */
#ifndef SHIM_XEN_XENBUS_H
#define SHIM_XEN_XENBUS_H

#include <linux/list.h>
#include <linux/types.h>

struct xenbus_watch {
	struct list_head list;
	const char *node;
	unsigned int nr_pending;
	bool (*will_handle)(struct xenbus_watch *watch, const char *path,
			    const char *token);
	void (*callback)(struct xenbus_watch *watch, const char *path,
			 const char *token);
	u32 id;
};

#endif
