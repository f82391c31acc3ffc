// SPDX-License-Identifier: GPL-2.0
/*
 * Which copies are right: cases one by one, then anything at all, in any order,
 * with a model that keeps what each server's memory really holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/copies.h"

#define DISK	(1U << LEAP_COPY_DISK)

static struct leap_homes homes;
static struct leap_copies copies;
static struct leap_store store;
static struct leap_rebuild job;

static void start(u32 replicas, bool disk)
{
	memset(&copies, 0, sizeof(copies));
	leap_homes_init(&homes, replicas, disk);
	for (u32 i = 0; i < replicas; i++)
		assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), i);
}

static void put(u32 slot, u32 nr, u32 written)
{
	leap_copies_store(&copies, &homes, slot, nr, &store);
	leap_copies_stored(&copies, &homes, slot, nr, &store, written);
}

static int choose(u32 slot, u32 tried)
{
	u32 nr = 1;

	return leap_copies_choose(&copies, &homes, slot, tried, 0, &nr);
}

static void lose(u32 home)
{
	homes.home[home].health = LEAP_HEALTH_LOST;
}

static void what_was_never_stored_is_not_there(void **state)
{
	(void)state;
	start(3, true);
	assert_int_equal(choose(0, 0), -ENODATA);
	assert_int_equal(leap_copies_where(&copies, &homes, 0), 0);
}

static void a_store_makes_all_copies(void **state)
{
	(void)state;
	start(2, true);
	assert_int_equal(leap_copies_store(&copies, &homes, 5, 3, &store), 3 | DISK);
	assert_int_equal(choose(5, 0), -ENODATA);
	assert_int_equal(leap_copies_stored(&copies, &homes, 5, 3, &store, 3 | DISK),
			 LEAP_STORED_WELL);
	assert_int_equal(choose(4, 0), -ENODATA);
	assert_int_equal(choose(7, 0), 0);
	assert_int_equal(choose(8, 0), -ENODATA);
	assert_int_equal(leap_copies_where(&copies, &homes, 6), 3 | DISK);
}

static void each_copy_is_tried_and_the_disk_last(void **state)
{
	(void)state;
	start(2, true);
	put(0, 1, 3 | DISK);
	assert_int_equal(choose(0, 0), 0);
	assert_int_equal(choose(0, 1), 1);
	assert_int_equal(choose(0, 3), LEAP_COPY_DISK);
	assert_int_equal(choose(0, 3 | DISK), -EIO);
}

static void equal_copies_share_the_work(void **state)
{
	(void)state;
	for (u32 replicas = 1; replicas <= 3; replicas++) {
		u32 count[3] = { 0 };

		start(replicas, true);
		put(0, 1, ((1U << replicas) - 1) | DISK);
		for (u32 i = 0; i < 300; i++) {
			u32 nr = 1;
			int copy = leap_copies_choose(&copies, &homes, 0, 0, i, &nr);

			assert_in_range(copy, 0, replicas - 1);
			count[copy]++;
		}
		for (u32 i = 0; i < replicas; i++)
			assert_int_equal(count[i], 300 / replicas);
	}
}

static void what_is_lost_meanwhile_counts_no_more(void **state)
{
	(void)state;
	start(2, false);
	leap_copies_store(&copies, &homes, 0, 1, &store);
	lose(1);
	assert_int_equal(leap_copies_stored(&copies, &homes, 0, 1, &store, 3), LEAP_STORED_SHORT);
	assert_int_equal(choose(0, 0), 0);
	homes.home[1].health = LEAP_HEALTH_UP;
	assert_int_equal(choose(0, 1), 1);

	leap_copies_store(&copies, &homes, 1, 1, &store);
	lose(1);
	assert_int_equal(leap_copies_stored(&copies, &homes, 1, 1, &store, 2), LEAP_STORED_NOWHERE);
	homes.home[1].health = LEAP_HEALTH_UP;
	assert_int_equal(choose(1, 0), -ENODATA);
}

static void one_home_more_than_needed_is_surplus(void **state)
{
	(void)state;
	start(2, false);
	assert_false(leap_homes_surplus(&homes));
	assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), 2);
	assert_true(leap_homes_surplus(&homes));
	homes.home[0].retiring = true;
	assert_false(leap_homes_surplus(&homes));
	homes.home[0].retiring = false;
	lose(1);
	assert_false(leap_homes_surplus(&homes));
	assert_int_equal(leap_homes_missing(&homes), 0);
}

static void a_suspect_is_read_only_without_others(void **state)
{
	(void)state;
	start(2, true);
	put(0, 1, 3 | DISK);
	homes.home[0].health = LEAP_HEALTH_SUSPECT;
	for (u32 spread = 0; spread < 4; spread++) {
		u32 nr = 1;

		assert_int_equal(leap_copies_choose(&copies, &homes, 0, 0, spread, &nr), 1);
	}
	lose(1);
	assert_int_equal(choose(0, 0), 0);
}

static void without_an_acknowledgement_it_has_failed(void **state)
{
	(void)state;
	start(2, false);
	put(0, 1, 3);
	leap_copies_store(&copies, &homes, 0, 1, &store);
	assert_int_equal(leap_copies_stored(&copies, &homes, 0, 1, &store, 0),
			 LEAP_STORED_NOWHERE);
	assert_int_equal(choose(0, 0), -ENODATA);
}

/* Then it is a page like any other, and what the disk has is mm's. */
static void what_the_disk_alone_has_is_not_remote(void **state)
{
	(void)state;
	start(1, true);
	put(0, 2, 1 | DISK);
	leap_copies_store(&copies, &homes, 0, 2, &store);
	assert_int_equal(leap_copies_stored(&copies, &homes, 0, 2, &store, DISK),
			 LEAP_STORED_LOCAL);
	assert_int_equal(choose(0, 0), -ENODATA);
	leap_copies_store(&copies, &homes, 1, 1, &store);
	leap_homes_forget(&homes, 0);
	assert_int_equal(leap_copies_stored(&copies, &homes, 1, 1, &store, 1 | DISK),
			 LEAP_STORED_LOCAL);
	assert_int_equal(choose(1, 0), -ENODATA);
	lose(0);
	assert_int_equal(leap_copies_store(&copies, &homes, 1, 1, &store), 0);
}

