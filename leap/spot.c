// SPDX-License-Identifier: GPL-2.0
/*
 * Spots: what requests read and write.
 *
 * A load is for a spot, some slots of a slab in one of its homes; a store is for
 * the same slots in all homes that can be written to. leap_spot_to_read() and
 * leap_spot_to_write() count it there, and until leap_spot_read() or
 * leap_spot_written() these homes are not given back. What their leases say does
 * not change meanwhile, so that the request's owner may look without the lock.
 *
 * A load may also be for the same slots on the swap device, which is no home and
 * has no lease. It need not be counted: slots in use keep their slab.
 *
 * All of this is under session->map_lock.
 */
#include "slab.h"

static struct leap_slab *slab_at(struct leap_session *session, u32 nr)
{
	lockdep_assert_held(&session->map_lock);
	return session->slabs[nr];
}

/* Of copies that are as good as each other, each is read from for some chunks. */
static u32 spread(const struct leap_place *place)
{
	return place->slab + (place->page >> LEAP_CHUNK_SHIFT);
}

static void fill_in(struct leap_spot *spot, struct leap_slab *slab,
		    const struct leap_place *place, unsigned int nr)
{
	spot->slab = slab;
	spot->chunk = place->page >> LEAP_CHUNK_SHIFT;
	spot->slot = place->page & (LEAP_CHUNK_PAGES - 1);
	spot->nr = nr;
}

/* The copy that is to be read: one that has all of it, and was not tried. */
static int choose(const struct leap_spot *spot, u32 tried, u32 spread)
{
	const struct leap_slab *slab = spot->slab;
	u32 piece;
	int copy;

	for (;;) {
		piece = spot->nr;
		copy = leap_copies_choose(&slab->copies[spot->chunk],
					  &slab->homes, spot->slot, tried,
					  spread, &piece);
		if (copy < 0 || piece == spot->nr)
			return copy;
		tried |= BIT(copy);
	}
}

static void begin_read(struct leap_spot *spot, u32 copy)
{
	spot->home = copy;
	if (leap_spot_on_disk(spot))
		spot->slab->disk_reads++;
	else
		leap_spot_lease(spot)->reads++;
}

/**
 * leap_spot_addr - where is it?
 * @spot: that a request is counted for; not on disk
 *
 * Return: address of the first byte, as the server sees it.
 */
u64 leap_spot_addr(const struct leap_spot *spot)
{
	u64 page = ((u64)spot->chunk << LEAP_CHUNK_SHIFT) + spot->slot;

	return leap_spot_lease(spot)->addr + (page << PAGE_SHIFT);
}

/**
 * leap_spot_to_write - a store begins
 * @session: whose slabs
 * @place: of the first slot
 * @nr: slots
 * @spot: filled in
 *
 * Return: 0, -ENOTCONN no home can be written to, or -EBUSY not just now.
 */
int leap_spot_to_write(struct leap_session *session,
		       const struct leap_place *place, unsigned int nr,
		       struct leap_spot *spot)
{
	struct leap_slab *slab = slab_at(session, place->slab);
	unsigned long copies;
	u32 home;

	fill_in(spot, slab, place, nr);
	copies = leap_copies_store(&slab->copies[spot->chunk], &slab->homes,
				   spot->slot, nr, &spot->store);
	if (!copies)
		return session->uses[place->slab].closed ? -ENOTCONN : -EBUSY;
	spot->home = __ffs(copies);
	for_each_set_bit(home, &copies, LEAP_HOMES_MAX)
		slab->leases[home].writes++;
	return 0;
}

/**
 * leap_spot_to_read - a load begins
 * @session: whose slabs
 * @place: of the first slot
 * @nr: slots
 * @spot: filled in
 *
 * Slots that are not all in the same copy cannot be read in one piece; who asks for
 * more than one has to ask again for each, see pieces.c.
 *
 * Return: 0, -ENODATA there is nothing, -EIO it cannot be reached.
 */
int leap_spot_to_read(struct leap_session *session,
		      const struct leap_place *place, unsigned int nr,
		      struct leap_spot *spot)
{
	struct leap_slab *slab = slab_at(session, place->slab);
	int copy;

	fill_in(spot, slab, place, nr);
	copy = choose(spot, 0, spread(place));
	if (copy < 0)
		return copy;
	begin_read(spot, copy);
	return 0;
}

/* A request is over; under the lock. Returns whether the mover may wait for that. */
static bool leave(struct leap_slab *slab, u32 home, u32 *requests)
{
	bool last = !--*requests && slab->moving;

	leap_slab_void_home(slab, home);
	return last;
}

static bool leave_read(const struct leap_spot *spot)
{
	if (!leap_spot_on_disk(spot))
		return leave(spot->slab, spot->home, &leap_spot_lease(spot)->reads);
	spot->slab->disk_reads--;
	return false;
}

/**
 * leap_spot_again - a load has failed: where else is it?
 * @session: whose slabs
 * @spot: from leap_spot_to_read(); changed, and still to be ended
 * @tried: copies that have failed, this one among them
 *
 * Return: 0; or an error if there is no other copy.
 */
