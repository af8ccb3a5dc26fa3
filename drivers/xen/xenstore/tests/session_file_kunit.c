// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of a session as an open file.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "fake_user.h"

#define KEY_SIZE	(sizeof(struct xsd_sockmsg) + 4)

struct file_fixture {
	struct test_env *env;
	struct file *file;
	struct xs_session *session;
	char out[KEY_SIZE];
};

static const struct file_operations file_fops = {
	.release = xs_session_file_release,
	.read_iter = xs_session_file_read,
	.write_iter = xs_session_file_write,
	.poll = xs_session_file_poll,
};

/* The session must go away with the file, at the latest once it is undone. */
static void file_release(void *data)
{
	struct file_fixture *f = data;
	struct kunit *test = f->env->test;

	if (f->file) {
		fput(f->file);
		flush_delayed_fput();
	}
	do {
		flush_work(&f->session->cleanup_work);
	} while (test_env_answer_all(f->env));
	KUNIT_EXPECT_EQ(test, kref_read(&f->session->ref), 1);
	xs_session_put(f->session);
}

static int file_init(struct kunit *test)
{
	struct file_fixture *f;
	struct file *file;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->env = test_env_create(test);
	file = anon_inode_getfile("[xenstore]", &file_fops, NULL, O_RDWR);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	KUNIT_ASSERT_EQ(test, xs_session_file_open(file_inode(file), file,
						   &f->env->store), 0);
	f->file = file;
	f->session = file->private_data;
	xs_session_get(f->session);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, file_release, f),
			0);
	fake_user_build(f->out, XS_READ, 7, 0, "key", 4);
	test->priv = f;
	return 0;
}

static ssize_t file_write(struct file_fixture *f, int flags)
{
	struct kvec kvec = { .iov_base = f->out, .iov_len = KEY_SIZE };
	struct iov_iter iter;
	struct kiocb iocb;

	init_sync_kiocb(&iocb, f->file);
	iocb.ki_flags |= flags;
	iov_iter_kvec(&iter, ITER_SOURCE, &kvec, 1, kvec.iov_len);
	return f->file->f_op->write_iter(&iocb, &iter);
}

static ssize_t file_read(struct file_fixture *f, void *buf, size_t len,
			 int flags)
{
	struct kvec kvec = { .iov_base = buf, .iov_len = len };
	struct iov_iter iter;
	struct kiocb iocb;

	init_sync_kiocb(&iocb, f->file);
	iocb.ki_flags |= flags;
	iov_iter_kvec(&iter, ITER_DEST, &kvec, 1, kvec.iov_len);
	return f->file->f_op->read_iter(&iocb, &iter);
}

/* One reply is there to be read. */
static void file_have_reply(struct kunit *test)
{
	struct file_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, file_write(f, 0), KEY_SIZE);
	test_env_reply(f->env, test_env_next(f->env), "v", 1);
}

/* === Streams === */

static void file_is_a_stream_that_can_say_that_it_would_wait(struct kunit *test)
{
	struct file_fixture *f = test->priv;

	KUNIT_EXPECT_TRUE(test, f->file->f_mode & FMODE_STREAM);
	KUNIT_EXPECT_TRUE(test, f->file->f_mode & FMODE_NOWAIT);
	KUNIT_EXPECT_FALSE(test, f->file->f_mode & FMODE_LSEEK);
}

static void reply_to_what_was_written_is_read(struct kunit *test)
{
	struct file_fixture *f = test->priv;
	struct xsd_sockmsg hdr;
	char body[8];

	file_have_reply(test);
	KUNIT_EXPECT_EQ(test, file_read(f, &hdr, sizeof(hdr), 0), sizeof(hdr));
	KUNIT_EXPECT_EQ(test, hdr.type, XS_READ);
	KUNIT_EXPECT_EQ(test, hdr.req_id, 7);
	KUNIT_EXPECT_EQ(test, file_read(f, body, sizeof(body), 0), 1);
	KUNIT_EXPECT_EQ(test, body[0], 'v');
}

static void read_of_a_nonblocking_file_does_not_wait(struct kunit *test)
{
	struct file_fixture *f = test->priv;
	char byte;

	f->file->f_flags |= O_NONBLOCK;
	KUNIT_EXPECT_EQ(test, file_read(f, &byte, 1, 0), -EAGAIN);
}

static void read_that_must_not_wait_does_not(struct kunit *test)
{
	struct file_fixture *f = test->priv;
	char byte;

	KUNIT_EXPECT_EQ(test, file_read(f, &byte, 1, IOCB_NOWAIT), -EAGAIN);
}

static void write_to_a_nonblocking_file_does_not_wait(struct kunit *test)
{
	struct file_fixture *f = test->priv;

	f->env->store.limits.requests = 1;
	f->file->f_flags |= O_NONBLOCK;
	KUNIT_EXPECT_EQ(test, file_write(f, 0), KEY_SIZE);
	KUNIT_EXPECT_EQ(test, file_write(f, 0), -EAGAIN);
}

