// SPDX-License-Identifier: GPL-2.0
/*
 * Both directions of the ring page against a peer that keeps to the rules, in
 * which case every byte arrives once and in order, until it lies, in which case
 * nothing but an error may happen. Digits mean: w write and r read so many
 * bytes, p publish; t the peer takes and g gives so many; h, i hostile index of
 * requests and responses.
 */
#include <linux/errno.h>
#include <stdlib.h>

#include "ring.h"
#include "script.h"
#include "shim.h"

struct side {
	struct xs_ring ring;
	u32 ours, theirs;	/* bytes moved, as counted here */
	bool lied;
};

struct fuzz {
	struct xenstore_domain_interface *page;
	struct side req, rsp;
};

static char byte_at(u32 n)
{
	return (n * 2654435761u) >> 24;
}

/* What is ours and what the peer's: nothing else of the page may change. */
static void check_page(const struct fuzz *f,
		       const struct xenstore_domain_interface *before)
{
	const struct xenstore_domain_interface *page = f->page;

	SHIM_BUG_ON(memcmp(page->rsp, before->rsp, sizeof(page->rsp)));
	SHIM_BUG_ON(page->req_cons != before->req_cons);
	SHIM_BUG_ON(page->rsp_prod != before->rsp_prod);
	SHIM_BUG_ON(memcmp(&page->rsp_prod + 1, &before->rsp_prod + 1,
			   sizeof(*page) - offsetof(typeof(*page), rsp_prod) -
			   sizeof(page->rsp_prod)));
}

static bool impossible(u32 prod, u32 cons)
{
	return prod - cons > XENSTORE_RING_SIZE;
}

/* A peer knows our index as published; what it claims beyond that is a lie. */
static bool requests_impossible(const struct fuzz *f)
{
	return impossible(f->page->req_prod, f->page->req_cons) ||
	       impossible(f->req.ring.pvt, f->page->req_cons);
}

static bool responses_impossible(const struct fuzz *f)
{
	return impossible(f->page->rsp_prod, f->page->rsp_cons) ||
	       impossible(f->page->rsp_prod, f->rsp.ring.pvt);
}

static void do_write(struct fuzz *f, size_t len)
{
	struct side *s = &f->req;
	u32 room = XENSTORE_RING_SIZE - (s->ring.pvt - f->page->req_cons);
	char *bytes = malloc(len);
	size_t i;
	int n;

	for (i = 0; i < len; i++)
		bytes[i] = byte_at(s->ours + i);
	n = xs_ring_write(&s->ring, bytes, len);
	free(bytes);
	if (requests_impossible(f)) {
		SHIM_BUG_ON(n != -EIO);
		return;
	}
	SHIM_BUG_ON(n != (int)(len < room ? len : room));
	s->ours += n;
}

static void do_read(struct fuzz *f, size_t len)
{
	struct side *s = &f->rsp;
	u32 used = f->page->rsp_prod - s->ring.pvt;
	char *bytes = malloc(len);
	int n, i;

	n = xs_ring_read(&s->ring, bytes, len);
	if (responses_impossible(f))
		SHIM_BUG_ON(n != -EIO);
	else
		SHIM_BUG_ON(n != (int)(len < used ? len : used));
	for (i = 0; i < n && !s->lied; i++)
		SHIM_BUG_ON(bytes[i] != byte_at(s->ours + i));
	s->ours += n > 0 ? n : 0;
	free(bytes);
}

/* A peer that has read all there was, or waits for space, must be notified. */
static void do_publish(struct fuzz *f)
{
	struct xenstore_domain_interface *page = f->page;
	bool empty = page->req_cons == page->req_prod;
	bool full = page->rsp_prod - page->rsp_cons == XENSTORE_RING_SIZE;
	bool wrote = f->req.ring.pvt != page->req_prod;
	bool read = f->rsp.ring.pvt != page->rsp_cons;
	bool told;

	told = xs_ring_publish_requests(&f->req.ring);
	SHIM_BUG_ON(wrote && empty && !told);
	SHIM_BUG_ON(page->req_prod != f->req.ring.pvt);
	told = xs_ring_publish_responses(&f->rsp.ring);
	SHIM_BUG_ON(read && full && !told);
	SHIM_BUG_ON(page->rsp_cons != f->rsp.ring.pvt);
}

static void peer_takes(struct fuzz *f, size_t len)
{
	struct xenstore_domain_interface *page = f->page;
	struct side *s = &f->req;

	while (len-- && page->req_cons != page->req_prod && !s->lied) {
		SHIM_BUG_ON(impossible(page->req_prod, page->req_cons));
		SHIM_BUG_ON(page->req[MASK_XENSTORE_IDX(page->req_cons)] !=
			    byte_at(s->theirs));
		page->req_cons++;
		s->theirs++;
	}
}

static void peer_gives(struct fuzz *f, size_t len)
{
	struct xenstore_domain_interface *page = f->page;
	struct side *s = &f->rsp;

	while (len-- && !s->lied &&
	       page->rsp_prod - page->rsp_cons < XENSTORE_RING_SIZE) {
		page->rsp[MASK_XENSTORE_IDX(page->rsp_prod)] =
			byte_at(s->theirs);
		page->rsp_prod++;
		s->theirs++;
	}
}

static void look(const struct fuzz *f, u32 offset)
{
	int room = xs_ring_free(&f->req.ring);
	int available = xs_ring_available(&f->rsp.ring);

	SHIM_BUG_ON(room > XENSTORE_RING_SIZE || room < -EIO);
	SHIM_BUG_ON(available > XENSTORE_RING_SIZE || available < -EIO);
	xs_ring_has_room(&f->req.ring);
	xs_ring_unread(&f->rsp.ring);
	xs_ring_peek_u32(&f->rsp.ring, offset);
}

static void step(struct fuzz *f, struct script *s, u8 op)
{
	struct xenstore_domain_interface before = *f->page;

	switch (op) {
	case 'w':
		do_write(f, script_length(s));
		check_page(f, &before);
		break;
	case 'r':
		do_read(f, script_length(s));
		SHIM_BUG_ON(memcmp(f->page, &before, sizeof(before)));
		break;
	case 'p':
		do_publish(f);
		break;
	case 't':
		peer_takes(f, script_length(s));
		break;
	case 'g':
		peer_gives(f, script_length(s));
		break;
	case 'h':
		f->page->req_cons = script_u32(s);
		f->req.lied = true;
		break;
	case 'i':
		f->page->rsp_prod = script_u32(s);
		f->rsp.lied = true;
		break;
	case 'l':
		look(f, script_u32(s));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, data + size };
	struct fuzz f = {};
	u8 op;

	shim_reset();
	f.page = calloc(1, sizeof(*f.page));
	f.page->req_prod = f.page->req_cons = script_u32(&s);
	f.page->rsp_prod = f.page->rsp_cons = script_u32(&s);
	xs_ring_init_requests(&f.req.ring, f.page);
	xs_ring_init_responses(&f.rsp.ring, f.page);
	while ((op = script_next(&s)))
		step(&f, &s, op);
	free(f.page);
	return 0;
}
