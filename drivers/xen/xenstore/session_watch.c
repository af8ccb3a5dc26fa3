// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watches of a session.
 *
 * A client's watch is an entry of the registry like any other. Its events do not
 * pass a queue: the kthread appends them to the list of unread messages, unless
 * an equal one is unread, which a hash tells at once, however many are. Setting
 * and removing run in process context, in the handlers of session_msg.c; events
 * and completions run in the kthread.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/err.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/stringhash.h>

#include "session.h"

/* An event as the client reads it. */
struct xs_session_event {
	struct xs_msg msg;
	struct hlist_node node;		/* on &xs_session.events */
	u32 hash;			/* of watch and path; const */
	struct xs_session_watch *watch;	/* holds a reference to its entry */
	size_t size;
	char body[] __counted_by(size);	/* path and token, each with its NUL */
};

/* Context: a reader, the close, or the kthread if the session is closing. */
static void xs_session_event_release(struct xs_msg *msg)
{
	struct xs_session_event *event;
	struct xs_session_watch *watch;
	struct xs_session *session;

	event = container_of(msg, struct xs_session_event, msg);
	watch = event->watch;
	session = watch->session;
	spin_lock(&session->lock);
	hash_del(&event->node);
	spin_unlock(&session->lock);
	kfree(event);
	xs_watch_entry_put(watch->entry);
}

static u32 xs_session_event_hash(const struct xs_session_watch *watch,
				 const char *path)
{
	return full_name_hash(watch, path, strlen(path));
}

static struct xs_session_event *
xs_session_event_alloc(struct xs_session_watch *watch, const char *path,
		       gfp_t gfp)
{
	size_t path_size = strlen(path) + 1;
	size_t len = path_size + watch->token_len + 1;
	struct xs_session_event *event;

	event = kmalloc(struct_size(event, body, len), gfp);
	if (!event)
		return NULL;
	event->size = len;
	xs_msg_init(&event->msg, event->body, len, xs_session_event_release);
	event->hash = xs_session_event_hash(watch, path);
	event->msg.hdr.type = XS_WATCH_EVENT;
	event->msg.hdr.len = len;
	memcpy(event->body, path, path_size);
	memcpy(event->body + path_size, watch->token, watch->token_len + 1);
	event->watch = watch;
	kref_get(&watch->entry->ref);
	return event;
}

/* Charged to the client, if that is possible without waiting. */
static struct xs_session_event *
xs_session_event_make(struct xs_session_watch *watch, const char *path)
{
	struct mem_cgroup *memcg = watch->session->flow.memcg;
	struct xs_session_event *event = NULL;
	struct mem_cgroup *old;

	if (memcg) {
		old = set_active_memcg(memcg);
		event = xs_session_event_alloc(watch, path, XS_GFP_CLIENT);
		set_active_memcg(old);
	}
	if (!event)
		event = xs_session_event_alloc(watch, path,
					       XS_GFP | __GFP_NOWARN);
	return event;
}

/* An event that is read in part does not count: it may precede the change. */
static bool xs_session_event_unread_locked(struct xs_session_watch *watch,
					   const char *path)
	__must_hold(&watch->session->lock)
{
	u32 hash = xs_session_event_hash(watch, path);
	struct xs_session_event *event;

	lockdep_assert_held(&watch->session->lock);
	hash_for_each_possible(watch->session->events, event, node, hash) {
		if (event->hash == hash && event->watch == watch &&
		    !event->msg.off && !strcmp(event->msg.body, path))
			return true;
	}
	return false;
}

/*
 * Beyond the limit of unread events, or if path and token do not fit, the event
 * names the watch's own path: something at or below it has changed.
 */
static bool xs_session_event_has_details_locked(struct xs_session_watch *watch,
						const char *path)
	__must_hold(&watch->session->lock)
{
	const struct xs_session *session = watch->session;

	lockdep_assert_held(&session->lock);
	return session->unread_events < READ_ONCE(session->store->limits.events) &&
	       strlen(path) + 1 + watch->token_len + 1 <= XENSTORE_PAYLOAD_MAX;
}

static int xs_session_watch_event(struct xs_watch_entry *entry,
				  const char *path)
{
	struct xs_session_watch *watch = entry->owner;
	struct xs_session *session = watch->session;
	struct xs_session_event *event;
	bool superfluous;

	spin_lock(&session->lock);
	if (!xs_session_event_has_details_locked(watch, path))
		path = entry->path;
	superfluous = session->closing ||
		      xs_session_event_unread_locked(watch, path);
	spin_unlock(&session->lock);
	if (superfluous)
		return 0;

	event = xs_session_event_make(watch, path);
	if (!event)
		return -ENOMEM;
	spin_lock(&session->lock);
	hash_add(session->events, &event->node, event->hash);
	spin_unlock(&session->lock);
	xs_session_queue(session, &event->msg);
	return 0;
}

static void xs_session_watch_release(struct xs_watch_entry *entry)
{
	struct xs_session_watch *watch = entry->owner;

	xs_session_put(watch->session);
	kfree(watch);
}

