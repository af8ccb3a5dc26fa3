/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does a caller who helps ever leave something lying in the ring?
 *
 * A model of drivers/xen/xenstore/help.c: the server produces messages, small
 * replies and others in every order, and signals after each; the interrupt
 * handler leaves a signal to the helper or wakes the I/O thread; the helper
 * takes small replies while the thread does not receive, and ends when any one
 * of the messages, which is its own, has been taken. An end state with a message that nobody has taken
 * is what the checker reports as an error.
 *
 * A store to a variable that others read without a lock waits in a buffer, see
 * ring.pml. With NO_... a barrier or a step is left out, and the checker must
 * find an error.
 *
 * Copyright (C) 2026 The xenbus authors
 */

#define MESSAGES	3

byte produced, consumed;
bool small[MESSAGES];
byte own;		/* the message that the helper waits for */
bool signal;

bool helping, helping_new, helping_waits;	/* the helper's store */
bool poked;
bool awake;		/* the I/O thread */
bool rx_lock, rx_busy;

#define LOCK		atomic { !rx_lock -> rx_lock = true }
#define UNLOCK		rx_lock = false
#define HAS_WORK	(produced != consumed)
#define HAS_SMALL	(HAS_WORK && small[consumed])

active proctype buffer()
{
end:	do
	:: atomic { helping_waits -> helping = helping_new; helping_waits = false }
	od
}

active proctype server()
{
	do
	:: produced == MESSAGES -> break
	:: else ->
		if
		:: small[produced] = true
		:: skip
		fi;
		produced++;
		signal = true
	od
}

/* xs_conn_signalled() and xs_conn_poke_helper() */
active proctype interrupt()
{
end:	do
	:: atomic { signal -> signal = false };
	   if
	   :: helping && !poked && HAS_SMALL -> poked = true
	   :: else ->
		if
		:: HAS_WORK -> awake = true
		:: else
		fi
	   fi
	od
}

/* xs_conn_wait(), called while the thread sleeps */
active proctype helper()
{
	if
	:: own = 0
	:: own = 1
	:: own = 2
	fi;
	atomic { !helping_waits -> helping_new = true; helping_waits = true };
	do
	:: consumed > own -> break
	:: atomic { poked -> poked = false };
	   LOCK;
	   if
	   :: !rx_busy ->
		do
		:: HAS_SMALL -> consumed++
		:: else -> break
		od
	   :: else
	   fi;
	   UNLOCK;
#ifndef NO_WAKE_AFTER_HELP
	   if
	   :: HAS_WORK -> awake = true
	   :: else
	   fi
#endif
	od;
	atomic { !helping_waits -> helping_new = false; helping_waits = true };
#ifndef NO_STOP_BARRIER
	!helping_waits;
#endif
#ifndef NO_LOOK_AFTER_STOP
	if
	:: HAS_WORK -> awake = true
	:: else
	fi
#endif
}

/* xs_conn_thread() */
active proctype thread()
{
	do
	:: consumed == MESSAGES -> break
	:: awake ->
	   awake = false;
	   LOCK;
	   rx_busy = true;
	   UNLOCK;
	   do
	   :: HAS_WORK -> consumed++
	   :: else -> break
	   od;
	   LOCK;
	   rx_busy = false;
	   UNLOCK;
	   /* wait_event_idle() looks again before it sleeps. */
	   if
	   :: HAS_WORK -> awake = true
	   :: else
	   fi
	od
}
