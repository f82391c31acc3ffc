/* SPDX-License-Identifier: GPL-2.0 */
/* From what the kernel tells of faults to a file of them, leap/uapi/leap_trace.h. */
#ifndef RECORDING_H
#define RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "leap/uapi/leap_trace.h"

/* Records that are kept before they are written. */
#define RECORDING_BATCH	4096

/**
 * struct fault_event - a thread needs a page
 * @time: when, in ns
 * @page: its number in the address space
 * @entry: the kernel's name of its slot in a swap area
 * @kind: LEAP_TRACE_MISS, ...
 * @write: it means to write
 * @tid: the thread
 * @pid: its process
 */
struct fault_event {
	uint64_t time;
	uint64_t page;
	uint64_t entry;
	unsigned int kind;
	bool write;
	pid_t tid;
	pid_t pid;
};

struct waiting;

/**
 * struct recording - a file that is being written
 * @fd: the file
 * @start: when the recording began, in ns
 * @written: records that are in the file
 * @nr: records in @batch
 * @batch: the last ones
 * @members: a bit for each thread that is recorded, by its id
 * @waiting: threads that wait for a page
 * @nr_waiting: how many
 * @room: for how many there is memory
 * @kinds: faults, by their kind
 * @err: the first negative errno value, 0 if all went well
 */
struct recording {
	int fd;
	uint64_t start;
	uint64_t written;
	size_t nr;
	struct leap_trace_record batch[RECORDING_BATCH];
	uint64_t *members;
	struct waiting *waiting;
	size_t nr_waiting;
	size_t room;
	uint64_t kinds[LEAP_TRACE_KIND_MASK + 1];
	int err;
};

void recording_begin(struct recording *r, int fd, uint64_t start, uint64_t local);
void recording_add(struct recording *r, pid_t tid);
void recording_fork(struct recording *r, pid_t parent, pid_t child);
void recording_fault(struct recording *r, const struct fault_event *f);
void recording_loaded(struct recording *r, uint64_t time, uint64_t entry,
		      unsigned int nr);
int recording_end(struct recording *r);

#endif /* RECORDING_H */
