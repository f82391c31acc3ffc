// SPDX-License-Identifier: GPL-2.0
/*
 * The prefetch policy: any settings, then any faults. What it asks for can be
 * asked for, and its state stays within the settings.
 */
#include <stdlib.h>

#include "leap/policy/prefetch.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* What is left of the input; reads as zeros after its end. */
static const u8 *next;
static size_t left;

static u64 take(u32 bytes)
{
	u64 value = 0;

	for (; bytes && left; bytes--, left--)
		value = value << 8 | *next++;
	return value;
}

static void must(bool right)
{
	if (!right)
		abort();
}

/* The settings that were given, or the nearest ones that are allowed. */
static void take_settings(struct leap_prefetch_settings *set)
{
	set->history = take(1);
	set->split = take(1);
	set->streams = take(1);
	set->max_window = take(1);
	set->max_ahead = take(1);
	set->breaker = take(1);
	if (!leap_prefetch_check(set))
		return;
	set->history = 2 + set->history % (LEAP_TREND_SIZE_MAX - 1);
	set->split = 1 + set->split % set->history;
	set->streams = 1 + set->streams % LEAP_STREAMS_MAX;
	set->max_window = 1 + set->max_window % LEAP_WINDOW_MAX;
	set->max_ahead = set->max_window +
			 set->max_ahead % (LEAP_AHEAD_MAX + 1 - set->max_window);
	set->breaker %= 2;
	must(!leap_prefetch_check(set));
}

static u64 take_page(u64 last, u32 how)
{
	switch (how) {
	case 0:
		return last + (signed char)take(1);
	case 1:
		return last + (s32)take(4);
	case 2:
		return take(8);
	case 3:
		return take(7);
	case 4:
		return LEAP_PAGE_LIMIT - take(1);
	default:
		return last + how - 10;
	}
}

static void check_pages(u64 page, const u64 *pages, u32 nr)
{
	must(nr <= LEAP_WINDOW_MAX);
	must(!nr || page < LEAP_PAGE_LIMIT);
	for (u32 i = 0; i < nr; i++) {
		must(pages[i] < LEAP_PAGE_LIMIT && pages[i] != page);
		must(!i || pages[i] - pages[i - 1] == pages[1] - pages[0]);
	}
}

static void check_state(const struct leap_prefetcher *p)
{
	must(p->count.faults >= p->count.misses + p->count.hits + p->count.late);
	must(p->streams.habit.trust <= LEAP_TRUST_MAX);
	must(p->streams.top <= LEAP_STREAMS_ALL);
	for (u32 i = 0; i < p->streams.top; i++) {
		const struct leap_stream *s = &p->streams.all[i];
		u32 same = 0;

		for (u32 j = 0; j <= i; j++)
			same += p->streams.all[j].thread == s->thread;
		must(same <= p->set.streams);
		must(s->window <= p->set.max_window);
		must(s->ahead <= p->set.max_ahead);
		must(!s->ahead || s->delta);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct leap_prefetcher p;
	struct leap_prefetch_settings set;
	u64 pages[LEAP_WINDOW_MAX], page = 1 << 20;
	u32 nr = 0;

	next = data;
	left = size;
	take_settings(&set);
	leap_prefetch_init(&p, &set);
	while (left) {
		const u8 op = take(1);

		switch (op & 7) {
		case 4:
			leap_prefetch_skipped(&p, op >> 3 < nr ? op >> 3 : nr);
			nr = 0;
			break;
		case 5:
			leap_prefetch_unused(&p, op >> 3);
			break;
		case 6:
			take_settings(&set);
			leap_prefetch_change(&p, &set);
			break;
		case 7:
			leap_prefetch_thread(&p, op >> 3);
			break;
		default:
			page = take_page(page, op >> 3);
			nr = leap_prefetch_fault(&p, page, op & 3, pages);
			check_pages(page, pages, nr);
		}
		check_state(&p);
	}
	return 0;
}
