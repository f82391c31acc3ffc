// SPDX-License-Identifier: GPL-2.0
/* The prefetch policy: each rule by itself, and steady streams as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "prefetcher.h"

static void assert_asked(u32 nr, u64 first, s64 stride, u32 want)
{
	assert_int_equal(nr, want);
	for (u32 i = 0; i < nr; i++)
		assert_int_equal(pages[i], first + i * stride);
}

/* A window of 4 of a history of 32 has a majority after 3 equal deltas. */
static void a_stream_starts_with_one_page(void **state)
{
	(void)state;
	for (u64 i = 0; i < 3; i++)
		assert_int_equal(fault(BASE + i, LEAP_FAULT_MISS), 0);
	assert_asked(fault(BASE + 3, LEAP_FAULT_MISS), BASE + 4, 1, 1);
}

/*
 * To 2 after one hit, to 4 after two more, to 8 after four. What is asked for
 * fills two windows, but never goes further ahead than the stream has come.
 */
static void the_window_grows_with_hits(void **state)
{
	static const struct {
		u32 window;
		u32 first;
		u32 nr;
	} want[] = {
		{ 2, 5, 4 }, { 2, 0, 0 }, { 4, 9, 5 }, { 4, 0, 0 }, { 4, 0, 0 },
		{ 4, 14, 4 }, { 4, 0, 0 }, { 4, 0, 0 }, { 4, 0, 0 },
		{ 8, 18, 10 }, { 8, 28, 2 }, { 8, 0, 0 },
	};

	(void)state;
	for (u64 i = 0; i < 4; i++)
		fault(BASE + i, LEAP_FAULT_MISS);
	for (u64 i = 0; i < ARRAY_SIZE(want); i++) {
		u32 nr = fault(BASE + 4 + i, LEAP_FAULT_HIT);

		assert_asked(nr, BASE + want[i].first, 1, want[i].nr);
		assert_int_equal(p.streams.all[0].window, want[i].window);
	}
}

static void the_window_has_a_limit(void **state)
{
	struct leap_prefetch_settings set = leap_prefetch_defaults;
	u64 page = BASE;

	(void)state;
	for (u32 max = 1; max <= LEAP_WINDOW_MAX; max++) {
		set.max_window = max;
		set.max_ahead = 2 * max;
		start_with(&set);
		for (u32 i = 0; i < 1000; i++) {
			bool hit = touch(page++);

			assert_true(i < 4 || hit);
			assert_in_range(p.streams.all[0].window, 0, max);
			assert_in_range(p.streams.all[0].ahead, 0, 2 * max);
		}
		assert_int_equal(p.streams.all[0].window, max);
	}
}

/* Goes on until so many pages were used since the last prefetch. */
static void scan_until_hits(u64 *page, u32 hits)
{
	scan(page, 1, 50);
	while (p.streams.all[0].hits != hits)
		scan(page, 1, 1);
}

/* Nothing that is prefetched survives until it is used. */
static void without_hits_the_window_is_halved(void **state)
{
	static const u32 want[] = { 4, 2, 1, 1, 1 };
	u64 page = BASE;

	(void)state;
	scan_until_hits(&page, 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++, page++)
		assert_asked(fault(page, LEAP_FAULT_MISS), page + 1, 1, want[i]);
}

static void few_hits_halve_the_window_too(void **state)
{
	u64 page = BASE;

	(void)state;
	scan_until_hits(&page, 1);
	assert_asked(fault(page, LEAP_FAULT_MISS), page + 1, 1, 4);
}

static void hits_keep_the_window(void **state)
{
	u64 page = BASE;

	(void)state;
	scan_until_hits(&page, 4);
	assert_asked(fault(page, LEAP_FAULT_MISS), page + 1, 1, 8);
}

/* Faults all around, each of them near the last. */
static void lose_the_way(u64 page)
{
	static const s64 jumps[] = { 9, -13, 31, -7, 23, -29, 17, -11, 37, -19 };

	for (u32 i = 0; i < 40; i++) {
		page += jumps[i % ARRAY_SIZE(jumps)] - (i & 1);
		fault(page, LEAP_FAULT_MISS);
	}
}

static void without_a_trend_prefetching_is_suspended(void **state)
{
	u64 page = BASE;

	(void)state;
	scan(&page, 1, 40);
	lose_the_way(page - 10);
	assert_int_equal(p.streams.all[0].window, 0);
	assert_int_equal(leap_trend_find(&p.streams.all[0].trend), 0);
	/* One step the way that it last went is no trend. */
	assert_int_equal(fault(p.streams.all[0].pos + 1, LEAP_FAULT_MISS), 0);
}

