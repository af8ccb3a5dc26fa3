/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The default namespace of exports was an identifier, and is a string.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include_next <linux/export.h>

#ifdef DEFAULT_SYMBOL_NAMESPACE
#undef _EXPORT_SYMBOL
#define _EXPORT_SYMBOL(sym, kind) \
	__EXPORT_SYMBOL(sym, kind, DEFAULT_SYMBOL_NAMESPACE)
#endif
