/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_PREFETCH_H
#define LEAP_POLICY_PREFETCH_H

#include "deps.h"
#include "stream.h"

/* Most pages that one fault asks for. */
#define LEAP_WINDOW_MAX		32

/**
 * enum leap_fault_kind - how a fault found its page
 * @LEAP_FAULT_MISS: it had to be read
 * @LEAP_FAULT_HIT: prefetched, and there
 * @LEAP_FAULT_LATE: prefetched, and still on its way
 * @LEAP_FAULT_CACHED: in the swap cache, but not because of a prefetch
 */
enum leap_fault_kind {
	LEAP_FAULT_MISS,
	LEAP_FAULT_HIT,
	LEAP_FAULT_LATE,
	LEAP_FAULT_CACHED,
};

/**
 * struct leap_prefetch_settings - what can be chosen
 * @history: deltas that each stream remembers, 2 to LEAP_TREND_SIZE_MAX
 * @split: the smallest window of the vote is @history / @split; 1 to @history
 * @streams: that are told apart in one thread, 1 to LEAP_STREAMS_MAX
 * @max_window: pages, 1 to LEAP_WINDOW_MAX
 * @max_ahead: steps, @max_window to LEAP_AHEAD_MAX
 * @breaker: stop when prefetched pages are of no use, 0 or 1
 */
struct leap_prefetch_settings {
	u8 history;
	u8 split;
	u8 streams;
	u8 max_window;
	u8 max_ahead;
	u8 breaker;
};

extern const struct leap_prefetch_settings leap_prefetch_defaults;

/**
 * struct leap_breaker - keeps a process without a pattern from prefetching
 * @faults: since the trial began
 * @due: pages on trial that were read and whose turn has come; below zero while
 *	pages are still to come that were not read
 * @used: of these, or of those just before them
 * @rest: faults until prefetching is tried again, 0 if it is allowed
 * @pause: faults that the last rest took, 0 if all is well
 */
struct leap_breaker {
	u32 faults;
	s32 due;
	u32 used;
	u32 rest;
	u32 pause;
};

/**
 * struct leap_prefetch_counters - since leap_prefetch_init()
 * @faults: all but repeats of the last page
 * @misses: pages that had to be read while the program waited
 * @hits: pages that were prefetched and there
 * @late: pages that were prefetched and on their way
 * @issued: pages asked for and not refused by leap_prefetch_skipped()
 * @unused: pages that were read in vain, see leap_prefetch_unused()
 *
 * The pages that were of use are @hits + @late.
 */
struct leap_prefetch_counters {
	u64 faults;
	u64 misses;
	u64 hits;
	u64 late;
	u64 issued;
	u64 unused;
};

/**
 * struct leap_prefetcher - all that is known of one process
 * @set: as chosen
 * @count: for statistics
 * @breaker: see there
 * @boost: what the last stream has learned of the link, see struct leap_stream
 * @streams: see there
 */
struct leap_prefetcher {
	struct leap_prefetch_settings set;
	struct leap_prefetch_counters count;
	struct leap_breaker breaker;
	u32 boost;
	struct leap_streams streams;
};

int leap_prefetch_check(const struct leap_prefetch_settings *set);
void leap_prefetch_init(struct leap_prefetcher *p,
			const struct leap_prefetch_settings *set);
void leap_prefetch_change(struct leap_prefetcher *p,
			  const struct leap_prefetch_settings *set);
void leap_prefetch_thread(struct leap_prefetcher *p, u32 thread);
u32 leap_prefetch_fault(struct leap_prefetcher *p, u64 page,
			enum leap_fault_kind kind, u64 *pages);
void leap_prefetch_skipped(struct leap_prefetcher *p, u32 nr);
void leap_prefetch_unused(struct leap_prefetcher *p, u32 nr);

#endif /* LEAP_POLICY_PREFETCH_H */