int leap_spot_again(struct leap_session *session, struct leap_spot *spot, u32 tried)
{
	unsigned long flags;
	bool last = false;
	int copy;

	spin_lock_irqsave(&session->map_lock, flags);
	copy = choose(spot, tried, 0);
	if (copy >= 0) {
		last = leave_read(spot);
		begin_read(spot, copy);
	}
	spin_unlock_irqrestore(&session->map_lock, flags);
	if (last)
		wake_up(&session->spots_gone);
	return min(copy, 0);
}

/**
 * leap_spot_spoil - what has been read there is wrong
 * @session: whose slabs
 * @spot: from leap_spot_to_read(), still to be ended
 *
 * Another copy is to take its place. If there is none that can be read now it stays:
 * maybe the bytes were right when they left.
 */
void leap_spot_spoil(struct leap_session *session, const struct leap_spot *spot)
{
	struct leap_slab *slab = spot->slab;
	struct leap_copies *copies = &slab->copies[spot->chunk];
	unsigned long flags;
	u32 slot, end = spot->slot + spot->nr, nr = 0;

	spin_lock_irqsave(&session->map_lock, flags);
	for (slot = spot->slot; slot < end; slot++) {
		u32 one = 1;

		if (leap_copies_choose(copies, &slab->homes, slot, BIT(spot->home), 0,
				       &one) < 0)
			continue;
		leap_copies_spoil(copies, slot, 1, spot->home);
		nr++;
	}
	if (nr)
		leap_slab_lacks(session, slab);
	leap_stats_add_server(leap_spot_server(spot), LEAP_FREED_PAGES, nr);
	spin_unlock_irqrestore(&session->map_lock, flags);
}

/**
 * leap_spot_read - a load is over
 * @session: whose slabs
 * @spot: from leap_spot_to_read(); not valid any more
 */
void leap_spot_read(struct leap_session *session, const struct leap_spot *spot)
{
	unsigned long flags;
	bool last;

	spin_lock_irqsave(&session->map_lock, flags);
	last = leave_read(spot);
	spin_unlock_irqrestore(&session->map_lock, flags);
	if (last)
		wake_up(&session->spots_gone);
}

/* What servers have acknowledged and is no copy, for they were lost since. */
static void count_lost(const struct leap_spot *spot, unsigned long written)
{
	const struct leap_slab *slab = spot->slab;
	u32 home;

	for_each_set_bit(home, &written, LEAP_HOMES_MAX)
		if (spot->store.gen[home] == slab->homes.home[home].gen)
			leap_stats_add_server(slab->leases[home].server,
					      LEAP_FREED_PAGES, spot->nr);
}

/**
 * leap_spot_written - a store is over
 * @session: whose slabs
 * @spot: from leap_spot_to_write(); not valid any more
 * @written: copies that have been acknowledged as a whole, bit i for copy i
 *
 * Return: what has become of it.
 */
enum leap_stored leap_spot_written(struct leap_session *session,
				   const struct leap_spot *spot, u32 written)
{
	unsigned long flags, copies = spot->store.copies;
	struct leap_slab *slab = spot->slab;
	enum leap_stored stored;
	bool last = false;
	u32 home;

	spin_lock_irqsave(&session->map_lock, flags);
	stored = leap_copies_stored(&slab->copies[spot->chunk], &slab->homes,
				    spot->slot, spot->nr, &spot->store, written);
	if (stored == LEAP_STORED_SHORT)
		leap_slab_lacks(session, slab);
	if (stored == LEAP_STORED_LOCAL || stored == LEAP_STORED_NOWHERE)
		count_lost(spot, written & copies);
	for_each_set_bit(home, &copies, LEAP_HOMES_MAX)
		last |= leave(slab, home, &slab->leases[home].writes);
	spin_unlock_irqrestore(&session->map_lock, flags);
	if (last)
		wake_up(&session->spots_gone);
	return stored;
}

/**
 * leap_slab_reader - who would be asked for a slot?
 * @session: whose slabs
 * @place: of the slot
 *
 * Under map_lock.
 *
 * Return: the server, in service; NULL if there is none, or the swap device would.
 */
struct leap_server *leap_slab_reader(struct leap_session *session,
				     const struct leap_place *place)
{
	struct leap_slab *slab = slab_at(session, place->slab);
	struct leap_server *server;
	struct leap_spot spot;
	u32 nr = 1;
	int copy;

	fill_in(&spot, slab, place, nr);
	copy = leap_copies_choose(&slab->copies[spot.chunk], &slab->homes,
				  spot.slot, 0, spread(place), &nr);
	if (copy < 0 || copy == LEAP_COPY_DISK)
		return NULL;
	server = slab->leases[copy].server;
	return leap_server_live(server) ? server : NULL;
}

/**
 * leap_slab_free_slot - the data of a slot is not wanted any more
 * @session: whose slabs
 * @place: of the slot
 *
 * Under map_lock.
 */
void leap_slab_free_slot(struct leap_session *session,
			 const struct leap_place *place)
{
	struct leap_slab *slab = slab_at(session, place->slab);
	struct leap_spot spot;
	unsigned long where;
	u32 home;

	fill_in(&spot, slab, place, 1);
	where = leap_copies_where(&slab->copies[spot.chunk], &slab->homes,
				  spot.slot);
	leap_copies_free(&slab->copies[spot.chunk], spot.slot, 1);
	for_each_set_bit(home, &where, LEAP_HOMES_MAX)
		leap_stats_add_server(slab->leases[home].server,
				      LEAP_FREED_PAGES, 1);
}
