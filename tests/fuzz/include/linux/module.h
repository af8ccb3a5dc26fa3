/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_MODULE_H
#define SHIM_MODULE_H

#define MODULE_DESCRIPTION(text)	struct shim_unused
#define MODULE_LICENSE(text)		struct shim_unused

/* Nothing can be unloaded. */
#define module_put(module)		((void)(module))

/* What the driver does first of all; the harness calls it by name. */
#define core_initcall(fn)						\
	int shim_call_##fn(void);					\
	int shim_call_##fn(void) { return fn(); }			\
	struct shim_unused
#define module_exit(fn)							\
	void shim_call_##fn(void);					\
	void shim_call_##fn(void) { fn(); }				\
	struct shim_unused

#endif
