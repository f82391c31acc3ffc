// SPDX-License-Identifier: GPL-2.0
/*
 * What must be done now and then, away from the swap path: borrow slabs ahead
 * of demand, since a store cannot wait for a server to find memory; return the
 * ones that have run empty; ping; notice requests that are overdue.
 *
 * One work item on leap_wq, which has a rescuer, does all that takes messages, so
 * that no two of these steps run at the same time. Another one starts requests that
 * could not be started before and looks for those that are overdue, and waits for
 * nobody: a server that takes its time over messages does not keep the loss of another
 * from being noticed.
 */
#include <linux/sched/mm.h>
#include "slab.h"

/*
 * How often, how soon if something is to be tried again, and how long a slab
 * stays empty before it goes back.
 */
#define LEAP_TICK	HZ
#define LEAP_RETRY	max(HZ / 100, 1)
#define LEAP_LINGER	(2 * HZ)

static unsigned long tick(struct leap_session *session)
{
	unsigned long timeout = msecs_to_jiffies(session->portal.timeout_ms);

	return clamp(timeout / 4, 1, LEAP_TICK);
}

/* Free chunks to keep. */
static u32 spare_chunks(struct leap_session *session)
{
	return max(LEAP_SPARE_SLABS * session->map.chunks_per_slab,
		   LEAP_SPARE_CHUNKS);
}

/*
 * Borrow until enough slabs are there, or no more can be had. Not more than that
 * at a time, or a server that calls back what it has just lent keeps us here.
 */
static void grow(struct leap_session *session)
{
	u32 spare = spare_chunks(session);
	u32 most = DIV_ROUND_UP(spare, session->map.chunks_per_slab);

	WRITE_ONCE(session->exhausted, false);
	while (most-- && READ_ONCE(session->map.free_chunks) < spare) {
		if (leap_slab_borrow(session)) {
			WRITE_ONCE(session->exhausted, true);
			return;
		}
	}
}

/* As many as can be returned in a while: there is more to be done. */
static void shrink(struct leap_session *session)
{
	/* One more than grow() asks for, or they would take turns. */
	u32 spare = spare_chunks(session) + session->map.chunks_per_slab;
	unsigned long end = jiffies + tick(session);
	u32 i;

	for (i = 0; i < session->map.top && time_before_eq(jiffies, end); i++)
		if (leap_slab_idle(session, i, LEAP_LINGER) &&
		    (READ_ONCE(session->map.free_chunks) >= spare ||
		     READ_ONCE(session->uses[i].closed)))
			leap_slab_return(session, i);
}

/* Of two copies, the one on a server that has been slower than that is the worse. */
static unsigned int slow_ms(struct leap_session *session)
{
	return session->portal.timeout_ms / 2;
}

static void look_after(struct leap_session *session, struct leap_server *server)
{
	int err;

	if (!server || !leap_server_live(server))
		return;
	err = session->transport->ping(server);
	if (err && err != -ENOTCONN)	/* that one is known */
		leap_server_fail(server, "it does not answer", err);
	else if (!err && !session->transport->overdue(server, slow_ms(session)))
		leap_server_note(server, LEAP_HEALTH_ALIVE);
}

static void look_for_overdue(struct leap_session *session,
			     struct leap_server *server)
{
	if (!server || !leap_server_live(server))
		return;
	if (session->transport->flush)
		session->transport->flush(server);
	if (session->transport->overdue(server, session->portal.timeout_ms))
		leap_server_fail(server, "a request was not answered in time",
				 -ETIMEDOUT);
	else if (session->transport->overdue(server, slow_ms(session)))
		leap_server_note(server, LEAP_HEALTH_SLOW);
}

static void watch(struct work_struct *work)
{
	struct leap_session *session =
		container_of(work, struct leap_session, watch.work);
	unsigned int i;

	for (i = 0; i < READ_ONCE(session->places); i++) {
		guard(rcu)();	/* keeps the server */
		look_for_overdue(session, leap_session_server(session, i));
	}
	queue_delayed_work(leap_wq, &session->watch, tick(session));
}

static void housekeeping(struct work_struct *work)
{
	struct leap_session *session =
		container_of(work, struct leap_session, housekeeping.work);
	unsigned int noio = memalloc_noio_save();	/* see leap_wq */
	unsigned int i;

	grow(session);
	shrink(session);
	if (READ_ONCE(session->lacking))
		leap_move_kick(session);
	for (i = 0; i < READ_ONCE(session->places); i++)
		look_after(session, leap_session_server(session, i));
	queue_delayed_work(leap_wq, &session->housekeeping, tick(session));
	memalloc_noio_restore(noio);
}

/**
 * leap_housekeeping_kick - slabs are running short: do not wait for the tick
 * @session: whose
 *
 * Does nothing if there were none to be had at the last tick. Any context.
 */
void leap_housekeeping_kick(struct leap_session *session)
{
	if (!READ_ONCE(session->exhausted))
		mod_delayed_work(leap_wq, &session->housekeeping, 0);
}

/**
 * leap_housekeeping_soon - something is to be tried again in a moment
 * @session: whose
 *
 * Any context. Nothing happens if the session ends.
 */
void leap_housekeeping_soon(struct leap_session *session)
{
	mod_delayed_work(leap_wq, &session->housekeeping, LEAP_RETRY);
}

/**
 * leap_watch_soon - a request could not be started, and nothing else is to start it
 * @session: whose
 *
 * Any context. Nothing happens if the session ends.
 */
void leap_watch_soon(struct leap_session *session)
{
	mod_delayed_work(leap_wq, &session->watch, LEAP_RETRY);
}

/**
 * leap_housekeeping_init - it can be kicked, which does nothing yet
 * @session: being created
 */
void leap_housekeeping_init(struct leap_session *session)
{
	INIT_DELAYED_WORK(&session->housekeeping, housekeeping);
	INIT_DELAYED_WORK(&session->watch, watch);
	disable_delayed_work(&session->housekeeping);
	disable_delayed_work(&session->watch);
}

/**
 * leap_housekeeping_start - borrow the first slabs, then go on regularly
 * @session: connected; not published yet
 *
 * Return: 0, or -ENOSPC if not one slab could be had.
 */
int leap_housekeeping_start(struct leap_session *session)
{
	grow(session);
	if (!session->map.free_chunks)
		return -ENOSPC;
	enable_delayed_work(&session->housekeeping);
	queue_delayed_work(leap_wq, &session->housekeeping, tick(session));
	enable_delayed_work(&session->watch);
	queue_delayed_work(leap_wq, &session->watch, tick(session));
	return 0;
}

/**
 * leap_housekeeping_stop - the reverse, for good; kicking it does nothing any more
 * @session: whose
 */
void leap_housekeeping_stop(struct leap_session *session)
{
	disable_delayed_work_sync(&session->watch);
	disable_delayed_work_sync(&session->housekeeping);
}
