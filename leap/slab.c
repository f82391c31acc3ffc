// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs, and the homes that they are in.
 *
 * A slab is a part of the remote address space. Its bytes are in a home: memory
 * of one server, the lease. While it moves it has two, and policy/copies.c knows
 * for each slot which of them is right. A request is for a spot, some slots in
 * one home: leap_spot_to_write() and leap_spot_to_read() count it there, and
 * until leap_spot_written() or leap_spot_read() that home is not given back.
 *
 * All of this is under session->map_lock. What a lease says does not change while
 * a request is counted there, so that its owner may look without the lock. The
 * lock is never held while a server is asked for something.
 */
#include <linux/random.h>
#include "leap.h"

static struct leap_slab *slab_at(struct leap_session *session, u32 nr)
{
	lockdep_assert_held(&session->map_lock);
	return session->slabs[nr];
}

static void fill_in(struct leap_spot *spot, struct leap_slab *slab,
		    const struct leap_place *place, unsigned int nr)
{
	spot->slab = slab;
	spot->chunk = place->page >> LEAP_CHUNK_SHIFT;
	spot->slot = place->page & (LEAP_CHUNK_PAGES - 1);
	spot->nr = nr;
}

/**
 * leap_spot_addr - where is it?
 * @spot: that a request is counted for
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
	u32 copies;

	fill_in(spot, slab, place, nr);
	copies = leap_copies_store(&slab->copies[spot->chunk], &slab->homes,
				   spot->slot, nr, &spot->store);
	if (!copies)
		return session->uses[place->slab].closed ? -ENOTCONN : -EBUSY;
	spot->home = __ffs(copies);
	leap_spot_lease(spot)->writes++;
	return 0;
}

/**
 * leap_spot_to_read - a load begins
 * @session: whose slabs
 * @place: of the first slot
 * @nr: slots
 * @spot: filled in
 *
 * Slots that are not all in the same home cannot be read in one piece, and are
 * not: nobody asks for more than one where slabs move.
 *
 * Return: 0, -ENODATA there is nothing, -EIO it cannot be reached.
 */
int leap_spot_to_read(struct leap_session *session,
		      const struct leap_place *place, unsigned int nr,
		      struct leap_spot *spot)
{
	struct leap_slab *slab = slab_at(session, place->slab);
	u32 piece = nr;
	int copy;

	fill_in(spot, slab, place, nr);
	copy = leap_copies_choose(&slab->copies[spot->chunk], &slab->homes,
				  spot->slot, 0, 0, &piece);
	if (copy < 0)
		return copy;
	if (piece < nr)
		return -EIO;
	spot->home = copy;
	leap_spot_lease(spot)->reads++;
	return 0;
}

/**
 * leap_slab_void_home - a home with nothing in it goes, if no request is there
 * @slab: whose
 * @home: its number
 *
 * Under map_lock. Whoever ends the last request comes here, too.
 */
void leap_slab_void_home(struct leap_slab *slab, u32 home)
{
	struct leap_lease *lease = &slab->leases[home];

	if (lease->reads || lease->writes ||
	    slab->homes.home[home].health != LEAP_HEALTH_REMOVED)
		return;
	leap_homes_remove(&slab->homes, home);
	memset(lease, 0, sizeof(*lease));
}

/* A request is over; under the lock. Returns whether somebody waits for that. */
static bool leave(const struct leap_spot *spot, u32 *requests)
{
	const struct leap_home *home = &spot->slab->homes.home[spot->home];
	bool last = !--*requests && (home->retiring || !home->gen);

	leap_slab_void_home(spot->slab, spot->home);
	return last;
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
	last = leave(spot, &leap_spot_lease(spot)->reads);
	spin_unlock_irqrestore(&session->map_lock, flags);
	if (last)
		wake_up(&session->spots_gone);
}

