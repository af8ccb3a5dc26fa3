/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the loop tell each other.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_LOOP_H
#define _XENSTORE_LOOP_H

#include <linux/types.h>

struct page;

/* The kernel's end of the event channel; what a daemon finds in xsd_port. */
#define XS_LOOP_KERNEL_PORT	1

/**
 * struct xs_loop_channel_ops - what happens to the kernel's end of the channel
 */
struct xs_loop_channel_ops {
	/** @event: the daemon has notified. Process context, never sleeps. */
	void (*event)(void);
	/** @bound: a daemon has bound the other end. Process, may sleep. */
	void (*bound)(void);
	/**
	 * @unbound: it has closed it or is gone. Process, may sleep; no daemon
	 * can bind before it has returned.
	 */
	void (*unbound)(void);
};

/* evtchn.c */
int xs_loop_evtchn_init(const struct xs_loop_channel_ops *ops);
void xs_loop_evtchn_exit(void);
void xs_loop_evtchn_notify(void);

/* privcmd.c */
int xs_loop_privcmd_init(void);
void xs_loop_privcmd_exit(void);

/* proc.c */
int xs_loop_proc_init(struct page *ring);
void xs_loop_proc_exit(void);

#endif /* _XENSTORE_LOOP_H */
