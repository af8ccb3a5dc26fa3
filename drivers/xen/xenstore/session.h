/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session: one open file of /dev/xen/xenbus, without the file.
 *
 * session.c, session_limit.c, session_msg.c, session_txn.c, session_watch.c and
 * session_cleanup.c are one state machine; struct xs_session is its state.
 * session_file.c is the adapter between it and struct file.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XENSTORE_SESSION_H
#define _XENSTORE_SESSION_H

#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "store.h"

struct module;

/* Short chains with some hundred transactions open. */
#define XS_SESSION_TXN_BITS	5

/* Short chains with a thousand watches, or as many unread events. */
#define XS_SESSION_WATCH_BITS	6
#define XS_SESSION_EVENT_BITS	6

/**
 * struct xs_session - a client that speaks the protocol as a byte stream
 *
 * Lives until the client has closed, what it left at the server has been
 * cleaned up, and its last request has completed.
 */
struct xs_session {
	/** @store: const after open */
	struct xs_store *store;
	/** @flow: its requests to be sent; under &xs_conn.lock */
	struct xs_flow flow;
	/** @module: contains @store, pinned; const after open */
	struct module *module;
	/**
	 * @ref: the file 1, one per request in flight, one per watch, one while
	 * @cleanup_work is scheduled; @flow lives as long
	 */
	struct kref ref;

	/** @write_mutex: protects @in; above the waterline */
	struct mutex write_mutex;
	/** @in: the message being written */
	struct {
		/** @in.hdr: header as the client wrote it */
		struct xsd_sockmsg hdr;
		/** @in.have: bytes of header and payload received */
		size_t have;
		/**
		 * @in.req: holds the payload and a NUL behind it; not NULL if
		 * and only if the header is complete
		 */
		struct xs_request *req;
	} in;

	/** @read_mutex: keeps readers apart; above the waterline */
	struct mutex read_mutex;

	/** @lock: protects all that follows; a leaf, below the waterline */
	spinlock_t lock;
	/** @unread: replies and events for the client, oldest first */
	struct list_head unread;
	/** @outstanding: requests in flight and replies unread */
	unsigned int outstanding;
	/** @unread_bytes: payload of the unread replies */
	size_t unread_bytes;
	/** @unread_events: events among the unread messages */
	unsigned int unread_events;
	/** @events: those events by watch and path */
	DECLARE_HASHTABLE(events, XS_SESSION_EVENT_BITS);
	/** @txns: open transactions by id */
	DECLARE_HASHTABLE(txns, XS_SESSION_TXN_BITS);
	/** @resets: XS_RESET_WATCHES so far; written under write_mutex, too */
	unsigned int resets;
	/** @starting: transactions whose START waits for the quota */
	struct list_head starting;
	/** @watch_list: watches, newest first */
	struct list_head watch_list;
	/** @watches: those on @watch_list by path and token, newest first */
	DECLARE_HASHTABLE(watches, XS_SESSION_WATCH_BITS);
	/** @closing: the client has closed */
	bool closing;
	/** @at_limit: a writer or poller met a limit and has not been woken since */
	bool at_limit;
	/** @write_busy: likewise, a nonblocking writer that met @write_mutex */
	bool write_busy;
	/** @read_busy: likewise, a nonblocking reader that met @read_mutex */
	bool read_busy;
	/** @wq: readers, pollers, and writers under backpressure */
	wait_queue_head_t wq;
	/** @cleanup_work: runs xs_session_cleanup() for a client that is gone */
	struct work_struct cleanup_work;
};

/**
 * enum xs_txn_step - what the worker has to do for a START that waits
 * @XS_TXN_NEW: it has not been sent because others wait
 * @XS_TXN_REFUSED: the server has refused it for its quota
 * @XS_TXN_WAITS: it waits for its turn
 */
enum xs_txn_step {
	XS_TXN_NEW,
	XS_TXN_REFUSED,
	XS_TXN_WAITS,
};

/**
 * struct xs_txn - a transaction of a client
 *
 * Owned by the START request until its reply, or by @work while that waits; then
 * by &xs_session.txns, then by the END request.
 */
struct xs_txn {
	/** @node: on &xs_session.txns, under &xs_session.lock */
	struct hlist_node node;
	/** @session: const; a reference while @work has the transaction */
	struct xs_session *session;
	/** @start: its place among those that wait for the quota; own lock */
	struct xs_quota_start start;
	/** @work: takes the next step of a START that waits */
	struct delayed_work work;
	/** @waiting_node: on &xs_session.starting, under &xs_session.lock */
	struct list_head waiting_node;
	/** @step: the next step; of whoever has the transaction */
	enum xs_txn_step step;
	/** @req: the client's request, while @work has the transaction */
	struct xs_request *req;
	/** @hdr: header of the client's START; const */
	struct xsd_sockmsg hdr;
	/** @deadline: how long the START may wait, in jiffies; const */
	unsigned long deadline;
	/** @resets: &xs_session.resets when it was written; const */
	unsigned int resets;
	/** @id: the server's id; const once open */
	u32 id;
	/** @generation: &xs_conn.generation in which it was opened; const then */
	u64 generation;
};