/**
 * leap_spot_written - a store is over
 * @session: whose slabs
 * @spot: from leap_spot_to_write(); not valid any more
 * @written: the server has acknowledged all of it
 *
 * Return: true if the slots can be read from there now. If not, they cannot be
 * read from anywhere.
 */
bool leap_spot_written(struct leap_session *session,
		       const struct leap_spot *spot, bool written)
{
	struct leap_slab *slab = spot->slab;
	enum leap_stored stored;
	unsigned long flags;
	bool last;

	spin_lock_irqsave(&session->map_lock, flags);
	stored = leap_copies_stored(&slab->copies[spot->chunk], &slab->homes,
				    spot->slot, spot->nr, &spot->store,
				    written ? spot->store.copies : 0);
	last = leave(spot, &leap_spot_lease(spot)->writes);
	spin_unlock_irqrestore(&session->map_lock, flags);
	if (last)
		wake_up(&session->spots_gone);
	return stored != LEAP_STORED_NOWHERE;
}

/**
 * leap_slab_reader - who would be asked for a slot?
 * @session: whose slabs
 * @place: of the slot
 *
 * Under map_lock.
 *
 * Return: the server, in service; or NULL.
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
				  spot.slot, 0, 0, &nr);
	if (copy < 0)
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
 *
 * Return: who had it, or NULL.
 */
struct leap_server *leap_slab_free_slot(struct leap_session *session,
					const struct leap_place *place)
{
	struct leap_slab *slab = slab_at(session, place->slab);
	struct leap_spot spot;
	u32 where;

	fill_in(&spot, slab, place, 1);
	where = leap_copies_where(&slab->copies[spot.chunk], &slab->homes,
				  spot.slot);
	leap_copies_free(&slab->copies[spot.chunk], spot.slot, 1);
	return where ? slab->leases[__ffs(where)].server : NULL;
}

/**
 * leap_slab_lend - borrow memory for a home
 * @session: whose
 * @taken: numbers of servers that it must not be from
 * @nr_taken: how many
 * @lease: filled in
 *
 * May sleep, bounded by the timeout for each server.
 *
 * Return: 0, or -ENOSPC if nobody lends.
 */
int leap_slab_lend(struct leap_session *session, const u32 *taken, u32 nr_taken,
		   struct leap_lease *lease)
{
	u32 nr = session->portal.nr_servers, i;
	u32 room[LEAP_SERVERS_MAX] = {};
	struct leap_placer placer;
	int which;

	might_sleep();
	for (i = 0; i < nr; i++) {
		struct leap_server *server = session->servers[i];

		if (server &&
		    leap_health_lends(READ_ONCE(server->health.state)))
			room[i] = min_t(u64, U32_MAX, READ_ONCE(server->capacity) >>
					session->slab_shift);
	}
	leap_place_init(&placer, room, nr, LEAP_PLACE_CHOICES, get_random_u64());
	for (;;) {
		which = leap_place_one(&placer, taken, nr_taken);
		if (which < 0)
			return -ENOSPC;
		memset(lease, 0, sizeof(*lease));
		lease->server = session->servers[which];
		if (leap_server_epoch(lease->server, &lease->epoch) &&
		    !session->transport->slab_get(lease->server, lease))
			return 0;
		room[which] = 0;
	}
}

/**
 * leap_slab_update - a home of a slab has changed
 * @session: whose
 * @nr: number of the slab
 *
 * Under map_lock. A slab that cannot be written to gets nothing new.
 */
void leap_slab_update(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab = slab_at(session, nr);
	u32 i;

	for (i = 0; i < LEAP_HOMES_MAX; i++) {
		if (leap_homes_writable(&slab->homes, i)) {
			leap_slabmap_open(&session->map, nr);
			return;
		}
	}
	leap_slabmap_close(&session->map, nr);
}

/**
 * leap_slab_homeless - must a slab be left, with nowhere to go?
 * @session: whose
 * @nr: number of the slab
 *
 * Under map_lock.
 *
 * Return: true if a home was called back and no other can be written to.
 */
