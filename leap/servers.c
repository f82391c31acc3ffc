// SPDX-License-Identifier: GPL-2.0
/*
 * The servers of a session: one is added, one is removed, while programs run.
 *
 * Both are commands under the session lock. To add one is to connect to it as to
 * those that the portal names, and then to put it into a free place, where
 * housekeeping, the mover and all others find it. To remove one only begins there:
 *
 *	drain	it lends nothing more, all of its homes retire (move.c), and what
 *		a lost one has is not waited for if others have it, too
 *	empty	no lease refers to it, and none can any more; its place is empty
 *	wait	for those who may have found it before: server.c says who they are
 *	gone	disconnected, its folder in sysfs is gone, its memory free
 *
 * The reaper does all but the first, after the command has returned. It takes the
 * session lock, so that a place is not taken again before all of that is done, but
 * does not wait for it: who ends the session has it, and waits for the reaper.
 *
 * There is no way back from draining: what has left the server would have to come
 * again. Who has changed his mind adds it anew when it is gone.
 */
#include "slab.h"
#include "policy/errors.h"

/* Between looks at those who are being drained. */
#define REAP_TICK	max(HZ / 10, 1)

/**
 * leap_servers_staying - how many servers are there?
 * @session: whose; under the session lock
 *
 * Return: servers, without those that are to be removed.
 */
u32 leap_servers_staying(struct leap_session *session)
{
	u32 i, nr = 0;

	for (i = 0; i < session->places; i++)
		nr += session->servers[i] && !session->servers[i]->leaving;
	return nr;
}

/* Under the session lock. */
static void set_place(struct leap_session *session, u32 place,
		      struct leap_server *server)
{
	spin_lock_irq(&session->map_lock);
	/* Who finds it there finds all of it. */
	smp_store_release(&session->servers[place], server);
	if (session->places <= place)
		WRITE_ONCE(session->places, place + 1);
	spin_unlock_irq(&session->map_lock);
}

/**
 * leap_servers_connect - connect to all servers of the portal
 * @session: being created
 *
 * Return: 0 or what has gone wrong with the first one that fails.
 */
int leap_servers_connect(struct leap_session *session)
{
	u32 i;

	for (i = 0; i < session->portal.nr_servers; i++) {
		struct leap_server *server =
			leap_server_create(session, i, &session->portal.servers[i]);

		if (IS_ERR(server))
			return PTR_ERR(server);
		set_place(session, i, server);
	}
	return 0;
}

/* Nobody finds it any more; then nobody has it. */
static void let_go(struct leap_session *session, struct leap_server *server)
{
	u32 place = server->index;

	set_place(session, place, NULL);
	synchronize_rcu();
	flush_work(&session->housekeeping.work);
	WRITE_ONCE(session->reaping, true);	/* the mover may have much to do */
	flush_work(&session->mover.work);
	WRITE_ONCE(session->reaping, false);
	leap_move_kick(session);
	leap_server_destroy(server);
	pr_info("server %u is removed\n", place);
}

/* Returns whether some are not empty yet. */
static bool reap(struct leap_session *session)
{
	bool more = false;
	u32 i;

	for (i = 0; i < session->places; i++) {
		struct leap_server *server = session->servers[i];

		if (!server || !server->leaving)
			continue;
		leap_slab_server_spare(server);
		if (leap_slab_server_empty(server))
			let_go(session, server);
		else
			more = true;
	}
	return more;
}

static void reap_work(struct work_struct *work)
{
	struct leap_session *session =
		container_of(work, struct leap_session, reaper.work);
	bool more = true;

	if (leap_session_trylock()) {
		more = reap(session);
		leap_session_unlock();
	}
	if (more)
		queue_delayed_work(system_unbound_wq, &session->reaper, REAP_TICK);
}

/**
 * leap_servers_init - before the first server
 * @session: being created
 */
void leap_servers_init(struct leap_session *session)
{
	INIT_DELAYED_WORK(&session->reaper, reap_work);
}

/**
 * leap_servers_exit - let all servers go
 * @session: which nobody can reach any more
 */
void leap_servers_exit(struct leap_session *session)
{
	u32 i;

	disable_delayed_work_sync(&session->reaper);
	for (i = 0; i < session->places; i++)
		if (session->servers[i])
			leap_server_destroy(session->servers[i]);
}

/* The session, and in @addr what @text says. */
static struct leap_session *begin(const char *text, struct leap_portal_server *addr)
{
	struct leap_session *session;
	struct leap_portal_error error;
	int err;

