// SPDX-License-Identifier: GPL-2.0
/* The slab map: cases one by one, then random operations against a slow twin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/slabmap.h"

#define SLABS_MAX	8
#define CLUSTERS_MAX	64

static struct leap_slab_use slabs[SLABS_MAX];
static struct leap_cluster clusters[CLUSTERS_MAX];
static struct leap_slabmap map;

static void start(u32 nr_slabs, u32 chunks_per_slab)
{
	memset(slabs, 0, sizeof(slabs));
	memset(clusters, 0, sizeof(clusters));
	leap_slabmap_init(&map, slabs, nr_slabs, chunks_per_slab);
}

static void assert_place(u32 cluster, unsigned long offset, u32 slab, u32 page)
{
	struct leap_place place;

	assert_true(leap_slabmap_lookup(&map, &clusters[cluster], offset, &place));
	assert_int_equal(place.slab, slab);
	assert_int_equal(place.page, page);
}

static void assert_no_place(u32 cluster)
{
	struct leap_place place;

	assert_false(leap_slabmap_lookup(&map, &clusters[cluster], 0, &place));
}

static void without_a_slab_there_is_no_room(void **state)
{
	(void)state;
	start(2, 4);
	assert_int_equal(leap_slabmap_get(&map, &clusters[0], 1), -ENOSPC);
	assert_int_equal(clusters[0].refs, 0);
	assert_no_place(0);
	assert_false(leap_slabmap_empty(&map, 0));
	assert_false(leap_slabmap_remove(&map, 0));
}

static void numbers_of_slabs_come_lowest_first(void **state)
{
	(void)state;
	start(3, 4);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(leap_slabmap_vacant(&map), i);
		leap_slabmap_add(&map, i);
	}
	assert_int_equal(leap_slabmap_vacant(&map), -ENOSPC);
	assert_true(leap_slabmap_remove(&map, 1));
	assert_int_equal(leap_slabmap_vacant(&map), 1);
	assert_int_equal(map.top, 3);
}

static void a_slot_keeps_its_place_in_the_cluster(void **state)
{
	(void)state;
	start(2, 2);
	leap_slabmap_add(&map, 0);
	leap_slabmap_add(&map, 1);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(leap_slabmap_get(&map, &clusters[i], 1), 0);
	assert_place(0, 0, 0, 0);
	assert_place(0, 511, 0, 511);
	assert_place(1, 512, 0, 512);
	assert_place(1, 1023, 0, 1023);
	assert_place(2, 7 * 512 + 16, 1, 16);
	assert_place(3, (1UL << 40) + 3, 1, 512 + 3);
}

static void a_cluster_has_one_chunk_until_its_last_slot_is_free(void **state)
{
	(void)state;
	start(1, 2);
	leap_slabmap_add(&map, 0);
	assert_int_equal(leap_slabmap_get(&map, &clusters[0], 16), 0);
	assert_int_equal(leap_slabmap_get(&map, &clusters[0], 496), 0);
	assert_int_equal(map.free_chunks, 1);
	assert_int_equal(slabs[0].pages, 512);
	leap_slabmap_put(&map, &clusters[0], 511);
	assert_place(0, 5, 0, 5);
	assert_false(leap_slabmap_remove(&map, 0));
	leap_slabmap_put(&map, &clusters[0], 1);
	assert_no_place(0);
	assert_int_equal(map.free_chunks, 2);
	assert_int_equal(slabs[0].pages, 0);
	assert_true(leap_slabmap_remove(&map, 0));
}

static void when_all_chunks_are_taken_there_is_no_room(void **state)
{
	(void)state;
	start(1, 2);
	leap_slabmap_add(&map, 0);
	assert_int_equal(leap_slabmap_get(&map, &clusters[0], 1), 0);
	assert_int_equal(leap_slabmap_get(&map, &clusters[1], 1), 0);
	assert_int_equal(leap_slabmap_get(&map, &clusters[2], 1), -ENOSPC);
	assert_int_equal(leap_slabmap_get(&map, &clusters[1], 1), 0);
	leap_slabmap_put(&map, &clusters[0], 1);
	assert_int_equal(leap_slabmap_get(&map, &clusters[2], 1), 0);
	assert_place(2, 0, 0, 0);
}

static void the_first_slab_with_room_is_filled(void **state)
{
	(void)state;
	start(3, 1);
	for (u32 i = 0; i < 3; i++) {
		leap_slabmap_add(&map, i);
		assert_int_equal(leap_slabmap_get(&map, &clusters[i], 1), 0);
	}
	leap_slabmap_put(&map, &clusters[2], 1);
	leap_slabmap_put(&map, &clusters[0], 1);
	assert_int_equal(leap_slabmap_get(&map, &clusters[3], 1), 0);
	assert_place(3, 0, 0, 0);
	assert_true(leap_slabmap_empty(&map, 2));
}

static void a_closed_slab_keeps_what_it_has_and_takes_no_more(void **state)
{
	(void)state;
	start(2, 2);
	leap_slabmap_add(&map, 0);
	assert_int_equal(leap_slabmap_get(&map, &clusters[0], 2), 0);
	leap_slabmap_close(&map, 0);
	assert_int_equal(map.free_chunks, 0);
	assert_place(0, 1, 0, 1);
	assert_int_equal(leap_slabmap_get(&map, &clusters[1], 1), -ENOSPC);
	leap_slabmap_add(&map, 1);
	assert_int_equal(leap_slabmap_get(&map, &clusters[1], 1), 0);
	assert_place(1, 0, 1, 0);
	leap_slabmap_put(&map, &clusters[0], 2);
	assert_int_equal(map.free_chunks, 1);
	assert_true(leap_slabmap_remove(&map, 0));
	leap_slabmap_add(&map, 0);
	assert_int_equal(map.free_chunks, 3);
}

static void an_opened_slab_has_room_again(void **state)
{
	(void)state;
	start(2, 3);
	leap_slabmap_add(&map, 0);
	assert_int_equal(leap_slabmap_get(&map, &clusters[0], 1), 0);
	leap_slabmap_open(&map, 0);
	assert_int_equal(map.free_chunks, 2);
	leap_slabmap_close(&map, 0);
	leap_slabmap_add(&map, 1);
	assert_int_equal(leap_slabmap_get(&map, &clusters[1], 1), 0);
	assert_place(1, 0, 1, 0);
	leap_slabmap_open(&map, 0);
	assert_int_equal(map.free_chunks, 4);
	assert_int_equal(leap_slabmap_get(&map, &clusters[2], 1), 0);
	assert_place(2, 0, 0, LEAP_CHUNK_PAGES);
}

/* A slab of 1 GiB, whose last chunk is the last bit of the last word. */
static void the_largest_slab_can_be_filled(void **state)
{
	static struct leap_cluster many[LEAP_CHUNKS_MAX + 1];

	(void)state;
	memset(many, 0, sizeof(many));
	start(1, LEAP_CHUNKS_MAX);
	leap_slabmap_add(&map, 0);
	for (u32 i = 0; i < LEAP_CHUNKS_MAX; i++) {
		struct leap_place place;

		assert_int_equal(leap_slabmap_get(&map, &many[i], LEAP_CHUNK_PAGES), 0);
		assert_true(leap_slabmap_lookup(&map, &many[i], 511, &place));
		assert_int_equal(place.page, i * LEAP_CHUNK_PAGES + 511);
	}
	assert_int_equal(leap_slabmap_get(&map, &many[LEAP_CHUNKS_MAX], 1), -ENOSPC);
	assert_int_equal(slabs[0].pages, LEAP_CHUNKS_MAX * LEAP_CHUNK_PAGES);
	for (u32 i = 0; i < LEAP_CHUNKS_MAX; i++) {
		assert_false(leap_slabmap_remove(&map, 0));
		leap_slabmap_put(&map, &many[i], LEAP_CHUNK_PAGES);
	}
	assert_true(leap_slabmap_remove(&map, 0));
}

