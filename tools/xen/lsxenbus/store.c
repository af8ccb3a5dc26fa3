// SPDX-License-Identifier: GPL-2.0
/*
 * The device file. Requests are queued, go out as many at a time as the file
 * takes, and are told apart by their ids when replies come, in any order. The
 * file does not block: only poll() waits, for both directions, so that replies
 * are read while requests wait for the file to be writable. An error of the file
 * ends the program, since there is nothing left to show then.
 *
 * It knows nothing of nodes and trees.
 */
#include <sys/uio.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

/*
 * As many as the kernel keeps for a file. More would do no harm, since it says
 * when it is full, but would gain nothing.
 */
#define STORE_WINDOW 1024

/* At most so many messages are handed over at once. */
#define STORE_VECTORS 256

#define STORE_INPUT 65536	/* many messages of any size */

struct store_header {
	uint32_t type;
	uint32_t req_id;
	uint32_t tx_id;
	uint32_t len;
};

struct store_request {
	struct store_request *next;
	void (*done)(void *owner, void *item, const struct store_reply *reply);
	void *owner, *item;
	bool sent;		/* all of it */
	size_t size;		/* of what goes out: header and body */
	struct store_header hdr;
	char body[];		/* directly behind the header */
};

struct store {
	int fd;
	bool full;		/* it took no more, and poll() shall tell */
	struct store_stats stats;
	void (*event)(void *owner, const char *path, const char *token);
	void *owner;

	/* Not sent yet, in order; those before UNARMED have got their ids. */
	struct store_request *queue, *unarmed, **tail;
	size_t sent;		/* bytes of the first */

	/* By id: what has one and no reply. */
	struct store_request *flight[STORE_WINDOW];
	size_t armed, waiting;	/* how many of them, how many have none yet */
	uint32_t serial;

	size_t have;
	char input[STORE_INPUT + 1];
};

/**
 * store_alloc - memory of zeroes, or the end of the program
 * @size: how many bytes
 *
 * Context: any.
 * Return: the memory, to be released with free().
 */
void *store_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		err(1, NULL);
	return memory;
}

/**
 * store_open - open a device file
 * @device: its name
 * @event: called for each event of a watch, from store_run() and store_step()
 * @owner: handed to @event
 *
 * Context: any.
 * Return: the store; the program ends if there is none.
 */
struct store *store_open(const char *device,
			 void (*event)(void *owner, const char *path,
				       const char *token),
			 void *owner)
{
	struct store *store = store_alloc(sizeof(*store));

	store->fd = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (store->fd < 0)
		err(1, "%s", device);
	store->event = event;
	store->owner = owner;
	store->tail = &store->queue;
	return store;
}

/**
 * store_close - close the file, with what is left in it
 * @store: nothing of it is in flight
 *
 * Context: any.
 */
void store_close(struct store *store)
{
	close(store->fd);
	free(store);
}

/**
 * store_submit - queue a request
 * @store: the store
 * @call: the request; it is copied, and so is its body
 *
 * Nothing is sent before store_run().
 *
 * Context: any, callbacks included.
 */
void store_submit(struct store *store, const struct store_call *call)
{
	struct store_request *req = store_alloc(sizeof(*req) + call->len);

	req->done = call->done;
	req->owner = call->owner;
	req->item = call->item;
	req->size = sizeof(req->hdr) + call->len;
	req->hdr.type = call->type;
	req->hdr.tx_id = call->tx;
	req->hdr.len = call->len;
	memcpy(req->body, call->body, call->len);

	*store->tail = req;
	store->tail = &req->next;
	if (!store->unarmed)
		store->unarmed = req;
	store->waiting++;
	store->stats.requests++;
}

/*
 * Once the window is full, it is filled up by many at a time, lest each reply
 * be followed by a write of its own. Ids repeat late, so that a reply that
 * comes twice is noticed.
 */
static void store_arm(struct store *store)
{
	struct store_request *req;

	if (store->armed > STORE_WINDOW - STORE_VECTORS)
		return;
	while (store->unarmed && store->armed < STORE_WINDOW) {
		while (store->flight[store->serial % STORE_WINDOW])
			store->serial++;
		req = store->unarmed;
		req->hdr.req_id = store->serial;
		store->flight[store->serial++ % STORE_WINDOW] = req;
		store->unarmed = req->next;
		store->armed++;
		store->waiting--;
	}
}

/* What has an id and has not been sent: how many pieces. */
static int store_gather(const struct store *store, struct iovec *vectors)
{
	struct store_request *req;
	size_t skip = store->sent;
	int count = 0;

	for (req = store->queue; req && req != store->unarmed; req = req->next) {
		if (count == STORE_VECTORS)
			break;
		vectors[count].iov_base = (char *)&req->hdr + skip;
		vectors[count++].iov_len = req->size - skip;
		skip = 0;
	}
	return count;
}

