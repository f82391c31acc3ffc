// SPDX-License-Identifier: GPL-2.0
/*
 * When to read what a fault has asked for.
 *
 * At once, and the fault takes as much longer; or a little later, while the program
 * computes, if it does so for long enough. How long that is, the time between
 * faults says, but for what they have waited for their pages. So of faults that
 * wait nothing is learned: then, too, it is at once.
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

/**
 * leap_pace_delay - the last fault has asked for pages
 * @pace: of the process; the caller keeps others away
 * @now: in ns
 * @waits: that fault does so for its own
 *
 * Return: how long they should wait, in ns; 0 if they should not.
 */
u64 leap_pace_delay(struct leap_pace *pace, u64 now, bool waits)
{
	u64 past = now - pace->asked;
	u32 gap = 0;

	if (pace->asked && pace->faults)
		gap = (past < UINT_MAX ? (u32)past : UINT_MAX) / pace->faults;
	pace->asked = waits ? 0 : now;
	pace->faults = 0;
	if (gap < GAP_MIN_NS)
		return 0;
	gap /= DELAY_PART;
	return gap < DELAY_MAX_NS ? gap : DELAY_MAX_NS;
}
