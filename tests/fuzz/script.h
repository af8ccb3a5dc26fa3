/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An input as a script: letters that name operations, each followed by digits.
 * Any byte will do for a digit; '0' to '9' stand for what they say, so that
 * seeds can be written and read. A '#' begins a comment.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <linux/types.h>

struct script {
	const u8 *pos;
	const u8 *end;
};

static inline u8 script_byte(struct script *s)
{
	return s->pos < s->end ? *s->pos++ : '0';
}

/* 0 to 15 */
static inline unsigned int script_digit(struct script *s)
{
	return script_byte(s) & 15;
}

/* The next operation; 0 at the end. */
static inline u8 script_next(struct script *s)
{
	bool comment = false;

	while (s->pos < s->end) {
		u8 c = *s->pos++;

		if (c == '#')
			comment = true;
		else if (c == '\n')
			comment = false;
		else if (!comment && c > ' ')
			return c;
	}
	return 0;
}

/* A length, with those among them at which something changes. */
static inline size_t script_length(struct script *s)
{
	static const size_t lengths[16] = {
		0, 1, 2, 3, 4, 8, 15, 16, 17, 100, 1008, 1023, 1024, 1025,
		4096, 4112
	};

	return lengths[script_digit(s)];
}

static inline u32 script_u32(struct script *s)
{
	u32 value = script_byte(s);

	value |= script_byte(s) << 8;
	value |= script_byte(s) << 16;
	return value | (u32)script_byte(s) << 24;
}

#endif
