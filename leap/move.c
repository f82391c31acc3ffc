// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs that must leave a server, because it has called them back or is to be removed,
 * or need not stay there, because what it had was made up for while it was away.
 *
 * Its home there retires: nothing new is written to it. Then one of these:
 *
 *	it is empty	it is given back at once
 *	it can move	another server lends a second home, or has lent one that is
 *			empty, and what the old one has is copied there, piece by
 *			piece, while the program goes on
 *	it cannot	its pages are read home like those of a session that ends;
 *			reclaim writes them to the swap device, and it is empty
 *
 * Who owns a slot meanwhile. A slot is read from the old home until the new one
 * has all of its bytes, and from the new one after that. A store writes to the
 * new home alone; if just then the slot is being copied, it does not go remote at
 * all, for the old bytes might arrive there after the new ones. What was stored
 * or freed while it was copied does not become valid by that. policy/copies.c has
 * the rules, and each step of it is one hold of session->map_lock.
 *
 * The old home is given back when no store is under way there, then nothing is
 * left that it alone has, then no load is under way there: in that order, for
 * each of these could bring back what comes before it otherwise.
 *
 * When it has done that, it lets repair.c make up for copies that are missing.
 *
 * Neither the mover nor reading home runs on leap_wq. Both wait for requests, and
 * what ends those of a lost server is work on leap_wq: when no memory is left for
 * another worker there, it must not be behind one of them. Nobody who needs memory
 * waits for slabs to move. But housekeeping waits for the control messages that
 * the mover sends, so the mover must not wait for stores by an allocation either.
 */
#include <linux/sched/mm.h>
#include "io.h"

/* Until something is tried again that could not be done. */
#define AGAIN		max(HZ / 4, 1)
#define SOON		max(HZ / 20, 1)

/* On this connection: on an earlier one the number may have been another slab's. */
static bool is_lease_of(const struct leap_lease *lease,
			const struct leap_server *server, u32 remote_id)
{
	return lease->server == server && lease->epoch == server->epoch &&
	       lease->remote_id == remote_id;
}

/* Under map_lock: the server's slab of that number. Returns whether it is there. */
static bool retire(struct leap_server *server, u32 remote_id)
{
	struct leap_session *session = server->session;
	bool found = false;
	u32 nr, i;

	for (nr = 0; nr < session->map.top; nr++) {
		struct leap_slab *slab = session->slabs[nr];

		for (i = 0; slab && i < LEAP_HOMES_MAX; i++) {
			struct leap_home *home = &slab->homes.home[i];

			if (!home->gen ||
			    !is_lease_of(&slab->leases[i], server, remote_id))
				continue;
			found = true;
			slab->leases[i].surplus = false;
			if (home->retiring)
				continue;
			home->retiring = true;
			session->nr_retiring++;
			leap_slab_update(session, nr);
			leap_stats_add(server, LEAP_RECALLED_SLABS, 1);
		}
	}
	return found;
}

/**
 * leap_move_note - find the slabs that were called back
 * @session: whose
 *
 * One that is not there was lent just now and is about to be, see leap_move_look();
 * or it is being given back, see leap_move_forget(); or its server is just coming
 * back, see leap_slab_server_back(). A server has no more recalls open than there is
 * room for, so the mover does this often.
 */
void leap_move_note(struct leap_session *session)
{
	unsigned int i, bit;

	spin_lock_irq(&session->map_lock);
	for (i = 0; i < session->places; i++) {
		struct leap_server *server = session->servers[i];

		if (!server)
			continue;
		for_each_set_bit(bit, &server->recalls_open, LEAP_RECALLS_MAX)
			if (retire(server, server->recalls[bit]))
				__clear_bit(bit, &server->recalls_open);
	}
	spin_unlock_irq(&session->map_lock);
}

static bool is_retiring(const struct leap_slab *slab)
{
	u32 i;

	for (i = 0; i < LEAP_HOMES_MAX; i++)
		if (slab->homes.home[i].gen && slab->homes.home[i].retiring)
			return true;
	return false;
}

