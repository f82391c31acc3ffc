// SPDX-License-Identifier: GPL-2.0
/*
 * When to read what a fault has asked for.
 *
 * At once, and the fault takes as much longer; or a little later, while the program
 * computes, if it does so for long enough. How long that is, the shortest time between
 * two faults says: in longer ones others may have had the processor, which is no
 * computing. After a fault that waits for its page nothing is known: its pages are
 * needed at once. The gap may become much shorter at a time, but only a little longer.
 */
#include "pace.h"

/*
 * Faults that are so far apart leave time to compute, and the pages wait for this
 * part of it, lest they are read before the fault is over, but no longer than that.
 * The first is well above what a fault and a timer take.
 */
#define GAP_MIN_NS	100000U
#define DELAY_PART	2
#define DELAY_MAX_NS	1000000U

/* The gap grows by this part of it at a time. */
#define GROWTH_PART	4

static u32 smaller(u64 a, u32 b)
{
	return a < b ? (u32)a : b;
}

/**
 * leap_pace_fault - there was a fault
 * @pace: of the process; the caller keeps others away
 * @now: in ns
 * @waits: for its page
 */
void leap_pace_fault(struct leap_pace *pace, u64 now, bool waits)
{
	u32 past;

	if (pace->last && now > pace->last) {
		past = smaller(now - pace->last, UINT_MAX);
		if (!pace->least || past < pace->least)
			pace->least = past;
	}
	pace->last = waits ? 0 : now;
	if (!waits)
		return;
	pace->least = 0;
	pace->gap = 0;
}

/**
 * leap_pace_asked - the last fault has asked for pages
 * @pace: of the process; the caller keeps others away
 *
 * What was measured since another one did so is a gap.
 */
void leap_pace_asked(struct leap_pace *pace)
{
	u32 base = pace->gap > GAP_MIN_NS ? pace->gap : GAP_MIN_NS;
	u32 most = pace->gap ? smaller((u64)base + base / GROWTH_PART, UINT_MAX) : UINT_MAX;

	if (pace->least)
		pace->gap = smaller(pace->least, most);
	pace->least = 0;
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
