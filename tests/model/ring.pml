/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a wake-up or a notification that is left out leave a process asleep?
 *
 * The connection is UP. Each process stands for one context of the code:
 *
 *	caller()	conn.c: xs_conn_submit(), then the wait for the replies
 *	handler()	io.c: xs_io_notified(), in hard interrupt, one at a time
 *	kthread()	io.c: xs_io_thread(), with tx.c: xs_tx_fill() and
 *			rx.c: xs_rx_drain(); nothing else moves bytes
 *	server()	xenstored: it notifies after each step, and sleeps when
 *			it has seen no request and no space for a reply
 *	buffers()	the memory system
 *
 * A variable that another context reads without a lock has one writer. Its
 * stores wait in a buffer and become visible at any later time, in any order
 * between variables; the writer itself sees them at once. A barrier waits until
 * the buffers that it orders are empty. Indices count pieces of a request and
 * parts of a reply, a header being one part. The bytes and their barriers are
 * in data.pml, the states of the connection in life.pml.
 *
 * By default a request is longer than the request ring, and replies are short.
 *
 * LONG_REPLIES: requests are short, a reply is longer than the response ring.
 * MASK: the server is local, so the handler masks the event channel.
 * SPLIT_LOADS: caller and handler load the two values that a look compares at
 *	different times, in either order.
 * LIAR: at any time, the server stores an index that is out of range, or an
 *	error, and then does nothing more. The kthread must find out.
 * NO_...: a barrier or a step of the code is left out. The checker must find an
 *	error then, or the model would prove nothing. The comment beside each
 *	says where it is in the code.
 *
 * An error is an end state in which a process still waits, or an assertion.
 *
 * Copyright (C) 2026 The xenbus authors
 */

#ifndef REQUESTS
#define REQUESTS	2	/* up to 3 */
#endif
#define REQ_RING	2
#define SHORT		2
#ifdef LONG_REPLIES
#define PIECES		1	/* of a request */
#define RSP_RING	4
#define LONG		5	/* parts of the second reply; others are SHORT */
#else
#if defined(SPLIT_LOADS) && defined(MASK)
#define PIECES		1	/* fewer states */
#elif defined(SPLIT_LOADS) || defined(LIAR)
#define PIECES		2
#else
#define PIECES		3
#endif
#define RSP_RING	3	/* not a multiple of a reply: it can fill up */
#define LONG		SHORT
#endif

#define NEVER		80	/* more than any message has */
#define OUT_OF_RANGE	90
#define SECOND		100	/* added to the value that is loaded 2nd in the code */

#define MIN(a, b)	((a) < (b) -> (a) : (b))

/* A variable, and the value that waits in the buffer of its writer. */
#define SHARED(v)	byte v; byte v##_new; bool v##_waits
#define STORE(v, value)	v##_new = value; v##_waits = true
#define FLUSH(v)	\
	atomic { v##_waits -> v = v##_new; v##_new = 0; v##_waits = false }

SHARED(queued);		/* pieces submitted so far; stored by the caller */
SHARED(req_prod);	/* in the page; stored by the kthread, as the next four */
SHARED(req_published);	/* tx.ring.published */
SHARED(rsp_cons);	/* in the page */
SHARED(rsp_published);	/* rx.ring.published */
SHARED(missing);	/* rx.missing */
SHARED(req_cons);	/* in the page; stored by the server, as the next */
SHARED(rsp_prod);
bool page_error;	/* in the page; stored by the server */

/*
 * The event channel to us: pending, and its interrupt disabled. The handler
 * sets masked, through a buffer. The kthread clears it and what is pending, then
 * enables the interrupt; one buffer holds all that, because nothing can come in
 * between that could not come before or after it.
 */
bool event, disabled;
bool masked, masked_waits, unmask_waits;
#ifdef NO_MASKED_CLEARED_FIRST
bool clear_waits;
#endif

bool server_event;	/* the event channel to the server */
bool awake = true;	/* the kthread's task state */
#ifdef NO_SLEEP_BARRIER
bool asleep_waits;
#endif

/* Of the kthread, which changes the queue under a lock: taken needs no buffer. */
byte taken;		/* tx.ring.own: pieces put on the ring */
byte own;		/* rx.ring.own */
byte left;		/* rx.missing */
byte replies;
bool broken;		/* the state is XS_CONN_BROKEN */
bool lied;		/* the server has */

/* Where the reply that part P belongs to begins, and ends. */
#define BEGINS(p)	((p) == 0 || (p) == SHORT || (p) == SHORT + LONG)
#define END(p)		((p) < SHORT -> SHORT : \
			 ((p) < SHORT + LONG -> SHORT + LONG : \
			  SHORT + LONG + SHORT))

