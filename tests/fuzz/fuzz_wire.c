// SPDX-License-Identifier: GPL-2.0
/*
 * The parsers of the wire format against slower ones, byte by byte. The input
 * lies in a block of its own size, so that a byte too many is noticed.
 */
#include <linux/errno.h>
#include <stdlib.h>

#include "shim.h"
#include "wire.h"

static void check_header(const char *body, size_t len)
{
	struct xsd_sockmsg hdr;
	int err;

	if (len < sizeof(hdr))
		return;
	memcpy(&hdr, body, sizeof(hdr));
	err = xs_wire_check_header(&hdr);
	SHIM_BUG_ON(err != (hdr.len > 4096 ? -E2BIG : 0));
}

static void check_strings(const char *body, size_t len)
{
	const char *pos = body, *str;
	unsigned int nuls = 0, n = 0;
	size_t i;

	for (i = 0; i < len; i++)
		nuls += !body[i];
	while ((str = xs_wire_next_string(&pos, body + len))) {
		SHIM_BUG_ON(pos != str + strlen(str) + 1);
		SHIM_BUG_ON(pos > body + len);
		n++;
	}
	SHIM_BUG_ON(n != nuls);
	SHIM_BUG_ON(xs_wire_count_strings(body, len) != nuls);
}

static void check_u32(const char *body, size_t len)
{
	size_t n = strnlen(body, len), i;
	u64 number = 0;
	bool digits = n;
	u32 value = 0;
	int err;

	for (i = 0; i < n; i++) {
		digits &= body[i] >= '0' && body[i] <= '9';
		number = number > UINT_MAX ? number : number * 10 + body[i] - '0';
	}
	err = xs_wire_parse_u32(body, len, &value);
	if (digits && n < 16)
		SHIM_BUG_ON(err != (number > UINT_MAX ? -ERANGE : 0));
	else if (!digits && n && body[0] != '+' && body[n - 1] != '\n')
		SHIM_BUG_ON(err != -EINVAL);
	SHIM_BUG_ON(digits && !err && value != number);
}

static void check_error(const char *body, size_t len)
{
	int err = xs_wire_errno(body, len);
	const char *name;

	SHIM_BUG_ON(err >= 0);
	name = xs_wire_error_name(err);
	SHIM_BUG_ON(strlen(name) + 1 > 16);
	SHIM_BUG_ON(xs_wire_errno(name, strlen(name)) != err);
	/* What is not a name is not taken for one; this one is not in the table. */
	if (err != -EINVAL &&
	    (strnlen(body, len) != 6 || memcmp(body, "EQUOTA", 6)))
		SHIM_BUG_ON(strlen(name) != strnlen(body, len) ||
			    memcmp(name, body, strlen(name)));
	/* Every number that is an error has a name. */
	if (len >= 2) {
		name = xs_wire_error_name(-(((u8)body[0] << 8 | (u8)body[1]) & 4095));
		SHIM_BUG_ON(xs_wire_errno(name, strlen(name) + 1) >= 0);
	}
}

static bool covers(const char *watched, const char *path)
{
	size_t n = strlen(watched), i;

	while (n && watched[n - 1] == '/')
		n--;
	for (i = 0; i < n; i++) {
		if (path[i] != watched[i])
			return false;
	}
	return !path[n] || path[n] == '/';
}

static void check_covers(const char *body, size_t len)
{
	const char *pos = body, *watched, *path;

	watched = xs_wire_next_string(&pos, body + len);
	path = xs_wire_next_string(&pos, body + len);
	if (watched && path)
		SHIM_BUG_ON(xs_wire_path_covers(watched, path) !=
			    covers(watched, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body = malloc(size);

	memcpy(body, data, size);
	check_header(body, size);
	check_strings(body, size);
	check_u32(body, size);
	check_error(body, size);
	check_covers(body, size);
	free(body);
	return 0;
}
