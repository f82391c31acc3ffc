/* SPDX-License-Identifier: GPL-2.0 */
/* What a program does with its memory: made up, or read from a recording. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Threads are told apart by their ids and counted from 0. */
#define THREADS_MAX	1024

/*
 * Each process has an address space of its own. In one number for both, the
 * process's index is above that of the page, which has at most 57 - 12 bits.
 */
#define PROCESS_SHIFT	45

/**
 * struct access - a thread touches a page
 * @page: number of the page in the address space, with PROCESS_SHIFT
 * @gap: ns that the thread computes before
 * @thread: index, from 0
 * @slot: where the page was in the swap area until then, 0 if not known
 * @write: it changes the page
 * @cached: a fault that was recorded, and has found the page there although nobody
 *	had prefetched it: on its way out, or another process's, too
 */
struct access {
	uint64_t page;
	uint64_t gap;
	uint32_t thread;
	uint32_t slot;
	bool write;
	bool cached;
};

/**
 * struct workload - a program
 * @name: for the reader; allocated
 * @accesses: in the order of the recording, or for each thread its own order
 * @nr: how many
 * @room: for how many there is memory
 * @threads: how many
 * @processes: how many
 * @process_of: each thread's process, an index
 * @local: pages of memory that it has
 * @paged_out: none of its pages is in memory when it begins
 * @recorded: only what faulted is there, so each access is a fault
 */
struct workload {
	char *name;
	struct access *accesses;
	size_t nr;
	size_t room;
	uint32_t threads;
	uint32_t processes;
	uint32_t process_of[THREADS_MAX];
	uint64_t local;
	bool paged_out;
	bool recorded;
};

/**
 * struct pattern_options - for workloads that are made up
 * @pages: of the program
 * @local: percent of these that fit in its memory
 * @passes: how often it goes through its memory
 * @gap: ns of computing between accesses
 * @writes: percent of the accesses that change the page
 * @paged_out: see struct workload
 */
struct pattern_options {
	uint64_t pages;
	uint32_t local;
	uint32_t passes;
	uint64_t gap;
	uint32_t writes;
	bool paged_out;
};

void workload_add(struct workload *w, const struct access *access);
void workload_free(struct workload *w);

/* pattern.c */

const char *pattern_name(size_t index);
bool pattern_make(const char *name, const struct pattern_options *options,
		  struct workload *w);

/* trace.c */

bool trace_load(const char *path, struct workload *w);
bool trace_save(const char *path, const struct workload *w);

#endif /* WORKLOAD_H */
