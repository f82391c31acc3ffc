// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of the homes of slabs when their server goes and comes back.
 *
 * Nothing is said about single slots here: policy/copies.c knows which of them
 * are right in a home, and that does not change while its server is away. When it
 * is back with its memory, the home is as good as before for all that was not
 * stored elsewhere or freed meanwhile. When it is back without, or has been away
 * for too long, the home gets a new generation, which makes all in it void, and
 * goes when the last request that has been counted there is over. What is missing
 * then is the business of repair.c.
 *
 * All under session->map_lock, which is let go between two slabs: a session may
 * have thousands, and interrupts are off. A server that is lost while others of its
 * slabs are looked at has another epoch, and each of these steps looks for that.
 */
#include "slab.h"

/* Until copies that were lost with a server are made up for elsewhere. */
#define REPAIR_DELAY	(2 * HZ)

/* Calls @fn for each home at a server. */
static void walk_homes(struct leap_server *server,
		       void (*fn)(struct leap_server *server, u32 nr, u32 home,
				  u32 arg), u32 arg)
{
	struct leap_session *session = server->session;
	struct leap_slab *slab;
	u32 nr, home;

	for (nr = 0; nr < READ_ONCE(session->map.top); nr++) {
		spin_lock_irq(&session->map_lock);
		slab = session->slabs[nr];
		for (home = 0; slab && home < LEAP_HOMES_MAX; home++)
			if (slab->homes.home[home].gen &&
			    slab->leases[home].server == server)
				fn(server, nr, home, arg);
		spin_unlock_irq(&session->map_lock);
	}
}

static void repair_after(struct leap_session *session, unsigned long delay)
{
	spin_lock_irq(&session->map_lock);
	session->repair_at = jiffies + delay;
	spin_unlock_irq(&session->map_lock);
}

static void lose(struct leap_server *server, u32 nr, u32 home, u32 arg)
{
	struct leap_session *session = server->session;
	struct leap_slab *slab = session->slabs[nr];
	struct leap_home *h = &slab->homes.home[home];

	if (h->health == LEAP_HEALTH_REMOVED)
		return;
	h->health = LEAP_HEALTH_LOST;
	session->nr_retiring -= h->retiring;
	slab->leases[home].recalled |= h->retiring && !slab->leases[home].surplus;
	slab->leases[home].surplus = false;
	h->retiring = false;
	leap_slab_lacks(session, slab);
	leap_slab_update(session, nr);
}

/**
 * leap_slab_server_lost - nothing can be read or written there any more
 * @server: which
 *
 * What was agreed on with it so far is not good for a later connection.
 */
void leap_slab_server_lost(struct leap_server *server)
{
	struct leap_session *session = server->session;

	spin_lock_irq(&session->map_lock);
	WRITE_ONCE(server->epoch, server->epoch + 1);
	server->recalls_open = 0;	/* it tells those again that it waits for */
	spin_unlock_irq(&session->map_lock);
	repair_after(session, REPAIR_DELAY);	/* it may be back soon */
	walk_homes(server, lose, 0);
}

static void resume(struct leap_server *server, u32 nr, u32 home, u32 epoch)
{
	struct leap_session *session = server->session;
	struct leap_slab *slab = session->slabs[nr];
	struct leap_lease *lease = &slab->leases[home];
	struct leap_home *h = &slab->homes.home[home];

	if (server->epoch != epoch || lease->epoch == epoch ||
	    h->health == LEAP_HEALTH_REMOVED)
		return;
	WRITE_ONCE(lease->epoch, epoch);
	h->health = server->leaving ? LEAP_HEALTH_DRAINING : LEAP_HEALTH_UP;
	/* If it was called back, the server still waits for it. */
	h->retiring = lease->recalled || server->leaving;
	lease->surplus = !h->retiring && leap_homes_surplus(&slab->homes);
	session->nr_retiring += h->retiring;
	leap_slab_lacks(session, slab);
	leap_slab_update(session, nr);
}

/**
 * leap_slab_server_back - what it has can be read and written again
 * @server: which
 * @epoch: of the connection; nothing happens if that has been lost already
 */
void leap_slab_server_back(struct leap_server *server, u32 epoch)
{
	walk_homes(server, resume, epoch);
	repair_after(server->session, 0);
	leap_move_kick(server->session);
}

/**
 * leap_slab_count_freed - what is right in a home is so no longer
 * @session: whose
 * @slab: which
 * @home: number of the home
 *
 * Under map_lock.
 */
void leap_slab_count_freed(struct leap_session *session,
			   const struct leap_slab *slab, u32 home)
{
	u32 chunk, nr = 0, i;

	if (!slab->homes.home[home].gen)
		return;
	for (chunk = 0; chunk < session->map.chunks_per_slab; chunk++) {
		const struct leap_copies *copies = &slab->copies[chunk];

		if (copies->gen[home] != slab->homes.home[home].gen)
			continue;
		for (i = 0; i < ARRAY_SIZE(copies->valid[home].word); i++)
			nr += hweight64(copies->valid[home].word[i]);
	}
	leap_stats_add_server(slab->leases[home].server, LEAP_FREED_PAGES, nr);
}

