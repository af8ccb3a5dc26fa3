// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of what the files in debugfs say.
 *
 * Mostly the text goes to a buffer of the test. Files are opened for lists that
 * take more than one read; tests/loop reads them while things move.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "debugfs.h"
#include "fake_user.h"

struct debugfs_fixture {
	struct test_env *site;
	struct seq_file m;
	char text[4096];
};

static int debugfs_init(struct kunit *test)
{
	struct debugfs_fixture *f;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->site = test_env_create(test);
	f->m.buf = f->text;
	f->m.size = sizeof(f->text) - 1;
	test->priv = f;
	return 0;
}

static struct xs_request *debugfs_submit(struct kunit *test, u32 type)
{
	struct debugfs_fixture *f = test->priv;

	return fake_conn_submit(test, f->site->conn, type, "/secret", 8);
}

/* The requests, as if the file had been read. */
static const char *debugfs_requests(struct debugfs_fixture *f)
{
	unsigned int i;

	f->m.count = 0;
	for (i = 0; i < XS_PENDING_BUCKETS; i++)
		xs_debugfs_show_bucket(&f->m, f->site->conn, i);
	f->text[f->m.count] = '\0';
	return f->text;
}

static const char *debugfs_watch(struct debugfs_fixture *f,
				 const struct xs_watch_entry *entry)
{
	f->m.count = 0;
	xs_debugfs_show_watch(&f->m, &f->site->store.watches, entry);
	f->text[f->m.count] = '\0';
	return f->text;
}

static void debugfs_expect_has(struct kunit *test, const char *text,
			       const char *part)
{
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(text, part), "no %s in:\n%s",
				  part, text);
}

static void debugfs_expect_lacks(struct kunit *test, const char *text,
				 const char *part)
{
	KUNIT_EXPECT_NULL_MSG(test, strstr(text, part), "%s in:\n%s", part,
			      text);
}

/* Requests */

static void request_is_listed_from_submission_to_reply(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	struct xs_request *req = debugfs_submit(test, XS_READ);

	debugfs_expect_has(test, debugfs_requests(f), "1 READ 0 8 queued ");
	test_env_run(f->site);
	debugfs_expect_has(test, debugfs_requests(f), "1 READ 0 8 sent ");
	debugfs_expect_has(test, f->text, " kernel\n");
	fake_peer_reply(f->site->peer, XS_READ, req->id, "value", 5);
	test_env_run(f->site);
	KUNIT_EXPECT_STREQ(test, debugfs_requests(f), "");
}

static void every_request_has_a_line(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	unsigned int i, lines = 0;
	const char *pos;

	for (i = 0; i < 20; i++)
		debugfs_submit(test, XS_WRITE);
	for (pos = debugfs_requests(f); (pos = strchr(pos, '\n')); pos++)
		lines++;

	KUNIT_EXPECT_EQ(test, lines, 20);
	KUNIT_EXPECT_FALSE(test, seq_has_overflowed(&f->m));
}

static void payload_of_a_request_is_not_shown(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;

	debugfs_submit(test, XS_READ);
	test_env_run(f->site);

	debugfs_expect_lacks(test, debugfs_requests(f), "secret");
}

static void age_is_the_time_since_submission(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	unsigned int id, tx, len, age;
	char type[20], state[20];
	int n;

	debugfs_submit(test, XS_READ)->submitted -= 7 * (u64)NSEC_PER_SEC;
	n = sscanf(debugfs_requests(f), "%u %19s %u %u %19s %u", &id, type, &tx,
		   &len, state, &age);
	KUNIT_ASSERT_EQ(test, n, 6);
	KUNIT_EXPECT_GE(test, age, 7 * USEC_PER_SEC);
	KUNIT_EXPECT_LT(test, age, 100 * USEC_PER_SEC);
}

static void age_of_a_request_from_the_future_is_nothing(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;

	debugfs_submit(test, XS_READ)->submitted += 7 * (u64)NSEC_PER_SEC;

	debugfs_expect_has(test, debugfs_requests(f), " queued 0 kernel\n");
}

static void request_of_a_holder_is_the_kernel_s(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;

	xs_conn_hold(f->site->conn);
	debugfs_submit(test, XS_READ);
	debugfs_expect_has(test, debugfs_requests(f), " kernel\n");
	xs_conn_unhold(f->site->conn);
}

static void request_of_no_type_is_a_number(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;

	debugfs_submit(test, XS_SET_TARGET + 1);
	debugfs_expect_has(test, debugfs_requests(f), "1 20 0 8 queued ");
	debugfs_submit(test, 4711);
	debugfs_expect_has(test, debugfs_requests(f), "2 4711 0 8 queued ");
}