	leap_error_clear();
	session = leap_session_peek();
	if (!session) {
		leap_error("there is no session; make one: leapctl session create");
		return ERR_PTR(-ENOTCONN);
	}
	err = leap_portal_parse_server(text, session->portal.transport, addr, &error);
	if (!err)
		return session;
	leap_error("%s", error.text);
	return ERR_PTR(err);
}

/* One that is to be removed only if there is no other. */
static struct leap_server *find(struct leap_session *session,
				const struct leap_portal_server *addr)
{
	struct leap_server *found = NULL;
	u32 i;

	for (i = 0; i < session->places; i++) {
		struct leap_server *server = session->servers[i];

		if (!server || !leap_portal_same_server(&server->addr, addr))
			continue;
		if (!server->leaving)
			return server;
		found = server;
	}
	return found;
}

/* Of dram, there may be any number of the same size. */
static int check_new(struct leap_session *session,
		     const struct leap_portal_server *addr, const char *text)
{
	struct leap_server *old = find(session, addr);

	if (!old || session->portal.transport == LEAP_PORTAL_DRAM)
		return 0;
	if (old->leaving)
		leap_error("%s is being removed; add it when that is done: leapctl session show",
			   text);
	else
		leap_error("%s is server %u already; see leapctl session show",
			   text, old->index);
	return -EEXIST;
}

static int free_place(struct leap_session *session)
{
	u32 i;

	for (i = 0; i < LEAP_SERVERS_MAX; i++)
		if (!session->servers[i])
			return i;
	leap_error("the session has %u servers, which is all that it can have; remove one first",
		   LEAP_SERVERS_MAX);
	return -ENOSPC;
}

/* There is room again for what waits for a place. */
static void begin_to_use(struct leap_session *session)
{
	spin_lock_irq(&session->map_lock);
	session->repair_at = jiffies;
	spin_unlock_irq(&session->map_lock);
	leap_housekeeping_soon(session);
	leap_move_kick(session);
}

/**
 * leap_servers_add - one more server for the session
 * @text: an element of a portal's list
 *
 * Return: 0; -ENOTCONN no session, -EEXIST it is there, -ENOSPC no place is free, or
 * why it cannot be used, as when a session is created. leap_error() has been called.
 */
int leap_servers_add(const char *text)
{
	struct leap_portal_server addr;
	struct leap_session *session;
	struct leap_server *server;
	int err, place;

	leap_session_lock();
	session = begin(text, &addr);
	err = PTR_ERR_OR_ZERO(session);
	if (!err)
		err = check_new(session, &addr, text);
	if (err)
		goto out;
	place = free_place(session);
	if (place < 0) {
		err = place;
		goto out;
	}
	server = leap_server_create(session, place, &addr);
	err = PTR_ERR_OR_ZERO(server);
	if (!err) {
		set_place(session, place, server);
		begin_to_use(session);
		pr_info("server %u is added: %s\n", place, text);
	}
out:
	leap_session_unlock();
	return err;
}

static int check_old(struct leap_session *session, const struct leap_server *server,
		     const char *text)
{
	if (!server) {
		leap_error("%s is no server of the session; see leapctl session show",
			   text);
		return -ENOENT;
	}
	if (server->leaving ||
	    leap_servers_staying(session) > session->portal.replicas)
		return 0;
	leap_error("the session needs %s: add one first, or end it: leapctl session destroy",
		   session->portal.replicas == 1 ? "its last server" :
		   "as many servers as copies");
	return -EBUSY;
}

/**
 * leap_servers_remove - begin to remove a server
 * @text: an element of a portal's list
 *
 * It goes by itself when nothing is left on it. Nothing changes if that has begun
 * before.
 *
 * Return: 0; -ENOTCONN no session, -ENOENT no such server, -EBUSY too few would
 * stay, or the text is malformed. leap_error() has been called.
 */
int leap_servers_remove(const char *text)
{
	struct leap_server *server = NULL;
	struct leap_portal_server addr;
	struct leap_session *session;
	int err;

	leap_session_lock();
	session = begin(text, &addr);
	err = PTR_ERR_OR_ZERO(session);
	if (!err) {
		server = find(session, &addr);
		err = check_old(session, server, text);
	}
	if (!err && !server->leaving) {
		leap_server_drain(server);
		leap_housekeeping_soon(session);
		mod_delayed_work(system_unbound_wq, &session->reaper, REAP_TICK);
		pr_info("server %u is to be removed: %s\n", server->index, text);
	}
	leap_session_unlock();
	return err;
}
