// SPDX-License-Identifier: GPL-2.0
/* Latency histograms: which bucket counts, and percentiles of the counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/hist.h"

static void a_bucket_has_the_powers_of_two_it_says(void **state)
{
	(void)state;
	assert_int_equal(leap_hist_bucket(0), 0);
	for (u32 i = 0; i < LEAP_HIST_BUCKETS; i++) {
		assert_int_equal(leap_hist_bucket(1ULL << i), i);
		assert_int_equal(leap_hist_bucket((2ULL << i) - 1), i);
	}
}

static void the_last_bucket_has_all_that_is_longer(void **state)
{
	const u32 last = LEAP_HIST_BUCKETS - 1;

	(void)state;
	assert_int_equal(leap_hist_bucket(2ULL << last), last);
	assert_int_equal(leap_hist_bucket(1ULL << 63), last);
	assert_int_equal(leap_hist_bucket(UINT64_MAX), last);
}

static void nothing_counted_is_zero(void **state)
{
	static const u64 hist[LEAP_HIST_BUCKETS];

	(void)state;
	assert_int_equal(leap_hist_count(hist), 0);
	for (u32 permille = 0; permille <= 1000; permille += 100)
		assert_int_equal(leap_hist_permille(hist, permille), 0);
}

static void percentiles_of_one_bucket_are_spread_over_it(void **state)
{
	u64 hist[LEAP_HIST_BUCKETS] = { [10] = 8 };

	(void)state;
	assert_int_equal(leap_hist_permille(hist, 0), 1024);
	assert_int_equal(leap_hist_permille(hist, 500), 1536);
	assert_int_equal(leap_hist_permille(hist, 1000), 2048);
}

static void percentiles_find_their_bucket(void **state)
{
	u64 hist[LEAP_HIST_BUCKETS] = { [4] = 900, [20] = 99, [35] = 1 };

	(void)state;
	assert_int_equal(leap_hist_count(hist), 1000);
	assert_int_equal(leap_hist_bucket(leap_hist_permille(hist, 500)), 4);
	assert_int_equal(leap_hist_bucket(leap_hist_permille(hist, 899)), 4);
	assert_int_equal(leap_hist_bucket(leap_hist_permille(hist, 950)), 20);
	assert_int_equal(leap_hist_permille(hist, 1000), 1ULL << 36);
}

/* Counts so large that they cannot be told apart as floating point numbers. */
static void huge_counts_stay_in_range(void **state)
{
	u64 hist[LEAP_HIST_BUCKETS] = { [3] = 1ULL << 62, [30] = 1ULL << 62 };

	(void)state;
	assert_int_equal(leap_hist_permille(hist, 500), 16);
	assert_int_equal(leap_hist_permille(hist, 1000), 1ULL << 31);
}

/* Against sorting: off by less than a factor of two, and never going down. */
static void random_latencies(void **state)
{
	enum { NR = 1001 };
	static u64 ns[NR];

	(void)state;
	srandom(1);
	for (u32 round = 0; round < 200; round++) {
		u64 hist[LEAP_HIST_BUCKETS] = { 0 }, before = 0;

		for (u32 i = 0; i < NR; i++) {
			u64 value = 1 + random() % (1ULL << (1 + random() % 30));
			u32 at = i;

			hist[leap_hist_bucket(value)]++;
			for (; at && ns[at - 1] > value; at--)
				ns[at] = ns[at - 1];
			ns[at] = value;
		}
		for (u32 permille = 0; permille <= 1000; permille++) {
			u64 got = leap_hist_permille(hist, permille);

			assert_true(got >= before);
			assert_true(got >= ns[permille] / 2);
			assert_true(got <= ns[permille] * 2);
			before = got;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_has_the_powers_of_two_it_says),
		cmocka_unit_test(the_last_bucket_has_all_that_is_longer),
		cmocka_unit_test(nothing_counted_is_zero),
		cmocka_unit_test(percentiles_of_one_bucket_are_spread_over_it),
		cmocka_unit_test(percentiles_find_their_bucket),
		cmocka_unit_test(huge_counts_stay_in_range),
		cmocka_unit_test(random_latencies),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
