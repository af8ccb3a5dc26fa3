// SPDX-License-Identifier: GPL-2.0-only
/*
 * File operations of a session.
 *
 * Shared by all device nodes that expose a store. A node has an open of its own,
 * which calls xs_session_file_open() with the store, and uses the others as they
 * are. Process context throughout.
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
 * xs_session_file_open() - create the session of a file
 * @inode: as given to &file_operations.open
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
	/* The session outlives the file until its cleanup is done. */
	session->module = file->f_op->owner;
	__module_get(session->module);
	file->private_data = session;
	/* Reads and writes return -EAGAIN, so io_uring needs no worker thread. */
	file->f_mode |= FMODE_NOWAIT;
	/* Without a position, a waiting reader does not block a writer. */
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
 * @to: destination
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
 * @wait: the poll table
 *
 * Context: Process, may sleep.
 * Return: EPOLLIN if a message is unread; EPOLLOUT if a message of any size
 * would be accepted, which excludes backpressure and a suspend.
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
