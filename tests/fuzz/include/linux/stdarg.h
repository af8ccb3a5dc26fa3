/* SPDX-License-Identifier: GPL-2.0 */
/* The compiler's own, and what formats with it. */
#include <stdarg.h>
#include <stdio.h>
