/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * A file of faults: what a process asked of its swap, in the order in which the
 * faults began. `leapctl record` writes it, `leap-replay` reads it, plain or
 * compressed by gzip.
 *
 *	header			24 bytes
 *	record, record, ...	32 bytes each, to the end of the file
 *
 * All integers are little-endian.
 */
#ifndef _UAPI_LEAP_TRACE_H
#define _UAPI_LEAP_TRACE_H

#include <linux/types.h>

#define LEAP_TRACE_MAGIC	0x434152545041454cULL	/* "LEAPTRAC" as bytes */
#define LEAP_TRACE_VERSION	1

/*
 * @page_shift is log2 of the page's size in bytes. @local is how many pages of
 * memory the process had, 0 if that is not known.
 */
struct leap_trace_header {
	__le64	magic;
	__le32	version;
	__le32	page_shift;
	__le64	local;
};

/* How the fault found its page, bits 52 and 53 of a record's page. */
#define LEAP_TRACE_MISS		0	/* it was read */
#define LEAP_TRACE_HIT		1	/* prefetched, and there */
#define LEAP_TRACE_LATE		2	/* prefetched, and on its way */
#define LEAP_TRACE_CACHED	3	/* there, but not prefetched */

#define LEAP_TRACE_KIND_SHIFT	52
#define LEAP_TRACE_KIND_MASK	3
#define LEAP_TRACE_WRITE	0x40000000000000ULL	/* the program meant to write */
#define LEAP_TRACE_PAGE_MASK	((1ULL << LEAP_TRACE_KIND_SHIFT) - 1)

/*
 * @time is when the fault came to the module, which for a miss is just after the
 * read was asked for, in ns since the recording began, and @wait_ns how long from
 * then on the thread waited for the page; longer waits count as 2^32 - 1. @page has
 * the page's number in the address space (LEAP_TRACE_PAGE_MASK), the kind of the
 * fault and LEAP_TRACE_WRITE. @slot is the page's place in the swap area, 0 if it is
 * not known. @thread is the thread's id, and @process that of its process, each of
 * which has an address space of its own.
 */
struct leap_trace_record {
	__le64	time;
	__le64	page;
	__le32	wait_ns;
	__le32	slot;
	__le32	thread;
	__le32	process;
};

#endif /* _UAPI_LEAP_TRACE_H */