/* Where the write has failed there is what was stored before, or somebody else's. */
static void the_disk_gives_no_old_data(void **state)
{
	(void)state;
	start(1, true);
	put(0, 3, 1 | DISK);
	leap_copies_store(&copies, &homes, 0, 1, &store);
	assert_int_equal(leap_copies_stored(&copies, &homes, 0, 1, &store, 1),
			 LEAP_STORED_WELL);
	leap_copies_free(&copies, 1, 1);
	put(1, 1, 1);
	lose(0);
	assert_int_equal(choose(0, 0), -EIO);
	assert_int_equal(choose(1, 0), -EIO);
	assert_int_equal(choose(2, 0), LEAP_COPY_DISK);
	assert_int_equal(choose(2, DISK), -EIO);
	leap_copies_store(&copies, &homes, 2, 1, &store);
	assert_int_equal(choose(2, 0), -ENODATA);
}

/* A home can be left for it, but not filled from it. */
static void the_disk_is_as_good_as_a_home_but_no_source(void **state)
{
	u32 nr = 2;

	(void)state;
	start(2, true);
	put(0, 2, 1 | DISK);
	put(1, 1, 1);
	assert_true(leap_copies_alone(&copies, &homes, 0));
	put(1, 1, 1 | DISK);
	assert_false(leap_copies_alone(&copies, &homes, 0));
	assert_int_equal(leap_rebuild_count(&copies, &homes, 1), 2);
	lose(0);
	assert_int_equal(leap_rebuild_count(&copies, &homes, 1), 0);
	assert_int_equal(leap_rebuild_begin(&copies, &homes, &job, 1, 0, &nr), -ENODATA);
}

/* The scene that older systems fail in: stale data of a server that returns. */
static void who_returns_has_only_what_was_not_rewritten(void **state)
{
	(void)state;
	start(2, false);
	put(0, 3, 3);
	lose(0);
	assert_int_equal(choose(0, 0), 1);
	assert_int_equal(leap_copies_store(&copies, &homes, 1, 1, &store), 2);
	assert_int_equal(leap_copies_stored(&copies, &homes, 1, 1, &store, 2),
			 LEAP_STORED_SHORT);
	leap_copies_free(&copies, 2, 1);
	homes.home[0].health = LEAP_HEALTH_UP;
	lose(1);
	assert_int_equal(choose(0, 0), 0);
	assert_int_equal(choose(1, 0), -EIO);
	assert_int_equal(leap_copies_where(&copies, &homes, 1), 2);
	assert_int_equal(choose(2, 0), -ENODATA);
}

