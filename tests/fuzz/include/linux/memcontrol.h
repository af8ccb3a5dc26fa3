/* SPDX-License-Identifier: GPL-2.0 */
/* There are no memory cgroups here. */
#ifndef SHIM_MEMCONTROL_H
#define SHIM_MEMCONTROL_H

#define get_mem_cgroup_from_mm(mm)	((struct mem_cgroup *)NULL)
#define mem_cgroup_put(memcg)		((void)(memcg))

#endif
