// SPDX-License-Identifier: GPL-2.0
/*
 * The domains of a host, as a host's operator wants to see them, from what the
 * toolstack and the domains keep in the store. Of each domain only the nodes
 * that are shown are asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "store.h"

static const struct plan domains_target[] = {
	{ .name = "target", .want = TREE_VALUE },
	{ 0 }
};

static const struct plan domains_tty[] = {
	{ .name = "tty", .want = TREE_VALUE },
	{ 0 }
};

static const struct plan domains_availability[] = {
	{ .name = "availability", .want = TREE_VALUE },
	{ 0 }
};

static const struct plan domains_cpus[] = {
	{ .below = domains_availability },
	{ 0 }
};

static const struct plan domains_state[] = {
	{ .name = "state", .want = TREE_VALUE },
	{ 0 }
};

static const struct plan domains_devices[] = {
	{ .below = domains_state },
	{ 0 }
};

static const struct plan domains_classes[] = {
	{ .want = TREE_LIST, .below = domains_devices },
	{ 0 }
};

static const struct plan domains_fields[] = {
	{ .name = "name", .want = TREE_VALUE },
	{ .name = "memory", .below = domains_target },
	{ .name = "cpu", .want = TREE_LIST, .below = domains_cpus },
	{ .name = "console", .below = domains_tty },
	{ .name = "device", .want = TREE_LIST, .below = domains_classes },
	{ 0 }
};

/* Its own value is never shown, but says whether there is such a domain. */
static const struct plan domains_each[] = {
	{ .want = TREE_VALUE, .below = domains_fields },
	{ 0 }
};

static const struct plan domains_plan = {
	.want = TREE_LIST, .below = domains_each
};

enum domains_column {
	DOMAINS_ID, DOMAINS_NAME, DOMAINS_MEMORY, DOMAINS_CPUS,
	DOMAINS_CONSOLE, DOMAINS_DEVICES, DOMAINS_COLUMNS
};

static const char *const domains_titles[] = {
	"ID", "NAME", "MEM/MiB", "VCPUS", "CONSOLE", "DEVICES"
};

/* The text of one field of the table. */
struct domains_cell {
	char *text;
	size_t len;
};

static const struct node *domains_child(const struct node *node,
					const char *name)
{
	return node ? tree_child(node, name, strlen(name)) : NULL;
}

static const char *domains_state_name(const struct node *state)
{
	static const char *const names[] = {
		"unknown", "initialising", "initwait", "initialised",
		"connected", "closing", "closed", "reconfiguring",
		"reconfigured"
	};
	unsigned long i;
	char *end;

	if (!state || !state->value)
		return state && state->error ? state->error : "-";
	i = strtoul(state->value, &end, 10);
	if (end == state->value || *end ||
	    i >= sizeof(names) / sizeof(*names))
		return state->value;
	return names[i];
}

/* How many processors are there to be used; -1 if nothing tells. */
static int domains_count_cpus(const struct node *domain)
{
	const struct node *cpu = domains_child(domain, "cpu");
	int online = 0;
	size_t i;

	if (!cpu)
		return -1;
	for (i = 0; i < cpu->count; i++) {
		const struct node *here = domains_child(cpu->child[i],
							"availability");

		online += here && here->value && !strcmp(here->value, "online");
	}
	return online;
}

/* In KiB; -1 if nothing tells. */
static long domains_memory(const struct node *domain)
{
	const struct node *target;
	char *end;
	long kib;

	target = domains_child(domains_child(domain, "memory"), "target");
	if (!target || !target->value)
		return -1;
	kib = strtol(target->value, &end, 10);
	return end == target->value || *end || kib < 0 ? -1 : kib;
}

static void domains_put_number(FILE *out, long number)
{
	if (number < 0)
		fputc('-', out);
	else
		fprintf(out, "%ld", number);
}

static void domains_put_value(FILE *out, const struct node *node)
{
	if (node && node->value)
		fwrite(node->value, node->len, 1, out);
	else
		fputs(node && node->error ? node->error : "-", out);
}

static void domains_put_devices(FILE *out, const struct node *domain)
{
	const struct node *all = domains_child(domain, "device");
	const char *blank = "";
	size_t i, j;

	for (i = 0; all && i < all->count; i++) {
		const struct node *class = all->child[i];

		for (j = 0; j < class->count; j++) {
			const struct node *each = class->child[j];

			fprintf(out, "%s%s/%s=%s", blank, class->name,
				each->name, domains_state_name(domains_child(each, "state")));
			blank = " ";
		}
	}
	if (!*blank)
		fputc('-', out);
}

static struct domains_cell domains_fill(const struct node *domain,
					enum domains_column column)
{
	struct domains_cell cell;
	FILE *out = open_memstream(&cell.text, &cell.len);
	const struct node *console = domains_child(domain, "console");

