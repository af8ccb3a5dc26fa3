/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens on the connection to XenStore: types, numbers, lengths and
 * times, but never a path or a value.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xenstore

#if !defined(_TRACE_XENSTORE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_XENSTORE_H

#include <linux/tracepoint.h>
#include <xen/interface/io/xs_wire.h>

struct xs_conn;
struct xs_request;

/* Applied to the name of each type of message; the last ends a list. */
#define xenstore_types(type, last)					\
	type(CONTROL)							\
	type(DIRECTORY)							\
	type(READ)							\
	type(GET_PERMS)							\
	type(WATCH)							\
	type(UNWATCH)							\
	type(TRANSACTION_START)						\
	type(TRANSACTION_END)						\
	type(INTRODUCE)							\
	type(RELEASE)							\
	type(GET_DOMAIN_PATH)						\
	type(WRITE)							\
	type(MKDIR)							\
	type(RM)							\
	type(SET_PERMS)							\
	type(WATCH_EVENT)						\
	type(ERROR)							\
	type(IS_DOMAIN_INTRODUCED)					\
	type(RESUME)							\
	type(SET_TARGET)						\
	type(RESET_WATCHES)						\
	last(DIRECTORY_PART)

/* Programs that read the raw trace do not know the numbers. */
#define xenstore_type_enum(name)	TRACE_DEFINE_ENUM(XS_##name);
xenstore_types(xenstore_type_enum, xenstore_type_enum)
#undef xenstore_type_enum

TRACE_DEFINE_ENUM(XS_CONN_DOWN);
TRACE_DEFINE_ENUM(XS_CONN_UP);
TRACE_DEFINE_ENUM(XS_CONN_BROKEN);

#define xenstore_type_symbol(name)	{ XS_##name, #name },
#define xenstore_type_last(name)	{ XS_##name, #name }

#define show_xenstore_type(type)					\
	__print_symbolic(type, xenstore_types(xenstore_type_symbol,	\
					      xenstore_type_last))

#define show_xenstore_state(state)					\
	__print_symbolic(state,						\
			 { XS_CONN_DOWN, "down" },			\
			 { XS_CONN_UP, "up" },				\
			 { XS_CONN_BROKEN, "broken" })

DECLARE_EVENT_CLASS(xenstore_request,

	TP_PROTO(struct xs_conn *conn, struct xs_request *req),

	TP_ARGS(conn, req),

	TP_STRUCT__entry(
		__field(u32, id)
		__field(u32, type)
		__field(u32, tx)
		__field(u32, len)
		__field(bool, kernel)
	),

	TP_fast_assign(
		__entry->id = req->id;
		__entry->type = xs_request_header(req)->type;
		__entry->tx = xs_request_header(req)->tx_id;
		__entry->len = xs_request_header(req)->len;
		__entry->kernel = xs_conn_is_kernel_flow(conn, req->flow);
	),

	TP_printk("id=%u type=%s tx=%u len=%u source=%s",
		  __entry->id, show_xenstore_type(__entry->type), __entry->tx,
		  __entry->len, __entry->kernel ? "kernel" : "file")
);

/* Accepted; the caller holds the lock of the connection. */
DEFINE_EVENT(xenstore_request, xenstore_submit,

	TP_PROTO(struct xs_conn *conn, struct xs_request *req),

	TP_ARGS(conn, req)
);

/* The last byte is on the ring, though perhaps not published. */
DEFINE_EVENT(xenstore_request, xenstore_sent,

	TP_PROTO(struct xs_conn *conn, struct xs_request *req),

	TP_ARGS(conn, req)
);

/* A request is about to be completed by a reply, or -ENOMEM. */
TRACE_EVENT(xenstore_reply,

	TP_PROTO(struct xs_request *req, u64 latency, int err),

	TP_ARGS(req, latency, err),

	TP_STRUCT__entry(
		__field(u64, latency)
		__field(u32, id)
		__field(u32, type)
		__field(u32, reply)
		__field(u32, len)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->latency = latency;
		__entry->id = req->id;
		__entry->type = xs_request_header(req)->type;
		__entry->reply = req->reply.hdr.type;
		__entry->len = req->reply.hdr.len;
		__entry->err = err;
	),

	TP_printk("id=%u type=%s reply=%s len=%u err=%d latency_ns=%llu",
		  __entry->id, show_xenstore_type(__entry->type),
		  show_xenstore_type(__entry->reply), __entry->len,
		  __entry->err, __entry->latency)
);

/* A watch has fired; 0 stands for one that is not known. */
TRACE_EVENT(xenstore_event,

	TP_PROTO(u32 watch, u32 len),

	TP_ARGS(watch, len),

	TP_STRUCT__entry(
		__field(u32, watch)
		__field(u32, len)
	),

	TP_fast_assign(
		__entry->watch = watch;
		__entry->len = len;
	),

	TP_printk("watch=%u len=%u", __entry->watch, __entry->len)
);

/* A notification has found the kthread asleep, and wakes it. */
TRACE_EVENT(xenstore_wake,

	TP_PROTO(struct xs_conn *conn),

	TP_ARGS(conn),

	TP_STRUCT__entry(
		__field(u32, unread)
	),

	/* Before the connection is UP the rings may not be attached. */
	TP_fast_assign(
		__entry->unread = READ_ONCE(conn->state) == XS_CONN_UP ?
				  xs_ring_unread(&conn->rx.ring) : 0;
	),

	TP_printk("unread=%u", __entry->unread)
);

/* The server is notified; the indices are those that it finds. */
TRACE_EVENT(xenstore_notify,

	TP_PROTO(struct xs_conn *conn),

	TP_ARGS(conn),

	TP_STRUCT__entry(
		__field(u32, req_prod)
		__field(u32, rsp_cons)
	),

	TP_fast_assign(
		__entry->req_prod = conn->tx.ring.published;
		__entry->rsp_cons = conn->rx.ring.published;
	),

	TP_printk("req_prod=%u rsp_cons=%u", __entry->req_prod,
		  __entry->rsp_cons)
);

TRACE_EVENT(xenstore_state,

	TP_PROTO(int old, int new, int err),

	TP_ARGS(old, new, err),

	TP_STRUCT__entry(
		__field(int, old)
		__field(int, new)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->old = old;
		__entry->new = new;
		__entry->err = err;
	),

	TP_printk("%s -> %s err=%d", show_xenstore_state(__entry->old),
		  show_xenstore_state(__entry->new), __entry->err)
);

#endif /* _TRACE_XENSTORE_H */

#include <trace/define_trace.h>