static void request_of_a_client_is_of_a_file(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);

	fake_user_send(f->site, session, XS_READ, 7, 0, "/secret", 8);
	debugfs_expect_has(test, debugfs_requests(f), " file\n");
	debugfs_expect_lacks(test, f->text, "kernel");
	test_env_answer_all(f->site);
	fake_user_close(f->site, session);
}

/* Watches */

static void watch_of_a_driver_has_its_pending_events(struct kunit *test)
{
	struct xenbus_watch watch = { .node = "/some/path", .nr_pending = 3 };
	struct debugfs_fixture *f = test->priv;
	struct xs_watch_entry *entry;

	entry = xs_watch_entry_alloc(watch.node, "", 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(entry));
	entry->watch = &watch;
	entry->id = 42;
	KUNIT_EXPECT_STREQ(test, debugfs_watch(f, entry),
			   "42 driver 3 /some/path\n");
	xs_watch_entry_put(entry);
}

static void watch_that_was_unregistered_is_not_touched(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	struct xs_watch_entry *entry;

	entry = xs_watch_entry_alloc("/gone", "", 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(entry));
	entry->watch = ERR_PTR(-ENOENT);
	entry->dead = true;
	KUNIT_EXPECT_STREQ(test, debugfs_watch(f, entry), "0 driver 0 /gone\n");
	xs_watch_entry_put(entry);
}

static void watch_has_one_line_whatever_its_path(struct kunit *test)
{
	struct xenbus_watch watch = { .node = "/a b\n1 driver\\\x01" };
	struct debugfs_fixture *f = test->priv;
	struct xs_watch_entry *entry;

	entry = xs_watch_entry_alloc(watch.node, "", 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(entry));
	entry->watch = &watch;
	KUNIT_EXPECT_STREQ(test, debugfs_watch(f, entry),
			   "0 driver 0 /a\\040b\\0121\\040driver\\134\\001\n");
	xs_watch_entry_put(entry);
}

static void watch_of_a_client_is_direct(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	struct xs_session *session = fake_user_open(f->site);
	struct xs_watch_entry *entry;
	unsigned long id = 0;

	fake_user_watch(f->site, session, "/path\0token", 12);
	entry = xa_find(&f->site->store.watches.entries, &id, ULONG_MAX, XA_PRESENT);
	KUNIT_EXPECT_STREQ(test, debugfs_watch(f, entry), "1 direct - /path\n");
	debugfs_expect_lacks(test, f->text, "token");
	fake_user_close(f->site, session);
}

/* Lists that are longer than a buffer */

static struct file *debugfs_open(struct kunit *test, const char *name)
{
	struct path root;
	struct file *file;

	root.mnt = kern_mount(get_fs_type("debugfs"));
	KUNIT_ASSERT_FALSE(test, IS_ERR(root.mnt));
	root.dentry = root.mnt->mnt_root;
	file = file_open_root(&root, name, O_RDONLY, 0);
	kern_unmount(root.mnt);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	return file;
}

static unsigned int debugfs_count(const char *text, size_t len, char c)
{
	unsigned int n = 0;

	while (len--)
		n += text[len] == c;
	return n;
}

/* Reads a file to its end; lines that it has, but for the first. */
static unsigned int debugfs_lines(struct kunit *test, const char *name)
{
	struct debugfs_fixture *f = test->priv;
	struct file *file = debugfs_open(test, name);
	unsigned int lines = 0;
	struct kiocb iocb;
	struct kvec part;
	struct iov_iter to;
	ssize_t n;

	init_sync_kiocb(&iocb, file);
	do {
		part.iov_base = f->text;
		part.iov_len = sizeof(f->text);
		iov_iter_kvec(&to, ITER_DEST, &part, 1, part.iov_len);
		n = seq_read_iter(&iocb, &to);
		if (n > 0)
			lines += debugfs_count(f->text, n, '\n');
	} while (n > 0);
	filp_close(file, NULL);
	KUNIT_EXPECT_EQ(test, n, 0);
	return lines - 1;
}

static void debugfs_remove_dir(void *dir)
{
	debugfs_remove(dir);
}

static void debugfs_create_files(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	struct dentry *dir = xs_debugfs_create(&f->site->store);

	if (IS_ERR(dir))
		kunit_skip(test, "this kernel has a store already");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test,
							debugfs_remove_dir,
							dir), 0);
}

static void all_requests_are_in_the_file(struct kunit *test)
{
	unsigned int i;

	debugfs_create_files(test);
	KUNIT_EXPECT_EQ(test, debugfs_lines(test, "xenbus/requests"), 0);
	/* More than chains, more than fit into a page. */
	for (i = 0; i < XS_PENDING_BUCKETS + 10; i++)
		debugfs_submit(test, XS_READ);

	KUNIT_EXPECT_EQ(test, debugfs_lines(test, "xenbus/requests"),
			XS_PENDING_BUCKETS + 10);
}

static struct xs_watch_entry *debugfs_add_watch(struct kunit *test,
						struct xenbus_watch *watch)
{
	struct debugfs_fixture *f = test->priv;
	struct xs_watch_entry *entry;