/*
 * xs_rx_has_work(): how much must be there. Between messages the length is in
 * the header, at what was published. No message need begin there if missing has
 * become visible first: the length is then that of no message, and may be large.
 */
#define WANT(published, missing) \
	((missing) > 0 -> MIN(missing, RSP_RING / 2) : \
	 (BEGINS(published) -> \
		1 + MIN(END(published) - (published) - 1, RSP_RING / 2) : NEVER))
/* In the code all is unsigned: less than 0 is more than a ring. */
#define RX_HAS_WORK(published, missing) \
	(rsp_prod - (published) >= WANT(published, missing) || \
	 rsp_prod < (published) || rsp_prod - (published) > RSP_RING)
/* xs_ring_has_room(): half of the ring, or the index is out of range */
#define HAS_ROOM(published, cons) \
	((published) - (cons) <= REQ_RING / 2 || (published) - (cons) > REQ_RING)
/* xs_ring_is_read(): or the index is beyond what was published */
#define IS_READ(published, cons)	((published) <= (cons))
#define WAITING		(queued != taken)
/* xs_io_server_failed(): what an honest server never does */
#define PEER_FAILED(published) \
	(page_error || (published) < req_cons || \
	 (published) - req_cons > REQ_RING)

/* xs_io_has_work() and the condition of the wait, as the kthread sees them */
#define HAS_WORK	(!broken && (RX_HAS_WORK(own, left) || \
				     WAITING && HAS_ROOM(taken, req_cons) || \
				     PEER_FAILED(taken)))
#define MASKED		(masked && !unmask_waits)
#ifdef NO_MASKED_LOOK		/* xs_io_thread(): masked, in wait_event_idle() */
#define SHOULD_RUN	HAS_WORK
#else
#define SHOULD_RUN	(MASKED || HAS_WORK)
#endif

#ifdef NO_CALLER_BARRIER	/* xs_conn_submit(): smp_mb() */
#define CALLER_BARRIER	true
#else
#define CALLER_BARRIER	!queued_waits
#endif
#ifdef NO_REQUEST_BARRIER	/* xs_ring_publish_requests(): virt_mb() */
#define REQUEST_BARRIER	true
#else
#define REQUEST_BARRIER	(!req_prod_waits && !req_published_waits)
#endif
#ifdef NO_RESPONSE_BARRIER	/* xs_ring_publish_responses(): the 2nd virt_mb() */
#define RESPONSE_BARRIER true
#else
#define RESPONSE_BARRIER (!rsp_cons_waits && !rsp_published_waits && \
			  !missing_waits)
#endif
#define RINGS_VISIBLE	(!req_prod_waits && !req_published_waits && \
			 !rsp_cons_waits && !rsp_published_waits && \
			 !missing_waits)
/*
 * The full barrier in prepare_to_wait() is the only one between the unmask and
 * the look that follows it.
 */
#ifdef NO_UNMASK_BARRIER	/* prepare_to_wait(): before it, masked = false */
#define SLEEP_BARRIER	RINGS_VISIBLE
#else
#define SLEEP_BARRIER	(RINGS_VISIBLE && !unmask_waits)
#endif
#ifdef NO_SERVER_BARRIER	/* xenstored: store the index, then notify and look */
#define SERVER_BARRIER	true
#else
#define SERVER_BARRIER	(!req_cons_waits && !rsp_prod_waits)
#endif

active proctype buffers()
{
end:	do
	:: FLUSH(queued)
	:: FLUSH(req_prod)
	:: FLUSH(req_published)
	:: FLUSH(rsp_cons)
	:: FLUSH(rsp_published)
	:: FLUSH(missing)
	:: FLUSH(req_cons)
	:: FLUSH(rsp_prod)
	:: atomic { masked_waits -> masked = true; masked_waits = false }
#ifdef NO_MASKED_CLEARED_FIRST	/* xs_io_unmask(): masked, then enable_irq() */
	:: atomic { unmask_waits ->
		event = false; disabled = false;
		unmask_waits = false; clear_waits = true }
	:: atomic { clear_waits -> masked = false; clear_waits = false }
#else
	:: atomic { unmask_waits ->
		assert(disabled);	/* enable_irq() does not go unmatched */
		masked = false; event = false; disabled = false;
		unmask_waits = false }
#endif
#ifdef NO_SLEEP_BARRIER
	:: atomic { asleep_waits -> awake = false; asleep_waits = false }
#endif
	od
}

