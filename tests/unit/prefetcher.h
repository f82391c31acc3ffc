/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that prefetches, and the kernel below it, for the tests of the prefetch
 * policy. Include it after cmocka.h.
 */
#ifndef PREFETCHER_H
#define PREFETCHER_H

#include "leap/policy/prefetch.h"

#define BASE	0x7f0000000ULL

static struct leap_prefetcher p;
static u64 pages[LEAP_WINDOW_MAX];

/* Pages that were prefetched and not used yet, as the kernel would have them. */
static u64 cached[1024];

static inline void start_with(const struct leap_prefetch_settings *set)
{
	assert_int_equal(leap_prefetch_check(set), 0);
	memset(&p, 0xff, sizeof(p));
	leap_prefetch_init(&p, set);
	memset(cached, 0, sizeof(cached));
}

/* Small windows, so that the rules show in few faults. */
static inline int start(void **state)
{
	struct leap_prefetch_settings set = leap_prefetch_defaults;

	(void)state;
	set.max_window = 8;
	start_with(&set);
	return 0;
}

static inline u32 fault(u64 page, enum leap_fault_kind kind)
{
	return leap_prefetch_fault(&p, page, kind, pages);
}

static inline bool take_cached(u64 page)
{
	for (size_t i = 0; i < ARRAY_SIZE(cached); i++) {
		if (cached[i] == page) {
			cached[i] = 0;
			return true;
		}
	}
	return false;
}

/* The oldest is dropped if there are too many. */
static inline void add_cached(u64 page)
{
	static size_t next;

	cached[next++ % ARRAY_SIZE(cached)] = page;
}

/* As the kernel plays it. Return: the page was there. */
static inline bool touch(u64 page)
{
	bool hit = take_cached(page);
	u32 nr = fault(page, hit ? LEAP_FAULT_HIT : LEAP_FAULT_MISS);

	while (nr)
		add_cached(pages[--nr]);
	return hit;
}

/* Misses of a scan of @nr pages; @page is moved to its end. */
static inline u32 scan(u64 *page, s64 stride, u32 nr)
{
	u32 misses = 0;

	for (; nr--; *page += stride)
		misses += !touch(*page);
	return misses;
}

#endif /* PREFETCHER_H */