static void write_that_must_not_wait_does_not(struct kunit *test)
{
	struct file_fixture *f = test->priv;

	f->env->store.limits.requests = 1;
	KUNIT_EXPECT_EQ(test, file_write(f, IOCB_NOWAIT), KEY_SIZE);
	KUNIT_EXPECT_EQ(test, file_write(f, IOCB_NOWAIT), -EAGAIN);
}

static void release_is_the_end_of_the_session(struct kunit *test)
{
	struct file_fixture *f = test->priv;

	fput(f->file);
	f->file = NULL;
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test, f->session->closing);
}

/* === Poll === */

/* A poller, and how often it was woken. */
struct file_poller {
	struct poll_table_struct table;
	struct {
		wait_queue_entry_t entry;
		wait_queue_head_t *wq;
	} waits[4];
	unsigned int count;
	unsigned int woken;
};

static int file_poller_wake(wait_queue_entry_t *entry, unsigned int mode,
			    int flags, void *key)
{
	struct file_poller *poller = entry->private;

	poller->woken++;
	return 0;
}

static void file_poller_add(struct file *file, wait_queue_head_t *wq,
			    struct poll_table_struct *table)
{
	struct file_poller *poller;
	wait_queue_entry_t *entry;

	poller = container_of(table, struct file_poller, table);
	if (WARN_ON(poller->count == ARRAY_SIZE(poller->waits)))
		return;
	entry = &poller->waits[poller->count].entry;
	poller->waits[poller->count++].wq = wq;
	init_waitqueue_func_entry(entry, file_poller_wake);
	entry->private = poller;
	add_wait_queue(wq, entry);
}

static void file_poller_release(void *data)
{
	struct file_poller *poller = data;

	while (poller->count) {
		poller->count--;
		remove_wait_queue(poller->waits[poller->count].wq,
				  &poller->waits[poller->count].entry);
	}
}

static struct file_poller *file_poller_create(struct kunit *test)
{
	struct file_fixture *f = test->priv;
	struct file_poller *poller;

	poller = kunit_kzalloc(test, sizeof(*poller), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, poller);
	init_poll_funcptr(&poller->table, file_poller_add);
	vfs_poll(f->file, &poller->table);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test,
							file_poller_release,
							poller), 0);
	return poller;
}

/* As numbers, which KUnit can compare. */
#define FILE_IN		((__force u32)EPOLLIN)
#define FILE_OUT	((__force u32)EPOLLOUT)

static u32 file_poll(struct file_fixture *f)
{
	__poll_t events = vfs_poll(f->file, NULL);

	return (__force u32)(events & (EPOLLIN | EPOLLOUT | EPOLLERR |
				       EPOLLHUP));
}

static void new_file_is_writable_only(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, file_poll(test->priv), FILE_OUT);
}

static void file_with_a_reply_is_readable(struct kunit *test)
{
	struct file_poller *poller = file_poller_create(test);

	file_have_reply(test);
	KUNIT_EXPECT_EQ(test, file_poll(test->priv), FILE_IN | FILE_OUT);
	KUNIT_EXPECT_GT(test, poller->woken, 0);
}

static void file_at_its_limit_is_not_writable(struct kunit *test)
{
	struct file_fixture *f = test->priv;

	f->env->store.limits.requests = 1;
	file_have_reply(test);
	KUNIT_EXPECT_EQ(test, file_poll(f), FILE_IN);
}

static void file_is_writable_again_when_a_reply_has_been_read(struct kunit *test)
{
	struct file_poller *poller;
	struct file_fixture *f = test->priv;
	char reply[32];

	f->env->store.limits.requests = 1;
	file_have_reply(test);
	poller = file_poller_create(test);
	KUNIT_ASSERT_GT(test, file_read(f, reply, sizeof(reply), 0), 0);
	KUNIT_EXPECT_EQ(test, file_poll(f), FILE_OUT);
	KUNIT_EXPECT_GT(test, poller->woken, 0);
}

/* Otherwise a loop of poll and nonblocking write would spin. */
static void file_is_not_writable_during_a_suspend(struct kunit *test)
{
	struct file_poller *poller;
	struct file_fixture *f = test->priv;

	test_env_suspend(f->env);
	poller = file_poller_create(test);
	KUNIT_EXPECT_EQ(test, file_poll(f), 0);
	KUNIT_EXPECT_EQ(test, file_write(f, IOCB_NOWAIT), -EAGAIN);
	xs_store_suspend_cancel(&f->env->store);
	KUNIT_EXPECT_EQ(test, file_poll(f), FILE_OUT);
	KUNIT_EXPECT_GT(test, poller->woken, 0);
}

static void poller_is_woken_after_its_limit_was_raised(struct kunit *test)
{
	struct file_poller *poller;
	struct file_fixture *f = test->priv;
	char reply[32];

	f->env->store.limits.requests = 1;
	file_have_reply(test);
	poller = file_poller_create(test);
	f->env->store.limits.requests = 8;
	KUNIT_ASSERT_GT(test, file_read(f, reply, sizeof(reply), 0), 0);
	KUNIT_EXPECT_EQ(test, poller->woken, 1);
}