static void who_returns_empty_has_nothing(void **state)
{
	(void)state;
	start(1, true);
	put(0, 2, 1 | DISK);
	lose(0);
	leap_homes_forget(&homes, 0);
	homes.home[0].health = LEAP_HEALTH_UP;
	assert_int_equal(choose(0, 0), LEAP_COPY_DISK);
	/* Copying is from one home to another. */
	assert_int_equal(leap_rebuild_count(&copies, &homes, 0), 0);
	put(0, 1, 1 | DISK);
	assert_int_equal(choose(0, 0), 0);
	assert_int_equal(choose(1, 0), LEAP_COPY_DISK);
}

/* It is acknowledged, but by memory that is somebody else's by now. */
static void a_store_to_a_home_that_has_gone_does_not_count(void **state)
{
	(void)state;
	start(1, false);
	leap_copies_store(&copies, &homes, 0, 1, &store);
	leap_homes_remove(&homes, 0);
	assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), 0);
	assert_int_equal(leap_copies_stored(&copies, &homes, 0, 1, &store, 1),
			 LEAP_STORED_NOWHERE);
	assert_int_equal(choose(0, 0), -ENODATA);
}

static void what_drains_is_read_but_not_written(void **state)
{
	(void)state;
	start(1, false);
	put(0, 2, 1);
	homes.home[0].health = LEAP_HEALTH_DRAINING;
	assert_int_equal(leap_homes_missing(&homes), 1);
	assert_int_equal(choose(0, 0), 0);
	assert_int_equal(leap_copies_store(&copies, &homes, 1, 1, &store), 0);
	homes.home[0].health = LEAP_HEALTH_UP;
	homes.home[0].retiring = true;
	assert_int_equal(leap_copies_store(&copies, &homes, 1, 1, &store), 0);
	assert_int_equal(choose(0, 0), 0);
	assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), 1);
	assert_int_equal(leap_homes_missing(&homes), 0);
	assert_int_equal(leap_copies_store(&copies, &homes, 1, 1, &store), 2);
}

static void a_slab_has_a_bound_of_homes(void **state)
{
	(void)state;
	start(3, false);
	assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), 3);
	assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), -ENOSPC);
	leap_homes_remove(&homes, 2);
	assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), 2);
}

/* A folio whose parts are in different copies is loaded in pieces. */
static void a_piece_ends_where_its_copy_does(void **state)
{
	u32 nr = 16;

	(void)state;
	start(2, false);
	put(496, 16, 3);
	lose(0);
	put(500, 4, 2);
	homes.home[0].health = LEAP_HEALTH_UP;
	homes.home[1].health = LEAP_HEALTH_SUSPECT;
	assert_int_equal(leap_copies_choose(&copies, &homes, 496, 0, 0, &nr), 0);
	assert_int_equal(nr, 4);
	nr = 12;
	assert_int_equal(leap_copies_choose(&copies, &homes, 500, 0, 0, &nr), 1);
	assert_int_equal(nr, 12);
	nr = 100;
	assert_int_equal(leap_copies_choose(&copies, &homes, 504, 0, 0, &nr), 0);
	assert_int_equal(nr, 8);
}

static void a_lost_copy_is_rebuilt(void **state)
{
	u32 nr = 512;

	(void)state;
	start(2, false);
	put(10, 100, 3);
	lose(0);
	leap_homes_remove(&homes, 0);
	assert_int_equal(leap_homes_missing(&homes), 1);
	assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), 0);
	assert_int_equal(leap_rebuild_count(&copies, &homes, 0), 100);
	assert_int_equal(leap_copies_where(&copies, &homes, 10), 2);
	assert_int_equal(leap_rebuild_begin(&copies, &homes, &job, 0, 0, &nr), 10);
	assert_int_equal(nr, 100);
	assert_int_equal(leap_rebuild_begin(&copies, &homes, &job, 0, 0, &nr), -EBUSY);
	assert_int_equal(choose(10, 0), 1);
	assert_false(leap_rebuild_changed(&copies, 10));
	assert_int_equal(leap_rebuild_end(&copies, &homes, true), 100);
	assert_int_equal(leap_copies_where(&copies, &homes, 10), 3);
	assert_int_equal(leap_rebuild_begin(&copies, &homes, &job, 0, 0, &nr), -ENODATA);
}