static void give_up(struct leap_server *server, u32 nr, u32 home)
{
	struct leap_session *session = server->session;
	struct leap_slab *slab = session->slabs[nr];

	leap_slab_count_freed(session, slab, home);
	leap_homes_forget(&slab->homes, home);
	slab->homes.home[home].health = LEAP_HEALTH_REMOVED;
	leap_slab_void_home(slab, home);
	leap_slab_lacks(session, slab);
	leap_slab_update(session, nr);
}

static void forget(struct leap_server *server, u32 nr, u32 home, u32 epoch)
{
	if (server->session->slabs[nr]->leases[home].epoch != epoch)
		give_up(server, nr, home);
}

/**
 * leap_slab_server_forget - what it had is gone, or is waited for no longer
 * @server: which
 * @epoch: of a connection; what was lent by that one stays
 */
void leap_slab_server_forget(struct leap_server *server, u32 epoch)
{
	walk_homes(server, forget, epoch);
}

static void set_health(struct leap_server *server, u32 nr, u32 home, u32 arg)
{
	struct leap_slab *slab = server->session->slabs[nr];
	u8 state = READ_ONCE(server->health.state);

	/* If it is lost by now, lose() is yet to come. */
	if (leap_health_readable(state) &&
	    slab->leases[home].epoch == server->epoch &&
	    slab->homes.home[home].health != LEAP_HEALTH_REMOVED)
		slab->homes.home[home].health = state;
}

/**
 * leap_slab_server_health - a server has become slow, or is so no longer
 * @server: which
 *
 * Called by housekeeping and its watch alone.
 */
void leap_slab_server_health(struct leap_server *server)
{
	walk_homes(server, set_health, 0);
}

static void tell_again(struct leap_server *server, u32 nr, u32 home, u32 arg)
{
	server->session->slabs[nr]->leases[home].reported = U32_MAX;
}

/**
 * leap_slab_server_report - a server must be told of all slabs anew
 * @server: which; leap_slab_next_report() has them
 */
void leap_slab_server_report(struct leap_server *server)
{
	walk_homes(server, tell_again, 0);
}

static void drain(struct leap_server *server, u32 nr, u32 home, u32 arg)
{
	struct leap_session *session = server->session;
	struct leap_home *h = &session->slabs[nr]->homes.home[home];

	/* A lost one is left when it is back, or spared, or forgotten. */
	if (!leap_health_readable(h->health))
		return;
	h->health = LEAP_HEALTH_DRAINING;
	session->slabs[nr]->leases[home].surplus = false;
	session->nr_retiring += !h->retiring;
	h->retiring = true;
	leap_slab_update(session, nr);
}

/**
 * leap_slab_server_drain - all slabs must leave a server, and none comes any more
 * @server: which
 */
void leap_slab_server_drain(struct leap_server *server)
{
	struct leap_session *session = server->session;

	spin_lock_irq(&session->map_lock);
	server->leaving = true;	/* what is lent from now on is not used */
	spin_unlock_irq(&session->map_lock);
	walk_homes(server, drain, 0);
	leap_move_kick(session);
}

static void spare(struct leap_server *server, struct leap_slab *slab, u32 nr)
{
	u32 home;

	for (home = 0; home < LEAP_HOMES_MAX; home++) {
		const struct leap_home *h = &slab->homes.home[home];

		if (h->gen && slab->leases[home].server == server &&
		    !leap_health_readable(h->health) &&
		    h->health != LEAP_HEALTH_REMOVED &&
		    !slab->lacking && !slab->moving &&
		    !leap_homes_missing(&slab->homes) &&
		    leap_slab_dispensable(server->session, slab, home))
			give_up(server, nr, home);
	}
}

/**
 * leap_slab_server_spare - a lost server's copies are not waited for
 * @server: which
 *
 * Those, that is, for which there are as many others as there should be, with
 * everything in them. What is left then waits for the server until its grace period
 * is over.
 */
void leap_slab_server_spare(struct leap_server *server)
{
	struct leap_session *session = server->session;
	u32 nr;

	/* One by one, since each takes a while with interrupts off. */
	for (nr = 0; nr < READ_ONCE(session->map.top); nr++) {
		spin_lock_irq(&session->map_lock);
		if (session->slabs[nr])
			spare(server, session->slabs[nr], nr);
		spin_unlock_irq(&session->map_lock);
	}
}

/**
 * leap_slab_server_empty - is nothing lent by a server any more?
 * @server: which
 *
 * Return: true if no lease refers to it.
 */
bool leap_slab_server_empty(struct leap_server *server)
{
	struct leap_session *session = server->session;
	bool empty = true;
	u32 nr, home;

	spin_lock_irq(&session->map_lock);
	for (nr = 0; empty && nr < session->map.top; nr++)
		for (home = 0; session->slabs[nr] && home < LEAP_HOMES_MAX; home++)
			empty &= session->slabs[nr]->leases[home].server != server;
	spin_unlock_irq(&session->map_lock);
	return empty;
}
