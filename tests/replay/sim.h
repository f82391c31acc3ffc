/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine that runs a program whose memory is elsewhere, as far as prefetching
 * goes: pages that are mapped, in the swap cache or away, and who faults when.
 */
#ifndef SIM_H
#define SIM_H

#include "leap/policy/prefetch.h"
#include "link.h"
#include "workload.h"

/* Pages that all but Leap read at most at a time; Linux does so by default. */
#define OTHERS_WINDOW	8

struct sim;

/**
 * struct fault - as a policy sees it
 * @page: number of the page in the address space
 * @slot: where it was in the swap area
 * @thread: whose
 * @kind: how it found its page
 */
struct fault {
	uint64_t page;
	uint32_t slot;
	uint32_t thread;
	enum leap_fault_kind kind;
};

/**
 * struct policy - one way to prefetch
 * @name: for the reader
 * @create: its state for @sim; may be NULL if it needs none
 * @fault: told of each one; calls sim_prefetch()
 * @dropped: a prefetched page is gone unused; may be NULL
 * @destroy: frees the state; may be NULL
 */
struct policy {
	const char *name;
	void *(*create)(struct sim *sim);
	void (*fault)(struct sim *sim, void *state, const struct fault *fault);
	void (*dropped)(struct sim *sim, void *state, uint32_t thread);
	void (*destroy)(void *state);
};

/**
 * struct sim_options - the machine
 * @latency: ns of a read
 * @page_time: ns of a read during which no other can begin
 * @hit_time: ns of a fault that finds its page
 * @local: pages of memory, 0 for as many as the workload says
 * @any_victim: which page has to go is left to chance, instead of the one that
 *	was not used for longest
 * @leap: for Leap's policy
 */
struct sim_options {
	uint64_t latency;
	uint64_t page_time;
	uint64_t hit_time;
	uint64_t local;
	bool any_victim;
	struct leap_prefetch_settings leap;
};

/**
 * struct sim_result - how it went
 * @accesses: all
 * @misses: pages that were read while a thread waited
 * @hits: pages that were prefetched and there
 * @late: pages that were prefetched and on their way
 * @cached: faults that found their page without a read, for anybody
 * @read_ahead: pages that were prefetched
 * @stall: ns that threads have waited for pages
 * @time: ns until the last thread was done
 * @p50: ns that half of the faults took at most
 * @p99: ns that 99 of 100 faults took at most
 */
struct sim_result {
	uint64_t accesses;
	uint64_t misses;
	uint64_t hits;
	uint64_t late;
	uint64_t cached;
	uint64_t read_ahead;
	uint64_t stall;
	uint64_t time;
	uint64_t p50;
	uint64_t p99;
};

void sim_run(const struct workload *w, const struct policy *policy,
	     const struct sim_options *options, struct sim_result *result);

/* For policies. */

const struct sim_options *sim_options(const struct sim *sim);
uint32_t sim_threads(const struct sim *sim);
uint32_t sim_processes(const struct sim *sim);
uint32_t sim_process_of(const struct sim *sim, uint32_t thread);
bool sim_prefetch(struct sim *sim, uint64_t page);
bool sim_prefetch_slot(struct sim *sim, uint32_t slot);
bool sim_area(const struct sim *sim, uint64_t page, uint64_t *first,
	      uint64_t *end);

extern const struct policy policy_none;
extern const struct policy policy_next;
extern const struct policy policy_stride;
extern const struct policy policy_vma;
extern const struct policy policy_cluster;
extern const struct policy policy_paper;
extern const struct policy policy_leap;
extern const struct policy policy_leap_process;
extern const struct policy policy_leap_threads;

#endif /* SIM_H */
