// SPDX-License-Identifier: GPL-2.0
/* The trend detector: streams one by one, then any stream against a slow twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/trend.h"

static struct leap_trend trend;

static void log_steps(u64 *page, s64 delta, u32 nr)
{
	while (nr--) {
		*page += delta;
		assert_true(leap_trend_log(&trend, *page));
	}
}

static void a_short_history_has_no_trend(void **state)
{
	u64 page = 1000;

	(void)state;
	leap_trend_init(&trend, 32, 4);
	assert_int_equal(leap_trend_find(&trend), 0);
	assert_true(leap_trend_log(&trend, page));
	assert_int_equal(leap_trend_find(&trend), 0);
	for (u32 i = 0; i < 4; i++) {
		log_steps(&page, 1, 1);
		assert_int_equal(leap_trend_find(&trend), 0);
	}
	log_steps(&page, 1, 1);
	assert_int_equal(leap_trend_find(&trend), 1);
}

static void any_stride_is_found(void **state)
{
	static const s64 strides[] = {
		1, -1, 10, -7, 512, -4096, 1LL << 40, INT64_MAX, INT64_MIN,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strides); i++) {
		u64 page = 0x7f0000000;

		leap_trend_init(&trend, 32, 2);
		log_steps(&page, strides[i], 40);
		assert_int_equal(leap_trend_find(&trend), strides[i]);
	}
}

static void a_repeated_fault_is_not_logged(void **state)
{
	u64 page = 0;

	(void)state;
	leap_trend_init(&trend, 8, 2);
	assert_true(leap_trend_log(&trend, 0));
	assert_false(leap_trend_log(&trend, 0));
	for (u32 i = 0; i < 8; i++) {
		log_steps(&page, 3, 1);
		for (u32 j = 0; j < 5; j++)
			assert_false(leap_trend_log(&trend, page));
	}
	assert_int_equal(trend.nr, 8);
	assert_int_equal(leap_trend_find(&trend), 3);
}

/* The smallest window of 8 has a majority after 5 deltas. */
static void a_new_stride_is_followed_soon(void **state)
{
	u64 page = 0;

	(void)state;
	leap_trend_init(&trend, 32, 4);
	log_steps(&page, 1, 100);
	for (u32 i = 1; i <= 5; i++) {
		log_steps(&page, 10, 1);
		assert_int_equal(leap_trend_find(&trend), i < 5 ? 1 : 10);
	}
}

/* Two of five deltas belong to a jump to other data and back. */
static void some_noise_does_no_harm(void **state)
{
	u64 page = 1 << 20;

	(void)state;
	leap_trend_init(&trend, 32, 4);
	srandom(1);
	for (u32 i = 0; i < 50; i++) {
		s64 jump = 100 + random() % 10000;

		log_steps(&page, 2, 3);
		log_steps(&page, jump, 1);
		log_steps(&page, -jump, 1);
		if (i >= 8)
			assert_int_equal(leap_trend_find(&trend), 2);
	}
}

static void strides_that_take_turns_are_no_trend(void **state)
{
	u64 page = 1 << 20;

	(void)state;
	leap_trend_init(&trend, 32, 4);
	for (u32 i = 0; i < 40; i++) {
		log_steps(&page, 1000, 1);
		log_steps(&page, -999, 1);
		assert_int_equal(leap_trend_find(&trend), 0);
	}
}

static void half_is_no_majority(void **state)
{
	u64 page = 0;

	(void)state;
	leap_trend_init(&trend, 8, 1);
	assert_true(leap_trend_log(&trend, page));
	log_steps(&page, 5, 4);
	log_steps(&page, 7, 1);
	log_steps(&page, 11, 1);
	log_steps(&page, 13, 1);
	log_steps(&page, 17, 1);
	assert_int_equal(leap_trend_find(&trend), 0);
}

/* What the newest deltas hide, the whole history can still show. */
static void a_larger_window_sees_further(void **state)
{
	u64 page = 0;

	(void)state;
	leap_trend_init(&trend, 32, 4);
	log_steps(&page, 4, 32);
	for (u32 i = 0; i < 8; i++)
		log_steps(&page, 100 + i, 1);
	assert_int_equal(leap_trend_find(&trend), 4);
	for (u32 i = 8; i < 15; i++)
		log_steps(&page, 100 + i, 1);
	assert_int_equal(leap_trend_find(&trend), 4);
	log_steps(&page, 200, 1);
	assert_int_equal(leap_trend_find(&trend), 0);
}

/* All deltas ever logged, and each question asked of each of them. */
static struct {
	s64 deltas[4096];
	u32 nr;
} twin;

static s64 twin_majority(u32 window)
{
	u32 first = twin.nr > window ? twin.nr - window : 0;

	for (u32 i = first; i < twin.nr; i++) {
		u32 votes = 0;

		for (u32 j = first; j < twin.nr; j++)
			votes += twin.deltas[j] == twin.deltas[i];
		if (2 * votes > window)
			return twin.deltas[i];
	}
	return 0;
}

static s64 twin_find(u32 size, u32 split)
{
	for (u32 window = size / split; window < size; window *= 2) {
		s64 found = twin_majority(window);

		if (found)
			return found;
	}
	return twin_majority(size);
}

/* Runs of one delta with others strewn in; small numbers meet often. */
static s64 any_delta(void)
{
	static s64 favourite;

	if (random() % 16 == 0)
		favourite = random() % 7 - 3;
	return random() % 3 ? favourite : random() % 5 - 2;
}

static void any_stream(u32 size, u32 split)
{
	u64 page = random();

	twin.nr = 0;
	leap_trend_init(&trend, size, split);
	assert_true(leap_trend_log(&trend, page));
	for (u32 i = 0; i < 600; i++) {
		s64 delta = any_delta();

		page += delta;
		if (leap_trend_log(&trend, page) != (delta != 0))
			fail_msg("fault %u: a repeat, or was it?", i);
		if (delta)
			twin.deltas[twin.nr++] = delta;
		if (leap_trend_find(&trend) != twin_find(size, split))
			fail_msg("fault %u, size %u / %u", i, size, split);
	}
}

/* More than two million histories. */
static void any_stream_gives_what_counting_gives(void **state)
{
	(void)state;
	srandom(1);
	for (u32 i = 0; i < 3600; i++) {
		u32 size = 2 + random() % (i % 8 ? 15 : 63);

		any_stream(size, 1 + random() % size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_history_has_no_trend),
		cmocka_unit_test(any_stride_is_found),
		cmocka_unit_test(a_repeated_fault_is_not_logged),
		cmocka_unit_test(a_new_stride_is_followed_soon),
		cmocka_unit_test(some_noise_does_no_harm),
		cmocka_unit_test(strides_that_take_turns_are_no_trend),
		cmocka_unit_test(half_is_no_majority),
		cmocka_unit_test(a_larger_window_sees_further),
		cmocka_unit_test(any_stream_gives_what_counting_gives),
	};

	return cmocka_run_group_tests_name("trend", tests, NULL, NULL);
}