/* Its old data might arrive after the new: the target is left out. */
static void a_store_meanwhile_is_not_undone_by_rebuilding(void **state)
{
	u32 nr = 10;

	(void)state;
	start(1, false);
	put(0, 10, 1);
	assert_int_equal(leap_homes_add(&homes, LEAP_HEALTH_UP), 1);
	assert_int_equal(leap_rebuild_begin(&copies, &homes, &job, 1, 0, &nr), 0);
	assert_int_equal(leap_copies_store(&copies, &homes, 3, 1, &store), 1);
	assert_int_equal(leap_copies_stored(&copies, &homes, 3, 1, &store, 1),
			 LEAP_STORED_WELL);
	leap_copies_free(&copies, 4, 1);
	assert_int_equal(leap_copies_store(&copies, &homes, 4, 1, &store), 1);
	leap_copies_stored(&copies, &homes, 4, 1, &store, 1);
	for (u32 slot = 0; slot < 10; slot++)
		assert_int_equal(leap_rebuild_changed(&copies, slot), slot == 3 || slot == 4);
	assert_int_equal(leap_copies_store(&copies, &homes, 10, 1, &store), 3);
	leap_copies_stored(&copies, &homes, 10, 1, &store, 3);
	assert_int_equal(leap_rebuild_end(&copies, &homes, true), 8);
	homes.home[0].health = LEAP_HEALTH_LOST;
	assert_int_equal(choose(2, 0), 1);
	assert_int_equal(choose(3, 0), -EIO);
	assert_int_equal(choose(4, 0), -EIO);
	assert_int_equal(choose(10, 0), 1);
}

static void a_rebuilding_that_fails_changes_nothing(void **state)
{
	u32 nr = 10;

	(void)state;
	start(1, false);
	put(0, 10, 1);
	leap_homes_add(&homes, LEAP_HEALTH_UP);
	leap_rebuild_begin(&copies, &homes, &job, 1, 0, &nr);
	assert_int_equal(leap_rebuild_end(&copies, &homes, false), 0);
	assert_int_equal(leap_rebuild_count(&copies, &homes, 1), 10);
	leap_rebuild_begin(&copies, &homes, &job, 1, 0, &nr);
	leap_homes_forget(&homes, 1);
	assert_int_equal(leap_rebuild_end(&copies, &homes, true), 0);
	lose(1);
	assert_int_equal(leap_rebuild_begin(&copies, &homes, &job, 1, 0, &nr), -EIO);
}

static void what_is_valid_is_known_and_what_is_nowhere_else(void **state)
{
	(void)state;
	start(2, false);
	put(70, 2, 3);
	put(72, 1, 2);
	assert_int_equal(leap_copies_where(&copies, &homes, 69), 0);
	assert_int_equal(leap_copies_where(&copies, &homes, 71), 3);
	assert_int_equal(leap_copies_where(&copies, &homes, 72), 2);
	assert_false(leap_copies_alone(&copies, &homes, 0));
	assert_true(leap_copies_alone(&copies, &homes, 1));
	assert_false(leap_copies_alone(&copies, &homes, 2));
	leap_copies_free(&copies, 72, 1);
	assert_false(leap_copies_alone(&copies, &homes, 1));
	/* What cannot be read is no help, but it is there. */
	lose(0);
	assert_true(leap_copies_alone(&copies, &homes, 1));
	assert_int_equal(leap_copies_where(&copies, &homes, 71), 3);
	leap_homes_forget(&homes, 1);
	assert_false(leap_copies_alone(&copies, &homes, 1));
	assert_int_equal(leap_copies_where(&copies, &homes, 71), 1);
	assert_false(leap_homes_writable(&homes, 0));
	assert_true(leap_homes_writable(&homes, 1));
	homes.home[1].retiring = true;
	assert_false(leap_homes_writable(&homes, 1));
}

static void a_spoilt_copy_is_not_chosen_again(void **state)
{
	(void)state;
	start(2, false);
	put(0, 2, 3);
	leap_copies_spoil(&copies, 0, 1, 0);
	assert_int_equal(choose(0, 0), 1);
	assert_int_equal(choose(0, 2), -EIO);
	assert_int_equal(choose(1, 0), 0);
	assert_int_equal(leap_rebuild_count(&copies, &homes, 0), 1);
}

