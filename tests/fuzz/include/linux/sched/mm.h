/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_SCHED_MM_H
#define SHIM_SCHED_MM_H

#define set_active_memcg(memcg)		((struct mem_cgroup *)(memcg))

#endif