/**
 * struct xs_session_watch - a watch of a client
 *
 * The client's token never reaches the server, so clients can neither collide
 * with each other nor with the kernel. Freed with the last reference to @entry.
 */
struct xs_session_watch {
	/** @node: on &xs_session.watch_list, under &xs_session.lock */
	struct list_head node;
	/** @hash_node: on &xs_session.watches while on the list; likewise */
	struct hlist_node hash_node;
	/** @hash: of path and token; const */
	u32 hash;
	/** @session: holds a reference; const */
	struct xs_session *session;
	/** @entry: const; while on the list, the list has a reference */
	struct xs_watch_entry *entry;
	/** @refused: by the server; under &xs_session.lock */
	bool refused;
	/** @token_len: bytes in @token without the NUL; const */
	size_t token_len;
	/** @token: the client's; const */
	char token[];
};

/* session.c: the life of a session and its byte streams */
struct xs_session *xs_session_open(struct xs_store *store);
void xs_session_close(struct xs_session *session);
void xs_session_get(struct xs_session *session);
void xs_session_put(struct xs_session *session);
ssize_t xs_session_write(struct xs_session *session, struct iov_iter *from,
			 bool nonblock);
ssize_t xs_session_read(struct xs_session *session, struct iov_iter *to,
			bool nonblock);
bool xs_session_readable(struct xs_session *session);
void xs_session_queue(struct xs_session *session, struct xs_msg *msg);

/* session_limit.c: backpressure */
bool xs_session_writable(struct xs_session *session);
int xs_session_reserve(struct xs_session *session, bool nonblock);
void xs_session_unreserve(struct xs_session *session);
void xs_session_count_locked(struct xs_session *session,
			     const struct xs_msg *msg)
	__must_hold(&session->lock);
bool xs_session_uncount_locked(struct xs_session *session,
			       const struct xs_msg *msg)
	__must_hold(&session->lock);

/* session_msg.c: the client's messages */
int xs_session_message(struct xs_session *session, bool nonblock);
int xs_session_reply(struct xs_session *session, struct xs_request *req,
		     int result);
int xs_session_submit(struct xs_session *session, struct xs_request *req,
		      void *arg);
int xs_session_submit_as(struct xs_session *session, struct xs_request *req,
			 void *arg, const struct xsd_sockmsg *hdr);

/* session_txn.c: the transactions of a client */
int xs_session_txn_check(struct xs_session *session);
int xs_session_start(struct xs_session *session, struct xs_request *req);
bool xs_session_started(struct xs_txn *txn, struct xs_request *req);
int xs_session_end(struct xs_session *session, struct xs_request *req);
void xs_session_ended(struct xs_txn *txn);
struct xs_txn *xs_session_txn_pop(struct xs_session *session, bool any);
void xs_session_stop_waiting(struct xs_session *session);

/* session_watch.c: the watches of a client */
int xs_session_watch(struct xs_session *session, struct xs_request *req);
int xs_session_unwatch(struct xs_session *session, struct xs_request *req);
struct xs_session_watch *xs_session_watch_pop(struct xs_session *session);
void xs_session_watched(struct xs_session_watch *watch, struct xs_msg *reply);
void xs_session_unwatched(struct xs_session_watch *watch, struct xs_msg *reply);

/* session_file.c: file operations of a session */
struct file;
struct inode;
struct kiocb;
struct poll_table_struct;

int xs_session_file_open(struct inode *inode, struct file *file,
			 struct xs_store *store);
int xs_session_file_release(struct inode *inode, struct file *file);
ssize_t xs_session_file_read(struct kiocb *iocb, struct iov_iter *to);
ssize_t xs_session_file_write(struct kiocb *iocb, struct iov_iter *from);
__poll_t xs_session_file_poll(struct file *file,
			      struct poll_table_struct *wait);

/* session_cleanup.c: what a client leaves at the server */
struct workqueue_struct *xs_session_wq(void);
void xs_session_cleanup_work(struct work_struct *work);
void xs_session_cancel(struct xs_session *session);
void xs_session_cleanup(struct xs_session *session);
void xs_session_schedule_cleanup(struct xs_session *session);

/**
 * xs_session_set_error() - make a reply one of an error
 * @reply: the reply, with the header of the client's message
 * @err: negative errno
 *
 * Context: Any.
 */
static inline void xs_session_set_error(struct xs_msg *reply, int err)
{
	xs_msg_clear(reply);
	xs_msg_set_error(reply, err);
}

/**
 * xs_session_set_ok() - make a reply one of success
 * @reply: the reply; what it said before is forgotten
 * @type: of the request
 *
 * Context: Any.
 */
static inline void xs_session_set_ok(struct xs_msg *reply, u32 type)
{
	xs_msg_clear(reply);
	reply->hdr.type = type;
	/* Fits in any room, so this cannot fail. */
	xs_msg_set_body(reply, "OK", sizeof("OK"), GFP_NOWAIT);
}

#endif /* _XENSTORE_SESSION_H */
