/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_CPUMASK_H
#define SHIM_CPUMASK_H

#include "shim.h"

#define num_online_cpus()		shim.cpus

#endif
