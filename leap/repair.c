// SPDX-License-Identifier: GPL-2.0
/*
 * Copies that are missing are made up for.
 *
 * A slab lacks something when a server with a home of it was lost, when a store
 * has reached only some of its homes, or when a copy has turned out to be wrong.
 * Then it is marked, and the mover, which alone changes the homes of slabs, comes
 * here when it has nothing more urgent to do. If homes are missing, other servers
 * lend some; then each home gets what it lacks, from the others.
 *
 * A slab whose only copy is on a server that is away gets no other home: nothing
 * could be copied there, and when the server is back the slab is as good as before.
 * Its stores go to the swap device meanwhile.
 *
 * When all that has been lost is on its way at once, programs should not feel it:
 * so the rate has a limit.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include "slab.h"

/* Until it is tried again, if something could not be done. */
#define REPAIR_RETRY	(5 * HZ)

static unsigned int rebuild_mib = 64;
module_param(rebuild_mib, uint, 0644);
MODULE_PARM_DESC(rebuild_mib,
		 "most MiB to copy in a second to make up for copies that were lost, 0 for no limit (default 64)");

/**
 * leap_repair_pace - wait for as long as the limit demands
 * @pages: so many have been copied
 */
void leap_repair_pace(u32 pages)
{
	unsigned int mib = READ_ONCE(rebuild_mib);

	might_sleep();
	if (mib)
		fsleep(div_u64(((u64)pages << PAGE_SHIFT) * USEC_PER_SEC,
			       mib) >> 20);
}

/* Is there something to copy to one more home, or nothing that could come back? */
static bool wants_home(struct leap_session *session, struct leap_slab *slab)
{
	bool readable = false, away = false, missing;
	u32 i;

	spin_lock_irq(&session->map_lock);
	missing = leap_homes_missing(&slab->homes);
	for (i = 0; i < LEAP_HOMES_MAX; i++) {
		const struct leap_home *home = &slab->homes.home[i];

		if (!home->gen || home->health == LEAP_HEALTH_REMOVED)
			continue;
		if (leap_health_readable(home->health))
			readable = true;
		else
			away = true;
	}
	spin_unlock_irq(&session->map_lock);
	return missing && (readable || !away);
}

/* The slab, if it lacks something; it is the mover's until let_go(). */
static struct leap_slab *seize(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab;

	spin_lock_irq(&session->map_lock);
	slab = session->slabs[nr];
	if (slab && !slab->lacking)
		slab = NULL;
	if (slab) {
		slab->lacking = false;	/* it may be so again before we are through */
		slab->moving = true;
	}
	spin_unlock_irq(&session->map_lock);
	return slab;
}

static void let_go(struct leap_session *session, struct leap_slab *slab, bool well)
{
	spin_lock_irq(&session->map_lock);
	slab->moving = false;
	if (!well)
		leap_slab_lacks(session, slab);
	spin_unlock_irq(&session->map_lock);
}

static bool repair_slab(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab = seize(session, nr);
	bool well = true;

	if (!slab)
		return true;
	while (well && wants_home(session, slab))
		well = leap_move_new_home(session, nr, slab) >= 0;
	leap_move_surplus(session, nr, slab);
	well &= !leap_fill_homes(session, slab, true);
	let_go(session, slab, well);
	return well;
}

/**
 * leap_repair_must_wait - is there something more urgent for the mover to do?
 * @session: whose
 *
 * Servers that wait for their slabs come first, each time that somebody has found
 * that more can be done about that.
 *
 * Return: true if so; it comes back here afterwards.
 */
bool leap_repair_must_wait(struct leap_session *session)
{
	return leap_move_must_end(session) ||
	       (READ_ONCE(session->nr_retiring) &&
		delayed_work_pending(&session->mover));
}

/**
 * leap_repair - make up for what is missing
 * @session: whose
 *
 * Called by the mover alone. May sleep.
 */
void leap_repair(struct leap_session *session)
{
	bool well = true;
	u32 nr;

	if (!READ_ONCE(session->lacking) ||
	    time_before(jiffies, READ_ONCE(session->repair_at)))
		return;
	WRITE_ONCE(session->lacking, false);
	for (nr = 0; nr < READ_ONCE(session->map.top); nr++) {
		if (leap_repair_must_wait(session)) {
			WRITE_ONCE(session->lacking, true);
			return;
		}
		well &= repair_slab(session, nr);
	}
	if (well)
		return;
	spin_lock_irq(&session->map_lock);
	if (time_before_eq(session->repair_at, jiffies))
		session->repair_at = jiffies + REPAIR_RETRY;
	spin_unlock_irq(&session->map_lock);
}

/* Pages that homes lack of one chunk. Under map_lock. */
static u64 count_chunk(const struct leap_slab *slab, u32 chunk)
{
	u64 pages = 0;
	u32 home;

	for (home = 0; home < LEAP_HOMES_MAX; home++)
		if (leap_homes_writable(&slab->homes, home))
			pages += leap_rebuild_count(&slab->copies[chunk],
						    &slab->homes, home);
	return pages;
}

static u64 count_slab(struct leap_session *session, u32 nr)
{
	u64 pages = 0;
	u32 chunk;

	for (chunk = 0; chunk < session->map.chunks_per_slab; chunk++) {
		struct leap_slab *slab;

		/* Anew for each, since that takes a while with interrupts off. */
		spin_lock_irq(&session->map_lock);
		slab = session->slabs[nr];
		if (slab && (slab->lacking || slab->moving))
			pages += count_chunk(slab, chunk);
		if (slab && !chunk)	/* what is not there lacks everything */
			pages += leap_homes_missing(&slab->homes) *
				 session->uses[nr].pages;
		spin_unlock_irq(&session->map_lock);
	}
	return pages;
}

/**
 * leap_repair_left - how much is missing?
 * @session: whose
 *
 * Return: copies of pages that are to be made up for.
 */
u64 leap_repair_left(struct leap_session *session)
{
	u64 pages = 0;
	u32 nr;

	for (nr = 0; nr < READ_ONCE(session->map.top); nr++)
		pages += count_slab(session, nr);
	return pages;
}