/*
 * The lock makes the queue visible before it is free again, but no load waits
 * for that. A wake-up is a barrier if it wakes.
 */
active proctype caller()
{
	byte n, seen;

	do
	:: n == REQUESTS || broken -> n = 0; break
	:: else ->
		atomic { n++; STORE(queued, n * PIECES) };
#ifndef NO_CALLER_WAKE		/* xs_conn_submit(): wake_up() */
		atomic {
			CALLER_BARRIER;
#ifdef SPLIT_LOADS
			if
			:: seen = req_published
			:: seen = SECOND + req_cons
			fi
		};
		atomic {
			if
			:: seen < SECOND && !IS_READ(seen, req_cons)
			:: seen >= SECOND &&
			   !IS_READ(req_published, seen - SECOND)
#else
			if
			:: !IS_READ(req_published, req_cons)
#endif
			:: else -> !queued_waits -> awake = true
			fi;
			seen = 0
		}
#endif
	od;
	replies == REQUESTS || broken
}

/* Whatever is looked at here may be out of date. */
active proctype handler()
{
	byte seen;
	bool work;

end:	do
	:: atomic {
		event && !disabled -> event = false;
#ifdef SPLIT_LOADS
		if
		:: seen = rsp_published
		:: seen = SECOND + missing
		fi
	   };
	   atomic {
		work = (seen < SECOND -> RX_HAS_WORK(seen, missing) :
			RX_HAS_WORK(rsp_published, seen - SECOND));
		if
		:: seen = req_published
		:: seen = SECOND + req_cons
		fi
	   };
	   atomic {
		work = work || WAITING && (seen < SECOND ->
			HAS_ROOM(seen, req_cons) :
			HAS_ROOM(req_published, seen - SECOND));
		seen = 0;
#else
		work = RX_HAS_WORK(rsp_published, missing);
#ifndef NO_QUEUE_LOOK		/* xs_io_notified(): xs_tx_has_work() */
		work = work || WAITING && HAS_ROOM(req_published, req_cons);
#endif
#endif
#ifdef NO_OWNER_CHECK		/* only the kthread says that an index is wrong */
		seen = taken
	   };
	   atomic {
		assert(seen >= req_cons && seen - req_cons <= REQ_RING);
		seen = 0;
#endif
#ifndef NO_PEER_LOOK		/* xs_io_notified(): xs_io_server_failed() */
		work = work || PEER_FAILED(req_published) || broken;
#endif
		if
		:: work -> work = false
		:: else -> goto end
#ifdef MASK
		/* The kthread is awake, or runs when the server sleeps. */
		:: !work
#endif
		fi
	   };
#ifdef MASK
	   if
	   :: atomic { !broken ->
#ifdef NO_MASK_FIRST		/* xs_io_notified(): smp_store_release() of masked */
		masked_waits = true };
		disabled = true
#else
		disabled = true;
		masked_waits = true }
#endif
	   :: else
	   fi;
#endif
	   atomic {
#ifndef NO_MASKED_BEFORE_WAKE	/* xs_io_notified(): masked, then wake_up() */
		!masked_waits;
#endif
		awake = true
	   }
	od
}

/*
 * The assertions: a server that is honest is never taken for one that is not;
 * where the kthread may sleep for memory, it has notified the server of all that
 * it has published; and a pass that is made for work gets on with it.
 */