/* A slab that must leave a server that is there; it is ours until let_go(). */
static struct leap_slab *seize(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab;

	spin_lock_irq(&session->map_lock);
	slab = session->slabs[nr];
	if (slab && !is_retiring(slab))
		slab = NULL;
	if (slab)
		slab->moving = true;
	spin_unlock_irq(&session->map_lock);
	return slab;
}

static void let_go(struct leap_session *session, struct leap_slab *slab)
{
	spin_lock_irq(&session->map_lock);
	slab->moving = false;
	spin_unlock_irq(&session->map_lock);
}

/*
 * A home that can be written to, if there are as many as there should be; if not,
 * the servers that it has.
 */
static int find_home(struct leap_session *session, struct leap_slab *slab,
		     u32 *taken, u32 *nr_taken)
{
	int home = -ENOSPC;
	u32 i;

	*nr_taken = 0;
	spin_lock_irq(&session->map_lock);
	for (i = 0; i < LEAP_HOMES_MAX; i++) {
		if (leap_homes_writable(&slab->homes, i))
			home = i;
		if (slab->leases[i].server)
			taken[(*nr_taken)++] = slab->leases[i].server->index;
	}
	if (leap_homes_missing(&slab->homes))
		home = -ENOSPC;
	spin_unlock_irq(&session->map_lock);
	return home;
}

/* It was to go only as there were enough others; one of these may have been lost. */
static void stay_if_needed(struct leap_session *session, u32 nr,
			   struct leap_slab *slab, u32 home)
{
	struct leap_home *h = &slab->homes.home[home];

	lockdep_assert_held(&session->map_lock);
	if (!h->retiring || !slab->leases[home].surplus ||
	    !leap_homes_missing(&slab->homes))
		return;
	slab->leases[home].surplus = false;
	h->retiring = false;
	session->nr_retiring--;
	leap_slab_lacks(session, slab);
	leap_slab_update(session, nr);
}

/* Looks for such homes before anything is done about those that retire. */
static void keep_needed(struct leap_session *session, u32 nr, struct leap_slab *slab)
{
	u32 home;

	spin_lock_irq(&session->map_lock);
	for (home = 0; home < LEAP_HOMES_MAX; home++)
		if (slab->homes.home[home].gen)
			stay_if_needed(session, nr, slab, home);
	spin_unlock_irq(&session->map_lock);
}

static int add_home(struct leap_session *session, u32 nr, struct leap_slab *slab,
		    const struct leap_lease *lease)
{
	int home;

	spin_lock_irq(&session->map_lock);
	home = leap_slab_add_home(slab, lease);
	if (home >= 0)
		leap_slab_update(session, nr);
	spin_unlock_irq(&session->map_lock);
	return home;
}

/**
 * leap_move_new_home - find a home that can be written to, or get one
 * @session: whose
 * @nr: number of the slab
 * @slab: which; the mover has it
 *
 * Called by the mover alone. May sleep, bounded by the timeout.
 *
 * Return: number of the home; -ENOSPC it lacks one, and nobody lends any.
 */
int leap_move_new_home(struct leap_session *session, u32 nr, struct leap_slab *slab)
{
	u32 taken[LEAP_HOMES_MAX], nr_taken;
	struct leap_lease lease;
	int home = find_home(session, slab, taken, &nr_taken);

	if (home >= 0)
		return home;
	if (leap_slab_lend(session, taken, nr_taken, &lease) &&
	    leap_slab_spare(session, taken, nr_taken, &lease))
		return -ENOSPC;
	home = add_home(session, nr, slab, &lease);
	if (home >= 0)
		return home;
	session->transport->slab_put(lease.server, &lease);
	return find_home(session, slab, taken, &nr_taken);
}

/* Nothing is read from there any more, if everything is elsewhere, too. */
static bool abandon_home(struct leap_session *session, u32 nr,
			 struct leap_slab *slab, u32 home)
{
	bool leave;

