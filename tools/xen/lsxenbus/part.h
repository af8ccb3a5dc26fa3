/* SPDX-License-Identifier: GPL-2.0 */
/* A list of children that is too long for one message. */
#ifndef LSXENBUS_PART_H
#define LSXENBUS_PART_H

#include <stddef.h>

struct part;

/** enum part_state - what a part has led to */
enum part_state {
	/** @PART_MORE: the next one is to be asked for, at part_offset() */
	PART_MORE,
	/** @PART_COMPLETE: the list is there */
	PART_COMPLETE,
	/** @PART_RESTLESS: the list changes faster than it can be read */
	PART_RESTLESS,
	/** @PART_WRONG: this is not how a part looks */
	PART_WRONG,
};

struct part *part_alloc(void);
void part_free(struct part *part);
size_t part_offset(const struct part *part);
enum part_state part_take(struct part *part, const char *body, size_t len);
const char *part_names(const struct part *part, size_t *len);

#endif
