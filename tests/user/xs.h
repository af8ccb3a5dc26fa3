/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The XenStore wire protocol over a device file, as thin as it gets: every
 * byte a test sends and receives is the test's own business.
 */
#ifndef XS_H
#define XS_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"

#define XS_PAYLOAD_MAX 4096

enum xs_type {
	XS_CONTROL, XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_WATCH, XS_UNWATCH,
	XS_TRANSACTION_START, XS_TRANSACTION_END, XS_INTRODUCE, XS_RELEASE,
	XS_GET_DOMAIN_PATH, XS_WRITE, XS_MKDIR, XS_RM, XS_SET_PERMS,
	XS_WATCH_EVENT, XS_ERROR,
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

static inline int xs_open(const char *device, int flags)
{
	int fd = open(device, O_RDWR | O_CLOEXEC | flags);

	REQUIRE(fd >= 0, "open %s: %m", device);
	return fd;
}

/* Appends one message to BUF and returns its size. */
static inline size_t xs_build(char *buf, uint32_t type, uint32_t req_id,
			      uint32_t tx_id, const void *body, size_t len)
{
	struct xs_hdr hdr = { type, req_id, tx_id, len };

	memcpy(buf, &hdr, sizeof(hdr));
	memcpy(buf + sizeof(hdr), body, len);
	return sizeof(hdr) + len;
}

static inline void xs_put(int fd, const char *buf, size_t len)
{
	ssize_t done = write(fd, buf, len);

	REQUIRE(done == (ssize_t)len, "write of %zu returned %zd: %s", len,
		done, done < 0 ? strerror(errno) : "short");
}

static inline void xs_send(int fd, uint32_t type, uint32_t req_id,
			   uint32_t tx_id, const void *body, size_t len)
{
	char buf[sizeof(struct xs_hdr) + XS_PAYLOAD_MAX];

	xs_put(fd, buf, xs_build(buf, type, req_id, tx_id, body, len));
}

/* Sends a message whose payload is one string with its NUL. */
static inline void xs_send_str(int fd, uint32_t type, uint32_t req_id,
			       uint32_t tx_id, const char *s)
{
	xs_send(fd, type, req_id, tx_id, s, strlen(s) + 1);
}

static inline void xs_send_write(int fd, uint32_t req_id, uint32_t tx_id,
				 const char *path, const void *value,
				 size_t len)
{
	char body[XS_PAYLOAD_MAX];
	size_t skip = strlen(path) + 1;

	REQUIRE(skip + len <= sizeof(body), "value too long for a message");
	memcpy(body, path, skip);
	memcpy(body + skip, value, len);
	xs_send(fd, XS_WRITE, req_id, tx_id, body, skip + len);
}

/* WATCH and UNWATCH carry a path and a token. */
static inline void xs_send_watch(int fd, uint32_t type, uint32_t req_id,
				 const char *path, const char *token)
{
	char body[XS_PAYLOAD_MAX];
	int len = snprintf(body, sizeof(body), "%s%c%s", path, 0, token);

	xs_send(fd, type, req_id, 0, body, len + 1);
}

static inline void xs_get(int fd, void *buf, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t got = read(fd, (char *)buf + have, len - have);

		REQUIRE(got > 0, "read of %zu returned %zd: %s", len - have,
			got, got < 0 ? strerror(errno) : "end of file");
		have += got;
	}
}

static inline void xs_recv(int fd, struct xs_msg *msg)
{
	xs_get(fd, &msg->hdr, sizeof(msg->hdr));
	REQUIRE(msg->hdr.len <= XS_PAYLOAD_MAX, "reply of %u bytes",
		msg->hdr.len);
	if (msg->hdr.len)
		xs_get(fd, msg->body, msg->hdr.len);
	msg->body[msg->hdr.len] = 0;
}

/* Receives one message, which must be the reply of TYPE to REQ_ID. */
static inline void xs_expect(int fd, struct xs_msg *msg, uint32_t type,
			     uint32_t req_id)
{
	xs_recv(fd, msg);
	REQUIRE(msg->hdr.type == type && msg->hdr.req_id == req_id,
		"reply type %u to request %u (%.40s), not type %u to %u",
		msg->hdr.type, msg->hdr.req_id, msg->body, type, req_id);
}

static inline void xs_expect_error(int fd, uint32_t req_id, const char *name)
{
	struct xs_msg msg;

	xs_expect(fd, &msg, XS_ERROR, req_id);
	REQUIRE(!strcmp(msg.body, name), "error %s, not %s", msg.body, name);
}

/* Starts a transaction and returns its id. */
static inline uint32_t xs_begin(int fd, uint32_t req_id)
{
	struct xs_msg msg;

	xs_send_str(fd, XS_TRANSACTION_START, req_id, 0, "");
	xs_expect(fd, &msg, XS_TRANSACTION_START, req_id);
	return strtoul(msg.body, NULL, 10);
}

/* A request that anyone may make: proves that the file still works. */
static inline void xs_ping(int fd, uint32_t req_id)
{
	struct xs_msg msg;

	xs_send_str(fd, XS_GET_DOMAIN_PATH, req_id, 0, "0");
	xs_expect(fd, &msg, XS_GET_DOMAIN_PATH, req_id);
}

#endif