static const struct xs_watch_ops xs_session_watch_ops = {
	.event = xs_session_watch_event,
	.release = xs_session_watch_release,
};

static u32 xs_session_watch_hash(const struct xs_session *session,
				 const char *path, const char *token)
{
	u32 hash = full_name_hash(session, path, strlen(path));

	return 31 * hash + full_name_hash(session, token, strlen(token));
}

/* A watch that is not registered; freed with the last reference to its entry. */
static struct xs_session_watch *
xs_session_watch_alloc(struct xs_session *session, const char *path,
		       const char *token, const char *extra, size_t extra_len)
{
	size_t token_len = strlen(token);
	struct xs_session_watch *watch;

	watch = kzalloc(struct_size(watch, token, token_len + 1),
			GFP_KERNEL_ACCOUNT);
	if (!watch)
		return ERR_PTR(-ENOMEM);
	watch->entry = xs_watch_entry_alloc(path, extra, extra_len,
					    GFP_KERNEL_ACCOUNT);
	if (IS_ERR(watch->entry)) {
		kfree(watch);
		return ERR_PTR(-ENOMEM);
	}
	INIT_LIST_HEAD(&watch->node);
	watch->hash = xs_session_watch_hash(session, path, token);
	xs_session_get(session);
	watch->session = session;
	watch->token_len = token_len;
	memcpy(watch->token, token, token_len + 1);
	watch->entry->ops = &xs_session_watch_ops;
	watch->entry->owner = watch;
	return watch;
}

/* The newest with this path and token. */
static struct xs_session_watch *
xs_session_watch_find_locked(struct xs_session *session, const char *path,
			     const char *token)
	__must_hold(&session->lock)
{
	u32 hash = xs_session_watch_hash(session, path, token);
	struct xs_session_watch *watch;

	lockdep_assert_held(&session->lock);
	hash_for_each_possible(session->watches, watch, hash_node, hash) {
		if (watch->hash == hash && !strcmp(watch->token, token) &&
		    !strcmp(watch->entry->path, path))
			return watch;
	}
	return NULL;
}

static void xs_session_watch_unlink_locked(struct xs_session_watch *watch)
	__must_hold(&watch->session->lock)
{
	lockdep_assert_held(&watch->session->lock);
	list_del_init(&watch->node);
	hash_del(&watch->hash_node);
}

/* Returns true if the caller took it off the list and owns that reference. */
static bool xs_session_watch_unlink(struct xs_session_watch *watch)
{
	struct xs_session *session = watch->session;
	bool listed;

	spin_lock(&session->lock);
	listed = !list_empty(&watch->node);
	if (listed)
		xs_session_watch_unlink_locked(watch);
	spin_unlock(&session->lock);
	return listed;
}

/* False for a watch that the server has refused meanwhile. */
static bool xs_session_watch_link(struct xs_session_watch *watch)
{
	struct xs_session *session = watch->session;
	bool linked;

	spin_lock(&session->lock);
	linked = !watch->refused;
	if (linked) {
		list_add(&watch->node, &session->watch_list);
		hash_add(session->watches, &watch->hash_node, watch->hash);
	}
	spin_unlock(&session->lock);
	return linked;
}

static void xs_session_watch_drop(struct xs_session_watch *watch)
{
	if (!xs_session_watch_unlink(watch))
		return;
	xs_watch_entry_remove(&watch->session->store->watches, watch->entry);
	xs_watch_entry_put(watch->entry);
}

static bool xs_session_is_error(const struct xs_msg *reply, int err)
{
	return reply->hdr.type == XS_ERROR &&
	       xs_wire_errno(reply->body, reply->hdr.len) == err;
}

/**
 * xs_session_watched() - complete a client's XS_WATCH
 * @watch: the watch; the request's reference is dropped
 * @reply: the server's; an XS_ERROR removes the watch, but for EEXIST, which becomes
 *	"OK"
 *
 * Context: Kthread, or a close that cancels the request; does not sleep.
 */
void xs_session_watched(struct xs_session_watch *watch, struct xs_msg *reply)
{
	/* A reconnect in the meantime has set it. */
	if (xs_session_is_error(reply, -EEXIST))
		xs_session_set_ok(reply, XS_WATCH);
	if (reply->hdr.type != XS_WATCH) {
		spin_lock(&watch->session->lock);
		watch->refused = true;
		spin_unlock(&watch->session->lock);
		xs_session_watch_drop(watch);
	}
	xs_watch_entry_put(watch->entry);
}

/**
 * xs_session_unwatched() - complete a client's XS_UNWATCH
 * @watch: the watch; the request's reference is dropped
 * @reply: the server's; ENOENT becomes "OK", because removing a watch that does
 *	not exist has always succeeded on this device
 *
 * Context: Kthread, or a close that cancels the request; does not sleep.
 */
void xs_session_unwatched(struct xs_session_watch *watch, struct xs_msg *reply)
{
	if (xs_session_is_error(reply, -ENOENT))
		xs_session_set_ok(reply, XS_UNWATCH);
	xs_watch_entry_put(watch->entry);
}

