// SPDX-License-Identifier: GPL-2.0
/*
 * Copying to a home of a slab what it lacks, for a slab that moves and for one that
 * has lost copies. A few pages at a time go by way of the session's bounce folio, from
 * another home that has them.
 *
 * What has been read has to have its checksums, if there are any: the copy may take
 * the place of the only right one.
 *
 * It is the mover's work alone; what mm does with the same slots meanwhile is for
 * policy/copies.c. No lock but map_lock, for a moment.
 */
#include "io.h"

/* What is copied at a time: 8 pages, which can be had at any time. */
#define PIECE_ORDER	PAGE_ALLOC_COSTLY_ORDER
#define PIECE		BIT(PIECE_ORDER)

/* How often a page is read again that is not what was stored. */
#define TRIES		3

/**
 * leap_fill_bounce - get a folio for what is on its way
 *
 * Return: the folio, for &leap_session.bounce, or NULL.
 */
struct folio *leap_fill_bounce(void)
{
	return folio_alloc(GFP_KERNEL, PIECE_ORDER);
}

/**
 * struct piece - slots of a chunk that are copied at a time
 * @from: where to look for them
 * @most: no more than so many
 * @slot: the first one found, which the next two are about
 * @tried: homes that did not have them right
 * @tries: how often they were read and were not right
 * @single: up to there they are copied one by one, for one of them is not right
 */
struct piece {
	u32 from;
	u32 most;
	int slot;
	u32 tried;
	u32 tries;
	u32 single;
};

/* The home to read from: one that was not tried, if there is one. */
static int choose_home(const struct leap_spot *target, u32 slot, u32 tried, u32 *nr)
{
	struct leap_slab *slab = target->slab;
	struct leap_copies *copies = &slab->copies[target->chunk];
	u32 piece = *nr;
	int home;

	home = leap_copies_choose(copies, &slab->homes, slot,
				  BIT(LEAP_COPY_DISK) | tried, 0, &piece);
	if (home < 0 && tried)
		home = leap_copies_choose(copies, &slab->homes, slot,
					  BIT(LEAP_COPY_DISK), 0, nr);
	else
		*nr = piece;
	return home;
}

/* What was not right before may have been stored anew, or freed, meanwhile. */
static void look_at(struct piece *look, int slot)
{
	if (look->slot == slot)
		return;
	look->slot = slot;
	look->tried = 0;
	look->tries = 0;
}

/* Some slots that the target lacks, all of them in one other home. */
static int find_piece(struct leap_rebuild *rebuild, struct piece *look,
		      struct leap_spot *source, struct leap_spot *target)
{
	struct leap_slab *slab = target->slab;
	struct leap_copies *copies = &slab->copies[target->chunk];
	u32 nr = look->most, piece;
	int slot, home;

	slot = leap_rebuild_begin(copies, &slab->homes, rebuild, target->home,
				  look->from, &nr);
	if (slot < 0)
		return slot;
	look_at(look, slot);
	piece = nr;
	home = choose_home(target, slot, look->tried, &piece);
	if (home >= 0 && piece < nr) {	/* the rest is elsewhere */
		leap_rebuild_end(copies, &slab->homes, false);
		nr = piece;
		slot = leap_rebuild_begin(copies, &slab->homes, rebuild,
					  target->home, slot, &nr);
	}
	if (home < 0) {
		leap_rebuild_end(copies, &slab->homes, false);
		return home;
	}
	target->slot = slot;
	target->nr = nr;
	*source = *target;
	source->home = home;
	return 0;
}

/* They are being copied until end_piece(). */
static int begin_piece(struct leap_session *session, struct leap_rebuild *rebuild,
		       struct piece *look, struct leap_spot *source,
		       struct leap_spot *target)
{
	int err;

	spin_lock_irq(&session->map_lock);
	err = find_piece(rebuild, look, source, target);
	if (!err) {
		leap_spot_lease(target)->writes++;
		leap_spot_lease(source)->reads++;
	}
	spin_unlock_irq(&session->map_lock);
	return err;
}

static void end_piece(struct leap_session *session, const struct leap_spot *source,
		      const struct leap_spot *target, bool written, bool rebuild)
{
	struct leap_server *from = leap_spot_lease(source)->server;
	struct leap_server *to = leap_spot_lease(target)->server;
	struct leap_slab *slab = target->slab;
	u32 moved;

	spin_lock_irq(&session->map_lock);
	moved = leap_rebuild_end(&slab->copies[target->chunk], &slab->homes,
				 written);
	leap_spot_lease(target)->writes--;
	leap_spot_lease(source)->reads--;
	leap_slab_void_home(slab, target->home);
	leap_slab_void_home(slab, source->home);
	spin_unlock_irq(&session->map_lock);
	leap_stats_copied(from, to, moved, rebuild);
}

static bool is_changed(struct leap_session *session, const struct leap_spot *spot)
{
	bool changed;

	spin_lock_irq(&session->map_lock);
	changed = leap_rebuild_changed(&spot->slab->copies[spot->chunk], spot->slot);
	spin_unlock_irq(&session->map_lock);
	return changed;
}

