/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a signal that is left out ever leave somebody asleep?
 *
 * A model of the I/O thread, of its interrupt handler and of a caller, against
 * a server that behaves as xenstored does: it signals after everything it
 * moves, and sleeps when it has seen nothing to read and no room to write.
 * A request has PIECES, of which the request ring holds ROOM, and is answered
 * when all have been read, by a message of two parts (a header and a body). The
 * response ring holds SIZE parts.
 *
 * What another thread reads without a lock has one writer each, whose stores
 * pass through a buffer that empties at any later moment, as on x86 and, for
 * one variable, on every machine that Linux runs on; a barrier waits until it
 * is empty. An end state in which a process still waits is what the checker
 * reports as an error.
 *
 * MASK is the way of a system with the server on it: if no request waits for
 * room, a signal for the I/O thread is the last one until the thread has looked.
 * With NO_... a barrier or a step is left out: the checker must then find an
 * error, or the model would be worthless.
 *
 * Copyright (C) 2026 The xenbus authors
 */

#define REQUESTS	2
#define PIECES		3	/* of a request */
#define ROOM		2	/* of the request ring: no request fits */
#define SIZE		3	/* not a multiple of a message: it can fill up */
#define PARTS		2

/* A variable, and the value that waits in the buffer of its writer. */
#define SHARED(v)	byte v; byte v##_new; bool v##_waits
#define STORE(v, value) \
	atomic { !v##_waits -> v##_new = value; v##_waits = true }
#define EMPTY(v)	atomic { v##_waits -> v = v##_new; v##_waits = false }

SHARED(queued);		/* pieces: the caller's */
SHARED(req_prod);	/* index: of whoever holds the lock */
SHARED(rsp_cons);	/* index: the I/O thread's */
SHARED(req_cons);	/* indices: the server's */
SHARED(rsp_prod);

#define BARRIER_CALLER	(!queued_waits)
#define BARRIER_SENDER	(!req_prod_waits)
#define BARRIER_THREAD	(!rsp_cons_waits)
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

bool locked;		/* xs_conn.lock; its release empties the buffers */
#define LOCK		atomic { !locked -> locked = true }
#define UNLOCK		atomic { !queued_waits && !req_prod_waits -> locked = false }

bool awake = true;	/* the I/O thread */
byte taken;		/* pieces put into the ring; under the lock */
byte published;		/* what it has published of the response ring */

/* xs_conn_can_receive(): a whole message, or the rest of one half taken. */
#define CAN_RECEIVE	(rsp_prod - published >= PARTS - (published % PARTS))
/* xs_ring_has_room(): half of the ring */
#define HAS_ROOM	(taken - req_cons <= ROOM / 2)
#define CAN_SEND	(queued != taken && HAS_ROOM)
#define HAS_WORK	(CAN_RECEIVE || CAN_SEND)

/* xs_conn_send_locked(): what fits of LAST pieces */
inline send(last, before, kick)
{
	d_step {	/* looks at the server's index once */
		before = taken;
		do
		:: taken != last && taken - req_cons < ROOM -> taken++
		:: else -> break
		od
	}
	if	/* What is not needed any more is set to 0: fewer states. */
	:: taken != before ->
		STORE(req_prod, taken);
#ifndef NO_REQUEST_BARRIER
		BARRIER_SENDER;
#endif
		atomic { kick = kick || (req_cons == before); before = 0 }
	:: else -> before = 0
	fi
}

/* xs_conn_signalled(): uses the room, then looks what is left to do. */
active proctype interrupt()
{
	byte before;
	bool kick;

end:	do
	:: atomic { thread_event && !masked -> thread_event = false };
	   if
	   :: CAN_SEND ->
		LOCK;
		send(queued, before, kick);
		UNLOCK;
		if
		:: kick -> atomic { server_event = true; kick = false }
		:: else
		fi
	   :: else
	   fi;
	   if
#ifdef MASK
	   :: queued == taken ->
		masked = true;
		awake = true
#endif
	   :: HAS_WORK -> awake = true
	   :: else
	   fi
	od
}

/* xs_conn_submit(): sends; wakes the thread unless the server's signal will. */
active proctype caller()
{
	byte n, before;
	bool kick, wake;

	do
	:: n == REQUESTS * PIECES -> break
	:: else ->
		n = n + PIECES;
		LOCK;
		STORE(queued, n);
		send(n, before, kick);
		if
		:: taken != n ->
#ifndef NO_CALLER_BARRIER
			BARRIER_CALLER;
#endif
			wake = HAS_ROOM
		:: else
		fi;
		UNLOCK;
		if
		:: kick -> atomic { server_event = true; kick = false }
		:: else
		fi;
		if
		:: wake -> atomic { awake = true; wake = false }
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
	   LOCK;
	   send(queued, before, kick);
	   UNLOCK;
	   /* xs_conn_receive() */
	   before = published;
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
	   d_step { before = 0; seen = 0; was_full = false };
	   if
	   :: kick -> atomic { server_event = true; kick = false }
	   :: else
	   fi
	od
}

/* xenstored: signals at every step, sleeps when it can do nothing. */
active proctype server()
{
	byte read, written, parts;

	do
	:: read == REQUESTS * PIECES && parts == 0 -> break
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
		if
		:: read % PIECES == 0 -> parts = PARTS
		:: else
		fi;
		STORE(req_cons, read);
#ifndef NO_SERVER_BARRIER
		BARRIER_SERVER;
#endif
		thread_event = true
	:: else ->
		atomic { server_event -> server_event = false }
	od
}
