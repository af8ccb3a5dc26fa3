// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes as text, for people: a tree, or a table with a line for each. What
 * guests have written must not reach the terminal as it is, so everything but
 * printable ASCII is escaped, as in a string of C.
 */
#include <stdio.h>
#include <string.h>

#include "print.h"

#define TEXT_GAP 2	/* between columns */

static const char *text_escape(unsigned char byte)
{
	static char escape[8];
	static const char from[] = "\n\r\t\\\"", to[] = "nrt\\\"";
	const char *known = byte ? strchr(from, byte) : NULL;

	if (known)
		snprintf(escape, sizeof(escape), "\\%c", to[known - from]);
	else if (byte < ' ' || byte > '~')
		snprintf(escape, sizeof(escape), "\\x%02x", byte);
	else
		snprintf(escape, sizeof(escape), "%c", byte);
	return escape;
}

/**
 * print_width - how many columns bytes take if they are printed
 * @text: @len bytes
 * @len: of @text
 *
 * Context: any.
 * Return: as print_text() would.
 */
size_t print_width(const char *text, size_t len)
{
	size_t width = 0;

	while (len--)
		width += strlen(text_escape(*text++));
	return width;
}

/**
 * print_text - print bytes of which nothing is known
 * @text: @len bytes
 * @len: of @text
 *
 * Context: any.
 * Return: how many columns that took.
 */
size_t print_text(const char *text, size_t len)
{
	size_t width = 0;

	while (len--) {
		const char *escape = text_escape(*text++);

		width += strlen(escape);
		fputs(escape, stdout);
	}
	return width;
}

/**
 * print_padding - go to the next column of a table
 * @done: what the last one took
 * @width: what its longest entry takes
 *
 * Context: any.
 */
void print_padding(size_t done, size_t width)
{
	printf("%*s", (int)(width - done + TEXT_GAP), "");
}

static void text_print_value(const struct node *node)
{
	putchar('"');
	print_text(node->value, node->len);
	putchar('"');
}

/* Without a value and an error it is a node that was not asked for any. */
static void text_print_node(const struct node *node, int depth)
{
	size_t i;

	printf("%*s", depth, "");
	print_text(node->name, strlen(node->name));
	if (node->value) {
		fputs(" = ", stdout);
		text_print_value(node);
	}
	if (node->perms) {
		fputs("   (", stdout);
		print_text(node->perms, strlen(node->perms));
		putchar(')');
	}
	if (node->error || node->gone) {
		fputs(" ! ", stdout);
		if (node->gone)
			fputs("ENOENT", stdout);
		else
			print_text(node->error, strlen(node->error));
	}
	putchar('\n');
	for (i = 0; i < node->count; i++)
		text_print_node(node->child[i], depth + 1);
}

/**
 * print_tree - print nodes below each other, indented by their depth
 * @roots: what to print
 * @count: of @roots
 *
 * Context: any.
 */
void print_tree(struct node *const *roots, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		text_print_node(roots[i], 0);
}

struct text_table {
	size_t path, perms;	/* the widths of the columns */
};

static size_t text_path(const struct node *node, char *path)
{
	size_t len = tree_path(node, path, TREE_PATH_MAX + 1);

	/* It is too long; what the node itself is called must do. */
	if (!len)
		len = snprintf(path, TREE_PATH_MAX + 1, "%s", node->name);
	return len < TREE_PATH_MAX ? len : TREE_PATH_MAX;
}

static void text_measure(struct text_table *table, const struct node *node)
{
	static char path[TREE_PATH_MAX + 1];
	size_t i, width;

	width = print_width(path, text_path(node, path));
	if (width > table->path)
		table->path = width;
	width = node->perms ? print_width(node->perms, strlen(node->perms)) : 0;
	if (width > table->perms)
		table->perms = width;
	for (i = 0; i < node->count; i++)
		text_measure(table, node->child[i]);
}

static void text_print_row(const struct text_table *table,
			   const struct node *node)
{
	static char path[TREE_PATH_MAX + 1];
	const char *perms = node->perms ? node->perms : "";
	size_t i;

	print_padding(print_text(path, text_path(node, path)), table->path);
	if (table->perms)
		print_padding(print_text(perms, strlen(perms)), table->perms);
	if (node->value)
		text_print_value(node);
	if (node->error || node->gone)
		printf("%s! ", node->value ? " " : "");
	if (node->gone)
		fputs("ENOENT", stdout);
	else if (node->error)
		print_text(node->error, strlen(node->error));
	putchar('\n');
	for (i = 0; i < node->count; i++)
		text_print_row(table, node->child[i]);
}

/**
 * print_table - print a line for each node, with its whole path
 * @roots: what to print
 * @count: of @roots
 *
 * Context: any.
 */
void print_table(struct node *const *roots, size_t count)
{
	struct text_table table = { .path = strlen("PATH") };
	size_t i;

	for (i = 0; i < count; i++)
		text_measure(&table, roots[i]);
	if (table.perms && table.perms < strlen("PERMS"))
		table.perms = strlen("PERMS");

	print_padding(printf("PATH"), table.path);
	if (table.perms)
		print_padding(printf("PERMS"), table.perms);
	puts("VALUE");
	for (i = 0; i < count; i++)
		text_print_row(&table, roots[i]);
}
