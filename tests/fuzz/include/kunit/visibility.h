/* SPDX-License-Identifier: GPL-2.0 */
/* Suites are another matter: here, everything is linked statically. */
#ifndef SHIM_KUNIT_VISIBILITY_H
#define SHIM_KUNIT_VISIBILITY_H

#define VISIBLE_IF_KUNIT		static
#define EXPORT_SYMBOL_IF_KUNIT(name)	struct shim_unused

#endif