active proctype kthread()
{
	byte before, n;
	bool notify, work;

end:	do
	:: atomic { SHOULD_RUN ->
pass:
		work = HAS_WORK; before = taken
	   };
	   /* xs_tx_fill() */
	   atomic {
		do
		:: !broken && WAITING && !PEER_FAILED(before) ->
			n = MIN(PIECES - taken % PIECES,
				REQ_RING - (taken - req_cons));
			taken = taken + n;
			if
			:: n && taken % PIECES == 0 -> n = 0
			:: else -> n = 0; break
			fi
		:: else -> break
		od
	   };
	   if
	   :: atomic { taken != before ->
		STORE(req_prod, taken);
		STORE(req_published, taken);
		work = false };
	      /* The server may sleep if it has read all that was there before. */
	      atomic {
		REQUEST_BARRIER;
		notify = (req_cons == before);
		before = 0;
#ifndef NO_NOTIFY_AT_ONCE	/* xs_tx_fill(): xs_conn_notify(), before rx */
		server_event = server_event || notify;
		notify = false
#endif
	      }
	   :: atomic { else -> before = 0 }
	   fi;

	   /* xs_rx_drain(), message by message; n is 0 if the ring is empty */
	   do
	   :: before = own;
	      do
	      :: atomic { !broken && rsp_prod - before <= RSP_RING ->
		n = (left > 0 -> MIN(left, rsp_prod - own) :
		     (rsp_prod != own -> 1 : 0));
		left = (left > 0 -> left - n :
			(n > 0 -> END(own) - own - 1 : 0));
		own = own + n;
		if
		:: n == 0 || left == 0 -> break
		:: else -> n = 0
		fi }
	      :: else -> break
	      od;
	      if
	      :: atomic { own != before ->
		STORE(missing, left);
		STORE(rsp_cons, own);
		STORE(rsp_published, own);
		work = false };
		/* The server may sleep if the ring has been full. */
		atomic {
		RESPONSE_BARRIER;
#ifndef NO_NOTIFY_IF_FULL	/* xs_rx_drain(): xs_conn_notify() */
		notify = notify || rsp_prod - before >= RSP_RING;
#endif
		before = 0;
#ifndef NO_NOTIFY_AT_ONCE
		server_event = server_event || notify;
		notify = false
#endif
		}
	      :: atomic { else -> before = 0 }
	      fi;
	      /* Complete a message, which may sleep for memory. */
	      if
	      :: atomic { n > 0 && left == 0 ->
		assert(!notify);
		n = 0;
		replies++ }
	      :: atomic { else -> n = 0; break }
	      fi
	   od;
	   atomic {
		server_event = server_event || notify;
		notify = false;
#ifndef NO_PEER_CHECK		/* xs_io_pass(): against what is published */
		if
		:: !broken && (PEER_FAILED(taken) || rsp_prod - own > RSP_RING) ->
			assert(lied);
			broken = true;
			work = false
		:: else
		fi;
#endif
		assert(!work)
	   }

	   /* What is left, and what comes while the kthread polls. */
	   if
	   :: atomic { HAS_WORK -> goto pass }
	   :: else
	   fi;
	   if
	   :: atomic { HAS_WORK -> goto pass }
#ifdef NO_UNMASK_BEFORE_LOOK	/* xs_io_thread(): xs_io_unmask(), then the wait */
	   :: skip
#else
	   :: unmask_waits = unmask_waits || masked
#endif
	   fi
	:: else ->
	   /* prepare_to_wait(), another look, schedule() */
#ifdef NO_SLEEP_BARRIER		/* prepare_to_wait(): set_current_state() */
	   asleep_waits = true;
#else
	   awake = false;
#endif
	   if
#if defined(NO_LOOK_AFTER_PREPARE)	/* wait_event_idle(): the look after it */
	   :: SLEEP_BARRIER
#elif defined(NO_UNMASK_BEFORE_LOOK)
	   :: atomic { SLEEP_BARRIER && HAS_WORK -> awake = true; goto pass }
	   :: atomic { SLEEP_BARRIER && !HAS_WORK -> unmask_waits = unmask_waits || masked }
#else
	   :: atomic { SLEEP_BARRIER && SHOULD_RUN -> awake = true; goto pass }
	   :: SLEEP_BARRIER && !SHOULD_RUN
#endif
	   fi;
end_asleep:
#ifdef NO_SLEEP_BARRIER
	   awake && !asleep_waits
#else
	   awake
#endif
	od
}

active proctype server()
{
	byte read, written, due;

end:	do
	:: atomic { !lied && written < due && written - rsp_cons < RSP_RING ->
		written++;
		STORE(rsp_prod, written) };
	   atomic { SERVER_BARRIER -> event = true }
	:: atomic { !lied && req_prod != read ->
		read++;
		due = (read % PIECES -> due : END(due));
		STORE(req_cons, read) };
	   atomic { SERVER_BARRIER -> event = true }
#ifdef LIAR
	:: atomic { !lied ->
		lied = true;
		if
		:: STORE(req_cons, OUT_OF_RANGE)
		:: STORE(rsp_prod, OUT_OF_RANGE)
		:: page_error = true
		fi };
	   atomic { SERVER_BARRIER -> event = true }
#endif
	:: else ->
end_asleep:
	   atomic { server_event -> server_event = false }
	od
}

#ifdef LIAR
/* When no other process can do anything any more. */
active proctype verdict()
{
	timeout;
	assert(broken || !lied)
}
#endif
