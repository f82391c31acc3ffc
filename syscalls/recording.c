// SPDX-License-Identifier: GPL-2.0
/*
 * Turns events into records. The kernel tells when a thread begins to wait for a
 * page and when a page has been read; the two meet here. A record is written at
 * once, so that a long recording needs little memory, and its wait filled in when
 * it is known.
 */
#include "recording.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ids of threads are below this, in any kernel of 64 bits. */
#define TIDS_MAX	(4U << 20)

/* The number of the swap area is above the slot's. */
#define SLOT_BITS	58

/**
 * struct waiting - a thread that waits
 * @tid: its id
 * @entry: for the page in this slot
 * @since: ns
 * @index: of its record in the file
 */
struct waiting {
	pid_t tid;
	uint64_t entry;
	uint64_t since;
	uint64_t index;
};

static void failed(struct recording *r, int err)
{
	if (!r->err)
		r->err = err;
}

static void write_at(struct recording *r, const void *data, size_t size,
		     uint64_t offset)
{
	const char *from = data;
	ssize_t done;

	while (size && !r->err) {
		done = pwrite(r->fd, from, size, offset);
		if (done < 0 && errno != EINTR)
			failed(r, -errno);
		if (done <= 0)
			continue;
		from += done;
		size -= done;
		offset += done;
	}
}

static uint64_t offset_of(uint64_t index)
{
	return sizeof(struct leap_trace_header) +
	       index * sizeof(struct leap_trace_record);
}

static void flush(struct recording *r)
{
	write_at(r, r->batch, r->nr * sizeof(*r->batch), offset_of(r->written));
	r->written += r->nr;
	r->nr = 0;
}

/**
 * recording_begin - write the head of a file
 * @r: to be set up
 * @fd: an empty file, open for writing
 * @start: the time from which on times are counted, in ns
 * @local: pages of memory that the program has, 0 if not known
 *
 * What goes wrong here or later is told by recording_end().
 */
void recording_begin(struct recording *r, int fd, uint64_t start, uint64_t local)
{
	const struct leap_trace_header head = {
		.magic = htole64(LEAP_TRACE_MAGIC),
		.version = htole32(LEAP_TRACE_VERSION),
		.page_shift = htole32(__builtin_ctzl(sysconf(_SC_PAGESIZE))),
		.local = htole64(local),
	};

	memset(r, 0, sizeof(*r));
	r->fd = fd;
	r->start = start;
	r->members = calloc(TIDS_MAX / 64, sizeof(*r->members));
	if (!r->members)
		failed(r, -ENOMEM);
	write_at(r, &head, sizeof(head), 0);
}

static bool is_member(const struct recording *r, pid_t tid)
{
	return tid > 0 && (unsigned int)tid < TIDS_MAX && r->members &&
	       r->members[tid / 64] >> tid % 64 & 1;
}

/**
 * recording_add - record this thread, and all that it starts
 * @r: the recording
 * @tid: its id
 */
void recording_add(struct recording *r, pid_t tid)
{
	if (tid > 0 && (unsigned int)tid < TIDS_MAX && r->members)
		r->members[tid / 64] |= 1ULL << tid % 64;
}

/**
 * recording_fork - a thread has started another, in its own process or not
 * @r: the recording
 * @parent: id of the one
 * @child: id of the other; may be that of a thread that is gone
 */
void recording_fork(struct recording *r, pid_t parent, pid_t child)
{
	if (is_member(r, parent))
		recording_add(r, child);
	else if (is_member(r, child))
		r->members[child / 64] &= ~(1ULL << child % 64);
}

/* Of @tid, or a new one; NULL if there is no memory. */
static struct waiting *waiting_of(struct recording *r, pid_t tid)
{
	struct waiting *more;

	for (size_t i = 0; i < r->nr_waiting; i++)
		if (r->waiting[i].tid == tid)
			return &r->waiting[i];
	if (r->nr_waiting == r->room) {
		r->room = r->room ? 2 * r->room : 16;
		more = reallocarray(r->waiting, r->room, sizeof(*more));
		if (!more) {
			r->room = r->nr_waiting;
			failed(r, -ENOMEM);
			return NULL;
		}
		r->waiting = more;
	}
	return &r->waiting[r->nr_waiting++];
}

/**
 * recording_fault - a thread needs a page
 * @r: the recording
 * @f: the event; of a thread that is not recorded it does nothing
 *
 * A thread that still waited for another page has got that without a read.
 */
void recording_fault(struct recording *r, const struct fault_event *f)
{
	const uint64_t kind = f->kind & LEAP_TRACE_KIND_MASK;
	struct waiting *w;

	if (!is_member(r, f->tid) || r->err)
		return;
	w = waiting_of(r, f->tid);
	if (!w)
		return;
	*w = (struct waiting){
		f->tid, f->entry, f->time, r->written + r->nr,
	};
	r->batch[r->nr++] = (struct leap_trace_record){
		.time = htole64(f->time > r->start ? f->time - r->start : 0),
		.page = htole64((f->page & LEAP_TRACE_PAGE_MASK) |
				kind << LEAP_TRACE_KIND_SHIFT |
				(f->write ? LEAP_TRACE_WRITE : 0)),
		.slot = htole32(f->entry & ((1ULL << SLOT_BITS) - 1)),
		.thread = htole32(f->tid),
		.process = htole32(f->pid),
	};
	r->kinds[kind]++;
	if (kind != LEAP_TRACE_MISS && kind != LEAP_TRACE_LATE)
		*w = r->waiting[--r->nr_waiting];
	if (r->nr == RECORDING_BATCH)
		flush(r);
}

static void wait_over(struct recording *r, const struct waiting *w, uint64_t time)
{
	const uint64_t ns = time > w->since ? time - w->since : 0;
	const uint32_t wait = ns < UINT32_MAX ? ns : UINT32_MAX;
	struct leap_trace_record *rec;
	const __le32 value = htole32(wait);

	if (w->index < r->written) {
		write_at(r, &value, sizeof(value), offset_of(w->index) +
			 offsetof(struct leap_trace_record, wait_ns));
		return;
	}
	rec = &r->batch[w->index - r->written];
	rec->wait_ns = value;
}

/**
 * recording_loaded - pages have been read
 * @r: the recording
 * @time: when it was over, in ns
 * @entry: the first one's slot
 * @nr: pages; their slots follow each other
 */
void recording_loaded(struct recording *r, uint64_t time, uint64_t entry,
		      unsigned int nr)
{
	for (size_t i = r->nr_waiting; i--;) {
		struct waiting *w = &r->waiting[i];

		if (w->entry - entry >= nr)
			continue;
		wait_over(r, w, time);
		*w = r->waiting[--r->nr_waiting];
	}
}

/**
 * recording_end - write what is left
 * @r: not to be used any more, but for its counters; its file stays open
 *
 * Return: 0, or the first error since the beginning as a negative errno value.
 */
int recording_end(struct recording *r)
{
	flush(r);
	free(r->members);
	free(r->waiting);
	r->members = NULL;
	r->waiting = NULL;
	return r->err;
}