	entry = xs_watch_entry_alloc(watch->node, "", 0, GFP_KERNEL);
	KUNIT_ASSERT_FALSE(test, IS_ERR(entry));
	entry->watch = watch;
	KUNIT_ASSERT_EQ(test, xs_watch_entry_add(&f->site->store.watches, entry), 0);
	xs_watch_entry_put(entry);
	return entry;
}

static void all_watches_are_in_the_file(struct kunit *test)
{
	struct xenbus_watch watch = { .node = "/some/path" };
	struct debugfs_fixture *f = test->priv;
	struct xs_watch_entry *entry;
	unsigned long id;
	unsigned int i;

	debugfs_create_files(test);
	KUNIT_EXPECT_EQ(test, debugfs_lines(test, "xenbus/watches"), 0);
	for (i = 0; i < 500; i++)
		debugfs_add_watch(test, &watch);
	/* Ids need not follow each other. */
	for (i = 0; i < 100; i++)
		xs_watch_entry_remove(&f->site->store.watches,
				      xa_load(&f->site->store.watches.entries,
					      1 + 5 * i));

	KUNIT_EXPECT_EQ(test, debugfs_lines(test, "xenbus/watches"), 400);
	xa_for_each(&f->site->store.watches.entries, id, entry)
		xs_watch_entry_remove(&f->site->store.watches, entry);
}

/* Counters and latencies */

static void counters_are_lines_of_name_and_value(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	struct xs_request *req = debugfs_submit(test, XS_READ);

	test_env_run(f->site);
	fake_peer_reply(f->site->peer, XS_READ, req->id, "value", 5);
	fake_peer_reply(f->site->peer, XS_READ, req->id, "again", 5);
	fake_peer_event(f->site->peer, "/path", "unknown");
	test_env_run(f->site);
	xs_debugfs_show_counters(&f->m, &f->site->store.watches);

	debugfs_expect_has(test, f->text, "connected 1\n");
	debugfs_expect_has(test, f->text, "\nresumes 0\n");
	debugfs_expect_has(test, f->text, "\nsubmitted 1\n");
	debugfs_expect_has(test, f->text, "\nsent 1\n");
	debugfs_expect_has(test, f->text, "\nreplies 1\n");
	debugfs_expect_has(test, f->text, "\nstrays 1\n");
	debugfs_expect_has(test, f->text, "\nevents 1\n");
	debugfs_expect_has(test, f->text, "\nevents_dropped 1\n");
	debugfs_expect_has(test, f->text, "\nwatches_lost 0\n");
}

static void type_that_was_answered_has_a_row(struct kunit *test)
{
	struct debugfs_fixture *f = test->priv;
	unsigned long *row = f->site->conn->stats.latency[XS_GET_PERMS];

	row[0] = 5;
	row[XS_LATENCY_BUCKETS - 1] = 7;
	f->site->conn->stats.latency[XS_TYPE_COUNT][1] = 1;
	xs_debugfs_show_latency(&f->m, f->site->conn);

	debugfs_expect_has(test, f->text, "type 1 2 4 8 16 ");
	debugfs_expect_has(test, f->text, " 4194304 more\n");
	debugfs_expect_has(test, f->text,
			   "\nGET_PERMS 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 7\n");
	debugfs_expect_has(test, f->text, "\nother 0 1 0 ");
	debugfs_expect_lacks(test, f->text, "READ");
}

static struct kunit_case debugfs_cases[] = {
	KUNIT_CASE(request_is_listed_from_submission_to_reply),
	KUNIT_CASE(every_request_has_a_line),
	KUNIT_CASE(payload_of_a_request_is_not_shown),
	KUNIT_CASE(age_is_the_time_since_submission),
	KUNIT_CASE(age_of_a_request_from_the_future_is_nothing),
	KUNIT_CASE(request_of_a_holder_is_the_kernel_s),
	KUNIT_CASE(request_of_no_type_is_a_number),
	KUNIT_CASE(request_of_a_client_is_of_a_file),
	KUNIT_CASE(watch_of_a_driver_has_its_pending_events),
	KUNIT_CASE(watch_that_was_unregistered_is_not_touched),
	KUNIT_CASE(watch_has_one_line_whatever_its_path),
	KUNIT_CASE(watch_of_a_client_is_direct),
	KUNIT_CASE(all_requests_are_in_the_file),
	KUNIT_CASE(all_watches_are_in_the_file),
	KUNIT_CASE(counters_are_lines_of_name_and_value),
	KUNIT_CASE(type_that_was_answered_has_a_row),
	{}
};

static struct kunit_suite debugfs_suite = {
	.name = "xenstore_debugfs",
	.init = debugfs_init,
	.test_cases = debugfs_cases,
};

kunit_test_suite(debugfs_suite);
