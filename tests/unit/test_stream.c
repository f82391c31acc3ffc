// SPDX-License-Identifier: GPL-2.0
/* Which faults belong together, and what a process's streams have in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/stream.h"

#define BASE	0x7f0000000ULL
#define FAR	1000000ULL

static struct leap_streams streams;
static struct leap_stream *found;

static int start(void **state)
{
	(void)state;
	leap_streams_init(&streams, LEAP_STREAMS_MAX, 32, 8);
	return 0;
}

static enum leap_move fault(u64 page)
{
	return leap_streams_fault(&streams, page, true, &found);
}

/* Faults that are a step of a stream, of @nr rounds over @ways ways. */
static u32 walk(const u64 *first, const s64 *strides, u32 ways, u32 nr)
{
	u32 steps = 0;

	for (u32 i = 0; i < nr; i++)
		for (u32 way = 0; way < ways; way++)
			steps += fault(first[way] + i * strides[way]) >= LEAP_MOVE_STEP;
	return steps;
}

static void two_near_faults_are_a_stream(void **state)
{
	(void)state;
	assert_int_equal(fault(BASE), LEAP_MOVE_STRAY);
	assert_int_equal(fault(BASE + FAR), LEAP_MOVE_STRAY);
	assert_int_equal(fault(BASE + 64), LEAP_MOVE_BESIDE);
	assert_ptr_equal(found, &streams.all[0]);
	assert_int_equal(fault(BASE + FAR + 65), LEAP_MOVE_STRAY);
	assert_int_equal(fault(BASE + FAR + 1), LEAP_MOVE_BESIDE);
	assert_ptr_equal(found, &streams.all[1]);
}

static void three_faults_in_a_row_are_a_stream(void **state)
{
	(void)state;
	assert_int_equal(fault(BASE), LEAP_MOVE_STRAY);
	assert_int_equal(fault(BASE - 5000), LEAP_MOVE_STRAY);
	assert_int_equal(fault(BASE - 10000), LEAP_MOVE_BESIDE);
	assert_int_equal(fault(BASE - 15000), LEAP_MOVE_STEP);
	assert_int_equal(found->delta, -5000);
	assert_int_equal(found->steps, 4);
}

static void a_stray_is_no_stream_when_it_comes_again(void **state)
{
	(void)state;
	for (u32 i = 0; i < 5; i++)
		for (u64 j = 0; j < 3; j++)
			assert_int_equal(fault(BASE + j * j * FAR), LEAP_MOVE_STRAY);
	assert_int_equal(streams.top, 0);
}

/* All but the first three faults of each way are steps. */
static void ways_that_take_turns_are_told_apart(void **state)
{
	static const u64 first[] = {
		BASE, BASE + FAR, BASE + 3 * FAR, BASE + 7 * FAR,
		BASE + 12 * FAR, BASE + 20 * FAR, BASE + 30 * FAR, BASE + 44 * FAR,
	};
	static const s64 strides[] = { 1, 10, -3, 64, 7, -64, 2, -1 };

	(void)state;
	for (u32 ways = 1; ways <= LEAP_STREAMS_MAX; ways++) {
		start(NULL);
		assert_int_equal(walk(first, strides, ways, 500), ways * 497);
		for (u32 i = 0; i < ways; i++)
			assert_int_equal(streams.all[i].delta, strides[i]);
	}
}

static void wide_strides_that_take_turns_are_told_apart(void **state)
{
	static const u64 first[] = {
		BASE, BASE + 7, BASE + 40 * FAR, BASE + 80 * FAR,
		BASE + 120 * FAR, BASE + 160 * FAR, BASE + 200 * FAR,
		BASE + 240 * FAR,
	};
	static const s64 strides[] = {
		300, 65, -5000, 1 << 20, 512, -1000, 4096, -(1 << 24),
	};

	(void)state;
	for (u32 ways = 2; ways <= LEAP_STREAMS_MAX; ways++) {
		start(NULL);
		assert_in_range(walk(first, strides, ways, 500), ways * 490,
				ways * 497);
	}
}