/* N more bytes are gone; a message that is complete leaves the queue. */
static void store_sent(struct store *store, size_t n)
{
	struct store_request *req;

	store->sent += n;
	while ((req = store->queue) && store->sent >= req->size) {
		store->sent -= req->size;
		store->queue = req->next;
		req->sent = true;
		if (!store->queue)
			store->tail = &store->queue;
	}
}

static void store_write(struct store *store)
{
	struct iovec vectors[STORE_VECTORS];
	ssize_t n;
	int count;

	while (!store->full) {
		store_arm(store);
		count = store_gather(store, vectors);
		if (!count)
			return;
		n = writev(store->fd, vectors, count);
		if (n >= 0)
			store_sent(store, n);
		else if (errno == EAGAIN)
			store->full = true;
		else if (errno != EINTR)
			err(1, "writing to the store");
	}
}

/* BODY has a NUL behind it, see store_parse(). */
static void store_answer(struct store *store, const struct store_header *hdr,
			 const char *body)
{
	size_t slot = hdr->req_id % STORE_WINDOW;
	struct store_request *req = store->flight[slot];
	struct store_reply reply = { .body = body, .len = hdr->len };

	if (!req || !req->sent || req->hdr.req_id != hdr->req_id)
		errx(1, "the store answers what was not asked");
	if (hdr->type == STORE_ERROR)
		reply.error = body;
	else if (hdr->type != req->hdr.type)
		errx(1, "the store answers type %u by type %u", req->hdr.type,
		     hdr->type);
	reply.type = req->hdr.type;

	store->flight[slot] = NULL;
	store->armed--;
	req->done(req->owner, req->item, &reply);
	free(req);
}

static void store_tell(struct store *store, const char *body, size_t len)
{
	size_t path = strlen(body);

	if (path + 1 >= len)
		errx(1, "the store sends half an event");
	store->event(store->owner, body, body + path + 1);
}

/*
 * Takes the message at AT, if it is there. Its body is made a string for the
 * time being: the byte behind belongs to the next one.
 */
static size_t store_parse(struct store *store, char *at, size_t left)
{
	struct store_header hdr;
	char *end, kept;

	if (left < sizeof(hdr))
		return 0;
	memcpy(&hdr, at, sizeof(hdr));
	if (hdr.len > STORE_PAYLOAD_MAX)
		errx(1, "the store sends %u bytes at once", hdr.len);
	if (left < sizeof(hdr) + hdr.len)
		return 0;

	at += sizeof(hdr);
	end = at + hdr.len;
	kept = *end;
	*end = 0;
	if (hdr.type == STORE_WATCH_EVENT)
		store_tell(store, at, hdr.len);
	else
		store_answer(store, &hdr, at);
	*end = kept;
	return sizeof(hdr) + hdr.len;
}

static void store_read(struct store *store)
{
	size_t start = 0, size;
	ssize_t n;

	n = read(store->fd, store->input + store->have,
		 STORE_INPUT - store->have);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		err(1, "reading from the store");
	if (!n)
		errx(1, "the store has gone");

	store->have += n;
	while ((size = store_parse(store, store->input + start,
				   store->have - start)))
		start += size;
	store->have -= start;
	memmove(store->input, store->input + start, store->have);
}

/**
 * store_step - send what can be sent, then wait for something to be read
 * @store: the store; an event or a reply is to be expected
 *
 * Context: not from a callback.
 */
void store_step(struct store *store)
{
	struct pollfd pollfd = { .fd = store->fd, .events = POLLIN };

	store_write(store);
	if (store->full)
		pollfd.events |= POLLOUT;
	if (poll(&pollfd, 1, -1) < 0) {
		if (errno == EINTR)
			return;
		err(1, "poll");
	}
	if (pollfd.revents & POLLOUT)
		store->full = false;
	if (pollfd.revents & ~POLLOUT)
		store_read(store);
}

/**
 * store_run - send all that is queued, return when all of it has completed
 * @store: the store
 *
 * This is one wait, however many requests there are: those that the file does
 * not accept yet follow as soon as it does, while others are still in flight.
 *
 * Context: not from a callback.
 */
void store_run(struct store *store)
{
	if (!store->queue)
		return;
	store->stats.waits++;
	while (store->armed || store->waiting)
		store_step(store);
}

/**
 * store_stats - what it took so far
 * @store: the store
 *
 * Context: any.
 * Return: the figures, which go on counting.
 */
const struct store_stats *store_stats(const struct store *store)
{
	return &store->stats;
}
