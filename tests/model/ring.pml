/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a signal that is left out ever leave somebody asleep?
 *
 * A model of xs_ring_publish_requests(), xs_ring_publish_responses() and of
 * xs_conn_event_matters() against a server that behaves as xenstored does: it
 * signals after everything it moves, and sleeps when it has seen nothing to
 * read or no room to write. Each request is answered by a message of two parts
 * (a header and a body), and the response ring holds SIZE parts.
 *
 * Every index has one writer, whose stores pass through a buffer that empties
 * at any later moment, as on x86 and, for one variable, on every machine that
 * Linux runs on; a barrier waits until it is empty. An end state in which a
 * process still waits is what the checker reports as an error.
 *
 * NO_REQUEST_BARRIER, NO_RESPONSE_BARRIER and NO_SERVER_BARRIER leave out one
 * barrier each, NO_FULL one signal that is needed: the checker must then find
 * an error, or the model would not be worth anything.
 *
 * Copyright (C) 2026 The xenbus authors
 */

#define REQUESTS	3
#define SIZE		3	/* not a multiple of a message: it can fill up */
#define PARTS		2

/* What memory holds, and what still waits in the buffer of its writer. */
byte req_prod, req_cons, rsp_prod, rsp_cons;
byte req_prod_buf, req_cons_buf, rsp_prod_buf, rsp_cons_buf;
bool req_prod_dirty, req_cons_dirty, rsp_prod_dirty, rsp_cons_dirty;

#define STORE(index, value) \
	atomic { !index##_dirty -> index##_buf = value; index##_dirty = true }
#define BARRIER_DRIVER	(!req_prod_dirty && !rsp_cons_dirty)
#define BARRIER_SERVER	(!req_cons_dirty && !rsp_prod_dirty)

/* The event channel: pending until whoever sleeps has taken it. */
bool driver_event, server_event;

/* What the I/O thread tells the interrupt handler. */
bool thread_awake = true;

active proctype buffers()
{
end:	do
	:: atomic { req_prod_dirty ->
		    req_prod = req_prod_buf; req_prod_dirty = false }
	:: atomic { req_cons_dirty ->
		    req_cons = req_cons_buf; req_cons_dirty = false }
	:: atomic { rsp_prod_dirty ->
		    rsp_prod = rsp_prod_buf; rsp_prod_dirty = false }
	:: atomic { rsp_cons_dirty ->
		    rsp_cons = rsp_cons_buf; rsp_cons_dirty = false }
	od
}

/* What the driver's side has published of the response ring. */
byte rsp_published;

/* xs_conn_can_receive(): a whole message, or the rest of one half taken. */
#define CAN_RECEIVE \
	(rsp_prod - rsp_published >= PARTS - (rsp_published % PARTS))

/* xs_conn_event(): wakes the thread only if a turn gets it somewhere. */
active proctype interrupt()
{
end:	do
	:: atomic { driver_event -> driver_event = false }
	   if
	   :: CAN_RECEIVE -> thread_awake = true
	   :: else
	   fi
	od
}

active proctype driver()
{
	byte sent, own, before, seen;
	byte replies;
	bool was_full, kick;

	do
	:: replies == REQUESTS * PARTS -> break
	:: else ->
	   kick = false;
	   /* xs_conn_send(), which has room for all, one at a time */
	   if
	   :: sent < REQUESTS ->
		before = sent;
		sent++;
		STORE(req_prod, sent);
#ifndef NO_REQUEST_BARRIER
		BARRIER_DRIVER;
#endif
		kick = (req_cons == before)
	   :: sent < REQUESTS	/* the next one has not been submitted yet */
	   :: else
	   fi;
	   /* xs_conn_receive() */
	   before = rsp_published;
	   was_full = false;
	   do
	   :: seen = rsp_prod;
	      if
	      :: seen - before == SIZE -> was_full = true
	      :: else
	      fi;
	      if
	      :: own == seen -> break
	      :: else -> replies = replies + (seen - own); own = seen
	      fi
	   od;
	   if
	   :: own != before ->
		STORE(rsp_cons, own);
		rsp_published = own;
#ifndef NO_RESPONSE_BARRIER
		BARRIER_DRIVER;
#endif
#ifndef NO_FULL
		kick = kick || was_full || (rsp_prod - before >= SIZE)
#endif
	   :: else
	   fi;
	   if
	   :: kick -> server_event = true
	   :: else
	   fi;
	   /* wait_event_idle(): says that it sleeps, looks again, sleeps */
	   if
	   :: sent == REQUESTS && replies < REQUESTS * PARTS ->
		thread_awake = false;
		if
		:: CAN_RECEIVE -> thread_awake = true
		:: else
		fi;
		thread_awake
	   :: else
	   fi
	od
}

/* xenstored: signals at every step, sleeps when it can do nothing. */
active proctype server()
{
	byte taken, written, parts;

	do
	:: taken == REQUESTS && parts == 0 -> break
	:: parts > 0 && written - rsp_cons < SIZE ->
		written++;
		parts--;
		STORE(rsp_prod, written);
#ifndef NO_SERVER_BARRIER
		BARRIER_SERVER;
#endif
		driver_event = true
	:: parts == 0 && req_prod != taken ->
		taken++;
		parts = PARTS;
		STORE(req_cons, taken);
#ifndef NO_SERVER_BARRIER
		BARRIER_SERVER;
#endif
		driver_event = true
	:: else ->
		atomic { server_event -> server_event = false }
	od
}
