// SPDX-License-Identifier: GPL-2.0
/*
 * lsxenbus: lists the domains of a Xen host, or any part of XenStore, through
 * /dev/xen/xenbus. The options, and the order of things; see lsxenbus(8).
 */
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "print.h"
#include "store.h"
#include "walk.h"

#define MAIN_DOMAINS "/local/domain"

enum main_format {
	MAIN_DEFAULT, MAIN_TREE, MAIN_TABLE, MAIN_JSON
};

struct main_options {
	struct walk_options walk;
	enum main_format format;
	bool domains, stats, watch;
	struct node **roots;
	size_t count;
};

static const char main_usage[] =
	"Usage: lsxenbus [OPTION...] [PATH...]\n"
	"List the domains of a Xen host, or the nodes of XenStore at and below\n"
	"each PATH.\n"
	"\n"
	"  -D, --domains      the domains; the default without a PATH\n"
	"  -r, --tree         below each other; the default with a PATH\n"
	"  -T, --table        a line for each; the default for domains\n"
	"  -j, --json         for programs\n"
	"  -p, --perms        the permissions, too\n"
	"  -t, --transaction  all of it as it was at one moment\n"
	"  -w, --watch        go on, and show it again when it has changed\n"
	"  -s, --stats        say on standard error what it took\n"
	"  -d, --device FILE  instead of /dev/xen/xenbus\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n";

static const struct option main_long[] = {
	{ "domains", no_argument, NULL, 'D' },
	{ "tree", no_argument, NULL, 'r' },
	{ "table", no_argument, NULL, 'T' },
	{ "json", no_argument, NULL, 'j' },
	{ "perms", no_argument, NULL, 'p' },
	{ "transaction", no_argument, NULL, 't' },
	{ "watch", no_argument, NULL, 'w' },
	{ "stats", no_argument, NULL, 's' },
	{ "device", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 }
};

static void main_finish(const char *text)
{
	fputs(text, stdout);
	exit(fflush(stdout) ? 1 : 0);
}

static void main_set_format(struct main_options *options,
			    enum main_format format)
{
	if (options->format != MAIN_DEFAULT && options->format != format)
		errx(2, "only one of --tree, --table and --json");
	options->format = format;
}

static void main_take_option(struct main_options *options, int option)
{
	switch (option) {
	case 'D':
		options->domains = true;
		break;
	case 'r':
		main_set_format(options, MAIN_TREE);
		break;
	case 'T':
		main_set_format(options, MAIN_TABLE);
		break;
	case 'j':
		main_set_format(options, MAIN_JSON);
		break;
	case 'p':
		options->walk.perms = true;
		break;
	case 't':
		options->walk.transaction = true;
		break;
	case 'w':
		options->watch = true;
		break;
	case 's':
		options->stats = true;
		break;
	case 'd':
		options->walk.device = optarg;
		break;
	case 'h':
		main_finish(main_usage);
		break;
	case 'V':
		main_finish("lsxenbus " LSXENBUS_VERSION "\n");
		break;
	default:
		fputs(main_usage, stderr);
		exit(2);
	}
}

static struct node *main_root(const struct plan *plan, const char *path)
{
	size_t len = strlen(path);

	/* The shell's completion likes to put slashes behind. */
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (!len || len > TREE_PATH_MAX)
		errx(2, "'%.40s' is no path", path);
	return tree_add(NULL, plan, path, len);
}

static void main_take_paths(struct main_options *options, char **paths,
			    size_t count)
{
	size_t i;

	options->domains |= !count;
	if (!options->domains) {
		options->roots = store_alloc(count * sizeof(*options->roots));
		for (i = 0; i < count; i++)
			options->roots[i] = main_root(tree_everything(),
						      paths[i]);
		options->count = count;
		return;
	}
	if (count)
		errx(2, "--domains takes no PATH");
	if (options->walk.perms && options->format != MAIN_TREE)
		errx(2, "--perms needs a PATH, or --tree");
	options->roots = store_alloc(sizeof(*options->roots));
	options->roots[0] = main_root(print_domains_plan(), MAIN_DOMAINS);
	options->count = 1;
}

static void main_print(const struct main_options *options)
{
	if (options->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	if (options->domains && options->format == MAIN_JSON)
		print_domains_json(options->roots[0]);
	else if (options->domains && options->format != MAIN_TREE)
		print_domains_table(options->roots[0]);
	else if (options->format == MAIN_JSON)
		print_json(options->roots, options->count);
	else if (options->format == MAIN_TABLE)
		print_table(options->roots, options->count);
	else
		print_tree(options->roots, options->count);
	/* Of pictures in a file, something has to tell where one ends. */
	if (options->watch && options->format != MAIN_JSON &&
	    !isatty(STDOUT_FILENO))
		putchar('\n');
	if (fflush(stdout))
		err(1, "standard output");
}

/* In milliseconds. */
static double main_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* What it took since the last time, or the beginning. */
static void main_print_stats(const struct main_options *options,
			     const struct walk *walk, double start)
{
	static struct store_stats before;
	const struct store_stats *stats = walk_stats(walk);

	if (options->stats)
		fprintf(stderr, "requests %lu waits %lu time %.3f ms\n",
			stats->requests - before.requests,
			stats->waits - before.waits, main_now() - start);
	before = *stats;
}

/*
 * Whether something is missing in the picture. What one may not read below a
 * path is not: in a guest that is most of it.
 */
static bool main_is_incomplete(const struct node *node)
{
	size_t i;

	if (node->gone || (node->error && (!node->parent ||
					   strcmp(node->error, "EACCES"))))
		return true;
	for (i = 0; i < node->count; i++) {
		if (main_is_incomplete(node->child[i]))
			return true;
	}
	return false;
}

static int main_status(const struct main_options *options)
{
	size_t i;

	/* Without domains the node for them does not exist. */
	if (options->domains && options->roots[0]->gone)
		return 0;
	for (i = 0; i < options->count; i++) {
		if (main_is_incomplete(options->roots[i]))
			return 1;
	}
	return 0;
}

static void main_watch(const struct main_options *options, struct walk *walk)
{
	double start;

	for (;;) {
		main_print(options);
		walk_await(walk);
		start = main_now();
		walk_update(walk);
		main_print_stats(options, walk, start);
	}
}

int main(int argc, char **argv)
{
	struct main_options options = { .walk.device = "/dev/xen/xenbus" };
	double start = main_now();
	struct walk *walk;
	int option;
	size_t i;

	while ((option = getopt_long(argc, argv, "DrTjptwsd:hV", main_long,
				     NULL)) != -1)
		main_take_option(&options, option);
	main_take_paths(&options, argv + optind, argc - optind);

	walk = walk_open(&options.walk, options.roots, options.count);
	if (options.watch)
		walk_watch(walk);
	walk_all(walk);
	main_print_stats(&options, walk, start);
	if (options.watch)
		main_watch(&options, walk);
	walk_close(walk);

	main_print(&options);
	option = main_status(&options);
	for (i = 0; i < options.count; i++)
		tree_free(options.roots[i]);
	free(options.roots);
	return option;
}