	spin_lock_irq(&session->map_lock);
	stay_if_needed(session, nr, slab, home);
	/* Not so if it was lost meanwhile: its server may have been told of it. */
	leave = slab->homes.home[home].retiring &&
		leap_slab_dispensable(session, slab, home);
	if (leave) {
		leap_slab_count_freed(session, slab, home);
		session->nr_retiring--;
		leap_homes_remove(&slab->homes, home);
		if (leap_homes_missing(&slab->homes))
			leap_slab_lacks(session, slab);
		leap_slab_update(session, nr);
	}
	spin_unlock_irq(&session->map_lock);
	return leave;
}

static void give_back(struct leap_session *session, struct leap_slab *slab, u32 home)
{
	struct leap_lease *lease = &slab->leases[home], gone;

	wait_event(session->spots_gone, !READ_ONCE(lease->reads));
	spin_lock_irq(&session->map_lock);
	gone = *lease;
	memset(lease, 0, sizeof(*lease));
	spin_unlock_irq(&session->map_lock);
	if (gone.server && leap_server_live(gone.server))
		session->transport->slab_put(gone.server, &gone);
}

static void note_lacking(struct leap_session *session, struct leap_slab *slab)
{
	spin_lock_irq(&session->map_lock);
	leap_slab_lacks(session, slab);
	spin_unlock_irq(&session->map_lock);
}

/*
 * Empties all homes that retire into those that do not, or gives back
 * those that are empty if there are none. Each of these has to have all by then: it
 * is no use that another one has, if that is the only one left.
 */
static void move(struct leap_session *session, u32 nr, struct leap_slab *slab)
{
	u32 home;

	for (home = 0; home < LEAP_HOMES_MAX; home++) {
		if (!slab->homes.home[home].gen || !slab->homes.home[home].retiring)
			continue;
		/* No new one begins, so that nothing is stored there after this. */
		wait_event(session->spots_gone, !READ_ONCE(slab->leases[home].writes));
		if (leap_fill_homes(session, slab, false)) {
			note_lacking(session, slab);
			keep_needed(session, nr, slab);
			return;
		}
		if (abandon_home(session, nr, slab, home))
			give_back(session, slab, home);
	}
}

static bool retire_surplus(struct leap_session *session, u32 nr,
			   struct leap_slab *slab)
{
	bool found = false;
	u32 i;

	spin_lock_irq(&session->map_lock);
	for (i = 0; i < LEAP_HOMES_MAX; i++) {
		struct leap_lease *lease = &slab->leases[i];

		if (!slab->homes.home[i].gen || !lease->surplus ||
		    slab->homes.home[i].retiring)
			continue;
		lease->surplus = leap_homes_surplus(&slab->homes);
		if (!lease->surplus)
			continue;
		slab->homes.home[i].retiring = true;
		session->nr_retiring++;
		found = true;
	}
	leap_slab_update(session, nr);
	spin_unlock_irq(&session->map_lock);
	return found;
}

/**
 * leap_move_surplus - leave a home that was made up for while it was away
 * @session: whose
 * @nr: number of the slab
 * @slab: which; the mover has it
 *
 * Unless it is needed after all, for another one has been lost since. Until then it
 * is a home like the others. Called by the mover alone. May sleep.
 */
void leap_move_surplus(struct leap_session *session, u32 nr, struct leap_slab *slab)
{
	if (retire_surplus(session, nr, slab))
		move(session, nr, slab);
}

static void move_slab(struct leap_session *session, u32 nr)
{
	struct leap_slab *slab;
	int home;

	slab = seize(session, nr);
	if (!slab)
		return;
	if (leap_slabmap_empty(&session->map, nr)) {
		let_go(session, slab);
		if (leap_slab_return(session, nr))
			return;
		slab = seize(session, nr);	/* it is not, or a home is away */
		if (!slab)
			return;
	}
	keep_needed(session, nr, slab);
	home = leap_move_new_home(session, nr, slab);
	move(session, nr, slab);
	let_go(session, slab);
	if (home < 0)
		queue_delayed_work(system_unbound_wq, &session->homing, 0);
}

