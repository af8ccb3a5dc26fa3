/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_STRINGHASH_H
#define SHIM_STRINGHASH_H

/* As bad as a hash can be, so that different strings collide. */
#define full_name_hash(salt, name, len)	((u32)(len))

#endif
