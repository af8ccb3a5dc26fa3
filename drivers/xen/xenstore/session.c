// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime and byte streams of a session.
 *
 * A session is an open file of the device as a state machine: bytes in, bytes
 * out, no struct file, and user memory only through an iterator. A writer
 * assembles a message in the request that will carry it, and passes it to
 * session_msg.c; a reader drains a list that the kthread appends to. Neither
 * holds a lock of the kthread while it touches the client's memory, so a client
 * that is stuck in a page fault delays only itself.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "session.h"

/**
 * xs_session_open() - create a session
 * @store: the store it uses
 *
 * Memory of the session is charged to the memory cgroup of the caller, also if
 * another task writes and reads later.
 *
 * Context: Process, may sleep.
 * Return: The session, for xs_session_close(), or ERR_PTR(-ENOMEM).
 */
struct xs_session *xs_session_open(struct xs_store *store)
{
	struct xs_session *session;

	if (!xs_session_wq())
		return ERR_PTR(-ENOMEM);
	session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return ERR_PTR(-ENOMEM);
	session->store = store;
	xs_flow_init(&session->flow);
	session->flow.memcg = get_mem_cgroup_from_mm(current->mm);
	kref_init(&session->ref);
	mutex_init(&session->write_mutex);
	mutex_init(&session->read_mutex);
	spin_lock_init(&session->lock);
	INIT_LIST_HEAD(&session->unread);
	hash_init(session->events);
	hash_init(session->txns);
	INIT_LIST_HEAD(&session->starting);
	INIT_LIST_HEAD(&session->watch_list);
	hash_init(session->watches);
	init_waitqueue_head(&session->wq);
	INIT_WORK(&session->cleanup_work, xs_session_cleanup_work);
	return session;
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_open);

/**
 * xs_session_get() - take a reference
 * @session: the session
 *
 * Context: Any.
 */
void xs_session_get(struct xs_session *session)
{
	kref_get(&session->ref);
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_get);

static void xs_session_free(struct kref *ref)
{
	struct xs_session *session = container_of(ref, struct xs_session, ref);
	struct module *module = session->module;

	mem_cgroup_put(session->flow.memcg);
	kfree(session);
	/* Last: the store may go away with the module. */
	module_put(module);
}

/**
 * xs_session_put() - drop a reference
 * @session: the session
 *
 * Context: Process, kthread included; does not sleep.
 */
void xs_session_put(struct xs_session *session)
{
	kref_put(&session->ref, xs_session_free);
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_put);

/* Forget what was received beyond the first @have bytes of the message. */
static void xs_session_truncate(struct xs_session *session, size_t have)
{
	session->in.have = have;
	if (session->in.req && have < sizeof(session->in.hdr)) {
		xs_request_put(session->in.req);
		session->in.req = NULL;
	}
}

/**
 * xs_session_close() - end a session
 * @session: the session, not valid for the caller afterwards
 *
 * Does not wait. Requests that are not on the ring yet are cancelled; those on
 * it complete and their replies are dropped. A worker aborts transactions and
 * removes watches. A message that is not complete is freed.
 *
 * Context: Process; no read or write of the session runs or will follow.
 */
void xs_session_close(struct xs_session *session)
{
	struct xs_msg *msg, *next;
	LIST_HEAD(unread);
	bool clean;

	spin_lock(&session->lock);
	WRITE_ONCE(session->closing, true);
	list_splice_init(&session->unread, &unread);
	clean = hash_empty(session->txns) && list_empty(&session->watch_list);
	spin_unlock(&session->lock);

	list_for_each_entry_safe(msg, next, &unread, node)
		msg->release(msg);
	xs_session_truncate(session, 0);
	xs_session_cancel(session);
	xs_session_stop_waiting(session);
	/*
	 * The file's reference becomes that of the work, unless the reply to a
	 * START has just scheduled it with a reference of its own. A worker is
	 * not made to wait at the gate for nothing.
	 */
	if (clean || !queue_work(xs_session_wq(), &session->cleanup_work))
		xs_session_put(session);
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_close);

/* === From the client === */

static size_t xs_session_missing(const struct xs_session *session)
{
	size_t total = sizeof(session->in.hdr);

	if (session->in.req)
		total += session->in.hdr.len;
	return total - session->in.have;
}

/* The header is complete: get the request that the payload goes to. */
static int xs_session_begin_payload(struct xs_session *session)
{
	const struct xsd_sockmsg *hdr = &session->in.hdr;
	struct kvec payload = { .iov_len = hdr->len };
	struct mem_cgroup *old;
	struct xs_request *req;

	old = set_active_memcg(session->flow.memcg);
	req = xs_request_alloc(hdr->type, hdr->tx_id, &payload, 1,
			       GFP_KERNEL_ACCOUNT);
	set_active_memcg(old);
	if (IS_ERR(req))
		return PTR_ERR(req);
	xs_request_payload(req)[hdr->len] = '\0';
	session->in.req = req;
	return 0;
}