/* Is that what was stored there, but for what has been stored anew since? */
static bool is_right(struct leap_session *session, const struct leap_spot *source)
{
	struct leap_spot one = *source;
	u32 i;

	for (i = 0; i < source->nr; i++, one.slot++)
		if (!leap_verify_same(source, i, session->bounce) &&
		    !is_changed(session, &one))
			return false;
	return true;
}

/*
 * Is there another copy that was not looked at, on a server that may come back or has
 * just done so? If so it is to be looked for again.
 */
static bool is_elsewhere(struct leap_session *session, const struct leap_spot *source,
			 u32 tried)
{
	struct leap_slab *slab = source->slab;
	unsigned long where;
	bool away = false;
	u32 home;

	spin_lock_irq(&session->map_lock);
	where = leap_copies_where(&slab->copies[source->chunk], &slab->homes,
				  source->slot) & ~BIT(source->home);
	for_each_set_bit(home, &where, LEAP_HOMES_MAX)
		away |= !(tried & BIT(home)) ||
			!leap_health_readable(slab->homes.home[home].health);
	if (away)
		leap_slab_lacks(session, slab);
	spin_unlock_irq(&session->map_lock);
	return away;
}

/* When all has been tried it goes as it is, unless it may be right elsewhere. */
static int copy_piece(struct leap_session *session, const struct leap_spot *source,
		      const struct leap_spot *target, const struct piece *look)
{
	int err = leap_io_copy(session, session->bounce, source, LEAP_LOAD);

	if (!err && !is_right(session, source) &&
	    (look->tries < TRIES || is_elsewhere(session, source, look->tried)))
		return -EBADMSG;
	return err ?: leap_io_copy(session, session->bounce, target, LEAP_STORE);
}

/*
 * What does not have its checksum is read again, from each home that has it. If none
 * has it right it goes as it is: a program may have written to the page while that was
 * under writeback, and then nobody reads it, see verify.c; and else whoever reads it
 * finds that out, while all others of a server's pages need not stay for it. But not
 * if there is a copy on a server that is away: it would not be asked for any more.
 */
static void look_elsewhere(struct piece *look, const struct leap_spot *source)
{
	if (source->nr > 1) {
		look->single = source->slot + source->nr;
		return;
	}
	look->tried |= BIT(source->home);
	look->tries++;
}

/*
 * Copies all that the target lacks of one chunk. Returns -EBADMSG if it has left
 * something out that is to be looked for again, for a rebuild is not over then.
 */
static int fill_chunk(struct leap_session *session, struct leap_slab *slab,
		      u32 chunk, u32 home, bool rebuild)
{
	struct leap_spot target = { .slab = slab, .chunk = chunk, .home = home };
	struct leap_spot source;
	struct leap_rebuild state;
	struct piece look = { .slot = -1 };
	int left_out = 0, err;

	while (look.from < LEAP_CHUNK_PAGES) {
		if (leap_move_must_end(session))
			return -ESHUTDOWN;
		look.most = look.from < look.single ? 1 : PIECE;
		err = begin_piece(session, &state, &look, &source, &target);
		if (err)
			return err == -ENODATA ? left_out : err;
		err = copy_piece(session, &source, &target, &look);
		end_piece(session, &source, &target, !err, rebuild);
		if (err == -EBADMSG) {
			if (rebuild)
				leap_repair_pace(target.nr);
			if (look.tries < TRIES) {
				look_elsewhere(&look, &source);
				continue;
			}
			left_out = rebuild ? -EBADMSG : 0;
			look.from = target.slot + target.nr;
			continue;
		}
		if (err)
			return err;
		if (rebuild)
			leap_repair_pace(target.nr);
		look.from = target.slot + target.nr;
	}
	return left_out;
}

static int fill_home(struct leap_session *session, struct leap_slab *slab, u32 home,
		     bool rebuild)
{
	int err = 0, ret;
	u32 chunk;

	for (chunk = 0; chunk < session->map.chunks_per_slab; chunk++) {
		if (rebuild && leap_repair_must_wait(session))
			return -EAGAIN;
		ret = fill_chunk(session, slab, chunk, home, rebuild);
		leap_move_note(session);	/* there is room for some only */
		if (ret && ret != -EBADMSG)
			return ret;
		err = err ?: ret;
	}
	return err;
}

static bool is_writable(struct leap_session *session, struct leap_slab *slab, u32 home)
{
	bool writable;

	spin_lock_irq(&session->map_lock);
	writable = leap_homes_writable(&slab->homes, home);
	spin_unlock_irq(&session->map_lock);
	return writable;
}

/**
 * leap_fill_homes - copy to all homes of a slab what they lack
 * @session: whose
 * @slab: which; the mover has it
 * @rebuild: what is copied stays where it was; there is no hurry
 *
 * To those that can be written to, that is. Called by the mover alone. May sleep.
 *
 * Return: 0 when they lack nothing that can be had; or what has gone wrong first.
 */
int leap_fill_homes(struct leap_session *session, struct leap_slab *slab, bool rebuild)
{
	int err = 0;
	u32 home;

	for (home = 0; home < LEAP_HOMES_MAX; home++) {
		int ret = is_writable(session, slab, home) ?
			  fill_home(session, slab, home, rebuild) : 0;

		err = err ?: ret;
	}
	return err;
}
