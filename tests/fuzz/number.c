// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers in strings, for every program that the driver's files are part of.
 */
#include <linux/kstrtox.h>
#include <stdlib.h>

int kstrtou32(const char *s, unsigned int base, u32 *value)
{
	unsigned long long n;
	char *end;

	/* strtoull() would skip space and take signs. */
	if (*s == '+')
		s++;
	if (!*s || strchr(" \t\n\v\f\r+-", *s))
		return -EINVAL;
	errno = 0;
	n = strtoull(s, &end, base);
	if (*end == '\n')
		end++;
	if (end == s || *end)
		return -EINVAL;
	if (errno || n > UINT_MAX)
		return -ERANGE;
	*value = n;
	return 0;
}