/*
 * The model. Each home has memory, in which each slot holds the number of the
 * store that has written it, or rubbish. A slot's data is right if it is that
 * of the last store that ended well. @good says what has to be found: copies
 * that were acknowledged, and whose memory nobody has lost.
 */
#define SLOTS		24
#define FLIGHTS		6

struct flight {
	bool on;
	u32 slot, nr;
	u64 data;
	struct leap_store store;
	u32 reached;	/* copies whose memory it has reached */
};

static struct {
	u64 memory[LEAP_COPIES_MAX][SLOTS];
	bool good[LEAP_COPIES_MAX][SLOTS];
	u64 right[SLOTS];	/* 0: no data */
	bool storing[SLOTS];
	u64 serial, rubbish;
	struct flight flights[FLIGHTS];
	bool rebuilding, copied;
	u32 from, nr;
	u64 before[SLOTS], carried[SLOTS];
	u32 changes;		/* of the rebuilding's target */
	u32 gens[LEAP_HOMES_MAX];	/* how often a home's memory was lost */
} m;

static u64 rubbish(void)
{
	return ++m.rubbish | 1ULL << 63;
}

static void forget_home(u32 home)
{
	m.gens[home]++;
	for (u32 i = 0; i < SLOTS; i++) {
		m.memory[home][i] = rubbish();
		m.good[home][i] = false;
	}
}

static void model_start(u32 replicas, bool disk)
{
	memset(&m, 0, sizeof(m));
	start(replicas, disk);
	for (u32 i = 0; i < LEAP_HOMES_MAX; i++)
		forget_home(i);
}

static void begin_store(void)
{
	struct flight *f = &m.flights[random() % FLIGHTS];
	u32 slot = random() % SLOTS, nr = 1 + random() % 4;

	if (f->on || slot + nr > SLOTS)
		return;
	for (u32 i = slot; i < slot + nr; i++)
		if (m.storing[i])
			return;
	*f = (struct flight){ .slot = slot, .nr = nr, .data = ++m.serial };
	f->on = leap_copies_store(&copies, &homes, slot, nr, &f->store) != 0;
	for (u32 i = slot; i < slot + nr; i++) {
		m.right[i] = 0;
		m.storing[i] = f->on;
		for (u32 copy = 0; copy < LEAP_COPIES_MAX; copy++)
			m.good[copy][i] = false;
	}
}

/* A request may reach memory and its acknowledgement be lost, or neither. */
static void reach_memory(void)
{
	struct flight *f = &m.flights[random() % FLIGHTS];
	u32 copy = random() % LEAP_COPIES_MAX;

	if (!f->on || !(f->store.copies & 1U << copy))
		return;
	if (copy != LEAP_COPY_DISK &&
	    (homes.home[copy].gen != f->store.gen[copy] ||
	     !leap_health_readable(homes.home[copy].health)))
		return;
	f->reached |= 1U << copy;
	for (u32 i = f->slot; i < f->slot + f->nr; i++)
		m.memory[copy][i] = f->data;
}

static void end_store(void)
{
	struct flight *f = &m.flights[random() % FLIGHTS];
	u32 written = f->reached & (random() % 4 ? ~0U : (u32)random());
	enum leap_stored stored, want = written & DISK ? LEAP_STORED_LOCAL : LEAP_STORED_NOWHERE;
	u32 right = 0, homes_right = 0;	/* the latter that can be read */

	if (!f->on)
		return;
	f->on = false;
	stored = leap_copies_stored(&copies, &homes, f->slot, f->nr, &f->store, written);
	for (u32 home = 0; home < LEAP_HOMES_MAX; home++) {
		if (!(written & 1U << home) || homes.home[home].gen != f->store.gen[home])
			continue;
		right |= 1U << home;
		homes_right += leap_health_readable(homes.home[home].health);
	}
	if (!homes_right) {
		right = 0;
	} else {
		want = homes_right < homes.replicas ? LEAP_STORED_SHORT : LEAP_STORED_WELL;
		right |= written & DISK;
	}
	assert_int_equal(stored, want);
	for (u32 i = f->slot; i < f->slot + f->nr; i++) {
		m.storing[i] = false;
		m.right[i] = right ? f->data : 0;
		for (u32 copy = 0; copy < LEAP_COPIES_MAX; copy++)
			m.good[copy][i] = right & 1U << copy;
	}
}

