// SPDX-License-Identifier: GPL-2.0
/*
 * Which way does a program go through its memory?
 *
 * To read pages before they are asked for, one must know which ones come next.
 * Real programs do not make that easy. A scan is disturbed by accesses to other
 * data in between:
 *
 *	page	100  103  106  7001  109  112  115  118
 *	delta	     +3   +3  +6895 -6892 +3   +3   +3
 *
 * A detector that wants the last few deltas to be equal loses the scan at 7001
 * and has to learn it again. This one asks for a majority instead: +3 has five
 * of these seven votes, and it is the trend all the time.
 *
 * The history
 *
 * A ring keeps the last @size deltas between the pages of consecutive faults.
 * The pages are those of the virtual address space. Slots of the swap device,
 * which are easier to come by, say less: they are reused in any order, so that
 * neighbours in memory are no neighbours on the device after a while. For the
 * same reason each process has a history of its own; mixing two gives deltas
 * that belong to neither.
 *
 * A fault that is taken again (because the page was not there yet, or was lost
 * again before the program got to run) has the page of the last one. It is not
 * logged: it says nothing about the direction, and its zeros would outvote the
 * deltas that do. Thus 0 is no delta and stands for "no trend".
 *
 * The windows
 *
 * How far back should one look? With few deltas, a new trend wins soon, but
 * some noise is enough to hide it. With many it is the other way round. So the
 * smallest window, @size / split, is tried first, and if nothing has a majority
 * in it, one twice as large, and so on up to the whole history:
 *
 *	newest                                                       oldest
 *	|-- w ---|
 *	|------ 2w -------|
 *	|---------------- 4w ----------------|
 *
 * A program that changes its stride is followed after w/2 + 1 faults, and one
 * whose accesses are noisy is understood as long as more than half of all its
 * deltas agree. A majority is strictly more than half: two strides that take
 * turns, as those of a program that reads one array and writes another, are no
 * trend, whatever the window.
 *
 * Deltas that are not there yet agree with nobody. A window that is not full
 * asks for as many equal deltas as one that is, so the first faults of a
 * program do not pass for a trend because there is nothing to contradict them.
 *
 * The vote
 *
 * Boyer and Moore's: go through the deltas with a candidate and a count. A
 * delta that is the candidate adds one, another one takes one away, and at zero
 * the next delta becomes the candidate. Each that is taken away has cancelled
 * one that was different, so if any delta has a majority, it is the candidate
 * at the end, and the count is not zero. The reverse is not true, hence a second
 * pass counts how often the candidate really is there. As it makes no difference
 * in which order one goes, newest first lets the vote of a window go on where
 * that of the one before has stopped. All votes together look at each delta once
 * and all counts together at less than two histories, so a fault costs O(size)
 * and no memory.
 *
 * What it does not see: strides that take turns (see above), pointer chasing,
 * and a trend whose deltas are a little different each time, as in records of
 * changing length.
 */
#include "trend.h"

/**
 * leap_trend_init - start without history
 * @trend: to be set up
 * @size: deltas to keep, 2 to LEAP_TREND_SIZE_MAX
 * @split: the smallest window is @size / @split; 1 to @size
 */
void leap_trend_init(struct leap_trend *trend, u32 size, u32 split)
{
	memset(trend, 0, sizeof(*trend));
	trend->size = size;
	trend->window = size / split;
}

/**
 * leap_trend_log - there was a fault
 * @trend: the history
 * @page: number of the page in the address space
 *
 * Return: false if it is the page of the last fault, which is not logged again.
 */
bool leap_trend_log(struct leap_trend *trend, u64 page)
{
	s64 delta = page - trend->last;

	if (!trend->started) {
		trend->started = true;
		trend->last = page;
		return true;
	}
	if (!delta)
		return false;
	trend->last = page;
	trend->deltas[trend->next] = delta;
	if (++trend->next == trend->size)
		trend->next = 0;
	if (trend->nr < trend->size)
		trend->nr++;
	return true;
}

/* From the place of a delta to that of the one before. */
static u32 older(const struct leap_trend *trend, u32 at)
{
	return (at ? at : trend->size) - 1;
}

/* Has @delta more than half of the @window newest votes? */
static bool has_majority(const struct leap_trend *trend, s64 delta, u32 window)
{
	u32 at = trend->next, left = window < trend->nr ? window : trend->nr;
	u32 votes = 0;

	/* Not all are looked at if those that are left make no difference. */
	for (; left && votes + left > window / 2; left--) {
		at = older(trend, at);
		votes += trend->deltas[at] == delta;
	}
	return votes > window / 2;
}

/**
 * leap_trend_find - the distance from one fault to the next
 * @trend: the history
 *
 * Return: in pages, negative for downwards; 0 if there is no trend.
 */
s64 leap_trend_find(const struct leap_trend *trend)
{
	u32 window = trend->window, at = trend->next, age = 0, count = 0;
	s64 candidate = 0;

	for (;;) {
		for (; age < window && age < trend->nr; age++) {
			at = older(trend, at);
			if (!count)
				candidate = trend->deltas[at];
			count += trend->deltas[at] == candidate ? 1 : -1;
		}
		if (count && has_majority(trend, candidate, window))
			return candidate;
		if (window >= trend->nr)
			return 0;
		window *= 2;
		if (window > trend->size)
			window = trend->size;
	}
}