/* A way of its own through noise that is everywhere. */
static void noise_pushes_out_no_stream(void **state)
{
	u32 steps = 0;

	(void)state;
	srandom(1);
	for (u64 i = 0; i < 2000; i++) {
		steps += fault(BASE + 3 * i) == LEAP_MOVE_STEP;
		for (u32 j = 0; j < 10; j++)
			fault(BASE + FAR + (u64)random() * 97);
	}
	assert_int_equal(steps, 1997);
}

static void the_idle_stream_makes_place(void **state)
{
	static const s64 stride[] = { 2 };

	(void)state;
	for (u64 i = 0; i <= LEAP_STREAMS_MAX; i++) {
		u64 first = BASE + i * FAR;

		/* The first one stays in use. */
		walk((u64[]){ BASE + (i * 10 + 1) * 2 }, stride, 1, 10);
		if (i)
			walk(&first, stride, 1, 10);
	}
	assert_int_equal(streams.all[0].trend.last, BASE + 2 * 90);
	assert_int_equal(streams.all[1].trend.last, BASE + 8 * FAR + 18);
	assert_int_equal(streams.all[2].trend.last, BASE + 2 * FAR + 18);
}

/* More ways than one thread may have, and all of the same pages. */
static void threads_have_ways_of_their_own(void **state)
{
	u32 steps = 0;

	(void)state;
	for (u64 i = 0; i < 100; i++)
		for (u32 thread = 0; thread < LEAP_STREAMS_ALL; thread++) {
			leap_streams_thread(&streams, thread);
			steps += fault(BASE + thread + i * (thread + 20)) >= LEAP_MOVE_STEP;
		}
	assert_in_range(steps, LEAP_STREAMS_ALL * 95, LEAP_STREAMS_ALL * 98);
}

static void a_thread_leaves_place_for_others(void **state)
{
	static const s64 stride[] = { 2 };

	(void)state;
	walk((u64[]){ BASE }, stride, 1, 10);
	leap_streams_thread(&streams, 1);
	for (u64 i = 1; i <= 5 * LEAP_STREAMS_ALL; i++)
		walk((u64[]){ BASE + i * FAR }, stride, 1, 10);
	leap_streams_thread(&streams, 0);
	assert_int_equal(fault(BASE + 2 * 10), LEAP_MOVE_STEP);
	assert_int_equal(streams.top, 1 + LEAP_STREAMS_MAX);
}

/* Of all threads that have ever been, the last ones count. */
static void threads_come_and_go(void **state)
{
	static const s64 stride[] = { 2 };

	(void)state;
	for (u32 thread = 0; thread < 1000; thread++) {
		leap_streams_thread(&streams, thread);
		assert_in_range(walk((u64[]){ BASE + thread * FAR }, stride, 1, 10), 7, 10);
	}
	assert_int_equal(streams.top, LEAP_STREAMS_ALL);
}

static void fewer_streams_can_be_asked_for(void **state)
{
	static const u64 first[] = { BASE, BASE + FAR };
	static const s64 strides[] = { 1, 1 };

	(void)state;
	leap_streams_init(&streams, 1, 32, 8);
	assert_in_range(walk(first, strides, 2, 100), 0, 2);
	assert_int_equal(streams.top, 1);
}

static void steps_may_be_left_out(void **state)
{
	static const u64 first[] = { BASE };
	static const s64 stride[] = { 10 };
	u64 page = BASE + 10 * 99;

	(void)state;
	walk(first, stride, 1, 100);
	for (u32 skip = 1; skip <= 8; skip++) {
		page += 10 * skip;
		assert_int_equal(fault(page), LEAP_MOVE_STEP);
		assert_int_equal(found->pos, page);
		walk(&page, stride, 1, 10);
		page += 90;
	}
	page += 10 * 9;
	assert_int_equal(fault(page), LEAP_MOVE_STRAY);
}

static void what_was_asked_for_is_known(void **state)
{
	static const u64 first[] = { BASE };
	static const s64 stride[] = { 10 };

	(void)state;
	walk(first, stride, 1, 10);
	found->ahead = 3;
	assert_int_equal(fault(BASE + 100), LEAP_MOVE_ASKED);
	assert_int_equal(found->ahead, 2);
	assert_int_equal(fault(BASE + 120), LEAP_MOVE_ASKED);
	assert_int_equal(found->ahead, 0);
	assert_int_equal(fault(BASE + 130), LEAP_MOVE_STEP);
}

