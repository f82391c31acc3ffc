// SPDX-License-Identifier: GPL-2.0
/*
 * When to read what a fault has asked for.
 *
 * At once, and the fault takes as much longer; or a little later, while the program
 * computes, if it does so for long enough. How long that is, the time between
 * faults says, but for what they have waited for their pages. So of faults that
 * wait nothing is learned: what was found before goes on to hold. Others take the
 * processor now and then, too, which is no computing. So the gap found may be much
 * shorter than the one before, but only a little longer.
 */
#include "pace.h"

/*
 * Faults that are so far apart leave time to compute, and the pages wait for this
 * part of it, lest they are read before the fault is over, but no longer than that.
 * The first is a few times what a timer costs.
 */
#define GAP_MIN_NS	40000U
#define DELAY_PART	2
#define DELAY_MAX_NS	1000000U

/* The gap grows by this part of it at a time. */
#define GROWTH_PART	4

/**
 * leap_pace_fault - there was a fault
 * @pace: of the process; the caller keeps others away
 * @waits: for its page
 */
void leap_pace_fault(struct leap_pace *pace, bool waits)
{
	pace->faults++;
	if (waits)
		pace->asked = 0;
}

static u32 smaller(u64 a, u32 b)
{
	return a < b ? (u32)a : b;
}

/* The gap that was @past / @faults lately. */
static void learn(struct leap_pace *pace, u64 past)
{
	u32 gap = smaller(past, UINT_MAX) / pace->faults;
	u32 base = pace->gap > GAP_MIN_NS ? pace->gap : GAP_MIN_NS;

	if (pace->gap)
		gap = smaller((u64)base + base / GROWTH_PART, gap);
	pace->gap = gap;
}

/**
 * leap_pace_asked - the last fault has asked for pages
 * @pace: of the process; the caller keeps others away
 * @now: in ns
 * @waits: that fault does so for its own
 */
void leap_pace_asked(struct leap_pace *pace, u64 now, bool waits)
{
	if (pace->asked && pace->faults)
		learn(pace, now - pace->asked);
	pace->asked = waits ? 0 : now;
	pace->faults = 0;
}

/**
 * leap_pace_delay - when is the program likely to compute?
 * @pace: of the process; the caller keeps others away
 *
 * Return: so many ns after a fault; 0 if it does not for long enough.
 */
u64 leap_pace_delay(const struct leap_pace *pace)
{
	if (pace->gap < GAP_MIN_NS)
		return 0;
	return smaller(pace->gap / DELAY_PART, DELAY_MAX_NS);
}