/*
 * The twin: who has which chunk, and nothing else. It looks at everything for
 * each question.
 */
static struct {
	u32 nr_slabs, chunks;
	bool on_loan[SLABS_MAX], closed[SLABS_MAX];
	int owner[SLABS_MAX][LEAP_CHUNKS_MAX];	/* -1: nobody */
	u32 refs[CLUSTERS_MAX];
} twin;

static void twin_start(u32 nr_slabs, u32 chunks)
{
	memset(&twin, 0, sizeof(twin));
	memset(twin.owner, 0xff, sizeof(twin.owner));
	twin.nr_slabs = nr_slabs;
	twin.chunks = chunks;
}

/* Finds the first chunk that @owner has; -1 finds one to be handed out. */
static bool twin_find(int owner, u32 *slab, u32 *chunk)
{
	for (u32 i = 0; i < twin.nr_slabs; i++) {
		if (owner < 0 && (!twin.on_loan[i] || twin.closed[i]))
			continue;
		for (u32 j = 0; j < twin.chunks; j++) {
			if (twin.owner[i][j] == owner) {
				*slab = i;
				*chunk = j;
				return true;
			}
		}
	}
	return false;
}

static bool twin_empty(u32 slab)
{
	for (u32 j = 0; j < twin.chunks; j++)
		if (twin.owner[slab][j] >= 0)
			return false;
	return twin.on_loan[slab];
}

static void both_get(u32 cluster)
{
	u32 room = LEAP_CHUNK_PAGES - twin.refs[cluster], slab, chunk, nr;
	bool found = twin_find(cluster, &slab, &chunk) ||
		     twin_find(-1, &slab, &chunk);

	if (!room)
		return;
	nr = random() % 4 ? 1 + random() % room : room;
	assert_int_equal(leap_slabmap_get(&map, &clusters[cluster], nr),
			 found ? 0 : -ENOSPC);
	if (found) {
		twin.owner[slab][chunk] = cluster;
		twin.refs[cluster] += nr;
	}
}