static bool xs_session_parse_watch(struct xs_request *req, const char **path,
				   const char **token, const char **extra)
{
	const char *pos = xs_request_payload(req);
	const char *end = pos + xs_request_header(req)->len;

	*path = xs_wire_next_string(&pos, end);
	*token = xs_wire_next_string(&pos, end);
	*extra = pos;
	return *path && *token;
}

/*
 * Send a copy of the client's message with the registry's token. The client's
 * request is freed if the copy is accepted. -E2BIG if the copy is too long, which
 * an UNWATCH never is: the WATCH before it was longer.
 */
static int xs_session_watch_submit(struct xs_session_watch *watch, u32 type,
				   struct xs_request *client)
{
	struct xs_session *session = watch->session;
	struct xs_request *req;
	int err;

	req = xs_watch_entry_request(watch->entry, type, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(req))
		return PTR_ERR(req);
	WRITE_ONCE(watch->entry->leaving, type == XS_UNWATCH);
	err = xs_session_submit(session, req, watch);
	if (err)
		WRITE_ONCE(watch->entry->leaving, false);
	xs_request_put(err ? req : client);
	return err;
}

/* Registered and listed before it is sent: an event may precede the reply. */
static int xs_session_watch_send(struct xs_session_watch *watch,
				 struct xs_request *client)
{
	struct xs_watch_entry *entry = watch->entry;
	int err;

	err = xs_watch_entry_add(&watch->session->store->watches, entry);
	if (err)
		return err;
	kref_get(&entry->ref);	/* the list's */
	xs_session_watch_link(watch);
	kref_get(&entry->ref);	/* the request's */
	err = xs_session_watch_submit(watch, XS_WATCH, client);
	if (err) {
		xs_session_watch_drop(watch);
		xs_watch_entry_put(entry);
	}
	return err;
}

/**
 * xs_session_watch() - a client's XS_WATCH
 * @session: the session
 * @req: the message
 *
 * What follows the token, such as a depth, is passed on with it.
 *
 * Context: Process, a handler of session_msg.c.
 * Return: 0 or a negative errno, see xs_session_message().
 */
int xs_session_watch(struct xs_session *session, struct xs_request *req)
{
	const char *path, *token, *extra, *end;
	struct xs_session_watch *watch;
	int err;

	if (!xs_session_parse_watch(req, &path, &token, &extra))
		return xs_session_reply(session, req, -EINVAL);
	end = (const char *)req->out + req->len;
	watch = xs_session_watch_alloc(session, path, token, extra, end - extra);
	if (IS_ERR(watch))
		return PTR_ERR(watch);
	err = xs_session_watch_send(watch, req);
	xs_watch_entry_put(watch->entry);
	if (err == -E2BIG)
		return xs_session_reply(session, req, err);
	return err;
}

/*
 * Remove the entry only after the request is accepted: otherwise nothing may
 * change. The request may have completed by then and dropped its reference. A
 * resume cannot set the watch again in between: the caller is inside the gate.
 */
static int xs_session_unwatch_send(struct xs_session_watch *watch,
				   struct xs_request *client)
{
	struct xs_watch_entry *entry = watch->entry;
	struct xs_watches *watches = &watch->session->store->watches;
	int err;

	kref_get(&entry->ref);
	err = xs_session_watch_submit(watch, XS_UNWATCH, client);
	if (!err) {
		xs_watch_entry_remove(watches, entry);
	} else if (!xs_session_watch_link(watch)) {
		xs_watch_entry_remove(watches, entry);
		xs_watch_entry_put(entry);
	}
	xs_watch_entry_put(entry);
	return err;
}

/**
 * xs_session_unwatch() - a client's XS_UNWATCH
 * @session: the session
 * @req: the message
 *
 * An event that the kthread has looked up already may still be queued, but before
 * the reply to this, which the kthread queues later.
 *
 * Context: Process, a handler of session_msg.c.
 * Return: 0 or a negative errno, see xs_session_message().
 */
int xs_session_unwatch(struct xs_session *session, struct xs_request *req)
{
	const char *path, *token, *extra;
	struct xs_session_watch *watch;

	if (!xs_session_parse_watch(req, &path, &token, &extra))
		return xs_session_reply(session, req, -EINVAL);
	spin_lock(&session->lock);
	watch = xs_session_watch_find_locked(session, path, token);
	if (watch)
		xs_session_watch_unlink_locked(watch);
	spin_unlock(&session->lock);
	if (!watch)
		return xs_session_reply(session, req, 0);
	/* The list's reference is ours now, then the request's. */
	return xs_session_unwatch_send(watch, req);
}

/**
 * xs_session_watch_pop() - take the newest watch
 * @session: the session
 *
 * Context: Process.
 * Return: A watch with the list's reference to its entry, which is the caller's
 * now; or NULL.
 */
struct xs_session_watch *xs_session_watch_pop(struct xs_session *session)
{
	struct xs_session_watch *watch;

	spin_lock(&session->lock);
	watch = list_first_entry_or_null(&session->watch_list,
					 struct xs_session_watch, node);
	if (watch)
		xs_session_watch_unlink_locked(watch);
	spin_unlock(&session->lock);
	return watch;
}
