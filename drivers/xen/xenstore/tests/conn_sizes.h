/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sizes of messages, for the suites of the two directions.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_CONN_SIZES_H
#define _XENSTORE_CONN_SIZES_H

#include <kunit/test.h>

/* How long a body is, and how many bytes the server moves at a time. */
struct conn_size_case {
	const char *name;
	size_t len;
	size_t chunk;
};

static const struct conn_size_case conn_size_cases[] = {
	{ "nothing at once", 0, SIZE_MAX },
	{ "one byte at once", 1, SIZE_MAX },
	{ "15 at once", 15, SIZE_MAX },
	{ "16 at once", 16, SIZE_MAX },
	{ "one ring at once", 1008, SIZE_MAX },
	{ "one ring and a byte at once", 1009, SIZE_MAX },
	{ "two rings at once", 2032, SIZE_MAX },
	{ "the most at once", 4096, SIZE_MAX },
	{ "nothing by bytes", 0, 1 },
	{ "one byte by bytes", 1, 1 },
	{ "16 by bytes", 16, 1 },
	{ "one ring by bytes", 1008, 1 },
	{ "one ring and a byte by bytes", 1009, 1 },
	{ "the most by bytes", 4096, 1 },
	{ "the most by 15", 4096, 15 },
	{ "the most by 17", 4096, 17 },
	{ "the most by 1023", 4096, 1023 },
};

KUNIT_ARRAY_PARAM_DESC(conn_size, conn_size_cases, name);

#endif /* _XENSTORE_CONN_SIZES_H */