bool leap_slab_homeless(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab = slab_at(session, nr);
	bool retiring = false;
	u32 i;

	for (i = 0; i < LEAP_HOMES_MAX; i++)
		retiring |= slab->homes.home[i].gen && slab->homes.home[i].retiring;
	return retiring && session->uses[nr].closed;
}

static struct leap_slab *slab_create(struct leap_session *session)
{
	u32 chunks = session->map.chunks_per_slab;
	struct leap_slab *slab;

	slab = kvzalloc(struct_size(slab, copies, chunks), GFP_KERNEL);
	if (!slab || !session->portal.verify)
		return slab;
	slab->sums = kvmalloc_array(chunks, LEAP_CHUNK_PAGES * sizeof(u32),
				    GFP_KERNEL);
	if (slab->sums)
		return slab;
	kvfree(slab);
	return NULL;
}

/**
 * leap_slab_destroy - forget a slab
 * @slab: which nobody can find any more; its leases have been given back
 */
void leap_slab_destroy(struct leap_slab *slab)
{
	if (slab)
		kvfree(slab->sums);
	kvfree(slab);
}

/**
 * leap_slab_add_home - a slab gets what was lent for it
 * @slab: which
 * @lease: from leap_slab_lend()
 *
 * Under map_lock; leap_slab_update() has to follow.
 *
 * Return: number of the home; -ENOSPC it has too many, -ESTALE the connection was
 * lost meanwhile, and with it what was lent.
 */
int leap_slab_add_home(struct leap_slab *slab, const struct leap_lease *lease)
{
	int home;

	lockdep_assert_held(&lease->server->session->map_lock);
	if (lease->epoch != lease->server->epoch)
		return -ESTALE;
	/* If it has just been lost, leap_slab_server_lost() is yet to come. */
	home = leap_homes_add(&slab->homes, LEAP_HEALTH_UP);
	if (home >= 0)
		slab->leases[home] = *lease;
	return home;
}

/**
 * leap_slab_borrow - take one more slab on loan
 * @session: whose
 *
 * Called by housekeeping alone. May sleep, bounded by the timeout.
 *
 * Return: 0; -ENOSPC nobody has one to lend, -ENOMEM.
 */
int leap_slab_borrow(struct leap_session *session)
{
	struct leap_lease lease;
	struct leap_slab *slab;
	int nr, err;

	spin_lock_irq(&session->map_lock);
	nr = leap_slabmap_vacant(&session->map);
	spin_unlock_irq(&session->map_lock);
	if (nr < 0)
		return nr;
	slab = slab_create(session);
	if (!slab)
		return -ENOMEM;
	leap_homes_init(&slab->homes, 1, false);
	err = leap_slab_lend(session, NULL, 0, &lease);
	if (err)
		goto destroy;
	spin_lock_irq(&session->map_lock);
	err = leap_slab_add_home(slab, &lease);
	if (err >= 0) {
		session->slabs[nr] = slab;
		leap_slabmap_add(&session->map, nr);
		leap_slab_update(session, nr);
	}
	spin_unlock_irq(&session->map_lock);
	if (err >= 0)
		return 0;
destroy:
	leap_slab_destroy(slab);
	return err;
}

/* Takes an empty slab out. */
static struct leap_slab *take_out(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab;
	u32 i;

	spin_lock_irq(&session->map_lock);
	slab = slab_at(session, nr);
	if (slab && (slab->moving || !leap_slabmap_remove(&session->map, nr)))
		slab = NULL;
	if (slab)
		session->slabs[nr] = NULL;
	for (i = 0; slab && i < LEAP_HOMES_MAX; i++)
		session->nr_retiring -= slab->homes.home[i].gen &&
					slab->homes.home[i].retiring;
	spin_unlock_irq(&session->map_lock);
	return slab;
}

/**
 * leap_slab_return - give an empty slab back
 * @session: whose
 * @nr: its number; nothing happens if it is in use again
 *
 * May sleep, bounded by the timeout.
 *
 * Return: true if it is gone.
 */