static void a_suspended_stream_starts_again(void **state)
{
	u64 page = BASE;

	(void)state;
	scan(&page, 1, 40);
	lose_the_way(page - 10);
	memset(cached, 0, sizeof(cached));
	page = p.streams.all[0].trend.last + 2;
	assert_in_range(scan(&page, 2, 30), 3, 6);
	assert_int_equal(p.streams.all[0].window, 8);
}

/* A fault beside the way costs a hit, not the window. */
static void some_noise_does_not_stop_a_stream(void **state)
{
	u64 page = BASE;
	u32 misses = 0;

	(void)state;
	srandom(1);
	for (u32 i = 0; i < 5000; i++, page++) {
		misses += i >= 4 && !touch(page);
		if (i % 4 == 3)
			fault(page - 10 - random() % 50, LEAP_FAULT_MISS);
	}
	assert_in_range(misses, 0, 100);
}

static void a_steady_stream_misses_no_more(void **state)
{
	static const s64 strides[] = {
		1, -1, 2, 10, -7, 63, 64, 65, 512, -4096, 1 << 20, 1 << 25,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strides); i++) {
		u64 page = BASE << 8;

		start(NULL);
		assert_int_equal(scan(&page, strides[i], 4), 4);
		assert_int_equal(scan(&page, strides[i], 5000), 0);
		assert_in_range(p.count.issued, 5000, 5016);
	}
}

/* One that goes over its memory again and again, each time beside the last. */
static void a_scan_that_begins_again_misses_once(void **state)
{
	u32 misses = 0;

	(void)state;
	start_with(&leap_prefetch_defaults);
	for (u64 pass = 0; pass < 10; pass++) {
		u64 page = BASE + pass;

		/* Of the first time a part is there. */
		misses += scan(&page, 10, pass ? 1638 : 820);
	}
	assert_int_equal(misses, 4 + 9);
	assert_in_range(p.count.issued, 820 + 9 * 1638 - misses,
			(820 + 9 * 1638) * 103 / 100);
}

static void a_long_stream_goes_on_with_care(void **state)
{
	u64 page = BASE;

	(void)state;
	scan(&page, 10, 1000);
	assert_asked(fault(BASE * 2, LEAP_FAULT_MISS), BASE * 2 + 10, 10, 2);
	assert_int_equal(fault(BASE * 3, LEAP_FAULT_MISS), 0);
	start_with(&(struct leap_prefetch_settings){ 32, 8, 8, 1, 1, 1 });
	scan(&page, 10, 1000);
	assert_asked(fault(BASE * 2, LEAP_FAULT_MISS), BASE * 2 + 10, 10, 1);
}

static void a_stride_without_end_is_none(void **state)
{
	u64 page = BASE << 8;

	(void)state;
	assert_int_equal(scan(&page, (1 << 25) + 1, 100), 100);
	assert_int_equal(p.count.issued, 0);
}

/* Some pages are mapped and do not fault: the rest still is one stream. */
static void skipped_pages_are_no_end(void **state)
{
	u64 page = BASE;
	u32 misses = 0;

	(void)state;
	srandom(2);
	scan(&page, 10, 50);
	for (u32 i = 0; i < 2000; i++, page += 10)
		if (random() % 2)
			misses += !touch(page);
	assert_in_range(misses, 0, 10);
}

static void late_hits_look_further_ahead(void **state)
{
	u64 page = BASE;
	u32 most = 0;

	(void)state;
	scan(&page, 1, 50);
	assert_int_equal(p.boost, 1);
	for (u32 i = 0; i < 200; i++) {
		fault(page++, LEAP_FAULT_LATE);
		if (p.streams.all[0].ahead > most)
			most = p.streams.all[0].ahead;
	}
	assert_int_equal(most, leap_prefetch_defaults.max_ahead);
	/* The next stream begins where this one has come to. */
	assert_int_equal(p.boost, 2);
}

/* What was late already when more was asked for says nothing about it. */
static void patience_is_as_long_as_the_way_ahead(void **state)
{
	struct leap_prefetch_settings set = leap_prefetch_defaults;
	u64 page = BASE;

	(void)state;
	set.max_window = 8;
	set.max_ahead = 64;
	start_with(&set);
	scan(&page, 1, 50);
	fault(page++, LEAP_FAULT_LATE);
	assert_int_equal(p.boost, 2);
	for (u32 i = 0; i < 8; i++)
		fault(page++, LEAP_FAULT_LATE);
	assert_int_equal(p.boost, 2);
	for (u32 i = 0; i < 16; i++)
		fault(page++, LEAP_FAULT_LATE);
	assert_int_equal(p.boost, 3);
}

