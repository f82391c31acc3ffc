// SPDX-License-Identifier: GPL-2.0
/*
 * Reading remote pages home: all of them when the session ends, those of some
 * slabs when their server wants these back and no other server lends.
 *
 * mm does it slot by slot. The page gets into the swap cache, locked, is made
 * dirty there, and only then its remote copy is given up, so at each moment one
 * of the two has the data. Reclaim writes it like any dirty page.
 */
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include "slab.h"

static int bring_area_home(unsigned int type, struct leap_area_map *area)
{
	swp_entry_t entry = swp_entry(type, 0);
	int err = 0;

	while (area) {
		entry = leap_next_remote(entry);
		if (!entry.val || swp_type(entry) != type)
			return err;
		if (!test_bit(swp_offset(entry), area->lost)) {
			int e = leap_bring_home(entry);

			if (e == -EIO)
				err = e;
			else if (e)
				return e;
		}
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
		entry = swp_entry(type, swp_offset(entry) + 1);
	}
	return 0;
}

/**
 * leap_home_bring_all - read every remote page back
 *
 * Under the session lock, with the session draining. May sleep.
 *
 * Return: 0; -EIO some cannot be read, all others are home; -ENOMEM, -EINTR.
 */
int leap_home_bring_all(void)
{
	unsigned int type;
	int err = 0;

	for (type = 0; type < MAX_SWAPFILES; type++) {
		int e = bring_area_home(type, leap_map_area(type));

		if (e && e != -EIO)
			return e;
		err = e ?: err;
	}
	return err;
}

/* Slots of a cluster that are read ahead of the one that is brought home. */
#define HOMING_AHEAD	32

static bool of_homeless_slab(struct leap_session *session,
			     struct leap_cluster *cluster)
{
	struct leap_place place;
	unsigned long flags;
	bool homeless;

	spin_lock_irqsave(&session->map_lock, flags);
	homeless = leap_slabmap_lookup(&session->map, cluster, 0, &place) &&
		   leap_slab_homeless(session, place.slab);
	spin_unlock_irqrestore(&session->map_lock, flags);
	return homeless;
}

/* So that they come side by side. Reclaim may drop them again, which is fine. */
static void read_ahead(swp_entry_t entry, unsigned long end)
{
	unsigned int nr;

	for (nr = 0; nr < HOMING_AHEAD; nr++) {
		entry = leap_next_remote(entry);
		if (!entry.val || swp_offset(entry) >= end)
			return;
		leap_prefetch(entry, GFP_KERNEL);
		entry = swp_entry(swp_type(entry), swp_offset(entry) + 1);
	}
}

static int bring_cluster_home(unsigned int type, struct leap_area_map *area,
			      unsigned long cluster)
{
	swp_entry_t entry = swp_entry(type, cluster << LEAP_CHUNK_SHIFT);
	unsigned long end = swp_offset(entry) + LEAP_CHUNK_PAGES;
	unsigned int nr;
	int err;

	for (nr = 0;; nr++) {
		entry = leap_next_remote(entry);
		if (!entry.val || swp_offset(entry) >= end)
			return 0;
		if (nr % HOMING_AHEAD == 0)
			read_ahead(entry, end);
		if (!test_bit(swp_offset(entry), area->lost)) {
			err = leap_bring_home(entry);
			if (err && err != -EIO)
				return err;
		}
		cond_resched();
		entry = swp_entry(type, swp_offset(entry) + 1);
	}
}

/**
 * leap_home_bring_slabs - read back what is in slabs that must be left
 * @session: whose; it does not end meanwhile
 *
 * Of these, new stores go to the swap device, so that they become empty. Not
 * from reclaim. May sleep.
 *
 * Return: 0, also if some page cannot be read now; -ENOMEM; -EAGAIN somebody else
 * keeps the session's lock.
 */
int leap_home_bring_slabs(struct leap_session *session)
{
	unsigned int type;
	unsigned long i;
	int err = 0;

	for (type = 0; type < MAX_SWAPFILES; type++) {
		bool there = true;

		for (i = 0; there && !err; i++) {
			struct leap_area_map *area;

			/* Who ends the session has it, and waits for us. */
			if (!leap_session_trylock())
				return -EAGAIN;
			area = leap_map_area(type);
			there = area && i < DIV_ROUND_UP(area->pages, LEAP_CHUNK_PAGES);
			if (there && of_homeless_slab(session, &area->clusters[i]))
				err = bring_cluster_home(type, area, i);
			leap_session_unlock();
		}
	}
	return err;
}
