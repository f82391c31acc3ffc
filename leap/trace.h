/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of the data path. With both of them on, the difference between
 * their times and the wait and wire fields of leap_done give the time that each
 * stage of a fault takes.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM leap

#if !defined(LEAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define LEAP_TRACE_H

#include <linux/tracepoint.h>
#include "io.h"
#include "policy/prefetch.h"

#define leap_show_op(op) __print_symbolic(op,				\
	{ LEAP_LOAD,	"load" },					\
	{ LEAP_STORE,	"store" })

/* A request is about to be given to its transport. server: -1 is the swap device. */
TRACE_EVENT(leap_submit,
	TP_PROTO(const struct leap_io *io),
	TP_ARGS(io),
	TP_STRUCT__entry(
		__field(int, op)
		__field(bool, demand)
		__field(int, server)
		__field(unsigned long, entry)
		__field(unsigned int, nr)
	),
	TP_fast_assign(
		__entry->op = io->op;
		__entry->demand = io->demand;
		__entry->server = io->server ? (int)io->server->index : -1;
		__entry->entry = io->entry.val;
		__entry->nr = io->nr;
	),
	TP_printk("%s%s server=%d entry=%#lx nr=%u",
		  leap_show_op(__entry->op), __entry->demand ? " demand" : "",
		  __entry->server, __entry->entry, __entry->nr)
);

/*
 * A request is over. wait: from the call of mm to the device, in ns; wire: from
 * there to the completion.
 */
TRACE_EVENT(leap_done,
	TP_PROTO(const struct leap_io *io, int err, u64 ns),
	TP_ARGS(io, err, ns),
	TP_STRUCT__entry(
		__field(int, op)
		__field(bool, demand)
		__field(int, server)
		__field(unsigned long, entry)
		__field(unsigned int, nr)
		__field(int, err)
		__field(u64, wait)
		__field(u64, wire)
	),
	TP_fast_assign(
		u64 wait = io->posted ?
			   ktime_to_ns(ktime_sub(io->posted, io->started)) : ns;

		__entry->op = io->op;
		__entry->demand = io->demand;
		__entry->server = io->server ? (int)io->server->index : -1;
		__entry->entry = io->entry.val;
		__entry->nr = io->nr;
		__entry->err = err;
		__entry->wait = wait;
		__entry->wire = ns - wait;
	),
	TP_printk("%s%s server=%d entry=%#lx nr=%u err=%d wait=%llu wire=%llu",
		  leap_show_op(__entry->op), __entry->demand ? " demand" : "",
		  __entry->server, __entry->entry, __entry->nr, __entry->err,
		  __entry->wait, __entry->wire)
);

#define leap_show_kind(kind) __print_symbolic(kind,			\
	{ LEAP_FAULT_MISS,	"miss" },				\
	{ LEAP_FAULT_HIT,	"hit" },				\
	{ LEAP_FAULT_LATE,	"late" },				\
	{ LEAP_FAULT_CACHED,	"cached" })

/*
 * A process that prefetches needs a swapped page. asked: pages to read now. What
 * leapctl record makes its files of, with leap_done for the time until it is there.
 */
TRACE_EVENT(leap_fault,
	TP_PROTO(u64 page, swp_entry_t slot, int kind, bool write, u32 asked),
	TP_ARGS(page, slot, kind, write, asked),
	TP_STRUCT__entry(
		__field(pid_t, tgid)
		__field(u64, page)
		__field(unsigned long, entry)
		__field(int, kind)
		__field(bool, write)
		__field(u32, asked)
	),
	TP_fast_assign(
		__entry->tgid = current->tgid;
		__entry->page = page;
		__entry->entry = slot.val;
		__entry->kind = kind;
		__entry->write = write;
		__entry->asked = asked;
	),
	TP_printk("%s%s tgid=%d page=%#llx entry=%#lx asked=%u",
		  leap_show_kind(__entry->kind), __entry->write ? " write" : "",
		  __entry->tgid, __entry->page, __entry->entry, __entry->asked)
);

/* A page was asked for; err is 0 if it is being read. */
TRACE_EVENT(leap_prefetch,
	TP_PROTO(u64 page, swp_entry_t slot, int err),
	TP_ARGS(page, slot, err),
	TP_STRUCT__entry(
		__field(u64, page)
		__field(unsigned long, entry)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->page = page;
		__entry->entry = slot.val;
		__entry->err = err;
	),
	TP_printk("page=%#llx entry=%#lx err=%d",
		  __entry->page, __entry->entry, __entry->err)
);

#endif /* LEAP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