static void pages_that_are_gone_too_early_look_less_far_ahead(void **state)
{
	u64 page = BASE;

	(void)state;
	scan(&page, 1, 50);
	for (u32 i = 0; i < 200; i++)
		fault(page++, LEAP_FAULT_LATE);
	assert_int_equal(p.streams.all[0].boost, 2);
	fault(page++, LEAP_FAULT_MISS);
	assert_int_equal(p.streams.all[0].boost, 1);
	fault(page++, LEAP_FAULT_MISS);
	assert_int_equal(p.streams.all[0].boost, 1);
}

static void a_cached_page_moves_the_stream_and_no_more(void **state)
{
	u64 page = BASE;

	(void)state;
	scan(&page, 1, 50);
	for (u32 i = 0; i < 100; i++)
		fault(page++, LEAP_FAULT_CACHED);
	assert_int_equal(p.streams.all[0].pos, page - 1);
	assert_int_equal(p.streams.all[0].window, 8);
	assert_int_equal(p.count.faults, 150);
	assert_int_equal(p.count.misses + p.count.hits + p.count.late, 50);
}

/* Two faults on the same page while it is read, or a retry, count once. */
static void repeats_are_dropped(void **state)
{
	u64 page = BASE;

	(void)state;
	for (u32 i = 0; i < 200; i++, page += 10) {
		enum leap_fault_kind kind = i < 4 ? LEAP_FAULT_MISS : LEAP_FAULT_LATE;

		fault(page, kind);
		for (u32 j = 0; j < 3; j++)
			assert_int_equal(fault(page, LEAP_FAULT_HIT), 0);
	}
	assert_int_equal(p.count.faults, 200);
	assert_int_equal(p.count.late, 196);
	assert_int_equal(p.count.hits, 0);
}

/* Another thread's fault may come between a fault and its retry. */
static void repeats_of_a_stream_are_dropped(void **state)
{
	u64 a = BASE, b = BASE + 100000;

	(void)state;
	for (u32 i = 0; i < 200; i++, a++, b += 3) {
		fault(a, i < 4 ? LEAP_FAULT_MISS : LEAP_FAULT_LATE);
		fault(b, i < 4 ? LEAP_FAULT_MISS : LEAP_FAULT_LATE);
		if (!i)
			continue;
		assert_int_equal(fault(a, LEAP_FAULT_HIT), 0);
		assert_int_equal(fault(b, LEAP_FAULT_HIT), 0);
	}
	assert_int_equal(p.count.faults, 400);
	assert_int_equal(p.streams.all[0].delta, 1);
	assert_int_equal(p.streams.all[1].delta, 3);
}

static void no_page_is_below_the_first(void **state)
{
	u64 page = 3 * 100;

	(void)state;
	for (u32 i = 0; i <= 100; i++, page -= 3) {
		u32 nr = fault(page, i < 4 ? LEAP_FAULT_MISS : LEAP_FAULT_HIT);

		for (u32 j = 0; j < nr; j++)
			assert_in_range(pages[j], 0, page - 3);
	}
	assert_int_equal(p.count.issued, 97);
}

static void no_page_is_above_the_last(void **state)
{
	u64 page = LEAP_PAGE_LIMIT - 1 - 5 * 100;

	(void)state;
	for (u32 i = 0; i <= 100; i++, page += 5) {
		u32 nr = fault(page, i < 4 ? LEAP_FAULT_MISS : LEAP_FAULT_HIT);

		for (u32 j = 0; j < nr; j++)
			assert_in_range(pages[j], page + 5, LEAP_PAGE_LIMIT - 1);
	}
	assert_int_equal(p.count.issued, 97);
	assert_int_equal(fault(LEAP_PAGE_LIMIT, LEAP_FAULT_MISS), 0);
	assert_int_equal(fault(UINT64_MAX, LEAP_FAULT_MISS), 0);
	assert_int_equal(p.count.faults, 101);
}

/* Pages that were never read are not held against the stream. */
static void skipped_pages_do_not_count(void **state)
{
	u64 page = BASE;

	(void)state;
	for (u32 i = 0; i < 2000; i++) {
		u32 nr = fault(page++, LEAP_FAULT_MISS);

		assert_true(i < 3 || nr);
		leap_prefetch_skipped(&p, nr);
	}
	assert_int_equal(p.count.issued, 0);
	assert_int_equal(p.breaker.pause, 0);
}

