// SPDX-License-Identifier: GPL-2.0
/*
 * A list of children that is too long for one message, put together from its
 * parts. Each part comes with a number that changes when the list does; the
 * list is then begun again.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "part.h"
#include "store.h"

#define PART_RESTARTS 100

struct part {
	char generation[24];
	char *names;		/* LEN bytes: strings one behind the other */
	size_t len;
	int restarts;
};

/**
 * part_alloc - a list of which nothing has come
 *
 * Context: any.
 * Return: the list, to be released with part_free().
 */
struct part *part_alloc(void)
{
	return store_alloc(sizeof(struct part));
}

/**
 * part_free - free a list
 * @part: the list, or NULL
 *
 * Context: any.
 */
void part_free(struct part *part)
{
	if (part)
		free(part->names);
	free(part);
}

/**
 * part_offset - what to ask for next
 * @part: the list
 *
 * Context: any.
 * Return: where the next part begins.
 */
size_t part_offset(const struct part *part)
{
	return part->len;
}

/* There is always a NUL behind, whatever the server has sent. */
static void part_append(struct part *part, const char *names, size_t len)
{
	char *longer = store_alloc(part->len + len + 1);

	if (part->len)
		memcpy(longer, part->names, part->len);
	memcpy(longer + part->len, names, len);
	free(part->names);
	part->names = longer;
	part->len += len;
}

/**
 * part_take - add a reply of the server
 * @part: the list
 * @body: @len bytes, followed by a NUL: a number in decimal, the strings of
 *	this part, and an empty one behind the last of the list
 * @len: of @body
 *
 * Context: any.
 * Return: what there is to do now.
 */
enum part_state part_take(struct part *part, const char *body, size_t len)
{
	size_t skip = strlen(body) + 1;
	bool last;

	if (skip > len || skip > sizeof(part->generation))
		return PART_WRONG;
	if (part->len && strcmp(part->generation, body)) {
		part->len = 0;
		return part->restarts++ < PART_RESTARTS ? PART_MORE :
							  PART_RESTLESS;
	}
	memcpy(part->generation, body, skip);

	body += skip;
	len -= skip;
	last = len && !body[len - 1] && (len == 1 || !body[len - 2]);
	len -= last;
	part_append(part, body, len);
	if (last)
		return PART_COMPLETE;
	return len ? PART_MORE : PART_WRONG;
}

/**
 * part_names - what has come so far
 * @part: the list
 * @len: set to how many bytes there are
 *
 * Context: any.
 * Return: strings one behind the other, followed by a NUL.
 */
const char *part_names(const struct part *part, size_t *len)
{
	*len = part->len;
	return part->names;
}
