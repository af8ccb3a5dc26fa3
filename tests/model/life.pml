/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does every request complete once, and every suspend end, when the connection
 * breaks at any moment?
 *
 * Each process stands for one context of the code:
 *
 *	caller()	conn.c: xs_conn_submit(), then waits, or withdraws
 *	breaker()	conn.c: xs_conn_break()
 *	suspender()	io.c: xs_conn_connect(); suspend.c: gate, park, reconnect
 *			or cancel, unpark, a request to set a watch again
 *	handler()	io.c: xs_io_notified(), in hard interrupt
 *	kthread()	io.c: xs_io_thread(), with its tx, rx, break and park
 *	server()	answers in any order, sends a watch event, and may die as
 *			long as a break is still to come
 *	buffers()	the memory system
 *
 * A request is two pieces, of which the request ring holds one. An event is a
 * header and a body, a reply is one part; the response ring holds two parts. What
 * changes under conn->lock does so in one step. Notifications to the server, and
 * stores to the page that become visible late, are in ring.pml. What may become
 * visible late here are the kthread's store to masked, and the rings.
 *
 * LIAR: the server may do what is out of range, and then nothing more.
 * NO_...: a step of the code is left out. The checker must find an error then,
 *	or the model would prove nothing.
 *
 * An error is an end state in which a process still waits, or an assertion.
 *
 * Copyright (C) 2026 The xenbus authors
 */

#ifndef CALLERS
#define CALLERS	1	/* up to 2 */
#endif
#define REARM	CALLERS	/* the suspender's request */
#define NONE	(CALLERS + 1)

mtype = { DOWN, UP, BROKEN };	/* of the connection */
mtype = { NEW, QUEUED, SENT, CLAIMED, DONE };	/* of a request */

/* On the response ring; a reply is REPLY and the number of the request. */
#define EMPTY	0
#define HEADER	1
#define BODY	2
#define REPLY	3

/* Under conn->lock, but for looks without it */
mtype state = DOWN;
bool break_err;
mtype req[NONE] = NEW;
byte tx_req = NONE;	/* conn->tx.req */
bool tx_done;		/* conn->tx.done: its first piece is on the ring */

/* The kthread's */
bool have;		/* conn->rx.have: a header */
bool held;		/* and all of an event that waits for memory */

/* The page, and what the server knows */
byte request;		/* the one that has a piece on the ring, plus 1 */
bool last_piece;
byte first, second;	/* parts on the response ring */
bool event_due, half;
bool due[NONE];
bool dead, lied;

/* The event channel: pending, and its interrupt disabled by the transport */
bool event = true, disabled;
bool masked;		/* conn->masked */
bool unmask_waits;	/* the kthread's store to masked is not visible yet */
bool peer_is_local = true;
bool handling;		/* the handler runs */

bool awake = true;	/* the kthread's task state */
bool should_park, parked;
bool attached, attached_waits;	/* the rings have a page at all */
bool attaching;		/* they are neither of the old page nor of the new */
bool gate_closed;
byte inside;		/* of the gate */
bool break_to_come = true;

#if CALLERS == 1
#define QUEUE_HAS(s)	(req[0] == s || req[1] == s)
#define SERVER_OWES	(event_due || half || due[0] || due[1])
#else
#define QUEUE_HAS(s)	(req[0] == s || req[1] == s || req[2] == s)
#define SERVER_OWES	(event_due || half || due[0] || due[1] || due[2])
#endif
#define WAITING		QUEUE_HAS(QUEUED)
/* When it matters: in all other states, it may as well die a little later. */
#ifdef LIAR
#define MAY_DIE		attaching
#else
#define MAY_DIE		(SERVER_OWES || request || attaching)
#endif

#ifdef NO_PEER_LOOK		/* xs_io_notified(): xs_io_server_failed() */
#define PEER_FAILED	false
#else
#define PEER_FAILED	lied
#endif
#define NOTIFIED_FOR_WORK \
	(have && first || first >= REPLY || first == HEADER && second || \
	 WAITING && !request || PEER_FAILED)
#ifdef NO_RETRY			/* xs_io_thread(): a pass again after -ENOMEM */
#define RETRY		false
#else
#define RETRY		held
#endif
#define HAS_WORK	(state != BROKEN && break_err || \
			 state == UP && (RETRY || NOTIFIED_FOR_WORK))
#define MASKED		(masked && !unmask_waits)

#define BETWEEN_MESSAGES	(!have && !held && !tx_done)
#if defined(NO_BROKEN_BOUNDARY)	/* xs_io_at_boundary(): BROKEN is one */
#define MAY_PARK	(should_park && BETWEEN_MESSAGES)
#elif defined(NO_BOUNDARY)	/* xs_io_thread(): xs_io_at_boundary() */
#define MAY_PARK	should_park
#else
#define MAY_PARK	(should_park && (BETWEEN_MESSAGES || state == BROKEN))
#endif
#ifdef NO_PARK_LOOK		/* xs_io_thread(): in wait_event_idle() */
#define SHOULD_RUN	(MASKED || HAS_WORK)
#else
#define SHOULD_RUN	(MASKED || HAS_WORK || MAY_PARK)
#endif