/* Objects of ten pages at any place, as often as asked for. */
static u32 read_objects(u32 nr)
{
	u32 strays = 0;

	while (nr--) {
		u64 first = (u64)random() * 1000;

		for (u64 i = 0; i < 10; i++)
			strays += fault(first + i) == LEAP_MOVE_STRAY;
	}
	return strays;
}

static void a_habit_makes_a_stream_of_one_fault(void **state)
{
	(void)state;
	srandom(2);
	assert_int_equal(read_objects(4), 4);
	assert_int_equal(read_objects(100), 0);
	assert_int_equal(streams.habit.delta, 1);
	assert_int_equal(streams.habit.run, 10 * 16);
}

/* Nothing is read beyond what is usual, unless the stream goes there. */
static void a_run_is_as_long_as_the_last_ones(void **state)
{
	const u64 first = BASE * 1000;

	(void)state;
	srandom(3);
	read_objects(100);
	for (u64 i = 0; i < 10; i++) {
		fault(first + i);
		assert_int_equal(leap_stream_rest(&streams, found), 9 - i);
	}
	for (u64 i = 10; i < 50; i++) {
		fault(first + i);
		assert_int_equal(leap_stream_rest(&streams, found), i - 9);
	}
}

/* They look like many short ways from one to the next, too. */
static void ways_in_equal_distances_are_told_apart(void **state)
{
	(void)state;
	for (u64 i = 0; i < 100; i++) {
		for (u64 way = 0; way < 4; way++) {
			fault(BASE + 100000 * way + 10 * i);
			assert_true(i < 15 || (found && found->delta == 10));
		}
	}
}

static void random_faults_lose_trust(void **state)
{
	u32 steps = 0;

	(void)state;
	srandom(4);
	read_objects(100);
	assert_int_equal(streams.habit.trust, LEAP_TRUST_MAX);
	for (u32 i = 0; i < 1000; i++)
		steps += fault((u64)random() * 1000) == LEAP_MOVE_STEP;
	assert_in_range(steps, 4, 40);
	assert_int_equal(streams.habit.trust, 0);
}

static void another_habit_replaces_the_first(void **state)
{
	(void)state;
	srandom(5);
	read_objects(100);
	for (u32 i = 0; i < 100; i++) {
		u64 first = (u64)random() * 1000;

		for (u64 j = 0; j < 20; j++)
			fault(first + 3 * j);
	}
	assert_int_equal(streams.habit.delta, 3);
	assert_in_range(streams.habit.run, 18 * 16, 20 * 16);
	assert_int_equal(streams.habit.trust, LEAP_TRUST_MAX);
}

/* Only a page that had to be read is worth a guess. */
static void a_hit_without_a_stream_is_a_stray(void **state)
{
	(void)state;
	srandom(6);
	read_objects(100);
	assert_int_equal(leap_streams_fault(&streams, BASE * 1000, false, &found),
			 LEAP_MOVE_STRAY);
}

/* A stream of so many steps is long. */
#define LONG	256

static void walk_one(u64 first, s64 stride, u32 nr)
{
	walk((u64[]){ first }, (s64[]){ stride }, 1, nr);
}

static void a_long_stream_goes_on_elsewhere(void **state)
{
	(void)state;
	walk_one(BASE, 10, LONG);
	assert_int_equal(fault(BASE + FAR), LEAP_MOVE_STEP);
	assert_int_equal(found->state, LEAP_STREAM_TRIED);
	assert_int_equal(found->delta, 10);
	fault(BASE + FAR + 10);
	assert_int_equal(found->state, LEAP_STREAM_SURE);
	assert_int_equal(found->steps, 2);
}

static void a_short_stream_does_not(void **state)
{
	(void)state;
	walk_one(BASE, 10, LONG - 1);
	assert_int_equal(fault(BASE + FAR), LEAP_MOVE_STRAY);
}

