/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a signal that is left out ever leave somebody asleep?
 *
 * A model of the I/O thread, of its interrupt handler and of a caller, against
 * a server that behaves as xenstored does: it signals after everything it
 * moves, and sleeps when it has seen nothing to read and no room to write.
 * Each request is answered by a message of two parts (a header and a body),
 * and the response ring holds SIZE parts.
 *
 * What another thread reads without a lock has one writer each, whose stores
 * pass through a buffer that empties at any later moment, as on x86 and, for
 * one variable, on every machine that Linux runs on; a barrier waits until it
 * is empty. An end state in which a process still waits is what the checker
 * reports as an error.
 *
 * MASK is the way of one CPU with a server on it: the first signal is the last
 * one until the I/O thread has looked. With NO_... a barrier or a step is left
 * out: the checker must then find an error, or the model would be worthless.
 *
 * Copyright (C) 2026 The xenbus authors
 */

#define REQUESTS	3
#define SIZE		3	/* not a multiple of a message: it can fill up */
#define PARTS		2

/* A variable, and the value that waits in the buffer of its writer. */
#define SHARED(v)	byte v; byte v##_new; bool v##_waits
#define STORE(v, value) \
	atomic { !v##_waits -> v##_new = value; v##_waits = true }
#define EMPTY(v)	atomic { v##_waits -> v = v##_new; v##_waits = false }

SHARED(queued);		/* requests: the caller's */
SHARED(req_prod);	/* indices: the I/O thread's */
SHARED(rsp_cons);
SHARED(req_cons);	/* indices: the server's */
SHARED(rsp_prod);

#define BARRIER_CALLER	(!queued_waits)
#define BARRIER_THREAD	(!req_prod_waits && !rsp_cons_waits)
#define BARRIER_SERVER	(!req_cons_waits && !rsp_prod_waits)

active proctype buffers()
{
end:	do
	:: EMPTY(queued)
	:: EMPTY(req_prod)
	:: EMPTY(rsp_cons)
	:: EMPTY(req_cons)
	:: EMPTY(rsp_prod)
	od
}

/* Event channels: pending until whoever is signalled has taken it. */
bool thread_event, server_event;
bool masked;

bool awake = true;	/* the I/O thread */
byte taken;		/* requests that it has put into the ring */
byte published;		/* what it has published of the response ring */

/* xs_conn_can_receive(): a whole message, or the rest of one half taken. */
#define CAN_RECEIVE	(rsp_prod - published >= PARTS - (published % PARTS))
#define CAN_SEND	(queued != taken)
#define HAS_WORK	(CAN_RECEIVE || CAN_SEND)

/* xs_conn_event() */
active proctype interrupt()
{
end:	do
	:: atomic { thread_event && !masked -> thread_event = false };
#ifdef MASK
	   masked = true;
	   awake = true
#else
	   if
	   :: HAS_WORK -> awake = true
	   :: else
	   fi
#endif
	od
}

/* xs_conn_submit(): wakes the thread unless the server's signal will. */
active proctype caller()
{
	byte n;

	do
	:: n == REQUESTS -> break
	:: else ->
		n++;
		STORE(queued, n);
#ifndef NO_CALLER_BARRIER
		BARRIER_CALLER;
#endif
		if
		:: req_cons == taken -> awake = true
		:: else
		fi
	od
}

/* xs_conn_thread() and the pump */
active proctype thread()
{
	byte before, seen, own;
	bool was_full, kick;
#ifdef NO_WORK_AFTER_UNMASK
	bool had_work;
#endif

	do
	:: own == REQUESTS * PARTS -> break
	:: else ->
	   /* wait_event_idle(): it says that it sleeps, looks again, sleeps */
	   awake = false;
	   if
	   :: HAS_WORK || masked -> awake = true
	   :: else -> awake
	   fi;
	   if
	   :: masked ->
#ifdef NO_WORK_AFTER_UNMASK
		had_work = HAS_WORK;
#endif
		thread_event = false;
		masked = false;
#ifdef NO_WORK_AFTER_UNMASK
		/* It believes what it saw before. */
		if
		:: !had_work -> awake = false; awake
		:: else
		fi
#endif
	   :: else
	   fi;
	   kick = false;
	   /* xs_conn_send(); there is room for all */
	   if
	   :: CAN_SEND ->
		before = taken;
		seen = queued;
		STORE(req_prod, seen);
		taken = seen;
#ifndef NO_REQUEST_BARRIER
		BARRIER_THREAD;
#endif
		kick = (req_cons == before)
	   :: else
	   fi;
	   /* xs_conn_receive() */
	   before = published;
	   was_full = false;
	   do
	   :: seen = rsp_prod;
	      was_full = was_full || (seen - before == SIZE);
	      if
	      :: own == seen -> break
	      :: else -> own = seen
	      fi
	   od;
	   if
	   :: own != before ->
		STORE(rsp_cons, own);
		published = own;
#ifndef NO_RESPONSE_BARRIER
		BARRIER_THREAD;
#endif
#ifndef NO_KICK_IF_FULL
		kick = kick || was_full || (rsp_prod - before >= SIZE)
#endif
	   :: else
	   fi;
	   if
	   :: kick -> server_event = true
	   :: else
	   fi
	od
}

/* xenstored: signals at every step, sleeps when it can do nothing. */
active proctype server()
{
	byte read, written, parts;

	do
	:: read == REQUESTS && parts == 0 -> break
	:: parts > 0 && written - rsp_cons < SIZE ->
		written++;
		parts--;
		STORE(rsp_prod, written);
#ifndef NO_SERVER_BARRIER
		BARRIER_SERVER;
#endif
		thread_event = true
	:: parts == 0 && req_prod != read ->
		read++;
		parts = PARTS;
		STORE(req_cons, read);
#ifndef NO_SERVER_BARRIER
		BARRIER_SERVER;
#endif
		thread_event = true
	:: else ->
		atomic { server_event -> server_event = false }
	od
}