#ifdef NO_BEGUN_LOOK		/* xs_conn_cancel(): leaves conn->tx.req alone */
#define CAN_CANCEL(r)	(req[r] == QUEUED)
#else
#define CAN_CANCEL(r)	(req[r] == QUEUED && tx_req != r)
#endif

/* xs_request_finish() */
inline finish(r)
{
	assert(req[r] != DONE);
	req[r] = DONE;
	inside--
}

inline submit(r)
{
#ifdef NO_STATE_LOCKED		/* xs_conn_submit(): state, under the lock */
	if
	:: state == BROKEN -> atomic { finish(r) }
	:: state != BROKEN -> req[r] = QUEUED
	fi;
#else
	atomic {
		if
		:: state == BROKEN -> finish(r)
		:: else -> req[r] = QUEUED
		fi
	};
#endif
	atomic {
		if
		:: req[r] != DONE && !request -> awake = true
		:: else
		fi
	};
	if
	:: true
	:: atomic {		/* xs_conn_cancel() */
		if
		:: CAN_CANCEL(r) -> finish(r)
		:: else
		fi }
	fi;
	req[r] == DONE
}

active proctype buffers()
{
end:	do
	:: atomic { unmask_waits -> masked = false; unmask_waits = false }
	:: atomic { attached_waits -> attached = true; attached_waits = false }
	od
}

active [CALLERS] proctype caller()
{
	byte me = _pid - 1;

	atomic { !gate_closed -> inside++ };
	submit(me)
}

active proctype breaker()
{
	if
	:: atomic { !dead -> break_to_come = false }
	:: atomic { break_err = true; break_to_come = false };
#ifndef NO_BREAK_WAKE		/* xs_conn_break(): wake_up() */
	   awake = true
#endif
	fi
}

active proctype suspender()
{
	/* xs_conn_connect(), after a break perhaps */
	attached_waits = true;
	atomic {
#ifndef NO_UP_RELEASE		/* xs_conn_set_up(): smp_store_release() of state */
		!attached_waits;
#endif
		break_err = (state == BROKEN -> false : break_err);
		state = UP
	};
#ifndef NO_CONNECT_WAKE		/* xs_conn_set_up(): wake_up() */
	awake = true;
#endif

	/* xs_watches_suspend() */
	gate_closed = true;
	atomic {
#ifndef NO_DRAIN		/* xs_watches_suspend(): xs_gate_drain() */
		inside == 0;
#endif
		should_park = true;
		awake = true
	};
	parked;
	if
	:: goto unpark		/* xs_watches_suspend_cancel() */
	:: true			/* xs_watches_resume(): xs_conn_reconnect() */
	fi;
	/*
	 * The break that the kthread has acted upon was about the old server. One
	 * that comes from here on may be about the new one.
	 */
#ifndef NO_FORGET_FIRST		/* xs_conn_reconnect(): break_err, then the rest */
	atomic { break_err = (state == BROKEN -> false : break_err) };
#endif
	if
	:: atomic { break_err = true }	/* there is no server any more */
	:: atomic {
		assert(BETWEEN_MESSAGES && !QUEUE_HAS(SENT) || state == BROKEN);
		request = EMPTY; last_piece = false;
		first = EMPTY; second = EMPTY;
		due[0] = false; due[1] = false; half = false; event_due = false;
		dead = false; lied = false;
		if
		:: true		/* the same channel, masked or not */
#ifdef NO_MASKED_KEPT		/* xs_conn_reconnect(): leaves masked alone */
			; masked = false
#endif
		:: !handling ->	/* xen_transport_replace_evtchn(): a remote one */
			event = false; disabled = false;
#ifndef NO_REMOTE		/* xs_io_notified(): masks for a local one only */
			peer_is_local = false
#endif
		fi;
		attaching = true
	   };
	   atomic {
		tx_req = NONE; tx_done = false; have = false; held = false;
		attaching = false;
#ifdef NO_FORGET_FIRST
		break_err = (state == BROKEN -> false : break_err);
#endif
		state = UP
	   }
	fi;
unpark:
	/* xs_conn_unpark(), xs_watches_rearm(), xs_gate_open() */
	should_park = false;
	atomic { inside++ };
	submit(REARM);
	gate_closed = false
}

/* What it sees while the rings are attached may be anything. */
active proctype handler()
{
	bool mask;

end:	do
	:: atomic {
		event && !disabled -> event = false;
#ifdef NO_UP_ACQUIRE		/* xs_io_has_work(): smp_load_acquire() of state */
		mask = attached
	   };
	   atomic {
		assert(state != UP || mask);
#else
		assert(state != UP || attached);
#endif
		if
		:: state != UP -> mask = false
		:: state == UP && (NOTIFIED_FOR_WORK || attaching) ->
			mask = peer_is_local && !WAITING && !have
		:: state == UP && (!NOTIFIED_FOR_WORK || attaching) ->
			mask = false;
			goto end
		fi;
		handling = true
	   };
	   if
	   :: atomic { mask -> disabled = true; mask = false };
	      masked = true
	   :: else
	   fi;
	   atomic { awake = true; handling = false }
	od
}