static void *xs_session_pos(struct xs_session *session)
{
	size_t have = session->in.have;

	if (session->in.req)
		return xs_request_payload(session->in.req) + have -
		       sizeof(session->in.hdr);
	return (u8 *)&session->in.hdr + have;
}

/*
 * Add bytes to the message being written until it is complete or there are no
 * more. -E2BIG if its header announces too much, -EFAULT if the client's memory
 * cannot be read, -ENOMEM; what was added before the error is counted.
 */
static int xs_session_assemble(struct xs_session *session,
			       struct iov_iter *from)
{
	size_t want, n;
	int err;

	for (;;) {
		want = min(xs_session_missing(session), iov_iter_count(from));
		if (!want)
			return 0;
		n = copy_from_iter(xs_session_pos(session), want, from);
		if (!n)
			return -EFAULT;
		session->in.have += n;
		if (session->in.have == sizeof(session->in.hdr)) {
			err = xs_session_begin_payload(session);
			if (err)
				return err;
		}
	}
}

/* Handle a complete message. Its request is not the session's after success. */
static int xs_session_accept(struct xs_session *session, bool nonblock)
{
	int err;

	err = xs_session_reserve(session, nonblock);
	if (err)
		return err;
	err = xs_session_message(session, nonblock);
	if (err) {
		xs_session_unreserve(session);
		return err;
	}
	session->in.req = NULL;
	session->in.have = 0;
	return 0;
}

/*
 * Consume bytes of at most one message and return how many. An error leaves
 * session and iterator as they were before the call, so that the client can try
 * again; but -E2BIG also drops what earlier calls wrote of the message.
 */
static ssize_t xs_session_write_one(struct xs_session *session,
				    struct iov_iter *from, bool nonblock)
{
	size_t before = session->in.have;
	size_t used;
	int err;

	err = xs_session_assemble(session, from);
	used = session->in.have - before;
	if (err == -EFAULT && used)
		return used;
	if (!err && xs_session_missing(session))
		return used;
	if (!err)
		err = xs_session_accept(session, nonblock);
	if (!err)
		return used;
	iov_iter_revert(from, used);
	xs_session_truncate(session, err == -E2BIG ? 0 : before);
	return err;
}

static ssize_t xs_session_write_all(struct xs_session *session,
				    struct iov_iter *from, bool nonblock)
{
	ssize_t n, used = 0;

	while (iov_iter_count(from)) {
		n = xs_session_write_one(session, from, nonblock);
		if (n < 0)
			return used ?: n;
		used += n;
	}
	return used;
}

/*
 * The caller gets -EAGAIN while poll may say that it can go on, so it is woken
 * when the mutex is free. Either it notes this before xs_session_unlock() looks,
 * or the mutex is free before it tries: both happen under the spinlock.
 */
static int xs_session_trylock(struct xs_session *session, struct mutex *mutex,
			      bool *busy)
{
	bool locked = mutex_trylock(mutex);

	if (locked)
		return 0;
	spin_lock(&session->lock);
	locked = mutex_trylock(mutex);
	*busy |= !locked;
	spin_unlock(&session->lock);
	return locked ? 0 : -EAGAIN;
}

static int xs_session_lock(struct xs_session *session, struct mutex *mutex,
			   bool *busy, bool nonblock)
{
	if (nonblock)
		return xs_session_trylock(session, mutex, busy);
	return mutex_lock_interruptible(mutex) ? -ERESTARTSYS : 0;
}

static void xs_session_unlock(struct xs_session *session, struct mutex *mutex,
			      bool *busy)
{
	bool wake;

	mutex_unlock(mutex);
	spin_lock(&session->lock);
	wake = *busy;
	*busy = false;
	spin_unlock(&session->lock);
	if (wake)
		wake_up_interruptible(&session->wq);
}

/**
 * xs_session_write() - consume bytes from the client
 * @session: the session
 * @from: the bytes: any number of messages, of which the first may have begun
 *	in an earlier call and the last may end in a later one
 * @nonblock: do not wait for other writers, under backpressure, or for the end
 *	of a suspend
 *
 * Never waits for the server. Waits under backpressure until the client has
 * read enough. An error is returned only if no byte was accepted.
 *
 * Context: Process, may sleep; a signal ends the sleep.
 * Return: Bytes accepted; -E2BIG if a header announces more than 4096 bytes,
 * after which the next byte is taken as the first of a header; -EAGAIN;
 * -ERESTARTSYS; -EFAULT; -ENOMEM; -EIO if the ring is broken.
 */
