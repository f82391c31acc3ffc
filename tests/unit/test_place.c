// SPDX-License-Identifier: GPL-2.0
/* Placement: cases, then properties over random clusters of servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/place.h"

#define SERVERS_MAX	200

static u32 room[SERVERS_MAX];
static struct leap_placer placer;

static void start(u32 nr, u32 each, u64 seed)
{
	for (u32 i = 0; i < SERVERS_MAX; i++)
		room[i] = i < nr ? each : UINT32_MAX;
	leap_place_init(&placer, room, nr, LEAP_PLACE_CHOICES, seed);
}

/* Places for all copies of a slab, as the module looks for them one by one. */
static u32 place_slab(u32 replicas, u32 *chosen)
{
	u32 nr;

	for (nr = 0; nr < replicas; nr++) {
		int server = leap_place_one(&placer, chosen, nr);

		if (server < 0)
			break;
		chosen[nr] = (u32)server;
	}
	return nr;
}

static void without_room_there_is_no_place(void **state)
{
	u32 chosen[LEAP_REPLICAS_MAX];

	(void)state;
	start(5, 0, 1);
	assert_int_equal(leap_place_one(&placer, NULL, 0), -ENOSPC);
	assert_int_equal(place_slab(2, chosen), 0);
}

static void the_only_one_that_lends_gets_it(void **state)
{
	(void)state;
	start(SERVERS_MAX, 0, 1);
	room[77] = 1;
	for (u32 i = 0; i < 100; i++)
		assert_int_equal(leap_place_one(&placer, NULL, 0), 77);
	assert_int_equal(leap_place_one(&placer, &(u32){ 77 }, 1), -ENOSPC);
}

/* With two servers both are always looked at. */
static void of_two_the_one_with_more_room_gets_it(void **state)
{
	(void)state;
	start(2, 10, 1);
	room[1] = 11;
	for (u32 i = 0; i < 100; i++)
		assert_int_equal(leap_place_one(&placer, NULL, 0), 1);
}

/* The emptiest of n is one of the two choices with a chance of 2/n. */
static void the_emptiest_is_found_as_often_as_two_choices_find_it(void **state)
{
	u32 hits = 0;

	(void)state;
	start(20, 10, 7);
	room[3] = 11;
	for (u32 i = 0; i < 20000; i++)
		hits += leap_place_one(&placer, NULL, 0) == 3;
	assert_in_range(hits, 1850, 2150);
}

/* With one choice, or none better than another, each has the same chance. */
static void equals_have_equal_chances(void **state)
{
	(void)state;
	for (u32 choices = 1; choices <= 3; choices++) {
		u32 count[10] = { 0 };

		start(10, 5, choices);
		placer.choices = choices;
		room[4] = 0;
		for (u32 i = 0; i < 90000; i++)
			count[leap_place_one(&placer, NULL, 0)]++;
		for (u32 i = 0; i < 10; i++)
			assert_in_range(count[i], i == 4 ? 0 : 9500, i == 4 ? 0 : 10500);
	}
}

/* The same when so few can lend that all have to be looked at. */
static void the_last_few_have_equal_chances(void **state)
{
	u32 count[SERVERS_MAX] = { 0 };

	(void)state;
	start(SERVERS_MAX, 0, 3);
	placer.choices = 1;
	for (u32 i = 0; i < 4; i++)
		room[i * i * 20] = 1;
	for (u32 i = 0; i < 40000; i++)
		count[leap_place_one(&placer, NULL, 0)]++;
	for (u32 i = 0; i < 4; i++)
		assert_in_range(count[i * i * 20], 9500, 10500);
}

static void the_same_seed_places_the_same(void **state)
{
	u32 first[300], chosen[LEAP_REPLICAS_MAX], differ = 0;

	(void)state;
	start(64, 100, 5);
	for (u32 i = 0; i < 100; i++)
		assert_int_equal(place_slab(3, first + 3 * i), 3);
	start(64, 100, 5);
	for (u32 i = 0; i < 100; i++) {
		assert_int_equal(place_slab(3, chosen), 3);
		assert_memory_equal(chosen, first + 3 * i, sizeof(chosen));
	}
	start(64, 100, 6);
	for (u32 i = 0; i < 100; i++) {
		place_slab(3, chosen);
		differ += memcmp(chosen, first + 3 * i, sizeof(chosen)) != 0;
	}
	assert_in_range(differ, 95, 100);
}

static u32 lenders(u32 nr)
{
	u32 count = 0;

	for (u32 i = 0; i < nr; i++)
		count += room[i] != 0;
	return count;
}

/*
 * Until all memory is lent: copies are on distinct servers, each of which had
 * room, and there are fewer only if fewer servers had any.
 */
static void random_clusters(void **state)
{
	(void)state;
	srandom(1);
	for (u32 round = 0; round < 400; round++) {
		u32 nr = 1 + random() % (round % 2 ? SERVERS_MAX : 6);
		u32 replicas = 1 + random() % LEAP_REPLICAS_MAX;
		u32 chosen[LEAP_REPLICAS_MAX], got;

		start(nr, 0, round);
		placer.choices = 1 + random() % LEAP_PLACE_CHOICES_MAX;
		for (u32 i = 0; i < nr; i++)
			room[i] = random() % 3 ? random() % 20 : 0;
		do {
			u32 had = lenders(nr);

			got = place_slab(replicas, chosen);
			assert_int_equal(got, had < replicas ? had : replicas);
			for (u32 i = 0; i < got; i++) {
				assert_in_range(chosen[i], 0, nr - 1);
				for (u32 j = 0; j < i; j++)
					assert_int_not_equal(chosen[i], chosen[j]);
				assert_true(room[chosen[i]]-- > 0);
			}
		} while (got);
		assert_int_equal(lenders(nr), 0);
	}
}

static u32 spread(u32 nr, u32 slabs, u32 choices)
{
	u32 least = UINT32_MAX;

	start(nr, slabs, choices);
	placer.choices = choices;
	for (u32 i = 0; i < slabs; i++)
		room[leap_place_one(&placer, NULL, 0)]--;
	for (u32 i = 0; i < nr; i++)
		least = room[i] < least ? room[i] : least;
	return slabs - least - slabs / nr;
}

/* How far above the mean the fullest is: log log n, whatever the slabs. */
static void the_fullest_is_close_to_the_mean(void **state)
{
	(void)state;
	assert_in_range(spread(SERVERS_MAX, 20000, 2), 0, 4);
	assert_in_range(spread(SERVERS_MAX, 400000, 2), 0, 4);
	assert_in_range(spread(SERVERS_MAX, 20000, 1), 15, 60);
	assert_in_range(spread(SERVERS_MAX, 400000, 1), 70, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_room_there_is_no_place),
		cmocka_unit_test(the_only_one_that_lends_gets_it),
		cmocka_unit_test(of_two_the_one_with_more_room_gets_it),
		cmocka_unit_test(the_emptiest_is_found_as_often_as_two_choices_find_it),
		cmocka_unit_test(equals_have_equal_chances),
		cmocka_unit_test(the_last_few_have_equal_chances),
		cmocka_unit_test(the_same_seed_places_the_same),
		cmocka_unit_test(random_clusters),
		cmocka_unit_test(the_fullest_is_close_to_the_mean),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
