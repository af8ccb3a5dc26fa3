/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The XenStore wire protocol over a device file, as thin as it gets: every
 * byte a test sends and receives is the test's own business. What goes wrong
 * ends the case.
 */
#ifndef XS_H
#define XS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "ktap.h"

#define XS_PAYLOAD_MAX 4096

/* Where the cases work: relative, so writable in dom0 and in a guest. */
#define XS_DIR "data/xs-test"

/* How long anything may take that must happen soon. */
#define SOON_MS 20000

enum xs_type {
	XS_CONTROL, XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_WATCH, XS_UNWATCH,
	XS_TRANSACTION_START, XS_TRANSACTION_END, XS_INTRODUCE, XS_RELEASE,
	XS_GET_DOMAIN_PATH, XS_WRITE, XS_MKDIR, XS_RM, XS_SET_PERMS,
	XS_WATCH_EVENT, XS_ERROR,
	XS_RESET_WATCHES = 21,
	XS_UNKNOWN = 77,	/* no server knows it */
};

struct xs_hdr {
	uint32_t type;
	uint32_t req_id;
	uint32_t tx_id;
	uint32_t len;
};

struct xs_msg {
	struct xs_hdr hdr;
	char body[XS_PAYLOAD_MAX + 1];	/* NUL-terminated */
};

#define XS_MESSAGE_MAX (sizeof(struct xs_hdr) + XS_PAYLOAD_MAX)

/* A whole run: each case begins and ends without XS_DIR. */
int xs_main(int argc, char **argv, const struct ktap_case *cases,
	    size_t count);

int xs_open(const char *device, int flags);
void xs_set_nonblock(int fd, bool on);

/* Bytes */
size_t xs_build(char *buf, uint32_t type, uint32_t req_id, uint32_t tx_id,
		const void *body, size_t len);
size_t xs_build_str(char *buf, uint32_t type, uint32_t req_id, uint32_t tx_id,
		    const char *s);
void xs_put(int fd, const char *buf, size_t len);
void xs_get(int fd, void *buf, size_t len);
void *xs_guarded_page(void);

/* Messages out */
void xs_send(int fd, uint32_t type, uint32_t req_id, uint32_t tx_id,
	     const void *body, size_t len);
void xs_send_str(int fd, uint32_t type, uint32_t req_id, uint32_t tx_id,
		 const char *s);
void xs_send_write(int fd, uint32_t req_id, uint32_t tx_id, const char *path,
		   const void *value, size_t len);
void xs_send_watch(int fd, uint32_t type, uint32_t req_id, const char *path,
		   const char *token);

/* Messages in */
void xs_recv(int fd, struct xs_msg *msg);
void xs_expect(int fd, struct xs_msg *msg, uint32_t type, uint32_t req_id);
void xs_expect_error(int fd, uint32_t req_id, const char *name);
void xs_expect_event(int fd, const char *path, const char *token);
void xs_expect_nothing(int fd);

/* Requests and their replies */
uint32_t xs_begin(int fd, uint32_t req_id);
void xs_end(int fd, uint32_t tx_id, const char *how);
void xs_ping(int fd, uint32_t req_id);
void xs_set(int fd, const char *path, const char *value);
void xs_rm(int fd, const char *path);
void xs_watch(int fd, const char *path, const char *token);

/* Poll, and what a file may leave unread */
int xs_poll(int fd, int events, int ms);
unsigned int xs_limit(const char *name);
void xs_set_limit(const char *name, unsigned int limit);
unsigned int xs_fill(int fd);
unsigned int xs_fill_unread(int fd);

/* Other processes */
void xs_wait_asleep(pid_t pid);
void xs_join(pid_t pid);

#endif