static void both_put(u32 cluster)
{
	u32 nr = twin.refs[cluster], slab, chunk;

	if (!nr)
		return;
	if (random() % 2)
		nr = 1 + random() % nr;
	leap_slabmap_put(&map, &clusters[cluster], nr);
	twin.refs[cluster] -= nr;
	assert_true(twin_find(cluster, &slab, &chunk));
	if (!twin.refs[cluster])
		twin.owner[slab][chunk] = -1;
}

static void both_add(void)
{
	int slab = leap_slabmap_vacant(&map), want = 0;

	while (want < (int)twin.nr_slabs && twin.on_loan[want])
		want++;
	if (want == (int)twin.nr_slabs) {
		assert_int_equal(slab, -ENOSPC);
		return;
	}
	assert_int_equal(slab, want);
	leap_slabmap_add(&map, slab);
	twin.on_loan[slab] = true;
}

static void both_remove(u32 slab)
{
	bool empty = twin_empty(slab);

	assert_int_equal(leap_slabmap_remove(&map, slab), empty);
	if (empty) {
		twin.on_loan[slab] = false;
		twin.closed[slab] = false;
	}
}

static void both_close(u32 slab)
{
	if (!twin.on_loan[slab])
		return;
	leap_slabmap_close(&map, slab);
	twin.closed[slab] = true;
}

static void both_open(u32 slab)
{
	if (!twin.on_loan[slab])
		return;
	leap_slabmap_open(&map, slab);
	twin.closed[slab] = false;
}

static void compare_slabs(void)
{
	u32 free_chunks = 0;

	for (u32 i = 0; i < twin.nr_slabs; i++) {
		u32 pages = 0;

		for (u32 j = 0; j < twin.chunks; j++) {
			if (twin.owner[i][j] >= 0)
				pages += twin.refs[twin.owner[i][j]];
			else if (twin.on_loan[i] && !twin.closed[i])
				free_chunks++;
		}
		assert_int_equal(slabs[i].pages, pages);
		assert_int_equal(leap_slabmap_empty(&map, i), twin_empty(i));
		assert_true(!twin.on_loan[i] || i < map.top);
	}
	assert_int_equal(map.free_chunks, free_chunks);
}

static void compare_clusters(void)
{
	for (u32 i = 0; i < CLUSTERS_MAX; i++) {
		u32 offset = random() % LEAP_CHUNK_PAGES, slab, chunk;

		assert_int_equal(clusters[i].refs, twin.refs[i]);
		if (twin_find(i, &slab, &chunk))
			assert_place(i, i * LEAP_CHUNK_PAGES + offset, slab,
				     chunk * LEAP_CHUNK_PAGES + offset);
		else
			assert_no_place(i);
	}
}

static void random_operations(void **state)
{
	static const u32 shapes[][2] = {
		{ 1, 1 }, { 8, 1 }, { 3, 7 }, { 2, 64 }, { 8, 8 }, { 2, 65 },
		{ 1, 512 },
	};

	(void)state;
	srandom(1);
	for (u32 shape = 0; shape < ARRAY_SIZE(shapes); shape++) {
		u32 nr = shapes[shape][0], chunks = shapes[shape][1];

		start(nr, chunks);
		twin_start(nr, chunks);
		for (u32 step = 0; step < 3000; step++) {
			u32 what = random() % 32;

			if (what < 14)
				both_get(random() % CLUSTERS_MAX);
			else if (what < 28)
				both_put(random() % CLUSTERS_MAX);
			else if (what < 30)
				both_add();
			else if (what < 31)
				both_remove(random() % nr);
			else if (random() % 4 == 0)
				both_close(random() % nr);
			else if (random() % 4 == 0)
				both_open(random() % nr);
			compare_slabs();
			if (step % 8 == 0)
				compare_clusters();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_slab_there_is_no_room),
		cmocka_unit_test(numbers_of_slabs_come_lowest_first),
		cmocka_unit_test(a_slot_keeps_its_place_in_the_cluster),
		cmocka_unit_test(a_cluster_has_one_chunk_until_its_last_slot_is_free),
		cmocka_unit_test(when_all_chunks_are_taken_there_is_no_room),
		cmocka_unit_test(the_first_slab_with_room_is_filled),
		cmocka_unit_test(a_closed_slab_keeps_what_it_has_and_takes_no_more),
		cmocka_unit_test(an_opened_slab_has_room_again),
		cmocka_unit_test(the_largest_slab_can_be_filled),
		cmocka_unit_test(random_operations),
	};

	return cmocka_run_group_tests_name("slabmap", tests, NULL, NULL);
}