bool leap_slab_return(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab = take_out(session, nr);
	u32 i;

	might_sleep();
	if (!slab)
		return false;
	for (i = 0; i < LEAP_HOMES_MAX; i++) {
		struct leap_lease *lease = &slab->leases[i];

		if (lease->server && leap_server_live(lease->server))
			session->transport->slab_put(lease->server, lease);
	}
	leap_slab_destroy(slab);
	return true;
}

/**
 * leap_slab_idle - has a slab been empty for long?
 * @session: whose
 * @nr: its number
 * @linger: how long, in jiffies
 *
 * To be asked now and then, or it is not noticed how long.
 *
 * Return: true if so.
 */
bool leap_slab_idle(struct leap_session *session, u32 nr, unsigned long linger)
{
	struct leap_slab *slab;
	bool idle = false;

	spin_lock_irq(&session->map_lock);
	slab = slab_at(session, nr);
	if (slab && !leap_slabmap_empty(&session->map, nr)) {
		slab->empty_since = 0;
	} else if (slab) {
		if (!slab->empty_since)
			slab->empty_since = jiffies | 1;
		idle = time_after(jiffies, slab->empty_since + linger);
	}
	spin_unlock_irq(&session->map_lock);
	return idle;
}

/* A lease of the slab whose server has heard of another number of pages. */
static struct leap_lease *unreported(struct leap_slab *slab,
				     struct leap_server *server, u32 used)
{
	u32 i;

	for (i = 0; i < LEAP_HOMES_MAX; i++)
		if (slab->homes.home[i].gen && slab->leases[i].server == server &&
		    slab->leases[i].reported != used)
			return &slab->leases[i];
	return NULL;
}

/**
 * leap_slab_next_report - what does a server not know yet?
 * @server: the server
 * @nr: number of the slab to begin with; set to the next one
 * @remote_id: set to the server's number of a slab
 * @used: set to its pages in use, of which the server is told now
 *
 * Return: false if it knows all.
 */
bool leap_slab_next_report(struct leap_server *server, u32 *nr, u32 *remote_id,
			   u32 *used)
{
	struct leap_session *session = server->session;
	struct leap_lease *lease = NULL;

	spin_lock_irq(&session->map_lock);
	for (; !lease && *nr < session->map.top; ++*nr) {
		*used = session->uses[*nr].pages;
		if (slab_at(session, *nr))
			lease = unreported(slab_at(session, *nr), server, *used);
	}
	if (lease) {
		lease->reported = *used;
		*remote_id = lease->remote_id;
	}
	spin_unlock_irq(&session->map_lock);
	return lease;
}

/**
 * leap_slab_show - what is on loan, as "key value" lines
 * @session: whose, or NULL
 * @server: from whom, or NULL for all
 * @buf: a page of sysfs
 * @at: where to go on in it
 *
 * Return: bytes written.
 */
ssize_t leap_slab_show(struct leap_session *session, struct leap_server *server,
		       char *buf, int at)
{
	u64 leases = 0, retiring = 0;
	unsigned long flags;
	u32 nr, i;

	if (!session)
		return sysfs_emit_at(buf, at, "slabs 0\nslab_bytes 0\nretiring_slabs 0\n");
	spin_lock_irqsave(&session->map_lock, flags);
	for (nr = 0; nr < session->map.top; nr++) {
		struct leap_slab *slab = slab_at(session, nr);

		for (i = 0; slab && i < LEAP_HOMES_MAX; i++) {
			const struct leap_lease *lease = &slab->leases[i];

			if (!lease->server || (server && server != lease->server))
				continue;
			leases++;
			retiring += slab->homes.home[i].retiring;
		}
	}
	spin_unlock_irqrestore(&session->map_lock, flags);
	return sysfs_emit_at(buf, at, "slabs %llu\nslab_bytes %llu\nretiring_slabs %llu\n",
			     leases, leases << session->slab_shift, retiring);
}
