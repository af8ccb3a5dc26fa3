/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parameters that carry their description. Before, a function told it.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include_next <kunit/test.h>

#ifndef COMPAT_KUNIT_PARAM_DESC_H
#define COMPAT_KUNIT_PARAM_DESC_H

#include <linux/string.h>

#define KUNIT_ARRAY_PARAM_DESC(name, array, member)			\
	static void name##_compat_desc(typeof(&(array)[0]) param,	\
				       char *desc)			\
	{								\
		strscpy(desc, param->member, KUNIT_PARAM_DESC_SIZE);	\
	}								\
	KUNIT_ARRAY_PARAM(name, array, name##_compat_desc)

#endif /* COMPAT_KUNIT_PARAM_DESC_H */
