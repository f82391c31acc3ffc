// SPDX-License-Identifier: GPL-2.0
/*
 * What to say of a latency histogram. For userspace only, unlike the rest of
 * this folder: the kernel counts and does no arithmetic on counts.
 */
#include "hist.h"

/**
 * leap_hist_count - how many latencies were counted
 * @hist: counts per bucket
 *
 * Return: the sum.
 */
u64 leap_hist_count(const u64 hist[LEAP_HIST_BUCKETS])
{
	u64 count = 0;
	u32 i;

	for (i = 0; i < LEAP_HIST_BUCKETS; i++)
		count += hist[i];
	return count;
}

/**
 * leap_hist_permille - a percentile in tenths
 * @hist: counts per bucket
 * @permille: 0 to 1000: 500 is the median, 999 is p99.9
 *
 * Within a bucket the latencies are taken to be evenly spread, so the answer is
 * off by less than a factor of two.
 *
 * Return: nanoseconds that @permille in a thousand latencies do not exceed; 0
 * if there are none.
 */
u64 leap_hist_permille(const u64 hist[LEAP_HIST_BUCKETS], u32 permille)
{
	double rank = leap_hist_count(hist) * (permille / 1000.0);
	double below = 0;
	u64 ns = 0;
	u32 i;

	for (i = 0; i < LEAP_HIST_BUCKETS; i++) {
		if (!hist[i])
			continue;
		ns = 2ULL << i;
		if (below + hist[i] >= rank) {
			double part = (rank - below) / hist[i];

			return (u64)((1ULL << i) * (1 + part));
		}
		below += hist[i];
	}
	return ns;
}
