/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Are the bytes that one side reads those that the other wrote?
 *
 * One direction of the page. Both work in the same way, and the kernel is at one
 * end of each:
 *
 *	writer()	requests: ring.c: xs_ring_write() and
 *			xs_ring_publish_requests(); replies: xenstored
 *	reader()	replies: ring.c: xs_ring_read() and
 *			xs_ring_publish_responses(); requests: xenstored
 *	buffers()	the memory system
 *
 * Byte x is at x mod RING and has the value x + 1. Stores become visible at any
 * later time, in any order between variables. Loads may be reordered where no
 * barrier prevents it; what may happen then is written out below.
 *
 * LIAR: the writer does not look at the reader's index. The reader must not
 *	follow it further than the ring, as seen from what it has published.
 * NO_...: a barrier or a step of the code is left out. The checker must find an
 *	error then.
 *
 * An error is an assertion. A process that is stuck is none: a load that was
 * guessed wrong ends the run of its process.
 *
 * Copyright (C) 2026 The xenbus authors
 */

#define RING		2
#define BYTES		5

byte slot[RING], slot_new[RING];
bool slot_waits[RING];
byte prod, prod_new, cons, cons_new;
bool prod_waits, cons_waits;
bool wrong, written_all, read_all;

#define STORE_SLOT(x)	\
	slot_new[(x) % RING] = (x) + 1; slot_waits[(x) % RING] = true
#define FLUSH_SLOT(i)	\
	atomic { slot_waits[i] -> slot[i] = slot_new[i]; slot_waits[i] = false }

#ifdef NO_INDEX_BARRIER		/* xs_ring_publish_requests(): virt_wmb() */
#define INDEX_BARRIER	true
#else
#define INDEX_BARRIER	(!slot_waits[0] && !slot_waits[1])
#endif

active proctype buffers()
{
end:	do
	:: FLUSH_SLOT(0)
	:: FLUSH_SLOT(1)
	:: atomic { prod_waits -> prod = prod_new; prod_waits = false }
	:: atomic { cons_waits -> cons = cons_new; cons_waits = false }
	od
}

active proctype writer()
{
	byte own, published;

	do
	:: published == BYTES -> break
	:: own < BYTES ->
#ifdef LIAR
		own - published < RING;
		atomic { STORE_SLOT(own) };
#else
		if
		:: own - cons < RING ->
			atomic { STORE_SLOT(own) }
		/*
		 * No processor stores before the load that decides on it. But
		 * the kernel's memory model promises that for marked stores
		 * only, and memcpy() has none.
		 */
#ifdef NO_WRITE_BARRIER		/* xs_ring_write(): virt_mb() */
		:: atomic { STORE_SLOT(own) };	/* before the load of cons */
		   own - cons < RING
#endif
		fi;
#endif
		own++
	:: own != published ->
		atomic { INDEX_BARRIER -> prod_new = own; prod_waits = true };
		published = own
	od;
	written_all = true
}

active proctype reader()
{
	byte own, published, value, seen;

	do
	:: published == BYTES -> break
	:: own < BYTES ->
		value = 0;
#ifdef NO_READ_BARRIER		/* xs_ring_read(): virt_rmb() */
		if
		:: value = slot[own % RING]	/* before the load of prod */
		:: skip
		fi;
#endif
		seen = prod;
		if
#ifdef NO_PUBLISHED_CHECK	/* xs_ring_read(): against published, not own */
		:: seen - own > RING -> break
#else
		:: seen - published > RING -> break
#endif
		:: else
		fi;
#ifndef LIAR
		assert(seen - published <= RING);
#endif
		if
		:: seen != own && value == 0 ->
			value = slot[own % RING]
		:: seen != own && value != 0
#ifdef NO_SPACE_BARRIER		/* xs_ring_publish_responses(): the 1st virt_mb() */
		:: seen != own && value == 0 && own == published ->
			atomic { cons_new = own + 1; cons_waits = true };
			published = own + 1;
			!cons_waits;
			value = slot[own % RING]	/* after the store of cons */
#endif
		:: seen == own -> goto next
		fi;
#ifndef LIAR
		wrong = wrong || (value != own + 1);
#endif
		own++;
		assert(own - published <= RING);
next:		skip
	:: own > published ->
		atomic { cons_new = own; cons_waits = true };
		published = own
	od;
	read_all = true
}

/* What has been guessed wrong has not happened, and must not count. */
active proctype verdict()
{
	written_all && read_all;
	assert(!wrong)
}