static void read_below_the_limits_wakes_no_poller(struct kunit *test)
{
	struct file_poller *poller;
	struct file_fixture *f = test->priv;
	char reply[32];

	file_have_reply(test);
	poller = file_poller_create(test);
	KUNIT_ASSERT_GT(test, file_read(f, reply, sizeof(reply), 0), 0);
	KUNIT_EXPECT_EQ(test, poller->woken, 0);
}

/* With edges, a client that tries at each of them would spin. */
static void write_that_a_suspend_refuses_wakes_no_poller(struct kunit *test)
{
	struct file_poller *poller;
	struct file_fixture *f = test->priv;

	f->env->store.limits.requests = 1;
	test_env_suspend(f->env);
	poller = file_poller_create(test);
	KUNIT_EXPECT_EQ(test, file_write(f, IOCB_NOWAIT), -EAGAIN);
	KUNIT_EXPECT_EQ(test, poller->woken, 0);
	xs_store_suspend_cancel(&f->env->store);
}

/* A message whose release reads, in the middle of the read that consumes it. */
struct file_msg {
	struct xs_msg msg;
	struct file_fixture *f;
	ssize_t result;
};

static void file_msg_release(struct xs_msg *msg)
{
	struct file_msg *unread = container_of(msg, struct file_msg, msg);
	char byte;

	unread->result = file_read(unread->f, &byte, 1, IOCB_NOWAIT);
}

static void reader_that_met_another_is_woken_when_that_one_is_done(struct kunit *test)
{
	struct file_fixture *f = test->priv;
	struct file_msg unread = { .f = f };
	struct file_poller *poller;
	struct xsd_sockmsg hdr;

	xs_msg_init(&unread.msg, NULL, 0, file_msg_release);
	unread.msg.hdr.type = XS_WATCH_EVENT;
	xs_session_queue(f->session, &unread.msg);
	poller = file_poller_create(test);

	KUNIT_EXPECT_EQ(test, file_read(f, &hdr, sizeof(hdr), IOCB_NOWAIT),
			sizeof(hdr));
	KUNIT_EXPECT_EQ(test, unread.result, -EAGAIN);
	KUNIT_EXPECT_EQ(test, poller->woken, 1);
}

static int file_write_call(void *data)
{
	return file_write(data, 0);
}

static void file_unblock(void *data)
{
	struct file_fixture *f = data;

	f->env->store.limits.requests = 1024;
	wake_up_interruptible(&f->session->wq);
}

static void writer_that_met_another_is_woken_when_that_one_is_done(struct kunit *test)
{
	struct file_fixture *f = test->priv;
	struct file_poller *poller;
	struct fake_call *writer;
	char reply[32];

	f->env->store.limits.requests = 1;
	file_have_reply(test);
	writer = fake_call_start(test, file_write_call, f, file_unblock);
	KUNIT_ASSERT_TRUE(test, fake_wait_until(mutex_is_locked(&f->session->write_mutex)));
	KUNIT_EXPECT_EQ(test, file_write(f, IOCB_NOWAIT), -EAGAIN);
	poller = file_poller_create(test);

	/* The first time because there is room, which the other one takes. */
	KUNIT_ASSERT_GT(test, file_read(f, reply, sizeof(reply), 0), 0);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, writer), KEY_SIZE);
	KUNIT_EXPECT_EQ(test, poller->woken, 2);
}

static struct kunit_case file_cases[] = {
	KUNIT_CASE(file_is_a_stream_that_can_say_that_it_would_wait),
	KUNIT_CASE(reply_to_what_was_written_is_read),
	KUNIT_CASE(read_of_a_nonblocking_file_does_not_wait),
	KUNIT_CASE(read_that_must_not_wait_does_not),
	KUNIT_CASE(write_to_a_nonblocking_file_does_not_wait),
	KUNIT_CASE(write_that_must_not_wait_does_not),
	KUNIT_CASE(release_is_the_end_of_the_session),
	KUNIT_CASE(new_file_is_writable_only),
	KUNIT_CASE(file_with_a_reply_is_readable),
	KUNIT_CASE(file_at_its_limit_is_not_writable),
	KUNIT_CASE(file_is_writable_again_when_a_reply_has_been_read),
	KUNIT_CASE(file_is_not_writable_during_a_suspend),
	KUNIT_CASE(poller_is_woken_after_its_limit_was_raised),
	KUNIT_CASE(read_below_the_limits_wakes_no_poller),
	KUNIT_CASE(write_that_a_suspend_refuses_wakes_no_poller),
	KUNIT_CASE(reader_that_met_another_is_woken_when_that_one_is_done),
	KUNIT_CASE(writer_that_met_another_is_woken_when_that_one_is_done),
	{}
};

static struct kunit_suite file_suite = {
	.name = "xenstore_session_file",
	.init = file_init,
	.test_cases = file_cases,
};

kunit_test_suite(file_suite);
