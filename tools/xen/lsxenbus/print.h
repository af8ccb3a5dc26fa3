/* SPDX-License-Identifier: GPL-2.0 */
/* A picture of the store for people, or for programs. */
#ifndef LSXENBUS_PRINT_H
#define LSXENBUS_PRINT_H

#include "tree.h"

void print_tree(struct node *const *roots, size_t count);
void print_table(struct node *const *roots, size_t count);
void print_json(struct node *const *roots, size_t count);
const struct plan *print_domains_plan(void);
void print_domains_table(const struct node *domains);
void print_domains_json(const struct node *domains);

/* For the others in here. */
size_t print_text(const char *text, size_t len);
size_t print_width(const char *text, size_t len);
void print_padding(size_t done, size_t width);
void print_json_string(const char *text, size_t len);
void print_json_field(const char *name, const char *text);

#endif