ssize_t xs_session_write(struct xs_session *session, struct iov_iter *from,
			 bool nonblock)
{
	ssize_t n;
	int err;

	err = xs_session_lock(session, &session->write_mutex,
			      &session->write_busy, nonblock);
	if (err)
		return err;
	n = xs_session_write_all(session, from, nonblock);
	xs_session_unlock(session, &session->write_mutex, &session->write_busy);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_write);

/* === To the client === */

/**
 * xs_session_queue() - append a message for the client
 * @session: the session
 * @msg: the message; owned by the session from here on, freed if it is closing
 *
 * Context: Process, kthread included; does not sleep; takes &xs_session.lock.
 */
void xs_session_queue(struct xs_session *session, struct xs_msg *msg)
{
	bool closing;

	spin_lock(&session->lock);
	closing = session->closing;
	if (!closing) {
		list_add_tail(&msg->node, &session->unread);
		xs_session_count_locked(session, msg);
	}
	spin_unlock(&session->lock);

	if (closing)
		msg->release(msg);
	else
		wake_up_interruptible(&session->wq);
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_queue);

static struct xs_msg *xs_session_first(struct xs_session *session)
{
	struct xs_msg *msg;

	spin_lock(&session->lock);
	msg = list_first_entry_or_null(&session->unread, struct xs_msg, node);
	spin_unlock(&session->lock);
	return msg;
}

static void xs_session_consume(struct xs_session *session, struct xs_msg *msg)
{
	bool made_room;

	spin_lock(&session->lock);
	list_del_init(&msg->node);
	made_room = xs_session_uncount_locked(session, msg);
	spin_unlock(&session->lock);
	msg->release(msg);
	if (made_room)
		wake_up_interruptible(&session->wq);
}

/* Copy the rest of one message; short if the iterator ends or faults. */
static size_t xs_session_copy(struct xs_msg *msg, struct iov_iter *to)
{
	size_t done = 0, n;

	if (msg->off < sizeof(msg->hdr)) {
		n = copy_to_iter((u8 *)&msg->hdr + msg->off,
				 sizeof(msg->hdr) - msg->off, to);
		msg->off += n;
		done += n;
	}
	if (msg->off >= sizeof(msg->hdr)) {
		n = msg->off - sizeof(msg->hdr);
		n = copy_to_iter(msg->body + n, msg->hdr.len - n, to);
		msg->off += n;
		done += n;
	}
	return done;
}

/*
 * Invariant: only readers take messages off the list, and read_mutex keeps
 * them apart; so the first message stays while its bytes are copied without
 * the spinlock.
 */
static ssize_t xs_session_read_queued(struct xs_session *session,
				      struct iov_iter *to)
{
	struct xs_msg *msg;
	ssize_t used = 0;

	while (iov_iter_count(to)) {
		msg = xs_session_first(session);
		if (!msg)
			return used ?: -EAGAIN;
		used += xs_session_copy(msg, to);
		if (msg->off < sizeof(msg->hdr) + msg->hdr.len)
			return used ?: -EFAULT;
		xs_session_consume(session, msg);
	}
	return used;
}

/**
 * xs_session_readable() - is a message unread?
 * @session: the session
 *
 * Context: Process; does not sleep.
 * Return: true if a read would return bytes.
 */
bool xs_session_readable(struct xs_session *session)
{
	return xs_session_first(session);
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_readable);

/**
 * xs_session_read() - copy unread messages to the client
 * @session: the session
 * @to: destination; receives as many messages as fit, the last perhaps in part
 * @nonblock: do not wait for a message or for other readers
 *
 * Context: Process, may sleep; a signal ends the sleep.
 * Return: Bytes copied, 0 if @to has no room; -EAGAIN; -ERESTARTSYS; -EFAULT.
 */
ssize_t xs_session_read(struct xs_session *session, struct iov_iter *to,
			bool nonblock)
{
	ssize_t n;
	int err;

	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		err = xs_session_lock(session, &session->read_mutex,
				      &session->read_busy, nonblock);
		if (err)
			return err;
		n = xs_session_read_queued(session, to);
		xs_session_unlock(session, &session->read_mutex,
				  &session->read_busy);
		if (n != -EAGAIN || nonblock)
			return n;
		/* Sleep without the mutex: a nonblocking reader must not fail. */
		err = wait_event_interruptible(session->wq,
					       xs_session_readable(session));
		if (err)
			return err;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xs_session_read);