static void move_work(struct work_struct *work)
{
	struct leap_session *session =
		container_of(work, struct leap_session, mover.work);
	unsigned int noio = memalloc_noio_save();	/* see the top of this file */
	u32 nr;

	leap_move_note(session);
	for (nr = 0; READ_ONCE(session->nr_retiring) &&
	     !leap_move_must_end(session) &&
	     nr < READ_ONCE(session->map.top); nr++)
		move_slab(session, nr);
	leap_move_note(session);
	leap_repair(session);
	if (READ_ONCE(session->nr_retiring))
		queue_delayed_work(system_unbound_wq, &session->mover, AGAIN);
	memalloc_noio_restore(noio);
}

static void homing_work(struct work_struct *work)
{
	struct leap_session *session =
		container_of(work, struct leap_session, homing.work);

	leap_home_bring_slabs(session);
	/* It gives back what is empty now, and comes again for what is not. */
	mod_delayed_work(system_unbound_wq, &session->mover, SOON);
}

/**
 * leap_move_recall - a server wants a slab back
 * @server: which
 * @epoch: of the connection that it has said so on
 * @remote_id: its number of the slab
 *
 * Any context.
 */
void leap_move_recall(struct leap_server *server, u32 epoch, u32 remote_id)
{
	struct leap_session *session = server->session;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&session->map_lock, flags);
	if (epoch == server->epoch) {
		i = server->next_recall++ % LEAP_RECALLS_MAX;
		server->recalls[i] = remote_id;
		__set_bit(i, &server->recalls_open);
		WRITE_ONCE(server->capacity, 0);
	}
	spin_unlock_irqrestore(&session->map_lock, flags);
	/* A server that calls without end does not keep the mover busy. */
	queue_delayed_work(system_unbound_wq, &session->mover, SOON);
}

/**
 * leap_move_recall_none - a server has just proved to be the right one
 * @server: which
 *
 * Whatever was called back by its address before may have been called by another. A
 * server knows by now of nothing that it has lent us, or says it again later.
 */
void leap_move_recall_none(struct leap_server *server)
{
	spin_lock_irq(&server->session->map_lock);
	server->recalls_open = 0;
	spin_unlock_irq(&server->session->map_lock);
}

/**
 * leap_move_look - a slab is there that may have been called back before
 * @server: whose
 *
 * Under map_lock.
 */
void leap_move_look(struct leap_server *server)
{
	lockdep_assert_held(&server->session->map_lock);
	if (server->recalls_open)
		leap_move_kick(server->session);
}

/**
 * leap_move_forget - a slab has been given back
 * @lease: what it was, on the connection that it was given back on
 *
 * Its server may have called it back before it knew. May sleep.
 */
void leap_move_forget(const struct leap_lease *lease)
{
	struct leap_server *server = lease->server;
	struct leap_session *session = server->session;
	unsigned int bit;

	spin_lock_irq(&session->map_lock);
	for_each_set_bit(bit, &server->recalls_open, LEAP_RECALLS_MAX)
		if (is_lease_of(lease, server, server->recalls[bit]))
			__clear_bit(bit, &server->recalls_open);
	spin_unlock_irq(&session->map_lock);
}

/**
 * leap_move_kick - there is something for the mover to do
 * @session: whose
 *
 * Any context. Nothing happens if the session ends.
 */
void leap_move_kick(struct leap_session *session)
{
	mod_delayed_work(system_unbound_wq, &session->mover, 0);
}

/**
 * leap_move_init - get ready
 * @session: being created
 *
 * Return: 0 or -ENOMEM.
 */
int leap_move_init(struct leap_session *session)
{
	INIT_DELAYED_WORK(&session->mover, move_work);
	INIT_DELAYED_WORK(&session->homing, homing_work);
	init_waitqueue_head(&session->spots_gone);
	session->bounce = leap_fill_bounce();
	return session->bounce ? 0 : -ENOMEM;
}

/**
 * leap_move_stop - no slab moves any more, for good
 * @session: draining; its requests can still be made
 */
void leap_move_stop(struct leap_session *session)
{
	disable_delayed_work_sync(&session->homing);
	disable_delayed_work_sync(&session->mover);
}

/**
 * leap_move_exit - the reverse of leap_move_init(), after leap_move_stop()
 * @session: whose
 */
void leap_move_exit(struct leap_session *session)
{
	folio_put(session->bounce);
}