static void everything_is_counted(void **state)
{
	u64 page = BASE;

	(void)state;
	scan(&page, 1, 100);
	fault(page, LEAP_FAULT_LATE);
	leap_prefetch_unused(&p, 3);
	leap_prefetch_unused(&p, 2);
	assert_int_equal(p.count.faults, 101);
	assert_int_equal(p.count.misses, 4);
	assert_int_equal(p.count.hits, 96);
	assert_int_equal(p.count.late, 1);
	assert_int_equal(p.count.unused, 5);
	assert_in_range(p.count.issued, 97, 129);
}

static void settings_have_ranges(void **state)
{
	static const struct leap_prefetch_settings bad[] = {
		{ 1, 1, 8, 8, 32, 1 }, { 65, 8, 8, 8, 32, 1 },
		{ 32, 0, 8, 8, 32, 1 }, { 32, 33, 8, 8, 32, 1 },
		{ 32, 8, 0, 8, 32, 1 }, { 32, 8, 9, 8, 32, 1 },
		{ 32, 8, 8, 0, 32, 1 }, { 32, 8, 8, 33, 64, 1 },
		{ 32, 8, 8, 8, 7, 1 }, { 32, 8, 8, 8, 65, 1 },
		{ 32, 8, 8, 8, 32, 2 },
	};
	static const struct leap_prefetch_settings good[] = {
		{ 2, 1, 1, 1, 1, 0 }, { 2, 2, 1, 1, 1, 0 },
		{ 64, 64, 8, 32, 64, 1 }, { 64, 1, 8, 32, 32, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(leap_prefetch_check(&bad[i]), -ERANGE);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(leap_prefetch_check(&good[i]), 0);
	assert_int_equal(leap_prefetch_check(&leap_prefetch_defaults), 0);
}

static void new_settings_keep_the_counters(void **state)
{
	struct leap_prefetch_settings set = leap_prefetch_defaults;
	u64 page = BASE;

	(void)state;
	scan(&page, 1, 100);
	set.history = 64;
	leap_prefetch_change(&p, &set);
	memset(cached, 0, sizeof(cached));
	assert_int_equal(p.count.faults, 100);
	/* 64 / 8 deltas are the smallest window now. */
	assert_int_equal(scan(&page, 1, 100), 6);
	assert_int_equal(p.count.faults, 200);
}

/* Whatever happens: no more than fits, no page twice, none that cannot be. */
static void any_faults_are_survived(void **state)
{
	static u64 page = BASE;

	(void)state;
	srandom(3);
	for (u32 i = 0; i < 300000; i++) {
		u32 nr;

		switch (random() % 8) {
		case 0:
			page = random() % 3000;
			break;
		case 1:
			page = LEAP_PAGE_LIMIT - 1 - random() % 3000;
			break;
		default:
			page += random() % 3 ? 7 : random() % 30 - 15;
		}
		nr = fault(page, random() % 4);
		assert_in_range(nr, 0, LEAP_WINDOW_MAX);
		for (u32 j = 0; j < nr; j++) {
			assert_in_range(pages[j], 0, LEAP_PAGE_LIMIT - 1);
			assert_int_not_equal(pages[j], page);
			assert_true(!j || pages[j] - pages[j - 1] == pages[1] - pages[0]);
		}
		leap_prefetch_skipped(&p, nr ? random() % (nr + 1) : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup(name, start)
		test(a_stream_starts_with_one_page),
		test(the_window_grows_with_hits),
		test(the_window_has_a_limit),
		test(without_hits_the_window_is_halved),
		test(few_hits_halve_the_window_too),
		test(hits_keep_the_window),
		test(without_a_trend_prefetching_is_suspended),
		test(a_suspended_stream_starts_again),
		test(some_noise_does_not_stop_a_stream),
		test(a_steady_stream_misses_no_more),
		test(a_scan_that_begins_again_misses_once),
		test(a_long_stream_goes_on_with_care),
		test(a_stride_without_end_is_none),
		test(skipped_pages_are_no_end),
		test(late_hits_look_further_ahead),
		test(patience_is_as_long_as_the_way_ahead),
		test(pages_that_are_gone_too_early_look_less_far_ahead),
		test(a_cached_page_moves_the_stream_and_no_more),
		test(repeats_are_dropped),
		test(repeats_of_a_stream_are_dropped),
		test(no_page_is_below_the_first),
		test(no_page_is_above_the_last),
		test(skipped_pages_do_not_count),
		test(everything_is_counted),
		test(settings_have_ranges),
		test(new_settings_keep_the_counters),
		test(any_faults_are_survived),
	};

	return cmocka_run_group_tests_name("prefetch", tests, NULL, NULL);
}
