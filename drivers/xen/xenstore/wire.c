// SPDX-License-Identifier: GPL-2.0-only
/*
 * The XenStore wire format.
 *
 * Pure functions over bytes: no state, no locks, no allocation, so that they
 * may be called from any context and compile in userland for fuzzing. They do
 * not know what a message means, where it came from and which task waits for it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/array_size.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kstrtox.h>
#include <linux/string.h>

#include "wire.h"

/**
 * xs_wire_check_header() - does the protocol allow this header?
 * @hdr: header as read from the ring or from a client
 *
 * The only rule that concerns framing is the limit on the payload
 * (XENSTORE_PAYLOAD_MAX in xs_wire.h); every type value is passed on, because
 * newer servers know types that this driver does not.
 *
 * Context: Any.
 * Return: 0, or -E2BIG if the payload is announced as more than 4096 bytes.
 */
int xs_wire_check_header(const struct xsd_sockmsg *hdr)
{
	return hdr->len <= XENSTORE_PAYLOAD_MAX ? 0 : -E2BIG;
}
EXPORT_SYMBOL_IF_KUNIT(xs_wire_check_header);

/**
 * xs_wire_errno() - error number for the payload of an XS_ERROR reply
 * @body: payload, not necessarily NUL-terminated
 * @len: its length in bytes
 *
 * xenstore.txt sends errors by name so that they do not depend on one
 * system's numbers, and reserves the right to add names.
 *
 * Context: Any.
 * Return: A negative errno, -EINVAL for a name that is not known.
 */
int xs_wire_errno(const char *body, size_t len)
{
	size_t n = strnlen(body, len);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
		const char *name = xsd_errors[i].errstring;

		if (strlen(name) == n && !memcmp(name, body, n))
			return -xsd_errors[i].errnum;
	}
	/* Newer than the table in the header of some kernels. */
	if (n == strlen("EPERM") && !memcmp("EPERM", body, n))
		return -EPERM;
	/* What oxenstored says where xenstored says ENOSPC. */
	if (n == strlen("EQUOTA") && !memcmp("EQUOTA", body, n))
		return -ENOSPC;
	return -EINVAL;
}
EXPORT_SYMBOL_IF_KUNIT(xs_wire_errno);

/**
 * xs_wire_error_name() - name to send to a client for an error number
 * @err: negative errno
 *
 * Context: Any.
 * Return: The protocol's name, "EIO" for errors it has no name for.
 */
const char *xs_wire_error_name(int err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
		if (xsd_errors[i].errnum == -err)
			return xsd_errors[i].errstring;
	}
	return err == -EPERM ? "EPERM" : "EIO";
}
EXPORT_SYMBOL_IF_KUNIT(xs_wire_error_name);

/**
 * xs_wire_next_string() - step through a list of NUL-terminated strings
 * @pos: in: where to look; out: first byte after the string found
 * @end: first byte after the list
 *
 * Context: Any.
 * Return: The string, or NULL if no complete string is left.
 */
const char *xs_wire_next_string(const char **pos, const char *end)
{
	const char *str = *pos;
	const char *nul;

	if (str >= end)
		return NULL;
	nul = memchr(str, '\0', end - str);
	if (!nul)
		return NULL;
	*pos = nul + 1;
	return str;
}
EXPORT_SYMBOL_IF_KUNIT(xs_wire_next_string);

/**
 * xs_wire_count_strings() - number of complete strings in a list
 * @body: the list
 * @len: its length in bytes
 *
 * Context: Any.
 * Return: How many NUL-terminated strings @body holds; a rest without a
 * terminator does not count.
 */
unsigned int xs_wire_count_strings(const char *body, size_t len)
{
	const char *pos = body;
	unsigned int n = 0;

	while (xs_wire_next_string(&pos, body + len))
		n++;
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(xs_wire_count_strings);

/**
 * xs_wire_parse_u32() - decimal number in a payload, such as a transaction id
 * @body: payload, with or without a final NUL
 * @len: its length in bytes
 * @value: where the number goes
 *
 * Context: Any.
 * Return: 0, -EINVAL if the payload is not a decimal number, -ERANGE if it
 * does not fit in 32 bits.
 */
int xs_wire_parse_u32(const char *body, size_t len, u32 *value)
{
	char digits[16];
	size_t n = strnlen(body, len);

	if (n >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, body, n);
	digits[n] = '\0';
	return kstrtou32(digits, 10, value);
}
EXPORT_SYMBOL_IF_KUNIT(xs_wire_parse_u32);

/**
 * xs_wire_path_covers() - can a watch on one path fire for another?
 * @watched: path that was given to XS_WATCH
 * @path: path in the event
 *
 * A watch fires for its own path and for what lies below it (xenstore.txt,
 * WATCH). Trailing slashes of @watched are ignored: some servers accept them.
 *
 * Context: Any.
 * Return: true if an event with @path may belong to a watch on @watched.
 */
bool xs_wire_path_covers(const char *watched, const char *path)
{
	size_t n = strlen(watched);

	while (n && watched[n - 1] == '/')
		n--;
	if (strncmp(watched, path, n))
		return false;
	return path[n] == '\0' || path[n] == '/';
}
EXPORT_SYMBOL_IF_KUNIT(xs_wire_path_covers);
