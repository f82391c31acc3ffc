/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_TREND_H
#define LEAP_POLICY_TREND_H

#include "deps.h"

/* Most deltas that a history can hold, and how many it does by default. */
#define LEAP_TREND_SIZE_MAX	64
#define LEAP_TREND_SIZE		32

/* The smallest window is this part of the history. */
#define LEAP_TREND_SPLIT	8

/**
 * struct leap_trend - the last faults of one stream of accesses
 * @last: page of the last fault; meaningless until @started
 * @started: there was a fault
 * @size: deltas that are kept, 2 to LEAP_TREND_SIZE_MAX
 * @window: deltas in the smallest window, 1 to @size
 * @nr: deltas that are there, at most @size
 * @next: where the next delta goes
 * @deltas: a ring of distances between one fault and the next, in pages; never
 *	0
 */
struct leap_trend {
	u64 last;
	bool started;
	u16 size;
	u16 window;
	u16 nr;
	u16 next;
	s64 deltas[LEAP_TREND_SIZE_MAX];
};

void leap_trend_init(struct leap_trend *trend, u32 size, u32 split);
bool leap_trend_log(struct leap_trend *trend, u64 page);
s64 leap_trend_find(const struct leap_trend *trend);

#endif /* LEAP_POLICY_TREND_H */
