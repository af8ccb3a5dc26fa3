/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The namespace of an import was an identifier, and is a string.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include_next <linux/module.h>

#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns)	MODULE_INFO(import_ns, ns)
