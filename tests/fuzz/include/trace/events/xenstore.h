/* SPDX-License-Identifier: GPL-2.0 */
/* Nothing is traced; what would be recorded is there all the same. */
#ifndef SHIM_TRACE_XENSTORE_H
#define SHIM_TRACE_XENSTORE_H

#define trace_xenstore_submit(conn, req)	((void)(conn), (void)(req))
#define trace_xenstore_sent(conn, req)		((void)(conn), (void)(req))
#define trace_xenstore_reply(req, latency, err)				\
	((void)(req), (void)(latency), (void)(err))
#define trace_xenstore_event(watch, len)	((void)(watch), (void)(len))
#define trace_xenstore_wake(conn)		((void)(conn))
#define trace_xenstore_notify(conn)		((void)(conn))
#define trace_xenstore_state(old, new, err)				\
	((void)(old), (void)(new), (void)(err))

#endif
