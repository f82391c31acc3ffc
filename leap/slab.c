// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs, and the homes that they are in.
 *
 * A slab is a part of the remote address space. Its bytes are in a home: memory
 * of one server, the lease. With replicas=N it has as many homes, on as many
 * servers, and one more while it moves; with backup=disk the swap device has a copy
 * of each slot, too. policy/copies.c knows for each slot which of them are right,
 * spot.c what is under way.
 *
 * All of this is under session->map_lock, which is never held while a server is
 * asked for something.
 */
#include <linux/random.h>
#include "slab.h"

static struct leap_slab *slab_at(struct leap_session *session, u32 nr)
{
	lockdep_assert_held(&session->map_lock);
	return session->slabs[nr];
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

/**
 * leap_slab_lacks - a slab has fewer copies of something than it should
 * @session: whose
 * @slab: which
 *
 * Under map_lock. The mover looks after it some time.
 */
void leap_slab_lacks(struct leap_session *session, struct leap_slab *slab)
{
	lockdep_assert_held(&session->map_lock);
	slab->lacking = true;
	WRITE_ONCE(session->lacking, true);
}

/* How many slabs each server may lend still. Returns how many of them may. */
static u32 survey(struct leap_session *session, u32 *room)
{
	u32 i, lenders = 0;

	for (i = 0; i < LEAP_SERVERS_MAX; i++) {
		struct leap_server *server = leap_session_server(session, i);

		room[i] = 0;
		if (server && leap_health_lends(READ_ONCE(server->health.state)))
			room[i] = min_t(u64, U32_MAX, READ_ONCE(server->capacity) >>
					session->slab_shift);
		lenders += room[i] > 0;
	}
	return lenders;
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
	u32 room[LEAP_SERVERS_MAX];
	struct leap_placer placer;
	int which;

	might_sleep();
	survey(session, room);
	leap_place_init(&placer, room, READ_ONCE(session->places),
			LEAP_PLACE_CHOICES, get_random_u64());
	for (;;) {
		which = leap_place_one(&placer, taken, nr_taken);
		if (which < 0)
			return -ENOSPC;
		memset(lease, 0, sizeof(*lease));
		lease->server = leap_session_server(session, which);
		if (lease->server &&
		    leap_server_epoch(lease->server, &lease->epoch) &&
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
 * Return: number of the home; -ESTALE the connection was lost meanwhile, and with it
 * what was lent, or the server is to be removed; -EAGAIN it has enough homes, for one
 * is back; -ENOSPC there is no room for another one.
 */
int leap_slab_add_home(struct leap_slab *slab, const struct leap_lease *lease)
{
	int home;

	lockdep_assert_held(&lease->server->session->map_lock);
	if (lease->epoch != lease->server->epoch || lease->server->leaving)
		return -ESTALE;
	if (!leap_homes_missing(&slab->homes))
		return -EAGAIN;
	/* If it has just been lost, leap_slab_server_lost() is yet to come. */
	home = leap_homes_add(&slab->homes, LEAP_HEALTH_UP);
	if (home >= 0)
		slab->leases[home] = *lease;
	return home;
}

static void put_all(struct leap_session *session, struct leap_lease *leases, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (leases[i].server && leap_server_live(leases[i].server))
			session->transport->slab_put(leases[i].server, &leases[i]);
}

/* Memory for each copy, from as many servers; all of it or none. */
static int lend_all(struct leap_session *session, struct leap_lease *leases)
{
	u32 taken[LEAP_REPLICAS_MAX], room[LEAP_SERVERS_MAX], i;
	int err;

	if (survey(session, room) < session->portal.replicas)
		return -ENOSPC;
	for (i = 0; i < session->portal.replicas; i++) {
		err = leap_slab_lend(session, taken, i, &leases[i]);
		if (err) {
			put_all(session, leases, i);
			return err;
		}
		taken[i] = leases[i].server->index;
	}
	return 0;
}

/* Returns an error if one of the leases is not good any more. */
static int put_in(struct leap_session *session, u32 nr, struct leap_slab *slab,
		  const struct leap_lease *leases)
{
	int err = 0;
	u32 i;

	spin_lock_irq(&session->map_lock);
	for (i = 0; err >= 0 && i < session->portal.replicas; i++)
		err = leap_slab_add_home(slab, &leases[i]);
	if (err >= 0) {
		session->slabs[nr] = slab;
		leap_slabmap_add(&session->map, nr);
		leap_slab_update(session, nr);
		for (i = 0; i < session->portal.replicas; i++)
			leap_move_look(leases[i].server);
	}
	spin_unlock_irq(&session->map_lock);
	return min(err, 0);
}

/**
 * leap_slab_borrow - take one more slab on loan
 * @session: whose
 *
 * Called by housekeeping alone. May sleep, bounded by the timeout.
 *
 * Return: 0; -ENOSPC there is none to lend, or not for all copies; -ESTALE a server
 * was just lost or is to be removed; -ENOMEM.
 */
int leap_slab_borrow(struct leap_session *session)
{
	struct leap_lease leases[LEAP_REPLICAS_MAX];
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
	leap_homes_init(&slab->homes, session->portal.replicas,
			session->portal.backup);
	err = lend_all(session, leases);
	if (!err) {
		err = put_in(session, nr, slab, leases);
		if (!err)
			return 0;
		put_all(session, leases, session->portal.replicas);
	}
	leap_slab_destroy(slab);
	return err;
}

/*
 * A home that is out of reach cannot be given back, and its server may just be
 * told that we have it.
 */
static bool is_away(const struct leap_slab *slab)
{
	u32 i;

	for (i = 0; i < LEAP_HOMES_MAX; i++)
		if (slab->homes.home[i].gen &&
		    slab->homes.home[i].health == LEAP_HEALTH_LOST)
			return true;
	return false;
}

/*
 * A load past the swap cache goes on when its slot is freed, for who zaps its page
 * does not wait for it. Then a slab that is empty is still in use.
 */
static bool is_in_use(const struct leap_slab *slab)
{
	u32 i;

	for (i = 0; i < LEAP_HOMES_MAX; i++)
		if (slab->leases[i].reads || slab->leases[i].writes)
			return true;
	return slab->disk_reads;
}

/* Takes a slab out if it is empty. */
static struct leap_slab *take_out(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab = slab_at(session, nr);
	u32 i;

	if (!slab || slab->moving || is_away(slab) || is_in_use(slab) ||
	    !leap_slabmap_remove(&session->map, nr))
		return NULL;
	session->slabs[nr] = NULL;
	for (i = 0; i < LEAP_HOMES_MAX; i++)
		session->nr_retiring -= slab->homes.home[i].gen &&
					slab->homes.home[i].retiring;
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
	struct leap_slab *slab;

	might_sleep();
	spin_lock_irq(&session->map_lock);
	slab = take_out(session, nr);
	spin_unlock_irq(&session->map_lock);
	if (!slab)
		return false;
	put_all(session, slab->leases, LEAP_HOMES_MAX);
	leap_slab_destroy(slab);
	return true;
}

/* The number of a home that can be written to, at a server that is not taken. */
static int usable_home(const struct leap_slab *slab, const u32 *taken, u32 nr_taken)
{
	u32 home, i;

	for (home = 0; home < LEAP_HOMES_MAX; home++) {
		if (!leap_homes_writable(&slab->homes, home))
			continue;
		for (i = 0; i < nr_taken; i++)
			if (taken[i] == slab->leases[home].server->index)
				break;
		if (i == nr_taken)
			return home;
	}
	return -ENOSPC;
}

/**
 * leap_slab_spare - take what was lent for an empty slab, for a home of another
 * @session: whose
 * @taken: numbers of servers that it must not be from
 * @nr_taken: how many
 * @lease: filled in
 *
 * For when nobody lends, maybe because all is on loan ahead of demand. May sleep,
 * bounded by the timeout.
 *
 * Return: 0, or -ENOSPC if there is no such slab.
 */
int leap_slab_spare(struct leap_session *session, const u32 *taken, u32 nr_taken,
		    struct leap_lease *lease)
{
	struct leap_slab *slab = NULL;
	u32 nr = READ_ONCE(session->map.top);
	int home;

	might_sleep();
	spin_lock_irq(&session->map_lock);
	while (!slab && nr--) {
		if (!slab_at(session, nr))
			continue;
		home = usable_home(slab_at(session, nr), taken, nr_taken);
		if (home >= 0)
			slab = take_out(session, nr);
	}
	spin_unlock_irq(&session->map_lock);
	if (!slab)
		return -ENOSPC;
	*lease = slab->leases[home];
	lease->surplus = false;
	memset(&slab->leases[home], 0, sizeof(*lease));
	put_all(session, slab->leases, LEAP_HOMES_MAX);
	leap_slab_destroy(slab);
	return 0;
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

/**
 * leap_slab_dispensable - is all that is in a home elsewhere, too?
 * @session: whose
 * @slab: which
 * @home: number of the home
 *
 * Under map_lock.
 *
 * Return: true if nothing would be lost with it, from what can be read now.
 */
bool leap_slab_dispensable(struct leap_session *session,
			   const struct leap_slab *slab, u32 home)
{
	u32 chunk;

	for (chunk = 0; chunk < session->map.chunks_per_slab; chunk++)
		if (leap_copies_alone(&slab->copies[chunk], &slab->homes, home))
			return false;
	return true;
}

/* Does the server know of it, as far as we know? */
static bool is_known(const struct leap_home *home, bool before)
{
	return home->gen && (before ? home->health == LEAP_HEALTH_LOST :
			     leap_health_readable(home->health));
}

/* A lease of the slab whose server has heard of another number of pages. */
static struct leap_lease *unreported(struct leap_slab *slab,
				     struct leap_server *server, bool before,
				     u32 used)
{
	u32 i;

	for (i = 0; i < LEAP_HOMES_MAX; i++)
		if (slab->leases[i].server == server &&
		    slab->leases[i].reported != used &&
		    is_known(&slab->homes.home[i], before))
			return &slab->leases[i];
	return NULL;
}

/**
 * leap_slab_next_report - what does a server not know yet?
 * @server: the server
 * @before: of what it had before it was lost; or of what it has
 * @nr: number of the slab to begin with; set to the next one
 * @remote_id: set to the server's number of a slab
 * @used: set to its pages in use, of which the server is told now
 *
 * A server that hears of a slab that it has not lent takes us for mad. So these
 * two are kept apart, and what was forgotten is not told at all.
 *
 * Return: false if it knows all.
 */
bool leap_slab_next_report(struct leap_server *server, bool before, u32 *nr,
			   u32 *remote_id, u32 *used)
{
	struct leap_session *session = server->session;
	struct leap_lease *lease = NULL;

	spin_lock_irq(&session->map_lock);
	for (; !lease && *nr < session->map.top; ++*nr) {
		*used = session->uses[*nr].pages;
		if (slab_at(session, *nr))
			lease = unreported(slab_at(session, *nr), server, before,
					   *used);
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