/* Nor when a hit, another way, a stray or another thread comes in between. */
static void a_long_stream_goes_on_at_once_or_never(void **state)
{
	(void)state;
	walk_one(BASE, 10, LONG);
	assert_int_equal(leap_streams_fault(&streams, BASE + FAR, false, &found),
			 LEAP_MOVE_STRAY);
	assert_int_equal(fault(BASE + 3 * FAR), LEAP_MOVE_STRAY);
	start(NULL);
	walk_one(BASE + FAR, 10, 10);
	walk_one(BASE, 10, LONG);
	fault(BASE + FAR + 100);
	assert_int_equal(fault(BASE + 3 * FAR), LEAP_MOVE_STRAY);
	start(NULL);
	walk_one(BASE, 10, LONG);
	leap_streams_thread(&streams, 1);
	assert_int_equal(fault(BASE + FAR), LEAP_MOVE_STRAY);
}

static void a_long_stream_goes_on_elsewhere_once(void **state)
{
	(void)state;
	walk_one(BASE, 10, LONG);
	assert_int_equal(fault(BASE + FAR), LEAP_MOVE_STEP);
	walk_one(BASE + LONG * 10, 10, LONG);
	assert_int_equal(fault(BASE + 3 * FAR), LEAP_MOVE_STRAY);
	/* Unless it has turned since. */
	walk_one(BASE + LONG * 20, 7, 2 * LONG);
	assert_int_equal(fault(BASE + 7 * FAR), LEAP_MOVE_STEP);
	assert_int_equal(found->delta, 7);
}

/* It is the only one that there was. */
static void a_long_stream_says_how_far_others_go(void **state)
{
	(void)state;
	walk_one(BASE, 10, 300);
	fault(BASE + FAR);
	assert_int_equal(leap_stream_rest(&streams, found), 299);
	/* The next ones say no more, as long as none has ended for sure. */
	walk_one(BASE + FAR + 10, 10, 599);
	fault(BASE + 3 * FAR);
	assert_int_equal(leap_stream_rest(&streams, found), 299);
}

static void a_long_stream_has_no_sure_end(void **state)
{
	(void)state;
	walk_one(BASE, 10, 640);
	fault(BASE + FAR);
	walk_one(BASE + FAR + 10, 10, 638);
	assert_int_equal(leap_stream_rest(&streams, found), 9);
	fault(BASE + FAR + 6390);
	assert_int_equal(leap_stream_rest(&streams, found), 10);
	walk_one(BASE + FAR + 6400, 10, 20);
	assert_int_equal(leap_stream_rest(&streams, found), 20);
	/* That of a short one is as sure as it was. */
	start(NULL);
	for (u64 i = 1; i < 20; i++)
		walk_one(BASE + i * FAR, 10, 200);
	assert_int_equal(leap_stream_rest(&streams, found), 0);
}

/* Three faults in a row, and many around the third that go nowhere. */
static void noise_is_no_long_stream(void **state)
{
	(void)state;
	srandom(7);
	walk_one(BASE, 5000, 3);
	for (u32 i = 0; i < 2 * LONG; i++)
		fault(BASE + 10000 + (u64)random() % 30);
	assert_int_equal(found->delta, 5000);
	assert_in_range(found->steps, LONG, 3 * LONG);
	assert_int_equal(fault(BASE + FAR), LEAP_MOVE_STRAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup(name, start)
		test(two_near_faults_are_a_stream),
		test(three_faults_in_a_row_are_a_stream),
		test(a_stray_is_no_stream_when_it_comes_again),
		test(ways_that_take_turns_are_told_apart),
		test(wide_strides_that_take_turns_are_told_apart),
		test(noise_pushes_out_no_stream),
		test(the_idle_stream_makes_place),
		test(threads_have_ways_of_their_own),
		test(a_thread_leaves_place_for_others),
		test(threads_come_and_go),
		test(fewer_streams_can_be_asked_for),
		test(steps_may_be_left_out),
		test(what_was_asked_for_is_known),
		test(a_habit_makes_a_stream_of_one_fault),
		test(a_run_is_as_long_as_the_last_ones),
		test(ways_in_equal_distances_are_told_apart),
		test(random_faults_lose_trust),
		test(another_habit_replaces_the_first),
		test(a_hit_without_a_stream_is_a_stray),
		test(a_long_stream_goes_on_elsewhere),
		test(a_short_stream_does_not),
		test(a_long_stream_goes_on_at_once_or_never),
		test(a_long_stream_goes_on_elsewhere_once),
		test(a_long_stream_says_how_far_others_go),
		test(a_long_stream_has_no_sure_end),
		test(noise_is_no_long_stream),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
