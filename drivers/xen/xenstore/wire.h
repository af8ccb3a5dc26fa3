/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The XenStore wire format: headers, error names, string lists.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_WIRE_H
#define _XENSTORE_WIRE_H

#include <linux/types.h>
#include <xen/interface/io/xs_wire.h>

/* Longest message on the ring: a header and a full payload, in bytes. */
#define XS_MESSAGE_MAX	(sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)

int xs_wire_check_header(const struct xsd_sockmsg *hdr);
int xs_wire_errno(const char *body, size_t len);
const char *xs_wire_error_name(int err);
const char *xs_wire_next_string(const char **pos, const char *end);
unsigned int xs_wire_count_strings(const char *body, size_t len);
int xs_wire_parse_u32(const char *body, size_t len, u32 *value);
bool xs_wire_path_covers(const char *watched, const char *path);

#endif /* _XENSTORE_WIRE_H */
