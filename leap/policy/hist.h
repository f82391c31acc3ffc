/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_HIST_H
#define LEAP_POLICY_HIST_H

#include "deps.h"
#include "../uapi/leap.h"

/**
 * leap_hist_bucket - which bucket counts a latency
 * @ns: nanoseconds
 *
 * Return: i for [2^i, 2^(i+1)) ns. 0 ns counts as 1 ns, and the last bucket
 * has all that is longer than it, which is over a minute.
 */
static inline u32 leap_hist_bucket(u64 ns)
{
	u32 bucket = ns ? fls64(ns) - 1 : 0;

	return bucket < LEAP_HIST_BUCKETS ? bucket : LEAP_HIST_BUCKETS - 1;
}

u64 leap_hist_count(const u64 hist[LEAP_HIST_BUCKETS]);
u64 leap_hist_permille(const u64 hist[LEAP_HIST_BUCKETS], u32 permille);

#endif /* LEAP_POLICY_HIST_H */
