/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_MODULE_H
#define SHIM_MODULE_H

#define MODULE_DESCRIPTION(text)	struct shim_unused
#define MODULE_LICENSE(text)		struct shim_unused

/* Nothing can be unloaded. */
#define module_put(module)		((void)(module))

#endif