	if (!out)
		abort();
	if (column == DOMAINS_ID)
		fputs(domain->name, out);
	else if (column == DOMAINS_NAME)
		domains_put_value(out, domains_child(domain, "name"));
	else if (column == DOMAINS_MEMORY)
		domains_put_number(out, domains_memory(domain) < 0 ? -1 :
				   domains_memory(domain) / 1024);
	else if (column == DOMAINS_CPUS)
		domains_put_number(out, domains_count_cpus(domain));
	else if (column == DOMAINS_CONSOLE)
		domains_put_value(out, domains_child(console, "tty"));
	else
		domains_put_devices(out, domain);
	if (fclose(out))
		abort();
	return cell;
}

/* The last column is not padded. */
static void domains_print_cell(const char *text, size_t len,
			       enum domains_column column, const size_t *widths)
{
	size_t width = print_text(text, len);

	if (column + 1 < DOMAINS_COLUMNS)
		print_padding(width, widths[column]);
	else
		putchar('\n');
}

static void domains_print_error(const struct node *domains)
{
	printf("%s ! ", domains->name);
	print_text(domains->error, strlen(domains->error));
	putchar('\n');
}

/**
 * print_domains_plan - what is needed to print domains
 *
 * Context: any.
 * Return: the plan for /local/domain.
 */
const struct plan *print_domains_plan(void)
{
	return &domains_plan;
}

/**
 * print_domains_table - print a line for each domain
 * @domains: the node /local/domain, by print_domains_plan()
 *
 * Context: any.
 */
void print_domains_table(const struct node *domains)
{
	size_t widths[DOMAINS_COLUMNS], i, n = domains->count * DOMAINS_COLUMNS;
	struct domains_cell *cells = store_alloc((n + 1) * sizeof(*cells));
	enum domains_column column;

	for (i = 0; i < DOMAINS_COLUMNS; i++)
		widths[i] = strlen(domains_titles[i]);
	for (i = 0; i < n; i++) {
		size_t width;

		column = i % DOMAINS_COLUMNS;
		cells[i] = domains_fill(domains->child[i / DOMAINS_COLUMNS],
					column);
		width = print_width(cells[i].text, cells[i].len);
		if (width > widths[column])
			widths[column] = width;
	}

	for (column = 0; column < DOMAINS_COLUMNS; column++)
		domains_print_cell(domains_titles[column],
				   strlen(domains_titles[column]), column,
				   widths);
	for (i = 0; i < n; i++) {
		domains_print_cell(cells[i].text, cells[i].len,
				   i % DOMAINS_COLUMNS, widths);
		free(cells[i].text);
	}
	free(cells);
	if (domains->error)
		domains_print_error(domains);
}

static void domains_json_value(const char *name, const struct node *node)
{
	printf(",\"%s\":", name);
	if (node && node->value)
		print_json_string(node->value, node->len);
	else
		fputs("null", stdout);
}

static void domains_json_number(const char *name, long number)
{
	printf(",\"%s\":", name);
	if (number < 0)
		fputs("null", stdout);
	else
		printf("%ld", number);
}

static void domains_json_devices(const struct node *domain)
{
	const struct node *all = domains_child(domain, "device");
	const char *comma = "";
	size_t i, j;

	fputs(",\"devices\":[", stdout);
	for (i = 0; all && i < all->count; i++) {
		const struct node *class = all->child[i];

		for (j = 0; j < class->count; j++) {
			const struct node *each = class->child[j];
			const char *state = domains_state_name(domains_child(each, "state"));

			fputs(comma, stdout);
			print_json_field("class", class->name);
			fputs(",\"id\":", stdout);
			print_json_string(each->name, strlen(each->name));
			fputs(",\"state\":", stdout);
			print_json_string(state, strlen(state));
			putchar('}');
			comma = ",";
		}
	}
	putchar(']');
}

static void domains_json_domain(const struct node *domain)
{
	print_json_field("id", domain->name);
	domains_json_value("name", domains_child(domain, "name"));
	domains_json_number("memory_kib", domains_memory(domain));
	domains_json_number("vcpus", domains_count_cpus(domain));
	domains_json_value("console",
			   domains_child(domains_child(domain, "console"),
					 "tty"));
	domains_json_devices(domain);
	putchar('}');
}

/**
 * print_domains_json - print domains as an array of objects
 * @domains: the node /local/domain, by print_domains_plan()
 *
 * Context: any.
 */
void print_domains_json(const struct node *domains)
{
	size_t i;

	putchar('[');
	if (domains->error) {
		print_json_field("path", domains->name);
		fputs(",\"error\":", stdout);
		print_json_string(domains->error, strlen(domains->error));
		putchar('}');
	}
	for (i = 0; i < domains->count; i++) {
		if (i || domains->error)
			putchar(',');
		domains_json_domain(domains->child[i]);
	}
	puts("]");
}
