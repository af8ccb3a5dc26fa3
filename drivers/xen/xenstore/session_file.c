// SPDX-License-Identifier: GPL-2.0-only
/*
 * A session as an open file.
 *
 * The operations that every device node around sessions has in common. Which
 * connection a file belongs to is the opener's to say: a node has an open of
 * its own that calls xs_session_file_open(), and takes the rest from here.
 * Process context throughout.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>

#include "session.h"

/**
 * xs_session_file_open() - begin a session for a file that is being opened
 * @inode: as given to the caller
 * @file: likewise; its private data becomes the session
 * @store: the store it uses
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int xs_session_file_open(struct inode *inode, struct file *file,
			 struct xs_store *store)
{
	struct xs_session *session = xs_session_open(store);

	if (IS_ERR(session))
		return PTR_ERR(session);
	/* Longer than the file: what it leaves behind is still to be undone. */
	session->module = file->f_op->owner;
	__module_get(session->module);
	file->private_data = session;
	/* io_uring need not hand us to a thread: we can say that we would wait. */
	file->f_mode |= FMODE_NOWAIT;
	/* No position, so a reader that waits does not lock out a writer. */
	return stream_open(inode, file);
}
EXPORT_SYMBOL_GPL(xs_session_file_open);

/**
 * xs_session_file_release() - &file_operations.release of a session
 * @inode: unused
 * @file: opened with xs_session_file_open()
 *
 * Context: Process.
 * Return: 0.
 */
int xs_session_file_release(struct inode *inode, struct file *file)
{
	xs_session_close(file->private_data);
	return 0;
}
EXPORT_SYMBOL_GPL(xs_session_file_release);

static bool xs_session_file_nonblock(const struct kiocb *iocb)
{
	return (iocb->ki_filp->f_flags & O_NONBLOCK) ||
	       (iocb->ki_flags & IOCB_NOWAIT);
}

/**
 * xs_session_file_read() - &file_operations.read_iter of a session
 * @iocb: of a file opened with xs_session_file_open()
 * @to: where the messages go
 *
 * Context: Process, may sleep.
 * Return: As xs_session_read().
 */
ssize_t xs_session_file_read(struct kiocb *iocb, struct iov_iter *to)
{
	return xs_session_read(iocb->ki_filp->private_data, to,
			       xs_session_file_nonblock(iocb));
}
EXPORT_SYMBOL_GPL(xs_session_file_read);

/**
 * xs_session_file_write() - &file_operations.write_iter of a session
 * @iocb: of a file opened with xs_session_file_open()
 * @from: the messages
 *
 * Context: Process, may sleep.
 * Return: As xs_session_write().
 */
ssize_t xs_session_file_write(struct kiocb *iocb, struct iov_iter *from)
{
	return xs_session_write(iocb->ki_filp->private_data, from,
				xs_session_file_nonblock(iocb));
}
EXPORT_SYMBOL_GPL(xs_session_file_write);

/**
 * xs_session_file_poll() - &file_operations.poll of a session
 * @file: opened with xs_session_file_open()
 * @wait: who polls
 *
 * Context: Process, may sleep.
 * Return: EPOLLIN if there is something to read, EPOLLOUT if a message of any
 * size would be taken: not while too much is unread, nor during a suspend.
 */
__poll_t xs_session_file_poll(struct file *file,
			      struct poll_table_struct *wait)
{
	struct xs_session *session = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &session->wq, wait);
	poll_wait(file, &session->store->conn.gate.wq, wait);
	if (xs_session_writable(session))
		events |= EPOLLOUT | EPOLLWRNORM;
	if (xs_session_readable(session))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}
EXPORT_SYMBOL_GPL(xs_session_file_poll);
