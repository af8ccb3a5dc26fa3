// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes as JSON, for programs: a picture is one line. JSON has no bytes, only
 * characters. A value that is UTF-8 is a string; any other is told in
 * hexadecimal digits, under another name.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "print.h"

/*
 * How many bytes the character at TEXT has, of LEN that there are; 0 if they
 * are not UTF-8: too long a form of it, half of a pair, or beyond the last.
 */
static size_t json_char(const char *text, size_t len)
{
	const unsigned char *at = (const unsigned char *)text;
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned int code;
	size_t size, i;

	if (at[0] < 0x80)
		return 1;
	size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
	if (at[0] < 0xc0 || at[0] > 0xf7 || size > len)
		return 0;
	code = at[0] & (0xff >> (size + 1));
	for (i = 1; i < size; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (code < least[size] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	return size;
}

static bool json_is_text(const char *text, size_t len)
{
	size_t size;

	for (; len; text += size, len -= size) {
		size = json_char(text, len);
		if (!size)
			return false;
	}
	return true;
}

/**
 * print_json_string - print bytes as a string
 * @text: @len bytes; what is not UTF-8 becomes a replacement character
 * @len: of @text
 *
 * Context: any.
 */
void print_json_string(const char *text, size_t len)
{
	size_t size;

	putchar('"');
	for (; len; text += size, len -= size) {
		size = json_char(text, len);
		if (!size) {
			fputs("\\ufffd", stdout);
			size = 1;
		} else if (*text == '"' || *text == '\\') {
			printf("\\%c", *text);
		} else if (size == 1 && (*text < ' ' || *text == 0x7f)) {
			printf("\\u%04x", *text);
		} else {
			fwrite(text, size, 1, stdout);
		}
	}
	putchar('"');
}

/**
 * print_json_field - print a member of an object, the first one
 * @name: of the member
 * @text: its value, a string
 *
 * Context: any.
 */
void print_json_field(const char *name, const char *text)
{
	printf("{\"%s\":", name);
	print_json_string(text, strlen(text));
}

static void json_print_value(const struct node *node)
{
	size_t i;

	if (json_is_text(node->value, node->len)) {
		fputs(",\"value\":", stdout);
		print_json_string(node->value, node->len);
		return;
	}
	fputs(",\"value_hex\":\"", stdout);
	for (i = 0; i < node->len; i++)
		printf("%02x", (unsigned char)node->value[i]);
	putchar('"');
}

static void json_print_perms(const char *perms)
{
	const char *end;

	fputs(",\"perms\":[", stdout);
	for (; *perms; perms = end + (*end != 0)) {
		end = strchrnul(perms, ',');
		print_json_string(perms, end - perms);
		if (*end)
			putchar(',');
	}
	putchar(']');
}

static void json_print_node(const struct node *node)
{
	size_t i;

	print_json_field(node->parent ? "name" : "path", node->name);
	if (node->value)
		json_print_value(node);
	if (node->perms)
		json_print_perms(node->perms);
	if (node->error || node->gone) {
		const char *error = node->gone ? "ENOENT" : node->error;

		fputs(",\"error\":", stdout);
		print_json_string(error, strlen(error));
	}
	if (node->count)
		fputs(",\"children\":[", stdout);
	for (i = 0; i < node->count; i++) {
		if (i)
			putchar(',');
		json_print_node(node->child[i]);
	}
	fputs(node->count ? "]}" : "}", stdout);
}

/**
 * print_json - print nodes as an array of objects
 * @roots: what to print
 * @count: of @roots
 *
 * Context: any.
 */
void print_json(struct node *const *roots, size_t count)
{
	size_t i;

	putchar('[');
	for (i = 0; i < count; i++) {
		if (i)
			putchar(',');
		json_print_node(roots[i]);
	}
	puts("]");
}