static void free_slot(void)
{
	u32 slot = random() % SLOTS;

	if (m.storing[slot])
		return;
	leap_copies_free(&copies, slot, 1);
	m.right[slot] = 0;
	for (u32 copy = 0; copy < LEAP_COPIES_MAX; copy++)
		m.good[copy][slot] = false;
}

/* All requests under way to it end, as the kernel sees to. */
static void change_health(void)
{
	static const u8 states[] = {
		LEAP_HEALTH_UP, LEAP_HEALTH_UP, LEAP_HEALTH_UP, LEAP_HEALTH_SUSPECT,
		LEAP_HEALTH_LOST, LEAP_HEALTH_LOST, LEAP_HEALTH_DRAINING,
	};

	homes.home[random() % LEAP_HOMES_MAX].health = states[random() % ARRAY_SIZE(states)];
}

static void change_homes(void)
{
	u32 home = random() % LEAP_HOMES_MAX;

	switch (random() % 4) {
	case 0:
		if (homes.home[home].gen)
			leap_homes_forget(&homes, home);
		forget_home(home);
		break;
	case 1:
		leap_homes_remove(&homes, home);
		forget_home(home);
		break;
	case 2:
		homes.home[home].retiring = random() % 2;
		break;
	default:
		leap_homes_add(&homes, LEAP_HEALTH_UP);
	}
}

/* Found by whoever loads it, so it is one that can be loaded. */
static void spoil(void)
{
	u32 copy = random() % LEAP_COPIES_MAX, slot = random() % SLOTS;

	if (!m.good[copy][slot])
		return;
	leap_copies_spoil(&copies, slot, 1, copy);
	m.memory[copy][slot] = rubbish();
	m.good[copy][slot] = false;
}

static bool readable(u32 copy)
{
	return copy == LEAP_COPY_DISK ||
	       (homes.home[copy].gen && leap_health_readable(homes.home[copy].health));
}

static void begin_rebuild(void)
{
	u32 target = random() % LEAP_HOMES_MAX;
	int slot;

	if (m.rebuilding)
		return;
	m.nr = 1 + random() % SLOTS;
	slot = leap_rebuild_begin(&copies, &homes, &job, target, random() % SLOTS, &m.nr);
	if (slot < 0)
		return;
	assert_in_range(slot + m.nr, 1, SLOTS);
	m.rebuilding = true;
	m.copied = false;
	m.from = slot;
	m.changes = m.gens[target];
	memcpy(m.before, m.right, sizeof(m.before));
	for (u32 i = m.from; i < m.from + m.nr; i++) {
		u32 one = 1;
		int source = leap_copies_choose(&copies, &homes, i, DISK, random(), &one);

		assert_in_range(source, 0, LEAP_HOMES_MAX - 1);
		m.carried[i] = m.memory[source][i];
	}
}

/* What it carries arrives some time before its end, or never. */
static void copy_over(void)
{
	if (!m.rebuilding || m.gens[job.target] != m.changes ||
	    !readable(job.target))
		return;
	m.copied = true;
	for (u32 i = m.from; i < m.from + m.nr; i++)
		m.memory[job.target][i] = m.carried[i];
}

static void end_rebuild(void)
{
	bool written = m.copied && random() % 8;
	u32 got, nr = 0;

	if (!m.rebuilding)
		return;
	m.rebuilding = false;
	got = leap_rebuild_end(&copies, &homes, written);
	for (u32 i = m.from; i < m.from + m.nr; i++) {
		if (!written || m.gens[job.target] != m.changes || m.storing[i] ||
		    !m.right[i] || m.right[i] != m.before[i])
			continue;
		m.good[job.target][i] = true;
		nr++;
	}
	assert_int_equal(got, nr);
}

