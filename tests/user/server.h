/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A XenStore server on the page that IOCTL_XENBUS_BACKEND_SETUP grants, in the domain
 * that has the driver: it can say what no daemon says. There is one in a run, and no
 * daemon. What goes wrong ends the case.
 */
#ifndef SERVER_H
#define SERVER_H

#include "xs.h"

/* Grants the page to this domain, and maps it. */
void server_start(void);

/*
 * Answers as an empty store does, up to the message that RECEIVED returns true for,
 * which has no answer then.
 */
void server_until(bool (*received)(const struct xs_msg *msg));

/* The header of a message that does not follow; what it says need not be true. */
void server_send_header(const struct xs_hdr *hdr);

/* Moves the index of responses by COUNT bytes that are not there. */
void server_skip(uint32_t count);

#endif
