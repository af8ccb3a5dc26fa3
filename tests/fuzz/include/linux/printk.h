/* SPDX-License-Identifier: GPL-2.0 */
/* What the driver says is checked like printf(), and not said. */
#ifndef SHIM_PRINTK_H
#define SHIM_PRINTK_H

#include <stdio.h>

#define printk(fmt, ...)						\
	((void)snprintf((char[256]){ 0 }, 256, fmt, ##__VA_ARGS__))
#define pr_debug(...)			printk(__VA_ARGS__)
#define pr_info(...)			printk(__VA_ARGS__)
#define pr_err(...)			printk(__VA_ARGS__)
#define pr_warn(...)			printk(__VA_ARGS__)
#define pr_err_ratelimited(...)		printk(__VA_ARGS__)
#define pr_warn_ratelimited(...)	printk(__VA_ARGS__)

#endif