/* Never a wrong copy, and never none if there is a right one. */
static void check_slot(u32 slot)
{
	u32 tried = 0, nr = 1, found = 0, there = 0;
	int copy;

	for (u32 i = 0; i < LEAP_COPIES_MAX; i++)
		there |= m.good[i][slot] && readable(i) ? 1U << i : 0;
	while ((copy = leap_copies_choose(&copies, &homes, slot, tried, random(), &nr)) >= 0) {
		assert_false(m.storing[slot]);
		assert_true(m.right[slot] != 0);
		assert_true(m.memory[copy][slot] == m.right[slot]);
		assert_false(tried & 1U << copy);
		tried |= 1U << copy;
		found |= 1U << copy;
		/* The disk only when there is nothing else. */
		assert_true(copy != LEAP_COPY_DISK || tried == (there | DISK));
	}
	assert_int_equal(found, there);
}

static void check_where(u32 slot)
{
	u32 want = 0;

	for (u32 i = 0; i < LEAP_COPIES_MAX; i++)
		want |= (u32)m.good[i][slot] << i;
	assert_int_equal(leap_copies_where(&copies, &homes, slot), want);
}

static void anything_in_any_order(void **state)
{
	static void (*const acts[])(void) = {
		begin_store, begin_store, begin_store, reach_memory, reach_memory,
		reach_memory, reach_memory, end_store, end_store, end_store,
		free_slot, change_health, change_homes, begin_rebuild, begin_rebuild,
		copy_over, copy_over, end_rebuild, spoil,
	};

	(void)state;
	for (u32 seed = 0; seed < 60; seed++) {
		srandom(seed);
		model_start(1 + seed % 3, seed % 2);
		for (u32 step = 0; step < 4000; step++) {
			acts[random() % ARRAY_SIZE(acts)]();
			for (u32 i = 0; i < SLOTS; i++) {
				check_slot(i);
				check_where(i);
			}
		}
	}
}

/* Every range of bits, against one bit at a time. */
static void ranges_of_slots(void **state)
{
	(void)state;
	srandom(5);
	for (u32 round = 0; round < 2000; round++) {
		u32 slot = random() % LEAP_CHUNK_PAGES;
		u32 nr = 1 + random() % (LEAP_CHUNK_PAGES - slot), all = LEAP_CHUNK_PAGES;

		start(1, false);
		put(slot, nr, 1);
		for (u32 i = 0; i < LEAP_CHUNK_PAGES; i++)
			assert_int_equal(choose(i, 0), i >= slot && i < slot + nr ? 0 : -ENODATA);
		assert_int_equal(leap_copies_choose(&copies, &homes, slot, 0, 0, &all), 0);
		assert_int_equal(all, nr);
		leap_copies_free(&copies, slot, nr);
		assert_int_equal(choose(slot, 0), -ENODATA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_never_stored_is_not_there),
		cmocka_unit_test(a_store_makes_all_copies),
		cmocka_unit_test(each_copy_is_tried_and_the_disk_last),
		cmocka_unit_test(equal_copies_share_the_work),
		cmocka_unit_test(a_suspect_is_read_only_without_others),
		cmocka_unit_test(what_is_lost_meanwhile_counts_no_more),
		cmocka_unit_test(one_home_more_than_needed_is_surplus),
		cmocka_unit_test(without_an_acknowledgement_it_has_failed),
		cmocka_unit_test(what_the_disk_alone_has_is_not_remote),
		cmocka_unit_test(the_disk_gives_no_old_data),
		cmocka_unit_test(the_disk_is_as_good_as_a_home_but_no_source),
		cmocka_unit_test(who_returns_has_only_what_was_not_rewritten),
		cmocka_unit_test(who_returns_empty_has_nothing),
		cmocka_unit_test(a_store_to_a_home_that_has_gone_does_not_count),
		cmocka_unit_test(what_drains_is_read_but_not_written),
		cmocka_unit_test(a_slab_has_a_bound_of_homes),
		cmocka_unit_test(a_piece_ends_where_its_copy_does),
		cmocka_unit_test(a_lost_copy_is_rebuilt),
		cmocka_unit_test(a_store_meanwhile_is_not_undone_by_rebuilding),
		cmocka_unit_test(a_rebuilding_that_fails_changes_nothing),
		cmocka_unit_test(a_spoilt_copy_is_not_chosen_again),
		cmocka_unit_test(what_is_valid_is_known_and_what_is_nowhere_else),
		cmocka_unit_test(ranges_of_slots),
		cmocka_unit_test(anything_in_any_order),
	};

	return cmocka_run_group_tests_name("copies", tests, NULL, NULL);
}