active proctype kthread()
{
	byte part;

end:	do
	:: awake = false;	/* prepare_to_wait(), with its barrier */
	   if
	   :: !unmask_waits && !SHOULD_RUN
	   :: atomic { !unmask_waits && SHOULD_RUN ->
		awake = true;
		if
		:: MAY_PARK && !MASKED -> goto park
		:: MAY_PARK && MASKED -> goto unmask
		:: else -> goto pass
		fi }
	   fi;
end_asleep:
	   awake;
	   goto end;

park:	   parked = true;
	   !should_park;
	   parked = false;
	   goto end;

pass:	   if
	   :: atomic { state != BROKEN && (break_err || state == UP && lied) ->
		/* xs_conn_fail_all(): claims all at once, then finishes each */
		state = BROKEN;
		break_err = true;
		d_step {
			part = 0;
			do
			:: part < NONE ->
				if
				:: req[part] == QUEUED || req[part] == SENT ->
					req[part] = CLAIMED
				:: else
				fi;
				part++
			:: else -> part = 0; break
			od
		} };
		do
		:: atomic { req[0] == CLAIMED -> finish(0) }
		:: atomic { req[1] == CLAIMED -> finish(1) }
#if CALLERS == 2
		:: atomic { req[2] == CLAIMED -> finish(2) }
#endif
		:: else -> break
		od;
		goto passed
	   :: else
	   fi;

	   /* xs_tx_fill() */
	   do
	   :: atomic { state == UP && tx_req == NONE && WAITING ->
		if
		:: req[0] == QUEUED -> tx_req = 0
		:: req[1] == QUEUED -> tx_req = 1
#if CALLERS == 2
		:: req[2] == QUEUED -> tx_req = 2
#endif
		fi }
	   :: atomic { state == UP && tx_req != NONE && !request ->
		request = tx_req + 1;
		last_piece = tx_done;
		if
		:: tx_done ->
			assert(req[tx_req] == QUEUED);
			req[tx_req] = SENT; tx_req = NONE; tx_done = false
		:: else -> tx_done = true
		fi }
	   :: else -> break
	   od;

	   /* xs_rx_drain(): an event that finds no memory ends it */
	   do
	   :: atomic { state == UP && !held && first ->
		part = first; first = second; second = EMPTY;
		if
		:: part == HEADER -> have = true
		:: part == BODY -> have = false; held = true
		:: part >= REPLY ->
			assert(req[part - REPLY] == SENT);
			finish(part - REPLY)
		fi;
		part = EMPTY }
	   :: held -> held = false
#ifndef LIAR			/* fewer states */
	   :: held -> break
#endif
	   :: else -> break
	   od;
passed:
	   if
	   :: HAS_WORK && !MAY_PARK -> goto pass
	   :: else
	   fi;

	   /*
	    * masked is cleared, then the transport enables the interrupt, if it has
	    * disabled it.
	    */
unmask:
#ifdef NO_MASKED_ACQUIRE	/* xs_io_unmask(): smp_load_acquire() of masked */
	   part = disabled;
#endif
	   if
	   :: atomic { masked -> unmask_waits = true };
#ifndef NO_MASKED_ACQUIRE
		part = disabled;
#endif
		if
		:: part ->
			atomic { !unmask_waits -> event = false; disabled = false }
		:: else
		fi
	   :: else
	   fi;
	   part = EMPTY
	od
}

active proctype server()
{
	byte n;

	atomic {
		state != DOWN;
		if
		:: event_due = true
		:: true
		fi
	};
end:	do
	:: atomic { !dead && !lied && break_to_come && MAY_DIE -> dead = true }
	:: atomic { !dead && !lied && request ->
		due[request - 1] = last_piece;
		request = EMPTY; last_piece = false;
		event = true }
	:: atomic { !dead && !lied && !second && SERVER_OWES ->
		if
		:: event_due -> event_due = false; half = true; n = HEADER
		:: half -> half = false; n = BODY
		:: due[0] && !half -> due[0] = false; n = REPLY
		:: due[1] && !half -> due[1] = false; n = REPLY + 1
#if CALLERS == 2
		:: due[2] && !half -> due[2] = false; n = REPLY + 2
#endif
		fi;
		if
		:: first -> second = n
		:: else -> first = n
		fi;
		n = EMPTY;
		event = true }
#ifdef LIAR
	:: atomic { !dead && !lied -> lied = true; event = true }
#endif
	od
}

#ifdef LIAR
/* When no other process can do anything any more. */
active proctype verdict()
{
	timeout;
	assert(state == BROKEN || !lied)
}
#endif
